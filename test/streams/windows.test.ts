// Windowed aggregations against known vectors.
import { describe, expect, test } from 'vitest';
import {
  type EmitStrategy,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  type TestDriverOptions,
  TimeWindows,
  TimeWindowedSerde,
  SessionWindowedSerde,
  type WindowTime,
} from '../../src/streams/index.ts';
import { serialize } from '../../src/serde/index.ts';
import { Driven, drive, long, text, texts } from './support.ts';

const concat = { initial: () => '0', add: (_key: string, value: string, aggregate: string) => `${aggregate}+${value}` };

function aggregated(
  windows: TimeWindows | SlidingWindows,
  emit: EmitStrategy = 'onWindowUpdate',
  initial = '0',
  options: TestDriverOptions = {},
): Driven {
  const builder = new StreamsBuilder();
  const grouped = builder.stream<string, string>('in', texts).groupByKey();
  const windowed = windows instanceof TimeWindows ? grouped.windowedBy(windows) : grouped.windowedBy(windows);
  windowed
    .emitStrategy(emit)
    .aggregate(() => initial, concat.add, { name: 'windows', value: text })
    .toStream()
    .to('out');
  return drive(builder, options);
}

/** Records like `A1@10`: key, value, time. */
function pipe(driven: Driven, records: string): Driven {
  for (const record of records.trim().split(/\s+/)) {
    const [, key, value, timestamp] = /^([A-Za-z]\w*?)(\d+|x)@(\d+)$/.exec(record)!;
    driven.pipe('in', key!, value!, Number(timestamp));
  }
  return driven;
}

