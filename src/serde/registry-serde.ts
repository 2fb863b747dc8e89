// The life of a value whose schema is registered. Before the first one: the schema is registered (or looked up), which
// gives its id, and a codec is made of it (`prepare`). Written: envelope, payload. Read: the envelope's id names the schema
// that the writer had, and what makes its payloads values of the serde's own schema is made once, after loading it
// (`SchemaNotLoaded`).
//
// The languages of schemas differ in a `SchemaFormat` only.
import type { SchemaReference, SchemaType } from '../schemas/index.ts';
import { type ByteWriter, codeOf, messageOf, MillraceError } from '../util/index.ts';
import { ENVELOPE_BYTES, guidHeader, readEnvelope, readSchemaHeader, writeEnvelope } from './envelope.ts';
import { KEY_SCHEMA_HEADER, VALUE_SCHEMA_HEADER } from './schema-header.ts';
import {
  type NewSchema,
  type RegisteredSchema,
  type ResolvedSchema,
  resolveReferences,
  type SchemaSource,
} from './schema-source.ts';
import { DeserializationError, SchemaNotLoaded, type SchemaHeader, SerializationError, type Serde } from './serde.ts';
import { type SubjectNameStrategy, topicNameStrategy } from './subject-names.ts';

/** Payloads to values. */
export interface Decoder<T> {
  /** The value of what stands behind the id. Throws `DeserializationError`. */
  decode(bytes: Buffer, start: number, end: number): T;
}

/** Values of one schema to payloads and back. */
export interface Codec<T> extends Decoder<T> {
  /** What the schema calls its records, if it names them. */
  readonly recordName: string | undefined;
  /** What it calls the record in a payload, where that depends on the payload. Throws `DeserializationError`. */
  recordNameOf?(bytes: Buffer, start: number, end: number): string;
  /** What stands between the schema's id and the payload: a Protobuf record's message indexes. Else empty. */
  readonly lead: Uint8Array;
  /** Appends the payload. Throws `SerializationError` when the value does not fit. */
  encode(value: T, out: ByteWriter): void;
  /**
   * Reads what another schema has written as values of this one; throws `DeserializationError` when it never can. Without
   * this method the other schema reads its payloads itself.
   */
  decoderOf?(writer: this): Decoder<T>;
}

/** What one language of schemas brings. */
export interface SchemaFormat<T> {
  /** For plans and errors. */
  readonly name: string;
  readonly schemaType: SchemaType;
  /** Loads the language's library, and returns what makes codecs with it. These throw when a schema is broken. */
  load(): Promise<(schema: ResolvedSchema) => Codec<T>>;
  /** Reads payloads of whatever schema, where the format can do that: schemas are not loaded then. */
  readonly decodeAny?: ((bytes: Buffer, start: number, end: number) => T) | undefined;
}

/** A serde that has to be prepared before it writes; Streams does that by itself. */
export interface RegisteredSerde<T> extends Serde<T> {
  /** Registers or looks up the schema. Rejects as `SchemaSource` does, or with `SerializationError` when the schema is broken. */
  prepare(): Promise<void>;
}

/** The settings of Confluent's serializers, under their names. */
export interface RegistryOptions {
  readonly schemas: SchemaSource;
  /** The subject; else it is derived from the topic. One in a context (`:.ctx:orders`) has the schema ids of that context. */
  readonly subject?: string | undefined;
  readonly topic?: string | undefined;
  /** Whether these are a topic's keys. Default: false, or whether the given subject ends in `-key`. */
  readonly isKey?: boolean | undefined;
  /** Default: `topicNameStrategy`. */
  readonly subjectNameStrategy?: SubjectNameStrategy | undefined;
  /** Register the schema. False: it must be registered already, else `prepare` rejects with `SCHEMA_NOT_FOUND`. Default true. */
  readonly autoRegisterSchemas?: boolean | undefined;
  /** The subject's newest schema, whatever it is, is the one that is written and read into; `schema` is not registered. */
  readonly useLatestVersion?: boolean | undefined;
  /** As `useLatestVersion`, of the versions whose metadata have all these properties. Goes before it. */
  readonly useLatestWithMetadata?: Readonly<Record<string, string>> | undefined;
  /** The schema with this id is the one that is written and read into; `schema` is not registered. Goes before those above. */
  readonly useSchemaId?: number | undefined;
  /** Have the registry normalize the schema before it compares and stores it. Default: as the subject is configured. */
  readonly normalizeSchemas?: boolean | undefined;
  /** What the schema's text refers to. */
  readonly references?: readonly SchemaReference[] | undefined;
  /** Where records name their schema when they are written; both forms are read. Default `prefix`. */
  readonly schemaIdIn?: 'prefix' | 'header' | undefined;
}

