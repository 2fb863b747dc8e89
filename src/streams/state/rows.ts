/**
 * What the stores have in common: how rows go out to the changelog and to the disk, and how they come back. A row's key is
 * the entry's key and a suffix (none, a window's start, a span's times); a store says what its suffix is, how its values
 * become bytes, and keeps whatever order its readers need.
 *
 * On disk a key is the store's number and the entry's key, for stores with a retention the start of a piece of time between
 * them, so that time expires as a range. A value there is a checksum (4), the timestamp (8) and the value's bytes.
 */
import { ByteWriter } from '../../util/index.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { type Backing, SlotTable, type StoredEntry, UNLOGGED, UNSAVED } from './slot-table.ts';
import { type KeyBounds, type Scanned, scanDisk, scanMemory } from './scan.ts';
import { SpanView } from './span-view.ts';
import { entryOf, sealRow, STORED_HEAD_BYTES } from './stored-row.ts';
import {
  type Disk,
  type DiskVisitor,
  type KeyRange,
  type Row,
  type RowVisitor,
  type SavedStore,
  type StateStore,
  type StoreSpec,
  type Tracking,
} from './store.ts';

/** A table, and what stands around its keys in rows. */
export interface Segment<V> {
  readonly table: SlotTable<V>;
  /** Behind the key in the changelog. */
  readonly suffix: Buffer;
  /** Before the key on disk. */
  readonly prefix: Buffer;
}

/** Before a key on disk: what it is (1) and the store's number (2). */
export const STORE_PREFIX_BYTES = 3;
const EMPTY = Buffer.alloc(0);

export abstract class Rows<V> implements StateStore {
  readonly spec: StoreSpec;
  abstract readonly size: number;
  staysInMemory: boolean;
  goesByClock = false;
  protected readonly disk: Disk | null;
  /** The followers who want to see every change. */
  protected readonly tracked: number;
  /** The row that goes out, written over and over. */
  protected readonly key = new ByteWriter(64);
  protected readonly value = new ByteWriter();
  readonly #keyView = new SpanView();
  readonly #valueView = new SpanView();

  constructor(spec: StoreSpec, { log, disk }: Tracking) {
    this.spec = spec;
    this.disk = disk;
    this.staysInMemory = disk === null || spec.storeType === 'IN_MEMORY';
    this.tracked = (log ? UNLOGGED : 0) | (disk === null ? 0 : UNSAVED);
  }

  abstract drainLog(visit: RowVisitor): void;
  abstract drainDisk(visit: DiskVisitor, limit?: number): boolean;
  abstract saved(): void;
  abstract restore(row: Row): void;
  abstract describe(): SavedStore;
  abstract resume(saved: SavedStore): void;
  abstract take(key: Buffer, value: Buffer): void;
  abstract close(): void;

  expired(): KeyRange | undefined {
    return undefined;
  }

  protected encode(value: V, out: ByteWriter): void {
    this.spec.value.encode(value, out);
  }

  protected decode(row: Row): V {
    return this.spec.value.decode(row.bytes, row.valueStart, row.valueEnd) as V;
  }

  /** What lies on disk for one slot; by default what is in the changelog. */
  protected encodeStored(value: V, out: ByteWriter): void {
    this.encode(value, out);
  }

  protected decodeStored(row: Row, _segment: Segment<V>): V {
    return this.decode(row);
  }

  /** An entry of the disk is in its slot now: for values that know it, and for those who keep an order beside the table. */
  protected placed?(slot: number, value: V, segment: Segment<V>): void;

  /** A row has been put back: for those who keep an order beside the table. */
  protected restored?(row: Row, before: V | undefined, now: V | undefined): void;

  /** The prefix of a piece of time on disk. */
  protected prefixOf(segment?: number): Buffer {
    if (this.disk === null) return EMPTY;
    if (segment === undefined) return this.disk.prefix;
    const out = new ByteWriter(this.disk.prefix.length + 8);
    out.bytes(this.disk.prefix);
    out.int64(segment);
    return out.view();
  }

