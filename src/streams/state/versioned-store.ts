/**
 * The versions of each key's value (KIP-889): which value was valid when, as far back as the history is kept. The latest
 * versions are one table, without end; those before them are spans from their own time to that of the next one, and go when
 * their ends have expired. A version that says "no value" is a span of no length, so that one put before it ends there.
 *
 * The changelog has Kafka Streams' rows: each put as key, value and time, in order. A key whose latest version is not its
 * last row there gets that once more, so that compaction leaves it.
 */
import { IntervalState } from './interval-store.ts';
import { KeyValueState } from './key-value-store.ts';
import { SpanView } from './span-view.ts';
import { ByteWriter } from '../../util/index.ts';
import type { Serde } from '../../serde/index.ts';
import type {
  Disk,
  DiskVisitor,
  KeyRange,
  Row,
  RowVisitor,
  SavedStore,
  StateStore,
  StoreSpec,
  Tracking,
} from './store.ts';
import type { Key, Table } from './table.ts';

/** Behind the store's number on disk: which of the two a row belongs to. */
const LATEST = 0;
const HISTORY = 1;

export interface Version {
  readonly value: unknown;
  readonly timestamp: number;
  /** When the next version began; infinite for the latest. */
  readonly validTo: number;
}

/** A put that the changelog has not seen. */
interface Put {
  readonly key: Buffer;
  readonly value: unknown;
  readonly timestamp: number;
  readonly isLate: boolean;
}

export class VersionedState implements StateStore {
  readonly spec: StoreSpec;
  readonly #latest: KeyValueState;
  readonly #history: IntervalState;
  readonly #diskPrefixBytes: number;
  readonly #logs: boolean;
  readonly #value = new ByteWriter();
  readonly #valueView = new SpanView();
  #unlogged: Put[] = [];
  /** The latest time that was put. */
  #storeTime = Number.NEGATIVE_INFINITY;
  #latestTime = Number.POSITIVE_INFINITY;

  constructor(spec: StoreSpec, { log, disk }: Tracking) {
    this.spec = spec;
    this.#logs = log;
    this.#diskPrefixBytes = disk?.prefix.length ?? 0;
    this.#latest = new KeyValueState(spec, { log: false, disk: partOf(disk, LATEST) });
    const history = {
      ...spec,
      kind: 'session',
      value: new OptionalSerde(spec.value),
      retentionMs: spec.historyRetentionMs!,
    } as const;
    this.#history = new IntervalState(history, { log: false, disk: partOf(disk, HISTORY) });
  }

  /** The latest versions. They are written by `put` and `putAt` only. */
  get table(): Table<unknown> {
    return this.#latest.table;
  }

  get size(): number {
    return this.#latest.size;
  }

  get bytes(): number {
    return this.#latest.bytes + this.#history.bytes;
  }

  get staysInMemory(): boolean {
    return this.#latest.staysInMemory;
  }

  set staysInMemory(stays: boolean) {
    this.#latest.staysInMemory = stays;
    this.#history.staysInMemory = stays;
  }

