// `millrace groups`: groups are listed and described with their lag, set elsewhere, and deleted.
import type { Command } from 'commander';
import type { Admin, GroupDescription, TopicPartition } from '../../client/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import { currentPositions, groupOf, groupPositions, namedPartitions } from '../group-positions.ts';
import { resetTarget, type TargetOptions } from '../reset-target.ts';
import type { CommandIo } from './io.ts';
import {
  type ClusterOptions,
  collect,
  onCluster,
  type OutputOptions,
  usage,
  withAdmin,
  withOutput,
} from './options.ts';
import { column, type Column, printDetails, printRows, section } from './output.ts';

type Common = ClusterOptions & OutputOptions;

export function groups(groupsCommand: Command, io: CommandIo): void {
  const verb = (words: string, description: string): Command =>
    withOutput(onCluster(groupsCommand.command(words).description(description)));

  verb('list', 'groups with their states').action((options: Common) => list(io, options));
  verb('describe <group...>', 'members, and how far each partition is read')
    .option('--members', 'the members only')
    .action((names: string[], options: Common & { members?: boolean }) => describe(io, names, options));
  verb('delete <group...>', 'delete groups without members, with their offsets').action(
    (names: string[], options: Common) => remove(io, names, options),
  );
  verb('reset <group>', 'set offsets of a group without members; without --execute only tell what would be set')
    .option('-t, --topic <topic[:partitions]>', 'of these topics; may be repeated', collect)
    .option('--all-topics', 'of all topics that the group has offsets of')
    .option('--to-earliest', 'to the first records')
    .option('--to-latest', 'behind the last records')
    .option('--to-current', 'to where it is: for --output csv and --from-file')
    .option('--to-offset <offset>', 'to this offset')
    .option('--to-datetime <time>', 'to the first records at or after a time (UTC, unless it has a zone)')
    .option('--by-duration <PnDTnHnMnS>', 'to the first records of the last so many days, hours, minutes, seconds')
    .option('--shift-by <n>', 'by so many records, forward or (-n) back')
    .option('--from-file <file>', 'to the offsets in a file of lines topic,partition,offset')
    .option('--execute', 'do it')
    .action((name: string, options: Common & ResetOptions) => reset(io, name, options));
  verb('delete-offsets <group> <topic[:partitions]...>', 'forget offsets of partitions that no member reads').action(
    (name: string, wanted: string[], options: Common) => deleteOffsets(io, name, wanted, options),
  );
}

// ── Looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function list(io: CommandIo, options: Common): Promise<void> {
  await withAdmin(options, async (admin) => {
    const found = await admin.listGroups();
    const columns: Column<(typeof found)[number]>[] = [
      { name: 'group', value: ({ groupId }) => groupId },
      column('state'),
      { name: 'protocol', value: ({ protocolType }) => protocolType || null },
      column('type'),
    ];
    printRows(
      io,
      options.output,
      columns,
      found.toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1)),
    );
  });
}

async function describe(
  io: CommandIo,
  names: readonly string[],
  options: Common & { readonly members?: boolean },
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const all = await Promise.all(names.map((name) => described(admin, name)));
    printDetails(io, options.output, all, ({ group, state, assignor, lag, members, partitions }) => [
      ...(options.members === true
        ? []
        : [
            section(
              `${group}: ${state}, ${members.length} members${assignor === null ? '' : ` (${assignor})`}, lag ${lag}`,
              [{ name: 'group', value: () => group }, ...PARTITION],
              partitions,
            ),
          ]),
      ...(options.members === true || members.length > 0
        ? [section(`${group}: members`, [{ name: 'group', value: () => group }, ...MEMBER], members)]
        : []),
    ]);
  });
}

interface MemberDetails {
  readonly id: string;
  readonly instance: string | null;
  readonly client: string;
  readonly host: string;
  readonly partitions: readonly string[];
}

interface GroupDetails {
  readonly group: string;
  readonly state: string;
  readonly coordinator: string;
  readonly assignor: string | null;
  /** Of all partitions in which something is committed. */
  readonly lag: number;
  readonly members: readonly MemberDetails[];
  readonly partitions: readonly PartitionDetails[];
}

interface PartitionDetails extends TopicPartition {
  readonly offset: number | null;
  readonly end: number | null;
  readonly lag: number | null;
  readonly member: string | null;
}

const PARTITION: readonly Column<PartitionDetails>[] = [
  column('topic'),
  column('partition'),
  column('offset'),
  column('end'),
  column('lag'),
  column('member'),
];

const MEMBER: readonly Column<MemberDetails>[] = [
  column('id'),
  column('instance'),
  column('client'),
  column('host'),
  column('partitions'),
];

