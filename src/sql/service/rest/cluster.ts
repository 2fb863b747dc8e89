// Which servers there are, as ksqlDB's tell each other: this one, and those that it has heard of. They don't share queries
// with it: what is known of them is what they said.
import type { Environment } from '../../../util/index.ts';
import type { SqlService } from '../service.ts';
import { BAD_REQUEST, RequestError } from './errors.ts';

/** A server that has not been heard of for so long is not there: ksqlDB's three missed heartbeats and the time to notice. */
const SILENCE_MS = 2000;
const HOSTS_MAX = 1000;

interface Host {
  heardAt: number;
  lags: object;
}

const NO_LAGS = { stateStoreLags: {}, updateTimeMs: 0 };

export class Cluster {
  readonly #service: SqlService;
  readonly #environment: Environment;
  readonly #others = new Map<string, Host>();

  constructor(service: SqlService, environment: Environment) {
    this.#service = service;
    this.#environment = environment;
  }

  /** `self`: the `host:port` that this server is asked under. */
  async status(self: string): Promise<object> {
    const now = this.#environment.now();
    const others = [...this.#others].map(([name, { heardAt, lags }]) => [
      name,
      {
        hostAlive: now - heardAt < SILENCE_MS,
        lastStatusUpdateMs: heardAt,
        activeStandbyPerQuery: {},
        hostStoreLags: now - heardAt < SILENCE_MS ? lags : NO_LAGS,
      },
    ]);
    const own = {
      hostAlive: true,
      lastStatusUpdateMs: now,
      activeStandbyPerQuery: await this.#service.activeQueries(),
      hostStoreLags: NO_LAGS,
    };
    return { clusterStatus: { ...Object.fromEntries(others), [self]: own } };
  }

  /** `{hostInfo: {host, port}, timestamp}`. */
  heardOf(body: Record<string, unknown>): void {
    this.#host(body['hostInfo']).heardAt = this.#environment.now();
  }

  /** `{ksqlHost: {host, port}, hostStoreLags}`. */
  lagOf(body: Record<string, unknown>): void {
    const host = this.#host(body['ksqlHost']);
    const lags = body['hostStoreLags'];
    if (typeof lags === 'object' && lags !== null) host.lags = lags;
  }

  #host(info: unknown): Host {
    const { host, port } = (info ?? {}) as { host?: unknown; port?: unknown };
    if (typeof host !== 'string' || !Number.isInteger(port))
      throw new RequestError(BAD_REQUEST, 'A server is named as {"host": …, "port": …}.');
    const name = `${host}:${String(port)}`;
    const known = this.#others.get(name);
    if (known !== undefined) return known;
    if (this.#others.size >= HOSTS_MAX) throw new RequestError(BAD_REQUEST, `There are ${HOSTS_MAX} servers already.`);
    const added = { heardAt: 0, lags: NO_LAGS };
    this.#others.set(name, added);
    return added;
  }
}
