// What expressions are bound to: the node for each kind of syntax with its type, the casts that nobody wrote, and what is
// refused. What the nodes give is in evaluation.test.ts.
import { describe, expect, test } from 'vitest';
import { Catalog } from '../../src/sql/catalog.ts';
import { bindAggregate } from '../../src/sql/expressions/binding/aggregate.ts';
import { Binder, bind } from '../../src/sql/expressions/binding/binder.ts';
import { bindTableCall } from '../../src/sql/expressions/binding/call.ts';
import { type Argument, columnsUsed, type TypedExpression } from '../../src/sql/expressions/typed.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import type { Call } from '../../src/sql/parser/ast.ts';
import { parseExpression } from '../../src/sql/parser/parse.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  STRING,
  structOf,
  TIMESTAMP,
  typeText,
} from '../../src/sql/types.ts';
import { Decimal } from '../../src/util/index.ts';

const columns = [
  { name: 'I', type: INTEGER },
  { name: 'L', type: BIGINT },
  { name: 'D', type: DOUBLE },
  { name: 'X', type: decimalType(6, 2) },
  { name: 'S', type: STRING },
  { name: 'B', type: BOOLEAN },
  { name: 'TS', type: TIMESTAMP },
  { name: 'A', type: arrayOf(INTEGER) },
  { name: 'M', type: mapOf(STRING, BIGINT) },
  { name: 'T', type: structOf([{ name: 'F', type: INTEGER }]) },
];
const environment = { functions: builtInFunctions(), resolveType: new Catalog().resolveType };
const bound = (text: string): TypedExpression => bind(parseExpression(text), columns, environment);

/**
 * A tree in one line: kinds as functions, columns and literals as they are, `cast!` where nobody wrote it, and behind a
 * colon the type where the operands do not say it.
 */
function shape(e: Argument): string {
  switch (e.kind) {
    case 'literal':
      return e.type === null ? 'NULL' : `${String(e.value)}:${typeText(e.type)}`;
    case 'column':
      return e.name;
    case 'parameter':
      return `${e.name}#${e.slot}`;
    case 'unit':
      return e.unit;
    case 'lambda':
      return `(${e.parameters.join(', ')})#${e.firstSlot} => ${shape(e.body)}`;
    case 'call':
      return `${e.function}{${e.signature}}(${e.args.map(shape).join(', ')}):${typeText(e.type)}`;
    case 'cast':
      return `cast${e.implicit ? '!' : ''}(${shape(e.operand)}):${typeText(e.type)}`;
    case 'exactDecimal':
      return `exact(${shape(e.operand)})`;
    case 'arithmetic':
      return `(${shape(e.left)} ${e.op}${e.failsOnNull === undefined ? '' : '!'} ${shape(e.right)}):${typeText(e.type)}`;
    case 'comparison':
    case 'logical':
      return `(${shape(e.left)} ${e.op} ${shape(e.right)})`;
    case 'sign':
      return `${e.op}(${shape(e.operand)}):${typeText(e.type)}`;
    case 'not':
      return `not(${shape(e.operand)})`;
    case 'isNull':
      return `${e.negated ? 'isNotNull' : 'isNull'}(${shape(e.operand)})`;
    case 'in':
      return `in(${[e.operand, ...e.items].map(shape).join(', ')})`;
    case 'like':
      return `like(${shape(e.operand)}, ${shape(e.pattern)}, ${e.escape ?? 'no escape'})`;
    case 'case': {
      const whens = e.whens.map(({ when, result }) => `${shape(when)} ? ${shape(result)}`);
      return `case(${[...whens, ...(e.otherwise === undefined ? [] : [shape(e.otherwise)])].join(', ')}):${typeText(e.type)}`;
    }
    case 'dereference':
      return `${shape(e.base)}->${e.field}:${typeText(e.type)}`;
    case 'subscript':
      return `${shape(e.base)}[${shape(e.index)}]:${typeText(e.type)}`;
    case 'array':
      return `array(${e.items.map(shape).join(', ')}):${typeText(e.type)}`;
    case 'map':
      return `map(${e.entries.map(({ key, value }) => `${shape(key)} := ${shape(value)}`).join(', ')}):${typeText(e.type)}`;
    case 'struct':
      return `struct(${e.values.map(shape).join(', ')}):${typeText(e.type)}`;
  }
}

