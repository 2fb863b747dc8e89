/**
 * PORT. The Kafka client that Streams, SQL, the registry and the CLI use, and the only one: embedded it talks to the
 * broker in the same process, elsewhere to any Kafka cluster over TCP. Offsets and timestamps are numbers (< 2^53),
 * timestamps in milliseconds since the epoch.
 */
import type { Admin } from './administration.ts';
import type { OffsetToCommit, CommittedOffset, TopicPartition } from './positions.ts';
import type { RecordCursor } from './record-cursor.ts';

export type * from './administration.ts';
export type * from './positions.ts';

/** A connection to a cluster: its producers, consumers and administration share what is known of topics and brokers. */
export interface Client {
  /** Makes a producer. Throws INVALID_CONFIG for settings that don't go together, or that there are none of. */
  producer(settings?: ProducerSettings): Producer;
  /** Makes a consumer. Throws INVALID_CONFIG for settings that don't go together, or that there are none of. */
  consumer(settings?: ConsumerSettings): Consumer;
  /** Makes a consumer in a share group. Throws INVALID_CONFIG for settings that don't go together, or that there are none of. */
  shareConsumer(settings: ShareConsumerSettings): ShareConsumer;
  /**
   * Makes a member of a group whose members are not consumers. Throws INVALID_CONFIG for settings that don't go together, or that
   * there are none of.
   */
  groupMember(settings: GroupMemberSettings, participant: GroupParticipant): GroupMembership;
  /** What is asked of brokers, and changed, beside records. */
  admin(): Admin;
  /** Closes every producer and consumer it made, then its connections. */
  close(): Promise<void>;
}

/** A header of a record, as bytes. */
export interface Header {
  /** Its name; several headers of a record may have the same. */
  readonly key: string;
  /** Its bytes, as they are. */
  readonly value: Uint8Array | null;
}

// ── Producer ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** How batches of records are compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Kafka's producer settings, under its names in camel case. */
export interface ProducerSettings {
  /** -1 = `all` (default). */
  readonly acks?: -1 | 0 | 1 | 'all';
  /** Default `none`. */
  readonly compressionType?: Compression;
  /** How long a batch waits for company, ms. Default 5. */
  readonly lingerMs?: number;
  /** A partition's batch is sent when it reaches this size. Default 512 KiB. */
  readonly batchSize?: number;
  /** Default true; required by `transactionalId`. */
  readonly enableIdempotence?: boolean;
  /**
   * The name under which transactions are written. Of two producers with the same one the earlier is fenced. Default: no
   * transactions.
   */
  readonly transactionalId?: string;
  /** A transaction that is open for longer is aborted by the broker, ms. Default 60 000. */
  readonly transactionTimeoutMs?: number;
  /**
   * Fencing without transactions, for a topic that has one writer at a time: the producer sends under the id and epoch that
   * this transactional id has. After `initTransactions`, and from its first record in a partition on, an older producer with
   * the same id is refused there with PRODUCER_FENCED. After any failure a new producer is needed.
   */
  readonly fencingId?: string;
  /** How long one record may take from `send` to its acknowledgement, retries included. Default 120 000. */
  readonly deliveryTimeoutMs?: number;
  /** How long `send` and `partitionsFor` wait for a topic that brokers do not know. Default 60 000. */
  readonly maxBlockMs?: number;
  /** How large a produce request may become, bytes. Default 16 MiB. */
  readonly maxRequestSize?: number;
  /**
   * Asked about an enqueued record that the broker refuses for what it is (too large, its time, no key): `continue` leaves it
   * out and goes on with those behind it, `fail` (default) keeps the failure for the next flush. Records of `send` have their
   * promise.
   */
  readonly onRefusal?: (error: Error, record: RefusedRecord) => 'continue' | 'fail';
}

/** A record that the broker did not take. */
export interface RefusedRecord extends TopicPartition {
  /** Its key's bytes. */
  readonly key: Uint8Array | null;
  /** Its value's bytes. */
  readonly value: Uint8Array | null;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** In their order. */
  readonly headers: readonly Header[];
}

/** A record to be sent. */
export interface ProducerRecord {
  /** Where it goes. The topic is waited for up to `maxBlockMs`. */
  readonly topic: string;
  /** Default: murmur2 of the key as the Java client does, or the sticky partition when there is no key. */
  readonly partition?: number;
  /** Texts are written as UTF-8. */
  readonly key?: Uint8Array | string | null;
  /** Texts are written as UTF-8; null is a tombstone. */
  readonly value: Uint8Array | string | null;
  /** Whole milliseconds since the epoch. Default: now. */
  readonly timestamp?: number;
  /** Kept in their order; texts are written as UTF-8. */
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | string | null }[];
}

