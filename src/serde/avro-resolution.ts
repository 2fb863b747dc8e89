// Avro's schema resolution: what one schema has written is read as another one has it. Fields that were added get their
// defaults, those that are gone are passed over, numbers are promoted. The rules are those of the registry's compatibility
// check, which are Apache Avro's for Java: avsc's own are stricter with names (it compares namespaces), choose the first
// branch of a union that will do rather than the one that is meant, and do not know the exact long.
//
// What can't be read for sure is found out here, before the first value. What depends on the value (a branch of the writer's
// union, a symbol of its enum that the reader lacks) is an error of those values only.
import type avro from 'avsc';
import { readArray, readMap, type Reads, type Skips, type Tap } from './avro-types.ts';
import { DeserializationError } from './serde.ts';

/** The reader's schema can't take what the writer's schema has. */
export class Unresolvable extends DeserializationError {}

/** Reads what `writer` has written as `reader` has it. Throws `Unresolvable`. */
export function resolution(writer: avro.Type, reader: avro.Type): Reads {
  return new Resolution().resolve(writer, reader, nameOf(reader));
}

type Convert = (value: unknown) => unknown;

const unchanged: Convert = (value) => value;
/** As Java casts it, so that it is written again as it was read. */
const toFloat: Convert = (value) => Math.fround(Number(value));

/** What a writer's type may be read as, beside itself. Strings and bytes are the same on the wire. */
const PROMOTIONS: Readonly<Record<string, Readonly<Record<string, Convert | 'as the reader'>>>> = {
  int: { long: unchanged, float: toFloat, double: unchanged },
  long: { float: toFloat, double: Number },
  float: { double: unchanged },
  string: { bytes: 'as the reader' },
  bytes: { string: 'as the reader' },
};

class Resolution {
  /** Pairs of records that are resolved or in progress: a recursive schema ends here. */
  readonly #records = new Map<avro.Type, Map<avro.Type, ResolvedRecord>>();

  /** `at`: the place in the reader's schema, for errors. */
  resolve(writer: avro.Type, reader: avro.Type, at: string): Reads {
    if (isUnion(writer)) return this.#fromUnion(writer, reader, at);
    if (isUnion(reader)) return this.#intoUnion(writer, reader, at);
    const kind = kindOf(writer);
    if (kind !== kindOf(reader)) return promoted(writer, reader, at);
    switch (kind) {
      case 'record':
        return this.#record(writer as avro.types.RecordType, reader as avro.types.RecordType, at);
      case 'array': {
        const [from, to] = [writer as avro.types.ArrayType, reader as avro.types.ArrayType];
        const items = this.resolve(from.itemsType, to.itemsType, `${at}[]`);
        return { _read: (tap) => readArray(tap, items) };
      }
      case 'map': {
        const [from, to] = [writer as avro.types.MapType, reader as avro.types.MapType];
        const values = this.resolve(from.valuesType as avro.Type, to.valuesType as avro.Type, `${at}{}`);
        return { _read: (tap) => readMap(tap, values) };
      }
      case 'enum':
        return enumReader(writer as avro.types.EnumType, reader as EnumType, at);
      case 'fixed': {
        checkName(writer, reader, at);
        const [from, to] = [writer as avro.types.FixedType, reader as avro.types.FixedType];
        if (from.size === to.size) return readerOf(writer);
        throw new Unresolvable(`${at}: ${from.size} bytes can't be read as ${to.size} (${nameOf(reader)})`);
      }
      default:
        return readerOf(writer);
    }
  }

