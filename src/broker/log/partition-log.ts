/**
 * The log of one partition: segments in offset order, of which the last one is appended to. It knows offsets, epochs,
 * producers and aborted transactions, but nothing of acknowledgements or readers: those are the partition's.
 */
import { join } from 'node:path';
import { assert, type Environment } from '../../util/index.ts';
import { BatchCursor, batchHeader } from '../../protocol/index.ts';
import type { TopicSettings } from '../settings.ts';
import { AbortedTransactions } from './aborted-transactions.ts';
import type { Disk } from './disk.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { ProducerState, readMarker } from './producer-state.ts';
import { Segment, segmentName } from './segment.ts';
import type { TailCache } from './tail-cache.ts';

/** A batch's relative offsets are 32-bit numbers, and so are an index's. */
const MAX_RELATIVE_OFFSET = 0x7fffffff;
const EPOCHS_FILE = 'leader-epoch-checkpoint';

export interface LogEnvironment {
  readonly disk: Disk;
  readonly environment: Environment;
  readonly cache: TailCache;
}

export interface OpenLogOptions {
  /** True when the last shutdown was clean: the files are as they were left. */
  readonly clean: boolean;
  /** Everything below this offset was forced to the disk, says the checkpoint. */
  readonly recoveryPoint: number;
  /** Records below this offset were given up by DeleteRecords. */
  readonly startOffset: number;
  /** Below this offset the log was compacted. */
  readonly cleanedTo: number;
}

export class PartitionLog {
  readonly directory: string;
  readonly producers = new ProducerState();
  readonly aborted = new AbortedTransactions();
  readonly epochs = new LeaderEpochs();
  startOffset = 0;
  /** Below this offset the log is compacted. */
  cleanedTo = 0;
  settings: TopicSettings;
  /** Bytes that recovery cut off the end. */
  recoveredBytesCut = 0;
  readonly #env: LogEnvironment;
  #segments: Segment[] = [];
  /** Closed segments that may not be on the disk yet. */
  #unsynced: Segment[] = [];
  /** Renamed files of deleted segments, and when they may go for good. */
  #doomed: { path: string; at: number }[] = [];
  #emptyAt = 0;

  constructor(directory: string, settings: TopicSettings, env: LogEnvironment) {
    this.directory = directory;
    this.settings = settings;
    this.#env = env;
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#segments.at(-1)?.nextOffset ?? this.#emptyAt;
  }

  get sizeInBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get leaderEpoch(): number {
    return this.epochs.latest;
  }

