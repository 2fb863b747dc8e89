// The runtime on a real broker: what goes in comes out once, state comes back, work moves. The broker is ours, in this
// process, or the Apache Kafka that KAFKA_BOOTSTRAP_SERVERS names.
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/client/index.ts';
import { deserialize, serialize } from '../../src/serde/index.ts';
import {
  JoinWindows,
  KafkaStreams,
  type ProcessingGuarantee,
  type RestoreReport,
  StreamsBuilder,
  type StreamsSettings,
  TimeWindows,
  type Topology,
} from '../../src/streams/index.ts';
import { MillraceError } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { long, text, texts } from './support.ts';

let embedded: Embedded | undefined;
let client: Client;
let stateDir: string;
const open = new Set<KafkaStreams>();

beforeAll(async () => {
  const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS'];
  if (bootstrapServers === undefined) {
    embedded = await openEmbedded();
    client = embedded.connect();
  } else {
    client = createClient({ bootstrapServers });
  }
});
afterAll(async () => {
  await client?.close();
  await embedded?.close();
});
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'millrace-streams-'));
});
afterEach(async () => {
  for (const app of open) await app.close();
  open.clear();
  rmSync(stateDir, { recursive: true, force: true });
});

let names = 0;
const unique = (name: string): string => `${name}-${process.pid}-${names++}`;

async function topics(...given: (readonly [name: string, partitions: number])[]): Promise<string[]> {
  const created = given.map(([name, partitions]) => ({ name: unique(name), partitions }));
  await client.admin().createTopics(created);
  return created.map(({ name }) => name);
}

function run(topology: Topology, settings: Partial<StreamsSettings> & { applicationId: string }): KafkaStreams {
  const app = new KafkaStreams(topology, { client, stateDir, commitIntervalMs: 20, ...settings });
  open.add(app);
  return app;
}

async function stop(app: KafkaStreams): Promise<void> {
  await app.close();
  open.delete(app);
}

async function produce(
  topic: string,
  records: readonly (readonly [key: string | null, value: string | null, timestamp?: number])[],
) {
  const producer = client.producer();
  await Promise.all(
    records.map(([key, value, timestamp]) =>
      producer.send({
        topic,
        key: serialize(text, key),
        value: serialize(text, value),
        ...(timestamp === undefined ? {} : { timestamp }),
      }),
    ),
  );
  await producer.close();
}

/** Reads committed records until `enough` is satisfied. */
async function read<V>(
  topic: string,
  decode: (value: Buffer | null) => V,
  enough: (records: readonly [string | null, V][]) => boolean,
): Promise<[string | null, V][]> {
  const description = (await client.admin().describeTopics([topic])).get(topic)!;
  const consumer = client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_committed' });
  consumer.assign(description.partitions.map(({ partition }) => ({ topic, partition, offset: -2 })));
  const records: [string | null, V][] = [];
  try {
    while (!enough(records)) {
      for (const { cursor } of await consumer.poll(1000)) {
        while (cursor.advance()) {
          const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
          const key = keyStart < 0 ? null : bytes.toString('utf8', keyStart, keyEnd);
          records.push([key, decode(valueStart < 0 ? null : Buffer.from(bytes.subarray(valueStart, valueEnd)))]);
        }
      }
    }
  } finally {
    await consumer.close();
  }
  return records;
}

const asText = (value: Buffer | null): string | null => deserialize(text, value);
const asLong = (value: Buffer | null): number | null => deserialize(long, value);

function counts(input: string, output: string): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>(input, texts)
    .groupBy((_key, value) => value, { key: text, name: 'by-value' })
    .count({ name: 'counts' })
    .toStream()
    .to(output);
  return builder.build();
}

