// The topologies of Topologies.java, by the same names.
/* oxlint-disable unicorn/no-thenable -- it is the name of the option */
import type { Serde } from '../../../src/serde/index.ts';
import {
  JoinWindows,
  type KStream,
  type KTable,
  SessionWindows,
  SlidingWindows,
  Stores,
  type StreamsBuilder,
  TimeWindows,
  UnlimitedWindows,
  type Windowed,
} from '../../../src/streams/index.ts';
import { text } from '../support.ts';

type Stream = KStream<string | null, string | null>;
type Table = KTable<string, string>;

const texts = { key: text, value: text };
const stream = (b: StreamsBuilder, topic: string): Stream => b.stream<string | null, string | null>(topic, texts);
const table = (b: StreamsBuilder, topic: string): Table => b.table<string, string>(topic, texts);
const num = (value: string | null): number => Number(value);
const pair = (a: unknown, b: unknown): string => `${a as string}/${b as string}`;
const present = (b: StreamsBuilder): KStream<string | null, string> =>
  stream(b, 'a').filter((_key, value) => value !== null);
const grouped = (b: StreamsBuilder) => present(b).groupByKey();
const named = <K extends string | null>(name: string) => ({ name, key: text as Serde<NonNullable<K>>, value: text });

function out(results: { to: Stream['to'] } | { toStream: Table['toStream'] }): void {
  const records = 'toStream' in results ? results.toStream() : results;
  (records as Stream).to('out', texts);
}
function outLong(counts: KTable<string | null, number>): void {
  out(counts.toStream().mapValues((_key, count) => (count === null ? null : String(count)), { value: text }) as never);
}
function outWindows<V>(results: KTable<Windowed<string | null>, V>): void {
  results
    .toStream((window) => `${window.key}[${window.start}-${window.end}]`)
    .mapValues((_key, value) => (value === null ? null : String(value)), { value: text })
    .to('out', texts as never);
}

function outWindowStarts<V>(results: KTable<Windowed<string | null>, V>): void {
  results
    .toStream((window) => `${window.key}[${window.start}`)
    .mapValues((_key, value) => (value === null ? null : String(value)), { value: text })
    .to('out', texts as never);
}

const tumbling = TimeWindows.ofSizeAndGrace;
const within = JoinWindows.ofTimeDifferenceAndGrace;
const concat = [() => '0', (_key: unknown, value: string, all: string) => all + value] as const;
const windowed = { name: 'w', value: text };
const versions = (b: StreamsBuilder, topic: string): Table =>
  b.table<string, string>(topic, texts, Stores.persistentVersionedKeyValueStore(`versions-${topic}`, 30, 10));
const mod = (value: string | null, by: number): string => `r${num(value) % by}`;

