// Makes the rows of streams with CONNECTOR='datagen' and writes them to their topics, each as long as its stream is there. How many
// rows there are is how many records the topic has had: so a start goes on behind the last one, whatever has happened to it.
import type { Client, Producer } from '../../client/index.ts';
import type { SchemaSource } from '../../serde/index.ts';
import { serialize } from '../../serde/index.ts';
import { type Environment, messageOf, partitionForKey } from '../../util/index.ts';
import type { DataSource } from '../catalog.ts';
import { rowSerde } from '../formats/row-serde.ts';
import type { DatagenPlan, Generators } from '../statements/datagen.ts';
import type { Row } from '../values/value.ts';
import { rowMaker } from './random-rows.ts';

/** So often rows are written. */
const TURN_MS = 100;
/** So many rows are made in one go. */
const ROWS_PER_TURN = 1000;
const RETRY_MS = 5000;

interface DatagenOptions {
  readonly client: Client;
  readonly schemas: SchemaSource;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

export class Datagen implements Generators {
  readonly #options: DatagenOptions;
  readonly #running = new Map<string, Generator>();
  /** Those that are to be begun: while a command log is repeated, its last word on a stream is waited for. */
  #waiting: Map<string, Generator> | undefined = new Map();

  constructor(options: DatagenOptions) {
    this.#options = options;
  }

  start(source: DataSource, plan: DatagenPlan): void {
    const generator = new Generator(this.#options, source, plan);
    if (this.#waiting !== undefined) this.#waiting.set(source.name, generator);
    else this.#run(source.name, generator);
  }

  /** From here on rows are made. */
  begin(): void {
    const waiting = this.#waiting ?? new Map<string, Generator>();
    this.#waiting = undefined;
    for (const [name, generator] of waiting) this.#run(name, generator);
  }

  async stop(name: string): Promise<void> {
    this.#waiting?.delete(name);
    const running = this.#running.get(name);
    this.#running.delete(name);
    await running?.stop();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
  }

  #run(name: string, generator: Generator): void {
    this.#running.set(name, generator);
    generator.run();
  }
}

class Generator {
  readonly #options: DatagenOptions;
  readonly #source: DataSource;
  readonly #plan: DatagenPlan;
  #isStopped = false;
  #wake = (): void => {};
  #ended: Promise<void> = Promise.resolve();

  constructor(options: DatagenOptions, source: DataSource, plan: DatagenPlan) {
    this.#options = options;
    this.#source = source;
    this.#plan = plan;
  }

  run(): void {
    this.#ended = this.#runUntilStopped();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#ended;
  }

  async #runUntilStopped(): Promise<void> {
    const { client, log } = this.#options;
    while (!this.#isStopped) {
      const producer = client.producer({ lingerMs: 0 });
      try {
        await this.#make(producer);
        return;
      } catch (error) {
        log(`the rows of ${this.#source.name} can't be made: ${messageOf(error)}`);
        await this.#pause(RETRY_MS);
      } finally {
        await producer.close().catch(() => {});
      }
    }
  }

  async #make(producer: Producer): Promise<void> {
    const { environment } = this.#options;
    const { rowsPerSecond, rows = Number.POSITIVE_INFINITY } = this.#plan;
    const { topic } = this.#source;
    const encode = await this.#encoder();
    const { partitions, records } = await this.#state();
    let made = records;
    let [since, before] = [environment.now(), made];
    while (!this.#isStopped && made < rows) {
      const now = environment.now();
      let due = Math.min(rows, before + Math.floor(((now - since) / 1000) * rowsPerSecond));
      // What could not be written in time is not caught up with in one go.
      if (due - made > rowsPerSecond) {
        [since, before] = [now, made];
        due = made;
      }
      const until = Math.min(due, made + ROWS_PER_TURN);
      for (; made < until; made++) {
        const { key, value } = encode(made);
        producer.enqueue(topic, key === null ? made % partitions : partitionForKey(key, partitions), key, value, now);
      }
      await producer.flush();
      if (made >= due) await this.#pause(TURN_MS);
    }
  }

  /** The bytes of the row with a number. */
  async #encoder(): Promise<(number: number) => { readonly key: Buffer | null; readonly value: Buffer | null }> {
    const { environment, schemas } = this.#options;
    const { topic, schema, keyFormat, valueFormat } = this.#source;
    const env = { schemas };
    const keySerde = rowSerde(env, keyFormat, schema.key, { topic, part: 'key' });
    const valueSerde = rowSerde(env, valueFormat, schema.value, { topic, part: 'value' });
    if (schema.key.length > 0) await keySerde.prepare?.();
    await valueSerde.prepare?.();
    const keyOf = rowMaker(environment, this.#plan, schema.key);
    const valueOf = rowMaker(environment, this.#plan, schema.value);
    const isNothing = (row: Row): boolean => row.every((part) => part === null);
    return (number) => {
      const key = keyOf(number);
      return { key: isNothing(key) ? null : serialize(keySerde, key), value: serialize(valueSerde, valueOf(number)) };
    };
  }

  async #state(): Promise<{ readonly partitions: number; readonly records: number }> {
    const admin = this.#options.client.admin();
    const { topic } = this.#source;
    const partitions = (await admin.describeTopics([topic])).get(topic)?.partitions.length ?? 0;
    if (partitions === 0) throw new Error(`the topic ${topic} is not there`);
    const ends = await admin.listOffsets(
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition, timestamp: -1 })),
    );
    return { partitions, records: ends.reduce((sum, { offset }) => sum + offset, 0) };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopped) return resolve();
      const cancel = this.#options.environment.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
