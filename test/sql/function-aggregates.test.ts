// Every aggregate and table function, in queries. What they should give is ksqlDB's documented behaviour, worked out by
// hand; the tables are in test/sql/functions.
import { describe, expect, test } from 'vitest';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { messageOf } from '../../src/util/index.ts';
import { aggregateCases, refusedCalls, tableCases, undone } from './functions/aggregates.ts';
import { functionNames, plainEngine, runQuery } from './support.ts';

const WITH = "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1)";

const all = Object.entries(aggregateCases).flatMap(([name, cases]) => cases.map((one) => ({ name, ...one })));

describe('aggregates', () => {
  test.each(all)('$call of $columns, $rows', async ({ name, call, columns, rows, gives }) => {
    expect(call).toContain(`${name}(`);
    const names = columns
      .toUpperCase()
      .split(/, (?=[A-Z] )/)
      .map((column) => column.split(' ')[0]!);
    const records = rows.map((row) => {
      const values = names.length === 1 ? [row] : (row as unknown[]);
      return { G: 'g', ...Object.fromEntries(names.map((column, i) => [column, values[i]])) };
    });
    const out = await runQuery(
      `CREATE STREAM s (g STRING, ${columns}) ${WITH}; CREATE TABLE o AS SELECT g, ${call} AS r FROM s GROUP BY g;`,
      's',
      records,
    );
    expect(out.at(-1)).toEqual({ R: gives });
  });

  test.each(refusedCalls)('%s is refused', async (call, message) => {
    const script = `CREATE STREAM s (g STRING, a STRING, b BOOLEAN, i INT) ${WITH};
      CREATE TABLE o AS SELECT g, ${call} AS r FROM s GROUP BY g;`;
    await expect(plainEngine().engine.execute(script)).rejects.toThrow(message);
  });

  const overTable = (call: string): string =>
    `CREATE TABLE s (k STRING PRIMARY KEY, g STRING, a INT) ${WITH};
     CREATE TABLE o AS SELECT g, ${call} AS r FROM s GROUP BY g;`;

  test.each(Object.values(undone))('%s of a table takes back', async (call, gives) => {
    const { engine, queries } = plainEngine();
    await engine.execute(overTable(call));
    const driver = new TopologyTestDriver([...queries.values()][0]!.topology);
    const put = (key: string, value: object | null): void =>
      driver.pipe('s', Buffer.from(key), value === null ? null : Buffer.from(JSON.stringify(value)), 0);
    for (const [i, a] of [5, 7, 7].entries()) put(`k${i}`, { G: 'g', A: a });
    put('k0', null);
    expect(JSON.parse(String(driver.read('O').at(-1)?.value))).toEqual({ R: gives });
  });

  const stuck = functionNames('aggregate').filter((name) => !(name in undone));
  test.each(stuck)('%s does not go with a table', async (name) => {
    const extra = /TOP/.test(name) ? ', 2' : name.startsWith('ARG') ? ', a' : '';
    await expect(plainEngine().engine.execute(overTable(`${name}(a${extra})`))).rejects.toThrow(
      `The aggregation function ${name} cannot be applied to a table source, only to a stream source.`,
    );
  });

  test('limits of collected values are settings', async () => {
    const { engine, queries } = plainEngine({
      'ksql.functions.collect_list.limit': '2',
      'ksql.functions.collect_set.limit': '1',
    });
    await engine.execute(
      `CREATE STREAM s (g STRING, a INT) ${WITH};
       CREATE TABLE o AS SELECT g, COLLECT_LIST(a) AS l, COLLECT_SET(a) AS s FROM s GROUP BY g;`,
    );
    const driver = new TopologyTestDriver([...queries.values()][0]!.topology);
    for (const a of [1, 2, 3]) driver.pipe('s', null, Buffer.from(JSON.stringify({ G: 'g', A: a })), 0);
    expect(String(driver.read('O').at(-1)?.value)).toBe('{"L":[1,2],"S":[1]}');
  });

  test('a sum keeps what its DECIMAL holds, the row that is too much is told, and other aggregates go on', async () => {
    const told: unknown[] = [];
    const { engine, queries } = plainEngine({}, undefined, ({ error }) => told.push(messageOf(error)));
    await engine.execute(`CREATE STREAM s (g STRING, a DECIMAL(2, 1)) ${WITH};
      CREATE TABLE o AS SELECT g, SUM(a) AS r, COUNT(*) AS n FROM s GROUP BY g;`);
    const driver = new TopologyTestDriver([...queries.values()][0]!.topology);
    for (const row of [
      { G: 'g', A: 9.5 },
      { G: 'g', A: 0.5 },
      { G: 'h', A: 0.5 },
    ])
      driver.pipe('s', null, Buffer.from(JSON.stringify(row)), 0);
    expect(driver.read('O').map(({ value }) => String(value))).toEqual([
      '{"R":9.5,"N":1}',
      '{"R":9.5,"N":2}',
      '{"R":0.5,"N":1}',
    ]);
    expect(told).toEqual([
      'Numeric field overflow: A field with precision 2 and scale 1 must round to an absolute value less than 10^1. Got 10.0',
    ]);
  });

  test('the tables leave out none', () => {
    expect(Object.keys(aggregateCases).sort()).toEqual(functionNames('aggregate'));
    const refused = new Set(refusedCalls.map(([call]) => call.split('(')[0]));
    expect(functionNames('aggregate').filter((name) => !refused.has(name))).toEqual([]);
  });
});

describe('table functions', () => {
  test.each(tableCases)('%s of %s %j', async (call, columns, value, rows) => {
    const script = `CREATE STREAM s (${columns}) ${WITH}; CREATE STREAM o WITH (WRAP_SINGLE_VALUE=true) AS SELECT ${call} AS r FROM s;`;
    expect(await runQuery(script, 's', [{ A: value }])).toEqual(rows.map((row) => ({ R: row })));
  });

  test('CUBE_EXPLODE of more than 20 elements gives no rows', async () => {
    const script = `CREATE STREAM s (a ARRAY<INT>) ${WITH}; CREATE STREAM o AS SELECT CUBE_EXPLODE(a) AS r FROM s;`;
    expect(await runQuery(script, 's', [{ A: Array.from({ length: 21 }, (_, i) => i) }])).toEqual([]);
  });

  test('of a wrong type are refused, and the tables leave out none', async () => {
    for (const name of functionNames('table')) {
      const script = `CREATE STREAM s (a STRING) ${WITH}; CREATE STREAM o AS SELECT ${name}(a) AS r FROM s;`;
      await expect(plainEngine().engine.execute(script)).rejects.toThrow(
        `Function '${name.toLowerCase()}' does not accept parameters (STRING).`,
      );
      expect(tableCases.some(([call]) => call.startsWith(`${name}(`))).toBe(true);
    }
  });
});
