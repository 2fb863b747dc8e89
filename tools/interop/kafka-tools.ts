// Apache Kafka's own command-line tools for Java: what people type, call by call. A call is right when the tool ends with 0 and
// says nothing of an exception.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastLine, run } from './commands.ts';
import { mavenJars } from '../../test/suites/maven-jars.ts';
import type { Outcome, Suite, Target } from './suite.ts';

const VERSION = '4.4.0';
const CALL_MS = 60_000;
const JVM = ['-Xmx200m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** A tool with its words, in which `$B` is the broker, and others are names of files. */
interface Call {
  readonly name: string;
  readonly main: string;
  readonly line: string;
  readonly input?: string;
  /** Also in quick runs. */
  readonly isQuick?: boolean;
}

const TOOLS = 'org.apache.kafka.tools';
const TOPICS = `${TOOLS}.TopicCommand`;
const CONFIGS = `${TOOLS}.ConfigCommand`;
const GROUPS = `${TOOLS}.consumer.group.ConsumerGroupCommand`;
const AT = '--bootstrap-server $B';

const CALLS: readonly Call[] = [
  { name: 'topics: create', main: TOPICS, line: `${AT} --create --topic t --partitions 3`, isQuick: true },
  { name: 'topics: alter', main: TOPICS, line: `${AT} --alter --topic t --partitions 4`, isQuick: true },
  { name: 'topics: describe', main: TOPICS, line: `${AT} --describe --topic t`, isQuick: true },
  { name: 'topics: list', main: TOPICS, line: `${AT} --list` },
  { name: 'topics: under-replicated', main: TOPICS, line: `${AT} --describe --under-replicated-partitions` },
  ...['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((codec) => ({
    name: `producer performance: ${codec}`,
    main: `${TOOLS}.ProducerPerformance`,
    line: `--topic t --num-records 1000 --record-size 100 --throughput -1 --producer-props bootstrap.servers=$B compression.type=${codec}`,
    isQuick: codec === 'lz4',
  })),
  {
    name: 'producer performance: transactional',
    main: `${TOOLS}.ProducerPerformance`,
    line: '--topic t --num-records 100 --record-size 100 --throughput -1 --transactional-id perf --transaction-duration-ms 100 --producer-props bootstrap.servers=$B',
  },
  {
    name: 'console producer',
    main: `${TOOLS}.ConsoleProducer`,
    line: `${AT} --topic t`,
    input: 'one\ntwo\n',
    isQuick: true,
  },
  {
    name: 'console consumer',
    main: `${TOOLS}.consumer.ConsoleConsumer`,
    line: `${AT} --topic t --from-beginning --max-messages 10 --group g --timeout-ms 30000`,
    isQuick: true,
  },
  {
    name: 'console consumer: group.protocol=consumer',
    main: `${TOOLS}.consumer.ConsoleConsumer`,
    line: `${AT} --topic t --from-beginning --max-messages 10 --consumer-property group.protocol=consumer --timeout-ms 30000`,
  },
  {
    name: 'console consumer over SASL',
    main: `${TOOLS}.consumer.ConsoleConsumer`,
    line: '--bootstrap-server $L --topic t --from-beginning --max-messages 10 --consumer.config $login --timeout-ms 30000',
    isQuick: true,
  },
  {
    name: 'consumer performance',
    main: `${TOOLS}.ConsumerPerformance`,
    line: `${AT} --topic t --messages 1000`,
  },
  { name: 'verifiable producer', main: `${TOOLS}.VerifiableProducer`, line: `${AT} --topic t --max-messages 100` },
  ...['RangeAssignor', 'CooperativeStickyAssignor'].map((assignor) => ({
    name: `verifiable consumer: ${assignor}`,
    main: `${TOOLS}.VerifiableConsumer`,
    line: `${AT} --topic t --group-id v-${assignor} --max-messages 50 --reset-policy earliest --assignment-strategy org.apache.kafka.clients.consumer.${assignor}`,
  })),
  {
    name: 'end to end latency',
    main: `${TOOLS}.EndToEndLatency`,
    line: `${AT} --topic latency --num-records 100 --producer-acks 1 --record-size 20`,
  },
  {
    name: 'transactional message copier',
    main: `${TOOLS}.TransactionalMessageCopier`,
    line: '--broker-list $B --input-topic t --input-partition 0 --output-topic copied --consumer-group copier --transactional-id copier --transaction-size 50 --max-messages 100',
  },
  { name: 'offsets: latest', main: `${TOOLS}.GetOffsetShell`, line: `${AT} --topic t`, isQuick: true },
  ...['earliest', 'max-timestamp'].map((time) => ({
    name: `offsets: ${time}`,
    main: `${TOOLS}.GetOffsetShell`,
    line: `${AT} --topic t --time ${time}`,
  })),
  { name: 'groups: list', main: GROUPS, line: `${AT} --list --state` },
  { name: 'groups: describe', main: GROUPS, line: `${AT} --describe --group g`, isQuick: true },
  { name: 'groups: members', main: GROUPS, line: `${AT} --describe --group g --members` },
  { name: 'groups: reset', main: GROUPS, line: `${AT} --group g --topic t --reset-offsets --to-earliest --execute` },
  { name: 'groups: delete offsets', main: GROUPS, line: `${AT} --group g --topic t --delete-offsets` },
  { name: 'groups: delete', main: GROUPS, line: `${AT} --group v-RangeAssignor --delete` },
  { name: 'all groups', main: `${TOOLS}.GroupsCommand`, line: `${AT} --list` },
  {
    name: 'configs: topic',
    main: CONFIGS,
    line: `${AT} --alter --topic t --add-config retention.ms=100000`,
    isQuick: true,
  },
  { name: 'configs: describe topic', main: CONFIGS, line: `${AT} --describe --topic t --all` },
  { name: 'configs: describe broker', main: CONFIGS, line: `${AT} --describe --broker 1 --all` },
  {
    name: 'configs: default of brokers',
    main: CONFIGS,
    line: `${AT} --alter --entity-type brokers --entity-default --add-config log.cleaner.threads=2`,
  },
  { name: 'configs: loggers', main: CONFIGS, line: `${AT} --describe --broker-logger 1` },
  {
    name: 'configs: group',
    main: CONFIGS,
    line: `${AT} --alter --group g --add-config consumer.session.timeout.ms=50000`,
  },
  {
    name: 'configs: quota of a user',
    main: CONFIGS,
    line: `${AT} --alter --user u --add-config producer_byte_rate=1000000`,
  },
  {
    name: 'configs: SCRAM',
    main: CONFIGS,
    line: `${AT} --alter --user u --add-config SCRAM-SHA-256=[password=secret]`,
  },
  {
    name: 'client metrics',
    main: `${TOOLS}.ClientMetricsCommand`,
    line: `${AT} --alter --name m --metrics org.apache.kafka. --interval 10000`,
  },
  { name: 'delete records', main: `${TOOLS}.DeleteRecordsCommand`, line: `${AT} --offset-json-file $records` },
  { name: 'log directories', main: `${TOOLS}.LogDirsCommand`, line: `${AT} --describe` },
  { name: 'transactions: list', main: `${TOOLS}.TransactionsCommand`, line: `${AT} list` },
  {
    name: 'transactions: describe',
    main: `${TOOLS}.TransactionsCommand`,
    line: `${AT} describe --transactional-id perf`,
  },
  {
    name: 'transactions: producers',
    main: `${TOOLS}.TransactionsCommand`,
    line: `${AT} describe-producers --topic t --partition 0`,
  },
  { name: 'features', main: `${TOOLS}.FeatureCommand`, line: `${AT} describe` },
  { name: 'quorum', main: `${TOOLS}.MetadataQuorumCommand`, line: `${AT} describe --status` },
  { name: 'cluster: id', main: `${TOOLS}.ClusterTool`, line: `cluster-id ${AT}`, isQuick: true },
  { name: 'versions of APIs', main: `${TOOLS}.BrokerApiVersionsCommand`, line: AT },
  {
    name: 'leader election',
    main: `${TOOLS}.LeaderElectionCommand`,
    line: `${AT} --election-type preferred --topic t --partition 0`,
  },
  { name: 'reassignments: list', main: `${TOOLS}.reassign.ReassignPartitionsCommand`, line: `${AT} --list` },
  { name: 'rules: list', main: `${TOOLS}.AclCommand`, line: `${AT} --list` },
  {
    name: 'application reset',
    main: `${TOOLS}.StreamsResetter`,
    line: `${AT} --application-id none --input-topics t --force`,
  },
  {
    name: 'share groups: consumer',
    main: `${TOOLS}.consumer.ConsoleShareConsumer`,
    line: `${AT} --topic t --max-messages 1 --timeout-ms 10000`,
  },
  { name: 'topics: delete', main: TOPICS, line: `${AT} --delete --topic t`, isQuick: true },
];