async function described(admin: Admin, name: string): Promise<GroupDetails> {
  const group = await existing(admin, name);
  const positions = (await groupPositions(admin, group)).sort(byPartition);
  const { coordinator } = group;
  return {
    group: name,
    state: group.state,
    coordinator: `${coordinator.host}:${coordinator.port}`,
    assignor: group.protocol || null,
    lag: positions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    members: group.members.map(({ memberId, groupInstanceId, clientId, host, assignment }) => ({
      id: memberId,
      instance: groupInstanceId,
      client: clientId,
      host,
      partitions: assignment.map(({ topic, partition }) => `${topic}-${partition}`).sort(),
    })),
    partitions: positions.map(({ topic, partition, offset, end, lag, member }) => ({
      topic,
      partition,
      offset: offset ?? null,
      end: end ?? null,
      lag: lag ?? null,
      member: member?.memberId ?? null,
    })),
  };
}

async function existing(admin: Admin, name: string): Promise<GroupDescription> {
  const group = await groupOf(admin, name);
  if (group !== undefined) return group;
  throw new MillraceError('GROUP_ID_NOT_FOUND', `there is no group ${name}.`);
}

function byPartition(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}

// ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function remove(io: CommandIo, names: readonly string[], options: Common): Promise<void> {
  await withAdmin(options, async (admin) => {
    const done: { readonly group: string; readonly result: string }[] = [];
    let first: unknown;
    for (const group of names) {
      try {
        await admin.deleteGroups([group]);
        done.push({ group, result: 'deleted' });
      } catch (error) {
        first ??= error;
        done.push({ group, result: messageOf(error) });
      }
    }
    printRows(io, options.output, [column<(typeof done)[number]>('group'), column('result')], done);
    if (first !== undefined) throw first;
  });
}

interface ResetOptions extends TargetOptions {
  readonly topic?: readonly string[];
  readonly allTopics?: boolean;
  readonly toCurrent?: boolean;
  readonly execute?: boolean;
}

async function reset(io: CommandIo, groupId: string, options: Common & ResetOptions): Promise<void> {
  const to = resetTarget(options);
  if ((to === undefined) === (options.toCurrent !== true)) {
    throw usage(
      'say once where to: --to-earliest, --to-latest, --to-offset, --shift-by, … (millrace groups reset --help)',
    );
  }
  const fromFile = to !== undefined && 'offsets' in to ? to.offsets : undefined;
  const ways = [options.topic !== undefined, options.allTopics === true, fromFile !== undefined];
  if (ways.filter(Boolean).length !== 1) throw usage('say once which topics: --topic, --all-topics, or --from-file.');
  const { resetPositions } = await import('../../streams/index.ts');
  await withAdmin(options, async (admin) => {
    // A group begins to be with the first offset that is set.
    const group = await groupOf(admin, groupId);
    if (group !== undefined && group.members.length > 0) {
      throw new MillraceError(
        'NON_EMPTY_GROUP',
        `${groupId} has ${group.members.length} members (${group.state}): stop them first.`,
      );
    }
    const committed = new Map(
      (await admin.committedOffsets(groupId)).map((each) => [`${each.topic}-${each.partition}`, each]),
    );
    const partitions =
      fromFile?.map(({ topic, partition }) => ({ topic, partition })) ??
      (options.topic === undefined ? [...committed.values()] : await namedPartitions(admin, options.topic));
    const wanted = partitions.map(({ topic, partition }) => ({ topic, partition })).sort(byPartition);
    const found =
      to === undefined
        ? await currentPositions(admin, groupId, wanted)
        : await resetPositions(admin, groupId, wanted, to);
    if (options.execute === true) await admin.alterOffsets(groupId, found);
    const rows = found.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      before: committed.get(`${topic}-${partition}`)?.offset ?? null,
      after: offset,
    }));
    const columns: Column<(typeof rows)[number]>[] = [
      column('topic'),
      column('partition'),
      column('before'),
      column('after'),
    ];
    printRows(io, options.output, columns, rows);
    if (options.execute !== true) io.err('Nothing is changed: --execute does it.\n');
  });
}

async function deleteOffsets(
  io: CommandIo,
  groupId: string,
  wanted: readonly string[],
  options: Common,
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const results = await admin.deleteOffsets(groupId, await namedPartitions(admin, wanted));
    const columns: Column<(typeof results)[number]>[] = [
      column('topic'),
      column('partition'),
      { name: 'result', value: ({ error }) => (error === undefined ? 'deleted' : messageOf(error)) },
    ];
    printRows(io, options.output, columns, results);
    const refused = results.filter(({ error }) => error !== undefined);
    if (refused.length > 0) throw refused[0]!.error!;
  });
}
