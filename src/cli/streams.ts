// `millrace streams`: topologies as text and drawings, and applications that begin anew.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ClientOptions, clientOptionsOf, createClient, isSecuritySetting } from '../client/index.ts';
import { readPropertiesFile } from '../platform/index.ts';
import {
  resetApplication,
  type ResetReport,
  toDot,
  toMermaid,
  type TopologyDescription,
  topologyIn,
} from '../streams/index.ts';
import { intSetting, MillraceError, readSettings, type SettingTable, stringSetting } from '../util/index.ts';
import type { DescribeOptions, ResetOptions } from './options.ts';
import { resetTarget } from './reset-target.ts';

const FORMATS: Readonly<Record<string, (description: TopologyDescription) => string>> = {
  text: String,
  mermaid: toMermaid,
  dot: toDot,
};

export async function describe(module: string, options: DescribeOptions): Promise<void> {
  const print = Object.hasOwn(FORMATS, options.format) ? FORMATS[options.format] : undefined;
  if (print === undefined) {
    throw invalid(`there is no format "${options.format}": use ${Object.keys(FORMATS).join(', ')}.`);
  }
  process.stdout.write(print(await descriptionIn(module)));
}

async function descriptionIn(module: string): Promise<TopologyDescription> {
  const file = resolve(module);
  if (!existsSync(file)) throw invalid(`there is no file ${file}.`);
  return (await topologyIn(module, await import(pathToFileURL(file).href))).describe();
}

export async function reset(options: ResetOptions): Promise<void> {
  const { applicationId, dryRun = false, force = false } = options;
  const to = resetTarget(options);
  const [inputTopics, intermediateTopics] = [names(options.inputTopics), names(options.intermediateTopics)];
  const internalTopics = names(options.internalTopics);
  if (to !== undefined && inputTopics === undefined) {
    throw invalid('where to set offsets to needs --input-topics: offsets of other topics are not set.');
  }
  const client = createClient(clientOptions(options));
  let report: ResetReport;
  try {
    report = await resetApplication({
      client,
      applicationId,
      force,
      dryRun,
      ...(inputTopics === undefined ? {} : { inputTopics }),
      ...(intermediateTopics === undefined ? {} : { intermediateTopics }),
      ...(internalTopics === undefined ? {} : { internalTopics }),
      ...(to === undefined ? {} : { to }),
    });
  } finally {
    await client.close();
  }
  const lines = [
    ...(dryRun ? ['Dry run: nothing is changed.'] : []),
    ...list('Members removed from the group', report.removedMembers),
    ...list('Topics that do not exist, left out', report.missingTopics),
    ...list(
      `Offsets of the group ${applicationId}`,
      report.offsets.map(({ topic, partition, offset }) => `${topic} partition ${partition}: ${offset}`),
    ),
    ...list('Internal topics deleted', report.deletedTopics),
    ...list(
      'Topics that may be another group’s, left (name them in --internal-topics to delete them)',
      report.otherTopics,
    ),
    `Local state is left: delete the directory ${applicationId} in the stateDir of every host, or call cleanUp() before start().`,
  ];
  console.log(lines.join('\n'));
}

/** What a client is told in a file, under Kafka's names; the flag comes first. */
function clientOptions({ configFile, bootstrapServers }: ResetOptions): ClientOptions {
  const given = configFile === undefined ? {} : readPropertiesFile(configFile);
  const others = Object.entries(given).filter(([name]) => !isSecuritySetting(name));
  const file = readSettings(clientSettings, Object.fromEntries(others));
  return {
    ...clientOptionsOf({ ...given, ...file }),
    ...(bootstrapServers === undefined ? {} : { bootstrapServers }),
  };
}

const clientSettings = {
  'bootstrap.servers': stringSetting('127.0.0.1:9092', 'The brokers to ask first.'),
  'client.id': stringSetting('millrace-streams-reset', 'What brokers call the tool in their logs.'),
  'metadata.max.age.ms': intSetting(300_000, 'How old what is known about topics may become.'),
} as const satisfies SettingTable;

function list(title: string, entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : [`${title}:`, ...entries.map((entry) => `  ${entry}`)];
}

function names(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_OPTION', why);
}
