// What users hand to the library is checked where it is given: settings, options, numbers, and what their functions answer.
import { describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import {
  JoinWindows,
  KafkaStreams,
  type KStream,
  SessionWindows,
  StreamsBuilder,
  type StreamsSettings,
  TimeWindows,
  TopologyTestDriver,
} from '../../src/streams/index.ts';
import { drive, long, text, texts } from './support.ts';

const odd = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, '1'] as unknown as number[];

function topology(build: (stream: KStream<string, string>, builder: StreamsBuilder) => void) {
  const builder = new StreamsBuilder();
  const stream = builder.stream<string, string>('in', texts);
  build(stream, builder);
  return builder;
}

describe('settings', () => {
  const client = createClient();
  const make = (settings: object) =>
    new KafkaStreams(topology((s) => s.to('out')).build(), {
      client,
      applicationId: 'app',
      ...settings,
    } as StreamsSettings);

  test.each([
    { processingGuarantee: 'exactly_once' },
    { autoOffsetReset: 'smallest' },
    { commitIntervalMs: Number.NaN },
    { commitIntervalMs: -5 },
    { pollMs: Number.NaN },
    { cacheMaxBytes: -1 },
    { transactionTimeoutMs: -1 },
    { onError: 'log' },
    { applicationId: '' },
    { client: undefined },
    { client: {} },
  ])('%o is refused', (settings) => {
    expect(() => make(settings)).toThrow(expect.objectContaining({ code: 'INVALID_SETTING' }));
  });

  test('a misspelt one is met with the one that was probably meant', () => {
    expect(() => make({ comitIntervalMs: 5 })).toThrow(/Did you mean "commitIntervalMs"/);
  });

  test('those of a driver too, and what is piped into it', () => {
    const built = topology((s) => s.to('out')).build();
    expect(() => new TopologyTestDriver(built, { onDecodeErrors: () => 'continue' } as never)).toThrow(
      /Did you mean "onDecodeError"/,
    );
    const driver = new TopologyTestDriver(built);
    for (const record of [
      ['in', 'k', null, 1],
      ['in', null, 5, 1],
      ['in', null, null, Number.NaN],
      ['in', null, null, 1, { h: 'x' }],
    ]) {
      expect(() => driver.pipe(...(record as Parameters<typeof driver.pipe>))).toThrow(/pipe: the/);
    }
    expect(() => driver.advanceWallClock(Number.NaN)).toThrow(/milliseconds/);
  });
});

describe('operators', () => {
  const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' });

  test.each<[string, (stream: KStream<string, string>, builder: StreamsBuilder) => void]>([
    ['a function that is none', (s) => s.filter('value > 3' as never)],
    ['a function that answers later', (s) => s.mapValues((async (_k: string, v: string) => v) as never)],
    ['an option that it does not have', (s) => s.to('out', { partitoner: () => 0 } as never)],
    ['an option of another operator', (s) => s.mapValues((_k, v) => v, { retentionMs: 5 } as never)],
    ['a value that is not of the list', (s) => s.filter(() => true, { reads: 'keys' as never })],
    ['a serde that is none', (s) => s.to('out', { value: String as never })],
    ['an empty topic', (s) => s.to('')],
    ['partitions that are no number', (s) => s.repartition({ partitions: Number.NaN })],
    ['no partitions', (s) => s.repartition({ partitions: 0 })],
    ['a table where a stream belongs', (s, b) => s.merge(b.table<string, string>('t', texts) as never)],
    ['windows that are none', (s) => s.groupByKey().windowedBy({ sizeMs: 5 } as never)],
    ['a strategy that does not exist', (s) => sessions(s).emitStrategy('onClose' as never)],
    ['join windows that are none', (s) => s.join(s, (a) => a, { name: 'j' } as never)],
    ['a time to suppress that is no number', (s) => counted(s).suppress({ until: 'timeLimit', ms: Number.NaN })],
    ['no time to suppress', (s) => counted(s).suppress({ until: 'timeLimit' } as never)],
    ['a suppression of no records', (s) => counted(s).suppress({ until: 'timeLimit', ms: 1, maxRecords: 0 })],
    ['a source without serdes', (_s, b) => b.stream('other', {} as never)],
    ['a policy that does not exist', (_s, b) => b.table('other', { ...texts, offsetReset: 'first' as never })],
    ['an optimization that does not exist', (_s, b) => b.build({ optimization: 'some' as never })],
  ])('are not given %s', (_what, build) => {
    expect(() => topology(build)).toThrow(invalid);
  });

  const sessions = (s: KStream<string, string>) =>
    s.groupByKey().windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5));
  const counted = (s: KStream<string, string>) => s.groupByKey().count();

  test('windows have bounds', () => {
    for (const ms of odd) {
      if (ms === -1) continue;
      expect(() => JoinWindows.ofTimeDifferenceWithNoGrace(ms)).toThrow(/whole number/);
      expect(() => JoinWindows.ofTimeDifferenceWithNoGrace(100).before(ms)).toThrow(/whole number/);
      expect(() => JoinWindows.ofTimeDifferenceWithNoGrace(100).after(ms)).toThrow(/whole number/);
    }
    expect(JoinWindows.ofTimeDifferenceWithNoGrace(100).before(-50).sizeMs).toBe(50);
  });

  test('stores keep what is needed', () => {
    const windows = TimeWindows.ofSizeAndGrace(100, 100);
    const refused = expect.objectContaining({ code: 'INVALID_RETENTION' });
    for (const retentionMs of [...odd, 10]) {
      expect(() => topology((s) => s.groupByKey().windowedBy(windows).count({ retentionMs }))).toThrow(refused);
      const join = JoinWindows.ofTimeDifferenceWithNoGrace(100);
      expect(() => topology((s) => s.join(s, (a) => a, join, { retentionMs }))).toThrow(refused);
      const store = { kind: 'window', name: 'w', key: text, value: text, retentionMs, windowSizeMs: 100 } as const;
      expect(() => new StreamsBuilder().addStateStore(store)).toThrow(refused);
    }
  });

  test('punctuations have an interval', () => {
    for (const interval of [...odd, 0]) {
      const builder = topology((s) =>
        s
          .process((context) => {
            context.schedule(interval, 'streamTime', () => {});
            return { process() {} };
          })
          .foreach(() => {}),
      );
      expect(() => drive(builder)).toThrow(/the interval of a punctuation/);
    }
  });

  test('processors are processors, at once', () => {
    const suppliers = [() => undefined, () => ({}), () => ({ async process() {} })];
    for (const supplier of suppliers) {
      const builder = topology((s) => s.process(supplier as never).foreach(() => {}));
      expect(() => drive(builder)).toThrow(invalid);
    }
  });

  test('state that would go by its number takes names', () => {
    const twice = (s: KStream<string, string>) => {
      s.groupBy((k) => k, texts).count();
      s.groupBy((_k, v) => v, texts).count();
    };
    expect(() => topology(twice)).toThrow(expect.objectContaining({ code: 'NAME_NEEDED' }));
    topology((s) => {
      s.groupBy((k) => k, { ...texts, name: 'by-key' }).count();
      s.groupBy((_k, v) => v, texts).count();
    });
  });
});

