import type { NewSchema, RegisteredSchema, SchemaSource, SubjectVersion } from '../serde/index.ts';
import { MillraceError } from '../util/index.ts';
import { RegistryError } from './errors.ts';
import type { SchemaRegistry } from './registry.ts';
import { contextOf, DEFAULT_CONTEXT } from './subject-name.ts';

/** The registry in the same process as a `SchemaSource`: ids resolve without waiting. */
export function registrySource(registry: SchemaRegistry): SchemaSource {
  const cached = (id: number, subject?: string): RegisteredSchema | undefined =>
    foundOr(undefined, () => registry.byId(id, subject));
  /** What an id, a GUID or a version means does not change: only what is not known may have been written elsewhere. */
  const known = async <T>(find: () => T | undefined): Promise<T | undefined> => {
    const found = find();
    if (found !== undefined) return found;
    await registry.caughtUp();
    return find();
  };
  return {
    cached,
    async byId(id, subject) {
      return (await known(() => cached(id, subject))) ?? notFound(`with id ${id}`);
    },
    async byGuid(guid, subject = '') {
      const context = contextOf(subject);
      const find = () => foundOr([], () => registry.byGuid(guid)).find((use) => contextOf(use.subject) === context);
      return (await known(find)) ?? notFound(`with GUID ${guid}`);
    },
    async version(subject, version) {
      if (version === -1) await registry.caughtUp();
      const find = () => foundOr(undefined, () => registry.version(subject, String(version), true));
      return (await known(find)) ?? notFound(`that is version ${version} of ${subject}`);
    },
    async latest(subject, properties) {
      await registry.caughtUp();
      return foundOr(undefined, () =>
        properties === undefined ? registry.version(subject, 'latest') : registry.withMetadata(subject, properties),
      );
    },
    async register(subject, schema) {
      try {
        return (await registry.register(subject, schema)).id;
      } catch (error) {
        throw error instanceof RegistryError ? asSourceError(error) : error;
      }
    },
    async lookup(subject, schema) {
      await registry.caughtUp();
      return foundOr(undefined, () => registry.lookup(subject, schema).id);
    },
  };
}

function foundOr<T>(absent: T, find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    if (error.status === 404) return absent;
    throw asSourceError(error);
  }
}

export interface HttpSchemaSourceOptions {
  /** `http://host:8081`; may hold `user:password@`. */
  readonly url: string;
  /** For basic authentication. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** What answers are kept of each kind; as many as Confluent's clients keep. */
const CACHED_MAX = 1000;

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/**
 * A registry behind HTTP (this project's or Confluent's) as a `SchemaSource`. What an id, a GUID, a version of a subject
 * and a registration mean does not change, so they are asked for once.
 */
export class HttpSchemaSource implements SchemaSource {
  readonly #url: string;
  readonly #authorization: string | undefined;
  readonly #byId = new Kept<number, RegisteredSchema>();
  readonly #byGuid = new Kept<string, RegisteredSchema>();
  readonly #versions = new Kept<string, SubjectVersion>();
  readonly #registrations = new Kept<string, number>();

  constructor(options: string | HttpSchemaSourceOptions) {
    const given = typeof options === 'string' ? { url: options } : options;
    const url = new URL(given.url);
    const username = given.username ?? decodeURIComponent(url.username);
    const password = given.password ?? decodeURIComponent(url.password);
    url.username = '';
    url.password = '';
    this.#url = url.href.replace(/\/+$/, '');
    const isAnonymous = username === '' && password === '';
    this.#authorization = isAnonymous
      ? undefined
      : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  cached(id: number): RegisteredSchema | undefined {
    return this.#byId.get(id);
  }

  byId(id: number): Promise<RegisteredSchema> {
    return this.#byId.or(id, async () => {
      const answer = await this.#request('GET', `/schemas/ids/${id}`);
      return answer === undefined
        ? notFound(`with id ${id}`)
        : ({ schemaType: 'AVRO', ...answer, id } as RegisteredSchema);
    });
  }

