/**
 * Buffers that are used again. V8 counts memory outside of its heap as a reason to collect the heap as a whole, so memory that
 * comes and goes with every request costs more in collections than in copying; what is taken here and given back costs nothing.
 *
 * Several may hold a buffer, each of whom gives it back or, where it is not known for how long it is looked at, leaves it:
 * what is not given back by all is the collector's, as any other buffer.
 */
export class BufferPool {
  readonly #limit: number;
  /** Free ones by the exponent of their size. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  readonly #holders = new WeakMap<ArrayBufferLike, number>();
  #freeBytes = 0;

  /** `limitBytes`: how much may lie here unused. */
  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** A buffer of so many bytes, of which nobody knows the content, for one holder. */
  take(bytes: number): Buffer {
    if (bytes < SMALLEST_BYTES) return Buffer.allocUnsafe(bytes);
    const exponent = exponentOf(bytes);
    const free = this.#free.get(exponent)?.pop();
    if (free !== undefined) this.#freeBytes -= free.byteLength;
    const memory = free ?? Buffer.allocUnsafeSlow(2 ** exponent).buffer;
    this.#holders.set(memory, 1);
    return Buffer.from(memory, 0, bytes);
  }

  /** One more holds what a view belongs to. */
  lend(view: Buffer): void {
    const holders = this.#holders.get(view.buffer);
    if (holders !== undefined) this.#holders.set(view.buffer, holders + 1);
  }

  /** A holder looks no more at what a view belongs to. What is not from here is left alone. */
  give(view: Buffer): void {
    const memory = view.buffer as ArrayBuffer;
    const holders = this.#holders.get(memory);
    if (holders === undefined) return;
    if (holders > 1) {
      this.#holders.set(memory, holders - 1);
      return;
    }
    this.#holders.delete(memory);
    if (this.#freeBytes + memory.byteLength > this.#limit) return;
    const exponent = exponentOf(memory.byteLength);
    const free = this.#free.get(exponent);
    if (free === undefined) this.#free.set(exponent, [memory]);
    else free.push(memory);
    this.#freeBytes += memory.byteLength;
  }
}

/** Below this Node's own pool of small buffers is as good. */
const SMALLEST_BYTES = 4096;

function exponentOf(bytes: number): number {
  return 32 - Math.clz32(bytes - 1);
}
