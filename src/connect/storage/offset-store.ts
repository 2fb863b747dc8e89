// How far sources have been read. A connector's offsets lie in a compacted topic, as Kafka Connect keeps them there: key
// `["connector",{partition}]`, value `{offset}`, null when forgotten. A standalone worker keeps them in a file.
//
// Keys are compared by what they say, not by their bytes: maps have no order. But a key is written as it was first found, so that
// compaction takes the older of two, whoever wrote them.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ConsumerRecord } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import type { SourceOffsetEntry } from '../api/plugins.ts';
import { ConfigError, ConnectError } from '../data/errors.ts';
import type { SourceOffset, SourcePartition } from '../data/record.ts';
import { TopicLog, type TopicLogOptions } from './topic-log.ts';

/** A record of the offsets topic. */
export interface OffsetRecord {
  readonly key: string;
  /** Null forgets it. */
  readonly value: string | null;
}

/** PORT. Where the offsets of sources are kept. */
export interface OffsetStore {
  /** Resolves when everything is known that was written before. */
  refresh(): Promise<void>;
  /** All that is known of a connector, as of the last refresh. */
  offsetsOf(connector: string): readonly SourceOffsetEntry[];
  /** Null where nothing is known. */
  offset(connector: string, partition: SourcePartition): SourceOffset | null;
  /** What stands for these offsets in the topic: for transactions that write them along with records. */
  records(connector: string, offsets: readonly SourceOffsetEntry[]): OffsetRecord[];
  /** Resolves when they are safe. */
  write(connector: string, offsets: readonly SourceOffsetEntry[]): Promise<void>;
  close(): Promise<void>;
}

interface Known extends SourceOffsetEntry {
  readonly key: string;
}

/** What is known, by connector and by what partitions say. */
class OffsetTable {
  readonly #byConnector = new Map<string, Map<string, Known>>();

  apply(key: string, value: string | null): void {
    const [connector, partition] = parseKey(key);
    const known = this.#byConnector.get(connector) ?? new Map<string, Known>();
    const canonical = canonicalOf(partition);
    const offset = value === null ? null : (JSON.parse(value) as SourceOffset | null);
    known.set(canonical, { key: known.get(canonical)?.key ?? key, partition, offset });
    this.#byConnector.set(connector, known);
  }

