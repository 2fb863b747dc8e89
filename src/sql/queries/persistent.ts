// The queries of a service, and where they run: which hosts run which query, what has become of it, and where rows are
// found. What a query leaves behind is cleared away here, when all its hosts have ended it.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../client/index.ts';
import type { TaskMetrics } from '../../streams/index.ts';
import { codeOf, type Environment, messageOf } from '../../util/index.ts';
import { noJsonCounts } from '../formats/reading.ts';
import { sourceSteps, type Step, stepsOf } from '../plan/plan.ts';
import { defaultOf, isExactlyOnce, settingValues, type SettingValues } from '../settings.ts';
import type {
  InstanceStatus,
  PersistentQuery,
  ProblemCount,
  QueryCounts,
  QueryExecutor,
  Settings,
} from '../statements/context.ts';
import type { ResultRow } from '../statements/entities.ts';
import type { QueryError } from '../statements/looking.ts';
import type { Row } from '../values/value.ts';
import type {
  HostedQuery,
  HostEvents,
  LatestRequest,
  OpenRows,
  PushRequest,
  QueryHost,
  RowsRequest,
  StreamRequest,
  TableRequest,
} from './host.ts';
import { addCounts } from './local-host.ts';
import { addProblems } from './problem-tally.ts';
import { causesOf, type ToldProblem } from './problems.ts';
import { isLost } from './remote-host.ts';
import { wholeTable } from './whole-table.ts';

export interface ExecutorOptions {
  readonly client: Client;
  readonly serviceId: string;
  readonly stateDir: string;
  readonly environment: Environment;
  readonly problem: (problem: ToldProblem) => void;
  readonly leftOut: (count: number) => void;
  readonly log: (message: string) => void;
  /** Makes the hosts, at least one. `restarted`: a host has lost what ran on it, and can run it again. */
  readonly hosts: (events: HostEvents, restarted: (host: QueryHost) => void) => readonly QueryHost[];
}

/** How often, and after how long, a group is looked at again whose members are about to leave. */
const LEAVE_ATTEMPTS = 50;
const LEAVE_MS = 20;

export type QueryState = 'RUNNING' | 'PAUSED' | 'ERROR';

/** A push query of a client. */
interface Pushed {
  readonly root: Step;
  readonly settings: SettingValues;
  readonly hosts: readonly QueryHost[];
  readonly startedAt: number;
}

interface Running {
  readonly query: PersistentQuery;
  /** A query keeps the settings that it was created with. */
  readonly settings: SettingValues;
  readonly hosts: readonly QueryHost[];
  readonly startedAt: number;
  failure: unknown;
}

