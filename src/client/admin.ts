// The admin side of the client: each method is one API, its answer's error code an exception.
import {
  type Api,
  create,
  createPartitions,
  describeCluster,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  ErrorCode,
  errorFor,
  leaveGroup,
  listGroups,
  needsMetadata,
  type Transport,
} from '../protocol/index.ts';
import { alterQuotas, alterScram, describeQuotas, describeScram } from './users.ts';
import { createAcls, deleteAcls, describeAcls } from './acls.ts';
import type {
  AccessRule,
  AccessRuleFilter,
  Admin,
  ApiVersion,
  BrokerDescription,
  ChangeOptions,
  CommittedOffset,
  ConfigDetails,
  ConfigEntry,
  ConfigResource,
  GroupDescription,
  GroupMemberName,
  HangingTransaction,
  LogDir,
  NewTopic,
  OffsetToCommit,
  ProducerState,
  Reassignment,
  TopicDescription,
  TopicPartition,
  TopicState,
  TransactionDescription,
  TransactionFilter,
  TransactionListing,
  ClientQuota,
  QuotaChange,
  ScramCredentialInfo,
} from './client.ts';
import type { Cluster, TopicMetadata } from './cluster.ts';
import { describeGroup } from './group-descriptions.ts';
import {
  checkChange,
  checkConfigs,
  checkIsolation,
  checkName,
  checkNames,
  checkNewTopics,
  checkPartitions,
  checkTotal,
} from './checks.ts';
import {
  alterConfigs,
  apiVersionsOf,
  deleteOffsets,
  describeConfigs,
  describeReplicas,
  logDirsOf,
} from './inspection.ts';
import { commitOffsets, fetchCommitted, type Isolation, listOffsets } from './offsets.ts';
import { electLeaders, reassignments } from './replicas.ts';
import { abortOpenTransaction } from './transaction.ts';
import {
  abortTransaction,
  describeProducers,
  describeProducersOf,
  describeTransaction,
  listTransactions,
} from './transaction-states.ts';

const GONE_POLL_MS = 20;
const TIMEOUT_MS = 60_000;

