// Stores that are more than a key and a value: those that forget, those of users' own, those that every instance has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Serde, serialize } from '../../src/serde/index.ts';
import {
  type CustomStore,
  type CustomStoreContext,
  KafkaStreams,
  type KeyValueStore,
  SessionWindows,
  Stores,
  StreamsBuilder,
  TimeWindowedSerde,
  TimeWindows,
  TopologyBuilder,
  UnlimitedWindows,
  Windows,
} from '../../src/streams/index.ts';
import { partitionForKey } from '../../src/util/index.ts';
import { LruState } from '../../src/streams/state/lru-store.ts';
import type { StoreSpec } from '../../src/streams/state/store.ts';
import { typedKeyValueStore } from '../../src/streams/state/typed-stores.ts';
import { openEmbedded } from '../suites/embedded.ts';
import { drainLog, stateStoreSuite } from '../suites/state-store.ts';
import { fc, test as property } from './property.ts';
import { drive, long, text, texts } from './support.ts';

const user = { now: () => 1, isProcessor: false, mayWrite: true };
const lruSpec = (maxEntries: number): StoreSpec => ({
  kind: 'key-value',
  name: 'lru',
  key: text as never,
  value: text as never,
  logging: true,
  maxEntries,
});
const typed = (store: LruState) => typedKeyValueStore<string, string>(store, user);

stateStoreSuite<LruState>('least-recently-used', {
  spec: lruSpec(3),
  create: (of, tracking) => new LruState(of, tracking),
  // As many keys as it holds: which one goes next is not kept over a restart.
  changes: [
    (store) => typed(store).put('a', '1'),
    (store) => typed(store).put('b', '2'),
    (store) => typed(store).put('a', '3'),
    (store) => typed(store).delete('b'),
    (store) => typed(store).put('c', '4'),
  ],
  contents: (store) => ['a', 'b', 'c'].map((key) => typed(store).getWithTimestamp(key)),
});

describe('a store of the entries used last', () => {
  test('has those of a plain map, and tells the changelog what it forgets', () => {
    const step = fc.record({ key: fc.constantFrom(...'abcdef'), does: fc.constantFrom('put', 'put', 'get', 'delete') });
    property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, most) => {
      const store = new LruState(lruSpec(most), { log: true, disk: null });
      const model = new Map<string, string>();
      const logged = new Map<string, string>();
      steps.forEach(({ key, does }, i) => {
        const before = model.get(key);
        if (does === 'get') expect(typed(store).get(key)).toBe(before ?? null);
        if (does === 'put') typed(store).put(key, `${i}`);
        if (does === 'delete') typed(store).delete(key);
        model.delete(key);
        if (does === 'put') model.set(key, `${i}`);
        if (does === 'get' && before !== undefined) model.set(key, before);
        if (model.size > most) model.delete([...model.keys()][0]!);
        for (const row of drainLog(store)) {
          if (row.value === null) logged.delete(row.key.toString());
          else logged.set(row.key.toString(), row.value.toString());
        }
      });
      const all = [...new LruEntries(store)];
      expect(new Map(all)).toEqual(model);
      expect(logged).toEqual(model);
    });
  });

  test('is a table’s, which passes on every update', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .count({ ...Stores.lruMap('counts', 2), key: text, value: long })
      .toStream()
      .to('out', { key: text, value: long });
    const driven = drive(builder, { caching: true });
    for (const key of ['a', 'b', 'a', 'c', 'b']) driven.pipe('in', key, 'x');
    expect(driven.out('out', long)).toEqual(['a:1@0', 'b:1@0', 'a:2@0', 'c:1@0', 'b:1@0']);
    expect(() => builder.table('t', texts, { ...Stores.lruMap('t', 2), caching: true })).toThrow('has no cache');
  });
});

class LruEntries {
  readonly #store: LruState;

