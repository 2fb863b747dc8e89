// How records become statements. Runs of records with one table, one shape and one kind of change are written with as few statements as
// placeholders allow; what comes out is what one statement per record, in their order, would have made.
import { DataError } from '../../../data/errors.ts';
import type { SinkRecord } from '../../../data/record.ts';
import { quotes } from '../connection.ts';
import { type Database, type Param, type TableId, tableSql } from '../database.ts';
import { isSameShape, type RowShape, shapeOf, type WrittenColumn } from './row-shape.ts';
import { insertModeOf, type SinkConfig } from './settings.ts';
import { Tables } from './tables.ts';

/** Records that go together. */
interface Run {
  readonly table: TableId;
  readonly shape: RowShape;
  readonly isDelete: boolean;
  readonly records: SinkRecord[];
}

export class Writer {
  readonly #config: SinkConfig;
  readonly #quotes: boolean;
  readonly #tables: Tables;
  readonly #tableIds = new Map<string, TableId>();
  /** The last record whose shape was found, and the shape. */
  #last: { readonly record: SinkRecord; readonly shape: RowShape } | undefined;

  constructor(config: SinkConfig) {
    this.#config = config;
    this.#quotes = quotes(config);
    this.#tables = new Tables(config, this.#quotes);
  }

  /** What is known of tables may be wrong. */
  forget(): void {
    this.#tables.forget();
    this.#last = undefined;
  }

  /** Writes records in one transaction, in their order. */
  async write(database: Database, records: readonly SinkRecord[]): Promise<void> {
    const runs = this.#runs(records);
    // Databases that end a transaction with a change of tables must not do so in the midst of one.
    for (const { table, shape, isDelete } of runs) if (!isDelete) await this.#tables.fitting(database, table, shape);
    await database.transaction(async () => {
      for (const run of runs) await this.#carryOut(database, run);
    });
  }

  #runs(records: readonly SinkRecord[]): Run[] {
    const runs: Run[] = [];
    for (const record of records) {
      const isDelete = record.value === null;
      if (isDelete && !this.#config['delete.enabled'])
        throw new DataError(
          `the record at offset ${record.originalOffset} of ${record.originalTopic} has no value, and delete.enabled is false`,
        );
      const table = this.#tableOf(record.topic);
      const shape = this.#shape(record);
      const last = runs.at(-1);
      if (last !== undefined && last.table === table && last.shape === shape && last.isDelete === isDelete)
        last.records.push(record);
      else runs.push({ table, shape, isDelete, records: [record] });
    }
    return runs;
  }

  #shape(record: SinkRecord): RowShape {
    const last = this.#last;
    if (
      last !== undefined &&
      (last.record.value === null) === (record.value === null) &&
      isSameShape(last.record, record)
    )
      return last.shape;
    const shape = shapeOf(this.#config, record);
    this.#last = { record, shape };
    return shape;
  }

  #tableOf(topic: string): TableId {
    let table = this.#tableIds.get(topic);
    if (table === undefined) {
      const name = this.#config['table.name.format'].replaceAll('${topic}', topic);
      // A topic's name may have points, too: only what the format has is a schema.
      const schema = /^([^.$]+)\.(?=[^.]*\$\{topic\}|[^.$]+$)/.exec(this.#config['table.name.format'])?.[1];
      table = schema === undefined ? { table: name } : { schema, table: name.slice(schema.length + 1) };
      this.#tableIds.set(topic, table);
    }
    return table;
  }

  async #carryOut(database: Database, run: Run): Promise<void> {
    const mode = insertModeOf(this.#config);
    if (run.isDelete) return this.#delete(database, run);
    if (mode === 'update') return this.#update(database, run);
    const once = mode === 'upsert' && database.dialect.upsertsOncePerKey ? this.#lastPerKey(run) : run.records;
    await this.#insert(database, { ...run, records: [...once] }, mode === 'upsert');
  }

  /** Of records with one key, the last: a statement must not change a row twice. */
  #lastPerKey({ shape, records }: Run): Iterable<SinkRecord> {
    const byKey = new Map<string, SinkRecord>();
    for (const record of records) {
      const key = JSON.stringify(shape.keys.map((column) => String(column.of(record))));
      byKey.delete(key);
      byKey.set(key, record);
    }
    return byKey.values();
  }

  async #insert(database: Database, { table, shape, records }: Run, isUpsert: boolean): Promise<void> {
    const { dialect } = database;
    const into = tableSql(dialect, table, this.#quotes);
    const columns = shape.columns.map(({ name }) => this.#quoted(database, name));
    const keys = shape.keys.map(({ name }) => this.#quoted(database, name));
    for (const part of this.#parts(records, columns.length, dialect.paramsMax)) {
      const params: Param[] = [];
      const rows: string[] = [];
      for (const record of part) {
        const places = shape.columns.map((column) =>
          dialect.placeholder(params.push(this.#param(database, column, record))),
        );
        rows.push(`(${places.join(',')})`);
      }
      const sql = isUpsert
        ? dialect.upsert(into, columns, keys, rows)
        : `INSERT INTO ${into} (${columns.join(',')}) VALUES ${rows.join(',')}`;
      await database.execute(sql, params);
    }
  }

  async #update(database: Database, { table, shape, records }: Run): Promise<void> {
    const { dialect } = database;
    const others = shape.columns.filter(({ isKey }) => !isKey);
    for (const record of records) {
      const params: Param[] = [];
      const is = (column: WrittenColumn): string =>
        `${this.#quoted(database, column.name)} = ${dialect.placeholder(params.push(this.#param(database, column, record)))}`;
      const set = others.map(is).join(', ');
      const where = shape.keys.map(is).join(' AND ');
      await database.execute(`UPDATE ${tableSql(dialect, table, this.#quotes)} SET ${set} WHERE ${where}`, params);
    }
  }

  async #delete(database: Database, { table, shape, records }: Run): Promise<void> {
    const { dialect } = database;
    const keys = shape.keys.map(({ name }) => this.#quoted(database, name)).join(',');
    for (const part of this.#parts(records, shape.keys.length, dialect.paramsMax)) {
      const params: Param[] = [];
      const rows = part.map(
        (record) =>
          `(${shape.keys.map((column) => dialect.placeholder(params.push(this.#param(database, column, record)))).join(',')})`,
      );
      const sql = `DELETE FROM ${tableSql(dialect, table, this.#quotes)} WHERE (${keys}) IN (${rowsOf(dialect.name, rows)})`;
      await database.execute(sql, params);
    }
  }

  #param({ dialect }: Database, column: WrittenColumn, record: SinkRecord): Param {
    const value = column.of(record) ?? this.#defaultOf(column);
    return value === null ? null : dialect.bind(column.schema, value, this.#config['db.timezone']);
  }

  #defaultOf({ schema }: WrittenColumn): unknown {
    return this.#config['replace.null.with.default'] ? (schema?.default ?? null) : null;
  }

  *#parts(records: readonly SinkRecord[], width: number, paramsMax: number): Generator<readonly SinkRecord[]> {
    const size = Math.max(1, Math.min(this.#config['batch.size'], Math.floor(paramsMax / width)));
    for (let from = 0; from < records.length; from += size) yield records.slice(from, from + size);
  }

  #quoted({ dialect }: Database, name: string): string {
    return this.#quotes ? dialect.quote(name) : name;
  }
}

/** SQLite has rows of values only as a table of them. */
function rowsOf(dialect: Database['dialect']['name'], rows: readonly string[]): string {
  return dialect === 'SqliteDatabaseDialect' ? `VALUES ${rows.join(',')}` : rows.join(',');
}
