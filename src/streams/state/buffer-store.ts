import { ByteWriter } from '../../util/index.ts';
import { readInt64 } from '../windows.ts';
import { Line } from './line.ts';
import { SlotTable } from './slot-table.ts';
import type { RowVisitor, StateStore, StoreSpec, Tracking } from './store.ts';

export interface Buffered {
  readonly key: Buffer;
  readonly time: number;
  value: unknown;
  /** What the table held before the first buffered change. */
  readonly old: unknown;
  timestamp: number;
  isGone: boolean;
}

/**
 * The last change per key in the order of time and key: what suppression holds back. Its rows are private to this library: the
 * key, then buffer time, presence flags, and new and old value with lengths.
 */
export class BufferState implements StateStore {
  readonly spec: StoreSpec;
  readonly #byKey = new SlotTable<Buffered>();
  readonly #line = new Line<Buffered>((a, b) => a.time - b.time || Buffer.compare(a.key, b.key));
  readonly #tracking: Tracking;
  #unlogged = new Map<string, Buffer>();
  #uncheckpointed = new Map<string, Buffer>();
  readonly #out = new ByteWriter();

  constructor(spec: StoreSpec, tracking: Tracking) {
    this.spec = spec;
    this.#tracking = tracking;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get expiredBefore(): number {
    return Number.NEGATIVE_INFINITY;
  }

  get minTime(): number {
    return this.#line.first()!.time;
  }

  put(
    bytes: Uint8Array,
    start: number,
    end: number,
    time: number,
    value: unknown,
    old: unknown,
    timestamp: number,
  ): void {
    const slot = this.#byKey.slotFor(bytes, start, end);
    const known = this.#byKey.values[slot];
    if (known === undefined) {
      this.#insert(slot, {
        key: Buffer.from(bytes.subarray(start, end)),
        time,
        value,
        old,
        timestamp,
        isGone: false,
      });
    } else {
      known.value = value;
      known.timestamp = timestamp;
    }
    this.#touch(this.#byKey.values[slot]!.key);
  }

  takeFirst(): Buffered {
    const first = this.#line.first()!;
    first.isGone = true;
    const slot = this.#byKey.find(first.key, 0, first.key.length);
    this.#byKey.remove(slot, first.timestamp);
    this.#touch(first.key);
    return first;
  }

  drainLog(visit: RowVisitor): void {
    const keys = this.#unlogged;
    this.#unlogged = new Map();
    for (const key of keys.values()) this.#visit(key, visit);
  }

  drainCheckpoint(visit: RowVisitor): boolean {
    const keys = this.#uncheckpointed;
    this.#uncheckpointed = new Map();
    for (const key of keys.values()) this.#visit(key, visit);
    return false;
  }

  restore(row: Buffer, value: Buffer | null, timestamp: number): void {
    const slot = this.#byKey.slotFor(row, 0, row.length);
    const known = this.#byKey.values[slot];
    if (known !== undefined) known.isGone = true;
    if (value === null) {
      this.#byKey.restore(slot, undefined, timestamp);
      return;
    }
    const time = readInt64(value, 0);
    const flags = value[8]!;
    const length = value.readInt32BE(9);
    const valueEnd = 13 + length;
    const serde = this.spec.value;
    this.#insert(slot, {
      key: Buffer.from(row),
      time,
      value: (flags & 1) === 0 ? null : serde.decode(value, 13, valueEnd),
      old: (flags & 2) === 0 ? null : serde.decode(value, valueEnd, value.length),
      timestamp,
      isGone: false,
    });
  }

  #insert(slot: number, entry: Buffered): void {
    this.#byKey.restore(slot, entry, entry.timestamp);
    this.#line.insert(entry);
  }

  #touch(key: Buffer): void {
    if (!this.#tracking.log && !this.#tracking.checkpoint) return;
    const id = key.toString('latin1');
    if (this.#tracking.log) this.#unlogged.set(id, key);
    if (this.#tracking.checkpoint) this.#uncheckpointed.set(id, key);
  }

  #visit(key: Buffer, visit: RowVisitor): void {
    const slot = this.#byKey.find(key, 0, key.length);
    const entry = slot < 0 ? undefined : this.#byKey.values[slot];
    if (entry === undefined) {
      visit(key, null, 0, 0);
      return;
    }
    const out = this.#out;
    const serde = this.spec.value;
    out.reset();
    out.int64(entry.time);
    out.int8((entry.value === null ? 0 : 1) | (entry.old === null ? 0 : 2));
    out.int32(0);
    if (entry.value !== null) serde.encode(entry.value, out);
    out.buffer.writeInt32BE(out.position - 13, 9);
    if (entry.old !== null) serde.encode(entry.old, out);
    visit(key, out.view(), entry.timestamp, 0);
  }
}
