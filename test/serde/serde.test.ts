import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesSerde,
  DeserializationError,
  deserialize,
  doubleSerde,
  formatDelimited,
  integerSerde,
  jsonSerde,
  bigintSerde,
  longSerde,
  parseDelimited,
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

describe('Kafka primitives', () => {
  test('round-trip every value, anywhere in a buffer', () => {
    roundTrips(stringSerde, fc.string({ unit: 'grapheme' }));
    roundTrips(integerSerde, fc.integer());
    roundTrips(longSerde, fc.maxSafeInteger());
    roundTrips(bigintSerde, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
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
    expect(() => serialize(longSerde, 2 ** 53)).toThrow('a number holds exactly');
    expect(() => serialize(longSerde, 1n as never)).toThrow(SerializationError);
    for (const beyond of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
      const bytes = serialize(bigintSerde, beyond)!;
      expect(() => deserialize(longSerde, bytes)).toThrow(`${beyond} is more than a number holds exactly`);
    }
    expect(() => serialize(bigintSerde, 2n ** 63n)).toThrow('is not a bigint of 64 bits');
    expect(() => serialize(bigintSerde, 1 as never)).toThrow('is not a bigint of 64 bits');
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
