// Confluent's Protobuf serializer and deserializer for Node. Descriptors are made here rather than generated; the client
// sends them to the registry in their serialized form, and asks for that form.
import assert from 'node:assert/strict';
import { create, createFileRegistry, createMutableRegistry } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import {
  HeaderSchemaIdSerializer,
  ProtobufDeserializer,
  ProtobufSerializer,
  SchemaRegistryClient,
  SerdeType,
  SubjectNameStrategyType,
} from '@confluentinc/schemaregistry';
import { scenario } from './scenarios.mjs';

const clientOf = (registry) => new SchemaRegistryClient({ baseURLs: [registry] });
const field = (name, number, type, typeName = '') => ({ name, number, type, typeName, label: Label.OPTIONAL });
const file = (name, pkg, messageType, dependency = []) =>
  create(FileDescriptorProtoSchema, { name, package: pkg, syntax: 'proto3', messageType, dependency });

/** The registry of types from a file and those that it imports. */
function typesOf(main, ...imports) {
  const files = new Map(imports.map((imported) => [imported.name, imported]));
  return createFileRegistry(main, (name) => files.get(name));
}

const userFields = [field('name', 1, Type.STRING), field('age', 2, Type.INT32)];
const userFile = (name, ...more) =>
  file(name, 'people', [
    { name: 'Other', field: [field('x', 1, Type.BOOL)] },
    {
      name: 'User',
      field: [...userFields, ...more],
      nestedType: [{ name: 'Pet', field: [field('name', 1, Type.STRING)] }],
    },
  ]);
const bob = { $typeName: 'people.User', name: 'Bob', age: 25 };
const alone = (name, ...more) => file(name, 'alone', [{ name: 'User', field: [...userFields, ...more] }]);
const aloneText = (...more) =>
  [
    'syntax = "proto3";',
    'package alone;',
    'message User {',
    '  string name = 1;',
    '  int32 age = 2;',
    ...more,
    '}',
  ].join('\n');

function serializer(registry, types, config = {}) {
  const created = new ProtobufSerializer(clientOf(registry), SerdeType.VALUE, { useLatestVersion: true, ...config });
  created.registry = createMutableRegistry(types);
  return created;
}
const deserializer = (registry, config = {}) => new ProtobufDeserializer(clientOf(registry), SerdeType.VALUE, config);
const autoRegister = { useLatestVersion: false, autoRegisterSchemas: true };
const message = (types, init) => create(types.getMessage(init.$typeName), init);
const valuesOf = ({ $typeName: _typeName, ...values }) => values;

