// What all types of groups have in common, for those who do not care which protocol the members of one speak.
import type { JournalRecord } from '../internal-topic.ts';

/** Kafka's names of the types. */
export type GroupType = 'classic' | 'consumer' | 'share' | 'streams';

/** Who wants to commit offsets: a member in its generation, or epoch; or somebody from outside (-1). */
export interface Committer {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly epoch: number;
  /** Whether the request's version knows of epochs; else it may be a classic member's only. */
  readonly knowsEpochs: boolean;
  readonly isTransactional: boolean;
}

/** The error code, or NONE, of a commit for a partition. */
export type CommitCheck = (topicId: string, partition: number) => number;

export interface GroupProtocol {
  readonly id: string;
  readonly type: GroupType;
  /** As Kafka's tools print it. */
  readonly state: string;
  /** `consumer`, `share`, `streams`, or what the members of a classic group said; null where none has yet. */
  readonly protocolType: string | null;
  readonly isEmpty: boolean;
  /** Since when it is in that state, in ms since the epoch: what the retention of offsets counts from. */
  readonly stateSince: number;
  /** About what it takes of memory. */
  readonly bytes: number;
  commitCheck(committer: Committer): CommitCheck;
  /** Whether somebody may read the group's offsets: from outside (-1), or a member in its epoch. */
  checkFetch(memberId: string | null, epoch: number): number;
  /** The topics that members say they read; undefined when they speak another protocol than consumers do. */
  subscribedTopics(): ReadonlySet<string> | undefined;
  /** Takes out a member whose process has ended. */
  forgetMember(memberId: string): void;
  /** What deletes it from the journal. */
  tombstones(): JournalRecord[];
  /** The end of the group: nobody may wait for it any more. */
  kill(): void;
  /** Stops all timers, without telling anyone: the broker closes. */
  stop(): void;
}
