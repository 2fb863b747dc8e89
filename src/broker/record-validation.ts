import { type Clock, codeOf, messageOf, MillraceError, type Turns } from '../util/index.ts';
import {
  BATCH_HEADER_BYTES,
  batchHeader,
  checkSingleBatch,
  CODEC_MASK,
  CompressionCodec,
  CONTROL,
  DELETE_HORIZON,
  compress,
  compressBeside,
  decompress,
  decompressBeside,
  ErrorCode,
  LOG_APPEND_TIME,
  NO_PRODUCER_ID,
  sealBatch,
  setMaxTimestamp,
} from '../protocol/index.ts';
import type { TopicSettings } from './settings.ts';

/** A batch that may be appended, or why it may not. */
export type Validated =
  | { readonly ok: true; readonly batch: Buffer }
  | {
      readonly ok: false;
      readonly errorCode: number;
      readonly message: string;
      readonly recordErrors: RecordErrors;
    };

/** What is wrong with single records, by their places in the batch. */
type RecordErrors = readonly { readonly batchIndex: number; readonly batchIndexErrorMessage: string }[];

/** What the batches of one request may still unpack to: a small frame must not keep the only thread busy for minutes. */
export interface UnpackBudget {
  bytes: number;
}

/** What one batch may unpack to, within what its request may. */
interface UnpackRoom {
  readonly budget: UnpackBudget;
  readonly most: number;
}

/** What may still be done before others have their turn. */
export interface TurnBudget {
  packedBytes: number;
  plainBytes: number;
  records: number;
}

const MAX_UNPACKED_BYTES = 128 * 1024 * 1024;
/** What is packed takes its time, beside the event loop as well as in it. */
const PACKED_BYTES_PER_TURN = 32 * 1024;
/** Snappy takes up to 5 ms for it, the others less. */
const PLAIN_BYTES_PER_TURN = 1024 * 1024;
const RECORDS_PER_TURN = 100_000;
const NO_TIMESTAMP = -1;
const REJECTED = 'one or more records have been rejected';

export function newUnpackBudget(): UnpackBudget {
  return { bytes: MAX_UNPACKED_BYTES };
}

export function newTurnBudget(): TurnBudget {
  return { packedBytes: PACKED_BYTES_PER_TURN, plainBytes: PLAIN_BYTES_PER_TURN, records: RECORDS_PER_TURN };
}

/** For those who can't wait for another turn. */
export function endlessTurn(): TurnBudget {
  return {
    packedBytes: Number.POSITIVE_INFINITY,
    plainBytes: Number.POSITIVE_INFINITY,
    records: Number.POSITIVE_INFINITY,
  };
}

/**
 * The checks on what a client sends for one partition. The records are walked even when they are stored as they came: a
 * log that holds a record with broken insides stops everyone who reads it. Undefined where that takes more than is left of
 * the turn: it is for `validateLargeBatch` then.
 */
export function validateBatch(
  bytes: Buffer,
  settings: TopicSettings,
  {
    version,
    now,
    budget,
    turn,
  }: { readonly version: number; readonly now: number; readonly budget: UnpackBudget; readonly turn: TurnBudget },
): Validated | undefined {
  const problem = checkHeader(bytes, settings, version);
  if (problem !== undefined) return problem;
  try {
    const codec = codecOf(bytes);
    turn.records -= batchHeader.recordCount(bytes);
    if (codec !== CompressionCodec.none) turn.packedBytes -= bytes.length;
    if (turn.records < 0 || turn.packedBytes < 0) return undefined;
    const plain = unpacked(codec, bytes.subarray(BATCH_HEADER_BYTES), {
      budget,
      turn,
      most: settings['max.decompressed.message.bytes'],
    });
    if (plain === undefined) return undefined;
    const walk = new RecordWalk(bytes, plain, settings, now);
    walk.go(Number.POSITIVE_INFINITY);
    const target = storedCodec(bytes, settings);
    const isWanted = target === codec || walk.refusal !== undefined;
    return accepted(
      bytes,
      walk,
      isWanted ? bytes : repacked(bytes, target, compress(target, plain, levelOf(target, settings)), settings),
    );
  } catch (error) {
    return refusalOf(error);
  }
}

