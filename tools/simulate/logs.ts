/** All records of the topics that a simulation looks at, read when everything has come to rest. */
import { type Client, recordsOf } from '../../src/client/index.ts';
import type { Scheduler } from './scheduler.ts';

export interface SeenRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

export type Isolation = 'read_committed' | 'read_uncommitted';

type Topics = ReadonlyMap<string, readonly (readonly SeenRecord[])[]>;

/** Records by topic and partition. */
export class Logs {
  readonly #committed: Topics;
  readonly #all: Topics;

  private constructor(committed: Topics, all: Topics) {
    this.#committed = committed;
    this.#all = all;
  }

  static async read(client: Client, scheduler: Scheduler): Promise<Logs> {
    const names = (await client.admin().listTopics()).filter((name) => !name.startsWith('_'));
    const topics = await client.admin().describeTopics(names);
    const counts = new Map([...topics].map(([name, { partitions }]) => [name, partitions.length]));
    scheduler.note('checker', `reads ${names.length} topics`);
    return new Logs(await readAll(client, counts, 'read_committed'), await readAll(client, counts, 'read_uncommitted'));
  }

  get topics(): readonly string[] {
    return [...this.#committed.keys()];
  }

  /** The records of a topic's partitions; none when there is no such topic. */
  of(topic: string, isolation: Isolation = 'read_committed'): readonly (readonly SeenRecord[])[] {
    return (isolation === 'read_committed' ? this.#committed : this.#all).get(topic) ?? [];
  }
}

async function readAll(
  client: Client,
  counts: ReadonlyMap<string, number>,
  isolation: Isolation,
): Promise<Map<string, SeenRecord[][]>> {
  const partitions = [...counts].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  const found = new Map(
    [...counts].map(([topic, count]) => [topic, Array.from({ length: count }, (): SeenRecord[] => [])]),
  );
  const ends = await client.admin().listOffsets(
    partitions.map((partition) => ({ ...partition, timestamp: -1 })),
    isolation,
  );
  const consumer = client.consumer({ isolationLevel: isolation, fetchMaxWaitMs: 50 });
  consumer.assign(partitions.map((partition) => ({ ...partition, offset: -2 })));
  while (ends.some((end) => end.offset > 0 && consumer.position(end) < end.offset)) {
    for (const { topic, partition, offset, key, value } of recordsOf(await consumer.poll(500))) {
      const records = found.get(topic)![partition]!;
      records.push({ offset, key: key?.toString() ?? null, value: value?.toString('latin1') ?? null });
    }
  }
  await consumer.close();
  return found;
}
