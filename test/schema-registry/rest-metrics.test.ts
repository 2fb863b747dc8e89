import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, openServedRegistry, type ServedRegistry } from './served-registry.ts';

describe('GET /metrics', () => {
  let secured: ServedRegistry;
  let url: string;

  beforeAll(async () => {
    secured = await openServedRegistry();
    url = await secured.serve();
  });
  afterAll(() => secured.close());

  const metrics = () => call(url, 'GET /metrics', { accept: 'text/plain' });
  /** The value behind a name with its labels. */
  async function value(sample: string): Promise<number> {
    const line = (await metrics()).text.split('\n').find((text) => text.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1) ?? Number.NaN);
  }

  test('is in Prometheus’ text format, whatever is accepted', async () => {
    const { status, headers, text } = await metrics();
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of text.split('\n').filter((found) => found !== '')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? -?[\d.e+]+|\w+(\{.*\})? \+Inf)$/);
    }
  });

  test('counts requests by route, method and status', async () => {
    const ofVersions = (status: number) =>
      `kafka_schema_registry_requests_total{method="GET",route="/subjects/:subject/versions",status="${status}"}`;
    await secured.registry.register('counted', { schema: '"int"' });
    for (const subject of ['counted', 'counted', 'unknown']) await call(url, `GET /subjects/${subject}/versions`);
    await call(url, 'GET /no/such/path');
    expect(await value(ofVersions(200))).toBe(2);
    expect(await value(ofVersions(404))).toBe(1);
    expect(await value('kafka_schema_registry_requests_total{method="GET",route="",status="404"}')).toBe(1);
    const latency = 'kafka_schema_registry_request_latency_seconds';
    const route = 'method="GET",route="/subjects/:subject/versions"';
    expect(await value(`${latency}_count{${route}}`)).toBe(3);
    expect(await value(`${latency}_bucket{le="+Inf",${route}}`)).toBe(3);
    expect(await value(`${latency}_sum{${route}}`)).toBeGreaterThan(0);
  });

  test('tells what is stored', async () => {
    const { registry } = secured;
    await registry.register('a', { schema: '"int"' });
    await registry.register('a', { schema: '"long"' });
    await registry.register('j', { schemaType: 'JSON', schema: '{}' });
    await registry.register(':.c:p', { schemaType: 'PROTOBUF', schema: 'message M {}' });
    await registry.register('gone', { schema: '"int"' });
    await registry.deleteSubject('gone', false);
    const count = (name: string, type: string) => value(`kafka_schema_registry_${name}{schema_type="${type}"}`);
    expect(await count('registered_count', 'AVRO')).toBe(3);
    expect(await count('registered_count', 'JSON')).toBe(1);
    expect(await count('registered_count', 'PROTOBUF')).toBe(1);
    expect(await count('deleted_count', 'AVRO')).toBe(1);
    expect(await count('deleted_count', 'JSON')).toBe(0);
    expect(await value('kafka_schema_registry_subjects')).toBe(4);
    expect(await value('kafka_schema_registry_contexts')).toBe(2);
    expect(await value('kafka_schema_registry_store_position')).toBe(registry.position);
    expect(registry.position).toBeGreaterThan(6);
    expect(await value('kafka_schema_registry_jetty_metrics_connections_active')).toBeGreaterThan(0);
  });
});
