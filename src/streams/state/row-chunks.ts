/**
 * How rows lie in a checkpoint's files: chunks of up to a megabyte, each of one store, row behind row: key length (4), value
 * length (4, -1 for a removed row), timestamp (8), key, value. A chunk is read at once and taken apart in place: no object
 * is made for a row.
 */
import { crc32 } from 'node:zlib';
import { SchemaNotLoaded } from '../../serde/index.ts';
import type { Row, StateStore } from './store.ts';

export interface Chunk {
  /** The store's number. */
  readonly store: number;
  readonly rows: number;
  readonly bytes: number;
  readonly checksum: number;
}

const CHUNK_BYTES = 1024 * 1024;
const FIRST_CHUNK_BYTES = 8 * 1024;
const HEAD_BYTES = 16;
/** Below this a loop is faster than a call. */
const SHORT = 32;

/** Collects the rows of one file. */
export class ChunkWriter {
  readonly chunks: Chunk[] = [];
  readonly buffers: Buffer[] = [];
  rows = 0;
  #store = 0;
  #bytes = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  #end = 0;
  #rowsHere = 0;

  /** The rows that follow are this store's. */
  of(store: number): void {
    this.finish();
    this.#store = store;
  }

  add(key: Buffer, value: Buffer | null, timestamp: number): void {
    const valueLength = value === null ? -1 : value.length;
    const length = HEAD_BYTES + key.length + Math.max(0, valueLength);
    if (this.#end + length > this.#bytes.length) this.#makeRoom(length);
    const bytes = this.#bytes;
    let at = this.#end;
    at = bytes.writeInt32LE(key.length, at);
    at = bytes.writeInt32LE(valueLength, at);
    at = bytes.writeDoubleLE(timestamp, at);
    at = copy(key, bytes, at);
    if (value !== null) at = copy(value, bytes, at);
    this.#end = at;
    this.#rowsHere++;
    this.rows++;
  }

  /** Closes the chunk; what has been added is in `buffers` then. */
  finish(): void {
    if (this.#rowsHere === 0) return;
    const bytes = this.#bytes.subarray(0, this.#end);
    this.buffers.push(bytes);
    this.chunks.push({ store: this.#store, rows: this.#rowsHere, bytes: bytes.length, checksum: crc32(bytes) });
    this.#bytes = Buffer.allocUnsafe(this.#end > CHUNK_BYTES / 2 ? CHUNK_BYTES : FIRST_CHUNK_BYTES);
    this.#end = 0;
    this.#rowsHere = 0;
  }

  #makeRoom(length: number): void {
    if (this.#end + length > CHUNK_BYTES) this.finish();
    if (this.#end + length <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#end + length, Math.min(CHUNK_BYTES, this.#bytes.length * 4)));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

/** Whether these are the bytes that were written. */
export function isIntact(chunk: Chunk, bytes: Buffer): boolean {
  return bytes.length === chunk.bytes && crc32(bytes) === chunk.checksum;
}

/** A cursor over the rows of a chunk. */
class ChunkCursor implements Row {
  readonly bytes: Buffer;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  timestamp = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  advance(): boolean {
    const { bytes, valueEnd: at } = this;
    if (at >= bytes.length) return false;
    const valueLength = bytes.readInt32LE(at + 4);
    this.keyStart = at + HEAD_BYTES;
    this.keyEnd = this.keyStart + bytes.readInt32LE(at);
    this.valueStart = valueLength < 0 ? -1 : this.keyEnd;
    this.valueEnd = this.keyEnd + Math.max(0, valueLength);
    this.timestamp = bytes.readDoubleLE(at + 8);
    return true;
  }
}

/** Puts the rows of a chunk back into their store. */
export async function restoreChunk(store: StateStore, bytes: Buffer, generation: number): Promise<void> {
  const row = new ChunkCursor(bytes);
  while (row.advance()) {
    const wait = restoreRow(store, row, generation);
    if (wait !== undefined) await wait;
  }
}

/** Puts a row back; returns a promise only when a schema has to be loaded first, and `row` stands still until then. */
export function restoreRow(store: StateStore, row: Row, generation: number): Promise<void> | undefined {
  try {
    store.restore(row, generation);
    return undefined;
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error;
    return error.load().then(() => restoreRow(store, row, generation));
  }
}

function copy(from: Buffer, to: Buffer, at: number): number {
  const { length } = from;
  if (length > SHORT) from.copy(to, at);
  else for (let i = 0; i < length; i++) to[at + i] = from[i]!;
  return at + length;
}
