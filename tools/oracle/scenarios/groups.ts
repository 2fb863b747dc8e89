// Groups of both protocols: who is in, what is committed, and what is told of them.
import {
  consumerGroupDescribe,
  consumerGroupHeartbeat,
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
} from '../../../src/protocol/index.ts';
import type { Scenario, Session } from '../scenario.ts';

/** What members say that was chosen, from version 5 on. */
const CHOSEN = { protocolType: 'consumer', protocolName: 'range' };
const protocols = [{ name: 'range', metadata: Buffer.of(0, 1) }];
const joining = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: 'consumer', protocols };

/** Joins as the only member and takes the leader's part; returns what it is called, and in which generation. */
async function joined(session: Session, groupId: string, version: number, groupInstanceId: string | null = null) {
  let memberId = '';
  for (let tries = 0; tries < 2; tries++) {
    const draft = { ...joining, groupId, memberId, ...(groupInstanceId === null ? {} : { groupInstanceId }) };
    const answer = await session.ask(joinGroup, draft, version);
    memberId = answer?.memberId ?? '';
    if (answer?.errorCode === 0) return { memberId, generationId: answer.generationId };
  }
  return { memberId, generationId: -1 };
}

export const groups: readonly Scenario[] = [
  {
    name: 'groups: coordinators',
    async run(session) {
      await session.coordinated('g', 'h', '');
      await session.eachVersion(findCoordinator, (version) =>
        version < 4 ? { key: 'g', keyType: 0 } : { keyType: 0, coordinatorKeys: ['g', 'h'] },
      );
      for (const [keyType, key] of [
        [0, ''],
        [1, ''],
        [5, 'g'],
        [2, 'g'],
        [2, 'g:AAAAAAAAAAAAAAAAAAAAAA:0'],
      ] as const) {
        await session.ask(findCoordinator, { keyType, coordinatorKeys: [key] });
      }
    },
  },
  {
    name: 'groups: classic, a life',
    async run(session) {
      await session.coordinated(...Array.from({ length: 10 }, (_, version) => `life-${version}`));
      for (let version = 0; version <= 9; version++) {
        const groupId = `life-${version}`;
        const { memberId, generationId } = await joined(session, groupId, version);
        const sync = Math.min(version, 5);
        const assignments = [{ memberId, assignment: Buffer.from('mine') }];
        const chosen = sync >= 5 ? CHOSEN : {};
        await session.ask(heartbeat, { groupId, generationId, memberId }, Math.min(version, 4));
        await session.ask(syncGroup, { groupId, generationId, memberId, assignments, ...chosen }, sync);
        await session.ask(syncGroup, { groupId, generationId, memberId, assignments: [], ...chosen }, sync);
        await session.ask(
          syncGroup,
          { groupId, generationId: generationId + 1, memberId, assignments: [], ...chosen },
          sync,
        );
        await session.ask(syncGroup, { groupId, generationId, memberId: 'stranger', assignments: [], ...chosen }, sync);
        if (sync >= 5) await session.ask(syncGroup, { groupId, generationId, memberId, assignments: [] }, sync);
        await session.ask(heartbeat, { groupId, generationId, memberId }, Math.min(version, 4));
        await session.ask(heartbeat, { groupId, generationId: generationId + 1, memberId }, Math.min(version, 4));
        await session.ask(heartbeat, { groupId, generationId, memberId: 'stranger' }, Math.min(version, 4));
        if (version <= 6) await session.ask(describeGroups, { groups: [groupId] }, version);
        if (version <= 2) await session.ask(deleteGroups, { groupsNames: [groupId] }, version);
        const leaving =
          version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId, groupInstanceId: null }] };
        await session.ask(leaveGroup, leaving, Math.min(version, 5));
        await session.ask(leaveGroup, leaving, Math.min(version, 5));
        if (version <= 6) await session.ask(describeGroups, { groups: [groupId] }, version);
        if (version <= 2) await session.ask(deleteGroups, { groupsNames: [groupId] }, version);
        if (version <= 2) await session.ask(deleteGroups, { groupsNames: [groupId] }, version);
      }
    },
  },
  {
    name: 'groups: classic, refused',
    async run(session) {
      await session.coordinated('refused', 'nowhere');
      const join = async (more: object) => {
        await session.ask(joinGroup, { ...joining, groupId: 'refused', memberId: '', ...more });
      };
      await join({ groupId: '' });
      await join({ sessionTimeoutMs: 1 });
      await join({ sessionTimeoutMs: 100_000_000 });
      await join({ memberId: 'unknown' });
      await join({ protocolType: '' });
      await join({ protocols: [] });
      const first = await joined(session, 'refused', 9);
      await join({ memberId: first.memberId, protocolType: 'connect' });
      await join({ protocolType: 'connect' });
      await join({ protocols: [{ name: 'sticky', metadata: Buffer.of(1) }] });
      await session.ask(heartbeat, { groupId: '', generationId: 1, memberId: 'm' });
      await session.ask(heartbeat, { groupId: 'nowhere', generationId: 1, memberId: 'm' });
      await session.ask(syncGroup, { groupId: 'nowhere', generationId: 1, memberId: 'm', assignments: [], ...CHOSEN });
      await session.ask(syncGroup, { groupId: '', generationId: 1, memberId: 'm', assignments: [], ...CHOSEN });
      await session.ask(leaveGroup, { groupId: 'nowhere', members: [{ memberId: 'm', groupInstanceId: null }] });
      await session.ask(leaveGroup, { groupId: '', members: [{ memberId: 'm', groupInstanceId: null }] });
      await session.ask(describeGroups, { groups: [] });
      await session.ask(describeGroups, { groups: ['', 'nowhere'] });
      await session.ask(describeGroups, { groups: ['nowhere'], includeAuthorizedOperations: true }, 5);
      await session.ask(deleteGroups, { groupsNames: ['', 'nowhere'] });
    },
  },
  {
    name: 'groups: classic, static members',
    async run(session) {
      await session.coordinated('static-5', 'static-9');
      for (const version of [5, 9]) {
        const groupId = `static-${version}`;
        const first = await joined(session, groupId, version, 'i1');
        const assignments = [{ memberId: first.memberId, assignment: Buffer.from('mine') }];
        const who = { groupId, groupInstanceId: 'i1' };
        await session.ask(syncGroup, { ...who, ...first, assignments, ...CHOSEN });
        const again = await joined(session, groupId, version, 'i1');
        await session.ask(heartbeat, { ...who, ...first });
        await session.ask(heartbeat, { ...who, ...again });
        await session.ask(heartbeat, { ...who, ...again, groupInstanceId: 'i2' });
        await session.ask(leaveGroup, { groupId, members: [{ memberId: first.memberId, groupInstanceId: 'i1' }] });
        await session.ask(leaveGroup, { groupId, members: [{ memberId: '', groupInstanceId: 'i1' }] });
        await session.ask(leaveGroup, { groupId, members: [{ memberId: '', groupInstanceId: 'i1' }] });
      }
    },
  },
  {
    name: 'groups: offsets',
    async run(session) {
      const topicId = await session.topic('progress');
      await session.coordinated('progress', 'nowhere');
      const commit = (version: number, offset: number, more: object = {}, partitionIndex = 0) => ({
        groupId: 'progress',
        ...more,
        topics: [
          {
            ...(version >= 10 ? { topicId } : { name: 'progress' }),
            partitions: [{ partitionIndex, committedOffset: offset, committedMetadata: `m${offset}` }],
          },
        ],
      });
      await session.eachVersion(offsetCommit, (version) => commit(version, version));
      await session.ask(offsetCommit, commit(9, 1, {}, 9), 9);
      await session.ask(offsetCommit, commit(10, 1, {}, 9), 10);
      await session.ask(offsetCommit, commit(9, 1, { groupId: '' }), 9);
      await session.ask(offsetCommit, commit(9, 1, { generationIdOrMemberEpoch: 4, memberId: 'm' }), 9);
      await session.ask(offsetCommit, commit(9, 1, { memberId: 'm' }), 9);
      await session.ask(offsetCommit, commit(9, -5), 9);
      const long = { partitionIndex: 0, committedOffset: 5, committedMetadata: 'x'.repeat(5000) };
      await session.ask(offsetCommit, { groupId: 'progress', topics: [{ topicId, partitions: [long] }] });
      const nowhere = {
        topicId: 'BBBBBBBBBBBBBBBBBBBBBA',
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
      };
      await session.ask(offsetCommit, { groupId: 'progress', topics: [nowhere] });
      const asked = (version: number, groupId: string, all = false) => {
        const partitionIndexes = [0, 1, 9];
        if (version < 8) return { groupId, topics: all ? null : [{ name: 'progress', partitionIndexes }] };
        const topics = all ? null : [{ ...(version >= 10 ? { topicId } : { name: 'progress' }), partitionIndexes }];
        return { groups: [{ groupId, topics }] };
      };
      await session.eachVersion(offsetFetch, (version) => asked(version, 'progress'));
      await session.eachVersion(offsetFetch, (version) => asked(version, 'progress', true));
      await session.eachVersion(offsetFetch, (version) => asked(version, 'nowhere'));
      await session.ask(offsetFetch, { groups: [{ groupId: 'progress', topics: null }], requireStable: true });
      await session.ask(offsetFetch, {
        groups: [{ groupId: 'progress', memberId: 'm', memberEpoch: 3, topics: null }],
      });
      const member = await joined(session, 'progress', 9);
      const { memberId, generationId } = member;
      await session.ask(syncGroup, {
        groupId: 'progress',
        ...member,
        assignments: [{ memberId, assignment: Buffer.of(1) }],
        ...CHOSEN,
      });
      const as = (more: object) =>
        session.ask(offsetCommit, commit(9, 20, { memberId, generationIdOrMemberEpoch: generationId, ...more }), 9);
      await as({});
      await as({ generationIdOrMemberEpoch: generationId + 1 });
      await as({ memberId: 'stranger' });
      await as({ memberId: '', generationIdOrMemberEpoch: -1 });
      await as({ groupInstanceId: 'nobody' });
      const removing = (groupId: string, name: string) =>
        session.ask(offsetDelete, {
          groupId,
          topics: [{ name, partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }],
        });
      await removing('progress', 'progress');
      await session.ask(leaveGroup, { groupId: 'progress', members: [{ memberId, groupInstanceId: null }] });
      await removing('progress', 'progress');
      await removing('progress', 'nowhere');
      await removing('nowhere', 'progress');
      await removing('', 'progress');
      await session.eachVersion(listGroups, () => ({}));
      for (const statesFilter of [['Empty'], ['empty'], ['Nonsense'], ['Stable', 'Empty']])
        await session.ask(listGroups, { statesFilter });
      for (const typesFilter of [['classic'], ['Consumer'], ['nonsense']])
        await session.ask(listGroups, { typesFilter });
      await session.ask(deleteGroups, { groupsNames: ['progress', 'progress'] });
    },
  },
  {
    name: 'groups: consumer protocol',
    async run(session) {
      await session.topic('assigned');
      await session.coordinated('c', 'nowhere');
      const beat = async (more: object, version = 1) =>
        session.ask(
          consumerGroupHeartbeat,
          { groupId: 'c', memberId: 'AAAAAAAAAAAAAAAAAAAAAQ', memberEpoch: 0, ...more },
          version,
        );
      const join = { rebalanceTimeoutMs: 5000, subscribedTopicNames: ['assigned'], topicPartitions: [] };
      await beat({ ...join, groupId: '' });
      await beat({ ...join, memberId: '' });
      await beat({ ...join, instanceId: '' });
      await beat({ ...join, rackId: '' });
      await beat({ ...join, rebalanceTimeoutMs: -1 });
      await beat({ ...join, topicPartitions: null });
      await beat({ ...join, subscribedTopicNames: null });
      await beat({ ...join, serverAssignor: 'nonsense' });
      await beat({ ...join, subscribedTopicNames: null, subscribedTopicRegex: '[' });
      await beat({ ...join, memberEpoch: -2 });
      await beat({ ...join, memberEpoch: -3 });
      await beat({ memberEpoch: 5 });
      await beat({ memberEpoch: -1 });
      const first = await beat(join);
      await beat({ memberEpoch: first?.memberEpoch ?? 1 });
      await beat({ memberEpoch: 9 });
      await beat({ memberEpoch: first?.memberEpoch ?? 1, memberId: 'stranger' });
      await session.every(consumerGroupDescribe, { groupIds: ['c'] });
      await session.ask(consumerGroupDescribe, { groupIds: ['', 'nowhere'] });
      await session.ask(describeGroups, { groups: ['c'] });
      await session.ask(describeGroups, { groups: ['c'] }, 5);
      await session.ask(deleteGroups, { groupsNames: ['c'] });
      await session.ask(joinGroup, {
        ...joining,
        groupId: 'c',
        memberId: '',
        protocols: [{ name: 'range', metadata: Buffer.of(0) }],
      });
      await session.ask(heartbeat, { groupId: 'c', generationId: 1, memberId: 'AAAAAAAAAAAAAAAAAAAAAQ' });
      await session.ask(listGroups, { typesFilter: ['consumer'] });
      await beat({ memberEpoch: -1 });
      await session.ask(consumerGroupDescribe, { groupIds: ['c'] });
      await session.ask(deleteGroups, { groupsNames: ['c'] });
    },
  },
];
