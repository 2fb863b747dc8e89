// kafka-consumer-groups: who reads what, how far, and where a group is to go on.
import type { Admin, GroupDescription, GroupMemberDescription, TopicPartition } from '../../client/index.ts';
import { resetPositions, type ResetTo } from '../../streams/index.ts';
import { codeOf, messageOf } from '../../util/index.ts';
import { currentPositions, groupOf, groupPositions, namedPartitions } from '../group-positions.ts';
import { resetTarget } from '../reset-target.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, columns, type Tool, ToolError, type ToolIo, withAdmin } from './tool.ts';

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const;
const STATES = ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead', 'Assigning', 'Reconciling'];
const DRY_RUN =
  'WARN: No action will be performed as the --execute option is missing. In a future major release, the default behavior of this command will be to prompt the user before executing the reset rather than doing a dry run. You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting.';

export const consumerGroups: Tool = {
  summary: 'List, describe, delete, or reset the offsets of consumer groups.',
  onError: () => '\nError: Executing consumer group command failed due to ',
  flags: {
    ...BOOTSTRAP_FLAGS,
    list: { text: 'List all groups.' },
    describe: { text: 'Tell of groups: their offsets and lags, or --members, or --state.' },
    delete: { text: 'Delete groups without members.' },
    'reset-offsets': { text: 'Set the offsets of a group without members: with --execute; else only tell.' },
    'delete-offsets': { text: 'Forget offsets of topics that the group does not read any more.' },
    group: { takes: 'consumer group', text: 'The group. May be repeated.' },
    'all-groups': { text: 'All groups.' },
    topic: { takes: 'topic', text: 'A topic, or topic:0,1 for some of its partitions. May be repeated.' },
    'all-topics': { text: 'All topics that the group has read.' },
    offsets: { text: 'Describe offsets, which is what is described without any of these.' },
    members: { text: 'Describe the members.' },
    state: { takes: 'state', otherwise: '', text: 'Describe the state; with --list, only groups in these states.' },
    type: {
      takes: 'type',
      otherwise: '',
      text: 'With --list: the types, or only groups of these (classic, consumer).',
    },
    verbose: { text: 'Describe more of each.' },
    'to-earliest': { text: 'To the first records.' },
    'to-latest': { text: 'Behind the last records.' },
    'to-current': { text: 'To where the group is.' },
    'to-offset': { takes: 'offset', text: 'To this offset.' },
    'to-datetime': { takes: 'datetime', text: "To the first records at or after 'YYYY-MM-DDThh:mm:ss.sss'." },
    'by-duration': { takes: 'duration', text: "To the first records of the last 'PnDTnHnMnS'." },
    'shift-by': { takes: 'number-of-offsets', text: 'By so many, forward or (-n) back.' },
    'from-file': { takes: 'path to CSV file', text: 'To the offsets in lines topic,partition,offset.' },
    'dry-run': { text: 'Only tell what would be set.' },
    execute: { text: 'Set it.' },
    export: { text: 'Print it as lines for --from-file.' },
    timeout: { takes: 'timeout (ms)', text: '', ignored: 'the client waits as long as it has to.' },
    'delete-all-groups': { now: 'all-groups', text: '' },
  },
  async run(args, io) {
    const action = args.action(
      ACTIONS,
      'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets',
    );
    if (action !== 'list' && !args.has('group') && !args.has('all-groups')) {
      throw new UsageError(`Option "[${action}]" takes one of these options: [group], [all-groups]`);
    }
    await withAdmin(args, (admin) => DO[action as (typeof ACTIONS)[number]](admin, args, io));
  },
};

const DO: Readonly<Record<(typeof ACTIONS)[number], (admin: Admin, args: Arguments, io: ToolIo) => Promise<void>>> = {
  list,
  describe,
  delete: remove,
  'reset-offsets': reset,
  'delete-offsets': removeOffsets,
};

