// Share groups (KIP-932): who reads where, which records are whose and for how long, what survives a restart. Time stands still
// unless a test moves it. What is refused is told in the words of Apache Kafka 4.4.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import { type AssignorMember, simple } from '../../src/broker/groups/assignors.ts';
import { topicIdOf } from '../../src/broker/groups/partition-sets.ts';
import { DeliveryState, type Run, SharePartition } from '../../src/broker/share/share-partition.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { createClient } from '../../src/client/index.ts';
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  AcknowledgeType,
  alterShareGroupOffsets,
  BatchCursor,
  consumerGroupHeartbeat,
  create,
  createAcls,
  deleteGroups,
  deleteShareGroupOffsets,
  describeShareGroupOffsets,
  type Draft,
  errorName,
  incrementalAlterConfigs,
  listGroups,
  listOffsets,
  type RequestOf,
  ResourceType,
  shareAcknowledge,
  ShareAcquireMode,
  shareFetch,
  shareGroupDescribe,
  shareGroupHeartbeat,
  type Transport,
} from '../../src/protocol/index.ts';
import { codeOf, ManualEnvironment } from '../../src/util/index.ts';
import { createTopic, openBroker, send, temporaryDirectory } from './support.ts';

const LOCK_MS = 30_000;
const { accept, release, reject, gap, renew } = AcknowledgeType;

let clock: ManualEnvironment;
let dataDir: string;
let broker: Broker;
let transport: Transport;
let topicId: string;
/** The next epoch of each member's session. */
let epochs: Map<string, number>;

beforeEach(async () => {
  clock = new ManualEnvironment(1_000_000);
  dataDir = temporaryDirectory();
  await open();
  await createTopic(transport, 't');
  await configure({ 'share.auto.offset.reset': 'earliest' });
  topicId = (await join('a')).assignment!.topicPartitions[0]!.topicId;
});

async function open(settings: Record<string, string | number> = {}): Promise<void> {
  epochs = new Map();
  const few = { 'offsets.topic.num.partitions': 4, 'share.coordinator.state.topic.num.partitions': 4 };
  const quick = { 'group.share.assignment.interval.ms': 0 };
  broker = await openBroker({ dataDir, environment: clock, settings: { ...few, ...quick, ...settings } });
  transport = await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }));
}

async function configure(configs: Record<string, string>): Promise<void> {
  const changes = Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: 0 }));
  const resources = [{ resourceType: ResourceType.group, resourceName: 'g', configs: changes }];
  const answer = await transport.request(incrementalAlterConfigs, create(incrementalAlterConfigs, { resources }));
  expect(answer.responses[0]).toMatchObject({ errorCode: 0 });
}

async function beat(memberId: string, memberEpoch: number, more: Draft<RequestOf<typeof shareGroupHeartbeat>> = {}) {
  const request = create(shareGroupHeartbeat, { groupId: 'g', memberId, memberEpoch, ...more });
  const answer = await transport.request(shareGroupHeartbeat, request);
  return { ...answer, error: errorName(answer.errorCode) };
}

function join(memberId: string, topics = ['t']) {
  return beat(memberId, 0, { subscribedTopicNames: topics });
}

type Batches = readonly (readonly [first: number, last: number, ...types: number[]])[];

function asked(batches: Batches) {
  const acknowledgementBatches = batches.map(([firstOffset, lastOffset, ...acknowledgeTypes]) => ({
    firstOffset,
    lastOffset,
    acknowledgeTypes,
  }));
  return [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches }] }];
}