const shapes: Record<string, Record<string, string>> = {
  literals: {
    null: 'NULL',
    true: 'true:BOOLEAN',
    '1': '1:INTEGER',
    '3000000000': '3000000000:BIGINT',
    '1.50': '1.50:DECIMAL(3, 2)',
    '1e3': '1000:DOUBLE',
    "'a'": 'a:STRING',
  },
  'columns and their parts': {
    i: 'I',
    't->f': 'T->F:INTEGER',
    'a[1]': 'A[1:INTEGER]:INTEGER',
    "m['k']": 'M[k:STRING]:BIGINT',
  },
  arithmetic: {
    'i + 1': '(I + 1:INTEGER):INTEGER',
    'i * l': '(cast!(I):BIGINT * L):BIGINT',
    'i / d': '(cast!(I):DOUBLE / D):DOUBLE',
    'x - i': '(X - cast!(I):DECIMAL(10, 0)):DECIMAL(13, 2)',
    'x * 2': '(X * 2:DECIMAL(10, 0)):DECIMAL(17, 2)',
    "s + 'x'": '(S + x:STRING):STRING',
    '-i': '-(I):INTEGER',
    '+(5)': '+(5:INTEGER):INTEGER',
  },
  comparisons: {
    'i > 5': '(I > 5:INTEGER)',
    'i = l': '(cast!(I):BIGINT = L)',
    'd < 1': '(D < 1:DOUBLE)',
    'x >= 1': '(X >= 1:DECIMAL(10, 0))',
    'x <> d': '(X <> exact(D))',
    'l = 2.5': '(exact(L) = 2.5:DECIMAL(2, 1))',
    "ts > '1970-01-01T00:00:01'": '(TS > 1000:TIMESTAMP)',
    'ts = s': '(TS = cast!(S):TIMESTAMP)',
    'i is distinct from null': '(I IS DISTINCT FROM NULL)',
    'i between 1 and 2.5': '((I >= 1:INTEGER) AND (exact(I) <= 2.5:DECIMAL(2, 1)))',
  },
  predicates: {
    'b and not i = 1': '(B AND not((I = 1:INTEGER)))',
    's is null or s is not null': '(isNull(S) OR isNotNull(S))',
    "i in ('7', 8)": 'in(I, 7:INTEGER, 8:INTEGER)',
    'i in (l, 2.5)': 'in(cast!(I):DECIMAL(20, 1), cast!(L):DECIMAL(20, 1), 2.5:DECIMAL(20, 1))',
    "s like 'a!%%' escape '!'": 'like(S, a!%%:STRING, !)',
    's like s': 'like(S, S, no escape)',
  },
  choices: {
    'case when b then 1 else 2.5 end': 'case(B ? 1.0:DECIMAL(11, 1), 2.5:DECIMAL(11, 1)):DECIMAL(11, 1)',
    'case i when 1 then s when 2 then null end': 'case((I = 1:INTEGER) ? S, (I = 2:INTEGER) ? NULL):STRING',
  },
  casts: {
    'cast(i as string)': 'cast(I):STRING',
    'cast(null as int)': 'cast(NULL):INTEGER',
    "cast('1' as int)": 'cast(1:STRING):INTEGER',
  },
  constructors: {
    'array[i, l]': 'array(cast!(I):BIGINT, L):ARRAY<BIGINT>',
    "array[l, '7', null]": 'array(L, 7:BIGINT, NULL):ARRAY<BIGINT>',
    'array[array[1], array[l]]': 'array(array(1:BIGINT):ARRAY<BIGINT>, array(L):ARRAY<BIGINT>):ARRAY<ARRAY<BIGINT>>',
    "map('a' := 1, s := d)": 'map(a:STRING := 1:DOUBLE, S := D):MAP<STRING, DOUBLE>',
    'struct(p := i, q := null)': 'struct(I, NULL):STRUCT<`P` INTEGER, `Q` STRING>',
    'array[struct(p := 1), struct(p := l, q := s)]':
      'array(struct(1:BIGINT, null:STRING):STRUCT<`P` BIGINT, `Q` STRING>, struct(L, S):STRUCT<`P` BIGINT, `Q` STRING>):ARRAY<STRUCT<`P` BIGINT, `Q` STRING>>',
    'array[a, array[l]]': 'array(cast!(A):ARRAY<BIGINT>, array(L):ARRAY<BIGINT>):ARRAY<ARRAY<BIGINT>>',
  },
  calls: {
    'ucase(s)': 'UCASE{STRING -> STRING}(S):STRING',
    'power(i, d)': 'POWER{DOUBLE, DOUBLE -> DOUBLE}(cast!(I):DOUBLE, D):DOUBLE',
    'coalesce(null, i)': 'COALESCE{T, T... -> T}(NULL, I):INTEGER',
    'dateadd(days, 1, from_days(i))':
      'DATEADD{UNIT, INT, DATE -> DATE}(DAYS, 1:INTEGER, FROM_DAYS{INT -> DATE}(I):DATE):DATE',
    'dateadd(day, 1, from_days(i))':
      'DATEADD{UNIT, INT, DATE -> DATE}(DAYS, 1:INTEGER, FROM_DAYS{INT -> DATE}(I):DATE):DATE',
    'transform(a, v => v + l)':
      'TRANSFORM{ARRAY<T>, (T) => R -> ARRAY<R>}(A, (V)#0 => (cast!(V#0):BIGINT +! L):BIGINT):ARRAY<BIGINT>',
    'transform(array[a], r => reduce(r, 0, (n, v) => n + v))':
      'TRANSFORM{ARRAY<T>, (T) => R -> ARRAY<R>}(array(A):ARRAY<ARRAY<INTEGER>>, (R)#0 => REDUCE{ARRAY<T>, S, (S, T) => S -> S}(R#0, 0:INTEGER, (N, V)#1 => (N#1 +! V#2):INTEGER):INTEGER):ARRAY<INTEGER>',
  },
};

