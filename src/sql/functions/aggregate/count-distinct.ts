import { murmur2 } from '../../../util/index.ts';
import { BIGINT, BYTES } from '../../types.ts';
import type { SqlValue } from '../../values/value.ts';
import type { Aggregator } from '../function.ts';

/**
 * How many distinct values there are: as good as exactly up to some 1,500 of them, with an error of 0.8 % beyond (HyperLogLog
 * in a fixed 16 KiB). A state has one of three forms, which its length tells apart, and is changed in place:
 *
 * - nothing, before the first value;
 * - few values: how many, then a hash table of entries (32 bits each, 0 is a free slot), which doubles as it fills;
 * - many: a byte for each of HyperLogLog's registers.
 *
 * An entry is a value's hash without its last bits, and the rank in their place. It holds what a register wants to know, so
 * the registers are the same whether a value came before them or after.
 */
export function countDistinct(identity: (value: SqlValue) => SqlValue): Aggregator {
  return {
    stateType: BYTES,
    resultType: BIGINT,
    init: () => NOTHING,
    add: (state, [value]) =>
      value === null || value === undefined ? state : include(state as Buffer, entryOf(identity(value))),
    merge(a, b) {
      const [into, from] = (a as Buffer).length < (b as Buffer).length ? [b, a] : [a, b];
      return includeAll(into as Buffer, from as Buffer);
    },
    result: (state) => count(state as Buffer),
  };
}

const BITS = 14;
const REGISTERS = 1 << BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
/** Where in an entry its register's number begins, and where the hash ends and the rank begins. */
const REGISTER_SHIFT = 32 - BITS;
const RANK_BITS = 6;
const RANK_MASK = (1 << RANK_BITS) - 1;

const NOTHING = Buffer.alloc(0);
const HEADER = 4;
const FEWEST_SLOTS = 4;
/** With twice as many the table would be as large as the registers are. */
const MOST_SLOTS = 2048;

/** Adds an entry: to the state itself where there is room, else to a larger one. */
function include(state: Buffer, entry: number): Buffer {
  if (state.length === REGISTERS) {
    const register = entry >>> REGISTER_SHIFT;
    const rank = entry & RANK_MASK;
    if (rank > state[register]!) state[register] = rank;
    return state;
  }
  if (state.length === 0) return include(Buffer.alloc(HEADER + FEWEST_SLOTS * 4), entry);
  const slots = (state.length - HEADER) >>> 2;
  let at: number;
  for (let slot = entry >>> RANK_BITS; ; slot++) {
    at = HEADER + (slot & (slots - 1)) * 4;
    const known = state.readUInt32LE(at);
    if (known === 0) break;
    if ((known ^ entry) >>> RANK_BITS !== 0) continue;
    if (entry > known) state.writeUInt32LE(entry, at);
    return state;
  }
  const entries = state.readUInt32LE(0) + 1;
  if (entries > slots * 0.75) {
    return include(includeAll(Buffer.alloc(slots < MOST_SLOTS ? HEADER + slots * 8 : REGISTERS), state), entry);
  }
  state.writeUInt32LE(entry, at);
  state.writeUInt32LE(entries, 0);
  return state;
}

/** Adds what a state holds to one that is at least as large. */
function includeAll(into: Buffer, from: Buffer): Buffer {
  let state = into;
  if (from.length === REGISTERS) {
    for (let i = 0; i < REGISTERS; i++) if (from[i]! > state[i]!) state[i] = from[i]!;
    return state;
  }
  for (let at = HEADER; at < from.length; at += 4) {
    const entry = from.readUInt32LE(at);
    if (entry !== 0) state = include(state, entry);
  }
  return state;
}

let text = Buffer.allocUnsafe(1024);

/** Two 32-bit hashes of a value's text: one chooses register and slot, the other gives the run of zeros. */
function entryOf(value: SqlValue): number {
  const written = `${typeof value}:${String(value)}`;
  if (written.length * 3 >= text.length) text = Buffer.allocUnsafe(written.length * 6);
  const length = text.write(written);
  text[length] = 0x5a;
  const first = murmur2(text, length);
  const second = mix(first ^ length ^ murmur2(text, length + 1));
  return ((first & ~RANK_MASK) | (Math.clz32(second) + 1)) >>> 0;
}

function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function count(state: Buffer): number {
  if (state.length === 0) return 0;
  return state.length === REGISTERS ? estimate(state) : state.readUInt32LE(0);
}

function estimate(registers: Buffer): number {
  const ranked = new Uint32Array(RANK_MASK + 1);
  for (let i = 0; i < REGISTERS; i++) ranked[registers[i]!]!++;
  let sum = 0;
  for (let rank = RANK_MASK; rank >= 0; rank--) sum += ranked[rank]! * 2 ** -rank;
  const zeros = ranked[0]!;
  const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
  // Linear counting is closer while many registers are empty.
  if (raw <= 2.5 * REGISTERS && zeros > 0) return Math.round(REGISTERS * Math.log(REGISTERS / zeros));
  return Math.round(raw);
}
