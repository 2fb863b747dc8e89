// What EXPLAIN ANALYZE answers: what a running query has done, and why it emits nothing when it does not.

/** Why a query emits nothing, for programs. */
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
  /** Which reason it is. */
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
  /** Its name in the topology. */
  readonly operator: string;
  /** The step of the plan that it is for. */
  readonly step: string;
  /** Records that came to it. */
  readonly recordsIn: number;
  /** Records that went on from it. */
  readonly recordsOut: number;
  /** On average since the query was started here. */
  readonly recordsOutPerSecond: number;
  /** Of the last 10 to 20 seconds, as the three below. */
  readonly recentRecordsIn: number;
  /** Of the same time as `recentRecordsIn`. */
  readonly recentRecordsOut: number;
  /** On average, of the same time. */
  readonly recentRecordsOutPerSecond: number;
  /** Left out since their windows had closed. */
  readonly late: number;
  /** Left out since something went wrong with them. */
  readonly errors: number;
  /** Left out since they have no key. */
  readonly nullKeys: number;
  /** All that were left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** A partition that the query reads. */
export interface AnalyzedPartition {
  /** The topic's name. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** Behind the last record that was processed; null: not known here. */
  readonly position: number | null;
  /** Behind the last record whose results are committed. */
  readonly committedOffset: number | null;
  /** Behind the last record that the broker has. */
  readonly endOffset: number;
  /** Records that are still to be read. */
  readonly lag: number;
  /** When the broker last brought something, ISO 8601; null: not since the query was started here. */
  readonly lastArrival: string | null;
}

/** A task of the query. */
export interface AnalyzedTask {
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** Records that it has processed. */
  readonly processed: number;
  /** Event time that it has come to, ISO 8601; null: none yet. */
  readonly streamTime: string | null;
}

/** A store of the query. */
export interface AnalyzedStore {
  /** Its name. */
  readonly store: string;
  /** How many there are. */
  readonly rows: number;
  /** About how many bytes the rows take, encoded. */
  readonly bytes: number;
}

/** What EXPLAIN ANALYZE tells of a query. */
export interface QueryAnalysis {
  /** The query's id. */
  readonly id: string;
  /** The statement that made it. */
  readonly statementText: string;
  /** ksqlDB's word for it: `RUNNING`, `PAUSED`, `ERROR`. */
  readonly state: string;
  /** Milliseconds since the query was started here. */
  readonly runningMs: number;
  /** Whether anything was emitted in the last 10 to 20 seconds. */
  readonly emits: boolean;
  /** Null: it emits. */
  readonly reason: EmptyReason | null;
  /** In the order of the topology. */
  readonly operators: readonly AnalyzedOperator[];
  /** What it reads. */
  readonly partitions: readonly AnalyzedPartition[];
  /** One for each part of its work. */
  readonly tasks: readonly AnalyzedTask[];
  /** What its tasks keep. */
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
