// The engine's ports on a cluster: its topics, and where INSERT VALUES writes.
import type { Admin, Client, Producer } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import type { RecordWriter, TopicOptions, Topics } from './context.ts';

export function clusterTopics(admin: Admin): Topics {
  return {
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

/**
 * The cluster's topics while a command log is repeated: what the log once did to them has been done, and a topic of that
 * name may hold another one's records by now. So nothing is deleted, and a topic is made only for what is left at the end,
 * if it is missing then.
 */
export class ReplayedTopics implements Topics {
  readonly #topics: Topics;
  readonly #missing = new Map<string, TopicOptions>();
  #isReplaying = true;

  constructor(topics: Topics) {
    this.#topics = topics;
  }

  async describe(topic: string) {
    return (await this.#topics.describe(topic)) ?? this.#missing.get(topic);
  }

  async create(topic: string, options: TopicOptions): Promise<void> {
    if (this.#isReplaying) this.#missing.set(topic, options);
    else await this.#topics.create(topic, options);
  }

  async delete(topic: string): Promise<void> {
    if (this.#isReplaying) this.#missing.delete(topic);
    else await this.#topics.delete(topic);
  }

  /** From here on everything is done as it is said. A topic that can't be made is a matter of those who read it. */
  async end(onFailure: (topic: string, error: unknown) => void): Promise<void> {
    this.#isReplaying = false;
    for (const [topic, options] of this.#missing) {
      await this.#topics.create(topic, options).catch((error: unknown) => onFailure(topic, error));
    }
    this.#missing.clear();
  }
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
