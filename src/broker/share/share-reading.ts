// What a member of a share group is given of a partition: whole batches of the log, and which of their records are now its own.
import { batchHeader, CONTROL, TRANSACTIONAL } from '../../protocol/index.ts';
import { readMarker } from '../log/producer-state.ts';
import type { Partition } from '../partition.ts';
import type { AcquiredRun, AcquireLimits, ReadBatch, SharePartition } from './share-partition.ts';

export interface ShareRead {
  readonly records: Buffer;
  readonly acquired: readonly AcquiredRun[];
}

export interface ShareReadLimits extends AcquireLimits {
  readonly maxBytes: number;
  /** Whether the first batch comes whatever its size. */
  readonly atLeastOne: boolean;
  readonly readsCommitted: boolean;
}

const NOTHING: ShareRead = { records: Buffer.alloc(0), acquired: [] };

/** Reads on until something was acquired, or there is nothing more to read; what is not for readers is passed over. */
export function readShared(from: SharePartition, log: Partition, owner: string, limits: ShareReadLimits): ShareRead {
  const limit = log.limitFor(limits.readsCommitted ? 1 : 0);
  for (let last = -1; ; ) {
    const offset = from.fetchOffset();
    if (offset === undefined || offset >= limit || offset === last) return NOTHING;
    last = offset;
    const bytes = log.log.read(offset, limit, limits.maxBytes, limits.atLeastOne);
    if (bytes === undefined) return NOTHING;
    const batches = batchesIn(bytes, offset, limits.readsCommitted ? log : undefined);
    const acquired = from.acquire(owner, batches, limits);
    if (acquired.length > 0) return { records: batchesOf(bytes, acquired), acquired };
  }
}

/** The batches from an offset on. Offsets between them are not there any more: they are batches of nothing. */
function batchesIn(bytes: Buffer, offset: number, committed: Partition | undefined): ReadBatch[] {
  const isAborted = committed === undefined ? () => false : abortedIn(bytes, offset, committed);
  const batches: ReadBatch[] = [];
  let next = offset;
  for (let at = 0; at < bytes.length; at += batchHeader.sizeInBytes(bytes, at)) {
    const first = Math.max(offset, batchHeader.baseOffset(bytes, at));
    const last = batchHeader.lastOffset(bytes, at);
    if (last < next) continue;
    if (first > next) batches.push({ first: next, last: first - 1, isHidden: true });
    // Asked about markers, too: they end transactions.
    const isOfAborted = isAborted(at);
    const isControl = (batchHeader.attributes(bytes, at) & CONTROL) !== 0;
    batches.push({ first, last, isHidden: isControl || isOfAborted });
    next = last + 1;
  }
  return batches;
}

/** Tells of batches, asked one after the other, whether their transaction was aborted. */
function abortedIn(bytes: Buffer, offset: number, { log }: Partition): (at: number) => boolean {
  let end = offset;
  for (let at = 0; at < bytes.length; at += batchHeader.sizeInBytes(bytes, at))
    end = batchHeader.lastOffset(bytes, at) + 1;
  const begins = log.aborted.between(offset, end);
  const open = new Set<number>();
  let seen = 0;
  return (at) => {
    const last = batchHeader.lastOffset(bytes, at);
    for (; seen < begins.length && begins[seen]!.firstOffset <= last; seen++) open.add(begins[seen]!.producerId);
    const producerId = batchHeader.producerId(bytes, at);
    const isTransactional = (batchHeader.attributes(bytes, at) & TRANSACTIONAL) !== 0;
    if (!isTransactional || !open.has(producerId)) return false;
    if (readMarker(bytes, at)?.committed === false) open.delete(producerId);
    return true;
  };
}

/** From the batch of the first acquired record to that of the last. */
function batchesOf(bytes: Buffer, acquired: readonly AcquiredRun[]): Buffer {
  const [first, last] = [acquired[0]!.firstOffset, acquired.at(-1)!.lastOffset];
  let begin = 0;
  let end = 0;
  for (let at = 0; at < bytes.length; at = end) {
    end = at + batchHeader.sizeInBytes(bytes, at);
    if (batchHeader.lastOffset(bytes, at) < first) begin = end;
    if (batchHeader.lastOffset(bytes, at) >= last) break;
  }
  return bytes.subarray(begin, end);
}