  constructor(store: LruState) {
    this.#store = store;
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (const { key, value } of typed(this.#store).all()) yield [key, value];
  }
}

/** Counts, as a user would keep them: an array of their own. */
class Tally implements CustomStore {
  readonly counts = new Map<string, number>();
  readonly #context: CustomStoreContext;

  constructor(context: CustomStoreContext) {
    this.#context = context;
  }

  add(key: string, timestamp: number): number {
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    this.#context.log(Buffer.from(key), Buffer.from(String(count)), timestamp);
    return count;
  }

  restore(key: Buffer, value: Buffer | null): void {
    if (value === null) this.counts.delete(key.toString());
    else this.counts.set(key.toString(), Number(value.toString()));
  }
}

test('a store of one’s own is made per task, and restored from its changelog', async () => {
  const embedded = await openEmbedded();
  const client = embedded.connect();
  const stateDir = mkdtempSync(join(tmpdir(), 'millrace-custom-'));
  const tallies: Tally[] = [];
  const build = () => {
    const create = (context: CustomStoreContext) => {
      tallies.push(new Tally(context));
      return tallies.at(-1)!;
    };
    const builder = new StreamsBuilder().addStateStore({ kind: 'custom', name: 'tally', create });
    builder.stream<string, string>('in', texts).process(
      (context) => {
        const tally = context.customStore<Tally>('tally');
        return { process: ({ key, timestamp }) => tally.add(key, timestamp) };
      },
      { stores: ['tally'] },
    );
    return builder.build();
  };
  try {
    await client.admin().createTopics([{ name: 'in', partitions: 1 }]);
    const producer = client.producer();
    for (let round = 1; round <= 3; round++) {
      for (const key of ['a', 'b', 'a']) {
        await producer.send({ topic: 'in', key: serialize(text, key), value: serialize(text, 'x') });
      }
      const app = new KafkaStreams(build(), { client, applicationId: 'tally', stateDir, commitIntervalMs: 10 });
      await app.start();
      await expect.poll(() => tallies.at(-1)!.counts.get('a')).toBe(2 * round);
      await app.close();
      expect(tallies.at(-1)!.counts.get('b')).toBe(round);
    }
    await producer.close();
  } finally {
    await client.close();
    await embedded.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
});

describe('a global store', () => {
  const prices = { kind: 'key-value', name: 'prices', key: text, value: long } as const;
  const keepPrices = (context: { keyValueStore<K, V>(name: string): KeyValueStore<K, V> }) => {
    const store = context.keyValueStore<string, number>('prices');
    return {
      process: ({ key, value }: { readonly key: string; readonly value: string | null }) => {
        if (value === 'bad') throw new Error('no price');
        store.put(key, value === null ? null : Number(value) * 100);
      },
    };
  };

  test('is what its processor makes of its topic, and read by all others', () => {
    const builder = new StreamsBuilder().addGlobalStore<string, string>(prices, 'prices', texts, keepPrices);
    builder
      .stream<string, string>('in', texts)
      .process<string, string>((context) => {
        const store = context.keyValueStore<string, number>('prices');
        return {
          process: ({ key }) => {
            const entries = [...store.all()].length;
            context.forward({ key, value: `${store.get(key) ?? '∅'} of ${entries}` });
          },
        };
      })
      .to('out', texts);
    const driven = drive(builder).pipe('prices', 'a', '3').pipe('in', 'a', 'x').pipe('prices', 'b', '4');
    driven.pipe('in', 'b', 'x').pipe('prices', 'a', null).pipe('in', 'a', 'x');
    expect(driven.out()).toEqual(['a:300 of 1@0', 'b:400 of 2@0', 'a:∅ of 1@0']);
    expect(driven.driver.store('prices').keyValue<string, number>().get('b')).toBe(400);
  });

  test('is written by its processor only', () => {
    const builder = new TopologyBuilder().addGlobalStore<string, string>(prices, 'prices', texts, keepPrices);
    builder
      .addSource('in', 'in', texts)
      .addProcessor(
        'writes',
        (context) => ({ process: () => context.keyValueStore<string, number>('prices').put('a', 1) }),
        'in',
      );
    expect(() => drive(builder as never).pipe('in', 'a', 'x')).toThrow('is a global one, which is read only here');
    const forwarding = new StreamsBuilder().addGlobalStore<string, string>(prices, 'prices', texts, (context) => ({
      process: () => context.forward(undefined as never),
    }));
    forwarding.stream('in', texts).foreach(() => {});
    expect(() => drive(forwarding).pipe('prices', 'a', '1')).toThrow('can’t forward');
  });

  test('leaves out what can’t be read or processed, as the handlers say', () => {
    const broken: Serde<string> = {
      ...text,
      decode: (bytes, start, end) => {
        const value = text.decode(bytes, start, end);
        if (value === 'torn') throw new Error('torn');
        return value;
      },
    };
    const builder = new StreamsBuilder();
    builder.addGlobalStore<string, string>(prices, 'prices', { key: text, value: broken }, keepPrices);
    builder.stream('in', texts).foreach(() => {});
    const driven = drive(builder, { onDecodeError: () => 'continue', onProcessingError: () => 'continue' });
    driven.pipe('prices', 'a', 'torn').pipe('prices', 'a', 'bad').pipe('prices', 'a', '1');
    expect(driven.driver.dropped()).toEqual(
      new Map([
        ['undecodable', 1],
        ['failed', 1],
      ]),
    );
    expect(() => drive(builder).pipe('prices', 'a', 'bad')).toThrow('prices failed at prices-0@0: no price');
    expect(() => drive(builder).pipe('prices', 'a', 'torn')).toThrow("can't be decoded");
  });

  test('is filled before an application starts, by every instance', async () => {
    const embedded = await openEmbedded();
    const client = embedded.connect();
    try {
      await client.admin().createTopics([
        { name: 'prices', partitions: 2 },
        { name: 'in', partitions: 1 },
      ]);
      const producer = client.producer();
      const send = (key: string, value: string) =>
        producer.send({ topic: 'prices', key: serialize(text, key), value: serialize(text, value) });
      await Promise.all(Array.from({ length: 20 }, (_, i) => send(`k${i}`, String(i))));
      for (let round = 0; round < 2; round++) {
        const builder = new StreamsBuilder().addGlobalStore<string, string>(prices, 'prices', texts, keepPrices);
        builder.stream('in', texts).foreach(() => {});
        const app = new KafkaStreams(builder.build(), { client, applicationId: 'globals' });
        await app.start();
        const store = app.store('prices').keyValue<string, number>();
        expect([store.size, store.get('k7')]).toEqual([20 + round, 700]);
        await send(`new${round}`, '1');
        await expect.poll(() => store.get(`new${round}`)).toBe(100);
        await app.close();
      }
      await producer.close();
    } finally {
      await client.close();
      await embedded.close();
    }
  });
});

describe('several partitions', () => {
  test('may be answered by a partitioner, or none, or the default', async () => {
    const embedded = await openEmbedded();
    const client = embedded.connect();
    try {
      await client.admin().createTopics([
        { name: 'in', partitions: 1 },
        { name: 'out', partitions: 3 },
        { name: 'chosen', partitions: 3 },
      ]);
      const producer = client.producer();
      for (const value of ['0 2 2', '', '1', 'default']) {
        await producer.send({ topic: 'in', key: serialize(text, 'k'), value: serialize(text, value) });
      }
      await producer.close();
      const partitioner = (_topic: string, _key: string, value: string, partitions: number) => {
        expect(partitions).toBe(3);
        return value === 'default' ? undefined : value.split(' ').filter(Boolean).map(Number);
      };
      const builder = new StreamsBuilder();
      const stream = builder.stream<string, string>('in', texts);
      stream.to('out', { partitioner });
      // A topic that is not known before the first record.
      stream.to(() => 'chosen', { partitioner });
      const dropped: string[] = [];
      const app = new KafkaStreams(builder.build(), {
        client,
        applicationId: 'multicast',
        commitIntervalMs: 10,
        onDrop: (reason, { node, offset }) => dropped.push(`${reason} ${node} ${offset}`),
      });
      await app.start();
      for (const topic of ['out', 'chosen']) {
        const consumer = client.consumer({ autoOffsetReset: 'earliest' });
        consumer.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })));
        const found: string[] = [];
        while (found.length < 4) {
          for (const { partition, cursor } of await consumer.poll(1000)) {
            while (cursor.advance()) {
              found.push(`${partition}: ${cursor.bytes.toString('utf8', cursor.valueStart, cursor.valueEnd)}`);
            }
          }
        }
        await consumer.close();
        expect(found.filter((line) => !line.endsWith('default')).sort()).toEqual(['0: 0 2 2', '1: 1', '2: 0 2 2']);
      }
      await app.close();
      expect(dropped.sort()).toEqual(['no-partition in-sink 1', 'no-partition out-sink 1']);
    } finally {
      await client.close();
      await embedded.close();
    }
  });

