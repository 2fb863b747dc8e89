// What a data format is to SQL. Every format is one object of this type in a file of its own and one row of the table in
// `all.ts`; whatever else there is to know about it, the rest of SQL asks that object instead of looking at its name.
import type { RegistryOptions, ResolvedSchema, SchemaType } from '../../serde/index.ts';
import type { Column } from '../schema.ts';
import { containsType } from '../types.ts';
import type { CodecColumn, RowSerde } from './codec.ts';
import type { FormatProperty } from './properties.ts';
import type { Reading } from './reading.ts';
import type { InferredRecord } from './schema-walk.ts';

/** A format: one without schemas, or one whose schemas are in the registry. */
export type Format = PlainFormat | RegisteredFormat;

export type Wrapping = 'WRAP_SINGLES' | 'UNWRAP_SINGLES';

/** The values of a format's properties, under the properties' names. */
export type FormatProperties = Readonly<Record<string, string>>;

/** How one side of a record is laid out. */
export interface RecordLayout {
  readonly columns: readonly CodecColumn[];
  /** The only column is the record itself instead of a field of it. */
  readonly bare: boolean;
  readonly properties: FormatProperties;
}

interface FormatTraits {
  /** Rows of any columns, rows without values in values, one value that is the record itself, or nothing at all. */
  readonly holds: 'rows' | 'flatRows' | 'value' | 'nothing';
  /** The ways to write a single column. Where there are two, WRAP_SINGLE_VALUE chooses. */
  readonly wraps: readonly Wrapping[];
  /** Records are JSON texts and nothing else: a field's bytes in one are its bytes in another. */
  readonly isJsonText?: boolean;
  readonly properties: readonly FormatProperty[];
  /** The properties that it has on a side of a source even when nobody asks for them. */
  defaults?(side: 'KEY' | 'VALUE', sourceName: string): FormatProperties;
  /** Why these columns can't be held; undefined when they can. */
  refusal(columns: readonly Column[]): string | undefined;
}

/** A format that needs no schema. */
export interface PlainFormat extends FormatTraits {
  readonly schemaType?: undefined;
  serde(layout: RecordLayout, reading?: Reading): RowSerde;
  /** What PRINT makes of a record's bytes; undefined when they are not of this format. Without it they never are. */
  recognize?(bytes: Buffer): Recognized | undefined;
}

export interface Recognized {
  /** What PRINT calls it. */
  readonly label: string;
  readonly text: string;
}

/** A format whose records name the schemas that they were written with. */
export interface RegisteredFormat extends FormatTraits {
  /** The language of its schemas. */
  readonly schemaType: SchemaType;
  serde(layout: RecordLayout, registry: RowRegistry, reading?: Reading): RowSerde;
  /** The text of the schema that rows are written with. */
  schemaOf(layout: RecordLayout): string;
  /** The columns that a schema stands for; `fold` gives its names their case. Refuses what SQL has no type for. */
  columnsOf(schema: ResolvedSchema, fold: (name: string) => string, fullName: string | undefined): InferredRecord;
  /** Throws when records written with a schema can't be read as these columns. */
  checkReads(schema: ResolvedSchema, layout: RecordLayout): void;
  /** The names that fields of a schema's records are found by; undefined when there are no fields. */
  fieldNames(schema: ResolvedSchema, properties: FormatProperties): readonly string[] | undefined;
  /** What PRINT shows of records, envelope and all, whose schema `resolve` gets. */
  printer(resolve: () => Promise<ResolvedSchema>): Promise<(bytes: Buffer) => string>;
}

/** Where the schemas of rows are kept. */
export interface RowRegistry extends RegistryOptions {
  /** The text of the schema that is written; undefined when it is there already, or rows are only read. */
  readonly written: string | undefined;
}

/** Whether a column has a map in it whose keys are no texts. */
export function hasOddMap(columns: readonly Column[]): boolean {
  return columns.some((column) =>
    containsType(column.type, (type) => type.kind === 'MAP' && type.key.kind !== 'STRING'),
  );
}
