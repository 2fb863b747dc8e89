/**
 * The tasks that run elsewhere, and whose state is kept up to date here: what is committed to their changelogs is put back as
 * it comes, and their checkpoints are written as those of running tasks are. When such a task has to run here, it goes on
 * with what little is left.
 */
import type { Client, CommittedOffset, Consumer, FetchedPartition } from '../../client/index.ts';
import type { Environment } from '../../util/index.ts';
import { cutWhileRead, type TaskState } from './restore.ts';

/** How often they hear how far time has come where they run, and how far topics have been processed. */
const HEAR_MS = 1000;

export interface StandbysOptions {
  readonly client: Client;
  readonly environment: Environment;
  readonly applicationId: string;
  readonly pollMs: number;
  readonly checkpointIntervalMs: number;
  /** Told what ended the following. */
  readonly onFailure: (error: unknown) => void;
}

export class Standbys {
  readonly #options: StandbysOptions;
  readonly #tasks = new Map<string, TaskState>();
  #consumer: Consumer | undefined;
  #isFollowing = false;
  #following: Promise<void> = Promise.resolve();

  constructor(options: StandbysOptions) {
    this.#options = options;
  }

  /** The tasks that are followed. */
  get tasks(): ReadonlyMap<string, TaskState> {
    return this.#tasks;
  }

  /** Hands over a task that is to run here, as it is then; undefined when it was not followed. To be called when halted. */
  take(id: string): TaskState | undefined {
    const state = this.#tasks.get(id);
    this.#tasks.delete(id);
    return state;
  }

  /** Follows these tasks from now on, and no others. */
  async follow(ids: readonly string[], load: (id: string) => Promise<TaskState | undefined>): Promise<void> {
    await this.halt();
    const { checkpointIntervalMs } = this.#options;
    for (const [id, state] of this.#tasks) {
      if (ids.includes(id)) continue;
      this.#tasks.delete(id);
      await state.save(0);
      await state.close();
    }
    for (const id of ids) {
      if (this.#tasks.has(id)) continue;
      const state = await load(id);
      if (state === undefined) return;
      this.#tasks.set(id, state);
    }
    if (this.#tasks.size === 0) return;
    this.#isFollowing = true;
    this.#following = this.#run(checkpointIntervalMs).catch(this.#options.onFailure);
  }

  /** Nothing is put back until `follow`. */
  async halt(): Promise<void> {
    this.#isFollowing = false;
    this.#consumer?.wakeup();
    await this.#following;
  }

  async close(): Promise<void> {
    await this.halt();
    const states = [...this.#tasks.values()];
    this.#tasks.clear();
    try {
      for (const state of states) await state.save(0);
    } finally {
      for (const state of states) await state.close();
      await this.#consumer?.close();
    }
  }

  async #run(checkpointIntervalMs: number): Promise<void> {
    const { client, environment, pollMs } = this.#options;
    const consumer = (this.#consumer ??= client.consumer({
      isolationLevel: 'read_committed',
      autoOffsetReset: 'none',
    }));
    const byPartition = new Map<string, TaskState>();
    const start = [...this.#tasks.values()].flatMap((state) => {
      const { partition } = state.task;
      return [...state.positions].map(([topic, offset]) => {
        byPartition.set(`${topic}-${partition}`, state);
        return { topic, partition, offset };
      });
    });
    // Whoever was followed before, ran, and is followed again goes on elsewhere than it was left.
    consumer.assign([]);
    consumer.assign(start);
    let heardAt = Number.NEGATIVE_INFINITY;
    try {
      while (this.#isFollowing) {
        if (environment.now() - heardAt >= HEAR_MS) {
          heardAt = environment.now();
          await this.#hear(consumer);
        }
        for (const fetched of await consumer.poll(pollMs)) {
          await this.#putBack(fetched, byPartition.get(`${fetched.topic}-${fetched.partition}`)!, consumer);
        }
        for (const state of this.#tasks.values()) await state.save(checkpointIntervalMs);
      }
    } catch (error) {
      throw cutWhileRead(error, [...this.#tasks.keys()].join(', '));
    }
  }

  async #putBack(fetched: FetchedPartition, state: TaskState, consumer: Consumer): Promise<void> {
    const limit = state.limitOf(fetched.topic);
    await state.putBack(fetched, limit);
    if (fetched.nextOffset < limit) return;
    // A topic that is read is put back as far as it has been processed.
    consumer.seek(fetched, limit);
    consumer.pause([fetched]);
  }

  /** Hears what has been committed for the tasks where they run. */
  async #hear(consumer: Consumer): Promise<void> {
    const { client, applicationId } = this.#options;
    const committed = new Map<string, CommittedOffset>();
    for (const each of await client.admin().committedOffsets(applicationId)) {
      committed.set(`${each.topic}-${each.partition}`, each);
    }
    // Behind what has been committed: a log that is read up to here has all of that.
    const ends = new Map<string, number>();
    for (const each of await client.admin().listOffsets(this.#changelogs(), 'read_uncommitted')) {
      ends.set(`${each.topic}-${each.partition}`, each.offset);
    }
    for (const state of this.#tasks.values()) {
      const { partition } = state.task;
      const committedOf = (topic: string): CommittedOffset | undefined => committed.get(`${topic}-${partition}`);
      state.hear(committedOf);
      state.note(committedOf, (topic) => ends.get(`${topic}-${partition}`) ?? Number.POSITIVE_INFINITY);
      for (const [topic, position] of state.positions) {
        if (position >= state.limitOf(topic)) consumer.pause([{ topic, partition }]);
        else consumer.resume([{ topic, partition }]);
      }
    }
  }

  #changelogs(): { readonly topic: string; readonly partition: number; readonly timestamp: number }[] {
    return [...this.#tasks.values()].flatMap(({ logs, task: { partition } }) =>
      logs.filter(({ isSource }) => !isSource).map(({ topic }) => ({ topic, partition, timestamp: -1 })),
    );
  }
}
