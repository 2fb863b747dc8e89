// io.confluent.connect.s3.source.S3SourceConnector: files of a bucket into topics. A stream is what is read in order: the files of a
// folder, of one partition of a topic where the sink has written them. Its offset is the file that was read last, and how many of
// its records were; so of a stream, what is behind that file is new, and files must come in the order of their names.
import { atLeast, type ConfigOf, defineConfig, oneOfTexts } from '../../api/config-def.ts';
import { type SourceTask, type SourceTaskContext, sourcePlugin } from '../../api/plugins.ts';
import { ConfigError, ConnectError, DataError } from '../../data/errors.ts';
import {
  type SchemaAndValue,
  type SourceOffset,
  type SourcePartition,
  type SourceRecord,
  sourceRecord,
} from '../../data/record.ts';
import { isMine, RecordReader, shareConfig, shares } from '../file-source/index.ts';
import type { FileStore, StoredFile } from '../file-store/index.ts';
import { formatConfig, formatOf, type RecordFormat, unpackedByName } from '../record-files/index.ts';
import { compareBytes, JavaPattern, messageOf } from '../../../util/index.ts';
import { problemOf } from '../problem-of.ts';
import { openS3Store } from './s3-store.ts';
import { bucketConfig, bucketProblems, refused } from './settings.ts';

const config = defineConfig({
  ...bucketConfig,
  ...formatConfig,
  ...shareConfig,
  mode: {
    type: 'STRING',
    default: 'RESTORE_BACKUP',
    importance: 'HIGH',
    doc: 'RESTORE_BACKUP: what the sink has written, into the topics and partitions that file names say. GENERIC: any files, into the topics of topic.regex.list.',
    validator: oneOfTexts('RESTORE_BACKUP', 'GENERIC'),
  },
  'topics.dir': {
    type: 'STRING',
    default: 'topics',
    importance: 'HIGH',
    doc: 'The folder that files are in, and folders of them.',
  },
  'topic.regex.list': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'In GENERIC: topics with the pattern of the names of their files, topic:pattern, separated by commas. The first that matches counts; files that none matches are passed over.',
    validator: (list) => list?.map(topicProblem).find((problem) => problem !== undefined),
  },
  'filename.regex': {
    type: 'STRING',
    default: '(.+)\\+(\\d+)\\+.+$',
    importance: 'MEDIUM',
    doc: 'In RESTORE_BACKUP: how the names of files say the topic (first group) and the partition (second group).',
    validator: (pattern) => patternProblem(pattern!),
  },
  'directory.delim': { type: 'STRING', default: '/', importance: 'MEDIUM', doc: 'What stands between folders.' },
  's3.poll.interval.ms': {
    type: 'LONG',
    default: 60_000,
    importance: 'MEDIUM',
    doc: 'How long to wait before looking for new files, ms.',
    validator: atLeast(1),
  },
  'record.batch.max.size': {
    type: 'INT',
    default: 200,
    importance: 'MEDIUM',
    doc: 'How many records are read at a time at most.',
    validator: atLeast(1),
  },
  'behavior.on.error': {
    type: 'STRING',
    default: 'fail',
    importance: 'MEDIUM',
    doc: 'What becomes of a file that cannot be read on: fail, or what is left of it is passed over, with a line in the log (log) or without (ignore).',
    validator: oneOfTexts('fail', 'log', 'ignore'),
  },
  ...refused('partitioner.class', 'files are read by the order of their names, whoever made the folders'),
  ...refused('store.kafka.keys', 'files of keys are not read'),
  ...refused('store.kafka.headers', 'files of headers are not read'),
});
type Config = ConfigOf<typeof config>;

export const s3Source = sourcePlugin({
  className: 'io.confluent.connect.s3.source.S3SourceConnector',
  version: '2.6.0',
  config,
  exactlyOnce: () => 'supported',
  validate(given) {
    const problems = [...bucketProblems(given)];
    if (given.mode === 'GENERIC' && given['topic.regex.list'].length === 0)
      problems.push({ name: 'topic.regex.list', message: 'mode=GENERIC needs topics, with patterns: topic:.*' });
    return problems;
  },
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => shares(raw, maxTasks) }),
  task: () => new S3SourceTask(),
  checkOffsets(_config, offsets) {
    for (const { partition, offset } of offsets) {
      if (typeof partition['stream'] !== 'string' || typeof partition['bucket'] !== 'string')
        throw new ConnectError(`Partition objects have the keys bucket and stream, not ${JSON.stringify(partition)}`);
      if (offset !== null && (typeof offset['file'] !== 'string' || !Number.isSafeInteger(offset['record'])))
        throw new ConnectError(`Offset objects have the keys file and record, not ${JSON.stringify(offset)}`);
    }
  },
});

/** Where a file's records go, and in which order. */
interface Target {
  readonly stream: string;
  readonly topic: string;
  readonly partition: number | null;
}

interface Position {
  readonly file: string;
  readonly record: number;
  readonly isDone: boolean;
}

interface Open {
  readonly name: string;
  readonly target: Target;
  readonly sourcePartition: SourcePartition;
  readonly reader: RecordReader<SchemaAndValue>;
}

class S3SourceTask implements SourceTask<Config> {
  #config!: Config;
  #context!: SourceTaskContext;
  #store: FileStore | undefined;
  #format!: RecordFormat;
  #targetOf!: (name: string) => Target | undefined;
  #listing: AsyncIterator<StoredFile> | undefined;
  #open: Open | undefined;
  /** How far streams were read, as far as they were looked at. */
  readonly #positions = new Map<string, Position | null>();
  readonly #stopping = new AbortController();