async function fetch(memberId = 'a', more: Draft<RequestOf<typeof shareFetch>> & { acknowledge?: Batches } = {}) {
  const { acknowledge = [], ...rest } = more;
  const epoch = epochs.get(memberId) ?? 0;
  epochs.set(memberId, epoch + 1);
  const request = create(shareFetch, {
    groupId: 'g',
    memberId,
    shareSessionEpoch: epoch,
    maxRecords: 500,
    batchSize: 500,
    topics: asked(acknowledge),
    ...rest,
  });
  const { errorCode, responses, acquisitionLockTimeoutMs } = await transport.request(shareFetch, request);
  const [part] = responses.flatMap(({ partitions }) => partitions);
  return {
    error: errorName(errorCode || (part?.errorCode ?? 0)),
    acknowledgeError: errorName(part?.acknowledgeErrorCode ?? 0),
    lockMs: acquisitionLockTimeoutMs,
    acquired: (part?.acquiredRecords ?? []).map((each) => [each.firstOffset, each.lastOffset, each.deliveryCount]),
    records: part?.records ?? Buffer.alloc(0),
  };
}

async function acknowledge(
  batches: Batches,
  more: Draft<RequestOf<typeof shareAcknowledge>> & { memberId?: string } = {},
) {
  const memberId = more.memberId ?? 'a';
  const epoch = epochs.get(memberId)!;
  if (more.shareSessionEpoch === undefined) epochs.set(memberId, epoch + 1);
  const request = create(shareAcknowledge, {
    groupId: 'g',
    memberId,
    shareSessionEpoch: epoch,
    topics: asked(batches),
    ...more,
  });
  const { errorCode, responses } = await transport.request(shareAcknowledge, request);
  const part = responses[0]?.partitions[0];
  return [errorName(errorCode || (part?.errorCode ?? 0)), part?.errorMessage ?? null];
}

const FINE = ['NONE', null];

async function offsets() {
  const request = create(describeShareGroupOffsets, { groups: [{ groupId: 'g', topics: null }] });
  const { topics } = (await transport.request(describeShareGroupOffsets, request)).groups[0]!;
  const part = topics[0]?.partitions[0];
  return part === undefined ? undefined : [part.startOffset, part.lag];
}

const values = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);

