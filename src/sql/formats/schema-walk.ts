// What the readers of registered schemas share on their way to columns: whatever SQL has no type for, contains itself or
// is too much to be listed is refused in a sentence that names the place. Nothing is left out in silence.
import { refuse } from '../errors.ts';
import { DATE, decimalType, type SqlType, structOf, TIME, TIMESTAMP } from '../types.ts';
import type { CodecColumn } from './codec.ts';

/** What a schema's records are to SQL: fields that become columns, or one value without a name. */
export type InferredRecord = { readonly fields: readonly CodecColumn[] } | { readonly value: SqlType };

/** Types in one schema; far beyond what anyone would name in a statement, and soon counted. */
const MAX_TYPES = 10_000;

/** The names that Kafka Connect gives its logical types. */
const connectTypes: Readonly<Record<string, SqlType>> = {
  'org.apache.kafka.connect.data.Date': DATE,
  'org.apache.kafka.connect.data.Time': TIME,
  'org.apache.kafka.connect.data.Timestamp': TIMESTAMP,
};
export const CONNECT_DECIMAL = 'org.apache.kafka.connect.data.Decimal';

export function connectType(name: unknown): SqlType | undefined {
  return typeof name === 'string' && Object.hasOwn(connectTypes, name) ? connectTypes[name] : undefined;
}

export class SchemaWalk {
  /** Gives names of the schema their case. */
  readonly fold: (name: string) => string;
  readonly #language: string;
  /** The nodes that we are inside of, and where each began. */
  readonly #open = new Map<object, string>();
  #left = MAX_TYPES;

  constructor(language: string, fold: (name: string) => string) {
    this.#language = language;
    this.fold = fold;
  }

  /** Reads a node that must not be found again inside of itself. */
  within<T>(node: object, place: string, read: () => T): T {
    const outer = this.#open.get(node);
    if (outer !== undefined) this.refuse(place, `is recursive: it contains ${named(outer)} again, without an end`);
    if (--this.#left < 0) this.refuse(place, `is one of more than ${MAX_TYPES} types`);
    this.#open.set(node, place);
    try {
      return read();
    } finally {
      this.#open.delete(node);
    }
  }

  struct(fields: readonly CodecColumn[], place: string): SqlType {
    const seen = new Set<string>();
    for (const { name } of fields) {
      if (seen.has(name)) this.refuse(place, `would be a STRUCT with two fields of the same name, ${name}`);
      seen.add(name);
    }
    return structOf(fields);
  }

  decimal(precision: unknown, scale: unknown, place: string): SqlType {
    const [digits, decimals] = [Number(precision ?? 64), Number(scale ?? 0)];
    const isDecimal = Number.isInteger(digits) && Number.isInteger(decimals) && decimals >= 0 && digits >= decimals;
    if (isDecimal && digits > 0) return decimalType(digits, decimals);
    return this.refuse(place, `is a decimal of precision ${String(precision)} and scale ${String(scale)}`);
  }

  refuse(place: string, why: string): never {
    refuse(
      `The ${this.#language} schema has no columns for SQL: ${named(place)} ${why}. Name the columns that are wanted in the statement.`,
    );
  }
}

/** The place of what a field holds; the schema itself is nowhere. */
export function placeIn(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

function named(place: string): string {
  return place === '' ? 'the schema itself' : place;
}
