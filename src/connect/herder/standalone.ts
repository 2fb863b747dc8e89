/**
 * The herder of a worker that is alone (`connect-standalone`): everything runs here, and what users want is known while the process
 * lives. The life of a connector: its config is checked → stored → the worker starts it → it says what its tasks are → those are
 * stored and started. Requests that change something are carried out one after the other.
 */
import { type Environment, messageOf } from '../../util/index.ts';
import type { RunState, TaskId } from '../data/states.ts';
import type { Loggers } from '../runtime/loggers.ts';
import type { StoredOffset, Worker, WorkerListener } from '../runtime/worker-port.ts';
import type { ConfigSnapshot, RestartRequest } from '../storage/config-state.ts';
import { type ConfigStore, MemoryConfigStore } from '../storage/config-store.ts';
import { MemoryStatusStore, type StatusStore } from '../storage/status-store.ts';
import * as facts from './connector-facts.ts';
import type {
  ConnectorInfo,
  ConnectorStatus,
  GivenConfig,
  Herder,
  Put,
  PutOptions,
  TaskInfo,
  TaskStatus,
} from './herder.ts';
import { InOrder } from './in-order.ts';
import type { ConfigInfos, ConfigKeyInfo, PluginCatalogue, PluginInfo } from './plugin-catalogue.ts';
import { connectorExists, connectorNotFound, HerderRefusal, notFound } from './refusals.ts';
import { ToldStatuses } from './told-statuses.ts';

export interface StandaloneHerderOptions {
  readonly clusterId: string;
  /** What it is called in states: `host:port` of its REST. Asked for from the first connector on. */
  readonly workerId: () => string;
  readonly plugins: PluginCatalogue;
  /** Makes the worker, which tells the listener what becomes of what runs. */
  readonly worker: (listener: WorkerListener) => Promise<Worker> | Worker;
  readonly loggers: Loggers;
  /** Whether it is remembered which topics a connector uses. Default true. */
  readonly tracksTopics?: boolean;
  readonly environment: Environment;
}

export class StandaloneHerder implements Herder {
  readonly clusterId: string;
  readonly loggers: Loggers;
  readonly #options: StandaloneHerderOptions;
  /** There from `open` on: it tells the herder what becomes of what runs. */
  #worker!: Worker;
  readonly #configs: ConfigStore = new MemoryConfigStore();
  readonly #statuses: StatusStore = new MemoryStatusStore();
  readonly #told: ToldStatuses;
  readonly #order = new InOrder();
  /** Connectors that could not be started, or ended by themselves. */
  readonly #failed = new Set<string>();
  #isReady = false;

