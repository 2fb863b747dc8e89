// Metrics that clients push (KIP-714): what is asked of whom, who is refused, what is kept, and a producer in Java that pushes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import { readMetricsData } from '../../src/broker/telemetry/metrics-data.ts';
import { NewestMetrics } from '../../src/broker/telemetry/newest-metrics.ts';
import { dialTcp } from '../../src/client/dial.ts';
import {
  apiVersions,
  type BrokerAddress,
  compress,
  CompressionCodec,
  create,
  type Draft,
  ErrorCode,
  getTelemetrySubscriptions,
  incrementalAlterConfigs,
  pushTelemetry,
  type RequestOf,
  ResourceType,
  type Transport,
} from '../../src/protocol/index.ts';
import { ManualEnvironment, MillraceError } from '../../src/util/index.ts';
import { kafkaJars } from '../suites/kafka-jars.ts';
import { openBroker, temporaryDirectory } from './support.ts';

const given = process.env['KAFKA_LIB'];
const jars = given === undefined ? await kafkaJars() : { folder: given };
if ('missing' in jars) console.log(`skipped: no Java producer: ${jars.missing}`);

/** The part of OpenTelemetry's own description that Kafka's clients write, in another library. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message MetricsData { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeMetrics { repeated Metric metrics = 2; }
  message Metric {
    string name = 1; string description = 2; string unit = 3;
    oneof data { Numbers gauge = 5; Numbers sum = 7; Empty histogram = 9; }
  }
  message Empty {}
  message Numbers { repeated Point data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
  message Point {
    fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    oneof value { double as_double = 4; sfixed64 as_int = 6; }
    repeated KeyValue attributes = 7; uint32 flags = 8;
  }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; bytes bytes_value = 7; } }
`);
const messageType = root.lookupType('MetricsData');

function encoded(metrics: readonly object[], attributes: readonly object[] = []): Buffer {
  const data = { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] };
  return Buffer.from(messageType.encode(messageType.fromObject(data)).finish());
}

const label = (key: string, value: string): object => ({ key, value: { stringValue: value } });
const sum = (name: string, value: number, temporality = 1): object => ({
  name,
  sum: { dataPoints: [{ asDouble: value }], aggregationTemporality: temporality },
});
const gauge = (name: string, value: number): object => ({ name, gauge: { dataPoints: [{ asDouble: value }] } });

let clock: ManualEnvironment;
let broker: Broker;
let address: BrokerAddress;
let transport: Transport;
const logged: string[] = [];

beforeEach(async () => {
  clock = new ManualEnvironment(1_000_000);
  logged.length = 0;
  const settings = { 'telemetry.max.bytes': 10_000 };
  broker = await openBroker({ environment: clock, settings, log: (message) => logged.push(message) });
  address = await broker.listen({ host: '127.0.0.1', port: 0 });
  // Who connects is told of both APIs.
  await subscribe('nobody', { match: 'client_id=nobody' });
  transport = await dialTcp(address, { clientId: 'shop-1' });
});

async function subscribe(name: string, configs: Record<string, string>, on: Broker = broker): Promise<void> {
  const set = Object.entries(configs).map(([key, value]) => ({ name: key, configOperation: 0, value }));
  const resource = { resourceType: ResourceType.clientMetrics, resourceName: name, configs: set };
  const request = create(incrementalAlterConfigs, { resources: [resource] });
  const { responses } = await on.connect().request(incrementalAlterConfigs, request);
  expect(responses[0]).toMatchObject({ errorCode: 0 });
}

const ask = (clientInstanceId?: string) =>
  transport.request(
    getTelemetrySubscriptions,
    create(getTelemetrySubscriptions, clientInstanceId === undefined ? {} : { clientInstanceId }),
  );

type PushDraft = Draft<RequestOf<typeof pushTelemetry>>;

async function push(draft: PushDraft): Promise<number> {
  return (await transport.request(pushTelemetry, create(pushTelemetry, draft))).errorCode;
}

/** A client instance that may push. */
async function asked() {
  const { clientInstanceId, subscriptionId, errorCode } = await ask();
  expect(errorCode).toBe(0);
  return { clientInstanceId, subscriptionId };
}

