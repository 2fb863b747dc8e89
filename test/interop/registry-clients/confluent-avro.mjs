// Confluent's Avro serializer and deserializer for Node.
import assert from 'node:assert/strict';
import {
  AvroDeserializer,
  AvroSerializer,
  HeaderSchemaIdSerializer,
  SchemaRegistryClient,
  SerdeType,
  SubjectNameStrategyType,
} from '@confluentinc/schemaregistry';
import { scenario } from './scenarios.mjs';

const clientOf = (registry) => new SchemaRegistryClient({ baseURLs: [registry] });
// Each side has a client, and so caches, of its own: what it knows, it has from the registry.
const serializer = (registry, config = {}, type = SerdeType.VALUE) =>
  new AvroSerializer(clientOf(registry), type, { useLatestVersion: true, ...config });
const deserializer = (registry, config = {}, type = SerdeType.VALUE) =>
  new AvroDeserializer(clientOf(registry), type, config);
const register = (registry, subject, schema, more = {}) =>
  clientOf(registry).registerFullResponse(subject, { schemaType: 'AVRO', schema: JSON.stringify(schema), ...more });

const user = {
  type: 'record',
  name: 'User',
  namespace: 'people',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'age', type: 'int' },
  ],
};
const userWithMail = { ...user, fields: [...user.fields, { name: 'mail', type: 'string', default: 'none' }] };
const bob = { name: 'Bob', age: 25 };
const bobWithMail = { ...bob, mail: 'b@x' };
/** avsc's records are instances of classes of its own. */
const plain = (value) => JSON.parse(JSON.stringify(value));

scenario('avro: with the latest version', async ({ registry, topic }) => {
  const { id } = await register(registry, `${topic}-value`, user);
  const bytes = await serializer(registry).serialize(topic, bob);
  assert.deepEqual([bytes[0], bytes.readInt32BE(1)], [0, id]);
  assert.deepEqual(plain(await deserializer(registry).deserialize(topic, bytes)), bob);
});

scenario('avro: keys and values have subjects of their own', async ({ registry, topic }) => {
  await register(registry, `${topic}-key`, 'string');
  await register(registry, `${topic}-value`, user);
  const key = await serializer(registry, {}, SerdeType.KEY).serialize(topic, 'bob');
  assert.equal(await deserializer(registry, {}, SerdeType.KEY).deserialize(topic, key), 'bob');
});

scenario('avro: registers what it derives from the values', async ({ registry, topic }) => {
  const config = { autoRegisterSchemas: true, useLatestVersion: false };
  const value = { name: 'Bob', tags: ['a', 'b'], address: { street: 's' }, ok: true };
  const bytes = await serializer(registry, config).serialize(topic, value);
  assert.deepEqual(plain(await deserializer(registry).deserialize(topic, bytes)), value);
  assert.deepEqual(await clientOf(registry).getAllVersions(`${topic}-value`), [1]);
});

scenario('avro: an incompatible schema is not registered on the way', async ({ registry, topic }) => {
  const config = { autoRegisterSchemas: true, useLatestVersion: false };
  await serializer(registry, config).serialize(topic, { a: 'x' });
  await assert.rejects(serializer(registry, config).serialize(topic, { a: 1, b: 'y' }), { status: 409 });
  assert.deepEqual(await clientOf(registry).getAllVersions(`${topic}-value`), [1]);
});

scenario('avro: without a schema in the registry nothing is written', async ({ registry, topic }) => {
  await assert.rejects(serializer(registry).serialize(topic, bob), { status: 404, errorCode: 40401 });
  await register(registry, `${topic}-value`, user);
  await assert.rejects(serializer(registry).serialize(topic, { name: 1, age: 'x' }), /Invalid message/);
});

scenario('avro: with a given id', async ({ registry, topic }) => {
  const { id } = await register(registry, `${topic}-value`, user);
  await register(registry, `${topic}-value`, userWithMail);
  const bytes = await serializer(registry, { useLatestVersion: false, useSchemaId: id }).serialize(topic, bob);
  assert.equal(bytes.readInt32BE(1), id);
  assert.deepEqual(plain(await deserializer(registry).deserialize(topic, bytes)), bob);
});

scenario('avro: with the latest version that has metadata', async ({ registry, topic }) => {
  const metadata = { properties: { 'application.version': '1' } };
  const { id } = await register(registry, `${topic}-value`, user, { metadata });
  await register(registry, `${topic}-value`, userWithMail, {
    metadata: { properties: { 'application.version': '2' } },
  });
  const config = { useLatestVersion: false, useLatestWithMetadata: metadata.properties };
  const bytes = await serializer(registry, config).serialize(topic, bob);
  assert.equal(bytes.readInt32BE(1), id);
});

