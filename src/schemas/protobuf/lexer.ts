// The words of a .proto file, one at a time: a text of ten megabytes never stands in memory as tokens.
import { invalidSchema } from '../errors.ts';

export interface Token {
  readonly kind: 'name' | 'integer' | 'float' | 'string' | 'symbol' | 'end';
  /** As written; of a string what it stands for, one character for each byte. */
  readonly text: string;
  readonly offset: number;
}

/** Longer ones are refused: no name is this long, and names are repeated in paths and errors. */
export const NAME_CHARS_MAX = 2048;

const SPACE = /[\s\0]+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?[fF]?/y;
const PLAIN = /[^'"\\\n\0]+/y;
const ESCAPE = /\\(?:([abfnrtv\\'"?])|([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;
const SYMBOLS = new Set(';{}()[]<>=,.:+-/');
const ESCAPED: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

export class Lexer {
  readonly #text: string;
  readonly #file: string;
  #offset: number;

  /** `file` is named in errors; '' where it needs no name. */
  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#offset = text.startsWith('\uFEFF') ? 1 : 0;
  }

  next(): Token {
    this.#offset = this.#skip();
    const offset = this.#offset;
    const first = this.#text[offset];
    if (first === undefined) return { kind: 'end', text: '', offset };
    if (first === '"' || first === "'") return { kind: 'string', text: this.#string(first), offset };
    const name = this.#match(NAME)?.[0];
    if (name !== undefined) {
      if (name.length > NAME_CHARS_MAX) this.fail(offset, `a name has more than ${NAME_CHARS_MAX} characters`);
      return { kind: 'name', text: name, offset };
    }
    const number = this.#match(NUMBER)?.[0];
    if (number !== undefined) {
      const after = this.#text[this.#offset];
      if (after !== undefined && /[\w.]/.test(after)) this.fail(offset, `"${number}${after}" is not a number`);
      return { kind: /^(?:\d+|0[xX].*)$/.test(number) ? 'integer' : 'float', text: number, offset };
    }
    if (!SYMBOLS.has(first)) this.fail(offset, `the character ${JSON.stringify(first)} has no meaning here`);
    this.#offset++;
    return { kind: 'symbol', text: first, offset };
  }

  fail(offset: number, message: string): never {
    const where = this.#file === '' ? '' : `, file ${JSON.stringify(this.#file)}`;
    throw invalidSchema(`Invalid Protobuf schema${where} at ${this.#position(offset)}: ${message}`);
  }

  /** `line:column`, both from 1. */
  #position(offset: number): string {
    const before = this.#text.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    return `${before.split('\n').length}:${offset - lineStart + 1}`;
  }

  /** Where the next word starts. */
  #skip(): number {
    for (;;) {
      this.#match(SPACE);
      const start = this.#offset;
      if (this.#text.startsWith('//', start)) {
        const end = this.#text.indexOf('\n', start);
        this.#offset = end < 0 ? this.#text.length : end + 1;
      } else if (this.#text.startsWith('/*', start)) {
        const end = this.#text.indexOf('*/', start + 2);
        if (end < 0) this.fail(start, 'this comment does not end');
        this.#offset = end + 2;
      } else {
        return start;
      }
    }
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#offset = pattern.lastIndex;
    return match;
  }

  #string(quote: string): string {
    const start = this.#offset++;
    let bytes = '';
    for (;;) {
      const plain = this.#match(PLAIN)?.[0];
      if (plain !== undefined) {
        bytes += utf8Bytes(plain);
        continue;
      }
      const next = this.#text[this.#offset];
      if (next === quote) {
        this.#offset++;
        return bytes;
      }
      if (next === '"' || next === "'") {
        bytes += next;
        this.#offset++;
      } else if (next === '\\') {
        bytes += this.#escape();
      } else {
        this.fail(start, 'this string does not end on its line');
      }
    }
  }

  #escape(): string {
    const offset = this.#offset;
    const match = this.#match(ESCAPE);
    if (match === null) this.fail(offset, 'this escape in a string is not known');
    const [, letter, octal, hex, short, long] = match;
    if (letter !== undefined) return ESCAPED[letter] ?? letter;
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const point = Number.parseInt((short ?? long)!, 16);
    if (point > 0x10ffff) this.fail(offset, 'this escape names no character of Unicode');
    return utf8Bytes(String.fromCodePoint(point));
  }
}

/** A string's UTF-8 encoding, one character for each byte. */
export function utf8Bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
