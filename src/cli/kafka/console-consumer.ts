// kafka-console-consumer: the records of topics, one per line.
import { RE2JS } from 're2js';
import {
  type Client,
  type Consumer,
  type ConsumerRecord,
  type OffsetToCommit,
  recordsOf,
  type TopicPartition,
} from '../../client/index.ts';
import { readPropertiesFile } from '../../platform/index.ts';
import {
  bigintSerde,
  bytesSerde,
  deserialize,
  doubleSerde,
  integerSerde,
  type Serde,
  stringSerde,
} from '../../serde/index.ts';
import { messageOf } from '../../util/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, clientOf, settingsIn, type Tool, type ToolIo } from './tool.ts';

const POLL_MS = 500;
const COMMIT_MS = 5000;

const FORMATTER = {
  'print.timestamp': 'false',
  'print.partition': 'false',
  'print.offset': 'false',
  'print.headers': 'false',
  'print.key': 'false',
  'print.value': 'true',
  'key.separator': '\t',
  'line.separator': '\n',
  'headers.separator': ',',
  'null.literal': 'null',
  'key.deserializer': '',
  'value.deserializer': '',
  'headers.deserializer': '',
};
type Formatter = Record<keyof typeof FORMATTER, string> & Readonly<Record<string, string>>;

/** What keys and values are printed as: one console for text and numbers, others for values with a schema. */
export interface ConsumedForm {
  readonly summary: string;
  /** Properties of the formatter beyond those of every console, with what they are by default. */
  readonly properties: Readonly<Record<string, string>>;
  /** What prints a key or value for which no deserializer was named. */
  open(format: Formatter, io: ToolIo): Promise<TextDecoder>;
}

/** Rejects where the bytes are not what they are taken for. */
type TextDecoder = (bytes: Uint8Array, part: 'key' | 'value', record: ConsumerRecord) => string | Promise<string>;

/** Kafka's deserializers by the last word of their class names. */
const DESERIALIZERS: ReadonlyMap<string, Serde<unknown>> = new Map<string, Serde<unknown>>([
  ['StringDeserializer', stringSerde as Serde<unknown>],
  ['IntegerDeserializer', integerSerde as Serde<unknown>],
  ['LongDeserializer', bigintSerde as Serde<unknown>],
  ['DoubleDeserializer', doubleSerde as Serde<unknown>],
  ['ByteArrayDeserializer', bytesSerde as Serde<unknown>],
]);

const FLAGS = {
  ...BOOTSTRAP_FLAGS,
  topic: { takes: 'topic', text: 'The topic to read.' },
  include: { takes: 'Java regex', text: 'Topics whose names match, of those that there are at the start.' },
  whitelist: { takes: 'Java regex', now: 'include', text: '' },
  partition: { takes: 'partition', text: 'Read only this partition, from its end unless --offset says otherwise.' },
  offset: {
    takes: 'consume offset',
    text: 'earliest, latest (default), or a number: where to begin in the partition.',
  },
  'from-beginning': { text: 'Begin with the first records, where the group has read nothing yet.' },
  group: { takes: 'consumer group id', text: 'The group to read in; what it has read is committed.' },
  'max-messages': { takes: 'num_messages', text: 'End after so many.' },
  'timeout-ms': { takes: 'timeout_ms', text: 'End when nothing has come for so long.' },
  'isolation-level': { takes: 'level', text: 'read_committed, or read_uncommitted (default).' },
  property: { takes: 'prop', text: 'How records are printed, key=value; may be repeated' },
  'formatter-property': { takes: 'prop', now: 'property', text: '' },
  'formatter-config': { takes: 'file', text: 'A file of such properties.' },
  'key-deserializer': {
    takes: 'class',
    text: 'How keys are read: String-, Integer-, Long-, Double-, ByteArrayDeserializer.',
  },
  'value-deserializer': { takes: 'class', text: 'The same for values.' },
  'skip-message-on-error': { text: 'Go on with the next record where one can’t be read.' },
  'consumer-property': { takes: 'consumer_prop', text: 'A setting of the consumer, key=value; may be repeated.' },
  'command-property': { takes: 'prop', now: 'consumer-property', text: '' },
  'consumer.config': { takes: 'file', text: 'A file of settings of the consumer.' },
  formatter: { takes: 'class', text: '', ignored: 'there is one; --property says what it prints.' },
  'new-consumer': { text: '', ignored: 'there is no other.' },
  'enable-systest-events': { text: '', ignored: 'it is for Kafka’s own tests.' },
};

const plainText: ConsumedForm = {
  summary: 'Read data from Kafka topics and write it to standard output.',
  properties: {},
  open: () => Promise.resolve((bytes) => Buffer.from(bytes).toString()),
};

export const consoleConsumer = consoleConsumerOf(plainText);