  /** A branch that can't be read does no harm before a value has it, unless no branch can be. */
  #fromUnion(writer: Union, reader: avro.Type, at: string): Reads {
    const errors: Unresolvable[] = [];
    const branches = writer.types.map((branch): Reads => {
      try {
        return this.resolve(branch, reader, at);
      } catch (error) {
        if (!(error instanceof Unresolvable)) throw error;
        errors.push(error);
        return throwing(error);
      }
    });
    if (errors.length === branches.length) throw errors[0]!;
    return {
      _read(tap) {
        const branch = branches[tap.readLong()];
        if (branch === undefined) throw new RangeError('a union has no such branch');
        return branch._read(tap);
      },
    };
  }

  #intoUnion(writer: avro.Type, reader: Union, at: string): Reads {
    const candidates = reader.types.filter(
      (branch) => kindOf(branch) === kindOf(writer) || promotion(writer, branch) !== undefined,
    );
    let first: Unresolvable | undefined;
    for (const branch of candidates.toSorted((a, b) => distance(writer, a) - distance(writer, b))) {
      try {
        return inBranch(this.resolve(writer, branch, at), branch, reader);
      } catch (error) {
        if (!(error instanceof Unresolvable)) throw error;
        first ??= error;
      }
    }
    throw first ?? mismatch(writer, reader, at);
  }

  #record(writer: avro.types.RecordType, reader: avro.types.RecordType, at: string): Reads {
    const ofWriter = this.#records.get(writer) ?? new Map<avro.Type, ResolvedRecord>();
    this.#records.set(writer, ofWriter);
    const known = ofWriter.get(reader);
    if (known?.error !== undefined) throw known.error;
    if (known !== undefined) return known;
    const record = new ResolvedRecord();
    ofWriter.set(reader, record);
    try {
      checkName(writer, reader, at);
      record._read = this.#fields(writer, reader);
    } catch (error) {
      // Where the pair was taken for resolvable while it was in progress, its values have the error.
      if (error instanceof Unresolvable) record.error = error;
      throw error;
    }
    return record;
  }

  /** Values in the order of the writer's fields, handed over in the order of the reader's. */
  #fields(writer: avro.types.RecordType, reader: avro.types.RecordType): Reads['_read'] {
    const name = nameOf(reader);
    const written = new Map(writer.fields.map((field) => [field.name, field]));
    const sources = reader.fields.map((field) => {
      const source = [field.name, ...field.aliases].find((other) => written.has(other));
      return source === undefined ? undefined : written.get(source);
    });
    // avsc's constructor puts a field's default where it is given `undefined`.
    const initial = reader.fields.map((field, i) =>
      sources[i] === undefined ? defaultOf(field, writer, name) : undefined,
    );
    const steps = writer.fields.flatMap((field) => {
      const targets = reader.fields.flatMap((target, to) => (sources[to] === field ? [{ target, to }] : []));
      if (targets.length === 0) return [{ reads: skipping(field.type), to: -1 }];
      return targets.map(({ target, to }, i) => {
        const reads = this.resolve(field.type, target.type, `${name}.${target.name}`);
        return { reads: i < targets.length - 1 ? peeking(reads) : reads, to };
      });
    });
    const Values = reader.recordConstructor as new (...values: unknown[]) => unknown;
    return (tap) => {
      const values = initial.slice();
      for (let i = 0; i < steps.length; i++) {
        const { reads, to } = steps[i]!;
        const value = reads._read(tap);
        if (to >= 0) values[to] = value;
      }
      return new Values(...values);
    };
  }
}

/** Known before it can read: a record's fields may hold records of its own kind. */
class ResolvedRecord implements Reads {
  error: Unresolvable | undefined;

  _read(_tap: Tap): unknown {
    throw this.error;
  }
}

/** An enum without a default of the field's may have one of its own. */
function defaultOf(field: avro.types.Field, writer: avro.Type, record: string): unknown {
  if (field.defaultValue() !== undefined) return undefined;
  const symbol = field.type.typeName === 'enum' ? (field.type as EnumType).default : undefined;
  if (symbol !== undefined) return symbol;
  throw new Unresolvable(`${record}.${field.name} has no default, and ${nameOf(writer)} has no such field`);
}

