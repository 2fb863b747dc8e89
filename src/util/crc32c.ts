import { crc32c as native } from '@node-rs/crc32';

/** CRC-32C (Castagnoli) of `bytes[start, end)`, as an unsigned 32-bit number. Kafka's record batches are sealed with it. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return native(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start));
}
