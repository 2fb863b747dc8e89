// What every kind of typed expression gives. The trees are written out here, not bound: what the values should be is
// computed beside them, from values of every sort with nulls among them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Catalog } from '../../src/sql/catalog.ts';
import { bind } from '../../src/sql/expressions/binding/binder.ts';
import { Evaluator } from '../../src/sql/expressions/evaluation/evaluator.ts';
import { columnsUsed, type TypedExpression } from '../../src/sql/expressions/typed.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import { parseExpression } from '../../src/sql/parser/parse.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
} from '../../src/sql/types.ts';
import { long } from '../../src/sql/values/bigint.ts';
import { Decimal } from '../../src/util/index.ts';
import type { SqlValue } from '../../src/sql/values/value.ts';

const functions = builtInFunctions();

/** The row of the trees below: each value has a column of its own. */
interface Values {
  readonly i: number | null;
  readonly j: number | null;
  readonly d: number | null;
  readonly p: boolean | null;
  readonly q: boolean | null;
  readonly s: string | null;
  readonly a: readonly (number | null)[] | null;
}

const small = fc.option(fc.integer({ min: -3, max: 3 }));
const values: fc.Arbitrary<Values> = fc.record({
  i: small,
  j: small,
  d: fc.option(fc.double({ noNaN: true })),
  p: fc.option(fc.boolean()),
  q: fc.option(fc.boolean()),
  s: fc.option(fc.constantFrom('', 'a', 'ab', 'a%b', 'axb')),
  a: fc.option(fc.array(small, { maxLength: 4 })),
});

const types: Record<keyof Values, SqlType> = {
  i: INTEGER,
  j: INTEGER,
  d: DOUBLE,
  p: BOOLEAN,
  q: BOOLEAN,
  s: STRING,
  a: arrayOf(INTEGER),
};
const names = Object.keys(types) as (keyof Values)[];
const columns = names.map((name) => ({ name, type: types[name] }));
const column = (name: keyof Values): TypedExpression => ({ kind: 'column', name, type: types[name] });
const literal = (type: SqlType | null, value: SqlValue): TypedExpression => ({ kind: 'literal', type, value });
const int = (value: number): TypedExpression => literal(INTEGER, value);
const [i, j, d, p, q, s, a] = names.map(column) as [
  TypedExpression,
  TypedExpression,
  TypedExpression,
  TypedExpression,
  TypedExpression,
  TypedExpression,
  TypedExpression,
];

/** A node and what it gives, or that it throws. */
type Case = readonly [TypedExpression, (row: Values) => unknown];
const fails = Symbol('fails');
const both = <T>(x: T | null, y: T | null, f: (x: T, y: T) => unknown): unknown =>
  x === null || y === null ? null : f(x, y);
const arithmetic = (op: '+' | '-' | '*' | '/' | '%', failsOnNull?: string): TypedExpression => ({
  kind: 'arithmetic',
  op,
  left: i,
  right: j,
  type: INTEGER,
  failsOnNull,
});
const comparison = (
  op: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'IS DISTINCT FROM' | 'IS NOT DISTINCT FROM',
): TypedExpression => ({ kind: 'comparison', op, left: i, right: j, type: BOOLEAN });
const logical = (op: 'AND' | 'OR'): TypedExpression => ({ kind: 'logical', op, left: p, right: q, type: BOOLEAN });
/** Fails where j is 0. */
const quotient = arithmetic('/');
const quotientOf = ({ i: x, j: y }: Values): number | null =>
  x === null || y === null || y === 0 ? null : Math.trunc(x / y) | 0;
const pair = structOf([
  { name: 'x', type: INTEGER },
  { name: 'y', type: INTEGER },
]);
const call = (name: string, signature: string, args: readonly TypedExpression[], type: SqlType): TypedExpression => ({
  kind: 'call',
  function: name,
  signature,
  argumentTypes: args.map((arg) => arg.type!),
  args,
  type,
});

