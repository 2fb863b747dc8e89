// The way over the bytes and the ordinary way (decode, evaluate, encode) must agree on every value: regular ones, unusual
// ones, and bytes that are no JSON at all.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonScanner } from '../../src/sql/compile/json-scanner.ts';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { plainEngine } from './support.ts';

const CREATE =
  "CREATE STREAM s (id STRING KEY, i INT, l BIGINT, d DOUBLE, t STRING, b BOOLEAN, unused STRING) WITH (kafka_topic='s', partitions=1, value_format='JSON');";
const SELECT = 'SELECT id, i, t, l, b, d, i + 1 AS next, UCASE(t) AS loud, ROWTIME AS at FROM s';
const WHERE = "(i IS NULL OR i > -50) AND (t IS NULL OR t <> 'no')";

/** Two drivers for the same query: reading the key in WHERE is what the way over the bytes does not do. */
async function bothWays(): Promise<{ fast: TopologyTestDriver; ordinary: TopologyTestDriver }> {
  const make = async (where: string) => {
    const { engine, queries } = plainEngine();
    await engine.execute(`${CREATE} CREATE STREAM o AS ${SELECT} WHERE ${where} EMIT CHANGES;`);
    return new TopologyTestDriver([...queries.values()][0]!.topology);
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
const objects = fc
  .record(
    { I: anyValue, L: anyValue, D: anyValue, T: anyValue, B: anyValue, UNUSED: anyValue, i: anyValue, extra: anyValue },
    { requiredKeys: [] },
  )
  .chain((object) => fc.shuffledSubarray(Object.entries(object), { minLength: Object.keys(object).length }))
  .map((entries) => Object.fromEntries(entries));
const likely = fc.record({
  I: fc.integer({ min: -200, max: 2000 }),
  L: fc.integer(),
  D: fc.integer(),
  T: fc.constantFrom('a', 'no', 'ö', 'with "quotes"', 'tab\t', ''),
  B: fc.boolean(),
});
const texts = fc.oneof(
  fc
    .tuple(objects, fc.constantFrom(undefined, 1, '\t'))
    .map(([object, indent]) => JSON.stringify(object, null, indent)),
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
      return [...queries.values()][0]!.topology.describe();
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
          for (const driver of [fast, ordinary]) driver.pipe('s', Buffer.from(`k${i}`), bytes, i);
        }
        const told = (driver: TopologyTestDriver) =>
          driver.read('O').map(({ key, value, timestamp }) => `${key} ${value} ${timestamp}`);
        expect(told(fast)).toEqual(told(ordinary));
      }),
      { numRuns: 600 },
    );
  });

  test('keeps tombstones where nothing filters them', async () => {
    const { engine, queries } = plainEngine();
    await engine.execute(`${CREATE} CREATE STREAM o AS SELECT id, i FROM s EMIT CHANGES;`);
    const driver = new TopologyTestDriver([...queries.values()][0]!.topology);
    driver.pipe('s', Buffer.from('k'), null, 1);
    expect(driver.read('O').map(({ value }) => value)).toEqual([null]);
    const { fast } = await bothWays();
    fast.pipe('s', Buffer.from('k'), null, 1);
    expect(fast.read('O')).toEqual([]);
  });
});

describe('the scanner', () => {
  test('never accepts what JSON.parse refuses', () => {
    const scanner = new JsonScanner(['I', 'T']);
    fc.assert(
      fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 40 })), (text) => {
        const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text);
        if (!scanner.scan(bytes, 0, bytes.length)) return;
        const parsed = JSON.parse(bytes.toString()) as Record<string, unknown>;
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
