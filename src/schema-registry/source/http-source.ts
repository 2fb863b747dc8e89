import type { NewSchema, RegisteredSchema, SchemaSource, SubjectVersion } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import { type HttpSchemaSourceOptions, RegistryConnection } from './http-connection.ts';
import { notFound } from './in-process.ts';
import { contextOf, DEFAULT_CONTEXT } from '../subject-name.ts';

/** What answers are kept of each kind; as many as Confluent's clients keep. */
const CACHED_MAX = 1000;

/**
 * A registry behind HTTP (this project's or Confluent's) as a `SchemaSource`. What an id, a GUID, a version of a subject
 * and a registration mean does not change, so they are asked for once.
 */
export class HttpSchemaSource implements SchemaSource {
  readonly #connection: RegistryConnection;
  /** By context and id. */
  readonly #byId = new Kept<string, RegisteredSchema>();
  readonly #byGuid = new Kept<string, RegisteredSchema>();
  readonly #versions = new Kept<string, SubjectVersion>();
  readonly #registrations = new Kept<string, number>();

  /** `options`: also just the URL. Throws `INVALID_OPTION` when the certificates are none. */
  constructor(options: string | HttpSchemaSourceOptions) {
    this.#connection = new RegistryConnection(typeof options === 'string' ? { url: options } : options);
  }

  cached(id: number, subject?: string): RegisteredSchema | undefined {
    return this.#byId.get(`${this.#contextOf(subject)} ${id}`);
  }

  byId(id: number, subject?: string): Promise<RegisteredSchema> {
    return this.#byId.or(`${this.#contextOf(subject)} ${id}`, async () => {
      const query = subject === undefined ? '' : `?${new URLSearchParams({ subject })}`;
      const answer = await this.#connection.ask('GET', `/schemas/ids/${id}${query}`);
      return answer === undefined
        ? notFound(`with id ${id}`)
        : ({ schemaType: 'AVRO', ...answer, id } as RegisteredSchema);
    });
  }

  byGuid(guid: string, subject?: string): Promise<RegisteredSchema> {
    const wanted = this.#contextOf(subject);
    return this.#byGuid.or(`${wanted} ${guid}`, async () => {
      const ids = (await this.#connection.ask('GET', `/schemas/guids/${guid}/ids`)) as
        | { context: string; id: number }[]
        | undefined;
      const found = ids?.find(({ context }) => context === wanted);
      return found === undefined ? notFound(`with GUID ${guid}`) : this.byId(found.id, subject);
    });
  }

  version(subject: string, version: number): Promise<SubjectVersion> {
    const load = async (): Promise<SubjectVersion> => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`;
      const answer = await this.#connection.ask('GET', path);
      return answer === undefined ? notFound(`that is version ${version} of ${subject}`) : asVersion(answer);
    };
    return version === -1 ? load() : this.#versions.or(`${version} ${subject}`, load);
  }

  async latest(subject: string, properties?: Readonly<Record<string, string>>): Promise<SubjectVersion | undefined> {
    const wanted = new URLSearchParams();
    for (const [key, value] of Object.entries(properties ?? {})) {
      wanted.append('key', key);
      wanted.append('value', value);
    }
    const which = properties === undefined ? 'versions/latest' : `metadata?${wanted}`;
    const answer = await this.#connection.ask('GET', `/subjects/${encodeURIComponent(subject)}/${which}`);
    return answer === undefined ? undefined : asVersion(answer);
  }

  register(subject: string, schema: NewSchema): Promise<number> {
    return this.#registrations.or(JSON.stringify([subject, schema]), async () => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`;
      const answer = await this.#offer(path, schema);
      if (answer === undefined) {
        throw new MillraceError('REGISTRY_FAILED', `${this.#connection.url}${path} does not exist`);
      }
      return Number(answer['id']);
    });
  }

  async lookup(subject: string, schema: NewSchema): Promise<number | undefined> {
    const answer = await this.#offer(`/subjects/${encodeURIComponent(subject)}`, schema);
    return answer === undefined ? undefined : Number(answer['id']);
  }

  #offer(path: string, { normalize, ...schema }: NewSchema): Promise<Record<string, unknown> | undefined> {
    return this.#connection.ask('POST', `${path}${normalize === undefined ? '' : `?normalize=${normalize}`}`, schema);
  }

  /** All of a registry's contexts look like registries of their own under `/contexts/<name>`. */
  #contextOf(subject = ''): string {
    const context = contextOf(subject);
    if (context !== DEFAULT_CONTEXT) return context;
    const [, ofUrl = ''] = /\/contexts\/\.?([^/]*)$/.exec(this.#connection.url) ?? [];
    return `.${decodeURIComponent(ofUrl)}`;
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
