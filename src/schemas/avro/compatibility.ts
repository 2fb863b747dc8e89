// Can a reader with one Avro schema read what was written with another? The rules of Avro's schema resolution, each
// violation with its kind and the place in the reader's schema (the rules are Apache Avro's SchemaCompatibility).
import { type AvroField, type AvroNode, type AvroRecord, type AvroUnion, fullName } from './schema.ts';

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
  /** The place by names: `orders.Address.street`. */
  readonly path: string;
  /** What is there; a writer that lacks a field has nothing there. */
  readonly reader: AvroNode;
  readonly writer: AvroNode | undefined;
  /** Why the branch of a union that is meant for the writer's type can't read it, where there is such a branch. */
  readonly inner?: readonly AvroIncompatibility[];
}

/** A type that is used in many places breaks in each of them; nobody reads on for longer than this. */
const FINDINGS_MAX = 1000;

/** The reasons why `reader` can't read data of `writer`, a thousand at most; empty when it can. */
export function avroIncompatibilities(reader: AvroNode, writer: AvroNode): AvroIncompatibility[] {
  return new Comparison().compare(reader, writer, { location: '', path: pathOf(reader) });
}

/** More reasons for one finding than anyone reads. */
const MAX_CAUSES = 20;

/** What is really wrong where a union "lacks" a type that it has under the same name. */
export function causesOf(found: AvroIncompatibility): readonly AvroIncompatibility[] {
  const causes: AvroIncompatibility[] = [];
  const seen = new Set<AvroIncompatibility>();
  const visit = (one: AvroIncompatibility): void => {
    if (seen.has(one) || causes.length >= MAX_CAUSES) return;
    seen.add(one);
    const { inner = [] } = one;
    if (inner.length === 0) causes.push(one);
    else inner.forEach(visit);
  };
  visit(found);
  return causes;
}

/** What a writer's type may be read as, beside itself. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/** A place in the reader's schema, by position and by name. */
interface Place {
  readonly location: string;
  readonly path: string;
}

class Comparison {
  /** Pairs compared or in progress: a recursive schema ends here. */
  readonly #known = new Map<AvroNode, Map<AvroNode, AvroIncompatibility[]>>();
  readonly #branches = new Map<AvroUnion, UnionBranches>();
  readonly #fieldsByName = new Map<AvroRecord, Map<string, AvroField>>();

  compare(reader: AvroNode, writer: AvroNode, at: Place): AvroIncompatibility[] {
    const ofReader = this.#known.get(reader) ?? new Map<AvroNode, AvroIncompatibility[]>();
    this.#known.set(reader, ofReader);
    const known = ofReader.get(writer);
    if (known !== undefined) return known;
    ofReader.set(writer, []);
    const found = this.#compareOnce(reader, writer, at).slice(0, FINDINGS_MAX);
    ofReader.set(writer, found);
    return found;
  }

