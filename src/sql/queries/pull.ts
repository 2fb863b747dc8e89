// SELECT without EMIT: answered from what is there now. Of a table that is the state of the query that makes it
// (`table-rows.ts`), of a stream its topic (`stream-rows.ts`). Here it is found out what is asked for, and of whom.
import { type Environment, yieldToEventLoop } from '../../util/index.ts';
import { isPlain } from '../analysis/extensions.ts';
import { checkLimit } from '../analysis/limit.ts';
import { place } from '../analysis/scope.ts';
import { columnsIn } from '../analysis/walk.ts';
import type { ResultFormat, ResultRow, RunningQuery } from '../statements/entities.ts';
import { refuse } from '../errors.ts';
import type { Expression, Query } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { arranged, shownColumns, withOrderColumns } from '../plan/arrange.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import { type Step, stepsOf, stretchSource } from '../plan/plan.ts';
import { settingValues } from '../settings.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import type { Row } from '../values/value.ts';
import type { OpenRows, StreamRequest, TableRequest } from './host.ts';
import { Materialization } from './materialization.ts';
import type { KafkaExecutor } from './persistent.ts';
import { PullRows, type Reading, stretchesOf } from './pull-rows.ts';
import { KeptRows, type Slices } from './pull-shape.ts';
import { indexLookupOf, lookupOf } from './pull-where.ts';
import { resultWriter } from './result-rows.ts';
import { columnsText } from './result-schema.ts';
import { planTransient, type TransientQuery } from '../statements/transient-query.ts';

export interface PullOptions {
  readonly executor: KafkaExecutor;
  readonly queryId: string;
  readonly text: string;
  readonly setting: Settings;
  readonly format: ResultFormat;
  readonly environment: Environment;
}

export async function startPull(engine: EngineContext, query: Query, options: PullOptions): Promise<RunningQuery> {
  const { executor, queryId, setting, text, format, environment } = options;
  const pulled = planPull(engine, query, { setting, text, stateOf: (id) => executor.state(id) });
  const { columns, root, origins, limit } = pulled;
  const result = { columns: columns.map(({ name, type }) => ({ name, type })), format };
  const rest = { queryId, settings: settingValues(setting) };
  const open = (stretch: Step, { lookup: found, limit: most }: Reading): Promise<OpenRows<Row>> => {
    const from = origins.get(stretch)!;
    const request = { ...rest, root: stretch, columns: [], format, limit: most };
    if (from.kind === 'stream') return executor.openValues({ ...request, from });
    const lookup = found === undefined || from.lookup.keys !== undefined ? from.lookup : found;
    return executor.openTableValues({ ...request, from: { ...from, lookup } });
  };
  const only = origins.get(root);
  if (only === undefined) {
    const rows = new PullRows({ environment: pulled.planning, kept: new KeptRows(setting), open });
    const write = resultWriter(result);
    return finite(queryId, pulled, written(rows.of(root), write, environment));
  }
  const request = { ...rest, ...result, root, limit };
  const { batches, close } =
    only.kind === 'table'
      ? await executor.openTable({ ...request, from: only })
      : await executor.open({ ...request, from: only });
  return finite(queryId, pulled, batches, close);
}

/** Whatever is made of many rows is made in slices, between which others have their turn. */
async function* written(slices: Slices, write: (row: Row) => string, environment: Environment) {
  for await (const rows of slices) {
    yield rows.map((row): ResultRow => ({ json: write(row), tombstone: false }));
    await yieldToEventLoop(environment);
  }
}

// ── What is asked for ─────────────────────────────────────────────────────────────────────────────────────────────

/** Where the rows of a source are read. */
export type Origin = TableRequest | StreamRequest;

export interface PulledQuery extends TransientQuery {
  readonly planning: PlanEnvironment;
  /** How many rows are wanted at most. */
  readonly limit: number | undefined;
  /** By what the plan does to a single source. */
  readonly origins: ReadonlyMap<Step, Origin>;
}

export interface PullPlanning {
  readonly setting: Settings;
  readonly text: string;
  /** The state of a persistent query. */
  readonly stateOf: (queryId: string) => string;
}

/** Understands a query, and refuses what it can't have. */
export function planPull(engine: EngineContext, query: Query, { setting, text, stateOf }: PullPlanning): PulledQuery {
  checkEnabled(query, setting);
  for (const each of queriesOf(query)) checkClauses(each, setting);
  for (const each of queriesOf(query)) checkPseudoColumns(withOrderColumns(each));
  const { catalog, functions } = engine;
  const planning: PlanEnvironment = { catalog, functions, setting };
  const planned = planTransient(planning, withOrderColumns(query), text, true);
  if (stepsOf(planned.root).some(({ kind }) => kind === 'await'))
    refuse("Pull queries don't wait for functions. Add EMIT CHANGES if you intended to issue a push query.");
  const root = arranged(planned.root, query, planned.columns, false);
  // The rows of groups and of joins have no key that one could look them up by.
  const hasKey = stretchSource(planned.root) !== undefined;
  const origins = new Map<Step, Origin>();
  for (const stretch of stretchesOf(root)) {
    const source = stretchSource(stretch)!;
    const where = planned.conditions.get(source);
    origins.set(stretch, originOf(engine, { planning, stateOf, name: source.source, where }));
  }
  if (stepsOf(planned.root).some(({ kind }) => kind === 'over' || kind === 'rank'))
    refuse("Pull queries don't support OVER. Add EMIT CHANGES if you intended to issue a push query.");
  return {
    ...planned,
    planning,
    root,
    columns: shownColumns(planned.columns).map((column) => ({ ...column, isKey: column.isKey && hasKey })),
    limit: query.limit,
    origins,
  };
}

