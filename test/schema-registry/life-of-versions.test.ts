// Registering, looking up, comparing and deleting, one after another, in the orders that clients really do it in.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, openServedRegistry, type ServedRegistry } from './served-registry.ts';

const record = (...fields: string[]) =>
  JSON.stringify({ type: 'record', name: 'R', fields: fields.map((name) => ({ name, type: 'int', default: 0 })) });

describe('the life of versions', () => {
  let secured: ServedRegistry;
  let url: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    url = await secured.serve();
  });
  afterAll(() => secured.close());

  const answer = async (asked: string, body?: unknown) => (await call(url, asked, {}, body)).body;
  const register = (subject: string, body: object) => answer(`POST /subjects/${subject}/versions`, body);
  const threeVersions = async (subject: string) => {
    for (const fields of [['a'], ['a', 'b'], ['a', 'b', 'c']]) await register(subject, { schema: record(...fields) });
  };

  test('the latest version is the newest that is not deleted', async () => {
    await threeVersions('latest');
    expect(await answer('DELETE /subjects/latest/versions/latest')).toBe(3);
    expect(await answer('GET /subjects/latest/versions/latest?deleted=true')).toMatchObject({ version: 2 });
    expect(await answer('DELETE /subjects/latest/versions/latest?permanent=true')).toMatchObject({
      error_code: 40407,
      message: "Subject 'latest' Version 2 was not deleted first before being permanently deleted",
    });
    expect(await answer('DELETE /subjects/latest/versions/-1')).toBe(2);
    expect(await answer('DELETE /subjects/latest/versions/latest')).toBe(1);
    expect(await answer('DELETE /subjects/latest/versions/latest')).toEqual({
      error_code: 40402,
      message: 'Version -1 not found.',
    });
    expect(await answer('GET /subjects/latest/versions/latest')).toMatchObject({ error_code: 40401 });
    expect(await answer('GET /subjects/latest/versions/3?deleted=true')).toMatchObject({ version: 3, deleted: true });
  });

  test('numbers go on after a soft deletion, and start over after a hard one; the id stays', async () => {
    await threeVersions('numbers');
    const { id } = await answer('GET /subjects/numbers/versions/1');
    expect(await answer('DELETE /subjects/numbers')).toEqual([1, 2, 3]);
    expect(await register('numbers', { schema: record('a') })).toMatchObject({ id, version: 4 });
    expect(await answer('GET /subjects/numbers/versions')).toEqual([4]);
    expect(await answer('GET /subjects/numbers/versions?deletedOnly=true')).toEqual([2, 3]);
    await answer('DELETE /subjects/numbers');
    expect(await answer('DELETE /subjects/numbers?permanent=true')).toEqual([2, 3, 4]);
    expect(await register('numbers', { schema: record('a') })).toMatchObject({ version: 1 });
  });

  test('a subject that is deleted loses its settings, and one of which a version is left keeps them', async () => {
    await threeVersions('set');
    const set = async () => {
      await answer('PUT /config/set', { compatibility: 'FULL' });
      await answer('PUT /mode/set', { mode: 'READWRITE' });
    };
    const settings = async () => [await answer('GET /config/set'), await answer('GET /mode/set')];
    const kept = [{ compatibilityLevel: 'FULL' }, { mode: 'READWRITE' }];
    const gone = [{ error_code: 40408 }, { error_code: 40409 }];
    await set();
    await answer('DELETE /subjects/set/versions/1');
    await answer('DELETE /subjects/set/versions/3');
    expect(await settings()).toEqual(kept);
    await answer('DELETE /subjects/set/versions/2');
    expect(await settings()).toMatchObject(gone);
    await register('set', { schema: record('d') });
    await set();
    await answer('DELETE /subjects/set');
    expect(await settings()).toMatchObject(gone);
    await set();
    await answer('DELETE /subjects/set?permanent=true');
    expect(await settings()).toMatchObject(gone);
  });

  test('what is not there is not found, also where nothing may be written', async () => {
    await register('kept', { schema: record('a') });
    await answer('PUT /mode', { mode: 'READONLY' });
    expect(await answer('DELETE /subjects/none')).toMatchObject({ error_code: 40401 });
    expect(await answer('DELETE /subjects/kept/versions/2')).toMatchObject({ error_code: 40402 });
    const readOnly = { error_code: 42205, message: 'Subject kept in context . is in read-only mode' };
    expect(await answer('DELETE /subjects/kept')).toEqual(readOnly);
    expect(await answer('DELETE /subjects/kept/versions/1')).toEqual(readOnly);
    expect(await register('kept', { schema: record('b') })).toEqual(readOnly);
    // What is there already is answered in every mode.
    expect(await register('kept', { schema: record('a') })).toMatchObject({ version: 1 });
    await answer('DELETE /mode');
  });

  test('a schema that others refer to is kept, softly and for good', async () => {
    const base = '{"type":"record","name":"Base","namespace":"n","fields":[]}';
    const references = [{ name: 'n.Base', subject: 'base', version: 1 }];
    await register('base', { schema: base });
    const { id } = await register('user', { schema: '{"type":"array","items":"n.Base"}', references });
    const refused = {
      error_code: 42206,
      message: 'One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=base,version=1}.',
    };
    for (const path of ['base', 'base/versions/1', 'base/versions/latest', 'base?permanent=true']) {
      expect(await answer(`DELETE /subjects/${path}`)).toEqual(refused);
    }
    expect(await answer('DELETE /subjects/user')).toEqual([1]);
    expect(await answer('GET /subjects/base/versions/1/referencedby')).toEqual([]);
    expect(await answer('GET /subjects/base/versions/1/referencedby?deleted=true')).toEqual([id]);
    expect(await answer('DELETE /subjects/base')).toEqual([1]);
    expect(await answer('DELETE /subjects/base?permanent=true')).toEqual(refused);
    expect(await answer('DELETE /subjects/user?permanent=true')).toEqual([1]);
    expect(await answer('DELETE /subjects/base?permanent=true')).toEqual([1]);
  });

  test('a deleted version goes for good when its schema comes back, unless others refer to it', async () => {
    const base = '{"type":"record","name":"Back","fields":[]}';
    const references = [{ name: 'Back', subject: 'back', version: 1 }];
    await register('back', { schema: base });
    await register('back-user', { schema: '{"type":"array","items":"Back"}', references });
    await answer('DELETE /subjects/back-user');
    await answer('DELETE /subjects/back');
    expect(await register('back', { schema: base })).toMatchObject({ version: 2 });
    expect(await answer('GET /subjects/back/versions?deleted=true')).toEqual([1, 2]);
    await answer('DELETE /subjects/back-user?permanent=true');
    await answer('DELETE /subjects/back');
    expect(await register('back', { schema: base })).toMatchObject({ version: 3 });
    expect(await answer('GET /subjects/back/versions?deleted=true')).toEqual([3]);
  });

  test('an id lives on while its versions are softly deleted', async () => {
    const { id } = await register('ids', { schema: '"float"' });
    await answer('DELETE /subjects/ids');
    expect(await answer(`GET /schemas/ids/${id}`)).toMatchObject({ schema: '"float"' });
    expect(await answer(`GET /schemas/ids/${id}/subjects`)).toEqual([]);
    expect(await answer(`GET /schemas/ids/${id}/versions`)).toEqual([]);
    expect(await answer(`GET /schemas/ids/${id}/subjects?deleted=true`)).toEqual(['ids']);
    await answer('DELETE /subjects/ids?permanent=true');
    const gone = { error_code: 40403, message: 'Schema not found' };
    expect(await answer(`GET /schemas/ids/${id}/subjects`)).toEqual(gone);
    expect(await answer(`GET /schemas/ids/${id}/versions?deleted=true`)).toEqual(gone);
    expect(await answer(`GET /schemas/ids/${id}`)).toEqual({ error_code: 40403, message: `Schema ${id} not found` });
  });

  test('a lookup tells a schema that is none from one that is not there', async () => {
    expect(await answer('POST /subjects/none', { schema: '{' })).toMatchObject({ error_code: 42201 });
    expect(await answer('POST /subjects/none', { schema: '"int"' })).toMatchObject({ error_code: 40401 });
    await register('looked-up', { schema: '"int"' });
    expect(await answer('POST /subjects/looked-up', { schema: '"long"' })).toMatchObject({ error_code: 40403 });
    expect(await answer('POST /subjects/looked-up', { schema: '' })).toMatchObject({ error_code: 40403 });
    await answer('DELETE /subjects/looked-up');
    expect(await answer('POST /subjects/looked-up', { schema: '"int"' })).toMatchObject({ error_code: 40401 });
    expect(await answer('POST /subjects/looked-up?deleted=true', { schema: '"int"' })).toMatchObject({ version: 1 });
  });

  test('what is there already may be sent with its id and version, in any mode', async () => {
    const schema = '"bytes"';
    const { id, version } = await register('again', { schema });
    expect(await register('again', { schema, id })).toMatchObject({ id, version });
    expect(await register('again', { schema, id, version })).toMatchObject({ id, version });
    expect(await register('again', { schema, id: id + 1 })).toMatchObject({ error_code: 42205 });
    await answer('PUT /mode/again?force=true', { mode: 'IMPORT' });
    expect(await register('again', { schema })).toMatchObject({ id, version });
    expect(await register('again', { schema, id, version: 7 })).toMatchObject({ id, version: 7 });
  });

  test('a check wants a schema, and a version that is there', async () => {
    await threeVersions('checked');
    await answer('DELETE /subjects/checked/versions/2');
    const check = (path: string, schema: string) => answer(`POST /compatibility/subjects/${path}`, { schema });
    expect(await check('checked/versions/2', record('a'))).toEqual({
      error_code: 40402,
      message: 'Version 2 not found.',
    });
    expect(await check('nobody/versions/1', record('a'))).toMatchObject({ error_code: 40402 });
    expect(await check('nobody/versions/latest', record('a'))).toEqual({ is_compatible: true });
    expect(await check('nobody/versions', record('a'))).toEqual({ is_compatible: true });
    expect(await check('checked/versions/x', record('a'))).toMatchObject({ error_code: 42202 });
    const empty = { error_code: 42201, message: 'Empty schema' };
    expect(await check('checked/versions/latest', '')).toEqual(empty);
    expect(await check('checked/versions', ' ')).toEqual(empty);
    expect(await check('checked/versions/latest?verbose=true', '')).toEqual({
      is_compatible: false,
      messages: ['Empty schema'],
    });
  });

  test('transitive levels stop at the newest version that stands against a schema', async () => {
    await answer('PUT /config/chain', { compatibility: 'NONE' });
    for (const type of ['string', 'int', 'long']) await register('chain', { schema: `"${type}"` });
    const messages = async (level: string, schema: string) => {
      await answer('PUT /config/chain', { compatibility: level });
      const path = 'POST /compatibility/subjects/chain/versions?verbose=true';
      return (await answer(path, { schema })).messages as string[];
    };
    expect(await messages('BACKWARD', '"float"')).toEqual([]);
    const [, version, schema, settings] = await messages('BACKWARD_TRANSITIVE', '"float"');
    expect([version, schema]).toEqual(['{oldSchemaVersion: 1}', `{oldSchema: '"string"'}`]);
    expect(settings).toBe("{validateFields: 'false', compatibility: 'BACKWARD_TRANSITIVE'}");
    expect((await messages('BACKWARD_TRANSITIVE', '"boolean"'))[1]).toBe('{oldSchemaVersion: 3}');
    // Those who read with the old schema come first.
    const found = await messages('FULL', '"boolean"');
    expect(found.map((message) => message.match(/in the (new|old) schema/)?.[1])).toEqual([
      'old',
      'new',
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('a subject may change its language where nothing is compared', async () => {
    await register('languages', { schema: '"int"' });
    const json = { schemaType: 'JSON', schema: '{}' };
    const { message } = await register('languages', json);
    expect(message).toContain('details: [Incompatible because of different schema type');
    await answer('PUT /config/languages', { compatibility: 'NONE' });
    expect(await register('languages', json)).toMatchObject({ version: 2, schemaType: 'JSON' });
    expect(await register('languages', { schema: '{}', schemaType: 'json' })).toMatchObject({ error_code: 42201 });
  });
});
