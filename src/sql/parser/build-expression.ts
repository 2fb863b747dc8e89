import type { CstNode, IToken } from 'chevrotain';
import { assert } from '../../util/index.ts';
import type {
  ArithmeticOperator,
  ComparisonOperator,
  Expression,
  Location,
  Ordering,
  Over,
  TimeUnit,
  TypeNode,
} from './ast.ts';
import {
  has,
  locationOf,
  nameOf,
  nameOfToken,
  node,
  nodes,
  onlyChild,
  optionalNode,
  optionalToken,
  stringOf,
  token,
  tokens,
} from './cst.ts';
import { SyntaxError } from './syntax-error.ts';

// What an expression's tree means. Every function is named after the grammar rule it reads.

const MAX_LONG = 9223372036854775807n;

export function buildExpression(cst: CstNode): Expression {
  const parts = nodes(cst, 'conjunction').map(conjunction);
  return parts.reduce((left, right) => ({ kind: 'logical', op: 'OR', left, right, at: locationOf(cst) }));
}

function conjunction(cst: CstNode): Expression {
  const parts = nodes(cst, 'negation').map(negation);
  return parts.reduce((left, right) => ({ kind: 'logical', op: 'AND', left, right, at: locationOf(cst) }));
}

function negation(cst: CstNode): Expression {
  if (has(cst, 'NOT')) return { kind: 'not', operand: negation(node(cst, 'negation')), at: locationOf(cst) };
  return predicate(node(cst, 'predicate'));
}

const comparisonOf: Record<string, ComparisonOperator> = { EQ: '=', NEQ: '<>', LT: '<', LTE: '<=', GT: '>', GTE: '>=' };

function predicate(cst: CstNode): Expression {
  const operand = buildValueExpression(node(cst, 'valueExpression'));
  const at = locationOf(cst);
  const negated = has(cst, 'NOT');
  const negate = (expression: Expression): Expression =>
    negated ? { kind: 'not', operand: expression, at } : expression;
  const right = optionalNode(cst, 'right');
  if (has(cst, 'BETWEEN')) {
    const low = buildValueExpression(node(cst, 'low'));
    const high = buildValueExpression(node(cst, 'high'));
    return negate({ kind: 'between', operand, low, high, at });
  }
  if (has(cst, 'IN')) return negate({ kind: 'in', operand, items: nodes(cst, 'items').map(buildExpression), at });
  if (has(cst, 'LIKE')) {
    const escape = optionalToken(cst, 'STRING');
    const escapeText = escape === undefined ? undefined : stringOf(escape);
    if (escapeText !== undefined && escapeText.length !== 1)
      throw fail(locationOf(cst), `Expected exactly one character as escape, got: '${escapeText}'`);
    return negate({
      kind: 'like',
      operand,
      pattern: buildValueExpression(node(cst, 'pattern')),
      escape: escapeText,
      at,
    });
  }
  if (has(cst, 'IS')) {
    if (right === undefined) return { kind: 'isNull', operand, negated, at };
    const op = negated ? 'IS NOT DISTINCT FROM' : 'IS DISTINCT FROM';
    return { kind: 'comparison', op, left: operand, right: buildValueExpression(right), at };
  }
  if (right === undefined) return operand;
  const op = Object.keys(comparisonOf).find((name) => has(cst, name));
  assert(op !== undefined, 'a comparison has an operator');
  return { kind: 'comparison', op: comparisonOf[op]!, left: operand, right: buildValueExpression(right), at };
}

export function buildValueExpression(cst: CstNode): Expression {
  const parts = nodes(cst, 'sum').map(sum);
  return parts.reduce((left, right) => ({ kind: 'call', name: 'CONCAT', args: [left, right], at: locationOf(cst) }));
}

function sum(cst: CstNode): Expression {
  return arithmetic(nodes(cst, 'product').map(product), tokens(cst, 'op'), locationOf(cst));
}

function product(cst: CstNode): Expression {
  return arithmetic(nodes(cst, 'unary').map(unary), tokens(cst, 'op'), locationOf(cst));
}

function arithmetic(operands: Expression[], operators: IToken[], at: Location): Expression {
  return operands.reduce((left, right, i) => {
    const op = operators[i - 1]!.image as ArithmeticOperator;
    return { kind: 'arithmetic', op, left, right, at };
  });
}

