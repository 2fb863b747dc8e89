// What administrators' tools ask a cluster beyond what applications need: replicas, configs with where they come from,
// directories, and the offsets of groups that are at rest.
import * as protocol from '../protocol/index.ts';
import {
  apiVersions,
  ConfigOperation,
  ConfigSource,
  create,
  describeConfigs as describeConfigsApi,
  describeLogDirs,
  describeTopicPartitions,
  ErrorCode,
  errorFor,
  errorName,
  incrementalAlterConfigs,
  metadata,
  offsetDelete,
  ResourceType,
  type Transport,
} from '../protocol/index.ts';
import type {
  ApiVersion,
  ConfigDetails,
  ConfigResource,
  ConfigSourceName,
  LogDir,
  PartitionState,
  TopicPartition,
  TopicState,
} from './client.ts';
import type { Cluster } from './cluster.ts';
import { SOFTWARE_NAME, SOFTWARE_VERSION } from './sockets.ts';

const TYPES: Readonly<Record<ConfigResource['type'], number>> = {
  topic: ResourceType.topic,
  broker: ResourceType.broker,
  'broker-logger': ResourceType.brokerLogger,
  'client-metrics': ResourceType.clientMetrics,
  group: ResourceType.group,
};

const SOURCES: ReadonlyMap<number, ConfigSourceName> = new Map([
  [ConfigSource.dynamicTopic, 'DYNAMIC_TOPIC_CONFIG'],
  [ConfigSource.dynamicBroker, 'DYNAMIC_BROKER_CONFIG'],
  [ConfigSource.dynamicDefaultBroker, 'DYNAMIC_DEFAULT_BROKER_CONFIG'],
  [ConfigSource.staticBroker, 'STATIC_BROKER_CONFIG'],
  [ConfigSource.default, 'DEFAULT_CONFIG'],
  [6, 'DYNAMIC_BROKER_LOGGER_CONFIG'],
  [7, 'DYNAMIC_CLIENT_METRICS_CONFIG'],
  [8, 'DYNAMIC_GROUP_CONFIG'],
]);

function sourceName(source: number): ConfigSourceName {
  return SOURCES.get(source) ?? 'UNKNOWN';
}

/** Topics by name, in the order of the names; those that do not exist are left out. */
export async function describeReplicas(transport: Transport, names: readonly string[]): Promise<TopicState[]> {
  if (names.length === 0) return [];
  const found =
    transport.versionOf(describeTopicPartitions) === undefined
      ? await fromMetadata(transport, names)
      : await inPages(transport, names);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function inPages(transport: Transport, names: readonly string[]): Promise<TopicState[]> {
  const found = new Map<string, { state: TopicState; partitions: PartitionState[] }>();
  const topics = [...names].sort().map((name) => ({ name }));
  let cursor: { topicName: string; partitionIndex: number } | null = null;
  do {
    const page: ReturnType<typeof describeTopicPartitions.response.complete> = await transport.request(
      describeTopicPartitions,
      create(describeTopicPartitions, { topics, cursor }),
    );
    for (const { errorCode, name, topicId, isInternal, partitions } of page.topics) {
      if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) continue;
      if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, `the topic ${name}`);
      let entry = found.get(name!);
      if (entry === undefined) {
        const list: PartitionState[] = [];
        entry = { state: { name: name!, topicId, internal: isInternal, partitions: list }, partitions: list };
        found.set(name!, entry);
      }
      entry.partitions.push(
        ...partitions.map((each) => ({
          partition: each.partitionIndex,
          leader: each.leaderId,
          replicas: each.replicaNodes,
          isr: each.isrNodes,
          elr: each.eligibleLeaderReplicas,
          lastKnownElr: each.lastKnownElr,
        })),
      );
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return [...found.values()].map(({ state }) => state);
}

async function fromMetadata(transport: Transport, names: readonly string[]): Promise<TopicState[]> {
  const topics = names.map((name) => ({ name }));
  const answer = await transport.request(metadata, create(metadata, { topics, allowAutoTopicCreation: false }));
  return answer.topics.flatMap(({ errorCode, name, topicId, isInternal, partitions }) => {
    if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return [];
    if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, `the topic ${name}`);
    const list = partitions
      .map((each) => ({
        partition: each.partitionIndex,
        leader: each.leaderId,
        replicas: each.replicaNodes,
        isr: each.isrNodes,
        elr: null,
        lastKnownElr: null,
      }))
      .sort((a, b) => a.partition - b.partition);
    return [{ name: name!, topicId, internal: isInternal, partitions: list }];
  });
}

