// kafka-console-producer: a record per line of what comes in.
import { createInterface } from 'node:readline';
import type { Producer } from '../../client/index.ts';
import type { RecordHeader } from '../../serde/index.ts';
import { readPropertiesFile } from '../../platform/index.ts';
import { messageOf } from '../../util/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { producerSettings } from './producer-settings.ts';
import { BOOTSTRAP_FLAGS, clientOf, settingsIn, type Tool, ToolError, type ToolIo } from './tool.ts';

/** Lines that may wait for their acknowledgement. */
const MOST_UNDER_WAY = 10_000;

const READER = {
  'parse.key': 'false',
  'key.separator': '\t',
  'parse.headers': 'false',
  'headers.delimiter': '\t',
  'headers.separator': ',',
  'headers.key.separator': ':',
  'null.marker': '',
  'ignore.error': 'false',
};
export type Reader = Record<keyof typeof READER, string> & Readonly<Record<string, string>>;

const FLAGS = {
  ...BOOTSTRAP_FLAGS,
  topic: { takes: 'topic', text: 'The topic to produce to.' },
  property: { takes: 'prop', text: 'How lines are read, key=value; may be repeated' },
  'reader-property': { takes: 'prop', now: 'property', text: '' },
  'reader-config': { takes: 'file', text: 'A file of such properties.' },
  'producer-property': { takes: 'producer_prop', text: 'A setting of the producer, key=value; may be repeated.' },
  'command-property': { takes: 'prop', now: 'producer-property', text: '' },
  'producer.config': { takes: 'file', text: 'A file of settings of the producer.' },
  'compression-codec': {
    takes: 'codec',
    otherwise: 'gzip',
    text: 'none, gzip (which it is without a name), snappy, lz4 or zstd.',
  },
  'request-required-acks': { takes: 'acks', text: '0, 1, or -1 (all).' },
  'batch-size': { takes: 'bytes', text: 'How large a batch may become.' },
  timeout: { takes: 'ms', text: 'How long a batch waits for company.' },
  sync: { text: 'Wait for each record before the next line is read.' },
  ...Object.fromEntries(
    [
      'request-timeout-ms',
      'message-send-max-retries',
      'retry-backoff-ms',
      'max-block-ms',
      'max-memory-bytes',
      'max-partition-memory-bytes',
      'metadata-expiry-ms',
      'socket-buffer-size',
      'line-reader',
    ].map((name) => [name, { takes: 'value', text: '', ignored: 'the client decides that for itself.' }]),
  ),
  ...Object.fromEntries(
    ['from-beginning', 'from-begining'].map((name) => [
      name,
      { text: '', ignored: 'a producer reads nothing; kafka-console-consumer knows --from-beginning.' },
    ]),
  ),
};

/** What the texts of lines are written as: one console for text, others for values with a schema. */
export interface ProducedForm {
  readonly summary: string;
  /** Properties of the reader beyond those of every console, with what they are by default. */
  readonly properties: Readonly<Record<string, string>>;
  /** Before the first line is read. Rejects where the properties make no sense together, or a schema is refused. */
  open(reader: Reader, topic: string, io: ToolIo): Promise<TextEncoders>;
}

export interface TextEncoders {
  /** Throw where the text is none of the schema. */
  key(text: string): Uint8Array | string;
  value(text: string): Uint8Array | string;
  /** Headers that every record has. */
  readonly headers: readonly RecordHeader[];
}

const plainText: ProducedForm = {
  summary: 'Read data from standard input and publish it to Kafka.',
  properties: {},
  open: () => Promise.resolve({ key: (text) => text, value: (text) => text, headers: [] }),
};

export const consoleProducer = consoleProducerOf(plainText);

export function consoleProducerOf(form: ProducedForm): Tool {
  const properties = { ...READER, ...form.properties };
  return {
    summary: form.summary,
    flags: {
      ...FLAGS,
      property: { ...FLAGS.property, text: `${FLAGS.property.text}: ${Object.keys(properties).join(', ')}.` },
    },
    run: (args, io) => produce(args, io, { form, properties }),
  };
}

async function produce(
  args: Arguments,
  io: ToolIo,
  { form, properties }: { readonly form: ProducedForm; readonly properties: Readonly<Record<string, string>> },
): Promise<void> {
  const topic = args.required('topic');
  const reader = readerOf(args, properties);
  const given = settingsOf(args);
  const settings = producerSettings(given, io);
  const client = clientOf(args, Object.fromEntries(given));
  const producer = client.producer(settings);
  const isPrompting = io.input.isTTY === true;
  const prompt = (): void => {
    if (isPrompting) io.out('>');
  };
  let failure: unknown;
  let lost = 0;
  const underWay = new Set<Promise<void>>();
  try {
    // First: lines that come before somebody waits for them are lost.
    const encoders = await form.open(reader, topic, io);
    const lines = createInterface({ input: io.input, crlfDelay: Number.POSITIVE_INFINITY });
    void io.interrupted.then(() => lines.close());
    let number = 0;
    prompt();
    for await (const line of lines) {
      const record = encoded(recordOf(line, ++number, reader), encoders, number);
      const sent = send(producer, topic, record).catch((error: unknown) => {
        lost++;
        failure ??= error;
        io.err(`ERROR when sending a message to topic ${topic}: ${messageOf(error)}\n`);
      });
      const forgotten = sent.then(() => void underWay.delete(forgotten));
      underWay.add(forgotten);
      if (args.has('sync') || underWay.size >= MOST_UNDER_WAY) await Promise.all(underWay);
      prompt();
    }
    await Promise.all(underWay);
  } finally {
    await Promise.all(underWay);
    await client.close();
  }
  if (failure !== undefined) throw new ToolError(`${lost} records were not sent; the first: ${messageOf(failure)}`);
}

