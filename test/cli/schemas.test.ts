// `millrace schemas`, as its users have it: a process, against a whole platform, and against a registry that is not ours.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { typeOf } from '../../src/cli/schema-file.ts';
import { Platform } from '../../src/platform/index.ts';
import { Millrace, type Outcome } from './support.ts';

describe('millrace schemas', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-schemas-'));
  let platform: Platform;
  let url: string;

  beforeAll(async () => {
    platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
      },
    });
    url = platform.url('schema-registry');
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const run = (...args: string[]): Promise<Outcome> =>
    new Millrace(['schemas', ...args], { env: { SCHEMA_REGISTRY_URL: url } }).ended;
  const file = (name: string, text: string | object): string => {
    const path = join(dataDir, name);
    writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text));
    return path;
  };
  const order = (...fields: object[]) => ({
    type: 'record',
    name: 'Order',
    namespace: 'shop',
    fields: [{ name: 'id', type: 'string' }, ...fields],
  });
  const amount = { name: 'amount', type: 'int', default: 0 };
  const note = { name: 'note', type: ['null', 'string'], default: null };

  test('registers, lists, gets, diffs and deletes', async () => {
    const v1 = file('v1.avsc', order(amount, note));
    expect(await run('register', 'life-value', v1)).toEqual({
      code: 0,
      stdout: 'Registered as version 1 of life-value, id 1\n',
      stderr: '',
    });
    const v2 = file('v2.avsc', order({ ...amount, type: 'long' }));
    expect((await run('diff', 'life-value', v2)).stdout).toBe(
      `life-value: latest version → ${v2}
- field \`shop.Order.note\` (null | string) was removed, with default null
~ type of \`shop.Order.amount\` changed from int to long
`,
    );
    expect((await run('register', 'life-value', v2, '--dry-run')).stdout).toContain(
      'life-value: compatible; it would become version 2 with id 2\n',
    );
    await run('register', 'life-value', v2);
    expect((await run('check', 'life-value', v1)).stdout).toContain('life-value: already there, version 1 with id 1\n');
    expect((await run('diff', 'life-value')).stdout).toBe(
      `life-value (AVRO): version 1 → 2
- field \`shop.Order.note\` (null | string) was removed, with default null
~ type of \`shop.Order.amount\` changed from int to long

backward: compatible (new consumers, old records)
forward: not compatible (old consumers, new records)
  consumers with version 1 can't read records written with version 2, where \`shop.Order.amount\` is long instead of int
`,
    );
    expect((await run('list', 'life')).stdout).toBe(
      `Subject     Type  Versions  Latest ID  Compatibility
──────────  ────  ────────  ─────────  ─────────────
life-value  AVRO  1-2               2  BACKWARD
`,
    );
    const got = await run('get', 'life-value', '1');
    expect(got.stdout).toBe(`${JSON.stringify(order(amount, note), null, 2)}\n`);
    expect(got.stderr).toBe('life-value version 1, id 1 (AVRO)\n');
    expect(JSON.parse((await run('get', '--id', '2', '--output', 'json')).stdout)).toMatchObject({
      schema: JSON.stringify(order({ ...amount, type: 'long' })),
    });
    expect((await run('delete', 'life-value', '1')).stdout).toBe(
      'Deleted version 1 of life-value; --permanent deletes for good\n',
    );
    expect((await run('list', 'life', '--deleted')).stdout).toContain('life-value  AVRO  2         1');
    expect((await run('delete', 'life-value', '--permanent')).stdout).toBe(
      'Deleted versions 1, 2 of life-value for good\n',
    );
    expect(await run('get', 'life-value')).toEqual({
      code: 1,
      stdout: '',
      stderr: "millrace: Subject 'life-value' not found.\n",
    });
  });

  test('check: an Avro schema, with the query that it would break', async () => {
    await run('register', 'orders-value', file('o1.avsc', order(amount, note)));
    const sql = `CREATE STREAM orders (id STRING, amount INT, note STRING) WITH (kafka_topic='orders', partitions=1, value_format='AVRO');
      CREATE STREAM big AS SELECT id, note FROM orders WHERE amount > 10;`;
    expect((await new Millrace(['sql', platform.url('sql'), '-e', sql]).ended).code).toBe(0);
    const outcome = await run('check', 'orders-value', file('o2.avsc', order(note, { name: 'total', type: 'int' })));
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout).toBe(
      `orders-value: not compatible with version 1

✗ shop.Order.total (backward)
  consumers with the new schema can't read records written with version 1, which have no field \`total\`
  → give \`total\` a default, e.g. "default": 0 (or make it a union with null and "default": null)

What else would do:
  it is compatible under FORWARD_TRANSITIVE: update the producers first
  set compatibilityGroup to the name of a metadata property, and give the new schema a value for it: versions with another value are not compared
  register it under a new subject, for a new topic

Changes since version 1:
- field \`shop.Order.amount\` (int) was removed, with default 0
+ field \`shop.Order.total\` (int) was added

Queries that would break:
  CSAS_BIG_0 (ORDERS): column AMOUNT is used, and this schema has no such field: it would always be null
    CREATE STREAM BIG AS SELECT ORDERS.ID ID, ORDERS.NOTE NOTE FROM ORDERS ORDERS WHERE (ORDERS.AMOUNT > 10) EMIT CHANGES
`,
    );
    expect(outcome.code).toBe(1);
  });

  test('check: a Protobuf schema', async () => {
    const proto = (body: string) => `syntax = "proto3";\npackage shop;\nmessage Order { ${body} }\n`;
    await run('register', 'proto-value', file('p1.proto', proto('string id = 1; int32 amount = 2;')));
    const next = file('p2.proto', proto('string key = 1; string amount = 2; repeated string tags = 3;'));
    const { code, stdout } = await run('check', 'proto-value', next);
    expect([code, stdout]).toEqual([
      1,
      `proto-value: not compatible with version 1

✗ Order.amount (backward)
  consumers with the new schema can't read records written with version 1, where \`Order.amount\` is int32 instead of string, which is another encoding
  → keep the type that it has in version 1, and add the new one as a field with a new number

What else would do:
  no level but NONE accepts it, which checks nothing
  set compatibilityGroup to the name of a metadata property, and give the new schema a value for it: versions with another value are not compared
  register it under a new subject, for a new topic

Changes since version 1:
~ field \`Order.id\` was renamed to \`key\`
~ type of \`Order.amount\` changed from int32 to string
+ field \`Order.tags\` (repeated string) was added, with number 3
`,
    ]);
    expect((await run('get', 'proto-value')).stdout).toBe(
      'syntax = "proto3";\npackage shop;\n\nmessage Order {\n  string id = 1;\n  int32 amount = 2;\n}\n',
    );
  });

  test('check: a JSON Schema, in JSON too', async () => {
    const schema = (properties: object) => ({ type: 'object', properties, additionalProperties: false });
    await run('register', 'json-value', file('j1.json', schema({ size: { type: 'integer', maximum: 9 } })));
    const next = file('j2.json', schema({ size: { type: 'integer', maximum: 5 }, colour: { enum: ['red', 'blue'] } }));
    const { code, stdout } = await run('check', 'json-value', next);
    expect([code, stdout]).toEqual([
      1,
      `json-value: not compatible with version 1

✗ size (backward)
  consumers with the new schema can't read records written with version 1, where \`size\` need not fulfil maximum of the reading schema (5 there, 9 in the writing schema)
  → do not make \`size\` stricter: keep maximum as it is in version 1, or looser

What else would do:
  no level but NONE accepts it, which checks nothing
  set compatibilityGroup to the name of a metadata property, and give the new schema a value for it: versions with another value are not compared
  register it under a new subject, for a new topic

Changes since version 1:
~ maximum of \`size\` changed from 9 to 5
+ property \`colour\` (enum) was added, with the values "red", "blue"
`,
    ]);
    const answer = JSON.parse((await run('check', 'json-value', next, '--output', 'json')).stdout);
    expect(answer).toMatchObject({ wouldRegister: false, queries: [], explanations: [{ path: 'size' }] });
  });

  test('references are given, and shown', async () => {
    const status = file('status.avsc', { type: 'enum', name: 'Status', symbols: ['A'] });
    await run('register', 'status', status);
    const user = file('uses.json', { type: 'record', name: 'User', fields: [{ name: 's', type: 'Status' }] });
    expect((await run('register', 'user', user)).stderr).toContain('the type "Status" is not defined');
    expect((await run('register', 'user', user, '--reference', 'Status=status:1')).code).toBe(0);
    expect((await run('get', 'user', '--references')).stdout).toMatch(
      /^# Status: status version 1\n\{[^]*"A"[^]*"User"/,
    );
    expect((await run('register', 'user', user, '--reference', 'Status')).stderr).toBe(
      'millrace: "Status" is not a reference: write name=subject:version.\n',
    );
  });

  test('says in one sentence what is wrong', async () => {
    const errors: [args: string[], message: RegExp][] = [
      [
        ['list', '--registry', `http://127.0.0.1:${await closedPort()}`],
        /^millrace: No Schema Registry answers at http:\/\/127.0.0.1:\d+ \(ECONNREFUSED\). Start one with: millrace start/,
      ],
      [['list', '--registry', 'nonsense'], /"nonsense" is not the URL of a service/],
      [['list', '--output', 'xml'], /Unknown output format "xml": use table or json/],
      [['get'], /Name a subject, or give the id/],
      [['check', 'a', join(dataDir, 'none.avsc')], /^millrace: The file .*none.avsc can't be read/],
      [['check', 'a', file('bad.avsc', '{}')], /^millrace: Invalid schema \{\}, details: no type/],
      [['diff', 'a', '1', '2'], /Subject 'a' not found/],
      [['frobnicate'], /unknown command 'frobnicate'/],
    ];
    for (const [args, message] of errors) {
      const { code, stderr, stdout } = await run(...args);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  describe('another registry', () => {
    let server: Server;
    let other: string;
    const seen: string[] = [];

    /** As much of another project's registry as matters: it passes over what it does not know. */
    beforeAll(async () => {
      server = createServer((request, response) => {
        seen.push(`${request.method} ${request.url}`);
        const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
        if (request.headers.authorization !== `Basic ${Buffer.from('ann:p:w').toString('base64')}`) answer(401, {});
        else if (request.url?.startsWith('/compatibility/')) answer(200, { is_compatible: false, messages: ['no!'] });
        else if (request.method === 'POST') answer(200, { id: 1 });
        else answer(404, { error_code: 404, message: 'HTTP 404 Not Found' });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      server.close();
    });

    test('a check never registers there, and says what is missing', async () => {
      const schema = file('other.avsc', '"int"');
      const args = ['--registry', other, '--user', 'ann:p:w'];
      const checked = await run('check', 's', schema, ...args);
      expect(checked).toEqual({
        code: 1,
        stdout: 's: not compatible\n  no!\n',
        stderr: `The registry at ${other} only says yes or no; Millrace's own registry explains and advises.\n`,
      });
      await run('register', 's', schema, '--dry-run', ...args);
      expect((await run('diff', 's', schema, ...args)).stderr).toContain('does not tell what a schema would change');
      expect(seen.filter((line) => line.startsWith('POST /subjects'))).toEqual([]);
      expect((await run('diff', 's', ...args)).stderr).toBe(
        `millrace: The registry at ${other} does not tell differences between versions: Millrace's own registry does\n`,
      );
      const inUrl = other.replace('//', '//ann:p%3Aw@');
      expect((await run('register', 's', schema, '--registry', inUrl)).stdout).toBe('Registered as s, id 1\n');
    });

    test('a password that is wanted', async () => {
      expect((await run('list', '--registry', other)).stderr).toBe(
        `millrace: The registry at ${other} wants another user or password: give them with --user name:password\n`,
      );
    });
  });
});

/** Nobody listens on a port that was just given back. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test.each([
  ['a.avsc', '{}', 'AVRO'],
  ['a.proto', '', 'PROTOBUF'],
  ['a.json', '{"type":"object"}', 'JSON'],
  ['a.json', '{"type":"record","name":"R","fields":[]}', 'AVRO'],
  ['a.json', '["null","int"]', 'AVRO'],
  ['a.json', '{"$schema":"x","type":"enum"}', 'JSON'],
  ['a', 'syntax = "proto3";', 'PROTOBUF'],
  ['a', '"int"', 'AVRO'],
  ['a', 'true', 'JSON'],
])('the type of %s with %s is %s', (name, text, type) => {
  expect(typeOf(name, text)).toBe(type);
});
