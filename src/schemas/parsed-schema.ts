// What every schema language offers to those who only know that there are several.
import type { SchemaElement } from './elements.ts';
import type { Incompatibility } from './incompatibility.ts';
import type { CompatibilityPolicy } from './incompatibility.ts';

export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

/** What a schema's text calls `name` (an Avro type, an imported file, a `$ref`) is this version of a subject. */
export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

export interface ParseOptions {
  /** Whether what a schema could do without is checked, too: default true, and false for what is stored already. */
  readonly isStrict?: boolean;
}

export interface ParsedSchema {
  readonly schemaType: SchemaType;
  /** The text that is stored: two schemas are the same when their canonical texts and references are. */
  readonly canonical: string;
  /** The text that is stored when a normalized one is asked for: the same for schemas that mean the same. */
  readonly normalized: string;
  /** The names at the top, where they are told apart: of a record's fields, of an object's properties. */
  readonly fieldNames?: readonly string[];
  /** What it declares, taken apart for comparing and showing. */
  elements(): readonly SchemaElement[];
  /** Another form that clients may ask for; undefined when the language does not have it. */
  inFormat?(format: string): string | undefined;
  /** Why this schema could not read what `writer` (of the same type) wrote. */
  incompatibilitiesReading(writer: ParsedSchema, policy?: CompatibilityPolicy): Incompatibility[];
}

/** The text of a referenced schema, under the name that it is called by. */
export interface NamedText {
  readonly name: string;
  readonly schema: string;
}

/** A schema's text with those of all that it refers to, dependencies first, each name once. */
export interface StoredSchema {
  readonly schema: string;
  readonly references: readonly NamedText[];
}

/** A reference together with the text it points to, dependencies first. */
export type ResolvedReference = SchemaReference & NamedText;
