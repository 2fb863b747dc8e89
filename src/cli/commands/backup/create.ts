// A backup is made: first where groups are and where partitions end, then the records up to there, then the schemas.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import type { Admin, Client, TopicState } from '../../../client/index.ts';
import { MillraceError } from '../../../util/index.ts';
import { count } from '../../demo/screen.ts';
import type { RegistryClient } from '../../registry-client.ts';
import type { Progress } from '../progress.ts';
import { readStretches, type Stretch } from '../record-source.ts';
import { type BackedUpGroup, type BackedUpTopic, PartitionWriter, writeJson, writeManifest } from './files.ts';
import { schemasIn } from './schemas.ts';

export interface CreateParts {
  readonly client: Client;
  /** Undefined: schemas are left out. */
  readonly registry: RegistryClient | undefined;
  readonly progress: Progress;
}

export interface Created {
  readonly topics: readonly BackedUpTopic[];
  readonly groups: readonly BackedUpGroup[];
  readonly subjects: number;
}

/** Refuses a directory with something in it. */
export async function createBackup(
  directory: string,
  topics: readonly string[],
  { client, registry, progress }: CreateParts,
): Promise<Created> {
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new MillraceError('INVALID_OPTION', `${directory} is not empty: a backup wants a directory of its own.`);
  }
  mkdirSync(directory, { recursive: true });
  const admin = client.admin();
  const states = await admin.describeReplicas(topics);
  // Before the ends: no group is behind what is backed up then.
  const groups = await groupsIn(admin, new Set(topics));
  const stretches = await stretchesOf(admin, states);
  const backedUp = await writeRecords(directory, { client, states, stretches, progress });
  const schemas = registry === undefined ? undefined : await schemasIn(registry);
  writeManifest(directory, {
    createdAt: new Date().toISOString(),
    cluster: await admin.clusterId(),
    topics: backedUp,
    groups: writeJson(directory, 'groups.json', groups),
    ...(schemas === undefined ? {} : { schemas: writeJson(directory, 'schemas.json', schemas) }),
  });
  return { topics: backedUp, groups, subjects: schemas?.subjects.length ?? 0 };
}

async function groupsIn(admin: Admin, topics: ReadonlySet<string>): Promise<BackedUpGroup[]> {
  const names = (await admin.listGroups()).map(({ groupId }) => groupId).sort();
  const groups: BackedUpGroup[] = [];
  for (const group of names) {
    const offsets = (await admin.committedOffsets(group)).filter(({ topic }) => topics.has(topic));
    if (offsets.length > 0) groups.push({ group, offsets });
  }
  return groups;
}

/** From the first record to behind the last one that is committed. */
async function stretchesOf(admin: Admin, states: readonly TopicState[]): Promise<Stretch[]> {
  const partitions = states.flatMap(({ name, partitions: all }) =>
    all.map(({ partition }) => ({ topic: name, partition })),
  );
  const starts = await admin.listOffsets(partitions.map((each) => ({ ...each, timestamp: -2 })));
  const ends = await admin.listOffsets(
    partitions.map((each) => ({ ...each, timestamp: -1 })),
    'read_committed',
  );
  return partitions.map((each, i) => ({ ...each, from: starts[i]!.offset, to: ends[i]!.offset }));
}

/** One topic after the other, so that no more files are open than one has partitions. */
async function writeRecords(
  directory: string,
  {
    client,
    states,
    stretches,
    progress,
  }: Omit<CreateParts, 'registry'> & { readonly states: readonly TopicState[]; readonly stretches: readonly Stretch[] },
): Promise<BackedUpTopic[]> {
  const total = stretches.reduce((sum, { from, to }) => sum + to! - from, 0);
  let done = 0;
  const topics: BackedUpTopic[] = [];
  for (const { name, partitions } of states) {
    const writers = partitions.map(({ partition }) => new PartitionWriter(directory, name, partition));
    const own = stretches.filter(({ topic }) => topic === name);
    for await (const record of readStretches(client, own, { readCommitted: true })) {
      await writers[record.partition]!.write(record);
      done++;
      progress.show(done / total, () => `${name}: ${count(done)} of ${count(total)} records`);
    }
    const configs = await client.admin().describeConfigs({ type: 'topic', name });
    topics.push({
      topic: name,
      replicas: partitions[0]!.replicas.length,
      configs: Object.fromEntries(
        configs.flatMap((config) =>
          config.source === 'DYNAMIC_TOPIC_CONFIG' ? [[config.name, config.value ?? ''] as const] : [],
        ),
      ),
      partitions: await Promise.all(writers.map((writer) => writer.end())),
    });
  }
  progress.end();
  return topics;
}
