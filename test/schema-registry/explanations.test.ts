// Every kind of incompatibility of every language has words of its own, in both directions; and nothing that a schema can
// look like keeps the comparison and the explanation busy for long.
import type { Place } from '../../src/schemas/incompatibility.ts';
import type { ParsedSchema } from '../../src/schemas/parsed-schema.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/schema-registry/compatibility.ts';
import { InvalidSchema } from '../../src/schemas/index.ts';
import { RULES } from '../../src/schema-registry/insight/advice.ts';
import { schemaChanges } from '../../src/schema-registry/insight/diff.ts';
import {
  type Explanation,
  explanations,
  explanationsOf,
  remediesFor,
} from '../../src/schema-registry/insight/explain.ts';
import { parseSchema } from '../../src/schemas/languages.ts';
import type { SchemaType } from '../../src/serde/index.ts';

const words = (text: string) => text.trim().split(/\s+/);

/** What the checkers can find, by language. */
const TYPES: Readonly<Record<SchemaType, readonly string[]>> = {
  AVRO: words(`NAME_MISMATCH FIXED_SIZE_MISMATCH MISSING_ENUM_SYMBOLS READER_FIELD_MISSING_DEFAULT_VALUE TYPE_MISMATCH
    MISSING_UNION_BRANCH`),
  PROTOBUF: words(`PACKAGE_CHANGED MESSAGE_REMOVED FIELD_KIND_CHANGED FIELD_SCALAR_KIND_CHANGED FIELD_NAMED_TYPE_CHANGED
    FIELD_NUMERIC_LABEL_CHANGED REQUIRED_FIELD_ADDED REQUIRED_FIELD_REMOVED ONEOF_FIELD_REMOVED
    MULTIPLE_FIELDS_MOVED_TO_ONEOF FIELD_MOVED_TO_EXISTING_ONEOF`),
  JSON: words(`TYPE_NARROWED TYPE_CHANGED COMBINED_TYPE_CHANGED COMBINED_TYPE_SUBSCHEMAS_CHANGED PRODUCT_TYPE_EXTENDED
    SUM_TYPE_NARROWED NOT_TYPE_EXTENDED RESERVED_PROPERTY_REMOVED RESERVED_PROPERTY_CONFLICTS_WITH_PROPERTY
    MAX_LENGTH_ADDED MAX_LENGTH_DECREASED MIN_LENGTH_ADDED MIN_LENGTH_INCREASED PATTERN_ADDED PATTERN_CHANGED
    MAXIMUM_ADDED MAXIMUM_DECREASED MINIMUM_ADDED MINIMUM_INCREASED EXCLUSIVE_MAXIMUM_ADDED
    EXCLUSIVE_MAXIMUM_DECREASED EXCLUSIVE_MINIMUM_ADDED EXCLUSIVE_MINIMUM_INCREASED MULTIPLE_OF_ADDED
    MULTIPLE_OF_EXPANDED MULTIPLE_OF_CHANGED REQUIRED_ATTRIBUTE_ADDED DEPENDENCY_ARRAY_ADDED DEPENDENCY_ARRAY_EXTENDED
    DEPENDENCY_ARRAY_CHANGED DEPENDENCY_SCHEMA_ADDED MAX_PROPERTIES_ADDED MAX_PROPERTIES_DECREASED MIN_PROPERTIES_ADDED
    MIN_PROPERTIES_INCREASED REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL
    MAX_ITEMS_ADDED MAX_ITEMS_DECREASED MIN_ITEMS_ADDED MIN_ITEMS_INCREASED MAX_CONTAINS_ADDED MAX_CONTAINS_DECREASED
    MIN_CONTAINS_ADDED MIN_CONTAINS_INCREASED UNIQUE_ITEMS_ADDED ADDITIONAL_ITEMS_REMOVED ADDITIONAL_ITEMS_NARROWED
    UNEVALUATED_ITEMS_REMOVED UNEVALUATED_ITEMS_NARROWED SCHEMA_ADDED ITEM_ADDED_TO_OPEN_CONTENT_MODEL
    ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
    ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL ENUM_ARRAY_NARROWED ENUM_ARRAY_CHANGED
    ADDITIONAL_PROPERTIES_NARROWED ADDITIONAL_PROPERTIES_REMOVED UNEVALUATED_PROPERTIES_NARROWED
    UNEVALUATED_PROPERTIES_REMOVED REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL
    OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL
    PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
    PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL`),
};

