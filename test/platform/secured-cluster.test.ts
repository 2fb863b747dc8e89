// All that runs on a cluster elsewhere, on an Apache Kafka that lets in only whom it knows: each part is told by Kafka's settings
// of clients, under the names that its users have in their files.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stockSettings } from '../../src/cli/kafka/stock-files.ts';
import { type Client, createClient, recordsOf } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import { startConnectWorker } from '../../src/platform/connect-worker.ts';
import { KafkaStreams } from '../../src/streams/index.ts';
import { toolRunner } from '../cli/kafka-tool-runner.ts';
import { commandsOn } from '../cli/commands/support.ts';
import { hasOpenssl } from '../suites/certificates.ts';
import { kafkaJars } from '../suites/kafka-jars.ts';
import { PASSWORDS, type SecuredCluster } from '../suites/secured-client.ts';
import { openSecuredKafka } from '../suites/secured-kafka.ts';

const folderOfJars = process.env['KAFKA_LIB'];
const jars = folderOfJars === undefined ? await kafkaJars() : { folder: folderOfJars };
const missing = !hasOpenssl()
  ? 'there is no openssl (apt-get install openssl)'
  : 'missing' in jars
    ? jars.missing
    : undefined;
if (missing !== undefined) console.log(`skipped: ${missing}`);

const STRINGS = 'org.apache.kafka.connect.storage.StringConverter';

