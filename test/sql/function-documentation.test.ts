// What DESCRIBE FUNCTION says: every function has its parameters' names, and an example that is true.
import { describe, expect, test } from 'vitest';
import { documentationOf } from '../../src/sql/functions/documentation.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import { describeFunction } from '../../src/sql/statements/describe.ts';
import type { Looking } from '../../src/sql/statements/looking.ts';
import { evaluate, functionNames, plainEngine, runQuery } from './support.ts';

const SOURCE = (type: string) =>
  `CREATE STREAM s (x ${type}) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');`;

const described = (name: string) =>
  describeFunction({ engine: plainEngine().engine.context } as Looking, name) as unknown as {
    readonly name: string;
    readonly description: string;
    readonly functions: readonly {
      readonly arguments: readonly { readonly name: string; readonly type: string; readonly description: string }[];
      readonly returnType: string;
    }[];
  };

describe('the examples', () => {
  test.each(functionNames('scalar'))('%s', (name) => {
    const { example, result } = documentationOf(name)!;
    expect(example).toContain(`${name}(`);
    expect(evaluate(example).startsWith(`${result} `)).toBe(true);
  });

  test.each(functionNames('aggregate'))('%s', async (name) => {
    const { example, result } = documentationOf(name)!;
    const [call, rows] = example.split(' of ') as [string, string];
    const values = JSON.parse(`[${rows.replaceAll("'", '"')}]`) as unknown[];
    const type = Array.isArray(values[0]) ? 'ARRAY<INT>' : typeof values[0] === 'string' ? 'STRING' : 'INT';
    const script = `${SOURCE(type)} CREATE TABLE o AS SELECT 1 AS k, ${call} AS y FROM s GROUP BY 1;`;
    const all = await runQuery(
      script,
      's',
      values.map((x) => ({ X: x })),
    );
    expect(JSON.stringify((all.at(-1) as { Y: unknown }).Y)).toBe(result);
  });

  test.each(functionNames('window'))('%s', async (name) => {
    const { example, result } = documentationOf(name)!;
    const [call, given] = example.split(' of ') as [string, string];
    const ranked = `CREATE TABLE o AS SELECT k, n, AS_VALUE(n) AS y FROM (SELECT k, x, ${call} AS n FROM s) WHERE n <= 9;`;
    const script = name === 'ROW_NUMBER' ? ranked : `CREATE STREAM o AS SELECT ${call} AS y FROM s;`;
    const values = JSON.parse(`[${given}]`) as unknown[];
    const source = `CREATE STREAM s (k INT, x INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON');`;
    const rows = await runQuery(
      `${source} ${script}`,
      's',
      values.map((x) => ({ K: 0, X: x })),
    );
    expect(rows.map((row) => JSON.stringify((row as { Y: unknown }).Y)).join(', ')).toBe(result);
  });

  test.each(functionNames('table'))('%s', async (name) => {
    const { example, result } = documentationOf(name)!;
    const [call, given] = example.split(' from ') as [string, string];
    const script = `${SOURCE('ARRAY<INT>')} CREATE STREAM o AS SELECT ${call} AS y FROM s;`;
    const rows = await runQuery(script, 's', [{ X: JSON.parse(given) as unknown }]);
    expect(rows.map((row) => JSON.stringify((row as { Y: unknown }).Y)).join(', ')).toBe(result);
  });
});

test.each(
  builtInFunctions()
    .all()
    .map(({ name }) => name),
)('%s: each argument of each overload has a name', (name) => {
  const { functions, description } = described(name);
  for (const { arguments: parameters, returnType } of functions) {
    for (const parameter of parameters) {
      expect(parameter.name).toMatch(/^\w+$/);
      expect(parameter.description).not.toBe('');
    }
    expect(returnType).toMatch(/^[A-Z]/);
  }
  expect(description).toContain('For example, ');
});

test.each([
  ['array_join', [['array'], ['array', 'delimiter']]],
  ['log', [['value'], ['value'], ['value'], ['base', 'value'], ['base', 'value'], ['base', 'value']]],
  ['earliest_by_offset', [['val'], ['val', 'ignoreNulls'], ['val', 'earliestN'], ['val', 'earliestN', 'ignoreNulls']]],
  [
    'topk',
    expect.arrayContaining([
      ['val', 'k'],
      ['val', 'others', 'others', 'k'],
    ]),
  ],
  ['greatest', expect.arrayContaining([['val', 'vals']])],
  ['pi', [[]]],
])('the arguments of %s', (name, wanted) => {
  expect(described(name).name).toBe(name.toUpperCase());
  expect(described(name).functions.map((one) => one.arguments.map((argument) => argument.name))).toEqual(wanted);
});

test('results whose types depend on the arguments', () => {
  const results = (name: string) => described(name).functions.map(({ returnType }) => returnType);
  expect(results('abs')).toEqual(['INT', 'BIGINT', 'DOUBLE', 'DECIMAL']);
  expect(results('entries')[0]).toBe('ARRAY<STRUCT<K STRING, V INT>>');
  expect(results('topkdistinct')[0]).toBe('ARRAY<INT>');
  expect(results('cube_explode')).toEqual(['ARRAY<T>']);
});
