/**
 * The processing log as a topic, with ksqlDB's rows: what went wrong with which record, and why; and dead letters: records
 * that a query could not read, in a topic of its own, with headers that say where they came from (those of Kafka's KIP-1034).
 * Both are written beside the queries, at least once; a flood that the broker does not keep up with is counted instead.
 */
import type { Client, Producer } from '../../client/index.ts';
import { codeOf, type Environment, messageOf } from '../../util/index.ts';
import { hasProcessingLog, type ToldProblem } from '../queries/problems.ts';
import { defaultOf } from '../settings.ts';

/** Problems on their way; what comes on top of them is counted only. */
const ON_THEIR_WAY_MAX = 10_000;

export interface ProcessingLogOptions {
  readonly client: Client;
  readonly serviceId: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

const PLACE = '`topic` STRING, `partition` INT, `offset` BIGINT';

/** ksqlDB's columns; where a record came from is told besides. */
const COLUMNS = `logger STRING, level STRING, time BIGINT, message STRUCT<
  type INT,
  deserializationError STRUCT<target STRING, errorMessage STRING, recordB64 STRING, cause ARRAY<STRING>, ${PLACE}>,
  recordProcessingError STRUCT<errorMessage STRING, record STRING, cause ARRAY<STRING>, ${PLACE}>,
  productionError STRUCT<errorMessage STRING>,
  serializationError STRUCT<target STRING, errorMessage STRING, record STRING, cause ARRAY<STRING>, \`topic\` STRING>,
  kafkaStreamsThreadError STRUCT<errorMessage STRING, threadName STRING, cause ARRAY<STRING>>>`;

export class ProcessingLogTopic {
  readonly topic: string;
  readonly #options: ProcessingLogOptions;
  readonly #made = new Map<string, Promise<void>>();
  #producer: Producer | undefined;
  #onTheirWay = 0;
  #leftOut = 0;

  constructor(options: ProcessingLogOptions) {
    this.#options = options;
    const { settings, serviceId } = options;
    this.topic = settings['ksql.logging.processing.topic.name'] || `${serviceId}ksql_processing_log`;
  }

  /** Makes the topic, if the service is told to; answers the statement that makes the stream, if it is told to make that. */
  async open(): Promise<{ readonly name: string; readonly statement: string } | undefined> {
    const value = (name: string) =>
      this.#options.settings[`ksql.logging.processing.${name}`] ?? defaultOf(`ksql.logging.processing.${name}`);
    if (value('topic.auto.create') === 'true') {
      await this.#make(this.topic, Number(value('topic.partitions')), Number(value('topic.replication.factor')));
    }
    if (value('stream.auto.create') !== 'true') return undefined;
    const name = value('stream.name')!;
    const quoted = `'${this.topic.replaceAll("'", "''")}'`;
    const statement = `CREATE STREAM IF NOT EXISTS ${name} (${COLUMNS}) WITH (KAFKA_TOPIC=${quoted}, VALUE_FORMAT='JSON');`;
    return { name, statement };
  }

  /** Problems that were counted only. */
  get leftOut(): number {
    return this.#leftOut;
  }

  tell(problem: ToldProblem): void {
    const { settings, environment } = this.#options;
    const time = environment.now();
    if (hasProcessingLog(settings)) {
      const value = Buffer.from(
        JSON.stringify({ ...loggerOf(problem), level: 'ERROR', time, message: messageRow(problem) }),
      );
      this.#send(async (producer) => void (await producer.send({ topic: this.topic, value, timestamp: time })));
    }
    const { deadLetterTopic, bytes } = problem;
    if (deadLetterTopic === undefined || bytes === undefined) return;
    this.#send(async (producer) => {
      await this.#make(deadLetterTopic, 1, 1);
      const { key, value } = bytes;
      await producer.send({ topic: deadLetterTopic, key, value, timestamp: time, headers: headersOf(problem) });
    });
  }

  #send(work: (producer: Producer) => Promise<void>): void {
    if (this.#onTheirWay >= ON_THEIR_WAY_MAX) {
      this.leaveOut(1, 'the broker does not keep up with them');
      return;
    }
    this.#onTheirWay++;
    this.#producer ??= this.#options.client.producer();
    work(this.#producer)
      .catch((error: unknown) => this.leaveOut(1, messageOf(error)))
      .finally(() => this.#onTheirWay--);
  }

  /** Counts problems that are not written. */
  leaveOut(count: number, why: string): void {
    const before = this.#leftOut;
    this.#leftOut += count;
    if (before === 0 || Math.floor(before / 1000) < Math.floor(this.#leftOut / 1000))
      this.#options.log(`${this.#leftOut} problems are missing in the processing log so far: ${why}`);
  }

  /** Makes a topic, once. */
  #make(topic: string, partitions: number, replicationFactor: number): Promise<void> {
    const known = this.#made.get(topic);
    if (known !== undefined) return known;
    const made = this.#options.client
      .admin()
      .createTopics([{ name: topic, partitions, replicationFactor }])
      .then(
        () => {},
        (error: unknown) => {
          if (codeOf(error) === 'TOPIC_ALREADY_EXISTS') return;
          this.#made.delete(topic);
          throw error;
        },
      );
    this.#made.set(topic, made);
    return made;
  }

  async close(): Promise<void> {
    await this.#producer?.close();
  }
}

function loggerOf({ queryId, step, kind, bytes }: ToldProblem): { readonly logger: string } {
  const isRead = kind === 'deserialization' && bytes !== undefined;
  const part = isRead ? '.deserializer' : kind === 'serialization' ? '.serializer' : '';
  return { logger: `processing.${queryId}.${step}${part}` };
}

/** The row's struct: one of its members holds the problem, by its type. */
function messageRow({
  kind,
  message: errorMessage,
  causes: cause,
  at,
  bytes,
  target,
  row,
  queryId,
}: ToldProblem): object {
  const place = { topic: at?.topic ?? null, partition: at?.partition ?? null, offset: at?.offset ?? null };
  const none = {
    deserializationError: null,
    recordProcessingError: null,
    productionError: null,
    serializationError: null,
    kafkaStreamsThreadError: null,
  };
  switch (kind) {
    case 'deserialization': {
      const record = bytes?.[bytes.part] ?? null;
      const recordB64 = record === null ? null : Buffer.from(record).toString('base64');
      const deserializationError = { target: bytes?.part ?? null, errorMessage, recordB64, cause, ...place };
      return { type: 0, ...none, deserializationError };
    }
    case 'processing':
      return { type: 1, ...none, recordProcessingError: { errorMessage, record: row ?? null, cause, ...place } };
    case 'production':
      return { type: 2, ...none, productionError: { errorMessage } };
    case 'serialization': {
      const { topic = null, part = null } = target ?? {};
      const serializationError = { target: part, errorMessage, record: row ?? null, cause, topic };
      return { type: 3, ...none, serializationError };
    }
    case 'thread':
      return { type: 4, ...none, kafkaStreamsThreadError: { errorMessage, threadName: queryId, cause } };
  }
}

/** Where a dead letter came from, and why it is one. */
function headersOf({ at, message, causes }: ToldProblem): { key: string; value: string }[] {
  return [
    { key: '__streams.errors.exception', value: causes.at(-1) ?? message },
    { key: '__streams.errors.message', value: message },
    { key: '__streams.errors.topic', value: at?.topic ?? '' },
    { key: '__streams.errors.partition', value: String(at?.partition ?? -1) },
    { key: '__streams.errors.offset', value: String(at?.offset ?? -1) },
  ];
}
