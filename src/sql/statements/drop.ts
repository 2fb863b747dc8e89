import { refuse } from '../errors.ts';
import type { Statement } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import type { EngineContext, StatementResult } from './context.ts';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** DROP STREAM and DROP TABLE: also ends the query that made the source; refused while other queries hold it. */
export async function dropSource(engine: EngineContext, statement: Of<'dropSource'>): Promise<StatementResult> {
  const { catalog } = engine;
  const { name, type } = statement;
  const word = type === 'STREAM' ? 'Stream' : 'Table';
  const source = catalog.source(name);
  if (source === undefined) {
    if (statement.ifExists) return { kind: 'done', message: `Source ${quoteName(name)} does not exist.` };
    return refuse(`${word} ${name} does not exist`);
  }
  if (source.kind !== type) refuse(`Incompatible data source type is ${source.kind}, but statement was DROP ${type}`);
  if (source.isSource && statement.deleteTopic) refuse(`Cannot delete topic for read-only source: ${name}`);
  const readers = catalog.queriesReading(name);
  const writers = catalog.queriesWriting(name).filter((queryId) => queryId !== source.createdBy);
  if (readers.length > 0 || writers.length > 0) {
    refuse(
      `Cannot drop ${name}.\nThe following queries read from this source: [${readers.join(', ')}].\nThe following queries write into this source: [${writers.join(', ')}].\nYou need to terminate them before dropping ${name}.`,
    );
  }
  if (source.createdBy !== undefined) await terminateQuery(engine, source.createdBy);
  catalog.drop(name);
  if (statement.deleteTopic) await engine.topics.delete(source.topic);
  return { kind: 'done', message: `Source ${quoteName(name)} (topic: ${source.topic}) was dropped.` };
}

export async function terminateQuery(engine: EngineContext, queryId: string): Promise<void> {
  engine.catalog.unlink(queryId);
  if (!engine.queries.delete(queryId)) return;
  await engine.executor.stop(queryId);
}

/** ALTER ... ADD COLUMN. */
export function alterSource(engine: EngineContext, statement: Of<'alterSource'>): StatementResult {
  const { catalog } = engine;
  const { name, type } = statement;
  const word = type.toLowerCase();
  const source = catalog.source(name);
  if (source === undefined) return refuse(`Source ${name} does not exist.`);
  if (source.kind !== type) refuse(`Incompatible data source type is ${source.kind}, but statement was ALTER ${type}`);
  if (source.isSource) refuse(`Cannot alter ${word} '${name}': ALTER operations are not supported on source ${word}s.`);
  if (source.createdBy !== undefined) refuse(`ALTER command is not supported for CREATE ... AS statements.`);
  const known = new Set([...source.schema.key, ...source.schema.value].map((column) => column.name));
  const added = statement.add.map((column) => {
    if (known.has(column.name))
      refuse(`Cannot add column ${quoteName(column.name)} to schema. A column with the same name already exists.`);
    known.add(column.name);
    return { name: column.name, type: catalog.resolveType(column.type), namespace: 'VALUE' as const };
  });
  catalog.put({ ...source, schema: { key: source.schema.key, value: [...source.schema.value, ...added] } });
  return { kind: 'done', message: `${type === 'STREAM' ? 'Stream' : 'Table'} ${name} altered successfully.` };
}

/** CREATE TYPE and DROP TYPE. */
export function createType(engine: EngineContext, statement: Of<'createType'>): StatementResult {
  const { catalog } = engine;
  if (catalog.type(statement.name) !== undefined) {
    const message = `${statement.name} is already registered`;
    return statement.ifNotExists ? { kind: 'warning', message } : refuse(`Cannot register custom type ${message}`);
  }
  catalog.putType(statement.name, catalog.resolveType(statement.type));
  return { kind: 'done', message: `Registered custom type with name '${statement.name}'` };
}

export function dropType(engine: EngineContext, statement: Of<'dropType'>): StatementResult {
  const dropped = engine.catalog.dropType(statement.name);
  if (!dropped && !statement.ifExists) refuse(`Type ${statement.name} does not exist.`);
  return {
    kind: 'done',
    message: dropped ? `Dropped type '${statement.name}'` : `Type '${statement.name}' does not exist`,
  };
}
