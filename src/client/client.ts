/**
 * PORT. The Kafka client that Streams, SQL, the registry and the CLI use, and the only one: embedded it talks to the
 * broker in the same process, elsewhere to any Kafka cluster over TCP. Offsets and timestamps are numbers (< 2^53),
 * timestamps in milliseconds since the epoch.
 */
import type { RecordCursor } from './record-cursor.ts';

/** A connection to a cluster: its producers, consumers and administration share what is known of topics and brokers. */
export interface Client {
  /** Makes a producer. Throws INVALID_CONFIG for settings that don't go together, or that there are none of. */
  producer(settings?: ProducerSettings): Producer;
  /** Makes a consumer. Throws INVALID_CONFIG for settings that don't go together, or that there are none of. */
  consumer(settings?: ConsumerSettings): Consumer;
  /** What is asked of brokers, and changed, beside records. */
  admin(): Admin;
  /** Closes every producer and consumer it made, then its connections. */
  close(): Promise<void>;
}

/** A partition of a topic. */
export interface TopicPartition {
  /** The topic's name. */
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
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
  /** Default `range`. Streams brings its own. */
  readonly assignor?: GroupAssignor;
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

/** What fences a zombie: sent along with offsets in a transaction (KIP-447). */
export interface GroupMetadata {
  /** The group. */
  readonly groupId: string;
  /** Which forming of the group the member belongs to; -1 for a consumer that is not a member. */
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
  /** Joins the group and reads what the group assigns. */
  subscribe(topics: readonly string[], listener?: RebalanceListener): void;
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
  /** Rejects with UNKNOWN_MEMBER_ID or ILLEGAL_GENERATION when the group has gone on without this member. */
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

// ── Admin ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A topic to be made. */
export interface NewTopic {
  /** Letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** Default: the broker's `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** The brokers of each partition, the first to lead it; instead of the two numbers. */
  readonly assignments?: readonly (readonly number[])[];
  /** Settings of the topic, under Kafka's names. */
  readonly configs?: Readonly<Record<string, string>>;
}

/** A topic, with its partitions. */
export interface TopicDescription {
  /** Its name. */
  readonly name: string;
  /** A UUID, in Kafka's base64. */
  readonly topicId: string;
  /** Whether it is one of the broker's own. */
  readonly internal: boolean;
  /** Leaders and replicas are ids of brokers. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly replicas: readonly number[];
  }[];
}

/** A partition as its leader's cluster tells of it. */
export interface PartitionState {
  /** From 0. */
  readonly partition: number;
  /** -1 where there is none. */
  readonly leader: number;
  /** Ids of brokers, the preferred leader first. */
  readonly replicas: readonly number[];
  /** The replicas that are in sync. */
  readonly isr: readonly number[];
  /** Eligible leader replicas (KIP-966); null where the broker does not tell. */
  readonly elr: readonly number[] | null;
  /** The last known eligible leader replicas (KIP-966); null where the broker does not tell. */
  readonly lastKnownElr: readonly number[] | null;
}

/** A topic, with the replicas of its partitions. */
export interface TopicState {
  /** Its name. */
  readonly name: string;
  /** A UUID, in Kafka's base64. */
  readonly topicId: string;
  /** Whether it is one of the broker's own. */
  readonly internal: boolean;
  /** In the order of their numbers. */
  readonly partitions: readonly PartitionState[];
}

/** What configs belong to; a broker without a name is the default of all. */
export interface ConfigResource {
  /** What kind of thing it is. */
  readonly type: 'topic' | 'broker' | 'broker-logger' | 'client-metrics' | 'group';
  /** A topic's name, a broker's id, a group's id. */
  readonly name: string;
}

/** Where a value was set; Kafka's names. */
export type ConfigSourceName =
  | 'DYNAMIC_TOPIC_CONFIG'
  | 'DYNAMIC_BROKER_CONFIG'
  | 'DYNAMIC_DEFAULT_BROKER_CONFIG'
  | 'STATIC_BROKER_CONFIG'
  | 'DEFAULT_CONFIG'
  | 'DYNAMIC_BROKER_LOGGER_CONFIG'
  | 'DYNAMIC_CLIENT_METRICS_CONFIG'
  | 'DYNAMIC_GROUP_CONFIG'
  | 'UNKNOWN';

/** A config, and where its value comes from. */
export interface ConfigDetails {
  /** Kafka's name for it. */
  readonly name: string;
  /** Null for one that is sensitive, or has none. */
  readonly value: string | null;
  /** Where the value was set. */
  readonly source: ConfigSourceName;
  /** Whether its value is kept to the broker. */
  readonly isSensitive: boolean;
  /** Whether it can't be altered. */
  readonly isReadOnly: boolean;
  /** Where the value may come from; the first is in force. */
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly source: ConfigSourceName;
  }[];
}

/** A config of a topic. */
export interface ConfigEntry {
  /** Kafka's name for it. */
  readonly name: string;
  /** Null for one that is sensitive, or has none. */
  readonly value: string | null;
  /** Whether nobody has set it. */
  readonly isDefault: boolean;
}

/** A group, with its members. */
export interface GroupDescription {
  /** Its id. */
  readonly groupId: string;
  /** Kafka's word for it: `Stable`, `Empty`, `Dead`, … */
  readonly state: string;
  /** `consumer`, or what its members call themselves. */
  readonly protocolType: string;
  /** The assignor that the group has agreed upon; empty while it has none. */
  readonly protocol: string;
  /** The broker that looks after it. */
  readonly coordinator: { readonly id: number; readonly host: string; readonly port: number };
  /** Those that are in it now. */
  readonly members: readonly GroupMemberDescription[];
}

/** A static member, or any other. */
export type GroupMemberName = { readonly groupInstanceId: string } | { readonly memberId: string };

/** A member of a group. */
export interface GroupMemberDescription {
  /** The coordinator's name for it. */
  readonly memberId: string;
  /** Null where the member is not static. */
  readonly groupInstanceId: string | null;
  /** What its client calls itself. */
  readonly clientId: string;
  /** Where it connects from. */
  readonly host: string;
  /** What a member of a consumer group reads; empty in groups of other kinds, and while a group is rebalancing. */
  readonly assignment: readonly TopicPartition[];
}

/** A broker, and where it is reached. */
export interface BrokerDescription {
  /** Its id in the cluster. */
  readonly id: number;
  /** A name or an address. */
  readonly host: string;
  /** Its TCP port. */
  readonly port: number;
  /** `broker.rack`; null where it is not set. */
  readonly rack: string | null;
}

/** A directory of logs of a broker. */
export interface LogDir {
  /** On the broker's machine. */
  readonly path: string;
  /** The name of its error; undefined when it is well. */
  readonly error: string | undefined;
  /** What lies there. `offsetLag`: how far the copy is behind; `isFuture`: it is being moved here. */
  readonly partitions: readonly (TopicPartition & {
    readonly sizeBytes: number;
    readonly offsetLag: number;
    readonly isFuture: boolean;
  })[];
}

/** Who may (`ALLOW`), or may not (`DENY`), do what with which resources. A host of `*` is every one. */
export interface AccessRule {
  /** What kind of thing it is about. */
  readonly resourceType: 'TOPIC' | 'GROUP' | 'CLUSTER' | 'TRANSACTIONAL_ID' | 'DELEGATION_TOKEN' | 'USER';
  /** `*` is every name; that of the cluster is `kafka-cluster`. */
  readonly resourceName: string;
  /** `PREFIXED`: all names that begin so. */
  readonly patternType: 'LITERAL' | 'PREFIXED';
  /** `User:name`, `User:*`. */
  readonly principal: string;
  /** An address, or `*`. */
  readonly host: string;
  /** What is done; `ALL` is everything. */
  readonly operation: AccessOperation;
  /** A `DENY` overrules an `ALLOW`. */
  readonly permission: 'ALLOW' | 'DENY';
}

/** What may be allowed or denied; Kafka's names. */
export type AccessOperation =
  | 'ALL'
  | 'READ'
  | 'WRITE'
  | 'CREATE'
  | 'DELETE'
  | 'ALTER'
  | 'DESCRIBE'
  | 'CLUSTER_ACTION'
  | 'DESCRIBE_CONFIGS'
  | 'ALTER_CONFIGS'
  | 'IDEMPOTENT_WRITE'
  | 'CREATE_TOKENS'
  | 'DESCRIBE_TOKENS'
  | 'TWO_PHASE_COMMIT';

/** What is left out matches everything. `MATCH`: all rules that apply to the name, whatever their pattern. */
export interface AccessRuleFilter {
  /** `ANY` is every kind. */
  readonly resourceType?: AccessRule['resourceType'] | 'ANY';
  /** A name. */
  readonly resourceName?: string;
  /** `MATCH`: all rules that apply to the name. */
  readonly patternType?: AccessRule['patternType'] | 'ANY' | 'MATCH';
  /** `User:name`. */
  readonly principal?: string;
  /** An address, or `*`. */
  readonly host?: string;
  /** `ANY` is every operation. */
  readonly operation?: AccessOperation | 'ANY';
  /** `ANY` is both. */
  readonly permission?: AccessRule['permission'] | 'ANY';
}

/** A partition whose replicas are being moved. */
export interface Reassignment extends TopicPartition {
  /** All that there are while it lasts. */
  readonly replicas: readonly number[];
  /** Brokers that are getting one. */
  readonly addingReplicas: readonly number[];
  /** Brokers that will not have theirs any more. */
  readonly removingReplicas: readonly number[];
}

/** Which transactions to list; what is left out matches all. */
export interface TransactionFilter {
  /** `Ongoing`, `PrepareAbort`, `CompleteCommit`, …; default: all. */
  readonly states?: readonly string[];
  /** Those of these producers. */
  readonly producerIds?: readonly number[];
  /** Only those that have been open for longer. */
  readonly durationMs?: number;
  /** RE2 of whole transactional ids. */
  readonly pattern?: string | null;
}

/** A transaction, by its id. */
export interface TransactionListing {
  /** The name that its producer was given. */
  readonly transactionalId: string;
  /** The broker that coordinates it. */
  readonly coordinator: number;
  /** The number that the broker gave its producer. */
  readonly producerId: number;
  /** Kafka's word for it: `Ongoing`, `CompleteCommit`, … */
  readonly state: string;
}

/** A transaction, as its coordinator knows it. */
export interface TransactionDescription extends TransactionListing {
  /** Producers with an earlier one are fenced. */
  readonly producerEpoch: number;
  /** When it is aborted if it is not ended, ms. */
  readonly timeoutMs: number;
  /** Milliseconds since the epoch; undefined where none is open. */
  readonly startedAt: number | undefined;
  /** Those that the open transaction has written to. */
  readonly partitions: readonly TopicPartition[];
}

/** A producer as a partition remembers it. */
export interface ProducerState {
  /** The number that the broker gave it. */
  readonly producerId: number;
  /** Producers with an earlier one are fenced. */
  readonly producerEpoch: number;
  /** The sequence number of its last record; -1 where there is none. */
  readonly lastSequence: number;
  /** Milliseconds since the epoch. */
  readonly lastTimestamp: number;
  /** That of the coordinator that ended its last transaction; -1 where there was none. */
  readonly coordinatorEpoch: number;
  /** Where its open transaction begins in the partition; undefined where it has none open. */
  readonly transactionStartOffset: number | undefined;
}

/** A transaction that a partition holds open, by whom it was written. */
export interface HangingTransaction extends TopicPartition {
  /** Who wrote it. */
  readonly producerId: number;
  /** The epoch it was written with. */
  readonly producerEpoch: number;
  /** As `describeProducers` tells it. */
  readonly coordinatorEpoch: number;
}

/** `validateOnly`: the broker checks what it is asked for, refuses what it would refuse, and changes nothing. */
export interface ChangeOptions {
  /** Default false. */
  readonly validateOnly?: boolean;
}

/** Versions `min` to `max` of an API are spoken. */
export interface ApiVersion {
  /** The number of the API. */
  readonly key: number;
  /** Undefined where this client does not know the API. */
  readonly name: string | undefined;
  /** The earliest version. */
  readonly min: number;
  /** The latest version. */
  readonly max: number;
}

/**
 * Asks brokers about topics, groups, configs and rules, and changes them. Refusals reject with Kafka's name of the error as
 * `code`.
 */
export interface Admin {
  /** Resolves when all exist. Rejects with the first refusal (TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, …). */
  createTopics(topics: readonly NewTopic[], options?: ChangeOptions): Promise<void>;
  /** Resolves when all are gone. Rejects with the first refusal (UNKNOWN_TOPIC_OR_PARTITION). */
  deleteTopics(names: readonly string[]): Promise<void>;
  /** The names of all topics that the client may see. */
  listTopics(): Promise<string[]>;
  /** Topics that do not exist are missing from the answer. */
  describeTopics(names: readonly string[]): Promise<Map<string, TopicDescription>>;
  /** Topics with the replicas of their partitions. Topics that do not exist are missing from the answer. */
  describeReplicas(names: readonly string[]): Promise<TopicState[]>;
  /** Has a topic have `total` partitions; fewer than it has are refused with INVALID_PARTITIONS. */
  createPartitions(topic: string, total: number, options?: ChangeOptions): Promise<void>;
  /**
   * A broker's directories of logs, with the error (KAFKA_STORAGE_ERROR) of those that have one and the partitions of
   * `topics` that lie there: by default of none, null for all. Without a broker it is the one that answers first.
   */
  describeLogDirs(topics?: readonly TopicPartition[] | null, brokerId?: number): Promise<readonly LogDir[]>;
  /** All configs of a topic, set or not. */
  topicConfigs(topic: string): Promise<ConfigEntry[]>;
  /** All configs of a resource, with where their values come from. */
  describeConfigs(resource: ConfigResource): Promise<ConfigDetails[]>;
  /** Null deletes what was set. */
  alterConfigs(
    resource: ConfigResource,
    set: Readonly<Record<string, string | null>>,
    options?: ChangeOptions,
  ): Promise<void>;
  /** Null deletes what was set. */
  alterTopicConfigs(topic: string, set: Readonly<Record<string, string | null>>): Promise<void>;
  /**
   * `timestamp`: -2 earliest, -1 latest, else the first record at or after it (-1 when there is none). Returns in the order
   * of `partitions`.
   */
  listOffsets(
    partitions: readonly (TopicPartition & { readonly timestamp: number })[],
    isolation?: 'read_uncommitted' | 'read_committed',
  ): Promise<(TopicPartition & { readonly offset: number; readonly timestamp: number })[]>;
  /** Deletes records before offsets (-1: all); returns where the partitions begin now. */
  deleteRecords(
    before: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<(TopicPartition & { readonly lowWatermark: number })[]>;
  /** All groups of all brokers. `type`: `classic` or `consumer`. */
  listGroups(): Promise<{ groupId: string; protocolType: string; state: string; type: string }[]>;
  /** In the order of `groupIds`. */
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>;
  /** Deletes groups without members, and their offsets. Rejects with the first refusal (NON_EMPTY_GROUP). */
  deleteGroups(groupIds: readonly string[]): Promise<void>;
  /**
   * Takes members out of a classic group: static ones by their `groupInstanceId`, others by their `memberId`. Who is not in it
   * need not be taken out; who still runs joins it again.
   */
  removeMembers(groupId: string, members: readonly GroupMemberName[]): Promise<void>;
  /** What the group has committed by now, whatever transactions are under way. */
  committedOffsets(groupId: string): Promise<CommittedOffset[]>;
  /** Sets offsets of a group without members; UNKNOWN_MEMBER_ID where it has some. */
  alterOffsets(groupId: string, offsets: readonly OffsetToCommit[]): Promise<void>;
  /** Forgets offsets of partitions that no member reads. Returns what each of them was refused with, if it was. */
  deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<(TopicPartition & { readonly error: Error | undefined })[]>;
  /**
   * Aborts the transactions that these producers have open, and fences them: for producers that are dead, so that readers of
   * committed records need not wait until the transactions time out. Who has none open is left alone. Returns who had one.
   */
  abortOpenTransactions(transactionalIds: readonly string[]): Promise<string[]>;
  /** Rejects with the first refusal; SECURITY_DISABLED where brokers have no rules. */
  createAcls(rules: readonly AccessRule[]): Promise<void>;
  /** The rules that match; default: all. */
  describeAcls(filter?: AccessRuleFilter): Promise<AccessRule[]>;
  /** Deletes what any of the filters matches. Returns it, filter by filter. */
  deleteAcls(filters: readonly AccessRuleFilter[]): Promise<(readonly AccessRule[])[]>;
  /**
   * Has leaders elected: `preferred` gives partitions back to their first replicas, `unclean` takes replicas that are not in
   * sync where there is no other. Null for all partitions. Returns what each was refused with, if it was:
   * ELECTION_NOT_NEEDED where it is led by whom it should be.
   */
  electLeaders(
    kind: 'preferred' | 'unclean',
    partitions: readonly TopicPartition[] | null,
  ): Promise<(TopicPartition & { readonly error: Error | undefined })[]>;
  /** The partitions whose replicas are being moved, of these or (null, the default) of all. */
  listPartitionReassignments(partitions?: readonly TopicPartition[] | null): Promise<Reassignment[]>;
  /** The transactions that brokers know of, broker by broker. */
  listTransactions(filter?: TransactionFilter): Promise<TransactionListing[]>;
  /** Rejects with TRANSACTIONAL_ID_NOT_FOUND where nobody has used the id. */
  describeTransaction(transactionalId: string): Promise<TransactionDescription>;
  /** The producers that a partition's leader remembers, or the replica on a broker. */
  describeProducers(partition: TopicPartition, brokerId?: number): Promise<ProducerState[]>;
  /** Ends, in one partition, a transaction that its coordinator knows nothing of any more. */
  abortTransaction(transaction: HangingTransaction): Promise<void>;
  /** The cluster's id. */
  clusterId(): Promise<string>;
  /** The APIs that a broker speaks, any one or the one that is named, by their keys. */
  apiVersions(brokerId?: number): Promise<ApiVersion[]>;
  /** The brokers that there are now. */
  brokers(): Promise<BrokerDescription[]>;
  /** The broker that takes what is for the controller; undefined while there is none. */
  controllerId(): Promise<number | undefined>;
}
