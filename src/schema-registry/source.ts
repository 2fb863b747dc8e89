import type { RegisteredSchema, SchemaSource, SchemaType, SubjectVersion } from '../serde/index.ts';
import { MillraceError } from '../util/index.ts';
import { RegistryError } from './errors.ts';
import type { SchemaRegistry } from './registry.ts';
import type { StoredSchema } from './schema-records.ts';

/** The registry in the same process as a `SchemaSource`: ids resolve without waiting. */
export function registrySource(registry: SchemaRegistry): SchemaSource {
  const cached = (id: number): RegisteredSchema | undefined => {
    try {
      return registry.byId(id);
    } catch {
      return undefined;
    }
  };
  return {
    cached,
    async byId(id) {
      if (cached(id) === undefined) await registry.caughtUp();
      const found = cached(id);
      if (found === undefined) throw schemaIdNotFound(id);
      return found;
    },
    async latest(subject) {
      await registry.caughtUp();
      try {
        return registry.version(subject, 'latest');
      } catch (error) {
        if (error instanceof RegistryError && error.status === 404) return undefined;
        throw error;
      }
    },
    async register(subject, schemaType, schema) {
      try {
        return (await registry.register(subject, { schema, schemaType })).id;
      } catch (error) {
        throw error instanceof RegistryError ? asSourceError(error) : error;
      }
    },
  };
}

/** A registry behind HTTP (this project's or Confluent's) as a `SchemaSource`. Ids never change their meaning, so they are kept. */
export class HttpSchemaSource implements SchemaSource {
  readonly #url: string;
  readonly #byId = new Map<number, RegisteredSchema>();

  constructor(url: string) {
    this.#url = url.replace(/\/+$/, '');
  }

  cached(id: number): RegisteredSchema | undefined {
    return this.#byId.get(id);
  }

  async byId(id: number): Promise<RegisteredSchema> {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const answer = await this.#request('GET', `/schemas/ids/${id}`);
    if (answer === undefined) throw schemaIdNotFound(id);
    const schema: RegisteredSchema = {
      id,
      schemaType: (answer['schemaType'] as SchemaType | undefined) ?? 'AVRO',
      schema: String(answer['schema']),
      references: (answer['references'] as RegisteredSchema['references']) ?? [],
    };
    this.#byId.set(id, schema);
    return schema;
  }

  async latest(subject: string): Promise<SubjectVersion | undefined> {
    const answer = await this.#request('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    return answer === undefined ? undefined : ({ schemaType: 'AVRO', ...answer } as unknown as StoredSchema);
  }

  async register(subject: string, schemaType: SchemaType, schema: string): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const answer = await this.#request('POST', path, { schemaType, schema });
    if (answer === undefined) throw new MillraceError('REGISTRY_UNREACHABLE', `${this.#url}${path} does not exist`);
    return Number(answer['id']);
  }

  /** Undefined for a 404. */
  async #request(method: string, path: string, body?: object): Promise<Record<string, unknown> | undefined> {
    const contentType = 'application/vnd.schemaregistry.v1+json';
    let response: Response;
    try {
      response = await fetch(this.#url + path, {
        method,
        headers: { accept: contentType, ...(body === undefined ? {} : { 'content-type': contentType }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new MillraceError('REGISTRY_UNREACHABLE', `the schema registry at ${this.#url} does not answer`, {
        retriable: true,
        cause: error,
      });
    }
    const answer = (await response.json()) as Record<string, unknown>;
    if (response.status === 404) return undefined;
    if (!response.ok) throw asSourceError(new RegistryError(Number(answer['error_code']), String(answer['message'])));
    return answer;
  }
}

function schemaIdNotFound(id: number): MillraceError {
  return new MillraceError('SCHEMA_NOT_FOUND', `there is no schema with id ${id} in the registry`);
}

function asSourceError(error: RegistryError): MillraceError {
  const code =
    error.status === 409 ? 'INCOMPATIBLE_SCHEMA' : error.status === 422 ? 'INVALID_SCHEMA' : 'REGISTRY_FAILED';
  return new MillraceError(code, error.message, { retriable: error.status >= 500, cause: error });
}
