import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AvroSchema,
  avroSerde,
  DeserializationError,
  deserialize,
  MemorySchemas,
  type Serde,
  serialize,
} from '../../src/serde/index.ts';
import { expectBoundedOnHostileBytes, expectRoundTrips, int64 } from './support.ts';

async function serdeOf<T>(schema: AvroSchema): Promise<Serde<T>> {
  const serde = avroSerde<T>({ schemas: new MemorySchemas(), topic: 't', schema });
  await serde.prepare?.();
  return serde;
}

const flight = {
  type: 'record',
  name: 'Flight',
  fields: [
    { name: 'origin', type: 'string' },
    { name: 'delay', type: ['null', 'int'], default: null },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'crew', type: { type: 'array', items: 'long' } },
    { name: 'seats', type: { type: 'map', values: 'bytes' } },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['PLANNED', 'LANDED'] } },
    { name: 'next', type: ['null', 'Flight'], default: null },
  ],
};

interface Flight {
  origin: string;
  delay: number | null;
  at: number | bigint;
  crew: (number | bigint)[];
  seats: Record<string, Buffer>;
  state: string;
  next: Flight | null;
}

const { flights } = fc.letrec<{ flights: Flight }>((tie) => ({
  flights: fc.record({
    origin: fc.string({ unit: 'grapheme' }),
    delay: fc.option(fc.integer()),
    at: int64,
    crew: fc.array(int64),
    seats: fc.dictionary(
      fc.string(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      { noNullPrototype: true },
    ),
    state: fc.constantFrom('PLANNED', 'LANDED'),
    next: fc.option(tie('flights'), { maxDepth: 3 }),
  }),
}));

const some: Flight = {
  origin: 'SFO',
  delay: 3,
  at: 2n ** 60n,
  crew: [1, 2],
  seats: { a: Buffer.of(1) },
  state: 'LANDED',
  next: null,
};

describe('Avro', () => {
  test('round-trips records, big longs included', async () => {
    const serde = await serdeOf<Flight>(flight);
    // avsc makes objects of a class of their own.
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)));
    fc.assert(
      fc.property(flights, (value) => {
        expect(plain(deserialize(serde, serialize(serde, value)))).toEqual(plain(value));
      }),
    );
  });

  test('a value that is only bytes, and other bare values', async () => {
    expectRoundTrips(
      await serdeOf<Buffer>('bytes'),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    expectRoundTrips(await serdeOf<number | bigint>('long'), int64);
    expectRoundTrips(await serdeOf<string | null>(['null', 'string']), fc.string());
  });

  test('an ambiguous union says which branch a value is of, also of a big long', async () => {
    const serde = await serdeOf<unknown>(['int', 'long', 'string']);
    for (const value of [{ int: 5 }, { long: 5 }, { long: 2n ** 62n }, { string: 'x' }]) {
      expect(deserialize(serde, serialize(serde, value))).toEqual(value);
    }
  });

  test('names the field that does not fit', async () => {
    const serde = await serdeOf<unknown>(flight);
    expect(() => serialize(serde, { ...some, delay: 'late' })).toThrow(/delay is "late"/);
    expect(() => serialize(serde, { ...some, at: 2n ** 64n })).toThrow('at is 18446744073709551616, not long');
    expect(() => serialize(serde, { ...some, crew: [1, 'x'] })).toThrow('crew.1 is "x", not long');
    expect(() => serialize(serde, { ...some, next: { ...some, state: 'GONE' } })).toThrow(/next.*is/);
    expect(() => serialize(serde, 5)).toThrow('the value is 5, not Flight');
    expect(() => serialize(serde, { origin: 'SFO' })).toThrow('at is undefined');
  });

  test('hostile bytes are refused soon', async () => {
    expectBoundedOnHostileBytes(await serdeOf<Flight>(flight), some);
    const nulls = await serdeOf<null[]>({ type: 'array', items: 'null' });
    const envelope = serialize(nulls, [])!.subarray(0, 5);
    const count = (hex: string) => () => deserialize(nulls, Buffer.concat([envelope, Buffer.from(hex, 'hex')]));
    expect(count('0600')()).toEqual([null, null, null]);
    // 2^40 items that take no bytes; twice 2^16 of them; a negative count, which has a size behind it.
    for (const hex of ['808080808080808080', '80808080804000', '808008808008', 'ffffffffff3f0000']) {
      expect(count(hex)).toThrow(DeserializationError);
    }
    const deep = await serdeOf<Flight>(flight);
    const head = serialize(deep, some)!.subarray(0, 5);
    const one = serialize(deep, { ...some, crew: [], seats: {} })!.subarray(5, -1);
    const nested = Buffer.concat([head, ...Array.from({ length: 200_000 }, () => Buffer.concat([one, Buffer.of(2)]))]);
    expect(() => deserialize(deep, nested)).toThrow(DeserializationError);
  });

  test('a key named __proto__ is a key', async () => {
    const serde = await serdeOf<Record<string, number>>({ type: 'map', values: 'int' });
    const value = JSON.parse('{"__proto__":1}') as Record<string, number>;
    expect(Object.keys(deserialize(serde, serialize(serde, value))!)).toEqual(['__proto__']);
  });
});
