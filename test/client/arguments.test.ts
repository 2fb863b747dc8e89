// What the client is given is checked at the call: nothing that could not be meant is stored, sent or waited for, and
// nothing fails where nobody hears of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient, recordsOf } from '../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

let embedded: Embedded;
let client: Client;

beforeAll(async () => {
  embedded = await openEmbedded();
  client = embedded.connect();
  await client.admin().createTopics([{ name: 't', partitions: 1 }]);
});
afterAll(async () => {
  await client?.close();
  await embedded?.close();
});

/** Calls as plain JavaScript makes them: the types would forbid most of these. */
const send = (record: object) => client.producer({ lingerMs: 0 }).send(record as never);

const oddNumbers = [Number.NaN, Number.POSITIVE_INFINITY, 1.5, -7, '1', null];

describe('records', () => {
  test('texts are written as UTF-8, in keys, values and headers', async () => {
    const { offset } = await send({ topic: 't', key: 'Zoë', value: 'hello', headers: [{ key: 'h', value: 'trace' }] });
    const consumer = client.consumer();
    consumer.assign([{ topic: 't', partition: 0, offset }]);
    const [record] = [...recordsOf(await consumer.poll(2000))];
    expect([record!.key!.toString(), record!.value!.toString()]).toEqual(['Zoë', 'hello']);
    expect(record!.headers).toEqual([{ key: 'h', value: Buffer.from('trace') }]);
    await consumer.close();
  });

  test.each([
    ...oddNumbers.filter((n) => n !== null).map((timestamp) => ({ timestamp })),
    { timestamp: 1e20 },
    ...oddNumbers.filter((n) => n !== null).map((partition) => ({ partition })),
    { value: 5 },
    { value: undefined },
    { value: [1, 2] },
    { key: new ArrayBuffer(3) },
    { headers: { a: 'b' } },
    { headers: [{ key: 1, value: null }] },
    { topic: '' },
    { topic: 7 },
  ])('%o is refused', async (odd) => {
    await expect(send({ topic: 't', key: null, value: Buffer.from('v'), ...odd })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('one that is refused takes no other with it', async () => {
    const producer = client.producer();
    const odd = producer.send({ topic: 't', value: Buffer.from('v'), timestamp: Number.POSITIVE_INFINITY });
    const fine = producer.send({ topic: 't', value: Buffer.from('v') });
    await expect(odd).rejects.toThrow(/timestamp/);
    await expect(fine).resolves.toMatchObject({ topic: 't' });
    await producer.close();
  });

  test('the hot path takes bytes and times only', () => {
    const producer = client.producer();
    for (const [key, value, timestamp] of [
      ['k', null, 1],
      [null, 'v', 1],
      [null, null, Number.NaN],
      [null, null, -1],
    ] as const) {
      expect(() => producer.enqueue('t', 0, key as never, value as never, timestamp)).toThrow(/enqueue: the/);
    }
    expect(() => producer.enqueue('t', 0.5, null, null, 1)).toThrow(/the partition must be/);
  });
});

describe('settings', () => {
  test.each([
    { compressionType: 'bogus' },
    { acks: 2 },
    { lingerMs: Number.NaN },
    { batchSize: -1 },
    { enableIdempotence: 'yes' },
    { acks: 1, enableIdempotence: true },
    { transactionalId: '' },
    { transactionalId: 'a', fencingId: 'b' },
    { lingerms: 5 },
  ])('a producer with %o is refused', (settings) => {
    expect(() => client.producer(settings as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  test.each([
    { isolationLevel: 'committed' },
    { autoOffsetReset: 'smallest' },
    { sessionTimeoutMs: Number.NaN },
    { fetchMaxWaitMs: -1 },
    { sessionTimeoutMs: 3000, heartbeatIntervalMs: 3000 },
    { groupID: 'g' },
    { assignor: 'range' },
  ])('a consumer with %o is refused', (settings) => {
    expect(() => client.consumer(settings as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  test('a misspelt name is met with the one that was probably meant', () => {
    expect(() => client.consumer({ isolationlevel: 'read_committed' } as never)).toThrow(
      /Did you mean "isolationLevel"/,
    );
    expect(() => createClient({ bootstrapServer: 'a:1' } as never)).toThrow(/Did you mean "bootstrapServers"/);
  });

  test("acks 'all' is -1", async () => {
    const producer = client.producer({ acks: 'all' });
    await expect(producer.send({ topic: 't', value: 'v' })).resolves.toMatchObject({ partition: 0 });
    await producer.close();
  });
});

describe('positions and admin calls', () => {
  test('offsets are whole numbers', async () => {
    const consumer = client.consumer({ groupId: 'positions' });
    consumer.assign([{ topic: 't', partition: 0, offset: 0 }]);
    await consumer.commit([{ topic: 't', partition: 0, offset: 1 }]);
    for (const offset of oddNumbers) {
      expect(() => consumer.seek({ topic: 't', partition: 0 }, offset as never)).toThrow(/seek: the offset/);
      expect(() => consumer.assign([{ topic: 't', partition: 0, offset: offset as never }])).toThrow(/the offset/);
      await expect(consumer.commit([{ topic: 't', partition: 0, offset: offset as never }])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    }
    expect(await consumer.committed([{ topic: 't', partition: 0 }])).toMatchObject([{ offset: 1 }]);
    await expect(consumer.poll(Number.NaN)).rejects.toThrow(/poll: the timeout/);
    expect(() => consumer.pause([{ topic: 'other', partition: 0 }])).toThrow(/is not assigned/);
    expect(() => consumer.subscribe('t' as never)).toThrow(/an array of texts/);
    await consumer.close();
  });

  test('admins name what they can not do anything with', async () => {
    const admin = client.admin();
    const refused = { code: 'INVALID_ARGUMENT' };
    await expect(admin.createTopics([{ name: 'x', partitions: Number.NaN }])).rejects.toMatchObject(refused);
    await expect(admin.createTopics([{ name: 'x', configs: { 'retention.ms': 5 } as never }])).rejects.toMatchObject(
      refused,
    );
    await expect(admin.createTopics([{ name: 'x', partition: 3 } as never])).rejects.toThrow(
      /Did you mean "partitions"/,
    );
    await expect(admin.deleteTopics('t' as never)).rejects.toMatchObject(refused);
    await expect(admin.createPartitions('t', 1.5)).rejects.toMatchObject(refused);
    await expect(admin.listOffsets([{ topic: 't', partition: 0, timestamp: Number.NaN }])).rejects.toMatchObject(
      refused,
    );
    expect(await admin.listTopics()).toContain('t');
    expect(await admin.listTopics()).not.toContain('x');
  });
});
