// Instances with several threads, on a broker of ours in this process: what they share, what comes and goes, and what becomes
// of a thread that dies.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { askOverHttp, StoreServer } from '../../src/interactive-queries/index.ts';
import { deserialize } from '../../src/serde/index.ts';
import {
  KafkaStreams,
  KeyQuery,
  type ModuleSettings,
  RangeQuery,
  type RestoreReport,
  StreamsBuilder,
  type ThreadedStreams,
} from '../../src/streams/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { long, texts } from './support.ts';

const PARTITIONS = 6;
const KEYS = Array.from({ length: 24 }, (_, i) => `k${i}`);
const MODULE = new URL('threads-child.ts', import.meta.url);

let embedded: Embedded;
let client: Client;
let directory: string;
let applications = 0;
let applicationId: string;
const open = new Set<{ close(): Promise<void> }>();

beforeAll(async () => {
  embedded = await openEmbedded({
    'group.min.session.timeout.ms': 100,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 100,
  });
  client = embedded.connect();
});
afterAll(async () => {
  await client.close();
  await embedded.close();
});
beforeEach(async () => {
  applicationId = `threads-${++applications}`;
  directory = mkdtempSync(join(tmpdir(), 'millrace-threads-'));
  await client.admin().createTopics([
    { name: 'in', partitions: PARTITIONS },
    { name: 'out', partitions: 1 },
  ]);
});
afterEach(async () => {
  for (const each of open) await each.close();
  open.clear();
  await client.admin().deleteTopics(['in', 'out']);
  rmSync(directory, { recursive: true, force: true });
});

function instance(settings: Partial<ModuleSettings> = {}): ThreadedStreams {
  const app = KafkaStreams.fromModule(MODULE, {
    broker: embedded.broker,
    applicationId,
    numStreamThreads: 2,
    stateDir: join(directory, 'state'),
    processingGuarantee: 'exactly_once_v2',
    cacheMaxBytes: 0,
    commitIntervalMs: 20,
    heartbeatIntervalMs: 20,
    ...settings,
  });
  open.add(app);
  return app;
}

async function send(value = 'x'): Promise<void> {
  const producer = client.producer();
  await Promise.all(
    KEYS.map((key, i) => producer.send({ topic: 'in', partition: i % PARTITIONS, key, value: i === 0 ? value : 'x' })),
  );
  await producer.close();
}

/** What has come out for every key, as soon as that is `rounds` results for each. */
async function counted(rounds: number): Promise<number[][]> {
  const consumer = client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
  consumer.assign([{ topic: 'out', partition: 0, offset: -2 }]);
  const counts = new Map<string, number[]>(KEYS.map((key) => [key, []]));
  while ([...counts.values()].some((list) => list.length < rounds)) {
    for (const { cursor } of await consumer.poll(100)) {
      while (cursor.advance()) {
        const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
        const value = deserialize(long, Buffer.from(bytes.subarray(valueStart, valueEnd)))!;
        counts.get(bytes.toString('utf8', keyStart, keyEnd))!.push(value);
      }
    }
  }
  await consumer.close();
  return [...counts.values()];
}

const exactly = (rounds: number): number[][] => KEYS.map(() => Array.from({ length: rounds }, (_, i) => i + 1));

/** How many tasks each of the threads runs, fewest first. */
async function sharesOf(...apps: readonly ThreadedStreams[]): Promise<string> {
  const tasks = await Promise.all(apps.map((app) => app.localTasks()));
  return tasks
    .flatMap((each) => Object.values(each))
    .map(({ active }) => active.length)
    .sort()
    .join();
}