describe('members', () => {
  test('all have something to read, each partition has a reader', async () => {
    expect(await beat('a', 2)).toMatchObject({ error: 'NONE', memberEpoch: 2, assignment: null });
    expect(await join('b')).toMatchObject({ memberEpoch: 3, assignment: { topicPartitions: [{ partitions: [0] }] } });
    const request = create(shareGroupDescribe, { groupIds: ['g', 'none'] });
    const [group, none] = (await transport.request(shareGroupDescribe, request)).groups;
    expect(group).toMatchObject({ groupState: 'Stable', groupEpoch: 3, assignorName: 'simple' });
    expect(group!.members.map(({ assignment }) => assignment.topicPartitions[0]!.topicName)).toEqual(['t', 't']);
    expect(none).toMatchObject({ errorCode: 69, errorMessage: 'Group none not found.' });
  });

  test('are fenced by their epochs, except by the one before', async () => {
    await join('b');
    expect(await beat('a', 2)).toMatchObject({ error: 'NONE', memberEpoch: 3 });
    expect(await beat('a', 2)).toMatchObject({ error: 'NONE', memberEpoch: 3 });
    const abandon = 'The member must abandon all its partitions and rejoin.';
    expect(await beat('a', 99)).toMatchObject({
      error: 'FENCED_MEMBER_EPOCH',
      errorMessage:
        'The share group member has a greater member epoch (99) than the one known by the group coordinator (3). ' +
        abandon,
    });
    expect(await beat('a', 1)).toMatchObject({
      errorMessage:
        'The share group member has a smaller member epoch (1) than the one known by the group coordinator (3), and it ' +
        `does not match the previous member epoch (2). ${abandon}`,
    });
    expect(await beat('nobody', 1)).toMatchObject({ errorMessage: 'Member nobody is not a member of group g.' });
    expect(await beat('a', 0)).toMatchObject({ errorMessage: 'SubscribedTopicNames must be set in first request.' });
    expect(await beat('a', -2)).toMatchObject({ errorMessage: 'MemberEpoch is invalid.' });
  });

  test('that leave or are not heard of are out', async () => {
    await join('b');
    expect(await beat('b', -1)).toMatchObject({ error: 'NONE', memberEpoch: -1 });
    clock.advance(45_001);
    const { groups } = await transport.request(listGroups, create(listGroups, { typesFilter: ['share'] }));
    expect(groups).toEqual([{ groupId: 'g', protocolType: 'share', groupState: 'Empty', groupType: 'share' }]);
  });

  test('of other protocols do not get in, nor they into other groups', async () => {
    const joining = { rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'], topicPartitions: [] };
    const consumer = create(consumerGroupHeartbeat, { groupId: 'g', memberId: 'c', ...joining });
    expect((await transport.request(consumerGroupHeartbeat, consumer)).errorMessage).toBe(
      'Group g is not a consumer group.',
    );
    await transport.request(consumerGroupHeartbeat, { ...consumer, groupId: 'other' });
    expect(await beat('a', 0, { groupId: 'other', subscribedTopicNames: ['t'] })).toMatchObject({
      error: 'GROUP_ID_NOT_FOUND',
      errorMessage: 'Group other is not a share group.',
    });
  });
});

describe('records', () => {
  test('are given to one member at a time, and done with when they are accepted', async () => {
    await join('b');
    await send(transport, 't', values(10));
    const given = await fetch();
    expect(given).toMatchObject({ error: 'NONE', lockMs: LOCK_MS, acquired: [[0, 9, 1]] });
    const cursor = new BatchCursor(given.records);
    expect([cursor.advance(), cursor.bytes.toString('utf8', cursor.valueStart, cursor.valueEnd)]).toEqual([true, 'v0']);
    expect(await fetch('b')).toMatchObject({ acquired: [] });
    expect(await offsets()).toEqual([0, 10]);
    expect(await acknowledge([[0, 3, accept]])).toEqual(FINE);
    expect(await offsets()).toEqual([4, 6]);
    // The answer may have been lost.
    expect(await acknowledge([[0, 3, accept]])).toEqual(FINE);
    expect(await acknowledge([[4, 6, accept, release, reject]])).toEqual(FINE);
    expect(await fetch('b')).toMatchObject({ acquired: [[5, 5, 2]] });
    const mine = 'Member is not the owner of the offset.';
    expect(await acknowledge([[5, 5, accept]])).toEqual(['INVALID_RECORD_STATE', mine]);
    expect(await fetch('b', { acknowledge: [[5, 5, accept]] })).toMatchObject({ acknowledgeError: 'NONE' });
    expect(await offsets()).toEqual([7, 3]);
  });

  test('come back when their time is over, as often as is allowed', async () => {
    await configure({ 'share.delivery.count.limit': '2' });
    await send(transport, 't', values(2));
    expect(await fetch()).toMatchObject({ acquired: [[0, 1, 1]] });
    clock.advance(LOCK_MS / 2);
    expect(await acknowledge([[0, 0, renew]], { isRenewAck: true })).toEqual(FINE);
    clock.advance(LOCK_MS / 2);
    expect(await fetch()).toMatchObject({ acquired: [[1, 1, 2]] });
    clock.advance(LOCK_MS / 2);
    expect(await fetch()).toMatchObject({ acquired: [[0, 0, 2]] });
    clock.advance(LOCK_MS);
    // Nobody gets them again.
    expect(await fetch()).toMatchObject({ acquired: [] });
    expect(await offsets()).toEqual([2, 0]);
  });

  test('that are waited for come when there are some, or when somebody gives them back', async () => {
    await join('b');
    // Requests of one connection wait for each other.
    const [first, second] = [transport, await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }))];
    const given = fetch('a', { maxWaitMs: 10_000 });
    await send(second, 't', values(1));
    expect(await given).toMatchObject({ acquired: [[0, 0, 1]] });
    transport = second;
    const waiting = fetch('b', { maxWaitMs: 10_000 });
    transport = first;
    expect(await acknowledge([[0, 0, release]])).toEqual(FINE);
    expect(await waiting).toMatchObject({ acquired: [[0, 0, 2]] });
  });

  test('are whole batches, or exactly as many as are wanted', async () => {
    await send(transport, 't', values(5));
    await send(transport, 't', values(5));
    expect(await fetch('a', { maxRecords: 3 })).toMatchObject({ acquired: [[0, 4, 1]] });
    const exact = { maxRecords: 3, shareAcquireMode: ShareAcquireMode.recordLimit };
    expect(await fetch('a', exact)).toMatchObject({ acquired: [[5, 7, 1]] });
    expect(await fetch('a', exact)).toMatchObject({ acquired: [[8, 9, 1]] });
  });

  test('are no more at a time than may be under way', async () => {
    await configure({ 'share.partition.max.record.locks': '100' });
    for (let i = 0; i < 5; i++) await send(transport, 't', values(40));
    expect(await fetch()).toMatchObject({
      acquired: [
        [0, 39, 1],
        [40, 79, 1],
        [80, 119, 1],
      ],
    });
    expect(await fetch()).toMatchObject({ acquired: [] });
    await acknowledge([[0, 39, accept]]);
    expect(await fetch()).toMatchObject({ acquired: [[120, 159, 1]] });
  });

  test.each<[string, Batches, string, string | null]>([
    ['a type that there is not', [[0, 0, 9]], 'INVALID_REQUEST', null],
    ['another number of types', [[0, 1, 1, 1, 1]], 'INVALID_REQUEST', null],
    ['no types', [[0, 1]], 'INVALID_REQUEST', null],
    ['an end before the beginning', [[1, 0, accept]], 'INVALID_REQUEST', null],
    ['renewing without saying so', [[0, 0, renew]], 'INVALID_REQUEST', null],
    [
      'what nobody was given',
      [[50, 51, accept]],
      'INVALID_REQUEST',
      'Batch record not found. The first offset in request is past acquired records.',
    ],
    [
      'an offset twice',
      [
        [0, 1, accept],
        [1, 2, accept],
      ],
      'INVALID_RECORD_STATE',
      'The offset cannot be acknowledged. The offset is not acquired.',
    ],
  ])('of which %s is said are as they were', async (_what, batches, error, message) => {
    await send(transport, 't', values(3));
    await fetch();
    expect(await acknowledge(batches)).toEqual([error, message]);
    expect(await acknowledge([[0, 2, accept]])).toEqual(FINE);
    expect(await offsets()).toEqual([3, 0]);
  });

  test('of transactions: markers never, aborted ones where only committed ones are wanted', async () => {
    await configure({ 'share.isolation.level': 'read_committed' });
    const client = createClient({ dial: async () => broker.connect() });
    const producer = client.producer({ transactionalId: 'x' });
    await producer.initTransactions();
    for (const isCommitted of [false, true]) {
      producer.beginTransaction();
      for (const value of values(2)) producer.enqueue('t', 0, null, Buffer.from(value), clock.now());
      await producer.flush();
      await (isCommitted ? producer.commitTransaction() : producer.abortTransaction());
    }
    await client.close();
    await expect.poll(async () => (await fetch()).acquired).toEqual([[3, 4, 1]]);
    expect(await acknowledge([[3, 4, accept]])).toEqual(FINE);
    await fetch();
    expect(await offsets()).toEqual([6, 0]);
  });
});

