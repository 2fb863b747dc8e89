// Protobuf over the registry's HTTP: references, refusals, normalized texts and serialized descriptors.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call as request, openServedRegistry, type ServedRegistry } from './served-registry.ts';

function base(type: string) {
  return { schema: `syntax = "proto3"; package base; message B { ${type} value = 1; }` };
}

function user(version: number) {
  return {
    schema: 'syntax = "proto3"; import "base.proto"; message User { base.B b = 1; }',
    references: [{ name: 'base.proto', subject: 'base', version }],
  };
}

describe('Protobuf in the registry', () => {
  let served: ServedRegistry;
  let url: string;

  beforeAll(async () => {
    served = await openServedRegistry();
    url = await served.serve();
  });
  afterAll(() => served.close());

  const call = (method: string, path: string, body?: object) => request(url, `${method} ${path}`, {}, body);
  const register = (subject: string, body: object) =>
    call('POST', `/subjects/${subject}/versions`, { schemaType: 'PROTOBUF', ...body });

  test('stores the canonical text, and finds a schema however it is written', async () => {
    const { body } = await register('plain', { schema: 'syntax="proto3"; // why\nmessage A { string a=1; }' });
    const canonical = 'syntax = "proto3";\n\nmessage A {\n  string a = 1;\n}\n';
    expect(await call('GET', `/schemas/ids/${body.id}`)).toMatchObject({
      body: { schemaType: 'PROTOBUF', schema: canonical },
    });
    expect(await call('POST', '/subjects/plain', { schemaType: 'PROTOBUF', schema: canonical })).toMatchObject({
      status: 200,
    });
    // The same, as a FileDescriptorProto.
    const serialized = 'CgdhLnByb3RvIhEKAUESDAoBYRgBIAEoCVIBYWIGcHJvdG8z';
    expect((await register('plain', { schema: serialized })).body.id).toBe(body.id);
  });

  test('finds imports by the names of references, and refuses what a reader can not read', async () => {
    await register('base', base('int32'));
    await call('PUT', '/config/base', { compatibility: 'NONE' });
    await register('base', base('string'));
    expect(await register('user', user(1))).toMatchObject({ status: 200 });
    const { status, body } = await register('user', user(2));
    expect({ status, code: body.error_code }).toEqual({ status: 409, code: 409 });
    expect(body.message).toContain('{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The scalar type of the field');
    expect(body.message).toContain(`path '#/User/1' in the new schema does not match the one in the old schema`);
    expect(await register('lonely', { schema: user(1).schema })).toMatchObject({
      status: 422,
      body: { error_code: 42201, message: expect.stringContaining('at 1:20: the import "base.proto" is not among') },
    });
  });

  test('normalizes where it is asked to', async () => {
    const first = { schema: 'syntax = "proto3"; package p; message A { A b = 2; p.A a = 1; }' };
    const second = { schema: 'syntax = "proto3"; package p; message A { .p.A a = 1; .p.A b = 2; }' };
    const { body } = await register('normal', second);
    const found = await call('POST', '/subjects/normal/versions?normalize=true', { schemaType: 'PROTOBUF', ...first });
    expect(found.body.id).toBe(body.id);
  });
});
