// Streams groups (KIP-1071): what a topology means with the topics that there are, who runs which task, what survives a restart. Time
// stands still unless a test moves it.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import { sticky, type StreamsAssignorMember } from '../../src/broker/groups/streams-assignor.ts';
import { roleOf, type TaskKey, taskOf } from '../../src/broker/groups/streams-tasks.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { createClient } from '../../src/client/index.ts';
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  consumerGroupHeartbeat,
  create,
  createAcls,
  deleteGroups,
  describeConfigs,
  type Draft,
  errorName,
  incrementalAlterConfigs,
  listGroups,
  metadata,
  offsetCommit,
  type RequestOf,
  ResourceType,
  streamsGroupDescribe,
  streamsGroupHeartbeat,
  StreamsStatus,
  type Transport,
} from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { createTopic, openBroker, temporaryDirectory } from './support.ts';

type Beat = Draft<RequestOf<typeof streamsGroupHeartbeat>>;
type Topology = NonNullable<RequestOf<typeof streamsGroupHeartbeat>['topology']>;

const HEARTBEAT_MS = 5000;
const SESSION_MS = 45_000;
const DELAY_MS = 3000;

let clock: ManualEnvironment;
let dataDir: string;
let broker: Broker;
let transport: Transport;

beforeEach(async () => {
  clock = new ManualEnvironment(1_000_000);
  dataDir = temporaryDirectory();
  await open();
});

async function open(settings: Record<string, string | number> = {}): Promise<void> {
  const quick = { 'group.streams.assignment.interval.ms': 0, 'group.streams.initial.rebalance.delay.ms': 0 };
  const given = { 'offsets.topic.num.partitions': 4, ...quick, ...settings };
  broker = await openBroker({ dataDir, environment: clock, settings: given });
  transport = await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }));
}

const info = (name: string, partitions = 0) => ({ name, partitions, replicationFactor: 0, topicConfigs: [] });

/** A word count: `in` → repartition topic → counts with a changelog. */
function wordCount(epoch = 0): Topology {
  const none = { sourceTopicRegex: [], stateChangelogTopics: [], repartitionSinkTopics: [], copartitionGroups: [] };
  return {
    epoch,
    subtopologies: [
      {
        ...none,
        subtopologyId: '0',
        sourceTopics: ['in'],
        repartitionSinkTopics: ['app-repartition'],
        repartitionSourceTopics: [],
      },
      {
        ...none,
        subtopologyId: '1',
        sourceTopics: [],
        stateChangelogTopics: [
          { ...info('app-changelog'), topicConfigs: [{ key: 'cleanup.policy', value: 'compact' }] },
        ],
        repartitionSourceTopics: [info('app-repartition')],
      },
    ],
  };
}

async function beat(memberId: string, memberEpoch: number, more: Beat = {}) {
  const request = create(streamsGroupHeartbeat, { groupId: 'g', memberId, memberEpoch, ...more });
  const answer = await transport.request(streamsGroupHeartbeat, request);
  return { ...answer, error: errorName(answer.errorCode), codes: (answer.status ?? []).map((each) => each.statusCode) };
}

const NO_TASKS = { activeTasks: [], standbyTasks: [], warmupTasks: [] };

const join = (memberId: string, more: Beat = {}) =>
  beat(memberId, 0, {
    rebalanceTimeoutMs: 60_000,
    processId: `process-${memberId}`,
    topology: wordCount(),
    ...NO_TASKS,
    ...more,
  });

/** Heartbeats with everything that the member has been given, until nothing changes any more. */
async function settle(...members: string[]): Promise<void> {
  for (let round = 0; round < 6; round++) {
    for (const id of members) {
      const { assignment, memberEpoch } = (await memberNamed(id))!;
      await beat(id, memberEpoch, { ...assignment, rebalanceTimeoutMs: 60_000 });
    }
  }
}

