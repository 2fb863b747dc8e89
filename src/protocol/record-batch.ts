/**
 * Kafka's record batch, version 2: a header of 61 bytes, then the records, compressed as one block.
 *
 *      0 baseOffset int64 · 8 batchLength int32 · 12 partitionLeaderEpoch int32 · 16 magic int8 · 17 crc uint32
 *     21 attributes int16 · 23 lastOffsetDelta int32 · 27 baseTimestamp int64 · 35 maxTimestamp int64
 *     43 producerId int64 · 51 producerEpoch int16 · 53 baseSequence int32 · 57 recordCount int32 · 61 records
 *
 * The CRC covers everything from `attributes` on, so a broker sets the offset and the leader epoch in place.
 */
import { crc32c, MillraceError } from '../util/index.ts';
import { readInt64 } from './byte-reader.ts';

export const BATCH_HEADER_BYTES = 61;
/** The bytes before `batchLength` counts. */
export const BATCH_OVERHEAD_BYTES = 12;
export const MAGIC = 2;

export const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;
export const DELETE_HORIZON = 0x40;

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;

const CRC_AT = 17;
const CRC_FROM = 21;

/** The header fields of the batch that starts at `at`. Each reads its own bytes: callers take what they need. */
export const batchHeader = {
  baseOffset: (bytes: Buffer, at = 0): number => readInt64(bytes, at),
  /** Bytes of the whole batch. */
  sizeInBytes: (bytes: Buffer, at = 0): number => bytes.readInt32BE(at + 8) + BATCH_OVERHEAD_BYTES,
  leaderEpoch: (bytes: Buffer, at = 0): number => bytes.readInt32BE(at + 12),
  magic: (bytes: Buffer, at = 0): number => bytes.readInt8(at + 16),
  crc: (bytes: Buffer, at = 0): number => bytes.readUInt32BE(at + CRC_AT),
  attributes: (bytes: Buffer, at = 0): number => bytes.readInt16BE(at + 21),
  lastOffsetDelta: (bytes: Buffer, at = 0): number => bytes.readInt32BE(at + 23),
  lastOffset: (bytes: Buffer, at = 0): number => readInt64(bytes, at) + bytes.readInt32BE(at + 23),
  baseTimestamp: (bytes: Buffer, at = 0): number => readInt64(bytes, at + 27),
  maxTimestamp: (bytes: Buffer, at = 0): number => readInt64(bytes, at + 35),
  producerId: (bytes: Buffer, at = 0): number => readInt64(bytes, at + 43),
  producerEpoch: (bytes: Buffer, at = 0): number => bytes.readInt16BE(at + 51),
  baseSequence: (bytes: Buffer, at = 0): number => bytes.readInt32BE(at + 53),
  recordCount: (bytes: Buffer, at = 0): number => bytes.readInt32BE(at + 57),
} as const;

/** Gives a batch its place in a log. Its CRC stays valid. */
export function placeBatch(bytes: Buffer, at: number, baseOffset: number, leaderEpoch: number): void {
  writeInt64(bytes, baseOffset, at);
  bytes.writeInt32BE(leaderEpoch, at + 12);
}

/** Stamps a batch with the broker's time, which needs a new CRC. */
export function stampLogAppendTime(bytes: Buffer, at: number, timestamp: number): void {
  bytes.writeInt16BE(bytes.readInt16BE(at + 21) | LOG_APPEND_TIME, at + 21);
  writeInt64(bytes, timestamp, at + 35);
  sealBatch(bytes, at);
}

/** Sets the largest timestamp of a batch, which needs a new CRC. */
export function setMaxTimestamp(bytes: Buffer, at: number, timestamp: number): void {
  writeInt64(bytes, timestamp, at + 35);
  sealBatch(bytes, at);
}

/** Sets the producer's fields of a finished batch, which needs a new CRC: a retry after a fence, or a late sequence. */
export function setProducer(bytes: Buffer, at: number, producerId: number, epoch: number, baseSequence: number): void {
  writeInt64(bytes, producerId, at + 43);
  bytes.writeInt16BE(epoch, at + 51);
  bytes.writeInt32BE(baseSequence, at + 53);
  sealBatch(bytes, at);
}

/** Writes the CRC of the batch that starts at `at`. */
export function sealBatch(bytes: Buffer, at = 0): void {
  bytes.writeUInt32BE(crc32c(bytes, at + CRC_FROM, at + batchHeader.sizeInBytes(bytes, at)), at + CRC_AT);
}

/**
 * True when a whole batch starts at `at` and its CRC is right. Says nothing about the records inside: the broker looks at
 * those when they come from a client.
 */
export function isIntactBatch(bytes: Buffer, at: number, end = bytes.length): boolean {
  if (at + BATCH_HEADER_BYTES > end) return false;
  const size = batchHeader.sizeInBytes(bytes, at);
  if (size < BATCH_HEADER_BYTES || at + size > end || batchHeader.magic(bytes, at) !== MAGIC) return false;
  return crc32c(bytes, at + CRC_FROM, at + size) === batchHeader.crc(bytes, at);
}

/** Throws INVALID_RECORD unless exactly one batch fills `bytes`, and CORRUPT_MESSAGE unless that is intact. */
export function checkSingleBatch(bytes: Buffer): void {
  const invalid = (what: string): MillraceError => new MillraceError('INVALID_RECORD', what);
  if (bytes.length < BATCH_HEADER_BYTES) throw invalid(`${bytes.length} bytes are too few for a record batch.`);
  const magic = batchHeader.magic(bytes);
  if (magic > MAGIC) throw corruptBatch(`message format ${magic} is unknown`);
  if (magic !== MAGIC) throw invalid(`Message format ${magic} is not supported, only 2.`);
  const size = batchHeader.sizeInBytes(bytes);
  if (size < BATCH_HEADER_BYTES) throw corruptBatch(`it announces ${size} bytes`);
  if (size > bytes.length) throw invalid(`A record batch of ${size} bytes ends after ${bytes.length}.`);
  if (size < bytes.length) throw invalid('A produce request holds more than one batch for a partition.');
  if (!isIntactBatch(bytes, 0)) throw corruptBatch('its checksum does not match');
}

export function writeInt64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 4294967296);
  bytes.writeInt32BE(high, at);
  bytes.writeUInt32BE(value - high * 4294967296, at + 4);
}

export function corruptBatch(why: string): MillraceError {
  return new MillraceError('CORRUPT_MESSAGE', `A record batch is broken: ${why}.`);
}
