// What has gone through the steps of a plan: the counts of all tasks, told step by step.
import type { DroppedRecord, FlowCount, OperatorMetrics, TaskMetrics } from '../../../streams/index.ts';
import { inputsOf, partsOf, type Step } from '../../plan/plan.ts';

/** An operator over all tasks that run it. */
export type OperatorFlow = Pick<
  OperatorMetrics,
  'operator' | 'index' | 'part' | 'recordsIn' | 'recordsOut' | 'recent'
> & {
  readonly dropped: Readonly<Record<string, Dropped>>;
};

/** What an operator has left out for a reason: the first, and the last of each task. */
export interface Dropped {
  readonly count: number;
  readonly first: DroppedRecord;
  readonly last: DroppedRecord;
  readonly lasts: readonly DroppedRecord[];
}

/** The operators of all tasks, in the order of the topology. */
export function operatorsOf(tasks: readonly TaskMetrics[]): OperatorFlow[] {
  const byName = new Map<string, OperatorFlow>();
  for (const { dropped: counted, ...counts } of tasks.flatMap(({ operators }) => operators)) {
    const dropped = Object.entries(counted).map(([reason, each]) => [reason, { ...each, lasts: [each.last] }] as const);
    const operator: OperatorFlow = { ...counts, dropped: Object.fromEntries(dropped) };
    const known = byName.get(operator.operator);
    byName.set(operator.operator, known === undefined ? operator : together(known, operator));
  }
  return [...byName.values()].sort((a, b) => a.index - b.index);
}

function together(a: OperatorFlow, b: OperatorFlow): OperatorFlow {
  const dropped = { ...a.dropped };
  for (const [reason, each] of Object.entries(b.dropped)) {
    const known = dropped[reason];
    dropped[reason] =
      known === undefined
        ? each
        : { ...known, count: known.count + each.count, lasts: [...known.lasts, ...each.lasts] };
  }
  return { ...a, ...sumOf(a, b), recent: sumOf(a.recent, b.recent), dropped };
}

function sumOf(a: FlowCount, b: FlowCount): FlowCount {
  return { recordsIn: a.recordsIn + b.recordsIn, recordsOut: a.recordsOut + b.recordsOut };
}

/** What has come to the steps of a plan and gone on from them: since the start, or of late. */
export class PlanFlow {
  readonly operators: readonly OperatorFlow[];
  readonly #parts: ReadonlyMap<Step, string>;
  readonly #countOf: (operator: OperatorFlow) => FlowCount;

  constructor(root: Step, operators: readonly OperatorFlow[], isRecent: boolean) {
    this.operators = operators;
    this.#parts = partsOf(root);
    this.#countOf = isRecent ? ({ recent }) => recent : (operator) => operator;
  }

  of(step: Step): readonly OperatorFlow[] {
    return this.ofPart(this.#parts.get(step)!);
  }

  ofPart(part: string): readonly OperatorFlow[] {
    return this.operators.filter((operator) => operator.part === part);
  }

  count(operator: OperatorFlow): FlowCount {
    return this.#countOf(operator);
  }

  recordsIn(step: Step): number {
    const [first] = this.of(step);
    if (step.kind === 'source') return first === undefined ? 0 : this.count(first).recordsIn;
    return inputsOf(step).reduce((sum, input) => sum + this.recordsOut(input), 0);
  }

  /** A step without operators of its own is done by another one's, and lets all through. */
  recordsOut(step: Step): number {
    const last = this.of(step).at(-1);
    return last === undefined ? this.recordsIn(step) : this.count(last).recordsOut;
  }

  /** Records that the operators of a step have left out for a reason, the first and the last of them. */
  dropped(operators: readonly OperatorFlow[], reason: string): Dropped | undefined {
    return operators.find(({ dropped }) => dropped[reason] !== undefined)?.dropped[reason];
  }
}
