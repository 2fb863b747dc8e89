// Configs in a compacted topic of one partition, which all workers of a cluster read. Its leader writes; with exactly-once
// support through a transactional producer (KIP-618), so that a worker that believes to be the leader still is refused.
import { type Client, type Producer, type ProducerRecord } from '../../client/index.ts';
import { type Environment, messageOf } from '../../util/index.ts';
import type { RawConfig } from '../api/config-def.ts';
import { ConnectError } from '../data/errors.ts';
import type { TargetState } from '../data/states.ts';
import { applyConfigRecord, type ConfigRecord, configRecords } from './config-records.ts';
import {
  type ConfigListener,
  type ConfigSnapshot,
  ConfigState,
  type RestartRequest,
  type SessionKey,
} from './config-state.ts';
import type { ConfigStore } from './config-store.ts';
import { TopicLog } from './topic-log.ts';

export interface TopicConfigStoreOptions {
  readonly client: Client;
  readonly topic: string;
  /** Of the topic, where it has to be made; -1: the broker's default. */
  readonly replicationFactor: number;
  /** Further configs of the topic, where it has to be made. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
  /** Under which the leader writes; undefined: without fencing former ones. */
  readonly transactionalId?: string | undefined;
  /** Whether what a fenced leader had begun to write is passed over. */
  readonly readsCommitted: boolean;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

/** Another worker leads now, or the broker could not be reached: what was to be written was not. CONNECT_FENCED. */
export class FencedWriteError extends ConnectError {
  /** The name of the class. */
  override readonly name = 'FencedWriteError';
  constructor(cause: unknown) {
    super(
      'Failed to write to config topic; this may be due to a transient error and the request can be safely retried',
      { code: 'CONNECT_FENCED', cause, retriable: true },
    );
  }
}

export class TopicConfigStore implements ConfigStore {
  readonly #options: TopicConfigStoreOptions;
  readonly #state: ConfigState;
  readonly #log: TopicLog;
  #leaderProducer: Producer | undefined;

  private constructor(options: TopicConfigStoreOptions, state: ConfigState, log: TopicLog) {
    this.#options = options;
    this.#state = state;
    this.#log = log;
  }

  /** Resolves when all of the topic has been read. Rejects with `ConfigError` for a topic that has not one partition, or is not compacted. */
  static async open(options: TopicConfigStoreOptions): Promise<TopicConfigStore> {
    const { client, topic, replicationFactor, topicConfigs, readsCommitted, environment, log } = options;
    const state = new ConfigState();
    const topicLog = await TopicLog.open(
      {
        client,
        topic,
        partitions: 1,
        replicationFactor,
        ...(topicConfigs === undefined ? {} : { topicConfigs }),
        isolation: readsCommitted ? 'read_committed' : 'read_uncommitted',
        environment,
        log,
      },
      ({ key, value, offset }) => applyConfigRecord(state, key === null ? '' : key.toString('utf8'), value, offset),
      true,
    );
    return new TopicConfigStore(options, state, topicLog);
  }

  snapshot(): ConfigSnapshot {
    return this.#state.snapshot();
  }

  listen(listener: ConfigListener): void {
    this.#state.listener = listener;
  }

  refresh(timeoutMs: number): Promise<void> {
    const { environment } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = environment.after(timeoutMs, () =>
        reject(new ConnectError(`the end of topic ${this.#log.topic} was not reached in ${timeoutMs} ms`)),
      );
      this.#log.readToEnd().then(resolve, reject).finally(cancel);
    });
  }

  async claimWriting(): Promise<void> {
    const { client, transactionalId } = this.#options;
    if (transactionalId === undefined || this.#leaderProducer !== undefined) return;
    const producer = client.producer({ transactionalId, lingerMs: 0 });
    try {
      await producer.initTransactions();
    } catch (cause) {
      await producer.close({ timeoutMs: 0 }).catch(() => {});
      throw new ConnectError('Failed to create and initialize fencable producer for config topic', { cause });
    }
    this.#leaderProducer = producer;
  }

  async putConnector(connector: string, config: RawConfig, target?: TargetState): Promise<void> {
    const state = target === undefined ? [] : [configRecords.target(connector, target)];
    await this.#lead([...state, configRecords.connector(connector, config)]);
  }

  async removeConnector(connector: string): Promise<void> {
    await this.#lead([configRecords.connector(connector, null), configRecords.target(connector, null)]);
  }

  async putTaskConfigs(connector: string, configs: readonly RawConfig[]): Promise<void> {
    await this.#log.readToEnd();
    // Nobody may find the commit before the tasks that it is about.
    if (configs.length > 0)
      await this.#lead(configs.map((config, task) => configRecords.task({ connector, task }, config)));
    await this.#lead([configRecords.commit(connector, configs.length)]);
  }

  putTaskCount(connector: string, count: number): Promise<void> {
    return this.#lead([configRecords.taskCount(connector, count)]);
  }

  putSessionKey(key: SessionKey): Promise<void> {
    return this.#lead([configRecords.sessionKey(key)]);
  }

  putRestart(request: RestartRequest): Promise<void> {
    return this.#lead([configRecords.restart(request)]);
  }

  putTargetState(connector: string, target: TargetState): Promise<void> {
    return this.#write([configRecords.target(connector, target)]);
  }

  putLoggerLevel(logger: string, level: string): Promise<void> {
    return this.#write([configRecords.loggerLevel(logger, level)]);
  }

  async close(): Promise<void> {
    await this.#relinquish();
    await this.#log.close();
  }

  async #write(records: readonly ConfigRecord[]): Promise<void> {
    for (const { key, value } of records) await this.#log.write(key, value);
  }

  /** Writes as the leader, all or nothing where there are transactions, and reads it back. */
  async #lead(records: readonly ConfigRecord[]): Promise<void> {
    if (this.#options.transactionalId === undefined) await this.#write(records);
    else await this.#transact(records);
    await this.#log.readToEnd();
  }

  async #transact(records: readonly ConfigRecord[]): Promise<void> {
    const producer = this.#leaderProducer;
    if (producer === undefined) throw new FencedWriteError(new Error('this worker has not claimed to be the leader'));
    try {
      producer.beginTransaction();
      const sent = records.map(({ key, value }) => producer.send(this.#recordOf(key, value)));
      const outcomes = await Promise.allSettled(sent);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      await producer.commitTransaction();
    } catch (cause) {
      this.#options.log(`the config topic could not be written to as the leader: ${messageOf(cause)}`);
      await this.#relinquish();
      throw new FencedWriteError(cause);
    }
  }

  #recordOf(key: string, value: string | null): ProducerRecord {
    return { topic: this.#log.topic, partition: 0, key, value };
  }

  async #relinquish(): Promise<void> {
    const producer = this.#leaderProducer;
    this.#leaderProducer = undefined;
    await producer?.close({ timeoutMs: 0 }).catch(() => {});
  }
}
