// kafka-cluster and kafka-log-dirs: who is there, and what lies on whose disks.
import type { Admin, LogDir } from '../../client/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, type Tool, withAdmin } from './tool.ts';

export const cluster: Tool = {
  summary: 'kafka-cluster cluster-id: print the id of the cluster. kafka-cluster list-endpoints: print its brokers.',
  flags: { ...BOOTSTRAP_FLAGS, config: { takes: 'property file', now: 'command-config', text: '' } },
  async run(args, io) {
    const [word, ...rest] = args.words;
    if (rest.length > 0 || (word !== 'cluster-id' && word !== 'list-endpoints')) {
      throw new UsageError(
        `argument command: invalid choice: '${args.words.join(' ')}' (choose from 'cluster-id', 'list-endpoints')`,
      );
    }
    await withAdmin(args, async (admin) => {
      if (word === 'cluster-id') {
        io.out(`Cluster ID: ${await admin.clusterId()}\n`);
        return;
      }
      const brokers = await admin.brokers();
      const width = Math.max(9, ...brokers.map(({ host }) => host.length));
      io.out(`${'ID'.padEnd(10)} ${'HOST'.padEnd(width)} PORT\n`);
      for (const { id, host, port } of brokers) io.out(`${String(id).padEnd(10)} ${host.padEnd(width)} ${port}\n`);
    });
  },
};

export const logDirs: Tool = {
  summary: 'Tell of the directories in which brokers keep their logs.',
  flags: {
    ...BOOTSTRAP_FLAGS,
    describe: { text: 'Tell of them as JSON.' },
    'topic-list': { takes: 'topics', text: 'Only of these topics, separated by commas. Default: all.' },
    'broker-list': { takes: 'brokers', text: 'Only of these brokers, by their ids. Default: all.' },
  },
  async run(args, io) {
    if (!args.has('describe')) throw new UsageError('Missing required argument "[describe]"');
    await withAdmin(args, async (admin) => {
      const ids = await brokersOf(admin, args);
      const wanted = (args.get('topic-list') ?? '').split(',').filter((name) => name !== '');
      const topics =
        wanted.length === 0
          ? null
          : (await admin.describeReplicas(wanted)).flatMap(({ name, partitions }) =>
              partitions.map(({ partition }) => ({ topic: name, partition })),
            );
      io.out('Querying brokers for log directories information\n');
      const brokers = [];
      for (const broker of ids) {
        brokers.push({ broker, logDirs: (await admin.describeLogDirs(topics, broker)).map(shown) });
      }
      io.out(`Received log directory information from brokers ${ids.join(',')}\n`);
      io.out(`${JSON.stringify({ brokers, version: 1 })}\n`);
    });
  },
};

async function brokersOf(admin: Admin, args: Arguments): Promise<number[]> {
  const all = (await admin.brokers()).map(({ id }) => id);
  const wanted = args
    .get('broker-list')
    ?.split(',')
    .filter((id) => id !== '')
    .map(Number);
  const missing = wanted?.filter((id) => !all.includes(id)) ?? [];
  if (missing.length > 0) {
    throw new UsageError(
      `ERROR: The given brokers do not exist from --broker-list: ${missing.join(',')}. Current existent brokers: ${all.join(',')}`,
      false,
    );
  }
  return wanted ?? all;
}

function shown({ path, error, partitions }: LogDir): object {
  return {
    partitions: partitions.map(({ topic, partition, sizeBytes: size, offsetLag, isFuture }) => ({
      partition: `${topic}-${partition}`,
      size,
      offsetLag,
      isFuture,
    })),
    error: error ?? null,
    logDir: path,
  };
}
