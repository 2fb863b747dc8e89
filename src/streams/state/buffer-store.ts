import { ByteWriter } from '../../util/index.ts';
import { readInt64 } from '../../util/index.ts';
import { Line } from './line.ts';
import { SlotTable } from './slot-table.ts';
import { FROM_LOG, type RowVisitor, type StateStore, type StoreSpec, type Tracking } from './store.ts';

export interface Buffered {
  readonly key: Buffer;
  readonly time: number;
  value: unknown;
  /** What the table held before the first buffered change. */
  readonly old: unknown;
  timestamp: number;
  isGone: boolean;
  /** The generation of the checkpoint that holds it. */
  savedIn: number;
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
        savedIn: FROM_LOG,
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

  drainCheckpoint(generation: number, visit: RowVisitor): boolean {
    const keys = this.#uncheckpointed;
    this.#uncheckpointed = new Map();
    for (const key of keys.values()) {
      const entry = this.#visit(key, visit);
      if (entry !== undefined) entry.savedIn = generation;
    }
    return false;
  }

  refresh(before: number): void {
    this.#byKey.forEach((slot) => {
      const { key, savedIn } = this.#byKey.values[slot]!;
      if (savedIn < before) this.#needsCheckpoint(key);
    });
  }

  restore(
    bytes: Buffer,
    rowStart: number,
    rowEnd: number,
    valueStart: number,
    valueEnd: number,
    timestamp: number,
    generation: number,
  ): void {
    const row = bytes.subarray(rowStart, rowEnd);
    if (generation === FROM_LOG) this.#needsCheckpoint(Buffer.from(row));
    const slot = this.#byKey.slotFor(row, 0, row.length);
    const known = this.#byKey.values[slot];
    if (known !== undefined) known.isGone = true;
    if (valueStart < 0) {
      this.#byKey.restore(slot, undefined, timestamp, generation);
      return;
    }
    const time = readInt64(bytes, valueStart);
    const flags = bytes[valueStart + 8]!;
    const newStart = valueStart + 13;
    const newEnd = newStart + bytes.readInt32BE(valueStart + 9);
    const serde = this.spec.value;
    this.#insert(slot, {
      key: Buffer.from(row),
      time,
      value: (flags & 1) === 0 ? null : serde.decode(bytes, newStart, newEnd),
      old: (flags & 2) === 0 ? null : serde.decode(bytes, newEnd, valueEnd),
      timestamp,
      isGone: false,
      savedIn: generation,
    });
  }

  #insert(slot: number, entry: Buffered): void {
    this.#byKey.restore(slot, entry, entry.timestamp, entry.savedIn);
    this.#line.insert(entry);
  }

  #touch(key: Buffer): void {
    if (this.#tracking.log) this.#unlogged.set(key.toString('latin1'), key);
    this.#needsCheckpoint(key);
  }

  #needsCheckpoint(key: Buffer): void {
    if (this.#tracking.checkpoint) this.#uncheckpointed.set(key.toString('latin1'), key);
  }

  #visit(key: Buffer, visit: RowVisitor): Buffered | undefined {
    const slot = this.#byKey.find(key, 0, key.length);
    const entry = slot < 0 ? undefined : this.#byKey.values[slot];
    if (entry === undefined) {
      visit(key, null, 0);
      return undefined;
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
    visit(key, out.view(), entry.timestamp);
    return entry;
  }
}
