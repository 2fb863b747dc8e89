// Contexts, GUIDs, metadata, rules, normalized texts, aliases: what the registry keeps beside subjects and versions.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { registryServer, SchemaRegistry } from '../../src/schema-registry/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

const record = (name: string, ...fields: string[]) =>
  JSON.stringify({ type: 'record', name, fields: fields.map((field) => ({ name: field, type: 'int', default: 0 })) });

describe('beside subjects and versions', () => {
  let embedded: Embedded;
  let client: Client;
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
    const registry = await SchemaRegistry.open(client);
    const server = registryServer(registry, { clusterId: 'c', version: '0' });
    url = await server.listen({ host: '127.0.0.1', port: 0 });
    stop = async () => {
      await server.close();
      await registry.close();
      await client.close();
    };
  }

  async function call(method: string, path: string, body?: unknown) {
    const response = await fetch(url + path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }
  const get = async (path: string) => (await call('GET', path)).body;
  const register = (subject: string, body: object) =>
    call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, body);

  test('contexts have subjects, ids and settings of their own', async () => {
    const { id } = (await register('ctx-a', { schema: record('A', 'x') })).body;
    const inContext = (await register(':.two:ctx-a', { schema: record('B', 'x') })).body;
    expect(inContext).toMatchObject({ subject: ':.two:ctx-a', id: 1, version: 1 });
    expect((await register(':.two:other', { schema: record('A', 'x') })).body).toMatchObject({ id: 2 });
    expect(await get('/contexts')).toEqual(['.', '.two']);
    expect(await get('/contexts/.two/subjects')).toEqual([':.two:ctx-a', ':.two:other']);
    expect(await get('/subjects?subjectPrefix=ctx-a')).toEqual(['ctx-a']);
    expect(await get('/subjects?subjectPrefix=:*:ctx')).toEqual([':.two:ctx-a', 'ctx-a']);
    expect(await get(`/schemas/ids/${id}`)).toMatchObject({ schema: record('A', 'x') });
    expect(await get('/contexts/.two/schemas/ids/1')).toMatchObject({ schema: record('B', 'x') });
    expect(await get('/schemas/ids/1?subject=:.two:')).toMatchObject({ subject: ':.two:ctx-a', version: 1 });
    expect(await get('/contexts/.two/subjects/ctx-a/versions')).toEqual([1]);
    expect(await get('/subjects/:.:ctx-a/versions/1')).toMatchObject({ subject: 'ctx-a' });
    // A subject that only another context has is found without naming the context.
    expect(await get('/subjects/other/versions/latest')).toMatchObject({ subject: ':.two:other' });

    await call('PUT', '/config', { compatibility: 'NONE' });
    expect(await get('/config/ctx-a?defaultToGlobal=true')).toMatchObject({ compatibilityLevel: 'NONE' });
    expect(await get('/config/:.two:ctx-a?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'BACKWARD' });
    await call('PUT', '/contexts/.two/config', { compatibility: 'FULL' });
    expect(await get('/config/:.two:ctx-a?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'FULL' });
    expect(await get('/config/:.two:')).toEqual({ compatibilityLevel: 'FULL' });
    await call('DELETE', '/config');
    await call('PUT', '/mode/:.two:', { mode: 'READONLY' });
    expect((await register(':.two:more', { schema: '"int"' })).body).toMatchObject({
      error_code: 42205,
      message: 'Subject :.two:more in context .two is in read-only mode',
    });
    await call('DELETE', '/mode/:.two:');
    expect((await call('DELETE', '/contexts/.two')).body).toMatchObject({ error_code: 42211 });
  });

  test('an empty context can be deleted', async () => {
    await register(':.gone:s', { schema: '"int"' });
    await call('DELETE', '/subjects/:.gone:s');
    await call('DELETE', '/subjects/:.gone:s?permanent=true');
    expect(await get('/contexts')).toContain('.gone');
    expect((await call('DELETE', '/contexts/.gone')).status).toBe(204);
    expect(await get('/contexts')).not.toContain('.gone');
  });

  test('references stay in the context of the schema that makes them', async () => {
    const base = { schemaType: 'JSON', schema: '{"type":"string"}' };
    const user = {
      schemaType: 'JSON',
      schema: '{"type":"array","items":{"$ref":"base.json"}}',
      references: [{ name: 'base.json', subject: 'base', version: -1 }],
    };
    await register(':.refs:base', base);
    expect((await register('user', user)).body).toMatchObject({ error_code: 42201 });
    expect((await register(':.refs:user', user)).body).toMatchObject({ version: 1 });
    expect((await register(':.refs:user', user)).body).toMatchObject({ version: 1 });
  });

  test('a GUID names the content in every context', async () => {
    const { guid, id } = (await register('guid-a', { schema: record('G', 'x') })).body;
    expect(guid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const other = (await register(':.two:guid-a', { schema: record('G', 'x') })).body;
    expect(other.guid).toBe(guid);
    expect(await get(`/schemas/guids/${guid}`)).toMatchObject({ schema: record('G', 'x'), guid });
    expect(await get(`/schemas/guids/${guid}/ids`)).toEqual([
      { context: '.', id },
      { context: '.two', id: other.id },
    ]);
    expect(await get('/schemas/guids/00000000-0000-0000-0000-000000000000')).toMatchObject({ error_code: 40403 });
    expect(await get(`/schemas/ids/${id}`)).toMatchObject({ guid });
    expect(await get(`/schemas/ids/${id}?fetchMaxId=true`)).toHaveProperty('maxId');
    expect(await get(`/schemas/ids/${id}?subject=guid-a`)).toMatchObject({ subject: 'guid-a', version: 1, id });
    expect(await get(`/schemas/ids/${id}`)).not.toHaveProperty('subject');
  });

  test('metadata make another version, are inherited, merged and found', async () => {
    const schema = record('M', 'x');
    const metadata = { properties: { owner: 'me' }, tags: { 'M.x': ['PII'] }, sensitive: ['owner'] };
    const first = (await register('meta', { schema })).body;
    const second = (await register('meta', { schema, metadata })).body;
    expect(second).toMatchObject({ version: 2, metadata });
    expect(second.id).not.toBe(first.id);
    // What is sent without metadata is the version without; something new takes over those of the version before.
    expect((await register('meta', { schema })).body).toMatchObject({ version: 1, id: first.id });
    const third = (await register('meta', { schema: record('M', 'x', 'y') })).body;
    expect(third).toMatchObject({ version: 3, metadata });
    expect(await get('/subjects/meta/metadata?key=owner&value=me')).toMatchObject({ version: 3 });
    expect(await get('/subjects/meta/metadata?key=owner&value=you')).toMatchObject({ error_code: 40403 });
    expect((await call('POST', '/subjects/meta', { schema, metadata })).body).toMatchObject({ version: 2 });

    await call('PUT', '/config/merged', {
      defaultMetadata: { properties: { owner: 'nobody', team: 'a' } },
      overrideMetadata: { properties: { team: 'b' } },
    });
    expect((await register('merged', { schema, metadata })).body.metadata.properties).toEqual({
      owner: 'me',
      team: 'b',
    });
    expect((await register('merged', { schema, metadata })).body).toMatchObject({ version: 1 });
  });

  test('a version that is asked for is noted, and does not make schemas differ', async () => {
    const schema = record('V', 'x');
    const first = (await register('numbered', { schema, version: 1 })).body;
    expect(first.metadata.properties).toEqual({ 'confluent:version': '1' });
    expect((await register('numbered', { schema })).body).toMatchObject({ version: 1 });
    expect((await register('numbered', { schema: record('V', 'x', 'y'), version: 7 })).body).toMatchObject({
      error_code: 42201,
      message: 'Version is not one more than previous version',
    });
    expect((await register('numbered', { schema: record('V', 'x', 'y') })).body.metadata.properties).toEqual({
      'confluent:version': '2',
    });
  });

  test('an empty text means the schema before, with other metadata', async () => {
    expect((await register('empty', { schema: '' })).body).toMatchObject({
      error_code: 42201,
      message: 'Empty schema',
    });
    await register('empty', { schema: record('E', 'x') });
    const again = (await register('empty', { schema: '', metadata: { properties: { a: 'b' } } })).body;
    expect(again).toMatchObject({ version: 2, schema: record('E', 'x') });
  });

  const rule = { name: 'check', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'message.x > 0' };
  test('rules are kept, merged by name', async () => {
    const schema = record('R', 'x');
    const stored = (await register('rules', { schema, ruleSet: { domainRules: [rule] } })).body;
    expect(stored.ruleSet).toEqual({ domainRules: [rule] });
    await call('PUT', '/config/rules', { overrideRuleSet: { domainRules: [{ ...rule, expr: 'true' }] } });
    const overridden = (await register('rules', { schema: record('R', 'x', 'y') })).body;
    expect(overridden.ruleSet).toEqual({ domainRules: [{ ...rule, expr: 'true' }] });
  });

  test.each([
    [{ domainRules: [rule, rule] }, 'two rules'],
    [{ domainRules: [{ ...rule, mode: 'UPGRADE' }] }, 'WRITE, READ, WRITEREAD'],
    [{ migrationRules: [rule] }, 'UPGRADE, DOWNGRADE, UPDOWN'],
    [{ encodingRules: [{ ...rule, name: '1st' }] }, 'is not a name'],
    [{ domainRules: [{ ...rule, kind: 'WISH' }] }, 'TRANSFORM or CONDITION'],
  ])('the rules %j are refused', async (ruleSet, reason) => {
    const { body } = await register('bad-rules', { schema: '"int"', ruleSet });
    expect(body).toMatchObject({ error_code: 42210 });
    expect(body.message).toContain(reason);
  });

  test('only versions of the same group are compared', async () => {
    await call('PUT', '/config/grouped', { compatibilityGroup: 'major', compatibility: 'BACKWARD' });
    const of = (major: string, type: string) => ({ schema: `"${type}"`, metadata: { properties: { major } } });
    expect((await register('grouped', of('1', 'int'))).status).toBe(200);
    expect((await register('grouped', of('1', 'string'))).status).toBe(409);
    expect((await register('grouped', of('2', 'string'))).status).toBe(200);
    expect((await register('grouped', of('1', 'long'))).status).toBe(200);
  });

  test('normalized texts make schemas the same that mean the same', async () => {
    const a = '{"type":"record","namespace":"n","name":"A","aliases":["z","b"],"z":1,"fields":[],"doc":"d","c":2}';
    const b = '{"c":2,"doc":"d","fields":[],"z":1,"aliases":["n.b","n.z"],"name":"n.A","type":"record"}';
    const path = '/subjects/normalized/versions?normalize=true';
    const one = (await call('POST', path, { schema: a })).body;
    expect(one.schema).toBe('{"name":"n.A","type":"record","fields":[],"doc":"d","aliases":["n.b","n.z"],"c":2,"z":1}');
    expect((await call('POST', path, { schema: b })).body).toMatchObject({ version: 1, id: one.id });

    await call('PUT', '/config/json-normalized', { normalize: true });
    const json = (schema: string) => register('json-normalized', { schemaType: 'JSON', schema });
    expect((await json('{"type":"string","title":"t"}')).body.schema).toBe('{"title":"t","type":"string"}');
    expect((await json('{ "title":"t", "type":"string"}')).body).toMatchObject({ version: 1 });
  });

  test('a version is not deleted in a context that was not named', async () => {
    await register(':.elsewhere:only-there', { schema: '"int"' });
    expect(await get('/subjects/only-there/versions')).toEqual([1]);
    expect((await call('DELETE', '/subjects/only-there/versions/1')).body).toMatchObject({ error_code: 40401 });
    expect((await call('DELETE', '/subjects/:.elsewhere:only-there/versions/1')).body).toBe(1);
  });

  test('flags are true in any letters', async () => {
    const schema = '{ "type": "record", "fields": [], "name": "Flags" }';
    const stored = (await call('POST', '/subjects/flags/versions?normalize=True', { schema })).body;
    expect(stored.schema).toBe('{"name":"Flags","type":"record","fields":[]}');
    expect(await get('/subjects/flags/versions?deleted=False')).toEqual([1]);
    await call('DELETE', '/subjects/flags');
    expect(await get('/subjects/flags/versions?deleted=TRUE')).toEqual([1]);
  });

  test('lenient policy and reserved fields', async () => {
    const json = (schema: object, metadata?: object) => ({
      schemaType: 'JSON',
      schema: JSON.stringify(schema),
      metadata,
    });
    const closed = { type: 'object', properties: { a: {} } };
    const opened = { type: 'object', properties: { a: {}, b: { type: 'string' } } };
    await register('lenient', json(closed));
    expect((await register('lenient', json(opened))).status).toBe(409);
    await call('PUT', '/config/lenient', { compatibilityPolicy: 'LENIENT' });
    expect((await register('lenient', json(opened))).status).toBe(200);

    await call('PUT', '/config/reserved', { validateFields: true, compatibilityPolicy: 'LENIENT' });
    const reserved = { properties: { 'confluent:reserved': 'b, c' } };
    await register('reserved', json(closed, reserved));
    const refused = await register('reserved', json(opened, reserved));
    expect(refused.body.message).toContain('RESERVED_PROPERTY_CONFLICTS_WITH_PROPERTY');
    expect(refused.body.message).toContain("validateFields: 'true'");
    const dollars = { type: 'object', properties: { a: {}, $$x: {} } };
    expect((await register('reserved', json(dollars, reserved))).body).toMatchObject({ error_code: 42201 });
  });

  test('import wants an empty place, and takes schemas as they come', async () => {
    await register('moved', { schema: record('I', 'x') });
    expect((await call('PUT', '/mode/moved', { mode: 'IMPORT' })).body).toMatchObject({ error_code: 42205 });
    await call('DELETE', '/subjects/moved');
    expect((await call('PUT', '/mode/moved', { mode: 'IMPORT' })).body).toEqual({ mode: 'IMPORT' });
    expect(await get('/subjects?deletedOnly=true')).not.toContain('moved');
    const copy = { schema: '"string"', id: 4711, version: 3 };
    expect((await register('moved', copy)).body).toMatchObject({ id: 4711, version: 3 });
    expect((await register('moved', { schema: '"bytes"' })).body.message).toContain('is not in read-write mode');
    await call('PUT', '/mode', { mode: 'FORWARD' });
    expect((await register('forwarded', { schema: '"bytes"' })).body).toMatchObject({ error_code: 42205 });
    expect((await register('forwarded', { schema: '"bytes"', id: 4712 })).body).toMatchObject({ id: 4712, version: 1 });
    expect((await call('DELETE', '/mode')).body).toEqual({ mode: 'FORWARD' });
    expect(await get('/mode')).toEqual({ mode: 'READWRITE' });
  });

  test('an alias stands for another subject', async () => {
    await register('real', { schema: record('T', 'x') });
    await call('PUT', '/config/nick', { alias: 'real' });
    expect(await get('/subjects/nick/versions')).toEqual([1]);
    expect((await register('nick', { schema: record('T', 'x', 'y') })).body).toMatchObject({
      subject: 'real',
      version: 2,
    });
    expect(await get('/config/nick')).toEqual({ alias: 'real' });
    await call('PUT', '/config/nick', { alias: null });
    expect(await get('/subjects/nick/versions')).toMatchObject({ error_code: 40401 });
  });

  test.each([
    ['PUT', '/config/x', { compatibilityPolicy: 'LOGICAL' }, 42201],
    ['PUT', '/config/x', { surprise: 1 }, 42201],
    ['PUT', '/config/x', { normalize: 'yes' }, 400],
    ['PUT', '/config/x', { defaultRuleSet: { domainRules: [{ name: '' }] } }, 42210],
    ['POST', '/subjects/x/versions', { schema: '"int"', references: [{ name: 'a' }] }, 42201],
    ['POST', '/subjects/x/versions', { schema: '"int"', metadata: [] }, 400],
    ['POST', '/subjects/x/versions', { schema: '"int"', id: 2 ** 40 }, 400],
    ['POST', '/subjects/x/versions', { schema: '"int"', version: 1.5 }, 400],
    ['POST', '/subjects/x/versions', [], 400],
    ['PUT', '/config', 'BACKWARD', 400],
    ['POST', '/subjects/:.c:/versions', { schema: '"int"' }, 42208],
    ['GET', '/subjects/real/versions/1?format=serialized', undefined, 42201],
  ])('%s %s %j is refused', async (method, path, body, code) => {
    expect((await call(method, path, body)).body).toMatchObject({ error_code: code });
  });

  test('what is softly deleted is listed as negative where that is asked for', async () => {
    await call('PUT', '/config/negative', { compatibility: 'NONE' });
    for (const name of ['One', 'Two', 'Three']) await register('negative', { schema: record(name, 'x') });
    expect(await get('/subjects/negative/versions?deletedAsNegative=true')).toEqual([1, 2, 3]);
    await call('DELETE', '/subjects/negative/versions/2');
    expect(await get('/subjects/negative/versions?deletedAsNegative=true')).toEqual([1, -2, 3]);
    expect(await get('/subjects/negative/versions')).toEqual([1, 3]);
  });

  test('a schema is registered by force, whatever the versions before', async () => {
    await register('forced', { schema: '"int"' });
    expect((await register('forced', { schema: '"string"' })).status).toBe(409);
    expect((await call('POST', '/subjects/forced/versions?force=true', { schema: '"string"' })).body.version).toBe(2);
  });

  test('modes of a context are deleted with those of its subjects', async () => {
    for (const scope of [':.modes:', ':.modes:a', ':.modes:b', 'elsewhere']) {
      await call('PUT', `/mode/${scope}`, { mode: 'READONLY' });
    }
    expect((await call('DELETE', '/mode/:.modes:?recursive=true')).body).toEqual({ mode: 'READONLY' });
    expect(await get('/mode/:.modes:a')).toMatchObject({ error_code: 40409 });
    expect(await get('/mode/elsewhere')).toEqual({ mode: 'READONLY' });
    await call('DELETE', '/mode/elsewhere');
  });

  test('a global READONLY_OVERRIDE goes before the modes of subjects', async () => {
    await call('PUT', '/mode/open', { mode: 'READWRITE' });
    await call('PUT', '/mode', { mode: 'READONLY_OVERRIDE' });
    expect((await register('open', { schema: '"int"' })).body).toMatchObject({ error_code: 42205 });
    await call('PUT', '/mode', { mode: 'READWRITE' });
    expect((await register('open', { schema: '"int"' })).status).toBe(200);
    expect((await call('PUT', '/mode/open', { mode: 'READONLY_OVERRIDE' })).body).toMatchObject({ error_code: 42204 });
  });

  test('numbers keep their text, or get the one that Java prints', async () => {
    const fields = ['9007199254740993', '-1', '0.0', '1', '1e3', '1.50', '1e10', '0.0001', '12345678.5'].map(
      (number, i) => `{"name":"f${i}","type":"${i < 2 ? 'long' : 'double'}","default":${number},"weight":${number}}`,
    );
    const { body } = await register('numbers', { schema: `{"type":"record","name":"N","fields":[${fields.join()}]}` });
    const numbers = [...(body.schema as string).matchAll(/"default":([^,]*),"weight":([^}]*)/g)];
    const printed = ['9007199254740993', '-1', '0.0', '1', '1000.0', '1.5', '1.0E10', '1.0E-4', '1.23456785E7'];
    expect(numbers.map(([, number]) => number)).toEqual(printed);
    expect(numbers.map(([, , number]) => number)).toEqual(printed);
  });

  test.each([
    ['int', '2147483648'],
    ['int', '1.0'],
    ['long', '9223372036854775808'],
    ['string', '1'],
  ])('a default of %s that is %s is refused, unless defaults are not checked', async (type, number) => {
    const schema = `{"type":"record","name":"R","fields":[{"name":"f","type":"${type}","default":${number}}]}`;
    const subject = `defaults-${type}-${number}`;
    expect((await register(subject, { schema })).body).toMatchObject({ error_code: 42201 });
    await call('PUT', `/config/${subject}`, { validateNewSchemas: false });
    expect((await register(subject, { schema })).status).toBe(200);
    // Compared, too, it is taken as it is.
    const next = schema.replace('}]', '},{"name":"g","type":"int","default":0}]');
    expect((await register(subject, { schema: next })).status).toBe(200);
  });

  test('an Avro schema with its references inlined is the one that was registered with them', async () => {
    const money = '{"type":"record","name":"Money","namespace":"m","fields":[{"name":"cents","type":"long"}]}';
    await register('money', { schema: money });
    const bill = (type: string) =>
      `{"type":"record","name":"Bill","fields":[{"name":"sum","type":${type}},{"name":"tip","type":"m.Money"}]}`;
    const references = [{ name: 'm.Money', subject: 'money', version: 1 }];
    const { body } = await register('bill', { schema: bill('"m.Money"'), references });
    const inlined = await register('bill', { schema: bill(money) });
    expect(inlined.body).toMatchObject({ id: body.id, version: 1, references });
    expect((await call('POST', '/subjects/bill', { schema: bill(money) })).body).toMatchObject({ version: 1 });
  });

  test('schemas are listed with the aliases of their subjects', async () => {
    await register('aliased', { schema: '"int"' });
    await call('PUT', '/config/other-name', { alias: 'aliased' });
    expect(await get('/schemas?subjectPrefix=aliased&aliases=true')).toMatchObject([{ aliases: ['other-name'] }]);
    expect((await get('/schemas?subjectPrefix=aliased'))[0]).not.toHaveProperty('aliases');
  });

  test('a Protobuf schema is answered without the options of others', async () => {
    const schema = `syntax = "proto3"; import "confluent/meta.proto"; option java_package = "x";
      message M { option (confluent.message_meta).doc = "d"; int32 a = 1 [(confluent.field_meta).doc = "e", deprecated = true]; }`;
    await register('extended', { schemaType: 'PROTOBUF', schema });
    const text = (await get('/subjects/extended/versions/1?format=ignore_extensions')).schema as string;
    expect(text).toContain('int32 a = 1 [deprecated = true];');
    expect(text).toContain('option java_package = "x";');
    expect(text).not.toContain('_meta)');
  });

  test.each([
    'GET /exporters',
    'POST /exporters',
    'GET /exporters/e/status',
    'POST /associations',
    'POST /associations:batch',
    'GET /dek-registry/v1/keks',
  ])('%s is refused as not supported', async (request) => {
    const [method, path] = request.split(' ') as [string, string];
    const { status, body } = await call(method, path, method === 'POST' ? {} : undefined);
    expect(status).toBe(404);
    expect(body).toMatchObject({ error_code: 404, message: expect.stringContaining('not supported by this registry') });
  });

  test('an imported schema has the id that its content has already', async () => {
    const { id } = (await register(':.imported:a', { schema: '"int"' })).body;
    await call('PUT', '/mode/:.imported:b', { mode: 'IMPORT' });
    expect((await register(':.imported:b', { schema: '"int"', id: id + 5, version: 3 })).body).toEqual({
      error_code: 42207,
      message: `Schema already registered with id ${id} instead of input id ${id + 5}`,
    });
    expect((await register(':.imported:b', { schema: '"int"', id, version: 3 })).body).toMatchObject({
      id,
      version: 3,
    });
  });

  test('schemas are listed by the type of their rules', async () => {
    const rule = { name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'RARE', expr: 'true' };
    await register('with-rare-rule', { schema: '"int"', ruleSet: { domainRules: [rule] } });
    const found = (await get('/schemas?ruleType=RARE')) as { subject: string }[];
    expect(found.map(({ subject }) => subject)).toEqual(['with-rare-rule']);
    expect(await get('/v1/metadata/deployment')).toEqual({ attributes: [] });
  });

  test('there are no associations', async () => {
    expect(await get('/associations/resources/-/orders?resourceType=topic&associationType=value')).toEqual([]);
    expect(await get('/associations/subjects/orders-value')).toEqual([]);
  });

  test('records of other registries on the topic count', async () => {
    const producer = client.producer({ lingerMs: 0 });
    const write = (key: object, value: object | null) =>
      producer.send({
        topic: '_schemas',
        partition: 0,
        key: Buffer.from(JSON.stringify(key)),
        value: value === null ? null : Buffer.from(JSON.stringify(value)),
      });
    const schema = { subject: 'foreign', version: 1, id: 9001, schema: '"int"', deleted: true };
    await write({ keytype: 'SCHEMA', subject: 'foreign', version: 1, magic: 1 }, schema);
    await write({ keytype: 'CONTEXT', tenant: 'default', context: '.foreign', magic: 0 }, { context: '.foreign' });
    await expect.poll(() => get('/contexts')).toContain('.foreign');
    expect(await get('/subjects?deletedOnly=true')).toContain('foreign');
    await write({ keytype: 'CLEAR_SUBJECT', subject: 'foreign', magic: 0 }, { subject: 'foreign' });
    await expect.poll(() => get('/subjects?deletedOnly=true')).not.toContain('foreign');
    // The global entry has a null subject, or none.
    await write({ keytype: 'CONFIG', magic: 0 }, { compatibilityLevel: 'FULL' });
    await expect.poll(() => get('/config')).toEqual({ compatibilityLevel: 'FULL' });
    await producer.close();
  });

  test('all of it is there after the next start', async () => {
    const paths = ['/schemas', '/schemas?deleted=true', '/contexts', '/config/merged', '/config/:.two:', '/subjects'];
    const before = await Promise.all(paths.map(get));
    await stop();
    await open();
    expect(await Promise.all(paths.map(get))).toEqual(before);
  });
});
