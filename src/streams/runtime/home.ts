/**
 * An instance's place in its state directory: what it is known by, also after a crash, and what it has there already.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, randomUuid } from '../../util/index.ts';
import type { Topology } from '../graph/topology.ts';
import { Checkpoint } from '../state/checkpoint.ts';
import { Lock } from '../state/lock.ts';
import { reachedBy } from './restore.ts';
import type { ResolvedSettings } from './settings.ts';

export interface Place {
  /** Whoever takes the place after a crash ends the transaction of the one before. */
  readonly processId: string;
  /** The state directory, or what there is in place of one. */
  readonly home: string;
}

export class Home {
  readonly #settings: ResolvedSettings;
  #lock: Lock | undefined;

  constructor(settings: ResolvedSettings) {
    this.#settings = settings;
  }

  /**
   * Takes a place in the state directory, the first that is free: instances may share it, as each task's state has a lock of
   * its own.
   */
  async open(): Promise<Place> {
    const { stateDir, applicationId, environment } = this.#settings;
    if (stateDir === undefined) {
      const id = randomUuid(environment);
      return { processId: id, home: id };
    }
    const directory = join(stateDir, applicationId);
    mkdirSync(directory, { recursive: true });
    let place = '';
    for (let i = 1; this.#lock === undefined; i++) {
      place = i === 1 ? '' : `-${i}`;
      this.#lock = await Lock.acquire(join(directory, `lock${place}`));
    }
    return {
      processId: this.#idIn(join(directory, `process-id${place}`)),
      home: this.#idIn(join(directory, 'directory-id')),
    };
  }

  /** The id that a file holds; whoever finds none gives it one. */
  #idIn(file: string): string {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    const id = randomUuid(this.#settings.environment);
    // Whole, or not there: another process may be looking.
    writeFileSync(`${file}.${id}`, `${id}\n`);
    try {
      linkSync(`${file}.${id}`, file);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      rmSync(`${file}.${id}`);
    }
    return readFileSync(file, 'utf8').trim();
  }

  /** The tasks of which the state directory has a checkpoint that nobody has open, and how far they go. */
  async checkpointed(topology: Topology): Promise<Map<string, number>> {
    const { stateDir, applicationId } = this.#settings;
    const reached = new Map<string, number>();
    if (stateDir === undefined) return reached;
    const directory = join(stateDir, applicationId);
    for (const id of readdirSync(directory)) {
      const sub = topology.subTopologies.find((each) => /^\d+_\d+$/.test(id) && id.startsWith(`${each.id}_`));
      const meta = sub === undefined ? undefined : await Checkpoint.peek(join(directory, id));
      if (meta) reached.set(id, reachedBy(meta, sub!));
    }
    return reached;
  }

  async release(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
  }

  /** Deletes all that there is. */
  delete(): void {
    const { stateDir, applicationId } = this.#settings;
    if (stateDir !== undefined) rmSync(join(stateDir, applicationId), { recursive: true, force: true });
  }
}
