// Our broker beside Apache Kafka, as `npm run oracle` does it.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const PATIENCE_MS = 600_000;

test('what it answers is what Apache Kafka answers, but for what is meant', {
  timeout: PATIENCE_MS,
}, async (context) => {
  const main = join(import.meta.dirname, '..', '..', 'tools', 'oracle', 'main.ts');
  const { stdout } = await run(process.execPath, [main], { maxBuffer: 1 << 26 }).catch((error: unknown) => {
    throw new Error(`differences: ${(error as { stdout?: string }).stdout ?? String(error)}`);
  });
  const last = stdout.trimEnd().split('\n').at(-1)!;
  if (last.startsWith('not compared')) {
    console.log(`skipped: ${last}`);
    context.skip(last);
  }
  const [, exchanges, unmeant] = /^(\d+) exchanges: .*, (\d+) differences without a reason$/.exec(last) ?? [];
  expect(Number(exchanges)).toBeGreaterThanOrEqual(600);
  expect(unmeant).toBe('0');
});