export class KafkaExecutor implements QueryExecutor {
  readonly #options: ExecutorOptions;
  readonly #hosts: readonly QueryHost[];
  readonly #running = new Map<string, Running>();
  readonly #paused = new Map<string, { readonly query: PersistentQuery; readonly setting: Settings }>();
  readonly #errors = new Map<string, readonly QueryError[]>();
  readonly #pushed = new Map<string, Pushed>();
  /** Queries of clients, by host. */
  readonly #transient = new Map<QueryHost, number>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { log, problem, leftOut } = options;
    const failed = (queryId: string, error: unknown): void => {
      const running = this.#running.get(queryId);
      if (running !== undefined) this.#failed(running, error);
    };
    this.#hosts = options.hosts({ failed, problem, leftOut, log }, (host) => this.#startAgain(host));
  }

  async start(query: PersistentQuery, setting: Settings): Promise<void> {
    const { queryId } = query;
    await this.#end(queryId);
    const running: Running = {
      query,
      settings: settingValues(setting),
      hosts: this.#leastLoaded(await this.#shares(query, setting)),
      startedAt: this.#options.environment.now(),
      failure: undefined,
    };
    this.#paused.delete(queryId);
    this.#running.set(queryId, running);
    this.#link();
    // Who is there first has all partitions, until the others join.
    const starts = running.hosts.map((host) => this.#startOn(host, running));
    try {
      await Promise.race(starts);
    } catch (error) {
      this.#failed(running, error);
      throw error;
    } finally {
      for (const start of starts) start.catch((error: unknown) => this.#failed(running, error));
    }
  }

  /** Stops a query where it is; `resume` goes on from there. */
  async pause(queryId: string): Promise<void> {
    const running = this.#running.get(queryId);
    if (running === undefined) return;
    this.keepPaused(running.query, (name) => running.settings[name]);
    await this.#end(queryId);
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
    this.#errors.delete(queryId);
    await this.#end(queryId);
    await this.forget(this.applicationId(queryId));
  }

  /** An application does not come back: its state, its internal topics and its offsets go with it. */
  async forget(applicationId: string): Promise<void> {
    rmSync(join(this.#options.stateDir, applicationId), { recursive: true, force: true });
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
    if (groups.length > 0) await this.#deleteGroups(groups);
  }

  /** The members of a thread that died leave their groups soon, as soon as the broker hears of it. */
  async #deleteGroups(groups: readonly string[]): Promise<void> {
    const { client, environment } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await client.admin().deleteGroups(groups);
        return;
      } catch (error) {
        if (codeOf(error) !== 'NON_EMPTY_GROUP' || attempt >= LEAVE_ATTEMPTS) throw error;
      }
      await new Promise<void>((resolve) => void environment.after(LEAVE_MS, resolve));
    }
  }

  state(queryId: string): QueryState {
    if (this.#paused.has(queryId)) return 'PAUSED';
    if (this.#pushed.has(queryId)) return 'RUNNING';
    const running = this.#running.get(queryId);
    return running === undefined || running.failure !== undefined ? 'ERROR' : 'RUNNING';
  }

  /** Why a query stopped; undefined when it did not. */
  failureOf(queryId: string): string | undefined {
    const failure = this.#running.get(queryId)?.failure;
    return failure === undefined ? undefined : messageOf(failure);
  }

  /** The settings that a query runs under, or would, if it were resumed. */
  settingsOf(queryId: string): SettingValues {
    const paused = this.#paused.get(queryId);
    const known = this.#running.get(queryId) ?? this.#pushed.get(queryId);
    return known?.settings ?? (paused === undefined ? {} : settingValues(paused.setting));
  }

  /** What has stopped a query so far, the last at the end; as long as it is there. */
  errorsOf(queryId: string): readonly QueryError[] {
    return this.#errors.get(queryId) ?? [];
  }

  #noteError(queryId: string, error: unknown, most: number): void {
    const noted = { timestamp: this.#options.environment.now(), errorMessage: messageOf(error), type: blameOf(error) };
    this.#errors.set(queryId, [...this.errorsOf(queryId), noted].slice(-most));
  }

  /** What has been counted since a query was started here, over all its hosts. */
  async counts(queryId: string): Promise<QueryCounts> {
    const sums = {
      dropped: {},
      json: noJsonCounts(),
      problems: [] as ProblemCount[],
      instances: [] as InstanceStatus[],
      tasks: [] as TaskMetrics[],
    };
    const running = this.#running.get(queryId) ?? this.#pushed.get(queryId);
    const hosts = running?.hosts ?? [];
    for (const { dropped, json, problems, instances, tasks } of await Promise.all(
      hosts.map((host) => host.counts(queryId)),
    )) {
      addCounts(sums.dropped, dropped);
      sums.json.fromBytes += json.fromBytes;
      sums.json.asWhole += json.asWhole;
      addProblems(sums.problems, problems);
      sums.instances.push(...instances);
      sums.tasks.push(...tasks);
    }
    const now = this.#options.environment.now();
    return { ...sums, runningMs: now - (running?.startedAt ?? now) };
  }

  /** Has the hosts of a query let go of an index of its table. */
  async dropIndex(queryId: string, name: string): Promise<void> {
    await Promise.all((this.#running.get(queryId)?.hosts ?? []).map((host) => host.dropIndex(queryId, name)));
  }

  applicationId(queryId: string): string {
    return `_confluent-ksql-${this.#options.serviceId}query_${queryId}`;
  }

  // ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Rows that one host brings. */
  async open(request: RowsRequest<StreamRequest | PushRequest>): Promise<OpenRows<ResultRow>> {
    const { queryId, root, settings, from } = request;
    if (from.kind !== 'push') return this.#onOne((host) => host.open(request));
    const startedAt = this.#options.environment.now();
    const rows = await this.#onOne((host) => {
      this.#pushed.set(queryId, { root, settings, hosts: [host], startedAt });
      return host.open(request);
    }).catch((error: unknown) => {
      this.#pushed.delete(queryId);
      throw error;
    });
    const close = async (): Promise<void> => {
      this.#pushed.delete(queryId);
      await rows.close();
    };
    return { ...rows, close };
  }

  /** The steps of a push query that is open. */
  rootOf(queryId: string): Step | undefined {
    return this.#pushed.get(queryId)?.root;
  }

  openValues(request: RowsRequest<StreamRequest | LatestRequest>): Promise<OpenRows<Row>> {
    return this.#onOne((host) => host.openValues(request));
  }

  /** Rows of a table, from all hosts that have a part of it. */
  openTable(request: RowsRequest<TableRequest>): Promise<OpenRows<ResultRow>> {
    return this.#onAll(request, (host) => host.open(request));
  }

  openTableValues(request: RowsRequest<TableRequest>): Promise<OpenRows<Row>> {
    return this.#onAll(request, (host) => host.openValues(request));
  }

  async #onOne<R>(open: (host: QueryHost) => Promise<OpenRows<R>>): Promise<OpenRows<R>> {
    const [host] = this.#leastLoaded(1) as [QueryHost];
    const count = (by: number): void => void this.#transient.set(host, (this.#transient.get(host) ?? 0) + by);
    count(1);
    try {
      const rows = await open(host);
      let isOpen = true;
      const close = async (): Promise<void> => {
        if (isOpen) count(-1);
        isOpen = false;
        await rows.close();
      };
      return { ...rows, close };
    } catch (error) {
      count(-1);
      throw error;
    }
  }

  #onAll<R>(
    { from }: RowsRequest<TableRequest>,
    open: (host: QueryHost) => Promise<OpenRows<R>>,
  ): Promise<OpenRows<R>> {
    const hosts = () => {
      const running = this.#running.get(from.queryId);
      return running === undefined || running.failure !== undefined ? [] : running.hosts;
    };
    return wholeTable(hosts, open, this.#options.environment);
  }

  // ── Hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** On how many hosts a query has something to do. */
  async #shares({ plan }: PersistentQuery, setting: Settings): Promise<number> {
    const wanted = Number(setting('num.stream.threads') ?? 0) || this.#hosts.length;
    const most = Math.min(wanted, this.#hosts.length);
    // Several threads bring the records of different partitions together as they come, a single one by their times.
    if (most === 1 || stepsOf(plan.root).some((step) => 'mixesOrder' in step && step.mixesOrder)) return 1;
    const topics = [...new Set(sourceSteps(plan.root).map(({ topic }) => topic))];
    const described = await this.#options.client.admin().describeTopics(topics);
    const partitions = [...described.values()].map((topic) => topic.partitions.length);
    return Math.max(1, Math.min(most, Math.max(0, ...partitions)));
  }

  #leastLoaded(count: number): QueryHost[] {
    const running = [...this.#running.values()].filter(({ failure }) => failure === undefined);
    const loads = this.#hosts.map((host) => ({
      host,
      load: running.filter(({ hosts }) => hosts.includes(host)).length + (this.#transient.get(host) ?? 0),
    }));
    const sorted = loads.sort((a, b) => Number(b.host.isAvailable) - Number(a.host.isAvailable) || a.load - b.load);
    return sorted.slice(0, count).map(({ host }) => host);
  }

  async #startOn(host: QueryHost, { query, settings, hosts }: Running): Promise<void> {
    const { plan, queryId } = query;
    const hosted: HostedQuery = {
      plan,
      applicationId: this.applicationId(queryId),
      settings,
      isShared: hosts.length > 1,
    };
    try {
      await host.start(hosted);
    } catch (error) {
      // With a lost thread it is started again.
      if (!isLost(error)) throw error;
    }
  }

  #startAgain(host: QueryHost): void {
    for (const running of this.#running.values()) {
      if (running.failure !== undefined || !running.hosts.includes(host)) continue;
      this.#startOn(host, running).catch((error: unknown) => this.#failed(running, error));
    }
  }

  /** What fails on one host would fail on the others; what was counted is kept where there are none. */
  #failed(running: Running, error: unknown): void {
    const { queryId } = running.query;
    if (this.#running.get(queryId) !== running || running.failure !== undefined) return;
    running.failure = error;
    const most = 'ksql.query.error.max.queue.size';
    this.#noteError(queryId, error, Number(running.settings[most] ?? defaultOf(most)));
    this.#options.log(`query ${queryId} stopped: ${messageOf(error)}`);
    this.#options.problem({
      kind: 'thread',
      queryId,
      step: 'thread',
      message: messageOf(error),
      causes: causesOf(error),
    });
    if (running.hosts.length === 1) return;
    this.#endOn(running).catch((cause: unknown) => this.#options.log(`query ${queryId}: ${messageOf(cause)}`));
  }

  async #endOn({ query, hosts }: Running): Promise<void> {
    await Promise.all(hosts.map((host) => host.end(query.queryId)));
  }

  /** Tells every host which queries write what others read. */
  #link(): void {
    const linked = [...this.#running.values()]
      .filter(({ settings, failure }) => failure === undefined && isExactlyOnce(settings))
      .map(({ query: { queryId, plan, sink } }) => ({
        applicationId: this.applicationId(queryId),
        sources: sourceSteps(plan.root).map(({ topic }) => topic),
        sink: sink?.topic,
      }));
    for (const host of this.#hosts) void host.link(linked);
  }

  async close(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.close()));
    this.#running.clear();
  }

  async #end(queryId: string): Promise<void> {
    const running = this.#running.get(queryId);
    if (running === undefined) return;
    this.#running.delete(queryId);
    await this.#endOn(running);
    this.#link();
  }
}

/** Whose an error is: of topics, schemas and rights, which are the user's to mend; of our parts; or nobody knows. */
function blameOf(error: unknown): QueryError['type'] {
  const code = codeOf(error);
  if (code === undefined) return 'UNKNOWN';
  return /TOPIC|SCHEMA|AUTHORIZATION|UNDECODABLE|SERIALIZATION|TIMESTAMP|PROCESSING_FAILED|COPARTITIONED/.test(code)
    ? 'USER'
    : 'SYSTEM';
}
