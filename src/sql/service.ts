import type { Entity, RunningQuery } from './entities.ts';

/** What one request may set for its statements alone. */
export interface RequestContext {
  /** Overrides of properties, as SET makes them. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Values for `${name}`. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Lines of PRINT, until the topic ends, LIMIT is reached, or it is closed. */
export interface PrintedTopic {
  readonly lines: AsyncIterable<string>;
  close(): Promise<void>;
}

/** The SQL service as its REST rim sees it. */
export interface SqlService {
  readonly version: string;
  readonly serviceId: string;
  readonly kafkaClusterId: string;
  /** Runs every statement of a text in order; the first refusal stops it (`StatementError`, `SyntaxError`). */
  execute(text: string, context: RequestContext): Promise<Entity[]>;
  /** Starts the one SELECT or PRINT of a text. */
  query(text: string, context: RequestContext): Promise<RunningQuery | PrintedTopic>;
  /** Appends one row, given as JSON, to a stream or table; resolves when it is stored. */
  insert(target: string, row: Readonly<Record<string, unknown>>): Promise<void>;
  /** False when there is no such query. */
  closeQuery(queryId: string): Promise<boolean>;
  /** The state of every statement in the command log, by `type/entity/action`. */
  commandStatuses(): Readonly<
    Record<string, { readonly status: string; readonly message: string; readonly queryId?: string }>
  >;
  health(): { readonly metastore: boolean; readonly kafka: boolean; readonly commandRunner: boolean };
}
