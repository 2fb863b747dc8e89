// Places in the log, and the offsets that are stored with records: Debezium's, with what it takes to go on behind exactly
// one record. The server sends transactions in the order in which they commit, and all of a transaction again when it was
// not confirmed; so a place is where its transaction commits, where in the log its change was written, which of the changes
// that were written there it is (a COPY writes many at once), and which of the records that it became.
import { ConnectError } from '../../data/errors.ts';
import type { OffsetValue, SourceOffset } from '../../data/record.ts';
import type { Lsn } from './pgoutput.ts';

/** Everything up to here has been read. */
export interface Position {
  /** Where the transaction commits; of what belongs to none, where it was written. */
  readonly at: Lsn;
  /** Where the change was written; 0: nothing of the transaction has been read. */
  readonly lsn: Lsn;
  /** Which of the changes there it is, from 1. */
  readonly event: number;
  /** Which of its records, from 1. */
  readonly part: number;
}

/** Before everything that commits at `at` or behind it. */
export function before(at: Lsn): Position {
  return { at, lsn: 0, event: 0, part: 0 };
}

/** Whether a change has been read, at least in part, when everything up to `position` has. */
export function isBehind(position: Position, at: Lsn, lsn: Lsn, event: number): boolean {
  if (at !== position.at) return at > position.at;
  if (lsn !== position.lsn) return lsn > position.lsn;
  return event > position.event;
}

/** Where a snapshot has got to: behind this row. */
export interface SnapshotCursor {
  /** `schema.table`. */
  readonly table: string;
  /** The row's key, as texts; null: the table has none, and is begun again when its rows were not all read. */
  readonly key: readonly string[] | null;
  /** It was the table's last row. */
  readonly complete: boolean;
}

/** What was read in one transaction of its own: which other transactions it saw, and from where on. */
export interface SnapshotSegment {
  /** What `pg_current_snapshot()` said. */
  readonly seen: string;
  /** Transactions that commit from here on were not seen. */
  readonly until: Lsn;
  /** Behind which row it begins; null: at the first. */
  readonly from: SnapshotCursor | null;
}

/** A snapshot that is under way. */
export interface SnapshotState {
  /** Where the slot begins, and the stream will. */
  readonly slotLsn: Lsn;
  readonly segments: readonly SnapshotSegment[];
  readonly cursor: SnapshotCursor;
  /** Where the stream goes on, if there was one before this snapshot. */
  readonly stream: Position | null;
}

/** A table of an incremental snapshot, or several, that are under way. */
export interface IncrementalState {
  /** Tables that are still to be read; the first has been begun. */
  readonly tables: readonly { readonly id: string; readonly condition: string | null }[];
  /** Of the first: the key of the last row that was told, and of the last that is to be; null: not begun. */
  readonly last: readonly string[] | null;
  readonly max: readonly string[] | null;
  readonly paused: boolean;
}

/** What a stored offset says. */
export type Resume =
  | { readonly phase: 'snapshot'; readonly state: SnapshotState }
  | {
      readonly phase: 'stream';
      readonly position: Position;
      readonly segments: readonly SnapshotSegment[];
      readonly incremental: IncrementalState | null;
      /** Where the last transaction before committed. */
      readonly lastCommitLsn: Lsn | undefined;
    };

const STATE = 'snapshot_state';
const SEGMENTS = 'snapshot_segments';
const INCREMENTAL = 'incremental_state';

/** The offset of a snapshot's record. */
export function snapshotOffset(state: SnapshotState, last: boolean, txId: number, timeUs: number): SourceOffset {
  return {
    last_snapshot_record: last,
    lsn: state.slotLsn,
    txId,
    ts_usec: timeUs,
    snapshot: 'INITIAL',
    snapshot_completed: last,
    [STATE]: JSON.stringify(state),
  };
}

/** The part of a stream's offsets that stays the same for some time. */
export function carriedOffset(
  segments: readonly SnapshotSegment[],
  incremental: IncrementalState | null,
): Record<string, OffsetValue> {
  return {
    ...(segments.length === 0 ? {} : { [SEGMENTS]: JSON.stringify(segments) }),
    ...(incremental === null ? {} : { [INCREMENTAL]: JSON.stringify(incremental) }),
  };
}

/** What Debezium's offsets of a stream have. */
export interface StreamOffsetParts {
  readonly lastCommitLsn: Lsn | undefined;
  readonly messageType: string;
  readonly txId: number | undefined;
  readonly timeUs: number;
}

/** The offset of a stream's record. */
export function streamOffset(
  position: Position,
  parts: StreamOffsetParts,
  carried: Record<string, OffsetValue>,
): SourceOffset {
  const offset: Record<string, OffsetValue> = {
    lsn_proc: position.lsn === 0 ? position.at : position.lsn,
    messageType: parts.messageType,
    lsn: position.lsn === 0 ? position.at : position.lsn,
    ts_usec: parts.timeUs,
    tx_lsn: position.at,
    tx_event_lsn: position.lsn,
    tx_event: position.event,
    tx_event_part: position.part,
    ...carried,
  };
  if (parts.lastCommitLsn !== undefined) offset['lsn_commit'] = parts.lastCommitLsn;
  if (parts.txId !== undefined) offset['txId'] = parts.txId;
  return offset;
}

/** Reads a stored offset, ours or Debezium's own. Undefined: a snapshot of Debezium's was under way, and begins again. */
export function readOffset(offset: SourceOffset): Resume | undefined {
  const number = (name: string): number | undefined => {
    const value = offset[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw new ConnectError(`the stored offset's ${name} is ${JSON.stringify(value)}, which is no position`);
    return value;
  };
  const lastCommitLsn = number('lsn_commit');
  const stream = (position: Position, segments: readonly SnapshotSegment[]): Resume => ({
    phase: 'stream',
    position,
    segments,
    incremental: readJson<IncrementalState>(offset, INCREMENTAL) ?? null,
    lastCommitLsn,
  });
  const state = readJson<SnapshotState>(offset, STATE);
  if (state !== undefined) {
    if (offset['last_snapshot_record'] !== true) return { phase: 'snapshot', state };
    return stream(state.stream ?? before(state.slotLsn), state.segments);
  }
  const at = number('tx_lsn');
  if (at !== undefined) {
    const position = {
      at,
      lsn: number('tx_event_lsn') ?? 0,
      event: number('tx_event') ?? 0,
      part: number('tx_event_part') ?? 0,
    };
    return stream(position, readJson<SnapshotSegment[]>(offset, SEGMENTS) ?? []);
  }
  return readDebeziumOffset(offset, number, stream);
}

/** Debezium's own offsets say which transaction was the last to commit, and up to where changes behind it were read. */
function readDebeziumOffset(
  offset: SourceOffset,
  number: (name: string) => number | undefined,
  stream: (position: Position, segments: readonly SnapshotSegment[]) => Resume,
): Resume | undefined {
  const lsn = number('lsn');
  if (lsn === undefined) throw new ConnectError(`the stored offset has no lsn: ${JSON.stringify(offset)}`);
  if (offset['snapshot'] !== undefined && offset['last_snapshot_record'] !== true) return undefined;
  return stream(before(number('lsn_commit') ?? lsn), []);
}

function readJson<T>(offset: SourceOffset, name: string): T | undefined {
  const text = offset[name];
  if (text === undefined || text === null) return undefined;
  try {
    return JSON.parse(String(text)) as T;
  } catch (error) {
    throw new ConnectError(`the stored offset's ${name} cannot be read: ${JSON.stringify(text)}`, { cause: error });
  }
}
