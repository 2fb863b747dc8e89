// The way over the bytes and the ordinary way (decode, evaluate, encode) must agree on every value: regular ones, unusual
// ones, and bytes that are no JSON at all.
import { compileTopology } from '../../src/sql/compile/topology.ts';
import { noJsonCounts } from '../../src/sql/formats/reading.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonSerde, wholeDecoder } from '../../src/sql/formats/json.ts';
import { JsonScanner } from '../../src/sql/formats/json-scanner.ts';
import { sourceSteps } from '../../src/sql/plan/plan.ts';
import { INTEGER, STRING } from '../../src/sql/types.ts';
import type { Row } from '../../src/sql/values/value.ts';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { messageOf } from '../../src/util/index.ts';
import { plainEngine } from './support.ts';

const CREATE = `CREATE STREAM s (id STRING KEY, i INT, l BIGINT, d DOUBLE, t STRING, b BOOLEAN, ts TIMESTAMP, dt DATE, tm TIME,
  dc DECIMAL(6, 2), bs BYTES, ar ARRAY<INT>, mp MAP<STRING, DOUBLE>, st STRUCT<ab INT, \`cd\` STRING>, \`ab\` BIGINT, ab INT,
  unused INT, idle DECIMAL(4, 1)) WITH (kafka_topic='s', partitions=1, value_format='JSON');`;
const SELECT = `SELECT id, i, t, l, b, d, ts, dt, tm, dc, bs, ar, mp, st, \`ab\`, ab AS folded, i + 1 AS next, UCASE(t) AS loud,
  CAST(ts AS STRING) AS told, st->ab AS inner_ab, ROWTIME AS at FROM s`;
const WHERE = "(i IS NULL OR i > -50) AND (t IS NULL OR t <> 'no')";

interface Way {
  readonly driver: TopologyTestDriver;
  /** What the processing log was told. */
  readonly failures: string[];
}

/** Two drivers for the same query: reading the key in WHERE is what the way over the bytes does not do. */
async function bothWays(): Promise<{ fast: Way; ordinary: Way }> {
  const make = async (where: string) => {
    const failures: string[] = [];
    const { engine, queries } = plainEngine({}, undefined, ({ step, error }) =>
      failures.push(`${step}: ${messageOf(error)}`),
    );
    await engine.execute(`${CREATE} CREATE STREAM o AS ${SELECT} WHERE ${where} EMIT CHANGES;`);
    return { driver: new TopologyTestDriver([...queries.values()][0]!.topology), failures };
  };
  return { fast: await make(WHERE), ordinary: await make(`${WHERE} AND (id IS NULL OR id IS NOT NULL)`) };
}

const number = fc.oneof(
  fc.integer({ min: -100, max: 100 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(1e21, -0, 1e-7, 2147483648),
);
const anyValue = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  number,
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.jsonValue({ maxDepth: 2 }),
);
/** Numbers that JSON.stringify would not write so. */
const numberTexts = fc.constantFrom(
  '-0',
  '-0.0',
  '1.0',
  '1e2',
  '12.5E-1',
  '1e400',
  '-1e21',
  '1e9999999',
  '9007199254740993',
  '123456789012.999999999999',
  '0.99999999999999999999',
  '18446744073709551617',
  '1700000000000',
  '4294967297',
  '1.25',
  '1.50',
);
const integerTexts = fc.oneof(
  fc.integer({ min: -200, max: 2000 }).map(String),
  fc.maxSafeInteger().map(String),
  numberTexts,
);
const stringTexts = fc.oneof(
  fc.constantFrom('"a"', '"no"', '"ö"', '"tab\\t"', '""'),
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
);
/** By column, what may well be its value. */
const fitting: Readonly<Record<string, fc.Arbitrary<string>>> = {
  I: integerTexts,
  L: integerTexts,
  D: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    numberTexts,
  ),
  T: fc.oneof(stringTexts, numberTexts, fc.constantFrom('true', '[1, {"a":null}]', '{"a": 1.50}')),
  B: fc.constantFrom('true', 'false'),
  TS: fc.oneof(integerTexts, fc.constantFrom('1700000000000', '1.7e12', '"1700000000000"', '-1')),
  DT: fc.oneof(integerTexts, fc.constantFrom('19000', '"19000"', '19000.75')),
  TM: fc.oneof(integerTexts, fc.constantFrom('86399999', '"5"')),
  DC: fc.constantFrom('1.25', '1.50', '-0', '"3.1"', '1e2', '9999.99'),
  BS: fc.constantFrom('"AQI="', '"AQI"', '"a b"', '""'),
  AR: fc.constantFrom('[]', '[1,null,2.5]', '[ "7" ]', '[12345678901234567890]'),
  MP: fc.constantFrom('{}', '{"x":1,"y":null}', '{"x":"NaN"}'),
  ST: fc.constantFrom('{}', '{"AB":1,"cd":"x"}', '{"ab":1,"Ab":2,"CD":"y"}', '{"aB":1,"cd":{"e":1.0}}'),
  AB: integerTexts,
  UNUSED: integerTexts,
  IDLE: fc.constantFrom('0.5', '12', '"1"'),
};
const fieldOf = (name: string) =>
  fc.tuple(
    fc
      .oneof(fc.constant(name), fc.constant(name.toLowerCase()), fc.mixedCase(fc.constant(name)))
      .map((key) => `"${key}"`),
    fc.oneof(
      { weight: 30, arbitrary: fitting[name]! },
      { weight: 2, arbitrary: fc.constant('null') },
      { weight: 1, arbitrary: anyValue.map((value) => JSON.stringify(value)) },
    ),
  );
