// v3: consumer groups, who is in them, what each reads, and how far behind it is.
import type { GroupDescription, GroupMemberDescription, TopicPartition } from '../../client/index.ts';
import type { Routes } from '../call.ts';
import { pathNumber } from '../entities.ts';
import { notFound, ProxyError } from '../errors.ts';
import {
  type ClusterCall,
  type ClusterRoutes,
  constantCase,
  linkTo,
  listOfResources,
  type Path,
  resource,
} from './resources.ts';

interface Group extends GroupDescription {
  /** `classic` or `consumer`: the protocol by which it is formed. */
  readonly type: string;
}

interface Lag extends TopicPartition {
  readonly current: number;
  readonly end: number;
  readonly lag: number;
  /** Who reads the partition now. */
  readonly member: GroupMemberDescription | undefined;
}

export function groupRoutes(cluster: ClusterRoutes): Routes {
  const group = '/consumer-groups/:group';
  const consumer = `${group}/consumers/:consumer`;
  return {
    ...cluster.declare({
      'GET /consumer-groups': {
        summary: 'The consumer groups.',
        answer: async (at) => {
          const groups = await groupsOf(at);
          return listOfResources(
            at,
            'ConsumerGroup',
            [['consumer-groups']],
            groups.map((each) => groupEntity(at, each)),
          );
        },
      },
      [`GET ${group}`]: { summary: 'A consumer group.', answer: async (at) => groupEntity(at, await groupOf(at)) },
      [`GET ${group}/consumers`]: {
        summary: 'The members of a consumer group.',
        answer: async (at) => {
          const { groupId, members } = await groupOf(at);
          const path: Path = [['consumer-groups', groupId], ['consumers']];
          return listOfResources(
            at,
            'Consumer',
            path,
            members.map((member) => consumerEntity(at, groupId, member)),
          );
        },
      },
      [`GET ${consumer}`]: {
        summary: 'A member of a consumer group.',
        answer: async (at) => {
          const { groupId, member } = await memberOf(at);
          return consumerEntity(at, groupId, member);
        },
      },
      [`GET ${consumer}/assignments`]: {
        summary: 'The partitions that a member reads.',
        answer: async (at) => {
          const { groupId, member } = await memberOf(at);
          const path: Path = [['consumer-groups', groupId], ['consumers', member.memberId], ['assignments']];
          const entities = member.assignment.map((each) => assignmentEntity(at, groupId, member, each));
          return listOfResources(at, 'ConsumerAssignment', path, entities);
        },
      },
      [`GET ${consumer}/assignments/:topic/partitions/:partition`]: {
        summary: 'A partition that a member reads.',
        answer: async (at) => {
          const { groupId, member } = await memberOf(at);
          return assignmentEntity(at, groupId, member, inPath(at, member.assignment, 'Assignment'));
        },
      },
    }),
    ...lagRoutes(cluster),
  };
}

function lagRoutes(cluster: ClusterRoutes): Routes {
  const group = '/consumer-groups/:group';
  return cluster.declare({
    [`GET ${group}/lags`]: {
      summary: 'How far a consumer group is behind, by partition.',
      answer: async (at) => {
        const { groupId, lags } = await lagsOf(at);
        const path: Path = [['consumer-groups', groupId], ['lags']];
        return listOfResources(
          at,
          'ConsumerLag',
          path,
          lags.map((lag) => lagEntity(at, groupId, lag)),
        );
      },
    },
    [`GET ${group}/lags/:topic/partitions/:partition`]: {
      summary: 'How far a consumer group is behind in a partition.',
      answer: async (at) => {
        const { groupId, lags } = await lagsOf(at);
        return lagEntity(at, groupId, inPath(at, lags, 'Consumer lag'));
      },
    },
    [`GET ${group}/lag-summary`]: {
      summary: 'How far a consumer group is behind, in total and at most.',
      answer: async (at) => {
        const { groupId, lags } = await lagsOf(at);
        if (lags.length === 0) throw notFound(`Consumer group ${groupId} has committed nothing.`);
        return lagSummary(at, groupId, lags);
      },
    },
  });
}

/** Groups that have no protocol only keep offsets: they are listed as they are. Groups of other kinds are none of consumers. */
async function groupsOf({ admin }: ClusterCall): Promise<readonly Group[]> {
  const listed = (await admin.listGroups()).filter(({ protocolType }) => ['', 'consumer'].includes(protocolType));
  const described = await admin.describeGroups(listed.map(({ groupId }) => groupId));
  return described.map((each, i) => ({ ...each, type: listed[i]!.type }));
}

async function groupOf({ admin, call }: ClusterCall): Promise<Group> {
  const asked = call.params['group']!;
  const listed = (await admin.listGroups()).find(({ groupId }) => groupId === asked);
  if (listed === undefined) throw new ProxyError(40405, `Consumer group ${asked} cannot be found.`);
  const [group] = await admin.describeGroups([asked]);
  return { ...group!, type: listed.type };
}

async function memberOf(
  at: ClusterCall,
): Promise<{ readonly groupId: string; readonly member: GroupMemberDescription }> {
  const { groupId, members } = await groupOf(at);
  const asked = at.call.params['consumer']!;
  const member = members.find(({ memberId }) => memberId === asked);
  if (member === undefined) throw notFound(`Consumer ${asked} cannot be found.`);
  return { groupId, member };
}