describe('sessions', () => {
  test('count their requests, and end when their member says so', async () => {
    await send(transport, 't', values(2));
    expect(await fetch('a', { shareSessionEpoch: 5 })).toMatchObject({ error: 'SHARE_SESSION_NOT_FOUND' });
    epochs.set('a', 0);
    expect(await fetch('a', { acknowledge: [[0, 0, accept]] })).toMatchObject({ error: 'INVALID_REQUEST' });
    epochs.set('a', 0);
    expect(await fetch()).toMatchObject({ acquired: [[0, 1, 1]] });
    expect(await fetch('a', { shareSessionEpoch: 7 })).toMatchObject({ error: 'INVALID_SHARE_SESSION_EPOCH' });
    epochs.set('a', 1);
    expect(await acknowledge([[0, 0, accept]], { shareSessionEpoch: -1 })).toEqual(FINE);
    expect(await fetch()).toMatchObject({ error: 'SHARE_SESSION_NOT_FOUND' });
    epochs.set('a', 0);
    // What it had and said nothing of is given back.
    expect(await fetch()).toMatchObject({ acquired: [[1, 1, 2]] });
  });

  test('end with their connections', async () => {
    await join('b');
    await send(transport, 't', values(1));
    const gone = await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }));
    const stays = transport;
    transport = gone;
    expect(await fetch()).toMatchObject({ acquired: [[0, 0, 1]] });
    gone.close();
    transport = stays;
    await expect.poll(async () => (await fetch('b')).acquired).toEqual([[0, 0, 2]]);
  });

  test('tell of partitions that there are not', async () => {
    const topics = [{ topicId: 'B'.repeat(21) + 'A', partitions: [{ partitionIndex: 0 }] }];
    expect(await fetch('a', { topics })).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' });
  });
});

