// Confluent's JSON Schema serializer and deserializer for Node.
import assert from 'node:assert/strict';
import {
  HeaderSchemaIdSerializer,
  JsonDeserializer,
  JsonSerializer,
  SchemaRegistryClient,
  SerdeType,
  SubjectNameStrategyType,
} from '@confluentinc/schemaregistry';
import { scenario } from './scenarios.mjs';

const clientOf = (registry) => new SchemaRegistryClient({ baseURLs: [registry] });
const serializer = (registry, config = {}) =>
  new JsonSerializer(clientOf(registry), SerdeType.VALUE, { useLatestVersion: true, validate: true, ...config });
const deserializer = (registry, config = {}) =>
  new JsonDeserializer(clientOf(registry), SerdeType.VALUE, { validate: true, ...config });
const register = (registry, subject, schema, more = {}) =>
  clientOf(registry).registerFullResponse(subject, { schemaType: 'JSON', schema: JSON.stringify(schema), ...more });

const user = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'User',
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
  required: ['name'],
  additionalProperties: false,
};
const bob = { name: 'Bob', age: 25 };

scenario('json: with the latest version', async ({ registry, topic }) => {
  const { id, schemaType } = await register(registry, `${topic}-value`, user);
  assert.equal(schemaType, 'JSON');
  const bytes = await serializer(registry).serialize(topic, bob);
  assert.deepEqual([bytes[0], bytes.readInt32BE(1), bytes.subarray(5).toString()], [0, id, JSON.stringify(bob)]);
  assert.deepEqual(await deserializer(registry).deserialize(topic, bytes), bob);
});

scenario('json: what does not validate is not written', async ({ registry, topic }) => {
  await register(registry, `${topic}-value`, user);
  await assert.rejects(serializer(registry).serialize(topic, { name: 'Bob', age: -1 }), /Invalid message/);
  await assert.rejects(serializer(registry).serialize(topic, { ...bob, more: 1 }), /Invalid message/);
});

scenario('json: drafts 04, 06, 2019-09 and 2020-12', async ({ registry, topic }) => {
  for (const [draft, dialect] of [
    ['06', 'http://json-schema.org/draft-06/schema#'],
    ['2019', 'https://json-schema.org/draft/2019-09/schema'],
    ['2020', 'https://json-schema.org/draft/2020-12/schema'],
  ]) {
    await register(registry, `${topic}-${draft}-value`, { ...user, $schema: dialect });
    const bytes = await serializer(registry).serialize(`${topic}-${draft}`, bob);
    assert.deepEqual(await deserializer(registry).deserialize(`${topic}-${draft}`, bytes), bob);
  }
  // The client validates no draft-04; the registry knows it.
  const { version } = await register(registry, `${topic}-04`, {
    ...user,
    $schema: 'http://json-schema.org/draft-04/schema#',
  });
  assert.equal(version, 1);
});

scenario('json: registers what it derives from the values', async ({ registry, topic }) => {
  const config = { autoRegisterSchemas: true, useLatestVersion: false };
  const value = { name: 'Bob', tags: ['a'], address: { street: 's' }, ok: true, nothing: null };
  const bytes = await serializer(registry, config).serialize(topic, value);
  assert.deepEqual(await deserializer(registry).deserialize(topic, bytes), value);
  await serializer(registry, config).serialize(topic, value);
  assert.deepEqual(await clientOf(registry).getAllVersions(`${topic}-value`), [1]);
});

scenario('json: with a given id and with metadata', async ({ registry, topic }) => {
  const { id } = await register(registry, `${topic}-value`, user, { metadata: { properties: { v: '1' } } });
  const wider = { ...user, properties: { ...user.properties, mail: { type: 'string' } } };
  await clientOf(registry).updateCompatibility(`${topic}-value`, 'NONE');
  await register(registry, `${topic}-value`, wider, { metadata: { properties: { v: '2' } } });
  for (const config of [{ useSchemaId: id }, { useLatestWithMetadata: { v: '1' } }]) {
    const bytes = await serializer(registry, { useLatestVersion: false, ...config }).serialize(topic, bob);
    assert.equal(bytes.readInt32BE(1), id);
  }
});

