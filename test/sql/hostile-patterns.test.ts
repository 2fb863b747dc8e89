// Patterns and texts that keep an engine that goes back busy for ever: they take a step per character, or end their own
// query, with its reason, and no other.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLACES, type SqlOverHttp, startSql } from './http.ts';

describe.each(PLACES)('queries %s', (_place, settings) => {
  let sql: SqlOverHttp;
  beforeAll(async () => {
    sql = await startSql(settings);
    await sql.ksql(`CREATE STREAM texts (v STRING) WITH (kafka_topic='texts', partitions=1, value_format='JSON');
    INSERT INTO texts VALUES ('${'a'.repeat(3000)}b');
    INSERT INTO texts VALUES ('${'a'.repeat(32)}!');`);
  });
  afterAll(() => sql.stop());

  test.each([
    ["v LIKE '%a%a%a%c'", [[false], [false]]],
    ["v LIKE '%a_a%b'", [[true], [false]]],
    ["REGEXP_EXTRACT('^(a+)+$', v)", [[null], [null]]],
    ["REGEXP_EXTRACT('(a|a)*!', v)", [[null], [`${'a'.repeat(32)}!`]]],
    ["REGEXP_REPLACE(v, '(a+)+!$', 'x')", [[`${'a'.repeat(3000)}b`], ['x']]],
    ["ARRAY_LENGTH(REGEXP_SPLIT_TO_ARRAY(v, '(a*)*c'))", [[1], [1]]],
  ])('%s', async (expression, expected) => {
    expect(await sql.rows(`SELECT ${expression} FROM texts;`)).toEqual(expected);
  });

  test('a pull query that can only go back ends with its reason', async () => {
    const response = await fetch(`${sql.url}/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ksql: "SELECT REGEXP_EXTRACT('^(a+)+\\1$', v) AS x FROM texts;" }),
    });
    expect(await response.text()).toContain('takes longer than');
  });

  test('what can only go back ends its own query, and says why', async () => {
    await sql.ksql(`CREATE STREAM stuck AS SELECT REGEXP_EXTRACT('^(a+)+\\1$', v) AS x FROM texts;
    CREATE STREAM fine AS SELECT LEN(v) AS length FROM texts;`);
    const states = async () => {
      const [entity] = await sql.ksql('SHOW QUERIES;');
      return (entity!['queries'] as { sinks: string[]; state: string }[])
        .map(({ sinks, state }) => `${sinks[0]} ${state}`)
        .toSorted();
    };
    await expect.poll(states, { timeout: 60_000 }).toEqual(['FINE RUNNING', 'STUCK ERROR']);
    await expect.poll(() => sql.rows('SELECT * FROM fine;'), { timeout: 60_000 }).toEqual([[3001], [33]]);
    const { checks } = (await (await fetch(`${sql.url}/health/ready`)).json()) as { checks: { queries: object } };
    expect(checks.queries).toMatchObject({ reason: expect.stringContaining('^(a+)+\\1$') });
  });
});
