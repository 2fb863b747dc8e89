/**
 * PORT. Where schemas come from: `schema-registry` implements it in process and over HTTP. `serde` knows only this, and
 * the envelope that Confluent's clients put before every value: one zero byte, then the schema's id as int32.
 */
export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

export interface RegisteredSchema {
  readonly id: number;
  readonly schemaType: SchemaType;
  /** The schema's text in its own language. */
  readonly schema: string;
  readonly references?: readonly SchemaReference[];
}

export interface SubjectVersion extends RegisteredSchema {
  readonly subject: string;
  readonly version: number;
}

export interface SchemaSource {
  /** The schema if it is at hand without waiting. */
  cached(id: number): RegisteredSchema | undefined;
  /** Loads a schema by id. Rejects with `SCHEMA_NOT_FOUND`. */
  byId(id: number): Promise<RegisteredSchema>;
  /** The newest version of a subject, or undefined when the subject has none. */
  latest(subject: string): Promise<SubjectVersion | undefined>;
  /** Registers a schema (idempotent) and answers its id. Rejects with `INCOMPATIBLE_SCHEMA` or `INVALID_SCHEMA`. */
  register(subject: string, schemaType: SchemaType, schema: string): Promise<number>;
}

export const MAGIC_BYTE = 0;
/** Bytes before the payload: the magic byte and the schema's id. */
export const ENVELOPE_BYTES = 5;
