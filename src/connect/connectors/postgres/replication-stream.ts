// The stream of a logical replication slot, read from `pg`'s connection. The server pushes: what has come and was not yet
// asked for waits here, and when that is too much the socket is no longer read, so that the server waits, too. What is told
// to the server, at an interval and when it asks, is how far changes are safe with us (`confirm`): it keeps everything behind
// that. Described in "Streaming Replication Protocol" of PostgreSQL's documentation.
import type { Client, Connection } from 'pg';
import { type Deferred, deferred, type Environment } from '../../../util/index.ts';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import { databaseError } from './connection.ts';
import { type Lsn, lsnText } from './pgoutput.ts';

/** What came: a message of the output plugin, or word of how far the log has been gone through without one. */
export type WalItem =
  | { readonly kind: 'data'; readonly lsn: Lsn; readonly bytes: Buffer }
  | { readonly kind: 'progress'; readonly lsn: Lsn };

/** What a stream is opened with. */
export interface StreamOptions {
  readonly slot: string;
  readonly publication: string;
  /** Transactions that commit before this are not sent. */
  readonly from: Lsn;
  /** More of the output plugin's options. */
  readonly parameters: readonly (readonly [string, string])[];
  readonly statusIntervalMs: number;
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly environment: Environment;
  /** For messages: which database. */
  readonly where: string;
}

const DATA = 0x77; // w
const KEEP_ALIVE = 0x6b; // k
const DATA_HEADER_BYTES = 25;
const KEEP_ALIVE_BYTES = 18;
/** From 1970 to 2000, where PostgreSQL's time begins. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
/** A server that is shutting down asks again and again; in quiet times it asks every half minute. */
const ASKED_IN_A_ROW_MAX = 20;
const ASKED_WITHIN_MS = 2000;

/** An open stream. */
export class ReplicationStream {
  readonly #client: Client;
  readonly #options: StreamOptions;
  /** What came and was not taken: from `#head` on. */
  #items: WalItem[] = [];
  #head = 0;
  #bytes = 0;
  #paused = false;
  #received: Lsn;
  #confirmed: Lsn;
  #failure: ConnectError | undefined;
  /** Somebody waits for what comes next. */
  #arrived: Deferred | undefined;
  #cancelStatus: () => void = () => undefined;
  #closed = false;
  #asked = { times: 0, sinceMs: 0 };

