/** Murmur3 x64 of 128 bits, as the foreign-key join marks its messages with: two big-endian 64-bit halves. */
const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const MASK = 0xffffffffffffffffn;
export const DEFAULT_SEED = 104729;

export function murmur3(data: Uint8Array, seed = DEFAULT_SEED): Buffer {
  const length = data.length;
  const view = Buffer.from(data.buffer, data.byteOffset, length);
  let h1 = BigInt(seed);
  let h2 = BigInt(seed);
  const blocks = length >>> 4;
  for (let i = 0; i < blocks; i++) {
    h1 ^= scramble1(view.readBigUInt64LE(i * 16));
    h1 = ((rotate(h1, 27n) + h2) * 5n + 0x52dce729n) & MASK;
    h2 ^= scramble2(view.readBigUInt64LE(i * 16 + 8));
    h2 = ((rotate(h2, 31n) + h1) * 5n + 0x38495ab5n) & MASK;
  }
  let k1 = 0n;
  let k2 = 0n;
  for (let i = length - 1; i >= blocks * 16; i--) {
    const at = i - blocks * 16;
    if (at >= 8) k2 = (k2 << 8n) | BigInt(data[i]!);
    else k1 = (k1 << 8n) | BigInt(data[i]!);
  }
  h2 ^= scramble2(k2);
  h1 ^= scramble1(k1);
  h1 ^= BigInt(length);
  h2 ^= BigInt(length);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  h1 = mix(h1);
  h2 = mix(h2);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  const hash = Buffer.allocUnsafe(16);
  hash.writeBigUInt64BE(h1, 0);
  hash.writeBigUInt64BE(h2, 8);
  return hash;
}

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & MASK;
}

function scramble1(k: bigint): bigint {
  return (rotate((k * C1) & MASK, 31n) * C2) & MASK;
}

function scramble2(k: bigint): bigint {
  return (rotate((k * C2) & MASK, 33n) * C1) & MASK;
}

function mix(value: bigint): bigint {
  let k = value;
  k = ((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  k = ((k ^ (k >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return k ^ (k >> 33n);
}
