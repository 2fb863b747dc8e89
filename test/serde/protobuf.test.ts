import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DeserializationError,
  deserialize,
  deserializeLoading,
  MemorySchemas,
  protobufSerde,
  type Serde,
  serialize,
} from '../../src/serde/index.ts';
import { expectBoundedOnHostileBytes, expectRoundTrips, int64, uint64 } from './support.ts';

const schema = `
syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum State { PLANNED = 0; LANDED = 1; }
message Flight {
  string flight_no = 1;
  int32 a_int32 = 2; sint32 a_sint32 = 3; uint32 a_uint32 = 4; fixed32 a_fixed32 = 5; sfixed32 a_sfixed32 = 6;
  int64 a_int64 = 7; sint64 a_sint64 = 8; uint64 a_uint64 = 9; fixed64 a_fixed64 = 10; sfixed64 a_sfixed64 = 11;
  double a_double = 12; float a_float = 13; bool a_bool = 14; bytes a_bytes = 15;
  State state = 16;
  repeated int64 crew = 17;
  repeated string stops = 18;
  map<string, int64> seats = 19;
  map<int64, State> states = 20;
  map<bool, Flight> legs = 21;
  optional int32 delay = 22;
  oneof who { string person = 23; int32 number = 24; }
  Flight next = 25;
  google.protobuf.Timestamp at = 26;
  google.protobuf.Int64Value wrapped = 27;
}`;

async function serdeOf<T>(text: string, messageName?: string): Promise<Serde<T>> {
  const serde = protobufSerde<T>({ schemas: new MemorySchemas(), topic: 't', schema: text, messageName });
  await serde.prepare?.();
  return serde;
}

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array().map((array) => Buffer.from(array));
const states = fc.constantFrom('PLANNED', 'LANDED');
const object = { noNullPrototype: true };

const { flights } = fc.letrec<{ flights: Record<string, unknown> }>((tie) => ({
  flights: fc
    .tuple(
      fc.record({
        flight_no: fc.string({ unit: 'grapheme' }),
        a_int32: fc.integer(),
        a_sint32: fc.integer(),
        a_uint32: uint32,
        a_fixed32: uint32,
        a_sfixed32: fc.integer(),
        a_int64: int64,
        a_sint64: int64,
        a_uint64: uint64,
        a_fixed64: uint64,
        a_sfixed64: int64,
        a_double: fc.double(),
        a_float: fc.float(),
        a_bool: fc.boolean(),
        a_bytes: bytes,
        state: states,
        crew: fc.array(int64),
        stops: fc.array(fc.string()),
        seats: fc.dictionary(fc.string(), int64, object),
        states: fc.dictionary(int64.map(String), states, object),
        legs: fc.constant({}),
      }),
      fc.record(
        {
          delay: fc.integer(),
          next: tie('flights'),
          at: fc.record({ seconds: int64, nanos: fc.integer() }),
          wrapped: fc.record({ value: int64 }),
        },
        { requiredKeys: [] },
      ),
      fc.oneof(fc.constant({}), fc.record({ person: fc.string() }), fc.record({ number: fc.integer() })),
      fc.option(tie('flights'), { nil: undefined, maxDepth: 2 }),
    )
    .map(([all, some, who, leg]) => ({ ...all, ...some, ...who, legs: leg === undefined ? {} : { true: leg } })),
}));