// ── Listing ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function list(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const groups = (await admin.listGroups()).filter(
    ({ protocolType }) => protocolType === 'consumer' || protocolType === '',
  );
  const [states, types] = [wordsOf(args.get('state')), wordsOf(args.get('type'))];
  const unknown = states.find((state) => !STATES.some((each) => each.toLowerCase() === state));
  if (unknown !== undefined)
    throw new UsageError(`Invalid state list '${unknown}'. Valid states are: ${STATES.join(', ')}`);
  const wanted = groups.filter(
    ({ state, type }) =>
      (states.length === 0 || states.includes(state.toLowerCase())) &&
      (types.length === 0 || types.includes(type.toLowerCase())),
  );
  const shown = [...(args.has('type') ? ['type' as const] : []), ...(args.has('state') ? ['state' as const] : [])];
  const width = Math.max(15, ...wanted.map(({ groupId }) => groupId.length));
  const cell = (text: string): string => text.padEnd(20);
  if (shown.length > 0) {
    const longest = Math.max(25, width);
    io.out(`${['GROUP'.padEnd(longest), ...shown.map((field) => cell(field.toUpperCase()))].join(' ')}\n`);
    for (const group of wanted) {
      io.out(`${[group.groupId.padEnd(longest), ...shown.map((field) => cell(named(group[field])))].join(' ')}\n`);
    }
    return;
  }
  for (const { groupId } of wanted) io.out(`${groupId}\n`);
}

/** Types come in small letters, and are shown as states are. */
function named(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function wordsOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '');
}

async function groupsOf(admin: Admin, args: Arguments): Promise<readonly string[]> {
  if (!args.has('all-groups')) return [...new Set(args.all('group'))];
  return (await admin.listGroups()).map(({ groupId }) => groupId).sort();
}

// ── Describing ────────────────────────────────────────────────────────────────────────────────────────────────────

async function describe(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const views = ['offsets', 'members', 'state'].filter((view) => args.has(view));
  if (views.length > 1)
    throw new UsageError('Option "[describe]" takes at most one of these options: [members], [offsets], [state]');
  for (const groupId of await groupsOf(admin, args)) {
    const group = await groupOf(admin, groupId);
    if (group === undefined) throw new ToolError(`\nError: Consumer group '${groupId}' does not exist.`);
    io.out('\n');
    if (group.state !== 'Stable' && group.members.length === 0) {
      io.out(`Consumer group '${groupId}' has no active members.\n`);
      io.out('\n');
    }
    if (views[0] === 'state') describeState(group, io);
    else if (views[0] === 'members') describeMembers(group, args.has('verbose'), io);
    else await describeOffsets(admin, group, args.has('verbose'), io);
  }
}

function describeState({ groupId, coordinator, protocol, state, members }: GroupDescription, io: ToolIo): void {
  const { host, port, id } = coordinator;
  const widths = [Math.max(15, groupId.length), 25, 20, 20];
  io.out(`${columns(widths, ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE', '#MEMBERS'])}\n`);
  io.out(`${columns(widths, [groupId, `${host}:${port}  (${id})`, protocol || '-', state, members.length])}\n`);
}

function describeMembers({ groupId, members }: GroupDescription, isVerbose: boolean, io: ToolIo): void {
  const longest = (heading: number, texts: readonly string[]): number =>
    Math.max(heading, ...texts.map((t) => t.length));
  const isStatic = members.some(({ groupInstanceId }) => groupInstanceId !== null);
  const widths = [
    longest(15, [groupId]),
    longest(
      15,
      members.map(({ memberId }) => memberId),
    ),
    ...(isStatic
      ? [
          longest(
            17,
            members.map(({ groupInstanceId }) => groupInstanceId ?? ''),
          ),
        ]
      : []),
    longest(
      15,
      members.map(({ host }) => host),
    ),
    longest(
      15,
      members.map(({ clientId }) => clientId),
    ),
    isVerbose ? 15 : 16,
    ...(isVerbose ? [15, longest(20, members.map(assignmentText)), 15, 20] : []),
  ];
  const instance = (text: string): string[] => (isStatic ? [text] : []);
  const verbose = ['CURRENT-EPOCH', 'CURRENT-ASSIGNMENT', 'TARGET-EPOCH', 'TARGET-ASSIGNMENT'];
  const heads = ['GROUP', 'CONSUMER-ID', ...instance('GROUP-INSTANCE-ID'), 'HOST', 'CLIENT-ID', '#PARTITIONS'];
  io.out(`${columns(widths, [...heads, ...(isVerbose ? verbose : [])])}\n`);
  for (const member of members) {
    const { memberId, groupInstanceId, host, clientId, assignment } = member;
    const cells = [groupId, memberId, ...instance(groupInstanceId ?? ''), host, clientId, assignment.length];
    io.out(`${columns(widths, [...cells, ...(isVerbose ? ['-', assignmentText(member), '-', '-'] : [])])}\n`);
  }
}

