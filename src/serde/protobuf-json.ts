// Protobuf messages as their JSON ("ProtoJSON"), with the fields' names as they stand in the .proto file: 64-bit integers are
// texts, bytes base64, Google's well-known types what they mean (`"2026-01-31T12:00:00Z"` for a Timestamp). Names in camel
// case are read, too. This is what Confluent's tools read and print.
import type { FieldType, MessageField, MessageType } from '../schemas/index.ts';
import { JsonNumber } from '../util/index.ts';
import { ProtobufCodec } from './protobuf-codec.ts';
import { type MessageValues, messageValues } from './protobuf-values.ts';
import { type RegisteredSerde, type RegistryOptions, registrySerde } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';
import { SerializationError } from './serde.ts';

/** JSON values to Protobuf's bytes and back; a value that does not fit gives a `SerializationError` that names its place. */
export function protobufJsonSerde(options: RegistryOptions): RegisteredSerde<unknown> {
  const load = async () => (schema: ResolvedSchema) => new ProtobufCodec<unknown>(schema, undefined, messageJson);
  return registrySerde<unknown>({ name: 'PROTOBUF', schemaType: 'PROTOBUF', load }, undefined, options);
}

type Members = Record<string, unknown>;

function messageJson(type: MessageType): MessageValues {
  const values = messageValues(type);
  return {
    read: (reader) => toJson(type, values.read(reader) as Members),
    write: (value, out) => values.write(fromJson(type, value, ''), out),
  };
}

const LONG_TYPES = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];
const GOOGLE = 'google.protobuf.';
const WRAPPER = /^google\.protobuf\.(Double|Float|U?Int(32|64)|Bool|String|Bytes)Value$/;
const NANOS = 1_000_000_000n;

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

function toJson(type: MessageType, value: Members): unknown {
  if (type.name.startsWith(GOOGLE)) {
    const special = specialToJson(type, value);
    if (special !== undefined) return special;
  }
  const json: Members = {};
  for (const field of type.fields) {
    if (Object.hasOwn(value, field.name)) define(json, field.name, fieldToJson(field, value[field.name]));
  }
  return json;
}

function fieldToJson({ type, isRepeated }: MessageField, value: unknown): unknown {
  if (type.kind === 'message' && type.message.isMapEntry) {
    const valueType = type.message.fields[1]!.type;
    return mapObject(value as Members, (item) => valueToJson(valueType, item));
  }
  return isRepeated ? (value as unknown[]).map((item) => valueToJson(type, item)) : valueToJson(type, value);
}

