/**
 * Field combinators: a message is declared once for all its versions, and its encoder, decoder and TypeScript type are
 * derived from that declaration.
 *
 *     const request = struct({
 *       groupId: string(),
 *       instanceId: string().since(3).nullable(),
 *       topics: array({ name: string(), partitions: array(int32()) }),
 *     });
 *     type Request = Value<typeof request>;
 *
 * A decoded object always has every field; those its version lacks hold their defaults. Per version an encoder and a
 * decoder are composed of closures once and kept. What has arrays in it has each of them twice: at once, which is how nearly
 * everything goes, and in steps, for the message that would keep others waiting.
 */
import { MillraceError, type Steps } from '../util/index.ts';
import { ByteReader, BYTES_PER_TURN, malformed, NOT_AT_ONCE } from './byte-reader.ts';
import { FrameWriter } from './frame-writer.ts';

export type Fields = Readonly<Record<string, Field<unknown>>>;
/** The TypeScript type of a field. */
export type Value<F> = F extends Field<infer T> ? T : never;
export type ValueOf<S extends Fields> = { readonly [K in keyof S]: Value<S[K]> };
/** What a sender has to spell out: every field may be left to its default. */
export type Draft<T> = T extends Buffer
  ? T
  : T extends readonly (infer E)[]
    ? readonly Draft<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Draft<T[K]> | undefined }
      : T;

export interface Codec<T> {
  write(out: FrameWriter, value: T): void;
  read(from: ByteReader): T;
  /** The least number of bytes a value takes: what an array's announced length is judged by. */
  readonly minBytes: number;
  /** The same, yielding where a turn of the reader or the writer ends. Missing for what is never long. */
  readonly inSteps?: CodecInSteps<T> | undefined;
}

interface CodecInSteps<T> {
  write(out: FrameWriter, value: T): Steps<void>;
  read(from: ByteReader): Steps<T>;
}

/** How one kind of value is encoded; versions, tags and defaults belong to the field that holds it. */
interface Kind<T> {
  readonly name: string;
  compile(version: number, flexible: boolean, nullable: boolean): Codec<T>;
  /** The value of a field that nobody set. */
  zero(): T;
  isZero(value: T): boolean;
  complete(draft: unknown): T;
  readonly element?: Field<unknown>;
  readonly fields?: Fields;
}

interface FieldOptions<T> {
  readonly from: number;
  readonly to: number;
  readonly nullableFrom: number;
  readonly tag: number;
  readonly ignorable: boolean;
  readonly fallback: T | undefined;
}

export class Field<T> {
  readonly kind: Kind<unknown>;
  readonly options: FieldOptions<T>;

  constructor(kind: Kind<unknown>, options: FieldOptions<T>) {
    this.kind = kind;
    this.options = options;
  }

  /** Present from this version on. */
  since(version: number): Field<T> {
    return this.#with({ from: version });
  }

  /** Present up to this version. */
  until(version: number): Field<T> {
    return this.#with({ to: version });
  }

  /** May be null (from this version on; before, null can't be encoded). Null is also the default. */
  nullable(from = 0): Field<T | null> {
    return new Field<T | null>(this.kind, { ...this.options, nullableFrom: from, fallback: null });
  }

  default(value: T): Field<T> {
    return this.#with({ fallback: value });
  }

  /** Lives in the tag buffer and is left out when it has its default. */
  tagged(tag: number): Field<T> {
    return this.#with({ tag });
  }

  /** Dropped silently when a version lacks it; otherwise a value that is not the default refuses to be encoded. */
  ignorable(): Field<T> {
    return this.#with({ ignorable: true });
  }

  isIn(version: number): boolean {
    return version >= this.options.from && version <= this.options.to;
  }

  defaultValue(): T {
    return this.options.fallback === undefined ? (this.kind.zero() as T) : this.options.fallback;
  }

  isDefault(value: unknown): boolean {
    const { fallback } = this.options;
    if (fallback !== undefined) return value === fallback;
    return value !== null && this.kind.isZero(value);
  }

