// Three instances of an application, each serving its stores over HTTP: what one of them is asked comes from whoever has it.
// The broker is ours, in this process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { askOverHttp, StoreServer } from '../../src/interactive-queries/index.ts';
import {
  KafkaStreams,
  KeyQuery,
  MultiVersionedKeyQuery,
  RangeQuery,
  type RemoteQueries,
  SessionWindows,
  StreamsBuilder,
  TimestampedKeyQuery,
  TimeWindows,
  UnlimitedWindows,
  type Topology,
  VersionedKeyQuery,
  WindowKeyQuery,
  WindowRangeQuery,
} from '../../src/streams/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { texts } from '../streams/support.ts';

const PARTITIONS = 6;
const KEYS = Array.from({ length: 24 }, (_, i) => `k${i}`);

interface Instance {
  readonly app: KafkaStreams;
  readonly server: StoreServer;
  readonly remote: RemoteQueries;
}

let embedded: Embedded;
let client: Client;
let directory: string;
const instances: Instance[] = [];
/** The offset of the last record of each partition. */
const sent: Record<number, number> = {};

function topology(): Topology {
  const builder = new StreamsBuilder();
  const stream = builder.stream<string, string>('in', texts);
  stream.groupByKey().count({ name: 'counts' });
  stream.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(100)).count({ name: 'windows', retentionMs: 1000 });
  stream
    .groupByKey()
    .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10))
    .count({ name: 'sessions', retentionMs: 1000 });
  stream.groupByKey().windowedBy(UnlimitedWindows.of()).count({ name: 'ever' });
  stream.toTable({ name: 'versions', kind: 'versioned', historyRetentionMs: 1000 });
  builder.globalTable<string, string>('names', texts, { name: 'global' });
  return builder.build();
}

async function start(name: string): Promise<Instance> {
  const server = await StoreServer.listen();
  const app = new KafkaStreams(topology(), {
    client,
    applicationId: 'queried',
    applicationServer: server.address,
    stateDir: join(directory, name),
    numStandbyReplicas: 1,
    commitIntervalMs: 20,
    heartbeatIntervalMs: 20,
    probingRebalanceIntervalMs: 200,
  });
  server.serve(app);
  await app.start();
  return { app, server, remote: app.remoteQueries(askOverHttp()) };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-queries-'));
  embedded = await openEmbedded({ 'group.min.session.timeout.ms': 100 });
  client = embedded.connect();
  await client.admin().createTopics([
    { name: 'in', partitions: PARTITIONS },
    { name: 'names', partitions: 1 },
  ]);
  const producer = client.producer();
  await producer.send({ topic: 'names', key: 'a', value: 'Ada' });
  for (const timestamp of [5, 8, 205]) {
    for (const key of KEYS) {
      const { partition, offset } = await producer.send({ topic: 'in', key, value: `${key}@${timestamp}`, timestamp });
      sent[partition] = offset;
    }
  }
  await producer.close();
  for (const name of ['one', 'two', 'three']) instances.push(await start(name));
});

afterAll(async () => {
  for (const { app, server } of instances) {
    await app.close();
    await server.close();
  }
  await client.close();
  await embedded.close();
  rmSync(directory, { recursive: true, force: true });
});

