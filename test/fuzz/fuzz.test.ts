// Hostile inputs by structure, a bounded number of each kind; `npm run fuzz` sends as many as one likes.
import { expect, test } from 'vitest';
import { CLOSED } from '../../tools/fuzz/frame-fuzz.ts';
import { KINDS, type KindName } from '../../tools/fuzz/kinds.ts';
import type { Outcome } from '../../tools/fuzz/outcome.ts';
import { seeded } from '../../tools/fuzz/seeded.ts';

async function fuzzed(kind: KindName, tries: number): Promise<Outcome> {
  const outcome = await KINDS[kind].fuzz({ tries, random: seeded(5) });
  expect(outcome.problems).toEqual([]);
  expect(outcome.tries).toBeGreaterThanOrEqual(tries);
  return outcome;
}

const sumOf = (outcome: Outcome, what: RegExp): number =>
  [...outcome.counts].reduce((sum, [name, count]) => sum + (what.test(name) ? count : 0), 0);

// A fuzzer that never gets past the door proves nothing: each says what it has reached.

test('no request brings the broker down, waits for ever or gets an answer that can not be read', {
  timeout: 120_000,
}, async () => {
  const { counts, tries } = await fuzzed('frames', 30_000);
  counts.delete(CLOSED);
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(tries * 0.9);
  expect(Math.min(...counts.values())).toBeGreaterThan(100);
  expect(counts.size).toBeGreaterThan(30);
});

test('a text is a statement, or is refused with its place or its reason', { timeout: 120_000 }, async () => {
  const outcome = await fuzzed('sql', 10_000);
  expect(sumOf(outcome, /^queries/)).toBeGreaterThan(500);
  expect(sumOf(outcome, /^refused by syntax/)).toBeGreaterThan(1000);
  expect(sumOf(outcome, /^refused$/)).toBeGreaterThan(500);
});

test('a text is a schema that can be printed, read and compared, or is refused', { timeout: 120_000 }, async () => {
  const outcome = await fuzzed('schemas', 8000);
  for (const language of ['AVRO', 'JSON', 'PROTOBUF']) {
    expect(sumOf(outcome, new RegExp(`^${language}: taken`))).toBeGreaterThan(100);
  }
  expect(sumOf(outcome, /^incompatible/)).toBeGreaterThan(1000);
});

test('bytes are a row of their format, or are refused', { timeout: 120_000 }, async () => {
  const outcome = await fuzzed('records', 80_000);
  expect(sumOf(outcome, /^read/)).toBeGreaterThan(5000);
  expect(sumOf(outcome, /^refused/)).toBeGreaterThan(5000);
});

test('the registry and SQL answer everything, and take no fault upon themselves', { timeout: 120_000 }, async () => {
  const outcome = await fuzzed('http', 2000);
  expect(sumOf(outcome, /^registry: 200/)).toBeGreaterThan(200);
  expect(sumOf(outcome, /^sql: 200/)).toBeGreaterThan(50);
  expect(sumOf(outcome, /: 4\d\d/)).toBeGreaterThan(500);
});

test('nobody logs in without a password, and whoever tries is told or let go', { timeout: 120_000 }, async () => {
  const outcome = await fuzzed('sasl', 3000);
  expect(sumOf(outcome, /^authenticate 58/)).toBeGreaterThan(500);
  expect(sumOf(outcome, /^authenticate 0/)).toBeGreaterThan(20);
  expect(sumOf(outcome, /^in$/)).toBeGreaterThan(5);
  expect(sumOf(outcome, /^not in/)).toBeGreaterThan(100);
});
