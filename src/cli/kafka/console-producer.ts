// kafka-console-producer: a record per line of what comes in.
import { createInterface } from 'node:readline';
import type { Producer } from '../../client/index.ts';
import { readPropertiesFile } from '../../platform/index.ts';
import { messageOf } from '../../util/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { producerSettings } from './producer-settings.ts';
import { BOOTSTRAP_FLAGS, clientOf, type Tool, ToolError } from './tool.ts';

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
type Reader = Record<keyof typeof READER, string>;

export const consoleProducer: Tool = {
  summary: 'Read data from standard input and publish it to Kafka.',
  flags: {
    ...BOOTSTRAP_FLAGS,
    topic: { takes: 'topic', text: 'The topic to produce to.' },
    property: {
      takes: 'prop',
      text: `How lines are read, key=value; may be repeated: ${Object.keys(READER).join(', ')}.`,
    },
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
  },
  async run(args, io) {
    const topic = args.required('topic');
    const reader = readerOf(args);
    const given = settingsOf(args);
    const settings = producerSettings(given, io);
    const client = clientOf(args, 'producer.config', given.get('bootstrap.servers'));
    const producer = client.producer(settings);
    const isPrompting = io.input.isTTY === true;
    const prompt = (): void => {
      if (isPrompting) io.out('>');
    };
    let failure: unknown;
    let lost = 0;
    const underWay = new Set<Promise<void>>();
    try {
      const lines = createInterface({ input: io.input, crlfDelay: Number.POSITIVE_INFINITY });
      void io.interrupted.then(() => lines.close());
      let number = 0;
      prompt();
      for await (const line of lines) {
        const record = recordOf(line, ++number, reader);
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
  },
};

interface LineRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string | null }[];
}

async function send(producer: Producer, topic: string, record: LineRecord): Promise<void> {
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

function readerOf(args: Arguments): Reader {
  const file = args.get('reader-config');
  const given = {
    ...(file === undefined ? {} : readPropertiesFile(file)),
    ...Object.fromEntries(args.pairs('property')),
  };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(READER, name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no reader property ${unknown}: use ${Object.keys(READER).join(', ')}.`, false);
  }
  const reader: Reader = { ...READER, ...given };
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
  const file = args.get('producer.config');
  const given = new Map([
    ...Object.entries(file === undefined ? {} : readPropertiesFile(file)),
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
