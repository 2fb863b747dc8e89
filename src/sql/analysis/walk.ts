import type { Call, Expression } from '../parser/ast.ts';

/** Expressions as trees: the direct children, and the same node with other children. */
export function mapChildren(e: Expression, f: (child: Expression) => Expression): Expression {
  switch (e.kind) {
    case 'call':
      return mapCall(e, f);
    case 'dereference':
    case 'structAll':
      return { ...e, base: f(e.base) };
    case 'subscript':
      return { ...e, base: f(e.base), index: f(e.index) };
    case 'arithmetic':
    case 'comparison':
    case 'logical':
      return { ...e, left: f(e.left), right: f(e.right) };
    case 'unary':
    case 'not':
    case 'isNull':
    case 'cast':
      return { ...e, operand: f(e.operand) };
    case 'between':
      return { ...e, operand: f(e.operand), low: f(e.low), high: f(e.high) };
    case 'in':
      return { ...e, operand: f(e.operand), items: e.items.map(f) };
    case 'like':
      return { ...e, operand: f(e.operand), pattern: f(e.pattern) };
    case 'searchedCase':
    case 'simpleCase': {
      const whens = e.whens.map((branch) => ({ when: f(branch.when), result: f(branch.result) }));
      const otherwise = e.otherwise === undefined ? undefined : f(e.otherwise);
      return e.kind === 'simpleCase' ? { ...e, operand: f(e.operand), whens, otherwise } : { ...e, whens, otherwise };
    }
    case 'array':
      return { ...e, items: e.items.map(f) };
    case 'map':
      return { ...e, entries: e.entries.map((entry) => ({ key: f(entry.key), value: f(entry.value) })) };
    case 'struct':
      return { ...e, fields: e.fields.map((field) => ({ name: field.name, value: f(field.value) })) };
    case 'lambda':
      return { ...e, body: f(e.body) };
    default:
      return e;
  }
}

function mapCall(e: Call, f: (child: Expression) => Expression): Call {
  const { args, filter, over } = e;
  const ordered = over?.orderBy.map((ordering) => ({ ...ordering, expression: f(ordering.expression) })) ?? [];
  return {
    ...e,
    args: args.map(f),
    ...(filter === undefined ? {} : { filter: f(filter) }),
    ...(over === undefined ? {} : { over: { partitionBy: over.partitionBy.map(f), orderBy: ordered } }),
  };
}

export function children(e: Expression): Expression[] {
  const found: Expression[] = [];
  mapChildren(e, (child) => {
    found.push(child);
    return child;
  });
  return found;
}

/** Replaces from the top: where `f` returns undefined, its children are tried. */
export function replace(e: Expression, f: (e: Expression) => Expression | undefined): Expression {
  return f(e) ?? mapChildren(e, (child) => replace(child, f));
}

/** Every node, outer before inner. */
export function walk(e: Expression, visit: (e: Expression) => void): void {
  visit(e);
  for (const child of children(e)) walk(child, visit);
}

/**
 * Replaces column references, but not the parameters of lambdas that only look like them.
 */
export function replaceColumns(
  e: Expression,
  f: (column: Expression & { kind: 'column' }) => Expression,
  bound: readonly string[] = [],
): Expression {
  if (e.kind === 'column') return e.source === undefined && bound.includes(e.name) ? e : f(e);
  if (e.kind === 'lambda') {
    const inner = [...bound, ...e.parameters];
    return { ...e, body: replaceColumns(e.body, f, inner) };
  }
  return mapChildren(e, (child) => replaceColumns(child, f, bound));
}

/** The columns that an expression names, lambdas' parameters left out. */
export function columnsIn(e: Expression): (Expression & { kind: 'column' })[] {
  const found: (Expression & { kind: 'column' })[] = [];
  replaceColumns(e, (column) => {
    found.push(column);
    return column;
  });
  return found;
}
