// @platformatic/kafka, which speaks the newest versions, against a broker of ours over TCP.
import {
  Admin,
  Consumer,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listeningBroker } from './support.ts';

describe('@platformatic/kafka', () => {
  let bootstrapBrokers: string[];
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    const broker = await listeningBroker();
    bootstrapBrokers = [broker.address];
    return broker.stop;
  });

  afterAll(async () => {
    for (const client of open) await client.close();
  });

  function opened<C extends { close(): Promise<void> }>(client: C): C {
    open.unshift(client);
    return client;
  }

  const producerOptions = { clientId: 'interop', serializers: stringSerializers, autocreateTopics: true };

  async function read(topic: string, groupId: string, count: number): Promise<string[]> {
    const consumer = new Consumer({
      clientId: 'interop',
      groupId,
      bootstrapBrokers,
      deserializers: stringDeserializers,
      maxWaitTime: 50,
    });
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: true });
    const found: string[] = [];
    for await (const message of stream) {
      found.push(message.value!);
      if (found.length === count) break;
    }
    await stream.close();
    await consumer.close();
    return found;
  }

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('writes and reads %s', async (compression) => {
    const admin = opened(new Admin({ clientId: 'interop', bootstrapBrokers }));
    const topic = `p-${compression}`;
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const producer = opened(new Producer({ ...producerOptions, bootstrapBrokers }));
    const values = Array.from({ length: 60 }, (_, i) => `value ${i}`);
    await producer.send({
      messages: values.map((value) => ({ topic, key: 'k', value })),
      compression,
      acks: ProduceAcks.ALL,
    });
    expect(await read(topic, `group-${compression}`, 60)).toEqual(values);
  });

  test('writes idempotently', async () => {
    const admin = opened(new Admin({ clientId: 'interop', bootstrapBrokers }));
    await admin.createTopics({ topics: ['p-idempotent'], partitions: 1, replicas: 1 });
    const producer = opened(new Producer({ ...producerOptions, bootstrapBrokers, idempotent: true }));
    for (const value of ['a', 'b', 'c'])
      await producer.send({ messages: [{ topic: 'p-idempotent', key: 'k', value }] });
    expect(await read('p-idempotent', 'group-idempotent', 3)).toEqual(['a', 'b', 'c']);
  });

  test('writes in transactions', async () => {
    const admin = opened(new Admin({ clientId: 'interop', bootstrapBrokers }));
    await admin.createTopics({ topics: ['p-transactional'], partitions: 1, replicas: 1 });
    const producer = opened(
      new Producer({ ...producerOptions, bootstrapBrokers, idempotent: true, transactionalId: 'p-tx' }),
    );
    for (const [value, committed] of [
      ['a', true],
      ['b', false],
      ['c', true],
    ] as const) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: [{ topic: 'p-transactional', key: 'k', value }] });
      if (committed) await transaction.commit();
      else await transaction.abort();
    }
    expect(await read('p-transactional', 'group-transactional', 2)).toEqual(['a', 'c']);
  });
});
