import type { KStream, KTable, StreamsBuilder, Windowed } from '../../streams/index.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import type { Step } from '../plan/plan.ts';
import type { Row } from '../values/value.ts';
import type { Evaluate } from '../expressions/evaluation/evaluate.ts';
import type { FormatEnvironment } from '../formats/row-serde.ts';

// What the compilers of single steps share.

/** Something that went wrong with a single row. What it refers to is valid during the call only. */
export interface Problem {
  /** A record that can't be read, an expression that fails, a result that can't be written, or that the broker refuses. */
  readonly kind: 'deserialization' | 'processing' | 'serialization' | 'production';
  readonly queryId: string;
  readonly step: string;
  readonly error: unknown;
  /** The record that it is about, where that is one of the query's sources. */
  readonly at?: { readonly topic: string; readonly partition: number; readonly offset: number } | undefined;
  /** Of a record that can't be read. */
  readonly bytes?: {
    readonly part: 'key' | 'value';
    readonly key: Uint8Array | null;
    readonly value: Uint8Array | null;
  };
  /** Where a result that can't be written was to go. */
  readonly target?: { readonly topic: string; readonly part: 'key' | 'value' };
  /** The row that an expression failed over, or that can't be written. */
  readonly row?: Row;
}

/** Problems are told here; the query goes on. */
export type ProcessingLog = (problem: Problem) => void;

/** What is planned names no sources any more. */
export interface TopologyEnvironment extends Omit<PlanEnvironment, 'catalog'>, FormatEnvironment {
  readonly log: ProcessingLog;
  /** The offset to begin with where a source says a time or an offset; undefined: the earliest. */
  readonly startOffset?: (topic: string, partition: number) => number | undefined;
}

/** Keys of windowed rows carry their window. */
export type RowKey = Row | Windowed<Row> | null;
export type RowStream = KStream<RowKey, Row | null>;
export type RowTable = KTable<RowKey, Row | null>;
/** A table may come as the stream of its changes, where nobody before knew what its rows were: `table` makes one of that. */
export type Flow = { readonly stream: RowStream } | { readonly table: RowTable };

/** What the compiler of one step needs of the others. */
export interface StepContext {
  readonly env: TopologyEnvironment;
  readonly builder: StreamsBuilder;
  readonly queryId: string;
  /** `over`: the step whose rows are evaluated. */
  guarded(evaluate: Evaluate, step: string, over?: Step): Evaluate;
  stream(step: Step): RowStream;
  table(step: Step): RowTable;
}

/** The key's row, without its window. */
export function plainKey(key: RowKey): Row | null {
  return key === null || Array.isArray(key) ? (key as Row | null) : (key as Windowed<Row>).key;
}
