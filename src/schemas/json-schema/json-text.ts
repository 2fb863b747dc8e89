// JSON as text. The canonical form keeps what parsing into JavaScript values would lose: the order of keys that look
// like integers, and numbers that are larger or finer than a double.
import { messageOf, plainNumber } from '../../util/index.ts';
import { invalidSchema } from '../errors.ts';
import { stringifyExact } from '../exact-json.ts';

const MAX_DEPTH = 200;
const [QUOTE, BACKSLASH] = ['"', '\\'].map((character) => character.charCodeAt(0)) as [number, number];
const WORD = /[^\s"{}[\]:,]+/y;

export interface JsonText {
  readonly value: unknown;
  /** The text without white space, numbers without exponents, in the order given. */
  readonly canonical: string;
}

export function parseJsonText(text: string): JsonText {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidSchema(`Invalid schema ${text}, details: not valid JSON: ${messageOf(error)}`, error);
  }
  const tokens = tokensOf(text);
  checkDepth(tokens);
  return { value, canonical: tokens.map(canonicalToken).join('') };
}

/** The canonical text with the keys of every object in order. */
export function sortKeys(canonical: string): string {
  const tokens = tokensOf(canonical);
  let at = 0;
  const print = (): string => {
    const token = tokens[at++]!;
    if (token !== '{' && token !== '[') return token;
    const isObject = token === '{';
    const members: [string, string][] = [];
    while (tokens[at] !== '}' && tokens[at] !== ']') {
      const key = isObject ? tokens[at]! : '';
      if (isObject) at += 2;
      members.push([key, print()]);
      if (tokens[at] === ',') at++;
    }
    at++;
    if (!isObject) return `[${members.map(([, value]) => value).join(',')}]`;
    members.sort(([a], [b]) => compareKeys(JSON.parse(a), JSON.parse(b)));
    return `{${members.map(([key, value]) => `${key}:${value}`).join(',')}}`;
  };
  return print();
}

/**
 * Numbers values so that equal JSON has equal numbers, whatever the order of its keys: structural equality at the cost
 * of one walk.
 */
export class JsonShapes {
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<object, number>();

  numberOf(value: unknown): number {
    if (typeof value !== 'object' || value === null) return this.#number(JSON.stringify(value));
    let known = this.#known.get(value);
    if (known === undefined) {
      known = Array.isArray(value)
        ? this.#number(`[${value.map((item) => this.numberOf(item)).join()}]`)
        : this.#number(
            `{${Object.entries(value)
              .map(([key, member]) => `${JSON.stringify(key)}:${this.numberOf(member)}`)
              .sort()
              .join()}}`,
          );
      this.#known.set(value, known);
    }
    return known;
  }

  #number(key: string): number {
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }
}

/** One text for equal values. */
export function valueText(value: unknown): string {
  return sortKeys(JSON.stringify(value));
}

/** Strings with their quotes, brackets, colons, commas, and words (numbers among them) of a valid JSON text. */
function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; ) {
    const first = text.charCodeAt(at);
    let end = at + 1;
    if (first === QUOTE) {
      for (let c = text.charCodeAt(end); c !== QUOTE; c = text.charCodeAt(end)) end += c === BACKSLASH ? 2 : 1;
      end++;
    } else if (first <= 0x20) {
      at++;
      continue;
    } else {
      WORD.lastIndex = at;
      if (WORD.test(text)) end = WORD.lastIndex;
    }
    tokens.push(text.slice(at, end));
    at = end;
  }
  return tokens;
}

function checkDepth(tokens: readonly string[]): void {
  let depth = 0;
  for (const token of tokens) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth > MAX_DEPTH) {
      throw invalidSchema(`Invalid schema, details: the schema nests deeper than ${MAX_DEPTH} levels`);
    }
  }
}

function canonicalToken(token: string): string {
  const first = token.charCodeAt(0);
  if (token[0] === '"') return token.includes('\\') ? stringifyExact(JSON.parse(token)) : token;
  return first === 0x2d || (first >= 0x30 && first <= 0x39) ? plainNumber(token) : token;
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
