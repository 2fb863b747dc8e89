// What the comparison with Kafka's own does not see: Debezium's, Confluent's and the users' own transformations, patterns of dates,
// paths of fields, and that a record costs no new schema.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/connect/api/config-def.ts';
import type { Transformation } from '../../../src/connect/api/plugins.ts';
import type { ConnectRecord } from '../../../src/connect/data/record.ts';
import {
  INT32,
  INT64,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  primitive,
  STRING,
  structOf,
} from '../../../src/connect/data/schema.ts';
import { Plugins } from '../../../src/connect/plugins/plugins.ts';
import { fieldPath } from '../../../src/connect/transforms/field-path.ts';
import { simpleDateFormat } from '../../../src/connect/transforms/simple-date-format.ts';

const plugins = new Plugins();

async function made(name: string, config: Record<string, string> = {}): Promise<Transformation> {
  const plugin = await plugins.load(name, 'transformation');
  return plugin.create(parseConfig(plugin.config, config), config);
}

const record = (over: Partial<ConnectRecord>): ConnectRecord => ({
  topic: 'srv.shop.orders',
  partition: null,
  keySchema: null,
  key: null,
  valueSchema: null,
  value: null,
  timestamp: null,
  headers: [],
  ...over,
});

describe('ExtractNewRecordState', () => {
  const row = structOf(
    { id: INT32, city: primitive('string', { optional: true, default: 'Rome' }) },
    { name: 'srv.shop.orders.Value', optional: true },
  );
  const source = structOf({ table: STRING, ts_ms: INT64, lsn: OPTIONAL_INT64 }, { name: 'Source' });
  const envelope = structOf(
    { before: row, after: row, source, op: STRING, ts_ms: OPTIONAL_INT64 },
    { name: 'srv.shop.orders.Envelope' },
  );
  const event = (before: unknown, after: unknown, op: string): ConnectRecord =>
    record({
      valueSchema: envelope,
      value: { before, after, source: { table: 'orders', ts_ms: 5n, lsn: null }, op, ts_ms: 9n },
    });
  const created = event(null, { id: 1, city: null }, 'c');
  const deleted = event({ id: 1, city: 'Bonn' }, null, 'd');
  const tombstone = record({});
  const apply = async (config: Record<string, string>, given: ConnectRecord) =>
    (await made('io.debezium.transforms.ExtractNewRecordState', config)).apply(given);

  test('a change becomes its row, with a schema that is always the same', async () => {
    const transformation = await made('ExtractNewRecordState');
    const results = [created, created].map((given) => transformation.apply(given) as ConnectRecord);
    expect(results[0]!.value).toEqual({ id: 1, city: null });
    expect(results[0]!.valueSchema!.equals(row.with({ optional: false }))).toBe(true);
    expect(results[1]!.valueSchema).toBe(results[0]!.valueSchema);
  });

  test.each([
    [{}, null, null],
    [{ 'delete.tombstone.handling.mode': 'drop' }, undefined, null],
    [{ 'delete.tombstone.handling.mode': 'rewrite' }, { id: 1, city: 'Bonn', __deleted: 'true' }, null],
    [
      { 'delete.tombstone.handling.mode': 'rewrite-with-tombstone' },
      { id: 1, city: 'Bonn', __deleted: 'true' },
      tombstone,
    ],
    [{ 'delete.tombstone.handling.mode': 'delete-to-tombstone' }, null, null],
    [{ 'drop.tombstones': 'false' }, undefined, tombstone],
    [{ 'delete.handling.mode': 'rewrite' }, { id: 1, city: 'Bonn', __deleted: 'true' }, null],
    [{ 'delete.handling.mode': 'none', 'drop.tombstones': 'false' }, null, tombstone],
  ])('a deletion with %j', async (config, value, behind) => {
    const result = await apply(config, deleted);
    if (value === undefined) expect(result).toBeNull();
    else expect(result!.value).toEqual(value);
    expect(await apply(config, tombstone)).toEqual(behind);
  });

  test('parts of the event are fields and headers, also of what is added to rewritten rows', async () => {
    const config = {
      'add.fields': 'op,table,source.ts_ms,lsn:LSN,nothing',
      'add.headers': 'op,source.table',
      'add.headers.prefix': 'cdc.',
      'delete.tombstone.handling.mode': 'rewrite',
    };
    const result = (await apply(config, created))!;
    const added = { __op: 'c', __table: 'orders', __source_ts_ms: 5n, __LSN: null };
    expect(result.value).toEqual({ id: 1, city: 'Rome', __deleted: 'false', ...added });
    expect(result.valueSchema!.fields.map(({ name, schema }) => [name, schema.type, schema.optional])).toEqual([
      ['id', 'int32', false],
      ['city', 'string', true],
      ['__deleted', 'string', true],
      ['__op', 'string', true],
      ['__table', 'string', true],
      ['__source_ts_ms', 'int64', true],
      ['__LSN', 'int64', true],
    ]);
    expect(result.headers.map(({ key, value }) => [key, value])).toEqual([
      ['cdc.op', 'c'],
      ['cdc.source_table', 'orders'],
    ]);
  });

  test('a field of the row can be the topic', async () => {
    expect((await apply({ 'route.by.field': 'city' }, deleted))!.topic).toBe('Bonn');
    expect((await apply({ 'route.by.field': 'city' }, created))!.topic).toBe('srv.shop.orders');
  });

  test('what is no change goes on as it is, what changes no row does not', async () => {
    const heartbeat = record({ valueSchema: structOf({ ts_ms: INT64 }, { name: 'Heartbeat' }), value: { ts_ms: 1n } });
    expect(await apply({}, heartbeat)).toBe(heartbeat);
    expect(await apply({}, event(null, null, 't'))).toBeNull();
  });

  test('old and new settings together, and what there is not, are refused', async () => {
    const both = { 'delete.tombstone.handling.mode': 'drop', 'delete.handling.mode': 'drop' };
    await expect(apply(both, created)).rejects.toThrow('give it alone');
    await expect(apply({ 'drop.fields.header.name': 'h' }, created)).rejects.toThrow('use ReplaceField behind it');
  });
});

