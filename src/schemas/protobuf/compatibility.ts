// What changed between two Protobuf schemas, and which changes break a reader. Fields are matched by number, types by
// their name without the package.
import { assert } from '../../util/index.ts';
import {
  type ProtoEnum,
  type ProtoField,
  type ProtoLabel,
  type ProtoMessage,
  SCALAR_TYPES,
  wordOption,
} from './ast.ts';
import { type LinkedProto, messagesIn, type ProtoType, resolveType, type Scope } from './linker.ts';

const COMPATIBLE = [
  'MESSAGE_ADDED',
  'MESSAGE_MOVED',
  'ENUM_ADDED',
  'ENUM_REMOVED',
  'ENUM_CONST_ADDED',
  'ENUM_CONST_CHANGED',
  'ENUM_CONST_REMOVED',
  'FIELD_ADDED',
  'FIELD_REMOVED',
  'FIELD_NAME_CHANGED',
  'FIELD_STRING_OR_BYTES_LABEL_CHANGED',
  'ONEOF_ADDED',
  'ONEOF_REMOVED',
  'ONEOF_FIELD_ADDED',
  'ONEOF_FIELD_MOVED_TO_TOP_LEVEL',
] as const;

/** What a reader stumbles over, in words; `{reader}` and `{writer}` stand for "new" and "old". */
const INCOMPATIBLE = {
  PACKAGE_CHANGED: 'The package of the {reader} schema is not the one of the {writer} schema',
  MESSAGE_REMOVED: "The {reader} schema has no message at path '{path}', but the {writer} schema has one",
  FIELD_KIND_CHANGED:
    "The field at path '{path}' is of another kind (scalar, message, group or map) in the {reader} schema than in the {writer} schema",
  FIELD_SCALAR_KIND_CHANGED:
    "The scalar type of the field at path '{path}' in the {reader} schema can't read the one in the {writer} schema",
  FIELD_NAMED_TYPE_CHANGED:
    "The message type of the field at path '{path}' in the {reader} schema does not match the one in the {writer} schema",
  FIELD_NUMERIC_LABEL_CHANGED:
    "The label of the numeric field at path '{path}' in the {reader} schema is not the one in the {writer} schema",
  REQUIRED_FIELD_ADDED:
    "The {reader} schema requires the field at path '{path}', which the {writer} schema does not have",
  REQUIRED_FIELD_REMOVED: "The {reader} schema lacks the field at path '{path}', which the {writer} schema requires",
  ONEOF_FIELD_REMOVED: "The {reader} schema lacks the field at path '{path}' of a oneof in the {writer} schema",
  MULTIPLE_FIELDS_MOVED_TO_ONEOF:
    "Several fields of the {writer} schema are in one oneof at path '{path}' in the {reader} schema",
  FIELD_MOVED_TO_EXISTING_ONEOF:
    "The oneof at path '{path}' in the {reader} schema has a field that was outside of it in the {writer} schema",
} as const;

export type ProtobufDifferenceType = (typeof COMPATIBLE)[number] | keyof typeof INCOMPATIBLE;

export interface ProtobufDifference {
  readonly type: ProtobufDifferenceType;
  /** Like `#/Outer/Inner/3`, with the oneof's name before the number of its fields; `#/` is the file. */
  readonly path: string;
}

/** All differences from `original` to `update`. */
export function protobufDifferences(original: LinkedProto, update: LinkedProto): ProtobufDifference[] {
  return new Comparison().compareFiles(original, update);
}

/** Does `update` still read what was written with `original`, as far as this difference goes? */
export function isCompatible({ type }: ProtobufDifference): boolean {
  return !(type in INCOMPATIBLE);
}

export function formatDifference({ type, path }: ProtobufDifference): string {
  return `${type} ${path}`;
}

/** Why an incompatible difference is one. */
export function describeDifference({ type, path }: ProtobufDifference): string {
  const template = type in INCOMPATIBLE ? INCOMPATIBLE[type as keyof typeof INCOMPATIBLE] : type;
  return template.replaceAll('{path}', path);
}

/** A message where it stands. */
interface Place {
  readonly message: ProtoMessage;
  readonly proto: LinkedProto;
}

interface Member {
  readonly field: Pick<ProtoField, 'label' | 'mapKey' | 'type' | 'name' | 'tag'>;
  readonly oneof: string | undefined;
  /** A group is a message that is written in another way. */
  readonly isGroup: boolean;
}

type MessageType = ProtoType & { readonly kind: 'message' };

