// Joins against the vectors that Kafka Streams' own behaviour gives.
import { describe, expect, test } from 'vitest';
import { serialize } from '../../src/serde/index.ts';
import { JoinWindows, StreamsBuilder } from '../../src/streams/index.ts';
import { ResponseSerde } from '../../src/streams/operators/foreign-key-join.ts';
import { Driven, drive, text, texts } from './support.ts';

type Kind = 'inner' | 'left' | 'outer';
const joiner = (left: string | null, right: string | null): string => `${left ?? '∅'}-${right ?? '∅'}`;

function streamStream(kind: Kind, windows: JoinWindows): Driven {
  const builder = new StreamsBuilder();
  const left = builder.stream<string, string>('L', texts);
  const right = builder.stream<string, string>('R', texts);
  const joined =
    kind === 'inner'
      ? left.join(right, joiner, windows)
      : kind === 'left'
        ? left.leftJoin(right, joiner, windows)
        : left.outerJoin(right, joiner, windows);
  joined.to('out', texts);
  return drive(builder);
}

function tableTable(kind: Kind, stored: boolean): Driven {
  const builder = new StreamsBuilder();
  const left = builder.table<string, string>('L', texts);
  const right = builder.table<string, string>('R', texts);
  const options = { value: text, ...(stored ? { materialized: { name: 'joined' } } : {}) };
  const joined =
    kind === 'inner'
      ? left.join(right, joiner, options)
      : kind === 'left'
        ? left.leftJoin(right, joiner, options)
        : left.outerJoin(right, joiner, options);
  joined.toStream().to('out');
  return drive(builder);
}

function streamTable(kind: 'inner' | 'left'): Driven {
  const builder = new StreamsBuilder();
  const left = builder.stream<string, string>('L', texts);
  const right = builder.table<string, string>('R', texts);
  (kind === 'inner' ? left.join(right, joiner) : left.leftJoin(right, joiner)).to('out', texts);
  return drive(builder);
}

/** Feeds events like `LA@3` (∅ is a null value); answers what each gave. */
function feed(driven: Driven, events: string): string[] {
  return events
    .trim()
    .split(/\s+/)
    .map((event) => {
      const [, topic, value, timestamp] = /^([LR])(.+)@(\d+)$/.exec(event)!;
      driven.pipe(topic!, 'k', value === '∅' ? null : value!, Number(timestamp));
      return driven.values().join(' ') || '-';
    });
}

const ordered = 'L∅@1 R∅@2 LA@3 Ra@4 LB@5 Rb@6 L∅@7 R∅@8 LC@9 Rc@10 R∅@11 L∅@12';
const disordered = `${ordered} R∅@13 Rd@7 LD@6 L∅@2 R∅@3 Re@14 LE@15 L∅@10 R∅@9 LF@4 Rf@3`;

const tableResults: Record<Kind, string> = {
  inner: '- - - A-a@4 B-a@5 B-b@6 ∅@7 - - C-c@10 ∅@11 - - - D-d@7 ∅@7 - - E-e@15 ∅@14 - - F-f@4',
  left: '- - A-∅@3 A-a@4 B-a@5 B-b@6 ∅@7 - C-∅@9 C-c@10 C-∅@11 ∅@12 - - D-d@7 ∅@7 - - E-e@15 ∅@14 - F-∅@4 F-f@4',
  outer:
    '- - A-∅@3 A-a@4 B-a@5 B-b@6 ∅-b@7 ∅@8 C-∅@9 C-c@10 C-∅@11 ∅@12 - ∅-d@7 D-d@7 ∅-d@7 ∅@3 ∅-e@14 E-e@15 ∅-e@14 ∅@9 F-∅@4 F-f@4',
};

describe('table-table joins', () => {
  for (const kind of ['inner', 'left', 'outer'] as const) {
    for (const stored of [false, true]) {
      test(`${kind}, ${stored ? 'with' : 'without'} a store, over disordered input`, () => {
        expect(feed(tableTable(kind, stored), disordered).join(' ')).toBe(tableResults[kind]);
      });
    }
  }

  test('chained joins agree on the final value', () => {
    for (const kind of ['inner', 'left', 'outer'] as const) {
      const builder = new StreamsBuilder();
      const left = builder.table<string, string>('L', texts);
      const right = builder.table<string, string>('R', texts);
      const method = kind === 'inner' ? 'join' : kind === 'left' ? 'leftJoin' : 'outerJoin';
      const first = left[method](right, joiner as never, { value: text });
      first[method](right, joiner as never, { value: text, materialized: { name: 'twice' } })
        .toStream()
        .to('out');
      const driven = drive(builder);
      feed(driven, `${ordered} R∅@13 Rd@14 LD@15`);
      expect(driven.driver.store('twice').keyValue<string, string>().get('k')).toBe('D-d-d');
    }
  });
});

