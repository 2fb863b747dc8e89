// Other people's clients of the registry against a whole platform: Confluent's for Node and Python, the kafkajs project's.
// What they try are programs of their own in `registry-clients/`, which has its own packages; each of their scenarios is a
// test here. What they write to each other goes through our broker, and through our SQL.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordsOf } from '../../src/client/index.ts';
import { Platform } from '../../src/platform/index.ts';
import { avroSerde, deserialize } from '../../src/serde/index.ts';
import { hasOpenssl, makeCertificates } from '../suites/certificates.ts';

const folder = join(import.meta.dirname, 'registry-clients');
const python = join(folder, '.venv', 'bin', 'python');
const missing = [join(folder, 'node_modules'), python].filter((path) => !existsSync(path));
if (missing.length > 0) {
  console.log(`skipped: the registry's clients are not installed (test/interop/registry-clients/install does it)`);
}

// In this order: who reads comes after who writes.
const BEFORE_SQL = [
  'python_client.py',
  'python_serdes.py',
  'python_rules.py',
  'python_protobuf_rules.py',
  'cross_write.py',
];
const NODE = [
  'confluent-client.mjs',
  'confluent-avro.mjs',
  'confluent-json.mjs',
  'confluent-protobuf.mjs',
  'confluent-rules.mjs',
  'kafkajs-registry.mjs',
  'cross.mjs',
  'our-serdes.mjs',
];
const AFTER_NODE = ['cross_read.py'];
/** These have a registry of their own, with TLS, passwords and rules. */
const SECURED = ['secured.mjs', 'secured.py'];
const hasCertificates = hasOpenssl();
if (missing.length === 0 && !hasCertificates) console.log('skipped: there is no openssl to make certificates with');

interface Report {
  readonly name: string;
  readonly ok: boolean;
  readonly why?: string;
}

describe.skipIf(missing.length > 0)('clients of the registry', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-registry-clients-'));
  const reports = new Map<string, Report>();
  let platform: Platform;
  let answers: unknown[];
  let errors = '';

  function start(name: string, registry: Readonly<Record<string, string>>): Promise<Platform> {
    return Platform.start({
      settings: {
        'log.dirs': join(dataDir, name),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'ksql.streams.auto.offset.reset': 'earliest',
        ...registry,
      },
    });
  }

  beforeAll(async () => {
    platform = await start('open', { 'schema.registry.listeners': 'http://127.0.0.1:0' });
    await run(python, 'run.py', BEFORE_SQL);
    answers = await sql(`
      CREATE STREAM a WITH (KAFKA_TOPIC='from-python-avro', VALUE_FORMAT='AVRO');
      CREATE STREAM j WITH (KAFKA_TOPIC='from-python-json', VALUE_FORMAT='JSON_SR');
      CREATE STREAM p WITH (KAFKA_TOPIC='from-python-protobuf', VALUE_FORMAT='PROTOBUF');
      CREATE STREAM copy WITH (KAFKA_TOPIC='from-sql-avro', VALUE_FORMAT='AVRO') AS SELECT * FROM a EMIT CHANGES;`);
    await run(process.execPath, 'run.mjs', NODE);
    await run(python, 'run.py', AFTER_NODE);
    if (hasCertificates) await runSecured();
  }, 240_000);

  afterAll(async () => {
    await platform?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function runSecured(): Promise<void> {
    const certificates = makeCertificates(dataDir);
    const server = certificates.issue('registry');
    const [users, rules] = [join(dataDir, 'users'), join(dataDir, 'rules')];
    writeFileSync(users, 'anna: secret');
    writeFileSync(rules, 'anna SUBJECT_WRITE anna-*\nanna SUBJECT_READ,SUBJECT_COMPATIBILITY_READ *');
    await using secured = await start('secured', {
      'schema.registry.listeners': 'https://127.0.0.1:0',
      'schema.registry.ssl.keystore.key': `${server}.key`,
      'schema.registry.ssl.keystore.certificate.chain': `${server}.crt`,
      'schema.registry.authentication.method': 'BASIC',
      'schema.registry.authentication.users.location': users,
      'schema.registry.acl.location': rules,
    });
    const env = { ...process.env, REGISTRY_CA: certificates.ca };
    await run(process.execPath, 'run.mjs', ['secured.mjs'], secured, env);
    await run(python, 'run.py', ['secured.py'], secured, env);
  }

  async function run(
    program: string,
    runner: string,
    files: readonly string[],
    against = platform,
    env = process.env,
  ): Promise<void> {
    const args = [join(folder, runner), against.url('schema-registry'), against.url('broker'), ...files];
    const output = await new Promise<string>((resolve) => {
      execFile(program, args, { cwd: folder, timeout: 120_000, env }, (error, stdout, stderr) => {
        if (error !== null) errors += `${runner}: ${error.message}\n${stderr}`;
        resolve(stdout);
      });
    });
    for (const line of output.split('\n').filter((text) => text !== '')) {
      const report = JSON.parse(line) as Report;
      reports.set(report.name, report);
    }
  }

  async function sql(statements: string): Promise<unknown[]> {
    const body = JSON.stringify({ ksql: statements });
    const headers = { 'content-type': 'application/json' };
    return (await (await fetch(`${platform.url('sql')}/ksql`, { method: 'POST', headers, body })).json()) as unknown[];
  }

  describe.each([...BEFORE_SQL, ...NODE, ...AFTER_NODE, ...(hasCertificates ? SECURED : [])])('%s', (file) => {
    const names = scenariosOf(file);

    test('has scenarios', () => {
      expect(names.length).toBeGreaterThan(0);
      expect(new Set(names).size).toBe(names.length);
    });

    // A scenario that did not run has no report, which is a failure.
    test.each(names)('%s', (name) => {
      const report = reports.get(name) ?? { name, ok: false, why: `it did not run: ${errors}` };
      expect(report).toEqual({ name, ok: true });
    });
  });

  const values = Array.from({ length: 5 }, (_, id) => ({ id, name: `name ${id}` }));

  test('our own Avro serde reads what Python has written', async () => {
    const { schemas, client } = platform;
    const serde = avroSerde<unknown>({ schemas, topic: 'from-python-avro' });
    await serde.prepare();
    const consumer = client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
    consumer.assign([{ topic: 'from-python-avro', partition: 0 }]);
    const read: unknown[] = [];
    while (read.length < values.length) {
      for (const { value } of recordsOf(await consumer.poll(1000))) read.push(deserialize(serde, value));
    }
    await consumer.close();
    expect(read.map((value) => ({ ...(value as object) }))).toEqual(values);
  });

  test.each(['a', 'j', 'p', 'copy'])('SQL reads the stream %s of what Python has written', async (stream) => {
    expect(answers).toHaveLength(4);
    const response = await fetch(`${platform.url('sql')}/query-stream`, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ sql: `SELECT id, name FROM ${stream} EMIT CHANGES LIMIT ${values.length};` }),
    });
    const [, ...rows] = (await response.json()) as unknown[];
    expect(rows).toEqual(values.map(({ id, name }) => [id, name]));
  });
});

/** The names in a program's text: what it is expected to report. */
function scenariosOf(file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return [...text.matchAll(/^@?scenario\((['"])(.*)\1/gm)].map((match) => match[2]!);
}
