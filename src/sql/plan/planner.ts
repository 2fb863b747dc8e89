import { AggregateFinder, containsAggregate, findCall } from '../analysis/aggregates.ts';
import { expandProjection, fieldsOf, NameGenerator, type ProjectionItem } from '../analysis/projection.ts';
import { Scope } from '../analysis/scope.ts';
import { replace } from '../analysis/walk.ts';
import type { DataSource } from '../catalog.ts';
import type { WindowInfo } from '../schema.ts';
import { compileAggregate } from '../expressions/aggregate.ts';
import { compileTableCall } from '../expressions/call.ts';
import { refuse, StatementError } from '../errors.ts';
import { FORMATS } from '../formats/all.ts';
import { checkColumns, type FormatInfo, KEY_FORMAT } from '../formats/traits.ts';
import type { AliasedSource, Call, Expression, Query, WindowClause } from '../parser/ast.ts';
import { milliseconds } from '../parser/build-ast.ts';
import { printExpression, printName, quoteName } from '../parser/print.ts';
import { isSystemColumn, pseudoColumns, windowColumns } from '../schema.ts';
import { BIGINT, typeText } from '../types.ts';
import { messageOf } from '../../util/index.ts';
import { compilerFor, type PlanEnvironment } from './environment.ts';
import { type JoinedSources, planJoins } from './joins.ts';
import type { AggregateStep, NamedExpression, RowColumn, SourceStep, Step } from './plan.ts';

/** A query as steps, before it is known where its rows go. */
export interface PlannedQuery {
  readonly root: Step;
  readonly sources: readonly DataSource[];
  /** The query with everything filled in, for messages. */
  readonly canonical: Query;
}

export interface PlanTarget {
  /** The source that is built, for messages about its key; undefined for a transient query. */
  readonly sinkName: string | undefined;
  /** The statement for messages: as it is, or around the query as planning filled it in. */
  readonly statement: string | ((query: Query) => string);
  /** The format that the sink's keys are asked to have. */
  readonly keyFormat: FormatInfo | undefined;
  readonly valueFormat: FormatInfo | undefined;
  /** The column that the sink takes its records' time from. */
  readonly timestampColumn?: string | undefined;
}

/** Understands a query and lays out its steps. Refusals follow the order of the clauses' evaluation. */
export function planQuery(environment: PlanEnvironment, query: Query, target: PlanTarget): PlannedQuery {
  return new QueryPlanner(environment, query, target).plan();
}

/** The key that a projection has to hold, and what messages say of it. */
interface ProjectedKey {
  /** Per key column, the names under which it may be selected. */
  readonly names: readonly (readonly string[])[];
  /** The same as messages show them. */
  readonly shown: readonly (readonly string[])[];
  readonly what: string;
  /** Any one of the columns will do. */
  readonly alternatives: boolean;
  /** The key column belongs to no source. */
  readonly synthetic: boolean;
  readonly groupBy: boolean;
  /** The left table of a foreign-key join. */
  readonly foreign: string | undefined;
}

/** A key of which there is nothing special to say. */
const PLAIN_KEY = {
  what: 'key column',
  alternatives: false,
  synthetic: false,
  groupBy: false,
  foreign: undefined,
} as const;

/** What a key column is made of, and its type. */
type GroupKey = NamedExpression & { readonly type: RowColumn['type'] };

class QueryPlanner {
  readonly #env: PlanEnvironment;
  readonly #query: Query;
  readonly #target: PlanTarget;
  readonly #scope: Scope;
  readonly #names: NameGenerator;
  #canonical: Query;

  constructor(environment: PlanEnvironment, query: Query, target: PlanTarget) {
    this.#env = environment;
    this.#query = query;
    this.#target = target;
    this.#canonical = query;
    this.#scope = new Scope(
      [query.from, ...query.joins.map((join) => join.source)].map((aliased) => this.#find(aliased)),
    );
    this.#names = new NameGenerator(this.#scope);
  }

