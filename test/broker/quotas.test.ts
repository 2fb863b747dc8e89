// Quotas: how rates are measured, whose limit counts, how they are kept and changed, and what clients notice of them.
import { connect as connectTcp } from 'node:net';
import { describe, expect, test } from 'vitest';
import { nodeDisk } from '../../src/broker/log/disk.ts';
import { ClusterMetadata, type StoredQuota } from '../../src/broker/metadata/cluster-metadata.ts';
import { ClientQuotas } from '../../src/broker/quotas/client-quotas.ts';
import { Rate, TokenBucket } from '../../src/broker/quotas/rate.ts';
import {
  alterClientQuotas,
  create,
  createPartitions,
  createTopics,
  deleteTopics,
  describeClientQuotas,
  type Draft,
  ErrorCode,
  fetch,
  metadata,
  QuotaMatchType,
  type RequestOf,
  type Transport,
} from '../../src/protocol/index.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { createTopic, handOver, openBroker, send, temporaryDirectory } from './support.ts';

const WINDOWS = { count: 11, lengthMs: 1000 };

describe('a rate', () => {
  test('is over all windows, whose oldest goes when it is over', () => {
    const rate = new Rate(WINDOWS);
    rate.record(1000, 0);
    // One second has begun, and ten are taken to have been without anything.
    expect(rate.at(0)).toBe(100);
    expect(rate.at(500)).toBeCloseTo(1000 / 10.5);
    rate.record(1000, 5000);
    expect(rate.at(5000)).toBe(200);
    expect(rate.at(10_999)).toBeCloseTo(2000 / 10.999);
    expect(rate.at(11_000)).toBeCloseTo(100);
    expect(rate.isIdle(15_999)).toBe(false);
    expect(rate.isIdle(16_000)).toBe(true);
    expect(rate.at(16_000)).toBe(0);
  });

  test('above a limit is waited for until it would be at it', () => {
    const rate = new Rate(WINDOWS);
    rate.record(1000, 0);
    expect(rate.waitFor(100, 0)).toBe(0);
    rate.record(1000, 0);
    expect(rate.waitFor(100, 0)).toBe(10_000);
    expect(rate.waitFor(150, 0)).toBe(Math.round((50 / 150) * 10_000));
  });
});

test('a bucket may be overdrawn once, and fills up again', () => {
  const bucket = new TokenBucket(WINDOWS, 2, 0);
  expect(bucket.take(20, 2, 0)).toBe(0);
  expect(bucket.take(10, 2, 0)).toBe(0);
  expect(bucket.take(1, 2, 0)).toBe(4000);
  expect(bucket.take(1, 2, 4000)).toBe(0);
  expect(bucket.isFull(2, 10_000)).toBe(false);
  expect(bucket.isFull(2, 20_000)).toBe(true);
});

test('the limit of the most particular entity counts, and is shared by those who have the same name in it', () => {
  const entries: readonly (readonly [StoredQuota['entity'], number, string | null, string | null])[] = [
    [{ 'client-id': null }, 1, null, 'c'],
    [{ 'client-id': 'c' }, 2, null, 'c'],
    [{ user: null }, 3, 'u', null],
    [{ user: null, 'client-id': null }, 4, 'u', 'c'],
    [{ user: null, 'client-id': 'c' }, 5, 'u', 'c'],
    [{ user: 'u' }, 6, 'u', null],
    [{ user: 'u', 'client-id': null }, 7, 'u', 'c'],
    [{ 'client-id': 'c', user: 'u' }, 8, 'u', 'c'],
  ];
  const stored = ClusterMetadata.open(nodeDisk, temporaryDirectory());
  const quotas = new ClientQuotas(stored, { windows: WINDOWS, windowsOfMutations: WINDOWS });
  expect(quotas.areAny).toBe(false);
  const known: StoredQuota[] = [];
  for (const [entity, limit, user, clientId] of entries) {
    known.push({ entity, limits: { producer_byte_rate: limit } });
    stored.change({ quotas: [...known, { entity: { user: 'other' }, limits: { consumer_byte_rate: 99 } }] });
    expect(quotas.limitOf('producer_byte_rate', { user: 'u', clientId: 'c' })).toEqual({
      perSecond: limit,
      sharedBy: JSON.stringify(['producer_byte_rate', user, clientId]),
    });
  }
  expect(quotas.limitOf('consumer_byte_rate', { user: 'u', clientId: 'c' })).toBeUndefined();
  expect(quotas.limitOf('producer_byte_rate', { user: 'x', clientId: 'y' })?.perSecond).toBe(4);
});

type Ops = Readonly<Record<string, number | null>>;

async function alter(transport: Transport, entity: StoredQuota['entity'], ops: Ops, validateOnly = false) {
  const request: Draft<RequestOf<typeof alterClientQuotas>> = {
    entries: [
      {
        entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
        ops: Object.entries(ops).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
      },
    ],
    validateOnly,
  };
  return (await transport.request(alterClientQuotas, create(alterClientQuotas, request))).entries[0]!;
}

