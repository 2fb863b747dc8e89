// What a group is, and who is in it, whatever protocol its members speak.
import {
  consumerGroupDescribe,
  create,
  describeGroups,
  ErrorCode,
  shareGroupDescribe,
  streamsGroupDescribe,
  type Transport,
} from '../protocol/index.ts';
import { codeOf } from '../util/index.ts';
import { decodeAssignment } from './assignors.ts';
import type { GroupDescription } from './client.ts';
import type { Cluster } from './cluster.ts';

/** Rejects with GROUP_ID_NOT_FOUND where there is no such group, of brokers that say so; of others it is a `Dead` one. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  let transport: Transport | undefined;
  const isUnknown = (error: unknown): boolean => codeOf(error) === 'GROUP_ID_NOT_FOUND';
  try {
    return await describeClassic(cluster, groupId, (asked) => {
      transport = asked;
    });
  } catch (error) {
    if (!isUnknown(error)) throw error;
    for (const api of [consumerGroupDescribe, shareGroupDescribe]) {
      if (transport?.versionOf(api) === undefined) continue;
      const described = await describeAssigned(cluster, groupId, api).catch((other: unknown) => {
        if (!isUnknown(other)) throw other;
      });
      if (described !== undefined) return described;
    }
    if (transport?.versionOf(streamsGroupDescribe) === undefined) throw error;
    return describeStreams(cluster, groupId);
  }
}

async function describeClassic(
  cluster: Cluster,
  groupId: string,
  look: (transport: Transport) => void,
): Promise<GroupDescription> {
  const response = await cluster.askCoordinator(
    { type: 'group', key: groupId },
    describeGroups,
    (transport) => {
      look(transport);
      return create(describeGroups, { groups: [groupId] });
    },
    (answer) => answer.groups[0]?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND,
  );
  const group = response.groups[0]!;
  const isConsumers = group.protocolType === 'consumer';
  return {
    groupId,
    state: group.groupState,
    protocolType: group.protocolType,
    protocol: group.protocolData,
    coordinator: await cluster.coordinatorAddress('group', groupId),
    members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      groupInstanceId,
      clientId,
      host: clientHost,
      assignment: isConsumers ? decodeAssignment(memberAssignment).partitions : [],
    })),
  };
}

/** Groups whose members the broker assigns. */
async function describeAssigned(
  cluster: Cluster,
  groupId: string,
  api: typeof consumerGroupDescribe | typeof shareGroupDescribe,
): Promise<GroupDescription> {
  const place = { type: 'group', key: groupId } as const;
  const codeIn = (answer: { readonly groups: readonly { readonly errorCode: number }[] }): number =>
    answer.groups[0]?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND;
  const isShared = api === shareGroupDescribe;
  const { groups } = isShared
    ? await cluster.askCoordinator(
        place,
        shareGroupDescribe,
        () => create(shareGroupDescribe, { groupIds: [groupId] }),
        codeIn,
      )
    : await cluster.askCoordinator(
        place,
        consumerGroupDescribe,
        () => create(consumerGroupDescribe, { groupIds: [groupId] }),
        codeIn,
      );
  const group = groups[0]!;
  return {
    groupId,
    state: group.groupState,
    protocolType: isShared ? 'share' : 'consumer',
    protocol: group.assignorName,
    coordinator: await cluster.coordinatorAddress('group', groupId),
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: instanceIdOf(member),
      clientId: member.clientId,
      host: member.clientHost,
      assignment: member.assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
        partitions.map((partition) => ({ topic: topicName, partition })),
      ),
    })),
  };
}

/** Groups whose members are assigned tasks: what they read is what the parts of their topology do. */
async function describeStreams(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const { groups } = await cluster.askCoordinator(
    { type: 'group', key: groupId },
    streamsGroupDescribe,
    () => create(streamsGroupDescribe, { groupIds: [groupId] }),
    (answer) => answer.groups[0]?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND,
  );
  const group = groups[0]!;
  const topicsOf = new Map(
    (group.topology?.subtopologies ?? []).map(({ subtopologyId, sourceTopics, repartitionSourceTopics }) => [
      subtopologyId,
      [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)],
    ]),
  );
  return {
    groupId,
    state: group.groupState,
    protocolType: 'streams',
    protocol: group.assignorName ?? '',
    coordinator: await cluster.coordinatorAddress('group', groupId),
    members: group.members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
      memberId,
      groupInstanceId: instanceId,
      clientId,
      host: clientHost,
      assignment: assignment.activeTasks.flatMap(({ subtopologyId, partitions }) =>
        (topicsOf.get(subtopologyId) ?? []).flatMap((topic) => partitions.map((partition) => ({ topic, partition }))),
      ),
    })),
  };
}

/** Members of share groups are never static. */
function instanceIdOf(member: { readonly memberId: string; readonly instanceId?: string | null }): string | null {
  return member.instanceId ?? null;
}