export const topologies: Readonly<Record<string, (b: StreamsBuilder) => void>> = {
  'filter-map': (b) =>
    out(
      stream(b, 'a')
        .filter((_key, value) => value !== null && num(value) > 2)
        .mapValues((_key, value) => `${value}!`, { value: text }),
    ),
  'filter-not': (b) => out(stream(b, 'a').filterNot((_key, value) => value === null)),
  map: (b) => out(stream(b, 'a').map((key, value) => [value, key], texts as never)),
  'flat-map': (b) =>
    out(
      present(b).flatMap(
        (key, value) => Array.from({ length: num(value) % 4 }, (_, i) => [`${key}${i}`, value] as const),
        texts,
      ),
    ),
  branch: (b) => {
    const tag = (mark: (value: string | null) => string) => (s: Stream) => {
      out(s.mapValues((_key, value) => mark(value), { value: text }));
      return s;
    };
    stream(b, 'a')
      .split({ name: 's-' })
      .branch((_key, value) => value === null, { then: tag(() => 'none') })
      .branch((_key, value) => num(value) % 2 === 0, { then: tag((value) => `even${value}`) })
      .defaultBranch({ then: tag((value) => `odd${value}`) });
  },
  merge: (b) => out(stream(b, 'a').merge(stream(b, 'b').mapValues((_key, value) => `b${value}`, { value: text }))),
  'select-key-repartition': (b) =>
    out(
      present(b)
        .selectKey((_key, value) => mod(value, 3))
        .repartition({ ...texts, name: 're' }),
    ),
  'to-table': (b) => out(stream(b, 'a').toTable(named('t') as never) as Table),
  'to-table-other-key': (b) =>
    out(
      present(b)
        .selectKey((_key, value) => mod(value, 2))
        .toTable(named('t')),
    ),

  count: (b) => outLong(stream(b, 'a').groupByKey().count({ name: 'c' })),
  reduce: (b) =>
    out(
      stream(b, 'a')
        .groupByKey()
        .reduce((x, y) => x + y, named('r')) as Table,
    ),
  aggregate: (b) =>
    out(
      stream(b, 'a')
        .groupByKey()
        .aggregate(...concat, named('r')) as Table,
    ),
  'aggregate-null': (b) =>
    out(
      stream(b, 'a')
        .groupByKey()
        .aggregate<string | null>(
          () => '0',
          (_key, value, all) => (num(value) > 6 ? null : `${all}${value}`),
          named('r'),
        ) as Table,
    ),
  'group-by': (b) =>
    outLong(
      present(b)
        .groupBy((_key, value) => (num(value) % 2 === 0 ? 'even' : null), texts)
        .count({ name: 'c' }),
    ),
  cogroup: (b) =>
    out(
      stream(b, 'a')
        .groupByKey()
        .cogroup<string>((_key, value, all) => `${all}a${value}`)
        .cogroup(stream(b, 'b').groupByKey(), (_key, value, all) => `${all}b${value}`)
        .aggregate(() => '', named('r')) as Table,
    ),

  'cogroup-tumbling': (b) =>
    outWindows(
      cogrouped(b)
        .windowedBy(tumbling(20, 11))
        .aggregate(() => '', { ...windowed, retentionMs: 10_000 }),
    ),
  'cogroup-sliding': (b) =>
    outWindows(
      cogrouped(b)
        .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 31))
        .aggregate(() => '', windowed),
    ),
  'cogroup-session': (b) =>
    outWindows(
      cogrouped(b)
        .windowedBy(SessionWindows.ofInactivityGapAndGrace(14, 27))
        .aggregate(
          () => '',
          (_key, x, y) => x + y,
          windowed,
        ),
    ),

  'tumbling-count': (b) => outWindows(grouped(b).windowedBy(tumbling(20, 5)).count({ name: 'c' })),
  'tumbling-reduce': (b) =>
    outWindows(
      grouped(b)
        .windowedBy(tumbling(20, 35))
        .reduce((x, y) => x + y, windowed),
    ),
  'tumbling-no-grace': (b) =>
    outWindows(
      grouped(b)
        .windowedBy(tumbling(10, 0))
        .aggregate(...concat, windowed),
    ),
  hopping: (b) =>
    outWindows(
      grouped(b)
        .windowedBy(tumbling(20, 11).advanceBy(10))
        .aggregate(...concat, windowed),
    ),
  'tumbling-final': (b) =>
    outWindows(
      grouped(b)
        .windowedBy(tumbling(20, 5))
        .emitStrategy('onWindowClose')
        .aggregate(...concat, windowed),
    ),
  'hopping-final': (b) =>
    outWindows(
      grouped(b)
        .windowedBy(tumbling(20, 11).advanceBy(10))
        .emitStrategy('onWindowClose')
        .reduce((x, y) => x + y, windowed),
    ),
  sliding: (b) =>
    outWindows(
      grouped(b)
        .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 31))
        .aggregate(...concat, windowed),
    ),
  'sliding-final': (b) =>
    outWindows(
      grouped(b)
        .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 31))
        .emitStrategy('onWindowClose')
        .aggregate(...concat, { ...windowed, retentionMs: 10_000 }),
    ),
  'session-count': (b) =>
    outWindows(grouped(b).windowedBy(SessionWindows.ofInactivityGapAndGrace(10, 10)).count({ name: 'c' })),
  'session-aggregate': (b) =>
    outWindows(
      grouped(b)
        .windowedBy(SessionWindows.ofInactivityGapAndGrace(14, 27))
        .aggregate(
          () => '',
          (_key, value, all) => all + value,
          (_key, x, y) => x + y,
          windowed,
        ),
    ),
  'session-final': (b) =>
    outWindows(
      grouped(b)
        .windowedBy(SessionWindows.ofInactivityGapAndGrace(10, 10))
        .emitStrategy('onWindowClose')
        .aggregate(
          () => '',
          (_key, value, all) => all + value,
          (_key, x, y) => x + y,
          { ...windowed, retentionMs: 10_000 },
        ),
    ),
  'suppress-window': (b) =>
    outWindows(
      grouped(b).windowedBy(tumbling(20, 5)).count({ name: 'c' }).suppress({ until: 'windowCloses' }) as KTable<
        Windowed<string | null>,
        number
      >,
    ),
  'suppress-time': (b) => out(table(b, 'a').suppress({ until: 'timeLimit', ms: 10 })),
  'suppress-records': (b) => out(table(b, 'a').suppress({ until: 'timeLimit', ms: 1000, maxRecords: 2 })),

  join: (b) => out(valued(stream(b, 'a').join(stream(b, 'b'), pair, within(10, 15), { name: 'j' }))),
  'join-left': (b) => out(valued(stream(b, 'a').leftJoin(stream(b, 'b'), pair, within(10, 15), { name: 'j' }))),
  'join-outer': (b) => out(valued(stream(b, 'a').outerJoin(stream(b, 'b'), pair, within(10, 15), { name: 'j' }))),
  'join-before-after': (b) =>
    out(valued(stream(b, 'a').join(stream(b, 'b'), pair, within(20, 12).before(2), { name: 'j' }))),
  'join-self': (b) => {
    const own = stream(b, 'a');
    out(valued(own.join(own, pair, within(10, 15), { name: 'j' })));
  },
  'join-other-key': (b) => {
    const rekeyed = (topic: string) =>
      stream(b, topic)
        .filter((_key, value) => value !== null)
        .selectKey((_key, value) => mod(value, 2), { key: text });
    out(valued(rekeyed('a').join(rekeyed('b'), pair, within(10, 15), { name: 'j' })));
  },
  'join-count': (b) =>
    outLong(
      valued(stream(b, 'a').join(stream(b, 'b'), pair, within(10, 15), { name: 'j' }))
        .groupByKey()
        .count({ name: 'c' }),
    ),
  'join-three': (b) =>
    out(
      valued(
        valued(stream(b, 'a').join(stream(b, 'b'), pair, within(10, 15), { name: 'j' })).join(
          stream(b, 'c'),
          pair,
          within(10, 15),
          { name: 'j3' },
        ),
      ),
    ),

  'stream-table': (b) => out(valued(stream(b, 'a').join(table(b, 'b'), pair))),
  'stream-table-left': (b) => out(valued(stream(b, 'a').leftJoin(table(b, 'b'), pair))),
  'stream-aggregate': (b) =>
    out(
      valued(
        stream(b, 'a').join(
          stream(b, 'b')
            .groupByKey()
            .reduce((x, y) => x + y, named('r')),
          pair,
        ),
      ),
    ),
  global: (b) =>
    out(
      valued(
        stream(b, 'a').joinGlobal(
          b.globalTable<string, string>('b', texts),
          (key, value) => (value === null ? key : `k${num(value) % 3}`),
          pair,
        ),
      ),
    ),
  'global-left': (b) =>
    out(
      valued(
        stream(b, 'a').leftJoinGlobal(
          b.globalTable<string, string>('b', texts),
          (_key, value) => (value === null ? null : `k${num(value) % 3}`),
          pair,
        ),
      ),
    ),

  'table-filter': (b) => out(table(b, 'a').filter((_key, value) => num(value) % 2 === 0)),
  'table-filter-stored': (b) =>
    out(table(b, 'a').filterNot((_key, value) => num(value) % 2 === 0, { materialized: named('f') })),
  'table-map': (b) => out(table(b, 'a').mapValues((_key, value) => `${value}!`, { value: text })),
  'table-map-stored': (b) =>
    out(
      table(b, 'a')
        .mapValues((_key, value) => `${value}!`, { materialized: named('m') })
        .filter((_key, value) => value.length > 2),
    ),
  'table-join': (b) => out(table(b, 'a').join(table(b, 'b'), pair, { value: text })),
  'table-left': (b) => out(table(b, 'a').leftJoin(table(b, 'b'), pair, { value: text })),
  'table-outer': (b) => out(table(b, 'a').outerJoin(table(b, 'b'), pair, { value: text })),
  'table-join-stored': (b) =>
    out(
      table(b, 'a')
        .leftJoin(table(b, 'b'), pair, { materialized: named('j') })
        .mapValues((_key, value) => `${value}!`, { value: text }),
    ),
  'table-three': (b) =>
    out(
      table(b, 'a')
        .join(table(b, 'b'), pair, { name: 'one', value: text })
        .outerJoin(table(b, 'c'), pair, { name: 'two', value: text }),
    ),
  'table-foreign': (b) =>
    out(table(b, 'a').joinForeign(table(b, 'b'), (value) => `k${num(value) % 3}`, pair, { materialized: named('j') })),
  'table-foreign-left': (b) =>
    out(
      table(b, 'a').leftJoinForeign(table(b, 'b'), (value) => (num(value) > 7 ? null : `k${num(value) % 3}`), pair, {
        materialized: named('j'),
      }),
    ),
  'table-count': (b) =>
    outLong(
      table(b, 'a')
        .groupBy((_key, value) => [mod(value, 2), value], texts)
        .count({ name: 'c' }),
    ),
  'table-reduce': (b) =>
    out(
      table(b, 'a')
        .groupBy((_key, value) => [mod(value, 2), value], texts)
        .reduce(
          (x, y) => String(num(x) + num(y)),
          (x, y) => String(num(x) - num(y)),
          named('r'),
        ),
    ),
  'table-aggregate': (b) =>
    out(
      table(b, 'a')
        .groupBy((_key, value) => [mod(value, 3), value], texts)
        .aggregate(
          () => '',
          (_key, value, all) => `${all}+${value}`,
          (_key, value, all) => `${all}-${value}`,
          named('r'),
        ),
    ),
  'table-stream-count': (b) =>
    outLong(
      table(b, 'a')
        .toStream()
        .filter((_key, value) => value !== null)
        .groupByKey()
        .count({ name: 'c' }),
    ),

  'process-store': (b) => {
    b.addStateStore({ kind: 'key-value', name: 'seen', key: text, value: text });
    out(
      stream(b, 'a').process<string | null, string>(
        (context) => {
          const store = context.keyValueStore<string, string>('seen');
          return {
            process: ({ key, value }) => {
              if (key === null) return;
              const before = store.get(key);
              if (value === null) store.delete(key);
              else store.put(key, value);
              context.forward({ key, value: `${before}>${value}` });
            },
          };
        },
        { stores: ['seen'], ...texts },
      ),
    );
  },
  'process-punctuate': (b) =>
    out(
      present(b).process<string, string>((context) => {
        let count = 0;
        context.schedule(20, 'streamTime', (timestamp) =>
          context.forward({ key: 'tick', value: String(count), timestamp }),
        );
        return { process: () => void count++ };
      }, texts),
    ),
  'process-range': (b) => {
    b.addStateStore({ kind: 'key-value', name: 'rows', key: text, value: text });
    out(
      present(b)
        .filter((key) => key !== null)
        .process<string | null, string>(
          (context) => {
            const store = context.keyValueStore<string, string>('rows');
            return {
              process: ({ key, value }) => {
                store.put(key! + value, value);
                const rows = [...store.range(key!, `${key}9`)].map((row) => row.key);
                context.forward({ key, value: rows.join(' ') });
              },
            };
          },
          { stores: ['rows'], ...texts },
        ),
    );
  },

  'versioned-to-stream': (b) => out(versions(b, 'a')),
  'versioned-stream-table': (b) => out(present(b).join(versions(b, 'b'), pair, texts)),
  'versioned-stream-table-left': (b) => out(present(b).leftJoin(versions(b, 'b'), pair, texts)),
  'versioned-stream-table-mapped': (b) =>
    out(
      present(b).join(
        versions(b, 'b')
          .filter((_key, value) => num(value) > 2)
          .mapValues((_key, value) => `${value}!`),
        pair,
        texts,
      ),
    ),
  'versioned-grace': (b) => out(present(b).join(versions(b, 'b'), pair, { ...texts, name: 'j', gracePeriodMs: 12 })),
  'versioned-grace-left': (b) =>
    out(
      present(b)
        .filter((key) => key !== null)
        .leftJoin(versions(b, 'b'), pair, { ...texts, name: 'j', gracePeriodMs: 12 }),
    ),
  'versioned-tables': (b) => out(versions(b, 'a').join(versions(b, 'b'), pair, { value: text })),
  'versioned-tables-left': (b) => out(versions(b, 'a').leftJoin(table(b, 'b'), pair, { value: text })),
  'versioned-tables-outer': (b) => out(table(b, 'a').outerJoin(versions(b, 'b'), pair, { value: text })),
  'versioned-group': (b) =>
    outLong(
      versions(b, 'a')
        .groupBy((_key, value) => [mod(value, 3), value], texts)
        .count({ name: 'c' }),
    ),
  'versioned-foreign': (b) =>
    out(
      versions(b, 'a').joinForeign(versions(b, 'b'), (value) => `k${num(value) % 3}`, pair, {
        result: text,
        name: 'fk',
      }),
    ),
  'versioned-results': (b) =>
    out(
      stream(b, 'a')
        .toTable({ key: text, value: text, name: 't' })
        .filter((_key, value) => num(value as string) > 2, {
          materialized: { ...Stores.persistentVersionedKeyValueStore('v', 30, 10), ...texts },
        }) as Table,
    ),

  unlimited: (b) => outWindowStarts(grouped(b).windowedBy(UnlimitedWindows.of()).count({ name: 'w' })),
  'unlimited-from': (b) =>
    outWindowStarts(
      grouped(b)
        .windowedBy(UnlimitedWindows.of().startOn(60))
        .reduce((x, y) => x + y, windowed),
    ),
};

function cogrouped(b: StreamsBuilder) {
  const others = stream(b, 'b').filter((_key, value) => value !== null);
  return grouped(b)
    .cogroup<string>((_key, value, all) => `${all}a${value}`)
    .cogroup(others.groupByKey(), (_key, value, all) => `${all}b${value}`);
}

/** What joins write is text. */
function valued(joined: KStream<string | null, string>): KStream<string | null, string> {
  return joined.mapValues((_key, value) => value, { value: text });
}
