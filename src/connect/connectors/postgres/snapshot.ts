// The rows that are there when reading begins. One transaction reads table after table, in an order of its own and each by its
// key, in chunks of `snapshot.fetch.size` rows; each record's offset says behind which row it goes on. A snapshot that was
// cut off goes on in another transaction, which sees what has happened meanwhile. So it is remembered, in the offsets, too,
// which rows were read by a transaction that saw which others (segments.ts): the stream, which begins where the slot does,
// leaves out what they had seen. That is how nothing is missing and nothing is told twice, however often it is cut off.
import type { Client } from 'pg';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import type { SourceRecord } from '../../data/record.ts';
import { type CatalogTable, fullName, readTable, type TableName, TypeRegistry } from './catalog.ts';
import { connect, databaseError, queryTexts, where } from './connection.ts';
import { type Lsn, parseLsn, type Tuple } from './pgoutput.ts';
import type { Position, SnapshotCursor, SnapshotSegment, SnapshotState } from './positions.ts';
import { snapshotOffset } from './positions.ts';
import { quoteName } from './replication-stream.ts';
import type { TaskParts } from './setup.ts';
import { capturedTables, type NewSlot, quoteTable, quoteText } from './slot.ts';
import { sourceBlock } from './source.ts';
import { type TableEvents, tableEvents } from './table-events.ts';

/** Where a snapshot begins. */
export interface SnapshotBegin {
  /** Where the stream will begin. */
  readonly slotLsn: Lsn;
  /** A slot that was made for it, whose snapshot it reads by. */
  readonly slot: NewSlot | undefined;
  /** What an earlier transaction has read already. */
  readonly state: SnapshotState | undefined;
  /** Where a stream that was before it goes on; it leaves nothing out then. */
  readonly stream: Position | null;
}

/** A part of a table's rows. */
interface Chunk {
  readonly events: TableEvents;
  /** The places of the key that rows are read by; undefined: there is none. */
  readonly order: readonly number[] | undefined;
  readonly rows: readonly Tuple[];
  readonly isFirst: boolean;
  isLast: boolean;
}

/** What the transaction sees. */
interface Seen {
  readonly txId: number;
  readonly timeUs: number;
}

/** What changed while it was read: begun again, it is found as it is. */
const CHANGED_MEANWHILE = new Set(['42P01', '42703', '42804', '42883']);

/** A snapshot that is being read. */
export class Snapshot {
  readonly #parts: TaskParts;
  readonly #client: Client;
  readonly #types = new TypeRegistry();
  readonly #begin: SnapshotBegin;
  readonly #segments: readonly SnapshotSegment[];
  readonly #seen: Seen;
  #chunks: AsyncGenerator<{ chunk: Chunk; isLastOfAll: boolean }>;
  /** Records that were made and not yet taken. */
  #ready: SourceRecord[] = [];
  #told = 0;
  /** The first record of all has been made. */
  #begun = false;

  /** Begins the transaction. Rejects as `databaseError` says. */
  static async open(parts: TaskParts, begin: SnapshotBegin): Promise<Snapshot> {
    const client = await connect(parts.setup.connection);
    try {
      await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      if (begin.slot !== undefined)
        await client.query(`SET TRANSACTION SNAPSHOT ${quoteText(begin.slot.snapshotName)}`);
      const [row] = await queryTexts(
        client,
        `SELECT pg_catalog.pg_current_snapshot()::text, pg_catalog.pg_current_wal_insert_lsn()::text,
                (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text`,
      );
      const [seen, until, timeUs] = row as [string, string, string];
      const segment = { seen, until: parseLsn(until), from: begin.state?.cursor ?? null };
      // A stream that was before the snapshot goes on where it was, so it leaves nothing out.
      const segments = begin.stream === null ? [...(begin.state?.segments ?? []), segment] : [];
      const txId = Number(BigInt.asUintN(32, BigInt(seen.split(':')[1]!) - 1n));
      return new Snapshot(parts, client, begin, segments, { txId, timeUs: Number(timeUs) });
    } catch (error) {
      client.end().catch(() => undefined);
      throw databaseError(error, where(parts.setup.connection));
    } finally {
      await begin.slot?.close();
    }
  }

