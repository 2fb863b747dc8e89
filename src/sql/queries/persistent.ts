// Persistent queries on a cluster: each is one Streams application, named after its query, so that a restart finds its
// offsets, its transactions and its state again.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../client/index.ts';
import { KafkaStreams, type QueryableStore, type StreamsSettings, type Topology } from '../../streams/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import { defaultOf } from '../settings.ts';
import type { PersistentQuery, QueryExecutor, Settings } from '../statements/context.ts';

export interface ExecutorOptions {
  readonly client: Client;
  readonly serviceId: string;
  readonly stateDir: string;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

export type QueryState = 'RUNNING' | 'PAUSED' | 'ERROR';

interface Running {
  readonly query: PersistentQuery;
  /** A query keeps the settings that it was created with. */
  readonly setting: Settings;
  readonly streams: KafkaStreams;
  failure: unknown;
}

export class KafkaExecutor implements QueryExecutor {
  readonly #options: ExecutorOptions;
  readonly #running = new Map<string, Running>();
  readonly #paused = new Map<string, { readonly query: PersistentQuery; readonly setting: Settings }>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  async start(query: PersistentQuery, setting: Settings): Promise<void> {
    const { queryId, topology } = query;
    await this.#close(queryId);
    const onFatal = (error: unknown) => {
      running.failure = error;
      this.#options.log(`query ${queryId} stopped: ${messageOf(error)}`);
    };
    const running: Running = {
      query,
      setting,
      streams: this.streams(topology, this.applicationId(queryId), setting, onFatal),
      failure: undefined,
    };
    this.#paused.delete(queryId);
    this.#running.set(queryId, running);
    try {
      await running.streams.start();
    } catch (error) {
      running.failure = error;
      throw error;
    }
  }

  /** Stops a query where it is; `resume` goes on from there. */
  async pause(queryId: string): Promise<void> {
    const running = this.#running.get(queryId);
    if (running === undefined) return;
    this.keepPaused(running.query, running.setting);
    await this.#close(queryId);
  }

  /** Knows a query as one that was paused. */
  keepPaused(query: PersistentQuery, setting: Settings): void {
    this.#paused.set(query.queryId, { query, setting });
  }

  async resume(queryId: string): Promise<void> {
    const paused = this.#paused.get(queryId);
    if (paused !== undefined) await this.start(paused.query, paused.setting);
  }

  async stop(queryId: string): Promise<void> {
    this.#paused.delete(queryId);
    const running = this.#running.get(queryId);
    await this.#close(queryId);
    if (running !== undefined) await this.forget(running.streams, this.applicationId(queryId));
  }

  /** An application does not come back: its state, its internal topics and its offsets go with it. */
  async forget(streams: KafkaStreams, applicationId: string): Promise<void> {
    streams.cleanUp();
    await this.#deleteTraces((name) => name === applicationId || name.startsWith(`${applicationId}-`));
  }

  /** Clears away what queries left whose ids begin so: they can't come back under the same id. */
  async forgetAll(queryIdPrefix: string): Promise<void> {
    const prefix = this.applicationId(queryIdPrefix);
    await this.#deleteTraces((name) => name.startsWith(prefix));
    const { stateDir } = this.#options;
    if (!existsSync(stateDir)) return;
    for (const name of readdirSync(stateDir)) {
      if (name.startsWith(prefix)) rmSync(join(stateDir, name), { recursive: true, force: true });
    }
  }