describe('time windows', () => {
  const hopping = (graceMs: number): TimeWindows => TimeWindows.ofSizeAndGrace(10, graceMs).advanceBy(5);
  const input = 'A1@0 B2@1 C3@2 D4@3 A1@4 A1@5 B2@6 D4@7 B2@8 C3@9 A1@10 B2@11 D4@12 B2@13 C3@14 B1@3 B2@2 B3@9';

  test('hopping, emitted with every update', () => {
    expect(
      pipe(aggregated(hopping(100)), input)
        .windows(10)
        .join(' '),
    ).toBe(
      `A[0,10]0+1@0 B[0,10]0+2@1 C[0,10]0+3@2 D[0,10]0+4@3 A[0,10]0+1+1@4 A[0,10]0+1+1+1@5 A[5,15]0+1@5 B[0,10]0+2+2@6 B[5,15]0+2@6
D[0,10]0+4+4@7 D[5,15]0+4@7 B[0,10]0+2+2+2@8 B[5,15]0+2+2@8 C[0,10]0+3+3@9 C[5,15]0+3@9 A[5,15]0+1+1@10 A[10,20]0+1@10
B[5,15]0+2+2+2@11 B[10,20]0+2@11 D[5,15]0+4+4@12 D[10,20]0+4@12 B[5,15]0+2+2+2+2@13 B[10,20]0+2+2@13 C[5,15]0+3+3@14 C[10,20]0+3@14
B[0,10]0+2+2+2+1@8 B[0,10]0+2+2+2+1+2@8 B[0,10]0+2+2+2+1+2+3@9 B[5,15]0+2+2+2+2+3@13`.replaceAll('\n', ' '),
    );
    expect(pipe(aggregated(hopping(100), 'onWindowClose'), input).windows(10)).toEqual([]);
  });

  test('late records are left out of the windows that have closed', () => {
    const late = 'k100@100 k0@0 k1@1 k2@2 k3@3 k4@4 k5@5 k6@6 k105@105 k106@106';
    const updated = pipe(aggregated(hopping(90), 'onWindowUpdate', ''), late);
    expect(updated.windows(10)).toEqual([
      'k[95,105]+100@100',
      'k[100,110]+100@100',
      'k[5,15]+5@5',
      'k[5,15]+5+6@6',
      'k[100,110]+100+105@105',
      'k[105,115]+105@105',
      'k[100,110]+100+105+106@106',
      'k[105,115]+105+106@106',
    ]);
    expect(updated.driver.dropped().get('late')).toBe(7);
    expect(pipe(aggregated(hopping(90), 'onWindowClose', ''), late).windows(10)).toEqual(['k[5,15]+5+6@6']);
  });

  test('tumbling, out of grace', () => {
    const driven = pipe(
      aggregated(TimeWindows.ofSizeAndGrace(10, 90), 'onWindowUpdate', ''),
      'k100@200 k0@100 k1@101 k2@102 k3@103 k4@104 k5@105 k6@6',
    );
    expect(driven.windows(10)).toEqual(['k[200,210]+100@200']);
    expect(driven.driver.dropped().get('late')).toBe(7);
  });

  test('emitted when they close', () => {
    expect(pipe(aggregated(hopping(5), 'onWindowClose'), 'A1@0 A1@5 B2@10 C3@15 D4@20').windows(10)).toEqual([
      'A[0,10]0+1+1@5',
      'A[5,15]0+1@5',
      'B[5,15]0+2@10',
    ]);
  });

  test('a jump in time loses no window that closes, unless it is as without a cache in Kafka Streams', () => {
    const windows = TimeWindows.ofSizeAndGrace(2, 1);
    const input = 'k1@0 k1@1 k1@2 k1@1 k1@0 k1@5 k1@5000';
    const all = ['k[0,2]0+1+1+1+1@1', 'k[2,4]0+1@2', 'k[4,6]0+1@5'];
    expect(pipe(aggregated(windows, 'onWindowClose'), input).windows(2)).toEqual(all);
    expect(pipe(aggregated(windows, 'onWindowClose', '0', { caching: true }), input).windows(2)).toEqual(all);
    const forgetful = aggregated(windows, 'onWindowClose', '0', { forgetsBeforeClosing: true });
    expect(pipe(forgetful, input).windows(2)).toEqual(['k[2,4]0+1@2']);
    const hops = 'k1@1000 k1@2000 k1@12000 k1@20000 k1@95000 k1@300000';
    const hopping = TimeWindows.ofSizeWithNoGrace(10_000).advanceBy(5000);
    expect(pipe(aggregated(hopping, 'onWindowClose'), hops).windows(10_000)).toHaveLength(7);
    expect(
      pipe(
        aggregated(SlidingWindows.ofTimeDifferenceWithNoGrace(10), 'onWindowClose'),
        'k1@0 k2@5000 k3@90000',
      ).windows(10),
    ).toEqual(['k[0,10]0+1@0', 'k[4990,5000]0+2@5000']);
  });

  test('null keys and values are left out', () => {
    const driven = aggregated(TimeWindows.ofSizeWithNoGrace(10)).pipe('in', null, 'x', 1).pipe('in', 'k', null, 2);
    expect(driven.windows(10)).toEqual([]);
    expect([...driven.driver.dropped()]).toEqual([
      ['null-key', 1],
      ['null-value', 1],
    ]);
  });

  test('keys on topics are in the layout of Kafka', () => {
    const key = serialize(new TimeWindowedSerde(text, 60_000), { key: 'k', start: 60_000, end: 120_000 })!;
    expect(key.toString('hex')).toBe('6b000000000000ea60');
    const session = serialize(new SessionWindowedSerde(text), { key: 'k', start: 5, end: 10 })!;
    expect(session.toString('hex')).toBe('6b000000000000000a0000000000000005');
  });

  test('are queried by key and time', () => {
    const driven = pipe(aggregated(TimeWindows.ofSizeAndGrace(10, 100)), 'A1@0 A2@11 B3@12 A4@25');
    const store = driven.driver.store('windows').window<string, string>();
    expect([...store.fetch('A', 5, 20)].map((e) => [e.key.start, e.value, e.timestamp])).toEqual([
      [10, '0+2', 11],
      [20, '0+4', 25],
    ]);
    expect([...store.fetchAll(0, 10)].map((e) => `${e.key.key}${e.key.start}`)).toEqual(['A0', 'A10', 'B10']);
    expect(store.size).toBe(4);
  });
});

