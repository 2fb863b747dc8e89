// kafka-producer-perf-test: sends records at a rate, and tells how long they took.
import { readFileSync } from 'node:fs';
import type { Client, Producer } from '../../client/index.ts';
import { MAX_TIMER_MS, pause } from './pacing.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { producerSettings } from './producer-settings.ts';
import { BOOTSTRAP_FLAGS, clientOf, settingsIn, type Tool, ToolError, type ToolIo } from './tool.ts';

const REPORT_MS = 5000;
/** Records under way: the producer would take any number into memory. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Latencies that are kept, as many as the original keeps. */
const MOST_LATENCIES = 500_000;

export const producerPerformance: Tool = {
  summary: 'Measure how fast records are produced.',
  flags: {
    ...BOOTSTRAP_FLAGS,
    topic: { takes: 'TOPIC', text: 'Where records are sent to.' },
    'num-records': { takes: 'NUM-RECORDS', text: 'How many.' },
    'record-size': { takes: 'RECORD-SIZE', text: 'Of how many bytes, made up of random letters.' },
    'payload-file': { takes: 'PAYLOAD-FILE', text: 'A file of records, of which random ones are sent.' },
    'payload-delimiter': { takes: 'DELIMITER', text: 'What stands between them. Default: the end of a line.' },
    throughput: { takes: 'THROUGHPUT', text: 'Records per second at most; -1 is as fast as it goes.' },
    'producer-props': {
      takes: 'PROP-NAME=PROP-VALUE',
      many: true,
      text: 'Settings of the producer, several in a row.',
    },
    'command-property': { takes: 'PROP-NAME=PROP-VALUE', many: true, now: 'producer-props', text: '' },
    'producer.config': { takes: 'CONFIG-FILE', text: 'A file of settings of the producer.' },
    'transactional-id': { takes: 'ID', text: 'Send within transactions, under this id.' },
    'transaction-duration-ms': { takes: 'DURATION', text: 'Commit after so long. Default with an id: 3000.' },
    'print-metrics': { text: '', ignored: 'the figures at the end are all that there is.' },
  },
  async run(args, io) {
    const topic = args.required('topic');
    const count = whole(args, 'num-records', 1);
    const throughput = Number(args.required('throughput'));
    if (Number.isNaN(throughput))
      throw new UsageError(`Cannot parse argument '${args.get('throughput')}' of option throughput`);
    const payload = payloadOf(args);
    const given = new Map([
      ...Object.entries(settingsIn(args, 'command-config', 'producer.config')),
      ...args.pairs('producer-props'),
    ]);
    const duration = args.integer('transaction-duration-ms');
    const id =
      args.get('transactional-id') ??
      (duration === undefined ? undefined : 'performance-producer-default-transactional-id');
    if (id !== undefined) given.set('transactional.id', id);
    const client = clientOf(args, Object.fromEntries(given));
    try {
      const transactionMs = given.has('transactional.id') ? (duration ?? 3000) : undefined;
      await send(
        { client, topic, count, throughput, payload, transactionMs, settings: producerSettings(given, io) },
        io,
      );
    } finally {
      await client.close();
    }
  },
};

function whole(args: Arguments, flag: string, least: number): number {
  args.required(flag);
  const value = args.integer(flag)!;
  if (value < least) throw new UsageError(`--${flag} is to be ${least} or more`, false);
  return value;
}

/** The next record's bytes. */
function payloadOf(args: Arguments): () => Buffer {
  const file = args.get('payload-file');
  if (file !== undefined && args.has('record-size')) {
    throw new UsageError('argument --record-size: not allowed with argument --payload-file');
  }
  if (file === undefined) {
    const size = args.has('record-size') ? whole(args, 'record-size', 0) : undefined;
    if (size === undefined) throw new UsageError('one of the arguments --record-size --payload-file is required');
    const record = Buffer.alloc(size);
    for (let i = 0; i < size; i++) record[i] = 65 + Math.floor(Math.random() * 26);
    return () => record;
  }
  const delimiter = (args.get('payload-delimiter') ?? '\\n').replaceAll('\\n', '\n').replaceAll('\\t', '\t');
  const records = readFileSync(file, 'utf8')
    .split(delimiter)
    .filter((text) => text !== '')
    .map((text) => Buffer.from(text));
  if (records.length === 0) throw new ToolError('Payload file does not exist or empty file provided.');
  return () => records[Math.floor(Math.random() * records.length)]!;
}

