// What a group is, and who is in it, whatever protocol its members speak.
import { consumerGroupDescribe, create, describeGroups, ErrorCode, type Transport } from '../protocol/index.ts';
import { codeOf } from '../util/index.ts';
import { decodeAssignment } from './assignors.ts';
import type { GroupDescription } from './client.ts';
import type { Cluster } from './cluster.ts';

/** Rejects with GROUP_ID_NOT_FOUND where there is no such group, of brokers that say so; of others it is a `Dead` one. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  let speaksConsumer = false;
  try {
    return await describeClassic(cluster, groupId, (transport) => {
      speaksConsumer = transport.versionOf(consumerGroupDescribe) !== undefined;
    });
  } catch (error) {
    if (codeOf(error) !== 'GROUP_ID_NOT_FOUND' || !speaksConsumer) throw error;
    return describeConsumers(cluster, groupId);
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

async function describeConsumers(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const response = await cluster.askCoordinator(
    { type: 'group', key: groupId },
    consumerGroupDescribe,
    () => create(consumerGroupDescribe, { groupIds: [groupId] }),
    (answer) => answer.groups[0]?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND,
  );
  const group = response.groups[0]!;
  return {
    groupId,
    state: group.groupState,
    protocolType: 'consumer',
    protocol: group.assignorName,
    coordinator: await cluster.coordinatorAddress('group', groupId),
    members: group.members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
      memberId,
      groupInstanceId: instanceId,
      clientId,
      host: clientHost,
      assignment: assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
        partitions.map((partition) => ({ topic: topicName, partition })),
      ),
    })),
  };
}
