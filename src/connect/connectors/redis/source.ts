// millrace.connect.RedisStreamSourceConnector: the entries of streams, from where the last one that is safely in its topic was. An
// entry's id is its offset: ids grow, so nothing comes twice and nothing is left out, as long as streams are not trimmed before they
// are read. A read that waits for entries is left waiting when a poll is broken off, and answers the next one.
import {
  atLeast,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  nonEmptyList,
  oneOfTexts,
  type SourceTask,
  type SourceTaskContext,
  sourcePlugin,
} from '../../api/index.ts';
import { ConnectError } from '../../data/errors.ts';
import { type SourceRecord, sourceRecord } from '../../data/record.ts';
import { BYTES, mapOf, STRING } from '../../data/schema.ts';
import { connectionProblems, RedisConnection, type RedisReply } from './connection.ts';
import { redisConfig } from './settings.ts';

const READING = 'Reading';
const BEGINNING = '0-0';
const ENTRY_ID = /^\d{1,20}-\d{1,20}$/;
/** The header that has an entry's id. */
const ID_HEADER = 'redis.entry.id';

const config = defineConfig({
  ...redisConfig,
  'redis.streams': {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The streams that are read; they are shared out among the tasks.',
    group: READING,
    validator: nonEmptyList,
  },
  'topic.name.pattern': {
    type: 'STRING',
    default: '${stream}',
    importance: 'HIGH',
    doc: 'The topic; ${stream} is put in.',
    group: READING,
  },
  'redis.stream.start': {
    type: 'STRING',
    default: 'earliest',
    importance: 'MEDIUM',
    doc: 'Where a stream is begun that was never read: earliest, or latest (what is added from now on).',
    group: READING,
    validator: oneOfTexts('earliest', 'latest'),
  },
  'redis.stream.values': {
    type: 'STRING',
    default: 'text',
    importance: 'MEDIUM',
    doc: 'What the values of fields are: text (UTF-8) or bytes.',
    group: READING,
    validator: oneOfTexts('text', 'bytes'),
  },
  'redis.stream.key.field': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The field that is the key of the record, where an entry has it. Empty: none.',
    group: READING,
  },
  'batch.max.records': {
    type: 'INT',
    default: 500,
    importance: 'LOW',
    doc: 'How many entries of each stream are read at once at most.',
    group: READING,
    validator: atLeast(1),
  },
});
type Config = ConfigOf<typeof config>;

export const redisStreamSource = sourcePlugin({
  className: 'millrace.connect.RedisStreamSourceConnector',
  version: '1.0.0',
  config,
  async validate(given) {
    const problems = topicProblems(given);
    return problems.length > 0 ? problems : connectionProblems(given);
  },
  create: (given, raw) => ({
    taskConfigs(maxTasks) {
      const streams = given['redis.streams'];
      const count = Math.min(maxTasks, streams.length);
      return Array.from({ length: count }, (_, task) => ({
        ...raw,
        'redis.streams': streams.filter((_name, i) => i % count === task).join(),
      }));
    },
  }),
  task: () => new RedisStreamSourceTask(),
  exactlyOnce: () => 'supported',
  checkOffsets(_config, offsets) {
    for (const { partition, offset } of offsets) {
      if (typeof partition['stream'] !== 'string')
        throw new ConnectError(
          `Partition objects must name a stream ({"stream":"orders"}): ${JSON.stringify(partition)}`,
        );
      if (offset !== null && !isEntryId(offset['id']))
        throw new ConnectError(
          `Offset objects must have the id of an entry ({"id":"1700000000000-0"}): ${JSON.stringify(offset)}`,
        );
    }
  },
});

/** A stream and how far it has been read. */
interface Reading {
  readonly partition: { readonly stream: string };
  readonly topic: string;
  /** The last entry that was read; undefined: what is its last when it is looked at first. */
  id: string | undefined;
}

class RedisStreamSourceTask implements SourceTask<Config> {
  #config!: Config;
  #connection!: RedisConnection;
  #streams: ReadonlyMap<string, Reading> = new Map();
  /** A read that has not been answered. */
  #waiting: Promise<RedisReply> | undefined;

