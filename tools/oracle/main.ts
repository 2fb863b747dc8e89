/**
 * Apache Kafka as the oracle: `npm run oracle` sends the same requests to the newest Kafka 4 (its jars come from Maven) and to our
 * broker, and compares the answers field by field. It ends with 1 where one differs without a reason in meant.ts.
 *
 * `npm run oracle -- --only groups`: scenarios with this in their names. `--words`: also messages that are worded otherwise.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Broker } from '../../src/broker/index.ts';
import { mavenJars } from '../../test/suites/maven-jars.ts';
import { openKafkaCluster } from '../../test/suites/kafka-cluster.ts';
import { compare, type Difference } from './compare.ts';
import { Connection } from './connection.ts';
import { MEANT } from './meant.ts';
import { type Exchange, type Scenario, Session } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

const SETTINGS = {
  'node.id': 1,
  'offsets.topic.num.partitions': 6,
  'transaction.state.log.num.partitions': 6,
  'group.initial.rebalance.delay.ms': 0,
  'default.replication.factor': 1,
};

async function exchangesWith(port: number, scenarios: readonly Scenario[]): Promise<Exchange[]> {
  const all: Exchange[] = [];
  for (const scenario of scenarios) {
    const session = new Session(scenario.name, () => Connection.open('127.0.0.1', port));
    await scenario.run(session);
    session.reconnect();
    all.push(...session.exchanges);
  }
  return all;
}

function shown({ exchange: { scenario, api, version, request }, path, theirs, ours, why }: Difference): string {
  const head = `${scenario}: ${api} ${version} ${request.slice(0, 300)}`;
  const values = `  ${path}: Kafka ${JSON.stringify(theirs)?.slice(0, 400)}, we ${JSON.stringify(ours)?.slice(0, 400)}`;
  return `${head}\n${values}${why === undefined ? '' : `\n  (${why})`}`;
}

const { values: flags } = parseArgs({ options: { only: { type: 'string' }, words: { type: 'boolean' } } });
const scenarios = SCENARIOS.filter(({ name }) => name.includes(flags.only ?? ''));
const jars = await mavenJars(join(import.meta.dirname, 'pom.xml'));
if ('missing' in jars) {
  console.log(`not compared: ${jars.missing}`);
  process.exit(0);
}
const directory = mkdtempSync(join(tmpdir(), 'millrace-oracle-'));
const cluster = await openKafkaCluster(jars.folder, 1);
const broker = await Broker.open({ dataDir: directory, settings: SETTINGS });
try {
  const { port } = await broker.listen({ host: '127.0.0.1', port: 0 });
  const theirs = await exchangesWith(Number(cluster.bootstrapServers.split(':')[1]), scenarios);
  const ours = await exchangesWith(port, scenarios);
  const { exchanges, equal, differences, sameWords, otherWords } = compare(theirs, ours, MEANT);
  const unmeant = differences.filter(({ why }) => why === undefined);
  for (const difference of flags.words ? [...unmeant, ...otherWords] : unmeant) console.log(shown(difference));
  const reasons = new Map<string, number>();
  for (const { why } of differences) if (why !== undefined) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  for (const [why, count] of reasons) console.log(`meant, ${count} ×: ${why}`);
  console.log(`${sameWords} messages in Kafka's words, ${otherWords.length} in others`);
  console.log(`${exchanges} exchanges: ${equal} equal, ${unmeant.length} differences without a reason`);
  process.exitCode = unmeant.length === 0 ? 0 : 1;
} finally {
  await broker.close();
  await cluster.close();
  rmSync(directory, { recursive: true, force: true });
}
