/**
 * A segment's file of batches in the lines of Kafka's DumpLogSegments: one per batch, and one per record where that is asked
 * for. It is read batch by batch, whatever the file's size, and nothing in it is trusted.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import {
  BATCH_HEADER_BYTES,
  BatchCursor,
  batchHeader,
  CODEC_MASK,
  compressionName,
  CONTROL,
  DELETE_HORIZON,
  isIntactBatch,
  LOG_APPEND_TIME,
  MAGIC,
  TRANSACTIONAL,
} from '../../protocol/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import { sequenceAfter } from '../log/producer-state.ts';
import { type Journal, journalEntry } from './journals.ts';

/** Before `magic`, all formats are the same; the smallest record of the oldest one has so many bytes behind its length. */
const COMMON_BYTES = 17;
const LEAST_SIZE = 14;
const OVERHEAD_BYTES = 12;

export interface LogDump {
  /** A line per record. */
  readonly deep: boolean;
  /** Keys and values, too. */
  readonly contents: boolean;
  /** Nothing about a record but those. */
  readonly bare: boolean;
  /** What keys and values are, where they are not text. */
  readonly journal: Journal | undefined;
  /** Batches beyond so many bytes are left out. */
  readonly maxBytes: number;
}

/** Throws CORRUPT_MESSAGE with the position of what is not a batch, or not the records that it announces. */
export function* dumpLog(path: string, options: LogDump): Generator<string> {
  yield `Log starting offset: ${baseOffsetOf(path)}`;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const end = Math.min(size, options.maxBytes);
    let position = 0;
    for (;;) {
      const batch = batchAt(file, path, position, end);
      if (batch === undefined) break;
      yield batchLine(batch, position);
      if (options.deep || options.contents) yield* recordLines(batch, path, position, options);
      position += batch.length;
    }
    if (position < size && end === size) yield `Found ${size - position} invalid bytes at the end of ${basename(path)}`;
  } finally {
    closeSync(file);
  }
}

/** The name of a segment's files is its first offset. */
export function baseOffsetOf(path: string): number {
  const [name = ''] = basename(path).split('.');
  if (!/^\d{1,20}$/.test(name)) {
    throw new MillraceError('INVALID_ARGUMENT', `${path} is no segment: its name is not an offset of 20 digits.`);
  }
  return Number(name);
}

/** The whole batch at a position; undefined where none is complete. */
export function batchAt(file: number, path: string, position: number, end: number): Buffer | undefined {
  if (position + COMMON_BYTES > end) return undefined;
  const head = bytesAt(file, position, COMMON_BYTES);
  const size = head.readInt32BE(8);
  const magic = head.readInt8(16);
  const broken = (why: string): MillraceError =>
    new MillraceError('CORRUPT_MESSAGE', `${why} at position ${position} in file ${path}.`);
  if (size < LEAST_SIZE) throw broken(`Found record size ${size} smaller than minimum record overhead (${LEAST_SIZE})`);
  if (position + OVERHEAD_BYTES + size > end) return undefined;
  if (magic !== MAGIC) throw broken(`Found message format ${magic}, of which only ${MAGIC} is read,`);
  if (OVERHEAD_BYTES + size < BATCH_HEADER_BYTES) throw broken(`Found a batch that is shorter than its header`);
  return bytesAt(file, position, OVERHEAD_BYTES + size);
}

function bytesAt(file: number, position: number, length: number): Buffer {
  const target = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const read = readSync(file, target, at, length - at, position + at);
    if (read === 0) throw new MillraceError('CORRUPT_MESSAGE', `The file became shorter while it was read.`);
    at += read;
  }
  return target;
}

