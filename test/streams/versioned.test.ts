// Versioned stores: which value was valid when, against a plain list of versions, through the changelog and the disk.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { serialize } from '../../src/serde/index.ts';
import { KafkaStreams, Stores, StreamsBuilder, type VersionedKeyValueStore } from '../../src/streams/index.ts';
import { openEmbedded } from '../suites/embedded.ts';
import { NO_TRACKING, type StoreSpec } from '../../src/streams/state/store.ts';
import type { Key } from '../../src/streams/state/table.ts';
import { VersionedState } from '../../src/streams/state/versioned-store.ts';
import { drainLog, restoreRows, stateStoreSuite } from '../suites/state-store.ts';
import { fc, test as property } from './property.ts';
import { type Driven, drive, text, texts } from './support.ts';

const spec = (historyRetentionMs: number): StoreSpec => ({
  kind: 'versioned',
  name: 'versions',
  key: text as never,
  value: text as never,
  logging: true,
  historyRetentionMs,
  segmentIntervalMs: 7,
});
const keyOf = (key: string): Key => ({ bytes: Buffer.from(key), start: 0, end: key.length });
const put = (key: string, value: string | null, timestamp: number) => (store: VersionedState) =>
  store.put(keyOf(key), value, timestamp);
const TIMES = Array.from({ length: 60 }, (_, i) => i);

stateStoreSuite<VersionedState>('versioned', {
  spec: spec(20),
  create: (of, tracking) => new VersionedState(of, tracking),
  changes: [
    put('a', 'a10', 10),
    put('a', 'a20', 20),
    put('b', 'b12', 12),
    put('a', 'a15', 15),
    put('b', null, 18),
    put('a', null, 17),
    put('b', 'b14', 14),
    put('a', null, 25),
    put('a', 'a22', 22),
    put('b', 'b40', 40),
    put('a', 'late', 15),
    put('a', 'a30', 30),
  ],
  contents: (store) => ['a', 'b'].map((key) => TIMES.map((time) => store.versionAt(keyOf(key), time))),
  logsVersions: true,
});

/** A list of versions, and the rules as they are told. */
class Model {
  readonly #versions = new Map<string, Map<number, string | null>>();
  readonly #retentionMs: number;
  #time = Number.NEGATIVE_INFINITY;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  put(key: string, value: string | null, timestamp: number): number | undefined {
    if (timestamp < this.#time - this.#retentionMs) return undefined;
    this.#time = Math.max(this.#time, timestamp);
    const versions = this.#versions.get(key) ?? new Map<number, string | null>();
    this.#versions.set(key, versions.set(timestamp, value));
    return this.#endOf(versions, timestamp);
  }

  at(key: string, asOf: number): unknown {
    const versions = this.#versions.get(key) ?? new Map<number, string | null>();
    const timestamp = Math.max(...[...versions.keys()].filter((time) => time <= asOf));
    const value = versions.get(timestamp) ?? null;
    const validTo = this.#endOf(versions, timestamp);
    const isKnown = asOf >= this.#time - this.#retentionMs || validTo === Number.POSITIVE_INFINITY;
    return value === null || !isKnown ? undefined : { value, timestamp, validTo };
  }

  #endOf(versions: ReadonlyMap<number, unknown>, timestamp: number): number {
    return Math.min(...[...versions.keys()].filter((time) => time > timestamp));
  }
}

const puts = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b'),
    value: fc.option(fc.string({ maxLength: 2 }), { nil: null }),
    timestamp: fc.nat(TIMES.length - 1),
  }),
  { maxLength: 40 },
);

