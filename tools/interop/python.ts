// Clients for Python, by scenarios of ours that each of them goes through: kafka-python, aiokafka, and Confluent's, which is
// librdkafka.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { has, lastLine, run } from './commands.ts';
import type { Outcome, Suite } from './suite.ts';

const FETCH_MS = 120_000;
const RUN_MS = 300_000;

function pythonSuite(name: string, packages: readonly string[], about: string): Suite {
  return {
    name,
    about,
    async prepare(cache) {
      if (!(await has('python3', '--version'))) return 'there is no python3 on the path';
      const python = join(cache, 'bin', 'python');
      if (!existsSync(python)) {
        const made = await run('python3', ['-m', 'venv', cache], { timeoutMs: FETCH_MS });
        if (made.code !== 0) return `python3 makes no environment: ${lastLine(made.err)}`;
      }
      const fetched = await run(python, ['-m', 'pip', 'install', '--quiet', '--retries', '1', ...packages], {
        timeoutMs: FETCH_MS,
      });
      return fetched.code === 0 ? undefined : `pip does not fetch it: ${lastLine(fetched.err)}`;
    },
    async run({ address, login, username, password }, cache) {
      const outcomes: Outcome[] = [];
      const script = join(import.meta.dirname, 'scenarios', `on_${name.replaceAll('-', '_')}.py`);
      const { code, err } = await run(join(cache, 'bin', 'python'), [script, address, login, username, password], {
        timeoutMs: RUN_MS,
        onLine: (line) => {
          if (line.startsWith('{')) outcomes.push(JSON.parse(line) as Outcome);
        },
      });
      if (code !== 0)
        outcomes.push({ name: 'the program', result: 'failed', why: lastLine(err) || 'it took too long' });
      return outcomes;
    },
  };
}

export const pythonSuites: readonly Suite[] = [
  pythonSuite('kafka-python', ['kafka-python[snappy,lz4,zstd]==3.0.12'], 'kafka-python 3.0.12, scenarios of ours'),
  pythonSuite('aiokafka', ['aiokafka[snappy,lz4,zstd]==0.14.0'], 'aiokafka 0.14.0, scenarios of ours'),
  pythonSuite('confluent-kafka', ['confluent-kafka==2.16.1'], 'confluent-kafka 2.16.1 (librdkafka), scenarios of ours'),
];
