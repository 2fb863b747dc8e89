// The properties of formats: how the WITH clause calls them, and what may be said.
import { refuse } from '../errors.ts';

export interface FormatProperty {
  /** Its name in plans and messages. */
  readonly name: string;
  /** What the WITH clause calls it on a side; the first that is given counts. None: it can't be said there. */
  clauses(side: 'KEY' | 'VALUE'): readonly string[];
  /** Belongs to one topic's schema: a query's result does not have it from the query's source. */
  readonly isOfTopic?: boolean;
  /** The value of what the clause says. */
  read?(text: string, clause: string): string;
  /** Throws for a text that no clause may have, whatever the format. */
  checkClause?(text: string, clause: string): void;
  /** Refuses a value that the format can't have. */
  check?(value: string): void;
}

export const FULL_SCHEMA_NAME: FormatProperty = {
  name: 'fullSchemaName',
  clauses: (side) =>
    side === 'KEY' ? ['KEY_SCHEMA_FULL_NAME'] : ['VALUE_SCHEMA_FULL_NAME', 'VALUE_AVRO_SCHEMA_FULL_NAME'],
  isOfTopic: true,
  check(name) {
    if (name.trim() === '')
      refuse(`fullSchemaName cannot be empty. Format configuration: {fullSchemaName=${name.trim()}}`);
  },
};

export const SCHEMA_ID: FormatProperty = {
  name: 'schemaId',
  clauses: (side) => [`${side}_SCHEMA_ID`],
  isOfTopic: true,
  read: (text, clause) => String(integerOf(text, clause)),
};

/** The integer that a clause says. */
export function integerOf(text: string, clause: string): number {
  const number = /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number)
    ? number
    : refuse(`Invalid value for ${clause} property: ${text}. It must be an integer.`);
}
