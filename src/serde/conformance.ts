// Whether bytes are what a registered schema says: for whoever takes records in from others, and reads none of them.
import type { SchemaType } from '../schemas/index.ts';
import { codeOf, messageOf } from '../util/index.ts';
import { loadAvro } from './avro.ts';
import { ENVELOPE_BYTES, readEnvelope, readSchemaHeader } from './envelope.ts';
import type { Codec } from './registry-serde.ts';
import { KEY_SCHEMA_HEADER, VALUE_SCHEMA_HEADER } from './schema-header.ts';
import { type RegisteredSchema, type ResolvedSchema, resolveReferences, type SchemaSource } from './schema-source.ts';
import { DeserializationError, type RecordHeader, SerializationError } from './serde.ts';
import type { SubjectNameStrategy } from './subject-names.ts';

/** Where a key or a value is, and how its subject is named. */
export interface ConformancePlace {
  /** The topic's name. */
  readonly topic: string;
  /** False: a value. */
  readonly isKey: boolean;
  /** How the subject follows from them. */
  readonly strategy: SubjectNameStrategy;
}

interface Known {
  readonly registered: RegisteredSchema;
  readonly codec: Codec<unknown>;
}

/** Schemas that were met, which stay what they are. */
const KNOWN_MAX = 10_000;

const CODECS: Readonly<Record<SchemaType, () => Promise<(schema: ResolvedSchema) => Codec<unknown>>>> = {
  AVRO: loadAvro,
  JSON: async () => {
    const { JsonSchemaCodec } = await import('./json-schema-codec.ts');
    return (schema) => new JsonSchemaCodec<unknown>(schema);
  },
  PROTOBUF: async () => {
    const { ProtobufCodec } = await import('./protobuf-codec.ts');
    return (schema) => new ProtobufCodec<unknown>(schema);
  },
};

/** Checks keys and values against the schemas that they name. */
export class Conformance {
  readonly #schemas: SchemaSource;
  readonly #known = new Map<number | string, Known>();
  /** Ids that are registered under a subject, as `subject/id`. */
  readonly #uses = new Set<string>();

  constructor(schemas: SchemaSource) {
    this.#schemas = schemas;
  }

  /**
   * What is wrong with the bytes of a key or a value: they name no schema, or one that is not registered, or not under the subject
   * of their place, or they are no value of it. Undefined when nothing is. Rejects as `SchemaSource` does when the registry can't
   * be asked.
   */
  async problem(
    bytes: Buffer,
    headers: readonly RecordHeader[],
    { topic, isKey, strategy }: ConformancePlace,
  ): Promise<string | undefined> {
    try {
      const name = isKey ? KEY_SCHEMA_HEADER : VALUE_SCHEMA_HEADER;
      const header = headers.findLast(({ key, value }) => key === name && value !== null)?.value;
      const lead = header == null ? undefined : readSchemaHeader(header);
      const schema = lead?.schema ?? readEnvelope(bytes, 0, bytes.length);
      const payload = lead === undefined ? bytes.subarray(ENVELOPE_BYTES) : Buffer.concat([lead.lead, bytes]);
      const known = await this.#find(schema);
      if (known === undefined) return `the registry has no schema ${schema}`;
      const { codec, registered } = known;
      const recordName = codec.recordNameOf?.(payload, 0, payload.length) ?? codec.recordName;
      const subject = strategy(topic, isKey, recordName);
      if (!(await this.#isUsedUnder(subject, registered))) return `schema ${schema} is not registered under ${subject}`;
      codec.decode(payload, 0, payload.length);
      return undefined;
    } catch (error) {
      if (error instanceof DeserializationError || error instanceof SerializationError) return messageOf(error);
      if (codeOf(error) === 'UNNAMED_SCHEMA') return messageOf(error);
      throw error;
    }
  }

  async #find(schema: number | string): Promise<Known | undefined> {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const registered = await this.#registered(schema);
    if (registered === undefined) return undefined;
    const { schemaType, schema: text, references } = registered;
    const makeCodec = await CODECS[schemaType]();
    const codec = makeCodec(await resolveReferences(this.#schemas, text, references));
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(schema, { registered, codec });
    return { registered, codec };
  }

  async #registered(schema: number | string): Promise<RegisteredSchema | undefined> {
    try {
      return await (typeof schema === 'number' ? this.#schemas.byId(schema) : this.#schemas.byGuid(schema));
    } catch (error) {
      if (codeOf(error) === 'SCHEMA_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async #isUsedUnder(subject: string, registered: RegisteredSchema): Promise<boolean> {
    const use = `${subject}/${registered.id}`;
    if (this.#uses.has(use)) return true;
    const id = await this.#schemas.lookup(subject, registered);
    if (id === undefined) return false;
    if (this.#uses.size >= KNOWN_MAX) this.#uses.clear();
    this.#uses.add(use);
    return true;
  }
}
