const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * Kafka's murmur2 (32 bit, seed 0x9747b28c), the hash behind the default partitioner.
 * Returns a signed 32-bit number, as the Java client does. `length` is that of the beginning which counts.
 */
export function murmur2(data: Uint8Array, length = data.length): number {
  let h = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    k = Math.imul(k, M);
    h = Math.imul(h, M) ^ k;
  }
  const rest = length - i;
  if (rest > 2) h ^= data[i + 2]! << 16;
  if (rest > 1) h ^= data[i + 1]! << 8;
  if (rest > 0) h = Math.imul(h ^ data[i]!, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  h ^= h >>> 15;
  return h;
}

/** The partition of a keyed record: `toPositive(murmur2(key)) % partitions`, the same for every Kafka client in Java. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}
