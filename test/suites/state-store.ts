// What every state store must do for the runtime: say what changed, row by row, take the rows back, and be the same store
// when most of it is on disk.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Checkpoint, type CheckpointMeta } from '../../src/streams/state/checkpoint.ts';
import { MemoryBudget } from '../../src/streams/state/memory-budget.ts';
import {
  NO_TRACKING,
  type RowVisitor,
  type StateStore,
  type StoreSpec,
  type Tracking,
} from '../../src/streams/state/store.ts';
import { assert } from '../../src/util/index.ts';
import { fc } from '../streams/property.ts';

export interface StoreRow {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestamp: number;
}

export interface StoreUnderTest<S extends StateStore> {
  readonly spec: StoreSpec;
  readonly create: (spec: StoreSpec, tracking: Tracking) => S;
  /** Changes to apply in order; some of them remove what others put. */
  readonly changes: readonly ((store: S) => void)[];
  /** All that can be seen of the store, comparable; asks for it key by key. */
  readonly contents: (store: S) => unknown;
  /** The same as queries walk through it. */
  readonly scan?: (store: S) => AsyncIterable<unknown>;
  /** What has expired may still be counted. */
  readonly countsExpired?: boolean;
  /** A key has a row for each of its versions. */
  readonly logsVersions?: boolean;
}

const LOGGED: Tracking = { log: true, disk: null };

export function restoreRows(store: StateStore, rows: readonly StoreRow[]): void {
  for (const { key, value, timestamp } of rows) {
    // Somewhere among other bytes, as it lies in a batch.
    const bytes = Buffer.concat([Buffer.from('before'), key, value ?? Buffer.alloc(0), Buffer.from('behind')]);
    const keyEnd = 6 + key.length;
    const valueStart = value === null ? -1 : keyEnd;
    store.restore({ bytes, keyStart: 6, keyEnd, valueStart, valueEnd: bytes.length - 6, timestamp });
  }
}

export function drainLog(store: StateStore): StoreRow[] {
  const rows: StoreRow[] = [];
  const take: RowVisitor = (key, value, timestamp) =>
    rows.push({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp });
  store.drainLog(take);
  return rows;
}

