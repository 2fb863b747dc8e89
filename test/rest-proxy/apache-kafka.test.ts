// The proxy before an Apache Kafka, where one is named: what its own broker does not have (access rules), and what there is in
// other words.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/client/index.ts';
import { restProxyServer } from '../../src/rest-proxy/index.ts';
import { MemorySchemas } from '../../src/serde/index.ts';

const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS'];
if (bootstrapServers === undefined) console.log('skipped: KAFKA_BOOTSTRAP_SERVERS names no Apache Kafka');

describe.skipIf(bootstrapServers === undefined)('on Apache Kafka', () => {
  const topic = `proxied-${process.pid}`;
  let client: Client;
  let server: ReturnType<typeof restProxyServer>;
  let url: string;
  let cluster: string;

  beforeAll(async () => {
    client = createClient({ bootstrapServers: bootstrapServers! });
    server = restProxyServer({ client, schemas: new MemorySchemas() });
    url = await server.listen({ host: '127.0.0.1', port: 0 });
    cluster = `/v3/clusters/${await client.admin().clusterId()}`;
  });
  afterAll(async () => {
    await server.close();
    await client.admin().deleteTopics([topic]);
    await client.close();
  });

  async function ask(what: string, body?: object, type = 'application/json') {
    const [method, path] = what.split(' ') as [string, string];
    const answer = await fetch(url + path, {
      method,
      headers: body === undefined ? {} : { 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    // oxlint-disable-next-line typescript/no-explicit-any -- compared with what is expected
    return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as any) };
  }

  test('a topic is tried, made, set and enlarged', async () => {
    const wanted = { topic_name: topic, partitions_count: 1, replication_factor: 1 };
    expect(await ask(`POST ${cluster}/topics`, { ...wanted, validate_only: true })).toMatchObject({ status: 200 });
    expect((await ask(`GET ${cluster}/topics/${topic}`)).body).toMatchObject({ error_code: 40403 });
    expect(await ask(`POST ${cluster}/topics`, wanted)).toMatchObject({ status: 201, body: { partitions_count: 1 } });
    expect(await ask(`POST ${cluster}/topics`, wanted)).toMatchObject({ status: 400, body: { error_code: 40002 } });
    const config = `${cluster}/topics/${topic}/configs/retention.ms`;
    expect(await ask(`PUT ${config}`, { value: '86400000' })).toMatchObject({ status: 204 });
    expect((await ask(`GET ${config}`)).body).toMatchObject({ value: '86400000', is_default: false });
    expect(await ask(`PATCH ${cluster}/topics/${topic}`, { partitions_count: 2 })).toMatchObject({ status: 200 });
    expect((await ask(`GET ${cluster}/topics/-/partitions/-/reassignment`)).body).toMatchObject({ data: [] });
    expect((await ask(`GET ${cluster}`)).body).toMatchObject({ controller: { related: expect.any(String) } });
  });

  test('records go in and out, and the group is seen', async () => {
    const type = 'application/vnd.kafka.json.v2+json';
    const produced = await ask(`POST /topics/${topic}/partitions/1`, { records: [{ value: 1 }, { value: 2 }] }, type);
    expect(produced.body).toMatchObject({ offsets: [{ partition: 1, offset: 0 }, { offset: 1 }] });
    const instance = `/consumers/${topic}/instances/i`;
    await ask(`POST /consumers/${topic}`, { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' });
    expect(await ask(`POST ${instance}/subscription`, { topics: [topic] })).toMatchObject({ status: 204 });
    const values: number[] = [];
    while (values.length < 2) {
      const { body } = await ask(`GET ${instance}/records`);
      values.push(...(body as { value: number }[]).map(({ value }) => value));
    }
    expect(values).toEqual([1, 2]);
    expect(await ask(`POST ${instance}/offsets`, { offsets: [{ topic, partition: 1, offset: 0 }] })).toMatchObject({
      status: 200,
    });
    const group = `${cluster}/consumer-groups/${topic}`;
    expect((await ask(`GET ${group}`)).body).toMatchObject({ state: 'STABLE', partition_assignor: 'range' });
    expect((await ask(`GET ${group}/lags/${topic}/partitions/1`)).body).toMatchObject({ current_offset: 1, lag: 1 });
    expect(await ask(`DELETE ${instance}`)).toMatchObject({ status: 204 });
  });

  test('access rules are made, found and deleted, or the broker says that it has none', async () => {
    const rule = {
      ...{ resource_type: 'TOPIC', resource_name: topic, pattern_type: 'PREFIXED', principal: 'User:reader' },
      ...{ host: '*', operation: 'READ', permission: 'DENY' },
    };
    const made = await ask(`POST ${cluster}/acls`, rule);
    if (made.status === 400) {
      expect(made.body).toMatchObject({ error_code: 40002, message: expect.stringContaining('Authorizer') });
      return;
    }
    expect(made.status).toBe(201);
    const more = { ...rule, principal: 'User:other' };
    expect((await ask(`POST ${cluster}/acls:batch`, { data: [more] })).status).toBe(201);
    const found = await ask(`GET ${cluster}/acls?resource_name=${topic}&principal=User:reader`);
    expect(found.body).toMatchObject({ kind: 'KafkaAclList', data: [{ kind: 'KafkaAcl', ...rule }] });
    const deleted = await ask(`DELETE ${cluster}/acls?resource_name=${topic}&pattern_type=PREFIXED`);
    expect(deleted.body.data).toHaveLength(2);
    expect((await ask(`GET ${cluster}/acls?resource_name=${topic}`)).body).toMatchObject({ data: [] });
  });
});
