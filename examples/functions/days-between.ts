// A table function: a row for each day from one to another.
import { defineTable } from '../../src/sql-api/index.ts';

const DAY_MS = 86_400_000;

export const daysBetween = defineTable({
  name: 'DAYS_BETWEEN',
  description: 'A row for each day, the last one included.',
  args: ['DATE', 'DATE'],
  returns: 'DATE',
  *rows(from, to) {
    for (let day = Date.parse(from); day <= Date.parse(to); day += DAY_MS) {
      yield new Date(day).toISOString().slice(0, 10);
    }
  },
});
