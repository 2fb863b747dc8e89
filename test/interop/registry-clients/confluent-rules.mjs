// Data contracts: the rules that the registry keeps are carried out by Confluent's client for Node.
import assert from 'node:assert/strict';
import {
  AvroDeserializer,
  AvroSerializer,
  CelExecutor,
  CelFieldExecutor,
  JsonataExecutor,
  JsonDeserializer,
  JsonSerializer,
  SchemaRegistryClient,
  SerdeType,
} from '@confluentinc/schemaregistry';
import { scenario } from './scenarios.mjs';

CelExecutor.register();
CelFieldExecutor.register();
JsonataExecutor.register();

const clientOf = (registry) => new SchemaRegistryClient({ baseURLs: [registry] });
const register = (registry, subject, schema, more = {}) =>
  clientOf(registry).registerFullResponse(subject, { schemaType: 'AVRO', schema: JSON.stringify(schema), ...more });
const avroWriter = (registry) => new AvroSerializer(clientOf(registry), SerdeType.VALUE, { useLatestVersion: true });
const avroReader = (registry, config = {}) => new AvroDeserializer(clientOf(registry), SerdeType.VALUE, config);
const plain = (value) => JSON.parse(JSON.stringify(value));

const user = {
  type: 'record',
  name: 'User',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'ssn', type: 'string', 'confluent:tags': ['PII'] },
    { name: 'age', type: 'int' },
  ],
};
const bob = () => ({ name: 'Bob', ssn: '123', age: 25 });
const condition = { name: 'adult', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'message.age >= 18' };

scenario('rules: a CEL condition lets through or refuses', async ({ registry, topic }) => {
  const { ruleSet } = await register(registry, `${topic}-value`, user, { ruleSet: { domainRules: [condition] } });
  assert.deepEqual(ruleSet, { domainRules: [condition] });
  const bytes = await avroWriter(registry).serialize(topic, bob());
  assert.deepEqual(plain(await avroReader(registry).deserialize(topic, bytes)), bob());
  await assert.rejects(avroWriter(registry).serialize(topic, { ...bob(), age: 3 }), /adult|Expr/);
});

scenario('rules: what a failure does is the rule’s to say', async ({ registry, topic }) => {
  const lax = { ...condition, onFailure: 'NONE' };
  await register(registry, `${topic}-value`, user, { ruleSet: { domainRules: [lax] } });
  const bytes = await avroWriter(registry).serialize(topic, { ...bob(), age: 3 });
  assert.equal((await avroReader(registry).deserialize(topic, bytes)).age, 3);
  const off = { ...condition, disabled: true };
  await register(registry, `${topic}-off-value`, user, { ruleSet: { domainRules: [off] } });
  await avroWriter(registry).serialize(`${topic}-off`, { ...bob(), age: 3 });
});

scenario('rules: a CEL condition of the reader', async ({ registry, topic }) => {
  // Of JSON values: this client's CEL does not look into the objects that its Avro reader makes.
  await clientOf(registry).register(`${topic}-value`, {
    schemaType: 'JSON',
    schema: JSON.stringify({ type: 'object', properties: { age: { type: 'integer' } } }),
    ruleSet: { domainRules: [{ ...condition, mode: 'READ' }] },
  });
  const writer = new JsonSerializer(clientOf(registry), SerdeType.VALUE, { useLatestVersion: true });
  const reader = new JsonDeserializer(clientOf(registry), SerdeType.VALUE, {});
  assert.deepEqual(await reader.deserialize(topic, await writer.serialize(topic, { age: 20 })), { age: 20 });
  const bytes = await writer.serialize(topic, { age: 3 });
  await assert.rejects(reader.deserialize(topic, bytes), /adult|Expr/);
});

scenario('rules: CEL_FIELD changes the fields that have a tag in the schema', async ({ registry, topic }) => {
  const mask = {
    name: 'mask',
    kind: 'TRANSFORM',
    mode: 'WRITE',
    type: 'CEL_FIELD',
    tags: ['PII'],
    expr: "typeName == 'STRING' ; value + '-masked'",
  };
  await register(registry, `${topic}-value`, user, { ruleSet: { domainRules: [mask] } });
  const bytes = await avroWriter(registry).serialize(topic, bob());
  assert.deepEqual(plain(await avroReader(registry).deserialize(topic, bytes)), { ...bob(), ssn: '123-masked' });
});

