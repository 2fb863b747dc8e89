// The messages of a linked file as those who read and write records need them: each with its fields in the order of the
// text, and each field with the type that its name means.
import {
  type ProtoEnum,
  type ProtoField,
  type ProtoGroup,
  type ProtoMessage,
  type ProtoOption,
  SCALAR_TYPES,
  wordOption,
} from './ast.ts';
import { type LinkedProto, qualifiedName, resolveType, type Scope } from './linker.ts';
import { floatOf, integerOf } from './option-encoder.ts';
import { SCALARS, type ScalarName, type ScalarValue } from './scalars.ts';
import { WIRE } from '../../util/index.ts';

export interface MessageType {
  /** With its package and the messages around it: `shop.Order.Line`. */
  readonly name: string;
  /** In the order of the text. Those of a oneof stand among the others; extensions are none of the message's own. */
  readonly fields: readonly MessageField[];
  /** Whether it is what a map's entries are made of: a key and a value. */
  readonly isMapEntry: boolean;
}

export interface EnumType {
  readonly name: string;
  /** By number; of constants with the same one, the first. */
  readonly names: ReadonlyMap<number, string>;
  readonly numbers: ReadonlyMap<string, number>;
  /** The constant that stands for absence. */
  readonly first: string;
}

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarName }
  | { readonly kind: 'enum'; readonly enumeration: EnumType }
  | { readonly kind: 'message'; readonly message: MessageType; readonly isGroup: boolean };

export interface MessageField {
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
  readonly isRepeated: boolean;
  /** Whether a repeated field's values are written one after the other behind one tag; both forms are read. */
  readonly isPacked: boolean;
  /** The oneof that it stands in: of its fields only the last one counts. */
  readonly oneof?: string;
  /** Whether absence means the type's default, means something by itself, or is not allowed. */
  readonly presence: 'implicit' | 'explicit' | 'required';
  /** The default that a proto2 file declares; of an enum the constant's name. */
  readonly byDefault?: ScalarValue;
  readonly options: readonly ProtoOption[];
}

/** A message that a file declares, and the way to it: its index among the file's messages, then among those in that one, … */
export interface DeclaredMessage {
  readonly message: MessageType;
  readonly path: readonly number[];
}

/** The messages of a file, outer before inner; the first is the one that records are made of unless they say otherwise. */
export function declaredMessages(proto: LinkedProto): readonly DeclaredMessage[] {
  const types = new Types();
  const found: DeclaredMessage[] = [];
  const visit = (messages: readonly ProtoMessage[], prefix: string, outer: readonly number[]): void => {
    for (const [i, declaration] of messages.entries()) {
      const name = prefix + declaration.name;
      const path = [...outer, i];
      found.push({ message: types.message(declaration, proto, name), path });
      visit(declaration.messages, `${name}.`, path);
    }
  };
  visit(proto.file.messages, proto.file.package === undefined ? '' : `${proto.file.package}.`, []);
  types.finish();
  return found;
}

/** The message with this name, which may lack the package and the messages around it; without a name the first. */
export function messageNamed(
  messages: readonly DeclaredMessage[],
  name: string | undefined,
): DeclaredMessage | undefined {
  if (name === undefined) return messages[0];
  return messages.find(({ message }) => message.name === name || message.name.endsWith(`.${name}`));
}

/** The form of a field's values on the wire. */
export function wireOf(type: FieldType): number {
  if (type.kind === 'scalar') return SCALARS[type.scalar].wire;
  if (type.kind === 'enum') return WIRE.VARINT;
  return type.isGroup ? WIRE.GROUP : WIRE.BYTES;
}

/** Makes each type once: messages contain themselves, and one type stands in many fields. */
class Types {
  readonly #messages = new Map<ProtoMessage, MessageType>();
  readonly #enums = new Map<ProtoEnum, EnumType>();
  readonly #unfinished: (() => void)[] = [];

  message(declaration: ProtoMessage, proto: LinkedProto, name: string): MessageType {
    let type = this.#messages.get(declaration);
    if (type === undefined) {
      const fields: MessageField[] = [];
      type = { name, fields, isMapEntry: false };
      this.#messages.set(declaration, type);
      this.#unfinished.push(() => fields.push(...this.#fields(declaration, proto)));
    }
    return type;
  }

