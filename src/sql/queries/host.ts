// PORT. Where queries run: in this thread (`local-host.ts`) or in another one (`remote-host.ts`). What a host is given is
// plain data; a query is compiled where it runs. Several hosts that run a query share its partitions as members of a group.
import type { CodecColumn } from '../formats/codec.ts';
import type { QueryPlan, Step } from '../plan/plan.ts';
import type { ResultFormat, ResultRow } from '../statements/entities.ts';
import type { SettingValues } from '../settings.ts';
import type { QueryCounts } from '../statements/context.ts';
import type { Row } from '../values/value.ts';
import type { Lookup } from './materialization.ts';
import type { ToldProblem } from './problems.ts';

/** A persistent query to run. */
export interface HostedQuery {
  readonly plan: QueryPlan;
  readonly applicationId: string;
  readonly settings: SettingValues;
  /** Whether other hosts run it, too: then how the work is shared is asked about more often. */
  readonly isShared: boolean;
}

/** What other queries need to know of one that runs exactly once: who waits for whose results. */
export interface LinkedQuery {
  readonly applicationId: string;
  readonly sources: readonly string[];
  readonly sink: string | undefined;
}

/** Rows of a table, from the state of the query that makes it. */
export interface TableRequest {
  readonly kind: 'table';
  readonly queryId: string;
  readonly lookup: Lookup;
  readonly hasWindow: boolean;
}

/** Rows of a stream, from its topic: the records that it holds now. */
export interface StreamRequest {
  readonly kind: 'stream';
  readonly topic: string;
}

/**
 * Rows of a table that no query keeps, from its topic: the latest of each key. Before its columns, each has the partition of its
 * record, and the bytes of that one's key.
 */
export interface LatestRequest {
  readonly kind: 'latest';
  readonly topic: string;
}

/** What is read, and ends. */
export type FiniteRequest = TableRequest | StreamRequest | LatestRequest;

/** Rows as they come, until they are closed. */
export interface PushRequest {
  readonly kind: 'push';
  readonly applicationId: string;
  /** Columns that hold a part of the row's key or its window: they survive a deletion. */
  readonly identity: readonly boolean[];
  /** Records without a key are passed over. */
  readonly skipsNullKeys: boolean;
}

/** A query whose rows go to a client. */
export interface RowsRequest<Kind = FiniteRequest | PushRequest> {
  readonly queryId: string;
  readonly from: Kind;
  /** What is done to the rows of the source. */
  readonly root: Step;
  /** Of the result. */
  readonly columns: readonly CodecColumn[];
  readonly format: ResultFormat;
  /** At most so many rows; undefined: all. */
  readonly limit: number | undefined;
  readonly settings: SettingValues;
}

/** Which part of a table a host has rows of. */
export interface Share {
  /** Of those that are wanted. */
  readonly partitions: readonly number[];
  /** Partitions, here and elsewhere, that can have what is looked for. Empty: not known here yet. */
  readonly wanted: readonly number[];
}

/** Rows that are being read. Whoever takes them reads them to the end, or closes them. */
export interface OpenRows<R> {
  /** Of a table. */
  readonly share: Share | undefined;
  /** Throws `PARTITION_MOVED` (retriable) when the share of a table is another one before all rows are read. */
  readonly batches: AsyncIterable<readonly R[]>;
  close(): Promise<void>;
}

/** What one host has counted of a query. */
export type HostCounts = Omit<QueryCounts, 'runningMs'>;

export interface QueryHost {
  /** False while it has lost what ran on it, and is coming back. */
  readonly isAvailable: boolean;
  /** Resolves when the query processes what the group gave it here; a query with the same id is ended before. */
  start(query: HostedQuery): Promise<void>;
  /** Ends a query, at a commit. What it keeps on the disk and in topics stays. */
  end(queryId: string): Promise<void>;
  /** All queries that run exactly once, here and elsewhere. */
  link(queries: readonly LinkedQuery[]): Promise<void>;
  /** Lets go of what it keeps for an index of a query's table. */
  dropIndex(queryId: string, name: string): Promise<void>;
  counts(queryId: string): Promise<HostCounts>;
  /** Rows as the JSON texts of their columns. */
  open(request: RowsRequest): Promise<OpenRows<ResultRow>>;
  /** Rows as values. */
  openValues(request: RowsRequest<FiniteRequest>): Promise<OpenRows<Row>>;
  /** Ends everything, each query at a commit. */
  close(): Promise<void>;
}

/** What a host tells by itself. */
export interface HostEvents {
  /** A persistent query stopped at an error. */
  failed(queryId: string, error: unknown): void;
  /** Something that somebody keeps went wrong with a row. */
  problem(problem: ToldProblem): void;
  /** So many more problems were not told, as they came faster than they could be. */
  leftOut(count: number): void;
  log(message: string): void;
}
