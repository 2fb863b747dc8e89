// JSON whose numbers keep what a double would lose: the one reader and printer of such texts. (`JSON.parse` with a reviver
// that sees the numbers' texts is slower.)

/** A part of ECMAScript's "JSON.parse source text access", which the compiler's library does not declare yet. */
const ecma = JSON as unknown as { rawJSON(text: string): unknown };

/** A number as it stands in a JSON text: neither digits nor scale are lost, and `JSON.stringify` prints it as it was. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Whether it is written with digits only. */
  get isInteger(): boolean {
    return /^-?\d+$/.test(this.text);
  }

  toJSON(): unknown {
    return ecma.rawJSON(this.text);
  }
}

export type JsonValue = null | boolean | string | JsonNumber | JsonValue[] | { [name: string]: JsonValue };

/** Like `JSON.parse`, with numbers as `numberOf` has them. Several times slower: for texts whose numbers a double can't hold. */
export function parseJson(text: string, numberOf: (text: string) => unknown): unknown {
  return new Reader(text, numberOf).whole();
}

/** All numbers as their texts. */
export function parseExactJson(text: string): JsonValue {
  return parseJson(text, exactNumber) as JsonValue;
}

/** Parses the JSON value that a text starts with, and ignores what follows it. */
export function parseJsonPrefix(text: string): JsonValue {
  return new Reader(text, exactNumber).value() as JsonValue;
}

const exactNumber = (text: string) => new JsonNumber(text);

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A text with escapes, or with characters that need one. */
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const [SPACE, TAB, LINE_FEED, RETURN] = [0x20, 0x09, 0x0a, 0x0d];
const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];
const [LETTER_F, LETTER_N, LETTER_T] = [0x66, 0x6e, 0x74];

/** Accepts what `JSON.parse` accepts. */
class Reader {
  readonly #text: string;
  readonly #numberOf: (text: string) => unknown;
  #at = 0;

  constructor(text: string, numberOf: (text: string) => unknown) {
    this.#text = text;
    this.#numberOf = numberOf;
  }

  whole(): unknown {
    const value = this.value();
    if (!Number.isNaN(this.#next())) this.#fail();
    return value;
  }

  value(): unknown {
    switch (this.#next()) {
      case OPEN_BRACE:
        return this.#object();
      case OPEN_BRACKET:
        return this.#array();
      case QUOTE:
        return this.#string();
      case LETTER_T:
        return this.#word('true', true);
      case LETTER_F:
        return this.#word('false', false);
      case LETTER_N:
        return this.#word('null', null);
      default:
        return this.#numberOf(this.#match(NUMBER));
    }
  }

  #object(): unknown {
    const object: Record<string, unknown> = {};
    this.#at++;
    if (this.#next() === CLOSE_BRACE) {
      this.#at++;
      return object;
    }
    do {
      if (this.#next() !== QUOTE) this.#fail();
      const name = this.#string();
      if (this.#next() !== COLON) this.#fail();
      this.#at++;
      const value = this.value();
      if (name !== '__proto__') object[name] = value;
      else Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
    } while (this.#goesOn(CLOSE_BRACE));
    return object;
  }

  #array(): unknown {
    const array: unknown[] = [];
    this.#at++;
    if (this.#next() === CLOSE_BRACKET) {
      this.#at++;
      return array;
    }
    do array.push(this.value());
    while (this.#goesOn(CLOSE_BRACKET));
    return array;
  }

  /** True behind a comma, false behind the end. */
  #goesOn(end: number): boolean {
    const code = this.#next();
    if (code !== COMMA && code !== end) this.#fail();
    this.#at++;
    return code === COMMA;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at + 1;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return text.slice(start, at);
      }
      if (code === BACKSLASH || code < SPACE) break;
    }
    return JSON.parse(this.#match(STRING)) as string;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail();
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return this.#fail();
    this.#at += found.length;
    return found;
  }

  /** The character code behind white space; NaN at the end. */
  #next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) return code;
      this.#at++;
    }
  }

  #fail(): never {
    const found = this.#text.slice(this.#at, this.#at + 20);
    throw new SyntaxError(
      found === '' ? 'unexpected end of the JSON text' : `unexpected text at ${this.#at}: ${found}`,
    );
  }
}

/** Like `JSON.stringify`, with bigints as numbers. They have to be told apart, which costs: only where there are some. */
export function printJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // A bigint, or a value without a form: then this throws, too.
    return JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'bigint' ? ecma.rawJSON(String(part)) : part,
    );
  }
}

/** Numbers with larger exponents keep their exponent: written out they would be mostly zeros. */
const MAX_PLAIN_EXPONENT = 400;

/** A number's text without an exponent: `1.5e3` is `1500`; digits after the point stay as they are. */
export function plainNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponentText] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([-+]?[0-9]+))?$/.exec(text) ?? [];
  const exponent = Number(exponentText ?? 0);
  if (exponentText === undefined || Math.abs(exponent) > MAX_PLAIN_EXPONENT) return text;
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const integer = (point <= 0 ? '0' : digits.slice(0, point).padEnd(point, '0')).replace(/^0+(?=[0-9])/, '');
  const decimals = point < 0 ? '0'.repeat(-point) + digits : digits.slice(point);
  return sign + integer + (decimals === '' ? '' : `.${decimals}`);
}
