import { join } from 'node:path';
import { assert, MillraceError } from '../../util/index.ts';
import {
  BATCH_HEADER_BYTES,
  batchHeader,
  isIntactBatch,
  MAGIC,
  placeBatch,
  stampLogAppendTime,
} from '../../protocol/index.ts';
import type { Disk, DiskFile } from './disk.ts';
import { SegmentIndex } from './segment-index.ts';
import type { Chunk, TailCache } from './tail-cache.ts';

const FIRST_CHUNK_BYTES = 4096;
const LARGEST_CHUNK_BYTES = 1024 * 1024;
/** How much of a file is looked at in one go when batches are searched for. */
const WINDOW_BYTES = 64 * 1024;
const RECOVERY_WINDOW_BYTES = 1024 * 1024;
/** How far behind damage an intact batch is looked for: the next one begins within the largest usual batch. */
const SEARCH_WINDOW_BYTES = 4 * 1024 * 1024;

/** The name of a segment's files without their extension: its first offset in 20 digits. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, '0');
}

/** Where a log's segments are, and what they share. */
export interface SegmentPlace {
  readonly disk: Disk;
  readonly directory: string;
  readonly cache: TailCache;
  readonly indexIntervalBytes: number;
}

/**
 * One file of record batches, as Kafka lays it out, with its index. Appended batches first go to chunks in memory; `write`
 * hands everything new to the file in one gathered write. The chunks stay for a while: reads near the end are views of
 * them, and only older ones read the file.
 */
export class Segment {
  readonly baseOffset: number;
  readonly path: string;
  /** Bytes including those not yet written. */
  size = 0;
  nextOffset: number;
  maxTimestamp = -1;
  /** Where the largest timestamp is: the last offset of its batch. */
  maxTimestampOffset = -1;
  /** The broker's time of the first append, or of opening. */
  firstAppendAt = -1;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #cache: TailCache;
  readonly #intervalBytes: number;
  readonly #chunks: Chunk[] = [];
  #index: SegmentIndex;
  #written = 0;
  #syncs = 0;
  #closing = false;

  /** `suffix` marks the file of a segment that is still in the making. */
  constructor({ disk, directory, cache, indexIntervalBytes }: SegmentPlace, baseOffset: number, suffix = '') {
    this.#disk = disk;
    this.baseOffset = baseOffset;
    this.nextOffset = baseOffset;
    this.path = join(directory, segmentName(baseOffset));
    this.#file = disk.open(`${this.path}.log${suffix}`);
    this.#cache = cache;
    this.#intervalBytes = indexIntervalBytes;
    this.#index = new SegmentIndex(baseOffset, indexIntervalBytes);
    this.size = this.#file.size();
    this.#written = this.size;
  }

  get indexBytes(): number {
    return this.#index.sizeInBytes;
  }

  get hasUnwritten(): boolean {
    return this.#written < this.size;
  }

  /** Copies a batch to the end and gives it its place; `appendTime` ≥ 0 stamps it. The given bytes stay as they are. */
  append(batch: Buffer, baseOffset: number, leaderEpoch: number, appendTime: number): void {
    assert(batchHeader.sizeInBytes(batch, 0) === batch.length, 'a batch is appended whole, and one at a time');
    assert(
      baseOffset >= this.nextOffset,
      `offset ${baseOffset} lies before the end of the segment, ${this.nextOffset}`,
    );
    const chunk = this.#chunkFor(batch.length);
    const at = chunk.used;
    batch.copy(chunk.buffer, at);
    placeBatch(chunk.buffer, at, baseOffset, leaderEpoch);
    if (appendTime >= 0) stampLogAppendTime(chunk.buffer, at, appendTime);
    chunk.used += batch.length;
    this.#note(chunk.buffer, at, this.size, batch.length);
    this.size += batch.length;
  }

