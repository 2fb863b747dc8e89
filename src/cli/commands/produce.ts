// `millrace produce`: records from lines, JSON and CSV. What is refused is told with its line, and nothing is lost in silence.
import { createReadStream, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type Command, Option } from 'commander';
import type { Producer, ProducerRecord } from '../../client/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import { count } from '../demo/screen.ts';
import { registryOf } from './decoding.ts';
import { type Encode, encoderOf, WRITTEN_FORMATS, type WrittenFormat } from './encoding.ts';
import type { CommandIo } from './io.ts';
import {
  type ClusterOptions,
  collect,
  onCluster,
  type OutputOptions,
  pairs,
  type RegistryOptions,
  usage,
  whole,
  withClient,
  withOutput,
  withRegistry,
} from './options.ts';
import { column, type Column, printRows } from './output.ts';
import { partitionsOf } from './record-source.ts';
import { Progress } from './progress.ts';
import { type InputEntry, type InputOptions, INPUTS, readInput } from './record-input.ts';

/** Records that may wait for their acknowledgement. */
const MOST_UNDER_WAY = 10_000;
/** Refused lines that are told one by one. */
const MOST_TOLD = 20;

const PARTITIONERS = ['murmur2', 'crc32', 'random', 'round-robin'] as const;

interface ProduceOptions extends ClusterOptions, OutputOptions, RegistryOptions, InputOptions {
  readonly file?: string;
  readonly key?: string;
  readonly header?: readonly string[];
  readonly partition?: number;
  readonly partitioner: (typeof PARTITIONERS)[number];
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly keyFormat: WrittenFormat;
  readonly valueFormat: WrittenFormat;
  readonly keySchema?: string;
  readonly valueSchema?: string;
  readonly message?: string;
  readonly skipBadLines?: boolean;
}

