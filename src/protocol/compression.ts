import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { compressFrame, compressFrameSync, decompressFrame, decompressFrameSync } from 'lz4-napi';
import snappy from 'snappy';
import { codeOf, MillraceError } from '../util/index.ts';

// Not by name in the import: a Node without zstd is to be told what it is too old for (util/node-version.ts).
const { gunzip, gunzipSync, gzip, gzipSync, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } = zlib;

/** The codec bits of a batch's attributes. */
export const CompressionCodec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type CompressionName = keyof typeof CompressionCodec;

/** What one batch may unpack to: a small batch must not be able to fill the memory. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024;

/** Deflate makes at most so much out of a byte. */
const DEFLATE_MAX_RATIO = 1032;
/** What a packed batch that does not say its size is first believed to unpack to, in times its own. */
const USUAL_RATIO = 16;

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;
/** By the three bits of a frame's block size. */
const LZ4_BLOCK_BYTES: Readonly<Record<number, number>> = { 4: 65536, 5: 262144, 6: 1048576, 7: 4194304 };

export function compressionName(codec: number): CompressionName | undefined {
  return (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)[codec];
}

/**
 * Compresses the records of a batch. Snappy is written raw, which every reader understands. Gzip and zstd have levels, each its
 * own scale and default.
 */
