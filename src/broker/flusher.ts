import type { Environment } from '../util/index.ts';
import { messageOf } from '../util/index.ts';

/** Something with bytes to write: a partition. */
export interface Flushable {
  /** Hands new bytes to the file, synchronously; then they are written. */
  write(): void;
  /** Forces what is written to the disk; afterwards it is durable. Never rejects: a failure is the partition's affair. */
  sync(): Promise<void>;
  /** With a durability that does not wait for the disk: what is written counts as durable. */
  settleWritten(): void;
}

export type Durability = 'fsync' | 'interval' | 'os';

/**
 * Group commit. All that partitions append within one turn of the event loop is written together at its end, one
 * gathered write per partition. With durability=fsync what was written is then forced to the disk, one round at a time:
 * whatever arrives meanwhile shares the next round.
 */
export class Flusher {
  readonly #durability: Durability;
  readonly #log: (message: string) => void;
  #dirty = new Set<Flushable>();
  #unsynced = new Set<Flushable>();
  #scheduled = false;
  #round: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;

  readonly #environment: Environment;

  constructor(durability: Durability, intervalMs: number, environment: Environment, log: (message: string) => void) {
    this.#durability = durability;
    this.#log = log;
    this.#environment = environment;
    if (durability === 'interval') this.#repeat(environment, intervalMs);
  }

  /** Says that a partition has bytes to write. */
  mark(partition: Flushable): void {
    this.#dirty.add(partition);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#environment.soon(() => this.flush());
  }

  /** Writes everything that is marked. */
  flush(): void {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    for (const partition of dirty) {
      partition.write();
      this.#unsynced.add(partition);
      if (this.#durability !== 'fsync') partition.settleWritten();
    }
    if (this.#durability === 'fsync') this.#startRound();
  }

  /** Resolves when everything marked so far is written and no round is under way. */
  async drain(): Promise<void> {
    this.flush();
    while (this.#round !== undefined) await this.#round;
  }

  /** Forces everything written to the disk, whatever the durability. */
  async syncAll(): Promise<void> {
    await this.drain();
    this.#startRound();
    while (this.#round !== undefined) await this.#round;
  }

  stop(): void {
    this.#stopTimer?.();
  }

  #startRound(): void {
    if (this.#round !== undefined || this.#unsynced.size === 0) return;
    const partitions = [...this.#unsynced];
    this.#unsynced = new Set();
    this.#round = Promise.all(partitions.map((partition) => partition.sync())).then(
      () => this.#endRound(),
      (error: unknown) => {
        this.#log(`a round of syncs failed: ${messageOf(error)}`);
        this.#endRound();
      },
    );
  }

  #endRound(): void {
    this.#round = undefined;
    if (this.#durability === 'fsync') this.#startRound();
  }

  #repeat(environment: Environment, intervalMs: number): void {
    this.#stopTimer = environment.after(intervalMs, () => {
      this.#startRound();
      this.#repeat(environment, intervalMs);
    });
  }
}
