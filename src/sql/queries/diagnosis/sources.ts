// Why a source brings nothing.
import type { SourceStep } from '../../plan/plan.ts';
import { isExactlyOnce } from '../../settings.ts';
import { hasNewest, lagOf, type Evidence, type PartitionEvidence } from './evidence.ts';
import type { PlanFlow } from './flow.ts';
import type { EmptyReason } from '../../../sql-api/index.ts';
import { counted, durationText, placeText, timeText } from './text.ts';

const EARLIER = "To have them, SET 'auto.offset.reset'='earliest'; and create the query anew";

export function sourceReason(evidence: Evidence, flow: PlanFlow, step: SourceStep): EmptyReason {
  const { settings } = evidence;
  const partitions = evidence.partitions.get(step.topic) ?? [];
  const name = `topic ${step.topic}${step.source === step.topic ? '' : ` (${step.source})`}`;
  const ends = partitions.map(({ topic, partition, start, end, stableEnd }) => ({
    topic,
    partition,
    start,
    end,
    stableEnd,
  }));
  const total = sum(partitions, ({ start, end }) => end - start);
  const { topicsError } = evidence;
  if (topicsError !== undefined) {
    return {
      kind: 'topic-unknown',
      text: `Nothing has come from the ${name}, and the cluster does not say how it is: ${topicsError}`,
      evidence: { topic: step.topic, error: topicsError },
    };
  }
  if (partitions.length === 0) {
    return { kind: 'topic-missing', text: `The ${name} is not there any more.`, evidence: { topic: step.topic } };
  }
  const dropped = flow.recordsIn(step) === 0 ? undefined : droppedReason(evidence, flow, step);
  if (dropped !== undefined) return dropped;
  if (total === 0) {
    const gone = sum(partitions, ({ end }) => end) > 0;
    const text = gone
      ? `The ${name} holds no records any more: its retention has taken them.`
      : `The ${name} is empty: nothing has been written to it yet.`;
    return { kind: 'topic-empty', text, evidence: { partitions: ends } };
  }
  const lag = sum(partitions, lagOf);
  if (lag > 0) return waitingReason(name, partitions, lag, isExactlyOnce(settings));
  const arrived = Math.max(-1, ...partitions.map(({ read }) => read?.arrivedAt ?? -1));
  const everTaken = partitions.some(({ read }) => (read?.partitionTime ?? -1) >= 0);
  const started = timeText(evidence.now() - evidence.counts.runningMs);
  if (!everTaken && settings['auto.offset.reset'] !== 'earliest') {
    return {
      kind: 'started-at-latest',
      text: `The query began at the end of the ${name} (auto.offset.reset is latest), and nothing has come since ${started}. The topic holds ${counted(total, 'record')} from before.`,
      advice: `${EARLIER}.`,
      evidence: {
        'auto.offset.reset': settings['auto.offset.reset'] ?? 'latest',
        startedAt: started,
        partitions: ends,
      },
    };
  }
  const since =
    arrived < 0
      ? `since the query was started here, at ${started}`
      : `since ${timeText(arrived)}, ${durationText(evidence.now() - arrived)} ago`;
  return {
    kind: 'caught-up',
    text: `All ${counted(total, 'record')} of the ${name} have been read, and none has come ${since}.`,
    evidence: { partitions: ends, lastArrival: arrived < 0 ? null : timeText(arrived) },
  };
}