export function produce(command: Command, io: CommandIo): void {
  withRegistry(withOutput(onCluster(command)))
    .argument('<topic>', 'the topic; it has to be there')
    .option('--file <file>', 'what is read, instead of the standard input')
    .addOption(
      new Option(
        '--input <form>',
        'lines; jsonl: a JSON value per line; json: a list of them; csv: rows with a heading; records: what consume -o jsonl writes (its topic, partition and offset are passed over)',
      )
        .choices(INPUTS)
        .default('lines'),
    )
    .option('-k, --key-field <name>', 'the member or column that is the key, too; a.b inside others')
    .option('-K, --key-delimiter <text>', 'what stands between key and value in a line')
    .option('--key <text>', 'the key of all records')
    .option('-H, --header <name=value>', 'a header of all records; may be repeated', collect)
    .option('-p, --partition <n>', 'the partition of all records', whole(0))
    .option('-Z, --empty-as-null', 'empty keys and values of lines are null')
    .option('--csv-delimiter <text>', 'what stands between fields', ',')
    .option('--csv-text', 'fields stay texts, also where they look like numbers')
    .addOption(
      new Option('--partitioner <way>', 'murmur2 is Kafka’s own, crc32 that of librdkafka')
        .choices(PARTITIONERS)
        .default('murmur2'),
    )
    .addOption(
      new Option('-z, --compression <type>').choices(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('none'),
    )
    .addOption(new Option('--key-format <format>', 'what keys become').choices(WRITTEN_FORMATS).default('string'))
    .addOption(new Option('--value-format <format>', 'what values become').choices(WRITTEN_FORMATS).default('string'))
    .option('--key-schema <file or id>', 'the schema of keys (default: the newest of <topic>-key)')
    .option('--value-schema <file or id>', 'the schema of values (default: the newest of <topic>-value)')
    .option('--message <name>', 'which message of a Protobuf schema values are (default: the first)')
    .option('--skip-bad-lines', 'go on behind a line that is refused, and tell how many there were')
    .action((topic: string, options: ProduceOptions) => run(io, topic, options));
}

async function run(io: CommandIo, topic: string, options: ProduceOptions): Promise<void> {
  const total = options.file === undefined ? undefined : sizeOf(options.file);
  const stream = options.file === undefined ? io.input : createReadStream(options.file);
  // Asked for where it is needed: a list of JSON is read to its end, and until then a signal ends the process.
  const source = {
    stream,
    get interrupted() {
      return io.interrupted;
    },
  };
  const progress = new Progress(io);
  const tally = new Tally(io, options.skipBadLines === true);
  await withClient(options, async (client) => {
    const partitions = (await partitionsOf(client, [topic])).length;
    if (options.partition !== undefined && options.partition >= partitions) {
      throw new MillraceError(
        'UNKNOWN_TOPIC_OR_PARTITION',
        `the topic ${topic} has no partition ${options.partition}.`,
      );
    }
    const make = await recordsOf(topic, partitions, options);
    const producer = client.producer({ compressionType: options.compression });
    const underWay = new Set<Promise<void>>();
    try {
      for await (const entry of readInput(source, options)) {
        if (tally.isOver) break;
        send(producer, make, entry, { tally, underWay });
        progress.show(
          total === undefined || !('bytesRead' in stream) ? undefined : Number(stream.bytesRead) / total,
          () => `${count(tally.sent)} records`,
        );
        if (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay);
      }
    } finally {
      await Promise.all(underWay);
      progress.end();
    }
  });
  const columns: Column<{ topic: string; sent: number; refused: number }>[] = [
    column('topic'),
    column('sent'),
    column('refused'),
  ];
  printRows(io, options.output, columns, [{ topic, sent: tally.sent, refused: tally.refused }]);
  tally.end();
}

function sizeOf(file: string): number {
  const { size } = statSync(file);
  return Math.max(1, size);
}

type Make = (entry: InputEntry) => ProducerRecord;

function send(
  producer: Producer,
  make: Make,
  entry: InputEntry,
  { tally, underWay }: { readonly tally: Tally; readonly underWay: Set<Promise<void>> },
): void {
  let record: ProducerRecord;
  try {
    record = make(entry);
  } catch (error) {
    tally.refuse(entry.line, error);
    return;
  }
  const done = producer.send(record).then(
    () => tally.accept(),
    (error: unknown) => tally.refuse(entry.line, error),
  );
  underWay.add(done);
  void done.then(() => underWay.delete(done));
}

/** What became of the lines. Without `goesOn` the first that is refused ends it. */
class Tally {
  readonly #io: CommandIo;
  readonly #goesOn: boolean;
  sent = 0;
  refused = 0;

  constructor(io: CommandIo, goesOn: boolean) {
    this.#io = io;
    this.#goesOn = goesOn;
  }

  get isOver(): boolean {
    return this.refused > 0 && !this.#goesOn;
  }

  accept(): void {
    this.sent++;
  }

  refuse(line: number, error: unknown): void {
    this.refused++;
    if (this.refused <= MOST_TOLD) this.#io.err(`line ${line}: ${messageOf(error)}\n`);
    else if (this.refused === MOST_TOLD + 1) this.#io.err('More lines are refused; they are only counted.\n');
  }

  end(): void {
    if (this.isOver) {
      throw new MillraceError(
        'INVALID_INPUT',
        `${this.refused} lines were refused, ${this.sent} were sent; what stands behind them was not read. --skip-bad-lines goes on.`,
      );
    }
  }
}

/** Makes records of what comes in. It throws what is wrong with an entry. */
async function recordsOf(topic: string, partitions: number, options: ProduceOptions): Promise<Make> {
  const { key: fixedKey, keyDelimiter, keyField, keyFormat, valueFormat, keySchema, valueSchema, message } = options;
  if (fixedKey !== undefined && (keyDelimiter !== undefined || keyField !== undefined)) {
    throw usage('--key excludes --key-field and --key-delimiter.');
  }
  const schemas = registryOf(options);
  const common = { topic, schemas };
  const encodeKey: Encode = await encoderOf(keyFormat, {
    ...common,
    isKey: true,
    isText: fixedKey !== undefined || options.input === 'lines',
    ...(keySchema === undefined ? {} : { schema: keySchema }),
  });
  const encodeValue: Encode = await encoderOf(valueFormat, {
    ...common,
    isKey: false,
    isText: options.input === 'lines',
    ...(valueSchema === undefined ? {} : { schema: valueSchema }),
    ...(message === undefined ? {} : { message }),
  });
  const fixedHeaders = Object.entries(pairs(options.header)).map(([key, value]) => ({ key, value }));
  const choose = partitionerOf(options, partitions);
  return ({ record, error }) => {
    if (record === undefined) throw error;
    const key = encodeKey(fixedKey ?? record.key ?? null);
    const partition = choose(key);
    return {
      topic,
      key,
      value: encodeValue(record.value, record.text),
      headers: [...(record.headers ?? []), ...fixedHeaders],
      ...(partition === undefined ? {} : { partition }),
      ...(record.timestamp === undefined ? {} : { timestamp: record.timestamp }),
    };
  };
}

/** Undefined: as the client has it, which is as Kafka's own clients have it. */
function partitionerOf(
  { partition, partitioner }: ProduceOptions,
  partitions: number,
): (key: Buffer | null) => number | undefined {
  if (partition !== undefined) return () => partition;
  const random = (): number => Math.floor(Math.random() * partitions);
  let next = 0;
  switch (partitioner) {
    case 'murmur2':
      return () => undefined;
    case 'crc32':
      return (key) => (key === null ? random() : crc32(key) % partitions);
    case 'random':
      return random;
    case 'round-robin':
      return () => next++ % partitions;
  }
}
