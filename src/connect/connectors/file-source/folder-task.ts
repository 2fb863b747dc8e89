// The life of a file in a folder that is read: it comes → it is old enough → its records are read, from where its offset says → the
// last one is safely in its topic → it is kept, moved or deleted. A file that cannot be read ends the task, or is moved aside.
//
// Exactly once: an offset is of one file, and says how many of its records were read, and of which state of it (size and time): a
// file of the same name that comes later is another one.
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { codeOf, messageOf } from '../../../util/index.ts';
import type { SourceOffsetEntry, SourceTask, SourceTaskContext } from '../../api/plugins.ts';
import { ConnectError } from '../../data/errors.ts';
import type { SourceOffset, SourcePartition, SourceRecord } from '../../data/record.ts';
import type { FileBytes } from '../record-files/index.ts';
import { unpackedByName } from '../record-files/index.ts';
import { RecordReader } from './record-reader.ts';

/** A file that is read. */
export interface SourceFile {
  /** Below the folder, with `/` between its parts. */
  readonly name: string;
  readonly path: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/** What is done to files, and what becomes of their records. */
export interface FolderReading<T> {
  readonly folder: string;
  readonly isRecursive: boolean;
  readonly batchSize: number;
  readonly waitMs: number;
  readonly minimumAgeMs: number;
  readonly cleanup: 'NONE' | 'DELETE' | 'MOVE';
  /** Where files go that were read; null where they do not. */
  readonly finishedFolder: string | null;
  /** Where files go that cannot be read; null: they end the task. */
  readonly errorFolder: string | null;
  accepts(name: string): boolean;
  read(file: SourceFile, bytes: FileBytes): AsyncIterable<T>;
  recordOf(file: SourceFile, record: T, count: number): Content;
}

/** A record without where it is from. */
type Content = Omit<SourceRecord, 'sourcePartition' | 'sourceOffset'>;

interface Open {
  readonly file: SourceFile;
  readonly partition: SourcePartition;
  readonly reader: RecordReader<Content>;
}

/** Throws `ConnectError` where offsets that a user gives are none of files. */
export function checkFileOffsets(_config: unknown, offsets: readonly SourceOffsetEntry[]): void {
  for (const { partition, offset } of offsets) {
    if (Object.keys(partition).join() !== 'fileName')
      throw new ConnectError(`Partition objects must have the key 'fileName' alone, not ${JSON.stringify(partition)}`);
    if (offset !== null && !['offset', 'size', 'modified'].every((key) => Number.isSafeInteger(offset[key])))
      throw new ConnectError(
        `Offset objects have the keys offset (records), size (bytes) and modified (ms) of the file, not ${JSON.stringify(offset)}`,
      );
  }
}

/** Reads the files of a folder. */
export abstract class FolderTask<C, T> implements SourceTask<C> {
  #reading!: FolderReading<T>;
  #context!: SourceTaskContext;
  #waiting: SourceFile[] = [];
  #open: Open | undefined;
  /** Read to their ends; their last records may not be in their topics yet. */
  #finished: SourceFile[] = [];
  /** The states of files that are done with, by name. */
  readonly #done = new Map<string, string>();

  /** What the settings mean. */
  protected abstract readingOf(config: C, context: SourceTaskContext): FolderReading<T>;

  async start(config: C, context: SourceTaskContext): Promise<void> {
    this.#context = context;
    this.#reading = this.readingOf(config, context);
    const { folder, cleanup, finishedFolder, errorFolder } = this.#reading;
    await expectFolder(folder, 'input');
    if (cleanup === 'MOVE') await expectFolder(finishedFolder!, 'finished');
    if (errorFolder !== null) await expectFolder(errorFolder, 'error');
    for (const target of [cleanup === 'MOVE' ? finishedFolder : null, errorFolder])
      if (target !== null && resolve(target) === resolve(folder))
        throw new ConnectError(`${target} is the folder that is read: files would never leave it`);
  }

