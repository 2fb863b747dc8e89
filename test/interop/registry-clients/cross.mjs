// Node reads through the broker what Python and SQL have written, and writes for Python: with kafkajs and both clients of
// the registry.
import assert from 'node:assert/strict';
import { create, createFileRegistry, createMutableRegistry } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import {
  AvroDeserializer,
  AvroSerializer,
  JsonDeserializer,
  JsonSerializer,
  ProtobufDeserializer,
  ProtobufSerializer,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';
import { scenario } from './scenarios.mjs';

// As in cross_values.py.
const VALUES = Array.from({ length: 5 }, (_, id) => ({ id, name: `name ${id}` }));

const kafka = (broker) => new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
const clientOf = (registry) => new SchemaRegistryClient({ baseURLs: [registry] });
const plain = ({ id, name }) => ({ id: Number(id), name });

async function read(broker, topic, decode) {
  const consumer = kafka(broker).consumer({ groupId: `node-${topic}-${process.hrtime.bigint()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const found = [];
  await new Promise((resolve, reject) => {
    consumer.run({
      eachMessage: async ({ message }) => {
        try {
          found.push(await decode(message.value));
        } catch (error) {
          reject(error);
        }
        if (found.length === VALUES.length) resolve();
      },
    });
  });
  await consumer.disconnect();
  return found;
}

async function write(broker, topic, encode) {
  const producer = kafka(broker).producer();
  await producer.connect();
  const messages = [];
  for (const value of VALUES) messages.push({ key: String(value.id), value: await encode(value) });
  await producer.send({ topic, messages });
  await producer.disconnect();
}

scenario('cross: Node reads Python’s Avro', async ({ registry, broker }) => {
  const reader = new AvroDeserializer(clientOf(registry), SerdeType.VALUE, {});
  const values = await read(broker, 'from-python-avro', (bytes) => reader.deserialize('from-python-avro', bytes));
  assert.deepEqual(values.map(plain), VALUES);
});

scenario('cross: Node reads Python’s JSON', async ({ registry, broker }) => {
  const reader = new JsonDeserializer(clientOf(registry), SerdeType.VALUE, { validate: true });
  const values = await read(broker, 'from-python-json', (bytes) => reader.deserialize('from-python-json', bytes));
  assert.deepEqual(values, VALUES);
});

scenario('cross: Node reads Python’s Protobuf', async ({ registry, broker }) => {
  const reader = new ProtobufDeserializer(clientOf(registry), SerdeType.VALUE, {});
  const topic = 'from-python-protobuf';
  assert.deepEqual((await read(broker, topic, (bytes) => reader.deserialize(topic, bytes))).map(plain), VALUES);
});

scenario('cross: the kafkajs client reads Python’s Avro, JSON and Protobuf', async ({ registry, broker }) => {
  const client = new SchemaRegistry({ host: registry });
  for (const format of ['avro', 'json', 'protobuf']) {
    const values = await read(broker, `from-python-${format}`, (bytes) => client.decode(bytes));
    assert.deepEqual(values.map(plain), VALUES, format);
  }
});

scenario('cross: Node reads what SQL has written in Avro', async ({ registry, broker }) => {
  const reader = new AvroDeserializer(clientOf(registry), SerdeType.VALUE, {});
  const values = await read(broker, 'from-sql-avro', (bytes) => reader.deserialize('from-sql-avro', bytes));
  assert.deepEqual(
    values.map(({ ID, NAME }) => ({ id: ID, name: NAME })),
    VALUES,
  );
});

const AVRO = {
  type: 'record',
  name: 'Item',
  namespace: 'cross',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
  ],
};

scenario('cross: Node writes Avro, JSON and Protobuf', async ({ registry, broker }) => {
  const client = clientOf(registry);
  const json = { title: 'Item', type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } };
  await client.register('from-node-avro-value', { schemaType: 'AVRO', schema: JSON.stringify(AVRO) });
  await client.register('from-node-json-value', { schemaType: 'JSON', schema: JSON.stringify(json) });
  const avroWriter = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true });
  await write(broker, 'from-node-avro', (value) => avroWriter.serialize('from-node-avro', value));
  const jsonWriter = new JsonSerializer(client, SerdeType.VALUE, { useLatestVersion: true });
  await write(broker, 'from-node-json', (value) => jsonWriter.serialize('from-node-json', value));

  const field = (name, number, type) => ({ name, number, type, label: FieldDescriptorProto_Label.OPTIONAL });
  const { INT64, STRING } = FieldDescriptorProto_Type;
  const file = create(FileDescriptorProtoSchema, {
    name: 'item.proto',
    package: 'cross',
    syntax: 'proto3',
    messageType: [{ name: 'Item', field: [field('id', 1, INT64), field('name', 2, STRING)] }],
  });
  const types = createFileRegistry(file, () => undefined);
  const protobufWriter = new ProtobufSerializer(client, SerdeType.VALUE, { autoRegisterSchemas: true });
  protobufWriter.registry = createMutableRegistry(types);
  const item = types.getMessage('cross.Item');
  await write(broker, 'from-node-protobuf', ({ id, name }) =>
    protobufWriter.serialize('from-node-protobuf', create(item, { id: BigInt(id), name })),
  );
});

scenario('cross: the kafkajs client writes Avro', async ({ registry, broker }) => {
  const client = new SchemaRegistry({ host: registry });
  const subject = 'from-kafkajs-avro-value';
  const { id } = await client.register({ type: 'AVRO', schema: JSON.stringify(AVRO) }, { subject });
  await write(broker, 'from-kafkajs-avro', (value) => client.encode(id, value));
});
