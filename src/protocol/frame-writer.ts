import { ByteWriter } from '../util/index.ts';

/** Below this a copy is cheaper than another chunk in a gathered write. */
const COPY_BELOW_BYTES = 2048;

/**
 * A writer for frames that carry large record batches: `attach` takes a buffer by reference and `take` hands out the
 * pieces in order, for one gathered write. What was attached must not change until it is sent.
 */
export class FrameWriter extends ByteWriter {
  readonly #attachments: { at: number; bytes: Buffer }[] = [];
  #attachedBytes = 0;
  /** The position where its turn ends; what is attached takes no time and does not count. */
  turnEnd = Number.POSITIVE_INFINITY;

  get totalBytes(): number {
    return this.position + this.#attachedBytes;
  }

  attach(bytes: Buffer): void {
    if (bytes.length < COPY_BELOW_BYTES) {
      this.bytes(bytes);
      return;
    }
    this.#attachments.push({ at: this.position, bytes });
    this.#attachedBytes += bytes.length;
  }

  /** The pieces of everything written; the writer must not be written to afterwards. */
  take(): Buffer[] {
    const pieces: Buffer[] = [];
    let from = 0;
    for (const { at, bytes } of this.#attachments) {
      if (at > from) pieces.push(this.buffer.subarray(from, at));
      pieces.push(bytes);
      from = at;
    }
    if (this.position > from) pieces.push(this.buffer.subarray(from, this.position));
    return pieces;
  }
}
