// What PostgreSQL's `pgoutput` plugin writes (protocol version 1, values as text), read from its bytes. One call reads one
// message; what is not what the protocol says is refused with the place, and nothing is read beyond the message.
// Described in "Logical Replication Message Formats" of PostgreSQL's documentation.
import { ConnectError } from '../../data/errors.ts';

/** A position in the write-ahead log, as a number. */
export type Lsn = number;

/** A column's value as text; null; undefined: unchanged, too long to be in the row itself, and therefore not sent. */
export type ColumnText = string | null | undefined;
/** The values of a row, in the order of its relation's columns. */
export type Tuple = readonly ColumnText[];

/** A column of a relation, as the server describes it before the first change of it. */
export interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  /** The type's modifier (a length, a precision), or -1. */
  readonly typeModifier: number;
  /** Whether it is part of what identifies a row in the log. */
  readonly isIdentity: boolean;
}

/** What the changes behind it, of the same id, are rows of. */
export interface RelationMessage {
  readonly kind: 'relation';
  readonly id: number;
  readonly schema: string;
  readonly table: string;
  /** `d`efault, `n`othing, `f`ull, `i`ndex. */
  readonly replicaIdentity: string;
  readonly columns: readonly RelationColumn[];
}

/** A change of a row. `old`: what identified it (`K`: the identity's columns only, `O`: the whole row), where that was sent. */
export interface ChangeMessage {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly relationId: number;
  readonly oldKind: 'K' | 'O' | undefined;
  readonly old: Tuple | undefined;
  readonly new: Tuple | undefined;
}

/** One message of the stream. Times are microseconds since 1970. */
export type PgOutputMessage =
  | RelationMessage
  | ChangeMessage
  | { readonly kind: 'begin'; readonly finalLsn: Lsn; readonly timeUs: number; readonly xid: number }
  | { readonly kind: 'commit'; readonly commitLsn: Lsn; readonly endLsn: Lsn; readonly timeUs: number }
  | { readonly kind: 'truncate'; readonly relationIds: readonly number[] }
  | {
      readonly kind: 'message';
      readonly transactional: boolean;
      readonly lsn: Lsn;
      readonly prefix: string;
      readonly content: Buffer;
    }
  | { readonly kind: 'origin'; readonly lsn: Lsn; readonly name: string }
  | { readonly kind: 'type' };

/** Microseconds from 1970 to 2000, where PostgreSQL's time begins. */
const POSTGRES_EPOCH_US = 946_684_800_000_000;

/** Reads one message. Throws `ConnectError`. */
export function decodePgOutput(bytes: Buffer): PgOutputMessage {
  const reader = new Reader(bytes);
  const message = readMessage(reader);
  reader.end();
  return message;
}

function readMessage(reader: Reader): PgOutputMessage {
  const type = reader.char();
  switch (type) {
    case 'B':
      return { kind: 'begin', finalLsn: reader.lsn(), timeUs: reader.time(), xid: reader.uint32() };
    case 'C':
      reader.byte();
      return { kind: 'commit', commitLsn: reader.lsn(), endLsn: reader.lsn(), timeUs: reader.time() };
    case 'R':
      return readRelation(reader);
    case 'I':
      return readInsert(reader);
    case 'U':
    case 'D':
      return readUpdateOrDelete(reader, type === 'U' ? 'update' : 'delete');
    case 'T': {
      const count = reader.int32();
      reader.byte();
      return { kind: 'truncate', relationIds: reader.list(count, 4, () => reader.uint32()) };
    }
    case 'M': {
      const transactional = (reader.byte() & 1) === 1;
      const [lsn, prefix] = [reader.lsn(), reader.cstring()];
      return { kind: 'message', transactional, lsn, prefix, content: reader.bytes(reader.int32()) };
    }
    case 'O':
      return { kind: 'origin', lsn: reader.lsn(), name: reader.cstring() };
    case 'Y':
      reader.uint32();
      reader.cstring();
      reader.cstring();
      return { kind: 'type' };
    default:
      throw reader.damaged(`a message of type ${JSON.stringify(type)}`);
  }
}

