// The broker's disk, over a volume. Any operation may be the one at which it fails, or at which the machine stops. A process
// that is dead goes on with what it had, as far as its code runs, and nobody will ever see that.
import type { Disk, DiskFile } from '../../src/broker/index.ts';
import type { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';
import { DirectoryNode, FileNode, type Volume } from './volume.ts';

/** What happens to a disk besides working. */
export class DiskFaults {
  /** How many of the operations that change something fail. */
  failureRate = 0;
  /** How many of those that read fail, or answer less than there is. */
  readFailureRate = 0;
  /** Each operation fails, changing or reading, whose number this divides; 0: none. */
  every = 0;
  /** At that operation that changes something from now on the process or the machine stops. */
  stopAfter = -1;
  #operations = 0;

  get areThere(): boolean {
    return this.failureRate > 0 || this.readFailureRate > 0 || this.every > 0;
  }

  end(): void {
    this.failureRate = 0;
    this.readFailureRate = 0;
    this.every = 0;
    this.stopAfter = -1;
  }

  /** Whether the next operation fails. */
  next(rate: number, random: Random): boolean {
    const isNth = this.every > 0 && ++this.#operations % this.every === 0;
    return isNth || (rate > 0 && random.chance(rate));
  }
}

const SYNC_MS = 3;

export class SimulatedDisk implements Disk {
  readonly #volume: Volume;
  readonly #process: SimulatedProcess;
  readonly #faults: DiskFaults;
  readonly #stop: () => void;

  constructor(volume: Volume, process: SimulatedProcess, faults: DiskFaults, stop: () => void) {
    this.#volume = volume;
    this.#process = process;
    this.#faults = faults;
    this.#stop = stop;
  }

  open(path: string): DiskFile {
    this.#step('open', path);
    let node = this.#volume.file(path);
    if (node === undefined) {
      if (this.#volume.directory(path.slice(0, path.lastIndexOf('/'))) === undefined) throw failure('ENOENT', path);
      node = new FileNode();
      this.#volume.put(path, node);
    }
    return this.#fileOf(path, node);
  }

  exists(path: string): boolean {
    return this.#volume.at(path) !== undefined;
  }

  list(path: string): string[] {
    const directory = this.#volume.directory(path);
    if (directory === undefined) throw failure('ENOENT', path);
    if (this.#readFails(`list ${path}`)) throw failure('EIO', path);
    return this.#process.scheduler.random.shuffled(directory.names);
  }

  makeDirectory(path: string): void {
    for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
      const part = end < 0 ? path : path.slice(0, end);
      if (!this.exists(part)) {
        this.#step('mkdir', part);
        this.#volume.put(part, new DirectoryNode());
      }
      if (end < 0) return;
    }
  }

  readFile(path: string): Buffer {
    const node = this.#volume.file(path);
    if (node === undefined) throw failure('ENOENT', path);
    if (this.#readFails(`read ${path}`)) throw failure('EIO', path);
    return Buffer.from(node.bytes);
  }

  replaceFile(path: string, content: string | Uint8Array, forced: boolean): void {
    const draft = `${path}.tmp`;
    this.#step('create', draft);
    const node = new FileNode();
    this.#volume.put(draft, node);
    this.#write(draft, node, Buffer.from(content as string), 0);
    if (forced) this.#sync(draft, node);
    this.rename(draft, path);
    if (forced) this.syncDirectory(path.slice(0, path.lastIndexOf('/')));
  }

  rename(from: string, to: string): void {
    this.#step('rename', `${from} to ${to}`);
    if (!this.exists(from)) throw failure('ENOENT', from);
    this.#volume.rename(from, to);
  }

  remove(path: string): void {
    if (!this.exists(path)) return;
    this.#step('remove', path);
    this.#volume.remove(path);
  }

  syncDirectory(path: string): void {
    this.#step('sync', path);
    this.#volume.directory(path)?.force();
  }

  space(): undefined {
    return undefined;
  }

  lock(): () => void {
    return () => {};
  }

  #fileOf(path: string, node: FileNode): DiskFile {
    const { scheduler, environment } = this.#process;
    return {
      size: () => node.bytes.length,
      read: (target, position) => {
        if (!this.#readFails(`read at ${position} of ${path}`)) return node.bytes.copy(target, 0, position);
        if (scheduler.random.chance(0.5)) throw failure('EIO', path);
        return node.bytes.copy(target, 0, position, position + scheduler.random.below(target.length));
      },
      write: (pieces, position) => {
        this.#step('write', path);
        this.#write(path, node, Buffer.concat(pieces), position);
      },
      truncate: (size) => {
        this.#step('truncate', path);
        node.change({ size });
      },
      sync: () =>
        new Promise((resolve, reject) => {
          const begun = node.unforced;
          environment.after(scheduler.random.next() * SYNC_MS, () => {
            try {
              this.#sync(path, node, begun);
              resolve();
            } catch (error) {
              reject(error);
            }
          });
        }),
      syncNow: () => this.#sync(path, node),
      close: () => {},
    };
  }

  /** A write that fails has written some of it. */
  #write(path: string, node: FileNode, bytes: Buffer, position: number): void {
    this.#process.scheduler.note(this.#process.name, `wrote ${bytes.length} at ${position} of ${path}`, bytes);
    if (this.#fails()) {
      const { random } = this.#process.scheduler;
      node.change({ position, bytes: Buffer.from(bytes.subarray(0, random.below(bytes.length))) });
      throw failure(random.pick(['ENOSPC', 'EIO']), path);
    }
    node.change({ position, bytes });
  }

  #sync(path: string, node: FileNode, begun = node.unforced): void {
    this.#step('sync', path, () => node.forceSome(this.#process.scheduler.random));
    node.force(Math.min(begun, node.unforced));
  }

  /** One operation that changes something: it may fail, and it may be the last. */
  #step(what: string, path: string, failed: () => void = () => {}): void {
    const { scheduler, isAlive } = this.#process;
    if (!isAlive) return;
    scheduler.note(this.#process.name, `${what} ${path}`);
    if (this.#faults.stopAfter-- === 0) this.#stop();
    if (!this.#fails()) return;
    failed();
    throw failure('EIO', path);
  }

  #fails(): boolean {
    const { isAlive, scheduler } = this.#process;
    return isAlive && this.#faults.next(this.#faults.failureRate, scheduler.random);
  }

  #readFails(what: string): boolean {
    const { isAlive, scheduler, name } = this.#process;
    if (!isAlive || !this.#faults.next(this.#faults.readFailureRate, scheduler.random)) return false;
    scheduler.note(name, `does not ${what}`);
    return true;
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