export function consoleConsumerOf(form: ConsumedForm): Tool {
  const properties = { ...FORMATTER, ...form.properties };
  return {
    summary: form.summary,
    flags: {
      ...FLAGS,
      property: { ...FLAGS.property, text: `${FLAGS.property.text}: ${Object.keys(properties).join(', ')}.` },
    },
    run: (args, io) => consume(args, io, { form, properties }),
  };
}

async function consume(
  args: Arguments,
  io: ToolIo,
  { form, properties }: { readonly form: ConsumedForm; readonly properties: Readonly<Record<string, string>> },
): Promise<void> {
  const format = formatOf(args, properties);
  const decode = await form.open(format, io);
  const limit = args.integer('max-messages') ?? Number.POSITIVE_INFINITY;
  const timeoutMs = args.integer('timeout-ms') ?? Number.POSITIVE_INFINITY;
  const given = settingsOf(args);
  const client = clientOf(args, Object.fromEntries(given));
  let count = 0;
  try {
    const { consumer, commits } = await open(client, args, given);
    const stamp = format['print.timestamp'] === 'true' ? await stampsOf(client) : undefined;
    for await (const record of follow(consumer, { timeoutMs, commits, io })) {
      try {
        io.out(await lineOf(record, format, { decode, stamp }));
      } catch (error) {
        if (!args.has('skip-message-on-error')) throw error;
        io.err(`Error processing message, skipping this message: ${messageOf(error)}\n`);
      }
      if (++count >= limit) break;
    }
  } finally {
    io.err(`Processed a total of ${count} messages\n`);
    await client.close();
  }
}

function at(consumer: Consumer, partition: TopicPartition): OffsetToCommit {
  return { ...partition, offset: consumer.position(partition) };
}

/** The records as they come, until nothing has come for `timeoutMs`; what was handed out is committed where `commits` says so. */
async function* follow(
  consumer: Consumer,
  { timeoutMs, commits, io }: { readonly timeoutMs: number; readonly commits: boolean; readonly io: ToolIo },
): AsyncGenerator<ConsumerRecord> {
  let isOver = false;
  void io.interrupted.then(() => {
    isOver = true;
    consumer.wakeup();
  });
  const read = new Map<string, { readonly topic: string; readonly partition: number; offset: number }>();
  const commit = async (): Promise<void> => {
    // Where nothing has come, too: that is where the group goes on.
    const reached = consumer
      .assignment()
      .map((each) => read.get(`${each.topic}-${each.partition}`) ?? at(consumer, each));
    if (commits && reached.length > 0) await consumer.commit(reached);
  };
  let lastRecord = Date.now();
  let lastCommit = lastRecord;
  try {
    while (!isOver) {
      const left = timeoutMs - (Date.now() - lastRecord);
      if (left <= 0) {
        io.err('Error processing message, terminating consumer process: no record came within --timeout-ms\n');
        return;
      }
      for (const record of recordsOf(await consumer.poll(Math.min(POLL_MS, left)))) {
        const { topic, partition, offset } = record;
        read.set(`${topic}-${partition}`, { topic, partition, offset: offset + 1 });
        yield record;
        lastRecord = Date.now();
        if (isOver) return;
      }
      await io.drained();
      if (Date.now() - lastCommit >= COMMIT_MS) {
        await commit();
        lastCommit = Date.now();
      }
    }
  } finally {
    await commit();
  }
}

/** The settings of files, and of --consumer-property. */
function settingsOf(args: Arguments): Map<string, string> {
  const files = settingsIn(args, 'command-config', 'consumer.config');
  return new Map([...Object.entries(files), ...args.pairs('consumer-property')]);
}

async function open(
  client: Client,
  args: Arguments,
  given: ReadonlyMap<string, string>,
): Promise<{ readonly consumer: Consumer; readonly commits: boolean }> {
  const [topic, include] = [args.get('topic') ?? args.words[0], args.get('include')];
  if ((topic === undefined) === (include === undefined)) {
    throw new UsageError('Exactly one of --include/--topic is required. ');
  }
  const partition = args.integer('partition');
  const from = args.get('offset');
  if (from !== undefined && partition === undefined)
    throw new UsageError('The partition is required when offset is specified.');
  if (from !== undefined && args.has('from-beginning')) {
    throw new UsageError('Options from-beginning and offset cannot be specified together.');
  }
  const isolationLevel = args.get('isolation-level') ?? given.get('isolation.level') ?? 'read_uncommitted';
  if (isolationLevel !== 'read_committed' && isolationLevel !== 'read_uncommitted') {
    throw new UsageError('isolation-level must be either read_committed or read_uncommitted');
  }
  const reset = args.has('from-beginning') ? 'earliest' : (given.get('auto.offset.reset') ?? 'latest');
  if (reset !== 'earliest' && reset !== 'latest') {
    throw new UsageError(`auto.offset.reset must be earliest or latest, not ${reset}`, false);
  }
  const settings = { isolationLevel, autoOffsetReset: reset } as const;
  if (partition !== undefined) {
    if (topic === undefined) throw new UsageError('The topic is required when partition is specified.');
    const consumer = client.consumer(settings);
    consumer.assign([{ topic, partition, offset: args.has('from-beginning') ? -2 : offsetOf(from) }]);
    return { consumer, commits: false };
  }
  const group = args.get('group') ?? given.get('group.id');
  const groupId = group ?? `console-consumer-${Math.floor(Math.random() * 100_000)}`;
  const consumer = client.consumer({ ...settings, groupId, allowAutoCreateTopics: true });
  consumer.subscribe(topic === undefined ? await matching(client, include!) : [topic]);
  return { consumer, commits: group !== undefined && given.get('enable.auto.commit') !== 'false' };
}

