// The topic `_schemas` as the registry's log: one compacted partition of JSON records, of which the store is a view.
//
// The life of a change: this instance becomes the log's only writer, if it is not (`exclusively`) → it has read everything
// that was written before → the registry decides → the record is produced → it takes effect when it is read back.
//
// The only writer: writing instances share a fencing id. Taking over raises the producer's epoch, and with the first
// record (a NOOP) of the new epoch in the partition the broker refuses the writer before. So an instance that decides on
// what another one has changed meanwhile is refused by the broker, reads on, and decides anew. No instance needs to know
// another one, and what was acknowledged is never overwritten (docs/decisions/registry-writes-are-fenced.md).
import type { Client, Consumer, Producer } from '../../client/index.ts';
import {
  assert,
  type Environment,
  codeOf,
  type Deferred,
  deferred,
  messageOf,
  yieldToEventLoop,
} from '../../util/index.ts';
import { asRefusal, RegistryError, schemaTooLarge, storeError, storeTimeout } from '../errors.ts';
import type { RecordKey } from './schema-records.ts';

/** Called for every record in the log's order; `null` is a tombstone's value. What it throws is logged, and the record passed over. */
export type ApplyRecord = (key: string | null, value: string | null) => void;

export interface SchemaLogOptions {
  readonly client: Client;
  readonly topic: string;
  readonly environment: Environment;
  /** Called with what an operator may want to know. */
  readonly log: (message: string) => void;
}

const POLL_MS = 500;
/** How long the broker may take to acknowledge a record and hand it back. */
const TIMEOUT_MS = 10_000;
/** How long a reader waits to hear where the log ends. */
const READER_TIMEOUT_MS = 1000;
/** A broker forgets an idle producer's epoch after a day, so a term as writer is shorter. */
const TERM_MS = 12 * 60 * 60 * 1000;
const ATTEMPTS = 50;
const BACKOFF_MS = 20;

export class SchemaLog {
  readonly #options: SchemaLogOptions;
  readonly #apply: ApplyRecord;
  readonly #consumer: Consumer;
  readonly #waiting: { position: number; done: Deferred }[] = [];
  #position = 0;
  #running = true;
  #reading: Promise<void> = Promise.resolve();
  /** Why nothing can be read any more. */
  #broken: RegistryError | undefined;

  /** This instance's term as the only writer. It ends when a record of somebody else shows up. */
  #term: { readonly producer: Producer; readonly since: number; end: number } | undefined;
  #check: Promise<void> | undefined;
  #nextCheck: Promise<void> | undefined;

  private constructor(options: SchemaLogOptions, apply: ApplyRecord) {
    this.#options = options;
    this.#apply = apply;
    this.#consumer = options.client.consumer({ autoOffsetReset: 'earliest', isolationLevel: 'read_uncommitted' });
  }

  /** Creates the topic if it is not there and resolves when everything in it has been applied. */
  static async open(options: SchemaLogOptions, apply: ApplyRecord): Promise<SchemaLog> {
    const { client, topic } = options;
    try {
      await client.admin().createTopics([{ name: topic, partitions: 1, configs: { 'cleanup.policy': 'compact' } }]);
    } catch (error) {
      if (codeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
      await checkTopic(client, topic);
    }
    const log = new SchemaLog(options, apply);
    log.#consumer.assign([{ topic, partition: 0, offset: -2 }]);
    log.#reading = log.#read();
    await log.#catchUp();
    return log;
  }

  /** The offset of the next record to be applied. */
  get position(): number {
    return this.#position;
  }

  /**
   * Resolves when everything has been applied that was written before this call, by whatever instance. When the broker
   * does not tell in time, what is known has to do: the original's readers never ask.
   */
  caughtUp(): Promise<void> {
    // A look at the log's end that began earlier may have missed what the caller knows of: the next one serves all who
    // ask while it waits, and it waits for the requests that came in along with this one.
    this.#nextCheck ??= (this.#check ?? yieldToEventLoop(this.#options.environment)).then(async () => {
      this.#check = this.#nextCheck;
      this.#nextCheck = undefined;
      try {
        await this.#within(READER_TIMEOUT_MS, this.#catchUp()).catch(() => {});
      } finally {
        if (this.#nextCheck === undefined) this.#check = undefined;
      }
    });
    return this.#nextCheck;
  }

  /**
   * Runs `work` as the only writer, having read everything. Runs it again, after what came between, when another
   * instance took over meanwhile. One call at a time.
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#takeOver();
        return await work();
      } catch (error) {
        if (codeOf(error) !== 'PRODUCER_FENCED' || attempt === ATTEMPTS) throw error;
        await this.#pause(attempt);
      }
    }
  }

  /** Appends one record and resolves when it has been applied. Only within `exclusively`. */
  async write(key: RecordKey, value: object | null): Promise<void> {
    const term = this.#term;
    assert(term !== undefined, 'writing to the log outside of a term');
    try {
      const record = {
        topic: this.#options.topic,
        partition: 0,
        key: Buffer.from(JSON.stringify(key)),
        value: value === null ? null : Buffer.from(JSON.stringify(value)),
      };
      const { offset } = await this.#within(TIMEOUT_MS, term.producer.send(record));
      term.end = offset + 1;
      await this.#applied(term.end);
    } catch (error) {
      this.#endTerm();
      throw codeOf(error) === 'PRODUCER_FENCED' ? error : asStoreError(error);
    }
  }

