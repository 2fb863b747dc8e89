/**
 * PORT. What connectors, transformations, predicates and converters are to Connect, and all that their authors see of it. A plugin
 * is a plain object that says its class name (under which Java's configurations know it), its settings and how it is made.
 *
 * A source: `create` → `start` → `taskConfigs` → for each task `task()` → `start` → `poll` again and again → `stop`. A sink: the
 * same, with `put` instead of `poll`, and offsets that are committed behind `preCommit`. One call after the other: nothing is
 * called while another call of the same task is waited for, but for the abort of `poll`'s signal.
 *
 * What a task throws says what becomes of it: `RetriableError` is tried again (a source's poll, a sink's whole batch), everything
 * else makes the task FAILED, with the message where its status is asked for. What is wrong with one record goes to
 * `context.reportErrant`, where `errors.tolerance` decides.
 */
import type { TopicPartition } from '../../client/index.ts';
import type { SchemaSource } from '../../serde/index.ts';
import type { Environment } from '../../util/index.ts';
import type {
  ConnectHeader,
  ConnectRecord,
  SchemaAndValue,
  SinkRecord,
  SourceOffset,
  SourcePartition,
  SourceRecord,
} from '../data/record.ts';
import type { Schema } from '../data/schema.ts';
import type { ConfigDef, ConfigOf, ConfigProblem, RawConfig } from './config-def.ts';

/** Where a plugin says what happens; which of it is seen is the worker's log level (`/admin/loggers`). */
export interface Log {
  /** What has gone wrong, and has to be looked at. */
  error(message: string): void;
  /** What may be wrong. */
  warn(message: string): void;
  /** What happens seldom, and may be of interest. */
  info(message: string): void;
  /** What helps to find faults. */
  debug(message: string): void;
}

/** What every plugin says of itself. */
interface PluginFace<D extends ConfigDef> {
  /** The name that configurations have in `connector.class`, `…converter`, `transforms.x.type`. */
  readonly className: string;
  /** Other names that mean it, beside the class name's last part, with and without its ending (`FileStreamSource`). */
  readonly aliases?: readonly string[];
  readonly version: string;
  readonly config: D;
  /** What is wrong between settings that are each right for themselves. Asked only then. May look (a login), must not change. */
  validate?(config: ConfigOf<D>): readonly ConfigProblem[] | Promise<readonly ConfigProblem[]>;
}

// ── Connectors ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a running connector can ask of its worker. */
export interface ConnectorContext {
  /** The connector's name. */
  readonly name: string;
  /** Time, chance and timers. */
  readonly environment: Environment;
  /** The log of its class. */
  readonly log: Log;
  /** Asks `taskConfigs` again, because what it would answer has changed. */
  requestTaskReconfiguration(): void;
  /** Makes the connector FAILED. */
  raiseError(error: Error): void;
}

/** A connector beside its tasks: it shares out the work, and may look after what is to be shared out. */
export interface Connector {
  /** Begins to look. Rejects where it cannot work: the connector is FAILED then. */
  start?(): Promise<void> | void;
  /** The settings of its tasks, `maxTasks` at most: the connector's own, and what they differ in. */
  taskConfigs(maxTasks: number): readonly RawConfig[] | Promise<readonly RawConfig[]>;
  /** Ends what `start` began. */
  stop?(): Promise<void> | void;
}

/** How exactly-once is had from a source. */
export type ExactlyOnceSupport = 'supported' | 'unsupported';

/** A connector that reads from somewhere into topics. */
export interface SourcePlugin<D extends ConfigDef = ConfigDef> extends PluginFace<D> {
  /** Reads into topics. */
  readonly kind: 'source';
  /** `raw` has what was given, with names that the declaration does not know. */
  create(config: ConfigOf<D>, raw: RawConfig, context: ConnectorContext): Connector;
  /** A new task, not yet started. */
  task(): SourceTask<ConfigOf<D>>;
  /** Whether nothing is twice in topics when offsets are stored with records. Default: unsupported. */
  exactlyOnce?(config: ConfigOf<D>): ExactlyOnceSupport;
  /** Whether tasks say themselves where transactions end. Default: no. */
  definesTransactions?(config: ConfigOf<D>): boolean;
  /** Throws `ConnectError` where offsets that a user gives cannot be (`PATCH …/offsets`). Null: as if never read. */
  checkOffsets?(config: ConfigOf<D>, offsets: readonly SourceOffsetEntry[]): void | Promise<void>;
}

/** How far a part of a source has been read. */
export interface SourceOffsetEntry {
  /** Which part. */
  readonly partition: SourcePartition;
  /** How far; null: as if never read. */
  readonly offset: SourceOffset | null;
}

