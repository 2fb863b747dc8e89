import { containsAggregate, findCall } from '../analysis/aggregates.ts';
import { expandProjection, fieldsOf, NameGenerator, type ProjectionItem } from '../analysis/projection.ts';
import { refuseEndings } from '../analysis/extensions.ts';
import { rowBoundOf, rowNumberIn } from '../analysis/row-number.ts';
import { Scope, type ScopeSource } from '../analysis/scope.ts';
import { replace } from '../analysis/walk.ts';
import type { DataSource } from '../catalog.ts';
import { refuse, refuseName, StatementError } from '../errors.ts';
import { FORMATS } from '../formats/all.ts';
import { bindAwaitedCall, bindTableCall } from '../expressions/binding/call.ts';
import type { ScalarCall, TableCall } from '../expressions/typed.ts';
import type { AliasedSource, Call, Expression, Query } from '../parser/ast.ts';
import { printExpression, printQuery } from '../parser/print.ts';
import { isSystemColumn, windowColumns } from '../schema.ts';
import { withTimeLiterals } from '../analysis/time-literals.ts';
import { checkWindowBounds } from '../analysis/window-bounds.ts';
import { AggregationPlanner } from './aggregate.ts';
import { arranged, withOrderColumns } from './arrange.ts';
import { askedInside } from './ask-inside.ts';
import { type Derived, derivedAtRest, derivedFrom, type Member } from './derived.ts';
import { binderFor, planned, type PlanEnvironment } from './environment.ts';
import { filterStep } from './filter.ts';
import { type Conditions, HashJoins } from './hash-joins.ts';
import { type JoinedSources, planJoins } from './joins.ts';
import { planOver } from './over.ts';
import type { NamedExpression, OriginStep, RowColumn, SourceStep, Step } from './plan.ts';
import { PLAIN_KEY, projectStep } from './project.ts';
import { planRank } from './rank.ts';
import { columnType, type KeyExpression, type PlanTarget, type QueryContext } from './query-context.ts';

/** A query as steps, before it is known where its rows go. */
export interface PlannedQuery {
  readonly root: Step;
  readonly sources: readonly DataSource[];
  /** The query with everything filled in, for messages. */
  readonly canonical: Query;
  /** What a query that is read at rest says of the rows of single sources: what they may be looked up by. */
  readonly conditions: Conditions;
}

/** Understands a query and lays out its steps. Refusals follow the order of the clauses' evaluation. */
export function planQuery(environment: PlanEnvironment, query: Query, target: PlanTarget): PlannedQuery {
  return new QueryPlanner(environment, query, target).plan();
}

class QueryPlanner {
  readonly #env: PlanEnvironment;
  readonly #query: Query;
  readonly #target: PlanTarget;
  readonly #scope: Scope;
  readonly #names: NameGenerator;
  readonly #context: QueryContext;
  /** The queries among the sources, by alias. */
  readonly #derived = new Map<string, Derived>();
  readonly #conditions = new Map<SourceStep, Expression>();
  #canonical: Query;
  /** The condition, without what the sources know of it already. */
  #where: Expression | undefined;

  constructor(environment: PlanEnvironment, query: Query, target: PlanTarget) {
    this.#env = environment;
    this.#query = query;
    this.#target = target;
    this.#canonical = query;
    this.#where = query.where;
    this.#scope = new Scope(
      [query.from, ...query.joins.map((join) => join.source)].map((aliased, i) => this.#find(aliased, i)),
    );
    this.#names = new NameGenerator(this.#scope);
    this.#context = { env: environment, query, target, scope: this.#scope, names: this.#names };
  }

