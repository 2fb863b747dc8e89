// What is new in one table, or of one query: the statement that asks for it, the rows, and the offset of each row, with which reading
// goes on behind it.
//
// Rows of one timestamp may be spread over batches, and what asks on by timestamp asks for later ones only. So in mode timestamp a
// row's offset has the last timestamp that is done with, not its own, until a later one has been seen.
import { ConnectError } from '../../../data/errors.ts';
import { type SourceOffset, type SourcePartition, type SourceRecord, sourceRecord } from '../../../data/record.ts';
import { type Schema, structOf } from '../../../data/schema.ts';
import type { Database, Param, Raw, ResultColumn, Rows, TableColumn, TableId } from '../database.ts';
import { nameOfTable, tableSql } from '../database.ts';
import { quotes } from '../connection.ts';
import { mappingOf, type SourceConfig } from './settings.ts';

/** How far a table has been read. */
interface Place {
  /** Nanoseconds since the epoch: everything before it is done with; -1: nothing. */
  nanos: bigint;
  incrementing: bigint | null;
}

const NANOS_PER_MS = 1_000_000n;
/** What `timestamp.initial` says for: now. */
const NOW = -1;

/** A table or the query. */
export type Asked = { readonly table: TableId } | { readonly query: string };

export class Querier {
  readonly #config: SourceConfig;
  readonly #asked: Asked;
  readonly #topic: string;
  readonly #name: string | undefined;
  readonly partition: SourcePartition;
  readonly #place: Place = { nanos: -1n, incrementing: null };
  /** Of mode timestamp: of the rows that come now. */
  #current = -1n;
  /** Of mode timestamp: the last record, until it is known whether more come. */
  #held: readonly SourceRecord[] = [];
  #rows: Rows | undefined;
  #reader: RowReader | undefined;
  #incrementing = '';

  constructor(config: SourceConfig, asked: Asked) {
    this.#config = config;
    this.#asked = asked;
    const prefix = config['topic.prefix'];
    this.#topic = 'table' in asked ? prefix + asked.table.table : prefix;
    this.#name = 'table' in asked ? asked.table.table : undefined;
    this.partition = 'table' in asked ? { protocol: '1', table: nameOfTable(asked.table) } : { query: 'query' };
  }

  /** Goes on where a stored offset says. */
  resume(offset: SourceOffset | null): void {
    const { timestamp, timestamp_nanos: nanos, incrementing } = offset ?? {};
    if (timestamp !== undefined && timestamp !== null)
      this.#place.nanos = BigInt(timestamp as number) * NANOS_PER_MS + (BigInt((nanos ?? 0) as number) % NANOS_PER_MS);
    if (incrementing !== undefined && incrementing !== null) this.#place.incrementing = BigInt(incrementing as number);
  }

  /** Whether rows of the last look are left. */
  get isReading(): boolean {
    return this.#rows !== undefined;
  }