/**
 * The serde of values with a registered schema. `schema`: the text of what is written, and of what data of other schema ids
 * comes out as, where the format can do that. Without one (and without the options that choose one from the registry) the
 * serde only reads, and data comes out as it was written.
 */
export function registrySerde<T>(
  format: SchemaFormat<T>,
  schema: string | undefined,
  options: RegistryOptions,
): RegisteredSerde<T> {
  return new RegistrySerde(format, schema, options);
}

/** The schema that values have in this process, however they were written. */
interface OwnSchema<T> {
  readonly codec: Codec<T>;
  /** Missing: it was given as a text. */
  readonly id?: number;
}

interface Writer<T> {
  readonly id: number;
  readonly codec: Codec<T>;
}

/** What has to be waited for before schemas can be read. */
interface Loaded<T> {
  readonly makeCodec: (schema: ResolvedSchema) => Codec<T>;
  /** Undefined: values come as they were written. */
  readonly own: OwnSchema<T> | undefined;
  /** Whose ids and references are meant. Undefined when that depends on a record's name, which is not known. */
  readonly subject: string | undefined;
}

class RegistrySerde<T> implements RegisteredSerde<T> {
  readonly name: string;
  readonly schemaHeader: SchemaHeader;
  readonly #format: SchemaFormat<T>;
  readonly #schema: string | undefined;
  readonly #options: RegistryOptions;
  #prepared: Promise<void> | undefined;
  #loading: Promise<Loaded<T>> | undefined;
  #loaded: Loaded<T> | undefined;
  #writer: Writer<T> | undefined;
  #header: SchemaHeader['written'];
  /** One for every schema of the registry that was met; so are the GUIDs. */
  readonly #readers = new Map<number, Decoder<T>>();
  readonly #idsOfGuids = new Map<string, number>();
  /** Schemas that could not be used: told to the record that named them, and asked for again by the next one. */
  readonly #unusable = new Map<number | string, DeserializationError>();

  constructor(format: SchemaFormat<T>, schema: string | undefined, options: RegistryOptions) {
    this.name = format.name;
    this.#format = format;
    this.#schema = schema;
    this.#options = options;
    const written = () => this.#header;
    this.schemaHeader = {
      key: isKey(options) ? KEY_SCHEMA_HEADER : VALUE_SCHEMA_HEADER,
      isWritten: options.schemaIdIn === 'header',
      get written() {
        return written();
      },
      writePrefix: (header, out) => this.#writePrefix(header, out),
    };
  }

