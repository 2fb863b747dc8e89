import type { SqlValue } from '../values/value.ts';
import { arrayOf } from '../types.ts';
import type { TableFunction } from './function.ts';
import { signature } from './signature.ts';

// Functions that give several rows for one.

const MAX_CUBE = 20;

function cube(values: readonly SqlValue[] | null): readonly SqlValue[] {
  if (values === null) return [];
  if (values.length > MAX_CUBE)
    throw new RangeError(`CUBE_EXPLODE takes at most ${MAX_CUBE} elements, got ${values.length}`);
  const open = values.flatMap((value, i) => (value === null ? [] : [i]));
  return Array.from({ length: 2 ** open.length }, (_, mask) => {
    const row: SqlValue[] = values.map(() => null);
    open.forEach((at, bit) => {
      if ((mask & (1 << (open.length - 1 - bit))) !== 0) row[at] = values[at]!;
    });
    return row;
  });
}

export const tableFunctions: readonly TableFunction[] = [
  {
    kind: 'table',
    name: 'EXPLODE',
    shownAs: 'explode',
    category: 'TABLE',
    description: 'One row per element of an array.',
    overloads: [
      { signature: signature('ARRAY<T> -> T'), make: () => (array: readonly SqlValue[] | null) => array ?? [] },
    ],
  },
  {
    kind: 'table',
    name: 'CUBE_EXPLODE',
    shownAs: 'cube_explode',
    category: 'TABLE',
    description: 'One row per combination of the elements of an array and null.',
    overloads: [
      {
        signature: signature('ARRAY<T> -> ?'),
        make: () => cube,
        resultType: ([type]) => (type?.kind === 'ARRAY' ? arrayOf(type.item) : undefined),
      },
    ],
  },
];
