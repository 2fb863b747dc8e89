// What went wrong with the rows of a query since it was started: how often, by what was being done, the first of each, and
// where the last was.
import { messageOf } from '../../util/index.ts';
import type { Problem } from '../compile/flow.ts';
import type { ProblemCount } from '../statements/context.ts';

interface Tallied extends Omit<ProblemCount, 'lasts'> {
  count: number;
  readonly last: { topic: string; partition: number; offset: number } | undefined;
}

export class ProblemTally {
  readonly #counts = new Map<string, Tallied>();

  add({ kind, step, error, at }: Problem): void {
    const id = `${kind}/${step}`;
    const known = this.#counts.get(id);
    if (known !== undefined) {
      known.count++;
      // There may be many: nothing is made for each.
      if (known.last !== undefined && at !== undefined) {
        known.last.topic = at.topic;
        known.last.partition = at.partition;
        known.last.offset = at.offset;
      }
      return;
    }
    const place = at && { topic: at.topic, partition: at.partition, offset: at.offset };
    const first = { message: messageOf(error), at: place };
    this.#counts.set(id, { kind, step, count: 1, first, last: place && { ...place } });
  }

  counts(): ProblemCount[] {
    return [...this.#counts.values()].map(({ last, ...each }) => ({
      ...each,
      lasts: last === undefined ? [] : [{ ...last }],
    }));
  }
}

/** The counts of several hosts together. */
export function addProblems(sums: ProblemCount[], counts: readonly ProblemCount[]): void {
  for (const each of counts) {
    const at = sums.findIndex(({ kind, step }) => kind === each.kind && step === each.step);
    if (at < 0) sums.push(each);
    else {
      const known = sums[at]!;
      sums[at] = { ...known, count: known.count + each.count, lasts: [...known.lasts, ...each.lasts] };
    }
  }
}
