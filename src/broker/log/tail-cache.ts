import { BufferPool } from '../../util/index.ts';

/** A piece of the end of a segment in memory. Bytes are only ever added behind `used`, so views of it stay as they are. */
export interface Chunk {
  /** Where in the segment's file the chunk begins. */
  readonly position: number;
  readonly buffer: Buffer;
  used: number;
}

/** How much may lie unused for the next chunks, reads of files and requests. */
const UNUSED_BYTES = 32 * 1024 * 1024;

/** The memory that all tails share: the oldest chunk goes when a new one does not fit. */
export class TailCache {
  /** Where chunks come from, and reads of files: what is read from a log is lent of it. */
  readonly memory = new BufferPool(UNUSED_BYTES);
  readonly #limit: number;
  #bytes = 0;
  /** In the order in which they came, each with what drops it from its segment. What is dropped must not be held here. */
  readonly #chunks = new Map<Chunk, () => boolean>();

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** `evict` drops the chunk from its segment, unless it holds bytes that the file does not have yet: then it returns false. */
  add(chunk: Chunk, evict: () => boolean): void {
    this.#chunks.set(chunk, evict);
    this.#bytes += chunk.buffer.length;
    for (const [oldest, drop] of this.#chunks) {
      if (this.#bytes <= this.#limit || !drop()) break;
      this.#chunks.delete(oldest);
      this.#bytes -= oldest.buffer.length;
    }
  }

  get sizeInBytes(): number {
    return this.#bytes;
  }
}
