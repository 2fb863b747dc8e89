// The rows of a table as they are in the state that this host keeps of its query.
import type { KafkaStreams, QueryableStore } from '../../streams/index.ts';
import { type Environment, MillraceError, yieldToEventLoop } from '../../util/index.ts';
import type { TopologyEnvironment } from '../compile/flow.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { FilterStep, Step } from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';
import type { HostedQuery, OpenRows, RowsRequest, TableRequest } from './host.ts';
import type { TableIndexes } from './table-index.ts';
import { Materialization, orNull, type TableRow } from './materialization.ts';

/** So many rows are read in one go. */
const ROWS_PER_SLICE = 500;

export interface TableRowsOptions {
  readonly compiling: TopologyEnvironment;
  readonly environment: Environment;
  /** The query that makes the table, if it runs here. */
  readonly running:
    | { readonly query: HostedQuery; readonly streams: KafkaStreams; readonly indexes: TableIndexes }
    | undefined;
}

export function tableRows(
  { from, root, limit }: RowsRequest<TableRequest>,
  { compiling, environment, running }: TableRowsOptions,
): OpenRows<Row> {
  const materialization = running && Materialization.of(compiling, running.query.plan);
  const serving = materialization && running!.streams.serving(materialization.storeName);
  const wanted = materialization?.partitionsOf(from.lookup, serving!.partitionCount) ?? [];
  const partitions = wanted.filter((partition) => serving!.partitions.includes(partition));
  if (partitions.length === 0) return { share: { partitions, wanted }, batches: nothing(), close };
  const storeOf = (name: string): QueryableStore => running!.streams.store(name);
  const { predicate, project } = stretchOf(compiling.functions, root);

  async function* batches(): AsyncGenerator<Row[]> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    let found: Row[] = [];
    let read = 0;
    const check = (): void => {
      if (!serving!.isCurrent()) throw moved(from.queryId);
    };
    check();
    try {
      const { index } = from.lookup;
      const { rowOf, storeName } = materialization!;
      const lookup =
        index === undefined
          ? from.lookup
          : { keys: await running!.indexes.keys(storeOf(storeName).parts(), rowOf!, index) };
      check();
      for await (const entry of materialization!.rows(storeOf, lookup)) {
        if (left <= 0) break;
        const row = assembled(entry, from.hasWindow);
        if (predicate(row)) {
          left--;
          found.push(project(row));
        }
        if (++read % ROWS_PER_SLICE > 0) continue;
        yield found;
        found = [];
        await yieldToEventLoop(environment);
        check();
      }
    } catch (error) {
      // State that has been closed fails in its own words.
      check();
      throw error;
    }
    check();
    yield found;
  }
  return { share: { partitions, wanted }, batches: batches(), close };
}

async function close(): Promise<void> {
  // Nothing is held: what reads goes with who reads.
}

async function* nothing(): AsyncGenerator<Row[]> {
  // Some other host has them.
}

function moved(queryId: string): MillraceError {
  return new MillraceError('PARTITION_MOVED', `The partitions of ${queryId} were moved while its rows were read.`, {
    retriable: true,
  });
}

/** The columns that a pull query sees: those of the source. */
function assembled({ key, window, values, timestamp }: TableRow, hasWindow: boolean): Row {
  const row: SqlValue[] = [...values, timestamp, null, null, ...key];
  if (hasWindow) row.push(window?.start ?? null, window?.end ?? null);
  return row;
}

/** The predicate and the projection of a stateless plan, over rows of its source. */
function stretchOf(
  functions: FunctionCatalog,
  root: Step,
): { predicate: (row: Row) => boolean; project: (row: Row) => Row } {
  const filters: FilterStep[] = [];
  let step: Step = root.kind === 'project' ? root.input : root;
  const evaluator = new Evaluator(functions, step.columns);
  while (step.kind === 'filter') {
    filters.push(step);
    step = step.input;
  }
  const tests = filters.map(({ predicate }) => evaluator.evaluate(predicate.expression));
  const items =
    root.kind === 'project' ? root.items.map(({ expression }) => evaluator.evaluate(expression)) : undefined;
  return {
    predicate: (row) => tests.every((test) => orNull(test, row) === true),
    project: (row) => items?.map((evaluate) => orNull(evaluate, row)) ?? row,
  };
}