describe('offsets', () => {
  const topicsAt = (startOffset: number) => [{ topicName: 't', partitions: [{ partitionIndex: 0, startOffset }] }];

  test('are set for, and forgotten by, groups without members', async () => {
    await send(transport, 't', values(10));
    await fetch();
    const alter = () =>
      transport.request(alterShareGroupOffsets, create(alterShareGroupOffsets, { groupId: 'g', topics: topicsAt(7) }));
    const forget = () => {
      const request = create(deleteShareGroupOffsets, {
        groupId: 'g',
        topics: [{ topicName: 't' }, { topicName: 'no' }],
      });
      return transport.request(deleteShareGroupOffsets, request);
    };
    expect(await alter()).toMatchObject({ errorCode: 68, errorMessage: 'The group is not empty.' });
    expect(await forget()).toMatchObject({ errorCode: 68, errorMessage: 'The group is not empty.' });
    await beat('a', -1);
    expect(await alter()).toMatchObject({ errorCode: 0, responses: [{ partitions: [{ errorCode: 0 }] }] });
    expect(await offsets()).toEqual([7, 3]);
    await join('b');
    expect(await fetch('b')).toMatchObject({ acquired: [[7, 9, 1]] });
    await beat('b', -1);
    const answer = await forget();
    expect(answer.responses.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    expect(await offsets()).toBeUndefined();
  });

  test('begin at the end, unless the group says otherwise', async () => {
    await configure({ 'share.auto.offset.reset': 'latest' });
    await send(transport, 't', values(2));
    expect(await fetch()).toMatchObject({ acquired: [] });
    expect(await offsets()).toEqual([2, 0]);
    await send(transport, 't', values(1));
    expect(await fetch()).toMatchObject({ acquired: [[2, 2, 1]] });
  });

  test('begin so long ago', async () => {
    await configure({ 'share.auto.offset.reset': 'by_duration:PT1M' });
    await send(transport, 't', [{ value: 'old', timestamp: clock.now() - 61_000 }]);
    await send(transport, 't', [{ value: 'new', timestamp: clock.now() - 59_000 }]);
    expect(await fetch()).toMatchObject({ acquired: [[1, 1, 1]] });
  });
});

test('what was decided survives a restart; what somebody had is given back', async () => {
  await send(transport, 't', values(10));
  await fetch();
  await acknowledge([
    [0, 1, accept],
    [2, 2, release],
    [4, 4, reject],
    [6, 6, gap],
  ]);
  for (let i = 0; i < 3; i++) {
    await fetch();
    await acknowledge([[2, 2, release]]);
  }
  expect(await offsets()).toEqual([2, 6]);
  await broker.close();
  await open();
  expect(await offsets()).toEqual([2, 6]);
  expect(await beat('a', 2)).toMatchObject({ error: 'NONE', memberEpoch: 2 });
  expect(await fetch()).toMatchObject({
    acquired: [
      [2, 2, 5],
      [3, 3, 2],
      [5, 5, 2],
      [7, 9, 2],
    ],
  });
  await beat('a', -1);
  const deleted = await transport.request(deleteGroups, create(deleteGroups, { groupsNames: ['g'] }));
  expect(deleted.results).toEqual([{ groupId: 'g', errorCode: 0 }]);
  await broker.close();
  await open();
  expect((await transport.request(listGroups, create(listGroups, {}))).groups).toEqual([]);
  await join('a');
  expect(await fetch()).toMatchObject({ acquired: [[0, 9, 1]] });
});

test('a group of that name that was deleted, with offsets of a transaction that was aborted, does not come back', async () => {
  const client = createClient({ dial: async () => broker.connect() });
  const producer = client.producer({ transactionalId: 'x' });
  await producer.initTransactions();
  producer.beginTransaction();
  await producer.sendOffsetsToTransaction([{ topic: 't', partition: 0, offset: 1 }], {
    groupId: 'late',
    generationId: -1,
    memberId: '',
    groupInstanceId: null,
  });
  await producer.abortTransaction();
  await client.admin().deleteGroups(['late']);
  await client.close();
  const { memberEpoch } = await beat('a', 0, { groupId: 'late', subscribedTopicNames: ['t'] });
  await broker.close();
  await open();
  expect(await beat('a', memberEpoch, { groupId: 'late' })).toMatchObject({ error: 'NONE', memberEpoch });
});

test('the journal of states does not grow without end', async () => {
  await broker.close();
  await open({ 'share.coordinator.snapshot.update.records.per.snapshot': 10 });
  const many = 1500;
  for (let i = 0; i < many; i++) {
    await send(transport, 't', ['x']);
    await fetch();
    await acknowledge([[i, i, accept]]);
  }
  const topics = [
    {
      name: '__share_group_state',
      partitions: [0, 1, 2, 3].map((partitionIndex) => ({ partitionIndex, timestamp: -2 })),
    },
  ];
  const starts = await transport.request(listOffsets, create(listOffsets, { topics }));
  expect(Math.max(...starts.topics[0]!.partitions.map(({ offset }) => offset))).toBeGreaterThan(1000);
  await broker.close();
  await open();
  expect((await offsets())![0]).toBe(many);
});

test('the assignor of share groups leaves no partition without a reader, and nobody idle', () => {
  const topics = ['A', 'B'].map((letter) => letter.repeat(22));
  const someMembers = fc.array(fc.subarray(topics), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.nat(4), fc.nat(4), someMembers, (a, b, read) => {
      const partitions = new Map([
        [topics[0]!, a],
        [topics[1]!, b],
      ]);
      const members = new Map<string, AssignorMember>(
        read.map((own, i) => [`m${i}`, { instanceId: null, topics: new Set(own), before: new Set() }]),
      );
      const assigned = simple({ members, partitions });
      for (const [id, own] of assigned) {
        const readable = [...members.get(id)!.topics].reduce((sum, topic) => sum + partitions.get(topic)!, 0);
        expect(own.size > 0).toBe(readable > 0);
        for (const key of own) expect(members.get(id)!.topics.has(topicIdOf(key))).toBe(true);
      }
      const covered = new Set([...assigned.values()].flatMap((own) => [...own]));
      const all = topics.filter((topic) => read.some((own) => own.includes(topic)));
      expect(covered.size).toBe(all.reduce((sum, topic) => sum + partitions.get(topic)!, 0));
      const again = simple({
        partitions,
        members: new Map([...members].map(([id, member]) => [id, { ...member, before: assigned.get(id)! }])),
      });
      expect(again).toEqual(assigned);
    }),
  );
});

