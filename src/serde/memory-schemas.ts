import { createHash } from 'node:crypto';
import { MillraceError } from '../util/index.ts';
import { formatGuid } from './envelope.ts';
import type { NewSchema, RegisteredSchema, SchemaSource, SubjectVersion } from './schema-source.ts';

/**
 * A registry of its own in memory, for tests of topologies: everything is compatible, and nothing is checked or normalized.
 */
export class MemorySchemas implements SchemaSource {
  readonly #byId = new Map<number, RegisteredSchema>();
  readonly #subjects = new Map<string, SubjectVersion[]>();
  #nextId = 1;

  /** Registers a schema, under a given id where there is one, and returns its id. */
  add(subject: string, schema: NewSchema, id?: number): number {
    const known = this.#find(subject, schema);
    if (known !== undefined && (id === undefined || known.id === id)) return known.id;
    const content = contentOf(schema);
    const guid = guidOf(content);
    const same = [...this.#byId.values()].find((other) => other.guid === guid);
    const used = id ?? same?.id ?? this.#freeId();
    const registered = { ...content, id: used, guid };
    const versions = this.#subjects.get(subject) ?? [];
    this.#byId.set(used, registered);
    this.#subjects.set(subject, [...versions, { ...registered, subject, version: versions.length + 1 }]);
    return used;
  }

  /** The newest version of a subject. */
  newest(subject: string): SubjectVersion | undefined {
    return this.#subjects.get(subject)?.at(-1);
  }

  cached(id: number): RegisteredSchema | undefined {
    return this.#byId.get(id);
  }

  async byId(id: number): Promise<RegisteredSchema> {
    return this.#byId.get(id) ?? notFound(`with the id ${id}`);
  }

  async byGuid(guid: string): Promise<RegisteredSchema> {
    return [...this.#byId.values()].find((schema) => schema.guid === guid) ?? notFound(`with the GUID ${guid}`);
  }

  async version(subject: string, version: number): Promise<SubjectVersion> {
    const found = version === -1 ? this.newest(subject) : this.#subjects.get(subject)?.[version - 1];
    return found ?? notFound(`that is version ${version} of ${subject}`);
  }

  async latest(
    subject: string,
    properties: Readonly<Record<string, string>> = {},
  ): Promise<SubjectVersion | undefined> {
    const wanted = Object.entries(properties);
    return this.#subjects
      .get(subject)
      ?.findLast(({ metadata }) => wanted.every(([key, value]) => metadata?.properties?.[key] === value));
  }

  async register(subject: string, schema: NewSchema): Promise<number> {
    return this.add(subject, schema);
  }

  async lookup(subject: string, schema: NewSchema): Promise<number | undefined> {
    return this.#find(subject, schema)?.id;
  }

  #find(subject: string, schema: NewSchema): SubjectVersion | undefined {
    const guid = guidOf(contentOf(schema));
    return this.#subjects.get(subject)?.findLast((version) => version.guid === guid);
  }

  #freeId(): number {
    while (this.#byId.has(this.#nextId)) this.#nextId++;
    return this.#nextId;
  }
}

type Content = Pick<RegisteredSchema, 'schemaType' | 'schema' | 'references' | 'metadata'>;

function contentOf({ schemaType, schema, references = [], metadata }: NewSchema): Content {
  return {
    schemaType,
    schema,
    ...(references.length === 0 ? {} : { references }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function guidOf(content: Content): string {
  return formatGuid(createHash('md5').update(JSON.stringify(content)).digest('hex'));
}

function notFound(which: string): never {
  throw new MillraceError('SCHEMA_NOT_FOUND', `there is no schema ${which}`);
}