  plan(): PlannedQuery {
    const { sources } = this.#scope;
    try {
      this.#checkSources();
      const root = this.#steps();
      return {
        root,
        sources: sources.flatMap(({ alias, source }) => this.#derived.get(alias)?.sources ?? [source]),
        canonical: this.#canonical,
        conditions: this.#conditions,
      };
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

  #find(aliased: AliasedSource, nth: number): { aliased: AliasedSource; source: DataSource; isAtRest?: boolean } {
    const { alias, queries } = aliased;
    if (queries !== undefined) {
      const { isAtRest = false } = this.#target;
      const rowsWanted = isAtRest ? undefined : this.#rowsWanted(aliased);
      const derived = isAtRest
        ? derivedAtRest(
            alias,
            askedInside(this.#env.functions, queries, alias, this.#query).map((query) => this.#memberAtRest(query)),
          )
        : derivedFrom(
            alias,
            queries.map((query, i) => this.#member(query, `Query${nth}_${i}_`, rowsWanted)),
          );
      this.#derived.set(alias, derived);
      return { aliased, source: derived.source, isAtRest };
    }
    const source = this.#env.catalog.source(aliased.name);
    if (source !== undefined) return { aliased, source };
    return refuseSource(this.#env, aliased.name);
  }

  /** A query in FROM, or one of several there. */
  #member(query: Query, context: string, rowsWanted: number | undefined): Member {
    refuseEndings(query, 'Queries in FROM');
    if (query.limit !== undefined) refuse("Queries in FROM don't support LIMIT: they go on.");
    const target = { sinkName: undefined, keyFormat: undefined, valueFormat: undefined, statement: printQuery(query) };
    const { root, sources } = planQuery(this.#env, query, {
      ...target,
      context: `${this.#target.context ?? ''}${context}`,
      rowsWanted,
    });
    return { root, sources, isFinal: query.emit === 'FINAL' };
  }

  /** How many rows of each partition are wanted of a query in FROM that numbers its rows. */
  #rowsWanted({ alias, queries = [] }: AliasedSource): number | undefined {
    const [only, ...others] = queries;
    const numbered = only === undefined || others.length > 0 ? undefined : rowNumberIn(only);
    if (numbered === undefined) return undefined;
    const { where, joins } = this.#query;
    const isNumber = (e: Expression) =>
      e.kind === 'column' && e.name === numbered.name && (e.source ?? alias) === alias;
    const { most, rest } = rowBoundOf(where, isNumber);
    // A join may make rows that have no number.
    if (joins.length === 0) this.#where = rest;
    return most;
  }

  #memberAtRest(query: Query): Omit<Member, 'isFinal'> {
    const target = { sinkName: undefined, keyFormat: undefined, valueFormat: undefined, statement: printQuery(query) };
    const { root, sources, conditions } = planQuery(this.#env, withOrderColumns(query), { ...target, isAtRest: true });
    for (const [source, condition] of conditions) this.#conditions.set(source, condition);
    return { root: arranged(root, query, root.columns, true), sources };
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
    const { context = '' } = this.#target;
    let joined: JoinedSources;
    let hashJoins: HashJoins | undefined;
    if (scope.isJoin && this.#target.isAtRest === true) {
      hashJoins = new HashJoins(this.#env, scope, query, (source) => this.#originStep(source, ''));
      joined = { step: hashJoins.plan(), keys: [], qualifiedKeys: [], equalToKey: new Set(), synthetic: undefined };
    } else if (scope.isJoin) {
      joined = planJoins(this.#env, scope, query, (source, name) => this.#originStep(source, name), context);
    } else {
      const step = this.#originStep(scope.sources[0]!, `${context}KsqlTopic`);
      joined = {
        step,
        keys: step.key.map((column) => [column.name]),
        qualifiedKeys: [],
        equalToKey: new Set(),
        synthetic: undefined,
      };
    }
    let step = joined.step;
    if (joined.synthetic !== undefined) scope.extra.add(joined.synthetic);

    if (query.window !== undefined && !step.table && !scope.isJoin) {
      if (step.window === undefined) checkWindowBounds(query, this.#env.functions);
      for (const { name } of windowColumns) scope.extra.add(name);
    }
    const where = query.where === undefined ? undefined : scope.qualify(withTimeLiterals(query.where), 'WHERE');
    const items = expandProjection(query.select, scope, {
      structFields: fieldsOf(binderFor(this.#env, step.columns)),
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

    const filter = this.#where && scope.qualify(withTimeLiterals(this.#where), 'WHERE');
    if (filter !== undefined) step = this.#filtered(step, filter, hashJoins);
    const beside = planOver(this.#context, step, items);
    const flattened = this.#flatMap(beside.step, beside.items);
    const awaited = this.#await(flattened.step, flattened.items);
    step = awaited.step;
    const selected = awaited.items;
    const ranked = planRank(this.#context, step, selected);
    if (ranked !== undefined) return ranked;
    if (partitionBy !== undefined) {
      if (step.table) refuse('PARTITION BY is not supported on tables: the key of a table is its primary key.');
      return this.#partition(step, partitionBy, selected);
    }
    const aggregates =
      selected.some(({ expression }) => containsAggregate(this.#env.functions, expression)) ||
      (having !== undefined && containsAggregate(this.#env.functions, having));
    if (groupBy !== undefined || aggregates)
      return new AggregationPlanner(this.#context).plan(step, groupBy, selected, having);
    if (query.emit === 'FINAL') refuse('EMIT FINAL is only supported for windowed aggregations.');
    if (query.window !== undefined) refuse('WINDOW clause requires a GROUP BY clause.');
    if (having !== undefined) refuse('HAVING requires a GROUP BY clause.');
    return this.#projectWithKeys(step, joined, selected);
  }

  #filtered(input: Step, where: Expression, hashJoins: HashJoins | undefined): Step {
    const filter = filterStep(this.#env, input, this.#scope.internal(where), 'WHERE', []);
    if (input.kind === 'source') this.#conditions.set(input, withTimeLiterals(this.#query.where!));
    if (hashJoins === undefined) return filter;
    const { step, conditions } = hashJoins.pushDown(input, where);
    for (const [source, condition] of conditions) this.#conditions.set(source, condition);
    return { ...filter, input: step };
  }

  #originStep(from: ScopeSource, context: string): OriginStep {
    const { source, alias } = from;
    const prefix = this.#scope.isJoin ? alias : undefined;
    const name = (column: string): string => (prefix === undefined ? column : `${prefix}_${column}`);
    const windowed = source.window === undefined ? [] : windowColumns;
    const columns: RowColumn[] = [...source.schema.value, ...from.pseudo, ...source.schema.key, ...windowed].map(
      (column) => ({
        name: name(column.name),
        type: column.type,
      }),
    );
    const common = {
      prefix,
      columns,
      key: source.schema.key.map((column) => ({ name: name(column.name), type: column.type })),
      table: source.kind === 'TABLE',
      window: source.window,
    };
    const derived = this.#derived.get(alias);
    if (derived !== undefined) {
      const { inputs, names } = derived;
      return { kind: 'derived', inputs, alias, names, keyFormat: source.keyFormat, ...common };
    }
    return {
      kind: 'source',
      source: source.name,
      context,
      topic: source.topic,
      schema: source.schema,
      keyFormat: source.keyFormat,
      valueFormat: source.valueFormat,
      timestamp: source.timestamp,
      start: source.start,
      ...common,
    };
  }

  /** Table functions in the projection become a step in front of it. */
  #flatMap(input: Step, items: readonly ProjectionItem[]): { step: Step; items: readonly ProjectionItem[] } {
    const { functions } = this.#env;
    const calls: NamedExpression<TableCall>[] = [];
    const binder = binderFor(this.#env, input.columns);
    const rewritten = items.map((item) => {
      const expression = replace(item.expression, (e) => {
        if (e.kind !== 'call' || !functions.isTable(e.name)) return undefined;
        if (this.#query.groupBy !== undefined) refuse('Table functions cannot be used with aggregations.');
        for (const arg of e.args) {
          if (findCall(arg, (name) => functions.isTable(name)) !== undefined)
            refuse(`Table functions can't be nested: ${printExpression(e)}`);
        }
        const call = this.#scope.internal(e) as Call;
        const name = `KSQL_SYNTH_${calls.length}`;
        calls.push({ name, expression: bindTableCall(binder, call), text: printExpression(call) });
        return { kind: 'column', name };
      });
      return { ...item, expression };
    });
    if (calls.length === 0) return { step: input, items };
    if (input.table) refuse('Table source is not supported with table functions');
    const columns = [...input.columns, ...calls.map(({ name, expression: { type } }) => ({ name, type }))];
    const step: Step = { kind: 'flatMap', input, calls, columns, key: input.key, table: false, window: input.window };
    return { step, items: rewritten };
  }

  /** Functions of the projection that are waited for become a step in front of it, too. */
  #await(input: Step, items: readonly ProjectionItem[]): { step: Step; items: readonly ProjectionItem[] } {
    const { functions } = this.#env;
    const calls: NamedExpression<ScalarCall>[] = [];
    const binder = binderFor(this.#env, input.columns);
    const rewritten = items.map((item) => {
      const expression = replace(item.expression, (e) => {
        if (e.kind !== 'call' || !functions.isAwaited(e.name)) return undefined;
        const inner = e.args.map((arg) => findCall(arg, (name) => functions.isAwaited(name))).find((call) => call);
        if (inner !== undefined) refuse(`Functions that are waited for can't be nested: ${printExpression(e)}`);
        const call = this.#scope.internal(e) as Call;
        const bound = bindAwaitedCall(binder, call);
        if (bound === undefined) return undefined;
        const name = `KSQL_AWAITED_${calls.length}`;
        calls.push({ name, expression: bound, text: printExpression(call) });
        return { kind: 'column', name };
      });
      return { ...item, expression };
    });
    if (calls.length === 0) return { step: input, items };
    if (input.table) refuse('Functions that are waited for can stand in the SELECT of a query over streams only');
    const columns = [...input.columns, ...calls.map(({ name, expression: { type } }) => ({ name, type }))];
    const step: Step = { kind: 'await', input, calls, columns, key: input.key, table: false, window: input.window };
    return { step, items: rewritten };
  }

  // --- keys and projections --------------------------------------------------------------------------------------------

  /** A query that keeps its key. */
  #projectWithKeys(step: Step, joined: JoinedSources, items: readonly ProjectionItem[]): Step {
    const { keys: names, qualifiedKeys: shown, synthetic, foreignLeft: foreign } = joined;
    if (!this.#scope.isJoin) return projectStep(this.#context, step, items, { ...PLAIN_KEY, names, shown });
    return projectStep(this.#context, step, items, {
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
      return projectStep(this.#context, unkeyed, items, { ...PLAIN_KEY, names: [], shown: [], what });
    }
    const internal = expressions.map((e) => this.#scope.internal(e));
    const unchanged =
      internal.length === input.key.length &&
      internal.every((e, i) => e.kind === 'column' && e.name === input.key[i]!.name);
    const binder = binderFor(this.#env, columns);
    const keys = internal.map((ast, i): KeyExpression => {
      const bound = planned(binder, ast);
      const type = columnType(bound.expression.type);
      return { name: ast.kind === 'column' ? ast.name : this.#keyName(expressions[i]!, items), ...bound, type };
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
    return projectStep(this.#context, step, selected, {
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
}

function refuseSource(env: PlanEnvironment, name: string): never {
  const unknown = `Failed to prepare statement: ${name} does not exist.`;
  const close = env.catalog
    .sources()
    .find((source) => source.name !== name && source.name.toUpperCase() === name.toUpperCase());
  if (close === undefined) return refuseName(unknown, name, env.catalog.sourceNames);
  const hint =
    name === name.toUpperCase()
      ? `\nDid you mean "${close.name}"? Hint: wrap the source name in double quotes to make it case-sensitive.`
      : `\nDid you mean ${close.name}? Hint: try removing double quotes from the source name.`;
  return refuse(`${unknown}${hint}`);
}