async function describeGroup() {
  const request = create(streamsGroupDescribe, { groupIds: ['g'] });
  return (await transport.request(streamsGroupDescribe, request)).groups[0]!;
}

const memberNamed = async (id: string) => (await describeGroup()).members.find(({ memberId }) => memberId === id);

const activeOf = async (id: string): Promise<string[]> =>
  (await memberNamed(id))!.assignment.activeTasks.flatMap(({ subtopologyId, partitions }) =>
    partitions.map((partition) => `${subtopologyId}_${partition}`),
  );

async function partitionsOf(name: string): Promise<number> {
  const request = create(metadata, { topics: [{ name }], allowAutoTopicCreation: false });
  return (await transport.request(metadata, request)).topics[0]!.partitions.length;
}

async function configure(name: string, value: string): Promise<number> {
  const configs = [{ name, value, configOperation: 0 }];
  const resources = [{ resourceType: ResourceType.group, resourceName: 'g', configs }];
  const answer = await transport.request(incrementalAlterConfigs, create(incrementalAlterConfigs, { resources }));
  return answer.responses[0]!.errorCode;
}

/** A group with one member that has all four tasks. */
async function running(): Promise<void> {
  await createTopic(transport, 'in', 2);
  await join('a');
  await settle('a');
}

describe('a topology', () => {
  test('waits for its source topics, then has its internal topics made, then runs', async () => {
    const first = await join('a');
    expect(first).toMatchObject({ error: 'NONE', memberEpoch: 2, heartbeatIntervalMs: HEARTBEAT_MS, activeTasks: [] });
    expect(first.status).toMatchObject([
      { statusCode: StreamsStatus.missingSourceTopics, statusDetail: 'Source topics in are missing.' },
    ]);
    expect(await describeGroup()).toMatchObject({ groupState: 'NotReady', topology: { subtopologies: null } });
    await createTopic(transport, 'in', 3);
    const second = await beat('a', first.memberEpoch);
    expect(second.codes).toEqual([StreamsStatus.missingInternalTopics]);
    expect([await partitionsOf('app-repartition'), await partitionsOf('app-changelog')]).toEqual([3, 3]);
    const third = await beat('a', second.memberEpoch);
    expect(third.codes).toEqual([]);
    expect(third.activeTasks).toEqual([
      { subtopologyId: '0', partitions: [0, 1, 2] },
      { subtopologyId: '1', partitions: [0, 1, 2] },
    ]);
    const described = await describeGroup();
    expect(described).toMatchObject({ groupState: 'Stable', assignorName: 'sticky' });
    expect(described.topology!.subtopologies![1]!.repartitionSourceTopics).toMatchObject([{ partitions: 3 }]);
  });

  test('gives its internal topics the configs that it wants', async () => {
    await running();
    const resource = { resourceType: ResourceType.topic, resourceName: 'app-changelog', configurationKeys: null };
    const answer = await transport.request(describeConfigs, create(describeConfigs, { resources: [resource] }));
    const policy = answer.results[0]!.configs.find(({ name }) => name === 'cleanup.policy');
    expect(policy).toMatchObject({ value: 'compact' });
  });

  test('does not run where copartitioned topics differ, or an internal topic has other partitions', async () => {
    await createTopic(transport, 'in', 2);
    await createTopic(transport, 'other', 3);
    const [first, second] = wordCount().subtopologies;
    const joined = {
      ...first!,
      sourceTopics: ['in', 'other'],
      copartitionGroups: [{ sourceTopics: [0, 1], sourceTopicRegex: [], repartitionSourceTopics: [] }],
    };
    const answer = await join('a', { topology: { epoch: 0, subtopologies: [joined, second!] } });
    expect(answer.status).toMatchObject([
      {
        statusCode: StreamsStatus.incorrectlyPartitionedTopics,
        statusDetail: 'Following topics do not have the same number of partitions: [in: 2, other: 3]',
      },
    ]);
    await beat('a', -1);
    await createTopic(transport, 'app-changelog', 5);
    expect((await join('a')).status![0]!.statusDetail).toBe(
      'Existing topic app-changelog has different number of partitions: expected 2, found 5',
    );
  });

  test('gives a repartition topic the partitions of what it is copartitioned with', async () => {
    await createTopic(transport, 'in', 2);
    await createTopic(transport, 'table', 4);
    const [first, second] = wordCount().subtopologies;
    const joined = {
      ...second!,
      sourceTopics: ['table'],
      copartitionGroups: [{ sourceTopics: [0], sourceTopicRegex: [], repartitionSourceTopics: [0] }],
    };
    await join('a', { topology: { epoch: 0, subtopologies: [first!, joined] } });
    expect(await partitionsOf('app-repartition')).toBe(4);
  });

  test('may read topics by a pattern', async () => {
    await createTopic(transport, 'in-1', 1);
    const [first, second] = wordCount().subtopologies;
    const reading = { ...first!, sourceTopics: [], sourceTopicRegex: ['in-.*'] };
    await join('a', { topology: { epoch: 0, subtopologies: [reading, second!] } });
    await settle('a');
    expect(await activeOf('a')).toEqual(['0_0', '1_0']);
    await createTopic(transport, 'in-2', 1);
    await settle('a');
    expect((await describeGroup()).topology!.subtopologies![0]!.sourceTopics).toEqual(['in-1', 'in-2']);
  });

  test('is replaced by one of a higher epoch, and no other', async () => {
    await running();
    const other = { ...wordCount(), subtopologies: [wordCount().subtopologies[0]!] };
    expect(await join('b', { topology: other })).toMatchObject({ error: 'INVALID_REQUEST' });
    await join('b', { topology: wordCount(1) });
    const { memberEpoch } = (await memberNamed('a'))!;
    const stale = await beat('a', memberEpoch);
    expect(stale.codes).toEqual([StreamsStatus.staleTopology]);
    expect(await describeGroup()).toMatchObject({ topology: { epoch: 1 } });
  });

  test.each([
    ['a repartition topic that nobody writes', { epoch: 0, subtopologies: [wordCount().subtopologies[1]!] }],
    ['no subtopologies', { epoch: 0, subtopologies: [] }],
    ['two of one id', { epoch: 0, subtopologies: [wordCount().subtopologies[0]!, wordCount().subtopologies[0]!] }],
    [
      'an index that is out of bounds',
      {
        epoch: 0,
        subtopologies: [
          {
            ...wordCount().subtopologies[0]!,
            copartitionGroups: [{ sourceTopics: [1], sourceTopicRegex: [], repartitionSourceTopics: [] }],
          },
        ],
      },
    ],
  ])('is refused with %s, and nothing is left of the group', async (_, topology) => {
    expect(await join('a', { topology })).toMatchObject({ error: 'STREAMS_INVALID_TOPOLOGY' });
    expect((await transport.request(listGroups, create(listGroups, {}))).groups).toEqual([]);
  });
});

