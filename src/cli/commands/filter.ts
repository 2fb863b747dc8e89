/**
 * Conditions on records: `value.amount > 10 AND key = "x"`. A small language of its own, since records have no schema here:
 *
 *   condition   = and { OR and }        and = not { AND not }        not = NOT not | ( condition ) | comparison
 *   comparison  = operand [ (= != <> < <= > >= ~ !~) operand | [NOT] IN ( operand, … ) | IS [NOT] NULL ]
 *   operand     = path | number | 'text' | "text" | TRUE | FALSE | NULL
 *   path        = topic | partition | offset | timestamp | key | value | headers, then .name, [0], ['name']
 *
 * What is not there is null, and nothing compares with null, as in SQL. `~` finds a regular expression (in linear time).
 * Numbers are compared with all their digits; a text compares with a number by the number (or time) that it is.
 */
import { RE2JS } from 're2js';
import { JsonNumber, messageOf } from '../../util/index.ts';
import { usage } from './options.ts';
import { timeOf } from './positions.ts';

/** What conditions see of a record. */
export interface Filtered {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** ms since the epoch. */
  readonly timestamp: number;
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Undefined: unknown, because of a null. */
type Truth = boolean | undefined;
type Condition = (record: Filtered) => Truth;
type Operand = (record: Filtered) => unknown;

/** Throws INVALID_OPTION, with the place, where the text is no condition. */
export function parseFilter(text: string): (record: Filtered) => boolean {
  const condition = new Parser(text).whole();
  return (record) => condition(record) === true;
}

const ROOTS = ['topic', 'partition', 'offset', 'timestamp', 'key', 'value', 'headers'] as const;
const TOKEN =
  /\s*(?:(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<text>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")|(?<word>[A-Za-z_][\w-]*)|(?<sign>!=|<>|<=|>=|!~|[=<>~()[\],.]))/y;

interface Token {
  readonly kind: 'number' | 'text' | 'word' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokensOf(source, (at, why) => this.#wrong(at, why));
  }

  whole(): Condition {
    const condition = this.#or();
    if (this.#token.kind !== 'end') this.#fail('AND, OR or the end');
    return condition;
  }

  #or(): Condition {
    const parts = [this.#and()];
    while (this.#takeWord('OR')) parts.push(this.#and());
    return parts.length === 1 ? parts[0]! : (record) => anyOf(parts.map((part) => part(record)));
  }

  #and(): Condition {
    const parts = [this.#not()];
    while (this.#takeWord('AND')) parts.push(this.#not());
    return parts.length === 1 ? parts[0]! : (record) => negated(anyOf(parts.map((part) => negated(part(record)))));
  }

  #not(): Condition {
    if (this.#takeWord('NOT')) {
      const inner = this.#not();
      return (record) => negated(inner(record));
    }
    if (this.#takeSign('(')) {
      const inner = this.#or();
      this.#expectSign(')');
      return inner;
    }
    return this.#comparison();
  }

  #comparison(): Condition {
    const left = this.#operand();
    const { kind, text } = this.#token;
    if (kind === 'sign' && Object.hasOwn(COMPARISONS, text)) {
      this.#next++;
      const compare = COMPARISONS[text]!;
      const right = this.#operand();
      return (record) => orUnknown(left(record), right(record), compare);
    }
    if (kind === 'sign' && (text === '~' || text === '!~')) {
      this.#next++;
      return this.#matches(left, text === '!~');
    }
    if (this.#takeWord('IS')) {
      const isNot = this.#takeWord('NOT');
      if (!this.#takeWord('NULL')) this.#fail('NULL');
      return (record) => (left(record) === null) !== isNot;
    }
    const isNot = this.#takeWord('NOT');
    if (this.#takeWord('IN')) {
      const list = this.#list();
      return (record) => {
        const value = left(record);
        const found = anyOf(list.map((each) => orUnknown(value, each(record), (order) => order === 0)));
        return isNot ? negated(found) : found;
      };
    }
    if (isNot) this.#fail('IN');
    return (record) => truthOf(left(record));
  }

  #matches(left: Operand, isNot: boolean): Condition {
    const { kind, text, at } = this.#token;
    if (kind !== 'text') this.#fail('a regular expression in quotes');
    this.#next++;
    const pattern = this.#compile(unquoted(text), at);
    return (record) => {
      const value = left(record);
      return value === null ? undefined : pattern.matcher(textOf(value)).find() !== isNot;
    };
  }

  #compile(text: string, at: number): RE2JS {
    try {
      return RE2JS.compile(text);
    } catch (error) {
      return this.#wrong(at, messageOf(error));
    }
  }

  #list(): Operand[] {
    this.#expectSign('(');
    const list = [this.#operand()];
    while (this.#takeSign(',')) list.push(this.#operand());
    this.#expectSign(')');
    return list;
  }

  #operand(): Operand {
    const { kind, text } = this.#token;
    if (kind === 'end' || kind === 'sign') return this.#fail('a value, or the name of one');
    this.#next++;
    if (kind === 'number') return constant(new JsonNumber(text));
    if (kind === 'text') return constant(unquoted(text));
    const word = text.toUpperCase();
    if (word === 'TRUE' || word === 'FALSE') return constant(word === 'TRUE');
    if (word === 'NULL') return constant(null);
    const root = ROOTS.find((each) => each === text);
    if (root === undefined) {
      this.#next--;
      return this.#fail(`one of ${ROOTS.join(', ')}`);
    }
    return this.#path((record) => record[root]);
  }

  #path(root: Operand): Operand {
    const steps: string[] = [];
    for (;;) {
      if (this.#takeSign('.')) {
        if (this.#token.kind !== 'word') this.#fail('a name');
        steps.push(this.#token.text);
        this.#next++;
      } else if (this.#takeSign('[')) {
        const { kind, text } = this.#token;
        if (kind !== 'number' && kind !== 'text') this.#fail('an index, or a name in quotes');
        steps.push(kind === 'text' ? unquoted(text) : text);
        this.#next++;
        this.#expectSign(']');
      } else break;
    }
    return (record) => {
      let value: unknown = root(record);
      for (const step of steps) {
        if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return null;
        value = (value as Record<string, unknown>)[step];
      }
      return value ?? null;
    };
  }

  get #token(): Token {
    return this.#tokens[this.#next]!;
  }

  #takeWord(word: string): boolean {
    const { kind, text } = this.#token;
    const isIt = kind === 'word' && text.toUpperCase() === word;
    if (isIt) this.#next++;
    return isIt;
  }

  #takeSign(sign: string): boolean {
    const { kind, text } = this.#token;
    const isIt = kind === 'sign' && text === sign;
    if (isIt) this.#next++;
    return isIt;
  }

  #expectSign(sign: string): void {
    if (!this.#takeSign(sign)) this.#fail(`"${sign}"`);
  }

  #fail(wanted: string): never {
    const { kind, text, at } = this.#token;
    return this.#wrong(at, `${wanted} is expected${kind === 'end' ? ' at the end' : `, not "${text}"`}`);
  }