describe('stream-table joins', () => {
  const onlyAt = (results: Record<number, string>): string =>
    Array.from({ length: 23 }, (_, i) => results[i + 1] ?? '-').join(' ');

  test('inner', () => {
    expect(feed(streamTable('inner'), disordered).join(' ')).toBe(onlyAt({ 5: 'B-a@5', 15: 'D-d@6', 19: 'E-e@15' }));
  });

  test('left', () => {
    expect(feed(streamTable('left'), disordered).join(' ')).toBe(
      onlyAt({ 3: 'A-∅@3', 5: 'B-a@5', 9: 'C-∅@9', 15: 'D-d@6', 19: 'E-e@15', 22: 'F-∅@4' }),
    );
  });

  test('a record without a key is joined with nothing by a left join, and left out by an inner one', () => {
    expect(streamTable('left').pipe('L', null, 'A', 1).out()).toEqual(['∅:A-∅@1']);
    expect(streamTable('inner').pipe('L', null, 'A', 1).out()).toEqual([]);
  });
});

describe('stream-stream joins', () => {
  const documented =
    'L∅@1000 R∅@2000 LA@3000 Ra@4000 LB@5000 Rb@6000 L∅@7000 R∅@8000 LC@9000 Rc@10000 R∅@11000 L∅@12000 R∅@13000 Rd@14000 LD@15000 LE@40000 LF@60000 Rf@80000 LG@100000 LH@101000';
  const windows = JoinWindows.ofTimeDifferenceAndGrace(15_000, 5_000);
  const matches = [
    '-',
    '-',
    '-',
    'A-a@4000',
    'B-a@5000',
    'A-b@6000 B-b@6000',
    '-',
    '-',
    'C-a@9000 C-b@9000',
    'A-c@10000 B-c@10000 C-c@10000',
    '-',
    '-',
    '-',
    'A-d@14000 B-d@14000 C-d@14000',
    'D-a@15000 D-b@15000 D-c@15000 D-d@15000',
  ];

  test('inner, left and outer over ordered input', () => {
    expect(feed(streamStream('inner', windows), documented)).toEqual([...matches, '-', '-', '-', '-', '-']);
    expect(feed(streamStream('left', windows), documented)).toEqual([
      ...matches,
      '-',
      '-',
      'E-∅@40000',
      'F-∅@60000',
      '-',
    ]);
    expect(feed(streamStream('outer', windows), documented)).toEqual([
      ...matches,
      '-',
      '-',
      'E-∅@40000',
      'F-∅@60000',
      '∅-f@80000',
    ]);
  });

  test('records without a key', () => {
    const wide = JoinWindows.ofTimeDifferenceAndGrace(10, 86_400_000);
    expect(streamStream('inner', wide).pipe('L', null, 'E', 16).out()).toEqual([]);
    expect(streamStream('left', wide).pipe('L', null, 'E', 16).out()).toEqual(['∅:E-∅@16']);
    expect(streamStream('left', wide).pipe('R', null, 'e', 17).out()).toEqual([]);
    expect(streamStream('outer', wide).pipe('R', null, 'e', 17).out()).toEqual(['∅:∅-e@17']);
  });

  test('a stream with itself', () => {
    const builder = new StreamsBuilder();
    const left = builder.stream<string, string>('L', texts);
    left.join(left, joiner, JoinWindows.ofTimeDifferenceAndGrace(10, 86_400_000)).to('out', texts);
    expect(feed(drive(builder), 'L∅@1 LA@2 LB@3 L∅@4 LC@5 L∅@6 LD@7')).toEqual([
      '-',
      'A-A@2',
      'B-A@3 A-B@3 B-B@3',
      '-',
      'C-A@5 C-B@5 A-C@5 B-C@5 C-C@5',
      '-',
      'D-A@7 D-B@7 D-C@7 A-D@7 B-D@7 C-D@7 D-D@7',
    ]);
  });

  test('a repartition in front changes nothing', () => {
    const builder = new StreamsBuilder();
    const left = builder.stream<string, string>('L', texts).selectKey((key) => key);
    const right = builder.stream<string, string>('R', texts);
    left.leftJoin(right, joiner, windows, { ...texts, name: 'j' }).to('out', texts);
    const driven = drive(builder);
    expect(feed(driven, documented)).toEqual([...matches, '-', '-', 'E-∅@40000', 'F-∅@60000', '-']);
    expect(driven.pipe('L', null, 'X', 200_000).out()).toContain('∅:X-∅@200000');
    expect(driven.driver.outputTopics()).toEqual(['test-j-left-repartition']);
  });

  test('without waiting: unmatched records at once, and again when a partner comes', () => {
    const driven = streamStream('left', JoinWindows.ofTimeDifferenceEager(10));
    expect(feed(driven, 'LA@1 Ra@2')).toEqual(['A-∅@1', 'A-a@2']);
  });

  describe('what waits for a partner', () => {
    const pipe = (driven: Driven, records: string): string[] => {
      for (const record of records.trim().split(/\s+/)) {
        const [, topic, key, value, timestamp] = /^([LR])(\d):(.+)@(\d+)$/.exec(record)!;
        driven.pipe(topic!, key!, value!, Number(timestamp));
      }
      return driven.out();
    };

    test('comes right before left, and in arrival order', () => {
      const driven = streamStream('outer', JoinWindows.ofTimeDifferenceAndGrace(100, 10));
      expect(pipe(driven, 'L0:A0@0 L0:A00@0 R1:11@0 R1:12@0 R1:10@111 R3:100@211')).toEqual([
        '1:∅-11@0',
        '1:∅-12@0',
        '0:A0-∅@0',
        '0:A00-∅@0',
      ]);
      expect(pipe(driven, 'L2:A2@200 L2:A20@200 R2:13@201 R2:14@201')).toEqual([
        '2:A2-13@201',
        '2:A20-13@201',
        '2:A2-14@201',
        '2:A20-14@201',
      ]);
      expect(pipe(driven, 'R3:100@1500')).toEqual(['1:∅-10@111', '3:∅-100@211']);
    });

    test('is given up before the match of the record that closed its window', () => {
      const driven = streamStream('outer', JoinWindows.ofTimeDifferenceWithNoGrace(100));
      expect(pipe(driven, 'L0:A0@0 L1:A1@100')).toEqual([]);
      expect(pipe(driven, 'R1:11@110')).toEqual(['0:A0-∅@0', '1:A1-11@110']);
    });

    test('both sides are given up at once', () => {
      const driven = streamStream('outer', JoinWindows.ofTimeDifferenceAndGrace(100, 10));
      expect(pipe(driven, 'L0:A0@0 R1:11@0 L1:A1@101 R0:10@101')).toEqual([]);
      expect(pipe(driven, 'R0:100@112')).toEqual(['1:∅-11@0', '0:A0-∅@0']);
    });

    test('asymmetric windows', () => {
      const driven = streamStream('left', JoinWindows.ofTimeDifferenceWithNoGrace(100).after(0));
      expect(pipe(driven, 'L0:A0@1000 L1:A1@1001 L2:A2@1002 L3:A3@1003')).toEqual([
        '0:A0-∅@1000',
        '1:A1-∅@1001',
        '2:A2-∅@1002',
      ]);
      expect(pipe(driven, 'R0:a0@999 R1:a1@999 R2:a2@999 R3:a3@999')).toEqual([
        '0:A0-a0@1000',
        '1:A1-a1@1001',
        '2:A2-a2@1002',
        '3:A3-a3@1003',
      ]);
      expect(pipe(driven, 'R0:c@1001 R1:c@1001 R2:c@1001 R3:c@1001')).toEqual([
        '1:A1-c@1001',
        '2:A2-c@1002',
        '3:A3-c@1003',
      ]);
      expect(pipe(driven, 'R2:d@1002 R3:d@1002 R0:e@1003 R3:e@1003 R3:f@1100')).toEqual([
        '2:A2-d@1002',
        '3:A3-d@1003',
        '3:A3-e@1003',
      ]);
    });
  });
});

