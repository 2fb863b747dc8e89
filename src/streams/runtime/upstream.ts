/**
 * How far other applications have come whose results this one reads.
 *
 * Within an application watermarks lie in the repartition topics (watermarks.ts). A topic of results is the users', so there
 * a writer's tasks leave word beside their committed offsets instead, and whoever reads their topic looks those up in the
 * writer's group: it holds over processes, restarts and clusters, and asks nothing of a writer that does not know of it.
 * What is heard counts once everything has been read that the topic held then.
 */
import type { Admin, Consumer } from '../../client/index.ts';
import type { Environment } from '../../util/index.ts';
import { decodeMetadata, type Written } from './commit-metadata.ts';
import type { SourceQueue } from './source-queue.ts';
import { type Announcement, Progress } from './watermarks.ts';

/** How often writers are asked that are at work, and those that are not. */
const ACTIVE_MS = 100;
const IDLE_MS = 1000;

export interface UpstreamOptions {
  readonly admin: Admin;
  readonly environment: Environment;
  readonly consumer: Pick<Consumer, 'position'>;
  /** The applications that write a topic. */
  readonly writersOf: (topic: string) => readonly string[];
  readonly onFailure: (error: unknown) => void;
}

export class Upstream {
  readonly #options: UpstreamOptions;
  /** What was heard of a queue's writers, for when it has been read up to `end`. */
  readonly #pending = new Map<SourceQueue, { readonly announcements: readonly Announcement[]; readonly end: number }>();
  #queues: readonly SourceQueue[] = [];
  #asking: Promise<void> | null = null;
  #askAt = 0;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** Begins anew with an assignment's queues of topics that others write. Writers that have not been heard of are at work. */
  watch(queues: readonly SourceQueue[]): void {
    const { writersOf } = this.#options;
    this.#queues = queues;
    this.#pending.clear();
    this.#askAt = 0;
    for (const queue of queues) queue.hearAll(writersOf(queue.topic).map(unheard));
  }

  /** Takes in what holds by now, and asks again when it is time to. */
  turn(): void {
    if (this.#queues.length === 0) return;
    const { environment, consumer, onFailure } = this.#options;
    for (const [queue, { announcements, end }] of this.#pending) {
      const read = queue.isDrained ? consumer.position(queue) : queue.position;
      if (read < end) continue;
      this.#pending.delete(queue);
      queue.hearAll(announcements);
    }
    if (this.#asking !== null || environment.now() < this.#askAt) return;
    this.#asking = this.#ask()
      .catch(onFailure)
      .finally(() => {
        this.#asking = null;
      });
  }

  async #ask(): Promise<void> {
    const { admin, environment, writersOf } = this.#options;
    const queues = this.#queues;
    const writers = new Map([...new Set(queues.map(({ topic }) => topic))].map((topic) => [topic, writersOf(topic)]));
    const heard = new Map<string, readonly Announcement[]>();
    for (const id of new Set([...writers.values()].flat())) {
      const committed = await admin.committedOffsets(id);
      heard.set(
        id,
        announcementsOf(
          id,
          committed.flatMap(({ metadata }) => decodeMetadata(metadata).written ?? []),
        ),
      );
    }
    // Behind what was heard: it holds for everything that is in the topics by now, committed or about to be.
    const ends = await admin.listOffsets(queues.map(({ topic, partition }) => ({ topic, partition, timestamp: -1 })));
    if (queues !== this.#queues) return;
    const atWork = [...heard.values()].flat().some(({ progress }) => progress !== Progress.idle);
    this.#askAt = environment.now() + (atWork ? ACTIVE_MS : IDLE_MS);
    queues.forEach((queue, i) => {
      // What was heard before and waits still comes sooner than what has just been heard.
      if (this.#pending.has(queue)) return;
      const announcements = writers.get(queue.topic)!.flatMap((id) => heard.get(id)!);
      this.#pending.set(queue, { announcements, end: ends[i]!.offset });
    });
  }
}

function unheard(applicationId: string): Announcement {
  return { taskId: applicationId, time: -1, progress: Progress.active };
}

/** Entries of a topology that the application had once may stand beside today's: the latest knows how many there are. */
export function announcementsOf(applicationId: string, entries: readonly Written[]): Announcement[] {
  const latest = entries.reduce<Written | undefined>((a, b) => (a === undefined || b.time > a.time ? b : a), undefined);
  const tasks = new Map<string, Written>();
  for (const entry of entries) {
    if (entry.writers === latest!.writers && entry.time >= (tasks.get(entry.taskId)?.time ?? -1)) {
      tasks.set(entry.taskId, entry);
    }
  }
  const announcements: Announcement[] = [...tasks.values()].map(({ taskId, time, progress }) => ({
    taskId: `${applicationId}/${taskId}`,
    time,
    progress,
  }));
  if (latest === undefined || tasks.size < latest.writers) announcements.push(unheard(applicationId));
  return announcements;
}