  /** Once is enough; after a failure it may be tried again. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  encode(value: T, out: ByteWriter): void {
    const writer = this.#writer;
    if (writer === undefined) throw this.#notPrepared();
    const { codec } = writer;
    writeEnvelope(writer.id, out);
    if (codec.lead.length > 0) out.bytes(codec.lead);
    codec.encode(value, out);
  }

  decode(bytes: Buffer, start: number, end: number): T {
    const id = readEnvelope(bytes, start, end);
    const { decodeAny } = this.#format;
    if (decodeAny !== undefined) return decodeAny(bytes, start + ENVELOPE_BYTES, end);
    const reader = this.#readers.get(id) ?? this.#readerOf(id);
    return reader.decode(bytes, start + ENVELOPE_BYTES, end);
  }

  // ── The schema of our own ───────────────────────────────────────────────────────────────────────────────────────

  /** Once is enough; after a failure it may be tried again. */
  #load(): Promise<Loaded<T>> {
    this.#loading ??= this.#loadOwn().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #loadOwn(): Promise<Loaded<T>> {
    const makeCodec = await this.#format.load();
    const own = await this.#chooseOwn(makeCodec);
    this.#loaded = { makeCodec, own, subject: this.#subjectIfKnown(own?.codec.recordName) };
    return this.#loaded;
  }

  /** As the options say; undefined when there is none. */
  async #chooseOwn(makeCodec: Loaded<T>['makeCodec']): Promise<OwnSchema<T> | undefined> {
    const { schemas, useSchemaId, useLatestVersion, useLatestWithMetadata, references } = this.#options;
    const fromRegistry = async (registered: RegisteredSchema, subject: string | undefined) => {
      return { id: registered.id, codec: await this.#codecOf(registered, makeCodec, subject) };
    };
    const home = this.#subjectIfKnown(undefined);
    if (useSchemaId !== undefined) return fromRegistry(await schemas.byId(useSchemaId, home), home);
    const text = this.#schema;
    const codec = text === undefined ? undefined : makeCodec(await resolveReferences(schemas, text, references, home));
    if (useLatestVersion !== true && useLatestWithMetadata === undefined) return codec && { codec };
    const subject = this.#subject(codec?.recordName);
    const latest = await schemas.latest(subject, useLatestWithMetadata);
    if (latest !== undefined) return fromRegistry(latest, subject);
    const which =
      useLatestWithMetadata === undefined ? '' : ` with the metadata ${JSON.stringify(useLatestWithMetadata)}`;
    throw new MillraceError('SCHEMA_NOT_FOUND', `the subject ${subject} has no schema${which}: register one first`);
  }

  // ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #prepare(): Promise<void> {
    const { schemas, schemaIdIn } = this.#options;
    const { own, subject } = await this.#load();
    if (own === undefined) return;
    const { codec } = own;
    // Also where there is none: a schema without the message that is to be written is found out here.
    const { lead } = codec;
    const id = own.id ?? (await this.#register(this.#schema!, this.#subject(codec.recordName)));
    const registered = schemaIdIn === 'header' ? await schemas.byId(id, subject) : schemas.cached(id, subject);
    const guid = registered?.guid;
    if (guid !== undefined) this.#idsOfGuids.set(guid, id);
    if (schemaIdIn === 'header') {
      if (guid === undefined) {
        throw new MillraceError(
          'GUIDS_UNSUPPORTED',
          `the registry gives the schema ${id} no GUID that a header could hold: leave schemaIdIn at 'prefix'`,
        );
      }
      const header = { key: this.schemaHeader.key, value: guidHeader(guid, lead) };
      this.#header = { header, prefixBytes: ENVELOPE_BYTES + lead.length };
    }
    this.#readers.set(id, codec);
    this.#writer = { id, codec };
  }

  async #register(schema: string, subject: string): Promise<number> {
    const { schemas, autoRegisterSchemas, normalizeSchemas, references } = this.#options;
    const offered: NewSchema = {
      schemaType: this.#format.schemaType,
      schema,
      ...(references === undefined ? {} : { references }),
      ...(normalizeSchemas === undefined ? {} : { normalize: normalizeSchemas }),
    };
    const id =
      autoRegisterSchemas === false ? await schemas.lookup(subject, offered) : await schemas.register(subject, offered);
    if (id !== undefined) return id;
    throw new MillraceError(
      'SCHEMA_NOT_FOUND',
      `the schema is not registered under the subject ${subject}: register it first, or leave autoRegisterSchemas on`,
    );
  }

  #subject(recordName: string | undefined): string {
    const { subject, topic, subjectNameStrategy = topicNameStrategy } = this.#options;
    if (subject !== undefined) return subject;
    if (topic !== undefined) return subjectNameStrategy(topic, isKey(this.#options), recordName);
    throw new MillraceError('NO_SUBJECT', `the ${this.name} serde has neither a topic nor a subject: give it one`);
  }

  /** A strategy may need a record's name, which a serde that only reads does not know. */
  #subjectIfKnown(recordName: string | undefined): string | undefined {
    try {
      return this.#subject(recordName);
    } catch {
      return undefined;
    }
  }

  #notPrepared(): SerializationError {
    const { subject, topic } = this.#options;
    const whose = subject === undefined ? `topic ${topic}` : `subject ${subject}`;
    return new SerializationError(
      this.#schema === undefined && this.#prepared !== undefined
        ? `the ${this.name} serde of ${whose} was given no schema to write`
        : `the schema of ${whose} has not been registered yet: prepare() the serde first`,
    );
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #readerOf(id: number): Decoder<T> {
    this.#throwUnusable(id);
    const loaded = this.#loaded;
    const registered = this.#options.schemas.cached(id, loaded?.subject);
    // What is at hand, and has no references to follow, needs no waiting.
    if (loaded !== undefined && registered !== undefined && (registered.references ?? []).length === 0) {
      try {
        const codec = loaded.makeCodec({ schema: this.#textOf(registered), references: [] });
        return this.#keepReader(id, codec, loaded);
      } catch (error) {
        throw unusable(id, error);
      }
    }
    throw this.#notLoaded(id, async (now) => {
      const writer = await this.#options.schemas.byId(id, now.subject);
      this.#keepReader(id, await this.#codecOf(writer, now.makeCodec, now.subject), now);
    });
  }

  #keepReader(id: number, writer: Codec<T>, { own }: Loaded<T>): Decoder<T> {
    const reader = own === undefined ? writer : decoderAs(own.codec, id, writer);
    this.#readers.set(id, reader);
    return reader;
  }

  async #codecOf(
    registered: RegisteredSchema,
    makeCodec: Loaded<T>['makeCodec'],
    subject: string | undefined,
  ): Promise<Codec<T>> {
    const text = this.#textOf(registered);
    return makeCodec(await resolveReferences(this.#options.schemas, text, registered.references, subject));
  }

  #textOf({ id, schemaType, schema }: RegisteredSchema): string {
    if (schemaType === this.#format.schemaType) return schema;
    throw new MillraceError('WRONG_SCHEMA_TYPE', `schema ${id} is ${schemaType}, not ${this.#format.schemaType}`);
  }

  /**
   * A registry that does not answer, or a broken schema of our own, is an error of the application; a writer's schema that
   * does not exist, is broken, or can't be read as ours is an error of the record that names it.
   */
  #notLoaded(schema: number | string, load: (loaded: Loaded<T>) => Promise<void>): SchemaNotLoaded {
    return new SchemaNotLoaded(schema, async () => {
      const loaded = await this.#load();
      try {
        await load(loaded);
      } catch (error) {
        if (codeOf(error)?.startsWith('REGISTRY_') === true) throw error;
        this.#unusable.set(schema, unusable(schema, error));
      }
    });
  }

  #throwUnusable(schema: number | string): void {
    const error = this.#unusable.get(schema);
    if (error === undefined) return;
    this.#unusable.delete(schema);
    throw error;
  }

  #writePrefix(header: Uint8Array, out: ByteWriter): void {
    const { schema, lead } = readSchemaHeader(header);
    const id = typeof schema === 'number' ? schema : this.#idsOfGuids.get(schema);
    if (id === undefined) {
      this.#throwUnusable(schema);
      throw this.#notLoaded(schema, async ({ subject }) => {
        const registered = await this.#options.schemas.byGuid(String(schema), subject);
        this.#idsOfGuids.set(String(schema), registered.id);
      });
    }
    writeEnvelope(id, out);
    out.bytes(lead);
  }
}

/** Two schemas that don't go together never will: that is found out once, and told to every record. */
function decoderAs<T>(own: Codec<T>, id: number, writer: Codec<T>): Decoder<T> {
  try {
    return own.decoderOf?.(writer) ?? writer;
  } catch (error) {
    const reason = unusable(id, error);
    return {
      decode() {
        throw reason;
      },
    };
  }
}

function unusable(schema: number | string, error: unknown): DeserializationError {
  return new DeserializationError(`the schema ${schema} can't be used: ${messageOf(error)}`, error);
}

function isKey({ isKey: given, subject }: RegistryOptions): boolean {
  return given ?? subject?.endsWith('-key') ?? false;
}