async function matching(client: Client, include: string): Promise<string[]> {
  const pattern = RE2JS.compile(include.replaceAll(',', '|').replaceAll('"', '').trim());
  const names = (await client.admin().listTopics()).filter((name) => pattern.matches(name));
  if (names.length === 0) throw new UsageError(`No topic matches ${include}.`, false);
  return names;
}

function offsetOf(text = 'latest'): number {
  if (text === 'earliest') return -2;
  if (text === 'latest') return -1;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(
    `The provided offset value '${text}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.`,
  );
}

function formatOf(args: Arguments, properties: Readonly<Record<string, string>>): Formatter {
  const file = args.get('formatter-config');
  const given = {
    ...(file === undefined ? {} : readPropertiesFile(file)),
    ...Object.fromEntries(args.pairs('property')),
  };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(properties, name));
  if (unknown !== undefined) {
    throw new UsageError(
      `There is no formatter property ${unknown}: use ${Object.keys(properties).join(', ')}.`,
      false,
    );
  }
  const format: Formatter = { ...FORMATTER, ...properties, ...given };
  format['key.deserializer'] = args.get('key-deserializer') ?? format['key.deserializer'];
  format['value.deserializer'] = args.get('value-deserializer') ?? format['value.deserializer'];
  for (const name of ['key.deserializer', 'value.deserializer', 'headers.deserializer'] as const) serdeOf(format[name]);
  return format;
}

/** Undefined where bytes are printed as they are. */
function serdeOf(className: string): Serde<unknown> | undefined {
  if (className === '') return undefined;
  const serde = DESERIALIZERS.get(className.split('.').at(-1)!);
  if (serde === undefined) {
    throw new UsageError(`There is no deserializer ${className}: use ${[...DESERIALIZERS.keys()].join(', ')}.`, false);
  }
  return serde;
}

/** What stands before a timestamp, by topic: who gave it. */
async function stampsOf(client: Client): Promise<(topic: string) => Promise<string>> {
  const known = new Map<string, Promise<string>>();
  const ask = async (topic: string): Promise<string> => {
    const configs = await client.admin().topicConfigs(topic);
    return configs.find(({ name }) => name === 'message.timestamp.type')?.value ?? 'CreateTime';
  };
  return (topic) => {
    const found = known.get(topic) ?? ask(topic);
    known.set(topic, found);
    return found;
  };
}

async function lineOf(
  record: ConsumerRecord,
  format: Formatter,
  { decode, stamp }: { readonly decode: TextDecoder; readonly stamp: ((topic: string) => Promise<string>) | undefined },
): Promise<string> {
  const text = (bytes: Uint8Array | null, deserializer: string): string => {
    if (bytes === null) return format['null.literal'];
    const serde = serdeOf(deserializer);
    if (serde === undefined || serde === DESERIALIZERS.get('ByteArrayDeserializer'))
      return Buffer.from(bytes).toString();
    return String(deserialize(serde, Buffer.from(bytes)));
  };
  const decoded = (part: 'key' | 'value'): string | Promise<string> => {
    const [bytes, deserializer] = [record[part], format[`${part}.deserializer`]];
    return bytes === null || deserializer !== '' ? text(bytes, deserializer) : decode(bytes, part, record);
  };
  const fields: string[] = [];
  const prints = (name: keyof typeof FORMATTER): boolean => format[name] === 'true';
  if (stamp !== undefined) {
    fields.push(record.timestamp < 0 ? 'NO_TIMESTAMP' : `${await stamp(record.topic)}:${record.timestamp}`);
  }
  if (prints('print.partition')) fields.push(`Partition:${record.partition}`);
  if (prints('print.offset')) fields.push(`Offset:${record.offset}`);
  if (prints('print.headers')) {
    const pairs = record.headers.map(({ key, value }) => `${key}:${text(value, format['headers.deserializer'])}`);
    fields.push(pairs.length === 0 ? 'NO_HEADERS' : pairs.join(format['headers.separator']));
  }
  if (prints('print.key')) fields.push(await decoded('key'));
  if (prints('print.value')) fields.push(await decoded('value'));
  return fields.join(format['key.separator']) + format['line.separator'];
}
