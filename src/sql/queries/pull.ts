// SELECT without EMIT: answered from what is there now. On a table, from the state of the query that makes it
// (`table-rows.ts`); on a stream, from its topic (`stream-rows.ts`). Here it is found out what is asked for.
import { isPlain } from '../analysis/extensions.ts';
import { checkLimit } from '../analysis/limit.ts';
import { withTimeLiterals } from '../analysis/time-literals.ts';
import { columnsIn } from '../analysis/walk.ts';
import type { ResultFormat, ResultRow, RunningQuery } from '../statements/entities.ts';
import { refuse } from '../errors.ts';
import type { Expression, Query } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import { stepsOf } from '../plan/plan.ts';
import { settingValues } from '../settings.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import type { Row } from '../values/value.ts';
import type { OpenRows, RowsRequest, StreamRequest, TableRequest } from './host.ts';
import { Materialization } from './materialization.ts';
import type { KafkaExecutor } from './persistent.ts';
import { lookupOf } from './pull-where.ts';
import { resultWriter } from './result-rows.ts';
import { columnsText } from './result-schema.ts';
import type { Shape } from './pull-groups.ts';
import { roomFor, shapeOf, shownColumns, withOrderColumns } from './pull-shape.ts';
import { planTransient, type TransientQuery } from '../statements/transient-query.ts';

export interface PullOptions {
  readonly executor: KafkaExecutor;
  readonly queryId: string;
  readonly text: string;
  readonly setting: Settings;
  readonly format: ResultFormat;
}

export async function startPull(engine: EngineContext, query: Query, options: PullOptions): Promise<RunningQuery> {
  const { setting, text } = options;
  checkClauses(query, setting);
  checkPseudoColumns(withOrderColumns(query));
  const { catalog, functions } = engine;
  const planning: PlanEnvironment = { catalog, functions, setting };
  const planned = planTransient(planning, withOrderColumns(query), text, true);
  if (stepsOf(planned.root).some(({ kind }) => kind === 'await')) {
    refuse("Pull queries don't wait for functions. Add EMIT CHANGES if you intended to issue a push query.");
  }
  if (stepsOf(planned.root).some(({ kind }) => kind === 'over'))
    refuse("Pull queries don't support OVER. Add EMIT CHANGES if you intended to issue a push query.");
  const where = query.where && withTimeLiterals(query.where);
  const shape = shapeOf(planning, query, planned);
  // The rows of groups have no key that one could look them up by.
  const hasKey = shape === undefined || shape.rows === planned.root;
  const pulled: PulledQuery = {
    ...planned,
    root: shape?.rows ?? planned.root,
    columns: shownColumns(planned.columns).map((column) => ({ ...column, isKey: column.isKey && hasKey })),
    limit: query.limit,
    shape,
  };
  return planned.sources[0]!.kind === 'TABLE'
    ? pullTable(engine, planning, { ...pulled, where }, options)
    : pullStream(pulled, options);
}

interface PulledQuery extends TransientQuery {
  /** How many rows are wanted at most. */
  readonly limit?: number | undefined;
  readonly where?: Expression | undefined;
  /** What is made of the rows that are found. */
  readonly shape: Shape | undefined;
}