export async function describeConfigs(transport: Transport, resource: ConfigResource): Promise<ConfigDetails[]> {
  const { results } = await transport.request(
    describeConfigsApi,
    create(describeConfigsApi, { resources: [{ ...keyOf(resource), configurationKeys: null }], includeSynonyms: true }),
  );
  const [result] = results;
  if (result === undefined) throw errorFor(ErrorCode.UNKNOWN_SERVER_ERROR, `the configs of ${textOf(resource)}`);
  if (result.errorCode !== ErrorCode.NONE) {
    throw errorFor(result.errorCode, `the configs of ${textOf(resource)}`, result.errorMessage);
  }
  return result.configs.map(({ name, value, configSource, isSensitive, readOnly, synonyms }) => ({
    name,
    value,
    source: sourceName(configSource),
    isSensitive,
    isReadOnly: readOnly,
    synonyms: synonyms.map((each) => ({ name: each.name, value: each.value, source: sourceName(each.source) })),
  }));
}

export async function alterConfigs(
  transport: Transport,
  resource: ConfigResource,
  set: Readonly<Record<string, string | null>>,
  validateOnly = false,
): Promise<void> {
  const configs = Object.entries(set).map(([name, value]) => ({
    name,
    configOperation: value === null ? ConfigOperation.delete : ConfigOperation.set,
    value,
  }));
  const { responses } = await transport.request(
    incrementalAlterConfigs,
    create(incrementalAlterConfigs, { resources: [{ ...keyOf(resource), configs }], validateOnly }),
  );
  for (const { errorCode, errorMessage } of responses) {
    if (errorCode !== ErrorCode.NONE) throw errorFor(errorCode, `the configs of ${textOf(resource)}`, errorMessage);
  }
}

function keyOf({ type, name }: ConfigResource): { readonly resourceType: number; readonly resourceName: string } {
  return { resourceType: TYPES[type], resourceName: name };
}

function textOf({ type, name }: ConfigResource): string {
  return name === '' ? `all ${type}s` : `${type} ${name}`;
}

/** The directories of one broker; with the partitions of these topics (null: of all). */
export async function logDirsOf(transport: Transport, topics: readonly TopicPartition[] | null): Promise<LogDir[]> {
  const asked =
    topics === null
      ? null
      : [...Map.groupBy(topics, ({ topic }) => topic)].map(([topic, list]) => ({
          topic,
          partitions: list.map(({ partition }) => partition),
        }));
  const response = await transport.request(describeLogDirs, create(describeLogDirs, { topics: asked }));
  if (response.errorCode !== ErrorCode.NONE) throw errorFor(response.errorCode, 'the directories of logs');
  return response.results.map((dir) => ({
    path: dir.logDir,
    error: dir.errorCode === ErrorCode.NONE ? undefined : errorName(dir.errorCode),
    partitions: dir.topics.flatMap(({ name, partitions }) =>
      partitions.map((each) => ({
        topic: name,
        partition: each.partitionIndex,
        sizeBytes: each.partitionSize,
        offsetLag: each.offsetLag,
        isFuture: each.isFutureKey,
      })),
    ),
  }));
}

export async function deleteOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<(TopicPartition & { readonly error: Error | undefined })[]> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, list]) => ({
    name,
    partitions: list.map(({ partition }) => ({ partitionIndex: partition })),
  }));
  const response = await cluster.askCoordinator(
    { type: 'group', key: groupId },
    offsetDelete,
    () => create(offsetDelete, { groupId, topics }),
    ({ errorCode }) => errorCode,
  );
  return response.topics.flatMap(({ name: topic, partitions: list }) =>
    list.map(({ partitionIndex: partition, errorCode }) => ({
      topic,
      partition,
      error: errorCode === ErrorCode.NONE ? undefined : errorFor(errorCode, `the offset of ${topic}-${partition}`),
    })),
  );
}

const apiNames: ReadonlyMap<number, string> = new Map(
  Object.values(protocol).flatMap((each) =>
    typeof each === 'object' && 'key' in each && 'name' in each ? [[each.key, each.name] as const] : [],
  ),
);

/** What one broker answers. */
export async function apiVersionsOf(transport: Transport): Promise<ApiVersion[]> {
  const answer = await transport.request(
    apiVersions,
    create(apiVersions, { clientSoftwareName: SOFTWARE_NAME, clientSoftwareVersion: SOFTWARE_VERSION }),
  );
  if (answer.errorCode !== ErrorCode.NONE) throw errorFor(answer.errorCode, 'the versions of APIs');
  return answer.apiKeys
    .map(({ apiKey: key, minVersion: min, maxVersion: max }) => ({ key, name: apiNames.get(key), min, max }))
    .sort((a, b) => a.key - b.key);
}
