// SELECT without EMIT: answered from what is there now. On a table, from the state of the query that makes it
// (`table-rows.ts`); on a stream, from its topic (`stream-rows.ts`). Here it is found out what is asked for.
import { columnsIn } from '../analysis/walk.ts';
import type { DataSource } from '../catalog.ts';
import type { ResultRow, RunningQuery } from '../statements/entities.ts';
import { refuse } from '../errors.ts';
import type { Expression, Query } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { columnsUsed, type TypedExpression } from '../expressions/typed.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import type { PlanExpression, Step } from '../plan/plan.ts';
import { schemaText } from '../schema.ts';
import { settingValues } from '../settings.ts';
import type { SqlType } from '../types.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { caster } from '../values/cast.ts';
import type { OpenRows, RowsRequest, StreamRequest, TableRequest } from './host.ts';
import { type Lookup, Materialization, orNull } from './materialization.ts';
import type { KafkaExecutor } from './persistent.ts';
import { columnsText } from './result-schema.ts';
import { rowWriter } from './row-json.ts';
import { type Total, totalOf } from './pull-total.ts';
import { planTransient, type TransientQuery } from '../statements/transient-query.ts';

export interface PullOptions {
  readonly executor: KafkaExecutor;
  readonly queryId: string;
  readonly text: string;
  readonly setting: Settings;
}

export async function startPull(engine: EngineContext, query: Query, options: PullOptions): Promise<RunningQuery> {
  const { setting, text } = options;
  checkClauses(query, setting);
  checkPseudoColumns(query);
  const { catalog, functions } = engine;
  const planning: PlanEnvironment = { catalog, functions, setting };
  const planned = planTransient(planning, query, text);
  const total = totalOf(planning, planned.root);
  const pulled: PulledQuery =
    total === undefined
      ? { ...planned, limit: query.limit }
      : {
          ...planned,
          root: total.rows,
          columns: planned.columns.map((column) => ({ ...column, isKey: false })),
          total,
        };
  return planned.sources[0]!.kind === 'TABLE'
    ? pullTable(engine, planning, pulled, options)
    : pullStream(pulled, options);
}

