// `millrace top`: what goes on, on a screen that is drawn anew; or once, for scripts.
import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import { type ClusterOptions, onCluster, type OutputOptions, seconds, withAdmin, withOutput } from './options.ts';
import { column, printDetails, section } from './output.ts';
import { type GroupRate, groupRates, look, type TopicRate, topicRates, waited } from './rates.ts';

interface TopOptions extends ClusterOptions, OutputOptions {
  readonly once?: boolean;
  readonly internal?: boolean;
  readonly interval: number;
}

export function top(command: Command, io: CommandIo): void {
  withOutput(onCluster(command))
    .option('--once', 'look twice, print, and leave')
    .option('-i, --internal', 'topics of services (_…), too')
    .option('--interval <seconds>', 'from look to look', seconds, 2)
    .action((options: TopOptions) => run(io, options));
}

interface Snapshot {
  /** ISO 8601. */
  readonly at: string;
  readonly topics: readonly TopicRate[];
  readonly groups: readonly GroupRate[];
}

async function run(io: CommandIo, options: TopOptions): Promise<void> {
  const { once = false, internal = false, interval, output } = options;
  const draws = io.isLive && output === 'table' && !once;
  if (draws) io.out('\u001b[?1049h');
  try {
    await withAdmin(options, async (admin) => {
      let before = await look(admin, internal);
      while (await waited(interval, io.interrupted)) {
        const now = await look(admin, internal);
        const at = new Date().toISOString();
        const snapshot = { at, topics: topicRates(before, now), groups: groupRates(before, now) };
        if (draws) draw(io, snapshot);
        else print(io, options, snapshot);
        if (once) return;
        before = now;
      }
    });
  } finally {
    if (draws) io.out('\u001b[?1049l');
  }
}

function print(io: CommandIo, { output }: OutputOptions, snapshot: Snapshot): void {
  printDetails(io, output, [snapshot], ({ at, topics, groups }) => [
    section(
      `Topics at ${at}`,
      [column<TopicRate>('topic'), column('partitions'), column('inPerSecond'), column('outPerSecond')],
      topics,
    ),
    section(
      'Groups',
      [column<GroupRate>('group'), column('state'), column('lag'), column('lagGrowth'), column('outPerSecond')],
      groups,
    ),
  ]);
}

/** Over what stood there; topics and groups share the height of the screen. */
function draw(io: CommandIo, snapshot: Snapshot): void {
  const most = Math.max(1, Math.floor((io.height - ROWS_BESIDE) / 2));
  const [topics, groups] = [snapshot.topics.slice(0, most), snapshot.groups.slice(0, most)];
  const left = snapshot.topics.length - topics.length + snapshot.groups.length - groups.length;
  let text = '';
  const screen = { ...io, out: (part: string | Uint8Array) => (text += String(part)) };
  print(screen, { output: 'table' }, { ...snapshot, topics, groups });
  text += left === 0 ? '' : `… and ${left} more\n`;
  io.out(`\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`);
}

/** Titles, headings, rules, and what is left out. */
const ROWS_BESIDE = 9;
