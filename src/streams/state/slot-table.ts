/**
 * A hash table from byte strings to values, the ground floor of every store: open addressing over slots, the keys in one
 * arena, the columns of a slot in typed arrays. Nothing is allocated to find or to update an entry.
 *
 * A slot remembers who has not seen its latest value yet (the changelog, the disk, and by a pin the operators downstream).
 * A removed entry keeps its key until all of them have.
 *
 * With a backing the table is the cache of one on disk: what it does not hold is read when it is asked for, and what
 * everybody has seen may go when the memory budget says so.
 */
import { assert } from '../../util/index.ts';
import type { Evictable, MemoryBudget } from './memory-budget.ts';
import { SlotOrder } from './slot-order.ts';
import type { Table } from './table.ts';

const INITIAL_SLOTS = 16;
const INITIAL_ARENA_BYTES = 512;

/** Who has yet to see a slot's latest value. */
export const UNLOGGED = 1;
export const UNSAVED = 2;
const PINNED = 4;
/** On its way to the disk: what lies there is older. */
const SAVING = 8;
/** Why a slot stays. */
const HELD = UNLOGGED | UNSAVED | PINNED | SAVING;
/** Found since the clock's hand was here. */
const USED = 16;
const FREE = 32;

/** What an entry takes besides the bytes of its key and its value, in the table's columns and as objects. */
const ENTRY_BYTES = 120;
/** A decoded value takes about so many times the bytes that it is encoded in. */
const DECODED = 2;
const FIRST_GUESS = 32;

/** Those who are given what changed. */
export type Follower = typeof UNLOGGED | typeof UNSAVED;

/** An entry as it lies on disk, and the bytes that its value takes there. */
export interface StoredEntry<V> {
  readonly value: V;
  readonly timestamp: number;
  readonly bytes: number;
}

/** An entry with its key. */
export interface StoredEntryAt<V> {
  readonly key: Buffer;
  readonly value: V;
  readonly timestamp: number;
}

/** The table on disk that this one is the cache of. */
export interface Backing<V> {
  readonly budget: MemoryBudget;
  /** Undefined when there is no such entry. */
  read(bytes: Uint8Array, start: number, end: number): StoredEntry<V> | undefined;
  /** Told where an entry that was read is now. */
  readonly placed?: ((slot: number, value: V) => void) | undefined;
}

export class SlotTable<V> implements Table<V>, Evictable {
  arena: Buffer = Buffer.allocUnsafe(INITIAL_ARENA_BYTES);
  size = 0;
  /** `undefined` is an entry that was removed, or not written yet. */
  readonly #values: (V | undefined)[] = [];
  #timestamps = new Float64Array(INITIAL_SLOTS);
  #flags = new Uint8Array(INITIAL_SLOTS);
  /** The flags that every change sets. */
  readonly #tracked: number;
  readonly #backing: Backing<V> | null;
  /** Who counts the entries that the disk does not have, where there is one. */
  readonly #budget: MemoryBudget | null;
  /** Everything that there is on disk is here as well, so what is not here need not be looked for. */
  isComplete = true;
  /** What each slot is charged with. */
  #costs = new Uint32Array(INITIAL_SLOTS);
  #cost = 0;
  #dirtyCost = 0;
  isClosed = false;
  /** How often the disk has taken over what had changed. */
  saves = 0;
  /** Of a value, in bytes, as far as values have been seen encoded. */
  #typicalBytes = FIRST_GUESS;
  #hand = 0;
  #starts = new Uint32Array(INITIAL_SLOTS);
  #lengths = new Uint32Array(INITIAL_SLOTS);
  #hashes = new Int32Array(INITIAL_SLOTS);
  /** Slot + 1 by hash; 0 is empty. */
  #index = new Int32Array(INITIAL_SLOTS * 2);
  #mask = INITIAL_SLOTS * 2 - 1;
  #slots = 0;
  #used = 0;
  #arenaEnd = 0;
  #arenaGarbage = 0;
  readonly #free: number[] = [];
  /** The slots by their keys, from when somebody asked for that. */
  #order: SlotOrder | null = null;
  /** The same of the slots that the disk does not have as they are; kept as long as somebody asks. */
  #unsavedOrder: SlotOrder | null = null;
  #unsavedIsAsked = false;
  #unlogged: number[] = [];
  #unsaved: number[] = [];
  #saving: number[] = [];
  /** Who wants to hear of every change; null: nobody. */
  #watchers: readonly ((slot: number) => void)[] | null = null;