function enumReader(writer: avro.types.EnumType, reader: EnumType, at: string): Reads {
  checkName(writer, reader, at);
  const known = new Set(reader.symbols);
  const symbols = new Map(writer.symbols.map((symbol) => [symbol, known.has(symbol) ? symbol : reader.default]));
  if (writer.symbols.every((symbol) => known.has(symbol))) return readerOf(writer);
  const written = readerOf(writer);
  return {
    _read(tap) {
      const name = written._read(tap) as string;
      const symbol = symbols.get(name);
      if (symbol === undefined) throw new Unresolvable(`${at}: ${nameOf(reader)} has no symbol ${name}`);
      return symbol;
    },
  };
}

function promoted(writer: avro.Type, reader: avro.Type, at: string): Reads {
  const convert = promotion(writer, reader);
  if (convert === undefined) throw mismatch(writer, reader, at);
  if (convert === 'as the reader') return readerOf(reader);
  if (convert === unchanged) return readerOf(writer);
  const written = readerOf(writer);
  return { _read: (tap) => convert(written._read(tap)) };
}

function promotion(writer: avro.Type, reader: avro.Type): Convert | 'as the reader' | undefined {
  return PROMOTIONS[kindOf(writer)]?.[kindOf(reader)];
}

/** Values of ambiguous unions say which branch they are of. */
function inBranch(reads: Reads, branch: avro.Type, union: Union): Reads {
  if (union.typeName !== 'union:wrapped' || branch.typeName === 'null') return reads;
  const name = branch.branchName!;
  return { _read: (tap) => ({ [name]: reads._read(tap) }) };
}

/** A union's branch is rather the writer's own type than one that it can be promoted to. */
function distance(writer: avro.Type, branch: avro.Type): number {
  if (kindOf(writer) !== kindOf(branch)) return 3;
  if (writer.name === branch.name) return 0;
  return aliasesOf(branch).includes(writer.name!) ? 1 : 2;
}

/** Simple names count, namespaces don't; an alias of the reader names the writer in full. */
function checkName(writer: avro.Type, reader: avro.Type, at: string): void {
  if (simpleName(writer) === simpleName(reader) || aliasesOf(reader).includes(writer.name!)) return;
  throw mismatch(writer, reader, at);
}

function mismatch(writer: avro.Type, reader: avro.Type, at: string): Unresolvable {
  return new Unresolvable(`${at}: ${nameOf(writer)} can't be read as ${nameOf(reader)}`);
}

type Union = avro.types.UnwrappedUnionType | avro.types.WrappedUnionType;
type EnumType = avro.types.EnumType & { readonly default?: string };

function isUnion(type: avro.Type): type is Union {
  return type.typeName.startsWith('union:');
}

/** The exact long is a long, and an error is a record. */
function kindOf({ typeName }: avro.Type): string {
  return typeName === 'abstract:long' ? 'long' : typeName === 'error' ? 'record' : typeName;
}

function simpleName({ name }: avro.Type): string | undefined {
  return name?.slice(name.lastIndexOf('.') + 1);
}

function aliasesOf(type: avro.Type): readonly string[] {
  return (type as { readonly aliases?: readonly string[] }).aliases ?? [];
}

function nameOf(type: avro.Type): string {
  return isUnion(type) ? `[${type.types.map(nameOf).join(', ')}]` : (type.name ?? kindOf(type));
}

function readerOf(type: avro.Type): Reads {
  return type as unknown as Reads;
}

function skipping(type: avro.Type): Reads {
  const skips = type as unknown as Skips;
  return { _read: (tap) => skips._skip(tap) };
}

function throwing(error: Unresolvable): Reads {
  return {
    _read() {
      throw error;
    },
  };
}

/** Two fields may be read from one. */
function peeking(reads: Reads): Reads {
  return {
    _read(tap) {
      const { pos } = tap;
      const value = reads._read(tap);
      tap.pos = pos;
      return value;
    },
  };
}
