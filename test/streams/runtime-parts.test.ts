// The parts of the runtime that need no broker: who runs which task, how many partitions internal topics get, and what is
// committed beside offsets.
import { fc, test as property } from './property.ts';
import { describe, expect, test } from 'vitest';
import { assignTasks } from '../../src/streams/runtime/assignor.ts';
import { decodeMetadata, encodeMetadata } from '../../src/streams/runtime/commit-metadata.ts';
import { partitionCounts, taskCount } from '../../src/streams/runtime/internal-topics.ts';
import { JoinWindows, StreamsBuilder } from '../../src/streams/index.ts';
import { murmur3 } from '../../src/streams/operators/murmur3.ts';
import { ChangeSerde } from '../../src/streams/operators/table-aggregate.ts';
import { deserialize, serialize } from '../../src/serde/index.ts';
import { text, texts } from './support.ts';

describe('assignment', () => {
  const tasks = ['0_0', '0_1', '0_2', '1_0', '1_1'];
  const running = (list: readonly string[]) => ({ running: list, checkpointed: [] });

  test('is balanced, and stays where the state is', () => {
    const first = assignTasks(tasks, new Map([['a', running([])]]));
    expect(first.get('a')).toEqual(tasks);
    const second = assignTasks(
      tasks,
      new Map([
        ['a', running(tasks)],
        ['b', running([])],
      ]),
    );
    // Both have tasks of both sub-topologies.
    expect(second.get('a')).toEqual(['0_0', '1_0', '0_1']);
    expect(second.get('b')).toEqual(['0_2', '1_1']);
    expect(assignTasks(tasks, new Map([...second].map(([id, list]) => [id, running(list)])))).toEqual(
      new Map([
        ['a', ['0_0', '1_0', '0_1']],
        ['b', ['1_1', '0_2']],
      ]),
    );
    const third = assignTasks(tasks, new Map([['b', running(second.get('b')!)]]));
    expect([...third.get('b')!].sort()).toEqual(tasks);
  });

  test('by turns among those who have the same checkpoints, behind those who run a task', () => {
    const held = (list: readonly string[]) => ({ running: list, checkpointed: tasks });
    const both = (a: readonly string[], b: readonly string[]) =>
      new Map([
        ['a', held(a)],
        ['b', held(b)],
      ]);
    expect(Object.fromEntries(assignTasks(tasks, both([], [])))).toEqual({
      a: ['0_0', '0_2', '1_1'],
      b: ['0_1', '1_0'],
    });
    expect(Object.fromEntries(assignTasks(tasks, both([], ['1_0', '0_0'])))).toEqual({
      a: ['0_1', '1_1'],
      b: ['0_0', '1_0', '0_2'],
    });
  });

  test('gives every task to exactly one member, whatever they claim to hold', () => {
    property(fc.array(fc.array(fc.constantFrom(...tasks, '9_9')), { minLength: 1, maxLength: 7 }), (claims) => {
      const given = assignTasks(
        tasks,
        new Map(claims.map((list, i) => [`m${i}`, i % 2 === 0 ? running(list) : { running: [], checkpointed: list }])),
      );
      expect([...given.values()].flat().sort()).toEqual([...tasks].sort());
      const counts = [...given.values()].map((list) => list.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    });
  });
});

describe('partition counts', () => {
  test('of repartition topics are those of their sources, or of what they are joined with', () => {
    const builder = new StreamsBuilder();
    const left = builder.stream<string, string>('l', texts).selectKey((_k, v) => v);
    const right = builder.stream<string, string>('r', texts);
    left
      .join(right, (a, b) => a + b, JoinWindows.ofTimeDifferenceWithNoGrace(1), { ...texts, name: 'j' })
      .groupBy((_k, v) => v, texts)
      .count({ name: 'c' });
    const topology = builder.build();
    const counts = partitionCounts(topology, new Map(Object.entries({ l: 2, r: 6 })));
    expect(Object.fromEntries(counts)).toEqual({ l: 2, r: 6, 'j-left-repartition': 6, 'c-repartition': 6 });
    expect(topology.subTopologies.map((sub) => taskCount(sub, counts))).toEqual([2, 6, 6]);
  });

  test('can be asked for', () => {
    const builder = new StreamsBuilder();
    builder.stream<string, string>('l', texts).repartition({ name: 'p', partitions: 3 }).groupByKey().count();
    expect(partitionCounts(builder.build(), new Map([['l', 1]])).get('p-repartition')).toBe(3);
  });

  test('of joined topics must be equal', () => {
    const builder = new StreamsBuilder();
    const table = builder.table<string, string>('t', texts);
    builder.stream<string, string>('l', texts).join(table, (a, b) => a + b);
    const topology = builder.build();
    expect(() => partitionCounts(topology, new Map(Object.entries({ l: 1, t: 2 })))).toThrow(
      /needs topics with equally many partitions, but has l \(1\), t \(2\)/,
    );
    expect(() => partitionCounts(topology, new Map([['l', 1]]))).toThrow(/reads the topic t, which does not exist/);
  });
});

describe('commit metadata', () => {
  test('is in the bytes of Kafka Streams', () => {
    const totals = new Map([['totals', { lastClose: 1_699_999_990_000, observedTime: -1 }]]);
    expect(encodeMetadata(-1, new Map())).toBe('Av//////////');
    expect(encodeMetadata(1_700_000_000_000, new Map())).toBe('AgAAAYvP5WgA');
    expect(encodeMetadata(1_700_000_000_000, totals)).toBe('AgAAAYvP5WgAAAAAAQAAAAZ0b3RhbHMAAAGLz+VA8A==');
  });

  test('comes back, and anything unreadable is unknown', () => {
    const positions = new Map([['a', { lastClose: 5, observedTime: 9 }]]);
    const known = { partitionTime: 7, positions, watermark: -1, stores: new Map() };
    expect(decodeMetadata(encodeMetadata(7, positions))).toEqual(known);
    expect(decodeMetadata(encodeMetadata(7, positions, 6))).toEqual({ ...known, watermark: 6 });
    for (const broken of ['', 'x', 'AQ==', 'AgAAAYvP5WgAAAAA/w=='])
      expect(decodeMetadata(broken).partitionTime).toBe(-1);
  });

  test('says what the rows of stores mean, as far as there is room for it', () => {
    const fingerprint = { layout: 'key-value', key: 'TEXT', value: 'ÄVRO', operator: 'count', input: 'f00' };
    const stores = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`store-${i}`, fingerprint]));
    const read = (count: number) => decodeMetadata(encodeMetadata(7, new Map(), 6, undefined, stores(count)));
    expect(read(10)).toEqual({ partitionTime: 7, positions: new Map(), watermark: 6, stores: stores(10) });
    expect(encodeMetadata(7, new Map(), 6, undefined, stores(1000)).length).toBeLessThan(3000);
    expect(read(1000).stores.size).toBeGreaterThan(20);
  });
});

