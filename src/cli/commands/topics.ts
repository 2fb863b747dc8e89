// `millrace topics`: topics are listed, described, made, changed, trimmed and deleted.
import type { Command } from 'commander';
import type { Admin, ConfigDetails, NewTopic, PartitionState, TopicPartition, TopicState } from '../../client/index.ts';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import { alterConfigs, CONFIG_CHANGE } from './config-changes.ts';
import { isInternal } from './internal-topics.ts';
import type { CommandIo } from './io.ts';
import {
  type ClusterOptions,
  collect,
  onCluster,
  type OutputOptions,
  pairs,
  partitionList,
  patternOf,
  usage,
  whole,
  withAdmin,
  withOutput,
} from './options.ts';
import { column, type Column, printDetails, printRows, section } from './output.ts';
import { parsePosition, positionsOf } from './positions.ts';

type Common = ClusterOptions & OutputOptions;

interface ChoiceOptions {
  readonly regex?: boolean;
  readonly internal?: boolean;
}

interface ChangeOptions {
  readonly dryRun?: boolean;
}

export function topics(topicsCommand: Command, io: CommandIo): void {
  const verb = (words: string, description: string): Command =>
    withOutput(onCluster(topicsCommand.command(words).description(description)));
  const chooses = (command: Command): Command =>
    command.option('-r, --regex', 'the names are regular expressions for whole names');
  const changes = (command: Command): Command => command.option('--dry-run', 'only check, and tell what would be done');

  chooses(verb('list [topic...]', 'names with partitions and replicas'))
    .option('-i, --internal', 'topics of services (_…), too')
    .action((names: string[], options: Common & ChoiceOptions) => list(io, names, options));
  chooses(verb('describe <topic...>', 'partitions with their replicas, offsets and sizes; configs of the topic’s own'))
    .option('-a, --all-configs', 'configs that have their default, too')
    .action((names: string[], options: Common & ChoiceOptions & { allConfigs?: boolean }) =>
      describe(io, names, options),
    );
  changes(verb('create <topic...>', 'make topics'))
    .option('-p, --partitions <n>', 'how many partitions (default: the broker’s num.partitions)', whole(1))
    .option('-r, --replicas <n>', 'how many brokers have each partition', whole(1))
    .option('-c, --config <name=value>', 'a config of the topic; may be repeated', collect)
    .option('--if-not-exists', 'no error where there is one of that name')
    .action((names: string[], options: Common & CreateOptions) => create(io, names, options));
  changes(chooses(verb('delete <topic...>', 'delete topics with all their records')))
    .option('--if-exists', 'no error where there is none of that name')
    .action((names: string[], options: Common & ChoiceOptions & DeleteOptions) => remove(io, names, options));
  changes(verb('alter <topic>', 'change configs of a topic'))
    .option('-c, --config <name=value>', 'a config that is set; may be repeated', collect)
    .option('--delete-config <name>', 'a config that gets its default again; may be repeated', collect)
    .action((name: string, options: Common & AlterOptions) => alter(io, name, options));
  changes(verb('add-partitions <topic>', 'give a topic more partitions'))
    .option('-n, --num <n>', 'so many more', whole(1))
    .option('--total <n>', 'so many in all', whole(1))
    .action((name: string, options: Common & PartitionsOptions) => addPartitions(io, name, options));
  changes(verb('trim <topic>', 'delete the records before an offset'))
    .requiredOption('--offset <position>', 'the first record that stays: a number, end, -n (the last n), @time')
    .option('-p, --partitions <list>', 'only of these partitions: 0,2,5-7', partitionList)
    .action((name: string, options: Common & TrimOptions) => trim(io, name, options));
  verb('offsets <topic...>', 'where partitions begin and end')
    .option('--at <position>', 'the offset there, too: a number, start, end, +n, -n, @time')
    .action((names: string[], options: Common & { at?: string }) => offsets(io, names, options));
}

// ── Looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function list(io: CommandIo, names: readonly string[], options: Common & ChoiceOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const states = await chosen(admin, names, options);
    const shown = states.filter(({ name }) => !isInternal(name) || options.internal === true || names.length > 0);
    const columns: Column<TopicState>[] = [
      { name: 'topic', value: ({ name }) => name },
      { name: 'partitions', value: ({ partitions }) => partitions.length },
      { name: 'replicas', value: ({ partitions }) => partitions[0]?.replicas.length ?? 0 },
      ...(options.internal === true ? [column<TopicState>('internal')] : []),
    ];
    printRows(io, options.output, columns, shown);
  });
}

interface PartitionDetails {
  readonly partition: number;
  /** Null: none at the moment; then where it begins and ends is not known. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  readonly start: number | null;
  readonly end: number | null;
  readonly messages: number | null;
  readonly bytes: number | null;
}

interface TopicDetails {
  readonly topic: string;
  readonly id: string;
  readonly internal: boolean;
  readonly messages: number;
  readonly bytes: number;
  readonly partitions: readonly PartitionDetails[];
  readonly configs: readonly Pick<ConfigDetails, 'name' | 'value' | 'source'>[];
}

async function describe(
  io: CommandIo,
  names: readonly string[],
  options: Common & ChoiceOptions & { readonly allConfigs?: boolean },
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const states = await chosen(admin, names, options);
    const sizes = await sizesOf(admin, states);
    const all: TopicDetails[] = [];
    for (const { name, topicId, internal, partitions } of states) {
      const limits = await limitsOf(admin, name, partitions);
      const details = partitions.map((each) =>
        detailsOf(each, limits.get(each.partition), sizes.get(`${name}-${each.partition}`)),
      );
      const configs = await admin.describeConfigs({ type: 'topic', name });
      all.push({
        topic: name,
        id: topicId,
        internal,
        messages: details.reduce((sum, { messages }) => sum + (messages ?? 0), 0),
        bytes: details.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
        partitions: details,
        configs: configs
          .filter(({ source }) => options.allConfigs === true || source === 'DYNAMIC_TOPIC_CONFIG')
          .map(({ name: config, value, source }) => ({ name: config, value, source })),
      });
    }
    printDetails(io, options.output, all, (topic) => [
      section(
        `${topic.topic}: ${topic.partitions.length} partitions, ${topic.messages} records, id ${topic.id}`,
        [{ name: 'topic', value: () => topic.topic }, ...PARTITION_COLUMNS],
        topic.partitions,
      ),
      ...(topic.configs.length === 0
        ? []
        : [
            section(
              `${topic.topic}: configs`,
              [column<TopicDetails['configs'][number]>('name'), column('value'), column('source')],
              topic.configs,
            ),
          ]),
    ]);
  });
}

const PARTITION_COLUMNS: readonly Column<PartitionDetails>[] = [
  column('partition'),
  column('leader'),
  column('replicas'),
  column('inSync'),
  column('start'),
  column('end'),
  column('messages'),
  column('bytes', 'bytes'),
];

function detailsOf(
  { partition, leader, replicas, isr }: PartitionState,
  limits: Limits | undefined,
  bytes: number | undefined,
): PartitionDetails {
  return {
    partition,
    leader: leader < 0 ? null : leader,
    replicas,
    inSync: isr,
    start: limits?.start ?? null,
    end: limits?.end ?? null,
    messages: limits === undefined ? null : limits.end - limits.start,
    bytes: bytes ?? null,
  };
}

interface Limits {
  readonly start: number;
  readonly end: number;
}

/** Where those partitions begin and end that have a leader to tell. */
async function limitsOf(
  admin: Admin,
  topic: string,
  partitions: readonly PartitionState[],
): Promise<ReadonlyMap<number, Limits>> {
  const led = partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic, partition }));
  const [starts, ends] = await Promise.all(
    [-2, -1].map((timestamp) => admin.listOffsets(led.map((each) => ({ ...each, timestamp })))),
  );
  return new Map(led.map(({ partition }, i) => [partition, { start: starts![i]!.offset, end: ends![i]!.offset }]));
}

/** The largest of a partition's replicas, which is its leader's or catches up with it. */
async function sizesOf(admin: Admin, states: readonly TopicState[]): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  const wanted = states.flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition })),
  );
  for (const { id } of await admin.brokers()) {
    for (const { partitions } of await admin.describeLogDirs(wanted, id)) {
      for (const { topic, partition, sizeBytes, isFuture } of partitions) {
        const name = `${topic}-${partition}`;
        if (!isFuture) sizes.set(name, Math.max(sizes.get(name) ?? 0, sizeBytes));
      }
    }
  }
  return sizes;
}

