// Reads a pattern as `java.util.regex.Pattern` (Java 17) does. What Java refuses is refused here, with its place; of what
// Java knows, blocks (`\p{In…}`), names of characters (`\N{…}`), grapheme clusters (`\X`, `\b{g}`), and `\G` elsewhere than at the
// beginning, are refused by name.
import { CodePoints } from './code-points.ts';
import { propertyOf, setOf } from './properties.ts';
import type { Node, Parsed } from './tree.ts';

export class PatternSyntaxError extends Error {
  constructor(problem: string, pattern: string, at: number) {
    super(`${problem} near index ${at} of the regular expression ${pattern}`);
  }
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly unicodeCase: boolean;
  readonly unicodeClasses: boolean;
  readonly unixLines: boolean;
  readonly lines: boolean;
  readonly dotAll: boolean;
  readonly comments: boolean;
}

const FLAG_OF_LETTER: Readonly<Record<string, keyof Flags>> = {
  i: 'ignoreCase',
  u: 'unicodeCase',
  U: 'unicodeClasses',
  d: 'unixLines',
  m: 'lines',
  s: 'dotAll',
  x: 'comments',
};

const NO_FLAGS: Flags = {
  ignoreCase: false,
  unicodeCase: false,
  unicodeClasses: false,
  unixLines: false,
  lines: false,
  dotAll: false,
  comments: false,
};

const TERMINATORS = CodePoints.in('\n\r\u0085\u2028\u2029');
const UNIX_TERMINATORS = CodePoints.in('\n');
const HORIZONTAL = ' \\t\\xA0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000';
const VERTICAL = '\\n-\\r\\x85\\u2028\\u2029';
/** Small letter → the class; the capital is its complement. With `(?U)`: the second. */
const CLASSES: Readonly<Record<string, readonly [string, string]>> = {
  d: ['0-9', '\\p{Nd}'],
  w: ['0-9a-zA-Z_', '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}'],
  s: [' \\t-\\r', '\\p{White_Space}'],
  h: [HORIZONTAL, HORIZONTAL],
  v: [VERTICAL, VERTICAL],
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, f: 12, r: 13, a: 7, e: 27 };
const EMPTY: Node = { kind: 'sequence', parts: [] };
const NESTING_MAX = 200;

/** Throws a PatternSyntaxError. */
export function parsePattern(pattern: string): Parsed {
  return new Parser(pattern).parse();
}

