// com.github.jcustenborder.kafka.connect.redis.RedisSinkConnector: records as keys and values, and, beyond what that one does, as
// hashes, documents, entries of streams and messages. A batch is sent without waiting for single answers, in the order of its records,
// together with how far it goes; all of it has been answered when `put` returns. A batch that broke off is put again: what SET, HSET
// and JSON.SET leave is the same then, while XADD and PUBLISH may do it twice.
import { systemEnvironment } from '../../../util/index.ts';
import {
  type ConfigOf,
  type ConfigProblem,
  atLeast,
  defineConfig,
  oneOfTexts,
  type SinkTask,
  type SinkTaskContext,
  sinkPlugin,
} from '../../api/index.ts';
import { ConfigError, ConnectError, DataError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { filled, jsonText, placeOf, plainText } from '../record-text.ts';
import { connectionProblems, RedisConnection, type RedisCommand } from './connection.ts';
import { redisConfig } from './settings.ts';

const WRITES = 'Writes';
/** So many records are on their way at most. */
const BATCH_MAX = 1000;

const config = defineConfig({
  ...redisConfig,
  'redis.charset': {
    type: 'STRING',
    default: 'UTF-8',
    importance: 'LOW',
    doc: 'How texts become bytes. Only UTF-8.',
    group: WRITES,
    validator: oneOfTexts('UTF-8', 'utf-8'),
  },
  'millrace.redis.command': {
    type: 'STRING',
    default: 'SET',
    importance: 'HIGH',
    doc: 'What a record becomes: SET (its key gets its value), HSET (a hash of its fields), JSON.SET (a document), XADD (an entry of a stream), PUBLISH (a message).',
    group: WRITES,
    validator: oneOfTexts('SET', 'HSET', 'JSON.SET', 'XADD', 'PUBLISH'),
  },
  'millrace.redis.target': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'The key, stream or channel that is written to, with ${topic}, ${key} and fields of values put in. Empty: the key of the record; of XADD and PUBLISH the topic.',
    group: WRITES,
  },
  'millrace.redis.stream.key.field': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'The field of an entry that the key of the record becomes (XADD). Empty: none.',
    group: WRITES,
  },
  'millrace.redis.stream.max.length': {
    type: 'LONG',
    default: 0,
    importance: 'LOW',
    doc: 'About how many entries a stream keeps (XADD). 0: all of them.',
    group: WRITES,
    validator: atLeast(0),
  },
});
type Config = ConfigOf<typeof config>;

export const redisSink = sinkPlugin({
  className: 'com.github.jcustenborder.kafka.connect.redis.RedisSinkConnector',
  version: '0.0.8',
  config,
  async validate(given) {
    const problems = await connectionProblems(given);
    return problems.length > 0 ? problems : commandProblems(given);
  },
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () => new RedisSinkTask(),
});

/** What is wrong with the command on this server. */
async function missingCommand(given: Config, connection: RedisConnection): Promise<string | undefined> {
  const command = given['millrace.redis.command'];
  // The others are on every server, and not everyone may ask.
  if (command !== 'JSON.SET') return undefined;
  const [found] = (await connection.send(['COMMAND', 'INFO', command])) as readonly unknown[];
  const isThere = found !== null && found !== undefined;
  return isThere ? undefined : `millrace.redis.command: this server has no ${command}; choose another command`;
}

async function commandProblems(given: Config): Promise<ConfigProblem[]> {
  const connection = new RedisConnection(given, systemEnvironment);
  try {
    const missing = await missingCommand(given, connection);
    return missing === undefined ? [] : [{ name: 'millrace.redis.command', message: missing }];
  } finally {
    connection.stop();
  }
}

class RedisSinkTask implements SinkTask<Config> {
  #config!: Config;
  #context!: SinkTaskContext;
  #connection!: RedisConnection;
  #isCommandKnown = false;

  start(given: Config, context: SinkTaskContext): void {
    this.#config = given;
    this.#context = context;
    this.#connection = new RedisConnection(given, context.environment);
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#checkCommand();
    for (let at = 0; at < records.length; at += BATCH_MAX) await this.#write(records.slice(at, at + BATCH_MAX));
  }

  stop(): void {
    this.#connection?.stop();
  }

  async #checkCommand(): Promise<void> {
    if (this.#isCommandKnown) return;
    const missing = await missingCommand(this.#config, this.#connection);
    if (missing !== undefined) throw new ConfigError(missing);
    this.#isCommandKnown = true;
  }

  async #write(records: readonly SinkRecord[]): Promise<void> {
    const commands: RedisCommand[] = [];
    const senders: SinkRecord[] = [];
    const refused = new Map<SinkRecord, Error>();
    for (const record of records) {
      try {
        for (const command of this.#commandsOf(record)) {
          commands.push(command);
          senders.push(record);
        }
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
        refused.set(record, error);
      }
    }
    // Where these fail although the records did not, the reason is one of all.
    const answers = await this.#connection.pipeline([...commands, ...offsetCommands(records)]);
    answers.forEach((answer, i) => {
      if (!(answer instanceof Error)) return;
      const sender = senders[i];
      if (sender === undefined) throw new ConnectError(`Redis took no offsets: ${answer.message}`, { cause: answer });
      const message = `Redis refused ${String(commands[i]![0])} for ${placeOf(sender)}: ${answer.message}`;
      refused.set(sender, new ConnectError(message, { cause: answer }));
    });
    for (const [record, error] of refused) await this.#context.reportErrant(record, error);
  }