describe('sliding windows', () => {
  /** Per window start, the values in the order they were emitted. */
  const byStart = (records: string[]): Record<string, string> => {
    const result: Record<string, string> = {};
    for (const record of records) {
      const [, start, rest] = /^\w+\[(\d+),\d+\](.*)$/.exec(record)!;
      result[start!] = result[start!] === undefined ? rest! : `${result[start!]}, ${rest}`;
    }
    return result;
  };

  test('over records in order', () => {
    const input = 'A1@10 A2@10 A3@14 A4@15 A5@20 A6@22 A7@30';
    const windows = SlidingWindows.ofTimeDifferenceAndGrace(10, 5);
    expect(byStart(pipe(aggregated(windows), input).windows(10))).toEqual({
      0: '0+1@10, 0+1+2@10',
      4: '0+1+2+3@14',
      5: '0+1+2+3+4@15',
      10: '0+1+2+3+4+5@20',
      11: '0+3@14, 0+3+4@15, 0+3+4+5@20',
      12: '0+3+4+5+6@22',
      15: '0+4@15, 0+4+5@20, 0+4+5+6@22',
      16: '0+5@20, 0+5+6@22',
      20: '0+5+6+7@30',
      21: '0+6@22, 0+6+7@30',
      23: '0+7@30',
    });
    expect(byStart(pipe(aggregated(windows, 'onWindowClose'), input).windows(10))).toEqual({
      0: '0+1+2@10',
      4: '0+1+2+3@14',
      5: '0+1+2+3+4@15',
      10: '0+1+2+3+4+5@20',
      11: '0+3+4+5@20',
      12: '0+3+4+5+6@22',
    });
  });

  test('over early records', () => {
    const input = 'A1@0 A2@5 A3@6 A4@3 A5@13 A6@10 A7@70';
    const driven = pipe(aggregated(SlidingWindows.ofTimeDifferenceWithNoGrace(50)), input);
    expect(byStart(driven.windows(50))).toEqual({
      0: '0+1@0, 0+1+2@5, 0+1+2+3@6, 0+1+2+3+4@6, 0+1+2+3+4+5@13, 0+1+2+3+4+5+6@13',
      1: '0+2@5, 0+2+3@6, 0+2+3+4@6, 0+2+3+4+5@13, 0+2+3+4+5+6@13',
      4: '0+2+3@6, 0+2+3+5@13, 0+2+3+5+6@13',
      6: '0+3@6, 0+3+5@13, 0+3+5+6@13',
      7: '0+5@13, 0+5+6@13',
      11: '0+5@13',
      20: '0+7@70',
    });
  });

  test('over several keys out of order', () => {
    const input = `A1@10 A2@20 A3@22 A4@15 B1@12 B2@13 B3@18 B4@19 B5@25 B6@14 C1@11 C2@15 C3@16 C4@21 C5@23 D4@11 D2@12 D3@29 D5@16`;
    const driven = pipe(aggregated(SlidingWindows.ofTimeDifferenceAndGrace(10, 50)), input);
    const final = new Map<string, string>();
    for (const record of driven.windows(10)) final.set(record.slice(0, record.indexOf(']') + 1), record);
    expect([...final.values()].sort()).toEqual(
      `A[0,10]0+1@10 A[5,15]0+1+4@15 A[10,20]0+1+2+4@20 A[11,21]0+2+4@20 A[12,22]0+2+3+4@22 A[16,26]0+2+3@22 A[21,31]0+3@22
B[2,12]0+1@12 B[3,13]0+1+2@13 B[4,14]0+1+2+6@14 B[8,18]0+1+2+3+6@18 B[9,19]0+1+2+3+4+6@19 B[13,23]0+2+3+4+6@19 B[14,24]0+3+4+6@19
B[15,25]0+3+4+5@25 B[19,29]0+4+5@25 B[20,30]0+5@25 C[1,11]0+1@11 C[5,15]0+1+2@15 C[6,16]0+1+2+3@16 C[11,21]0+1+2+3+4@21
C[12,22]0+2+3+4@22 C[13,23]0+2+3+4+5@23 C[16,26]0+3+4+5@23 C[17,27]0+4+5@23 C[22,32]0+5@23 D[1,11]0+4@11 D[2,12]0+4+2@12
D[6,16]0+4+2+5@16 D[12,22]0+2+5@16 D[13,23]0+5@16 D[19,29]0+3@29`
        .replace('C[12,22]0+2+3+4@22', 'C[12,22]0+2+3+4@21')
        .split(/\s+/)
        .sort(),
    );
  });
});