describe('bytes on internal topics', () => {
  test('changes are written as Kafka Streams does', () => {
    const serde = new ChangeSerde(text as never);
    const bytes = (added: string | null, removed: string | null): string =>
      serialize(serde, { added, removed })!.toString('hex');
    expect([bytes(null, 'a'), bytes('b', null), bytes('b', 'a')]).toEqual(['6100', '6201', '02626102']);
    property(fc.string(), fc.string(), (added, removed) => {
      expect(deserialize(serde, serialize(serde, { added, removed }))).toEqual({ added, removed });
    });
    expect(() => deserialize(serde, Buffer.from([9]))).toThrow(/known flag/);
  });

  test('murmur3 agrees with Kafka', () => {
    const vectors: [string, bigint, bigint][] = [
      ['21', 5857341059704281894n, -5288187638297930763n],
      ['foobar', -351361463397418609n, 8959716011862540668n],
      ['a-little-bit-long-string', 8836256500583638442n, -198172363548498523n],
      ['a-little-bit-longer-string', 1838346159335108511n, 8794688210320490705n],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -4024021876037397259n, -1482317706335141238n],
      ['abc', 1489494923063836066n, -5440978547625122829n],
    ];
    for (const [input, h1, h2] of vectors) {
      const hash = murmur3(Buffer.from(input), 123);
      expect([hash.readBigInt64BE(0), hash.readBigInt64BE(8)]).toEqual([h1, h2]);
    }
  });
});
