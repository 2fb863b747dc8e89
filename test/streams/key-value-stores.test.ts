// What processors do with key-value stores, beside a map in the order of its keys' bytes.
import { describe, expect, test } from 'vitest';
import { bytesSerde } from '../../src/serde/index.ts';
import { type KeyValueStore, StreamsBuilder, TopologyTestDriver } from '../../src/streams/index.ts';
import { fc, test as property } from './property.ts';
import { text, texts } from './support.ts';

/** A store as a processor has it. */
function opened(): { readonly store: KeyValueStore<string, string>; readonly driver: TopologyTestDriver } {
  const builder = new StreamsBuilder();
  builder.addStateStore({ kind: 'key-value', name: 'rows', key: text, value: text });
  let store: KeyValueStore<string, string>;
  builder.stream<string, string>('in', texts).process(
    (context) => {
      store = context.keyValueStore<string, string>('rows');
      return { process: () => {} };
    },
    { stores: ['rows'] },
  );
  const driver = new TopologyTestDriver(builder.build());
  return { store: store!, driver };
}

const keysOf = (entries: Iterable<{ readonly key: string }>): string[] => [...entries].map(({ key }) => key);

describe('a key-value store', () => {
  test('puts where there is nothing, and several at once', () => {
    const { store } = opened();
    expect(store.putIfAbsent('a', '1', 5)).toBeNull();
    expect(store.putIfAbsent('a', '2', 6)).toBe('1');
    expect(store.getWithTimestamp('a')).toEqual({ value: '1', timestamp: 5 });
    store.putAll([
      ['b', '3'],
      ['a', null],
      ['c', '4'],
    ]);
    expect(keysOf(store.all())).toEqual(['b', 'c']);
    expect(store.putIfAbsent('a', '5')).toBeNull();
  });

  test('is walked forwards, backwards and by prefix, as a sorted map is', () => {
    const key = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'b', '~', '\u00ff') });
    const bound = fc.option(key, { nil: null });
    const question = fc.record({ from: bound, to: bound, prefix: key });
    property(fc.array(key, { maxLength: 40 }), question, (keys, { from, to, prefix }) => {
      const { store } = opened();
      store.putAll(keys.map((each) => [each, each] as const));
      const bytes = (each: string): Buffer => Buffer.from(each);
      const sorted = [...new Set(keys)].sort((x, y) => bytes(x).compare(bytes(y)));
      const within = sorted.filter(
        (each) =>
          (from === null || bytes(each).compare(bytes(from)) >= 0) &&
          (to === null || bytes(each).compare(bytes(to)) <= 0),
      );
      expect(keysOf(store.all())).toEqual(sorted);
      expect(keysOf(store.reverseAll())).toEqual(sorted.toReversed());
      expect(keysOf(store.range(from, to))).toEqual(within);
      expect(keysOf(store.reverseRange(from, to))).toEqual(within.toReversed());
      expect(keysOf(store.prefixScan(prefix, text))).toEqual(sorted.filter((each) => each.startsWith(prefix)));
    });
  });

  test('knows prefixes of bytes that nothing comes behind', () => {
    const builder = new StreamsBuilder();
    builder.table('in', { key: bytesSerde, value: text }, { name: 'rows' });
    const driver = new TopologyTestDriver(builder.build());
    for (const hex of ['ff', 'ffff', 'ffff01', 'fe', '00'])
      driver.pipe('in', Buffer.from(hex, 'hex'), Buffer.from(hex), 1);
    const found = driver
      .store('rows')
      .keyValue<Uint8Array, string>()
      .prefixScan(Buffer.from('ffff', 'hex'), bytesSerde);
    expect([...found].map(({ value }) => value)).toEqual(['ffff', 'ffff01']);
    const back = driver.store('rows').keyValue<Uint8Array, string>().reverseAll();
    expect([...back].map(({ value }) => value)).toEqual(['ffff01', 'ffff', 'ff', 'fe', '00']);
  });
});
