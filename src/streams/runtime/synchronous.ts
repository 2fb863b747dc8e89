/**
 * Runs a topology synchronously, without a broker: what is piped in has been processed when `pipe` returns, through all
 * repartition topics. The tasks are those of the real runtime. Nothing is cached unless asked for: every update is emitted.
 */
import type { Header, RecordCursor } from '../../client/index.ts';
import { SchemaNotLoaded } from '../../serde/index.ts';
import { assert, deferred, type Environment, MillraceError, systemEnvironment } from '../../util/index.ts';
import { QueryableStores, type ReadOnlyStore } from './interactive-queries.ts';
import type { DecodeErrorHandler, DropListener, DropReason, ProcessingErrorHandler } from '../api/options.ts';
import { checkPiped } from '../api/checks.ts';
import { GlobalStore } from './global-store.ts';
import type { TaskOutput } from '../graph/node.ts';
import { Task, type TaskSettings } from './task.ts';
import { NO_TRACKING, type StateStore } from '../state/store.ts';
import type { Topology } from '../graph/topology.ts';

export interface SynchronousOptions {
  /** Default: the system's. */
  readonly environment?: Environment;
  /** Prefix of internal topics. Default `test`. */
  readonly applicationId?: string;
  /** True: stores emit once per piped record, as at a commit. Default false. */
  readonly caching?: boolean;
  /**
   * True: a record that comes behind a gap in the data has windows forgotten that it should close, where the gap is longer than
   * they are kept: so do Kafka Streams' stores without a cache. Default false: nothing that closes is lost.
   */
  readonly forgetsBeforeClosing?: boolean;
  /** Default: fail. */
  readonly onDecodeError?: DecodeErrorHandler;
  /** Default: fail. */
  readonly onProcessingError?: ProcessingErrorHandler;
  readonly onDrop?: DropListener;
  /** As the settings of an application. */
  readonly deadLetterTopic?: string;
  readonly deadLetterReasons?: readonly DropReason[];
}

export interface InputRecord {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly headers: readonly Header[];
}

export interface OutputRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers: readonly Header[];
}

/** A record that has no offset yet. */
type UnplacedRecord = InputRecord & { readonly partition: number };

export class SynchronousTopology {
  readonly environment: Environment;
  protected readonly tasks: readonly Task[];
  /** Who reads a topic. */
  readonly #readers = new Map<string, Task>();
  /** What was written, by topic. */
  protected readonly unread = new Map<string, OutputRecord[]>();
  readonly #offsets = new Map<string, number>();
  readonly #inFlight: OutputRecord[] = [];
  readonly #globalStores = new Map<string, StateStore>();
  readonly #globalTopics = new Map<string, GlobalStore[]>();
  readonly #stores: QueryableStores;
  #onResults: () => void = () => {};

