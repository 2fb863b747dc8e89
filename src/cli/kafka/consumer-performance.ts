// kafka-consumer-perf-test: reads records as fast as they come, and tells how fast that was.
import type { Consumer } from '../../client/index.ts';
import { UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, clientOf, settingsIn, type Tool, type ToolIo } from './tool.ts';

const MEGABYTE = 1024 * 1024;
const HEADER =
  'data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec';

export const consumerPerformance: Tool = {
  summary: 'Measure how fast records are consumed.',
  flags: {
    ...BOOTSTRAP_FLAGS,
    topic: { takes: 'topic', text: 'The topic to read.' },
    messages: { takes: 'count', text: 'How many records.' },
    'num-records': { takes: 'count', now: 'messages', text: '' },
    group: { takes: 'gid', text: 'The group to read in. Default: one of its own.' },
    'fetch-size': { takes: 'size', text: 'Bytes that a fetch may bring of a partition.' },
    'from-latest': { text: 'Begin behind the last record, where the group has read nothing yet.' },
    timeout: { takes: 'milliseconds', text: 'End when nothing has come for so long. Default: 10000.' },
    'reporting-interval': { takes: 'interval_ms', text: 'How often --show-detailed-stats tells. Default: 5000.' },
    'show-detailed-stats': { text: 'Tell in between as well.' },
    'hide-header': { text: 'Leave the first line out.' },
    'consumer.config': { takes: 'config file', text: 'A file of settings of the consumer.' },
    'date-format': { takes: 'date format', text: '', ignored: 'times are written as the original does by default.' },
    'socket-buffer-size': { takes: 'size', text: '', ignored: 'the system decides that.' },
    'print-metrics': { text: '', ignored: 'the figures are all that there is.' },
    threads: { takes: 'count', text: '', ignored: 'one reads.' },
    'num-fetch-threads': { takes: 'count', text: '', ignored: 'one reads.' },
  },
  async run(args, io) {
    const topic = args.required('topic');
    args.required('messages');
    const wanted = args.integer('messages')!;
    const fetchSize = args.integer('fetch-size');
    const client = clientOf(args, settingsIn(args, 'consumer.config'));
    try {
      const consumer = client.consumer({
        groupId: args.get('group') ?? `perf-consumer-${Math.floor(Math.random() * 100_000)}`,
        autoOffsetReset: args.has('from-latest') ? 'latest' : 'earliest',
        ...(fetchSize === undefined ? {} : { maxPartitionFetchBytes: fetchSize }),
      });
      const timeoutMs = args.integer('timeout') ?? 10_000;
      if (wanted < 1 || timeoutMs < 1) throw new UsageError('--messages and --timeout are to be 1 or more', false);
      const everyMs = args.has('show-detailed-stats') ? (args.integer('reporting-interval') ?? 5000) : undefined;
      if (!args.has('hide-header')) {
        io.out(`${everyMs === undefined ? 'start.time, end.time' : 'time, threadId'}, ${HEADER}\n`);
      }
      const { count } = await read(consumer, { topic, wanted, timeoutMs, everyMs }, io);
      if (count < wanted) {
        io.err(
          `WARNING: Exiting before consuming the expected number of messages: timeout (${timeoutMs} ms) exceeded. You can use the --timeout option to increase the timeout.\n`,
        );
      }
    } finally {
      await client.close();
    }
  },
};

interface Reading {
  readonly topic: string;
  readonly wanted: number;
  readonly timeoutMs: number;
  /** How often figures are told in between. */
  readonly everyMs: number | undefined;
}

async function read(consumer: Consumer, { topic, wanted, timeoutMs, everyMs }: Reading, io: ToolIo): Promise<Figures> {
  const startedAt = Date.now();
  let joinedAt = 0;
  consumer.subscribe([topic], {
    onAssigned: () => {
      joinedAt ||= Date.now();
    },
    onRevoked: () => {},
  });
  let last = startedAt;
  const figures: Figures = { count: 0, bytes: 0 };
  let reported = { at: startedAt, ...figures };
  const joinMs = (): number => (joinedAt === 0 ? 0 : joinedAt - startedAt);
  while (figures.count < wanted && Date.now() - last <= timeoutMs) {
    for (const { cursor } of await consumer.poll(100)) {
      while (figures.count < wanted && cursor.advance()) {
        figures.count++;
        if (cursor.keyStart >= 0) figures.bytes += cursor.keyEnd - cursor.keyStart;
        if (cursor.valueStart >= 0) figures.bytes += cursor.valueEnd - cursor.valueStart;
      }
      last = Date.now();
    }
    const now = Date.now();
    if (everyMs !== undefined && now - reported.at >= everyMs) {
      const since = { count: figures.count - reported.count, bytes: figures.bytes - reported.bytes };
      io.out(`${timeOf(now)}, 0, ${line(figures, since, now - reported.at, joinMs())}\n`);
      reported = { at: now, ...figures };
    }
  }
  const endedAt = Date.now();
  if (everyMs === undefined) {
    io.out(`${timeOf(startedAt)}, ${timeOf(endedAt)}, ${line(figures, figures, endedAt - startedAt, joinMs())}\n`);
  }
  return figures;
}

interface Figures {
  count: number;
  bytes: number;
}

/** All that was read, and the rates of what was read within `ms`. */
function line(all: Figures, since: Figures, ms: number, rebalanceMs: number): string {
  const fetchMs = Math.max(0, ms - rebalanceMs);
  const per = (amount: number, of: number): string => (of <= 0 ? 0 : (amount * 1000) / of).toFixed(4);
  return [
    (all.bytes / MEGABYTE).toFixed(4),
    per(since.bytes / MEGABYTE, ms),
    all.count,
    per(since.count, ms),
    rebalanceMs,
    fetchMs,
    per(since.bytes / MEGABYTE, fetchMs),
    per(since.count, fetchMs),
  ].join(', ');
}

/** `yyyy-MM-dd HH:mm:ss:SSS`, in the machine's zone. */
function timeOf(ms: number): string {
  const time = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${date} ${clock}:${String(time.getMilliseconds()).padStart(3, '0')}`;
}
