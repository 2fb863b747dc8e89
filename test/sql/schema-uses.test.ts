// A schema that would break a running query is told before it is registered, by the registry that knows no SQL.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';

describe('queries that a schema would break', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-uses-'));
  let platform: Platform;

  beforeAll(async () => {
    platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
      },
    });
    for (const [name, format] of [
      ['a', 'AVRO'],
      ['p', 'PROTOBUF'],
      ['j', 'JSON_SR'],
    ] as const) {
      await register(
        `${name}-value`,
        format,
        schemaOf(format, { id: 'string', amount: 'int', note: 'string', extra: 'int' }),
      );
      await call('PUT', `/config/${name}-value`, { compatibility: 'NONE' });
      await ksql(
        `CREATE STREAM ${name} (id STRING, amount INT, note STRING, extra INT) WITH (kafka_topic='${name}', partitions=1, value_format='${format}');
         CREATE STREAM ${name}_big AS SELECT id, note FROM ${name} WHERE amount > 10;
         CREATE TABLE ${name}_sum AS SELECT id, SUM(amount) AS total FROM ${name} GROUP BY id;`,
      );
    }
    await ksql(
      `CREATE TABLE names (id STRING PRIMARY KEY, name STRING) WITH (kafka_topic='names', partitions=1, format='AVRO');
       CREATE STREAM joined AS SELECT a.id AS id, n.name AS name FROM a JOIN names n ON a.id = n.id;`,
    );
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function call(method: string, path: string, body: object) {
    const response = await fetch(platform.url('schema-registry') + path, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(body),
    });
    return JSON.parse(await response.text());
  }
  async function ksql(text: string): Promise<void> {
    const response = await fetch(`${platform.url('sql')}/ksql`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.ksql.v1+json' },
      body: JSON.stringify({ ksql: text, streamsProperties: {}, sessionVariables: {} }),
    });
    if (!response.ok) throw new Error(await response.text());
  }
  const typeOf = { AVRO: 'AVRO', PROTOBUF: 'PROTOBUF', JSON_SR: 'JSON' } as const;
  const register = (subject: string, format: keyof typeof typeOf, schema: string) =>
    call('POST', `/subjects/${subject}/versions`, { schemaType: typeOf[format], schema });

  function schemaOf(format: keyof typeof typeOf, fields: Record<string, 'string' | 'int'>): string {
    const entries = Object.entries(fields);
    if (format === 'AVRO') {
      return JSON.stringify({
        type: 'record',
        name: 'R',
        fields: entries.map(([name, type]) => ({ name, type: ['null', type], default: null })),
      });
    }
    if (format === 'PROTOBUF') {
      const types = { string: 'string', int: 'int32' };
      const numbers = ['id', 'amount', 'note', 'extra', 'more'];
      return `syntax = "proto3"; message R { ${entries.map(([name, type]) => `${types[type]} ${name} = ${numbers.indexOf(name) + 1};`).join(' ')} }`;
    }
    const types = { string: { type: 'string' }, int: { type: 'integer', 'connect.type': 'int32' } };
    return JSON.stringify({
      type: 'object',
      properties: Object.fromEntries(entries.map(([name, type]) => [name, types[type]])),
    });
  }

  type Query = { queryId: string; source: string; reason: string; sql: string; breaks: boolean };
  async function broken(subject: string, schemaType: string, schema: string): Promise<Query[]> {
    return (await call('POST', `/subjects/${subject}/versions?dryRun=true`, { schemaType, schema })).queries;
  }
  const told = (queries: Query[]) =>
    queries.map(({ queryId, source, reason }) => [queryId.replace(/_\d+$/, ''), source, reason]);

  test.each([
    ['AVRO', 'a', "column AMOUNT INTEGER: an Avro string can't be read as INTEGER"],
    ['PROTOBUF', 'p', "column AMOUNT INTEGER: the Protobuf type of string can't be read as INTEGER"],
    ['JSON_SR', 'j', "column AMOUNT INTEGER: Can't convert type. sourceType: a string, requiredType: INTEGER"],
  ] as const)('%s: a type that can’t be converted, a column that is gone', async (format, topic, mismatch) => {
    const subject = `${topic}-value`;
    const after = (fields: Parameters<typeof schemaOf>[1]) => broken(subject, typeOf[format], schemaOf(format, fields));
    const skips = `${mismatch}: the query would skip every record written with this schema`;
    const name = topic.toUpperCase();
    const changed = told(await after({ id: 'string', amount: 'string', note: 'string', extra: 'int' }));
    expect(changed).toEqual(
      expect.arrayContaining([
        [`CSAS_${name}_BIG`, name, skips],
        [`CTAS_${name}_SUM`, name, skips],
      ]),
    );
    const gone = 'column NOTE is used, and this schema has no such field: it would always be null';
    expect(told(await after({ id: 'string', amount: 'int', extra: 'int' }))).toEqual([
      [`CSAS_${name}_BIG`, name, gone],
    ]);
    const both = told(await after({ id: 'string', amount: 'string', extra: 'int' }));
    expect(both).toContainEqual([`CSAS_${name}_BIG`, name, `${skips}; ${gone}`]);
    // What no query uses may go, what is new may come.
    expect(await after({ id: 'string', amount: 'int', note: 'string', more: 'int' })).toEqual([]);
  });

  test('columns that go into headers are not of the schema that a query writes', async () => {
    await ksql(`
      CREATE STREAM headed (id STRING, trace BYTES HEADER('trace')) WITH (kafka_topic='headed', partitions=1, value_format='AVRO');
      INSERT INTO headed SELECT id, TO_BYTES(note, 'utf8') AS trace FROM a;`);
    const latest = await fetch(`${platform.url('schema-registry')}/subjects/headed-value/versions/latest`);
    const { schema } = (await latest.json()) as { schema: string };
    expect((JSON.parse(schema) as { fields: { name: string }[] }).fields.map(({ name }) => name)).toEqual(['ID']);
    const same = await call('POST', '/subjects/headed-value/versions?dryRun=true', { schema });
    expect(JSON.stringify(same)).not.toContain('"breaks":true');
    expect(JSON.stringify(same)).not.toContain('INSERTQUERY');
  });

  test('keys, joined tables and other languages', async () => {
    const keys = await broken('names-key', 'AVRO', '"bytes"');
    expect(told(keys)).toEqual([
      [
        'CSAS_JOINED',
        'NAMES',
        "column ID STRING: an Avro bytes can't be read as STRING: the query would skip every record written with this schema",
      ],
    ]);
    expect(keys[0]!.sql).toContain('CREATE STREAM JOINED');
    expect(keys[0]!.breaks).toBe(true);
    const other = await broken('names-value', 'JSON', '{"type":"object"}');
    expect(other.map(({ reason }) => reason)).toEqual([
      'values are read as AVRO, and this schema is JSON: the query would skip every record written with this schema',
    ]);
    expect(await broken('nobody-value', 'AVRO', '"int"')).toEqual([]);
  });

  test('a query whose own schema is gone from the registry could not register it again', async () => {
    const subject = 'A_BIG-value';
    const own = '{"type":"record","name":"KsqlDataSourceSchema","fields":[{"name":"ID","type":"int"}]}';
    // Its schema is there: registering it again needs no check.
    await call('PUT', `/config/${subject}`, { compatibility: 'NONE' });
    expect(await broken(subject, 'AVRO', own)).toEqual([]);
    await call('POST', `/subjects/${subject}/versions`, { schema: own });
    await call('DELETE', `/subjects/${subject}/versions/1`, {});
    await call('PUT', `/config/${subject}`, { compatibility: 'BACKWARD' });
    const [query, ...others] = await broken(subject, 'AVRO', own.replace('"int"', '["int","long"]'));
    expect(others).toEqual([]);
    expect(query).toMatchObject({ source: 'A_BIG', breaks: true });
    expect(query!.reason).toContain('could not start again');
  });
});
