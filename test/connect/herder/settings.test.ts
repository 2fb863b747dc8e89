// What a worker is told: the originals' files, what is refused, and what connectors a standalone one is started with.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readConnectorFile } from '../../../src/connect/herder/connector-files.ts';
import { parseProperties } from '../../../src/util/index.ts';
import { advertisedUrl, listenersOf } from '../../../src/connect/herder/listeners.ts';
import { readWorkerSettings } from '../../../src/connect/herder/settings.ts';
import { Loggers } from '../../../src/connect/runtime/loggers.ts';
import { ManualEnvironment } from '../../../src/util/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const CONVERTERS = { 'key.converter': 'JsonConverter', 'value.converter': 'JsonConverter' };
const DISTRIBUTED = {
  ...CONVERTERS,
  'group.id': 'connect-cluster',
  'offset.storage.topic': 'connect-offsets',
  'config.storage.topic': 'connect-configs',
  'status.storage.topic': 'connect-status',
};

describe('settings', () => {
  test('of the stock files are taken as they are', () => {
    const distributed = readWorkerSettings('distributed', {
      ...DISTRIBUTED,
      'bootstrap.servers': 'localhost:9092',
      'key.converter.schemas.enable': 'true',
      'value.converter.schemas.enable': 'true',
      'offset.storage.replication.factor': '1',
      'offset.storage.partitions': '25',
      'config.storage.replication.factor': '1',
      'status.storage.replication.factor': '1',
      'status.storage.partitions': '5',
      'offset.flush.interval.ms': '10000',
      listeners: 'HTTP://:8083',
      'rest.advertised.host.name': 'here',
      'rest.advertised.port': '8083',
      'rest.advertised.listener': 'http',
      'plugin.path': '/usr/local/share/java,/usr/local/share/kafka/plugins,',
    });
    expect(distributed.values['offset.flush.interval.ms']).toBe(10_000);
    expect(distributed.listeners).toEqual([{ isTls: false, host: '0.0.0.0', port: 8083 }]);
    expect(distributed.passedOver).toEqual([]);
    expect(distributed.keyLength).toBe(32);
    const standalone = readWorkerSettings('standalone', {
      ...CONVERTERS,
      'bootstrap.servers': 'localhost:9092',
      'key.converter.schemas.enable': 'true',
      'offset.storage.file.filename': '/tmp/connect.offsets',
      'offset.flush.interval.ms': '10000',
    });
    expect(standalone.values['offset.storage.file.filename']).toBe('/tmp/connect.offsets');
  });

  test('that go on to others, or to topics, or mean nothing here', () => {
    const { topicConfigs, passedOver, raw } = readWorkerSettings('distributed', {
      ...DISTRIBUTED,
      'config.storage.min.insync.replicas': '2',
      'producer.linger.ms': '5',
      'config.providers': 'file',
      'config.providers.file.class': 'FileConfigProvider',
      'metrics.num.samples': '3',
      'offset.storage.file.filename': '/tmp/x',
    });
    expect(topicConfigs).toEqual({ config: { 'min.insync.replicas': '2' }, offset: {}, status: {} });
    expect(passedOver).toEqual(['metrics.num.samples', 'offset.storage.file.filename']);
    expect(raw['producer.linger.ms']).toBe('5');
  });

  test.each([
    [{ 'group.idd': 'x' }, 'Did you mean "group.id"'],
    [{ 'connect.protocol': 'lazy' }, 'one of eager, compatible, sessioned'],
    [{ 'security.protocol': 'TLS' }, 'one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL'],
    [{ 'sasl.mechanizm': 'PLAIN' }, 'Unknown setting "sasl.mechanizm"'],
    [{ 'rest.extension.classes': 'a.B' }, 'rest.extension.classes'],
    [{ 'inter.worker.verification.algorithms': 'HmacSHA512' }, 'it must have HmacSHA256'],
    [{ 'inter.worker.verification.algorithms': 'HmacSHA256,MD5' }, 'Invalid value MD5'],
    [{ listeners: 'ftp://x:1' }, "doesn't have the right format"],
    [{ 'config.storage.topic': '' }, 'Missing required configuration "config.storage.topic"'],
  ])('%j is refused', (given, message) => {
    expect(() => readWorkerSettings('distributed', { ...DISTRIBUTED, ...given })).toThrow(message);
  });

  test('of its clients', () => {
    const { access, passedOver } = readWorkerSettings('distributed', {
      ...DISTRIBUTED,
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'PLAIN',
      'ssl.truststore.location': '/ca.pem',
      'ssl.client.authentication': 'NONE',
      'producer.sasl.mechanism': 'PLAIN',
    });
    expect(access).toEqual({
      securityProtocol: 'SASL_SSL',
      saslMechanism: 'PLAIN',
      sslTruststoreLocation: '/ca.pem',
    });
    expect(passedOver).toEqual([]);
  });

  test('of TLS are REST’s own, or the same as the clients’', () => {
    const own = readWorkerSettings('distributed', {
      ...DISTRIBUTED,
      'listeners.https.ssl.keystore.location': '/a',
      'listeners.https.ssl.client.auth': 'requested',
      'ssl.keystore.location': '/b',
    });
    expect(own.rim.values['ssl.keystore.location']).toBe('/a');
    expect(own.rim.values['ssl.client.authentication']).toBe('REQUESTED');
    expect(own.rim.nameOf('ssl.keystore.location')).toBe('listeners.https.ssl.keystore.location');
    const shared = readWorkerSettings('distributed', { ...DISTRIBUTED, 'ssl.keystore.location': '/b' });
    expect(shared.rim.values['ssl.keystore.location']).toBe('/b');
  });
});