  #compareOnce(reader: AvroNode, writer: AvroNode, at: Place): AvroIncompatibility[] {
    if (writer.kind === 'union') return this.#unionWriter(reader, writer.branches, at);
    if (reader.kind === 'union') {
      const candidates = this.#branchesOf(reader).readersOf(writer);
      if (candidates.some((branch) => this.compare(branch, writer, at).length === 0)) return [];
      const meant = candidates.find((branch) => isCalledAs(branch, writer));
      return [unionLacks(reader, writer, at, meant === undefined ? [] : this.compare(meant, writer, at))];
    }
    if (isRecord(reader) && isRecord(writer)) {
      return [...nameMismatch(reader, writer, at), ...this.#fields(reader, writer, at)];
    }
    if (reader.kind === 'enum' && writer.kind === 'enum') {
      const known = new Set(reader.symbols);
      const missing = writer.symbols.filter((symbol) => !known.has(symbol));
      const found = nameMismatch(reader, writer, at);
      if (missing.length > 0 && reader.defaultSymbol === undefined) {
        const message = `[${missing.join(', ')}]`;
        found.push({ type: 'MISSING_ENUM_SYMBOLS', ...within(at, '/symbols'), message, reader, writer });
      }
      return found;
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed') {
      const found = nameMismatch(reader, writer, at);
      if (reader.size !== writer.size) {
        const message = `expected: ${writer.size}, found: ${reader.size}`;
        found.push({ type: 'FIXED_SIZE_MISMATCH', ...within(at, '/size'), message, reader, writer });
      }
      return found;
    }
    if (reader.kind === 'array' && writer.kind === 'array')
      return this.compare(reader.items, writer.items, within(at, '/items', '[]'));
    if (reader.kind === 'map' && writer.kind === 'map')
      return this.compare(reader.values, writer.values, within(at, '/values', '{}'));
    if (reader.kind === writer.kind || PROMOTIONS[writer.kind]?.includes(reader.kind)) return [];
    const message = `reader type: ${kindOf(reader)} not compatible with writer type: ${kindOf(writer)}`;
    return [{ type: 'TYPE_MISMATCH', ...orRoot(at), message, reader, writer }];
  }

  #unionWriter(reader: AvroNode, branches: readonly AvroNode[], at: Place): AvroIncompatibility[] {
    const found: AvroIncompatibility[] = [];
    for (const [i, branch] of branches.entries()) {
      if (found.length >= FINDINGS_MAX) break;
      const reasons = this.compare(reader, branch, at);
      if (reasons.length === 0) continue;
      if (reader.kind === 'union') found.push(unionLacks(reader, branch, within(at, `/${i}`), reasons[0]?.inner));
      else found.push(...reasons);
    }
    return found;
  }

  #fields(reader: AvroRecord, writer: AvroRecord, at: Place): AvroIncompatibility[] {
    const found: AvroIncompatibility[] = [];
    for (const [i, field] of reader.fields.entries()) {
      if (found.length >= FINDINGS_MAX) break;
      const written = this.#writtenAs(field, writer);
      const place = { location: `${at.location}/fields/${i}`, path: `${fullName(reader)}.${field.name}` };
      if (written !== undefined) {
        found.push(...this.compare(field.type, written.type, within(place, '/type')));
      } else if (
        field.defaultValue === undefined &&
        !(field.type.kind === 'enum' && field.type.defaultSymbol !== undefined)
      ) {
        found.push({
          type: 'READER_FIELD_MISSING_DEFAULT_VALUE',
          ...place,
          message: field.name,
          reader: field.type,
          writer: undefined,
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
  at: Place,
): AvroIncompatibility[] {
  if (reader.name === writer.name || reader.aliases.includes(fullName(writer))) return [];
  return [{ type: 'NAME_MISMATCH', ...within(at, '/name'), message: `expected: ${fullName(writer)}`, reader, writer }];
}

function unionLacks(
  reader: AvroNode,
  writer: AvroNode,
  at: Place,
  inner: readonly AvroIncompatibility[] = [],
): AvroIncompatibility {
  const message = `reader union lacking writer type: ${kindOf(writer)}`;
  return { type: 'MISSING_UNION_BRANCH', ...orRoot(at), message, reader, writer, inner };
}

function isCalledAs(branch: AvroNode, writer: AvroNode): boolean {
  if (branch.kind !== writer.kind) return false;
  return !('name' in branch) || !('name' in writer) || branch.name === writer.name;
}

function isRecord(node: AvroNode): node is AvroRecord {
  return node.kind === 'record' || node.kind === 'error';
}

function kindOf(node: AvroNode): string {
  return node.kind.toUpperCase();
}

function within({ location, path }: Place, step: string, name = ''): Place {
  return { location: location + step, path: path + name };
}

function orRoot({ location, path }: Place): Place {
  return { location: location === '' ? '/' : location, path };
}

function pathOf(node: AvroNode): string {
  return 'name' in node ? fullName(node) : '';
}
