// Queries in this thread: each persistent one is a Streams application, named after its query, so that a restart finds its
// offsets, its transactions and its state again.
import type { Client } from '../../client/index.ts';
import type { SchemaSource } from '../../serde/index.ts';
import { KafkaStreams, type StreamsSettings, type Topology } from '../../streams/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import type { Problem, ProcessingLog, TopologyEnvironment } from '../compile/flow.ts';
import { compileTopology } from '../compile/topology.ts';
import { type JsonCounts, noJsonCounts } from '../formats/reading.ts';
import type { FunctionCatalog } from '../functions/function.ts';
import { modulesOf, sourceSteps, type Step } from '../plan/plan.ts';
import { defaultOf, isExactlyOnce, type SettingValues } from '../settings.ts';
import type { InstanceStatus } from '../statements/context.ts';
import type { ResultRow } from '../statements/entities.ts';
import type { Row } from '../values/value.ts';
import type {
  FiniteRequest,
  HostCounts,
  HostedQuery,
  HostEvents,
  LinkedQuery,
  OpenRows,
  PushRequest,
  QueryHost,
  RowsRequest,
} from './host.ts';
import { latestRows } from './latest-rows.ts';
import { writersOf } from './links.ts';
import { ProblemTally } from './problem-tally.ts';
import { problemLog, toldProblem } from './problems.ts';
import { pushRows } from './push-rows.ts';
import { resultWriter } from './result-rows.ts';
import { startOffsets } from './start-offsets.ts';
import { streamRows } from './stream-rows.ts';
import { TableIndexes } from './table-index.ts';
import { tableRows } from './table-rows.ts';

export interface LocalHostOptions {
  readonly client: Client;
  readonly schemas: SchemaSource;
  readonly functions: FunctionCatalog;
  readonly stateDir: string;
  readonly environment: Environment;
  readonly events: HostEvents;
}

/** How soon the members of a shared query hear that there is one more of them, or one less. */
const SHARED_HEARTBEAT_MS = 100;

/** What is known of a query that runs, of a client's as well. */
interface Counted {
  readonly streams: KafkaStreams;
  readonly json: JsonCounts;
  readonly problems: ProblemTally;
  /** By task, the records that are left to be read before its state is there. */
  readonly toRestore: Map<string, number>;
  lastError: string | undefined;
}

interface Running extends Counted {
  readonly query: HostedQuery;
  readonly indexes: TableIndexes;
}

export class LocalHost implements QueryHost {
  readonly isAvailable = true;
  readonly #options: LocalHostOptions;
  readonly #log: ProcessingLog;
  readonly #running = new Map<string, Running>();
  /** Push queries of clients, by their ids. */
  readonly #pushed = new Map<string, Counted>();
  readonly #open = new Set<OpenRows<unknown>>();
  readonly #closing = new Set<Promise<void>>();
  #linked: readonly LinkedQuery[] = [];

  constructor(options: LocalHostOptions) {
    this.#options = options;
    this.#log = problemLog(options.events.log);
  }

  async start(query: HostedQuery): Promise<void> {
    const { plan, applicationId, settings, isShared } = query;
    const { queryId } = plan;
    await this.end(queryId);
    await this.#load(plan.root);
    const json = noJsonCounts();
    const problems = new ProblemTally();
    const topology = compileTopology(await this.#starting(settings, plan.root, problems), plan, json);
    const streams = this.#streams(topology, applicationId, settings, {
      ...(isShared ? { heartbeatIntervalMs: SHARED_HEARTBEAT_MS } : {}),
      onProductionError: (error) => {
        this.#tell({ kind: 'production', queryId, step: 'sink', error }, settings, problems);
        return settings['ksql.fail.on.production.error'] === 'false' ? 'continue' : 'fail';
      },
      onError: (error, fatal) => {
        running.lastError = messageOf(error);
        if (fatal && this.#running.get(queryId) === running) this.#options.events.failed(queryId, error);
      },
    });
    streams.onRestoreProgress(({ taskId, left }) => void running.toRestore.set(taskId, left));
    const toRestore = new Map<string, number>();
    const indexes = new TableIndexes(this.#options.environment);
    const running: Running = { query, streams, json, problems, toRestore, indexes, lastError: undefined };
    this.#running.set(queryId, running);
    await streams.start();
  }

  async end(queryId: string): Promise<void> {
    const running = this.#running.get(queryId);
    this.#running.delete(queryId);
    if (running === undefined) return;
    const closed = running.streams.close();
    this.#closing.add(closed);
    try {
      await closed;
    } finally {
      this.#closing.delete(closed);
    }
  }

  async link(queries: readonly LinkedQuery[]): Promise<void> {
    this.#linked = queries;
  }

  async dropIndex(queryId: string, name: string): Promise<void> {
    this.#running.get(queryId)?.indexes.drop(name);
  }

  async counts(queryId: string): Promise<HostCounts> {
    const running: Counted | undefined = this.#running.get(queryId) ?? this.#pushed.get(queryId);
    const dropped: Record<string, Record<string, number>> = {};
    const tasks = running?.streams.metrics() ?? [];
    for (const { droppedBy } of tasks) addCounts(dropped, droppedBy);
    const json = { ...(running?.json ?? noJsonCounts()) };
    const instances = running === undefined ? [] : [statusOf(running)];
    return { dropped, json, problems: running?.problems.counts() ?? [], instances, tasks };
  }

  async open(request: RowsRequest): Promise<OpenRows<ResultRow>> {
    await this.#load(request.root);
    if (request.from.kind === 'push') return this.#kept(await this.#push(request as RowsRequest<PushRequest>));
    const write = resultWriter(request);
    const { share, batches, close } = await this.openValues(request as RowsRequest<FiniteRequest>);
    async function* written(): AsyncGenerator<ResultRow[]> {
      for await (const rows of batches) yield rows.map((row) => ({ json: write(row), tombstone: false }));
    }
    return { share, batches: written(), close };
  }

  async openValues(request: RowsRequest<FiniteRequest>): Promise<OpenRows<Row>> {
    await this.#load(request.root);
    return this.#kept(await this.#read(request));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open].map((rows) => rows.close()));
    await Promise.all([...this.#running.keys()].map((queryId) => this.end(queryId)));
    // The client goes with the thread, and whoever is being closed needs it.
    await Promise.allSettled(this.#closing);
  }

  #read({ from, ...request }: RowsRequest<FiniteRequest>): Promise<OpenRows<Row>> | OpenRows<Row> {
    const { client, environment } = this.#options;
    const compiling = this.#compiling(request.settings);
    if (from.kind === 'latest') return latestRows({ ...request, from }, { compiling, client, environment });
    if (from.kind === 'stream') return streamRows({ ...request, from }, { compiling, client, environment });
    const running = this.#running.get(from.queryId);
    return tableRows({ ...request, from }, { compiling, environment, running });
  }

  async #push(request: RowsRequest<PushRequest>): Promise<OpenRows<ResultRow>> {
    const { settings, from, queryId } = request;
    const problems = new ProblemTally();
    const rows = await pushRows(
      request,
      await this.#starting(settings, request.root, problems),
      (topology, overrides) => {
        const streams = this.#streams(topology, from.applicationId, settings, overrides);
        const counted = { streams, json: noJsonCounts(), problems, toRestore: new Map(), lastError: undefined };
        this.#pushed.set(queryId, counted);
        return streams;
      },
    );
    const close = async (): Promise<void> => {
      this.#pushed.delete(queryId);
      await rows.close();
    };
    return { ...rows, close };
  }

  /** Loads the modules whose functions a plan calls. */
  #load(root: Step): Promise<void> {
    const { functions, events } = this.#options;
    return functions.modules.require(modulesOf(root), ({ file }) =>
      events.log(`${file} is not what it was when its functions were created: they are used as they are now`),
    );
  }

  /** Until it is closed, it is this host's to close. */
  #kept<R>(rows: OpenRows<R>): OpenRows<R> {
    const kept: OpenRows<R> = {
      ...rows,
      close: async () => {
        this.#open.delete(kept);
        await rows.close();
      },
    };
    this.#open.add(kept);
    return kept;
  }

