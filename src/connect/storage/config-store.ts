/**
 * PORT. Where configs are: a herder writes what users want and what connectors want of their tasks, and acts upon what it reads
 * back. In memory for one worker (here), in a topic for a cluster of them (topic-config-store.ts).
 */
import type { RawConfig } from '../api/config-def.ts';
import type { TargetState } from '../data/states.ts';
import {
  type ConfigListener,
  type ConfigSnapshot,
  ConfigState,
  type RestartRequest,
  type SessionKey,
} from './config-state.ts';

/** Writes resolve when what was written is in the snapshot. Of a cluster's workers only the leader writes, except for target states and levels. */
export interface ConfigStore {
  snapshot(): ConfigSnapshot;
  /** Told from now on. */
  listen(listener: ConfigListener): void;
  /** Resolves when everything is in the snapshot that was written before; rejects when that takes longer. */
  refresh(timeoutMs: number): Promise<void>;
  /** From now on writes of former leaders are refused, where the store was told to see to that. */
  claimWriting(): Promise<void>;
  putConnector(connector: string, config: RawConfig, target?: TargetState): Promise<void>;
  removeConnector(connector: string): Promise<void>;
  putTaskConfigs(connector: string, configs: readonly RawConfig[]): Promise<void>;
  /** Of a connector's tasks as they are now, whose producers write (KIP-618). */
  putTaskCount(connector: string, count: number): Promise<void>;
  putSessionKey(key: SessionKey): Promise<void>;
  putRestart(request: RestartRequest): Promise<void>;
  /** By any worker; resolves when it is written. */
  putTargetState(connector: string, target: TargetState): Promise<void>;
  /** By any worker; resolves when it is written. */
  putLoggerLevel(logger: string, level: string): Promise<void>;
  close(): Promise<void>;
}

/** For one worker that is its whole cluster: what it knows ends with it. */
export class MemoryConfigStore implements ConfigStore {
  readonly #state = new ConfigState();

  snapshot(): ConfigSnapshot {
    return this.#state.snapshot();
  }
  listen(listener: ConfigListener): void {
    this.#state.listener = listener;
  }
  async refresh(): Promise<void> {}
  async claimWriting(): Promise<void> {}
  async putConnector(connector: string, config: RawConfig, target?: TargetState): Promise<void> {
    if (target !== undefined) this.#state.applyTarget(connector, target);
    this.#state.applyConnector(connector, config);
  }
  async removeConnector(connector: string): Promise<void> {
    this.#state.applyConnector(connector, null);
    this.#state.applyTarget(connector, null);
  }
  async putTaskConfigs(connector: string, configs: readonly RawConfig[]): Promise<void> {
    for (const [task, config] of configs.entries()) this.#state.applyTask({ connector, task }, config);
    this.#state.applyCommit(connector, configs.length);
  }
  async putTaskCount(connector: string, count: number): Promise<void> {
    this.#state.applyTaskCount(connector, count);
  }
  async putSessionKey(key: SessionKey): Promise<void> {
    this.#state.applySessionKey(key);
  }
  async putRestart(request: RestartRequest): Promise<void> {
    this.#state.applyRestart(request);
  }
  async putTargetState(connector: string, target: TargetState): Promise<void> {
    this.#state.applyTarget(connector, target);
  }
  async putLoggerLevel(logger: string, level: string): Promise<void> {
    this.#state.applyLoggerLevel(logger, level);
  }
  async close(): Promise<void> {}
}
