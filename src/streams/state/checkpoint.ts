/**
 * A task's state on disk as of one acknowledged commit: the rows of all its stores in one LevelDB, and with them the
 * changelog offsets that they reach to, always written in one batch. What was committed after that is replayed from the
 * changelog. Nothing uncommitted is ever written, so a crash leaves a checkpoint that is older, never one that is wrong.
 *
 * Stores read single rows from here while records are processed; what they have changed since stays in memory until it
 * is written with the next checkpoint.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ClassicLevel } from 'classic-level';
import {
  codeOf,
  type Environment,
  MillraceError,
  messageOf,
  systemEnvironment,
  yieldToEventLoop,
} from '../../util/index.ts';
import type { StoreFingerprint } from './fingerprint.ts';
import { type MemoryBudget, processBudget } from './memory-budget.ts';
import { STORE_PREFIX_BYTES } from './rows.ts';
import {
  type Disk,
  type EmitPosition,
  type KeyRange,
  type SavedStore,
  type StateStore,
  StateUnreadable,
  type StoreSpec,
} from './store.ts';

/** What belongs to the image besides rows. */
export interface CheckpointMeta {
  /** Per store: the offset behind the last changelog record that the image holds. */
  readonly changelogOffsets: Readonly<Record<string, number>>;
  readonly positions: Readonly<Record<string, EmitPosition>>;
  readonly streamTime: number;
  /** What the rows mean, by store; earlier versions did not say it. */
  readonly fingerprints?: Readonly<Record<string, StoreFingerprint>>;
}

interface StoreEntry extends SavedStore {
  /** The store's number, in front of its keys. */
  readonly id: number;
  /** What its rows look like. */
  readonly layout: string;
}

interface Manifest {
  readonly layout: number;
  readonly meta: CheckpointMeta;
  readonly stores: Readonly<Record<string, StoreEntry>>;
}

/** Told apart from everything that was ever written otherwise; what is not of this layout is not read. */
const LAYOUT = 3;
/** Rows taken over before others in the process get a turn. */
const ROWS_AT_ONCE = 20_000;
/** Rows read at once where all of them are kept in memory. */
const ROWS_PER_READ = 1000;
/** The manifest comes before all rows. */
const MANIFEST_KEY = Buffer.from('manifest');
const ROW = 0xff;
const OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  maxFileSize: 8 * 1024 * 1024,
  // Larger, and there are fewer runs to be merged; smaller, and less of LevelDB's log is read when it is opened again (about
  // a quarter of a second for what is allowed here).
  writeBufferSize: 8 * 1024 * 1024,
} as const;
/** What an entry takes in LevelDB's write buffer besides its bytes. */
const BUFFERED_ENTRY_BYTES = 32;
/** What an earlier version kept beside its LevelDB. */
const EARLIER_FILE = /^\d+\.rows$/;

const READS_PER_LOOK = 256;
/** A row that is in the system's page cache takes about 0.006. */
const SLOW_READ_MS = 0.03;

type Level = ClassicLevel<Buffer, Buffer>;

export interface CheckpointOptions {
  readonly environment?: Environment;
  readonly budget?: MemoryBudget;
  /** Told, in one line, when what was there can't be used and the state is built anew. */
  readonly onRebuild?: (why: string) => void;
}

export class Checkpoint {
  meta: CheckpointMeta | null;
  readonly directory: string;
  readonly budget: MemoryBudget;
  readonly #environment: Environment;
  readonly #level: Level;
  /** Stores that have rows, by name. */
  readonly #stores: Map<string, StoreEntry>;
  /** Numbers given since this was opened. */
  readonly #ids = new Map<string, number>();
  #nextId: number;
  #isDamaged = false;
  /** How long reads take, looked at so many at a time: single ones are shorter than the clock's step. */
  readonly #pace = { reads: 0, ms: 0, isSlow: false };
  #written: Promise<void> = Promise.resolve();

  private constructor(
    directory: string,
    level: Level,
    manifest: Manifest | null,
    { environment = systemEnvironment, budget = processBudget }: CheckpointOptions,
  ) {
    this.directory = directory;
    this.budget = budget;
    this.#environment = environment;
    this.#level = level;
    this.meta = manifest?.meta ?? null;
    this.#stores = new Map(Object.entries(manifest?.stores ?? {}));
    this.#nextId = Math.max(0, ...[...this.#stores.values()].map(({ id }) => id)) + 1;
  }