describe('what is asked of a client', () => {
  test('is told of only while there is a subscription', async () => {
    const other = await openBroker();
    const own = other.connect();
    const keys = async (): Promise<readonly number[]> => {
      const request = create(apiVersions, { clientSoftwareName: 'x', clientSoftwareVersion: '1' });
      return (await own.request(apiVersions, request)).apiKeys.map(({ apiKey }) => apiKey);
    };
    expect(await keys()).not.toContain(getTelemetrySubscriptions.key);
    await subscribe('all', { metrics: '*' }, other);
    expect(await keys()).toEqual(expect.arrayContaining([getTelemetrySubscriptions.key, pushTelemetry.key]));
  });

  test('is what all matching subscriptions say together', async () => {
    await subscribe('a', {
      metrics: 'b., a.',
      'interval.ms': '60000',
      match: 'client_id=shop-.*,client_source_address=127.*',
    });
    await subscribe('b', { metrics: 'a.,c.', 'interval.ms': '30000', match: 'client_software_name=millrace' });
    await subscribe('c', { metrics: '*', 'interval.ms': '1000', match: 'client_id=shop' });
    await subscribe('d', { metrics: 'd.', match: 'client_source_port=1' });
    const { zstd, lz4, gzip, snappy } = CompressionCodec;
    expect(await ask()).toMatchObject({
      errorCode: 0,
      clientInstanceId: expect.stringMatching(/^(?!A{22})[\w-]{22}$/),
      pushIntervalMs: 30_000,
      requestedMetrics: ['a.', 'b.', 'c.'],
      acceptedCompressionTypes: [zstd, lz4, gzip, snappy],
      telemetryMaxBytes: 10_000,
      deltaTemporality: true,
    });
  });

  test('is nothing, every five minutes, where no subscription matches; and all is all', async () => {
    await subscribe('a', { metrics: 'a.', 'interval.ms': '1000', match: 'client_id=else' });
    const none = await ask();
    expect(none).toMatchObject({ pushIntervalMs: 300_000, requestedMetrics: [] });
    await subscribe('b', { metrics: 'b.,*' });
    const all = await ask(none.clientInstanceId);
    expect(all).toMatchObject({ requestedMetrics: ['*'], clientInstanceId: none.clientInstanceId });
    expect(all.subscriptionId).not.toBe(none.subscriptionId);
  });

  test('is told once per interval, and at once when it has changed', async () => {
    await subscribe('a', { metrics: '*', 'interval.ms': '1000' });
    const { clientInstanceId } = await asked();
    clock.advance(999);
    expect((await ask(clientInstanceId)).errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    await subscribe('a', { 'interval.ms': '2000' });
    expect((await ask(clientInstanceId)).errorCode).toBe(0);
    clock.advance(2000);
    expect((await ask(clientInstanceId)).errorCode).toBe(0);
  });
});

describe('a push', () => {
  beforeEach(() => subscribe('a', { metrics: '*', 'interval.ms': '1000' }));

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('with %s is kept', async (codec) => {
    const plain = encoded([gauge('g', 1.5), sum('s', 2)], [label('client_rack', 'r')]);
    const metrics = compress(CompressionCodec[codec], plain);
    const who = await asked();
    expect(await push({ ...who, compressionType: CompressionCodec[codec], metrics })).toBe(0);
    expect(broker.clientMetrics()).toMatchObject([
      {
        client: {
          client_instance_id: who.clientInstanceId,
          client_id: 'shop-1',
          client_software_name: 'millrace',
          client_source_address: '127.0.0.1',
          client_source_port: expect.stringMatching(/^[1-9]\d+$/),
        },
        labels: { client_rack: 'r' },
        pushedAt: clock.now(),
        metrics: [
          { name: 'g', kind: 'gauge', value: 1.5 },
          { name: 's', kind: 'sum', value: 2 },
        ],
      },
    ]);
  });

  test('is refused before the interval is over, unless it is the last one', async () => {
    const who = await asked();
    expect(await push(who)).toBe(0);
    clock.advance(999);
    expect(await push(who)).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    clock.advance(1);
    expect(await push(who)).toBe(0);
    expect(await push({ ...who, terminating: true, metrics: encoded([gauge('last', 1)]) })).toBe(0);
    expect(await push({ ...who, terminating: true })).toBe(ErrorCode.INVALID_REQUEST);
    expect(broker.clientMetrics()[0]!.metrics).toMatchObject([{ name: 'last' }]);
  });

  test('is refused when others are wanted now, and its client may ask at once', async () => {
    const who = await asked();
    await subscribe('a', { metrics: 'a.' });
    expect(await push(who)).toBe(ErrorCode.UNKNOWN_SUBSCRIPTION_ID);
    const { subscriptionId, errorCode } = await ask(who.clientInstanceId);
    expect(errorCode).toBe(0);
    expect(await push({ ...who, subscriptionId })).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    clock.advance(1000);
    expect(await push({ ...who, subscriptionId })).toBe(0);
  });

  const large = encoded(Array.from({ length: 1000 }, (_, i) => gauge(`a.name.of.a.metric.${i}`, i)));
  test.each([
    ['without an instance', { clientInstanceId: undefined }, ErrorCode.INVALID_REQUEST],
    ['of an unknown codec', { compressionType: 5 }, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE],
    ['that is too large', { metrics: large }, ErrorCode.TELEMETRY_TOO_LARGE],
    ['that unpacks to too much', { compressionType: 4, metrics: compress(4, large) }, ErrorCode.TELEMETRY_TOO_LARGE],
    ['that is no message', { metrics: Buffer.from('\x0a\x05x') }, ErrorCode.INVALID_RECORD],
    ['that is not packed', { compressionType: 1, metrics: Buffer.from('plain') }, ErrorCode.INVALID_RECORD],
    ['with an endless name', { metrics: encoded([gauge('x'.repeat(513), 1)]) }, ErrorCode.INVALID_RECORD],
  ])('%s is refused', async (_, { clientInstanceId, ...draft }: PushDraft, errorCode) => {
    const who = await asked();
    const instance = clientInstanceId === undefined && Object.keys(draft).length === 0 ? {} : who;
    expect(await push({ ...instance, ...draft })).toBe(errorCode);
    expect(broker.clientMetrics()).toEqual([]);
  });

  test('adds to the sums of earlier ones, and takes the place of gauges', async () => {
    const who = await asked();
    expect(await push({ ...who, metrics: encoded([gauge('g', 5), sum('delta', 5), sum('total', 5, 2)]) })).toBe(0);
    clock.advance(1000);
    expect(await push({ ...who, metrics: encoded([gauge('g', 2), sum('delta', 2), sum('total', 7, 2)]) })).toBe(0);
    const [found] = broker.clientMetrics();
    expect(found!.metrics.map(({ name, value }) => [name, value])).toEqual([
      ['g', 2],
      ['delta', 7],
      ['total', 7],
    ]);
  });

  test('is forgotten after a time; what is not kept is told', async () => {
    const who = await asked();
    expect(await push({ ...who, metrics: encoded([gauge('g', 5), { name: 'h', histogram: {} }]) })).toBe(0);
    expect(logged.filter((line) => line.startsWith('1 metrics of client shop-1'))).toHaveLength(1);
    clock.advance(59_999);
    expect(broker.clientMetrics()).toHaveLength(1);
    clock.advance(1);
    expect(broker.clientMetrics()).toEqual([]);
  });

  test('of a client that came back is that of a new one', async () => {
    const who = await asked();
    expect(await push(who)).toBe(0);
    transport.close();
    transport = await dialTcp(address, { clientId: 'shop-1' });
    await vi.waitFor(async () => expect(await push(who)).toBe(0), 10_000);
  });
});

describe('metrics of OpenTelemetry', () => {
  const names = fc.string({ maxLength: 20, unit: 'grapheme' });
  const labels = fc.dictionary(names, names, { maxKeys: 3 });
  const metric = fc.record({
    name: names,
    unit: names,
    kind: fc.constantFrom('gauge' as const, 'sum' as const),
    isDelta: fc.boolean(),
    labels,
    value: fc.oneof(fc.double({ noNaN: true }), fc.maxSafeInteger()),
    timestamp: fc.nat(),
  });

  test('are read as another library writes them', () => {
    fc.assert(
      fc.property(fc.array(metric, { maxLength: 5 }), labels, (points, resource) => {
        const attributes = (of: Record<string, string>) => Object.entries(of).map(([key, value]) => label(key, value));
        const bytes = encoded(
          points.map(({ name, unit, kind, isDelta, value, timestamp, ...point }) => ({
            name,
            unit,
            [kind]: {
              dataPoints: [
                {
                  ...(Number.isSafeInteger(value) && !Object.is(value, -0) ? { asInt: value } : { asDouble: value }),
                  timeUnixNano: String(BigInt(timestamp) * 1_000_000n),
                  attributes: attributes(point.labels),
                },
              ],
              aggregationTemporality: isDelta && kind === 'sum' ? 1 : 2,
            },
          })),
          attributes(resource),
        );
        const plain = (of: object) => ({ ...of });
        const { points: read, labels: own, left } = readMetricsData(bytes);
        expect({ ...own }).toEqual(plain(resource));
        expect(left).toBe(0);
        expect(read.map((point) => ({ ...point, labels: plain(point.labels) }))).toEqual(
          points.map((point) => ({
            ...point,
            isDelta: point.isDelta && point.kind === 'sum',
            labels: plain(point.labels),
          })),
        );
      }),
    );
  });

  test('are refused with a code, whatever the bytes', () => {
    const whole = encoded([gauge('g', 1), sum('s', 2)], [label('a', 'b')]);
    const changed = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array().map(Buffer.from)), (bytes) => {
        try {
          expect(readMetricsData(bytes).points.length).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(MillraceError);
        }
      }),
      { numRuns: 2000 },
    );
    const many = encoded([{ name: 'm', gauge: { dataPoints: Array.from({ length: 20_001 }, () => ({})) } }]);
    expect(() => readMetricsData(many)).toThrow(/more than 20000 values/);
  });

  test('take no more memory than they may', () => {
    const newest = new NewestMetrics(clock);
    const point = { unit: '', kind: 'gauge' as const, isDelta: false, labels: {}, value: 1, timestamp: 0 };
    const points = Array.from({ length: 10_000 }, (_, i) => ({ ...point, name: `metric ${i}` }));
    const client = (id: number) => ({
      client_instance_id: String(id),
      client_id: '',
      client_software_name: '',
      client_software_version: '',
      client_source_address: '',
      client_source_port: '',
    });
    for (let id = 1; id <= 20; id++) newest.add(client(id), { labels: {}, points, left: 0 }, 1000);
    const kept = newest.all().map((each) => Number(each.client.client_instance_id));
    expect(kept.length).toBeGreaterThan(1);
    expect(kept.length).toBeLessThan(20);
    expect(kept.at(-1)).toBe(20);
  });
});