describe('session windows', () => {
  function counted(gapMs: number, graceMs: number, emit: EmitStrategy = 'onWindowUpdate'): Driven {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(gapMs, graceMs))
      .emitStrategy(emit)
      .count({ name: 'sessions' })
      .toStream()
      .to('out');
    return drive(builder);
  }
  const gap = 300_000;
  const input = `kx@0 kx@${gap + 1} kx@${gap + 1} kx@${2 * gap + 2} kx@${2 * gap + 2} kx@${2 * gap + 2}`;

  test('apart', () => {
    expect(pipe(counted(gap, 0), input).windows('session', 'out', long)).toEqual([
      'k[0,0]1@0',
      ...[1, 2].map((n) => `k[${gap + 1},${gap + 1}]${n}@${gap + 1}`),
      ...[1, 2, 3].map((n) => `k[${2 * gap + 2},${2 * gap + 2}]${n}@${2 * gap + 2}`),
    ]);
    expect(pipe(counted(gap, 0, 'onWindowClose'), input).windows('session', 'out', long)).toEqual([
      'k[0,0]1@0',
      `k[${gap + 1},${gap + 1}]2@${gap + 1}`,
    ]);
  });

  test('bridged by a record in between, tombstones first', () => {
    const driven = pipe(counted(gap, gap), `kx@0 kx@${gap + 1} kx@${gap / 2}`);
    expect(driven.windows('session', 'out', long).slice(2)).toEqual([
      'k[0,0]∅@0',
      `k[${gap + 1},${gap + 1}]∅@${gap + 1}`,
      `k[0,${gap + 1}]3@${gap + 1}`,
    ]);
    expect([...driven.driver.store('sessions').session<string, number>().fetch('k')]).toEqual([
      { key: { key: 'k', start: 0, end: gap + 1 }, value: 3, timestamp: gap + 1 },
    ]);
  });

  test('the same time twice needs no tombstone', () => {
    expect(pipe(counted(gap, 0), 'kx@0 kx@0').windows('session', 'out', long)).toEqual(['k[0,0]1@0', 'k[0,0]2@0']);
  });

  test('late records', () => {
    const late = (driven: Driven): number => driven.driver.dropped().get('late') ?? 0;
    expect(late(pipe(counted(10, 0), 'ax@11 kx@0'))).toBe(1);
    expect(late(pipe(counted(10, 1), 'ax@11 kx@0'))).toBe(0);
    expect(late(pipe(counted(10, 1), 'ax@12 kx@0'))).toBe(1);
  });
});

