// `millrace cluster`: which brokers there are, what lies on their disks, and which APIs they answer.
import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import { type ClusterOptions, onCluster, type OutputOptions, withAdmin, withOutput } from './options.ts';
import { column, type Column, printRows } from './output.ts';

type Common = ClusterOptions & OutputOptions;

export function cluster(clusterCommand: Command, io: CommandIo): void {
  const verb = (words: string, description: string): Command =>
    withOutput(onCluster(clusterCommand.command(words).description(description)));

  verb('info', 'the id of the cluster, and how much there is in it').action((options: Common) => info(io, options));
  verb('brokers', 'brokers with their addresses').action((options: Common) => brokers(io, options));
  verb('log-dirs [topic...]', 'what lies in which directory of which broker').action(
    (names: string[], options: Common) => logDirs(io, names, options),
  );
  verb('api-versions', 'the APIs that the broker answers, with their versions').action((options: Common) =>
    apiVersions(io, options),
  );
}

async function info(io: CommandIo, options: Common): Promise<void> {
  await withAdmin(options, async (admin) => {
    const [id, all, names, groups] = await Promise.all([
      admin.clusterId(),
      admin.brokers(),
      admin.listTopics(),
      admin.listGroups(),
    ]);
    const states = await admin.describeReplicas(names);
    const row = {
      cluster: id,
      brokers: all.length,
      topics: names.length,
      partitions: states.reduce((sum, { partitions }) => sum + partitions.length, 0),
      groups: groups.length,
    };
    const columns: Column<typeof row>[] = [
      column('cluster'),
      column('brokers'),
      column('topics'),
      column('partitions'),
      column('groups'),
    ];
    printRows(io, options.output, columns, [row]);
  });
}

async function brokers(io: CommandIo, options: Common): Promise<void> {
  await withAdmin(options, async (admin) => {
    const all = await admin.brokers();
    printRows(io, options.output, [column<(typeof all)[number]>('id'), column('host'), column('port')], all);
  });
}

async function logDirs(io: CommandIo, names: readonly string[], options: Common): Promise<void> {
  await withAdmin(options, async (admin) => {
    const topics =
      names.length === 0
        ? null
        : (await admin.describeReplicas(names)).flatMap(({ name, partitions }) =>
            partitions.map(({ partition }) => ({ topic: name, partition })),
          );
    const rows = [];
    for (const { id } of await admin.brokers()) {
      for (const { path, error, partitions } of await admin.describeLogDirs(topics, id)) {
        const broker = { broker: id, directory: path, error: error ?? null };
        rows.push(
          ...(partitions.length === 0
            ? [{ ...broker, topic: null, partition: null, bytes: null }]
            : partitions.map(({ topic, partition, sizeBytes }) => ({ ...broker, topic, partition, bytes: sizeBytes }))),
        );
      }
    }
    const columns: Column<(typeof rows)[number]>[] = [
      column('broker'),
      column('directory'),
      column('topic'),
      column('partition'),
      column('bytes', 'bytes'),
      column('error'),
    ];
    printRows(io, options.output, columns, rows);
  });
}

async function apiVersions(io: CommandIo, options: Common): Promise<void> {
  await withAdmin(options, async (admin) => {
    const apis = await admin.apiVersions();
    const columns: Column<(typeof apis)[number]>[] = [column('key'), column('name'), column('min'), column('max')];
    printRows(io, options.output, columns, apis);
  });
}
