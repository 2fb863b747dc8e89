// An Apache Kafka whose clients log in with PLAIN and whose authorizer has access rules: one node, in a Java of its own.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './kafka-cluster.ts';

const JVM = ['-Xmx400m', '-Xms200m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export interface SecuredKafka {
  /** Of its listener with SASL. */
  readonly address: string;
  close(): Promise<void>;
}

/** `jars`: the folder that `kafkaJars` gave. `passwords` are those of users; `admin`, who needs one, may do everything. */
export async function openSecuredKafka(
  jars: string,
  passwords: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Promise<SecuredKafka> {
  const home = mkdtempSync(join(tmpdir(), 'millrace-secured-kafka-'));
  const [port, controllerPort] = await freePorts(2);
  const users = Object.entries(passwords).map(([user, password]) => `user_${user}="${password}"`);
  const login = `username="admin" password="${passwords['admin']}"`;
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `SASL_PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `SASL_PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'SASL_PLAINTEXT',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${login} ${users.join(' ')};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // Its own controller is nobody in particular.
    'super.users': 'User:admin;User:ANONYMOUS',
    'log.dirs': join(home, 'logs'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...more,
  };
  mkdirSync(join(home, 'logs'));
  const config = join(home, 'server.properties');
  writeFileSync(
    config,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  writeFileSync(join(home, 'log4j2.properties'), 'rootLogger.level=OFF\n');
  const java = (main: string, ...args: string[]): string[] => [
    ...JVM,
    `-Dlog4j2.configurationFile=${join(home, 'log4j2.properties')}`,
    '-cp',
    join(jars, '*'),
    main,
    ...args,
  ];
  execFileSync('java', java('kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', config), {
    stdio: 'ignore',
  });
  const child = spawn('java', java('kafka.Kafka', config), { stdio: 'ignore' });
  return {
    address: `127.0.0.1:${port}`,
    async close() {
      await new Promise<void>((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      });
      rmSync(home, { recursive: true, force: true });
    },
  };
}
