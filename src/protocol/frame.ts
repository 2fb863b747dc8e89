/**
 * Frames: an int32 size, then a header and a body. Here they are cut out of a stream of bytes and put together; both
 * ends of a connection use it, no socket is involved.
 */
import { MillraceError } from '../util/index.ts';
import type { Api } from './api.ts';
import { ByteReader, malformed } from './byte-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { skipTags } from './schema.ts';

const API_VERSIONS_KEY = 18;
/** Kafka's `socket.request.max.bytes`. */
export const DEFAULT_MAX_FRAME_BYTES = 104_857_600;

/** Cuts a stream into frames without copying, except where a frame spans several chunks. */
export class FrameSplitter {
  readonly #maxBytes: number;
  /** Pieces of the frame that is not complete yet, size field included. */
  #pieces: Buffer[] = [];
  #held = 0;
  /** Bytes the incomplete frame has in all, once its size is known. */
  #wanted = -1;

  constructor(maxBytes = DEFAULT_MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Complete frames, without their size. Throws FRAME_TOO_LARGE before anything of such a frame is collected. */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let rest = chunk;
    if (this.#held > 0) {
      if (this.#wanted < 0) rest = this.#joinSize(rest);
      if (this.#wanted < 0) return frames;
      const missing = this.#wanted - this.#held;
      if (rest.length < missing) {
        this.#hold(rest);
        return frames;
      }
      this.#hold(rest.subarray(0, missing));
      frames.push(Buffer.concat(this.#pieces, this.#held).subarray(4));
      this.#release();
      rest = rest.subarray(missing);
    }
    let at = 0;
    while (rest.length - at >= 4) {
      const end = at + 4 + this.#checked(rest.readInt32BE(at));
      if (end > rest.length) {
        this.#wanted = end - at;
        break;
      }
      frames.push(rest.subarray(at + 4, end));
      at = end;
    }
    if (at < rest.length) this.#hold(rest.subarray(at));
    return frames;
  }

  /** A size field that was split between chunks is completed first; returns what follows it. */
  #joinSize(rest: Buffer): Buffer {
    const missing = Math.min(4 - this.#held, rest.length);
    this.#hold(rest.subarray(0, missing));
    if (this.#held === 4) {
      const size = Buffer.concat(this.#pieces, 4);
      this.#pieces = [size];
      this.#wanted = 4 + this.#checked(size.readInt32BE(0));
    }
    return rest.subarray(missing);
  }

  #hold(piece: Buffer): void {
    if (piece.length > 0) this.#pieces.push(piece);
    this.#held += piece.length;
  }

  #release(): void {
    this.#pieces = [];
    this.#held = 0;
    this.#wanted = -1;
  }

  #checked(size: number): number {
    if (size < 0) throw malformed(`a frame announces ${size} bytes`);
    if (size > this.#maxBytes) {
      throw new MillraceError('FRAME_TOO_LARGE', `A frame of ${size} bytes exceeds the limit of ${this.#maxBytes}.`);
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

/** Reads the body behind `readRequestHeader`. */
export function readRequestBody<Req, Res>(api: Api<Req, Res>, version: number, from: ByteReader): Req {
  if (version >= api.flexibleFrom) skipTags(from);
  return api.request.codec(version).read(from);
}

// ── Responses ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Writes a whole response frame, its size included. */
export function encodeResponse<Req, Res>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  body: Res,
  out: FrameWriter,
): void {
  const start = beginFrame(out);
  const before = out.totalBytes;
  out.int32(correlationId);
  if (hasResponseTags(api, version)) out.uvarint(0);
  api.response.codec(version).write(out, body);
  endFrame(out, start, before);
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
