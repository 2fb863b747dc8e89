/**
 * The herder of a worker that shares a cluster's connectors and tasks with others (`connect-distributed`), as REST sees it. What
 * users want stands in the config topic, which the leader writes: requests that change something are refused here with the
 * leader's URL, where another worker leads. What follows from it is the loop's (cluster-loop.ts).
 */
import type { Client } from '../../client/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import type { RawConfig } from '../api/config-def.ts';
import { ConnectError } from '../data/errors.ts';
import { type RunState, type TaskId, taskName } from '../data/states.ts';
import type { Loggers } from '../runtime/loggers.ts';
import type { StoredOffset, Worker, WorkerListener } from '../runtime/worker-port.ts';
import type { RestartRequest } from '../storage/config-state.ts';
import type { ConfigStore } from '../storage/config-store.ts';
import type { StatusStore } from '../storage/status-store.ts';
import { checkedSinkGroup } from './cluster-checks.ts';
import { ClusterLoop, type ClusterSettings } from './cluster-loop.ts';
import * as facts from './connector-facts.ts';
import { Fencings } from './fencing.ts';
import type {
  ConnectorInfo,
  ConnectorStatus,
  GivenConfig,
  Herder,
  Put,
  PutOptions,
  SignedRequest,
  TaskInfo,
  TaskStatus,
} from './herder.ts';
import { LocalWork } from './local-work.ts';
import type { ConfigInfos, ConfigKeyInfo, PluginCatalogue, PluginInfo } from './plugin-catalogue.ts';
import {
  connectorExists,
  connectorNotFound,
  elsewhere,
  HerderRefusal,
  invalid,
  notFound,
  rebalanceExpected,
} from './refusals.ts';
import { checkSignature } from './signatures.ts';
import { TaskPublishing } from './task-publishing.ts';
import { ToldStatuses } from './told-statuses.ts';
import type { WorkerClient } from './worker-client.ts';

export interface DistributedSettings extends ClusterSettings {
  /** `exactly.once.source.support=enabled` */
  readonly exactlyOnceSources: boolean;
  /** `inter.worker.signature.algorithm` */
  readonly signatureAlgorithm: string;
  /** `inter.worker.verification.algorithms` */
  readonly verificationAlgorithms: readonly string[];
  /** `topic.tracking.enable` */
  readonly tracksTopics: boolean;
}

export interface DistributedHerderOptions {
  readonly client: Client;
  readonly clusterId: string;
  /** What it is called in states: `host:port` of its REST. Asked for from the start on, as is the URL. */
  readonly workerId: () => string;
  /** Where other workers reach this one's REST. */
  readonly url: () => string;
  readonly plugins: PluginCatalogue;
  /** Makes the worker, which tells the listener what becomes of what runs. */
  readonly worker: (listener: WorkerListener) => Promise<Worker> | Worker;
  /** What is asked of other workers goes through it. */
  readonly others: WorkerClient;
  /** Opened by the caller, closed here. */
  readonly configs: ConfigStore;
  /** Opened by the caller, closed here. */
  readonly statuses: StatusStore;
  readonly settings: DistributedSettings;
  readonly loggers: Loggers;
  readonly environment: Environment;
}

export class DistributedHerder implements Herder {
  readonly clusterId: string;
  readonly loggers: Loggers;
  readonly #options: DistributedHerderOptions;
  readonly #worker: Worker;
  readonly #told: ToldStatuses;
  readonly #local: LocalWork;
  readonly #loop: ClusterLoop;
  readonly #publishing: TaskPublishing;
  readonly #fencings: Fencings;
  #isReady = false;