  plan(): PlannedQuery {
    const { sources } = this.#scope;
    try {
      this.#checkSources();
      const root = this.#steps();
      return { root, sources: sources.map(({ source }) => source), canonical: this.#canonical };
    } catch (error) {
      if (error instanceof StatementError && error.statementText === undefined && this.#canonical !== this.#query) {
        throw new StatementError(error.message, { statementText: this.#statementText(), cause: error });
      }
      throw error;
    }
  }

  #statementText(): string {
    const { statement } = this.#target;
    return typeof statement === 'string' ? statement : statement(this.#canonical);
  }

  #find(aliased: AliasedSource): { aliased: AliasedSource; source: DataSource } {
    const source = this.#env.catalog.source(aliased.name);
    if (source !== undefined) return { aliased, source };
    return refuse(`Failed to prepare statement: ${aliased.name} does not exist.${didYouMean(this.#env, aliased.name)}`);
  }

  #checkSources(): void {
    const { sources } = this.#scope;
    const query = this.#query;
    const persistent = this.#target.sinkName !== undefined;
    if (
      persistent &&
      sources.length === 1 &&
      sources[0]!.source.kind === 'TABLE' &&
      sources[0]!.source.window !== undefined
    )
      refuse('KSQL does not support persistent queries on windowed tables.');
    for (const [clause, used] of [
      ['GROUP BY', query.groupBy !== undefined],
      ['JOIN', query.joins.length > 0],
    ] as const) {
      const offending = sources.filter(({ source }) => FORMATS[source.valueFormat.format].holds === 'value');
      if (used && offending.length > 0) {
        refuse(
          `Source(s) ${offending.map(({ source }) => source.name).join(', ')} are using the '${offending[0]!.source.valueFormat.format}' value format. This format does not yet support ${clause}.`,
        );
      }
    }
  }

  #steps(): Step {
    const query = this.#query;
    const scope = this.#scope;
    let joined: JoinedSources;
    if (scope.isJoin) {
      joined = planJoins(this.#env, scope, query, (source, context) => this.#sourceStep(source, context));
    } else {
      const step = this.#sourceStep(scope.sources[0]!, 'KsqlTopic');
      joined = { step, keys: step.key.map((column) => [column.name]), qualifiedKeys: [], synthetic: undefined };
    }
    let step = joined.step;
    if (joined.synthetic !== undefined) scope.extra.add(joined.synthetic);

    const where = query.where === undefined ? undefined : scope.qualify(query.where, 'WHERE');
    if (query.window !== undefined && !step.table && !scope.isJoin)
      for (const { name } of windowColumns) scope.extra.add(name);
    const items = expandProjection(query.select, scope, {
      structFields: fieldsOf(compilerFor(this.#env, step.columns)),
      syntheticKey: joined.synthetic,
      partitioned: query.partitionBy !== undefined,
    });
    const partitionBy = query.partitionBy?.map((e) => scope.qualify(e, 'PARTITION BY'));
    const groupBy = query.groupBy?.map((e) => scope.qualify(e, 'GROUP BY'));
    const having = query.having === undefined ? undefined : scope.qualify(query.having, 'HAVING');
    this.#canonical = {
      ...query,
      select: items.map(({ name, expression }) => ({ kind: 'item', expression, alias: name })),
      where,
      partitionBy,
      groupBy,
      having,
      emit: query.emit ?? 'CHANGES',
    };

    if (where !== undefined) step = this.#filter(step, scope.internal(where), 'WHERE', []);
    const flattened = this.#flatMap(step, items);
    step = flattened.step;
    const selected = flattened.items;
    if (partitionBy !== undefined) {
      if (step.table) refuse('PARTITION BY is not supported on tables: the key of a table is its primary key.');
      return this.#partition(step, partitionBy, selected);
    }
    const aggregates =
      selected.some(({ expression }) => containsAggregate(this.#env.functions, expression)) ||
      (having !== undefined && containsAggregate(this.#env.functions, having));
    if (groupBy !== undefined || aggregates) return this.#aggregate(step, groupBy, selected, having);
    if (query.emit === 'FINAL') refuse('EMIT FINAL is only supported for windowed aggregations.');
    if (query.window !== undefined) refuse('WINDOW clause requires a GROUP BY clause.');
    if (having !== undefined) refuse('HAVING requires a GROUP BY clause.');
    return this.#projectWithKeys(step, joined, selected);
  }

  #sourceStep(from: Scope['sources'][number], context: string): SourceStep {
    const { source, alias } = from;
    const prefix = this.#scope.isJoin ? alias : undefined;
    const name = (column: string): string => (prefix === undefined ? column : `${prefix}_${column}`);
    const windowed = source.window === undefined ? [] : windowColumns;
    const columns: RowColumn[] = [...source.schema.value, ...pseudoColumns, ...source.schema.key, ...windowed].map(
      (column) => ({
        name: name(column.name),
        type: column.type,
      }),
    );
    return {
      kind: 'source',
      source: source.name,
      context,
      prefix,
      topic: source.topic,
      schema: source.schema,
      keyFormat: source.keyFormat,
      valueFormat: source.valueFormat,
      timestamp: source.timestamp,
      columns,
      key: source.schema.key.map((column) => ({ name: name(column.name), type: column.type })),
      table: source.kind === 'TABLE',
      window: source.window,
    };
  }

  #filter(
    input: Step,
    predicate: Expression,
    clause: 'WHERE' | 'HAVING',
    aliases: readonly { name: string; call: Call }[],
  ): Step {
    const show = (message: string): string =>
      aliases.reduce((text, { name, call }) => text.replaceAll(name, printExpression(call)), message);
    let type: ReturnType<ReturnType<typeof compilerFor>['compile']>['type'];
    try {
      ({ type } = compilerFor(this.#env, input.columns).compile(predicate));
    } catch (error) {
      throw new StatementError(`Error in ${clause} expression: ${show(messageOf(error))}`, { cause: error });
    }
    if (type?.kind !== 'BOOLEAN') {
      const shown = type === null ? 'null' : typeText(type);
      refuse(
        `Type error in ${clause} expression: Should evaluate to boolean but is ${show(printExpression(predicate))} (${shown}) instead.`,
      );
    }
    const { columns, key, table, window } = input;
    return { kind: 'filter', input, predicate, clause, columns, key, table, window };
  }

  /** Table functions in the projection become a step in front of it. */
  #flatMap(input: Step, items: readonly ProjectionItem[]): { step: Step; items: readonly ProjectionItem[] } {
    const { functions } = this.#env;
    const calls: { name: string; call: Call; type: RowColumn['type'] }[] = [];
    const compiler = compilerFor(this.#env, input.columns);
    const rewritten = items.map((item) => {
      const expression = replace(item.expression, (e) => {
        if (e.kind !== 'call' || !functions.isTable(e.name)) return undefined;
        for (const arg of e.args) {
          if (findCall(arg, (name) => functions.isTable(name)) !== undefined)
            refuse(`Table functions can't be nested: ${printExpression(e)}`);
        }
        const call = this.#scope.internal(e) as Call;
        const name = `KSQL_SYNTH_${calls.length}`;
        calls.push({ name, call, type: compileTableCall(compiler, call).type });
        return { kind: 'column', name };
      });
      return { ...item, expression };
    });
    if (calls.length === 0) return { step: input, items };
    if (input.table) refuse('Table source is not supported with table functions');
    const columns = [...input.columns, ...calls.map(({ name, type }) => ({ name, type }))];
    const step: Step = { kind: 'flatMap', input, calls, columns, key: input.key, table: false, window: input.window };
    return { step, items: rewritten };
  }

  // --- keys and projections --------------------------------------------------------------------------------------------

  /** A query that keeps its key. */
  #projectWithKeys(step: Step, joined: JoinedSources, items: readonly ProjectionItem[]): Step {
    const { keys: names, qualifiedKeys: shown, synthetic, foreignLeft: foreign } = joined;
    if (!this.#scope.isJoin) return this.#project(step, items, { ...PLAIN_KEY, names, shown });
    return this.#project(step, items, {
      names,
      shown,
      what: synthetic === undefined && shown[0]?.length !== 1 ? 'join expressions' : 'join expression',
      alternatives: true,
      synthetic: synthetic !== undefined,
      groupBy: false,
      foreign,
    });
  }

  #partition(input: Step, expressions: readonly Expression[], items: readonly ProjectionItem[]): Step {
    if (expressions.length === 0) refuse('PARTITION BY requires at least one expression');
    const nulls = expressions.filter((e) => e.kind === 'null');
    if (nulls.length > 0 && expressions.length > 1) refuse('Cannot PARTITION BY multiple columns including NULL');
    if (input.window !== undefined)
      refuse(
        'Implicit repartitioning of windowed sources is not supported. See https://github.com/confluentinc/ksql/issues/4385.',
      );
    const what = expressions.length === 1 ? 'partitioning expression' : 'partitioning expressions';
    const { columns, table } = input;
    if (nulls.length > 0) {
      const unkeyed: Step = { kind: 'selectKey', input, keys: [], columns, key: [], table, window: undefined };
      return this.#project(unkeyed, items, { ...PLAIN_KEY, names: [], shown: [], what });
    }
    const internal = expressions.map((e) => this.#scope.internal(e));
    const unchanged =
      internal.length === input.key.length &&
      internal.every((e, i) => e.kind === 'column' && e.name === input.key[i]!.name);
    const compiler = compilerFor(this.#env, columns);
    const keys: GroupKey[] = internal.map((expression, i) => {
      const type = compiler.compile(expression).type ?? refuseNull();
      const name = expression.kind === 'column' ? expression.name : this.#keyName(expressions[i]!, items);
      return { name, expression, type };
    });
    const generated = keys.filter(({ expression }) => expression.kind !== 'column' || isSystemColumn(expression.name));
    const all = [
      ...columns,
      ...generated
        .filter(({ name }) => !columns.some((column) => column.name === name))
        .map(({ name, type }) => ({ name, type })),
    ];
    const step: Step = unchanged
      ? input
      : {
          kind: 'selectKey',
          input,
          keys,
          columns: all,
          key: keys.map(({ name, type }) => ({ name, type })),
          table,
          window: undefined,
        };
    const prints = new Map(expressions.map((e, i) => [printExpression(e), keys[i]!.name]));
    const star = items.some((item) => item.fromStar);
    let selected: ProjectionItem[] = items.map((item) => {
      const key = prints.get(printExpression(item.expression));
      return key === undefined || item.expression.kind === 'column'
        ? item
        : { ...item, expression: { kind: 'column', name: key } };
    });
    if (star) {
      const missing = generated.filter(
        ({ name }) => !selected.some((item) => item.expression.kind === 'column' && item.expression.name === name),
      );
      selected = [
        ...missing.map(({ name }): ProjectionItem => ({ name, expression: { kind: 'column', name }, fromStar: true })),
        ...selected,
      ];
    }
    return this.#project(step, selected, {
      ...PLAIN_KEY,
      names: keys.map(({ name }) => [name]),
      shown: expressions.map((e) => [printExpression(e)]),
      what,
    });
  }

  /** What the key made by an expression is called: as in the projection, else by a free name. */
  #keyName(qualified: Expression, items: readonly ProjectionItem[]): string {
    const printed = printExpression(qualified);
    const item = items.find((candidate) => printExpression(candidate.expression) === printed);
    return item?.name ?? this.#names.nameOf(qualified);
  }

  /** The projection: the key columns among the items name the key, the others are the values. */
  #project(input: Step, items: readonly ProjectionItem[], projectedKey: ProjectedKey): Step {
    const persistent = this.#target.sinkName !== undefined;
    const compiler = compilerFor(this.#env, input.columns);
    const internal = items.map((item) => {
      const expression = this.#scope.internal(item.expression);
      try {
        return { ...item, expression, type: compiler.compile(expression).type };
      } catch (error) {
        throw new StatementError(`Invalid Select: ${messageOf(error)}`, { cause: error });
      }
    });
    const { timestampColumn } = this.#target;
    if (timestampColumn !== undefined && !items.some((item) => item.name === timestampColumn))
      refuse(`The TIMESTAMP column set in the WITH clause does not exist in the schema: '${timestampColumn}'`);
    const chosen = new Map<ProjectionItem, number>();
    const missing: number[] = [];
    if (persistent) {
      projectedKey.names.forEach((names, i) => {
        const candidates = names
          .map((name) => internal.filter((item) => item.expression.kind === 'column' && item.expression.name === name))
          .filter((found) => found.length > 0);
        const [first] = candidates;
        if (first === undefined) {
          missing.push(i);
          return;
        }
        if (first.length > 1) this.#refuseDuplicateKey(projectedKey, first);
        chosen.set(first[0]!, i);
      });
      if (missing.length > 0) this.#refuseMissingKeys(projectedKey, missing);
    }
    const key = input.key.map((column, i) => {
      const item = [...chosen].find(([, at]) => at === i)?.[0];
      return { name: item?.name ?? column.name, type: column.type };
    });
    const values = internal.filter((item) => !chosen.has(item));
    const columns = values.map(({ name, type }) => ({ name, type: type ?? refuseNull() }));
    const twice = columns.find(
      ({ name }, i) =>
        columns.findIndex((other) => other.name === name) !== i ||
        (persistent && key.some((column) => column.name === name)),
    );
    if (twice !== undefined)
      refuse(`Duplicate value columns found in schema: ${quoteName(twice.name)} ${typeText(twice.type)}`);
    if (persistent && input.table && columns.length === 0) refuse('The projection contains no value columns.');
    if (this.#target.keyFormat !== undefined && key.length > 0) {
      checkColumns(
        'Key',
        this.#target.keyFormat,
        key.map((column) => ({ ...column, namespace: 'KEY' })),
      );
    }
    return {
      kind: 'project',
      input,
      items: values.map(({ name, expression }) => ({ name, expression })),
      columns,
      key,
      table: input.table,
      window: input.window,
    };
  }

  #refuseDuplicateKey({ groupBy }: ProjectedKey, found: readonly ProjectionItem[]): never {
    const names = found.map(({ name }) => name);
    if (groupBy)
      return refuse(`The projection contains a key column more than once: ${names.map(quoteName).join(' and ')}.`);
    const [{ expression }] = found as [ProjectionItem];
    const column = expression.kind === 'column' ? expression.name : printExpression(expression);
    const sorted = [...names].sort();
    return refuse(
      `The projection contains a key column (${quoteName(column)}) more than once, aliased as: ${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}.`,
    );
  }

  #refuseMissingKeys(key: ProjectedKey, missing: readonly number[]): never {
    const { names: keys, shown, what, alternatives, synthetic, groupBy, foreign } = key;
    if (foreign !== undefined) {
      const [word, lack] = missing.length === 1 ? ['column', 'Missing column'] : ['columns', 'Missing columns'];
      const names = missing
        .map((i) => quoteName(keys[i]![0]!.replace(`${this.#scope.sources[0]!.alias}_`, '')))
        .join(', ');
      return refuse(
        `Primary key ${word} missing in projection. For foreign-key table-table joins, the projection must include all primary key columns from the left input table (${quoteName(foreign)}). ${lack}: ${names}.`,
      );
    }
    const listed = groupBy ? missing : keys.map((_names, i) => i);
    const texts = listed.flatMap((i) => shown[i] ?? keys[i]!.map(printName));
    const plural = (what === 'key column' || what === 'grouping expression') && texts.length > 1 ? `${what}s` : what;
    const list =
      texts.length === 1
        ? texts[0]!
        : alternatives
          ? texts.join(' or ')
          : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
    const example = alternatives ? texts[0]! : texts.join(', ');
    const why = synthetic
      ? '\nROWKEY was added as a synthetic key column because the join criteria did not match any source column. This expression must be included in the projection and may be aliased.'.replace(
          'ROWKEY',
          texts[0]!,
        )
      : '';
    return refuse(
      `Key missing from projection (ie, SELECT). See https://cnfl.io/2LV7ouS.\nThe query used to build ${quoteName(this.#target.sinkName ?? '')} must include the ${plural} ${list} in its projection (eg, SELECT ${example}...).${why}`,
    );
  }

