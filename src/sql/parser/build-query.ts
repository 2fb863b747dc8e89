// SELECT as plain data. What WITH names stands where it is named: a query knows its sources, and nothing of WITH.
import type { CstNode } from 'chevrotain';
import { assert } from '../../util/index.ts';
import type {
  AliasedSource,
  Duration,
  Expression,
  Join,
  JoinType,
  Query,
  SelectItem,
  WindowClause,
  Within,
} from './ast.ts';
import { buildExpression, buildValueExpression, fail, ordering, timeUnit } from './build-expression.ts';
import { has, locationOf, nameOf, node, nodes, optionalNode, optionalToken, token, tokens } from './cst.ts';
import { milliseconds } from './durations.ts';

type NamedQueries = ReadonlyMap<string, Query>;

/** A query with all that belongs to it: `WITH … SELECT … UNION ALL SELECT …`. */
export function buildQuery(cst: CstNode, outer: NamedQueries = new Map()): Query {
  const named = new Map(outer);
  for (const part of nodes(cst, 'namedQuery')) {
    const name = nameOf(node(part, 'name'));
    named.set(name, buildQuery(node(part, 'query'), named));
  }
  const selects = nodes(cst, 'select').map((select) => buildSelect(select, named));
  const last = selects.at(-1)!;
  if (selects.length === 1) return last;
  // What stands behind the last SELECT is said of all of them.
  const { emit, emitAfter, orderBy, limit, offset, ...rest } = last;
  const before = selects.slice(0, -1);
  for (const member of before) {
    if ([member.emit, member.orderBy, member.limit, member.offset].some((ending) => ending !== undefined))
      throw fail(member.at!, 'EMIT, ORDER BY, LIMIT and OFFSET stand behind the last SELECT of a UNION');
  }
  const at = locationOf(cst);
  return {
    select: [{ kind: 'all' }],
    from: { name: 'UNION', alias: 'UNION', queries: [...before, rest], at },
    joins: [],
    emit,
    emitAfter,
    orderBy,
    limit,
    offset,
    extensionAt: locationOf(token(cst, 'UNION')),
    at,
  };
}

/** SELECT … FROM …, alone. */
function buildSelect(cst: CstNode, named: NamedQueries): Query {
  const optional = (name: string): Expression | undefined => {
    const found = optionalNode(cst, name);
    return found === undefined ? undefined : buildExpression(found);
  };
  const list = (name: string): Expression[] | undefined => {
    const found = optionalNode(cst, name);
    return found === undefined ? undefined : nodes(found, 'valueExpression').map(buildValueExpression);
  };
  const window = optionalNode(cst, 'windowClause');
  const limit = optionalNode(cst, 'limit');
  const orderBy = nodes(cst, 'ordering').map(ordering);
  const from = aliasedSource(node(cst, 'aliasedSource'), named, !has(cst, 'join'));
  const joins = nodes(cst, 'join').map((found) => join(found, named));
  const derived = [from, ...joins.map(({ source }) => source)].find(({ queries }) => queries !== undefined);
  const emitAfter = optionalNode(cst, 'emitAfter');
  const extension =
    optionalToken(cst, 'DISTINCT') ??
    (orderBy.length > 0 ? tokens(cst, 'BY').at(-1) : undefined) ??
    optionalToken(cst, 'OFFSET') ??
    (emitAfter === undefined ? undefined : optionalToken(emitAfter, 'AFTER')) ??
    (window === undefined ? undefined : optionalToken(window, 'PROCESSING'));
  const quiet = emitAfter === undefined ? undefined : optionalNode(emitAfter, 'duration');
  const offset = optionalToken(cst, 'offset');
  return {
    distinct: has(cst, 'DISTINCT') || undefined,
    select: nodes(cst, 'selectItem').map(selectItem),
    from,
    joins,
    window: window === undefined ? undefined : windowClause(window),
    where: optional('where'),
    groupBy: list('groupBy'),
    partitionBy: list('partitionBy'),
    having: optional('having'),
    emit: has(cst, 'CHANGES') ? 'CHANGES' : has(cst, 'FINAL') ? 'FINAL' : undefined,
    emitAfter: quiet === undefined ? undefined : duration(quiet),
    orderBy: orderBy.length > 0 ? orderBy : undefined,
    limit: limit === undefined ? undefined : limitOf(limit),
    offset: offset === undefined ? undefined : Number(offset.image),
    extensionAt: extension === undefined ? derived?.at : locationOf(extension),
    at: locationOf(cst),
  };
}