  test('are checked one by one', () => {
    const builder = new StreamsBuilder();
    builder.stream<string, string>('in', texts).to('out', { partitioner: () => [0, -1] });
    expect(() => drive(builder).pipe('in', 'k', 'v')).toThrow('the partition of out');
  });
});

test('a windowed key is in the partition of the key', async () => {
  const embedded = await openEmbedded();
  const client = embedded.connect();
  try {
    const outputs = ['windows', 'sessions', 'chosen'];
    await client
      .admin()
      .createTopics([{ name: 'in', partitions: 1 }, ...outputs.map((name) => ({ name, partitions: 5 }))]);
    const keys = ['a', 'b', 'c', 'd'];
    const producer = client.producer();
    for (const timestamp of [5, 15, 250])
      for (const key of keys)
        await producer.send({ topic: 'in', key: serialize(text, key), value: serialize(text, 'x'), timestamp });
    await producer.close();
    const builder = new StreamsBuilder();
    const grouped = builder.stream<string, string>('in', texts).groupByKey();
    const windows = grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(10)).count().toStream();
    windows.to('windows');
    // A topic that is not known before the first record.
    windows.to(() => 'chosen', { key: new TimeWindowedSerde(text, 10), value: long });
    grouped.windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5)).count().toStream().to('sessions');
    const app = new KafkaStreams(builder.build(), { client, applicationId: 'windowed', commitIntervalMs: 10 });
    await app.start();
    for (const topic of outputs) {
      const consumer = client.consumer({ autoOffsetReset: 'earliest' });
      consumer.assign([0, 1, 2, 3, 4].map((partition) => ({ topic, partition, offset: 0 })));
      const found: string[] = [];
      while (found.length < 12) {
        for (const { partition, cursor } of await consumer.poll(1000)) {
          while (cursor.advance())
            found.push(`${cursor.bytes.toString('utf8', cursor.keyStart, cursor.keyStart + 1)} ${partition}`);
        }
      }
      await consumer.close();
      const expected = keys.map((key) => `${key} ${partitionForKey(Buffer.from(key), 5)}`);
      expect([...new Set(found)].sort()).toEqual(expected);
    }
    await app.close();
  } finally {
    await client.close();
    await embedded.close();
  }
});

