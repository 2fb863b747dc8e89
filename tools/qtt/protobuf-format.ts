import {
  connectParameters,
  type DeclaredMessage,
  embedded,
  type FieldReading,
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
  WireReader,
} from '../../src/schemas/index.ts';
import { readMessageIndexes, writeEnvelope, writeMessageIndexes } from '../../src/serde/index.ts';
import { ByteWriter, MillraceError } from '../../src/util/index.ts';
import { entryOf, messagesOf, recordMessage } from '../../src/sql/formats/protobuf-schema.ts';
import { isWrapper } from '../../src/sql/formats/protobuf-special.ts';
import { type Actual, integer } from './compare.ts';
import type { RecordFormat } from './record-formats.ts';
import { type CaseRegistry, decimalBytes, decimalText, type RegisteredText } from './registry-formats.ts';
import { isObject, type Spec, type SpecObject, SpecNumber } from './spec-json.ts';

/**
 * Case values as Protobuf messages. Messages and their wire are the shared model's; what a case's values mean as messages, and
 * messages as values, is written here apart from the engine.
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
      const out = new ByteWriter();
      if ('text' in source) write(firstMessage(source.text), spec, out);
      else {
        const registered = source.registry.newest(source.subject);
        if (registered === undefined) throw new MillraceError('QTT_SCHEMA', `there is no schema for ${source.subject}`);
        const { message, path } = recordMessage(declared(source.registry, registered), source.message);
        writeEnvelope(registered.id, out);
        writeMessageIndexes(path, out);
        write(message, spec, out);
      }
      return out.copy();
    },
    decode(bytes) {
      if (bytes === null) return null;
      if ('text' in source) return readMessage(firstMessage(source.text), new WireReader(bytes));
      const registered = source.registry.cached(bytes.readInt32BE(1));
      if (registered === undefined)
        throw new MillraceError('QTT_SCHEMA', 'the record names a schema that nobody registered');
      const { path, end } = readMessageIndexes(bytes, 5, bytes.length);
      const found = declared(source.registry, registered).find((candidate) => candidate.path.join() === path.join());
      if (found === undefined) throw new MillraceError('QTT_SCHEMA', `there is no message at ${path.join('.')}`);
      return readMessage(found.message, new WireReader(bytes, end));
    },
  };

  /** A single value stands for the message around it, which a case may write out as well. */
  function write(message: MessageType, spec: Spec, out: ByteWriter): void {
    writeMessage(message, bare && !isObject(spec) ? { [message.fields[0]!.name]: spec } : spec, out);
  }
}

function declared(registry: CaseRegistry, registered: RegisteredText): readonly DeclaredMessage[] {
  return messagesOf({ schema: registered.schema, references: referenced(registry, registered) });
}

function referenced(
  registry: CaseRegistry,
  { references = [] }: RegisteredText,
): { readonly name: string; readonly schema: string }[] {
  return references.flatMap(({ name, subject }) => {
    const found = registry.newest(subject);
    return found === undefined ? [] : [...referenced(registry, found), { name, schema: found.schema }];
  });
}

function firstMessage(text: string): MessageType {
  return recordMessage(messagesOf({ schema: text, references: [] }), undefined).message;
}

// --- writing -----------------------------------------------------------------------------------------------------------

function member(spec: SpecObject, name: string): Spec {
  return spec[name] ?? Object.entries(spec).find(([key]) => key.toUpperCase() === name.toUpperCase())?.[1] ?? null;
}

function writeMessage(message: MessageType, spec: Spec, out: ByteWriter): void {
  const object = isObject(spec) ? spec : {};
  for (const field of message.fields) writeField(field, member(object, field.name), out);
}

function writeField(field: MessageField, spec: Spec, out: ByteWriter): void {
  if (spec === null) return;
  const write = tagged<Spec>(field, (value) => writeValue(field, value, out));
  if (entryOf(field) !== undefined) {
    for (const [key, value] of Object.entries(spec as SpecObject)) write({ key, value }, out);
  } else if (field.isRepeated) for (const item of spec as readonly Spec[]) write(item, out);
  else write(spec, out);
}

function text(spec: Spec): string {
  return spec instanceof SpecNumber ? spec.text : String(spec);
}

function writeValue(field: MessageField, spec: Spec, out: ByteWriter): void {
  const { type } = field;
  if (type.kind === 'enum') putVarint(type.enumeration.numbers.get(spec as string) ?? 0, out);
  else if (type.kind === 'message') writeEmbedded(type.message, spec, field, out);
  else SCALARS[type.scalar].write(scalarOf(type.scalar, spec), out);
}

function scalarOf(scalar: ScalarName, spec: Spec): ScalarValue {
  switch (scalar) {
    case 'string':
      return text(spec);
    case 'bytes':
      return spec instanceof Buffer ? spec : Buffer.from(text(spec), 'base64');
    case 'bool':
      return spec === true;
    case 'double':
    case 'float':
      return Number(text(spec));
    default: {
      const exact = BigInt(text(spec).split('.')[0]!);
      return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
    }
  }
}

