// What events say: of every type that is supported, of each kind of change, and of tables that change themselves. The values
// are those that Debezium 3.6.1 gives for the same rows, but for what docs/connect/postgres.md says.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { checkValue, type Schema, type SourceRecord } from '../../../src/connect/index.ts';
import { Decimal } from '../../../src/util/index.ts';
import { type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { type ChangeValue, Harness } from './harness.ts';

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const optional = (type: string, more: object = {}) => ({ type, optional: true, ...more });
const named = (type: string, name: string, more: object = {}) => optional(type, { name, version: 1, ...more });

/** What a schema says, without what it leaves out. */
function told(schema: Schema): object {
  const { type, name, version, parameters } = schema;
  const said = { type, optional: schema.optional, name, version, parameters, default: schema.default };
  const parts = type === 'array' ? { items: told(schema.valueSchema) } : {};
  return Object.fromEntries(Object.entries({ ...said, ...parts }).filter(([, value]) => value !== undefined));
}

function rowSchema(record: SourceRecord): Schema {
  return record.valueSchema!.field('after')!.schema;
}

describe.skipIf(postgresMissing !== undefined)('events', () => {
  let postgres: Postgres;
  const harnesses: Harness[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterEach(async () => {
    for (const harness of harnesses.splice(0)) await harness.kill();
  });
  afterAll(() => postgres?.stop());

  async function open(sql: string, settings: Record<string, string> = {}) {
    const database = await postgres.createDatabase();
    const client = await postgres.connect(database);
    await client.query(sql);
    const harness = new Harness(postgres, database, settings);
    harnesses.push(harness);
    await harness.start();
    await harness.poll();
    return { harness, client, database };
  }

  /** The rows of table t, as a snapshot and then the stream tell them: both must be the same. */
  async function readBothWays(columns: string, values: string, settings: Record<string, string> = {}) {
    const { harness, client } = await open(
      `CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;
       CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
       CREATE TABLE t (id serial PRIMARY KEY, ${columns}); INSERT INTO t VALUES (DEFAULT, ${values})`,
      settings,
    );
    await client.query(`INSERT INTO t VALUES (DEFAULT, ${values})`);
    await harness.until((written) => written.length === 2);
    const [first, second] = harness.written as [SourceRecord, SourceRecord];
    const [row, streamed] = harness.changes('public.t').map(({ after }) => {
      const { id, ...rest } = after!;
      expect(typeof id).toBe('number');
      return rest;
    }) as [Record<string, unknown>, Record<string, unknown>];
    expect(streamed).toEqual(row);
    expect(second.valueSchema!.equals(first.valueSchema)).toBe(true);
    for (const record of harness.written) checkValue(record.valueSchema, record.value);
    const schemas = Object.fromEntries(
      rowSchema(first)
        .fields.slice(1)
        .map(({ name, schema }) => [name, told(schema)]),
    );
    return { row, schemas };
  }

  test('have numbers, truths, texts and bytes', async () => {
    const { row, schemas } = await readBothWays(
      `b boolean, b1 bit, b5 bit(5), vb varbit(10), i2 smallint, i4 integer, i8 bigint, o oid, f4 real, f8 float8,
       n numeric, n52 numeric(5,2), m money, c5 char(5), vc varchar(9), tx text, ci citext, by bytea, p positive, nan numeric`,
      `true, B'1', B'10101', B'1011101110', -7, 42, 9007199254740993, 4000000000, 1.5, 2.25e100,
       1234.500, -123.45, '-$1,234.56', 'ab', 'vc', 'Grüße 😀 "q"', 'CiText', '\\xdeadbeef', 5, 'NaN'`,
    );
    expect(row).toEqual({
      ...{ b: true, b1: true, b5: bytes(0x15), vb: bytes(0xee, 0x02), i2: -7, i4: 42, i8: 9007199254740993n },
      ...{ o: 4000000000n, f4: 1.5, f8: 2.25e100, n: { scale: 1, value: bytes(0x30, 0x39) } },
      ...{ n52: new Decimal(-12345n, 2), m: new Decimal(-123456n, 2), c5: 'ab   ', vc: 'vc', tx: 'Grüße 😀 "q"' },
      ...{ ci: 'CiText', by: bytes(0xde, 0xad, 0xbe, 0xef), p: 5, nan: null },
    });
    const bits = (length: string) => named('bytes', 'io.debezium.data.Bits', { parameters: { length } });
    const decimal = (parameters: object) => named('bytes', 'org.apache.kafka.connect.data.Decimal', { parameters });
    const variable = named('struct', 'io.debezium.data.VariableScaleDecimal');
    expect(schemas).toEqual({
      ...{ b: optional('boolean'), b1: optional('boolean'), b5: bits('5'), vb: bits('10'), i2: optional('int16') },
      ...{ i4: optional('int32'), i8: optional('int64'), o: optional('int64'), f4: optional('float32') },
      ...{ f8: optional('float64'), n: variable, n52: decimal({ scale: '2', 'connect.decimal.precision': '5' }) },
      ...{ m: decimal({ scale: '2' }), c5: optional('string'), vc: optional('string'), tx: optional('string') },
      ...{ ci: optional('string'), by: optional('bytes'), p: optional('int32'), nan: variable },
    });
  });

  const TIMES = `d date, ti time, ti3 time(3), tz timetz, ts timestamp, ts3 timestamp(3), tstz timestamptz, tstz3 timestamptz(3), iv interval, bc date, late timestamp, ever timestamptz`;
  const TIME_VALUES = `'2024-02-29', '12:34:56.789012', '24:00:00', '12:34:56.123456+02', '2024-02-29 12:34:56.789012', '1900-01-01 00:00:00.001',
    '2024-02-29 12:34:56.789012+02', '2024-02-29 12:34:56.5+00', '1 year 2 mons -3 days 04:05:06.789', '0044-03-15 BC', 'infinity', '-infinity'`;
  const ZONED = {
    ...{ tz: '10:34:56.123456Z', tstz: '2024-02-29T10:34:56.789012Z', tstz3: '2024-02-29T12:34:56.500Z' },
    ...{ ever: '-infinity', iv: 36572706789000n },
  };

  test.each([
    [
      'adaptive',
      {
        d: 19782,
        ti: 45296789012n,
        ti3: 86400000,
        ts: 1709210096789012n,
        ts3: -2208988799999n,
        bc: -735160,
        late: 9223372036825200000n,
      },
    ],
    [
      'adaptive_time_microseconds',
      {
        d: 19782,
        ti: 45296789012n,
        ti3: 86400000000n,
        ts: 1709210096789012n,
        ts3: -2208988799999n,
        bc: -735160,
        late: 9223372036825200000n,
      },
    ],
    [
      'microseconds',
      {
        d: 19782,
        ti: 45296789012n,
        ti3: 86400000000n,
        ts: 1709210096789012n,
        ts3: -2208988799999000n,
        bc: -735160,
        late: 9223372036825200000n,
      },
    ],
    [
      'nanoseconds',
      {
        d: 19782,
        ti: 45296789012000n,
        ti3: 86400000000000n,
        ts: 1709210096789012000n,
        ts3: -2208988799999000000n,
        bc: -735160,
        late: 9223372036854775807n,
      },
    ],
    [
      'isostring',
      {
        d: '2024-02-29Z',
        ti: '12:34:56.789012Z',
        ti3: '00:00:00Z',
        ts: '2024-02-29T12:34:56.789012Z',
        ts3: '1900-01-01T00:00:00.001Z',
        bc: '-0043-03-15Z',
        late: 'infinity',
      },
    ],
    [
      'connect',
      {
        d: new Date(1709164800000),
        ti: new Date(45296789),
        ti3: new Date(86400000),
        ts: new Date(1709210096789),
        ts3: new Date(-2208988799999),
        bc: new Date(-735160 * 86400000),
        late: new Date(8640000000000000),
      },
    ],
  ])('have times in the mode %s', async (mode, values) => {
    const { row, schemas } = await readBothWays(TIMES, TIME_VALUES, { 'time.precision.mode': mode });
    expect(row).toEqual({ ...ZONED, ...values });
    const names = Object.values(schemas).map((schema) => (schema as { name: string }).name);
    expect(names).toMatchSnapshot();
  });

  test('have documents, networks, ranges, enums and points', async () => {
    const { row, schemas } = await readBothWays(
      `j json, jb jsonb, x xml, u uuid, lt ltree, ts tsvector, inet inet, cidr cidr, mac macaddr, mac8 macaddr8,
       r4 int4range, rn numrange, rts tsrange, rtz tstzrange, rd daterange, md mood, hs hstore, pt point, bx box, mr int4multirange`,
      `'{"a": [1, 2]}', '{"b":  true}', '<a>1</a>', '123e4567-e89b-12d3-a456-426614174000', 'a.b.c', 'a fat cat',
       '192.168.1.5/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '[1,10)', '[1.5,2.5]',
       '[2024-01-01 00:00,2024-01-02 00:00)', '[2024-01-01 00:00+00,2024-01-02 00:00+00)', '[2024-01-01,2024-01-03)', 'happy',
       'a=>1,b=>NULL,"c d"=>"e\\"f"', '(1.5,-2)', '(1,2),(3,4)', '{[1,3)}'`,
    );
    expect(row).toEqual({
      ...{
        j: '{"a": [1, 2]}',
        jb: '{"b": true}',
        x: '<a>1</a>',
        u: '123e4567-e89b-12d3-a456-426614174000',
        lt: 'a.b.c',
      },
      ...{ ts: "'a' 'cat' 'fat'", inet: '192.168.1.5/24', cidr: '10.0.0.0/8', mac: '08:00:2b:01:02:03' },
      ...{ mac8: '08:00:2b:01:02:03:04:05', r4: '[1,10)', rn: '[1.5,2.5]', md: 'happy' },
      rts: '["2024-01-01 00:00:00","2024-01-02 00:00:00")',
      rtz: '["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00")',
      rd: '[2024-01-01,2024-01-03)',
      hs: '{"a":"1","b":null,"c d":"e\\"f"}',
      pt: { x: 1.5, y: -2, wkb: Buffer.from('0101000000000000000000f83f00000000000000c0', 'hex'), srid: null },
    });
    expect(schemas['md']).toEqual(
      named('string', 'io.debezium.data.Enum', { parameters: { allowed: 'sad,ok,happy' } }),
    );
    expect(Object.values(schemas).map((schema) => (schema as { name?: string }).name ?? 'none')).toMatchSnapshot();
  });

  test('have arrays', async () => {
    const { row, schemas } = await readBothWays(
      `a2 smallint[], a8 bigint[], ab boolean[], an numeric(5,2)[], at text[], aby bytea[], ad date[], ats timestamptz[], au uuid[],
       am mood[], ae integer[], ah hstore[], two integer[][], apt point[], abx box[], iv int2vector`,
      `'{1,NULL,-3}', '{9007199254740993}', '{t,f}', '{1.25,3}', '{"a,b",NULL,"NULL","q\\"x\\\\y",""}', '{"\\\\xdead"}', '{2024-01-01}',
       '{"2024-01-01 00:00:00+00"}', '{123e4567-e89b-12d3-a456-426614174000}', '{sad,happy}', '{}', '{"a=>1"}', '{{1,2},{3,4}}', '{"(0,0)"}', '{(1,2),(3,4);(5,6),(7,8)}', '1 2'`,
      { 'include.unknown.datatypes': 'true' },
    );
    expect(row).toEqual({
      ...{
        a2: [1, null, -3],
        a8: [9007199254740993n],
        ab: [true, false],
        an: [new Decimal(125n, 2), new Decimal(300n, 2)],
      },
      ...{
        at: ['a,b', null, 'NULL', 'q"x\\y', ''],
        aby: [bytes(0xde, 0xad)],
        ad: [19723],
        am: ['sad', 'happy'],
        ae: [],
      },
      ...{ ats: ['2024-01-01T00:00:00.000000Z'], au: ['123e4567-e89b-12d3-a456-426614174000'], ah: ['{"a":"1"}'] },
      two: [1, 2, 3, 4],
      apt: [{ x: 0, y: 0, wkb: Buffer.from('010100000000000000000000000000000000000000', 'hex'), srid: null }],
      abx: [Buffer.from('(3,4),(1,2)'), Buffer.from('(7,8),(5,6)')],
      iv: Buffer.from('1 2'),
    });
    expect(schemas['a2']).toEqual(optional('array', { items: optional('int16') }));
  });

  test('have numbers, bytes, hstores and intervals as settings wish', async () => {
    const columns = 'n numeric(5,2), nan numeric, m money, by bytea, hs hstore, iv interval, bx box';
    const values = `1.50, 'NaN', '$2.50', '\\xfbff', 'a=>1', '-1 day -00:00:01.5', '(1,2),(3,4)'`;
    const first = await readBothWays(columns, values, {
      ...{
        'decimal.handling.mode': 'string',
        'binary.handling.mode': 'base64-url-safe',
        'hstore.handling.mode': 'map',
      },
      ...{ 'interval.handling.mode': 'string', 'include.unknown.datatypes': 'true' },
    });
    expect(first.row).toEqual({
      ...{ n: '1.50', nan: 'NAN', m: '2.50', by: '-_8=', hs: new Map([['a', '1']]), iv: 'P0Y0M-1DT0H0M-1.5S' },
      bx: 'KDMsNCksKDEsMik=',
    });
    const second = await readBothWays(columns, values, {
      'decimal.handling.mode': 'double',
      'binary.handling.mode': 'hex',
    });
    expect(second.row).toEqual({ n: 1.5, nan: Number.NaN, m: 2.5, by: 'fbff', hs: '{"a":"1"}', iv: -86401500000n });
  });

  test('tell defaults that are constants, and what stands for the time, a number and a UUID', async () => {
    const { harness } = await open(`
      CREATE TABLE t (id bigserial PRIMARY KEY, b boolean NOT NULL DEFAULT true, i int DEFAULT -6, n numeric(5,2) DEFAULT 3.1,
        tx text DEFAULT 'it''s', d date DEFAULT '2024-01-02', ts timestamp NOT NULL DEFAULT now(), tz timestamptz DEFAULT '2024-01-02 03:04:05+02',
        u uuid NOT NULL DEFAULT gen_random_uuid(), computed text DEFAULT upper('x'), nothing text DEFAULT NULL, j jsonb DEFAULT '{}', bits bit(5) DEFAULT B'10101');
      INSERT INTO t DEFAULT VALUES`);
    await harness.until((written) => written.length === 1);
    const defaults = rowSchema(harness.written[0]!).fields.map(({ name, schema }) => [name, schema.default]);
    expect(Object.fromEntries(defaults)).toEqual({
      ...{
        id: 0n,
        b: true,
        i: -6,
        n: new Decimal(310n, 2),
        tx: "it's",
        d: 19724,
        ts: 0n,
        tz: '2024-01-02T01:04:05.000000Z',
      },
      ...{
        u: '00000000-0000-0000-0000-000000000000',
        computed: undefined,
        nothing: undefined,
        j: '{}',
        bits: bytes(0x15),
      },
    });
  });

  test('are envelopes with a source, keys and headers as Debezium has them', async () => {
    const { harness, client, database } = await open('CREATE TABLE t (id int PRIMARY KEY, v text)');
    await client.query(`INSERT INTO t VALUES (1, 'a')`);
    await harness.until((written) => written.length === 1);
    const [record] = harness.written as [SourceRecord];
    expect(record).toMatchObject({
      topic: 'srv.public.t',
      partition: null,
      key: { id: 1 },
      sourcePartition: { server: 'srv' },
    });
    expect(record.keySchema!.name).toBe('srv.public.t.Key');
    expect([record.valueSchema!.name, record.valueSchema!.version]).toEqual(['srv.public.t.Envelope', 2]);
    expect(rowSchema(record).name).toBe('srv.public.t.Value');
    expect(record.valueSchema!.fields.map(({ name }) => name)).toEqual([
      'before',
      'after',
      'source',
      'transaction',
      'op',
      'ts_ms',
      'ts_us',
      'ts_ns',
    ]);
    const { source } = record.value as ChangeValue;
    expect(Object.keys(source)).toEqual(record.valueSchema!.field('source')!.schema.fields.map(({ name }) => name));
    expect(source).toMatchObject({
      connector: 'postgresql',
      name: 'srv',
      snapshot: 'false',
      db: database,
      schema: 'public',
      table: 't',
      xmin: null,
    });
    expect(Number(source['ts_us'] as bigint) / 1000).toBeCloseTo(Number(source['ts_ms'] as bigint), -1);
    expect(record.headers.map(({ key }) => key)).toEqual(
      ['connectorLogicalName', 'taskId', 'connectorName', 'runId'].map((name) => `__debezium.context.${name}`),
    );
    expect(Object.keys(record.sourceOffset)).toEqual(
      expect.arrayContaining(['lsn', 'lsn_proc', 'txId', 'ts_usec', 'messageType']),
    );
  });

  test('have the same schemas, by identity, as long as a table is the same', async () => {
    const { harness, client } = await open('CREATE TABLE t (id int PRIMARY KEY, v text)');
    await client.query(`INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'a')`);
    await client.query(`INSERT INTO t VALUES (3, 'a')`);
    await harness.until((written) => written.length === 3);
    expect(new Set(harness.written.map(({ valueSchema }) => valueSchema)).size).toBe(1);
    expect(new Set(harness.written.map(({ keySchema }) => keySchema)).size).toBe(1);
  });

  test('of a changed key are a delete and an insert, each with the other key in a header', async () => {
    const { harness, client } = await open(
      `CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL); INSERT INTO t VALUES (1, 'a')`,
    );
    await client.query('UPDATE t SET id = 2');
    await harness.until((written) => written.length === 4);
    const [, removed, tombstone, added] = harness.written as SourceRecord[];
    // Only the key of the old row is in the log: what must not be null is told as empty.
    expect([removed!.key, (removed!.value as ChangeValue).op, (removed!.value as ChangeValue).before]).toEqual([
      { id: 1 },
      'd',
      { id: 1, v: '' },
    ]);
    expect([tombstone!.key, tombstone!.value]).toEqual([{ id: 1 }, null]);
    expect([added!.key, (added!.value as ChangeValue).op]).toEqual([{ id: 2 }, 'c']);
    expect(removed!.headers[0]).toMatchObject({ key: '__debezium.newkey', value: { id: 2 } });
    expect(added!.headers[0]).toMatchObject({ key: '__debezium.oldkey', value: { id: 1 } });
  });

  test('have the row before where the table is of REPLICA IDENTITY FULL', async () => {
    const { harness, client } = await open(
      `CREATE TABLE t (a int, v text); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1, 'a')`,
      { 'tombstones.on.delete': 'false' },
    );
    await client.query(`UPDATE t SET v = 'b'; DELETE FROM t`);
    await harness.until((written) => written.length === 3);
    expect(harness.changes('public.t').map(({ op, before, after }) => [op, before, after])).toEqual([
      ['r', null, { a: 1, v: 'a' }],
      ['u', { a: 1, v: 'a' }, { a: 1, v: 'b' }],
      ['d', { a: 1, v: 'b' }, null],
    ]);
    expect(harness.written.map(({ keySchema }) => keySchema)).toEqual([null, null, null]);
  });

  test('have for a key what identifies rows in the log', async () => {
    const { harness, client } = await open(`
      CREATE TABLE t (a int UNIQUE NOT NULL, b text UNIQUE NOT NULL); ALTER TABLE t REPLICA IDENTITY USING INDEX t_b_key; INSERT INTO t VALUES (1, 'x')`);
    await client.query(`UPDATE t SET a = 2; UPDATE t SET b = 'y'; DELETE FROM t`);
    await harness.until((written) => written.length === 7);
    expect(harness.written.map(({ key }) => key)).toEqual(['x', 'x', 'x', 'x', 'y', 'y', 'y'].map((b) => ({ b })));
  });

  test('have a placeholder for long values that were not changed', async () => {
    const long = (column: string) => `ALTER TABLE t ALTER ${column} SET STORAGE EXTERNAL;`;
    const { harness, client } = await open(`
      CREATE TABLE t (id int PRIMARY KEY, v int, tx text NOT NULL, by bytea, j jsonb, ai int[], at text[], n numeric, hs text);
      ${['tx', 'by', 'j', 'ai', 'at', 'n'].map(long).join('')}
      CREATE TABLE f (id int PRIMARY KEY, v int, tx text); ALTER TABLE f ALTER tx SET STORAGE EXTERNAL; ALTER TABLE f REPLICA IDENTITY FULL`);
    await client.query(`
      INSERT INTO t SELECT 1, 1, repeat('x', 9000), repeat('x', 9000)::bytea, jsonb_build_object('a', repeat('x', 9000)),
        array_agg(g), array_agg(g::text), (10::numeric ^ 30000) + 1, 'short' FROM generate_series(1, 3000) g;
      UPDATE t SET v = 2; INSERT INTO f SELECT 1, 1, repeat('y', 9000); UPDATE f SET v = 2`);
    await harness.until((written) => written.length === 4);
    const placeholder = '__debezium_unavailable_value';
    expect(harness.changes('public.t')[1]!.after).toEqual({
      ...{
        id: 1,
        v: 2,
        tx: placeholder,
        by: Buffer.from(placeholder),
        j: placeholder,
        ai: [...Buffer.from(placeholder)],
      },
      ...{ at: [placeholder], n: null, hs: 'short' },
    });
    // With the whole old row at hand it is known.
    expect(harness.changes('public.f')[1]!.after).toEqual({ id: 1, v: 2, tx: 'y'.repeat(9000) });
  });

  test('of TRUNCATE come when they are not skipped, one for each table', async () => {
    const sql = 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)';
    const { harness, client } = await open(sql, { 'skipped.operations': 'none' });
    await client.query('TRUNCATE a, b; INSERT INTO a VALUES (1)');
    await harness.until((written) => written.length === 3);
    expect(harness.written.map(({ topic, key, value }) => [topic, key, (value as ChangeValue).op])).toEqual([
      ['srv.public.a', null, 't'],
      ['srv.public.b', null, 't'],
      ['srv.public.a', { id: 1 }, 'c'],
    ]);
    const other = await open(sql);
    await other.client.query('TRUNCATE a, b; INSERT INTO a VALUES (1)');
    await other.harness.until((written) => written.length === 1);
  });

  test('follow the columns of a table', async () => {
    const { harness, client } = await open(
      `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')`,
    );
    await client.query(
      `INSERT INTO t VALUES (2, 'b'); ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 5; INSERT INTO t VALUES (3, 'c')`,
    );
    await harness.until((written) => written.length === 3);
    await client.query(
      `ALTER TABLE t RENAME v TO w; INSERT INTO t VALUES (4, 'd'); ALTER TABLE t DROP COLUMN n; INSERT INTO t VALUES (5, 'e')`,
    );
    await client.query(
      `ALTER TABLE t ALTER w TYPE bigint USING 7; INSERT INTO t VALUES (6, 8); BEGIN; INSERT INTO t VALUES (7, 9); ALTER TABLE t ADD COLUMN x text; INSERT INTO t VALUES (8, 10, 'x'); COMMIT`,
    );
    await harness.until((written) => written.length === 8);
    expect(harness.changes('public.t').map(({ after }) => after)).toEqual([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
      { id: 3, v: 'c', n: 5 },
      { id: 4, w: 'd', n: 5 },
      { id: 5, w: 'e' },
      { id: 6, w: 8n },
      { id: 7, w: 9n },
      { id: 8, w: 10n, x: 'x' },
    ]);
    for (const record of harness.written) checkValue(record.valueSchema, record.value);
  });

  test('know labels that an enum has been given since', async () => {
    const { harness, client } = await open(
      `CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[])`,
    );
    await client.query(`INSERT INTO t VALUES (1, 'ok')`);
    await harness.until((written) => written.length === 1);
    await client.query(`ALTER TYPE mood ADD VALUE 'great' BEFORE 'ok'`);
    await client.query(`INSERT INTO t VALUES (2, 'great', '{great,ok}')`);
    await harness.until((written) => written.length === 2);
    expect(harness.changes('public.t')[1]!.after).toEqual({ id: 2, m: 'great', ms: ['great', 'ok'] });
    expect(rowSchema(harness.written[1]!).field('m')!.schema.parameters).toEqual({ allowed: 'great,ok' });
  });

  test('say their place in their transaction, and transactions say what they had', async () => {
    const { harness, client } = await open('CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)', {
      'provide.transaction.metadata': 'true',
    });
    await client.query('BEGIN; INSERT INTO a VALUES (1), (2); INSERT INTO b VALUES (1); COMMIT');
    await harness.until((written) => written.length === 5);
    const orders = [...harness.changes('public.a'), ...harness.changes('public.b')].map(({ transaction }) => [
      transaction?.['total_order'],
      transaction?.['data_collection_order'],
    ]);
    expect(orders).toEqual([
      [1n, 1n],
      [2n, 2n],
      [3n, 1n],
    ]);
    const [begin, , , , end] = harness.written.map(({ value }) => value as Record<string, unknown>);
    expect(begin).toMatchObject({ status: 'BEGIN', event_count: null, data_collections: null });
    expect(end).toMatchObject({
      ...{ status: 'END', event_count: 3n },
      data_collections: [
        { data_collection: 'public.a', event_count: 2n },
        { data_collection: 'public.b', event_count: 1n },
      ],
    });
    expect(String(begin!['id']).split(':')[0]).toBe(String(end!['id']).split(':')[0]);
    expect(harness.written[0]!.topic).toBe('srv.transaction');
  });

  test('have logical decoding messages, in and out of transactions', async () => {
    const { harness, client } = await open('CREATE TABLE t (id int PRIMARY KEY)', {
      'message.prefix.exclude.list': 'not.*',
    });
    await client.query(`SELECT pg_logical_emit_message(false, 'alone', 'x')`);
    await client.query(
      `BEGIN; SELECT pg_logical_emit_message(true, 'in', 'y'), pg_logical_emit_message(true, 'not', 'z'); INSERT INTO t VALUES (1); COMMIT`,
    );
    await harness.until((written) => written.length === 3);
    expect(harness.written.map(({ topic, key }) => [topic, key])).toEqual([
      ['srv.message', { prefix: 'alone' }],
      ['srv.message', { prefix: 'in' }],
      ['srv.public.t', { id: 1 }],
    ]);
    expect(harness.written[0]!.value).toMatchObject({
      op: 'm',
      message: { prefix: 'alone', content: Buffer.from('x') },
    });
    for (const record of harness.written) checkValue(record.valueSchema, record.value);
  });

  test('come of captured tables and columns only, and with keys, names and texts as settings wish', async () => {
    const { harness, client } = await open(
      `CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY); CREATE TABLE hidden (id int PRIMARY KEY);
       CREATE TABLE "My table" (id int PRIMARY KEY, "odd-name" text, secret text, hash text, hash2 text, long varchar(20), gone text)`,
      {
        ...{
          'table.include.list': 'public\\.my.*,other.t',
          'schema.exclude.list': 'other',
          'column.exclude.list': '.*\\.gone',
        },
        ...{
          'message.key.columns': 'public.My table:odd-name,id',
          'field.name.adjustment.mode': 'avro',
          'schema.name.adjustment.mode': 'avro',
        },
        'column.mask.with.5.chars': 'public.My table.secret',
        'column.mask.hash.SHA-256.with.salt.abc': 'public.My table.hash',
        'column.mask.hash.v2.SHA-256.with.salt.abc': 'public.My table.hash2',
        'column.truncate.to.3.chars': 'public.My table.long',
      },
    );
    await client.query(
      `INSERT INTO other.t VALUES (1); INSERT INTO hidden VALUES (1); INSERT INTO "My table" VALUES (1, 'o', 'pw', 'hash', 'hash2', 'truncated', 'g')`,
    );
    await harness.until((written) => written.length === 1);
    const [record] = harness.written as [SourceRecord];
    expect(record.topic).toBe('srv.public.My_table');
    expect(record.key).toEqual({ odd_name: 'o', id: 1 });
    expect(record.keySchema!.name).toBe('srv.public.My_table.Key');
    expect((record.value as ChangeValue).after).toEqual({
      ...{ id: 1, odd_name: 'o', secret: '*****', long: 'tru' },
      hash: '6af4a351448e93d03f63fbee0db663f7e5381cda2a2d66d7158a14b0f5ffde83',
      hash2: 'ce9abf55b88c3686cf9f63a719a870b4928b4d3816bad60c14c664e7549b89bb',
    });
    expect(rowSchema(record).field('secret')!.schema.parameters).toEqual({ masked: 'true' });
    expect(rowSchema(record).field('long')!.schema.parameters).toEqual({ truncateLength: '3' });
  });

  test('are not made of a column that is to be masked and cannot be', async () => {
    const database = await postgres.createDatabase();
    const client = await postgres.connect(database);
    await client.query('CREATE TABLE t (id int PRIMARY KEY, salary int); INSERT INTO t VALUES (1, 100)');
    const harness = new Harness(postgres, database, { 'column.mask.with.3.chars': 'public.t.salary' });
    harnesses.push(harness);
    await harness.start();
    await expect(harness.poll()).rejects.toThrow(
      'column.mask.with.3.chars names column public.t.salary, which is no text and cannot be masked',
    );
  });

  test('mark the first and the last row of a snapshot, and of each table', async () => {
    const { harness } = await open(
      `
      CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1), (2), (3);
      CREATE TABLE c (id int); INSERT INTO c VALUES (1), (2); CREATE TABLE d (id int)`,
      { 'snapshot.fetch.size': '1' },
    );
    await harness.until((written) => written.length === 7);
    expect(harness.written.map(({ value }) => (value as ChangeValue).source['snapshot'])).toEqual([
      'first',
      'last_in_data_collection',
      'first_in_data_collection',
      'true',
      'last_in_data_collection',
      'first_in_data_collection',
      'last',
    ]);
    expect(harness.written.map(({ sourceOffset }) => sourceOffset['last_snapshot_record'])).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  test('of a snapshot are read as an override says', async () => {
    const { harness } = await open(
      `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
      {
        'snapshot.select.statement.overrides': 'public.t',
        'snapshot.select.statement.overrides.public.t': 'SELECT * FROM public.t WHERE id > 1;',
      },
    );
    await harness.until((written) => written.length === 2);
    expect(harness.written.map(({ key }) => key)).toEqual([{ id: 2 }, { id: 3 }]);
  });

  test('of partitions are their own, or those of their root', async () => {
    const sql = `CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10); INSERT INTO t VALUES (1)`;
    const own = await open(sql);
    await own.client.query('INSERT INTO t VALUES (2)');
    await own.harness.until((written) => written.length === 2);
    expect(own.harness.written.map(({ topic }) => topic)).toEqual(['srv.public.t1', 'srv.public.t1']);
    const root = await open(sql, { 'publish.via.partition.root': 'true' });
    await root.client.query('INSERT INTO t VALUES (2)');
    await root.harness.until((written) => written.length === 2);
    expect(root.harness.written.map(({ topic }) => topic)).toEqual(['srv.public.t', 'srv.public.t']);
  });
});