describe('tasks', () => {
  test('move when a member comes: one gives up first, then the other has them', async () => {
    await running();
    expect(await activeOf('a')).toEqual(['0_0', '0_1', '1_0', '1_1']);
    const joined = await join('b');
    expect(joined.activeTasks).toEqual([]);
    const { memberEpoch, assignment } = (await memberNamed('a'))!;
    const told = await beat('a', memberEpoch);
    expect(told.activeTasks!.flatMap(({ partitions }) => partitions)).toHaveLength(2);
    expect((await beat('b', joined.memberEpoch)).activeTasks).toBeNull();
    const still = await beat('a', told.memberEpoch, assignment);
    expect(still.memberEpoch).toBe(told.memberEpoch);
    await settle('a', 'b');
    expect([...(await activeOf('a')), ...(await activeOf('b'))].sort()).toEqual(['0_0', '0_1', '1_0', '1_1']);
    expect(await activeOf('b')).toHaveLength(2);
    expect(await describeGroup()).toMatchObject({ groupState: 'Stable' });
  });

  test('are taken from a member that is not heard of, or does not give up in time', async () => {
    await running();
    await join('b');
    await settle('a', 'b');
    for (let passed = 0; passed < SESSION_MS; passed += HEARTBEAT_MS) {
      clock.advance(HEARTBEAT_MS);
      await settle('b');
    }
    clock.advance(1);
    await settle('b');
    expect(await activeOf('b')).toHaveLength(4);
    expect(await beat('a', 1)).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' });
    await join('c');
    const slow = (await memberNamed('b'))!;
    await beat('b', slow.memberEpoch, { rebalanceTimeoutMs: 1000 });
    clock.advance(1000);
    await settle('c');
    expect(await activeOf('c')).toHaveLength(4);
  });

  test('have copies in other processes, which become active when a process ends', async () => {
    expect(await configure('streams.num.standby.replicas', '3')).not.toBe(0);
    expect(await configure('streams.num.standby.replicas', '1')).toBe(0);
    await running();
    await join('b');
    await settle('a', 'b');
    const { assignment } = (await memberNamed('b'))!;
    expect(assignment.activeTasks.flatMap(({ partitions }) => partitions)).toHaveLength(2);
    expect(assignment.standbyTasks.flatMap(({ subtopologyId }) => subtopologyId)).toEqual(['1']);
    await beat('a', -1);
    await settle('b');
    expect(await activeOf('b')).toHaveLength(4);
    expect((await memberNamed('b'))!.assignment.standbyTasks).toEqual([]);
  });

  test('come later where the group waits for more members', async () => {
    await broker.close();
    await open({ 'group.streams.initial.rebalance.delay.ms': DELAY_MS });
    await createTopic(transport, 'in', 2);
    const first = await join('a');
    expect(first.codes).toContain(StreamsStatus.assignmentDelayed);
    await join('b');
    clock.advance(DELAY_MS);
    await settle('a', 'b');
    expect([(await activeOf('a')).length, (await activeOf('b')).length]).toEqual([2, 2]);
  });

  test('are told by endpoint, to those who do not know yet', async () => {
    await running();
    const joined = await join('b', { userEndpoint: { host: 'b', port: 7070 }, endpointInformationEpoch: -1 });
    expect(joined.partitionsByUserEndpoint).toEqual([
      { userEndpoint: { host: 'b', port: 7070 }, activePartitions: [], standbyPartitions: [] },
    ]);
    await settle('a', 'b');
    const { memberEpoch } = (await memberNamed('a'))!;
    const told = await beat('a', memberEpoch, { endpointInformationEpoch: -1 });
    const topics = told.partitionsByUserEndpoint![0]!.activePartitions.map(({ topic }) => topic);
    expect(topics.length).toBeGreaterThan(0);
    const again = await beat('a', memberEpoch, { endpointInformationEpoch: told.endpointInformationEpoch });
    expect(again.partitionsByUserEndpoint).toBeNull();
  });
});