interface LineRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string | null }[];
}

interface EncodedRecord {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | string | null }[];
}

function encoded({ key, value, headers }: LineRecord, encoders: TextEncoders, number: number): EncodedRecord {
  try {
    return {
      key: key === null ? null : encoders.key(key),
      value: value === null ? null : encoders.value(value),
      headers: [...headers, ...encoders.headers],
    };
  } catch (error) {
    throw new ToolError(`Line number ${number}: ${messageOf(error)}`);
  }
}

async function send(producer: Producer, topic: string, record: EncodedRecord): Promise<void> {
  await producer.send({ topic, ...record });
}

/** The parts of a line: headers, key, value, as far as they are asked for. */
function recordOf(line: string, number: number, reader: Reader): LineRecord {
  const isLenient = reader['ignore.error'] === 'true';
  const cut = (text: string, by: string, what: string): [string | undefined, string] => {
    const at = text.indexOf(by);
    if (at >= 0) return [text.slice(0, at), text.slice(at + by.length)];
    if (isLenient) return [undefined, text];
    throw new ToolError(`No ${what} found on line number ${number}: '${line}'`);
  };
  const marker = reader['null.marker'];
  const orNull = (text: string): string | null => (marker !== '' && text === marker ? null : text);
  let rest = line;
  let headers: LineRecord['headers'] = [];
  if (reader['parse.headers'] === 'true') {
    const [text, behind] = cut(rest, reader['headers.delimiter'], 'header delimiter');
    rest = behind;
    if (text !== undefined && text !== marker) headers = headersOf(text, number, reader, isLenient);
  }
  if (reader['parse.key'] !== 'true') return { key: null, value: orNull(rest), headers };
  const [key, value] = cut(rest, reader['key.separator'], 'key separator');
  return { key: key === undefined ? null : orNull(key), value: orNull(value), headers };
}

function headersOf(text: string, number: number, reader: Reader, isLenient: boolean): LineRecord['headers'] {
  const marker = reader['null.marker'];
  return text.split(reader['headers.separator']).map((pair) => {
    const by = reader['headers.key.separator'];
    const at = pair.indexOf(by);
    if (at < 0) {
      if (isLenient) return { key: pair, value: null };
      throw new ToolError(`No header key separator found in pair '${pair}' on line number ${number}`);
    }
    const [key, value] = [pair.slice(0, at), pair.slice(at + by.length)];
    if (marker !== '' && key === marker) {
      throw new ToolError(`Header keys should not be equal to the null marker '${marker}' as they can't be null`);
    }
    return { key, value: marker !== '' && value === marker ? null : value };
  });
}

function readerOf(args: Arguments, properties: Readonly<Record<string, string>>): Reader {
  const file = args.get('reader-config');
  const given = {
    ...(file === undefined ? {} : readPropertiesFile(file)),
    ...Object.fromEntries(args.pairs('property')),
  };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(properties, name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no reader property ${unknown}: use ${Object.keys(properties).join(', ')}.`, false);
  }
  const reader: Reader = { ...READER, ...properties, ...given };
  if (reader['parse.headers'] === 'true') {
    const { 'headers.delimiter': one, 'headers.separator': two, 'headers.key.separator': three } = reader;
    if (one === two) throw new UsageError('headers.delimiter and headers.separator may not be equal', false);
    if (one === three) throw new UsageError('headers.delimiter and headers.key.separator may not be equal', false);
    if (two === three) throw new UsageError('headers.separator and headers.key.separator may not be equal', false);
  }
  return reader;
}

/** The settings of a file, of --producer-property, and of the flags that are short for some. */
function settingsOf(args: Arguments): Map<string, string> {
  const given = new Map([
    ...Object.entries(settingsIn(args, 'command-config', 'producer.config')),
    ...args.pairs('producer-property'),
  ]);
  const flags = {
    'request-required-acks': 'acks',
    'compression-codec': 'compression.type',
    'batch-size': 'batch.size',
    timeout: 'linger.ms',
  };
  for (const [flag, name] of Object.entries(flags)) {
    const value = args.get(flag);
    if (value !== undefined) given.set(name, value);
  }
  return given;
}
