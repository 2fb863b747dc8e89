// A broker of Apache Kafka with a listener of each kind: over TLS and without, with logins and without.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/client/index.ts';
import { makeCertificates } from './certificates.ts';
import { CLUSTER_ID, freePorts, JVM } from './kafka-cluster.ts';
import { PASSWORDS, type SecuredCluster, SESSION_MS } from './secured-client.ts';

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'];

/** `jars`: the folder that `kafkaJars` gave. */
export async function openSecuredKafka(jars: string): Promise<SecuredCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secured-'));
  const certificates = makeCertificates(folder);
  const pemStore = (name: string, hosts?: string): string => {
    const path = certificates.issue(name, hosts);
    writeFileSync(`${path}.pem`, readFileSync(`${path}.key`, 'utf8') + readFileSync(`${path}.crt`, 'utf8'));
    return `${path}.pem`;
  };
  const protocols = {
    PLAINTEXT: 'PLAINTEXT',
    SSL: 'SSL',
    MTLS: 'SSL',
    ELSEWHERE: 'SSL',
    SASL_SSL: 'SASL_SSL',
    SASL_PLAINTEXT: 'SASL_PLAINTEXT',
    SHORT: 'SASL_SSL',
    CONTROLLER: 'PLAINTEXT',
  };
  const names = Object.keys(protocols) as (keyof typeof protocols)[];
  const ports = await freePorts(names.length);
  const addressOf = (name: keyof typeof protocols): string => `127.0.0.1:${ports[names.indexOf(name)]}`;
  const listeners = names.map((name) => `${name}://${addressOf(name)}`);
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const oauth = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required';
  const logins = ['sasl_ssl', 'sasl_plaintext', 'short'].flatMap((name) => [
    [`listener.name.${name}.sasl.enabled.mechanisms`, MECHANISMS.join(',')],
    [`listener.name.${name}.plain.sasl.jaas.config`, `${plain} user_${PASSWORDS.username}="${PASSWORDS.password}";`],
    [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, scram],
    [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, scram],
    [`listener.name.${name}.oauthbearer.sasl.jaas.config`, `${oauth} unsecuredLoginStringClaim_sub="broker";`],
  ]);
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${addressOf('CONTROLLER')}`,
    listeners: listeners.join(','),
    'advertised.listeners': listeners.filter((text) => !text.startsWith('CONTROLLER')).join(','),
    'listener.security.protocol.map': Object.entries(protocols)
      .map((pair) => pair.join(':'))
      .join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'logs'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': pemStore('server'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.ca,
    'listener.name.mtls.ssl.client.auth': 'required',
    'listener.name.elsewhere.ssl.keystore.type': 'PEM',
    'listener.name.elsewhere.ssl.keystore.location': pemStore('elsewhere', 'DNS:kafka.example'),
    ...Object.fromEntries(
      MECHANISMS.map((name) => [
        `listener.name.short.${name.toLowerCase()}.connections.max.reauth.ms`,
        String(SESSION_MS),
      ]),
    ),
    ...Object.fromEntries(logins),
  };
  const config = join(folder, 'server.properties');
  writeFileSync(
    config,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const log4j = join(folder, 'log4j2.properties');
  writeFileSync(
    log4j,
    'rootLogger.level=ERROR\nrootLogger.appenderRefs=s\nrootLogger.appenderRef.s.ref=S\nappender.s.type=Console\nappender.s.name=S\nappender.s.layout.type=PatternLayout\nappender.s.layout.pattern=%m%n\n',
  );
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
  return {
    certificates,
    folder,
    plaintext: addressOf('PLAINTEXT'),
    ssl: addressOf('SSL'),
    mtls: addressOf('MTLS'),
    elsewhere: addressOf('ELSEWHERE'),
    saslSsl: addressOf('SASL_SSL'),
    saslPlaintext: addressOf('SASL_PLAINTEXT'),
    shortSessions: addressOf('SHORT'),
    close,
  };
}
