import { MillraceError } from '../../src/util/index.ts';
import {
  entryOf,
  parseProto,
  recordMessage,
  type ProtoField,
  type ProtoMessage,
  type ProtoType,
  wrapperTypes,
} from '../../src/sql/formats/protobuf-schema.ts';
import { type Actual, integer } from './compare.ts';
import type { RecordFormat } from './record-formats.ts';
import type { CaseRegistry, RegisteredText } from './registry-formats.ts';
import { isObject, type Spec, type SpecObject, SpecNumber } from './spec-json.ts';

/**
 * Case values as Protobuf messages. Only the reading of `.proto` texts is shared with the engine: the wire is written and
 * read here by generic walks over the message types.
 */
export function protobufFormat(
  source:
    | { readonly registry: CaseRegistry; readonly subject: string; readonly message: string | undefined }
    | { readonly text: string },
  /** True when the record's message is only a wrapper around a single value. */
  bare: boolean,
): RecordFormat {
  return {
    wrapsSingle: bare,
    encode(spec) {
      if (spec === null) return null;
      if ('text' in source) return encodeMessage(firstMessage(source.text), wrapped(firstMessage(source.text), spec));
      const registered = source.registry.newest(source.subject);
      if (registered === undefined) throw new MillraceError('QTT_SCHEMA', `there is no schema for ${source.subject}`);
      const entry = recordMessage(registered.schema, source.message, referenced(source.registry, registered));
      const { message, path } = entry;
      const head = Buffer.alloc(5);
      head.writeInt32BE(registered.id, 1);
      const indexes = path.length === 1 && path[0] === 0 ? [0] : [path.length * 2, ...path.map((index) => index * 2)];
      return Buffer.concat([head, Buffer.from(indexes), encodeMessage(message, wrapped(message, spec))]);
    },
    decode(bytes) {
      if (bytes === null) return null;
      if ('text' in source) return decodeMessage(firstMessage(source.text), bytes);
      const registered = source.registry.cached(bytes.readInt32BE(1));
      if (registered === undefined)
        throw new MillraceError('QTT_SCHEMA', 'the record names a schema that nobody registered');
      const rest = { bytes, at: 5 };
      const count = zigzag(rest);
      const path = count === 0 ? [0] : Array.from({ length: count }, () => zigzag(rest));
      const entry = parseProto(registered.schema, referenced(source.registry, registered)).find(
        (candidate) => candidate.path.join() === path.join(),
      );
      if (entry === undefined) throw new MillraceError('QTT_SCHEMA', `there is no message at ${path.join('.')}`);
      return decodeMessage(entry.message, bytes.subarray(rest.at));
    },
  };

  /** A single value stands for the message around it, which a case may write out as well. */
  function wrapped(message: ProtoMessage, spec: Spec): Spec {
    return bare && !isObject(spec) ? { [message.fields[0]!.name]: spec } : spec;
  }
}

function referenced(registry: CaseRegistry, { references = [] }: RegisteredText): string[] {
  return references.flatMap(({ subject }) => {
    const found = registry.newest(subject);
    return found === undefined ? [] : [...referenced(registry, found), found.schema];
  });
}

function firstMessage(text: string): ProtoMessage {
  return parseProto(text)[0]!.message;
}

// --- writing -----------------------------------------------------------------------------------------------------------

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

function delimited(payload: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(payload.length)), payload]);
}

function member(spec: SpecObject, name: string): Spec {
  return spec[name] ?? Object.entries(spec).find(([key]) => key.toUpperCase() === name.toUpperCase())?.[1] ?? null;
}

function encodeMessage(message: ProtoMessage, spec: Spec): Buffer {
  const object = isObject(spec) ? spec : {};
  return Buffer.concat(message.fields.flatMap((field) => encodeField(field, member(object, field.name))));
}

function encodeField(field: ProtoField, spec: Spec): Buffer[] {
  if (spec === null) return [];
  const { type } = field;
  const entry = type.kind === 'message' && field.repeated ? entryOf(type.message) : undefined;
  if (type.kind === 'map' || entry !== undefined) {
    const value = type.kind === 'map' ? type.value : entry!.value.type;
    return Object.entries(spec as SpecObject).map(([key, item]) => {
      const parts = [tagged(1, { kind: 'scalar', name: 'string' }, key)];
      if (item !== null) parts.push(tagged(2, value, item));
      return Buffer.concat([varint(BigInt((field.number << 3) | 2)), delimited(Buffer.concat(parts))]);
    });
  }
  if (field.repeated) return (spec as readonly Spec[]).map((item) => tagged(field.number, type, item));
  return [tagged(field.number, type, spec, field)];
}

function wireType(type: ProtoType): number {
  if (type.kind === 'enum') return 0;
  if (type.kind !== 'scalar' || type.name === 'string' || type.name === 'bytes') return 2;
  if (type.name === 'double' || type.name.endsWith('fixed64')) return 1;
  return type.name === 'float' || type.name.endsWith('fixed32') ? 5 : 0;
}

