/**
 * What a worker of a cluster does by itself: one loop, one thing after the other (`#tick`). Be in the group, and start what it gave →
 * carry out the requests that have come (distributed.ts) → follow what was read from the config topic → wait until something
 * happens.
 *
 * The life of a connector: its config is written by the leader → read by all, which has the group formed anew → started where the
 * leader put it → asked for its tasks, whose configs the leader writes → read by all, who stop the tasks that these replace →
 * formed anew → started where they were put. Nothing is given to another worker before who had it has stopped it.
 */
import type { Client } from '../../client/index.ts';
import { type Deferred, deferred, type Environment, messageOf, MillraceError } from '../../util/index.ts';
import { ConnectError } from '../data/errors.ts';
import type { Log } from '../api/plugins.ts';
import { type TaskId, taskName } from '../data/states.ts';
import type { Loggers } from '../runtime/loggers.ts';
import { ConfigSnapshot, type RestartRequest, type SessionKey } from '../storage/config-state.ts';
import type { ConfigStore } from '../storage/config-store.ts';
import type { StatusStore } from '../storage/status-store.ts';
import { FencedWriteError } from '../storage/topic-config-store.ts';
import { type Allotment, allotment, copyOf, difference, remove } from './allotment.ts';
import type { ProtocolMode } from './connect-protocol.ts';
import { heavierRestart } from './connector-facts.ts';
import type { LocalWork } from './local-work.ts';
import { HerderRefusal } from './refusals.ts';
import { Requests } from './requests.ts';
import { newSessionKey } from './signatures.ts';
import { Stages } from './stages.ts';
import type { ToldStatuses } from './told-statuses.ts';
import { type Place, WorkerGroup } from './worker-group.ts';

/** What a worker of a cluster is told, under Kafka's names. */
export interface ClusterSettings {
  readonly groupId: string;
  /** `connect.protocol` */
  readonly protocol: ProtocolMode;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  /** `scheduled.rebalance.max.delay.ms` */
  readonly maxDelayMs: number;
  /** `worker.sync.timeout.ms`: how long reading the config topic to its end may take. */
  readonly syncTimeoutMs: number;
  /** `worker.unsync.backoff.ms`: how long a worker stays away that could not read it. */
  readonly unsyncBackoffMs: number;
  /** `task.shutdown.graceful.timeout.ms` */
  readonly shutdownTimeoutMs: number;
  /** `inter.worker.key.generation.algorithm` */
  readonly keyAlgorithm: string;
  /** In bytes. */
  readonly keyLength: number;
  /** `inter.worker.key.ttl.ms`; 0: keys are not changed. */
  readonly keyTtlMs: number;
}

export interface ClusterLoopOptions {
  readonly client: Client;
  /** Where other workers reach this one's REST; asked for when it joins. */
  readonly url: () => string;
  readonly settings: ClusterSettings;
  readonly configs: ConfigStore;
  readonly statuses: StatusStore;
  readonly told: ToldStatuses;
  readonly local: LocalWork;
  readonly loggers: Loggers;
  /** A connector's tasks have got configs. */
  readonly onTaskConfigs: (connector: string) => void;
  /** Somebody wants a connector to be started anew. */
  readonly onRestart: (request: RestartRequest) => void;
  readonly environment: Environment;
  readonly log: Log;
}

const RETRY_MS = 1000;
/** So often the config topic is tried to be read before the worker leaves the group. */
const READ_ATTEMPTS = 5;

