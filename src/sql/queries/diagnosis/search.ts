/**
 * Why a query emits nothing: one sentence, with what it was concluded from. The steps are gone through from the sources on;
 * the first that takes rows in and lets none out is to blame, or the source that brings none.
 */
import { inputsOf, SINK_PART, sourceSteps, type FilterStep, type JoinStep, type Step } from '../../plan/plan.ts';
import { aggregateReason } from './aggregates.ts';
import type { Evidence } from './evidence.ts';
import { operatorsOf, PlanFlow } from './flow.ts';
import { joinReason } from './joins.ts';
import type { EmptyReason } from '../../../sql-api/index.ts';
import { sourceReason, undecodableReason, unreadableIn } from './sources.ts';
import { counted, durationText, timeText } from './text.ts';

/** Undefined: the query emits. */
export async function reasonOf(evidence: Evidence): Promise<EmptyReason | undefined> {
  const { counts, query } = evidence;
  const stopped = stateReason(evidence);
  if (stopped !== undefined) return stopped;
  const operators = operatorsOf(counts.tasks);
  const recent = new PlanFlow(query.plan.root, operators, true);
  const total = new PlanFlow(query.plan.root, operators, false);
  if (emittedIn(recent) > 0) return undefined;
  const emitted = emittedIn(total);
  const search = new Search(evidence, total);
  if (emitted === 0) return (await search.why(query.plan.root)) ?? sinkReason(evidence, total);
  const came = sourceSteps(query.plan.root).some((step) => recent.recordsIn(step) > 0);
  if (!came) return idleReason(evidence, emitted);
  return (await new Search(evidence, recent, search).why(query.plan.root)) ?? sinkReason(evidence, recent);
}

/** Records that have been written to the query's topic. */
export function emittedIn(flow: PlanFlow): number {
  const sink = flow.ofPart(SINK_PART).at(-1);
  return sink === undefined ? 0 : flow.count(sink).recordsOut;
}

/** What keeps a query from working at all. */
function stateReason({ state, failure, counts, query: { queryId } }: Evidence): EmptyReason | undefined {
  if (state === 'PAUSED') {
    return {
      kind: 'paused',
      text: `The query is paused. RESUME ${queryId}; has it go on where it was.`,
      evidence: { state },
    };
  }
  if (state === 'ERROR') {
    return {
      kind: 'failed',
      text: `The query has stopped: ${failure ?? 'it is not running'}`,
      advice: `Mend what it says, then PAUSE ${queryId}; RESUME ${queryId}; has it go on where it was.`,
      evidence: { state, error: failure },
    };
  }
  const { instances, tasks } = counts;
  const working = instances.filter((instance) => instance.state === 'RUNNING');
  if (working.length > 0 || tasks.some(({ processed }) => processed > 0)) return undefined;
  const retrying = instances.find(({ lastError }) => lastError !== undefined);
  if (retrying !== undefined) {
    return {
      kind: 'retrying',
      text: `The query tries again and again to go on, after: ${retrying.lastError}`,
      evidence: { instance: retrying.state, error: retrying.lastError },
    };
  }
  const toRestore = instances.reduce((sum, instance) => sum + instance.toRestore, 0);
  if (toRestore > 0) {
    return {
      kind: 'restoring',
      text: `The query's state is being brought back: ${counted(toRestore, 'record')} of its changelogs are left to be read.`,
      evidence: { toRestore },
    };
  }
  return {
    kind: 'starting',
    text: 'The query is being started, or its work is being shared out anew.',
    evidence: { instances: instances.map((instance) => instance.state) },
  };
}

function idleReason({ counts, now }: Evidence, emitted: number): EmptyReason {
  const arrived = Math.max(-1, ...counts.tasks.flatMap(({ sources }) => sources.map(({ arrivedAt }) => arrivedAt)));
  const since = arrived < 0 ? '' : ` since ${timeText(arrived)}, ${durationText(now() - arrived)} ago`;
  return {
    kind: 'caught-up',
    text: `The query has emitted ${counted(emitted, 'record')} since it was started; nothing new has come${since}.`,
    evidence: { emitted, lastArrival: arrived < 0 ? null : timeText(arrived) },
  };
}

/** Rows come to the query's end, and go no further. */
function sinkReason({ counts, settings, query }: Evidence, flow: PlanFlow): EmptyReason {
  const operators = flow.ofPart(SINK_PART);
  const refused = flow.dropped(operators, 'refused');
  const problem = counts.problems.find(({ kind }) => kind === 'production');
  if (refused !== undefined || problem !== undefined) {
    const count = refused?.count ?? problem!.count;
    const why = problem?.first.message ?? refused?.first.error;
    return {
      kind: 'refused',
      text: `The broker takes none of the query's results; refused: ${counted(count, 'record')}, the first as: ${why}`,
      evidence: { refused: count, error: why },
    };
  }
  const invalid = counts.problems.find(({ kind, step }) => kind === 'processing' && step === 'sink');
  if (invalid !== undefined) {
    return {
      kind: 'invalid-time',
      text: `The TIMESTAMP column of ${query.plan.sink?.name} holds no valid time in any of the results: ${invalid.first.message}`,
      evidence: { results: invalid.count, error: invalid.first.message },
    };
  }
  const interval = settings['commit.interval.ms'];
  return {
    kind: 'until-commit',
    text: `Results are on their way: changes of a table are emitted at the next commit${interval === undefined ? '' : `, every ${interval} ms (commit.interval.ms)`}.`,
    evidence: { commitIntervalMs: interval ?? null },
  };
}