  private constructor(options: DistributedHerderOptions, told: ToldStatuses, worker: Worker, hear: Hearing) {
    const { clusterId, loggers, configs } = options;
    const log = loggers.log('org.apache.kafka.connect.runtime.distributed.DistributedHerder');
    this.clusterId = clusterId;
    this.loggers = loggers;
    this.#options = options;
    this.#told = told;
    this.#worker = worker;
    this.#local = new LocalWork({
      worker,
      configs: () => this.#loop.now,
      onStarted: (connector) => this.#publishing.request(connector),
      onTaskFailed: (id, error) => told.task(id, 'FAILED', messageOf(error)),
      beforeTask: (id) => this.#beforeTask(id),
      log: (message) => log.error(message),
    });
    this.#loop = new ClusterLoop({
      ...options,
      told,
      local: this.#local,
      onTaskConfigs: (connector) => this.#fencings.onTaskConfigs(connector),
      onRestart: (request) => this.#restartHere(request),
      log,
    });
    this.#publishing = new TaskPublishing({
      ...options,
      loop: this.#loop,
      local: this.#local,
      worker,
      log,
      send: (url, connector, tasks) => this.#askLeader(url, 'POST', `/connectors/${pathPart(connector)}/tasks`, tasks),
    });
    this.#fencings = new Fencings({
      refreshed: () => this.#loop.refreshed(),
      fence: (connector, config, tasks) => worker.fenceZombies(connector, config, tasks),
      record: (connector, tasks) =>
        this.#loop.writeAsLeader(`a task count record for connector ${connector}`, () =>
          configs.putTaskCount(connector, tasks),
        ),
      inTurn: (work) => this.#loop.inTurn(work),
    });
    hear.onConnector = (name, state) => this.#local.told(name, state);
    hear.onTaskReconfiguration = (connector) => this.#publishing.request(connector);
  }

  /** Makes the worker. Nothing runs before `start`. */
  static async open(options: DistributedHerderOptions): Promise<DistributedHerder> {
    const { plugins, statuses, workerId, configs, settings, environment } = options;
    const hear: Hearing = { onConnector: () => {}, onTaskReconfiguration: () => {}, generation: () => -1 };
    const told = new ToldStatuses(statuses, plugins, {
      id: workerId,
      configOf: (connector) => configs.snapshot().connectorConfig(connector),
      generation: () => hear.generation(),
    });
    const worker = await options.worker({
      onConnector(name, state, trace) {
        hear.onConnector(name, state);
        told.connector(name, state, trace);
      },
      onTask: (id, state, trace) => told.task(id, state, trace),
      onTaskReconfiguration: (connector) => hear.onTaskReconfiguration(connector),
      onTopic({ connector, task }, topic) {
        const isKnown = statuses.topics(connector).some((use) => use.topic === topic);
        if (settings.tracksTopics && !isKnown)
          statuses.putTopic({ topic, connector, task, discoveredAt: environment.now() });
      },
    });
    const herder = new DistributedHerder(options, told, worker, hear);
    hear.generation = () => herder.#loop.group.generation;
    return herder;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get stage(): string {
    return this.#loop.stages.summary;
  }

  async start(): Promise<void> {
    await this.#loop.start();
    this.#isReady = true;
  }

  async close(): Promise<void> {
    const { configs, statuses, others } = this.#options;
    await this.#loop.close();
    await this.#worker.close();
    await Promise.all([configs.close(), statuses.close()]);
    others.close();
  }

  checkHealth(): Promise<void> {
    return this.#loop.inTurn(() => {});
  }

  // ── Looks ───────────────────────────────────────────────────────────────────────────────────────────────────────

  connectors(): readonly string[] {
    return this.#options.configs.snapshot().connectors;
  }

  infoNow(connector: string): ConnectorInfo | undefined {
    return facts.infoOf(this.#options.plugins, this.#options.configs.snapshot(), connector);
  }

  status(connector: string): ConnectorStatus {
    const { plugins, statuses } = this.#options;
    return facts.statusOf(plugins, statuses, connector, this.#loop.now.connectorConfig(connector));
  }

  taskStatus(id: TaskId): TaskStatus {
    const status = this.#options.statuses.task(id);
    if (status === undefined) throw notFound(`No status found for task ${taskName(id)}`);
    return facts.taskStatusOf(id.task, status);
  }

  topics(connector: string): readonly string[] {
    return this.#options.statuses.topics(connector).map(({ topic }) => topic);
  }

  resetTopics(connector: string): void {
    for (const topic of this.topics(connector)) this.#options.statuses.removeTopic(connector, topic);
  }

  plugins(): readonly PluginInfo[] {
    return this.#options.plugins.list();
  }

  async pluginConfig(name: string): Promise<readonly ConfigKeyInfo[]> {
    const found = await this.#options.plugins.configOf(name);
    if (found === undefined) throw notFound(`Unknown plugin ${name}.`);
    return found;
  }

  info(connector: string): Promise<ConnectorInfo> {
    return this.#loop.inTurn(() => {
      this.#checkUpToDate();
      const info = this.#loop.now.has(connector) ? this.infoNow(connector) : undefined;
      if (info === undefined) throw connectorNotFound(connector);
      return info;
    });
  }

  taskInfos(connector: string): Promise<readonly TaskInfo[]> {
    return this.#loop.inTurn(() => {
      this.#checkUpToDate();
      const { now } = this.#loop;
      if (!now.has(connector)) throw connectorNotFound(connector);
      return now.tasks(connector).map((id) => ({ id, config: now.taskConfig(id) ?? {} }));
    });
  }

  async validate(config: GivenConfig): Promise<ConfigInfos> {
    const { plugins, settings } = this.#options;
    const infos = await facts.validated(plugins, config);
    const given = facts.withoutNulls(config);
    return facts.kindOf(plugins, given) === 'sink' ? checkedSinkGroup(infos, given, settings.groupId) : infos;
  }

  // ── Changes ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async putConfig(connector: string, given: GivenConfig, { mayReplace, target }: PutOptions): Promise<Put> {
    const { plugins, configs } = this.#options;
    const infos = await this.validate(given);
    return this.#loop.inTurn(async () => {
      const refusal = facts.configRefusal(infos);
      if (refusal !== undefined) throw refusal;
      this.#checkLead('Only the leader can set connector configs.');
      const { now } = this.#loop;
      const isNew = !now.has(connector);
      if (!isNew && !mayReplace) throw connectorExists(connector);
      const config = facts.withoutNulls(given);
      await this.#loop.writeAsLeader(`a config for connector ${connector}`, () =>
        configs.putConnector(connector, config, target),
      );
      const info = { name: connector, config, tasks: now.tasks(connector), type: facts.kindOf(plugins, config) };
      return { isNew, info };
    });
  }

  async patchConfig(connector: string, patch: GivenConfig): Promise<Put> {
    const config = await this.#loop.inTurn(() => {
      this.#checkLead('Only the leader can set connector configs.');
      const found = this.#options.configs.snapshot().connectorConfig(connector);
      if (found === undefined) throw connectorNotFound(connector);
      return found;
    });
    return this.putConfig(connector, facts.patched(config, patch), { mayReplace: true });
  }

  remove(connector: string): Promise<void> {
    return this.#loop.inTurn(async () => {
      this.#checkLead('Only the leader can delete connector configs.');
      if (!this.#loop.now.has(connector)) throw connectorNotFound(connector);
      await this.#loop.writeAsLeader(`the end of connector ${connector}`, () =>
        this.#options.configs.removeConnector(connector),
      );
    });
  }

  pause(connector: string): Promise<void> {
    return this.#putTarget(connector, 'PAUSED');
  }

  resume(connector: string): Promise<void> {
    return this.#putTarget(connector, 'STARTED');
  }

  async #putTarget(connector: string, target: 'PAUSED' | 'STARTED'): Promise<void> {
    const { configs } = this.#options;
    if (!configs.snapshot().has(connector)) throw notFound(`Unknown connector ${connector}`);
    await configs.putTargetState(connector, target);
  }

  stop(connector: string): Promise<void> {
    return this.#loop.inTurn(async () => {
      if (!this.#loop.now.has(connector)) throw notFound(`Unknown connector ${connector}`);
      this.#checkLead('Only the leader can transition connectors to the STOPPED state.');
      // Workers that do not know STOPPED have no tasks to run.
      await this.#publishing.write(connector, []);
      await this.#options.configs.putTargetState(connector, 'STOPPED');
      await this.#loop.refreshed();
    });
  }

  async restartConnector(connector: string): Promise<void> {
    await this.#loop.inTurn(() => {
      this.#checkUpToDate();
      if (!this.#loop.now.has(connector)) throw notFound(`Unknown connector: ${connector}`);
      this.#checkHeld('connectors', connector, 'connector', 'Only the leader can process restart requests.');
    });
    await this.#local.stopConnector(connector);
    try {
      await this.#local.startConnector(connector);
    } catch (error) {
      throw new HerderRefusal('internal', messageOf(error), { cause: error });
    }
  }

  async restartTask(id: TaskId): Promise<void> {
    await this.#loop.inTurn(() => {
      this.#checkUpToDate();
      const { now } = this.#loop;
      if (!now.has(id.connector)) throw notFound(`Unknown connector: ${id.connector}`);
      if (now.taskConfig(id) === undefined) throw notFound(`Unknown task: ${taskName(id)}`);
      const asked = 'Cannot restart task since it is not assigned to this member';
      this.#checkHeld('tasks', taskName(id), 'task', asked);
    });
    await this.#local.stopTasks([id]);
    await this.#local.startTask(id);
  }

  restart(request: RestartRequest): Promise<ConnectorStatus> {
    const { connector } = request;
    const { configs, plugins, statuses } = this.#options;
    return this.#loop.inTurn(async () => {
      this.#checkUpToDate();
      if (!this.#loop.now.has(connector)) throw notFound(`Unknown connector: ${connector}`);
      this.#checkLead('Only the leader can process restart requests.');
      await this.#loop.writeAsLeader(`restart request for connector ${connector}`, () => configs.putRestart(request));
      const plan = facts.restartPlan(plugins, statuses, request, this.#loop.now.connectorConfig(connector));
      if (plan === undefined) throw notFound(`Status for connector ${connector} not found`);
      return plan.status;
    });
  }

  /** What of a restart request is here. */
  #restartHere(request: RestartRequest): void {
    const { connector } = request;
    const { plugins, statuses } = this.#options;
    const plan = facts.restartPlan(plugins, statuses, request, this.#loop.now.connectorConfig(connector));
    if (plan === undefined) return;
    if (plan.restartsConnector && this.#loop.holds('connectors', connector)) {
      void this.#local.stopConnector(connector);
      void this.#local.inOrder(connector, async () => this.#told.connector(connector, 'RESTARTING'));
      this.#local.startConnector(connector).catch(() => {});
    }
    const tasks = plan.tasks.filter((id) => this.#loop.holds('tasks', taskName(id)));
    if (tasks.length === 0) return;
    void this.#local.stopTasks(tasks);
    void this.#local.inOrder(connector, async () => tasks.forEach((id) => this.#told.task(id, 'RESTARTING')));
    for (const id of tasks) this.#local.startTask(id).catch(() => {});
  }

  async offsets(connector: string): Promise<readonly StoredOffset[]> {
    const config = await this.#loop.inTurn(() => this.#options.configs.snapshot().connectorConfig(connector));
    if (config === undefined) throw connectorNotFound(connector);
    return this.#worker.offsets(connector, config);
  }

  async alterOffsets(connector: string, offsets: readonly StoredOffset[] | null): Promise<string> {
    const { plugins, settings } = this.#options;
    const config = await this.#loop.inTurn(() => this.#checkOffsetsMayChange(connector));
    if (settings.exactlyOnceSources && facts.kindOf(plugins, config) === 'source') {
      await this.#fence(connector);
      await this.#loop.inTurn(() => this.#checkOffsetsMayChange(connector));
    }
    return this.#local.inOrder(connector, () => this.#worker.alterOffsets(connector, config, offsets));
  }

  async setClusterLoggerLevel(logger: string, level: string): Promise<void> {
    await this.#options.configs.putLoggerLevel(logger, level);
  }

  // ── Between workers ─────────────────────────────────────────────────────────────────────────────────────────────

  async putTaskConfigs(connector: string, tasks: readonly RawConfig[], request: SignedRequest): Promise<void> {
    this.#checkSignature(request);
    await this.#loop.inTurn(async () => {
      this.#checkLead('Only the leader may write task configurations.');
      if (!this.#loop.now.has(connector)) throw connectorNotFound(connector);
      await this.#publishing.write(connector, tasks);
    });
  }

  async fenceZombies(connector: string, request: SignedRequest): Promise<void> {
    this.#checkSignature(request);
    await this.#fence(connector);
  }

  async #fence(connector: string): Promise<void> {
    const { plugins } = this.#options;
    const { done } = await this.#loop.inTurn(() => {
      this.#checkLead('Only the leader may perform zombie fencing.');
      const config = this.#loop.now.connectorConfig(connector);
      if (config === undefined) throw connectorNotFound(connector);
      if (facts.kindOf(plugins, config) !== 'source') throw invalid(`Connector ${connector} is not a source connector`);
      return this.#fencings.begin(connector);
    });
    await done;
  }

  /** Under exactly-once, tasks of before must not be able to write when a source's task begins. */
  async #beforeTask(id: TaskId): Promise<(() => Promise<void>) | undefined> {
    const { plugins, settings, configs } = this.#options;
    const { connector } = id;
    const config = this.#loop.now.connectorConfig(connector);
    if (!settings.exactlyOnceSources || facts.kindOf(plugins, config) !== 'source') return undefined;
    const generation = this.#loop.now.taskGeneration(connector);
    try {
      await this.#fence(connector);
    } catch (error) {
      if (!(error instanceof HerderRefusal) || error.kind !== 'elsewhere') throw error;
      await this.#askLeader(error.url, 'PUT', `/connectors/${pathPart(connector)}/fence`);
    }
    return async () => {
      await configs.refresh(settings.rebalanceTimeoutMs);
      const name = taskName(id);
      if (configs.snapshot().taskGeneration(connector) !== generation) {
        throw new ConnectError(
          `Cannot start source task ${name} with exactly-once support as the connector has already generated a new set of task configs`,
        );
      }
      if (!this.#loop.holds('tasks', name)) {
        throw new ConnectError(`Cannot start source task ${name} as it has already been revoked from this worker`);
      }
    };
  }

  async #askLeader(url: string | null, method: string, path: string, body?: unknown): Promise<void> {
    const { others, settings } = this.#options;
    if (url === null || url === '') throw new ConnectError('nobody knows who leads the workers');
    const { status, text } = await others.ask(url.replace(/\/+$/, ''), {
      method,
      path,
      body: body === undefined ? undefined : JSON.stringify(body),
      key: this.#loop.isSigned ? this.#loop.sessionKey : undefined,
      algorithm: settings.signatureAlgorithm,
    });
    if (status >= 400) throw new ConnectError(`the leader at ${url} refuses ${method} ${path} (${status}): ${text}`);
  }

  // ── Checks ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkSignature(request: SignedRequest): void {
    if (!this.#loop.isSigned) return;
    checkSignature(request, this.#loop.sessionKey, this.#options.settings.verificationAlgorithms);
  }

  #checkLead(otherwise: string): void {
    const { group } = this.#loop;
    if (!group.isLeader) throw elsewhere(otherwise, group.leaderUrl);
  }

  #checkUpToDate(): void {
    if (this.#loop.expectsRebalance) throw rebalanceExpected();
  }

  #checkHeld(kind: 'connectors' | 'tasks', name: string, what: string, otherwise: string): void {
    if (this.#loop.holds(kind, name)) return;
    this.#checkLead(otherwise);
    const url = this.#loop.group.ownerUrl(kind, name);
    throw elsewhere(`Cannot restart ${what} since it is not assigned to this member`, url);
  }

  async #checkOffsetsMayChange(connector: string): Promise<RawConfig> {
    this.#checkUpToDate();
    this.#checkLead('Only the leader can process external offsets modification requests');
    const configs = await this.#loop.refreshed();
    const config = configs.connectorConfig(connector);
    if (config === undefined) throw connectorNotFound(connector);
    if (configs.target(connector) !== 'STOPPED' || configs.taskCount(connector) > 0)
      throw facts.offsetsNeedStopped(connector);
    return config;
  }
}

/** What the worker's listener, which is there before the herder is, tells it. */
interface Hearing {
  onConnector: (name: string, state: RunState) => void;
  onTaskReconfiguration: (connector: string) => void;
  generation: () => number;
}

function pathPart(connector: string): string {
  return encodeURIComponent(connector);
}