function readRelation(reader: Reader): RelationMessage {
  const [id, schema, table] = [reader.uint32(), reader.cstring(), reader.cstring()];
  const replicaIdentity = reader.char();
  const columns = reader.list(reader.int16(), 10, () => {
    const flags = reader.byte();
    const name = reader.cstring();
    return { name, isIdentity: (flags & 1) === 1, typeOid: reader.uint32(), typeModifier: reader.int32() };
  });
  // An empty schema is pg_catalog.
  return { kind: 'relation', id, schema: schema === '' ? 'pg_catalog' : schema, table, replicaIdentity, columns };
}

function readInsert(reader: Reader): ChangeMessage {
  const relationId = reader.uint32();
  reader.expect('N');
  return { kind: 'insert', relationId, oldKind: undefined, old: undefined, new: reader.tuple() };
}

function readUpdateOrDelete(reader: Reader, kind: 'update' | 'delete'): ChangeMessage {
  const relationId = reader.uint32();
  const marker = reader.char();
  if (marker !== 'K' && marker !== 'O') {
    if (kind === 'delete' || marker !== 'N') throw reader.damaged(`the marker ${JSON.stringify(marker)}`);
    return { kind, relationId, oldKind: undefined, old: undefined, new: reader.tuple() };
  }
  const old = reader.tuple();
  if (kind === 'delete') return { kind, relationId, oldKind: marker, old, new: undefined };
  reader.expect('N');
  return { kind, relationId, oldKind: marker, old, new: reader.tuple() };
}

/** Reads the parts of a message, in order. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  char(): string {
    return String.fromCharCode(this.byte());
  }

  expect(marker: string): void {
    const found = this.char();
    if (found !== marker) throw this.damaged(`the marker ${JSON.stringify(found)} instead of ${marker}`);
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  lsn(): Lsn {
    return this.#safe(this.#take(8));
  }

  /** Microseconds since 1970. */
  time(): number {
    return this.#safe(this.#take(8)) + POSTGRES_EPOCH_US;
  }

  cstring(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw this.damaged('a name without an end');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  bytes(length: number): Buffer {
    if (length < 0) throw this.damaged(`a length of ${length}`);
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** So many elements of `size` bytes each, at least. */
  list<T>(count: number, size: number, read: () => T): T[] {
    if (count < 0 || count * size > this.#bytes.length - this.#at) throw this.damaged(`a list of ${count}`);
    return Array.from({ length: count }, read);
  }

  tuple(): Tuple {
    const count = this.int16();
    if (count < 0 || count > this.#bytes.length - this.#at) throw this.damaged(`a row of ${count} columns`);
    const values: ColumnText[] = [];
    for (let i = 0; i < count; i++) values.push(this.#column());
    return values;
  }

  #column(): ColumnText {
    const kind = this.byte();
    if (kind === 0x6e) return null; // n
    if (kind === 0x75) return undefined; // u
    if (kind !== 0x74) throw this.damaged(`a value of kind ${JSON.stringify(String.fromCharCode(kind))}`); // t
    const length = this.int32();
    if (length < 0) throw this.damaged(`a value of ${length} bytes`);
    const from = this.#take(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left !== 0) throw this.damaged(`${left} bytes behind its end`);
  }

  damaged(what: string): ConnectError {
    const shown = this.#bytes.subarray(0, 32).toString('hex');
    return new ConnectError(
      `the replication stream is damaged: a message has ${what}, at byte ${this.#at} of ${this.#bytes.length} (it begins with ${shown})`,
    );
  }

  #safe(at: number): number {
    const value = this.#bytes.readInt32BE(at) * 4294967296 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw this.damaged(`the number ${value}, which is out of range`);
    return value;
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length) throw this.damaged(`an end before ${length} more bytes`);
    this.#at = from + length;
    return from;
  }
}

/** An LSN as PostgreSQL writes it: `16/B374D848`. */
export function lsnText(lsn: Lsn): string {
  const high = Math.floor(lsn / 4294967296);
  return `${high.toString(16).toUpperCase()}/${(lsn - high * 4294967296).toString(16).toUpperCase()}`;
}

/** Reads what `lsnText` writes. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  const lsn =
    match === null ? Number.NaN : Number.parseInt(match[1]!, 16) * 4294967296 + Number.parseInt(match[2]!, 16);
  if (!Number.isSafeInteger(lsn)) throw new ConnectError(`${JSON.stringify(text)} is no position in a write-ahead log`);
  return lsn;
}