  /** Opens a task's checkpoint; `STATE_LOCKED` when another task or process has it open. */
  static async open(directory: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
    await mkdir(dirname(directory), { recursive: true });
    const rebuild = async (why: string): Promise<Checkpoint> => {
      options.onRebuild?.(`the state in ${directory} ${why}: it is removed, and built anew from the changelogs`);
      await rm(directory, { recursive: true, force: true });
      return Checkpoint.open(directory, options);
    };
    const level: Level = new ClassicLevel(directory, OPTIONS);
    let manifest: Manifest | undefined;
    try {
      await level.open();
      const bytes = await level.get(MANIFEST_KEY);
      if (bytes !== undefined) manifest = JSON.parse(bytes.toString()) as Manifest;
    } catch (error) {
      const cause = (error instanceof Error ? error.cause : undefined) ?? error;
      if (codeOf(cause) === 'LEVEL_LOCKED') {
        throw new MillraceError('STATE_LOCKED', `the state in ${directory} is in use by another instance`, {
          retriable: true,
          cause,
        });
      }
      if (!isDamage(cause)) throw error;
      await level.close();
      return rebuild(`is damaged (${messageOf(cause)})`);
    }
    const isEarlier = (await readdir(directory)).some((name) => EARLIER_FILE.test(name));
    if (isEarlier || (manifest !== undefined && manifest.layout !== LAYOUT)) {
      await level.close();
      return rebuild('is of an earlier version');
    }
    const checkpoint = new Checkpoint(directory, level, manifest ?? null, options);
    if (manifest === undefined) await level.clear();
    return checkpoint;
  }

