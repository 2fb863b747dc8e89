// What comes from outside can't crash the registry, nor keep it busy: schemas at random, schemas in pieces, and schemas
// made to be hard, parsed and compared in every direction. (More on Protobuf and JSON Schema alone is in their own tests.)
import type { ParsedSchema } from '../../src/schemas/parsed-schema.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidSchema } from '../../src/schemas/index.ts';
import { parseSchema } from '../../src/schemas/languages.ts';
import { schemaTexts } from './random-schemas.ts';

/** The schema, or undefined when it is refused as one. Anything else that is thrown fails the test. */
function parsed(type: string, text: string): ParsedSchema | undefined {
  try {
    return parseSchema(type, text, []);
  } catch (error) {
    if (error instanceof InvalidSchema) return undefined;
    throw error;
  }
}

/** Both directions; being too large to be compared is an answer. */
function compared(a: ParsedSchema | undefined, b: ParsedSchema | undefined): number {
  if (a === undefined || b === undefined) return -1;
  try {
    return a.incompatibilitiesReading(b).length + b.incompatibilitiesReading(a).length;
  } catch (error) {
    if (error instanceof InvalidSchema) return -1;
    throw error;
  }
}

describe.each(Object.entries(schemaTexts))('%s', (type, text) => {
  test('schemas at random are refused, or are their own canonical text and compatible with themselves', () => {
    let schemas = 0;
    fc.assert(
      fc.property(text, (given) => {
        const schema = parsed(type, given);
        if (schema === undefined) return;
        schemas++;
        expect(parsed(type, schema.canonical)?.canonical).toBe(schema.canonical);
        expect(parsed(type, schema.normalized)?.normalized).toBe(schema.normalized);
        expect(compared(schema, parsed(type, schema.canonical))).toBeLessThanOrEqual(0);
      }),
      { numRuns: 200 },
    );
    expect(schemas).toBeGreaterThan(20);
  });

  test('any two of them are compared', () => {
    fc.assert(
      fc.property(text, text, (a, b) => void compared(parsed(type, a), parsed(type, b))),
      { numRuns: 200 },
    );
  });

  test('schemas with pieces cut, doubled, replaced or swapped are read or refused', () => {
    fc.assert(
      fc.property(
        text,
        fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.string({ maxLength: 3 })), { maxLength: 4 }),
        (given, cuts) => {
          let mutated = given;
          for (const [at, length, put] of cuts) {
            const start = at % (mutated.length + 1);
            const piece = mutated.slice(start, start + length);
            mutated =
              mutated.slice(0, start) + (at % 2 === 0 ? put : piece + put + piece) + mutated.slice(start + length);
          }
          compared(parsed(type, mutated), parsed(type, given));
        },
      ),
      { numRuns: 300 },
    );
  });
});

const range = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const nested = (open: string, close: string, core: string, n: number) => open.repeat(n) + core + close.repeat(n);

const AVRO = {
  deep: (n: number, leaf: string) => nested('{"type":"array","items":', '}', leaf, n),
  union: (n: number, name: string, leaf: string) =>
    range(n, (i) => ({ type: 'record', name: `${name}${i}`, fields: [{ name: 'a', type: leaf }] })),
  fields: (n: number, name: string) => ({
    type: 'record',
    name: 'R',
    fields: range(n, (i) => ({ name: `${name}${i}`, type: 'int' })),
  }),
  /** Every level uses the one below twice: the same finding in 2^n places. */
  tower(n: number, leaf: string) {
    let schema: unknown = { type: 'record', name: 'T0', fields: [{ name: 'x', type: leaf }] };
    for (let i = 1; i < n; i++) {
      schema = {
        type: 'record',
        name: `T${i}`,
        fields: [
          { name: 'a', type: schema },
          { name: 'b', type: `T${i - 1}` },
        ],
      };
    }
    return schema;
  },
  /** Records that all hold unions of all of them. */
  dense: (n: number, leaf: string) =>
    range(n, (i) => ({
      type: 'record',
      name: `D${i}`,
      fields: [
        ...range(i, (j) => ({ name: `f${j}`, type: ['null', ...range(i, (k) => `D${k}`)] })),
        { name: 'x', type: leaf },
      ],
    })),
};

