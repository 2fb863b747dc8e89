// What the converters of the Schema Registry (Avro, JSON Schema, Protobuf) have in common. The life of a value that is written:
// its Connect schema becomes a schema of the language, which is registered under the topic's subject; what writes values of the one
// as values of the other is kept by the Connect schema's identity, so that only the first record waits. One that is read: the
// schema's id, in front of the value or in a header, names what reads it; a schema that was met once is at hand.
import {
  type Codec,
  DeserializationError,
  deserialize,
  recordNameStrategy,
  type RegisteredSerde,
  type RegistryOptions,
  registrySerde,
  type ResolvedSchema,
  SchemaNotLoaded,
  type SchemaSource,
  type SchemaType,
  type SubjectNameStrategy,
  topicNameStrategy,
  topicRecordNameStrategy,
} from '../../../serde/index.ts';
import { ByteWriter, messageOf, MillraceError } from '../../../util/index.ts';
import { type ConfigOf, defineConfig } from '../../api/config-def.ts';
import type { Converter, ConverterContext } from '../../api/plugins.ts';
import { DataError, RetriableError } from '../../data/errors.ts';
import type { SchemaAndValue } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { checkValue } from '../../data/validate.ts';

/** What one language of schemas brings. */
export interface SchemaLanguage {
  /** For errors. */
  readonly name: string;
  readonly schemaType: SchemaType;
  /** The text of a schema whose values are those of a Connect schema. Throws `DataError`. */
  textOf(schema: Schema): string;
  /** Reads and writes payloads of a registered schema. `schema`: what is written; undefined for what is only read. */
  codec(registered: ResolvedSchema, schema: Schema | undefined): Codec<SchemaAndValue>;
}

const STRATEGIES: Readonly<Record<string, SubjectNameStrategy>> = {
  TopicNameStrategy: topicNameStrategy,
  RecordNameStrategy: recordNameStrategy,
  TopicRecordNameStrategy: topicRecordNameStrategy,
};
const STRATEGY_PACKAGE = 'io.confluent.kafka.serializers.subject.';

const strategyName = (value: string): string => value.slice(value.lastIndexOf('.') + 1);
const strategyProblem = (value: string | null): string | undefined =>
  value !== null && Object.hasOwn(STRATEGIES, strategyName(value))
    ? undefined
    : `Class ${value} could not be found; there are ${Object.keys(STRATEGIES).join(', ')}`;

const strategy = (whose: string) =>
  ({
    type: 'CLASS',
    default: `${STRATEGY_PACKAGE}TopicNameStrategy`,
    importance: 'MEDIUM',
    doc: `Under which subject schemas of ${whose} are: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy.`,
    validator: strategyProblem,
  }) as const;

/** The settings that all of them have. Those of the connection (`schema.registry.url`, logins) are its client's. */
export const REGISTRY_CONFIG = defineConfig({
  'schema.registry.url': {
    type: 'LIST',
    default: null,
    importance: 'HIGH',
    doc: "The URLs of the Schema Registry. Default: the platform's own.",
  },
  'auto.register.schemas': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether schemas are registered; else they must be there.',
  },
  'use.latest.version': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: "Whether values are written with the subject's newest schema, whatever their own is; with auto.register.schemas=false.",
  },
  'use.schema.id': {
    type: 'INT',
    default: -1,
    importance: 'LOW',
    doc: 'The id of the schema that values are written with, whatever their own is; -1: none.',
  },
  'normalize.schemas': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether the registry normalizes schemas before it compares and stores them.',
  },
  'key.subject.name.strategy': strategy('keys'),
  'value.subject.name.strategy': strategy('values'),
  'schemas.cache.size': {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    doc: 'How many schemas of a topic this converter remembers.',
  },
});

/** Its settings, as far as they are everybody's. */
export type RegistrySettings = ConfigOf<typeof REGISTRY_CONFIG>;

/** Writes the values of one Connect schema into one topic. */
interface Writer {
  readonly serde: RegisteredSerde<SchemaAndValue>;
  isReady: boolean;
}

/** A converter over the Schema Registry. */
export class RegistryConverter implements Converter {
  readonly #language: SchemaLanguage;
  readonly #settings: RegistrySettings;
  readonly #isKey: boolean;
  readonly #schemas: SchemaSource;
  readonly #writers = new Map<string, WeakMap<Schema, Writer>>();
  /** By topic and text: schemas that are equal share one. */
  readonly #byText = new Map<string, Writer>();
  readonly #readers = new Map<string, RegisteredSerde<SchemaAndValue>>();
  readonly #out = new ByteWriter();

