// Misspelt names: whatever is not known is told with what it was probably meant to be, unless ksqlDB's words are asked for.
import { beforeAll, describe, expect, test } from 'vitest';
import type { SqlEngine } from '../../src/sql/engine.ts';
import { messageOf } from '../../src/util/index.ts';
import { examplesOf } from './http.ts';
import { plainEngine } from './support.ts';

const SETUP = `
  CREATE TYPE address AS STRUCT<street STRING, city STRING>;
  CREATE STREAM orders (id STRING KEY, customer STRING, amount INT, home address)
    WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');
  CREATE STREAM large AS SELECT * FROM orders WHERE amount > 10;`;

const CASES: readonly (readonly [statement: string, meant: string])[] = [
  ['CREATE STREAM x AS SELECT * FROM ordrs;', 'ORDERS'],
  ['DROP STREAM ordesr;', 'ORDERS'],
  ["INSERT INTO orderz (id) VALUES ('a');", 'ORDERS'],
  ['INSERT INTO orderz SELECT * FROM orders;', 'ORDERS'],
  ['ALTER STREAM ordders ADD COLUMN z INT;', 'ORDERS'],
  ['CREATE STREAM x AS SELECT custmer FROM orders;', 'CUSTOMER'],
  ['CREATE STREAM x AS SELECT amount FROM orders WHERE amuont > 1;', 'AMOUNT'],
  ['CREATE STREAM x AS SELECT o.amount FROM orders ord WHERE odr.amount > 1;', 'ORD'],
  ["INSERT INTO orders (id, custoner) VALUES ('a', 'b');", 'CUSTOMER'],
  ['CREATE STREAM x AS SELECT home->strete FROM orders;', 'STREET'],
  ['CREATE STREAM x AS SELECT SUBSTRNG(customer, 1) AS s FROM orders;', 'SUBSTRING'],
  ['CREATE TABLE x AS SELECT id, CUONT(*) AS c FROM orders GROUP BY id;', 'COUNT'],
  ['CREATE STREAM x AS SELECT CAST(amount AS BIGNT) AS a FROM orders;', 'BIGINT'],
  ["CREATE STREAM x (a STRNG) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON');", 'STRING'],
  ["CREATE STREAM x (a adress) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON');", 'ADDRESS'],
  ["CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSNO');", 'JSON'],
  ["CREATE STREAM x (a INT) WITH (KAFKA_TOPC='x', PARTITIONS=1, VALUE_FORMAT='JSON');", 'KAFKA_TOPIC'],
  ["CREATE STREAM x WITH (VALUE_FROMAT='JSON') AS SELECT * FROM orders;", 'VALUE_FORMAT'],
  ["CREATE STREAM x (a BIGINT) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON', TIMESTAMP='aa');", ''],
  [
    "CREATE STREAM x (at BIGINT, seen BIGINT) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON', TIMESTAMP='sen');",
    'SEEN',
  ],
  ['TERMINATE CSAS_LARG_0;', 'CSAS_LARGE_0'],
  ['DROP TYPE adress;', 'ADDRESS'],
  ['SELCT * FROM orders;', 'SELECT'],
  ['CREATE STREAM x AS SELECT * FORM orders;', 'FROM'],
  ['CREATE STREAM x AS SELECT * FROM orders WHRE amount > 1;', 'WHERE'],
  ['CREATE TABLE x AS SELECT id, COUNT(*) AS c FROM orders GROPU BY id;', 'GROUP'],
  ['CREATE STREAM x AS SELECT * FROM orders EMIT CHANGS;', 'CHANGES'],
  ['CREATE TABLE x AS SELECT id, COUNT(*) AS c FROM orders WINDOW TUMBLIN (SIZE 1 HOUR) GROUP BY id;', 'TUMBLING'],
  ['CREATE TABLE x AS SELECT id, COUNT(*) AS c FROM orders WINDOW TUMBLING (SIZE 1 HUORS) GROUP BY id;', 'HOURS'],
  ["CREATE STREAM x (a INT) WIHT (KAFKA_TOPIC='x');", 'WITH'],
];

describe.each([
  ['as it is', {}],
  ['under the limits of ksqlDB', { 'ksql.query.extensions.enabled': 'false' }],
])('a misspelt name, %s', (_place, settings: Record<string, string>) => {
  let engine: SqlEngine;
  beforeAll(async () => {
    ({ engine } = plainEngine(settings));
    await engine.execute(SETUP);
  });

  const isPlain = 'ksql.query.extensions.enabled' in settings;

  test.each(CASES)('%s', async (statement, meant) => {
    const message = await engine.execute(statement).then(() => 'it was accepted', messageOf);
    if (isPlain || meant === '') expect(message).not.toContain('Did you mean');
    else expect(message).toContain(`\nDid you mean ${meant}?\nStatement: `);
    // It is said once, and what ksqlDB says stands before it.
    expect(message.match(/Did you mean/g)?.length ?? 0).toBeLessThanOrEqual(1);
  });
});

test('the documentation’s example', async () => {
  const { engine } = plainEngine();
  await engine.execute(
    "CREATE STREAM payments (account STRING KEY, amount INT) WITH (KAFKA_TOPIC='payments', PARTITIONS=1, VALUE_FORMAT='JSON');",
  );
  const [example] = examplesOf('Did you mean …?');
  await expect(engine.execute(example!)).rejects.toThrow('\nDid you mean PAYMENTS?\n');
});