test('threads share the work; they come and go', async () => {
  const app = instance({ numStreamThreads: 3, statestoreCacheMaxBytes: 30_000_000 });
  const states: string[] = [];
  app.onStateChange((state) => states.push(state));
  await app.start();
  await expect.poll(() => app.state).toBe('RUNNING');
  // The threads join one after the other: the work may be shared out more than once.
  expect(states.slice(0, 2)).toEqual(['REBALANCING', 'RUNNING']);
  expect(app.threads).toEqual([1, 2, 3].map((n) => `${applicationId}-StreamThread-${n}`));
  await expect.poll(() => sharesOf(app)).toBe('2,2,2');
  await send();
  expect(await counted(1)).toEqual(exactly(1));

  expect(await app.addStreamThread()).toBe(`${applicationId}-StreamThread-4`);
  await expect.poll(() => sharesOf(app)).toBe('1,1,2,2');
  expect(await app.removeStreamThread()).toBe(`${applicationId}-StreamThread-4`);
  expect(await app.removeStreamThread()).toBe(`${applicationId}-StreamThread-3`);
  await expect.poll(() => sharesOf(app)).toBe('3,3');
  await send();
  expect(await counted(2)).toEqual(exactly(2));
  expect((await app.metrics()).reduce((sum, { stores }) => sum + stores['counts']!, 0)).toBe(KEYS.length);
  expect(Object.keys(await app.lag())).toHaveLength(PARTITIONS);
  expect(Object.keys((await app.allLocalStorePartitionLags())['counts']!)).toHaveLength(PARTITIONS);
  await app.removeStreamThread();
  await expect(app.removeStreamThread()).rejects.toMatchObject({ code: 'INVALID_STATE' });

  // By task: one may go from thread to thread before all have come.
  const restored = new Map<string, RestoreReport>();
  await app.close();
  const back = instance();
  back.onRestored((report) => restored.set(report.taskId, report));
  await back.start();
  await expect
    .poll(() => [...restored.values()].reduce((sum, { checkpointRows }) => sum + checkpointRows, 0))
    .toBe(KEYS.length);
});

test('threads that are paused process nothing', async () => {
  const app = instance();
  app.pause();
  await app.start();
  await send();
  await expect.poll(async () => Object.values(await app.lag()).reduce((sum, lag) => sum + lag, 0)).toBe(KEYS.length);
  expect([app.isPaused, (await app.metrics()).every(({ processed }) => processed === 0)]).toEqual([true, true]);
  app.resume();
  expect(await counted(1)).toEqual(exactly(1));
});

test('stores are asked in all threads, and of all instances', async () => {
  const servers = [await StoreServer.listen(), await StoreServer.listen()];
  for (const server of servers) open.add(server);
  const apps = servers.map((server, i) =>
    instance({ applicationServer: server.address, stateDir: join(directory, String(i)) }),
  ) as [ThreadedStreams, ThreadedStreams];
  servers.forEach((server, i) => server.serve(apps[i]!));
  await send();
  for (const app of apps) await app.start();
  await expect.poll(() => sharesOf(...apps)).toBe('1,1,2,2');
  await counted(1);
  const query = RangeQuery.withNoBounds<string, number>();
  const local = await Promise.all(apps.map((app) => app.query({ store: 'counts', query })));
  expect(local.flatMap(({ partitionResults }) => [...partitionResults.keys()]).sort()).toEqual([0, 1, 2, 3, 4, 5]);
  await expect(apps[0].query({ store: 'nothing', query })).rejects.toMatchObject({ code: 'UNKNOWN_STORE' });
  const nowhere = await apps[0].query({ store: 'counts', query, partitions: [9] });
  expect(nowhere.partitionResults.get(9)).toMatchObject({ failureReason: 'DOES_NOT_EXIST' });
  for (const app of apps) {
    const read = () => app.metadataForAllStreamsClients().flatMap(({ topicPartitions }) => topicPartitions);
    await expect.poll(() => read().length).toBe(PARTITIONS);
    expect(app.streamsMetadataForStore('counts')).toHaveLength(2);
    const remote = app.remoteQueries(askOverHttp());
    const keyOf = (key: string) => ({ store: 'counts', query: KeyQuery.withKey<string, number>(key) });
    const partitionOf = (key: string): number => KEYS.indexOf(key) % PARTITIONS;
    for (const key of KEYS) expect(await remote.query({ ...keyOf(key), partitioner: partitionOf })).toBe(1);
    const rows = await Array.fromAsync(await remote.query({ store: 'counts', query }));
    expect(rows.map(({ key }) => key).sort()).toEqual(KEYS.toSorted());
  }
});