function unary(cst: CstNode): Expression {
  const sign = optionalToken(cst, 'op');
  if (sign === undefined) return postfix(node(cst, 'postfix'));
  const inner = node(cst, 'unary');
  const at = locationOf(cst);
  const literal = sign.image === '-' ? negativeLiteral(inner, at) : undefined;
  return literal ?? { kind: 'unary', op: sign.image as '+' | '-', operand: unary(inner), at };
}

/** `-1` is a literal, so that the smallest BIGINT can be written. */
function negativeLiteral(cst: CstNode, at: Location): Expression | undefined {
  const post = optionalNode(cst, 'postfix');
  if (post === undefined || has(post, 'postfixOperator')) return undefined;
  const number = optionalNode(node(post, 'primary'), 'number');
  return number === undefined ? undefined : numberLiteral(onlyChild(number) as IToken, '-', at);
}

function postfix(cst: CstNode): Expression {
  let base = primary(node(cst, 'primary'));
  for (const operator of nodes(cst, 'postfixOperator')) {
    const at = locationOf(cst);
    const index = optionalNode(operator, 'valueExpression');
    const field = optionalNode(operator, 'name');
    if (index !== undefined) base = { kind: 'subscript', base, index: buildValueExpression(index), at };
    else if (field !== undefined) base = { kind: 'dereference', base, field: nameOf(field), at };
    else base = { kind: 'structAll', base, at };
  }
  return base;
}

function primary(cst: CstNode): Expression {
  const child = onlyChild(cst);
  const at = locationOf(child);
  if ('image' in child) {
    if (has(cst, 'NULL')) return { kind: 'null', at };
    if (has(cst, 'TRUE')) return { kind: 'boolean', value: true, at };
    if (has(cst, 'FALSE')) return { kind: 'boolean', value: false, at };
    if (has(cst, 'STRING')) return { kind: 'string', value: stringOf(child), at };
    return buildExpression(node(cst, 'expression'));
  }
  const build = primaries[child.name];
  assert(build !== undefined, `no meaning for ${child.name}`);
  return build(child, at);
}

const primaries: Record<string, (cst: CstNode, at: Location) => Expression> = {
  number: (cst, at) => numberLiteral(onlyChild(cst) as IToken, '', at),
  caseExpression,
  cast: (cst, at) => ({
    kind: 'cast',
    operand: buildExpression(node(cst, 'expression')),
    type: buildType(node(cst, 'type')),
    at,
  }),
  arrayConstructor: (cst, at) => ({ kind: 'array', items: nodes(cst, 'expression').map(buildExpression), at }),
  mapConstructor(cst, at) {
    const values = nodes(cst, 'entryValue').map(buildExpression);
    const entries = nodes(cst, 'entryKey').map((key, i) => ({ key: buildExpression(key), value: values[i]! }));
    return { kind: 'map', entries, at };
  },
  structConstructor(cst, at) {
    const values = nodes(cst, 'expression').map(buildExpression);
    return {
      kind: 'struct',
      fields: nodes(cst, 'name').map((name, i) => ({ name: nameOf(name), value: values[i]! })),
      at,
    };
  },
  call(cst, at) {
    const filter = optionalNode(cst, 'filter');
    const over = optionalNode(cst, 'over');
    const extension = optionalToken(cst, 'DISTINCT') ?? optionalToken(cst, 'FILTER') ?? optionalToken(cst, 'OVER');
    return {
      kind: 'call',
      name: nameOf(node(cst, 'name')),
      args: nodes(cst, 'argument').map(argument),
      ...(has(cst, 'ASTERISK') ? { star: true } : {}),
      ...(has(cst, 'DISTINCT') ? { distinct: true } : {}),
      ...(filter === undefined ? {} : { filter: buildExpression(filter) }),
      ...(over === undefined ? {} : { over: buildOver(over) }),
      ...(extension === undefined ? {} : { extensionAt: locationOf(extension) }),
      at,
    };
  },
  typedLiteral(cst, at) {
    const type = nameOf(node(cst, 'name'));
    const text = stringOf(token(cst, 'STRING'));
    if (type !== 'DECIMAL') throw fail(at, `Unknown type: ${type}`);
    if (!/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text)) throw fail(at, `Invalid numeric literal: ${text}`);
    return { kind: 'decimal', text, at };
  },
  column(cst, at) {
    const names = nodes(cst, 'name').map(nameOf);
    return names.length === 1
      ? { kind: 'column', name: names[0]!, at }
      : { kind: 'column', source: names[0]!, name: names[1]!, at };
  },
};

