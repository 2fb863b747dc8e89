/**
 * PORT. What a herder asks of the worker that it shares connectors and tasks out to, and what the worker tells it. The worker runs
 * what it is told to, here, and knows nothing of other workers; the herder (standalone or distributed) decides what runs where
 * and remembers it. Settings are handed over as they are stored, with `${provider:…}` in them, which the worker resolves.
 */
import type { RawConfig } from '../api/config-def.ts';
import type { OffsetValue } from '../data/record.ts';
import type { RunState, TargetState, TaskId } from '../data/states.ts';

export type { RunState, TargetState, TaskId } from '../data/states.ts';

/** A part of a source, or a partition of a topic (`kafka_topic`, `kafka_partition`), and how far it is done with. */
export interface StoredOffset {
  readonly partition: Readonly<Record<string, OffsetValue>>;
  /** Null, when it is altered: as if never read. A sink's: `{ kafka_offset }`. */
  readonly offset: Readonly<Record<string, OffsetValue>> | null;
}

/** Runs connectors and tasks. Calls for one connector come one after the other, but for `offsets` and `fenceZombies`. */
export interface Worker {
  /**
   * Makes and starts a connector. What fails is told to the listener as FAILED, and leaves a connector that only `stopConnector`
   * ends. Resolves when it runs, is paused or has failed.
   */
  startConnector(name: string, config: RawConfig, target: TargetState): Promise<void>;
  /** Resolves when it is gone, whether or not it was there. The listener hears UNASSIGNED. */
  stopConnector(name: string): Promise<void>;
  /** Settings of the tasks that the running connector wants, at most its `tasks.max`; rejects where it does not run or cannot say. */
  taskConfigs(name: string): Promise<readonly RawConfig[]>;
  /** Starts a task. What fails is told to the listener as FAILED. Resolves when it has begun to start. */
  startTask(
    id: TaskId,
    connector: RawConfig,
    task: RawConfig,
    target: TargetState,
    /**
     * For sources under exactly-once: asked when the task's transactional producer has fenced earlier ones, before anything is
     * read. Where it rejects, the task has become another worker's meanwhile, or another one altogether: it fails with that.
     */
    isStillOurs?: () => Promise<void>,
  ): Promise<void>;
  /** Resolves when they have stopped, offsets committed, or were given up after `task.shutdown.graceful.timeout.ms`. */
  stopTasks(ids: readonly TaskId[]): Promise<void>;
  /** Pauses, stops or goes on, the connector and its tasks that run here. A source and a sink that is paused keeps what it has. */
  setTarget(connector: string, target: TargetState): Promise<void>;
  /** The connectors and tasks that are here, whatever their state. */
  running(): { readonly connectors: readonly string[]; readonly tasks: readonly TaskId[] };

  /** How far a connector is: of sources from the offsets topic, of sinks from their group. */
  offsets(name: string, config: RawConfig): Promise<readonly StoredOffset[]>;
  /**
   * Alters the offsets of a connector that is STOPPED everywhere; null: resets all. Returns the sentence that REST answers. Rejects
   * with `ConnectError` (bad request) where a connector refuses them or a group still has members.
   */
  alterOffsets(name: string, config: RawConfig, offsets: readonly StoredOffset[] | null): Promise<string>;
  /** Makes the transactional producers of a source's earlier tasks unable to write (KIP-618), before new ones start. */
  fenceZombies(name: string, config: RawConfig, taskCount: number): Promise<void>;
  /** Ends everything that runs. */
  close(): Promise<void>;
}

/** Told what becomes of what runs. */
export interface WorkerListener {
  /** `trace`: what went wrong, of FAILED ones. */
  onConnector(name: string, state: RunState, trace?: string): void;
  onTask(id: TaskId, state: RunState, trace?: string): void;
  /** The connector's tasks are to be asked for anew (`taskConfigs`). */
  onTaskReconfiguration(connector: string): void;
  /** A task has written to, or read from, a topic for the first time since it runs (`GET …/topics`). */
  onTopic(id: TaskId, topic: string): void;
}
