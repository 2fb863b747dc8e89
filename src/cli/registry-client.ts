// A Schema Registry over HTTP, this project's or any other with the same REST API: nothing here is known of it beyond
// that. What only this project's registry answers is marked so, and asked for in ways that do no harm elsewhere.
import { ConnectionFailure, type HttpAnswer, HttpConnection } from '../http-client/index.ts';
import { MillraceError } from '../util/index.ts';

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** An answer that is an error, with the registry's code. */
export class RegistryRefusal extends MillraceError {
  override readonly name = 'RegistryRefusal';
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(`REGISTRY_${errorCode}`, message);
    this.errorCode = errorCode;
  }
}

export interface SchemaEntity {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  /** Missing: AVRO. */
  readonly schemaType?: string;
  readonly schema: string;
  readonly references?: readonly Reference[];
  readonly deleted?: boolean;
}

export interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

export interface SchemaBody {
  readonly schema: string;
  readonly schemaType: string;
  readonly references?: readonly Reference[];
}

export interface Change {
  readonly kind: 'ADDED' | 'REMOVED' | 'CHANGED';
  readonly description: string;
}

export interface Diff {
  readonly subject: string;
  readonly schemaType: string;
  readonly from: number;
  readonly to: number;
  readonly changes: readonly Change[];
  readonly compatibility: Readonly<Record<'backward' | 'forward', { compatible: boolean; reasons: string[] }>>;
}

export interface Explanation {
  readonly path: string;
  readonly version: number;
  readonly level: string;
  readonly reason: string;
  readonly advice: string;
}

/** What every registry answers to a check; the last two only this project's. */
export interface Check {
  readonly is_compatible: boolean;
  readonly messages?: readonly string[];
  readonly explanations?: readonly Explanation[];
}

export interface DryRun {
  readonly subject: string;
  readonly existing?: boolean;
  readonly id?: number;
  readonly version?: number;
  readonly isCompatible: boolean;
  readonly explanations: readonly Explanation[];
  readonly remedies: readonly { readonly description: string }[];
  readonly changes: readonly Change[];
  readonly queries?: readonly {
    readonly queryId: string;
    readonly sql: string;
    readonly source: string;
    readonly reason: string;
  }[];
}

type Query = Readonly<Record<string, string | boolean | undefined>>;

export class RegistryClient {
  readonly #connection: HttpConnection;

  constructor(connection: HttpConnection) {
    this.#connection = connection;
  }

  /** Without the password. */
  get url(): string {
    return this.#connection.url;
  }

  async schemas(prefix: string | undefined, deleted: boolean): Promise<SchemaEntity[]> {
    return this.#call('GET', ['schemas'], { subjectPrefix: prefix, deleted: deleted || undefined });
  }

