// Statements that ask for too much are refused with what they asked for; they cost neither time nor memory nor the service.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SqlOverHttp, startSql } from './http.ts';

let sql: SqlOverHttp;
beforeAll(async () => {
  sql = await startSql();
  await sql.ksql(`CREATE STREAM s (v STRING) WITH (kafka_topic='s', partitions=1, value_format='JSON');
    INSERT INTO s VALUES ('${'a'.repeat(100)}');`);
});
afterAll(() => sql.stop());

async function answer(path: string, body: object): Promise<{ status: number; code: number; message: string }> {
  const response = await fetch(sql.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { error_code: code, message } = (await response.json()) as { error_code: number; message: string };
  return { status: response.status, code, message };
}

const nested = (open: string, close: string, count: number, inside: string) =>
  open.repeat(count) + inside + close.repeat(count);

describe('a script', () => {
  test.each([
    ['opens brackets without an end', `SELECT ${'('.repeat(5e6)}`, /^line 1:108: .*\nMore than 100 brackets/],
    ['opens squares without an end', `SELECT ${'['.repeat(5e6)}`, /^line 1:108: .*\nMore than 100 brackets/],
    ['is a list of millions', `SELECT ${'a,'.repeat(4e6)}a FROM s;`, /^line 1:\d+: .*\nMore than 100000 words/],
    ['is millions of empty statements', ';'.repeat(5e6), /^line 1:1: .*\nUnknown statement ';'/],
    ['is a text without an end', `SELECT '${'x'.repeat(5e6)}`, /^line 1:8: Syntax Error\nSyntax error at or near '/],
    ['nests brackets', `SELECT ${nested('(', ')', 500, '1')} FROM s EMIT CHANGES;`, /More than 100 brackets/],
    ['nests types', `CREATE STREAM t (a ${nested('ARRAY<', '>', 500, 'INT')});`, /More than 100 brackets/],
    ['nests cases', `SELECT ${nested('CASE WHEN true THEN ', ' END', 5000, '1')} FROM s;`, /nests too deeply/],
    ['denies too often', `SELECT ${'NOT '.repeat(20_000)} true FROM s;`, /nests too deeply/],
  ])('that %s', async (_, ksql, message) => {
    const refusal = await answer('/ksql', { ksql });
    expect(refusal).toMatchObject({ status: 400, code: 40001, message: expect.stringMatching(message) });
    // A statement that is megabytes long is not sent back.
    expect(refusal.message.length).toBeLessThan(11_000);
  });

  test('may have as many statements as have words', async () => {
    expect(await sql.ksql(`${"SET 'auto.offset.reset' = 'earliest';".repeat(5000)} SHOW STREAMS;`)).toMatchObject([
      { '@type': 'streams' },
    ]);
  });

  test('may hold comparisons in any number', async () => {
    const condition = Array.from({ length: 300 }, (_, i) => `LEN(v) < ${i} AND LEN(v) > ${i}`).join(' OR ');
    expect(await sql.rows(`SELECT v FROM s WHERE ${condition};`)).toEqual([]);
  });
});

test('an expression of ten thousand operators is refused as what it is', async () => {
  expect(await answer('/query', { ksql: `SELECT ${Array(10_000).fill('1').join('+')} AS x FROM s;` })).toMatchObject({
    status: 400,
    message: expect.stringContaining('too deeply'),
  });
});

test.each([
  ['GENERATE_SERIES(1, 2000000000)'],
  ['GENERATE_SERIES(CAST(1 AS BIGINT), CAST(9000000000000000000 AS BIGINT))'],
  [`ARRAY_LENGTH(${nested('ARRAY_CONCAT(GENERATE_SERIES(1, 900000), ', ')', 3, 'GENERATE_SERIES(1, 900000)')})`],
  ["LPAD(v, 2000000000, 'x')"],
  ["RPAD(v, 2000000000, 'x')"],
  [`LEN(${nested('REPLACE(', ", 'a', 'aaaaaaaaaaaaaaaaaa')", 9, 'v')})`],
  [`LEN(${nested('REGEXP_REPLACE(', ", 'a', '$0$0$0$0$0$0$0$0')", 9, 'v')})`],
  [`LEN(${nested('CONCAT(v, ', ')', 50, 'v')})`, 5100],
])('%s does not take the memory', async (expression, value: unknown = null) => {
  expect(await sql.rows(`SELECT ${expression} AS x FROM s;`)).toEqual([[value]]);
});

describe('what a request says besides', () => {
  test.each([
    [{ streamsProperties: { 'no.such': '1' } }, 40001, 'Unknown property: no.such'],
    [JSON.parse('{ "streamsProperties": { "__proto__": "1" } }'), 40001, 'Unknown property: __proto__'],
    [{ streamsProperties: { toString: '1' } }, 40001, 'Unknown property: toString'],
    [{ streamsProperties: 'earliest' }, 40000, '"streamsProperties" is an object of names and values.'],
    [{ sessionVariables: ['a'] }, 40000, '"sessionVariables" is an object of names and values.'],
  ])('%j is refused', async (more, code, message) => {
    expect(await answer('/ksql', { ksql: 'SHOW STREAMS;', ...(more as object) })).toEqual({
      status: 400,
      code,
      message,
    });
  });

  test('a variable that nobody set is no member of an object', async () => {
    expect(await sql.rows("SELECT '${constructor}', '${__proto__}' FROM s;")).toEqual([
      ['${constructor}', '${__proto__}'],
    ]);
    const own = JSON.parse('{ "__proto__": "mine", "valueOf": 5 }') as object;
    const [row] = (await (
      await fetch(`${sql.url}/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ksql: "SELECT '${__proto__}', '${valueOf}' FROM s;", sessionVariables: own }),
      })
    )
      .json()
      .then((all) => (all as { row?: { columns: unknown[] } }[]).flatMap(({ row }) => row ?? []))) as {
      columns: unknown[];
    }[];
    expect(row?.columns).toEqual(['mine', '5']);
  });
});

test('columns may have the names of members of every object', async () => {
  await sql.ksql(`CREATE STREAM p (\`hasOwnProperty\` BIGINT, \`valueOf\` INT, \`__proto__\` STRING, \`constructor\` STRING, a INT,
      st STRUCT<\`valueOf\` INT, \`__proto__\` STRING>) WITH (kafka_topic='p', partitions=1, value_format='JSON');
    INSERT INTO p (a) VALUES (1);
    INSERT INTO p VALUES (5, 6, 'x', 'y', 2, STRUCT(\`valueOf\` := 7, \`__proto__\` := 'z'));`);
  expect(
    await sql.rows(
      'SELECT `hasOwnProperty`, `valueOf`, `__proto__`, `constructor`, a, st->`valueOf`, st->`__proto__` FROM p;',
    ),
  ).toEqual([
    [null, null, null, null, 1, null, null],
    [5, 6, 'x', 'y', 2, 7, 'z'],
  ]);
});
