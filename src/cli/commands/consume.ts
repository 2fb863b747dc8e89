// `millrace consume`: records of topics, as text, as JSON, in a format of one's own; filtered, followed, or to the end.
import { type Command, Option } from 'commander';
import type { Client, ConsumerRecord } from '../../client/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import { type Decode, type Decoded, decoderOf, type Format, FORMATS, registryOf } from './decoding.ts';
import { type Filtered, parseFilter } from './filter.ts';
import type { CommandIo } from './io.ts';
import {
  type ClusterOptions,
  onCluster,
  partitionList,
  patternOf,
  type RegistryOptions,
  usage,
  whole,
  withClient,
  withRegistry,
} from './options.ts';
import { parseRange, positionsOf } from './positions.ts';
import type { ShownRecord } from './record-format.ts';
import { printerOf, RECORD_OUTPUTS, type RecordOutput } from './record-output.ts';
import { partitionsOf, readInGroup, readStretches } from './record-source.ts';

interface ConsumeOptions extends ClusterOptions, RegistryOptions {
  readonly output: RecordOutput;
  readonly offset?: string;
  readonly num?: number;
  readonly partitions?: readonly number[];
  readonly group?: string;
  readonly regex?: boolean;
  readonly exitAtEnd?: boolean;
  readonly format?: string;
  readonly kcatJson?: boolean;
  readonly nullAsText?: boolean;
  readonly keyFormat: Format;
  readonly valueFormat: Format;
  readonly filter?: string;
  readonly grep?: string;
  readonly readCommitted?: boolean;
  readonly skipBadRecords?: boolean;
}

export function consume(command: Command, io: CommandIo): void {
  withRegistry(onCluster(command))
    .argument('<topic...>', 'the topics')
    .option('-r, --regex', 'the topics are regular expressions for whole names of those that there are')
    .option('--offset <range>', 'start (default), end, 47, +2, -3 (the last three), @time; from:to to end there')
    .option('-n, --num <n>', 'end after so many records', whole(1))
    .option('-p, --partitions <list>', 'only these partitions: 0,2,5-7', partitionList)
    .option('-g, --group <group>', 'read in this group, and commit what is read')
    .option('-e, --exit-at-end', 'end where the partitions ended at the start, instead of following')
    .addOption(new Option('-o, --output <format>', 'how records are written').choices(RECORD_OUTPUTS).default('value'))
    .option('-f, --format <format>', 'how records are written: %k %s %h %t %p %o %T …, with \\n and \\t')
    .option('-J, --kcat-json', 'a line of JSON per record, as kcat writes it')
    .option('-Z, --null-as-text', 'null keys and values are NULL with -f, instead of nothing')
    .addOption(new Option('--key-format <format>', 'what keys are').choices(FORMATS).default('auto'))
    .addOption(new Option('--value-format <format>', 'what values are').choices(FORMATS).default('auto'))
    .option('--filter <condition>', "only records like this: value.amount > 10 AND key = 'x'")
    .option('--grep <regex>', 'only records whose key or value has this in it')
    .option('--read-committed', 'leave out what transactions have not committed')
    .option('--skip-bad-records', 'leave out what is not of its format, and tell how many at the end')
    .action((topics: string[], options: ConsumeOptions) => run(io, topics, options));
}

async function run(io: CommandIo, topics: readonly string[], options: ConsumeOptions): Promise<void> {
  const { num = Number.POSITIVE_INFINITY, skipBadRecords = false } = options;
  const isWanted = options.filter === undefined ? undefined : parseFilter(options.filter);
  const isFound = options.grep === undefined ? undefined : grep(options.grep);
  let [shown, seen, bad] = [0, 0, 0];
  await withClient(options, async (client) => {
    const decode = decodersOf(io, options);
    const printer = printerOf(io, options, client.admin());
    for await (const record of await recordsOf(io, client, topics, options)) {
      seen++;
      if (isFound !== undefined && !isFound(record)) continue;
      let decoded: ShownRecord;
      try {
        decoded = { record, ...(await decode(record)) };
      } catch (error) {
        if (!skipBadRecords) throw error;
        bad++;
        continue;
      }
      if (isWanted !== undefined && !isWanted(filteredOf(decoded))) continue;
      await printer.print(decoded);
      await io.drained();
      if (++shown >= num) break;
    }
    printer.end();
  });
  if (bad > 0) io.err(`${bad} records are not of their format and were left out.\n`);
  if (io.showsProgress) io.err(shown === seen ? `${shown} records.\n` : `${shown} of ${seen} records.\n`);
}

