// Stateless operators, names, what is decoded, and what happens to records that can't be processed.
import { describe, expect, test } from 'vitest';
import type { Serde } from '../../src/serde/index.ts';
import { JoinWindows, type KStream, StreamsBuilder, TimeWindows, TopologyTestDriver } from '../../src/streams/index.ts';
import { MillraceError } from '../../src/util/index.ts';
import { Driven, drive, long, text, texts } from './support.ts';

function counting(inner: Serde<string>): Serde<string> & { decoded: number; encoded: number } {
  const serde = {
    name: 'COUNTING',
    decoded: 0,
    encoded: 0,
    encode: (value: string, out: Parameters<Serde<string>['encode']>[1]) => {
      serde.encoded++;
      inner.encode(value, out);
    },
    decode: (bytes: Buffer, start: number, end: number) => {
      serde.decoded++;
      return inner.decode(bytes, start, end);
    },
  };
  return serde;
}

describe('stateless operators', () => {
  const run = (
    make: (stream: KStream<string, string>) => KStream<string, string>,
    ...records: [string | null, string | null][]
  ): string[] => {
    const builder = new StreamsBuilder();
    make(builder.stream<string, string>('in', texts)).to('out', texts);
    const driven = drive(builder);
    records.forEach(([key, value], i) => driven.pipe('in', key, value, i));
    return driven.out();
  };

  test('filter and map', () => {
    expect(run((s) => s.filter((_k, v) => v !== 'no'), ['a', 'yes'], ['b', 'no'])).toEqual(['a:yes@0']);
    expect(run((s) => s.filterNot((_k, v) => v !== 'no'), ['a', 'yes'], ['b', 'no'])).toEqual(['b:no@1']);
    expect(run((s) => s.mapValues((v) => `${v}!`), ['a', 'x'])).toEqual(['a:a!@0']);
    expect(run((s) => s.map((k, v) => [v, k]), ['a', 'x'])).toEqual(['x:a@0']);
    expect(run((s) => s.selectKey((_k, v) => v), ['a', 'x'])).toEqual(['x:x@0']);
    expect(run((s) => s.flatMapValues((_k, v) => v.split(' ')), ['a', 'x y'])).toEqual(['a:x@0', 'a:y@0']);
    expect(
      run(
        (s) =>
          s.flatMap(function* (k, v) {
            yield [v, k];
            yield [k, v];
          }),
        ['a', 'x'],
      ),
    ).toEqual(['x:a@0', 'a:x@0']);
  });

  test('nulls go through as they are', () => {
    expect(run((s) => s.peek(() => {}), [null, 'x'], ['a', null])).toEqual(['∅:x@0', 'a:∅@1']);
  });

  test('split sends a record to the first branch that takes it', () => {
    const builder = new StreamsBuilder();
    const branches = builder
      .stream<string, string>('in', texts)
      .split({ name: 'by-' })
      .branch((_k, v) => v.startsWith('a'), { name: 'a' })
      .branch((_k, v) => v.length > 1)
      .defaultBranch();
    expect([...branches.keys()]).toEqual(['by-a', 'by-2', 'by-0']);
    for (const [name, branch] of branches) branch.to(name, texts);
    const driven = drive(builder).pipe('in', 'k', 'ab').pipe('in', 'k', 'xy').pipe('in', 'k', 'x');
    expect(['by-a', 'by-2', 'by-0'].map((topic) => driven.values(topic))).toEqual([['ab@0'], ['xy@0'], ['x@0']]);
  });

  test('merge, through, repartition, and topics chosen per record', () => {
    const builder = new StreamsBuilder();
    const one = builder.stream<string, string>('one', texts);
    const merged = one.merge(builder.stream<string, string>('two', texts));
    merged
      .repartition({ name: 'again' })
      .through('middle')
      .to((_key, value) => `out-${value}`);
    const driven = drive(builder).pipe('one', 'k', 'x').pipe('two', null, 'y');
    expect(driven.out('out-x')).toEqual(['k:x@0']);
    expect(driven.out('out-y')).toEqual(['∅:y@0']);
    expect(driven.driver.read('test-again-repartition')).toHaveLength(2);
  });

  test('functions are told where a record comes from', () => {
    const builder = new StreamsBuilder();
    const seen: unknown[] = [];
    builder.stream<string, string>('in', texts).foreach((_k, _v, { topic, partition, offset, timestamp, headers }) => {
      seen.push([topic, partition, offset, timestamp, headers.map((h) => h.key)]);
    });
    const driver = new TopologyTestDriver(builder.build());
    driver.pipe('in', null, Buffer.from('x'), 5);
    driver.pipe('in', null, Buffer.from('x'), 6, [{ key: 'trace', value: null }]);
    expect(seen).toEqual([
      ['in', 0, 0, 5, []],
      ['in', 0, 1, 6, ['trace']],
    ]);
  });

  test('headers go along, also through a repartition', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupBy((_k, v) => v, texts)
      .count()
      .toStream()
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    driver.pipe('in', null, Buffer.from('x'), 5, [{ key: 'trace', value: Buffer.from('1') }]);
    expect(driver.read('out')[0]!.headers).toEqual([{ key: 'trace', value: Buffer.from('1') }]);
  });

  test('event time can be taken from the record', () => {
    const builder = new StreamsBuilder();
    builder.stream<string, string>('in', { ...texts, timestampExtractor: (_k, v) => Number(v) }).to('out');
    const driven = drive(builder).pipe('in', 'k', '7', 100).pipe('in', 'k', '-1', 100);
    expect(driven.out()).toEqual(['k:7@7']);
    expect(driven.driver.dropped().get('negative-timestamp')).toBe(1);
  });
});

