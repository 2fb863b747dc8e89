import fc from 'fast-check';
import { expect } from 'vitest';
import { DeserializationError, deserialize, type Serde, serialize } from '../../src/serde/index.ts';

export const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(whole);
export const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(whole);

function whole(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** What the serde writes it reads again. The serde is prepared. */
export function expectRoundTrips<T>(serde: Serde<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => {
      expect(deserialize(serde, serialize(serde, value))).toEqual(value);
    }),
  );
}

/** Whatever stands behind the envelope of `valid`: values or a `DeserializationError`. What never ended would end the test. */
export function expectBoundedOnHostileBytes<T>(serde: Serde<T>, valid: T): void {
  const bytes = serialize(serde, valid)!;
  const envelope = bytes.subarray(0, 5);
  const survives = (payload: Uint8Array): void => {
    try {
      deserialize(serde, Buffer.concat([envelope, payload]));
    } catch (error) {
      expect(error).toBeInstanceOf(DeserializationError);
    }
  };
  const payload = bytes.subarray(5);
  for (let length = 0; length < payload.length; length++) survives(payload.subarray(0, length));
  const broken = fc
    .array(fc.tuple(fc.nat(payload.length - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff)), { minLength: 1 })
    .map((changes) => {
      const copy = Buffer.from(payload);
      for (const [at, byte] of changes) copy[at] = byte;
      return copy;
    });
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), broken), survives), { numRuns: 1000 });
}
