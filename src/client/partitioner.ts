import { type Environment, partitionForKey } from '../util/index.ts';

/**
 * Kafka's default: a keyed record goes where its key's hash says, records without a key stick to one partition per
 * topic until `moveOn`, so that batches fill up.
 */
export class DefaultPartitioner {
  readonly #environment: Environment;
  readonly #sticky = new Map<string, number>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  partition(topic: string, key: Uint8Array | null, partitions: number): number {
    if (key !== null) return partitionForKey(key, partitions);
    let partition = this.#sticky.get(topic);
    if (partition === undefined || partition >= partitions) {
      partition = Math.floor(this.#environment.random() * partitions);
      this.#sticky.set(topic, partition);
    }
    return partition;
  }

  /** The batch was sealed: the next records without a key go elsewhere. */
  moveOn(topic: string, partitions: number): void {
    const partition = this.#sticky.get(topic);
    if (partition !== undefined) this.#sticky.set(topic, (partition + 1) % partitions);
  }
}