export function compress(codec: number, plain: Buffer, level?: number): Buffer {
  switch (codec) {
    case CompressionCodec.none:
      return plain;
    case CompressionCodec.gzip:
      return gzipSync(plain, gzipLevel(level));
    case CompressionCodec.snappy:
      return snappy.compressSync(plain);
    case CompressionCodec.lz4:
      return compressFrameSync(plain);
    case CompressionCodec.zstd:
      return zstdCompressSync(plain, zstdLevel(level));
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
        return unpackSnappy(packed, maxBytes);
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
export async function compressBeside(codec: number, plain: Buffer, level?: number): Promise<Buffer> {
  switch (codec) {
    case CompressionCodec.gzip:
      return gzipBeside(plain, { chunkSize: mostPacked(plain), ...gzipLevel(level) });
    case CompressionCodec.snappy:
      return snappy.compress(plain);
    case CompressionCodec.lz4:
      return compressFrame(plain);
    case CompressionCodec.zstd:
      return zstdCompressBeside(plain, { chunkSize: mostPacked(plain), ...zstdLevel(level) });
    default:
      return compress(codec, plain);
  }
}

function gzipLevel(level: number | undefined): { readonly level?: number } {
  return level === undefined ? {} : { level };
}

function zstdLevel(level: number | undefined): { readonly params?: Readonly<Record<number, number>> } {
  return level === undefined ? {} : { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } };
}

/** As `decompress`, beside the event loop, which goes on meanwhile. */
export async function decompressBeside(
  codec: number,
  packed: Buffer,
  maxBytes = DEFAULT_MAX_DECOMPRESSED_BYTES,
): Promise<Buffer> {
  try {
    switch (codec) {
      case CompressionCodec.gzip:
        return await inOnePiece(
          gunzipBeside,
          packed,
          gzipClaim(packed),
          Math.min(maxBytes, packed.length * DEFLATE_MAX_RATIO),
        );
      case CompressionCodec.snappy:
        return await unpackSnappyBeside(packed, maxBytes);
      case CompressionCodec.lz4:
        if (lz4UpperBound(packed) > maxBytes) throw tooLarge(maxBytes);
        return await decompressFrame(packed);
      case CompressionCodec.zstd:
        return await inOnePiece(zstdBeside, packed, zstdClaim(packed), maxBytes);
      default:
        return decompress(codec, packed, maxBytes);
    }
  } catch (error) {
    throw unpackingFailed(error, codec, maxBytes);
  }
}

type Unpack = (
  packed: Buffer,
  options: { readonly maxOutputLength: number; readonly chunkSize: number },
) => Promise<Buffer>;
type Pack = (plain: Buffer, options: { readonly chunkSize: number; readonly level?: number }) => Promise<Buffer>;

const gzipBeside = promisify(gzip) as Pack;
const zstdCompressBeside = promisify(zstdCompress) as Pack;
const gunzipBeside = promisify(gunzip) as Unpack;
const zstdBeside = promisify(zstdDecompress) as Unpack;

/**
 * Unpacks into one piece of memory: zlib's small ones come over the event loop, each by itself, and to join them takes longer
 * than others should wait. The size that is claimed is tried first; only when that is too little, there is as much room as
 * there may be. Room that is not used costs no memory, but counts as some with the garbage collector.
 */
async function inOnePiece(unpack: Unpack, packed: Buffer, claimed: number, maxBytes: number): Promise<Buffer> {
  const expected = Math.min(claimed, maxBytes);
  try {
    return await unpack(packed, { maxOutputLength: expected, chunkSize: roomFor(expected) });
  } catch (error) {
    if (codeOf(error) !== 'ERR_BUFFER_TOO_LARGE' || expected === maxBytes) throw error;
    return unpack(packed, { maxOutputLength: maxBytes, chunkSize: roomFor(maxBytes) });
  }
}

/** One more than is expected, so that zlib sees that it is done; it takes no less than 64. */
function roomFor(bytes: number): number {
  return Math.max(64, bytes + 1);
}

/** More than gzip or zstd make of what can't be packed. */
function mostPacked(plain: Buffer): number {
  return plain.length + (plain.length >>> 8) + 1024;
}

/** The size in the trailer of gzip (RFC 1952, ISIZE): that of the last member, modulo 2^32. */
function gzipClaim(packed: Buffer): number {
  return packed.length < 4 ? 1 : Math.max(1, packed.readUInt32LE(packed.length - 4));
}

/** The size in the header of a frame of zstd (RFC 8878, Frame_Content_Size), which need not be there. */
function zstdClaim(packed: Buffer): number {
  const usual = packed.length * USUAL_RATIO;
  // The magic number, a descriptor, and at most a window's byte, a dictionary's four and a size's eight.
  if (packed.length < 18) return usual;
  const descriptor = packed[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? Math.max(1, packed[at]!) : usual;
    case 1:
      return packed.readUInt16LE(at) + 256;
    case 2:
      return Math.max(1, packed.readUInt32LE(at));
    default:
      return Math.max(1, Number(packed.readBigUInt64LE(at)));
  }
}

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

function unpackSnappy(packed: Buffer, maxBytes: number): Buffer {
  const { blocks, totalBytes } = snappyBlocks(packed, maxBytes);
  const plain = blocks.map((block) => snappy.uncompressSync(block, { asBuffer: true }) as Buffer);
  return plain.length === 1 ? plain[0]! : Buffer.concat(plain, totalBytes);
}

async function unpackSnappyBeside(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const { blocks, totalBytes } = snappyBlocks(packed, maxBytes);
  const unpack = (block: Buffer) => snappy.uncompress(block, { asBuffer: true }) as Promise<Buffer>;
  if (blocks.length === 1) return unpack(blocks[0]!);
  const plain = Buffer.allocUnsafe(totalBytes);
  let at = 0;
  for (const block of blocks) at += (await unpack(block)).copy(plain, at);
  return plain;
}

/** The blocks of either form, and what they unpack to, which they say ahead. Throws before more than `maxBytes` is unpacked. */
function snappyBlocks(packed: Buffer, maxBytes: number): { readonly blocks: Buffer[]; readonly totalBytes: number } {
  const blocks: Buffer[] = [];
  if (isXerial(packed)) {
    let at = XERIAL_HEADER_BYTES;
    while (at + 4 <= packed.length) {
      const length = packed.readInt32BE(at);
      at += 4;
      if (length < 0 || at + length > packed.length) throw corrupt('a snappy block is longer than its batch');
      blocks.push(packed.subarray(at, at + length));
      at += length;
    }
    if (at !== packed.length) throw corrupt('bytes follow the last snappy block');
  } else {
    blocks.push(packed);
  }
  const totalBytes = blocks.reduce((sum, block) => sum + snappySize(block), 0);
  if (totalBytes > maxBytes) throw tooLarge(maxBytes);
  return { blocks, totalBytes };
}

/** What a block says that it unpacks to. */
function snappySize(block: Buffer): number {
  let size = 0;
  let scale = 1;
  for (let at = 0; ; at++) {
    const byte = block[at];
    if (byte === undefined || at === 5) throw corrupt('a snappy block has no length');
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) return size;
    scale *= 128;
  }
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
