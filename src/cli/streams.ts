// `millrace streams`: topologies as text and drawings, and applications that begin anew.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ClientOptions, createClient } from '../client/index.ts';
import { readPropertiesFile } from '../platform/index.ts';
import {
  resetApplication,
  type ResetReport,
  type ResetTo,
  toDot,
  toMermaid,
  type TopologyDescription,
  topologyIn,
} from '../streams/index.ts';
import { intSetting, MillraceError, readSettings, type SettingTable, stringSetting } from '../util/index.ts';
import type { DescribeOptions, ResetOptions } from './options.ts';

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
  const to = target(options);
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
  const file = readSettings(clientSettings, configFile === undefined ? {} : readPropertiesFile(configFile));
  return {
    bootstrapServers: bootstrapServers ?? file['bootstrap.servers'],
    clientId: file['client.id'],
    metadataMaxAgeMs: file['metadata.max.age.ms'],
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

/** Where the flags say that offsets are set to; at most one of them may. */
function target(options: ResetOptions): ResetTo | undefined {
  const { toEarliest, toLatest, toOffset, toDatetime, byDuration, shiftBy, fromFile } = options;
  const given: readonly (readonly [flag: string, to: () => ResetTo, isGiven: boolean])[] = [
    ['--to-earliest', () => ({ position: 'earliest' }), toEarliest === true],
    ['--to-latest', () => ({ position: 'latest' }), toLatest === true],
    ['--to-offset', () => ({ offset: whole('--to-offset', toOffset!, 0) }), toOffset !== undefined],
    ['--to-datetime', () => ({ timestamp: instant(toDatetime!) }), toDatetime !== undefined],
    ['--by-duration', () => ({ timestamp: Date.now() - duration(byDuration!) }), byDuration !== undefined],
    ['--shift-by', () => ({ shiftBy: whole('--shift-by', shiftBy!) }), shiftBy !== undefined],
    ['--from-file', () => ({ offsets: planIn(fromFile!) }), fromFile !== undefined],
  ];
  const [one, another] = given.filter(([, , isGiven]) => isGiven);
  if (another !== undefined) throw invalid(`${one![0]} and ${another[0]} exclude each other.`);
  return one?.[1]();
}

function whole(flag: string, text: string, least = Number.MIN_SAFE_INTEGER): number {
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw invalid(`${flag}: "${text}" is not a whole number${least === 0 ? ' from 0 on' : ''}.`);
  }
  return value;
}

const DATETIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?$/;

function instant(text: string): number {
  const match = DATETIME.exec(text);
  const time = match === null ? Number.NaN : Date.parse(match[3] === undefined ? `${text}Z` : text);
  if (Number.isNaN(time)) throw invalid(`--to-datetime: "${text}" is not a time like 2026-01-31T12:30:00.000.`);
  return time;
}

const DURATION = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/i;

function duration(text: string): number {
  const match = DURATION.exec(text);
  if (match === null) throw invalid(`--by-duration: "${text}" is not a duration like P1DT2H30M5S.`);
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

function planIn(file: string): { topic: string; partition: number; offset: number }[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const plan = lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const match = /^([\w.-]+),(\d+),(\d+)$/.exec(line.trim());
    if (match === null) throw invalid(`${file}, line ${i + 1}: write topic,partition,offset.`);
    const [, topic, partition, offset] = match;
    return [{ topic: topic!, partition: Number(partition), offset: whole('--from-file', offset!, 0) }];
  });
  if (plan.length === 0) throw invalid(`${file} is empty: write lines topic,partition,offset.`);
  return plan;
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_OPTION', why);
}