const all = <T>(rows: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(rows);
const bound = { in: sent };

describe('instances', () => {
  test('share the work', async () => {
    const tasks = () => instances.map(({ app }) => app.localTasks().active.length);
    await expect.poll(() => tasks().toSorted().join()).toBe('2,2,2');
    await expect
      .poll(() => instances.map(({ app }) => app.localTasks().standby.length).reduce((sum, count) => sum + count))
      .toBe(PARTITIONS);
  });

  test('answer for keys wherever these are', async () => {
    for (const { remote } of instances) {
      for (const key of KEYS) {
        const ask = { store: 'counts', positionBound: bound };
        expect(await remote.query({ ...ask, query: KeyQuery.withKey<string, number>(key) })).toBe(3);
        expect(await remote.query({ ...ask, query: TimestampedKeyQuery.withKey<string, number>(key) })).toEqual({
          value: 3,
          timestamp: 205,
        });
      }
      expect(await remote.query({ store: 'counts', query: KeyQuery.withKey('nobody') })).toBeNull();
    }
  });

  test('answer with the rows of all partitions', async () => {
    for (const { remote } of instances) {
      const rows = await all(await remote.query({ store: 'counts', query: RangeQuery.withNoBounds<string, number>() }));
      expect(rows.map(({ key }) => key).sort()).toEqual(KEYS.toSorted());
      const some = await remote.query({
        store: 'counts',
        query: RangeQuery.withRange<string, number>('k1', 'k12', { isDescending: true }),
      });
      expect((await all(some)).map(({ key }) => key).sort()).toEqual(['k1', 'k10', 'k11', 'k12']);
    }
  });

  test('answer for windows and sessions', async () => {
    for (const { remote } of instances) {
      for (const key of KEYS) {
        const windows = WindowKeyQuery.withKeyAndWindowStartRange<string, number>(key, 0, 1000);
        expect(await remote.query({ store: 'windows', query: windows })).toEqual([
          { key: { key, start: 0, end: 100 }, value: 2, timestamp: 8 },
          { key: { key, start: 200, end: 300 }, value: 1, timestamp: 205 },
        ]);
        const sessions = WindowRangeQuery.withKey<string, number>(key);
        expect(await remote.query({ store: 'sessions', query: sessions })).toEqual([
          { key: { key, start: 5, end: 8 }, value: 2, timestamp: 8 },
          { key: { key, start: 205, end: 205 }, value: 1, timestamp: 205 },
        ]);
      }
      const later = WindowRangeQuery.withWindowStartRange<string, number>(100, Number.POSITIVE_INFINITY);
      expect(await all(await remote.query({ store: 'windows', query: later }))).toHaveLength(KEYS.length);
      expect(await all(await remote.query({ store: 'sessions', query: later }))).toHaveLength(KEYS.length);
    }
  });

  test('answer for windows without end', async () => {
    for (const { remote } of instances) {
      const query = WindowKeyQuery.withKeyAndWindowStartRange<string, number>('k7', 0, 0);
      const [window] = await remote.query({ store: 'ever', query });
      expect(window).toMatchObject({ key: { key: 'k7', start: 0, end: Number.POSITIVE_INFINITY }, value: 3 });
    }
  });

  test('tell Prometheus what they do', async () => {
    const texts = await Promise.all(
      instances.map(async ({ server }) => (await fetch(`http://${server.address}/metrics`)).text()),
    );
    const sum = (name: string, label = ''): number =>
      texts
        .flatMap((all) => all.split('\n'))
        .filter((line) => line.startsWith(`kafka_streams_${name}{`) && line.includes(label))
        .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
    expect(sum('stream_state_metrics_num_keys', 'store="counts"')).toBe(KEYS.length);
    expect(sum('stream_task_metrics_process_total')).toBeGreaterThan(0);
    expect(sum('stream_metrics_client_state')).toBe(3 * 2);
    expect(sum('stream_metrics_alive_stream_threads')).toBe(3);
    expect(sum('consumer_fetch_manager_metrics_records_lag')).toBe(0);
    expect(texts[0]).toMatch(
      /^kafka_streams_stream_state_metrics_num_keys\{client_id="queried",thread_id="queried-StreamThread-1",task_id="0_\d",store="counts"\} \d+$/m,
    );
    for (const text of texts) {
      const families = [...text.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)].map((match) => match[1]);
      expect(new Set(families).size).toBe(families.length);
    }
  });

  test('answer for versions and global stores', async () => {
    for (const { remote } of instances) {
      const query = VersionedKeyQuery.withKey<string, string>('k7', 6);
      expect(await remote.query({ store: 'versions', query })).toEqual({ value: 'k7@5', timestamp: 5, validTo: 8 });
      const versions = await remote.query({
        store: 'versions',
        query: MultiVersionedKeyQuery.withKey<string, string>('k7', 8),
      });
      expect(versions).toEqual([
        { value: 'k7@8', timestamp: 8, validTo: 205 },
        { value: 'k7@205', timestamp: 205, validTo: Number.POSITIVE_INFINITY },
      ]);
      expect(await remote.query({ store: 'global', query: KeyQuery.withKey<string, string>('a') })).toBe('Ada');
    }
  });

  test('know who has what', async () => {
    const addresses = instances.map(({ server }) => server.address).toSorted();
    for (const { app } of instances) {
      const metadata = app.metadataForAllStreamsClients();
      expect(metadata.map(({ hostInfo: { host, port } }) => `${host}:${port}`).sort()).toEqual(addresses);
      const read = metadata.flatMap(({ topicPartitions }) => topicPartitions.map(({ partition }) => partition));
      expect([...new Set(read)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
      expect(app.streamsMetadataForStore('counts')).toHaveLength(3);
      expect(() => app.streamsMetadataForStore('nothing')).toThrow(/no state store nothing/);
      const place = (await app.queryMetadataForKey('counts', 'k3'))!;
      const owner = instances.find(
        ({ server }) => server.address === `${place.activeHost!.host}:${place.activeHost!.port}`,
      )!;
      expect(owner.app.localTasks().active).toContain(`0_${place.partition}`);
      expect(place.standbyHosts).toHaveLength(1);
      const chosen = await app.queryMetadataForKey('counts', 'k3', () => 4);
      expect(chosen).toMatchObject({ partition: 4 });
    }
  });

  test('answer partition by partition, and say why they do not', async () => {
    const [{ app }] = instances as [Instance];
    const { active, standby } = app.localTasks();
    const partitionOf = (task: string): number => Number(task.split('_')[1]);
    const query = RangeQuery.withNoBounds<string, number>();
    await expect
      .poll(async () => {
        const { partitionResults } = await app.query({ store: 'counts', query, positionBound: bound });
        return [...partitionResults].filter(([, { isSuccess }]) => isSuccess).map(([partition]) => partition);
      })
      .toEqual([...active, ...standby].map(partitionOf).sort());
    const { partitionResults, position } = await app.query({
      store: 'counts',
      query,
      partitions: [0, 1, 2, 3, 4, 5, 6],
      requireActive: true,
      positionBound: { in: { [partitionOf(active[0]!)]: 1000 } },
    });
    const reasons = [...partitionResults].map(([partition, result]) => [
      partition,
      result.isSuccess ? 'answered' : result.failureReason,
    ]);
    const expected = (partition: number): string => {
      if (partition === partitionOf(active[0]!)) return 'NOT_UP_TO_BOUND';
      if (active.map(partitionOf).includes(partition)) return 'answered';
      return standby.map(partitionOf).includes(partition) ? 'NOT_ACTIVE' : 'NOT_PRESENT';
    };
    expect(reasons).toEqual([0, 1, 2, 3, 4, 5].map((each) => [each, expected(each)]).concat([[6, 'DOES_NOT_EXIST']]));
    expect(position).toEqual({ in: { [partitionOf(active[1]!)]: sent[partitionOf(active[1]!)] } });

    const other = await app.query({ store: 'counts', query: WindowRangeQuery.withKey('k1') });
    const failures = [...other.partitionResults.values()].map((each) => !each.isSuccess && each.failureReason);
    expect(new Set(failures)).toEqual(new Set(['UNKNOWN_QUERY_TYPE']));
    const elsewhere = await app.query({
      store: 'counts',
      query,
      positionBound: { out: { 0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1 } },
    });
    for (const result of elsewhere.partitionResults.values()) {
      expect(result).toMatchObject({
        failureReason: 'NOT_UP_TO_BOUND',
        failureMessage: expect.stringContaining('it reads in'),
      });
    }
    await expect(app.query({ store: 'nothing', query })).rejects.toMatchObject({ code: 'UNKNOWN_STORE' });
    await expect(app.query({ store: 'counts', query: { kind: 'all' } as never })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('refuse over HTTP what is no query, with a status', async () => {
    const post = async (body: string): Promise<[number, string]> => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://${instances[0]!.server.address}/stores/query`, {
        method: 'POST',
        headers,
        body,
      });
      const { error } = (await answer.json()) as { error: { code: string } };
      return [answer.status, error.code];
    };
    expect(await post('{')).toEqual([400, 'INVALID_ARGUMENT']);
    expect(await post('{"store":"counts","query":{"kind":"key"}}')).toEqual([400, 'INVALID_ARGUMENT']);
    expect(await post('{"store":"windows","query":{"kind":"windowKey","key":"azE=","from":"a","to":1}}')).toEqual([
      400,
      'INVALID_ARGUMENT',
    ]);
    expect(await post('{"store":"x","query":{"kind":"key","key":""}}')).toEqual([404, 'UNKNOWN_STORE']);
    const { remote } = instances[0]!;
    await expect(remote.query({ store: 'counts', query: WindowRangeQuery.withKey('k1') })).rejects.toMatchObject({
      code: 'UNKNOWN_QUERY_TYPE',
    });
  });

  test('answer for one that is gone, where answers may be older', async () => {
    const [asked, gone] = instances as [Instance, Instance];
    const tasks = gone.app.localTasks().active;
    const keys: string[] = [];
    for (const key of KEYS) {
      const { partition } = (await asked.app.queryMetadataForKey('counts', key))!;
      if (tasks.includes(`0_${partition}`)) keys.push(key);
    }
    expect(keys.length).toBeGreaterThan(0);
    // Its process goes on with its tasks, and nobody reaches it.
    await gone.server.close();
    for (const key of keys) {
      const request = { store: 'counts', query: KeyQuery.withKey<string, number>(key) };
      expect(await asked.remote.query({ ...request, maxLag: 0, positionBound: bound })).toBe(3);
      await expect(asked.remote.query({ ...request, timeoutMs: 100 })).rejects.toMatchObject({
        code: 'QUERY_UNANSWERED',
        retriable: true,
        message: expect.stringContaining('does not answer'),
      });
    }
    await gone.app.close();
    for (const key of KEYS) {
      expect(
        await asked.remote.query({ store: 'counts', query: KeyQuery.withKey<string, number>(key), timeoutMs: 60_000 }),
      ).toBe(3);
    }
  });
});
