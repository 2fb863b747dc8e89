// Joins in a query that is read at rest. Nothing has to be found again when one side changes, so none of the rules that a
// running join has (keys, windows, partitions) is needed: any sources are joined, by any equalities, and by conditions beside
// them. What WHERE says of one source alone is asked of its rows before they are joined, and is what they are looked up by.
import { place, type Scope, type ScopeSource } from '../analysis/scope.ts';
import { replaceColumns } from '../analysis/walk.ts';
import { refuse } from '../errors.ts';
import type { Comparison, TypedExpression } from '../expressions/typed.ts';
import type { Expression, Join, Query } from '../parser/ast.ts';
import { printExpression, quoteName } from '../parser/print.ts';
import { sameType } from '../types.ts';
import { binderFor, type PlanEnvironment } from './environment.ts';
import { filterStep } from './filter.ts';
import type { HashJoinStep, OriginStep, SourceStep, Step } from './plan.ts';

/** What a query says of the rows of its sources, each in the words of that source alone. */
export type Conditions = ReadonlyMap<SourceStep, Expression>;

interface Criterion {
  readonly left: Expression;
  readonly right: Expression;
}

export class HashJoins {
  readonly #env: PlanEnvironment;
  readonly #scope: Scope;
  readonly #query: Query;
  readonly #originStep: (source: ScopeSource) => OriginStep;
  /** All that has to be equal, as it was written. */
  readonly #criteria: Criterion[] = [];

  constructor(env: PlanEnvironment, scope: Scope, query: Query, originStep: (source: ScopeSource) => OriginStep) {
    this.#env = env;
    this.#scope = scope;
    this.#query = query;
    this.#originStep = originStep;
  }

  /** All sources, joined from left to right. */
  plan(): Step {
    const [first, ...others] = this.#scope.sources as [ScopeSource, ...ScopeSource[]];
    const aliases = new Set([first.alias]);
    let left: Step = this.#originStep(first);
    for (const [i, right] of others.entries()) {
      if (aliases.has(right.alias))
        refuse(
          `${place(this.#query.joins[i]!.source.at)}Two sources are called ${quoteName(right.alias)}: give one of them a name of its own, with AS.`,
        );
      left = this.#join(left, this.#originStep(right), this.#query.joins[i]!, aliases);
      aliases.add(right.alias);
    }
    return left;
  }

