// What came back over HTTP beside what is expected: of objects only the expected members count, and rows come in any order.
import { isObject, printSpec, type Spec, SpecNumber } from '../qtt/spec-json.ts';

/** Why an answer is not the expected one; undefined when it is. */
export function answerDifference(expected: Spec, actual: Spec): string | undefined {
  if (!Array.isArray(expected)) return has(actual, expected) ? undefined : notThe(expected, actual);
  if (!Array.isArray(actual)) return notThe(expected, actual);
  const left = [...(actual as readonly Spec[])];
  for (const want of expected as readonly Spec[]) {
    const at = left.findIndex((got) => has(got, want));
    if (at < 0) return `${printSpec(want)} is not among ${printSpec(actual)}`;
    left.splice(at, 1);
  }
  return left.length === 0 ? undefined : `expected ${expected.length} rows, got ${actual.length}: ${printSpec(actual)}`;
}

function notThe(expected: Spec, actual: Spec): string {
  return `expected ${printSpec(expected)}, got ${printSpec(actual)}`;
}

function has(actual: Spec, expected: Spec): boolean {
  if (!isObject(expected)) return isSame(actual, expected);
  return isObject(actual) && Object.entries(expected).every(([name, want]) => has(actual[name] ?? null, want));
}

/** Whole numbers are told apart from others, as Java's numbers are. */
function isSame(actual: Spec, expected: Spec): boolean {
  if (actual instanceof SpecNumber && expected instanceof SpecNumber) {
    if (actual.isInteger !== expected.isInteger) return false;
    return actual.isInteger
      ? BigInt(actual.text) === BigInt(expected.text)
      : Number(actual.text) === Number(expected.text);
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((each, i) => isSame(actual[i]!, each as Spec))
    );
  }
  if (isObject(expected)) {
    const names = Object.keys(expected);
    return (
      isObject(actual) &&
      Object.keys(actual).length === names.length &&
      names.every((name) => actual[name] !== undefined && isSame(actual[name], expected[name]!))
    );
  }
  return actual === expected;
}
