/**
 * Protobuf's JSON mapping, to and from the plain values of protobuf-values.ts: names in lowerCamelCase (those of the file are
 * read, too), 64-bit integers as texts, bytes as base64, enums by their names, and Google's well-known types in the forms
 * that they have there (a timestamp is a time in RFC 3339, a wrapper what it wraps). `Any` is refused: its type is not at hand.
 */
import { type FieldType, jsonNameOf, type MessageField, type MessageType, type ScalarName } from '../schemas/index.ts';
import { SerializationError } from './serde.ts';

type Plain = Readonly<Record<string, unknown>>;

const LONGS: readonly ScalarName[] = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];
const FLOATS: readonly ScalarName[] = ['float', 'double'];
const NON_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];
const NANOS = 1_000_000_000;

/** What a field is called in JSON. */
function nameOf({ name, options }: MessageField): string {
  const given = options.find(({ name: [part] }) => part?.name === 'json_name' && !part.extension)?.value;
  return given?.kind === 'string' ? Buffer.from(given.bytes, 'latin1').toString('utf8') : jsonNameOf(name);
}

// ── Values to JSON ────────────────────────────────────────────────────────────────────────────────────────────────

/** A value of a message as what `JSON.stringify` prints in the mapping's form. */
export function protobufToJson(message: MessageType, value: Plain): unknown {
  const special = SPECIAL[message.name];
  if (special !== undefined) return special.toJson(value, message);
  const members = message.fields
    .filter(({ name }) => Object.hasOwn(value, name))
    .map((field) => [nameOf(field), fieldToJson(field, value[field.name])]);
  return Object.fromEntries(members);
}

function fieldToJson({ type, isRepeated }: MessageField, value: unknown): unknown {
  if (type.kind === 'message' && type.message.isMapEntry) {
    const held = type.message.fields[1]!.type;
    return Object.fromEntries(Object.entries(value as Plain).map(([key, item]) => [key, valueToJson(held, item)]));
  }
  return isRepeated ? (value as unknown[]).map((item) => valueToJson(type, item)) : valueToJson(type, value);
}

function valueToJson(type: FieldType, value: unknown): unknown {
  if (type.kind === 'message') return protobufToJson(type.message, value as Plain);
  if (type.kind === 'enum') return value;
  if (LONGS.includes(type.scalar)) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

// ── JSON to values ────────────────────────────────────────────────────────────────────────────────────────────────

/** The value of a message from what a JSON text says. Throws `SerializationError` with the place of what is wrong. */
export function jsonToProtobuf(message: MessageType, json: unknown, place = ''): Plain {
  const special = SPECIAL[message.name];
  if (special !== undefined) return special.fromJson(json, place, message);
  if (!isObject(json)) throw misfit(json, `a ${message.name}`, place);
  const value: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(json)) {
    const where = place === '' ? name : `${place}.${name}`;
    const field = message.fields.find((each) => each.name === name || nameOf(each) === name);
    if (field === undefined) {
      throw new SerializationError(`${where}: the message ${message.name} has no such field`);
    }
    // Null is absence, but where it is a value.
    const isValue = field.type.kind === 'message' && field.type.message.name === 'google.protobuf.Value';
    if (member !== null || isValue) value[field.name] = jsonToField(field, member, where);
  }
  return value;
}

function jsonToField({ type, isRepeated }: MessageField, json: unknown, place: string): unknown {
  if (type.kind === 'message' && type.message.isMapEntry) {
    if (!isObject(json)) throw misfit(json, 'an object', place);
    const held = type.message.fields[1]!.type;
    return Object.fromEntries(
      Object.entries(json).map(([key, item]) => [key, jsonToValue(held, item, `${place}[${JSON.stringify(key)}]`)]),
    );
  }
  if (!isRepeated) return jsonToValue(type, json, place);
  if (!Array.isArray(json)) throw misfit(json, 'an array', place);
  return json.map((item, i) => jsonToValue(type, item, `${place}[${i}]`));
}

/** Whether a value is in its type's range is found out when it is written. */
function jsonToValue(type: FieldType, json: unknown, place: string): unknown {
  if (type.kind === 'message') return jsonToProtobuf(type.message, json, place);
  if (type.kind === 'enum') return json;
  const { scalar } = type;
  if (FLOATS.includes(scalar)) {
    const isText =
      typeof json === 'string' && (NON_FINITE.includes(json) || /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(json));
    return isText || typeof json === 'bigint' ? Number(json) : json;
  }
  if (scalar === 'bytes') {
    if (typeof json !== 'string' || !/^[\w+/-]*={0,2}$/.test(json)) throw misfit(json, 'bytes in base64', place);
    return Buffer.from(json, 'base64');
  }
  if (scalar === 'string' || scalar === 'bool') return json;
  if (typeof json !== 'string') return json;
  if (!/^-?\d+$/.test(json)) throw misfit(json, scalar, place);
  return Number.isSafeInteger(Number(json)) ? Number(json) : BigInt(json);
}