function selectItem(cst: CstNode): SelectItem {
  const at = locationOf(cst);
  if (has(cst, 'ASTERISK')) {
    const source = optionalNode(cst, 'source');
    return { kind: 'all', source: source === undefined ? undefined : nameOf(source), at };
  }
  const alias = optionalNode(cst, 'alias');
  return {
    kind: 'item',
    expression: buildExpression(node(cst, 'expression')),
    alias: alias === undefined ? undefined : nameOf(alias),
    at,
  };
}

/** What a query in FROM is called where nothing else is there, and nobody gave it a name. */
const ONLY_SOURCE = 'KSQL_QUERY';

function aliasedSource(cst: CstNode, named: NamedQueries, isAlone: boolean): AliasedSource {
  const at = locationOf(cst);
  const alias = optionalNode(cst, 'alias');
  const query = optionalNode(cst, 'query');
  if (query !== undefined) {
    if (alias === undefined && !isAlone) throw fail(at, 'A query that is joined needs a name: (SELECT …) AS name');
    const called = alias === undefined ? ONLY_SOURCE : nameOf(alias);
    return { name: called, alias: called, queries: [buildQuery(query, named)], at };
  }
  const name = nameOf(node(cst, 'source'));
  const found = named.get(name);
  return {
    name,
    alias: alias === undefined ? name : nameOf(alias),
    ...(found === undefined ? {} : { queries: [found] }),
    at,
  };
}

function join(cst: CstNode, named: NamedQueries): Join {
  const types: JoinType[] = ['LEFT', 'RIGHT', 'FULL'];
  const within = optionalNode(cst, 'within');
  return {
    type: types.find((type) => has(cst, type)) ?? (has(cst, 'OUTER') ? 'FULL' : 'INNER'),
    source: aliasedSource(node(cst, 'aliasedSource'), named, false),
    within: within === undefined ? undefined : buildWithin(within),
    on: buildExpression(node(cst, 'expression')),
    at: locationOf(cst),
  };
}

function buildWithin(cst: CstNode): Within {
  const both = optionalNode(cst, 'both');
  const grace = optionalNode(cst, 'grace');
  return {
    beforeMs: milliseconds(duration(both ?? node(cst, 'before'))),
    afterMs: milliseconds(duration(both ?? node(cst, 'after'))),
    graceMs: grace === undefined ? undefined : milliseconds(duration(grace)),
  };
}

export function duration(cst: CstNode): Duration {
  const amount = Number(token(cst, 'INTEGER_VALUE').image);
  const word = Object.keys(cst.children).find((name) => name !== 'INTEGER_VALUE');
  assert(word !== undefined, 'a duration has a unit');
  return { amount, unit: timeUnit(word) };
}

function windowClause(cst: CstNode): WindowClause {
  const name = optionalNode(cst, 'name');
  const part = (label: string): Duration | undefined => {
    const found = optionalNode(cst, label);
    return found === undefined ? undefined : duration(found);
  };
  const size = part('size');
  assert(size !== undefined, 'a window has a size');
  return {
    type: has(cst, 'TUMBLING') ? 'TUMBLING' : has(cst, 'HOPPING') ? 'HOPPING' : 'SESSION',
    name: name === undefined ? undefined : nameOf(name),
    size,
    advance: part('advance'),
    retention: part('retention'),
    grace: part('grace'),
    ofProcessing: has(cst, 'PROCESSING') || undefined,
  };
}

/** The number of a LIMIT, whatever it is. */
export function limitOf(cst: CstNode): number {
  const number = optionalToken(cst, 'INTEGER_VALUE') ?? token(cst, 'DECIMAL_VALUE');
  return Number((has(cst, 'MINUS') ? '-' : '') + number.image);
}
