// The Node clients with a registry that has TLS, passwords and rules: anna may write what starts with `anna-`, and read
// all. The registry's certificate authority is in the file that REGISTRY_CA names.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { AvroDeserializer, AvroSerializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { scenario } from './scenarios.mjs';

const agent = () => new Agent({ ca: readFileSync(process.env.REGISTRY_CA) });
const confluent = (registry, userInfo = 'anna:secret', httpsAgent = agent()) =>
  new SchemaRegistryClient({
    baseURLs: [registry],
    basicAuthCredentials: { credentialsSource: 'USER_INFO', userInfo },
    createAxiosDefaults: { httpsAgent },
    maxRetries: 0,
  });
const avro = { schemaType: 'AVRO', schema: '{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}' };

scenario('secured: Confluent’s client logs in over TLS', async ({ registry }) => {
  await confluent(registry).register('anna-a-value', avro);
  const writer = new AvroSerializer(confluent(registry), SerdeType.VALUE, { useLatestVersion: true });
  const reader = new AvroDeserializer(confluent(registry), SerdeType.VALUE, {});
  const value = await reader.deserialize('anna-a', await writer.serialize('anna-a', { x: 1 }));
  assert.equal(value.x, 1);
  assert.deepEqual(await confluent(registry).getAllSubjects(), ['anna-a-value']);
});

scenario('secured: Confluent’s client is told who it is not, and what it may not', async ({ registry }) => {
  await assert.rejects(confluent(registry, 'anna:wrong').getAllSubjects(), { status: 401, errorCode: 401 });
  await assert.rejects(confluent(registry).register('other-value', avro), (error) => {
    assert.deepEqual([error.status, error.errorCode], [403, 40301]);
    assert.match(error.message, /User is denied operation Write on Subject: other-value/);
    return true;
  });
  await assert.rejects(confluent(registry, 'anna:secret', new Agent()).getAllSubjects(), /certificate/);
});

scenario('secured: the kafkajs client logs in over TLS', async ({ registry }) => {
  const client = (password) =>
    new SchemaRegistry({ host: registry, agent: agent(), auth: { username: 'anna', password }, retry: { retries: 0 } });
  const { id } = await client('secret').register(
    { type: 'AVRO', schema: avro.schema },
    { subject: 'anna-k-value', updateConfig: false },
  );
  const bytes = await client('secret').encode(id, { x: 2 });
  assert.equal((await client('secret').decode(bytes)).x, 2);
  await assert.rejects(client('wrong').getLatestSchemaId('anna-k-value'), /Unauthorized/);
});
