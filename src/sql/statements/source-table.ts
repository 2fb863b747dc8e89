import type { DataSource } from '../catalog.ts';
import { noJsonCounts } from '../formats/reading.ts';
import { compileTopology } from '../compile/topology.ts';
import type { Query } from '../parser/ast.ts';
import type { QueryPlan } from '../plan/plan.ts';
import { planQuery } from '../plan/planner.ts';
import type { EngineContext, PersistentQuery, Settings } from './context.ts';

/** CREATE SOURCE TABLE: a query without a sink keeps the table's rows, so that pull queries find them. */
export function sourceTableQuery(engine: EngineContext, source: DataSource, setting: Settings): PersistentQuery {
  const { functions, schemas, log } = engine;
  // The table is planned as if it were there already.
  const catalog = engine.catalog.with(source);
  const columns = source.schema.value.map((column) => column.name);
  const query: Query = {
    select: columns.map((name) => ({ kind: 'item', expression: { kind: 'column', name } })),
    from: { name: source.name, alias: source.name },
    joins: [],
  };
  const target = { sinkName: undefined, statement: source.sql, keyFormat: undefined, valueFormat: undefined };
  const planned = planQuery({ catalog, functions, setting }, query, target);
  const queryId = `CST_${source.name}_${engine.nextQueryNumber()}`;
  const sources = [source.name];
  const queryPlan: QueryPlan = {
    queryId,
    resultKind: 'TABLE',
    root: planned.root,
    sources,
    sink: undefined,
    text: source.sql,
  };
  const topology = compileTopology({ functions, schemas, log, setting }, queryPlan, noJsonCounts());
  return { queryId, plan: queryPlan, topology, sink: undefined, sql: source.sql };
}