/** The same for a batch that takes long: unpacked beside the event loop, and its records in several turns. */
export async function validateLargeBatch(
  bytes: Buffer,
  settings: TopicSettings,
  {
    version,
    environment,
    turns,
    budget,
  }: { readonly version: number; readonly environment: Clock; readonly turns: Turns; readonly budget: UnpackBudget },
): Promise<Validated> {
  const problem = checkHeader(bytes, settings, version);
  if (problem !== undefined) return problem;
  try {
    const codec = codecOf(bytes);
    const packed = bytes.subarray(BATCH_HEADER_BYTES);
    // What is packed gives way to others while it is unpacked.
    if (codec === CompressionCodec.none) await turns.next();
    const plain =
      codec === CompressionCodec.none
        ? packed
        : await unpackedBeside(codec, packed, { budget, most: settings['max.decompressed.message.bytes'] });
    const walk = new RecordWalk(bytes, plain, settings, environment.now());
    while (!walk.go(RECORDS_PER_TURN)) await turns.next();
    const target = storedCodec(bytes, settings);
    const isWanted = target === codec || walk.refusal !== undefined;
    if (isWanted) return accepted(bytes, walk, bytes);
    return accepted(
      bytes,
      walk,
      repacked(bytes, target, await compressBeside(target, plain, levelOf(target, settings)), settings),
    );
  } catch (error) {
    return refusalOf(error);
  }
}

function codecOf(batch: Buffer): number {
  return batchHeader.attributes(batch) & CODEC_MASK;
}

/** What is wrong before the records are looked at. */
function checkHeader(bytes: Buffer, settings: TopicSettings, version: number): Validated | undefined {
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
  if ((attributes & DELETE_HORIZON) !== 0) {
    return refused(ErrorCode.INVALID_RECORD, 'only compaction may say when tombstones go');
  }
  if (batchHeader.baseOffset(bytes) !== 0)
    return refused(ErrorCode.INVALID_RECORD, 'a batch does not begin at offset 0');
  if (batchHeader.producerId(bytes) !== NO_PRODUCER_ID && batchHeader.baseSequence(bytes) < 0) {
    return refused(ErrorCode.INVALID_RECORD, 'a batch of an idempotent producer has no sequence number');
  }
  const tooLarge = checkSize(bytes.length, settings);
  if (tooLarge !== undefined) return tooLarge;
  if (codec === CompressionCodec.zstd && version < 7) {
    return refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs version 7 of Produce');
  }
  return undefined;
}

function checkSize(bytes: number, settings: TopicSettings): Validated | undefined {
  if (bytes > settings['max.message.bytes']) {
    const limit = `max.message.bytes of the topic is ${settings['max.message.bytes']}`;
    return refused(ErrorCode.MESSAGE_TOO_LARGE, `a batch has ${bytes} bytes, and ${limit}`);
  }
  if (bytes > settings['segment.bytes']) {
    return refused(ErrorCode.RECORD_LIST_TOO_LARGE, `a batch of ${bytes} bytes does not fit into a segment`);
  }
  return undefined;
}

function accepted(bytes: Buffer, walk: RecordWalk, batch: Buffer | Validated): Validated {
  if (walk.refusal !== undefined) return walk.refusal;
  if (!Buffer.isBuffer(batch)) return batch;
  return { ok: true, batch: withMaxTimestamp(batch, batch === bytes, walk.maxTimestamp) };
}

function refusalOf(error: unknown): Validated {
  if (!(error instanceof MillraceError)) throw error;
  switch (error.code) {
    case 'UNSUPPORTED_COMPRESSION_TYPE':
      return refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, error.message);
    case 'MESSAGE_TOO_LARGE':
      return refused(ErrorCode.MESSAGE_TOO_LARGE, error.message);
    default:
      // Not CORRUPT_MESSAGE: the checksum is right, so the same bytes would come again with every retry.
      return refused(ErrorCode.INVALID_RECORD, error.message);
  }
}

/**
 * Unpacks within the budget; what is too large uses it up, as it took the time. Undefined where it is too large only for what is
 * left of the turn.
 */
