// A cluster of Apache Kafka for a test: brokers that are controllers too, each in a Java of its own. Nodes can be killed and
// come back.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/client/index.ts';

export interface KafkaCluster {
  readonly bootstrapServers: string;
  /** As a crash: kill -9. */
  kill(node: number): Promise<void>;
  /** As an operator does: its files are in order afterwards. */
  stop(node: number): Promise<void>;
  /** Where a node keeps its logs. */
  logs(node: number): string;
  /** Starts a node that is down; resolves when it takes part again. */
  restart(node: number): Promise<void>;
  close(): Promise<void>;
}

/** A Java that is small, and starts fast. */
export const JVM = ['-Xmx400m', '-Xms200m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
export const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';

/** `jars`: the folder that `kafkaJars` gave; `more`: settings of all nodes. */
export async function openKafkaCluster(
  jars: string,
  nodes: number,
  more: Readonly<Record<string, string>> = {},
): Promise<KafkaCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-'));
  const ports = await freePorts(nodes * 2);
  const running = new Map<number, ChildProcess>();
  const homeOf = (node: number): string => join(directory, String(node));
  const bootstrapServers = ports
    .slice(0, nodes)
    .map((port) => `127.0.0.1:${port}`)
    .join(',');
  const java = (node: number, main: string, ...args: string[]): string[] => [
    ...JVM,
    `-Dlog4j2.configurationFile=${join(homeOf(node), 'log4j2.properties')}`,
    '-cp',
    join(jars, '*'),
    main,
    ...args,
  ];
  const start = (node: number): void => {
    const config = join(homeOf(node), 'server.properties');
    const child = spawn('java', java(node, 'kafka.Kafka', config), { stdio: 'ignore' });
    running.set(node, child);
  };

  for (let node = 1; node <= nodes; node++) {
    const home = homeOf(node);
    mkdirSync(home);
    writeFileSync(join(home, 'log4j2.properties'), 'rootLogger.level=OFF\n');
    const voters = Array.from({ length: nodes }, (_, i) => `${i + 1}@127.0.0.1:${ports[nodes + i]}`);
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': String(node),
      'controller.quorum.voters': voters.join(','),
      listeners: `PLAINTEXT://127.0.0.1:${ports[node - 1]},CONTROLLER://127.0.0.1:${ports[nodes + node - 1]}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports[node - 1]}`,
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      'log.dirs': join(home, 'logs'),
      'default.replication.factor': String(nodes),
      'min.insync.replicas': String(Math.floor(nodes / 2) + 1),
      'offsets.topic.replication.factor': String(nodes),
      'offsets.topic.num.partitions': '6',
      'transaction.state.log.replication.factor': String(nodes),
      'transaction.state.log.min.isr': String(Math.floor(nodes / 2) + 1),
      'transaction.state.log.num.partitions': '6',
      'group.initial.rebalance.delay.ms': '0',
      'broker.session.timeout.ms': '6000',
      'broker.heartbeat.interval.ms': '1000',
      ...more,
    };
    const text = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    const config = join(home, 'server.properties');
    writeFileSync(config, text.join(''));
    execFileSync('java', java(node, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config), {
      stdio: 'ignore',
    });
    start(node);
  }
  const isUp = async (node: number): Promise<void> => {
    const client = createClient({ bootstrapServers: `127.0.0.1:${ports[node - 1]}` });
    try {
      for (;;) {
        const [found] = await Promise.allSettled([
          client.admin().createTopics([{ name: `up-${node}`, partitions: 1 }]),
        ]);
        if (found.status === 'fulfilled' || String(found.reason).includes('TOPIC_ALREADY_EXISTS')) return;
      }
    } finally {
      await client.close();
    }
  };
  for (let node = 1; node <= nodes; node++) await isUp(node);

  const end = (node: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const child = running.get(node);
    running.delete(node);
    return new Promise((resolve) => {
      if (child === undefined || child.exitCode !== null) resolve();
      else {
        child.once('exit', () => resolve());
        child.kill(signal);
      }
    });
  };
  return {
    bootstrapServers,
    kill: (node) => end(node, 'SIGKILL'),
    stop: (node) => end(node, 'SIGTERM'),
    logs: (node) => join(homeOf(node), 'logs'),
    async restart(node) {
      start(node);
      await isUp(node);
    },
    async close() {
      await Promise.all([...running.keys()].map((node) => end(node, 'SIGKILL')));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Ports that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
