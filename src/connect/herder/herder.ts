/**
 * PORT. What is asked of a worker over REST, whether it is alone (standalone.ts) or one of a cluster (distributed.ts). Whatever
 * is refused rejects with `HerderRefusal`, which names the worker to be asked instead where there is one.
 */
import type { RawConfig } from '../api/config-def.ts';
import type { TargetState, TaskId } from '../data/states.ts';
import type { Loggers } from '../runtime/loggers.ts';
import type { StoredOffset } from '../runtime/worker-port.ts';
import type { RestartRequest } from '../storage/config-state.ts';
import type { ConfigInfos, ConfigKeyInfo, ConnectorKind, PluginInfo } from './plugin-catalogue.ts';

/** Settings as a user gives them: null is one that is not to be, which is refused where it is not taken away. */
export type GivenConfig = Readonly<Record<string, string | null>>;

/** What a user has of a connector. */
export interface ConnectorInfo {
  readonly name: string;
  readonly config: RawConfig;
  readonly tasks: readonly TaskId[];
  readonly type: ConnectorKind | 'unknown';
}

/** Where a connector or a task is. */
export interface RunStatus {
  readonly state: string;
  readonly worker_id: string;
  readonly trace?: string;
  /** Of the plugin; left out where it has none, null where nobody knows. */
  readonly version?: string | null;
}

/** Where a task is. */
export interface TaskStatus extends RunStatus {
  readonly id: number;
}

/** Where a connector and its tasks are. */
export interface ConnectorStatus {
  readonly name: string;
  readonly connector: RunStatus;
  readonly tasks: readonly TaskStatus[];
  readonly type: ConnectorKind | 'unknown';
}

/** A task with its settings. */
export interface TaskInfo {
  readonly id: TaskId;
  readonly config: RawConfig;
}

/** A request between workers, with what proves that it is one. */
export interface SignedRequest {
  readonly body: Buffer;
  /** Of the headers; undefined where they are not there. */
  readonly signature: string | undefined;
  readonly algorithm: string | undefined;
}

export interface Herder {
  readonly clusterId: string;
  /** Whether it has been in service. */
  readonly isReady: boolean;
  readonly loggers: Loggers;
  /** Resolves when whatever carries requests out has got to this one. */
  checkHealth(): Promise<void>;
  /** What it is doing at the moment, in a sentence; for those whose request takes too long. */
  readonly stage: string;

  // ── Looks at what is known here, without waiting for anything ──────────────────────────────────────────────────
  connectors(): readonly string[];
  /** Undefined where there is none of that name. */
  infoNow(connector: string): ConnectorInfo | undefined;
  status(connector: string): ConnectorStatus;
  taskStatus(id: TaskId): TaskStatus;
  topics(connector: string): readonly string[];
  resetTopics(connector: string): void;
  plugins(): readonly PluginInfo[];
  pluginConfig(name: string): Promise<readonly ConfigKeyInfo[]>;

  // ── Requests, carried out one after the other ───────────────────────────────────────────────────────────────────
  info(connector: string): Promise<ConnectorInfo>;
  taskInfos(connector: string): Promise<readonly TaskInfo[]>;
  validate(config: GivenConfig): Promise<ConfigInfos>;
  putConfig(connector: string, config: GivenConfig, options: PutOptions): Promise<Put>;
  /** Null takes a setting away. */
  patchConfig(connector: string, patch: GivenConfig): Promise<Put>;
  remove(connector: string): Promise<void>;
  pause(connector: string): Promise<void>;
  resume(connector: string): Promise<void>;
  stop(connector: string): Promise<void>;
  restartConnector(connector: string): Promise<void>;
  restart(request: RestartRequest): Promise<ConnectorStatus>;
  restartTask(id: TaskId): Promise<void>;
  offsets(connector: string): Promise<readonly StoredOffset[]>;
  /** Null resets all. The sentence that REST answers. */
  alterOffsets(connector: string, offsets: readonly StoredOffset[] | null): Promise<string>;
  setClusterLoggerLevel(logger: string, level: string): Promise<void>;

  // ── Between workers ─────────────────────────────────────────────────────────────────────────────────────────────
  putTaskConfigs(connector: string, configs: readonly RawConfig[], request: SignedRequest): Promise<void>;
  fenceZombies(connector: string, request: SignedRequest): Promise<void>;

  /** Resolves when it is in service; rejects where it cannot be. */
  start(): Promise<void>;
  /** Resolves when everything that runs here has stopped. */
  close(): Promise<void>;
}

export interface PutOptions {
  /** Whether a connector that is there gets the new config. */
  readonly mayReplace: boolean;
  /** What a connector is to be that is made. Default: STARTED. */
  readonly target?: TargetState;
}

/** What became of a config. */
export interface Put {
  readonly isNew: boolean;
  readonly info: ConnectorInfo;
}
