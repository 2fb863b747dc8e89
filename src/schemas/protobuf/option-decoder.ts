// Options of a descriptor as they stand in a text: the built-in ones, and custom ones where a linked file tells what
// declares them.
import { invalidSchema } from '../errors.ts';
import { type ProtoOption, type ProtoValue, SCALAR_TYPES } from './ast.ts';
import {
  type Extension,
  Extensions,
  fieldsOf,
  type Member,
  messageOf,
  type MessageType,
  optionsMessage,
  type OptionsType,
} from './extensions.ts';
import { type LinkedProto, qualifiedExtension, qualifiedName, resolveType, type Scope } from './linker.ts';
import { readWireMessage, unpacked, type WireMessage, type WireValue } from './wire.ts';
import { WIRE } from '../../util/index.ts';

const DEPTH_MAX = 32;

export class OptionDecoder {
  readonly #extensions: Extensions | undefined;
  readonly #home: Scope | undefined;
  /** There were options that are not built in, and nothing to read them by. */
  hasSeenOthers = false;

  constructor(proto?: LinkedProto) {
    this.#extensions = proto && new Extensions(proto);
    this.#home = proto?.home;
  }

  options(set: WireMessage | undefined, type: OptionsType): ProtoOption[] {
    if (set === undefined) return [];
    const builtIn = optionsMessage(type);
    return set.tags().flatMap((tag) => {
      const own = fieldsOf(builtIn.declaration).find((candidate) => candidate.tag === tag);
      if (own?.label === 'optional') {
        const name = [{ name: own.name, extension: false }];
        const last = set.values(tag).slice(-1);
        return this.#values({ field: own, scope: builtIn.inside }, last, 0).map((value) => ({ name, value }));
      }
      if (this.#extensions === undefined) {
        this.hasSeenOthers = true;
        return [];
      }
      const extension = this.#extensions.of(`.google.protobuf.${type}`, tag);
      if (extension === undefined) {
        throw invalid(`the option ${tag} of ${type} is not declared in the file and its imports`);
      }
      const name = [{ name: this.#shortName(extension), extension: true }];
      return this.#values(extension, set.values(tag), 0).map((value) => ({ name, value }));
    });
  }

  /** Without the dot in front where that means the same. */
  #shortName({ name }: Extension): string {
    const short = name.slice(1);
    return qualifiedExtension(this.#home!, short) === name ? short : name;
  }

  #values(member: Member, values: readonly WireValue[], depth: number): ProtoValue[] {
    const { type } = member.field;
    const isText = type === 'string' || type === 'bytes';
    const message = isText ? undefined : messageOf(member);
    if (isText || message !== undefined) {
      return values.map((value) => {
        if (typeof value === 'bigint') throw invalid(`the option "${member.field.name}" is not of its type`);
        return message === undefined
          ? { kind: 'string', bytes: value.toString('latin1') }
          : this.#message(message, readWireMessage(value), depth + 1);
      });
    }
    const fixed = FIXED_BYTES[type];
    return values
      .flatMap((value): WireValue[] => {
        if (typeof value === 'bigint' || value.length === fixed) return [value];
        // Several of them, packed.
        return unpacked(value, fixed === undefined ? WIRE.VARINT : fixed === 8 ? WIRE.FIXED64 : WIRE.FIXED32);
      })
      .map((value) => ({ kind: 'word', text: wordOf(member, value) }));
  }

  #message({ declaration, inside }: MessageType, message: WireMessage, depth: number): ProtoValue {
    if (depth > DEPTH_MAX) throw invalid(`its options nest deeper than ${DEPTH_MAX} levels`);
    const fields = message.tags().flatMap((tag) => {
      const field = fieldsOf(declaration).find((candidate) => candidate.tag === tag);
      const extended = inside.type === undefined ? '' : qualifiedName(inside.type);
      const extension = field === undefined ? this.#extensions?.of(extended, tag) : undefined;
      const member = field === undefined ? extension : { field, scope: inside };
      if (member === undefined) throw invalid(`the field ${tag} in an option is not declared`);
      const name = extension === undefined ? member.field.name : `[${extension.name.slice(1)}]`;
      return this.#values(member, message.values(tag), depth).map((value) => ({ name, value }));
    });
    return { kind: 'message', fields };
  }
}

const FIXED_BYTES: Readonly<Record<string, number>> = {
  double: 8,
  fixed64: 8,
  sfixed64: 8,
  float: 4,
  fixed32: 4,
  sfixed32: 4,
};

/** A number, an enum's constant or a bool as it is written. */
function wordOf({ field: { name, type }, scope }: Member, value: WireValue): string {
  if (typeof value !== 'bigint') {
    const fixed = FIXED_BYTES[type];
    if (fixed === undefined || value.length !== fixed) throw invalid(`the option "${name}" is not of its type`);
    if (type === 'double' || type === 'float') {
      const number = type === 'double' ? value.readDoubleLE() : value.readFloatLE();
      return Number.isFinite(number) ? String(number) : Number.isNaN(number) ? 'nan' : number > 0 ? 'inf' : '-inf';
    }
    const bits = fixed === 8 ? value.readBigUInt64LE() : BigInt(value.readUInt32LE());
    return String(type.startsWith('s') ? BigInt.asIntN(fixed * 8, bits) : bits);
  }
  if (type === 'bool') return String(value !== 0n);
  if (type === 'sint32' || type === 'sint64') return String((value >> 1n) ^ -(value & 1n));
  if (type === 'uint64') return String(BigInt.asUintN(64, value));
  if (type === 'uint32') return String(BigInt.asUintN(32, value));
  if (type === 'int64') return String(BigInt.asIntN(64, value));
  const number = Number(BigInt.asIntN(32, value));
  if (SCALAR_TYPES.has(type)) return String(number);
  const named = resolveType(scope, type);
  const constants = named?.kind === 'enum' ? named.declaration.constants : [];
  const constant = constants.find((candidate) => candidate.number === number);
  if (constant === undefined) throw invalid(`${number} is not a value of the option ${name}`);
  return constant.name;
}

function invalid(reason: string): Error {
  return invalidSchema(`Invalid Protobuf descriptor: ${reason}`);
}