  #commandsOf(record: SinkRecord): readonly RedisCommand[] {
    const { value, valueSchema } = record;
    const target = this.#target(record);
    switch (this.#config['millrace.redis.command']) {
      case 'XADD':
        return [this.#entry(target, record)];
      case 'PUBLISH':
        if (value === null)
          throw new DataError(`${placeOf(record)} has no value, and there are no messages without one`);
        return [['PUBLISH', target, bytesOf(valueSchema, value)]];
      default:
        return value === null ? [['DEL', target]] : this.#keeping(target, record);
    }
  }

  /** What makes a key what its record is, whatever it was before. */
  #keeping(target: string | Buffer, record: SinkRecord): readonly RedisCommand[] {
    const { value, valueSchema } = record;
    switch (this.#config['millrace.redis.command']) {
      case 'HSET': {
        const fields = fieldsOf(record);
        if (fields === undefined || fields.length === 0)
          throw new DataError(`${placeOf(record)} has no fields, as HSET needs them`);
        const present = fields.filter(({ bytes }) => bytes !== null).flatMap(({ name, bytes }) => [name, bytes!]);
        const absent = fields.filter(({ bytes }) => bytes === null).map(({ name }) => name);
        return [
          ...(present.length > 0 ? [['HSET', target, ...present]] : []),
          ...(absent.length > 0 ? [['HDEL', target, ...absent]] : []),
        ];
      }
      case 'JSON.SET':
        return [['JSON.SET', target, '$', jsonText(valueSchema, value)]];
      default:
        return [['SET', target, bytesOf(valueSchema, value)]];
    }
  }

  #entry(stream: string | Buffer, record: SinkRecord): RedisCommand {
    const { key, keySchema, value, valueSchema } = record;
    const fields = (fieldsOf(record) ?? [{ name: 'value', bytes: value === null ? null : bytesOf(valueSchema, value) }])
      .filter(({ bytes }) => bytes !== null)
      .flatMap(({ name, bytes }) => [name, bytes!]);
    const keyField = this.#config['millrace.redis.stream.key.field'];
    if (keyField !== '' && key !== null) fields.unshift(keyField, bytesOf(keySchema, key));
    if (fields.length === 0) throw new DataError(`${placeOf(record)} has nothing that an entry of a stream could have`);
    const most = this.#config['millrace.redis.stream.max.length'];
    return ['XADD', stream, ...(most > 0 ? ['MAXLEN', '~', String(most)] : []), '*', ...fields];
  }

  #target(record: SinkRecord): string | Buffer {
    const { 'millrace.redis.target': template, 'millrace.redis.command': command } = this.#config;
    if (template !== '') return filled(template, record);
    if (command === 'XADD' || command === 'PUBLISH') return record.topic;
    const key = record.key === null ? '' : bytesOf(record.keySchema, record.key);
    if (key.length === 0) throw new DataError(`The key of ${placeOf(record)} is empty: it cannot be one of Redis`);
    return key;
  }
}

function bytesOf(schema: Schema | null, value: unknown): string | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : plainText(schema, value);
}

interface FieldBytes {
  readonly name: string;
  readonly bytes: string | Buffer | null;
}

/** The fields of a struct, a map or an object; undefined: the value is none. */
function fieldsOf({ valueSchema: schema, value }: SinkRecord): FieldBytes[] | undefined {
  const field = (name: unknown, of: Schema | null, part: unknown): FieldBytes => ({
    name: String(name),
    bytes: part === null || part === undefined ? null : bytesOf(of, part),
  });
  if (value === null) return undefined;
  if (schema?.type === 'struct') {
    const struct = value as Record<string, unknown>;
    return schema.fields.map(({ name, schema: of }) => field(name, of, struct[name] ?? of.default));
  }
  if (schema?.type === 'map')
    return [...(value as Map<unknown, unknown>)].map(([name, part]) => field(name, schema.valueSchema, part));
  if (schema !== null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return undefined;
  return Object.entries(value).map(([name, part]) => field(name, null, part));
}

/** How far records go, where that connector puts it: for those who look. What is read next is said by the connector's group. */
function offsetCommands(records: readonly SinkRecord[]): RedisCommand[] {
  const last = new Map<string, SinkRecord>();
  for (const record of records) last.set(`__kafka.offset.${record.topic}.${record.partition}`, record);
  return [...last].map(([key, { topic, partition, offset }]) => [
    'SET',
    key,
    JSON.stringify({ topic, partition, offset }),
  ]);
}
