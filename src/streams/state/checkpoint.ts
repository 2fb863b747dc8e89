/**
 * A task's state on disk: an image of its stores as of one acknowledged commit, in LevelDB. It is written now and then,
 * in one atomic batch with the changelog offsets it reaches to; what was committed after it is replayed from there.
 * Nothing uncommitted is ever written, so a crash leaves a checkpoint that is older, never one that is wrong.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { SchemaNotLoaded } from '../../serde/index.ts';
import { codeOf, MillraceError, yieldToEventLoop } from '../../util/index.ts';
import type { EmitPosition } from '../runtime/task-scope.ts';
import { readInt64 } from '../windows.ts';
import type { RowVisitor, StateStore } from './store.ts';

/** What belongs to the image besides rows. */
export interface CheckpointMeta {
  /** Per store: the offset behind the last changelog record that the image holds. */
  readonly changelogOffsets: Readonly<Record<string, number>>;
  readonly positions: Readonly<Record<string, EmitPosition>>;
  readonly streamTime: number;
}

/** Rows taken over before others in the process get a turn. */
const ROWS_AT_ONCE = 20_000;
const META_KEY = Buffer.from('m');
const ROW = 0x72;
/** `r`, the store's number (2), the row's time (8). */
const HEAD_BYTES = 11;

type Level = ClassicLevel<Buffer, Buffer>;

export class Checkpoint {
  readonly #level: Level;
  readonly #storeIds: Map<string, number>;
  readonly #dropped = new Map<string, number>();
  #written: Promise<void> = Promise.resolve();
  meta: CheckpointMeta | null;

  private constructor(level: Level, meta: CheckpointMeta | null, storeIds: Map<string, number>) {
    this.#level = level;
    this.meta = meta;
    this.#storeIds = storeIds;
  }

  /** Opens a task's checkpoint; `LOCKED` when another task or process has it open. */
  static async open(directory: string): Promise<Checkpoint> {
    await mkdir(dirname(directory), { recursive: true });
    const level: Level = new ClassicLevel(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: 32 * 1024 * 1024,
      compression: false,
    });
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
    const bytes = await level.get(META_KEY);
    if (bytes === undefined) return new Checkpoint(level, null, new Map());
    const { storeIds, ...meta } = JSON.parse(bytes.toString()) as CheckpointMeta & { storeIds: Record<string, number> };
    return new Checkpoint(level, meta, new Map(Object.entries(storeIds)));
  }

  /** Puts all rows back into their stores. Answers how many there were. */
  async load(stores: ReadonlyMap<string, StateStore>): Promise<number> {
    let count = 0;
    for (const [name, id] of this.#storeIds) {
      const store = stores.get(name);
      if (store === undefined) continue;
      const range = { gte: head(id, 0), lt: head(id + 1, 0) };
      const iterator = this.#level.iterator({ ...range, highWaterMarkBytes: 1024 * 1024 });
      try {
        for (;;) {
          const rows = await iterator.nextv(5000);
          if (rows.length === 0) break;
          for (const [key, value] of rows) {
            const wait = restoreRow(store, key.subarray(HEAD_BYTES), value.subarray(8), readInt64(value, 0));
            if (wait !== undefined) await wait;
          }
          count += rows.length;
        }
      } finally {
        await iterator.close();
      }
    }
    return count;
  }

  /**
   * Takes over what has changed since the last time; the caller sees to it that all of it has been committed, and that
   * nothing changes until this has resolved. The writing itself goes on behind: `settled` waits for it.
   */
  async write(stores: ReadonlyMap<string, StateStore>, meta: CheckpointMeta): Promise<void> {
    const batch = this.#level.batch();
    const scratch = { key: Buffer.allocUnsafe(256), value: Buffer.allocUnsafe(1024) };
    for (const [name, store] of stores) {
      if (!store.spec.logging) continue;
      const id = this.#idOf(name);
      const put: RowVisitor = (row, value, timestamp, time) => {
        const keyLength = HEAD_BYTES + row.length;
        if (scratch.key.length < keyLength) scratch.key = Buffer.allocUnsafe(keyLength * 2);
        writeHead(scratch.key, id, time);
        row.copy(scratch.key, HEAD_BYTES);
        const key = scratch.key.subarray(0, keyLength);
        if (value === null) {
          batch.del(key);
          return;
        }
        const valueLength = 8 + value.length;
        if (scratch.value.length < valueLength) scratch.value = Buffer.allocUnsafe(valueLength * 2);
        writeInt64(scratch.value, timestamp, 0);
        value.copy(scratch.value, 8);
        batch.put(key, scratch.value.subarray(0, valueLength));
      };
      while (store.drainCheckpoint(put, ROWS_AT_ONCE)) await yieldToEventLoop();
    }
    batch.put(META_KEY, Buffer.from(JSON.stringify({ ...meta, storeIds: Object.fromEntries(this.#storeIds) })));
    this.meta = meta;
    const expired = [...stores].map(([name, store]) => [name, store.expiredBefore] as const);
    const before = this.#written;
    this.#written = before.then(async () => {
      await batch.write({ sync: true });
      for (const [name, time] of expired) await this.#dropExpired(name, time);
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
    this.#storeIds.clear();
    this.#dropped.clear();
    this.meta = null;
  }

  async close(): Promise<void> {
    try {
      await this.#written;
    } finally {
      await this.#level.close();
    }
  }

  #idOf(name: string): number {
    let id = this.#storeIds.get(name);
    if (id === undefined) {
      id = this.#storeIds.size + 1;
      this.#storeIds.set(name, id);
    }
    return id;
  }

  async #dropExpired(name: string, before: number): Promise<void> {
    const id = this.#storeIds.get(name);
    if (id === undefined || !(before > (this.#dropped.get(name) ?? 0))) return;
    this.#dropped.set(name, before);
    await this.#level.clear({ gte: head(id, 0), lt: head(id, before) });
  }
}

/** Puts a row back; answers a promise only when a schema has to be loaded first. */
export function restoreRow(
  store: StateStore,
  row: Buffer,
  value: Buffer | null,
  timestamp: number,
): Promise<void> | undefined {
  try {
    store.restore(row, value, timestamp);
    return undefined;
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error;
    return error.load().then(() => restoreRow(store, row, value, timestamp));
  }
}

function head(id: number, time: number): Buffer {
  const key = Buffer.allocUnsafe(HEAD_BYTES);
  writeHead(key, id, time);
  return key;
}

function writeHead(key: Buffer, id: number, time: number): void {
  key[0] = ROW;
  key.writeUInt16BE(id, 1);
  writeInt64(key, Math.max(0, time), 3);
}

function writeInt64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 4294967296);
  bytes.writeInt32BE(high, at);
  bytes.writeUInt32BE(value - high * 4294967296, at + 4);
}