  /** Takes the connection, which is a replication connection of its own, and closes it in the end. Rejects as `databaseError` says. */
  static async open(client: Client, options: StreamOptions): Promise<ReplicationStream> {
    const stream = new ReplicationStream(client, options);
    const begun = deferred();
    client.connection.once('replicationStart', () => begun.resolve());
    client.connection.once('copyDone', () =>
      stream.#fail(new RetriableError(`${options.where}: the server ended the stream`)),
    );
    client.once('end', () =>
      stream.#fail(new RetriableError(`${options.where}: the connection of the stream was closed`)),
    );
    client.on('error', (error) => stream.#fail(databaseError(error, options.where)));
    client.query(stream.#command());
    try {
      await Promise.race([begun.promise, stream.#failed.promise]);
    } catch (error) {
      stream.close();
      throw error;
    }
    // Where reading goes on is safe already.
    stream.#sendStatus();
    stream.#scheduleStatus();
    return stream;
  }

  readonly #failed = deferred<never>();

  private constructor(client: Client, options: StreamOptions) {
    this.#client = client;
    this.#options = options;
    this.#received = options.from;
    this.#confirmed = options.from;
    this.#failed.promise.catch(() => undefined);
  }

  /** The next item that has come, if one has. Throws what ended the stream, behind everything that came before. */
  next(): WalItem | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return undefined;
    }
    this.#head++;
    if (item.kind === 'data') this.#bytes -= item.bytes.length;
    if (this.#head === this.#items.length || this.#head > 4096) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    if (this.#paused && this.#waiting * 2 <= this.#options.maxItems && this.#bytes * 2 <= this.#options.maxBytes) {
      this.#paused = false;
      this.#client.connection.stream.resume();
    }
    return item;
  }

  /** Resolves when there is something to be had of `next`, even if that is an error. */
  get arrival(): Promise<void> {
    if (this.#waiting > 0 || this.#failure !== undefined) return Promise.resolve();
    this.#arrived ??= deferred();
    return this.#arrived.promise;
  }

  /** How many items wait. */
  get #waiting(): number {
    return this.#items.length - this.#head;
  }

  /** The server may forget what comes before. Never goes back. */
  confirm(lsn: Lsn): void {
    if (lsn <= this.#confirmed) return;
    this.#confirmed = lsn;
    this.#sendStatus();
  }

  /** Ends the stream and its connection, at once. */
  close(): void {
    this.#closed = true;
    this.#cancelStatus();
    this.#client.connection.stream.destroy();
  }

  /** What begins the stream, as a query of `pg`. */
  #command(): { submit(connection: Connection): void } {
    const { slot, publication, from, parameters } = this.#options;
    const options = [
      ['proto_version', '1'],
      ['publication_names', quoteName(publication)],
      ['messages', 'true'],
      ...parameters,
    ];
    const list = options.map(([name, value]) => `"${name}" '${value!.replaceAll("'", "''")}'`).join(', ');
    const text = `START_REPLICATION SLOT "${slot}" LOGICAL ${lsnText(from)} (${list})`;
    const ignored = (): void => undefined;
    const query = {
      submit: (connection: Connection) => connection.query(text),
      handleCopyData: ({ chunk }: { chunk: Buffer }) => this.#receive(chunk),
      handleError: (error: Error) => this.#fail(databaseError(error, this.#options.where)),
      handleRowDescription: ignored,
      handleDataRow: ignored,
      handleCommandComplete: ignored,
      handleReadyForQuery: () => this.#fail(new RetriableError(`${this.#options.where}: the server ended the stream`)),
    };
    return query;
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    if (chunk[0] === DATA && chunk.length >= DATA_HEADER_BYTES) {
      const lsn = readLsn(chunk, 1);
      // Descriptions of relations come without a position.
      this.#received = Math.max(this.#received, lsn);
      this.#asked.times = 0;
      // A copy: `pg` writes over its buffer when more comes.
      this.#push(
        { kind: 'data', lsn, bytes: Buffer.from(chunk.subarray(DATA_HEADER_BYTES)) },
        chunk.length - DATA_HEADER_BYTES,
      );
      return;
    }
    if (chunk[0] !== KEEP_ALIVE || chunk.length < KEEP_ALIVE_BYTES) {
      const shown = chunk.subarray(0, 32).toString('hex');
      this.#fail(
        new ConnectError(`${this.#options.where}: the replication stream is damaged: a message begins with ${shown}`),
      );
      return;
    }
    const lsn = readLsn(chunk, 1);
    this.#received = Math.max(this.#received, lsn);
    const last = this.#items.at(-1);
    if (last?.kind === 'progress') this.#items[this.#items.length - 1] = { kind: 'progress', lsn };
    else this.#push({ kind: 'progress', lsn }, 0);
    if (chunk[KEEP_ALIVE_BYTES - 1] === 1) this.#answer();
  }

  #push(item: WalItem, bytes: number): void {
    this.#items.push(item);
    this.#bytes += bytes;
    if (!this.#paused && (this.#waiting >= this.#options.maxItems || this.#bytes >= this.#options.maxBytes)) {
      this.#paused = true;
      this.#client.connection.stream.pause();
    }
    this.#arrive();
  }

  /** A server that ends waits for us to confirm everything, which we can't: it asks without a pause. We go, and come back. */
  #answer(): void {
    const nowMs = this.#options.environment.now();
    if (this.#asked.times === 0 || nowMs - this.#asked.sinceMs > ASKED_WITHIN_MS)
      this.#asked = { times: 0, sinceMs: nowMs };
    if (++this.#asked.times > ASKED_IN_A_ROW_MAX)
      this.#fail(new RetriableError(`${this.#options.where}: the server is shutting down`));
    else this.#sendStatus();
  }

  #scheduleStatus(): void {
    const { environment, statusIntervalMs } = this.#options;
    this.#cancelStatus = environment.after(statusIntervalMs, () => {
      this.#sendStatus();
      this.#scheduleStatus();
    });
  }

  #sendStatus(): void {
    if (this.#failure !== undefined || this.#closed) return;
    const status = Buffer.alloc(39);
    status[0] = 0x64; // d: data of a copy
    status.writeInt32BE(status.length - 1, 1);
    status[5] = 0x72; // r: a standby's status
    writeInt64(status, this.#received, 6);
    writeInt64(status, this.#confirmed, 14);
    writeInt64(status, this.#confirmed, 22);
    writeInt64(status, (this.#options.environment.now() - POSTGRES_EPOCH_MS) * 1000, 30);
    this.#client.connection.stream.write(status);
  }

  #fail(failure: ConnectError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#failed.reject(failure);
    this.close();
    this.#arrive();
  }

  #arrive(): void {
    this.#arrived?.resolve();
    this.#arrived = undefined;
  }
}

/** A name as SQL writes it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function readLsn(bytes: Buffer, at: number): Lsn {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4);
}

function writeInt64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 4294967296);
  bytes.writeInt32BE(high, at);
  bytes.writeUInt32BE(value - high * 4294967296, at + 4);
}