describe.each(Object.entries(shapes))('%s', (_family, cases) => {
  test.each(Object.entries(cases))('%s', (text, want) => {
    expect(shape(bound(text))).toBe(want);
  });
});

describe('refused', () => {
  test.each([
    ['nope', 'Unknown column NOPE'],
    ['i->f', 'Expected STRUCT type, got INTEGER for I'],
    ['null->f', 'Expected STRUCT type, got null for null'],
    ['t->h', "Could not find field 'H' in 'T'. Fields are: `F`"],
    ['i[1]', 'Subscript expression (I[1]) do not apply to INTEGER.'],
    ['i + b', 'Error processing expression: (I + B). Unsupported arithmetic types. INTEGER BOOLEAN'],
    ['1 + null', 'Error processing expression: (1 + null). Arithmetic on types INTEGER and null are not supported.'],
    ['-s', "Unary operator '-' is not supported for STRING"],
    ['i = s', 'Cannot compare I (INTEGER) to S (STRING) with EQUAL.'],
    ['b < b', 'Cannot compare B (BOOLEAN) to B (BOOLEAN) with LESS_THAN.'],
    ['i = null', 'Comparison with NULL not supported: INTEGER = NULL'],
    ["ts > 'soon'", "Failed to parse timestamp 'soon'"],
    ['i between s and 2', 'Cannot compare I (INTEGER) to S (STRING) with GREATER_THAN_OR_EQUAL.'],
    ['b and i', 'Error processing expression: (B AND I). I should evaluate to boolean but is INTEGER.'],
    ["i in ('x')", 'Invalid Predicate: invalid input syntax for type INTEGER: "x".'],
    ['i in (s)', 'Invalid Predicate: operator does not exist: INTEGER = STRING (S)'],
    ['i like s', 'The column type for Like condition must be VARCHAR. The column type is INTEGER'],
    ['case when i then 1 end', "WHEN operand type should be boolean.\nType for 'I' is INTEGER"],
    ['case when b then 1 else s end', 'Invalid Case expression. operator does not exist: INTEGER = STRING (S)'],
    ['case when b then null end', 'Invalid Case expression. All case branches have NULL type'],
    ['cast(i as nope)', 'Cannot resolve unknown type: NOPE'],
    ['cast(m as int)', 'Cast of MAP<STRING, BIGINT> to INTEGER is not supported'],
    ['array[]', 'Array constructor cannot be empty.'],
    ['array[null]', 'Cannot construct an array with all NULL elements'],
    ['array[array[1], array[s]]', 'operator does not exist: ARRAY<INTEGER> = ARRAY<STRING> (ARRAY[S])'],
    ['map()', 'Map constructor cannot be empty.'],
    ["map('a' := null)", 'Cannot construct a map with all NULL values'],
    ['struct(p := 1, p := 2)', "Duplicate field names found in STRUCT: 'STRUCT(P:=1, P:=2)'."],
    ['nope(i)', "Can't find any functions with the name 'NOPE'"],
    ['ucase(i)', "Function 'UCASE' does not accept parameters (INTEGER)."],
    ['sum(i)', 'Aggregate functions can only stand in SELECT and HAVING: SUM'],
    ['explode(a)', 'Table functions can only stand in SELECT: EXPLODE'],
    ['transform(a, v => w)', 'Unknown column W'],
    ['ucase(v => v)', "Function 'UCASE' does not accept parameters (LAMBDA)."],
  ])('%s', (text, message) => {
    expect(() => bound(text)).toThrow(message);
  });

  test('a lambda that is refused leaves nothing of its parameters behind', () => {
    const binder = new Binder(environment, columns);
    expect(() => binder.bind(parseExpression('transform(a, v => v + b)'))).toThrow('Unsupported arithmetic types');
    expect(() => binder.bind(parseExpression('v'))).toThrow('Unknown column V');
    expect(shape(binder.bind(parseExpression('i + 1')))).toBe('(I + 1:INTEGER):INTEGER');
  });
});

