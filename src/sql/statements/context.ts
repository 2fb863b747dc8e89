import type { Header } from '../../client/index.ts';
import type { SchemaSource } from '../../serde/index.ts';
import type { StreamsState, TaskMetrics, Topology } from '../../streams/index.ts';
import type { Catalog, DataSource } from '../catalog.ts';
import type { JsonCounts } from '../formats/reading.ts';
import type { Problem, ProcessingLog } from '../compile/flow.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { QueryPlan } from '../plan/plan.ts';
import type { Generators } from './datagen.ts';

/** What statements work with: the engine's catalogue, and the outside world as ports. */

/** PORT. The topics of the cluster. */
export interface Topics {
  /**
   * True while statements of earlier are repeated: they were accepted, and what has become of the topics since (gone, more
   * partitions) does not take them back. It is a matter of the queries that read them.
   */
  readonly areRepeated: boolean;
  describe(topic: string): Promise<{ readonly partitions: number; readonly replicas: number } | undefined>;
  create(topic: string, options: TopicOptions): Promise<void>;
  delete(topic: string): Promise<void>;
}

export interface TopicOptions {
  readonly partitions: number;
  readonly replicas: number;
  readonly cleanupPolicy: 'delete' | 'compact' | 'compact,delete';
  readonly retentionMs?: number | undefined;
}

/** A record that a statement writes. */
export interface WrittenRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Undefined: now. */
  readonly timestamp?: number | undefined;
  /** Undefined: the one of its key. */
  readonly partition?: number | undefined;
  readonly headers: readonly Header[];
}

/** PORT. Writes the records of INSERT VALUES, UPDATE and DELETE. */
export interface RecordWriter {
  /** Resolves when all of them are stored. */
  write(records: readonly WrittenRecord[]): Promise<void>;
}

export interface PersistentQuery {
  readonly queryId: string;
  readonly plan: QueryPlan;
  readonly topology: Topology;
  readonly sink: DataSource | undefined;
  /** The statement that started it. */
  readonly sql: string;
}

/** What went wrong with rows while one thing was done to them. */
export interface ProblemCount {
  readonly kind: Problem['kind'];
  readonly step: string;
  readonly count: number;
  readonly first: { readonly message: string; readonly at: Problem['at'] };
  /** The last of each host. */
  readonly lasts: readonly NonNullable<Problem['at']>[];
}

/** How a query is on one of its hosts. */
export interface InstanceStatus {
  readonly state: StreamsState;
  /** Records of changelogs that are to be read before it goes on. */
  readonly toRestore: number;
  /** What it met last, and got past or tries again. */
  readonly lastError: string | undefined;
}

/** What has been counted since a query was started. */
export interface QueryCounts {
  /** Records that its operators have left out, by operator and reason. */
  readonly dropped: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How its records in JSON were read. */
  readonly json: JsonCounts;
  readonly problems: readonly ProblemCount[];
  /** One per host that runs it; a host that is starting again has none. */
  readonly instances: readonly InstanceStatus[];
  /** Of the tasks that run now. */
  readonly tasks: readonly TaskMetrics[];
  /** How long ago it was started. */
  readonly runningMs: number;
}

/** PORT. Runs persistent queries, each under the settings of its statement. Starting one with a running id replaces that one. */
export interface QueryExecutor {
  start(query: PersistentQuery, setting: Settings): Promise<void>;
  stop(queryId: string): Promise<void>;
}

export interface EngineContext {
  readonly catalog: Catalog;
  readonly functions: FunctionCatalog;
  /** Where modules with functions may be loaded from, as the service was told; empty: from nowhere. */
  readonly extensionDir: string;
  readonly topics: Topics;
  readonly schemas: SchemaSource | undefined;
  readonly writer: RecordWriter | undefined;
  readonly generators: Generators | undefined;
  readonly executor: QueryExecutor;
  readonly log: ProcessingLog;
  /** Running persistent queries by id. */
  readonly queries: Map<string, PersistentQuery>;
  nextQueryNumber(): number;
}

/** A statement's own view of the settings: the session's overrides over the engine's. */
export type Settings = (name: string) => string | undefined;

/** What a statement did. */
export type StatementResult =
  | {
      readonly kind: 'done';
      readonly message: string;
      readonly queryId?: string | undefined;
      /** The statement that the next start repeats, where it is not the one that was given. */
      readonly repeatAs?: string | undefined;
    }
  | { readonly kind: 'warning'; readonly message: string };

/**
 * A statement that has been checked against everything that could refuse it: what it will answer, and how it is carried
 * out. In between the service makes it durable, so that what has been begun is gone on with at the next start.
 */
export interface PreparedStatement {
  readonly result: StatementResult;
  /** The query that it starts. */
  readonly query?: PersistentQuery;
  readonly carryOut: () => void | Promise<void>;
}

/** A statement that has nothing to do. */
export function nothingToDo(result: StatementResult): PreparedStatement {
  return { result, carryOut: () => {} };
}