for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const satisfies ProcessingGuarantee[]) {
  describe(`with ${processingGuarantee}`, () => {
    test('counts through a repartition topic, over several partitions', async () => {
      const [input, output] = (await topics(['in', 3], ['out', 2])) as [string, string];
      const words = Array.from({ length: 300 }, (_, i) => `w${i % 7}`);
      await produce(
        input,
        words.map((word, i) => [`k${i}`, word]),
      );
      const app = run(counts(input, output), { applicationId: unique('count'), processingGuarantee });
      await app.start();
      expect(app.state).toBe('RUNNING');
      const final = (records: readonly [string | null, number | null][]) =>
        Object.fromEntries(records) as Record<string, number>;
      const expected = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`w${i}`, i < 6 ? 43 : 42]));
      const records = await read(output, asLong, (all) => {
        const counted = final(all);
        return Object.entries(expected).every(([word, count]) => counted[word] === count);
      });
      expect(final(records)).toEqual(expected);
      const store = app.store('counts').keyValue<string, number>();
      expect([store.get('w0'), store.get('nothing'), store.size]).toEqual([43, null, 7]);
      expect((await Array.fromAsync(store.all())).map((entry) => entry.key).sort()).toEqual(Object.keys(expected));
      expect(app.metrics().reduce((sum, task) => sum + task.processed, 0)).toBe(600);
    });

    test('goes on where it stopped, from the checkpoint and without it', async () => {
      const [input, output] = (await topics(['in', 2], ['out', 1])) as [string, string];
      const applicationId = unique('restart');
      const reports: RestoreReport[] = [];
      const total = async (count: number): Promise<void> => {
        await read(output, asLong, (records) => records.some(([key, value]) => key === 'x' && value === count));
      };
      const once = async (
        count: number,
        settings: Partial<StreamsSettings>,
        isIdle = false,
      ): Promise<RestoreReport> => {
        if (!isIdle) {
          await produce(
            input,
            Array.from({ length: 10 }, (_, i) => [`k${i}`, 'x']),
          );
        }
        const app = run(counts(input, output), { applicationId, processingGuarantee, ...settings });
        reports.length = 0;
        app.onRestored((report) => reports.push(report));
        await app.start();
        await total(count);
        await stop(app);
        return {
          taskId: '',
          checkpointRows: reports.reduce((sum, report) => sum + report.checkpointRows, 0),
          changelogRecords: reports.reduce((sum, report) => sum + report.changelogRecords, 0),
          wasStandby: false,
        };
      };
      expect(await once(10, {})).toMatchObject({ checkpointRows: 0, changelogRecords: 0 });
      expect(await once(20, {})).toMatchObject({ checkpointRows: 1, changelogRecords: 0 });
      const elsewhere = mkdtempSync(join(tmpdir(), 'millrace-streams-'));
      const restored = await once(30, { stateDir: elsewhere });
      expect(restored.checkpointRows).toBe(0);
      expect(restored.changelogRecords).toBeGreaterThan(0);
      rmSync(elsewhere, { recursive: true, force: true });
      const caughtUp = await once(30, {}, true);
      expect(caughtUp.checkpointRows).toBe(1);
      expect(caughtUp.changelogRecords).toBeGreaterThan(0);
      // What it took from the changelog is in its checkpoint then, though nothing was processed.
      expect(await once(30, {}, true)).toMatchObject({ checkpointRows: 1, changelogRecords: 0 });
      expect(await once(40, {})).toMatchObject({ checkpointRows: 1, changelogRecords: 0 });
    });

    test('builds its state anew where the one on disk is damaged, and says so', async () => {
      const [input, output] = (await topics(['in', 1], ['out', 1])) as [string, string];
      const applicationId = unique('damaged');
      const told: unknown[] = [];
      const onError = (error: unknown): void => void told.push(error);
      const directory = join(stateDir, applicationId, '1_0');
      const damages = [
        () => truncateSync(join(directory, readdirSync(directory).find((name) => name.startsWith('MANIFEST'))!), 10),
        () => writeFileSync(join(directory, '1.rows'), 'of an earlier version'),
      ];
      for (let life = 0; life <= damages.length; life++) {
        const app = run(counts(input, output), { applicationId, processingGuarantee, onError });
        await app.start();
        await produce(input, [['k', 'x']]);
        await read(output, asLong, (records) => records.some(([key, value]) => key === 'x' && value === life + 1));
        await stop(app);
        expect(told.splice(0)).toEqual(
          life === 0
            ? []
            : [expect.objectContaining({ code: 'STATE_REBUILT', message: expect.stringContaining(directory) })],
        );
        damages[life]?.();
      }
    });

    test('goes on when a row on disk turns out to be damaged', async () => {
      const [input, output] = (await topics(['in', 1], ['out', 1])) as [string, string];
      const applicationId = unique('damaged-row');
      const told: unknown[] = [];
      const directory = join(stateDir, applicationId, '1_0');
      const live = async (word: string, count: number): Promise<void> => {
        const onError = (error: unknown): void => void told.push(error);
        const app = run(counts(input, output), { applicationId, processingGuarantee, onError });
        await app.start();
        await produce(input, [['k', word]]);
        await read(output, asLong, (records) => records.some(([key, value]) => key === word && value === count));
        await stop(app);
      };
      await live('rare', 1);
      await live('common', 1);
      for (const name of readdirSync(directory).filter((each) => each.endsWith('.ldb'))) {
        const bytes = readFileSync(join(directory, name));
        writeFileSync(join(directory, name), bytes.fill(0xff, 0, 20));
      }
      expect(told).toEqual([]);
      await live('rare', 2);
      expect(told).toEqual([
        expect.objectContaining({ code: 'STATE_CORRUPT', message: expect.stringContaining(directory) }),
      ]);
      await live('common', 2);
    });

    test('shows all of its rows to queries, with memory for next to none', async () => {
      const [input, output] = (await topics(['in', 1], ['out', 1])) as [string, string];
      const app = run(counts(input, output), {
        applicationId: unique('walked'),
        processingGuarantee,
        statestoreCacheMaxBytes: 1,
      });
      await app.start();
      const words = Array.from({ length: 300 }, (_, i) => `w${i}`).sort();
      for (let round = 1; round <= 2; round++) {
        await produce(
          input,
          words.map((word) => ['k', word]),
        );
        await read(output, asLong, (records) => records.filter(([, value]) => value === round).length === words.length);
        const store = app.store('counts').keyValue<string, number>();
        expect(store.size).toBe(words.length);
        const entries = await Array.fromAsync(store.all());
        expect(entries.map(({ key, value }) => [key, value])).toEqual(words.map((word) => [word, round]));
        const some = await Array.fromAsync(store.range('w10', 'w12'));
        expect(some.map(({ key }) => key)).toEqual(words.filter((word) => word >= 'w10' && word <= 'w12'));
        const begun = await Array.fromAsync(store.prefixScan('w25', text));
        expect(begun.map(({ key }) => key)).toEqual(words.filter((word) => word.startsWith('w25')));
      }
    });

    test('windows, joins and tables survive a restart', async () => {
      const [left, right, output] = (await topics(['l', 1], ['r', 1], ['out', 1])) as [string, string, string];
      const applicationId = unique('join');
      const topology = (): Topology => {
        const builder = new StreamsBuilder();
        const one = builder.stream<string, string>(left, texts);
        const other = builder.stream<string, string>(right, texts);
        const windows = JoinWindows.ofTimeDifferenceWithNoGrace(1000);
        one
          .leftJoin(other, (a, b) => `${a}-${b ?? '∅'}`, windows, { ...texts, otherValue: text, name: 'j' })
          .to(output, texts);
        one.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(100)).count({ name: 'windows' });
        return builder.build();
      };
      await produce(left, [
        ['k', 'A', 1000],
        ['x', 'lonely', 1001],
      ]);
      const first = run(topology(), { applicationId, processingGuarantee });
      await first.start();
      await expect.poll(async () => (await Array.fromAsync(first.store('windows').window().all())).length).toBe(2);
      await stop(first);

      await produce(right, [['k', 'a', 1500]]);
      const second = run(topology(), { applicationId, processingGuarantee });
      await second.start();
      expect(await read(output, asText, (records) => records.length >= 1)).toEqual([['k', 'A-a']]);
      await produce(left, [['k', 'late', 5000]]);
      const records = await read(output, asText, (all) => all.length >= 2);
      expect(records).toEqual([
        ['k', 'A-a'],
        ['x', 'lonely-∅'],
      ]);
    });
  });
}