  compile(version: number, flexible: boolean): Codec<unknown> {
    return this.kind.compile(version, flexible, version >= this.options.nullableFrom);
  }

  complete(draft: unknown): unknown {
    if (draft === undefined) return this.defaultValue();
    return draft === null ? null : this.kind.complete(draft);
  }

  #with(changes: Partial<FieldOptions<T>>): Field<T> {
    return new Field<T>(this.kind, { ...this.options, ...changes });
  }
}

function fieldOf<T>(kind: Kind<T>): Field<T> {
  return new Field<T>(kind as Kind<unknown>, {
    from: 0,
    to: Number.POSITIVE_INFINITY,
    nullableFrom: Number.POSITIVE_INFINITY,
    tag: -1,
    ignorable: false,
    fallback: undefined,
  });
}

// ── Scalars ───────────────────────────────────────────────────────────────────────────────────────────────────────

function scalar<T>(name: string, zero: T, codec: Codec<T>): () => Field<T> {
  const field = fieldOf<T>({
    name,
    compile: () => codec,
    zero: () => zero,
    isZero: (value) => value === zero,
    complete: (draft) => draft as T,
  });
  return () => field;
}

export const bool = scalar<boolean>('bool', false, {
  write: (out, value) => out.int8(value ? 1 : 0),
  read: (from) => from.int8() !== 0,
  minBytes: 1,
});
export const int8 = scalar<number>('int8', 0, {
  write: (out, value) => out.int8(value),
  read: (from) => from.int8(),
  minBytes: 1,
});
export const int16 = scalar<number>('int16', 0, {
  write: (out, value) => out.int16(value),
  read: (from) => from.int16(),
  minBytes: 2,
});
export const uint16 = scalar<number>('uint16', 0, {
  write: (out, value) => out.uint16(value),
  read: (from) => from.uint16(),
  minBytes: 2,
});
export const int32 = scalar<number>('int32', 0, {
  write: (out, value) => out.int32(value),
  read: (from) => from.int32(),
  minBytes: 4,
});
export const int64 = scalar<number>('int64', 0, {
  write: (out, value) => out.int64(value),
  read: (from) => from.int64(),
  minBytes: 8,
});
export const float64 = scalar<number>('float64', 0, {
  write: (out, value) => out.float64(value),
  read: (from) => from.float64(),
  minBytes: 8,
});

/** The topic id that means "none". */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** 16 bytes, held as Kafka's tools print them: 22 characters of URL-safe base64. */
export const uuid = scalar<string>('uuid', ZERO_UUID, {
  write(out, value) {
    out.reserve(16);
    const written = value.length === 22 ? out.buffer.write(value, out.position, 16, 'base64url') : 0;
    if (written !== 16) throw new MillraceError('INVALID_UUID', `"${value}" is not a UUID of 22 base64 characters.`);
    out.position += 16;
  },
  read(from) {
    const start = from.skip(16);
    return from.buffer.toString('base64url', start, start + 16);
  },
  minBytes: 16,
});

// ── Strings and bytes ─────────────────────────────────────────────────────────────────────────────────────────────

const MAX_STRING_BYTES = 32767;

const stringField = fieldOf<string>({
  name: 'string',
  zero: () => '',
  isZero: (value) => value === '',
  complete: (draft) => draft as string,
  compile: (_version, flexible, nullable) =>
    flexible
      ? {
          minBytes: 1,
          write: (out, value: string | null) => {
            if (value === null) {
              if (!nullable) throw nullRefused();
              out.uvarint(0);
              return;
            }
            const length = Buffer.byteLength(value);
            checkLength(length);
            out.uvarint(length + 1);
            out.utf8(value);
          },
          read: (from) => {
            const length = from.uvarint() - 1;
            if (length > MAX_STRING_BYTES) throw malformed(`a string of ${length} bytes is announced`);
            return (length < 0 ? nullRead(nullable) : from.utf8(length)) as string;
          },
        }
      : {
          minBytes: 2,
          write: (out, value: string | null) => {
            if (value === null) {
              if (!nullable) throw nullRefused();
              out.int16(-1);
              return;
            }
            const length = Buffer.byteLength(value);
            checkLength(length);
            out.int16(length);
            out.utf8(value);
          },
          read: (from) => {
            const length = from.int16();
            return (length < 0 ? nullRead(nullable) : from.utf8(length)) as string;
          },
        },
});
export const string = (): Field<string> => stringField;