  /** Internal topics begin with the application's id; its group has it as its name. */
  async #deleteTraces(isTrace: (name: string) => boolean): Promise<void> {
    const admin = this.#options.client.admin();
    const topics = (await admin.listTopics()).filter(isTrace);
    if (topics.length > 0) await admin.deleteTopics(topics);
    const groups = (await admin.listGroups()).map(({ groupId }) => groupId).filter(isTrace);
    if (groups.length > 0) await admin.deleteGroups(groups);
  }

  state(queryId: string): QueryState {
    if (this.#paused.has(queryId)) return 'PAUSED';
    const running = this.#running.get(queryId);
    return running === undefined || running.failure !== undefined ? 'ERROR' : 'RUNNING';
  }

  /** Why a query stopped; undefined when it did not. */
  failureOf(queryId: string): string | undefined {
    const failure = this.#running.get(queryId)?.failure;
    return failure === undefined ? undefined : messageOf(failure);
  }

  /** The state store of a running query, to look at. */
  store(queryId: string, name: string): QueryableStore | undefined {
    return this.#running.get(queryId)?.streams.store(name);
  }

  /** Records that a query's operators have left out since it was started here, by operator and reason. */
  dropped(queryId: string): Record<string, Record<string, number>> {
    const sums: Record<string, Record<string, number>> = {};
    for (const { droppedBy } of this.#running.get(queryId)?.streams.metrics() ?? []) {
      for (const [operator, reasons] of Object.entries(droppedBy)) {
        const own = (sums[operator] ??= {});
        for (const [reason, count] of Object.entries(reasons)) own[reason] = (own[reason] ?? 0) + count;
      }
    }
    return sums;
  }

  applicationId(queryId: string): string {
    return `_confluent-ksql-${this.#options.serviceId}query_${queryId}`;
  }

  /** A Streams application under this service's settings; not started. */
  streams(
    topology: Topology,
    applicationId: string,
    setting: Settings,
    onFatal: (error: unknown) => void,
    overrides: Partial<StreamsSettings> = {},
  ): KafkaStreams {
    const { client, stateDir, environment } = this.#options;
    const valueOf = (name: string) => setting(name) ?? defaultOf(name);
    const number = (name: string) => {
      const value = valueOf(name);
      return value === undefined ? undefined : Number(value);
    };
    const commitIntervalMs = number('commit.interval.ms');
    const stateBytes = number('statestore.cache.max.bytes') ?? -1;
    const emitsEveryChange = stateBytes === 0 && setting('cache.max.bytes.buffering') === undefined;
    const cacheMaxBytes = emitsEveryChange ? 0 : number('cache.max.bytes.buffering');
    return new KafkaStreams(topology, {
      client,
      applicationId,
      stateDir,
      environment,
      processingGuarantee: isExactlyOnce(setting) ? 'exactly_once_v2' : 'at_least_once',
      autoOffsetReset: valueOf('auto.offset.reset') === 'earliest' ? 'earliest' : 'latest',
      ...(commitIntervalMs === undefined ? {} : { commitIntervalMs }),
      ...(cacheMaxBytes === undefined ? {} : { cacheMaxBytes }),
      ...(stateBytes > 0 ? { statestoreCacheMaxBytes: stateBytes } : {}),
      upstreamApplications: (topic) => this.#writersOf(topic, applicationId),
      onProcessingError: () => 'fail',
      onLate: ({ operator, taskId, reason, count, streamTime }) =>
        this.#options.log(
          `${applicationId}: ${operator} left out ${count} records as ${reason} (task ${taskId}, whose time is ${new Date(streamTime).toISOString()})`,
        ),
      onError: (error, fatal) => {
        if (fatal) onFatal(error);
      },
      ...overrides,
    });
  }

  /** The applications of queries that run and write a topic, but for those that wait for what `reader` writes. */
  #writersOf(topic: string, reader: string): string[] {
    const running = [...this.#running.values()].filter(
      ({ setting, failure }) => failure === undefined && isExactlyOnce(setting),
    );
    const idOf = ({ query }: Running) => this.applicationId(query.queryId);
    const downstream = new Set(running.filter((each) => idOf(each) === reader));
    for (const { query } of downstream) {
      for (const each of running) {
        if (query.sink !== undefined && each.query.topology.sourceTopics().includes(query.sink.topic)) {
          downstream.add(each);
        }
      }
    }
    return running.filter((each) => each.query.sink?.topic === topic && !downstream.has(each)).map(idOf);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((queryId) => this.#close(queryId)));
  }

  async #close(queryId: string): Promise<void> {
    const running = this.#running.get(queryId);
    this.#running.delete(queryId);
    await running?.streams.close();
  }
}

function isExactlyOnce(setting: Settings): boolean {
  return setting('processing.guarantee') !== 'at_least_once';
}
