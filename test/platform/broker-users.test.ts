// One password for all: who may log in to the broker may log in to the services, where they are told so.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { alterUserScramCredentials, create, ScramMechanismType } from '../../src/protocol/index.ts';
import { saltedPassword } from '../../src/security/index.ts';
import { loggedInWithPlain } from '../broker/security/login.ts';

const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="a";';
const SERVICES = ['schema.registry', 'ksql', 'kafka.rest', 'connect'];

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-users-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const settings = (threads: boolean): Record<string, string | boolean> => ({
  'log.dirs': directory,
  'service.threads': threads,
  listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config': PLAIN,
  ...Object.fromEntries(
    SERVICES.flatMap((service) => [
      [`${service}.listeners`, 'http://127.0.0.1:0'],
      [`${service}.authentication.method`, 'BASIC'],
      [`${service}.authentication.users.location`, 'broker'],
    ]),
  ),
});

describe.each([
  ['in one thread', false],
  ['in threads of their own', true],
])('services %s', (_, threads) => {
  test('let in who may log in to the broker, until that changes', async () => {
    await using platform = await Platform.start({ settings: settings(threads) });
    const transport = await loggedInWithPlain(platform.url('broker').replace(/^.*:\/\//, ''), 'admin', 'a');
    const change = async (password: string): Promise<void> => {
      const salt = Buffer.from('salt');
      const salted = await saltedPassword('SCRAM-SHA-512', password, salt, 4096);
      const mechanism = ScramMechanismType.SCRAM_SHA_512;
      const upsertions = [{ name: 'alice', mechanism, iterations: 4096, salt, saltedPassword: salted }];
      const request = create(alterUserScramCredentials, { upsertions });
      expect((await transport.request(alterUserScramCredentials, request)).results).toMatchObject([{ errorCode: 0 }]);
    };
    await change('one');
    const paths = {
      'schema-registry': '/subjects',
      sql: '/info',
      'rest-proxy': '/topics',
      connect: '/connectors',
    } as const;
    const statusOf = async (service: keyof typeof paths, password: string, user = 'alice'): Promise<number> => {
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      const headers = { authorization, accept: '*/*' };
      return (await fetch(platform.url(service) + paths[service], { headers })).status;
    };
    for (const service of Object.keys(paths) as (keyof typeof paths)[]) {
      expect([service, await statusOf(service, 'one')]).toEqual([service, 200]);
      expect([service, await statusOf(service, 'two')]).toEqual([service, 401]);
      expect([service, await statusOf(service, 'one', 'bob')]).toEqual([service, 401]);
    }
    await change('two');
    expect(await statusOf('schema-registry', 'two')).toBe(200);
    transport.close();
  });
});

test('with roles, or without a broker, users of the broker are refused', async () => {
  const withRoles = { ...settings(false), 'schema.registry.authentication.roles': 'admin' };
  await expect(Platform.start({ settings: withRoles })).rejects.toThrow(
    '"schema.registry.authentication.roles" must be *: users of the broker have no roles.',
  );
});