  private constructor(options: StandaloneHerderOptions) {
    const { clusterId, loggers, plugins, workerId } = options;
    this.clusterId = clusterId;
    this.loggers = loggers;
    this.#options = options;
    this.#told = new ToldStatuses(this.#statuses, plugins, {
      id: workerId,
      configOf: (connector) => this.#now.connectorConfig(connector),
      generation: () => 0,
    });
  }

  /** Makes the worker. */
  static async open(options: StandaloneHerderOptions): Promise<StandaloneHerder> {
    const herder = new StandaloneHerder(options);
    herder.#worker = await options.worker({
      onConnector: (name, state, trace) => herder.#onConnector(name, state, trace),
      onTask: (id, state, trace) => herder.#told.task(id, state, trace),
      onTaskReconfiguration: (connector) =>
        herder.#later(`tasks of ${connector}`, () => herder.#updateTasks(connector)),
      onTopic: (id, topic) => herder.#onTopic(id, topic),
    });
    return herder;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get stage(): string {
    return 'The worker is currently carrying out another request.';
  }

  checkHealth(): Promise<void> {
    return this.#order.run(() => {});
  }

  async start(): Promise<void> {
    this.#isReady = true;
  }

  async close(): Promise<void> {
    await this.#order.run(async () => {
      for (const connector of this.#now.connectors) {
        await this.#stopTasks(connector);
        await this.#worker.stopConnector(connector);
      }
      await this.#worker.close();
    });
  }

  connectors(): readonly string[] {
    return this.#now.connectors;
  }

  infoNow(connector: string): ConnectorInfo | undefined {
    return facts.infoOf(this.#options.plugins, this.#now, connector);
  }

  async info(connector: string): Promise<ConnectorInfo> {
    const info = this.infoNow(connector);
    if (info === undefined) throw connectorNotFound(connector);
    return info;
  }

  status(connector: string): ConnectorStatus {
    const config = this.#now.connectorConfig(connector);
    return facts.statusOf(this.#options.plugins, this.#statuses, connector, config);
  }

  taskStatus(id: TaskId): TaskStatus {
    const status = this.#statuses.task(id);
    if (status === undefined) throw notFound(`No status found for task ${id.connector}-${id.task}`);
    return facts.taskStatusOf(id.task, status);
  }

  async taskInfos(connector: string): Promise<readonly TaskInfo[]> {
    const configs = this.#knowing(connector);
    return configs.tasks(connector).map((id) => ({ id, config: configs.taskConfig(id)! }));
  }

  topics(connector: string): readonly string[] {
    return this.#statuses.topics(connector).map(({ topic }) => topic);
  }

  resetTopics(connector: string): void {
    for (const topic of this.topics(connector)) this.#statuses.removeTopic(connector, topic);
  }

  plugins(): readonly PluginInfo[] {
    return this.#options.plugins.list();
  }

  async pluginConfig(name: string): Promise<readonly ConfigKeyInfo[]> {
    const found = await this.#options.plugins.configOf(name);
    if (found === undefined) throw notFound(`Unknown plugin ${name}.`);
    return found;
  }

  validate(config: GivenConfig): Promise<ConfigInfos> {
    return facts.validated(this.#options.plugins, config);
  }

  async putConfig(connector: string, given: GivenConfig, { mayReplace, target }: PutOptions): Promise<Put> {
    const infos = await this.validate(given);
    return this.#order.run(async () => {
      const refusal = facts.configRefusal(infos);
      if (refusal !== undefined) throw refusal;
      const isNew = !this.#now.has(connector);
      if (!isNew && !mayReplace) throw connectorExists(connector);
      if (!isNew) await this.#worker.stopConnector(connector);
      await this.#configs.putConnector(connector, facts.withoutNulls(given), target);
      await this.#startConnector(connector);
      await this.#updateTasks(connector);
      return { isNew, info: this.infoNow(connector)! };
    });
  }

  async patchConfig(connector: string, patch: GivenConfig): Promise<Put> {
    const { config } = await this.info(connector);
    return this.putConfig(connector, facts.patched(config, patch), { mayReplace: true });
  }

  remove(connector: string): Promise<void> {
    return this.#order.run(async () => {
      this.#knowing(connector);
      await this.#stopTasks(connector);
      await this.#worker.stopConnector(connector);
      await this.#configs.removeConnector(connector);
      this.#told.forget(connector);
      this.resetTopics(connector);
      this.#failed.delete(connector);
    });
  }

  async pause(connector: string): Promise<void> {
    this.#existing(connector);
    await this.#configs.putTargetState(connector, 'PAUSED');
    this.#later(`pausing ${connector}`, () => this.#followTarget(connector));
  }

  async resume(connector: string): Promise<void> {
    this.#existing(connector);
    await this.#configs.putTargetState(connector, 'STARTED');
    this.#later(`resuming ${connector}`, async () => {
      await this.#followTarget(connector);
      await this.#updateTasks(connector);
    });
  }

  stop(connector: string): Promise<void> {
    return this.#order.run(async () => {
      this.#existing(connector);
      await this.#stopTasks(connector);
      await this.#configs.putTaskConfigs(connector, []);
      await this.#configs.putTargetState(connector, 'STOPPED');
      await this.#followTarget(connector);
    });
  }

  restartConnector(connector: string): Promise<void> {
    return this.#order.run(async () => {
      this.#knowing(connector);
      await this.#worker.stopConnector(connector);
      await this.#startConnector(connector);
      await this.#updateTasks(connector);
    });
  }

  restart(request: RestartRequest): Promise<ConnectorStatus> {
    const { connector } = request;
    return this.#order.run(async () => {
      const config = this.#now.connectorConfig(connector);
      if (config === undefined) throw notFound(`Unknown connector: ${connector}`);
      const plan = facts.restartPlan(this.#options.plugins, this.#statuses, request, config);
      if (plan === undefined) throw notFound(`Status for connector ${connector} not found`);
      if (plan.restartsConnector) {
        await this.#worker.stopConnector(connector);
        this.#told.connector(connector, 'RESTARTING');
      }
      await this.#worker.stopTasks(plan.tasks);
      for (const id of plan.tasks) this.#told.task(id, 'RESTARTING');
      if (plan.restartsConnector) await this.#worker.startConnector(connector, config, this.#now.target(connector));
      for (const id of plan.tasks) await this.#startTask(id);
      return plan.status;
    });
  }

  restartTask(id: TaskId): Promise<void> {
    return this.#order.run(async () => {
      if (this.#knowing(id.connector).taskConfig(id) === undefined)
        throw notFound(`Task ${id.connector}-${id.task} not found`);
      await this.#worker.stopTasks([id]);
      await this.#startTask(id);
    });
  }

  async offsets(connector: string): Promise<readonly StoredOffset[]> {
    return this.#worker.offsets(connector, this.#knowing(connector).connectorConfig(connector)!);
  }

  alterOffsets(connector: string, offsets: readonly StoredOffset[] | null): Promise<string> {
    return this.#order.run(() => {
      const configs = this.#knowing(connector);
      if (configs.target(connector) !== 'STOPPED' || configs.taskCount(connector) > 0)
        throw facts.offsetsNeedStopped(connector);
      return this.#worker.alterOffsets(connector, configs.connectorConfig(connector)!, offsets);
    });
  }

  /** The worker is the cluster. */
  async setClusterLoggerLevel(logger: string, level: string): Promise<void> {
    this.loggers.setLevelNamed(logger, level);
  }

  async putTaskConfigs(): Promise<never> {
    throw new HerderRefusal(
      'internal',
      'Kafka Connect in standalone mode does not support externally setting task configurations.',
    );
  }

  async fenceZombies(): Promise<never> {
    throw new HerderRefusal(
      'internal',
      'Kafka Connect in standalone mode does not support exactly-once source connectors.',
    );
  }

  get #now(): ConfigSnapshot {
    return this.#configs.snapshot();
  }

  #knowing(connector: string): ConfigSnapshot {
    const now = this.#now;
    if (!now.has(connector)) throw connectorNotFound(connector);
    return now;
  }

  /** As the original words it where a state is wanted. */
  #existing(connector: string): void {
    if (!this.#now.has(connector)) throw notFound(`Unknown connector ${connector}`);
  }

  #later(what: string, work: () => Promise<void>): void {
    this.#order.run(work).catch((error) => this.#log.error(`${what}: ${messageOf(error)}`));
  }

  get #log() {
    return this.loggers.log('org.apache.kafka.connect.runtime.standalone.StandaloneHerder');
  }

  #onConnector(name: string, state: RunState, trace: string | undefined): void {
    if (state === 'FAILED') this.#failed.add(name);
    else this.#failed.delete(name);
    this.#told.connector(name, state, trace);
  }

  #onTopic({ connector, task }: TaskId, topic: string): void {
    if (this.#options.tracksTopics === false || this.topics(connector).includes(topic)) return;
    this.#statuses.putTopic({ topic, connector, task, discoveredAt: this.#options.environment.now() });
  }

  async #startConnector(connector: string): Promise<void> {
    const now = this.#now;
    const target = now.target(connector);
    this.#failed.delete(connector);
    await this.#worker.startConnector(connector, now.connectorConfig(connector)!, target);
    if (this.#failed.has(connector))
      throw new HerderRefusal('internal', `Failed to transition connector ${connector} to state ${target}`);
  }

  async #startTask(id: TaskId): Promise<void> {
    const now = this.#now;
    const [connector, task] = [now.connectorConfig(id.connector)!, now.taskConfig(id)!];
    await this.#worker.startTask(id, connector, task, now.target(id.connector));
  }

  #followTarget(connector: string): Promise<void> {
    return this.#worker.setTarget(connector, this.#now.target(connector));
  }

  async #stopTasks(connector: string): Promise<void> {
    const tasks = this.#now.tasks(connector);
    await this.#worker.stopTasks(tasks);
    for (const id of tasks) this.#told.task(id, 'DESTROYED');
  }

  /** Asks a connector for its tasks, and has them run as it says. */
  async #updateTasks(connector: string): Promise<void> {
    const now = this.#now;
    const config = now.connectorConfig(connector);
    if (config === undefined || this.#failed.has(connector) || now.target(connector) !== 'STARTED') return;
    const tasks = facts.storedTasks(this.#options.plugins, config, await this.#worker.taskConfigs(connector));
    if (!facts.tasksHaveChanged(now, connector, tasks)) return;
    await this.#stopTasks(connector);
    await this.#configs.putTaskConfigs(connector, tasks);
    for (const id of this.#now.tasks(connector)) await this.#startTask(id);
  }
}
