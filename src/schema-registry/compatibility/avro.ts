// Can a reader with one Avro schema read what was written with another? The rules of Avro's schema resolution, each
// violation with its kind and the place in the reader's schema (the rules are Apache Avro's SchemaCompatibility).
import { type AvroField, type AvroNode, type AvroRecord, type AvroUnion, fullName } from '../avro-schema.ts';

export type AvroIncompatibilityType =
  | 'NAME_MISMATCH'
  | 'FIXED_SIZE_MISMATCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'MISSING_UNION_BRANCH';

export interface AvroIncompatibility {
  readonly type: AvroIncompatibilityType;
  /** A path like `/fields/0/type/symbols`; `/` is the root. */
  readonly location: string;
  /** What exactly: a field's name, the missing symbols, the two types. */
  readonly message: string;
}

/** A type that is used in many places breaks in each of them; nobody reads on for longer than this. */
const FINDINGS_MAX = 1000;

/** The reasons why `reader` can't read data of `writer`, a thousand at most; empty when it can. */
export function avroIncompatibilities(reader: AvroNode, writer: AvroNode): AvroIncompatibility[] {
  return new Comparison().compare(reader, writer, '');
}

/** What a writer's type may be read as, beside itself. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

class Comparison {
  /** Pairs compared or in progress: a recursive schema ends here. */
  readonly #known = new Map<AvroNode, Map<AvroNode, AvroIncompatibility[]>>();
  readonly #branches = new Map<AvroUnion, UnionBranches>();
  readonly #fieldsByName = new Map<AvroRecord, Map<string, AvroField>>();

  compare(reader: AvroNode, writer: AvroNode, path: string): AvroIncompatibility[] {
    const ofReader = this.#known.get(reader) ?? new Map<AvroNode, AvroIncompatibility[]>();
    this.#known.set(reader, ofReader);
    const known = ofReader.get(writer);
    if (known !== undefined) return known;
    ofReader.set(writer, []);
    const found = this.#compareOnce(reader, writer, path).slice(0, FINDINGS_MAX);
    ofReader.set(writer, found);
    return found;
  }

  #compareOnce(reader: AvroNode, writer: AvroNode, path: string): AvroIncompatibility[] {
    if (writer.kind === 'union') return this.#unionWriter(reader, writer.branches, path);
    if (reader.kind === 'union') {
      const candidates = this.#branchesOf(reader).readersOf(writer);
      const readable = candidates.some((branch) => this.compare(branch, writer, path).length === 0);
      return readable ? [] : [unionLacks(writer, path)];
    }
    if (isRecord(reader) && isRecord(writer)) {
      return [...nameMismatch(reader, writer, path), ...this.#fields(reader, writer, path)];
    }
    if (reader.kind === 'enum' && writer.kind === 'enum') {
      const known = new Set(reader.symbols);
      const missing = writer.symbols.filter((symbol) => !known.has(symbol));
      const found = nameMismatch(reader, writer, path);
      if (missing.length > 0 && reader.defaultSymbol === undefined) {
        found.push({ type: 'MISSING_ENUM_SYMBOLS', location: `${path}/symbols`, message: `[${missing.join(', ')}]` });
      }
      return found;
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed') {
      const found = nameMismatch(reader, writer, path);
      if (reader.size !== writer.size) {
        const message = `expected: ${writer.size}, found: ${reader.size}`;
        found.push({ type: 'FIXED_SIZE_MISMATCH', location: `${path}/size`, message });
      }
      return found;
    }
    if (reader.kind === 'array' && writer.kind === 'array')
      return this.compare(reader.items, writer.items, `${path}/items`);
    if (reader.kind === 'map' && writer.kind === 'map')
      return this.compare(reader.values, writer.values, `${path}/values`);
    if (reader.kind === writer.kind || PROMOTIONS[writer.kind]?.includes(reader.kind)) return [];
    const message = `reader type: ${kindOf(reader)} not compatible with writer type: ${kindOf(writer)}`;
    return [{ type: 'TYPE_MISMATCH', location: orRoot(path), message }];
  }

  #unionWriter(reader: AvroNode, branches: readonly AvroNode[], path: string): AvroIncompatibility[] {
    const found: AvroIncompatibility[] = [];
    for (const [i, branch] of branches.entries()) {
      if (found.length >= FINDINGS_MAX) break;
      const reasons = this.compare(reader, branch, path);
      if (reasons.length === 0) continue;
      if (reader.kind === 'union') found.push(unionLacks(branch, `${path}/${i}`));
      else found.push(...reasons);
    }
    return found;
  }

  #fields(reader: AvroRecord, writer: AvroRecord, path: string): AvroIncompatibility[] {
    const found: AvroIncompatibility[] = [];
    for (const [i, field] of reader.fields.entries()) {
      if (found.length >= FINDINGS_MAX) break;
      const written = this.#writtenAs(field, writer);
      if (written !== undefined) {
        found.push(...this.compare(field.type, written.type, `${path}/fields/${i}/type`));
      } else if (
        field.defaultValue === undefined &&
        !(field.type.kind === 'enum' && field.type.defaultSymbol !== undefined)
      ) {
        found.push({
          type: 'READER_FIELD_MISSING_DEFAULT_VALUE',
          location: `${path}/fields/${i}`,
          message: field.name,
        });
      }
    }
    return found;
  }

  /** The writer's field that a reader's field is read from: by its name, else by an alias. */
  #writtenAs({ name, aliases }: AvroField, writer: AvroRecord): AvroField | undefined {
    let fields = this.#fieldsByName.get(writer);
    if (fields === undefined) {
      fields = new Map(writer.fields.map((field) => [field.name, field]));
      this.#fieldsByName.set(writer, fields);
    }
    const alias = aliases.find((other) => fields.has(other));
    return fields.get(name) ?? (alias === undefined ? undefined : fields.get(alias));
  }

  #branchesOf(union: AvroUnion): UnionBranches {
    let branches = this.#branches.get(union);
    if (branches === undefined) {
      branches = new UnionBranches(union);
      this.#branches.set(union, branches);
    }
    return branches;
  }
}

