// Clients for Node that are packages of this project's own tests: kafkajs, @platformatic/kafka and kcat.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLine, run } from './commands.ts';
import type { Outcome, Suite } from './suite.ts';

const RUN_MS = 600_000;
const root = join(import.meta.dirname, '..', '..');

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function vitestSuite(name: string, file: string, about: string): Suite {
  return {
    name,
    about,
    prepare: () => Promise.resolve(undefined),
    async run(_target, cache) {
      const report = join(cache, 'report.json');
      await rm(report, { force: true });
      const args = ['vitest', 'run', file, '--reporter=json', `--outputFile=${report}`];
      const { err } = await run('npx', args, { cwd: root, timeoutMs: RUN_MS });
      const text = await readFile(report, 'utf8').catch(() => undefined);
      if (text === undefined) return [{ name: file, result: 'failed', why: lastLine(err) }];
      return (JSON.parse(text) as Report).testResults.flatMap(({ assertionResults }) =>
        assertionResults.map(outcomeOf),
      );
    },
  };
}

function outcomeOf({
  fullName,
  status,
  failureMessages,
}: Report['testResults'][number]['assertionResults'][number]): Outcome {
  if (status === 'passed') return { name: fullName, result: 'passed' };
  if (status === 'failed') return { name: fullName, result: 'failed', why: failureMessages[0]?.split('\n')[0] ?? '' };
  return { name: fullName, result: 'skipped', why: 'its test says why' };
}

export const vitestSuites: readonly Suite[] = [
  vitestSuite('kafkajs', 'test/interop/kafkajs.test.ts', 'kafkajs, scenarios of ours'),
  vitestSuite('platformatic', 'test/interop/platformatic-kafka.test.ts', '@platformatic/kafka, scenarios of ours'),
  vitestSuite('kcat', 'test/interop/kcat.test.ts', 'kcat (librdkafka), scenarios of ours'),
];
