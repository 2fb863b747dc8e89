// librdkafka, by its own tests: they come with the client for Node that is built on it, as C, and are compiled here.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { has, lastLine, run } from './commands.ts';
import type { Outcome, Suite } from './suite.ts';

const PACKAGE = '@confluentinc/kafka-javascript';
const VERSION = '1.10.1';
const BUILD_MS = 15 * 60_000;
const TESTS_MS = 40 * 60_000;
/** What the tests take the broker for: the Apache Kafka whose protocol it speaks. */
const BROKER_VERSION = '4.4.0';
/** Whose `bin` has the scripts of Kafka that some tests run: ours. */
const ROOT = join(import.meta.dirname, '..', '..');
/** What a test says that can't run on one broker. */
const WANTS_MORE_BROKERS = /Replication factor \d is not possible/;
/** Those that take a few seconds, and ask a broker. */
const QUICK = ['0001', '0002', '0004', '0005', '0007', '0012', '0017', '0022', '0030', '0039', '0049', '0087', '0103'];
/** `|  0001_multiobj | PASSED | 1.234s | why`, in colours. */
const LINE = /^\|\s*(\S+)\s*\|\s*(PASSED|FAILED|SKIPPED|RUNNING)\s*\|\s*[\d.]+s\s*\|\s*(.*)$/;

export const librdkafka: Suite = {
  name: 'librdkafka',
  about: `librdkafka of ${PACKAGE} ${VERSION}, its own tests`,

  // As the cluster is that the tests are written for.
  settings: {
    'num.partitions': 4,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'true',
  },

  async prepare(cache) {
    for (const command of ['bash', 'gcc', 'g++', 'make', 'tar']) {
      if (!(await has(command, '--version'))) return `there is no ${command} on the path`;
    }
    const root = join(cache, 'package', 'deps', 'librdkafka');
    if (existsSync(join(root, 'tests', 'test-runner'))) return undefined;
    await mkdir(cache, { recursive: true });
    for (const [command, ...words] of [
      ['npm', 'pack', `${PACKAGE}@${VERSION}`, '--silent'],
      ['tar', '-xzf', `${PACKAGE.slice(1).replace('/', '-')}-${VERSION}.tgz`],
    ] as const) {
      const { code, err } = await run(command, words, { cwd: cache, timeoutMs: BUILD_MS });
      if (code !== 0) return `${command} does not bring it: ${lastLine(err)}`;
    }
    for (const [command, ...words] of [
      ['bash', './configure', '--disable-lz4-ext'],
      ['make', '-j2', 'libs'],
      ['make', '-j2', '-C', 'tests', 'test-runner'],
    ] as const) {
      const { code, err } = await run(command, words, { cwd: root, timeoutMs: BUILD_MS });
      if (code !== 0) return `it can not be built: ${lastLine(err)}`;
    }
    return undefined;
  },

  async run({ address }, cache, isQuick) {
    const folder = join(cache, 'package', 'deps', 'librdkafka');
    const config = join(cache, 'test.conf');
    await writeFile(config, `metadata.broker.list=${address}\ntest.topic.random=true\n`);
    const outcomes: Outcome[] = [];
    for (const protocol of ['classic', 'consumer']) {
      const before = outcomes.length;
      const onLine = (line: string): void => {
        // oxlint-disable-next-line no-control-regex -- the colours of a terminal
        const found = LINE.exec(line.replaceAll(/\u001B\[[\d;]*m/g, ''));
        if (found !== null && found[1] !== '<MAIN>')
          outcomes.push(outcomeOf(`${found[1]} (${protocol})`, found[2]!, found[3]!));
      };
      // Without those that have a broker of their own (-L); four at a time.
      const { err } = await run(join(folder, 'tests', 'test-runner'), ['-L', '-Q', '-p4'], {
        cwd: join(folder, 'tests'),
        timeoutMs: TESTS_MS,
        onLine,
        env: {
          RDKAFKA_TEST_CONF: config,
          TEST_KAFKA_VERSION: BROKER_VERSION,
          TEST_CONSUMER_GROUP_PROTOCOL: protocol,
          KAFKA_PATH: ROOT,
          BROKERS: address,
          LD_LIBRARY_PATH: `${join(folder, 'src')}:${join(folder, 'src-cpp')}`,
          ...(isQuick ? { TESTS: QUICK.join(',') } : {}),
        },
      });
      if (outcomes.length === before)
        outcomes.push({ name: `test-runner (${protocol})`, result: 'failed', why: lastLine(err) });
    }
    return outcomes;
  },
};

function outcomeOf(name: string, state: string, said: string): Outcome {
  const why = said.trim() || 'it does not say why';
  if (state === 'PASSED') return { name, result: 'passed' };
  if (WANTS_MORE_BROKERS.test(why)) return { name, result: 'skipped', why: 'it needs several brokers' };
  return { name, result: state === 'SKIPPED' ? 'skipped' : 'failed', why };
}