  /** The version that was valid at a time; undefined when there was none, or it is not known any more. */
  versionAt({ bytes, start, end }: Key, asOf: number): Version | undefined {
    const slot = this.table.find(bytes, start, end);
    const value = slot < 0 ? undefined : this.table.read(slot);
    if (value !== undefined && this.table.timestampOf(slot) <= asOf) {
      return { value, timestamp: this.table.timestampOf(slot), validTo: Number.POSITIVE_INFINITY };
    }
    if (asOf < this.#expiredBefore) return undefined;
    const span = this.#history
      .spansOf({ bytes, start, end }, asOf)
      .find((each) => each.start <= asOf && asOf < each.end && each.value !== null);
    return span === undefined ? undefined : { value: span.value, timestamp: span.start, validTo: span.end };
  }

  /** The versions that were valid at some time within [from, to], oldest first, as far as they are known. */
  versionsWithin({ bytes, start, end }: Key, from: number, to: number): Version[] {
    const after = Math.max(from, this.#expiredBefore);
    const versions = this.#history
      .spansOf({ bytes, start, end }, after)
      .filter((each) => each.start <= to && after < each.end && each.value !== null)
      .map((each): Version => ({ value: each.value, timestamp: each.start, validTo: each.end }));
    const latest = this.versionAt({ bytes, start, end }, Number.POSITIVE_INFINITY);
    return latest !== undefined && latest.timestamp <= to ? [...versions, latest] : versions;
  }

  /** As `putAt`. */
  put({ bytes, start, end }: Key, value: unknown, timestamp: number): number | undefined {
    return this.putAt(this.table.slotFor(bytes, start, end), value, timestamp);
  }

  /**
   * Adds a version, or replaces the one of the same time; null: from then on there is no value. `slot` is the key's in the
   * table, made if there was none. Returns when the version ends, infinity where it is the latest one now; undefined when
   * it is older than the history, and not kept.
   */
  putAt(slot: number, value: unknown, timestamp: number): number | undefined {
    if (timestamp < this.#expiredBefore) {
      if (this.table.read(slot) === undefined) this.table.discard(slot);
      return undefined;
    }
    const key = this.#logs ? Buffer.from(this.#keyBytes(slot)) : null;
    const validTo = this.#place(slot, value, timestamp);
    if (key !== null) this.#unlogged.push({ key, value, timestamp, isLate: validTo !== Number.POSITIVE_INFINITY });
    return validTo;
  }

  timeHasCome(time: number): void {
    this.#latestTime = time;
    this.#history.timeHasCome(time);
  }

  drainLog(visit: RowVisitor): void {
    const puts = this.#unlogged;
    this.#unlogged = [];
    for (const { key, value, timestamp } of puts) this.#visit(visit, key, value, timestamp);
    for (const { key, isLate } of puts) {
      if (!isLate) continue;
      const slot = this.table.find(key, 0, key.length);
      const value = slot < 0 ? undefined : this.table.read(slot);
      if (value !== undefined) this.#visit(visit, key, value, this.table.timestampOf(slot));
      else this.#visit(visit, key, null, this.#endOfHistory({ bytes: key, start: 0, end: key.length }));
    }
  }

  drainDisk(visit: DiskVisitor, limit = Number.POSITIVE_INFINITY): boolean {
    return this.#latest.drainDisk(visit, limit) || this.#history.drainDisk(visit, limit);
  }

  saved(): void {
    this.#latest.saved();
    this.#history.saved();
  }

  expired(): KeyRange | undefined {
    return this.#history.expired();
  }

  /** What was kept is kept: time may have come further than when it was put. */
  restore({ bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp }: Row): void {
    // Decoded first: a schema that is not there yet must leave everything as it is.
    const value = valueStart < 0 ? null : this.spec.value.decode(bytes, valueStart, valueEnd);
    this.#place(this.table.slotFor(bytes, keyStart, keyEnd), value, timestamp);
  }

  describe(): SavedStore {
    const { segments } = this.#history.describe();
    const storeTime = this.#storeTime === Number.NEGATIVE_INFINITY ? {} : { storeTime: this.#storeTime };
    return { size: this.size, ...storeTime, ...(segments === undefined ? {} : { segments }) };
  }

  resume(saved: SavedStore): void {
    this.#storeTime = Math.max(this.#storeTime, saved.storeTime ?? Number.NEGATIVE_INFINITY);
    this.#latest.resume(saved);
    this.#history.resume(saved);
  }

  take(key: Buffer, value: Buffer): void {
    if (key[this.#diskPrefixBytes] === LATEST) this.#latest.take(key, value);
    else this.#history.take(key, value);
  }

  close(): void {
    this.#latest.close();
    this.#history.close();
  }

  /** Versions that ended before this are not told any more, and none are taken. */
  get #expiredBefore(): number {
    return Math.min(this.#storeTime, this.#latestTime) - this.spec.historyRetentionMs!;
  }

  #place(slot: number, value: unknown, timestamp: number): number {
    if (timestamp > this.#storeTime) this.#storeTime = timestamp;
    const { table } = this;
    const current = table.read(slot);
    const bytes = this.#keyBytes(slot);
    const key: Key = { bytes, start: 0, end: bytes.length };
    const newest = current === undefined ? this.#endOfHistory(key) : table.timestampOf(slot);
    if (timestamp < newest) {
      const validTo = this.#placeInHistory(
        key,
        value,
        timestamp,
        current === undefined ? newest : table.timestampOf(slot),
      );
      if (current === undefined) table.discard(slot);
      return validTo;
    }
    if (current !== undefined && newest < timestamp) this.#history.put(key, newest, timestamp, current, newest);
    if (current === undefined) this.#removeMarker(key, timestamp);
    if (value !== null) {
      table.write(slot, value, timestamp);
      return Number.POSITIVE_INFINITY;
    }
    this.#history.put(key, timestamp, timestamp, null, timestamp);
    if (current === undefined) table.discard(slot);
    else table.remove(slot, timestamp);
    return Number.POSITIVE_INFINITY;
  }

  /** A version before the latest one. Returns where it ends. */
  #placeInHistory(key: Key, value: unknown, timestamp: number, newest: number): number {
    const history = this.#history;
    let validTo = newest;
    for (const span of history.spansOf(key, timestamp).slice()) {
      if (span.start > timestamp) {
        validTo = Math.min(validTo, span.start);
      } else if (timestamp < span.end) {
        const { start, value: before } = span;
        validTo = span.end;
        history.remove(span, timestamp);
        if (start < timestamp) history.put(key, start, timestamp, before, start);
      }
    }
    this.#removeMarker(key, timestamp);
    if (value === null) history.put(key, timestamp, timestamp, null, timestamp);
    else history.put(key, timestamp, validTo, value, timestamp);
    return validTo;
  }

  #removeMarker(key: Key, timestamp: number): void {
    const marker = this.#history.find(key, timestamp, timestamp);
    if (marker !== undefined) this.#history.remove(marker, timestamp);
  }

  /** Where a key without a latest value has lost it; minus infinity where that is not known, or it never had one. */
  #endOfHistory(key: Key): number {
    return this.#history.spansOf(key).at(-1)?.end ?? Number.NEGATIVE_INFINITY;
  }

