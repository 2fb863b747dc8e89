// Schema ids in record headers: shared topics have them, stores and internal topics never do.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, type ConsumerRecord, type Header, recordsOf } from '../../src/client/index.ts';
import { registrySource, SchemaRegistry } from '../../src/schema-registry/index.ts';
import {
  avroSerde,
  bytesSerde,
  deserialize,
  headersOf,
  longSerde,
  MemorySchemas,
  protobufSerde,
  type SchemaSource,
  type Serde,
  serialize,
  stringSerde,
} from '../../src/serde/index.ts';
import {
  KafkaStreams,
  StreamsBuilder,
  TimeWindows,
  TimeWindowedSerde,
  TopologyTestDriver,
} from '../../src/streams/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

const keySchema = { type: 'record', name: 'User', fields: [{ name: 'id', type: 'int' }] };
const valueSchema = 'syntax = "proto3"; message Order { int32 amount = 1; message Refund { int32 amount = 1; } }';

interface User {
  readonly id: number;
}
interface Order {
  readonly amount: number;
}

const usersOf = (schemas: SchemaSource, topic: string, schemaIdIn: 'prefix' | 'header') =>
  avroSerde<User>({ schemas, topic, isKey: true, schema: keySchema, schemaIdIn });
const ordersOf = (schemas: SchemaSource, topic: string, schemaIdIn: 'prefix' | 'header') =>
  protobufSerde<Order>({ schemas, topic, schema: valueSchema, schemaIdIn, messageName: 'Refund' });

async function serdes(schemas: SchemaSource, topic: string, schemaIdIn: 'prefix' | 'header') {
  const both = { key: usersOf(schemas, topic, schemaIdIn), value: ordersOf(schemas, topic, schemaIdIn) };
  await both.key.prepare?.();
  await both.value.prepare?.();
  return both;
}

/** `key:value`, as JSON, with the names of the headers. */
function shown(
  record: { key: Buffer | null; value: Buffer | null; headers: readonly Header[] },
  { key, value }: { key: Serde<User>; value: Serde<Order> },
): string {
  const names = record.headers.map((header) => header.key).join();
  const [k, v] = [deserialize(key, record.key, record.headers), deserialize(value, record.value, record.headers)];
  return `${JSON.stringify(k)}:${JSON.stringify(v)} ${names}`;
}