describe('a partition of a share group', () => {
  type Step =
    | {
        readonly kind: 'acquire';
        readonly member: string;
        readonly batches: number;
        readonly max: number;
        readonly isExact: boolean;
      }
    | {
        readonly kind: 'acknowledge';
        readonly member: string;
        readonly from: number;
        readonly length: number;
        readonly type: number;
      }
    | { readonly kind: 'leave'; readonly member: string }
    | { readonly kind: 'wait'; readonly ms: number };

  const someMember = fc.constantFrom('a', 'b');
  const someStep: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      kind: fc.constant('acquire' as const),
      member: someMember,
      batches: fc.integer({ min: 1, max: 4 }),
      max: fc.integer({ min: 1, max: 12 }),
      isExact: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('acknowledge' as const),
      member: someMember,
      from: fc.nat(30),
      length: fc.integer({ min: 1, max: 6 }),
      type: fc.constantFrom(gap, accept, release, reject, renew),
    }),
    fc.record({ kind: fc.constant('leave' as const), member: someMember }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 100, max: 700 }) }),
  );

  interface Cell {
    state: number;
    count: number;
    owner?: string;
    deadline?: number;
  }

  test('is what one offset after the other would be; runs are in order, without gaps, and what is told rebuilds it', () => {
    const LIMIT = 3;
    const LOCK = 1000;
    fc.assert(
      fc.property(fc.array(someStep, { maxLength: 40 }), (steps) => {
        const time = new ManualEnvironment(0);
        const settings = { lockDurationMs: LOCK, deliveryCountLimit: LIMIT, maxRecordLocks: 25 };
        const told = new Map<number, Pick<Run, 'state' | 'count'>>();
        const partition = new SharePartition(
          time,
          () => settings,
          (runs) => {
            for (const { first, last, state, count } of runs) {
              for (let offset = first; offset <= last; offset++) told.set(offset, { state, count });
            }
          },
        );
        partition.begin(0);
        const cells: Cell[] = [];
        const behind = ({ count }: Cell): number => (count < LIMIT ? DeliveryState.available : DeliveryState.archived);
        const isDone = ({ state }: Cell): boolean =>
          state === DeliveryState.acknowledged || state === DeliveryState.archived;
        let start = 0;
        const moveStart = (): void => {
          while (start < cells.length && isDone(cells[start]!)) start++;
        };
        const giveBack = (isDue: (cell: Cell) => boolean): void => {
          for (const cell of cells) {
            if (cell.state !== DeliveryState.acquired || !isDue(cell)) continue;
            cell.state = behind(cell);
            delete cell.owner;
            delete cell.deadline;
          }
          moveStart();
        };
        for (const step of steps) {
          if (step.kind === 'acquire') {
            const at = partition.fetchOffset();
            if (at === undefined) continue;
            // Batches of five, the third of each four hidden.
            const batches = Array.from({ length: step.batches }, (_, i) => {
              const number = Math.floor(at / 5) + i;
              return { first: Math.max(at, number * 5), last: number * 5 + 4, isHidden: number % 4 === 2 };
            });
            partition.acquire(step.member, batches, { maxRecords: step.max, isExact: step.isExact });
            let left = step.max;
            for (const { first, last, isHidden } of batches) {
              if (left <= 0) break;
              if (last >= cells.length && cells.length - start < settings.maxRecordLocks) {
                while (cells.length <= last) {
                  cells.push({ state: isHidden ? DeliveryState.archived : DeliveryState.available, count: 0 });
                }
              }
              for (let offset = first; offset <= last && offset < cells.length; offset++) {
                const cell = cells[offset]!;
                if (cell.state !== DeliveryState.available || (step.isExact && left <= 0)) continue;
                if (isHidden) {
                  cell.state = DeliveryState.archived;
                  continue;
                }
                Object.assign(cell, { state: DeliveryState.acquired, owner: step.member, deadline: time.now() + LOCK });
                cell.count++;
                left--;
              }
            }
            moveStart();
          } else if (step.kind === 'acknowledge') {
            const [first, last] = [step.from, step.from + step.length - 1];
            const range = cells.slice(Math.max(first, start), last + 1);
            const isPast = last >= cells.length;
            const isOwn = range.every(({ state, owner }) => state === DeliveryState.acquired && owner === step.member);
            let error: string | undefined;
            try {
              const batch = { firstOffset: first, lastOffset: last, acknowledgeTypes: [step.type] };
              partition.acknowledge(step.member, [batch]);
            } catch (thrown) {
              error = codeOf(thrown);
            }
            expect(error).toBe(isPast ? 'INVALID_REQUEST' : isOwn ? undefined : 'INVALID_RECORD_STATE');
            if (error !== undefined) continue;
            for (const cell of range) {
              if (step.type === renew) {
                cell.deadline = time.now() + LOCK;
                continue;
              }
              if (step.type === release) cell.state = behind(cell);
              else cell.state = step.type === accept ? DeliveryState.acknowledged : DeliveryState.archived;
              delete cell.owner;
              delete cell.deadline;
            }
            moveStart();
          } else if (step.kind === 'leave') {
            partition.release(step.member);
            giveBack(({ owner }) => owner === step.member);
          } else {
            time.advance(step.ms);
            giveBack(({ deadline }) => deadline! <= time.now());
          }
          expect([partition.startOffset, partition.nextOffset]).toEqual([start, cells.length]);
          const flat = partition.runs.flatMap(({ first, last, state, count, owner }) =>
            Array.from({ length: last - first + 1 }, () => ({ state, count, owner })),
          );
          expect(flat).toEqual(cells.slice(start).map(({ state, count, owner }) => ({ state, count, owner })));
          let next = partition.startOffset;
          for (const { first, last } of partition.runs) {
            expect(first).toBe(next);
            next = last + 1;
          }
        }
        // From what was told, everything but who has what is there again.
        const known = [...told].map(([offset, { state, count }]) => ({ first: offset, last: offset, state, count }));
        const again = new SharePartition(
          time,
          () => settings,
          () => {},
        );
        again.begin(partition.startOffset, known);
        expect(again.startOffset).toBe(partition.startOffset);
        expect(again.completeCount).toBe(partition.completeCount);
        partition.stop();
      }),
      { numRuns: 300 },
    );
  });
});

