import { codeOf, messageOf, MillraceError } from '../util/index.ts';
import {
  BATCH_HEADER_BYTES,
  batchHeader,
  checkSingleBatch,
  CODEC_MASK,
  CompressionCodec,
  CONTROL,
  compress,
  decompress,
  ErrorCode,
  LOG_APPEND_TIME,
  NO_PRODUCER_ID,
  sealBatch,
} from '../protocol/index.ts';
import type { TopicSettings } from './settings.ts';

/** A batch that may be appended, or why it may not. */
export type Validated =
  | { readonly ok: true; readonly batch: Buffer }
  | {
      readonly ok: false;
      readonly errorCode: number;
      readonly message: string;
      readonly recordErrors: readonly { batchIndex: number; batchIndexErrorMessage: string }[];
    };

/**
 * The checks of C10 on what a client sends for one partition. The records are walked even when they are stored as they
 * came: a log whose offsets are wrong can't be read by anyone.
 */
export function validateBatch(bytes: Buffer, settings: TopicSettings, version: number, now: number): Validated {
  try {
    checkSingleBatch(bytes);
  } catch (error) {
    const code = codeOf(error) === 'INVALID_RECORD' ? ErrorCode.INVALID_RECORD : ErrorCode.CORRUPT_MESSAGE;
    return refused(code, messageOf(error));
  }
  const attributes = batchHeader.attributes(bytes);
  const codec = attributes & CODEC_MASK;
  const count = batchHeader.recordCount(bytes);
  if ((attributes & CONTROL) !== 0) return refused(ErrorCode.INVALID_RECORD, 'clients may not write control records');
  if ((attributes & LOG_APPEND_TIME) !== 0) {
    return refused(ErrorCode.INVALID_TIMESTAMP, 'only the broker may stamp batches with the append time');
  }
  if (count <= 0 || count !== batchHeader.lastOffsetDelta(bytes) + 1) {
    return refused(
      ErrorCode.INVALID_RECORD,
      `a batch of ${count} records does not end with the offset of the last one`,
    );
  }
  if (batchHeader.baseOffset(bytes) !== 0)
    return refused(ErrorCode.INVALID_RECORD, 'a batch does not begin at offset 0');
  if (batchHeader.producerId(bytes) !== NO_PRODUCER_ID && batchHeader.baseSequence(bytes) < 0) {
    return refused(ErrorCode.INVALID_RECORD, 'a batch of an idempotent producer has no sequence number');
  }
  if (bytes.length > settings['max.message.bytes']) {
    const limit = `max.message.bytes of the topic is ${settings['max.message.bytes']}`;
    return refused(ErrorCode.MESSAGE_TOO_LARGE, `a batch has ${bytes.length} bytes, and ${limit}`);
  }
  if (bytes.length > settings['segment.bytes']) {
    return refused(ErrorCode.RECORD_LIST_TOO_LARGE, `a batch of ${bytes.length} bytes does not fit into a segment`);
  }
  if (codec === CompressionCodec.zstd && version < 7) {
    return refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs version 7 of Produce');
  }
  try {
    const plain = decompress(codec, bytes.subarray(BATCH_HEADER_BYTES));
    return walk(bytes, plain, settings, now) ?? { ok: true, batch: recompressed(bytes, plain, codec, settings) };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const unknownCodec = error.code === 'UNSUPPORTED_COMPRESSION_TYPE';
    const code = unknownCodec ? ErrorCode.UNSUPPORTED_COMPRESSION_TYPE : ErrorCode.CORRUPT_MESSAGE;
    return refused(code, messageOf(error));
  }
}

/** Looks at every record's length, offset, key and timestamp; values are passed over. */
function walk(batch: Buffer, plain: Buffer, settings: TopicSettings, now: number): Validated | undefined {
  const count = batchHeader.recordCount(batch);
  const baseTimestamp = batchHeader.baseTimestamp(batch);
  const needsKey = settings['cleanup.policy'].includes('compact');
  const checksTime = settings['message.timestamp.type'] === 'CreateTime';
  const earliest = now - settings['message.timestamp.before.max.ms'];
  const latest = now + settings['message.timestamp.after.max.ms'];
  const keyless: { batchIndex: number; batchIndexErrorMessage: string }[] = [];
  const at = { position: 0 };
  for (let i = 0; i < count; i++) {
    const length = varint(plain, at);
    const end = at.position + length;
    if (length < 0 || end > plain.length) throw corrupt('a record is longer than its batch');
    at.position++;
    const timestamp = baseTimestamp + varlong(plain, at);
    if (varint(plain, at) !== i)
      return refused(ErrorCode.INVALID_RECORD, 'the offsets of the records are not consecutive');
    if (needsKey && varint(plain, at) < 0) {
      keyless.push({
        batchIndex: i,
        batchIndexErrorMessage: 'A record without a key can not be kept in a compacted topic.',
      });
    }
    if (checksTime && (timestamp < earliest || timestamp > latest) && timestamp !== -1) {
      return refused(ErrorCode.INVALID_TIMESTAMP, `timestamp ${timestamp} is out of the range of the topic`);
    }
    if (at.position > end) throw corrupt('a field is longer than its record');
    at.position = end;
  }
  if (at.position !== plain.length) throw corrupt('bytes follow the last record');
  if (keyless.length === 0) return undefined;
  const message = 'one or more records have been rejected';
  return { ok: false, errorCode: ErrorCode.INVALID_RECORD, message, recordErrors: keyless };
}

/** The batch in the codec that the topic asks for; `producer` leaves it as it came. */
function recompressed(batch: Buffer, plain: Buffer, codec: number, settings: TopicSettings): Buffer {
  const wanted = settings['compression.type'];
  if (wanted === 'producer') return batch;
  const target = wanted === 'uncompressed' ? CompressionCodec.none : CompressionCodec[wanted as 'gzip'];
  if (target === codec) return batch;
  const packed = compress(target, plain);
  const result = Buffer.allocUnsafe(BATCH_HEADER_BYTES + packed.length);
  batch.copy(result, 0, 0, BATCH_HEADER_BYTES);
  packed.copy(result, BATCH_HEADER_BYTES);
  result.writeInt32BE(result.length - 12, 8);
  result.writeInt16BE((batchHeader.attributes(batch) & ~CODEC_MASK) | target, 21);
  sealBatch(result);
  return result;
}

function refused(errorCode: number, message: string): Validated {
  return { ok: false, errorCode, message, recordErrors: [] };
}

function varint(bytes: Buffer, at: { position: number }): number {
  let result = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at.position++];
    if (byte === undefined) throw corrupt('it ends within a number');
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (result >>> 1) ^ -(result & 1);
  }
  throw corrupt('a number is too long');
}

function varlong(bytes: Buffer, at: { position: number }): number {
  let result = 0;
  let scale = 1;
  for (let count = 0; count < 10; count++) {
    const byte = bytes[at.position++];
    if (byte === undefined) throw corrupt('it ends within a number');
    result += (byte & 0x7f) * scale;
    if (byte < 0x80) return result % 2 === 0 ? result / 2 : -(result + 1) / 2;
    scale *= 128;
  }
  throw corrupt('a number is too long');
}

function corrupt(why: string): MillraceError {
  return new MillraceError('CORRUPT_MESSAGE', `The records of a batch are broken: ${why}.`);
}
