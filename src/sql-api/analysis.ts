// What EXPLAIN ANALYZE answers: what a running query has done, and why it emits nothing when it does not.

export type EmptyReasonKind =
  | 'failed'
  | 'paused'
  | 'starting'
  | 'restoring'
  | 'retrying'
  | 'topic-missing'
  | 'topic-unknown'
  | 'topic-empty'
  | 'started-at-latest'
  | 'caught-up'
  | 'behind'
  | 'open-transaction'
  | 'undecodable'
  | 'invalid-time'
  | 'filtered'
  | 'late'
  | 'null-key'
  | 'no-value'
  | 'window-open'
  | 'partition-idle'
  | 'until-commit'
  | 'no-partner'
  | 'misplaced-keys'
  | 'times-apart'
  | 'no-rows-made'
  | 'awaiting'
  | 'refused'
  | 'unknown';

/** Why a query emits nothing. */
export interface EmptyReason {
  readonly kind: EmptyReasonKind;
  /** A sentence, or a few. */
  readonly text: string;
  /** What to do about it; undefined: nothing, or that is in the sentence. */
  readonly advice?: string | undefined;
  /** What it was concluded from, by name. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Counts are of the tasks as they run now; after a restart they begin at 0. */
export interface AnalyzedOperator {
  readonly operator: string;
  /** The step of the plan that it is for. */
  readonly step: string;
  readonly recordsIn: number;
  readonly recordsOut: number;
  /** On average since the query was started here. */
  readonly recordsOutPerSecond: number;
  /** Of the last 10 to 20 seconds, as the three below. */
  readonly recentRecordsIn: number;
  readonly recentRecordsOut: number;
  readonly recentRecordsOutPerSecond: number;
  /** Left out since their windows had closed. */
  readonly late: number;
  readonly errors: number;
  readonly nullKeys: number;
  /** All that were left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

export interface AnalyzedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Behind the last record that was processed; null: not known here. */
  readonly position: number | null;
  /** Behind the last record whose results are committed. */
  readonly committedOffset: number | null;
  readonly endOffset: number;
  readonly lag: number;
  /** When the broker last brought something, ISO 8601; null: not since the query was started here. */
  readonly lastArrival: string | null;
}

export interface AnalyzedTask {
  readonly taskId: string;
  readonly processed: number;
  /** Event time that it has come to, ISO 8601; null: none yet. */
  readonly streamTime: string | null;
}

export interface AnalyzedStore {
  readonly store: string;
  readonly rows: number;
  /** About how many bytes the rows take, encoded. */
  readonly bytes: number;
}

export interface QueryAnalysis {
  readonly id: string;
  readonly statementText: string;
  readonly state: string;
  /** Milliseconds since the query was started here. */
  readonly runningMs: number;
  /** Whether anything was emitted in the last 10 to 20 seconds. */
  readonly emits: boolean;
  /** Null: it emits. */
  readonly reason: EmptyReason | null;
  readonly operators: readonly AnalyzedOperator[];
  readonly partitions: readonly AnalyzedPartition[];
  readonly tasks: readonly AnalyzedTask[];
  readonly stores: readonly AnalyzedStore[];
  /** How it is on each host that runs it; `toRestore`: records of changelogs that are to be read before it goes on. */
  readonly instances: readonly {
    readonly state: string;
    readonly toRestore: number;
    readonly lastError: string | null;
  }[];
  /** What went wrong with rows, by what was done to them, with the first of each. */
  readonly problems: readonly {
    readonly kind: string;
    readonly step: string;
    readonly count: number;
    readonly error: string;
    readonly at: { readonly topic: string; readonly partition: number; readonly offset: number } | null;
  }[];
}
