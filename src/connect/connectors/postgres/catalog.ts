// What the server's catalog says of tables and types. Types are asked for when a column of one is first seen, and kept;
// tables are asked for when a snapshot begins, and when the stream describes a relation (which leaves out what a column's
// default is, whether it may be null, and what the primary key is).
import type { Client } from 'pg';
import { queryTexts } from './connection.ts';

/** A table's name, of two parts. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** `schema.table`, as filters see it. */
export function fullName({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/** A type of values. */
export interface PostgresType {
  readonly oid: number;
  readonly name: string;
  /** `b`ase, `c`omposite, `d`omain, `e`num, `p`seudo, `r`ange, `m`ultirange. */
  readonly kind: string;
  /** Of an array, what its elements are; 0: it is no array. */
  readonly elementOid: number;
  /** Of a domain, what it is a domain of; else 0. */
  readonly baseOid: number;
  /** Of a domain, the modifier of what it is a domain of. */
  readonly baseModifier: number;
  /** Of an enum, its labels in their order. */
  readonly labels: readonly string[];
}

/** A column, as the catalog has it. */
export interface CatalogColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typeModifier: number;
  readonly isNullable: boolean;
  /** The expression that says its default. */
  readonly defaultExpression: string | null;
  /** Computed from others: the stream leaves it out. */
  readonly isGenerated: boolean;
}

/** A table, as the catalog has it now. */
export interface CatalogTable extends TableName {
  readonly columns: readonly CatalogColumn[];
  /** The columns of the primary key, or of a unique index where there is none, in the key's order; may be empty. */
  readonly key: readonly string[];
  readonly replicaIdentity: string;
}

const TYPES = `
  SELECT t.oid, t.typname, t.typtype,
         CASE WHEN t.typinput = 'pg_catalog.array_in'::regproc THEN t.typelem ELSE 0 END, t.typbasetype, t.typtypmod,
         (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
    FROM pg_catalog.pg_type t`;

/** The types of a database, by their numbers. */
export class TypeRegistry {
  readonly #types = new Map<number, PostgresType>();

  /** The type of that number; undefined where it was not loaded, or is no more. */
  get(oid: number): PostgresType | undefined {
    return this.#types.get(oid);
  }

  /** What a domain is of, and its modifier. */
  resolve(oid: number, modifier: number): { readonly type: PostgresType | undefined; readonly modifier: number } {
    let type = this.#types.get(oid);
    let modifierNow = modifier;
    while (type !== undefined && type.kind === 'd') {
      modifierNow = type.baseModifier;
      type = this.#types.get(type.baseOid);
    }
    return { type, modifier: modifierNow };
  }

  /** Asks for what is not known of these, and of what they are made of. */
  async load(client: Client, oids: Iterable<number>): Promise<void> {
    let wanted = [...new Set(oids)].filter((oid) => oid !== 0 && !this.#types.has(oid));
    while (wanted.length > 0) {
      const rows = await queryTexts(client, `${TYPES} WHERE t.oid = ANY ($1::oid[])`, [`{${wanted.join(',')}}`]);
      const found = rows.map(readType);
      for (const type of found) this.#types.set(type.oid, type);
      wanted = found
        .flatMap((type) => [type.elementOid, type.baseOid])
        .filter((oid) => oid !== 0 && !this.#types.has(oid));
    }
  }

  /** Forgets a type, because it has changed. */
  forget(oid: number): void {
    this.#types.delete(oid);
  }
}

function readType(row: readonly (string | null)[]): PostgresType {
  return {
    oid: Number(row[0]),
    name: row[1]!,
    kind: row[2]!,
    elementOid: Number(row[3]),
    baseOid: Number(row[4]),
    baseModifier: Number(row[5]),
    labels: typeof row[6] === 'string' ? (JSON.parse(row[6]) as string[]) : [],
  };
}

/** The tables that may be captured, by name: ordinary ones, with partitions or with the roots of partitions instead. */
export async function listTables(client: Client, viaPartitionRoot: boolean): Promise<TableName[]> {
  const kinds = viaPartitionRoot ? `c.relkind IN ('r', 'p') AND NOT c.relispartition` : `c.relkind = 'r'`;
  const rows = await queryTexts(
    client,
    `SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE ${kinds} AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
      ORDER BY 1, 2`,
  );
  return rows.map(([schema, table]) => ({ schema: schema!, table: table! }));
}

const COLUMNS = `
  SELECT a.attname, a.atttypid, a.atttypmod, NOT a.attnotnull,
         CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END, a.attgenerated <> ''
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
   ORDER BY a.attnum`;

/**
 * What identifies a row in the log where a table says so (REPLICA IDENTITY USING INDEX), else the primary key, else a unique index,
 * best one without nulls.
 */
const KEY = `
  SELECT i.indexrelid, a.attname
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
   WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
     AND k.place <= i.indnkeyatts
   ORDER BY c.relreplident = 'i' AND i.indisreplident DESC, i.indisprimary DESC,
            (SELECT bool_and(u.attnotnull) FROM pg_catalog.pg_attribute u WHERE u.attrelid = i.indrelid AND u.attnum = ANY (i.indkey::int2[])) DESC,
            i.indexrelid, k.place`;

/** A table as it is now; undefined: there is none of that name any more. */
export async function readTable(client: Client, name: TableName): Promise<CatalogTable | undefined> {
  const [found] = await queryTexts(
    client,
    `SELECT c.oid, c.relreplident FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`,
    [name.schema, name.table],
  );
  if (found === undefined) return undefined;
  const oid = found[0]!;
  const columns = (await queryTexts(client, COLUMNS, [oid])).map((row) => ({
    name: row[0]!,
    typeOid: Number(row[1]),
    typeModifier: Number(row[2]),
    isNullable: row[3] === 't',
    defaultExpression: row[4] ?? null,
    isGenerated: row[5] === 't',
  }));
  const keyRows = await queryTexts(client, KEY, [oid]);
  const key = keyRows.filter(([index]) => index === keyRows[0]![0]).map(([, column]) => column!);
  return { schema: name.schema, table: name.table, columns, key, replicaIdentity: found[1]! };
}
