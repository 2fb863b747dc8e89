// A broker that has frozen, or a network that swallows packets, closes no connection: the answer just never comes. So every
// request has its time, and a connection that lets one pass is given up; what waited on it is rejected, and tried elsewhere.
import { type AnyApi, type Api, fetch, joinGroup, syncGroup, type Transport } from '../protocol/index.ts';
import type { Environment } from '../util/index.ts';

const REQUEST_TIMEOUT_MS = 30_000;
/** A coordinator answers when everybody has come: that is how long it may take, and a little for the way. */
const REBALANCE_MARGIN_MS = 5_000;

export class TimedTransport implements Transport {
  readonly #transport: Transport;
  readonly #environment: Environment;
  /** What a member told the coordinator about rebalances: SyncGroup waits as long, and does not say so again. */
  #rebalanceMs = 0;

  constructor(transport: Transport, environment: Environment) {
    this.#transport = transport;
    this.#environment = environment;
  }

  get features(): ReadonlyMap<string, number> {
    return this.#transport.features;
  }

  get closed(): Promise<void> {
    return this.#transport.closed;
  }

  versionOf(api: AnyApi): number | undefined {
    return this.#transport.versionOf(api);
  }

  request<Req, Res>(api: Api<Req, Res>, body: Req): Promise<Res> {
    const cancel = this.#environment.after(this.#timeoutMs(api, body), () => this.#transport.close());
    return this.#transport.request(api, body).finally(cancel);
  }

  close(): void {
    this.#transport.close();
  }

  #timeoutMs(api: AnyApi, body: unknown): number {
    if (api.key === fetch.key) return REQUEST_TIMEOUT_MS + (body as { maxWaitMs: number }).maxWaitMs;
    if (api.key === joinGroup.key) this.#rebalanceMs = (body as { rebalanceTimeoutMs: number }).rebalanceTimeoutMs;
    else if (api.key !== syncGroup.key) return REQUEST_TIMEOUT_MS;
    return Math.max(REQUEST_TIMEOUT_MS, this.#rebalanceMs + REBALANCE_MARGIN_MS);
  }
}
