import { unreachable } from '../../util/index.ts';
import type { TimestampColumn, WindowInfo } from '../schema.ts';
import type { FormatInfo } from '../formats/traits.ts';
import {
  type AggregateCall,
  type Argument,
  callsIn,
  type ResolvedFunction,
  type ScalarCall,
  type TableCall,
  type TypedExpression,
} from '../expressions/typed.ts';
import type { ModuleExport } from '../functions/modules.ts';
import type { JoinType, SourceKind, WindowClause, Within } from '../parser/ast.ts';
import type { Schema } from '../schema.ts';
import type { SqlType } from '../types.ts';

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
}

export interface FilterStep extends StepBase {
  readonly kind: 'filter';
  readonly input: Step;
  readonly predicate: PlanExpression;
  readonly clause: 'WHERE' | 'HAVING';
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
  /** False: the records are grouped by the key they have. */
  readonly rekeys: boolean;
  /** Results depend on which record of a group came first, and records of different partitions come together in one. */
  readonly mixesOrder: boolean;
  readonly aggregates: readonly NamedExpression<AggregateCall>[];
  readonly windowClause: WindowClause | undefined;
  readonly final: boolean;
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

/** Where a query's rows come from. */
export type OriginStep = SourceStep | DerivedStep;

export type Step =
  | OriginStep
  | FilterStep
  | FlatMapStep
  | AwaitStep
  | SelectKeyStep
  | ProjectStep
  | AggregateStep
  | JoinStep;

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

/** The store behind a table that is read from a topic. */
export function tableStoreName(step: SourceStep): string {
  return `${step.context}-Reduce`;
}

/** The store of an aggregation. */
export function aggregateStoreName({ context }: AggregateStep): string {
  return `${context}-Aggregate-Materialize`;
}

/** The steps that a step takes its rows from. */
export function inputsOf(step: Step): readonly Step[] {
  if (step.kind === 'source') return [];
  if (step.kind === 'derived') return step.inputs;
  return step.kind === 'join' ? [step.left, step.right] : [step.input];
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

function expressionsOf(step: Step): (Argument | TableCall | AggregateCall)[] {
  switch (step.kind) {
    case 'source':
    case 'derived':
      return [];
    case 'filter':
      return [step.predicate.expression];
    case 'flatMap':
    case 'await':
      return step.calls.map(({ expression }) => expression);
    case 'selectKey':
      return step.keys.map(({ expression }) => expression);
    case 'project':
      return step.items.map(({ expression }) => expression);
    case 'aggregate':
      return [...step.groupBy, ...step.aggregates].map(({ expression }) => expression);
    case 'join':
      return step.foreignKey === undefined ? [] : [step.foreignKey];
    default:
      return unreachable(step);
  }
}
