// What this registry says beyond the original: differences, explanations, dry runs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SchemaRegistry } from '../../src/schema-registry/index.ts';
import { call as request, openServedRegistry, type ServedRegistry } from './served-registry.ts';

const order = (fields: object[], more: object = {}) =>
  JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields, ...more });
const id = { name: 'id', type: 'string' };
const status = (...symbols: string[]) => ({ name: 'status', type: { type: 'enum', name: 'Status', symbols } });
const address = {
  name: 'to',
  type: { type: 'record', name: 'Address', fields: [{ name: 'street', type: 'string' }] },
  default: { street: '' },
};

describe('insights', () => {
  let served: ServedRegistry;
  let registry: SchemaRegistry;
  let url: string;

  beforeAll(async () => {
    served = await openServedRegistry();
    ({ registry } = served);
    url = await served.serve();
  });
  afterAll(() => served.close());

  const call = (method: string, path: string, body?: unknown) => request(url, `${method} ${path}`, {}, body);
  /** Registers versions one after another, whatever they are to each other. */
  async function subjectOf(subject: string, schemaType: string, ...schemas: (string | object)[]) {
    await call('PUT', `/config/${subject}`, { compatibility: 'NONE' });
    for (const schema of schemas) {
      const body = typeof schema === 'string' ? { schema } : schema;
      const answer = await call('POST', `/subjects/${subject}/versions`, { schemaType, ...body });
      expect(answer).toMatchObject({ status: 200 });
    }
    await call('DELETE', `/config/${subject}`);
  }
  const diff = async (subject: string, query = '') => (await call('GET', `/subjects/${subject}/diff${query}`)).body;
  const descriptions = (answer: { changes: { description: string }[] }) => answer.changes.map((c) => c.description);
  const check = async (subject: string, body: object) =>
    (await call('POST', `/compatibility/subjects/${subject}/versions?explain=true&verbose=true`, body)).body;

  test('a diff tells every change of an Avro schema in a sentence', async () => {
    await subjectOf(
      'avro-diff',
      'AVRO',
      order([id, { name: 'qty', type: 'int', doc: 'how many' }, { name: 'gone', type: 'long' }, status('A', 'B', 'C')]),
      order([status('C', 'D'), id, { name: 'quantity', type: 'long', aliases: ['qty'], default: 1 }, address], {
        doc: 'one order',
      }),
    );
    const answer = await diff('avro-diff');
    expect(answer).toMatchObject({ subject: 'avro-diff', schemaType: 'AVRO', from: 1, to: 2 });
    expect(descriptions(answer)).toEqual([
      'field `shop.Order.gone` (long) was removed',
      'record `shop.Order` got the doc "one order"',
      'what record `shop.Order` holds is in another order: status, id',
      'field `shop.Order.qty` was renamed to `quantity`',
      'type of `shop.Order.quantity` changed from int to long',
      'field `shop.Order.quantity` got the default 1',
      'field `shop.Order.quantity` lost the doc "how many"',
      'field `shop.Order.quantity` got the alias qty',
      'field `shop.Order.to` (shop.Address) was added, with default {"street":""}',
      'enum `shop.Status` lost the symbols A, B and got the symbol D',
      'record `shop.Address` was added, with field street (string)',
    ]);
    expect(answer.changes[4]).toEqual({
      kind: 'CHANGED',
      element: 'field',
      path: 'shop.Order.quantity',
      aspect: 'type',
      from: 'int',
      to: 'long',
      description: 'type of `shop.Order.quantity` changed from int to long',
    });
    expect(answer.compatibility).toEqual({
      backward: {
        compatible: false,
        reasons: [
          "consumers with version 2 can't read records written with version 1, where `shop.Order.status` may be one of A, B, which the reading schema does not know",
        ],
      },
      forward: {
        compatible: false,
        reasons: [
          "consumers with version 1 can't read records written with version 2, which have no field `qty`",
          "consumers with version 1 can't read records written with version 2, which have no field `gone`",
          "consumers with version 1 can't read records written with version 2, where `shop.Order.status` may be one of D, which the reading schema does not know",
        ],
      },
    });
  });

  test('a diff of Protobuf schemas follows field numbers', async () => {
    const file = (body: string) => `syntax = "proto3"; package shop; ${body}`;
    await subjectOf(
      'proto-diff',
      'PROTOBUF',
      file('message Order { string id = 1; int32 amount = 2; enum S { A = 0; B = 1; } S s = 3; string note = 4; }'),
      file(
        'import "google/protobuf/timestamp.proto"; message Order { reserved 4; string key = 1; repeated int32 amount = 2; enum S { A = 0; } S s = 3; oneof how { string card = 5; bool cash = 6; } message Line { string item = 1; } repeated Line lines = 7; } service Orders { rpc Get (Order) returns (stream Order); }',
      ),
    );
    expect(descriptions(await diff('proto-diff'))).toEqual([
      'field `Order.note` (string) was removed, with number 4',
      'the file got the import google/protobuf/timestamp.proto',
      'message `Order` got the reservation 4',
      'field `Order.id` was renamed to `key`',
      'type of `Order.amount` changed from int32 to repeated int32',
      'field `Order.lines` (repeated Line) was added, with number 7',
      'oneof `Order.how` was added',
      'field `Order.card` (string) was added, with number 5, oneof how',
      'field `Order.cash` (bool) was added, with number 6, oneof how',
      'message `Order.Line` was added, with field item (string)',
      'enum `Order.S` lost the constant B = 1',
      'service `Orders` was added, with rpc Get',
    ]);
  });

  test('a diff of JSON Schemas shows every keyword', async () => {
    await subjectOf(
      'json-diff',
      'JSON',
      JSON.stringify({
        type: 'object',
        required: ['id'],
        properties: {
          id: { type: 'integer' },
          tags: { type: 'array', items: { type: 'string', maxLength: 10 } },
          kind: { enum: ['a', 'b'] },
          pay: { oneOf: [{ type: 'string' }, { $ref: '#/definitions/Card' }] },
        },
        definitions: { Card: { type: 'object', properties: { number: { type: 'string' } } } },
      }),
      JSON.stringify({
        type: 'object',
        required: ['name'],
        additionalProperties: false,
        properties: {
          id: { type: ['integer', 'null'], description: 'the key' },
          name: { type: 'string', default: '' },
          tags: { type: 'array', items: { type: 'string', maxLength: 20 } },
          kind: { enum: ['b'] },
          pay: { oneOf: [{ type: 'integer' }, { type: 'string' }, { $ref: '#/definitions/Card' }] },
        },
        definitions: { Card: { type: 'object', properties: { number: { type: 'integer' } } } },
      }),
    );
    expect(descriptions(await diff('json-diff'))).toEqual([
      'the schema got the additionalProperties false',
      'type of `id` changed from integer to integer | null',
      'property `id` changed from required to optional',
      'property `id` got the description "the key"',
      'required property `name` (string) was added, with default ""',
      'maxLength of `tags[]` changed from 10 to 20',
      'property `kind` lost the value "a"',
      'alternative `pay.oneOf[integer]` (integer) was added',
      'type of `Card.number` changed from string to integer',
    ]);
  });

  test('references, metadata and rules are told, too; and another language at once', async () => {
    await subjectOf('diff-ref', 'AVRO', '{"type":"enum","name":"R","symbols":["X"]}');
    await subjectOf(
      'diff-more',
      'AVRO',
      {
        schema: '"int"',
        metadata: { properties: { owner: 'ann', team: 't' }, tags: { '**.id': ['PII'] } },
        ruleSet: { domainRules: [{ name: 'positive', kind: 'CONDITION', type: 'CEL', mode: 'WRITE', expr: 'a > 0' }] },
      },
      {
        schema: '{"type":"array","items":"R"}',
        references: [{ name: 'R', subject: 'diff-ref', version: 1 }],
        metadata: { properties: { owner: 'bob' }, tags: { '**.id': ['PII', 'KEY'] } },
        ruleSet: { domainRules: [{ name: 'positive', kind: 'CONDITION', type: 'CEL', mode: 'WRITE', expr: 'a > 1' }] },
      },
      { schema: '{"type":"string"}', schemaType: 'JSON' },
    );
    expect(descriptions(await diff('diff-more', '?from=1&to=2'))).toEqual([
      'type of the schema changed from int to array<R>',
      'metadata property `team` was removed, with value t',
      'reference `R` was added, with subject diff-ref, version 1',
      'value of `owner` changed from ann to bob',
      'tags `**.id` got the tag KEY',
      'expr of `positive` changed from a > 0 to a > 1',
    ]);
    const across = await diff('diff-more', '?from=-1&to=1');
    expect(descriptions(across)[0]).toBe('the schema type changed from JSON to AVRO');
    expect(across.compatibility.backward).toEqual({ compatible: false, reasons: ["AVRO can't read JSON"] });
  });

  test('errors of a diff are those of versions', async () => {
    await subjectOf('diff-one', 'AVRO', '"int"');
    expect(await call('GET', '/subjects/none/diff')).toMatchObject({ status: 404, body: { error_code: 40401 } });
    expect(await call('GET', '/subjects/diff-one/diff')).toMatchObject({ status: 404, body: { error_code: 40402 } });
    expect(await call('GET', '/subjects/diff-one/diff?to=7')).toMatchObject({ body: { error_code: 40402 } });
    expect(await call('GET', '/subjects/diff-one/diff?from=x')).toMatchObject({
      status: 422,
      body: { error_code: 42202 },
    });
    expect(await diff('diff-one', '?from=1&to=latest')).toMatchObject({ changes: [], from: 1, to: 1 });
  });

  test('a check explains what breaks whom, and what to do', async () => {
    await subjectOf('explain', 'AVRO', order([id, status('A', 'B')]));
    const update = { schema: order([id, status('A'), { name: 'total', type: 'int' }]) };
    const answer = await check('explain', update);
    expect(answer.is_compatible).toBe(false);
    expect(answer.explanations).toEqual([
      {
        errorType: 'MISSING_ENUM_SYMBOLS',
        path: 'shop.Order.status',
        version: 1,
        level: 'BACKWARD',
        reason:
          "consumers with the new schema can't read records written with version 1, where `shop.Order.status` may be one of B, which the reading schema does not know",
        advice: 'keep the symbols B, or give the enum a "default" symbol for what it does not know',
      },
      {
        errorType: 'READER_FIELD_MISSING_DEFAULT_VALUE',
        path: 'shop.Order.total',
        version: 1,
        level: 'BACKWARD',
        reason: "consumers with the new schema can't read records written with version 1, which have no field `total`",
        advice: 'give `total` a default, e.g. "default": 0 (or make it a union with null and "default": null)',
      },
    ]);
    expect(answer.remedies.map((remedy: { kind: string; value?: string }) => [remedy.kind, remedy.value])).toEqual([
      ['COMPATIBILITY_LEVEL', 'FORWARD_TRANSITIVE'],
      ['COMPATIBILITY_GROUP', undefined],
      ['NEW_SUBJECT', undefined],
    ]);
    const plain = (await call('POST', '/compatibility/subjects/explain/versions?verbose=true', update)).body;
    expect(plain).toEqual({ is_compatible: false, messages: answer.messages });
    expect((await check('explain', { schema: order([id, status('A', 'B', 'C')]) })).explanations).toEqual([]);
    expect((await check('explain-new', update)).explanations).toEqual([]);
  });

  test('a nullable record is explained by what is wrong in it, once', async () => {
    const to = (...fields: object[]) => ({ type: 'record', name: 'To', fields });
    const zip = { name: 'zip', type: 'int' };
    const [home, work] = ['home', 'work'].map((name) => (type: unknown) => ({
      name,
      type: ['null', type],
      default: null,
    }));
    await subjectOf('nullable', 'AVRO', order([home!(to()), work!('To')]));
    const { explanations, messages } = await check('nullable', { schema: order([home!(to(zip)), work!('To')]) });
    expect(messages.join().match(/MISSING_UNION_BRANCH/g)).toHaveLength(2);
    expect(explanations.map((one: { errorType: string; path: string }) => [one.errorType, one.path])).toEqual([
      ['READER_FIELD_MISSING_DEFAULT_VALUE', 'shop.To.zip'],
    ]);
  });

  test('remedies have been tried: policies where they help, levels that accept', async () => {
    const open = (properties: object) => JSON.stringify({ type: 'object', properties });
    await subjectOf('remedy', 'JSON', open({ a: { type: 'string' } }));
    const answer = await check('remedy', {
      schemaType: 'JSON',
      schema: open({ a: { type: 'string' }, b: { type: 'integer' } }),
    });
    expect(answer.explanations[0]).toMatchObject({
      errorType: 'OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL',
      path: 'b',
    });
    expect(answer.remedies.map((remedy: { value?: string }) => remedy.value)).toEqual([
      'FORWARD_TRANSITIVE',
      'LENIENT',
      undefined,
      undefined,
    ]);
    await subjectOf('remedy-type', 'AVRO', '"int"');
    const changed = await check('remedy-type', { schema: '"string"' });
    expect(changed.remedies[0]).toMatchObject({ kind: 'COMPATIBILITY_LEVEL', value: 'NONE' });
    const other = await check('remedy-type', { schema: '{"type":"integer"}', schemaType: 'JSON' });
    expect(other.explanations).toMatchObject([
      { errorType: 'SCHEMA_TYPE_CHANGED', advice: 'keep the language of the subject: AVRO' },
    ]);
  });

  test('a dry run answers what registering would, and writes nothing', async () => {
    await subjectOf('dry', 'AVRO', order([id]));
    const dry = async (subject: string, body: object) =>
      (await call('POST', `/subjects/${subject}/versions?dryRun=true`, body)).body;
    const next = { schema: order([id, { name: 'n', type: 'int', default: 0 }]) };
    const answer = await dry('dry', next);
    expect(answer).toEqual({
      subject: 'dry',
      wouldRegister: true,
      id: registry.highestId() + 1,
      version: 2,
      isCompatible: true,
      messages: [],
      explanations: [],
      remedies: [],
      changes: [expect.objectContaining({ description: 'field `shop.Order.n` (int) was added, with default 0' })],
    });
    expect(registry.versions('dry')).toEqual([1]);
    expect((await call('POST', '/subjects/dry/versions', next)).body).toMatchObject({
      id: answer.id,
      version: answer.version,
    });
    expect(await dry('dry', next)).toMatchObject({ wouldRegister: true, existing: true, version: 2, changes: [] });
    const refused = await dry('dry', { schema: order([{ name: 'other', type: 'int' }]) });
    expect(refused).toMatchObject({ wouldRegister: false, isCompatible: false, subject: 'dry' });
    expect(refused.explanations).toHaveLength(1);
    expect(refused.messages.join()).toContain('READER_FIELD_MISSING_DEFAULT_VALUE');
    expect(refused).not.toHaveProperty('id');
    expect(
      (
        await call('POST', '/subjects/dry/versions?dryRun=true&force=true', {
          schema: order([{ name: 'o', type: 'int' }]),
        })
      ).body,
    ).toMatchObject({ wouldRegister: true, version: 3, isCompatible: false });
    expect(await dry('dry-first', next)).toMatchObject({ wouldRegister: true, version: 1, changes: [] });
    expect(await dry('dry', { schema: 'nonsense!' })).toMatchObject({ error_code: 42201 });
    await call('PUT', '/mode/dry', { mode: 'READONLY' });
    expect(await dry('dry', { schema: '"int"' })).toMatchObject({ error_code: 42205 });
    await call('DELETE', '/mode/dry');
  });

  test('in a context the same', async () => {
    await subjectOf(':.c:x', 'AVRO', order([id]), order([id, { name: 'n', type: 'int', default: 0 }]));
    const answer = (await call('GET', '/contexts/.c/subjects/x/diff')).body;
    expect(answer).toMatchObject({
      subject: ':.c:x',
      from: 1,
      to: 2,
      compatibility: { forward: { compatible: true } },
    });
  });
});
