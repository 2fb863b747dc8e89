// Other projects' REST cases, read where they lie, over HTTP on a platform for each. They are not part of the repository:
// without them there is nothing to test here. Which of them are known to fail, and why, is.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadCases } from '../../tools/qtt/cases.ts';
import { runCase } from '../../tools/rqtt/run-case.ts';

const directory = join(import.meta.dirname, '../../../shared/data/ksql-rqtt');
const present = existsSync(directory);
if (!present) process.stdout.write(`skipped: there are no REST cases in ${directory}\n`);

/** Names and reasons. */
const known = new Map(
  readFileSync(join(import.meta.dirname, 'rest-known-failures.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t') as [name: string, reason: string]),
);

test('every known failure has a reason', () => {
  expect([...known.values()].filter((reason) => (reason ?? '').length < 10)).toEqual([]);
});

test.skipIf(!present)('the REST cases pass, but for those that are known', { timeout: 900_000 }, async () => {
  const cases = loadCases(directory, undefined);
  const failures: Record<string, string> = {};
  for (const spec of cases) {
    const verdict = await runCase(spec);
    if (verdict.status !== 'passed') failures[spec.name] = verdict.reason;
  }
  expect(cases.length).toBe(322);
  expect(Object.entries(failures).filter(([name]) => !known.has(name))).toEqual([]);
  expect([...known.keys()].filter((name) => !(name in failures))).toEqual([]);
});
