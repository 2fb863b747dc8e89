// The two that are compared: Apache Kafka as its scripts start it, and `millrace start` of the package, each a process of its
// own with the same settings in Kafka's words, a listener without and one with TLS and SCRAM.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from '../../test/suites/certificates.ts';
import { CLUSTER_ID, freePorts } from '../../test/suites/kafka-cluster.ts';

const KAFKA_CONFIGS = join(import.meta.dirname, '..', '..', 'bin', 'kafka-configs');
const LOG4J = 'rootLogger.level=OFF\n';
/** What `kafka-server-start.sh` and `kafka-run-class.sh` say. */
const KAFKA_JVM = [
  ...['-Xmx1G', '-Xms1G', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
  ...['-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent', '-Djava.awt.headless=true'],
];
const USER = { name: 'bench', password: 'bench-secret' };
const CLOCK_TICKS = 100;

export interface Contender {
  readonly name: 'kafka' | 'millrace';
  readonly address: string;
  /** The listener with TLS and logins, and the file of properties that gets a client in. */
  readonly secured: { readonly address: string; readonly properties: string };
  /** Milliseconds from the start of the process until it answered a request for the first time. */
  readonly startMs: number;
  /** Processor time that it has used, in seconds. */
  cpuSeconds(): number;
  residentMb(): number;
  /** As an operator does, and again on the same files; answers the milliseconds that stopping and starting took. */
  restart(): Promise<{ readonly stopMs: number; readonly startMs: number }>;
  close(): Promise<void>;
}

/** Where Kafka's jars are, and the command of Millrace's package. */
export interface Programs {
  readonly jars: string;
  readonly millrace: string;
}

/** `isSynced`: nothing is acknowledged that is not on the disk. */
export async function openContenders(
  { jars, millrace }: Programs,
  isSynced: boolean,
): Promise<Record<'kafka' | 'millrace', Contender>> {
  return { kafka: await openKafka(jars, isSynced), millrace: await openMillrace(millrace, isSynced) };
}

interface Setup {
  readonly folder: string;
  readonly plain: string;
  readonly secured: string;
  readonly settings: Record<string, string>;
  /** What a client needs to get in at the secured listener. */
  readonly properties: string;
}

/** What both are told. */
async function setUp(): Promise<Setup> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const certificates = makeCertificates(folder);
  const path = certificates.issue('server');
  const keystore = join(folder, 'server.pem');
  writeFileSync(keystore, readFileSync(`${path}.key`, 'utf8') + readFileSync(`${path}.crt`, 'utf8'));
  const [plain, secured] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const module = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
  const properties = join(folder, 'client.properties');
  writeFileSync(
    properties,
    [
      'security.protocol=SASL_SSL',
      'sasl.mechanism=SCRAM-SHA-512',
      `sasl.jaas.config=${module} username="${USER.name}" password="${USER.password}";`,
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${certificates.ca}`,
      '',
    ].join('\n'),
  );
  return {
    folder,
    plain: plain!,
    secured: secured!,
    properties,
    settings: {
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT',
      listeners: `PLAINTEXT://${plain},SECURED://${secured}`,
      'inter.broker.listener.name': 'PLAINTEXT',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.secured.scram-sha-512.sasl.jaas.config': `${module};`,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificates.ca,
      'group.initial.rebalance.delay.ms': '0',
      'log.dirs': join(folder, 'logs'),
    },
  };
}

async function openKafka(jars: string, isSynced: boolean): Promise<Contender> {
  const setup = await setUp();
  const { folder, plain, secured } = setup;
  const [controller] = await freePorts(1);
  const log4j = join(folder, 'log4j2.properties');
  writeFileSync(log4j, LOG4J);
  const config = join(folder, 'server.properties');
  const settings = {
    ...setup.settings,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `${setup.settings['listeners']},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://${plain},SECURED://${secured}`,
    'controller.listener.names': 'CONTROLLER',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    ...(isSynced ? { 'log.flush.interval.messages': '1' } : {}),
  };
  for (const [name, value] of Object.entries(settings)) appendFileSync(config, `${name}=${value}\n`);
  const java = [`-Dlog4j2.configurationFile=${log4j}`, '-cp', join(jars, '*')];
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config];
  execFileSync('java', [...java, ...format], { stdio: 'ignore' });
  return contender('kafka', setup, 'java', [...KAFKA_JVM, ...java, 'kafka.Kafka', config]);
}

async function openMillrace(command: string, isSynced: boolean): Promise<Contender> {
  const setup = await setUp();
  const settings = { ...setup.settings, durability: isSynced ? 'fsync' : 'os' };
  const services = ['schema.registry', 'ksql', 'kafka.rest', 'connect'];
  const nowhere = services.map((service) => [`${service}.listeners`, 'http://127.0.0.1:0']);
  const words = [...Object.entries(settings), ...nowhere].flatMap(([name, value]) => ['-p', `${name}=${value}`]);
  return contender('millrace', setup, process.execPath, [command, 'start', ...words]);
}

async function contender(
  name: Contender['name'],
  setup: Setup,
  command: string,
  words: readonly string[],
): Promise<Contender> {
  const { folder, plain, secured, properties } = setup;
  mkdirSync(join(folder, 'logs'), { recursive: true });
  const out = join(folder, 'out');
  let child: ChildProcess;
  const start = async (): Promise<number> => {
    const begun = performance.now();
    const log = openSync(out, 'a');
    child = spawn(command, words, { stdio: ['ignore', log, log] });
    closeSync(log);
    while (!(await answers(plain)))
      if (child.exitCode !== null) throw new Error(`${name} ended: ${readFileSync(out, 'utf8').slice(-2000)}`);
    return performance.now() - begun;
  };
  const stop = async (): Promise<number> => {
    const begun = performance.now();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGTERM')) await gone;
    return performance.now() - begun;
  };
  const startMs = await start();
  // Kafka answers before its controller knows of it.
  const user = ['--alter', '--add-config', `SCRAM-SHA-512=[password=${USER.password}]`, '--entity-type', 'users'];
  execFileSync(KAFKA_CONFIGS, ['--bootstrap-server', plain, ...user, '--entity-name', USER.name]);
  return {
    name,
    address: plain,
    secured: { address: secured, properties },
    startMs,
    cpuSeconds() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
    },
    residentMb() {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024;
    },
    async restart() {
      return { stopMs: await stop(), startMs: await start() };
    },
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** ApiVersions in version 0, of a client without a name. */
const API_VERSIONS = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);

/** Whether somebody answers a request there; a little later if nobody does. */
function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect(Number(address.split(':')[1]), '127.0.0.1', () => socket.write(API_VERSIONS));
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', () => end(true));
    socket.once('error', () => setTimeout(() => end(false), 5));
    socket.once('close', () => resolve(false));
  });
}
