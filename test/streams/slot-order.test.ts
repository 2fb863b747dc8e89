// The order of keys is that of their bytes, whatever they have in common and however long they are.
import { expect, test } from 'vitest';
import { SlotOrder } from '../../src/streams/state/slot-order.ts';
import { fc, test as property } from './property.ts';

test('slots are in the order of their keys, those of the beginning and those that come later', () => {
  const key = fc
    .tuple(fc.constantFrom('', 'k', 'key-', 'key-000000'), fc.uint8Array({ maxLength: 12 }))
    .map(([head, rest]) => Buffer.concat([Buffer.from(head), rest]));
  const keys = fc.uniqueArray(key, { maxLength: 60, selector: (bytes) => bytes.toString('hex') });
  property(fc.tuple(keys, fc.nat(60)), ([all, later]) => {
    const starts = all.map((_, i) => all.slice(0, i).reduce((sum, bytes) => sum + bytes.length, 0));
    const arena = Buffer.concat(all);
    const place = {
      arena,
      keyStart: (slot: number) => starts[slot]!,
      keyEnd: (slot: number) => starts[slot]! + all[slot]!.length,
    };
    const slots = all.map((_, slot) => slot);
    const order = new SlotOrder(place, slots.slice(0, later));
    for (const slot of slots.slice(later)) order.insert(slot);
    const found = order.range(null, null, Number.POSITIVE_INFINITY, () => true);
    expect(found.map((slot) => all[slot])).toEqual([...all].sort(Buffer.compare));
  });
});
