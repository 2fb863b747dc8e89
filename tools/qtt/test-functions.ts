import { BIGINT, type SqlType, STRING, structOf, decimalType, arrayOf } from '../../src/sql/types.ts';
import { addLong, type Long, subtractLong } from '../../src/sql/values/bigint.ts';
import {
  type AggregateFunction,
  type Aggregator,
  nullable,
  pure,
  scalar,
  type SqlFunction,
  type TableFunction,
  typed,
} from '../../src/sql/functions/function.ts';
import { aggregate, aggregateOverload } from '../../src/sql/functions/aggregate/basic.ts';
import { signature } from '../../src/sql/functions/signature.ts';
import { type Decimal } from '../../src/util/index.ts';
import { type SqlValue, valueText } from '../../src/sql/values/value.ts';

/** Functions that only the cases know: they show how functions are resolved and what their failures do. */
export function testFunctions(): SqlFunction[] {
  return [...scalars(), ...tables(), ...aggregates()];
}

const STRUCT_A = structOf([{ name: 'A', type: STRING }]);

function fail(): never {
  throw new Error('this function was made to fail');
}

function scalars(): SqlFunction[] {
  const must = (result: SqlValue, evaluated: boolean): SqlValue => (evaluated ? result : fail());
  return [
    scalar('TEST_UDF', 'OTHER', 'Tells which overload was called.', [
      pure('INT, STRING -> STRING', () => 'doStuffIntString'),
      nullable('BIGINT, STRING -> STRING', () => 'doStuffLongString'),
      nullable('BIGINT, BIGINT, STRING -> STRING', () => 'doStuffLongLongString'),
      pure('BIGINT... -> STRING', () => 'doStuffLongVarargs'),
      pure('STRUCT<A STRING> -> STRING', ([a]: readonly SqlValue[]) => a ?? null),
      pure(
        '-> ?',
        () => ['foo'],
        () => STRUCT_A,
      ),
    ]),
    scalar('BAD_UDF', 'OTHER', 'Fails.', [
      pure('INT -> STRING', fail),
      pure('BOOLEAN -> INT', (value: boolean) => (value ? fail() : 0)),
      typed(
        'STRING -> STRING',
        () => {
          let calls = 0;
          return (value: SqlValue) => (calls++ % 2 === 0 ? null : value);
        },
        { takesNulls: true },
      ),
    ]),
    scalar('WHENCONDITION', 'OTHER', 'Fails when it is evaluated, but should not be.', [
      pure('BOOLEAN, BOOLEAN -> BOOLEAN', must),
    ]),
    scalar('WHENRESULT', 'OTHER', 'Fails when it is evaluated, but should not be.', [
      pure('INT, BOOLEAN -> INT', must),
    ]),
  ];
}

function tables(): SqlFunction[] {
  const one = (value: SqlValue): readonly SqlValue[] => [value];
  const kinds = ['INT', 'BIGINT', 'DOUBLE', 'BOOLEAN', 'STRING', 'STRUCT<A STRING>'];
  const all = ['INT', 'BIGINT', 'DOUBLE', 'BOOLEAN', 'STRING', 'DECIMAL', 'STRUCT<A STRING>'];
  const texts =
    (types: readonly SqlType[], pick: (value: SqlValue) => SqlValue, item: (type: SqlType) => SqlType) =>
    (...values: SqlValue[]) =>
      values.map((value, i) => valueText(item(types[i]!), pick(value)));
  const first = (list: SqlValue): SqlValue => (list as readonly SqlValue[])[0] ?? null;
  const firstOfMap = (map: SqlValue): SqlValue => [...(map as ReadonlyMap<SqlValue, SqlValue>).values()][0] ?? null;
  const inside = (type: SqlType): SqlType =>
    type.kind === 'ARRAY' ? type.item : type.kind === 'MAP' ? type.value : type;
  const table: TableFunction = {
    kind: 'table',
    name: 'TEST_UDTF',
    category: 'TABLE',
    description: 'Rows that tell which overload was called.',
    overloads: [
      ...kinds.map((kind) => ({ signature: signature(`${kind} -> ${kind}`), make: () => one })),
      {
        signature: signature('DECIMAL -> ?'),
        make: () => (value: Decimal) => [value.fit(30, 10)],
        resultType: () => decimalType(30, 10),
      },
      {
        signature: signature(`${all.join(', ')} -> STRING`),
        make: (types) =>
          texts(
            types,
            (value) => value,
            (type) => type,
          ),
      },
      {
        signature: signature(`${all.map((kind) => `ARRAY<${kind}>`).join(', ')} -> STRING`),
        make: (types) => texts(types, first, inside),
      },
      ...['STRING', 'BIGINT'].map((key) => ({
        signature: signature(
          `${all.map((kind, i) => `MAP<${i === 0 ? key : 'STRING'}, ${kind}>`).join(', ')} -> STRING`,
        ),
        make: (types: readonly SqlType[]) => texts(types, firstOfMap, inside),
      })),
    ],
  };
  const throwing: TableFunction = {
    kind: 'table',
    name: 'THROWING_UDTF',
    category: 'TABLE',
    description: 'Fails on true.',
    overloads: [
      { signature: signature('BOOLEAN -> BOOLEAN'), make: () => (value: boolean) => (value ? fail() : [false]) },
    ],
  };
  return [table, throwing];
}

