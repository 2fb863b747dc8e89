// SELECT without EMIT: answered from what is there now. On a table, from the state of the query that makes it; on a
// stream, from its topic, from the first record to the last that was there when the query began.
import { type Client, recordsOf } from '../../client/index.ts';
import { type Environment, yieldToEventLoop } from '../../util/index.ts';
import { SynchronousTopology } from '../../streams/index.ts';
import { columnsIn } from '../analysis/walk.ts';
import type { DataSource } from '../catalog.ts';
import { compileFlow } from '../compile/topology.ts';
import type { ResultRow, RunningQuery } from '../statements/entities.ts';
import { refuse } from '../errors.ts';
import { isFatal } from '../expressions/evaluation/evaluate.ts';
import type { Expression, Query } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { columnsUsed, type TypedExpression } from '../expressions/typed.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import type { FilterStep, PlanExpression, Step } from '../plan/plan.ts';
import { schemaText } from '../schema.ts';
import type { SqlType } from '../types.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { caster } from '../values/cast.ts';
import { type Lookup, Materialization, orNull, type TableRow } from './materialization.ts';
import type { KafkaExecutor } from './persistent.ts';
import { columnsText } from './result-schema.ts';
import { rowWriter } from './row-json.ts';
import { type Total, totalOf } from './pull-total.ts';
import { planTransient, type TransientQuery } from '../statements/transient-query.ts';

/** So many rows are read in one go. */
const ROWS_PER_SLICE = 500;
const POLL_MS = 1000;