describe('versions', () => {
  const known = (store: VersionedState | Model) =>
    ['a', 'b'].map((key) =>
      TIMES.map((time) => (store instanceof Model ? store.at(key, time) : store.versionAt(keyOf(key), time))),
    );

  test('are those of a plain list, whatever is put when, and come back from the changelog', () => {
    property(puts, fc.constantFrom(0, 1, 10, 100), fc.integer({ min: 1, max: 5 }), (changes, retentionMs, every) => {
      const model = new Model(retentionMs);
      const store = new VersionedState(spec(retentionMs), { log: true, disk: null });
      const back = new VersionedState(spec(retentionMs), NO_TRACKING);
      changes.forEach(({ key, value, timestamp }, i) => {
        expect(store.put(keyOf(key), value, timestamp)).toBe(model.put(key, value, timestamp));
        expect(known(store)).toEqual(known(model));
        if (i % every === 0) restoreRows(back, drainLog(store));
      });
      restoreRows(back, drainLog(store));
      expect(known(back)).toEqual(known(model));
    });
  });

  test('that are the latest come back from a compacted changelog', () => {
    property(puts, (changes) => {
      const store = new VersionedState(spec(10), { log: true, disk: null });
      for (const { key, value, timestamp } of changes) store.put(keyOf(key), value, timestamp);
      const last = new Map(drainLog(store).map((row) => [row.key.toString(), row]));
      const back = new VersionedState(spec(10), NO_TRACKING);
      restoreRows(back, [...last.values()]);
      const latest = (of: VersionedState) => ['a', 'b'].map((key) => of.versionAt(keyOf(key), TIMES.length));
      expect(latest(back)).toEqual(latest(store));
    });
  });

  test('are accepted on the edge of the history, and not behind it', () => {
    const store = new VersionedState(spec(300_000), NO_TRACKING);
    expect(store.put(keyOf('a'), 'a', 300_010)).toBe(Number.POSITIVE_INFINITY);
    expect(store.put(keyOf('b'), 'b', 10)).toBe(Number.POSITIVE_INFINITY);
    expect(store.put(keyOf('c'), 'c', 9)).toBeUndefined();
  });
});

const joiner = (left: string | null, right: string | null): string => `${left ?? '∅'}-${right ?? '∅'}`;
const versions = (name: string, historyRetentionMs = 1000) =>
  Stores.persistentVersionedKeyValueStore(name, historyRetentionMs);

/** Feeds events like `LA@3` (∅ is a null value); answers what each gave. */
function feed(driven: Driven, events: string): string {
  return events
    .trim()
    .split(/\s+/)
    .map((event) => {
      const [, topic, value, timestamp] = /^([LR])(.+)@(\d+)$/.exec(event)!;
      driven.pipe(topic!, 'k', value === '∅' ? null : value!, Number(timestamp));
      return driven.values().join(' ') || '-';
    })
    .join(' ');
}

const events =
  'L∅@1 R∅@2 LA@3 Ra@4 LB@5 Rb@6 L∅@7 R∅@8 LC@9 Rc@10 R∅@11 L∅@12 R∅@13 Rd@7 LD@6 L∅@2 R∅@3 Re@14 LE@15 L∅@10 R∅@9 LF@4 Rf@3';

