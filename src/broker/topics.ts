import { type Environment, messageOf, MillraceError } from '../util/index.ts';
import { ErrorCode } from '../protocol/index.ts';
import type { Flusher } from './flusher.ts';
import { DataDirectory, type StoredTopic } from './log/data-directory.ts';
import { type LogEnvironment, PartitionLog } from './log/partition-log.ts';
import { Partition } from './partition.ts';
import { type BrokerSettings, checkTopicConfigs, readTopicSettings, type TopicSettings } from './settings.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTIONS_TOPIC = '__transaction_state';
export const SHARE_STATE_TOPIC = '__share_group_state';
const INTERNAL = new Set([OFFSETS_TOPIC, TRANSACTIONS_TOPIC, SHARE_STATE_TOPIC]);
const MAX_NAME_LENGTH = 249;
/** The name of Kafka's own log of metadata. */
const METADATA_TOPIC = '__cluster_metadata';
const SCHEMA_VALIDATION = ['confluent.key.schema.validation', 'confluent.value.schema.validation'] as const;
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

/** The topics of this broker. What is told to a client as done is on the disk by then. */
export class Topics {
  readonly #directory: DataDirectory;
  readonly #settings: BrokerSettings;
  readonly #env: LogEnvironment;
  readonly #flusher: Flusher;
  readonly #knowsSchemas: boolean;
  readonly #report: (message: string) => void;
  readonly #byName = new Map<string, Topic>();
  readonly #byId = new Map<string, Topic>();
  /** Names by what metrics make of them, where '.' and '_' are the same. */
  readonly #byMetricName = new Map<string, string>();
  readonly #internal = new Map<string, NewTopic>();
  #doomed: { path: string; at: number }[] = [];
  /** Another number behind each change of topics or their partitions. */
  version = 0;
  /** Called with each topic that was deleted. */
  onDeleted: (topic: Topic) => void = () => {};

  constructor(options: {
    readonly directory: string;
    readonly settings: BrokerSettings;
    readonly env: LogEnvironment;
    readonly flusher: Flusher;
    /** Whether records can be checked against registered schemas. */
    readonly knowsSchemas: boolean;
    readonly report: (message: string) => void;
  }) {
    this.#settings = options.settings;
    this.#env = options.env;
    this.#flusher = options.flusher;
    this.#knowsSchemas = options.knowsSchemas;
    this.#report = options.report;
    this.#directory = new DataDirectory(options.env.disk, options.directory, options.report);
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
    this.checkConfigs(configs);
  }

