/**
 * The slots of a table in the order of their keys, kept from the first time that somebody asks for a range: blocks of sorted
 * slots, so that a new key moves only its block.
 */

/** Slots of a block; one that has twice as many is split. */
const BLOCK = 256;
/** As many as a number holds exactly. */
const HEAD_BYTES = 6;

/** What the order knows of its table. */
export interface OrderedKeys {
  readonly arena: Buffer;
  keyStart(slot: number): number;
  keyEnd(slot: number): number;
}

export class SlotOrder {
  readonly #keys: OrderedKeys;
  /** None of them is empty. */
  readonly #blocks: number[][] = [];

  constructor(keys: OrderedKeys, slots: number[]) {
    this.#keys = keys;
    const heads = this.#heads(slots);
    const places = Uint32Array.from(slots, (_, place) => place);
    places.sort((a, b) => heads[a]! - heads[b]! || this.#compare(slots[a]!, slots[b]!));
    for (let at = 0; at < slots.length; at += BLOCK) {
      this.#blocks.push(Array.from(places.subarray(at, at + BLOCK), (place) => slots[place]!));
    }
  }

  /** Of each key six bytes as a number, behind what all keys begin with: numbers compare faster than bytes. */
  #heads(slots: readonly number[]): Float64Array {
    const { arena } = this.#keys;
    const from = this.#commonBytes(slots);
    return Float64Array.from(slots, (slot) => {
      const start = this.#keys.keyStart(slot) + from;
      const end = this.#keys.keyEnd(slot);
      let head = 0;
      for (let i = start; i < start + HEAD_BYTES; i++) head = head * 256 + (i < end ? arena[i]! : 0);
      return head;
    });
  }

  /** How many bytes all keys begin with alike. */
  #commonBytes(slots: readonly number[]): number {
    const { arena } = this.#keys;
    const [first] = slots;
    if (first === undefined) return 0;
    const start = this.#keys.keyStart(first);
    let common = this.#keys.keyEnd(first) - start;
    for (const slot of slots) {
      const at = this.#keys.keyStart(slot);
      common = Math.min(common, this.#keys.keyEnd(slot) - at);
      let i = 0;
      while (i < common && arena[start + i] === arena[at + i]) i++;
      common = i;
    }
    return common;
  }

  insert(slot: number): void {
    const compare = (other: number): number => this.#compare(other, slot);
    const blocks = this.#blocks;
    if (blocks.length === 0) {
      blocks.push([slot]);
      return;
    }
    const at = Math.max(0, firstNotBelow(blocks.length, (i) => compare(blocks[i]![0]!)) - 1);
    const block = blocks[at]!;
    block.splice(
      firstNotBelow(block.length, (i) => compare(block[i]!)),
      0,
      slot,
    );
    if (block.length >= 2 * BLOCK) blocks.splice(at + 1, 0, block.splice(BLOCK));
  }

  remove(slot: number): void {
    const blocks = this.#blocks;
    let at = firstNotBelow(blocks.length, (i) => this.#compare(blocks[i]![0]!, slot));
    if (at === blocks.length || blocks[at]![0] !== slot) at--;
    const block = blocks[at]!;
    block.splice(block.indexOf(slot), 1);
    if (block.length === 0) blocks.splice(at, 1);
  }

  /** Up to `limit` slots with keys within [from, to], as far as `has` says that they count; null is unbounded. */
  range(from: Uint8Array | null, to: Uint8Array | null, limit: number, has: (slot: number) => boolean): number[] {
    const blocks = this.#blocks;
    const found: number[] = [];
    const below = (slot: number): number => (from === null ? 0 : this.#compareTo(slot, from));
    const first = Math.max(0, firstNotBelow(blocks.length, (i) => below(blocks[i]![0]!)) - 1);
    for (let at = first; at < blocks.length; at++) {
      const block = blocks[at]!;
      for (let i = at === first ? firstNotBelow(block.length, (j) => below(block[j]!)) : 0; i < block.length; i++) {
        const slot = block[i]!;
        if (found.length >= limit || (to !== null && this.#compareTo(slot, to) > 0)) return found;
        if (has(slot)) found.push(slot);
      }
    }
    return found;
  }

  #compare(a: number, b: number): number {
    const keys = this.#keys;
    const { arena } = keys;
    return arena.compare(arena, keys.keyStart(b), keys.keyEnd(b), keys.keyStart(a), keys.keyEnd(a));
  }

  #compareTo(slot: number, bytes: Uint8Array): number {
    const keys = this.#keys;
    return keys.arena.compare(bytes, 0, bytes.length, keys.keyStart(slot), keys.keyEnd(slot));
  }
}

/** The first index whose comparison is not negative; those below come first. */
function firstNotBelow(length: number, compare: (index: number) => number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(middle) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
