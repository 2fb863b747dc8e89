// Lateness is a matter of event time, not of who was served first: time behind repartition topics.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, recordsOf } from '../../src/client/index.ts';
import { deserialize } from '../../src/serde/index.ts';
import {
  JoinWindows,
  KafkaStreams,
  type LateReport,
  type StreamsSettings,
  StreamsBuilder,
  TimeWindows,
  type Topology,
} from '../../src/streams/index.ts';
import {
  announcementsIn,
  encodeAnnouncements,
  feedersOf,
  Progress,
  Watermark,
} from '../../src/streams/runtime/watermarks.ts';
import { ByteWriter } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { long, text, texts } from './support.ts';

const { active, caughtUp, idle } = Progress;

describe('a watermark', () => {
  const heard = (...all: readonly (readonly [string, number, Progress])[]): Watermark => {
    const watermark = new Watermark(['0_0', '0_1']);
    for (const [taskId, time, progress] of all) watermark.hear([{ taskId, time, progress }]);
    return watermark;
  };

  test('is that of the feeder that is furthest behind, and unknown until all have been heard', () => {
    expect(heard().time).toBe(-1);
    expect(heard(['0_0', 7, active]).time).toBe(-1);
    expect(heard(['0_0', 7, active], ['0_1', 5, caughtUp]).time).toBe(5);
  });

  test('does not wait for the idle, and is that of the furthest when all are', () => {
    expect(heard(['0_0', 7, active], ['0_1', 5, idle]).time).toBe(7);
    expect(heard(['0_0', 7, idle], ['0_1', 5, idle]).time).toBe(7);
  });

  test('never goes back: not by a feeder that wakes up, not by one that began anew, not by a restart', () => {
    expect(heard(['0_0', 7, active], ['0_1', 5, idle], ['0_1', 6, active]).time).toBe(7);
    expect(heard(['0_0', 7, active], ['0_1', 5, active], ['0_1', 3, active]).time).toBe(5);
    const watermark = new Watermark(['0_0', '0_1']);
    watermark.restore(9);
    watermark.hear([
      { taskId: '0_0', time: 7, progress: active },
      { taskId: '0_1', time: 8, progress: active },
    ]);
    expect(watermark.time).toBe(9);
  });

  test('knows whether older records are under way', () => {
    expect(heard().mayBringBefore(1)).toBe(true);
    const watermark = heard(['0_0', 7, active], ['0_1', 5, caughtUp]);
    expect([watermark.mayBringBefore(7), watermark.mayBringBefore(8), watermark.hasCaughtUp]).toEqual([
      false,
      true,
      false,
    ]);
    expect(heard(['0_0', 7, idle], ['0_1', 5, caughtUp]).hasCaughtUp).toBe(true);
  });

  test('takes no notice of tasks that the topology does not have', () => {
    expect(heard(['0_0', 7, active], ['0_1', 5, active], ['3_1', 1, active]).time).toBe(5);
  });
});

describe('announcements', () => {
  test('come back, and nothing else is taken for them', () => {
    const all = [
      { taskId: '0_0', time: -1, progress: idle },
      { taskId: '12_345', time: 1_700_000_000_000, progress: active },
    ];
    expect(announcementsIn([encodeAnnouncements(all)])).toEqual(all);
    expect(announcementsIn([])).toBeUndefined();
    expect(announcementsIn([{ key: 'other', value: null }])).toBeUndefined();
    expect(announcementsIn([encodeAnnouncements(all), { key: 'other', value: null }])).toBeUndefined();
  });

  test('that are cut off or of an unknown form are refused', () => {
    const header = encodeAnnouncements([{ taskId: '0_0', time: 5, progress: active }]);
    const bytes = Buffer.from(header.value!);
    for (let length = 2; length < bytes.length; length++) {
      expect(() => announcementsIn([{ ...header, value: bytes.subarray(0, length) }])).toThrow(/ends within/);
    }
    expect(() => announcementsIn([{ ...header, value: Buffer.of(9) }])).toThrow(/version 9/);
    expect(() => announcementsIn([{ ...header, value: null }])).toThrow(/version/);
    bytes[5] = 7;
    expect(() => announcementsIn([{ ...header, value: bytes }])).toThrow(/progress 7/);
  });
});

const GRACE_MS = 100;
const SIZE_MS = 1000;

