// A task with what belongs to it outside of its sub-topology: its checkpoint, and what has been committed for it.
import { join } from 'node:path';
import type { CommittedOffset } from '../../client/index.ts';
import { codeOf, MillraceError } from '../../util/index.ts';
import { Checkpoint } from '../state/checkpoint.ts';
import type { StoreFingerprint } from '../state/fingerprint.ts';
import type { StateStore } from '../state/store.ts';
import { prepareSerdes, type SubTopology, type Topology } from '../graph/topology.ts';
import type { RestoreProgress, RestoreReport } from '../api/instance.ts';
import { decodeMetadata } from './commit-metadata.ts';
import { type RestoreSurroundings, type StoreLog, TaskState } from './restore.ts';
import type { ResolvedSettings } from './settings.ts';
import type { SourceQueue } from './source-queue.ts';
import type { TaskOutput } from '../graph/node.ts';
import { Task } from './task.ts';
import type { Announcement } from './watermarks.ts';

const LOCK_RETRY_MS = 50;
const LOCK_RETRIES = 200;

export interface RunningTaskOptions {
  readonly topology: Topology;
  readonly settings: ResolvedSettings;
  readonly globalStores: ReadonlyMap<string, StateStore>;
  readonly output: TaskOutput;
  readonly onRestored: (report: RestoreReport) => void;
  readonly onRestoreProgress: (progress: RestoreProgress) => void;
  /** Told when a call that is waited for has results. */
  readonly onResults: () => void;
  /** What the group has committed for a partition of the task's number. */
  readonly committed: (topic: string) => CommittedOffset | undefined;
  readonly feeders: ReadonlyMap<string, readonly string[]>;
}

export class RunningTask {
  readonly task: Task;
  readonly logs: readonly StoreLog[];
  readonly checkpoint: Checkpoint | null;
  /** The last offset that was committed, or is being committed. */
  readonly committed = new Map<SourceQueue, number>();
  /** How far the task's results had come then. */
  written: Announcement | undefined;
  checkpointedAt: number;
  /** What is noted beside offsets of the rows in changelogs: of its own stores, and of those that were before. */
  readonly notes: ReadonlyMap<string, StoreFingerprint>;

  private constructor({ task, logs, checkpoint, isDirty, noted }: TaskState, now: number) {
    this.task = task;
    this.notes = notesOf(task, noted);
    this.logs = logs;
    this.checkpoint = checkpoint;
    this.checkpointedAt = now;
    // What came from the logs is for the next checkpoint.
    task.isDirty = isDirty;
  }

  /** Makes a task, or takes a standby, and restores the rest of its state; undefined when `stopped` said so before. */
  static async open(
    sub: SubTopology,
    partition: number,
    options: RunningTaskOptions,
    stopped: () => boolean,
    standby?: TaskState,
  ): Promise<RunningTask | undefined> {
    const state = standby ?? (await loadTask(sub, partition, options, stopped));
    if (state === undefined) return undefined;
    const { settings, onRestored } = options;
    try {
      const changelogRecords = await state.catchUp(surroundingsOf(options, stopped));
      if (!stopped()) {
        const { task, checkpointRows } = state;
        onRestored({ taskId: task.id, checkpointRows, changelogRecords, wasStandby: standby !== undefined });
        return new RunningTask(state, settings.environment.now());
      }
      await state.save(0);
    } catch (error) {
      await state.close();
      throw error;
    }
    await state.close();
    return undefined;
  }

  /** Takes over what was committed for a partition: where it goes on, and how far time had come. */
  resumeAt(queue: SourceQueue, offset: number, metadata: string): void {
    queue.reset(offset);
    this.committed.set(queue, offset);
    const { partitionTime, positions } = decodeMetadata(metadata);
    queue.partitionTime = Math.max(queue.partitionTime, partitionTime);
    this.task.restoreTime(partitionTime);
    for (const [name, saved] of positions) {
      const position = this.task.position(name);
      position.observedTime = Math.max(position.observedTime, saved.observedTime);
      position.lastClose = Math.max(position.lastClose, saved.lastClose);
    }
  }

  async close(): Promise<void> {
    this.task.close();
    await this.checkpoint?.close();
  }
}

/** Makes a task with the state that its checkpoint has; undefined when `stopped` said so while somebody else had that open. */
export async function loadTask(
  sub: SubTopology,
  partition: number,
  options: RunningTaskOptions,
  stopped: () => boolean,
): Promise<TaskState | undefined> {
  const { topology, settings, globalStores, output, onResults, feeders } = options;
  const { stateDir, environment, applicationId } = settings;
  const keepsState = stateDir !== undefined && sub.stores.some((store) => store.logging);
  const checkpoint = keepsState
    ? await openCheckpoint(join(stateDir, applicationId, `${sub.id}_${partition}`), settings, stopped)
    : null;
  if (checkpoint === undefined) return undefined;
  try {
    const task = new Task({
      topology,
      subTopology: sub,
      partition,
      settings,
      output,
      environment,
      globalStores,
      onResults,
      feeders,
      hasUpstream: settings.upstreamApplications !== undefined,
      tracking: (store) => ({
        log: topology.hasChangelog(store),
        disk: store.logging && store.kind !== 'custom' && checkpoint !== null ? checkpoint.disk(store) : null,
      }),
    });
    await prepareSerdes(sub.nodes, sub.stores);
    return await TaskState.load(task, topology, checkpoint, surroundingsOf(options, stopped));
  } catch (error) {
    await checkpoint?.close();
    throw error;
  }
}

function surroundingsOf(options: RunningTaskOptions, stopped: () => boolean): RestoreSurroundings {
  const { settings, committed, onRestoreProgress: onProgress } = options;
  return {
    client: settings.client,
    committed,
    stopped,
    onProgress,
    onError: (error) => settings.onError(error, false),
  };
}

/** A store that has gone may come back, and finds its changelog. */
function notesOf(
  { fingerprints }: Task,
  noted: ReadonlyMap<string, StoreFingerprint>,
): ReadonlyMap<string, StoreFingerprint> {
  return new Map([...fingerprints, ...[...noted].filter(([name]) => !fingerprints.has(name))]);
}

/** Another instance of this process may still be closing the state; undefined when `stopped` said so while that was waited for. */
async function openCheckpoint(
  directory: string,
  settings: ResolvedSettings,
  stopped: () => boolean,
): Promise<Checkpoint | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await Checkpoint.open(directory, {
        environment: settings.environment,
        onRebuild: (why) => settings.onError(new MillraceError('STATE_REBUILT', why), false),
      });
    } catch (error) {
      if (codeOf(error) !== 'STATE_LOCKED' || attempt >= LOCK_RETRIES) throw error;
      if (stopped()) return undefined;
      await new Promise<void>((resolve) => {
        settings.environment.after(LOCK_RETRY_MS, resolve);
      });
    }
  }
}
