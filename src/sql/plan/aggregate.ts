// GROUP BY and aggregates: a step of states per group, HAVING behind it, and the projection over both.
import { AggregateFinder, containsAggregate, findCall } from '../analysis/aggregates.ts';
import { isPlain } from '../analysis/extensions.ts';
import type { NameGenerator, ProjectionItem } from '../analysis/projection.ts';
import type { Scope } from '../analysis/scope.ts';
import { refuse, StatementError } from '../errors.ts';
import { bindAggregate } from '../expressions/binding/aggregate.ts';
import type { AggregateCall } from '../expressions/typed.ts';
import { FORMATS } from '../formats/all.ts';
import { KEY_FORMAT } from '../formats/traits.ts';
import type { Call, Expression, Query, WindowClause } from '../parser/ast.ts';
import { milliseconds } from '../parser/durations.ts';
import { printExpression } from '../parser/print.ts';
import type { WindowInfo } from '../schema.ts';
import { BIGINT } from '../types.ts';
import { messageOf } from '../../util/index.ts';
import { planDistinct } from './distinct.ts';
import { binderFor, functionSettings, planned, type PlanEnvironment } from './environment.ts';
import { filterStep } from './filter.ts';
import { type AggregateStep, type NamedExpression, type PlanExpression, type Step, stepsOf } from './plan.ts';
import { PLAIN_KEY, projectStep } from './project.ts';
import { columnType, type KeyExpression, type PlanTarget, type QueryContext } from './query-context.ts';

export class AggregationPlanner {
  readonly #context: QueryContext;
  readonly #env: PlanEnvironment;
  readonly #query: Query;
  readonly #target: PlanTarget;
  readonly #scope: Scope;
  readonly #names: NameGenerator;

  constructor(context: QueryContext) {
    this.#context = context;
    this.#env = context.env;
    this.#query = context.query;
    this.#target = context.target;
    this.#scope = context.scope;
    this.#names = context.names;
  }

