// The files beside a segment in the lines of Kafka's DumpLogSegments: where offsets and times are found, which transactions
// were aborted, and what is remembered of producers.
import { closeSync, existsSync, openSync, readFileSync, fstatSync } from 'node:fs';
import { batchHeader, ByteReader } from '../../protocol/index.ts';
import { codeOf, MillraceError } from '../../util/index.ts';
import { ProducerState } from '../log/producer-state.ts';
import { baseOffsetOf, batchAt } from './log-file.ts';

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;
const ABORTED_ENTRY_BYTES = 34;

export interface IndexDump {
  /** Only whether entries agree with the log. */
  readonly verifyOnly: boolean;
  /** Only whether the file can be what it is named. */
  readonly sanityOnly: boolean;
}

interface Entry {
  readonly offset: number;
  readonly position: number;
}

export function* dumpOffsetIndex(path: string, options: IndexDump): Generator<string> {
  const base = baseOffsetOf(path);
  const file = entriesIn(path, OFFSET_ENTRY_BYTES);
  const entries: Entry[] = [];
  for (let at = 0; at < file.length; at += OFFSET_ENTRY_BYTES) {
    const [relative, position] = [file.readUInt32BE(at), file.readUInt32BE(at + 4)];
    // Kafka's files are longer than what is in them while they are written to: zeros follow.
    if (relative === 0 && at > 0) break;
    entries.push({ offset: base + relative, position });
  }
  if (options.sanityOnly) {
    yield passed(path);
    return;
  }
  if (!options.verifyOnly) for (const { offset, position } of entries) yield `offset: ${offset} position: ${position}`;
  yield* mismatches(path, entries);
}

/** An entry names the last offset of the batch at its position. */
function* mismatches(path: string, entries: readonly Entry[]): Generator<string> {
  const log = path.replace(/\.index$/, '.log');
  if (!existsSync(log)) {
    yield `There is no ${log} to compare the index with`;
    return;
  }
  const file = openSync(log, 'r');
  try {
    const { size } = fstatSync(file);
    const wrong: string[] = [];
    for (const { offset, position } of entries) {
      const found = lastOffsetAt(file, log, position, size);
      if (found !== offset) wrong.push(`  Index offset: ${offset}, log offset: ${found ?? 'none'}`);
    }
    if (wrong.length > 0) yield `Mismatches in :${path}`;
    yield* wrong;
  } finally {
    closeSync(file);
  }
}

function lastOffsetAt(file: number, log: string, position: number, size: number): number | undefined {
  try {
    const batch = batchAt(file, log, position, size);
    return batch === undefined ? undefined : batchHeader.lastOffset(batch);
  } catch (error) {
    if (codeOf(error) !== 'CORRUPT_MESSAGE') throw error;
    return undefined;
  }
}

export function* dumpTimeIndex(path: string, options: IndexDump): Generator<string> {
  const base = baseOffsetOf(path);
  const file = entriesIn(path, TIME_ENTRY_BYTES);
  if (options.sanityOnly) {
    yield passed(path);
    return;
  }
  const disordered: string[] = [];
  let newest = -1;
  for (let at = 0; at < file.length; at += TIME_ENTRY_BYTES) {
    const from = new ByteReader(file, at);
    const timestamp = from.int64();
    const relative = from.int32();
    if (relative === 0 && timestamp === 0 && at > 0) break;
    if (!options.verifyOnly) yield `timestamp: ${timestamp} offset: ${base + relative}`;
    if (timestamp < newest) disordered.push(`  Index timestamp: ${timestamp}, Previously indexed timestamp: ${newest}`);
    newest = Math.max(newest, timestamp);
  }
  if (disordered.length > 0) yield `Found out of order timestamp in :${path}`;
  yield* disordered;
}

export function* dumpAbortedTransactions(path: string): Generator<string> {
  const file = entriesIn(path, ABORTED_ENTRY_BYTES);
  for (const from = new ByteReader(file); from.remaining > 0; ) {
    const version = from.int16();
    const names = ['producerId', 'firstOffset', 'lastOffset', 'lastStableOffset'];
    yield `version: ${version} ${names.map((name) => `${name}: ${from.int64()}`).join(' ')}`;
  }
}

export function* dumpProducers(path: string): Generator<string> {
  const state = new ProducerState();
  if (!isLoaded(state, readFileSync(path))) {
    throw new MillraceError(
      'CORRUPT_MESSAGE',
      `${path} is no snapshot of producers, or damaged: its checksum is wrong.`,
    );
  }
  for (const { producerId, epoch, coordinatorEpoch, transactionStart, lastTimestamp, batches } of state.entries()) {
    const start = transactionStart < 0 ? '.empty' : `[${transactionStart}]`;
    const batch = batches.at(-1);
    const last =
      batch === undefined
        ? ''
        : `firstSequence: ${batch.firstSequence} lastSequence: ${batch.lastSequence} lastOffset: ${batch.lastOffset} offsetDelta: ${batch.lastOffset - batch.firstOffset} timestamp: ${batch.timestamp}`;
    yield `producerId: ${producerId} producerEpoch: ${epoch} coordinatorEpoch: ${coordinatorEpoch} currentTxnFirstOffset: OptionalLong${start} lastTimestamp: ${lastTimestamp} ${last}`;
  }
}

/** A checksum says nothing about whoever wrote the bytes that it is right for. */
function isLoaded(state: ProducerState, file: Buffer): boolean {
  try {
    return state.load(file);
  } catch {
    return false;
  }
}

function passed(path: string): string {
  return `${path} passed sanity check.`;
}

function entriesIn(path: string, entryBytes: number): Buffer {
  const file = readFileSync(path);
  if (file.length % entryBytes !== 0) {
    throw new MillraceError(
      'CORRUPT_MESSAGE',
      `Index file ${path} is corrupt, found ${file.length} bytes which is neither positive nor a multiple of ${entryBytes}`,
    );
  }
  return file;
}