scenario('rules: CEL_FIELD changes the fields that have a tag in the metadata', async ({ registry, topic }) => {
  const mask = {
    name: 'mask',
    kind: 'TRANSFORM',
    mode: 'WRITEREAD',
    type: 'CEL_FIELD',
    tags: ['NAME'],
    expr: "name == 'name' ; value + '!'",
    params: { some: 'thing' },
  };
  const metadata = { tags: { 'User.name': ['NAME'], '*.none': ['OTHER'] } };
  const stored = await register(registry, `${topic}-value`, user, { metadata, ruleSet: { domainRules: [mask] } });
  assert.deepEqual([stored.metadata, stored.ruleSet.domainRules], [metadata, [mask]]);
  const bytes = await avroWriter(registry).serialize(topic, bob());
  assert.equal((await avroReader(registry).deserialize(topic, bytes)).name, 'Bob!!');
});

scenario('rules: JSONata migrates between versions that are not compatible', async ({ registry, topic }) => {
  const subject = `${topic}-value`;
  await clientOf(registry).updateConfig(subject, { compatibilityGroup: 'application.version' });
  const old = { type: 'record', name: 'Size', fields: [{ name: 'size', type: 'int' }] };
  const recent = { type: 'record', name: 'Size', fields: [{ name: 'height', type: 'int' }] };
  const rule = (name, mode, expr) => ({ name, kind: 'TRANSFORM', mode, type: 'JSONATA', expr });
  await register(registry, subject, old, { metadata: { properties: { 'application.version': '1' } } });
  const oldBytes = await avroWriter(registry).serialize(topic, { size: 5 });
  await register(registry, subject, recent, {
    metadata: { properties: { 'application.version': '2' } },
    ruleSet: {
      migrationRules: [
        rule('up', 'UPGRADE', "$merge([$sift($, function($v, $k) {$k != 'size'}), {'height': $.'size'}])"),
        rule('down', 'DOWNGRADE', "$merge([$sift($, function($v, $k) {$k != 'height'}), {'size': $.'height'}])"),
      ],
    },
  });
  const recentBytes = await avroWriter(registry).serialize(topic, { height: 7 });
  const of = (version) => avroReader(registry, { useLatestWithMetadata: { 'application.version': version } });
  assert.deepEqual(plain(await of('2').deserialize(topic, oldBytes)), { height: 5 });
  assert.deepEqual(plain(await of('1').deserialize(topic, recentBytes)), { size: 7 });
  assert.deepEqual(plain(await of('1').deserialize(topic, oldBytes)), { size: 5 });
});

scenario('rules: on JSON values, with tags in the schema', async ({ registry, topic }) => {
  const schema = {
    type: 'object',
    properties: { name: { type: 'string', 'confluent:tags': ['PII'] }, age: { type: 'integer' } },
  };
  const mask = { name: 'mask', kind: 'TRANSFORM', mode: 'WRITE', type: 'CEL_FIELD', tags: ['PII'], expr: "'***'" };
  const check = { ...condition, expr: 'message.age > 0' };
  await clientOf(registry).register(`${topic}-value`, {
    schemaType: 'JSON',
    schema: JSON.stringify(schema),
    ruleSet: { domainRules: [mask, check] },
  });
  const writer = new JsonSerializer(clientOf(registry), SerdeType.VALUE, { useLatestVersion: true });
  const reader = new JsonDeserializer(clientOf(registry), SerdeType.VALUE, {});
  const bytes = await writer.serialize(topic, { name: 'Bob', age: 2 });
  assert.deepEqual(await reader.deserialize(topic, bytes), { name: '***', age: 2 });
  await assert.rejects(writer.serialize(topic, { name: 'Bob', age: 0 }), /adult|Expr/);
});

scenario('rules: those that the configuration adds to every schema', async ({ registry, topic }) => {
  const subject = `${topic}-value`;
  await clientOf(registry).updateConfig(subject, { overrideRuleSet: { domainRules: [condition] } });
  await register(registry, subject, user);
  await assert.rejects(avroWriter(registry).serialize(topic, { ...bob(), age: 3 }), /adult|Expr/);
});

scenario('rules: a rule set that makes no sense is refused', async ({ registry, topic }) => {
  const twice = { domainRules: [condition, condition] };
  await assert.rejects(register(registry, `${topic}-value`, user, { ruleSet: twice }), {
    status: 422,
    errorCode: 42210,
  });
});