/** Kafka has the same limit for both encodings of a length. */
function checkLength(bytes: number): void {
  if (bytes <= MAX_STRING_BYTES) return;
  throw new MillraceError('STRING_TOO_LONG', `A string of ${bytes} bytes exceeds ${MAX_STRING_BYTES}.`);
}

const NO_BYTES = Buffer.alloc(0);

function bytesField(name: string): Field<Buffer> {
  return fieldOf<Buffer>({
    name,
    zero: () => NO_BYTES,
    isZero: (value) => value.length === 0,
    complete: (draft) => draft as Buffer,
    compile: (_version, flexible, nullable) => ({
      minBytes: flexible ? 1 : 4,
      write: (out, value: Buffer | null) => {
        if (value === null && !nullable) throw nullRefused();
        if (flexible) out.uvarint(value === null ? 0 : value.length + 1);
        else out.int32(value === null ? -1 : value.length);
        if (value !== null) out.attach(value);
      },
      read: (from) => {
        const length = flexible ? from.uvarint() - 1 : from.int32();
        return (length < 0 ? nullRead(nullable) : from.bytes(length)) as Buffer;
      },
    }),
  });
}

const plainBytes = bytesField('bytes');
const recordBytes = bytesField('records');
/** Opaque bytes: a view into the received frame, sent without a copy when large. */
export const bytes = (): Field<Buffer> => plainBytes;
/** Record batches, otherwise like `bytes`. */
export const records = (): Field<Buffer> => recordBytes;

// ── Arrays and structs ────────────────────────────────────────────────────────────────────────────────────────────

const NOTHING: readonly never[] = Object.freeze([]);

export function array<S extends Fields>(element: S): Field<readonly ValueOf<S>[]>;
export function array<T>(element: Field<T>): Field<readonly T[]>;
export function array(element: Field<unknown> | Fields): Field<readonly unknown[]> {
  const field = element instanceof Field ? element : struct(element);
  return fieldOf<readonly unknown[]>({
    name: 'array',
    element: field,
    zero: () => NOTHING,
    isZero: (value) => value.length === 0,
    complete: (draft) => (draft as readonly unknown[]).map((item) => field.complete(item)),
    compile(version, flexible, nullable) {
      return compileArray(field.compile(version, flexible), flexible, nullable);
    },
  });
}

type ArrayValue = readonly unknown[];

function compileArray(codec: Codec<unknown>, flexible: boolean, nullable: boolean): Codec<ArrayValue> {
  const writeLength = (out: FrameWriter, value: ArrayValue | null): number => {
    if (value === null && !nullable) throw nullRefused();
    if (flexible) out.uvarint(value === null ? 0 : value.length + 1);
    else out.int32(value === null ? -1 : value.length);
    return value === null ? 0 : value.length;
  };
  /** -1 for null. */
  const readLength = (from: ByteReader): number => {
    const length = flexible ? from.uvarint() - 1 : from.int32();
    if (length < 0) {
      nullRead(nullable);
      return -1;
    }
    if (length * codec.minBytes > from.remaining) {
      throw malformed(`an array of ${length} elements was announced in ${from.remaining} bytes`);
    }
    from.takeElements(length);
    return length;
  };
  return {
    minBytes: flexible ? 1 : 4,
    write(out, value) {
      const length = writeLength(out, value);
      for (let i = 0; i < length; i++) {
        if (out.position > out.turnEnd) throw NOT_AT_ONCE;
        codec.write(out, value[i]);
      }
    },
    read(from) {
      const length = readLength(from);
      if (length <= 0) return length === 0 ? NOTHING : (null as unknown as ArrayValue);
      const items: unknown[] = [];
      for (let i = 0; i < length; i++) {
        if (from.position > from.turnEnd) throw NOT_AT_ONCE;
        items.push(codec.read(from));
      }
      return items;
    },
    inSteps: arrayInSteps(codec, writeLength, readLength),
  };
}