describe('the words of explanations', () => {
  const cases = (Object.keys(TYPES) as SchemaType[]).flatMap((language) =>
    TYPES[language].map((type) => [language, type] as const),
  );

  test.each(cases)('%s %s', (language, errorType) => {
    expect([...RULES.ANY, ...RULES[language]].filter(({ types }) => types.test(errorType)).length).toBeGreaterThan(0);
    for (const violates of ['BACKWARD', 'FORWARD'] as const) {
      const place = (): Place => ({ path: 'a.b', keyword: 'maxLength', reader: 'int', writer: 'string' });
      const finding: Finding = { errorType, violates, description: '', additionalInfo: '[X]', place };
      const [{ reason, advice }] = explanations([finding], language, 3, 'the new schema') as [Explanation];
      expect(reason).toMatch(/^consumers with (the new schema|version 3) can't read records written with /);
      expect(`${reason} ${advice}`).not.toMatch(/[{}]|undefined/);
      expect(advice).not.toBe('');
    }
  });

  test('every rule is somebody’s', () => {
    for (const language of Object.keys(TYPES) as SchemaType[]) {
      for (const { types } of RULES[language]) expect(TYPES[language].some((type) => types.test(type))).toBe(true);
    }
  });
});

describe('paths are those of the schema’s users', () => {
  const explained = (type: SchemaType, original: string, update: string, level: 'BACKWARD' | 'FORWARD' = 'BACKWARD') =>
    explanationsOf({
      settings: { level, policy: 'STRICT', validateFields: false },
      updated: { schema: parseSchema(type, update, []) },
      earlier: [{ version: 1, schema: parseSchema(type, original, []) }],
    });

  test('in JSON Schema', () => {
    const schema = (street: object) =>
      JSON.stringify({
        type: 'object',
        properties: { to: { type: 'object', properties: { streets: { type: 'array', items: street } } } },
      });
    expect(explained('JSON', schema({ type: 'string' }), schema({ type: 'string', maxLength: 5 }))).toEqual([
      {
        errorType: 'MAX_LENGTH_ADDED',
        path: 'to.streets[]',
        version: 1,
        level: 'BACKWARD',
        reason:
          "consumers with the new schema can't read records written with version 1, where `to.streets[]` need not fulfil maxLength of the reading schema (5 there, none in the writing schema)",
        advice: 'do not make `to.streets[]` stricter: keep maxLength as it is in version 1, or looser',
      },
    ]);
  });

  test('in JSON Schema, through references that lead to each other', () => {
    const schema = (street: object) =>
      JSON.stringify({
        properties: { to: { $ref: '#/definitions/A' } },
        definitions: {
          A: { $ref: '#/definitions/B' },
          B: { type: 'object', properties: { street, next: { $ref: '#/definitions/A' } } },
        },
      });
    const [found] = explained(
      'JSON',
      schema({ type: 'string', maxLength: 9 }),
      schema({ type: 'string', maxLength: 5 }),
    );
    expect(found).toMatchObject({
      path: 'to.street',
      reason: expect.stringMatching(/maxLength of the reading schema \(5 there, 9 in the writing schema\)$/),
    });
  });

  test('in Protobuf, by names instead of numbers', () => {
    const file = (inner: string) =>
      `syntax = "proto3"; message Order { message Line { ${inner} } repeated Line lines = 1; }`;
    const found = explained(
      'PROTOBUF',
      file('int32 amount = 1; oneof how { string card = 2; int32 cash = 4; }'),
      file('string amount = 1; oneof how { int32 cash = 4; }'),
    );
    expect(found.map(({ path, reason, advice }) => [path, reason.replace(/^.*, (where|whose)/, '$1'), advice])).toEqual(
      [
        [
          'Order.Line.card',
          'whose oneof may hold `Order.Line.card`, which would be lost without a trace',
          'keep `Order.Line.card` in its oneof, marked as deprecated',
        ],
        [
          'Order.Line.amount',
          'where `Order.Line.amount` is int32 instead of string, which is another encoding',
          'keep the type that it has in version 1, and add the new one as a field with a new number',
        ],
      ],
    );
  });
});

// ── Bounds ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Everything that insights do with two schemas: how many changes they tell, or the code of a refusal. */
function examine(before: ParsedSchema, after: ParsedSchema): number | string {
  const comparison = {
    settings: { level: 'FULL_TRANSITIVE', policy: 'STRICT', validateFields: false } as const,
    updated: { schema: after },
    earlier: [{ version: 1, schema: before }],
  };
  const described = (parsed: ParsedSchema) => ({ parsed, content: { references: [] } });
  try {
    const changes = schemaChanges(described(before), described(after));
    explanationsOf(comparison);
    remediesFor(comparison, undefined);
    return changes.length;
  } catch (error) {
    if (error instanceof InvalidSchema) return error.code;
    throw error;
  }
}

const nested = (depth: number, wrap: (inner: unknown, level: number) => unknown, leaf: unknown): unknown => {
  let schema = leaf;
  for (let level = depth; level > 0; level--) schema = wrap(schema, level);
  return schema;
};

test('an alias is a new name only for what does not go by it any more', () => {
  const record = (...fields: object[]) => ({
    parsed: parseSchema('AVRO', JSON.stringify({ type: 'record', name: 'R', fields }), []),
    content: { references: [] },
  });
  const a = { name: 'a', type: 'int' };
  const changes = schemaChanges(record(a), record({ name: 'b', type: 'int', aliases: ['a'] }, a));
  expect(changes.map(({ description }) => description)).toEqual(['field `R.b` (int) was added, with the alias a']);
});

describe('bounds', () => {
  test('a schema is the same as itself; what comes and goes adds up', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const { type } = fc.letrec<{ type: unknown }>((tie) => ({
      type: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('int', 'string', 'null', 'Node'),
        fc.record({ type: fc.constant('array'), items: tie('type') }),
        fc.uniqueArray(fc.constantFrom('null', 'int', 'string', 'Node'), { minLength: 1 }),
        fc.record({ type: fc.constant('map'), values: tie('type') }),
      ),
    }));
    const schemas = fc
      .uniqueArray(fc.record({ name, type, doc: fc.option(fc.string(), { nil: undefined }) }), {
        selector: (field) => field.name,
      })
      .map((fields) => parseSchema('AVRO', JSON.stringify({ type: 'record', name: 'Node', fields }), []));
    fc.assert(
      fc.property(schemas, schemas, (before, after) => {
        const described = (parsed: ParsedSchema) => ({ parsed, content: { references: [] } });
        expect(schemaChanges(described(before), described(before))).toEqual([]);
        const forth = schemaChanges(described(before), described(after));
        const back = schemaChanges(described(after), described(before));
        const count = (changes: typeof forth, kind: string) => changes.filter((change) => change.kind === kind).length;
        expect(count(forth, 'ADDED')).toBe(count(back, 'REMOVED'));
        expect(count(forth, 'CHANGED')).toBe(count(back, 'CHANGED'));
        expect(forth.length === 0).toBe(before.canonical === after.canonical);
        examine(before, after);
      }),
      { numRuns: 300 },
    );
  });

  test('any JSON Schema text', () => {
    const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 5 },
        fc.boolean(),
        fc.constant({ $ref: '#' }),
        fc.record(
          {
            type: fc.constantFrom('object', 'array', 'string', ['integer', 'null']),
            properties: fc.dictionary(fc.constantFrom('a', 'b', 'properties', 'x/y', '__proto__'), tie('schema')),
            required: fc.constant(['a', 'z']),
            items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 3 })),
            oneOf: fc.array(tie('schema'), { maxLength: 4 }),
            not: tie('schema'),
            dependencies: fc.constant({ a: ['b'], c: true }),
            additionalProperties: tie('schema'),
            enum: fc.constant([1, 'a']),
            maxLength: fc.nat(9),
          },
          { requiredKeys: [] },
        ),
      ),
    }));
    fc.assert(
      fc.property(schema, schema, (before, after) => {
        const parse = (value: unknown) => {
          try {
            return parseSchema('JSON', JSON.stringify(value), []);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidSchema);
            return undefined;
          }
        };
        const [a, b] = [parse(before), parse(after)];
        if (a !== undefined && b !== undefined) expect(examine(a, b)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 300 },
    );
  });

  const many = Array.from({ length: 2000 }, (_, i) => i);
  const hostile: [name: string, type: SchemaType, before: string, after: string][] = [
    [
      'an Avro union of thousands of records that refer to each other',
      'AVRO',
      JSON.stringify(
        many.map((i) => ({
          type: 'record',
          name: `R${i}`,
          fields: [{ name: 'r', type: i === 0 ? 'int' : `R${i - 1}` }],
        })),
      ),
      JSON.stringify(
        many.map((i) => ({
          type: 'record',
          name: `R${i}`,
          fields: [{ name: 'q', type: i === 0 ? 'int' : `R${i - 1}` }],
        })),
      ),
    ],
    [
      'Avro arrays within arrays',
      'AVRO',
      JSON.stringify(nested(150, (items) => ({ type: 'array', items }), 'int')),
      JSON.stringify(nested(150, (items) => ({ type: 'array', items }), 'string')),
    ],
    [
      'thousands of alternatives that look alike',
      'JSON',
      JSON.stringify({
        oneOf: many.slice(0, 400).map((i) => ({ type: 'object', properties: { [`p${i}`]: { const: i } } })),
      }),
      JSON.stringify({
        oneOf: many.slice(0, 400).map((i) => ({ type: 'object', properties: { [`q${i}`]: { const: i } } })),
      }),
    ],
    [
      'long names at every level',
      'JSON',
      JSON.stringify(nested(90, (inner, i) => ({ properties: { ['x'.repeat(50_000) + i]: inner } }), {})),
      JSON.stringify(nested(90, (inner, i) => ({ properties: { ['y'.repeat(50_000) + i]: inner } }), {})),
    ],
    [
      'definitions that double at every reference',
      'JSON',
      JSON.stringify(doubling('string')),
      JSON.stringify(doubling('integer')),
    ],
    [
      'messages within messages',
      'PROTOBUF',
      String(nested(30, (inner, i) => `message M${i} { optional int32 a = 1; ${String(inner)} }`, '')),
      String(nested(30, (inner, i) => `message M${i} { optional string b = 1; ${String(inner)} }`, '')),
    ],
    [
      'thousands of fields of a recursive message',
      'PROTOBUF',
      `message M { ${many.map((i) => `optional M f${i} = ${i + 1};`).join('')} }`,
      `message M { ${many.map((i) => `repeated int32 g${i} = ${i + 1};`).join('')} }`,
    ],
  ];

  test.each(hostile)('%s', (_name, type, before, after) => {
    expect(examine(parseSchema(type, before, []), parseSchema(type, after, []))).not.toBe(0);
  });

  function doubling(leaf: string): object {
    const definitions: Record<string, object> = { d0: { type: leaf } };
    for (let i = 1; i < 60; i++) {
      const $ref = `#/definitions/d${i - 1}`;
      definitions[`d${i}`] = { type: 'object', properties: { a: { $ref }, b: { $ref } } };
    }
    return { $ref: '#/definitions/d59', definitions };
  }
});
