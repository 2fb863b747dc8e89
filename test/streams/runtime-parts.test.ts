// The parts of the runtime that need no broker: what is assigned in which round, how many partitions internal topics get, and what is committed beside offsets.
import { fc, test as property } from './property.ts';
import { describe, expect, test } from 'vitest';
import type { GroupMember } from '../../src/client/index.ts';
import { StreamsAssignor } from '../../src/streams/runtime/assignor.ts';
import type { MemberHoldings } from '../../src/streams/runtime/task-assignment.ts';
import { decodeMetadata, encodeMetadata } from '../../src/streams/runtime/commit-metadata.ts';
import { partitionCounts, taskCount } from '../../src/streams/runtime/internal-topics.ts';
import { JoinWindows, StreamsBuilder } from '../../src/streams/index.ts';
import { murmur3 } from '../../src/streams/operators/murmur3.ts';
import { ChangeSerde } from '../../src/streams/operators/table-aggregate.ts';
import { deserialize, serialize } from '../../src/serde/index.ts';
import { text, texts } from './support.ts';

describe('the assignor', () => {
  const builder = new StreamsBuilder();
  builder.stream<string, string>('in', texts).groupByKey().count({ name: 'counts' });
  const topology = builder.build();
  const at = (...partitions: number[]) => partitions.map((partition) => ({ topic: 'in', partition }));

  const ended: string[][] = [];

  function assignor(holdings: Partial<MemberHoldings> = {}, transactionalId?: string): StreamsAssignor {
    return new StreamsAssignor({
      topology,
      fullName: (topic) => topic,
      counts: new Map([['in', 2]]),
      holdings: () => ({ running: [], reached: new Map(), home: '', tags: {}, ...holdings }),
      probes: () => 0,
      applicationServer: undefined,
      transactionalId,
      endTransactionsOf: (ids) => ended.push([...ids]),
      ends: async (tasks) => new Map(tasks.map((id) => [id, 5])),
      rules: {
        numStandbyReplicas: 0,
        acceptableRecoveryLag: 10,
        maxWarmupReplicas: 1,
        probingRebalanceIntervalMs: 1000,
        rackAwareAssignmentTags: [],
      },
      endsAll: false,
    });
  }

  const member = (memberId: string, owned: number[], home: string): GroupMember => {
    const userData = assignor({ running: owned.map((partition) => `0_${partition}`), home }).userData();
    return { memberId, topics: ['in'], userData, owned: at(...owned) };
  };

  test.each([
    { homes: ['x', 'y'], follows: ['0_1'] },
    // It has the state, and can't open what the other one has open.
    { homes: ['x', 'x'], follows: [] },
  ])('gives to nobody what somebody else still owns: it is followed until then (homes $homes)', async (of) => {
    const [home, otherHome] = of.homes as [string, string];
    const counts = new Map([['in', 2]]);
    const first = await assignor().assign([member('a', [0, 1], home), member('b', [], otherHome)], counts);
    expect([first.get('a')!.partitions, first.get('b')!.partitions]).toEqual([at(0), []]);
    expect(assignor().read(first.get('b')!.userData!)).toMatchObject({ standby: [], warmup: of.follows });
    const second = await assignor().assign([member('a', [0], home), member('b', [], otherHome)], counts);
    expect([second.get('a')!.partitions, second.get('b')!.partitions]).toEqual([at(0), at(1)]);
  });

  test('ends what members had open that are gone, whoever leads', async () => {
    const counts = new Map([['in', 2]]);
    const named = (memberId: string): GroupMember => ({
      memberId,
      topics: ['in'],
      userData: assignor({}, `x-${memberId}`).userData(),
      owned: [],
    });
    const leader = assignor();
    const first = await leader.assign([named('a'), named('b'), named('c')], counts);
    expect(ended).toEqual([]);
    const heir = assignor();
    for (const [id, each] of [
      ['a', leader],
      ['b', heir],
    ] as const) {
      each.read(first.get(id)!.userData!);
    }
    // The first leader died, and so did another one.
    const second = await heir.assign([named('b')], counts);
    expect(ended.splice(0)).toEqual([['x-a', 'x-c']]);
    heir.read(second.get('b')!.userData!);
    await heir.assign([named('b'), named('d')], counts);
    expect(ended).toEqual([]);
  });

  test('takes a member whose data it does not understand for one that holds nothing', async () => {
    for (const data of ['', '{', '[]', '7', '{"running":"x","reached":[1],"home":2,"tags":{"a":1}}']) {
      const odd = { memberId: 'a', topics: ['in'], userData: Buffer.from(data), owned: [] };
      const assigned = await assignor().assign([odd], new Map([['in', 2]]));
      expect(assigned.get('a')!.partitions).toEqual(at(0, 1));
    }
  });
});

test('rows are read ahead for stores that most records of a source come to with their own keys', () => {
  const builder = new StreamsBuilder();
  const stream = builder.stream<string, string>('in', texts);
  stream.groupByKey().count({ name: 'at-once' });
  stream
    .mapValues((value) => value, { value: text })
    .groupByKey()
    .count({ name: 'behind-a-mapper' });
  stream
    .filter(() => false)
    .groupByKey()
    .count({ name: 'behind-a-filter' });
  stream.groupBy((_key, value) => value, texts).count({ name: 'by-other-keys' });
  stream.join(builder.table<string, string>('table', { ...texts, name: 'joined' }), (a, b) => a + b, texts);
  const topology = builder.build();
  const storesBehind = (topic: string) =>
    topology.subTopologies
      .flatMap(({ sources }) => sources)
      .filter(({ source }) => source!.topics.some((name) => name.includes(topic)))
      .flatMap((node) => topology.plan.storesBehind(node))
      .map(({ name }) => name)
      .sort();
  expect(storesBehind('in')).toEqual(['at-once', 'behind-a-mapper', 'table-store']);
  expect(storesBehind('table')).toEqual(['table-store']);
  expect(storesBehind('by-other-keys')).toEqual(['by-other-keys']);
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