export class KafkaAdmin implements Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async createTopics(topics: readonly NewTopic[], options: ChangeOptions = {}): Promise<void> {
    checkNewTopics(topics);
    const validateOnly = checkChange('createTopics', options);
    const response = await this.#ask(
      createTopics,
      create(createTopics, {
        timeoutMs: TIMEOUT_MS,
        validateOnly,
        topics: topics.map(({ name, partitions, replicationFactor, assignments = [], configs }) => ({
          name,
          numPartitions: partitions ?? -1,
          replicationFactor: replicationFactor ?? -1,
          assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] })),
          configs: Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value })),
        })),
      }),
    );
    for (const { name, errorCode, errorMessage } of response.topics)
      check(errorCode, `creating topic ${name}`, errorMessage);
    if (validateOnly) return;
    // Resolve only when clients can use them.
    for (const { name } of topics) {
      this.#cluster.doubt(name);
      await this.#cluster.topic(name, { missingMs: TIMEOUT_MS });
    }
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    checkNames('deleteTopics', names);
    const response = await this.#trying(async () => {
      const transport = await this.#cluster.any();
      const byId = (transport.versionOf(deleteTopics) ?? 0) >= 6;
      const request = byId ? { topics: names.map((name) => ({ name })) } : { topicNames: names };
      return transport.request(deleteTopics, create(deleteTopics, request));
    });
    for (const { name, errorCode, errorMessage } of response.responses) {
      if (name !== null) this.#cluster.doubt(name);
      check(errorCode, `deleting topic ${name}`, errorMessage);
    }
    await this.#gone(new Set(response.responses.map(({ topicId }) => topicId)), names);
  }

  /**
   * Resolves when brokers have forgotten deleted topics, too: until then they would be taken for topics that are there.
   * One of the same name that was made meanwhile has another id.
   */
  async #gone(ids: ReadonlySet<string>, names: readonly string[]): Promise<void> {
    const { environment } = this.#cluster;
    const deadline = environment.now() + TIMEOUT_MS;
    for (;;) {
      const left = (await this.#trying(() => this.#cluster.refresh(names))).filter(({ topicId }) => ids.has(topicId));
      if (left.length === 0) return;
      for (const { name } of left) this.#cluster.doubt(name);
      if (environment.now() > deadline) {
        throw errorFor(ErrorCode.REQUEST_TIMED_OUT, `deleting ${left.map(({ name }) => name).join(', ')}`);
      }
      await this.#cluster.sleep(GONE_POLL_MS);
    }
  }

  async listTopics(): Promise<string[]> {
    return (await this.#trying(() => this.#cluster.refresh(null))).map((topic) => topic.name).sort();
  }

  async describeTopics(names: readonly string[]): Promise<Map<string, TopicDescription>> {
    checkNames('describeTopics', names);
    if (names.length === 0) return new Map();
    const found = await this.#trying(() => this.#cluster.refresh(names));
    return new Map(found.map((topic) => [topic.name, describe(topic)]));
  }

  describeReplicas(names: readonly string[]): Promise<TopicState[]> {
    checkNames('describeReplicas', names);
    return this.#withAny((transport) => describeReplicas(transport, names));
  }

  async describeLogDirs(topics: readonly TopicPartition[] | null = [], brokerId?: number): Promise<readonly LogDir[]> {
    const cluster = this.#cluster;
    if (brokerId === undefined) return logDirsOf(await cluster.any(), topics);
    await cluster.refresh([]);
    return logDirsOf(await cluster.node(brokerId), topics);
  }

  async createPartitions(topic: string, total: number, options: ChangeOptions = {}): Promise<void> {
    checkName('createPartitions', topic);
    checkTotal(total);
    const validateOnly = checkChange('createPartitions', options);
    const response = await this.#ask(
      createPartitions,
      create(createPartitions, { topics: [{ name: topic, count: total, assignments: null }], validateOnly }),
    );
    this.#cluster.doubt(topic);
    for (const result of response.results)
      check(result.errorCode, `adding partitions to ${topic}`, result.errorMessage);
  }

  async topicConfigs(topic: string): Promise<ConfigEntry[]> {
    checkName('topicConfigs', topic);
    const found = await this.describeConfigs({ type: 'topic', name: topic });
    return found.map(({ name, value, source }) => ({ name, value, isDefault: source !== 'DYNAMIC_TOPIC_CONFIG' }));
  }

  async alterTopicConfigs(topic: string, set: Readonly<Record<string, string | null>>): Promise<void> {
    checkName('alterTopicConfigs', topic);
    checkConfigs(set);
    await this.#withAny((transport) => alterConfigs(transport, { type: 'topic', name: topic }, set));
  }

  describeConfigs(resource: ConfigResource): Promise<ConfigDetails[]> {
    return this.#withBrokerOf(resource, (transport) => describeConfigs(transport, resource));
  }

  async alterConfigs(
    resource: ConfigResource,
    set: Readonly<Record<string, string | null>>,
    options: ChangeOptions = {},
  ): Promise<void> {
    checkConfigs(set);
    const validateOnly = checkChange('alterConfigs', options);
    await this.#withBrokerOf(resource, (transport) => alterConfigs(transport, resource, set, validateOnly));
  }

  /** A broker's own configs are its own affair; all others can be asked of anybody. */
  #withBrokerOf<T>({ type, name }: ConfigResource, work: (transport: Transport) => Promise<T>): Promise<T> {
    const isOfBroker = (type === 'broker' || type === 'broker-logger') && /^\d+$/.test(name);
    if (!isOfBroker) return this.#withAny(work);
    return this.#trying(async () => {
      await this.#cluster.refresh([]);
      return work(await this.#cluster.node(Number(name)));
    });
  }

  async listOffsets(
    partitions: readonly (TopicPartition & { readonly timestamp: number })[],
    isolation?: Isolation,
  ): Promise<(TopicPartition & { readonly offset: number; readonly timestamp: number })[]> {
    checkPartitions('listOffsets', partitions, 'listOffsets', ['timestamp']);
    checkIsolation(isolation);
    return listOffsets(this.#cluster, partitions, isolation);
  }

  async deleteRecords(
    before: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<(TopicPartition & { readonly lowWatermark: number })[]> {
    checkPartitions('deleteRecords', before, 'deleteRecords', ['offset']);
    return this.#cluster.retrying(TIMEOUT_MS, async () => {
      const marks: (TopicPartition & { readonly lowWatermark: number })[] = [];
      const byLeader = new Map<number, (TopicPartition & { readonly offset: number })[]>();
      for (const entry of before) {
        const leader = await this.#cluster.leader(entry.topic, entry.partition);
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), entry]);
      }
      for (const [leader, entries] of byLeader) {
        const topics = [...Map.groupBy(entries, (entry) => entry.topic)].map(([name, list]) => ({
          name,
          partitions: list.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
        }));
        const transport = await this.#cluster.node(leader);
        const response = await transport.request(deleteRecords, create(deleteRecords, { topics }));
        for (const topic of response.topics) {
          for (const { errorCode, partitionIndex, lowWatermark } of topic.partitions) {
            if (needsMetadata(errorCode)) this.#cluster.doubt(topic.name);
            check(errorCode, `deleting records of ${topic.name}`);
            marks.push({ topic: topic.name, partition: partitionIndex, lowWatermark });
          }
        }
      }
      return marks;
    });
  }

  async listGroups(): Promise<{ groupId: string; protocolType: string; state: string; type: string }[]> {
    const response = await this.#ask(listGroups, create(listGroups, {}));
    check(response.errorCode, 'ListGroups');
    return response.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
      groupId,
      protocolType,
      state: groupState,
      type: groupType,
    }));
  }

  async describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    checkNames('describeGroups', groupIds);
    return Promise.all(groupIds.map((groupId) => describeGroup(this.#cluster, groupId)));
  }

  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    checkNames('deleteGroups', groupIds);
    for (const groupId of groupIds) {
      await this.#cluster.askCoordinator(
        { type: 'group', key: groupId },
        deleteGroups,
        () => create(deleteGroups, { groupsNames: [groupId] }),
        (answer) => answer.results[0]?.errorCode ?? ErrorCode.NONE,
      );
    }
  }

  async removeMembers(groupId: string, members: readonly GroupMemberName[]): Promise<void> {
    checkName('removeMembers', groupId);
    const left = members.map((member) => {
      const [memberId, groupInstanceId] = 'memberId' in member ? [member.memberId, null] : ['', member.groupInstanceId];
      checkName('removeMembers', groupInstanceId ?? memberId);
      return { memberId, groupInstanceId };
    });
    const response = await this.#cluster.askCoordinator(
      { type: 'group', key: groupId },
      leaveGroup,
      () => create(leaveGroup, { groupId, members: left }),
      (answer) => answer.errorCode,
    );
    for (const { memberId, groupInstanceId, errorCode } of response.members) {
      if (errorCode !== ErrorCode.UNKNOWN_MEMBER_ID)
        check(errorCode, `removing ${groupInstanceId ?? memberId} from ${groupId}`);
    }
  }

  async committedOffsets(groupId: string): Promise<CommittedOffset[]> {
    checkName('committedOffsets', groupId);
    return fetchCommitted(this.#cluster, groupId, null, false);
  }

  async alterOffsets(groupId: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    checkName('alterOffsets', groupId);
    checkPartitions('alterOffsets', offsets, 'commit', ['offset']);
    if (offsets.length === 0) return;
    await commitOffsets(this.#cluster, { groupId, generationId: -1, memberId: '', groupInstanceId: null }, offsets);
  }

  async deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<(TopicPartition & { readonly error: Error | undefined })[]> {
    checkName('deleteOffsets', groupId);
    checkPartitions('deleteOffsets', partitions);
    return deleteOffsets(this.#cluster, groupId, partitions);
  }

  async brokers(): Promise<BrokerDescription[]> {
    const { brokers } = await this.#ask(describeCluster, create(describeCluster, {}));
    return brokers.map(({ brokerId: id, host, port, rack }) => ({ id, host, port, rack })).sort((a, b) => a.id - b.id);
  }

  async controllerId(): Promise<number | undefined> {
    const { controllerId } = await this.#ask(describeCluster, create(describeCluster, {}));
    return controllerId < 0 ? undefined : controllerId;
  }

  async abortOpenTransactions(transactionalIds: readonly string[]): Promise<string[]> {
    checkNames('abortOpenTransactions', transactionalIds);
    const wereOpen = await Promise.all(transactionalIds.map((id) => abortOpenTransaction(this.#cluster, id)));
    return transactionalIds.filter((_, index) => wereOpen[index]);
  }

  describeUserScramCredentials(users: readonly string[] | null = null): Promise<ScramCredentialInfo[]> {
    if (users !== null) checkNames('describeUserScramCredentials', users);
    return this.#withAny((transport) => describeScram(transport, users));
  }

  async alterUserScramCredentials({
    upsertions = [],
    deletions = [],
  }: Parameters<Admin['alterUserScramCredentials']>[0]): Promise<void> {
    checkNames(
      'alterUserScramCredentials',
      [...upsertions, ...deletions].map(({ user }) => user),
    );
    return this.#withAny((transport) => alterScram(transport, upsertions, deletions, this.#cluster.environment));
  }

  describeClientQuotas(entity: Parameters<Admin['describeClientQuotas']>[0] = {}): Promise<ClientQuota[]> {
    return this.#withAny((transport) => describeQuotas(transport, entity));
  }

  alterClientQuotas(changes: readonly QuotaChange[]): Promise<void> {
    return this.#withAny((transport) => alterQuotas(transport, changes));
  }

  createAcls(rules: readonly AccessRule[]): Promise<void> {
    return this.#withAny((transport) => createAcls(transport, rules));
  }

  describeAcls(filter: AccessRuleFilter = {}): Promise<AccessRule[]> {
    return this.#withAny((transport) => describeAcls(transport, filter));
  }

  deleteAcls(filters: readonly AccessRuleFilter[]): Promise<(readonly AccessRule[])[]> {
    return this.#withAny((transport) => deleteAcls(transport, filters));
  }

  async electLeaders(
    kind: 'preferred' | 'unclean',
    partitions: readonly TopicPartition[] | null,
  ): Promise<(TopicPartition & { readonly error: Error | undefined })[]> {
    if (partitions !== null) checkPartitions('electLeaders', partitions);
    return this.#withAny((transport) => electLeaders(transport, kind, partitions));
  }

  async listPartitionReassignments(partitions: readonly TopicPartition[] | null = null): Promise<Reassignment[]> {
    if (partitions !== null) checkPartitions('listPartitionReassignments', partitions);
    return this.#withAny((transport) => reassignments(transport, partitions));
  }

  listTransactions(filter: TransactionFilter = {}): Promise<TransactionListing[]> {
    return this.#trying(async () => {
      await this.#cluster.refresh([]);
      const brokers = await this.brokers();
      const ids = brokers.map(({ id }) => id);
      return listTransactions(this.#cluster, ids, filter);
    });
  }

  async describeTransaction(transactionalId: string): Promise<TransactionDescription> {
    checkName('describeTransaction', transactionalId);
    return describeTransaction(this.#cluster, transactionalId);
  }

  async describeProducers(partition: TopicPartition, brokerId?: number): Promise<ProducerState[]> {
    checkPartitions('describeProducers', [partition]);
    if (brokerId === undefined) return describeProducers(this.#cluster, partition);
    await this.#trying(() => this.#cluster.refresh([]));
    return describeProducersOf(await this.#cluster.node(brokerId), partition);
  }

  async abortTransaction(transaction: HangingTransaction): Promise<void> {
    checkPartitions('abortTransaction', [transaction]);
    await abortTransaction(this.#cluster, transaction);
  }

  apiVersions(brokerId?: number): Promise<ApiVersion[]> {
    if (brokerId === undefined) return this.#withAny(apiVersionsOf);
    return this.#trying(async () => {
      await this.#cluster.refresh([]);
      return apiVersionsOf(await this.#cluster.node(brokerId));
    });
  }

  clusterId(): Promise<string> {
    return this.#trying(() => this.#cluster.clusterId());
  }

  #ask<Req, Res>(api: Api<Req, Res>, body: Req): Promise<Res> {
    return this.#withAny((transport) => transport.request(api, body));
  }

  #withAny<T>(work: (transport: Transport) => Promise<T>): Promise<T> {
    return this.#trying(async () => work(await this.#cluster.any()));
  }

  /** That a broker dies is no reason to fail: others answer soon. That none was ever there is one, and said at once. */
  #trying<T>(work: () => Promise<T>): Promise<T> {
    return this.#cluster.isAcquainted ? this.#cluster.retrying(TIMEOUT_MS, work) : work();
  }
}

function describe({ name, topicId, internal, partitions }: TopicMetadata): TopicDescription {
  return {
    name,
    topicId,
    internal,
    partitions: partitions.map(({ leader, replicas }, partition) => ({ partition, leader, replicas })),
  };
}

function check(errorCode: number, what: string, detail?: string | null): void {
  if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, what, detail);
}
