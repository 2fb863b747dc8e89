/**
 * PORT. What the log asks of a file system. Writing and reading are synchronous, since the page cache answers in
 * microseconds; forcing to the disk is asynchronous, since it takes a thousand times as long. Tests put a disk behind it
 * that loses what was not forced, tears writes and fails.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, MillraceError } from '../../util/index.ts';
import { segmentFiles } from './file-pool.ts';

export interface DiskFile {
  size(): number;
  /** Fills `target` from `position` on; returns how many bytes were there. */
  read(target: Buffer, position: number): number;
  /** Writes all pieces, one behind the other, at `position`. */
  write(pieces: readonly Buffer[], position: number): void;
  truncate(size: number): void;
  /** Forces what was written to the disk. */
  sync(): Promise<void>;
  syncNow(): void;
  close(): void;
}

export interface Disk {
  /** Opens for reading and writing, creating the file when it is not there. */
  open(path: string): DiskFile;
  exists(path: string): boolean;
  /** Names in a directory, in no particular order; none when it is a file. */
  list(path: string): string[];
  makeDirectory(path: string): void;
  readFile(path: string): Buffer;
  /** Replaces a file as a whole: after a crash it holds the old or the new content. `forced` also survives power loss. */
  replaceFile(path: string, content: string | Uint8Array, forced: boolean): void;
  rename(from: string, to: string): void;
  /** Removes a file, or a directory with all it holds; a missing one is fine. */
  remove(path: string): void;
  /** Forces a directory's entries to the disk. */
  syncDirectory(path: string): void;
  /** Free and total bytes below a path, or undefined when unknown. */
  space(path: string): { free: number; total: number } | undefined;
  /** Makes this process the only user of a directory; returns the release. Throws DATA_DIRECTORY_LOCKED. */
  lock(path: string): () => void;
}

/** Directories this process holds: the lock file alone can't tell two brokers of one process apart. */
const heldHere = new Set<string>();

export const nodeDisk: Disk = {
  open: (path) => segmentFiles.open(path),
  exists: (path) => existsSync(path),
  list(path) {
    try {
      return readdirSync(path);
    } catch (error) {
      if (codeOf(error) === 'ENOTDIR') return [];
      throw error;
    }
  },
  makeDirectory: (path) => {
    mkdirSync(path, { recursive: true });
  },
  readFile: (path) => readFileSync(path),
  replaceFile(path, content, forced) {
    const draft = `${path}.tmp`;
    const fd = openSync(draft, 'w');
    try {
      writeFileSync(fd, content);
      if (forced) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
    if (forced) syncDirectory(dirname(path));
  },
  rename(from, to) {
    renameSync(from, to);
    segmentFiles.renamed(from, to);
  },
  remove: (path) => rmSync(path, { recursive: true, force: true }),
  syncDirectory,
  space(path) {
    try {
      const stat = statfsSync(path);
      return { free: stat.bavail * stat.bsize, total: stat.blocks * stat.bsize };
    } catch {
      return undefined;
    }
  },
  lock(path) {
    const file = join(path, '.lock');
    if (heldHere.has(file)) throw locked(path, process.pid);
    const owner = lockOwner(file);
    if (owner !== undefined) throw locked(path, owner);
    takeAway(file, path);
    try {
      writeFileSync(file, `${process.pid} ${startOf(process.pid) ?? ''}\n`, { flag: 'wx' });
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw locked(path, lockOwner(file) ?? 0);
      throw error;
    }
    heldHere.add(file);
    return () => {
      heldHere.delete(file);
      rmSync(file, { force: true });
    };
  },
};

/**
 * Removes the lock of a dead process. Another one may be about to do the same, and may have taken the lock since it was looked
 * at: what is taken away is looked at once more, and put back when it is alive.
 */
function takeAway(file: string, path: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  const owner = lockOwner(aside);
  try {
    if (owner === undefined) return;
    linkSync(aside, file);
  } finally {
    rmSync(aside, { force: true });
  }
  throw locked(path, owner);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The living process that wrote a lock file. A process that died without removing it holds nothing. */
function lockOwner(file: string): number | undefined {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [pidText = '', started = ''] = content.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return undefined;
  }
  if (isDead(pid)) return undefined;
  // Process ids are used again: a process that started at another time is not the one that took the lock.
  const startNow = startOf(pid);
  return startNow === undefined || started === '' || startNow === started ? pid : undefined;
}

/** A process that ended still has its id until its parent asks for it, which the first process of a container may never do. */
function isDead(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state === 'Z' || state === 'X';
}

/** When a process was started, in the kernel's ticks since boot; undefined where there is no /proc. */
function startOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/** What /proc tells of a process, from its state on (proc_pid_stat(5)); undefined where there is no /proc. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function locked(path: string, pid: number): MillraceError {
  return new MillraceError(
    'DATA_DIRECTORY_LOCKED',
    `The data directory ${path} is in use by process ${pid}. Stop that broker or choose another directory.`,
  );
}