export function stateStoreSuite<S extends StateStore>(
  name: string,
  { spec, create: createOf, changes, contents, scan, countsExpired = false, logsVersions = false }: StoreUnderTest<S>,
): void {
  describe(`the ${name} store`, () => {
    const create = (tracking: Tracking): S => createOf(spec, tracking);

    test('comes back from its rows, logged after every change or all at once', () => {
      for (const every of [1, 2, changes.length]) {
        const store = create(LOGGED);
        const rows: StoreRow[] = [];
        changes.forEach((change, i) => {
          change(store);
          if ((i + 1) % every === 0) rows.push(...drainLog(store));
        });
        rows.push(...drainLog(store));
        const back = create(LOGGED);
        restoreRows(back, rows);
        expect(contents(back)).toEqual(contents(store));
        if (!countsExpired) expect(back.size).toBe(store.size);
      }
    });

    test('visits a row once per drain', () => {
      const store = create(LOGGED);
      for (const change of changes) change(store);
      const logged = drainLog(store);
      expect(logged.length).toBeGreaterThan(0);
      expect(drainLog(store)).toEqual([]);
      const keys = new Set(logged.map((row) => row.key.toString('hex')));
      if (!logsVersions) expect(keys.size).toBe(logged.length);
      const back = create(LOGGED);
      restoreRows(back, logged);
      expect(drainLog(back)).toEqual([]);
    });

    test('goes on from where it was put back', () => {
      for (let cut = 0; cut <= changes.length; cut++) {
        const store = create(LOGGED);
        changes.slice(0, cut).forEach((change) => change(store));
        const back = create(LOGGED);
        restoreRows(back, drainLog(store));
        changes.slice(cut).forEach((change) => change(store));
        changes.slice(cut).forEach((change) => change(back));
        expect(contents(back)).toEqual(contents(store));
      }
    });

    test('untracked, it is the same store', () => {
      const store = create(NO_TRACKING);
      const tracked = create(LOGGED);
      for (const change of changes) {
        change(store);
        change(tracked);
      }
      expect(contents(store)).toEqual(contents(tracked));
      expect(drainLog(store)).toEqual([]);
    });

    test('on disk, through evictions, checkpoints, restarts and crashes, it is the same store', {
      timeout: 60_000,
    }, async () => {
      const step = fc.record({
        change: fc.nat(changes.length - 1),
        next: fc.constantFrom('nothing', 'nothing', 'evict', 'commit', 'checkpoint', 'checkpoint', 'restart', 'crash'),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, inMemory) => {
          const model = new OnDisk(createOf, { ...spec, storeType: inMemory ? 'IN_MEMORY' : 'PERSISTENT' });
          await model.open();
          try {
            let expected = create(LOGGED);
            const done: ((store: S) => void)[] = [];
            let committed = 0;
            for (const { change, next } of steps) {
              changes[change]!(model.store);
              changes[change]!(expected);
              done.push(changes[change]!);
              if (next !== 'nothing' && next !== 'evict' && next !== 'crash') committed = done.length;
              if (next === 'crash') {
                // What was not committed has never happened.
                done.length = committed;
                expected = create(LOGGED);
                for (const each of done) each(expected);
              }
              await model[next]();
              if (scan !== undefined) {
                // What is asked for first finds its rows where they are.
                expect(await Array.fromAsync(scan(model.store))).toEqual(await Array.fromAsync(scan(expected)));
              }
              expect(contents(model.store)).toEqual(contents(expected));
              if (!countsExpired) expect(model.store.size).toBe(expected.size);
            }
          } finally {
            await model.remove();
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

/** A store over a checkpoint, with room for next to nothing in memory, and a changelog. */
class OnDisk<S extends StateStore> {
  store!: S;
  readonly #create: (spec: StoreSpec, tracking: Tracking) => S;
  readonly #spec: StoreSpec;
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-store-'));
  readonly #budget = new MemoryBudget(1);
  readonly #log: StoreRow[] = [];
  #checkpoint!: Checkpoint;

  constructor(create: (spec: StoreSpec, tracking: Tracking) => S, spec: StoreSpec) {
    this.#create = create;
    this.#spec = spec;
  }

  async open(): Promise<void> {
    this.#checkpoint = await Checkpoint.open(join(this.#directory, '0_0'), { budget: this.#budget });
    this.store = this.#create(this.#spec, { log: true, disk: this.#checkpoint.disk(this.#spec) });
    await this.#checkpoint.load(this.#stores);
    restoreRows(this.store, this.#log.slice(this.#checkpoint.offsetOf(this.#spec)));
  }

  async nothing(): Promise<void> {}

  async evict(): Promise<void> {
    this.#budget.evict();
    this.#budget.evict();
  }

  async commit(): Promise<void> {
    this.#log.push(...drainLog(this.store));
    await this.evict();
  }

  async checkpoint(): Promise<void> {
    await this.commit();
    const changelogOffsets = { [this.#spec.name]: this.#log.length };
    await this.#checkpoint.write(this.#stores, {
      changelogOffsets,
      positions: {},
      streamTime: 0,
    } satisfies CheckpointMeta);
    // Half of the time what follows meets rows that are still being written.
    if (this.#log.length % 2 === 0) await this.#checkpoint.settled();
    await this.evict();
  }

  async restart(): Promise<void> {
    await this.commit();
    await this.crash();
  }

  async crash(): Promise<void> {
    await this.#close();
    await this.open();
  }

  async remove(): Promise<void> {
    await this.#close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #stores(): ReadonlyMap<string, StateStore> {
    return new Map([[this.#spec.name, this.store]]);
  }

  async #close(): Promise<void> {
    this.store.close();
    await this.#checkpoint.close();
    assert(this.#budget.used === 0 && this.#budget.dirty === 0, 'what was charged to the budget is given back');
  }
}