function arrayInSteps(
  codec: Codec<unknown>,
  writeLength: (out: FrameWriter, value: ArrayValue | null) => number,
  readLength: (from: ByteReader) => number,
): CodecInSteps<ArrayValue> {
  const { inSteps } = codec;
  return {
    *write(out, value) {
      const length = writeLength(out, value);
      for (let i = 0; i < length; i++) {
        if (out.position > out.turnEnd) yield* turnOf(out);
        if (inSteps === undefined) codec.write(out, value[i]);
        else yield* inSteps.write(out, value[i]);
      }
    },
    *read(from) {
      const length = readLength(from);
      if (length <= 0) return length === 0 ? NOTHING : (null as unknown as ArrayValue);
      const items: unknown[] = [];
      for (let i = 0; i < length; i++) {
        if (from.position > from.turnEnd) yield* turnOf(from);
        const item = inSteps === undefined ? codec.read(from) : readShort(codec, from);
        items.push(item === undefined ? yield* inSteps!.read(from) : item);
      }
      return items;
    },
  };
}

/** What ends within this turn; undefined, with the reader where it was, when it does not. */
export function readShort<T>(codec: Codec<T>, from: ByteReader): T | undefined {
  const { position, elementsLeft, turnEnd } = from;
  try {
    return codec.read(from);
  } catch (error) {
    if (error !== NOT_AT_ONCE) throw error;
    from.position = position;
    from.elementsLeft = elementsLeft;
    from.turnEnd = turnEnd;
    return undefined;
  }
}

/** Gives way to others, and begins a new turn. */
function* turnOf(at: ByteReader | FrameWriter): Steps<void> {
  yield;
  at.turnEnd = at.position + BYTES_PER_TURN;
}

export function struct<S extends Fields>(fields: S): Field<ValueOf<S>> {
  const entries = Object.entries(fields);
  const kind: Kind<Readonly<Record<string, unknown>>> = {
    name: 'struct',
    fields,
    zero: () => Object.fromEntries(entries.map(([name, field]) => [name, field.defaultValue()])),
    isZero: (value) => entries.every(([name, field]) => field.isDefault(value[name])),
    complete: (draft) => {
      const given = draft as Readonly<Record<string, unknown>>;
      return Object.fromEntries(entries.map(([name, field]) => [name, field.complete(given[name])]));
    },
    compile: (version, flexible, nullable) => {
      const codec = compileStruct(entries, version, flexible);
      return nullable ? nullableStruct(codec) : codec;
    },
  };
  return fieldOf(kind) as unknown as Field<ValueOf<S>>;
}

type StructValue = Readonly<Record<string, unknown>>;

function compileStruct(
  entries: readonly [string, Field<unknown>][],
  version: number,
  flexible: boolean,
): Codec<StructValue> {
  const present = entries.filter(([, field]) => field.isIn(version) && field.options.tag < 0);
  const names = present.map(([name]) => name);
  const codecs = present.map(([, field]) => field.compile(version, flexible));
  const absent = entries.filter(([, field]) => !field.isIn(version) && !field.options.ignorable);
  const tags = flexible ? taggedFields(entries, version) : [];
  const template = Object.fromEntries(entries.map(([name, field]) => [name, field.defaultValue()]));

  const checkAbsent = (value: StructValue): void => {
    for (const [name, field] of absent) {
      if (!field.isDefault(value[name]) && value[name] !== null) throw fieldRefused(name, version);
    }
  };
  const inSteps: CodecInSteps<StructValue> = {
    *write(out, value) {
      checkAbsent(value);
      for (const [i, codec] of codecs.entries()) {
        if (codec.inSteps === undefined) codec.write(out, value[names[i]!]);
        else yield* codec.inSteps.write(out, value[names[i]!]);
      }
      if (flexible) writeTags(out, tags, value);
    },
    *read(from) {
      const value: Record<string, unknown> = { ...template };
      for (const [i, codec] of codecs.entries()) {
        value[names[i]!] = codec.inSteps === undefined ? codec.read(from) : yield* codec.inSteps.read(from);
      }
      if (flexible) readTags(from, tags, value);
      return value;
    },
  };
  return {
    minBytes: codecs.reduce((sum, codec) => sum + codec.minBytes, flexible ? 1 : 0),
    write(out, value) {
      checkAbsent(value);
      for (let i = 0; i < codecs.length; i++) codecs[i]!.write(out, value[names[i]!]);
      if (flexible) writeTags(out, tags, value);
    },
    read(from) {
      const value: Record<string, unknown> = { ...template };
      for (let i = 0; i < codecs.length; i++) value[names[i]!] = codecs[i]!.read(from);
      if (flexible) readTags(from, tags, value);
      return value;
    },
    inSteps: codecs.some((codec) => codec.inSteps !== undefined) ? inSteps : undefined,
  };
}