async function described(transport: Transport, request: Draft<RequestOf<typeof describeClientQuotas>>) {
  const { errorCode, entries } = await transport.request(describeClientQuotas, create(describeClientQuotas, request));
  if (errorCode !== 0) return errorCode;
  return (entries ?? []).map(({ entity, values }) => [
    Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])),
    Object.fromEntries(values.map(({ key, value }) => [key, value])),
  ]);
}

describe('quotas over the wire', () => {
  test('are set, found, removed, and there after a restart', async () => {
    const dataDir = temporaryDirectory();
    const broker = await openBroker({ dataDir });
    const transport = broker.connect();
    await alter(
      transport,
      { user: 'alice', 'client-id': 'app' },
      { producer_byte_rate: 1024, request_percentage: 12.5 },
    );
    await alter(transport, { user: null }, { consumer_byte_rate: 2048 });
    await alter(transport, { ip: '10.0.0.1' }, { connection_creation_rate: 5 });
    await alter(transport, { 'client-id': 'app', user: 'alice' }, { producer_byte_rate: null });
    await alter(transport, { user: 'bob' }, { producer_byte_rate: 1 }, true);
    const both = [{ user: 'alice', 'client-id': 'app' }, { request_percentage: 12.5 }];
    const ofAll = [{ user: null }, { consumer_byte_rate: 2048 }];
    const ofIp = [{ ip: '10.0.0.1' }, { connection_creation_rate: 5 }];
    expect(await described(transport, {})).toEqual([both, ofAll, ofIp]);
    const user = (matchType: number, match: string | null = null) => ({ entityType: 'user', matchType, match });
    expect(await described(transport, { components: [user(QuotaMatchType.any)] })).toEqual([both, ofAll]);
    expect(await described(transport, { components: [user(QuotaMatchType.any)], strict: true })).toEqual([ofAll]);
    expect(await described(transport, { components: [user(QuotaMatchType.exact, 'alice')] })).toEqual([both]);
    expect(await described(transport, { components: [user(QuotaMatchType.default)] })).toEqual([ofAll]);
    await broker.close();
    const again = (await openBroker({ dataDir })).connect();
    expect(await described(again, {})).toEqual([both, ofAll, ofIp]);
    await alter(again, { user: null }, { consumer_byte_rate: null });
    expect(await described(again, {})).toEqual([both, ofIp]);
  });

  test.each<[StoredQuota['entity'], Ops, string]>([
    [{}, { producer_byte_rate: 1 }, 'Invalid empty client quota entity'],
    [{ user: '' }, { producer_byte_rate: 1 }, 'Empty user not supported'],
    [{ user: 'a', ip: '10.0.0.1' }, { producer_byte_rate: 1 }, 'Invalid empty client quota entity'],
    [{ group: 'a' } as never, { producer_byte_rate: 1 }, 'Unhandled client quota entity type: group'],
    [{ user: 'a' }, { what: 1 }, 'Invalid configuration key what'],
    [{ user: 'a' }, { connection_creation_rate: 1 }, 'Invalid configuration key connection_creation_rate'],
    [{ ip: '10.0.0.1' }, { producer_byte_rate: 1 }, 'Invalid configuration key producer_byte_rate'],
    [{ ip: 'nowhere' }, { connection_creation_rate: 1 }, 'nowhere is not a valid IP'],
    [{ user: 'a' }, { producer_byte_rate: 1.5 }, 'must be a Long value'],
    [{ user: 'a' }, { producer_byte_rate: 0 }, 'must be greater than 0'],
    [{ user: 'a' }, { request_percentage: Number.NaN }, 'must be greater than 0'],
  ])('%j with %j are refused', async (entity, ops, why) => {
    const transport = (await openBroker()).connect();
    expect(await alter(transport, entity, ops)).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: expect.stringContaining(why),
    });
    expect(await described(transport, {})).toEqual([]);
  });

  test('are not looked for by what they can not be', async () => {
    const transport = (await openBroker()).connect();
    const component = { entityType: 'user', matchType: QuotaMatchType.any, match: null };
    for (const components of [
      [component, component],
      [{ ...component, entityType: '' }],
      [{ ...component, matchType: 9 }],
      [{ ...component, match: 'x' }],
      [component, { ...component, entityType: 'ip' }],
    ]) {
      expect(await described(transport, { components })).toBe(ErrorCode.INVALID_REQUEST);
    }
    const components = [{ ...component, entityType: 'group' }];
    expect(await described(transport, { components })).toBe(ErrorCode.UNSUPPORTED_VERSION);
  });
});

