/**
 * The log of one partition: segments in offset order, of which the last one is appended to. It knows offsets, epochs,
 * producers and aborted transactions, but nothing of acknowledgements or readers: those are the partition's.
 */
import { join } from 'node:path';
import { assert, type Environment, messageOf } from '../../util/index.ts';
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
  /** Records from here on were never acknowledged, and go: what is left of a failed write. Default: none. */
  readonly endLimit?: number;
  /** Bytes from this offset on may be on their way to the disk only, and are written again. Default: none. */
  readonly unforcedFrom?: number;
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
  /** What opening found to be lost or damaged, a sentence each. */
  readonly findings: string[] = [];
  /** The recovery point that is on the disk: a crash begins there, and needs the producers of that time. */
  #checkpointed = 0;
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

  /** Takes note that the checkpoint on the disk has the recovery point. */
  checkpointed(recoveryPoint: number): void {
    this.#checkpointed = recoveryPoint;
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
    }
    const next = this.#newSegment(baseOffset);
    if (active !== undefined) this.#unsynced.push(active);
    this.#segments.push(next);
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

  /** The two newest snapshots stay, and the one that a recovery after a crash would begin with. */
  #writeSnapshot(offset: number): void {
    const { disk } = this.#env;
    disk.replaceFile(join(this.directory, `${segmentName(offset)}.snapshot`), this.producers.snapshot(), false);
    const offsets = snapshotOffsets(disk.list(this.directory));
    const needed = offsets.find((candidate) => candidate <= this.#checkpointed) ?? 0;
    for (const old of offsets.slice(2)) {
      if (old < needed) disk.remove(join(this.directory, `${segmentName(old)}.snapshot`));
    }
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
      const next = bases[i + 1] ?? Number.POSITIVE_INFINITY;
      const isTrusted = options.clean || next <= options.recoveryPoint;
      const segment = this.#newSegment(base);
      this.#segments.push(segment);
      segment.firstAppendAt = this.#env.environment.now();
      this.#reportGap(i, base, options);
      if (isTrusted && segment.load()) continue;
      const bytesBehind = segment.scan((bytes, at) => {
        newestEpoch = Math.max(newestEpoch, batchHeader.leaderEpoch(bytes, at));
      }, options.endLimit);
      const behind = bases.slice(i + 1);
      if (options.endLimit !== undefined && segment.nextOffset >= options.endLimit) {
        segment.cut();
        this.#removeSegments(behind);
        break;
      }
      if (bytesBehind > 0) this.#cut(segment, bytesBehind, isTrusted);
      else segment.cut();
      // What follows a torn write was never acknowledged. What follows damage was, and stays.
      if (bytesBehind > 0 && !isTrusted && behind.length > 0) {
        this.#setAside(behind);
        break;
      }
    }
    if (options.unforcedFrom !== undefined) {
      for (const segment of this.#segments) segment.writeAgainFrom(options.unforcedFrom);
    }
    this.cleanedTo = options.cleanedTo;
    this.#checkpointed = options.recoveryPoint;
    this.#placeStart(options.startOffset);
    this.#removeSnapshotsBehindEnd();
    const trustedEnd = options.clean ? this.endOffset : options.recoveryPoint;
    const snapshot = this.#newestSnapshot(trustedEnd);
    const from = snapshot?.offset ?? this.#segments[0]?.baseOffset ?? 0;
    this.#loadAborted(names, from);
    if (snapshot !== undefined) this.producers.load(snapshot.file);
    this.#replayProducers(from);
    this.epochs.dropFrom(this.endOffset + 1);
    if (options.clean) return;
    if (this.#segments.length > 0) this.#beginEpochAfter(newestEpoch, options);
    // A process that ended may have made a segment whose name is not on the disk yet, and it is appended to from here on.
    this.#env.disk.syncDirectory(this.directory);
  }

  /** The log is the truth: a checkpoint that lies behind its end is wrong. Only of an empty log it is all that is known. */
  #placeStart(checkpoint: number): void {
    const first = this.#segments[0]?.baseOffset ?? 0;
    this.startOffset = Math.max(checkpoint, first);
    if (this.endOffset >= this.startOffset) return;
    if (this.sizeInBytes > 0) {
      this.findings.push(
        `its start is noted as ${checkpoint}, behind its end ${this.endOffset}: the note is passed over`,
      );
      this.startOffset = first;
      return;
    }
    for (const segment of this.#segments) segment.close();
    this.#removeSegments(this.#segments.map(({ baseOffset }) => baseOffset));
    this.#emptyAt = this.startOffset;
    this.#segments = [this.#newSegment(this.startOffset)];
  }

  /** Takes off what is no batch at the end of a segment, and keeps it when it is not just the rest of a torn write. */
  #cut(segment: Segment, bytes: number, isTrusted: boolean): void {
    const isDamage = isTrusted || segment.hasMoreBehind();
    if (isDamage) {
      const path = this.#asidePath(`${segmentName(segment.baseOffset)}.log`);
      segment.copyTail(path);
      this.findings.push(
        `${segment.path}.log is damaged: its records from offset ${segment.nextOffset} on can't be read, ` +
          `their ${bytes} bytes are kept as ${path}`,
      );
    } else {
      this.findings.push(`cut ${bytes} torn bytes off the log`);
    }
    segment.cut();
    if (isTrusted) segment.writeIndex(false);
  }

  /** Says which offsets are missing before a segment. Compaction leaves such gaps on purpose. */
  #reportGap(index: number, base: number, { clean, startOffset }: OpenLogOptions): void {
    if (this.settings['cleanup.policy'].includes('compact')) return;
    // Without a clean shutdown the noted start may be older than what retention has deleted since.
    const expected = index > 0 ? this.#segments[index - 1]!.nextOffset : clean ? startOffset : base;
    if (base > expected) this.findings.push(`its records from offset ${expected} to ${base - 1} are missing`);
  }

  /** Moves segments out of the way, without loss. */
  #setAside(bases: readonly number[]): void {
    const { disk } = this.#env;
    for (const base of bases) {
      const path = this.#asidePath(`${segmentName(base)}.log`);
      disk.rename(join(this.directory, `${segmentName(base)}.log`), path);
      this.findings.push(`a segment behind a torn one is kept as ${path}`);
    }
    this.#removeSegments(bases);
  }

  /** A free name for something that is kept. */
  #asidePath(name: string): string {
    for (let i = 1; ; i++) {
      const path = join(this.directory, `${name}.damaged${i === 1 ? '' : `-${i}`}`);
      if (!this.#env.disk.exists(path)) return path;
    }
  }

  /**
   * The new epoch counts also where it can't be noted, as on a full disk: batches carry it. But a log that has just failed is
   * not to be written to while that does not work.
   */
  #beginEpochAfter(newest: number, { endLimit }: OpenLogOptions): void {
    try {
      this.#beginEpoch(newest + 1);
    } catch (error) {
      if (endLimit !== undefined) throw error;
      this.findings.push(`its leader epochs can not be noted: ${messageOf(error)}`);
    }
  }

  #removeSegments(bases: readonly number[]): void {
    const { disk } = this.#env;
    for (const base of bases) {
      for (const extension of ['log', 'index', 'timeindex', 'txnindex', 'snapshot']) {
        disk.remove(join(this.directory, `${segmentName(base)}.${extension}`));
      }
    }
  }

  /** Aborted transactions of segments before the producers' snapshot; those behind it are found again by replaying. */
  #loadAborted(names: readonly string[], from: number): void {
    for (const segment of this.#segments) {
      const name = `${segmentName(segment.baseOffset)}.txnindex`;
      if (names.includes(name)) this.aborted.load(this.#env.disk.readFile(join(this.directory, name)));
    }
    this.aborted.dropFrom(from);
  }

  /** Lets the producers see every batch from an offset on. */
  #replayProducers(from: number): void {
    this.forEachBatch(from, (bytes, at) => {
      const baseOffset = batchHeader.baseOffset(bytes, at);
      if (baseOffset < from) return true;
      const marker = readMarker(bytes, at);
      if (marker !== undefined) this.#noteMarker(bytes, at, baseOffset, marker);
      else this.producers.appended(bytes, at, baseOffset, this.#env.environment.now());
      return true;
    });
  }

  /**
   * The newest usable snapshot of the producers. One that lies behind what certainly was on the disk may know of batches
   * that the log has lost: a producer that sends them again would be told that they are there.
   */
  #newestSnapshot(trustedEnd: number): { readonly offset: number; readonly file: Buffer } | undefined {
    const { disk } = this.#env;
    for (const offset of snapshotOffsets(disk.list(this.directory))) {
      if (offset > trustedEnd) continue;
      const file = disk.readFile(join(this.directory, `${segmentName(offset)}.snapshot`));
      if (new ProducerState().load(file)) return { offset, file };
    }
    return undefined;
  }

  /** Snapshots of another history: should the log grow beyond them, they would be believed. */
  #removeSnapshotsBehindEnd(): void {
    const { disk } = this.#env;
    for (const offset of snapshotOffsets(disk.list(this.directory))) {
      if (offset > this.endOffset) disk.remove(join(this.directory, `${segmentName(offset)}.snapshot`));
    }
  }
}

/** The offsets of the snapshots among file names, the newest first. */
function snapshotOffsets(names: readonly string[]): number[] {
  return names
    .filter((name) => /^\d{20}\.snapshot$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => b - a);
}
