// A folder as a store of files: written beside their place, made safe, and moved there. What begins with a dot is none of them.
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, compareBytes, type Environment, messageOf } from '../../../util/index.ts';
import { ConnectError } from '../../data/errors.ts';
import type { FileBytes } from '../record-files/index.ts';
import type { FileStore, StoredFile } from './store.ts';

/** The files of a folder and of the folders in it. */
export class DirectoryStore implements FileStore {
  readonly #root: string;
  readonly #environment: Environment;

  constructor(root: string, environment: Environment) {
    this.#root = root;
    this.#environment = environment;
  }

  async *list(prefix: string, after = ''): AsyncGenerator<StoredFile> {
    const start = Buffer.from(after);
    const names = (await this.#names()).map((name) => ({ name, bytes: Buffer.from(name) }));
    for (const { name, bytes } of names.sort((a, b) => compareBytes(a.bytes, b.bytes))) {
      if (!name.startsWith(prefix) || compareBytes(bytes, start) <= 0) continue;
      const found = await stat(join(this.#root, name)).catch((error: unknown) => {
        // Others may take files away.
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      if (found?.isFile() === true) yield { name, size: found.size, modifiedMs: Math.floor(found.mtimeMs) };
    }
  }

  async *read(name: string): FileBytes {
    try {
      yield* createReadStream(this.#pathOf(name)) as AsyncIterable<Buffer>;
    } catch (error) {
      if (error instanceof ConnectError) throw error;
      throw new ConnectError(`${join(this.#root, name)} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(name);
    const folder = dirname(path);
    const aside = join(folder, `.${this.#environment.randomBytes(8).toString('hex')}.tmp`);
    try {
      await mkdir(folder, { recursive: true });
      const file = await open(aside, 'wx');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, path);
      await syncFolder(folder);
    } catch (error) {
      await rm(aside, { force: true });
      throw new ConnectError(`${path} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  close(): void {}

  async #names(): Promise<string[]> {
    try {
      const found = await readdir(this.#root, { recursive: true });
      return found.map((name) => name.replaceAll('\\', '/')).filter((name) => !/(?:^|\/)\./.test(name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw new ConnectError(`${this.#root} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }

  /** What would be another file's place, or outside of the folder, is no name. */
  #pathOf(name: string): string {
    if (name.includes('\0') || name.split('/').some((part) => part === '' || part.startsWith('.')))
      throw new ConnectError(
        `${JSON.stringify(name)} is no name of a file: its parts must not be empty or begin with a dot`,
      );
    return join(this.#root, name);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
