// What the WHERE of a pull query is taken for: look-ups by key and window, or all rows, and what is said where those may not
// be read.
import { describe, expect, test } from 'vitest';
import { withTimeLiterals } from '../../src/sql/analysis/time-literals.ts';
import { Catalog, type DataSource } from '../../src/sql/catalog.ts';
import { builtInFunctions } from '../../src/sql/functions/index.ts';
import { parseExpression } from '../../src/sql/parser/parse.ts';
import { lookupOf } from '../../src/sql/queries/pull-where.ts';
import { BIGINT, DATE, DOUBLE, INTEGER, type SqlType, STRING } from '../../src/sql/types.ts';

const ANY_WINDOW = { from: 0, to: Number.MAX_SAFE_INTEGER };

function lookup(where: string, keys: Record<string, SqlType>, options: { scan?: boolean; window?: boolean } = {}) {
  const { scan = true, window = false } = options;
  const column = (namespace: 'KEY' | 'VALUE') => (name: string) => ({
    name,
    type: keys[name] ?? BIGINT,
    namespace,
  });
  const source = {
    name: 'T',
    schema: { key: Object.keys(keys).map(column('KEY')), value: ['N', 'S'].map(column('VALUE')) },
    window: window ? { type: 'TUMBLING', sizeMs: 10 } : undefined,
  } as unknown as DataSource;
  const settings: Record<string, string> = { 'ksql.query.pull.table.scan.enabled': String(scan) };
  const env = { catalog: new Catalog(), functions: builtInFunctions(), setting: (name: string) => settings[name] };
  return lookupOf(env, withTimeLiterals(parseExpression(where)), source);
}

describe('keys', () => {
  test.each<[string, Record<string, SqlType>, unknown[][] | undefined]>([
    ['K = 1', { K: INTEGER }, [[1]]],
    ['2 - 1 = K', { K: INTEGER }, [[1]]],
    ['K = 1.0', { K: INTEGER }, [[1]]],
    ['K = 1', { K: BIGINT }, [[1]]],
    ['K = 1', { K: DOUBLE }, [[1]]],
    ["K = '2001-01-02'", { K: DATE }, [[11_324]]],
    ["K IN ('a', 'b', 'a')", { K: STRING }, [['a'], ['b']]],
    ["K = 'a' OR N = 3 AND K = 'b'", { K: STRING }, [['a'], ['b']]],
    ["NOT (NOT K = 'a' OR N = 3)", { K: STRING }, [['a']]],
    ["(K = 'a' OR K = 'b') AND (N = 1 OR N = 2)", { K: STRING }, [['a'], ['b']]],
    [
      'A = 1 AND B IN (2, 3)',
      { A: INTEGER, B: INTEGER },
      [
        [1, 2],
        [1, 3],
      ],
    ],
    ["K = 'a' OR N = 3", { K: STRING }, undefined],
    ['A = 1', { A: INTEGER, B: INTEGER }, undefined],
    ["K <> 'a'", { K: STRING }, undefined],
    ["K > 'a'", { K: STRING }, undefined],
    ["NOT K IN ('a')", { K: STRING }, undefined],
  ])('%s', (where, keys, expected) => {
    expect(lookup(where, keys).keys).toEqual(expected);
  });

  test('whatever is asked about one of many thousand alternatives', () => {
    const many = Array.from({ length: 500 }, (_, i) => `K = ${i}`).join(' OR ');
    expect(lookup(many, { K: INTEGER }).keys).toHaveLength(500);
    const members = Array.from({ length: 9999 }, (_, i) => i).join();
    expect(lookup(`K IN (${members})`, { K: INTEGER }).keys).toHaveLength(9999);
    const product = Array.from({ length: 20 }, (_, i) => `(K = ${i} OR N = ${i})`).join(' AND ');
    expect(lookup(product, { K: INTEGER })).toEqual({});
  });
});

test.each<[string, { from: number; to: number }]>([
  ['K = 1 AND WINDOWSTART >= 5 AND WINDOWSTART < 9', { from: 5, to: 8 }],
  ['K = 1 AND 5 < WINDOWSTART', { from: 6, to: ANY_WINDOW.to }],
  ['K = 1 AND WINDOWSTART BETWEEN 5 AND 7', { from: 5, to: 7 }],
  ['K = 1 AND WINDOWSTART = 5 OR K = 2 AND WINDOWSTART = 9', { from: 5, to: 9 }],
  ['K = 1 AND WINDOWSTART = 5 OR K = 2', ANY_WINDOW],
  ["K = 1 AND WINDOWSTART = '1970-01-01T00:00:01'", { from: 1000, to: 1000 }],
])('windows: %s', (where, expected) => {
  expect(lookup(where, { K: INTEGER }, { window: true }).windowStart).toEqual(expected);
});

describe('refused', () => {
  const one = { K: STRING };
  const two = { A: INTEGER, B: INTEGER };
  test.each<[string, Record<string, SqlType>, string, { window?: boolean }?]>([
    ['N = 1', one, 'WHERE clause missing key column for disjunct: (N = 1)'],
    ["K = 'a' OR N = 1", one, 'WHERE clause missing key column for disjunct: (N = 1)'],
    ["UCASE(K) = 'A'", one, 'A comparison must directly reference a key column'],
    ['K = S', one, 'A comparison must be between a key column and a resolvable expression'],
    ["K <> 'a'", one, "Bound on key columns '[`K` STRING KEY]' must currently be '='. "],
    ["K IS DISTINCT FROM 'a'", one, "Bound on key columns '[`K` STRING KEY]' must currently be '='. "],
    ["K = 'a' AND K > 'b'", one, 'A comparison condition on the key column cannot be combined'],
    ["'a' LIKE 'b'", one, 'Like condition must be between strings'],
    ['A = 1', two, 'Multi-column sources must specify every key in the WHERE clause. Specified: [`A`]'],
    ["K > 'a' OR K < 'b'", one, 'Query requires table scan to be enabled.'],
    ["K > 'a'", one, 'Query requires table scan to be enabled.', { window: true }],
    ['K > 1', { K: INTEGER }, 'Query requires table scan to be enabled.'],
  ])('without table scans: %s', (where, keys, message, options) => {
    expect(() => lookup(where, keys, { ...options, scan: false })).toThrow(message);
    expect(() => lookup(where, keys, options)).not.toThrow();
  });

  test.each<[string, SqlType, string]>([
    ["K IN ('1')", INTEGER, "'1' can not be converted to the type of the key column: K INTEGER KEY"],
    ['K = 1.5', INTEGER, '1.5 can not be converted to the type of the key column: K INTEGER KEY'],
    ['K = 3000000000', INTEGER, '3000000000 can not be converted to the type of the key column: K INTEGER KEY'],
    ['K IN (NULL)', STRING, 'Primary key columns can not be NULL: (K = null)'],
  ])('always: %s', (where, type, message) => {
    expect(() => lookup(where, { K: type })).toThrow(message);
  });

  test('not: one range over a text key', () => {
    expect(lookup("K >= 'a' AND N = 3", { K: STRING }, { scan: false })).toEqual({});
  });
});
