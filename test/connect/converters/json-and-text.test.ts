// JsonConverter, StringConverter, SimpleHeaderConverter and those of single values: what they write, what they read, what they refuse.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/connect/api/config-def.ts';
import type { Converter } from '../../../src/connect/api/plugins.ts';
import {
  arrayOf,
  BYTES,
  date,
  decimalOf,
  FLOAT64,
  INT32,
  INT64,
  mapOf,
  OPTIONAL_STRING,
  primitive,
  type Schema,
  STRING,
  structOf,
  timestamp,
} from '../../../src/connect/data/schema.ts';
import { parseValueText, valueText } from '../../../src/connect/data/value-text.ts';
import { Plugins } from '../../../src/connect/plugins/plugins.ts';
import { Decimal } from '../../../src/util/index.ts';
import { schemalessValue, typedValue } from '../oracle/arbitraries.ts';
import { normal, schemaJson, valueJson } from '../oracle/oracle.ts';

const plugins = new Plugins();
const context = { isKey: false, schemaSource: () => expect.unreachable() as never };

async function converterOf(name: string, config: Record<string, string> = {}): Promise<Converter> {
  const plugin = await plugins.load(name, 'converter');
  return plugin.create(parseConfig(plugin.config, config), config, context);
}

const write = async (converter: Converter, schema: Schema | null, value: unknown): Promise<string | undefined> => {
  const bytes = await converter.fromConnect('topic', [], schema, value);
  return bytes === null ? undefined : Buffer.from(bytes).toString();
};
const read = async (converter: Converter, text: string) => converter.toConnect('topic', [], Buffer.from(text));

