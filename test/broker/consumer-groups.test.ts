// Groups in the consumer protocol (KIP-848): who gets what when, who is fenced, what survives a restart, and classic members among
// them. Time stands still unless a test moves it. What is refused is told in the words of Apache Kafka 4.4.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import { type AssignorMember, range, uniform } from '../../src/broker/groups/assignors.ts';
import { byTopic, partitionKey } from '../../src/broker/groups/partition-sets.ts';
import { MemberState, NOTHING_OWNED, type Ownership, reconciled } from '../../src/broker/groups/reconciliation.ts';
import { decodeAssignment, encodeAssignment, encodeSubscription } from '../../src/client/assignors.ts';
import { dialTcp } from '../../src/client/dial.ts';
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  create,
  createAcls,
  createPartitions,
  deleteGroups,
  deleteTopics,
  describeGroups,
  errorName,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  metadata,
  offsetCommit,
  offsetFetch,
  type RequestOf,
  syncGroup,
  type Transport,
} from '../../src/protocol/index.ts';
import type { Draft } from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { createTopic, openBroker, temporaryDirectory } from './support.ts';

type Beat = Draft<RequestOf<typeof consumerGroupHeartbeat>>;

const SESSION_MS = 45_000;
const REBALANCE_MS = 10_000;
/** Assignments are at least so far apart. */
const INTERVAL_MS = 1000;

let clock: ManualEnvironment;
let dataDir: string;
let broker: Broker;
let transport: Transport;

beforeEach(async () => {
  clock = new ManualEnvironment(1_000_000);
  dataDir = temporaryDirectory();
  await open();
  await createTopic(transport, 't', 3);
});

async function open(settings: Record<string, string | number> = {}): Promise<void> {
  const given = { 'group.initial.rebalance.delay.ms': 0, 'offsets.topic.num.partitions': 4, ...settings };
  broker = await openBroker({ dataDir, environment: clock, settings: given });
  transport = await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }));
}

async function beat(memberId: string, memberEpoch: number, more: Beat = {}) {
  const request = create(consumerGroupHeartbeat, { groupId: 'g', memberId, memberEpoch, ...more });
  const { errorCode, errorMessage, assignment, ...answer } = await transport.request(consumerGroupHeartbeat, request);
  return {
    ...answer,
    error: errorName(errorCode),
    errorMessage,
    assigned: assignment?.topicPartitions.flatMap(({ partitions }) => partitions),
  };
}

const joining = { rebalanceTimeoutMs: REBALANCE_MS, subscribedTopicNames: ['t'], topicPartitions: [] };

function join(memberId: string, more: Beat = {}) {
  return beat(memberId, 0, { ...joining, ...more });
}

async function describeGroup(groupId = 'g') {
  const answer = await transport.request(consumerGroupDescribe, create(consumerGroupDescribe, { groupIds: [groupId] }));
  return answer.groups[0]!;
}

/** As a member says what it has. */
async function owning(...partitions: number[]): Promise<Beat> {
  return { topicPartitions: [{ topicId: await topicId(), partitions }] };
}

let knownId: string | undefined;
beforeEach(() => {
  knownId = undefined;
});

async function topicId(): Promise<string> {
  if (knownId !== undefined) return knownId;
  await join('finder', { groupId: 'other' });
  const { members } = await describeGroup('other');
  knownId = members[0]!.assignment.topicPartitions[0]!.topicId;
  return knownId;
}