function valueToJson(type: FieldType, value: unknown): unknown {
  if (type.kind === 'message') return toJson(type.message, value as Members);
  if (type.kind === 'enum') return type.enumeration.name === `${GOOGLE}NullValue` ? null : value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (LONG_TYPES.includes(type.scalar)) return String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** What a well-known type means; undefined for one that is a message like others. */
function specialToJson(type: MessageType, value: Members): unknown {
  switch (type.name.slice(GOOGLE.length)) {
    case 'Timestamp': {
      const { seconds = 0, nanos = 0 } = value as { seconds?: number; nanos?: number };
      const instant = new Date(Number(seconds) * 1000);
      if (Number.isNaN(instant.getTime())) return undefined;
      return `${instant.toISOString().slice(0, 19)}${fraction(Number(nanos))}Z`;
    }
    case 'Duration': {
      const { seconds = 0, nanos = 0 } = value as { seconds?: number; nanos?: number };
      const total = BigInt(seconds) * NANOS + BigInt(nanos);
      const size = total < 0n ? -total : total;
      return `${total < 0n ? '-' : ''}${size / NANOS}${fraction(Number(size % NANOS))}s`;
    }
    case 'FieldMask':
      return ((value['paths'] ?? []) as string[]).join(',');
    case 'Struct':
      return mapObject((value['fields'] ?? {}) as Members, (item) => toJson(valueTypeOf(type), item as Members));
    case 'ListValue':
      return ((value['values'] ?? []) as Members[]).map((item) => toJson(messageOf(type, 'values'), item));
    case 'Value': {
      const field = type.fields.find(({ name }) => Object.hasOwn(value, name));
      return field === undefined ? null : fieldToJson(field, value[field.name]);
    }
    default:
      if (!WRAPPER.test(type.name)) return undefined;
      return fieldToJson(type.fields[0]!, value['value']);
  }
}

/** Thousandths, millionths or billionths, whichever are enough. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  return `.${digits.replace(/(000){1,2}$/, '')}`;
}

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

function fromJson(type: MessageType, json: unknown, place: string): unknown {
  if (type.name.startsWith(GOOGLE)) {
    const special = specialFromJson(type, json, place);
    if (special !== undefined) return special;
  }
  if (!isObject(json)) throw misfit(place, json, `a ${type.name}`);
  const value: Members = {};
  for (const [name, given] of Object.entries(json)) {
    const field = type.fields.find((each) => each.name === name || camelCase(each.name) === name);
    const where = place === '' ? name : `${place}.${name}`;
    if (field === undefined) throw new SerializationError(`${where}: the message ${type.name} has no such field`);
    if (Object.hasOwn(value, field.name)) throw new SerializationError(`${where} is given twice`);
    if (given !== null || takesNull(field)) define(value, field.name, fieldFromJson(field, given, where));
  }
  return value;
}

function takesNull({ type, isRepeated }: MessageField): boolean {
  if (isRepeated) return false;
  if (type.kind === 'enum') return type.enumeration.name === `${GOOGLE}NullValue`;
  return type.kind === 'message' && type.message.name === `${GOOGLE}Value`;
}

function fieldFromJson({ type, isRepeated }: MessageField, json: unknown, place: string): unknown {
  if (type.kind === 'message' && type.message.isMapEntry) {
    if (!isObject(json)) throw misfit(place, json, 'an object');
    const valueType = type.message.fields[1]!.type;
    return mapObject(json, (item, key) => valueFromJson(valueType, item, `${place}[${JSON.stringify(key)}]`));
  }
  if (!isRepeated) return valueFromJson(type, json, place);
  if (!Array.isArray(json)) throw misfit(place, json, 'an array');
  return json.map((item, i) => valueFromJson(type, item, `${place}[${i}]`));
}

/** What else does not fit is refused where the bytes are written. */
function valueFromJson(type: FieldType, json: unknown, place: string): unknown {
  if (type.kind === 'message') return fromJson(type.message, json, place);
  if (type.kind === 'enum') {
    return json === null && type.enumeration.name === `${GOOGLE}NullValue` ? type.enumeration.first : plain(json);
  }
  const { scalar } = type;
  if (scalar === 'string' || scalar === 'bool') return json;
  if (scalar === 'bytes') {
    if (typeof json !== 'string' || !/^[\w+/-]*={0,2}$/.test(json)) throw misfit(place, json, 'bytes in base64');
    return Buffer.from(json, 'base64');
  }
  if (scalar === 'double' || scalar === 'float') {
    const number = typeof json === 'string' && json.trim() !== '' ? Number(json) : Number(plain(json));
    if (typeof json === 'boolean' || (Number.isNaN(number) && json !== 'NaN')) throw misfit(place, json, 'a number');
    return number;
  }
  return typeof json === 'string' && /^-?\d+$/.test(json) ? plain(new JsonNumber(json)) : plain(json);
}

/** A number as the values of messages have it. */
function plain(json: unknown): unknown {
  if (!(json instanceof JsonNumber)) return json;
  const number = Number(json.text);
  return Number.isSafeInteger(number) || !json.isInteger ? number : BigInt(json.text);
}

function specialFromJson(type: MessageType, json: unknown, place: string): unknown {
  const name = type.name.slice(GOOGLE.length);
  switch (name) {
    case 'Timestamp': {
      const [, whole, digits = ''] =
        /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/.exec(String(json)) ?? [];
      const zone = String(json).slice(String(json).search(/(Z|[+-]\d\d:\d\d)$/));
      const time = whole === undefined ? Number.NaN : Date.parse(whole + zone);
      if (Number.isNaN(time)) throw misfit(place, json, 'a time such as "2026-01-31T12:00:00Z"');
      return { seconds: time / 1000, nanos: Number(digits.padEnd(9, '0')) };
    }
    case 'Duration': {
      const [, sign, whole, digits = ''] = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(String(json)) ?? [];
      if (whole === undefined) throw misfit(place, json, 'a duration such as "1.5s"');
      const factor = sign === '-' ? -1 : 1;
      return { seconds: factor * Number(whole) || 0, nanos: factor * Number(digits.padEnd(9, '0')) || 0 };
    }
    case 'FieldMask':
      if (typeof json !== 'string') throw misfit(place, json, 'names of fields, separated by commas');
      return { paths: json === '' ? [] : json.split(',') };
    case 'Struct':
      if (!isObject(json)) throw misfit(place, json, 'an object');
      return { fields: mapObject(json, (item, key) => fromJson(valueTypeOf(type), item, `${place}.${key}`)) };
    case 'ListValue':
      if (!Array.isArray(json)) throw misfit(place, json, 'an array');
      return { values: json.map((item, i) => fromJson(messageOf(type, 'values'), item, `${place}[${i}]`)) };
    case 'Value':
      return kindOf(type, json, place);
    case 'Any':
      throw new SerializationError(`${place}: a google.protobuf.Any can't be written from JSON, whatever is in it`);
    default:
      return WRAPPER.test(type.name) ? { value: fieldFromJson(type.fields[0]!, json, place) } : undefined;
  }
}

/** The member of a `Value` that a JSON value goes into. */
function kindOf(type: MessageType, json: unknown, place: string): Members {
  if (json === null) return { null_value: 0 };
  if (typeof json === 'boolean') return { bool_value: json };
  if (typeof json === 'string') return { string_value: json };
  if (Array.isArray(json)) return { list_value: fromJson(messageOf(type, 'list_value'), json, place) };
  if (isObject(json)) return { struct_value: fromJson(messageOf(type, 'struct_value'), json, place) };
  return { number_value: Number(plain(json)) };
}

function messageOf(type: MessageType, field: string): MessageType {
  const found = type.fields.find(({ name }) => name === field)!.type as Extract<FieldType, { kind: 'message' }>;
  return found.message;
}

/** The type of a `Struct`'s values. */
function valueTypeOf(struct: MessageType): MessageType {
  return messageOf(messageOf(struct, 'fields'), 'value');
}

function camelCase(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function isObject(json: unknown): json is Members {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof JsonNumber);
}

function mapObject(object: Members, map: (value: unknown, key: string) => unknown): Members {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

function define(target: Members, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}

function misfit(place: string, json: unknown, wanted: string): SerializationError {
  const shown = Array.isArray(json)
    ? 'an array'
    : isObject(json)
      ? 'an object'
      : (JSON.stringify(json) ?? 'nothing').slice(0, 50);
  return new SerializationError(`${place === '' ? 'the value' : place} is ${shown}, not ${wanted}`);
}