  constructor(topology: Topology, options: SynchronousOptions = {}) {
    this.environment = options.environment ?? systemEnvironment;
    const settings: TaskSettings = {
      applicationId: options.applicationId ?? 'test',
      caching: options.caching ?? false,
      forgetsBeforeClosing: options.forgetsBeforeClosing,
      onDecodeError: options.onDecodeError ?? (() => 'fail'),
      onProcessingError: options.onProcessingError ?? (() => 'fail'),
      onDrop: options.onDrop,
      deadLetterTopic: options.deadLetterTopic,
      deadLetterReasons: options.deadLetterReasons,
    };
    for (const spec of topology.globalStores) {
      const global = new GlobalStore(spec, topology, { ...settings, environment: this.environment });
      this.#globalStores.set(spec.name, global.store);
      const topic = spec.sourceTopic!;
      this.#globalTopics.set(topic, [...(this.#globalTopics.get(topic) ?? []), global]);
    }
    const output: TaskOutput = {
      hasPartitions: false,
      partitionsOf: () => 1,
      // oxlint-disable-next-line max-params -- the port's, which is called per record
      send: (topic, partition, key, value, timestamp, headers) =>
        this.#collect({
          topic,
          partition: this.#readers.has(topic) ? 0 : partition,
          key,
          value,
          timestamp,
          headers: headers ?? [],
        }),
    };
    this.tasks = topology.subTopologies
      .filter((subTopology) => subTopology.sources.length > 0)
      .map(
        (subTopology) =>
          new Task({
            topology,
            subTopology,
            partition: 0,
            settings,
            output,
            environment: this.environment,
            tracking: () => NO_TRACKING,
            globalStores: this.#globalStores,
            onResults: () => this.#onResults(),
          }),
      );
    for (const task of this.tasks) for (const queue of task.queues) this.#readers.set(queue.topic, task);
    this.#stores = new QueryableStores((name) => {
      const global = this.#globalStores.get(name);
      if (global !== undefined) return [global];
      return this.tasks.flatMap((task) => task.stores.get(name) ?? []);
    });
  }

  /**
   * Processes one record of an input topic, and all that follows from it. Throws `SchemaNotLoaded` when a serde needs a
   * schema that is not at hand; `pipeAll` waits for it.
   */
  pipe(
    topic: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number = this.environment.now(),
    headers: readonly Header[] = [],
  ): void {
    checkPiped(topic, key, value, timestamp, headers);
    if (!this.#readers.has(topic) && !this.#globalTopics.has(topic)) {
      throw new MillraceError('UNKNOWN_TOPIC', `the topology does not read the topic ${topic}`);
    }
    this.#inFlight.push(this.#record({ topic, partition: 0, key, value, timestamp, headers }));
    this.#drain();
  }

  /** As `pipe` for many records, in order. Waits only where one of them, or what follows from it, needs a schema first. */
  async pipeAll(records: Iterable<InputRecord>): Promise<void> {
    for (const { topic, key, value, timestamp, headers } of records) {
      for (let step = () => this.pipe(topic, key, value, timestamp, headers); ; step = () => this.#resume()) {
        try {
          step();
          break;
        } catch (error) {
          if (!(error instanceof SchemaNotLoaded)) throw error;
          await error.load();
        }
      }
    }
  }

  /**
   * Waits for the calls of functions that are waited for, and processes all that follows from them. Time-outs and pauses
   * between attempts are of the topology's clock.
   */
  async settled(): Promise<void> {
    for (;;) {
      this.#resume();
      if (this.tasks.every(({ callsUnderWay }) => callsUnderWay === 0)) return;
      const results = deferred();
      this.#onResults = results.resolve;
      await results.promise;
    }
  }

  /** Goes on with the record that needed a schema, and with the results of calls. */
  #resume(): void {
    for (const task of this.tasks) {
      task.resume();
      while (task.run(Number.POSITIVE_INFINITY) > 0);
      task.flush();
    }
    this.#drain();
  }

  /** Runs what the tasks have scheduled by the wall clock. */
  protected punctuate(): void {
    for (const task of this.tasks) {
      task.punctuateWallClock(() => true);
      task.flush();
    }
    this.#drain();
  }

  /** What was written to a topic since it was last read. */
  read(topic: string): OutputRecord[] {
    const records = this.unread.get(topic) ?? [];
    this.unread.delete(topic);
    return records;
  }

  store(name: string): ReadOnlyStore {
    return this.#stores.get(name);
  }

  close(): void {
    for (const task of this.tasks) task.close();
    for (const store of [...this.#globalTopics.values()].flat()) store.close();
  }

  #collect(written: UnplacedRecord): void {
    const { topic } = written;
    const record = this.#record(written);
    const unread = this.unread.get(topic);
    if (unread === undefined) this.unread.set(topic, [record]);
    else unread.push(record);
    if (this.#readers.has(topic) || this.#globalTopics.has(topic)) this.#inFlight.push(record);
  }

  #record({ topic, partition, key, value, timestamp, headers }: UnplacedRecord): OutputRecord {
    const offset = this.#offsets.get(topic) ?? 0;
    this.#offsets.set(topic, offset + 1);
    return {
      topic,
      partition,
      offset,
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp,
      headers: [...headers],
    };
  }

  #drain(): void {
    try {
      for (let record = this.#inFlight.shift(); record !== undefined; record = this.#inFlight.shift()) {
        for (const store of this.#globalTopics.get(record.topic) ?? []) this.#fill(store, record);
        const task = this.#readers.get(record.topic);
        if (task === undefined) continue;
        const queue = task.queue(record.topic);
        assert(queue !== undefined, `no queue for ${record.topic}`);
        queue.push(new SingleRecord(record), record.offset + 1, this.environment.now());
        while (task.run(Number.POSITIVE_INFINITY) > 0);
        task.flush();
      }
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) this.#inFlight.length = 0;
      throw error;
    }
  }

  /** Records left out so far, by reason, by tasks and global stores. */
  dropped(): ReadonlyMap<DropReason, number> {
    const total = new Map<DropReason, number>();
    for (const { dropped } of [...this.tasks, ...[...this.#globalTopics.values()].flat()]) {
      for (const [reason, count] of dropped) total.set(reason, (total.get(reason) ?? 0) + count);
    }
    return total;
  }

  #fill(store: GlobalStore, record: OutputRecord): void {
    const { topic, partition } = record;
    try {
      const single = new SingleRecord(record);
      single.advance();
      store.take(single, { topic, partition });
    } catch (error) {
      if (error instanceof SchemaNotLoaded) this.#inFlight.unshift(record);
      throw error;
    }
  }
}

/** A cursor over one record. */
class SingleRecord implements RecordCursor {
  readonly offset: number;
  readonly timestamp: number;
  readonly bytes: Buffer;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly headerCount: number;
  readonly #headers: readonly Header[];
  #before = true;

  constructor(record: OutputRecord) {
    const keyLength = record.key?.length ?? 0;
    this.offset = record.offset;
    this.timestamp = record.timestamp;
    this.bytes = Buffer.concat([record.key ?? Buffer.alloc(0), record.value ?? Buffer.alloc(0)]);
    this.keyStart = record.key === null ? -1 : 0;
    this.keyEnd = record.key === null ? -1 : keyLength;
    this.valueStart = record.value === null ? -1 : keyLength;
    this.valueEnd = record.value === null ? -1 : this.bytes.length;
    this.headerCount = record.headers.length;
    this.#headers = record.headers;
  }

  advance(): boolean {
    const first = this.#before;
    this.#before = false;
    return first;
  }

  again(): undefined {
    return undefined;
  }

  headers(): { key: string; value: Buffer | null }[] {
    return this.#headers.map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value) }));
  }
}
