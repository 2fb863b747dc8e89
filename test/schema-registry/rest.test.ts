import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { registryServer, SchemaRegistry } from '../../src/schema-registry/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

const record = (name: string, ...fields: unknown[]) => JSON.stringify({ type: 'record', name, fields });
const intField = { name: 'a', type: 'int' };
const optional = { name: 'b', type: ['null', 'string'], default: null };
const required = { name: 'c', type: 'string' };

describe('the registry over HTTP', () => {
  let embedded: Embedded;
  let client: Client;
  let registry: SchemaRegistry;
  let url: string;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    embedded = await openEmbedded();
    await open();
  });
  afterAll(async () => {
    await stop();
    await embedded.close();
  });

  async function open(): Promise<void> {
    client = embedded.connect();
    registry = await SchemaRegistry.open(client);
    const server = registryServer(registry, { clusterId: 'c', version: '0' });
    url = await server.listen({ host: '127.0.0.1', port: 0 });
    stop = async () => {
      await server.close();
      await registry.close();
      await client.close();
    };
  }

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/vnd.schemaregistry.v1+json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: text === '' ? null : JSON.parse(text),
    };
  }

  test('registers once, answers the same id again, and numbers versions', async () => {
    const first = await call('POST', '/subjects/s1-value/versions', { schema: record('R', intField) });
    expect(first).toMatchObject({ status: 200, type: 'application/vnd.schemaregistry.v1+json' });
    const { id } = first.body;
    expect((await call('POST', '/subjects/s1-value/versions', { schema: record('R', intField) })).body.id).toBe(id);
    const second = await call('POST', '/subjects/s1-value/versions', { schema: record('R', intField, optional) });
    expect(second.body).toMatchObject({ version: 2 });
    expect((await call('GET', '/subjects/s1-value/versions')).body).toEqual([1, 2]);
    expect((await call('POST', '/subjects/other/versions', { schema: record('R', intField) })).body).toMatchObject({
      id,
      version: 1,
    });
    expect((await call('GET', `/schemas/ids/${id}`)).body).toMatchObject({
      schemaType: 'AVRO',
      schema: record('R', intField),
    });
    expect((await call('GET', `/schemas/ids/${id}/versions`)).body).toEqual([
      { subject: 's1-value', version: 1 },
      { subject: 'other', version: 1 },
    ]);
    expect((await call('GET', '/subjects/s1-value/versions/latest')).body).toMatchObject({
      subject: 's1-value',
      version: 2,
    });
    expect((await call('GET', '/subjects/s1-value/versions/1/schema')).body).toEqual(JSON.parse(record('R', intField)));
    expect((await call('POST', '/subjects/s1-value', { schema: record('R', intField) })).body).toMatchObject({
      version: 1,
      id,
    });
  });

  test('refuses incompatible schemas with the reasons', async () => {
    await call('POST', '/subjects/s2/versions', { schema: record('R', intField) });
    const refused = await call('POST', '/subjects/s2/versions', { schema: record('R', intField, required) });
    expect(refused.status).toBe(409);
    expect(refused.body.message).toContain(
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'c' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'c'}",
    );
    expect(refused.body.message).toContain("compatibility: 'BACKWARD'");
    const path = '/compatibility/subjects/s2/versions/latest';
    expect((await call('POST', path, { schema: record('R', intField, required) })).body).toEqual({
      is_compatible: false,
    });
    expect((await call('POST', `${path}?verbose=true`, { schema: record('R', intField, optional) })).body).toEqual({
      is_compatible: true,
      messages: [],
    });
    expect((await call('POST', '/compatibility/subjects/nobody/versions/latest', { schema: '"int"' })).body).toEqual({
      is_compatible: true,
    });
  });

  test.each([
    ['NONE', required, true],
    ['BACKWARD', required, false],
    ['FORWARD', required, true],
    ['FULL', required, false],
    ['FULL_TRANSITIVE', optional, true],
  ])('level %s', async (level, field, allowed) => {
    const subject = `level-${level}`;
    expect((await call('PUT', `/config/${subject}`, { compatibility: level })).body).toEqual({ compatibility: level });
    expect((await call('GET', `/config/${subject}`)).body).toEqual({ compatibilityLevel: level });
    await call('POST', `/subjects/${subject}/versions`, { schema: record('R', intField) });
    const answer = await call('POST', `/subjects/${subject}/versions`, { schema: record('R', intField, field) });
    expect(answer.status).toBe(allowed ? 200 : 409);
  });

  test('deletes softly, then for good; versions are not reused after a soft delete', async () => {
    const schema = record('D', intField);
    await call('POST', '/subjects/d/versions', { schema });
    expect((await call('DELETE', '/subjects/d?permanent=true')).body).toMatchObject({ error_code: 40405 });
    expect((await call('DELETE', '/subjects/d')).body).toEqual([1]);
    expect((await call('GET', '/subjects/d/versions')).body).toMatchObject({
      error_code: 40401,
      message: "Subject 'd' not found.",
    });
    expect((await call('DELETE', '/subjects/d')).body).toMatchObject({ error_code: 40404 });
    expect((await call('GET', '/subjects?deletedOnly=true')).body).toEqual(['d']);
    expect((await call('POST', '/subjects/d/versions', { schema })).body).toMatchObject({ version: 2 });
    expect((await call('DELETE', '/subjects/d/versions/2')).body).toBe(2);
    expect((await call('DELETE', '/subjects/d/versions/2')).body).toMatchObject({ error_code: 40406 });
    expect((await call('DELETE', '/subjects/d?permanent=true')).body).toEqual([2]);
    expect((await call('POST', '/subjects/d/versions', { schema })).body).toMatchObject({ version: 1 });
  });

  test('references: types of other subjects by name, protected while in use', async () => {
    const address = JSON.stringify({
      type: 'record',
      name: 'Address',
      namespace: 'x',
      fields: [{ name: 'street', type: 'string' }],
    });
    await call('POST', '/subjects/address/versions', { schema: address });
    const schema = record('Person', { name: 'home', type: 'x.Address' });
    const references = [{ name: 'x.Address', subject: 'address', version: 1 }];
    expect((await call('POST', '/subjects/person/versions', { schema })).body).toMatchObject({ error_code: 42201 });
    const { id } = (await call('POST', '/subjects/person/versions', { schema, references })).body;
    expect((await call('GET', `/schemas/ids/${id}`)).body).toMatchObject({ references });
    const resolved = (await call('GET', `/schemas/ids/${id}?format=resolved`)).body.schema;
    expect(JSON.parse(resolved).fields[0].type).toEqual(JSON.parse(address));
    expect((await call('GET', '/subjects/address/versions/1/referencedby')).body).toEqual([id]);
    expect((await call('DELETE', '/subjects/address')).body).toMatchObject({ error_code: 42206 });
  });

  test('JSON Schema: stored compactly, compared, and resolved through references', async () => {
    const json = (schema: object) => ({ schemaType: 'JSON', schema: JSON.stringify(schema, null, 2) });
    const open = { type: 'object', properties: { a: { type: 'string' } } };
    const { body } = await call('POST', '/subjects/json/versions', json(open));
    expect(body).toMatchObject({ version: 1, schemaType: 'JSON', schema: JSON.stringify(open) });
    const changed = { type: 'object', properties: { a: { type: 'number' } } };
    const refused = await call('POST', '/subjects/json/versions', json(changed));
    expect(refused.status).toBe(409);
    expect(refused.body.message).toContain(
      '{errorType:"TYPE_CHANGED", description:"What is at path \'#/properties/a\'',
    );
    const references = [{ name: 'json.json', subject: 'json', version: 1 }];
    const using = { type: 'object', properties: { inner: { $ref: 'json.json#/properties/a' } } };
    expect((await call('POST', '/subjects/using/versions', json(using))).body).toMatchObject({ error_code: 42201 });
    expect((await call('POST', '/subjects/using/versions', { ...json(using), references })).status).toBe(200);
    expect((await call('POST', '/subjects/json', json(open))).body).toMatchObject({ id: body.id });
  });

  test.each([
    ['GET', '/subjects/none/versions', undefined, 404, 40401],
    ['GET', '/subjects/s1-value/versions/99', undefined, 404, 40402],
    ['GET', '/subjects/s1-value/versions/zero', undefined, 422, 42202],
    ['GET', '/schemas/ids/99999', undefined, 404, 40403],
    ['POST', '/subjects/x/versions', { schema: '{"type":"nope"}' }, 422, 42201],
    ['POST', '/subjects/x/versions', { schema: 'message {', schemaType: 'PROTOBUF' }, 422, 42201],
    ['PUT', '/config', { compatibility: 'SIDEWAYS' }, 422, 42203],
    ['PUT', '/mode', { mode: 'ASLEEP' }, 422, 42204],
    ['GET', '/config/none', undefined, 404, 40408],
    ['GET', '/no/such/path', undefined, 404, 404],
  ])('%s %s is answered with %s', async (method, path, body, status, code) => {
    expect(await call(method, path, body)).toMatchObject({ status, body: { error_code: code } });
  });

  test('negotiates content types', async () => {
    expect((await call('GET', '/subjects', undefined, { accept: 'text/html' })).status).toBe(406);
    expect((await call('POST', '/subjects/x', {}, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await call('GET', '/subjects', undefined, { accept: 'application/json' })).status).toBe(200);
    expect((await call('GET', '/subjects/with%2Fslash/versions')).body.message).toBe("Subject 'with/slash' not found.");
  });

  test('modes: read-only refuses, import takes explicit ids', async () => {
    await call('PUT', '/mode/ro', { mode: 'READONLY' });
    expect((await call('POST', '/subjects/ro/versions', { schema: '"int"' })).body).toMatchObject({
      error_code: 42205,
    });
    await call('PUT', '/mode/import', { mode: 'IMPORT' });
    expect(
      (await call('POST', '/subjects/import/versions', { schema: '"float"', id: 777, version: 5 })).body,
    ).toMatchObject({ id: 777, version: 5 });
    expect(
      (await call('POST', '/subjects/import/versions', { schema: '"double"', id: 777, version: 6 })).body,
    ).toMatchObject({ error_code: 42205 });
    await call('DELETE', '/mode/import');
    expect((await call('GET', '/mode/import?defaultToGlobal=true')).body).toEqual({ mode: 'READWRITE' });
  });

  test('another registry on the same topic sees everything, and so does the next start', async () => {
    const before = (await call('GET', '/schemas')).body;
    expect(before.length).toBeGreaterThan(5);
    await stop();
    await open();
    expect((await call('GET', '/schemas')).body).toEqual(before);
    const otherClient = embedded.connect();
    const other = await SchemaRegistry.open(otherClient);
    const { id } = await other.register('from-other', { schema: '"bytes"' });
    await expect.poll(async () => (await call('GET', `/schemas/ids/${id}`)).status).toBe(200);
    expect(registry.version('from-other', 'latest').id).toBe(id);
    await other.close();
    await otherClient.close();
  });
});
