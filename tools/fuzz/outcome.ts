import { messageOf } from '../../src/util/index.ts';

/** What came of fuzzing with one kind of input. */
export interface Outcome {
  /** How many inputs there were. */
  tries: number;
  /** How often what happened. A fuzzer that only ever meets the door has to show. */
  readonly counts: Map<string, number>;
  /** What must not happen. */
  readonly problems: string[];
}

export interface FuzzOptions {
  readonly tries: number;
  readonly random: () => number;
  /** Called now and then. */
  readonly progress?: (outcome: Outcome) => void;
}

/** CPU time that one input may cost, ms. */
const MOST_MS = 1000;
/** So many problems are enough. */
export const PROBLEMS_MAX = 20;
const SHOWN_MAX = 3000;
const KIND_CHARS = 100;

export function newOutcome(): Outcome {
  return { tries: 0, counts: new Map(), problems: [] };
}

export function note({ counts }: Outcome, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** Runs `work` on an input, and takes note of what it costs and of what it throws. */
export async function attempt(outcome: Outcome, input: string, work: () => Promise<void> | void): Promise<void> {
  outcome.tries++;
  const before = process.cpuUsage();
  try {
    await work();
  } catch (error) {
    complain(outcome, error instanceof Error ? (error.stack ?? error.message) : messageOf(error), input);
  }
  const { user, system } = process.cpuUsage(before);
  const ms = Math.round((user + system) / 1000);
  if (ms > MOST_MS) complain(outcome, `took ${ms} ms`, input);
}

/** Problems of one kind are told once: numbers in them do not tell them apart. */
export function complain(outcome: Outcome, what: string, input: string): void {
  const kind = what.replaceAll(/[\d_]+/g, '').slice(0, KIND_CHARS);
  if (outcome.problems.some((problem) => problem.replaceAll(/[\d_]+/g, '').startsWith(kind))) return;
  outcome.problems.push(`${what}\n  input: ${input.slice(0, SHOWN_MAX)}`);
}
