// PORT. What brokers are asked about topics, configs, groups, rules and transactions, and what is changed in them; a part of the
// client's (client.ts).
import type { CommittedOffset, OffsetToCommit, TopicPartition } from './positions.ts';

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

/** How a user may log in with SCRAM. */
export interface ScramCredentialInfo {
  /** The name that is logged in with. */
  readonly user: string;
  /** Which SCRAM it is for. */
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  /** How often the password is hashed. */
  readonly iterations: number;
}

/** A password that a user gets. */
export interface ScramUpsertion {
  /** The name that is logged in with. */
  readonly user: string;
  /** Which SCRAM it is for. */
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  /** It does not leave this process: brokers get what SCRAM makes of it. */
  readonly password: string;
  /** How often it is hashed. Default 4096. */
  readonly iterations?: number;
}

/** What quotas are for: a user, a client id, both, or an address; null is the default of all without one of their own. */
export interface QuotaEntity {
  /** A user's name. */
  readonly user?: string | null;
  /** What clients call themselves. */
  readonly 'client-id'?: string | null;
  /** An address. */
  readonly ip?: string | null;
}

/** Limits that are set: `producer_byte_rate`, `consumer_byte_rate`, `request_percentage`, `controller_mutation_rate`, `connection_creation_rate`. */
export interface ClientQuota {
  /** Whose. */
  readonly entity: QuotaEntity;
  /** By their names. */
  readonly limits: Readonly<Record<string, number>>;
}

/** A change of limits. */
export interface QuotaChange {
  /** Whose. */
  readonly entity: QuotaEntity;
  /** By their names; null takes one back. */
  readonly set: Readonly<Record<string, number | null>>;
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
  /** How users (null, the default: all) may log in with SCRAM; who has no such credential is left out. */
  describeUserScramCredentials(users?: readonly string[] | null): Promise<ScramCredentialInfo[]>;
  /** Gives users passwords, and takes some back. Rejects with the first refusal. */
  alterUserScramCredentials(changes: {
    /** Users who get one, or another one. */
    readonly upsertions?: readonly ScramUpsertion[];
    /** Users who lose one; RESOURCE_NOT_FOUND where there is none. */
    readonly deletions?: readonly Pick<ScramCredentialInfo, 'user' | 'mechanism'>[];
  }): Promise<void>;
  /** Quotas of entities with exactly these parts: a name, null for the default, undefined for any. Default: all quotas. */
  describeClientQuotas(
    entity?: Readonly<Partial<Record<keyof QuotaEntity, string | null | undefined>>>,
  ): Promise<ClientQuota[]>;
  /** Sets quotas. Rejects with the first refusal. */
  alterClientQuotas(changes: readonly QuotaChange[]): Promise<void>;
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
