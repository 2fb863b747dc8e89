import { resolve } from 'node:path';
import type { Client } from '../../client/index.ts';
import { type Environment, messageOf, systemEnvironment } from '../../util/index.ts';

import { checkStreamsSettings } from '../api/checks.ts';
import type {
  DecodeErrorHandler,
  DropListener,
  DropReason,
  LateReport,
  OffsetReset,
  ProcessingErrorHandler,
  ProductionErrorHandler,
  UncaughtErrorHandler,
} from '../api/options.ts';
import type { AssignmentRules } from './task-assignment.ts';

export type ProcessingGuarantee = 'exactly_once_v2' | 'at_least_once';

/** Kafka Streams' settings under its names in camel case. */
export interface StreamsSettings {
  /** The cluster that the application runs on; whoever made it closes it. */
  readonly client: Client;
  /** Names the consumer group, and stands in front of the names of internal topics. */
  readonly applicationId: string;
  /**
   * Where the state lies, and its checkpoints. Two instances can't share one. Empty or not given, all state is in
   * memory, and every start replays the changelogs.
   */
  readonly stateDir?: string;
  /** Default `at_least_once`. */
  readonly processingGuarantee?: ProcessingGuarantee;
  /** Default 100 with `exactly_once_v2`, 30 000 otherwise. */
  readonly commitIntervalMs?: number;
  /** How often committed state is written to `stateDir`, where memory does not ask for it earlier. Default 10 000. */
  readonly checkpointIntervalMs?: number;
  /** Above 0, tables and aggregates emit once per key and commit; 0: every update. Default 10 MiB. */
  readonly cacheMaxBytes?: number;
  /**
   * Bytes of memory for rows of persistent stores, for all tasks of all applications in the process together: the smallest
   * that one of them asks for counts. Rows that have changed fill half of it before a checkpoint comes early. Default: a
   * quarter of what the machine, the container and the heap allow; 0: the default, and as `cacheMaxBytes` 0.
   */
  readonly statestoreCacheMaxBytes?: number;
  /** Where inputs without a committed offset begin. Default `earliest`; `none`: the instance stops with an error. */
  readonly autoOffsetReset?: OffsetReset;
  /** Of internal topics; default: the broker's. */
  readonly replicationFactor?: number;
  /** How much longer than its windows a windowed changelog is kept. Default a day. */
  readonly windowstoreChangelogAdditionalRetentionMs?: number;
  /** How long a poll waits for records, ms. Default 100. */
  readonly pollMs?: number;
  /** Threads that share the instance's work. Default 1; more need the topology in a module: `KafkaStreams.fromModule`. */
  readonly numStreamThreads?: number;
  /**
   * Tasks that have read everything hold back the time of those behind a repartition topic for so long, in case they get
   * more. Default 1000.
   */
  readonly watermarkIdleMs?: number;
  /**
   * How long a task with records waits for older ones from its other inputs that are known to be on the broker. Default
   * 1000. For tasks that feed it and are still reading it waits ten times as long.
   */
  readonly maxTaskIdleMs?: number;
  /**
   * The applications that run now and write a source topic, with exactly-once. Time behind the topic is bounded by how far
   * they have come, and their records are waited for like those of tasks of this application. Default: none are known.
   */
  readonly upstreamApplications?: (topic: string) => readonly string[];
  /** How often records of repartition topics that have been processed are deleted. Default 30 000. */
  readonly repartitionPurgeIntervalMs?: number;
  /**
   * Makes the instance a static member of its group, under an id that no other instance has and that it keeps: closed and
   * back within `sessionTimeoutMs`, it goes on with its tasks, and the others are not disturbed. Of two with the same id the
   * earlier stops with FENCED_INSTANCE_ID. Default: none.
   */
  readonly groupInstanceId?: string;
  /** An instance that is not heard of for so long is taken out of the group, ms. Default 45 000. */
  readonly sessionTimeoutMs?: number;
  /** How often an instance is heard of, ms. Default 3 000. */
  readonly heartbeatIntervalMs?: number;
  /** How long the group waits for an instance to join again, ms. Default 300 000. */
  readonly rebalanceTimeoutMs?: number;
  /** A transaction that is open for longer is aborted by the broker, ms. Default 10 000. */
  readonly transactionTimeoutMs?: number;
  /** What brokers call the instance in their logs. */
  readonly clientId?: string;
  /** `host:port` under which other instances reach this one for queries of its stores; all instances hear of it. Default: none. */
  readonly applicationServer?: string;
  /** True: a topology whose stores or internal topics have names that nobody gave is refused (`NAME_NEEDED`). Default false. */
  readonly ensureExplicitInternalResourceNaming?: boolean;
  /** On how many other instances a task's state is kept up to date, so that one of them can go on with it. Default 0. */
  readonly numStandbyReplicas?: number;
  /** An instance that has at most so many records of a task's changelogs to read may run it at once. Default 10 000. */
  readonly acceptableRecoveryLag?: number;
  /** Tasks whose state may be built up, at a time, on the instances that they are to move to. Default 2. */
  readonly maxWarmupReplicas?: number;
  /** How often is asked, while tasks are to move, whether they can now. Default 600 000. */
  readonly probingRebalanceIntervalMs?: number;
  /** Where the instance runs, by name: `{ zone: 'a', rack: '7' }`. */
  readonly clientTags?: Readonly<Record<string, string>>;
  /** Standbys are on instances where these of their `clientTags` are different, as far as there are such instances. */
  readonly rackAwareAssignmentTags?: readonly string[];
  /** Where time, chance and ids come from. Default: the system. */
  readonly environment?: Environment;
  /** Default: fail. */
  readonly onDecodeError?: DecodeErrorHandler;
  /** Default: fail. */
  readonly onProcessingError?: ProcessingErrorHandler;
  /** Default: fail. */
  readonly onProductionError?: ProductionErrorHandler;
  /** Asked about what the instance can't get past by itself. Default: `shutdownClient`. */
  readonly onUncaughtError?: UncaughtErrorHandler;
  /** Told about every record that an operator leaves out by its rules. */
  readonly onDrop?: DropListener;
  /**
   * Where records are written that a handler had left out: their bytes and headers as they came in, and further headers under
   * Kafka Streams' names (KIP-1034, `errors.dead.letter.queue.topic.name`). The topic has to exist.
   */
  readonly deadLetterTopic?: string;
  /** For which reasons. Default: those of the handlers, `undecodable`, `failed` and `refused`. */
  readonly deadLetterReasons?: readonly DropReason[];
  /** Asked before records are processed: true as long as whoever takes the results has no room for more. */
  readonly isHeldBack?: () => boolean;
  /** Told, at most every ten seconds, how many records operators have left out because they came too late. */
  readonly onLate?: (report: LateReport) => void;
  /** Told about every failure that the instance recovers from, and the one it stops at. */
  readonly onError?: (error: unknown, fatal: boolean) => void;
}

