// What makes a grammatical .proto file a valid one: names resolve, names and numbers are used once, and each syntax has
// its own rules.
import {
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoGroup,
  type ProtoMessage,
  type ProtoMethod,
  type ProtoRange,
  type ProtoReserved,
  SCALAR_TYPES,
  wordOption,
} from './ast.ts';
import { type LinkedProto, messagesIn, qualifiedName, resolveType, type Scope } from './linker.ts';

/** Numbers that protobuf keeps for itself. */
const KEPT_TAGS: ProtoRange = { from: 19_000, to: 19_999 };

/** Refuses a file that protobuf would not accept, with the place and the reason; the files it imports as well. */
export function checkProto(proto: LinkedProto): void {
  const files = new Set([proto]);
  for (const file of files) for (const imported of file.imports.values()) files.add(imported);
  for (const file of files) new Checker(file).check();
}

class Checker {
  readonly #proto: LinkedProto;
  readonly #isProto3: boolean;
  readonly #open = new Map<ProtoMessage, readonly ProtoRange[]>();

  constructor(proto: LinkedProto) {
    this.#proto = proto;
    this.#isProto3 = proto.file.syntax === 'proto3';
  }

  check(): void {
    const { file, home } = this.#proto;
    const names = new Set<string>();
    for (const service of file.services) this.#claim(names, service.name, service);
    this.#declarations(file, home, names);
    for (const service of file.services) {
      const methods = new Set<string>();
      for (const method of service.methods) this.#method(method, methods, home);
    }
  }

