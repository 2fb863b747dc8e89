// Operators against models that are too simple to be wrong: random records, in any order, nothing ever late.
import { expect, test } from 'vitest';
import { JoinWindows, SessionWindows, SlidingWindows, StreamsBuilder, TimeWindows } from '../../src/streams/index.ts';
import { fc, test as property } from './property.ts';
import { type Driven, drive, text, texts } from './support.ts';

interface Event {
  readonly key: string;
  readonly time: number;
}

const GRACE = 10_000;
const events = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), time: fc.integer({ min: 0, max: 60 }) }), {
  maxLength: 25,
});

const letters = (list: readonly string[]): string => [...list].sort().join('');
/** Each event is known by its index. */
const idOf = (index: number): string => String.fromCharCode(65 + index);
const append = (_key: string, value: string, aggregate: string): string => aggregate + value;

function feed(driven: Driven, list: readonly Event[], topic = 'in'): void {
  list.forEach(({ key, time }, i) => driven.pipe(topic, key, idOf(i), time));
}

/** The last value of every window that was not deleted, as `key[start,end]letters`. */
function finalWindows(records: readonly string[]): string[] {
  const last = new Map<string, string>();
  for (const record of records) {
    const [, window, value] = /^(\w+\[\d+,\d+\])(.*)@\d+$/.exec(record)!;
    if (value === '∅') last.delete(window!);
    else last.set(window!, letters([...value!]));
  }
  return [...last].map(([window, value]) => window + value).sort();
}

function within(list: readonly Event[], key: string, from: number, to: number): string {
  return letters(
    list.flatMap((event, i) => (event.key === key && event.time >= from && event.time <= to ? [idOf(i)] : [])),
  );
}

test('hopping windows hold the records of their time', () => {
  property(events, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (list, size, step) => {
    const advance = Math.min(size, step);
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(size, GRACE).advanceBy(advance))
      .aggregate(() => '', append, { value: text })
      .toStream()
      .to('out');
    const driven = drive(builder);
    feed(driven, list);
    const expected: string[] = [];
    for (const key of ['a', 'b']) {
      for (let start = 0; start <= 60; start += advance) {
        const held = within(list, key, start, start + size - 1);
        if (held !== '') expected.push(`${key}[${start},${start + size}]${held}`);
      }
    }
    expect(finalWindows(driven.windows(size))).toEqual(expected.sort());
  });
});

test('sliding windows exist where their content changes, and hold the records of their time', () => {
  property(events, fc.integer({ min: 0, max: 20 }), (list, difference) => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(difference, GRACE))
      .aggregate(() => '', append, { value: text })
      .toStream()
      .to('out');
    const driven = drive(builder);
    feed(driven, list);
    const expected = new Set<string>();
    for (const { key, time } of list) {
      for (const start of [Math.max(0, time - difference), time + 1]) {
        const held = within(list, key, start, start + difference);
        if (held !== '') expected.add(`${key}[${start},${start + difference}]${held}`);
      }
    }
    expect(finalWindows(driven.windows(difference))).toEqual([...expected].sort());
  });
});

test('sessions are the records that are no further apart than the gap', () => {
  property(events, fc.integer({ min: 1, max: 20 }), (list, gap) => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .groupByKey()
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(gap, GRACE))
      .aggregate(
        () => '',
        append,
        (_key, one, other) => one + other,
        { value: text },
      )
      .toStream()
      .to('out');
    const driven = drive(builder);
    feed(driven, list);
    const expected: string[] = [];
    for (const key of ['a', 'b']) {
      const times = [...new Set(list.filter((event) => event.key === key).map((event) => event.time))].sort(
        (x, y) => x - y,
      );
      let from = 0;
      times.forEach((time, i) => {
        if (i + 1 < times.length && times[i + 1]! - time <= gap) return;
        expected.push(`${key}[${times[from]!},${time}]${within(list, key, times[from]!, time)}`);
        from = i + 1;
      });
    }
    expect(finalWindows(driven.windows('session'))).toEqual(expected.sort());
  });
});

