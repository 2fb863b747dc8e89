// Protobuf messages as plain values, and back: one pair of functions per message type, made when first needed, since messages
// contain themselves.
import {
  embedded,
  type EnumType,
  type FieldReading,
  type FieldType,
  lastOf,
  listOf,
  mapOf,
  type MessageField,
  messageReader,
  type MessageType,
  putVarint,
  SCALARS,
  type ScalarName,
  type ScalarValue,
  tagged,
  taggedList,
  WireReader,
  type WriteValue,
  zeroOf,
} from '../schemas/index.ts';
import type { ByteWriter } from '../util/index.ts';
import { SerializationError } from './serde.ts';

type Fields = Record<string, unknown>;

export interface MessageValues {
  /** Reads a message up to its end. */
  read(reader: WireReader): Fields;
  /** Appends the message of a value. Throws `Misfit`. */
  readonly write: WriteValue<unknown>;
}

/** As deep as messages are read. */
const DEPTH_MAX = 100;

const made = new WeakMap<MessageType, MessageValues>();

export function messageValues(type: MessageType): MessageValues {
  let values = made.get(type);
  if (values === undefined) {
    values = { read: reading(type), write: writing(type) };
    made.set(type, values);
  }
  return values;
}

// --- reading -----------------------------------------------------------------------------------------------------------

/** What is absent, and means something by that, is null among the values and left out of the object. */
function reading(type: MessageType): (reader: WireReader) => Fields {
  const names = type.fields.map(({ name }) => name);
  const read = messageReader(type, type.fields.map(fieldReading));
  return (reader) => {
    const values = read(reader);
    const object: Fields = {};
    for (let i = 0; i < names.length; i++) {
      const value = values[i];
      if (value !== null) set(object, names[i]!, value);
    }
    return object;
  };
}

function fieldReading(field: MessageField): FieldReading {
  const { type, isRepeated, presence } = field;
  if (type.kind === 'message' && type.message.isMapEntry) {
    // Keys of objects are texts.
    return mapOf(
      field,
      embedded(field, entryReading(type.message)),
      (): Fields => ({}),
      (object, [key, value]) => set(object, String(key), value),
    );
  }
  const read = valueReading(field);
  if (isRepeated) return listOf(field, read);
  return lastOf(field, read, presence === 'explicit' ? null : zero(field));
}

function entryReading(type: MessageType): (reader: WireReader) => readonly unknown[] {
  const read = messageReader(type, type.fields.map(fieldReading));
  const value = type.fields[1]!.type;
  if (value.kind !== 'message') return read;
  return (reader) => {
    const [key, found] = read(reader);
    // An entry has a value even where its bytes do not.
    return [key, found ?? messageValues(value.message).read(new WireReader())];
  };
}

function zero({ type }: MessageField): unknown {
  if (type.kind === 'scalar') return zeroOf(type.scalar);
  return type.kind === 'enum' ? type.enumeration.first : null;
}

function valueReading(field: MessageField): (reader: WireReader) => unknown {
  const { type } = field;
  switch (type.kind) {
    case 'scalar':
      return SCALARS[type.scalar].read;
    case 'enum': {
      const { names } = type.enumeration;
      return (reader) => {
        const number = reader.int32();
        return names.get(number) ?? number;
      };
    }
    default: {
      // Messages contain themselves: asked for when there is one.
      let values: MessageValues | undefined;
      return embedded(field, (reader) => {
        values ??= messageValues(type.message);
        return values.read(reader);
      });
    }
  }
}

// --- writing -----------------------------------------------------------------------------------------------------------

/** Why a value does not fit, as the end of a sentence that begins with its place; those around the value add that. */
class Misfit extends SerializationError {
  readonly #reason: string;
  readonly #place: string;

  constructor(reason: string, place = '') {
    super(`${place === '' ? 'the value' : place.replace(/^\./, '')}${reason}`);
    this.#reason = reason;
    this.#place = place;
  }

  within(place: string): Misfit {
    return new Misfit(this.#reason, place + this.#place);
  }
}

/** Writes what stands at this place of a value. */
function at<T>(place: string, write: WriteValue<T>, value: T, out: ByteWriter): void {
  try {
    write(value, out);
  } catch (error) {
    throw error instanceof Misfit ? error.within(place) : error;
  }
}

/** How many messages are around the one that is being written: a value may contain itself. */
let depth = 0;

/** Writes a message or a map's entry, which is one, too. */
function deeper<T>(write: WriteValue<T>): WriteValue<T> {
  return (value, out) => {
    if (depth === DEPTH_MAX) throw new SerializationError(`the value is more than ${DEPTH_MAX} messages deep`);
    depth++;
    try {
      write(value, out);
    } finally {
      depth--;
    }
  };
}

function writing(type: MessageType): WriteValue<unknown> {
  const names = new Set(type.fields.map(({ name }) => name));
  // In the order of their numbers, as Protobuf's own libraries write.
  const fields = type.fields
    .toSorted((a, b) => a.number - b.number)
    .map((field) => ({ field, place: `.${field.name}`, write: fieldWriting(field) }));
  const writeFields = deeper((given: Fields, out) => {
    const oneofs = new Map<string, string>();
    for (const { field, place, write } of fields) {
      const value = Object.hasOwn(given, field.name) ? given[field.name] : undefined;
      if (value === undefined || value === null) {
        if (field.presence === 'required') throw new Misfit(' is required', place);
        continue;
      }
      if (field.oneof !== undefined) {
        const other = oneofs.get(field.oneof);
        if (other !== undefined) {
          throw new Misfit(`: ${other} is set, too, and only one field of ${field.oneof} can be`, place);
        }
        oneofs.set(field.oneof, field.name);
      }
      at(place, write, value, out);
    }
  });
  return (value, out) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      throw misfit(value, `a ${type.name}`);
    }
    const given = value as Fields;
    for (const name in given) {
      if (!names.has(name) && given[name] !== undefined) {
        throw new Misfit(`: the message ${type.name} has no such field`, `.${name}`);
      }
    }
    writeFields(given, out);
  };
}

