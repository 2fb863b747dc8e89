// Snapshots beside the stream, of tables that a signal names, in chunks. This is DBLog's way: a mark is written into the log,
// a chunk is read, another mark is written. Rows of the chunk that the stream changes between the marks are left out, for
// the stream says the newer; the rest is told when the second mark comes by. Each record's offset has the key that was
// told last, so a snapshot that was cut off goes on behind it.
import type { Client } from 'pg';
import { messageOf, randomUuid } from '../../../util/index.ts';
import { type ChangeStream, MARK_PREFIX, type StreamListener } from './change-stream.ts';
import { type CatalogTable, fullName, readTable } from './catalog.ts';
import { queryTexts } from './connection.ts';
import { patternOf } from '../debezium/filters.ts';
import type { Tuple } from './pgoutput.ts';
import type { IncrementalState } from './positions.ts';
import { quoteName } from './replication-stream.ts';
import type { TaskParts } from './setup.ts';
import { readSignal, type Signal } from './signals.ts';
import { capturedTables, quoteTable, quoteText } from './slot.ts';
import { type TableEvents, tableEvents } from './table-events.ts';

/** Transactions that were streamed last: one of them may be in the log and not yet be seen by who reads tables. */
const RECENT_MAX = 10_000;

/** A chunk that was read and not yet told. */
interface Window {
  readonly id: string;
  readonly events: TableEvents;
  readonly orderPlaces: readonly number[];
  /** By their keys, in their order. */
  readonly rows: Map<string, Tuple>;
  /** The key of the last of them as they were read; undefined: there were none. */
  readonly lastKey: readonly string[] | undefined;
  /** Transactions that were running when it was read, by the 32 bits that the stream has of them. */
  readonly running: readonly number[];
  /** Whether it was the table's last. */
  readonly isLast: boolean;
  /** The first mark has come by. */
  isOpen: boolean;
  /** A transaction that the stream told before the first mark was not seen: the chunk is older than the stream. */
  isStale: boolean;
}

/** The incremental snapshots of a stream. */
export class IncrementalSnapshots implements StreamListener {
  readonly #parts: TaskParts;
  readonly #client: Client;
  readonly #changes: ChangeStream;
  #state: IncrementalState | null;
  #window: Window | undefined;
  readonly #recent = new Set<number>();

  constructor(parts: TaskParts, client: Client, changes: ChangeStream, state: IncrementalState | null) {
    this.#parts = parts;
    this.#client = client;
    this.#changes = changes;
    this.#state = state;
    if (parts.setup.signalTable !== null || state !== null) changes.listen(this);
  }

  /** Reads the next chunk, if one is to be read and the one before has been told. */
  async proceed(): Promise<void> {
    while (this.#state !== null && !this.#state.paused && this.#window === undefined) {
      const [first] = this.#state.tables;
      const table = first === undefined ? undefined : await this.#tableOf(first.id);
      if (table === undefined) this.#set(behindTable(this.#state));
      else await this.#readChunk(table, this.#state);
    }
  }

  // ── What goes by ──────────────────────────────────────────────────────────────────────────────────────────────

