// What a log lends stays as it is until it is given back, whatever is appended meanwhile, with little memory for its tail.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeDisk } from '../../src/broker/log/disk.ts';
import { Segment } from '../../src/broker/log/segment.ts';
import { TailCache } from '../../src/broker/log/tail-cache.ts';
import { batchOf, temporaryDirectory } from './support.ts';

describe('what is read of a segment', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), bytes: fc.integer({ min: 1, max: 20_000 }) }),
    fc.record({ kind: fc.constant('write' as const) }),
    fc.record({
      kind: fc.constant('read' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.nat(40_000),
    }),
    fc.record({ kind: fc.constant('give' as const), which: fc.nat(10) }),
  );

  test('does not change until it is given back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const cache = new TailCache(64 * 1024);
        const place = { disk: nodeDisk, directory: temporaryDirectory(), cache, indexIntervalBytes: 4096 };
        const segment = new Segment(place, 0);
        const lent: { view: Buffer; was: Buffer }[] = [];
        const appended: string[] = [];
        try {
          for (const one of steps) {
            if (one.kind === 'append') {
              const value = `${appended.length}:`.padEnd(one.bytes, String.fromCharCode(97 + (appended.length % 26)));
              segment.append(batchOf([value]), appended.length, 0, -1);
              appended.push(value);
            } else if (one.kind === 'write') segment.write();
            else if (one.kind === 'read') {
              const offset = Math.floor(one.part * appended.length);
              const view = segment.read(offset, appended.length, one.bytes, true);
              expect(view === undefined).toBe(offset >= appended.length);
              if (view !== undefined) lent.push({ view, was: Buffer.from(view) });
            } else if (one.which < lent.length) cache.memory.give(lent.splice(one.which, 1)[0]!.view);
            for (const { view, was } of lent) expect(view.equals(was)).toBe(true);
          }
          for (const [offset, value] of appended.entries())
            expect(segment.read(offset, appended.length, 0, true)!.includes(value)).toBe(true);
        } finally {
          segment.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});
