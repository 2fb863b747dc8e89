// The originals' files of properties, as they ship: each starts the platform under the name of the program that it is for.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, test } from 'vitest';
import { stockSettings } from '../../src/cli/kafka/stock-files.ts';
import { createClient } from '../../src/client/index.ts';
import { openEmbedded } from '../suites/embedded.ts';
import { Millrace } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-stock-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const root = join(import.meta.dirname, '..', '..');
const lines = (...text: string[]): string => `# as it ships\n${text.join('\n')}\n`;

const FILES = {
  'server.properties': lines(
    'process.roles=broker,controller',
    'node.id=1',
    'controller.quorum.bootstrap.servers=localhost:9093',
    'listeners=PLAINTEXT://:9092,CONTROLLER://:9093',
    'inter.broker.listener.name=PLAINTEXT',
    'advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    'num.network.threads=3',
    'num.io.threads=8',
    'socket.send.buffer.bytes=102400',
    'socket.receive.buffer.bytes=102400',
    'socket.request.max.bytes=104857600',
    'log.dirs=/tmp/kraft-combined-logs',
    'num.partitions=1',
    'num.recovery.threads.per.data.dir=1',
    'offsets.topic.replication.factor=1',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'log.retention.hours=168',
    'log.segment.bytes=1073741824',
    'log.retention.check.interval.ms=300000',
  ),
  'zookeeper-server.properties': lines(
    'broker.id=0',
    'num.network.threads=3',
    'num.io.threads=8',
    'socket.send.buffer.bytes=102400',
    'socket.receive.buffer.bytes=102400',
    'socket.request.max.bytes=104857600',
    'log.dirs=/tmp/kafka-logs',
    'num.partitions=1',
    'num.recovery.threads.per.data.dir=1',
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'log.retention.hours=168',
    'log.retention.check.interval.ms=300000',
    'zookeeper.connect=localhost:2181',
    'zookeeper.connection.timeout.ms=18000',
    'group.initial.rebalance.delay.ms=0',
    'confluent.support.metrics.enable=true',
  ),
  'schema-registry.properties': lines(
    'listeners=http://0.0.0.0:8081',
    'kafkastore.bootstrap.servers=PLAINTEXT://localhost:1',
    'kafkastore.topic=_schemas',
    'debug=false',
    'metadata.encoder.secret=REPLACE_ME_WITH_HIGH_ENTROPY_STRING',
    'resource.extension.class=io.confluent.dekregistry.DekRegistryResourceExtension',
  ),
  'ksql-server.properties': lines(
    'listeners=http://0.0.0.0:8088',
    'ksql.logging.processing.topic.auto.create=true',
    'ksql.logging.processing.stream.auto.create=true',
    'bootstrap.servers=localhost:1',
    'compression.type=snappy',
  ),
  'kafka-rest.properties': lines(
    'bootstrap.servers=PLAINTEXT://localhost:1',
    'schema.registry.url=http://localhost:8081',
  ),
};

function fileOf(name: keyof typeof FILES, more = ''): string {
  const path = join(directory, name);
  writeFileSync(path, FILES[name] + more);
  return path;
}

