// What every Client must do, whatever road leads to the brokers: in process, over TCP, and against a real Apache Kafka.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Client,
  type Consumer,
  type ConsumerRecord,
  type ConsumerSettings,
  type Producer,
  recordsOf,
  type TopicPartition,
} from '../../src/client/index.ts';
import { codeOf } from '../../src/util/index.ts';

export interface Road {
  /** A new client of the same cluster. */
  connect(): Client;
  close(): Promise<void>;
}

export function clientSuite(name: string, open: () => Promise<Road>): void {
  describe(`the client ${name}`, () => {
    let road: Road;
    let client: Client;

    beforeAll(async () => {
      road = await open();
      client = road.connect();
    });
    afterAll(async () => {
      await client?.close();
      await road?.close();
    });

    async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
      const topic = `t-${randomUUID()}`;
      await client.admin().createTopics([{ name: topic, partitions, configs }]);
      return topic;
    }

    function reader(
      partitions: readonly (TopicPartition & { offset?: number })[],
      settings: ConsumerSettings = {},
    ): Consumer {
      const consumer = client.consumer({ autoOffsetReset: 'earliest', ...settings });
      consumer.assign(partitions);
      return consumer;
    }

    test('creates, describes, lists and deletes topics', async () => {
      const topic = await newTopic(3, { 'retention.ms': '12345' });
      const admin = client.admin();
      expect((await admin.describeTopics([topic])).get(topic)?.partitions.map((p) => p.partition)).toEqual([0, 1, 2]);
      expect(await admin.listTopics()).toContain(topic);
      expect(await admin.topicConfigs(topic)).toContainEqual({
        name: 'retention.ms',
        value: '12345',
        isDefault: false,
      });
      await admin.alterTopicConfigs(topic, { 'retention.ms': null, 'max.message.bytes': '2000' });
      const configs = await admin.topicConfigs(topic);
      expect(configs.find((c) => c.name === 'retention.ms')?.isDefault).toBe(true);
      expect(configs.find((c) => c.name === 'max.message.bytes')?.value).toBe('2000');
      await admin.createPartitions(topic, 5);
      // A cluster of several nodes takes a moment until all of them know.
      await expect.poll(async () => (await admin.describeTopics([topic])).get(topic)?.partitions.length).toBe(5);
      await expect(admin.createTopics([{ name: topic, partitions: 1 }])).rejects.toMatchObject({
        code: 'TOPIC_ALREADY_EXISTS',
      });
      await admin.deleteTopics([topic]);
      expect(await admin.listTopics()).not.toContain(topic);
      expect(await client.admin().clusterId()).not.toBe('');
    });

    test('produces and consumes records whole: keys, values, headers, timestamps, nulls', async () => {
      const topic = await newTopic();
      const producer = client.producer();
      const sent = [
        {
          key: Buffer.from('a'),
          value: Buffer.from('1'),
          timestamp: 1000,
          headers: [
            { key: 'h', value: Buffer.from('x') },
            { key: 'n', value: null },
          ],
        },
        { key: null, value: Buffer.from('2'), timestamp: 999, headers: [] },
        { key: Buffer.from('c'), value: null, timestamp: 2000, headers: [] },
        { key: Buffer.alloc(0), value: Buffer.alloc(0), timestamp: 2001, headers: [] },
      ];
      const metadata = await Promise.all(sent.map((record) => producer.send({ topic, partition: 0, ...record })));
      expect(metadata.map((m) => m.offset)).toEqual([0, 1, 2, 3]);
      const records = await read(reader([{ topic, partition: 0 }]), 4);
      expect(records.map(({ key, value, timestamp, headers }) => ({ key, value, timestamp, headers }))).toEqual(sent);
      await producer.close();
    });

    test('sends what came in before the producer had an identity in batches that a topic accepts', async () => {
      const topic = await newTopic();
      const producer = client.producer();
      const count = 4000;
      // In one go: several times the largest batch that is accepted, before anything could be asked of the broker.
      for (let i = 0; i < count; i++) producer.enqueue(topic, 0, Buffer.from(String(i)), Buffer.alloc(1000, i), i);
      await producer.flush();
      const records = await read(reader([{ topic, partition: 0 }]), count);
      expect(records.map((record) => Number(record.key))).toEqual(Array.from({ length: count }, (_, i) => i));
      await producer.close();
    });

    test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
      'keeps %s batches readable',
      async (compressionType) => {
        const topic = await newTopic();
        const producer = client.producer({ compressionType });
        const value = Buffer.from('compressible '.repeat(50));
        for (let i = 0; i < 100; i++) producer.enqueue(topic, 0, Buffer.from(`k${i}`), value, i);
        await producer.flush();
        const records = await read(reader([{ topic, partition: 0 }]), 100);
        expect(records.map((record) => record.key?.toString())).toEqual(Array.from({ length: 100 }, (_, i) => `k${i}`));
        expect(records.every((record) => record.value?.equals(value))).toBe(true);
        await producer.close();
      },
    );

    test('keeps the order of every partition through many batches', async () => {
      const topic = await newTopic(4);
      const producer = client.producer({ batchSize: 2000, lingerMs: 0 });
      await producer.partitionsFor(topic);
      for (let i = 0; i < 20_000; i++) producer.enqueue(topic, i % 4, null, Buffer.from(String(i)), 1);
      await producer.flush();
      expect(producer.bufferedBytes).toBe(0);
      const all = await read(reader([0, 1, 2, 3].map((partition) => ({ topic, partition }))), 20_000);
      for (let partition = 0; partition < 4; partition++) {
        const numbers = all.filter((r) => r.partition === partition).map((r) => Number(r.value));
        expect(numbers).toEqual(Array.from({ length: 5000 }, (_, i) => i * 4 + partition));
      }
      await producer.close();
    });

    test('puts equal keys where the Java client would', async () => {
      const topic = await newTopic(5);
      const producer = client.producer();
      // The hashes that Kafka's own tests publish for these keys.
      const hashes = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536, abc: 479470107 };
      for (const [key, hash] of Object.entries(hashes)) {
        const { partition } = await producer.send({ topic, key: Buffer.from(key), value: null });
        expect(partition).toBe((hash & 0x7fffffff) % 5);
      }
      await producer.close();
    });

    test('says which record was refused and goes on', async () => {
      const topic = await newTopic(1, { 'max.message.bytes': '1000' });
      const producer = client.producer({ lingerMs: 0 });
      await expect(producer.send({ topic, value: Buffer.alloc(5000, 1) })).rejects.toMatchObject({
        code: 'MESSAGE_TOO_LARGE',
      });
      await producer.flush().catch(() => {});
      expect((await producer.send({ topic, value: Buffer.from('small') })).offset).toBe(0);
      await producer.close();
    });

    test('seeks, pauses, resumes and reports positions', async () => {
      const topic = await newTopic();
      const producer = client.producer();
      for (let i = 0; i < 10; i++) producer.enqueue(topic, 0, null, Buffer.from(String(i)), i * 100);
      await producer.flush();
      const at = { topic, partition: 0 };
      const consumer = reader([{ ...at, offset: 7 }]);
      expect((await read(consumer, 3)).map((r) => r.offset)).toEqual([7, 8, 9]);
      expect(consumer.position(at)).toBe(10);
      consumer.seek(at, 2);
      consumer.pause([at]);
      expect(await consumer.poll(50)).toEqual([]);
      consumer.resume([at]);
      expect((await read(consumer, 8))[0]?.offset).toBe(2);
      expect((await client.admin().listOffsets([{ ...at, timestamp: -2 }]))[0]?.offset).toBe(0);
      expect((await client.admin().listOffsets([{ ...at, timestamp: -1 }]))[0]?.offset).toBe(10);
      expect((await client.admin().listOffsets([{ ...at, timestamp: 450 }]))[0]?.offset).toBe(5);
      await client.admin().deleteRecords([{ ...at, offset: 4 }]);
      expect((await client.admin().listOffsets([{ ...at, timestamp: -2 }]))[0]?.offset).toBe(4);
      await consumer.close();
      await producer.close();
    });

    test('wakes a waiting poll when records come, and when told to', async () => {
      const topic = await newTopic();
      const consumer = reader([{ topic, partition: 0 }]);
      expect(await consumer.poll(30)).toEqual([]);
      const waiting = consumer.poll(20_000);
      const producer = client.producer({ lingerMs: 0 });
      await producer.send({ topic, value: Buffer.from('x') });
      expect([...recordsOf(await waiting)].map((r) => String(r.value))).toEqual(['x']);
      const again = consumer.poll(20_000);
      consumer.wakeup();
      expect(await again).toEqual([]);
      await consumer.close();
      await producer.close();
    });

    test('commits offsets with metadata and starts there again', async () => {
      const topic = await newTopic();
      const groupId = `g-${randomUUID()}`;
      const producer = client.producer();
      for (let i = 0; i < 6; i++) producer.enqueue(topic, 0, null, Buffer.from(String(i)), 1);
      await producer.flush();
      const first = client.consumer({ groupId, autoOffsetReset: 'earliest' });
      first.subscribe([topic]);
      await read(first, 6);
      await first.commit([{ topic, partition: 0, offset: 4, metadata: 'four' }]);
      expect(await first.committed([{ topic, partition: 0 }])).toEqual([
        { topic, partition: 0, offset: 4, metadata: 'four' },
      ]);
      expect(await client.admin().committedOffsets(groupId)).toEqual([
        { topic, partition: 0, offset: 4, metadata: 'four' },
      ]);
      await first.close();
      const second = client.consumer({ groupId, autoOffsetReset: 'earliest' });
      second.subscribe([topic]);
      expect((await read(second, 2)).map((r) => r.offset)).toEqual([4, 5]);
      await second.close();
      await producer.close();
    });

    test('shares a topic between the members of a group, and takes over when one leaves', async () => {
      const topic = await newTopic(4);
      const groupId = `g-${randomUUID()}`;
      const owned = [new Set<number>(), new Set<number>()];
      const members = owned.map((partitions) => {
        const consumer = road.connect().consumer({ groupId, autoOffsetReset: 'earliest', heartbeatIntervalMs: 50 });
        consumer.subscribe([topic], {
          onAssigned: (list) => {
            for (const { partition } of list) partitions.add(partition);
          },
          onRevoked: () => partitions.clear(),
        });
        return consumer;
      });
      const both = async (until: () => boolean, running = members) => {
        while (!until()) await Promise.all(running.map((member) => member.poll(50)));
      };
      await both(() => owned.every((partitions) => partitions.size === 2));
      expect([...owned[0]!, ...owned[1]!].sort()).toEqual([0, 1, 2, 3]);
      const [described] = await client.admin().describeGroups([groupId]);
      expect(described).toMatchObject({ state: 'Stable', protocolType: 'consumer' });
      const read = described!.members.map(({ assignment }) => new Set(assignment.map(({ partition }) => partition)));
      expect(read).toEqual(expect.arrayContaining(owned));
      await members[0]!.close();
      await both(() => owned[1]!.size === 4, [members[1]!]);
      await members[1]!.close();
      await client.admin().deleteGroups([groupId]);
      expect((await client.admin().listGroups()).map((g) => g.groupId)).not.toContain(groupId);
    });

    test('a static member that comes back disturbs nobody, and fences its twin', async () => {
      const topic = await newTopic(2);
      const groupId = `g-${randomUUID()}`;
      const heard: string[] = [];
      const join = (groupInstanceId: string): Consumer => {
        const settings = { groupId, groupInstanceId, sessionTimeoutMs: 10_000, heartbeatIntervalMs: 50 };
        const consumer = client.consumer({ autoOffsetReset: 'earliest', ...settings });
        const listen = (what: string) => () => void heard.push(`${groupInstanceId} ${what}`);
        consumer.subscribe([topic], { onAssigned: listen('assigned'), onRevoked: listen('revoked') });
        return consumer;
      };
      const [one, two] = [join('one'), join('two')];
      const settled = async (...members: readonly Consumer[]): Promise<void> => {
        while (members.some((member) => member.assignment().length !== 1)) {
          await Promise.all(members.map((member) => member.poll(20)));
        }
      };
      await settled(one, two);
      const own = two.assignment();
      heard.length = 0;
      await two.close();
      const back = join('two');
      await settled(one, back);
      expect(back.assignment()).toEqual(own);
      expect(heard).toEqual(['two revoked', 'two assigned']);

      const twin = join('two');
      await settled(one, twin);
      const fenced = async (): Promise<void> => {
        for (;;) await back.poll(20);
      };
      await expect(fenced()).rejects.toMatchObject({ code: 'FENCED_INSTANCE_ID' });
      await expect(back.poll(0)).rejects.toMatchObject({ code: 'FENCED_INSTANCE_ID' });
      await back.close();
      expect(twin.assignment()).toEqual(own);
      await twin.close();

      await client.admin().removeMembers(groupId, [{ groupInstanceId: 'two' }, { groupInstanceId: 'nobody' }]);
      while (one.assignment().length !== 2) await one.poll(20);
      const [group] = await client.admin().describeGroups([groupId]);
      expect(group!.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['one']);
      await one.close();
    });

    test('commits a transaction whole: records in several partitions and the offsets', async () => {
      const topic = await newTopic(2);
      const groupId = `g-${randomUUID()}`;
      const producer = client.producer({ transactionalId: `x-${randomUUID()}` });
      await producer.initTransactions();
      producer.beginTransaction();
      producer.enqueue(topic, 0, null, Buffer.from('a'), 1);
      producer.enqueue(topic, 1, null, Buffer.from('b'), 1);
      await producer.flush();
      const committedOnly = reader(
        [0, 1].map((partition) => ({ topic, partition })),
        { isolationLevel: 'read_committed' },
      );
      expect(await committedOnly.poll(100)).toEqual([]);
      const group = { groupId, generationId: -1, memberId: '', groupInstanceId: null };
      await producer.sendOffsetsToTransaction([{ topic, partition: 0, offset: 9, metadata: 'm' }], group);
      await producer.commitTransaction();
      expect((await read(committedOnly, 2)).map((r) => String(r.value)).sort()).toEqual(['a', 'b']);
      expect(await client.admin().committedOffsets(groupId)).toEqual([
        { topic, partition: 0, offset: 9, metadata: 'm' },
      ]);
      await producer.close();
    });

    test('hides what an aborted transaction wrote, and goes on', async () => {
      const topic = await newTopic();
      const producer = client.producer({ transactionalId: `x-${randomUUID()}` });
      await producer.initTransactions();
      for (const [value, commit] of [
        ['1', true],
        ['2', false],
        ['3', true],
        ['4', false],
        ['5', true],
      ] as const) {
        producer.beginTransaction();
        producer.enqueue(topic, 0, null, Buffer.from(value), 1);
        await producer.flush();
        await (commit ? producer.commitTransaction() : producer.abortTransaction());
      }
      const committed = await read(reader([{ topic, partition: 0 }], { isolationLevel: 'read_committed' }), 3);
      expect(committed.map((r) => String(r.value))).toEqual(['1', '3', '5']);
      const everything = await read(reader([{ topic, partition: 0 }]), 5);
      expect(everything.map((r) => String(r.value))).toEqual(['1', '2', '3', '4', '5']);
      await producer.close();
    });

    test('a commit takes along, in their order, records that are sent before their topic is known', async () => {
      const topic = await newTopic();
      const stranger = road.connect();
      const producer = stranger.producer({ transactionalId: `x-${randomUUID()}` });
      await producer.initTransactions();
      producer.beginTransaction();
      const sent = ['a', 'b', 'c'].map((value) => producer.send({ topic, value: Buffer.from(value) }));
      await producer.commitTransaction();
      expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([0, 1, 2]);
      await stranger.close();
    });

    test('an abort of records that are not on their way yet leaves a producer that goes on', async () => {
      const topic = await newTopic();
      const producer = client.producer({ transactionalId: `x-${randomUUID()}`, lingerMs: 0 });
      await producer.initTransactions();
      for (let i = 0; i < 10; i++) {
        producer.beginTransaction();
        producer.send({ topic, partition: 0, value: Buffer.from('void') }).catch(() => {});
        for (let turn = 0; turn < i; turn++) await new Promise((resolve) => setImmediate(resolve));
        await producer.abortTransaction();
      }
      producer.beginTransaction();
      producer.enqueue(topic, 0, null, Buffer.from('kept'), 1);
      await producer.commitTransaction();
      const records = await read(reader([{ topic, partition: 0 }], { isolationLevel: 'read_committed' }), 1);
      expect(records.map((r) => String(r.value))).toEqual(['kept']);
      await producer.close();
    });

    test.each(['an abort', 'a close'])(
      '%s while a commit waits for its records: all of it counts, or nothing',
      async (what) => {
        const topic = await newTopic();
        const transactionalId = `x-${randomUUID()}`;
        const groupId = `g-${randomUUID()}`;
        const group = { groupId, generationId: -1, memberId: '', groupInstanceId: null };
        let producer = client.producer({ transactionalId });
        await producer.initTransactions();
        const expected: string[] = [];
        for (let i = 0; i < 20; i++) {
          producer.beginTransaction();
          producer.enqueue(topic, 0, null, Buffer.from(String(i)), 1);
          await producer.sendOffsetsToTransaction([{ topic, partition: 0, offset: i + 1 }], group);
          // The last one is on its way, or not yet, when it ends.
          producer.enqueue(topic, 0, null, Buffer.from(`${i}!`), 1);
          const commit = producer.commitTransaction().catch(() => {});
          for (let turn = 0; turn < i % 10; turn++) await new Promise((resolve) => setImmediate(resolve));
          if (what === 'an abort') {
            await producer.abortTransaction().catch(() => {});
          } else {
            await producer.close({ timeoutMs: 0 });
            producer = client.producer({ transactionalId });
            await producer.initTransactions();
          }
          await commit;
          const committed = (await client.admin().committedOffsets(groupId))[0]?.offset ?? 0;
          if (committed === i + 1) expected.push(String(i), `${i}!`);
        }
        producer.beginTransaction();
        producer.enqueue(topic, 0, null, Buffer.from('end'), 1);
        await producer.commitTransaction();
        expected.push('end');
        const records = await read(
          reader([{ topic, partition: 0 }], { isolationLevel: 'read_committed' }),
          expected.length,
        );
        expect(records.map((r) => String(r.value))).toEqual(expected);
        await producer.close();
      },
    );

    test('what a dead producer has open is aborted when somebody asks for it, and nothing else is', async () => {
      const topic = await newTopic();
      const [dead, idle, unknown] = [`x-${randomUUID()}`, `x-${randomUUID()}`, `x-${randomUUID()}`];
      const producers = [dead, idle].map((transactionalId) => client.producer({ transactionalId }));
      for (const producer of producers) await producer.initTransactions();
      producers[0]!.beginTransaction();
      await producers[0]!.send({ topic, value: Buffer.from('never') });
      const admin = client.admin();
      expect(await admin.abortOpenTransactions([dead, idle, unknown])).toEqual([dead]);
      // In the second version of transactions a broker may take this for a decision that is asked again (KIP-890).
      const refused = await producers[0]!.commitTransaction().then(() => 'committed', codeOf);
      expect(['PRODUCER_FENCED', 'INVALID_TXN_STATE']).toContain(refused);
      // Readers of what is committed get on: the transaction has ended.
      producers[1]!.beginTransaction();
      await producers[1]!.send({ topic, value: Buffer.from('kept') });
      await producers[1]!.commitTransaction();
      const consumer = reader([{ topic, partition: 0 }], { isolationLevel: 'read_committed' });
      const records = await read(consumer, 1);
      expect(records.map(({ value }) => String(value))).toEqual(['kept']);
      expect(await admin.abortOpenTransactions([dead, idle])).toEqual([]);
      await consumer.close();
      for (const producer of producers) await producer.close().catch(() => {});
    });

    test('a producer is fenced when another takes its transactional id', async () => {
      const topic = await newTopic();
      const transactionalId = `x-${randomUUID()}`;
      const old = client.producer({ transactionalId });
      await old.initTransactions();
      old.beginTransaction();
      old.enqueue(topic, 0, null, Buffer.from('old'), 1);
      await old.flush();
      const heir = client.producer({ transactionalId });
      await heir.initTransactions();
      await expect(old.commitTransaction()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
      heir.beginTransaction();
      heir.enqueue(topic, 0, null, Buffer.from('heir'), 1);
      await heir.commitTransaction();
      const records = await read(reader([{ topic, partition: 0 }], { isolationLevel: 'read_committed' }), 1);
      expect(records.map((r) => String(r.value))).toEqual(['heir']);
      await old.close().catch(() => {});
      await heir.close();
    });

    test('a producer with a fencing id is refused once its heir has written, and nothing of it is left behind', async () => {
      const topic = await newTopic();
      const fencingId = `f-${randomUUID()}`;
      const write = async (producer: Producer, text: string) =>
        (await producer.send({ topic, partition: 0, value: Buffer.from(text) })).offset;
      const old = client.producer({ fencingId, lingerMs: 0 });
      await old.initTransactions();
      expect(await write(old, 'old')).toBe(0);
      const heir = client.producer({ fencingId, lingerMs: 0 });
      await heir.initTransactions();
      expect(await write(heir, 'heir')).toBe(1);
      await expect(write(old, 'zombie')).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
      expect(await write(heir, 'last')).toBe(2);
      const records = await read(reader([{ topic, partition: 0 }]), 3);
      expect(records.map((r) => String(r.value))).toEqual(['old', 'heir', 'last']);
      await old.close();
      await heir.close();
    });
  });
}

/** Polls until `count` records have come. The test's own timeout is the limit. */
async function read(consumer: Consumer, count: number): Promise<ConsumerRecord[]> {
  const records: ConsumerRecord[] = [];
  while (records.length < count) records.push(...recordsOf(await consumer.poll(1000)));
  return records;
}
