// Confluent's serializers for Node and our serdes read what the other wrote, over the registry's HTTP, in both wire forms.
import assert from 'node:assert/strict';
import { create, createFileRegistry, createMutableRegistry } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import {
  AvroDeserializer,
  AvroSerializer,
  HeaderSchemaIdSerializer,
  JsonDeserializer,
  JsonSerializer,
  PrefixSchemaIdSerializer,
  ProtobufDeserializer,
  ProtobufSerializer,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry';
import { HttpSchemaSource } from '../../../src/schema-registry/index.ts';
import {
  avroSerde,
  deserializeLoading,
  headersOf,
  jsonSchemaSerde,
  protobufSerde,
  serialize,
} from '../../../src/serde/index.ts';
import { scenario } from './scenarios.mjs';

const clientOf = (registry) => new SchemaRegistryClient({ baseURLs: [registry] });
const plain = (value) => JSON.parse(JSON.stringify(value));

const field = (name, number, type, more = {}) => ({ name, number, type, label: Label.OPTIONAL, ...more });
const people = create(FileDescriptorProtoSchema, {
  name: 'people.proto',
  package: 'people',
  syntax: 'proto3',
  messageType: [
    { name: 'Other', field: [field('x', 1, Type.BOOL)] },
    {
      name: 'User',
      field: [
        field('full_name', 1, Type.STRING),
        field('id', 2, Type.INT64),
        field('tags', 3, Type.STRING, { label: Label.REPEATED }),
        field('pet', 4, Type.MESSAGE, { typeName: '.people.User.Pet' }),
      ],
      nestedType: [{ name: 'Pet', field: [field('name', 1, Type.STRING)] }],
    },
  ],
});
const types = createFileRegistry(people, () => undefined);
const proto = `syntax = "proto3"; package people;
  message Other { bool x = 1; }
  message User { string full_name = 1; int64 id = 2; repeated string tags = 3; Pet pet = 4; message Pet { string name = 1; } }`;

const avro = {
  type: 'record',
  name: 'User',
  fields: [
    { name: 'full_name', type: 'string' },
    { name: 'age', type: ['null', 'int'] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
  ],
};
const json = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', title: 'User' };
const user = { full_name: 'Bob', age: 25, tags: ['a', 'b'] };
const ours = { full_name: 'Bob', id: 7, tags: ['a', 'b'], pet: { name: 'Rex' } };

const formats = {
  avro: {
    serde: (options) => avroSerde({ ...options, schema: avro }),
    value: user,
    serializer: (client, config) => new AvroSerializer(client, SerdeType.VALUE, config),
    deserializer: (client) => new AvroDeserializer(client, SerdeType.VALUE, {}),
    given: user,
    got: plain,
  },
  avroBytes: {
    serde: (options) => avroSerde({ ...options, schema: 'bytes' }),
    value: Buffer.from('abc'),
    serializer: (client, config) => new AvroSerializer(client, SerdeType.VALUE, config),
    deserializer: (client) => new AvroDeserializer(client, SerdeType.VALUE, {}),
    given: Buffer.from('abc'),
    got: (value) => Buffer.from(value),
  },
  json: {
    serde: (options) => jsonSchemaSerde({ ...options, schema: json }),
    value: user,
    serializer: (client, config) => new JsonSerializer(client, SerdeType.VALUE, config),
    deserializer: (client) => new JsonDeserializer(client, SerdeType.VALUE, {}),
    given: user,
    got: plain,
  },
  protobuf: {
    serde: (options) => protobufSerde({ ...options, schema: proto, messageName: 'User' }),
    value: ours,
    serializer(client, config) {
      const created = new ProtobufSerializer(client, SerdeType.VALUE, config);
      created.registry = createMutableRegistry(types);
      return created;
    },
    deserializer: (client) => new ProtobufDeserializer(client, SerdeType.VALUE, {}),
    given: create(types.getMessage('people.User'), { fullName: 'Bob', id: 7n, tags: ['a', 'b'], pet: { name: 'Rex' } }),
    got: ({ fullName, full_name = fullName, id, tags, pet }) => ({
      full_name,
      id: Number(id),
      tags: [...tags],
      pet: { name: pet.name },
    }),
  },
};

const PREFIX = 'prefix';
const HEADER = 'header';

/** Ours to theirs, theirs to ours. */
function bothWays({ serde, value, serializer, deserializer, given, got }, schemaIdIn) {
  return async ({ registry, topic }) => {
    const own = serde({ schemas: new HttpSchemaSource(registry), topic, schemaIdIn });
    await own.prepare();
    const bytes = serialize(own, value);
    const headers = Object.fromEntries(headersOf(own).map((header) => [header.key, Buffer.from(header.value)]));
    assert.equal(Object.keys(headers).length, schemaIdIn === 'header' ? 1 : 0);
    assert.deepEqual(got(await deserializer(clientOf(registry)).deserialize(topic, bytes, headers)), value);

    const schemaIdSerializer = schemaIdIn === 'header' ? HeaderSchemaIdSerializer : PrefixSchemaIdSerializer;
    const writer = serializer(clientOf(registry), { useLatestVersion: true, schemaIdSerializer });
    const theirs = {};
    const written = await writer.serialize(topic, given, theirs);
    assert.deepEqual(theirs, headers);
    const list = Object.entries(theirs).map(([key, header]) => ({ key, value: header }));
    const reader = serde({ schemas: new HttpSchemaSource(registry), topic: `${topic}-other` });
    assert.deepEqual(plain(await deserializeLoading(reader, written, list)), plain(value));
    // The same value is the same bytes.
    assert.equal(Buffer.from(written).toString('hex'), bytes.toString('hex'));
  };
}

scenario('our serdes: Avro, ids in the prefix', bothWays(formats.avro, PREFIX));
scenario('our serdes: Avro, ids in headers', bothWays(formats.avro, HEADER));
scenario('our serdes: Avro bytes, ids in the prefix', bothWays(formats.avroBytes, PREFIX));
scenario('our serdes: Avro bytes, ids in headers', bothWays(formats.avroBytes, HEADER));
scenario('our serdes: JSON Schema, ids in the prefix', bothWays(formats.json, PREFIX));
scenario('our serdes: JSON Schema, ids in headers', bothWays(formats.json, HEADER));
scenario('our serdes: Protobuf, ids in the prefix', bothWays(formats.protobuf, PREFIX));
scenario('our serdes: Protobuf, ids in headers', bothWays(formats.protobuf, HEADER));