describe('in the test driver', () => {
  const note = { key: 'note', value: Buffer.from('x') };

  async function driven(build: (builder: StreamsBuilder, schemas: SchemaSource) => void) {
    const schemas = new MemorySchemas();
    const builder = new StreamsBuilder();
    build(builder, schemas);
    const topology = builder.build();
    await topology.prepare();
    const driver = new TopologyTestDriver(topology);
    const forms = { prefix: await serdes(schemas, 'in', 'prefix'), header: await serdes(schemas, 'in', 'header') };
    const pipe = (form: 'prefix' | 'header', id: number, amount: number | null, timestamp = 0) => {
      const { key, value } = forms[form];
      const headers = [note, ...headersOf(key), ...(amount === null ? [] : headersOf(value))];
      return driver.pipeLoading(
        'in',
        serialize(key, { id }),
        amount === null ? null : serialize(value, { amount }),
        timestamp,
        headers,
      );
    };
    const out = (topic = 'out') => driver.read(topic).map((record) => shown(record, forms.prefix));
    return { driver, schemas, pipe, out, forms };
  }

  test('either form is read, and the wanted one is written', async () => {
    for (const form of ['prefix', 'header'] as const) {
      const { driver, pipe, out } = await driven((builder, schemas) => {
        const stream = builder.stream<User, Order | null>('in', {
          key: usersOf(schemas, 'in', 'prefix'),
          value: ordersOf(schemas, 'in', 'prefix'),
        });
        const to = { key: usersOf(schemas, 'out', form), value: ordersOf(schemas, 'out', form) };
        stream.to('out', to);
        stream.filter(() => true, { reads: 'neither' }).to('passed');
      });
      await pipe('header', 1, 5);
      await pipe('prefix', 1, 6);
      await pipe('header', 2, null);
      const own = form === 'header' ? ',__key_schema_id' : '';
      const both = form === 'header' ? `${own},__value_schema_id` : '';
      expect(out()).toEqual([
        `{"id":1}:{"amount":5} note${both}`,
        `{"id":1}:{"amount":6} note${both}`,
        `{"id":2}:null note${own}`,
      ]);
      // Bytes that pass as they are have their prefix back, and no header says otherwise.
      const passed = driver.read('passed');
      expect(passed.map(({ value }) => value?.toString('hex'))).toEqual([
        '00000000020400000805',
        '00000000020400000806',
        undefined,
      ]);
      expect(passed.flatMap(({ headers }) => headers.map(({ key }) => key))).toEqual(['note', 'note', 'note']);
    }
  });

  test('a key is one key in both forms, in stores and across repartition topics', async () => {
    const { driver, pipe, schemas } = await driven((builder, schemas) => {
      const both = { key: usersOf(schemas, 'in', 'header'), value: ordersOf(schemas, 'in', 'header') };
      const stream = builder.stream<User, Order>('in', both);
      stream.groupByKey().count({ name: 'straight' });
      stream
        .selectKey((user) => ({ id: user.id % 2 }))
        .groupByKey(both)
        .count({ name: 'moved' });
    });
    for (const [form, id] of [
      ['header', 1],
      ['prefix', 1],
      ['header', 3],
    ] as const)
      await pipe(form, id, 5);
    const counts = (name: string) =>
      [...driver.store(name).keyValue<User, number>().all()].map(({ key, value }) => `${key.id}=${value}`);
    expect(counts('straight')).toEqual(['1=2', '3=1']);
    expect(counts('moved')).toEqual(['1=3']);
    const internal = driver.read('test-moved-repartition');
    expect(internal.map(({ key, headers }) => [key!.toString('hex'), headers.map((header) => header.key)])).toEqual(
      Array.from({ length: 3 }, () => ['000000000102', ['note']]),
    );
    expect((await schemas.byId(1)).schemaType).toBe('AVRO');
  });

  test('windowed keys, tables and global tables', async () => {
    const { driver, pipe, schemas } = await driven((builder, schemas) => {
      const both = { key: usersOf(schemas, 'in', 'header'), value: ordersOf(schemas, 'in', 'header') };
      const all = builder.globalTable<User, Order>('all', both);
      const stream = builder.stream<User, Order>('in', both);
      stream
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
        .count({ name: 'counts' })
        .toStream()
        .to('windows', { key: new TimeWindowedSerde(both.key, 10), value: longSerde as Serde<number> });
      stream
        .joinGlobal(
          all,
          (user) => user,
          (order, other) => ({ amount: order.amount + other.amount }),
        )
        .to('out', both);
    });
    const { key, value } = await serdes(schemas, 'all', 'header');
    driver.pipe('all', serialize(key, { id: 1 }), serialize(value, { amount: 100 }), 0, headersOf(key, value));
    await pipe('prefix', 1, 5, 25);
    const [windowed] = driver.read('windows');
    expect(windowed!.key!.toString('hex')).toBe('020000000000000014');
    expect(deserialize(new TimeWindowedSerde(key, 10), windowed!.key, windowed!.headers)).toEqual({
      key: { id: 1 },
      start: 20,
      end: 30,
    });
    expect(driver.read('out').map((record) => shown(record, { key, value }))).toEqual([
      '{"id":1}:{"amount":105} note,__key_schema_id,__value_schema_id',
    ]);
  });

  test('bytes that nobody interprets keep their headers', async () => {
    const { driver, pipe } = await driven((builder) => {
      builder.stream('in', { key: bytesSerde, value: bytesSerde }).to('out');
    });
    await pipe('header', 1, 5);
    const names = driver.read('out')[0]!.headers.map(({ key }) => key);
    expect(names).toEqual(['note', '__key_schema_id', '__value_schema_id']);
  });

  test('a header that names nothing is an undecodable record', async () => {
    const schemas = new MemorySchemas();
    const builder = new StreamsBuilder();
    const value = ordersOf(schemas, 'in', 'header');
    builder.stream<string, Order>('in', { key: stringSerde, value }).to('out');
    const topology = builder.build();
    await topology.prepare();
    const parts: string[] = [];
    const driver = new TopologyTestDriver(topology, {
      onDecodeError: (_error, { part }) => {
        parts.push(part);
        return 'continue';
      },
    });
    for (const hex of ['', '0102', `01${'00'.repeat(16)}00`]) {
      const headers = [{ key: '__value_schema_id', value: Buffer.from(hex, 'hex') }];
      await driver.pipeLoading('in', Buffer.from('k'), Buffer.of(8, 5), 0, headers);
    }
    expect(parts).toEqual(['value', 'value', 'value']);
    expect(driver.read('out')).toEqual([]);
  });
});