describe('Protobuf', () => {
  test('round-trips all types', async () => {
    expectRoundTrips(await serdeOf<Record<string, unknown>>(schema), flights);
  });

  test('gives what is absent its default, unless absence means something', async () => {
    const serde = await serdeOf<Record<string, unknown>>(schema);
    const empty = deserialize(serde, serialize(serde, {}))!;
    expect(empty).toMatchObject({ flight_no: '', a_int64: 0, a_bytes: Buffer.alloc(0), state: 'PLANNED', crew: [] });
    expect(Object.keys(empty).filter((name) => ['delay', 'person', 'number', 'next', 'at'].includes(name))).toEqual([]);
    // An enum is open: a number without a name is kept.
    expect(deserialize(serde, serialize(serde, { state: 7 }))).toMatchObject({ state: 7 });
  });

  test('names what does not fit', async () => {
    const serde = await serdeOf<unknown>(schema);
    const refused: readonly (readonly [unknown, string])[] = [
      [{ flightNo: 'x' }, 'flightNo: the message Flight has no such field'],
      [{ flight_no: 5 }, 'flight_no is 5, not a string'],
      [{ a_int32: 2 ** 31 }, 'a_int32 is 2147483648, not int32'],
      [{ a_uint32: -1 }, 'a_uint32 is -1, not uint32'],
      [{ a_int64: 2n ** 63n }, 'a_int64 is 9223372036854775808, not int64'],
      [{ a_int64: 2 ** 60 }, 'a_int64 is 1152921504606847000, not int64'],
      [{ a_uint64: -1n }, 'a_uint64 is -1, not uint64'],
      [{ a_bytes: 'x' }, 'a_bytes is "x", not bytes'],
      [{ state: 'GONE' }, 'state is "GONE", not a value of the enum State'],
      [{ crew: 5 }, 'crew is 5, not an array'],
      [{ crew: [1, null] }, 'crew[1] is null, not int64'],
      [{ seats: { a: 'x' } }, 'seats["a"] is "x", not int64'],
      [{ states: { a: 'LANDED' } }, 'states["a"] is "a", not int64'],
      [{ next: { next: { delay: 'x' } } }, 'next.next.delay is "x", not int32'],
      [{ person: 'a', number: 5 }, 'number: person is set, too, and only one field of who can be'],
      [5, 'the value is 5, not a Flight'],
    ];
    for (const [value, message] of refused) expect(() => serialize(serde, value)).toThrow(message);
    const cyclic: Record<string, unknown> = {};
    cyclic['next'] = cyclic;
    expect(() => serialize(serde, cyclic)).toThrow('messages deep');
    // A map's entry is a message, too: what is written can be read.
    const nested = (levels: number): unknown => (levels === 0 ? {} : { legs: { true: nested(levels - 1) } });
    expect(() => serialize(serde, nested(50))).toThrow('messages deep');
    expect(deserialize(serde, serialize(serde, nested(49)))).toMatchObject(nested(49) as object);
  });

  test('proto2: required fields, defaults, groups', async () => {
    const text = 'syntax = "proto2"; message A { required int32 a = 1; optional string b = 2 [default = "x"]; }';
    const serde = await serdeOf<unknown>(text);
    expect(() => serialize(serde, {})).toThrow('a is required');
    expect(deserialize(serde, serialize(serde, { a: 1 }))).toEqual({ a: 1 });
    const envelope = serialize(serde, { a: 1 })!.subarray(0, 6);
    expect(() => deserialize(serde, envelope)).toThrow('the field "a" of A is required, but missing');
    const groups =
      'syntax = "proto2"; message A { optional group G = 1 { optional int32 a = 1; } message B { optional int32 b = 1; } }';
    const inner = await serdeOf<unknown>(groups, 'B');
    // The group is not counted among the messages.
    expect(serialize(inner, { b: 1 })!.toString('hex')).toBe('00000000010400000801');
  });

  test('skips unknown fields', async () => {
    const schemas = new MemorySchemas();
    const one = 'syntax = "proto3"; message A { int32 a = 1; }';
    schemas.add('t-value', { schemaType: 'PROTOBUF', schema: one }, 1);
    const payload = Buffer.from(
      '000000000100 0805 1206616263646566 1d01020304 210102030405060708'.replaceAll(' ', ''),
      'hex',
    );
    expect(await deserializeLoading(protobufSerde({ schemas, topic: 't' }), payload)).toEqual({ a: 5 });
  });

  test('knows the files that everybody imports', async () => {
    const files = ['google/type/date.proto', 'confluent/meta.proto', 'confluent/type/decimal.proto'];
    const text = `syntax = "proto3"; ${files.map((file) => `import "${file}";`).join(' ')}
      message A { google.type.Date day = 1; confluent.type.Decimal price = 2 [(confluent.field_meta) = { params: [{ key: "scale", value: "2" }] }]; }`;
    const value = { day: { year: 2026, month: 1, day: 2 }, price: { value: Buffer.of(5), precision: 4, scale: 2 } };
    const serde = await serdeOf<typeof value>(text);
    expect(deserialize(serde, serialize(serde, value))).toEqual(value);
  });

  test('hostile bytes are refused soon', async () => {
    const serde = await serdeOf<Record<string, unknown>>(schema);
    const some = {
      flight_no: 'x',
      crew: [1, 2n ** 60n],
      seats: { a: 1 },
      legs: { true: { flight_no: 'y' } },
      next: { next: { delay: 1 } },
      at: { seconds: 1, nanos: 2 },
    };
    expectBoundedOnHostileBytes(serde, some);
    const envelope = serialize(serde, {})!;
    // `next` in `next` in `next`…, each with its right length.
    let nested = Buffer.alloc(0);
    for (let i = 0; i < 5000; i++) {
      const length: number[] = [];
      for (let rest = nested.length; ; rest >>>= 7) {
        length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
        if (rest <= 0x7f) break;
      }
      nested = Buffer.concat([Buffer.from([0xca, 0x01, ...length]), nested]);
    }
    expect(() => deserialize(serde, Buffer.concat([envelope, nested]))).toThrow(DeserializationError);
  });
});