function fieldWriting(field: MessageField): WriteValue<unknown> {
  const { type, isRepeated } = field;
  if (type.kind === 'message' && type.message.isMapEntry) return mapWriting(field, type.message);
  const write = valueWriting(field);
  if (!isRepeated) {
    const writeOne = tagged(field, write);
    if (field.presence !== 'implicit' || type.kind === 'message') return writeOne;
    const isZero = zeroTest(type);
    // The wire does not have what its absence stands for.
    return (value, out) => (isZero(value) ? undefined : writeOne(value, out));
  }
  const writeAll = taggedList<readonly [number, unknown]>(field, ([i, item], out) => at(`[${i}]`, write, item, out));
  return (items, out) => {
    if (!Array.isArray(items)) throw misfit(items, 'an array');
    writeAll([...items.entries()], out);
  };
}

function zeroTest(type: FieldType): (value: unknown) => boolean {
  if (type.kind === 'enum') return (value) => value === 0 || type.enumeration.numbers.get(value as string) === 0;
  if (type.kind === 'scalar' && type.scalar === 'bytes')
    return (value) => value instanceof Uint8Array && value.length === 0;
  const zero = type.kind === 'scalar' ? zeroOf(type.scalar) : undefined;
  // Not the zero with a minus sign.
  return zero === 0 ? (value) => Object.is(value, 0) : (value) => value === zero;
}

/** Keys of objects are texts. */
function mapWriting(field: MessageField, entry: MessageType): WriteValue<unknown> {
  const [keyField, valueField] = entry.fields as [MessageField, MessageField];
  const writeKey = tagged(keyField, valueWriting(keyField));
  const writeValue = tagged(valueField, valueWriting(valueField));
  const keyType = (keyField.type as { readonly scalar: ScalarName }).scalar;
  const writeEntry = deeper<readonly [string, unknown]>(([key, value], out) => {
    writeKey(keyOf(keyType, key), out);
    writeValue(value, out);
  });
  const write = tagged(field, writeEntry);
  return (map, out) => {
    if (typeof map !== 'object' || map === null || Array.isArray(map)) throw misfit(map, 'an object');
    for (const item of Object.entries(map)) at(`[${JSON.stringify(item[0])}]`, write, item, out);
  };
}

function keyOf(type: ScalarName, text: string): unknown {
  if (type === 'string') return text;
  if (type === 'bool') return text === 'true' ? true : text === 'false' ? false : text;
  if (!/^-?\d+$/.test(text)) return text;
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}

function valueWriting({ type }: MessageField): WriteValue<unknown> {
  if (type.kind === 'message') return (value, out) => messageValues(type.message).write(value, out);
  return type.kind === 'enum' ? enumWriting(type.enumeration) : scalarWriting(type.scalar);
}

function enumWriting({ name, numbers }: EnumType): WriteValue<unknown> {
  return (value, out) => {
    const number = typeof value === 'string' ? numbers.get(value) : value;
    if (typeof number !== 'number' || (number | 0) !== number) throw misfit(value, `a value of the enum ${name}`);
    putVarint(number, out);
  };
}

function scalarWriting(name: ScalarName): WriteValue<unknown> {
  const { write } = SCALARS[name];
  const [fits, what] = testOf(name);
  return (value, out) => {
    if (!fits(value)) throw misfit(value, what);
    write(value as ScalarValue, out);
  };
}

/** Whether a value is one of the type, and how those are called. */
function testOf(name: ScalarName): [fits: (value: unknown) => boolean, what: string] {
  const row = SCALARS[name];
  if ('range' in row) {
    const [least, most] = row.range;
    const isLong = typeof most === 'bigint';
    const isInteger = (value: unknown) => Number.isSafeInteger(value) || (isLong && typeof value === 'bigint');
    return [(value) => isInteger(value) && (value as number) >= least && (value as number) <= most, name];
  }
  if (name === 'bytes') return [(value) => value instanceof Uint8Array, 'bytes'];
  if (name === 'string') return [(value) => typeof value === 'string', 'a string'];
  if (name === 'bool') return [(value) => typeof value === 'boolean', 'a boolean'];
  return [(value) => typeof value === 'number', 'a number'];
}

function set(target: object, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true, writable: true });
  else (target as Fields)[name] = value;
}

function misfit(value: unknown, expected: string): Misfit {
  const shown =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, 50))
      : typeof value === 'object' && value !== null
        ? Array.isArray(value)
          ? 'an array'
          : 'an object'
        : String(value);
  return new Misfit(` is ${shown}, not ${expected}`);
}