describe('JsonConverter', () => {
  test.each(['BASE64', 'numeric'])('reads what it has written (decimals: %s)', async (format) => {
    const converter = await converterOf('JsonConverter', {
      'decimal.format': format,
      'replace.null.with.default': 'false',
    });
    await fc.assert(
      fc.asyncProperty(typedValue(3), async ({ schema, value }) => {
        const back = await read(converter, (await write(converter, schema, value))!);
        expect(back.schema!.equals(schema)).toBe(true);
        expect(normal(valueJson(schema, back.value))).toEqual(normal(valueJson(schema, value)));
      }),
      { numRuns: 300 },
    );
  });

  test('reads what it has written without schemas', async () => {
    const converter = await converterOf('JsonConverter', { 'schemas.enable': 'false' });
    await fc.assert(
      fc.asyncProperty(schemalessValue(), async (value) => {
        const text = await write(converter, null, value);
        expect(text === undefined ? null : (await read(converter, text)).value).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  test('writes the envelope as Kafka does', async () => {
    const schema = structOf(
      {
        id: INT64,
        ratio: FLOAT64,
        tags: arrayOf(OPTIONAL_STRING, { optional: true }),
        counts: mapOf(INT32, STRING),
        price: decimalOf(2),
        day: date({ default: new Date(0) }),
      },
      { name: 'a.Order', version: 2, doc: 'An order.' },
    );
    const value = {
      id: 9007199254740993n,
      ratio: 3,
      tags: ['a', null],
      counts: new Map([[1, 'x']]),
      price: new Decimal(-150n, 2),
      day: new Date(86_400_000),
    };
    expect(await write(await converterOf('JsonConverter'), schema, value)).toBe(
      '{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"double","optional":false,"field":"ratio"},{"type":"array","items":{"type":"string","optional":true},"optional":true,"field":"tags"},{"type":"map","keys":{"type":"int32","optional":false},"values":{"type":"string","optional":false},"optional":false,"field":"counts"},{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"price"},{"type":"int32","optional":false,"name":"org.apache.kafka.connect.data.Date","version":1,"default":0,"field":"day"}],"optional":false,"name":"a.Order","version":2,"doc":"An order."},"payload":{"id":9007199254740993,"ratio":3.0,"tags":["a",null],"counts":[[1,"x"]],"price":"/2o=","day":1}}',
    );
  });

  test('a record of another schema behind one that is known, and a longer envelope', async () => {
    const converter = await converterOf('JsonConverter');
    const text = '{"schema":{"type":"int64","optional":false},"payload":5}';
    expect((await read(converter, text)).value).toBe(5n);
    expect((await read(converter, text)).value).toBe(5n);
    expect((await read(converter, ' {"payload":6,"schema":{"type":"int64","optional":false}}')).value).toBe(6n);
    // Of two payloads the last one counts, as in Kafka.
    expect((await read(converter, `${text.slice(0, -1)},"payload":7}`)).value).toBe(7n);
    await expect((async () => read(converter, `${text.slice(0, -1)},"x":1}`))()).rejects.toThrow(
      'requires "schema" and "payload" fields and may not contain additional fields',
    );
  });

  test.each([
    ['{"schema":{"type":"int32"},"payload":1.5}', 'INT32 cannot be read from JSON like this, but found NUMBER 1.5'],
    ['{"schema":{"type":"int8"},"payload":200}', 'INT8 cannot be read'],
    ['{"schema":{"type":"int32"},"payload":null}', 'Invalid null value for required INT32 field'],
    ['{"schema":{"type":"nope"},"payload":1}', 'Unknown schema type: nope'],
    ['{"schema":{},"payload":1}', "Schema must contain 'type' field"],
    ['{"schema":{"type":"array"},"payload":[]}', 'Array schema did not specify the element type'],
    ['{"schema":{"type":"bytes"},"payload":"*"}', 'Invalid bytes field'],
    ['{"a":1}', 'set schemas.enable=false in your converter configuration'],
    ['{', 'Converting byte[] to Kafka Connect data failed due to serialization error'],
  ])('%s is refused', async (text, problem) => {
    const converter = await converterOf('JsonConverter');
    await expect((async () => read(converter, text))()).rejects.toThrow(problem);
  });

  test('a value that is none of its schema is refused with its place', async () => {
    const schema = structOf({ inner: structOf({ n: arrayOf(INT32) }) });
    const converter = await converterOf('JsonConverter');
    await expect(write(converter, schema, { inner: { n: [1, 'x'] } })).rejects.toThrow(
      'value.inner.n[1] must be INT32, and is "x" (string)',
    );
  });

  test('null is a tombstone only without a schema', async () => {
    const converter = await converterOf('JsonConverter', { 'schemas.enable': 'false' });
    expect(await write(converter, null, null)).toBeUndefined();
    expect(await write(converter, OPTIONAL_STRING, null)).toBe('null');
    expect(await converter.toConnect('topic', [], null)).toEqual({ schema: null, value: null });
  });

  test('a null that has a default is that default, unless it is not to be', async () => {
    const schema = primitive('string', { optional: true, default: 'x' });
    expect(await write(await converterOf('JsonConverter', { 'schemas.enable': 'false' }), schema, null)).toBe('"x"');
    const kept = { 'schemas.enable': 'false', 'replace.null.with.default': 'false' };
    expect(await write(await converterOf('JsonConverter', kept), schema, null)).toBe('null');
  });
});

describe('StringConverter', () => {
  test.each<[Schema | null, unknown, string]>([
    [STRING, 'x', 'x'],
    [INT64, 5n, '5'],
    [FLOAT64, 1e10, '1.0E10'],
    [null, [1, 'a', 2.5], '[1, a, 2.5]'],
    [null, { a: true }, '{a=true}'],
    [decimalOf(8), new Decimal(1n, 8), '1E-8'],
    [timestamp(), new Date(0), 'Thu Jan 01 00:00:00 UTC 1970'],
    [structOf({ a: INT32, b: OPTIONAL_STRING }), { a: 1, b: null }, 'Struct{a=1}'],
    [BYTES, Buffer.from([1, 2]), 'AQI='],
  ])('writes %# as its text', async (schema, value, text) => {
    expect(await write(await converterOf('StringConverter'), schema, value)).toBe(text);
  });

  test('other encodings, and what they do not have', async () => {
    const converter = await converterOf('StringConverter', { 'converter.encoding': 'ISO-8859-1' });
    expect(await converter.fromConnect('topic', [], STRING, 'é')).toEqual(Buffer.from([0xe9]));
    expect(await converter.toConnect('topic', [], Buffer.from([0xe9]))).toEqual({
      schema: OPTIONAL_STRING,
      value: 'é',
    });
    await expect(write(converter, STRING, '€')).rejects.toThrow('does not have all characters');
    await expect(converterOf('StringConverter', { 'converter.encoding': 'nope' })).rejects.toThrow(
      'Unsupported encoding',
    );
  });
});

describe('texts that say their types', () => {
  test.each<[string, string, unknown]>([
    ['1', 'int8', 1],
    ['128', 'int16', 128],
    ['40000', 'int32', 40000],
    ['3000000000', 'int64', 3000000000n],
    ['1e2', 'int8', 100],
    ['1.5', 'float32', 1.5],
    ['3.5e39', 'float64', 3.5e39],
    ['true', 'boolean', true],
    [' 5 ', 'int8', 5],
    ['2024-02-29', 'int32', new Date('2024-02-29')],
    ['2024-02-29T12:34:56.789Z', 'int64', new Date('2024-02-29T12:34:56.789Z')],
    ['12:34:56.789Z', 'int32', new Date(45_296_789)],
    ['2024-02-30', 'string', '2024-02-30'],
    ['[1,300]', 'array', [1, 300]],
    ['[1, 3000000000]', 'array', [1n, 3000000000n]],
    ['{"a":1}', 'map', new Map([['a', 1]])],
    ['["2024-02-29"]', 'array', [new Date('2024-02-29')]],
    ['x', 'string', 'x'],
    ['10:30', 'string', '10:30'],
    ['1,2', 'string', '1,2'],
    ['[1,2]x', 'string', '[1,2]x'],
    ['[a]', 'string', '[a]'],
    ['NaN', 'string', 'NaN'],
    ['', 'string', ''],
  ])('%s is %s', (text, type, value) => {
    const found = parseValueText(text);
    expect([found.schema?.type, found.value]).toEqual([type, value]);
  });

  test('what has no common schema has none', () => {
    expect(parseValueText('[1,"a"]')).toEqual({ schema: null, value: [1, 'a'] });
    expect(parseValueText('[]')).toEqual({ schema: null, value: [] });
    expect(parseValueText('null')).toEqual({ schema: null, value: null });
  });

  test('what is written in quotes is read as it was', () => {
    const schema = arrayOf(STRING);
    fc.assert(
      fc.property(
        fc.array(
          fc.string().filter((text) => !/^\d/.test(text)),
          { minLength: 1 },
        ),
        (list) => {
          expect(parseValueText(valueText(schema, list))).toEqual({
            schema: parseValueText('["a"]').schema,
            value: list,
          });
        },
      ),
    );
  });

  test('a text that nests without an end is a string', () => {
    const text = '['.repeat(100_000);
    expect(parseValueText(text).value).toBe(text);
  });

  test('headers are written and read so', async () => {
    const plugin = await plugins.load('SimpleHeaderConverter', 'header_converter');
    const converter = plugin.create({}, {});
    const there = (schema: Schema | null, value: unknown) => converter.fromConnect('t', 'h', schema, value);
    expect(there(null, null)).toBeNull();
    expect(there(null, { a: [1, 'x'] })).toEqual(Buffer.from('{"a":[1,"x"]}'));
    expect(there(date(), new Date('1970-01-01'))).toEqual(Buffer.from('1970-01-01'));
    expect(converter.toConnect('t', 'h', Buffer.from('5'))).toMatchObject({ value: 5 });
    expect(schemaJson(converter.toConnect('t', 'h', null).schema)).toBeNull();
  });
});
