// Which columns a registered Avro or JSON Schema stands for, and what is said where there can be none.
import { describe, expect, test } from 'vitest';
import { MemorySchemas, type SchemaReference } from '../../src/serde/index.ts';
import { typeText } from '../../src/sql/types.ts';
import { plainEngine } from './support.ts';

interface Case {
  readonly schema: unknown;
  readonly references?: readonly SchemaReference[];
  readonly others?: Readonly<Record<string, unknown>>;
  readonly with?: string;
}

async function columnsOf(schemaType: 'AVRO' | 'JSON', given: Case): Promise<Record<string, string>> {
  const schemas = new MemorySchemas();
  const text = (schema: unknown) => JSON.stringify(schema);
  for (const [name, schema] of Object.entries(given.others ?? {})) {
    schemas.add(name, { schemaType, schema: text(schema) });
  }
  const { references = [] } = given;
  schemas.add('t-value', { schemaType, schema: text(given.schema), references });
  const { engine } = plainEngine({}, schemas);
  const format = schemaType === 'JSON' ? 'JSON_SR' : 'AVRO';
  await engine.execute(
    `CREATE STREAM s WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='${format}'${given.with ?? ''});`,
  );
  const columns = engine.catalog.source('S')!.schema.value.filter(({ namespace }) => namespace === 'VALUE');
  return Object.fromEntries(columns.map(({ name, type }) => [name, typeText(type).replaceAll('`', '')]));
}

const bare = ', WRAP_SINGLE_VALUE=false';
const at = (name: string): SchemaReference => ({ name, subject: name, version: 1 });

