// Queries in another thread, seen from this one, and the other end of it. Statements stay here: a query goes over as its
// plan, its rows come back in batches, each when it is asked for, so that nothing piles up where nobody reads.
import type { Client } from '../../client/index.ts';
import type { RegisteredSchema, SchemaSource } from '../../serde/index.ts';
import {
  type Deferred,
  deferred,
  type Environment,
  fromFault,
  MillraceError,
  type Port,
  PortCalls,
  toFault,
} from '../../util/index.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import { noJsonCounts } from '../formats/reading.ts';
import type { ResultRow } from '../statements/entities.ts';
import type { Row } from '../values/value.ts';
import type {
  FiniteRequest,
  HostCounts,
  HostedQuery,
  HostEvents,
  LinkedQuery,
  OpenRows,
  QueryHost,
  RowsRequest,
  Share,
} from './host.ts';
import { LocalHost } from './local-host.ts';
import type { ToldProblem } from './problems.ts';
import { fromPort, toPort } from '../values/crossing.ts';

/** PORT. A thread in which `serveHost` answers. It is started when it is first needed, and again when it dies. */
export interface HostThread {
  /** Starts it. `up` is given a port of its own at every start, `lost` called when the thread has died. */
  start(listener: HostThreadListener): void;
  /** Ends it when its host has closed, or where it is when that takes too long. */
  stop(hasClosed: Promise<unknown>): Promise<void>;
}

export interface HostThreadListener {
  up(port: Port): void;
  lost(): void;
}

export interface RemoteHostOptions {
  readonly thread: HostThread;
  readonly schemas: SchemaSource;
  readonly events: HostEvents;
  /** The thread is there again, and nothing runs in it. */
  readonly onRestart: () => void;
}

interface RemoteRows {
  readonly id: number;
  readonly share: Share | undefined;
}

export class RemoteHost implements QueryHost {
  readonly #options: RemoteHostOptions;
  #state: 'unused' | 'starting' | 'up' | 'lost' | 'closed' = 'unused';
  #up: Deferred<PortCalls> = deferred();
  #calls: PortCalls | undefined;
  #linked: readonly LinkedQuery[] = [];

  constructor(options: RemoteHostOptions) {
    this.#options = options;
  }

  /** False while the thread is being started again. */
  get isAvailable(): boolean {
    return this.#state !== 'lost';
  }

  async start(query: HostedQuery): Promise<void> {
    await (await this.#connected()).call('start', query);
  }

  async end(queryId: string): Promise<void> {
    // What has ended with the thread need not be ended; what waits for the thread is begun before it is.
    const calls = this.#state === 'starting' ? await this.#up.promise.catch(unlessLost) : this.#calls;
    await calls?.call('end', queryId).catch(unlessLost);
  }

  async link(queries: readonly LinkedQuery[]): Promise<void> {
    this.#linked = queries;
    await this.#calls?.call('link', queries).catch(unlessLost);
  }

  async dropIndex(queryId: string, name: string): Promise<void> {
    await this.#calls?.call('dropIndex', queryId, name).catch(unlessLost);
  }

  async counts(queryId: string): Promise<HostCounts> {
    const counts = (await this.#calls?.call('counts', queryId).catch(unlessLost)) as HostCounts | undefined;
    return counts ?? { dropped: {}, json: noJsonCounts(), problems: [], instances: [], tasks: [] };
  }

  open(request: RowsRequest): Promise<OpenRows<ResultRow>> {
    return this.#open<ResultRow>('open', request);
  }

  openValues(request: RowsRequest<FiniteRequest>): Promise<OpenRows<Row>> {
    return this.#open<Row>('openValues', request);
  }

  async close(): Promise<void> {
    const wasUsed = this.#state !== 'unused';
    this.#state = 'closed';
    const calls = this.#calls;
    const closed = calls?.call('close').catch(unlessLost) ?? Promise.resolve();
    // An open port would keep the thread.
    const left = closed.finally(() => calls?.end(threadLost()));
    if (wasUsed) await this.#options.thread.stop(left);
    else await left;
  }

  async #open<R>(name: 'open' | 'openValues', request: RowsRequest): Promise<OpenRows<R>> {
    const calls = await this.#connected();
    const { id, share } = (await calls.call(name, request)) as RemoteRows;
    const next = (): Promise<readonly R[] | undefined> => {
      const batch = calls.call('next', id) as Promise<readonly R[] | undefined>;
      // It may fail while nobody waits; then it fails the next turn.
      batch.catch(() => {});
      return batch;
    };
    async function* batches(): AsyncGenerator<readonly R[]> {
      for (let coming = next(); ; ) {
        const batch = await coming;
        if (batch === undefined) return;
        // While it is being read, the next one is on its way.
        coming = next();
        yield batch;
      }
    }
    return {
      share,
      batches: batches(),
      close: async () => {
        await calls.call('shut', id).catch(unlessLost);
      },
    };
  }

  /** The calls of the thread's life as it is: whatever they bring does not outlive it. */
  async #connected(): Promise<PortCalls> {
    if (this.#state === 'lost' || this.#state === 'closed') throw threadLost();
    if (this.#state === 'unused') {
      this.#state = 'starting';
      this.#options.thread.start({ up: (port) => this.#begin(port), lost: () => this.#end() });
    }
    return this.#up.promise;
  }

  #begin(port: Port): void {
    if (this.#state === 'closed') {
      port.close();
      return;
    }
    const { schemas, events, onRestart } = this.#options;
    const calls = new PortCalls(
      port,
      {
        ...schemaCalls(schemas),
        failed: (queryId: string, fault: ReturnType<typeof toFault>) => events.failed(queryId, fromFault(fault)),
        problem: (problem: ToldProblem) => events.problem(problem),
        leftOut: (count: number) => events.leftOut(count),
        log: (message: string) => events.log(message),
      },
      { toPort, fromPort },
    );
    this.#calls = calls;
    void calls.call('link', this.#linked).catch(() => {});
    const isRestart = this.#state === 'lost';
    this.#state = 'up';
    this.#up.resolve(calls);
    if (isRestart) onRestart();
  }

  #end(): void {
    const error = threadLost();
    this.#calls?.end(error);
    this.#calls = undefined;
    this.#up.promise.catch(() => {});
    this.#up.reject(error);
    this.#up = deferred();
    if (this.#state !== 'closed') this.#state = 'lost';
  }
}

function threadLost(): MillraceError {
  return new MillraceError('THREAD_LOST', "The query's thread has ended; it is started again.", { retriable: true });
}

function unlessLost(error: unknown): undefined {
  if (isLost(error)) return undefined;
  throw error;
}

/** Whether a call was not answered because the thread has died. */
export function isLost(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'THREAD_LOST';
}

// ── The other end ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface ServedHostOptions {
  readonly client: Client;
  readonly functions: FunctionCatalog;
  readonly stateDir: string;
  readonly environment: Environment;
}

