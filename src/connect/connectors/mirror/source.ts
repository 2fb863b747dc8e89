// org.apache.kafka.connect.mirror.MirrorSourceConnector: topics of another cluster, record by record, into this one: partition by
// partition, with keys, values, headers and times as they are. The connector looks which topics there are, makes them here, keeps their
// settings and access rules the same, and shares their partitions out.
import { type Consumer, recordsOf, type TopicPartition } from '../../../client/index.ts';
import { codeOf, messageOf } from '../../../util/index.ts';
import {
  atLeast,
  type ConfigOf,
  type Connector,
  type ConnectorContext,
  defineConfig,
  type RawConfig,
  type SourceTask,
  type SourceTaskContext,
  sourcePlugin,
} from '../../api/index.ts';
import { ConnectError } from '../../data/errors.ts';
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import type { SourceRecord } from '../../data/record.ts';
import { OPTIONAL_BYTES } from '../../data/schema.ts';
import { OffsetSyncWriter } from './offset-syncs.ts';
import {
  type Clusters,
  clustersOf,
  mirrorAccess,
  mirrorConfig,
  mirrorProblems,
  Patterns,
  ReplicationPolicy,
  syncsPlace,
} from './settings.ts';
import { TopicSync } from './topic-sync.ts';

const TOPICS = 'Topics';

const config = defineConfig({
  ...mirrorConfig,
  ...mirrorAccess,
  topics: { type: 'LIST', default: '.*', importance: 'HIGH', doc: 'Patterns of the topics to mirror.', group: TOPICS },
  'topics.exclude': {
    type: 'LIST',
    default: 'mm2.*\\.internal,.*\\.replica,__.*',
    importance: 'HIGH',
    doc: 'Patterns of topics not to mirror; goes before topics.',
    group: TOPICS,
  },
  'replication.factor': {
    type: 'INT',
    default: 2,
    importance: 'HIGH',
    doc: 'Of topics that are made here; fewer, where there are fewer brokers; -1: as the brokers say.',
    group: TOPICS,
  },
  'refresh.topics.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether is looked again for topics and partitions.',
    group: TOPICS,
  },
  'refresh.topics.interval.seconds': {
    type: 'LONG',
    default: 600,
    importance: 'LOW',
    doc: 'How often.',
    group: TOPICS,
    validator: atLeast(1),
  },
  'sync.topic.configs.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether topics here get the settings of those there.',
    group: TOPICS,
  },
  'sync.topic.configs.interval.seconds': {
    type: 'LONG',
    default: 600,
    importance: 'LOW',
    doc: 'How often.',
    group: TOPICS,
    validator: atLeast(1),
  },
  'config.properties.exclude': {
    type: 'LIST',
    default:
      'follower\\.replication\\.throttled\\.replicas,leader\\.replication\\.throttled\\.replicas,message\\.timestamp\\.difference\\.max\\.ms,message\\.timestamp\\.type,unclean\\.leader\\.election\\.enable,min\\.insync\\.replicas',
    importance: 'LOW',
    doc: 'Patterns of settings that are not.',
    group: TOPICS,
  },
  'sync.topic.acls.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether topics here get the access rules of those there, but for writing.',
    group: TOPICS,
  },
  'sync.topic.acls.interval.seconds': {
    type: 'LONG',
    default: 600,
    importance: 'LOW',
    doc: 'How often.',
    group: TOPICS,
    validator: atLeast(1),
  },
  'offset.lag.max': {
    type: 'LONG',
    default: 100,
    importance: 'LOW',
    doc: 'How many records lie between two offsets that are told to those who translate them.',
    group: TOPICS,
    validator: atLeast(0),
  },
  'emit.offset-syncs.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether they are told.',
    group: TOPICS,
  },
  'consumer.poll.timeout.ms': {
    type: 'LONG',
    default: 1000,
    importance: 'LOW',
    doc: 'How long is waited for records.',
    group: TOPICS,
    validator: atLeast(1),
  },
  'task.assigned.partitions': {
    type: 'LIST',
    default: '',
    importance: 'HIGH',
    doc: 'The partitions of a task.',
    internal: true,
  },
});
export type MirrorSourceConfig = ConfigOf<typeof config>;