const JSON_SCHEMA = {
  oneOf: (n: number, name: string) => ({
    oneOf: range(n, (i) => ({
      type: 'object',
      properties: { [`${name}${i}`]: { type: 'string' } },
      required: [`${name}${i}`],
      additionalProperties: false,
    })),
  }),
  properties: (n: number, name: string) => ({
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(range(n, (i) => [`${name}${i}`, { type: 'string' }])),
  }),
  dense: (n: number, leaf: string) => ({
    $ref: '#/definitions/d0',
    definitions: Object.fromEntries(
      range(n, (i) => [
        `d${i}`,
        {
          oneOf: [
            ...range(n, (j) => ({
              type: 'object',
              properties: { [`p${j}`]: { $ref: `#/definitions/d${(i + j) % n}` } },
            })),
            { type: leaf },
          ],
        },
      ]),
    ),
  }),
};

const PROTO = {
  messages: (n: number, name: string) =>
    `syntax = "proto3"; ${range(n, (i) => `message ${name}${i} { int32 a = 1; ${name}${(i + 1) % n} b = 2; }`).join('')}`,
  fields: (n: number, type: string, around = '') =>
    `syntax = "proto3"; message M { ${around === '' ? '' : `oneof ${around} {`} ${range(n, (i) => `${type} f${i} = ${i + 1};`).join('')} } ${around === '' ? '' : '}'}`,
};

/** `-1`: refused, or too large to be compared. Otherwise the number of findings, or at least that there are some. */
test.each<[string, string, unknown, unknown, number | 'some']>([
  ['100,000 arrays in each other', 'AVRO', AVRO.deep(100_000, '"int"'), AVRO.deep(100_000, '"string"'), -1],
  ['a union of 10,000 records', 'AVRO', AVRO.union(10_000, 'R', 'int'), AVRO.union(10_000, 'R', 'string'), 'some'],
  ['a union of 10,000 other records', 'AVRO', AVRO.union(10_000, 'R', 'int'), AVRO.union(10_000, 'Q', 'int'), 'some'],
  ['10,000 other fields', 'AVRO', AVRO.fields(10_000, 'f'), AVRO.fields(10_000, 'g'), 'some'],
  ['types used twice, 60 deep', 'AVRO', AVRO.tower(60, 'int'), AVRO.tower(60, 'string'), 'some'],
  ['records of unions of each other', 'AVRO', AVRO.dense(40, 'int'), AVRO.dense(40, 'string'), 'some'],
  [
    'a record that holds itself',
    'AVRO',
    { type: 'record', name: 'R', fields: [{ name: 'r', type: 'R' }] },
    { type: 'record', name: 'R', fields: [{ name: 'r', type: ['null', 'R'] }] },
    'some',
  ],
  ['100,000 arrays in each other', 'JSON', nested('{"items":', '}', '{}', 100_000), '{}', -1],
  ['oneOf 1,000 objects', 'JSON', JSON_SCHEMA.oneOf(1000, 'a'), JSON_SCHEMA.oneOf(1000, 'b'), -1],
  ['20,000 other properties', 'JSON', JSON_SCHEMA.properties(20_000, 'a'), JSON_SCHEMA.properties(20_000, 'b'), 'some'],
  [
    'definitions that all choose among each other',
    'JSON',
    JSON_SCHEMA.dense(12, 'string'),
    JSON_SCHEMA.dense(12, 'number'),
    'some',
  ],
  ['a reference to itself', 'JSON', { $ref: '#' }, {}, -1],
  [
    'references in a circle',
    'JSON',
    { $ref: '#/definitions/a', definitions: { a: { $ref: '#/definitions/b' }, b: { $ref: '#/definitions/a' } } },
    {},
    -1,
  ],
  ['10,000 other messages', 'PROTOBUF', PROTO.messages(10_000, 'A'), PROTO.messages(10_000, 'B'), 'some'],
  ['10,000 fields of another type', 'PROTOBUF', PROTO.fields(10_000, 'int32'), PROTO.fields(10_000, 'string'), 'some'],
  [
    '10,000 fields moved into a oneof',
    'PROTOBUF',
    PROTO.fields(10_000, 'int32'),
    PROTO.fields(10_000, 'int32', 'o'),
    'some',
  ],
])('hard: %s (%s)', (_what, type, a, b, findings) => {
  const text = (schema: unknown) => (typeof schema === 'string' ? schema : JSON.stringify(schema));
  const count = compared(parsed(type, text(a)), parsed(type, text(b)));
  if (findings === 'some') expect(count).toBeGreaterThan(0);
  else expect(count).toBe(findings);
});
