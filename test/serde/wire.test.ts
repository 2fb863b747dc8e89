// The bytes, written by hand from the description of the wire formats.
import { describe, expect, test } from 'vitest';
import {
  avroSerde,
  deserialize,
  deserializeLoading,
  headersOf,
  jsonSchemaSerde,
  MemorySchemas,
  protobufSerde,
  type RegistryOptions,
  type Serde,
  serialize,
} from '../../src/serde/index.ts';

const PROTO = `syntax = "proto3";
package shop;
message Order { int32 id = 1; message Line { string item = 1; message Tax { int32 percent = 1; } } }
message Refund { int32 id = 1; }`;

const avroPair = {
  type: 'record',
  name: 'Pair',
  fields: [
    { name: 'a', type: 'int' },
    { name: 'b', type: 'string' },
  ],
};
const jsonPair = { type: 'object', title: 'Pair' };

interface Vector {
  readonly name: string;
  readonly type: 'AVRO' | 'PROTOBUF' | 'JSON';
  readonly serde: (options: RegistryOptions) => Serde<unknown>;
  readonly schema: string;
  readonly value: unknown;
  /** What stands between the id (or the GUID) and the payload. */
  readonly lead: string;
  readonly payload: string;
}

const avro = (name: string, schema: never, value: unknown, payload: string): Vector => ({
  name: `Avro ${name}`,
  type: 'AVRO',
  serde: (options) => avroSerde<unknown>({ ...options, schema }),
  schema: JSON.stringify(schema),
  value,
  lead: '',
  payload,
});
const protobuf = (messageName: string | undefined, value: unknown, lead: string, payload: string): Vector => ({
  name: `Protobuf ${messageName}`,
  type: 'PROTOBUF',
  serde: (options) => protobufSerde<unknown>({ ...options, schema: PROTO, messageName }),
  schema: PROTO,
  value,
  lead,
  payload,
});

const vectors: readonly Vector[] = [
  avro('record', avroPair as never, { a: -1, b: 'hi' }, '01046869'),
  avro('long', 'long' as never, 64, '8001'),
  avro('string', 'string' as never, 'a', '0261'),
  // A value that is nothing but bytes has no length in front.
  avro('bytes', 'bytes' as never, Buffer.from('abc'), '616263'),
  protobuf(undefined, { id: 5 }, '00', '0805'),
  protobuf('Refund', { id: 5 }, '0202', '0805'),
  protobuf('Order.Line', { item: 'x' }, '040000', '0a0178'),
  protobuf('shop.Order.Line.Tax', { percent: 1 }, '06000000', '0801'),
  {
    name: 'JSON Schema',
    type: 'JSON',
    serde: (options) => jsonSchemaSerde<unknown>({ ...options, schema: jsonPair }),
    schema: JSON.stringify(jsonPair),
    value: { a: 'ö' },
    lead: '',
    payload: Buffer.from('{"a":"ö"}').toString('hex'),
  },
];

describe.each(vectors)('$name', ({ type, serde, schema, value, lead, payload }) => {
  const ID = 0x01020304;

  function registry(): { schemas: MemorySchemas; guid: string } {
    const schemas = new MemorySchemas();
    schemas.add('t-value', { schemaType: type, schema }, ID);
    return { schemas, guid: schemas.cached(ID)!.guid!.replaceAll('-', '') };
  }

  test('with a prefix: 00, the id, the payload', async () => {
    const { schemas } = registry();
    const writer = serde({ schemas, topic: 't' });
    await writer.prepare?.();
    expect(serialize(writer, value)!.toString('hex')).toBe(`0001020304${lead}${payload}`);
    expect(headersOf(writer)).toEqual([]);
    expect(
      await deserializeLoading(serde({ schemas, topic: 'other' }), Buffer.from(`0001020304${lead}${payload}`, 'hex')),
    ).toEqual(value);
  });

  test('with a header: 01, the GUID; the payload alone', async () => {
    const { schemas, guid } = registry();
    for (const isKey of [false, true]) {
      schemas.add('t-key', { schemaType: type, schema }, ID);
      const writer = serde({ schemas, topic: 't', isKey, schemaIdIn: 'header' });
      await writer.prepare?.();
      const bytes = serialize(writer, value);
      const headers = headersOf(writer);
      expect(bytes!.toString('hex')).toBe(payload);
      expect(headers.map((header) => [header.key, Buffer.from(header.value!).toString('hex')])).toEqual([
        [isKey ? '__key_schema_id' : '__value_schema_id', `01${guid}${lead}`],
      ]);
      // Every serde reads both forms, and the one side's header is not the other's.
      expect(await deserializeLoading(serde({ schemas, topic: 'other', isKey }), bytes, headers)).toEqual(value);
      expect(() => deserialize(serde({ schemas, topic: 'other', isKey: !isKey }), bytes, headers)).toThrow(
        'without a registry',
      );
    }
  });

  test('a header goes before a prefix, the last of several counts, and it may hold an id', async () => {
    const { schemas } = registry();
    const header = (hex: string) => ({ key: '__value_schema_id', value: Buffer.from(hex, 'hex') });
    const headers = [header('0000000009'), header(`0001020304${lead}`)];
    expect(await deserializeLoading(serde({ schemas, topic: 't' }), Buffer.from(payload, 'hex'), headers)).toEqual(
      value,
    );
    await expect(
      deserializeLoading(serde({ schemas, topic: 't' }), Buffer.from(payload, 'hex'), [header('02')]),
    ).rejects.toThrow('neither a schema id nor a GUID');
  });
});

test('the first message of a file is read in the long form, too', async () => {
  const schemas = new MemorySchemas();
  schemas.add('t-value', { schemaType: 'PROTOBUF', schema: PROTO }, 7);
  for (const indexes of ['00', '0200']) {
    const bytes = Buffer.from(`0000000007${indexes}0805`, 'hex');
    expect(await deserializeLoading(protobufSerde({ schemas, topic: 't' }), bytes)).toEqual({ id: 5 });
  }
  for (const indexes of ['0208', '01', 'ffffffffff', '8080', 'c801']) {
    const bytes = Buffer.from(`0000000007${indexes}`, 'hex');
    await expect(deserializeLoading(protobufSerde({ schemas, topic: 't' }), bytes)).rejects.toThrow(/message/);
  }
});
