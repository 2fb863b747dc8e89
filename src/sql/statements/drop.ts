import { refuse, refuseName } from '../errors.ts';
import type { Statement } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { type EngineContext, nothingToDo, type PreparedStatement } from './context.ts';

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** DROP STREAM and DROP TABLE: also ends the query that made the source; refused while other queries hold it. */
export function dropSource(engine: EngineContext, statement: Of<'dropSource'>): PreparedStatement {
  const { catalog } = engine;
  const { name, type } = statement;
  const word = type === 'STREAM' ? 'Stream' : 'Table';
  const source = catalog.source(name);
  if (source === undefined) {
    if (statement.ifExists) return nothingToDo({ kind: 'done', message: `Source ${quoteName(name)} does not exist.` });
    return refuseName(`${word} ${name} does not exist`, name, catalog.sourceNames);
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
  return {
    result: { kind: 'done', message: `Source ${quoteName(name)} (topic: ${source.topic}) was dropped.` },
    async carryOut() {
      if (source.createdBy !== undefined) await terminateQuery(engine, source.createdBy);
      await engine.generators?.stop(name);
      catalog.drop(name);
      if (statement.deleteTopic) await engine.topics.delete(source.topic);
    },
  };
}

/** TERMINATE, of one query or of all. */
export function terminate(engine: EngineContext, queryId: string | undefined): PreparedStatement {
  const ids = queryId === undefined ? [...engine.queries.keys()] : [queryId];
  const unknown = ids.find((id) => !engine.queries.has(id));
  if (unknown !== undefined) refuseName(`Unknown queryId: ${unknown}`, unknown, engine.queries.keys());
  return {
    result: { kind: 'done', message: 'Query terminated.' },
    async carryOut() {
      for (const id of ids) await terminateQuery(engine, id);
    },
  };
}

async function terminateQuery(engine: EngineContext, queryId: string): Promise<void> {
  engine.catalog.unlink(queryId);
  if (!engine.queries.delete(queryId)) return;
  await engine.executor.stop(queryId);
}

/** ALTER ... ADD COLUMN. */
export function alterSource(engine: EngineContext, statement: Of<'alterSource'>): PreparedStatement {
  const { catalog } = engine;
  const { name, type } = statement;
  const word = type.toLowerCase();
  const source = catalog.source(name);
  if (source === undefined) return refuseName(`Source ${name} does not exist.`, name, catalog.sourceNames);
  if (source.kind !== type) refuse(`Incompatible data source type is ${source.kind}, but statement was ALTER ${type}`);
  if (source.isSource) refuse(`Cannot alter ${word} '${name}': ALTER operations are not supported on source ${word}s.`);
  if (source.isGenerated === true)
    refuse(`Cannot alter ${word} '${name}': its rows are made by CONNECTOR='datagen'. CREATE OR REPLACE makes others.`);
  if (source.createdBy !== undefined) refuse(`ALTER command is not supported for CREATE ... AS statements.`);
  const known = new Set([...source.schema.key, ...source.schema.value].map((column) => column.name));
  const added = statement.add.map((column) => {
    if (known.has(column.name))
      refuse(`Cannot add column ${quoteName(column.name)} to schema. A column with the same name already exists.`);
    known.add(column.name);
    return { name: column.name, type: catalog.resolveType(column.type), namespace: 'VALUE' as const };
  });
  return {
    result: { kind: 'done', message: `${type === 'STREAM' ? 'Stream' : 'Table'} ${name} altered successfully.` },
    carryOut: () =>
      catalog.put({ ...source, schema: { key: source.schema.key, value: [...source.schema.value, ...added] } }),
  };
}

/** CREATE TYPE and DROP TYPE. */
export function createType(engine: EngineContext, statement: Of<'createType'>): PreparedStatement {
  const { catalog } = engine;
  if (catalog.type(statement.name) !== undefined) {
    const message = `${statement.name} is already registered`;
    return statement.ifNotExists
      ? nothingToDo({ kind: 'warning', message })
      : refuse(`Cannot register custom type ${message}`);
  }
  const type = catalog.resolveType(statement.type);
  return {
    result: { kind: 'done', message: `Registered custom type with name '${statement.name}'` },
    carryOut: () => catalog.putType(statement.name, type),
  };
}

export function dropType({ catalog }: EngineContext, { name, ifExists }: Of<'dropType'>): PreparedStatement {
  if (catalog.type(name) !== undefined) {
    return { result: { kind: 'done', message: `Dropped type '${name}'` }, carryOut: () => void catalog.dropType(name) };
  }
  if (!ifExists) refuseName(`Type ${name} does not exist.`, name, catalog.types().keys());
  return nothingToDo({ kind: 'done', message: `Type '${name}' does not exist` });
}