describe('foreign-key joins', () => {
  function foreign(kind: 'inner' | 'left'): Driven {
    const builder = new StreamsBuilder();
    const left = builder.table<string, string>('L', texts);
    const right = builder.table<string, string>('R', texts);
    const extract = (value: string): string | null => (value === 'none' ? null : value);
    const options = { result: text, name: 'fk' };
    (kind === 'inner'
      ? left.joinForeign(right, extract, joiner, options)
      : left.leftJoinForeign(right, extract, joiner, options)
    )
      .toStream()
      .to('out');
    return drive(builder);
  }

  const steps: [topic: string, key: string, value: string | null][] = [
    ...([['L', 'k', '1']] as const).map((s) => [...s] as [string, string, string]),
    ['R', '1', 'foo'],
    ['L', 'k', '2'],
    ['L', 'k', '3'],
    ['R', '3', 'bar'],
    ['L', 'k', 'none'],
    ['L', 'k', '1'],
    ['L', 'q', '10'],
    ['L', 'r', '10'],
    ['R', '10', 'baz'],
    ['L', 'q', null],
    ['R', '10', null],
  ];
  const run = (kind: 'inner' | 'left'): string[] => {
    const driven = foreign(kind);
    return steps.map(([topic, key, value], i) => driven.pipe(topic, key, value, i).out().join(' ') || '-');
  };

  test('inner', () => {
    expect(run('inner')).toEqual([
      '-',
      'k:1-foo@1',
      'k:∅@2',
      'k:∅@3',
      'k:3-bar@4',
      'k:∅@5',
      'k:1-foo@6',
      '-',
      '-',
      'q:10-baz@9 r:10-baz@9',
      'q:∅@10',
      'r:∅@11',
    ]);
  });

  test('left', () => {
    expect(run('left')).toEqual([
      'k:1-∅@0',
      'k:1-foo@1',
      'k:2-∅@2',
      'k:3-∅@3',
      'k:3-bar@4',
      'k:none-∅@5',
      'k:1-foo@6',
      'q:10-∅@7',
      'r:10-∅@8',
      'q:10-baz@9 r:10-baz@9',
      'q:∅@10',
      'r:10-∅@11',
    ]);
  });
});

