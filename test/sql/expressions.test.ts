// Expressions from text to value, family by family. A row has the columns below.
import { describe, expect, test } from 'vitest';
import { Catalog } from '../../src/sql/catalog.ts';
import { bind } from '../../src/sql/expressions/binding/binder.ts';
import { Evaluator } from '../../src/sql/expressions/evaluation/evaluator.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import { parseExpression } from '../../src/sql/parser/parse.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  STRING,
  structOf,
  typeText,
} from '../../src/sql/types.ts';
import { Decimal } from '../../src/util/index.ts';
import { type Row, valueText } from '../../src/sql/values/value.ts';

const columns = [
  { name: 'I', type: INTEGER },
  { name: 'L', type: BIGINT },
  { name: 'D', type: DOUBLE },
  { name: 'X', type: decimalType(6, 2) },
  { name: 'S', type: STRING },
  { name: 'N', type: STRING },
  { name: 'B', type: BOOLEAN },
  { name: 'A', type: arrayOf(INTEGER) },
  { name: 'M', type: mapOf(STRING, BIGINT) },
  {
    name: 'T',
    type: structOf([
      { name: 'F', type: INTEGER },
      { name: 'G', type: STRING },
    ]),
  },
  { name: 'Y', type: BYTES },
];
const row: Row = [
  7,
  9007199254740993n,
  2.5,
  new Decimal(1250n, 2),
  'abc',
  null,
  true,
  [3, null, 1],
  new Map([['k', 5]]),
  [1, 'g'],
  Buffer.from('hi'),
];

const environment = { functions: builtInFunctions(), resolveType: new Catalog().resolveType };
const evaluator = new Evaluator(environment.functions, columns);

/** The value and type of an expression, as text. */
function run(text: string): string {
  const bound = bind(parseExpression(text), columns, environment);
  const { type } = bound;
  const value = evaluator.evaluate(bound)(row);
  return type === null ? 'null' : `${valueText(type, value)} ${typeText(type)}`;
}

const cases = (table: Record<string, string>): [string, string][] => Object.entries(table);

describe('operators', () => {
  test.each(
    cases({
      'i + 1': '8 INTEGER',
      'l + 1': '9007199254740994 BIGINT',
      'i / 2': '3 INTEGER',
      'd / 0': 'Infinity DOUBLE',
      'x * 2': '25.00 DECIMAL(17, 2)',
      'x / 3': '4.1666666666667 DECIMAL(17, 13)',
      "s + 'd'": 'abcd STRING',
      "s || 'd' || n": 'abcd STRING',
      'a[1]': '3 INTEGER',
      'a[-1]': '1 INTEGER',
      'a[9]': 'null INTEGER',
      "m['k']": '5 BIGINT',
      't->g': 'g STRING',
      'i between 1 and 7': 'true BOOLEAN',
      "s in ('x', 'abc')": 'true BOOLEAN',
      "i in ('7', 8)": 'true BOOLEAN',
      "s like 'a%'": 'true BOOLEAN',
      "n = 'x'": 'false BOOLEAN',
      "n is distinct from 'x'": 'true BOOLEAN',
      'n is null and not (i > 8)': 'true BOOLEAN',
      'case when i > 5 then 1 else 2.5 end': '1.0 DECIMAL(11, 1)',
      "case s when 'abc' then 'yes' end": 'yes STRING',
      "cast('12.345' as decimal(5, 2))": '12.35 DECIMAL(5, 2)',
      'cast(d as string)': '2.5 STRING',
      "cast('2021-02-03' as date)": '2021-02-03 DATE',
      'map(s := i)': '{abc=7} MAP<STRING, INTEGER>',
      'struct(p := i, q := s)': 'Struct{P=7,Q=abc} STRUCT<`P` INTEGER, `Q` STRING>',
      'd > x': 'false BOOLEAN',
    }),
  )('%s', (text, want) => {
    expect(run(text)).toBe(want);
  });

  test.each([
    ['i + true', 'Unsupported arithmetic types. INTEGER BOOLEAN'],
    ["i > 'x'", "Cannot compare I (INTEGER) to 'x' (STRING) with GREATER_THAN."],
    ['n = null', 'Comparison with NULL not supported: STRING = NULL'],
    ['array[]', 'Array constructor cannot be empty'],
    ["b in (true, 'maybe')", 'invalid input syntax for type BOOLEAN: "maybe"'],
    ['cast(s as array<int>)', 'Cast of STRING to ARRAY<INTEGER> is not supported'],
    ['nope(i)', "Can't find any functions with the name 'NOPE'"],
    ['ucase(i)', "Function 'UCASE' does not accept parameters (INTEGER)."],
    ['greatest(i, l)', "Function 'greatest' cannot be resolved due to ambiguous method parameters (INTEGER, BIGINT)."],
    ['t->h', "Could not find field 'H' in 'T'"],
  ])('%s is refused', (text, message) => {
    expect(() => run(text)).toThrow(message);
  });
});

