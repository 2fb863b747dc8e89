const FIRST_CAPACITY = 64;
const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;

/**
 * The sparse index of a segment, in Kafka's two formats: offset → file position (8-byte entries, one per
 * `index.interval.bytes` of log) and timestamp → offset (12-byte entries, timestamps rising). It lives in typed arrays and
 * goes to its files when the segment is closed; whenever they are missing it is rebuilt by reading the log.
 */
export class SegmentIndex {
  readonly #baseOffset: number;
  readonly #intervalBytes: number;
  #bytesSinceEntry = 0;
  #count = 0;
  #relativeOffsets = new Uint32Array(FIRST_CAPACITY);
  #positions = new Uint32Array(FIRST_CAPACITY);
  #timeCount = 0;
  #timestamps = new Float64Array(FIRST_CAPACITY);
  #timeOffsets = new Uint32Array(FIRST_CAPACITY);

  constructor(baseOffset: number, intervalBytes: number) {
    this.#baseOffset = baseOffset;
    this.#intervalBytes = intervalBytes;
  }

  get sizeInBytes(): number {
    return this.#count * OFFSET_ENTRY_BYTES;
  }

  /** The position that the last offset entry points to: from there on the log has to be walked. */
  get lastPosition(): number {
    return this.#count === 0 ? 0 : this.#positions[this.#count - 1]!;
  }

  /** The last time entry, which a closed segment ends with its largest timestamp. */
  get lastTime(): { timestamp: number; offset: number } | undefined {
    const last = this.#timeCount - 1;
    if (last < 0) return undefined;
    return { timestamp: this.#timestamps[last]!, offset: this.#baseOffset + this.#timeOffsets[last]! };
  }

  /** Takes note of a batch at `position`; every so often that makes an entry. */
  add(lastOffset: number, position: number, bytes: number, maxTimestamp: number, maxTimestampOffset: number): void {
    if (this.#bytesSinceEntry > this.#intervalBytes) {
      this.#addOffset(lastOffset, position);
      this.addTime(maxTimestamp, maxTimestampOffset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += bytes;
  }

  addTime(timestamp: number, offset: number): void {
    const last = this.#timeCount - 1;
    if (timestamp < 0 || (last >= 0 && timestamp <= this.#timestamps[last]!)) return;
    if (this.#timeCount === this.#timestamps.length) {
      this.#timestamps = grown(this.#timestamps, Float64Array);
      this.#timeOffsets = grown(this.#timeOffsets, Uint32Array);
    }
    this.#timestamps[this.#timeCount] = timestamp;
    this.#timeOffsets[this.#timeCount++] = offset - this.#baseOffset;
  }

  /** A file position at or before the batch that holds `offset`. */
  positionBefore(offset: number): number {
    const relative = offset - this.#baseOffset;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#relativeOffsets[middle]! < relative) low = middle + 1;
      else high = middle;
    }
    // An entry names the last offset of its batch, so the entry that is not below `offset` may start with it.
    return low < this.#count ? this.#positionOrBefore(low, relative) : this.lastPosition;
  }

  /** An offset at or before the first record that is at least as young as `timestamp`. */
  offsetBefore(timestamp: number): number {
    let low = 0;
    let high = this.#timeCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timestamps[middle]! < timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.#baseOffset : this.#baseOffset + this.#timeOffsets[low - 1]!;
  }

  offsetFile(): Buffer {
    const file = Buffer.allocUnsafe(this.#count * OFFSET_ENTRY_BYTES);
    for (let i = 0; i < this.#count; i++) {
      file.writeUInt32BE(this.#relativeOffsets[i]!, i * OFFSET_ENTRY_BYTES);
      file.writeUInt32BE(this.#positions[i]!, i * OFFSET_ENTRY_BYTES + 4);
    }
    return file;
  }

  timeFile(): Buffer {
    const file = Buffer.allocUnsafe(this.#timeCount * TIME_ENTRY_BYTES);
    for (let i = 0; i < this.#timeCount; i++) {
      file.writeBigInt64BE(BigInt(this.#timestamps[i]!), i * TIME_ENTRY_BYTES);
      file.writeUInt32BE(this.#timeOffsets[i]!, i * TIME_ENTRY_BYTES + 8);
    }
    return file;
  }

  /** Takes over the content of the two files. False, and empty, when they can't be those of a log of `logBytes` bytes. */
  load(offsetFile: Buffer, timeFile: Buffer, logBytes: number): boolean {
    if (offsetFile.length % OFFSET_ENTRY_BYTES !== 0 || timeFile.length % TIME_ENTRY_BYTES !== 0) return false;
    for (let at = 0; at < offsetFile.length; at += OFFSET_ENTRY_BYTES) {
      const position = offsetFile.readUInt32BE(at + 4);
      if (position >= logBytes || (this.#count > 0 && position <= this.lastPosition)) return this.#clear();
      this.#addOffset(this.#baseOffset + offsetFile.readUInt32BE(at), position);
    }
    for (let at = 0; at < timeFile.length; at += TIME_ENTRY_BYTES) {
      const before = this.#timeCount;
      this.addTime(Number(timeFile.readBigInt64BE(at)), this.#baseOffset + timeFile.readUInt32BE(at + 8));
      if (this.#timeCount === before) return this.#clear();
    }
    return true;
  }

  #clear(): false {
    this.#count = 0;
    this.#timeCount = 0;
    return false;
  }

  #positionOrBefore(index: number, relative: number): number {
    if (this.#relativeOffsets[index] === relative) return this.#positions[index]!;
    return index === 0 ? 0 : this.#positions[index - 1]!;
  }

  #addOffset(offset: number, position: number): void {
    if (this.#count === this.#positions.length) {
      this.#relativeOffsets = grown(this.#relativeOffsets, Uint32Array);
      this.#positions = grown(this.#positions, Uint32Array);
    }
    this.#relativeOffsets[this.#count] = offset - this.#baseOffset;
    this.#positions[this.#count++] = position;
  }
}

function grown<A extends Uint32Array | Float64Array>(from: A, type: new (length: number) => A): A {
  const to = new type(from.length * 2);
  to.set(from);
  return to;
}