function isObject(json: unknown): json is Plain {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function misfit(json: unknown, wanted: string, place: string): SerializationError {
  const shown =
    typeof json === 'bigint'
      ? String(json)
      : typeof json === 'object' && json !== null
        ? 'of another kind'
        : JSON.stringify(json);
  return new SerializationError(`${place === '' ? 'the value' : place} is ${shown}, not ${wanted}`);
}

// ── Well-known types ──────────────────────────────────────────────────────────────────────────────────────────────

interface Special {
  toJson(value: Plain, message: MessageType): unknown;
  fromJson(json: unknown, place: string, message: MessageType): Plain;
}

const wrapper: Special = {
  toJson: ({ value }, { fields }) => valueToJson(fields[0]!.type, value),
  fromJson: (json, place, { fields }) => ({ value: jsonToValue(fields[0]!.type, json, place) }),
};

const timestamp: Special = {
  toJson({ seconds, nanos }) {
    const text = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, '');
    return `${text}${fraction(Number(nanos))}Z`;
  },
  fromJson(json, place) {
    const [, whole, digits = '', zone] =
      /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(String(json)) ?? [];
    const ms = Date.parse(`${whole}${zone}`);
    if (Number.isNaN(ms)) throw misfit(json, 'a time like 2026-01-31T12:00:00.5Z', place);
    return { seconds: ms / 1000, nanos: Number(digits.padEnd(9, '0')) };
  },
};

const duration: Special = {
  toJson({ seconds, nanos }) {
    const sign = Number(seconds) < 0 || Number(nanos) < 0 ? '-' : '';
    return `${sign}${String(seconds).replace('-', '')}${fraction(Math.abs(Number(nanos)))}s`;
  },
  fromJson(json, place) {
    const [, sign, seconds, digits = ''] = /^(-?)(\d+)(?:\.(\d{1,9}))?s$/.exec(String(json)) ?? [];
    if (seconds === undefined) throw misfit(json, 'a duration like 1.5s', place);
    const factor = sign === '-' ? -1 : 1;
    return { seconds: factor * Number(seconds), nanos: factor * Number(digits.padEnd(9, '0')) };
  },
};

/** Three, six or nine digits, or none. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos % NANOS).padStart(9, '0');
  return `.${digits.replace(/(000){1,2}$/, '')}`;
}

const anything: Special = {
  toJson(value) {
    const [[kind, held] = ['nullValue', null]] = Object.entries(value).map(([key, item]) => [jsonNameOf(key), item]);
    if (kind === 'structValue') return struct.toJson(held as Plain, NO_MESSAGE);
    if (kind === 'listValue') return list.toJson(held as Plain, NO_MESSAGE);
    return kind === 'nullValue' ? null : held;
  },
  fromJson(json) {
    if (json === null) return { null_value: 0 };
    if (Array.isArray(json)) return { list_value: list.fromJson(json, '', NO_MESSAGE) };
    if (isObject(json)) return { struct_value: struct.fromJson(json, '', NO_MESSAGE) };
    if (typeof json === 'string') return { string_value: json };
    return typeof json === 'boolean' ? { bool_value: json } : { number_value: Number(json) };
  },
};

const struct: Special = {
  toJson: ({ fields }) =>
    Object.fromEntries(
      Object.entries((fields ?? {}) as Plain).map(([key, item]) => [key, anything.toJson(item as Plain, NO_MESSAGE)]),
    ),
  fromJson(json, place) {
    if (!isObject(json)) throw misfit(json, 'an object', place);
    const fields = Object.entries(json).map(([key, item]) => [key, anything.fromJson(item, place, NO_MESSAGE)]);
    return { fields: Object.fromEntries(fields) };
  },
};

const list: Special = {
  toJson: ({ values }) => ((values ?? []) as Plain[]).map((item) => anything.toJson(item, NO_MESSAGE)),
  fromJson(json, place) {
    if (!Array.isArray(json)) throw misfit(json, 'an array', place);
    return { values: json.map((item) => anything.fromJson(item, place, NO_MESSAGE)) };
  },
};

/** For types whose forms do not depend on how they are declared. */
const NO_MESSAGE: MessageType = { name: '', fields: [], isMapEntry: false };

const refused: Special = {
  toJson() {
    throw new SerializationError('a google.protobuf.Any has no form in JSON here: what it holds is not at hand');
  },
  fromJson(json, place) {
    throw misfit(json, 'anything that is known: a google.protobuf.Any has no form in JSON here', place);
  },
};

const WRAPPED = ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'];

const SPECIAL: Readonly<Record<string, Special>> = {
  ...Object.fromEntries(WRAPPED.map((kind) => [`google.protobuf.${kind}Value`, wrapper])),
  'google.protobuf.Timestamp': timestamp,
  'google.protobuf.Duration': duration,
  'google.protobuf.Value': anything,
  'google.protobuf.Struct': struct,
  'google.protobuf.ListValue': list,
  'google.protobuf.Any': refused,
};