scenario('json: evolution, and its refusal', async ({ registry, topic }) => {
  const subject = `${topic}-value`;
  await register(registry, subject, user);
  const old = await serializer(registry).serialize(topic, bob);
  await register(registry, subject, { ...user, required: [] });
  const recent = await serializer(registry).serialize(topic, { age: 3 });
  const reader = deserializer(registry, { useLatestVersion: true });
  assert.deepEqual(await reader.deserialize(topic, old), bob);
  assert.deepEqual(await reader.deserialize(topic, recent), { age: 3 });
  await assert.rejects(register(registry, subject, { ...user, required: ['name', 'age'] }), (error) => {
    assert.equal(error.status, 409);
    assert.match(error.message, /REQUIRED_ATTRIBUTE_ADDED/);
    return true;
  });
});

scenario('json: $ref to another subject, also indirect', async ({ registry, topic }) => {
  const country = { $id: 'country.json', type: 'string', enum: ['AT', 'CH'] };
  const address = {
    $id: 'address.json',
    type: 'object',
    properties: { country: { $ref: 'country.json' } },
    additionalProperties: false,
  };
  const person = { type: 'object', properties: { home: { $ref: 'address.json' } }, additionalProperties: false };
  await register(registry, `${topic}-country`, country);
  await register(registry, `${topic}-address`, address, {
    references: [{ name: 'country.json', subject: `${topic}-country`, version: 1 }],
  });
  await register(registry, `${topic}-value`, person, {
    references: [{ name: 'address.json', subject: `${topic}-address`, version: 1 }],
  });
  const value = { home: { country: 'CH' } };
  const bytes = await serializer(registry).serialize(topic, value);
  assert.deepEqual(await deserializer(registry).deserialize(topic, bytes), value);
  await assert.rejects(serializer(registry).serialize(topic, { home: { country: 'XX' } }), /Invalid message/);
});

scenario('json: subjects named after the title', async ({ registry, topic }) => {
  const schema = { ...user, title: 'people.User' };
  for (const [type, subject] of [
    [SubjectNameStrategyType.RECORD, 'people.User'],
    [SubjectNameStrategyType.TOPIC_RECORD, `${topic}-people.User`],
  ]) {
    await register(registry, subject, schema);
    const bytes = await serializer(registry, { subjectNameStrategy: () => subject }).serialize(topic, bob);
    const reader = deserializer(registry, { subjectNameStrategyType: type });
    assert.deepEqual(await reader.deserialize(topic, bytes), bob);
  }
});

scenario('json: the GUID in a header', async ({ registry, topic }) => {
  const { guid } = await register(registry, `${topic}-value`, user);
  const headers = {};
  const writer = serializer(registry, { schemaIdSerializer: HeaderSchemaIdSerializer });
  const bytes = await writer.serialize(topic, bob, headers);
  assert.equal(headers['__value_schema_id'].subarray(1).toString('hex'), guid.replaceAll('-', ''));
  assert.deepEqual(JSON.parse(bytes), bob);
  assert.deepEqual(await deserializer(registry).deserialize(topic, bytes, headers), bob);
});

scenario('json: normalizing while registering', async ({ registry, topic }) => {
  const other = clientOf(registry);
  const [one, two] = ['{"type":"string","title":"t"}', '{ "title": "t", "type": "string" }'];
  const id = await other.register(topic, { schemaType: 'JSON', schema: one }, true);
  assert.equal(await other.register(topic, { schemaType: 'JSON', schema: two }, true), id);
  assert.equal((await clientOf(registry).getLatestSchemaMetadata(topic)).version, 1);
});