describe('an instance', () => {
  test('shares the work with another, and takes it over', async () => {
    const [input, output] = (await topics(['in', 4], ['out', 1])) as [string, string];
    const applicationId = unique('two');
    const settings = { applicationId, processingGuarantee: 'exactly_once_v2', heartbeatIntervalMs: 50 } as const;
    const one = run(counts(input, output), settings);
    await one.start();
    expect(one.metrics()).toHaveLength(8);
    const otherDir = mkdtempSync(join(tmpdir(), 'millrace-streams-'));
    const other = run(counts(input, output), { ...settings, stateDir: otherDir });
    await other.start();
    await expect.poll(() => [one.metrics().length, other.metrics().length]).toEqual([4, 4]);
    const send = (round: number) =>
      produce(
        input,
        Array.from({ length: 40 }, (_, i) => [`${round}-${i}`, `w${i % 4}`]),
      );
    await send(1);
    const reaches = (count: number) =>
      read(output, asLong, (records) =>
        ['w0', 'w1', 'w2', 'w3'].every((word) => records.some(([key, value]) => key === word && value === count)),
      );
    await reaches(10);
    await stop(one);
    await expect.poll(() => other.metrics().length).toBe(8);
    await send(2);
    const records = await reaches(20);
    expect(Math.max(...records.map(([, value]) => value!))).toBe(20);
    await stop(other);
    rmSync(otherDir, { recursive: true, force: true });
  });

  test('shares its state directory, too: a task that moves finds its state there', async () => {
    const [input, output] = (await topics(['in', 4], ['out', 1])) as [string, string];
    const settings = { applicationId: unique('near'), heartbeatIntervalMs: 20, checkpointIntervalMs: 0 };
    const words = Array.from({ length: 16 }, (_, i) => `w${i}`);
    const round = () =>
      produce(
        input,
        words.map((word) => [word, word]),
      );
    const reaches = (count: number) =>
      read(output, asLong, (records) =>
        words.every((word) => records.some(([key, value]) => key === word && value === count)),
      );
    const first = run(counts(input, output), settings);
    await first.start();
    await round();
    await reaches(1);
    const second = run(counts(input, output), settings);
    const moved: RestoreReport[] = [];
    second.onRestored((report) => moved.push(report));
    await second.start();
    await expect.poll(() => [first, second].map((app) => app.serving('counts').partitions.length)).toEqual([2, 2]);
    expect(new Set([first, second].flatMap((app) => app.serving('counts').partitions))).toEqual(new Set([0, 1, 2, 3]));
    const serving = second.serving('counts');
    expect(serving).toMatchObject({ partitionCount: 4 });
    await round();
    await reaches(2);
    expect(moved.filter(({ checkpointRows }) => checkpointRows > 0).length).toBeGreaterThan(0);
    await stop(first);
    await round();
    await reaches(3);
    expect(serving.isCurrent()).toBe(false);
  });

  test('stops at a record that can not be processed, and says which', async () => {
    const [input, output] = (await topics(['in', 1], ['out', 1])) as [string, string];
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>(input, texts)
      .mapValues((_key, value) => {
        if (value === 'bad') throw new Error('no');
        return value;
      })
      .to(output, texts);
    const app = run(builder.build(), { applicationId: unique('fails'), processingGuarantee: 'exactly_once_v2' });
    await app.start();
    await produce(input, [
      ['k', 'good'],
      ['k', 'bad'],
    ]);
    await expect.poll(() => app.state).toBe('ERROR');
    expect(String(app.error)).toMatch(/map-values failed at .*-0@1: no/);
  });

  test('refuses topics that do not exist', async () => {
    const [output] = (await topics(['out', 1])) as [string];
    await expect(run(counts('nowhere', output), { applicationId: unique('refused') }).start()).rejects.toThrow(
      /reads the topic nowhere, which does not exist/,
    );
  });

  test('reads global tables before it starts, and follows them', async () => {
    const [names, input, output] = (await topics(['names', 2], ['in', 1], ['out', 1])) as [string, string, string];
    await produce(names, [['1', 'Ann']]);
    const builder = new StreamsBuilder();
    const table = builder.globalTable<string, string>(names, texts, { name: 'names' });
    builder
      .stream<string, string>(input, texts)
      .joinGlobal(
        table,
        (_key, value) => value,
        (_value, name) => name,
      )
      .to(output, texts);
    const app = run(builder.build(), { applicationId: unique('global') });
    await app.start();
    await produce(input, [['a', '1']]);
    expect(await read(output, asText, (records) => records.length === 1)).toEqual([['a', 'Ann']]);
    await produce(names, [['2', 'Bob']]);
    await expect.poll(() => app.store('names').keyValue<string, string>().get('2')).toBe('Bob');
  });

  test('restores a table from its topic where it may', async () => {
    const [input] = (await topics(['t', 1])) as [string];
    const applicationId = unique('optimized');
    const topology = (): Topology => {
      const builder = new StreamsBuilder();
      builder.table<string, string>(input, texts, { name: 'table' });
      return builder.build({ optimization: 'all' });
    };
    const start = async (size: number, settings: Partial<StreamsSettings> = {}): Promise<RestoreReport> => {
      const app = run(topology(), { applicationId, processingGuarantee: 'exactly_once_v2', ...settings });
      const reports: RestoreReport[] = [];
      app.onRestored((report) => reports.push(report));
      await app.start();
      await expect.poll(() => app.store('table').keyValue().size).toBe(size);
      await stop(app);
      return reports[0]!;
    };
    await produce(input, [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['b', null],
    ]);
    await start(1);
    expect(await client.admin().listTopics()).not.toContain(`${applicationId}-table-changelog`);
    await produce(input, [['c', '4']]);
    expect(await start(2)).toMatchObject({ checkpointRows: 1, changelogRecords: 0 });
    const elsewhere = mkdtempSync(join(tmpdir(), 'millrace-streams-'));
    expect(await start(2, { stateDir: elsewhere })).toMatchObject({ checkpointRows: 0, changelogRecords: 5 });
    rmSync(elsewhere, { recursive: true, force: true });
  });

  test('does not believe a checkpoint whose changelog is gone', async () => {
    const [input, output] = (await topics(['in', 1], ['out', 1])) as [string, string];
    const applicationId = unique('reset');
    await produce(input, [
      ['a', 'x'],
      ['b', 'x'],
    ]);
    for (let life = 0; life < 2; life++) {
      const app = run(counts(input, output), { applicationId, processingGuarantee: 'exactly_once_v2' });
      await app.start();
      await expect.poll(() => app.store('counts').keyValue<string, number>().get('x')).toBe(2);
      await stop(app);
      const admin = client.admin();
      await admin.deleteTopics([`${applicationId}-counts-changelog`, `${applicationId}-by-value-repartition`]);
      await admin.deleteGroups([applicationId]);
    }
  });

  test('writes to topics that are chosen per record', async () => {
    const [input, one, other] = (await topics(['in', 1], ['one', 1], ['other', 3])) as [string, string, string];
    const builder = new StreamsBuilder();
    builder.stream<string, string>(input, texts).to((_key, value) => (value === '1' ? one : other));
    const app = run(builder.build(), { applicationId: unique('dynamic'), processingGuarantee: 'exactly_once_v2' });
    await app.start();
    await produce(input, [
      ['a', '1'],
      ['b', '2'],
      ['c', '1'],
    ]);
    expect(await read(one, asText, (records) => records.length === 2)).toEqual([
      ['a', '1'],
      ['c', '1'],
    ]);
    expect(await read(other, asText, (records) => records.length === 1)).toEqual([['b', '2']]);
  });
});