  constructor(tracked = 0, backing: Backing<V> | null = null, budget: MemoryBudget | null = null) {
    this.#tracked = tracked;
    this.#backing = backing;
    this.#budget = backing?.budget ?? budget;
    backing?.budget.add(this);
  }

  /** Takes over what is on disk: so many entries, none of them here yet. */
  resume(size: number): void {
    this.size = size;
    this.isComplete = size === 0;
  }

  /** Nothing is asked of the table any more. */
  close(): void {
    const budget = this.#budget;
    if (budget === null || this.isClosed) return;
    this.isClosed = true;
    budget.remove(this);
    budget.used -= this.#cost;
    budget.dirty -= this.#dirtyCost;
  }

  keyStart(slot: number): number {
    return this.#starts[slot]!;
  }

  keyEnd(slot: number): number {
    return this.#starts[slot]! + this.#lengths[slot]!;
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const found = this.#slotOf(hash, bytes, start, end);
    if (found >= 0) {
      this.#flags[found]! |= USED;
      return found;
    }
    return this.isComplete ? -1 : this.#load(hash, bytes, start, end);
  }

  slotFor(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const found = this.#slotOf(hash, bytes, start, end);
    if (found >= 0) {
      this.#flags[found]! |= USED;
      return found;
    }
    if (!this.isComplete) {
      const slot = this.#load(hash, bytes, start, end);
      if (slot >= 0) return slot;
    }
    return this.#insert(hash, bytes, start, end);
  }

  read(slot: number): V | undefined {
    return this.#values[slot];
  }

  timestampOf(slot: number): number {
    return this.#timestamps[slot]!;
  }