describe('become settings', () => {
  test('of a broker with a controller in it', async () => {
    expect(await stockSettings('kafka', fileOf('server.properties'), [])).toEqual({
      settings: {
        'node.id': '1',
        listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
        'advertised.listeners': 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
        'inter.broker.listener.name': 'PLAINTEXT',
        'controller.listener.names': 'CONTROLLER',
        'listener.security.protocol.map':
          'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
        'num.network.threads': '3',
        'num.io.threads': '8',
        'num.recovery.threads.per.data.dir': '1',
        'socket.request.max.bytes': '104857600',
        'log.dirs': '/tmp/kraft-combined-logs',
        'num.partitions': '1',
        'log.retention.hours': '168',
        'log.segment.bytes': '1073741824',
        'log.retention.check.interval.ms': '300000',
      },
      notices: [
        'Passed over, as they have no meaning here: process.roles, controller.quorum.bootstrap.servers, socket.send.buffer.bytes, ' +
          'socket.receive.buffer.bytes, offsets.topic.replication.factor, ' +
          'share.coordinator.state.topic.replication.factor, share.coordinator.state.topic.min.isr, ' +
          'transaction.state.log.replication.factor, transaction.state.log.min.isr.',
      ],
    });
  });

  test('of a broker with ZooKeeper', async () => {
    const { settings, notices } = await stockSettings('kafka', fileOf('zookeeper-server.properties'), []);
    expect(settings).toMatchObject({ 'node.id': '0', 'log.dirs': '/tmp/kafka-logs' });
    expect(notices.join()).toMatch(
      /zookeeper\.connect, zookeeper\.connection\.timeout\.ms, confluent\.support\.metrics\.enable\.$/,
    );
  });

  test('of the registry, of SQL, of the REST proxy', async () => {
    expect(await stockSettings('schema-registry', fileOf('schema-registry.properties'), [])).toEqual({
      settings: {
        'schema.registry.listeners': 'http://0.0.0.0:8081',
        listeners: 'PLAINTEXT://localhost:1',
        'kafkastore.topic': '_schemas',
      },
      notices: [expect.stringMatching(/: debug, metadata\.encoder\.secret, resource\.extension\.class\.$/)],
    });
    expect(await stockSettings('ksql', fileOf('ksql-server.properties'), [])).toEqual({
      settings: {
        'ksql.listeners': 'http://0.0.0.0:8088',
        listeners: 'PLAINTEXT://localhost:1',
        'ksql.logging.processing.topic.auto.create': 'true',
        'ksql.logging.processing.stream.auto.create': 'true',
      },
      notices: ['Passed over, as they have no meaning here: compression.type.'],
    });
    expect(await stockSettings('kafka-rest', fileOf('kafka-rest.properties'), [])).toEqual({
      settings: { listeners: 'PLAINTEXT://localhost:1' },
      notices: ['Passed over, as they have no meaning here: schema.registry.url.'],
    });
  });

  test('a broker that answers is the one that is meant, and so is one elsewhere', async () => {
    const embedded = await openEmbedded();
    const { port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
    const overrides = [['bootstrap.servers', `localhost:${port}`]] as const;
    expect((await stockSettings('ksql', undefined, overrides)).settings).toEqual({
      'bootstrap.servers': `localhost:${port}`,
    });
    await embedded.close();
    const elsewhere = [
      ['kafkastore.bootstrap.servers', 'PLAINTEXT://broker-1.invalid:9092,broker-2.invalid:9092'],
    ] as const;
    expect((await stockSettings('schema-registry', undefined, elsewhere)).settings).toEqual({
      'bootstrap.servers': 'broker-1.invalid:9092,broker-2.invalid:9092',
    });
  });

  test('brokers behind TLS or SASL are a cluster that is elsewhere', async () => {
    const given = [['bootstrap.servers', 'SASL_SSL://broker.invalid:9092']] as const;
    expect((await stockSettings('ksql', undefined, given)).settings).toEqual(Object.fromEntries(given));
    const files = {
      'schema-registry': { brokers: 'kafkastore.bootstrap.servers', prefix: 'kafkastore.' },
      ksql: { brokers: 'bootstrap.servers', prefix: 'ksql.streams.' },
      'kafka-rest': { brokers: 'bootstrap.servers', prefix: 'client.' },
    } as const;
    const access = { 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN', 'ssl.truststore.location': '/ca.pem' };
    for (const [program, { brokers, prefix }] of Object.entries(files)) {
      const clients = Object.entries(access).map(([name, value]) => [`${prefix}${name}`, value] as const);
      const { settings, notices } = await stockSettings(program as keyof typeof files, undefined, [
        [brokers, 'broker.invalid:9092'],
        ...clients,
      ]);
      expect(settings).toEqual({ 'bootstrap.servers': 'broker.invalid:9092', ...access });
      expect(notices).toEqual([]);
    }
  });

  test('of a secured broker: what is for its listeners, and what has no meaning for any is passed over', async () => {
    const given = [
      ['listeners', 'INSIDE://:9092,OUTSIDE://:19092'],
      ['listener.name.outside.ssl.client.auth', 'required'],
      ['listener.name.outside.scram-sha-512.sasl.login.callback.handler.class', 'x'],
      ['listener.name.outside.ssl.keymanager.algorithm', 'x'],
    ] as const;
    expect(await stockSettings('kafka', undefined, given)).toEqual({
      settings: {
        listeners: 'INSIDE://:9092,OUTSIDE://:19092',
        'listener.name.outside.ssl.client.auth': 'required',
      },
      notices: [
        'Passed over, as they have no meaning here: listener.name.outside.scram-sha-512.sasl.login.callback.handler.class, ' +
          'listener.name.outside.ssl.keymanager.algorithm.',
      ],
    });
  });
});

describe('start the platform', () => {
  const anyPort = ['schema.registry.listeners', 'ksql.listeners', 'kafka.rest.listeners', 'connect.listeners'].map(
    (name) => `${name}=http://127.0.0.1:0`,
  );
  const overrides = (data: string): string[] =>
    [
      'listeners=PLAINTEXT://127.0.0.1:0',
      'advertised.listeners=',
      ...anyPort,
      `log.dirs=${join(directory, data)}`,
    ].flatMap((text) => ['--override', text]);
  const brokerOf = async (started: Millrace): Promise<string> => (await started.says(/Broker ready +(\S+)/))[1]!;

  test('kafka-server-start.sh with a directory, and a consumer finds it', async () => {
    const config = join(directory, 'config');
    mkdirSync(config);
    writeFileSync(join(config, 'server.properties'), FILES['server.properties']);
    const started = new Millrace([config, ...overrides('one')], { bin: join(root, 'bin', 'kafka-server-start') });
    const client = createClient({ bootstrapServers: await brokerOf(started) });
    await client.admin().createTopics([{ name: 't' }]);
    await client.close();
    await started.says(/is up after/);
    const { code, stderr } = await started.kill('SIGTERM');
    expect(code).toBe(0);
    expect(stderr.match(/Passed over/g)).toHaveLength(1);
  });

  test.each([
    ['schema-registry-start', 'schema-registry.properties'],
    ['ksql-server-start', 'ksql-server.properties'],
    ['kafka-rest-start', 'kafka-rest.properties'],
  ] as const)('%s', async (name, file) => {
    // The file's broker is on a port that nobody can have.
    const path = fileOf(
      file,
      'kafkastore.bootstrap.servers=localhost:0\nbootstrap.servers=localhost:0\n'
        .split('\n')
        .filter((line) => line.startsWith(file.startsWith('schema') ? 'kafkastore' : 'bootstrap'))
        .join('\n'),
    );
    const words = [
      ...anyPort,
      // The service's own, in whatever name.
      'listeners=http://127.0.0.1:0',
      `log.dirs=${join(directory, name)}`,
    ];
    const started = new Millrace([path, ...words.flatMap((text) => ['--override', text])], {
      bin: join(root, 'bin', name),
    });
    await started.says(/is up after/);
    expect((await started.kill('SIGTERM')).code).toBe(0);
  });

  test('millrace start -c with a secured file of Apache Kafka, as it is', async () => {
    const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="a"';
    const path = fileOf(
      'server.properties',
      lines(
        'listeners=SASL_PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0',
        'advertised.listeners=',
        'security.inter.broker.protocol=SASL_PLAINTEXT',
        'inter.broker.listener.name=SASL_PLAINTEXT',
        'sasl.mechanism.inter.broker.protocol=PLAIN',
        'sasl.enabled.mechanisms=PLAIN',
        `listener.name.sasl_plaintext.plain.sasl.jaas.config=${plain} user_admin="a" user_alice="pw";`,
        `log.dirs=${join(directory, 'secured')}`,
      ),
    );
    const started = new Millrace(['start', '-c', path, ...anyPort.flatMap((text) => ['-p', text])]);
    const [, address] = await started.says(/Broker ready +SASL_PLAINTEXT:\/\/(\S+)/);
    const sasl = { mechanism: 'plain', username: 'alice', password: 'pw' } as const;
    const admin = new Kafka({ brokers: [address!], logLevel: logLevel.NOTHING, sasl }).admin();
    await admin.connect();
    expect(await admin.createTopics({ topics: [{ topic: 't' }] })).toBe(true);
    await admin.disconnect();
    await started.says(/is up after/);
    expect((await started.kill('SIGTERM')).code).toBe(0);
  });

  test('not with a typing error', async () => {
    const path = fileOf('zookeeper-server.properties', 'num.patitions=3\n');
    const started = new Millrace([path, ...overrides('typo')], { bin: join(root, 'bin', 'kafka-server-start') });
    const { code, stderr } = await started.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('Unknown setting "num.patitions". Did you mean "num.partitions"?');
  });
});
