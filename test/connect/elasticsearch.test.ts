// The Elasticsearch sink against the part of that server that it needs (support/elasticsearch.ts): a real one is not to be had here.
import { afterAll, describe, expect, test } from 'vitest';
import { elasticsearchSink } from '../../src/connect/connectors/elasticsearch/index.ts';
import {
  arrayOf,
  BOOLEAN,
  date,
  decimalOf,
  FLOAT64,
  INT32,
  INT64,
  mapOf,
  OPTIONAL_STRING,
  parseConfig,
  type SinkRecord,
  sinkContract,
  STRING,
  structOf,
  timestamp,
} from '../../src/connect/index.ts';
import { Decimal } from '../../src/util/index.ts';
import { emitting } from './jdbc/suite.ts';
import { Elasticsearch } from './support/elasticsearch.ts';
import { afterwards, openCluster, openWorker, recordsIn, until } from './support/worker.ts';

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const emit = { name: 'emit', 'connector.class': 'test.Emitting', 'value.converter': JSON_CONVERTER };
const person = structOf({ id: INT32, name: OPTIONAL_STRING });
const of = (id: number, name: string | null, key: string | null = `k${id}`) => ({
  topic: 'People',
  keySchema: STRING,
  key,
  valueSchema: person,
  value: { id, name },
});
const tombstone = (key: string | null) => ({ topic: 'People', keySchema: STRING, key, valueSchema: null, value: null });

const settingsOf = ({ url }: Elasticsearch, more: Record<string, string> = {}) => ({
  'connection.url': url,
  'connection.username': 'elastic',
  'connection.password': 'secret',
  'retry.backoff.ms': '1',
  ...more,
});

async function start(emitted: Parameters<typeof emitting>[0]) {
  const server = new Elasticsearch();
  await server.listen();
  afterwards(() => server.close());
  const client = (await openCluster()).connect();
  const opened = await openWorker(client, [elasticsearchSink, emitting(emitted)]);
  const run = async (config: Record<string, string>): Promise<void> => {
    await opened.worker.startTask({ connector: config['name']!, task: 0 }, config, config, 'STARTED');
  };
  await run(emit);
  const sink = (more: Record<string, string> = {}) =>
    run({
      name: 'out',
      'connector.class': 'ElasticsearchSink',
      topics: 'People',
      'value.converter': JSON_CONVERTER,
      ...settingsOf(server, more),
    });
  return { client, server, sink, ...opened };
}

test('documents are what their records are, in an index with a mapping of their schema', async () => {
  const schema = structOf({
    id: INT64,
    price: decimalOf(2),
    rate: FLOAT64,
    paid: BOOLEAN,
    day: date(),
    at: timestamp(),
    tags: arrayOf(STRING),
    more: mapOf(STRING, INT32),
    counts: mapOf(INT32, STRING),
    who: person,
  });
  const value = {
    id: 7n,
    price: new Decimal(1050n, 2),
    rate: 0.5,
    paid: true,
    day: new Date('2024-02-29T00:00:00Z'),
    at: new Date(1_700_000_000_123),
    tags: ['a', 'ü'],
    more: new Map([['x', 1]]),
    counts: new Map([[1, 'one']]),
    who: { id: 1, name: null },
  };
  const { server, sink } = await start([{ ...of(7, null), valueSchema: schema, value }]);
  await sink();
  await until('it', () => 'k7' in server.documents('people'));
  expect(server.documents('people')).toEqual({
    k7: {
      ...{ id: 7, price: 10.5, rate: 0.5, paid: true, day: '2024-02-29', at: 1_700_000_000_123, tags: ['a', 'ü'] },
      ...{ more: { x: 1 }, counts: [{ key: 1, value: 'one' }], who: { id: 1, name: null } },
    },
  });
  const text = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 256 } } };
  expect(server.indexes.get('people')!.mapping.properties).toMatchObject({
    id: { type: 'long' },
    price: { type: 'double' },
    rate: { type: 'double' },
    paid: { type: 'boolean' },
    day: { type: 'date' },
    at: { type: 'date' },
    tags: text,
    who: { properties: { id: { type: 'integer' }, name: text } },
  });
});

test('the last record of a key is there, deletes delete, and writing again changes nothing', async () => {
  const { server, sink, worker, log } = await start([
    of(1, 'old'),
    of(2, 'x'),
    of(1, 'new'),
    tombstone('k2'),
    of(3, 'y'),
  ]);
  await sink({ 'behavior.on.null.values': 'delete', 'batch.size': '2' });
  await until('the third', () => 'k3' in server.documents('people'));
  const expected = { k1: { id: 1, name: 'new' }, k3: { id: 3, name: 'y' } };
  expect(server.documents('people')).toEqual(expected);
  expect(server.bulks.every((count) => count <= 2)).toBe(true);
  await worker.stopTasks([{ connector: 'out', task: 0 }]);
  const versions = JSON.stringify([...server.indexes.get('people')!.documents]);
  // Another group: all of it is read anew.
  await sink({ name: 'again', 'behavior.on.null.values': 'delete' });
  await until('all conflicts', () => log.some((line) => line.startsWith('5 documents were there already')));
  expect(JSON.stringify([...server.indexes.get('people')!.documents])).toBe(versions);
});