async function recordsOf(
  io: CommandIo,
  client: Client,
  names: readonly string[],
  options: ConsumeOptions,
): Promise<AsyncIterable<ConsumerRecord>> {
  const { group, exitAtEnd = false, partitions, readCommitted = false } = options;
  const range = parseRange('--offset', options.offset ?? 'start');
  const topics = options.regex === true ? await matching(client, names) : names;
  const reading = { readCommitted, interrupted: io.interrupted };
  if (group !== undefined) {
    if (partitions !== undefined) throw usage('--partitions and --group exclude each other: the group assigns them.');
    const from = options.offset ?? 'start';
    if (from !== 'start' && from !== 'end') throw usage('with --group, --offset is start or end.');
    await partitionsOf(client, topics);
    const begin = from === 'start' ? 'earliest' : 'latest';
    return readInGroup(client, topics, { groupId: group, from: begin, exitAtEnd, ...reading });
  }
  const wanted = await partitionsOf(client, topics, partitions);
  const admin = client.admin();
  const from = await positionsOf(admin, wanted, range.from);
  const isolation = readCommitted ? 'read_committed' : 'read_uncommitted';
  let to: readonly number[] | undefined;
  if (range.to !== undefined) to = await positionsOf(admin, wanted, range.to);
  else if (exitAtEnd) {
    to = (
      await admin.listOffsets(
        wanted.map((each) => ({ ...each, timestamp: -1 })),
        isolation,
      )
    ).map(({ offset }) => offset);
  }
  return readStretches(
    client,
    wanted.map((each, i) => ({ ...each, from: from[i]!, to: to?.[i] })),
    reading,
  );
}

async function matching(client: Client, patterns: readonly string[]): Promise<string[]> {
  const compiled = patterns.map(patternOf);
  const names = (await client.admin().listTopics()).filter((name) => compiled.some((each) => each.matches(name)));
  if (names.length > 0) return names;
  throw new MillraceError('UNKNOWN_TOPIC_OR_PARTITION', `no topic matches ${patterns.join(', ')}.`);
}

function grep(text: string): (record: ConsumerRecord) => boolean {
  const pattern = patternOf(text);
  return ({ key, value }) => [key, value].some((bytes) => bytes !== null && pattern.matcher(bytes.toString()).find());
}

/** Rejects with the record's place where a key or a value is not of its format. */
function decodersOf(
  io: CommandIo,
  options: ConsumeOptions,
): (record: ConsumerRecord) => Promise<{ readonly key: Decoded; readonly value: Decoded }> {
  const schemas = registryOf(options);
  const told = new Set<string>();
  const notice = (text: string): void => {
    if (!told.has(text)) io.err(`${text}\n`);
    told.add(text);
  };
  const ofKey = decoderOf(options.keyFormat, { isKey: true, schemas, notice });
  const ofValue = decoderOf(options.valueFormat, { isKey: false, schemas, notice });
  const decoded = async (what: string, decode: Decode, record: ConsumerRecord): Promise<Decoded> => {
    const { topic, partition, offset, headers } = record;
    try {
      return await decode(what === 'key' ? record.key : record.value, headers);
    } catch (error) {
      const code = error instanceof MillraceError ? error.code : 'DESERIALIZATION_FAILED';
      const why = `the ${what} of ${topic}-${partition}, offset ${offset}: ${messageOf(error)}`;
      throw new MillraceError(code, why, { cause: error });
    }
  };
  return async (record) => ({
    key: await decoded('key', ofKey, record),
    value: await decoded('value', ofValue, record),
  });
}

function filteredOf({ record, key, value }: ShownRecord): Filtered {
  const { topic, partition, offset, timestamp, headers } = record;
  const texts = headers.map((header) => [header.key, header.value === null ? null : String(Buffer.from(header.value))]);
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key.value,
    value: value.value,
    headers: Object.fromEntries(texts) as Record<string, unknown>,
  };
}