const number = (value: number | bigint): SpecNumber => new SpecNumber(String(value));

function writeEmbedded(message: MessageType, spec: Spec, field: MessageField, out: ByteWriter): void {
  if (isWrapper(message)) return writeMessage(message, { value: spec }, out);
  switch (message.name) {
    case 'google.protobuf.Timestamp': {
      const ms = BigInt(text(spec));
      const seconds = ms >= 0n || ms % 1000n === 0n ? ms / 1000n : ms / 1000n - 1n;
      const nanos = (ms - seconds * 1000n) * 1_000_000n;
      return writeMessage(message, { seconds: number(seconds), nanos: number(nanos) }, out);
    }
    case 'google.type.Date': {
      const [year, month, day] = new Date(Number(text(spec)) * 86_400_000).toISOString().split(/[-T]/).map(Number);
      return writeMessage(message, { year: number(year!), month: number(month!), day: number(day!) }, out);
    }
    case 'google.type.TimeOfDay': {
      const ms = Number(text(spec));
      const part = (size: number, modulus: number): SpecNumber => number(Math.floor(ms / size) % modulus);
      return writeMessage(
        message,
        {
          hours: part(3_600_000, 24),
          minutes: part(60_000, 60),
          seconds: part(1000, 60),
          nanos: number((ms % 1000) * 1_000_000),
        },
        out,
      );
    }
    case 'confluent.type.Decimal': {
      const scale = Number(connectParameters(field.options).get('scale') ?? 0);
      const value = decimalBytes(text(spec), scale).toString('base64');
      return writeMessage(message, { value, scale: number(scale) }, out);
    }
    default:
      return writeMessage(message, spec, out);
  }
}

// --- reading -----------------------------------------------------------------------------------------------------------

function readMessage(message: MessageType, reader: WireReader): ReadonlyMap<string, Actual> {
  const values = messageReader(message, message.fields.map(readingOf))(reader) as Actual[];
  return new Map(message.fields.map(({ name }, i) => [name, values[i]!]));
}

function readingOf(field: MessageField): FieldReading {
  const entry = entryOf(field);
  if (entry !== undefined) {
    const read = messageReader(entry.message, [readingOf(entry.key), readingOf(entry.value)]);
    return mapOf(
      field,
      embedded(field, read),
      () => new Map<string, Actual>(),
      (map, [key, value]) => map.set(key as string, value as Actual),
    );
  }
  const { type } = field;
  const read =
    type.kind === 'message'
      ? embedded(field, (reader) => embeddedValue(type.message, readMessage(type.message, reader)))
      : (reader: WireReader) =>
          valueOf(field, type.kind === 'enum' ? reader.int32() : SCALARS[type.scalar].read(reader));
  if (field.isRepeated) return listOf(field, read);
  return lastOf(field, read, field.presence === 'explicit' ? null : absent(field));
}

function absent({ type }: MessageField): Actual {
  if (type.kind === 'message') return null;
  if (type.kind === 'enum') return type.enumeration.first;
  if (type.scalar === 'string') return '';
  if (type.scalar === 'bytes') return { kind: 'bytes', value: Buffer.alloc(0) };
  if (type.scalar === 'bool') return false;
  return type.scalar === 'double' || type.scalar === 'float' ? { kind: 'double', value: 0 } : integer(0);
}

function valueOf({ type }: MessageField, value: ScalarValue): Actual {
  if (type.kind === 'enum') return type.enumeration.names.get(value as number) ?? null;
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return { kind: 'bytes', value };
  const isDouble = type.kind === 'scalar' && (type.scalar === 'double' || type.scalar === 'float');
  return isDouble ? { kind: 'double', value: value as number } : integer(BigInt.asIntN(64, BigInt(value)));
}

function embeddedValue(message: MessageType, fields: ReadonlyMap<string, Actual>): Actual {
  const value = (name: string): number => {
    const found = fields.get(name);
    return typeof found === 'object' && found !== null && 'kind' in found && found.kind === 'integer'
      ? Number(found.value)
      : 0;
  };
  if (isWrapper(message)) return fields.get('value') ?? null;
  switch (message.name) {
    case 'google.protobuf.Timestamp':
      return integer(value('seconds') * 1000 + Math.floor(value('nanos') / 1_000_000));
    case 'google.type.Date':
      return integer(Date.UTC(value('year'), value('month') - 1, value('day')) / 86_400_000, 32);
    case 'google.type.TimeOfDay': {
      const seconds = (value('hours') * 60 + value('minutes')) * 60 + value('seconds');
      return integer(seconds * 1000 + Math.floor(value('nanos') / 1_000_000), 32);
    }
    case 'confluent.type.Decimal': {
      const { value: bytes } = fields.get('value') as { readonly value: Buffer };
      return { kind: 'decimal', text: decimalText(bytes, value('scale')) };
    }
    default:
      return fields;
  }
}
