/**
 * What quotas do to the requests of a client (KIP-13, KIP-124, KIP-219): what it sends, gets and has worked on is counted against
 * its limits; above one it is answered at once, told for how long it is held back, and not heard for that long. A fetch that
 * would be too much is answered without its records, as the client can ask for them again.
 */
import { type AnyApi, ErrorCode, fetch, produce, type RequestOf, type ResponseOf } from '../../protocol/index.ts';
import type { FetchSessions } from '../fetch-sessions.ts';
import type { Session } from '../security/session.ts';
import type { ClientQuotas, Consumer, LimitName } from './client-quotas.ts';
import { ownTime } from './own-time.ts';

type FetchRequest = RequestOf<typeof fetch>;
type FetchResponse = ResponseOf<typeof fetch>;

/** An answer, and how long its client is held back. */
export interface Throttled {
  readonly response: unknown;
  readonly throttleMs: number;
}

const USER = 'User:';
/** Of a second, a millisecond is so many percent. */
const PERCENT_PER_MS = 0.1;

/** One request on its way through the quotas. */
export class Throttle {
  readonly #quotas: ClientQuotas;
  readonly #consumer: Consumer;
  readonly #now: () => number;
  #workedMs = 0;

  constructor(quotas: ClientQuotas, session: Session, clientId: string, now: () => number) {
    this.#quotas = quotas;
    this.#consumer = consumerOf(session, clientId);
    this.#now = now;
  }

  /** The request as it is carried out: a fetch gets no more at once than its limit has in all windows together. */
  admitted(api: AnyApi, request: unknown): unknown {
    if (api !== fetch) return request;
    const limit = this.#quotas.limitOf('consumer_byte_rate', this.#consumer);
    if (limit === undefined) return request;
    const wanted = request as FetchRequest;
    return { ...wanted, maxBytes: Math.min(wanted.maxBytes, Math.max(1, Math.floor(this.#quotas.burstOf(limit)))) };
  }

  /** Counts the time that something takes us. */
  working<T>(work: () => T): T {
    const before = ownTime();
    try {
      return work();
    } finally {
      this.#workedMs += ownTime() - before;
    }
  }

  /** What is answered to a request of so many bytes. */
  answered(
    api: AnyApi,
    request: unknown,
    bytes: number,
    response: unknown,
    { fetchSessions }: { readonly fetchSessions: FetchSessions },
  ): Throttled {
    // As Kafka does, no longer than a window: the next request is counted, too.
    const forTime = Math.min(
      this.#record('request_percentage', this.#workedMs * PERCENT_PER_MS),
      this.#quotas.windowMs,
    );
    if (api === produce) return withTime(response, Math.max(forTime, this.#record('producer_byte_rate', bytes)));
    if (api === fetch) return this.#fetched(request as FetchRequest, response as FetchResponse, forTime, fetchSessions);
    const own = (response as { readonly throttleTimeMs?: number }).throttleTimeMs ?? 0;
    return withTime(response, Math.max(forTime, own));
  }

  #fetched(request: FetchRequest, response: FetchResponse, forTime: number, sessions: FetchSessions): Throttled {
    const limit = this.#quotas.limitOf('consumer_byte_rate', this.#consumer);
    if (limit === undefined) return withTime(response, forTime);
    const bytes = recordBytes(response);
    const now = this.#now();
    const wait = this.#quotas.record(limit, bytes, now);
    // What alone is more than all windows have would never be had: it is given, and paid for by waiting.
    if (wait === 0 || bytes > this.#quotas.burstOf(limit)) return withTime(response, Math.max(forTime, wait));
    this.#quotas.record(limit, -bytes, now);
    // An answer that begins a session would have to have all that was asked for.
    const isBeginning = request.sessionEpoch === 0 && response.sessionId !== 0;
    if (isBeginning)
      sessions.scopeOf({ ...request, sessionId: response.sessionId, sessionEpoch: -1, topics: [] }, true);
    const empty = { ...response, responses: [], sessionId: isBeginning ? 0 : response.sessionId };
    return withTime(response.errorCode === ErrorCode.NONE ? empty : response, Math.max(forTime, wait));
  }

  #record(name: LimitName, amount: number): number {
    const limit = this.#quotas.limitOf(name, this.#consumer);
    return limit === undefined ? 0 : this.#quotas.record(limit, amount, this.#now());
  }
}

/** Who a client is to quotas. */
export function consumerOf({ principal }: Session, clientId: string): Consumer {
  return { user: principal.startsWith(USER) ? principal.slice(USER.length) : principal, clientId };
}

function withTime(response: unknown, throttleMs: number): Throttled {
  if (throttleMs <= 0 || !('throttleTimeMs' in (response as object))) return { response, throttleMs };
  return { response: { ...(response as object), throttleTimeMs: throttleMs }, throttleMs };
}

function recordBytes({ responses }: FetchResponse): number {
  let bytes = 0;
  for (const { partitions } of responses) for (const { records } of partitions) bytes += records?.length ?? 0;
  return bytes;
}