test('a source says the offset to begin with, by partition, and goes on behind what was committed', async () => {
  const [input, output] = (await topics(['in', 2], ['out', 1])) as [string, string];
  const values = Array.from({ length: 6 }, (_, i) => [`k${i}`, `v${i}`] as const);
  await produce(input, values);
  const asked: number[] = [];
  const topology = () => {
    const builder = new StreamsBuilder();
    const offsetReset = ({ topic, partition }: { readonly topic: string; readonly partition: number }) => {
      expect(topic).toBe(input);
      asked.push(partition);
      return partition === 0 ? 1 : -1;
    };
    builder.stream<string, string>(input, { ...texts, offsetReset }).to(output);
    return builder.build();
  };
  const counts = await client
    .admin()
    .listOffsets([0, 1].map((partition) => ({ topic: input, partition, timestamp: -1 })));
  const passed = counts[0]!.offset - 1;
  const applicationId = unique('offset-reset');
  const first = run(topology(), { applicationId });
  await first.start();
  await read(output, asText, (records) => records.length >= passed);
  expect(asked.sort()).toEqual([0, 1]);
  await stop(first);
  await produce(input, values);
  const second = run(topology(), { applicationId });
  await second.start();
  const all = await read(output, asText, (records) => records.length >= passed + 6);
  expect(all).toHaveLength(passed + 6);
});

