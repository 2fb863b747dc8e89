// Aggregates of tables, filters that know what was there, suppression, and emission once per commit.
import { describe, expect, test } from 'vitest';
import {
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  type Suppressed,
  TimeWindows,
} from '../../src/streams/index.ts';
import { type Driven, drive, long, text, texts } from './support.ts';

function pipe(driven: Driven, records: string): Driven {
  for (const record of records.trim().split(/\s+/)) {
    const [, key, value, timestamp] = /^([^:]+):(.+)@(\d+)$/.exec(record)!;
    driven.pipe('in', key!, value === '∅' ? null : value!, Number(timestamp));
  }
  return driven;
}

describe('grouped tables', () => {
  const add = (_key: string, value: string, aggregate: string): string => `${aggregate}+${value}`;
  const subtract = (_key: string, value: string, aggregate: string): string => `${aggregate}-${value}`;

  test('grouped by their own key', () => {
    const builder = new StreamsBuilder();
    builder
      .table<string, string>('in', texts)
      .groupBy((key, value) => [key, value], texts)
      .aggregate(() => '0', add, subtract, { value: text })
      .toStream()
      .to('out');
    expect(pipe(drive(builder), 'A:1@10 B:2@15 A:3@20 B:4@18 C:5@5 D:6@25 B:7@15 C:8@10').out().join(', ')).toBe(
      'A:0+1@10, B:0+2@15, A:0+1-1+3@20, B:0+2-2+4@18, C:0+5@5, D:0+6@25, B:0+2-2+4-4+7@18, C:0+5-5+8@10',
    );
  });

  test('grouped by value', () => {
    const builder = new StreamsBuilder();
    builder
      .table<string, string>('in', texts)
      .groupBy<string | null, string>(
        (key, value) => (key === 'NULL' ? null : [key === 'null' ? null : value, value]),
        texts,
      )
      .aggregate(() => '0', add as never, subtract as never, { value: text })
      .toStream()
      .to('out');
    const input = 'A:1@10 A:∅@15 A:1@12 B:2@20 null:3@25 B:4@23 NULL:5@24 B:7@22';
    expect(pipe(drive(builder), input).out().join(', ')).toBe(
      '1:0+1@10, 1:0+1-1@15, 1:0+1-1+1@15, 2:0+2@20, 2:0+2-2@23, 4:0+4@23, 4:0+4-4@23, 7:0+7@22',
    );
  });

  test('counted by value', () => {
    const builder = new StreamsBuilder();
    builder
      .table<string, string>('in', texts)
      .groupBy((_key, value) => [value, value], texts)
      .count()
      .toStream()
      .to('out');
    const input = 'A:green@10 B:green@9 A:blue@12 C:yellow@15 D:green@11';
    expect(pipe(drive(builder), input).out('out', long).join(', ')).toBe(
      'green:1@10, green:2@10, green:1@12, blue:1@12, yellow:1@15, green:2@12',
    );
  });
});

describe('stream aggregates', () => {
  test('count by a new key goes through a repartition topic', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupBy((_key, value) => value, { key: text })
      .count({ name: 'counts' })
      .toStream()
      .to('out');
    const driven = pipe(drive(builder), 'a:x@1 b:x@5 c:y@2 a:x@3');
    expect(driven.out('out', long)).toEqual(['x:1@1', 'x:2@5', 'y:1@2', 'x:3@5']);
    expect(driven.driver.outputTopics()).toEqual(['test-counts-repartition']);
    expect(driven.driver.store('counts').keyValue<string, number>().get('x')).toBe(3);
  });

  test('reduce begins with the first value; a null aggregate deletes', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .reduce((aggregate, value) => (value === 'end' ? (null as never) : `${aggregate}${value}`), { name: 'r' })
      .toStream()
      .to('out');
    const driven = pipe(drive(builder), 'a:x@1 a:y@2 a:end@3 a:z@4');
    expect(driven.out()).toEqual(['a:x@1', 'a:xy@2', 'a:∅@3', 'a:z@4']);
    expect(driven.driver.store('r').keyValue<string, string>().size).toBe(1);
  });

  test('an aggregator may change the aggregate in place, even where the old one is needed', () => {
    const list = {
      name: 'LIST',
      encode: (value: string[], out: { utf8(text: string): void }) => out.utf8(value.join(',')),
      decode: (bytes: Buffer, start: number, end: number) => bytes.toString('utf8', start, end).split(','),
    };
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .aggregate<string[]>(
        () => [],
        (_key, value, aggregate) => {
          aggregate.push(value);
          return aggregate;
        },
        { value: list },
      )
      .groupBy((_key, value) => ['all', value.length], { key: text, value: long })
      .reduce(
        (sum, added) => sum + added,
        (sum, removed) => sum - removed,
      )
      .toStream()
      .to('out');
    expect(pipe(drive(builder), 'a:x@1 b:x@2 a:y@3 a:z@4').out('out', long)).toEqual([
      'all:1@1',
      'all:2@2',
      'all:3@3',
      'all:4@4',
    ]);
  });

  test('cogroup: several streams, one aggregate', () => {
    const builder = new StreamsBuilder();
    const clicks = builder.stream<string, string>('in', texts).groupByKey();
    const views = builder.stream<string, string>('views', texts).groupByKey();
    clicks
      .cogroup<string>((_key, value, aggregate) => `${aggregate}c${value}`)
      .cogroup(views, (_key, value, aggregate) => `${aggregate}v${value}`)
      .aggregate(() => '', { value: text })
      .toStream()
      .to('out');
    expect(drive(builder).pipe('in', 'k', '1', 1).pipe('views', 'k', '2', 2).out()).toEqual(['k:c1@1', 'k:c1v2@2']);
  });

  test('a cached store emits the last value per key and commit', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .flatMapValues((_key, value) => value.split(','), { value: text })
      .groupByKey()
      .count()
      .toStream()
      .to('out');
    expect(pipe(drive(builder, { caching: true }), 'a:x,y,z@1 b:x@2 a:x,y@3').out('out', long)).toEqual([
      'a:3@1',
      'b:1@2',
      'a:5@3',
    ]);
  });

  test('a cached store hands on the value at the last flush as the old one', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .flatMapValues((_key, value) => value.split(','), { value: text })
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(100, 0))
      .count()
      .groupBy((_key, value) => ['all', value], { key: text, value: long })
      .reduce(
        (sum, added) => sum + added,
        (sum, removed) => sum - removed,
        { caching: false },
      )
      .toStream()
      .to('out');
    expect(pipe(drive(builder, { caching: true }), 'a:x,y@1 b:x@2 a:x@3').out('out', long)).toEqual([
      'all:2@1',
      'all:3@2',
      'all:4@3',
    ]);
  });
});