/** What a source's task can ask of its worker. */
export interface SourceTaskContext {
  /** The connector's name. */
  readonly connector: string;
  /** The task's number, from 0. */
  readonly taskId: number;
  /** Time, chance and timers. */
  readonly environment: Environment;
  /** The log of its class. */
  readonly log: Log;
  /** Where reading goes on, by what was stored with the last record of a part that is safely in its topic; null: at the beginning. */
  offset(partition: SourcePartition): Promise<SourceOffset | null>;
  /** The same for several, in their order. */
  offsets(partitions: readonly SourcePartition[]): Promise<(SourceOffset | null)[]>;
  /** With `transaction.boundary=connector`: ends the transaction behind the batch, or this record of it, that poll returns next. */
  readonly transaction: SourceTransaction | undefined;
  /** Resolves after so long, or at once when the signal is aborted. */
  pause(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** Transactions whose ends the task knows. */
export interface SourceTransaction {
  /** Commits behind the batch, or behind this record of it. */
  commit(record?: SourceRecord): void;
  /** Drops what the transaction has, up to the batch's end or this record; its offsets are kept. */
  abort(record?: SourceRecord): void;
}

/** Reads its part of a source. */
export interface SourceTask<C = Record<string, unknown>> {
  /** Opens what is read, where its offsets say. `raw`: names that the declaration does not know, too. */
  start(config: C, context: SourceTaskContext, raw: RawConfig): Promise<void> | void;
  /**
   * The next records. May wait, until the signal is aborted, for something to come; an empty answer is asked again at once, so
   * what has nothing to wait for calls `context.pause`.
   */
  poll(signal: AbortSignal): Promise<readonly SourceRecord[]> | readonly SourceRecord[];
  /** The offsets of everything that poll returned so far, up to these, are stored. */
  commit?(): Promise<void> | void;
  /** A record is in its topic, or was left out by a transformation or by `errors.tolerance` (null). */
  commitRecord?(record: SourceRecord, written: { readonly offset: number; readonly partition: number } | null): void;
  /** Lets go of everything. */
  stop(): Promise<void> | void;
}

/** A connector that writes from topics to somewhere. */
export interface SinkPlugin<D extends ConfigDef = ConfigDef> extends PluginFace<D> {
  /** Writes from topics. */
  readonly kind: 'sink';
  /** `raw` has what was given, with names that the declaration does not know. */
  create(config: ConfigOf<D>, raw: RawConfig, context: ConnectorContext): Connector;
  /** A new task, not yet started. */
  task(): SinkTask<ConfigOf<D>>;
  /** Throws `ConnectError` where offsets cannot be altered, or not to these. */
  checkOffsets?(
    config: ConfigOf<D>,
    offsets: readonly (TopicPartition & { readonly offset: number | null })[],
  ): void | Promise<void>;
}

/** An offset to be committed: the next record's. */
export interface SinkOffset extends TopicPartition {
  /** The next record's. */
  readonly offset: number;
}

/** What a sink's task can ask of its worker. */
export interface SinkTaskContext {
  /** The connector's name. */
  readonly connector: string;
  /** The task's number, from 0. */
  readonly taskId: number;
  /** Time, chance and timers. */
  readonly environment: Environment;
  /** The log of its class. */
  readonly log: Log;
  /** What it gets records of now. */
  assignment(): readonly TopicPartition[];
  /** Nothing comes of these partitions until `resume`. */
  pause(partitions: readonly TopicPartition[]): void;
  /** Ends what `pause` began. */
  resume(partitions: readonly TopicPartition[]): void;
  /** Goes on at these offsets, for sinks that store offsets themselves. */
  seek(offsets: readonly SinkOffset[]): void;
  /** Commits as soon as may be, not only when it is time. */
  requestCommit(): void;
  /** How long to wait before a batch that was refused with `RetriableError` is put again, ms. */
  retryIn(delayMs: number): void;
  /** Whether a record that is reported may be passed over (`errors.tolerance=all`): else it is no use to look for the one to blame. */
  readonly toleratesErrors: boolean;
  /**
   * A record that cannot be written, with the reason, while the others of its batch can. Resolves when it is safe to go on without
   * it (`errors.tolerance=all`; it is in the dead letter queue where there is one), else rejects: throw that on.
   */
  reportErrant(record: SinkRecord, error: Error): Promise<void>;
  /** For sinks of others' records without a schema of their own: resolves after so long. */
  pauseFor(delayMs: number): Promise<void>;
}

/** Writes its part of some topics. */
export interface SinkTask<C = Record<string, unknown>> {
  /** Opens what is written to. `raw`: names that the declaration does not know, too. */
  start(config: C, context: SinkTaskContext, raw: RawConfig): Promise<void> | void;
  /** Records of these partitions come from now on. */
  open?(partitions: readonly TopicPartition[]): Promise<void> | void;
  /**
   * Writes records, or takes them to be written by `flush`. A record of a partition comes behind those before it. Throw
   * `RetriableError` when the whole batch should be put again.
   */
  put(records: readonly SinkRecord[]): Promise<void> | void;
  /** Before offsets are committed: what was put is written when it returns. `offsets`: behind everything that was put. */
  flush?(offsets: readonly SinkOffset[]): Promise<void> | void;
  /** Which offsets may be committed, for sinks that write later than that; default: calls `flush`, then all of them. */
  preCommit?(offsets: readonly SinkOffset[]): Promise<readonly SinkOffset[]> | readonly SinkOffset[];
  /** Nothing of these partitions comes any more; their offsets have been committed. */
  close?(partitions: readonly TopicPartition[]): Promise<void> | void;
  /** Lets go of everything. */
  stop(): Promise<void> | void;
}

// ── Transformations ───────────────────────────────────────────────────────────────────────────────────────────────

/** Changes records one by one. */
export interface Transformation {
  /** The record as it goes on, or null: it does not. Keeps what it does not know (`{ ...record, value }`). Throws `DataError`. */
  apply<R extends ConnectRecord>(record: R): R | null | Promise<R | null>;
  /** Lets go of what it has. */
  close?(): void;
}

/** How transformations are made. */
export interface TransformationPlugin<D extends ConfigDef = ConfigDef> extends PluginFace<D> {
  /** Changes records. */
  readonly kind: 'transformation';
  /** One, for a connector's settings. */
  create(config: ConfigOf<D>, raw: RawConfig): Transformation | Promise<Transformation>;
}

/** Says which records a transformation is for. */
export interface Predicate {
  /** Whether it is one of them. */
  test(record: ConnectRecord): boolean;
}

/** How predicates are made. */
export interface PredicatePlugin<D extends ConfigDef = ConfigDef> extends PluginFace<D> {
  /** Tells records apart. */
  readonly kind: 'predicate';
  /** One, for a connector's settings. */
  create(config: ConfigOf<D>, raw: RawConfig): Predicate;
}

// ── Converters ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What converters have beside their settings. */
export interface ConverterContext {
  /** Whether it is for keys. */
  readonly isKey: boolean;
  /** The registry that `schema.registry.url` of these settings names, or the platform's own. */
  schemaSource(config: RawConfig): SchemaSource;
}

/** Values to bytes and back. Both may have to wait for a schema; what they know already comes at once. */
export interface Converter {
  /** Throws, or rejects with, `DataError`. */
  fromConnect(
    topic: string,
    headers: readonly ConnectHeader[],
    schema: Schema | null,
    value: unknown,
  ): Uint8Array | null | Promise<Uint8Array | null>;
  /** Throws, or rejects with, `DataError`. */
  toConnect(
    topic: string,
    headers: readonly { readonly key: string; readonly value: Uint8Array | null }[],
    bytes: Uint8Array | null,
  ): SchemaAndValue | Promise<SchemaAndValue>;
}

/** How converters are made. */
export interface ConverterPlugin<D extends ConfigDef = ConfigDef> extends PluginFace<D> {
  /** Makes bytes of keys and values. */
  readonly kind: 'converter';
  /** One, for keys or for values. */
  create(config: ConfigOf<D>, raw: RawConfig, context: ConverterContext): Converter;
}

/** Values of headers to bytes and back. */
export interface HeaderConverter {
  /** The bytes of a header's value; null where it has none. Throws `DataError`. */
  fromConnect(topic: string, key: string, schema: Schema | null, value: unknown): Uint8Array | null;
  /** The value of a header's bytes. Throws `DataError`. */
  toConnect(topic: string, key: string, bytes: Uint8Array | null): SchemaAndValue;
}

/** How header converters are made. */
export interface HeaderConverterPlugin<D extends ConfigDef = ConfigDef> extends PluginFace<D> {
  /** Makes bytes of headers. */
  readonly kind: 'header_converter';
  /** One, for a connector's settings. */
  create(config: ConfigOf<D>, raw: RawConfig): HeaderConverter;
}

/** Anything that a configuration can name. */
export type Plugin =
  | SourcePlugin
  | SinkPlugin
  | TransformationPlugin
  | PredicatePlugin
  | ConverterPlugin
  | HeaderConverterPlugin;

/** Declares a source: what it is given, with the types of its settings. */
export function sourcePlugin<const D extends ConfigDef>(plugin: Omit<SourcePlugin<D>, 'kind'>): SourcePlugin<D> {
  return { ...plugin, kind: 'source' };
}
/** Declares a sink: what it is given, with the types of its settings. */
export function sinkPlugin<const D extends ConfigDef>(plugin: Omit<SinkPlugin<D>, 'kind'>): SinkPlugin<D> {
  return { ...plugin, kind: 'sink' };
}
/** Declares a transformation. */
export function transformationPlugin<const D extends ConfigDef>(
  plugin: Omit<TransformationPlugin<D>, 'kind'>,
): TransformationPlugin<D> {
  return { ...plugin, kind: 'transformation' };
}
/** Declares a predicate. */
export function predicatePlugin<const D extends ConfigDef>(
  plugin: Omit<PredicatePlugin<D>, 'kind'>,
): PredicatePlugin<D> {
  return { ...plugin, kind: 'predicate' };
}
/** Declares a converter. */
export function converterPlugin<const D extends ConfigDef>(
  plugin: Omit<ConverterPlugin<D>, 'kind'>,
): ConverterPlugin<D> {
  return { ...plugin, kind: 'converter' };
}
/** Declares a header converter. */
export function headerConverterPlugin<const D extends ConfigDef>(
  plugin: Omit<HeaderConverterPlugin<D>, 'kind'>,
): HeaderConverterPlugin<D> {
  return { ...plugin, kind: 'header_converter' };
}
