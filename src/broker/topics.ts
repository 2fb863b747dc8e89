import { join } from 'node:path';
import { type Environment, messageOf, MillraceError } from '../util/index.ts';
import { ErrorCode } from '../protocol/index.ts';
import type { Flusher } from './flusher.ts';
import { type LogEnvironment, PartitionLog } from './log/partition-log.ts';
import { Partition } from './partition.ts';
import { type BrokerSettings, readTopicSettings, type TopicSettings } from './settings.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTIONS_TOPIC = '__transaction_state';
const INTERNAL = new Set([OFFSETS_TOPIC, TRANSACTIONS_TOPIC]);
const CATALOGUE_FILE = 'topics.json';
const START_OFFSETS_FILE = 'log-start-offset-checkpoint';
const CLEANED_FILE = 'cleaner-offset-checkpoint';
const RECOVERY_POINTS_FILE = 'recovery-point-offset-checkpoint';
const MAX_NAME_LENGTH = 249;
/** The name of Kafka's own log of metadata. */
const METADATA_TOPIC = '__cluster_metadata';
/** More in one topic is surely a mistake, and each costs a directory. */
const MAX_PARTITIONS = 100_000;
/** What one request may add: everybody waits while directories are made. Kafka's controller has the same limit. */
export const MAX_NEW_PARTITIONS = 10_000;

export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly isInternal: boolean;
  /** What was set on the topic itself, as text. */
  configs: Readonly<Record<string, string>>;
  settings: TopicSettings;
  readonly partitions: Partition[];
}

/** A topic that is to be. */
export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

interface StoredTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** The topics of this broker. What is told to a client as done is on the disk by then. */
export class Topics {
  readonly #directory: string;
  readonly #settings: BrokerSettings;
  readonly #env: LogEnvironment;
  readonly #flusher: Flusher;
  readonly #report: (message: string) => void;
  readonly #byName = new Map<string, Topic>();
  readonly #byId = new Map<string, Topic>();
  /** Names by what metrics make of them, where '.' and '_' are the same. */
  readonly #byMetricName = new Map<string, string>();
  readonly #internal = new Map<string, NewTopic>();
  #doomed: { path: string; at: number }[] = [];
  /** Called with each topic that was deleted. */
  onDeleted: (topic: Topic) => void = () => {};

