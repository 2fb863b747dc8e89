// kafka-transactions: which transactions there are, which producers write where, and the end of one that hangs.
import type { Admin, HangingTransaction, ProducerState, TopicPartition } from '../../client/index.ts';
import { codeOf, messageOf } from '../../util/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, type Tool, ToolError, type ToolIo, withAdmin } from './tool.ts';

/** How long transactions may be open where brokers are set up as they come. */
const MAX_TRANSACTION_MINUTES = 15;
const MINUTE_MS = 60_000;

type Command = (admin: Admin, args: Arguments, io: ToolIo) => Promise<void>;

const COMMANDS: Readonly<Record<string, Command>> = {
  list,
  describe,
  'describe-producers': describeProducers,
  abort,
  'find-hanging': findHanging,
  forceTerminateTransaction: forceTerminate,
};

export const transactions: Tool = {
  summary: `kafka-transactions ${Object.keys(COMMANDS).join(' | ')}: the transactional state of producers.`,
  flags: {
    ...BOOTSTRAP_FLAGS,
    'duration-filter': { takes: 'ms', text: 'list: only transactions that have been open for longer.' },
    'transactional-id-pattern': { takes: 'regex', text: 'list: only transactional ids that match.' },
    'transactional-id': { takes: 'id', text: 'describe: the transactional id.' },
    transactionalId: { takes: 'id', text: 'forceTerminateTransaction: the transactional id.' },
    topic: { takes: 'topic', text: 'describe-producers, abort, find-hanging: the topic.' },
    partition: { takes: 'partition', text: 'The partition of --topic.' },
    'broker-id': { takes: 'id', text: 'describe-producers, find-hanging: the replica on this broker.' },
    'start-offset': { takes: 'offset', text: 'abort: where the transaction begins in the partition.' },
    'producer-id': { takes: 'id', text: 'abort: in place of --start-offset, with the next two.' },
    'producer-epoch': { takes: 'epoch', text: 'abort: the epoch of the producer.' },
    'coordinator-epoch': { takes: 'epoch', text: 'abort: the epoch of the coordinator.' },
    'max-transaction-timeout': {
      takes: 'minutes',
      text: `find-hanging: how long transactions may be open. Default: ${MAX_TRANSACTION_MINUTES}.`,
    },
  },
  async run(args, io) {
    const [name = '', ...rest] = args.words;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined || rest.length > 0) {
      const names = Object.keys(COMMANDS).map((each) => `'${each}'`);
      throw new UsageError(`invalid choice: '${args.words.join(' ')}' (choose from ${names.join(', ')})`);
    }
    await withAdmin(args, (admin) => command(admin, args, io));
  },
};

async function list(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const pattern = args.get('transactional-id-pattern');
  const durationMs = args.integer('duration-filter');
  const found = await admin.listTransactions({
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(pattern === undefined ? {} : { pattern }),
  });
  print(
    ['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'],
    found.map(({ transactionalId, coordinator, producerId, state }) => [
      transactionalId,
      coordinator,
      producerId,
      state,
    ]),
    io,
  );
}

async function describe(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const id = argument(args, 'transactional-id');
  let found;
  try {
    found = await admin.describeTransaction(id);
  } catch (error) {
    const why =
      codeOf(error) === 'TRANSACTIONAL_ID_NOT_FOUND'
        ? `DescribeTransactions request for transactionalId \`${id}\` failed because the ID could not be found`
        : messageOf(error);
    throw new ToolError(`Failed to describe transaction state of transactional-id \`${id}\`: ${why}.`);
  }
  const { startedAt } = found;
  print(
    [
      'CoordinatorId',
      'TransactionalId',
      'ProducerId',
      'ProducerEpoch',
      'TransactionState',
      'TransactionTimeoutMs',
      'CurrentTransactionStartTimeMs',
      'TransactionDurationMs',
      'TopicPartitions',
    ],
    [
      [
        found.coordinator,
        id,
        found.producerId,
        found.producerEpoch,
        found.state,
        found.timeoutMs,
        startedAt ?? 'None',
        startedAt === undefined ? 'None' : Date.now() - startedAt,
        found.partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(','),
      ],
    ],
    io,
  );
}

async function describeProducers(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const place = { topic: argument(args, 'topic'), partition: whole(args, 'partition') };
  const brokerId = args.integer('broker-id');
  let found: ProducerState[];
  try {
    found = await admin.describeProducers(place, brokerId);
  } catch (error) {
    const where = brokerId === undefined ? 'leader' : `broker ${brokerId}`;
    throw new ToolError(
      `Failed to describe producers for partition ${place.topic}-${place.partition} on ${where}: ${messageOf(error)}`,
    );
  }
  print(
    [
      'ProducerId',
      'ProducerEpoch',
      'LatestCoordinatorEpoch',
      'LastSequence',
      'LastTimestamp',
      'CurrentTransactionStartOffset',
    ],
    found.map((each) => [
      each.producerId,
      each.producerEpoch,
      each.coordinatorEpoch,
      each.lastSequence,
      each.lastTimestamp,
      each.transactionStartOffset ?? 'None',
    ]),
    io,
  );
}

