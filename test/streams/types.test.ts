// What the compiler knows of streams and tables, and what it refuses. The file is checked by `tsc`; run, its topologies are built.
import { expect, test } from 'vitest';
import { jsonSerde, longSerde, stringSerde } from '../../src/serde/index.ts';
import { type KStream, type KTable, StreamsBuilder, TimeWindows } from '../../src/streams/index.ts';

interface Click {
  readonly kind: 'click';
  readonly x: number;
}
interface Key {
  readonly kind: 'key';
  readonly code: string;
}
type Event = Click | Key;

function topology(build: (events: KStream<string, Event | null>, counts: KTable<string, number>) => void): string {
  const builder = new StreamsBuilder();
  const events = builder.stream<string, Event | null>('events', { key: stringSerde, value: jsonSerde<Event>() });
  build(events, events.groupByKey().count());
  return builder.build().describe().toString();
}

test('predicates that narrow a value narrow the stream', () => {
  const text = topology((events) => {
    events
      .filter((_key, event) => event !== null)
      .mapValues((_key, event) => event.kind, { value: stringSerde })
      .to('kinds');
    events
      .filter((_key, event): event is Click => event?.kind === 'click', { reads: 'value' })
      .mapValues((_key, { x }) => x, { value: longSerde })
      .to('xs');
    // @ts-expect-error -- without a predicate that says so, the event may be null
    events.mapValues((_key, event) => event.kind, { value: stringSerde });
  });
  expect(text).toContain('kinds');
});

test('what is not read is undefined', () => {
  const text = topology((events) => {
    events.mapValues((key: undefined, event) => `${key}${event?.kind}`, { reads: 'value', value: stringSerde }).to('a');
    // @ts-expect-error -- the key is not read
    events.mapValues((key) => key.length, { reads: 'value' });
    events.groupBy((key) => key.length, { reads: 'key', key: longSerde, name: 'lengths' }).count();
    // @ts-expect-error -- the value is not read
    events.filter((_key, event) => event.kind === 'key', { reads: 'key' });
  });
  expect(text).toContain('a');
});

test('a promise is refused where nobody waits for it', () => {
  topology((events, counts) => {
    const refused = [
      // @ts-expect-error -- a promise
      () => events.mapValues(async (_key, event) => event),
      // @ts-expect-error -- a promise
      () => events.filter(async () => false),
      // @ts-expect-error -- a promise
      () => events.foreach(async () => {}),
      // @ts-expect-error -- a promise
      () => events.peek((_key, event) => Promise.resolve(event)),
      // @ts-expect-error -- a promise
      () => events.groupBy(async (key) => key),
      // @ts-expect-error -- a promise
      () => counts.mapValues(async (_key, count) => count),
      // @ts-expect-error -- a promise
      () => events.join(counts, async (event, count) => [event, count]),
      // @ts-expect-error -- a promise
      () => events.process(() => ({ process: async () => {} })),
    ];
    expect(refused).toHaveLength(8);
  });
});

test('functions that are waited for have the types of what they resolve with', () => {
  const text = topology((events) => {
    const lengths: KStream<string, number> = events.mapValuesAsync(async (key) => key.length, { value: longSerde });
    lengths.to('lengths');
    events
      .flatMapAsync(async (key, event) => [[key.length, event] as const], { key: longSerde, value: jsonSerde<Event>() })
      .filter((length: number, event: Event | null) => length > 0 && event !== null)
      .to('pairs');
  });
  expect(text).toContain('pairs');
});

test('tables: stream by another key, write with a serde that knows more, begin with an empty aggregate', () => {
  const text = topology((events, counts) => {
    counts
      .toStream((key, count) => `${key.length}${count.toFixed(0)}`)
      .to('by-length', { key: stringSerde, value: longSerde });
    const windowed = events.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(1000)).count();
    windowed.toStream((window) => window.key).to('windows', { key: stringSerde, value: longSerde });
    events
      .groupByKey()
      .aggregate(
        () => [],
        (_key, event, kinds) => [...kinds, event.kind],
        { value: jsonSerde<string[]>() },
      )
      .toStream()
      .mapValues((_key, kinds) => kinds.length, { value: longSerde })
      .to('kinds');
  });
  expect(text).toContain('windows');
});

test('a serde that promises nothing gives values that nobody checks', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { key: stringSerde, value: jsonSerde() })
    .filter((_key, value) => value.anything.goes > 3)
    .to('out');
  expect(builder.build().describe().toString()).toContain('out');
});