  #keyBytes(slot: number): Buffer {
    const { table } = this;
    return table.arena.subarray(table.keyStart(slot), table.keyEnd(slot));
  }

  // oxlint-disable-next-line max-params -- a row, to a visitor of rows
  #visit(visit: RowVisitor, key: Buffer, value: unknown, timestamp: number): void {
    const out = this.#value;
    out.reset();
    if (value !== null) this.spec.value.encode(value, out);
    visit(key, value === null ? null : this.#valueView.of(out.buffer, 0, out.position), timestamp);
  }
}

/** A part of a store's place on disk. */
function partOf(disk: Disk | null, part: number): Disk | null {
  return disk === null ? null : { ...disk, prefix: Buffer.concat([disk.prefix, Buffer.from([part])]) };
}

/** Values of a serde, or null. */
class OptionalSerde implements Serde<unknown> {
  readonly name: string;
  readonly #inner: Serde<unknown>;

  constructor(inner: Serde<unknown>) {
    this.name = inner.name;
    this.#inner = inner;
  }

  encode(value: unknown, out: ByteWriter): void {
    out.int8(value === null ? 0 : 1);
    if (value !== null) this.#inner.encode(value, out);
  }

  decode(bytes: Buffer, start: number, end: number): unknown {
    return bytes[start] === 0 ? null : this.#inner.decode(bytes, start + 1, end);
  }
}
