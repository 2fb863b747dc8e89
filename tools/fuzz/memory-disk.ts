import { basename, dirname } from 'node:path';
import type { Disk, DiskFile } from '../../src/broker/index.ts';
import { MillraceError } from '../../src/util/index.ts';

class MemoryFile implements DiskFile {
  content = Buffer.alloc(0);
  #size = 0;

  size(): number {
    return this.#size;
  }

  read(target: Buffer, position: number): number {
    return position >= this.#size ? 0 : this.content.copy(target, 0, position, this.#size);
  }

  write(pieces: readonly Buffer[], position: number): void {
    let at = position;
    for (const piece of pieces) {
      if (at + piece.length > this.content.length) {
        const grown = Buffer.alloc(Math.max(at + piece.length, this.content.length * 2));
        this.content.copy(grown);
        this.content = grown;
      }
      piece.copy(this.content, at);
      at += piece.length;
    }
    this.#size = Math.max(this.#size, at);
  }

  truncate(size: number): void {
    this.content.fill(0, size);
    this.#size = size;
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  syncNow(): void {}
  close(): void {}
}

/** A disk in memory: files are as fast as the broker. Directories are flat, as the broker's are. */
export class MemoryDisk implements Disk {
  readonly #directories = new Map<string, Map<string, MemoryFile>>();

  open(path: string): DiskFile {
    const files = this.#files(dirname(path));
    const found = files.get(basename(path));
    if (found !== undefined) return found;
    const file = new MemoryFile();
    files.set(basename(path), file);
    return file;
  }

  exists(path: string): boolean {
    return this.#directories.has(path) || this.#directories.get(dirname(path))?.has(basename(path)) === true;
  }

  list(path: string): string[] {
    const below = [...this.#directories.keys()]
      .filter((other) => path === ROOT && other !== ROOT)
      .map((other) => basename(other));
    return [...(this.#directories.get(path)?.keys() ?? []), ...below];
  }

  makeDirectory(path: string): void {
    this.#files(path);
  }

  readFile(path: string): Buffer {
    const file = this.#directories.get(dirname(path))?.get(basename(path));
    if (file === undefined) throw new MillraceError('ENOENT', `no such file: ${path}`);
    return Buffer.from(file.content.subarray(0, file.size()));
  }

  replaceFile(path: string, content: string | Uint8Array): void {
    const file = new MemoryFile();
    file.write([Buffer.from(content as string)], 0);
    this.#files(dirname(path)).set(basename(path), file);
  }

  rename(from: string, to: string): void {
    const directory = this.#directories.get(from);
    if (directory !== undefined) {
      this.#directories.delete(from);
      this.#directories.set(to, directory);
      return;
    }
    const files = this.#files(dirname(from));
    const file = files.get(basename(from));
    if (file === undefined) throw new MillraceError('ENOENT', `no such file: ${from}`);
    files.delete(basename(from));
    this.#files(dirname(to)).set(basename(to), file);
  }

  remove(path: string): void {
    this.#directories.delete(path);
    this.#directories.get(dirname(path))?.delete(basename(path));
  }

  syncDirectory(): void {}

  space(): undefined {
    return undefined;
  }

  lock(): () => void {
    return () => {};
  }

  #files(directory: string): Map<string, MemoryFile> {
    let files = this.#directories.get(directory);
    if (files === undefined) {
      files = new Map();
      this.#directories.set(directory, files);
    }
    return files;
  }
}

/** Where a broker's directory is. */
export const ROOT = '/fuzz';
