// kafka-topics: topics are listed, described, made, given more partitions, and deleted.
import type { Admin, PartitionState, TopicState } from '../../client/index.ts';
import { RE2JS } from 're2js';
import { codeOf } from '../../util/index.ts';
import { type Arguments, pairOf, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, type Tool, type ToolIo, withAdmin } from './tool.ts';

const ACTIONS = ['create', 'list', 'alter', 'describe', 'delete'] as const;
const COLLISION =
  "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.";

export const topics: Tool = {
  summary: 'Create, delete, describe, or change topics.',
  onError: () => 'Error while executing topic command : ',
  flags: {
    ...BOOTSTRAP_FLAGS,
    create: { text: 'Create a new topic.' },
    list: { text: 'List all available topics.' },
    describe: { text: 'List details for the given topics.' },
    alter: { text: 'Alter the number of partitions.' },
    delete: { text: 'Delete a topic.' },
    topic: { takes: 'topic', text: 'The topic; a regular expression where none is created.' },
    'topic-id': { takes: 'topic-id', text: 'The id of the topic to describe.' },
    partitions: { takes: '# of partitions', text: 'How many partitions the topic is to have.' },
    'replication-factor': { takes: 'replication factor', text: 'How many brokers have each partition.' },
    config: { takes: 'name=value', text: 'A configuration of the topic that is created. May be repeated.' },
    'if-exists': { text: 'Do nothing where the topic does not exist.' },
    'if-not-exists': { text: 'Do nothing where the topic exists.' },
    'exclude-internal': { text: 'Leave internal topics out.' },
    'topics-with-overrides': { text: 'Describe only topics with configs of their own.' },
    'under-replicated-partitions': { text: 'Describe only partitions that lack replicas.' },
    'unavailable-partitions': { text: 'Describe only partitions without a leader.' },
    'under-min-isr-partitions': { text: 'Describe only partitions with fewer replicas in sync than they are to have.' },
    'at-min-isr-partitions': { text: 'Describe only partitions with as few replicas in sync as they may have.' },
    'delete-config': {
      takes: 'name',
      text: '',
      ignored: 'configs of topics are changed with kafka-configs.',
    },
    'replica-assignment': {
      takes: 'brokers',
      text: '',
      ignored: 'which broker has which replica is left to the cluster.',
    },
    'partition-size-limit-per-response': { takes: 'n', text: '', ignored: 'answers come in pages as they are.' },
    force: { text: '', ignored: 'nothing is asked.' },
  },
  async run(args, io) {
    const action = args.action(
      ACTIONS,
      'Command must include exactly one action: --list, --describe, --create, --alter or --delete',
    );
    checkFlags(args, action);
    await withAdmin(args, (admin) => DO[action as (typeof ACTIONS)[number]](admin, args, io));
  },
};

const DO: Readonly<Record<(typeof ACTIONS)[number], (admin: Admin, args: Arguments, io: ToolIo) => Promise<void>>> = {
  create,
  list,
  describe,
  alter,
  delete: remove,
};

function checkFlags(args: Arguments, action: string): void {
  // What others write behind --describe and its like is the topic.
  if (args.words.length > (args.has('topic') ? 0 : 1)) {
    throw new UsageError(`There are words without a flag: ${args.words.join(' ')}`);
  }
  if ((action === 'create' || action === 'delete' || action === 'alter') && topicOf(args) === undefined) {
    throw new UsageError('Missing required argument "[topic]"');
  }
  if (action === 'alter' && !args.has('partitions')) throw new UsageError('Missing required argument "[partitions]"');
  const onlyWith: Readonly<Record<string, readonly string[]>> = {
    config: ['create'],
    'replication-factor': ['create'],
    partitions: ['create', 'alter'],
    'if-not-exists': ['create'],
    'if-exists': ['alter', 'delete', 'describe'],
    'exclude-internal': ['list', 'describe'],
    ...Object.fromEntries([...FILTERS.keys(), 'topics-with-overrides', 'topic-id'].map((name) => [name, ['describe']])),
  };
  for (const [flag, actions] of Object.entries(onlyWith)) {
    if (!actions.includes(action)) args.forbids(flag, [action]);
  }
}

function topicOf(args: Arguments): string | undefined {
  return args.get('topic') ?? args.words[0];
}

async function create(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const name = topicOf(args)!;
  if (/[._]/.test(name)) io.out(`${COLLISION}\n`);
  const partitions = atLeastOne(args, 'partitions');
  const replicationFactor = atLeastOne(args, 'replication-factor');
  const configs = Object.fromEntries(args.all('config').map((text) => pairOf(text, 'topic config')));
  try {
    await admin.createTopics([
      {
        name,
        ...(partitions === undefined ? {} : { partitions }),
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        ...(Object.keys(configs).length === 0 ? {} : { configs }),
      },
    ]);
  } catch (error) {
    if (codeOf(error) === 'TOPIC_ALREADY_EXISTS' && args.has('if-not-exists')) return;
    throw error;
  }
  io.out(`Created topic ${name}.\n`);
}

