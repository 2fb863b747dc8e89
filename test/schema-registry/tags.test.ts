import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSchema } from '../../src/schemas/languages.ts';
import { retagged, type SchemaTags, tagsOf, withTagsOf } from '../../src/schema-registry/tags.ts';
import type { SchemaType } from '../../src/serde/index.ts';
import { call as request, openServedRegistry, type ServedRegistry } from './served-registry.ts';

const field = (entityPath: string, ...tags: string[]): SchemaTags => ({ entityType: 'SR_FIELD', entityPath, tags });
const record = (entityPath: string, ...tags: string[]): SchemaTags => ({ entityType: 'SR_RECORD', entityPath, tags });

const AVRO = JSON.stringify({
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'long', default: 9007199254740992 },
    { name: 'to', type: ['null', { type: 'record', name: 'Address', fields: [{ name: 'street', type: 'string' }] }] },
    {
      name: 'lines',
      type: { type: 'array', items: { type: 'record', name: 'other.Line', fields: [{ name: 'sku', type: 'string' }] } },
    },
  ],
}).replace('9007199254740992', '9007199254740993');

const JSON_SCHEMA = JSON.stringify({
  type: 'object',
  properties: {
    id: { type: 'integer', maximum: 1 },
    to: { type: 'object', properties: { street: { type: 'string' } } },
    lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } },
    choice: { oneOf: [{ type: 'null' }, { type: 'object', properties: { a: { enum: ['x'] } } }] },
  },
}).replace('"maximum":1', '"maximum":1.50e400');

const PROTO = `syntax = "proto3";
package shop;
message Order {
  int64 id = 1 [deprecated = true];
  Address to = 2;
  oneof choice { string a = 3; int32 b = 4; }
  message Address { string street = 1; }
}`;

const cases: [SchemaType, string, SchemaTags[]][] = [
  [
    'AVRO',
    AVRO,
    [
      record('shop.Order', 'A'),
      field('shop.Order.id', 'B'),
      field('shop.Address.street', 'PII'),
      field('other.Line.sku', 'S'),
    ],
  ],
  [
    'JSON',
    JSON_SCHEMA,
    [
      record('object', 'A'),
      field('object.id', 'B'),
      field('object.to.object.street', 'PII'),
      field('object.lines.array.object.sku', 'S'),
      field('object.choice.oneof.1.object.a', 'C'),
    ],
  ],
  [
    'PROTOBUF',
    PROTO,
    [record('Order', 'A'), field('Order.id', 'B'), field('Order.a', 'C'), field('Order.Address.street', 'PII', 'S')],
  ],
];

describe.each(cases)('tags in %s', (type, text, tags) => {
  const sorted = (list: readonly SchemaTags[]) => list.toSorted((a, b) => (a.entityPath < b.entityPath ? -1 : 1));

  test('are written, found, kept and taken out again', () => {
    const tagged = retagged(type, text, tags, []);
    expect(sorted(tagsOf(type, tagged))).toEqual(sorted(tags));
    // A valid schema, which compares with the one before as the same.
    const parsed = parseSchema(type, tagged, []);
    expect(parsed.incompatibilitiesReading(parseSchema(type, text, []))).toEqual([]);
    expect(sorted(tagsOf(type, parsed.canonical))).toEqual(sorted(tags));
    // Once more changes nothing; a tag more on one of them changes that one.
    expect(retagged(type, tagged, tags, [])).toBe(tagged);
    const more = retagged(type, tagged, [{ ...tags[1]!, tags: ['MORE'] }], []);
    expect(tagsOf(type, more).find(({ entityPath }) => entityPath === tags[1]!.entityPath)?.tags).toEqual([
      ...tags[1]!.tags,
      'MORE',
    ]);
    const bare = retagged(type, tagged, [], tags);
    expect(tagsOf(type, bare)).toEqual([]);
    expect(sorted(tagsOf(type, withTagsOf(type, bare, tagged)))).toEqual(sorted(tags));
  });

  test('on what is not there are refused', () => {
    expect(() => retagged(type, text, [field('does.not.exist', 'X')], [])).toThrow(
      "The schema has no field 'does.not.exist' to be tagged",
    );
    expect(() => retagged(type, text, [], [record('Nothing', 'X')])).toThrow("no record 'Nothing'");
  });
});

test('numbers that a double does not hold stay as they are', () => {
  expect(retagged('AVRO', AVRO, [record('shop.Order', 'A')], [])).toContain('9007199254740993');
  expect(retagged('JSON', JSON_SCHEMA, [record('object', 'A')], [])).toContain('1.50e400');
});

