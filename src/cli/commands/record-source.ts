// Records of topics, as commands read them: stretches of partitions from one place to another, or what a group assigns.
import { type Client, type Consumer, type ConsumerRecord, recordsOf, type TopicPartition } from '../../client/index.ts';
import { MillraceError } from '../../util/index.ts';

const POLL_MS = 500;
const COMMIT_MS = 5000;

export interface Stretch extends TopicPartition {
  readonly from: number;
  /** Where it ends: this record is not read any more. Undefined: it goes on with what comes. */
  readonly to: number | undefined;
}

export interface ReadOptions {
  readonly readCommitted?: boolean;
  /** Resolves when reading is to end. */
  readonly interrupted?: Promise<void>;
}

/** The records of stretches, in order per partition. Ends when all of them do. */
export async function* readStretches(
  client: Client,
  stretches: readonly Stretch[],
  { readCommitted = false, interrupted }: ReadOptions = {},
): AsyncGenerator<ConsumerRecord> {
  const open = new Map(
    stretches.filter(({ from, to }) => to === undefined || from < to).map((each) => [nameOf(each), each]),
  );
  if (open.size === 0) return;
  const consumer = client.consumer({
    autoOffsetReset: 'earliest',
    isolationLevel: readCommitted ? 'read_committed' : 'read_uncommitted',
  });
  const end = endOf(consumer, interrupted);
  try {
    consumer.assign([...open.values()].map(({ topic, partition, from }) => ({ topic, partition, offset: from })));
    while (open.size > 0 && !end.isAsked) {
      for (const record of recordsOf(await consumer.poll(POLL_MS))) {
        const { to } = open.get(nameOf(record)) ?? { to: 0 };
        if (to === undefined || record.offset < to) yield record;
        if (end.isAsked) return;
      }
      // By the position, not by records: those at the end may have been taken away, or be a transaction's marks.
      const done = [...open.values()].filter((each) => each.to !== undefined && consumer.position(each) >= each.to);
      consumer.pause(done.map(({ topic, partition }) => ({ topic, partition })));
      for (const each of done) open.delete(nameOf(each));
    }
  } finally {
    await consumer.close();
  }
}

export interface GroupReadOptions extends ReadOptions {
  readonly groupId: string;
  /** Where to begin in partitions of which the group has read nothing. */
  readonly from: 'earliest' | 'latest';
  /** End where partitions ended when the group assigned them. */
  readonly exitAtEnd: boolean;
}

/** The records that a group assigns. What was handed out is committed: every few seconds, before a partition goes, at the end. */
export async function* readInGroup(
  client: Client,
  topics: readonly string[],
  { groupId, from, exitAtEnd, readCommitted = false, interrupted }: GroupReadOptions,
): AsyncGenerator<ConsumerRecord> {
  const isolationLevel = readCommitted ? 'read_committed' : 'read_uncommitted';
  const consumer = client.consumer({ groupId, isolationLevel, autoOffsetReset: from });
  const read = new Map<string, { readonly topic: string; readonly partition: number; readonly offset: number }>();
  const commit = async (): Promise<void> => {
    await consumer.commit([...read.values()]);
    read.clear();
  };
  let ends: Map<string, number> | undefined;
  const onAssigned = async (partitions: readonly TopicPartition[]): Promise<void> => {
    const found = await client.admin().listOffsets(
      partitions.map((each) => ({ ...each, timestamp: -1 })),
      isolationLevel,
    );
    ends = new Map([...(ends ?? []), ...found.map((each) => [nameOf(each), each.offset] as const)]);
  };
  const end = endOf(consumer, interrupted);
  try {
    consumer.subscribe(topics, { onRevoked: commit, ...(exitAtEnd ? { onAssigned } : {}) });
    let committed = Date.now();
    while (!end.isAsked && !isRead(consumer, ends)) {
      for (const record of recordsOf(await consumer.poll(POLL_MS))) {
        const { topic, partition, offset } = record;
        const isBehind = ends !== undefined && offset >= (ends.get(nameOf(record)) ?? 0);
        if (isBehind) continue;
        read.set(nameOf(record), { topic, partition, offset: offset + 1 });
        yield record;
        if (end.isAsked) return;
      }
      if (Date.now() - committed < COMMIT_MS) continue;
      await commit();
      committed = Date.now();
    }
  } finally {
    await commit();
    await consumer.close();
  }
}

/** Whether everything up to the ends is read, which a member without partitions has; without ends there is always more to come. */
function isRead(consumer: Consumer, ends: ReadonlyMap<string, number> | undefined): boolean {
  if (ends === undefined) return false;
  return consumer.assignment().every((each) => consumer.position(each) >= (ends.get(nameOf(each)) ?? 0));
}

function endOf(consumer: Consumer, interrupted: Promise<void> | undefined): { readonly isAsked: boolean } {
  const end = { isAsked: false };
  void interrupted?.then(() => {
    end.isAsked = true;
    consumer.wakeup();
  });
  return end;
}

/** All partitions of topics, or those of these numbers. */
export async function partitionsOf(
  client: Client,
  topics: readonly string[],
  wanted?: readonly number[],
): Promise<TopicPartition[]> {
  const states = await client.admin().describeTopics(topics);
  const missing = topics.filter((topic) => !states.has(topic));
  if (missing.length > 0) throw missingPartition(`there is no topic ${missing.join(', ')}.`);
  return topics.flatMap((topic) => {
    const there = states.get(topic)!.partitions.map(({ partition }) => partition);
    const beyond = wanted?.find((partition) => !there.includes(partition));
    if (beyond !== undefined) throw missingPartition(`the topic ${topic} has no partition ${beyond}.`);
    return (wanted ?? there.toSorted((a, b) => a - b)).map((partition) => ({ topic, partition }));
  });
}

function missingPartition(why: string): MillraceError {
  return new MillraceError('UNKNOWN_TOPIC_OR_PARTITION', why);
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
