// Other projects' validation cases, read where they lie. They are not part of the repository: without them there is
// nothing to test here. Which of them are known to fail, and why, is.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadCases } from '../../tools/qtt/cases.ts';
import { runCase } from '../../tools/qtt/run-case.ts';

const directory = join(import.meta.dirname, '../../../shared/data/ksql-qtt');
const present = existsSync(directory);
if (!present) process.stdout.write(`skipped: there are no validation cases in ${directory}\n`);

/** Names and reasons. */
const known = readFileSync(join(import.meta.dirname, 'validation-known-failures.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [name: string, reason: string]);

test('every known failure has a reason', () => {
  expect(known.filter(([, reason]) => (reason ?? '').length < 10)).toEqual([]);
});

test.skipIf(!present)('the validation cases pass, but for those that are known', async () => {
  const cases = loadCases(directory, undefined);
  const failures: Record<string, string> = {};
  for (const spec of cases) {
    const verdict = await runCase(spec);
    if (verdict.status !== 'passed') failures[spec.name] = verdict.reason;
  }
  expect(cases.length).toBe(1745);
  const names = new Set(known.map(([name]) => name));
  expect(Object.entries(failures).filter(([name]) => !names.has(name))).toEqual([]);
  expect([...names].filter((name) => !(name in failures))).toEqual([]);
});
