// Classic groups: who joins, who leads, who is fenced, who is thrown out, and what survives a restart. Time stands still
// unless a test moves it.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import { encodeSubscription } from '../../src/client/assignors.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { ClassicGroup } from '../../src/broker/groups/classic-group.ts';
import type { JoinResult, SyncResult } from '../../src/broker/groups/group-requests.ts';
import {
  create,
  deleteGroups,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  syncGroup,
  type Transport,
} from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { createTopic, openBroker, temporaryDirectory } from './support.ts';

const SESSION_MS = 10_000;
const REBALANCE_MS = 30_000;

describe('the state machine', () => {
  let clock: ManualEnvironment;
  let group: ClassicGroup;
  let persisted: number;

  beforeEach(() => {
    clock = new ManualEnvironment(1000);
    persisted = 0;
    group = newGroup(0);
  });

  function newGroup(initialRebalanceDelayMs: number): ClassicGroup {
    let suffix = 0;
    return new ClassicGroup('g', {
      environment: clock,
      initialRebalanceDelayMs,
      maxSize: 5,
      newMemberSuffix: () => String(++suffix),
      persist: (_group, done) => {
        persisted++;
        done(0);
      },
    });
  }

  /** A join whose answer is looked at later: undefined while it waits. */
  function join(
    memberId: string,
    options: { instanceId?: string; protocols?: string[]; metadata?: string | Buffer } = {},
  ) {
    const waiting: { result?: JoinResult } = {};
    const { metadata: given = '' } = options;
    const metadata = typeof given === 'string' ? Buffer.from(given) : given;
    group.join(
      {
        memberId,
        instanceId: options.instanceId ?? null,
        clientId: 'c',
        clientHost: 'h',
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        protocolType: 'consumer',
        protocols: (options.protocols ?? ['range']).map((name) => ({ name, metadata })),
        requiresKnownMemberId: true,
        supportsSkippingAssignment: false,
      },
      (result) => {
        waiting.result = result;
      },
    );
    return waiting;
  }

  function enter(): { id: string; joined: { result?: JoinResult } } {
    const first = join('');
    expect(first.result!.errorCode).toBe(79);
    const id = first.result!.memberId;
    return { id, joined: join(id) };
  }

  function sync(memberId: string, generationId: number, assignments: Record<string, string> = {}, instanceId?: string) {
    const waiting: { result?: SyncResult } = {};
    group.sync(
      {
        memberId,
        instanceId: instanceId ?? null,
        generationId,
        protocolType: null,
        protocolName: null,
        assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
      },
      (result) => {
        waiting.result = result;
      },
    );
    return waiting;
  }

  function stableGroupOfTwo(): [string, string] {
    const a = enter();
    const b = enter();
    const again = join(a.id);
    expect(again.result).toMatchObject({ errorCode: 0, generationId: 2, leader: a.id });
    expect(b.joined.result).toMatchObject({ errorCode: 0, generationId: 2, members: [] });
    const synced = sync(b.id, 2);
    expect(synced.result).toBeUndefined();
    sync(a.id, 2, { [a.id]: 'for a', [b.id]: 'for b' });
    expect(synced.result!.assignment.toString()).toBe('for b');
    expect(group.state).toBe('Stable');
    return [a.id, b.id];
  }

  test('one member joins, leads and is assigned', () => {
    const { id, joined } = enter();
    expect(joined.result).toMatchObject({ errorCode: 0, generationId: 1, leader: id, protocolName: 'range' });
    expect(joined.result!.members.map((member) => member.memberId)).toEqual([id]);
    const synced = sync(id, 1, { [id]: 'all of it' });
    expect(synced.result!.assignment.toString()).toBe('all of it');
    expect(persisted).toBe(1);
    expect(group.heartbeat(id, null, 1)).toBe(0);
  });

  test('a second member makes the first join again', () => {
    const a = enter();
    sync(a.id, 1, { [a.id]: 'x' });
    const b = enter();
    expect(b.joined.result).toBeUndefined();
    expect(group.heartbeat(a.id, null, 1)).toBe(27);
    expect(sync(a.id, 1).result!.errorCode).toBe(27);
    const again = join(a.id);
    expect(again.result!.members.length).toBe(2);
    expect(b.joined.result!.generationId).toBe(2);
  });

  test('a member that is not heard of is thrown out, and the others rebalance', () => {
    const [a, b] = stableGroupOfTwo();
    clock.advance(SESSION_MS - 1);
    expect(group.heartbeat(a, null, 2)).toBe(0);
    clock.advance(2);
    expect(group.heartbeat(b, null, 2)).toBe(25);
    expect(group.heartbeat(a, null, 2)).toBe(27);
    expect(join(a).result).toMatchObject({ generationId: 3 });
    expect(group.members.size).toBe(1);
  });

  test('a member that does not join again in time is left behind', () => {
    const [a, b] = stableGroupOfTwo();
    const c = enter();
    const again = join(a);
    for (let waited = 0; waited < REBALANCE_MS; waited += 5000) {
      group.heartbeat(b, null, 2);
      clock.advance(5000);
    }
    expect(again.result!.members.map((member) => member.memberId).sort()).toEqual([a, c.id].sort());
  });

  test('a member that never fetches its assignment is taken out', () => {
    const a = enter();
    const b = enter();
    join(a.id);
    sync(a.id, 2, {});
    for (let waited = 0; waited < REBALANCE_MS; waited += 5000) {
      group.heartbeat(a.id, null, 2);
      group.heartbeat(b.id, null, 2);
      clock.advance(5000);
    }
    expect([...group.members.keys()]).toEqual([a.id]);
  });

  test('an empty group waits for company', () => {
    group = newGroup(3000);
    const a = enter();
    clock.advance(2000);
    const b = enter();
    clock.advance(1000);
    expect(a.joined.result).toBeUndefined();
    clock.advance(3000);
    expect(a.joined.result!.members.length).toBe(2);
    expect(b.joined.result!.generationId).toBe(1);
  });

  test('an unused member id expires and does not hold up the rebalance', () => {
    const a = enter();
    sync(a.id, 1, {});
    join('');
    const b = enter();
    const again = join(a.id);
    expect(again.result).toBeUndefined();
    clock.advance(SESSION_MS);
    expect(again.result).toMatchObject({ errorCode: 0 });
    expect(b.joined.result).toMatchObject({ errorCode: 0 });
  });

  test('leaving empties the group, and stores that', () => {
    const { id } = enter();
    sync(id, 1, {});
    expect(group.leave(id, null)).toBe(0);
    expect(group.state).toBe('Empty');
    expect(persisted).toBe(2);
    expect(group.leave(id, null)).toBe(25);
  });

  test('the protocol is the one that most prefer among those that all know', () => {
    const first = join('', { protocols: ['own', 'range', 'robin'] });
    const a = join(first.result!.memberId, { protocols: ['own', 'range', 'robin'] });
    expect(a.result!.protocolName).toBe('own');
    const second = join('', { protocols: ['robin', 'range'] });
    const b = join(second.result!.memberId, { protocols: ['robin', 'range'] });
    const third = join('', { protocols: ['robin', 'range'] });
    const c = join(third.result!.memberId, { protocols: ['robin', 'range'] });
    const again = join(first.result!.memberId, { protocols: ['own', 'range', 'robin'] });
    expect([again, b, c].map((member) => member.result!.protocolName)).toEqual(['robin', 'robin', 'robin']);
    expect(join('', { protocols: ['own'] }).result!.errorCode).toBe(23);
  });

  test('a static member comes back under a new id without a rebalance, and fences its older self', () => {
    const a = join('', { instanceId: 'one' });
    expect(a.result).toMatchObject({ errorCode: 0, generationId: 1 });
    const oldId = a.result!.memberId;
    sync(oldId, 1, { [oldId]: 'mine' }, 'one');
    const back = join('', { instanceId: 'one' });
    expect(back.result).toMatchObject({ errorCode: 0, generationId: 1, leader: oldId });
    const newId = back.result!.memberId;
    expect(newId).not.toBe(oldId);
    expect(sync(newId, 1, {}, 'one').result!.assignment.toString()).toBe('mine');
    expect(group.heartbeat(oldId, 'one', 1)).toBe(82);
    expect(group.heartbeat(newId, 'one', 1)).toBe(0);
    expect(group.leave('', 'one')).toBe(0);
    expect(group.state).toBe('Empty');
  });

  test('a static member that comes back may say other things about itself, but reads what it read', () => {
    const reading = (topic: string, data: string) => encodeSubscription([topic], Buffer.from(data));
    const back = (topic: string, data: string) =>
      join('', { instanceId: 'one', metadata: reading(topic, data) }).result!;
    const first = back('t', 'a');
    sync(first.memberId, 1, { [first.memberId]: 'mine' }, 'one');
    persisted = 0;
    const again = back('t', 'b');
    expect(again).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(persisted).toBe(1);
    expect(sync(again.memberId, 1, {}, 'one').result!.assignment.toString()).toBe('mine');
    expect(back('another', 'b')).toMatchObject({ errorCode: 0, generationId: 2 });
  });

  test('too many members are refused', () => {
    for (let i = 0; i < 5; i++) enter();
    expect(join('').result!.errorCode).toBe(81);
  });

  test('commits need the generation, unless the group is empty', () => {
    expect(group.checkCommit('', null, -1, false)).toBe(0);
    const { id } = enter();
    sync(id, 1, {});
    expect(group.checkCommit('', null, -1, false)).toBe(25);
    expect(group.checkCommit(id, null, 1, false)).toBe(0);
    expect(group.checkCommit(id, null, 0, false)).toBe(22);
    expect(group.checkCommit('nobody', null, 1, false)).toBe(25);
  });
});

