// A cluster that changes behind the client, connections that are lost, batches that are too large: what was asked for comes
// true in its order, or fails with its reason; nothing hangs, and nobody makes a topic by reading.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, type Consumer, createClient, recordsOf } from '../../src/client/index.ts';
import type { Transport } from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

let embedded: Embedded;
let client: Client;

beforeEach(async () => {
  embedded = await openEmbedded();
  client = embedded.connect();
});
afterEach(async () => {
  await client?.close();
  await embedded?.close();
});

/** A client whose metadata gets old at once. */
function impatient(): Client {
  return createClient({ dial: async () => embedded.broker.connect(), metadataMaxAgeMs: 20 });
}

async function valuesIn(topic: string, partition = 0): Promise<string[]> {
  const [end] = await client.admin().listOffsets([{ topic, partition, timestamp: -1 }]);
  const consumer = client.consumer();
  consumer.assign([{ topic, partition, offset: 0 }]);
  const values: string[] = [];
  while (consumer.position({ topic, partition }) < end!.offset) {
    for (const record of recordsOf(await consumer.poll(1000))) values.push(record.value!.toString());
  }
  await consumer.close();
  return values;
}

async function pollUntil(consumer: Consumer, done: () => boolean): Promise<string[]> {
  const seen: string[] = [];
  while (!done()) for (const record of recordsOf(await consumer.poll(50))) seen.push(record.value!.toString());
  return seen;
}

describe('order', () => {
  test('what is sent stays in its order when connections are lost, again and again', async () => {
    const connections: Transport[] = [];
    const shaky = createClient({
      dial: async () => {
        const transport = embedded.broker.connect();
        connections.push(transport);
        return transport;
      },
    });
    await client.admin().createTopics([{ name: 'line', partitions: 1 }]);
    const producer = shaky.producer({ lingerMs: 0 });
    const sends: Promise<unknown>[] = [];
    for (let n = 0; n < 400; n++) {
      sends.push(producer.send({ topic: 'line', partition: 0, value: String(n) }));
      if (n % 40 === 20) for (const transport of connections.splice(0)) transport.close();
      if (n % 10 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await Promise.all(sends);
    expect(await valuesIn('line')).toEqual(Array.from({ length: 400 }, (_, n) => String(n)));
    await shaky.close();
  });

  test('records that wait for a topic to be known keep their order', async () => {
    const producer = client.producer({ lingerMs: 0 });
    const first = Array.from({ length: 20 }, (_, n) => producer.send({ topic: 'new', partition: 0, value: String(n) }));
    await producer.flush();
    await Promise.all(first);
    expect(await valuesIn('new')).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
  });
});

describe('batches that a topic refuses', () => {
  const small = async (name: string, limit = '2000') =>
    client.admin().createTopics([{ name, partitions: 1, configs: { 'max.message.bytes': limit } }]);
  const modes = [
    ['without idempotence', { enableIdempotence: false }],
    ['with idempotence', {}],
    ['compressed', { compressionType: 'gzip' }],
  ] as const;

  test.each(modes)('are cut, in order, %s', async (_name, settings) => {
    await small('small');
    const producer = client.producer(settings);
    const sends = Array.from({ length: 60 }, (_, n) =>
      producer.send({ topic: 'small', partition: 0, value: `${'y'.repeat(100)}${Math.sin(n)}` }),
    );
    const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
    expect(offsets).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(await valuesIn('small')).toHaveLength(60);
    expect(producer.bufferedBytes).toBe(0);
    await producer.close();
  });

  test.each(modes.slice(0, 2))('lose only the record that is too large by itself, %s', async (_name, settings) => {
    await small('mixed');
    const producer = client.producer(settings);
    const sends = ['s1', 'x'.repeat(5000), 's2', 's3'].map((value) =>
      producer.send({ topic: 'mixed', key: 'k', value }).then(
        ({ offset }) => offset,
        (error: { code: string; message: string }) => `${error.code} ${error.message.includes('the key "k"')}`,
      ),
    );
    expect(await Promise.all(sends)).toEqual([0, 'MESSAGE_TOO_LARGE true', 1, 2]);
    expect(await valuesIn('mixed')).toEqual(['s1', 's2', 's3']);
    // What was handled is not thrown again.
    await producer.close();
  });

  test('are cut within a transaction', async () => {
    await small('transacted');
    const producer = client.producer({ transactionalId: 'cutting' });
    await producer.initTransactions();
    producer.beginTransaction();
    for (let n = 0; n < 60; n++) producer.enqueue('transacted', 0, null, Buffer.from(`${n}${'y'.repeat(100)}`), n);
    await producer.commitTransaction();
    expect((await valuesIn('transacted')).map((value) => Number.parseInt(value, 10))).toEqual(
      Array.from({ length: 60 }, (_, n) => n),
    );
    await producer.close();
  });

  test('an enqueued record is left out where `onRefusal` says so, and fails the next flush otherwise', async () => {
    await client.admin().createTopics([{ name: 'keyed', partitions: 1, configs: { 'cleanup.policy': 'compact' } }]);
    const refused: (string | undefined)[] = [];
    const producer = client.producer({
      onRefusal: (error, record) => {
        refused.push(`${(error as { code?: string }).code} ${Buffer.from(record.value!).toString()}`);
        return record.timestamp === 1 ? 'continue' : 'fail';
      },
    });
    const k = Buffer.from('k');
    for (const [key, value, time] of [
      [k, 'a', 0],
      [null, 'b', 1],
      [k, 'c', 2],
    ] as const)
      producer.enqueue('keyed', 0, key, Buffer.from(value), time);
    await producer.flush();
    expect(refused).toEqual(['INVALID_RECORD b']);
    expect(await valuesIn('keyed')).toEqual(['a', 'c']);
    producer.enqueue('keyed', 0, null, Buffer.from('d'), 3);
    await expect(producer.flush()).rejects.toMatchObject({ code: 'INVALID_RECORD' });
    await producer.close();
  });
});

describe('topics that change', () => {
  test('added partitions are read by a group and written by a producer', async () => {
    await client.admin().createTopics([{ name: 'lots', partitions: 1 }]);
    const reader = impatient();
    const consumer = reader.consumer({ groupId: 'auction', autoOffsetReset: 'earliest', heartbeatIntervalMs: 50 });
    consumer.subscribe(['lots']);
    await pollUntil(consumer, () => consumer.assignment().length === 1);
    await client.admin().createPartitions('lots', 3);
    await pollUntil(consumer, () => consumer.assignment().length === 3);
    await client.producer().send({ topic: 'lots', partition: 2, value: 'late' });
    const seen: string[] = [];
    while (seen.length === 0) for (const r of recordsOf(await consumer.poll(50))) seen.push(r.value!.toString());
    expect(seen).toEqual(['late']);
    await reader.close();
  });

  test('a topic that has gone leaves the group with nothing, and time for everything else', async () => {
    await client.admin().createTopics([{ name: 'parcels', partitions: 4 }]);
    const consumer = client.consumer({ groupId: 'depot' });
    consumer.subscribe(['parcels']);
    await pollUntil(consumer, () => consumer.assignment().length === 4);
    await client.admin().deleteTopics(['parcels']);
    await pollUntil(consumer, () => consumer.assignment().length === 0);
    expect(await client.admin().listTopics()).not.toContain('parcels');
    await client.admin().createTopics([{ name: 'parcels', partitions: 2 }]);
    await client.close();
  });

  test('one that is made again is read from its beginning, with the partitions it has now', async () => {
    const name = 'lanes';
    await client.admin().createTopics([{ name, partitions: 4 }]);
    await client.producer().send({ topic: name, partition: 1, value: 'old' });
    const reader = impatient();
    const consumer = reader.consumer({ autoOffsetReset: 'earliest' });
    consumer.assign([0, 1, 2, 3].map((partition) => ({ topic: name, partition })));
    const seen: string[] = [];
    while (seen.length < 1) for (const r of recordsOf(await consumer.poll(50))) seen.push(r.value!.toString());
    await client.admin().deleteTopics([name]);
    await client.admin().createTopics([{ name, partitions: 2 }]);
    await client.producer().send({ topic: name, partition: 1, value: 'new' });
    while (seen.length < 2) for (const r of recordsOf(await consumer.poll(50))) seen.push(r.value!.toString());
    expect(seen).toEqual(['old', 'new']);
    await reader.close();
  });

  test('nobody makes a topic by asking for it or reading it, unless told to', async () => {
    const admin = client.admin();
    await expect(admin.listOffsets([{ topic: 'nope', partition: 0, timestamp: -1 }])).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    });
    const consumer = client.consumer({ autoOffsetReset: 'earliest' });
    consumer.assign([{ topic: 'nope', partition: 0 }]);
    expect(await consumer.poll(100)).toEqual([]);
    await consumer.close();
    expect(await admin.listTopics()).not.toContain('nope');
    const willing = client.consumer({ allowAutoCreateTopics: true });
    willing.assign([{ topic: 'wanted', partition: 0 }]);
    await willing.poll(100);
    await willing.close();
    expect(await admin.listTopics()).toContain('wanted');
  });

  test("without a position and with autoOffsetReset 'none', poll says so", async () => {
    await client.admin().createTopics([{ name: 't', partitions: 1 }]);
    await client.producer().send({ topic: 't', value: 'old' });
    const consumer = client.consumer({ groupId: 'new', autoOffsetReset: 'none' });
    consumer.subscribe(['t']);
    await expect(pollUntil(consumer, () => false)).rejects.toMatchObject({ code: 'NO_OFFSET_FOR_PARTITION' });
    consumer.seek({ topic: 't', partition: 0 }, 0);
    const seen: string[] = [];
    while (seen.length < 1) for (const r of recordsOf(await consumer.poll(50))) seen.push(r.value!.toString());
    expect(seen).toEqual(['old']);
    await consumer.close();
  });
});

