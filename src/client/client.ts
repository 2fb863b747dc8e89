/**
 * PORT. The Kafka client that Streams, SQL, the registry and the CLI use, and the only one: embedded it talks to the
 * broker in the same process, elsewhere to any Kafka cluster over TCP. Offsets and timestamps are numbers (< 2^53),
 * timestamps in milliseconds since the epoch.
 */
import type { RecordCursor } from './record-cursor.ts';

export interface Client {
  producer(settings?: ProducerSettings): Producer;
  consumer(settings?: ConsumerSettings): Consumer;
  admin(): Admin;
  /** Closes every producer and consumer it made, then its connections. */
  close(): Promise<void>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Header {
  readonly key: string;
  readonly value: Uint8Array | null;
}

// ── Producer ──────────────────────────────────────────────────────────────────────────────────────────────────────

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Kafka's producer settings, under its names in camel case. */
export interface ProducerSettings {
  /** -1 = `all` (default). */
  readonly acks?: -1 | 0 | 1 | 'all';
  readonly compressionType?: Compression;
  /** How long a batch waits for company, ms. Default 5. */
  readonly lingerMs?: number;
  /** A partition's batch is sent when it reaches this size. Default 512 KiB. */
  readonly batchSize?: number;
  /** Default true; required by `transactionalId`. */
  readonly enableIdempotence?: boolean;
  readonly transactionalId?: string;
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
  readonly maxRequestSize?: number;
  /**
   * Asked about an enqueued record that the broker refuses for what it is (too large, its time, no key): `continue` leaves it
   * out and goes on with those behind it, `fail` (default) keeps the failure for the next flush. Records of `send` have their
   * promise.
   */
  readonly onRefusal?: (error: Error, record: RefusedRecord) => 'continue' | 'fail';
}

export interface RefusedRecord extends TopicPartition {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly headers: readonly Header[];
}

export interface ProducerRecord {
  readonly topic: string;
  /** Default: murmur2 of the key as the Java client does, or the sticky partition when there is no key. */
  readonly partition?: number;
  /** Texts are written as UTF-8. */
  readonly key?: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  /** Whole milliseconds since the epoch. Default: now. */
  readonly timestamp?: number;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | string | null }[];
}

export interface RecordMetadata extends TopicPartition {
  readonly offset: number;
  readonly timestamp: number;
}

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
  beginTransaction(): void;
  sendOffsetsToTransaction(offsets: readonly OffsetToCommit[], group: GroupMetadata): Promise<void>;
  commitTransaction(): Promise<void>;
  abortTransaction(): Promise<void>;
  /**
   * Sends what waits, aborts an open transaction, and resolves when all is done, or rejects with a failure of `enqueue` that
   * nobody could have heard of. What is not acknowledged after `timeoutMs` (default 30 000) is given up: CLIENT_CLOSED.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

// ── Consumer ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ConsumerSettings {
  readonly groupId?: string;
  /**
   * Makes the consumer a static member of its group (KIP-345): it does not leave when it is closed, and when it is back within
   * `sessionTimeoutMs` it reads on without a rebalance. Of two with the same one the earlier stops with FENCED_INSTANCE_ID.
   */
  readonly groupInstanceId?: string;
  readonly clientId?: string;
  /** Where to begin in a partition that has no position, or whose position is out of range. Default `latest`; `none`: poll rejects. */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none';
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed';
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly maxPartitionFetchBytes?: number;
  readonly fetchMaxBytes?: number;
  readonly fetchMaxWaitMs?: number;
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
  readonly cursor: RecordCursor;
  /** The offset behind the last record of this fetch: where the next one starts. */
  readonly nextOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number;
  readonly metadata?: string;
}

export interface CommittedOffset extends TopicPartition {
  /** -1 when nothing was committed. */
  readonly offset: number;
  readonly metadata: string;
}

/** What fences a zombie: sent along with offsets in a transaction (KIP-447). */
export interface GroupMetadata {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface RebalanceListener {
  /** Before partitions are given up: commit what was done with them. */
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void> | void;
  /** Partitions that the member did not have: none, where a cooperative rebalance has left it as it was. */
  onAssigned?(partitions: readonly TopicPartition[], userData: Uint8Array): Promise<void> | void;
  /** The group went on without this member: nothing can be committed any more. */
  onLost?(partitions: readonly TopicPartition[]): Promise<void> | void;
}

export interface GroupMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly userData: Uint8Array;
  /** What it reads for now, where its protocol is cooperative. */
  readonly owned: readonly TopicPartition[];
}

