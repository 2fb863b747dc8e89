/**
 * Compaction: of each key only the newest record stays, at its offset. Closed segments are read twice: first the part
 * that was not compacted yet, for the newest offset of each key; then everything up to there, of which what is still
 * wanted is copied to new segments. All in slices, so that the broker goes on serving.
 */
import { type Environment, MillraceError, type Steps, yieldToEventLoop } from '../../util/index.ts';
import {
  BATCH_HEADER_BYTES,
  BatchCursor,
  batchHeader,
  CODEC_MASK,
  CompressionCodec,
  type CompressionName,
  CONTROL,
  compressionName,
  decompressBeside,
  DELETE_HORIZON,
  isIntactBatch,
  LOG_APPEND_TIME,
  RecordBatchBuilder,
  TRANSACTIONAL,
} from '../../protocol/index.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Segment } from './segment.ts';

/** Batches and records between two looks at the event loop. */
const SLICE_BATCHES = 64;
const SLICE_RECORDS = 10_000;

export interface CompactionResult {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** The closed segments that may be compacted: below every undecided record, and old enough. */
export function compactable(log: PartitionLog, limitOffset: number, now: number): Segment[] {
  const youngest = now - log.settings['min.compaction.lag.ms'];
  const lagged = log.settings['min.compaction.lag.ms'] > 0;
  const closed = log.segments.slice(0, -1);
  const end = closed.findIndex(
    (segment) => segment.nextOffset > limitOffset || (lagged && segment.maxTimestamp > youngest),
  );
  return end < 0 ? closed : closed.slice(0, end);
}

/** The share of bytes that were never compacted; 1 when the oldest of them have waited for too long. */
export function dirtyRatio(log: PartitionLog, segments: readonly Segment[], now: number): number {
  const dirty = segments.filter((segment) => segment.nextOffset > log.cleanedTo);
  const total = segments.reduce((sum, segment) => sum + segment.size, 0);
  if (dirty.length === 0 || total === 0) return 0;
  if (now - dirty[0]!.maxTimestamp > log.settings['max.compaction.lag.ms']) return 1;
  return dirty.reduce((sum, segment) => sum + segment.size, 0) / total;
}

/** Compacts the given segments, which are the oldest ones of the log. */
export async function compact(
  log: PartitionLog,
  segments: readonly Segment[],
  environment: Environment,
): Promise<CompactionResult> {
  const end = log.segments[segments.length]!.baseOffset;
  const aborted = abortedRanges(log, end);
  const newest = await newestOffsets(log, segments, aborted, environment);
  let bytesBefore = 0;
  let bytesAfter = 0;
  const keeper = new Keeper(newest, aborted, environment.now(), log.settings['delete.retention.ms']);
  for (const group of groupsOf(segments, log.settings['segment.bytes'])) {
    const target = log.newCompactedSegment(group[0]!.baseOffset);
    let isReplaced = false;
    try {
      for (const segment of group) {
        bytesBefore += segment.size;
        await forEachBatchInSlices(segment, environment, function* (batch, plain) {
          const kept = yield* keeper.keep(batch, plain);
          if (kept !== undefined) target.copyIn(kept);
        });
      }
      await target.sync();
      // Retention or the deletion of the topic may have taken the segments away meanwhile.
      if (!group.every((segment) => log.segments.includes(segment))) return { bytesBefore, bytesAfter };
      log.replaceSegments(group, target);
      // With their markers gone, these transactions must not be told to readers any more: who is told of one looks for its
      // marker, and would pass over everything that its producer wrote since.
      log.aborted.dropBelow(group.at(-1)!.nextOffset);
      isReplaced = true;
      bytesAfter += target.size;
    } finally {
      if (!isReplaced) target.close();
    }
  }
  log.cleanedTo = end;
  return { bytesBefore, bytesAfter };
}

/** Decides what of a batch stays. Batches come in offset order. */
class Keeper {
  readonly #newest: ReadonlyMap<string, number>;
  readonly #aborted: AbortedRanges;
  readonly #now: number;
  readonly #retentionMs: number;
  /** Producers of whose open transaction something was kept: its marker stays too. */
  readonly #withRecords = new Set<number>();

