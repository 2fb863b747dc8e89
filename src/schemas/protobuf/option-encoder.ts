// Options as they stand in a descriptor: a message of the options' own type, built-in fields and custom extensions alike.
import { type ProtoNamePart, type ProtoOption, type ProtoScalar, type ProtoValue, SCALAR_TYPES } from './ast.ts';
import {
  Extensions,
  fieldsOf,
  type Member,
  messageOf,
  type MessageType,
  optionsMessage,
  type OptionsType,
} from './extensions.ts';
import { type LinkedProto, qualifiedExtension, resolveType, type Scope } from './linker.ts';
import { WireWriter } from './wire.ts';

/** Options of fields that have places of their own in a descriptor. */
const NOT_OPTIONS = ['default', 'json_name'];

export class OptionEncoder {
  readonly #extensions: Extensions;

  constructor(proto: LinkedProto) {
    this.#extensions = new Extensions(proto);
  }

  /** Undefined where nothing is left to be said. Options that no visible file declares are left out. */
  encoded(options: readonly ProtoOption[], type: OptionsType, scope: Scope): Buffer | undefined {
    const message = optionsMessage(type);
    const out = new WireWriter();
    for (const { name, value } of options) {
      if (name.length === 1 && !name[0]!.extension && NOT_OPTIONS.includes(name[0]!.name)) continue;
      this.#set(out, name, value, { ...message, scope });
    }
    return out.isEmpty ? undefined : out.toBuffer();
  }

  #set(out: WireWriter, [part, ...rest]: readonly ProtoNamePart[], value: ProtoValue, at: Place): void {
    const member = this.#member(part!, at);
    if (member === undefined) return;
    if (rest.length === 0) {
      this.#value(out, member, value, at.scope);
      return;
    }
    const message = messageOf(member);
    if (message === undefined) return;
    const inner = new WireWriter();
    this.#set(inner, rest, value, { ...message, scope: at.scope });
    out.bytes(member.field.tag, inner.toBuffer());
  }

  #member({ name, extension }: ProtoNamePart, { declaration, inside, scope }: Place): Member | undefined {
    if (extension) {
      const full = qualifiedExtension(scope, name);
      return full === undefined ? undefined : this.#extensions.named(full);
    }
    const field = fieldsOf(declaration).find((candidate) => candidate.name === name);
    return field === undefined ? undefined : { field, scope: inside };
  }

  #value(out: WireWriter, member: Member, value: ProtoValue, scope: Scope): void {
    if (value.kind === 'list') {
      for (const item of value.values) this.#value(out, member, item, scope);
    } else if (value.kind === 'message') {
      const message = messageOf(member);
      if (message === undefined) return;
      const inner = new WireWriter();
      for (const { name, value: own } of value.fields) {
        const extension = /^\[([\w.]+)\]$/.exec(name)?.[1];
        const part = { name: extension ?? name, extension: extension !== undefined };
        this.#set(inner, [part], own, { ...message, scope });
      }
      out.bytes(member.field.tag, inner.toBuffer());
    } else {
      scalar(out, member, value);
    }
  }
}

interface Place extends MessageType {
  /** The scope in which the option is written. */
  readonly scope: Scope;
}

function scalar(out: WireWriter, { field: { tag, type }, scope }: Member, value: ProtoScalar): void {
  if (value.kind === 'string') {
    if (type === 'string' || type === 'bytes') out.bytes(tag, Buffer.from(value.bytes, 'latin1'));
    return;
  }
  const word = value.text;
  switch (type) {
    case 'string':
    case 'bytes':
      break;
    case 'bool':
      out.integer(tag, word === 'true' || word === '1' ? 1 : 0);
      break;
    case 'double':
      out.fixed(
        tag,
        fixedBytes(8, (bytes) => bytes.writeDoubleLE(floatOf(word))),
      );
      break;
    case 'float':
      out.fixed(
        tag,
        fixedBytes(4, (bytes) => bytes.writeFloatLE(floatOf(word))),
      );
      break;
    case 'fixed64':
    case 'sfixed64':
      out.fixed(
        tag,
        fixedBytes(8, (bytes) => bytes.writeBigUInt64LE(BigInt.asUintN(64, integerOf(word)))),
      );
      break;
    case 'fixed32':
    case 'sfixed32':
      out.fixed(
        tag,
        fixedBytes(4, (bytes) => bytes.writeInt32LE(Number(BigInt.asIntN(32, integerOf(word))))),
      );
      break;
    case 'sint32':
    case 'sint64':
      out.integer(tag, (integerOf(word) << 1n) ^ (integerOf(word) >> 63n));
      break;
    default: {
      const named = SCALAR_TYPES.has(type) ? undefined : resolveType(scope, type);
      if (named?.kind === 'message') break;
      const constants = named?.declaration.constants;
      out.integer(tag, constants === undefined ? integerOf(word) : constants.find(({ name }) => name === word)?.number);
    }
  }
}

/** What a field's default is in a descriptor: always a text. */
export function defaultText(type: string, value: ProtoValue): string {
  if (value.kind === 'string') {
    return type === 'bytes'
      ? value.bytes.replaceAll(/[\n\r\t"'\\]|[^\x20-\x7e]/g, escaped)
      : Buffer.from(value.bytes, 'latin1').toString('utf8');
  }
  const word = value.kind === 'word' ? value.text : '';
  if (type === 'float' || type === 'double') {
    const number = floatOf(word);
    return Number.isFinite(number) ? String(number) : Number.isNaN(number) ? 'nan' : number > 0 ? 'inf' : '-inf';
  }
  return type === 'bool' || type === 'enum' ? word : String(integerOf(word));
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(byte: string): string {
  if (/["'\\]/.test(byte)) return `\\${byte}`;
  return ESCAPES[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`;
}

function fixedBytes(length: 4 | 8, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
}

/** An integer as it is written in a file: decimal, octal or hexadecimal. */
export function integerOf(word: string): bigint {
  const [, sign = '', digits = ''] = /^([-+]?)\s*(0[xX][0-9a-fA-F]+|\d+)$/.exec(word) ?? [];
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  return sign === '-' ? -BigInt(octal) : BigInt(octal);
}

export function floatOf(word: string): number {
  const [, sign = '', rest = ''] = /^([-+]?)\s*(.*)$/s.exec(word) ?? [];
  const lower = rest.toLowerCase();
  const size = /^inf(inity)?$/.test(lower)
    ? Infinity
    : Number(lower.startsWith('0x') ? lower : lower.replace(/f$/, ''));
  return sign === '-' ? -size : size;
}