/** Records per key and window of a stream that is grouped by its values, once the windows have closed. */
function windowCounts(input: string, output: string): Topology {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>(input, texts)
    .groupBy((_key, value) => value, { ...texts, name: 'by-value' })
    .windowedBy(TimeWindows.ofSizeAndGrace(SIZE_MS, GRACE_MS))
    .emitStrategy('onWindowClose')
    .count({ name: 'counts' })
    .toStream()
    .selectKey(({ key, start }) => `${key}@${start}`, { key: text })
    .to(output, { key: text, value: long });
  return builder.build();
}

test('a topic that one task feeds has no watermarks, nor has one whose reader feeds it', () => {
  const topology = windowCounts('in', 'out');
  const counts = (partitions: number) =>
    new Map([
      ['in', partitions],
      ['by-value-repartition', 2],
    ]);
  expect([...feedersOf(topology, counts(1))]).toEqual([]);
  expect([...feedersOf(topology, counts(2))]).toEqual([['by-value-repartition', ['0_0', '0_1']]]);
  const builder = new StreamsBuilder();
  const people = builder.table<string, string>('people', { ...texts, name: 'people' });
  const places = builder.table<string, string>('places', { ...texts, name: 'places' });
  people
    .joinForeign(
      places,
      (value) => value,
      (a, b) => `${a}${b}`,
      { value: text },
    )
    .toStream()
    .to('out', texts);
  const joined = builder.build();
  expect([...feedersOf(joined, new Map(joined.sourceTopics().map((topic) => [topic, 3])))]).toEqual([]);
});

