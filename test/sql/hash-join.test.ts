// The join of a pull query against the definition of what a join is: all pairs, and who has no partner.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import type { HashJoinStep, RowColumn } from '../../src/sql/plan/plan.ts';
import { joinedRows, SMALL_SIDE_MAX } from '../../src/sql/queries/pull-join.ts';
import { Catalog } from '../../src/sql/catalog.ts';
import { BOOLEAN, INTEGER } from '../../src/sql/types.ts';
import type { Row } from '../../src/sql/values/value.ts';

const column = (name: string): RowColumn => ({ name, type: INTEGER });
const valueOf = (name: string) => ({ kind: 'column', name, type: INTEGER }) as const;
const origin = (columns: readonly RowColumn[]) =>
  ({
    kind: 'derived',
    inputs: [],
    alias: '',
    prefix: undefined,
    names: [],
    keyFormat: { format: 'KAFKA', properties: {} },
    columns,
    key: [],
    table: false,
  }) as const;

const left = origin([column('A'), column('X')]);
const right = origin([column('B'), column('Y')]);

const joinOf = (type: HashJoinStep['type'], hasCondition: boolean): HashJoinStep => ({
  kind: 'hashJoin',
  type,
  left,
  right,
  criteria: [{ left: valueOf('A'), right: valueOf('B') }],
  condition: hasCondition
    ? { kind: 'comparison', op: '<', left: valueOf('X'), right: valueOf('Y'), type: BOOLEAN }
    : undefined,
  text: '',
  columns: [...left.columns, ...right.columns],
  key: [],
  table: false,
});

function defined({ type, condition }: HashJoinStep, a: readonly Row[], b: readonly Row[]): Row[] {
  const meet = ([k, x]: Row, [l, y]: Row) =>
    k !== null && k === l && (condition === undefined || Number(x) < Number(y));
  const pairs = a.flatMap((row) => b.filter((other) => meet(row, other)).map((other) => [...row, ...other]));
  const aloneLeft = a.filter((row) => !b.some((other) => meet(row, other))).map((row) => [...row, null, null]);
  const aloneRight = b.filter((row) => !a.some((other) => meet(other, row))).map((row) => [null, null, ...row]);
  return [
    ...pairs,
    ...(type === 'LEFT' || type === 'FULL' ? aloneLeft : []),
    ...(type === 'RIGHT' || type === 'FULL' ? aloneRight : []),
  ];
}

async function* slices(rows: readonly Row[], size: number): AsyncGenerator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

const sorted = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).sort();

async function joined(step: HashJoinStep, a: readonly Row[], b: readonly Row[]): Promise<Row[]> {
  const environment = { functions: builtInFunctions(), catalog: new Catalog(), setting: () => undefined };
  const sides = { left: slices(a, 300), right: () => slices(b, 300) };
  return (await Array.fromAsync(joinedRows(environment, step, sides, () => {}))).flat();
}

const rows = fc.array(fc.tuple(fc.option(fc.integer({ min: 0, max: 5 })), fc.integer({ min: 0, max: 9 })), {
  maxLength: 12,
});

test.each(['INNER', 'LEFT', 'RIGHT', 'FULL'] as const)('%s', async (type) => {
  const property = fc.asyncProperty(rows, rows, fc.boolean(), async (a, b, hasCondition) => {
    const step = joinOf(type, hasCondition);
    expect(sorted(await joined(step, a, b))).toEqual(sorted(defined(step, a, b)));
  });
  await fc.assert(property, { numRuns: 200 });
  // A left side that is too large to be kept.
  const step = joinOf(type, true);
  const many = Array.from({ length: SMALL_SIDE_MAX * 2 }, (_, i): Row => [i % 7 === 0 ? null : i % 900, i % 5]);
  const some = Array.from({ length: 300 }, (_, i): Row => [i % 11 === 0 ? null : i * 5, i % 6]);
  expect(sorted(await joined(step, many, some))).toEqual(sorted(defined(step, many, some)));
});