function assignmentText({ assignment }: GroupMemberDescription): string {
  const topics = Map.groupBy(assignment, ({ topic }) => topic);
  const texts = [...topics].sort().map(([topic, list]) => {
    const partitions = list.map(({ partition }) => partition).sort((a, b) => a - b);
    return `${topic}:${partitions.join(',')}`;
  });
  return texts.length === 0 ? '-' : texts.join(';');
}

async function describeOffsets(admin: Admin, group: GroupDescription, isVerbose: boolean, io: ToolIo): Promise<void> {
  const { groupId } = group;
  const rows = (await groupPositions(admin, group)).map(({ topic, partition, offset, end, lag, member }) => ({
    order: `${member === undefined ? '~' : ''}${topic}`,
    partition,
    cells: [
      groupId,
      topic,
      partition,
      ...(isVerbose ? ['-'] : []),
      offset ?? '-',
      end ?? '-',
      lag ?? '-',
      member?.memberId ?? '-',
      member?.host ?? '-',
      member?.clientId ?? '-',
    ],
  }));
  rows.sort((a, b) => (a.order === b.order ? a.partition - b.partition : a.order < b.order ? -1 : 1));
  const widest = (column: number, least: number): number =>
    Math.max(least, ...rows.map(({ cells }) => String(cells[column]).length));
  const behind = isVerbose ? 7 : 6;
  const widths = [
    widest(0, 15),
    widest(1, 15),
    10,
    ...(isVerbose ? [15] : []),
    15,
    15,
    15,
    widest(behind, 15),
    widest(behind + 1, 15),
    0,
  ];
  const heads = ['GROUP', 'TOPIC', 'PARTITION', ...(isVerbose ? ['LEADER-EPOCH'] : [])];
  io.out(
    `${columns(widths, [...heads, 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG', 'CONSUMER-ID', 'HOST', 'CLIENT-ID'])}\n`,
  );
  for (const { cells } of rows) io.out(`${columns(widths, cells)}\n`);
}

// ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function remove(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const groups = await groupsOf(admin, args);
  const failures: string[] = [];
  const done: string[] = [];
  for (const group of groups) {
    try {
      await admin.deleteGroups([group]);
      done.push(group);
    } catch (error) {
      failures.push(`* Group '${group}' could not be deleted due to: ${messageOf(error)}`);
    }
  }
  const names = (list: readonly string[]): string => list.map((group) => `'${group}'`).join(', ');
  if (failures.length === 0) {
    io.out(`Deletion of requested consumer groups (${names(done)}) was successful.\n`);
    return;
  }
  io.out(`\nError: Deletion of some consumer groups failed:\n${failures.join('\n')}\n`);
  if (done.length > 0) io.out(`\nThese consumer groups were deleted successfully: ${names(done)}\n`);
}

