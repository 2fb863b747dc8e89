// The shapes in which statements are answered (ksqlDB's REST entities), and in which queries send their rows.
import type { SqlType } from '../types.ts';

export interface Entity {
  readonly '@type': string;
  readonly statementText?: string;
  readonly warnings?: readonly { readonly message: string }[];
  readonly [member: string]: unknown;
}

/** A type as entities describe it. */
export interface SchemaEntity {
  readonly type: string;
  readonly fields: readonly { readonly name: string; readonly schema: SchemaEntity }[] | null;
  readonly memberSchema: SchemaEntity | null;
  readonly parameters?: { readonly precision: number; readonly scale: number };
}

export function schemaEntity(type: SqlType): SchemaEntity {
  switch (type.kind) {
    case 'ARRAY':
      return { type: 'ARRAY', fields: null, memberSchema: schemaEntity(type.item) };
    case 'MAP':
      return { type: 'MAP', fields: null, memberSchema: schemaEntity(type.value) };
    case 'STRUCT':
      return {
        type: 'STRUCT',
        fields: type.fields.map((field) => ({ name: field.name, schema: schemaEntity(field.type) })),
        memberSchema: null,
      };
    case 'DECIMAL':
      return {
        type: 'DECIMAL',
        fields: null,
        memberSchema: null,
        parameters: { precision: type.precision, scale: type.scale },
      };
    default:
      return { type: type.kind, fields: null, memberSchema: null };
  }
}

/** A column as entities show it; `type` where it is part of a key, or read from a header. */
export function fieldEntity(name: string, columnType: SqlType, type?: string): object {
  return { name, schema: schemaEntity(columnType), ...(type === undefined ? {} : { type }) };
}

export interface ResultColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly isKey: boolean;
  /** What it is read from, where it is a column of headers as it is in its source: `HEADERS`, or `HEADER('key')`. */
  readonly header?: string | undefined;
}

/** How a result's rows are written for the client. */
export type ResultFormat = 'json' | 'protobuf';

/**
 * One row of a result, as JSON text: an array of its columns, in which numbers of any size keep all their digits, or a string
 * with the bytes of a Protobuf message.
 */
export interface ResultRow {
  readonly json: string;
  /** A push query on a table says that the row is gone: all columns but the key's are null. */
  readonly tombstone: boolean;
}

/** A query under way. Whoever takes it reads `batches` to the end or closes it. */
export interface RunningQuery {
  readonly queryId: string;
  readonly columns: readonly ResultColumn[];
  /** The header's schema text: pull queries on tables mark the key's columns. */
  readonly schemaText: string;
  readonly batches: AsyncIterable<readonly ResultRow[]>;
  /** True for a push query: its rows come when they come, and a client wants each as soon as it is there. */
  readonly live: boolean;
  /** What the client should know before the first row. */
  readonly warning: string | undefined;
  /** What the last element of a StreamedRow response says, once `batches` has ended; undefined for none. */
  finalMessage(): string | undefined;
  close(): Promise<void>;
}
