/** A piece of the end of a segment in memory. Bytes are only ever added behind `used`, so views of it stay as they are. */
export interface Chunk {
  /** Where in the segment's file the chunk begins. */
  readonly position: number;
  readonly buffer: Buffer;
  used: number;
}

interface CachedChunk {
  readonly chunk: Chunk;
  /** Drops the chunk from its segment, unless it holds bytes that the file does not have yet. */
  readonly evict: () => boolean;
}

/** The memory that all tails share: the oldest chunk goes when a new one does not fit. */
export class TailCache {
  readonly #limit: number;
  #bytes = 0;
  #queue: CachedChunk[] = [];
  #first = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  add(chunk: Chunk, evict: () => boolean): void {
    this.#queue.push({ chunk, evict });
    this.#bytes += chunk.buffer.length;
    while (this.#bytes > this.#limit && this.#first < this.#queue.length) {
      const oldest = this.#queue[this.#first]!;
      if (!oldest.evict()) break;
      this.#bytes -= oldest.chunk.buffer.length;
      this.#first++;
    }
    if (this.#first > 1024) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
  }

  get sizeInBytes(): number {
    return this.#bytes;
  }
}