test('an application without room for results waits, and goes on where it was', async () => {
  const [source] = await topics(['held', 1]);
  await produce(
    source!,
    Array.from({ length: 10 }, (_, i) => [null, String(i)]),
  );
  const seen: string[] = [];
  let asked = 0;
  let hasRoom = false;
  const builder = new StreamsBuilder();
  builder.stream(source!, texts).foreach((_key, value) => {
    seen.push(value);
  });
  const isHeldBack = (): boolean => {
    asked++;
    return !hasRoom;
  };
  const app = run(builder.build(), { applicationId: unique('held'), isHeldBack });
  await app.start();
  await expect.poll(() => asked, { timeout: 60_000 }).toBeGreaterThan(20);
  expect(seen).toEqual([]);
  hasRoom = true;
  await expect.poll(() => seen, { timeout: 60_000 }).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
});

test('an application that is closed between two generations begins no other', async () => {
  const [source] = await topics(['between', 1]);
  const builder = new StreamsBuilder();
  builder.stream(source!, texts).foreach(() => {});
  // The first generation loses its broker; the second one's look at the topics takes as long as it is told.
  let consumers = 0;
  const looks = Promise.withResolvers<void>();
  const goesOn = Promise.withResolvers<void>();
  const unlucky: Client = {
    producer: (settings) => client.producer(settings),
    groupMember: (settings, participant) => client.groupMember(settings, participant),
    shareConsumer: (settings) => client.shareConsumer(settings),
    close: () => client.close(),
    consumer: (settings) => {
      consumers++;
      const consumer = client.consumer(settings);
      const poll = consumer.poll.bind(consumer);
      let polls = 0;
      consumer.poll = (timeoutMs) =>
        ++polls > 20
          ? Promise.reject(new MillraceError('CONNECTION_LOST', 'the broker is gone', { retriable: true }))
          : poll(timeoutMs);
      return consumer;
    },
    admin: () => {
      const admin = client.admin();
      const describeTopics = admin.describeTopics.bind(admin);
      admin.describeTopics = async (names) => {
        if (consumers > 0) {
          looks.resolve();
          await goesOn.promise;
        }
        return describeTopics(names);
      };
      return admin;
    },
  };
  const app = run(builder.build(), { applicationId: unique('between'), client: unlucky, pollMs: 5 });
  await app.start();
  await looks.promise;
  const before = consumers;
  const closed = app.close();
  goesOn.resolve();
  await closed;
  expect(app.state).toBe('NOT_RUNNING');
  expect(consumers).toBe(before);
});