describe('decoding', () => {
  test('what nobody reads is moved by its bytes', () => {
    const key = counting(text);
    const value = counting(text);
    const builder = new StreamsBuilder();
    const stream = builder.stream<string, string>('in', { key, value });
    stream.to('copy');
    stream.groupByKey().count().toStream().to('counts');
    stream.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(10)).count().toStream().to('windows');
    const driven = drive(builder).pipe('in', 'k', 'x', 1);
    expect(driven.out('copy')).toEqual(['k:x@1']);
    expect(driven.out('counts', long)).toEqual(['k:1@1']);
    expect(driven.windows(10, 'windows', long)).toEqual(['k[0,10]1@1']);
    expect([key.decoded, key.encoded, value.decoded, value.encoded]).toEqual([0, 0, 0, 0]);
  });

  test('a function that says what it reads gets only that', () => {
    const key = counting(text);
    const value = counting(text);
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', { key, value })
      .filter((_k, v) => v === 'x', { reads: 'value' })
      .to('out');
    expect(drive(builder).pipe('in', 'k', 'x').pipe('in', 'k', 'y').out()).toEqual(['k:x@0']);
    expect([key.decoded, value.decoded, key.encoded, value.encoded]).toEqual([0, 2, 0, 0]);
  });

  test('the table of a stream keeps its keys by their bytes', () => {
    const key = counting(text);
    const builder = new StreamsBuilder();
    const table = builder.table<string, string>('t', { key, value: text });
    builder
      .stream<string, string>('in', { key, value: text })
      .join(table, (value, other) => value + other)
      .to('out', { value: text });
    expect(drive(builder).pipe('t', 'k', '1').pipe('in', 'k', 'x').out()).toEqual(['k:x1@0']);
    expect([key.decoded, key.encoded]).toEqual([0, 0]);
  });
});

