// kafka-leader-election: partitions are led by whom they should be led by again.
import { readFileSync } from 'node:fs';
import type { TopicPartition } from '../../client/index.ts';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, type Tool, ToolError, withAdmin } from './tool.ts';

export const leaderElection: Tool = {
  summary:
    'This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas and unclean replicas.',
  flags: {
    ...BOOTSTRAP_FLAGS,
    'admin.config': { takes: 'config file', now: 'command-config', text: '' },
    'election-type': {
      takes: 'election type',
      text: 'preferred: the first replica leads, where it is in sync. unclean: any replica, where there is no leader.',
    },
    topic: { takes: 'topic name', text: 'The topic of --partition.' },
    partition: { takes: 'partition id', text: 'The partition of --topic.' },
    'all-topic-partitions': { text: 'All partitions.' },
    'path-to-json-file': {
      takes: 'path to JSON file',
      text: 'The partitions of a file: {"partitions": [{"topic": "a", "partition": 1}, …]}.',
    },
  },
  async run(args, io) {
    const type = typeOf(args);
    const partitions = partitionsOf(args);
    if (partitions?.length === 0) return;
    await withAdmin(args, async (admin) => {
      const results = await admin.electLeaders(type, partitions);
      const names = (which: (error: unknown) => boolean): string =>
        results
          .filter(({ error }) => which(error))
          .map((each) => `${each.topic}-${each.partition}`)
          .join(', ');
      const done = names((error) => error === undefined);
      const idle = names((error) => codeOf(error) === 'ELECTION_NOT_NEEDED');
      if (done !== '')
        io.out(`Successfully completed leader election (${type.toUpperCase()}) for partitions ${done}\n`);
      // Of all partitions those are told of only that have a new leader.
      if (idle !== '' && partitions !== null) io.out(`Valid replica already elected for partitions ${idle}\n`);
      const failed = results.filter(({ error }) => error !== undefined && codeOf(error) !== 'ELECTION_NOT_NEEDED');
      for (const { topic, partition, error } of failed) {
        const text = (error instanceof MillraceError ? error.detail : undefined) ?? messageOf(error);
        io.out(
          `Error completing leader election (${type.toUpperCase()}) for partition: ${topic}-${partition}: ${text}\n`,
        );
      }
      if (failed.length > 0) throw new ToolError(`${failed.length} replica(s) could not be elected`);
    });
  },
};

function typeOf(args: Arguments): 'preferred' | 'unclean' {
  const given = args.get('election-type');
  if (given === undefined) throw new UsageError('Missing required option(s): election-type', false);
  const type = given.toLowerCase();
  if (type === 'preferred' || type === 'unclean') return type;
  throw new UsageError(`Cannot parse argument '${given}' of option election-type`, false);
}

/** Null for all. */
function partitionsOf(args: Arguments): TopicPartition[] | null {
  args.action(
    ['topic', 'all-topic-partitions', 'path-to-json-file'],
    'One and only one of the following options is required: topic, all-topic-partitions, path-to-json-file',
  );
  const file = args.get('path-to-json-file');
  if (file !== undefined) return partitionsIn(file);
  const [topic, partition] = [args.get('topic'), args.integer('partition')];
  if (topic === undefined) {
    if (partition !== undefined) throw new UsageError('Option partition is only allowed if topic is used', false);
    return null;
  }
  if (partition === undefined) throw new UsageError('Missing required option(s): partition', false);
  return [{ topic, partition }];
}

function partitionsIn(file: string): TopicPartition[] {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ToolError(`Replica election data in ${file} can't be read: ${messageOf(error)}`);
  }
  const partitions = (found as { readonly partitions?: unknown } | null)?.partitions;
  if (!Array.isArray(partitions)) throw new ToolError('Replica election data is missing "partitions" field');
  const seen = new Set<string>();
  const twice = new Set<string>();
  const wanted = partitions.map((entry: unknown) => {
    const { topic, partition } = (entry ?? {}) as Record<string, unknown>;
    if (typeof topic !== 'string' || !Number.isSafeInteger(partition)) {
      throw new ToolError(`Replica election data: ${JSON.stringify(entry)} is not {"topic", "partition"}`);
    }
    const name = `${topic}-${String(partition)}`;
    if (seen.has(name)) twice.add(name);
    seen.add(name);
    return { topic, partition: partition as number };
  });
  if (twice.size > 0) {
    throw new ToolError(`Replica election data contains duplicate partitions: [${[...twice].join(', ')}]`);
  }
  return wanted;
}
