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

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#path = join(directory, FILE);
    this.#next = disk.exists(this.#path) ? Number(disk.readFile(this.#path).toString().trim()) : 0;
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