function unpacked(codec: number, packed: Buffer, room: UnpackRoom & { readonly turn: TurnBudget }): Buffer | undefined {
  if (codec === CompressionCodec.none) return packed;
  const { budget, turn, most } = room;
  const bytes = Math.min(leftOf(budget), most);
  const limit = Math.min(bytes, turn.plainBytes);
  try {
    // Zero bytes are no limit that zlib would know.
    const plain = decompress(codec, packed, Math.max(1, limit));
    budget.bytes -= plain.length;
    turn.plainBytes -= plain.length;
    return plain;
  } catch (error) {
    if (codeOf(error) === 'MESSAGE_TOO_LARGE' && limit < bytes) return undefined;
    budget.bytes -= bytes;
    throw error;
  }
}

/**
 * Reads every record from its length to its last header, as Kafka's DefaultRecord.readFrom does, and finds the largest
 * timestamp. Throws INVALID_RECORD where the bytes are not what they claim to be.
 */
class RecordWalk {
  maxTimestamp = NO_TIMESTAMP;
  /** Why the batch may not be taken although its bytes are right. */
  refusal: Validated | undefined;
  readonly #plain: Buffer;
  readonly #count: number;
  readonly #baseTimestamp: number;
  readonly #needsKey: boolean;
  readonly #earliest: number;
  readonly #latest: number;
  readonly #keyless: { batchIndex: number; batchIndexErrorMessage: string }[] = [];
  readonly #untimely: { batchIndex: number; batchIndexErrorMessage: string }[] = [];
  #next = 0;
  #at = 0;

  constructor(batch: Buffer, plain: Buffer, settings: TopicSettings, now: number) {
    this.#plain = plain;
    this.#count = batchHeader.recordCount(batch);
    this.#baseTimestamp = batchHeader.baseTimestamp(batch);
    this.#needsKey = settings['cleanup.policy'].includes('compact');
    const checksTime = settings['message.timestamp.type'] === 'CreateTime';
    this.#earliest = checksTime ? now - settings['message.timestamp.before.max.ms'] : Number.NEGATIVE_INFINITY;
    this.#latest = checksTime ? now + settings['message.timestamp.after.max.ms'] : Number.POSITIVE_INFINITY;
  }

