import { Decimal } from '../../src/util/index.ts';
import { isObject, printSpec, type Spec, SpecNumber } from './spec-json.ts';

/** A value as it was read back from a topic, with the kind that decides how it is compared. */
export type Actual =
  | null
  | boolean
  | string
  | { readonly kind: 'integer'; readonly value: bigint; readonly bits: 32 | 64 }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'decimal'; readonly text: string }
  | { readonly kind: 'bytes'; readonly value: Buffer }
  | readonly Actual[]
  | ReadonlyMap<string, Actual>;

export function integer(value: number | bigint, bits: 32 | 64 = 64): Actual {
  return { kind: 'integer', value: BigInt(value), bits };
}

/** Why an actual value is not the expected one; undefined when it is. */
export function difference(expected: Spec, actual: Actual, path = ''): string | undefined {
  const wrong = (): string =>
    `${path === '' ? 'value' : path}: expected ${printSpec(expected)}, got ${printActual(actual)}`;
  if (actual === null || expected === null) return actual === null && expected === null ? undefined : wrong();
  if (typeof actual === 'boolean' || typeof actual === 'string') return actual === expected ? undefined : wrong();
  if (Array.isArray(actual)) {
    if (!Array.isArray(expected) || expected.length !== actual.length) return wrong();
    return firstDifference(expected.map((item, i) => difference(item, actual[i] as Actual, `${path}[${i}]`)));
  }
  if (actual instanceof Map) {
    if (!isObject(expected)) return wrong();
    const names = Object.keys(expected);
    if (names.length !== actual.size) return wrong();
    return firstDifference(
      names.map((name) => {
        const found = (actual as ReadonlyMap<string, Actual>).get(name) ?? actual.get(name.toUpperCase());
        const want = expected[name]!;
        if (found === undefined) return want === null ? undefined : `${path}.${name} is missing`;
        if (path === '' && want === null && isEmptyBytes(found as Actual)) return undefined;
        return difference(want, found as Actual, `${path}.${name}`);
      }),
    );
  }
  return sameScalar(expected, actual as Scalar) ? undefined : wrong();
}

function isEmptyBytes(actual: Actual): boolean {
  return (
    typeof actual === 'object' &&
    actual !== null &&
    'kind' in actual &&
    actual.kind === 'bytes' &&
    actual.value.length === 0
  );
}

type Scalar = Extract<Actual, { kind: string }>;

function firstDifference(found: readonly (string | undefined)[]): string | undefined {
  return found.find((text) => text !== undefined);
}

function sameScalar(expected: Spec, actual: Scalar): boolean {
  switch (actual.kind) {
    case 'bytes':
      return expected === actual.value.toString('base64');
    case 'integer': {
      if (!(expected instanceof SpecNumber)) return false;
      const decimal = Decimal.parse(expected.text);
      return decimal !== undefined && BigInt.asIntN(actual.bits, decimal.truncate()) === actual.value;
    }
    case 'double':
      if (typeof expected === 'string') return expected === String(actual.value);
      return expected instanceof SpecNumber && Math.abs(Number(expected.text) - actual.value) < 1e-6;
    default: {
      const text = expected instanceof SpecNumber ? expected.text : typeof expected === 'string' ? expected : undefined;
      const wanted = text === undefined ? undefined : Decimal.parse(text);
      const found = Decimal.parse(actual.text);
      if (wanted === undefined || found === undefined) return false;
      if (expected instanceof SpecNumber && expected.isInteger) return found.scale <= 0 && found.compare(wanted) === 0;
      return found.scale === wanted.scale && found.compare(wanted) === 0;
    }
  }
}

export function printActual(actual: Actual): string {
  if (actual === null || typeof actual === 'boolean') return String(actual);
  if (typeof actual === 'string') return JSON.stringify(actual);
  if (Array.isArray(actual)) return `[${actual.map((item) => printActual(item as Actual)).join(',')}]`;
  if (actual instanceof Map) {
    return `{${[...actual].map(([name, item]) => `${JSON.stringify(name)}:${printActual(item as Actual)}`).join(',')}}`;
  }
  const scalar = actual as Scalar;
  if (scalar.kind === 'decimal') return scalar.text;
  return scalar.kind === 'bytes' ? `bytes ${scalar.value.toString('base64')}` : String(scalar.value);
}
