import type { KStream, KTable, Windowed } from '../../streams/index.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import type { Step } from '../plan/plan.ts';
import type { Row } from '../values/value.ts';
import type { Evaluate } from '../expressions/evaluation/evaluate.ts';
import type { FormatEnvironment } from '../formats/row-serde.ts';

// What the compilers of single steps share.

/** What goes wrong with single rows is told here; the query goes on. */
export type ProcessingLog = (failure: {
  readonly queryId: string;
  readonly step: string;
  readonly error: unknown;
}) => void;

/** What is planned names no sources any more. */
export interface TopologyEnvironment extends Omit<PlanEnvironment, 'catalog'>, FormatEnvironment {
  readonly log: ProcessingLog;
}

/** Keys of windowed rows carry their window. */
export type RowKey = Row | Windowed<Row> | null;
export type RowStream = KStream<RowKey, Row | null>;
export type RowTable = KTable<RowKey, Row | null>;
export type Flow = { readonly stream: RowStream } | { readonly table: RowTable };

/** What the compiler of one step needs of the others. */
export interface StepContext {
  readonly env: TopologyEnvironment;
  readonly queryId: string;
  guarded(evaluate: Evaluate, step: string): Evaluate;
  stream(step: Step): RowStream;
  table(step: Step): RowTable;
}

/** The key's row, without its window. */
export function plainKey(key: RowKey): Row | null {
  return key === null || Array.isArray(key) ? (key as Row | null) : (key as Windowed<Row>).key;
}
