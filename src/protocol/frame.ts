/**
 * Frames: an int32 size, then a header and a body. Here they are cut out of a stream of bytes and put together; both
 * ends of a connection use it, no socket is involved.
 */
import { type BufferPool, MillraceError, type Steps } from '../util/index.ts';
import type { Api } from './api.ts';
import { ByteReader, malformed } from './byte-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { skipTags } from './schema.ts';

const API_VERSIONS_KEY = 18;
const SIZE_BYTES = 4;
/** Kafka's `socket.request.max.bytes`. */
export const DEFAULT_MAX_FRAME_BYTES = 104_857_600;

/** A frame is believed up to this size; a larger one gets more memory only as its bytes arrive. */
const FIRST_ALLOCATION_BYTES = 4 * 1024 * 1024;

/**
 * Cuts a stream into frames. A frame that lies within a chunk is a view of it; one that spans several is copied once, to
 * memory of its own: with a pool to that of the pool, until `recycle`.
 */
export class FrameSplitter {
  /** The largest frame that may begin. */
  maxBytes: number;
  /** Bytes of a size field that was cut in two. */
  readonly #sizeField = Buffer.alloc(4);
  #sizeHeld = 0;
  /** The frame that is being put together, how much of it is there, and how large it will be (-1: there is none). */
  #frame: Buffer = this.#sizeField;
  #held = 0;
  #wanted = -1;
  readonly #pool: BufferPool | undefined;
  /** The last frame that was put together, when it is the pool's. */
  #assembled: Buffer | undefined;

  constructor(maxBytes = DEFAULT_MAX_FRAME_BYTES, pool?: BufferPool) {
    this.maxBytes = maxBytes;
    this.#pool = pool;
  }

  /** Nobody looks any more at the frames that the last `push` gave. */
  recycle(): void {
    if (this.#assembled === undefined) return;
    this.#pool?.give(this.#assembled);
    this.#assembled = undefined;
  }

  /** Bytes of a frame whose end has not come. */
  get unfinishedBytes(): number {
    return this.#wanted < 0 ? 0 : this.#held;
  }

  /** Bytes of it that are still to come. */
  get missingBytes(): number {
    return this.#wanted < 0 ? 0 : this.#wanted - this.#held;
  }

  /** Complete frames, without their size. Throws FRAME_TOO_LARGE before anything of such a frame is collected. */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#wanted >= 0) {
        at += this.#collect(chunk, at);
      } else if (this.#sizeHeld > 0 || chunk.length - at < 4) {
        this.#sizeField[this.#sizeHeld++] = chunk[at++]!;
        if (this.#sizeHeld === 4) this.#begin(this.#checked(this.#sizeField.readInt32BE(0)));
      } else {
        const size = this.#checked(chunk.readInt32BE(at));
        at += 4;
        if (chunk.length - at >= size) {
          frames.push(chunk.subarray(at, at + size));
          at += size;
        } else {
          this.#begin(size);
        }
      }
      if (this.#wanted >= 0 && this.#held === this.#wanted) {
        frames.push(this.#frame.subarray(0, this.#wanted));
        if (this.#pool !== undefined) this.#assembled = this.#frame;
        this.#wanted = -1;
        this.#frame = this.#sizeField;
      }
    }
    return frames;
  }

  #begin(size: number): void {
    this.#sizeHeld = 0;
    this.#wanted = size;
    this.#held = 0;
    const bytes = Math.min(size, FIRST_ALLOCATION_BYTES);
    this.#frame = this.#pool?.take(bytes) ?? Buffer.allocUnsafe(bytes);
  }

