import { join } from 'node:path';
import { assert, type Environment, messageOf, MillraceError } from '../util/index.ts';
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
/** More in one topic is surely a mistake, and each costs a directory. */
const MAX_PARTITIONS = 100_000;

export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly isInternal: boolean;
  /** What was set on the topic itself, as text. */
  configs: Readonly<Record<string, string>>;
  settings: TopicSettings;
  readonly partitions: Partition[];
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

  /** Refuses what Kafka refuses: a bad name or number of partitions, an existing topic, an unknown config. */
  check(name: string, partitions: number, configs: Readonly<Record<string, string>>): void {
    checkTopicName(name);
    if (this.#byName.has(name)) throw refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
    if (partitions < 1 || partitions > MAX_PARTITIONS) {
      throw refusal('INVALID_PARTITIONS', `A topic has between 1 and ${MAX_PARTITIONS} partitions, not ${partitions}.`);
    }
    readTopicSettings(configs, this.#settings);
  }

  create(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): Topic {
    this.check(name, partitions, configs);
    for (let index = 0; index < partitions; index++) this.#removeLeftOver(name, index);
    const topic = this.#open({ name, id: newTopicId(this.#env.environment), partitions, configs }, { clean: true });
    try {
      this.#env.disk.syncDirectory(this.#directory);
      this.#writeCatalogue();
    } catch (error) {
      // Whoever is refused must not find it there until the next start, and lose what was written to it.
      this.#byName.delete(name);
      this.#byId.delete(topic.id);
      giveUp(topic.partitions);
      throw error;
    }
    return topic;
  }

  delete(topic: Topic): void {
    this.#byName.delete(topic.name);
    this.#byId.delete(topic.id);
    this.#writeCatalogue();
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

  addPartitions(topic: Topic, total: number): void {
    assert(total > topic.partitions.length, 'partitions can only be added');
    const before = topic.partitions.length;
    for (let index = before; index < total; index++) {
      this.#removeLeftOver(topic.name, index);
      topic.partitions.push(this.#openPartition(topic, index, { clean: true }));
    }
    try {
      this.#env.disk.syncDirectory(this.#directory);
      this.#writeCatalogue();
    } catch (error) {
      giveUp(topic.partitions.splice(before));
      throw error;
    }
  }

  /** What a crash left of a deletion, or of a creation that nobody was told of, is no part of a new partition. */
  #removeLeftOver(topic: string, index: number): void {
    this.#env.disk.remove(join(this.#directory, `${topic}-${index}`));
  }

  setConfigs(topic: Topic, configs: Readonly<Record<string, string>>): void {
    topic.settings = readTopicSettings(configs, this.#settings);
    topic.configs = configs;
    for (const partition of topic.partitions) partition.log.settings = topic.settings;
    this.#writeCatalogue();
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
    for (const topic of stored.topics) this.#open(topic, { clean, starts, recovery, cleaned });
  }

  #open(stored: StoredTopic, options: OpenOptions): Topic {
    const { name, id, configs } = stored;
    const topic: Topic = {
      name,
      id,
      isInternal: INTERNAL.has(name),
      configs,
      settings: readTopicSettings(configs, this.#settings),
      partitions: [],
    };
    for (let index = 0; index < stored.partitions; index++) {
      topic.partitions.push(this.#openPartition(topic, index, options));
    }
    this.#byName.set(name, topic);
    this.#byId.set(id, topic);
    return topic;
  }

  #openPartition(topic: Topic, index: number, options: OpenOptions): Partition {
    const name = `${topic.name}-${index}`;
    const log = new PartitionLog(join(this.#directory, name), topic.settings, this.#env);
    const partition = (): Partition => new Partition(topic.name, index, log, this.#flusher, this.#report);
    try {
      log.open({
        clean: options.clean,
        recoveryPoint: options.recovery?.get(name) ?? 0,
        startOffset: options.starts?.get(name) ?? 0,
        cleanedTo: options.cleaned?.get(name) ?? 0,
      });
    } catch (error) {
      this.#report(`partition ${name} can not be opened: ${messageOf(error)}`);
      const failed = partition();
      failed.failure = ErrorCode.KAFKA_STORAGE_ERROR;
      return failed;
    }
    if (log.recoveredBytesCut > 0)
      this.#report(`partition ${name}: cut ${log.recoveredBytesCut} torn bytes off the log`);
    return partition();
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

/** Partitions that are not on the disk, after all. */
function giveUp(partitions: readonly Partition[]): void {
  for (const partition of partitions) {
    partition.retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    partition.log.abandon();
  }
}

interface OpenOptions {
  readonly clean: boolean;
  readonly starts?: ReadonlyMap<string, number>;
  readonly recovery?: ReadonlyMap<string, number>;
  readonly cleaned?: ReadonlyMap<string, number>;
}

export function checkTopicName(name: string): void {
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