type FieldType =
  | { readonly kind: 'scalar'; readonly group: string }
  | { readonly kind: 'message'; readonly type: MessageType }
  | { readonly kind: 'map'; readonly key: FieldType; readonly value: FieldType };

/** Scalars that read each other's encoding. */
const SCALAR_GROUPS = [
  ['int32', 'int64', 'uint32', 'uint64', 'bool', 'enum'],
  ['sint32', 'sint64'],
  ['string', 'bytes'],
  ['fixed32', 'sfixed32'],
  ['fixed64', 'sfixed64'],
];
const GROUP_OF = new Map(SCALAR_GROUPS.flatMap((group) => group.map((type) => [type, group[0]!] as const)));

/** Two declarations that are compared with each other, and what came of it. */
interface Pair {
  readonly found: ProtobufDifference[];
  /** The fields whose types are imported messages that differ in their text, with the pair of those. */
  readonly uses: { readonly path: string; readonly pair: Pair }[];
}

class Comparison {
  readonly #pairs: Pair[] = [];
  readonly #imported = new Map<ProtoMessage, Map<ProtoMessage, Pair>>();
  readonly #waiting: (() => void)[] = [];
  /** The pair whose differences are being added. */
  #current: Pair = this.#newPair();

  compareFiles(original: LinkedProto, update: LinkedProto): ProtobufDifference[] {
    if ((original.file.package ?? '') !== (update.file.package ?? '')) this.#add('PACKAGE_CHANGED', '#/');
    this.#messages(original, messagesIn(original.file), update, messagesIn(update.file), '#');
    this.#enums(original.file.enums, update.file.enums, '#');
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) next();
    return [...this.#pairs.flatMap(({ found }) => found), ...this.#changedTypes()];
  }

  /** A field whose imported type can't be read can't be read either, and so on to those that use its message. */
  #changedTypes(): ProtobufDifference[] {
    const usersOf = new Map<Pair, Pair[]>();
    for (const user of this.#pairs) {
      for (const { pair } of user.uses) usersOf.set(pair, [...(usersOf.get(pair) ?? []), user]);
    }
    const broken = new Set(this.#pairs.filter(({ found }) => !found.every(isCompatible)));
    for (const pair of broken) for (const user of usersOf.get(pair) ?? []) broken.add(user);
    return this.#pairs
      .flatMap(({ uses }) => uses)
      .filter(({ pair }) => broken.has(pair))
      .map(({ path }) => ({ type: 'FIELD_NAMED_TYPE_CHANGED', path }));
  }