  // --- aggregations ----------------------------------------------------------------------------------------------------

  #aggregate(
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
    const byPrint = new Map(groupKeys.map(({ expression }, i) => [printExpression(expression), `KSQL_KEY_${i}`]));
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
      rewrittenHaving === undefined ? aggregated : this.#filter(aggregated, rewrittenHaving, 'HAVING', finder.found);
    const projected = this.#project(step, rewrittenItems, {
      ...PLAIN_KEY,
      names: aggregated.key.map(({ name }) => [name]),
      shown: groupKeys.map(({ expression }) => [printExpression(expression)]),
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
  #groupKeys(input: Step, groups: readonly Expression[], items: readonly ProjectionItem[]): GroupKey[] {
    const compiler = compilerFor(this.#env, input.columns);
    return groups.map((group) => {
      const expression = this.#scope.internal(group);
      const item = items.find((candidate) => printExpression(candidate.expression) === printExpression(group));
      const name = item?.name ?? (expression.kind === 'column' ? expression.name : this.#names.nameOf(group));
      let type: RowColumn['type'] | null;
      try {
        ({ type } = compiler.compile(expression));
      } catch (error) {
        throw new StatementError(`Error in GROUP BY expression: ${messageOf(error)}`, { cause: error });
      }
      return { name, expression, type: type ?? refuseNull() };
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
    if (isGrouped && !all.some((e) => containsAggregate(functions, e)))
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

  #aggregateStep(input: Step, groupKeys: readonly GroupKey[], finder: AggregateFinder): AggregateStep {
    const { window, emit } = this.#query;
    if (emit === 'FINAL' && window === undefined) refuse('EMIT FINAL is only supported for windowed aggregations.');
    if (window !== undefined && input.table) refuse('WINDOW clause is only supported when the source is a stream.');
    const aggregates = this.#compileAggregates(input, finder);
    const key = groupKeys.map(({ type }, i) => ({ name: `KSQL_KEY_${i}`, type }));
    const bounds = window === undefined ? [] : ['WINDOWSTART', 'WINDOWEND'].map((name) => ({ name, type: BIGINT }));
    return {
      kind: 'aggregate',
      input,
      groupBy: groupKeys.map(({ name, expression }) => ({ name, expression })),
      rekeys:
        input.window !== undefined ||
        groupKeys.length !== input.key.length ||
        groupKeys.some(({ expression }, i) => expression.kind !== 'column' || expression.name !== input.key[i]!.name),
      aggregates,
      windowClause: window,
      final: emit === 'FINAL',
      keyFormat: this.#target.keyFormat ?? KEY_FORMAT,
      columns: [...aggregates.map(({ name, type }) => ({ name, type })), ...key, ...bounds],
      key,
      table: true,
      window: window === undefined ? undefined : windowInfo(window),
    };
  }

  #compileAggregates(input: Step, finder: AggregateFinder): { name: string; call: Call; type: RowColumn['type'] }[] {
    const compiler = compilerFor(this.#env, input.columns);
    const compiled = finder.found.map(({ name, call }) => {
      // The rows of a join have no ROWTIME of their own: any value that is never null counts rows as well.
      const counted = this.#scope.isJoin ? withoutRowtime(call) : call;
      const { aggregator } = compileAggregate(compiler, counted, this.#settingsOf(call.name));
      return { name, call: counted, type: aggregator.resultType, aggregator };
    });
    if (input.table) {
      const stuck = [
        ...new Set(compiled.filter(({ aggregator }) => aggregator.undo === undefined).map(({ call }) => call.name)),
      ];
      if (stuck.length > 0) {
        const list = stuck.length === 1 ? stuck[0]! : `${stuck.slice(0, -1).join(', ')} and ${stuck.at(-1)}`;
        const [word, verb] = stuck.length === 1 ? ['function', ''] : ['functions', ''];
        refuse(`The aggregation ${word} ${list}${verb} cannot be applied to a table source, only to a stream source.`);
      }
    }
    const states = compiled.map(
      ({ aggregator: { stateType: type } }) => ({ name: 'S', type, namespace: 'VALUE' }) as const,
    );
    const { valueFormat } = this.#target;
    const format = valueFormat && FORMATS[valueFormat.format];
    if (format?.holds === 'flatRows' && format.refusal(states) !== undefined)
      refuse(
        'One of the functions used in the statement has an intermediate type that the value format can not handle. Please remove the function or change the format.',
      );
    return compiled.map(({ name, call, type }) => ({ name, call, type }));
  }

  #settingsOf(functionName: string): (property: string) => string | undefined {
    return (property) => this.#env.setting(`ksql.functions.${functionName.toLowerCase()}.${property}`);
  }
}

function refuseNull(): never {
  return refuse(
    "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR).",
  );
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

function didYouMean(env: PlanEnvironment, name: string): string {
  const close = env.catalog
    .sources()
    .find((source) => source.name !== name && source.name.toUpperCase() === name.toUpperCase());
  if (close === undefined) return '';
  return name === name.toUpperCase()
    ? `\nDid you mean "${close.name}"? Hint: wrap the source name in double quotes to make it case-sensitive.`
    : `\nDid you mean ${close.name}? Hint: try removing double quotes from the source name.`;
}
