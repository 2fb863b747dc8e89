// States in a compacted topic: every worker writes those of its own connectors and tasks and reads those of all.
import type { Client } from '../../client/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import type { TaskId } from '../data/states.ts';
import { applyStatusRecord, statusKeys, statusValue, topicUseValue } from './status-records.ts';
import { isSafe, type Status, type StatusStore, StatusTable, type TopicUse } from './status-store.ts';
import { TopicLog } from './topic-log.ts';

export interface TopicStatusStoreOptions {
  readonly client: Client;
  readonly topic: string;
  /** Of the topic, where it has to be made. */
  readonly partitions: number;
  /** Of the topic, where it has to be made; -1: the broker's default. */
  readonly replicationFactor: number;
  /** Further configs of the topic, where it has to be made. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

export class TopicStatusStore implements StatusStore {
  readonly #table: StatusTable;
  readonly #topicLog: TopicLog;
  readonly #log: (message: string) => void;
  readonly #writing = new Set<Promise<void>>();

  private constructor(table: StatusTable, topicLog: TopicLog, log: (message: string) => void) {
    this.#table = table;
    this.#topicLog = topicLog;
    this.#log = log;
  }

  /** Resolves when all of the topic has been read. Rejects with `ConfigError` for a topic that is not compacted. */
  static async open(options: TopicStatusStoreOptions): Promise<TopicStatusStore> {
    const table = new StatusTable();
    const topicLog = await TopicLog.open(options, ({ key, value }) =>
      applyStatusRecord(table, key === null ? '' : key.toString('utf8'), value),
    );
    return new TopicStatusStore(table, topicLog, options.log);
  }

  connector(name: string): Status | undefined {
    return this.#table.connector(name);
  }
  task(id: TaskId): Status | undefined {
    return this.#table.task(id);
  }
  tasks(connector: string): ReadonlyMap<number, Status> {
    return this.#table.tasks(connector);
  }
  connectors(): readonly string[] {
    return this.#table.connectors();
  }
  topics(connector: string): readonly TopicUse[] {
    return this.#table.topics(connector);
  }

  putConnector(name: string, status: Status, safely = false): void {
    if (safely && !isSafe(this.#table.connector(name), status)) return;
    this.#write(statusKeys.connector(name), statusValue(status));
  }
  putTask(id: TaskId, status: Status, safely = false): void {
    if (safely && !isSafe(this.#table.task(id), status)) return;
    this.#write(statusKeys.task(id), statusValue(status));
  }
  putTopic(use: TopicUse): void {
    this.#write(statusKeys.topic(use.connector, use.topic), topicUseValue(use));
  }
  removeTopic(connector: string, topic: string): void {
    this.#write(statusKeys.topic(connector, topic), null);
  }

  async flush(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#topicLog.close();
  }

  /** In the order of calls; the producer tries again what can be. */
  #write(key: string, value: string | null): void {
    const writing: Promise<void> = this.#topicLog
      .write(key, value)
      .catch((error) => this.#log(`${key} could not be written to ${this.#topicLog.topic}: ${messageOf(error)}`))
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }
}
