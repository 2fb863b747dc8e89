// Queries whose rows go to a client. They may select what a source may not have as columns (ROWTIME, the window's bounds,
// unaliased), so those items get names of their own for planning, and their real names back in the result.
import type { Catalog, DataSource } from '../catalog.ts';
import type { ColumnReference, Expression, Query, SelectItem } from '../parser/ast.ts';
import { isSystemColumn, isWindowBound, windowColumns } from '../schema.ts';
import { type PlannedQuery, planQuery } from '../plan/planner.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import type { ResultColumn } from './entities.ts';

const ALIAS_PREFIX = 'KSQL_SYSTEM_COLUMN_';

export interface TransientQuery extends PlannedQuery {
  readonly columns: readonly ResultColumn[];
  /** Columns of the result that hold a part of the row's key or its window: they survive a deletion. */
  readonly identity: readonly boolean[];
}

export function planTransient(
  environment: PlanEnvironment,
  query: Query,
  statement: string,
  isAtRest = false,
): TransientQuery {
  const { catalog } = environment;
  const select = query.select.flatMap((item) => selectable(item, query, catalog));
  const planned = planQuery(
    environment,
    { ...query, select },
    { sinkName: undefined, statement, keyFormat: undefined, valueFormat: undefined, isAtRest },
  );
  const keyNames = new Set(planned.root.key.map((column) => column.name));
  const items = planned.root.kind === 'project' ? planned.root.items : [];
  const columns = planned.root.columns.map(({ name, type }) => {
    const ownName = name.startsWith(ALIAS_PREFIX) ? name.slice(ALIAS_PREFIX.length) : name;
    const expression = items.find((item) => item.name === name)?.expression;
    const header = expression?.kind === 'column' ? headerOf(planned.sources, expression.name) : undefined;
    return { name: ownName, type, isKey: keyNames.has(ownName) || isWindowBound(ownName), header };
  });
  const identity = planned.root.columns.map(({ name }) => {
    const expression = items.find((item) => item.name === name)?.expression;
    return expression?.kind === 'column' && (keyNames.has(expression.name) || isWindowBound(expression.name));
  });
  return { ...planned, columns, identity };
}

/** What a column of the only source is read from, if that is headers. */
function headerOf([source, ...others]: readonly DataSource[], name: string): string | undefined {
  const column = source?.schema.value.find((candidate) => candidate.name === name);
  if (others.length > 0 || column?.namespace !== 'HEADERS') return undefined;
  return column.headerKey === undefined ? 'HEADERS' : `HEADER('${column.headerKey}')`;
}

function selectable(item: SelectItem, query: Query, catalog: Catalog): SelectItem[] {
  if (item.kind === 'all') return starOf(item, query, catalog);
  const { expression, alias } = item;
  // What every source has, of one of several.
  if (alias === undefined && query.joins.length > 0 && isSourcesOwn(expression))
    return [{ ...item, alias: `${expression.source}_${expression.name}` }];
  const name = alias ?? (expression.kind === 'column' ? expression.name : undefined);
  if (name === undefined || !isSystemColumn(name)) return [item];
  return [{ ...item, alias: ALIAS_PREFIX + name }];
}

function isSourcesOwn(e: Expression): e is ColumnReference & { readonly source: string } {
  return e.kind === 'column' && e.source !== undefined && isSystemColumn(e.name);
}

/** A star over a windowed source has the window's bounds behind the key, which it has not in persistent queries. */
function starOf(item: SelectItem & { kind: 'all' }, query: Query, catalog: Catalog): SelectItem[] {
  const source = query.from.queries === undefined ? catalog.source(query.from.name) : undefined;
  if (query.joins.length > 0 || source?.window === undefined) return [item];
  return columnsOfWindowed(source).flatMap((name) => {
    const expression: Expression = { kind: 'column', name };
    return selectable({ kind: 'item', expression }, query, catalog);
  });
}

function columnsOfWindowed({ schema }: DataSource): string[] {
  return [
    ...schema.key.map((column) => column.name),
    ...windowColumns.map((column) => column.name),
    ...schema.value.map((column) => column.name),
  ];
}
