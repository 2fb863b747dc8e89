// v3 over a real broker: clusters, brokers, topics, configs, groups with their lags, access rules; its records are in
// v3-records.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Proxy } from './support.ts';

const JSON_TYPE = 'application/json';
let proxy: Proxy;
let cluster: string;
let base: string;

beforeAll(async () => {
  proxy = await Proxy.start();
  cluster = await proxy.platform.client.admin().clusterId();
  base = `${proxy.url}/v3/clusters/${cluster}`;
});
afterAll(() => proxy.stop());

/** `method /path` within the cluster. */
function ask(what: string, body?: unknown) {
  const [method, path] = what.split(' ') as [string, string];
  return proxy.ask(`${method} /v3/clusters/${cluster}${path}`, body === undefined ? {} : { body, type: JSON_TYPE });
}

const created = (topic_name: string, more: object = {}) =>
  ask('POST /topics', { topic_name, partitions_count: 2, ...more });

test('clusters and brokers', async () => {
  const clusters = await proxy.ask('GET /v3/clusters');
  expect(clusters).toMatchObject({ status: 200, type: JSON_TYPE });
  const entity = {
    kind: 'KafkaCluster',
    metadata: { self: base, resource_name: `crn:///kafka=${cluster}` },
    cluster_id: cluster,
    controller: { related: `${base}/brokers/1` },
    acls: { related: `${base}/acls` },
    brokers: { related: `${base}/brokers` },
    broker_configs: { related: `${base}/broker-configs` },
    consumer_groups: { related: `${base}/consumer-groups` },
    topics: { related: `${base}/topics` },
    partition_reassignments: { related: `${base}/topics/-/partitions/-/reassignment` },
  };
  expect(clusters.body).toEqual({
    kind: 'KafkaClusterList',
    metadata: { self: `${proxy.url}/v3/clusters`, next: null },
    data: [entity],
  });
  expect((await ask('GET ')).body).toEqual(entity);
  expect((await proxy.ask(`GET /kafka/v3/clusters/${cluster}`)).body).toEqual(entity);
  const [host, port] = proxy.platform.url('broker').split(':');
  const broker = {
    kind: 'KafkaBroker',
    broker_id: 1,
    host,
    port: Number(port),
    configs: { related: `${base}/brokers/1/configs` },
  };
  expect((await ask('GET /brokers')).body).toMatchObject({ kind: 'KafkaBrokerList', data: [broker] });
  expect((await ask('GET /brokers/1')).body).toMatchObject(broker);
  expect(await proxy.ask('GET /v3/clusters/other/topics')).toMatchObject({
    status: 404,
    type: JSON_TYPE,
    body: { error_code: 404, message: 'Cluster other cannot be found.' },
  });
  expect((await ask('GET /brokers/7')).body).toMatchObject({ error_code: 404 });
});

