// What changes in a copy of a store is told, each key once, and no more than is noted.
import { expect, test } from 'vitest';
import { partsOf } from '../../src/streams/runtime/store-parts.ts';
import { KeyValueState } from '../../src/streams/state/key-value-store.ts';
import { NO_TRACKING } from '../../src/streams/state/store.ts';
import { type StoreUser, typedKeyValueStore } from '../../src/streams/state/typed-stores.ts';
import { text } from './support.ts';

const user: StoreUser = { now: () => 1, isProcessor: false, mayWrite: true };

function store() {
  const spec = { kind: 'key-value', name: 's', key: text as never, value: text as never, logging: false } as const;
  const state = new KeyValueState(spec, NO_TRACKING);
  const [part] = partsOf<string, string>([state]);
  return { state, part: part!, typed: typedKeyValueStore<string, string>(state, user) };
}

test('keys that are written, restored and removed, each once', () => {
  const { state, part, typed } = store();
  typed.put('before', '1');
  const changes = part.changes(10);
  const others = part.changes(10);
  typed.put('a', '1');
  typed.put('a', '2');
  typed.put('ä', '1');
  typed.delete('before');
  state.restore({ bytes: Buffer.from('kv'), keyStart: 0, keyEnd: 1, valueStart: 1, valueEnd: 2, timestamp: 1 });
  expect(changes.take()).toEqual(['a', 'ä', 'before', 'k']);
  expect(changes.take()).toEqual([]);
  expect(part.getWithTimestamp('a')).toEqual({ value: '2', timestamp: 1 });
  expect(part.getWithTimestamp('before')).toBeNull();
  changes.close();
  typed.put('later', '1');
  expect(changes.take()).toEqual([]);
  expect(others.take()).toHaveLength(5);
  expect(partsOf([state])[0]!.identity).toBe(part.identity);
});

test('more than are noted: any may have changed', async () => {
  const { part, typed } = store();
  const changes = part.changes(3);
  for (const key of ['a', 'b', 'c', 'c', 'd', 'e']) typed.put(key, '1');
  expect(changes.take()).toBeUndefined();
  expect(changes.take()).toEqual([]);
  typed.put('f', '1');
  expect(changes.take()).toEqual(['f']);
  expect((await Array.fromAsync(part.all())).map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});
