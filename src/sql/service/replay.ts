// A start repeats the command log to know what there is, and does nothing again: the world has what the log once did to it.
import type { KafkaExecutor } from '../queries/persistent.ts';
import type { PersistentQuery, QueryExecutor, Settings, TopicOptions, Topics } from '../statements/context.ts';

/**
 * The cluster's topics while a command log is repeated: what the log once did to them has been done, and a topic of that
 * name may hold another one's records by now. So nothing is deleted, and a topic is made only for what is left at the end,
 * if it is missing then.
 */
export class ReplayedTopics implements Topics {
  readonly #topics: Topics;
  readonly #missing = new Map<string, TopicOptions>();
  areRepeated = true;

  constructor(topics: Topics) {
    this.#topics = topics;
  }

  async describe(topic: string) {
    return (await this.#topics.describe(topic)) ?? this.#missing.get(topic);
  }

  async create(topic: string, options: TopicOptions): Promise<void> {
    if (this.areRepeated) this.#missing.set(topic, options);
    else await this.#topics.create(topic, options);
  }

  async delete(topic: string): Promise<void> {
    if (this.areRepeated) this.#missing.delete(topic);
    else await this.#topics.delete(topic);
  }

  /** From here on everything is done as it is said. A topic that can't be made is a matter of those who read it. */
  async end(onFailure: (topic: string, error: unknown) => void): Promise<void> {
    this.areRepeated = false;
    for (const [topic, options] of this.#missing) {
      await this.#topics.create(topic, options).catch((error: unknown) => onFailure(topic, error));
    }
    this.#missing.clear();
  }
}

/** The queries while a command log is repeated: nothing is started before the last word on each of them. */
export class ReplayedQueries implements QueryExecutor {
  readonly #executor: KafkaExecutor;
  readonly #wanted = new Map<string, { query: PersistentQuery; setting: Settings; isPaused: boolean }>();
  #isReplaying = true;

  constructor(executor: KafkaExecutor) {
    this.#executor = executor;
  }

  async start(query: PersistentQuery, setting: Settings): Promise<void> {
    if (this.#isReplaying) this.#wanted.set(query.queryId, { query, setting, isPaused: false });
    else await this.#executor.start(query, setting);
  }

  async stop(queryId: string): Promise<void> {
    if (this.#isReplaying) this.#wanted.delete(queryId);
    else await this.#executor.stop(queryId);
  }

  async pause(queryId: string): Promise<void> {
    if (this.#isReplaying) this.#setPaused(queryId, true);
    else await this.#executor.pause(queryId);
  }

  async resume(queryId: string): Promise<void> {
    if (this.#isReplaying) this.#setPaused(queryId, false);
    else await this.#executor.resume(queryId);
  }

  #setPaused(queryId: string, isPaused: boolean): void {
    const wanted = this.#wanted.get(queryId);
    if (wanted !== undefined) wanted.isPaused = isPaused;
  }

  /** Starts what is left. Each query takes its own time to find its state again, and fails on its own. */
  async end(onFailure: (queryId: string, error: unknown) => void): Promise<void> {
    this.#isReplaying = false;
    await Promise.all(
      [...this.#wanted.values()].map(async ({ query, setting, isPaused }) => {
        if (isPaused) this.#executor.keepPaused(query, setting);
        else await this.#executor.start(query, setting).catch((error: unknown) => onFailure(query.queryId, error));
      }),
    );
    this.#wanted.clear();
  }
}
