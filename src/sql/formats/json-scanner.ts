// Finds the fields of columns in a JSON object's bytes, without making the object. It accepts only what JSON.parse accepts;
// where two keys may mean one column, or one key two columns, it leaves the choice to the caller's ordinary parser by
// answering false.
import { JsonKeys } from './json-keys.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Deeper nesting is left to JSON.parse. */
const MAX_DEPTH = 64;

/** What a field's bytes are. A plain string has neither escapes nor bytes beyond ASCII. */
export const FieldKind = { missing: 0, null: 1, boolean: 2, number: 3, plainString: 4, string: 5, nested: 6 } as const;

interface LearnedKey {
  /** The key as it is written, and its closing quote. */
  readonly bytes: Buffer;
  /** Which column it means; -1: none. */
  readonly field: number;
  /** It is the column's own name, which goes before names in another case. */
  readonly exact: boolean;
}

export class JsonScanner {
  /** Per column, where its value lies, quotes included. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly kinds: Uint8Array;
  readonly #keys: JsonKeys;
  /** The keys of the record before, in their order: the next record's are mostly the same. */
  readonly #learned: LearnedKey[] = [];
  /** Keys by what is written, for records whose keys stand in another order. */
  readonly #known = new Map<string, LearnedKey>();
  /** Set by the last value that was skipped. */
  #kind = 0;

  constructor(names: readonly string[]) {
    this.#keys = new JsonKeys(names);
    this.starts = new Int32Array(names.length);
    this.ends = new Int32Array(names.length);
    this.kinds = new Uint8Array(names.length);
  }

  /** False when the bytes are not an ordinary JSON object: then nothing was found out. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    const { starts, ends, kinds } = this;
    kinds.fill(FieldKind.missing);
    let at = skipBlanks(bytes, start, end);
    if (bytes[at] !== OPEN_BRACE) return false;
    at = skipBlanks(bytes, at + 1, end);
    if (bytes[at] === CLOSE_BRACE) return skipBlanks(bytes, at + 1, end) === end;
    for (let ordinal = 0; ; ordinal++) {
      if (at >= end || bytes[at] !== QUOTE) return false;
      const keyStart = at + 1;
      let key = this.#learned[ordinal];
      if (key !== undefined && startsWith(bytes, keyStart, end, key.bytes)) {
        at = keyStart + key.bytes.length;
      } else {
        at = this.#skipString(bytes, keyStart, end);
        if (at < 0) return false;
        key = this.#learn(bytes, keyStart, at, ordinal);
      }
      at = skipBlanks(bytes, at, end);
      if (bytes[at] !== COLON) return false;
      const valueStart = skipBlanks(bytes, at + 1, end);
      at = this.#skipValue(bytes, valueStart, end, 0);
      if (at < 0) return false;
      const { field } = key;
      if (field === UNUSUAL) return false;
      if (field >= 0) {
        if (kinds[field] !== FieldKind.missing && !key.exact) return false;
        starts[field] = valueStart;
        ends[field] = at;
        kinds[field] = this.#kind;
      }
      at = skipBlanks(bytes, at, end);
      if (at >= end) return false;
      const separator = bytes[at];
      if (separator === CLOSE_BRACE) return skipBlanks(bytes, at + 1, end) === end;
      if (separator !== COMMA) return false;
      at = skipBlanks(bytes, at + 1, end);
    }
  }

  /** The key that was just skipped as a string, its closing quote included. */
  #learn(bytes: Buffer, start: number, end: number, ordinal: number): LearnedKey {
    const written = bytes.toString('latin1', start, end);
    let key = this.#known.get(written);
    if (key === undefined) {
      const isPlain = this.#kind === FieldKind.plainString;
      const name = isPlain ? written.slice(0, -1) : (JSON.parse(bytes.toString('utf8', start - 1, end)) as string);
      const exact = this.#keys.exact(name);
      const folded = this.#keys.folded(name);
      const meansTwo = exact >= 0 && folded >= 0 && exact !== folded;
      const field = meansTwo ? UNUSUAL : exact >= 0 ? exact : folded;
      key = { bytes: Buffer.from(written, 'latin1'), field, exact: exact >= 0 };
      // Records with keys of their own must not fill the memory.
      if (this.#known.size < MAX_LEARNED) this.#known.set(written, key);
    }
    if (ordinal < MAX_LEARNED) this.#learned[ordinal] = key;
    return key;
  }

