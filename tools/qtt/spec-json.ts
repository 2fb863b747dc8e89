// The JSON of case files: with comments, and numbers as they are written, because digits and scale matter when values are
// compared.
import { JsonNumber as SpecNumber, type JsonValue as Spec, parseExactJson, plainNumber } from '../../src/util/index.ts';

export { type Spec, SpecNumber };

export interface SpecObject {
  readonly [name: string]: Spec;
}

const STRING_OR_COMMENT = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

export function parseSpec(text: string): Spec {
  return parseExactJson(text.replaceAll(STRING_OR_COMMENT, (found) => (found.startsWith('"') ? found : ' ')));
}

export function isObject(spec: Spec | undefined): spec is SpecObject {
  return typeof spec === 'object' && spec !== null && !Array.isArray(spec) && !(spec instanceof SpecNumber);
}

export function asText(spec: Spec | undefined): string | undefined {
  return typeof spec === 'string' ? spec : undefined;
}

export function asNumber(spec: Spec | undefined): number | undefined {
  return spec instanceof SpecNumber ? Number(spec.text) : undefined;
}

export function asList(spec: Spec | undefined): readonly Spec[] {
  return Array.isArray(spec) ? spec : [];
}

/** The JSON text of a value. `plain` writes decimals without exponents. */
export function printSpec(spec: Spec, plain = false): string {
  return JSON.stringify(plain ? withPlainNumbers(spec) : spec);
}

function withPlainNumbers(spec: Spec): Spec {
  if (spec instanceof SpecNumber) return new SpecNumber(plainNumber(spec.text));
  if (Array.isArray(spec)) return spec.map(withPlainNumbers);
  if (!isObject(spec)) return spec;
  return Object.fromEntries(Object.entries(spec).map(([name, item]) => [name, withPlainNumbers(item)]));
}
