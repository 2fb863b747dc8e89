/**
 * A row on disk: a checksum (4), the timestamp (8), and the bytes of the value. LevelDB does not check what it reads, so a
 * row says itself whether it is whole.
 */
import { crc32 } from 'node:zlib';
import { SchemaNotLoaded } from '../../serde/index.ts';
import type { StoredEntry } from './slot-table.ts';
import { type Disk, type Row, StateUnreadable } from './store.ts';

/** Before the value. */
export const STORED_HEAD_BYTES = 12;

/** An entry from its row on disk. Throws `StateUnreadable` when that is damaged, or needs a schema that is not loaded. */
export function entryOf<V>(
  disk: Disk,
  { key, from }: { readonly key: Buffer; readonly from: number },
  stored: Buffer,
  decode: (row: Row) => V,
): StoredEntry<V> {
  if (stored.length < STORED_HEAD_BYTES || stored.readInt32BE(0) !== checksumOf(stored)) throw disk.damaged();
  const timestamp = stored.readDoubleBE(4);
  // In one buffer of its own, as rows are: a value may keep the bytes it was decoded from.
  const keyEnd = key.length - from;
  const bytes = Buffer.allocUnsafe(keyEnd + stored.length);
  key.copy(bytes, 0, from);
  stored.copy(bytes, keyEnd);
  const row: Row = {
    bytes,
    keyStart: 0,
    keyEnd,
    valueStart: keyEnd + STORED_HEAD_BYTES,
    valueEnd: bytes.length,
    timestamp,
  };
  try {
    return { value: decode(row), timestamp, bytes: stored.length - STORED_HEAD_BYTES };
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error;
    throw new StateUnreadable(error.code, error.message, error.load, error);
  }
}

/** Writes the checksum of a row into its first bytes. */
export function sealRow(row: Buffer): Buffer {
  row.writeInt32BE(checksumOf(row), 0);
  return row;
}

function checksumOf(row: Buffer): number {
  return crc32(row.subarray(4)) | 0;
}
