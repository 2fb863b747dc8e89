// The embedded formats: what stands in a request's JSON for a key or a value, and its bytes. Binary and JSON need nothing
// around them; Avro, JSON Schema and Protobuf have a schema of the registry, in Confluent's wire format.
import type { Header } from '../client/index.ts';
import {
  DeserializationError,
  deserializeLoading,
  type RegisteredSerde,
  SerializationError,
  type SchemaSource,
  type SchemaType,
  serialize,
  textSerde,
} from '../serde/index.ts';
import { codeOf, faultOf, isOutOfStack, messageOf } from '../util/index.ts';
import { conversionFailed, invalidSchema, serializationFailed } from './errors.ts';
import type { EmbeddedFormat } from './media-types.ts';

export type SchemaFormat = Exclude<EmbeddedFormat, 'binary' | 'json'>;

/** A key or a value as it stands in the JSON of a request, to bytes; null is null. Throws `ProxyError`. */
export type Encode = (value: unknown) => Buffer | null;

/** Bytes to the JSON text that stands for them. */
export type Decode = (bytes: Buffer | null, headers: readonly Header[], isKey: boolean) => string | Promise<string>;

const SCHEMA_TYPES: Readonly<Record<SchemaFormat, SchemaType>> = {
  avro: 'AVRO',
  jsonschema: 'JSON',
  protobuf: 'PROTOBUF',
};

export const isSchemaFormat = (format: EmbeddedFormat): format is SchemaFormat => format in SCHEMA_TYPES;

/** The format of a registered schema's language. */
export function formatOfSchema(type: SchemaType): SchemaFormat {
  return (Object.keys(SCHEMA_TYPES) as SchemaFormat[]).find((format) => SCHEMA_TYPES[format] === type)!;
}

// ── Without schemas ───────────────────────────────────────────────────────────────────────────────────────────────

export function encodeBinary(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'string') throw conversionFailed('binary data is a text in base64');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.replace(/=+$/, '').length % 4 === 1) {
    throw conversionFailed('the text is not base64');
  }
  return Buffer.from(value, 'base64');
}

export function encodeJson(value: unknown): Buffer | null {
  return value === null || value === undefined ? null : converted(() => Buffer.from(JSON.stringify(value)));
}

/** What does not fit, or nests more deeply than there is room for, is the fault of who sent it. */
function converted<T>(convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    throw error instanceof SerializationError || isOutOfStack(error) ? conversionFailed(faultOf(error)) : error;
  }
}

const decodeBinary: Decode = (bytes) => (bytes === null ? 'null' : `"${bytes.toString('base64')}"`);

/** The text itself: nothing that is in it is lost. */
const decodeJson: Decode = (bytes) => {
  if (bytes === null) return 'null';
  const text = bytes.toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new DeserializationError(`not valid JSON: ${messageOf(error)}`, error);
  }
};

// ── With schemas ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a schema is used: the subject is that of the topic's keys or values unless another one is named. */
export interface SchemaPlace {
  readonly topic: string;
  readonly isKey: boolean;
  readonly subject?: string | undefined;
}

export interface SchemaEncoder {
  readonly schemaId: number;
  readonly encode: Encode;
}

/** Encoders are kept for the requests that come: making one costs more than a request. */
const KEPT_MAX = 500;
const KEPT_SCHEMA_CHARACTERS_MAX = 64 * 1024;

/** The formats over one registry. */
export class Formats {
  readonly schemas: SchemaSource;
  readonly #encoders = new Map<string, Promise<SchemaEncoder>>();
  readonly #readers = new Map<string, RegisteredSerde<string>>();

  constructor(schemas: SchemaSource) {
    this.schemas = schemas;
  }

  decoder(format: EmbeddedFormat): Decode {
    if (format === 'binary') return decodeBinary;
    if (format === 'json') return decodeJson;
    return async (bytes, headers, isKey) =>
      (await deserializeLoading(this.#reader(format, isKey), bytes, headers)) ?? 'null';
  }

  /** The encoder of a schema's text, which is registered if it is not yet; 42205 for a text that is none. */
  encoderOfText(format: SchemaFormat, schema: string, place: SchemaPlace): Promise<SchemaEncoder> {
    const make = async () => {
      const subject = place.subject ?? `${place.topic}-${place.isKey ? 'key' : 'value'}`;
      const offered = { schemaType: SCHEMA_TYPES[format], schema };
      const id = await this.schemas.register(subject, offered).catch((error: unknown) => {
        if (codeOf(error) === 'INVALID_SCHEMA') throw invalidSchema(messageOf(error));
        throw ofRegistry(`The schema can't be registered under ${subject}`, error);
      });
      return this.#makeEncoder(format, id, place);
    };
    if (schema.length > KEPT_SCHEMA_CHARACTERS_MAX) return make();
    return this.#kept(JSON.stringify([format, place, schema]), make);
  }

  encoderOfId(format: SchemaFormat, id: number, place: SchemaPlace): Promise<SchemaEncoder> {
    return this.#kept(JSON.stringify([format, place, id]), () => this.#makeEncoder(format, id, place));
  }

  async #makeEncoder(format: SchemaFormat, schemaId: number, place: SchemaPlace): Promise<SchemaEncoder> {
    const serde = textSerde(SCHEMA_TYPES[format], { schemas: this.schemas, ...place, useSchemaId: schemaId });
    await serde.prepare().catch((error: unknown) => {
      throw ofRegistry(`The schema ${schemaId} can't be used`, error);
    });
    const encode: Encode = (value) =>
      value === null || value === undefined ? null : converted(() => serialize(serde, JSON.stringify(value)));
    return { schemaId, encode };
  }

  /** The one that was used longest ago makes room. What failed is tried again. */
  #kept(key: string, make: () => Promise<SchemaEncoder>): Promise<SchemaEncoder> {
    const found = this.#encoders.get(key);
    if (found !== undefined) {
      this.#encoders.delete(key);
      this.#encoders.set(key, found);
      return found;
    }
    const made = make();
    this.#encoders.set(key, made);
    made.catch(() => this.#encoders.delete(key));
    if (this.#encoders.size > KEPT_MAX) this.#encoders.delete(this.#encoders.keys().next().value!);
    return made;
  }

  #reader(format: SchemaFormat, isKey: boolean): RegisteredSerde<string> {
    const name = `${format} ${isKey}`;
    let reader = this.#readers.get(name);
    if (reader === undefined) {
      reader = textSerde(SCHEMA_TYPES[format], { schemas: this.schemas, isKey });
      this.#readers.set(name, reader);
    }
    return reader;
  }
}

/** A registry that answers refuses the request; one that does not is no fault of it. */
export function ofRegistry(what: string, error: unknown): unknown {
  return codeOf(error)?.startsWith('REGISTRY_') === true ? error : serializationFailed(`${what}: ${messageOf(error)}`);
}