function atLeastOne(args: Arguments, flag: string): number | undefined {
  const value = args.integer(flag);
  if (value !== undefined && value < 1) {
    throw new UsageError(
      `The ${flag === 'partitions' ? 'partitions' : 'replication factor'} must be greater than 0`,
      false,
    );
  }
  return value;
}

async function list(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  for (const name of await chosen(admin, args)) io.out(`${name}\n`);
}

async function alter(admin: Admin, args: Arguments): Promise<void> {
  const names = await existing(admin, args);
  const partitions = atLeastOne(args, 'partitions')!;
  for (const name of names) await admin.createPartitions(name, partitions);
}

async function remove(admin: Admin, args: Arguments): Promise<void> {
  await admin.deleteTopics(await existing(admin, args));
}

/** Partitions that a flag is about; given are how many replicas are to be in sync at least. */
const FILTERS: ReadonlyMap<string, (partition: PartitionState, minIsr: number) => boolean> = new Map([
  ['under-replicated-partitions', ({ isr, replicas }) => isr.length < replicas.length],
  ['unavailable-partitions', ({ leader }) => leader < 0],
  ['under-min-isr-partitions', ({ isr }, minIsr) => isr.length < minIsr],
  ['at-min-isr-partitions', ({ isr }, minIsr) => isr.length === minIsr],
]);

async function describe(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const filters = [...FILTERS].flatMap(([flag, filter]) => (args.has(flag) ? [filter] : []));
  const id = args.get('topic-id');
  const states = await admin.describeReplicas(
    id === undefined ? await existing(admin, args) : await admin.listTopics(),
  );
  const wanted = id === undefined ? states : states.filter(({ topicId }) => topicId === id);
  if (wanted.length === 0 && id !== undefined && !args.has('if-exists')) {
    throw new Error(`TopicId '${id}' does not exist as expected`);
  }
  for (const state of wanted) {
    const configs = await admin.describeConfigs({ type: 'topic', name: state.name });
    const own = configs.filter(({ source }) => source !== 'DEFAULT_CONFIG');
    if (args.has('topics-with-overrides') && own.length === 0) continue;
    const minIsr = Number(configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1);
    if (filters.length === 0) io.out(headOf(state, own));
    if (args.has('topics-with-overrides')) continue;
    for (const partition of state.partitions) {
      if (filters.every((filter) => filter(partition, minIsr))) io.out(lineOf(state.name, partition));
    }
  }
}

function headOf(
  { name, topicId, partitions }: TopicState,
  configs: readonly { readonly name: string; readonly value: string | null }[],
): string {
  const fields = [
    `Topic: ${name}`,
    `TopicId: ${topicId}`,
    `PartitionCount: ${partitions.length}`,
    `ReplicationFactor: ${partitions[0]?.replicas.length ?? 0}`,
    `Configs: ${configs.map((config) => `${config.name}=${config.value}`).join(',')}`,
  ];
  return `${fields.join('\t')}\n`;
}

function lineOf(topic: string, { partition, leader, replicas, isr, elr, lastKnownElr }: PartitionState): string {
  const fields = [
    `Topic: ${topic}`,
    `Partition: ${partition}`,
    `Leader: ${leader < 0 ? 'none' : leader}`,
    `Replicas: ${replicas.join(',')}`,
    `Isr: ${isr.join(',')}`,
    `Elr: ${elr?.join(',') ?? 'N/A'}`,
    `LastKnownElr: ${lastKnownElr?.join(',') ?? 'N/A'}`,
  ];
  return `\t${fields.join('\t')}\n`;
}

/** The topics that the flags choose, in the order of their names. */
async function chosen(admin: Admin, args: Arguments): Promise<string[]> {
  const wanted = topicOf(args);
  const pattern =
    wanted === undefined ? undefined : RE2JS.compile(wanted.replaceAll(',', '|').replaceAll('"', '').trim());
  const found = (await admin.listTopics()).filter((name) => pattern === undefined || pattern.matches(name));
  const internal = args.has('exclude-internal') ? await internalOf(admin, found) : new Set<string>();
  return found.filter((name) => !internal.has(name)).sort();
}

async function internalOf(admin: Admin, names: readonly string[]): Promise<ReadonlySet<string>> {
  const states = await admin.describeReplicas(names);
  return new Set(states.filter(({ internal }) => internal).map(({ name }) => name));
}

/** The same; a topic that is asked for by name has to be there. */
async function existing(admin: Admin, args: Arguments): Promise<string[]> {
  const names = await chosen(admin, args);
  const wanted = topicOf(args);
  if (names.length === 0 && wanted !== undefined && !args.has('if-exists')) {
    throw new Error(`Topic '${wanted}' does not exist as expected`);
  }
  return names;
}