test('upserts put fields into what is there, each document once in a request', async () => {
  const name = { ...of(1, 'Ann'), valueSchema: structOf({ name: STRING }), value: { name: 'Ann' } };
  const id = { ...of(1, null), valueSchema: structOf({ id: INT32 }), value: { id: 1 } };
  const { server, sink } = await start([name, id, of(2, 'Bob'), tombstone('k2'), of(3, 'z')]);
  server.failItems.push(503);
  await sink({ 'write.method': 'UPSERT', 'behavior.on.null.values': 'delete' });
  await until('the third', () => 'k3' in server.documents('people'));
  expect(server.documents('people')).toEqual({ k1: { name: 'Ann', id: 1 }, k3: { id: 3, name: 'z' } });
});

test('ids are places of records where keys are ignored', async () => {
  const { server, sink } = await start([of(1, 'a', null), tombstone(null), of(2, 'b', null)]);
  await sink({ 'key.ignore': 'true', 'behavior.on.null.values': 'ignore', 'schema.ignore': 'true' });
  await until('the second', () => 'People+0+2' in server.documents('people'));
  expect(Object.keys(server.documents('people'))).toEqual(['People+0+0', 'People+0+2']);
});

test('what a server is too busy for is sent again, and no more than that', async () => {
  const { server, sink } = await start([1, 2, 3, 4, 5].map((id) => of(id, 'x')));
  server.failRequests.push(503, 429);
  server.failItems.push(undefined, 429, undefined, 503);
  await sink();
  await until('five', () => Object.keys(server.documents('people')).length === 5);
  expect(server.bulks.reduce((sum, count) => sum + count, 0)).toBe(7);
});

test('a server that stays away fails the task after max.retries, and one that comes back does not', async () => {
  const { server, sink, heard } = await start([of(1, 'x')]);
  await server.close();
  await sink({ name: 'hasty', 'max.retries': '2' });
  await heard.is('hasty-0', 'FAILED');
  expect(heard.traces.get('hasty-0')).toContain('Exceeded max.retries');
  await sink({ 'max.retries': '10000', 'connection.url': `http://127.0.0.1:1,${server.url}` });
  await heard.is('out-0', 'RUNNING');
  await server.listen();
  await until('it', () => 'k1' in server.documents('people'));
});

describe('what cannot be a document', () => {
  const bad = { ...of(9, null), valueSchema: structOf({ id: STRING }), value: { id: 'no number' } };
  const records = [of(1, 'a'), bad, { ...of(2, ''), valueSchema: STRING, value: 'text' }, of(3, 'b', null), of(4, 'c')];

  test('fails the task, or goes to the dead letters', async () => {
    const { client, server, sink, heard } = await start(records);
    await sink({ name: 'strict' });
    await heard.is('strict-0', 'FAILED');
    await sink({ 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' });
    await until('the last', () => 'k4' in server.documents('people'));
    await until('the letters', async () => (await recordsIn(client, 'dead')).length === 3);
    expect(Object.keys(server.documents('people'))).toEqual(['k1', 'k4']);
  });

  test('is passed over where that is wanted', async () => {
    const { server, sink, log } = await start(records);
    await sink({ 'behavior.on.malformed.documents': 'warn', 'drop.invalid.message': 'true' });
    await until('the last', () => 'k4' in server.documents('people'));
    expect(Object.keys(server.documents('people'))).toEqual(['k1', 'k4']);
    const said = log.join('\n');
    expect(said).toContain('document_parsing_exception: failed to parse field [id]');
    expect(said).toContain('is no object: it cannot be a document');
    expect(said).toContain('has no key');
  });
});

test('settings that cannot be are refused by name, and a login is tried', async () => {
  const server = new Elasticsearch();
  await server.listen();
  afterwards(() => server.close());
  const check = (more: Record<string, string>) => parseConfig(elasticsearchSink.config, settingsOf(server, more));
  expect(() => check({ 'connection.url': 'localhost:9200' })).toThrow(/begin with http/);
  expect(() => check({ 'external.resource.usage': 'DATASTREAM' })).toThrow(/external.resource.usage/);
  expect(() => check({ 'data.stream.type': 'logs' })).toThrow(/data.stream.type/);
  expect(() => check({ 'connection.compression': 'true' })).toThrow(/connection.compression/);
  const problems = await elasticsearchSink.validate!(
    check({ 'key.ignore': 'true', 'behavior.on.null.values': 'delete', 'elastic.security.protocol': 'SSL' }),
  );
  expect(problems.map(({ name }) => name)).toEqual(['behavior.on.null.values', 'connection.url']);
  expect(await elasticsearchSink.validate!(check({}))).toEqual([]);
  const refused = await elasticsearchSink.validate!(check({ 'connection.password': 'wrong' }));
  expect(refused[0]!.message).toMatch(/answered 401/);
});

const shared = new Elasticsearch();
await shared.listen();
afterAll(() => shared.close());
const contractRecords: SinkRecord[] = Array.from({ length: 5 }, (_, offset) => ({
  topic: 't',
  partition: 0,
  offset,
  keySchema: STRING,
  key: `k${offset % 3}`,
  valueSchema: person,
  value: { id: offset, name: `n${offset}` },
  timestamp: 1000,
  timestampType: 'CreateTime',
  headers: [],
  originalTopic: 't',
  originalPartition: 0,
  originalOffset: offset,
}));
test.each(
  sinkContract(elasticsearchSink, {
    config: settingsOf(shared),
    records: contractRecords,
    isIdempotent: true,
    prepare: () => shared.indexes.clear(),
    written: () => [...(shared.indexes.get('t')?.documents ?? [])].sort(),
  }),
)('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});
