// Confluent's client for Node, its REST half: every call that it has.
import assert from 'node:assert/strict';
import { Compatibility, RestError, SchemaRegistryClient } from '@confluentinc/schemaregistry';
import { scenario } from './scenarios.mjs';

const client = (registry, more = {}) => new SchemaRegistryClient({ baseURLs: [registry], ...more });
const record = (name, ...fields) =>
  JSON.stringify({ type: 'record', name, fields: fields.map((field) => ({ name: field, type: 'string' })) });
const withDefault = (name, ...fields) =>
  JSON.stringify({
    type: 'record',
    name,
    fields: fields.map((field) => ({ name: field, type: 'string', default: '' })),
  });
const avro = (schema, more = {}) => ({ schemaType: 'AVRO', schema, ...more });

async function refused(promise, status, errorCode) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof RestError, String(error));
    assert.deepEqual([error.status, error.errorCode], [status, errorCode]);
    return true;
  });
}

scenario('client: registering again gives the same id, version and GUID', async ({ registry, topic }) => {
  const first = await client(registry).registerFullResponse(topic, avro(record('A', 'x')));
  assert.equal(first.version, 1);
  assert.match(first.guid, /^[0-9a-f-]{36}$/);
  const again = await client(registry).registerFullResponse(topic, avro(record('A', 'x')));
  assert.deepEqual([again.id, again.version, again.guid], [first.id, 1, first.guid]);
  assert.equal(await client(registry).register(`${topic}-other`, avro(record('A', 'x'))), first.id);
});

scenario('client: finds by id, by GUID, by version, by content', async ({ registry, topic }) => {
  const one = await client(registry).registerFullResponse(topic, avro(withDefault('B', 'x')));
  const two = await client(registry).registerFullResponse(topic, avro(withDefault('B', 'x', 'y')));
  const other = client(registry);
  assert.equal((await other.getBySubjectAndId(topic, one.id)).schema, withDefault('B', 'x'));
  assert.equal((await other.getByGuid(two.guid)).schema, withDefault('B', 'x', 'y'));
  const latest = await other.getLatestSchemaMetadata(topic);
  assert.deepEqual([latest.subject, latest.version, latest.id, latest.guid], [topic, 2, two.id, two.guid]);
  assert.equal((await other.getSchemaMetadata(topic, 1)).id, one.id);
  assert.equal(await other.getId(topic, avro(withDefault('B', 'x', 'y'))), two.id);
  assert.equal((await client(registry).getIdFullResponse(topic, avro(withDefault('B', 'x')))).version, 1);
  assert.equal(await other.getVersion(topic, avro(withDefault('B', 'x', 'y'))), 2);
  assert.deepEqual(await other.getAllVersions(topic), [1, 2]);
  assert.ok((await other.getAllSubjects()).includes(topic));
});

scenario('client: what is not there has its code', async ({ registry, topic }) => {
  const other = client(registry);
  await refused(other.getLatestSchemaMetadata(topic), 404, 40401);
  await refused(other.getAllVersions(topic), 404, 40401);
  await refused(other.getBySubjectAndId(topic, 4_000_000), 404, 40403);
  await refused(other.getByGuid('00000000-0000-0000-0000-000000000000'), 404, 40403);
  await refused(other.getId(topic, avro('"int"')), 404, 40401);
  await other.register(topic, avro('"int"'));
  await refused(other.getSchemaMetadata(topic, 7), 404, 40402);
  await refused(other.getId(topic, avro('"string"')), 404, 40403);
  await refused(other.getCompatibility(topic), 404, 40408);
  await refused(other.register(topic, avro('{"type":"nonsense"}')), 422, 42201);
});

scenario('client: deletes a version, then a subject, softly and for good', async ({ registry, topic }) => {
  const other = client(registry);
  await other.register(topic, avro(withDefault('D', 'x')));
  await other.register(topic, avro(withDefault('D', 'x', 'y')));
  await refused(other.deleteSubjectVersion(topic, 1, true), 404, 40407);
  assert.equal(await other.deleteSubjectVersion(topic, 1), 1);
  assert.deepEqual(await other.getAllVersions(topic), [2]);
  await refused(client(registry).getSchemaMetadata(topic, 1), 404, 40402);
  assert.equal((await client(registry).getSchemaMetadata(topic, 1, true)).version, 1);
  assert.equal(await client(registry).getVersion(topic, avro(withDefault('D', 'x')), false, true), 1);
  assert.equal(await other.deleteSubjectVersion(topic, 1, true), 1);
  await refused(other.deleteSubject(topic, true), 404, 40405);
  assert.deepEqual(await other.deleteSubject(topic), [2]);
  assert.ok(!(await other.getAllSubjects()).includes(topic));
  await refused(other.deleteSubject(topic), 404, 40404);
  assert.deepEqual(await other.deleteSubject(topic, true), [2]);
  await refused(other.deleteSubject(topic), 404, 40401);
});

scenario('client: an incompatible schema is refused with the reason', async ({ registry, topic }) => {
  const other = client(registry);
  await other.register(topic, avro(record('I', 'x')));
  await assert.rejects(other.register(topic, avro(record('I', 'x', 'y'))), (error) => {
    assert.deepEqual([error.status, error.errorCode], [409, 409]);
    assert.match(error.message, /READER_FIELD_MISSING_DEFAULT_VALUE/);
    return true;
  });
  assert.equal(await other.testSubjectCompatibility(topic, avro(record('I', 'x', 'y'))), false);
  assert.equal(await other.testSubjectCompatibility(topic, avro(withDefault('I', 'x', 'y'))), true);
  assert.equal(await other.testCompatibility(topic, 1, avro(record('I', 'x', 'y'))), false);
  assert.equal(await other.testSubjectCompatibility(`${topic}-none`, avro('"int"')), true);
});