  #compiling(settings: SettingValues, tally = new ProblemTally()): TopologyEnvironment {
    const { functions, schemas } = this.#options;
    const log = (problem: Problem): void => this.#tell(problem, settings, tally);
    return { functions, schemas, setting: (name) => settings[name], log };
  }

  /** The same for a query that goes on, and reads its sources from where they say. */
  async #starting(settings: SettingValues, root: Step, tally: ProblemTally): Promise<TopologyEnvironment> {
    const startOffset = await startOffsets(this.#options.client, sourceSteps(root));
    return { ...this.#compiling(settings, tally), startOffset };
  }

  #tell(problem: Problem, settings: SettingValues, tally: ProblemTally): void {
    tally.add(problem);
    this.#log(problem);
    const told = toldProblem(problem, settings);
    if (told !== undefined) this.#options.events.problem(told);
  }

  /** A Streams application under the settings of a query; not started. */
  #streams(
    topology: Topology,
    applicationId: string,
    settings: SettingValues,
    overrides: Partial<StreamsSettings>,
  ): KafkaStreams {
    const { client, stateDir, environment, events } = this.#options;
    const valueOf = (name: string) => settings[name] ?? defaultOf(name);
    const number = (name: string) => {
      const value = valueOf(name);
      return value === undefined ? undefined : Number(value);
    };
    const commitIntervalMs = number('commit.interval.ms');
    const stateBytes = number('statestore.cache.max.bytes') ?? -1;
    const emitsEveryChange = stateBytes === 0 && settings['cache.max.bytes.buffering'] === undefined;
    const cacheMaxBytes = emitsEveryChange ? 0 : number('cache.max.bytes.buffering');
    return new KafkaStreams(topology, {
      client,
      applicationId,
      stateDir,
      environment,
      processingGuarantee: isExactlyOnce(settings) ? 'exactly_once_v2' : 'at_least_once',
      autoOffsetReset: valueOf('auto.offset.reset') === 'earliest' ? 'earliest' : 'latest',
      ...(commitIntervalMs === undefined ? {} : { commitIntervalMs }),
      ...(cacheMaxBytes === undefined ? {} : { cacheMaxBytes }),
      ...(stateBytes > 0 ? { statestoreCacheMaxBytes: stateBytes } : {}),
      upstreamApplications: (topic) => writersOf(this.#linked, topic, applicationId),
      onProcessingError: () => 'fail',
      onLate: ({ operator, taskId, reason, count, streamTime }) =>
        events.log(
          `${applicationId}: ${operator} left out ${count} records as ${reason} (task ${taskId}, whose time is ${new Date(streamTime).toISOString()})`,
        ),
      ...overrides,
    });
  }
}

function statusOf({ streams, toRestore, lastError }: Counted): InstanceStatus {
  const left = [...toRestore.values()].reduce((sum, records) => sum + records, 0);
  return { state: streams.state, toRestore: left, lastError };
}

/** Adds counts by operator and reason to the sums. */
export function addCounts(
  sums: Record<string, Record<string, number>>,
  counts: Readonly<Record<string, Readonly<Record<string, number>>>>,
): void {
  for (const [operator, reasons] of Object.entries(counts)) {
    const own = (sums[operator] ??= {});
    for (const [reason, count] of Object.entries(reasons)) own[reason] = (own[reason] ?? 0) + count;
  }
}
