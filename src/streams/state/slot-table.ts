/**
 * A hash table from byte strings to values, the ground floor of every store: open addressing over slots, the keys in one
 * arena, the columns of a slot in typed arrays. Nothing is allocated to find or to update an entry.
 *
 * A slot remembers who has not seen its latest value yet (the changelog, the checkpoint, and by a pin the operators
 * downstream). A removed entry keeps its key until all of them have.
 */
import { assert } from '../../util/index.ts';
import { FROM_LOG } from './store.ts';
import type { Table } from './table.ts';

const INITIAL_SLOTS = 16;
const INITIAL_ARENA_BYTES = 512;

/** Who has yet to see a slot's latest value. */
export const UNLOGGED = 1;
export const UNCHECKPOINTED = 2;
const PINNED = 4;

/** Those who are given what changed. */
export type Follower = typeof UNLOGGED | typeof UNCHECKPOINTED;

export class SlotTable<V> implements Table<V> {
  arena: Buffer = Buffer.allocUnsafe(INITIAL_ARENA_BYTES);
  size = 0;
  /** `undefined` is an entry that was removed, or not written yet. */
  readonly #values: (V | undefined)[] = [];
  #timestamps = new Float64Array(INITIAL_SLOTS);
  #flags = new Uint8Array(INITIAL_SLOTS);
  /** The flags that every change sets. */
  readonly #tracked: number;
  /** The generation of the checkpoint that holds the slot's value, where checkpoints are tracked. */
  #savedIn = new Uint32Array(INITIAL_SLOTS);
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
  #unlogged: number[] = [];
  #uncheckpointed: number[] = [];

  constructor(tracked = 0) {
    this.#tracked = tracked;
  }

  keyStart(slot: number): number {
    return this.#starts[slot]!;
  }

  keyEnd(slot: number): number {
    return this.#starts[slot]! + this.#lengths[slot]!;
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
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

  slotFor(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const length = end - start;
    const index = this.#index;
    const hashes = this.#hashes;
    let at = hash & this.#mask;
    for (; ; at = (at + 1) & this.#mask) {
      const slot = index[at]! - 1;
      if (slot < 0) break;
      if (hashes[slot] === hash && this.#lengths[slot] === length && this.#holds(slot, bytes, start, length))
        return slot;
    }
    if (this.#used * 2 >= index.length) {
      this.#grow();
      at = hash & this.#mask;
      while (this.#index[at] !== 0) at = (at + 1) & this.#mask;
    }
    const keyStart = this.#store(bytes, start, end);
    const slot = this.#free.pop() ?? this.#newSlot();
    // Not before the key has its place: whoever makes room moves the keys of all slots in the index.
    this.#index[at] = slot + 1;
    this.#used++;
    this.#hashes[slot] = hash;
    this.#starts[slot] = keyStart;
    this.#lengths[slot] = length;
    this.#values[slot] = undefined;
    this.#flags[slot] = 0;
    this.#timestamps[slot] = -1;
    return slot;
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
    if (this.#tracked !== 0) this.#touch(slot, this.#tracked);
  }

  remove(slot: number, timestamp: number): void {
    if (this.#values[slot] !== undefined) this.size--;
    this.#values[slot] = undefined;
    this.#timestamps[slot] = timestamp;
    if (this.#tracked !== 0) this.#touch(slot, this.#tracked);
    else if (this.#flags[slot] === 0) this.#release(slot);
  }

  /** As `write` and `remove`, for a value that everybody knows already, except the checkpoint if it is from the log. */
  restore(slot: number, value: V | undefined, timestamp: number, generation: number): void {
    this.size += (value === undefined ? 0 : 1) - (this.#values[slot] === undefined ? 0 : 1);
    this.#values[slot] = value;
    this.#timestamps[slot] = timestamp;
    this.#savedIn[slot] = generation;
    if (generation === FROM_LOG) this.#touch(slot, this.#tracked & UNCHECKPOINTED);
    if (value === undefined && this.#flags[slot] === 0) this.#release(slot);
  }

  /**
   * Calls `visit` for every slot changed since the last drain of this flag, in no particular order, at most for `limit`
   * of them. Returns whether some are left. `generation` is that of the checkpoint, where one is drained to.
   */
  drain(
    flag: Follower,
    visit: (slot: number) => void,
    limit = Number.POSITIVE_INFINITY,
    generation = FROM_LOG,
  ): boolean {
    const seen = (slot: number): void => {
      visit(slot);
      if (flag === UNCHECKPOINTED) this.#savedIn[slot] = generation;
      this.#clear(slot, flag);
    };
    const slots = flag === UNLOGGED ? this.#unlogged : this.#uncheckpointed;
    if (slots.length > limit) {
      for (const slot of slots.splice(slots.length - limit)) seen(slot);
      return true;
    }
    if (flag === UNLOGGED) this.#unlogged = [];
    else this.#uncheckpointed = [];
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

  /** Marks what the checkpoint wrote last before a generation as not written. */
  refresh(before: number): void {
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#savedIn[slot]! < before && this.#values[slot] !== undefined) {
        this.#touch(slot, this.#tracked & UNCHECKPOINTED);
      }
    }
  }

  /** How many slots the next drain of this flag has to see. */
  changes(flag: Follower): number {
    return (flag === UNLOGGED ? this.#unlogged : this.#uncheckpointed).length;
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

  sorted(from: Uint8Array | null = null, to: Uint8Array | null = null): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#values[slot] === undefined) continue;
      if (from !== null && this.#compareTo(slot, from) < 0) continue;
      if (to !== null && this.#compareTo(slot, to) > 0) continue;
      slots.push(slot);
    }
    const { arena } = this;
    return slots.sort((a, b) =>
      arena.compare(arena, this.keyStart(b), this.keyEnd(b), this.keyStart(a), this.keyEnd(a)),
    );
  }

  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.#slots; slot++) if (this.#values[slot] !== undefined) visit(slot);
  }

  #clear(slot: number, flag: number): void {
    const left = this.#flags[slot]! & ~flag;
    this.#flags[slot] = left;
    if (left === 0 && this.#values[slot] === undefined) this.#release(slot);
  }

  #compareTo(slot: number, bytes: Uint8Array): number {
    return this.arena.compare(bytes, 0, bytes.length, this.keyStart(slot), this.keyEnd(slot));
  }

  #touch(slot: number, flags: number): void {
    const before = this.#flags[slot]!;
    const set = flags & ~before;
    if (set === 0) return;
    this.#flags[slot] = before | set;
    if ((set & UNLOGGED) !== 0) this.#unlogged.push(slot);
    if ((set & UNCHECKPOINTED) !== 0) this.#uncheckpointed.push(slot);
  }

  #holds(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    const { arena } = this;
    const at = this.#starts[slot]!;
    for (let i = 0; i < length; i++) if (arena[at + i] !== bytes[start + i]) return false;
    return true;
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
      this.#savedIn = extended(this.#savedIn, new Uint32Array(capacity));
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
    assert(this.size <= this.#used, `${this.size} values are in ${this.#used} slots`);
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
    this.#free.push(slot);
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