export interface MemberAssignment {
  readonly partitions: readonly TopicPartition[];
  readonly userData?: Uint8Array;
}

/** A client-side assignment strategy of the classic group protocol; the group's leader runs it. */
export interface GroupAssignor {
  readonly name: string;
  /**
   * `cooperative` (KIP-429): members read on while the group is formed anew, and give up only what is not assigned to them any
   * more, upon which the group is formed once more. What a member owns must not be assigned to another one before that.
   * Default `eager`: everybody gives up everything first.
   */
  readonly protocol?: 'eager' | 'cooperative';
  userData?(): Uint8Array;
  assign(
    members: readonly GroupMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): Map<string, MemberAssignment> | Promise<Map<string, MemberAssignment>>;
}

export interface Consumer {
  /** Joins the group and reads what the group assigns. */
  subscribe(topics: readonly string[], listener?: RebalanceListener): void;
  /** Reads exactly these partitions, without a group's assignment. Offsets below 0: -2 earliest, -1 latest. */
  assign(partitions: readonly (TopicPartition & { readonly offset?: number })[]): void;
  assignment(): readonly TopicPartition[];
  seek(partition: TopicPartition, offset: number): void;
  /** The offset of the next record that `poll` will return. */
  position(partition: TopicPartition): number;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Waits at most `timeoutMs` for records; runs rebalances. An empty list means nothing came. */
  poll(timeoutMs: number): Promise<FetchedPartition[]>;
  commit(offsets: readonly OffsetToCommit[]): Promise<void>;
  committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]>;
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
  close(): Promise<void>;
}

// ── Admin ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NewTopic {
  readonly name: string;
  /** Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** The brokers of each partition, the first to lead it; instead of the two numbers. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly replicas: readonly number[];
  }[];
}

/** A partition as its leader's cluster tells of it. */
export interface PartitionState {
  readonly partition: number;
  /** -1 where there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Eligible leader replicas (KIP-966); null where the broker does not tell. */
  readonly elr: readonly number[] | null;
  readonly lastKnownElr: readonly number[] | null;
}

export interface TopicState {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  readonly partitions: readonly PartitionState[];
}

/** What configs belong to; a broker without a name is the default of all. */
export interface ConfigResource {
  readonly type: 'topic' | 'broker' | 'broker-logger' | 'client-metrics' | 'group';
  readonly name: string;
}

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

export interface ConfigDetails {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSourceName;
  readonly isSensitive: boolean;
  readonly isReadOnly: boolean;
  /** Where the value may come from; the first is in force. */
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly source: ConfigSourceName;
  }[];
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly isDefault: boolean;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  /** The assignor that the group has agreed upon; empty while it has none. */
  readonly protocol: string;
  readonly coordinator: { readonly id: number; readonly host: string; readonly port: number };
  readonly members: readonly GroupMemberDescription[];
}

/** A static member, or any other. */
export type GroupMemberName = { readonly groupInstanceId: string } | { readonly memberId: string };

export interface GroupMemberDescription {
  readonly memberId: string;
  /** Null where the member is not static. */
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  /** What a member of a consumer group reads; empty in groups of other kinds, and while a group is rebalancing. */
  readonly assignment: readonly TopicPartition[];
}

export interface BrokerDescription {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface LogDir {
  readonly path: string;
  readonly error: string | undefined;
  readonly partitions: readonly (TopicPartition & {
    readonly sizeBytes: number;
    readonly offsetLag: number;
    readonly isFuture: boolean;
  })[];
}

/** Who may (`ALLOW`), or may not (`DENY`), do what with which resources. A host of `*` is every one. */
export interface AccessRule {
  readonly resourceType: 'TOPIC' | 'GROUP' | 'CLUSTER' | 'TRANSACTIONAL_ID' | 'DELEGATION_TOKEN' | 'USER';
  /** `*` is every name; that of the cluster is `kafka-cluster`. */
  readonly resourceName: string;
  /** `PREFIXED`: all names that begin so. */
  readonly patternType: 'LITERAL' | 'PREFIXED';
  /** `User:name`, `User:*`. */
  readonly principal: string;
  readonly host: string;
  readonly operation: AccessOperation;
  readonly permission: 'ALLOW' | 'DENY';
}

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
  readonly resourceType?: AccessRule['resourceType'] | 'ANY';
  readonly resourceName?: string;
  readonly patternType?: AccessRule['patternType'] | 'ANY' | 'MATCH';
  readonly principal?: string;
  readonly host?: string;
  readonly operation?: AccessOperation | 'ANY';
  readonly permission?: AccessRule['permission'] | 'ANY';
}