  byGuid(guid: string): Promise<RegisteredSchema> {
    return this.#byGuid.or(guid, async () => {
      const ids = (await this.#request('GET', `/schemas/guids/${guid}/ids`)) as
        | { context: string; id: number }[]
        | undefined;
      const found = ids?.find(({ context }) => context === DEFAULT_CONTEXT);
      return found === undefined ? notFound(`with GUID ${guid}`) : this.byId(found.id);
    });
  }

  version(subject: string, version: number): Promise<SubjectVersion> {
    const load = async (): Promise<SubjectVersion> => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`;
      const answer = await this.#request('GET', path);
      return answer === undefined ? notFound(`that is version ${version} of ${subject}`) : asVersion(answer);
    };
    return version === -1 ? load() : this.#versions.or(`${version} ${subject}`, load);
  }

  async latest(subject: string): Promise<SubjectVersion | undefined> {
    const answer = await this.#request('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    return answer === undefined ? undefined : asVersion(answer);
  }

  register(subject: string, schema: NewSchema): Promise<number> {
    return this.#registrations.or(JSON.stringify([subject, schema]), async () => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`;
      const answer = await this.#request('POST', path, schema);
      if (answer === undefined) throw new MillraceError('REGISTRY_FAILED', `${this.#url}${path} does not exist`);
      return Number(answer['id']);
    });
  }

  async lookup(subject: string, schema: NewSchema): Promise<number | undefined> {
    const answer = await this.#request('POST', `/subjects/${encodeURIComponent(subject)}`, schema);
    return answer === undefined ? undefined : Number(answer['id']);
  }

  /** Undefined for a 404. */
  async #request(method: string, path: string, offered?: NewSchema): Promise<Record<string, unknown> | undefined> {
    const { normalize, ...body } = offered ?? {};
    const query = normalize === undefined ? '' : `?normalize=${normalize}`;
    const headers: Record<string, string> = { accept: CONTENT_TYPE };
    if (offered !== undefined) headers['content-type'] = CONTENT_TYPE;
    if (this.#authorization !== undefined) headers['authorization'] = this.#authorization;
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#url + path + query, {
        method,
        headers,
        ...(offered === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      throw new MillraceError('REGISTRY_UNREACHABLE', `the schema registry at ${this.#url} does not answer`, {
        retriable: true,
        cause: error,
      });
    }
    if (response.status === 404) return undefined;
    if (response.status === 401 || response.status === 403) {
      const what = `the schema registry at ${this.#url} refuses the user or the password (HTTP ${response.status})`;
      throw new MillraceError('REGISTRY_UNAUTHORIZED', what);
    }
    let answer: Record<string, unknown>;
    try {
      answer = JSON.parse(text) as Record<string, unknown>;
    } catch (error) {
      const what = `${this.#url} answers with something else than JSON (HTTP ${response.status}): is it a schema registry?`;
      throw new MillraceError('REGISTRY_FAILED', what, { cause: error });
    }
    if (!response.ok) throw asSourceError(new RegistryError(Number(answer['error_code']), String(answer['message'])));
    return answer;
  }
}

/** Answers that stay true; the oldest is forgotten when there are too many. */
class Kept<K, V> {
  readonly #values = new Map<K, V>();

  get(key: K): V | undefined {
    return this.#values.get(key);
  }

  async or(key: K, load: () => Promise<V>): Promise<V> {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = await load();
    this.#values.set(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > CACHED_MAX && oldest !== undefined) this.#values.delete(oldest);
    return value;
  }
}

function asVersion(answer: Record<string, unknown>): SubjectVersion {
  return { schemaType: 'AVRO', ...answer } as unknown as SubjectVersion;
}

function notFound(which: string): never {
  throw new MillraceError('SCHEMA_NOT_FOUND', `there is no schema ${which} in the registry`);
}

function asSourceError(error: RegistryError): MillraceError {
  const code =
    error.status === 409 ? 'INCOMPATIBLE_SCHEMA' : error.status === 422 ? 'INVALID_SCHEMA' : 'REGISTRY_FAILED';
  return new MillraceError(code, error.message, { retriable: error.status >= 500, cause: error });
}
