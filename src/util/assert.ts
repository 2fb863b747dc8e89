/**
 * For programmer errors only: a state that correct code can't reach. Errors of the outside world are `MillraceError`s,
 * errors in a user's text are collected diagnostics.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks the branch that the type system proves empty. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}
