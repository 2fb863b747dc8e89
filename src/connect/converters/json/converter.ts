// org.apache.kafka.connect.json.JsonConverter. With `schemas.enable` a value stands in an envelope beside its schema. The life of
// a value: its schema is compiled once (writer.ts, reader.ts) and found again by identity when it is written, by the text in
// front of the payload when it is read.
import { isUtf8 } from 'node:buffer';
import { messageOf, printJson } from '../../../util/index.ts';
import { atLeast, type ConfigOf, defineConfig } from '../../api/config-def.ts';
import { DataError } from '../../data/errors.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { checkValue } from '../../data/validate.ts';
import { bothPlugins, type Coder } from '../both-plugins.ts';
import { hasDecimals, type JsonReader, jsonReader, parseNumbers, parseSchemaless, schemalessValue } from './reader.ts';
import { schemaOf, schemaText } from './schema-json.ts';
import { jsonWriter, type JsonValueOptions, type JsonWriter } from './writer.ts';

const config = defineConfig({
  'schemas.enable': {
    type: 'BOOLEAN',
    default: true,
    importance: 'HIGH',
    doc: 'Write each key and value together with its schema, and expect the same when reading.',
    group: 'Schemas',
    width: 'MEDIUM',
    displayName: 'Enable Schemas',
  },
  'schemas.cache.size': {
    type: 'INT',
    default: 1000,
    importance: 'HIGH',
    doc: 'How many schemas this converter remembers.',
    validator: atLeast(1),
    group: 'Schemas',
    width: 'MEDIUM',
    displayName: 'Schema Cache Size',
  },
  'decimal.format': {
    type: 'STRING',
    default: 'BASE64',
    importance: 'LOW',
    doc: 'How decimals are written: BASE64, the bytes of the unscaled number, or NUMERIC, a JSON number. In any case of letters.',
    validator: (value) =>
      value !== null && /^(base64|numeric)$/i.test(value)
        ? undefined
        : 'String must be one of (case insensitive): NUMERIC, BASE64',
    group: 'Serialization',
    width: 'MEDIUM',
    displayName: 'Decimal Format',
  },
  'replace.null.with.default': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: "Whether a null becomes its schema's default, where there is one.",
    group: 'Serialization',
    width: 'MEDIUM',
    displayName: 'Replace null with default',
  },
});

const ENVELOPE_RULE =
  'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.';

interface KnownReader {
  readonly schema: Schema | null;
  readonly read: JsonReader;
  readonly hasDecimals: boolean;
}

class JsonConverter implements Coder {
  readonly #hasSchemas: boolean;
  readonly #cacheSize: number;
  readonly #options: JsonValueOptions;
  readonly #writers = new WeakMap<Schema, JsonWriter>();
  readonly #schemaless: JsonWriter;
  /** By the schema's text. */
  readonly #readers = new Map<string, KnownReader>();
  /** What the last value began with: nearly all of a topic's do. */
  #lastLead = '';
  #lastReader: KnownReader | undefined;

  constructor(settings: ConfigOf<typeof config>) {
    this.#hasSchemas = settings['schemas.enable'];
    this.#cacheSize = settings['schemas.cache.size'];
    const decimalFormat = settings['decimal.format'].toUpperCase() === 'NUMERIC' ? 'NUMERIC' : 'BASE64';
    this.#options = { decimalFormat, replaceNull: settings['replace.null.with.default'] };
    this.#schemaless = this.#writerOf(null);
  }

  fromConnect(schema: Schema | null, value: unknown): Buffer | null {
    if (schema === null && (value === null || value === undefined)) return null;
    let write = schema === null ? this.#schemaless : this.#writers.get(schema);
    if (write === undefined) {
      write = this.#writerOf(schema);
      this.#writers.set(schema!, write);
    }
    try {
      return Buffer.from(write(value));
    } catch (error) {
      checkValue(schema, value); // Names the place.
      throw error;
    }
  }

  toConnect(bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return { schema: null, value: null };
    if (!isUtf8(bytes)) throw unreadable('it is not UTF-8');
    const text = bytes.toString();
    if (this.#hasSchemas) return this.#enveloped(text);
    return { schema: null, value: text === '' ? null : parsed(text, parseSchemaless) };
  }

  #writerOf(schema: Schema | null): JsonWriter {
    const write = jsonWriter(schema, this.#options);
    if (!this.#hasSchemas) return write;
    const lead = leadOf(schemaText(schema, this.#options));
    return (value) => `${lead}${write(value)}}`;
  }

  #enveloped(text: string): SchemaAndValue {
    if (this.#lastReader !== undefined && text.startsWith(this.#lastLead)) {
      const payload = payloadOf(text, this.#lastLead, this.#lastReader.hasDecimals);
      if (payload !== undefined) return valueOf(this.#lastReader, payload);
    }
    const envelope = parsed(text, parseNumbers);
    if (!isEnvelope(envelope)) throw new DataError(ENVELOPE_RULE);
    const schema = printJson(envelope.schema) as string;
    const reader = this.#readerOf(schema, envelope.schema);
    if (text.startsWith(leadOf(schema))) {
      this.#lastLead = leadOf(schema);
      this.#lastReader = reader;
    }
    return valueOf(reader, envelope.payload);
  }

  #readerOf(text: string, json: unknown): KnownReader {
    let known = this.#readers.get(text);
    if (known === undefined) {
      const schema = schemaOf(json);
      const read = schema === null ? schemalessValue : jsonReader(schema, this.#options);
      known = { schema, read, hasDecimals: hasDecimals(schema) };
      if (this.#readers.size >= this.#cacheSize) this.#readers.delete(this.#readers.keys().next().value!);
      this.#readers.set(text, known);
    }
    return known;
  }
}

const leadOf = (schema: string): string => `{"schema":${schema},"payload":`;

function valueOf({ schema, read }: KnownReader, payload: unknown): SchemaAndValue {
  return { schema, value: read(payload) };
}

/** What stands behind a lead that is known; undefined when that is not all of the text. */
function payloadOf(text: string, lead: string, exact: boolean): unknown {
  if (!text.endsWith('}')) return undefined;
  try {
    return parseNumbers(text.slice(lead.length, -1), exact);
  } catch {
    return undefined;
  }
}

function isEnvelope(json: unknown): json is { readonly schema: unknown; readonly payload: unknown } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  return Object.keys(json).length === 2 && Object.hasOwn(json, 'schema') && Object.hasOwn(json, 'payload');
}

function parsed(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw unreadable(messageOf(error), error);
  }
}

function unreadable(problem: string, cause?: unknown): DataError {
  return new DataError(`Converting byte[] to Kafka Connect data failed due to serialization error: ${problem}`, cause);
}

/** JSON, with or without schemas. */
export const jsonConverters = bothPlugins(
  'org.apache.kafka.connect.json.JsonConverter',
  config,
  (settings) => new JsonConverter(settings),
);