  async start(given: Config, context: SourceTaskContext): Promise<void> {
    this.#config = given;
    this.#context = context;
    this.#format = formatOf(given);
    this.#targetOf = targetOf(given);
    this.#store = await openS3Store(given, (delayMs) => context.pause(delayMs, this.#stopping.signal));
  }

  async poll(signal: AbortSignal): Promise<SourceRecord[]> {
    try {
      while (!signal.aborted) {
        this.#open ??= await this.#next(signal);
        if (this.#open !== undefined) {
          const records = await this.#take(this.#open);
          if (records.length > 0) return records;
        } else if (this.#listing === undefined) await this.#context.pause(this.#config['s3.poll.interval.ms'], signal);
      }
      return [];
    } catch (error) {
      // What comes next is looked up again, from the positions that were reached.
      await this.#reset();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#reset();
    this.#store?.close();
  }

  async #reset(): Promise<void> {
    const [open, listing] = [this.#open, this.#listing];
    [this.#open, this.#listing] = [undefined, undefined];
    await open?.reader.close();
    await listing?.return?.();
  }

  /** The next file that has something new; undefined when the listing has ended, or it is time to stop. */
  async #next(signal: AbortSignal): Promise<Open | undefined> {
    const { 'topics.dir': root, 'directory.delim': delimiter, 's3.bucket.name': bucket } = this.#config;
    this.#listing ??= this.#store!.list(root === '' ? '' : root + delimiter)[Symbol.asyncIterator]();
    while (!signal.aborted) {
      const { value: found, done } = await this.#listing.next();
      if (done === true) {
        this.#listing = undefined;
        return undefined;
      }
      const { name } = found;
      const target = this.#targetOf(name);
      if (target === undefined || !isMine(this.#config, target.stream)) continue;
      const sourcePartition = { bucket, stream: target.stream };
      const position = await this.#positionOf(target.stream, sourcePartition);
      const order = position === null ? 1 : compareBytes(Buffer.from(name), Buffer.from(position.file));
      if (order < 0 || (order === 0 && position!.isDone)) continue;
      const records = this.#format.read(unpackedByName(name, this.#store!.read(name)));
      return { name, target, sourcePartition, reader: new RecordReader(records, order === 0 ? position!.record : 0) };
    }
    return undefined;
  }

  async #positionOf(stream: string, sourcePartition: SourcePartition): Promise<Position | null> {
    const known = this.#positions.get(stream);
    if (known !== undefined) return known;
    const stored = await this.#context.offset(sourcePartition);
    const position =
      stored === null
        ? null
        : { file: String(stored['file']), record: Number(stored['record']), isDone: stored['done'] === true };
    this.#positions.set(stream, position);
    return position;
  }

  async #take({ name, target, sourcePartition, reader }: Open): Promise<SourceRecord[]> {
    const taken = await this.#read(name, reader);
    const last = taken.at(-1);
    if (last === undefined || last.isLast) {
      this.#open = undefined;
      await reader.close();
    }
    if (last !== undefined) this.#positions.set(target.stream, { file: name, record: last.count, isDone: last.isLast });
    return taken.map(({ record, count, isLast }) => {
      const sourceOffset: SourceOffset = { file: name, record: count, ...(isLast ? { done: true } : {}) };
      const { topic, partition } = target;
      const { schema: valueSchema, value } = record;
      return sourceRecord({ topic, partition, valueSchema, value, sourcePartition, sourceOffset });
    });
  }

  async #read(name: string, reader: RecordReader<SchemaAndValue>): ReturnType<RecordReader<SchemaAndValue>['take']> {
    try {
      return await reader.take(this.#config['record.batch.max.size']);
    } catch (error) {
      const behavior = this.#config['behavior.on.error'];
      if (!(error instanceof DataError) || behavior === 'fail') throw namedAfter(name, error);
      if (behavior === 'log') this.#context.log.error(`what is left of ${name} is passed over: ${messageOf(error)}`);
      return [];
    }
  }
}

function namedAfter(name: string, error: unknown): unknown {
  return error instanceof DataError ? new DataError(`${name}: ${error.message}`, error) : error;
}

function targetOf(given: Config): (name: string) => Target | undefined {
  const delimiter = given['directory.delim'];
  const split = (name: string): { folder: string; base: string } => {
    const at = name.lastIndexOf(delimiter);
    return at < 0 ? { folder: '', base: name } : { folder: name.slice(0, at), base: name.slice(at + delimiter.length) };
  };
  if (given.mode === 'GENERIC') {
    const topics = given['topic.regex.list'].map(topicPattern);
    return (name) => {
      const found = topics.find(({ pattern }) => pattern.test(name));
      return found === undefined ? undefined : { stream: split(name).folder, topic: found.topic, partition: null };
    };
  }
  const pattern = JavaPattern.whole(given['filename.regex']);
  return (name) => {
    const { folder, base } = split(name);
    const [, topic, partition] = pattern.exec(base)?.groups ?? [];
    if (topic === undefined || partition === undefined) return undefined;
    return { stream: [folder, topic, partition].join(delimiter), topic, partition: Number(partition) };
  };
}

function topicPattern(entry: string): { topic: string; pattern: JavaPattern } {
  const at = entry.indexOf(':');
  if (at < 1) throw new ConfigError(`"${entry}" is no topic:pattern`);
  return { topic: entry.slice(0, at), pattern: JavaPattern.whole(entry.slice(at + 1)) };
}

const topicProblem = (entry: string): string | undefined => problemOf(() => topicPattern(entry));
const patternProblem = (pattern: string): string | undefined => problemOf(() => JavaPattern.whole(pattern));