  async start(given: Config, context: SourceTaskContext): Promise<void> {
    this.#config = given;
    this.#connection = new RedisConnection(given, context.environment);
    const partitions = [...new Set(given['redis.streams'])].map((stream) => ({ stream }));
    const offsets = await context.offsets(partitions);
    const begin = given['redis.stream.start'] === 'earliest' ? BEGINNING : undefined;
    this.#streams = new Map(
      partitions.map((partition, i) => {
        const id = offsets[i]?.['id'] ?? begin;
        if (id !== undefined && !isEntryId(id))
          throw new ConnectError(`The stored offset of stream ${partition.stream} is no entry: ${String(id)}`);
        return [partition.stream, { partition, topic: topicOf(given, partition.stream), id }];
      }),
    );
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    await this.#findEnds();
    this.#waiting ??= this.#read();
    let onAbort = (): void => {};
    const aborted = new Promise<undefined>((resolve) => {
      onAbort = () => resolve(undefined);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
    try {
      const answer = await Promise.race([this.#waiting, aborted]);
      if (answer === undefined) {
        // Nobody may ask for it any more.
        this.#waiting.catch(() => {});
        return [];
      }
      this.#waiting = undefined;
      return this.#records(answer);
    } catch (error) {
      this.#waiting = undefined;
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  stop(): void {
    this.#waiting?.catch(() => {});
    this.#connection?.stop();
  }

  /** Waits at the server for half as long as an answer may take. */
  #read(): Promise<RedisReply> {
    const blockMs = Math.max(1, Math.floor(this.#config['redis.operation.timeout.ms'] / 2));
    const streams = [...this.#streams];
    return this.#connection.send([
      ...['XREAD', 'COUNT', String(this.#config['batch.max.records']), 'BLOCK', String(blockMs), 'STREAMS'],
      ...streams.map(([name]) => name),
      ...streams.map(([, { id }]) => id!),
    ]);
  }

  async #findEnds(): Promise<void> {
    for (const [name, reading] of this.#streams) {
      if (reading.id !== undefined) continue;
      const [last] = (await this.#connection.send(['XREVRANGE', name, '+', '-', 'COUNT', '1'])) as Entry[];
      reading.id = last === undefined ? BEGINNING : last[0].toString();
    }
  }

  #records(answer: RedisReply): SourceRecord[] {
    // Nothing came in time.
    if (answer === null) return [];
    return (answer as readonly (readonly [Buffer, readonly Entry[]])[]).flatMap(([name, entries]) => {
      const reading = this.#streams.get(name.toString())!;
      const records = entries.map((entry) => this.#record(reading, entry));
      reading.id = entries.at(-1)![0].toString();
      return records;
    });
  }

  #record({ partition, topic }: Reading, [entryId, fields]: Entry): SourceRecord {
    const id = entryId.toString();
    const isText = this.#config['redis.stream.values'] === 'text';
    const value = new Map<string, string | Uint8Array>();
    // An entry that was deleted while it was read has none.
    for (let i = 0; i < (fields?.length ?? 0); i += 2) {
      const name = fields![i]!.toString();
      if (value.has(name))
        throw new ConnectError(
          `Entry ${id} of stream ${partition.stream} has the field ${name} twice, which a map cannot have: delete the entry (XDEL) to go on`,
        );
      value.set(name, isText ? fields![i + 1]!.toString() : fields![i + 1]!);
    }
    const key = value.get(this.#config['redis.stream.key.field']);
    return sourceRecord({
      topic,
      ...(key === undefined ? {} : { keySchema: isText ? STRING : BYTES, key }),
      valueSchema: isText ? TEXTS : BYTE_STRINGS,
      value,
      headers: [{ key: ID_HEADER, schema: STRING, value: id }],
      sourcePartition: partition,
      sourceOffset: { id },
    });
  }
}

/** Its id, and its fields with their values. */
type Entry = readonly [Buffer, readonly Buffer[] | null];

const TEXTS = mapOf(STRING, STRING);
const BYTE_STRINGS = mapOf(STRING, BYTES);

function isEntryId(id: unknown): id is string {
  return typeof id === 'string' && ENTRY_ID.test(id);
}

function topicOf(given: Config, stream: string): string {
  return given['topic.name.pattern'].replaceAll('${stream}', stream);
}

function topicProblems(given: Config): ConfigProblem[] {
  return given['redis.streams']
    .map((stream) => topicOf(given, stream))
    .filter((topic) => !/^[\w.-]{1,249}$/.test(topic))
    .map((topic) => ({
      name: 'topic.name.pattern',
      message: `${topic} cannot be the name of a topic (letters, digits, points, underscores, hyphens): name one for each connector`,
    }));
}