  /** The table of a segment, whose rows are read from the disk unless all of them are in memory. */
  protected tableOf(segment: Segment<V>, tracked: number): SlotTable<V> {
    const { disk } = this;
    if (disk === null || this.staysInMemory) return new SlotTable<V>(tracked, null, disk?.budget);
    return new SlotTable<V>(tracked, new RowsOnDisk<V>(disk, segment.prefix, this.#readerOf(segment)));
  }

  #readerOf(segment: Segment<V>): Reader<V> {
    return {
      decode: (row) => this.decodeStored(row, segment),
      placed: this.placed === undefined ? undefined : (slot, value) => this.placed!(slot, value, segment),
    };
  }

  /** The entries of a segment by their keys, wherever they are. */
  protected scanSegment(segment: Segment<V>, bounds: KeyBounds): AsyncGenerator<Scanned<V>> {
    const { table, prefix } = segment;
    const { disk } = this;
    if (disk === null || this.staysInMemory) return scanMemory(table, bounds);
    return scanDisk({ table, disk, prefix, decode: (row) => this.decodeStored(row, segment) }, bounds);
  }

  protected visitRow(visit: RowVisitor, timestamp: number, isRemoved: boolean): void {
    const { key, value } = this;
    const bytes = isRemoved ? null : this.#valueView.of(value.buffer, 0, value.position);
    visit(this.#keyView.of(key.buffer, 0, key.position), bytes, timestamp);
  }

  protected drainSegmentLog({ table, suffix }: Segment<V>, visit: RowVisitor): void {
    const { key, value: out } = this;
    table.drain(UNLOGGED, (slot) => {
      key.reset();
      key.bytes(table.arena, table.keyStart(slot), table.keyEnd(slot));
      if (suffix.length > 0) key.bytes(suffix);
      const value = table.read(slot);
      out.reset();
      if (value !== undefined) {
        this.encode(value, out);
        table.weigh(slot, out.position);
      }
      this.visitRow(visit, table.timestampOf(slot), value === undefined);
    });
  }

  protected drainSegmentDisk({ table, prefix }: Segment<V>, visit: DiskVisitor, limit: number): boolean {
    const { key, value: out } = this;
    const visitSlot = (slot: number): void => {
      key.reset();
      key.bytes(prefix);
      key.bytes(table.arena, table.keyStart(slot), table.keyEnd(slot));
      const rowKey = this.#keyView.of(key.buffer, 0, key.position);
      const value = table.read(slot);
      if (value === undefined) {
        visit(rowKey, null);
        return;
      }
      out.reset();
      out.int32(0);
      out.float64(table.timestampOf(slot));
      this.encodeStored(value, out);
      table.weigh(slot, out.position - STORED_HEAD_BYTES);
      visit(rowKey, sealRow(this.#valueView.of(out.buffer, 0, out.position)));
    };
    return table.drain(UNSAVED, visitSlot, limit);
  }

  protected restoreTo({ table, suffix }: Segment<V>, row: Row): void {
    const { bytes, keyStart, timestamp } = row;
    const keyEnd = row.keyEnd - suffix.length;
    // Decoded first: a schema that is not there yet must leave everything as it is.
    const value = row.valueStart < 0 ? undefined : this.decode(row);
    const slot = value === undefined ? table.find(bytes, keyStart, keyEnd) : table.slotFor(bytes, keyStart, keyEnd);
    if (slot < 0) return;
    const before = table.read(slot);
    table.restore(slot, value, timestamp);
    this.restored?.(row, before, value);
  }

  /** Takes a row of the disk into a table that holds all rows. */
  protected takeInto(segment: Segment<V>, key: Buffer, stored: Buffer): void {
    const { prefix, table } = segment;
    const { decode } = this.#readerOf(segment);
    const entry = entryOf(this.disk!, { key, from: prefix.length }, stored, decode);
    const slot = table.put(key, prefix.length, key.length, entry);
    this.placed?.(slot, entry.value, segment);
  }
}

/** How the entries of one table come from the disk. */
interface Reader<V> {
  readonly decode: (row: Row) => V;
  readonly placed: ((slot: number, value: V) => void) | undefined;
}

/** The rows of a table, which begin with a prefix. */
class RowsOnDisk<V> implements Backing<V> {
  readonly budget: MemoryBudget;
  readonly placed: ((slot: number, value: V) => void) | undefined;
  readonly #disk: Disk;
  readonly #decode: (row: Row) => V;
  readonly #key = new ByteWriter(64);
  readonly #prefixBytes: number;

  constructor(disk: Disk, prefix: Buffer, { decode, placed }: Reader<V>) {
    this.budget = disk.budget;
    this.placed = placed;
    this.#disk = disk;
    this.#decode = decode;
    this.#key.bytes(prefix);
    this.#prefixBytes = prefix.length;
  }

  read(bytes: Uint8Array, start: number, end: number): StoredEntry<V> | undefined {
    const key = this.#key;
    key.position = this.#prefixBytes;
    key.bytes(bytes, start, end);
    const rowKey = key.view();
    const stored = this.#disk.get(rowKey);
    if (stored === undefined) return undefined;
    return entryOf(this.#disk, { key: rowKey, from: this.#prefixBytes }, stored, this.#decode);
  }
}

/** A store with one table, whose keys are those of its rows. */
export abstract class TableRows<V> extends Rows<V> {
  protected readonly slots: SlotTable<V>;
  readonly #all: Segment<V>;

  constructor(spec: StoreSpec, tracking: Tracking, staysInMemory = false) {
    super(spec, tracking);
    this.staysInMemory ||= staysInMemory;
    this.#all = new OnlySegment<V>(this.prefixOf(), (segment) => this.tableOf(segment, this.tracked));
    this.slots = this.#all.table;
  }

  get size(): number {
    return this.slots.size;
  }

  get bytes(): number {
    return this.slots.bytes;
  }

  drainLog(visit: RowVisitor): void {
    this.drainSegmentLog(this.#all, visit);
  }

  drainDisk(visit: DiskVisitor, limit = Number.POSITIVE_INFINITY): boolean {
    return this.drainSegmentDisk(this.#all, visit, limit);
  }

  saved(): void {
    this.slots.saved();
  }

  restore(row: Row): void {
    this.restoreTo(this.#all, row);
  }

  describe(): SavedStore {
    return { size: this.size };
  }

  resume({ size }: SavedStore): void {
    if (!this.staysInMemory) this.slots.resume(size);
  }

  take(key: Buffer, stored: Buffer): void {
    this.takeInto(this.#all, key, stored);
  }

  close(): void {
    this.slots.close();
  }

  scan(bounds: KeyBounds): AsyncGenerator<Scanned<V>> {
    return this.scanSegment(this.#all, bounds);
  }
}

class OnlySegment<V> implements Segment<V> {
  readonly suffix = EMPTY;
  readonly prefix: Buffer;
  readonly table: SlotTable<V>;

  constructor(prefix: Buffer, create: (segment: Segment<V>) => SlotTable<V>) {
    this.prefix = prefix;
    this.table = create(this);
  }
}
