import fc from 'fast-check';

/** Runs a property over generated values; the last argument is the check. */
export function test<A>(a: fc.Arbitrary<A>, check: (a: A) => void): void;
export function test<A, B>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>, check: (a: A, b: B) => void): void;
export function test<A, B, C>(
  a: fc.Arbitrary<A>,
  b: fc.Arbitrary<B>,
  c: fc.Arbitrary<C>,
  check: (a: A, b: B, c: C) => void,
): void;
export function test(...parts: unknown[]): void {
  const check = parts.pop() as (...values: unknown[]) => void;
  fc.assert(fc.property(fc.tuple(...(parts as fc.Arbitrary<unknown>[])), (values) => check(...values)));
}

export { fc };
