import { promisify } from 'node:util';
import {
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import { compressFrame, compressFrameSync, decompressFrame, decompressFrameSync } from 'lz4-napi';
import snappy from 'snappy';
import { codeOf, MillraceError } from '../util/index.ts';

/** The codec bits of a batch's attributes. */
export const CompressionCodec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type CompressionName = keyof typeof CompressionCodec;

/** What one batch may unpack to: a small batch must not be able to fill the memory. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024;

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
/** By the three bits of a frame's block size. */
const LZ4_BLOCK_BYTES: Readonly<Record<number, number>> = { 4: 65536, 5: 262144, 6: 1048576, 7: 4194304 };

export function compressionName(codec: number): CompressionName | undefined {
  return (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)[codec];
}

/** Compresses the records of a batch. Snappy is written raw, which every reader understands. */
export function compress(codec: number, plain: Buffer): Buffer {
  switch (codec) {
    case CompressionCodec.none:
      return plain;
    case CompressionCodec.gzip:
      return gzipSync(plain);
    case CompressionCodec.snappy:
      return snappy.compressSync(plain);
    case CompressionCodec.lz4:
      return compressFrameSync(plain);
    case CompressionCodec.zstd:
      return zstdCompressSync(plain);
    default:
      throw unknownCodec(codec);
  }
}

/** Unpacks the records of a batch, refusing more than `maxBytes` before they are allocated. */
export function decompress(codec: number, packed: Buffer, maxBytes = DEFAULT_MAX_DECOMPRESSED_BYTES): Buffer {
  try {
    switch (codec) {
      case CompressionCodec.none:
        return packed;
      case CompressionCodec.gzip:
        return gunzipSync(packed, { maxOutputLength: maxBytes });
      case CompressionCodec.snappy:
        return isXerial(packed) ? unpackXerial(packed, maxBytes) : unpackSnappy(packed, maxBytes);
      case CompressionCodec.lz4:
        if (lz4UpperBound(packed) > maxBytes) throw tooLarge(maxBytes);
        return decompressFrameSync(packed);
      case CompressionCodec.zstd:
        return zstdDecompressSync(packed, { maxOutputLength: maxBytes });
      default:
        throw unknownCodec(codec);
    }
  } catch (error) {
    throw unpackingFailed(error, codec, maxBytes);
  }
}

/** As `compress`, beside the event loop, which goes on meanwhile. */
export async function compressBeside(codec: number, plain: Buffer): Promise<Buffer> {
  switch (codec) {
    case CompressionCodec.gzip:
      return gzipBeside(plain);
    case CompressionCodec.snappy:
      return snappy.compress(plain);
    case CompressionCodec.lz4:
      return compressFrame(plain);
    case CompressionCodec.zstd:
      return zstdCompressBeside(plain);
    default:
      return compress(codec, plain);
  }
}

/** As `decompress`, beside the event loop, which goes on meanwhile. */
export async function decompressBeside(codec: number, packed: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    switch (codec) {
      case CompressionCodec.gzip:
        return await gunzipBeside(packed, { maxOutputLength: maxBytes });
      case CompressionCodec.lz4:
        if (lz4UpperBound(packed) > maxBytes) throw tooLarge(maxBytes);
        return await decompressFrame(packed);
      case CompressionCodec.zstd:
        return await zstdBeside(packed, { maxOutputLength: maxBytes });
      default:
        // Snappy says ahead how large it will be, and its blocks are small.
        return decompress(codec, packed, maxBytes);
    }
  } catch (error) {
    throw unpackingFailed(error, codec, maxBytes);
  }
}

const gzipBeside = promisify<Buffer, Buffer>(gzip);
const zstdCompressBeside = promisify<Buffer, Buffer>(zstdCompress);
const gunzipBeside = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);
const zstdBeside = promisify<Buffer, { maxOutputLength: number }, Buffer>(zstdDecompress);

function unpackingFailed(error: unknown, codec: number, maxBytes: number): MillraceError {
  if (error instanceof MillraceError) return error;
  if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') return tooLarge(maxBytes);
  const what = `A record batch compressed with ${compressionName(codec)} can not be unpacked.`;
  return new MillraceError('CORRUPT_MESSAGE', what, { cause: error });
}

// ── Snappy: raw, or in the framing of the Java library ────────────────────────────────────────────────────────────

function isXerial(packed: Buffer): boolean {
  return packed.length >= XERIAL_HEADER_BYTES && packed.compare(XERIAL_MAGIC, 0, 8, 0, 8) === 0;
}

function unpackXerial(packed: Buffer, maxBytes: number): Buffer {
  const blocks: Buffer[] = [];
  let total = 0;
  let at = XERIAL_HEADER_BYTES;
  while (at + 4 <= packed.length) {
    const length = packed.readInt32BE(at);
    at += 4;
    if (length < 0 || at + length > packed.length) throw corrupt('a snappy block is longer than its batch');
    const block = unpackSnappy(packed.subarray(at, at + length), maxBytes - total);
    total += block.length;
    blocks.push(block);
    at += length;
  }
  if (at !== packed.length) throw corrupt('bytes follow the last snappy block');
  return Buffer.concat(blocks, total);
}

function unpackSnappy(block: Buffer, maxBytes: number): Buffer {
  let size = 0;
  let scale = 1;
  for (let at = 0; ; at++) {
    const byte = block[at];
    if (byte === undefined || at === 5) throw corrupt('a snappy block has no length');
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 128;
  }
  if (size > maxBytes) throw tooLarge(maxBytes);
  return snappy.uncompressSync(block, { asBuffer: true }) as Buffer;
}

// ── LZ4 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The most that an LZ4 frame can unpack to, from the lengths of its blocks: LZ4 expands by less than 255 times. */
function lz4UpperBound(packed: Buffer): number {
  if (packed.length < 7 || packed.readUInt32LE(0) !== 0x184d2204) throw corrupt('an lz4 frame has no magic number');
  const flags = packed[4]!;
  const blockBytes = LZ4_BLOCK_BYTES[(packed[5]! >> 4) & 7];
  if (flags >> 6 !== 1 || blockBytes === undefined) throw corrupt('an lz4 frame has an unknown version or block size');
  const blockChecksum = (flags & 0x10) === 0 ? 0 : 4;
  let at = 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4);
  let bound = 0;
  for (;;) {
    if (at + 4 > packed.length) throw corrupt('an lz4 frame has no end mark');
    const word = packed.readUInt32LE(at);
    if (word === 0) return bound;
    const length = word & 0x7fffffff;
    at += 4 + length + blockChecksum;
    if (at > packed.length) throw corrupt('an lz4 block is longer than its batch');
    bound += Math.min(blockBytes, word > 0x7fffffff ? length : length * 255);
  }
}

function corrupt(what: string): MillraceError {
  return new MillraceError('CORRUPT_MESSAGE', `A record batch can not be unpacked: ${what}.`);
}

function tooLarge(maxBytes: number): MillraceError {
  return new MillraceError('MESSAGE_TOO_LARGE', `A record batch unpacks to more than ${maxBytes} bytes.`);
}

function unknownCodec(codec: number): MillraceError {
  return new MillraceError('UNSUPPORTED_COMPRESSION_TYPE', `Compression codec ${codec} is unknown.`);
}