  constructor(newest: ReadonlyMap<string, number>, aborted: AbortedRanges, now: number, retentionMs: number) {
    this.#newest = newest;
    this.#aborted = aborted;
    this.#now = now;
    this.#retentionMs = retentionMs;
  }

  /** The batch as it was, what is left of it, or undefined. `plain`: its records, unpacked. */
  *keep(batch: Buffer, plain: Buffer | undefined): Steps<Buffer | undefined> {
    const attributes = batchHeader.attributes(batch);
    const producerId = batchHeader.producerId(batch);
    if ((attributes & CONTROL) !== 0) return this.#withRecords.delete(producerId) ? batch : undefined;
    const isTransactional = (attributes & TRANSACTIONAL) !== 0;
    if (isTransactional && this.#aborted.includes(producerId, batchHeader.baseOffset(batch))) return undefined;
    const kept = yield* this.#filtered(batch, plain, attributes);
    if (kept !== undefined && isTransactional) this.#withRecords.add(producerId);
    return kept;
  }

  *#filtered(batch: Buffer, plain: Buffer | undefined, attributes: number): Steps<Buffer | undefined> {
    const hasHorizon = (attributes & DELETE_HORIZON) !== 0;
    const horizon = hasHorizon ? batchHeader.baseTimestamp(batch) : this.#now + this.#retentionMs;
    const dropsTombstones = hasHorizon && this.#now > horizon;
    const baseOffset = batchHeader.baseOffset(batch);
    const cursor = new BatchCursor(batch, { plain });
    const builder = new RecordBatchBuilder(batch.length);
    let tombstones = 0;
    let kept = 0;
    let total = 0;
    // Whether a tombstone stays decides what timestamps count from, and that has to be known before the first record.
    while (cursor.advance()) {
      if (++total % SLICE_RECORDS === 0) yield;
      if (!this.#isWanted(cursor, dropsTombstones)) continue;
      kept++;
      if (cursor.valueStart < 0) tombstones++;
    }
    if (kept === 0) return undefined;
    const setsHorizon = tombstones > 0 && !hasHorizon;
    if (kept === total && !setsHorizon) return batch;

    if (tombstones > 0) builder.countFrom(horizon);
    const again = new BatchCursor(batch, { plain });
    while (again.advance()) {
      if ((again.offset - baseOffset) % SLICE_RECORDS === 0) yield;
      if (!this.#isWanted(again, dropsTombstones)) continue;
      const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp, offset } = again;
      const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd);
      const headers = again.headerCount > 0 ? again.headers() : undefined;
      builder.append(bytes.subarray(keyStart, keyEnd), value, timestamp, headers, offset - baseOffset);
    }
    return builder.finish({
      baseOffset,
      leaderEpoch: batchHeader.leaderEpoch(batch),
      producerId: batchHeader.producerId(batch),
      producerEpoch: batchHeader.producerEpoch(batch),
      baseSequence: batchHeader.baseSequence(batch),
      compression: compressionName(attributes & CODEC_MASK) as CompressionName,
      lastOffsetDelta: batchHeader.lastOffsetDelta(batch),
      attributes: (attributes & (TRANSACTIONAL | LOG_APPEND_TIME)) | (tombstones > 0 ? DELETE_HORIZON : 0),
      ...((attributes & LOG_APPEND_TIME) === 0 ? {} : { maxTimestamp: batchHeader.maxTimestamp(batch) }),
    });
  }

  /** A record stays when its key has no newer one. One without a key can't be superseded, and has no place here. */
  #isWanted(cursor: BatchCursor, dropsTombstones: boolean): boolean {
    if (cursor.keyStart < 0 || (dropsTombstones && cursor.valueStart < 0)) return false;
    const newest = this.#newest.get(cursor.bytes.toString('latin1', cursor.keyStart, cursor.keyEnd));
    return newest === undefined || cursor.offset >= newest;
  }
}

