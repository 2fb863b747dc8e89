// Records whose bytes nobody reads: those of a side without columns.
import { columnText } from '../schema.ts';
import type { RowSerde } from './codec.ts';
import type { PlainFormat } from './format.ts';

export const noneSerde: RowSerde = {
  name: 'NONE',
  encode: () => undefined,
  decode: () => [],
};

export const noneFormat: PlainFormat = {
  holds: 'nothing',
  wraps: [],
  properties: [],
  refusal: (columns) =>
    columns.length === 0
      ? undefined
      : `The 'NONE' format can only be used when no columns are defined. Got: [${columns.map(columnText).join(', ')}]`,
  serde: () => noneSerde,
};