describe('members', () => {
  test('come one after the other: who has a partition gives it up before another gets it', async () => {
    expect(await join('a')).toMatchObject({ error: 'NONE', memberEpoch: 2, assigned: [0, 1, 2] });
    clock.advance(INTERVAL_MS);
    const b = await join('b');
    expect(b).toMatchObject({ memberEpoch: 3, assigned: [] });
    expect(await beat('b', 3)).toMatchObject({ memberEpoch: 3, assigned: undefined });
    // It is told what to keep, in its old epoch, as long as it says nothing, or that it still has it.
    expect(await beat('a', 2)).toMatchObject({ memberEpoch: 2, assigned: [0, 1] });
    expect(await beat('a', 2, await owning(0, 1, 2))).toMatchObject({ memberEpoch: 2, assigned: undefined });
    expect(await beat('b', 3)).toMatchObject({ assigned: undefined });
    expect(await describeGroup()).toMatchObject({ groupState: 'Reconciling', groupEpoch: 3, assignmentEpoch: 3 });
    expect(await beat('a', 2, await owning(0, 1))).toMatchObject({ memberEpoch: 3, assigned: undefined });
    expect(await beat('b', 3)).toMatchObject({ assigned: [2] });
    expect(await describeGroup()).toMatchObject({ groupState: 'Stable', assignorName: 'uniform' });
  });

  test('that come within the interval of assignments get theirs with a later heartbeat', async () => {
    await join('a');
    expect(await join('b')).toMatchObject({ memberEpoch: 2, assigned: [] });
    expect(await describeGroup()).toMatchObject({ groupState: 'Assigning', groupEpoch: 3, assignmentEpoch: 2 });
    expect(await beat('a', 2)).toMatchObject({ assigned: undefined });
    clock.advance(INTERVAL_MS);
    expect(await beat('a', 2)).toMatchObject({ assigned: [0, 1] });
  });

  test('that leave give what they had to the others', async () => {
    await join('a');
    clock.advance(INTERVAL_MS);
    await join('b');
    await beat('a', 2, await owning(0, 1));
    expect(await beat('b', 3)).toMatchObject({ assigned: [2] });
    clock.advance(INTERVAL_MS);
    expect(await beat('a', -1)).toMatchObject({ error: 'NONE', memberEpoch: -1 });
    expect(await beat('b', 3)).toMatchObject({ memberEpoch: 4, assigned: [0, 1, 2] });
    expect(await beat('a', 3)).toMatchObject({
      error: 'UNKNOWN_MEMBER_ID',
      errorMessage: 'Member a is not a member of group g.',
    });
  });

  test('that are not heard of within the session are out', async () => {
    await join('a');
    clock.advance(SESSION_MS - 1);
    expect((await describeGroup()).members).toHaveLength(1);
    clock.advance(2);
    expect(await describeGroup()).toMatchObject({ groupState: 'Empty', members: [] });
  });

  test('that do not give up in time are out', async () => {
    await join('a');
    clock.advance(INTERVAL_MS);
    await join('b');
    await beat('a', 2);
    clock.advance(REBALANCE_MS - 1);
    await beat('b', 3);
    expect(await beat('a', 2)).toMatchObject({ error: 'NONE' });
    clock.advance(1);
    expect(await beat('a', 2)).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' });
    expect(await beat('b', 3)).toMatchObject({ memberEpoch: 4, assigned: [0, 1, 2] });
  });

  test('are fenced by their epochs, except where an answer may have been lost', async () => {
    const abandon = 'The member must abandon all its partitions and rejoin.';
    await join('a');
    expect(await beat('a', 99)).toMatchObject({
      error: 'FENCED_MEMBER_EPOCH',
      errorMessage:
        'The consumer group member has a greater member epoch (99) than the one known by the group coordinator (2). ' +
        abandon,
    });
    clock.advance(INTERVAL_MS);
    await join('b');
    await beat('a', 2);
    await beat('a', 2, await owning(0, 1));
    expect(await beat('a', 2, await owning(1))).toMatchObject({ error: 'NONE', memberEpoch: 3 });
    const smaller = 'has a smaller member epoch (2) than the one known by the group coordinator (3).';
    expect(await beat('a', 2, await owning(1, 2))).toMatchObject({
      error: 'FENCED_MEMBER_EPOCH',
      errorMessage: `The consumer group member ${smaller} ${abandon}`,
    });
    expect(await beat('a', 2)).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' });
    expect(await join('a')).toMatchObject({ error: 'NONE', memberEpoch: 3, assigned: [0, 1] });
  });

  test('follow topics that grow, go, and come', async () => {
    await join('a', { subscribedTopicNames: ['t', 'later'] });
    const more = { topics: [{ name: 't', count: 4 }], timeoutMs: 1000 };
    await transport.request(createPartitions, create(createPartitions, more));
    clock.advance(INTERVAL_MS);
    expect(await beat('a', 2)).toMatchObject({ memberEpoch: 3, assigned: [0, 1, 2, 3] });
    await createTopic(transport, 'later', 1);
    clock.advance(INTERVAL_MS);
    expect((await beat('a', 3)).assigned).toHaveLength(5);
    await transport.request(deleteTopics, create(deleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 }));
    clock.advance(INTERVAL_MS);
    // It has to give up what is gone, too.
    expect(await beat('a', 4)).toMatchObject({ memberEpoch: 4, assigned: [0] });
    expect(await beat('a', 4, { topicPartitions: [] })).toMatchObject({ memberEpoch: 5 });
  });

  test('subscribe to a pattern, which the broker looks up', async () => {
    const patterned = { subscribedTopicNames: null, subscribedTopicRegex: 't|x-.*' };
    expect(await join('a', patterned)).toMatchObject({ assigned: [0, 1, 2] });
    await createTopic(transport, 'x-1', 1);
    await createTopic(transport, 'not-x-1', 1);
    clock.advance(INTERVAL_MS);
    expect((await beat('a', 2)).assigned).toHaveLength(4);
    expect((await describeGroup()).members[0]).toMatchObject({ subscribedTopicRegex: 't|x-.*' });
    expect(await join('b', { ...patterned, subscribedTopicRegex: '(' })).toMatchObject({
      error: 'INVALID_REGULAR_EXPRESSION',
      errorMessage: 'SubscribedTopicRegex `(` is not a valid regular expression: missing closing ).',
    });
  });

  test('are no more than a group may have', async () => {
    await broker.close();
    await open({ 'group.consumer.max.size': 1 });
    await join('a');
    expect(await join('b')).toMatchObject({
      error: 'GROUP_MAX_SIZE_REACHED',
      errorMessage: 'The consumer group has reached its maximum capacity of 1 members.',
    });
    expect(await join('a')).toMatchObject({ error: 'NONE' });
  });
});