describe('what functions answer', () => {
  const failed = expect.objectContaining({ code: 'PROCESSING_FAILED' });

  test('times are whole milliseconds, wherever they come from', () => {
    for (const timestamp of odd) {
      const builders = [
        topology((s) => s.process((ctx) => ({ process: (r) => ctx.forward({ ...r, timestamp }) }), texts).to('out')),
        topology((s) => s.to('out', { timestamp: () => timestamp })),
      ];
      for (const builder of builders) {
        expect(() => drive(builder).pipe('in', 'k', 'v', 1)).toThrow(failed);
        const lenient = drive(builder, { onProcessingError: () => 'continue' }).pipe('in', 'k', 'v', 1);
        expect([lenient.out(), lenient.driver.dropped().get('failed')]).toEqual([[], 1]);
      }
    }
  });

  test('an extractor answers a time, or below 0 that it wants none of the record', () => {
    const extracting = (timestamp: number) => {
      const builder = new StreamsBuilder();
      builder.stream<string, string>('in', { ...texts, timestampExtractor: () => timestamp }).to('out');
      return builder;
    };
    for (const timestamp of [Number.NaN, Number.POSITIVE_INFINITY, 1e20, 0.5]) {
      expect(() => drive(extracting(timestamp)).pipe('in', 'k', 'v')).toThrow(failed);
    }
    expect(drive(extracting(-1)).pipe('in', 'k', 'v').out()).toEqual([]);
  });

  test('partitions are whole numbers, topics are texts', () => {
    for (const partition of odd) {
      const builder = topology((s) => s.to('out', { partitioner: () => partition }));
      expect(() => drive(builder).pipe('in', 'k', 'v')).toThrow(failed);
    }
    // A driver has no partitions that it could run out of.
    expect(
      drive(topology((s) => s.to('out', { partitioner: () => 7 })))
        .pipe('in', 'k', 'v')
        .out(),
    ).toEqual(['k:v@0']);
    expect(() => drive(topology((s) => s.to(() => undefined as never))).pipe('in', 'k', 'v')).toThrow(failed);
  });

  test('a handler that answers nothing has not said to go on', () => {
    const builder = topology((s) =>
      s
        .mapValues((): string => {
          throw new Error('odd');
        })
        .to('out', { value: text }),
    );
    expect(() => drive(builder, { onProcessingError: (() => {}) as never }).pipe('in', 'k', 'v')).toThrow(failed);
    const needsValue = new StreamsBuilder();
    needsValue
      .stream<string, number>('in', { key: text, value: long })
      .filter((_key, value) => value > 0)
      .to('out');
    expect(() => drive(needsValue, { onDecodeError: (() => {}) as never }).pipe('in', 'k', 'v')).toThrow(
      expect.objectContaining({ code: 'UNDECODABLE_RECORD' }),
    );
  });

  test('records of global tables that can not be decoded are asked about, by the table first', () => {
    const build = (handler?: () => 'continue' | 'fail') => {
      const builder = new StreamsBuilder();
      const rates = builder.globalTable<string, number>('rates', {
        key: text,
        value: long,
        ...(handler === undefined ? {} : { onDecodeError: handler }),
      });
      builder
        .stream<string, string>('in', texts)
        .joinGlobal(
          rates,
          (key) => key,
          (value, rate) => `${value}${rate}`,
        )
        .to('out', { value: text });
      return builder;
    };
    const seven = Buffer.from([0, 0, 0, 0, 0, 0, 0, 7]);
    const lenient = drive(build(), { onDecodeError: () => 'continue' });
    lenient.pipe('rates', 'a', 'odd');
    lenient.driver.pipe('rates', Buffer.from('b'), seven, 0);
    expect(lenient.pipe('in', 'b', 'x').out()).toEqual(['b:x7@0']);
    expect(lenient.driver.dropped().get('undecodable')).toBe(1);
    expect(() => drive(build()).pipe('rates', 'a', 'odd')).toThrow(/rates-0@0 can't be decoded/);
    drive(build(() => 'continue')).pipe('rates', 'a', 'odd');
  });
});