describe('functions', () => {
  test.each(
    cases({
      // numbers
      'abs(-i)': '7 INTEGER',
      'round(2.5)': '3 DECIMAL(1, 0)',
      'round(-d)': '-2 BIGINT',
      'round(x, 1)': '12.50 DECIMAL(6, 2)',
      'trunc(-d)': '-2 BIGINT',
      'floor(d)': '2.0 DOUBLE',
      'ceil(x)': '13.00 DECIMAL(6, 2)',
      'sign(-3)': '-1 INTEGER',
      'log(2, 8)': '3.0 DOUBLE',
      'power(2, 10)': '1024.0 DOUBLE',
      'least(3, 1, 2)': '1 INTEGER',
      // texts
      'substring(s, 2)': 'bc STRING',
      'substring(s, -2, 1)': 'b STRING',
      "lpad(s, 5, '12')": '12abc STRING',
      "rpad(s, 2, 'x')": 'ab STRING',
      "instr('abcabc', 'b', -1)": '5 INTEGER',
      "mask('Ab1-c', '*', '_', '#', null)": '*_#-_ STRING',
      "mask_keep_right('secret42', 2)": 'xxxxxx42 STRING',
      "initcap('the END')": 'The End STRING',
      "split('a--b', '-')": '[a, , b] ARRAY<STRING>',
      "split_to_map('a=1;b=2;x', ';', '=')": '{a=1, b=2} MAP<STRING, STRING>',
      "concat_ws('-', 'a', n, 'b')": 'a-b STRING',
      "regexp_extract('(.)b', s, 1)": 'a STRING',
      "regexp_split_to_array('a1b22c', '[0-9]+')": '[a, b, c] ARRAY<STRING>',
      "encode('48656c6c6f', 'hex', 'utf8')": 'Hello STRING',
      "to_bytes('aGk=', 'base64')": 'aGk= BYTES',
      "int_from_bytes(to_bytes('00000102', 'hex'))": '258 INTEGER',
      "chr('\\u00e9')": '\u00e9 STRING',
      // collections
      'array_sort(a)': '[1, 3, null] ARRAY<INTEGER>',
      'array_max(a)': '3 INTEGER',
      'array_remove(a, null)': '[3, 1] ARRAY<INTEGER>',
      "array_join(a, '-')": '3-null-1 STRING',
      'slice(a, 2, 3)': '[null, 1] ARRAY<INTEGER>',
      'generate_series(1, 5, 2)': '[1, 3, 5] ARRAY<INTEGER>',
      "entries(map('b' := 1, 'a' := 2), true)[1]->k": 'a STRING',
      'map_keys(m)': '[k] ARRAY<STRING>',
      'transform(array[1, 2], x => x * i)': '[7, 14] ARRAY<INTEGER>',
      'filter(m, (k, v) => v > 4)': '{k=5} MAP<STRING, BIGINT>',
      'reduce(array[1, 2, 3], 10, (s, x) => s + x)': '16 INTEGER',
      // dates
      "dateadd(days, 3, cast('2020-02-27' as date))": '2020-03-01 DATE',
      "timesub(hours, 2, cast('01:00' as time))": '23:00 TIME',
      "format_timestamp(cast('2021-06-01T10:00:00' as timestamp), 'HH:mm zzz', 'Europe/London')": '11:00 BST STRING',
      "parse_date('05.03.2021', 'dd.MM.yyyy')": '2021-03-05 DATE',
      'unix_date(from_days(10))': '10 INTEGER',
      // JSON
      [`extractjsonfield('{"a": {"b": [1, 2.50]}}', '$.a.b[1]')`]: '2.50 STRING',
      [`json_concat('[1]', '2')`]: '[1,2] STRING',
      [`json_keys('{"x": 1, "y": 2}')`]: '[x, y] ARRAY<STRING>',
      'to_json_string(t)': '{"F":1,"G":"g"} STRING',
      // addresses
      "url_extract_parameter('http://h/?a=1+2&b', 'a')": '1 2 STRING',
      "url_extract_port('http://h:81/x')": '81 INTEGER',
      "url_encode_param('a b&c')": 'a+b%26c STRING',
      // choices
      'coalesce(n, s)': 'abc STRING',
      'nullif(i, 7)': 'null INTEGER',
    }),
  )('%s', (text, want) => {
    expect(run(text)).toBe(want);
  });

  test('there are as many as there should be', () => {
    const all = builtInFunctions().all();
    const count = (kind: string): number => all.filter((declared) => declared.kind === kind).length;
    expect([count('scalar'), count('aggregate'), count('table'), count('window')]).toEqual([139, 22, 2, 3]);
  });
});
