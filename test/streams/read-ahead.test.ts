// Rows read ahead of whoever asks for them: they are there when they are asked for, and never older than what was written.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bigintSerde, stringSerde } from '../../src/serde/index.ts';
import { Checkpoint } from '../../src/streams/state/checkpoint.ts';
import { KeyValueState } from '../../src/streams/state/key-value-store.ts';
import { MemoryBudget } from '../../src/streams/state/memory-budget.ts';
import type { Disk, StoreSpec } from '../../src/streams/state/store.ts';
import { deferred, systemEnvironment } from '../../src/util/index.ts';

const KEYS = 2000;
const spec: StoreSpec = {
  kind: 'key-value',
  name: 'totals',
  key: stringSerde,
  value: bigintSerde,
  logging: true,
} as StoreSpec;

let directory: string;
let budget: MemoryBudget;
let checkpoint: Checkpoint;
let time = 0;
/** A clock on which everything takes a millisecond, or nothing. */
let step = 1;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-ahead-'));
  budget = new MemoryBudget(100_000_000);
  step = 1;
  await open();
  const store = stateOver(checkpoint.disk(spec));
  for (let i = 0; i < KEYS; i++) put(store, `k${i}`, BigInt(i));
  await save(store);
  store.close();
  await checkpoint.close();
  await open();
});
afterEach(async () => {
  await checkpoint.close();
  rmSync(directory, { recursive: true, force: true });
});

async function open(): Promise<void> {
  const environment = { ...systemEnvironment, now: () => (time += step) };
  checkpoint = await Checkpoint.open(join(directory, '0_0'), { budget, environment });
}

function stateOver(disk: Disk): KeyValueState {
  return new KeyValueState(spec, { log: true, disk });
}

async function reopened(disk = checkpoint.disk(spec)): Promise<KeyValueState> {
  const store = stateOver(disk);
  await checkpoint.load(new Map([[spec.name, store]]));
  return store;
}

function put(store: KeyValueState, key: string, value: bigint): void {
  const bytes = Buffer.from(key);
  store.table.write(store.table.slotFor(bytes, 0, bytes.length), value, 1);
}

function get(store: KeyValueState, key: string): unknown {
  const bytes = Buffer.from(key);
  const slot = store.table.find(bytes, 0, bytes.length);
  return slot < 0 ? undefined : store.table.read(slot);
}

function expectKeys(store: KeyValueState, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const bytes = Buffer.from(`..k${i}`);
    store.ahead!.expect(bytes, 2, bytes.length);
  }
}

async function save(store: KeyValueState): Promise<void> {
  store.drainLog(() => {});
  await checkpoint.write(new Map([[spec.name, store]]), { changelogOffsets: {}, positions: {}, streamTime: 0 });
  await checkpoint.settled();
}

/** Counts the rows that somebody had to wait for. */
function counting(disk: Disk): { readonly disk: Disk; readonly waited: () => number } {
  let waited = 0;
  const get = (key: Buffer): Buffer | undefined => {
    waited++;
    return disk.get(key);
  };
  return { disk: Object.create(disk, { get: { value: get } }) as Disk, waited: () => waited };
}

describe('rows are read ahead', () => {
  test('where reads take long, and only there', async () => {
    const store = await reopened();
    expect(store.ahead!.isWanted).toBe(false);
    for (let i = 0; i < 256; i++) get(store, `k${i}`);
    expect(store.ahead!.isWanted).toBe(true);
    step = 0;
    for (let i = 256; i < 512; i++) get(store, `k${i}`);
    expect(store.ahead!.isWanted).toBe(false);
    store.close();
  });

  test('and found in memory', async () => {
    const { disk, waited } = counting(checkpoint.disk(spec));
    const store = await reopened(disk);
    expectKeys(store, 0, KEYS + 10);
    await store.ahead!.read();
    for (let i = 0; i < KEYS; i++) expect(get(store, `k${i}`)).toBe(BigInt(i));
    expect(waited()).toBe(0);
    expect(store.size).toBe(KEYS);
    // Nobody has written it, on disk or here.
    expect(get(store, `k${KEYS + 5}`)).toBeUndefined();
    expect(waited()).toBe(1);
    store.close();
  });

  test('but not over what was written, saved and let go of meanwhile', async () => {
    const gate = deferred();
    const disk = checkpoint.disk(spec);
    const getMany = async (keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> => {
      const rows = await disk.getMany(keys);
      await gate.promise;
      return rows;
    };
    const store = await reopened(Object.create(disk, { getMany: { value: getMany } }) as Disk);
    expectKeys(store, 0, 100);
    const reading = store.ahead!.read();
    put(store, 'k7', -7n);
    await save(store);
    budget.limit = 1;
    for (let i = 0; i < 10; i++) budget.evict();
    put(store, 'k8', -8n);
    gate.resolve();
    await reading;
    expect(get(store, 'k7')).toBe(-7n);
    expect(get(store, 'k8')).toBe(-8n);
    expect(get(store, 'k9')).toBe(9n);
    store.close();
  });

  test('and what can’t be read is left to whoever needs it', async () => {
    const disk = checkpoint.disk(spec);
    const getMany = (): Promise<never> => Promise.reject(new Error('the disk is gone'));
    const store = await reopened(Object.create(disk, { getMany: { value: getMany } }) as Disk);
    expectKeys(store, 0, 10);
    await store.ahead!.read();
    expect(get(store, 'k3')).toBe(3n);
    store.close();
  });
});