export interface PullOptions {
  readonly client: Client;
  readonly executor: KafkaExecutor;
  readonly queryId: string;
  readonly text: string;
  readonly setting: Settings;
  readonly environment: Environment;
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
    : pullStream(engine, pulled, options);
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

function pullTable(
  engine: EngineContext,
  planning: PlanEnvironment,
  planned: PulledQuery,
  { executor, queryId, setting, environment }: PullOptions,
): RunningQuery {
  const source = planned.sources[0]!;
  const persistent = source.createdBy === undefined ? undefined : engine.queries.get(source.createdBy);
  const materialization = persistent === undefined ? undefined : Materialization.of(planning, persistent.plan);
  const store =
    materialization === undefined ? undefined : executor.store(source.createdBy!, materialization.storeName);
  if (materialization === undefined || store === undefined) {
    return refuse(
      `The ${quoteName(source.name)} table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_${source.name} AS SELECT * FROM ${source.name}'. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.`,
    );
  }
  const where = whereOf(planned.root);
  const lookup = where === undefined ? {} : lookupOf(engine.functions, where.expression, source);
  if (lookup.keys === undefined && setting('ksql.query.pull.table.scan.enabled') === 'false') {
    refuse(scanRefusal(where, source));
  }
  const { predicate, project } = stretchOf(engine.functions, planned.root);
  const hasWindow = source.window !== undefined;
  const assemble = ({ key, window, values, timestamp }: TableRow): Row => {
    const row: SqlValue[] = [...values, timestamp, null, null, ...key];
    if (hasWindow) row.push(window?.start ?? null, window?.end ?? null);
    return row;
  };
  async function* results(): AsyncGenerator<Row[]> {
    let left = planned.limit ?? Number.POSITIVE_INFINITY;
    let found: Row[] = [];
    let read = 0;
    for await (const entry of materialization!.rows(store!, lookup)) {
      if (left <= 0) break;
      const row = assemble(entry);
      if (predicate(row)) {
        left--;
        found.push(project(row));
      }
      if (++read % ROWS_PER_SLICE > 0) continue;
      yield found;
      found = [];
      await yieldToEventLoop(environment);
    }
    yield found;
  }
  return finite(queryId, planned, results(), { markKeys: true, finalMessage: () => undefined });
}

/** The predicate and the projection of a stateless plan, over rows of its source. */
function stretchOf(
  functions: FunctionCatalog,
  root: Step,
): { predicate: (row: Row) => boolean; project: (row: Row) => Row } {
  if (root.kind !== 'project') return { predicate: () => true, project: (row) => row };
  const filters: FilterStep[] = [];
  let step: Step = root.input;
  while (step.kind === 'filter') {
    filters.push(step);
    step = step.input;
  }
  const evaluator = new Evaluator(functions, root.input.columns);
  const tests = filters.map(({ predicate }) => evaluator.evaluate(predicate.expression));
  const items = root.items.map(({ expression }) => evaluator.evaluate(expression));
  return {
    predicate: (row) => tests.every((test) => orNull(test, row) === true),
    project: (row) => items.map((evaluate) => orNull(evaluate, row)),
  };
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

async function pullStream(
  engine: EngineContext,
  planned: PulledQuery,
  { client, queryId, setting, environment }: PullOptions,
): Promise<RunningQuery> {
  if (setting('ksql.query.pull.stream.enabled') === 'false') {
    refuse(
      "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES to the end. To enable pull queries on streams, set the ksql.query.pull.stream.enabled config to 'true'.",
    );
  }
  const { catalog, functions, schemas, log } = engine;
  const limit = planned.limit ?? Number.POSITIVE_INFINITY;
  const found: Row[] = [];
  const env = { catalog, functions, schemas, log, setting };
  const topology = compileFlow(env, planned.root, queryId, (flow) => {
    if ('stream' in flow) {
      flow.stream.foreach((_key, row) => {
        if (row !== null) found.push(row);
      });
    }
  });
  const running = new SynchronousTopology(topology, {
    onDecodeError: () => 'continue',
    onProcessingError: (error) => (isFatal(error) ? 'fail' : 'continue'),
  });
  let given = 0;

  async function* results(): AsyncGenerator<Row[]> {
    for await (const records of recordsUntilNow(client, planned.sources[0]!.topic)) {
      for (let from = 0; from < records.length; from += ROWS_PER_SLICE) {
        await running.pipeAll(records.slice(from, from + ROWS_PER_SLICE));
        const rows = found.splice(0).slice(0, limit - given);
        given += rows.length;
        yield rows;
        if (given >= limit) return;
        await yieldToEventLoop(environment);
      }
    }
  }
  const finalMessage = () => (given >= limit ? 'Limit Reached' : 'Query Completed');
  return finite(queryId, planned, results(), { markKeys: false, finalMessage });
}

/** What the topic holds now, in the pieces that come. */
async function* recordsUntilNow(client: Client, topic: string) {
  const description = (await client.admin().describeTopics([topic])).get(topic);
  const partitions = (description?.partitions ?? []).map(({ partition }) => ({ topic, partition }));
  const ends = await client.admin().listOffsets(
    partitions.map((at) => ({ ...at, timestamp: -1 })),
    'read_committed',
  );
  const consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
  consumer.assign(partitions);
  const endOf = new Map(ends.map(({ partition, offset }) => [partition, offset]));
  try {
    let waiting = ends.filter(({ offset }) => offset > 0);
    while (waiting.length > 0) {
      const fetched = [...recordsOf(await consumer.poll(POLL_MS))];
      yield fetched.filter(({ partition, offset }) => offset < endOf.get(partition)!);
      waiting = waiting.filter((end) => {
        const position = consumer.position(end);
        return position < 0 || position < end.offset;
      });
    }
  } finally {
    await consumer.close();
  }
}

// ── Both ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function finite(
  queryId: string,
  { columns, total }: PulledQuery,
  /** In slices, some of which may be empty: others have their turn between them. */
  slices: AsyncIterable<readonly Row[]>,
  options: { readonly markKeys: boolean; readonly finalMessage: () => string | undefined },
): RunningQuery {
  const write = rowWriter(columns.map((column) => column.type));
  let open = true;
  async function* batches(): AsyncGenerator<readonly ResultRow[]> {
    for await (const rows of total === undefined ? slices : total.over(slices)) {
      if (!open) return;
      if (rows.length > 0) yield rows.map((row) => ({ json: write(row), tombstone: false }));
    }
  }
  return {
    queryId,
    columns,
    schemaText: columnsText(columns, options.markKeys),
    batches: batches(),
    live: false,
    warning: undefined,
    finalMessage: options.finalMessage,
    async close() {
      open = false;
    },
  };
}
