// A disk in memory that can lose what was not forced, as a machine does that loses its power.
import type { Disk, DiskFile } from '../../src/broker/index.ts';
import { MillraceError } from '../../src/util/index.ts';

interface Stored {
  /** What a reader sees. */
  content: Buffer;
  /** What survives for sure. */
  forced: Buffer;
  /** Where was written since the last sync: all that a sync forces. */
  dirty: { from: number; to: number }[];
}

export class FaultDisk implements Disk {
  #files = new Map<string, Stored>();
  #directories = new Set<string>(['/']);
  #isDead = false;
  /** Set to make the next operations fail as a full or broken disk does: all, or those on files of these names. */
  failWrites: boolean | RegExp = false;
  failSyncs = false;
  /** Of files only so many bytes come at a time. */
  shortReads: number | undefined;
  /** Files that can't be opened. */
  failOpens: RegExp | undefined;
  syncs = 0;

  open(path: string): DiskFile {
    this.#check();
    if (this.failOpens?.test(path)) throw new MillraceError('EMFILE', 'too many open files');
    let file = this.#files.get(path);
    if (file === undefined) {
      file = { content: Buffer.alloc(0), forced: Buffer.alloc(0), dirty: [] };
      this.#files.set(path, file);
    }
    const stored = file;
    return {
      size: () => stored.content.length,
      read: (target, position) => {
        this.#check();
        return stored.content.copy(target, 0, position, position + (this.shortReads ?? target.length));
      },
      write: (pieces, position) => {
        this.#check();
        if (this.#isFull(path)) throw new MillraceError('ENOSPC', 'no space left on device');
        const written = Buffer.concat([...pieces]);
        const grown = Buffer.alloc(Math.max(stored.content.length, position + written.length));
        stored.content.copy(grown);
        written.copy(grown, position);
        stored.content = grown;
        stored.dirty.push({ from: position, to: position + written.length });
      },
      truncate: (size) => {
        this.#check();
        stored.content = Buffer.from(stored.content.subarray(0, size));
      },
      sync: async () => {
        this.#check();
        const { content } = stored;
        const dirty = stored.dirty.splice(0);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        this.#check();
        // What was dirty counts as clean now, as on Linux: only who writes it again can force it.
        if (this.failSyncs) throw new MillraceError('EIO', 'i/o error');
        this.syncs++;
        force(stored, content, dirty);
      },
      syncNow: () => {
        this.#check();
        const dirty = stored.dirty.splice(0);
        if (this.failSyncs) throw new MillraceError('EIO', 'i/o error');
        force(stored, stored.content, dirty);
      },
      close: () => {},
    };
  }

  exists(path: string): boolean {
    this.#check();
    return this.#files.has(path) || this.#directories.has(path);
  }

  list(path: string): string[] {
    this.#check();
    const prefix = `${path}/`;
    const names = [...this.#files.keys(), ...this.#directories]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length).split('/')[0]!);
    return [...new Set(names)];
  }

  makeDirectory(path: string): void {
    this.#check();
    this.#directories.add(path);
  }

  readFile(path: string): Buffer {
    this.#check();
    const file = this.#files.get(path);
    if (file === undefined) throw new MillraceError('ENOENT', `no such file: ${path}`);
    return Buffer.from(file.content);
  }

  replaceFile(path: string, content: string | Uint8Array, forced: boolean): void {
    this.#check();
    if (this.#isFull(path)) throw new MillraceError('ENOSPC', 'no space left on device');
    const bytes = Buffer.from(content as string);
    const before = this.#files.get(path)?.forced ?? Buffer.alloc(0);
    this.#files.set(path, { content: bytes, forced: forced ? bytes : before, dirty: [] });
  }

  rename(from: string, to: string): void {
    this.#check();
    for (const [path, file] of this.#files) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#files.delete(path);
      this.#files.set(to + path.slice(from.length), file);
    }
    if (this.#directories.delete(from)) this.#directories.add(to);
  }

  remove(path: string): void {
    this.#check();
    for (const name of this.#files.keys()) if (name === path || name.startsWith(`${path}/`)) this.#files.delete(name);
    this.#directories.delete(path);
  }

  syncDirectory(): void {
    this.#check();
  }

  space(): undefined {
    return undefined;
  }

  lock(): () => void {
    return () => {};
  }

  /**
   * The power goes. The old disk answers nothing any more; the new one holds what was forced, and of the rest as much as
   * `random` (0 to 1) decides: all, nothing, a part, or a part with rubbish behind it.
   */
  crash(random: () => number): FaultDisk {
    this.#isDead = true;
    const after = new FaultDisk();
    after.#directories = new Set(this.#directories);
    for (const [path, { content, forced }] of this.#files) {
      const survivor = survive(content, forced, random);
      after.#files.set(path, { content: survivor, forced: survivor, dirty: [] });
    }
    return after;
  }

  #isFull(path: string): boolean {
    return typeof this.failWrites === 'boolean' ? this.failWrites : this.failWrites.test(path);
  }

  #check(): void {
    if (this.#isDead) throw new MillraceError('EIO', 'the disk is gone');
  }
}

function force(stored: Stored, content: Buffer, dirty: Stored['dirty']): void {
  const forced = Buffer.alloc(content.length);
  stored.forced.copy(forced);
  for (const { from, to } of dirty) content.copy(forced, from, from, to);
  stored.forced = forced;
}

function survive(content: Buffer, forced: Buffer, random: () => number): Buffer {
  const isAppended = content.length >= forced.length && content.subarray(0, forced.length).equals(forced);
  if (!isAppended) return random() < 0.5 ? content : forced;
  const kept = forced.length + Math.floor(random() * (content.length - forced.length + 1));
  const survivor = Buffer.from(content.subarray(0, kept));
  if (random() < 0.7 || kept === content.length) return survivor;
  const rubbish = Buffer.alloc(Math.floor(random() * (content.length - kept)), Math.floor(random() * 256));
  return Buffer.concat([survivor, rubbish]);
}
