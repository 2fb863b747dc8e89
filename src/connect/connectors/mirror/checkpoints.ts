// org.apache.kafka.connect.mirror.MirrorCheckpointConnector: where groups of the source may go on in the target. Offsets that groups have
// committed there are translated and written as checkpoints and, where it is asked for, committed here for groups that are not at work.
import type { Admin, CommittedOffset } from '../../../client/index.ts';
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
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import { type SourceRecord, sourceRecord } from '../../data/record.ts';
import { BYTES } from '../../data/schema.ts';
import { OffsetSyncs } from './offset-syncs.ts';
import { type Checkpoint, writeCheckpoint } from './records.ts';
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

const GROUPS = 'Groups';

const config = defineConfig({
  ...mirrorConfig,
  ...mirrorAccess,
  topics: {
    type: 'LIST',
    default: '.*',
    importance: 'HIGH',
    doc: 'Patterns of the topics that are mirrored.',
    group: GROUPS,
  },
  'topics.exclude': {
    type: 'LIST',
    default: 'mm2.*\\.internal,.*\\.replica,__.*',
    importance: 'HIGH',
    doc: 'Patterns of topics that are not.',
    group: GROUPS,
  },
  groups: {
    type: 'LIST',
    default: '.*',
    importance: 'HIGH',
    doc: 'Patterns of the groups whose offsets are translated.',
    group: GROUPS,
  },
  'groups.exclude': {
    type: 'LIST',
    default: 'console-consumer-.*,connect-.*,__.*',
    importance: 'HIGH',
    doc: 'Patterns of groups whose offsets are not.',
    group: GROUPS,
  },
  'refresh.groups.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether is looked again for groups.',
    group: GROUPS,
  },
  'refresh.groups.interval.seconds': {
    type: 'LONG',
    default: 600,
    importance: 'LOW',
    doc: 'How often.',
    group: GROUPS,
    validator: atLeast(1),
  },
  'emit.checkpoints.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether checkpoints are written.',
    group: GROUPS,
  },
  'emit.checkpoints.interval.seconds': {
    type: 'LONG',
    default: 60,
    importance: 'LOW',
    doc: 'How often.',
    group: GROUPS,
    validator: atLeast(1),
  },
  'sync.group.offsets.enabled': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether translated offsets are committed here, for groups without members.',
    group: GROUPS,
  },
  'sync.group.offsets.interval.seconds': {
    type: 'LONG',
    default: 60,
    importance: 'LOW',
    doc: 'How often; they are with the checkpoints.',
    group: GROUPS,
    validator: atLeast(1),
  },
  'task.assigned.groups': {
    type: 'LIST',
    default: '',
    importance: 'HIGH',
    doc: 'The groups of a task.',
    internal: true,
  },
});
export type MirrorCheckpointConfig = ConfigOf<typeof config>;

export const mirrorCheckpoint = sourcePlugin({
  className: 'org.apache.kafka.connect.mirror.MirrorCheckpointConnector',
  version: KAFKA_VERSION,
  config,
  validate: (given) => mirrorProblems(given),
  create: (given, raw, context) => new MirrorCheckpointConnector(given, raw, context),
  task: () => new MirrorCheckpointTask(),
});

class MirrorCheckpointConnector implements Connector {
  readonly #config: MirrorCheckpointConfig;
  readonly #raw: RawConfig;
  readonly #context: ConnectorContext;
  readonly #patterns: Patterns;
  #clusters: Clusters | undefined;
  #groups: readonly string[] = [];
  #cancel = (): void => {};

  constructor(given: MirrorCheckpointConfig, raw: RawConfig, context: ConnectorContext) {
    this.#config = given;
    this.#raw = raw;
    this.#context = context;
    this.#patterns = new Patterns(given.groups, given['groups.exclude']);
  }

  async start(): Promise<void> {
    const { enabled, 'emit.checkpoints.enabled': emits } = this.#config;
    if (!enabled || !emits) return;
    this.#clusters = clustersOf(this.#config, this.#context.environment);
    this.#groups = await this.#look();
    if (this.#config['refresh.groups.enabled']) this.#lookAgain();
  }

  taskConfigs(maxTasks: number): readonly RawConfig[] {
    const count = Math.min(maxTasks, this.#groups.length);
    return Array.from({ length: count }, (_, task) => ({
      ...this.#raw,
      'task.assigned.groups': this.#groups.filter((_group, i) => i % count === task).join(','),
    }));
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#clusters?.close();
  }

  async #look(): Promise<readonly string[]> {
    const groups = await this.#clusters!.source.admin().listGroups();
    return groups
      .filter(
        ({ protocolType, groupId }) =>
          (protocolType === 'consumer' || protocolType === '') && this.#patterns.has(groupId),
      )
      .map(({ groupId }) => groupId)
      .sort();
  }

  #lookAgain(): void {
    this.#cancel = this.#context.environment.after(this.#config['refresh.groups.interval.seconds'] * 1000, async () => {
      try {
        const groups = await this.#look();
        if (groups.join() !== this.#groups.join()) {
          this.#groups = groups;
          this.#context.requestTaskReconfiguration();
        }
      } catch (error) {
        this.#context.log.warn(`could not look for groups, and will look again: ${messageOf(error)}`);
      }
      this.#lookAgain();
    });
  }
}

