// A schema's text must not change under a double's hands, nor under JavaScript's: `9007199254740993` and `0.0` are not what
// it would print for them. This prints as Java's JSON libraries do.
import { JsonNumber, parseJson } from '../util/index.ts';

/** Like `JSON.parse`; a number that JavaScript prints otherwise than `numberText` does is a `JsonNumber` of that text. */
export function parseExact(text: string, numberText: (source: string) => string): unknown {
  return parseJson(text, (source) => {
    const value = Number(source);
    const wanted = numberText(source);
    return String(value) === wanted ? value : new JsonNumber(wanted);
  });
}

/** Like `JSON.stringify`, with the escapes that Java's JSON libraries print: their hexadecimal digits are capitals. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\\(?:u([0-9a-f]{4})|.)/g, (escape, digits: string | undefined) =>
    digits === undefined ? escape : `\\u${digits.toUpperCase()}`,
  );
}

/** A number that a text spells, as Java prints the double that it is; undefined for a text that spells none. */
export function doubleOf(text: string): unknown {
  if (!/^[-+]?\d+(\.\d*)?([eE][-+]?\d+)?$/.test(text)) return undefined;
  return new JsonNumber(javaNumber(Number(text).toExponential()));
}

/** A text as it is, anything else as JSON: JavaScript can't make a text of every object. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The text of a number of `parseExact`; undefined for what is none. */
export function textOfNumber(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return value instanceof JsonNumber ? value.text : undefined;
}

/** Integers as they are, everything else as Java prints a double: `1.0`, `0.001`, `1.0E10`. */
export function javaNumber(source: string): string {
  if (/^-?\d+$/.test(source)) return source;
  const value = Number(source);
  if (!Number.isFinite(value)) return source;
  const size = Math.abs(value);
  const isPlain = value === 0 || (size >= 1e-3 && size < 1e7);
  const [digits = '', exponent] = isPlain
    ? [Object.is(value, -0) ? '-0' : String(value)]
    : value.toExponential().split('e');
  const decimal = digits.includes('.') ? digits : `${digits}.0`;
  return exponent === undefined ? decimal : `${decimal}E${Number(exponent)}`;
}
