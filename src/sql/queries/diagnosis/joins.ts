// Why a join finds no partners: what comes to its two sides is looked at, the last records of each.
import type { ConsumerRecord } from '../../../client/index.ts';
import { partitionForKey } from '../../../util/index.ts';
import { inputsOf, type JoinStep, type SourceStep, type Step } from '../../plan/plan.ts';
import type { Evidence } from './evidence.ts';
import type { PlanFlow } from './flow.ts';
import type { EmptyReason } from '../../../sql-api/index.ts';
import { lastRecords, rowsInto, type SampledRow } from './samples.ts';
import { counted, durationText, timeText } from './text.ts';

/** So many keys are shown of each side. */
const SHOWN = 3;

export async function joinReason(evidence: Evidence, flow: PlanFlow, step: JoinStep): Promise<EmptyReason> {
  const nulls = flow.dropped(flow.of(step), 'null-key');
  const into = { left: flow.recordsOut(step.left), right: flow.recordsOut(step.right) };
  if (nulls !== undefined && nulls.count >= Math.min(into.left, into.right)) {
    return {
      kind: 'null-key',
      text: `Without a key, and so without a partner: ${counted(nulls.count, 'row')}, in which the join's column is null.`,
      evidence: { rows: nulls.count, first: nulls.first },
    };
  }
  const late = flow.dropped(flow.of(step), 'expired');
  if (late !== undefined && late.count >= Math.min(into.left, into.right)) return expiredReason(late, step);
  if (step.joinKind !== 'foreign-key') {
    const misplaced = (await misplacedIn(evidence, step.left)) ?? (await misplacedIn(evidence, step.right));
    if (misplaced !== undefined) return misplaced;
  }
  const [left, right] = await Promise.all([rowsInto(evidence, step.left), rowsInto(evidence, step.right)]);
  const sides = `${counted(into.left, 'row')} on the left, ${into.right} on the right`;
  if (step.joinKind === 'foreign-key') {
    return {
      kind: 'no-partner',
      text: `No row of the left table has found its partner by the foreign key (${sides}).`,
      evidence: { rows: into, keys: { right: shown(right) } },
    };
  }
  return timesReason(step, left, right) ?? noPartner(step, left, right, sides, into);
}

function noPartner(
  step: JoinStep,
  left: readonly SampledRow[],
  right: readonly SampledRow[],
  sides: string,
  into: object,
): EmptyReason {
  const alike = left.find(({ key }) => right.some((other) => plain(other.key) === plain(key)));
  const twin = alike && right.find(({ key }) => plain(key) === plain(alike.key));
  const types = [step.left, step.right].map(({ key }) => key.map(({ name }) => name).join(', '));
  const differ = twin === undefined ? '' : ` '${alike!.key}' and '${twin.key}' differ in case or spaces only.`;
  return {
    kind: 'no-partner',
    text: `No row has found a partner (${sides}): of the last keys of each side none is on both. Left: ${shown(left).join(', ')}; right: ${shown(right).join(', ')}.${differ}`,
    evidence: { rows: into, keys: { left: shown(left), right: shown(right) }, keyColumns: types },
  };
}

/** Keys meet, but not in time. */
function timesReason(
  step: JoinStep,
  left: readonly SampledRow[],
  right: readonly SampledRow[],
): EmptyReason | undefined {
  const pair = nearestPair(left, right);
  if (pair === undefined || step.joinKind === 'table-table') return undefined;
  const { key, leftTime, rightTime } = pair;
  const apart = durationText(Math.abs(rightTime - leftTime));
  const evidence = { key, left: timeText(leftTime), right: timeText(rightTime) };
  if (step.joinKind === 'stream-table') {
    return {
      kind: 'times-apart',
      text: `The key '${key}' is on both sides, but a row of a stream is joined with what the table holds when it comes: the nearest row of the stream is of ${timeText(leftTime)}, that of the table of ${timeText(rightTime)}, ${apart} ${rightTime > leftTime ? 'later' : 'earlier'}.`,
      advice:
        'What has come before the table had the row is not joined later. Write the table first, or have both in one query from the beginning.',
      evidence,
    };
  }
  const { beforeMs, afterMs } = step.within!;
  const within =
    beforeMs === afterMs ? durationText(beforeMs) : `${durationText(beforeMs)} before, ${durationText(afterMs)} after`;
  if (rightTime - leftTime <= afterMs && leftTime - rightTime <= beforeMs) return undefined;
  return {
    kind: 'times-apart',
    text: `The key '${key}' is on both sides, but too far apart: on the left at ${timeText(leftTime)}, on the right at ${timeText(rightTime)}, which is ${apart}; WITHIN is ${within}.`,
    advice:
      'A longer WITHIN joins them. Look, too, at which column is TIMESTAMP on each side: without one it is when the record was produced.',
    evidence: { ...evidence, beforeMs, afterMs },
  };
}