describe('history in four partitions', () => {
  const PARTITIONS = 4;
  const RECORDS = 20_000;
  const STEP_MS = 2;
  let embedded: Embedded;
  let client: Client;
  const apps: KafkaStreams[] = [];
  let serial = 0;

  beforeAll(async () => {
    embedded = await openEmbedded({ 'log.retention.ms': -1 });
    client = embedded.connect();
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await client.close();
    await embedded.close();
  });

  async function topic(name: string): Promise<string> {
    const full = `${name}-${serial++}`;
    await client.admin().createTopics([{ name: full, partitions: PARTITIONS }]);
    return full;
  }

  /** One record every two milliseconds of event time, to the partitions in turn. */
  async function writeHistory(input: string): Promise<void> {
    const producer = client.producer();
    await producer.partitionsFor(input);
    const word = new ByteWriter();
    for (let i = 0; i < RECORDS; i++) {
      word.reset();
      word.utf8(`w${i % 10}`);
      producer.enqueue(input, i % PARTITIONS, null, word.view(), i * STEP_MS);
    }
    await producer.flush();
    await producer.close();
  }

  function start(
    topology: Topology,
    settings: Partial<StreamsSettings> & { readonly applicationId: string },
  ): KafkaStreams {
    const app = new KafkaStreams(topology, { client, commitIntervalMs: 20, watermarkIdleMs: 50, ...settings });
    apps.push(app);
    return app;
  }

  /** Sums of a topic's values until it holds `count` records. */
  async function read(output: string, count: number): Promise<number[]> {
    const consumer = client.consumer({ isolationLevel: 'read_committed' });
    consumer.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: output, partition, offset: 0 })));
    const found: number[] = [];
    while (found.length < count) {
      for (const { value } of recordsOf(await consumer.poll(100))) found.push(deserialize(long, value)!);
    }
    await consumer.close();
    return found;
  }

  const lateIn = (all: readonly KafkaStreams[]): number =>
    all
      .flatMap((app) => app.metrics())
      .reduce((sum, { dropped }) => sum + (dropped.late ?? 0) + (dropped.expired ?? 0), 0);

  /** Windows whose end and grace the last record has passed: ten words in each. */
  const CLOSED = Math.floor(((RECORDS - 1) * STEP_MS - GRACE_MS) / SIZE_MS);
  const PER_WINDOW = SIZE_MS / STEP_MS / 10;

  for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    for (const instances of [1, 3]) {
      test(`${instances} instances, ${processingGuarantee}: all of it is counted, and every window closes`, async () => {
        const [input, output] = [await topic('in'), await topic('out')];
        await writeHistory(input);
        const settings = { applicationId: `count-${serial++}`, processingGuarantee };
        const all = Array.from({ length: instances }, () => start(windowCounts(input, output), settings));
        await Promise.all(all.map((app) => app.start()));
        expect(await read(output, CLOSED * 10)).toEqual(Array.from({ length: CLOSED * 10 }, () => PER_WINDOW));
        expect(lateIn(all)).toBe(0);
      });
    }
  }

  test('an instance that is closed in the middle is followed by one that goes on, and nothing is late', async () => {
    const [input, output] = [await topic('in'), await topic('out')];
    await writeHistory(input);
    const settings = { applicationId: `count-${serial++}`, processingGuarantee: 'exactly_once_v2' } as const;
    const first = start(windowCounts(input, output), settings);
    await first.start();
    await read(output, 20);
    await first.close();
    const second = start(windowCounts(input, output), settings);
    await second.start();
    expect(await read(output, CLOSED * 10)).toEqual(Array.from({ length: CLOSED * 10 }, () => PER_WINDOW));
    expect(lateIn([second])).toBe(0);
  });

  test('what is late by event time is left out, counted by operator, and reported', async () => {
    const [input, output] = [await topic('in'), await topic('out')];
    await writeHistory(input);
    const reports: LateReport[] = [];
    const app = start(windowCounts(input, output), {
      applicationId: `count-${serial++}`,
      onLate: (report) => reports.push(report),
    });
    await app.start();
    await read(output, CLOSED * 10);
    const producer = client.producer();
    await producer.partitionsFor(input);
    producer.enqueue(input, 1, null, Buffer.from('w1'), 5000);
    await producer.flush();
    await producer.close();
    await expect.poll(() => lateIn([app])).toBe(1);
    const by = app.metrics().flatMap(({ droppedBy }) => Object.entries(droppedBy));
    expect(by).toEqual([[expect.stringContaining('counts'), { late: 1 }]]);
    await app.close();
    expect(reports).toMatchObject([{ operator: by[0]![0], reason: 'late', count: 1 }]);
  });

  describe('of another application', () => {
    const exactlyOnce = { processingGuarantee: 'exactly_once_v2' } as const;

    function copy(input: string, output: string): Topology {
      const builder = new StreamsBuilder();
      builder
        .stream<string, string>(input, texts)
        .selectKey((_key, value) => value, { key: text })
        .to(output, texts);
      return builder.build();
    }

    test('time waits for all who write the topic, be it that one of them starts when the others have ended', async () => {
      const [one, two, middle, output] = [
        await topic('one'),
        await topic('two'),
        await topic('middle'),
        await topic('out'),
      ];
      await Promise.all([writeHistory(one), writeHistory(two)]);
      const writers = [`first-${serial++}`, `second-${serial++}`];
      const reader = start(windowCounts(middle, output), {
        applicationId: `count-${serial++}`,
        ...exactlyOnce,
        upstreamApplications: (name) => (name === middle ? writers : []),
      });
      await reader.start();
      await start(copy(one, middle), { applicationId: writers[0]!, ...exactlyOnce }).start();
      await expect
        .poll(() => reader.metrics().reduce((sum, { processed }) => sum + processed, 0))
        .toBeGreaterThanOrEqual(RECORDS);
      await start(copy(two, middle), { applicationId: writers[1]!, ...exactlyOnce }).start();
      expect(await read(output, CLOSED * 10)).toEqual(Array.from({ length: CLOSED * 10 }, () => 2 * PER_WINDOW));
      expect(lateIn([reader])).toBe(0);
    });

    test('a join waits for what is still being written', async () => {
      const [input, left, right, output] = [
        await topic('in'),
        await topic('left'),
        await topic('right'),
        await topic('out'),
      ];
      await writeHistory(input);
      const writers = new Map([left, right].map((name) => [name, `to-${name}`]));
      await start(copy(input, left), { applicationId: writers.get(left)!, ...exactlyOnce }).start();
      const builder = new StreamsBuilder();
      builder
        .stream<string, string>(left, texts)
        .join(builder.stream<string, string>(right, texts), () => 1, JoinWindows.ofTimeDifferenceAndGrace(0, 0), {
          key: text,
          value: text,
          otherValue: text,
        })
        .to(output, { key: text, value: long });
      const reader = start(builder.build(), {
        applicationId: `join-${serial++}`,
        ...exactlyOnce,
        upstreamApplications: (name) => [...(writers.has(name) ? [writers.get(name)!] : [])],
      });
      await reader.start();
      await start(copy(input, right), { applicationId: writers.get(right)!, ...exactlyOnce }).start();
      expect(await read(output, RECORDS)).toHaveLength(RECORDS);
      expect(lateIn([reader])).toBe(0);
    });
  });
});