describe('unlimited windows', () => {
  test('begin where they are told, and leave out what comes before', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(UnlimitedWindows.of().startOn(100))
      .count({ name: 'w' })
      .toStream(({ key, start, end }) => `${key}[${start},${end})`)
      .to('out', { key: text, value: long });
    const driven = drive(builder).pipe('in', 'a', 'x', 99).pipe('in', 'a', 'x', 100).pipe('in', 'a', 'x', 1e12);
    driven.pipe('in', 'a', 'x', 150);
    expect(driven.out('out', long)).toEqual([
      'a[100,Infinity):1@100',
      'a[100,Infinity):2@1000000000000',
      'a[100,Infinity):3@1000000000000',
    ]);
    expect(driven.driver.dropped()).toEqual(new Map([['no-window', 1]]));
  });

  test('come back from the disk', async () => {
    const embedded = await openEmbedded();
    const client = embedded.connect();
    const stateDir = mkdtempSync(join(tmpdir(), 'millrace-unlimited-'));
    try {
      await client.admin().createTopics([{ name: 'in', partitions: 1 }]);
      const producer = client.producer();
      for (let round = 1; round <= 2; round++) {
        await producer.send({
          topic: 'in',
          key: serialize(text, 'k'),
          value: serialize(text, 'x'),
          timestamp: round * 1e11,
        });
        const builder = new StreamsBuilder();
        const stream = builder.stream<string, string>('in', texts);
        stream.groupByKey().windowedBy(UnlimitedWindows.of().startOn(5)).count({ name: 'w' });
        const app = new KafkaStreams(builder.build(), { client, applicationId: 'u', stateDir, commitIntervalMs: 10 });
        await app.start();
        const counts = () => [...app.store('w').window<string, number>().fetch('k', 0, 5)].map(({ value }) => value);
        await expect.poll(counts).toEqual([round]);
        await app.close();
      }
      await producer.close();
    } finally {
      await client.close();
      await embedded.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  test('never close', () => {
    const windows = new StreamsBuilder()
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(UnlimitedWindows.of());
    expect(() => windows.emitStrategy('onWindowClose')).toThrow('unlimited windows never close');
    expect(() => windows.count().suppress({ until: 'windowCloses' })).toThrow('can be suppressed');
    expect(() => windows.count({ name: 'w', retentionMs: 5 })).toThrow('needed for Infinity ms');
    expect(() => UnlimitedWindows.of().startOn(-1)).toThrow('the start of the window');
  });
});

describe('windows of one’s own', () => {
  /** The days of a place that is ahead of UTC by 5 (of 10) until 100, and by 4 from then on. */
  const days = Windows.of({
    sizeMs: 11,
    graceMs: 2,
    startsOf: (time) => [
      time < 95
        ? Math.max(0, Math.floor((time + 5) / 10) * 10 - 5)
        : 95 + Math.max(0, Math.floor((time - 96) / 10)) * 10 + (time < 106 ? 0 : 1),
    ],
  });

  test('are those that it says, and close when the longest would', () => {
    const build = (strategy: 'onWindowUpdate' | 'onWindowClose') => {
      const builder = new StreamsBuilder();
      builder
        .stream<string, string>('in', texts)
        .groupByKey()
        .windowedBy(days)
        .emitStrategy(strategy)
        .count({ name: 'w' })
        .toStream(({ key, start, end }) => `${key}[${start},${end})`)
        .to('out', { key: text, value: long });
      return drive(builder);
    };
    const times = [3, 7, 14, 15, 25, 99, 104, 107];
    const updates = build('onWindowUpdate');
    for (const time of times) updates.pipe('in', 'a', 'x', time);
    expect(updates.out('out', long)).toEqual([
      'a[0,11):1@3',
      'a[5,16):1@7',
      'a[5,16):2@14',
      'a[15,26):1@15',
      'a[25,36):1@25',
      'a[95,106):1@99',
      'a[95,106):2@104',
      'a[106,117):1@107',
    ]);
    updates.pipe('in', 'a', 'x', 101).pipe('in', 'a', 'x', 120).pipe('in', 'a', 'x', 101);
    expect(updates.driver.dropped()).toEqual(new Map([['late', 1]]));
    const closes = build('onWindowClose');
    for (const time of [...times, 200]) closes.pipe('in', 'a', 'x', time);
    expect(closes.out('out', long)).toEqual([
      'a[0,11):1@3',
      'a[5,16):2@14',
      'a[15,26):1@15',
      'a[25,36):1@25',
      'a[95,106):2@104',
      'a[106,117):1@107',
    ]);
  });

  test('may overlap, or leave gaps', () => {
    const builder = new StreamsBuilder();
    const evens = Windows.of({ sizeMs: 20, startsOf: (time) => (time % 2 === 1 ? [] : new Set([time, 0])) });
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(evens)
      .count({ name: 'w' })
      .toStream(({ start }) => String(start))
      .to('out', { key: text, value: long });
    const driven = drive(builder).pipe('in', 'a', 'x', 0).pipe('in', 'a', 'x', 1).pipe('in', 'a', 'x', 4);
    expect(driven.out('out', long)).toEqual(['0:1@0', '0:2@4', '4:1@4']);
    expect(driven.driver.dropped()).toEqual(new Map([['no-window', 1]]));
  });

  test('are refused where a time is not in what is answered', () => {
    const driven = (start: number) => {
      const builder = new StreamsBuilder();
      const windows = Windows.of({ sizeMs: 10, startsOf: () => [start] });
      builder.stream<string, string>('in', texts).groupByKey().windowedBy(windows).count({ name: 'w' });
      return drive(builder);
    };
    for (const start of [-1, 3.5, 21, 10]) {
      expect(() => driven(start).pipe('in', 'a', 'x', 20)).toThrow(`startsOf answers ${start} for 20`);
    }
    expect(() => Windows.of({ sizeMs: 0, startsOf: () => [] })).toThrow('the window size');
    expect(() => Windows.of({ sizeMs: 1 } as never)).toThrow('startsOf');
  });
});

test('suppliers of window and session stores say what their tables need', () => {
  const stream = () => new StreamsBuilder().stream<string, string>('in', texts).groupByKey();
  const windows = () => stream().windowedBy(TimeWindows.ofSizeWithNoGrace(10));
  const sessions = () => stream().windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10));
  expect(windows().count(Stores.persistentWindowStore('w', 100, 10)).queryableStoreName).toBe('w');
  expect(windows().count(Stores.inMemoryWindowStore('w', 100, 10)).queryableStoreName).toBe('w');
  expect(sessions().count(Stores.persistentSessionStore('s', 100)).queryableStoreName).toBe('s');
  expect(() => windows().count(Stores.inMemoryWindowStore('w', 100, 11))).toThrow(
    'take 10 ms, and those of its store 11',
  );
  expect(() => windows().count(Stores.inMemoryWindowStore('w', 5, 10))).toThrow('needed for 10 ms');
  expect(() => windows().count(Stores.inMemorySessionStore('s', 100))).toThrow('needs a window store');
  expect(() => sessions().count(Stores.inMemoryWindowStore('w', 100, 10))).toThrow('needs a session store');
  expect(() => stream().count(Stores.inMemoryWindowStore('w', 100, 10))).toThrow('its keys have no windows');

  const builder = new StreamsBuilder().addStateStore({ ...Stores.inMemoryWindowStore('seen', 100, 10), ...texts });
  builder.addStateStore({ ...Stores.persistentSessionStore('visits', 100), ...texts });
  builder
    .stream<string, string>('in', texts)
    .process(
      (context) => {
        const seen = context.windowStore<string, string>('seen');
        const visits = context.sessionStore<string, string>('visits');
        return {
          process: ({ key, value, timestamp }) => {
            seen.put(key, value, timestamp);
            visits.put(key, timestamp, timestamp, value);
            const starts = [...seen.fetch(key, 0, timestamp)].map((entry) => entry.key.start);
            context.forward({ key, value: `${starts.join(',')} ${[...visits.fetch(key)].length}` });
          },
        };
      },
      { ...texts, stores: ['seen', 'visits'] },
    )
    .to('out', texts);
  expect(drive(builder).pipe('in', 'a', 'x', 3).pipe('in', 'a', 'y', 7).out()).toEqual(['a:3 1@3', 'a:3,7 2@7']);
});