/** What is read at rest does not say where it was read. */
function checkPseudoColumns(query: Query): void {
  const used = (e: Expression | undefined) =>
    e === undefined ? [] : [...new Set(columnsIn(e).map(({ name }) => name))].filter(isPlace);
  const selected = query.select.flatMap((item) => (item.kind === 'item' ? used(item.expression) : []));
  for (const [clause, names] of [
    ['SELECT', selected],
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

function checkClauses(query: Query, setting: Settings): void {
  if (setting('ksql.pull.queries.enable') === 'false') {
    refuse(
      'Pull queries are disabled. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.\nPlease set ksql.pull.queries.enable=true to enable this feature.',
    );
  }
  checkLimit(query.limit, 'Pull queries');
  if (query.limit !== undefined && setting('ksql.query.pull.limit.clause.enabled') === 'false') {
    refuse(
      'LIMIT clause in pull queries is disabled. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.\nPlease set ksql.query.pull.limit.clause.enabled=true to enable this feature.',
    );
  }
  const clauses: [string, unknown][] = [
    ['(SELECT …), WITH and UNION', query.from.queries],
    ['JOIN', query.joins.length > 0 ? true : undefined],
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

// ── Tables ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function pullTable(
  engine: EngineContext,
  planning: PlanEnvironment,
  planned: PulledQuery,
  options: PullOptions,
): Promise<RunningQuery> {
  const { executor, queryId } = options;
  const { sources, where } = planned;
  const source = sources[0]!;
  const persistent = source.createdBy === undefined ? undefined : engine.queries.get(source.createdBy);
  const { schemas, log } = engine;
  const isKept =
    persistent !== undefined && Materialization.of({ ...planning, schemas, log }, persistent.plan) !== undefined;
  if (!isKept || executor.state(persistent.queryId) === 'PAUSED') {
    return refuse(
      `The ${quoteName(source.name)} table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_${source.name} AS SELECT * FROM ${source.name}'. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.`,
    );
  }
  const lookup = lookupOf(planning, where, source);
  const request: RowsRequest<TableRequest> = {
    ...requestOf(planned, options),
    from: { kind: 'table', queryId: persistent.queryId, lookup, hasWindow: source.window !== undefined },
  };
  const rows =
    planned.shape === undefined
      ? await executor.openTable(request)
      : shaped(request, planned.shape, await executor.openTableValues(request), options.setting);
  return finite(queryId, planned, rows, { markKeys: true, finalMessage: () => undefined });
}

// ── Streams ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function pullStream(planned: PulledQuery, options: PullOptions): Promise<RunningQuery> {
  const { executor, queryId, setting } = options;
  if (setting('ksql.query.pull.stream.enabled') === 'false') {
    refuse(
      "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES to the end. To enable pull queries on streams, set the ksql.query.pull.stream.enabled config to 'true'.",
    );
  }
  const request: RowsRequest<StreamRequest> = {
    ...requestOf(planned, options),
    from: { kind: 'stream', topic: planned.sources[0]!.topic },
  };
  const rows =
    planned.shape === undefined
      ? await executor.open(request)
      : shaped(request, planned.shape, await executor.openValues(request), setting);
  return finite(queryId, planned, rows, {
    markKeys: false,
    finalMessage: (given) =>
      given >= (planned.limit ?? Number.POSITIVE_INFINITY) ? 'Limit Reached' : 'Query Completed',
  });
}

// ── Both ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function requestOf(
  { root, columns, limit, shape }: PulledQuery,
  { queryId, format, setting }: PullOptions,
): Omit<RowsRequest, 'from'> {
  return {
    queryId,
    root,
    columns: columns.map(({ name, type }) => ({ name, type })),
    format,
    limit: shape === undefined ? limit : undefined,
    settings: settingValues(setting),
  };
}

/** What is made of all rows that are found. */
function shaped(request: RowsRequest, shape: Shape, rows: OpenRows<Row>, setting: Settings): OpenRows<ResultRow> {
  const write = resultWriter(request);
  async function* written(): AsyncGenerator<ResultRow[]> {
    for await (const found of shape.over(rows.batches, roomFor(setting)))
      yield found.map((row) => ({ json: write(row), tombstone: false }));
  }
  return { ...rows, batches: written() };
}

function finite(
  queryId: string,
  { columns, limit = Number.POSITIVE_INFINITY }: PulledQuery,
  /** In slices, some of which may be empty: others have their turn between them. */
  rows: OpenRows<ResultRow>,
  options: { readonly markKeys: boolean; readonly finalMessage: (given: number) => string | undefined },
): RunningQuery {
  let open = true;
  let given = 0;
  async function* batches(): AsyncGenerator<readonly ResultRow[]> {
    for await (const found of rows.batches) {
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
    schemaText: columnsText(columns, options.markKeys),
    batches: batches(),
    live: false,
    warning: undefined,
    finalMessage: () => options.finalMessage(given),
    async close() {
      open = false;
      await rows.close();
    },
  };
}
