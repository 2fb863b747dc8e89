// A task with what belongs to it outside of its sub-topology: its checkpoint, and what has been committed for it.
import { join } from 'node:path';
import type { CommittedOffset } from '../../client/index.ts';
import { codeOf, MillraceError } from '../../util/index.ts';
import { Checkpoint } from '../state/checkpoint.ts';
import type { StoreFingerprint } from '../state/fingerprint.ts';
import type { StateStore } from '../state/store.ts';
import { prepareSerdes, type SubTopology, type Topology } from '../graph/topology.ts';
import { decodeMetadata } from './commit-metadata.ts';
import { type RestoreReport, restoreTask, type StoreLog, storeLogs } from './restore.ts';
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

  private constructor(
    task: Task,
    { logs, notes }: { readonly logs: readonly StoreLog[]; readonly notes: ReadonlyMap<string, StoreFingerprint> },
    checkpoint: Checkpoint | null,
    now: number,
  ) {
    this.task = task;
    this.notes = notes;
    this.logs = logs;
    this.checkpoint = checkpoint;
    this.checkpointedAt = now;
  }

  /** Makes a task and restores its state; undefined when `stopped` said so before it was done. */
  static async open(
    sub: SubTopology,
    partition: number,
    options: RunningTaskOptions,
    stopped: () => boolean,
  ): Promise<RunningTask | undefined> {
    const { topology, settings, globalStores, output, onRestored, onResults, committed, feeders } = options;
    const { stateDir, environment, applicationId } = settings;
    const keepsState = stateDir !== undefined && sub.stores.some((store) => store.logging);
    const checkpoint = keepsState
      ? await openCheckpoint(join(stateDir, applicationId, `${sub.id}_${partition}`), settings, stopped)
      : null;
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
      // What has expired is not to be restored, so time comes first.
      const noted = new Map<string, StoreFingerprint>();
      for (const queue of task.queues) {
        const { watermark, stores } = decodeMetadata(committed(queue.topic)?.metadata ?? '');
        task.restoreWatermark(queue, watermark);
        for (const [name, fingerprint] of stores) noted.set(name, fingerprint);
      }
      const logs = storeLogs(task, topology);
      const report = await restoreTask(task, logs, checkpoint, {
        client: settings.client,
        topology,
        noted,
        committed: (topic) => committed(topic)?.offset ?? -1,
        stopped,
        onError: (error) => settings.onError(error, false),
      });
      if (!stopped()) {
        onRestored(report);
        const running = new RunningTask(task, { logs, notes: notesOf(task, noted) }, checkpoint, environment.now());
        // What came from the logs is for the next checkpoint.
        task.isDirty = report.changelogRecords > 0;
        return running;
      }
    } catch (error) {
      await checkpoint?.close();
      throw error;
    }
    await checkpoint?.close();
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

/** A store that has gone may come back, and finds its changelog. */
function notesOf(
  { fingerprints }: Task,
  noted: ReadonlyMap<string, StoreFingerprint>,
): ReadonlyMap<string, StoreFingerprint> {
  return new Map([...fingerprints, ...[...noted].filter(([name]) => !fingerprints.has(name))]);
}

/** Another instance of this process may still be closing the state. */
async function openCheckpoint(
  directory: string,
  settings: ResolvedSettings,
  stopped: () => boolean,
): Promise<Checkpoint> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await Checkpoint.open(directory, {
        environment: settings.environment,
        onRebuild: (why) => settings.onError(new MillraceError('STATE_REBUILT', why), false),
      });
    } catch (error) {
      if (codeOf(error) !== 'STATE_LOCKED' || attempt >= LOCK_RETRIES || stopped()) throw error;
      await new Promise<void>((resolve) => {
        settings.environment.after(LOCK_RETRY_MS, resolve);
      });
    }
  }
}
