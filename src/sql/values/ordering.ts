// What ORDER BY says of two values of one type: nulls come last, and first where it descends, unless it says otherwise.
import { compareValues, type SqlValue } from './value.ts';

export interface Direction {
  readonly descending: boolean;
  readonly nulls?: 'FIRST' | 'LAST' | undefined;
}

export function comparing({ descending, nulls }: Direction): (a: SqlValue, b: SqlValue) => number {
  const sign = descending ? -1 : 1;
  const nullSign = (nulls ?? (descending ? 'FIRST' : 'LAST')) === 'FIRST' ? -1 : 1;
  return (a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? nullSign : -nullSign;
    return sign * compareValues(a, b);
  };
}