scenario('protobuf: registers serialized descriptors, which are stored as text', async ({ registry, topic }) => {
  const types = typesOf(alone('alone.proto'));
  const bytes = await serializer(registry, types, autoRegister).serialize(
    topic,
    message(types, { $typeName: 'alone.User', name: 'Bob', age: 25 }),
  );
  assert.equal(bytes[5], 0);
  const { schema, schemaType } = await clientOf(registry).getLatestSchemaMetadata(`${topic}-value`);
  assert.equal(schemaType, 'PROTOBUF');
  assert.match(schema, /^syntax = "proto3";\npackage alone;\n\nmessage User \{/);
  const value = await deserializer(registry).deserialize(topic, bytes);
  assert.deepEqual([value.name, value.age], ['Bob', 25]);
});

scenario('protobuf: a text and its descriptor are the same schema', async ({ registry, topic }) => {
  const id = await clientOf(registry).register(`${topic}-value`, { schemaType: 'PROTOBUF', schema: aloneText() });
  const types = typesOf(alone('alone.proto'));
  const value = message(types, { $typeName: 'alone.User', name: 'Bob', age: 25 });
  for (const config of [autoRegister, {}, { useLatestVersion: false }]) {
    const bytes = await serializer(registry, types, config).serialize(topic, value);
    assert.equal(bytes.readInt32BE(1), id);
  }
  assert.deepEqual(await clientOf(registry).getAllVersions(`${topic}-value`), [1]);
});

scenario('protobuf: the second message of a file, and a nested one', async ({ registry, topic }) => {
  const types = typesOf(userFile('people.proto'));
  const writer = serializer(registry, types, autoRegister);
  const second = await writer.serialize(topic, message(types, bob));
  assert.deepEqual([...second.subarray(5, 7)], [2, 2]);
  assert.equal((await deserializer(registry).deserialize(topic, second)).name, 'Bob');
  const nested = await writer.serialize(topic, message(types, { $typeName: 'people.User.Pet', name: 'Rex' }));
  assert.deepEqual([...nested.subarray(5, 8)], [4, 2, 0]);
  const pet = await deserializer(registry).deserialize(topic, nested);
  assert.deepEqual([pet.$typeName, pet.name], ['people.User.Pet', 'Rex']);
});

scenario('protobuf: imports become references', async ({ registry, topic }) => {
  const pet = file(`${topic}/pet.proto`, 'zoo', [{ name: 'Pet', field: [field('name', 1, Type.STRING)] }]);
  const owner = file(
    `${topic}/owner.proto`,
    'zoo',
    [{ name: 'Owner', field: [field('pet', 1, Type.MESSAGE, '.zoo.Pet')] }],
    [pet.name],
  );
  const types = typesOf(owner, pet);
  const value = message(types, { $typeName: 'zoo.Owner', pet: { $typeName: 'zoo.Pet', name: 'Rex' } });
  const bytes = await serializer(registry, types, autoRegister).serialize(topic, value);
  const latest = await clientOf(registry).getLatestSchemaMetadata(`${topic}-value`);
  assert.deepEqual(latest.references, [{ name: pet.name, subject: pet.name, version: 1 }]);
  const read = await deserializer(registry).deserialize(topic, bytes);
  assert.equal(read.pet.name, 'Rex');
});

scenario(
  'protobuf: well-known types, oneof, maps, repeated fields and enums from text',
  async ({ registry, topic }) => {
    const schema = `
    syntax = "proto3";
    package rich;
    import "google/protobuf/timestamp.proto";
    message Rich {
      enum Color { RED = 0; BLUE = 1; }
      google.protobuf.Timestamp at = 1;
      oneof which { string text = 2; int64 number = 3; }
      map<string, Color> colors = 4;
      repeated double points = 5;
      optional bytes raw = 6;
      reserved 8, 10 to 12;
    }`;
    await clientOf(registry).register(`${topic}-value`, { schemaType: 'PROTOBUF', schema });
    const reader = deserializer(registry);
    const info = await clientOf(registry).getLatestSchemaMetadata(`${topic}-value`, 'serialized');
    const rich = (await reader.toFileDesc(clientOf(registry), info)).messages[0];
    const types = createMutableRegistry(rich.file);
    const value = {
      $typeName: 'rich.Rich',
      at: { $typeName: 'google.protobuf.Timestamp', seconds: 7n, nanos: 9 },
      which: { case: 'number', value: 1n << 60n },
      colors: { sky: 1 },
      points: [0.5, 2],
      raw: new Uint8Array([1, 2]),
    };
    const bytes = await serializer(registry, types).serialize(topic, create(rich, value));
    const read = valuesOf(await reader.deserialize(topic, bytes));
    assert.deepEqual([read.which, { ...read.colors }, read.points], [value.which, value.colors, value.points]);
    assert.deepEqual([read.at.seconds, [...read.raw]], [7n, [1, 2]]);
  },
);

scenario('protobuf: evolution, and its refusal', async ({ registry, topic }) => {
  const before = typesOf(alone('alone.proto'));
  const value = { $typeName: 'alone.User', name: 'Bob', age: 25 };
  const old = await serializer(registry, before, autoRegister).serialize(topic, message(before, value));
  const after = typesOf(alone('alone.proto', field('mail', 3, Type.STRING)));
  const recent = await serializer(registry, after, autoRegister).serialize(
    topic,
    message(after, { ...value, mail: 'b@x' }),
  );
  assert.deepEqual(await clientOf(registry).getAllVersions(`${topic}-value`), [1, 2]);
  const reader = deserializer(registry, { useLatestVersion: true });
  assert.equal((await reader.deserialize(topic, old)).name, 'Bob');
  assert.equal((await deserializer(registry).deserialize(topic, recent)).mail, 'b@x');
  const changed = file('alone.proto', 'alone', [{ name: 'User', field: [field('name', 1, Type.INT32)] }]);
  const bad = typesOf(changed);
  await assert.rejects(
    serializer(registry, bad, autoRegister).serialize(topic, message(bad, { $typeName: 'alone.User', name: 1 })),
    (error) => error.status === 409 && /FIELD_SCALAR_KIND_CHANGED/.test(error.message),
  );
});

scenario('protobuf: with a given id and with metadata', async ({ registry, topic }) => {
  const subject = `${topic}-value`;
  const schema = { schemaType: 'PROTOBUF', schema: aloneText(), metadata: { properties: { v: '1' } } };
  const id = await clientOf(registry).register(subject, schema);
  await clientOf(registry).register(subject, {
    schemaType: 'PROTOBUF',
    schema: aloneText('  string mail = 3;'),
    metadata: { properties: { v: '2' } },
  });
  const types = typesOf(alone('alone.proto'));
  const value = message(types, { $typeName: 'alone.User', name: 'Bob', age: 25 });
  for (const config of [{ useSchemaId: id }, { useLatestWithMetadata: { v: '1' } }]) {
    const bytes = await serializer(registry, types, { useLatestVersion: false, ...config }).serialize(topic, value);
    assert.equal(bytes.readInt32BE(1), id);
  }
});

scenario('protobuf: subjects named after the message', async ({ registry, topic }) => {
  const types = typesOf(file('named.proto', 'byname', [{ name: 'User', field: userFields }]));
  const value = message(types, { $typeName: 'byname.User', name: 'Bob', age: 1 });
  for (const [type, subject] of [
    [SubjectNameStrategyType.RECORD, 'byname.User'],
    [SubjectNameStrategyType.TOPIC_RECORD, `${topic}-byname.User`],
  ]) {
    const config = { ...autoRegister, subjectNameStrategyType: type };
    const bytes = await serializer(registry, types, config).serialize(topic, value);
    assert.deepEqual(await clientOf(registry).getAllVersions(subject), [1]);
    const reader = deserializer(registry, { subjectNameStrategyType: type });
    assert.equal((await reader.deserialize(topic, bytes)).name, 'Bob');
  }
});

scenario('protobuf: the GUID and the message in a header', async ({ registry, topic }) => {
  const types = typesOf(userFile('people.proto'));
  const headers = {};
  const writer = serializer(registry, types, { ...autoRegister, schemaIdSerializer: HeaderSchemaIdSerializer });
  const bytes = await writer.serialize(topic, message(types, bob), headers);
  const header = headers['__value_schema_id'];
  assert.deepEqual([header[0], [...header.subarray(17)]], [1, [2, 2]]);
  const value = await deserializer(registry).deserialize(topic, bytes, headers);
  assert.equal(value.name, 'Bob');
});

scenario('protobuf: normalizing while registering', async ({ registry, topic }) => {
  const other = clientOf(registry);
  const schema = 'syntax="proto3"; package p; message M { option deprecated=true; int32 b=2; int32 a=1; }';
  const id = await other.register(topic, { schemaType: 'PROTOBUF', schema }, true);
  const same =
    'syntax = "proto3";\npackage p;\nmessage M {\n option deprecated = true;\n int32 a = 1;\n int32 b = 2;\n}';
  assert.equal(await other.register(topic, { schemaType: 'PROTOBUF', schema: same }, true), id);
});