  /** Writes a finished batch straight to the file: compaction copies what it keeps, and must not fill the tail cache. */
  copyIn(batch: Buffer): void {
    assert(this.#written === this.size, 'a segment in the making has no tail in memory');
    assert(batchHeader.sizeInBytes(batch, 0) === batch.length, 'a batch is copied whole, and one at a time');
    assert(batchHeader.baseOffset(batch) >= this.nextOffset, 'batches are copied in their order');
    this.#file.write([batch], this.size);
    this.#note(batch, 0, this.size, batch.length);
    this.size += batch.length;
    this.#written = this.size;
  }

  /** Writes what is only in memory; returns whether there was anything. */
  write(): boolean {
    if (this.#written === this.size) return false;
    const pieces: Buffer[] = [];
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i]!;
      if (chunk.position + chunk.used <= this.#written) break;
      pieces.unshift(chunk.buffer.subarray(Math.max(0, this.#written - chunk.position), chunk.used));
    }
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    assert(bytes === this.size - this.#written, `${bytes} bytes in memory are not what the file lacks`);
    this.#file.write(pieces, this.#written);
    this.#written = this.size;
    return true;
  }

  async sync(): Promise<void> {
    if (this.#closing) return;
    this.#syncs++;
    try {
      await this.#file.sync();
    } finally {
      this.#syncs--;
      if (this.#closing && this.#syncs === 0) this.#file.close();
    }
  }

  syncNow(): void {
    this.#file.syncNow();
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Whole batches from the one that holds `offset` on, up to `maxBytes` and up to `limitOffset`. The first batch comes
   * even when it is larger, if `atLeastOne`. Undefined when nothing is there. What is read is lent: who has looked at it for the
   * last time may give it back to the cache's memory.
   */
  read(offset: number, limitOffset: number, maxBytes: number, atLeastOne: boolean): Buffer | undefined {
    const start = this.#positionOf(offset);
    if (start < 0) return undefined;
    const { memory } = this.#cache;
    let data = this.#view(start, Math.max(maxBytes, BATCH_HEADER_BYTES));
    const first = batchHeader.baseOffset(data) >= limitOffset ? undefined : this.#batchBytes(data, 0);
    if (first === undefined || (first > maxBytes && !atLeastOne)) {
      memory.give(data);
      return undefined;
    }
    if (first > data.length) {
      memory.give(data);
      data = this.#view(start, first);
    }
    let end = first;
    while (end + BATCH_HEADER_BYTES <= data.length) {
      if (batchHeader.baseOffset(data, end) >= limitOffset) break;
      const next = end + this.#batchBytes(data, end);
      if (next > maxBytes || next > data.length) break;
      end = next;
    }
    assert(batchHeader.lastOffset(data) >= offset, `the batch that was found ends before ${offset}`);
    return data.subarray(0, end);
  }

  /** About how many bytes lie between an offset and the end. */
  bytesFrom(offset: number): number {
    return offset <= this.baseOffset ? this.size : this.size - this.#index.positionBefore(offset);
  }

  /** Calls `visit` with each batch from the one that holds `offset` on, until it returns false; then so does this. It may keep them. */
  forEachBatch(offset: number, visit: (bytes: Buffer, at: number) => boolean): boolean {
    let position = this.#positionOf(offset);
    if (position < 0) return true;
    while (position < this.size) {
      const window = this.#wholeBatches(position, RECOVERY_WINDOW_BYTES);
      let at = 0;
      while (at + BATCH_HEADER_BYTES <= window.length) {
        const size = this.#batchBytes(window, at);
        if (at + size > window.length) break;
        if (!visit(window, at)) return false;
        at += size;
      }
      if (at === 0) throw this.#corrupt();
      position += at;
    }
    return true;
  }

  /** An offset at or before the first record that is at least as young as `timestamp`. */
  offsetBefore(timestamp: number): number {
    return this.#index.offsetBefore(timestamp);
  }

  // ── Opening, closing ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Reads the whole file and rebuilds the index, up to the first byte that does not belong to an intact batch in rising
   * offset order below `limitOffset`. Returns the number of bytes behind it, which `cut` takes off. What `visit` is shown is
   * overwritten after it returns.
   */
  scan(visit: (bytes: Buffer, at: number) => void, limitOffset = Number.POSITIVE_INFINITY): number {
    const fileSize = this.#file.size();
    this.#index = new SegmentIndex(this.baseOffset, this.#intervalBytes);
    this.size = 0;
    this.nextOffset = this.baseOffset;
    this.maxTimestamp = -1;
    this.maxTimestampOffset = -1;
    let intact = true;
    const target = Buffer.allocUnsafe(Math.min(RECOVERY_WINDOW_BYTES, fileSize));
    while (intact && this.size + BATCH_HEADER_BYTES <= fileSize) {
      let window = this.#fill(target.subarray(0, Math.min(target.length, fileSize - this.size)), this.size);
      const first = batchHeader.sizeInBytes(window);
      if (first > window.length && this.size + first <= fileSize) window = this.#fromFile(this.size, first);
      let at = 0;
      while (at + BATCH_HEADER_BYTES <= window.length) {
        const bytes = batchHeader.sizeInBytes(window, at);
        const fits = at + bytes <= window.length;
        // A batch that only leaves the window is read again at its start; one that leaves the file is torn.
        if (!fits && at > 0 && this.size + bytes <= fileSize && bytes >= BATCH_HEADER_BYTES) break;
        const isLast = fits && batchHeader.baseOffset(window, at) >= limitOffset;
        if (!fits || isLast || !isIntactBatch(window, at) || !this.#continues(window, at)) {
          intact = false;
          break;
        }
        this.#note(window, at, this.size, bytes);
        visit(window, at);
        this.size += bytes;
        at += bytes;
      }
    }
    this.#written = this.size;
    return fileSize - this.size;
  }

  /** Cuts the file where `scan` ended, and forces what is left to the disk. */
  cut(): void {
    if (this.#file.size() > this.size) this.#file.truncate(this.size);
    this.syncNow();
  }

  /** Whether an intact batch lies behind the place where `scan` ended: then that is damage, and no torn write. */
  hasMoreBehind(): boolean {
    const window = this.#fromFile(this.size, Math.min(SEARCH_WINDOW_BYTES, this.#file.size() - this.size));
    for (let at = 1; at + BATCH_HEADER_BYTES <= window.length; at++) {
      if (batchHeader.magic(window, at) === MAGIC && this.#continues(window, at) && isIntactBatch(window, at))
        return true;
    }
    return false;
  }

  /** Copies what lies behind the place where `scan` ended to a file of its own. */
  copyTail(path: string): void {
    const target = this.#disk.open(path);
    try {
      const end = this.#file.size();
      for (let at = this.size; at < end; at += RECOVERY_WINDOW_BYTES) {
        target.write([this.#fromFile(at, Math.min(RECOVERY_WINDOW_BYTES, end - at))], at - this.size);
      }
      target.syncNow();
    } finally {
      target.close();
    }
  }

  /** Hands the bytes from `offset` on to the file again: a sync that failed may have dropped them on their way to the disk. */
  writeAgainFrom(offset: number): void {
    const start = this.#positionOf(offset);
    if (start < 0) return;
    for (let at = start; at < this.size; at += RECOVERY_WINDOW_BYTES) {
      this.#file.write([this.#fromFile(at, Math.min(RECOVERY_WINDOW_BYTES, this.size - at))], at);
    }
    this.syncNow();
  }

  /** Takes the index from its files, and walks only the end of the log. False when that did not work out. */
  load(): boolean {
    const offsetPath = `${this.path}.index`;
    const timePath = `${this.path}.timeindex`;
    if (!this.#disk.exists(offsetPath) || !this.#disk.exists(timePath)) return false;
    if (!this.#index.load(this.#disk.readFile(offsetPath), this.#disk.readFile(timePath), this.size)) return false;
    const last = this.#index.lastTime;
    if (last !== undefined) {
      this.maxTimestamp = last.timestamp;
      this.maxTimestampOffset = last.offset;
    }
    let position = this.#index.lastPosition;
    while (position + BATCH_HEADER_BYTES <= this.size) {
      const header = this.#view(position, BATCH_HEADER_BYTES);
      const bytes = batchHeader.sizeInBytes(header);
      if (bytes < BATCH_HEADER_BYTES || position + bytes > this.size || !this.#continues(header, 0)) return false;
      this.nextOffset = batchHeader.lastOffset(header) + 1;
      this.#noteTime(header, 0);
      this.#cache.memory.give(header);
      position += bytes;
    }
    return position === this.size;
  }

  /** Puts the index on the disk, as a closed segment's. */
  writeIndex(forced: boolean): void {
    this.#index.addTime(this.maxTimestamp, this.maxTimestampOffset);
    this.#disk.replaceFile(`${this.path}.index`, this.#index.offsetFile(), forced);
    this.#disk.replaceFile(`${this.path}.timeindex`, this.#index.timeFile(), forced);
  }

  /** Closes the file, behind a `sync` that is under way. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#syncs === 0) this.#file.close();
  }

  #continues(bytes: Buffer, at: number): boolean {
    return batchHeader.baseOffset(bytes, at) >= this.nextOffset && batchHeader.lastOffsetDelta(bytes, at) >= 0;
  }

  #note(bytes: Buffer, at: number, position: number, length: number): void {
    const nextOffset = batchHeader.lastOffset(bytes, at) + 1;
    assert(nextOffset > this.nextOffset || this.size === 0, `offsets go back from ${this.nextOffset} to ${nextOffset}`);
    this.nextOffset = nextOffset;
    this.#noteTime(bytes, at);
    this.#index.add(this.nextOffset - 1, position, length, this.maxTimestamp, this.maxTimestampOffset);
  }

  #noteTime(bytes: Buffer, at: number): void {
    const timestamp = batchHeader.maxTimestamp(bytes, at);
    if (timestamp <= this.maxTimestamp) return;
    this.maxTimestamp = timestamp;
    this.maxTimestampOffset = batchHeader.lastOffset(bytes, at);
  }

  #chunkFor(bytes: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.buffer.length - last.used >= bytes) return last;
    const wanted = last === undefined ? FIRST_CHUNK_BYTES : Math.min(last.buffer.length * 2, LARGEST_CHUNK_BYTES);
    const buffer = this.#cache.memory.take(Math.max(bytes, wanted));
    const chunk: Chunk = { position: this.size, buffer, used: 0 };
    this.#chunks.push(chunk);
    this.#cache.add(chunk, () => this.#evict(chunk));
    return chunk;
  }

  #evict(chunk: Chunk): boolean {
    const isUnwritten = chunk.used === 0 || chunk.position + chunk.used > this.#written;
    if (isUnwritten && !this.#closing) return false;
    const at = this.#chunks.indexOf(chunk);
    assert(at <= 0, 'chunks leave in the order in which they came');
    if (at === 0) {
      this.#chunks.shift();
      this.#cache.memory.give(chunk.buffer);
    }
    return true;
  }

  /** Bytes from `position` on, from memory or from the file: at most `maxBytes`, fewer at the end of a chunk. They are lent. */
  #view(position: number, maxBytes: number): Buffer {
    const first = this.#chunks[0];
    if (first === undefined || position < first.position) {
      const end = Math.min(first?.position ?? this.size, position + maxBytes);
      return this.#fromFile(position, end - position);
    }
    let i = this.#chunks.length - 1;
    while (this.#chunks[i]!.position > position) i--;
    const chunk = this.#chunks[i]!;
    const start = position - chunk.position;
    this.#cache.memory.lend(chunk.buffer);
    return chunk.buffer.subarray(start, Math.min(chunk.used, start + maxBytes));
  }

  /** A view that begins with at least one whole batch. */
  #wholeBatches(position: number, maxBytes: number): Buffer {
    const view = this.#view(position, maxBytes);
    const first = batchHeader.sizeInBytes(view);
    if (first <= view.length) return view;
    this.#cache.memory.give(view);
    return this.#view(position, first);
  }

  #fromFile(position: number, bytes: number): Buffer {
    return this.#fill(this.#cache.memory.take(bytes), position);
  }

  /** What the file is known to hold is there as a whole: with less, records would be taken for torn, and cut off. */
  #fill(target: Buffer, position: number): Buffer {
    const found = this.#file.read(target, position);
    if (found === target.length) return target;
    const what = `${this.path}.log ends at byte ${position + found}, where there should be ${target.length - found} more`;
    throw new MillraceError('KAFKA_STORAGE_ERROR', `${what}. Check the disk.`);
  }

  /** The position of the batch that holds `offset` or, where compaction left a hole, of the next one; -1 at the end. */
  #positionOf(offset: number): number {
    if (offset >= this.nextOffset) return -1;
    let position = offset <= this.baseOffset ? 0 : this.#index.positionBefore(offset);
    while (position < this.size) {
      const window = this.#view(position, WINDOW_BYTES);
      let at = 0;
      let isFound = false;
      while (!isFound && at + BATCH_HEADER_BYTES <= window.length) {
        isFound = batchHeader.lastOffset(window, at) >= offset;
        if (!isFound) at += this.#batchBytes(window, at);
      }
      this.#cache.memory.give(window);
      if (isFound) return position + at;
      if (at === 0) throw this.#corrupt();
      position += at;
    }
    return -1;
  }

  #batchBytes(bytes: Buffer, at: number): number {
    const size = batchHeader.sizeInBytes(bytes, at);
    if (size >= BATCH_HEADER_BYTES) return size;
    throw this.#corrupt();
  }

  #corrupt(): MillraceError {
    return new MillraceError('CORRUPT_MESSAGE', `The log file ${this.path}.log holds bytes that are no record batch.`);
  }
}