  /** Refuses configs that a topic can't have. */
  checkConfigs(configs: Readonly<Record<string, string>>): void {
    checkTopicConfigs(configs, this.#settings);
    if (this.#knowsSchemas) return;
    const asked = SCHEMA_VALIDATION.find((name) => configs[name]?.trim() === 'true');
    if (asked === undefined) return;
    throw refusal('INVALID_CONFIG', `"${asked}" can't be true: this broker has no Schema Registry at hand.`);
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
      this.#directory.sync();
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
        const path = this.#directory.deleted(topic.id, partition.index);
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
      this.#directory.sync();
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

  /** The broker's settings have changed, which are the defaults of its topics'. */
  settingsChanged(): void {
    for (const topic of this.#byName.values()) this.#configure(topic, topic.configs);
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
      for (const partition of topic.partitions) {
        if (isInService(partition)) this.#upkeepOf(partition, deletes, now);
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

  #upkeepOf({ topic, index, log, highWatermark }: Partition, deletes: boolean, now: number): void {
    try {
      if (deletes) log.applyRetention(highWatermark);
      log.removeDoomedFiles();
      log.producers.expire(now - this.#settings['producer.id.expiration.ms']);
    } catch (error) {
      this.#report(`partition ${topic}-${index}: retention failed: ${messageOf(error)}`);
    }
  }

  writeCheckpoints(): void {
    const starts: string[] = [];
    const recovery: string[] = [];
    const cleaned: string[] = [];
    const points: { log: PartitionLog; recoveryPoint: number }[] = [];
    for (const { topic, index, log } of this.partitions()) {
      const { startOffset, recoveryPoint, cleanedTo } = log;
      if (startOffset > 0) starts.push(`${topic} ${index} ${startOffset}`);
      recovery.push(`${topic} ${index} ${recoveryPoint}`);
      if (cleanedTo > 0) cleaned.push(`${topic} ${index} ${cleanedTo}`);
      points.push({ log, recoveryPoint });
    }
    this.#directory.writeCheckpoint('log-start-offset-checkpoint', starts);
    this.#directory.writeCheckpoint('recovery-point-offset-checkpoint', recovery);
    this.#directory.writeCheckpoint('cleaner-offset-checkpoint', cleaned);
    for (const { log, recoveryPoint } of points) log.checkpointed(recoveryPoint);
  }

  /** Closes all logs; true when all are as a clean shutdown leaves them. What fails is told, and keeps nothing else from closing. */
  close(): boolean {
    let isClean = this.#tried('the checkpoints', () => this.writeCheckpoints());
    for (const partition of this.partitions()) {
      const { topic, index, log } = partition;
      const isClosed = isInService(partition) && this.#tried(`partition ${topic}-${index}`, () => log.close());
      if (!isClosed) log.abandon();
      isClean &&= isClosed;
      partition.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    for (const { path } of this.#doomed) this.#tried(path, () => this.#env.disk.remove(path));
    return isClean;
  }

  #tried(what: string, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      this.#report(`${what} can not be closed: ${messageOf(error)}`);
      return false;
    }
  }

  /** The partitions that take no records at the moment, and why. */
  *outages(): Iterable<{ readonly topic: string; readonly partition: number; readonly reason: string }> {
    for (const { topic, index, outage } of this.partitions()) {
      if (outage !== undefined) yield { topic, partition: index, reason: outage };
    }
  }

  // ── Opening ─────────────────────────────────────────────────────────────────────────────────────────────────────

  load(clean: boolean): void {
    const stored = this.#directory.readTopics();
    this.#directory.tidy(stored);
    const starts = this.#directory.readCheckpoint('log-start-offset-checkpoint');
    const recovery = this.#directory.readCheckpoint('recovery-point-offset-checkpoint');
    const cleaned = this.#directory.readCheckpoint('cleaner-offset-checkpoint');
    for (const topic of stored) this.#load(topic, { clean, starts, recovery, cleaned });
  }

  #load(stored: StoredTopic, options: OpenOptions): void {
    const topic = this.#define(stored);
    for (let index = 0; index < stored.partitions; index++) {
      const partition = this.#partition(topic, index, options);
      topic.partitions.push(partition);
      if (!this.#env.disk.exists(this.#directory.partition(topic.name, index))) {
        this.#report(`partition ${topic.name}-${index}: its directory is missing, and all its records with it`);
      }
      if (topic.isInternal) openJournal(partition);
      else partition.openWhenPossible();
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
      const partition = this.#partition(topic, topic.partitions.length, { clean: true });
      topic.partitions.push(partition);
      partition.open();
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

  #partition(topic: Topic, index: number, options: OpenOptions): Partition {
    const name = `${topic.name}-${index}`;
    const startOffset = options.starts?.get(name) ?? 0;
    const cleanedTo = options.cleaned?.get(name) ?? 0;
    return new Partition({
      topic: topic.name,
      index,
      flusher: this.#flusher,
      environment: this.#env.environment,
      report: this.#report,
      newLog: () => {
        const log = new PartitionLog(this.#directory.partition(topic.name, index), topic.settings, this.#env);
        // What was noted of a log that can't be opened yet is noted again.
        return Object.assign(log, { startOffset, cleanedTo });
      },
      openLog: (log, failed) => {
        if (failed === undefined) {
          const recoveryPoint = options.recovery?.get(name) ?? 0;
          log.open({ clean: options.clean, recoveryPoint, startOffset, cleanedTo });
        } else {
          const { log: before, endLimit, unforcedFrom } = failed;
          const { recoveryPoint } = before;
          const places = { startOffset: before.startOffset, cleanedTo: before.cleanedTo };
          log.open({ clean: false, recoveryPoint, ...places, endLimit, unforcedFrom });
        }
        for (const finding of log.findings) this.#report(`partition ${name}: ${finding}`);
      },
    });
  }

  #writeCatalogue(): void {
    this.version++;
    const topics = [...this.#byName.values()].map(({ name, id, partitions, configs }) => {
      return { name, id, partitions: partitions.length, configs };
    });
    this.#directory.writeTopics(topics);
  }
}

interface OpenOptions {
  readonly clean: boolean;
  readonly starts?: ReadonlyMap<string, number>;
  readonly recovery?: ReadonlyMap<string, number>;
  readonly cleaned?: ReadonlyMap<string, number>;
}

/** Without its journals the broker would answer that groups and transactions have never been there: then it does not start. */
function openJournal(partition: Partition): void {
  try {
    partition.open();
  } catch (error) {
    const what = `Partition ${partition.topic}-${partition.index} can not be opened (${messageOf(error)})`;
    const why = 'the broker needs it to know its groups and transactions';
    throw new MillraceError('DATA_DIRECTORY_DAMAGED', `${what}, and ${why}.`, { cause: error });
  }
}

function isInService({ failure, outage }: Partition): boolean {
  return failure === ErrorCode.NONE && outage === undefined;
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
    throw refusal(
      'INVALID_REQUEST',
      `Creation of internal topic ${name} is prohibited: the name is the cluster's own.`,
    );
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
