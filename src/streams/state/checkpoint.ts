/**
 * A task's state on disk as of one acknowledged commit: files of rows, each with what had changed since the one before,
 * and a list of the files that count, in LevelDB, together with the changelog offsets they reach to. What was committed
 * after that is replayed from the changelog. Nothing uncommitted is ever written, and the list changes at once, so a crash
 * leaves a checkpoint that is older, never one that is wrong.
 *
 * The files are read back in the order in which they were written, the later row counts. Before there is much in them that
 * no longer counts, the oldest ones go: each store knows which file (generation) holds a row, and what only the oldest
 * hold is written again.
 */
import { mkdir, open, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { codeOf, type Environment, MillraceError, systemEnvironment, yieldToEventLoop } from '../../util/index.ts';
import type { EmitPosition } from './store.ts';
import { type Chunk, ChunkWriter, isIntact, restoreChunk } from './row-chunks.ts';
import type { StateStore } from './store.ts';

/** What belongs to the image besides rows. */
export interface CheckpointMeta {
  /** Per store: the offset behind the last changelog record that the image holds. */
  readonly changelogOffsets: Readonly<Record<string, number>>;
  readonly positions: Readonly<Record<string, EmitPosition>>;
  readonly streamTime: number;
}

interface RowFile {
  readonly generation: number;
  readonly rows: number;
  readonly chunks: readonly Chunk[];
}

interface Manifest {
  readonly layout: number;
  readonly meta: CheckpointMeta;
  readonly stores: Readonly<Record<string, number>>;
  readonly files: readonly RowFile[];
}

/** Told apart from everything that was ever written otherwise; what is not of this layout is not read. */
const LAYOUT = 2;
/** Rows taken over before others in the process get a turn. */
const ROWS_AT_ONCE = 20_000;
/** Rows in the files per row in the stores, before the oldest files are let go. */
const MOST_ROWS_PER_ROW = 1.5;

export interface CheckpointSizes {
  /** Rows after which a checkpoint goes on in another file: files come and go as a whole. */
  readonly rowsPerFile: number;
  /** Rows that the files may hold in any case. */
  readonly fewRows: number;
  /** Files that there may be besides those that are full. */
  readonly fewFiles: number;
}

const SIZES: CheckpointSizes = { rowsPerFile: 100_000, fewRows: 20_000, fewFiles: 128 };
const MANIFEST_KEY = Buffer.from('manifest');
const FILE_NAME = /^(\d+)\.rows$/;

type Level = ClassicLevel<Buffer, Buffer>;

export class Checkpoint {
  meta: CheckpointMeta | null;
  readonly #directory: string;
  readonly #environment: Environment;
  readonly #sizes: CheckpointSizes;
  readonly #level: Level;
  readonly #storeIds: Map<string, number>;
  #files: RowFile[];
  #generation: number;
  /** Rows that the last checkpoint wrote: what is done for the oldest files is in proportion to it. */
  #lastRows = 0;
  #written: Promise<void> = Promise.resolve();

  private constructor(
    directory: string,
    environment: Environment,
    level: Level,
    manifest: Manifest | null,
    sizes: CheckpointSizes,
  ) {
    this.#directory = directory;
    this.#environment = environment;
    this.#sizes = sizes;
    this.#level = level;
    this.meta = manifest?.meta ?? null;
    this.#storeIds = new Map(Object.entries(manifest?.stores ?? {}));
    this.#files = [...(manifest?.files ?? [])];
    this.#generation = this.#files.at(-1)?.generation ?? 0;
  }

  /** Opens a task's checkpoint; `STATE_LOCKED` when another task or process has it open. */
  static async open(
    directory: string,
    environment: Environment = systemEnvironment,
    sizes: CheckpointSizes = SIZES,
  ): Promise<Checkpoint> {
    await mkdir(dirname(directory), { recursive: true });
    const level: Level = new ClassicLevel(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    try {
      await level.open();
    } catch (error) {
      const cause: unknown = error instanceof Error ? error.cause : undefined;
      if (codeOf(cause) === 'LEVEL_LOCKED') {
        throw new MillraceError('STATE_LOCKED', `the state in ${directory} is in use by another instance`, {
          retriable: true,
          cause,
        });
      }
      throw error;
    }
    const bytes = await level.get(MANIFEST_KEY);
    const manifest = bytes === undefined ? null : (JSON.parse(bytes.toString()) as Manifest);
    const checkpoint = new Checkpoint(
      directory,
      environment,
      level,
      manifest?.layout === LAYOUT ? manifest : null,
      sizes,
    );
    if (checkpoint.meta === null) await level.clear();
    await checkpoint.#deleteUnlisted();
    return checkpoint;
  }

  /** Puts all rows back into their stores, which are empty. Returns how many entries they have then. */
  async load(stores: ReadonlyMap<string, StateStore>): Promise<number> {
    const byId = new Map<number, StateStore>();
    for (const [name, id] of this.#storeIds) {
      const store = stores.get(name);
      if (store !== undefined) byId.set(id, store);
    }
    // While the rows of one chunk are put back, the next chunk is read.
    const chunks = this.#read();
    let isDamaged = false;
    try {
      let next = chunks.next();
      for (;;) {
        const { done, value } = await next;
        if (done === true) break;
        next = chunks.next();
        // It may fail while nobody waits; then it fails the next turn.
        next.catch(() => {});
        const { chunk, bytes, generation } = value;
        isDamaged = !isIntact(chunk, bytes);
        if (isDamaged) break;
        const store = byId.get(chunk.store);
        if (store !== undefined) await restoreChunk(store, bytes, generation);
      }
    } finally {
      await chunks.return();
    }
    if (isDamaged) {
      await this.wipe();
      throw new MillraceError('STATE_CORRUPT', `the state in ${this.#directory} is damaged, and is built anew`, {
        retriable: true,
      });
    }
    let count = 0;
    for (const store of byId.values()) count += store.size;
    return count;
  }

  /**
   * Takes over what has changed since the last time; the caller sees to it that all of it has been committed, and that
   * nothing changes until this has resolved. The writing itself goes on behind: `settled` waits for it.
   */
  async write(stores: ReadonlyMap<string, StateStore>, meta: CheckpointMeta): Promise<void> {
    const logged = [...stores.values()].filter((store) => store.spec.logging);
    const dropped = this.#dropOldest(logged);
    const added: { readonly file: RowFile; readonly buffers: readonly Buffer[] }[] = [];
    let writer = new ChunkWriter();
    let generation = ++this.#generation;
    const finish = (): void => {
      writer.finish();
      if (writer.rows === 0) return;
      added.push({ file: { generation, rows: writer.rows, chunks: writer.chunks }, buffers: writer.buffers });
      writer = new ChunkWriter();
      generation = ++this.#generation;
    };
    for (const store of logged) {
      const id = this.#idOf(store.spec.name);
      writer.of(id);
      while (
        store.drainCheckpoint(generation, (key, value, timestamp) => writer.add(key, value, timestamp), ROWS_AT_ONCE)
      ) {
        if (writer.rows >= this.#sizes.rowsPerFile) {
          finish();
          writer.of(id);
        }
        await yieldToEventLoop(this.#environment);
      }
    }
    finish();
    this.#files.push(...added.map(({ file }) => file));
    this.#lastRows = added.reduce((sum, { file }) => sum + file.rows, 0);
    this.meta = meta;
    const stored: Manifest = { layout: LAYOUT, meta, stores: Object.fromEntries(this.#storeIds), files: this.#files };
    const manifest = Buffer.from(JSON.stringify(stored));
    const before = this.#written;
    this.#written = before.then(async () => {
      for (const { file, buffers } of added) await writeFile(this.#pathOf(file.generation), buffers, { flush: true });
      await this.#level.put(MANIFEST_KEY, manifest, { sync: true });
      for (const file of dropped) await unlink(this.#pathOf(file.generation));
    });
    // Whoever waits for `settled` gets the failure; nobody waiting must not end the process.
    this.#written.catch(() => {});
  }

  async settled(): Promise<void> {
    await this.#written;
  }

  /** Begins anew, with nothing. */
  async wipe(): Promise<void> {
    await this.#written;
    await this.#level.clear();
    this.#files = [];
    this.#storeIds.clear();
    this.meta = null;
    await this.#deleteUnlisted();
  }

  async close(): Promise<void> {
    try {
      await this.#written;
    } finally {
      await this.#level.close();
    }
  }

  /**
   * Takes the oldest files from the list when the files are too many or hold too much that no longer counts, and has the stores write
   * again what only these hold. A removed row in an oldest file has nothing older to hide, so it goes with it.
   */
  #dropOldest(stores: readonly StateStore[]): RowFile[] {
    const live = stores.reduce((sum, store) => sum + store.size, 0);
    const { rowsPerFile, fewRows, fewFiles } = this.#sizes;
    const most = Math.max(fewRows, live * MOST_ROWS_PER_ROW);
    const mostFiles = fewFiles + most / rowsPerFile;
    let excess = this.#files.reduce((sum, { rows }) => sum + rows, 0) - most;
    let budget = Math.max(rowsPerFile, 3 * this.#lastRows);
    let count = 0;
    for (const { rows } of this.#files) {
      const isTooMuch = excess > 0 || this.#files.length - count > mostFiles;
      if (!isTooMuch || budget <= 0) break;
      excess -= rows;
      budget -= rows;
      count++;
    }
    if (count === 0) return [];
    const dropped = this.#files.slice(0, count);
    this.#files = this.#files.slice(count);
    const before = dropped.at(-1)!.generation + 1;
    for (const store of stores) store.refresh(before);
    return dropped;
  }

  async *#read(): AsyncGenerator<{ chunk: Chunk; bytes: Buffer; generation: number }, void> {
    for (const { generation, chunks } of this.#files) {
      let handle: Awaited<ReturnType<typeof open>>;
      try {
        handle = await open(this.#pathOf(generation), 'r');
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        // A list without its file: the disk lost what it had promised to keep.
        yield { chunk: chunks[0]!, bytes: Buffer.alloc(0), generation };
        return;
      }
      try {
        for (const chunk of chunks) {
          const bytes = Buffer.allocUnsafe(chunk.bytes);
          const { bytesRead } = await handle.read(bytes, 0, chunk.bytes);
          yield { chunk, bytes: bytes.subarray(0, bytesRead), generation };
        }
      } finally {
        await handle.close();
      }
    }
  }

  async #deleteUnlisted(): Promise<void> {
    const listed = new Set(this.#files.map(({ generation }) => generation));
    for (const name of await readdir(this.#directory)) {
      const match = FILE_NAME.exec(name);
      if (match !== null && !listed.has(Number(match[1]))) await rm(join(this.#directory, name), { force: true });
    }
  }

  #pathOf(generation: number): string {
    return join(this.#directory, `${generation}.rows`);
  }

  #idOf(name: string): number {
    let id = this.#storeIds.get(name);
    if (id === undefined) {
      id = this.#storeIds.size + 1;
      this.#storeIds.set(name, id);
    }
    return id;
  }
}
