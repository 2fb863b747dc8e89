// Why an aggregation emits nothing of what has come to it.
import { milliseconds } from '../../parser/durations.ts';
import type { WindowClause } from '../../parser/ast.ts';
import { type AggregateStep, sourceSteps, type Step } from '../../plan/plan.ts';
import type { TaskMetrics } from '../../../streams/index.ts';
import { graceOf } from '../../compile/topology-aggregate.ts';
import { type Evidence, hasNewest } from './evidence.ts';
import type { PlanFlow } from './flow.ts';
import type { EmptyReason } from '../../../sql-api/index.ts';
import { counted, durationText, timeText } from './text.ts';

export function aggregateReason(evidence: Evidence, flow: PlanFlow, step: AggregateStep): EmptyReason {
  const operators = flow.of(step);
  const count = flow.recordsIn(step);
  const first = operators.find(({ operator }) => operator.includes('filter'));
  if (first !== undefined && flow.count(first).recordsIn > 0 && flow.count(first).recordsOut === 0) {
    return {
      kind: 'no-value',
      text: `None of ${counted(count, 'record')} has a value: a record without one counts in no aggregate over a stream.`,
      evidence: { records: count },
    };
  }
  const nulls = flow.dropped(operators, 'null-key');
  if (nulls !== undefined && nulls.count >= count) {
    const groups = step.groupBy.map(({ text }) => text).join(', ');
    return {
      kind: 'null-key',
      text: `None of ${counted(nulls.count, 'row')} is in a group: GROUP BY ${groups} is null in all of them.`,
      evidence: { rows: count, nullKeys: nulls.count },
    };
  }
  const clause = step.windowClause;
  if (clause === undefined) return untilCommit(evidence, count);
  const late = lateReason(evidence, flow, step, clause);
  if (late !== undefined) return late;
  const running = evidence.counts.tasks.filter((task) => aggregatesIn(task, flow, step));
  const idle = idleReason(evidence.query.plan.root, running);
  if (idle !== undefined) return idle;
  return step.final ? openReason(running, clause, count) : untilCommit(evidence, count);
}

function untilCommit({ settings }: Evidence, count: number): EmptyReason {
  const interval = settings['commit.interval.ms'];
  return {
    kind: 'until-commit',
    text: `What ${counted(count, 'row')} changed is emitted at the next commit${interval === undefined ? '' : `, every ${interval} ms (commit.interval.ms)`}.`,
    evidence: { rows: count, commitIntervalMs: interval ?? null },
  };
}

function lateReason(
  evidence: Evidence,
  flow: PlanFlow,
  step: AggregateStep,
  clause: WindowClause,
): EmptyReason | undefined {
  const operators = flow.of(step);
  const late = flow.dropped(operators, 'late') ?? flow.dropped(operators, 'expired');
  if (late === undefined) return undefined;
  // What came after them may wait in an open window.
  if (late.count < flow.recordsIn(step) && !hasNewest(evidence, late.lasts)) return undefined;
  const { timestamp, streamTime } = late.last;
  const graceMs = graceOf(clause, step.final);
  return {
    kind: 'late',
    text: `${counted(late.count, 'row')} came too late for their windows. The last has the time ${timeText(timestamp)}, when time was at ${timeText(streamTime)} already, ${durationText(streamTime - timestamp)} later; ${clause.type} windows of ${durationText(milliseconds(clause.size))} take rows until ${durationText(graceMs)} after their end (GRACE PERIOD).`,
    advice:
      'Time is the largest that a partition has brought: one record with a time far ahead makes all behind it late. A longer GRACE PERIOD waits for them.',
    evidence: { rows: late.count, first: late.first, last: late.last, graceMs },
  };
}

function aggregatesIn({ operators }: TaskMetrics, flow: PlanFlow, step: AggregateStep): boolean {
  const last = flow.of(step).at(-1)?.operator;
  return operators.some(({ operator }) => operator === last);
}

/** Time is held at where a task has come that feeds this one. */
function idleReason(root: Step, tasks: readonly TaskMetrics[]): EmptyReason | undefined {
  for (const { taskId, streamTime, sources } of tasks) {
    const held = sources.find(({ waitsFor, partitionTime }) => waitsFor !== undefined && partitionTime > streamTime);
    if (held === undefined) continue;
    const feeder = `task ${held.waitsFor}`;
    const place = sourceSteps(root).some(({ topic }) => topic === held.topic)
      ? `${feeder} of the query that writes it`
      : `${feeder}, which reads partition ${held.waitsFor!.slice(held.waitsFor!.indexOf('_') + 1)} of the source,`;
    return {
      kind: 'partition-idle',
      text: `Time stands at ${timeText(streamTime)}, although records of ${timeText(held.partitionTime)} are there: time behind ${held.topic} is the least of those that feed it, and ${place} has come no further.`,
      advice:
        'It moves on when a record comes in that partition, or when the task has had nothing to read for a while and is left out.',
      evidence: { task: taskId, waitsFor: held.waitsFor, streamTime, partitionTime: held.partitionTime },
    };
  }
  return undefined;
}

/** EMIT FINAL: a window's row comes when time has passed its end and its grace. */
function openReason(tasks: readonly TaskMetrics[], clause: WindowClause, count: number): EmptyReason {
  const graceMs = graceOf(clause, true);
  const seen = tasks.filter(({ streamTime }) => streamTime >= 0);
  const windows = seen.map(({ taskId, streamTime, sources }) => {
    const end = endOfWindow(clause, streamTime);
    const places = sources.map(({ topic, partition }) => `${topic}-${partition}`);
    return { taskId, partitions: places, streamTime, windowEnd: end, closesAt: end + graceMs };
  });
  const soonest = windows.sort((a, b) => a.closesAt - a.streamTime - (b.closesAt - b.streamTime))[0];
  if (soonest === undefined) {
    return {
      kind: 'window-open',
      text: `The windows of ${counted(count, 'row')} are open: EMIT FINAL emits a window when it closes, and no time has been heard of yet.`,
      evidence: { rows: count },
    };
  }
  const { streamTime, windowEnd, closesAt, partitions } = soonest;
  const grace =
    graceMs === 0 ? '' : ` and the GRACE PERIOD of ${durationText(graceMs)} is over, at ${timeText(closesAt)}`;
  return {
    kind: 'window-open',
    text: `The window is still open: EMIT FINAL emits it when it has ended, at ${timeText(windowEnd)}${grace}. Time is that of the records and stands at ${timeText(streamTime)} in ${partitions.join(', ')}; ${durationText(closesAt - streamTime)} are missing.`,
    advice: `A record with the time ${timeText(closesAt)} or later in the same partition closes it. Without EMIT FINAL (EMIT CHANGES), results come as they change.`,
    evidence: { rows: count, graceMs, windows },
  };
}

/** Of the windows with a record of that time the first to end. */
function endOfWindow({ type, size, advance }: WindowClause, time: number): number {
  const sizeMs = milliseconds(size);
  if (type === 'SESSION') return time + sizeMs;
  const advanceMs = advance === undefined ? sizeMs : milliseconds(advance);
  return Math.max(0, Math.floor((time - sizeMs) / advanceMs) + 1) * advanceMs + sizeMs;
}