  private constructor(
    parts: TaskParts,
    client: Client,
    begin: SnapshotBegin,
    segments: readonly SnapshotSegment[],
    seen: Seen,
  ) {
    this.#parts = parts;
    this.#client = client;
    this.#begin = begin;
    this.#segments = segments;
    this.#seen = seen;
    this.#chunks = this.#marked();
  }

  /** What the stream leaves out when it begins. */
  get segments(): readonly SnapshotSegment[] {
    return this.#segments;
  }

  /** How many rows were read in this transaction. */
  get told(): number {
    return this.#told;
  }

  /** The next records, so many at most; none: it is over. Rejects as `databaseError` says. */
  async take(max: number): Promise<SourceRecord[]> {
    try {
      while (this.#ready.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) return [];
        this.#ready = this.#records(next.value.chunk, next.value.isLastOfAll);
      }
    } catch (error) {
      throw this.#fault(error);
    }
    const taken = this.#ready.slice(0, max);
    this.#ready = this.#ready.slice(max);
    this.#told += taken.length;
    return taken;
  }

  /** Ends the transaction. */
  close(): void {
    this.#client.end().catch(() => undefined);
  }

  #fault(error: unknown): ConnectError {
    if (error instanceof Error && 'code' in error && CHANGED_MEANWHILE.has(String(error.code)))
      return new RetriableError(`a table was changed while its rows were read: ${error.message}`, error);
    return databaseError(error, where(this.#parts.setup.connection));
  }

  /** Chunks, and which of them is the last: one waits until it is known whether another follows. */
  async *#marked(): AsyncGenerator<{ chunk: Chunk; isLastOfAll: boolean }> {
    let held: Chunk | undefined;
    for await (const chunk of this.#all()) {
      if (held !== undefined) yield { chunk: held, isLastOfAll: false };
      held = chunk;
    }
    if (held !== undefined) yield { chunk: held, isLastOfAll: true };
  }

  async *#all(): AsyncGenerator<Chunk> {
    const { setup } = this.#parts;
    const cursor = this.#begin.state?.cursor;
    const names = (await capturedTables(this.#client, setup)).filter(
      (name) => setup.isInSnapshot(name) && fullName(name) !== setup.signalTable && isAhead(fullName(name), cursor),
    );
    await this.#lock(names);
    for (const name of names) {
      const table = await readTable(this.#client, name);
      if (table !== undefined) yield* this.#tableChunks(table, fullName(name) === cursor?.table ? cursor : undefined);
    }
    await this.#client.query('COMMIT');
  }

  async #lock(names: readonly TableName[]): Promise<void> {
    const { config } = this.#parts.setup;
    if (config['snapshot.locking.mode'] === 'none' || names.length === 0) return;
    await this.#client.query(`SET LOCAL lock_timeout = ${config['snapshot.lock.timeout.ms']}`);
    await this.#client.query(`LOCK TABLE ${names.map(quoteTable).join(', ')} IN ACCESS SHARE MODE`);
    await this.#client.query('SET LOCAL lock_timeout = 0');
  }