/** A query and those in its FROM, outer before inner. */
function queriesOf(query: Query): Query[] {
  const sources = [query.from, ...query.joins.map(({ source }) => source)];
  return [query, ...sources.flatMap(({ queries = [] }) => queries.flatMap(queriesOf))];
}

/** What is read at rest does not say where it was read. */
function checkPseudoColumns(query: Query): void {
  const used = (e: Expression | undefined) =>
    e === undefined ? [] : [...new Set(columnsIn(e).map(({ name }) => name))].filter(isPlace);
  const selected = query.select.flatMap((item) => (item.kind === 'item' ? used(item.expression) : []));
  for (const [clause, names] of [
    ['SELECT', selected],
    ['JOIN ON', query.joins.flatMap(({ on }) => used(on))],
    ['WHERE', used(query.where)],
  ] as const) {
    if (names.length > 0) {
      refuse(
        `Pull queries don't support the following columns in ${clause} clauses: ${names.map(quoteName).join(', ')}`,
      );
    }
  }
}

const isPlace = (name: string) => name === 'ROWPARTITION' || name === 'ROWOFFSET';

function checkEnabled(query: Query, setting: Settings): void {
  if (setting('ksql.pull.queries.enable') === 'false') {
    refuse(
      'Pull queries are disabled. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.\nPlease set ksql.pull.queries.enable=true to enable this feature.',
    );
  }
  for (const { emit, at } of queriesOf(query)) {
    if (emit !== undefined)
      refuse(
        `${place(at)}EMIT ${emit} is of queries that go on: a query in the FROM of a pull query reads what is there now, as that one does.`,
      );
  }
}

function checkClauses(query: Query, setting: Settings): void {
  checkLimit(query.limit, 'Pull queries');
  if (query.limit !== undefined && setting('ksql.query.pull.limit.clause.enabled') === 'false') {
    refuse(
      'LIMIT clause in pull queries is disabled. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.\nPlease set ksql.query.pull.limit.clause.enabled=true to enable this feature.',
    );
  }
  const clauses: [string, unknown][] = [
    ['JOIN', isPlain(setting) ? query.joins[0] : undefined],
    ['WINDOW', query.window],
    ['GROUP BY', isPlain(setting) ? query.groupBy : undefined],
    ['PARTITION BY', query.partitionBy],
    ['HAVING', isPlain(setting) ? query.having : undefined],
  ];
  for (const [clause, used] of clauses) {
    if (used !== undefined) {
      refuse(
        `Pull queries don't support ${clause} clauses. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.`,
      );
    }
  }
}

interface OriginOptions extends Pick<PullPlanning, 'stateOf'> {
  readonly planning: PlanEnvironment;
  /** Of the source. */
  readonly name: string;
  readonly where: Expression | undefined;
}

function originOf(engine: EngineContext, { planning, stateOf, name, where }: OriginOptions): Origin {
  const source = engine.catalog.source(name)!;
  if (source.kind === 'STREAM') {
    if (planning.setting('ksql.query.pull.stream.enabled') === 'false') {
      refuse(
        "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES to the end. To enable pull queries on streams, set the ksql.query.pull.stream.enabled config to 'true'.",
      );
    }
    return { kind: 'stream', topic: source.topic };
  }
  const persistent = source.createdBy === undefined ? undefined : engine.queries.get(source.createdBy);
  const { schemas, log } = engine;
  const isKept =
    persistent !== undefined && Materialization.of({ ...planning, schemas, log }, persistent.plan) !== undefined;
  if (!isKept || stateOf(persistent.queryId) === 'PAUSED') {
    return refuse(
      `The ${quoteName(name)} table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_${name} AS SELECT * FROM ${name}'. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.`,
    );
  }
  const index = where && indexLookupOf(planning, where, source);
  const byKey = index === undefined ? lookupOf(planning, where, source) : lookupOf(planning, where, source, true);
  const lookup = index === undefined || byKey.keys !== undefined ? byKey : { index };
  return { kind: 'table', queryId: persistent.queryId, lookup, hasWindow: source.window !== undefined };
}

// ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────

/** `slices`: some of them may be empty. */
function finite(
  queryId: string,
  { columns, origins, limit = Number.POSITIVE_INFINITY }: PulledQuery,
  slices: AsyncIterable<readonly ResultRow[]>,
  close: () => Promise<void> = async () => {},
): RunningQuery {
  const isOfTables = [...origins.values()].every(({ kind }) => kind === 'table');
  let open = true;
  let given = 0;
  async function* batches(): AsyncGenerator<readonly ResultRow[]> {
    for await (const found of slices) {
      if (!open) return;
      // Each of several hosts has found as many as are wanted.
      const wanted = found.slice(0, limit - given);
      given += wanted.length;
      if (wanted.length > 0) yield wanted;
      if (given >= limit) return;
    }
  }
  return {
    queryId,
    columns,
    schemaText: columnsText(columns, isOfTables),
    batches: batches(),
    live: false,
    warning: undefined,
    finalMessage: () => (isOfTables ? undefined : given >= limit ? 'Limit Reached' : 'Query Completed'),
    async close() {
      open = false;
      await close();
    },
  };
}
