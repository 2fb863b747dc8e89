// The kafkajs project's client of the registry.
import assert from 'node:assert/strict';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { scenario } from './scenarios.mjs';

const client = (registry, options) => new SchemaRegistry({ host: registry }, options);
const user = {
  type: 'record',
  name: 'User',
  namespace: 'kafkajs',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'age', type: 'int' },
  ],
};
const avro = (schema, more = {}) => ({ type: SchemaType.AVRO, schema: JSON.stringify(schema), ...more });
const bob = { name: 'Bob', age: 25 };
const plain = (value) => JSON.parse(JSON.stringify(value));

scenario('kafkajs: Avro, with the subject from the record’s name', async ({ registry }) => {
  const { id } = await client(registry).register(user);
  assert.equal((await client(registry).register(avro(user))).id, id);
  assert.equal(await client(registry).getLatestSchemaId('kafkajs.User'), id);
  const bytes = await client(registry).encode(id, bob);
  assert.deepEqual([bytes[0], bytes.readInt32BE(1)], [0, id]);
  assert.deepEqual(plain(await client(registry).decode(bytes)), bob);
});

scenario('kafkajs: ids by subject, version and schema', async ({ registry, topic }) => {
  const subject = `${topic}-value`;
  const first = await client(registry).register(avro(user), { subject });
  const wider = { ...user, fields: [...user.fields, { name: 'mail', type: 'string', default: '' }] };
  const second = await client(registry).register(avro(wider), { subject });
  assert.equal(await client(registry).getRegistryId(subject, 1), first.id);
  assert.equal(await client(registry).getRegistryId(subject, 'latest'), second.id);
  assert.equal(await client(registry).getRegistryIdBySchema(subject, avro(user)), first.id);
  assert.equal(await client(registry).getLatestSchemaId(subject), second.id);
  await assert.rejects(client(registry).getRegistryIdBySchema(subject, avro({ ...user, name: 'Other' })), {
    name: 'ConfluentSchemaRegistryError',
  });
  // An older record through a newer reader's schema.
  const bytes = await client(registry).encode(first.id, bob);
  const read = await client(registry).decode(bytes, { [SchemaType.AVRO]: { readerSchema: wider } });
  assert.deepEqual(plain(read), { ...bob, mail: '' });
});

scenario('kafkajs: sets the level with the first registration, and is refused what does not fit', async (context) => {
  const { registry, topic } = context;
  const subject = `${topic}-value`;
  await client(registry).register(avro(user), { subject, compatibility: COMPATIBILITY.FULL });
  const answer = await (await fetch(`${registry}/config/${subject}`)).json();
  assert.deepEqual(answer, { compatibilityLevel: 'FULL' });
  await assert.rejects(client(registry).register(avro(user), { subject, compatibility: COMPATIBILITY.NONE }), {
    name: 'ConfluentSchemaRegistryCompatibilityError',
  });
  const other = { ...user, fields: [...user.fields, { name: 'mail', type: 'string' }] };
  await assert.rejects(
    client(registry).register(avro(other), { subject, compatibility: COMPATIBILITY.FULL }),
    /incompatible with an earlier schema/,
  );
});

scenario('kafkajs: Avro references', async ({ registry, topic }) => {
  const address = { type: 'record', name: 'Address', namespace: 'places', fields: [] };
  const name = 'places.Address';
  await client(registry).register(avro(address), { subject: `${topic}-address` });
  const person = { type: 'record', name: 'Person', fields: [{ name: 'home', type: name }] };
  const references = [{ name, subject: `${topic}-address`, version: 1 }];
  const { id } = await client(registry).register(avro(person, { references }), { subject: `${topic}-value` });
  const bytes = await client(registry).encode(id, { home: {} });
  assert.deepEqual(plain(await client(registry).decode(bytes)), { home: {} });
});

scenario('kafkajs: JSON Schema, with a reference', async ({ registry, topic }) => {
  const json = (schema, more = {}) => ({ type: SchemaType.JSON, schema: JSON.stringify(schema), ...more });
  const address = { $id: 'https://x.org/address.json', type: 'object', properties: { street: { type: 'string' } } };
  await client(registry).register(json(address), { subject: `${topic}-address` });
  const person = {
    $id: 'https://x.org/person.json',
    type: 'object',
    properties: { home: { $ref: 'https://x.org/address.json' } },
  };
  const references = [{ name: 'https://x.org/address.json', subject: `${topic}-address`, version: 1 }];
  const { id } = await client(registry).register(json(person, { references }), { subject: `${topic}-value` });
  const bytes = await client(registry).encode(id, { home: { street: 's' } });
  assert.deepEqual(await client(registry).decode(bytes), { home: { street: 's' } });
  await assert.rejects(client(registry).encode(id, { home: { street: 1 } }), {
    name: 'ConfluentSchemaRegistryValidationError',
  });
});

scenario('kafkajs: Protobuf, with a reference', async ({ registry, topic }) => {
  const proto = (schema, more = {}) => ({ type: SchemaType.PROTOBUF, schema, ...more });
  const pet = 'syntax = "proto3"; package zoo; message Pet { string name = 1; }';
  await client(registry).register(proto(pet), { subject: `${topic}/pet.proto` });
  const owner = `syntax = "proto3"; package zoo; import "pet.proto"; message Owner { Pet pet = 1; int64 since = 2; }`;
  const references = [{ name: 'pet.proto', subject: `${topic}/pet.proto`, version: 1 }];
  const { id } = await client(registry).register(proto(owner, { references }), { subject: `${topic}-value` });
  const bytes = await client(registry).encode(id, { pet: { name: 'Rex' }, since: 7 });
  assert.deepEqual(plain(await client(registry).decode(bytes)), { pet: { name: 'Rex' }, since: '7' });
});
