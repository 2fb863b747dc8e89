// The engine's ports on a cluster: its topics, and where INSERT VALUES writes.
import type { Admin, Client, Producer } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import type { RecordWriter, Topics } from './context.ts';

export function clusterTopics(admin: Admin): Topics {
  return {
    areRepeated: false,
    async describe(topic) {
      const found = (await admin.describeTopics([topic])).get(topic);
      if (found === undefined) return undefined;
      return { partitions: found.partitions.length, replicas: found.partitions[0]?.replicas.length ?? 1 };
    },
    async create(topic, { partitions, replicas, cleanupPolicy, retentionMs }) {
      const configs = {
        'cleanup.policy': cleanupPolicy,
        ...(retentionMs === undefined ? {} : { 'retention.ms': String(retentionMs) }),
      };
      await admin.createTopics([{ name: topic, partitions, replicationFactor: replicas, configs }]);
    },
    async delete(topic) {
      try {
        await admin.deleteTopics([topic]);
      } catch (error) {
        if (codeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      }
    },
  };
}

export function clusterWriter(client: Client): RecordWriter & { close(): Promise<void> } {
  let producer: Producer | undefined;
  return {
    async write(topic, key, value, timestamp) {
      producer ??= client.producer({ lingerMs: 0 });
      await producer.send({ topic, key, value, ...(timestamp === undefined ? {} : { timestamp }) });
    },
    async close() {
      await producer?.close();
    },
  };
}