  /** The position behind a value, or -1 when it is none. */
  #skipValue(bytes: Buffer, at: number, end: number, depth: number): number {
    if (at >= end) return -1;
    switch (bytes[at]) {
      case QUOTE:
        return this.#skipString(bytes, at + 1, end);
      case OPEN_BRACE:
      case OPEN_BRACKET:
        return this.#skipNested(bytes, at, end, depth);
      case 0x74:
        this.#kind = FieldKind.boolean;
        return isWord(bytes, at, end, 'true') ? at + 4 : -1;
      case 0x66:
        this.#kind = FieldKind.boolean;
        return isWord(bytes, at, end, 'false') ? at + 5 : -1;
      case 0x6e:
        this.#kind = FieldKind.null;
        return isWord(bytes, at, end, 'null') ? at + 4 : -1;
      default:
        this.#kind = FieldKind.number;
        return skipNumber(bytes, at, end);
    }
  }

  #skipString(bytes: Buffer, from: number, end: number): number {
    let kind: number = FieldKind.plainString;
    let at = from;
    for (;;) {
      while (at < end && PLAIN[bytes[at]!] === 1) at++;
      if (at >= end) return -1;
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.#kind = kind;
        return at + 1;
      }
      if (byte < 0x20) return -1;
      kind = FieldKind.string;
      if (byte === BACKSLASH) {
        at = skipEscape(bytes, at + 1, end);
        if (at < 0) return -1;
      }
      at++;
    }
  }

  #skipNested(bytes: Buffer, open: number, end: number, depth: number): number {
    if (depth >= MAX_DEPTH) return -1;
    const isObject = bytes[open] === OPEN_BRACE;
    const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET;
    let at = skipBlanks(bytes, open + 1, end);
    if (bytes[at] === close && at < end) {
      this.#kind = FieldKind.nested;
      return at + 1;
    }
    for (;;) {
      if (isObject) {
        if (at >= end || bytes[at] !== QUOTE) return -1;
        at = this.#skipString(bytes, at + 1, end);
        if (at < 0) return -1;
        at = skipBlanks(bytes, at, end);
        if (at >= end || bytes[at] !== COLON) return -1;
        at = skipBlanks(bytes, at + 1, end);
      }
      at = this.#skipValue(bytes, at, end, depth + 1);
      if (at < 0) return -1;
      at = skipBlanks(bytes, at, end);
      if (at >= end) return -1;
      const separator = bytes[at];
      if (separator === close) {
        this.#kind = FieldKind.nested;
        return at + 1;
      }
      if (separator !== COMMA) return -1;
      at = skipBlanks(bytes, at + 1, end);
    }
  }
}

/** 1 for the bytes that need no thought in a string: ASCII but for controls, quotes and backslashes. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
const UNUSUAL = -2;
const MAX_LEARNED = 256;

function skipBlanks(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}

function startsWith(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  const { length } = wanted;
  if (start + length > end) return false;
  for (let i = 0; i < length; i++) if (wanted[i] !== bytes[start + i]) return false;
  return true;
}

function isWord(bytes: Buffer, at: number, end: number, word: string): boolean {
  if (at + word.length > end) return false;
  for (let i = 1; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** The position of the last byte of an escape, given that of the one behind the backslash; -1 when it is none. */
function skipEscape(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return -1;
  const byte = bytes[at]!;
  if (byte !== 0x75) return '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? at : -1;
  if (at + 4 >= end) return -1;
  return /^[0-9a-fA-F]{4}$/.test(bytes.toString('latin1', at + 1, at + 5)) ? at + 4 : -1;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function skipDigits(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isDigit(bytes[at])) at++;
  return at;
}

/** JSON's grammar of numbers: no leading zeros, digits on both sides of the dot, digits in the exponent. */
function skipNumber(bytes: Buffer, from: number, end: number): number {
  let at = bytes[from] === MINUS ? from + 1 : from;
  if (at >= end || !isDigit(bytes[at])) return -1;
  at = bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at, end);
  if (at < end && bytes[at] === DOT) {
    const fraction = skipDigits(bytes, at + 1, end);
    if (fraction === at + 1) return -1;
    at = fraction;
  }
  if (at < end && (bytes[at] === 0x65 || bytes[at] === 0x45)) {
    at++;
    if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
    const exponent = skipDigits(bytes, at, end);
    if (exponent === at) return -1;
    at = exponent;
  }
  return at;
}

/** An integer of at most `maxDigits` digits without fraction or exponent; NaN for any other number, and for minus zero. */
export function plainInteger(bytes: Buffer, start: number, end: number, maxDigits: number): number {
  const negative = bytes[start] === MINUS;
  let at = negative ? start + 1 : start;
  if (end - at > maxDigits || (negative && bytes[at] === ZERO)) return Number.NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}