interface Work {
  readonly client: Client;
  readonly topic: string;
  readonly count: number;
  /** Records per second; below 0: any. */
  readonly throughput: number;
  readonly payload: () => Buffer;
  /** How long a transaction is, where there are some. */
  readonly transactionMs: number | undefined;
  readonly settings: Parameters<Client['producer']>[0];
}

async function send(work: Work, io: ToolIo): Promise<void> {
  const { topic, count, throughput, payload, transactionMs } = work;
  const producer = work.client.producer(work.settings);
  if (transactionMs !== undefined) await producer.initTransactions();
  const startedAt = performance.now();
  const all = new Latencies(startedAt, Math.max(1, Math.ceil(count / MOST_LATENCIES)));
  let window = new Latencies(startedAt, 1);
  let failure: unknown;
  let transactionAt = startedAt;
  if (transactionMs !== undefined) producer.beginTransaction();
  for (let sent = 0; sent < count && failure === undefined; sent++) {
    const at = performance.now();
    const value = payload();
    producer.send({ topic, value }).then(
      () => {
        const now = performance.now();
        all.add(now - at, value.length);
        window.add(now - at, value.length);
      },
      (error: unknown) => {
        failure ??= error;
      },
    );
    if (at - window.startedAt >= REPORT_MS) {
      io.out(`${window.summary(at)}.\n`);
      window = new Latencies(at, 1);
    }
    if (transactionMs !== undefined && at - transactionAt >= transactionMs) {
      await producer.commitTransaction();
      producer.beginTransaction();
      transactionAt = at;
    }
    await held(producer, startedAt, sent + 1, throughput);
  }
  await producer.flush();
  if (failure !== undefined) throw failure;
  if (transactionMs !== undefined) await producer.commitTransaction();
  io.out(`${all.summary(performance.now())}, ${all.percentiles()}.\n`);
}

/** Waits where the rate would be too high, or too much is under way. */
async function held(producer: Producer, startedAt: number, sent: number, throughput: number): Promise<void> {
  while (producer.bufferedBytes > MOST_BYTES) await pause(1);
  if (throughput <= 0) {
    // Acknowledgements are heard in between.
    if (sent % 500 === 0) await pause(0);
    return;
  }
  for (;;) {
    const early = startedAt + (sent / throughput) * 1000 - performance.now();
    if (early <= 0) return;
    await pause(Math.min(early, MAX_TIMER_MS));
  }
}

class Latencies {
  readonly startedAt: number;
  /** One of so many is kept. */
  readonly #sampling: number;
  readonly #kept: number[] = [];
  #count = 0;
  #bytes = 0;
  #total = 0;
  #max = 0;

  constructor(startedAt: number, sampling: number) {
    this.startedAt = startedAt;
    this.#sampling = sampling;
  }

  add(ms: number, bytes: number): void {
    const latency = Math.round(ms);
    if (this.#count++ % this.#sampling === 0) this.#kept.push(latency);
    this.#bytes += bytes;
    this.#total += latency;
    if (latency > this.#max) this.#max = latency;
  }

  summary(now: number): string {
    const seconds = (now - this.startedAt) / 1000;
    const megabytes = this.#bytes / seconds / (1024 * 1024);
    const average = this.#count === 0 ? 0 : this.#total / this.#count;
    return (
      `${this.#count} records sent, ${(this.#count / seconds).toFixed(1)} records/sec (${megabytes.toFixed(2)} MB/sec), ` +
      `${average.toFixed(2)} ms avg latency, ${this.#max.toFixed(2)} ms max latency`
    );
  }

  percentiles(): string {
    const sorted = this.#kept.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return `${at(0.5)} ms 50th, ${at(0.95)} ms 95th, ${at(0.99)} ms 99th, ${at(0.999)} ms 99.9th`;
  }
}