const PUSHER = `
import java.util.Map;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;

public class Pusher {
  public static void main(String[] args) throws Exception {
    Map<String, Object> config = Map.of("bootstrap.servers", args[0], "client.id", "java-shop");
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>("t", "x")).get();
      System.out.println(producer.clientInstanceId(java.time.Duration.ofSeconds(30)));
      System.in.read();
    }
  }
}
`;

test.skipIf('missing' in jars)('a producer of Apache Kafka pushes its metrics', { timeout: 120_000 }, async () => {
  if ('missing' in jars) return;
  const real = await openBroker();
  await subscribe('all', { metrics: '*', 'interval.ms': '500', match: 'client_software_name=apache-kafka-java' }, real);
  const at = await real.listen({ host: '127.0.0.1', port: 0 });
  const source = join(temporaryDirectory(), 'Pusher.java');
  writeFileSync(source, PUSHER);
  const args = ['-Xmx200m', '-XX:+UseSerialGC', '-cp', join(jars.folder, '*'), source, `${at.host}:${at.port}`];
  const java = spawn('java', args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = once(java, 'exit');
  try {
    let said = '';
    java.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const pushed = () => real.clientMetrics().find(({ client }) => client.client_id === 'java-shop');
    const valueOf = (name: string) => pushed()?.metrics.find((metric) => metric.name === name)?.value;
    await vi.waitFor(() => expect(said).toContain('\n'), { timeout: 60_000 });
    const total = 'org.apache.kafka.producer.connection.creation.total';
    await vi.waitFor(() => expect(valueOf(total)).toBeGreaterThan(0), { timeout: 30_000 });
    expect(pushed()!.client).toMatchObject({
      client_instance_id: said.trim(),
      client_software_name: 'apache-kafka-java',
      client_software_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    expect(pushed()!.metrics.length).toBeGreaterThan(10);
    // It goes on pushing.
    const first = pushed()!.pushedAt;
    await vi.waitFor(() => expect(pushed()!.pushedAt).toBeGreaterThan(first), { timeout: 30_000 });
  } finally {
    java.kill('SIGKILL');
    await exited;
  }
});