/** Of each key in the part that was not compacted yet: where its newest record is. */
async function newestOffsets(
  log: PartitionLog,
  segments: readonly Segment[],
  aborted: AbortedRanges,
  environment: Environment,
): Promise<Map<string, number>> {
  const newest = new Map<string, number>();
  for (const segment of segments) {
    if (segment.nextOffset <= log.cleanedTo) continue;
    await forEachBatchInSlices(segment, environment, function* (batch, plain) {
      const isTransactional = (batchHeader.attributes(batch) & TRANSACTIONAL) !== 0;
      if (isTransactional && aborted.includes(batchHeader.producerId(batch), batchHeader.baseOffset(batch))) return;
      const cursor = new BatchCursor(batch, { plain });
      for (let total = 1; cursor.advance(); total++) {
        if (total % SLICE_RECORDS === 0) yield;
        if (cursor.keyStart >= 0)
          newest.set(cursor.bytes.toString('latin1', cursor.keyStart, cursor.keyEnd), cursor.offset);
      }
    });
  }
  return newest;
}

/** Visits batches with what they unpack to, in steps where they are long; those that are packed are unpacked beside the event loop. */
async function forEachBatchInSlices(
  segment: Segment,
  environment: Environment,
  visit: (batch: Buffer, plain: Buffer | undefined) => Steps<void>,
): Promise<void> {
  let offset = segment.baseOffset;
  for (let isDone = false; !isDone; ) {
    const slice: Buffer[] = [];
    isDone = segment.forEachBatch(offset, (bytes, at) => {
      if (slice.length === SLICE_BATCHES) return false;
      // A damaged batch must not get a new checksum that says it is whole.
      if (!isIntactBatch(bytes, at)) throw damaged(segment, batchHeader.baseOffset(bytes, at));
      slice.push(bytes.subarray(at, at + batchHeader.sizeInBytes(bytes, at)));
      offset = batchHeader.lastOffset(bytes, at) + 1;
      return true;
    });
    for (const batch of slice) {
      const steps = visit(batch, await unpacked(batch));
      while (steps.next().done !== true) await yieldToEventLoop(environment);
    }
    await yieldToEventLoop(environment);
  }
}

/** The records of a batch that is packed, beside the event loop. */
async function unpacked(batch: Buffer): Promise<Buffer | undefined> {
  const codec = batchHeader.attributes(batch) & CODEC_MASK;
  return codec === CompressionCodec.none ? undefined : decompressBeside(codec, batch.subarray(BATCH_HEADER_BYTES));
}

function damaged(segment: Segment, offset: number): MillraceError {
  return new MillraceError('CORRUPT_MESSAGE', `The batch at offset ${offset} of ${segment.path}.log is damaged.`);
}

/** Neighbours that fit into one segment together. */
function groupsOf(segments: readonly Segment[], segmentBytes: number): Segment[][] {
  const groups: Segment[][] = [];
  let bytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    const spansTooMuch = group !== undefined && segment.nextOffset - group[0]!.baseOffset > 0x7fffffff;
    if (group === undefined || bytes + segment.size > segmentBytes || spansTooMuch) {
      groups.push([segment]);
      bytes = segment.size;
    } else {
      group.push(segment);
      bytes += segment.size;
    }
  }
  return groups;
}

/** Which records belong to aborted transactions. */
class AbortedRanges {
  readonly #byProducer = new Map<number, { firstOffset: number; lastOffset: number }[]>();

  add(producerId: number, firstOffset: number, lastOffset: number): void {
    const ranges = this.#byProducer.get(producerId) ?? [];
    ranges.push({ firstOffset, lastOffset });
    this.#byProducer.set(producerId, ranges);
  }

  includes(producerId: number, offset: number): boolean {
    const ranges = this.#byProducer.get(producerId);
    return ranges !== undefined && ranges.some((range) => offset >= range.firstOffset && offset <= range.lastOffset);
  }
}

function abortedRanges(log: PartitionLog, end: number): AbortedRanges {
  const ranges = new AbortedRanges();
  for (const entry of log.aborted.startedBelow(end)) ranges.add(entry.producerId, entry.firstOffset, entry.lastOffset);
  return ranges;
}