function batchLine(batch: Buffer, position: number): string {
  const attributes = batchHeader.attributes(batch);
  const [first, delta] = [batchHeader.baseSequence(batch), batchHeader.lastOffsetDelta(batch)];
  const horizon = (attributes & DELETE_HORIZON) === 0 ? '.empty' : `[${batchHeader.baseTimestamp(batch)}]`;
  return [
    `baseOffset: ${batchHeader.baseOffset(batch)}`,
    `lastOffset: ${batchHeader.lastOffset(batch)}`,
    `count: ${batchHeader.recordCount(batch)}`,
    `baseSequence: ${first}`,
    `lastSequence: ${first < 0 ? first : sequenceAfter(first, delta)}`,
    `producerId: ${batchHeader.producerId(batch)}`,
    `producerEpoch: ${batchHeader.producerEpoch(batch)}`,
    `partitionLeaderEpoch: ${batchHeader.leaderEpoch(batch)}`,
    `isTransactional: ${(attributes & TRANSACTIONAL) !== 0}`,
    `isControl: ${(attributes & CONTROL) !== 0}`,
    `deleteHorizonMs: OptionalLong${horizon}`,
    `position: ${position}`,
    `${timestampType(batch)}: ${batchHeader.maxTimestamp(batch)}`,
    `size: ${batch.length}`,
    `magic: ${batchHeader.magic(batch)}`,
    `compresscodec: ${compressionName(attributes & CODEC_MASK) ?? 'unknown'}`,
    `crc: ${batchHeader.crc(batch)}`,
    `isvalid: ${isIntactBatch(batch, 0)}`,
  ].join(' ');
}

function timestampType(batch: Buffer): string {
  return (batchHeader.attributes(batch) & LOG_APPEND_TIME) === 0 ? 'CreateTime' : 'LogAppendTime';
}

function* recordLines(batch: Buffer, path: string, position: number, options: LogDump): Generator<string> {
  const isControl = (batchHeader.attributes(batch) & CONTROL) !== 0;
  try {
    const cursor = new BatchCursor(batch, { controlRecords: true, fromOffset: Number.NEGATIVE_INFINITY });
    while (cursor.advance()) {
      const key = spanOf(cursor.bytes, cursor.keyStart, cursor.keyEnd);
      const value = spanOf(cursor.bytes, cursor.valueStart, cursor.valueEnd);
      let line = '';
      if (!options.bare) {
        line = `| offset: ${cursor.offset} ${timestampType(batch)}: ${cursor.timestamp} keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1}`;
        line += ` sequence: ${sequenceOf(batch, cursor.offset)} headerKeys: [${cursor
          .headers()
          .map((header) => header.key)
          .join(',')}]`;
        if (isControl) line += markerOf(key, value);
      }
      if (options.contents && !isControl) line += contentsOf(cursor.offset, key, value, options);
      yield line;
    }
  } catch (error) {
    throw new MillraceError(
      'CORRUPT_MESSAGE',
      `The records of the batch at position ${position} in file ${path} can't be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function spanOf(bytes: Buffer, start: number, end: number): Buffer | null {
  return start < 0 ? null : bytes.subarray(start, end);
}

function sequenceOf(batch: Buffer, offset: number): number {
  const first = batchHeader.baseSequence(batch);
  return first < 0 ? -1 : sequenceAfter(first, offset - batchHeader.baseOffset(batch));
}

/** The end of a transaction, or another kind of control record by its number. */
function markerOf(key: Buffer | null, value: Buffer | null): string {
  if (key === null || key.length < 4) return ' controlType: UNKNOWN';
  const type = key.readInt16BE(2);
  if (type > 1 || type < 0 || value === null || value.length < 6) return ` controlType: ${type}`;
  return ` endTxnMarker: ${type === 1 ? 'COMMIT' : 'ABORT'} coordinatorEpoch: ${value.readInt32BE(2)}`;
}

function contentsOf(offset: number, key: Buffer | null, value: Buffer | null, { bare, journal }: LogDump): string {
  const texts = textsOf(offset, key, value, journal);
  const named = texts.key === undefined ? '' : `${bare ? '| ' : ' '}key: ${texts.key}`;
  return texts.value === undefined ? named : `${named} payload: ${texts.value}`;
}

function textsOf(
  offset: number,
  key: Buffer | null,
  value: Buffer | null,
  journal: Journal | undefined,
): { readonly key?: string; readonly value?: string } {
  if (journal === undefined) {
    return { ...(key === null ? {} : { key: String(key) }), ...(value === null ? {} : { value: String(value) }) };
  }
  try {
    return journalEntry(journal, key, value);
  } catch (error) {
    return { key: `Error at offset ${offset}, skipping. ${messageOf(error)}` };
  }
}