describe('a client above its limit', () => {
  async function opened() {
    const environment = new ManualEnvironment(1_000_000);
    const broker = await openBroker({ environment });
    const inside = broker.connect();
    await createTopic(inside, 't');
    const address = await broker.listen({ host: '127.0.0.1', port: 0 });
    const client = await dialTcp(address, { clientId: 'app' });
    return { environment, broker, inside, client, address };
  }

  /** Whether something is answered only when so much time has passed. */
  async function waitsFor(environment: ManualEnvironment, waitMs: number, asked: Promise<unknown>): Promise<boolean> {
    let isAnswered = false;
    const answered = asked.then(() => {
      isAnswered = true;
    });
    await quiet();
    environment.advance(waitMs - 1);
    await quiet();
    if (isAnswered) return false;
    environment.advance(1000);
    await answered;
    return true;
  }

  test('of what it sends is answered at once, and not heard for the time that it is told', async () => {
    const { environment, inside, client } = await opened();
    await alter(inside, { 'client-id': 'app' }, { producer_byte_rate: 1000 });
    const answer = await handOver(client, 't', ['x'.repeat(20_000)], { acks: -1 });
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
    expect(answer.throttleTimeMs).toBeGreaterThan(10_000);
    expect(answer.throttleTimeMs).toBeLessThan(11_000);
    expect(await waitsFor(environment, answer.throttleTimeMs, client.request(metadata, create(metadata, {})))).toBe(
      true,
    );
    // The platform's own clients have no limits.
    await alter(inside, { user: null }, { producer_byte_rate: 1 });
    expect((await handOver(inside, 't', ['x'.repeat(20_000)], { acks: -1 })).throttleTimeMs).toBe(0);
  });

  test('of what it sends without an answer is held back, too', async () => {
    const { environment, inside, client } = await opened();
    await alter(inside, { user: 'ANONYMOUS' }, { producer_byte_rate: 1000 });
    await client.request(metadata, create(metadata, { topics: [{ name: 't' }] }));
    await handOver(client, 't', ['x'.repeat(20_000)], { acks: 0 });
    expect(await waitsFor(environment, 10_000, client.request(metadata, create(metadata, {})))).toBe(true);
  });

  test('of what it gets has no records in its answer, and gets them later', async () => {
    const { environment, inside, client } = await opened();
    for (let i = 0; i < 3; i++) await send(inside, 't', ['x'.repeat(9000)]);
    await alter(inside, { 'client-id': null }, { consumer_byte_rate: 1000 });
    const { topicId } = (await client.request(metadata, create(metadata, { topics: [{ name: 't' }] }))).topics[0]!;
    const read = async (fetchOffset: number) => {
      const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 9100 }];
      const request = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: 't', topicId, partitions }] };
      return client.request(fetch, create(fetch, request));
    };
    const first = await read(0);
    expect(first).toMatchObject({ throttleTimeMs: 0, responses: [{ partitions: [{ errorCode: 0 }] }] });
    const second = await read(1);
    expect(second.responses).toEqual([]);
    expect(second.sessionId).toBe(0);
    expect(second.throttleTimeMs).toBeGreaterThan(7000);
    const third = read(1);
    environment.advance(second.throttleTimeMs);
    await quiet();
    environment.advance(10_000);
    expect((await third).errorCode).toBe(0);
    expect((await read(1)).responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(9000);
  });

  test('of our time is held back for no longer than a window', async () => {
    const { inside, client } = await opened();
    await alter(inside, { 'client-id': 'app' }, { request_percentage: 0.000_001 });
    const answer = await client.request(metadata, create(metadata, {}));
    expect(answer.throttleTimeMs).toBe(1000);
  });

  test('of changes to topics is refused, told when to come again, and let in then', async () => {
    const { environment, inside, client } = await opened();
    await alter(inside, { 'client-id': 'app' }, { controller_mutation_rate: 1 });
    const topics = ['a', 'b', 'c'].map((name) => ({ name, numPartitions: 10, replicationFactor: 1 }));
    const made = await client.request(createTopics, create(createTopics, { topics }));
    expect(made.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', ErrorCode.THROTTLING_QUOTA_EXCEEDED],
    ]);
    expect(made.throttleTimeMs).toBe(9000);
    const grown = { topics: [{ name: 'a', count: 11, assignments: null }] };
    const growing = client.request(createPartitions, create(createPartitions, grown));
    expect(await waitsFor(environment, 9000, growing)).toBe(true);
    expect((await growing).results).toMatchObject([{ name: 'a', errorCode: 0 }]);
    const deletion = { topics: [{ name: 'a' }, { name: 'missing' }] };
    const deleted = await client.request(deleteTopics, create(deleteTopics, deletion));
    expect(deleted.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', ErrorCode.THROTTLING_QUOTA_EXCEEDED],
      ['missing', ErrorCode.THROTTLING_QUOTA_EXCEEDED],
    ]);
  });

  test('of connections from its address is let go when the next one may come', async () => {
    const { environment, inside, address } = await opened();
    await alter(inside, { ip: null }, { connection_creation_rate: 1 });
    const closed: number[] = [];
    const sockets = Array.from({ length: 12 }, (_, i) => {
      const socket = connectTcp(address.port, address.host);
      socket.on('close', () => closed.push(i));
      return socket;
    });
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once('connect', () => resolve()))));
    await quiet();
    expect(closed).toEqual([]);
    environment.advance(5000);
    await expect.poll(() => closed.length).toBe(2);
    for (const socket of sockets) socket.destroy();
  });
});

/** What was under way has arrived. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 50; i++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
