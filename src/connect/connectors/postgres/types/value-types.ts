// What becomes of a column's values: the schema of its type, and how the server's text is read. Made once per column of a
// relation. The names and forms are Debezium's, as the connector's settings choose among them.
import { createHash } from 'node:crypto';
import {
  arrayOf,
  BOOLEAN,
  FLOAT32,
  FLOAT64,
  INT16,
  INT32,
  INT64,
  mapOf,
  primitive,
  type Schema,
  STRING,
} from '../../../data/schema.ts';
import * as semantic from '../../debezium/semantic-types.ts';
import type { PostgresType, TypeRegistry } from '../catalog.ts';
import { parseArray, parseHstore, parsePoint } from './container-text.ts';
import { decimalType, moneyType } from './numbers.ts';
import { timeType } from './times.ts';
import type { TypeSettings, ValueType } from './value-type.ts';

/** An enum has a label that was not known when its schema was made. */
export class UnknownLabelError extends Error {
  readonly typeOid: number;
  constructor(type: PostgresType, label: string) {
    super(`${JSON.stringify(label)} is no label of the type ${type.name}`);
    this.typeOid = type.oid;
  }
}

/** What values of a type become; undefined: it is not known, and `include.unknown.datatypes` is off. */
export function valueTypeOf(
  registry: TypeRegistry,
  oid: number,
  declaredModifier: number,
  settings: TypeSettings,
): ValueType | undefined {
  const { type, modifier } = registry.resolve(oid, declaredModifier);
  if (type === undefined) return unknownType(settings);
  if (type.oid !== oid) {
    const base = valueTypeOf(registry, type.oid, modifier, settings);
    return base === undefined ? undefined : { ...base, tellsDefault: false };
  }
  if (type.elementOid !== 0) {
    const element = valueTypeOf(registry, type.elementOid, modifier, settings);
    return element === undefined ? undefined : arrayType(element, type.name === '_box' ? ';' : ',', settings);
  }
  if (type.kind === 'e') return enumType(type, settings);
  const isOwn = type.kind === 'b' || BUILTIN_RANGES.has(type.name);
  return (isOwn ? scalarType(type.name, modifier, settings) : undefined) ?? unknownType(settings);
}

const BUILTIN_RANGES = new Set(['int4range', 'int8range', 'numrange', 'tsrange', 'tstzrange', 'daterange']);
/** Types whose text is the value. The second list's defaults stay out of schemas. */
const TEXTS = new Set(['text', 'varchar', 'bpchar', 'char', 'name']);
const TEXTS_WITHOUT_DEFAULT = new Set(['citext', 'inet', 'cidr', 'macaddr', 'macaddr8', ...BUILTIN_RANGES]);
const NAMED_TEXTS: Readonly<Record<string, readonly [Schema, boolean]>> = {
  json: [semantic.json(), true],
  jsonb: [semantic.json(), true],
  xml: [semantic.xml(), true],
  uuid: [semantic.uuid(), true],
  ltree: [semantic.ltree(), false],
  tsvector: [semantic.tsvector(), false],
};

function scalarType(name: string, modifier: number, settings: TypeSettings): ValueType | undefined {
  if (TEXTS.has(name)) return textType(STRING, true, settings);
  if (TEXTS_WITHOUT_DEFAULT.has(name)) return textType(STRING, false, settings);
  const namedText = NAMED_TEXTS[name];
  if (namedText !== undefined) return textType(namedText[0], namedText[1], settings);
  switch (name) {
    case 'bool':
      return plain(BOOLEAN, (text) => text === 't', false);
    case 'int2':
      return plain(INT16, Number, 0);
    case 'int4':
      return plain(INT32, Number, 0);
    case 'int8':
      return plain(INT64, BigInt, 0n);
    case 'oid':
      return { ...plain(INT64, BigInt, 0n), tellsDefault: false };
    case 'float4':
      return plain(FLOAT32, Number, 0);
    case 'float8':
      return plain(FLOAT64, Number, 0);
    case 'numeric':
      return decimalType(modifier, settings.decimals);
    case 'money':
      return moneyType(settings.moneyFractionDigits, settings.decimals);
    case 'bytea':
      return bytesType(settings);
    case 'bit':
    case 'varbit':
      return bitsType(name === 'bit' && modifier < 1 ? 1 : modifier);
    case 'hstore':
      return hstoreType(settings);
    case 'point':
      return pointType();
    default:
      return timeType(name, modifier, settings);
  }
}

function plain(schema: Schema, read: (text: string) => unknown, fallback: unknown): ValueType {
  return { schema, read, fallback, unavailable: null, tellsDefault: true };
}