  constructor(options: {
    readonly directory: string;
    readonly settings: BrokerSettings;
    readonly env: LogEnvironment;
    readonly flusher: Flusher;
    readonly report: (message: string) => void;
  }) {
    this.#directory = options.directory;
    this.#settings = options.settings;
    this.#env = options.env;
    this.#flusher = options.flusher;
    this.#report = options.report;
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Topic> {
    return this.#byName.values();
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[index];
  }

  *partitions(): Iterable<Partition> {
    for (const topic of this.#byName.values()) yield* topic.partitions;
  }

  // ── Changing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Says what an internal topic looks like, whoever is the first to ask for it. */
  declareInternal(topic: NewTopic): void {
    this.#internal.set(topic.name, topic);
  }

  /** A topic as it is made when only its name is known. */
  byDefault(name: string): NewTopic {
    return this.#internal.get(name) ?? { name, partitions: this.#settings['num.partitions'], configs: {} };
  }

  /** Refuses what Kafka refuses: a bad, taken or colliding name, a bad number of partitions, an unknown config. */
  check({ name, partitions, configs }: NewTopic): void {
    checkTopicName(name);
    if (this.#byName.has(name)) throw refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
    const other = this.#byMetricName.get(metricName(name));
    if (other !== undefined) {
      const why = `it collides with topic '${other}': metrics take '.' and '_' for the same`;
      throw refusal('INVALID_TOPIC_EXCEPTION', `Invalid topic name '${name}': ${why}.`);
    }
    checkPartitionCount(partitions);
    readTopicSettings(configs, this.#settings);
  }

  /** Makes topics, which differ in their names: all of them, with one write of the catalogue, or none. */
  create(wanted: readonly NewTopic[]): Topic[] {
    for (const topic of wanted) this.check(topic);
    checkGrowth(wanted.map(({ partitions }) => partitions));
    const made: Topic[] = [];
    try {
      for (const { name, partitions, configs } of wanted) {
        const topic = this.#define({ name, id: newTopicId(this.#env.environment), configs });
        made.push(topic);
        this.#grow(topic, partitions);
      }
      this.#env.disk.syncDirectory(this.#directory);
      this.#writeCatalogue();
    } catch (error) {
      for (const topic of made) {
        this.#forget(topic);
        this.#shrink(topic, 0);
      }
      throw error;
    }
    return made;
  }

  delete(topics: readonly Topic[]): void {
    for (const topic of topics) this.#forget(topic);
    try {
      this.#writeCatalogue();
    } catch (error) {
      for (const topic of topics) this.#remember(topic);
      throw error;
    }
    for (const topic of topics) {
      const at = this.#env.environment.now() + topic.settings['file.delete.delay.ms'];
      for (const partition of topic.partitions) {
        partition.retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        partition.log.abandon();
        const path = join(this.#directory, `${topic.id}-${partition.index}-delete`);
        this.#env.disk.rename(partition.log.directory, path);
        this.#doomed.push({ path, at });
      }
      this.onDeleted(topic);
    }
  }

  /** Refuses what can't be added. */
  checkPartitions(topic: Topic, total: number): void {
    const present = topic.partitions.length;
    if (total <= present) {
      const message = `Topic '${topic.name}' has ${present} partitions; it can only get more, not ${total}.`;
      throw refusal('INVALID_PARTITIONS', message);
    }
    checkPartitionCount(total);
  }

  /** Adds partitions to topics up to a total: all of them, or none. */
  addPartitions(growths: readonly { readonly topic: Topic; readonly total: number }[]): void {
    for (const { topic, total } of growths) this.checkPartitions(topic, total);
    checkGrowth(growths.map(({ topic, total }) => total - topic.partitions.length));
    const before = growths.map(({ topic }) => topic.partitions.length);
    try {
      for (const { topic, total } of growths) this.#grow(topic, total);
      this.#env.disk.syncDirectory(this.#directory);
      this.#writeCatalogue();
    } catch (error) {
      for (const [i, { topic }] of growths.entries()) this.#shrink(topic, before[i]!);
      throw error;
    }
  }

  /** Gives topics other configs, with one write of the catalogue. */
  setConfigs(changes: readonly { readonly topic: Topic; readonly configs: Readonly<Record<string, string>> }[]): void {
    const before = changes.map(({ topic }) => ({ topic, configs: topic.configs }));
    for (const { topic, configs } of changes) this.#configure(topic, configs);
    try {
      this.#writeCatalogue();
    } catch (error) {
      for (const { topic, configs } of before) this.#configure(topic, configs);
      throw error;
    }
  }

  #configure(topic: Topic, configs: Readonly<Record<string, string>>): void {
    topic.settings = readTopicSettings(configs, this.#settings);
    topic.configs = configs;
    for (const partition of topic.partitions) partition.log.settings = topic.settings;
  }

  // ── Upkeep ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Deletes what retention gave up, forgets idle producers, and notes where recovery would have to begin. */
  async upkeep(): Promise<void> {
    const { disk, environment } = this.#env;
    const now = environment.now();
    for (const topic of this.#byName.values()) {
      const deletes = topic.settings['cleanup.policy'].includes('delete');
      for (const { log, highWatermark, failure } of topic.partitions) {
        if (failure !== ErrorCode.NONE) continue;
        if (deletes) log.applyRetention(highWatermark);
        log.removeDoomedFiles();
        log.producers.expire(now - this.#settings['producer.id.expiration.ms']);
      }
    }
    this.#doomed = this.#doomed.filter(({ path, at }) => {
      if (at > now) return true;
      disk.remove(path);
      return false;
    });
    await this.#flusher.syncAll();
    this.writeCheckpoints();
  }

  writeCheckpoints(): void {
    const starts: string[] = [];
    const recovery: string[] = [];
    const cleaned: string[] = [];
    for (const { topic, index, log } of this.partitions()) {
      if (log.startOffset > 0) starts.push(`${topic} ${index} ${log.startOffset}`);
      recovery.push(`${topic} ${index} ${log.recoveryPoint}`);
      if (log.cleanedTo > 0) cleaned.push(`${topic} ${index} ${log.cleanedTo}`);
    }
    this.#writeCheckpoint(START_OFFSETS_FILE, starts);
    this.#writeCheckpoint(RECOVERY_POINTS_FILE, recovery);
    this.#writeCheckpoint(CLEANED_FILE, cleaned);
  }

  /** Closes all logs as a clean shutdown does. */
  close(): void {
    this.writeCheckpoints();
    for (const partition of this.partitions()) {
      if (partition.failure === ErrorCode.NONE) partition.log.close();
      else partition.log.abandon();
      partition.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    for (const { path } of this.#doomed) this.#env.disk.remove(path);
  }

  // ── Opening ─────────────────────────────────────────────────────────────────────────────────────────────────────

  load(clean: boolean): void {
    const { disk } = this.#env;
    for (const name of disk.list(this.#directory)) {
      if (name.endsWith('-delete')) disk.remove(join(this.#directory, name));
    }
    const path = join(this.#directory, CATALOGUE_FILE);
    if (!disk.exists(path)) return;
    const stored = JSON.parse(disk.readFile(path).toString()) as { topics: StoredTopic[] };
    const starts = this.#readCheckpoint(START_OFFSETS_FILE);
    const recovery = this.#readCheckpoint(RECOVERY_POINTS_FILE);
    const cleaned = this.#readCheckpoint(CLEANED_FILE);
    for (const topic of stored.topics) this.#load(topic, { clean, starts, recovery, cleaned });
  }

  #load(stored: StoredTopic, options: OpenOptions): void {
    const topic = this.#define(stored);
    for (let index = 0; index < stored.partitions; index++) {
      topic.partitions.push(this.#loadPartition(topic, index, options));
    }
  }

  #define({ name, id, configs }: Omit<StoredTopic, 'partitions'>): Topic {
    const settings = readTopicSettings(configs, this.#settings);
    const topic: Topic = { name, id, isInternal: INTERNAL.has(name), configs, settings, partitions: [] };
    this.#remember(topic);
    return topic;
  }

  #remember(topic: Topic): void {
    this.#byName.set(topic.name, topic);
    this.#byId.set(topic.id, topic);
    this.#byMetricName.set(metricName(topic.name), topic.name);
  }

  #forget(topic: Topic): void {
    this.#byName.delete(topic.name);
    this.#byId.delete(topic.id);
    this.#byMetricName.delete(metricName(topic.name));
  }

  /** Opens new partitions up to a total. */
  #grow(topic: Topic, total: number): void {
    while (topic.partitions.length < total) {
      topic.partitions.push(this.#openPartition(topic, topic.partitions.length, { clean: true }));
    }
  }

  /** Takes back partitions that nobody was told of. */
  #shrink(topic: Topic, total: number): void {
    for (const partition of topic.partitions.splice(total)) {
      partition.retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      partition.log.abandon();
      this.#env.disk.remove(partition.log.directory);
    }
  }

  #loadPartition(topic: Topic, index: number, options: OpenOptions): Partition {
    const name = `${topic.name}-${index}`;
    try {
      const partition = this.#openPartition(topic, index, options);
      const cut = partition.log.recoveredBytesCut;
      if (cut > 0) this.#report(`partition ${name}: cut ${cut} torn bytes off the log`);
      return partition;
    } catch (error) {
      this.#report(`partition ${name} can not be opened: ${messageOf(error)}`);
      const log = new PartitionLog(join(this.#directory, name), topic.settings, this.#env);
      const failed = new Partition(topic.name, index, log, this.#flusher, this.#report);
      failed.failure = ErrorCode.KAFKA_STORAGE_ERROR;
      return failed;
    }
  }

  #openPartition(topic: Topic, index: number, options: OpenOptions): Partition {
    const name = `${topic.name}-${index}`;
    const log = new PartitionLog(join(this.#directory, name), topic.settings, this.#env);
    log.open({
      clean: options.clean,
      recoveryPoint: options.recovery?.get(name) ?? 0,
      startOffset: options.starts?.get(name) ?? 0,
      cleanedTo: options.cleaned?.get(name) ?? 0,
    });
    return new Partition(topic.name, index, log, this.#flusher, this.#report);
  }

  #writeCatalogue(): void {
    const topics: StoredTopic[] = [...this.#byName.values()].map(({ name, id, partitions, configs }) => ({
      name,
      id,
      partitions: partitions.length,
      configs,
    }));
    const text = `${JSON.stringify({ version: 1, topics }, undefined, 1)}\n`;
    this.#env.disk.replaceFile(join(this.#directory, CATALOGUE_FILE), text, true);
  }

  /** Kafka's checkpoint text: version, count, then `topic partition offset` lines. */
  #writeCheckpoint(name: string, lines: readonly string[]): void {
    const text = `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`;
    this.#env.disk.replaceFile(join(this.#directory, name), text, true);
  }

  #readCheckpoint(name: string): Map<string, number> {
    const path = join(this.#directory, name);
    const offsets = new Map<string, number>();
    if (!this.#env.disk.exists(path)) return offsets;
    for (const line of this.#env.disk.readFile(path).toString().split('\n').slice(2)) {
      const [topic, partition, offset] = line.split(' ');
      if (offset !== undefined) offsets.set(`${topic}-${partition}`, Number(offset));
    }
    return offsets;
  }
}

interface OpenOptions {
  readonly clean: boolean;
  readonly starts?: ReadonlyMap<string, number>;
  readonly recovery?: ReadonlyMap<string, number>;
  readonly cleaned?: ReadonlyMap<string, number>;
}

/** What metrics make of a topic's name. */
function metricName(name: string): string {
  return name.replaceAll('.', '_');
}

function checkPartitionCount(partitions: number): void {
  if (partitions >= 1 && partitions <= MAX_PARTITIONS) return;
  throw refusal('INVALID_PARTITIONS', `A topic has between 1 and ${MAX_PARTITIONS} partitions, not ${partitions}.`);
}

/** Refuses a request that adds more partitions than one may. */
export function checkGrowth(counts: readonly number[]): void {
  const total = counts.reduce((sum, count) => sum + Math.max(0, count), 0);
  if (total <= MAX_NEW_PARTITIONS) return;
  const message = `A request adds at most ${MAX_NEW_PARTITIONS} partitions, not ${total}: split it.`;
  throw refusal('POLICY_VIOLATION', message);
}

function checkTopicName(name: string): void {
  if (name === METADATA_TOPIC) {
    throw refusal('TOPIC_AUTHORIZATION_FAILED', `The name '${name}' is reserved for the cluster itself.`);
  }
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return;
  const rule = `has 1 to ${MAX_NAME_LENGTH} characters out of a-z, A-Z, 0-9, '.', '_' and '-', and is not '.' or '..'`;
  throw refusal('INVALID_TOPIC_EXCEPTION', `Invalid topic name '${name}': a name ${rule}.`);
}

/** 16 random bytes as 22 characters; not beginning with a dash, which command lines take for an option. */
function newTopicId(environment: Environment): string {
  for (;;) {
    const id = environment.randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

function refusal(code: keyof typeof ErrorCode, message: string): MillraceError {
  return new MillraceError(code, message);
}
