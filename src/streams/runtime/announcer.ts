// Tells the readers of repartition topics how far the tasks of this instance have come (watermarks.ts).
import type { Environment } from '../../util/index.ts';
import type { GraphNode } from '../graph/node.ts';
import type { Topology } from '../graph/topology.ts';
import type { RunningTask } from './running-task.ts';
import type { TaskOutput } from '../graph/node.ts';
import { type Announcement, encodeAnnouncements, Progress, sinksTo } from './watermarks.ts';

export interface AnnouncerOptions {
  readonly topology: Topology;
  /** Feeding tasks by internal topic. */
  readonly feeders: ReadonlyMap<string, readonly string[]>;
  /** The full name of an internal topic. */
  readonly fullName: (topic: string) => string;
  readonly output: TaskOutput;
  readonly environment: Environment;
  /** How long a task that has read everything may hold back its readers' time. */
  readonly idleMs: number;
  /** Whether a task has read everything that is there for it. */
  readonly hasCaughtUp: (running: RunningTask) => boolean;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #topics: {
    readonly name: string;
    readonly fullName: string;
    readonly sinks: ReadonlyMap<number, GraphNode[]>;
  }[];
  /** The last announcement, as `topic/task`. */
  readonly #last = new Map<string, Announcement>();
  /** Since when tasks have caught up. */
  readonly #caughtUpAt = new Map<string, number>();

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    const { topology, feeders, fullName } = options;
    this.#topics = [...feeders.keys()].map((name) => ({
      name,
      fullName: fullName(name),
      sinks: new Map(topology.subTopologies.map((sub) => [sub.id, sinksTo(sub, name)])),
    }));
  }

  /** After a new assignment everybody has to be told anew: there may be readers that have never heard of us. */
  reset(): void {
    this.#last.clear();
    this.#caughtUpAt.clear();
  }

  /** Writes what has changed since the last time behind what the tasks have written. All cached changes have been emitted. */
  announce(tasks: Iterable<RunningTask>): void {
    if (this.#topics.length === 0) return;
    const { output } = this.#options;
    const running = [...tasks];
    const progress = new Map(running.map((each) => [each, this.progressOf(each)]));
    for (const { name, fullName, sinks } of this.#topics) {
      const changed: Announcement[] = [];
      let latest = 0;
      for (const each of running) {
        const { task } = each;
        const own = sinks.get(task.subTopology.id)!;
        if (own.length === 0) continue;
        const next = {
          taskId: task.id,
          time: Math.min(...own.map((sink) => task.timeAt(sink))),
          progress: progress.get(each)!,
        };
        const key = `${name}/${task.id}`;
        const last = this.#last.get(key);
        if (last?.time === next.time && last.progress === next.progress) continue;
        this.#last.set(key, next);
        changed.push(next);
        latest = Math.max(latest, next.time);
      }
      if (changed.length === 0) continue;
      const headers = [encodeAnnouncements(changed)];
      const partitions = output.partitionsOf(fullName);
      for (let partition = 0; partition < partitions; partition++) {
        output.send(fullName, partition, null, null, latest, headers);
      }
    }
  }

  progressOf(running: RunningTask): Progress {
    const { environment, idleMs, hasCaughtUp } = this.#options;
    const { id } = running.task;
    if (!hasCaughtUp(running)) {
      this.#caughtUpAt.delete(id);
      return Progress.active;
    }
    // Nobody has to wait for partitions without records.
    if (running.task.streamTime() < 0) return Progress.idle;
    const now = environment.now();
    const since = this.#caughtUpAt.get(id);
    if (since === undefined) this.#caughtUpAt.set(id, now);
    return since !== undefined && now - since >= idleMs ? Progress.idle : Progress.caughtUp;
  }
}
