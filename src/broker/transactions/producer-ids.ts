import { join } from 'node:path';
import type { Disk } from '../log/disk.ts';

const FILE = 'producer-ids';
const BLOCK = 1000;

/** Hands out producer ids, each once for ever: a block is noted as taken on the disk before its first id is given. */
export class ProducerIds {
  readonly #disk: Disk;
  readonly #path: string;
  #next: number;
  #end: number;

  /** `known` are ids that are in use: should the note be missing or damaged, none of them is given once more. */
  constructor(disk: Disk, directory: string, known: Iterable<number>) {
    this.#disk = disk;
    this.#path = join(directory, FILE);
    const noted = disk.exists(this.#path) ? disk.readFile(this.#path).toString() : '';
    this.#next = /^\d{1,15}\n$/.test(noted) ? Number(noted) : 0;
    for (const id of known) if (id >= this.#next) this.#next = id + 1;
    this.#end = this.#next;
  }

  take(): number {
    if (this.#next === this.#end) {
      this.#end = this.#next + BLOCK;
      this.#disk.replaceFile(this.#path, `${this.#end}\n`, true);
    }
    return this.#next++;
  }
}
