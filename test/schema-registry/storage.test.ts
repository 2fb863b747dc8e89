// The topic `_schemas`: what the original registry (of several versions) and Karapace write is read, what this one writes
// has their format, and nothing in the topic can take the registry away.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, recordsOf } from '../../src/client/index.ts';
import { SchemaRegistry } from '../../src/schema-registry/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

type Row = readonly [key: string, value: string | null];

describe('the topic of schemas', () => {
  let embedded: Embedded;
  let client: Client;
  let topic: string;
  let tests = 0;
  let log: string[];

  beforeAll(async () => {
    embedded = await openEmbedded();
    client = embedded.connect();
  });
  beforeEach(() => {
    topic = `_schemas-${tests++}`;
    log = [];
  });
  afterAll(async () => {
    await client.close();
    await embedded.close();
  });

  async function write(rows: readonly Row[]): Promise<void> {
    const names = await client.admin().listTopics();
    if (!names.includes(topic)) {
      await client.admin().createTopics([{ name: topic, partitions: 1, configs: { 'cleanup.policy': 'compact' } }]);
    }
    const producer = client.producer({ lingerMs: 0 });
    for (const [key, value] of rows) {
      await producer.send({
        topic,
        partition: 0,
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      });
    }
    await producer.close();
  }

  async function written(): Promise<Row[]> {
    const [end] = await client.admin().listOffsets([{ topic, partition: 0, timestamp: -1 }]);
    const consumer = client.consumer({ autoOffsetReset: 'earliest' });
    consumer.assign([{ topic, partition: 0 }]);
    const rows: Row[] = [];
    while (rows.length < end!.offset) {
      for (const { key, value } of recordsOf(await consumer.poll(1000))) {
        rows.push([String(key), value === null ? null : String(value)]);
      }
    }
    await consumer.close();
    return rows;
  }

  async function opened<T>(work: (registry: SchemaRegistry) => Promise<T> | T): Promise<T> {
    const registry = await SchemaRegistry.open(client, { topic, log: (message) => log.push(message) });
    try {
      return await work(registry);
    } finally {
      await registry.close();
    }
  }

  test('a topic of the original registry is read', async () => {
    await write([
      ['{"keytype":"NOOP","magic":0}', null],
      // An older one: no schemaType, no md5; the global entry's key has a null subject.
      [
        '{"keytype":"SCHEMA","subject":"a-value","version":1,"magic":1}',
        '{"subject":"a-value","version":1,"id":1,"schema":"\\"string\\"","deleted":false}',
      ],
      ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"subject":null,"compatibilityLevel":"FULL"}'],
      ['{"keytype":"MODE","subject":"a-value","magic":0}', '{"subject":"a-value","mode":"READONLY"}'],
      // A newer one: md5, metadata with nulls, rules, references, a context of its own.
      [
        '{"keytype":"SCHEMA","subject":"b-value","version":3,"magic":1}',
        '{"subject":"b-value","version":3,"id":2,"md5":"MDEyMzQ1Njc4OWFiY2RlZg==","schemaType":"JSON","references":[{"name":"x","subject":"a-value","version":1}],' +
          '"metadata":{"tags":null,"properties":{"owner":"me"},"sensitive":null},"ruleSet":{"domainRules":[{"name":"r","kind":"CONDITION","mode":"WRITE","type":"CEL","expr":"true","doc":null,"disabled":false}]},' +
          '"schema":"{\\"type\\":\\"object\\"}","deleted":false}',
      ],
      ['{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}', '{"tenant":"default","context":".c"}'],
      [
        '{"keytype":"SCHEMA","subject":":.c:a-value","version":1,"magic":1}',
        '{"subject":":.c:a-value","version":1,"id":1,"schemaType":"PROTOBUF","schema":"syntax = \\"proto3\\";\\n\\nmessage M {\\n  string a = 1;\\n}\\n","deleted":false}',
      ],
      ['{"keytype":"ASSOC","tenant":"default","guid":"g","magic":0}', '{"guid":"g"}'],
      ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"NONE","compatibilityPolicy":"LOGICAL","later":true}'],
      [
        '{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}',
        '{"subject":"gone","version":1,"id":3,"schema":"\\"int\\"","deleted":false}',
      ],
      ['{"keytype":"DELETE_SUBJECT","subject":"gone","magic":0}', '{"subject":"gone","version":1}'],
    ]);
    await opened(async (registry) => {
      expect(registry.subjects()).toEqual([':.c:a-value', 'a-value', 'b-value']);
      expect(registry.subjects({ deleted: true })).toContain('gone');
      expect(registry.contexts()).toEqual(['.', '.c']);
      expect(registry.config(null)).toEqual({ compatibilityLevel: 'NONE', later: true });
      expect(registry.mode('a-value')).toBe('READONLY');
      expect(registry.version('b-value', '3')).toMatchObject({
        id: 2,
        schemaType: 'JSON',
        references: [{ name: 'x', subject: 'a-value', version: 1 }],
        metadata: { properties: { owner: 'me' } },
      });
      expect(registry.byId(1, ':.c:')).toMatchObject({ schemaType: 'PROTOBUF' });
      // Ids go on behind the highest one that was ever given, in each context.
      expect((await registry.register('new', { schema: '"long"' })).id).toBe(4);
      expect((await registry.register(':.c:new', { schema: '"long"' })).id).toBe(2);
    });
    expect(log).toEqual([]);
  });

  test('what is written has the format of the original, member by member', async () => {
    await opened(async (registry) => {
      await registry.register('s', { schema: '"string"', metadata: { properties: { owner: 'me' } } });
      await registry.register('p', { schemaType: 'JSON', schema: '{"type": "object"}' });
      await registry.setConfig(null, { compatibilityLevel: 'FULL' });
      await registry.setConfig('s', { compatibilityLevel: 'NONE', normalize: true });
      await registry.setMode('p', 'readonly', false);
      await registry.deleteMode('p');
      await registry.deleteSubject('s', false);
      await registry.deleteVersion('p', '1', false);
      await registry.deleteVersion('p', '1', true);
      await registry.register(':.c:s', { schema: '"string"' });
    });
    const schemaKey = (subject: string) => `{"keytype":"SCHEMA","subject":"${subject}","version":1,"magic":1}`;
    const jsonSchema = (deleted: boolean) =>
      `{"subject":"p","version":1,"id":2,"schemaType":"JSON","schema":"{\\"type\\":\\"object\\"}","deleted":${deleted}}`;
    expect(await written()).toEqual([
      ['{"keytype":"NOOP","magic":0}', null],
      [
        schemaKey('s'),
        '{"subject":"s","version":1,"id":1,"metadata":{"properties":{"owner":"me"}},"schema":"\\"string\\"","deleted":false}',
      ],
      [schemaKey('p'), jsonSchema(false)],
      ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"FULL"}'],
      ['{"keytype":"CONFIG","subject":"s","magic":0}', '{"subject":"s","compatibilityLevel":"NONE","normalize":true}'],
      ['{"keytype":"MODE","subject":"p","magic":0}', '{"subject":"p","mode":"READONLY"}'],
      ['{"keytype":"MODE","subject":"p","magic":0}', null],
      ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s","version":1}'],
      ['{"keytype":"CONFIG","subject":"s","magic":0}', null],
      [schemaKey('p'), jsonSchema(true)],
      [schemaKey('p'), null],
      ['{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}', '{"tenant":"default","context":".c"}'],
      [schemaKey(':.c:s'), '{"subject":":.c:s","version":1,"id":1,"schema":"\\"string\\"","deleted":false}'],
    ]);
  });

  test('a global entry under the older key is removed before it is written under the newer', async () => {
    await write([['{"keytype":"CONFIG","subject":null,"magic":0}', '{"subject":null,"compatibilityLevel":"FULL"}']]);
    await opened((registry) => registry.setConfig(null, { compatibilityLevel: 'NONE' }));
    expect((await written()).slice(-2)).toEqual([
      ['{"keytype":"CONFIG","subject":null,"magic":0}', null],
      ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"NONE"}'],
    ]);
    await opened((registry) => expect(registry.config(null).compatibilityLevel).toBe('NONE'));
  });

  test('broken records are passed over, and the operator is told where', async () => {
    await write([
      ['no json', 'x'],
      ['{"keytype":"SCHEMA","subject":"s","version":"one","magic":1}', '{}'],
      [
        '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
        '{"subject":"s","version":1,"id":"x","schema":"\\"int\\""}',
      ],
      [
        '{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}',
        '{"id":1,"schema":"\\"int\\"","metadata":{"tags":{"a":5}}}',
      ],
      ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s","version":null}'],
      ['{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"SLEEPY"}'],
      ['{"keytype":"SCHEMA","subject":"s","version":3,"magic":1}', '{"id":3,"schema":"\\"int\\"","deleted":false}'],
    ]);
    await opened((registry) => {
      expect(registry.versions('s')).toEqual([3]);
    });
    expect(log).toHaveLength(6);
    expect(log[0]).toBe(`schema registry: the record at offset 0 of ${topic} is passed over: its key is not JSON`);
    expect(log[5]).toMatch(/offset 5 .*the mode "SLEEPY" is not known/);
  });

  test('a topic that would lose schemas, or has no order, is refused', async () => {
    await client.admin().createTopics([{ name: topic, partitions: 1, configs: { 'cleanup.policy': 'delete' } }]);
    await expect(opened(() => {})).rejects.toThrow('cleanup.policy=delete, by which schemas would be lost');
    topic = `_schemas-${tests++}`;
    await client.admin().createTopics([{ name: topic, partitions: 2, configs: { 'cleanup.policy': 'compact' } }]);
    await expect(opened(() => {})).rejects.toThrow('has 2 partitions');
  });
});