describe.skipIf(missing !== undefined)('on a secured cluster', () => {
  let cluster: SecuredCluster;
  let folder: string;
  /** Sees the records without getting in. */
  let client: Client;
  let access: Record<string, string>;
  let file: string;

  beforeAll(async () => {
    cluster = await openSecuredKafka('folder' in jars ? jars.folder : '');
    folder = mkdtempSync(join(tmpdir(), 'millrace-on-secured-'));
    client = createClient({ bootstrapServers: cluster.plaintext });
    access = {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': jaasOf(PASSWORDS.username, PASSWORDS.password),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': cluster.certificates.ca,
    };
    file = write('client.properties', access);
  }, 120_000);
  afterAll(async () => {
    await client?.close();
    await cluster?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const jaasOf = (username: string, password: string): string =>
    `org.apache.kafka.common.security.scram.ScramLoginModule required username="${username}" password="${password}";`;
  const withPrefix = (prefix: string): Record<string, string> =>
    Object.fromEntries(Object.entries(access).map(([name, value]) => [prefix + name, value]));
  const write = (name: string, settings: Readonly<Record<string, string>>): string => {
    const path = join(folder, name);
    writeFileSync(
      path,
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    return path;
  };
  const endOf = async (topic: string): Promise<number> => {
    const found = await client
      .admin()
      .listOffsets([{ topic, partition: 0, timestamp: -1 }])
      .catch(() => []);
    return found[0]?.offset ?? 0;
  };
  const post = async (url: string, type: string, body: object): Promise<unknown> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify(body),
    });
    return response.json();
  };

  test.each([
    ['ksql', 'bootstrap.servers', 'ksql.streams.', true],
    ['schema-registry', 'kafkastore.bootstrap.servers', 'kafkastore.', false],
    ['kafka-rest', 'bootstrap.servers', 'client.', false],
  ] as const)(
    'the services, by the file of %s',
    async (program, brokers, prefix, threads) => {
      const path = write(`${program}.properties`, {
        [brokers]: `SASL_SSL://${cluster.saslSsl}`,
        ...withPrefix(prefix),
      });
      const { settings, notices } = await stockSettings(program, path, []);
      expect(notices).toEqual([]);
      const topic = `orders-${program}`;
      const platform = await Platform.start({
        settings: {
          ...settings,
          'log.dirs': join(folder, program),
          'schema.registry.listeners': 'http://127.0.0.1:0',
          'ksql.listeners': 'http://127.0.0.1:0',
          'kafka.rest.listeners': 'http://127.0.0.1:0',
          'connect.listeners': 'http://127.0.0.1:0',
          'ksql.service.id': `${program}_`,
          'service.threads': threads,
        },
      });
      try {
        const schema = { schema: '{"type":"string"}' };
        const registered = await post(
          `${platform.url('schema-registry')}/subjects/s/versions`,
          'application/json',
          schema,
        );
        expect(registered).toMatchObject({ id: expect.any(Number) });
        const ksql = `SET 'auto.offset.reset' = 'earliest';
        CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='${topic}', partitions=1, replicas=1, value_format='JSON');
        CREATE TABLE t WITH (replicas=1) AS SELECT k, SUM(v) AS total FROM s GROUP BY k;
        INSERT INTO s VALUES ('a', 1);`;
        expect(await post(`${platform.url('sql')}/ksql`, 'application/json', { ksql })).toMatchObject([{}, {}]);
        const produced = await post(
          `${platform.url('rest-proxy')}/topics/${topic}`,
          'application/vnd.kafka.json.v2+json',
          {
            records: [{ value: { V: 2 } }],
          },
        );
        expect(produced).toMatchObject({ offsets: [{ partition: 0 }] });
        const pull = { ksql: "SELECT total FROM t WHERE k = 'a';" };
        const row = () => post(`${platform.url('sql')}/query`, 'application/json', pull);
        await expect.poll(row, { timeout: 60_000 }).toMatchObject([{}, { row: { columns: [1] } }]);
        expect(
          JSON.stringify(await post(`${platform.url('sql')}/ksql`, 'application/json', { ksql: 'LIST PROPERTIES;' })),
        ).not.toContain(PASSWORDS.password);
        expect(await (await fetch(`${platform.url('connect')}/connectors`)).json()).toEqual([]);
      } finally {
        await platform.stop();
      }
    },
    120_000,
  );

  test('a platform is told that settings contradict each other, or lead nowhere', async () => {
    const start = (settings: Record<string, string>) =>
      Platform.start({ settings: { 'log.dirs': join(folder, 'none'), ...settings } });
    const given = { 'bootstrap.servers': cluster.saslSsl, ...access };
    await expect(start({ ...given, 'kafkastore.sasl.mechanism': 'PLAIN' })).rejects.toThrow(
      '"sasl.mechanism" and "kafkastore.sasl.mechanism" say different things',
    );
    await expect(start(withPrefix('ksql.streams.'))).rejects.toThrow('name that by "bootstrap.servers"');
    const wrong = { ...given, 'sasl.jaas.config': jaasOf('alice', 'a-wrong-secret') };
    await expect(start(wrong)).rejects.toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' });
  });

  test('the tools of Kafka', async () => {
    const run = toolRunner(() => cluster.saslSsl);
    expect(await run(`kafka-topics $B --command-config ${file} --create --topic tools`)).toMatchObject({ code: 0 });
    const password = PASSWORDS.password;
    const properties = Object.entries(access).map(([name, value]) => `--producer-property '${name}=${value}'`);
    const sent = await run(`kafka-console-producer $B --topic tools ${properties.join(' ')}`, 'one\ntwo\n');
    expect(sent).toMatchObject({ code: 0, err: '' });
    const flags = `--topic tools --from-beginning --max-messages 2`;
    expect(await run(`kafka-console-consumer $B ${flags} --consumer.config ${file}`)).toMatchObject({
      code: 0,
      out: 'one\ntwo\n',
    });
    expect(await run(`kafka-console-consumer $B ${flags} --command-config ${file}`)).toMatchObject({
      code: 0,
      out: 'one\ntwo\n',
    });
    const perf = await run(
      `kafka-producer-perf-test --topic tools --num-records 10 --record-size 10 --throughput -1 --producer.config ${file} --producer-props bootstrap.servers=${cluster.saslSsl}`,
    );
    expect(perf).toMatchObject({ code: 0, err: '' });
    const wrong = write('wrong.properties', { ...access, 'sasl.jaas.config': jaasOf('alice', 'a-wrong-secret') });
    const refused = await run(`kafka-topics $B --command-config ${wrong} --list`);
    expect(refused.code).toBe(1);
    expect(refused.out + refused.err).toContain('the user alice did not come together by SCRAM-SHA-512');
    expect(refused.out + refused.err).not.toMatch(new RegExp(`${password}|a-wrong-secret`));
  });

  test('the commands', async () => {
    const run = commandsOn(() => cluster.saslSsl);
    const said = await run(`topics list $B --client-config ${file} -o csv`);
    expect(said.error).toBeUndefined();
    expect(said.out).toContain('topic,partitions,replicas');
    const words = Object.entries(access).map(([name, value]) => `-X '${name}=${value}'`);
    expect((await run(`cluster brokers $B ${words.join(' ')}`)).error).toBeUndefined();
    expect((await run('cluster brokers $B -X security.protocol=SSLL')).error).toContain(
      'Invalid value "SSLL" for "security.protocol"',
    );
    process.env['MILLRACE_CLIENT_CONFIG'] = file;
    try {
      expect((await run('shell $B', { input: 'topics list\nkafka-topics --list\n' })).err).toBe('');
    } finally {
      delete process.env['MILLRACE_CLIENT_CONFIG'];
    }
  });

  test('an application with threads', async () => {
    const topics = ['in', 'out'].map((name) => ({ name, partitions: 2 }));
    await client.admin().createTopics(topics);
    const app = KafkaStreams.fromModule(new URL('../streams/threads-child.ts', import.meta.url), {
      applicationId: 'secured',
      stateDir: join(folder, 'state'),
      numStreamThreads: 2,
      bootstrapServers: cluster.saslSsl,
      securityProtocol: 'SASL_SSL',
      saslMechanism: 'PLAIN',
      saslJaasConfig: `org.apache.kafka.common.security.plain.PlainLoginModule required username="${PASSWORDS.username}" password="${PASSWORDS.password}";`,
      sslTruststoreLocation: cluster.certificates.ca,
    });
    await app.start();
    try {
      const producer = client.producer();
      await producer.send({ topic: 'in', key: 'a', value: '1' });
      const consumer = client.consumer({ autoOffsetReset: 'earliest' });
      consumer.assign([0, 1].map((partition) => ({ topic: 'out', partition, offset: -2 })));
      const seen: string[] = [];
      while (seen.length === 0) seen.push(...[...recordsOf(await consumer.poll(500))].map(({ key }) => String(key)));
      expect(seen).toEqual(['a']);
    } finally {
      await app.close();
    }
    expect(() =>
      KafkaStreams.fromModule('x.ts', { applicationId: 'a', bootstrapServers: 'b:1', sasl: {} } as never),
    ).toThrow('sasl does not go to another thread: give saslMechanism and saslJaasConfig');
  }, 60_000);

  test('a worker of Connect, whose connectors get in as others', async () => {
    const lines = join(folder, 'lines.txt');
    writeFileSync(lines, 'one\n');
    const connector = (name: string, more: Record<string, string>): string =>
      write(`${name}.properties`, { name, 'connector.class': 'FileStreamSource', file: lines, topic: name, ...more });
    const worker = {
      'bootstrap.servers': cluster.saslSsl,
      ...access,
      // As files for Kafka's own worker have them.
      ...withPrefix('producer.'),
      ...withPrefix('consumer.'),
      'key.converter': STRINGS,
      'value.converter': STRINGS,
      listeners: 'http://127.0.0.1:0',
      'offset.flush.interval.ms': '100',
      'offset.storage.file.filename': join(folder, 'offsets'),
    };
    const running = await startConnectWorker({
      mode: 'standalone',
      settings: worker,
      connectors: [
        connector('as-the-worker', {}),
        connector('as-another', {
          'producer.override.sasl.mechanism': 'OAUTHBEARER',
          'producer.override.sasl.jaas.config':
            'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="bob";',
        }),
        connector('as-nobody', { 'producer.override.sasl.jaas.config': jaasOf('alice', 'a-wrong-secret') }),
      ],
      log: () => {},
    });
    try {
      await expect.poll(() => endOf('as-the-worker'), { timeout: 20_000 }).toBe(1);
      await expect.poll(() => endOf('as-another'), { timeout: 20_000 }).toBe(1);
      const status = async () => (await fetch(`${running.url}/connectors/as-nobody/status`)).text();
      await expect.poll(status, { timeout: 20_000 }).toMatch(/FAILED.*the user alice did not come together/s);
      expect(await status()).not.toContain('a-wrong-secret');
    } finally {
      await running.stop();
    }
  }, 60_000);

  test('a mirror of it', async () => {
    const mirror = write('mirror.properties', {
      name: 'mirror',
      'connector.class': 'org.apache.kafka.connect.mirror.MirrorSourceConnector',
      'source.cluster.alias': 'west',
      'target.cluster.alias': 'east',
      'source.cluster.bootstrap.servers': cluster.saslSsl,
      'target.cluster.bootstrap.servers': cluster.plaintext,
      ...withPrefix('source.cluster.'),
      'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
      'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
      topics: 'tools',
    });
    const running = await startConnectWorker({
      mode: 'standalone',
      settings: {
        'bootstrap.servers': cluster.plaintext,
        'key.converter': STRINGS,
        'value.converter': STRINGS,
        listeners: 'http://127.0.0.1:0',
        'offset.storage.file.filename': join(folder, 'mirror.offsets'),
      },
      connectors: [mirror],
      log: () => {},
    });
    try {
      await expect.poll(() => endOf('west.tools'), { timeout: 30_000 }).toBeGreaterThan(2);
      const validated = await fetch(`${running.url}/connector-plugins/MirrorSourceConnector/config/validate`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...Object.fromEntries(
            readFileSync(mirror, 'utf8')
              .trim()
              .split('\n')
              .map((line) => line.split(/=(.*)/s).slice(0, 2)),
          ),
          'source.cluster.sasl.mechanism': 'GSSAPI',
        }),
      });
      expect(await validated.text()).toContain('GSSAPI is not supported');
      expect(existsSync(mirror)).toBe(true);
    } finally {
      await running.stop();
    }
  }, 60_000);
});
