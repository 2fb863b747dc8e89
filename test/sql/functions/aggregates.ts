// Aggregates: for each call the rows of one group that go in, and what the table says at last. Every row is one value, or
// a list of them for several columns; `null` as the whole row takes the last row back where the source is a table.

export interface AggregateCase {
  readonly call: string;
  /** The columns of the source, `A` first; the group's column is there by itself. */
  readonly columns: string;
  readonly rows: readonly unknown[];
  readonly gives: unknown;
}

const of = (columns: string, call: string, rows: readonly unknown[], gives: unknown): AggregateCase => ({
  call,
  columns,
  rows,
  gives,
});

export const aggregateCases: Readonly<Record<string, readonly AggregateCase[]>> = {
  COUNT: [
    of('a INT', 'COUNT(a)', [5, null, 5], 2),
    of('a INT', 'COUNT(*)', [5, null, 5], 3),
    of('a INT', 'COUNT()', [null], 1),
    of('a ARRAY<INT>', 'COUNT(a)', [[1], null], 1),
  ],
  SUM: [
    of('a INT', 'SUM(a)', [5, null, -7], -2),
    of('a INT', 'SUM(a)', [null], 0),
    of('a INT', 'SUM(a)', [2147483647, 1], -2147483648),
    of('a BIGINT', 'SUM(a)', [2147483647, 1], 2147483648),
    of('a DOUBLE', 'SUM(a)', [1.5, null, 2.25], 3.75),
    of('a DECIMAL(4, 2)', 'SUM(a)', [1.5, 2.25], 3.75),
  ],
  AVG: [
    of('a INT', 'AVG(a)', [1, null, 2], 1.5),
    of('a INT', 'AVG(a)', [null], 0),
    // The sum has the type of the column, so it wraps as SUM does.
    of('a INT', 'AVG(a)', [2147483647, 1], -1073741824),
    of('a BIGINT', 'AVG(a)', [2147483647, 1], 1073741824),
    of('a DOUBLE', 'AVG(a)', [0.5, 1], 0.75),
  ],
  STDDEV_SAMP: [
    of('a INT', 'STDDEV_SAMP(a)', [2, 4, null, 6], 4),
    of('a INT', 'STDDEV_SAMP(a)', [2], 0),
    of('a DOUBLE', 'STDDEV_SAMP(a)', [1e9, 1e9 + 2], 2),
  ],
  STDDEV_SAMPLE: [
    of('a INT', 'STDDEV_SAMPLE(a)', [2, 4, null, 6], 2),
    of('a BIGINT', 'STDDEV_SAMPLE(a)', [2], 0),
    of('a DOUBLE', 'STDDEV_SAMPLE(a)', [null], 0),
  ],
  ARG_MAX: [
    of(
      'a STRING, b INT',
      'ARG_MAX(a, b)',
      [
        ['x', 1],
        ['y', 3],
        ['z', 3],
        ['n', null],
      ],
      'y',
    ),
    of(
      'a ARRAY<INT>, b STRING',
      'ARG_MAX(a, b)',
      [
        [[1], 'b'],
        [[2], 'a'],
      ],
      [1],
    ),
    of(
      'a INT, b DECIMAL(4, 2)',
      'ARG_MAX(a, b)',
      [
        [null, 9.5],
        [1, 9.25],
      ],
      null,
    ),
    of('a INT, b INT', 'ARG_MAX(a, b)', [[1, null]], null),
  ],
  ARG_MIN: [
    of(
      'a STRING, b INT',
      'ARG_MIN(a, b)',
      [
        ['x', 2],
        ['y', 1],
        ['z', 1],
      ],
      'y',
    ),
    of(
      'a BIGINT, b TIMESTAMP',
      'ARG_MIN(a, b)',
      [
        [1, 20],
        [2, 10],
      ],
      2,
    ),
  ],
  MAX: [
    of('a INT', 'MAX(a)', [null, 3, 12, 5], 12),
    of('a INT', 'MAX(a)', [null], null),
    of('a BIGINT', 'MAX(a)', [-3, -2], -2),
    of('a DOUBLE', 'MAX(a)', [0.5, 0.25], 0.5),
    of('a DECIMAL(4, 2)', 'MAX(a)', [9.5, 10.25], 10.25),
    of('a STRING', 'MAX(a)', ['3', '12', 'B', 'a'], 'a'),
    of('a DATE', 'MAX(a)', [10, 9], 10),
    of('a TIME', 'MAX(a)', [10, 9], 10),
    of('a TIMESTAMP', 'MAX(a)', [10, 9], 10),
    of('a BYTES', 'MAX(a)', ['AQI=', 'AQM=', 'AQ=='], 'AQM='),
  ],
  MIN: [
    of('a INT', 'MIN(a)', [null, 3, 12, 5], 3),
    of('a INT', 'MIN(a)', [null], null),
    of('a DECIMAL(4, 2)', 'MIN(a)', [10.25, 9.5], 9.5),
    of('a STRING', 'MIN(a)', ['3', '12', 'B', 'a'], '12'),
    of('a BYTES', 'MIN(a)', ['AQI=', 'AQ=='], 'AQ=='),
  ],
  CORRELATION: [
    of(
      'a INT, b INT',
      'ROUND(CORRELATION(a, b), 12)',
      [
        [1, 2],
        [2, 4],
        [null, 9],
        [3, 6],
      ],
      1,
    ),
    of(
      'a DOUBLE, b DOUBLE',
      'ROUND(CORRELATION(a, b), 12)',
      [
        [1, 3],
        [2, 2],
        [3, 1],
      ],
      -1,
    ),
    of('a BIGINT, b BIGINT', 'CORRELATION(a, b)', [[1, 3]], 'NaN'),
    of(
      'a INT, b INT',
      'CORRELATION(a, b)',
      [
        [1, 3],
        [2, 3],
      ],
      'NaN',
    ),
  ],
  SUM_LIST: [
    of('a ARRAY<INT>', 'SUM_LIST(a)', [[1, null, 2], null, [3]], 6),
    of('a ARRAY<INT>', 'SUM_LIST(a)', [[]], 0),
    of('a ARRAY<BIGINT>', 'SUM_LIST(a)', [[3000000000, 1]], 3000000001),
    of('a ARRAY<DOUBLE>', 'SUM_LIST(a)', [[0.5], [1]], 1.5),
  ],
  COLLECT_LIST: [
    of('a INT', 'COLLECT_LIST(a)', [2, null, 1, 2], [2, null, 1, 2]),
    of('a STRUCT<x INT>', 'COLLECT_LIST(a)', [{ X: 1 }, { X: 1 }], [{ X: 1 }, { X: 1 }]),
  ],
  COLLECT_SET: [
    of('a INT', 'COLLECT_SET(a)', [2, null, 1, 2, null], [2, null, 1]),
    of('a DECIMAL(4, 2)', 'COLLECT_SET(a)', [1.5, 1.5], [1.5]),
    of('a ARRAY<INT>', 'COLLECT_SET(a)', [[1], [1], [2]], [[1], [2]]),
  ],
  HISTOGRAM: [
    of('a STRING', 'HISTOGRAM(a)', ['x', 'y', 'x'], { x: 2, y: 1 }),
    of('a STRING', 'HISTOGRAM(a)', [''], { '': 1 }),
  ],
  ATTR: [
    of('a INT', 'ATTR(a)', [1, 1], 1),
    of('a INT', 'ATTR(a)', [1, 2], null),
    of('a INT', 'ATTR(a)', [null], null),
    of('a STRING', 'ATTR(a)', ['x'], 'x'),
  ],
  EARLIEST_BY_OFFSET: [
    of('a INT', 'EARLIEST_BY_OFFSET(a)', [null, 3, 5], 3),
    of('a INT', 'EARLIEST_BY_OFFSET(a, FALSE)', [null, 3, 5], null),
    of('a INT', 'EARLIEST_BY_OFFSET(a, 2)', [null, 3, 5, 7], [3, 5]),
    of('a INT', 'EARLIEST_BY_OFFSET(a, 2, FALSE)', [null, 3, 5], [null, 3]),
    of('a INT', 'EARLIEST_BY_OFFSET(a, 3)', [1], [1]),
    of('a INT', 'EARLIEST_BY_OFFSET(a)', [null], null),
  ],
  LATEST_BY_OFFSET: [
    of('a INT', 'LATEST_BY_OFFSET(a)', [3, 5, null], 5),
    of('a INT', 'LATEST_BY_OFFSET(a, FALSE)', [3, 5, null], null),
    of('a INT', 'LATEST_BY_OFFSET(a, 2)', [3, 5, null, 7], [5, 7]),
    of('a INT', 'LATEST_BY_OFFSET(a, 2, FALSE)', [3, 5, null], [5, null]),
    of('a MAP<STRING, INT>', 'LATEST_BY_OFFSET(a)', [{ x: 1 }, { x: 2 }], { x: 2 }),
  ],
  TOPK: [
    of('a INT', 'TOPK(a, 2)', [3, null, 9, 9, 1], [9, 9]),
    of('a BIGINT', 'TOPK(a, 3)', [1], [1]),
    of('a DOUBLE', 'TOPK(a, 1)', [0.5, 0.25], [0.5]),
    of('a STRING', 'TOPK(a, 2)', ['b', 'a', 'c'], ['c', 'b']),
    of(
      'a INT, b STRING',
      'TOPK(a, b, 2)',
      [
        [1, 'x'],
        [2, 'y'],
        [2, 'z'],
        [null, 'w'],
      ],
      [
        { sort_col: 2, col0: 'y' },
        { sort_col: 2, col0: 'z' },
      ],
    ),
    of(
      'a STRING, b INT, c BOOLEAN',
      'TOPK(a, b, c, 1)',
      [['p', null, true]],
      [{ sort_col: 'p', col0: null, col1: true }],
    ),
  ],
  TOPKDISTINCT: [
    of('a INT', 'TOPKDISTINCT(a, 2)', [3, null, 9, 9, 1], [9, 3]),
    of('a DECIMAL(4, 2)', 'TOPKDISTINCT(a, 2)', [1.5, 1.5, 10.25], [10.25, 1.5]),
    of('a STRING', 'TOPKDISTINCT(a, 5)', ['b', 'b'], ['b']),
    of('a DATE', 'TOPKDISTINCT(a, 1)', [3, 5], [5]),
    of('a TIME', 'TOPKDISTINCT(a, 1)', [3, 5], [5]),
    of('a TIMESTAMP', 'TOPKDISTINCT(a, 1)', [3, 5], [5]),
    of('a BYTES', 'TOPKDISTINCT(a, 1)', ['AQ==', 'Ag=='], ['Ag==']),
  ],
  COUNT_DISTINCT: [
    of('a INT', 'COUNT_DISTINCT(a)', [1, 2, null, 1], 2),
    of('a STRING', 'COUNT_DISTINCT(a)', [null], 0),
    of('a ARRAY<INT>', 'COUNT_DISTINCT(a)', [[1], [1], [2]], 2),
  ],
  APPROX_PERCENTILE: [
    of('a INT', 'ROUND(APPROX_PERCENTILE(a, 0.5))', [10, null, 40, 20, 30], 20),
    of('a BIGINT', 'ROUND(APPROX_PERCENTILE(a, 0))', [-10, 0, 20], -10),
    of('a DOUBLE', 'ROUND(APPROX_PERCENTILE(a, 1.0), 1)', [-1.5, 0, 2.5], 2.5),
    of('a DECIMAL(4, 2)', 'APPROX_PERCENTILE(a, 0.66)', [-1.5, 0, 2.5], 0),
    of('a INT', 'APPROX_PERCENTILE(a, 0.5)', [null], null),
  ],
  APPROX_TOP_COUNT: [
    of('a STRING', 'APPROX_TOP_COUNT(a, 1)', ['x', null, 'y', 'y'], [{ VALUE: 'y', COUNT: 2 }]),
    of(
      'a ARRAY<INT>',
      'APPROX_TOP_COUNT(a, 2)',
      [[1], [2], [2]],
      [
        { VALUE: [2], COUNT: 2 },
        { VALUE: [1], COUNT: 1 },
      ],
    ),
    of('a DECIMAL(4, 2)', 'APPROX_TOP_COUNT(a, 1)', [1.5, 1.5], [{ VALUE: 1.5, COUNT: 2 }]),
    of('a INT', 'APPROX_TOP_COUNT(a, 3)', [null], []),
  ],
};