describe('a read-only store', () => {
  const build = () =>
    new TopologyBuilder()
      .addReadOnlyStateStore<string, string>(
        { kind: 'key-value', name: 'names', ...texts },
        { source: 'names-in', topic: 'names', ...texts },
        'keeps',
        (context) => ({
          process: ({ key, value }) => context.keyValueStore<string, string>('names').put(key, value),
        }),
      )
      .addSource('in', 'in', texts)
      .addProcessor<string, string, string, string>(
        'looks',
        (context) => ({
          process: ({ key, value }) => {
            const names = context.keyValueStore<string, string>('names');
            if (value === 'write') names.put(key, value);
            context.forward({ key, value: `${value} ${names.get(key) ?? '∅'}` });
          },
        }),
        'in',
      )
      .connectProcessorAndStateStores('looks', 'names')
      .addSink('out', 'out', texts, 'looks');

  test('is written by its own processor, and read by others', () => {
    const driven = drive(build() as never)
      .pipe('names', 'a', 'Ada')
      .pipe('in', 'a', 'hello');
    expect(driven.out()).toEqual(['a:hello Ada@0']);
    expect(() => driven.pipe('in', 'a', 'write')).toThrow('is kept by keeps, which is read only here');
    const lru = { kind: 'key-value', name: 'x', maxEntries: 1, ...texts } as const;
    const other = { source: 's', topic: 't', key: text, value: long };
    expect(() =>
      new TopologyBuilder().addReadOnlyStateStore(lru, { ...other, ...texts }, 'p', () => ({ process: () => {} })),
    ).toThrow('maxEntries');
    expect(() =>
      new TopologyBuilder().addReadOnlyStateStore({ kind: 'key-value', name: 'x', ...texts }, other, 'p', () => ({
        process: () => {},
      })),
    ).toThrow('those of the source');
  });

  test('has no changelog, and is restored from its topic', async () => {
    const embedded = await openEmbedded();
    const client = embedded.connect();
    try {
      await client.admin().createTopics(['in', 'out', 'names'].map((name) => ({ name, partitions: 1 })));
      const producer = client.producer();
      await producer.send({ topic: 'names', key: 'a', value: 'Ada' });
      for (let round = 1; round <= 2; round++) {
        const app = new KafkaStreams(build().build(), { client, applicationId: 'ro', commitIntervalMs: 10 });
        await app.start();
        await expect.poll(() => app.store('names').keyValue<string, string>().get('a')).toBe('Ada');
        await app.close();
      }
      await producer.close();
      expect((await client.admin().listTopics()).filter((name) => name.startsWith('ro-'))).toEqual([]);
    } finally {
      await client.close();
      await embedded.close();
    }
  });
});