  async *#tableChunks(table: CatalogTable, cursor: SnapshotCursor | undefined): AsyncGenerator<Chunk> {
    const { setup, log } = this.#parts;
    await this.#refuseRewritten(table);
    const columns = table.columns.filter((column) => !column.isGenerated);
    await this.#types.load(
      this.#client,
      columns.map((column) => column.typeOid),
    );
    const events = tableEvents(table, columns, table.key, setup.events, this.#types);
    const order = orderOf(table, columns);
    log.info(`snapshot: reading table ${events.id}${cursor === undefined ? '' : ', where it was left off'}`);
    await this.#client.query(`DECLARE millrace NO SCROLL CURSOR FOR ${this.#select(table, columns, order, cursor)}`);
    const fetchSize = setup.config['snapshot.fetch.size'];
    let held: Chunk | undefined;
    for (;;) {
      const rows: Tuple[] = await queryTexts(this.#client, `FETCH ${fetchSize} FROM millrace`);
      if (rows.length > 0) {
        if (held !== undefined) yield held;
        const isFirst = held === undefined && cursor === undefined;
        held = {
          events,
          order: order?.map((column) => columns.findIndex(({ name }) => name === column)),
          rows,
          isFirst,
          isLast: false,
        };
      }
      if (rows.length < fetchSize) break;
    }
    if (held !== undefined) {
      held.isLast = true;
      yield held;
    }
    await this.#client.query('CLOSE millrace');
  }

  /** Rows that were written anew (ALTER TABLE, TRUNCATE) behind the transaction's beginning are not seen by it. */
  async #refuseRewritten(name: TableName): Promise<void> {
    const [row] = await queryTexts(
      this.#client,
      `SELECT c.relfilenode = pg_catalog.pg_relation_filenode(c.oid) OR c.relkind = 'p'
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2`,
      [name.schema, name.table],
    );
    if (row?.[0] !== 't')
      throw new RetriableError(`table ${fullName(name)} was written anew, or dropped, while a snapshot was read`);
  }

  #select(
    table: CatalogTable,
    columns: readonly { readonly name: string }[],
    order: readonly string[] | undefined,
    cursor: SnapshotCursor | undefined,
  ): string {
    const override = this.#parts.setup.overrideOf(table);
    const only = this.#parts.setup.config['publish.via.partition.root'] ? '' : 'ONLY ';
    const from = override === undefined ? `${only}${quoteTable(table)}` : `(${override}) AS overridden`;
    const list = columns.map(({ name }) => quoteName(name)).join(', ');
    if (order === undefined) return `SELECT ${list} FROM ${from}`;
    const key = order.map(quoteName).join(', ');
    const behind = cursor?.key == null ? '' : ` WHERE (${key}) > (${cursor.key.map(quoteText).join(', ')})`;
    return `SELECT ${list} FROM ${from}${behind} ORDER BY ${key}`;
  }

  #records(chunk: Chunk, isLastOfAll: boolean): SourceRecord[] {
    const { events, rows, order } = chunk;
    const { setup, environment, headers } = this.#parts;
    if (setup.isSkipped('r')) return [];
    return rows.map((texts, i) => {
      const isLastOfTable = chunk.isLast && i === rows.length - 1;
      const cursor: SnapshotCursor = {
        table: events.id,
        key: order === undefined ? null : order.map((place) => texts[place]!),
        complete: isLastOfTable,
      };
      const isFirstOfAll = this.#begin.state === undefined && !this.#begun;
      this.#begun = true;
      const place = {
        ...{ timeUs: this.#seen.timeUs, txId: this.#seen.txId, lsn: this.#begin.slotLsn, lastCommitLsn: undefined },
        ...{ schema: events.name.schema, table: events.name.table, origin: undefined },
        snapshot: snapshotMark(isLastOfAll && isLastOfTable, isFirstOfAll, chunk.isFirst && i === 0, isLastOfTable),
      };
      const nowMs = BigInt(environment.now());
      const state = { slotLsn: this.#begin.slotLsn, segments: this.#segments, cursor, stream: this.#begin.stream };
      return {
        topic: events.topic,
        partition: null,
        keySchema: events.keySchema,
        key: events.key(texts),
        valueSchema: events.envelope,
        value: {
          before: null,
          after: events.row(texts),
          source: sourceBlock(setup.prefix, setup.connection.database, place),
          transaction: null,
          op: 'r',
          ts_ms: nowMs,
          ts_us: nowMs * 1000n,
          ts_ns: nowMs * 1_000_000n,
        },
        timestamp: null,
        headers,
        sourcePartition: setup.partition,
        sourceOffset: snapshotOffset(state, isLastOfAll && isLastOfTable, this.#seen.txId, this.#seen.timeUs),
      };
    });
  }
}

/** Whether a table has rows that were not read. */
function isAhead(id: string, cursor: SnapshotCursor | undefined): boolean {
  if (cursor === undefined || id > cursor.table) return true;
  return id === cursor.table && !cursor.complete;
}

/** The columns that tell rows apart and in order: those of the key, unless they may be null. */
function orderOf(
  table: CatalogTable,
  columns: readonly { name: string; isNullable: boolean }[],
): readonly string[] | undefined {
  const isOrder =
    table.key.length > 0 &&
    table.key.every((key) => columns.some(({ name, isNullable }) => name === key && !isNullable));
  return isOrder ? table.key : undefined;
}

function snapshotMark(lastOfAll: boolean, firstOfAll: boolean, firstOfTable: boolean, lastOfTable: boolean): string {
  if (lastOfAll) return 'last';
  if (firstOfAll) return 'first';
  if (lastOfTable) return 'last_in_data_collection';
  return firstOfTable ? 'first_in_data_collection' : 'true';
}
