// A function of one row, with two overloads: INITIALS(name) and INITIALS(name, separator). In an extension directory
// (`ksql.extension.dir`) of your own, import from 'millrace/sql'.
import { defineScalar } from '../../src/sql-api/index.ts';

const letters = (name: string): string[] => name.split(/\s+/).flatMap((word) => word[0]?.toUpperCase() ?? []);

export const initials = defineScalar({
  description: 'The first letters of the words of a name.',
  args: ['STRING'],
  returns: 'STRING',
  evaluate: (name) => letters(name).join(''),
});

export const initialsWith = defineScalar({
  name: 'initials',
  args: ['STRING', 'STRING'],
  returns: 'STRING',
  evaluate: (name, separator) => letters(name).join(separator),
});

/** A plain function is declared by a statement: CREATE FUNCTION last_of(items ARRAY<T>) RETURNS T … EXPORT 'lastOf'. */
export function lastOf<T>(items: readonly T[]): T | undefined {
  return items.at(-1);
}