  /** Gives all messages their fields, and those that these name. */
  finish(): void {
    for (const addFields of this.#unfinished) addFields();
  }

  #fields(declaration: ProtoMessage, proto: LinkedProto): MessageField[] {
    const { parsed } = proto;
    const scope = proto.scopeOf(declaration);
    const membersOf = ({ fields, groups }: Pick<ProtoMessage, 'fields' | 'groups'>, oneof?: string) =>
      [...fields, ...groups].map((member) => ({ member, oneof }));
    const members = [declaration, ...declaration.oneofs].flatMap((holder) =>
      membersOf(holder, holder === declaration ? undefined : holder.name),
    );
    return members
      .toSorted((a, b) => parsed.offsetOf(a.member) - parsed.offsetOf(b.member))
      .map(({ member, oneof }) => this.#field(member, oneof, scope, proto));
  }

  #field(member: ProtoField | ProtoGroup, oneof: string | undefined, scope: Scope, proto: LinkedProto): MessageField {
    const { label, tag: number, options } = member;
    const isRepeated = label === 'repeated';
    const presence =
      label === 'required' ? label : label === 'optional' || oneof !== undefined ? 'explicit' : 'implicit';
    const common = { isRepeated, isPacked: false, presence, options, ...(oneof !== undefined && { oneof }) } as const;
    if ('message' in member) {
      const message = this.message(member.message, proto, nameIn(scope, member.message.name));
      const name = member.message.name.toLowerCase();
      return { ...common, name, number, type: { kind: 'message', message, isGroup: true } };
    }
    const { name, mapKey } = member;
    const type = this.#type(member, scope, proto);
    if (mapKey !== undefined) {
      const key: MessageField = { ...common, name: 'key', number: 1, type: scalarType(mapKey), options: [] };
      // What a map's options say, they say about its values.
      const fields = [key, { ...common, name: 'value', number: 2, type }];
      const message = { name: nameIn(scope, `${name}Entry`), fields, isMapEntry: true };
      return { ...common, name, number, type: { kind: 'message', message, isGroup: false }, isRepeated: true };
    }
    const byDefault = defaultOf(member, type);
    const declared = byDefault === undefined ? {} : { byDefault };
    return { ...common, name, number, type, isPacked: isRepeated && isPacked(member, type, proto), ...declared };
  }

  #type(field: ProtoField, scope: Scope, proto: LinkedProto): FieldType {
    if (SCALAR_TYPES.has(field.type)) return scalarType(field.type);
    const found = resolveType(scope, field.type);
    if (found === undefined) {
      proto.parsed.fail(field, `the type "${field.type}" of the field "${field.name}" is not defined`);
    }
    const name = qualifiedName(found).slice(1);
    if (found.kind === 'enum') return { kind: 'enum', enumeration: this.#enum(found.declaration, name) };
    return { kind: 'message', message: this.message(found.declaration, found.proto, name), isGroup: false };
  }

  #enum(declaration: ProtoEnum, name: string): EnumType {
    let type = this.#enums.get(declaration);
    if (type === undefined) {
      const { constants } = declaration;
      type = {
        name,
        // The last of those with the same number comes first here, so that the first one stays.
        names: new Map(constants.toReversed().map((constant) => [constant.number, constant.name])),
        numbers: new Map(constants.map((constant) => [constant.name, constant.number])),
        first: constants[0]?.name ?? '',
      };
      this.#enums.set(declaration, type);
    }
    return type;
  }
}

function scalarType(name: string): FieldType {
  return { kind: 'scalar', scalar: name as ScalarName };
}

/** The full name of what is declared inside of a message. */
function nameIn(scope: Scope, name: string): string {
  return scope.type === undefined ? name : `${qualifiedName(scope.type).slice(1)}.${name}`;
}

/** proto3 packs what can be packed unless a field says otherwise; proto2 does where a field says so. */
function isPacked({ options }: ProtoField, type: FieldType, { file }: LinkedProto): boolean {
  const wire = wireOf(type);
  return (
    wire !== WIRE.BYTES &&
    wire !== WIRE.GROUP &&
    (wordOption(options, 'packed') ?? String(file.syntax === 'proto3')) === 'true'
  );
}

function defaultOf({ options }: ProtoField, type: FieldType): ScalarValue | undefined {
  const value = options.find(
    ({ name }) => name.length === 1 && !name[0]!.extension && name[0]!.name === 'default',
  )?.value;
  if (value === undefined || type.kind === 'message') return undefined;
  if (value.kind === 'string') {
    const bytes = Buffer.from(value.bytes, 'latin1');
    return type.kind === 'scalar' && type.scalar === 'bytes' ? bytes : bytes.toString('utf8');
  }
  if (value.kind !== 'word') return undefined;
  if (type.kind === 'enum') return value.text;
  if (type.scalar === 'bool') return value.text === 'true';
  if (type.scalar === 'double' || type.scalar === 'float') return floatOf(value.text);
  const integer = integerOf(value.text);
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}