/** The settings with their defaults. */
export interface ResolvedSettings {
  readonly client: Client;
  readonly applicationId: string;
  readonly stateDir: string | undefined;
  readonly exactlyOnce: boolean;
  readonly commitIntervalMs: number;
  readonly checkpointIntervalMs: number;
  readonly caching: boolean;
  /** Undefined: the process's default. */
  readonly stateBudgetBytes: number | undefined;
  readonly autoOffsetReset: OffsetReset;
  readonly replicationFactor: number | undefined;
  readonly changelogExtraRetentionMs: number;
  readonly pollMs: number;
  readonly watermarkIdleMs: number;
  readonly maxTaskIdleMs: number;
  readonly upstreamApplications: ((topic: string) => readonly string[]) | undefined;
  readonly purgeIntervalMs: number;
  readonly groupInstanceId: string | undefined;
  readonly sessionTimeoutMs: number | undefined;
  readonly heartbeatIntervalMs: number | undefined;
  readonly rebalanceTimeoutMs: number | undefined;
  readonly transactionTimeoutMs: number;
  readonly clientId: string;
  readonly applicationServer: string | undefined;
  readonly assignment: AssignmentRules & { readonly probingRebalanceIntervalMs: number };
  readonly clientTags: Readonly<Record<string, string>>;
  readonly environment: Environment;
  readonly onDecodeError: DecodeErrorHandler;
  readonly onProcessingError: ProcessingErrorHandler;
  readonly onProductionError: ProductionErrorHandler;
  readonly onUncaughtError: UncaughtErrorHandler;
  readonly isHeldBack: () => boolean;
  readonly onDrop: DropListener | undefined;
  readonly deadLetterTopic: string | undefined;
  readonly deadLetterReasons: readonly DropReason[] | undefined;
  readonly onLate: (report: LateReport) => void;
  readonly onError: (error: unknown, fatal: boolean) => void;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export function resolveSettings(given: StreamsSettings): ResolvedSettings {
  checkStreamsSettings(given);
  const onError = contained(given.onError, (error) => {
    process.emitWarning(`onError of ${given.applicationId} failed: ${messageOf(error)}`);
  });
  const reported = (error: unknown): void => onError(error, false);
  const exactlyOnce = given.processingGuarantee === 'exactly_once_v2';
  return {
    client: given.client,
    applicationId: given.applicationId,
    // Whole from the start: the directory that a relative path begins in may be removed.
    stateDir: given.stateDir === undefined || given.stateDir === '' ? undefined : resolve(given.stateDir),
    exactlyOnce,
    commitIntervalMs: given.commitIntervalMs ?? (exactlyOnce ? 100 : 30_000),
    checkpointIntervalMs: given.checkpointIntervalMs ?? 10_000,
    caching: (given.cacheMaxBytes ?? given.statestoreCacheMaxBytes ?? 1) > 0,
    stateBudgetBytes: given.statestoreCacheMaxBytes === 0 ? undefined : given.statestoreCacheMaxBytes,
    autoOffsetReset: given.autoOffsetReset ?? 'earliest',
    replicationFactor: given.replicationFactor,
    changelogExtraRetentionMs: given.windowstoreChangelogAdditionalRetentionMs ?? DAY_MS,
    pollMs: given.pollMs ?? 100,
    watermarkIdleMs: given.watermarkIdleMs ?? 1000,
    maxTaskIdleMs: given.maxTaskIdleMs ?? 1000,
    upstreamApplications: given.upstreamApplications,
    purgeIntervalMs: given.repartitionPurgeIntervalMs ?? 30_000,
    groupInstanceId: given.groupInstanceId,
    sessionTimeoutMs: given.sessionTimeoutMs,
    heartbeatIntervalMs: given.heartbeatIntervalMs,
    rebalanceTimeoutMs: given.rebalanceTimeoutMs,
    transactionTimeoutMs: given.transactionTimeoutMs ?? 10_000,
    clientId: given.clientId ?? given.applicationId,
    applicationServer: given.applicationServer,
    assignment: {
      numStandbyReplicas: given.numStandbyReplicas ?? 0,
      acceptableRecoveryLag: given.acceptableRecoveryLag ?? 10_000,
      maxWarmupReplicas: given.maxWarmupReplicas ?? 2,
      probingRebalanceIntervalMs: given.probingRebalanceIntervalMs ?? 600_000,
      rackAwareAssignmentTags: given.rackAwareAssignmentTags ?? [],
    },
    clientTags: given.clientTags ?? {},
    environment: given.environment ?? systemEnvironment,
    onDecodeError: given.onDecodeError ?? (() => 'fail'),
    onProcessingError: given.onProcessingError ?? (() => 'fail'),
    onProductionError: given.onProductionError ?? (() => 'fail'),
    onUncaughtError: given.onUncaughtError ?? (() => 'shutdownClient'),
    isHeldBack: given.isHeldBack ?? (() => false),
    onDrop: given.onDrop === undefined ? undefined : contained(given.onDrop, reported),
    deadLetterTopic: given.deadLetterTopic,
    deadLetterReasons: given.deadLetterReasons,
    onLate: contained(given.onLate, reported),
    onError,
  };
}

/** A listener whose failures are its own: nothing that it is told about depends on it. */
export function contained<A extends unknown[]>(
  listener: ((...args: A) => void) | undefined,
  onFailure: (error: unknown) => void,
): (...args: A) => void {
  return (...args) => {
    try {
      listener?.(...args);
    } catch (error) {
      onFailure(error);
    }
  };
}