function buildOver(cst: CstNode): Over {
  return {
    partitionBy: nodes(cst, 'partitionBy').map(buildValueExpression),
    orderBy: nodes(cst, 'ordering').map(ordering),
  };
}

/** One expression of an ORDER BY. */
export function ordering(cst: CstNode): Ordering {
  return {
    expression: buildExpression(node(cst, 'expression')),
    descending: has(cst, 'DESC'),
    nulls: has(cst, 'FIRST') ? 'FIRST' : has(cst, 'LAST') ? 'LAST' : undefined,
    at: locationOf(cst),
  };
}

function caseExpression(cst: CstNode, at: Location): Expression {
  const results = nodes(cst, 'then').map(buildExpression);
  const whens = nodes(cst, 'when').map((when, i) => ({ when: buildExpression(when), result: results[i]! }));
  const elseNode = optionalNode(cst, 'otherwise');
  const otherwise = elseNode === undefined ? undefined : buildExpression(elseNode);
  const operand = optionalNode(cst, 'operand');
  if (operand === undefined) return { kind: 'searchedCase', whens, otherwise, at };
  return { kind: 'simpleCase', operand: buildExpression(operand), whens, otherwise, at };
}

function argument(cst: CstNode): Expression {
  const child = onlyChild(cst);
  if ('image' in child) return { kind: 'unit', unit: timeUnit(child.image), at: locationOf(child) };
  if (child.name === 'expression') return buildExpression(child);
  const parameters = nodes(child, 'name').map(nameOf);
  return { kind: 'lambda', parameters, body: buildExpression(node(child, 'expression')), at: locationOf(child) };
}

export function timeUnit(word: string): TimeUnit {
  const unit = word.toUpperCase();
  return (unit.endsWith('S') ? unit : `${unit}S`) as TimeUnit;
}

function numberLiteral(number: IToken, sign: '-' | '', at: Location): Expression {
  const text = sign + number.image;
  if (number.tokenType.name === 'DECIMAL_VALUE') return { kind: 'decimal', text, at };
  if (number.tokenType.name === 'FLOATING_POINT_VALUE') {
    const value = Number(text);
    if (!Number.isFinite(value))
      throw fail({ ...at, column: at.column + 1 }, `Number overflows DOUBLE: ${text.toUpperCase()}`);
    return { kind: 'double', value, at };
  }
  const value = BigInt(text);
  if (value >= -2147483648n && value <= 2147483647n) return { kind: 'integer', value: Number(value), at };
  if (value > MAX_LONG || value < -MAX_LONG - 1n)
    throw fail({ ...at, column: at.column + 1 }, `Invalid numeric literal: ${text}`);
  return { kind: 'bigint', value, at };
}

export function buildType(cst: CstNode): TypeNode {
  let type: TypeNode;
  const base = optionalToken(cst, 'base');
  if (base !== undefined) {
    const parameters = optionalNode(cst, 'typeParameters');
    const images =
      parameters === undefined
        ? []
        : nodes(parameters, 'typeParameter').map((parameter) => (onlyChild(parameter) as IToken).image);
    type = { kind: 'named', name: nameOfToken(base), parameters: images };
  } else if (has(cst, 'item')) {
    type = { kind: 'array', item: buildType(node(cst, 'item')) };
  } else if (has(cst, 'mapKey')) {
    type = { kind: 'map', key: buildType(node(cst, 'mapKey')), value: buildType(node(cst, 'mapValue')) };
  } else {
    const fields = nodes(cst, 'structField');
    type = {
      kind: 'struct',
      fields: fields.map((field) => ({ name: nameOf(node(field, 'name')), type: buildType(node(field, 'type')) })),
    };
  }
  const suffixes = tokens(cst, 'ARRAY').length - (has(cst, 'item') ? 1 : 0);
  for (let i = 0; i < suffixes; i++) type = { kind: 'array', item: type };
  return type;
}

/** Text that is grammatical but says something that no statement can mean. */
export function fail(at: Location, what: string): SyntaxError {
  return new SyntaxError(`line ${at.line}:${at.column}: ${what}`, at);
}
