// Topics in memory, for statements that are tried without a broker: a list of records each.
import type { OutputRecord } from '../../streams/index.ts';
import type { RecordWriter, TopicOptions, Topics, WrittenRecord } from '../statements/context.ts';

interface MemoryTopic {
  readonly partitions: number;
  readonly replicas: number;
  readonly records: OutputRecord[];
}

/** As many as ksqlDB's own tools give a topic that nobody has made. */
const PARTITIONS = 4;

export class MemoryTopics implements Topics, RecordWriter {
  readonly areRepeated = false;
  readonly #topics = new Map<string, MemoryTopic>();

  /** Topics that statements read are there before them. */
  make(topic: string, partitions = PARTITIONS): void {
    if (!this.#topics.has(topic)) this.#topics.set(topic, { partitions, replicas: 1, records: [] });
  }

  records(topic: string): readonly OutputRecord[] {
    return this.#topics.get(topic)?.records ?? [];
  }

  append(record: OutputRecord): void {
    this.make(record.topic);
    this.#topics.get(record.topic)!.records.push(record);
  }

  async describe(topic: string): Promise<{ partitions: number; replicas: number } | undefined> {
    return this.#topics.get(topic);
  }

  async create(topic: string, { partitions, replicas }: TopicOptions): Promise<void> {
    this.#topics.set(topic, { partitions, replicas, records: [] });
  }

  async delete(topic: string): Promise<void> {
    this.#topics.delete(topic);
  }

  async write(records: readonly WrittenRecord[]): Promise<void> {
    for (const { topic, key, value, timestamp = 0, headers } of records)
      this.append({ topic, partition: 0, offset: 0, key, value, timestamp, headers });
  }
}