scenario('client: compatibility levels of a subject and of all', async ({ registry, topic }) => {
  const other = client(registry);
  assert.equal(await other.getDefaultCompatibility(), 'BACKWARD');
  assert.equal(await other.updateDefaultCompatibility(Compatibility.FULL), 'FULL');
  assert.equal(await other.getDefaultCompatibility(), 'FULL');
  await other.updateDefaultConfig({ compatibility: Compatibility.BACKWARD });
  assert.equal((await other.getDefaultConfig()).compatibilityLevel, 'BACKWARD');
  assert.equal(await other.updateCompatibility(topic, Compatibility.NONE), 'NONE');
  assert.equal(await other.getCompatibility(topic), 'NONE');
  await other.register(topic, avro('"int"'));
  await other.register(topic, avro('"string"'));
});

scenario('client: the whole configuration of a subject', async ({ registry, topic }) => {
  const other = client(registry);
  const config = {
    compatibility: Compatibility.FORWARD_TRANSITIVE,
    normalize: true,
    compatibilityGroup: 'major',
    defaultMetadata: { properties: { team: 'a' } },
    overrideMetadata: { tags: { '**.ssn': ['PII'] } },
    defaultRuleSet: { domainRules: [] },
  };
  assert.deepEqual(await other.updateConfig(topic, config), config);
  const { compatibilityLevel, normalize, compatibilityGroup, defaultMetadata } = await other.getConfig(topic);
  assert.deepEqual(
    [compatibilityLevel, normalize, compatibilityGroup, defaultMetadata],
    ['FORWARD_TRANSITIVE', true, 'major', { properties: { team: 'a' } }],
  );
  const { metadata } = await other.registerFullResponse(topic, avro(record('C', 'ssn')));
  assert.deepEqual(metadata, { properties: { team: 'a' }, tags: { '**.ssn': ['PII'] } });
});

scenario('client: the latest version with metadata', async ({ registry, topic }) => {
  const other = client(registry);
  await other.register(topic, avro(withDefault('M', 'x'), { metadata: { properties: { stage: 'old one' } } }));
  await other.register(topic, avro(withDefault('M', 'x', 'y'), { metadata: { properties: { stage: 'new' } } }));
  assert.equal((await other.getLatestWithMetadata(topic, { stage: 'old one' })).version, 1);
  assert.equal((await other.getLatestWithMetadata(topic, { stage: 'new' }, true)).version, 2);
  await refused(other.getLatestWithMetadata(topic, { stage: 'none' }), 404, 40403);
});

scenario('client: normalized schemas are the same schema', async ({ registry, topic }) => {
  const other = client(registry);
  const spread = '{ "name": "N", "namespace": "n", "fields": [], "doc": "d", "type": "record" }';
  const compact = '{"type":"record","name":"n.N","doc":"d","fields":[]}';
  const id = await other.register(topic, avro(spread), true);
  assert.equal(await other.register(topic, avro(compact), true), id);
  assert.equal(await client(registry).getId(topic, avro(compact), true), id);
  assert.deepEqual(await other.getAllVersions(topic), [1]);
});

scenario('client: contexts have ids and subjects of their own', async ({ registry, topic }) => {
  const other = client(registry);
  const subject = `:.clients:${topic}`;
  const { id, subject: answered } = await other.registerFullResponse(subject, avro(record('X', 'inContext')));
  assert.deepEqual([id, answered], [1, subject]);
  assert.equal((await other.getBySubjectAndId(subject, 1)).schema, record('X', 'inContext'));
  assert.equal((await other.getLatestSchemaMetadata(subject)).version, 1);
  assert.ok((await other.getAllSubjects()).includes(subject));
  const within = client(`${registry}/contexts/.clients`);
  assert.equal((await within.getLatestSchemaMetadata(topic)).subject, subject);
  assert.equal(await within.register(`${topic}-2`, avro('"boolean"')), 2);
});

scenario('client: subjects with any characters', async ({ registry, topic }) => {
  const other = client(registry);
  for (const subject of [`${topic}/a b`, `${topic}"{:}'`, `${topic}-ü%2F?&#`]) {
    const { version } = await other.registerFullResponse(subject, avro('"int"'));
    assert.equal(version, 1);
    assert.equal((await other.getLatestSchemaMetadata(subject)).subject, subject);
    assert.deepEqual(await other.deleteSubject(subject), [1]);
  }
});

scenario('client: one registry of several that does not answer is passed over', async ({ registry, topic }) => {
  const other = client(registry, { baseURLs: ['http://127.0.0.1:1', registry], maxRetries: 0 });
  assert.equal((await other.registerFullResponse(topic, avro('"int"'))).version, 1);
});

scenario('client: associations of topics with subjects are not there', async ({ registry, topic }) => {
  // With this answer the name strategy of the serializers' default falls back to the topic's name.
  const found = await client(registry).getAssociationsByResourceName(topic, '-', 'topic', ['value'], null, 0, -1);
  assert.deepEqual(found, []);
});
