// The engine's ports on a cluster: its topics, and where INSERT VALUES writes.
import type { Admin, Client, Producer } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import type { RecordWriter, Topics, WrittenRecord } from './context.ts';

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

/** So many records are on their way at once. */
const RECORDS_PER_TURN = 1000;

async function sendAll(producer: Producer, records: readonly WrittenRecord[]): Promise<void> {
  const sent = records.map(({ topic, key, value, headers, timestamp, partition }) =>
    producer.send({
      topic,
      key,
      value,
      headers,
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(partition === undefined ? {} : { partition }),
    }),
  );
  await Promise.all(sent);
}

export function clusterWriter(client: Client): RecordWriter & { close(): Promise<void> } {
  let producer: Producer | undefined;
  return {
    async write(records) {
      producer ??= client.producer({ lingerMs: 0 });
      const { length } = records;
      for (let at = 0; at < length; at += RECORDS_PER_TURN)
        await sendAll(producer, records.slice(at, at + RECORDS_PER_TURN));
    },
    async close() {
      await producer?.close();
    },
  };
}