describe('ByLogicalTableRouter', () => {
  const row = structOf({ id: INT32 }, { name: 'srv.orders_1.Value', optional: true });
  const envelope = structOf({ before: row, after: row, op: STRING }, { name: 'srv.orders_1.Envelope' });
  const given = record({
    topic: 'srv.orders_1',
    keySchema: structOf({ id: INT32 }, { name: 'srv.orders_1.Key' }),
    key: { id: 1 },
    valueSchema: envelope,
    value: { before: null, after: { id: 1 }, op: 'c' },
  });
  const regex = { 'topic.regex': '(.*)orders_(.*)', 'topic.replacement': '$1orders' };

  test('tables go to one topic, whose name their schemas have, and keys say which', async () => {
    const router = await made('ByLogicalTableRouter', regex);
    const [first, second] = [given, given].map((each) => router.apply(each) as ConnectRecord);
    expect(first).toMatchObject({
      topic: 'srv.orders',
      key: { id: 1, __dbz__physicalTableIdentifier: 'srv.orders_1' },
      value: given.value,
    });
    expect(first!.keySchema!.name).toBe('srv.orders.Key');
    expect(first!.valueSchema!.name).toBe('srv.orders.Envelope');
    expect(first!.valueSchema!.field('after')!.schema.name).toBe('srv.orders.Value');
    expect([second!.keySchema, second!.valueSchema]).toEqual([first!.keySchema, first!.valueSchema]);
    expect(second!.valueSchema).toBe(first!.valueSchema);
  });

  test.each([
    [{ 'key.enforce.uniqueness': 'false' }, { id: 1 }],
    [
      { 'key.field.name': 'shard', 'key.field.regex': '.*_(.*)', 'key.field.replacement': '$1' },
      { id: 1, shard: '1' },
    ],
  ])('with %j', async (config, key) => {
    const router = await made('ByLogicalTableRouter', { ...regex, ...config });
    expect((router.apply(given) as ConnectRecord).key).toEqual(key);
  });

  test('other topics, and tombstones', async () => {
    const router = await made('ByLogicalTableRouter', regex);
    const other = record({ topic: 'else' });
    expect(router.apply(other)).toBe(other);
    const tombstone = { ...given, value: null, valueSchema: null };
    expect(router.apply(tombstone)).toMatchObject({ topic: 'srv.orders', value: null, valueSchema: null });
  });
});

