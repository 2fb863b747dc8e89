// Two brokers' answers to the same requests, and where they differ.
import type { Exchange } from './scenario.ts';

/** A difference that is meant, and why. */
export interface Meant {
  readonly api: RegExp;
  /** Where in the answer: `topics[0].errorCode`. */
  readonly path: RegExp;
  /** Only with requests like this one. */
  readonly request?: RegExp;
  readonly why: string;
}

export interface Difference {
  readonly exchange: Exchange;
  readonly path: string;
  readonly theirs: unknown;
  readonly ours: unknown;
  /** Why it is meant; undefined: it is not. */
  readonly why: string | undefined;
}

export interface Comparison {
  readonly exchanges: number;
  /** Exchanges without any difference but of words. */
  readonly equal: number;
  readonly differences: readonly Difference[];
  /** Messages that are worded as Kafka's, and those that are not. */
  readonly sameWords: number;
  readonly otherWords: readonly Difference[];
}

const MESSAGE = /(errorMessage|batchIndexErrorMessage)$/;

/** Compares what Apache Kafka answered with what we did. */
export function compare(theirs: readonly Exchange[], ours: readonly Exchange[], meant: readonly Meant[]): Comparison {
  const differences: Difference[] = [];
  const otherWords: Difference[] = [];
  let equal = 0;
  let sameWords = 0;
  const answers = new Map<string, unknown[]>();
  for (const exchange of ours) {
    answers.set(keyOf(exchange), [...(answers.get(keyOf(exchange)) ?? []), exchange.answer]);
  }
  for (const exchange of theirs) {
    const counterpart = { answer: answers.get(keyOf(exchange))?.shift() };
    const paths = differing('', exchange.answer, counterpart.answer);
    if (counterpart.answer !== undefined) {
      sameWords += messagesIn(exchange.answer) - paths.filter(({ path, a }) => MESSAGE.test(path) && a !== null).length;
    }
    let isEqual = true;
    for (const { path, a, b } of paths) {
      const found = meant.find(
        ({ api, path: where, request }) =>
          api.test(exchange.api) && where.test(path) && (request?.test(exchange.request) ?? true),
      );
      const difference = { exchange, path, theirs: a, ours: b, why: found?.why };
      // What is said may be said better; that nothing is said, or something, is another matter.
      if (MESSAGE.test(path) && Boolean(a) === Boolean(b)) otherWords.push(difference);
      else {
        isEqual = false;
        differences.push(difference);
      }
    }
    if (isEqual) equal++;
  }
  return { exchanges: theirs.length, equal, differences, sameWords, otherWords };
}

/** What is asked: a question that is asked again gets its answers in their order. */
function keyOf({ scenario, api, version, request }: Exchange): string {
  return [scenario, api, version, request].join('|');
}

function differing(path: string, a: unknown, b: unknown): { path: string; a: unknown; b: unknown }[] {
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    return a.flatMap((each, i) => differing(`${path}[${i}]`, each, b[i]));
  }
  if (isObject(a) && isObject(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...names].flatMap((name) => differing(path === '' ? name : `${path}.${name}`, a[name], b[name]));
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ path, a, b }];
}

function messagesIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + messagesIn(each), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [name, each]) => sum + (MESSAGE.test(name) && typeof each === 'string' ? 1 : messagesIn(each)),
    0,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
