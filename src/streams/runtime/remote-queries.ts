/**
 * Queries of a whole store, whoever has it: each partition is asked of the instance that runs its task or, where answers may
 * be older, of one that follows it. Asked again, of who has it then, while a partition moves.
 */
import { deferred, type Environment, messageOf, MillraceError } from '../../util/index.ts';
import { checkRemoteQueryRequest } from '../api/checks.ts';
import type {
  AnyQuery,
  HostInfo,
  KeyQueryMetadata,
  QueryResult,
  StateQuery,
  StateQueryRequest,
} from '../api/queries.ts';
import type { Instances } from './instances.ts';
import { type AnsweringInstance, decodeAnswer, encodeRequest, unanswered } from './query-wire.ts';

/**
 * Carries a query to an instance; the lines of its answer come back as they are read. Rejects where it can't be reached, and
 * with what it says where it refuses the query.
 */
export type AskInstance = (host: HostInfo, body: string, signal: AbortSignal) => AsyncIterable<string>;

export interface RemoteQueryRequest<K, R> extends Pick<StateQueryRequest<R>, 'store' | 'positionBound'> {
  readonly query: StateQuery<R>;
  /**
   * Instances that follow the store answer, too, where the one that runs its task does not and they lack at most so many
   * records of its changelogs. Default: none does.
   */
  readonly maxLag?: number;
  /** Where keys are, when the topic that the store's task reads is not partitioned by the hash of its keys. */
  readonly partitioner?: (key: K, partitions: number) => number;
  /** How long a partition is asked for, ms. Default 10 000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const RETRY_MS = 50;

/** Another answer will not come, whoever is asked. */
const FINAL = ['UNKNOWN_QUERY_TYPE', 'DOES_NOT_EXIST'];

export class RemoteQueries {
  readonly #local: AnsweringInstance;
  readonly #instances: Instances;
  readonly #ask: AskInstance;
  readonly #environment: Environment;

  constructor(local: AnsweringInstance, instances: Instances, ask: AskInstance, environment: Environment) {
    this.#local = local;
    this.#instances = instances;
    this.#ask = ask;
    this.#environment = environment;
  }

  /**
   * The answer for a key, or the rows of all partitions, one after the other. Rejects with `QUERY_UNANSWERED`, which is
   * retriable, where nobody answered in time; what has been read of a range may break off with it, too.
   */
  async query<R, K = unknown>(request: RemoteQueryRequest<K, R>): Promise<R> {
    checkRemoteQueryRequest(request);
    const { store, query, partitioner } = request;
    const spec = this.#local.specOf(store);
    if (!('key' in query)) return this.#everywhere(request) as R;
    const partition = await this.#until(request, async () => {
      const place = await this.#instances.withKey(spec.name, query.key as K, partitioner);
      if (place === undefined) throw unanswered(`it is not known yet how many partitions the state store ${store} has`);
      return place.partition;
    });
    return this.#askPartition(request, partition);
  }

  async *#everywhere<K, R>(request: RemoteQueryRequest<K, R>): AsyncGenerator {
    const { store } = request;
    const isGlobal = this.#instances.subTopologyOf(store) === undefined;
    for (let partition = 0; partition < (isGlobal ? 1 : this.#instances.partitionCount(store)); partition++) {
      yield* (await this.#askPartition(request, partition)) as AsyncIterable<unknown>;
    }
  }

  #askPartition<K, R>(request: RemoteQueryRequest<K, R>, partition: number): Promise<R> {
    const { store, query, positionBound, maxLag } = request;
    const asked: StateQueryRequest<R> = {
      store,
      query,
      partitions: [partition],
      requireActive: maxLag === undefined,
      ...(positionBound === undefined ? {} : { positionBound }),
      ...(maxLag === undefined ? {} : { maxLag }),
    };
    return this.#until(request, async (signal) => {
      const failures: string[] = [];
      for (const answer of this.#answers(asked, partition, signal)) {
        try {
          const result = await answer();
          if (result.isSuccess) return result.result;
          if (FINAL.includes(result.failureReason))
            throw new MillraceError(result.failureReason, result.failureMessage);
          failures.push(result.failureMessage);
        } catch (error) {
          if (!(error instanceof MillraceError && error.retriable)) throw error;
          failures.push(messageOf(error));
        }
      }
      throw unanswered(failures.join('; '));
    });
  }

  /** Who may answer: the instance that runs the task first. */
  *#answers<R>(
    request: StateQueryRequest<R>,
    partition: number,
    signal: AbortSignal,
  ): Generator<() => Promise<QueryResult<R>>> {
    const local = async (requireActive: boolean): Promise<QueryResult<R>> => {
      const { partitionResults } = await this.#local.query({ ...request, requireActive });
      return partitionResults.get(partition)!;
    };
    yield () => local(true);
    const sub = this.#instances.subTopologyOf(request.store);
    if (sub === undefined) return;
    const { activeHost, standbyHosts }: KeyQueryMetadata = this.#instances.withPartition(sub, partition);
    const remote = (host: HostInfo) => async (): Promise<QueryResult<R>> => {
      const spec = this.#local.specOf(request.store);
      const lines = this.#ask(host, await encodeRequest(spec, request), signal);
      return decodeAnswer<R>(spec, request.query as AnyQuery, lines);
    };
    if (activeHost !== undefined && !this.#instances.isThis(activeHost)) yield remote(activeHost);
    if (request.requireActive === true) return;
    yield () => local(false);
    for (const host of standbyHosts) if (!this.#instances.isThis(host)) yield remote(host);
  }

  /** Tries until it works, fails for good, or the time is over. */
  async #until<T>(
    { store, timeoutMs = TIMEOUT_MS }: RemoteQueryRequest<never, unknown>,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const giveUp = new AbortController();
    const cancel = this.#environment.after(timeoutMs, () => giveUp.abort());
    try {
      for (;;) {
        try {
          return await attempt(giveUp.signal);
        } catch (error) {
          if (!(error instanceof MillraceError && error.retriable)) throw error;
          if (giveUp.signal.aborted) {
            throw unanswered(
              `nobody answered for the state store ${store} in ${timeoutMs} ms: ${error.message}`,
              error,
            );
          }
        }
        const passed = deferred();
        this.#environment.after(RETRY_MS, passed.resolve);
        await passed.promise;
      }
    } finally {
      cancel();
    }
  }
}
