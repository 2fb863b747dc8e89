// Partitions, and places in them: what records, groups and brokers are asked by.

/** A partition of a topic. */
export interface TopicPartition {
  /** The topic's name. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
}

/** An offset to be committed. */
export interface OffsetToCommit extends TopicPartition {
  /** The offset of the next record to read: one more than that of the last one that is done with. */
  readonly offset: number;
  /** A text that is kept with it. Default: empty. */
  readonly metadata?: string;
}

/** What a group has committed for a partition. */
export interface CommittedOffset extends TopicPartition {
  /** -1 when nothing was committed. */
  readonly offset: number;
  /** The text that was committed with it; empty where there is none. */
  readonly metadata: string;
}
