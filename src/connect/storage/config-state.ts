// What the config topic says, as of an offset. Connectors' configs and target states hold as soon as they are read. Configs of
// tasks are written one by one and hold together, with the commit that says how many there are. A commit whose tasks are not
// all there (compaction took some, or their writer died before) makes the connector inconsistent: it has no tasks until it is
// asked for them again.
import type { RawConfig } from '../api/config-def.ts';
import type { TargetState, TaskId } from '../data/states.ts';

/** What internal requests between workers are signed with (KIP-507). */
export interface SessionKey {
  readonly key: Buffer;
  /** Java's name for it. */
  readonly algorithm: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Somebody wants a connector, or what of it has failed, to be started anew (KIP-745). */
export interface RestartRequest {
  readonly connector: string;
  readonly includeTasks: boolean;
  readonly onlyFailed: boolean;
}

/** Told of what is read, but not of what is read while the store is being opened. */
export interface ConfigListener {
  onConnectorRemoved(connector: string): void;
  onConnectorConfig(connector: string): void;
  /** Configs of tasks hold that were not there before: none for a commit without tasks. */
  onTaskConfigs(connector: string, tasks: readonly TaskId[]): void;
  onTargetState(connector: string): void;
  onSessionKey(key: SessionKey): void;
  onRestart(request: RestartRequest): void;
  onLoggerLevel(logger: string, level: string): void;
}

interface Parts {
  /** Behind the last record that was read; -1 before the first. */
  readonly offset: number;
  readonly sessionKey: SessionKey | undefined;
  readonly connectors: ReadonlyMap<string, RawConfig>;
  readonly targets: ReadonlyMap<string, TargetState>;
  readonly taskCounts: ReadonlyMap<string, number>;
  /** By connector, then by task. */
  readonly tasks: ReadonlyMap<string, ReadonlyMap<number, RawConfig>>;
  readonly appliedConfigs: ReadonlyMap<string, RawConfig>;
  readonly taskCountRecords: ReadonlyMap<string, number>;
  readonly taskGenerations: ReadonlyMap<string, number>;
  readonly pendingFencing: ReadonlySet<string>;
  readonly inconsistent: ReadonlySet<string>;
}

/** All configs as of one offset; does not change. */
export class ConfigSnapshot {
  static readonly EMPTY = new ConfigSnapshot({
    offset: -1,
    sessionKey: undefined,
    connectors: new Map(),
    targets: new Map(),
    taskCounts: new Map(),
    tasks: new Map(),
    appliedConfigs: new Map(),
    taskCountRecords: new Map(),
    taskGenerations: new Map(),
    pendingFencing: new Set(),
    inconsistent: new Set(),
  });
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get offset(): number {
    return this.#parts.offset;
  }
  get sessionKey(): SessionKey | undefined {
    return this.#parts.sessionKey;
  }
  get connectors(): readonly string[] {
    return [...this.#parts.connectors.keys()];
  }
  has(connector: string): boolean {
    return this.#parts.connectors.has(connector);
  }
  /** As it is stored. */
  connectorConfig(connector: string): RawConfig | undefined {
    return this.#parts.connectors.get(connector);
  }
  target(connector: string): TargetState {
    return this.#parts.targets.get(connector) ?? 'STARTED';
  }
  taskCount(connector: string): number {
    return this.#parts.taskCounts.get(connector) ?? 0;
  }
  /** None where the connector is inconsistent. */
  tasks(connector: string): TaskId[] {
    if (this.#parts.inconsistent.has(connector)) return [];
    return Array.from({ length: this.taskCount(connector) }, (_, task) => ({ connector, task }));
  }
  taskConfig({ connector, task }: TaskId): RawConfig | undefined {
    return this.#parts.tasks.get(connector)?.get(task);
  }
  /** The connector's config that its tasks were made of. */
  appliedConfig(connector: string): RawConfig | undefined {
    return this.#parts.appliedConfigs.get(connector);
  }
  /** How many tasks' producers have to be fenced before the tasks of now may start (KIP-618). */
  taskCountRecord(connector: string): number | undefined {
    return this.#parts.taskCountRecords.get(connector);
  }
  /** Counts the sets of task configs that were read. */
  taskGeneration(connector: string): number | undefined {
    return this.#parts.taskGenerations.get(connector);
  }
  /** Whether tasks have got configs since the last fencing. */
  needsFencing(connector: string): boolean {
    return this.#parts.pendingFencing.has(connector);
  }
}

/** What has been read so far. */
export class ConfigState {
  /** Told from the time on that it is set. */
  listener: ConfigListener | undefined;
  offset = -1;
  #sessionKey: SessionKey | undefined;
  readonly #connectors = new Map<string, RawConfig>();
  readonly #targets = new Map<string, TargetState>();
  readonly #taskCounts = new Map<string, number>();
  readonly #tasks = new Map<string, ReadonlyMap<number, RawConfig>>();
  readonly #deferred = new Map<string, Map<number, RawConfig>>();
  readonly #appliedConfigs = new Map<string, RawConfig>();
  readonly #taskCountRecords = new Map<string, number>();
  readonly #taskGenerations = new Map<string, number>();
  readonly #pendingFencing = new Set<string>();
  readonly #inconsistent = new Set<string>();

  snapshot(): ConfigSnapshot {
    return new ConfigSnapshot({
      offset: this.offset,
      sessionKey: this.#sessionKey,
      connectors: new Map(this.#connectors),
      targets: new Map(this.#targets),
      taskCounts: new Map(this.#taskCounts),
      tasks: new Map(this.#tasks),
      appliedConfigs: new Map(this.#appliedConfigs),
      taskCountRecords: new Map(this.#taskCountRecords),
      taskGenerations: new Map(this.#taskGenerations),
      pendingFencing: new Set(this.#pendingFencing),
      inconsistent: new Set(this.#inconsistent),
    });
  }

  has(connector: string): boolean {
    return this.#connectors.has(connector);
  }

  applyConnector(connector: string, config: RawConfig | null): void {
    if (config === null) {
      this.#forget(connector);
      this.listener?.onConnectorRemoved(connector);
      return;
    }
    this.#connectors.set(connector, config);
    if (!this.#targets.has(connector)) this.#targets.set(connector, 'STARTED');
    this.listener?.onConnectorConfig(connector);
  }

  /** Holds from the connector's next commit on. */
  applyTask({ connector, task }: TaskId, config: RawConfig): void {
    const deferred = this.#deferred.get(connector) ?? new Map<number, RawConfig>();
    this.#deferred.set(connector, deferred.set(task, config));
  }

  applyCommit(connector: string, count: number): void {
    const config = this.#connectors.get(connector);
    if (config === undefined) {
      // The connector was removed before, and compaction has taken all that was said of it.
      this.#forget(connector);
      return;
    }
    const deferred = this.#deferred.get(connector) ?? new Map<number, RawConfig>();
    // What has come may be more than what is committed, where there were more tasks once.
    const isWhole = Array.from({ length: count }, (_, task) => deferred.has(task)).every(Boolean);
    const updated: TaskId[] = [];
    if (isWhole) {
      if (this.#deferred.has(connector)) {
        this.#tasks.set(connector, new Map([...(this.#tasks.get(connector) ?? []), ...deferred]));
        updated.push(...[...deferred.keys()].map((task) => ({ connector, task })));
        this.#taskGenerations.set(connector, (this.#taskGenerations.get(connector) ?? -1) + 1);
      }
      this.#inconsistent.delete(connector);
      this.#appliedConfigs.set(connector, config);
    } else this.#inconsistent.add(connector);
    deferred.clear();
    this.#taskCounts.set(connector, count);
    this.#pendingFencing.add(connector);
    this.listener?.onTaskConfigs(connector, updated);
  }

  /** Null, or a connector that is not there (it is to be made with this state): nobody is told. */
  applyTarget(connector: string, target: TargetState | null): void {
    const before = this.#targets.get(connector);
    if (target === null) {
      this.#targets.delete(connector);
      if (this.#connectors.has(connector)) this.#targets.set(connector, 'STARTED');
      return;
    }
    this.#targets.set(connector, target);
    if (target !== before && this.#connectors.has(connector)) this.listener?.onTargetState(connector);
  }

  /** The producers of so many tasks write from now on: those of tasks before were fenced. */
  applyTaskCount(connector: string, count: number): void {
    this.#taskCountRecords.set(connector, count);
    this.#pendingFencing.delete(connector);
  }

  applySessionKey(key: SessionKey): void {
    this.#sessionKey = key;
    this.listener?.onSessionKey(key);
  }

  applyRestart(request: RestartRequest): void {
    this.listener?.onRestart(request);
  }

  applyLoggerLevel(logger: string, level: string): void {
    this.listener?.onLoggerLevel(logger, level);
  }

  #forget(connector: string): void {
    this.#connectors.delete(connector);
    this.#taskCounts.delete(connector);
    this.#tasks.delete(connector);
    this.#deferred.delete(connector);
    this.#appliedConfigs.delete(connector);
  }
}