function tagged(number: number, type: ProtoType, spec: Spec, field?: ProtoField): Buffer {
  return Buffer.concat([varint(BigInt((number << 3) | wireType(type))), encodeValue(type, spec, field)]);
}

function text(spec: Spec): string {
  return spec instanceof SpecNumber ? spec.text : String(spec);
}

function encodeValue(type: ProtoType, spec: Spec, field: ProtoField | undefined): Buffer {
  if (type.kind === 'enum') {
    const number = [...type.names].find(([, name]) => name === spec)?.[0] ?? 0;
    return varint(BigInt(number));
  }
  if (type.kind === 'message') return delimited(encodeNested(type.message, spec, field));
  if (type.kind === 'map') throw new MillraceError('QTT_VALUE', 'a map is a field');
  switch (type.name) {
    case 'string':
      return delimited(Buffer.from(text(spec)));
    case 'bytes':
      return delimited(spec instanceof Buffer ? spec : Buffer.from(text(spec), 'base64'));
    case 'bool':
      return varint(spec === true ? 1n : 0n);
    case 'double':
    case 'float': {
      const buffer = Buffer.alloc(type.name === 'double' ? 8 : 4);
      if (type.name === 'double') buffer.writeDoubleLE(Number(text(spec)));
      else buffer.writeFloatLE(Number(text(spec)));
      return buffer;
    }
    default: {
      const number = BigInt(text(spec).split('.')[0]!);
      if (type.name.startsWith('sint')) return varint((number << 1n) ^ (number >> 63n));
      if (!type.name.includes('fixed')) return varint(number);
      const buffer = Buffer.alloc(type.name.endsWith('64') ? 8 : 4);
      if (buffer.length === 8) buffer.writeBigInt64LE(number);
      else buffer.writeInt32LE(Number(number));
      return buffer;
    }
  }
}

const number = (value: number | bigint): SpecNumber => new SpecNumber(String(value));

function encodeNested(message: ProtoMessage, spec: Spec, field: ProtoField | undefined): Buffer {
  const wrapped = /^google\.protobuf\.(\w+)$/.exec(message.name)?.[1];
  if (wrapped !== undefined && wrapped in wrapperTypes) return encodeMessage(message, { value: spec });
  switch (message.name) {
    case 'google.protobuf.Timestamp': {
      const ms = BigInt(text(spec));
      const seconds = ms >= 0n || ms % 1000n === 0n ? ms / 1000n : ms / 1000n - 1n;
      return encodeMessage(message, { seconds: number(seconds), nanos: number((ms - seconds * 1000n) * 1_000_000n) });
    }
    case 'google.type.Date': {
      const date = new Date(Number(text(spec)) * 86_400_000);
      return encodeMessage(message, {
        year: number(date.getUTCFullYear()),
        month: number(date.getUTCMonth() + 1),
        day: number(date.getUTCDate()),
      });
    }
    case 'google.type.TimeOfDay': {
      const ms = Number(text(spec));
      const part = (size: number, modulus: number): SpecNumber => number(Math.floor(ms / size) % modulus);
      return encodeMessage(message, {
        hours: part(3_600_000, 24),
        minutes: part(60_000, 60),
        seconds: part(1000, 60),
        nanos: number((ms % 1000) * 1_000_000),
      });
    }
    case 'confluent.type.Decimal': {
      const scale = Number(field?.parameters.get('scale') ?? 0);
      const [whole = '0', fraction = ''] = text(spec).replace('-', '').split('.');
      const digits = BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale));
      const value = text(spec).startsWith('-') ? -digits : digits;
      let size = 1;
      while (BigInt.asIntN(size * 8, value) !== value) size++;
      const bytes = Buffer.from(
        BigInt.asUintN(size * 8, value)
          .toString(16)
          .padStart(size * 2, '0'),
        'hex',
      );
      return encodeMessage(message, { value: bytes.toString('base64'), scale: number(scale) });
    }
    default:
      return encodeMessage(message, spec);
  }
}

// --- reading -----------------------------------------------------------------------------------------------------------

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function unsigned(cursor: Cursor): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = cursor.bytes[cursor.at++]!;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

