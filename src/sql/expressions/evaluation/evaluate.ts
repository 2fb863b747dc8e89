import { throwIfFatal } from '../../errors.ts';
import type { Caster } from '../../values/cast.ts';
import type { Row, SqlValue } from '../../values/value.ts';

/** The value of an expression for a row. Throws where there is none: what that means is the caller's to say. */
export type Evaluate = (row: Row) => SqlValue;

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