  // ── Appending ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Appends a checked data batch in memory and returns its base offset; `write` and `sync` bring it to the disk. */
  append(batch: Buffer, appendTime: number): number {
    const segment = this.#segmentFor(batch);
    const baseOffset = this.endOffset;
    if (this.epochs.isEmpty) this.#beginEpoch(0);
    segment.append(batch, baseOffset, this.leaderEpoch, appendTime);
    this.producers.appended(batch, 0, baseOffset, this.#env.environment.now());
    return baseOffset;
  }

  /** Appends a transaction marker; returns its offset and where the transaction had begun (-1 when it wrote nothing). */
  appendMarker(batch: Buffer): { offset: number; transactionStart: number } {
    const marker = readMarker(batch, 0);
    assert(marker !== undefined, 'appendMarker takes transaction markers');
    const segment = this.#segmentFor(batch);
    const offset = this.endOffset;
    if (this.epochs.isEmpty) this.#beginEpoch(0);
    segment.append(batch, offset, this.leaderEpoch, -1);
    return { offset, transactionStart: this.#noteMarker(batch, 0, offset, marker) };
  }

  /** Hands everything new to the files; returns whether there was anything. */
  write(): boolean {
    const active = this.#segments.at(-1);
    return active !== undefined && active.write();
  }

  /** Forces what was written to the disk. */
  async sync(): Promise<void> {
    const closed = [...this.#unsynced];
    const active = this.#segments.at(-1);
    await Promise.all(closed.map((segment) => segment.sync()));
    await active?.sync();
    this.#unsynced = this.#unsynced.filter((segment) => !closed.includes(segment));
  }

  /** The offset from which on a recovery has to read: the start of the oldest segment that may not be on the disk. */
  get recoveryPoint(): number {
    return this.#unsynced[0]?.baseOffset ?? this.#segments.at(-1)?.baseOffset ?? this.endOffset;
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whole batches from the one that holds `offset` on; undefined when nothing below `limitOffset` is there. */
  read(offset: number, limitOffset: number, maxBytes: number, atLeastOne: boolean): Buffer | undefined {
    for (let i = this.#segmentAt(offset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]!;
      const found = segment.read(offset, limitOffset, maxBytes, atLeastOne);
      if (found !== undefined) return found;
      // Compaction leaves segments in which nothing is, or nothing behind the offset.
      if (segment.size > 0 && segment.nextOffset > offset) return undefined;
    }
    return undefined;
  }

  /** About how many bytes lie behind `offset`, counted no further than `enough`. */
  bytesFrom(offset: number, enough: number): number {
    let bytes = 0;
    for (let i = this.#segments.length - 1; i >= 0 && bytes < enough; i--) {
      const segment = this.#segments[i]!;
      bytes += segment.bytesFrom(offset);
      if (segment.baseOffset <= offset) break;
    }
    return bytes;
  }

  /** The first record below `limitOffset` that is at least as young as `timestamp`. */
  offsetForTimestamp(timestamp: number, limitOffset: number): { offset: number; timestamp: number } | undefined {
    for (const segment of this.#segments) {
      if (segment.maxTimestamp < timestamp || segment.nextOffset <= this.startOffset) continue;
      const from = Math.max(segment.offsetBefore(timestamp), this.startOffset);
      let found: { offset: number; timestamp: number } | undefined;
      segment.forEachBatch(from, (bytes, at) => {
        if (batchHeader.baseOffset(bytes, at) >= limitOffset) return false;
        if (batchHeader.maxTimestamp(bytes, at) < timestamp) return true;
        const batch = bytes.subarray(at, at + batchHeader.sizeInBytes(bytes, at));
        const cursor = new BatchCursor(batch, { fromOffset: from, controlRecords: true });
        while (found === undefined && cursor.advance()) {
          if (cursor.timestamp >= timestamp && cursor.offset < limitOffset) {
            found = { offset: cursor.offset, timestamp: cursor.timestamp };
          }
        }
        return found === undefined;
      });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The record with the largest timestamp below `limitOffset`. */
  offsetOfMaxTimestamp(limitOffset: number): { offset: number; timestamp: number } | undefined {
    const youngest = this.#segments.reduce((max, segment) => Math.max(max, segment.maxTimestamp), -1);
    return youngest < 0 ? undefined : this.offsetForTimestamp(youngest, limitOffset);
  }

  /** Calls `visit` with each batch from the one that holds `offset` on; it returns false to stop. */
  forEachBatch(offset: number, visit: (bytes: Buffer, at: number) => boolean): void {
    for (let i = this.#segmentAt(offset); i < this.#segments.length; i++) {
      if (!this.#segments[i]!.forEachBatch(offset, visit)) return;
    }
  }

  // ── Giving up records ───────────────────────────────────────────────────────────────────────────────────────────

  /** Moves the start of the log, and deletes segments that lie before it as a whole. */
  advanceStart(offset: number): void {
    if (offset <= this.startOffset) return;
    this.startOffset = offset;
    this.#dropSegmentsBelow(offset);
    this.aborted.dropBelow(offset);
    this.epochs.dropBelow(offset);
    this.#writeEpochs();
  }

  /** Deletes closed segments that retention no longer wants; only what lies below `limitOffset` may go. */
  applyRetention(limitOffset: number): number {
    const { 'retention.ms': retentionMs, 'retention.bytes': retentionBytes } = this.settings;
    const now = this.#env.environment.now();
    let excess = retentionBytes < 0 ? 0 : this.sizeInBytes - retentionBytes;
    let keepFrom = 0;
    for (const segment of this.#segments) {
      const tooOld = retentionMs >= 0 && segment.size > 0 && now - segment.maxTimestamp > retentionMs;
      const tooMuch = excess - segment.size >= 0 && excess > 0;
      if ((!tooOld && !tooMuch) || segment.nextOffset > limitOffset) break;
      // The last segment goes only when it is old, not for its size, and an empty one follows it.
      const isActive = keepFrom === this.#segments.length - 1;
      if (isActive && (!tooOld || segment.size === 0)) break;
      if (isActive) this.roll();
      excess -= segment.size;
      keepFrom++;
      if (isActive) break;
    }
    if (keepFrom > 0) this.advanceStart(this.#segments[keepFrom]?.baseOffset ?? this.endOffset);
    return keepFrom;
  }

  // ── Compaction ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A segment in the making, which `replaceSegments` puts in its place. */
  newCompactedSegment(baseOffset: number): Segment {
    // What an attempt that was given up has left must not be added to.
    this.#env.disk.remove(join(this.directory, `${segmentName(baseOffset)}.log.cleaned`));
    return this.#newSegment(baseOffset, '.cleaned');
  }

  /**
   * Puts a compacted segment in the place of closed ones that follow each other. Safe at any moment: from the first
   * rename on, whose name says what the file replaces, opening the log finishes the exchange.
   */
  replaceSegments(gone: readonly Segment[], replacement: Segment): void {
    const { disk } = this.#env;
    const first = this.#segments.indexOf(gone[0]!);
    assert(first >= 0 && this.#segments[first + gone.length - 1] === gone.at(-1), 'the segments are still there');
    const end = this.#segments[first + gone.length]!.baseOffset;
    const swap = join(this.directory, `${segmentName(replacement.baseOffset)}-${segmentName(end)}.swap`);
    disk.rename(`${replacement.path}.log.cleaned`, swap);
    disk.syncDirectory(this.directory);
    for (const segment of gone) {
      segment.close();
      this.#removeSegments([segment.baseOffset]);
    }
    disk.rename(swap, `${replacement.path}.log`);
    disk.syncDirectory(this.directory);
    replacement.writeIndex(false);
    this.#segments.splice(first, gone.length, replacement);
    this.#unsynced = this.#unsynced.filter((segment) => !gone.includes(segment));
  }

  /** Finishes exchanges of compacted segments that a crash interrupted. */
  #finishSwaps(): void {
    const { disk } = this.#env;
    for (const name of disk.list(this.directory)) {
      const match = /^(\d{20})-(\d{20})\.swap$/.exec(name);
      if (match === null) continue;
      const [base, end] = [Number(match[1]), Number(match[2])];
      const replaced = disk
        .list(this.directory)
        .filter((other) => /^\d{20}\.log$/.test(other))
        .map((other) => Number(other.slice(0, 20)));
      this.#removeSegments(replaced.filter((offset) => offset >= base && offset < end));
      disk.rename(join(this.directory, name), join(this.directory, `${segmentName(base)}.log`));
    }
  }

  /** Removes for good the files of segments that were deleted long enough ago. */
  removeDoomedFiles(): void {
    const now = this.#env.environment.now();
    this.#doomed = this.#doomed.filter(({ path, at }) => {
      if (at > now) return true;
      this.#env.disk.remove(path);
      return false;
    });
  }

  // ── Segments ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Closes the active segment and begins another. */
  roll(): void {
    const active = this.#segments.at(-1);
    const baseOffset = this.endOffset;
    if (active !== undefined) {
      if (active.size === 0) return;
      active.write();
      this.#finishSegment(active, true);
      this.#unsynced.push(active);
    }
    this.#segments.push(this.#newSegment(baseOffset));
    this.#env.disk.syncDirectory(this.directory);
  }

  /** Writes and forces everything, and leaves the files as a clean shutdown does. */
  close(): void {
    const active = this.#segments.at(-1);
    if (active !== undefined) {
      active.write();
      this.#finishSegment(active, false);
      active.syncNow();
    }
    for (const segment of this.#unsynced) segment.syncNow();
    for (const segment of this.#segments) segment.close();
    for (const { path } of this.#doomed) this.#env.disk.remove(path);
  }

  /** Lets go of the files as they are: the log has failed or is deleted. */
  abandon(): void {
    for (const segment of this.#segments) segment.close();
    this.#segments = [];
  }

  #segmentFor(batch: Buffer): Segment {
    const active = this.#segments.at(-1);
    if (active === undefined || this.#isFull(active, batch)) this.roll();
    const segment = this.#segments.at(-1)!;
    if (segment.firstAppendAt < 0) segment.firstAppendAt = this.#env.environment.now();
    return segment;
  }

  #isFull(segment: Segment, batch: Buffer): boolean {
    if (segment.size === 0) return false;
    const { settings } = this;
    return (
      segment.size + batch.length > settings['segment.bytes'] ||
      (segment.firstAppendAt >= 0 && this.#env.environment.now() - segment.firstAppendAt > settings['segment.ms']) ||
      segment.indexBytes >= settings['segment.index.bytes'] ||
      segment.nextOffset + batchHeader.lastOffsetDelta(batch) - segment.baseOffset > MAX_RELATIVE_OFFSET
    );
  }

  #newSegment(baseOffset: number, suffix = ''): Segment {
    const { disk, cache } = this.#env;
    const { directory } = this;
    const indexIntervalBytes = this.settings['index.interval.bytes'];
    return new Segment({ disk, directory, cache, indexIntervalBytes }, baseOffset, suffix);
  }

  /** What belongs beside a segment that is not appended to: its index, its aborted transactions, the producers behind it. */
  #finishSegment(segment: Segment, forced: boolean): void {
    const { disk } = this.#env;
    segment.writeIndex(forced);
    const aborted = this.aborted.fileFor(segment.baseOffset, segment.nextOffset);
    if (aborted !== undefined) disk.replaceFile(`${segment.path}.txnindex`, aborted, true);
    this.#writeSnapshot(segment.nextOffset);
  }

  #writeSnapshot(offset: number): void {
    const { disk } = this.#env;
    disk.replaceFile(join(this.directory, `${segmentName(offset)}.snapshot`), this.producers.snapshot(), false);
    const snapshots = disk.list(this.directory).filter((name) => name.endsWith('.snapshot'));
    snapshots.sort();
    for (const name of snapshots.slice(0, -2)) disk.remove(join(this.directory, name));
  }

  #beginEpoch(epoch: number): void {
    this.epochs.begin(epoch, this.endOffset);
    this.#writeEpochs();
  }

  #writeEpochs(): void {
    this.#env.disk.replaceFile(join(this.directory, EPOCHS_FILE), this.epochs.format(), false);
  }

  /** The index of the segment that holds `offset`, or of the first one. */
  #segmentAt(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #dropSegmentsBelow(offset: number): void {
    const { disk, environment } = this.#env;
    if (offset >= this.endOffset && this.#segments.length > 0 && this.#segments.at(-1)!.size > 0) this.roll();
    const at = environment.now() + this.settings['file.delete.delay.ms'];
    while (this.#segments.length > 1 && this.#segments[1]!.baseOffset <= offset) {
      const segment = this.#segments.shift()!;
      this.#unsynced = this.#unsynced.filter((candidate) => candidate !== segment);
      segment.close();
      for (const extension of ['log', 'index', 'timeindex', 'txnindex']) {
        const path = `${segment.path}.${extension}`;
        if (!disk.exists(path)) continue;
        disk.rename(path, `${path}.deleted`);
        this.#doomed.push({ path: `${path}.deleted`, at });
      }
    }
  }

  #noteMarker(
    bytes: Buffer,
    at: number,
    offset: number,
    marker: { committed: boolean; coordinatorEpoch: number },
  ): number {
    const producerId = batchHeader.producerId(bytes, at);
    const epoch = batchHeader.producerEpoch(bytes, at);
    const lastStableOffset = Math.min(offset, this.producers.firstOpenOffset());
    const now = this.#env.environment.now();
    const start = this.producers.markerAppended(producerId, epoch, marker.coordinatorEpoch, now);
    if (start >= 0 && !marker.committed) {
      this.aborted.add({ producerId, firstOffset: start, lastOffset: offset, lastStableOffset });
    }
    return start;
  }

  // ── Opening ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Opens what is in the directory: as it was left after a clean shutdown, else by reading what may not be intact. */
  open(options: OpenLogOptions): void {
    const { disk } = this.#env;
    disk.makeDirectory(this.directory);
    this.#finishSwaps();
    const names = disk.list(this.directory);
    for (const name of names.filter((candidate) => /\.(deleted|cleaned|tmp)$/.test(candidate))) {
      disk.remove(join(this.directory, name));
    }
    const bases = names.filter((name) => /^\d{20}\.log$/.test(name)).map((name) => Number(name.slice(0, 20)));
    bases.sort((a, b) => a - b);
    if (names.includes(EPOCHS_FILE)) this.epochs.parse(disk.readFile(join(this.directory, EPOCHS_FILE)).toString());

    // The checkpoint of the epochs may have been lost: the records that are read tell of them too.
    let newestEpoch = this.leaderEpoch;
    for (const [i, base] of bases.entries()) {
      const segment = this.#newSegment(base);
      const isTrusted = options.clean || (bases[i + 1] ?? Number.POSITIVE_INFINITY) <= options.recoveryPoint;
      if (!isTrusted || !segment.load()) {
        this.recoveredBytesCut += segment.recover((bytes, at) => {
          newestEpoch = Math.max(newestEpoch, batchHeader.leaderEpoch(bytes, at));
        });
      }
      segment.firstAppendAt = this.#env.environment.now();
      this.#segments.push(segment);
      if (this.recoveredBytesCut > 0) {
        this.#removeSegments(bases.slice(i + 1));
        break;
      }
    }
    this.cleanedTo = options.cleanedTo;
    this.startOffset = Math.max(options.startOffset, this.#segments[0]?.baseOffset ?? 0);
    if (this.endOffset < this.startOffset) this.#startOverAt(this.startOffset);
    this.#loadAborted(names);
    this.#loadProducers(names);
    this.epochs.dropFrom(this.endOffset + 1);
    if (options.clean) return;
    if (this.#segments.length > 0) this.#beginEpoch(newestEpoch + 1);
    // A process that ended may have made a segment whose name is not on the disk yet, and it is appended to from here on.
    disk.syncDirectory(this.directory);
  }

  #removeSegments(bases: readonly number[]): void {
    const { disk } = this.#env;
    for (const base of bases) {
      for (const extension of ['log', 'index', 'timeindex', 'txnindex', 'snapshot']) {
        disk.remove(join(this.directory, `${segmentName(base)}.${extension}`));
      }
    }
  }

  #startOverAt(offset: number): void {
    this.abandon();
    this.#removeSegments(
      this.#env.disk
        .list(this.directory)
        .filter((name) => name.endsWith('.log'))
        .map((name) => Number(name.slice(0, 20))),
    );
    this.#emptyAt = offset;
    this.#segments.push(this.#newSegment(offset));
  }

  /** Aborted transactions of segments before the producers' snapshot; those behind it are found again by replaying. */
  #loadAborted(names: readonly string[]): void {
    const from = this.#snapshotOffset(names);
    for (const segment of this.#segments) {
      const name = `${segmentName(segment.baseOffset)}.txnindex`;
      if (names.includes(name)) this.aborted.load(this.#env.disk.readFile(join(this.directory, name)));
    }
    this.aborted.dropFrom(from);
  }

  /** The newest usable snapshot of the producers, and every batch behind it. */
  #loadProducers(names: readonly string[]): void {
    const from = this.#snapshotOffset(names);
    const name = `${segmentName(from)}.snapshot`;
    if (names.includes(name)) this.producers.load(this.#env.disk.readFile(join(this.directory, name)));
    this.forEachBatch(from, (bytes, at) => {
      const baseOffset = batchHeader.baseOffset(bytes, at);
      if (baseOffset < from) return true;
      const marker = readMarker(bytes, at);
      if (marker !== undefined) this.#noteMarker(bytes, at, baseOffset, marker);
      else this.producers.appended(bytes, at, baseOffset, this.#env.environment.now());
      return true;
    });
  }

  #snapshotOffset(names: readonly string[]): number {
    const offsets = names
      .filter((name) => /^\d{20}\.snapshot$/.test(name))
      .map((name) => Number(name.slice(0, 20)))
      .filter((offset) => offset <= this.endOffset)
      .sort((a, b) => b - a);
    for (const offset of offsets) {
      const file = this.#env.disk.readFile(join(this.directory, `${segmentName(offset)}.snapshot`));
      if (new ProducerState().load(file)) return offset;
    }
    return this.#segments[0]?.baseOffset ?? 0;
  }
}