const anyField = fc.tuple(
  fc.oneof(
    // Escapes; long s and dotless i, which are S and I in upper case; what every object has.
    fc.constantFrom('"\\u0049"', '"\\u0074\\u0053"', '"ı"', '"t\u017f"', '"ß"', '"__proto__"', '"constructor"'),
    fc.string({ unit: 'grapheme' }).map((key) => JSON.stringify(key)),
  ),
  fc.oneof(
    integerTexts,
    anyValue.map((value) => JSON.stringify(value)),
  ),
);
const fields = fc.tuple(
  fc.shuffledSubarray(Object.keys(fitting)).chain((names) => fc.tuple(...names.map(fieldOf))),
  fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(anyField, { maxLength: 3 })),
  fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.array(fc.constantFrom(...Object.keys(fitting)).chain(fieldOf), { maxLength: 3 }),
  ),
);
const blank = fc.constantFrom('', '', '', ' ', '\n\t ');
const recordText = fc.tuple(fields, blank).map(([[some, odd, again], gap]) => {
  const written = [...some, ...odd, ...again].map((field) => field.join(`${gap}:${gap}`));
  return `${gap}{${gap}${written.join(`${gap},${gap}`)}}${gap}`;
});
const likely = fc.record({
  I: fc.integer({ min: -200, max: 2000 }),
  L: fc.integer(),
  D: fc.integer(),
  T: fc.constantFrom('a', 'no', 'ö', 'with "quotes"', 'tab\t', ''),
  B: fc.boolean(),
});
const texts = fc.oneof(
  recordText,
  likely.map((object) => JSON.stringify(object)),
  // One byte changed: mostly broken, now and then another valid text.
  fc.tuple(likely, fc.nat(200), fc.nat(255)).map(([object, at, byte]) => {
    const bytes = Buffer.from(JSON.stringify(object));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
  fc.string(),
  fc.constantFrom(
    '{"I":1,"I":2}',
    '{"\\u0049":3}',
    '{"I":01}',
    '{"I":1.}',
    '{"T":"\\x"}',
    '{"I":1}x',
    '[]',
    'null',
    '{',
    '{"I":+1}',
    '{"I":1e2,"L":1.0}',
  ),
);

describe('the way over the bytes', () => {
  test('is taken for this query, and not for its counterpart', async () => {
    const topologyFor = async (where: string) => {
      const { engine, queries } = plainEngine();
      await engine.execute(`${CREATE} CREATE STREAM o AS ${SELECT} WHERE ${where} EMIT CHANGES;`);
      return [...queries.values()][0]!.topology.describe().toString();
    };
    expect(await topologyFor(WHERE)).toContain('map-value-bytes');
    expect(await topologyFor(`${WHERE} AND (id IS NULL OR id IS NOT NULL)`)).not.toContain('map-value-bytes');
  });

  test('agrees with the ordinary way, byte for byte', async () => {
    const { fast, ordinary } = await bothWays();
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 8 }), (values) => {
        for (const [i, value] of values.entries()) {
          const bytes = typeof value === 'string' ? Buffer.from(value) : value;
          for (const { driver } of [fast, ordinary]) driver.pipe('s', Buffer.from(`k${i}`), bytes, i);
        }
        const told = ({ driver, failures }: Way) => ({
          rows: driver.read('O').map(({ key, value, timestamp }) => `${key} ${value} ${timestamp}`),
          failures: failures.splice(0),
        });
        expect(told(fast)).toEqual(told(ordinary));
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps tombstones where nothing filters them', async () => {
    const { engine, queries } = plainEngine();
    await engine.execute(`${CREATE} CREATE STREAM o AS SELECT id, i FROM s EMIT CHANGES;`);
    const driver = new TopologyTestDriver([...queries.values()][0]!.topology);
    driver.pipe('s', Buffer.from('k'), null, 1);
    expect(driver.read('O').map(({ value }) => value)).toEqual([null]);
    const { fast } = await bothWays();
    fast.driver.pipe('s', Buffer.from('k'), null, 1);
    expect(fast.driver.read('O')).toEqual([]);
  });
});

describe('columns read from the bytes', () => {
  test.each([
    ['all of them', undefined, true],
    ['all of them, none of which needs the text of its numbers', undefined, false],
    ['a few', new Set(['I', 'TS', 'ST', 'ab']), false],
    ['none', new Set<string>(), true],
  ])('%s: the same values, and the same refusals, as of the whole record', async (_name, wanted, decimals) => {
    const columns = (await valueColumns()).filter(({ type }) => decimals || type.kind !== 'DECIMAL');
    const counts = { fromBytes: 0, asWhole: 0 };
    const serde = jsonSerde(columns, false, { wanted, counts });
    const decodeWhole = wholeDecoder(columns, false);
    const outcome = (decode: typeof decodeWhole, bytes: Buffer) => {
      try {
        // Null: the text of the record is null.
        return (decode(bytes, 0, bytes.length) as Row | null)?.map((value, i) =>
          wanted === undefined || wanted.has(columns[i]!.name) ? value : null,
        );
      } catch (error) {
        return messageOf(error);
      }
    };
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: recordText }, texts), (text) => {
        const bytes = Buffer.from(text);
        expect(outcome((...of) => serde.decode(...of), bytes)).toStrictEqual(outcome(decodeWhole, bytes));
      }),
      { numRuns: 3000 },
    );
    expect(counts.fromBytes).toBeGreaterThan(500);
  });

  test.each([
    ['another case', '{"auctionId": 1, "name": "x"}', [1, 'x'], true],
    ['other fields', '{"$schema": {}, "auctionId": 1, "more": [1]}', [1, null], true],
    ['the exact name behind another case', '{"auctionId": 1, "AUCTIONID": 2}', [2, null], true],
    ['the exact name twice', '{"AUCTIONID": 1, "AUCTIONID": 2}', [2, null], true],
    ['escapes', '{"auction\\u0049d": 1}', [1, null], true],
    ['two other cases', '{"auctionId": 1, "auctionid": 2}', [2, null], false],
    ['the exact name before another case', '{"AUCTIONID": 1, "auctionId": 2}', [1, null], false],
  ])('%s', (_name, text, row, fromBytes) => {
    const counts = { fromBytes: 0, asWhole: 0 };
    const columns = [
      { name: 'AUCTIONID', type: INTEGER },
      { name: 'NAME', type: STRING },
    ];
    const serde = jsonSerde(columns, false, { counts });
    const bytes = Buffer.from(text);
    expect(serde.decode(bytes, 0, bytes.length)).toEqual(row);
    expect(counts).toEqual(fromBytes ? { fromBytes: 1, asWhole: 0 } : { fromBytes: 0, asWhole: 1 });
  });

  test('fields that every JavaScript object has are missing in a record without them', () => {
    const bytes = Buffer.from('{"a":1,"A":2}');
    expect(wholeDecoder([{ name: 'constructor', type: STRING }], false)(bytes, 0, bytes.length)).toEqual([null]);
  });

  test.each([
    ['a stretch over bytes', 'CREATE STREAM o AS SELECT id, ts FROM s EMIT CHANGES;'],
    ['a query with state', 'CREATE TABLE o AS SELECT i, COUNT(*) AS n FROM s GROUP BY i EMIT CHANGES;'],
  ])('are counted by the query: %s', async (_name, statement) => {
    const { engine, queries } = plainEngine();
    await engine.execute(`${CREATE} ${statement}`);
    const [query] = queries.values();
    const counts = noJsonCounts();
    const { functions, schemas, log } = engine.context;
    const compiling = { functions, schemas, log, setting: engine.settings() };
    const driver = new TopologyTestDriver(compileTopology(compiling, query!.plan, counts));
    for (const text of ['{"i":1,"ts":5,"unused":1}', '{"i":2}', '{"Ts":1,"tS":2}', '{"unused":"x"}'])
      driver.pipe('s', Buffer.from('k'), Buffer.from(text), 1);
    expect(counts).toEqual({ fromBytes: 2, asWhole: 2 });
  });
});