describe('on a platform', () => {
  let embedded: Embedded;
  let client: Client;
  let registry: SchemaRegistry;
  const stateDir = mkdtempSync(join(tmpdir(), 'millrace-headers-'));

  beforeAll(async () => {
    embedded = await openEmbedded();
    client = embedded.connect();
    registry = await SchemaRegistry.open(client);
  });
  afterAll(async () => {
    await registry.close();
    await client.close();
    await embedded.close();
    rmSync(stateDir, { recursive: true });
  });

  async function topicOf(topic: string, count: number): Promise<ConsumerRecord[]> {
    const consumer = client.consumer({ autoOffsetReset: 'earliest' });
    const description = (await client.admin().describeTopics([topic])).get(topic)!;
    consumer.assign(description.partitions.map(({ partition }) => ({ topic, partition })));
    const found: ConsumerRecord[] = [];
    // Without what tasks announce to one another.
    const isRecord = ({ key, value }: ConsumerRecord) => key !== null || value !== null;
    while (found.length < count) found.push(...[...recordsOf(await consumer.poll(100))].filter(isRecord));
    await consumer.close();
    return found;
  }

  test('counts, joins over a repartition topic, and goes on after a restart from its source topic', async () => {
    const schemas = registrySource(registry);
    await client.admin().createTopics(['orders', 'limits', 'joined'].map((name) => ({ name, partitions: 3 })));
    const orders = await serdes(schemas, 'orders', 'header');
    const limits = await serdes(schemas, 'limits', 'header');
    const producer = client.producer();
    const send = (topic: string, { key, value }: typeof orders, id: number, amount: number) =>
      producer.send({
        topic,
        key: serialize(key, { id }),
        value: serialize(value, { amount }),
        headers: headersOf(key, value),
      });
    const ids = [1, 2, 3, 4, 5, 6, 7, 8];
    for (const id of ids) await send('limits', limits, id, id * 100);

    const start = async () => {
      const builder = new StreamsBuilder();
      const own = { key: usersOf(schemas, 'orders', 'header'), value: ordersOf(schemas, 'orders', 'header') };
      const table = builder.table<User, Order>('limits', limits, { name: 'limits' });
      const stream = builder.stream<User, Order>('orders', own);
      stream.groupByKey().count({ name: 'counted' });
      stream
        .selectKey((user) => ({ id: user.id - 10 }))
        .repartition({ ...own, name: 'by-user', partitions: 3 })
        .join(table, (order, limit) => ({ amount: limit.amount - order.amount }), own)
        .to('joined', { key: usersOf(schemas, 'joined', 'header'), value: ordersOf(schemas, 'joined', 'header') });
      const app = new KafkaStreams(builder.build({ optimization: 'all' }), {
        client,
        applicationId: 'limits-app',
        stateDir,
        commitIntervalMs: 20,
      });
      await app.start();
      return app;
    };

    const first = await start();
    // The table has to be there before the orders are.
    const count = async (app: KafkaStreams) =>
      (await Array.fromAsync(app.store('limits').keyValue<User, Order>().all())).length;
    await expect.poll(() => count(first)).toBe(ids.length);
    for (const id of ids) await send('orders', orders, id + 10, id);
    const joined = await topicOf('joined', ids.length);
    expect(joined.map((record) => shown(record, orders)).sort()).toEqual(
      ids.map((id) => `{"id":${id}}:{"amount":${id * 99}} __key_schema_id,__value_schema_id`),
    );
    for (const internal of ['limits-app-by-user-repartition', 'limits-app-counted-changelog']) {
      for (const { key, headers } of await topicOf(internal, ids.length)) {
        expect(key!.readInt16BE(0)).toBe(0);
        expect(headers).toEqual([]);
      }
    }
    await first.close();
    rmSync(join(stateDir, 'limits-app'), { recursive: true });

    // Without its checkpoints it reads the table's own topic again.
    const second = await start();
    await expect.poll(() => count(second)).toBe(ids.length);
    for (const id of ids) await send('orders', orders, id + 10, 0);
    const more = await topicOf('joined', ids.length * 2);
    expect(more.map((record) => shown(record, orders)).filter((text) => text.includes('00}'))).toHaveLength(ids.length);
    await second.close();
  });
});