  #declarations(
    container: Pick<ProtoMessage, 'messages' | 'enums' | 'extends'> & Partial<Pick<ProtoMessage, 'oneofs' | 'groups'>>,
    scope: Scope,
    names: Set<string>,
  ): void {
    const messages = messagesIn(container);
    for (const message of messages) this.#claim(names, message.name, message);
    for (const found of container.enums) {
      this.#claim(names, found.name, found);
      // Constants are siblings of their enum, not its children.
      for (const constant of found.constants) this.#claim(names, constant.name, constant);
    }
    for (const extend of container.extends) this.#extend(extend, scope, names);
    for (const message of messages) this.#message(message, this.#proto.scopeOf(message));
    for (const found of container.enums) this.#enum(found);
  }

  #message(message: ProtoMessage, scope: Scope): void {
    const names = new Set<string>();
    const tags = new Map<number, string>();
    const reservedNames = this.#reservedNames(message.reserved);
    const taken = this.#ranges([...message.reserved, ...message.extensions].flatMap(({ ranges }) => ranges));
    const claim = (name: string, tag: number, declaration: object) => {
      this.#claim(names, name, declaration);
      const other = tags.get(tag);
      if (other !== undefined)
        this.#fail(declaration, `the fields "${other}" and "${name}" have the same number ${tag}`);
      tags.set(tag, name);
      if (within(tag, taken)) this.#fail(declaration, `the number ${tag} of the field "${name}" is reserved`);
      if (reservedNames.has(name)) this.#fail(declaration, `the name of the field "${name}" is reserved`);
    };
    const fields = (container: Pick<ProtoMessage, 'fields' | 'groups'>, inOneof: boolean) => {
      for (const field of container.fields) {
        claim(field.name, field.tag, field);
        this.#field(field, scope, inOneof);
      }
      for (const group of container.groups) {
        claim(group.message.name.toLowerCase(), group.tag, group);
        this.#group(group, inOneof);
      }
    };
    fields(message, false);
    for (const oneof of message.oneofs) {
      this.#claim(names, oneof.name, oneof);
      if (oneof.fields.length + oneof.groups.length === 0) this.#fail(oneof, `the oneof "${oneof.name}" has no fields`);
      fields(oneof, true);
    }
    if (this.#isProto3 && message.extensions.length > 0) {
      this.#fail(message.extensions[0]!, 'proto3 has no extension ranges');
    }
    this.#declarations(message, scope, names);
  }

  #field(field: ProtoField, scope: Scope, inOneof: boolean): void {
    const { name, tag, label, mapKey } = field;
    this.#label(field, `the field "${name}"`, inOneof || mapKey !== undefined);
    if (mapKey !== undefined && label !== undefined) this.#fail(field, `the map "${name}" has a label`);
    if (tag >= KEPT_TAGS.from && tag <= KEPT_TAGS.to) {
      this.#fail(field, `the numbers ${KEPT_TAGS.from} to ${KEPT_TAGS.to} are kept by protobuf`);
    }
    const hasDefault = field.options.some((option) => option.name.length === 1 && option.name[0]!.name === 'default');
    if (hasDefault && this.#isProto3)
      this.#fail(field, `the field "${name}" has a default, which proto3 does not know`);
    if (SCALAR_TYPES.has(field.type)) return;
    const type = resolveType(scope, field.type);
    if (type === undefined) this.#fail(field, `the type "${field.type}" of the field "${name}" is not defined`);
    if (this.#isProto3 && type.kind === 'enum' && type.proto.file.syntax !== 'proto3') {
      this.#fail(field, `the enum "${field.type}" is of a proto2 file, which a proto3 field can't have as its type`);
    }
  }

  #group(group: ProtoGroup, inOneof: boolean): void {
    const { name } = group.message;
    if (this.#isProto3) this.#fail(group, `proto3 has no groups, but "${name}" is one`);
    if (!/^[A-Z]/.test(name)) this.#fail(group, `the name of the group "${name}" does not start with a capital letter`);
    this.#label(group, `the group "${name}"`, inOneof);
  }

  #label(declaration: ProtoField | ProtoGroup, what: string, mayLack: boolean): void {
    const { label } = declaration;
    if (this.#isProto3 && label === 'required')
      this.#fail(declaration, `${what} is required, which proto3 does not know`);
    if (!this.#isProto3 && label === undefined && !mayLack) {
      this.#fail(declaration, `${what} has no label: proto2 wants optional, required or repeated`);
    }
  }

  #extend(extend: ProtoExtend, scope: Scope, names: Set<string>): void {
    const type = resolveType(scope, extend.type);
    if (type?.kind !== 'message') this.#fail(extend, `the message "${extend.type}" to extend is not defined`);
    if (this.#isProto3 && !/^\.google\.protobuf\.\w+Options$/.test(qualifiedName(type))) {
      this.#fail(extend, 'proto3 extends nothing but options');
    }
    if (extend.fields.length + extend.groups.length === 0) this.#fail(extend, 'an extend without fields');
    const open = this.#openRanges(type.declaration);
    const checkTag = (tag: number, name: string, declaration: object) => {
      this.#claim(names, name, declaration);
      if (!within(tag, open)) this.#fail(declaration, `"${extend.type}" has no extension range with the number ${tag}`);
    };
    for (const field of extend.fields) {
      checkTag(field.tag, field.name, field);
      if (field.label === 'required') this.#fail(field, `the extension "${field.name}" is required`);
      if (field.mapKey !== undefined) this.#fail(field, `the extension "${field.name}" is a map`);
      this.#field(field, scope, false);
    }
    for (const group of extend.groups) {
      checkTag(group.tag, group.message.name.toLowerCase(), group);
      this.#group(group, false);
    }
  }

  #openRanges(message: ProtoMessage): readonly ProtoRange[] {
    let ranges = this.#open.get(message);
    if (ranges === undefined) {
      ranges = sorted(message.extensions.flatMap((statement) => statement.ranges));
      this.#open.set(message, ranges);
    }
    return ranges;
  }

  #enum(found: ProtoEnum): void {
    const [first] = found.constants;
    if (first === undefined) this.#fail(found, `the enum "${found.name}" has no constants`);
    if (this.#isProto3 && first.number !== 0) this.#fail(first, `the first constant of "${found.name}" is not 0`);
    const mayRepeat = wordOption(found.options, 'allow_alias') === 'true';
    const numbers = new Map<number, string>();
    const reservedNames = this.#reservedNames(found.reserved);
    const reserved = this.#ranges(found.reserved.flatMap(({ ranges }) => ranges));
    for (const constant of found.constants) {
      const { name, number } = constant;
      const other = numbers.get(number);
      if (other !== undefined && !mayRepeat) {
        this.#fail(constant, `the constants "${other}" and "${name}" have the same number ${number}`);
      }
      numbers.set(number, name);
      if (reservedNames.has(name)) this.#fail(constant, `the name of the constant "${name}" is reserved`);
      if (within(number, reserved)) this.#fail(constant, `the number ${number} of "${name}" is reserved`);
    }
  }

  #method(method: ProtoMethod, methods: Set<string>, scope: Scope): void {
    this.#claim(methods, method.name, method);
    for (const name of [method.input, method.output]) {
      if (resolveType(scope, name)?.kind !== 'message') {
        this.#fail(method, `the message "${name}" of the method "${method.name}" is not defined`);
      }
    }
  }

  #claim(names: Set<string>, name: string, declaration: object): void {
    if (names.has(name)) this.#fail(declaration, `"${name}" is declared twice`);
    names.add(name);
  }

  #reservedNames(statements: readonly ProtoReserved[]): Set<string> {
    const names = new Set<string>();
    for (const statement of statements) {
      for (const name of statement.names) this.#claim(names, name, statement);
    }
    return names;
  }

  /** In order, and refused where they overlap. */
  #ranges(ranges: readonly ProtoRange[]): ProtoRange[] {
    const ordered = sorted(ranges);
    for (const [i, range] of ordered.entries()) {
      const before = ordered[i - 1];
      if (before !== undefined && before.to >= range.from) {
        this.#fail(range, `the range ${range.from} to ${range.to} overlaps with ${before.from} to ${before.to}`);
      }
    }
    return ordered;
  }

  #fail(declaration: object, message: string): never {
    this.#proto.parsed.fail(declaration, message);
  }
}

function sorted(ranges: readonly ProtoRange[]): ProtoRange[] {
  return ranges.toSorted((a, b) => a.from - b.from);
}

/** Is `number` in one of these ranges, which are in order and do not overlap? */
function within(number: number, ordered: readonly ProtoRange[]): boolean {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ordered[middle]!.to < number) low = middle + 1;
    else high = middle;
  }
  return low < ordered.length && ordered[low]!.from <= number;
}