/** The columns of the stream's values. */
async function valueColumns() {
  const { engine, queries } = plainEngine();
  await engine.execute(`${CREATE} CREATE STREAM o AS SELECT id, i FROM s EMIT CHANGES;`);
  const root = [...queries.values()][0]!.plan.root;
  return sourceSteps(root)[0]!.schema.value;
}

describe('the scanner', () => {
  test('never accepts what JSON.parse refuses', () => {
    const scanner = new JsonScanner(['I', 'T']);
    fc.assert(
      fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 40 })), (text) => {
        const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text);
        if (!scanner.scan(bytes, 0, bytes.length)) return;
        const entries = Object.entries(JSON.parse(bytes.toString()) as Record<string, unknown>);
        const parsed = Object.fromEntries(entries.map(([key, value]) => [key.toUpperCase(), value]));
        for (const [field, name] of ['I', 'T'].entries()) {
          const found =
            scanner.kinds[field] === 0 ? undefined : bytes.toString('utf8', scanner.starts[field], scanner.ends[field]);
          expect(found === undefined ? undefined : (JSON.parse(found) as unknown)).toEqual(parsed[name]);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('leaves deep nesting to others, in time', () => {
    const deep = Buffer.from(`{"I":${'['.repeat(100_000)}`);
    expect(new JsonScanner(['I']).scan(deep, 0, deep.length)).toBe(false);
  });
});