const cases: Record<TypedExpression['kind'], Record<string, Case>> = {
  literal: { 'of a type': [int(5), () => 5], NULL: [literal(null, null), () => null] },
  column: { 'by name': [d, (row) => row.d] },
  arithmetic: {
    sum: [arithmetic('+'), ({ i: x, j: y }) => both(x, y, (m, n) => m + n)],
    difference: [arithmetic('-'), ({ i: x, j: y }) => both(x, y, (m, n) => m - n)],
    product: [arithmetic('*'), ({ i: x, j: y }) => both(x, y, (m, n) => (m * n) | 0)],
    quotient: [arithmetic('/'), ({ i: x, j: y }) => both(x, y, (m, n) => (n === 0 ? fails : Math.trunc(m / n) | 0))],
    remainder: [arithmetic('%'), ({ i: x, j: y }) => both(x, y, (m, n) => (n === 0 ? fails : (m % n) | 0))],
    'with a null that fails': [arithmetic('+', '(I + J)'), ({ i: x, j: y }) => both(x, y, (m, n) => m + n) ?? fails],
    'of doubles': [
      { kind: 'arithmetic', op: '*', left: d, right: d, type: DOUBLE, failsOnNull: undefined },
      ({ d: x }) => (x === null ? null : x * x),
    ],
    'of texts': [
      { kind: 'arithmetic', op: '+', left: s, right: s, type: STRING, failsOnNull: undefined },
      ({ s: x }) => (x === null ? null : x + x),
    ],
    'of decimals': [
      {
        kind: 'arithmetic',
        op: '+',
        left: { kind: 'cast', operand: i, type: decimalType(10, 0), implicit: true },
        right: literal(decimalType(2, 1), new Decimal(15n, 1)),
        type: decimalType(12, 1),
        failsOnNull: undefined,
      },
      ({ i: x }) => (x === null ? null : (x + 1.5).toFixed(1)),
    ],
    'of long integers': [
      {
        kind: 'arithmetic',
        op: '+',
        left: i,
        right: literal(BIGINT, 9007199254740993n),
        type: BIGINT,
        failsOnNull: undefined,
      },
      ({ i: x }) => (x === null ? null : long(BigInt(x) + 9007199254740993n)),
    ],
  },
  sign: {
    plus: [{ kind: 'sign', op: '+', operand: i, type: INTEGER }, ({ i: x }) => x],
    minus: [{ kind: 'sign', op: '-', operand: i, type: INTEGER }, ({ i: x }) => (x === null ? null : 0 - x)],
  },
  comparison: {
    '=': [comparison('='), ({ i: x, j: y }) => x !== null && x === y],
    '<>': [comparison('<>'), ({ i: x, j: y }) => x !== null && y !== null && x !== y],
    '<': [comparison('<'), ({ i: x, j: y }) => x !== null && y !== null && x < y],
    '<=': [comparison('<='), ({ i: x, j: y }) => x !== null && y !== null && x <= y],
    '>': [comparison('>'), ({ i: x, j: y }) => x !== null && y !== null && x > y],
    '>=': [comparison('>='), ({ i: x, j: y }) => x !== null && y !== null && x >= y],
    distinct: [comparison('IS DISTINCT FROM'), ({ i: x, j: y }) => x !== y],
    'not distinct': [comparison('IS NOT DISTINCT FROM'), ({ i: x, j: y }) => x === y],
  },
  logical: {
    AND: [
      logical('AND'),
      ({ p: x, q: y }) => (x === false || y === false ? false : x === null || y === null ? null : true),
    ],
    OR: [
      logical('OR'),
      ({ p: x, q: y }) => (x === true || y === true ? true : x === null || y === null ? null : false),
    ],
  },
  not: { '': [{ kind: 'not', operand: p, type: BOOLEAN }, ({ p: x }) => (x === null ? null : !x)] },
  isNull: {
    null: [{ kind: 'isNull', operand: s, negated: false, type: BOOLEAN }, ({ s: x }) => x === null],
    'not null': [{ kind: 'isNull', operand: s, negated: true, type: BOOLEAN }, ({ s: x }) => x !== null],
  },
  in: {
    '': [
      { kind: 'in', operand: i, items: [j, int(3), literal(null, null)], type: BOOLEAN },
      ({ i: x, j: y }) => x !== null && (x === y || x === 3),
    ],
  },
  like: {
    'a pattern that is known': [
      { kind: 'like', operand: s, pattern: literal(STRING, 'a!%_'), escape: '!', type: BOOLEAN },
      ({ s: x }) => x === 'a%b',
    ],
    'a pattern of each row': [
      { kind: 'like', operand: literal(STRING, 'ab'), pattern: s, escape: undefined, type: BOOLEAN },
      ({ s: x }) => x === 'ab' || x === 'a%b',
    ],
  },
  case: {
    'with ELSE': [
      {
        kind: 'case',
        whens: [
          { when: p, result: i },
          { when: q, result: j },
        ],
        otherwise: int(9),
        type: INTEGER,
      },
      ({ p: x, q: y, i: m, j: n }) => (x === true ? m : y === true ? n : 9),
    ],
    'without ELSE': [
      { kind: 'case', whens: [{ when: p, result: i }], otherwise: undefined, type: INTEGER },
      ({ p: x, i: m }) => (x === true ? m : null),
    ],
  },
  cast: {
    'to a text': [
      { kind: 'cast', operand: i, type: STRING, implicit: false },
      ({ i: x }) => (x === null ? null : `${x}`),
    ],
    'of NULL': [{ kind: 'cast', operand: literal(null, null), type: INTEGER, implicit: false }, () => null],
    'to the same values': [{ kind: 'cast', operand: i, type: BIGINT, implicit: true }, ({ i: x }) => x],
  },
  exactDecimal: {
    'of a double': [
      {
        kind: 'comparison',
        op: '=',
        left: { kind: 'exactDecimal', operand: d, type: decimalType(649, 340) },
        right: { kind: 'exactDecimal', operand: i, type: decimalType(10, 0) },
        type: BOOLEAN,
      },
      ({ d: x, i: y }) => (x !== null && Number.isFinite(x) ? y !== null && x === y : x === null ? false : fails),
    ],
  },
  dereference: {
    '': [
      { kind: 'dereference', base: { kind: 'struct', values: [i, j], type: pair }, field: 'y', type: INTEGER },
      ({ j: x }) => x,
    ],
    'of null': [{ kind: 'dereference', base: literal(pair, null), field: 'y', type: INTEGER }, () => null],
  },
  subscript: {
    'of an array': [
      { kind: 'subscript', base: a, index: i, type: INTEGER },
      ({ a: x, i: n }) => (x === null || n === null ? null : ((n > 0 ? x[n - 1] : n < 0 ? x.at(n) : null) ?? null)),
    ],
    'of a map': [
      {
        kind: 'subscript',
        base: { kind: 'map', entries: [{ key: s, value: i }], type: mapOf(STRING, INTEGER) },
        index: literal(STRING, 'a'),
        type: INTEGER,
      },
      ({ s: key, i: value }) => (key === 'a' ? value : null),
    ],
  },
  array: {
    'with what fails as null': [
      { kind: 'array', items: [i, quotient], type: arrayOf(INTEGER) },
      (row) => [row.i, quotientOf(row)],
    ],
  },
  map: {
    'with what fails as null': [
      { kind: 'map', entries: [{ key: s, value: quotient }], type: mapOf(STRING, INTEGER) },
      (row) => new Map([[row.s, quotientOf(row)]]),
    ],
  },
  struct: {
    'with what fails as null': [
      { kind: 'struct', values: [quotient, i], type: pair },
      (row) => [quotientOf(row), row.i],
    ],
  },
  call: {
    'of one argument': [
      call('UCASE', 'STRING -> STRING', [s], STRING),
      ({ s: x }) => (x === null ? null : x.toUpperCase()),
    ],
    'with an argument that fails, which is null': [
      call('COALESCE', 'T, T... -> T', [quotient, int(7)], INTEGER),
      (row) => quotientOf(row) ?? 7,
    ],
    'with an argument that is cast': [
      call('SQRT', 'DOUBLE -> DOUBLE', [{ kind: 'cast', operand: quotient, type: DOUBLE, implicit: true }], DOUBLE),
      (row) => {
        const x = quotientOf(row);
        return x === null ? null : Math.sqrt(x);
      },
    ],
  },
  parameter: {
    'of a lambda in a lambda': [
      {
        kind: 'call',
        function: 'TRANSFORM',
        signature: 'ARRAY<T>, (T) => R -> ARRAY<R>',
        argumentTypes: [arrayOf(arrayOf(INTEGER)), arrayOf(BOOLEAN)],
        args: [
          { kind: 'array', items: [a, a], type: arrayOf(arrayOf(INTEGER)) },
          {
            kind: 'lambda',
            parameters: ['ROW'],
            firstSlot: 0,
            body: {
              kind: 'call',
              function: 'TRANSFORM',
              signature: 'ARRAY<T>, (T) => R -> ARRAY<R>',
              argumentTypes: [arrayOf(INTEGER), BOOLEAN],
              args: [
                { kind: 'parameter', name: 'ROW', slot: 0, type: arrayOf(INTEGER) },
                {
                  kind: 'lambda',
                  parameters: ['X'],
                  firstSlot: 1,
                  body: {
                    kind: 'comparison',
                    op: 'IS NOT DISTINCT FROM',
                    left: { kind: 'parameter', name: 'X', slot: 1, type: INTEGER },
                    right: {
                      kind: 'subscript',
                      base: { kind: 'parameter', name: 'ROW', slot: 0, type: arrayOf(INTEGER) },
                      index: int(1),
                      type: INTEGER,
                    },
                    type: BOOLEAN,
                  },
                },
              ],
              type: arrayOf(BOOLEAN),
            },
          },
        ],
        type: arrayOf(arrayOf(BOOLEAN)),
      },
      ({ a: x }) => {
        const inner = x === null ? null : x.map((item) => item === x[0]);
        return [inner, inner];
      },
    ],
  },
};