/** What remains when a table's row of 5 goes, of 5, 7 and 7: only for those that can take a row back. */
export const undone: Readonly<Record<string, readonly [call: string, gives: unknown]>> = {
  APPROX_PERCENTILE: ['ROUND(APPROX_PERCENTILE(a, 0))', 7],
  ATTR: ['ATTR(a)', 7],
  AVG: ['AVG(a)', 7],
  COLLECT_LIST: ['COLLECT_LIST(a)', [7, 7]],
  CORRELATION: ['CORRELATION(a, a)', 'NaN'],
  COUNT: ['COUNT(a)', 2],
  HISTOGRAM: ['HISTOGRAM(CAST(a AS STRING))', { '7': 2 }],
  MAX: ['MAX(a)', 7],
  MIN: ['MIN(a)', 7],
  STDDEV_SAMP: ['STDDEV_SAMP(a)', 0],
  STDDEV_SAMPLE: ['STDDEV_SAMPLE(a)', 0],
  SUM: ['SUM(a)', 14],
  SUM_LIST: ['SUM_LIST(ARRAY[a, a])', 28],
};

/** Calls over a stream of `a STRING, b BOOLEAN, i INT` that no overload fits, and why. */
export const refusedCalls: readonly (readonly [string, string])[] = [
  ['SUM(a)', "Function 'SUM' does not accept parameters (STRING)."],
  ['AVG(b)', "Function 'AVG' does not accept parameters (BOOLEAN)."],
  ['STDDEV_SAMP(a)', "Function 'STDDEV_SAMP' does not accept parameters (STRING)."],
  ['STDDEV_SAMPLE(a)', "Function 'STDDEV_SAMPLE' does not accept parameters (STRING)."],
  ['ARG_MAX(i, b)', "Function 'ARG_MAX' does not accept parameters (INTEGER, BOOLEAN)."],
  ['ARG_MIN(i)', "Function 'ARG_MIN' does not accept parameters (INTEGER)."],
  ['MAX(b)', "Function 'MAX' does not accept parameters (BOOLEAN)."],
  ['MIN(b)', "Function 'MIN' does not accept parameters (BOOLEAN)."],
  ['CORRELATION(a, i)', "Function 'CORRELATION' does not accept parameters (STRING, INTEGER)."],
  ['SUM_LIST(i)', "Function 'SUM_LIST' does not accept parameters (INTEGER)."],
  ['COLLECT_LIST(i, i)', "Function 'COLLECT_LIST' does not accept parameters (INTEGER, INTEGER)."],
  ['COLLECT_SET(i, i)', "Function 'COLLECT_SET' does not accept parameters (INTEGER, INTEGER)."],
  ['HISTOGRAM(i)', "Function 'HISTOGRAM' does not accept parameters (INTEGER)."],
  ['ATTR(i, i)', "Function 'ATTR' does not accept parameters (INTEGER, INTEGER)."],
  ["EARLIEST_BY_OFFSET(i, 'x')", "Function 'EARLIEST_BY_OFFSET' does not accept parameters (INTEGER, STRING)."],
  ['EARLIEST_BY_OFFSET(i, 0)', 'EARLIEST_BY_OFFSET: the number of values must be at least 1, got 0'],
  ['LATEST_BY_OFFSET(i, a)', "Function 'LATEST_BY_OFFSET' does not accept parameters (INTEGER, STRING)."],
  ['LATEST_BY_OFFSET(i, i)', 'Parameter 2 passed to function LATEST_BY_OFFSET must be a literal constant'],
  ['TOPK(b, 2)', "Function 'TOPK' does not accept parameters (BOOLEAN, INTEGER)."],
  ['TOPK(i, i)', 'Parameter 2 passed to function TOPK must be a literal constant'],
  ['TOPKDISTINCT(b, 2)', "Function 'TOPKDISTINCT' does not accept parameters (BOOLEAN, INTEGER)."],
  ['COUNT(i, i)', "Function 'COUNT' does not accept parameters (INTEGER, INTEGER)."],
  ['APPROX_PERCENTILE(a, 0.5)', "Function 'APPROX_PERCENTILE' does not accept parameters (STRING, DECIMAL(1, 1))."],
  ['APPROX_PERCENTILE(i, i)', 'Parameter 2 passed to function APPROX_PERCENTILE must be a literal constant'],
  ['APPROX_PERCENTILE(i, 95)', 'APPROX_PERCENTILE: the percentile is from 0 to 1, not 95'],
  ['APPROX_TOP_COUNT(i)', "Function 'APPROX_TOP_COUNT' does not accept parameters (INTEGER)."],
  ['APPROX_TOP_COUNT(i, 0)', 'APPROX_TOP_COUNT: from 1 to 1000 values can be had, not 0'],
  ['COUNT_DISTINCT(i, i)', "Function 'COUNT_DISTINCT' does not accept parameters (INTEGER, INTEGER)."],
];

export const tableCases: readonly (readonly [
  call: string,
  columns: string,
  value: unknown,
  rows: readonly unknown[],
])[] = [
  ['EXPLODE(a)', 'a ARRAY<INT>', [3, null, 1], [3, null, 1]],
  ['EXPLODE(a)', 'a ARRAY<DECIMAL(4, 2)>', [1.5], [1.5]],
  ['EXPLODE(a)', 'a ARRAY<STRUCT<x INT>>', [{ X: 1 }], [{ X: 1 }]],
  ['EXPLODE(a)', 'a ARRAY<INT>', [], []],
  ['EXPLODE(a)', 'a ARRAY<INT>', null, []],
  [
    'CUBE_EXPLODE(a)',
    'a ARRAY<STRING>',
    ['x', 'y'],
    [
      [null, null],
      [null, 'y'],
      ['x', null],
      ['x', 'y'],
    ],
  ],
  [
    'CUBE_EXPLODE(a)',
    'a ARRAY<INT>',
    [1, null],
    [
      [null, null],
      [1, null],
    ],
  ],
  ['CUBE_EXPLODE(a)', 'a ARRAY<INT>', null, []],
  ['CUBE_EXPLODE(a)', 'a ARRAY<INT>', [], [[]]],
];
