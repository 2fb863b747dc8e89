import { describe, expect, test } from 'vitest';
import { withTimeLiterals } from '../../src/sql/analysis/time-literals.ts';
import type { Expression } from '../../src/sql/parser/ast.ts';

function timeOf(text: string): number {
  const comparison: Expression = {
    kind: 'comparison',
    op: '>=',
    left: { kind: 'column', name: 'WINDOWSTART' },
    right: { kind: 'string', value: text },
  };
  const { right } = withTimeLiterals(comparison) as Expression & { kind: 'comparison' };
  return Number((right as Expression & { kind: 'bigint' }).value);
}

describe('times compared with ROWTIME and the window bounds', () => {
  test.each([
    ['2020', '2020-01-01T00:00:00Z'],
    ['2020-02', '2020-02-01T00:00:00Z'],
    ['2020-02-24', '2020-02-24T00:00:00Z'],
    ['2020-02-24T13', '2020-02-24T13:00:00Z'],
    ['2020-02-24T24', '2020-02-25T00:00:00Z'],
    ['2020-02-24 13:30', '2020-02-24T13:30:00Z'],
    ['2020-02-24T13:30:05.25', '2020-02-24T13:30:05.250Z'],
    ['2020-02-24T13:30:05.250+0130', '2020-02-24T12:00:05.250Z'],
    ['2020-02-24T13:30:05-01:00', '2020-02-24T14:30:05Z'],
  ])('%s', (text, same) => {
    expect(timeOf(text)).toBe(Date.parse(same));
  });

  test.each(['', 'yesterday', '2020-13', '2020-02-30', '2020-02-24T25', '2020-02-24T13:61', '20-02-24'])(
    '%j is no time',
    (text) => {
      expect(() => timeOf(text)).toThrow(`Failed to parse timestamp '${text}'`);
    },
  );
});