describe('the wall clock', () => {
  type AnyWindows = TimeWindows | SlidingWindows | SessionWindows;
  const counted = (windows: AnyWindows, time: WindowTime, emit: EmitStrategy = 'onWindowClose'): Driven => {
    const builder = new StreamsBuilder();
    const grouped = builder.stream<string, string>('in', texts).groupByKey();
    const options = { name: 'counts', key: text };
    const table =
      windows instanceof SessionWindows
        ? grouped.windowedBy(windows, time).emitStrategy(emit).count(options)
        : grouped
            .windowedBy(windows as TimeWindows, time)
            .emitStrategy(emit)
            .count(options);
    table.toStream().to('out');
    return drive(builder, { startTimeMs: 1000 });
  };
  const late = ({ driver }: Driven): number => driver.dropped().get('late') ?? 0;
  const kinds: [string, AnyWindows, number | 'session', string][] = [
    ['time windows', TimeWindows.ofSizeAndGrace(100, 20), 100, 'k[1000,1100]'],
    ['sliding windows', SlidingWindows.ofTimeDifferenceAndGrace(100, 20), 100, 'k[900,1000]'],
    ['sessions', SessionWindows.ofInactivityGapAndGrace(100, 20), 'session', 'k[1000,1000]'],
  ];

  test.each(kinds)('%s close by it when nothing has come for so long', (_kind, windows, size, window) => {
    const driven = counted(windows, { idleMs: 500 });
    const out = () => driven.windows(size, 'out', long);
    pipe(driven, 'kx@1000');
    driven.driver.advanceWallClock(400);
    expect(out()).toEqual([]);
    // Not the windows' time, but any record's counts.
    pipe(driven, 'ax@1001');
    driven.driver.advanceWallClock(400);
    expect(out()).toEqual([]);
    driven.driver.advanceWallClock(100);
    expect(out()).toContain(`${window}1@1000`);
    expect(late(driven)).toBe(0);
    pipe(driven, 'kx@1000');
    expect([out(), late(driven)]).toEqual([[], 1]);
  });

  test('a window that ends later than it says stays open', () => {
    const driven = counted(TimeWindows.ofSizeAndGrace(100, 20), { idleMs: 50 });
    pipe(driven, 'kx@1000 kx@5000');
    expect(driven.windows(100, 'out', long)).toEqual(['k[1000,1100]1@1000']);
    driven.driver.advanceWallClock(4100);
    expect(driven.windows(100, 'out', long)).toEqual([]);
    driven.driver.advanceWallClock(50);
    expect(driven.windows(100, 'out', long)).toEqual(['k[5000,5100]1@5000']);
  });

  test('without records there is no time to go on from', () => {
    const driven = counted(TimeWindows.ofSizeAndGrace(100, 0), { idleMs: 50 });
    driven.driver.advanceWallClock(100_000);
    pipe(driven, 'kx@7');
    expect(late(driven)).toBe(0);
  });

  test.each([
    ['time windows', TimeWindows.ofSizeAndGrace(100, 20), 100, ['k[1000,1100]2@1050']],
    [
      'sliding windows',
      SlidingWindows.ofTimeDifferenceAndGrace(100, 20),
      100,
      ['k[900,1000]1@1000', 'k[950,1050]2@1050', 'k[1001,1101]1@1050'],
    ],
    ['sessions', SessionWindows.ofInactivityGapAndGrace(100, 20), 'session', ['k[1000,1050]2@1050']],
  ] as [string, AnyWindows, number | 'session', string[]][])(
    '%s of processing time take records as they come, and close by it',
    (_kind, windows, size, expected) => {
      const driven = counted(windows, { time: 'processing' });
      pipe(driven, 'kx@900000');
      driven.driver.advanceWallClock(50);
      pipe(driven, 'kx@3');
      driven.driver.advanceWallClock(1000);
      expect(driven.windows(size, 'out', long)).toEqual(expected);
      expect(late(driven)).toBe(0);
    },
  );

  test('updates of processing time have its times', () => {
    const driven = counted(TimeWindows.ofSizeWithNoGrace(100), { time: 'processing' }, 'onWindowUpdate');
    pipe(driven, 'kx@900000');
    driven.driver.advanceWallClock(99);
    pipe(driven, 'kx@3');
    driven.driver.advanceWallClock(1);
    pipe(driven, 'kx@3');
    expect(driven.windows(100, 'out', long)).toEqual([
      'k[1000,1100]1@1000',
      'k[1000,1100]2@1099',
      'k[1100,1200]1@1100',
    ]);
  });

  test('options that it has not are refused', () => {
    const grouped = new StreamsBuilder().stream<string, string>('in', texts).groupByKey();
    const windows = TimeWindows.ofSizeWithNoGrace(5);
    expect(() => grouped.windowedBy(windows, { time: 'record' as never })).toThrow('windowedBy: time');
    expect(() => grouped.windowedBy(windows, { idleMs: 0 })).toThrow('windowedBy: idleMs');
  });
});
