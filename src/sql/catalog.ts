import type { FormatInfo } from './formats/traits.ts';
import { refuse, refuseName } from './errors.ts';
import type { SourceKind, TypeNode } from './parser/ast.ts';
import { printType } from './parser/print.ts';
import type { Schema, StartingPoint, TimestampColumn, WindowInfo } from './schema.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
  TIME,
  TIMESTAMP,
} from './types.ts';

/** A stream or a table over a topic. */
export interface DataSource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly schema: Schema;
  readonly topic: string;
  readonly keyFormat: FormatInfo;
  readonly valueFormat: FormatInfo;
  readonly window?: WindowInfo | undefined;
  readonly timestamp?: TimestampColumn | undefined;
  /** Where queries begin that have read nothing of it; undefined: as their settings say. */
  readonly start?: StartingPoint | undefined;
  /** Made by CREATE SOURCE: read-only. */
  readonly isSource: boolean;
  /** The query that feeds it, when it was made AS SELECT. */
  readonly createdBy?: string | undefined;
  /** Its rows are made up. */
  readonly isGenerated?: boolean | undefined;
  readonly sql: string;
}

/** By which columns rows of a table are found besides its key. */
export interface TableIndex {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** A persistent query as the catalogue remembers it: which sources it reads and writes. */
export interface QueryLink {
  readonly queryId: string;
  readonly sources: readonly string[];
  readonly sink: string | undefined;
}

/** What exists: sources, their indexes, custom types, and which queries hold which sources. */
export class Catalog {
  readonly #sources = new Map<string, DataSource>();
  readonly #types = new Map<string, SqlType>();
  readonly #queries = new Map<string, QueryLink>();
  readonly #indexes = new Map<string, TableIndex>();

  source(name: string): DataSource | undefined {
    return this.#sources.get(name);
  }

  /** What sources are called. */
  get sourceNames(): Iterable<string> {
    return this.#sources.keys();
  }

  sources(): DataSource[] {
    return [...this.#sources.values()];
  }

  /** The same, to be changed by itself. */
  fork(): Catalog {
    const other = new Catalog();
    for (const source of this.#sources.values()) other.put(source);
    for (const [name, type] of this.#types) other.putType(name, type);
    for (const link of this.#queries.values()) other.link(link);
    for (const index of this.#indexes.values()) other.putIndex(index);
    return other;
  }

  /** The same with one more source. */
  with(source: DataSource): Catalog {
    const other = this.fork();
    other.put(source);
    return other;
  }

  put(source: DataSource): void {
    this.#sources.set(source.name, source);
  }

  drop(name: string): void {
    this.#sources.delete(name);
    for (const index of this.indexes(name)) this.#indexes.delete(index.name);
  }

  index(name: string): TableIndex | undefined {
    return this.#indexes.get(name);
  }

  /** All, or those of a table. */
  indexes(table?: string): TableIndex[] {
    return [...this.#indexes.values()].filter((index) => table === undefined || index.table === table);
  }

  putIndex(index: TableIndex): void {
    this.#indexes.set(index.name, index);
  }

  dropIndex(name: string): void {
    this.#indexes.delete(name);
  }

  link(link: QueryLink): void {
    this.#queries.set(link.queryId, link);
  }

  unlink(queryId: string): void {
    this.#queries.delete(queryId);
  }

  queriesReading(name: string): string[] {
    return [...this.#queries.values()].filter((link) => link.sources.includes(name)).map((link) => link.queryId);
  }

  queriesWriting(name: string): string[] {
    return [...this.#queries.values()].filter((link) => link.sink === name).map((link) => link.queryId);
  }

  type(name: string): SqlType | undefined {
    return this.#types.get(name);
  }

  types(): ReadonlyMap<string, SqlType> {
    return this.#types;
  }

  putType(name: string, type: SqlType): void {
    this.#types.set(name, type);
  }

  dropType(name: string): boolean {
    return this.#types.delete(name);
  }

  /** A type as written becomes one that is known. */
  readonly resolveType = (node: TypeNode): SqlType => {
    switch (node.kind) {
      case 'array':
        return arrayOf(this.resolveType(node.item));
      case 'map':
        return mapOf(this.resolveType(node.key), this.resolveType(node.value));
      case 'struct':
        return structOf(node.fields.map((field) => ({ name: field.name, type: this.resolveType(field.type) })));
      default:
        return this.#named(node.name, node.parameters);
    }
  };

  *#typeNames(): Generator<string> {
    yield* Object.keys(simpleTypes);
    yield* ['DECIMAL', 'ARRAY', 'MAP', 'STRUCT'];
    yield* this.#types.keys();
  }

  #named(name: string, parameters: readonly string[]): SqlType {
    const simple = simpleTypes[name.toUpperCase()];
    if (simple !== undefined) return simple;
    if (name.toUpperCase() === 'DECIMAL') {
      const [precision, scale] = parameters.map(Number);
      if (precision === undefined || scale === undefined || parameters.length > 2)
        return refuse(`DECIMAL needs a precision and a scale, got: ${printType({ kind: 'named', name, parameters })}`);
      if (precision < 1 || scale < 0)
        return refuse(`DECIMAL precision must be >= 1 and scale >= 0: DECIMAL(${precision},${scale})`);
      if (scale > precision) return refuse(`DECIMAL precision must be >= scale: DECIMAL(${precision},${scale})`);
      return decimalType(precision, scale);
    }
    const custom = this.#types.get(name);
    return custom ?? refuseName(`Cannot resolve unknown type: ${name}`, name, this.#typeNames());
  }
}

const simpleTypes: Record<string, SqlType> = {
  BOOLEAN,
  INT: INTEGER,
  INTEGER,
  BIGINT,
  DOUBLE,
  STRING,
  VARCHAR: STRING,
  BYTES,
  DATE,
  TIME,
  TIMESTAMP,
};