export const mirrorSource = sourcePlugin({
  className: 'org.apache.kafka.connect.mirror.MirrorSourceConnector',
  version: KAFKA_VERSION,
  config,
  validate: (given) => mirrorProblems(given),
  create: (given, raw, context) => new MirrorSourceConnector(given, raw, context),
  task: () => new MirrorSourceTask(),
  exactlyOnce: () => 'supported',
  checkOffsets(_config, offsets) {
    for (const { partition, offset } of offsets) {
      if (Object.keys(partition).sort().join() !== 'cluster,partition,topic')
        throw new ConnectError(`Partition objects have cluster, topic and partition: ${JSON.stringify(partition)}`);
      if (offset !== null && !(Number.isSafeInteger(offset['offset']) && Number(offset['offset']) >= 0))
        throw new ConnectError(`Offset objects have an offset from 0 on: ${JSON.stringify(offset)}`);
    }
  },
});

class MirrorSourceConnector implements Connector {
  readonly #config: MirrorSourceConfig;
  readonly #raw: RawConfig;
  readonly #context: ConnectorContext;
  readonly #policy: ReplicationPolicy;
  readonly #patterns: Patterns;
  readonly #cancels: (() => void)[] = [];
  #clusters: Clusters | undefined;
  #sync: TopicSync | undefined;
  #partitions: readonly TopicPartition[] = [];
  #isStopped = false;

  constructor(given: MirrorSourceConfig, raw: RawConfig, context: ConnectorContext) {
    this.#config = given;
    this.#raw = raw;
    this.#context = context;
    this.#policy = new ReplicationPolicy(given);
    this.#patterns = new Patterns(given.topics, given['topics.exclude']);
  }

