// Listeners with TLS, and which certificates of clients they take.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBroker, temporaryDirectory } from '../support.ts';
import { addScramUser, type Certificates, certificates, kafkaJs, listen } from './support.ts';

let directory: string;
let made: Certificates;
let ca: string;
afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  made = certificates(directory);
  ca = readFileSync(made.ca, 'utf8');
});

async function opened(listeners: string, settings: Record<string, string> = {}) {
  made.make('broker', '/CN=broker');
  const told: string[] = [];
  const broker = await openBroker({
    settings: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': made.fileOf('broker'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': made.ca,
      ...settings,
    },
    log: (message) => told.push(message),
  });
  return { broker, told, addresses: await listen(broker, listeners) };
}

/** What kafkajs says of a connection that the broker ends. */
const LOST = /connection|socket|ECONNRESET|EPIPE|alert/i;

const ssl = (name?: string) => ({ ca: [ca], ...(name === undefined ? {} : made.pemOf(name)) });

test('records go through TLS, and logins over it', async () => {
  const { broker, addresses } = await opened('SSL://127.0.0.1:0,SASL_SSL://127.0.0.1:0', {
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
  });
  await addScramUser(broker, 'alice', 'pw');
  const sasl = { mechanism: 'scram-sha-512', username: 'alice', password: 'pw' } as const;
  const producer = kafkaJs(addresses['SASL_SSL']!, { ssl: ssl(), sasl }).producer();
  await producer.connect();
  const value = 'x'.repeat(500_000);
  await producer.send({ topic: 't', messages: [{ value }, { value: 'end' }] });
  await producer.disconnect();
  const consumer = kafkaJs(addresses['SSL']!, { ssl: ssl() }).consumer({ groupId: 'g' });
  await consumer.connect();
  await consumer.subscribe({ topic: 't', fromBeginning: true });
  const values: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
      values.push(String(message.value));
      if (values.length === 2) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  expect(values).toEqual([value, 'end']);
});

describe('a certificate of the client', () => {
  test('must be there and be trusted where it is required', async () => {
    made.make('alice', '/O=Example/CN=alice');
    const others = certificates(temporaryDirectory());
    others.make('mallory', '/O=Example/CN=alice');
    const { addresses, told } = await opened('SSL://127.0.0.1:0', { 'ssl.client.auth': 'required' });
    const admin = kafkaJs(addresses['SSL']!, { ssl: ssl('alice') }).admin();
    await admin.connect();
    expect(await admin.listTopics()).toEqual([]);
    await admin.disconnect();
    await expect(kafkaJs(addresses['SSL']!, { ssl: ssl() }).admin().connect()).rejects.toThrow(LOST);
    const mallory = { ca: [ca], ...others.pemOf('mallory') };
    await expect(kafkaJs(addresses['SSL']!, { ssl: mallory }).admin().connect()).rejects.toThrow(LOST);
    expect(told.join('\n')).toContain('clients must have a certificate that is trusted (ssl.client.auth): it has none');
    expect(told.join('\n')).toMatch(/\(ssl.client.auth\): (UNABLE_TO_VERIFY|DEPTH_ZERO|UNABLE_TO_GET|SELF_SIGNED)/);
  });

  test('must have a name that a rule is about', async () => {
    made.make('bob', '/O=Other/CN=bob');
    const { addresses, told } = await opened('SSL://127.0.0.1:0', {
      'ssl.client.auth': 'requested',
      'ssl.principal.mapping.rules': 'RULE:^CN=(.*?),O=Example$/$1/L',
    });
    await expect(
      kafkaJs(addresses['SSL']!, { ssl: ssl('bob') })
        .admin()
        .connect(),
    ).rejects.toThrow(LOST);
    expect(told.join('\n')).toContain('no rule of ssl.principal.mapping.rules is about its certificate');
    const without = kafkaJs(addresses['SSL']!, { ssl: ssl() }).admin();
    await without.connect();
    await without.disconnect();
  });
});

test('a new certificate is in force for the next connection', async () => {
  const { addresses } = await opened('SSL://127.0.0.1:0');
  const subjectNow = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const [host, port] = addresses['SSL']!.split(':');
      const socket = connectTls({ host: host!, port: Number(port), ca }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.once('error', reject);
    });
  expect(await subjectNow()).toBe('broker');
  made.make('broker', '/CN=renewed');
  expect(await subjectNow()).toBe('renewed');
});

test('who speaks something else than TLS is told of and dropped', async () => {
  const { addresses, told } = await opened('SSL://127.0.0.1:0');
  await expect(kafkaJs(addresses['SSL']!).admin().connect()).rejects.toThrow(LOST);
  expect(told.join('\n')).toContain('TLS failed');
});

describe('what is set and can not be is refused before anything listens', () => {
  test.each([
    [{ 'ssl.keystore.location': '' }, 'needs a certificate'],
    [{ 'ssl.client.auth': 'required', 'ssl.truststore.location': '' }, 'whose certificates are trusted'],
    [{ 'ssl.principal.mapping.rules': 'RULE:x' }, 'it is DEFAULT or RULE:pattern/replacement/[LU]'],
    [{ 'ssl.keystore.location': '/nowhere' }, 'it does not exist'],
    [{ 'listener.name.ssl.ssl.keystore.location': '/nowhere' }, '/nowhere'],
  ])('%j', async (settings, why) => {
    await expect(opened('SSL://127.0.0.1:0', settings as Record<string, string>)).rejects.toThrow(why);
  });
});