describe('JSON Schema', () => {
  const address = { type: 'object', properties: { city: { type: 'string' } } };
  const property = (schema: unknown, rest: object = {}) => ({ type: 'object', properties: { p: schema }, ...rest });

  test.each<[string, unknown, string]>([
    ['a definition', property({ $ref: '#/definitions/A' }, { definitions: { A: address } }), 'STRUCT<CITY STRING>'],
    ['$defs', property({ $ref: '#/$defs/A' }, { $defs: { A: address } }), 'STRUCT<CITY STRING>'],
    ['another property', { properties: { q: address, p: { $ref: '#/properties/q' } } }, 'STRUCT<CITY STRING>'],
    [
      'an $id',
      property({ $ref: 'http://x/a' }, { $defs: { A: { $id: 'http://x/a', ...address } } }),
      'STRUCT<CITY STRING>',
    ],
    ['an anchor', property({ $ref: '#a' }, { $defs: { A: { $anchor: 'a', ...address } } }), 'STRUCT<CITY STRING>'],
    [
      'a reference with constraints beside it',
      property(
        { $ref: '#/$defs/A', minProperties: 1 },
        { $schema: 'https://json-schema.org/draft/2020-12/schema', $defs: { A: address } },
      ),
      'STRUCT<CITY STRING>',
    ],
    ['an enum without a type', property({ enum: ['a', 'b'] }), 'STRING'],
    ['an enum with null', property({ enum: ['a', null] }), 'STRING'],
    ['an enum of a type', property({ type: 'integer', enum: [1, 2] }), 'BIGINT'],
    ['a constant', property({ const: 'a' }), 'STRING'],
    ['constants to choose from', property({ oneOf: [{ const: 'a' }, { const: 'b' }] }), 'STRING'],
    [
      'an allOf',
      property({ allOf: [address, { properties: { zip: { type: 'integer' } } }] }),
      'STRUCT<CITY STRING, ZIP BIGINT>',
    ],
    [
      'an allOf of one property twice',
      property({ allOf: [address, { properties: { city: { maxLength: 9 } } }] }),
      'STRUCT<CITY STRING>',
    ],
    ['an allOf of a number', property({ allOf: [{ type: 'number' }, { type: 'integer' }, { minimum: 0 }] }), 'BIGINT'],
    ['null or a type', property({ anyOf: [{ type: 'null' }, { type: 'number' }] }), 'DOUBLE'],
    [
      'null or a reference',
      property({ oneOf: [{ type: 'null' }, { $ref: '#/definitions/A' }] }, { definitions: { A: address } }),
      'STRUCT<CITY STRING>',
    ],
    ['a type or null', property({ type: ['boolean', 'null'] }), 'BOOLEAN'],
    [
      'several types',
      property({ type: ['string', 'integer', 'null'] }),
      'STRUCT<CONNECT_UNION_FIELD_0 STRING, CONNECT_UNION_FIELD_1 BIGINT>',
    ],
    [
      'one of several',
      property({ oneOf: [{ type: 'null' }, { type: 'string' }, address] }),
      'STRUCT<CONNECT_UNION_FIELD_0 STRING, CONNECT_UNION_FIELD_1 STRUCT<CITY STRING>>',
    ],
    [
      'alternatives that only constrain',
      property({ ...address, anyOf: [{ required: ['city'] }, { maxProperties: 0 }] }),
      'STRUCT<CITY STRING>',
    ],
    ['keywords of other types', property({ type: 'number', maxLength: 3, properties: {} }), 'DOUBLE'],
    ['a map', property({ type: 'object', additionalProperties: { type: 'integer' } }), 'MAP<STRING, BIGINT>'],
    [
      'a map by its names',
      property({ type: 'object', patternProperties: { '^x': { type: 'number' } } }),
      'MAP<STRING, DOUBLE>',
    ],
    [
      'a map of references',
      property({ additionalProperties: { $ref: '#/definitions/A' } }, { definitions: { A: address } }),
      'MAP<STRING, STRUCT<CITY STRING>>',
    ],
    [
      'an array of references',
      property({ type: 'array', items: { $ref: '#/definitions/A' } }, { definitions: { A: address } }),
      'ARRAY<STRUCT<CITY STRING>>',
    ],
    [
      'a tuple of one type',
      property({ type: 'array', items: [{ type: 'integer' }, { type: 'integer' }] }),
      'ARRAY<BIGINT>',
    ],
    ["Connect's int32", property({ type: 'integer', 'connect.type': 'int32' }), 'INTEGER'],
    ["Connect's int16", property({ type: 'integer', 'connect.type': 'int16' }), 'INTEGER'],
    ["Connect's bytes", property({ type: 'string', 'connect.type': 'bytes' }), 'BYTES'],
    [
      "Connect's map",
      property({ type: 'object', 'connect.type': 'map', additionalProperties: { type: 'string' } }),
      'MAP<STRING, STRING>',
    ],
    ["Connect's date", property({ type: 'integer', title: 'org.apache.kafka.connect.data.Date' }), 'DATE'],
    ["Connect's time", property({ type: 'integer', title: 'org.apache.kafka.connect.data.Time' }), 'TIME'],
    [
      "Connect's timestamp or null",
      property({ oneOf: [{ type: 'null' }, { type: 'integer', title: 'org.apache.kafka.connect.data.Timestamp' }] }),
      'TIMESTAMP',
    ],
    [
      "Connect's decimal",
      property({
        type: 'number',
        title: 'org.apache.kafka.connect.data.Decimal',
        'connect.parameters': { scale: '2', 'connect.decimal.precision': '9' },
      }),
      'DECIMAL(9, 2)',
    ],
  ])('%s', async (_name, schema, type) => {
    expect((await columnsOf('JSON', { schema }))['P']).toBe(type);
  });

  test('the schema itself may be a reference, an allOf, or alternatives of its properties', async () => {
    const definitions = { A: address };
    expect(await columnsOf('JSON', { schema: { $ref: '#/definitions/A', definitions } })).toEqual({ CITY: 'STRING' });
    expect(
      await columnsOf('JSON', {
        schema: { allOf: [{ $ref: '#/definitions/A' }, property({ const: 1 })], definitions },
      }),
    ).toEqual({ CITY: 'STRING', P: 'STRING' });
    const either = {
      type: 'object',
      properties: { k: { enum: ['a'] } },
      oneOf: [address, property({ type: 'integer' })],
    };
    expect(await columnsOf('JSON', { schema: either })).toEqual({ K: 'STRING', CITY: 'STRING', P: 'BIGINT' });
  });

  test("properties are in Connect's order, where it is given", async () => {
    const definitions = { A: address };
    const properties = {
      c: { type: 'integer', 'connect.index': 2 },
      b: { oneOf: [{ type: 'null' }, { type: 'string' }], 'connect.index': 1 },
      a: { $ref: '#/definitions/A', 'connect.index': 0 },
    };
    expect(Object.keys(await columnsOf('JSON', { schema: { type: 'object', properties, definitions } }))).toEqual([
      'A',
      'B',
      'C',
    ]);
  });

  test('references to other subjects, and to what those refer to, are followed', async () => {
    const place = { type: 'object', properties: { at: { $ref: 'point.json' } } };
    const schemas = new MemorySchemas();
    const point = { type: 'object', properties: { lat: { type: 'number' } } };
    schemas.add('point.json', { schemaType: 'JSON', schema: JSON.stringify(point) });
    schemas.add('place.json', { schemaType: 'JSON', schema: JSON.stringify(place), references: [at('point.json')] });
    const schema = JSON.stringify(property({ $ref: 'place.json' }));
    schemas.add('t-value', { schemaType: 'JSON', schema, references: [at('place.json')] });
    const { engine } = plainEngine({}, schemas);
    await engine.execute(`CREATE STREAM s WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON_SR');`);
    expect(engine.catalog.source('S')!.schema.value.map(({ type }) => typeText(type).replaceAll('`', ''))).toEqual([
      'STRUCT<AT STRUCT<LAT DOUBLE>>',
    ]);
  });

  test.each<[string, unknown, RegExp]>([
    ['any value', property({}), /: p has no type/],
    ['a boolean schema', property(true), /: p has no type/],
    ['no value', property(false), /: p allows no value/],
    ['only null', property({ type: 'null' }), /: p can only be null/],
    ['null as the only alternative', property({ anyOf: [{ type: 'null' }] }), /: p can only be null/],
    ['an array of anything', property({ type: 'array' }), /: p is an array whose items have no type/],
    [
      'a tuple',
      property({ type: 'array', items: [{ type: 'integer' }, { type: 'string' }] }),
      /: p is an array whose items have types of their own/,
    ],
    ['an object of anything', property({ type: 'object' }), /: p is an object that lists no properties/],
    [
      'a contradiction',
      property({ allOf: [{ type: 'string' }, { type: 'integer' }] }),
      /: p is at once STRING and BIGINT/,
    ],
    ['what is deeper inside', property({ type: 'array', items: property({ not: {} }) }), /: p\[\]\.p has no type/],
    [
      'a list of itself',
      property({ type: 'array', items: { $ref: '#' } }),
      /: p\[\] is recursive: it contains the schema itself/,
    ],
    [
      'a definition in itself',
      property({ $ref: '#/definitions/N' }, { definitions: { N: property({ $ref: '#/definitions/N' }) } }),
      /: p\.p is recursive: it contains p again/,
    ],
    [
      'an allOf of itself',
      { allOf: [property({ type: 'string' }), { anyOf: [{ $ref: '#' }, address] }] },
      /is recursive/,
    ],
    [
      'two names that are one',
      property({ type: 'object', properties: { a: { type: 'string' }, A: { type: 'string' } } }),
      /: p would be a STRUCT with two fields of the same name, A/,
    ],
    ['no object', { type: 'string' }, /not one of records with fields but of STRING. Add WRAP_SINGLE_VALUE=false/],
    ['one of several objects', { oneOf: [address, property({ type: 'string' })] }, /Add WRAP_SINGLE_VALUE=false/],
  ])('refused: %s', async (_name, schema, sentence) => {
    await expect(columnsOf('JSON', { schema })).rejects.toThrow(sentence);
  });

  test('columns that the statement names need nothing else of the schema', async () => {
    const { engine } = plainEngine({}, new MemorySchemas());
    await engine.execute(`CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON_SR');`);
    expect(engine.catalog.source('S')!.schema.value).toHaveLength(1);
  });

  test('the number of types is bounded', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `d${i}`);
    const definitions = Object.fromEntries(
      names.map((name, i) => {
        const below = i === 0 ? { type: 'string' } : { $ref: `#/definitions/d${i - 1}` };
        return [name, { type: 'object', properties: { a: below, b: below } }];
      }),
    );
    const schema = { $ref: '#/definitions/d39', definitions };
    await expect(columnsOf('JSON', { schema })).rejects.toThrow(/more than 10000 types/);
  });
});

