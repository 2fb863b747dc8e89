// The consoles of values with a schema, over a real broker and registry.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { type Said, toolRunner } from './kafka-tool-runner.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-consoles-'));
let platform: Platform;
let registry: string;

beforeAll(async () => {
  platform = await Platform.start({
    settings: {
      'log.dirs': join(directory, 'data'),
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
    },
  });
  registry = platform.url('schema-registry');
});
afterAll(async () => {
  await platform.stop();
  rmSync(directory, { recursive: true, force: true });
});

const run = toolRunner(() => platform.url('broker').replace(/^.*\/\//, ''));
const properties = (given: Record<string, string>): string =>
  Object.entries({ 'schema.registry.url': registry, ...given })
    .map(([name, value]) => `'--property=${name}=${value}'`)
    .join(' ');

function produce(language: string, topic: string, lines: string, given: Record<string, string>): Promise<Said> {
  return run(`kafka-${language}-console-producer $B --topic ${topic} ${properties(given)}`, lines);
}

function consume(language: string, topic: string, count: number, given: Record<string, string> = {}): Promise<Said> {
  return run(
    `kafka-${language}-console-consumer $B --topic ${topic} --from-beginning --timeout-ms 8000 --max-messages ${count} ${properties(given)}`,
  );
}

const USER =
  '{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":["null","int"],"default":null}]}';

describe('what is typed is what is printed', () => {
  test('Avro, with the id of its schema', async () => {
    const sent = await produce('avro', 'users', '{"name":"ann","age":{"int":30}}\n{"name":"bob"}\n', {
      'value.schema': USER,
    });
    expect(sent).toEqual({ code: 0, out: '', err: '' });
    expect(await consume('avro', 'users', 2)).toEqual({
      code: 0,
      out: '{"name":"ann","age":{"int":30}}\n{"name":"bob","age":null}\n',
      err: 'Processed a total of 2 messages\n',
    });
    const versions = await (await fetch(`${registry}/subjects/users-value/versions/1`)).json();
    const { id } = versions as { id: number };
    const { out } = await consume('avro', 'users', 1, { 'print.schema.ids': 'true', 'schema.id.separator': '#' });
    expect(out).toBe(`{"name":"ann","age":{"int":30}}#${id}\n`);
    // By the id of a schema, and by what the subject has newest, nothing is registered.
    for (const given of [{ 'value.schema.id': String(id) }, { 'use.latest.version': 'true' }]) {
      expect(await produce('avro', 'users', '{"name":"cy"}\n', given)).toMatchObject({ code: 0, err: '' });
    }
  });

  test('keys with a schema of their own, keys that are text, nulls', async () => {
    const parsed = { 'parse.key': 'true', 'key.separator': '|', 'null.marker': 'NIL' };
    const keyed = { ...parsed, 'key.schema': '"long"', 'value.schema': '"string"' };
    expect(await produce('avro', 'keyed', '1|"a"\n2|NIL\nNIL|"c"\n', keyed)).toMatchObject({ code: 0, err: '' });
    const printed = await consume('avro', 'keyed', 3, { 'print.key': 'true', 'null.literal': '-' });
    expect(printed.out.split('\n').sort()).toEqual(['', '-\t"c"', '1\t"a"', '2\t-']);
    const plain = { ...parsed, 'key.serializer': 'org.apache.kafka.common.serialization.StringSerializer' };
    await produce('avro', 'texts', 'k|"a"\n', { ...plain, 'value.schema': '"string"' });
    const text = {
      'print.key': 'true',
      'key.deserializer': 'org.apache.kafka.common.serialization.StringDeserializer',
    };
    expect((await consume('avro', 'texts', 1, text)).out).toBe('k\t"a"\n');
  });

  test('Protobuf, from a file that refers to another subject', async () => {
    const other = 'syntax = "proto3"; message Place { string city = 1; }';
    await fetch(`${registry}/subjects/place/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schemaType: 'PROTOBUF', schema: other }),
    });
    const file = join(directory, 'order.proto');
    writeFileSync(file, 'syntax = "proto3"; import "place.proto"; message Order { int64 id = 1; Place ship_to = 2; }');
    const sent = await produce('protobuf', 'orders', '{"id":"1","shipTo":{"city":"Bern"}}\n', {
      'value.schema.file': file,
      'value.refs': '[{"name":"place.proto","subject":"place","version":1}]',
    });
    expect(sent).toEqual({ code: 0, out: '', err: '' });
    expect((await consume('protobuf', 'orders', 1)).out).toBe('{"id":"1","shipTo":{"city":"Bern"}}\n');
  });

  test('JSON Schema', async () => {
    const schema = '{"type":"object","properties":{"n":{"type":"integer"}}}';
    expect(await produce('json-schema', 'json', '{"n": 1}\n', { 'value.schema': schema })).toMatchObject({ code: 0 });
    expect((await consume('json-schema', 'json', 1)).out).toBe('{"n":1}\n');
  });
});

describe('what does not fit', () => {
  test('ends it with the line’s number, behind what came before', async () => {
    const sent = await produce('avro', 'wrong', '{"name":"ann"}\n{"name":1}\n', { 'value.schema': USER });
    expect(sent).toEqual({ code: 1, out: '', err: 'Line number 2: name is 1, not string\n' });
    expect((await run('kafka-get-offsets $B --topic wrong')).out).toBe('wrong:0:1\n');
    const bad = await produce('json-schema', 'wrong2', '{"n": "x"}\n', {
      'value.schema': '{"type":"object","properties":{"n":{"type":"integer"}}}',
    });
    expect(bad.err).toBe('Line number 1: the value does not fit its JSON Schema: /n must be integer\n');
  });

  test('is told when it is read, or passed over', async () => {
    await run('kafka-console-producer $B --topic mixed', 'no schema\n');
    await produce('avro', 'mixed', '"fits"\n', { 'value.schema': '"string"' });
    expect(await consume('avro', 'mixed', 2)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('this was written without a registry\n') as string,
    });
    const lenient = await run(
      `kafka-avro-console-consumer $B --topic mixed --from-beginning --timeout-ms 8000 --max-messages 2 --skip-message-on-error ${properties({})}`,
    );
    expect(lenient.out).toBe('"fits"\n');
    expect(lenient.err).toMatch(/^Error processing message, skipping this message: .*without a registry\n/);
  });

  test.each([
    [
      'avro',
      {},
      'Must provide the Avro schema in value.schema, value.schema.file or value.schema.id, or use.latest.version=true\n',
    ],
    ['protobuf', {}, 'Must provide the Protobuf schema in value.schema'],
    [
      'avro',
      { 'value.schema': '"int"', 'parse.key': 'true' },
      'Must provide the Avro schema in key.schema, key.schema.file or key.schema.id (or key.serializer, for keys that are text)',
    ],
    ['avro', { 'value.schema': '{"type":"nope"}' }, 'invalid Avro schema: '],
    [
      'avro',
      { 'value.schema': '"int"', 'auto.register': 'false' },
      'the schema is not registered under the subject none-value',
    ],
    ['avro', { 'value.schema.id': '999' }, 'there is no schema with id 999'],
    ['avro', { 'value.schema.id': 'x' }, 'value.schema.id: "x" is not an id\n'],
    ['avro', { 'value.schema.file': 'nope.avsc' }, "The file nope.avsc can't be read: "],
    ['avro', { 'value.schema': '"int"', 'value.refs': '{}' }, 'value.refs is to be [{"name": '],
    ['avro', { 'value.schema': '"int"', 'value.rule.set': '{}' }, 'value.rule.set is not read: '],
    ['avro', { 'value.schema': '"int"', 'auto.register': 'yes' }, 'auto.register: use true or false, not "yes"\n'],
    ['avro', { 'value.shema': '"int"' }, 'There is no reader property value.shema: use '],
    ['avro', { 'value.schema': '"int"', 'schema.registry.url': 'http://127.0.0.1:1' }, 'http://127.0.0.1:1'],
  ])('%s %j', async (language, given, err) => {
    const said = await produce(language, 'none', '1\n', given as Record<string, string>);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain(err);
  });
});