/** Records are there that the query has not read. */
function waitingReason(
  name: string,
  partitions: readonly PartitionEvidence[],
  lag: number,
  readsCommitted: boolean,
): EmptyReason {
  const waiting = partitions.filter((each) => lagOf(each) > 0);
  const held = waiting.filter(
    ({ stableEnd, end, read, committed }) => stableEnd < end && Math.max(read?.position ?? -1, committed) >= stableEnd,
  );
  if (readsCommitted && (held.length > 0 || waiting.every(({ stableEnd, start }) => stableEnd <= start))) {
    const [first] = held.length > 0 ? held : waiting;
    return {
      kind: 'open-transaction',
      text: `A transaction that its producer has not ended holds back ${counted(lag, 'record')} of the ${name}: the query reads what is committed, and that ends at ${placeText({ ...first!, offset: first!.stableEnd })}, of ${first!.end}.`,
      advice:
        'The producer has to commit or abort; when it does not come back, the broker aborts after its transaction.timeout.ms.',
      evidence: { records: lag, partitions: held.map(({ read: _, ...each }) => each) },
    };
  }
  const unread = waiting.filter(({ read }) => read === undefined);
  return {
    kind: 'behind',
    text:
      unread.length === 0
        ? `The query has yet to process ${counted(lag, 'record')} of the ${name}.`
        : `The query has yet to process ${counted(lag, 'record')} of the ${name}, and no task reads ${unread.map(({ topic, partition }) => `${topic}-${partition}`).join(', ')} here now.`,
    evidence: { lag, partitions: waiting.map(({ read: _, ...each }) => each) },
  };
}

/** All that came was left out as it came in. */
function droppedReason(evidence: Evidence, flow: PlanFlow, step: SourceStep): EmptyReason | undefined {
  const operators = flow.of(step);
  const undecodable = flow.dropped(operators, 'undecodable');
  if (undecodable !== undefined) {
    return unreadable(evidence, step, undecodable.count, undecodable.first.error ?? '', undecodable.first);
  }
  const invalid = flow.dropped(operators, 'negative-timestamp');
  if (invalid !== undefined) {
    const [problem] = evidence.counts.problems.filter(({ kind, step: at }) => kind === 'processing' && at === 'source');
    const column = step.timestamp === undefined ? 'Their times' : `The TIMESTAMP column ${step.timestamp.column}`;
    return {
      kind: 'invalid-time',
      text: `Left out for their time: ${counted(invalid.count, 'record')} of topic ${step.topic}. ${column} held none that is valid, first at ${placeText(invalid.first)}${problem === undefined ? '' : `: ${problem.first.message}`}`,
      evidence: { records: invalid.count, first: invalid.first, error: problem?.first.message ?? null },
    };
  }
  const nulls = flow.dropped(operators, 'null-key');
  if (nulls === undefined) return undefined;
  return {
    kind: 'null-key',
    text: `Left out without a key: ${counted(nulls.count, 'record')} of topic ${step.topic}, no rows of the table ${step.source} for that; the first is at ${placeText(nulls.first)}.`,
    evidence: { records: nulls.count, first: nulls.first },
  };
}

/** The same where records are read and computed with in one go. Undefined: some could be read. */
export function undecodableReason(evidence: Evidence, records: number): EmptyReason | undefined {
  const problem = evidence.counts.problems.find(({ kind }) => kind === 'deserialization');
  if (problem?.first.at === undefined) return undefined;
  // Some may have been so long ago.
  if (problem.count < records || !hasNewest(evidence, problem.lasts)) return undefined;
  const { at, message } = problem.first;
  return unreadable(evidence, at, problem.count, message, at);
}

/** How many records could not be read, and a sentence about them. */
export function unreadableIn({ counts }: Evidence): { readonly count: number; readonly note: string } {
  const problem = counts.problems.find(({ kind }) => kind === 'deserialization');
  if (problem === undefined) return { count: 0, note: '' };
  const { at, message } = problem.first;
  const place = at === undefined ? '' : `, the first at ${placeText(at)}`;
  return {
    count: problem.count,
    note: ` Besides, ${counted(problem.count, 'record')} could not be read${place}: ${message}`,
  };
}

function unreadable(
  { query }: Evidence,
  { topic }: { readonly topic: string },
  count: number,
  error: string,
  first: { readonly topic: string; readonly partition: number; readonly offset: number },
): EmptyReason {
  return {
    kind: 'undecodable',
    text: `None of ${counted(count, 'record')} of topic ${topic} could be read. The first is at ${placeText(first)}: ${error}`,
    advice: `PRINT '${topic}' FROM BEGINNING LIMIT 3; shows what is there: the formats of ${query.plan.sources.join(', ')} have to be those that its producers write.`,
    evidence: {
      records: count,
      first: { topic: first.topic, partition: first.partition, offset: first.offset },
      error,
    },
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
