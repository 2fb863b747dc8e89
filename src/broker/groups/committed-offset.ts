/** What a group has committed for a partition. */
export interface CommittedOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly committedAt: number;
}

export interface OffsetEntry extends CommittedOffset {
  readonly topic: string;
  readonly partition: number;
}