describe('static members', () => {
  const asOne = { instanceId: 'one' };

  test('go for a while and find what they had', async () => {
    await join('a', asOne);
    clock.advance(INTERVAL_MS);
    await join('b');
    await beat('a', 2, { ...asOne, ...(await owning(0, 1)) });
    await beat('b', 3);
    expect(await beat('a', -2, asOne)).toMatchObject({ error: 'NONE', memberEpoch: -2 });
    expect(await beat('a', 3, asOne)).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' });
    expect(await join('again', asOne)).toMatchObject({ error: 'NONE', memberEpoch: 3, assigned: [0, 1] });
    // Nobody else has heard of it.
    expect(await beat('b', 3)).toMatchObject({ memberEpoch: 3, assigned: undefined });
    expect(await beat('a', 3, asOne)).toMatchObject({
      error: 'FENCED_INSTANCE_ID',
      errorMessage: 'Static member a with instance id one was fenced by member again.',
    });
    expect(await beat('again', 3, { instanceId: 'two' })).toMatchObject({
      error: 'UNKNOWN_MEMBER_ID',
      errorMessage: 'Instance id two is unknown.',
    });
  });

  test('do not let others have their instance id while they are there', async () => {
    await join('a', asOne);
    const why = 'cannot join the group because the instance id is owned by a member.';
    expect(await join('b', asOne)).toMatchObject({
      error: 'UNRELEASED_INSTANCE_ID',
      errorMessage: `Static member b with instance id one ${why}`,
    });
    expect((await describeGroup()).members).toHaveLength(1);
    await beat('a', -1, asOne);
    expect(await join('b', asOne)).toMatchObject({ error: 'NONE', assigned: [0, 1, 2] });
  });

  test('that do not come back within the session are out', async () => {
    await join('a', asOne);
    await beat('a', -2, asOne);
    clock.advance(SESSION_MS + 1);
    expect(await describeGroup()).toMatchObject({ groupState: 'Empty' });
  });
});