describe('topics', () => {
  test('are made, seen, enlarged and deleted', async () => {
    const tried = await created('plants', { validate_only: true });
    expect(tried).toMatchObject({ status: 200, body: { topic_name: 'plants', partitions_count: 2 } });
    const made = await created('plants', {
      replication_factor: 1,
      configs: [{ name: 'cleanup.policy', value: 'compact' }],
    });
    expect(made).toEqual({
      status: 201,
      type: JSON_TYPE,
      text: expect.any(String),
      body: {
        kind: 'KafkaTopic',
        metadata: { self: `${base}/topics/plants`, resource_name: `crn:///kafka=${cluster}/topic=plants` },
        cluster_id: cluster,
        topic_name: 'plants',
        is_internal: false,
        replication_factor: 1,
        partitions_count: 2,
        partitions: { related: `${base}/topics/plants/partitions` },
        configs: { related: `${base}/topics/plants/configs` },
        partition_reassignments: { related: `${base}/topics/plants/partitions/-/reassignment` },
      },
    });
    expect((await ask('GET /topics')).body.data).toContainEqual(made.body);
    expect((await ask('GET /topics/plants')).body).toEqual(made.body);
    expect((await ask('PATCH /topics/plants', { partitions_count: 3 })).body).toMatchObject({ partitions_count: 3 });
    expect((await ask('PATCH /topics/plants', { partitions_count: 1 })).body).toMatchObject({ error_code: 40002 });
    expect(await created('plants')).toMatchObject({
      status: 400,
      body: { error_code: 40002, message: "Topic 'plants' already exists." },
    });
    expect((await ask('DELETE /topics/plants')).status).toBe(204);
    expect(await ask('GET /topics/plants')).toMatchObject({ status: 404, body: { error_code: 40403 } });
    expect((await ask('DELETE /topics/plants')).status).toBe(404);
  });

  test('with brokers for each partition', async () => {
    const replicas_assignments = [
      { partition_id: 1, broker_ids: [1] },
      { partition_id: 0, broker_ids: [1] },
    ];
    expect(await ask('POST /topics', { topic_name: 'assigned', replicas_assignments })).toMatchObject({
      status: 201,
      body: { partitions_count: 2, replication_factor: 1 },
    });
    const gap = { topic_name: 'gap', replicas_assignments: { 1: [1] } };
    expect(await ask('POST /topics', gap)).toMatchObject({ status: 422 });
  });

  test.each([
    [{}, 422, 422],
    [{ topic_name: 'x', parts: 1 }, 422, 422],
    [{ topic_name: 'x', partitions_count: 'many' }, 422, 422],
    [{ topic_name: 'x y' }, 400, 40002],
    [{ topic_name: 'x', replication_factor: 3 }, 400, 40002],
    [{ topic_name: 'x', configs: [{ name: 'no.such', value: '1' }] }, 400, 40002],
  ])('%j is refused', async (body, status, errorCode) => {
    expect(await ask('POST /topics', body)).toMatchObject({ status, body: { error_code: errorCode } });
  });

  test('have partitions, offsets and replicas', async () => {
    await created('parts');
    await proxy.platform.client.producer().send({ topic: 'parts', partition: 1, value: 'x' });
    const path = `${base}/topics/parts/partitions`;
    const partition = {
      kind: 'KafkaPartition',
      metadata: { self: `${path}/1`, resource_name: `crn:///kafka=${cluster}/topic=parts/partition=1` },
      cluster_id: cluster,
      topic_name: 'parts',
      partition_id: 1,
      leader: { related: `${path}/1/replicas/1` },
      replicas: { related: `${path}/1/replicas` },
      reassignment: { related: `${path}/1/reassignment` },
    };
    const { body } = await ask('GET /topics/parts/partitions');
    expect(body).toMatchObject({ kind: 'KafkaPartitionList', data: [{ partition_id: 0 }, partition] });
    expect((await ask('GET /topics/parts/partitions/1')).body).toEqual(partition);
    expect((await ask('GET /topics/parts/partitions/1/offset')).body).toMatchObject({
      earliest_offset: 0,
      latest_offset: 1,
    });
    const replica = { topic_name: 'parts', partition_id: 1, broker_id: 1, is_leader: true, is_in_sync: true };
    expect((await ask('GET /topics/parts/partitions/1/replicas')).body).toMatchObject({ data: [replica] });
    expect((await ask('GET /topics/parts/partitions/1/replicas/1')).body).toMatchObject(replica);
    expect((await ask('GET /brokers/1/partition-replicas')).body.data).toContainEqual(expect.objectContaining(replica));
    expect((await ask('GET /topics/parts/partitions/7')).status).toBe(404);
    expect((await ask('GET /topics/parts/partitions/1/replicas/7')).status).toBe(404);
    expect((await ask('GET /topics/-/partitions/-/reassignment')).body).toMatchObject({ data: [] });
    expect((await ask('GET /topics/parts/partitions/-/reassignment')).body).toMatchObject({ data: [] });
    expect((await ask('GET /topics/parts/partitions/1/reassignment')).status).toBe(404);
  });
});

describe('configs', () => {
  test('of a topic: seen, set, altered together, and as they were', async () => {
    await created('set');
    const path = '/topics/set/configs';
    const config = {
      kind: 'KafkaTopicConfig',
      metadata: {
        self: `${base}${path}/retention.ms`,
        resource_name: `crn:///kafka=${cluster}/topic=set/config=retention.ms`,
      },
      cluster_id: cluster,
      topic_name: 'set',
      name: 'retention.ms',
      value: '604800000',
      is_default: true,
      is_read_only: false,
      is_sensitive: false,
      source: 'DEFAULT_CONFIG',
      synonyms: expect.any(Array),
    };
    expect((await ask(`GET ${path}/retention.ms`)).body).toEqual(config);
    expect((await ask(`GET ${path}`)).body.data).toContainEqual(config);
    const value = async () => (await ask(`GET ${path}/retention.ms`)).body.value as string;
    expect((await ask(`PUT ${path}/retention.ms`, { value: '1000' })).status).toBe(204);
    expect((await ask(`GET ${path}/retention.ms`)).body).toMatchObject({
      ...{ value: '1000', is_default: false, source: 'DYNAMIC_TOPIC_CONFIG' },
    });
    const data = [
      { name: 'retention.ms', value: 2000 },
      { name: 'cleanup.policy', value: 'compact', operation: 'SET' },
    ];
    expect((await ask(`POST ${path}:alter`, { data, validate_only: true })).status).toBe(204);
    expect(await value()).toBe('1000');
    expect((await ask(`POST ${path}:alter`, { data })).status).toBe(204);
    expect(await value()).toBe('2000');
    expect((await ask(`DELETE ${path}/retention.ms`)).status).toBe(204);
    expect(await value()).toBe('604800000');
    expect((await ask(`PUT ${path}/retention.ms`, { value: 'long' })).body).toMatchObject({ error_code: 40002 });
    expect((await ask(`PUT ${path}/no.such`, { value: '1' })).status).toBe(404);
    expect((await ask(`POST ${path}:alter`, { data: [{ name: 'x', operation: 'APPEND' }] })).status).toBe(422);
    expect((await ask('GET /topics/-/configs')).body.data).toContainEqual(
      expect.objectContaining({ topic_name: 'set', name: 'cleanup.policy', value: 'compact' }),
    );
  });

  test('of brokers, one and all', async () => {
    expect((await ask('GET /brokers/1/configs/num.partitions')).body).toMatchObject({
      ...{ kind: 'KafkaBrokerConfig', broker_id: 1, name: 'num.partitions' },
    });
    expect((await ask('GET /brokers/-/configs')).body.data.length).toBeGreaterThan(10);
    expect((await ask('GET /broker-configs')).body).toMatchObject({ kind: 'KafkaClusterConfigList' });
    expect((await ask('GET /broker-configs/no.such')).status).toBe(404);
  });
});