test('in Protobuf they are an option of Confluent, which is imported', () => {
  expect(retagged('PROTOBUF', PROTO, [field('Order.id', 'B')], [])).toContain(`import "confluent/meta.proto";`);
  expect(retagged('PROTOBUF', PROTO, [field('Order.id', 'B')], [])).toMatch(
    /int64 id = 1 \[\n *deprecated = true,\n *\(confluent\.field_meta\) = \{\n *tags: \[\n? *"B"/,
  );
});

describe('tags over HTTP', () => {
  let served: ServedRegistry;
  let url: string;

  beforeAll(async () => {
    served = await openServedRegistry();
    url = await served.serve();
  });
  afterAll(() => served.close());

  const call = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> =>
    (await request(url, `${method} ${path}`, {}, body)).body;
  const entity = (entityPath: string, tags: string[], entityType = 'SR_FIELD') => ({
    schemaEntity: { entityPath, entityType },
    tags,
  });

  test('a new version with tags, rules and metadata; found by its tags', async () => {
    const rule = (name: string) => ({ name, kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'true' });
    await call('POST', '/subjects/a/versions', {
      schema: AVRO,
      metadata: { properties: { owner: 'me' } },
      ruleSet: { domainRules: [rule('one'), rule('two')] },
    });
    const tagged = await call('POST', '/subjects/a/versions/latest/tags', {
      tagsToAdd: [entity('.shop.Order.id', ['PII']), entity('shop.Order', ['T'], 'sr_record')],
      metadata: { properties: { state: 'new' } },
      rulesToMerge: { domainRules: [rule('three')] },
      rulesToRemove: ['one'],
    });
    expect(tagged).toMatchObject({
      version: 2,
      metadata: { properties: { owner: 'me', state: 'new', 'confluent:version': '2' } },
      ruleSet: { domainRules: [rule('two'), rule('three')] },
    });
    expect(JSON.parse(tagged['schema'] as string)).toMatchObject({
      'confluent:tags': ['T'],
      fields: [{ 'confluent:tags': ['PII'] }, {}, {}],
    });
    expect(await call('GET', '/subjects/a/versions/2?findTags=PII')).toMatchObject({
      schemaTags: [entity('shop.Order.id', ['PII'])],
    });
    expect((await call('GET', `/schemas/ids/${tagged['id']}?findTags=*`))['schemaTags']).toHaveLength(2);
    expect(await call('GET', '/subjects/a/versions/2')).not.toHaveProperty('schemaTags');
    const cleared = await call('POST', '/subjects/a/versions/2/tags', {
      newVersion: 3,
      tagsToRemove: [entity('shop.Order.id', ['PII'])],
    });
    expect(cleared).toMatchObject({ version: 3, metadata: { properties: { 'confluent:version': '3' } } });
  });

  test('at registration: added, removed, or kept from the version before', async () => {
    await call('POST', '/subjects/b/versions', {
      schemaType: 'PROTOBUF',
      schema: PROTO,
      schemaTagsToAdd: [entity('Order.id', ['PII'])],
    });
    const next = PROTO.replace('int64 id', 'string note = 9; int64 id');
    const kept = await call('POST', '/subjects/b/versions', {
      schemaType: 'PROTOBUF',
      schema: next,
      propagateSchemaTags: true,
    });
    expect(kept).toMatchObject({ version: 2 });
    expect(await call('GET', '/subjects/b/versions/2?findTags=*')).toMatchObject({
      schemaTags: [entity('Order.id', ['PII'])],
    });
    // An empty schema is the version before.
    const removed = await call('POST', '/subjects/b/versions', {
      schema: '',
      schemaTagsToRemove: [entity('Order.id', ['PII'])],
    });
    expect(removed).toMatchObject({ version: 3, schemaType: 'PROTOBUF' });
    expect(await call('GET', '/subjects/b/versions/3?findTags=*')).toMatchObject({ schemaTags: [] });
  });

  test.each<[string, object, number]>([
    ['/subjects/a/versions/9/tags', {}, 40402],
    ['/subjects/none/versions/1/tags', {}, 40401],
    ['/subjects/a/versions/1/tags', { tagsToAdd: [entity('does.not.exist', ['X'])] }, 42201],
    ['/subjects/a/versions/1/tags', { tagsToAdd: [{ tags: ['X'] }] }, 42201],
    ['/subjects/a/versions/1/tags', { tagsToAdd: {} }, 42201],
    ['/subjects/a/versions/1/tags', { newVersion: 9 }, 42201],
    ['/subjects/a/versions/1/tags', { ruleSet: { domainRules: [] }, rulesToRemove: ['one'] }, 42210],
    ['/subjects/a/versions', { schema: 'no schema', schemaTagsToAdd: [entity('x', ['X'])] }, 42201],
  ])('%s with %j is refused', async (path, body, code) => {
    expect(await call('POST', path, body)).toMatchObject({ error_code: code });
  });
});