/** Looks for the step to blame under the counts of one stretch of time. */
class Search {
  readonly #evidence: Evidence;
  readonly #flow: PlanFlow;
  /** The same since the start. */
  readonly #sinceStart: Search;

  constructor(evidence: Evidence, flow: PlanFlow, sinceStart?: Search) {
    this.#evidence = evidence;
    this.#flow = flow;
    this.#sinceStart = sinceStart ?? this;
  }

  /** Undefined when rows come out of the step. */
  async why(step: Step): Promise<EmptyReason | undefined> {
    const flow = this.#flow;
    if (flow.recordsOut(step) > 0) return undefined;
    if (step.kind === 'source') return sourceReason(this.#evidence, flow, step);
    if (step.kind === 'join') return this.#whyJoin(step);
    const reasons = await Promise.all(inputsOf(step).map((input) => this.why(input)));
    const open = reasons.filter((reason) => reason !== undefined);
    if (open.length === reasons.length) return open[0];
    return undecodableReason(this.#evidence, flow.recordsIn(step)) ?? this.#whyStep(step);
  }

  /** Why there have never been rows of a step. Those of before a restart are in the state. */
  async lack(step: Step): Promise<EmptyReason | undefined> {
    const reason = await this.why(step);
    return reason?.kind === 'caught-up' ? undefined : reason;
  }

  #whyStep(step: Exclude<Step, { kind: 'source' | 'join' }>): EmptyReason {
    const flow = this.#flow;
    const count = flow.recordsIn(step);
    switch (step.kind) {
      case 'filter':
        return this.#whyFilter(step, count);
      case 'aggregate':
        return aggregateReason(this.#evidence, flow, step);
      case 'flatMap':
        return {
          kind: 'no-rows-made',
          text: `${step.calls.map(({ text }) => text).join(', ')} made no row of any of ${counted(count, 'row')}.`,
          advice: 'Table functions make no row of an empty array or a null.',
          evidence: { rows: count, ...this.#failed('SELECT') },
        };
      case 'await':
        return {
          kind: 'awaiting',
          text: `${step.calls.map(({ text }) => text).join(', ')} has answered for none of ${counted(count, 'row')} yet.`,
          evidence: { rows: count },
        };
      default: {
        const nulls = flow.dropped(flow.of(step), 'null-key');
        return {
          kind: nulls === undefined ? 'unknown' : 'null-key',
          text:
            nulls === undefined
              ? `${counted(count, 'row')} went in and none came out, and nothing says why.`
              : `None of ${counted(nulls.count, 'row')} has a key.`,
          evidence: { rows: count, nullKeys: nulls?.count ?? 0 },
        };
      }
    }
  }

  #whyFilter(step: FilterStep, came: number): EmptyReason {
    const { clause, predicate } = step;
    const failed = this.#failed(clause);
    const unread = unreadableIn(this.#evidence);
    // Where one operator reads and filters, what it can't read has come to it, too.
    const isRead = this.#flow.of(step).some(({ operator }) => operator.includes('map-value-bytes'));
    const count = isRead ? Math.max(0, came - unread.count) : came;
    const failures =
      'failures' in failed ? ` It could not be evaluated for ${String(failed.failures)}: ${String(failed.error)}` : '';
    return {
      kind: 'filtered',
      text: `${count === 1 ? 'The only row was' : `All ${count} rows were`} filtered out: ${clause} ${predicate.text} was ${count === 1 ? 'not true for it' : 'true for none of them'}.${failures}${unread.note}`,
      evidence: { rows: count, unreadable: unread.count, clause, condition: predicate.text, ...failed },
    };
  }

  /** What went wrong in a clause. */
  #failed(clause: string): { readonly failures: number; readonly error: string } | object {
    const problem = this.#evidence.counts.problems.find(({ kind, step }) => kind === 'processing' && step === clause);
    return problem === undefined ? {} : { failures: problem.count, error: problem.first.message };
  }

  /** An inner join needs both sides; another one the side that is kept. What came earlier may still find partners. */
  async #whyJoin(step: JoinStep): Promise<EmptyReason> {
    const { left: l, right: r } = step;
    const [left, right] = await Promise.all([this.#sinceStart.lack(l), this.#sinceStart.lack(r)]);
    const needed = { INNER: left ?? right, LEFT: left, RIGHT: right, FULL: left && right && left }[step.type];
    if (needed !== undefined) {
      const side = needed === left ? 'left' : 'right';
      return left === undefined || right === undefined
        ? { ...needed, text: `The join has no rows on its ${side} side. ${needed.text}` }
        : needed;
    }
    const came = this.#flow.recordsIn(step);
    if (came === 0) return (await this.why(l)) ?? (await this.why(r))!;
    return undecodableReason(this.#evidence, came) ?? joinReason(this.#evidence, this.#flow, step);
  }
}