  /** Takes what belongs to the frame from a chunk; returns how much that was. */
  #collect(chunk: Buffer, at: number): number {
    const count = Math.min(this.#wanted - this.#held, chunk.length - at);
    const needed = this.#held + count;
    if (needed > this.#frame.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#wanted, Math.max(needed, this.#frame.length * 2)));
      this.#frame.copy(grown, 0, 0, this.#held);
      this.#frame = grown;
    }
    chunk.copy(this.#frame, this.#held, at, at + count);
    this.#held = needed;
    return count;
  }

  #checked(size: number): number {
    if (size < 0) throw malformed(`a frame announces ${size} bytes`);
    if (size > this.maxBytes) {
      throw new MillraceError('FRAME_TOO_LARGE', `A frame of ${size} bytes exceeds the limit of ${this.maxBytes}.`);
    }
    return size;
  }
}

// ── Requests ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** Writes a whole request frame, its size included. */
// oxlint-disable-next-line max-params -- called per request: an object would be one more allocation
export function encodeRequest<Req, Res>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: Req,
  out: FrameWriter,
): void {
  const start = beginFrame(out);
  const before = out.totalBytes;
  out.int16(api.key);
  out.int16(version);
  out.int32(correlationId);
  if (clientId === null) out.int16(-1);
  else {
    out.int16(Buffer.byteLength(clientId));
    out.utf8(clientId);
  }
  if (version >= api.flexibleFrom) out.uvarint(0);
  api.request.codec(version).write(out, body);
  endFrame(out, start, before);
}

/** The part of a request's header that is the same for all APIs; a flexible one goes on with a tag buffer. */
export function readRequestHeader(from: ByteReader): RequestHeader {
  const apiKey = from.int16();
  const apiVersion = from.int16();
  const correlationId = from.int32();
  const length = from.int16();
  return { apiKey, apiVersion, correlationId, clientId: length < 0 ? null : from.utf8(length) };
}

/** Reads the body behind `readRequestHeader`: at once where it is short, in steps where that would keep others waiting. */
export function readRequestBody<Req, Res>(api: Api<Req, Res>, version: number, from: ByteReader): Req | InSteps<Req> {
  if (version >= api.flexibleFrom) skipTags(from);
  return api.request.readShort(version, from) ?? new InSteps(api.request.readInSteps(version, from));
}

/** A message that is too long to be read or written in one turn of the event loop. */
export class InSteps<T> {
  readonly steps: Steps<T>;

  constructor(steps: Steps<T>) {
    this.steps = steps;
  }
}

// ── Responses ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A whole response frame, its size included: at once where it is short, in steps where that would keep others waiting. */
export function encodeResponse<Req, Res>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  body: Res,
): Buffer[] | InSteps<Buffer[]> {
  const out = beginResponse(api, version, correlationId);
  if (api.response.writeShort(version, out, body)) return responseOf(out);
  return new InSteps(encodeInSteps(api, version, correlationId, body));
}

function* encodeInSteps<Req, Res>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  body: Res,
): Steps<Buffer[]> {
  const out = beginResponse(api, version, correlationId);
  yield* api.response.writeInSteps(version, out, body);
  return responseOf(out);
}

function beginResponse<Req, Res>(api: Api<Req, Res>, version: number, correlationId: number): FrameWriter {
  const out = new FrameWriter();
  beginFrame(out);
  out.int32(correlationId);
  if (hasResponseTags(api, version)) out.uvarint(0);
  return out;
}

function responseOf(out: FrameWriter): Buffer[] {
  endFrame(out, 0, SIZE_BYTES);
  return out.take();
}

/** Reads a response frame (without its size), whose correlation id the caller has matched. */
export function decodeResponse<Req, Res>(api: Api<Req, Res>, version: number, frame: Buffer): Res {
  const from = new ByteReader(frame, 4);
  if (hasResponseTags(api, version)) skipTags(from);
  return api.response.codec(version).read(from);
}

function hasResponseTags(api: { key: number; flexibleFrom: number }, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== API_VERSIONS_KEY;
}

function beginFrame(out: FrameWriter): number {
  const start = out.position;
  out.int32(0);
  return start;
}

function endFrame(out: FrameWriter, start: number, before: number): void {
  out.buffer.writeInt32BE(out.totalBytes - before, start);
}
