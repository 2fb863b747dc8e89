import { unreachable } from '../../util/index.ts';
import type { StartingPoint, TimestampColumn, WindowInfo } from '../schema.ts';
import type { FormatInfo } from '../formats/traits.ts';
import {
  type AggregateCall,
  type Argument,
  callsIn,
  type OverCall,
  type ResolvedFunction,
  type ScalarCall,
  type TableCall,
  type TypedExpression,
} from '../expressions/typed.ts';
import type { ModuleExport } from '../functions/modules.ts';
import type { JoinType, SourceKind, WindowClause, Within } from '../parser/ast.ts';
import type { Schema } from '../schema.ts';
import type { SqlType } from '../types.ts';
import type { Direction } from '../values/ordering.ts';

/**
 * How a query is executed, as plain data: a tree of steps, the sources at its leaves. Every step says which columns its
 * rows have (`columns`, by position) and which its key has; expressions were bound to columns of the step's input. The stateless
 * steps over one source (filter, flatMap, selectKey, project) are a stretch that a compiler may take as a whole.
 */
export interface RowColumn {
  readonly name: string;
  readonly type: SqlType;
}

/** An expression over the columns of a step's input, and how a person reads it. */
export interface PlanExpression<E = TypedExpression> {
  readonly expression: E;
  readonly text: string;
}

/** An expression whose values become a column. */
export interface NamedExpression<E = TypedExpression> extends PlanExpression<E> {
  readonly name: string;
}

interface StepBase {
  readonly columns: readonly RowColumn[];
  /** Empty: the records have no key. */
  readonly key: readonly RowColumn[];
  readonly kind: string;
  /** What the rows mean: events, or the latest state per key. */
  readonly table: boolean;
  readonly window?: WindowInfo | undefined;
}

export interface SourceStep extends StepBase {
  readonly kind: 'source';
  readonly source: string;
  /** The step's place among joins, as internal topics are named after it. */
  readonly context: string;
  /** Put before column names, with an underscore, when several sources are joined. */
  readonly prefix: string | undefined;
  readonly topic: string;
  readonly schema: Schema;
  readonly keyFormat: FormatInfo;
  readonly valueFormat: FormatInfo;
  readonly timestamp: TimestampColumn | undefined;
  readonly start: StartingPoint | undefined;
}

export interface FilterStep extends StepBase {
  readonly kind: 'filter';
  readonly input: Step;
  readonly predicate: PlanExpression;
  readonly clause: 'WHERE' | 'HAVING' | 'ON';
}

/** The rows of one query, or of several, as those of a source: their columns, what every record has, their key. */
export interface DerivedStep extends StepBase {
  readonly kind: 'derived';
  readonly inputs: readonly Step[];
  readonly alias: string;
  /** Put before column names, as before a source's. */
  readonly prefix: string | undefined;
  /** What the columns of the inputs' rows are called here, by position. */
  readonly names: readonly string[];
  readonly keyFormat: FormatInfo;
}

/** Table functions: one row per row of their results, in new columns behind the input's. */
export interface FlatMapStep extends StepBase {
  readonly kind: 'flatMap';
  readonly input: Step;
  readonly calls: readonly NamedExpression<TableCall>[];
}

/** Functions that are waited for: their results are in new columns behind the input's. */
export interface AwaitStep extends StepBase {
  readonly kind: 'await';
  readonly input: Step;
  readonly calls: readonly NamedExpression<ScalarCall>[];
}

/** LAG and LEAD over one partition of the rows: their results are in new columns behind the input's. The key stays. */
export interface OverStep extends StepBase {
  readonly kind: 'over';
  /** What its store and its topic are named after. */
  readonly context: string;
  readonly input: Step;
  readonly partitionBy: readonly NamedExpression[];
  /** False: the records are partitioned by the key that they have. */
  readonly rekeys: boolean;
  /** Records of different partitions come together in one: which of them is first depends on who reads them. */
  readonly mixesOrder: boolean;
  readonly calls: readonly NamedExpression<OverCall>[];
}

/** Marks the rows that bring a value which their group has not seen, in a new column per COUNT(DISTINCT …), true or null. */
export interface DistinctStep extends StepBase {
  readonly kind: 'distinct';
  /** What its stores and its topic are named after. */
  readonly context: string;
  readonly input: Step;
  /** The groups. */
  readonly partitionBy: readonly NamedExpression[];
  /** False: the records are in the partitions of their groups. */
  readonly rekeys: boolean;
  readonly calls: readonly NamedExpression<AggregateCall>[];
  readonly keyFormat: FormatInfo;
}

/** An expression of ORDER BY. */
export interface OrderedExpression extends PlanExpression, Direction {}

