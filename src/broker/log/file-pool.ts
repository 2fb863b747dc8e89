/**
 * Files of which only so many are open at a time. A broker has a file for every segment, and a process may have only so many
 * open files and sockets together: the file that was used longest ago is closed, and opened again when it is needed.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writevSync,
} from 'node:fs';
import { codeOf } from '../../util/index.ts';

/** Where the system does not tell. */
const USUAL_LIMIT = 1024;
/** Of the files that a process may open, this share is for segments, and as much for connections. The rest is for others. */
const SHARE = 0.4;

/** How many files and sockets this process may have open (Linux's soft limit, which Node raises to the hard one). */
function openFileLimit(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
  } catch {
    return USUAL_LIMIT;
  }
}

/** How many segments, or how many connections, there is always room for. */
export function openFileShare(): number {
  return Math.floor(openFileLimit() * SHARE);
}

let connections = 0;

/** What connections do not use of their share segments may, until there are more connections. */
export function connectionOpened(): void {
  connections++;
  segmentFiles.makeRoom();
}

export function connectionClosed(): void {
  connections--;
}

export class FilePool {
  readonly #limit: () => number;
  /** Open files, the one that was used longest ago first. */
  readonly #open = new Set<PooledFile>();
  readonly #byPath = new Map<string, PooledFile>();
  #newest: PooledFile | undefined;

  /** `limit`: how many may be open at the moment. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** How many files are open. */
  get openFiles(): number {
    return this.#open.size;
  }

  open(path: string): PooledFile {
    const file = new PooledFile(this, path);
    this.#byPath.set(path, file);
    return file;
  }

  /** A file that is renamed goes on under its new name. */
  renamed(from: string, to: string): void {
    const file = this.#byPath.get(from);
    if (file === undefined) return;
    this.#byPath.delete(from);
    this.#byPath.set(to, file);
    file.path = to;
  }

  forget(file: PooledFile): void {
    this.closed(file);
    if (this.#byPath.get(file.path) === file) this.#byPath.delete(file.path);
  }

  used(file: PooledFile): void {
    if (file === this.#newest) return;
    this.#open.delete(file);
    this.#open.add(file);
    this.#newest = file;
  }

  closed(file: PooledFile): void {
    this.#open.delete(file);
    if (this.#newest === file) this.#newest = undefined;
  }

  /** Closes files until one more may be opened. One that is being synced stays. */
  makeRoom(): void {
    const limit = Math.max(1, this.#limit());
    for (const file of this.#open) {
      if (this.#open.size < limit) return;
      file.rest();
    }
  }
}

const share = openFileShare();

/** The files of all logs of this process. */
export const segmentFiles = new FilePool(() => share + Math.max(0, share - connections));

/** A file for reading and writing. */
export class PooledFile {
  path: string;
  readonly #pool: FilePool;
  #fd: number | undefined;
  /** Changes so far, and how many of them are forced to the disk; -1 while nobody knows what was written before. */
  #changes = 0;
  #forced = -1;
  #syncs = 0;
  /** A sync that failed when the file was closed for others: the next one tells of it. */
  #lost: { readonly error: unknown } | undefined;

  /** Creates the file when it is not there. */
  constructor(pool: FilePool, path: string) {
    this.#pool = pool;
    this.path = path;
    this.#handle('create');
  }

  size(): number {
    return fstatSync(this.#handle()).size;
  }

  read(target: Buffer, position: number): number {
    const fd = this.#handle();
    let done = 0;
    while (done < target.length) {
      const count = readSync(fd, target, done, target.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(pieces: readonly Buffer[], position: number): void {
    const fd = this.#handle();
    this.#changes++;
    let at = position;
    let rest = pieces;
    while (rest.length > 0) {
      const written = writevSync(fd, rest.slice(0, 1024), at);
      at += written;
      rest = behind(rest, written);
    }
  }

  truncate(size: number): void {
    const fd = this.#handle();
    this.#changes++;
    ftruncateSync(fd, size);
  }

  async sync(): Promise<void> {
    this.#tellLoss();
    const upTo = this.#changes;
    if (upTo === this.#forced) return;
    const fd = this.#handle();
    this.#syncs++;
    try {
      await new Promise<void>((resolve, reject) => {
        fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
      });
      this.#forced = Math.max(this.#forced, upTo);
    } finally {
      this.#syncs--;
    }
  }

  syncNow(): void {
    this.#tellLoss();
    if (this.#changes === this.#forced) return;
    fdatasyncSync(this.#handle());
    this.#forced = this.#changes;
  }

  close(): void {
    this.#pool.forget(this);
    this.#closeHandle();
  }

  /** Gives up its handle until it is used again. What was written is forced before: nobody could ask for it afterwards. */
  rest(): void {
    if (this.#syncs > 0) return;
    try {
      if (this.#changes > 0 && this.#lost === undefined) this.syncNow();
    } catch (error) {
      this.#lost = { error };
    }
    this.#pool.closed(this);
    this.#closeHandle();
  }

  #handle(create?: 'create'): number {
    if (this.#fd === undefined) {
      this.#pool.makeRoom();
      this.#fd = openForUpdate(this.path, create === 'create');
    }
    this.#pool.used(this);
    return this.#fd;
  }

  #closeHandle(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #tellLoss(): void {
    const lost = this.#lost;
    this.#lost = undefined;
    if (lost !== undefined) throw lost.error;
  }
}

/** A file that was there once is not created anew: an empty one would be taken for it. */
function openForUpdate(path: string, mayCreate: boolean): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || !mayCreate) throw error;
    return openSync(path, 'w+');
  }
}

/** What is left of `pieces` behind their first `count` bytes. */
function behind(pieces: readonly Buffer[], count: number): readonly Buffer[] {
  let skip = count;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    if (skip < piece.length) return [piece.subarray(skip), ...pieces.slice(i + 1)];
    skip -= piece.length;
  }
  return [];
}
