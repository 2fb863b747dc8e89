// Several instances of one application: who has which tasks, what moves when one comes, goes or dies, and what it costs. The
// broker is ours, in this process, or the Apache Kafka that KAFKA_BOOTSTRAP_SERVERS names.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeSubscription } from '../../src/client/assignors.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { create, type Dial, joinGroup, leaveGroup, type Transport } from '../../src/protocol/index.ts';
import { deserialize } from '../../src/serde/index.ts';
import {
  KafkaStreams,
  type RestoreProgress,
  type RestoreReport,
  StreamsBuilder,
  type StreamsSettings,
  type Topology,
} from '../../src/streams/index.ts';
import { MillraceError } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { long, texts } from './support.ts';

const PARTITIONS = 4;
/** The dead are found out about soon. */
const BROKER = {
  'group.min.session.timeout.ms': 100,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 100,
};
const SESSION_MS = process.env['KAFKA_BOOTSTRAP_SERVERS'] === undefined ? 1000 : 6000;
const KEYS = Array.from({ length: 16 }, (_, i) => `k${i}`);

let embedded: Embedded | undefined;
let client: Client;
const open = new Set<KafkaStreams>();
const directories: string[] = [];

beforeAll(async () => {
  const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS'];
  if (bootstrapServers === undefined) embedded = await openEmbedded(BROKER);
  client = embedded?.connect() ?? createClient({ bootstrapServers: bootstrapServers! });
});
afterAll(async () => {
  await client?.close();
  await embedded?.close();
});
afterEach(async () => {
  for (const app of open) await app.close();
  open.clear();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** An application that counts by key, exactly once, and its topics. */
class Counting {
  readonly id: string;
  readonly input: string;
  readonly output: string;
  readonly #sent = new Map<string, number>();

  private constructor(id: string) {
    this.id = id;
    this.input = `${id}-in`;
    this.output = `${id}-out`;
  }

  static async make(name: string): Promise<Counting> {
    const counting = new Counting(`${name}-${process.pid}-${Math.floor(performance.now())}`);
    await client.admin().createTopics([
      { name: counting.input, partitions: PARTITIONS },
      { name: counting.output, partitions: 1 },
    ]);
    return counting;
  }

  topology(): Topology {
    const builder = new StreamsBuilder();
    builder.stream<string, string>(this.input, texts).groupByKey().count({ name: 'counts' }).toStream().to(this.output);
    return builder.build();
  }

  instance(settings: Partial<StreamsSettings> = {}): KafkaStreams {
    const stateDir = settings.stateDir ?? newDirectory();
    const app = new KafkaStreams(this.topology(), {
      client,
      applicationId: this.id,
      processingGuarantee: 'exactly_once_v2',
      cacheMaxBytes: 0,
      commitIntervalMs: 20,
      heartbeatIntervalMs: 20,
      ...settings,
      stateDir,
    });
    open.add(app);
    return app;
  }

  /** One record of every key, or of every key of some partitions. */
  async send(partitions: readonly number[] = Array.from({ length: PARTITIONS }, (_, i) => i)): Promise<void> {
    const records = KEYS.map((key, i) => ({ topic: this.input, partition: i % PARTITIONS, key, value: 'x' })).filter(
      ({ partition }) => partitions.includes(partition),
    );
    const producer = client.producer();
    await Promise.all(records.map((record) => producer.send(record)));
    await producer.close();
    for (const { key } of records) this.#sent.set(key, (this.#sent.get(key) ?? 0) + 1);
  }

  /** What should come out: every count of every key once, and in order. */
  get expected(): Map<string, number[]> {
    return new Map([...this.#sent].map(([key, count]) => [key, Array.from({ length: count }, (_, i) => i + 1)]));
  }

  /** What has come out, as soon as that is as much as it should be. */
  async counted(): Promise<Map<string, number[]>> {
    const consumer = client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
    consumer.assign([{ topic: this.output, partition: 0, offset: -2 }]);
    const counts = new Map<string, number[]>(KEYS.map((key) => [key, []]));
    const isDone = () => KEYS.every((key) => counts.get(key)!.length >= (this.#sent.get(key) ?? 0));
    while (!isDone()) {
      for (const { cursor } of await consumer.poll(100)) {
        while (cursor.advance()) {
          const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
          const value = deserialize(long, Buffer.from(bytes.subarray(valueStart, valueEnd)))!;
          counts.get(bytes.toString('utf8', keyStart, keyEnd))!.push(value);
        }
      }
    }
    await consumer.close();
    return counts;
  }
}

/** A client that can be made to lose the cluster for good, as if its process had died. */
function mortal(): { readonly client: Client; readonly die: () => void } {
  const transports: Transport[] = [];
  let isDead = false;
  const dial: Dial = async (address) => {
    if (isDead) throw new MillraceError('CLIENT_CLOSED', 'dead');
    const transport = embedded === undefined ? await dialTcp(address) : embedded.broker.connect();
    transports.push(transport);
    return transport;
  };
  const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS'];
  return {
    client: createClient({ dial, ...(bootstrapServers === undefined ? {} : { bootstrapServers }) }),
    die: () => {
      isDead = true;
      for (const transport of transports) transport.close();
    },
  };
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-instances-'));
  directories.push(directory);
  return directory;
}

async function stop(app: KafkaStreams, options: { leaveGroup?: boolean } = {}): Promise<void> {
  await app.close(options);
  open.delete(app);
}

const tasksOf = (app: KafkaStreams): string[] => app.metrics().map(({ taskId }) => taskId);

describe('static members', () => {
  test('are back with what they had, and nobody else hears of it', async () => {
    const counting = await Counting.make('static');
    const stateDir = newDirectory();
    const one = counting.instance({ groupInstanceId: 'one' });
    const two = counting.instance({ groupInstanceId: 'two', stateDir });
    await Promise.all([one.start(), two.start()]);
    await expect.poll(() => [tasksOf(one).length, tasksOf(two).length]).toEqual([2, 2]);
    await counting.send();
    expect(await counting.counted()).toEqual(counting.expected);
    const had = tasksOf(two).sort();
    const states: string[] = [];
    one.onStateChange((state) => states.push(state));
    await stop(two);
    await counting.send();
    const back = counting.instance({ groupInstanceId: 'two', stateDir });
    await back.start();
    expect(tasksOf(back).sort()).toEqual(had);
    expect(await counting.counted()).toEqual(counting.expected);
    expect(states).toEqual([]);

    await stop(back, { leaveGroup: true });
    await expect.poll(() => tasksOf(one).length).toBe(PARTITIONS);
    await counting.send();
    expect(await counting.counted()).toEqual(counting.expected);
  });

  test('a twin takes the place, and the earlier one stops for good', async () => {
    const counting = await Counting.make('twin');
    let asked = 0;
    const first = counting.instance({ groupInstanceId: 'one', onUncaughtError: () => (asked++, 'replaceThread') });
    await first.start();
    const twin = counting.instance({ groupInstanceId: 'one' });
    await twin.start();
    await expect.poll(() => first.state).toBe('ERROR');
    expect(first.error).toMatchObject({ code: 'FENCED_INSTANCE_ID' });
    expect(asked).toBe(0);
    await stop(first, { leaveGroup: true });
    await counting.send();
    expect(await counting.counted()).toEqual(counting.expected);
    expect(twin.state).toBe('RUNNING');
  });

  test('see topics that have changed, and hear that all are to stop', async () => {
    const counting = await Counting.make('changed');
    const stateless = (groupInstanceId: string, fails = false): KafkaStreams => {
      const builder = new StreamsBuilder();
      const failing = (): string => {
        throw new Error('no');
      };
      builder
        .stream<string, string>(counting.input, texts)
        .mapValues(fails ? failing : (value) => value)
        .to(counting.output, texts);
      const app = new KafkaStreams(builder.build(), {
        client,
        applicationId: counting.id,
        groupInstanceId,
        heartbeatIntervalMs: 20,
        onUncaughtError: () => 'shutdownApplication',
      });
      open.add(app);
      return app;
    };
    const [one, two] = [stateless('one'), stateless('two', true)];
    await Promise.all([one.start(), two.start()]);
    await expect.poll(() => [tasksOf(one).length, tasksOf(two).length]).toEqual([2, 2]);
    await client.admin().createPartitions(counting.input, 6);
    await expect.poll(() => [tasksOf(one).length, tasksOf(two).length], { timeout: 10_000 }).toEqual([3, 3]);
    await counting.send();
    await expect.poll(() => [one.state, two.state], { timeout: 10_000 }).toEqual(['ERROR', 'ERROR']);
  });
});

describe('cooperative rebalances', () => {
  /** The group does not come together as long as somebody who has asked for a place has not come. */
  async function holdUp(groupId: string): Promise<() => Promise<void>> {
    const [host, port] = (process.env['KAFKA_BOOTSTRAP_SERVERS'] ?? '').split(':');
    const transport = embedded?.broker.connect() ?? (await dialTcp({ host: host!, port: Number(port) }));
    const asked = await transport.request(
      joinGroup,
      create(joinGroup, {
        groupId,
        sessionTimeoutMs: 60_000,
        rebalanceTimeoutMs: 60_000,
        protocolType: 'consumer',
        protocols: [{ name: 'millrace-streams', metadata: encodeSubscription([], undefined) }],
      }),
    );
    return async () => {
      const members = [{ memberId: asked.memberId, groupInstanceId: null }];
      await transport.request(leaveGroup, create(leaveGroup, { groupId, members }));
      transport.close();
    };
  }

  test.each(['exactly_once_v2', 'at_least_once'] as const)(
    'tasks go on, and commit, while the group is formed anew, and those that stay behind it (%s)',
    async (processingGuarantee) => {
      const counting = await Counting.make('going-on');
      const settings = { processingGuarantee };
      const [one, two] = [counting.instance(settings), counting.instance(settings)];
      await Promise.all([one.start(), two.start()]);
      await expect.poll(() => [tasksOf(one).length, tasksOf(two).length]).toEqual([2, 2]);
      await counting.send();
      expect(await counting.counted()).toEqual(counting.expected);
      const [kept] = tasksOf(one);
      const processed = () => one.metrics().find(({ taskId }) => taskId === kept)?.processed;
      const before = processed()!;

      const goOn = await holdUp(counting.id);
      const three = counting.instance(settings);
      const started = three.start();
      const state = async () => (await client.admin().describeGroups([counting.id]))[0]!.state;
      await expect.poll(state).toBe('PreparingRebalance');
      for (let round = 0; round < 5; round++) {
        await counting.send();
        expect(await counting.counted()).toEqual(counting.expected);
      }
      expect(await state()).toBe('PreparingRebalance');
      await goOn();
      await started;
      await expect
        .poll(() => [one, two, three].map((app) => tasksOf(app).length).sort(), { timeout: 10_000 })
        .toEqual([1, 1, 2]);
      await counting.send();
      expect(await counting.counted()).toEqual(counting.expected);
      // It was not opened anew: it has counted all the time.
      if (processed() !== undefined) expect(processed()).toBe(before + 6 * (KEYS.length / PARTITIONS));
      expect([one, two].flatMap(tasksOf)).toHaveLength(PARTITIONS - tasksOf(three).length);
    },
  );

  test('records go on while instances come, go and die: each is counted once', async () => {
    const counting = await Counting.make('coming-and-going');
    const settings = { numStandbyReplicas: 1, sessionTimeoutMs: SESSION_MS, transactionTimeoutMs: 2000 };
    const apps = [counting.instance(settings)];
    await apps[0]!.start();
    let isOver = false;
    const sending = (async () => {
      while (!isOver) await counting.send();
    })();
    const { client: dying, die } = mortal();
    const dead = counting.instance({ ...settings, client: dying });
    for (const app of [dead, counting.instance(settings), counting.instance(settings)]) {
      await app.start();
      apps.push(app);
      await expect.poll(() => tasksOf(app).length, { timeout: 20_000 }).toBeGreaterThan(0);
    }
    await stop(apps.shift()!);
    die();
    const alive = apps.filter((app) => app !== dead);
    await expect.poll(() => alive.map((app) => tasksOf(app).length), { timeout: 30_000 }).toEqual([2, 2]);
    isOver = true;
    await sending;
    expect(await counting.counted()).toEqual(counting.expected);
    await dying.close();
    await stop(dead);
  });
});

describe('standby tasks', () => {
  /** Resolves when all copies of stores that the instance follows have everything that is committed. */
  async function caughtUp(app: KafkaStreams, standbys: number): Promise<void> {
    await expect
      .poll(
        async () => {
          const lags = Object.values((await app.allLocalStorePartitionLags())['counts'] ?? {});
          return app.localTasks().standby.length === standbys && lags.every(({ lag }) => lag === 0);
        },
        { timeout: 20_000 },
      )
      .toBe(true);
  }

  test.each([
    { what: 'on disk', storeType: 'PERSISTENT' as const },
    { what: 'in memory', storeType: 'IN_MEMORY' as const },
  ])(
    'take over from an instance that dies, with state $what: nothing is restored, lost or counted twice',
    async (of) => {
      const counting = await Counting.make('standby');
      const shared = {
        numStandbyReplicas: 1,
        sessionTimeoutMs: SESSION_MS,
        transactionTimeoutMs: 2000,
        commitIntervalMs: 50,
      };
      const settings = of.storeType === 'IN_MEMORY' ? { ...shared, stateDir: '' } : shared;
      const { client: dying, die } = mortal();
      const one = counting.instance({ ...settings, client: dying, clientId: 'dying' });
      const two = counting.instance(settings);
      const restored: RestoreReport[] = [];
      two.onRestored((report) => restored.push(report));
      await Promise.all([one.start(), two.start()]);
      await expect.poll(() => [tasksOf(one).length, tasksOf(two).length]).toEqual([2, 2]);
      await counting.send();
      await counting.send();
      expect(await counting.counted()).toEqual(counting.expected);
      await caughtUp(two, 2);
      expect(two.localTasks().standby.toSorted()).toEqual(one.localTasks().active.toSorted());

      restored.length = 0;
      die();
      await expect.poll(() => tasksOf(two).length, { timeout: 30_000 }).toBe(PARTITIONS);
      expect(restored.map(({ wasStandby, changelogRecords }) => ({ wasStandby, changelogRecords }))).toEqual([
        { wasStandby: true, changelogRecords: 0 },
        { wasStandby: true, changelogRecords: 0 },
      ]);
      await counting.send();
      expect(await counting.counted()).toEqual(counting.expected);
      await stop(one).catch(() => {});
      await dying.close();
    },
  );

  test('an instance that comes warms up before tasks move to it', async () => {
    const counting = await Counting.make('warm');
    const settings = { acceptableRecoveryLag: 0, maxWarmupReplicas: 1, probingRebalanceIntervalMs: 200 };
    const one = counting.instance(settings);
    await one.start();
    for (let round = 0; round < 3; round++) await counting.send();
    expect(await counting.counted()).toEqual(counting.expected);
    const two = counting.instance(settings);
    const restored: RestoreReport[] = [];
    two.onRestored((report) => restored.push(report));
    await two.start();
    await expect.poll(() => [tasksOf(one).length, tasksOf(two).length], { timeout: 20_000 }).toEqual([2, 2]);
    expect(restored.map(({ wasStandby, changelogRecords }) => ({ wasStandby, changelogRecords }))).toEqual([
      { wasStandby: true, changelogRecords: 0 },
      { wasStandby: true, changelogRecords: 0 },
    ]);
    await counting.send();
    expect(await counting.counted()).toEqual(counting.expected);
  });

  test('without them state is restored, and how far that has come is told', async () => {
    const counting = await Counting.make('progress');
    const one = counting.instance();
    await one.start();
    await counting.send();
    expect(await counting.counted()).toEqual(counting.expected);
    await stop(one);
    const two = counting.instance();
    const told: RestoreProgress[] = [];
    two.onRestoreProgress((progress) => told.push(progress));
    await two.start();
    const perTask = KEYS.length / PARTITIONS;
    for (const taskId of tasksOf(two)) {
      const own = told.filter((progress) => progress.taskId === taskId);
      expect(own[0]).toMatchObject({ changelogRecords: 0 });
      expect(own[0]!.left).toBeGreaterThanOrEqual(perTask);
      expect(own.at(-1)).toEqual({ taskId, changelogRecords: perTask, left: 0 });
    }
  });

  test('follow a topic that is its own changelog as far as it has been processed', async () => {
    const id = `table-${process.pid}-${Math.floor(performance.now())}`;
    await client.admin().createTopics([{ name: id, partitions: 2 }]);
    const build = (): Topology => {
      const builder = new StreamsBuilder();
      builder.table<string, string>(id, texts, { name: 'table' });
      return builder.build({ optimization: 'all' });
    };
    const apps = ['a', 'b'].map(() => {
      const app = new KafkaStreams(build(), {
        client,
        applicationId: id,
        stateDir: newDirectory(),
        numStandbyReplicas: 1,
        heartbeatIntervalMs: 20,
        commitIntervalMs: 50,
      });
      open.add(app);
      return app;
    });
    await Promise.all(apps.map((app) => app.start()));
    await expect
      .poll(() => apps.map((app) => app.localTasks()))
      .toMatchObject(apps.map(() => ({ active: [expect.any(String)], standby: [expect.any(String)] })));
    const producer = client.producer();
    await Promise.all(KEYS.map((key) => producer.send({ topic: id, key, value: 'x' })));
    await producer.close();
    const copies = async (): Promise<unknown[]> =>
      (await Promise.all(apps.map((app) => app.allLocalStorePartitionLags()))).map(({ table }) =>
        Object.values(table ?? {}).map(({ currentOffset, lag }) => [currentOffset > 0, lag]),
      );
    await expect.poll(copies, { timeout: 10_000 }).toEqual(apps.map(() => apps.map(() => [true, 0])));
  });
});