/** ROW_NUMBER: the first rows of each partition, numbered from 1 in the last column. */
export interface RankStep extends StepBase {
  readonly kind: 'rank';
  /** What its store and its topic are named after. */
  readonly context: string;
  readonly input: Step;
  readonly partitionBy: readonly NamedExpression[];
  readonly orderBy: readonly OrderedExpression[];
  /** So many rows of a partition are kept. */
  readonly most: number;
  /** False: the records are partitioned by the key that they have. */
  readonly rekeys: boolean;
  readonly keyFormat: FormatInfo;
}

/** Another key; no expressions: no key at all. */
export interface SelectKeyStep extends StepBase {
  readonly kind: 'selectKey';
  readonly input: Step;
  readonly keys: readonly NamedExpression[];
  /** The side of a join that is re-keyed, as internal topics are named after it. */
  readonly context?: string | undefined;
  /** The key's format where the other side of a join keeps its own: equal keys must have equal bytes. */
  readonly keyFormat?: FormatInfo | undefined;
}

export interface ProjectStep extends StepBase {
  readonly kind: 'project';
  readonly input: Step;
  readonly items: readonly NamedExpression[];
}

export interface AggregateStep extends StepBase {
  readonly kind: 'aggregate';
  /** What its store and its topic are named after. */
  readonly context: string;
  readonly input: Step;
  readonly groupBy: readonly NamedExpression[];
  /** There was no GROUP BY: all rows are one group, which is there without rows, too. */
  readonly isOneGroup: boolean;
  /** False: the records are grouped by the key they have. */
  readonly rekeys: boolean;
  /** Results depend on which record of a group came first, and records of different partitions come together in one. */
  readonly mixesOrder: boolean;
  readonly aggregates: readonly NamedExpression<AggregateCall>[];
  readonly windowClause: WindowClause | undefined;
  readonly final: boolean;
  /** Windows close by the wall clock when no rows have come for so long, ms; undefined: they wait for a row. */
  readonly finalAfterMs: number | undefined;
  readonly keyFormat: FormatInfo;
}

export type JoinKind = 'stream-stream' | 'stream-table' | 'table-table' | 'foreign-key';

export interface JoinStep extends StepBase {
  readonly kind: 'join';
  readonly joinKind: JoinKind;
  readonly context: string;
  readonly type: JoinType;
  readonly left: Step;
  readonly right: Step;
  readonly within: Within | undefined;
  /** Of a foreign-key join: finds the right key in a left row. */
  readonly foreignKey: TypedExpression | undefined;
  /** The column behind the rows of both sides that holds the key, when no side has such a column. */
  readonly syntheticKey: string | undefined;
  readonly keyFormat: FormatInfo;
}

/**
 * The rows of two sides for which all criteria are equal and the condition holds. Like `arrange`, it needs both sides to have
 * an end: only queries that are read at rest have it.
 */
export interface HashJoinStep extends StepBase {
  readonly kind: 'hashJoin';
  readonly type: JoinType;
  readonly left: Step;
  readonly right: Step;
  /** At least one pair, both of one type: over the rows of the left, over those of the right. */
  readonly criteria: readonly { readonly left: TypedExpression; readonly right: TypedExpression }[];
  /** What else is asked of two rows, over the columns of both. */
  readonly condition: TypedExpression | undefined;
  /** What was written behind ON. */
  readonly text: string;
}

export interface OrderTerm {
  /** The column of the input that is ordered by. */
  readonly place: number;
  readonly descending: boolean;
  readonly nulls: 'FIRST' | 'LAST';
}

/** Each row once (DISTINCT), an order, and a stretch of it; columns behind those of the step were only ordered by. */
export interface ArrangeStep extends StepBase {
  readonly kind: 'arrange';
  readonly input: Step;
  readonly distinct: boolean;
  readonly order: readonly OrderTerm[];
  readonly offset: number;
  /** At most so many rows; undefined: all. */
  readonly limit: number | undefined;
}

/** Where a query's rows come from. */
export type OriginStep = SourceStep | DerivedStep;

export type Step =
  | OriginStep
  | FilterStep
  | FlatMapStep
  | AwaitStep
  | DistinctStep
  | OverStep
  | RankStep
  | SelectKeyStep
  | ProjectStep
  | AggregateStep
  | JoinStep
  | HashJoinStep
  | ArrangeStep;

export interface SinkPlan {
  readonly name: string;
  readonly topic: string;
  readonly schema: Schema;
  readonly keyFormat: FormatInfo;
  readonly valueFormat: FormatInfo;
  readonly timestamp: TimestampColumn | undefined;
  readonly window: WindowInfo | undefined;
  readonly partitions: number | undefined;
  readonly replicas: number | undefined;
}

export interface QueryPlan {
  readonly queryId: string;
  readonly resultKind: SourceKind;
  readonly root: Step;
  /** Names of the sources, left to right. */
  readonly sources: readonly string[];
  readonly sink: SinkPlan | undefined;
  /** The query as it was understood, for messages. */
  readonly text: string;
}