/** Serves a host of this thread to a `RemoteHost` at the other end of the port. */
export function serveHost(port: Port, options: ServedHostOptions): void {
  const open = new Map<
    number,
    { readonly rows: OpenRows<unknown>; readonly batches: AsyncIterator<readonly unknown[]> }
  >();
  let lastId = 0;
  const keep = (rows: OpenRows<unknown>): RemoteRows => {
    const id = ++lastId;
    open.set(id, { rows, batches: rows.batches[Symbol.asyncIterator]() });
    return { id, share: rows.share };
  };
  const shut = async (id: number): Promise<void> => {
    const kept = open.get(id);
    open.delete(id);
    await kept?.rows.close();
  };
  const calls = new PortCalls(
    port,
    {
      start: (query: HostedQuery) => host.start(query),
      end: (queryId: string) => host.end(queryId),
      link: (queries: readonly LinkedQuery[]) => host.link(queries),
      dropIndex: (queryId: string, name: string) => host.dropIndex(queryId, name),
      counts: (queryId: string) => host.counts(queryId),
      open: async (request: RowsRequest) => keep(await host.open(request)),
      openValues: async (request: RowsRequest<FiniteRequest>) => keep(await host.openValues(request)),
      next: async (id: number) => {
        const next = await open.get(id)?.batches.next();
        return next === undefined || next.done === true ? undefined : next.value;
      },
      shut,
      close: () => host.close(),
    },
    { toPort, fromPort },
  );
  const tell = (name: string, ...args: readonly unknown[]): void => void calls.call(name, ...args).catch(() => {});
  const host = new LocalHost({
    ...options,
    schemas: remoteSchemas(calls),
    events: {
      failed: (queryId, error) => tell('failed', queryId, toFault(error)),
      problem: boundedProblems(calls, tell),
      leftOut: (count) => tell('leftOut', count),
      log: (message) => tell('log', message),
    },
  });
}

/** Problems that wait for the other side; what comes on top of them is counted. */
const PROBLEMS_MAX = 1000;

/** Tells problems as fast as the other side takes them, and how many that were not. */
function boundedProblems(
  calls: PortCalls,
  tell: (name: string, ...args: readonly unknown[]) => void,
): HostEvents['problem'] {
  let waiting = 0;
  let leftOut = 0;
  const taken = (): void => {
    waiting--;
    if (leftOut > 0) tell('leftOut', leftOut);
    leftOut = 0;
  };
  return (problem) => {
    if (waiting >= PROBLEMS_MAX) {
      leftOut++;
      return;
    }
    waiting++;
    calls.call('problem', problem).then(taken, taken);
  };
}

// ── Schemas ───────────────────────────────────────────────────────────────────────────────────────────────────────

type SchemaCalls = Omit<SchemaSource, 'cached'>;

function schemaCalls(schemas: SchemaSource): { readonly [name in keyof SchemaCalls]: SchemaCalls[name] } {
  return {
    byId: (id, subject) => schemas.byId(id, subject),
    byGuid: (guid, subject) => schemas.byGuid(guid, subject),
    version: (subject, version) => schemas.version(subject, version),
    latest: (subject, properties) => schemas.latest(subject, properties),
    register: (subject, schema) => schemas.register(subject, schema),
    lookup: (subject, schema) => schemas.lookup(subject, schema),
  };
}

/** The other side's schemas. What an id stands for does not change, so it is kept. */
function remoteSchemas(calls: PortCalls): SchemaSource {
  const known = new Map<string, RegisteredSchema>();
  const nameOf = (id: number, subject = ''): string => `${id} ${subject}`;
  const call = <T>(name: keyof SchemaCalls, ...args: readonly unknown[]) => calls.call(name, ...args) as Promise<T>;
  return {
    cached: (id, subject) => known.get(nameOf(id, subject)),
    async byId(id, subject) {
      const found = known.get(nameOf(id, subject)) ?? (await call<RegisteredSchema>('byId', id, subject));
      known.set(nameOf(id, subject), found);
      return found;
    },
    byGuid: (guid, subject) => call('byGuid', guid, subject),
    version: (subject, version) => call('version', subject, version),
    latest: (subject, properties) => call('latest', subject, properties),
    register: (subject, schema) => call('register', subject, schema),
    lookup: (subject, schema) => call('lookup', subject, schema),
  };
}
