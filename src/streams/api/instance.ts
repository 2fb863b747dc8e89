// What an instance tells about itself.
export type StreamsState = 'CREATED' | 'REBALANCING' | 'RUNNING' | 'PENDING_SHUTDOWN' | 'NOT_RUNNING' | 'ERROR';

export interface TaskMetrics {
  readonly taskId: string;
  readonly processed: number;
  /** Records left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The same, by operator. */
  readonly droppedBy: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How often records went on without older ones that were known to come, because those took too long. */
  readonly idleTimeouts: number;
  /** Event time up to which the task has come. */
  readonly streamTime: number;
  /** Offsets behind the last processed record, per `topic-partition`. */
  readonly positions: Readonly<Record<string, number>>;
  /** Entries per store. */
  readonly stores: Readonly<Record<string, number>>;
}

/** The part of a store that an instance answers for. */
export interface Serving {
  /** Empty while the group rearranges the work, and while state is brought back. */
  readonly partitions: readonly number[];
  /** How many partitions the store has, here and elsewhere; 0 before that is known. */
  readonly partitionCount: number;
  /** False once the instance answers for other partitions, or for none: what has been read since is not the whole. */
  isCurrent(): boolean;
}

/** How far a copy of a store is behind, in records of its changelog. */
export interface LagInfo {
  /** Behind the last record that the copy has. */
  readonly currentOffset: number;
  /** Behind the last record that is committed. */
  readonly endOffset: number;
  readonly lag: number;
}

export interface CloseOptions {
  /** Whether a static member gives up its place in the group. Default false. */
  readonly leaveGroup?: boolean;
}

/** What a restoration did, for those who watch. */
export interface RestoreReport {
  readonly taskId: string;
  /** Entries that came from the checkpoint. */
  readonly checkpointRows: number;
  /** Records that came from changelogs, since the task is to run here. */
  readonly changelogRecords: number;
  /** The instance followed the task's changelogs before. */
  readonly wasStandby: boolean;
}

/** How far a restoration has come, for those who wait for it. */
export interface RestoreProgress {
  readonly taskId: string;
  /** Records that have come from changelogs. */
  readonly changelogRecords: number;
  /** Offsets that are left to be read, in all of its changelogs; 0: it is done. */
  readonly left: number;
}
