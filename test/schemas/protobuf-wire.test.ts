// The one reader of Protobuf's wire: what it takes, and that nothing makes it read where it should not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCALARS, type ScalarName, type ScalarValue, zeroOf } from '../../src/schemas/protobuf/scalars.ts';
import { BrokenMessage, WIRE, WireReader } from '../../src/util/index.ts';
import { putDelimited, putTag } from '../../src/schemas/protobuf/wire-writer.ts';
import { ByteWriter } from '../../src/util/index.ts';

const names = Object.keys(SCALARS) as ScalarName[];

function valuesOf(name: ScalarName): fc.Arbitrary<ScalarValue> {
  const row = SCALARS[name];
  if ('range' in row) {
    const [min, max] = [BigInt(row.range[0]), BigInt(row.range[1])];
    return fc.bigInt({ min, max }).map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
  }
  if (name === 'double') return fc.double();
  if (name === 'float') return fc.float();
  if (name === 'bool') return fc.boolean();
  return name === 'string' ? fc.string({ unit: 'grapheme' }) : fc.uint8Array().map((bytes) => Buffer.from(bytes));
}

/** The bytes between foreign ones, which a reader that stays inside never sees. */
function amidForeign(bytes: Buffer): WireReader {
  const foreign = Buffer.alloc(40, 0x7f);
  return new WireReader(Buffer.concat([foreign, bytes, foreign]), foreign.length, foreign.length + bytes.length);
}

describe('scalars', () => {
  test.each(names)('%s: what is written is read back, and no part of it is', (name) => {
    const row = SCALARS[name];
    fc.assert(
      fc.property(valuesOf(name), (value) => {
        const out = new ByteWriter(1);
        row.write(value, out);
        const bytes = out.copy();
        const reader = amidForeign(bytes);
        expect(row.read(reader)).toEqual(value);
        expect(reader.isAtEnd).toBe(true);
        for (let cut = 0; cut < bytes.length; cut++) {
          expect(() => row.read(amidForeign(bytes.subarray(0, cut)))).toThrow(BrokenMessage);
        }
      }),
      { numRuns: 100 },
    );
  });

  test.each(names)('%s: the ends of its range, and its zero', (name) => {
    const row = SCALARS[name];
    for (const value of [...('range' in row ? row.range : []), zeroOf(name)]) {
      const out = new ByteWriter(1);
      row.write(value, out);
      expect(row.read(amidForeign(out.copy()))).toEqual(value);
    }
  });

  test('integers of 32 bits take their lower half from longer numbers, as everywhere', () => {
    const long = Buffer.from('ffffffffffffffffff01', 'hex');
    expect(new WireReader(long).int32()).toBe(-1);
    expect(new WireReader(long).uint32()).toBe(2 ** 32 - 1);
    expect(new WireReader(long).int64()).toBe(-1);
    expect(new WireReader(long).uint64()).toBe(2n ** 64n - 1n);
    expect(new WireReader(Buffer.from('808080808001', 'hex')).bool()).toBe(true);
  });

  test('64-bit integers are numbers as long as they are safe ones', () => {
    for (const value of [2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n) + 1n, -(2n ** 53n)]) {
      const out = new ByteWriter();
      SCALARS.sint64.write(value, out);
      const back = SCALARS.sint64.read(new WireReader(out.copy()));
      expect(typeof back).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint');
      expect(BigInt(back)).toBe(value);
    }
  });
});

test('lengths of every size stand before what they measure', () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const out = new ByteWriter(1);
    const text = 'x'.repeat(length);
    putDelimited(() => out.utf8(text), out);
    putTag(2 ** 29 - 1, WIRE.FIXED32, out);
    const reader = new WireReader(out.copy());
    expect(reader.string()).toBe(text);
    expect(reader.tag()).toBe((2 ** 29 - 1) * 8 + WIRE.FIXED32);
  }
});

const skipAll = (reader: WireReader) => {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) reader.skip(tag);
};

describe('unknown fields are passed over', () => {
  test.each([
    ['varints', '0896017801'],
    ['fixed ones', '0d01020304 09 0102030405060708'],
    ['lengths', '0a03616263 0a00'],
    ['groups, also in groups', '0b 1801 13 0a0161 14 0c'],
    ['the largest number', 'f8ffffff0f01'],
  ])('%s', (_what, hex) => {
    expect(() => skipAll(amidForeign(Buffer.from(hex.replaceAll(' ', ''), 'hex')))).not.toThrow();
  });
});

describe('hostile bytes', () => {
  test.each([
    ['field number 0', '0001', 'no field number 0'],
    ['a field number of more than 29 bits', '80808080 10 01', 'too many digits'],
    ['wire type 6', '0e01', 'unknown wire type 6'],
    ['wire type 7', '0f01', 'unknown wire type 7'],
    ['a number of eleven bytes', '08 80808080808080808080 01', 'more than ten bytes'],
    ['a number that never ends', '08 808080', 'in the middle of a number'],
    ['a tag without a value', '08', 'ends where a number should be'],
    ['a length beyond the end', '0a 0a 616263', 'a length is 10, but the message around it has 3 bytes left'],
    ['a length of 4 GiB', '0a ffffffff0f 61', 'a length is 4294967295'],
    ['a length of 64 bits', '0a ffffffffffffffffff01 61', 'a length is 18446744073709551615'],
    ['eight bytes of which there are seven', '09 01020304050607', 'a value has 8 bytes'],
    ['four bytes of which there are three', '0d 010203', 'a value has 4 bytes'],
    ['a group without an end', '0b 0801', 'the group 1 does not end'],
    ['a group that ends as another', '0b 14', 'the group 2 ends without a start'],
    ['an end without a group', '0c', 'the group 1 ends without a start'],
    ['groups without end in groups', '0b'.repeat(100_000), 'deeper than 100 levels'],
  ])('%s', (_what, hex, reason) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(() => skipAll(amidForeign(bytes))).toThrow(reason);
    expect(() => skipAll(amidForeign(bytes))).toThrow(BrokenMessage);
  });

  test('a message inside ends where its length says, whatever its own lengths claim', () => {
    // A message of three bytes, in which a text claims four; the record itself goes on.
    const bytes = Buffer.from('0a030a04616263646566', 'hex');
    const reader = new WireReader(bytes);
    reader.tag();
    expect(() =>
      reader.message((inner) => {
        inner.tag();
        return inner.string();
      }),
    ).toThrow('a length is 4, but the message around it has 1 bytes left');
  });

  test('a group inside of a message can’t be closed by what is behind the message', () => {
    const reader = new WireReader(Buffer.from('0a020b080c', 'hex'));
    reader.tag();
    expect(() => reader.message(skipAll)).toThrow(BrokenMessage);
  });

  test('messages in messages are limited, and the same reader serves again afterwards', () => {
    const nest = (reader: WireReader): void => {
      while (reader.tag() !== 0) reader.message(nest);
    };
    let deep: Buffer = Buffer.alloc(0);
    for (let i = 0; i < 101; i++) {
      const out = new ByteWriter();
      const inner = deep;
      putTag(1, WIRE.BYTES, out);
      putDelimited(() => out.bytes(inner), out);
      deep = out.copy();
    }
    const reader = new WireReader();
    expect(() => nest(reader.reset(deep, 0, deep.length))).toThrow('deeper than 100 levels');
    const good = Buffer.from('0a020a00', 'hex');
    for (let i = 0; i < 200; i++) nest(reader.reset(good, 0, good.length));
  });

  test('bytes at random are read or refused, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          skipAll(amidForeign(Buffer.from(bytes)));
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenMessage);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
