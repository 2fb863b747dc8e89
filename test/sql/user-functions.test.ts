// Functions in TypeScript, on a real service: those of the examples, and what can go wrong with one.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { createSqlClient, defineScalar, type SqlOf } from '../../src/sql-api/index.ts';
import { PLACES } from './http.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples', 'functions');

type Settings = Record<string, string | number | boolean>;

test('the types of SQL are those of TypeScript', () => {
  type Struct = SqlOf<'STRUCT<A INT, B MAP<STRING, DECIMAL(4, 2)>, C ARRAY<STRUCT<D BIGINT>>>'>;
  expectTypeOf<Struct>().toEqualTypeOf<{
    readonly A: number | null;
    readonly B: Readonly<Record<string, string | null>> | null;
    readonly C: readonly ({ readonly D: bigint | null } | null)[] | null;
  }>();
  const { evaluate } = defineScalar({
    args: ['TIMESTAMP', 'STRING...'],
    returns: 'BYTES',
    evaluate: (time, ...texts) => Buffer.from(`${time.getTime()}${texts.length}`),
  });
  expectTypeOf(evaluate).parameters.toEqualTypeOf<[Date, ...string[]]>();
});

describe.each(PLACES)('functions in TypeScript, queries %s', (_place, place) => {
  let directory: string;
  let platform: Platform;
  let log: string[] = [];

  async function start(settings: Settings): Promise<void> {
    log = [];
    platform = await Platform.start({
      settings: {
        'log.dirs': join(directory, 'data'),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'ksql.streams.auto.offset.reset': 'earliest',
        'ksql.streams.commit.interval.ms': 20,
        ...place,
        ...settings,
      },
      log: (message) => log.push(message),
    });
  }

  const run = (sql: string) => platform.sql.execute(sql);
  const rows = async (sql: string): Promise<unknown[][]> =>
    (await Array.fromAsync(platform.sql.query(sql))).map((row) => Object.values(row));
  const messageOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'nothing was refused',
      (error: Error) => error.message,
    );
  const told = async (text: string): Promise<void> => {
    await expect.poll(() => log.join('\n')).toContain(text);
  };

  describe('the examples', () => {
    let service: Server;
    const asked: string[] = [];

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'millrace-functions-'));
      service = createServer((request, response) => {
        const currency = request.url!.slice(1);
        asked.push(currency);
        response.statusCode = currency === 'EUR' || asked.filter((each) => each === currency).length > 1 ? 200 : 500;
        if (currency === 'XXX') response.statusCode = 404;
        response.end(currency === 'EUR' ? '0.5' : '2');
      });
      await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
      process.env['RATES_URL'] = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
      await start({ 'ksql.extension.dir': examples });
      await run(
        "CREATE STREAM people (id INT KEY, name STRING, l ARRAY<BIGINT>) WITH (kafka_topic='people', partitions=2, value_format='JSON');",
      );
      await platform.sql.insert('PEOPLE', [
        { ID: 1, NAME: 'ada lovelace', L: [1n, 9_007_199_254_740_993n] },
        { ID: 2, NAME: null },
      ]);
    });
    afterAll(async () => {
      await platform.stop();
      service.close();
      rmSync(directory, { recursive: true, force: true });
    });

    test('a scalar function, with overloads; what is null is not asked', async () => {
      expect(await rows("SELECT initials(name), initials(UCASE(name), '.') FROM people WHERE id < 3;")).toEqual(
        expect.arrayContaining([
          ['AL', 'A.L'],
          [null, null],
        ]),
      );
      expect(await messageOf(rows('SELECT initials(id) FROM people;'))).toContain(
        'does not accept parameters (INTEGER)',
      );
    });

    test('a generic function that a statement declares, with exact values', async () => {
      await run(
        "CREATE FUNCTION last_of(items ARRAY<T>) RETURNS T LANGUAGE TYPESCRIPT AS 'initials.ts' EXPORT 'lastOf';",
      );
      expect(await rows('SELECT last_of(l) FROM people WHERE id = 1;')).toEqual([[9_007_199_254_740_993n]]);
      expect(await rows("SELECT last_of(SPLIT(name, ' ')) FROM people WHERE id = 1 EMIT CHANGES LIMIT 1;")).toEqual([
        ['lovelace'],
      ]);
    });

    test('an aggregate over a stream, and over a table, where it takes back', async () => {
      await run(`
        CREATE TABLE prices (k INT PRIMARY KEY, shop STRING, price DOUBLE) WITH (kafka_topic='prices', partitions=1, value_format='JSON');
        CREATE TABLE means AS SELECT shop, GEOMETRIC_MEAN(price) AS mean, COUNT(*) AS n FROM prices GROUP BY shop;`);
      const mean = async () =>
        (await rows('SELECT mean FROM means;')).map(([value]) => Math.round((value as number) * 1e6) / 1e6);
      await platform.sql.insert('PRICES', [
        { K: 1, SHOP: 'a', PRICE: 2 },
        { K: 2, SHOP: 'a', PRICE: 8 },
      ]);
      await expect.poll(mean).toEqual([4]);
      await platform.sql.insert('PRICES', [{ K: 2, SHOP: 'a', PRICE: 18 }]);
      await expect.poll(mean).toEqual([6]);
      // What an aggregate can't take leaves its state as it was.
      await platform.sql.insert('PRICES', [{ K: 3, SHOP: 'a', PRICE: -1 }]);
      await told('GEOMETRIC_MEAN failed: there is no geometric mean with -1');
      expect(await mean()).toEqual([6]);
    });

    test('an aggregate in windows that grow together', async () => {
      await run(`
        CREATE STREAM visits (shop STRING KEY, price DOUBLE) WITH (kafka_topic='visits', partitions=1, value_format='JSON');
        CREATE TABLE sessions AS SELECT shop, GEOMETRIC_MEAN(price) AS mean, COUNT(*) AS n FROM visits WINDOW SESSION (10 SECONDS) GROUP BY shop;`);
      for (const [time, price] of [
        [0, 2],
        [18_000, 8],
        [9_000, 4],
      ])
        await run(`INSERT INTO visits (ROWTIME, shop, price) VALUES (${time}, 'a', ${price});`);
      const found = async () => rows("SELECT n, mean FROM sessions WHERE shop = 'a';");
      await expect.poll(found).toEqual([[3n, expect.closeTo(4)]]);
    });

    test('a table function', async () => {
      await run(
        "CREATE STREAM stays (a DATE, b DATE) WITH (kafka_topic='stays', partitions=1, value_format='JSON'); INSERT INTO stays VALUES ('2026-02-27', '2026-03-01'); INSERT INTO stays (a) VALUES ('2026-01-01'); INSERT INTO stays VALUES ('2026-05-01', '2026-05-01');",
      );
      expect(await rows('SELECT DAYS_BETWEEN(a, b) AS day FROM stays EMIT CHANGES LIMIT 4;')).toEqual([
        ['2026-02-27'],
        ['2026-02-28'],
        ['2026-03-01'],
        ['2026-05-01'],
      ]);
    });

    test('a function that is waited for: tried again, in order, null and told when it fails', async () => {
      await run(`
        CREATE STREAM sales (id INT KEY, amount DECIMAL(6, 2), currency STRING) WITH (kafka_topic='sales', partitions=1, value_format='JSON');
        CREATE STREAM converted AS SELECT id, convert(amount, currency) AS amount, UCASE(currency) AS c FROM sales WHERE id > 0;`);
      const sales = ['USD', 'EUR', 'XXX', 'EUR', 'GBP', null].map((CURRENCY, i) => ({
        ID: i + 1,
        AMOUNT: '10.10',
        CURRENCY,
      }));
      await platform.sql.insert('SALES', sales);
      expect(await rows('SELECT id, amount FROM converted EMIT CHANGES LIMIT 6;')).toEqual([
        [1, '20.20'],
        [2, '5.05'],
        [3, null],
        [4, '5.05'],
        [5, '20.20'],
        [6, null],
      ]);
      await told('CONVERT failed: no rate for XXX (HTTP 404)');
      expect(asked.filter((currency) => currency === 'XXX')).toHaveLength(3);
      // Behind a table function, in a join, under an aggregate: where its arguments are known.
      await run(`
        CREATE STREAM bags (id INT KEY, amounts ARRAY<DECIMAL(6, 2)>) WITH (kafka_topic='bags', partitions=1, value_format='JSON');
        CREATE TABLE homes (id INT PRIMARY KEY, currency STRING) WITH (kafka_topic='homes', partitions=1, value_format='JSON');
        INSERT INTO homes VALUES (1, 'EUR');
        CREATE STREAM unpacked AS SELECT id, convert(EXPLODE(amounts), 'EUR') + 1 AS a FROM bags;
        CREATE STREAM at_home AS SELECT s.id, convert(s.amount, h.currency) AS a FROM sales s JOIN homes h ON s.id = h.id;
        CREATE TABLE most AS SELECT id, MAX(convert(amount, 'EUR')) AS a FROM sales GROUP BY id;`);
      await run("INSERT INTO bags VALUES (1, ARRAY[2.00, 4.00]); INSERT INTO sales VALUES (1, 3.00, 'USD');");
      expect(await rows('SELECT a FROM unpacked EMIT CHANGES LIMIT 2;')).toEqual([['2.00'], ['3.00']]);
      await expect.poll(() => rows('SELECT a FROM most WHERE id = 1;')).toEqual([['5.05']]);
      await expect.poll(async () => (await rows('SELECT a FROM at_home;')).at(-1)).toEqual(['1.50']);
      for (const [sql, why] of [
        ["SELECT convert(amount, 'EUR') FROM sales;", "Pull queries don't wait for functions"],
        ["SELECT id FROM sales WHERE convert(amount, 'EUR') > 1 EMIT CHANGES;", 'can only stand in SELECT'],
        ["SELECT convert(convert(amount, 'EUR'), 'USD') FROM sales EMIT CHANGES;", "can't be nested"],
        ['SELECT convert(CAST(price AS DECIMAL(4, 2)), shop) FROM prices EMIT CHANGES;', 'over streams only'],
      ] as const)
        expect(await messageOf(rows(sql))).toContain(why);
    });

    test('are shown', async () => {
      const [shown] = (await run('SHOW FUNCTIONS;')) as unknown as [{ functions: object[] }];
      expect(shown.functions).toContainEqual({ name: 'GEOMETRIC_MEAN', type: 'AGGREGATE', category: 'AGGREGATE' });
      expect(shown.functions).toContainEqual({ name: 'INITIALS', type: 'SCALAR', category: 'OTHER' });
      const [described] = await run('DESCRIBE FUNCTION initials; ');
      expect(described).toMatchObject({
        name: 'INITIALS',
        type: 'SCALAR',
        description: 'The first letters of the words of a name.',
        path: join(examples, 'initials.ts'),
        version: expect.stringMatching(/^[0-9a-f]{64}$/),
        functions: [{ returnType: 'STRING' }, { arguments: [{ type: 'STRING' }, { type: 'STRING' }] }],
      });
      expect((await run('DESCRIBE FUNCTION last_of;'))[0]).toMatchObject({
        functions: [{ arguments: [{ name: 'ITEMS', type: 'ARRAY<T>' }], returnType: 'T' }],
      });
    });
  });

  describe('of one’s own', () => {
    let extensions: string;
    const write = (name: string, text: string) => writeFileSync(join(extensions, name), text);

    async function begin(settings: Settings = {}): Promise<void> {
      await start({ 'ksql.extension.dir': extensions, ...settings });
      await run(
        "CREATE STREAM IF NOT EXISTS numbers (n INT) WITH (kafka_topic='numbers', partitions=1, value_format='JSON');",
      );
    }

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'millrace-functions-'));
      extensions = join(directory, 'functions');
      mkdirSync(extensions);
    });
    afterEach(async () => {
      await platform.stop();
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(extensions, { recursive: true });
    });

    const create = (name: string, parameters: string, returns: string, more = `EXPORT '${name}'`) =>
      run(`CREATE FUNCTION ${name}(${parameters}) RETURNS ${returns} LANGUAGE TYPESCRIPT AS 'own.ts' ${more};`);

    test('what throws, answers something else, or does not end, is null and told', async () => {
      write(
        'own.ts',
        `export const odd = (n: number): boolean => { if (n === 3) throw new Error('not three'); return n % 2 === 1; };
         export const wrong = (n: number) => n === 1 ? 'text' : n;
         export const endless = (n: number): number => { while (n === 2); return n; };
         export const joined = (first: string, ...others: string[]): string => [first, ...others].join('+');`,
      );
      await begin();
      await create('odd', 'n INT', 'BOOLEAN');
      await create('wrong', 'n INT', 'INT');
      await create('endless', 'n INT', 'INT');
      await create('joined', 'a STRING, b STRING...', 'STRING');
      await platform.sql.insert('NUMBERS', [{ N: 1 }, { N: 2 }, { N: 3 }]);
      await run(
        "CREATE STREAM judged AS SELECT n, COALESCE(CAST(odd(n) AS STRING), 'none') AS o, wrong(n) AS w, endless(n) AS e FROM numbers;",
      );
      expect(await rows('SELECT * FROM judged EMIT CHANGES LIMIT 3;')).toEqual([
        [1, 'true', null, 1],
        [2, 'false', 2, null],
        [3, 'none', 3, 3],
      ]);
      expect(await rows("SELECT joined('a'), joined('a', 'b', 'c') FROM numbers LIMIT 1;")).toEqual([['a', 'a+b+c']]);
      await told('ODD failed: not three');
      await told('WRONG failed: it answers the string "text" where INTEGER is expected');
      await told('ENDLESS failed: it takes longer than 1000 ms');
    });

    test('stops its query when it fails, where that is asked for', async () => {
      write(
        'own.ts',
        `export const odd = (n: number): boolean => { if (n === 3) throw new Error('not three'); return n % 2 === 1; };`,
      );
      await begin({ 'ksql.fail.on.function.error': true });
      await create('odd', 'n INT', 'BOOLEAN');
      await run('CREATE STREAM judged AS SELECT n, odd(n) AS o FROM numbers;');
      await platform.sql.insert('NUMBERS', [{ N: 1 }, { N: 3 }]);
      const state = async () =>
        ((await run('SHOW QUERIES;')) as unknown as [{ queries: [{ state: string }] }])[0].queries[0].state;
      await expect.poll(state).toContain('ERROR');
      await told('The function ODD failed: not three');
    });

    test('is there after a restart; a module that has changed is told', async () => {
      write('own.ts', 'export const add = (n: number): number => n + 1;');
      await begin();
      await create('add', 'n INT', 'INT', "EXPORT 'add'");
      await run('CREATE STREAM added AS SELECT n, add(n) AS m FROM numbers;');
      await platform.sql.insert('NUMBERS', [{ N: 1 }]);
      expect(await rows('SELECT m FROM added EMIT CHANGES LIMIT 1;')).toEqual([[2]]);
      await platform.stop();

      await begin();
      expect(log.join('\n')).not.toContain('is not what it was');
      await platform.sql.insert('NUMBERS', [{ N: 2 }]);
      expect(await rows('SELECT m FROM added EMIT CHANGES LIMIT 2;')).toEqual([[2], [3]]);
      await platform.stop();

      write('own.ts', 'export const add = (n: number): number => n + 10;');
      await begin();
      await told('the module own.ts of the function ADD is not what it was when that was created');
      await platform.sql.insert('NUMBERS', [{ N: 3 }]);
      expect(await rows('SELECT m FROM added EMIT CHANGES LIMIT 3;')).toEqual([[2], [3], [13]]);
      await run("CREATE OR REPLACE FUNCTION add(n INT) RETURNS INT LANGUAGE TYPESCRIPT AS 'own.ts' EXPORT 'add';");
      await platform.stop();
      await begin();
      expect(log.join('\n')).not.toContain('is not what it was');
    });

    test('is replaced for what is started from then on, and dropped when nobody calls it', async () => {
      write('own.ts', 'export default (n: number): number => n + 1;');
      await begin();
      const define = (or: string) =>
        run(`CREATE ${or} FUNCTION add(n INT) RETURNS INT LANGUAGE TYPESCRIPT AS 'own.ts';`);
      await define('');
      await platform.sql.insert('NUMBERS', [{ N: 1 }]);
      await run('CREATE STREAM added AS SELECT n, add(n) AS m FROM numbers;');
      expect(await rows('SELECT m FROM added EMIT CHANGES LIMIT 1;')).toEqual([[2]]);
      expect(await messageOf(define(''))).toContain('ADD(INTEGER) is there already');
      write('own.ts', 'export default (n: number): number => n + 100;');
      const [entity] = await define('OR REPLACE');
      expect(entity).toMatchObject({ commandStatus: { message: expect.stringContaining('CSAS_ADDED_') } });
      expect(await rows('SELECT add(n) FROM numbers;')).toEqual([[101]]);
      await platform.sql.insert('NUMBERS', [{ N: 2 }]);
      expect(await rows('SELECT m FROM added EMIT CHANGES LIMIT 2;')).toEqual([[2], [3]]);
      expect(await messageOf(run('DROP FUNCTION add;'))).toContain('The following queries call it: [CSAS_ADDED_');
      await run('DROP STREAM added; DROP FUNCTION add; DROP FUNCTION IF EXISTS add;');
      expect(await messageOf(rows('SELECT add(n) FROM numbers;'))).toContain(
        "Can't find any functions with the name 'ADD'",
      );
    });

    test('is loaded from the extension directory only, and refused where it is none', async () => {
      write('own.ts', "import { defineAggregate } from 'millrace/sql'; export const f = 1; export const broken = { };");
      writeFileSync(join(directory, 'outside.ts'), 'export default () => 1;');
      symlinkSync(join(directory, 'outside.ts'), join(extensions, 'link.ts'));
      write('syntax.ts', 'export const = ;');
      await begin();
      const from = (module: string, more = '') =>
        messageOf(run(`CREATE FUNCTION f() RETURNS INT LANGUAGE TYPESCRIPT AS '${module}' ${more};`));
      for (const outside of ['../outside.ts', join(directory, 'outside.ts'), 'link.ts', 'x/../../outside.ts'])
        expect(await from(outside)).toContain('is not in the extension directory');
      expect(await from('none.ts')).toContain("can't be read in the extension directory: ENOENT");
      expect(await from('syntax.ts')).toContain("can't be loaded");
      const elsewhere = createClientWith({ 'ksql.extension.dir': directory });
      expect(
        await messageOf(elsewhere.execute("CREATE FUNCTION f() RETURNS INT LANGUAGE TYPESCRIPT AS 'outside.ts';")),
      ).toContain('ksql.extension.dir is set for the service alone');
      expect(await messageOf(run("CREATE FUNCTION f() RETURNS INT LANGUAGE JAVA AS 'own.ts';"))).toContain(
        'not in JAVA',
      );
      expect(
        await messageOf(run("CREATE FUNCTION ucase(s STRING) RETURNS STRING LANGUAGE TYPESCRIPT AS 'own.ts';")),
      ).toContain('UCASE is a function of SQL itself');
    });
  });

  function createClientWith(properties: Record<string, string>) {
    return createSqlClient(platform.url('sql'), { properties });
  }
});