describe('members', () => {
  test('in another epoch are fenced; a lost answer is no reason', async () => {
    await running();
    const { memberEpoch, assignment } = (await memberNamed('a'))!;
    expect(await beat('a', memberEpoch + 1)).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' });
    expect(await beat('a', memberEpoch - 1)).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' });
    const empty = { ...NO_TASKS };
    const again = await beat('a', memberEpoch - 1, { ...empty, rebalanceTimeoutMs: 60_000 });
    expect(again).toMatchObject({ error: 'NONE', memberEpoch, activeTasks: assignment.activeTasks });
  });

  test('that are static come back to what they had', async () => {
    await createTopic(transport, 'in', 2);
    await join('a', { instanceId: 'one' });
    await settle('a');
    expect(await join('b', { instanceId: 'one' })).toMatchObject({ error: 'UNRELEASED_INSTANCE_ID' });
    const before = await activeOf('a');
    expect(await beat('a', -2, { instanceId: 'one' })).toMatchObject({ error: 'NONE', memberEpoch: -2 });
    await join('b', { instanceId: 'one', processId: 'process-a' });
    await settle('b');
    expect(await activeOf('b')).toEqual(before);
    expect(await beat('a', 1, { instanceId: 'one' })).toMatchObject({ error: 'FENCED_INSTANCE_ID' });
  });

  test('are all told when one asks for the end of the application', async () => {
    await running();
    await join('b');
    const { memberEpoch } = (await memberNamed('b'))!;
    await beat('b', memberEpoch, { shutdownApplication: true });
    const told = await beat('a', (await memberNamed('a'))!.memberEpoch);
    expect(told.codes).toContain(StreamsStatus.shutdownApplication);
  });

  test.each([
    [{ topology: null }, 'Topology must be non-null when (re-)joining.'],
    [{ rebalanceTimeoutMs: -1 }, 'RebalanceTimeoutMs must be provided in first request.'],
    [{ activeTasks: null }, 'ActiveTasks must be empty when (re-)joining.'],
    [{ groupId: '' }, "GroupId can't be empty."],
    [{ memberId: '' }, "MemberId can't be empty."],
    [{ memberEpoch: -3 }, 'Topology can only be provided when (re-)joining.'],
  ] as [Beat, string][])('are refused with %j', async (more, errorMessage) => {
    expect(await join('a', more)).toMatchObject({ error: 'INVALID_REQUEST', errorMessage });
  });
});

