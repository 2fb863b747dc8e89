// kafka-get-offsets and kafka-delete-records: where partitions begin and end, and what is before an offset goes.
import { readFileSync } from 'node:fs';
import { RE2JS } from 're2js';
import type { Admin, TopicPartition } from '../../client/index.ts';
import { messageOf } from '../../util/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, type Tool, ToolError, withAdmin } from './tool.ts';

/** Times that have names (KIP-734, KIP-405, KIP-1005). */
const TIMES: Readonly<Record<string, number>> = {
  latest: -1,
  earliest: -2,
  'max-timestamp': -3,
  'earliest-local': -4,
  'latest-tiered': -5,
  'earliest-pending-upload': -6,
};

export const getOffsets: Tool = {
  summary: 'Get the offsets of topics.',
  onError: () => 'Error occurred: ',
  flags: {
    ...BOOTSTRAP_FLAGS,
    topic: { takes: 'topic', text: 'Topics whose names match this regular expression. Default: all.' },
    'topic-partitions': { takes: 'list', text: 'topic:partition, topic:from-to, :partition, … separated by commas.' },
    partitions: { takes: 'ids', text: 'Only these partitions, separated by commas.' },
    time: {
      takes: '<timestamp> / -1 or latest / -2 or earliest / …',
      text: 'The offset of which time. Default: latest.',
    },
    'exclude-internal-topics': { text: 'Leave internal topics out.' },
  },
  async run(args, io) {
    const timestamp = timeOf(args.get('time') ?? 'latest');
    const isWanted = filterOf(args);
    await withAdmin(args, async (admin) => {
      const partitions = await partitionsOf(admin, isWanted, args.has('exclude-internal-topics'));
      if (partitions.length === 0)
        throw new ToolError('Could not match any topic-partitions with the specified filters');
      for (const { topic, partition, offset } of await admin.listOffsets(
        partitions.map((each) => ({ ...each, timestamp })),
      )) {
        io.out(`${topic}:${partition}:${offset < 0 ? '' : offset}\n`);
      }
    });
  },
};

function timeOf(text: string): number {
  if (Object.hasOwn(TIMES, text)) return TIMES[text]!;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(
    `Malformed time argument ${text}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered, or a specified long format timestamp`,
    false,
  );
}

type Filter = (topic: string, partition: number) => boolean;

function filterOf(args: Arguments): Filter {
  const list = args.get('topic-partitions');
  if (list !== undefined) {
    args.forbids('topic-partitions', ['topic', 'partitions']);
    const filters = list.split(',').map(patternOf);
    return (topic, partition) => filters.some((filter) => filter(topic, partition));
  }
  const topic = RE2JS.compile(args.get('topic') ?? '.*');
  const ids = args.get('partitions')?.split(',').map(Number);
  if (ids?.some((id) => !Number.isInteger(id) || id < 0)) {
    throw new UsageError('--partitions expects a comma separated list of numeric partition ids', false);
  }
  return (name, partition) => topic.matches(name) && (ids === undefined || ids.includes(partition));
}

/** `topic`, `topic:3`, `topic:3-5` (without the 5), `topic:3-`, `topic:-5`, `:3`. */
function patternOf(text: string): Filter {
  const match = /^([^:]*)(?::(?:(\d+)|(\d*)-(\d*)))?$/.exec(text.trim());
  if (match === null) throw new UsageError(`Invalid rule: ${text}`, false);
  const [, name, only, from, to] = match;
  const topic = name === '' ? undefined : RE2JS.compile(name!);
  return (given, partition) => {
    if (topic !== undefined && !topic.matches(given)) return false;
    if (only !== undefined) return partition === Number(only);
    if (from === undefined) return true;
    return partition >= Number(from || 0) && (to === '' || partition < Number(to));
  };
}

async function partitionsOf(admin: Admin, isWanted: Filter, withoutInternal: boolean): Promise<TopicPartition[]> {
  const topics = await admin.describeReplicas(await admin.listTopics());
  return topics
    .filter(({ internal }) => !(withoutInternal && internal))
    .flatMap(({ name: topic, partitions }) => partitions.map(({ partition }) => ({ topic, partition })))
    .filter(({ topic, partition }) => isWanted(topic, partition));
}

export const deleteRecords: Tool = {
  summary: 'Delete the records of partitions before an offset.',
  flags: {
    ...BOOTSTRAP_FLAGS,
    'offset-json-file': {
      takes: 'file',
      text: '{"partitions": [{"topic": "foo", "partition": 1, "offset": 1}], "version": 1}; the offset -1 is the end.',
    },
  },
  async run(args, io) {
    const before = planIn(args.required('offset-json-file'));
    await withAdmin(args, async (admin) => {
      io.out('Executing records delete operation\nRecords delete operation completed:\n');
      for (const each of before) {
        const name = `${each.topic}-${each.partition}`;
        try {
          const [mark] = await admin.deleteRecords([each]);
          io.out(`partition: ${name}\tlow_watermark: ${mark!.lowWatermark}\n`);
        } catch (error) {
          io.out(`partition: ${name}\terror: ${messageOf(error)}\n`);
        }
      }
    });
  },
};

function planIn(file: string): (TopicPartition & { readonly offset: number })[] {
  const invalid = (why: string): ToolError => new ToolError(`${file}: ${why}`);
  let plan: unknown;
  try {
    plan = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(messageOf(error));
  }
  const { partitions, version = 1 } = (plan ?? {}) as { readonly partitions?: unknown; readonly version?: unknown };
  if (version !== 1) throw invalid(`the version is to be 1, not ${String(version)}`);
  if (!Array.isArray(partitions)) throw invalid('it has no list of partitions');
  const seen = new Set<string>();
  return partitions.map((entry: unknown) => {
    const { topic, partition, offset } = (entry ?? {}) as Record<string, unknown>;
    const isWhole = (value: unknown, least: number): value is number =>
      Number.isSafeInteger(value) && (value as number) >= least;
    if (typeof topic !== 'string' || !isWhole(partition, 0) || !isWhole(offset, -1)) {
      throw invalid(`${JSON.stringify(entry)} is not {"topic", "partition", "offset"}`);
    }
    const name = `${topic}-${partition}`;
    if (seen.has(name)) throw invalid(`Offset json file contains duplicate topic partitions: ${name}`);
    seen.add(name);
    return { topic, partition, offset };
  });
}