  plan(
    input: Step,
    groupBy: readonly Expression[] | undefined,
    items: readonly ProjectionItem[],
    having: Expression | undefined,
  ): Step {
    // A client may ask for an aggregate of everything: all rows are one group. A table would have no key.
    const groups: readonly Expression[] =
      groupBy ?? (this.#target.sinkName === undefined ? [{ kind: 'integer', value: 0 }] : []);
    this.#checkGroups(groups);
    const internalItems = items.map((item) => ({ ...item, expression: this.#scope.internal(item.expression) }));
    const internalHaving = having === undefined ? undefined : this.#scope.internal(having);
    const groupKeys = this.#groupKeys(input, groups, items);
    // Inside the aggregation keys have names that no column can have, so that a value may be called like a key.
    const byPrint = new Map(groupKeys.map(({ text }, i) => [text, `KSQL_KEY_${i}`]));
    const finder = new AggregateFinder(this.#env.functions, byPrint, this.#query.window !== undefined);
    this.#checkAggregation(internalItems, internalHaving, finder, groupBy !== undefined);
    const rewrittenItems = internalItems.map((item) => ({ ...item, expression: finder.rewrite(item.expression) }));
    const rewrittenHaving = internalHaving === undefined ? undefined : finder.rewrite(internalHaving);
    if (groups.length === 0) {
      const calls = finder.found.map(({ call }) => printExpression(call)).join(', ');
      refuse(
        `CREATE TABLE AS SELECT statement does not support aggregate function [${calls}] without a GROUP BY clause.`,
      );
    }
    const aggregated = this.#aggregateStep(input, groupKeys, finder);
    const step =
      rewrittenHaving === undefined
        ? aggregated
        : filterStep(this.#env, aggregated, rewrittenHaving, 'HAVING', finder.found);
    const projected = projectStep(this.#context, step, rewrittenItems, {
      ...PLAIN_KEY,
      names: aggregated.key.map(({ name }) => [name]),
      shown: groupKeys.map(({ text }) => [text]),
      what: 'grouping expression',
      groupBy: true,
    });
    const key = projected.key.map((column, i) => ({
      name: column.name === `KSQL_KEY_${i}` ? groupKeys[i]!.name : column.name,
      type: column.type,
    }));
    return { ...projected, key };
  }

  #checkGroups(groups: readonly Expression[]): void {
    const { functions } = this.#env;
    const seen = new Set<string>();
    for (const e of groups) {
      const printed = printExpression(e);
      if (seen.has(printed)) refuse(`Duplicate GROUP BY expression: ${printed}`);
      seen.add(printed);
      const aggregate = findCall(e, (name) => functions.isAggregate(name));
      if (aggregate !== undefined)
        refuse(`GROUP BY does not support aggregate functions: ${aggregate.name} is an aggregate function.`);
      const table = findCall(e, (name) => functions.isTable(name));
      if (table !== undefined) refuse(`GROUP BY does not support table functions: ${table.name} is a table function.`);
    }
  }

  /** The groups' expressions, each with its type and what its column is called. */
  #groupKeys(input: Step, groups: readonly Expression[], items: readonly ProjectionItem[]): KeyExpression[] {
    const binder = binderFor(this.#env, input.columns);
    return groups.map((group) => {
      const internal = this.#scope.internal(group);
      const item = items.find((candidate) => printExpression(candidate.expression) === printExpression(group));
      const name = item?.name ?? (internal.kind === 'column' ? internal.name : this.#names.nameOf(group));
      let bound: PlanExpression;
      try {
        bound = planned(binder, internal);
      } catch (error) {
        throw new StatementError(`Error in GROUP BY expression: ${messageOf(error)}`, { cause: error });
      }
      return { name, ...bound, type: columnType(bound.expression.type) };
    });
  }

  /** Refuses what is selected or filtered by, yet is neither grouped by nor aggregated. */
  #checkAggregation(
    items: readonly ProjectionItem[],
    having: Expression | undefined,
    finder: AggregateFinder,
    isGrouped: boolean,
  ): void {
    const { functions } = this.#env;
    const all = [...items.map(({ expression }) => expression), ...(having === undefined ? [] : [having])];
    for (const e of all) {
      const unknown = findCall(e, (name) => functions.find(name) === undefined);
      if (unknown !== undefined) functions.get(unknown.name);
    }
    if (isGrouped && this.#target.isAtRest !== true && !all.some((e) => containsAggregate(functions, e)))
      refuse('GROUP BY requires aggregate functions in either the SELECT or HAVING clause.');
    const ungrouped = items.filter(({ expression }) => finder.ungrouped(expression).length > 0);
    if (ungrouped.length > 0) {
      refuse(
        `Non-aggregate SELECT expression(s) not part of GROUP BY: ${ungrouped.map(({ expression }) => printExpression(expression)).join(', ')}\nEither add the column(s) to the GROUP BY or remove them from the SELECT.`,
      );
    }
    const ungroupedHaving = having === undefined ? [] : finder.ungrouped(having);
    if (ungroupedHaving.length > 0)
      refuse(`Non-aggregate HAVING expression not part of GROUP BY: ${ungroupedHaving.join(', ')}`);
  }

  #aggregateStep(input: Step, groupKeys: readonly KeyExpression[], finder: AggregateFinder): AggregateStep {
    const { window, emit, emitAfter } = this.#query;
    if (emit === 'FINAL' && window === undefined) refuse('EMIT FINAL is only supported for windowed aggregations.');
    if (window !== undefined && input.table) refuse('WINDOW clause is only supported when the source is a stream.');
    if (window !== undefined) checkRetention(window);
    if (window?.ofProcessing === true) checkProcessing(window, emitAfter);
    const finalAfterMs = emitAfter && milliseconds(emitAfter);
    if (finalAfterMs === 0) refuse('EMIT FINAL AFTER: the time without rows has to be longer than 0.');
    const wanted = this.#aggregates(input, finder);
    const key = groupKeys.map(({ type }, i) => ({ name: `KSQL_KEY_${i}`, type }));
    const bounds = window === undefined ? [] : ['WINDOWSTART', 'WINDOWEND'].map((name) => ({ name, type: BIGINT }));
    const rekeys =
      input.window !== undefined ||
      groupKeys.length !== input.key.length ||
      groupKeys.some(({ expression }, i) => expression.kind !== 'column' || expression.name !== input.key[i]!.name);
    const context = `${this.#target.context ?? ''}Aggregate`;
    const keyFormat = this.#target.keyFormat ?? KEY_FORMAT;
    const isEndless = window === undefined && !input.table && this.#target.isAtRest !== true;
    const grouped = { input, groupKeys, rekeys, context, keyFormat };
    const distinct = isEndless ? planDistinct(this.#env, grouped, wanted) : undefined;
    const { aggregates } = distinct ?? { aggregates: wanted };
    return {
      kind: 'aggregate',
      context,
      input: distinct?.step ?? input,
      groupBy: groupKeys.map(({ name, expression, text }) => ({ name, expression, text })),
      isOneGroup: this.#query.groupBy === undefined,
      rekeys: rekeys && distinct === undefined,
      mixesOrder:
        (rekeys || stepsOf(input).some(({ kind }) => kind === 'join' || kind === 'selectKey')) &&
        finder.found.some(({ call }) => this.#env.functions.dependsOnOrder(call.name)),
      aggregates,
      windowClause: window,
      final: emit === 'FINAL',
      finalAfterMs,
      keyFormat,
      columns: [...aggregates.map(({ name, expression: { type } }) => ({ name, type })), ...key, ...bounds],
      key,
      table: true,
      window: window === undefined ? undefined : windowInfo(window),
    };
  }

  #aggregates(input: Step, finder: AggregateFinder): NamedExpression<AggregateCall>[] {
    const binder = binderFor(this.#env, input.columns);
    const aggregates = finder.found.map(({ name, call }) => {
      // Rows that are no records have no ROWTIME of their own: any value that is never null counts them as well.
      const { isJoin, sources } = this.#scope;
      const counted = isJoin || sources[0]!.pseudo.length === 0 ? withoutRowtime(call) : call;
      const overTable = input.table && this.#target.isAtRest !== true && !isPlain(this.#env.setting);
      const expression = bindAggregate(binder, counted, functionSettings(this.#env, call.name), overTable);
      return { name, expression, text: printExpression(counted) };
    });
    const calls = aggregates.map(({ expression }) => expression);
    if (input.table && this.#target.isAtRest !== true) this.#checkTakingBack(calls);
    this.#checkStates(calls);
    return aggregates;
  }

  #checkTakingBack(calls: readonly AggregateCall[]): void {
    const stuck = [...new Set(calls.filter(({ takesBack }) => !takesBack).map((call) => call.function))];
    if (stuck.length === 0) return;
    const list = stuck.length === 1 ? stuck[0]! : `${stuck.slice(0, -1).join(', ')} and ${stuck.at(-1)}`;
    const word = stuck.length === 1 ? 'function' : 'functions';
    refuse(`The aggregation ${word} ${list} cannot be applied to a table source, only to a stream source.`);
  }

  /** ksqlDB writes states in the value format, and refuses what that can't hold: what only we have is not concerned. */
  #checkStates(calls: readonly AggregateCall[]): void {
    const states = calls
      .filter(({ isDistinct }) => !isDistinct)
      .map(({ stateType }) => ({ name: 'S', type: stateType, namespace: 'VALUE' }) as const);
    const { valueFormat } = this.#target;
    const format = valueFormat && FORMATS[valueFormat.format];
    if (format?.holds === 'flatRows' && format.refusal(states) !== undefined)
      refuse(
        'One of the functions used in the statement has an intermediate type that the value format can not handle. Please remove the function or change the format.',
      );
  }
}

/** A window's state is kept at least as long as the window still changes. */
function checkRetention({ size, grace, retention }: WindowClause): void {
  if (retention === undefined) return;
  const [sizeMs, graceMs] = [milliseconds(size), grace === undefined ? 0 : milliseconds(grace)];
  const retentionMs = milliseconds(retention);
  if (retentionMs < sizeMs + graceMs)
    refuse(
      `The retention period of a window must be no smaller than its size plus the grace period. Got size=[${sizeMs}], grace=[${graceMs}], retention=[${retentionMs}]`,
    );
}

/** Where time is the wall clock there is nothing to wait for. */
function checkProcessing({ grace }: WindowClause, emitAfter: Query['emitAfter']): void {
  if (grace !== undefined) refuse('PROCESSING TIME has no GRACE PERIOD: no row is late.');
  if (emitAfter !== undefined) refuse('PROCESSING TIME has no EMIT FINAL AFTER: its windows close by the wall clock.');
}

function windowInfo(clause: WindowClause): WindowInfo {
  const { type } = clause;
  return { type, sizeMs: type === 'SESSION' ? undefined : milliseconds(clause.size) };
}

function withoutRowtime(call: Call): Call {
  const [arg] = call.args;
  const isRowtime = call.args.length === 1 && arg?.kind === 'column' && arg.name === 'ROWTIME';
  return isRowtime ? { ...call, args: [{ kind: 'integer', value: 1 }] } : call;
}