  /** A transaction begins. */
  began(xid: number): void {
    this.#recent.add(xid);
    if (this.#recent.size > RECENT_MAX) this.#recent.delete(this.#recent.values().next().value!);
  }

  changed(table: TableEvents, key: readonly (string | null | undefined)[] | undefined): void {
    const window = this.#window;
    if (window === undefined || !window.isOpen || window.events.id !== table.id) return;
    if (key === undefined) window.rows.clear();
    else window.rows.delete(JSON.stringify(key));
  }

  mark(content: string): void {
    const window = this.#window;
    if (window !== undefined && content === `low ${window.id}`) {
      window.isOpen = true;
      window.isStale = window.running.some((xid) => this.#recent.has(xid));
    }
    if (window !== undefined && content === `high ${window.id}`) this.#tell(window);
  }

  async signal(row: Readonly<Record<string, string | null>>): Promise<void> {
    const { log } = this.#parts;
    try {
      await this.#obey(readSignal(Object.values(row)));
    } catch (error) {
      log.error(`a signal was not understood, and is passed over: ${messageOf(error)}`);
    }
  }

  async #obey(signal: Signal): Promise<void> {
    const { log } = this.#parts;
    switch (signal.type) {
      case 'log':
        log.info(signal.message.replace('{}', JSON.stringify(this.#changes.offset('INSERT'))));
        return;
      case 'execute-snapshot':
        return this.#execute(signal);
      case 'stop-snapshot':
        this.#stop(signal.collections);
        return;
      case 'pause-snapshot':
      case 'resume-snapshot':
        if (this.#state !== null) this.#set({ ...this.#state, paused: signal.type === 'pause-snapshot' });
    }
  }

  async #execute(signal: Extract<Signal, { type: 'execute-snapshot' }>): Promise<void> {
    const { setup, log } = this.#parts;
    const names = (await capturedTables(this.#client, setup)).map(fullName).filter((id) => id !== setup.signalTable);
    const wanted = signal.collections.flatMap((text) => {
      const pattern = patternOf('data-collections', text);
      const found = names.filter((id) => pattern.test(id));
      if (found.length === 0) log.warn(`execute-snapshot: no captured table is named ${text}`);
      return found;
    });
    const under = new Set(this.#state?.tables.map(({ id }) => id));
    const tables = [...new Set(wanted)]
      .filter((id) => !under.has(id))
      .map((id) => ({
        id,
        condition:
          signal.conditions.find(({ collection }) => patternOf('additional-conditions', collection).test(id))?.filter ??
          null,
      }));
    if (tables.length === 0) return;
    const state = this.#state ?? { tables: [], last: null, max: null, paused: false };
    this.#set({ ...state, tables: [...state.tables, ...tables] });
  }

  #stop(collections: readonly string[] | undefined): void {
    if (this.#state === null) return;
    const patterns = collections?.map((text) => patternOf('data-collections', text));
    const isStopped = (id: string): boolean => patterns === undefined || patterns.some((pattern) => pattern.test(id));
    const [first] = this.#state.tables;
    const tables = this.#state.tables.filter(({ id }) => !isStopped(id));
    const keepsFirst = first !== undefined && tables[0] === first;
    if (!keepsFirst) this.#window = undefined;
    this.#set(
      tables.length === 0 ? null : { ...this.#state, tables, ...(keepsFirst ? {} : { last: null, max: null }) },
    );
  }

  #set(state: IncrementalState | null): void {
    this.#state = state;
    this.#changes.setIncremental(state);
  }

  // ── Chunks ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #tableOf(id: string): Promise<CatalogTable | undefined> {
    const at = id.indexOf('.');
    const table = await readTable(this.#client, { schema: id.slice(0, at), table: id.slice(at + 1) });
    if (table === undefined) {
      this.#parts.log.warn(`incremental snapshot: table ${id} is gone`);
      return undefined;
    }
    const isOrdered =
      table.key.length > 0 &&
      table.key.every((key) => table.columns.some(({ name, isNullable }) => name === key && !isNullable));
    if (!isOrdered) {
      this.#parts.log.warn(`incremental snapshot: table ${id} has no primary key, and is passed over`);
      return undefined;
    }
    return table;
  }

  async #readChunk(table: CatalogTable, state: IncrementalState): Promise<void> {
    const { setup, environment } = this.#parts;
    const key = table.key.map(quoteName).join(', ');
    const { condition } = state.tables[0]!;
    const where = condition === null ? '' : ` AND (${condition})`;
    const from = `${setup.config['publish.via.partition.root'] ? '' : 'ONLY '}${quoteTable(table)}`;
    const max = state.max ?? (await this.#maxKey(`SELECT ${key} FROM ${from} WHERE true${where}`, table.key));
    if (max === undefined) {
      this.#set(behindTable(state));
      return;
    }
    const columns = table.columns.filter((column) => !column.isGenerated);
    await this.#changes.types.load(
      this.#client,
      columns.map((column) => column.typeOid),
    );
    const row = (texts: readonly string[]): string => `(${texts.map(quoteText).join(', ')})`;
    const behind = state.last === null ? '' : ` AND (${key}) > ${row(state.last)}`;
    const size = setup.config['incremental.snapshot.chunk.size'];
    const list = columns.map(({ name }) => quoteName(name)).join(', ');
    const select = `SELECT ${list} FROM ${from} WHERE (${key}) <= ${row(max)}${behind}${where} ORDER BY ${key} LIMIT ${size}`;
    const id = randomUuid(environment);
    await this.#mark(`low ${id}`);
    const { rows, running } = await this.#readRows(select);
    await this.#mark(`high ${id}`);
    const orderPlaces = table.key.map((name) => columns.findIndex((column) => column.name === name));
    const keyOf = (texts: Tuple): string[] => orderPlaces.map((place) => texts[place]!);
    this.#set({ ...state, max });
    this.#window = {
      ...{ id, orderPlaces, running, isLast: rows.length < size, isOpen: false, isStale: false },
      events: tableEvents(table, columns, table.key, setup.events, this.#changes.types),
      rows: new Map(rows.map((texts) => [JSON.stringify(keyOf(texts)), texts])),
      lastKey: rows.length === 0 ? undefined : keyOf(rows.at(-1)!),
    };
  }

  async #maxKey(select: string, key: readonly string[]): Promise<string[] | undefined> {
    const order = key.map((name) => `${quoteName(name)} DESC`).join(', ');
    const [row] = await queryTexts(this.#client, `${select} ORDER BY ${order} LIMIT 1`);
    return row as string[] | undefined;
  }

  /** With a number of a transaction, the end of this one is written at once, and the mark with it. */
  async #mark(content: string): Promise<void> {
    await queryTexts(
      this.#client,
      'SELECT pg_catalog.pg_logical_emit_message(false, $1, $2)::text, pg_catalog.txid_current()',
      [MARK_PREFIX, content],
    );
  }

  async #readRows(select: string): Promise<{ rows: Tuple[]; running: number[] }> {
    await this.#client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const [[seen] = []] = await queryTexts(this.#client, 'SELECT pg_catalog.pg_current_snapshot()::text');
      const running = seen!.split(':')[2]!;
      const list = running === '' ? [] : running.split(',').map((xid) => Number(BigInt.asUintN(32, BigInt(xid))));
      return { rows: await queryTexts(this.#client, select), running: list };
    } finally {
      await this.#client.query('COMMIT');
    }
  }

  /** The second mark has come by: what the stream did not change in between is as the chunk has it. */
  #tell(window: Window): void {
    this.#window = undefined;
    const state = this.#state;
    if (state === null || window.isStale) return;
    const behind = window.isLast ? behindTable(state) : { ...state, last: window.lastKey! };
    const rows = [...window.rows.values()];
    rows.forEach((texts, i) => {
      const last = window.orderPlaces.map((place) => texts[place]!);
      this.#set(i === rows.length - 1 ? behind : { ...state, last });
      this.#changes.addRow(window.events, texts);
    });
    // All of the chunk may have been changed by the stream.
    this.#set(behind);
  }
}

/** The first table has been read. */
function behindTable(state: IncrementalState): IncrementalState | null {
  const tables = state.tables.slice(1);
  return tables.length === 0 ? null : { ...state, tables, last: null, max: null };
}
