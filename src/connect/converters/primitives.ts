// The converters of single values: bytes, booleans, and numbers as Kafka's own serializers write them (big-endian). What has
// another type than theirs is refused.
import { DataError } from '../data/errors.ts';
import { OPTIONAL_BYTES, primitive, type SchemaType } from '../data/schema.ts';
import { bothPlugins, type Coder } from './both-plugins.ts';

type Primitive = Exclude<SchemaType, 'array' | 'map' | 'struct'>;

/** A type of values whose bytes all have the same length. */
interface Fixed {
  readonly className: string;
  /** What it is called in errors. */
  readonly name: string;
  readonly type: Primitive;
  readonly size: number;
  write(value: unknown, out: Buffer): void;
  read(bytes: Buffer): unknown;
}

const PACKAGE = 'org.apache.kafka.connect.converters';

const FIXED: readonly Fixed[] = [
  {
    className: `${PACKAGE}.ShortConverter`,
    name: 'short',
    type: 'int16',
    size: 2,
    write: (value, out) => out.writeInt16BE(whole(value)),
    read: (bytes) => bytes.readInt16BE(),
  },
  {
    className: `${PACKAGE}.IntegerConverter`,
    name: 'integer',
    type: 'int32',
    size: 4,
    write: (value, out) => out.writeInt32BE(whole(value)),
    read: (bytes) => bytes.readInt32BE(),
  },
  {
    className: `${PACKAGE}.LongConverter`,
    name: 'long',
    type: 'int64',
    size: 8,
    write(value, out) {
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw new TypeError('it is no whole number');
      out.writeBigInt64BE(BigInt(value as bigint | number));
    },
    read: (bytes) => bytes.readBigInt64BE(),
  },
  {
    className: `${PACKAGE}.FloatConverter`,
    name: 'float',
    type: 'float32',
    size: 4,
    write: (value, out) => out.writeFloatBE(number(value)),
    read: (bytes) => bytes.readFloatBE(),
  },
  {
    className: `${PACKAGE}.DoubleConverter`,
    name: 'double',
    type: 'float64',
    size: 8,
    write: (value, out) => out.writeDoubleBE(number(value)),
    read: (bytes) => bytes.readDoubleBE(),
  },
  {
    className: `${PACKAGE}.BooleanConverter`,
    name: 'boolean',
    type: 'boolean',
    size: 1,
    write(value, out) {
      if (typeof value !== 'boolean') throw new TypeError('it is no boolean');
      out[0] = value ? 1 : 0;
    },
    read(bytes) {
      if (bytes[0]! > 1) throw new RangeError(`Unexpected byte ${bytes[0]} received by deserializer of booleans`);
      return bytes[0] === 1;
    },
  },
];

function whole(value: unknown): number {
  if (!Number.isInteger(value)) throw new TypeError('it is no whole number');
  return value as number;
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('it is no number');
  return value;
}

function fixedCoder({ name, type, size, write, read }: Fixed): Coder {
  const schema = primitive(type, { optional: true });
  return {
    fromConnect(given, value) {
      if (given !== null && given.type !== type)
        throw new DataError(`Invalid schema type for the converter of ${name}s: ${given.type.toUpperCase()}`);
      if (value === null || value === undefined) return null;
      const bytes = Buffer.alloc(size);
      try {
        write(value, bytes);
      } catch (error) {
        throw new DataError(`Failed to serialize to ${name} (was ${typeof value}): ${(error as Error).message}`, error);
      }
      return bytes;
    },
    toConnect(bytes) {
      if (bytes === null) return { schema, value: null };
      if (bytes.length !== size)
        throw new DataError(`Failed to deserialize ${name}: Size of data received is not ${size} but ${bytes.length}`);
      try {
        return { schema, value: read(bytes) };
      } catch (error) {
        throw new DataError(`Failed to deserialize ${name}: ${(error as Error).message}`, error);
      }
    },
  };
}

const bytesCoder: Coder = {
  fromConnect(schema, value) {
    if (schema !== null && schema.type !== 'bytes')
      throw new DataError(`Invalid schema type for ByteArrayConverter: ${schema.type.toUpperCase()}`);
    if (value === null || value === undefined) return null;
    if (!(value instanceof Uint8Array))
      throw new DataError(`ByteArrayConverter is not compatible with objects of type ${typeof value}`);
    return Buffer.from(value.buffer, value.byteOffset, value.length);
  },
  toConnect: (value) => ({ schema: OPTIONAL_BYTES, value }),
};

/** The converters of numbers, booleans and bytes. */
export const primitiveConverters = [
  ...FIXED.flatMap((fixed) => bothPlugins(fixed.className, {}, () => fixedCoder(fixed))),
  ...bothPlugins(`${PACKAGE}.ByteArrayConverter`, {}, () => bytesCoder),
];