  async compatibilityLevel(subject: string): Promise<string> {
    const config = await this.#call<{ compatibilityLevel: string }>('GET', ['config', subject], {
      defaultToGlobal: true,
    });
    return config.compatibilityLevel;
  }

  /** `version`: a number or `latest`. */
  async version(subject: string, version: string): Promise<SchemaEntity> {
    return this.#call('GET', ['subjects', subject, 'versions', version]);
  }

  async byId(id: string): Promise<Omit<SchemaEntity, 'subject' | 'version' | 'id'>> {
    return this.#call('GET', ['schemas', 'ids', id]);
  }

  /** Registries of earlier times answer nothing but the id. */
  async register(
    subject: string,
    body: SchemaBody,
    normalize: boolean,
  ): Promise<Pick<SchemaEntity, 'id'> & Partial<SchemaEntity>> {
    return this.#call('POST', ['subjects', subject, 'versions'], { normalize: normalize || undefined }, body);
  }

  /** A subject without versions is compatible with anything. */
  async check(subject: string, body: SchemaBody, normalize: boolean): Promise<Check> {
    const query = { verbose: true, explain: true, normalize: normalize || undefined };
    try {
      return await this.#call('POST', ['compatibility', 'subjects', subject, 'versions'], query, body);
    } catch (error) {
      if (error instanceof RegistryRefusal && error.errorCode === 40401) return { is_compatible: true };
      throw error;
    }
  }

  /**
   * Only of this project's registry. Another one would not see the flag and register the schema, so this is asked for only
   * after a check has been answered with explanations: undefined when it was not.
   */
  async dryRun(
    subject: string,
    body: SchemaBody,
    normalize: boolean,
  ): Promise<{ readonly check: Check; readonly dryRun: DryRun | undefined }> {
    const check = await this.check(subject, body, normalize);
    if (check.explanations === undefined) return { check, dryRun: undefined };
    const query = { dryRun: true, normalize: normalize || undefined };
    return { check, dryRun: await this.#call('POST', ['subjects', subject, 'versions'], query, body) };
  }

  /** Only of this project's registry. */
  async diff(subject: string, from: string | undefined, to: string | undefined): Promise<Diff> {
    try {
      return await this.#call('GET', ['subjects', subject, 'diff'], { from, to });
    } catch (error) {
      if (error instanceof RegistryRefusal && (error.errorCode === 404 || error.errorCode === 405)) {
        throw onlyOurs(this.url, 'differences between versions');
      }
      throw error;
    }
  }

  /** Undefined: the subject (without one: everything) has none of its own. */
  async ownConfig(subject: string | undefined): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      return await this.#call('GET', subject === undefined ? ['config'] : ['config', subject]);
    } catch (error) {
      if (error instanceof RegistryRefusal && [40401, 40408].includes(error.errorCode)) return undefined;
      throw error;
    }
  }

  /** Takes what `ownConfig` answers: a level has another name on its way in. */
  async setConfig(subject: string | undefined, config: Readonly<Record<string, unknown>>): Promise<void> {
    const { compatibilityLevel: compatibility, ...others } = config;
    const body = { ...others, ...(compatibility === undefined ? {} : { compatibility }) };
    await this.#call('PUT', subject === undefined ? ['config'] : ['config', subject], {}, body);
  }

  /** `IMPORT`: versions come with their numbers and ids. Null: as everything around the subject. */
  async setMode(subject: string, mode: string | null): Promise<void> {
    if (mode === null) await this.#call('DELETE', ['mode', subject]);
    else await this.#call('PUT', ['mode', subject], {}, { mode });
  }

  /** Into a subject whose mode is IMPORT: with the number and the id that it has. */
  async importVersion({ subject, deleted: _, ...entity }: SchemaEntity): Promise<void> {
    await this.#call('POST', ['subjects', subject, 'versions'], {}, entity);
  }

  async deleteSubject(subject: string, permanent: boolean): Promise<number[]> {
    return this.#call('DELETE', ['subjects', subject], { permanent: permanent || undefined });
  }

  async deleteVersion(subject: string, version: string, permanent: boolean): Promise<number> {
    return this.#call('DELETE', ['subjects', subject, 'versions', version], { permanent: permanent || undefined });
  }

  async #call<T>(method: string, path: readonly string[], query: Query = {}, body?: object): Promise<T> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
    const address = `/${path.map(encodeURIComponent).join('/')}${parameters.size === 0 ? '' : `?${parameters}`}`;
    const headers = {
      accept: `${CONTENT_TYPE}, application/json`,
      ...(body === undefined ? {} : { 'content-type': CONTENT_TYPE }),
    };
    const text = body === undefined ? undefined : JSON.stringify(body);
    let answer: HttpAnswer;
    let content: string;
    try {
      answer = await this.#connection.ask({ method, path: address, headers, body: text });
      content = await answer.text();
    } catch (error) {
      throw error instanceof ConnectionFailure ? this.#failure(error) : error;
    }
    if (answer.status < 300) return parsed(content, this.url) as T;
    throw this.#refusal(answer.status, content);
  }

  #failure(error: ConnectionFailure): MillraceError {
    return error.isUntrusted
      ? new MillraceError(
          'REGISTRY_UNTRUSTED',
          `The certificate of the registry at ${this.url} is not trusted (${error.reason}): give that of its authority with --ca <file>`,
          { cause: error },
        )
      : new MillraceError(
          'REGISTRY_UNREACHABLE',
          `No Schema Registry answers at ${this.url} (${error.reason}). Start one with: millrace start, or name another with --registry`,
          { retriable: true, cause: error },
        );
  }

  #refusal(status: number, text: string): RegistryRefusal {
    if (status === 401) {
      const wants = 'wants another user or password: give them with --user name:password';
      return new RegistryRefusal(status, `The registry at ${this.url} ${wants}`);
    }
    const { error_code: code, message } = refusal(text);
    if (status === 403) {
      const why = message === undefined ? '' : `: ${message}`;
      return new RegistryRefusal(403, `The registry at ${this.url} does not allow this to the user${why}`);
    }
    return new RegistryRefusal(code ?? status, message ?? `The registry at ${this.url} answers ${status}`);
  }
}

export function onlyOurs(url: string, what: string): MillraceError {
  return new MillraceError(
    'NOT_SUPPORTED',
    `The registry at ${url} does not tell ${what}: Millrace's own registry does`,
  );
}

function parsed(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MillraceError('NO_REGISTRY', `What answers at ${url} is not a Schema Registry`, { cause: error });
  }
}

/** The members of an error; none when it is somebody else's. */
function refusal(text: string): { readonly error_code?: number; readonly message?: string } {
  try {
    return JSON.parse(text) as { error_code?: number; message?: string };
  } catch {
    return {};
  }
}
