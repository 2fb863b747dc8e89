// A broker of Apache Kafka with a listener of each kind: over TLS and without, with logins and without.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '../../src/client/index.ts';
import { CLUSTER_ID, freePorts, JVM } from './kafka-cluster.ts';
import { PASSWORDS, type SecuredCluster } from './secured-client.ts';
import { type ListenerName, securedCluster, securedListeners } from './secured-listeners.ts';

const LOG4J = [
  'rootLogger.level=ERROR',
  'rootLogger.appenderRefs=s',
  'rootLogger.appenderRef.s.ref=S',
  'appender.s.type=Console',
  'appender.s.name=S',
  'appender.s.layout.type=PatternLayout',
  'appender.s.layout.pattern=%m%n',
];

/** `jars`: the folder that `kafkaJars` gave. */
export async function openSecuredKafka(jars: string): Promise<SecuredCluster> {
  const listeners = securedListeners();
  const { folder, names } = listeners;
  const [controller, ...ports] = await freePorts(names.length + 1);
  const addressOf = (name: ListenerName): string => `127.0.0.1:${ports[names.indexOf(name)]}`;
  const ofClients = names.map((name) => `${name}://${addressOf(name)}`).join(',');
  const properties = {
    ...listeners.settings,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `${ofClients},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': ofClients,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'logs'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
  };
  const config = join(folder, 'server.properties');
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(config, lines.join(''));
  const log4j = join(folder, 'log4j2.properties');
  writeFileSync(log4j, LOG4J.join('\n'));
  const java = (main: string, ...args: string[]): string[] => [
    ...JVM,
    `-Dlog4j2.configurationFile=${log4j}`,
    '-cp',
    join(jars, '*'),
    main,
    ...args,
  ];
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((name) => [
    '--add-scram',
    `${name}=[name=${PASSWORDS.username},password=${PASSWORDS.password}]`,
  ]);
  execFileSync('java', java('kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config, ...users), {
    stdio: 'ignore',
  });
  const out = join(folder, 'out');
  const log = openSync(out, 'a');
  const child = spawn('java', java('kafka.Kafka', config), { stdio: ['ignore', log, log] });
  closeSync(log);
  const close = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGKILL')) await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  const client = createClient({ bootstrapServers: addressOf('PLAINTEXT') });
  try {
    for (;;) {
      if (child.exitCode !== null) throw new Error(`Kafka ended: ${readFileSync(out, 'utf8').slice(-2000)}`);
      const [up] = await Promise.allSettled([client.admin().createTopics([{ name: 'up', partitions: 1 }])]);
      if (up.status === 'fulfilled') break;
    }
  } catch (error) {
    await close();
    throw error;
  } finally {
    await client.close();
  }
  return securedCluster(listeners, addressOf, close);
}