describe('a streams group', () => {
  test('survives a restart of the broker, members and tasks', async () => {
    await running();
    const before = await describeGroup();
    await broker.close();
    await open();
    expect(await describeGroup()).toEqual(before);
    const { memberEpoch } = before.members[0]!;
    expect(await beat('a', memberEpoch)).toMatchObject({ error: 'NONE', memberEpoch, activeTasks: null, status: [] });
    await beat('a', -1);
    await broker.close();
    await open();
    expect(await describeGroup()).toMatchObject({ groupState: 'Empty', members: [] });
  });

  test('is described by our client, tasks as the partitions that they read', async () => {
    await running();
    const client = createClient({ dial: async () => broker.connect() });
    const [described] = await client.admin().describeGroups(['g']);
    expect(described).toMatchObject({ state: 'Stable', protocolType: 'streams', members: [{ memberId: 'a' }] });
    expect(described!.members[0]!.assignment.map(({ topic, partition }) => `${topic}-${partition}`).sort()).toEqual([
      'app-repartition-0',
      'app-repartition-1',
      'in-0',
      'in-1',
    ]);
    await expect(client.admin().describeGroups(['nowhere'])).rejects.toMatchObject({ code: 'GROUP_ID_NOT_FOUND' });
    await client.close();
  });

  test('is listed by its type, is no consumer group, and is deleted when it is empty', async () => {
    await running();
    const listed = await transport.request(listGroups, create(listGroups, { typesFilter: ['streams'] }));
    expect(listed.groups).toMatchObject([{ groupId: 'g', groupType: 'streams', protocolType: 'streams' }]);
    const wrong = create(consumerGroupHeartbeat, {
      groupId: 'g',
      memberId: 'c',
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: ['in'],
      topicPartitions: [],
    });
    const refused = await transport.request(consumerGroupHeartbeat, wrong);
    expect(errorName(refused.errorCode)).toBe('GROUP_ID_NOT_FOUND');
    const deletion = async (): Promise<string> => {
      const request = create(deleteGroups, { groupsNames: ['g'] });
      return errorName((await transport.request(deleteGroups, request)).results[0]!.errorCode);
    };
    expect(await deletion()).toBe('NON_EMPTY_GROUP');
    await beat('a', -1);
    expect(await deletion()).toBe('NONE');
    await broker.close();
    await open();
    expect(await describeGroup()).toMatchObject({ errorMessage: 'Group g not found.' });
  });

  test('takes commits of members in their epochs', async () => {
    await running();
    const { memberEpoch } = (await memberNamed('a'))!;
    const commit = async (memberId: string, epoch: number): Promise<string> => {
      const request = create(offsetCommit, {
        groupId: 'g',
        memberId,
        generationIdOrMemberEpoch: epoch,
        topics: [{ name: 'in', topicId: await idOf('in'), partitions: [{ partitionIndex: 0, committedOffset: 5 }] }],
      });
      const answer = await transport.request(offsetCommit, request);
      return errorName(answer.topics[0]!.partitions[0]!.errorCode);
    };
    expect(await commit('a', memberEpoch)).toBe('NONE');
    expect(await commit('a', memberEpoch + 1)).toBe('STALE_MEMBER_EPOCH');
    expect(await commit('b', memberEpoch)).toBe('UNKNOWN_MEMBER_ID');
  });

  async function idOf(name: string): Promise<string> {
    const request = create(metadata, { topics: [{ name }], allowAutoTopicCreation: false });
    return (await transport.request(metadata, request)).topics[0]!.topicId;
  }
});

