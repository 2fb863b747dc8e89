// SQL from code on a real service: `platform.sql`, the template that binds values, rows both ways with all their digits.
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { createSqlClient, InsertError, isDeleted, sql, SqlError } from '../../src/sql-api/index.ts';
import { asPackage } from '../suites/as-package.ts';

describe('SQL from code', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-code-'));
  let platform: Platform;

  beforeAll(async () => {
    platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'ksql.streams.auto.offset.reset': 'earliest',
      },
    });
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const TYPES =
    'b BOOLEAN, i INT, l BIGINT, m DECIMAL(20, 2), d DOUBLE, s STRING, y BYTES, da DATE, ti TIME, ts TIMESTAMP, a ARRAY<BIGINT>, mp MAP<STRING, DECIMAL(4, 2)>, st STRUCT<X INT, `y z` BIGINT>';
  const VALUES = {
    B: true,
    I: -3,
    L: 9_007_199_254_740_993n,
    M: '123456789012345678.90',
    D: 1.5e-7,
    S: 'it\'s ${name}; -- \\ "quoted"\n`end`',
    Y: Buffer.from([0, 255, 7]),
    DA: '2026-03-01',
    TI: '12:30:05',
    TS: new Date('2026-03-01T12:30:05.250Z'),
    A: [1n, -9_223_372_036_854_775_808n],
    MP: { __proto__x: '1.50', valueOf: '-0.25' },
    ST: { X: 1, 'y z': 9_223_372_036_854_775_807n },
  };

  test('values of every type go in and come out exactly, inserted as rows and bound in a template', async () => {
    const { sql: client } = platform;
    await client.execute(
      `CREATE STREAM every_type (${TYPES}) WITH (kafka_topic='every_type', partitions=1, value_format='JSON');`,
    );
    const row = { ...VALUES, ST: { X: 1, '`y z`': VALUES.ST['y z'] } };
    expect(await client.insert('EVERY_TYPE', [row, { I: 1 }])).toBe(2);
    const { B, I, L, M, D, S, Y, DA, TI, TS, A, ST } = VALUES;
    const MP = new Map([
      ['__proto__x', sql.decimal('1.50')],
      ['valueOf', sql.decimal('-0.25')],
    ]);
    await client.execute(
      sql`INSERT INTO every_type VALUES (${B}, ${I}, ${L}, ${sql.decimal(M)}, ${D}, ${S}, ${Y}, ${DA}, ${TI}, ${TS}, ${A}, ${MP}, ${ST});`,
    );
    const rows = await Array.fromAsync(client.query('SELECT * FROM every_type;'));
    expect(rows[0]).toEqual(VALUES);
    expect(rows[1]).toEqual({ ...Object.fromEntries(Object.keys(VALUES).map((name) => [name, null])), I: 1 });
    expect(rows[2]).toEqual(VALUES);
  });

  test('what is bound is a value, whatever it holds', async () => {
    const client = createSqlClient(platform.url('sql'), { variables: { name: "x'; DROP STREAM every_type; --" } });
    const found = client.query<{ I: number }>(
      sql`SELECT i FROM every_type WHERE s = ${VALUES.S} AND i - ${I_MINUS} IN (${sql.list([-2, 7n])}) AND ${sql.id('L')} > ${0.5};`,
    );
    expect(await Array.fromAsync(found)).toEqual([{ I: -3 }, { I: -3 }]);
    const named = sql`i = ${-3}`;
    expect(await Array.fromAsync(client.query(sql`SELECT i FROM every_type WHERE ${named};`))).toHaveLength(2);
    client.close();
    for (const value of [Number.NaN, undefined, Symbol('s'), () => 1, new Date(Number.NaN)]) {
      expect(() => sql`SELECT ${value as never};`).toThrow(expect.objectContaining({ code: 'SQL_VALUE' }));
    }
  });

  test('variables are for plain texts', async () => {
    const client = createSqlClient(platform.url('sql'), { variables: { what: 'i' } });
    expect(await Array.fromAsync(client.query('SELECT ${what} FROM every_type LIMIT 1;'))).toEqual([{ I: -3 }]);
    client.close();
  });

  test('errors have a code, ksqlDB’s number, a position and the statement', async () => {
    const syntax: unknown = await platform.sql.execute('SHOW STREAMS;\nCREATE STREM x;').catch((e: unknown) => e);
    expect(syntax).toBeInstanceOf(SqlError);
    expect(syntax).toMatchObject({ code: 'SQL_REFUSED', errorCode: 40001, position: { line: 2, column: 8 } });
    const unknown: unknown = await Array.fromAsync(platform.sql.query('SELECT * FROM nothing;')).catch(
      (e: unknown) => e,
    );
    expect(unknown).toMatchObject({ errorCode: 40001, position: undefined, statement: 'SELECT * FROM nothing;' });
    await expect(createSqlClient('http://127.0.0.1:1').info()).rejects.toMatchObject({
      code: 'SQL_SERVER_UNREACHABLE',
      retriable: true,
    });
    expect(() => createSqlClient('localhost')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  test('rows that are refused are named; the others are there', async () => {
    await platform.sql.execute(
      "CREATE STREAM numbers (n INT) WITH (kafka_topic='numbers', partitions=1, value_format='JSON');",
    );
    async function* rows() {
      for (let n = 0; n < 1200; n++) yield { N: n === 1100 ? 'many' : n };
    }
    const error: unknown = await platform.sql.insert('numbers', rows()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InsertError);
    expect(error).toMatchObject({ inserted: 1199, refused: [{ index: 1100 }] });
    expect(await Array.fromAsync(platform.sql.query('SELECT n FROM numbers;'))).toHaveLength(1199);
  });

  const openQueries = async (): Promise<string | undefined> =>
    /^ksql_transient_queries (\d+)$/m.exec(await (await fetch(`${platform.url('sql')}/metrics`)).text())?.[1];

  test('a push query ends at the service with its loop, and with its signal', async () => {
    for await (const row of platform.sql.query<{ N: number }>('SELECT n FROM numbers EMIT CHANGES;')) {
      expect(row).toEqual({ N: 0 });
      break;
    }
    await expect.poll(openQueries).toBe('0');
    const ending = new AbortController();
    const read = async (): Promise<void> => {
      for await (const { N } of platform.sql.query<{ N: number }>('SELECT n FROM numbers EMIT CHANGES;', {
        signal: ending.signal,
      }))
        if (N === 5) ending.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
    await expect.poll(openQueries).toBe('0');
  });

  test('a row of a table that is deleted says so', async () => {
    await platform.sql.execute(
      "CREATE TABLE states (k STRING PRIMARY KEY, v INT) WITH (kafka_topic='states', partitions=1, value_format='JSON'); CREATE TABLE small AS SELECT * FROM states WHERE v < 10;",
    );
    const rows = platform.sql.query('SELECT * FROM small EMIT CHANGES;');
    for (const V of [1, 20]) {
      await platform.sql.insert('STATES', [{ K: 'a', V }]);
      const { value: row } = await rows.next();
      expect([row, isDeleted(row!)]).toEqual(V === 1 ? [{ K: 'a', V: 1 }, false] : [{ K: 'a', V: null }, true]);
    }
    await rows.return();
  });

  test('the program of the documentation says what it says there', async () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'sql-from-code.md'), 'utf8');
    const [, program, output] = /```ts\n([^]*?)```\n\n```\n([^]*?)```/.exec(page)!;
    const file = join(dataDir, 'accounts.ts');
    writeFileSync(file, program!.replace('http://127.0.0.1:8088', platform.url('sql')));
    const { stdout } = await promisify(execFile)(process.execPath, [...asPackage, file]);
    expect(stdout).toBe(output);
  });

  test('a service is read no faster than its rows are taken', async () => {
    const all = 64 * 1024 * 1024;
    const line = `,{"row":{"columns":["${'x'.repeat(64 * 1024)}"]}}\n`;
    let written = 0;
    const server = createServer((request, response) => {
      if (request.url === '/info') return void response.end('{"KsqlServerInfo":{}}');
      response.writeHead(200, { 'content-type': 'application/vnd.ksql.v1+json' });
      response.write('[{"header":{"schema":"`A` STRING"}}\n');
      const fill = (): void => {
        while (written < all) {
          written += line.length;
          if (!response.write(line)) return void response.once('drain', fill);
        }
        response.end(']\n');
      };
      fill();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = createSqlClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const rows = client.query('SELECT a FROM s;');
    await rows.next();
    for (let i = 0; i < 200; i++) await client.info();
    expect(written).toBeLessThan(all / 2);
    expect(await Array.fromAsync(rows)).toHaveLength(Math.ceil(all / line.length) - 1);
    client.close();
    server.close();
  });
});

const I_MINUS = -1;