/** Where an acknowledged record is. */
export interface RecordMetadata extends TopicPartition {
  /** Its offset in the partition; -1 where the broker did not say it (`acks: 0`). */
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Writes records. Its batches are sent partition by partition, in the order in which records came. */
export interface Producer {
  /** Resolves when the record is acknowledged. */
  send(record: ProducerRecord): Promise<RecordMetadata>;
  /**
   * The hot path: copies the record into its partition's batch and returns. No promise, no object per record; a failure
   * rejects the next `flush` (and, in a transaction, the commit). `partition` must be known to exist.
   */
  enqueue(
    topic: string,
    partition: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers?: readonly Header[],
  ): void;
  /** Bytes enqueued and not yet acknowledged: what a caller watches to slow down. */
  readonly bufferedBytes: number;
  /** The number of partitions, from metadata (cached). Rejects with UNKNOWN_TOPIC_OR_PARTITION. */
  partitionsFor(topic: string): Promise<number>;
  /** Sends everything now and resolves when all of it is acknowledged; rejects with the first failure since the last flush. */
  flush(): Promise<void>;
  /** Transactions (KIP-98). `initTransactions` fences older producers with the same id. */
  initTransactions(): Promise<void>;
  /** Begins a transaction, to which all records belong that are sent until it ends. */
  beginTransaction(): void;
  /** Commits a group's offsets with the transaction, if it is committed (KIP-447). */
  sendOffsetsToTransaction(offsets: readonly OffsetToCommit[], group: GroupMetadata): Promise<void>;
  /** Flushes, and commits the transaction. Rejects with the first failure of its records. */
  commitTransaction(): Promise<void>;
  /** Drops the transaction's records that wait, and aborts it: their promises reject with TRANSACTION_ABORTED. */
  abortTransaction(): Promise<void>;
  /**
   * Sends what waits, aborts an open transaction, and resolves when all is done, or rejects with a failure of `enqueue` that
   * nobody could have heard of. What is not acknowledged after `timeoutMs` (default 30 000) is given up: CLIENT_CLOSED.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

// ── Consumer ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Kafka's consumer settings, under its names in camel case. */
export interface ConsumerSettings {
  /** The group whose offsets are committed, and that assigns partitions. `subscribe` and `commit` need it. */
  readonly groupId?: string;
  /**
   * Makes the consumer a static member of its group (KIP-345): it does not leave when it is closed, and when it is back within
   * `sessionTimeoutMs` it reads on without a rebalance. Of two with the same one the earlier stops with FENCED_INSTANCE_ID.
   */
  readonly groupInstanceId?: string;
  /** What brokers are told that it is called. */
  readonly clientId?: string;
  /** Where to begin in a partition that has no position, or whose position is out of range. Default `latest`; `none`: poll rejects. */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none';
  /** `read_committed` leaves out records of transactions that are open or aborted. Default `read_uncommitted`. */
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed';
  /** A member that is not heard of for so long is taken out of the group, ms. Default 45 000. */
  readonly sessionTimeoutMs?: number;
  /** How often a member is heard of, ms. Default 3 000. */
  readonly heartbeatIntervalMs?: number;
  /** How long the group waits for a member to join again, ms. Default 300 000. */
  readonly rebalanceTimeoutMs?: number;
  /** How much a fetch brings of one partition, bytes; its first batch comes whatever its size. Default 1 MiB. */
  readonly maxPartitionFetchBytes?: number;
  /** How much a fetch brings, bytes. Default 50 MiB. */
  readonly fetchMaxBytes?: number;
  /** How long a broker waits for `fetchMinBytes`, ms. Default 500. */
  readonly fetchMaxWaitMs?: number;
  /** A broker answers a fetch when it has so much, bytes. Default 1. */
  readonly fetchMinBytes?: number;
  /**
   * Whether the checksum of what is fetched is compared with its bytes (default). Damage makes `poll` fail with
   * CORRUPT_MESSAGE, which names topic, partition and offset, each time until the position is moved behind it.
   */
  readonly checkCrcs?: boolean;
  /** Whether brokers may make a topic because it is read, where they are set up to. Default false. */
  readonly allowAutoCreateTopics?: boolean;
  /** Told when a position was out of range and reading goes on elsewhere by `autoOffsetReset`. */
  readonly onOffsetReset?: (partition: TopicPartition, offset: number) => void;
  /** Default `range`. Streams brings its own. Not with `groupProtocol: 'consumer'`. */
  readonly assignor?: GroupAssignor;
  /**
   * Which of the client's own assignors the leader of the group may use, the preferred first, in the place of `assignor`.
   * `cooperative-sticky` takes away only what moves (KIP-429). Default `['range']`. Not with `groupProtocol: 'consumer'`.
   */
  readonly partitionAssignmentStrategy?: readonly AssignmentStrategy[];
  /**
   * `consumer` (KIP-848): the broker assigns, and nobody stops for it. `sessionTimeoutMs` and `heartbeatIntervalMs` are the
   * broker's then. Needs Apache Kafka 4.0 or Millrace. Default `classic`.
   */
  readonly groupProtocol?: 'classic' | 'consumer';
  /** The broker's assignor: `uniform` or `range`. Default: the broker's first. Only with `groupProtocol: 'consumer'`. */
  readonly groupRemoteAssignor?: string;
}

/** Kafka's names of the assignors that this client has. */
export type AssignmentStrategy = 'range' | 'cooperative-sticky';

/** Topics that are read by what their names look like. The broker looks them up, also those that come later. */
export interface SubscriptionPattern {
  /** A regular expression of RE2, which the whole name has to match. */
  readonly pattern: string;
}

/** What one poll brought for one partition. Read it through `cursor`, or with `recordsOf` as objects. */
export interface FetchedPartition extends TopicPartition {
  /** The records, in the order of their offsets. */
  readonly cursor: RecordCursor;
  /** The offset behind the last record of this fetch: where the next one starts. */
  readonly nextOffset: number;
  /** The offset behind the last record that may be read. */
  readonly highWatermark: number;
  /** The offset of the first record of a transaction that is open; the high watermark where there is none. */
  readonly lastStableOffset: number;
}

/** What fences a zombie: sent along with offsets in a transaction (KIP-447). */
export interface GroupMetadata {
  /** The group. */
  readonly groupId: string;
  /** Which forming of the group the member belongs to, or its epoch (KIP-848); -1 for a consumer that is not a member. */
  readonly generationId: number;
  /** The member's id in this generation; empty for a consumer that is not a member. */
  readonly memberId: string;
  /** Of static members; null for others. */
  readonly groupInstanceId: string | null;
}

/** Told when partitions come and go. What it returns is waited for. */
export interface RebalanceListener {
  /** Before partitions are given up: commit what was done with them. */
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void> | void;
  /** Partitions that the member did not have: none, where a cooperative rebalance has left it as it was. */
  onAssigned?(partitions: readonly TopicPartition[], userData: Uint8Array): Promise<void> | void;
  /** The group went on without this member: nothing can be committed any more. */
  onLost?(partitions: readonly TopicPartition[]): Promise<void> | void;
}

/** A member, as the group's leader sees it. */
export interface GroupMember {
  /** The coordinator's name for it. */
  readonly memberId: string;
  /** What it subscribes to. */
  readonly topics: readonly string[];
  /** What its assignor says with `userData`. */
  readonly userData: Uint8Array;
  /** What it reads for now, where its protocol is cooperative. */
  readonly owned: readonly TopicPartition[];
}

/** What a member is to read. */
export interface MemberAssignment {
  /** All of them, also those that it had before. */
  readonly partitions: readonly TopicPartition[];
  /** Handed to its `onAssigned`. */
  readonly userData?: Uint8Array;
}

/** A client-side assignment strategy of the classic group protocol; the group's leader runs it. */
export interface GroupAssignor {
  /** Members of a group agree upon one that all of them have. */
  readonly name: string;
  /**
   * `cooperative` (KIP-429): members read on while the group is formed anew, and give up only what is not assigned to them any
   * more, upon which the group is formed once more. What a member owns must not be assigned to another one before that.
   * Default `eager`: everybody gives up everything first.
   */
  readonly protocol?: 'eager' | 'cooperative';
  /** What this member tells the leader about itself when it joins. */
  userData?(): Uint8Array;
  /** By member id, from the members and the number of partitions of each topic. */
  assign(
    members: readonly GroupMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): Map<string, MemberAssignment> | Promise<Map<string, MemberAssignment>>;
}

/** Reads records, one poll after the other. */
export interface Consumer {
  /** Joins the group and reads what the group assigns. A pattern needs `groupProtocol: 'consumer'`. */
  subscribe(topics: readonly string[] | SubscriptionPattern, listener?: RebalanceListener): void;
  /** Reads exactly these partitions, without a group's assignment. Offsets below 0: -2 earliest, -1 latest. */
  assign(partitions: readonly (TopicPartition & { readonly offset?: number })[]): void;
  /** What is read now. */
  assignment(): readonly TopicPartition[];
  /** Goes on at an offset: -2 at the beginning, -1 at the end. */
  seek(partition: TopicPartition, offset: number): void;
  /** The offset of the next record that `poll` will return. */
  position(partition: TopicPartition): number;
  /** Nothing of these partitions comes with `poll` until `resume`; they stay assigned. */
  pause(partitions: readonly TopicPartition[]): void;
  /** Ends what `pause` began. */
  resume(partitions: readonly TopicPartition[]): void;
  /** Waits at most `timeoutMs` for records; runs rebalances. An empty list means nothing came. */
  poll(timeoutMs: number): Promise<FetchedPartition[]>;
  /**
   * Rejects with UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION or (`groupProtocol: 'consumer'`) STALE_MEMBER_EPOCH when the group has gone
   * on without this member, or has given a partition to another.
   */
  commit(offsets: readonly OffsetToCommit[]): Promise<void>;
  /** What the consumer's group has committed, in the order of `partitions`. */
  committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]>;
  /** For `sendOffsetsToTransaction`. Throws where the consumer has no `groupId`. */
  groupMetadata(): GroupMetadata;
  /**
   * What to do about a commit that was refused because the group is being formed anew: true when the member has come along, and
   * may commit with its metadata as they are then; false when it has lost its place.
   */
  rejoined(generationId: number): Promise<boolean>;
  /** Has the next poll join the group again: where this member leads it, all partitions are assigned anew. */
  enforceRebalance(): void;
  /** Makes a poll that waits return at once. */
  wakeup(): void;
  /** Leaves the group, unless the member is static. Commits nothing by itself. */
  close(): Promise<void>;
}

// ── Share groups ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Settings of a consumer in a share group (KIP-932), under Kafka's names in camel case. */
export interface ShareConsumerSettings {
  /** The share group. Where it begins is a config of the group: `share.auto.offset.reset`. */
  readonly groupId: string;
  /**
   * `implicit` (default): what a poll has brought is accepted by the next poll, or by `commit`. `explicit`: each record is
   * acknowledged before the next poll.
   */
  readonly shareAcknowledgementMode?: 'implicit' | 'explicit';
  /** `record_limit`: a poll brings at most `maxPollRecords`; `batch_optimized` (default): whole batches, until there are so many. */
  readonly shareAcquireMode?: 'batch_optimized' | 'record_limit';
  /** How many records a poll brings, of one broker. Default 500. */
  readonly maxPollRecords?: number;
  /** How much a fetch brings, bytes. Default 50 MiB. */
  readonly fetchMaxBytes?: number;
  /** How long a broker waits for records, ms. Default 500. */
  readonly fetchMaxWaitMs?: number;
  /** Whether the checksum of what is fetched is compared with its bytes (default). Damaged records are rejected, and `poll` fails. */
  readonly checkCrcs?: boolean;
  /** Told what has become of acknowledgements, also of those that go along with polls. */
  readonly onAcknowledged?: (commits: readonly ShareCommit[]) => void;
}

/** A record of a share group, which is this consumer's for `acquisitionLockTimeoutMs`. */
export interface ShareRecord extends TopicPartition {
  /** Its place in the partition. */
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** Its key's bytes. */
  readonly key: Uint8Array | null;
  /** Its value's bytes; null is a tombstone. */
  readonly value: Uint8Array | null;
  /** In their order. */
  readonly headers: readonly Header[];
  /** How often it was given out, this time included. */
  readonly deliveryCount: number;
}

/**
 * What becomes of a record. `accept`: it is done with. `release`: somebody, perhaps this consumer, is to have it again. `reject`: nobody
 * is. `renew`: its time begins anew, and the next poll brings it once more.
 */
export type AcknowledgeAs = 'accept' | 'release' | 'reject' | 'renew';

/** What has become of the acknowledgements for a partition. */
export interface ShareCommit extends TopicPartition {
  /** Why they were not taken: INVALID_RECORD_STATE when records were given to others meanwhile. Missing when they were. */
  readonly error?: unknown;
}

/** Reads records together with the other members of a share group, who read the same partitions. */
export interface ShareConsumer {
  /** Joins the group. */
  subscribe(topics: readonly string[]): void;
  /** What was subscribed to. */
  subscription(): readonly string[];
  /** Waits at most `timeoutMs` for records. What was acknowledged before goes along. */
  poll(timeoutMs: number): Promise<ShareRecord[]>;
  /** Says what has become of a record of the last poll. Needs `shareAcknowledgementMode: 'explicit'`. Default `accept`. */
  acknowledge(record: ShareRecord, as?: AcknowledgeAs): void;
  /** Says so now; resolves with what has become of it, and of all that was said since the last commit. */
  commit(): Promise<readonly ShareCommit[]>;
  /** How long records are this consumer's, ms; undefined before the first poll has heard of it. */
  readonly acquisitionLockTimeoutMs: number | undefined;
  /** Makes a poll that waits return at once. */
  wakeup(): void;
  /** Says what was acknowledged, gives back everything else, and leaves the group. */
  close(): Promise<void>;
}

// ── Members of other groups ───────────────────────────────────────────────────────────────────────────────────────

/** How members of a group of another kind than consumers' take part in it (the classic protocol, KIP-848's predecessor). */
export interface GroupMemberSettings {
  /** The group. */
  readonly groupId: string;
  /** What all members of the group are: `connect`. */
  readonly protocolType: string;
  /** A member that is not heard of for so long is taken out of the group, ms. Default 10 000. */
  readonly sessionTimeoutMs?: number;
  /** How often a member is heard of, ms. Default 3 000. */
  readonly heartbeatIntervalMs?: number;
  /** How long the group waits for a member to join again, ms. Default 60 000. */
  readonly rebalanceTimeoutMs?: number;
  /** A member that hears nothing of the group for so long takes its place for lost, ms. Default: `sessionTimeoutMs`. */
  readonly silenceMs?: number;
}

/** A protocol that a member speaks, and what it says of itself in it. */
export interface GroupProtocol {
  /** Members agree upon one that all of them have. */
  readonly name: string;
  /** What this member says of itself with it. */
  readonly metadata: Uint8Array;
}

/** A forming of a group, as its leader sees it. */
export interface GroupRound {
  /** The protocol that all members speak, by the name of `GroupProtocol`. */
  readonly protocol: string;
  /** This member's id. */
  readonly leaderId: string;
  /** Which forming of the group it is. */
  readonly generationId: number;
  /** All of them, with what they say of themselves. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Uint8Array }[];
}

/** A member's place in a group that has been formed. */
export interface GroupPlace {
  /** What the members have agreed upon. */
  readonly protocol: string;
  /** The coordinator's name for this member. */
  readonly memberId: string;
  /** Whose part it is to assign. */
  readonly leaderId: string;
  /** Which forming of the group it is. */
  readonly generationId: number;
  /** What the leader gave it; empty where it gave nothing. */
  readonly assignment: Uint8Array;
}

/** What a member says and does in its group. Calls come one after the other, all of them within `join`, but for `onDue`. */
export interface GroupParticipant {
  /** What it offers, the preferred first; asked whenever it joins. */
  protocols(): readonly GroupProtocol[];
  /** The leader's part: what each member gets, by its id. */
  assign(round: GroupRound): ReadonlyMap<string, Uint8Array> | Promise<ReadonlyMap<string, Uint8Array>>;
  /** Before it joins again, still with its place: what it may not go on with. */
  onJoining?(): Promise<void> | void;
  /** It has a place. The group is not waiting, but heartbeats go on, until this resolves. */
  onJoined(place: GroupPlace): Promise<void> | void;
  /** The group has gone on without it, or may have: what it had may be another one's now. */
  onLost?(): Promise<void> | void;
  /** The group is formed anew, or it has lost its place: it is to call `join`. Not told while `join` is under way. */
  onDue?(): void;
}

/** A member of a group that consumers are not in. */
export interface GroupMembership {
  /** Empty while it is none. */
  readonly memberId: string;
  /** Whether it has its place, and nothing is to be done. */
  readonly isSettled: boolean;
  /** Resolves when it has its place; at once where it has. Rejects with what the group refuses: the next call tries again. */
  join(): Promise<void>;
  /** Has the next `join` form the group anew, if this member leads it or says something else than before. */
  requestRejoin(): void;
  /** Gives up its place. It may join again. */
  leave(): Promise<void>;
  /** Leaves for good. */
  close(): Promise<void>;
}