describe('names', () => {
  test('come from the structure, and do not change when an operator is put in front', () => {
    const names = (prepare: (stream: KStream<string, string>) => KStream<string, string>): string[] => {
      const builder = new StreamsBuilder();
      prepare(builder.stream<string, string>('orders', texts))
        .groupBy((_k, v) => v, texts)
        .count();
      const topology = builder.build();
      return [...topology.stores.keys(), ...topology.internalTopics.keys()];
    };
    expect(names((s) => s)).toEqual(['orders-count', 'orders-count-repartition']);
    expect(names((s) => s.filter(() => true).mapValues((_k, v) => v))).toEqual(names((s) => s));
  });

  test('can be given', () => {
    const builder = new StreamsBuilder();
    const left = builder.stream<string, string>('l', texts).selectKey((_k, v) => v);
    const right = builder.stream<string, string>('r', texts);
    left.leftJoin(right, (a, b) => `${a}${b}`, JoinWindows.ofTimeDifferenceWithNoGrace(5), {
      ...texts,
      name: 'Join',
      otherValue: text,
    });
    right.groupBy((_k, v) => v, { ...texts, name: 'GroupBy' }).count({ name: 'Aggregate-Materialize' });
    const topology = builder.build();
    expect([...topology.internalTopics.keys()]).toEqual(['Join-left-repartition', 'GroupBy-repartition']);
    expect([...topology.stores.keys()]).toEqual([
      'Join-this-join-store',
      'Join-other-join-store',
      'Join-left-shared-join-store',
      'Aggregate-Materialize',
    ]);
    expect(() => right.groupByKey().count({ name: 'Aggregate-Materialize' })).toThrow(/two state stores are named/);
  });

  test('are described as Kafka Streams does', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupBy((_k, v) => v, texts)
      .count({ name: 'counts' })
      .toStream()
      .to('out');
    expect(builder.build().describe().toString()).toBe(`Topologies:
   Sub-topology: 0
    Source: in-source (topics: [in])
      --> in-select-key
    Processor: in-select-key (stores: [])
      --> counts-repartition-sink
      <-- in-source
    Sink: counts-repartition-sink (topic: counts-repartition)
      <-- in-select-key

   Sub-topology: 1
    Source: counts-repartition-source (topics: [counts-repartition])
      --> counts-aggregate
    Processor: counts-aggregate (stores: [counts])
      --> counts-to-stream
      <-- counts-repartition-source
    Processor: counts-to-stream (stores: [])
      --> out-sink
      <-- counts-aggregate
    Sink: out-sink (topic: out)
      <-- counts-to-stream
`);
  });

  test('a missing serde is asked for', () => {
    const builder = new StreamsBuilder();
    const stream = builder.stream<string, string>('in', texts);
    expect(() => stream.groupBy((_k, v) => v).count()).toThrow(/needs a key serde/);
  });

  test('the same topic read twice is one source', () => {
    const builder = new StreamsBuilder();
    builder.stream<string, string>('in', texts).to('a');
    builder.stream<string, string>('in', texts).to('b');
    expect(() => builder.stream<string, number>('in', { key: text, value: long })).toThrow(/different serdes/);
    const driven = drive(builder).pipe('in', 'k', 'v');
    expect([driven.out('a'), driven.out('b')]).toEqual([['k:v@0'], ['k:v@0']]);
  });
});

describe('records that fail', () => {
  const strict: Serde<string> = {
    ...text,
    decode: (bytes, start, end) => {
      const value = bytes.toString('utf8', start, end);
      if (value === 'bad') throw new MillraceError('BAD', 'a bad value');
      return value;
    },
  };

  test('undecodable ones are reported and skipped, or stop the application', () => {
    const build = (): StreamsBuilder => {
      const builder = new StreamsBuilder();
      builder
        .stream<string, string>('in', { key: text, value: strict })
        .peek(() => {})
        .to('out');
      return builder;
    };
    const reports: string[] = [];
    const skipping = drive(build(), {
      onDecodeError: (error, record) => {
        reports.push(`${record.topic}@${record.offset} ${record.part} ${record.rawValue}: ${(error as Error).message}`);
        return 'continue';
      },
    });
    expect(skipping.pipe('in', 'k', 'bad').pipe('in', 'k', 'good').out()).toEqual(['k:good@0']);
    expect(reports).toEqual(['in@0 value bad: a bad value']);
    expect(() => drive(build()).pipe('in', 'k', 'bad')).toThrow(
      /the value of the record at in-0@0 can't be decoded: a bad value/,
    );
  });

  test('a function that throws leaves out its record, or stops the application', () => {
    const build = (): StreamsBuilder => {
      const builder = new StreamsBuilder();
      const stream = builder.stream<string, string>('in', texts);
      stream
        .mapValues((_k, v) => {
          if (v === 'bad') throw new Error('no');
          return v;
        })
        .to('out', texts);
      stream.to('all');
      return builder;
    };
    const nodes: string[] = [];
    const skipping = drive(build(), {
      onProcessingError: (_error, record) => {
        nodes.push(record.node);
        return 'continue';
      },
    });
    skipping.pipe('in', 'k', 'bad').pipe('in', 'k', 'good');
    expect(skipping.out()).toEqual(['k:good@0']);
    expect(skipping.values('all')).toEqual(['bad@0', 'good@0']);
    expect(nodes).toEqual(['in-map-values']);
    expect(() => drive(build()).pipe('in', 'k', 'bad')).toThrow(/in-map-values failed at in-0@0: no/);
  });
});

