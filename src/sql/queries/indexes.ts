// CREATE INDEX and DROP INDEX. What an index is stands in the catalogue; the hosts make theirs when they are first asked
// (`table-index.ts`).
import { refuse } from '../errors.ts';
import type { CreateIndex, Statement } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { allColumns } from '../schema.ts';
import { type EngineContext, nothingToDo, type PreparedStatement, type Settings } from '../statements/context.ts';
import { typeText } from '../types.ts';
import { Materialization } from './materialization.ts';
import type { KafkaExecutor } from './persistent.ts';

/** What a table may have at most: each is kept up, and held in memory. */
const MOST_PER_TABLE = 16;

export function createIndex(engine: EngineContext, statement: CreateIndex, setting: Settings): PreparedStatement {
  const { name, table, columns, ifNotExists } = statement;
  const { catalog } = engine;
  if (catalog.index(name) !== undefined) {
    if (ifNotExists) return nothingToDo({ kind: 'warning', message: `Index ${quoteName(name)} already exists.` });
    refuse(`Index ${quoteName(name)} already exists.`);
  }
  const shown = quoteName(table);
  const source = catalog.source(table);
  if (source === undefined) return refuse(`Cannot index an unknown table: ${shown}`);
  if (source.kind === 'STREAM') refuse(`Cannot index a stream: ${shown}. It is read from its topic.`);
  const query = source.createdBy === undefined ? undefined : engine.queries.get(source.createdBy);
  const { schemas, functions, log } = engine;
  const materialization = query && Materialization.of({ functions, schemas, log, setting }, query.plan);
  if (materialization === undefined)
    return refuse(`Cannot index ${shown}: no query keeps its rows, so that it isn't queryable.`);
  if (source.window !== undefined || materialization.rowOf === undefined)
    refuse(
      `Cannot index ${shown}: ${source.window === undefined ? 'its rows are joined when they are asked for' : 'it is windowed'}.`,
    );
  for (const [i, columnName] of columns.entries()) {
    const column = allColumns(source.schema).find((candidate) => candidate.name === columnName);
    if (column === undefined) return refuse(`Cannot index ${shown}: it has no column ${quoteName(columnName)}.`);
    if (columns.indexOf(columnName) !== i) refuse(`Cannot index ${quoteName(columnName)} twice.`);
    const { type } = column;
    if (type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT')
      refuse(`Cannot index ${quoteName(columnName)}: it is of type ${typeText(type)}.`);
  }
  if (catalog.indexes(table).length >= MOST_PER_TABLE)
    refuse(`Cannot index ${shown}: it has ${MOST_PER_TABLE} indexes already.`);
  return {
    result: { kind: 'done', message: `Index ${name} created on ${table}` },
    carryOut: () => catalog.putIndex({ name, table, columns }),
  };
}

export function dropIndex(
  { catalog }: EngineContext,
  { name, ifExists }: Extract<Statement, { kind: 'dropIndex' }>,
  executor: Pick<KafkaExecutor, 'dropIndex'> | undefined,
): PreparedStatement {
  const index = catalog.index(name);
  if (index === undefined) {
    const message = `Index ${quoteName(name)} does not exist.`;
    return ifExists ? nothingToDo({ kind: 'warning', message }) : refuse(message);
  }
  return {
    result: { kind: 'done', message: `Index ${name} was dropped` },
    async carryOut() {
      catalog.dropIndex(name);
      const queryId = catalog.source(index.table)?.createdBy;
      if (queryId !== undefined) await executor?.dropIndex(queryId, name);
    },
  };
}
