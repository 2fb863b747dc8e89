/**
 * A view of a span of bytes, made anew only when the span is another one than before. Rows of a store mostly have keys and
 * values of one length in a buffer that is written over and over, and an object per row is what the row costs most.
 */
export class SpanView {
  #view: Buffer = Buffer.alloc(0);
  #bytes: Buffer | null = null;
  #start = 0;
  #end = 0;

  of(bytes: Buffer, start: number, end: number): Buffer {
    if (bytes === this.#bytes && start === this.#start && end === this.#end) return this.#view;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#view = bytes.subarray(start, end);
    return this.#view;
  }
}
