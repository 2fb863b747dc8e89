// Reads columns straight from the bytes of a JSON record: those that are looked at; the others must only be of their type.
// What cannot be read here is left to the parser of whole records, with which this agrees on every value.
import type { SqlType } from '../types.ts';
import type { SqlValue } from '../values/value.ts';
import { FieldKind, JsonScanner, plainInteger } from './json-scanner.ts';
import type { CodecColumn } from './codec.ts';
import { needsNumberTexts, reader, readText } from './json-values.ts';

/** A column that is looked at, and its place in the row. */
export interface WantedColumn {
  readonly column: number;
  readonly at: number;
}

/** A field's value; undefined where the whole record has to be parsed. */
type FieldReader = (bytes: Buffer, start: number, end: number, kind: number) => SqlValue | undefined;

export class JsonFields {
  /** Where the fields of the record before lie, by column. */
  readonly scanner: JsonScanner;
  readonly #wanted: readonly (WantedColumn & { readonly read: FieldReader })[];
  readonly #others: readonly { readonly column: number; readonly fits: number; readonly read: FieldReader }[];

  constructor(columns: readonly CodecColumn[], wanted: readonly WantedColumn[]) {
    this.scanner = new JsonScanner(columns.map(({ name }) => name));
    this.#wanted = wanted.map((place) => ({ ...place, read: fieldReader(columns[place.column]!.type) }));
    this.#others = columns.flatMap(({ type }, column) =>
      wanted.some((place) => place.column === column)
        ? []
        : [{ column, fits: kindsThatFit(type), read: fieldReader(type) }],
    );
  }

  /** Reads a record's columns to their places; false: the record has to be parsed as a whole. */
  read(bytes: Buffer, start: number, end: number, row: SqlValue[]): boolean {
    const { scanner } = this;
    if (!scanner.scan(bytes, start, end)) return false;
    const { starts, ends, kinds } = scanner;
    const others = this.#others;
    for (let i = 0; i < others.length; i++) {
      const { column, fits, read } = others[i]!;
      const kind = kinds[column]!;
      if (((fits >> kind) & 1) === 0 && read(bytes, starts[column]!, ends[column]!, kind) === undefined) return false;
    }
    const wanted = this.#wanted;
    for (let i = 0; i < wanted.length; i++) {
      const { column, at, read } = wanted[i]!;
      const value = read(bytes, starts[column]!, ends[column]!, kinds[column]!);
      if (value === undefined) return false;
      row[at] = value;
    }
    return true;
  }
}

/** As bits, the kinds of fields whose values are all of the type. Fields of other kinds have to be read to know. */
function kindsThatFit(type: SqlType): number {
  const bits = (...kinds: number[]): number => kinds.reduce((all, kind) => all | (1 << kind), 0);
  const none = bits(FieldKind.missing, FieldKind.null);
  switch (type.kind) {
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
    case 'BIGINT':
    case 'TIMESTAMP':
    case 'DOUBLE':
      return none | bits(FieldKind.number);
    case 'BOOLEAN':
      return none | bits(FieldKind.boolean);
    case 'STRING':
      return none | bits(...Object.values(FieldKind));
    default:
      return none;
  }
}

export function fieldReader(type: SqlType): FieldReader {
  const quick = quickReader(type);
  const exact = needsNumberTexts(type);
  const parsed = reader(type);
  return (bytes, start, end, kind) => {
    if (kind === FieldKind.missing || kind === FieldKind.null) return null;
    const value = quick(bytes, start, end, kind);
    if (value !== undefined) return value;
    try {
      return readText(bytes.toString('utf8', start, end), exact || kind === FieldKind.number, parsed);
    } catch {
      // What is wrong with a record is said by the one who parses it as a whole.
      return undefined;
    }
  };
}

/** Up to how many digits an integer is what its digits say, and printed as it came. */
export function plainDigits(type: SqlType): number {
  return type.kind === 'BIGINT' || type.kind === 'TIMESTAMP' ? 15 : 9;
}

/** Reads the most frequent forms of a type; undefined: another form, or another type. */
function quickReader(type: SqlType): FieldReader {
  switch (type.kind) {
    case 'INTEGER':
    case 'DATE':
    case 'TIME':
    case 'BIGINT':
    case 'TIMESTAMP': {
      const digits = plainDigits(type);
      return (bytes, start, end, kind) => {
        if (kind !== FieldKind.number) return undefined;
        const value = plainInteger(bytes, start, end, digits);
        return Number.isNaN(value) ? undefined : value;
      };
    }
    case 'DOUBLE':
      return (bytes, start, end, kind) =>
        kind === FieldKind.number ? Number(bytes.toString('latin1', start, end)) : undefined;
    case 'BOOLEAN':
      return (bytes, start, _end, kind) => (kind === FieldKind.boolean ? bytes[start] === LETTER_T : undefined);
    case 'STRING':
      return (bytes, start, end, kind) => {
        if (kind === FieldKind.plainString) return bytes.toString('latin1', start + 1, end - 1);
        return kind === FieldKind.number ? bytes.toString('latin1', start, end) : undefined;
      };
    default:
      return () => undefined;
  }
}

const LETTER_T = 0x74;
