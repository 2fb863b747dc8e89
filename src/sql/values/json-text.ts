/** A number of a JSON text as it was written: neither digits nor scale are lost. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export function isJsonNumber(value: unknown): value is JsonNumber {
  return value instanceof JsonNumber;
}

export type JsonValue = null | boolean | string | JsonNumber | JsonValue[] | { [name: string]: JsonValue };

/** Parses JSON with exact numbers. Slower than `JSON.parse`: for texts whose numbers a double can't hold. */
export function parseExactJson(text: string): JsonValue {
  return new JsonReader(text).read();
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const SPACE = /\s*/y;

/** Parses the JSON value that a text starts with, and ignores what follows it. */
export function parseJsonPrefix(text: string): JsonValue {
  return new JsonReader(text).prefix();
}

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonValue {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail();
    return value;
  }

  prefix(): JsonValue {
    return this.#value();
  }

  #value(): JsonValue {
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{') return this.#object();
    if (char === '[') return this.#array();
    if (char === '"') return this.#string();
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text)?.[0];
    if (number === undefined) return this.#fail();
    this.#at += number.length;
    return new JsonNumber(number);
  }

  #object(): JsonValue {
    const object: { [name: string]: JsonValue } = {};
    this.#at++;
    this.#space();
    while (this.#text[this.#at] !== '}') {
      const name = this.#string();
      this.#space();
      if (this.#text[this.#at++] !== ':') this.#fail();
      Object.defineProperty(object, name, {
        value: this.#value(),
        enumerable: true,
        writable: true,
        configurable: true,
      });
      this.#separator('}');
    }
    this.#at++;
    return object;
  }

  #array(): JsonValue {
    const array: JsonValue[] = [];
    this.#at++;
    this.#space();
    while (this.#text[this.#at] !== ']') {
      array.push(this.#value());
      this.#separator(']');
    }
    this.#at++;
    return array;
  }

  #separator(end: string): void {
    this.#space();
    if (this.#text[this.#at] === ',') {
      this.#at++;
      this.#space();
    } else if (this.#text[this.#at] !== end) {
      this.#fail();
    }
  }

  #string(): string {
    STRING.lastIndex = this.#at;
    const image = STRING.exec(this.#text)?.[0];
    if (image === undefined) return this.#fail();
    this.#at += image.length;
    return JSON.parse(image) as string;
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #fail(): never {
    throw new SyntaxError(`Unexpected text at position ${this.#at} of JSON`);
  }
}

const words: readonly (readonly [string, JsonValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];

/** The text of a parsed value, numbers as they were. */
export function printExactJson(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(printExactJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([name, item]) => `${JSON.stringify(name)}:${printExactJson(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}
