// What went wrong with the rows of a query since it was started: how often, by what was being done, and the first of each.
import { messageOf } from '../../util/index.ts';
import type { Problem } from '../compile/flow.ts';
import type { ProblemCount } from '../statements/context.ts';

export class ProblemTally {
  readonly #counts = new Map<string, ProblemCount & { count: number }>();

  add({ kind, step, error, at }: Problem): void {
    const id = `${kind}/${step}`;
    const known = this.#counts.get(id);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const place = at && { topic: at.topic, partition: at.partition, offset: at.offset };
    this.#counts.set(id, { kind, step, count: 1, first: { message: messageOf(error), at: place } });
  }

  counts(): ProblemCount[] {
    return [...this.#counts.values()].map((each) => ({ ...each }));
  }
}

/** The counts of several hosts together. */
export function addProblems(sums: ProblemCount[], counts: readonly ProblemCount[]): void {
  for (const each of counts) {
    const at = sums.findIndex(({ kind, step }) => kind === each.kind && step === each.step);
    if (at < 0) sums.push(each);
    else sums[at] = { ...sums[at]!, count: sums[at]!.count + each.count };
  }
}