async function offsets(
  io: CommandIo,
  names: readonly string[],
  options: Common & { readonly at?: string },
): Promise<void> {
  const position = options.at === undefined ? undefined : parsePosition('--at', options.at);
  await withAdmin(options, async (admin) => {
    const rows: (TopicPartition & Limits & { readonly at?: number })[] = [];
    for (const { name, partitions } of await chosen(admin, names)) {
      const limits = await limitsOf(admin, name, partitions);
      const there = [...limits.keys()].map((partition) => ({ topic: name, partition }));
      const found = position === undefined ? [] : await positionsOf(admin, there, position);
      there.forEach((each, i) => {
        rows.push({ ...each, ...limits.get(each.partition)!, ...(found.length === 0 ? {} : { at: found[i]! }) });
      });
    }
    const columns: Column<(typeof rows)[number]>[] = [
      column('topic'),
      column('partition'),
      column('start'),
      column('end'),
      { name: 'messages', value: ({ start, end }) => end - start },
      ...(position === undefined ? [] : [column<(typeof rows)[number]>('at')]),
    ];
    printRows(io, options.output, columns, rows);
  });
}

/** The topics that are named, all without names. Who names one that is not there is told so. */
async function chosen(admin: Admin, names: readonly string[], { regex }: ChoiceOptions = {}): Promise<TopicState[]> {
  if (names.length > 0 && regex !== true) {
    const states = await admin.describeReplicas([...new Set(names)]);
    const missing = names.filter((wanted) => !states.some(({ name }) => name === wanted));
    if (missing.length === 0) return states;
    throw new MillraceError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${missing.join(', ')}.`);
  }
  const patterns = names.map((name) => patternOf(name));
  const all = await admin.listTopics();
  const matching = all.filter((name) => patterns.length === 0 || patterns.some((pattern) => pattern.matches(name)));
  if (matching.length === 0 && names.length > 0) {
    throw new MillraceError('UNKNOWN_TOPIC_OR_PARTITION', `no topic matches ${names.join(', ')}.`);
  }
  return admin.describeReplicas(matching);
}

// ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface CreateOptions extends ChangeOptions {
  readonly partitions?: number;
  readonly replicas?: number;
  readonly config?: readonly string[];
  readonly ifNotExists?: boolean;
}

interface Done {
  readonly topic: string;
  readonly result: string;
}

const DONE: readonly Column<Done>[] = [column('topic'), column('result')];

async function create(io: CommandIo, names: readonly string[], options: Common & CreateOptions): Promise<void> {
  const { partitions, replicas, config, ifNotExists, dryRun = false } = options;
  const topic: Omit<NewTopic, 'name'> = {
    configs: pairs(config),
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicas === undefined ? {} : { replicationFactor: replicas }),
  };
  await withAdmin(options, async (admin) => {
    await eachOf(io, options, names, async (name) => {
      try {
        await admin.createTopics([{ name, ...topic }], { validateOnly: dryRun });
      } catch (error) {
        if (ifNotExists !== true || codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
        return 'exists already';
      }
      return dryRun ? 'would be created' : 'created';
    });
  });
}

interface DeleteOptions extends ChangeOptions {
  readonly ifExists?: boolean;
}

async function remove(
  io: CommandIo,
  names: readonly string[],
  options: Common & ChoiceOptions & DeleteOptions,
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const there = await namesThere(admin, names, options);
    await eachOf(io, options, there, async (name) => {
      if (options.dryRun === true) return 'would be deleted';
      await admin.deleteTopics([name]);
      return 'deleted';
    });
  });
}

async function namesThere(
  admin: Admin,
  names: readonly string[],
  options: ChoiceOptions & DeleteOptions,
): Promise<readonly string[]> {
  if (options.ifExists !== true || options.regex === true) {
    try {
      return (await chosen(admin, names, options)).map(({ name }) => name);
    } catch (error) {
      if (options.ifExists === true && codeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return [];
      throw error;
    }
  }
  return (await admin.describeReplicas(names)).map(({ name }) => name);
}

/** One after the other; what went wrong with some is told at the end, when the others are done. */
async function eachOf(
  io: CommandIo,
  { output }: OutputOptions,
  names: readonly string[],
  work: (name: string) => Promise<string>,
): Promise<void> {
  const done: Done[] = [];
  const failures: unknown[] = [];
  for (const topic of names) {
    try {
      done.push({ topic, result: await work(topic) });
    } catch (error) {
      failures.push(error);
      done.push({ topic, result: (error instanceof MillraceError ? error.detail : undefined) ?? messageOf(error) });
    }
  }
  printRows(io, output, DONE, done);
  if (failures.length > 0) {
    throw new MillraceError(
      codeOf(failures[0]) ?? 'UNKNOWN_SERVER_ERROR',
      failures.length === 1 ? messageOf(failures[0]) : `${failures.length} of ${names.length} topics were refused.`,
      { cause: failures[0] },
    );
  }
}

interface AlterOptions extends ChangeOptions {
  readonly config?: readonly string[];
  readonly deleteConfig?: readonly string[];
}

async function alter(io: CommandIo, name: string, options: Common & AlterOptions): Promise<void> {
  const set: Record<string, string | null> = { ...pairs(options.config) };
  for (const config of options.deleteConfig ?? []) set[config] = null;
  if (Object.keys(set).length === 0) throw usage('say what changes: --config name=value, or --delete-config name.');
  await withAdmin(options, async (admin) => {
    const changes = await alterConfigs(admin, { type: 'topic', name }, set, options.dryRun === true);
    printRows(io, options.output, CONFIG_CHANGE, changes);
  });
}

interface PartitionsOptions extends ChangeOptions {
  readonly num?: number;
  readonly total?: number;
}

async function addPartitions(io: CommandIo, name: string, options: Common & PartitionsOptions): Promise<void> {
  const { num, total, dryRun = false } = options;
  if ((num === undefined) === (total === undefined)) throw usage('say how many: with --num, or with --total.');
  await withAdmin(options, async (admin) => {
    const [state] = await chosen(admin, [name]);
    const before = state!.partitions.length;
    const after = total ?? before + num!;
    await admin.createPartitions(name, after, { validateOnly: dryRun });
    const columns: Column<{ topic: string; before: number; after: number }>[] = [
      column('topic'),
      column('before'),
      column('after'),
    ];
    printRows(io, options.output, columns, [{ topic: name, before, after }]);
  });
}

interface TrimOptions extends ChangeOptions {
  readonly offset: string;
  readonly partitions?: readonly number[];
}

async function trim(io: CommandIo, name: string, options: Common & TrimOptions): Promise<void> {
  const position = parsePosition('--offset', options.offset);
  await withAdmin(options, async (admin) => {
    const [state] = await chosen(admin, [name]);
    const wanted = options.partitions ?? state!.partitions.map(({ partition }) => partition);
    const beyond = wanted.find((partition) => partition >= state!.partitions.length);
    if (beyond !== undefined) {
      throw new MillraceError('UNKNOWN_TOPIC_OR_PARTITION', `the topic ${name} has no partition ${beyond}.`);
    }
    const partitions = wanted.map((partition) => ({ topic: name, partition }));
    const limits = await limitsOf(admin, name, state!.partitions);
    const to = await positionsOf(admin, partitions, position);
    const before = partitions.map((each, i) => ({ ...each, offset: to[i]! }));
    const marks =
      options.dryRun === true
        ? before.map(({ topic, partition, offset }) => ({ topic, partition, lowWatermark: offset }))
        : await admin.deleteRecords(before);
    const rows = before.map(({ topic, partition }) => {
      const { start } = limits.get(partition)!;
      const mark = marks.find((each) => each.partition === partition)!.lowWatermark;
      return { topic, partition, start, newStart: mark, deleted: mark - start };
    });
    const columns: Column<(typeof rows)[number]>[] = [
      column('topic'),
      column('partition'),
      column('start'),
      column('newStart'),
      column('deleted'),
    ];
    printRows(io, options.output, columns, rows);
  });
}
