// Keys that begin with the same bytes lie side by side.
import type { Serde } from '../../serde/index.ts';
import { ByteWriter } from '../../util/index.ts';

export function prefixBytes<P>(prefix: P, serde: Serde<P>): Buffer {
  const out = new ByteWriter(64);
  serde.encode(prefix, out);
  return out.copy();
}

/** The least key behind all those that begin with `prefix`; null when there is none. */
export function keyBehind(prefix: Buffer): Buffer | null {
  const end = prefix.findLastIndex((byte) => byte !== 0xff) + 1;
  if (end === 0) return null;
  const key = Buffer.from(prefix.subarray(0, end));
  key[end - 1]!++;
  return key;
}

export function startsWith(bytes: Buffer, start: number, end: number, prefix: Buffer): boolean {
  return end - start >= prefix.length && bytes.compare(prefix, 0, prefix.length, start, start + prefix.length) === 0;
}