  constructor(
    language: SchemaLanguage,
    settings: RegistrySettings,
    raw: Readonly<Record<string, string>>,
    context: ConverterContext,
  ) {
    this.#language = language;
    this.#settings = settings;
    this.#isKey = context.isKey;
    this.#schemas = context.schemaSource(raw);
  }

  fromConnect(
    topic: string,
    _headers: unknown,
    schema: Schema | null,
    value: unknown,
  ): Buffer | null | Promise<Buffer> {
    if (value === null || value === undefined) return null;
    if (schema === null)
      throw new DataError(
        `${this.#language.name} needs a schema, and a value for topic ${topic} has none: have the connector give one, or use JsonConverter with schemas.enable=false`,
      );
    const writer = this.#writerOf(topic, schema);
    if (writer.isReady) return this.#written(writer, topic, schema, value);
    return writer.serde.prepare().then(
      () => {
        writer.isReady = true;
        return this.#written(writer, topic, schema, value);
      },
      (error: unknown) => Promise.reject(this.#failure('serialize', topic, error)),
    );
  }

  toConnect(
    topic: string,
    headers: readonly { readonly key: string; readonly value: Uint8Array | null }[],
    bytes: Uint8Array | null,
  ): SchemaAndValue | Promise<SchemaAndValue> {
    if (bytes === null) return { schema: null, value: null };
    let serde = this.#readers.get(topic);
    if (serde === undefined) {
      serde = this.#serde(undefined, topic);
      this.#readers.set(topic, serde);
    }
    try {
      return deserialize(serde, bytes, headers)!;
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) throw this.#failure('deserialize', topic, error);
      return error.load().then(
        () => this.toConnect(topic, headers, bytes),
        (cause: unknown) => Promise.reject(this.#failure('deserialize', topic, cause)),
      );
    }
  }

  #written(writer: Writer, topic: string, schema: Schema, value: unknown): Buffer {
    this.#out.reset();
    try {
      writer.serde.encode({ schema, value }, this.#out);
    } catch (error) {
      checkValue(schema, value); // Names the place.
      throw this.#failure('serialize', topic, error);
    }
    return this.#out.copy();
  }

  #writerOf(topic: string, schema: Schema): Writer {
    let known = this.#writers.get(topic);
    if (known === undefined) {
      known = new WeakMap();
      this.#writers.set(topic, known);
    }
    let writer = known.get(schema);
    if (writer === undefined) {
      writer = this.#sharedWriter(topic, schema);
      known.set(schema, writer);
    }
    return writer;
  }

  #sharedWriter(topic: string, schema: Schema): Writer {
    const text = this.#language.textOf(schema);
    const key = `${topic}\0${text}`;
    let writer = this.#byText.get(key);
    if (writer === undefined) {
      writer = { serde: this.#serde({ schema, text }, topic), isReady: false };
      if (this.#byText.size >= this.#settings['schemas.cache.size']) this.#byText.clear();
      this.#byText.set(key, writer);
    }
    return writer;
  }

  #serde(written: { schema: Schema; text: string } | undefined, topic: string): RegisteredSerde<SchemaAndValue> {
    const { name, schemaType } = this.#language;
    const load = async () => (registered: ResolvedSchema) => this.#language.codec(registered, written?.schema);
    return registrySerde({ name, schemaType, load }, written?.text, this.#options(topic, written !== undefined));
  }

  #options(topic: string, writes: boolean): RegistryOptions {
    const settings = this.#settings;
    const given = settings[this.#isKey ? 'key.subject.name.strategy' : 'value.subject.name.strategy'];
    const options = {
      schemas: this.#schemas,
      topic,
      isKey: this.#isKey,
      subjectNameStrategy: STRATEGIES[strategyName(given)],
    };
    if (!writes) return options;
    return {
      ...options,
      autoRegisterSchemas: settings['auto.register.schemas'],
      useLatestVersion: settings['use.latest.version'] && !settings['auto.register.schemas'],
      useSchemaId: settings['use.schema.id'] < 0 ? undefined : settings['use.schema.id'],
      normalizeSchemas: settings['normalize.schemas'] ? true : undefined,
    };
  }

  /** A registry that does not answer is asked again; everything else is a fault of the record. */
  #failure(what: string, topic: string, error: unknown): Error {
    if (error instanceof DataError) return error;
    const inner = error instanceof DeserializationError && error.cause instanceof DataError ? error.cause : error;
    const message = `Failed to ${what} ${this.#language.name} data ${what === 'serialize' ? 'for' : 'from'} topic ${topic}: ${messageOf(inner)}`;
    const isRetriable = error instanceof MillraceError && error.retriable;
    return isRetriable ? new RetriableError(message, error) : new DataError(message, error);
  }
}
