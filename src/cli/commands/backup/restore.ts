/**
 * A backup is brought back: everything is checked before anything is changed. Topics are made, records sent to the partitions
 * that they were in, and groups set to the records that they had come to: offsets are new ones, since a log begins at 0 and has
 * no holes at first.
 */
import type { Admin, Client, OffsetToCommit, Producer } from '../../../client/index.ts';
import { MillraceError } from '../../../util/index.ts';
import { count } from '../../demo/screen.ts';
import { groupOf } from '../../group-positions.ts';
import type { RegistryClient } from '../../registry-client.ts';
import type { Progress } from '../progress.ts';
import {
  type BackedUpGroup,
  type BackedUpRecord,
  type BackedUpSchemas,
  type BackedUpTopic,
  damaged,
  faultOf,
  filesOf,
  type Manifest,
  type PartitionFile,
  readJson,
  readManifest,
  readRecords,
} from './files.ts';
import { importSubjects, missingSubjects } from './schemas.ts';

/** Records that may wait for their acknowledgement. */
const MOST_UNDER_WAY = 10_000;

export interface RestoreOptions {
  /** Only these; undefined: all. */
  readonly topics: readonly string[] | undefined;
  /** Also behind the records that topics have already, and over offsets of groups. */
  readonly append: boolean;
  readonly withGroups: boolean;
}

export interface RestoreParts {
  readonly client: Client;
  /** Undefined: schemas are left out. */
  readonly registry: RegistryClient | undefined;
  readonly progress: Progress;
}

export interface Restored {
  readonly topics: readonly { readonly topic: string; readonly partitions: number; readonly records: number }[];
  readonly groups: number;
  readonly subjects: number;
}

export async function restoreBackup(
  directory: string,
  options: RestoreOptions,
  { client, registry, progress }: RestoreParts,
): Promise<Restored> {
  const manifest = readManifest(directory);
  await checkFiles(directory, manifest);
  const topics = chosen(manifest, options.topics);
  const groups = options.withGroups ? groupsOf(directory, manifest, topics) : [];
  const admin = client.admin();
  const missing = await missingTopics(admin, topics, options.append);
  await checkGroups(admin, groups, options.append);
  const schemas = manifest.schemas === undefined ? undefined : readJson<BackedUpSchemas>(directory, manifest.schemas);
  const subjects = registry === undefined || schemas === undefined ? [] : await missingSubjects(registry, schemas);

  if (registry !== undefined && subjects.length > 0) await importSubjects(registry, subjects);
  await createTopics(admin, missing);
  const offsets = new NewOffsets(groups);
  const producer = client.producer({ compressionType: 'lz4' });
  const total = topics.reduce((sum, { partitions }) => sum + recordsIn(partitions), 0);
  let done = 0;
  for (const { topic, partitions } of topics) {
    for (const file of partitions) {
      await sendPartition(producer, readRecords(directory, file), {
        topic,
        file,
        offsets,
        onRecord: () => {
          done++;
          progress.show(done / total, () => `${topic}: ${count(done)} of ${count(total)} records`);
        },
      });
    }
  }
  progress.end();
  for (const { group } of groups) await admin.alterOffsets(group, await offsets.of(group, admin));
  return {
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.length,
      records: recordsIn(partitions),
    })),
    groups: groups.length,
    subjects: subjects.length,
  };
}

/** With as many replicas as they had, as far as there are brokers for them. */
async function createTopics(admin: Admin, topics: readonly BackedUpTopic[]): Promise<void> {
  if (topics.length === 0) return;
  const brokers = (await admin.brokers()).length;
  await admin.createTopics(
    topics.map(({ topic: name, partitions, replicas, configs }) => ({
      name,
      partitions: partitions.length,
      replicationFactor: Math.min(replicas, brokers),
      configs,
    })),
  );
}

async function checkFiles(directory: string, manifest: Manifest): Promise<void> {
  for (const file of filesOf(manifest)) {
    const fault = await faultOf(directory, file);
    if (fault !== undefined) throw damaged(directory, `${file.path}: ${fault}`);
  }
}

function recordsIn(partitions: readonly PartitionFile[]): number {
  return partitions.reduce((sum, { records }) => sum + records, 0);
}

function chosen({ topics }: Manifest, wanted: readonly string[] | undefined): readonly BackedUpTopic[] {
  if (wanted === undefined) return topics;
  const missing = wanted.filter((name) => !topics.some(({ topic }) => topic === name));
  if (missing.length > 0) throw refused(`the backup has no topic ${missing.join(', ')}.`);
  return topics.filter(({ topic }) => wanted.includes(topic));
}

function groupsOf(directory: string, manifest: Manifest, topics: readonly BackedUpTopic[]): BackedUpGroup[] {
  const names = new Set(topics.map(({ topic }) => topic));
  return readJson<BackedUpGroup[]>(directory, manifest.groups).flatMap(({ group, offsets }) => {
    const own = offsets.filter(({ topic }) => names.has(topic));
    return own.length === 0 ? [] : [{ group, offsets: own }];
  });
}