test.each<[string, Beat, string, string]>([
  ['no member id', { memberId: '' }, 'INVALID_REQUEST', "MemberId can't be empty."],
  ['no group id', { groupId: '' }, 'INVALID_REQUEST', "GroupId can't be empty."],
  ['an empty instance id', { instanceId: '' }, 'INVALID_REQUEST', "InstanceId can't be empty."],
  ['an empty rack', { rackId: '' }, 'INVALID_REQUEST', "RackId can't be empty."],
  [
    'no time-out',
    { rebalanceTimeoutMs: -1 },
    'INVALID_REQUEST',
    'RebalanceTimeoutMs must be provided in first request.',
  ],
  ['not what it has', { topicPartitions: null }, 'INVALID_REQUEST', 'TopicPartitions must be empty when (re-)joining.'],
  [
    'not what it reads',
    { subscribedTopicNames: null },
    'INVALID_REQUEST',
    'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
  ],
  ['an epoch that there is not', { memberEpoch: -3 }, 'INVALID_REQUEST', 'MemberEpoch is invalid.'],
  ['that it goes for a while, without a name', { memberEpoch: -2 }, 'INVALID_REQUEST', "InstanceId can't be null."],
  [
    'an assignor that there is not',
    { serverAssignor: 'foo' },
    'UNSUPPORTED_ASSIGNOR',
    'ServerAssignor foo is not supported. Supported assignors: uniform, range.',
  ],
  ['that it is in a group that there is not', { memberEpoch: 3 }, 'GROUP_ID_NOT_FOUND', 'Consumer group g not found.'],
  ['that it leaves a group that there is not', { memberEpoch: -1 }, 'GROUP_ID_NOT_FOUND', 'Group g not found.'],
])('a member that says %s is refused', async (_what, said, error, errorMessage) => {
  expect(await beat('a', 0, { ...joining, ...said })).toMatchObject({ error, errorMessage });
  const { groups } = await transport.request(listGroups, create(listGroups, {}));
  expect(groups).toEqual([]);
});

describe('offsets', () => {
  async function commit(memberId: string, epoch: number, partition = 0) {
    const partitions = [{ partitionIndex: partition, committedOffset: 1 }];
    const topics = [{ name: 't', topicId: await topicId(), partitions }];
    const request = create(offsetCommit, { groupId: 'g', memberId, generationIdOrMemberEpoch: epoch, topics });
    const answer = await transport.request(offsetCommit, request);
    return errorName(answer.topics[0]!.partitions[0]!.errorCode);
  }

  async function fetchAs(memberId: string | null, memberEpoch: number) {
    const request = create(offsetFetch, { groups: [{ groupId: 'g', memberId, memberEpoch, topics: null }] });
    return errorName((await transport.request(offsetFetch, request)).groups[0]!.errorCode);
  }

  test('are committed by members in their epoch, or in one since which they have had the partition', async () => {
    await join('a');
    clock.advance(INTERVAL_MS);
    await join('b');
    await beat('a', 2);
    await beat('a', 2, await owning(0, 1));
    await beat('b', 3);
    expect(await commit('a', 3)).toBe('NONE');
    expect(await commit('a', 2)).toBe('NONE');
    expect(await commit('a', 1)).toBe('STALE_MEMBER_EPOCH');
    expect(await commit('a', 2, 2)).toBe('STALE_MEMBER_EPOCH');
    expect(await commit('b', 2, 2)).toBe('STALE_MEMBER_EPOCH');
    expect(await commit('a', 99)).toBe('STALE_MEMBER_EPOCH');
    expect(await commit('nobody', 3)).toBe('UNKNOWN_MEMBER_ID');
    expect(await commit('', -1)).toBe('UNKNOWN_MEMBER_ID');
    expect(await fetchAs('a', 3)).toBe('NONE');
    expect(await fetchAs(null, -1)).toBe('NONE');
    expect(await fetchAs('a', 2)).toBe('STALE_MEMBER_EPOCH');
    expect(await fetchAs('nobody', 3)).toBe('UNKNOWN_MEMBER_ID');
  });

  test('of a group that becomes a consumer group stay', async () => {
    expect(await commit('', -1)).toBe('NONE');
    await join('a');
    const request = create(offsetFetch, { groups: [{ groupId: 'g', topics: null }] });
    const { topics } = (await transport.request(offsetFetch, request)).groups[0]!;
    expect(topics[0]!.partitions[0]).toMatchObject({ partitionIndex: 0, committedOffset: 1 });
  });
});