  /** What the checkpoint of a task that nobody has open belongs to; undefined when somebody has, or it can't be used. */
  static async peek(directory: string): Promise<CheckpointMeta | undefined> {
    const level: Level = new ClassicLevel(directory, { ...OPTIONS, createIfMissing: false });
    try {
      await level.open();
      const bytes = await level.get(MANIFEST_KEY);
      const manifest = bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as Manifest);
      return manifest?.layout === LAYOUT ? manifest.meta : undefined;
    } catch {
      // Whoever opens it finds out why.
      return undefined;
    } finally {
      await level.close();
    }
  }

  /** Where a store of the task has its rows. */
  disk(spec: StoreSpec): Disk {
    const level = this.#level;
    const pace = this.#pace;
    const prefix = prefixOf(this.#idOf(spec));
    const damaged = (cause?: unknown): StateUnreadable => this.#damaged(cause);
    return {
      budget: this.budget,
      prefix,
      get: (key) => {
        const before = this.#environment.now();
        try {
          return level.getSync(key);
        } catch (error) {
          throw damaged(error);
        } finally {
          this.#readTook(this.#environment.now() - before);
        }
      },
      get isSlow() {
        return pace.isSlow;
      },
      getMany: (keys) => level.getMany([...keys]),
      scan: (range) => level.iterator(range),
      damaged,
    };
  }

  #readTook(ms: number): void {
    const pace = this.#pace;
    pace.ms += ms;
    if (++pace.reads < READS_PER_LOOK) return;
    pace.isSlow = pace.ms > SLOW_READ_MS * READS_PER_LOOK;
    pace.reads = 0;
    pace.ms = 0;
  }

  /** Hands the stores, which are empty, what they have on disk. Returns how many entries they have then. */
  async load(stores: ReadonlyMap<string, StateStore>): Promise<number> {
    const isWanted = ({ spec }: StateStore): boolean => this.#ids.has(spec.name);
    const wanted = [...stores.values()].filter(isWanted);
    const inUse = new Set(wanted.map(({ spec }) => this.#ids.get(spec.name)));
    for (const [name, { id }] of this.#stores) {
      if (inUse.has(id)) continue;
      // The topology has no such store any more, or one of another kind.
      this.#stores.delete(name);
      await this.#level.clear(rangeOf(prefixOf(id)));
    }
    let count = 0;
    for (const store of wanted) {
      const saved = this.#stores.get(store.spec.name);
      if (saved === undefined) continue;
      store.resume(saved);
      if (store.staysInMemory) await this.#trusting(() => this.#takeAll(store, saved.id));
      count += store.size;
    }
    return count;
  }

  /** Up to where a store's changelog is in the image. */
  offsetOf(spec: StoreSpec): number {
    if (this.#stores.get(spec.name)?.layout !== layoutOf(spec)) return 0;
    return this.meta?.changelogOffsets[spec.name] ?? 0;
  }

  /**
   * Takes over what has changed since the last time; the caller sees to it that all of it has been committed, and that
   * nothing changes until this has resolved. The writing itself goes on behind: `settled` waits for it.
   */
  async write(stores: ReadonlyMap<string, StateStore>, meta: CheckpointMeta): Promise<void> {
    // One at a time: what has been drained is in memory until it is written.
    await this.#written;
    const kept = [...stores.values()].filter(({ spec }) => this.#ids.has(spec.name));
    const batch = this.#level.batch();
    let buffered = 0;
    const visit = (key: Buffer, value: Buffer | null): void => {
      buffered += BUFFERED_ENTRY_BYTES + key.length + (value?.length ?? 0);
      if (value === null) batch.del(key);
      else batch.put(key, value);
    };
    const expired: KeyRange[] = [];
    for (const store of kept) {
      const { spec } = store;
      while (store.drainDisk(visit, ROWS_AT_ONCE)) await yieldToEventLoop(this.#environment);
      this.#stores.set(spec.name, { ...store.describe(), id: this.#idOf(spec), layout: layoutOf(spec) });
      const range = store.expired();
      if (range !== undefined) expired.push(range);
    }
    this.meta = meta;
    const manifest: Manifest = { layout: LAYOUT, meta, stores: Object.fromEntries(this.#stores) };
    const manifestBytes = Buffer.from(JSON.stringify(manifest));
    batch.put(MANIFEST_KEY, manifestBytes);
    this.#written = this.#trusting(async () => {
      // Not synced: what the power takes is the end of LevelDB's log, whole batches, and the changelog has it.
      await batch.write();
      // A buffer that is full goes to a file with the next write. It would be read from the log again until then.
      if (buffered > OPTIONS.writeBufferSize) await this.#level.put(MANIFEST_KEY, manifestBytes);
      for (const store of kept) store.saved();
      this.budget.release();
      for (const range of expired) await this.#level.clear(range);
    });
    // Whoever waits for `settled` gets the failure; nobody waiting must not end the process.
    this.#written.catch(() => {});
  }

  async settled(): Promise<void> {
    await this.#written;
  }

  /** Begins anew, with nothing. To be called before the stores are handed what they have. */
  async wipe(): Promise<void> {
    await this.#written;
    await this.#level.clear();
    this.#stores.clear();
    this.meta = null;
  }

  async close(): Promise<void> {
    try {
      await this.#written;
    } finally {
      await this.#level.close();
      if (this.#isDamaged) await rm(this.directory, { recursive: true, force: true });
    }
  }

  async #takeAll(store: StateStore, id: number): Promise<void> {
    const iterator = this.#level.iterator(rangeOf(prefixOf(id)));
    try {
      for (
        let rows = await iterator.nextv(ROWS_PER_READ);
        rows.length > 0;
        rows = await iterator.nextv(ROWS_PER_READ)
      ) {
        for (const [key, value] of rows) await takeRow(store, key, value);
      }
    } finally {
      await iterator.close();
    }
  }

  /** What LevelDB finds damaged ends the worker, and the state is built anew. */
  async #trusting(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw isDamage(error) ? this.#damaged(error) : error;
    }
  }

  #damaged(cause?: unknown): StateUnreadable {
    this.#isDamaged = true;
    const text = `the state in ${this.directory} is damaged: it is removed, and built anew from the changelogs`;
    return new StateUnreadable('STATE_CORRUPT', text, async () => {}, cause);
  }

  #idOf(spec: StoreSpec): number {
    const given = this.#ids.get(spec.name);
    if (given !== undefined) return given;
    const saved = this.#stores.get(spec.name);
    const id = saved?.layout === layoutOf(spec) ? saved.id : this.#nextId++;
    this.#ids.set(spec.name, id);
    return id;
  }
}

/** Takes a row in; waits only when a schema has to be loaded first. */
async function takeRow(store: StateStore, key: Buffer, value: Buffer): Promise<void> {
  for (;;) {
    try {
      store.take(key, value);
      return;
    } catch (error) {
      if (!(error instanceof StateUnreadable) || error.code === 'STATE_CORRUPT') throw error;
      await error.recover();
    }
  }
}

function layoutOf({ kind, startsAnywhere }: StoreSpec): string {
  return startsAnywhere === true ? `${kind} by key` : kind;
}

function prefixOf(id: number): Buffer {
  const prefix = Buffer.alloc(STORE_PREFIX_BYTES);
  prefix[0] = ROW;
  prefix.writeUInt16BE(id, 1);
  return prefix;
}

function rangeOf(prefix: Buffer): KeyRange {
  const lt = Buffer.from(prefix);
  lt.writeUInt16BE(lt.readUInt16BE(1) + 1, 1);
  return { gte: prefix, lt };
}

/** What LevelDB says about files that are not as it left them. */
function isDamage(error: unknown): boolean {
  const cause = (error instanceof Error ? error.cause : undefined) ?? error;
  return cause instanceof SyntaxError || codeOf(cause) === 'LEVEL_CORRUPTION' || codeOf(cause) === 'LEVEL_NOT_FOUND';
}
