// The dead letter queue of a sink (KIP-298): the record as it was in its topic, byte for byte, with headers that say what went
// wrong with it and where.
import type { Client, ConsumerRecord, Header, Producer } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import { ConnectError, javaClassOf } from '../data/errors.ts';
import type { Failure } from './error-handling.ts';

export interface DeadLetterSettings {
  readonly topic: string;
  /** Of the topic, where it has to be made; undefined: three, or as many as there are brokers. */
  readonly replicationFactor: number | undefined;
  /** Whether `__connect.errors.…` headers are added. */
  readonly contextHeaders: boolean;
}

const HEADER = '__connect.errors.';
const USUAL_REPLICATION = 3;

export class DeadLetters {
  readonly #settings: DeadLetterSettings;
  readonly #producer: Producer;
  readonly #connector: string;
  readonly #taskId: number;

  private constructor(settings: DeadLetterSettings, producer: Producer, connector: string, taskId: number) {
    this.#settings = settings;
    this.#producer = producer;
    this.#connector = connector;
    this.#taskId = taskId;
  }

  /** Makes the topic where it is not there. `producer` is closed with it. */
  static async open(
    client: Client,
    settings: DeadLetterSettings,
    producer: Producer,
    task: { readonly connector: string; readonly task: number },
  ): Promise<DeadLetters> {
    const admin = client.admin();
    const { topic, replicationFactor = Math.min(USUAL_REPLICATION, (await admin.brokers()).length) } = settings;
    try {
      await admin.createTopics([{ name: topic, partitions: 1, replicationFactor }]);
    } catch (error) {
      if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS')
        throw new ConnectError(`the dead letter queue ${topic} cannot be made`, { cause: error });
    }
    return new DeadLetters(settings, producer, task.connector, task.task);
  }

  /** Resolves when the record is safely in the queue. */
  async take({ stage, executor, error, record }: Failure<ConsumerRecord>): Promise<void> {
    const headers: Header[] = [...record.headers];
    if (this.#settings.contextHeaders) {
      const said = {
        topic: record.topic,
        partition: String(record.partition),
        offset: String(record.offset),
        'connector.name': this.#connector,
        'task.id': String(this.#taskId),
        stage,
        'class.name': executor,
        'exception.class.name': javaClassOf(error),
        'exception.message': error.message,
        'exception.stacktrace': error.stack ?? error.message,
      };
      for (const [name, text] of Object.entries(said)) headers.push({ key: HEADER + name, value: Buffer.from(text) });
    }
    const { key, value } = record;
    await this.#producer.send({ topic: this.#settings.topic, key, value, headers, timestamp: record.timestamp });
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}