interface PulledQuery extends TransientQuery {
  /** How many rows are wanted at most. */
  readonly limit?: number | undefined;
  /** Makes one row of all that are found. */
  readonly total?: Total;
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
  const clauses: [string, unknown][] = [
    ['JOIN', query.joins.length > 0 ? true : undefined],
    ['WINDOW', query.window],
    ['GROUP BY', query.groupBy],
    ['PARTITION BY', query.partitionBy],
    ['HAVING', query.having],
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
  { executor, queryId, setting }: PullOptions,
): Promise<RunningQuery> {
  const source = planned.sources[0]!;
  const persistent = source.createdBy === undefined ? undefined : engine.queries.get(source.createdBy);
  const { schemas, log } = engine;
  const isKept =
    persistent !== undefined && Materialization.of({ ...planning, schemas, log }, persistent.plan) !== undefined;
  if (!isKept || executor.state(persistent.queryId) === 'PAUSED') {
    return refuse(
      `The ${quoteName(source.name)} table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_${source.name} AS SELECT * FROM ${source.name}'. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.`,
    );
  }
  const where = whereOf(planned.root);
  const lookup = where === undefined ? {} : lookupOf(engine.functions, where.expression, source);
  if (lookup.keys === undefined && setting('ksql.query.pull.table.scan.enabled') === 'false') {
    refuse(scanRefusal(where, source));
  }
  const request: RowsRequest<TableRequest> = {
    ...requestOf(queryId, planned, setting),
    from: { kind: 'table', queryId: persistent.queryId, lookup, hasWindow: source.window !== undefined },
  };
  const rows =
    planned.total === undefined
      ? await executor.openTable(request)
      : added(planned, planned.total, await executor.openTableValues(request));
  return finite(queryId, planned, rows, { markKeys: true, finalMessage: () => undefined });
}

function whereOf(root: Step): PlanExpression | undefined {
  const input = root.kind === 'project' ? root.input : root;
  return input.kind === 'filter' ? input.predicate : undefined;
}

/** What a WHERE says about the key and the window: enough to read single rows instead of all. */
function lookupOf(functions: FunctionCatalog, where: TypedExpression, source: DataSource): Lookup {
  if (where.kind === 'logical' && where.op === 'OR') {
    const [left, right] = [lookupOf(functions, where.left, source), lookupOf(functions, where.right, source)];
    if (left.keys === undefined || right.keys === undefined) return {};
    return { keys: distinct([...left.keys, ...right.keys]) };
  }
  const evaluator = new Evaluator(functions, []);
  const constantOf = (e: TypedExpression): { value: SqlValue; type: SqlType } | undefined => {
    if (columnsUsed([e]).size > 0) return undefined;
    const value = orNull(evaluator.evaluate(e), []);
    return value === null || e.type === null ? undefined : { value, type: e.type };
  };
  const bound = new Map<string, SqlValue[]>();
  let from = 0;
  let to = Number.MAX_SAFE_INTEGER;
  for (const condition of conjuncts(where)) {
    const operand = operandOf(condition);
    if (operand === undefined) continue;
    const { name, op } = operand;
    const constants = operand.constants.map(constantOf).filter((constant) => constant !== undefined);
    if (constants.length !== operand.constants.length) continue;
    const column = source.schema.key.find((key) => key.name === name);
    if (column !== undefined && op === '=') {
      const values = constants.map(({ value, type }) => {
        const cast = caster(type, column.type);
        return cast === undefined ? value : orNull(() => cast(value), []);
      });
      if (!values.includes(null)) bound.set(name, values);
    } else if (name === 'WINDOWSTART' && constants.length === 1) {
      const time = Number(constants[0]!.value);
      if (op === '=') [from, to] = [Math.max(from, time), Math.min(to, time)];
      else if (op === '>=') from = Math.max(from, time);
      else if (op === '>') from = Math.max(from, Math.floor(time) + 1);
      else if (op === '<=') to = Math.min(to, time);
      else if (op === '<') to = Math.min(to, Math.ceil(time) - 1);
    }
  }
  const { key } = source.schema;
  const windowStart = source.window === undefined ? {} : { windowStart: { from, to } };
  if (key.length === 0 || !key.every((column) => bound.has(column.name))) return windowStart;
  const keys = key.reduce<SqlValue[][]>(
    (rows, { name }) => rows.flatMap((row) => bound.get(name)!.map((value) => [...row, value])),
    [[]],
  );
  return { keys: distinct(keys), ...windowStart };
}

/** `column op constant`, and `column IN (constants)` as an equality with any of them. */
function operandOf(
  e: TypedExpression,
): { readonly name: string; readonly op: string; readonly constants: readonly TypedExpression[] } | undefined {
  if (e.kind !== 'comparison' && e.kind !== 'in') return undefined;
  const operand = asWritten(e.kind === 'in' ? e.operand : e.left);
  if (operand.kind !== 'column') return undefined;
  const { name } = operand;
  return e.kind === 'in' ? { name, op: '=', constants: e.items } : { name, op: e.op, constants: [e.right] };
}

/** Without the cast that only the comparison asks for: keys are found by values of their own type. */
function asWritten(e: TypedExpression): TypedExpression {
  return e.kind === 'exactDecimal' || (e.kind === 'cast' && e.implicit) ? e.operand : e;
}

function distinct(keys: readonly Row[]): Row[] {
  const write = (value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return [...new Map(keys.map((key) => [JSON.stringify(key, (_name, value) => write(value)), key])).values()];
}

function conjuncts(e: TypedExpression): TypedExpression[] {
  return e.kind === 'logical' && e.op === 'AND' ? [...conjuncts(e.left), ...conjuncts(e.right)] : [e];
}

function scanRefusal(where: PlanExpression | undefined, source: DataSource): string {
  const help =
    'See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.\nPull queries require a WHERE clause that:\n - includes a key equality expression, e.g. `SELECT * FROM X WHERE <key-column> = Y;`.\n - in the case of a multi-column key, is a conjunction of equality expressions that cover all key columns.\nIf more flexible queries are needed, table scans can be enabled by setting ksql.query.pull.table.scan.enabled=true.';
  if (where === undefined) return `Missing WHERE clause. ${help}`;
  if (source.schema.key.length > 1)
    return `Multi-column sources must specify every key in the WHERE clause. Specified: [] Expected: ${schemaText({ key: source.schema.key, value: [] })}. ${help}`;
  return `WHERE clause missing key column for disjunct: ${where.text}. ${help}`;
}

// ── Streams ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function pullStream(planned: PulledQuery, { executor, queryId, setting }: PullOptions): Promise<RunningQuery> {
  if (setting('ksql.query.pull.stream.enabled') === 'false') {
    refuse(
      "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES to the end. To enable pull queries on streams, set the ksql.query.pull.stream.enabled config to 'true'.",
    );
  }
  const request: RowsRequest<StreamRequest> = {
    ...requestOf(queryId, planned, setting),
    from: { kind: 'stream', topic: planned.sources[0]!.topic },
  };
  const rows =
    planned.total === undefined
      ? await executor.open(request)
      : added(planned, planned.total, await executor.openValues(request));
  return finite(queryId, planned, rows, {
    markKeys: false,
    finalMessage: (given) =>
      given >= (planned.limit ?? Number.POSITIVE_INFINITY) ? 'Limit Reached' : 'Query Completed',
  });
}

// ── Both ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function requestOf(
  queryId: string,
  { root, columns, limit }: PulledQuery,
  setting: Settings,
): Omit<RowsRequest, 'from'> {
  return { queryId, root, types: columns.map(({ type }) => type), limit, settings: settingValues(setting) };
}

/** The one row that is made of all. */
function added({ columns }: PulledQuery, total: Total, rows: OpenRows<Row>): OpenRows<ResultRow> {
  const write = rowWriter(columns.map((column) => column.type));
  async function* written(): AsyncGenerator<ResultRow[]> {
    for await (const found of total.over(rows.batches))
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
