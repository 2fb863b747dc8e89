import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AvroCodec,
  avroSerde,
  bytesSerde,
  DeserializationError,
  deserialize,
  doubleSerde,
  formatDelimited,
  integerSerde,
  jsonSerde,
  longSerde,
  parseDelimited,
  type RegisteredSchema,
  SchemaNotLoaded,
  type SchemaSource,
  type Serde,
  SerializationError,
  serialize,
  stringSerde,
} from '../../src/serde/index.ts';
import { ByteWriter } from '../../src/util/index.ts';

function roundTrips<T>(serde: Serde<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, fc.nat(9), (value, offset) => {
      const out = new ByteWriter(1);
      out.bytes(Buffer.alloc(offset));
      serde.encode(value, out);
      const end = out.position;
      out.bytes(Buffer.alloc(3));
      expect(serde.decode(out.buffer, offset, end)).toEqual(value);
    }),
  );
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
});

describe('Kafka primitives', () => {
  test('round-trip every value, anywhere in a buffer', () => {
    roundTrips(stringSerde, fc.string({ unit: 'grapheme' }));
    roundTrips(integerSerde, fc.integer());
    roundTrips(longSerde, int64);
    roundTrips(doubleSerde, fc.double());
    roundTrips(
      bytesSerde,
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
  });

  test('are the bytes that the Java serdes write', () => {
    expect(serialize(longSerde, 42)?.toString('hex')).toBe('000000000000002a');
    expect(serialize(longSerde, -1)?.toString('hex')).toBe('ffffffffffffffff');
    expect(serialize(integerSerde, -2)?.toString('hex')).toBe('fffffffe');
    expect(serialize(doubleSerde, 1.5)?.toString('hex')).toBe('3ff8000000000000');
    expect(serialize(stringSerde, 'ö')?.toString('hex')).toBe('c3b6');
  });

  test('refuse what does not fit', () => {
    expect(() => serialize(integerSerde, 2 ** 31)).toThrow(SerializationError);
    expect(() => serialize(longSerde, 1.5)).toThrow('1.5 is not a 64-bit integer');
    expect(() => deserialize(longSerde, Buffer.alloc(4))).toThrow('BIGINT takes 8 bytes, got 4');
  });

  test('leave null alone', () => {
    expect(serialize(stringSerde, null)).toBeNull();
    expect(deserialize(stringSerde, null)).toBeNull();
  });
});

describe('JSON', () => {
  test('round-trips', () =>
    roundTrips(
      jsonSerde<unknown>(),
      fc.jsonValue({ noUnicodeString: false }).map((v) => JSON.parse(JSON.stringify(v)) as unknown),
    ));

  test('says what is wrong with the text', () => {
    expect(() => deserialize(jsonSerde(), Buffer.from('{"a":'))).toThrow(DeserializationError);
    expect(() => serialize(jsonSerde<unknown>(), undefined)).toThrow('JSON has no form for a value of type undefined');
  });
});

describe('delimited lines', () => {
  test('round-trip every list of fields', () => {
    const field = fc.option(fc.string(), { nil: null });
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 2, maxLength: 6 }),
        fc.constantFrom(',', '|', '\t'),
        (fields, delimiter) => {
          // Behind the first field an empty string is written like null: Commons CSV's minimal quoting does not tell them apart.
          const expected = fields.map((text, i) => (text === '' && i > 0 ? null : text));
          expect(parseDelimited(formatDelimited(fields, delimiter), delimiter)).toEqual(expected);
        },
      ),
    );
  });

  test('quote as Commons CSV does', () => {
    expect(formatDelimited(['-10', '-10', 'a,b', 'say "x"', null])).toBe('"-10",-10,"a,b","say ""x""",');
    expect(formatDelimited([null, null, '100'])).toBe(',,100');
  });

  test('point at a broken quote', () => {
    expect(() => parseDelimited('a,"b')).toThrow('the quote opened at column 3 is never closed');
    expect(() => parseDelimited('"a"b,c')).toThrow('unexpected text after the closing quote at column 4');
  });
});

const flight = {
  type: 'record',
  name: 'Flight',
  fields: [
    { name: 'origin', type: 'string' },
    { name: 'delay', type: ['null', 'int'], default: null },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};

describe('Avro', () => {
  test('round-trips records, big longs included', () => {
    const codec = new AvroCodec<{ origin: string; delay: number | null; at: number | bigint }>(flight);
    fc.assert(
      fc.property(fc.record({ origin: fc.string(), delay: fc.option(fc.integer()), at: int64 }), (value) => {
        const out = new ByteWriter(1);
        codec.encode(value, out);
        expect({ ...codec.decode(out.buffer, 0, out.position) }).toEqual(value);
      }),
    );
  });

  test('wraps values in the registry envelope and loads unknown schemas on demand', async () => {
    const schemas = new OneSchema();
    const serde = avroSerde<{ origin: string }>({ schemas, subject: 'flights-value', schema: flight });
    expect(() => serialize(serde, { origin: 'SFO' })).toThrow('has not been registered yet');
    await serde.prepare?.();
    const bytes = serialize(serde, { origin: 'SFO', delay: 3, at: 5 } as { origin: string })!;
    expect(bytes.subarray(0, 5).toString('hex')).toBe('0000000007');

    const reader = avroSerde<{ origin: string }>({ schemas, subject: 'x', schema: flight });
    let missing: unknown;
    try {
      deserialize(reader, bytes);
    } catch (error) {
      missing = error;
    }
    expect(missing).toBeInstanceOf(SchemaNotLoaded);
    await (missing as SchemaNotLoaded).load();
    expect(deserialize(reader, bytes)).toMatchObject({ origin: 'SFO', delay: 3, at: 5 });
  });

  test('never throws anything but a DeserializationError on random bytes', () => {
    const codec = new AvroCodec<unknown>(flight);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          codec.decode(Buffer.from(bytes), 0, bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DeserializationError);
        }
      }),
    );
  });
});

/** A registry that knows one schema, and only after being asked for it. */
class OneSchema implements SchemaSource {
  #text = '';
  #loaded = false;

  cached(id: number): RegisteredSchema | undefined {
    return this.#loaded ? { id, schemaType: 'AVRO', schema: this.#text } : undefined;
  }

  async byId(id: number): Promise<RegisteredSchema> {
    this.#loaded = true;
    return { id, schemaType: 'AVRO', schema: this.#text };
  }

  async latest(): Promise<undefined> {
    return undefined;
  }

  async register(_subject: string, _type: string, schema: string): Promise<number> {
    this.#text = schema;
    return 7;
  }
}
