import type { SchemaReference, SchemaType } from '../serde/index.ts';

/**
 * PORT. Whoever in this process reads and writes records under schemas of the registry. The registry asks before a schema
 * comes in what it would do to them; it does not know who they are.
 */
export interface SchemaUsers {
  /** The queries that could not read records written with `schema`, or would find columns missing in them. */
  affectedBy(subject: string, schema: ProposedSchema): Promise<readonly AffectedQuery[]>;
  /** The schemas that queries register under the subject when they start. */
  writersOf(subject: string): readonly WritingQuery[];
}

export interface ProposedSchema {
  readonly schemaType: SchemaType;
  readonly schema: string;
  readonly references?: readonly SchemaReference[];
}

export interface AffectedQuery {
  readonly queryId: string;
  /** The statement that started it. */
  readonly sql: string;
  /** The stream or table whose records it is about. */
  readonly source: string;
  /** A sentence: what happens to which column. */
  readonly reason: string;
  readonly breaks: true;
}

export interface WritingQuery extends ProposedSchema, Pick<AffectedQuery, 'queryId' | 'sql' | 'source'> {}