test('a group survives a restart with its epochs, its members and what they have', async () => {
  await join('a', { instanceId: 'a-first', serverAssignor: 'range' });
  clock.advance(INTERVAL_MS);
  await join('b');
  await beat('a', 2, await owning(0, 1));
  const before = await describeGroup();
  await broker.close();
  await open();
  expect(await describeGroup()).toEqual(before);
  expect(await beat('b', 3)).toMatchObject({ memberEpoch: 3, assigned: [2] });
  clock.advance(SESSION_MS + 1);
  expect(await describeGroup()).toMatchObject({ groupState: 'Empty' });
  await broker.close();
  await open();
  expect(await describeGroup()).toMatchObject({ groupState: 'Empty' });
  await transport.request(deleteGroups, create(deleteGroups, { groupsNames: ['g', 'other'] }));
  await broker.close();
  await open();
  expect((await transport.request(listGroups, create(listGroups, {}))).groups).toEqual([]);
});

test('members within the process end with it', async () => {
  const within = broker.connect();
  const request = create(consumerGroupHeartbeat, { groupId: 'g', memberId: 'a', ...joining });
  expect((await within.request(consumerGroupHeartbeat, request)).memberEpoch).toBe(2);
  await broker.close();
  await open();
  expect(await describeGroup()).toMatchObject({ groupState: 'Empty', groupEpoch: 3 });
});