describe('filters of tables', () => {
  const run = (oldValues: boolean, stored: boolean): string[] => {
    const builder = new StreamsBuilder();
    builder
      .table<string, string>('in', texts)
      .filter((_key, value) => value.startsWith('y'), {
        oldValues,
        ...(stored ? { materialized: { name: 'passed' } } : {}),
      })
      .toStream()
      .to('out');
    return pipe(drive(builder), 'a:n1@1 a:y2@2 a:n3@3 a:n4@4 a:∅@5').out();
  };

  test('delete whatever does not pass', () => {
    expect(run(false, false)).toEqual(['a:∅@1', 'a:y2@2', 'a:∅@3', 'a:∅@4', 'a:∅@5']);
  });

  test('with old values they delete only what was there; a store of their own does not tell them', () => {
    expect(run(true, false)).toEqual(['a:y2@2', 'a:∅@3']);
    expect(run(true, true)).toEqual(['a:y2@2', 'a:∅@3']);
    expect(run(false, true)).toEqual(['a:∅@1', 'a:y2@2', 'a:∅@3', 'a:∅@4', 'a:∅@5']);
  });
});

describe('suppression', () => {
  const byValue = (suppressed: Suppressed, input: string): string[] => {
    const builder = new StreamsBuilder();
    builder
      .table<string, string>('in', texts)
      .groupBy((_key, value) => [value, value], texts)
      .count()
      .suppress(suppressed)
      .toStream()
      .to('out');
    return pipe(drive(builder), input).out('out', long);
  };

  test('for a time, which an update does not restart', () => {
    expect(byValue({ until: 'timeLimit', ms: 2 }, 'k1:v1@0 k1:v2@1 k2:v1@2')).toEqual(['v1:1@2']);
    expect(byValue({ until: 'timeLimit', ms: 2 }, 'k1:v1@0 k1:v2@1 k2:v1@2 tick:tick@3 tick:tock@4')).toEqual([
      'v1:1@2',
      'v2:1@1',
    ]);
  });

  test('within a number of records, the oldest goes early', () => {
    const limit = { until: 'timeLimit', ms: 1000, maxRecords: 1 } as const;
    expect(byValue(limit, 'k1:v1@0 k1:v2@1 k2:v1@2')).toEqual(['v1:0@1', 'v2:1@1']);
    expect(() => byValue({ ...limit, whenFull: 'fail' }, 'k1:v1@0 k1:v2@1')).toThrow(/holds more than 1 record/);
  });

  test('until tumbling windows close', () => {
    const run = (graceMs: number, times: number[]): string[] => {
      const builder = new StreamsBuilder();
      builder
        .stream<string, string>('in', texts)
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeAndGrace(2, graceMs))
        .count()
        .suppress({ until: 'windowCloses' })
        .toStream()
        .to('out');
      const driven = drive(builder);
      for (const time of times) driven.pipe('in', 'k1', 'v', time);
      return driven.windows(2, 'out', long);
    };
    expect(run(1, [0, 1, 2, 1, 0, 5, 0])).toEqual(['k1[0,2]4@1', 'k1[2,4]1@2']);
    expect(run(2, [0, 1, 2, 0, 3, 0, 4, 0, 30])).toEqual(['k1[0,2]4@1', 'k1[2,4]2@3', 'k1[4,6]1@4']);
  });

  test('until sessions close', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5))
      .count()
      .suppress({ until: 'windowCloses' })
      .toStream()
      .to('out');
    const driven = drive(builder);
    for (const [key, time] of [
      ['k1', 0],
      ['k1', 5],
      ['k1', 1],
      ['k2', 11],
      ['k1', 5],
      ['k1', 30],
    ] as const) {
      driven.pipe('in', key, 'v', time);
    }
    expect(driven.windows('session', 'out', long)).toEqual(['k1[0,5]3@5', 'k2[11,11]1@11']);
  });

  test('until sliding windows close', () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(5, 15))
      .count()
      .suppress({ until: 'windowCloses' })
      .toStream()
      .to('out');
    const driven = drive(builder);
    for (const time of [10, 11, 10, 13, 10, 24, 5, 7, 90]) driven.pipe('in', 'k1', 'v', time);
    expect(driven.windows(5, 'out', long).sort()).toEqual([
      'k1[11,16]2@13',
      'k1[12,17]1@13',
      'k1[19,24]1@24',
      'k1[5,10]5@10',
      'k1[6,11]5@11',
      'k1[8,13]5@13',
    ]);
  });
});