describe('a broker that does not answer', () => {
  test('loses its connection after the time of a request, and another one is made', async () => {
    await client.admin().createTopics([{ name: 't', partitions: 1 }]);
    const environment = new ManualEnvironment(Date.now());
    let isFrozen = true;
    let dials = 0;
    const stalled = createClient({
      environment,
      dial: async () => {
        dials++;
        const transport = embedded.broker.connect();
        if (!isFrozen) return transport;
        const never = new Proxy(transport, {
          get: (target, name) => {
            const member = Reflect.get(target, name, target) as unknown;
            if (name !== 'request') return typeof member === 'function' ? member.bind(target) : member;
            return () => target.closed.then(() => target.request(undefined as never, undefined as never));
          },
        });
        return never;
      },
    });
    const found = stalled.producer().partitionsFor('t');
    await expect.poll(() => dials).toBe(1);
    isFrozen = false;
    environment.advance(30_000);
    // Behind the back-off.
    const waking = setInterval(() => environment.advance(50), 5);
    expect(await found).toBe(1);
    clearInterval(waking);
    expect(dials).toBe(2);
    await stalled.close();
  });

  test('what can not be sent is given up when the producer is closed, and its promise says so', async () => {
    const lost = createClient({ dial: () => Promise.reject(new Error('nobody there')) });
    const producer = lost.producer();
    const sent = producer.send({ topic: 't', value: 'v' });
    await Promise.all([expect(sent).rejects.toThrow(/nobody there|closed/), producer.close({ timeoutMs: 0 })]);
    await lost.close();
  });
});