  /** Looks for what is new. */
  async begin(database: Database): Promise<void> {
    const { mode } = this.#config;
    const known = 'table' in this.#asked ? await this.#tableColumns(database, this.#asked.table) : undefined;
    if (mode.includes('timestamp') && this.#place.nanos < 0n) await this.#beginAtTime(database);
    this.#incrementing = this.#incrementingColumn(known);
    if (known !== undefined && this.#config['validate.non.null']) this.#checkNotNull(known);
    const [sql, params] = await this.#statement(database);
    this.#rows = await database.read(sql, params, mappingOf(this.#config));
    this.#reader = readerOf(this.#reader, this.#rows.columns, known, this.#name);
    this.#current = this.#place.nanos;
  }

  /** The next rows as records. */
  async next(most: number): Promise<SourceRecord[]> {
    const rows = await this.#rows!.next(most);
    const records = [...this.#held, ...rows.map((row) => this.#record(row))];
    this.#held = [];
    const isEnd = rows.length < most;
    if (isEnd) await this.end();
    if (this.#config.mode !== 'timestamp') return records;
    const last = records.pop();
    if (last === undefined) return records;
    // The last row of all is behind everything of its timestamp; which one that is shows with the next.
    if (isEnd) return [...records, { ...last, sourceOffset: offsetOf(this.#place, this.#config.mode) }];
    this.#held = [last];
    return records;
  }

  /** Ends a look, wherever it is. */
  async end(): Promise<void> {
    const rows = this.#rows;
    this.#rows = undefined;
    this.#place.nanos = this.#current;
    await rows?.close();
  }

  /** Forgets a look whose connection was lost: what was not handed out comes with the next. */
  forget(): void {
    this.#rows = undefined;
    this.#held = [];
  }

  async #tableColumns(database: Database, table: TableId): Promise<readonly TableColumn[]> {
    const columns = await database.columns(table);
    if (columns === undefined) throw new ConnectError(`table ${nameOfTable(table)} is not there any more`);
    return columns;
  }

  async #beginAtTime(database: Database): Promise<void> {
    const initial = this.#config['timestamp.initial'];
    if (initial === null) return;
    this.#place.nanos = initial === NOW ? await database.now() : BigInt(initial) * NANOS_PER_MS;
  }

  #incrementingColumn(known: readonly TableColumn[] | undefined): string {
    const { mode, 'incrementing.column.name': name } = this.#config;
    if (!mode.includes('incrementing')) return '';
    if (name !== '') return name;
    const counted = (known ?? []).filter(({ isAutoIncrement }) => isAutoIncrement);
    if (counted.length === 1) return counted[0]!.name;
    throw new ConnectError(
      `${nameOfTable((this.#asked as { table: TableId }).table)} has ${counted.length} columns that the database counts up; name the one to go by with incrementing.column.name`,
    );
  }

  #checkNotNull(known: readonly TableColumn[]): void {
    const table = nameOfTable((this.#asked as { table: TableId }).table);
    const nullable = (name: string): boolean => {
      const column = known.find((each) => each.name === name);
      if (column === undefined) throw new ConnectError(`table ${table} has no column ${name}`);
      return column.isNullable;
    };
    const { 'timestamp.column.name': times } = this.#config;
    const bad = [
      ...(this.#incrementing !== '' && nullable(this.#incrementing) ? [this.#incrementing] : []),
      // One that is never null is enough.
      ...(times.length > 0 && times.every(nullable) ? times : []),
    ];
    if (bad.length > 0)
      throw new ConnectError(
        `Cannot make incremental queries using column ${bad.join(', ')} on ${table} because this column is nullable: rows where it is null would never be read. Make it NOT NULL, or set validate.non.null=false`,
      );
  }

  async #statement(database: Database): Promise<[string, readonly Param[]]> {
    const { dialect } = database;
    const { query, 'query.suffix': suffix, mode, 'db.timezone': zone } = this.#config;
    const quoted = (name: string): string => (quotes(this.#config) ? dialect.quote(name) : name);
    const from =
      'table' in this.#asked ? `SELECT * FROM ${tableSql(dialect, this.#asked.table, quotes(this.#config))}` : query;
    const params: Param[] = [];
    const param = (value: Param): string => dialect.placeholder(params.push(value));
    const time = (nanos: bigint): string => param(dialect.timestampParam(nanos < 0n ? 0n : nanos, zone));
    const times = this.#config['timestamp.column.name'].map(quoted);
    const when = dialect.comparable(times.length === 1 ? times[0]! : `COALESCE(${times.join(',')})`);
    const counter = quoted(this.#incrementing);
    const { nanos, incrementing } = this.#place;
    const until = mode.includes('timestamp')
      ? (await database.now()) - BigInt(this.#config['timestamp.delay.interval.ms']) * NANOS_PER_MS
      : 0n;
    let condition = '';
    switch (mode) {
      case 'incrementing':
        condition = ` WHERE ${counter} > ${param(incrementing ?? -1n)} ORDER BY ${counter} ASC`;
        break;
      case 'timestamp':
        condition = ` WHERE ${when} > ${time(nanos)} AND ${when} < ${time(until)} ORDER BY ${when} ASC`;
        break;
      case 'timestamp+incrementing':
        condition = ` WHERE ${when} < ${time(until)} AND ((${when} = ${time(nanos)} AND ${counter} > ${param(incrementing ?? -1n)}) OR ${when} > ${time(nanos)}) ORDER BY ${when}, ${counter} ASC`;
        break;
    }
    return [`${from}${condition}${suffix === '' ? '' : ` ${suffix}`}`, params];
  }

  #record(row: readonly Raw[]): SourceRecord {
    const reader = this.#reader!;
    const sourceOffset = this.#offset(row, reader);
    return sourceRecord({
      topic: this.#topic,
      value: reader.value(row),
      valueSchema: reader.schema,
      sourcePartition: this.partition,
      sourceOffset,
    });
  }

  /** Moves on behind a row. */
  #offset(row: readonly Raw[], reader: RowReader): SourceOffset {
    const { mode, 'timestamp.column.name': times } = this.#config;
    const place = this.#place;
    if (mode.includes('incrementing')) {
      const counter = reader.raw(row, this.#incrementing);
      if (counter === null) throw new ConnectError(`a row's ${this.#incrementing} is null: it cannot be gone on from`);
      place.incrementing = BigInt(String(counter));
    }
    if (mode.includes('timestamp')) {
      const nanos = reader.nanos(row, times);
      if (nanos === undefined) throw new ConnectError(`a row's ${times.join(', ')} is null: it cannot be gone on from`);
      if (mode === 'timestamp') {
        if (nanos !== this.#current) place.nanos = this.#current;
        this.#current = nanos;
      } else {
        place.nanos = nanos;
        this.#current = nanos;
      }
    }
    return offsetOf(place, mode);
  }
}

function offsetOf({ nanos, incrementing }: Place, mode: string): SourceOffset {
  const counter = incrementing === null ? {} : { incrementing: Number(incrementing) };
  if (!mode.includes('timestamp') || nanos < 0n) return counter;
  return {
    ...counter,
    timestamp: Number(nanos / NANOS_PER_MS),
    timestamp_nanos: Number(nanos % 1_000_000_000n),
  };
}

/** Rows as structs; the schema is the same object as long as the columns are the same. */
class RowReader {
  readonly schema: Schema;
  readonly #columns: readonly ResultColumn[];
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(columns: readonly ResultColumn[], schema: Schema) {
    this.schema = schema;
    this.#columns = columns;
    this.#indexes = new Map(columns.map(({ name }, i) => [name, i]));
  }

  value(row: readonly Raw[]): Record<string, unknown> {
    const struct: Record<string, unknown> = {};
    for (let i = 0; i < this.#columns.length; i++) {
      const { name, read } = this.#columns[i]!;
      const raw = row[i];
      struct[name] = raw === null || raw === undefined ? null : read(raw);
    }
    return struct;
  }

  raw(row: readonly Raw[], name: string): Raw {
    const i = this.#indexes.get(name);
    if (i === undefined)
      throw new ConnectError(`there is no column ${name} among ${[...this.#indexes.keys()].join(', ')}`);
    return row[i] ?? null;
  }

  /** Of the first of some columns that is not null. */
  nanos(row: readonly Raw[], names: readonly string[]): bigint | undefined {
    for (const name of names) {
      const raw = this.raw(row, name);
      if (raw === null) continue;
      const { nanos } = this.#columns[this.#indexes.get(name)!]!;
      if (nanos === undefined) throw new ConnectError(`column ${name} holds no times`);
      return nanos(raw);
    }
    return undefined;
  }
}

function readerOf(
  before: RowReader | undefined,
  columns: readonly ResultColumn[],
  known: readonly TableColumn[] | undefined,
  name: string | undefined,
): RowReader {
  const required = new Set((known ?? []).filter(({ isNullable }) => !isNullable).map((column) => column.name));
  const fields = columns.map(
    (column) =>
      [column.name, required.has(column.name) ? column.schema.with({ optional: false }) : column.schema] as const,
  );
  const schema = structOf(fields, { name });
  return new RowReader(columns, before?.schema.equals(schema) === true ? before.schema : schema);
}