test('administrators see the type, and are told when they ask for another', async () => {
  await join('a');
  const list = (filter: Draft<RequestOf<typeof listGroups>>) =>
    transport.request(listGroups, create(listGroups, filter)).then(({ groups }) => groups);
  expect(await list({ typesFilter: ['Consumer'] })).toEqual([
    { groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
  ]);
  expect(await list({ typesFilter: ['classic'] })).toEqual([]);
  expect(await list({ statesFilter: ['empty'] })).toEqual([]);
  const classic = await transport.request(describeGroups, create(describeGroups, { groups: ['g'] }));
  expect(classic.groups[0]).toMatchObject({ errorCode: 69, errorMessage: 'Group g is not a classic group.' });
  const deleted = await transport.request(deleteGroups, create(deleteGroups, { groupsNames: ['g'] }));
  expect(errorName(deleted.results[0]!.errorCode)).toBe('NON_EMPTY_GROUP');
});

describe('classic members among them', () => {
  /** The id that the group has given. */
  let id = '';
  const subscription = (...owned: number[]): Buffer =>
    encodeSubscription(
      ['t'],
      undefined,
      owned.map((partition) => ({ topic: 't', partition })),
    );

  async function joinClassic(memberId: string, owned: number[] = []) {
    const request = create(joinGroup, {
      groupId: 'g',
      memberId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: REBALANCE_MS,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(...owned) }],
    });
    const answer = await transport.request(joinGroup, request);
    if (errorName(answer.errorCode) !== 'MEMBER_ID_REQUIRED') return answer;
    id = answer.memberId;
    return transport.request(joinGroup, { ...request, memberId: id });
  }

  const CHOSEN = { protocolType: 'consumer', protocolName: 'range' };

  async function sync(generationId: number, assignments: { memberId: string; assignment: Buffer }[] = []) {
    const request = create(syncGroup, { groupId: 'g', memberId: id, generationId, ...CHOSEN, assignments });
    const { errorCode, assignment } = await transport.request(syncGroup, request);
    return errorCode === 0 ? decodeAssignment(assignment).partitions : errorName(errorCode);
  }

  async function beatClassic(generationId: number) {
    const request = create(heartbeat, { groupId: 'g', memberId: id, generationId });
    return errorName((await transport.request(heartbeat, request)).errorCode);
  }

  /** A classic group with one member that has everything. */
  async function classicGroup(): Promise<void> {
    const { generationId } = await joinClassic('');
    const all = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
    await sync(generationId, [{ memberId: id, assignment: encodeAssignment({ partitions: all }) }]);
  }

  test('join, are told to join again, and get their part', async () => {
    await join('a');
    clock.advance(INTERVAL_MS);
    const joined = await joinClassic('');
    expect(joined).toMatchObject({ errorCode: 0, generationId: 3, protocolName: 'range', leader: '', members: [] });
    expect(await sync(3)).toEqual([]);
    expect(await beatClassic(3)).toBe('NONE');
    expect(await beat('a', 2)).toMatchObject({ assigned: [0, 1] });
    expect(await beatClassic(3)).toBe('NONE');
    await beat('a', 2, await owning(0, 1));
    expect(await beatClassic(3)).toBe('REBALANCE_IN_PROGRESS');
    expect((await joinClassic(id)).generationId).toBe(3);
    expect(await sync(3)).toEqual([{ topic: 't', partition: 2 }]);
    expect(await beatClassic(3)).toBe('NONE');
    expect(await beatClassic(2)).toBe('ILLEGAL_GENERATION');
    const { members } = await describeGroup();
    expect(members.map(({ memberType }) => memberType)).toEqual([1, 0]);
  });

  test('that do not sync or join again in time are out', async () => {
    await join('a');
    clock.advance(INTERVAL_MS);
    await joinClassic('');
    clock.advance(REBALANCE_MS);
    expect(await sync(3)).toBe('UNKNOWN_MEMBER_ID');
    await joinClassic('');
    const { members } = await describeGroup();
    expect(members).toHaveLength(2);
  });

  test('a classic group becomes a consumer group, and nobody has to stop', async () => {
    await classicGroup();
    clock.advance(INTERVAL_MS);
    expect(await join('a')).toMatchObject({ error: 'NONE', memberEpoch: 2, assigned: [] });
    expect(await describeGroup()).toMatchObject({ groupState: 'Reconciling', groupEpoch: 2 });
    expect(await beatClassic(1)).toBe('REBALANCE_IN_PROGRESS');
    // It comes as a cooperative member does: with all it has, told what to keep, and again without the rest.
    expect(await joinClassic(id, [0, 1, 2])).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(await sync(1)).toHaveLength(2);
    expect(await beatClassic(1)).toBe('REBALANCE_IN_PROGRESS');
    expect(await joinClassic(id, [0, 1])).toMatchObject({ errorCode: 0, generationId: 2 });
    expect(await sync(2)).toHaveLength(2);
    expect((await beat('a', 2)).assigned).toHaveLength(1);
    expect(await describeGroup()).toMatchObject({ groupState: 'Stable' });
  });

  test('go on as a classic group when the last of the others leaves, also behind a restart', async () => {
    await classicGroup();
    await join('a');
    await joinClassic(id, []);
    await beat('a', -1);
    expect(await beatClassic(2)).toBe('REBALANCE_IN_PROGRESS');
    await broker.close();
    await open();
    const described = await transport.request(describeGroups, create(describeGroups, { groups: ['g'] }));
    expect(described.groups[0]).toMatchObject({ errorCode: 0, protocolType: 'consumer', members: [{ memberId: id }] });
    expect(await describeGroup()).toMatchObject({ errorMessage: 'Group g is not a consumer group.' });
    expect(await joinClassic(id)).toMatchObject({ errorCode: 0, leader: id, generationId: 3 });
  });

  test('are taken out by administrators, whatever they speak', async () => {
    await join('a');
    await joinClassic('');
    const members = [{ memberId: id }, { memberId: 'a' }, { memberId: 'nobody' }];
    const answer = await transport.request(leaveGroup, create(leaveGroup, { groupId: 'g', members }));
    expect(answer.members.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'NONE', 'UNKNOWN_MEMBER_ID']);
    expect(await describeGroup()).toMatchObject({ groupState: 'Empty' });
    // A classic member begins it anew.
    expect(await joinClassic('')).toMatchObject({ errorCode: 0, leader: id });
  });

  test('are not joined by others where the policy forbids it', async () => {
    await broker.close();
    await open({ 'group.consumer.migration.policy': 'disabled' });
    await classicGroup();
    expect(await join('a')).toMatchObject({
      error: 'GROUP_ID_NOT_FOUND',
      errorMessage: 'Cannot upgrade classic group g to consumer group because online upgrade is disabled.',
    });
    expect(await beatClassic(1)).toBe('NONE');
  });
});

