import { codeOf } from '../../../util/index.ts';
import type { Caster } from '../../values/cast.ts';
import type { Row, SqlValue } from '../../values/value.ts';

/** The value of an expression for a row. Throws where there is none: what that means is the caller's to say. */
export type Evaluate = (row: Row) => SqlValue;

/**
 * Of what an expression throws, most concerns its row: it is told, and the rest goes on. Not so a regular expression that
 * holds up all others: it would do so with the next row again; nor a function whose failures are to stop its query.
 */
export function isFatal(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'REGEX_TAKES_TOO_LONG' || code === 'FUNCTION_STOPS_QUERY';
}

export function throwIfFatal(error: unknown): void {
  if (isFatal(error)) throw error;
}

/** What fails as a part of a constructor or as an argument is null there; the rest goes on. */
export function nullOnError(evaluate: Evaluate): Evaluate {
  return (row) => {
    try {
      return evaluate(row);
    } catch (error) {
      throwIfFatal(error);
      return null;
    }
  };
}

/** Applies a function to what is not null. */
export function mapped(evaluate: Evaluate, apply: Caster): Evaluate {
  return (row) => {
    const value = evaluate(row);
    return value === null ? null : apply(value);
  };
}