function adding(init: Long, measure: (args: readonly SqlValue[]) => Long, extra: Long = 0): Aggregator {
  return {
    stateType: BIGINT,
    resultType: BIGINT,
    init: () => init,
    add: (state, args) => addLong(state as Long, measure(args)),
    undo: (state, args) => subtractLong(state as Long, measure(args)),
    merge: (a, b) => addLong(a as Long, b as Long),
    result: (state) => addLong(state as Long, extra),
  };
}

const withoutUndo = ({ undo: _undo, ...rest }: Aggregator): Aggregator => rest;
const lengthOf = (value: SqlValue): number => (typeof value === 'string' ? value.length : 0);
const sizeOf = (value: SqlValue): Long => (typeof value === 'string' ? value.length : ((value as Long | null) ?? 0));
const total = (args: readonly SqlValue[]): Long => args.reduce<Long>((sum, value) => addLong(sum, sizeOf(value)), 0);

function aggregates(): AggregateFunction[] {
  const initial = (literals: readonly SqlValue[]): Long => total(literals);
  const summing = (text: string, literals: number) =>
    aggregateOverload(text, (_types, values) => withoutUndo(adding(initial(values), total)), { literals });
  const multi = (name: string, columns: string): AggregateFunction =>
    aggregate(
      name,
      'Sums of numbers and lengths.',
      Array.from({ length: 8 }, (_, n) => summing(`${columns}, INT${', STRING'.repeat(n)} -> BIGINT`, n + 1)),
    );
  const structSum = (a: readonly SqlValue[], b: readonly SqlValue[]): SqlValue =>
    a.map((value, i) => ((value as number) ?? 0) + ((b[i] as number) ?? 0));
  const pair = structOf([
    { name: 'A', type: { kind: 'INTEGER' } },
    { name: 'B', type: { kind: 'INTEGER' } },
  ]);
  return [
    aggregate('TEST_UDAF', 'Sums.', [
      aggregateOverload('BIGINT -> BIGINT', () => adding(0, total)),
      aggregateOverload('INT -> BIGINT', (_types, _literals, settings) => adding(Number(settings('init') ?? 0), total)),
      aggregateOverload('DOUBLE -> DOUBLE', () => ({
        stateType: { kind: 'DOUBLE' },
        resultType: { kind: 'DOUBLE' },
        init: () => 0,
        add: (state, [value]) => (state as number) + ((value as number) ?? 0),
        merge: (a, b) => (a as number) + (b as number),
        result: (state) => state,
      })),
      aggregateOverload(
        'STRING, STRING -> BIGINT',
        (_types, [init]) => withoutUndo(adding(lengthOf(init ?? null), total)),
        { literals: 1 },
      ),
      aggregateOverload('STRUCT<A INT, B INT> -> STRUCT<A INT, B INT>', () => ({
        stateType: pair,
        resultType: pair,
        init: () => [0, 0],
        add: (state, [value]) =>
          value === null ? state : structSum(state as readonly SqlValue[], value as readonly SqlValue[]),
        merge: (a, b) => structSum(a as readonly SqlValue[], b as readonly SqlValue[]),
        result: (state) => state,
      })),
    ]),
    multi('MULTI_ARG', 'BIGINT, STRING'),
    multi('FOUR_ARG', 'BIGINT, STRING, STRING, STRING'),
    multi('FIVE_ARG', 'BIGINT, STRING, STRING, STRING, INT'),
    aggregate('VAR_ARG', 'Sums.', [
      aggregateOverload('BIGINT, STRING... -> BIGINT', () => withoutUndo(adding(0, total))),
    ]),
    aggregate('MID_VAR_ARG', 'Sums.', [
      aggregateOverload(
        'BIGINT, STRING..., INT, INT -> BIGINT',
        (_types, literals) => withoutUndo(adding(0, total, total(literals))),
        { literals: 2 },
      ),
    ]),
    aggregate('OBJ_COL_ARG', 'The numbers of complete rows.', [
      aggregateOverload('INT, ANY... -> ARRAY<INT>', () => ({
        stateType: arrayOf({ kind: 'INTEGER' }),
        resultType: arrayOf({ kind: 'INTEGER' }),
        init: () => [],
        add: (state, args) => (args.includes(null) ? state : [...(state as readonly SqlValue[]), args[0]!]),
        merge: (a, b) => [...(a as readonly SqlValue[]), ...(b as readonly SqlValue[])],
        result: (state) => state,
      })),
    ]),
  ];
}