describe('Avro', () => {
  const record = (name: string, fields: Record<string, unknown>, rest: object = {}) => ({
    type: 'record',
    name,
    ...rest,
    fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
  });
  const entry = (name: string, rest: object = {}) => record(name, { key: 'string', value: ['null', 'int'] }, rest);

  test.each<[string, unknown, string]>([
    ['decimal', { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }, 'DECIMAL(6, 2)'],
    [
      'decimal in a fixed',
      { type: 'fixed', name: 'F', size: 4, logicalType: 'decimal', precision: 8, scale: 3 },
      'DECIMAL(8, 3)',
    ],
    [
      "Connect's decimal",
      {
        type: 'bytes',
        'connect.name': 'org.apache.kafka.connect.data.Decimal',
        'connect.parameters': { scale: '2', 'connect.decimal.precision': '6' },
      },
      'DECIMAL(6, 2)',
    ],
    ['date', { type: 'int', logicalType: 'date' }, 'DATE'],
    ['time', { type: 'int', logicalType: 'time-millis' }, 'TIME'],
    ['time in micros', { type: 'long', logicalType: 'time-micros' }, 'BIGINT'],
    ['timestamp', { type: 'long', logicalType: 'timestamp-millis' }, 'TIMESTAMP'],
    ["Connect's timestamp", { type: 'long', 'connect.name': 'org.apache.kafka.connect.data.Timestamp' }, 'TIMESTAMP'],
    ['timestamp in micros', { type: 'long', logicalType: 'timestamp-micros' }, 'BIGINT'],
    ['local timestamp', { type: 'long', logicalType: 'local-timestamp-millis' }, 'BIGINT'],
    ['uuid', { type: 'string', logicalType: 'uuid' }, 'STRING'],
    ['enum', { type: 'enum', name: 'E', symbols: ['A'] }, 'STRING'],
    ['fixed', { type: 'fixed', name: 'F', size: 4 }, 'BYTES'],
    ['map', { type: 'map', values: 'float' }, 'MAP<STRING, DOUBLE>'],
    ['entries', { type: 'array', items: entry('MapEntry') }, 'MAP<STRING, INTEGER>'],
    [
      "Connect's entries",
      { type: 'array', items: entry('X', { 'connect.internal.type': 'MapEntry' }) },
      'MAP<STRING, INTEGER>',
    ],
    [
      'records that look like entries',
      { type: 'array', items: entry('X') },
      'ARRAY<STRUCT<KEY STRING, VALUE INTEGER>>',
    ],
    [
      'several branches',
      ['null', 'int', record('R', { a: 'string' }, { namespace: 'n' })],
      'STRUCT<INT INTEGER, R STRUCT<A STRING>>',
    ],
  ])('%s', async (_name, type, expected) => {
    expect(await columnsOf('AVRO', { schema: record('T', { p: type }) })).toEqual({ P: expected });
  });

  test('names are looked for in the namespace around them', async () => {
    const schema = record('T', {
      x: record('B', { ofA: 'int' }, { namespace: 'com.a' }),
      y: record('B', { ofB: 'string' }, { namespace: 'com.b' }),
      z: record('C', { again: 'B', other: 'com.b.B' }, { namespace: 'com.a' }),
    });
    const { Z } = await columnsOf('AVRO', { schema });
    expect(Z).toBe('STRUCT<AGAIN STRUCT<OFA INTEGER>, OTHER STRUCT<OFB STRING>>');
  });

  test('types of other subjects are known by their full names', async () => {
    const others = { 'com.a.B': record('B', { n: 'long' }, { namespace: 'com.a' }) };
    const schema = record('T', { b: 'B' }, { namespace: 'com.a' });
    expect(await columnsOf('AVRO', { schema, others, references: [at('com.a.B')] })).toEqual({ B: 'STRUCT<N BIGINT>' });
  });

  test('a record that may be null is a record', async () => {
    expect(await columnsOf('AVRO', { schema: ['null', record('T', { a: 'int' })] })).toEqual({ A: 'INTEGER' });
  });

  test.each<[string, unknown, RegExp]>([
    [
      'a record in itself',
      record('N', { v: 'string', next: ['null', 'N'] }),
      /: next is recursive: it contains the schema itself again/,
    ],
    ['a list of itself', record('N', { kids: { type: 'array', items: 'N' } }), /: kids\[\] is recursive/],
    ['two records in each other', record('A', { b: record('B', { a: ['null', 'A'] }) }), /: b\.a is recursive/],
    ['only null', record('T', { a: 'int', n: 'null' }), /: n can only be null/],
    [
      'branches of one name',
      record('T', { x: [record('S', { p: 'int' }, { namespace: 'a' }), record('S', {}, { namespace: 'b' })] }),
      /: x would be a STRUCT with two fields of the same name, S/,
    ],
    [
      'a decimal that is none',
      record('T', { d: { type: 'bytes', logicalType: 'decimal', precision: 2, scale: 4 } }),
      /: d is a decimal of precision 2 and scale 4/,
    ],
    [
      'text',
      'string',
      /values on topic 't' is not one of records with fields but of STRING. Add WRAP_SINGLE_VALUE=false/,
    ],
    ['one of two records', [record('A', { a: 'int' }), record('B', { b: 'int' })], /Add WRAP_SINGLE_VALUE=false/],
  ])('refused: %s', async (_name, schema, sentence) => {
    await expect(columnsOf('AVRO', { schema })).rejects.toThrow(sentence);
  });

  test('what is no record is one column where it is asked for', async () => {
    expect(await columnsOf('AVRO', { schema: 'string', with: bare })).toEqual({ ROWVAL: 'STRING' });
    expect(await columnsOf('AVRO', { schema: record('T', { a: 'int' }), with: bare })).toEqual({
      ROWVAL: 'STRUCT<A INTEGER>',
    });
  });
});

test('a schema in another language than the format reads is refused', async () => {
  const schemas = new MemorySchemas();
  schemas.add('t-value', { schemaType: 'JSON', schema: '{"type":"object"}' });
  const { engine } = plainEngine({}, schemas);
  const sql = `CREATE STREAM s WITH (KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='AVRO');`;
  await expect(engine.execute(sql)).rejects.toThrow(/is JSON, and the format AVRO reads AVRO schemas/);
});