/** Of each partition that the group has committed an offset of. Where it ends for readers of committed records. */
async function lagsOf(at: ClusterCall): Promise<{ readonly groupId: string; readonly lags: readonly Lag[] }> {
  const { groupId, members } = await groupOf(at);
  const committed = (await at.admin.committedOffsets(groupId)).filter(({ offset }) => offset >= 0);
  const there = await at.admin.describeTopics([...new Set(committed.map(({ topic }) => topic))]);
  const kept = committed.filter(({ topic, partition }) => partition < (there.get(topic)?.partitions.length ?? 0));
  const asked = kept.map(({ topic, partition }) => ({ topic, partition, timestamp: -1 }));
  const ends = await at.admin.listOffsets(asked, 'read_committed');
  const lags = kept.map(({ topic, partition, offset }, i) => {
    const isHere = (each: TopicPartition) => each.topic === topic && each.partition === partition;
    const end = ends[i]!.offset;
    const member = members.find(({ assignment }) => assignment.some(isHere));
    return { topic, partition, current: offset, end, lag: Math.max(0, end - offset), member };
  });
  return { groupId, lags };
}

function inPath<T extends TopicPartition>({ call }: ClusterCall, list: readonly T[], what: string): T {
  const { topic, partition } = call.params;
  const found = list.find((each) => each.topic === topic && each.partition === pathNumber(partition!));
  if (found === undefined) throw notFound(`${what} of ${topic}-${partition} cannot be found.`);
  return found;
}

// ── Entities ──────────────────────────────────────────────────────────────────────────────────────────────────────

function groupEntity(at: ClusterCall, group: Group): object {
  const path: Path = [['consumer-groups', group.groupId]];
  return resource(at, 'ConsumerGroup', path, {
    consumer_group_id: group.groupId,
    is_simple: group.protocolType === '',
    partition_assignor: group.protocol,
    state: constantCase(group.state),
    type: constantCase(group.type === '' ? 'classic' : group.type),
    is_mixed_consumer_group: false,
    coordinator: linkTo(at, [['brokers', group.coordinator.id]]),
    consumers: linkTo(at, [...path, ['consumers']]),
    lag_summary: linkTo(at, [...path, ['lag-summary']]),
  });
}

function consumerEntity(
  at: ClusterCall,
  group: string,
  { memberId, groupInstanceId, clientId }: GroupMemberDescription,
): object {
  const path: Path = [
    ['consumer-groups', group],
    ['consumers', memberId],
  ];
  return resource(at, 'Consumer', path, {
    consumer_group_id: group,
    consumer_id: memberId,
    instance_id: groupInstanceId,
    client_id: clientId,
    assignments: linkTo(at, [...path, ['assignments']]),
  });
}

function assignmentEntity(
  at: ClusterCall,
  group: string,
  { memberId }: GroupMemberDescription,
  { topic, partition }: TopicPartition,
): object {
  const partitionPath: Path = [['partitions', partition]];
  const path: Path = [['consumer-groups', group], ['consumers', memberId], ['assignments', topic], ...partitionPath];
  return resource(at, 'ConsumerAssignment', path, {
    consumer_group_id: group,
    consumer_id: memberId,
    topic_name: topic,
    partition_id: partition,
    partition: linkTo(at, [['topics', topic], ...partitionPath]),
    lag: linkTo(at, [['consumer-groups', group], ['lags', topic], ...partitionPath]),
  });
}

function lagEntity(at: ClusterCall, group: string, { topic, partition, current, end, lag, member }: Lag): object {
  return resource(
    at,
    'ConsumerLag',
    [
      ['consumer-groups', group],
      ['lags', topic],
      ['partitions', partition],
    ],
    {
      consumer_group_id: group,
      topic_name: topic,
      partition_id: partition,
      current_offset: current,
      log_end_offset: end,
      lag,
      consumer_id: member?.memberId ?? '',
      instance_id: member?.groupInstanceId ?? null,
      client_id: member?.clientId ?? '',
    },
  );
}

function lagSummary(at: ClusterCall, group: string, lags: readonly Lag[]): object {
  const most = lags.reduce((a, b) => (b.lag > a.lag ? b : a));
  const { topic, partition, member } = most;
  const path: Path = [['consumer-groups', group]];
  return resource(at, 'ConsumerGroupLagSummary', [...path, ['lag-summary']], {
    consumer_group_id: group,
    max_lag_consumer_id: member?.memberId ?? '',
    max_lag_instance_id: member?.groupInstanceId ?? null,
    max_lag_client_id: member?.clientId ?? '',
    max_lag_topic_name: topic,
    max_lag_partition_id: partition,
    max_lag: most.lag,
    total_lag: lags.reduce((sum, { lag }) => sum + lag, 0),
    ...(member === undefined ? {} : { max_lag_consumer: linkTo(at, [...path, ['consumers', member.memberId]]) }),
    max_lag_partition: linkTo(at, [
      ['topics', topic],
      ['partitions', partition],
    ]),
  });
}