describe('the EventRouter of an outbox', () => {
  const row = structOf(
    { id: STRING, aggregatetype: STRING, aggregateid: STRING, type: STRING, payload: OPTIONAL_STRING, part: INT32 },
    { name: 'srv.outbox.Value', optional: true },
  );
  const envelope = structOf(
    { before: row, after: row, op: STRING, ts_ms: OPTIONAL_INT64 },
    { name: 'srv.outbox.Envelope' },
  );
  const values = { id: 'e1', aggregatetype: 'Order', aggregateid: '42', type: 'Created', payload: '{"a":1}', part: 3 };
  const event = (op: string, after: unknown = values): ConnectRecord =>
    record({ topic: 'srv.outbox', valueSchema: envelope, value: { before: null, after, op, ts_ms: 9n } });
  const apply = async (config: Record<string, string>, given = event('c')) =>
    (await made('io.debezium.transforms.outbox.EventRouter', config)).apply(given) as ConnectRecord | null;

  test('an inserted row is an event in the topic of its kind', async () => {
    expect(await apply({})).toEqual(
      record({
        topic: 'outbox.event.Order',
        keySchema: STRING,
        key: '42',
        valueSchema: OPTIONAL_STRING,
        value: '{"a":1}',
        timestamp: 9,
        headers: [{ key: 'id', schema: STRING, value: 'e1' }],
      }),
    );
  });

  test('other columns are headers, fields beside the payload, and the partition', async () => {
    const placement = 'type:header:eventType,type:envelope:kind,part:partition';
    const result = (await apply({ 'table.fields.additional.placement': placement }))!;
    expect(result.headers.map(({ key, value }) => [key, value])).toEqual([
      ['id', 'e1'],
      ['eventType', 'Created'],
    ]);
    expect(result).toMatchObject({ partition: 3, value: { payload: '{"a":1}', kind: 'Created' } });
    expect(result.valueSchema!.name).toBe('srv.outbox.Order.Value');
  });

  test('the topic is chosen by any column', async () => {
    const route = { 'route.by.field': 'type', 'route.topic.regex': '(.).*', 'route.topic.replacement': 'events.$1' };
    expect((await apply(route))!.topic).toBe('events.C');
  });

  test('a row without a payload can be a tombstone', async () => {
    const empty = event('c', { ...values, payload: null });
    expect(await apply({}, empty)).toMatchObject({ value: null, valueSchema: OPTIONAL_STRING });
    const tombstone = { 'route.tombstone.on.empty.payload': 'true' };
    expect(await apply(tombstone, empty)).toMatchObject({ value: null, valueSchema: null });
  });

  test('deleted rows are no events, changed ones can be refused', async () => {
    expect(await apply({}, event('d', null))).toBeNull();
    expect(await apply({}, event('u'))).toBeNull();
    await expect(apply({ 'table.op.invalid.behavior': 'fatal' }, event('u'))).rejects.toThrow(
      'an outbox has inserted rows only',
    );
  });

  test.each([
    [{ 'table.expand.json.payload': 'true' }, 'expanding JSON is not supported'],
    [{ 'table.field.event.schema.version': 'v' }, 'versions of schemas from a column are not supported'],
    [{ 'table.fields.additional.placement': 'a:nowhere' }, 'a:nowhere is not like column:header'],
    [{ 'table.fields.additional.placement': 'nope:header' }, 'nope is not a valid field name'],
  ])('%j is refused', async (config, problem) => {
    await expect(apply(config)).rejects.toThrow(problem);
  });
});

describe("Confluent's", () => {
  test.each([
    ['drop_silent', null],
    ['drop_warn', null],
    ['ignore', record({})],
  ])('TombstoneHandler with behavior %s', async (behavior, expected) => {
    const transformation = await made('TombstoneHandler', { behavior });
    expect(transformation.apply(record({}))).toEqual(expected);
    expect(transformation.apply(record({ value: 1 }))).toEqual(record({ value: 1 }));
  });

  test('TombstoneHandler can refuse', async () => {
    const transformation = await made('TombstoneHandler', { behavior: 'fail' });
    expect(() => transformation.apply(record({}))).toThrow('Tombstone record encountered on topic srv.shop.orders');
  });

  test('Drop leaves nothing, with or without a schema', async () => {
    const given = record({ key: 'k', keySchema: STRING });
    expect((await made('Drop$Key')).apply(given)).toEqual(record({}));
    const forced = (await made('Drop$Key', { 'schema.behavior': 'force_optional' })).apply(given) as ConnectRecord;
    expect([forced.key, forced.keySchema!.optional]).toEqual([null, true]);
    const retained = await made('Drop$Key', { 'schema.behavior': 'retain' });
    expect(() => retained.apply(given)).toThrow('The schema does not allow null');
    expect(retained.apply({ ...given, keySchema: OPTIONAL_STRING })).toMatchObject({ keySchema: OPTIONAL_STRING });
  });
});