test('who may not read a group or a topic gets nothing of it', async () => {
  await broker.close();
  await open({ 'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer' });
  const within = broker.connect();
  const allow = async (resourceType: number, resourceName: string, operation: number): Promise<void> => {
    const who = { principal: 'User:ANONYMOUS', host: '*', permissionType: AclPermission.ALLOW };
    const rule = { ...who, resourceType, resourceName, operation, resourcePatternType: AclPatternType.LITERAL };
    const { results } = await within.request(createAcls, create(createAcls, { creations: [rule] }));
    expect(results).toMatchObject([{ errorCode: 0 }]);
  };
  const { GROUP, TOPIC } = AclResourceType;
  expect(await join('b')).toMatchObject({ error: 'GROUP_AUTHORIZATION_FAILED' });
  expect(await fetch('b')).toMatchObject({ error: 'GROUP_AUTHORIZATION_FAILED' });
  await allow(GROUP, 'g', AclOperation.READ);
  expect(await join('b')).toMatchObject({ error: 'TOPIC_AUTHORIZATION_FAILED' });
  await allow(TOPIC, 't', AclOperation.DESCRIBE);
  expect(await join('b')).toMatchObject({ error: 'NONE' });
  await send(within, 't', values(1));
  epochs.set('b', 0);
  expect(await fetch('b')).toMatchObject({ error: 'TOPIC_AUTHORIZATION_FAILED', acquired: [] });
  await allow(TOPIC, 't', AclOperation.READ);
  expect(await fetch('b')).toMatchObject({ error: 'NONE', acquired: [[0, 0, 1]] });
  const forget = create(deleteShareGroupOffsets, { groupId: 'g', topics: [{ topicName: 't' }] });
  const refused = await transport.request(deleteShareGroupOffsets, forget);
  expect(errorName(refused.errorCode)).toBe('GROUP_AUTHORIZATION_FAILED');
});