describe('versioned tables', () => {
  test.each([
    ['inner', undefined, '- - - - B-a@5 - - - - - - - - - D-b@6 - - - E-e@15 - - F-a@4 -'],
    ['left', undefined, '- - A-∅@3 - B-a@5 - - - C-∅@9 - - - - - D-b@6 - - - E-e@15 - - F-a@4 -'],
    ['inner', 2, '- - - - - - - - B-a@5 - - - - - D-b@6 - - - - - - F-a@4 -'],
    ['left', 2, '- - - - A-∅@3 - - - B-a@5 - - - - - D-b@6 - - - C-∅@9 - - F-a@4 -'],
  ] as const)('are looked up as of the record: %s, with grace %s', (kind, gracePeriodMs, expected) => {
    const builder = new StreamsBuilder();
    const stream = builder.stream<string, string>('L', texts);
    const table = builder.table('R', texts, versions('r'));
    const options = gracePeriodMs === undefined ? {} : { gracePeriodMs };
    const joined = kind === 'inner' ? stream.join(table, joiner, options) : stream.leftJoin(table, joiner, options);
    joined.to('out', texts);
    expect(feed(drive(builder), events)).toBe(expected);
  });

  const once = '- - - A-a@4 B-a@5 B-b@6 ∅@7 - -';
  test.each([
    ['inner', true, true, `${once} C-c@10 ∅@11 - - - - - - - E-e@15 - - - -`],
    ['inner', true, false, `${once} C-c@10 ∅@11 - - - - - - - E-e@15 - ∅@15 - E-f@15`],
    ['inner', false, true, `${once} C-c@10 ∅@11 - - - - - - - E-e@15 ∅@14 - F-e@14 -`],
    [
      'outer',
      true,
      true,
      '- - A-∅@3 A-a@4 B-a@5 B-b@6 ∅-b@7 ∅@8 C-∅@9 C-c@10 C-∅@11 ∅@12 - - - - - ∅-e@14 E-e@15 - - - -',
    ],
  ] as const)('leave out of joins what comes out of order: %s, left %s, right %s', (kind, left, right, expected) => {
    const builder = new StreamsBuilder();
    const one = builder.table('L', texts, left ? versions('l') : { name: 'l' });
    const other = builder.table('R', texts, right ? versions('r') : { name: 'r' });
    const joined =
      kind === 'inner' ? one.join(other, joiner, { value: text }) : one.outerJoin(other, joiner, { value: text });
    joined.toStream().to('out');
    const driven = drive(builder);
    expect(feed(driven, events)).toBe(expected);
    expect(driven.driver.dropped().get('out-of-order')).toBeGreaterThan(0);
  });

  test('aggregate what is the latest only, and pass the rest on as a stream', () => {
    const builder = new StreamsBuilder();
    const table = builder.table('in', texts, versions('v'));
    const groups = table.groupBy((_key, value) => [value, value], texts);
    groups
      .aggregate(
        () => '0',
        (_key, value, all) => `${all}+${value}`,
        (_key, value, all) => `${all}-${value}`,
        { value: text },
      )
      .toStream()
      .to('out');
    table.toStream().to('all');
    const driven = drive(builder);
    const input: readonly (readonly [string, string | null, number])[] = [
      ['A', '1', 10],
      ['A', null, 15],
      ['A', '1', 12],
      ['B', '2', 20],
      ['B', '4', 23],
      ['B', '7', 22],
    ];
    for (const [key, value, at] of input) driven.pipe('in', key, value, at);
    expect(driven.out()).toEqual(['1:0+1@10', '1:0+1-1@15', '2:0+2@20', '2:0+2-2@23', '4:0+4@23']);
    expect(driven.out('all')).toEqual(['A:1@10', 'A:∅@15', 'A:1@12', 'B:2@20', 'B:4@23', 'B:7@22']);
  });

  test('count what is older than their history', () => {
    const builder = new StreamsBuilder();
    builder.table('in', texts, versions('v', 10)).toStream().to('out');
    const driven = drive(builder).pipe('in', 'a', '1', 100).pipe('in', 'a', '2', 90).pipe('in', 'a', '3', 89);
    expect(driven.out()).toEqual(['a:1@100', 'a:2@90']);
    expect(driven.driver.dropped()).toEqual(new Map([['expired', 1]]));
    const store = driven.driver.store('v').versioned<string, string>();
    expect([store.get('a'), store.get('a', 95), store.get('a', 89)]).toEqual([
      { value: '1', timestamp: 100, validTo: Number.POSITIVE_INFINITY },
      { value: '2', timestamp: 90, validTo: 100 },
      null,
    ]);
  });

  test('are stores of processors', () => {
    const builder = new StreamsBuilder().addStateStore({ ...versions('prices', 20), ...texts });
    let prices: VersionedKeyValueStore<string, string> | undefined;
    builder.stream<string, string>('in', texts).process(
      (context) => {
        prices = context.versionedStore<string, string>('prices');
        return { process: ({ key, value, timestamp }) => prices!.put(key, value, timestamp) };
      },
      { stores: ['prices'] },
    );
    drive(builder).pipe('in', 'a', '1', 10).pipe('in', 'a', '2', 20);
    expect(prices!.put('a', '3', 15)).toBe(20);
    expect(prices!.put('b', '3', 25)).toBe(Number.POSITIVE_INFINITY);
    expect(prices!.put('b', '3', 4)).toBeNull();
    expect(prices!.delete('a', 12)).toEqual({ value: '1', timestamp: 10, validTo: 15 });
    expect([prices!.get('a', 12), prices!.get('a', 11)?.validTo, prices!.size]).toEqual([null, 12, 2]);
    expect(() => prices!.put('a', '1', -1)).toThrow('the timestamp of a version');
  });

  test('are refused where they can’t be', () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream<string, string>('in', texts);
    const plain = builder.table('t', texts);
    const versioned = builder.table('v', texts, versions('v', 10));
    const grace = (gracePeriodMs: number) => ({ gracePeriodMs });
    expect(() => stream.join(plain, joiner, grace(5))).toThrow('has to be versioned');
    expect(() => stream.leftJoin(versioned, joiner, grace(11))).toThrow('v keeps its history for 10 ms');
    expect(() => versioned.mapValues((_k, v) => v).suppress({ until: 'timeLimit', ms: 5 })).toThrow(
      'is not suppressed',
    );
    expect(() => builder.globalTable('g', texts, versions('g'))).toThrow('global tables are not versioned');
    expect(() => builder.table('u', texts, { kind: 'versioned' })).toThrow('needs the option historyRetentionMs');
    expect(() => builder.table('u', texts, { ...versions('u'), caching: true })).toThrow('has no cache');
  });

  test('come back from the disk and from the changelog, and so do records that wait', async () => {
    const embedded = await openEmbedded();
    const client = embedded.connect();
    const stateDir = mkdtempSync(join(tmpdir(), 'millrace-versioned-'));
    const build = () => {
      const builder = new StreamsBuilder();
      const table = builder.table('R', texts, versions('r'));
      builder
        .stream<string, string>('L', texts)
        .leftJoin(table, joiner, { name: 'j', gracePeriodMs: 5 })
        .to('out', texts);
      return builder.build();
    };
    const admin = client.admin();
    await admin.createTopics(['L', 'R', 'out'].map((name) => ({ name, partitions: 1 })));
    const producer = client.producer();
    const send = (topic: string, value: string, timestamp: number) =>
      producer.send({ topic, key: serialize(text, 'k'), value: serialize(text, value), timestamp });
    const seen: string[] = [];
    const consumer = client.consumer({ autoOffsetReset: 'earliest' });
    consumer.assign([{ topic: 'out', partition: 0, offset: 0 }]);
    try {
      await send('R', 'a', 10);
      await send('R', 'b', 20);
      await send('L', 'x', 15);
      for (const [settings, late] of [
        [{ stateDir }, 18],
        [{ stateDir }, 26],
        [{ stateDir: '' }, 40],
      ] as const) {
        const app = new KafkaStreams(build(), { client, applicationId: 'versions', commitIntervalMs: 10, ...settings });
        await app.start();
        await send('L', `at${late}`, late);
        while (Object.values(await app.lag()).some((lag) => lag > 0)) await new Promise((turn) => setImmediate(turn));
        expect(app.store('r').versioned<string, string>().get('k', 15)?.value).toBe('a');
        await app.close();
      }
      while (seen.length < 3) {
        for (const { cursor } of await consumer.poll(1000)) {
          while (cursor.advance()) seen.push(cursor.bytes.toString('utf8', cursor.valueStart, cursor.valueEnd));
        }
      }
      expect(seen).toEqual(['x-a', 'at18-a', 'at26-b']);
      expect(
        (await admin.topicConfigs('versions-r-changelog')).find(({ name }) => name === 'min.compaction.lag.ms'),
      ).toMatchObject({ value: String(1000 + 24 * 60 * 60 * 1000) });
    } finally {
      await consumer.close();
      await producer.close();
      await client.close();
      await embedded.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});