class MirrorCheckpointTask implements SourceTask<MirrorCheckpointConfig> {
  #config!: MirrorCheckpointConfig;
  #context!: SourceTaskContext;
  #clusters: Clusters | undefined;
  #syncs: OffsetSyncs | undefined;
  #policy!: ReplicationPolicy;
  #patterns!: Patterns;
  /** By group and partition, what was written last. */
  readonly #last = new Map<string, number>();
  #isFirst = true;

  async start(given: MirrorCheckpointConfig, context: SourceTaskContext): Promise<void> {
    this.#config = given;
    this.#context = context;
    this.#policy = new ReplicationPolicy(given);
    this.#patterns = new Patterns(given.topics, given['topics.exclude']);
    const clusters = clustersOf(given, context.environment);
    this.#clusters = clusters;
    const { client, topic } = syncsPlace(given, clusters);
    this.#syncs = await OffsetSyncs.open(client, topic, given['offset-syncs.topic.replication.factor']);
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    if (!this.#isFirst) await this.#context.pause(this.#config['emit.checkpoints.interval.seconds'] * 1000, signal);
    if (signal.aborted) return [];
    this.#isFirst = false;
    await this.#syncs!.refresh();
    const records: SourceRecord[] = [];
    for (const group of this.#config['task.assigned.groups']) {
      const checkpoints = await this.#checkpointsOf(group);
      if (this.#config['sync.group.offsets.enabled']) await this.#commit(group, checkpoints);
      records.push(
        ...checkpoints.filter((checkpoint) => this.#isNew(checkpoint)).map((checkpoint) => this.#record(checkpoint)),
      );
    }
    return records;
  }

  async stop(): Promise<void> {
    await this.#syncs?.close();
    await this.#clusters?.close();
  }

  async #checkpointsOf(group: string): Promise<Checkpoint[]> {
    const committed = await this.#clusters!.source.admin().committedOffsets(group);
    return committed.flatMap((offset) => this.#checkpoint(group, offset) ?? []);
  }

  #checkpoint(group: string, { topic, partition, offset, metadata }: CommittedOffset): Checkpoint | undefined {
    if (offset < 0 || !this.#patterns.has(topic) || this.#policy.isInternal(topic)) return undefined;
    const downstream = this.#syncs!.translate(topic, partition, offset);
    if (downstream === undefined) return undefined;
    return { group, topic: this.#policy.remoteTopic(topic), partition, upstream: offset, downstream, metadata };
  }

  #isNew({ group, topic, partition, downstream }: Checkpoint): boolean {
    const name = JSON.stringify([group, topic, partition]);
    if (this.#last.get(name) === downstream) return false;
    this.#last.set(name, downstream);
    return true;
  }

  /** Only forward, and only where nobody is at work. */
  async #commit(group: string, checkpoints: readonly Checkpoint[]): Promise<void> {
    const admin = this.#clusters!.target.admin();
    try {
      if (await isAtWork(admin, group)) return;
      const has = new Map(
        (await admin.committedOffsets(group)).map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]),
      );
      const ahead = checkpoints
        .filter(({ topic, partition, downstream }) => downstream > (has.get(`${topic}-${partition}`) ?? -1))
        .map(({ topic, partition, downstream }) => ({ topic, partition, offset: downstream }));
      if (ahead.length > 0) await admin.alterOffsets(group, ahead);
    } catch (error) {
      this.#context.log.warn(
        `the offsets of group ${group} were not committed here, which is tried again: ${messageOf(error)}`,
      );
    }
  }

  #record(checkpoint: Checkpoint): SourceRecord {
    const { key, value } = writeCheckpoint(checkpoint);
    const { group, topic, partition } = checkpoint;
    return sourceRecord({
      topic: this.#policy.checkpointsTopic(),
      partition: 0,
      key,
      keySchema: BYTES,
      value,
      valueSchema: BYTES,
      timestamp: this.#context.environment.now(),
      sourcePartition: { group, topic, partition },
      sourceOffset: { offset: 0 },
    });
  }
}

async function isAtWork(admin: Admin, group: string): Promise<boolean> {
  try {
    const [described] = await admin.describeGroups([group]);
    return described !== undefined && !['Empty', 'Dead'].includes(described.state);
  } catch (error) {
    if (codeOf(error) === 'GROUP_ID_NOT_FOUND') return false;
    throw error;
  }
}
