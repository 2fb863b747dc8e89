// Workers over TLS and with logins: users have to say who they are, wherever their request goes on to; workers sign what they ask
// of each other.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { request } from 'node:https';
import { afterAll, describe, expect, test } from 'vitest';
import { openBroker } from '../herder/cluster.ts';
import { clusterSettings, startWorker } from '../herder/whole-worker.ts';
import { hasOpenssl, makeCertificates } from '../../suites/certificates.ts';
import { ask, until } from './asking.ts';

const canRun = hasOpenssl();
if (!canRun) console.log('skipped: there is no openssl to make certificates with (apt-get install openssl)');
const folder = mkdtempSync(join(tmpdir(), 'millrace-connect-secured-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (file: string, text: string): string => {
  writeFileSync(join(folder, file), text);
  return join(folder, file);
};
const LOGIN = `Basic ${Buffer.from('anna:secret').toString('base64')}`;
const users = () => ({
  'authentication.method': 'BASIC',
  'authentication.users.location': write('users', 'anna: secret\n'),
});
const SOURCE = { 'connector.class': 'FileStreamSource', file: join(folder, 'in.txt'), topic: 't' };

describe.skipIf(!canRun)('TLS and logins', () => {
  test('users say who they are, workers sign', async () => {
    const certificates = makeCertificates(folder);
    const server = certificates.issue('server');
    const text = (file: string) => readFileSync(file, 'utf8');
    const embedded = await openBroker();
    const settings = {
      ...clusterSettings('secured'),
      ...users(),
      listeners: 'https://127.0.0.1:0',
      'listeners.https.ssl.keystore.location': write('store.pem', text(`${server}.key`) + text(`${server}.crt`)),
      'listeners.https.ssl.truststore.location': certificates.ca,
    };
    const workers = [
      await startWorker('distributed', embedded.connect(), settings),
      await startWorker('distributed', embedded.connect(), settings),
    ];
    const askTls = (url: string, what: string, authorization?: string, body?: unknown) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const [method, path] = what.split(' ');
        const headers = {
          ...(authorization === undefined ? {} : { authorization }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        };
        request(url + path, { method, headers, ca: text(certificates.ca), agent: false }, (response) => {
          textOf(response).then((said) => resolve({ status: response.statusCode!, text: said }), reject);
        })
          .on('error', reject)
          .end(body === undefined ? undefined : JSON.stringify(body));
      });
    const [a, b] = workers as [(typeof workers)[0], (typeof workers)[0]];
    expect(a.url).toMatch(/^https:/);
    expect((await askTls(a.url, 'GET /connectors')).status).toBe(401);
    expect((await askTls(a.url, 'GET /connectors', LOGIN)).text).toBe('[]');
    // One of them does not lead: the request and its login go on.
    for (const [i, { url }] of [a, b].entries()) {
      const made = await askTls(url, `PUT /connectors/c${i}/config`, LOGIN, SOURCE);
      expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    }
    // Each has one of the connectors, and one of them has to tell the leader of its tasks.
    const both = await until(
      async () => (await askTls(b.url, 'GET /connectors?expand=status', LOGIN)).text,
      (said) => (said.match(/"id":0,"state":"RUNNING"/g) ?? []).length === 2,
    );
    expect(both).toContain(a.name);
    expect(both).toContain(b.name);
    // What is not signed is refused, without a login, too.
    const forged = await askTls(a.url, 'POST /connectors/c0/tasks', undefined, []);
    expect(forged).toMatchObject({ status: 400, text: expect.stringContaining('missing required signature') });
    await Promise.all(workers.map((worker) => worker.close()));
    await embedded.close();
  });
});

test('loggers are where admin.listeners says, or nowhere', async () => {
  const embedded = await openBroker();
  const offsets = { 'offset.storage.file.filename': join(folder, 'offsets') };
  const nowhere = await startWorker('standalone', embedded.connect(), { ...offsets, 'admin.listeners': '' });
  expect((await ask(nowhere.url, 'GET /admin/loggers')).status).toBe(404);
  expect((await ask(nowhere.url, 'GET /connectors')).status).toBe(200);
  await nowhere.close();
  const everywhere = await startWorker('standalone', embedded.connect(), offsets);
  expect((await ask(everywhere.url, 'GET /admin/loggers')).status).toBe(200);
  await everywhere.close();
  await embedded.close();
});

test('without a signature there is no way around a login', async () => {
  const embedded = await openBroker();
  const settings = { ...clusterSettings('plain'), ...users(), 'connect.protocol': 'compatible' };
  const worker = await startWorker('distributed', embedded.connect(), settings);
  expect((await ask(worker.url, 'POST /connectors/c/tasks', { body: [] })).status).toBe(401);
  await worker.close();
  await embedded.close();
});
