// EXPLAIN CREATE OR REPLACE tells what it would do, and does nothing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Replacement } from '../../src/sql-api/index.ts';
import { type SqlOverHttp, startSql } from './http.ts';

let sql: SqlOverHttp;

beforeAll(async () => {
  sql = await startSql();
  await sql.ksql(`
    CREATE STREAM sales (id STRING KEY, shop STRING, amount INT) WITH (KAFKA_TOPIC='sales', PARTITIONS=1, VALUE_FORMAT='JSON');
    CREATE STREAM large WITH (VALUE_FORMAT='AVRO') AS SELECT id, shop, amount FROM sales WHERE amount > 100;
    CREATE TABLE per_shop AS SELECT shop, COUNT(*) AS sold FROM large GROUP BY shop;
    CREATE TABLE totals AS SELECT id, SUM(amount) AS total FROM sales GROUP BY id;`);
});
afterAll(() => sql.stop());

async function explain(statement: string, properties = {}): Promise<{ id: string; replacement?: Replacement }> {
  const [entity] = await sql.ksql(`EXPLAIN ${statement}`, properties);
  return entity!['queryDescription'] as { id: string; replacement?: Replacement };
}

test('a replacement that is allowed', async () => {
  const { id, replacement } = await explain(
    "CREATE OR REPLACE STREAM large WITH (VALUE_FORMAT='AVRO') AS SELECT id, shop, amount, amount * 2 AS twice FROM sales WHERE amount > 50;",
  );
  expect(id).toMatch(/^CSAS_LARGE_\d+$/);
  expect(replacement).toMatchObject({
    queryId: id,
    allowed: true,
    refusal: null,
    columns: { added: [{ name: 'TWICE', type: 'INTEGER' }], removed: [], changed: [] },
    stores: [],
    subjects: [{ subject: 'LARGE-value', changes: true, schema: expect.stringContaining('TWICE') as string }],
    downstream: [{ queryId: expect.stringMatching(/^CTAS_PER_SHOP_/) as string, breaks: false }],
    steps: [
      expect.stringContaining('goes on behind the last record') as string,
      expect.stringContaining('null in TWICE') as string,
    ],
  });
});

test('a replacement that keeps its state', async () => {
  const { replacement } = await explain(
    'CREATE OR REPLACE TABLE totals AS SELECT id, SUM(amount) AS total FROM sales WHERE amount > 0 GROUP BY id;',
  );
  expect(replacement).toMatchObject({ allowed: true, stores: [{ state: 'kept' }], downstream: [], subjects: [] });
});

test('a replacement that is refused, and what to do instead', async () => {
  const { replacement } = await explain(
    "CREATE OR REPLACE STREAM large WITH (VALUE_FORMAT='AVRO') AS SELECT id, amount FROM sales WHERE amount > 50;",
  );
  expect(replacement).toMatchObject({
    allowed: false,
    refusal: expect.stringContaining(
      'The following columns are changed, missing or reordered: [`SHOP` STRING',
    ) as string,
    columns: { removed: [{ name: 'SHOP', type: 'STRING' }] },
    downstream: [{ breaks: true, effect: expect.stringContaining('It uses SHOP') as string }],
  });
  expect(replacement!.steps).toHaveLength(4);
  expect(replacement!.steps[2]).toContain('CTAS_PER_SHOP_');
  const other = await explain(
    'CREATE OR REPLACE TABLE totals AS SELECT id, SUM(amount) AS total, COUNT(*) AS c FROM sales GROUP BY id;',
  );
  expect(other.replacement).toMatchObject({ allowed: false, stores: [{ state: 'rebuilt' }] });
});

test('nothing has been done', async () => {
  const [described] = await sql.ksql('DESCRIBE large;');
  expect(JSON.stringify(described)).not.toContain('TWICE');
});

test('what replaces nothing, and what is wrong in itself', async () => {
  const fresh = await explain('CREATE OR REPLACE STREAM other AS SELECT id, shop FROM sales;');
  expect(fresh.replacement).toBeUndefined();
  await expect(explain('CREATE OR REPLACE STREAM large AS SELECT nothing FROM sales;')).rejects.toThrow(
    'cannot be resolved',
  );
});

test('ksqlDB refuses what is not allowed', async () => {
  const statement = "CREATE OR REPLACE STREAM large WITH (VALUE_FORMAT='AVRO') AS SELECT id, amount FROM sales;";
  const plain = { 'ksql.query.extensions.enabled': 'false' };
  await expect(explain(statement, plain)).rejects.toThrow('Cannot upgrade data source');
});

test('the documented example', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/sql-extensions.md'), 'utf8');
  const [, section = ''] = page.split('## What would a replacement do?');
  const [, example = ''] = /```sql\n([^`]+)```/.exec(section)!;
  const [source, query, explained] = example.trim().split('\n');
  await sql.ksql(`${source}${query}`);
  expect((await explain(explained!.replace('EXPLAIN ', ''))).replacement).toMatchObject({ allowed: true });
});