describe('over the protocol', () => {
  const settings = { 'group.initial.rebalance.delay.ms': 0, 'offsets.topic.num.partitions': 4 };
  let dataDir: string;
  let broker: Broker;
  let transport: Transport;

  beforeEach(async () => {
    dataDir = temporaryDirectory();
    broker = await openBroker({ dataDir, settings });
    transport = broker.connect();
    await createTopic(transport, 't', 3);
  });

  async function commit(offset: number, metadata = '', member: Partial<{ memberId: string; generation: number }> = {}) {
    const answer = await transport.request(
      offsetCommit,
      create(offsetCommit, {
        groupId: 'g',
        memberId: member.memberId ?? '',
        generationIdOrMemberEpoch: member.generation ?? -1,
        topics: [
          {
            name: 't',
            partitions: [
              { partitionIndex: 1, committedOffset: offset, committedLeaderEpoch: 5, committedMetadata: metadata },
            ],
          },
        ],
      }),
    );
    return answer.topics[0]!.partitions[0]!.errorCode;
  }

  async function committed(over = transport) {
    const groups = [{ groupId: 'g', topics: null }];
    const answer = await over.request(offsetFetch, create(offsetFetch, { groups }));
    return answer.groups[0]!.topics.flatMap(({ name, partitions }) => partitions.map((part) => ({ name, ...part })));
  }

  async function enter(): Promise<string> {
    const request = create(joinGroup, {
      groupId: 'g',
      sessionTimeoutMs: SESSION_MS,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscriptionTo('t') }],
    });
    const { memberId } = await transport.request(joinGroup, request);
    const joined = await transport.request(joinGroup, { ...request, memberId });
    expect(joined.errorCode).toBe(0);
    const assignments = [{ memberId, assignment: Buffer.from('assigned') }];
    const { generationId, protocolType, protocolName } = joined;
    const sync = { groupId: 'g', memberId, generationId, protocolType, protocolName, assignments };
    expect((await transport.request(syncGroup, create(syncGroup, sync))).errorCode).toBe(0);
    return memberId;
  }

  test('offsets with their metadata and epoch survive a restart', async () => {
    expect(await commit(42, 'où étais-je?')).toBe(0);
    expect(await commit(43, 'là')).toBe(0);
    const expected = {
      name: 't',
      partitionIndex: 1,
      committedOffset: 43,
      committedLeaderEpoch: 5,
      metadata: 'là',
      errorCode: 0,
    };
    expect(await committed()).toEqual([expected]);
    await broker.close();
    const again = await openBroker({ dataDir, settings });
    expect(await committed(again.connect())).toEqual([expected]);
  });

  test('members within the process end with it: the group they leave is empty', async () => {
    const memberId = await enter();
    await broker.close();
    const again = (await openBroker({ dataDir, settings })).connect();
    const described = await again.request(describeGroups, create(describeGroups, { groups: ['g'] }));
    expect(described.groups[0]).toMatchObject({ groupState: 'Empty', members: [] });
    const beat = { groupId: 'g', memberId, generationId: 1 };
    expect((await again.request(heartbeat, create(heartbeat, beat))).errorCode).toBe(25);
  });

  test('a group with its members elsewhere survives a restart', async () => {
    transport = await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }));
    const memberId = await enter();
    await broker.close();
    const again = (await openBroker({ dataDir, settings })).connect();
    const beat = { groupId: 'g', memberId, generationId: 1 };
    expect((await again.request(heartbeat, create(heartbeat, beat))).errorCode).toBe(0);
    const described = await again.request(describeGroups, create(describeGroups, { groups: ['g'] }));
    expect(described.groups[0]).toMatchObject({
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
    });
    expect(described.groups[0]!.members[0]!.memberAssignment.toString()).toBe('assigned');
  });

  test('what a member reads can not be deleted, and a group with members neither', async () => {
    await commit(1);
    const memberId = await enter();
    const topics = [{ name: 't', partitions: [{ partitionIndex: 1 }] }];
    const deleteOffsets = () => transport.request(offsetDelete, create(offsetDelete, { groupId: 'g', topics }));
    expect((await deleteOffsets()).topics[0]!.partitions[0]!.errorCode).toBe(86);
    const deleteGroup = () => transport.request(deleteGroups, create(deleteGroups, { groupsNames: ['g', 'none'] }));
    expect((await deleteGroup()).results.map(({ errorCode }) => errorCode)).toEqual([68, 69]);
    await transport.request(leaveGroup, create(leaveGroup, { groupId: 'g', members: [{ memberId }] }));
    expect((await deleteOffsets()).topics[0]!.partitions[0]!.errorCode).toBe(0);
    expect(await committed()).toEqual([]);
    expect((await deleteGroup()).results[0]!.errorCode).toBe(0);
    expect((await transport.request(listGroups, create(listGroups, {}))).groups).toEqual([]);
  });

  test('bad commits are refused one by one', async () => {
    expect(await commit(1, 'x'.repeat(5000))).toBe(12);
    expect(await commit(1, '', { memberId: 'stranger', generation: 3 })).toBe(69);
    await enter();
    expect(await commit(1)).toBe(25);
    expect(await commit(1, '', { memberId: 'stranger', generation: 1 })).toBe(25);
  });

  test('a missing group is dead, and from version 6 on not found', async () => {
    const described = await transport.request(describeGroups, create(describeGroups, { groups: ['none'] }));
    expect(described.groups[0]).toMatchObject({ errorCode: 69, groupState: 'Dead' });
  });

  test('offsets of a deleted topic and of long empty groups are forgotten', async () => {
    const clock = new ManualEnvironment(1_000_000);
    const other = await openBroker({ environment: clock, settings: { ...settings, 'offsets.retention.minutes': 1 } });
    transport = other.connect();
    await createTopic(transport, 't', 3);
    await commit(7);
    expect((await committed()).length).toBe(1);
    clock.advance(20 * 60_000);
    expect(await committed()).toEqual([]);
    expect((await transport.request(listGroups, create(listGroups, {}))).groups).toEqual([]);
  });

  test('every key has a coordinator', async () => {
    const found = await transport.request(findCoordinator, create(findCoordinator, { coordinatorKeys: ['a', 'b'] }));
    expect(found.coordinators.map(({ key, nodeId, errorCode }) => [key, nodeId, errorCode])).toEqual([
      ['a', 1, 0],
      ['b', 1, 0],
    ]);
  });
});

function subscriptionTo(topic: string): Buffer {
  const bytes = Buffer.alloc(12 + topic.length);
  bytes.writeInt32BE(1, 2);
  bytes.writeInt16BE(topic.length, 6);
  bytes.write(topic, 8);
  bytes.writeInt32BE(-1, 8 + topic.length);
  return bytes;
}