test('who may not create topics is told so', async () => {
  await createTopic(transport, 'in', 2);
  const allow = (resourceType: number, resourceName: string, operation: number) => ({
    resourceType,
    resourceName,
    resourcePatternType: AclPatternType.LITERAL,
    principal: 'User:ANONYMOUS',
    host: '*',
    operation,
    permissionType: AclPermission.ALLOW,
  });
  await broker.close();
  await open({ 'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer' });
  const creations = [
    allow(AclResourceType.GROUP, 'g', AclOperation.READ),
    allow(AclResourceType.TOPIC, '*', AclOperation.DESCRIBE),
  ];
  expect((await join('a')).error).toBe('GROUP_AUTHORIZATION_FAILED');
  const inside = broker.connect();
  await inside.request(createAcls, create(createAcls, { creations }));
  const answer = await join('a');
  expect(answer.status![0]!.statusDetail).toContain('Unauthorized to CREATE on topics app-changelog, app-repartition.');
});

describe('the assignor', () => {
  const tasksIn = (keys: Iterable<TaskKey>, role: string): string[] =>
    [...keys].filter((key) => roleOf(key) === role).map(taskOf);

  test('gives each task once, evenly, with copies in other processes, and moves nothing without need', () => {
    const shapes = fc.record({
      processes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
      tasks: fc.integer({ min: 0, max: 30 }),
      standbyReplicas: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(shapes, ({ processes, tasks: count, standbyReplicas }) => {
        const members = new Map<string, StreamsAssignorMember>();
        processes.forEach((threads, p) => {
          for (let i = 0; i < threads; i++) members.set(`m${p}-${i}`, { processId: `p${p}`, before: new Set() });
        });
        const tasks = Array.from({ length: count }, (_, i) => `0:${i}`);
        const wanted = { members, tasks, stateful: new Set(tasks), standbyReplicas };
        const targets = sticky(wanted);
        const active = [...targets.values()].flatMap((target) => tasksIn(target, 'A'));
        expect(active.sort()).toEqual([...tasks].sort());
        const loads = [...targets.values()].map((target) => tasksIn(target, 'A').length);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(2);
        const copies = Math.min(standbyReplicas, processes.length - 1);
        for (const task of tasks) {
          const holders = [...targets].filter(([, target]) => [...target].some((key) => taskOf(key) === task));
          const where = holders.map(([id]) => members.get(id)!.processId);
          expect([where.length, new Set(where).size]).toEqual([copies + 1, copies + 1]);
        }
        const next = new Map([...members].map(([id, each]) => [id, { ...each, before: targets.get(id)! }]));
        expect(sticky({ ...wanted, members: next })).toEqual(targets);
      }),
      { numRuns: 200 },
    );
  });
});