describe('assignors', () => {
  const topics = ['A', 'B', 'C'].map((letter) => letter.repeat(22));
  const someGroup = fc.record({
    counts: fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7)),
    members: fc.array(fc.tuple(fc.subarray(topics), fc.array(fc.tuple(fc.constantFrom(...topics), fc.nat(7)))), {
      minLength: 1,
      maxLength: 6,
    }),
  });
  type SomeGroup = typeof someGroup extends fc.Arbitrary<infer T> ? T : never;

  function inputOf({ counts, members }: SomeGroup) {
    const partitions = new Map(topics.map((topic, i) => [topic, counts[i]!]));
    const given = new Map<string, AssignorMember>(
      members.map(([read, had], i) => {
        const before = new Set(had.map(([topic, index]) => partitionKey(topic, index)));
        return [`m${i}`, { instanceId: null, topics: new Set(read), before }];
      }),
    );
    return { members: given, partitions };
  }

  test.each([
    ['uniform', uniform],
    ['range', range],
  ] as const)('%s gives each partition that is read to one reader', (_name, assignor) => {
    fc.assert(
      fc.property(someGroup, (group) => {
        const input = inputOf(group);
        const taken = new Set<string>();
        for (const [id, partitions] of assignor(input)) {
          for (const { topicId, partitions: indexes } of byTopic(partitions)) {
            expect(input.members.get(id)!.topics.has(topicId)).toBe(true);
            for (const index of indexes) {
              expect(index).toBeLessThan(input.partitions.get(topicId)!);
              expect(taken.size).toBeLessThan(taken.add(partitionKey(topicId, index)).size);
            }
          }
        }
        const read = new Set(group.members.flatMap(([subscribed]) => subscribed));
        const all = topics.reduce((sum, topic, i) => sum + (read.has(topic) ? group.counts[i]! : 0), 0);
        expect(taken.size).toBe(all);
      }),
    );
  });

  test('uniform: nobody has two more than somebody who could read one of them; assigned again, nothing moves', () => {
    fc.assert(
      fc.property(someGroup, (group) => {
        const input = inputOf(group);
        const first = uniform(input);
        for (const partitions of first.values()) {
          for (const { topicId } of byTopic(partitions)) {
            for (const [id, { topics: read }] of input.members) {
              if (read.has(topicId)) expect(partitions.size - first.get(id)!.size).toBeLessThan(2);
            }
          }
        }
        const members = new Map([...input.members].map(([id, member]) => [id, { ...member, before: first.get(id)! }]));
        expect(uniform({ ...input, members })).toEqual(first);
      }),
    );
  });

  test('range: neighbours, the same of topics with equally many', () => {
    const member = { instanceId: null, topics: new Set(topics), before: new Set<string>() };
    const assigned = range({
      members: new Map([
        ['b', member],
        ['a', member],
      ]),
      partitions: new Map([
        [topics[0]!, 3],
        [topics[1]!, 3],
      ]),
    });
    expect(byTopic(assigned.get('a')!).map(({ partitions }) => partitions)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(byTopic(assigned.get('b')!).map(({ partitions }) => partitions)).toEqual([[2], [2]]);
  });
});