/** The topics that have to be made. Refuses those with too few partitions, or with records. */
async function missingTopics(
  admin: Admin,
  topics: readonly BackedUpTopic[],
  append: boolean,
): Promise<readonly BackedUpTopic[]> {
  const states = await admin.describeReplicas(topics.map(({ topic }) => topic));
  const there = new Map(states.map((state) => [state.name, state.partitions.length]));
  const narrow = topics.find(({ topic, partitions }) => (there.get(topic) ?? Infinity) < partitions.length);
  if (narrow !== undefined) {
    throw refused(`${narrow.topic} has ${there.get(narrow.topic)} partitions, the backup ${narrow.partitions.length}.`);
  }
  const partitions = states.flatMap(({ name, partitions: all }) =>
    all.map(({ partition }) => ({ topic: name, partition })),
  );
  const [starts, ends] = await Promise.all(
    [-2, -1].map((timestamp) => admin.listOffsets(partitions.map((each) => ({ ...each, timestamp })))),
  );
  const filled = new Set(ends!.flatMap(({ topic, offset }, i) => (offset > starts![i]!.offset ? [topic] : [])));
  if (filled.size > 0 && !append) {
    throw refused(`there are records in ${[...filled].join(', ')}: --append restores behind them.`);
  }
  return topics.filter(({ topic }) => !there.has(topic));
}

/** Groups with members can't be set, and those that have read something are somebody's. */
async function checkGroups(admin: Admin, groups: readonly BackedUpGroup[], append: boolean): Promise<void> {
  for (const { group, offsets } of groups) {
    const there = await groupOf(admin, group);
    if (there === undefined) continue;
    if (there.members.length > 0) throw refused(`the group ${group} has members: stop them, or say --no-groups.`);
    const committed = await admin.committedOffsets(group);
    const isSame = (each: { readonly topic: string; readonly partition: number }): boolean =>
      offsets.some(({ topic, partition }) => topic === each.topic && partition === each.partition);
    if (!append && committed.some(isSame)) {
      throw refused(
        `the group ${group} has offsets of these topics: --append sets them anew, --no-groups leaves them.`,
      );
    }
  }
}

interface Sending {
  readonly topic: string;
  readonly file: PartitionFile;
  readonly offsets: NewOffsets;
  readonly onRecord: () => void;
}

async function sendPartition(
  producer: Producer,
  records: AsyncIterable<BackedUpRecord>,
  { topic, file, offsets, onRecord }: Sending,
): Promise<void> {
  const { partition } = file;
  const underWay = new Set<Promise<void>>();
  let failure: unknown;
  for await (const { offset, timestamp, key, value, headers } of records) {
    const record = { topic, partition, key, value, headers, ...(timestamp < 0 ? {} : { timestamp }) };
    const done = producer.send(record).then(
      (metadata) => offsets.landed(topic, partition, offset, metadata.offset),
      (error: unknown) => {
        failure ??= error;
      },
    );
    underWay.add(done);
    void done.then(() => underWay.delete(done));
    if (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay);
    if (failure !== undefined) break;
    onRecord();
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure;
}

/** Where the records that groups had come to are now. */
class NewOffsets {
  readonly #groups: readonly BackedUpGroup[];
  /** By partition: the offsets that were committed, and where the first record at or behind each is now. */
  readonly #wanted = new Map<string, Map<number, number | undefined>>();

  constructor(groups: readonly BackedUpGroup[]) {
    this.#groups = groups;
    for (const { topic, partition, offset } of groups.flatMap(({ offsets }) => offsets)) {
      const name = `${topic}-${partition}`;
      const wanted = this.#wanted.get(name) ?? new Map<number, number | undefined>();
      this.#wanted.set(name, wanted.set(offset, undefined));
    }
  }

  landed(topic: string, partition: number, before: number, now: number): void {
    const wanted = this.#wanted.get(`${topic}-${partition}`);
    if (wanted === undefined) return;
    for (const [offset, found] of wanted) {
      if (before >= offset && (found === undefined || now < found)) wanted.set(offset, now);
    }
  }

  /** A group that had read everything has read everything. */
  async of(name: string, admin: Admin): Promise<OffsetToCommit[]> {
    const { offsets } = this.#groups.find(({ group }) => group === name)!;
    const ends = await admin.listOffsets(offsets.map(({ topic, partition }) => ({ topic, partition, timestamp: -1 })));
    return offsets.map(({ topic, partition, offset, metadata }, i) => ({
      topic,
      partition,
      offset: this.#wanted.get(`${topic}-${partition}`)!.get(offset) ?? ends[i]!.offset,
      metadata,
    }));
  }
}

function refused(why: string): MillraceError {
  return new MillraceError('RESTORE_REFUSED', why);
}
