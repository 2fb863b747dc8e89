// `millrace backup`: topics with their records, groups and schemas, into a directory and back.
import type { Command } from 'commander';
import type { Admin } from '../../../client/index.ts';
import { HttpConnection } from '../../../http-client/index.ts';
import { MillraceError } from '../../../util/index.ts';
import { RegistryClient } from '../../registry-client.ts';
import { isInternal } from '../internal-topics.ts';
import type { CommandIo } from '../io.ts';
import {
  type ClusterOptions,
  onCluster,
  type OutputOptions,
  patternOf,
  registryAddress,
  type RegistryOptions,
  withClient,
  withOutput,
  withRegistry,
} from '../options.ts';
import { column, type Column, printRows } from '../output.ts';
import { Progress } from '../progress.ts';
import { createBackup } from './create.ts';
import { type BackupFile, damaged, faultOf, filesOf, type PartitionFile, readManifest } from './files.ts';
import { restoreBackup } from './restore.ts';

interface Common extends ClusterOptions, OutputOptions, RegistryOptions {
  readonly schemas: boolean;
}

export function backup(backupCommand: Command, io: CommandIo): void {
  const verb = (words: string, description: string): Command =>
    withRegistry(withOutput(onCluster(backupCommand.command(words).description(description)))).option(
      '--no-schemas',
      'without the subjects of the registry',
    );

  verb(
    'create <dir> [topic...]',
    'back topics up (all of them), with the offsets of groups and the registry’s subjects',
  )
    .option('-r, --regex', 'the topics are regular expressions for whole names')
    .option('-i, --internal', 'topics of services (_…), too')
    .action((directory: string, topics: string[], options: Common & CreateOptions) =>
      create(io, directory, topics, options),
    );
  verb('restore <dir> [topic...]', 'bring a backup back, or some of its topics; checked before anything is changed')
    .option('--append', 'also behind records that topics have already, and over offsets of groups')
    .option('--no-groups', 'without the offsets of groups')
    .action((directory: string, topics: string[], options: Common & RestoreWords) =>
      restore(io, directory, topics, options),
    );
  withOutput(
    backupCommand.command('verify <dir>').description('compare the files of a backup with their checksums'),
  ).action((directory: string, options: OutputOptions) => verify(io, directory, options));
}

function registryOf(options: Common): RegistryClient | undefined {
  return options.schemas ? new RegistryClient(new HttpConnection(registryAddress(options))) : undefined;
}

interface Line {
  readonly what: string;
  readonly name: string | null;
  readonly partitions: number | null;
  /** Of records, groups, subjects. */
  readonly count: number;
}

const LINE: readonly Column<Line>[] = [column('what'), column('name'), column('partitions'), column('count')];

function linesOf(
  topics: readonly { readonly topic: string; readonly partitions: number; readonly records: number }[],
  groups: number,
  subjects: number,
): Line[] {
  return [
    ...topics.map(({ topic: name, partitions, records: count }) => ({ what: 'topic', name, partitions, count })),
    { what: 'groups', name: null, partitions: null, count: groups },
    { what: 'subjects', name: null, partitions: null, count: subjects },
  ];
}

interface CreateOptions {
  readonly regex?: boolean;
  readonly internal?: boolean;
}

async function create(
  io: CommandIo,
  directory: string,
  names: readonly string[],
  options: Common & CreateOptions,
): Promise<void> {
  await withClient(options, async (client) => {
    const { wanted, leftOut } = await chosen(client.admin(), names, options);
    if (leftOut.length > 0) io.err(`Left out, --internal takes them, too: ${leftOut.join(', ')}\n`);
    const progress = new Progress(io);
    const { topics, groups, subjects } = await createBackup(directory, wanted, {
      client,
      registry: registryOf(options),
      progress,
    });
    const counted = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.length,
      records: partitions.reduce((sum, { records }) => sum + records, 0),
    }));
    printRows(io, options.output, LINE, linesOf(counted, groups.length, subjects));
  });
}

async function chosen(
  admin: Admin,
  names: readonly string[],
  { regex, internal }: CreateOptions,
): Promise<{ readonly wanted: string[]; readonly leftOut: string[] }> {
  const all = await admin.listTopics();
  if (names.length === 0) {
    const isOut = (name: string): boolean => internal !== true && isInternal(name);
    return { wanted: all.filter((name) => !isOut(name)), leftOut: all.filter(isOut) };
  }
  const matches = names.map((name) => matching(name, regex === true));
  const lost = names.filter((_, i) => !all.some(matches[i]!));
  if (lost.length > 0) throw new MillraceError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${lost.join(', ')}.`);
  return { wanted: all.filter((name) => matches.some((isIt) => isIt(name))), leftOut: [] };
}

function matching(wanted: string, isPattern: boolean): (name: string) => boolean {
  if (!isPattern) return (name) => name === wanted;
  const pattern = patternOf(wanted);
  return (name) => pattern.matches(name);
}

interface RestoreWords {
  readonly append?: boolean;
  readonly groups: boolean;
}

async function restore(
  io: CommandIo,
  directory: string,
  names: readonly string[],
  options: Common & RestoreWords,
): Promise<void> {
  await withClient(options, async (client) => {
    const { topics, groups, subjects } = await restoreBackup(
      directory,
      {
        topics: names.length === 0 ? undefined : names,
        append: options.append === true,
        withGroups: options.groups,
      },
      { client, registry: registryOf(options), progress: new Progress(io) },
    );
    printRows(io, options.output, LINE, linesOf(topics, groups, subjects));
  });
}

async function verify(io: CommandIo, directory: string, { output }: OutputOptions): Promise<void> {
  const files = filesOf(readManifest(directory));
  const rows: { readonly file: BackupFile | PartitionFile; readonly fault: string | undefined }[] = [];
  for (const file of files) rows.push({ file, fault: await faultOf(directory, file) });
  const columns: Column<(typeof rows)[number]>[] = [
    { name: 'file', value: ({ file }) => file.path },
    { name: 'records', value: ({ file }) => ('records' in file ? file.records : null) },
    { name: 'bytes', kind: 'bytes', value: ({ file }) => file.bytes },
    { name: 'state', value: ({ fault }) => fault ?? 'whole' },
  ];
  printRows(io, output, columns, rows);
  const broken = rows.filter(({ fault }) => fault !== undefined);
  if (broken.length > 0) throw damaged(directory, `${broken.length} of ${rows.length} files are not as they were`);
}
