// What an instance tells about itself.
/** Where an instance is in its life; Kafka Streams' names. */
export type StreamsState = 'CREATED' | 'REBALANCING' | 'RUNNING' | 'PENDING_SHUTDOWN' | 'NOT_RUNNING' | 'ERROR';

/** How many records have come to an operator, and how many have gone on from it. */
export interface FlowCount {
  /** Of a source: read. */
  readonly recordsIn: number;
  /** Of a sink: written. */
  readonly recordsOut: number;
}

/** A record that an operator has left out by rule. */
export interface DroppedRecord {
  /** Where it is from. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** Its place in the partition. */
  readonly offset: number;
  /** Event time, milliseconds since the epoch. */
  readonly timestamp: number;
  /** Event time that the task had come to. */
  readonly streamTime: number;
  /** What went wrong, where it did. */
  readonly error: string | undefined;
}

/** What an operator of a task has done. */
export interface OperatorMetrics extends FlowCount {
  /** Its name in the topology. */
  readonly operator: string;
  /** Its place in the topology: operators stand behind what they get records from, but for the sources of internal topics. */
  readonly index: number;
  /** What `StreamsBuilder.within` called the part of the program that it is made for. */
  readonly part: string | undefined;
  /** What has gone through since `recentMs` ago. */
  readonly recent: FlowCount;
  /** Records left out since the task was opened, by reason, with the first of them and the last. */
  readonly dropped: Readonly<
    Record<string, { readonly count: number; readonly first: DroppedRecord; readonly last: DroppedRecord }>
  >;
}

/** A partition that a task reads. */
export interface SourceMetrics {
  /** The topic's name. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  /** The offset behind the last record that was processed or left out; -1 before that is known. */
  readonly position: number;
  /** Records that were processed since the task was opened. */
  readonly records: number;
  /** The largest event time taken from it, by this task or those before it; -1: no record has ever been taken. */
  readonly partitionTime: number;
  /** When the broker last brought something, milliseconds since the epoch; -1: not yet. */
  readonly arrivedAt: number;
  /** The task that feeds the partition and has come least far, where its time is waited for; undefined: nobody's is. */
  readonly waitsFor: string | undefined;
}

/** What a task has done since it was opened. */
export interface TaskMetrics {
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** Records that were processed. */
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
  /** About how many bytes those take, encoded, per store where that is known. */
  readonly storeBytes: Readonly<Record<string, number>>;
  /** In the order of the topology. */
  readonly operators: readonly OperatorMetrics[];
  /** How far back `recent` goes, milliseconds. */
  readonly recentMs: number;
  /** One for each partition that it reads. */
  readonly sources: readonly SourceMetrics[];
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
  /** What is between the two, in records. */
  readonly lag: number;
}

/** How an instance is closed. */
export interface CloseOptions {
  /** Whether a static member gives up its place in the group. Default false. */
  readonly leaveGroup?: boolean;
}

/** What a restoration did, for those who watch. */
export interface RestoreReport {
  /** `<sub-topology>_<partition>`. */
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
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** Records that have come from changelogs. */
  readonly changelogRecords: number;
  /** Offsets that are left to be read, in all of its changelogs; 0: it is done. */
  readonly left: number;
}
