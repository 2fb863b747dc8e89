// Arrays, maps, lambdas, choices between values, and the two functions that belong nowhere.
import type { Calls } from './calls.ts';

const NO_ARRAY = 'CAST(NULL AS ARRAY<INT>)';
const NO_MAP = 'CAST(NULL AS MAP<STRING, INT>)';

export const collectionCalls: Readonly<Record<string, Calls>> = {
  ARRAY_CONCAT: {
    'ARRAY_CONCAT(ARRAY[1, 2], ARRAY[2, NULL])': '[1, 2, 2, null] ARRAY<INTEGER>',
    [`ARRAY_CONCAT(${NO_ARRAY}, ARRAY[1])`]: '[1] ARRAY<INTEGER>',
    [`ARRAY_CONCAT(ARRAY[1], ${NO_ARRAY})`]: '[1] ARRAY<INTEGER>',
    [`ARRAY_CONCAT(${NO_ARRAY}, ${NO_ARRAY})`]: 'null ARRAY<INTEGER>',
    "ARRAY_CONCAT(ARRAY[1], ARRAY['a'])":
      "refused: Function 'ARRAY_CONCAT' does not accept parameters (ARRAY<INTEGER>, ARRAY<STRING>).",
  },
  ARRAY_CONTAINS: {
    'ARRAY_CONTAINS(ARRAY[1, 2], 2)': 'true BOOLEAN',
    'ARRAY_CONTAINS(ARRAY[1, 2], 3)': 'false BOOLEAN',
    'ARRAY_CONTAINS(ARRAY[1, NULL], NULL)': 'true BOOLEAN',
    'ARRAY_CONTAINS(ARRAY[ARRAY[1], ARRAY[2, 3]], ARRAY[2, 3])': 'true BOOLEAN',
    "ARRAY_CONTAINS(ARRAY[MAP('a' := 1)], MAP('a' := 1))": 'true BOOLEAN',
    'ARRAY_CONTAINS(ARRAY[1.50], 1.50)': 'true BOOLEAN',
    [`ARRAY_CONTAINS(${NO_ARRAY}, 1)`]: 'false BOOLEAN',
    "ARRAY_CONTAINS(ARRAY[1], 'a')":
      "refused: Function 'ARRAY_CONTAINS' does not accept parameters (ARRAY<INTEGER>, STRING).",
  },
  ARRAY_DISTINCT: {
    "ARRAY_DISTINCT(ARRAY['b', 'a', 'b', NULL, NULL])": '[b, a, null] ARRAY<STRING>',
    'ARRAY_DISTINCT(ARRAY[ARRAY[1], ARRAY[1], ARRAY[2]])': '[[1], [2]] ARRAY<ARRAY<INTEGER>>',
    'ARRAY_DISTINCT(ARRAY[1.50, 1.50])': '[1.50] ARRAY<DECIMAL(3, 2)>',
    "ARRAY_DISTINCT(ARRAY[MAP('a' := 1, 'b' := 2), MAP('b' := 2, 'a' := 1)])":
      '[{a=1, b=2}] ARRAY<MAP<STRING, INTEGER>>',
    [`ARRAY_DISTINCT(${NO_ARRAY})`]: 'null ARRAY<INTEGER>',
    'ARRAY_DISTINCT(1)': "refused: Function 'ARRAY_DISTINCT' does not accept parameters (INTEGER).",
  },
  ARRAY_EXCEPT: {
    'ARRAY_EXCEPT(ARRAY[3, 1, 3, 2, NULL], ARRAY[2, 5])': '[3, 1, null] ARRAY<INTEGER>',
    'ARRAY_EXCEPT(ARRAY[1, NULL], ARRAY[NULL, 1])': '[] ARRAY<INTEGER>',
    [`ARRAY_EXCEPT(ARRAY[1], ${NO_ARRAY})`]: 'null ARRAY<INTEGER>',
    "ARRAY_EXCEPT(ARRAY[1], 'a')":
      "refused: Function 'ARRAY_EXCEPT' does not accept parameters (ARRAY<INTEGER>, STRING).",
  },
  ARRAY_INTERSECT: {
    'ARRAY_INTERSECT(ARRAY[3, 1, 3, NULL], ARRAY[NULL, 3, 4])': '[3, null] ARRAY<INTEGER>',
    'ARRAY_INTERSECT(ARRAY[1], ARRAY[2])': '[] ARRAY<INTEGER>',
    [`ARRAY_INTERSECT(${NO_ARRAY}, ARRAY[1])`]: 'null ARRAY<INTEGER>',
    'ARRAY_INTERSECT(ARRAY[1], 1)':
      "refused: Function 'ARRAY_INTERSECT' does not accept parameters (ARRAY<INTEGER>, INTEGER).",
  },
  ARRAY_UNION: {
    'ARRAY_UNION(ARRAY[3, 1, 3], ARRAY[NULL, 1, 4])': '[3, 1, null, 4] ARRAY<INTEGER>',
    [`ARRAY_UNION(${NO_ARRAY}, ARRAY[1])`]: 'null ARRAY<INTEGER>',
    'ARRAY_UNION(ARRAY[1], TRUE)':
      "refused: Function 'ARRAY_UNION' does not accept parameters (ARRAY<INTEGER>, BOOLEAN).",
  },
  ARRAY_JOIN: {
    'ARRAY_JOIN(ARRAY[1, NULL, 3])': '1,null,3 STRING',
    "ARRAY_JOIN(ARRAY[1.5E0, 2E0], '; ')": '1.5; 2.0 STRING',
    "ARRAY_JOIN(ARRAY[TRUE, FALSE], '')": 'truefalse STRING',
    "ARRAY_JOIN(ARRAY['a', 'b'], NULL)": 'ab STRING',
    "ARRAY_JOIN(ARRAY[1.50], '-')": '1.50 STRING',
    [`ARRAY_JOIN(${NO_ARRAY}, '-')`]: 'null STRING',
    "ARRAY_JOIN(ARRAY[TO_BYTES('a', 'utf8')])": 'fails: ARRAY_JOIN takes arrays of primitive values only',
    'ARRAY_JOIN(1)': "refused: Function 'ARRAY_JOIN' does not accept parameters (INTEGER).",
  },
  ARRAY_LENGTH: {
    'ARRAY_LENGTH(ARRAY[1, NULL, 3])': '3 INTEGER',
    "ARRAY_LENGTH(SPLIT('', ','))": '1 INTEGER',
    [`ARRAY_LENGTH(${NO_ARRAY})`]: 'null INTEGER',
    "ARRAY_LENGTH('abc')": "refused: Function 'ARRAY_LENGTH' does not accept parameters (STRING).",
  },
  ARRAY_MAX: {
    'ARRAY_MAX(ARRAY[3, NULL, 12])': '12 INTEGER',
    "ARRAY_MAX(ARRAY['3', '12'])": '3 STRING',
    'ARRAY_MAX(ARRAY[FALSE, TRUE])': 'true BOOLEAN',
    'ARRAY_MAX(ARRAY[1.50, -2.50])': '1.50 DECIMAL(3, 2)',
    'ARRAY_MAX(ARRAY[9223372036854775807, 1])': '9223372036854775807 BIGINT',
    'ARRAY_MAX(ARRAY[CAST(NULL AS INT), CAST(NULL AS INT)])': 'null INTEGER',
    [`ARRAY_MAX(${NO_ARRAY})`]: 'null INTEGER',
    'ARRAY_MAX(1)': "refused: Function 'ARRAY_MAX' does not accept parameters (INTEGER).",
  },
  ARRAY_MIN: {
    'ARRAY_MIN(ARRAY[3, NULL, 12])': '3 INTEGER',
    "ARRAY_MIN(ARRAY['3', '12'])": '12 STRING',
    'ARRAY_MIN(ARRAY[1.50, -2.50])': '-2.50 DECIMAL(3, 2)',
    [`ARRAY_MIN(${NO_ARRAY})`]: 'null INTEGER',
    "ARRAY_MIN('a')": "refused: Function 'ARRAY_MIN' does not accept parameters (STRING).",
  },
  ARRAY_REMOVE: {
    'ARRAY_REMOVE(ARRAY[1, 2, 1, NULL], 1)': '[2, null] ARRAY<INTEGER>',
    'ARRAY_REMOVE(ARRAY[1, NULL], NULL)': '[1] ARRAY<INTEGER>',
    'ARRAY_REMOVE(ARRAY[1], 5)': '[1] ARRAY<INTEGER>',
    [`ARRAY_REMOVE(${NO_ARRAY}, 1)`]: 'null ARRAY<INTEGER>',
    "ARRAY_REMOVE(ARRAY[1], 'a')":
      "refused: Function 'ARRAY_REMOVE' does not accept parameters (ARRAY<INTEGER>, STRING).",
  },
  ARRAY_SORT: {
    'ARRAY_SORT(ARRAY[3, NULL, 1, 2])': '[1, 2, 3, null] ARRAY<INTEGER>',
    "ARRAY_SORT(ARRAY[3, NULL, 1, 2], 'desc')": '[3, 2, 1, null] ARRAY<INTEGER>',
    "ARRAY_SORT(ARRAY['b', 'B', 'a'], 'ASCENDING')": '[B, a, b] ARRAY<STRING>',
    "ARRAY_SORT(ARRAY[TRUE, FALSE], 'Descending')": '[true, false] ARRAY<BOOLEAN>',
    'ARRAY_SORT(ARRAY[10.5, 9.5])': '[9.5, 10.5] ARRAY<DECIMAL(3, 1)>',
    "ARRAY_SORT(ARRAY[1], 'sideways')": 'null ARRAY<INTEGER>',
    [`ARRAY_SORT(${NO_ARRAY})`]: 'null ARRAY<INTEGER>',
    'ARRAY_SORT(ARRAY[1], 1)': "refused: Function 'ARRAY_SORT' does not accept parameters (ARRAY<INTEGER>, INTEGER).",
  },
  GENERATE_SERIES: {
    'GENERATE_SERIES(1, 3)': '[1, 2, 3] ARRAY<INTEGER>',
    'GENERATE_SERIES(3, 1)': '[3, 2, 1] ARRAY<INTEGER>',
    'GENERATE_SERIES(1, 6, 2)': '[1, 3, 5] ARRAY<INTEGER>',
    'GENERATE_SERIES(5, 1, -2)': '[5, 3, 1] ARRAY<INTEGER>',
    'GENERATE_SERIES(4, 4)': '[4] ARRAY<INTEGER>',
    'GENERATE_SERIES(9007199254740991, 9007199254740993)':
      '[9007199254740991, 9007199254740992, 9007199254740993] ARRAY<BIGINT>',
    'GENERATE_SERIES(3000000000, 2999999999, -1)': '[3000000000, 2999999999] ARRAY<BIGINT>',
    'GENERATE_SERIES(1, 3, 0)': 'fails: GENERATE_SERIES step cannot be zero',
    'GENERATE_SERIES(1, 3, -1)': 'fails: GENERATE_SERIES step has wrong sign',
    'GENERATE_SERIES(3, 1, 1)': 'fails: GENERATE_SERIES step has wrong sign',
    'GENERATE_SERIES(1, CAST(NULL AS INT))': 'null ARRAY<INTEGER>',
    "GENERATE_SERIES('1', 3)": "refused: Function 'GENERATE_SERIES' does not accept parameters (STRING, INTEGER).",
  },
  SLICE: {
    'SLICE(ARRAY[1, 2, 3, 4], 2, 3)': '[2, 3] ARRAY<INTEGER>',
    'SLICE(ARRAY[1, 2, 3], 1, 3)': '[1, 2, 3] ARRAY<INTEGER>',
    'SLICE(ARRAY[1, 2, 3], NULL, 2)': '[1, 2] ARRAY<INTEGER>',
    'SLICE(ARRAY[1, 2, 3], 2, NULL)': '[2, 3] ARRAY<INTEGER>',
    'SLICE(ARRAY[1, 2, 3], 2, 4)': 'null ARRAY<INTEGER>',
    'SLICE(ARRAY[1, 2, 3], 0, 2)': 'null ARRAY<INTEGER>',
    'SLICE(ARRAY[1, 2, 3], 3, 1)': 'null ARRAY<INTEGER>',
    [`SLICE(${NO_ARRAY}, 1, 1)`]: 'null ARRAY<INTEGER>',
    "SLICE(ARRAY[1], 'a', 1)":
      "refused: Function 'SLICE' does not accept parameters (ARRAY<INTEGER>, STRING, INTEGER).",
  },
  AS_MAP: {
    "AS_MAP(ARRAY['a', 'b'], ARRAY[1, 2])": '{a=1, b=2} MAP<STRING, INTEGER>',
    "AS_MAP(ARRAY['a', 'b'], ARRAY[1])": '{a=1, b=null} MAP<STRING, INTEGER>',
    "AS_MAP(ARRAY['a', 'a'], ARRAY[1, 2])": '{a=2} MAP<STRING, INTEGER>',
    [`AS_MAP(ARRAY['a'], ${NO_ARRAY})`]: 'null MAP<STRING, INTEGER>',
    'AS_MAP(ARRAY[1], ARRAY[1])':
      "refused: Function 'AS_MAP' does not accept parameters (ARRAY<INTEGER>, ARRAY<INTEGER>).",
  },
  ENTRIES: {
    "ENTRIES(MAP('b' := 1, 'a' := 2), TRUE)":
      '[Struct{K=a,V=2}, Struct{K=b,V=1}] ARRAY<STRUCT<`K` STRING, `V` INTEGER>>',
    "ENTRIES(MAP('a' := 'x'), FALSE)": '[Struct{K=a,V=x}] ARRAY<STRUCT<`K` STRING, `V` STRING>>',
    "ENTRIES(MAP('a' := 1.5E0), FALSE)": '[Struct{K=a,V=1.5}] ARRAY<STRUCT<`K` STRING, `V` DOUBLE>>',
    "ENTRIES(MAP('a' := TRUE), FALSE)": '[Struct{K=a,V=true}] ARRAY<STRUCT<`K` STRING, `V` BOOLEAN>>',
    "ENTRIES(MAP('a' := 3000000000), FALSE)": '[Struct{K=a,V=3000000000}] ARRAY<STRUCT<`K` STRING, `V` BIGINT>>',
    [`ENTRIES(${NO_MAP}, TRUE)`]: 'null ARRAY<STRUCT<`K` STRING, `V` INTEGER>>',
    "ENTRIES(MAP('a' := ARRAY[1]), TRUE)":
      "refused: Function 'ENTRIES' does not accept parameters (MAP<STRING, ARRAY<INTEGER>>, BOOLEAN).",
  },
  MAP_KEYS: {
    "MAP_KEYS(MAP('a' := 1, 'b' := NULL))": '[a, b] ARRAY<STRING>',
    [`MAP_KEYS(${NO_MAP})`]: 'null ARRAY<STRING>',
    'MAP_KEYS(ARRAY[1])': "refused: Function 'MAP_KEYS' does not accept parameters (ARRAY<INTEGER>).",
  },
  MAP_VALUES: {
    "MAP_VALUES(MAP('a' := 1, 'b' := NULL))": '[1, null] ARRAY<INTEGER>',
    [`MAP_VALUES(${NO_MAP})`]: 'null ARRAY<INTEGER>',
    "MAP_VALUES('a')": "refused: Function 'MAP_VALUES' does not accept parameters (STRING).",
  },
  MAP_UNION: {
    "MAP_UNION(MAP('a' := 1, 'b' := 2), MAP('b' := 3, 'c' := 4))": '{a=1, b=3, c=4} MAP<STRING, INTEGER>',
    [`MAP_UNION(MAP('a' := 1), ${NO_MAP})`]: '{a=1} MAP<STRING, INTEGER>',
    [`MAP_UNION(${NO_MAP}, MAP('a' := 1))`]: '{a=1} MAP<STRING, INTEGER>',
    [`MAP_UNION(${NO_MAP}, ${NO_MAP})`]: 'null MAP<STRING, INTEGER>',
    "MAP_UNION(MAP('a' := 1), MAP('a' := 'b'))":
      "refused: Function 'MAP_UNION' does not accept parameters (MAP<STRING, INTEGER>, MAP<STRING, STRING>).",
  },
  FILTER: {
    'FILTER(ARRAY[1, NULL, 5, 8], x => x > 4)': '[5, 8] ARRAY<INTEGER>',
    "FILTER(MAP('a' := 1, 'b' := 5), (k, v) => k = 'a' OR v = 6)": '{a=1} MAP<STRING, INTEGER>',
    'FILTER(ARRAY[ARRAY[1], ARRAY[1, 2]], x => ARRAY_LENGTH(FILTER(x, y => y > 1)) > 0)':
      '[[1, 2]] ARRAY<ARRAY<INTEGER>>',
    [`FILTER(${NO_ARRAY}, x => x > 4)`]: 'null ARRAY<INTEGER>',
    'FILTER(ARRAY[1], (x, y) => TRUE)':
      "refused: Function 'FILTER' does not accept parameters (ARRAY<INTEGER>, LAMBDA).",
  },
  TRANSFORM: {
    "TRANSFORM(ARRAY['a', NULL], x => UCASE(x))": '[A, null] ARRAY<STRING>',
    'TRANSFORM(ARRAY[1, 2], x => x / 2E0)': '[0.5, 1.0] ARRAY<DOUBLE>',
    "TRANSFORM(MAP('a' := 1, 'b' := 2), (k, v) => UCASE(k), (k, v) => v * 10)": '{A=10, B=20} MAP<STRING, INTEGER>',
    "TRANSFORM(MAP('a' := 1, 'A' := 2), (k, v) => UCASE(k), (k, v) => v)": 'fails: TRANSFORM makes one key of two',
    [`TRANSFORM(${NO_ARRAY}, x => x + 1)`]: 'null ARRAY<INTEGER>',
    "TRANSFORM(MAP('a' := 1), (k, v) => v)":
      "refused: Function 'TRANSFORM' does not accept parameters (MAP<STRING, INTEGER>, LAMBDA).",
  },
  REDUCE: {
    'REDUCE(ARRAY[1, 2, 3], 10, (s, x) => s + x)': '16 INTEGER',
    "REDUCE(MAP('a' := 1, 'b' := 2), 'z', (s, k, v) => s + k)": 'zab STRING',
    [`REDUCE(${NO_ARRAY}, 5, (s, x) => s + x)`]: '5 INTEGER',
    'REDUCE(ARRAY[1], CAST(NULL AS INT), (s, x) => x)': 'null INTEGER',
    'REDUCE(ARRAY[1], 1, x => x)':
      "refused: Function 'REDUCE' does not accept parameters (ARRAY<INTEGER>, INTEGER, LAMBDA).",
  },
  COALESCE: {
    "COALESCE(NULL, 'a', 'b')": 'a STRING',
    'COALESCE(CAST(NULL AS INT), 3)': '3 INTEGER',
    'COALESCE(FALSE, TRUE)': 'false BOOLEAN',
    'COALESCE(CAST(NULL AS INT), CAST(NULL AS INT))': 'null INTEGER',
    "COALESCE(1, 'a')": "refused: Function 'COALESCE' does not accept parameters (INTEGER, STRING).",
  },
  IFNULL: {
    "IFNULL('', 'a')": ' STRING',
    "IFNULL(CAST(NULL AS STRING), 'a')": 'a STRING',
    'IFNULL(CAST(NULL AS INT), CAST(NULL AS INT))': 'null INTEGER',
    "IFNULL(1, 'a')": "refused: Function 'IFNULL' does not accept parameters (INTEGER, STRING).",
  },
  NULLIF: {
    'NULLIF(1, 1)': 'null INTEGER',
    'NULLIF(1, 2)': '1 INTEGER',
    'NULLIF(1, CAST(NULL AS INT))': '1 INTEGER',
    'NULLIF(CAST(NULL AS INT), 1)': 'null INTEGER',
    'NULLIF(ARRAY[1], ARRAY[1])': 'null ARRAY<INTEGER>',
    "NULLIF(1, 'a')": "refused: Function 'NULLIF' does not accept parameters (INTEGER, STRING).",
  },
  AS_VALUE: {
    "AS_VALUE('a')": 'a STRING',
    'AS_VALUE(ARRAY[1])': '[1] ARRAY<INTEGER>',
    'AS_VALUE(CAST(NULL AS INT))': 'null INTEGER',
    'AS_VALUE(1, 2)': "refused: Function 'AS_VALUE' does not accept parameters (INTEGER, INTEGER).",
  },
  GEO_DISTANCE: {
    'GEO_DISTANCE(0E0, 0E0, 0E0, 0E0)': '0.0 DOUBLE',
    // A quarter of a great circle: a quarter of 2 π r.
    'GEO_DISTANCE(0E0, 0E0, 90E0, 0E0)': '~10007.543398010286',
    "GEO_DISTANCE(0E0, 0E0, 0E0, 180E0, 'miles')": '~12437.56531556199',
    "GEO_DISTANCE(0E0, 0E0, 0E0, 180E0, 'Mi')": '~12437.56531556199',
    'GEO_DISTANCE(0E0, 0E0, 90E0, 0E0, NULL)': '~10007.543398010286',
    'GEO_DISTANCE(CAST(NULL AS DOUBLE), 0E0, 90E0, 0E0)': 'null DOUBLE',
    "GEO_DISTANCE(0E0, 0E0, 0E0, 0E0, 'leagues')":
      'fails: GEO_DISTANCE function units value should be one of KM, MI, MILE or MILES. Got leagues',
    'GEO_DISTANCE(91E0, 0E0, 0E0, 0E0)':
      'fails: valid latitude values for GEO_DISTANCE function are in the range of -90 to 90 decimal degrees. Got 91',
    'GEO_DISTANCE(0E0, 0E0, 0E0, -181E0)':
      'fails: valid longitude values for GEO_DISTANCE function are in the range of -180 to +180 decimal degrees. Got -181',
    "GEO_DISTANCE('a', 0E0, 0E0, 0E0)":
      "refused: Function 'geo_distance' does not accept parameters (STRING, DOUBLE, DOUBLE, DOUBLE).",
  },
};