/** The branches of a reader's union, so that those that can't match by name need not be looked at. */
class UnionBranches {
  readonly #byName = new Map<string, AvroNode[]>();
  readonly #nameless: AvroNode[] = [];

  constructor(union: AvroUnion) {
    for (const branch of union.branches) {
      if (!('name' in branch)) this.#nameless.push(branch);
      else for (const name of new Set([branch.name, ...branch.aliases])) this.#add(name, branch);
    }
  }

  readersOf(writer: AvroNode): readonly AvroNode[] {
    if (!('name' in writer)) return this.#nameless;
    const simple = this.#byName.get(writer.name) ?? [];
    const full = fullName(writer) === writer.name ? [] : (this.#byName.get(fullName(writer)) ?? []);
    return [...simple, ...full];
  }

  #add(name: string, branch: AvroNode): void {
    const known = this.#byName.get(name);
    if (known === undefined) this.#byName.set(name, [branch]);
    else known.push(branch);
  }
}

/** Simple names count, namespaces don't; an alias of the reader names the writer in full. */
function nameMismatch<T extends Extract<AvroNode, { name: string }>>(
  reader: T,
  writer: T,
  path: string,
): AvroIncompatibility[] {
  if (reader.name === writer.name || reader.aliases.includes(fullName(writer))) return [];
  return [{ type: 'NAME_MISMATCH', location: `${path}/name`, message: `expected: ${fullName(writer)}` }];
}

function unionLacks(writer: AvroNode, path: string): AvroIncompatibility {
  const message = `reader union lacking writer type: ${kindOf(writer)}`;
  return { type: 'MISSING_UNION_BRANCH', location: orRoot(path), message };
}

function isRecord(node: AvroNode): node is AvroRecord {
  return node.kind === 'record' || node.kind === 'error';
}

function kindOf(node: AvroNode): string {
  return node.kind.toUpperCase();
}

function orRoot(path: string): string {
  return path === '' ? '/' : path;
}
