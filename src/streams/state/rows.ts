/**
 * What the stores have in common: how rows go out to the changelog and the checkpoint, and how they come back. A row's key is
 * the entry's key and a suffix (none, a window's start, a span's times); a store says what its suffix is, how its values
 * become bytes, and keeps whatever order its readers need.
 */
import { ByteWriter } from '../../util/index.ts';
import { type Follower, SlotTable, UNCHECKPOINTED, UNLOGGED } from './slot-table.ts';
import { SpanView } from './span-view.ts';
import { FROM_LOG, type Row, type RowVisitor, type StateStore, type StoreSpec, type Tracking } from './store.ts';

/** A table, and what stands behind its keys in rows. */
export interface Segment<V> {
  readonly table: SlotTable<V>;
  readonly suffix: Buffer;
}

export abstract class Rows<V> implements StateStore {
  readonly spec: StoreSpec;
  abstract readonly size: number;
  /** The followers who want to see every change. */
  protected readonly tracked: number;
  /** The row that goes out, written over and over. */
  protected readonly key = new ByteWriter(64);
  protected readonly value = new ByteWriter();
  readonly #keyView = new SpanView();
  readonly #valueView = new SpanView();

  constructor(spec: StoreSpec, tracking: Tracking) {
    this.spec = spec;
    this.tracked = (tracking.log ? UNLOGGED : 0) | (tracking.checkpoint ? UNCHECKPOINTED : 0);
  }

  drainLog(visit: RowVisitor): void {
    this.drain(UNLOGGED, visit, Number.POSITIVE_INFINITY, FROM_LOG);
  }

  drainCheckpoint(generation: number, visit: RowVisitor, limit = Number.POSITIVE_INFINITY): boolean {
    return this.drain(UNCHECKPOINTED, visit, limit, generation);
  }

  abstract refresh(before: number): void;

  abstract restore(row: Row, generation: number): void;

  /** Visits what a follower has not seen, at most about `limit` rows. Returns whether some are left. */
  protected abstract drain(follower: Follower, visit: RowVisitor, limit: number, generation: number): boolean;

  protected encode(value: V, out: ByteWriter): void {
    this.spec.value.encode(value, out);
  }

  protected decode(row: Row): V {
    return this.spec.value.decode(row.bytes, row.valueStart, row.valueEnd) as V;
  }

  /** A row has been put back: for those who keep an order beside the table. */
  protected restored?(row: Row, before: V | undefined, now: V | undefined): void;

  protected visitRow(visit: RowVisitor, timestamp: number, isRemoved: boolean): void {
    const { key, value } = this;
    const bytes = isRemoved ? null : this.#valueView.of(value.buffer, 0, value.position);
    visit(this.#keyView.of(key.buffer, 0, key.position), bytes, timestamp);
  }

  protected drainSegment(
    { table, suffix }: Segment<V>,
    follower: Follower,
    visit: RowVisitor,
    limit: number,
    generation: number,
  ): boolean {
    const { key, value: out } = this;
    const visitSlot = (slot: number): void => {
      key.reset();
      key.bytes(table.arena, table.keyStart(slot), table.keyEnd(slot));
      if (suffix.length > 0) key.bytes(suffix);
      const value = table.read(slot);
      out.reset();
      if (value !== undefined) this.encode(value, out);
      this.visitRow(visit, table.timestampOf(slot), value === undefined);
    };
    return table.drain(follower, visitSlot, limit, generation);
  }

  protected restoreTo({ table, suffix }: Segment<V>, row: Row, generation: number): void {
    const { bytes, keyStart, timestamp } = row;
    const keyEnd = row.keyEnd - suffix.length;
    // Decoded first: a schema that is not there yet must leave everything as it is.
    const value = row.valueStart < 0 ? undefined : this.decode(row);
    const slot = value === undefined ? table.find(bytes, keyStart, keyEnd) : table.slotFor(bytes, keyStart, keyEnd);
    if (slot < 0) return;
    const before = table.read(slot);
    table.restore(slot, value, timestamp, generation);
    this.restored?.(row, before, value);
  }
}

const NO_SUFFIX = Buffer.alloc(0);

/** A store with one table, whose keys are those of its rows. */
export abstract class TableRows<V> extends Rows<V> {
  protected readonly slots: SlotTable<V>;
  readonly #all: Segment<V>;

  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking);
    this.slots = new SlotTable(this.tracked);
    this.#all = { table: this.slots, suffix: NO_SUFFIX };
  }

  get size(): number {
    return this.slots.size;
  }

  refresh(before: number): void {
    this.slots.refresh(before);
  }

  restore(row: Row, generation: number): void {
    this.restoreTo(this.#all, row, generation);
  }

  protected drain(follower: Follower, visit: RowVisitor, limit: number, generation: number): boolean {
    return this.drainSegment(this.#all, follower, visit, limit, generation);
  }
}
