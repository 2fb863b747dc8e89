// Keys and values as they lie in records, made readable: by a format that was named, or by what they look like.
import {
  avroSerde,
  bigintSerde,
  deserialize,
  deserializeLoading,
  doubleSerde,
  ENVELOPE_BYTES,
  integerSerde,
  jsonSchemaSerde,
  KEY_SCHEMA_HEADER,
  protobufSerde,
  readEnvelope,
  readSchemaHeader,
  type RecordHeader,
  type SchemaSource,
  type SchemaType,
  type Serde,
  VALUE_SCHEMA_HEADER,
} from '../../serde/index.ts';
import { codeOf, JsonNumber, messageOf, MillraceError, parseExactJson, printJson } from '../../util/index.ts';
import { registryAddress, type RegistryOptions } from './options.ts';

export const FORMATS = [
  'auto',
  'string',
  'json',
  'int',
  'long',
  'double',
  'avro',
  'protobuf',
  'jsonschema',
  'hex',
  'base64',
] as const;
export type Format = (typeof FORMATS)[number];

const SCHEMA_TYPES = { avro: 'AVRO', protobuf: 'PROTOBUF', jsonschema: 'JSON' } as const;

export interface Decoded {
  /** What it is: null, text, or what JSON can hold, with `JsonNumber`s for what a double can't. */
  readonly value: unknown;
  readonly bytes: Buffer | null;
  /** Whether the value says what the bytes don't say by themselves: a number, what a schema describes. */
  readonly isTranslated: boolean;
}

/** Rejects where the bytes are not of a format that was named; `auto` takes everything. */
export type Decode = (bytes: Buffer | null, headers: readonly RecordHeader[]) => Promise<Decoded>;

export interface DecodingOptions {
  readonly isKey: boolean;
  /** Loaded when there is something for it to say. */
  readonly schemas: () => Promise<SchemaSource>;
  /** Told once, where `auto` can't ask the registry. */
  readonly notice: (text: string) => void;
}

export function decoderOf(format: Format, options: DecodingOptions): Decode {
  const decode = wayOf(format, options);
  return async (bytes, headers) => {
    if (bytes === null) return { value: null, bytes, isTranslated: false };
    return decode(bytes, headers);
  };
}

type Way = (bytes: Buffer, headers: readonly RecordHeader[]) => Decoded | Promise<Decoded>;

function wayOf(format: Format, options: DecodingOptions): Way {
  switch (format) {
    case 'auto':
      return automatic(options);
    case 'string':
      return (bytes) => ({ value: bytes.toString(), bytes, isTranslated: false });
    case 'json':
      return (bytes) => ({ value: parsed(bytes.toString()), bytes, isTranslated: false });
    case 'hex':
    case 'base64':
      return (bytes) => ({ value: bytes.toString(format), bytes, isTranslated: true });
    case 'int':
      return fixed(integerSerde as Serde<unknown>);
    case 'long':
      return fixed(bigintSerde as Serde<unknown>);
    case 'double':
      return fixed(doubleSerde as Serde<unknown>);
    default:
      return withSchema(SCHEMA_TYPES[format], options);
  }
}

function fixed(serde: Serde<unknown>): Way {
  return (bytes) => ({ value: plainOf(deserialize(serde, bytes)), bytes, isTranslated: true });
}

function parsed(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw new MillraceError('DESERIALIZATION_FAILED', `it is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

function withSchema(type: SchemaType, { isKey, schemas }: DecodingOptions): Way {
  let serde: Serde<unknown> | undefined;
  return async (bytes, headers) => {
    serde ??= readerOf(type, await schemas(), isKey);
    return { value: plainOf(await deserializeLoading(serde, bytes, headers)), bytes, isTranslated: true };
  };
}

function readerOf(type: SchemaType, schemas: SchemaSource, isKey: boolean): Serde<unknown> {
  if (type === 'AVRO') return avroSerde({ schemas, isKey });
  if (type === 'PROTOBUF') return protobufSerde({ schemas, isKey });
  return jsonSchemaSerde({ schemas, isKey, validate: false });
}

/** What names a schema that the registry has is read by it; text is text, JSON objects and lists are what they are; else base64. */
function automatic(options: DecodingOptions): Way {
  const { isKey, schemas, notice } = options;
  const ways = new Map<SchemaType, Way>();
  const unknown = new Set<number | string>();
  let isOutOfReach = false;
  const wayTo = async (id: number | string): Promise<Way | undefined> => {
    if (isOutOfReach || unknown.has(id)) return undefined;
    try {
      const source = await schemas();
      const { schemaType } = await (typeof id === 'number' ? source.byId(id) : source.byGuid(id));
      const way = ways.get(schemaType) ?? withSchema(schemaType, options);
      ways.set(schemaType, way);
      return way;
    } catch (error) {
      // An eight-byte number may look like an envelope: that there is no such schema says that it is something else.
      unknown.add(id);
      if (codeOf(error) !== 'SCHEMA_NOT_FOUND') {
        isOutOfReach = true;
        notice(`${messageOf(error)}. What was written with schemas is shown as base64.`);
      }
      return undefined;
    }
  };
  return async (bytes, headers) => {
    const id = schemaOf(bytes, headers, isKey ? KEY_SCHEMA_HEADER : VALUE_SCHEMA_HEADER);
    const way = id === undefined ? undefined : await wayTo(id);
    if (way === undefined) return byLook(bytes);
    try {
      return await way(bytes, headers);
    } catch {
      // It begins as if a schema described it, and goes on otherwise.
      return byLook(bytes);
    }
  };
}

function schemaOf(bytes: Buffer, headers: readonly RecordHeader[], header: string): number | string | undefined {
  const named = headers.findLast(({ key, value }) => key === header && value !== null);
  try {
    if (named !== undefined) return readSchemaHeader(named.value!).schema;
    return bytes.length >= ENVELOPE_BYTES && bytes[0] === 0 ? readEnvelope(bytes, 0, bytes.length) : undefined;
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// oxlint-disable-next-line no-control-regex -- what no text has
const BINARY = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

function byLook(bytes: Buffer): Decoded {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { value: bytes.toString('base64'), bytes, isTranslated: false };
  }
  if (BINARY.test(text)) return { value: bytes.toString('base64'), bytes, isTranslated: false };
  if (/^\s*[[{]/.test(text)) {
    try {
      return { value: parseExactJson(text), bytes, isTranslated: false };
    } catch {
      // Text that begins as JSON does.
    }
  }
  return { value: text, bytes, isTranslated: false };
}

/** As JSON can have it: bytes as base64, maps as objects, instants as texts. */
function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return new JsonNumber(String(value));
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plainOf);
  const members = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value);
  return Object.fromEntries(members.map(([name, member]) => [name, plainOf(member)]));
}

/** The text of a key or a value: texts as they are, everything else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : printJson(value)!;
}

/** The registry that the options name, loaded when it is asked. */
export function registryOf(options: RegistryOptions): () => Promise<SchemaSource> {
  let loading: Promise<SchemaSource> | undefined;
  return () => {
    loading ??= import('../../schema-registry/index.ts').then(
      ({ HttpSchemaSource }) => new HttpSchemaSource(registryAddress(options)),
    );
    return loading;
  };
}