function textType(schema: Schema, tellsDefault: boolean, settings: TypeSettings): ValueType {
  return { schema, read: (text) => text, fallback: '', unavailable: settings.placeholder.toString(), tellsDefault };
}

function enumType(type: PostgresType, settings: TypeSettings): ValueType {
  const known = new Set(type.labels);
  const read = (text: string): string => {
    if (!known.has(text)) throw new UnknownLabelError(type, text);
    return text;
  };
  return { ...textType(semantic.enumOf(type.labels), true, settings), read };
}

function bytesType(settings: TypeSettings): ValueType {
  const type = binaryType(settings, (text) => Buffer.from(text.slice(2), 'hex'));
  return { ...type, tellsDefault: false };
}

/** What nobody knows: the bytes of the server's text. */
function unknownType(settings: TypeSettings): ValueType | undefined {
  if (!settings.includeUnknown) return undefined;
  return { ...binaryType(settings, (text) => Buffer.from(text)), tellsDefault: false };
}

/** What the content of a logical decoding message becomes; read from its bytes as Latin-1. */
export function messageContentType(settings: TypeSettings): ValueType {
  return binaryType(settings, (text) => Buffer.from(text, 'latin1'));
}

/** Bytes, in the form that is wished. */
function binaryType(settings: TypeSettings, bytesOf: (text: string) => Buffer): ValueType {
  if (settings.binary === 'bytes')
    return { ...plain(primitive('bytes'), bytesOf, Buffer.alloc(0)), unavailable: settings.placeholder };
  const encoding = settings.binary === 'base64-url-safe' ? 'base64url' : settings.binary;
  const print = (bytes: Buffer): string => {
    const text = bytes.toString(encoding);
    // Java's encoder pads, Node's does not.
    return encoding === 'base64url' ? text.padEnd(Math.ceil(text.length / 4) * 4, '=') : text;
  };
  return { ...plain(STRING, (text) => print(bytesOf(text)), ''), unavailable: print(settings.placeholder) };
}

function bitsType(length: number): ValueType {
  if (length === 1) return plain(BOOLEAN, (text) => text === '1', false);
  const schema = semantic.bits(length < 1 ? 0x7fffffff : length);
  return plain(schema, packBits, Buffer.alloc(0));
}

/** The last bit of the text is the lowest of the first byte. */
function packBits(text: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil(text.length / 8));
  for (let i = 0; i < text.length; i++) {
    const place = text.length - 1 - i;
    if (text[i] === '1') bytes[place >> 3]! |= 1 << (place & 7);
  }
  return bytes;
}

function hstoreType(settings: TypeSettings): ValueType {
  const placeholder = settings.placeholder.toString();
  if (settings.hstores === 'map')
    return {
      ...plain(mapOf(STRING, semantic.TEXT_OR_NULL), parseHstore, new Map()),
      unavailable: new Map([[placeholder, placeholder]]),
      tellsDefault: false,
    };
  const read = (text: string): string => JSON.stringify(Object.fromEntries(parseHstore(text)));
  const unavailable = JSON.stringify({ [placeholder]: placeholder });
  return { ...plain(semantic.json(), read, '{}'), unavailable, tellsDefault: false };
}

function pointType(): ValueType {
  const read = (text: string): unknown => {
    const { x, y } = parsePoint(text);
    const wkb = Buffer.alloc(21);
    wkb[0] = 1; // little-endian
    wkb[1] = 1; // a point
    wkb.writeDoubleLE(x, 5);
    wkb.writeDoubleLE(y, 13);
    return { x, y, wkb, srid: null };
  };
  return { ...plain(semantic.point(), read, read('(0,0)')), tellsDefault: false };
}

function arrayType(element: ValueType, delimiter: string, settings: TypeSettings): ValueType {
  const read = (text: string): unknown =>
    parseArray(text, delimiter).map((each) => (each === null ? null : element.read(each)));
  return {
    schema: arrayOf(element.schema.with({ optional: true })),
    read,
    fallback: [],
    unavailable: unavailableArray(element, settings.placeholder),
    tellsDefault: false,
  };
}

/** The placeholder, as elements of a type: the text itself, or the codes of its characters. */
function unavailableArray(element: ValueType, placeholder: Buffer): unknown {
  const { type, name } = element.schema;
  if (name === semantic.uuid().name) return [nameUuid(placeholder)];
  if (type === 'int64') return [...placeholder].map(BigInt);
  if (type === 'int16' || type === 'int32') return [...placeholder];
  return element.unavailable === null ? null : [element.unavailable];
}

/** The version 3 UUID of a name (RFC 9562), without a name space. */
function nameUuid(name: Buffer): string {
  const hash = createHash('md5').update(name).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x30;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