  #messages(
    original: LinkedProto,
    originals: readonly ProtoMessage[],
    update: LinkedProto,
    updates: readonly ProtoMessage[],
    path: string,
  ): void {
    const before = indexed(originals);
    const after = indexed(updates);
    for (const [name, { message, index }] of before) {
      const updated = after.get(name);
      if (updated === undefined) {
        this.#add('MESSAGE_REMOVED', `${path}/${name}`);
        continue;
      }
      if (updated.index !== index) this.#add('MESSAGE_MOVED', `${path}/${name}`);
      this.#message({ message, proto: original }, { message: updated.message, proto: update }, `${path}/${name}`);
    }
    for (const name of after.keys()) if (!before.has(name)) this.#add('MESSAGE_ADDED', `${path}/${name}`);
  }

  #enums(originals: readonly ProtoEnum[], updates: readonly ProtoEnum[], path: string): void {
    const before = new Map(originals.map((found) => [found.name, found]));
    const after = new Map(updates.map((found) => [found.name, found]));
    for (const [name, original] of before) {
      const update = after.get(name);
      if (update === undefined) this.#add('ENUM_REMOVED', `${path}/${name}`);
      else this.#constants(original, update, `${path}/${name}`);
    }
    for (const name of after.keys()) if (!before.has(name)) this.#add('ENUM_ADDED', `${path}/${name}`);
  }

  /** Several names of one number are compared as the set of them. */
  #constants(original: ProtoEnum, update: ProtoEnum, path: string): void {
    const before = namesByNumber(original);
    const after = namesByNumber(update);
    for (const [number, names] of before) {
      const updated = after.get(number);
      if (updated === undefined) this.#add('ENUM_CONST_REMOVED', `${path}/${number}`);
      else if (updated !== names) this.#add('ENUM_CONST_CHANGED', `${path}/${number}`);
    }
    for (const number of after.keys()) if (!before.has(number)) this.#add('ENUM_CONST_ADDED', `${path}/${number}`);
  }

  #message(original: Place, update: Place, path: string): void {
    this.#messages(original.proto, messagesIn(original.message), update.proto, messagesIn(update.message), path);
    this.#enums(original.message.enums, update.message.enums, path);
    const before = membersOf(original.message);
    const after = membersOf(update.message);
    this.#oneofs(original.message, before, update.message, after, path);

    const beforeScope = original.proto.scopeOf(original.message);
    const afterScope = update.proto.scopeOf(update.message);
    for (const [tag, was] of before) {
      const is = after.get(tag);
      if (is !== undefined) {
        const at = memberPath(path, is);
        if (was.oneof !== undefined && is.oneof === undefined) this.#add('ONEOF_FIELD_MOVED_TO_TOP_LEVEL', at);
        this.#field(was, beforeScope, is, afterScope, at);
      } else if (was.oneof === undefined) {
        const required = was.field.label === 'required';
        this.#add(required ? 'REQUIRED_FIELD_REMOVED' : 'FIELD_REMOVED', memberPath(path, was));
      }
    }
    for (const [tag, is] of after) {
      if (before.has(tag)) continue;
      const required = is.field.label === 'required';
      const type = is.oneof !== undefined ? 'ONEOF_FIELD_ADDED' : required ? 'REQUIRED_FIELD_ADDED' : 'FIELD_ADDED';
      this.#add(type, memberPath(path, is));
    }
  }

  #oneofs(
    original: ProtoMessage,
    before: ReadonlyMap<number, Member>,
    update: ProtoMessage,
    after: ReadonlyMap<number, Member>,
    path: string,
  ): void {
    const afterNames = new Set(update.oneofs.map(({ name }) => name));
    const beforeNames = new Set(original.oneofs.map(({ name }) => name));
    for (const oneof of original.oneofs) {
      const remains = afterNames.has(oneof.name);
      if (!remains) this.#add('ONEOF_REMOVED', `${path}/${oneof.name}`);
      const tags = tagsOf(oneof);
      const dropped = tags.filter((tag) => !after.has(tag));
      // A oneof that goes with everything in it takes nothing from those who never set it.
      if (!remains && dropped.length === tags.length) continue;
      for (const tag of dropped) this.#add('ONEOF_FIELD_REMOVED', `${path}/${oneof.name}/${tag}`);
    }
    for (const oneof of update.oneofs) {
      if (!beforeNames.has(oneof.name)) this.#add('ONEOF_ADDED', `${path}/${oneof.name}`);
      // Where the members come from: a oneof is one origin, a field that stood alone is an origin of its own.
      const origins = new Set<string | number>();
      let alone = 0;
      for (const tag of tagsOf(oneof)) {
        const was = before.get(tag);
        if (was === undefined) continue;
        if (was.oneof === undefined) alone++;
        origins.add(was.oneof ?? tag);
      }
      if (origins.size < 2) continue;
      const type = alone > 1 ? 'MULTIPLE_FIELDS_MOVED_TO_ONEOF' : 'FIELD_MOVED_TO_EXISTING_ONEOF';
      this.#add(type, `${path}/${oneof.name}`);
    }
  }

  #field(was: Member, wasScope: Scope, is: Member, isScope: Scope, path: string): void {
    if (was.field.name !== is.field.name) this.#add('FIELD_NAME_CHANGED', path);
    const before = fieldType(was.field, wasScope);
    const after = fieldType(is.field, isScope);
    if (was.isGroup !== is.isGroup) this.#add('FIELD_KIND_CHANGED', path);
    else this.#types(before, after, path);
    this.#labels(was.field.label, is.field.label, before, after, path);
  }

  #labels(
    before: ProtoLabel | undefined,
    after: ProtoLabel | undefined,
    was: FieldType,
    is: FieldType,
    path: string,
  ): void {
    if (before === undefined || after === undefined || before === after) return;
    if (was.kind !== 'scalar' || is.kind !== 'scalar') return;
    this.#add(was.group === 'string' ? 'FIELD_STRING_OR_BYTES_LABEL_CHANGED' : 'FIELD_NUMERIC_LABEL_CHANGED', path);
  }

  #types(was: FieldType, is: FieldType, path: string): void {
    if (was.kind === 'scalar' && is.kind === 'scalar') {
      if (was.group !== is.group) this.#add('FIELD_SCALAR_KIND_CHANGED', path);
    } else if (was.kind === 'message' && is.kind === 'message') {
      this.#namedTypes(was, is, path);
    } else if (was.kind === 'map' && is.kind === 'map') {
      this.#types(was.key, is.key, path);
      this.#types(was.value, is.value, path);
    } else {
      this.#add('FIELD_KIND_CHANGED', path);
    }
  }

  #namedTypes(
    { type: was }: FieldType & { kind: 'message' },
    { type: is }: FieldType & { kind: 'message' },
    path: string,
  ) {
    if (was.localName !== is.localName) this.#add('FIELD_NAMED_TYPE_CHANGED', path);
    else if (was.proto.origin !== is.proto.origin) this.#current.uses.push({ path, pair: this.#importedPair(was, is) });
  }

  /** The text behind an import is another one, so the messages themselves are compared: each pair once, and later. */
  #importedPair(was: MessageType, is: MessageType): Pair {
    const ofOriginal = this.#imported.get(was.declaration) ?? new Map<ProtoMessage, Pair>();
    this.#imported.set(was.declaration, ofOriginal);
    const known = ofOriginal.get(is.declaration);
    if (known !== undefined) return known;
    const pair = this.#newPair();
    ofOriginal.set(is.declaration, pair);
    this.#waiting.push(() => {
      this.#current = pair;
      const path = `#/${is.localName.replaceAll('.', '/')}`;
      this.#message({ message: was.declaration, proto: was.proto }, { message: is.declaration, proto: is.proto }, path);
    });
    return pair;
  }

  #newPair(): Pair {
    const pair: Pair = { found: [], uses: [] };
    this.#pairs.push(pair);
    return pair;
  }

  #add(type: ProtobufDifferenceType, path: string): void {
    this.#current.found.push({ type, path });
  }
}

