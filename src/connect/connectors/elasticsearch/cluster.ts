// The servers of a cluster: indexes that are made where they are not there, and bulk requests, of which what a server was too busy for
// is sent again.
import type { Environment } from '../../../util/index.ts';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import { type HttpRequest, type HttpResponse, Requests, StatusError } from '../http/requests.ts';
import { type ElasticsearchConfig, httpConfigOf } from './settings.ts';

/** What is to become of a record. */
export interface Operation {
  readonly record: SinkRecord;
  readonly index: string;
  readonly id: string;
  /** Its lines in a bulk request, each with its end. */
  readonly lines: string;
  /** It has a version: a conflict says that the same, or something newer, is there. */
  readonly isVersioned: boolean;
}

/** An operation that cannot be carried out, and what the server says of it. */
export interface Refusal {
  readonly operation: Operation;
  readonly type: string;
  readonly reason: string;
}

/** An error in an answer. */
interface Fault {
  readonly type?: string;
  readonly reason?: string;
  readonly caused_by?: Fault;
}
/** What an answer says of one operation. */
interface Item {
  readonly status: number;
  readonly error?: Fault;
}

const CONFLICT = 409;
const LONGEST_WAIT_MS = 60_000;

export class Cluster {
  readonly #config: ElasticsearchConfig;
  readonly #urls: readonly string[];
  readonly #requests: Requests;
  readonly #pauseFor: (delayMs: number) => Promise<void>;
  readonly #knownIndexes = new Set<string>();

  constructor(
    config: ElasticsearchConfig,
    environment: Environment,
    pauseFor: (delayMs: number) => Promise<void>,
    retries = config['max.retries'],
  ) {
    this.#config = config;
    this.#urls = config['connection.url'].map((url) => url.replace(/\/+$/, ''));
    this.#requests = new Requests(httpConfigOf(config, retries), environment);
    this.#pauseFor = pauseFor;
  }

  /** Whether a server answers, and takes us for whom we are. Rejects with `ConnectError`. */
  async look(): Promise<void> {
    try {
      await this.#send('GET', '/');
    } catch (error) {
      // Whoever may write need not be allowed to look.
      if (!(error instanceof StatusError) || error.status !== 403) throw error;
    }
  }

  /** Makes an index, with a mapping or none, where it is not there. */
  async ensureIndex(index: string, mapping: object | undefined): Promise<void> {
    if (this.#knownIndexes.has(index)) return;
    const path = `/${encodeURIComponent(index)}`;
    if (!(await this.#has(path))) {
      try {
        const body = JSON.stringify(mapping === undefined ? {} : { mappings: mapping });
        await this.#send('PUT', path, { body });
      } catch (error) {
        // Another task may have been quicker.
        if (!(error instanceof StatusError) || error.status !== 400 || !(await this.#has(path))) throw error;
      }
    }
    this.#knownIndexes.add(index);
  }

  /** Carries out operations, and says which cannot be, and how many found the same or something newer. */
  async write(operations: readonly Operation[]): Promise<{ refusals: Refusal[]; conflicts: number }> {
    const { 'max.retries': retries, 'retry.backoff.ms': backoffMs } = this.#config;
    const refusals: Refusal[] = [];
    let conflicts = 0;
    let left = operations;
    for (let attempt = 0; ; attempt++) {
      const busy: Operation[] = [];
      let said = '';
      (await this.#bulk(left)).forEach(({ status, error }, i) => {
        const operation = left[i]!;
        if (error === undefined) return;
        if (status === CONFLICT && operation.isVersioned) {
          conflicts++;
        } else if (status === CONFLICT || status === 429 || status >= 500) {
          busy.push(operation);
          said = reasonOf(error);
        } else refusals.push({ operation, type: error.type ?? '', reason: reasonOf(error) });
      });
      if (busy.length === 0) return { refusals, conflicts };
      if (attempt >= retries)
        throw new ConnectError(`Exceeded max.retries (${retries}): ${busy.length} documents were not taken: ${said}`);
      await this.#pauseFor(Math.min(backoffMs * 2 ** attempt, LONGEST_WAIT_MS));
      left = busy;
    }
  }

  async #bulk(operations: readonly Operation[]): Promise<readonly Item[]> {
    const body = operations.map(({ lines }) => lines).join('');
    const { text } = await this.#send('POST', '/_bulk', { body, contentType: 'application/x-ndjson' });
    const items = itemsOf(text);
    if (items?.length !== operations.length)
      throw new ConnectError(`_bulk answered for ${items?.length ?? 'none'} of ${operations.length} operations`);
    return items;
  }

  async #has(path: string): Promise<boolean> {
    try {
      await this.#send('HEAD', path);
      return true;
    } catch (error) {
      if (error instanceof StatusError && error.status === 404) return false;
      throw error;
    }
  }

  async #send(method: string, path: string, more: Partial<HttpRequest> = {}): Promise<HttpResponse> {
    const [url, ...otherUrls] = this.#urls.map((server) => server + path);
    try {
      return await this.#requests.send({ method, url: url!, otherUrls, ...more });
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
      throw new ConnectError(`Exceeded max.retries: ${error.message}`, { cause: error });
    }
  }
}

function itemsOf(text: string): readonly Item[] | undefined {
  try {
    const answer = JSON.parse(text) as { readonly items?: readonly Readonly<Record<string, Item>>[] };
    return answer.items?.map((item) => Object.values(item)[0]!);
  } catch {
    return undefined;
  }
}

function reasonOf({ type, reason, caused_by: cause }: Fault): string {
  const said = `${type ?? 'error'}: ${reason ?? 'no reason given'}`;
  return cause === undefined ? said : `${said} (${reasonOf(cause)})`;
}