export const kafkaTools: Suite = {
  name: 'kafka-tools',
  about: `Apache Kafka ${VERSION}'s command-line tools, call by call`,

  async prepare() {
    const jars = await jarsOfKafka();
    return 'missing' in jars ? jars.missing : undefined;
  },

  async run(target, _cache, isQuick) {
    const jars = await jarsOfKafka();
    if ('missing' in jars) throw new Error(jars.missing);
    const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-tools-'));
    try {
      const words = filesFor(target, folder);
      const outcomes: Outcome[] = [];
      for (const call of CALLS)
        if (!isQuick || call.isQuick === true) outcomes.push(await made(call, words, jars.folder));
      return outcomes;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Jars that are there already, where somebody says so. */
async function jarsOfKafka(): ReturnType<typeof mavenJars> {
  const folder = process.env['KAFKA_LIB'];
  return folder === undefined ? mavenJars(join(import.meta.dirname, '..', 'oracle', 'pom.xml')) : { folder };
}

/** What stands for a word of a call. */
function filesFor({ address, login, username, password }: Target, folder: string): Readonly<Record<string, string>> {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const module = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  const access = [
    'security.protocol=SASL_PLAINTEXT',
    'sasl.mechanism=SCRAM-SHA-512',
    `sasl.jaas.config=${module} required username="${username}" password="${password}";`,
  ];
  const records = { version: 1, partitions: [{ topic: 't', partition: 0, offset: 1 }] };
  return {
    $B: address,
    $L: login,
    $login: write('login.properties', access.join('\n')),
    $records: write('records.json', JSON.stringify(records)),
    $log4j: write('log4j2.properties', 'rootLogger.level=OFF\n'),
  };
}

async function made(call: Call, words: Readonly<Record<string, string>>, jars: string): Promise<Outcome> {
  const { name, main, line, input = '' } = call;
  const args = line.split(' ').map((word) => word.replace(/\$\w+/, (found) => words[found] ?? found));
  const java = [...JVM, `-Dlog4j2.configurationFile=${words['$log4j']}`, '-cp', join(jars, '*'), main, ...args];
  const { code, out, err } = await run('java', java, { timeoutMs: CALL_MS, input });
  const complaint = /^.*(?:Exception|Error:|ERROR).*$/m.exec(`${out}\n${err}`)?.[0];
  if (code === 0 && complaint === undefined) return { name, result: 'passed' };
  const why = complaint?.trim() ?? lastLine(err || out);
  return { name, result: 'failed', why: code === null ? `it took longer than ${CALL_MS} ms: ${why}` : why };
}
