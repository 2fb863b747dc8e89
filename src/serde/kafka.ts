// Kafka's own primitive formats: what Java's Serdes.String(), Integer(), Long(), Double() and ByteArray() write.
import { DeserializationError, SerializationError, type Serde } from './serde.ts';

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;

/** UTF-8 text. */
export const stringSerde: Serde<string> = {
  name: 'KAFKA(STRING)',
  encode: (value, out) => out.utf8(value),
  decode: (bytes, start, end) => bytes.toString('utf8', start, end),
};

/** Four bytes, big-endian, signed. */
export const integerSerde: Serde<number> = {
  name: 'KAFKA(INTEGER)',
  encode(value, out) {
    if (!Number.isInteger(value) || value < -0x80000000 || value > 0x7fffffff) {
      throw new SerializationError(`${value} is not a 32-bit integer`);
    }
    out.int32(value);
  },
  decode(bytes, start, end) {
    if (end - start !== 4) throw wrongLength('INTEGER', 4, end - start);
    return bytes.readInt32BE(start);
  },
};

/**
 * Eight bytes, big-endian, signed, as a number. What a number does not hold exactly (beyond 2^53) is refused in both
 * directions: `bigintSerde` has it.
 */
export const longSerde: Serde<number> = {
  name: 'KAFKA(BIGINT)',
  encode(value, out) {
    if (!Number.isSafeInteger(value)) {
      throw new SerializationError(`${value} is not a 64-bit integer that a number holds exactly`);
    }
    out.int64(value);
  },
  decode(bytes, start, end) {
    if (end - start !== 8) throw wrongLength('BIGINT', 8, end - start);
    const value = bytes.readInt32BE(start) * 4294967296 + bytes.readUInt32BE(start + 4);
    if (!Number.isSafeInteger(value)) {
      const exact = bytes.readBigInt64BE(start);
      throw new DeserializationError(`${exact} is more than a number holds exactly; bigintSerde reads it`);
    }
    return value;
  },
};

/** Eight bytes, big-endian, signed, as a bigint. */
export const bigintSerde: Serde<bigint> = {
  name: 'KAFKA(BIGINT)',
  encode(value, out) {
    if (typeof value !== 'bigint' || value < MIN_LONG || value > MAX_LONG) {
      throw new SerializationError(`${value} is not a bigint of 64 bits`);
    }
    out.bigInt64(value);
  },
  decode(bytes, start, end) {
    if (end - start !== 8) throw wrongLength('BIGINT', 8, end - start);
    return bytes.readBigInt64BE(start);
  },
};

/** Eight bytes, IEEE 754, big-endian. */
export const doubleSerde: Serde<number> = {
  name: 'KAFKA(DOUBLE)',
  encode: (value, out) => out.float64(value),
  decode(bytes, start, end) {
    if (end - start !== 8) throw wrongLength('DOUBLE', 8, end - start);
    return bytes.readDoubleBE(start);
  },
};

/** The bytes as they are. */
export const bytesSerde: Serde<Uint8Array> = {
  name: 'KAFKA(BYTES)',
  encode: (value, out) => out.bytes(value),
  decode: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)),
};

function wrongLength(type: string, expected: number, actual: number): DeserializationError {
  return new DeserializationError(`${type} takes ${expected} bytes, got ${actual}`);
}
