/**
 * PORT. Where schemas come from: `schema-registry` implements it in process and over HTTP. All of it rejects with
 * `REGISTRY_UNREACHABLE` (retriable), `REGISTRY_UNAUTHORIZED` or `REGISTRY_FAILED` when the registry can't answer.
 */
export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

/** What a schema's text calls `name` (an Avro type, an imported file, a `$ref`) is this version of a subject. */
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
  /** The name of the schema's content that is the same in every registry, as a UUID. Older registries have none. */
  readonly guid?: string | undefined;
}

export interface SubjectVersion extends RegisteredSchema {
  readonly subject: string;
  readonly version: number;
}

/** A schema as it is offered to the registry. */
export interface NewSchema {
  readonly schemaType: SchemaType;
  readonly schema: string;
  readonly references?: readonly SchemaReference[];
  /** Store and compare the normalized text; default: as the registry is configured. */
  readonly normalize?: boolean;
}

export interface SchemaSource {
  /** The schema if it is at hand without waiting. */
  cached(id: number): RegisteredSchema | undefined;
  /** Loads a schema by id. Rejects with `SCHEMA_NOT_FOUND`. */
  byId(id: number): Promise<RegisteredSchema>;
  /** Loads a schema by GUID, with its id in the default context. Rejects with `SCHEMA_NOT_FOUND`. */
  byGuid(guid: string): Promise<RegisteredSchema>;
  /** A version of a subject, -1 for the newest. Rejects with `SCHEMA_NOT_FOUND`. */
  version(subject: string, version: number): Promise<SubjectVersion>;
  /** The newest version of a subject, or undefined when the subject has none. */
  latest(subject: string): Promise<SubjectVersion | undefined>;
  /** Registers a schema (idempotent) and answers its id. Rejects with `INCOMPATIBLE_SCHEMA` or `INVALID_SCHEMA`. */
  register(subject: string, schema: NewSchema): Promise<number>;
  /** The id of a schema under a subject, or undefined when it is not registered there. Rejects with `INVALID_SCHEMA`. */
  lookup(subject: string, schema: NewSchema): Promise<number | undefined>;
}

/** A schema with the texts of all that it refers to. */
export interface ResolvedSchema {
  readonly schema: string;
  /** Directly and indirectly referenced schemas under the names they are called by: dependencies first, each name once. */
  readonly references: readonly { readonly name: string; readonly schema: string }[];
}

/** Loads what a schema refers to, and what that refers to. */
export async function resolveReferences(
  schemas: SchemaSource,
  schema: string,
  references: readonly SchemaReference[] = [],
): Promise<ResolvedSchema> {
  const found: { name: string; schema: string }[] = [];
  const seen = new Set<string>();
  const visit = async (list: readonly SchemaReference[]): Promise<void> => {
    for (const { name, subject, version } of list) {
      if (seen.has(name)) continue;
      seen.add(name);
      const target = await schemas.version(subject, version);
      await visit(target.references ?? []);
      found.push({ name, schema: target.schema });
    }
  };
  await visit(references);
  return { schema, references: found };
}