class Parser {
  readonly #pattern: string;
  readonly #names = new Map<string, number>();
  #at = 0;
  #flags = NO_FLAGS;
  #groups = 0;
  #depth = 0;
  #isSticky = false;
  /** Behind `\Q`: characters stand for themselves until `\E`. */
  #isQuoted = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): Parsed {
    const node = this.#choice();
    if (this.#at < this.#pattern.length) this.#fail("Unmatched closing ')'");
    return { node, groups: this.#groups, names: this.#names, isSticky: this.#isSticky };
  }

  #fail(problem: string): never {
    throw new PatternSyntaxError(problem, this.#pattern, this.#at);
  }

  #choice(): Node {
    if (++this.#depth > NESTING_MAX) this.#fail(`More than ${NESTING_MAX} groups in each other`);
    const flags = this.#flags;
    const options = [this.#sequence()];
    while (this.#peek() === '|') {
      this.#at++;
      options.push(this.#sequence());
    }
    this.#flags = flags;
    this.#depth--;
    return options.length === 1 ? options[0]! : { kind: 'choice', options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || ((next === '|' || next === ')') && !this.#isQuoted)) break;
      const part = this.#atom();
      if (part !== undefined) parts.push(this.#repeated(part));
    }
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
  }

  /** The next character that counts; undefined at the end. Goes past quotation marks and comments. */
  #peek(): string | undefined {
    for (;;) {
      const rest = this.#pattern.startsWith('\\E', this.#at) && this.#isQuoted;
      if (rest) {
        this.#isQuoted = false;
        this.#at += 2;
      } else if (!this.#isQuoted && this.#pattern.startsWith('\\Q', this.#at)) {
        this.#isQuoted = true;
        this.#at += 2;
      } else if (!this.#isQuoted && this.#flags.comments && /[ \t-\r#]/.test(this.#pattern.charAt(this.#at))) {
        this.#skipComment();
      } else break;
    }
    const code = this.#pattern.codePointAt(this.#at);
    return code === undefined ? undefined : String.fromCodePoint(code);
  }

  #skipComment(): void {
    if (this.#pattern[this.#at] !== '#') {
      this.#at++;
      return;
    }
    while (this.#at < this.#pattern.length && !/[\n\r\u0085\u2028\u2029]/.test(this.#pattern[this.#at]!)) this.#at++;
  }

  /** Undefined for what only sets flags. */
  #atom(): Node | undefined {
    const char = this.#peek()!;
    if (this.#isQuoted) return this.#literal(char);
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        this.#at++;
        return { kind: 'set', set: this.#class() };
      case '\\':
        return this.#escape();
      case '.':
        this.#at++;
        return { kind: 'set', set: this.#flags.dotAll ? CodePoints.ALL : this.#terminators().not() };
      case '^':
        this.#at++;
        return { kind: 'start', lines: this.#flags.lines, terminators: this.#terminators() };
      case '$':
        this.#at++;
        return { kind: 'end', where: this.#flags.lines ? 'lines' : 'beforeLast', terminators: this.#terminators() };
      case '*':
      case '+':
      case '?':
        return this.#fail(`Dangling meta character '${char}'`);
      case '{':
        // Java repeats nothing, when there is nothing before the count.
        return EMPTY;
      default:
        return this.#literal(char);
    }
  }

  #terminators(): CodePoints {
    return this.#flags.unixLines ? UNIX_TERMINATORS : TERMINATORS;
  }

  #literal(char: string): Node {
    this.#at += char.length;
    return { kind: 'set', set: this.#folded(CodePoints.in(char)) };
  }

  #folded(set: CodePoints): CodePoints {
    return this.#flags.ignoreCase ? set.ignoringCase(this.#flags.unicodeCase) : set;
  }

  #repeated(body: Node): Node {
    const next = this.#peek();
    if (this.#isQuoted) return body;
    let min: number;
    let max: number;
    if (next === '?' || next === '*' || next === '+') {
      this.#at++;
      min = next === '+' ? 1 : 0;
      max = next === '?' ? 1 : Number.POSITIVE_INFINITY;
    } else if (next === '{') {
      const counts = /^\{(\d+)(,(\d*))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 30));
      if (counts === null) return this.#fail('Illegal repetition');
      min = Number(counts[1]);
      max = counts[2] === undefined ? min : counts[3] === '' ? Number.POSITIVE_INFINITY : Number(counts[3]);
      if (max < min || min > 0x7fffffff) this.#fail('Illegal repetition range');
      this.#at += counts[0].length;
    } else return body;
    const suffix = this.#peek();
    const mode = this.#isQuoted ? 'greedy' : suffix === '?' ? 'lazy' : suffix === '+' ? 'possessive' : 'greedy';
    if (mode !== 'greedy') this.#at++;
    const repeat: Node = { kind: 'repeat', body, min, max, mode };
    const more = this.#peek();
    if (!this.#isQuoted && (more === '*' || more === '+' || more === '?'))
      return this.#fail(`Dangling meta character '${more}'`);
    return !this.#isQuoted && more === '{' ? this.#repeated(repeat) : repeat;
  }

  #group(): Node | undefined {
    this.#at++;
    if (this.#pattern[this.#at] !== '?') return this.#capture();
    const rest = this.#pattern.slice(this.#at, this.#at + 4);
    const look = /^\?(<?)([=!])/.exec(rest);
    if (look !== null) {
      this.#at += look[0].length;
      return { kind: 'look', ahead: look[1] === '', negative: look[2] === '!', body: this.#body() };
    }
    if (rest.startsWith('?>')) {
      this.#at += 2;
      return { kind: 'atomic', body: this.#body() };
    }
    if (rest.startsWith('?<')) {
      const name = /^\?<([a-zA-Z][a-zA-Z0-9]*)>/.exec(this.#pattern.slice(this.#at));
      if (name === null) return this.#fail('Unknown look-behind group or group name');
      if (this.#names.has(name[1]!)) this.#fail(`Named capturing group <${name[1]}> is already defined`);
      this.#at += name[0].length;
      this.#names.set(name[1]!, this.#groups + 1);
      return this.#capture();
    }
    const flags = /^\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/.exec(this.#pattern.slice(this.#at));
    if (flags === null) return this.#fail('Unknown inline modifier');
    const before = this.#flags;
    this.#at += flags[0].length;
    this.#set(flags[1]!, true);
    this.#set(flags[2] ?? '', false);
    // Without a body, flags hold to the end of the group that they stand in.
    if (flags[3] === ')') return undefined;
    const body = this.#body();
    this.#flags = before;
    return body;
  }

  #set(letters: string, value: boolean): void {
    for (const letter of letters) {
      const flag = FLAG_OF_LETTER[letter];
      if (flag === undefined) return this.#fail(`Unknown inline modifier '${letter}'`);
      this.#flags = { ...this.#flags, [flag]: value };
      if (flag === 'unicodeClasses') this.#flags = { ...this.#flags, unicodeCase: value };
    }
  }

  #capture(): Node {
    const number = ++this.#groups;
    return { kind: 'capture', number, body: this.#body() };
  }

  #body(): Node {
    const body = this.#choice();
    if (this.#peek() !== ')') this.#fail('Unclosed group');
    this.#at++;
    return body;
  }

  #escape(): Node {
    const letter = this.#pattern[this.#at + 1];
    switch (letter) {
      case 'b':
      case 'B':
        if (this.#pattern.startsWith('\\b{', this.#at)) this.#fail('Boundaries of grapheme clusters are not supported');
        this.#at += 2;
        return { kind: 'boundary', negative: letter === 'B' };
      case 'A':
        this.#at += 2;
        return { kind: 'start', lines: false, terminators: this.#terminators() };
      case 'z':
      case 'Z':
        this.#at += 2;
        return { kind: 'end', where: letter === 'z' ? 'text' : 'beforeLast', terminators: this.#terminators() };
      case 'R':
        this.#at += 2;
        return {
          kind: 'atomic',
          body: { kind: 'choice', options: [textNode('\r\n'), { kind: 'set', set: setOf(VERTICAL) }] },
        };
      case 'G':
        if (this.#at > 0) return this.#fail('\\G is supported at the beginning of a pattern only');
        this.#at += 2;
        this.#isSticky = true;
        return EMPTY;
      case 'X':
        return this.#fail('\\X is not supported');
      case 'k': {
        const name = /^\\k<(\w+)>/.exec(this.#pattern.slice(this.#at));
        const number = name === null ? undefined : this.#names.get(name[1]!);
        if (number === undefined) return this.#fail('There is no group of this name before it');
        this.#at += name![0].length;
        return { kind: 'backreference', number, ignoreCase: this.#flags.ignoreCase };
      }
      default:
        if (letter !== undefined && /[1-9]/.test(letter)) return this.#backreference();
        return { kind: 'set', set: this.#escapedSet() };
    }
  }

  /** As many digits as make the number of a group that has begun. */
  #backreference(): Node {
    let number = Number(this.#pattern[++this.#at]);
    this.#at++;
    while (/\d/.test(this.#pattern[this.#at] ?? '')) {
      const longer = number * 10 + Number(this.#pattern[this.#at]);
      if (longer > this.#groups) break;
      number = longer;
      this.#at++;
    }
    return { kind: 'backreference', number, ignoreCase: this.#flags.ignoreCase };
  }

  /** What stands for one character, inside brackets and outside. */
  #escapedSet(): CodePoints {
    const letter = this.#pattern[this.#at + 1];
    if (letter === undefined) return this.#fail('Unexpected internal error: nothing behind the backslash');
    const named = CLASSES[letter.toLowerCase()];
    if (named !== undefined) {
      this.#at += 2;
      const set = setOf(named[this.#flags.unicodeClasses ? 1 : 0]);
      return letter === letter.toLowerCase() ? set : set.not();
    }
    if (letter === 'p' || letter === 'P') return this.#property(letter === 'P');
    return this.#folded(CodePoints.in(String.fromCodePoint(this.#escapedChar())));
  }

  #property(isNegative: boolean): CodePoints {
    const named = /^\\[pP](?:\{(\^?)([^{}]+)\}|([A-Z]))/.exec(this.#pattern.slice(this.#at));
    const name = named?.[2] ?? named?.[3];
    if (named === null || name === undefined) return this.#fail('Illegal character family');
    const set = propertyOf(name, this.#flags);
    if (set === undefined) return this.#fail(`Unknown character property name {${name}}`);
    this.#at += named[0].length;
    return isNegative !== (named[1] === '^') ? set.not() : set;
  }

  #escapedChar(): number {
    const rest = this.#pattern.slice(this.#at, this.#at + 14);
    const hex = /^\\(?:x([\da-fA-F]{2})|x\{([\da-fA-F]{1,8})\}|u([\da-fA-F]{4}))/.exec(rest);
    if (hex !== null) {
      this.#at += hex[0].length;
      const code = Number.parseInt((hex[1] ?? hex[2] ?? hex[3])!, 16);
      if (code > 0x10ffff) this.#fail('Hexadecimal codepoint is too big');
      const low = /^\\u(d[c-f][\da-f]{2})/i.exec(this.#pattern.slice(this.#at, this.#at + 6));
      if (hex[3] === undefined || code < 0xd800 || code > 0xdbff || low === null) return code;
      this.#at += low[0].length;
      return String.fromCharCode(code, Number.parseInt(low[1]!, 16)).codePointAt(0)!;
    }
    const octal = /^\\0([0-3]?[0-7]{1,2})/.exec(rest);
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[1]!, 8);
    }
    const code = this.#pattern.codePointAt(this.#at + 1)!;
    const letter = String.fromCodePoint(code);
    if (letter === 'c' && rest.length > 2) {
      this.#at += 3;
      return rest.charCodeAt(2) ^ 64;
    }
    const control = CONTROLS[letter];
    if (control === undefined && /[a-zA-Z0-9]/.test(letter)) return this.#fail('Illegal/unsupported escape sequence');
    this.#at += 1 + letter.length;
    return control ?? code;
  }

  /** Behind the opening bracket, to behind the closing one. Operands of `&&` are what stands between. */
  #class(): CodePoints {
    if (++this.#depth > NESTING_MAX) this.#fail(`More than ${NESTING_MAX} groups in each other`);
    const isNegative = this.#peek() === '^' && !this.#isQuoted;
    if (isNegative) this.#at++;
    let result: CodePoints | undefined;
    let operand: CodePoints | undefined;
    const intersect = (): void => {
      if (operand !== undefined) result = result === undefined ? operand : result.and(operand);
      operand = undefined;
    };
    for (;;) {
      const char = this.#peek();
      if (char === undefined) return this.#fail('Unclosed character class');
      if (!this.#isQuoted && char === ']' && (result !== undefined || operand !== undefined)) break;
      if (!this.#isQuoted && this.#pattern.startsWith('&&', this.#at)) {
        intersect();
        while (this.#pattern[this.#at] === '&') this.#at++;
        continue;
      }
      const item = this.#classItem(char);
      operand = operand === undefined ? item : operand.or(item);
    }
    intersect();
    this.#at++;
    this.#depth--;
    return isNegative ? result!.not() : result!;
  }

  #classItem(char: string): CodePoints {
    if (!this.#isQuoted && char === '[') {
      this.#at++;
      return this.#class();
    }
    if (!this.#isQuoted && char === '\\') {
      const letter = this.#pattern[this.#at + 1] ?? '';
      if (letter === 'p' || letter === 'P' || CLASSES[letter.toLowerCase()] !== undefined) return this.#escapedSet();
    }
    const first = this.#classChar(char);
    const next = this.#pattern[this.#at + 1];
    if (this.#peek() !== '-' || this.#isQuoted || next === undefined || next === ']' || next === '[')
      return this.#folded(CodePoints.of([[first, first]]));
    if (this.#pattern.startsWith('-&&', this.#at)) return this.#folded(CodePoints.of([[first, first]]));
    this.#at++;
    const last = this.#classChar(this.#peek()!);
    if (last < first) this.#fail('Illegal character range');
    return this.#folded(CodePoints.of([[first, last]]));
  }

  #classChar(char: string): number {
    if (!this.#isQuoted && char === '\\') return this.#escapedChar();
    this.#at += char.length;
    return char.codePointAt(0)!;
  }
}

function textNode(text: string): Node {
  return { kind: 'sequence', parts: Array.from(text, (char) => ({ kind: 'set', set: CodePoints.in(char) })) };
}
