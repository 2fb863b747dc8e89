import type { Evaluate } from './typed.ts';

/** What fails as a part of a constructor or as an argument is null there; the rest goes on. */
export function nullOnError(evaluate: Evaluate): Evaluate {
  return (row) => {
    try {
      return evaluate(row);
    } catch {
      return null;
    }
  };
}