  /** Reads on, at most so many records; true when it is done. */
  go(records: number): boolean {
    const plain = this.#plain;
    const until = Math.min(this.#count, this.#next + records);
    let at = this.#at;
    let maxTimestamp = this.maxTimestamp;
    for (let i = this.#next; i < until; i++) {
      const length = varint(plain, at, plain.length);
      const end = behind + length;
      if (length < 1 || end > plain.length) throw invalid(`a record of ${length} bytes does not fit into its batch`);
      // Behind the record's attributes, which say nothing.
      const timestamp = this.#baseTimestamp + varlong(plain, behind + 1, end);
      if (varint(plain, behind, end) !== i) {
        return this.#refuse(ErrorCode.INVALID_RECORD, 'the offsets of the records are not consecutive');
      }
      const keyAt = behind;
      const valueAt = skipField(plain, keyAt, end);
      at = skipHeaders(plain, skipField(plain, valueAt, end), end);
      if (at !== end) throw invalid('bytes follow the last header of a record');
      if (this.#needsKey && varint(plain, keyAt, end) < 0) {
        this.#keyless.push({
          batchIndex: i,
          batchIndexErrorMessage: 'A record without a key can not be kept in a compacted topic.',
        });
      }
      if ((timestamp < this.#earliest || timestamp > this.#latest) && timestamp !== NO_TIMESTAMP) {
        const range = `between ${this.#earliest} and ${this.#latest}`;
        const message = `Timestamp ${timestamp} is out of range: it must lie ${range}.`;
        this.#untimely.push({ batchIndex: i, batchIndexErrorMessage: message });
      }
      if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    }
    this.#next = until;
    this.#at = at;
    this.maxTimestamp = maxTimestamp;
    if (until < this.#count) return false;
    if (at !== plain.length) throw invalid('bytes follow the last record');
    if (this.#untimely.length > 0) return this.#refuse(ErrorCode.INVALID_TIMESTAMP, REJECTED, this.#untimely);
    if (this.#keyless.length > 0) return this.#refuse(ErrorCode.INVALID_RECORD, REJECTED, this.#keyless);
    return true;
  }

  #refuse(errorCode: number, message: string, recordErrors: RecordErrors = []): true {
    this.refusal = { ok: false, errorCode, message, recordErrors };
    return true;
  }
}

/** The header's largest timestamp decides when records expire: it is what the records say, not what the client does. */
function withMaxTimestamp(batch: Buffer, isClients: boolean, maxTimestamp: number): Buffer {
  if (batchHeader.maxTimestamp(batch) === maxTimestamp) return batch;
  const result = isClients ? Buffer.from(batch) : batch;
  setMaxTimestamp(result, 0, maxTimestamp);
  return result;
}

/** The codec that the topic asks for; `producer` leaves a batch as it came. */
function storedCodec(batch: Buffer, settings: TopicSettings): number {
  const wanted = settings['compression.type'];
  if (wanted === 'producer') return codecOf(batch);
  return wanted === 'uncompressed' ? CompressionCodec.none : CompressionCodec[wanted as 'gzip'];
}

async function unpackedBeside(codec: number, packed: Buffer, { budget, most }: UnpackRoom): Promise<Buffer> {
  const bytes = Math.min(leftOf(budget), most);
  budget.bytes -= bytes;
  const plain = await decompressBeside(codec, packed, bytes);
  budget.bytes += bytes - plain.length;
  return plain;
}

/** Of the codecs that have levels, the one that the topic asks for; undefined for the codec's own. */
function levelOf(codec: number, settings: TopicSettings): number | undefined {
  if (codec === CompressionCodec.zstd) return settings['compression.zstd.level'];
  const level = codec === CompressionCodec.gzip ? settings['compression.gzip.level'] : -1;
  return level === -1 ? undefined : level;
}

/** Throws MESSAGE_TOO_LARGE when nothing is. */
function leftOf({ bytes }: UnpackBudget): number {
  if (bytes > 0) return bytes;
  const limit = `The batches of one request unpack to more than ${MAX_UNPACKED_BYTES}.`;
  throw new MillraceError('MESSAGE_TOO_LARGE', limit);
}

/** The batch with its records in another codec, which may make it too large. */
function repacked(batch: Buffer, target: number, packed: Buffer, settings: TopicSettings): Buffer | Validated {
  const tooLarge = checkSize(BATCH_HEADER_BYTES + packed.length, settings);
  if (tooLarge !== undefined) return tooLarge;
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

/** Where the number ended that was read last: a second result that makes no garbage. */
let behind = 0;

/** A number of at most five bytes at `at`; it must end before `end`. */
function varint(bytes: Buffer, at: number, end: number): number {
  let result = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) throw invalid('it ends within a number');
    const byte = bytes[at++]!;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      behind = at;
      return (result >>> 1) ^ -(result & 1);
    }
  }
  throw invalid('a number is too long');
}

function varlong(bytes: Buffer, at: number, end: number): number {
  let result = 0;
  let scale = 1;
  for (let count = 0; count < 10; count++) {
    if (at >= end) throw invalid('it ends within a number');
    const byte = bytes[at++]!;
    result += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      behind = at;
      return result % 2 === 0 ? result / 2 : -(result + 1) / 2;
    }
    scale *= 128;
  }
  throw invalid('a number is too long');
}

/** Moves over a key or a value, which may be null; returns where it ends. */
function skipField(bytes: Buffer, at: number, end: number): number {
  const length = varint(bytes, at, end);
  const fieldEnd = length === -1 ? behind : behind + length;
  if (length < -1 || fieldEnd > end) throw invalid(`a field of ${length} bytes does not fit into its record`);
  return fieldEnd;
}

/** Moves over a record's headers; returns where the last one ends. */
function skipHeaders(bytes: Buffer, from: number, end: number): number {
  const count = varint(bytes, from, end);
  let at = behind;
  // Each header takes at least two bytes: a hostile number ends here, not after as many turns.
  if (count < 0 || count * 2 > end - at) throw invalid(`a record announces ${count} headers`);
  for (let i = 0; i < count; i++) {
    const length = varint(bytes, at, end);
    if (length < 0) throw invalid('a header has no key');
    at = skipField(bytes, skipField(bytes, at, end), end);
  }
  return at;
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_RECORD', `The records of a batch are broken: ${why}.`);
}