scenario('avro: a newer reader fills in, an older one leaves out', async ({ registry, topic }) => {
  const subject = `${topic}-value`;
  await register(registry, subject, user, { metadata: { properties: { v: '1' } } });
  const old = await serializer(registry).serialize(topic, bob);
  await register(registry, subject, userWithMail, { metadata: { properties: { v: '2' } } });
  const recent = await serializer(registry).serialize(topic, bobWithMail);
  const newer = deserializer(registry, { useLatestVersion: true });
  assert.deepEqual(plain(await newer.deserialize(topic, old)), { ...bob, mail: 'none' });
  assert.deepEqual(plain(await newer.deserialize(topic, recent)), bobWithMail);
  const older = deserializer(registry, { useLatestWithMetadata: { v: '1' } });
  assert.deepEqual(plain(await older.deserialize(topic, recent)), bob);
  assert.deepEqual(plain(await deserializer(registry).deserialize(topic, recent)), bobWithMail);
});

scenario('avro: references to named types, also indirect ones', async ({ registry, topic }) => {
  const reference = (name, subject) => ({ name, subject, version: 1 });
  const country = { type: 'enum', name: 'Country', namespace: 'geo', symbols: ['AT', 'CH'] };
  const address = {
    type: 'record',
    name: 'Address',
    namespace: 'geo',
    fields: [{ name: 'country', type: 'geo.Country' }],
  };
  const person = { type: 'record', name: 'Person', fields: [{ name: 'home', type: 'geo.Address' }] };
  await register(registry, `${topic}-country`, country);
  await register(registry, `${topic}-address`, address, {
    references: [reference('geo.Country', `${topic}-country`)],
  });
  // This client declares the types in the order of the references, and those of references behind them last.
  const references = [reference('geo.Country', `${topic}-country`), reference('geo.Address', `${topic}-address`)];
  const stored = await register(registry, `${topic}-value`, person, { references });
  assert.deepEqual(stored.references, references);
  const value = { home: { country: 'CH' } };
  const bytes = await serializer(registry).serialize(topic, value);
  assert.deepEqual(plain(await deserializer(registry).deserialize(topic, bytes)), value);
  // A type that others refer to stays.
  await assert.rejects(clientOf(registry).deleteSubject(`${topic}-address`), { errorCode: 42206 });
});

scenario('avro: subjects named after the record', async ({ registry, topic }) => {
  for (const [type, subject] of [
    [SubjectNameStrategyType.RECORD, 'named.User'],
    [SubjectNameStrategyType.TOPIC_RECORD, `${topic}-named.User`],
    [SubjectNameStrategyType.TOPIC, `${topic}-value`],
  ]) {
    const { id } = await register(registry, subject, { ...user, namespace: 'named' });
    // Without the schema at hand the name can't be known: the writer says which one by its id.
    const subjectNameStrategy = () => subject;
    const bytes = await serializer(registry, { subjectNameStrategy }).serialize(topic, bob);
    assert.equal(bytes.readInt32BE(1), id);
    const reader = deserializer(registry, { subjectNameStrategyType: type });
    assert.deepEqual(plain(await reader.deserialize(topic, bytes)), bob);
  }
});

scenario('avro: the GUID in a header', async ({ registry, topic }) => {
  const { guid } = await register(registry, `${topic}-value`, user);
  const headers = {};
  const writer = serializer(registry, { schemaIdSerializer: HeaderSchemaIdSerializer });
  const bytes = await writer.serialize(topic, bob, headers);
  const header = headers['__value_schema_id'];
  assert.deepEqual([header[0], header.length], [1, 17]);
  assert.equal(header.subarray(1).toString('hex'), guid.replaceAll('-', ''));
  assert.equal(bytes.length, 5);
  assert.deepEqual(plain(await deserializer(registry).deserialize(topic, bytes, headers)), bob);
});

scenario('avro: normalizing while registering', async ({ registry, topic }) => {
  const config = { autoRegisterSchemas: true, useLatestVersion: false, normalizeSchemas: true };
  await serializer(registry, config).serialize(topic, bob);
  await serializer(registry, config).serialize(topic, bob);
  assert.deepEqual(await clientOf(registry).getAllVersions(`${topic}-value`), [1]);
});

scenario('avro: all kinds of types', async ({ registry, topic }) => {
  const schema = {
    type: 'record',
    name: 'All',
    doc: 'everything',
    fields: [
      { name: 'nothing', type: ['null', 'string'], default: null },
      { name: 'text', type: ['null', 'string'], default: null },
      { name: 'flag', type: 'boolean' },
      { name: 'long', type: 'long' },
      { name: 'double', type: 'double' },
      { name: 'bytes', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
      { name: 'fixed', type: { type: 'fixed', name: 'Two', size: 2 } },
      { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'], default: 'RED' } },
      { name: 'list', type: { type: 'array', items: { type: 'map', values: 'int' } } },
      { name: 'next', type: ['null', 'All'], default: null, aliases: ['following'] },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, order: 'ignore' },
    ],
  };
  const { schema: stored } = await register(registry, `${topic}-value`, schema);
  assert.deepEqual(JSON.parse(stored), schema);
  const value = {
    nothing: null,
    text: 't',
    flag: true,
    long: 2 ** 40,
    double: 0.5,
    bytes: Buffer.from([1, 2]),
    fixed: Buffer.from([3, 4]),
    color: 'BLUE',
    list: [{ a: 1 }, {}],
    next: null,
    at: 1_700_000_000_000,
  };
  const bytes = await serializer(registry).serialize(topic, value);
  assert.deepEqual(plain(await deserializer(registry).deserialize(topic, bytes)), plain(value));
});