/** Messages by name with their index on the wire; the entries of maps are no messages of their own. */
function indexed(messages: readonly ProtoMessage[]): Map<string, { message: ProtoMessage; index: number }> {
  const declared = messages.filter((message) => !isMapEntry(message));
  return new Map(declared.map((message, index) => [message.name, { message, index }]));
}

function isMapEntry(message: ProtoMessage): boolean {
  return wordOption(message.options, 'map_entry') === 'true';
}

function namesByNumber({ constants }: ProtoEnum): Map<number, string> {
  const names = new Map<number, string[]>();
  for (const { number, name } of constants) {
    const known = names.get(number);
    if (known === undefined) names.set(number, [name]);
    else known.push(name);
  }
  return new Map([...names].map(([number, all]) => [number, all.sort().join(' ')]));
}

function membersOf(message: ProtoMessage): Map<number, Member> {
  const members = new Map<number, Member>();
  const add = (container: Pick<ProtoMessage, 'fields' | 'groups'>, oneof: string | undefined) => {
    for (const field of container.fields) members.set(field.tag, { field, oneof, isGroup: false });
    for (const { tag, label, message } of container.groups) {
      const field = { tag, name: message.name.toLowerCase(), type: message.name, ...(label && { label }) };
      members.set(tag, { field, oneof, isGroup: true });
    }
  };
  add(message, undefined);
  for (const oneof of message.oneofs) add(oneof, oneof.name);
  return members;
}

function tagsOf(oneof: ProtoMessage['oneofs'][number]): number[] {
  return [...oneof.fields, ...oneof.groups].map(({ tag }) => tag);
}

function memberPath(path: string, { field, oneof }: Member): string {
  return oneof === undefined ? `${path}/${field.tag}` : `${path}/${oneof}/${field.tag}`;
}

function fieldType({ mapKey, type: name }: Pick<ProtoField, 'mapKey' | 'type'>, scope: Scope): FieldType {
  const type = plainType(name, scope);
  if (mapKey !== undefined) return { kind: 'map', key: plainType(mapKey, scope), value: type };
  if (type.kind !== 'message' || !isMapEntry(type.type.declaration)) return type;
  const { declaration, proto } = type.type;
  const [key, value] = declaration.fields;
  if (key === undefined || value === undefined) return type;
  const inside = proto.scopeOf(declaration);
  return { kind: 'map', key: plainType(key.type, inside), value: plainType(value.type, inside) };
}

function plainType(name: string, scope: Scope): FieldType {
  if (SCALAR_TYPES.has(name)) return { kind: 'scalar', group: GROUP_OF.get(name) ?? name };
  const type = resolveType(scope, name);
  assert(type !== undefined, `the type ${name} of a checked schema resolves`);
  return type.kind === 'enum' ? { kind: 'scalar', group: GROUP_OF.get('enum')! } : { kind: 'message', type };
}
