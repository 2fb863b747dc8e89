// Encrypted connections, as `database.sslmode` has them: to a server whose certificate is its own authority's, for `localhost`.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/connect/index.ts';
import { connect, queryTexts } from '../../../src/connect/connectors/postgres/connection.ts';
import { postgresConfig } from '../../../src/connect/connectors/postgres/settings.ts';
import { connectionOf } from '../../../src/connect/connectors/postgres/setup.ts';
import { type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { Harness } from './harness.ts';

const missing =
  postgresMissing ?? (spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed');
if (missing !== undefined) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)('an encrypted connection', () => {
  let [encrypted, plain]: (Postgres | undefined)[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'millrace-ssl-'));
  const certificate = join(directory, 'server.crt');
  beforeAll(async () => {
    const key = join(directory, 'server.key');
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
      ],
      { stdio: 'ignore' },
    );
    const files = { 'server.key': readFileSync(key, 'utf8'), 'server.crt': readFileSync(certificate, 'utf8') };
    const ssl = { ssl: 'on', ssl_cert_file: '../server.crt', ssl_key_file: '../server.key' };
    [encrypted, plain] = await Promise.all([startPostgres(ssl, files), startPostgres()]);
  });
  afterAll(async () => {
    await encrypted?.stop();
    await plain?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Whether the server says that the connection is encrypted; or why there is none. */
  async function isEncrypted(postgres: Postgres, settings: Record<string, string>): Promise<boolean | string> {
    const { raw } = new Harness(postgres, 'postgres', settings);
    try {
      const client = await connect(connectionOf(parseConfig(postgresConfig, raw)));
      const [row] = await queryTexts(client, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      await client.end();
      return row?.[0] === 't';
    } catch (error) {
      return (error as Error).message;
    }
  }

  test.each([
    ['disable', false, false],
    ['allow', false, false],
    ['prefer', true, false],
    ['require', true, 'does not support SSL'],
    ['verify-ca', 'self-signed certificate', 'does not support SSL'],
  ])('with %s: is it encrypted where the server can, and where it cannot', async (mode, where, whereNot) => {
    const expected = (value: boolean | string): unknown =>
      typeof value === 'string' ? expect.stringContaining(value) : value;
    expect(await isEncrypted(encrypted!, { 'database.sslmode': mode })).toEqual(expected(where));
    expect(await isEncrypted(plain!, { 'database.sslmode': mode })).toEqual(expected(whereNot));
  });

  test('is verified by database.sslrootcert, with verify-full also for its name', async () => {
    const trusted = { 'database.sslrootcert': certificate };
    expect(await isEncrypted(encrypted!, { ...trusted, 'database.sslmode': 'verify-ca' })).toBe(true);
    const full = { ...trusted, 'database.sslmode': 'verify-full' };
    expect(await isEncrypted(encrypted!, full)).toContain('127.0.0.1');
    expect(await isEncrypted(encrypted!, { ...full, 'database.hostname': 'localhost' })).toBe(true);
    expect(await isEncrypted(encrypted!, { ...full, 'database.sslrootcert': '/nowhere' })).toMatch(
      /^database.sslrootcert: ENOENT/,
    );
  });

  test('carries rows and their changes', async () => {
    const database = await encrypted!.createDatabase();
    const client = await encrypted!.connect(database);
    await client.query(
      'CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g FROM generate_series(1, 1000) g',
    );
    const harness = new Harness(encrypted!, database, { 'database.sslmode': 'require', 'max.queue.size': '50' });
    await harness.start();
    try {
      await harness.until((written) => written.length === 1000);
      await client.query(`INSERT INTO t SELECT g, repeat('x', 500) FROM generate_series(1001, 4000) g`);
      await harness.until((written) => written.length === 4000);
      expect(harness.changes('public.t').map(({ after }) => after!['id'])).toEqual(
        Array.from({ length: 4000 }, (_, i) => i + 1),
      );
    } finally {
      await harness.kill();
    }
  });
});
