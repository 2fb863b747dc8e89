// The tables that are written to: looked at once, made and widened where the settings say so.
import { ConnectError } from '../../../data/errors.ts';
import type { Schema } from '../../../data/schema.ts';
import { type Database, nameOfTable, type TableColumn, type TableId, tableSql } from '../database.ts';
import type { RowShape, WrittenColumn } from './row-shape.ts';
import type { SinkConfig } from './settings.ts';

export class Tables {
  readonly #config: SinkConfig;
  readonly #quotes: boolean;
  readonly #known = new Map<string, readonly TableColumn[]>();

  constructor(config: SinkConfig, quotesNames: boolean) {
    this.#config = config;
    this.#quotes = quotesNames;
  }

  /** Looks anew at everything: somebody else may have changed it. */
  forget(): void {
    this.#known.clear();
  }

  /** The table's columns, with all that the shape has. Rejects with `ConnectError` where it has not, and must not be changed. */
  async fitting(database: Database, table: TableId, shape: RowShape): Promise<readonly TableColumn[]> {
    const name = nameOfTable(table);
    const known = this.#known.get(name) ?? (await this.#look(database, table, shape));
    const has = new Set(known.map((column) => column.name));
    const missing = shape.columns.filter((column) => !has.has(column.name));
    if (missing.length === 0) {
      this.#known.set(name, known);
      return known;
    }
    const widened = await this.#widen(database, table, missing);
    this.#known.set(name, widened);
    return widened;
  }

  async #look(database: Database, table: TableId, shape: RowShape): Promise<readonly TableColumn[]> {
    const found = await database.columns(table);
    if (found !== undefined) return found;
    const name = nameOfTable(table);
    if (!this.#config['auto.create'])
      throw new ConnectError(
        `Table ${name} is missing and auto-creation is disabled: make it, or set auto.create=true`,
      );
    await this.#create(database, table, shape);
    const made = await database.columns(table);
    if (made === undefined) throw new ConnectError(`table ${name} was made, and is not there`);
    return made;
  }

  async #create(database: Database, table: TableId, shape: RowShape): Promise<void> {
    const { dialect } = database;
    const keys = shape.keys.map(({ name }) => this.#quoted(database, name));
    const columns = shape.columns.map((column) => this.#definition(database, column, table));
    const lines = keys.length === 0 ? columns : [...columns, `PRIMARY KEY(${keys.join(',')})`];
    const sql = `CREATE TABLE ${tableSql(dialect, table, this.#quotes)} (${lines.join(', ')})`;
    try {
      await database.execute(sql);
    } catch (error) {
      // Another task was first.
      if ((await database.columns(table)) === undefined) throw error;
    }
  }

  async #widen(database: Database, table: TableId, missing: readonly WrittenColumn[]): Promise<readonly TableColumn[]> {
    const name = nameOfTable(table);
    const names = missing.map((column) => column.name).join(', ');
    if (!this.#config['auto.evolve'])
      throw new ConnectError(
        `Cannot ALTER TABLE ${name} to add missing field ${names}, as auto-evolution is disabled: add it, leave it out (fields.whitelist), or set auto.evolve=true`,
      );
    for (const column of missing) {
      const { schema } = column;
      if (column.isKey || (schema !== null && !schema.optional && schema.default === undefined))
        throw new ConnectError(
          `Cannot ALTER TABLE ${name} to add missing field ${column.name}, as the field is not optional and does not have a default value`,
        );
    }
    const { dialect } = database;
    for (const column of missing) {
      const sql = `ALTER TABLE ${tableSql(dialect, table, this.#quotes)} ADD COLUMN ${this.#definition(database, column, table)}`;
      try {
        await database.execute(sql);
      } catch (error) {
        const found = await database.columns(table);
        if (found?.some((each) => each.name === column.name) !== true) throw error;
      }
    }
    return (await database.columns(table)) ?? [];
  }

  #definition(database: Database, { name, schema, isKey }: WrittenColumn, table: TableId): string {
    if (schema === null)
      throw new ConnectError(
        `Table ${nameOfTable(table)} cannot be made or changed after records without a schema: make the table, or use a converter that has schemas`,
      );
    const type = database.dialect.columnType(schema, isKey);
    return `${this.#quoted(database, name)} ${type}${nullability(database, schema, isKey)}`;
  }

  #quoted({ dialect }: Database, name: string): string {
    return this.#quotes ? dialect.quote(name) : name;
  }
}

function nullability({ dialect }: Database, schema: Schema, isKey: boolean): string {
  const literal =
    schema.default === undefined || schema.default === null ? undefined : dialect.literal(schema, schema.default);
  if (literal !== undefined) return ` DEFAULT ${literal}`;
  return schema.optional && !isKey ? ' NULL' : ' NOT NULL';
}