  write(slot: number, value: V, timestamp: number): void {
    if (this.#values[slot] === undefined) this.size++;
    this.#values[slot] = value;
    this.#timestamps[slot] = timestamp;
    if (this.#watchers !== null) this.#tell(slot);
    if (this.#tracked !== 0) this.#touch(slot, this.#tracked);
  }

  remove(slot: number, timestamp: number): void {
    if (this.#values[slot] !== undefined) this.size--;
    this.#values[slot] = undefined;
    this.#timestamps[slot] = timestamp;
    if (this.#watchers !== null) this.#tell(slot);
    if (this.#tracked !== 0) this.#touch(slot, this.#tracked);
    else this.#clear(slot, 0);
  }

  /** As `write` and `remove`, for a value from the log: only the disk does not know it. */
  restore(slot: number, value: V | undefined, timestamp: number): void {
    this.size += (value === undefined ? 0 : 1) - (this.#values[slot] === undefined ? 0 : 1);
    this.#values[slot] = value;
    this.#timestamps[slot] = timestamp;
    if (this.#watchers !== null) this.#tell(slot);
    this.#touch(slot, this.#tracked & UNSAVED);
    if (value === undefined) this.#clear(slot, 0);
  }

  /** Calls back with every slot whose value was written or removed, until the answer is called. */
  watch(changed: (slot: number) => void): () => void {
    this.#watchers = [...(this.#watchers ?? []), changed];
    return () => {
      const left = (this.#watchers ?? []).filter((watcher) => watcher !== changed);
      this.#watchers = left.length === 0 ? null : left;
    };
  }

  #tell(slot: number): void {
    for (const watcher of this.#watchers!) watcher(slot);
  }

  /** Takes in an entry from the disk, for a table that holds all of them. */
  put(bytes: Uint8Array, start: number, end: number, { value, timestamp }: StoredEntry<V>): number {
    const slot = this.#insert(hashOf(bytes, start, end), bytes, start, end);
    this.#values[slot] = value;
    this.#timestamps[slot] = timestamp;
    this.size++;
    return slot;
  }

  /** Whether an entry is in memory; asks nobody. */
  has(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#slotOf(hashOf(bytes, start, end), bytes, start, end) >= 0;
  }

  /** Takes in an entry of the disk that is not in memory, ahead of whoever will ask for it. */
  admit(bytes: Uint8Array, start: number, end: number, stored: StoredEntry<V>): void {
    this.#flags[this.#takeIn(hashOf(bytes, start, end), bytes, start, end, stored)]! |= USED;
  }

  /** About how many bytes the entries take, encoded: those that are here stand for the others. */
  get bytes(): number {
    const keyBytes = this.#used === 0 ? 0 : (this.#arenaEnd - this.#arenaGarbage) / this.#used;
    return Math.round(this.size * (keyBytes + this.#typicalBytes));
  }

  /** How many bytes the value of a slot takes, encoded. */
  weigh(slot: number, bytes: number): void {
    if (this.#budget === null) return;
    this.#typicalBytes += (bytes - this.#typicalBytes) / 16;
    const cost = ENTRY_BYTES + this.#lengths[slot]! + DECODED * bytes;
    const more = cost - this.#costs[slot]!;
    if (more === 0) return;
    this.#costs[slot] = cost;
    this.#charge(more);
    if ((this.#flags[slot]! & UNSAVED) !== 0) this.#chargeDirty(more);
  }

  sweep(visits: number): number {
    const { budget } = this.#backing!;
    let left = visits;
    while (left > 0 && budget.used > budget.limit) {
      if (this.#hand >= this.#slots) {
        this.#hand = 0;
        break;
      }
      left--;
      const slot = this.#hand++;
      const flags = this.#flags[slot]!;
      if ((flags & (FREE | HELD)) !== 0) continue;
      if ((flags & USED) !== 0) {
        this.#flags[slot] = flags & ~USED;
        continue;
      }
      this.isComplete = false;
      this.#values[slot] = undefined;
      this.#release(slot);
    }
    if (this.#used === 0 && this.#slots > INITIAL_SLOTS) this.#shrink();
    return left;
  }

  /** What was drained to the disk is there. */
  saved(): void {
    const slots = this.#saving;
    this.#saving = [];
    this.saves++;
    if (!this.#unsavedIsAsked) this.#unsavedOrder = null;
    this.#unsavedIsAsked = false;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if ((this.#flags[slot]! & UNSAVED) === 0) this.#unsavedOrder?.remove(slot);
      this.#clear(slot, SAVING);
    }
  }

  /**
   * Calls `visit` for every slot changed since the last drain of this flag, in no particular order, at most for `limit`
   * of them. Returns whether some are left. What goes to the disk stays here until `saved`.
   */
  drain(flag: Follower, visit: (slot: number) => void, limit = Number.POSITIVE_INFINITY): boolean {
    const seen = (slot: number): void => {
      visit(slot);
      if (flag === UNSAVED) {
        this.#flags[slot]! |= SAVING;
        this.#saving.push(slot);
        this.#chargeDirty(-this.#costs[slot]!);
      }
      this.#clear(slot, flag);
    };
    const slots = flag === UNLOGGED ? this.#unlogged : this.#unsaved;
    if (slots.length > limit) {
      for (const slot of slots.splice(slots.length - limit)) seen(slot);
      return true;
    }
    if (flag === UNLOGGED) this.#unlogged = [];
    else this.#unsaved = [];
    if (slots.length * 4 > this.#slots) {
      // Much has changed: memory is faster walked in its own order.
      for (let slot = 0; slot < this.#slots; slot++) {
        if ((this.#flags[slot]! & flag) !== 0) seen(slot);
      }
      return false;
    }
    for (let i = 0; i < slots.length; i++) seen(slots[i]!);
    return false;
  }

  /** How many slots the next drain of this flag has to see. */
  changes(flag: Follower): number {
    return (flag === UNLOGGED ? this.#unlogged : this.#unsaved).length;
  }

  discard(slot: number): void {
    this.#clear(slot, 0);
  }

  pin(slot: number): boolean {
    const flags = this.#flags[slot]!;
    this.#flags[slot] = flags | PINNED;
    return (flags & PINNED) === 0;
  }

  unpin(slot: number): void {
    this.#clear(slot, PINNED);
  }

  sorted(
    from: Uint8Array | null = null,
    to: Uint8Array | null = null,
    limit: number = Number.POSITIVE_INFINITY,
  ): number[] {
    if (this.#order === null) {
      const slots: number[] = [];
      for (let slot = 0; slot < this.#slots; slot++) if ((this.#flags[slot]! & FREE) === 0) slots.push(slot);
      this.#order = new SlotOrder(this, slots);
    }
    return this.#order.range(from, to, limit, (slot) => this.#values[slot] !== undefined);
  }

  /** The entries that the disk does not have yet, within [from, to] and in the order of their keys; a copy. */
  unsaved(from: Uint8Array | null, to: Uint8Array | null): StoredEntryAt<V | undefined>[] {
    this.#unsavedIsAsked = true;
    this.#unsavedOrder ??= new SlotOrder(
      this,
      this.#unsaved.concat(this.#saving.filter((slot) => (this.#flags[slot]! & UNSAVED) === 0)),
    );
    const slots = this.#unsavedOrder.range(from, to, Number.POSITIVE_INFINITY, () => true);
    return slots.map((slot) => this.entryAt(slot));
  }

  /** A slot's key, copied, and what is there. */
  entryAt(slot: number): StoredEntryAt<V | undefined> {
    const key = Buffer.from(this.arena.subarray(this.keyStart(slot), this.keyEnd(slot)));
    return { key, value: this.#values[slot], timestamp: this.#timestamps[slot]! };
  }

  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#values[slot] !== undefined) visit(slot);
  }

  #clear(slot: number, flag: number): void {
    const left = this.#flags[slot]! & ~flag;
    this.#flags[slot] = left;
    if ((left & (HELD | FREE)) === 0 && this.#values[slot] === undefined) this.#release(slot);
  }

  #touch(slot: number, flags: number): void {
    const before = this.#flags[slot]!;
    const set = flags & ~before;
    if (set === 0) return;
    this.#flags[slot] = before | set;
    if ((set & UNLOGGED) !== 0) this.#unlogged.push(slot);
    if ((set & UNSAVED) !== 0) {
      if ((before & SAVING) === 0) this.#unsavedOrder?.insert(slot);
      this.#unsaved.push(slot);
      this.#chargeDirty(this.#costs[slot]!);
    }
  }

  /** The slot of a key that is in memory, or -1. */
  #slotOf(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const index = this.#index;
    const hashes = this.#hashes;
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = index[at]! - 1;
      if (slot < 0) return -1;
      if (hashes[slot] === hash && this.#lengths[slot] === length && this.#holds(slot, bytes, start, length))
        return slot;
    }
  }

  /** Reads an entry from the disk; -1 when there is none. */
  #load(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const stored = this.#backing!.read(bytes, start, end);
    return stored === undefined ? -1 : this.#takeIn(hash, bytes, start, end, stored);
  }

  #takeIn(hash: number, bytes: Uint8Array, start: number, end: number, stored: StoredEntry<V>): number {
    const slot = this.#insert(hash, bytes, start, end);
    this.#values[slot] = stored.value;
    this.#timestamps[slot] = stored.timestamp;
    this.weigh(slot, stored.bytes);
    this.#backing!.placed?.(slot, stored.value);
    return slot;
  }

  /** A slot for a key that has none. */
  #insert(hash: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#used * 2 >= this.#index.length) this.#grow();
    let at = hash & this.#mask;
    while (this.#index[at] !== 0) at = (at + 1) & this.#mask;
    const keyStart = this.#store(bytes, start, end);
    const slot = this.#free.pop() ?? this.#newSlot();
    // Not before the key has its place: whoever makes room moves the keys of all slots in the index.
    this.#index[at] = slot + 1;
    this.#used++;
    this.#hashes[slot] = hash;
    this.#starts[slot] = keyStart;
    this.#lengths[slot] = end - start;
    this.#values[slot] = undefined;
    this.#flags[slot] = 0;
    this.#timestamps[slot] = -1;
    this.#order?.insert(slot);
    if (this.#budget !== null) {
      const cost = ENTRY_BYTES + end - start + DECODED * Math.ceil(this.#typicalBytes);
      this.#costs[slot] = cost;
      this.#charge(cost);
    }
    return slot;
  }

  #charge(bytes: number): void {
    // What can't go is not counted against the rest.
    if (this.isClosed || this.#backing === null) return;
    this.#cost += bytes;
    this.#backing.budget.used += bytes;
  }

  #chargeDirty(bytes: number): void {
    if (this.#budget === null || this.isClosed) return;
    this.#dirtyCost += bytes;
    this.#budget.dirty += bytes;
  }

  #holds(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    const { arena } = this;
    const at = this.#starts[slot]!;
    for (let i = 0; i < length; i++) if (arena[at + i] !== bytes[start + i]) return false;
    return true;
  }

  /** Nothing is left: time that nobody looks at any more gives its memory back. */
  #shrink(): void {
    this.arena = Buffer.allocUnsafe(INITIAL_ARENA_BYTES);
    this.#arenaEnd = 0;
    this.#arenaGarbage = 0;
    this.#values.length = 0;
    this.#free.length = 0;
    this.#order = null;
    this.#slots = 0;
    this.#hand = 0;
    this.#timestamps = new Float64Array(INITIAL_SLOTS);
    this.#flags = new Uint8Array(INITIAL_SLOTS);
    this.#costs = new Uint32Array(INITIAL_SLOTS);
    this.#starts = new Uint32Array(INITIAL_SLOTS);
    this.#lengths = new Uint32Array(INITIAL_SLOTS);
    this.#hashes = new Int32Array(INITIAL_SLOTS);
    this.#index = new Int32Array(INITIAL_SLOTS * 2);
    this.#mask = INITIAL_SLOTS * 2 - 1;
  }

  #newSlot(): number {
    const slot = this.#slots++;
    if (slot >= this.#lengths.length) {
      const capacity = this.#lengths.length * 2;
      this.#starts = extended(this.#starts, new Uint32Array(capacity));
      this.#lengths = extended(this.#lengths, new Uint32Array(capacity));
      this.#hashes = extended(this.#hashes, new Int32Array(capacity));
      this.#timestamps = extended(this.#timestamps, new Float64Array(capacity));
      this.#flags = extended(this.#flags, new Uint8Array(capacity));
      this.#costs = extended(this.#costs, new Uint32Array(capacity));
    }
    return slot;
  }

  #store(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#arenaEnd + length > this.arena.length) this.#makeRoom(length);
    const at = this.#arenaEnd;
    const { arena } = this;
    for (let i = 0; i < length; i++) arena[at + i] = bytes[start + i]!;
    this.#arenaEnd = at + length;
    return at;
  }

  /** A larger arena, without the bytes of released keys. */
  #makeRoom(length: number): void {
    const live = this.#arenaEnd - this.#arenaGarbage;
    const old = this.arena;
    this.arena = Buffer.allocUnsafe(Math.max(INITIAL_ARENA_BYTES, (live + length) * 2));
    if (this.#arenaGarbage === 0) {
      old.copy(this.arena, 0, 0, this.#arenaEnd);
      return;
    }
    let end = 0;
    for (let at = 0; at < this.#index.length; at++) {
      const slot = this.#index[at]! - 1;
      if (slot < 0) continue;
      const start = this.#starts[slot]!;
      old.copy(this.arena, end, start, start + this.#lengths[slot]!);
      this.#starts[slot] = end;
      end += this.#lengths[slot]!;
    }
    this.#arenaEnd = end;
    this.#arenaGarbage = 0;
  }

  #grow(): void {
    assert(this.#backing !== null || this.size <= this.#used, `${this.size} values are in ${this.#used} slots`);
    const index = new Int32Array(this.#index.length * 2);
    const mask = index.length - 1;
    for (const entry of this.#index) {
      if (entry === 0) continue;
      let at = this.#hashes[entry - 1]! & mask;
      while (index[at] !== 0) at = (at + 1) & mask;
      index[at] = entry;
    }
    this.#index = index;
    this.#mask = mask;
    assert(index.reduce((used, entry) => used + (entry === 0 ? 0 : 1), 0) === this.#used, 'the index lost an entry');
  }

  #release(slot: number): void {
    this.#order?.remove(slot);
    const index = this.#index;
    const mask = this.#mask;
    let hole = this.#hashes[slot]! & mask;
    while (index[hole] !== slot + 1) hole = (hole + 1) & mask;
    // Entries behind the hole move up, so that no probe ends too early.
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = this.#hashes[index[at]! - 1]! & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        index[hole] = index[at]!;
        hole = at;
      }
    }
    index[hole] = 0;
    this.#used--;
    this.#arenaGarbage += this.#lengths[slot]!;
    this.#flags[slot] = FREE;
    this.#free.push(slot);
    this.#charge(-this.#costs[slot]!);
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start);
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 12);
}

function extended<A extends Uint32Array | Int32Array | Float64Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