/** Whether each column of a query's rows goes into headers instead of into values. */
export function goesIntoHeaders({ columns }: Step, { schema }: SinkPlan): boolean[] {
  return columns.map((_column, i) => schema.value[i]?.namespace === 'HEADERS');
}

/** The store behind a table that is read from a topic. */
export function tableStoreName(step: SourceStep): string {
  return `${step.context}-Reduce`;
}

/** The store of an aggregation. */
export function aggregateStoreName({ context }: AggregateStep): string {
  return `${context}-Aggregate-Materialize`;
}

/** The source of a stretch of stateless steps; undefined for steps that are more than that. */
export function stretchSource(step: Step): SourceStep | undefined {
  if (step.kind === 'source') return step;
  return step.kind === 'filter' || step.kind === 'flatMap' || step.kind === 'project'
    ? stretchSource(step.input)
    : undefined;
}

/** The steps that a step takes its rows from. */
export function inputsOf(step: Step): readonly Step[] {
  if (step.kind === 'source') return [];
  if (step.kind === 'derived') return step.inputs;
  return step.kind === 'join' || step.kind === 'hashJoin' ? [step.left, step.right] : [step.input];
}

/** The steps of a plan, outer before inner. */
export function stepsOf(step: Step): Step[] {
  return [step, ...inputsOf(step).flatMap(stepsOf)];
}

/** What the operators of a plan's end are known as. */
export const SINK_PART = 'sink';

/** What the operators of each step are known as in a topology. */
export function partsOf(root: Step): Map<Step, string> {
  return new Map(stepsOf(root).map((step, i) => [step, String(i)]));
}

export function sourceSteps(step: Step): SourceStep[] {
  return step.kind === 'source' ? [step] : inputsOf(step).flatMap(sourceSteps);
}

/** The sources of a query with the columns that it uses of them. A source may be read several times, as in a self-join. */
export function readSources(root: Step): Map<string, { step: SourceStep; used: Set<string> }> {
  const sources = new Map<string, { step: SourceStep; used: Set<string> }>();
  for (const step of sourceSteps(root)) {
    const known = sources.get(step.source) ?? { step, used: new Set<string>() };
    const { prefix, timestamp, columns } = step;
    for (const { name } of columns) known.used.add(prefix === undefined ? name : name.slice(prefix.length + 1));
    if (timestamp !== undefined) known.used.add(timestamp.column);
    sources.set(step.source, known);
  }
  return sources;
}

/** All functions that a plan calls. */
export function callsOf(root: Step): ResolvedFunction[] {
  return callsIn(stepsOf(root).flatMap(expressionsOf));
}

/** The modules whose functions a plan calls, each once. */
export function modulesOf(root: Step): ModuleExport[] {
  const modules = callsOf(root).flatMap(({ module }) => module ?? []);
  return [...new Map(modules.map((module) => [`${module.file} ${module.hash}`, module])).values()];
}

/** What LAG and LEAD are made of. */
export function partsOfCalls({ calls }: OverStep): PlanExpression[] {
  return calls.flatMap(({ expression: { value, otherwise }, text }) =>
    [value, otherwise].flatMap((expression) => (expression === undefined ? [] : [{ expression, text }])),
  );
}

/** The store of the rows that LAG and LEAD look at. */
export function overStoreName({ context }: OverStep): string {
  return `${context}-Rows`;
}

/** The store of the values that the groups have seen, of one call. */
export function distinctStoreName({ context }: DistinctStep, call: number): string {
  return `${context}-Distinct-${call}`;
}

/** The store of the first rows of each partition. */
export function rankStoreName({ context }: RankStep): string {
  return `${context}-Rows`;
}

function expressionsOf(step: Step): (Argument | TableCall | AggregateCall)[] {
  switch (step.kind) {
    case 'source':
    case 'derived':
    case 'arrange':
      return [];
    case 'filter':
      return [step.predicate.expression];
    case 'flatMap':
    case 'await':
      return step.calls.map(({ expression }) => expression);
    case 'over':
      return [...step.partitionBy, ...partsOfCalls(step)].map(({ expression }) => expression);
    case 'distinct':
      return [...step.partitionBy, ...step.calls].map(({ expression }) => expression);
    case 'rank':
      return [...step.partitionBy, ...step.orderBy].map(({ expression }) => expression);
    case 'selectKey':
      return step.keys.map(({ expression }) => expression);
    case 'project':
      return step.items.map(({ expression }) => expression);
    case 'aggregate':
      return [...step.groupBy, ...step.aggregates].map(({ expression }) => expression);
    case 'join':
      return step.foreignKey === undefined ? [] : [step.foreignKey];
    case 'hashJoin':
      return [
        ...step.criteria.flatMap(({ left, right }) => [left, right]),
        ...(step.condition === undefined ? [] : [step.condition]),
      ];
    default:
      return unreachable(step);
  }
}