async function abort(admin: Admin, args: Arguments): Promise<void> {
  const place = { topic: argument(args, 'topic'), partition: whole(args, 'partition') };
  const startOffset = args.integer('start-offset');
  const producerId = args.integer('producer-id');
  if (startOffset === undefined && producerId === undefined) {
    throw new ToolError(
      'The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)',
    );
  }
  if (startOffset === undefined) {
    const [producerEpoch, coordinatorEpoch] = [args.integer('producer-epoch'), args.integer('coordinator-epoch')];
    if (producerEpoch === undefined || coordinatorEpoch === undefined) {
      throw new ToolError(
        `Missing required argument --${producerEpoch === undefined ? 'producer-epoch' : 'coordinator-epoch'}: it is needed beside --producer-id.`,
      );
    }
    await admin.abortTransaction({ ...place, producerId: producerId!, producerEpoch, coordinatorEpoch });
    return;
  }
  const producers = await admin.describeProducers(place);
  const found = producers.find(({ transactionStartOffset }) => transactionStartOffset === startOffset);
  if (found === undefined) {
    throw new ToolError(
      `Could not find any open transactions starting at offset ${startOffset} on partition ${place.topic}-${place.partition}`,
    );
  }
  await admin.abortTransaction(hanging(place, found));
}

/** One whose coordinator has told nobody yet has no epoch of it: any will do that is not below. */
function hanging(
  place: TopicPartition,
  { producerId, producerEpoch, coordinatorEpoch }: ProducerState,
): HangingTransaction {
  return { ...place, producerId, producerEpoch, coordinatorEpoch: Math.max(0, coordinatorEpoch) };
}

interface OpenTransaction extends TopicPartition {
  readonly producer: ProducerState;
}

/** Partitions hold transactions open that have lasted too long, and of which no coordinator knows (any more). */
async function findHanging(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const [topic, brokerId] = [args.get('topic'), args.integer('broker-id')];
  if (topic === undefined && brokerId === undefined) {
    throw new ToolError(
      'The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search',
    );
  }
  const places = await placesOf(admin, { topic, partition: args.integer('partition'), brokerId });
  const limitMs = (args.integer('max-transaction-timeout') ?? MAX_TRANSACTION_MINUTES) * MINUTE_MS;
  const now = Date.now();
  const open: OpenTransaction[] = [];
  for (const place of places) {
    for (const producer of await admin.describeProducers(place, brokerId)) {
      const isLong = now - producer.lastTimestamp > limitMs;
      if (producer.transactionStartOffset !== undefined && isLong) open.push({ ...place, producer });
    }
  }
  const known = await coordinated(admin, open);
  const found = open.filter((each) => !known.has(keyOf(each.producer.producerId, each)));
  print(
    [
      'Topic',
      'Partition',
      'ProducerId',
      'ProducerEpoch',
      'CoordinatorEpoch',
      'StartOffset',
      'LastTimestamp',
      'Duration(min)',
    ],
    found.map(({ topic: name, partition, producer }) => [
      name,
      partition,
      producer.producerId,
      producer.producerEpoch,
      producer.coordinatorEpoch,
      producer.transactionStartOffset!,
      producer.lastTimestamp,
      Math.floor((now - producer.lastTimestamp) / MINUTE_MS),
    ]),
    io,
  );
}

async function placesOf(
  admin: Admin,
  wanted: { topic: string | undefined; partition: number | undefined; brokerId: number | undefined },
): Promise<TopicPartition[]> {
  const names = wanted.topic === undefined ? await admin.listTopics() : [wanted.topic];
  const topics = await admin.describeReplicas(names);
  if (wanted.topic !== undefined && topics.length === 0) {
    throw new ToolError(`Failed to describe topic ${wanted.topic}: it does not exist.`);
  }
  return topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ partition }) => wanted.partition === undefined || partition === wanted.partition)
      .filter(({ replicas }) => wanted.brokerId === undefined || replicas.includes(wanted.brokerId))
      .map(({ partition }) => ({ topic: name, partition })),
  );
}

/** The producers with the partitions in which a coordinator knows them to have a transaction open. */
async function coordinated(admin: Admin, open: readonly OpenTransaction[]): Promise<ReadonlySet<string>> {
  if (open.length === 0) return new Set();
  const producerIds = [...new Set(open.map(({ producer }) => producer.producerId))];
  const listed = await admin.listTransactions({ producerIds });
  const described = await Promise.all(listed.map(({ transactionalId }) => admin.describeTransaction(transactionalId)));
  return new Set(
    described.flatMap(({ producerId, partitions }) => partitions.map((place) => keyOf(producerId, place))),
  );
}

function keyOf(producerId: number, { topic, partition }: TopicPartition): string {
  return `${producerId} ${topic}-${partition}`;
}

async function forceTerminate(admin: Admin, args: Arguments): Promise<void> {
  await admin.abortOpenTransactions([argument(args, 'transactionalId')]);
}

function argument(args: Arguments, name: string): string {
  const value = args.get(name);
  if (value === undefined) throw new UsageError(`argument --${name} is required`);
  return value;
}

function whole(args: Arguments, name: string): number {
  argument(args, name);
  return args.integer(name)!;
}

/** A table with a tab behind each cell. */
function print(head: readonly string[], rows: readonly (readonly (string | number)[])[], io: ToolIo): void {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  for (const line of lines) io.out(`${line.map((cell, i) => `${cell.padEnd(widths[i]!)}\t`).join('')}\n`);
}