describe('a thread that', () => {
  test('dies is replaced, and nothing is lost or comes twice', async () => {
    const errors: unknown[] = [];
    const app = instance({ onError: (error) => errors.push(error) });
    await app.start();
    await send();
    await send(`exit:${join(directory, 'exited')}`);
    expect(await counted(2)).toEqual(exactly(2));
    expect(errors).toContainEqual(expect.objectContaining({ code: 'THREAD_DIED' }));
    await expect.poll(() => sharesOf(app)).toBe('3,3');
    expect(app.state).toBe('RUNNING');
    const metrics = await app.prometheus();
    expect(metrics).toContain(`kafka_streams_stream_metrics_alive_stream_threads{client_id="${applicationId}"} 2`);
    expect(metrics).toContain(`kafka_streams_stream_metrics_failed_stream_threads{client_id="${applicationId}"} 1`);
  });

  test('dies takes the instance with it, if the handler says so', async () => {
    const app = instance({ onUncaughtError: () => 'shutdownClient' });
    await app.start();
    await send(`exit:${join(directory, 'exited')}`);
    await expect.poll(() => app.state).toBe('ERROR');
    expect(app.error).toMatchObject({ code: 'THREAD_DIED' });
    await app.close();
    expect(app.threads).toEqual([]);
  });

  test('fails goes on, ends its instance, or ends all, as the handler says', async () => {
    const asked: unknown[] = [];
    const going = instance({ onUncaughtError: (error) => (asked.push(error), 'replaceThread') });
    await going.start();
    await send(`throw:${join(directory, 'thrown-1')}`);
    expect(await counted(1)).toEqual(exactly(1));
    expect(asked).toEqual([expect.objectContaining({ message: expect.stringContaining('as throw says') })]);

    const other = instance({ stateDir: join(directory, 'other') });
    await other.start();
    await expect.poll(() => sharesOf(going, other)).toBe('1,1,2,2');
    await going.close();
    const ending = instance({ onUncaughtError: () => 'shutdownApplication' });
    // Whoever reads it asks, and of the two one says that all are to stop.
    await ending.start();
    await send(`throw:${join(directory, 'thrown-2')}`);
    await expect.poll(() => [ending.state, other.state]).toContain('ERROR');
    const [failed] = [ending, other].filter(({ state }) => state === 'ERROR');
    expect(failed!.error).toMatchObject({ message: expect.stringContaining('as throw says') });
    if (failed === ending) await expect.poll(() => other.state).toBe('ERROR');
  });

  test('dies ends all instances, if the handler says so', async () => {
    const one = instance({ onUncaughtError: () => 'shutdownApplication' });
    await one.start();
    const two = instance({ stateDir: join(directory, 'two'), onUncaughtError: () => 'shutdownApplication' });
    await two.start();
    await send(`exit:${join(directory, 'exited')}`);
    await expect.poll(() => [one.state, two.state], { timeout: 60_000 }).toEqual(['ERROR', 'ERROR']);
    const codes = [one.error, two.error].map((error) => (error as { code: string }).code);
    expect(codes.sort()).toEqual(['APPLICATION_SHUTDOWN', 'THREAD_DIED']);
  });
});

test('what can not go to a thread is refused, and so is a module without a topology', async () => {
  const builder = new StreamsBuilder();
  builder.stream<string, string>('in', texts).to('out');
  expect(() => new KafkaStreams(builder.build(), { client, applicationId, numStreamThreads: 2 })).toThrow(
    expect.objectContaining({ code: 'THREADS_NEED_MODULE', message: expect.stringContaining('fromModule') }),
  );
  const refused = (settings: object, message: RegExp): void => {
    expect(() => KafkaStreams.fromModule(MODULE, { applicationId, broker: embedded.broker, ...settings })).toThrow(
      message,
    );
  };
  refused({ client }, /bootstrapServers, or the broker/);
  refused({ onDrop: () => {} }, /export `settings`/);
  refused({ numStreamThread: 2 }, /Did you mean "numStreamThreads"/);
  refused({ bootstrapServers: 'localhost:9092' }, /not both/);
  const none = KafkaStreams.fromModule(new URL('support.ts', import.meta.url), {
    applicationId,
    broker: embedded.broker,
  });
  await expect(none.start()).rejects.toMatchObject({ message: expect.stringContaining('exports no topology') });
  expect(none.state).toBe('ERROR');
});