export class ClusterLoop {
  readonly stages: Stages;
  readonly group: WorkerGroup;
  readonly #options: ClusterLoopOptions;
  readonly #requests: Requests;
  /** The configs that are acted upon; read further by the steps of the loop only. */
  #now: ConfigSnapshot = ConfigSnapshot.EMPTY;
  /** What was started. */
  #running: Allotment = allotment();
  #tasksToRestart = new Set<string>();
  /** Whether what the group gave last has been started. */
  #isSettled = true;
  #handledPlace: Place | undefined;
  /** When the group is to be formed anew by itself. */
  #rebalanceAt = Number.POSITIVE_INFINITY;
  #mustReadConfigs = false;
  #failedReads = 0;
  /** Another worker has written as the leader. */
  #isFenced = false;
  #keyExpiresAt = Number.POSITIVE_INFINITY;
  #sessionKey: SessionKey | undefined;
  // What was read from the config topic and is to be followed.
  #needsRebalance = false;
  readonly #connectorUpdates = new Set<string>();
  readonly #targetUpdates = new Set<string>();
  /** Connectors whose tasks have other configs. */
  readonly #taskUpdates = new Set<string>();
  readonly #restarts = new Map<string, RestartRequest>();
  #isAwake = false;
  #wakeUp: () => void = () => {};
  #isClosed = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ClusterLoopOptions) {
    const { client, url, settings, configs, environment } = options;
    this.#options = options;
    this.stages = new Stages(environment);
    this.#requests = new Requests(environment, () => this.wake());
    this.group = new WorkerGroup(
      {
        ...settings,
        client,
        url,
        // What runs here has to have stopped when the broker takes the session for ended.
        silenceMs: Math.max(settings.sessionTimeoutMs / 2, settings.sessionTimeoutMs - settings.shutdownTimeoutMs),
        environment,
      },
      {
        configs: () => configs.snapshot(),
        onRevoked: (what, isLost) => this.#onRevoked(what, isLost),
        onAssigned: (place) => this.#onAssigned(place),
        onDue: () => this.wake(),
      },
    );
    this.#listen();
  }

  /** The configs that are acted upon. */
  get now(): ConfigSnapshot {
    return this.#now;
  }

  /** Whether something was read that has the group formed anew: what is asked for now would be answered from what is old. */
  get expectsRebalance(): boolean {
    return this.#needsRebalance;
  }

  /** Undefined while none has been read. */
  get sessionKey(): SessionKey | undefined {
    return this.#sessionKey;
  }

  /** Whether requests between workers have to be signed. */
  get isSigned(): boolean {
    return this.group.mode === 'sessioned';
  }

  holds(kind: keyof Allotment, name: string): boolean {
    return this.group.place?.has[kind].has(name) === true;
  }

  /** Does something when the loop comes to it. Rejects where the worker is closed before. */
  inTurn<T>(work: () => Promise<T> | T, delayMs = 0): Promise<T> {
    if (this.#isClosed) return Promise.reject(shuttingDown());
    return this.#requests.add(work, delayMs);
  }

  /** The configs as they are in the topic now; to be called in turn. */
  async refreshed(): Promise<ConfigSnapshot> {
    const { configs, settings } = this.#options;
    try {
      await this.stages.during('reading to the end of the config topic', () => configs.refresh(settings.syncTimeoutMs));
    } catch (error) {
      this.#mustReadConfigs = true;
      throw error;
    }
    this.#now = configs.snapshot();
    return this.#now;
  }

  /** Writes to the config topic; to be called in turn, and by the leader only. */
  async writeAsLeader(what: string, write: () => Promise<void>): Promise<void> {
    try {
      await this.stages.during(`writing ${what} to the config topic`, write);
    } catch (error) {
      if (!(error instanceof FencedWriteError)) throw error;
      this.#isFenced = true;
      throw new HerderRefusal('internal', error.message, { cause: error });
    }
  }

  /** Resolves when the worker has a place in its group. Rejects with what the group refuses it for, and where it is closed before. */
  start(): Promise<void> {
    const ready = deferred();
    this.#loop = this.#run(ready).then(() => ready.reject(shuttingDown()));
    return ready.promise;
  }

  /** Resolves when everything has stopped, and the group knows that this worker is gone. */
  async close(): Promise<void> {
    const { local, statuses } = this.#options;
    this.#isClosed = true;
    this.#requests.refuseAll(shuttingDown());
    this.wake();
    // Nobody else may start it before.
    await local.close();
    await this.#within(statuses.flush());
    await this.group.close();
    await this.#loop;
  }

  wake(): void {
    this.#isAwake = true;
    this.#wakeUp();
  }

  async #run(ready: Deferred): Promise<void> {
    let wasReady = false;
    while (!this.#isClosed) {
      this.#isAwake = false;
      try {
        await this.#tick(() => {
          wasReady = true;
          ready.resolve();
        });
      } catch (error) {
        if (this.#isClosed) return;
        if (!wasReady && error instanceof MillraceError && !error.retriable) {
          ready.reject(error);
          return;
        }
        this.#options.log.error(`the worker will try again: ${messageOf(error)}`);
        await this.#sleep(RETRY_MS);
      }
    }
  }

  async #tick(onReady: () => void): Promise<void> {
    if (this.#mustReadConfigs && !(await this.#readConfigs())) return;
    await this.stages.during('ensuring membership in the cluster', () => this.group.join());
    if (this.#isClosed || !(await this.#settle())) return;
    onReady();
    if (!(await this.#reclaimWriting()) || !(await this.#rotateKey())) return;
    await this.#requests.runDue();
    this.#beginRestarts();
    if (this.#rebalanceAt < Number.POSITIVE_INFINITY) this.#isSettled = false;
    if (await this.#followConfigs()) return;
    await this.stages.during('polling the group coordinator until interrupted', () => this.#idle());
  }

  // ── The group ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts what the group gave. False where the group is to be formed anew before. */
  async #settle(): Promise<boolean> {
    const { place } = this.group;
    if (place === undefined) return false;
    if (this.#isSettled) return true;
    const isBehind = (place.hasFailed && this.group.isLeader) || this.#now.offset < place.offset;
    let mustRejoin = place.hasFailed;
    if (this.#rebalanceAt <= this.#options.environment.now()) {
      mustRejoin = true;
      this.#rebalanceAt = Number.POSITIVE_INFINITY;
    }
    if (isBehind && !(await this.#readConfigs())) mustRejoin = true;
    // Somebody has read further than what was shared out.
    if (mustRejoin || this.#now.offset !== place.offset) {
      this.group.requestRejoin();
      return false;
    }
    this.#startWork(place);
    this.#isSettled = true;
    if (!place.hasGivenUp || this.#handledPlace === place) return true;
    this.#handledPlace = place;
    this.group.requestRejoin();
    return false;
  }

  #startWork({ has }: Place): void {
    for (const name of this.#tasksToRestart) this.#running.tasks.delete(name);
    this.#tasksToRestart.clear();
    this.#options.local.start(difference(has, this.#running));
    this.#running = this.group.mode === 'eager' ? allotment() : copyOf(has);
  }

  async #onAssigned(place: Place): Promise<void> {
    const { environment, configs, log } = this.#options;
    this.#rebalanceAt = place.delayMs > 0 ? environment.now() + place.delayMs : Number.POSITIVE_INFINITY;
    this.#isSettled = false;
    log.info(
      `generation ${place.generation}: ${[...place.has.connectors, ...place.has.tasks].join(', ') || 'nothing'} here, ${
        this.group.isLeader ? 'and the lead' : `led by ${place.leaderUrl}`
      }${place.delayMs > 0 ? `, formed anew in ${place.delayMs} ms` : ''}`,
    );
    if (!this.group.isLeader) return;
    this.#forgetStatuses(configs.snapshot());
    try {
      await configs.claimWriting();
    } catch (error) {
      log.error(`the config topic cannot be written to as the leader: ${messageOf(error)}`);
      this.#isFenced = true;
    }
  }

  async #onRevoked(what: Allotment, isLost: boolean): Promise<void> {
    const { local, statuses, told } = this.#options;
    // Under the eager protocol what was given in the last round may not have been started.
    if (!this.#isSettled && this.group.mode === 'eager') return;
    const count = `${what.connectors.size} connectors and ${what.tasks.size} tasks`;
    const stop = () => local.stop(what);
    await this.stages.during(`stopping ${count}`, isLost ? () => told.unheard(stop) : stop);
    remove(this.#running, what);
    if (isLost) return;
    this.#forgetTopics(what);
    await this.stages.during('flushing updates to the status topic', () => this.#within(statuses.flush()));
  }

  /** States of what is not there any more. */
  #forgetStatuses(configs: ConfigSnapshot): void {
    const { statuses, told } = this.#options;
    for (const connector of statuses.connectors()) {
      if (!configs.has(connector)) {
        told.forget(connector);
        continue;
      }
      const remaining = configs.tasks(connector).length;
      for (const task of statuses.tasks(connector).keys())
        if (task >= remaining) told.task({ connector, task }, 'DESTROYED');
    }
  }

  #forgetTopics({ connectors, tasks }: Allotment): void {
    const { statuses } = this.#options;
    const all = new Set([...connectors, ...[...tasks].map((name) => name.slice(0, name.lastIndexOf('-')))]);
    for (const connector of all) {
      if (this.#now.has(connector)) continue;
      for (const { topic } of statuses.topics(connector)) statuses.removeTopic(connector, topic);
    }
  }

  // ── The config topic ────────────────────────────────────────────────────────────────────────────────────────────

  #listen(): void {
    const { configs, loggers, onTaskConfigs, settings } = this.#options;
    const noted = (note: () => void): void => {
      note();
      this.wake();
    };
    configs.listen({
      onConnectorRemoved: (connector) =>
        noted(() => {
          if (this.#now.has(connector)) this.#needsRebalance = true;
          else this.#connectorUpdates.add(connector);
        }),
      onConnectorConfig: (connector) =>
        noted(() => {
          if (this.#now.has(connector)) this.#connectorUpdates.add(connector);
          else this.#needsRebalance = true;
        }),
      onTaskConfigs: (connector, tasks) =>
        noted(() => {
          this.#needsRebalance = true;
          if (tasks.length > 0) this.#taskUpdates.add(connector);
          onTaskConfigs(connector);
        }),
      onTargetState: (connector) => noted(() => this.#targetUpdates.add(connector)),
      onSessionKey: (key) =>
        noted(() => {
          this.#sessionKey = key;
          this.#keyExpiresAt = settings.keyTtlMs > 0 ? key.createdAt + settings.keyTtlMs : Number.POSITIVE_INFINITY;
        }),
      onRestart: (request) =>
        noted(() => {
          const waiting = this.#restarts.get(request.connector);
          this.#restarts.set(request.connector, waiting === undefined ? request : heavierRestart(waiting, request));
        }),
      onLoggerLevel: (logger, level) => void loggers.setLevelNamed(logger, level),
    });
  }

  #beginRestarts(): void {
    for (const request of this.#restarts.values()) this.#options.onRestart(request);
    this.#restarts.clear();
  }

  /** Follows what was read. True where the group is to be formed anew. */
  async #followConfigs(): Promise<boolean> {
    const updates = [this.#connectorUpdates, this.#targetUpdates, this.#taskUpdates];
    if (!this.#needsRebalance && updates.every(({ size }) => size === 0)) return false;
    this.#now = this.#options.configs.snapshot();
    const mustRejoin = this.#needsRebalance;
    this.#needsRebalance = false;
    const [connectors, targets, tasks] = updates.map((set) => {
      const all = [...set];
      set.clear();
      return all;
    }) as [string[], string[], string[]];
    // Under the eager protocol everything is stopped before, and started anew with what is known then.
    if (!mustRejoin || this.group.mode !== 'eager') {
      this.#restartConnectors(connectors);
      for (const connector of targets) if (this.#now.has(connector)) this.#followTarget(connector);
      if (this.group.mode !== 'eager') await this.#stopReconfigured(tasks);
    }
    if (mustRejoin) this.group.requestRejoin();
    return mustRejoin;
  }

  #restartConnectors(connectors: readonly string[]): void {
    const { local, log } = this.#options;
    for (const connector of connectors) {
      if (!this.holds('connectors', connector)) continue;
      void local.stopConnector(connector);
      if (!this.#now.has(connector)) continue;
      local.startConnector(connector).catch((error) => log.error(messageOf(error)));
    }
  }

  #followTarget(connector: string): void {
    const { local, log } = this.#options;
    local
      .followTarget(connector)
      .catch((error) => log.error(`connector ${connector} does not follow its state: ${messageOf(error)}`));
  }

  /** Tasks that have other configs start again when all workers have stopped theirs. */
  async #stopReconfigured(connectors: readonly string[]): Promise<void> {
    const { local } = this.#options;
    const ids = connectors.flatMap((connector) => this.#tasksHere(connector));
    if (ids.length === 0) return;
    await this.stages.during(`stopping ${ids.length} reconfigured tasks`, () => local.stopTasks(ids));
    for (const id of ids) this.#tasksToRestart.add(taskName(id));
  }

  #tasksHere(connector: string): TaskId[] {
    const names = [...(this.group.place?.has.tasks ?? [])].filter(
      (name) => name.slice(0, name.lastIndexOf('-')) === connector,
    );
    return names.map((name) => ({ connector, task: Number(name.slice(connector.length + 1)) }));
  }

  /** Reads the config topic to its end. False where that did not work, after a while. */
  async #readConfigs(): Promise<boolean> {
    const { settings, log } = this.#options;
    try {
      await this.refreshed();
      this.#mustReadConfigs = false;
      this.#failedReads = 0;
      return true;
    } catch (error) {
      this.#mustReadConfigs = true;
      log.error(`the config topic cannot be read: ${messageOf(error)}`);
      if (++this.#failedReads < READ_ATTEMPTS) await this.#sleep(RETRY_MS);
      else {
        this.#failedReads = 0;
        await this.group.leave();
        await this.#sleep(settings.unsyncBackoffMs);
      }
      return false;
    }
  }

  /** A leader that another one has fenced, and that leads still or again, fences that one. */
  async #reclaimWriting(): Promise<boolean> {
    if (!this.#isFenced) return true;
    this.#isFenced = false;
    if (!this.group.isLeader) return true;
    const { configs } = this.#options;
    try {
      await this.stages.during('reclaiming write privileges for the config topic', () => configs.claimWriting());
      return true;
    } catch (error) {
      this.#isFenced = true;
      throw error;
    }
  }

  /** The leader makes a key where there is none, or the one there is has been used for long enough. */
  async #rotateKey(): Promise<boolean> {
    const { settings, configs, environment } = this.#options;
    const { keyAlgorithm, keyLength, keyTtlMs } = settings;
    if (this.#sessionKey === undefined && this.#now.sessionKey !== undefined) {
      this.#sessionKey = this.#now.sessionKey;
      if (keyTtlMs > 0) this.#keyExpiresAt = this.#sessionKey.createdAt + keyTtlMs;
    }
    if (!this.isSigned || !this.group.isLeader) return true;
    const key = this.#sessionKey;
    const isFit = key?.algorithm === keyAlgorithm && key.key.length === keyLength;
    if (isFit && this.#keyExpiresAt > environment.now()) return true;
    // Another one is made when this one has been read, and has grown old.
    this.#keyExpiresAt = Number.POSITIVE_INFINITY;
    try {
      const next = newSessionKey(environment, keyAlgorithm, keyLength);
      await this.writeAsLeader('a new session key', () => configs.putSessionKey(next));
      return true;
    } catch (error) {
      this.#mustReadConfigs = true;
      this.#keyExpiresAt = environment.now();
      throw error;
    }
  }

  // ── Waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #idle(): Promise<void> {
    const isKeeper = this.isSigned && this.group.isLeader;
    const next = Math.min(
      this.#requests.nextAt,
      this.#rebalanceAt,
      isKeeper ? this.#keyExpiresAt : Number.POSITIVE_INFINITY,
    );
    await this.#pause(Math.max(0, next - this.#options.environment.now()));
  }

  /** Waits so long, or until something happens. */
  #pause(ms: number): Promise<void> {
    if (this.#isAwake) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.environment.after(ms, resolve);
      this.#wakeUp = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Waits so long, whatever happens, but that the worker is closed. */
  async #sleep(ms: number): Promise<void> {
    const { environment } = this.#options;
    const end = environment.now() + ms;
    while (!this.#isClosed && environment.now() < end) {
      this.#isAwake = false;
      await this.#pause(end - environment.now());
    }
    // What came meanwhile is looked at.
    this.#isAwake = true;
  }

  /** Waits for something that others would like to have, but not for long. */
  async #within(work: Promise<void>): Promise<void> {
    const { environment, settings } = this.#options;
    await new Promise<void>((resolve) => {
      const cancel = environment.after(settings.syncTimeoutMs, resolve);
      void work.finally(() => {
        cancel();
        resolve();
      });
    });
  }
}

function shuttingDown(): ConnectError {
  return new HerderRefusal('internal', 'Worker is shutting down');
}