  async start(): Promise<void> {
    if (!this.#config.enabled) return;
    const clusters = clustersOf(this.#config, this.#context.environment);
    this.#clusters = clusters;
    this.#sync = new TopicSync(clusters, this.#policy, {
      replicationFactor: this.#config['replication.factor'],
      excludedConfigs: new Patterns(this.#config['config.properties.exclude'], []),
      log: this.#context.log,
    });
    await this.#refresh();
    const {
      'refresh.topics.enabled': looks,
      'sync.topic.configs.enabled': configs,
      'sync.topic.acls.enabled': acls,
    } = this.#config;
    const topics = (): string[] => [...new Set(this.#partitions.map(({ topic }) => topic))];
    if (looks) this.#every('refresh.topics.interval.seconds', () => this.#refresh());
    if (configs) this.#every('sync.topic.configs.interval.seconds', () => this.#sync!.configs(topics()), true);
    if (acls) this.#every('sync.topic.acls.interval.seconds', () => this.#sync!.acls(topics()), true);
  }

  taskConfigs(maxTasks: number): readonly RawConfig[] {
    const names = this.#partitions.map(({ topic, partition }) => `${topic}-${partition}`);
    const count = Math.min(maxTasks, names.length);
    return Array.from({ length: count }, (_, task) => ({
      ...this.#raw,
      'task.assigned.partitions': names.filter((_name, i) => i % count === task).join(','),
    }));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#cancels) cancel();
    await this.#clusters?.close();
  }

  async #refresh(): Promise<void> {
    const { source } = this.#clusters!;
    const names = (await source.admin().listTopics()).filter(
      (name) =>
        this.#patterns.has(name) &&
        !this.#policy.isInternal(name) &&
        !this.#policy.isCycle(name, this.#config['target.cluster.alias']),
    );
    const described = await source.admin().describeTopics(names.sort());
    await this.#sync!.topics([...described.values()]);
    const partitions = [...described.values()].flatMap(({ name, partitions: of }) =>
      of.map(({ partition }) => ({ topic: name, partition })),
    );
    const isKnown = JSON.stringify(partitions) === JSON.stringify(this.#partitions);
    const isFirst = this.#partitions.length === 0;
    this.#partitions = partitions;
    if (!isKnown && !isFirst) this.#context.requestTaskReconfiguration();
  }

  #every(
    interval:
      | 'refresh.topics.interval.seconds'
      | 'sync.topic.configs.interval.seconds'
      | 'sync.topic.acls.interval.seconds',
    work: () => Promise<void>,
    now = false,
  ): void {
    const again = (): void => {
      this.#cancels.push(this.#context.environment.after(this.#config[interval] * 1000, run));
    };
    const run = (): void => {
      work()
        .catch((error: unknown) => this.#context.log.warn(`mirroring will be looked at again: ${messageOf(error)}`))
        .finally(() => {
          if (!this.#isStopped) again();
        });
    };
    if (now) run();
    else again();
  }
}

class MirrorSourceTask implements SourceTask<MirrorSourceConfig> {
  #config!: MirrorSourceConfig;
  #context!: SourceTaskContext;
  #policy!: ReplicationPolicy;
  #clusters: Clusters | undefined;
  #consumer!: Consumer;
  #syncs: OffsetSyncWriter | undefined;

  async start(given: MirrorSourceConfig, context: SourceTaskContext): Promise<void> {
    this.#config = given;
    this.#context = context;
    this.#policy = new ReplicationPolicy(given);
    const clusters = clustersOf(given, context.environment);
    this.#clusters = clusters;
    if (given['emit.offset-syncs.enabled']) {
      const { client, topic } = syncsPlace(given, clusters);
      this.#syncs = await OffsetSyncWriter.open(client, topic, {
        lagMax: given['offset.lag.max'],
        replicationFactor: given['offset-syncs.topic.replication.factor'],
      });
    }
    const partitions = given['task.assigned.partitions'].map(partitionOf);
    const offsets = await context.offsets(partitions.map((partition) => this.#sourcePartition(partition)));
    this.#consumer = clusters.source.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
    this.#consumer.assign(partitions.map((partition, i) => ({ ...partition, offset: after(offsets[i]?.['offset']) })));
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const wake = (): void => this.#consumer.wakeup();
    signal.addEventListener('abort', wake);
    try {
      const fetched = await this.#consumer.poll(this.#config['consumer.poll.timeout.ms']);
      return [...recordsOf(fetched)].map((record) => ({
        topic: this.#policy.remoteTopic(record.topic),
        partition: record.partition,
        keySchema: OPTIONAL_BYTES,
        key: record.key,
        valueSchema: OPTIONAL_BYTES,
        value: record.value,
        timestamp: record.timestamp,
        headers: record.headers.map(({ key, value }) => ({ key, schema: OPTIONAL_BYTES, value })),
        sourcePartition: this.#sourcePartition(record),
        sourceOffset: { offset: record.offset },
      }));
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  commitRecord({ sourcePartition, sourceOffset }: SourceRecord, written: { readonly offset: number } | null): void {
    if (written === null || written.offset < 0) return;
    this.#syncs?.tell({
      topic: String(sourcePartition['topic']),
      partition: Number(sourcePartition['partition']),
      upstream: Number(sourceOffset['offset']),
      downstream: written.offset,
    });
  }

  async commit(): Promise<void> {
    try {
      await this.#syncs?.flush();
    } catch (error) {
      // Offsets are translated less well; records are mirrored all the same.
      this.#context.log.warn(`${messageOf(error)} (${codeOf(error)})`);
    }
  }

  async stop(): Promise<void> {
    await this.#syncs?.close();
    await this.#clusters?.close();
  }

  #sourcePartition({ topic, partition }: TopicPartition) {
    return { cluster: this.#config['source.cluster.alias'], partition, topic };
  }
}

/** Where reading goes on behind a stored offset. */
function after(offset: unknown): number {
  return typeof offset === 'number' ? offset + 1 : -2;
}

function partitionOf(name: string): TopicPartition {
  const at = name.lastIndexOf('-');
  return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) };
}