async function reset(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  if (!args.has('topic') && !args.has('all-topics') && !args.has('from-file')) {
    throw new UsageError('Option "[reset-offsets]" takes one of these options: [topic], [all-topics]');
  }
  if (args.has('execute') && args.has('dry-run')) {
    throw new UsageError('Option "[reset-offsets]" only accepts one of [execute], [dry-run]');
  }
  const to = targetOf(args);
  if (!args.has('execute') && !args.has('dry-run')) io.err(`${DRY_RUN}\n`);
  const resets: { readonly groupId: string; readonly offsets: readonly (TopicPartition & { offset: number })[] }[] = [];
  for (const groupId of await groupsOf(admin, args)) {
    // A group begins to be with the first offset that is set.
    const group = await groupOf(admin, groupId);
    if (group !== undefined && group.members.length > 0) {
      io.out(
        `\nError: Assignments can only be reset if the group '${groupId}' is inactive, but the current state is ${group.state}.\n`,
      );
      continue;
    }
    const partitions = await partitionsOf(admin, groupId, args, to);
    const offsets =
      to === 'current'
        ? await currentPositions(admin, groupId, partitions)
        : await resetPositions(admin, groupId, partitions, to);
    if (args.has('execute')) await admin.alterOffsets(groupId, offsets);
    resets.push({ groupId, offsets });
  }
  if (args.has('export')) {
    const isOne = resets.length < 2;
    for (const { groupId, offsets } of resets) {
      for (const { topic, partition, offset } of offsets) {
        io.out(`${isOne ? '' : `${groupId},`}${topic},${partition},${offset}\n`);
      }
    }
    io.out('\n');
    return;
  }
  const widths = [30, 30, 10, 15];
  io.out(`\n${columns(widths, ['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'])}\n`);
  for (const { groupId, offsets } of resets) {
    for (const { topic, partition, offset } of offsets) {
      io.out(`${columns(widths, [groupId, topic, partition, offset])}\n`);
    }
  }
}

function targetOf(args: Arguments): ResetTo | 'current' {
  const text = (flag: string): string | undefined => args.get(flag);
  const options = Object.fromEntries(
    Object.entries({
      toEarliest: args.has('to-earliest') || undefined,
      toLatest: args.has('to-latest') || undefined,
      toOffset: text('to-offset'),
      toDatetime: text('to-datetime'),
      byDuration: text('by-duration'),
      shiftBy: text('shift-by'),
      fromFile: text('from-file'),
    }).filter(([, value]) => value !== undefined),
  );
  const to = resetTarget(options);
  if (args.has('to-current')) {
    if (to !== undefined) throw new UsageError('--to-current and others exclude each other.', false);
    return 'current';
  }
  if (to !== undefined) return to;
  throw new UsageError(
    'One of the reset scenarios should be defined: --to-offset, --to-datetime, --to-earliest, --to-latest, --to-current, --by-duration, --shift-by, --from-file',
    false,
  );
}

/** The partitions that the flags name, in order; `topic:0,1` names some of a topic. */
async function partitionsOf(
  admin: Admin,
  groupId: string,
  args: Arguments,
  to: ResetTo | 'current',
): Promise<TopicPartition[]> {
  if (typeof to === 'object' && 'offsets' in to)
    return to.offsets.map(({ topic, partition }) => ({ topic, partition }));
  if (args.has('all-topics')) {
    const committed = await admin.committedOffsets(groupId);
    return committed
      .map(({ topic, partition }) => ({ topic, partition }))
      .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
  }
  return partitionsNamed(admin, args.all('topic'));
}

async function partitionsNamed(admin: Admin, wanted: readonly string[]): Promise<TopicPartition[]> {
  try {
    return await namedPartitions(admin, wanted);
  } catch (error) {
    if (codeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    throw new ToolError(`\nError: ${messageOf(error)}.`, { cause: error });
  }
}

async function removeOffsets(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const group = args.required('group');
  if (!args.has('topic')) throw new UsageError('Option "[delete-offsets]" takes the option: [topic]');
  const results = await admin.deleteOffsets(group, await partitionsNamed(admin, args.all('topic')));
  const isDone = results.every(({ error }) => error === undefined);
  io.out(
    isDone
      ? `Request succeeded for deleting offsets from group ${group}.\n`
      : `\nError: Encountered some partition-level error, see the follow-up details.\n`,
  );
  const widths = [15, 10, 15];
  io.out(`\n${columns(widths, ['TOPIC', 'PARTITION', 'STATUS'])}\n`);
  for (const { topic, partition, error } of results) {
    const status = error === undefined ? 'Successful' : `Error: ${error.message}`;
    io.out(`${columns(widths, [topic, partition, status])}\n`);
  }
}
