// Schemas at random, for whoever must cope with any of them.
import fc from 'fast-check';
import { randomProto } from './protobuf-texts.ts';

const { schema: avro } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string', 'A', 'n.B', 'C'),
    fc.record({
      type: fc.constantFrom('int', 'long', 'bytes', 'string'),
      logicalType: fc.constantFrom('decimal', 'date', 'time-millis', 'time-micros', 'timestamp-micros', 'uuid', 'x'),
      precision: fc.constantFrom(4, 9, -1),
      scale: fc.constantFrom(0, 2),
    }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ type: fc.constant('map'), values: tie('schema') }),
    fc.array(tie('schema'), { maxLength: 4 }),
    fc.record({ type: fc.constant('fixed'), name: fc.constantFrom('A', 'F'), size: fc.nat(20) }),
    fc.record({
      type: fc.constant('enum'),
      name: fc.constantFrom('B', 'E'),
      symbols: fc.uniqueArray(fc.constantFrom('X', 'Y', 'Z'), { minLength: 1 }),
    }),
    fc.record(
      {
        type: fc.constantFrom('record', 'error'),
        name: fc.constantFrom('A', 'B', 'n.B', 'C', 'D'),
        aliases: fc.array(fc.constantFrom('A', 'n.B', 'D'), { maxLength: 2 }),
        doc: fc.string(),
        fields: fc.uniqueArray(
          fc.record(
            {
              name: fc.constantFrom('a', 'b', 'c'),
              type: tie('schema'),
              default: fc.jsonValue({ maxDepth: 1 }),
              aliases: fc.array(fc.constantFrom('a', 'b', 'x'), { maxLength: 2 }),
            },
            { requiredKeys: ['name', 'type'] },
          ),
          { maxLength: 3, selector: ({ name }) => name },
        ),
      },
      { requiredKeys: ['type', 'name', 'fields'] },
    ),
  ),
}));

const { schema: json } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'xsmall' },
    fc.boolean(),
    fc.record(
      {
        type: fc.constantFrom('string', 'number', 'integer', 'object', 'array', 'null', ['string', 'null']),
        properties: fc.record({ a: tie('schema'), b: tie('schema') }, { requiredKeys: ['a'] }),
        required: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
        additionalProperties: tie('schema'),
        items: tie('schema'),
        patternProperties: fc.record({ '^x': tie('schema') }),
        allOf: fc.array(tie('schema'), { maxLength: 3 }),
        anyOf: fc.array(tie('schema'), { maxLength: 3 }),
        oneOf: fc.array(tie('schema'), { maxLength: 3 }),
        not: tie('schema'),
        const: fc.jsonValue({ maxDepth: 0 }),
        title: fc.constantFrom('T', 'org.apache.kafka.connect.data.Decimal', 'org.apache.kafka.connect.data.Date'),
        'connect.type': fc.constantFrom('int32', 'int64', 'bytes', 'map', 'float64'),
        'connect.index': fc.nat(3),
        enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }),
        maximum: fc.integer(),
        $ref: fc.constantFrom('#', '#/definitions/a', '#/properties/a'),
        definitions: fc.record({ a: tie('schema') }),
      },
      { requiredKeys: [] },
    ),
  ),
}));

/** Texts of schemas at random, by their language. Many are refused. */
export const schemaTexts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  AVRO: avro.map((schema) => JSON.stringify(schema)),
  JSON: json.map((schema) => JSON.stringify(schema)),
  PROTOBUF: fc.nat(10_000).map(randomProto),
};

const { sensible } = fc.letrec<{ sensible: unknown; object: unknown }>((tie) => ({
  sensible: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<unknown>(
      ...['string', 'integer', 'number', 'boolean'].map((type) => ({ type })),
      { type: ['null', 'integer'] },
      { type: ['string', 'integer'] },
      { enum: ['p', 'q'] },
      { const: 1 },
      { type: 'integer', 'connect.type': 'int32' },
      { type: 'string', 'connect.type': 'bytes' },
      { type: 'integer', title: 'org.apache.kafka.connect.data.Timestamp' },
      { $ref: '#/definitions/a' },
      { $ref: '#/definitions/b' },
      { $ref: 'other.json' },
    ),
    tie('object'),
    fc.record({ type: fc.constant('array'), items: tie('sensible') }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('sensible') }),
    fc.record({ oneOf: fc.tuple(fc.constant({ type: 'null' }), tie('sensible')) }),
    fc.record({ anyOf: fc.array(tie('sensible'), { minLength: 2, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('object'), { minLength: 1, maxLength: 2 }) }),
  ),
  object: fc.record({
    type: fc.constant('object'),
    properties: fc.record({ a: tie('sensible'), b: tie('sensible') }, { requiredKeys: ['a'] }),
  }),
}));

/** JSON Schemas that people might write: most of them have columns. */
export const sensibleJsonSchemas: fc.Arbitrary<string> = fc
  .tuple(sensible, fc.record({ a: sensible, b: sensible }))
  .map(([schema, definitions]) => JSON.stringify({ ...(schema as object), definitions }));
