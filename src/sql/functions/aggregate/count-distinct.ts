import { murmur2 } from '../../../util/index.ts';
import { BIGINT, BYTES } from '../../types.ts';
import type { SqlValue } from '../../values/value.ts';
import type { Aggregator } from '../function.ts';

const BITS = 14;
const REGISTERS = 1 << BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/** HyperLogLog: an estimate of the number of distinct values in a fixed 16 KiB. */
export function countDistinct(identity: (value: SqlValue) => SqlValue): Aggregator {
  return {
    stateType: BYTES,
    resultType: BIGINT,
    init: () => Buffer.alloc(0),
    add(state, [value]) {
      if (value === null || value === undefined) return state;
      const known = state as Buffer;
      const registers = known.length === 0 ? Buffer.alloc(REGISTERS) : Buffer.from(known);
      const same = identity(value);
      const text = Buffer.from(`${typeof same}:${String(same)}`);
      // Two 32-bit hashes: one chooses the register, the other gives the run of zeros.
      const first = murmur2(text) >>> 0;
      const second = mix(first ^ text.length ^ murmur2(Buffer.concat([text, Buffer.from([0x5a])])));
      const register = first >>> (32 - BITS);
      const rank = Math.clz32(second) + 1;
      if (rank > registers[register]!) registers[register] = rank;
      return registers;
    },
    merge(a, b) {
      const x = a as Buffer;
      const y = b as Buffer;
      if (x.length === 0) return y;
      return y.length === 0 ? x : Buffer.from(x.map((rank, i) => Math.max(rank, y[i]!)));
    },
    result: (state) => estimate(state as Buffer),
  };
}

function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function estimate(registers: Buffer): number {
  if (registers.length === 0) return 0;
  let sum = 0;
  let zeros = 0;
  for (const rank of registers) {
    sum += 2 ** -rank;
    if (rank === 0) zeros++;
  }
  const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
  // Linear counting is closer while many registers are empty.
  if (raw <= 2.5 * REGISTERS && zeros > 0) return Math.round(REGISTERS * Math.log(REGISTERS / zeros));
  return Math.round(raw);
}