function nearestPair(left: readonly SampledRow[], right: readonly SampledRow[]) {
  let nearest: { readonly key: string; readonly leftTime: number; readonly rightTime: number } | undefined;
  const timesOf = Map.groupBy(right, ({ key }) => key);
  for (const { key, time } of left) {
    for (const { time: other } of timesOf.get(key) ?? []) {
      const isNearer = nearest === undefined || Math.abs(other - time) < Math.abs(nearest.rightTime - nearest.leftTime);
      if (isNearer) nearest = { key, leftTime: time, rightTime: other };
    }
  }
  return nearest;
}

function expiredReason(
  { count, first, last }: NonNullable<ReturnType<PlanFlow['dropped']>>,
  { within }: JoinStep,
): EmptyReason {
  return {
    kind: 'late',
    text: `${counted(count, 'row')} came too late for the join: the last has the time ${timeText(last.timestamp)}, when time was at ${timeText(last.streamTime)} already, ${durationText(last.streamTime - last.timestamp)} later.`,
    advice: `WITHIN (and its GRACE PERIOD) says for how long rows are kept for partners${within?.graceMs === undefined ? '; without GRACE PERIOD that is 24 hours' : ''}.`,
    evidence: { rows: count, first, last },
  };
}

/** Keys that are not in the partition where the other side's equal keys are looked for. */
async function misplacedIn(evidence: Evidence, side: Step): Promise<EmptyReason | undefined> {
  const source = keptFrom(side);
  if (source === undefined || source.window !== undefined) return undefined;
  const partitions = evidence.partitions.get(source.topic)?.length ?? 0;
  if (partitions < 2) return undefined;
  const keyed = (await lastRecords(evidence, source.topic)).filter(({ key }) => key !== null);
  const wrong = keyed.filter(({ key, partition }) => partitionForKey(key!, partitions) !== partition);
  const [first] = wrong;
  if (first === undefined) return undefined;
  const belongs = partitionForKey(first.key!, partitions);
  return {
    kind: 'misplaced-keys',
    text: `Equal keys of the two sides don't meet: ${wrong.length} of the last ${counted(keyed.length, 'record')} of topic ${source.topic} are not in the partition of their key. The one at offset ${first.offset} of partition ${first.partition} has the key ${keyText(first)}, which belongs in partition ${belongs} (murmur2, as Kafka's producers have it).`,
    advice: `Its producer uses another partitioner. CREATE STREAM … AS SELECT * FROM ${source.source} PARTITION BY …; writes the records anew where they belong.`,
    evidence: { topic: source.topic, sampled: keyed.length, misplaced: wrong.length, partitions },
  };
}

/** The source whose records come to the join in their own partitions. */
function keptFrom(step: Step): SourceStep | undefined {
  if (step.kind === 'source') return step;
  const keeps = step.kind === 'filter' || step.kind === 'project' || step.kind === 'flatMap' || step.kind === 'await';
  return keeps ? keptFrom(inputsOf(step)[0]!) : undefined;
}

function keyText({ key }: ConsumerRecord): string {
  const text = Buffer.from(key!).toString();
  return /^[\x20-\x7e]+$/.test(text) ? `'${text}'` : `0x${Buffer.from(key!).toString('hex')}`;
}

function shown(rows: readonly SampledRow[]): string[] {
  return [...new Set(rows.map(({ key }) => key))].slice(-SHOWN);
}

function plain(key: string): string {
  return key.trim().toLowerCase();
}