describe('a foreign-key join of 4.1.1', () => {
  const joined = (kind: 'inner' | 'left') => {
    const builder = new StreamsBuilder();
    const left = builder.table<string, string>('L', texts);
    const right = builder.table<string, string>('R', texts);
    const extract = (value: string): string => value[0]!;
    const options = { result: text, name: 'fk' };
    const result =
      kind === 'inner'
        ? left.joinForeign(right, extract, joiner, options)
        : left.leftJoinForeign(right, extract, joiner, options);
    result.toStream().to('out');
    return drive(builder);
  };
  const run = (kind: 'inner' | 'left', ...steps: [topic: string, key: string, value: string | null, at: number][]) => {
    const driven = joined(kind);
    return steps.map(
      (step) =>
        driven
          .pipe(...step)
          .out()
          .join(' ') || '-',
    );
  };

  test.each(['inner', 'left'] as const)('has the time of the right side when that changes, %s', (kind) => {
    const found = run(kind, ['L', 'k', 'a1', 144], ['R', 'a', 'x', 110], ['R', 'a', 'y', 200], ['L', 'k', 'a2', 150]);
    expect(found.slice(1)).toEqual(['k:a1-x@110', 'k:a1-y@200', 'k:a2-y@200']);
  });

  test('takes nothing back that was not there', () => {
    const found = run(
      'inner',
      ['L', 'k', 'a1', 133],
      ['L', 'k', 'a7', 178],
      ['R', 'a', 'x', 180],
      ['R', 'a', null, 181],
    );
    expect(found).toEqual(['-', '-', 'k:a7-x@180', 'k:∅@181']);
    // Its right row went before: that was told then.
    expect(run('inner', ['L', 'k', 'a1', 1], ['R', 'a', 'x', 2], ['R', 'a', null, 3], ['L', 'k', 'a2', 4])[3]).toBe(
      '-',
    );
  });

  test('asks again when the right row has gone before it heard that the left one changed', () => {
    const stale = serialize(new ResponseSerde(text), { hash: Buffer.alloc(16), value: null })!;
    for (const [right, result] of [
      ['x', 'k:a2-x@9'],
      [null, 'k:∅@9'],
    ] as const) {
      const driven = joined('inner');
      driven.pipe('R', 'a', 'x', 1).pipe('L', 'k', 'a2', 2).out();
      if (right === null) driven.pipe('R', 'a', null, 3).out();
      driven.driver.pipe('test-fk-subscription-response-topic', Buffer.from('k'), stale, 9);
      expect(driven.out()).toEqual([result]);
    }
  });
});

describe('global tables', () => {
  test('are joined by any key', () => {
    const builder = new StreamsBuilder();
    const names = builder.globalTable<string, string>('names', texts);
    builder
      .stream<string, string>('L', texts)
      .leftJoinGlobal(
        names,
        (_key, value) => value,
        (value, name, mapped) => `${value}=${name ?? '∅'}(${mapped})`,
      )
      .to('out', texts);
    const driven = drive(builder);
    expect(driven.pipe('L', 'k', 'a', 1).out()).toEqual(['k:a=∅(a)@1']);
    expect(driven.pipe('names', 'a', 'Ann', 2).pipe('L', 'k', 'a', 3).out()).toEqual(['k:a=Ann(a)@3']);
  });
});