function zigzag(cursor: Cursor): number {
  const value = Number(unsigned(cursor));
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

type Raw = bigint | Buffer;

/** The raw values of a message by field number. */
function rawFields(bytes: Buffer): Map<number, Raw[]> {
  const cursor = { bytes, at: 0 };
  const found = new Map<number, Raw[]>();
  while (cursor.at < bytes.length) {
    const tag = Number(unsigned(cursor));
    const wire = tag & 7;
    let raw: Raw;
    if (wire === 0) raw = unsigned(cursor);
    else {
      const length = wire === 2 ? Number(unsigned(cursor)) : wire === 1 ? 8 : 4;
      raw = bytes.subarray(cursor.at, cursor.at + length);
      cursor.at += length;
    }
    const list = found.get(tag >>> 3) ?? [];
    list.push(raw);
    found.set(tag >>> 3, list);
  }
  return found;
}

function decodeMessage(message: ProtoMessage, bytes: Buffer): Map<string, Actual> {
  const raw = rawFields(bytes);
  return new Map(message.fields.map((field) => [field.name, decodeField(field, raw.get(field.number) ?? [])]));
}

function decodeField(field: ProtoField, raw: readonly Raw[]): Actual {
  const { type } = field;
  const entry = type.kind === 'message' && field.repeated ? entryOf(type.message) : undefined;
  if (type.kind === 'map' || entry !== undefined) {
    const value = type.kind === 'map' ? type.value : entry!.value.type;
    return new Map(
      raw.map((item): [string, Actual] => {
        const parts = rawFields(item as Buffer);
        const key = parts.get(1)?.[0];
        const found = parts.get(2)?.[0];
        return [
          key === undefined ? '' : (key as Buffer).toString('utf8'),
          found === undefined ? absent(value) : decodeValue(value, found),
        ];
      }),
    );
  }
  if (field.repeated) {
    const packed = wireType(type) !== 2;
    return raw.flatMap((item) => (packed && Buffer.isBuffer(item) ? unpack(type, item) : [decodeValue(type, item)]));
  }
  const last = raw.at(-1);
  if (last !== undefined) return decodeValue(type, last);
  return field.optional ? null : absent(type);
}

function unpack(type: ProtoType, bytes: Buffer): Actual[] {
  const wire = wireType(type);
  const found: Actual[] = [];
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    if (wire === 0) found.push(decodeValue(type, unsigned(cursor)));
    else {
      const size = wire === 1 ? 8 : 4;
      found.push(decodeValue(type, bytes.subarray(cursor.at, cursor.at + size)));
      cursor.at += size;
    }
  }
  return found;
}

function absent(type: ProtoType): Actual {
  if (type.kind === 'enum') return type.names.get(0) ?? null;
  if (type.kind !== 'scalar') return null;
  if (type.name === 'string') return '';
  if (type.name === 'bytes') return { kind: 'bytes', value: Buffer.alloc(0) };
  if (type.name === 'bool') return false;
  return type.name === 'double' || type.name === 'float' ? { kind: 'double', value: 0 } : integer(0);
}

function decodeValue(type: ProtoType, raw: Raw): Actual {
  if (type.kind === 'enum') return type.names.get(Number(raw)) ?? null;
  if (type.kind === 'message') return decodeNested(type.message, raw as Buffer);
  if (type.kind === 'map') throw new MillraceError('QTT_VALUE', 'a map is a field');
  if (Buffer.isBuffer(raw)) {
    switch (type.name) {
      case 'string':
        return raw.toString('utf8');
      case 'bytes':
        return { kind: 'bytes', value: raw };
      case 'double':
        return { kind: 'double', value: raw.readDoubleLE(0) };
      case 'float':
        return { kind: 'double', value: raw.readFloatLE(0) };
      default:
        return integer(raw.length === 8 ? raw.readBigInt64LE(0) : raw.readInt32LE(0));
    }
  }
  if (type.name === 'bool') return raw !== 0n;
  if (type.name.startsWith('sint')) return integer((raw >> 1n) ^ -(raw & 1n));
  return integer(BigInt.asIntN(type.name.endsWith('32') ? 32 : 64, raw));
}

function decodeNested(message: ProtoMessage, bytes: Buffer): Actual {
  const fields = decodeMessage(message, bytes);
  const value = (name: string): number => {
    const found = fields.get(name);
    return typeof found === 'object' && found !== null && 'kind' in found && found.kind === 'integer'
      ? Number(found.value)
      : 0;
  };
  const wrapped = /^google\.protobuf\.(\w+)$/.exec(message.name)?.[1];
  if (wrapped !== undefined && wrapped in wrapperTypes) return fields.get('value') ?? null;
  switch (message.name) {
    case 'google.protobuf.Timestamp':
      return integer(value('seconds') * 1000 + Math.floor(value('nanos') / 1_000_000));
    case 'google.type.Date':
      return integer(Date.UTC(value('year'), value('month') - 1, value('day')) / 86_400_000, 32);
    case 'google.type.TimeOfDay':
      return integer(
        ((value('hours') * 60 + value('minutes')) * 60 + value('seconds')) * 1000 +
          Math.floor(value('nanos') / 1_000_000),
        32,
      );
    case 'confluent.type.Decimal': {
      const bytesOf = fields.get('value') as { readonly value: Buffer };
      const scale = value('scale');
      const unscaled =
        bytesOf.value.length === 0
          ? 0n
          : BigInt.asIntN(bytesOf.value.length * 8, BigInt(`0x${bytesOf.value.toString('hex')}`));
      const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
      const at = digits.length - scale;
      return {
        kind: 'decimal',
        text: `${unscaled < 0n ? '-' : ''}${digits.slice(0, at)}${scale === 0 ? '' : `.${digits.slice(at)}`}`,
      };
    }
    default:
      return fields;
  }
}