describe('a function of a user', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-function-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'change.ts');
  writeFileSync(
    file,
    `export default (record: { topic: string; value: { n: number } }) =>
       record.value.n < 0 ? null : { ...record, topic: record.topic + '-' + record.value.n };
     export const later = async (record: object) => ({ value: record, topic: 'later' });
     export const nothing = () => undefined;
     export const text = () => 'x';`,
  );

  test('changes records, at once or later, and leaves them out', async () => {
    const transformation = await made('Function', { module: file });
    expect(transformation.apply(record({ value: { n: 5 } }))).toMatchObject({ topic: 'srv.shop.orders-5' });
    expect(transformation.apply(record({ value: { n: -5 } }))).toBeNull();
    const later = await made('Function', { module: file, export: 'later' });
    const given = record({ value: 1 });
    await expect(Promise.resolve(later.apply(given))).resolves.toEqual({ ...given, topic: 'later', value: given });
  });

  test('what is no record, and what is no function, is refused', async () => {
    const nothing = await made('Function', { module: file, export: 'nothing' });
    expect(() => nothing.apply(record({}))).toThrow('the function has returned nothing');
    const text = await made('Function', { module: file, export: 'text' });
    expect(() => text.apply(record({}))).toThrow('the function has returned a string');
    await expect(made('Function', { module: file, export: 'x' })).rejects.toThrow(
      'exports no function x, only default',
    );
    await expect(made('Function', { module: '/nowhere.ts' })).rejects.toThrow(
      'the module /nowhere.ts cannot be loaded',
    );
  });
});

describe('patterns of SimpleDateFormat', () => {
  const time = Date.UTC(2024, 1, 29, 13, 4, 5, 67);

  test.each([
    ['yyyy-MM-dd', '2024-02-29'],
    ["yy'T'M/d h:mm:ss.S a", '24T2/29 1:04:05.67 PM'],
    ['EEEE, MMMM d G', 'Thursday, February 29 AD'],
    ["''yyyy'o''clock'", "'2024o'clock"],
    ['DDD u k K HH', '060 4 13 1 13'],
    ['z Z X', 'UTC +0000 Z'],
  ])('%s writes %s', (pattern, text) => {
    expect(simpleDateFormat(pattern).format(time)).toBe(text);
  });

  test.each([
    ['yyyy-MM-dd', '2024-02-30 and more', Date.UTC(2024, 2, 1)],
    ['yyyyMMddHHmm', '202402291304', Date.UTC(2024, 1, 29, 13, 4)],
    ['d MMM yyyy', '29 FEBRUARY 2024', Date.UTC(2024, 1, 29)],
    ['yy', '24', Date.UTC(2024, 0, 1)],
    ['yy', '1924', Date.UTC(1924, 0, 1)],
    ['h a', '12 am', 0],
    ['HH:mm X', '01:00 +02:30', -5_400_000],
    ['HH:mm z', '01:00 GMT', 3_600_000],
    ['yyyy D', '2024 60', Date.UTC(2024, 1, 29)],
    ['yyyy-MM-dd', '2024/02/29', undefined],
    ['MMM', 'nope', undefined],
  ])('%s reads %s', (pattern, text, expected) => {
    expect(simpleDateFormat(pattern).parse(text)).toBe(expected);
  });

  test.each([
    ['yyyy-bb', "Illegal pattern character 'b'"],
    ["yyyy 'x", 'Unterminated quote'],
    ['YYYY-ww', 'has weeks (Y), which are not supported'],
  ])('%s is refused', (pattern, problem) => {
    expect(() => simpleDateFormat(pattern)).toThrow(problem);
  });
});

test.each([
  ['a.b', 'V1', ['a.b']],
  ['a.b', 'V2', ['a', 'b']],
  ['`a.b`.c', 'V2', ['a.b', 'c']],
  ['a.`b.c`', 'v2', ['a', 'b.c']],
  ['`a\\`.b`', 'V2', ['a`.b']],
  ['a`b', 'V2', ['a`b']],
])('the path %s (%s)', (path, version, names) => {
  expect(fieldPath(path, version)).toEqual(names);
});

test('a path whose backtick is not closed is refused', () => {
  expect(() => fieldPath('`a.b', 'V2')).toThrow('Incomplete backtick pair in path: [`a.b]');
});

test('a record costs no new schema', async () => {
  const schema = structOf({ id: INT32, at: INT64, name: OPTIONAL_STRING });
  const given = record({ valueSchema: schema, value: { id: 1, at: 5n, name: 'x' } });
  for (const [name, config] of [
    ['Cast$Value', { spec: 'id:string' }],
    ['ReplaceField$Value', { exclude: 'id' }],
    ['InsertField$Value', { 'topic.field': 't' }],
    ['Flatten$Value', {}],
    ['HoistField$Value', { field: 'f' }],
    ['TimestampConverter$Value', { field: 'at', 'target.type': 'Timestamp' }],
    ['SetSchemaMetadata$Value', { 'schema.name': 'n' }],
    ['HeaderFrom$Value', { fields: 'id', headers: 'h', operation: 'move' }],
  ] as const) {
    const transformation = await made(name, config);
    const [first, second] = [transformation.apply(given), transformation.apply(given)] as ConnectRecord[];
    expect(second!.valueSchema).toBe(first!.valueSchema);
    expect(second!.valueSchema).not.toBe(schema);
  }
});