  async close(): Promise<void> {
    this.#running = false;
    this.#consumer.wakeup();
    await this.#reading;
    await this.#consumer.close();
    this.#endTerm();
  }

  // ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #takeOver(): Promise<void> {
    const { client, topic, environment } = this.#options;
    if (this.#term !== undefined) {
      if (this.#term.end === this.#position && environment.now() - this.#term.since < TERM_MS) return;
      this.#endTerm();
    }
    const producer = client.producer({
      lingerMs: 0,
      fencingId: `schema-registry-${topic}`,
      transactionTimeoutMs: TIMEOUT_MS,
      deliveryTimeoutMs: TIMEOUT_MS,
    });
    this.#term = { producer, since: environment.now(), end: -1 };
    try {
      await this.#within(TIMEOUT_MS, producer.initTransactions());
    } catch (error) {
      this.#endTerm();
      throw asStoreError(error);
    }
    await this.write({ keytype: 'NOOP', magic: 0 }, null);
  }

  /** What its producer still holds was given up: it comes before the next term's first record, or is refused. */
  #endTerm(): void {
    const producer = this.#term?.producer;
    this.#term = undefined;
    producer?.close().catch(() => {});
  }

  /** Instances that contend for the log must not keep taking it from each other in step. */
  #pause(attempt: number): Promise<void> {
    const { environment } = this.#options;
    return new Promise((resolve) => {
      environment.after(Math.ceil(environment.random() * BACKOFF_MS * Math.min(attempt, 10)), resolve);
    });
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #catchUp(): Promise<void> {
    const { client, topic } = this.#options;
    const [end] = await client.admin().listOffsets([{ topic, partition: 0, timestamp: -1 }]);
    await this.#applied(end!.offset);
  }

  /** Resolves when the records before `position` have been applied. */
  async #applied(position: number): Promise<void> {
    if (position <= this.#position) return;
    if (this.#broken !== undefined) throw this.#broken;
    const done = deferred();
    this.#waiting.push({ position, done });
    await this.#within(TIMEOUT_MS, done.promise);
  }

  /** One bad record must not take the registry away. */
  #applyOrPassOver(offset: number, key: string | null, value: string | null): void {
    try {
      this.#apply(key, value);
    } catch (error) {
      const { topic, log } = this.#options;
      log(`schema registry: the record at offset ${offset} of ${topic} is passed over: ${messageOf(error)}`);
    }
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const late = deferred<never>();
    const cancel = this.#options.environment.after(timeoutMs, () => late.reject(storeTimeout()));
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      cancel();
    }
  }

  async #read(): Promise<void> {
    try {
      while (this.#running) {
        for (const { cursor, nextOffset } of await this.#consumer.poll(POLL_MS)) {
          while (cursor.advance()) {
            const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
            const key = keyStart < 0 ? null : bytes.toString('utf8', keyStart, keyEnd);
            const value = valueStart < 0 ? null : bytes.toString('utf8', valueStart, valueEnd);
            this.#applyOrPassOver(cursor.offset, key, value);
          }
          this.#position = nextOffset;
        }
        for (let i = this.#waiting.length - 1; i >= 0; i--) {
          if (this.#waiting[i]!.position <= this.#position) this.#waiting.splice(i, 1)[0]!.done.resolve();
        }
      }
      this.#broken = storeError('the registry is closed');
    } catch (error) {
      this.#broken = storeError(`reading the topic ${this.#options.topic}: ${messageOf(error)}`, error);
    }
    for (const { done } of this.#waiting.splice(0)) done.reject(this.#broken);
  }
}

/** What is not compacted loses schemas by retention; what has several partitions has no order. */
async function checkTopic(client: Client, topic: string): Promise<void> {
  const admin = client.admin();
  const partitions = (await admin.describeTopics([topic])).get(topic)?.partitions.length;
  if (partitions !== undefined && partitions !== 1) {
    throw storeError(`the topic ${topic} has ${partitions} partitions; a registry's topic has one`);
  }
  const policy = (await admin.topicConfigs(topic)).find(({ name }) => name === 'cleanup.policy')?.value;
  if (policy !== undefined && policy !== null && policy !== 'compact') {
    throw storeError(
      `the topic ${topic} has cleanup.policy=${policy}, by which schemas would be lost: set it to compact`,
    );
  }
}

function asStoreError(thrown: unknown): RegistryError {
  const error = asRefusal(thrown);
  if (error instanceof RegistryError) return error;
  return codeOf(error) === 'MESSAGE_TOO_LARGE' ? schemaTooLarge(error) : storeError(messageOf(error), error);
}