  async poll(signal: AbortSignal): Promise<SourceRecord[]> {
    while (!signal.aborted) {
      this.#open ??= await this.#next();
      if (this.#open === undefined) await this.#context.pause(this.#reading.waitMs, signal);
      else {
        const records = await this.#take(this.#open);
        if (records.length > 0) return records;
      }
    }
    return [];
  }

  /** What was read to its end is in its topics. */
  async commit(): Promise<void> {
    for (const file of this.#finished.splice(0)) await this.#cleanUp(file);
  }

  async stop(): Promise<void> {
    await this.#open?.reader.close();
  }

  async #next(): Promise<Open | undefined> {
    if (this.#waiting.length === 0) this.#waiting = await this.#files();
    for (let listed = this.#waiting.shift(); listed !== undefined; listed = this.#waiting.shift()) {
      const file = await this.#fileNamed(listed.name);
      // Somebody has taken it away.
      if (file === undefined) continue;
      const partition = { fileName: file.name };
      const offset = await this.#context.offset(partition);
      const isSame = offset?.['size'] === file.size && offset['modified'] === file.modifiedMs;
      if (isSame && offset['done'] === true) {
        // It was read, and its end came before it was cleaned up.
        await this.#cleanUp(file);
        continue;
      }
      const skip = isSame ? Number(offset['offset']) : 0;
      const bytes = unpackedByName(file.name, bytesOf(file));
      return { file, partition, reader: new RecordReader(contents(this.#reading, file, bytes), skip) };
    }
    return undefined;
  }

  async #take({ file, partition, reader }: Open): Promise<SourceRecord[]> {
    try {
      const taken = await reader.take(this.#reading.batchSize);
      const records = taken.map(({ record, count, isLast }): SourceRecord => {
        const sourceOffset: SourceOffset = {
          offset: count,
          size: file.size,
          modified: file.modifiedMs,
          ...(isLast ? { done: true } : {}),
        };
        return { ...record, sourcePartition: partition, sourceOffset };
      });
      if (taken.length > 0 && !taken.at(-1)!.isLast) return records;
      await this.#end();
      if (taken.length > 0) {
        this.#done.set(file.name, stateOf(file));
        this.#finished.push(file);
      } else await this.#cleanUp(file);
      return records;
    } catch (error) {
      await this.#end();
      await this.#fail(file, error);
      return [];
    }
  }

  async #end(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.reader.close();
  }

  async #fail(file: SourceFile, error: unknown): Promise<void> {
    const { errorFolder } = this.#reading;
    const problem = `${file.path}: ${messageOf(error)}`;
    if (errorFolder === null) throw new ConnectError(problem, { cause: error });
    this.#context.log.error(`${problem}; it is moved to ${errorFolder}, with what was read of it written`);
    await this.#move(file, errorFolder);
  }

  /** Files that are this task's and not done with, by name. */
  async #files(): Promise<SourceFile[]> {
    const { folder, isRecursive, minimumAgeMs } = this.#reading;
    const found: SourceFile[] = [];
    const names = await readdir(folder, { recursive: isRecursive });
    for (const name of names.map((each) => each.replaceAll('\\', '/')).sort()) {
      if (/(?:^|\/)\./.test(name) || this.#isAside(name) || !this.#reading.accepts(name)) continue;
      const file = await this.#fileNamed(name);
      if (file === undefined) continue;
      if (this.#context.environment.now() - file.modifiedMs < minimumAgeMs) continue;
      if (this.#done.get(name) !== stateOf(file)) found.push(file);
    }
    return found;
  }

  /** Folders that files are moved to may be below the one that is read. */
  #isAside(name: string): boolean {
    const { folder, finishedFolder, errorFolder } = this.#reading;
    const path = resolve(folder, name);
    return [finishedFolder, errorFolder].some((aside) => aside !== null && path.startsWith(resolve(aside) + sep));
  }

  async #fileNamed(name: string): Promise<SourceFile | undefined> {
    const path = join(this.#reading.folder, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isFile() !== true) return undefined;
    return { name, path, size: facts.size, modifiedMs: Math.floor(facts.mtimeMs) };
  }

  async #cleanUp(file: SourceFile): Promise<void> {
    const { cleanup, finishedFolder } = this.#reading;
    this.#done.set(file.name, stateOf(file));
    if (cleanup === 'NONE') return;
    if (cleanup === 'DELETE') await rm(file.path, { force: true });
    else await this.#move(file, finishedFolder!);
    this.#done.delete(file.name);
  }

  async #move({ name, path }: SourceFile, folder: string): Promise<void> {
    const target = join(folder, name);
    try {
      await mkdir(dirname(target), { recursive: true });
      await rename(path, target);
    } catch (error) {
      // Somebody has taken it away.
      if (codeOf(error) === 'ENOENT') return;
      if (codeOf(error) !== 'EXDEV') throw new ConnectError(`${path} cannot be moved to ${folder}`, { cause: error });
      const aside = join(dirname(target), `.${basename(target)}.tmp`);
      await copyFile(path, aside);
      await rename(aside, target);
      await rm(path);
    }
  }
}

/** Opened when it is first read. */
async function* bytesOf({ path }: SourceFile): FileBytes {
  yield* createReadStream(path) as AsyncIterable<Buffer>;
}

async function* contents<T>(reading: FolderReading<T>, file: SourceFile, bytes: FileBytes): AsyncGenerator<Content> {
  let count = 0;
  for await (const record of reading.read(file, bytes)) yield reading.recordOf(file, record, ++count);
}

const stateOf = ({ size, modifiedMs }: SourceFile): string => `${size} ${modifiedMs}`;

async function expectFolder(path: string, what: string): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isDirectory() !== true) throw new ConnectError(`the ${what} folder ${path} is not there: make it first`);
}