  #join(left: Step, right: OriginStep, join: Join, leftAliases: ReadonlySet<string>): HashJoinStep {
    const { type, source, on: written, within } = join;
    const at = place(written.at ?? join.at);
    if (within !== undefined)
      refuse(`${at}WITHIN is for joins of streams that go on: a pull query joins all that is there.`);
    const on = this.#scope.qualify(written, 'JOIN ON');
    for (const alias of this.#scope.sourcesIn(on)) {
      if (alias !== source.alias && !leftAliases.has(alias))
        refuse(`${at}ON may name the sources that are joined by then: ${quoteName(alias)} comes later.`);
    }
    const columns = [...left.columns, ...right.columns];
    const binder = binderFor(this.#env, columns);
    const criteria: { left: TypedExpression; right: TypedExpression }[] = [];
    const conditions: Expression[] = [];
    for (const condition of conjunctsOf(on)) {
      const sides = this.#sidesOf(condition, source.alias);
      if (sides === undefined) {
        conditions.push(condition);
        continue;
      }
      this.#criteria.push(sides);
      const equality: Expression = { kind: 'comparison', op: '=', ...sides };
      const bound = binder.bind(this.#scope.internal(equality)) as Comparison;
      criteria.push({ left: bound.left, right: bound.right });
    }
    if (criteria.length === 0)
      refuse(
        `${at}A join needs an equality between ${quoteName(source.alias)} and what stands before it. Got ${printExpression(on)}.`,
      );
    const step: HashJoinStep = {
      kind: 'hashJoin',
      type,
      left,
      right,
      criteria,
      condition: undefined,
      text: printExpression(on),
      columns,
      key: [],
      table: false,
    };
    if (conditions.length === 0) return step;
    const asked = filterStep(this.#env, step, this.#scope.internal(conditions.reduce(and)), 'ON', []);
    return { ...step, condition: asked.predicate.expression };
  }

  /** The sides of an equality between the joined source and those before it. */
  #sidesOf(e: Expression, alias: string): Criterion | undefined {
    if (e.kind !== 'comparison' || e.op !== '=') return undefined;
    const names = (side: Expression) => [...this.#scope.sourcesIn(side)];
    const [a, b] = [names(e.left), names(e.right)];
    const isOwn = (found: readonly string[]) => found.length === 1 && found[0] === alias;
    const isOther = (found: readonly string[]) => found.length > 0 && !found.includes(alias);
    if (isOther(a) && isOwn(b)) return { left: e.left, right: e.right };
    if (isOwn(a) && isOther(b)) return { left: e.right, right: e.left };
    return undefined;
  }

  /**
   * The joined sources with what WHERE says of each of them alone asked of its rows, too. It has to be asked again of the joined
   * rows: where a join makes up for missing rows with nulls, only conditions that nulls don't meet are asked before.
   */
  pushDown(joined: Step, where: Expression): { readonly step: Step; readonly conditions: Conditions } {
    const own = new Map<string, Expression[]>();
    const written = conjunctsOf(where);
    for (const condition of [...written, ...this.#implied(written)]) {
      const aliases = this.#scope.sourcesIn(condition);
      const [alias] = aliases;
      if (alias === undefined || aliases.size > 1 || !(isStrict(condition) || this.#isKept(alias))) continue;
      own.set(alias, [...(own.get(alias) ?? []), condition]);
    }
    const conditions = new Map<SourceStep, Expression>();
    const pushed = (step: Step): Step => {
      if (step.kind === 'hashJoin') return { ...step, left: pushed(step.left), right: pushed(step.right) };
      if (step.kind !== 'source' && step.kind !== 'derived') return step;
      const asked = own.get(step.prefix!)?.reduce(and);
      if (asked === undefined) return step;
      if (step.kind === 'source')
        conditions.set(
          step,
          replaceColumns(asked, ({ name }) => ({ kind: 'column', name })),
        );
      return filterStep(this.#env, step, this.#scope.internal(asked), 'WHERE', []);
    };
    return { step: pushed(joined), conditions };
  }

  /** What is said of a column holds for the column that it is equal to. */
  #implied(written: readonly Expression[]): Expression[] {
    return this.#criteria.flatMap(({ left, right }) => {
      if (left.kind !== 'column' || right.kind !== 'column') return [];
      const typeOf = ({ source, name }: typeof left) =>
        this.#scope.aliased(source!).columns.find((column) => column.name === name)!.type;
      if (!sameType(typeOf(left), typeOf(right))) return [];
      const said = (of: typeof left, ofOther: typeof left) =>
        written
          .filter((condition) => isStrict(condition) && isOnly(condition, of))
          .map((condition) => replaceColumns(condition, () => ofOther));
      return [...said(left, right), ...said(right, left)];
    });
  }

  /** Whether no join makes up for missing rows of a source. */
  #isKept(alias: string): boolean {
    const at = this.#scope.sources.findIndex((source) => source.alias === alias);
    return this.#query.joins.every(({ type }, i) => {
      const isLeft = at <= i;
      const isRight = at === i + 1;
      return !(isLeft && (type === 'RIGHT' || type === 'FULL')) && !(isRight && (type === 'LEFT' || type === 'FULL'));
    });
  }
}

/** Whether a condition is never true of a column that is null: one column against values. */
export function isStrict(e: Expression): boolean {
  if (e.kind === 'comparison') {
    if (e.op === 'IS DISTINCT FROM' || e.op === 'IS NOT DISTINCT FROM') return false;
    return e.left.kind === 'column' || e.right.kind === 'column';
  }
  return (e.kind === 'in' || e.kind === 'between' || e.kind === 'like') && e.operand.kind === 'column';
}

/** Whether a condition names one column, and no other. */
function isOnly(e: Expression, { source, name }: Expression & { kind: 'column' }): boolean {
  let only = true;
  replaceColumns(e, (column) => {
    only &&= column.source === source && column.name === name;
    return column;
  });
  return only;
}

/** The conditions that hold together. */
export function conjunctsOf(e: Expression): Expression[] {
  return e.kind === 'logical' && e.op === 'AND' ? [...conjunctsOf(e.left), ...conjunctsOf(e.right)] : [e];
}

/** Both of two conditions. */
export const and = (left: Expression, right: Expression): Expression => ({ kind: 'logical', op: 'AND', left, right });