test('nobody ever has a partition that another has not given up, and all come to rest', () => {
  const all = Array.from({ length: 4 }, (_, index) => partitionKey('T'.repeat(22), index));
  const someSteps = fc.array(fc.record({ member: fc.nat(2), obeys: fc.boolean(), rebalance: fc.boolean() }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(someSteps, fc.array(fc.nat(2), { minLength: 64, maxLength: 64 }), (steps, dice) => {
      let epoch = 1;
      let target = new Map(all.map((key, i) => [key, dice[i]! % 3]));
      const members: Ownership[] = [NOTHING_OWNED, NOTHING_OWNED, NOTHING_OWNED];
      const owned = members.map(() => new Set<string>());
      const step = (member: number, obeys: boolean): void => {
        const isTaken = (key: string): boolean =>
          members.some((other, i) => i !== member && (other.assigned.has(key) || other.revoking.has(key)));
        members[member] = reconciled(members[member]!, {
          targetEpoch: epoch,
          target: new Set(all.filter((key) => target.get(key) === member)),
          isTaken,
          owned: owned[member]!,
          isUnwanted: () => false,
        });
        const { assigned } = members[member];
        // It hears the answer: it gives up what is not its own any more, and takes what is.
        if (obeys) owned[member] = new Set(assigned.keys());
        for (const key of all) {
          const readers = owned.filter((has, i) => has.has(key) && members[i]!.assigned.has(key));
          expect(readers.length).toBeLessThan(2);
        }
      };
      for (const [at, { member, obeys, rebalance }] of steps.entries()) {
        if (rebalance) {
          epoch++;
          target = new Map(all.map((key, i) => [key, dice[(at + i * 7) % dice.length]! % 3]));
        }
        step(member, obeys);
      }
      for (let round = 0; round < 12; round++) for (const member of [0, 1, 2]) step(member, true);
      for (const [i, { assigned, state }] of members.entries()) {
        expect(state).toBe(MemberState.stable);
        expect([...assigned.keys()].sort()).toEqual(all.filter((key) => target.get(key) === i).sort());
      }
    }),
  );
});

test('a pattern finds only topics that its member may see', async () => {
  await broker.close();
  await open({ 'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer' });
  const within = broker.connect();
  const allow = async (resourceType: number, resourceName: string, operation: number): Promise<void> => {
    const who = { principal: 'User:ANONYMOUS', host: '*', permissionType: AclPermission.ALLOW };
    const rule = { ...who, resourceType, resourceName, operation, resourcePatternType: AclPatternType.LITERAL };
    await within.request(createAcls, create(createAcls, { creations: [rule] }));
  };
  const outside = await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }));
  await createTopic(within, 'seen', 1);
  await createTopic(within, 'secret', 1);
  await allow(AclResourceType.GROUP, 'g', AclOperation.READ);
  await allow(AclResourceType.TOPIC, 'seen', AclOperation.DESCRIBE);
  const request = create(consumerGroupHeartbeat, {
    groupId: 'g',
    memberId: 'm',
    memberEpoch: 0,
    rebalanceTimeoutMs: REBALANCE_MS,
    subscribedTopicRegex: 'se.*',
    topicPartitions: [],
  });
  const { errorCode, assignment } = await outside.request(consumerGroupHeartbeat, request);
  expect(errorCode).toBe(0);
  const known = await within.request(metadata, create(metadata, { topics: [{ name: 'seen' }] }));
  expect(assignment!.topicPartitions).toEqual([{ topicId: known.topics[0]!.topicId, partitions: [0] }]);
  outside.close();
});