function nullableStruct(codec: Codec<StructValue>): Codec<StructValue> {
  const { inSteps } = codec;
  return {
    minBytes: 1,
    write(out, value: StructValue | null) {
      out.int8(value === null ? -1 : 1);
      if (value !== null) codec.write(out, value);
    },
    read: (from) => (from.int8() < 0 ? null : codec.read(from)) as StructValue,
    inSteps: inSteps && {
      *write(out, value: StructValue | null) {
        out.int8(value === null ? -1 : 1);
        if (value !== null) yield* inSteps.write(out, value);
      },
      *read(from) {
        return (from.int8() < 0 ? null : yield* inSteps.read(from)) as StructValue;
      },
    },
  };
}

// ── Tag buffers: small, and never read or written in steps ────────────────────────────────────────────────────────

interface TaggedField {
  readonly name: string;
  readonly tag: number;
  readonly field: Field<unknown>;
  readonly codec: Codec<unknown>;
}

function taggedFields(entries: readonly [string, Field<unknown>][], version: number): TaggedField[] {
  return entries
    .filter(([, field]) => field.options.tag >= 0 && field.isIn(version))
    .map(([name, field]) => ({ name, tag: field.options.tag, field, codec: field.compile(version, true) }))
    .sort((a, b) => a.tag - b.tag);
}

function writeTags(out: FrameWriter, tags: readonly TaggedField[], value: StructValue): void {
  const set = tags.length === 0 ? tags : tags.filter(({ name, field }) => !field.isDefault(value[name]));
  out.uvarint(set.length);
  for (const { name, tag, codec } of set) {
    const body = new FrameWriter();
    codec.write(body, value[name]);
    out.uvarint(tag);
    out.uvarint(body.totalBytes);
    for (const piece of body.take()) out.bytes(piece);
  }
}

function readTags(from: ByteReader, tags: readonly TaggedField[], value: Record<string, unknown>): void {
  const count = from.uvarint();
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const tag = from.uvarint();
    const size = from.uvarint();
    if (tag <= previous) throw malformed(`tag ${tag} follows tag ${previous}`);
    previous = tag;
    const start = from.skip(size);
    const known = tags.find((candidate) => candidate.tag === tag);
    // Of those that nobody knows there may be many.
    if (known === undefined) from.takeElements(1);
    else value[known.name] = known.codec.read(new ByteReader(from.buffer, start, start + size));
  }
}

/** Moves over a tag buffer of which no tag is known. */
export function skipTags(from: ByteReader): void {
  readTags(from, [], {});
}

function nullRead(nullable: boolean): null {
  if (!nullable) throw malformed('a field that may not be null is null');
  return null;
}

function nullRefused(): MillraceError {
  return new MillraceError('UNSUPPORTED_VERSION', 'A field is null that can not be null in this version of the API.');
}

function fieldRefused(name: string, version: number): MillraceError {
  return new MillraceError('UNSUPPORTED_VERSION', `Field "${name}" can not be sent in version ${version} of the API.`);
}
