import { KeyValueState } from './key-value-store.ts';
import type { Segment } from './rows.ts';
import type { Row, StoreSpec, Tracking } from './store.ts';
import type { Table } from './table.ts';

/**
 * The entries that were looked at or written most recently, so many of them: one more, and the one that has not been for
 * longest is removed, from the changelog as well (Kafka Streams' `lruMap`).
 */
export class LruState extends KeyValueState {
  readonly #table: LruTable;

  constructor(spec: StoreSpec, tracking: Tracking) {
    super({ ...spec, storeType: 'IN_MEMORY' }, tracking);
    this.#table = new LruTable(this.slots, spec.maxEntries!);
  }

  override get table(): Table<unknown> {
    return this.#table;
  }

  protected override placed(slot: number, _value: unknown, _segment: Segment<unknown>): void {
    this.#table.used(slot);
  }

  protected override restored({ bytes, keyStart, keyEnd }: Row): void {
    this.#table.find(bytes, keyStart, keyEnd);
  }
}

class LruTable implements Table<unknown> {
  readonly #slots: Table<unknown>;
  readonly #maxEntries: number;
  /** Slots with a value, the one in front not used for longest. */
  readonly #order = new Set<number>();

  constructor(slots: Table<unknown>, maxEntries: number) {
    this.#slots = slots;
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#slots.size;
  }

  get arena(): Buffer {
    return this.#slots.arena;
  }

  used(slot: number): void {
    this.#order.delete(slot);
    this.#order.add(slot);
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#found(this.#slots.find(bytes, start, end));
  }

  slotFor(bytes: Uint8Array, start: number, end: number): number {
    return this.#found(this.#slots.slotFor(bytes, start, end));
  }

  #found(slot: number): number {
    if (slot >= 0 && this.#slots.read(slot) !== undefined) this.used(slot);
    return slot;
  }

  read(slot: number): unknown {
    return this.#slots.read(slot);
  }

  timestampOf(slot: number): number {
    return this.#slots.timestampOf(slot);
  }

  write(slot: number, value: unknown, timestamp: number): void {
    this.#slots.write(slot, value, timestamp);
    this.used(slot);
    for (const oldest of this.#order) {
      if (this.#order.size <= this.#maxEntries) break;
      this.remove(oldest, this.timestampOf(oldest));
    }
  }

  remove(slot: number, timestamp: number): void {
    this.#order.delete(slot);
    this.#slots.remove(slot, timestamp);
  }

  discard(slot: number): void {
    this.#slots.discard(slot);
  }

  pin(slot: number): boolean {
    return this.#slots.pin(slot);
  }

  unpin(slot: number): void {
    this.#slots.unpin(slot);
  }

  keyStart(slot: number): number {
    return this.#slots.keyStart(slot);
  }

  keyEnd(slot: number): number {
    return this.#slots.keyEnd(slot);
  }

  sorted(from?: Uint8Array | null, to?: Uint8Array | null): number[] {
    return this.#slots.sorted(from, to);
  }

  forEach(visit: (slot: number) => void): void {
    this.#slots.forEach(visit);
  }
}