describe('calls that are no values', () => {
  const binder = new Binder(environment, columns);
  const call = (text: string): Call => parseExpression(text) as Call;
  const aggregate = (text: string) => bindAggregate(binder, call(text), () => undefined, false);

  test('of table functions have the type of a row', () => {
    expect(bindTableCall(binder, call('explode(a)'))).toEqual({
      kind: 'tableCall',
      function: 'EXPLODE',
      signature: 'ARRAY<T> -> T',
      argumentTypes: [arrayOf(INTEGER)],
      args: [{ kind: 'column', name: 'A', type: arrayOf(INTEGER) }],
      type: INTEGER,
    });
    expect(() => bindTableCall(binder, call('ucase(s)'))).toThrow('UCASE is not a table function');
  });

  test('of aggregates know what is kept, and their literals', () => {
    const top = aggregate('topk(i, 3)');
    expect(top).toMatchObject({ function: 'TOPK', literals: [3], takesBack: false });
    expect(top.type).toEqual(arrayOf(INTEGER));
    expect(top.args.map(shape)).toEqual(['I']);
    expect(aggregate('sum(l)')).toMatchObject({ type: BIGINT, stateType: BIGINT, literals: [], takesBack: true });
    expect(() => aggregate('topk(i, i)')).toThrow(
      "Parameter 2 passed to function TOPK must be a literal constant, but was expression: 'I'",
    );
    expect(() => aggregate('latest_by_offset(i, 0)')).toThrow('the number of values must be at least 1, got 0');
    expect(() => aggregate('ucase(s)')).toThrow('UCASE is not an aggregate function');
  });
});

describe('a typed tree', () => {
  const all = Object.values(shapes).flatMap((cases) => Object.keys(cases));

  test.each(all)('is plain data: %s', (text) => {
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || value instanceof Decimal) {
        expect(typeof value).not.toBe('function');
        return;
      }
      expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(value));
      for (const part of Object.values(value)) visit(part);
    };
    visit(bound(text));
  });

  test('tells the columns that it looks at, and no parameters', () => {
    expect([...columnsUsed([bound('transform(a, v => v + l + case when b then t->f else 1 end)')])]).toEqual([
      'A',
      'L',
      'B',
      'T',
    ]);
    expect([...columnsUsed([bound("map(s := i in (1, 2), 'x' := s like s)"), bound('array[d, -x][1]')])]).toEqual([
      'S',
      'I',
      'D',
      'X',
    ]);
  });

  test('names overloads by signatures that no function has twice', () => {
    const twice = environment.functions.all().filter(({ overloads }) => {
      const texts = overloads.map(({ signature }) => signature.text);
      return new Set(texts).size < texts.length;
    });
    expect(twice.map(({ name }) => name)).toEqual([]);
  });

  test('has the type of a DATE where a text stands for one', () => {
    expect(bound("from_days(1) = '2020-01-02'")).toMatchObject({
      right: { kind: 'literal', type: DATE, value: 18_263 },
    });
  });
});