test('where a worker is', () => {
  const nothing = { 'rest.advertised.host.name': '', 'rest.advertised.port': 0, 'rest.advertised.listener': '' };
  const all = listenersOf('listeners', 'HTTPS://secure:8443, http://[::1]:8083');
  expect(advertisedUrl(all, nothing)).toBe('http://[::1]:8083/');
  expect(advertisedUrl(all, { ...nothing, 'rest.advertised.listener': 'HTTPS' })).toBe('https://secure:8443/');
  expect(advertisedUrl(all, { ...nothing, 'rest.advertised.host.name': 'a', 'rest.advertised.port': 1 })).toBe(
    'http://a:1/',
  );
  expect(advertisedUrl(listenersOf('listeners', 'http://:1'), nothing)).toMatch(/^http:\/\/\d+\.\d+\.\d+\.\d+:1\/$/);
  expect(() =>
    advertisedUrl(listenersOf('listeners', 'http://:1'), { ...nothing, 'rest.advertised.listener': 'https' }),
  ).toThrow('no listener is one');
});

describe('files of connectors', () => {
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };

  test('are properties as Java reads them', () => {
    const text =
      '# a comment\n! another\nname = my\\ file\npattern=(.*)\\\\.(.*)\nlong=a,\\\n   b\nempty=\nkey\\:x : \\u00e4\\t!\nbare\n';
    expect(Object.fromEntries(parseProperties(text))).toEqual({
      name: 'my file',
      pattern: '(.*)\\.(.*)',
      long: 'a,b',
      empty: '',
      'key:x': 'ä\t!',
      bare: '',
    });
    expect(readConnectorFile(file('a.properties', text)).name).toBe('my file');
  });

  test('are JSON, flat or as REST takes it', () => {
    expect(readConnectorFile(file('a.json', '{"name":"x","tasks.max":2}'))).toEqual({
      name: 'x',
      config: { name: 'x', 'tasks.max': '2' },
    });
    const whole = '{"name":"x","config":{"tasks.max":"2"},"initial_state":"paused","more":1}';
    expect(readConnectorFile(file('b.json', whole))).toEqual({
      name: 'x',
      config: { name: 'x', 'tasks.max': '2' },
      target: 'PAUSED',
    });
  });

  test.each([
    ['no.json', '{"tasks.max":2}', "missing the mandatory 'name'"],
    ['no.properties', 'tasks.max=2', "missing the mandatory 'name'"],
    ['two.json', '{"name":"x","config":{"name":"y"}}', "doesn't match"],
    ['state.json', '{"name":"x","config":{},"initial_state":"ASLEEP"}', 'initial_state'],
    ['deep.json', '{"name":"x","a":{}}', 'neither a text'],
  ])('%s is refused', (name, text, message) => {
    const path = file(name, text);
    expect(() => readConnectorFile(path)).toThrow(message);
    expect(() => readConnectorFile(path)).toThrow(path);
  });

  test('that are not there are named', () => {
    expect(() => readConnectorFile(join(directory, 'gone'))).toThrow('gone cannot be read: ENOENT');
  });
});

test('loggers have the level of the nearest name above them that has one', () => {
  const environment = new ManualEnvironment(5);
  const lines: string[] = [];
  const loggers = new Loggers(environment, (line) => lines.push(line));
  const log = loggers.log('a.b.C');
  log.debug('no');
  log.info('yes');
  expect(loggers.level('a.b.C')).toEqual({ level: 'INFO', last_modified: null });
  expect(loggers.level('a.b')).toBeUndefined();
  expect(loggers.setLevel('a', 'DEBUG')).toEqual(['a', 'a.b.C']);
  log.debug('now');
  loggers.log('a.d').debug('this, too');
  loggers.log('e').debug('not this');
  expect(lines).toEqual(['INFO a.b.C: yes', 'DEBUG a.b.C: now', 'DEBUG a.d: this, too']);
  expect(loggers.setLevel('a.b', 'OFF')).toEqual(['a.b', 'a.b.C']);
  log.error('silent');
  expect(Object.keys(loggers.levels())).toEqual(['a', 'a.d', 'e', 'root']);
  expect(loggers.levels()['a']).toEqual({ level: 'DEBUG', last_modified: 5 });
  expect(loggers.setLevel('root', 'WARN')).toEqual(['a', 'a.b', 'a.b.C', 'a.d', 'e', 'root']);
  expect(lines).toHaveLength(3);
});
