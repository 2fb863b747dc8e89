import { type ByteWriter, readInt64 } from '../../util/index.ts';
import { Line } from './line.ts';
import { TableRows } from './rows.ts';
import type { Row, StoreSpec, Tracking } from './store.ts';
import type { Key } from './table.ts';

/** Buffer time (8), presence flags (1), length of the new value (4). */
const HEAD_BYTES = 13;
const HAS_NEW = 1;
const HAS_OLD = 2;

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
export class BufferState extends TableRows<Buffered> {
  readonly #line = new Line<Buffered>((a, b) => a.time - b.time || Buffer.compare(a.key, b.key));

  /** What is held back is in line, and the line is in memory. */
  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking, true);
  }

  get minTime(): number {
    return this.#line.first()!.time;
  }

  put(key: Key, time: number, value: unknown, old: unknown, timestamp: number): void {
    const { bytes, start, end } = key;
    const slot = this.slots.slotFor(bytes, start, end);
    let entry = this.slots.read(slot);
    if (entry === undefined) {
      entry = { key: Buffer.from(bytes.subarray(start, end)), time, value, old, timestamp, isGone: false };
      this.#line.insert(entry);
    } else {
      entry.value = value;
      entry.timestamp = timestamp;
    }
    this.slots.write(slot, entry, timestamp);
  }

  takeFirst(): Buffered {
    const first = this.#line.first()!;
    first.isGone = true;
    this.slots.remove(this.slots.find(first.key, 0, first.key.length), 0);
    return first;
  }

  protected override encode({ time, value, old }: Buffered, out: ByteWriter): void {
    const serde = this.spec.value;
    const at = out.position;
    out.int64(time);
    out.int8((value === null ? 0 : HAS_NEW) | (old === null ? 0 : HAS_OLD));
    out.int32(0);
    if (value !== null) serde.encode(value, out);
    out.buffer.writeInt32BE(out.position - at - HEAD_BYTES, at + HEAD_BYTES - 4);
    if (old !== null) serde.encode(old, out);
  }

  protected override decode({ bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp }: Row): Buffered {
    const serde = this.spec.value;
    const flags = bytes[valueStart + 8]!;
    const newStart = valueStart + HEAD_BYTES;
    const newEnd = newStart + bytes.readInt32BE(newStart - 4);
    return {
      key: Buffer.from(bytes.subarray(keyStart, keyEnd)),
      time: readInt64(bytes, valueStart),
      value: (flags & HAS_NEW) === 0 ? null : serde.decode(bytes, newStart, newEnd),
      old: (flags & HAS_OLD) === 0 ? null : serde.decode(bytes, newEnd, valueEnd),
      timestamp,
      isGone: false,
    };
  }

  protected override placed(_slot: number, buffered: Buffered): void {
    this.#line.insert(buffered);
  }

  protected override restored(_row: Row, before: Buffered | undefined, now: Buffered | undefined): void {
    if (before !== undefined) before.isGone = true;
    if (now !== undefined) this.#line.insert(now);
  }
}
