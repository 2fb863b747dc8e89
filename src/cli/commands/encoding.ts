// Keys and values on their way into records: by the format that was named, with schemas of the registry where it has some.
import { readFileSync } from 'node:fs';
import {
  avroSerde,
  bigintSerde,
  doubleSerde,
  integerSerde,
  jsonSchemaSerde,
  protobufSerde,
  type RegisteredSerde,
  type RegistryOptions as SerdeOptions,
  type SchemaSource,
  serialize,
  type Serde,
} from '../../serde/index.ts';
import { JsonNumber, type JsonValue, messageOf, MillraceError, parseExactJson, printJson } from '../../util/index.ts';
import { usage } from './options.ts';

export const WRITTEN_FORMATS = [
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
export type WrittenFormat = (typeof WRITTEN_FORMATS)[number];

/** `text`: how the value stood in the input. Throws where it is not of the format. */
export type Encode = (value: JsonValue, text?: string) => Buffer | null;

export interface EncodingOptions {
  readonly topic: string;
  readonly isKey: boolean;
  readonly schemas: () => Promise<SchemaSource>;
  /** Whether what comes is lines of text: where a schema says what they are, they are read as JSON. */
  readonly isText: boolean;
  /** A file, or the id of a registered schema. Undefined: the newest of the topic’s subject. */
  readonly schema?: string;
  /** Of Protobuf: which message. */
  readonly message?: string;
}

/** Rejects where the schema is not there, or broken. */
export async function encoderOf(format: WrittenFormat, options: EncodingOptions): Promise<Encode> {
  if (options.schema !== undefined && !['avro', 'protobuf', 'jsonschema'].includes(format)) {
    throw usage(`the format ${format} has no schema: use avro, protobuf or jsonschema.`);
  }
  const encode = await wayOf(format, options);
  return (value, text) => (value === null ? null : encode(value, text));
}

async function wayOf(
  format: WrittenFormat,
  options: EncodingOptions,
): Promise<(value: JsonValue, text?: string) => Buffer | null> {
  switch (format) {
    case 'string':
      return (value, text) => Buffer.from(text ?? (typeof value === 'string' ? value : printJson(value)!));
    case 'json':
      return (value, text) => Buffer.from(typeof value === 'string' ? checkedJson(value) : (text ?? printJson(value)!));
    case 'hex':
      return (value) => binary(value, 'hex', /^([0-9a-fA-F]{2})*$/);
    case 'base64':
      return (value) => binary(value, 'base64', /^[\w+/-]*={0,2}$/);
    case 'int':
      return (value) => serialize(integerSerde, Number(numberOf(value, /^-?\d+$/)));
    case 'long':
      return (value) => serialize(bigintSerde, BigInt(numberOf(value, /^-?\d+$/)));
    case 'double':
      return (value) => serialize(doubleSerde, Number(numberOf(value, /./)));
    default: {
      const serde = await serdeOf(format, options);
      await serde.prepare();
      return (value) => {
        const given = options.isText && typeof value === 'string' ? parsed(value) : value;
        return serialize(serde as Serde<unknown>, nativeOf(given));
      };
    }
  }
}

function checkedJson(text: string): string {
  parsed(text);
  return text;
}

/** A line of text that is to be JSON. */
function parsed(text: string): JsonValue {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw invalid(`it is no JSON: ${messageOf(error)}`);
  }
}

function binary(value: JsonValue, encoding: 'hex' | 'base64', pattern: RegExp): Buffer {
  if (typeof value === 'string' && pattern.test(value)) return Buffer.from(value, encoding);
  throw invalid(`it is not written as ${encoding}`);
}

function numberOf(value: JsonValue, pattern: RegExp): string {
  const text = value instanceof JsonNumber ? value.text : typeof value === 'string' ? value.trim() : '';
  if (text !== '' && pattern.test(text) && !Number.isNaN(Number(text))) return text;
  throw invalid(`${printJson(value)} is not a number of this format`);
}

async function serdeOf(
  format: 'avro' | 'protobuf' | 'jsonschema',
  { topic, isKey, schemas, schema, message }: EncodingOptions,
): Promise<RegisteredSerde<unknown>> {
  const isId = schema !== undefined && /^\d+$/.test(schema);
  const common: SerdeOptions = {
    schemas: await schemas(),
    topic,
    isKey,
    ...(isId ? { useSchemaId: Number(schema) } : {}),
    ...(schema === undefined ? { useLatestVersion: true } : {}),
  };
  const text = schema === undefined || isId ? undefined : readFileSync(schema, 'utf8');
  if (format === 'protobuf') {
    return protobufSerde({ ...common, schema: text, ...(message === undefined ? {} : { messageName: message }) });
  }
  const parsed = text === undefined ? undefined : (JSON.parse(text) as object);
  if (format === 'avro') return avroSerde({ ...common, ...(parsed === undefined ? {} : { schema: parsed as never }) });
  return jsonSchemaSerde({ ...common, ...(parsed === undefined ? {} : { schema: parsed as never }) });
}

/** Numbers as serdes take them: bigints where a double would lose digits. */
function nativeOf(value: JsonValue): unknown {
  if (value instanceof JsonNumber) {
    const number = Number(value.text);
    return value.isInteger && !Number.isSafeInteger(number) ? BigInt(value.text) : number;
  }
  if (Array.isArray(value)) return value.map(nativeOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, nativeOf(member)]));
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_INPUT', why);
}
