// What Kafka's settings say about listeners, and which users certificates are.
import { describe, expect, test } from 'vitest';
import { readListeners } from '../../../src/broker/security/listeners.ts';
import { principalRules } from '../../../src/broker/security/principal-rules.ts';
import { openBroker } from '../support.ts';
import { kafkaJs, listen } from './support.ts';

const read = (listeners: string, given: Record<string, string> = {}) =>
  readListeners(listeners, given).map(({ name, protocol, address, advertised }) => [
    name,
    protocol,
    `${address.host}:${address.port}`,
    advertised === undefined ? '' : `${advertised.host}:${advertised.port}`,
  ]);

describe('listeners', () => {
  test('have names, protocols and addresses', () => {
    expect(
      read('INTERNAL://:9092, external://[::1]:9093,CONTROLLER://:9094', {
        'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,EXTERNAL:SASL_SSL,CONTROLLER:PLAINTEXT',
        'advertised.listeners': 'EXTERNAL://broker.example:19093',
        'controller.listener.names': 'CONTROLLER',
        'inter.broker.listener.name': 'INTERNAL',
      }),
    ).toEqual([
      ['INTERNAL', 'PLAINTEXT', '0.0.0.0:9092', ''],
      ['EXTERNAL', 'SASL_SSL', '::1:9093', 'broker.example:19093'],
    ]);
    expect(read('127.0.0.1:9092', { 'advertised.listeners': 'other:1' })).toEqual([
      ['PLAINTEXT', 'PLAINTEXT', '127.0.0.1:9092', 'other:1'],
    ]);
  });

  test('have settings of their own, and so have their mechanisms', () => {
    const [one, two] = readListeners('SSL://:1,SASL_SSL://:2', {
      'ssl.client.auth': 'required',
      'connections.max.reauth.ms': '1000',
      'listener.name.sasl_ssl.ssl.client.auth': 'none',
      'listener.name.sasl_ssl.scram-sha-512.connections.max.reauth.ms': '5',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': 'a.Plain required user_x="y";',
    });
    expect(one!.settings['ssl.client.auth']).toBe('required');
    expect(two!.settings['ssl.client.auth']).toBe('none');
    expect(two!.settingsOf('SCRAM-SHA-512')['connections.max.reauth.ms']).toBe(5);
    expect(two!.settingsOf('PLAIN')['connections.max.reauth.ms']).toBe(1000);
    expect(two!.loginModuleOf('PLAIN')!.options.get('user_x')).toBe('y');
    expect(one!.loginModuleOf('PLAIN')).toBeUndefined();
  });

  test.each([
    ['', {}, 'no listener for clients'],
    ['CONTROLLER://:1', {}, 'no listener for clients'],
    ['PLAINTEXT://:1,PLAINTEXT://:2', {}, 'PLAINTEXT twice'],
    ['WHAT://:1', {}, 'has no security protocol'],
    ['PLAINTEXT://nowhere', {}, 'it is like PLAINTEXT://127.0.0.1:9092'],
    ['PLAINTEXT://:70000', {}, 'it is like'],
    ['PLAINTEXT://:1', { 'advertised.listeners': 'SSL://h:1' }, 'SSL, which is not among "listeners"'],
    ['PLAINTEXT://:1', { 'inter.broker.listener.name': 'X' }, 'X, which is not among "listeners"'],
    ['PLAINTEXT://:1', { 'listener.security.protocol.map': 'PLAINTEXT=SSL' }, 'a colon and one of PLAINTEXT'],
    ['PLAINTEXT://:1', { 'listener.name.other.ssl.client.auth': 'none' }, 'for a listener that is not among'],
    ['PLAINTEXT://:1', { 'listener.name.plaintext.num.partitions': '1' }, 'a listener has no setting "num.partitions"'],
    ['PLAINTEXT://:1', { 'listener.name.plaintext.ssl.what': '1' }, 'a listener has no setting "ssl.what"'],
    ['PLAINTEXT://:1', { 'listener.name.plaintext.ssl.client.auth': 'x' }, 'one of none, requested, required'],
  ])('%s with %j are refused', (listeners, given, why) => {
    expect(() => readListeners(listeners, given as Record<string, string>)).toThrow(why);
  });

  test('with SASL name mechanisms that there are', async () => {
    const open = async (settings: Record<string, string>) =>
      listen(await openBroker({ settings }), 'SASL_PLAINTEXT://127.0.0.1:0');
    await expect(open({})).rejects.toThrow('set "sasl.enabled.mechanisms"');
    await expect(open({ 'sasl.enabled.mechanisms': 'GSSAPI' })).rejects.toThrow('there are PLAIN, SCRAM-SHA-256');
    await expect(open({ 'sasl.enabled.mechanisms': 'PLAIN' })).rejects.toThrow('has PLAIN and no users');
    await expect(
      open({
        'sasl.enabled.mechanisms': 'OAUTHBEARER',
        'sasl.oauthbearer.jwks.endpoint.url': 'ftp://x',
      }),
    ).rejects.toThrow('must be a file:, http: or https: URL');
  });

  test('have only so many connections from one address', async () => {
    const broker = await openBroker({ settings: { 'max.connections.per.ip.overrides': '127.0.0.1:1' } });
    const { PLAINTEXT } = await listen(broker, 'PLAINTEXT://127.0.0.1:0');
    const first = kafkaJs(PLAINTEXT!).admin();
    await first.connect();
    await expect(kafkaJs(PLAINTEXT!).admin().connect()).rejects.toThrow(/connection|socket|ECONNRESET/i);
    expect(await first.listTopics()).toEqual([]);
    await first.disconnect();
  });
});

describe('rules for names in certificates', () => {
  const name = 'CN=Duke,OU=ServiceUsers,O=Org,C=US';
  // What Apache Kafka 4.4 answers for the same.
  test.each([
    ['DEFAULT', name],
    ['', undefined],
    ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/', 'Duke'],
    ['RULE:^CN=(.*?),OU=ServiceUsers.*$/$1@$2/', 'Duke@$2'],
    ['RULE:^CN=(.*?),OU=(.*?),O=(.*?),C=(.*?)$/$1@$2-$3/L', 'duke@serviceusers-org'],
    ['RULE:^CN=(.*?),OU=(.*?),O.*$/$1\\/$2/U , DEFAULT', 'DUKE/SERVICEUSERS'],
    ['RULE:^CN=x$/y/,DEFAULT', name],
    ['RULE:.*/x/', 'xx'],
  ])('%s', (rules, user) => {
    expect(principalRules(rules)(name)).toBe(user);
  });

  test.each(['RULE:a/b', 'RULE:a/b/X', 'default', 'RULE:(/b/', 'DEFAULT DEFAULT'])('%s is refused', (rules) => {
    expect(() => principalRules(rules)).toThrow('ssl.principal.mapping.rules');
  });
});