  of(connector: string): readonly Known[] {
    return [...(this.#byConnector.get(connector)?.values() ?? [])].filter(({ offset }) => offset !== null);
  }

  get(connector: string, partition: SourcePartition): Known | undefined {
    return this.#byConnector.get(connector)?.get(canonicalOf(partition));
  }

  records(connector: string, offsets: readonly SourceOffsetEntry[]): OffsetRecord[] {
    return offsets.map(({ partition, offset }) => ({
      key: this.get(connector, partition)?.key ?? JSON.stringify([connector, partition]),
      value: offset === null ? null : JSON.stringify(offset),
    }));
  }

  *entries(): Generator<OffsetRecord> {
    for (const known of this.#byConnector.values())
      for (const { key, offset } of known.values()) if (offset !== null) yield { key, value: JSON.stringify(offset) };
  }
}

/** The offsets topic: `offset.storage.topic`, or a connector's own (`offsets.storage.topic`). */
export class TopicOffsetStore implements OffsetStore {
  readonly topic: string;
  readonly #log: TopicLog;
  readonly #table: OffsetTable;

  private constructor(log: TopicLog, table: OffsetTable) {
    this.topic = log.topic;
    this.#log = log;
    this.#table = table;
  }

  static async open(options: TopicLogOptions): Promise<TopicOffsetStore> {
    const table = new OffsetTable();
    const log = await TopicLog.open(options, ({ key, value }: ConsumerRecord) => {
      if (key !== null) table.apply(key.toString(), value === null ? null : value.toString());
    });
    return new TopicOffsetStore(log, table);
  }

  refresh(): Promise<void> {
    return this.#log.readToEnd();
  }

  offsetsOf(connector: string): readonly SourceOffsetEntry[] {
    return this.#table.of(connector);
  }

  offset(connector: string, partition: SourcePartition): SourceOffset | null {
    return this.#table.get(connector, partition)?.offset ?? null;
  }

  records(connector: string, offsets: readonly SourceOffsetEntry[]): OffsetRecord[] {
    return this.#table.records(connector, offsets);
  }

  async write(connector: string, offsets: readonly SourceOffsetEntry[]): Promise<void> {
    await Promise.all(this.records(connector, offsets).map(({ key, value }) => this.#log.write(key, value)));
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** What a file written by Java's worker begins with: a serialized `HashMap`. */
const JAVA_SERIALIZED = Buffer.from([0xac, 0xed]);

/** `offset.storage.file.filename` of a standalone worker: a JSON object, written anew and put in place with each commit. */
export class FileOffsetStore implements OffsetStore {
  readonly #path: string;
  readonly #table = new OffsetTable();
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Rejects with `ConfigError` where the file is none of ours. */
  static async open(path: string): Promise<FileOffsetStore> {
    const store = new FileOffsetStore(path);
    const bytes = await readFile(path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
      throw new ConfigError(`offset.storage.file.filename: ${path} cannot be read`, error);
    });
    if (bytes.subarray(0, 2).equals(JAVA_SERIALIZED))
      throw new ConfigError(
        `offset.storage.file.filename: ${path} was written by a Java worker, in Java's own form. Give another file, and set the offsets with PATCH /connectors/{name}/offsets`,
      );
    if (bytes.length === 0) return store;
    try {
      for (const [key, value] of Object.entries(JSON.parse(bytes.toString()) as Record<string, string>))
        store.#table.apply(key, value);
    } catch (error) {
      throw new ConfigError(`offset.storage.file.filename: ${path} holds no offsets of a worker`, error);
    }
    return store;
  }

  async refresh(): Promise<void> {}

  offsetsOf(connector: string): readonly SourceOffsetEntry[] {
    return this.#table.of(connector);
  }

  offset(connector: string, partition: SourcePartition): SourceOffset | null {
    return this.#table.get(connector, partition)?.offset ?? null;
  }

  records(connector: string, offsets: readonly SourceOffsetEntry[]): OffsetRecord[] {
    return this.#table.records(connector, offsets);
  }

  /** Offsets of tasks that commit at a time are written one after the other: each file holds all that came before. */
  write(connector: string, offsets: readonly SourceOffsetEntry[]): Promise<void> {
    for (const { key, value } of this.records(connector, offsets)) this.#table.apply(key, value);
    const written = this.#writing.then(() => this.#save());
    this.#writing = written.catch(() => {});
    return written;
  }

  async close(): Promise<void> {
    await this.#writing;
  }

  async #save(): Promise<void> {
    const content = Object.fromEntries([...this.#table.entries()].map(({ key, value }) => [key, value]));
    const beside = `${this.#path}.new`;
    await mkdir(dirname(this.#path), { recursive: true });
    const file = await open(beside, 'w');
    try {
      await file.writeFile(JSON.stringify(content, null, 1));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, this.#path);
  }
}

function parseKey(key: string): [string, SourcePartition] {
  const parsed: unknown = JSON.parse(key);
  if (!Array.isArray(parsed) || parsed.length !== 2 || typeof parsed[0] !== 'string' || !isPartition(parsed[1]))
    throw new ConnectError(`${key} is no key of an offset: ["connector",{partition}]`);
  return [parsed[0], parsed[1]];
}

function isPartition(value: unknown): value is SourcePartition {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same for all orders of its keys. */
function canonicalOf(partition: SourcePartition): string {
  return JSON.stringify(Object.entries(partition).sort(([a], [b]) => (a < b ? -1 : 1)));
}
