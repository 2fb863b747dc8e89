// What is made of files, made anew when a file changes: certificates, passwords, rules. No timers and no watchers: the
// files are looked at when what they say is needed.
import { statSync } from 'node:fs';
import { messageOf } from '../util/index.ts';

export class FileBacked<T> {
  readonly #files: readonly string[];
  readonly #make: () => T;
  readonly #log: (message: string) => void;
  #current: T;
  #state: string;

  /** Throws when `make` does; later on what can't be made is logged, and what was made before stays in force. */
  constructor(files: readonly string[], make: () => T, log: (message: string) => void) {
    this.#files = files;
    this.#make = make;
    this.#log = log;
    this.#state = this.#stateOfFiles();
    this.#current = make();
  }

  get current(): T {
    const state = this.#stateOfFiles();
    if (state === this.#state) return this.#current;
    this.#state = state;
    try {
      this.#current = this.#make();
      this.#log(`Read again, because it has changed: ${this.#files.join(', ')}.`);
    } catch (error) {
      this.#log(`${messageOf(error)} What it said before stays in force.`);
    }
    return this.#current;
  }

  #stateOfFiles(): string {
    return this.#files
      .map((file) => {
        const stat = statSync(file, { throwIfNoEntry: false });
        return stat === undefined ? '' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
      })
      .join('\n');
  }
}
