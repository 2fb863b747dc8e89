// The last records of a query's topics, and what a part of the query makes of them: what a diagnosis looks at where counts
// don't say enough. Nothing is kept, and nothing is written.
import { type Client, type ConsumerRecord, recordsOf } from '../../../client/index.ts';
import { SynchronousTopology } from '../../../streams/index.ts';
import { plainKey } from '../../compile/flow.ts';
import { compileFlow } from '../../compile/topology.ts';
import { isFatal } from '../../expressions/evaluation/evaluate.ts';
import { sourceSteps, type Step } from '../../plan/plan.ts';
import { valueText } from '../../values/value.ts';
import type { Evidence, PartitionEvidence } from './evidence.ts';

/** Of each partition. */
const RECORDS = 200;
/** How long the broker may take to bring them, milliseconds. */
const PATIENCE_MS = 2000;
const POLL_MS = 200;

/** A row on its way into a join: its key as text, and its time. */
export interface SampledRow {
  readonly key: string;
  readonly time: number;
}

/** The last records of a topic that are committed, by partition and offset. */
export async function lastRecords(
  { client, partitions: known, now }: Evidence,
  topic: string,
): Promise<ConsumerRecord[]> {
  const partitions = (known.get(topic) ?? []).filter(({ start, stableEnd }) => start < stableEnd);
  if (partitions.length === 0) return [];
  return readTail(client, partitions, now);
}

async function readTail(
  client: Client,
  partitions: readonly PartitionEvidence[],
  now: () => number,
): Promise<ConsumerRecord[]> {
  const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
  const found: ConsumerRecord[] = [];
  const until = now() + PATIENCE_MS;
  try {
    consumer.assign(
      partitions.map(({ topic, partition, start, stableEnd }) => ({
        topic,
        partition,
        offset: Math.max(start, stableEnd - RECORDS),
      })),
    );
    while (partitions.some((each) => consumer.position(each) < each.stableEnd) && now() < until) {
      found.push(...recordsOf(await consumer.poll(POLL_MS)));
    }
  } finally {
    await consumer.close();
  }
  return found;
}

/** What the last records of a step's sources become up to that step. */
export async function rowsInto(evidence: Evidence, step: Step): Promise<SampledRow[]> {
  const { engine, settings, query } = evidence;
  const { functions, schemas } = engine;
  const found: SampledRow[] = [];
  const env = { functions, schemas, setting: (name: string) => settings[name], log: () => {} };
  const topology = compileFlow(env, step, query.queryId, (flow) => {
    const stream = 'stream' in flow ? flow.stream : flow.table.toStream();
    stream.foreach((key, _row, context) => {
      const plain = plainKey(key);
      const text = plain === null ? 'null' : step.key.map(({ type }, i) => valueText(type, plain[i]!)).join(', ');
      found.push({ key: text, time: context.timestamp });
    });
  });
  const running = new SynchronousTopology(topology, {
    onDecodeError: () => 'continue',
    onProcessingError: (error) => (isFatal(error) ? 'fail' : 'continue'),
  });
  try {
    for (const topic of new Set(sourceSteps(step).map((source) => source.topic))) {
      await running.pipeAll(await lastRecords(evidence, topic));
    }
  } finally {
    running.close();
  }
  return found;
}