/** A partition whose replicas are being moved. */
export interface Reassignment extends TopicPartition {
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface TransactionFilter {
  /** `Ongoing`, `PrepareAbort`, `CompleteCommit`, …; default: all. */
  readonly states?: readonly string[];
  readonly producerIds?: readonly number[];
  /** Only those that have been open for longer. */
  readonly durationMs?: number;
  /** RE2 of whole transactional ids. */
  readonly pattern?: string | null;
}

export interface TransactionListing {
  readonly transactionalId: string;
  /** The broker that coordinates it. */
  readonly coordinator: number;
  readonly producerId: number;
  readonly state: string;
}

export interface TransactionDescription extends TransactionListing {
  readonly producerEpoch: number;
  readonly timeoutMs: number;
  /** Milliseconds since the epoch; undefined where none is open. */
  readonly startedAt: number | undefined;
  /** Those that the open transaction has written to. */
  readonly partitions: readonly TopicPartition[];
}

/** A producer as a partition remembers it. */
export interface ProducerState {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  /** Where its open transaction begins in the partition; undefined where it has none open. */
  readonly transactionStartOffset: number | undefined;
}

/** A transaction that a partition holds open, by whom it was written. */
export interface HangingTransaction extends TopicPartition {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
}

/** `validateOnly`: the broker checks what it is asked for, refuses what it would refuse, and changes nothing. */
export interface ChangeOptions {
  readonly validateOnly?: boolean;
}

/** Versions `min` to `max` of an API are spoken. */
export interface ApiVersion {
  readonly key: number;
  /** Undefined where this client does not know the API. */
  readonly name: string | undefined;
  readonly min: number;
  readonly max: number;
}

export interface Admin {
  /** Resolves when all exist. Rejects with the first refusal (TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, …). */
  createTopics(topics: readonly NewTopic[], options?: ChangeOptions): Promise<void>;
  deleteTopics(names: readonly string[]): Promise<void>;
  listTopics(): Promise<string[]>;
  /** Topics that do not exist are missing from the answer. */
  describeTopics(names: readonly string[]): Promise<Map<string, TopicDescription>>;
  /** Topics with the replicas of their partitions. Topics that do not exist are missing from the answer. */
  describeReplicas(names: readonly string[]): Promise<TopicState[]>;
  createPartitions(topic: string, total: number, options?: ChangeOptions): Promise<void>;
  /**
   * A broker's directories of logs, with the error (KAFKA_STORAGE_ERROR) of those that have one and the partitions of
   * `topics` that lie there: by default of none, null for all. Without a broker it is the one that answers first.
   */
  describeLogDirs(topics?: readonly TopicPartition[] | null, brokerId?: number): Promise<readonly LogDir[]>;
  topicConfigs(topic: string): Promise<ConfigEntry[]>;
  describeConfigs(resource: ConfigResource): Promise<ConfigDetails[]>;
  /** Null deletes what was set. */
  alterConfigs(
    resource: ConfigResource,
    set: Readonly<Record<string, string | null>>,
    options?: ChangeOptions,
  ): Promise<void>;
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
  listGroups(): Promise<{ groupId: string; protocolType: string; state: string; type: string }[]>;
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>;
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
  clusterId(): Promise<string>;
  /** The APIs that a broker speaks, any one or the one that is named, by their keys. */
  apiVersions(brokerId?: number): Promise<ApiVersion[]>;
  brokers(): Promise<BrokerDescription[]>;
  /** The broker that takes what is for the controller; undefined while there is none. */
  controllerId(): Promise<number | undefined>;
}