describe('processors', () => {
  test('keep state, forward, and are called by the clock', () => {
    const builder = new StreamsBuilder();
    builder.addStateStore({ kind: 'key-value', name: 'last', key: text, value: text });
    builder
      .stream<string, string>('in', texts)
      .process<string, string>(
        (context) => {
          const last = context.keyValueStore<string, string>('last');
          context.schedule(100, 'wallClock', (timestamp) => {
            for (const { key, value } of last.all()) context.forward({ key, value: `wall ${value}`, timestamp });
          });
          context.schedule(10, 'streamTime', (timestamp) => context.forward({ key: 't', value: 'tick', timestamp }));
          return {
            process({ key, value }) {
              context.forward({ key, value: `${last.get(key) ?? 'none'}>${value}` });
              last.put(key, value);
            },
          };
        },
        { stores: ['last'] },
      )
      .to('out', texts);
    const driven = new Driven(new TopologyTestDriver(builder.build()));
    expect(driven.pipe('in', 'k', 'a', 1).pipe('in', 'k', 'b', 2).pipe('in', 'k', 'c', 35).out()).toEqual([
      'k:none>a@1',
      't:tick@1',
      'k:a>b@2',
      'k:b>c@35',
      't:tick@35',
    ]);
    driven.driver.advanceWallClock(350);
    expect(driven.out()).toEqual(['k:wall c@350']);
    expect(driven.driver.store('last').keyValue<string, string>().get('k')).toBe('c');
  });

  test('walk through a store that is in memory by declaration, and read any other key by key', () => {
    const errors: string[] = [];
    for (const storeType of [undefined, 'IN_MEMORY', 'PERSISTENT'] as const) {
      const builder = new StreamsBuilder();
      const type = storeType === undefined ? {} : { storeType };
      builder.addStateStore({ kind: 'key-value', name: 'rows', key: text, value: text, ...type });
      builder.addStateStore({ kind: 'session', name: 'spans', key: text, value: text, retentionMs: 1000, ...type });
      const size = { retentionMs: 1000, windowSizeMs: 10 };
      builder.addStateStore({ kind: 'window', name: 'windows', key: text, value: text, ...size, ...type });
      builder
        .stream<string, string>('in', texts)
        .process<string, string>(
          (context) => {
            const rows = context.keyValueStore<string, string>('rows');
            const spans = context.sessionStore<string, string>('spans');
            const windows = context.windowStore<string, string>('windows');
            return {
              process({ key, value, timestamp }) {
                rows.put(key, value);
                spans.put(key, timestamp, timestamp + 1, value);
                windows.put(key, value, timestamp);
                const found = [rows.get(key), ...[...windows.fetch(key, 0, 100)].map((entry) => entry.value)];
                for (const walk of [
                  () => rows.range('a', 'k'),
                  () => rows.all(),
                  () => spans.all(),
                  () => windows.all(),
                ]) {
                  try {
                    found.push(...[...walk()].map((entry) => entry.value));
                  } catch (error) {
                    errors.push((error as { code: string }).code);
                  }
                }
                context.forward({ key, value: found.join() });
              },
            };
          },
          { stores: ['rows', 'spans', 'windows'] },
        )
        .to('out', texts);
      const driven = new Driven(new TopologyTestDriver(builder.build()));
      const found = storeType === 'PERSISTENT' ? 'v,v' : 'v,v,v,v,v,v';
      expect(driven.pipe('in', 'k', 'v', 7).out()).toEqual([`k:${found}@7`]);
    }
    expect(errors).toEqual(Array.from({ length: 4 }, () => 'STORE_NOT_IN_MEMORY'));
  });

  test('transformValues makes a table from another, with state', () => {
    const builder = new StreamsBuilder();
    builder.addStateStore({ kind: 'key-value', name: 'versions', key: text, value: long });
    builder
      .table<string, string>('in', texts)
      .transformValues<string>(
        (context) => {
          const versions = context.keyValueStore<string, number>('versions');
          return (key, value) => {
            const version = (versions.get(key) ?? 0) + 1;
            versions.put(key, version);
            return `${value}#${version}`;
          };
        },
        { stores: ['versions'], value: text, materialized: { name: 'numbered' } },
      )
      .toStream()
      .to('out');
    const driven = drive(builder).pipe('in', 'k', 'a', 1).pipe('in', 'k', 'b', 2).pipe('in', 'k', null, 3);
    expect(driven.out()).toEqual(['k:a#1@1', 'k:b#2@2', 'k:∅@3']);
    expect(driven.driver.store('numbered').keyValue().size).toBe(0);
  });

  test('processValues keeps the key, so nothing is repartitioned', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .processValues<string>((context) => ({
        process: ({ value }) => {
          context.forward({ value });
          context.forward({ value: `${value}2` });
        },
      }))
      .groupByKey({ value: text })
      .count()
      .toStream()
      .to('out');
    expect(drive(builder).pipe('in', 'k', 'a', 1).out('out', long)).toEqual(['k:1@1', 'k:2@1']);
  });
});