/** Decimals by their texts. */
function valueOf(evaluate: () => SqlValue): unknown {
  try {
    const value = evaluate();
    return value instanceof Decimal ? value.toString() : value;
  } catch {
    return fails;
  }
}

describe.each(Object.entries(cases))('%s', (_kind, nodes) => {
  test.each(Object.entries(nodes))('%s', (_name, [node, want]) => {
    const evaluate = new Evaluator(functions, columns).evaluate(node);
    fc.assert(
      fc.property(values, (row) => {
        const got = valueOf(() => evaluate(names.map((name) => row[name] as SqlValue)));
        expect(got).toEqual(want(row));
      }),
    );
  });
});

describe('rows of another layout', () => {
  const environment = { functions, resolveType: new Catalog().resolveType };
  const texts = [
    "case when i > 0 then s || 'x' else cast(j as string) end",
    'transform(a, v => coalesce(v, i) + j)',
    'i in (j, 1) or p and not q',
    'array[i, j, a[1]]',
    "struct(one := d * i, two := map(s := a))->two['ab'][2]",
    'd between i and j',
  ];

  test.each(texts)('give the same: %s', (text) => {
    const known = columns.map(({ name, type }) => ({ name: name.toUpperCase(), type }));
    const tree = bind(parseExpression(text), known, environment);
    const evaluate = new Evaluator(functions, known).evaluate(tree);
    const used = columnsUsed([tree]);
    const kept = known.map(({ name }, at) => ({ name, at })).filter(({ name }) => used.has(name));
    const shuffled = fc.shuffledSubarray(kept, { minLength: kept.length });
    fc.assert(
      fc.property(values, shuffled, (row, layout) => {
        const all = names.map((name) => row[name] as SqlValue);
        const there = new Evaluator(functions, layout).evaluate(tree);
        expect(valueOf(() => there(layout.map(({ at }) => all[at]!)))).toEqual(valueOf(() => evaluate(all)));
      }),
    );
  });
});