test('groups: who is in them, what they read, and how far behind they are', async () => {
  await created('read');
  const { client } = proxy.platform;
  const producer = client.producer();
  for (let i = 0; i < 5; i++) await producer.send({ topic: 'read', partition: 1, value: String(i) });
  await producer.close();
  const consumer = client.consumer({ groupId: 'readers', autoOffsetReset: 'earliest' });
  consumer.subscribe(['read']);
  while (consumer.assignment().length < 2) await consumer.poll(100);
  await consumer.commit([
    { topic: 'read', partition: 0, offset: 0 },
    { topic: 'read', partition: 1, offset: 2 },
  ]);
  const path = `${base}/consumer-groups/readers`;
  const group = {
    kind: 'KafkaConsumerGroup',
    metadata: { self: path, resource_name: `crn:///kafka=${cluster}/consumer-group=readers` },
    cluster_id: cluster,
    consumer_group_id: 'readers',
    is_simple: false,
    partition_assignor: 'range',
    state: 'STABLE',
    type: 'CLASSIC',
    is_mixed_consumer_group: false,
    coordinator: { related: `${base}/brokers/1` },
    consumers: { related: `${path}/consumers` },
    lag_summary: { related: `${path}/lag-summary` },
  };
  expect((await ask('GET /consumer-groups/readers')).body).toEqual(group);
  expect((await ask('GET /consumer-groups')).body.data).toContainEqual(group);
  const [member] = (await ask('GET /consumer-groups/readers/consumers')).body.data;
  expect(member).toMatchObject({ kind: 'KafkaConsumer', consumer_group_id: 'readers', instance_id: null });
  const ofMember = `/consumer-groups/readers/consumers/${encodeURIComponent(member.consumer_id)}`;
  expect((await ask(`GET ${ofMember}`)).body).toEqual(member);
  const { body: assignments } = await ask(`GET ${ofMember}/assignments`);
  expect(assignments.data).toMatchObject([{ partition_id: 0 }, { topic_name: 'read', partition_id: 1 }]);
  expect((await ask(`GET ${ofMember}/assignments/read/partitions/1`)).body).toEqual(assignments.data[1]);
  expect((await ask(`GET ${ofMember}/assignments/read/partitions/7`)).status).toBe(404);
  const lag = { topic_name: 'read', partition_id: 1, current_offset: 2, log_end_offset: 5, lag: 3 };
  const { body: lags } = await ask('GET /consumer-groups/readers/lags');
  expect(lags.data).toMatchObject([{ lag: 0 }, { ...lag, consumer_id: member.consumer_id }]);
  expect((await ask('GET /consumer-groups/readers/lags/read/partitions/1')).body).toMatchObject(lag);
  expect((await ask('GET /consumer-groups/readers/lag-summary')).body).toMatchObject({
    ...{ kind: 'KafkaConsumerGroupLagSummary', max_lag: 3, total_lag: 3, max_lag_topic_name: 'read' },
    ...{ max_lag_partition_id: 1, max_lag_consumer_id: member.consumer_id },
  });
  await consumer.close();
  expect((await ask('GET /consumer-groups/readers')).body).toMatchObject({ state: 'EMPTY' });
  expect((await ask('GET /consumer-groups/readers/lag-summary')).body).toMatchObject({ max_lag_consumer_id: '' });
  expect(await ask('GET /consumer-groups/nobody')).toMatchObject({ status: 404, body: { error_code: 40405 } });
  expect((await ask('GET /consumer-groups/nobody/lags')).status).toBe(404);
});

test('access rules: a broker without any says so, and what is no rule is refused before', async () => {
  const refusal = { status: 400, body: { error_code: 40002, message: 'No Authorizer is configured.' } };
  const rule = {
    ...{ resource_type: 'TOPIC', resource_name: 't', pattern_type: 'LITERAL', principal: 'User:x', host: '*' },
    ...{ operation: 'READ', permission: 'ALLOW' },
  };
  expect(await ask('GET /acls')).toMatchObject(refusal);
  expect(await ask('POST /acls', rule)).toMatchObject(refusal);
  expect(await ask('POST /acls:batch', { data: [rule] })).toMatchObject(refusal);
  expect(await ask('DELETE /acls?resource_type=TOPIC')).toMatchObject(refusal);
  expect(await ask('POST /acls', { ...rule, operation: 'LOOK' })).toMatchObject({ status: 422 });
  expect(await ask('GET /acls?permission=PERHAPS')).toMatchObject({ status: 422 });
});
