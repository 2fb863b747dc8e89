// org.apache.kafka.connect.mirror.MirrorHeartbeatConnector: a record from time to time in the topic heartbeats, which mirrored elsewhere
// says that mirroring works, and how late it is.
import {
  atLeast,
  type ConfigOf,
  defineConfig,
  type SourceTask,
  type SourceTaskContext,
  sourcePlugin,
} from '../../api/index.ts';
import { KAFKA_VERSION } from '../../data/kafka-version.ts';
import { type SourceRecord, sourceRecord } from '../../data/record.ts';
import { BYTES } from '../../data/schema.ts';
import { writeHeartbeat } from './records.ts';
import { mirrorConfig, mirrorProblems } from './settings.ts';

const config = defineConfig({
  ...mirrorConfig,
  'emit.heartbeats.enabled': { type: 'BOOLEAN', default: true, importance: 'LOW', doc: 'Whether there are any.' },
  'emit.heartbeats.interval.seconds': {
    type: 'LONG',
    default: 1,
    importance: 'LOW',
    doc: 'How often.',
    validator: atLeast(1),
  },
});
type Config = ConfigOf<typeof config>;

export const mirrorHeartbeat = sourcePlugin({
  className: 'org.apache.kafka.connect.mirror.MirrorHeartbeatConnector',
  version: KAFKA_VERSION,
  config,
  validate: (given) => mirrorProblems(given),
  create: (given, raw) => ({ taskConfigs: () => (given.enabled && given['emit.heartbeats.enabled'] ? [raw] : []) }),
  task: () => new MirrorHeartbeatTask(),
});

class MirrorHeartbeatTask implements SourceTask<Config> {
  #config!: Config;
  #context!: SourceTaskContext;
  #isFirst = true;

  start(given: Config, context: SourceTaskContext): void {
    this.#config = given;
    this.#context = context;
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    if (!this.#isFirst) await this.#context.pause(this.#config['emit.heartbeats.interval.seconds'] * 1000, signal);
    if (signal.aborted) return [];
    this.#isFirst = false;
    const timestamp = this.#context.environment.now();
    const { 'source.cluster.alias': source, 'target.cluster.alias': target } = this.#config;
    const { key, value } = writeHeartbeat(source, target, timestamp);
    return [
      sourceRecord({
        topic: 'heartbeats',
        partition: 0,
        key,
        keySchema: BYTES,
        value,
        valueSchema: BYTES,
        timestamp,
        sourcePartition: { sourceClusterAlias: source, targetClusterAlias: target },
        sourceOffset: { offset: 0 },
      }),
    ];
  }

  stop(): void {}
}
