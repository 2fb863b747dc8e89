// JSON in which numbers can keep their text, because a schema's text must not change under a double's hands:
// `9007199254740993` and `0.0` are not what JavaScript would print for them. (ECMAScript's "JSON.parse source text
// access", which the compiler's library does not declare yet.)
const ecma = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

/**
 * Like `JSON.parse`, but a number that JavaScript prints otherwise than `numberText` does is an object, which
 * `JSON.stringify` prints as that text.
 */
export function parseExact(text: string, numberText: (source: string) => string): unknown {
  return ecma.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number') return value;
    const wanted = numberText(source);
    return String(value) === wanted ? value : ecma.rawJSON(wanted);
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
  return ecma.rawJSON(javaNumber(Number(text).toExponential()));
}

/** A text as it is, anything else as JSON: JavaScript can't make a text of every object. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The text of a number of `parseExact`; undefined for what is none. */
export function textOfNumber(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return ecma.isRawJSON(value) ? value.rawJSON : undefined;
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