  #wrong(at: number, why: string): never {
    throw usage(`--filter, at character ${at + 1} of ${this.#source}: ${why}.`);
  }
}

function tokensOf(source: string, wrong: (at: number, why: string) => never): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const end = source.trimEnd().length;
  while (at < end) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (match === null) {
      const rest = source.slice(at).trimStart();
      wrong(source.length - rest.length, `"${rest.slice(0, 10)}" has no meaning here`);
    }
    const [kind, text] = Object.entries(match!.groups!).find(([, each]) => each !== undefined)!;
    at = TOKEN.lastIndex;
    tokens.push({ kind: kind as Token['kind'], text: text!, at: at - text!.length });
  }
  return [...tokens, { kind: 'end', text: '', at: end }];
}

/** Single quotes are doubled, as in SQL; in double ones a backslash stands before them. */
function unquoted(text: string): string {
  const inner = text.slice(1, -1);
  return text.startsWith("'") ? inner.replaceAll("''", "'") : inner.replace(/\\(.)/g, '$1');
}

const constant =
  (value: unknown): Operand =>
  () =>
    value;

/** By what comes first: negative, 0, positive; NaN where two things have no order and are not the same. */
const COMPARISONS: Readonly<Record<string, (order: number) => Truth>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<>': (order) => order !== 0,
  '<': (order) => (Number.isNaN(order) ? undefined : order < 0),
  '<=': (order) => (Number.isNaN(order) ? undefined : order <= 0),
  '>': (order) => (Number.isNaN(order) ? undefined : order > 0),
  '>=': (order) => (Number.isNaN(order) ? undefined : order >= 0),
};

function orUnknown(left: unknown, right: unknown, compare: (order: number) => Truth): Truth {
  return left === null || right === null ? undefined : compare(orderOf(left, right));
}

function orderOf(left: unknown, right: unknown): number {
  const [one, other] = [numberOf(left), numberOf(right)];
  if (one !== undefined && other !== undefined) return compareNumbers(one, other);
  if (one !== undefined && typeof right === 'string') return orderWithText(one, right);
  if (other !== undefined && typeof left === 'string') return -orderWithText(other, left);
  if (typeof left === 'string' && typeof right === 'string') return left === right ? 0 : left < right ? -1 : 1;
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  return textOf(left) === textOf(right) ? 0 : Number.NaN;
}

/** The text of a number; undefined: it is none. */
function numberOf(value: unknown): string | undefined {
  if (value instanceof JsonNumber) return value.text;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

function orderWithText(number: string, text: string): number {
  const trimmed = text.trim();
  if (trimmed !== '' && Number.isFinite(Number(trimmed))) return compareNumbers(number, trimmed);
  const time = timeOf(trimmed);
  return time === undefined ? Number.NaN : compareNumbers(number, String(time));
}

/** Integers that doubles can't tell apart are compared as what they are. */
function compareNumbers(one: string, other: string): number {
  const difference = Number(one) - Number(other);
  const areIntegers = /^-?\d+$/.test(one) && /^-?\d+$/.test(other);
  if (difference !== 0 || !areIntegers) return difference;
  const exact = BigInt(one) - BigInt(other);
  return exact === 0n ? 0 : exact < 0n ? -1 : 1;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (numberOf(value) ?? JSON.stringify(value));
}

/** An operand that stands alone. */
function truthOf(value: unknown): Truth {
  return value === null ? undefined : value === true || value === 'true';
}

function negated(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

function anyOf(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(undefined) ? undefined : false;
}
