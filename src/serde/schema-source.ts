/**
 * PORT. Where schemas come from: `schema-registry` implements it in process and over HTTP. When the registry can't answer,
 * all of it rejects with `REGISTRY_UNREACHABLE` (retriable), `REGISTRY_UNTRUSTED` (its certificate), `REGISTRY_UNAUTHORIZED`
 * (the login), `REGISTRY_FORBIDDEN` (what the user may do) or `REGISTRY_FAILED`.
 *
 * Subjects may be in a context of the registry: `:.ctx:orders`. Ids are a context's, so that those who ask for one say for
 * which subject they do; without one it is the default context's.
 */
import type { SchemaReference, SchemaType, StoredSchema } from '../schemas/index.ts';

/** What a schema's owner says about it. */
export interface SchemaMetadata {
  /** Texts by names. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** A schema that the registry has. */
export interface RegisteredSchema {
  /** Its id in the subject's context. */
  readonly id: number;
  /** `AVRO`, `JSON` or `PROTOBUF`. */
  readonly schemaType: SchemaType;
  /** The schema's text in its own language. */
  readonly schema: string;
  /** Schemas that it refers to, by the names that it uses. */
  readonly references?: readonly SchemaReference[];
  /** What its owner says about it. */
  readonly metadata?: SchemaMetadata;
  /** The name of the schema's content that is the same in every registry, as a UUID. Older registries have none. */
  readonly guid?: string | undefined;
}

/** A schema as a version of a subject. */
export interface SubjectVersion extends RegisteredSchema {
  /** The subject's name. */
  readonly subject: string;
  /** From 1. */
  readonly version: number;
}

/** A schema as it is offered to the registry. */
export interface NewSchema {
  /** `AVRO`, `JSON` or `PROTOBUF`. */
  readonly schemaType: SchemaType;
  /** Its text in its own language. */
  readonly schema: string;
  /** Schemas that it refers to, by the names that it uses. */
  readonly references?: readonly SchemaReference[];
  /** Kept with the version. */
  readonly metadata?: SchemaMetadata;
  /** Store and compare the normalized text; default: as the registry is configured. */
  readonly normalize?: boolean;
}

/** A Schema Registry, wherever it is. */
export interface SchemaSource {
  /** The schema if it is at hand without waiting. */
  cached(id: number, subject?: string): RegisteredSchema | undefined;
  /** Loads a schema by id. Rejects with `SCHEMA_NOT_FOUND`. */
  byId(id: number, subject?: string): Promise<RegisteredSchema>;
  /** Loads a schema by GUID, with its id in the subject's context. Rejects with `SCHEMA_NOT_FOUND`. */
  byGuid(guid: string, subject?: string): Promise<RegisteredSchema>;
  /** A version of a subject, -1 for the newest. Rejects with `SCHEMA_NOT_FOUND`. */
  version(subject: string, version: number): Promise<SubjectVersion>;
  /** The newest version of a subject (of those whose metadata have all the properties), or undefined when there is none. */
  latest(subject: string, properties?: Readonly<Record<string, string>>): Promise<SubjectVersion | undefined>;
  /** Registers a schema (idempotent) and returns its id. Rejects with `INCOMPATIBLE_SCHEMA` or `INVALID_SCHEMA`. */
  register(subject: string, schema: NewSchema): Promise<number>;
  /** The id of a schema under a subject, or undefined when it is not registered there. Rejects with `INVALID_SCHEMA`. */
  lookup(subject: string, schema: NewSchema): Promise<number | undefined>;
}

/** A schema with the texts of all that it refers to. */
export type ResolvedSchema = StoredSchema;

/** Loads what a schema of `subject` refers to, and what that refers to. */
export async function resolveReferences(
  schemas: SchemaSource,
  schema: string,
  references: readonly SchemaReference[] = [],
  subject = '',
): Promise<ResolvedSchema> {
  const found: { name: string; schema: string }[] = [];
  const seen = new Set<string>();
  const visit = async (list: readonly SchemaReference[], parent: string): Promise<void> => {
    for (const reference of list) {
      if (seen.has(reference.name)) continue;
      seen.add(reference.name);
      const target = await schemas.version(inContextOf(parent, reference.subject), reference.version);
      await visit(target.references ?? [], target.subject);
      found.push({ name: reference.name, schema: target.schema });
    }
  };
  await visit(references, subject);
  return { schema, references: found };
}

/** The context that a reference does not name is that of the schema that it stands in. */
function inContextOf(parent: string, subject: string): string {
  const [context = ''] = /^:\.[^:]*:/.exec(parent) ?? [];
  return subject.startsWith(':.') ? subject : context + subject;
}