test('an outer join has every pair within the window once, and every record without a partner once', () => {
  const sided = fc.array(
    fc.record({ key: fc.constantFrom('a', 'b'), time: fc.integer({ min: 0, max: 60 }), isLeft: fc.boolean() }),
    { maxLength: 25 },
  );
  const bounds = fc.record({ before: fc.integer({ min: 0, max: 15 }), after: fc.integer({ min: 0, max: 15 }) });
  property(sided, bounds, (given, { before, after }) => {
    // Late records of outer joins are given up at once, even within grace: only in order is it each once.
    const list = given.toSorted((x, y) => x.time - y.time);
    const builder = new StreamsBuilder();
    const left = builder.stream<string, string>('L', texts);
    const right = builder.stream<string, string>('R', texts);
    left
      .outerJoin(
        right,
        (one, other) => `${one ?? '-'}${other ?? '-'}`,
        JoinWindows.ofTimeDifferenceAndGrace(before, 100).after(after),
      )
      .to('out', texts);
    const driven = drive(builder);
    list.forEach(({ key, time, isLeft }, i) => driven.pipe(isLeft ? 'L' : 'R', key, idOf(i), time));
    // Everything closes.
    driven.pipe('L', 'end', 'end', 1000).pipe('R', 'end', 'end', 1000);
    const expected: string[] = ['end:endend'];
    const partners = new Set<number>();
    list.forEach((one, i) => {
      if (!one.isLeft) return;
      list.forEach((other, j) => {
        if (other.isLeft || other.key !== one.key) return;
        if (other.time < one.time - before || other.time > one.time + after) return;
        partners.add(i).add(j);
        expected.push(`${one.key}:${idOf(i)}${idOf(j)}`);
      });
    });
    list.forEach(({ key, isLeft }, i) => {
      if (!partners.has(i)) expected.push(isLeft ? `${key}:${idOf(i)}-` : `${key}:-${idOf(i)}`);
    });
    const found = driven.out().map((record) => record.slice(0, record.indexOf('@')));
    expect(found.sort()).toEqual(expected.sort());
  });
});

test('an inner join has every pair within the window once, in whatever order they come', () => {
  const sided = fc.array(fc.record({ time: fc.integer({ min: 0, max: 60 }), isLeft: fc.boolean() }), { maxLength: 25 });
  property(sided, fc.integer({ min: 0, max: 15 }), (list, difference) => {
    const builder = new StreamsBuilder();
    const left = builder.stream<string, string>('L', texts);
    const right = builder.stream<string, string>('R', texts);
    left
      .join(right, (one, other) => one + other, JoinWindows.ofTimeDifferenceAndGrace(difference, 100))
      .to('out', texts);
    const driven = drive(builder);
    list.forEach(({ time, isLeft }, i) => driven.pipe(isLeft ? 'L' : 'R', 'k', idOf(i), time));
    const expected = list.flatMap((one, i) =>
      list.flatMap((other, j) =>
        one.isLeft && !other.isLeft && Math.abs(one.time - other.time) <= difference
          ? [`${idOf(i)}${idOf(j)}@${Math.max(one.time, other.time)}`]
          : [],
      ),
    );
    expect(driven.values().sort()).toEqual(expected.sort());
  });
});

test('table joins converge to the join of the tables, chained or not, cached or not', () => {
  const changes = fc.array(
    fc.record({
      topic: fc.constantFrom('A', 'B', 'C'),
      key: fc.constantFrom('x', 'y'),
      value: fc.option(fc.constantFrom('1', '2', '3'), { nil: null }),
    }),
    { maxLength: 30 },
  );
  property(changes, fc.boolean(), (list, caching) => {
    const builder = new StreamsBuilder();
    const [a, b, c] = ['A', 'B', 'C'].map((topic) => builder.table<string, string>(topic, texts)) as [
      never,
      never,
      never,
    ];
    const table = a as ReturnType<typeof builder.table<string, string>>;
    const joiner = (one: string | null, other: string | null): string => `${one ?? '-'}${other ?? '-'}`;
    table
      .leftJoin(b, joiner, { value: text })
      .outerJoin(c, joiner, { value: text })
      .filter((_key, value) => !value.endsWith('3'), { materialized: { name: 'result' } })
      .groupBy((_key, value) => ['all', value], texts)
      .aggregate(
        () => '',
        // In brackets, so that what is taken away can't be found across two of them.
        (_key, value, all) => `${all}(${value})`,
        (_key, value, all) => all.replace(`(${value})`, ''),
        { name: 'all', value: text },
      );
    const driven = drive(builder, { caching });
    const tables = new Map<string, string | null>();
    list.forEach(({ topic, key, value }, i) => {
      driven.pipe(topic, key, value, i);
      tables.set(topic + key, value);
    });
    const expected: [string, string][] = [];
    for (const key of ['x', 'y']) {
      const [one, other, third] = ['A', 'B', 'C'].map((topic) => tables.get(topic + key) ?? null) as [null, null, null];
      const first = one === null ? null : joiner(one, other);
      if (first === null && third === null) continue;
      const joined = joiner(first, third);
      if (!joined.endsWith('3')) expected.push([key, joined]);
    }
    const result = driven.driver.store('result').keyValue<string, string>();
    expect([...result.all()].map(({ key, value }) => [key, value])).toEqual(expected);
    const all = driven.driver.store('all').keyValue<string, string>().get('all') ?? '';
    expect(letters(all.match(/\([^)]*\)/g) ?? [])).toBe(letters(expected.map(([, value]) => `(${value})`)));
  });
});
