// A serialized FileDescriptorProto in base64, which is what the Python and .NET clients register, as a .proto file.
import { invalidSchema } from '../errors.ts';
import {
  CONSTANT_MAX,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoImport,
  type ProtoLabel,
  type ProtoMessage,
  type ProtoOption,
  type ProtoReserved,
  type ProtoService,
  type ProtoValue,
  TAG_MAX,
} from './ast.ts';
import { utf8Bytes } from './lexer.ts';
import { parseProto } from './parser.ts';
import type { OptionDecoder } from './option-decoder.ts';
import { type WireMessage, readWireMessage } from './wire.ts';

/** Serialized, a descriptor starts with the file's name; and no .proto text is without a brace or a semicolon. */
export function looksLikeDescriptor(text: string): boolean {
  return /^C[g-v][A-Za-z0-9+/]+={0,2}$/.test(text.trim());
}

/** `options` reads those that are custom; on its own this file knows the built-in ones. */
export function fileOfDescriptor(base64: string, options: OptionDecoder): ProtoFile {
  if (base64.length > BASE64_CHARS_MAX) throw invalid(`it has more than ${BASE64_CHARS_MAX} characters`);
  const file = readWireMessage(Buffer.from(base64.trim(), 'base64'));
  const syntax = file.text(12);
  if (syntax !== undefined && syntax !== 'proto2' && syntax !== 'proto3') {
    throw invalid(`its syntax is ${JSON.stringify(syntax)}, but only proto2 and proto3 are supported`);
  }
  const home = file.text(2);
  const messages = file.messages(4);
  const extensions = file.messages(7);
  const groups = groupsOf(extensions, messages);
  const isPublic = new Set(file.numbers(10));
  const isWeak = new Set(file.numbers(11));
  const reader = new Reader(syntax === 'proto3', options);
  return {
    ...(syntax !== undefined && { syntax }),
    ...(home !== undefined && home !== '' && { package: name(home) }),
    imports: file.texts(3).map(
      (path, i): ProtoImport => ({
        path,
        ...(isPublic.has(i) ? { kind: 'public' } : isWeak.has(i) ? { kind: 'weak' } : {}),
      }),
    ),
    options: options.options(file.message(8), 'FileOptions'),
    messages: messages
      .filter((message) => groups.get(message.text(1)) !== message)
      .map((message) => reader.message(message, 1)),
    enums: file.messages(5).map((found) => reader.enum(found)),
    extends: reader.extends(extensions, groups, 1),
    services: file.messages(6).map((found) => reader.service(found)),
  };
}

const DEPTH_MAX = 32;
/** Bytes become objects here, so a descriptor may be less long than a text. */
const BASE64_CHARS_MAX = 2_000_000;
export const FIELD_TYPES: readonly string[] =
  ' double float int64 uint64 int32 fixed64 fixed32 bool string group message bytes uint32 enum sfixed32 sfixed64 sint32 sint64'.split(
    ' ',
  );
const GROUP = 10;
const LABELS: readonly (ProtoLabel | undefined)[] = [undefined, 'optional', 'required', 'repeated'];

class Reader {
  readonly #isProto3: boolean;
  readonly #options: OptionDecoder;

  constructor(isProto3: boolean, options: OptionDecoder) {
    this.#isProto3 = isProto3;
    this.#options = options;
  }

  message(message: WireMessage, depth: number): ProtoMessage {
    if (depth > DEPTH_MAX) throw invalid(`its messages nest deeper than ${DEPTH_MAX} levels`);
    const nested = message.messages(3);
    const fields = message.messages(2);
    const entries = new Map(nested.filter(isMapEntry).map((entry) => [entry.text(1), entry]));
    const groups = groupsOf([...fields, ...message.messages(6)], nested);
    const members = new Map<number | undefined, WireMessage[]>();
    for (const field of fields) {
      const oneof = inOneof(field) ? field.number(9) : undefined;
      const known = members.get(oneof);
      if (known === undefined) members.set(oneof, [field]);
      else known.push(field);
    }
    const read = (all: readonly WireMessage[] = []) => ({
      fields: all.filter((field) => !isGroup(field)).map((field) => this.#field(field, entries)),
      groups: all.filter(isGroup).map((field) => this.#group(field, groups, depth)),
    });
    const oneofs = message.messages(8).map((oneof, index) => ({
      name: name(oneof.text(1)),
      options: this.#options.options(oneof.message(2), 'OneofOptions'),
      ...read(members.get(index)),
    }));
    return {
      name: name(message.text(1)),
      reserved: reserved(message.messages(9), message.texts(10), 1, TAG_MAX),
      options: this.#options.options(message.message(7), 'MessageOptions'),
      ...read(members.get(undefined)),
      // The oneof that only stands for a field's label has no members here.
      oneofs: oneofs.filter((oneof) => oneof.fields.length + oneof.groups.length > 0),
      extensions: message.messages(5).map((range) => ({
        ranges: [{ from: range.number(1) ?? 0, to: Math.min((range.number(2) ?? 0) - 1, TAG_MAX) }],
        options: this.#options.options(range.message(3), 'ExtensionRangeOptions'),
      })),
      extends: this.extends(message.messages(6), groups, depth),
      messages: nested
        .filter((inner) => !isMapEntry(inner) && groups.get(inner.text(1)) !== inner)
        .map((inner) => this.message(inner, depth + 1)),
      enums: message.messages(4).map((found) => this.enum(found)),
    };
  }

  /** Neighbours that extend the same message are one declaration. */
  extends(extensions: readonly WireMessage[], groups: Groups, depth: number): ProtoExtend[] {
    const found: { type: string; fields: ProtoField[]; groups: ProtoGroup[] }[] = [];
    for (const extension of extensions) {
      const type = name(extension.text(2));
      let last = found.at(-1);
      if (last?.type !== type) {
        last = { type, fields: [], groups: [] };
        found.push(last);
      }
      if (isGroup(extension)) last.groups.push(this.#group(extension, groups, depth));
      else last.fields.push(this.#field(extension, new Map()));
    }
    return found;
  }

  #field(field: WireMessage, entries: ReadonlyMap<string | undefined, WireMessage>): ProtoField {
    const own = { name: name(field.text(1)), tag: field.number(3) ?? 0, options: this.#fieldOptions(field) };
    const entry = entries.get(field.text(6)?.split('.').at(-1));
    if (entry !== undefined && LABELS[field.number(4) ?? 0] === 'repeated') {
      const [key, value] = entry.messages(2);
      if (key !== undefined && value !== undefined) return { mapKey: typeOf(key), type: typeOf(value), ...own };
    }
    return { ...this.#label(field), type: typeOf(field), ...own };
  }

  #group(field: WireMessage, groups: Groups, depth: number): ProtoGroup {
    const message = groups.get(groupName(field));
    if (message === undefined) throw invalid(`the group "${field.text(1)}" has no message`);
    return {
      ...this.#label(field),
      tag: field.number(3) ?? 0,
      options: this.#fieldOptions(field),
      message: this.message(message, depth + 1),
    };
  }

  #label(field: WireMessage): { label?: ProtoLabel } {
    const label = LABELS[field.number(4) ?? 0];
    const isUnwritten = inOneof(field) || (this.#isProto3 && label === 'optional' && field.number(17) !== 1);
    return label === undefined || isUnwritten ? {} : { label };
  }

  #fieldOptions(field: WireMessage): ProtoOption[] {
    const found = this.#options.options(field.message(8), 'FieldOptions');
    const jsonName = field.text(10);
    if (jsonName !== undefined && jsonName !== jsonNameOf(field.text(1)!)) {
      found.unshift(plainOption('json_name', { kind: 'string', bytes: utf8Bytes(jsonName) }));
    }
    const value = field.text(7);
    if (value !== undefined) found.unshift(plainOption('default', defaultOf(typeOf(field), value)));
    return found;
  }

  enum(found: WireMessage): ProtoEnum {
    return {
      name: name(found.text(1)),
      reserved: reserved(found.messages(4), found.texts(5), 0, CONSTANT_MAX),
      options: this.#options.options(found.message(3), 'EnumOptions'),
      constants: found.messages(2).map((constant) => ({
        name: name(constant.text(1)),
        number: constant.number(2) ?? 0,
        options: this.#options.options(constant.message(3), 'EnumValueOptions'),
      })),
    };
  }

  service(found: WireMessage): ProtoService {
    return {
      name: name(found.text(1)),
      options: this.#options.options(found.message(3), 'ServiceOptions'),
      methods: found.messages(2).map((method) => ({
        name: name(method.text(1)),
        input: name(method.text(2)),
        output: name(method.text(3)),
        clientStreaming: method.number(5) === 1,
        serverStreaming: method.number(6) === 1,
        options: this.#options.options(method.message(4), 'MethodOptions'),
      })),
    };
  }
}

/** `open` is 1 where a range's end is not part of it. */
function reserved(ranges: readonly WireMessage[], names: readonly string[], open: 0 | 1, max: number): ProtoReserved[] {
  const numbers = ranges.map((range) => ({
    from: range.number(1) ?? 0,
    to: Math.min((range.number(2) ?? 0) - open, max),
  }));
  return [
    ...(numbers.length > 0 ? [{ ranges: numbers, names: [] }] : []),
    ...(names.length > 0 ? [{ ranges: [], names }] : []),
  ];
}

function plainOption(option: string, value: ProtoValue): ProtoOption {
  return { name: [{ name: option, extension: false }], value };
}

function defaultOf(type: string, value: string): ProtoValue {
  if (type === 'string') return { kind: 'string', bytes: utf8Bytes(value) };
  // The default of bytes is written with the escapes of a .proto text.
  if (type === 'bytes') return parseProto(`option a = "${value}";`).file.options[0]!.value;
  if (!/^[-+.\w]+$/.test(value)) throw invalid(`${JSON.stringify(value)} is not a default`);
  return { kind: 'word', text: value };
}

function typeOf(field: WireMessage): string {
  const named = field.text(6);
  if (named !== undefined && named !== '') return name(named);
  const type = FIELD_TYPES[field.number(5) ?? 0];
  if (!type) throw invalid(`the field ${JSON.stringify(field.text(1))} has no type`);
  return type;
}

/** In a oneof that is written as one: proto3's `optional` makes another of its own. */
function inOneof(field: WireMessage): boolean {
  return field.number(9) !== undefined && field.number(17) !== 1;
}

function isGroup(field: WireMessage): boolean {
  return field.number(5) === GROUP;
}

function groupName(field: WireMessage): string | undefined {
  return field.text(6)?.split('.').at(-1);
}

/** The messages that are declared together with a field, by name. */
type Groups = ReadonlyMap<string | undefined, WireMessage>;

function groupsOf(fields: readonly WireMessage[], messages: readonly WireMessage[]): Groups {
  const names = new Set(fields.filter(isGroup).map(groupName));
  return new Map(messages.filter((found) => names.has(found.text(1))).map((found) => [found.text(1), found]));
}

function isMapEntry(message: WireMessage): boolean {
  return message.message(7)?.number(7) === 1;
}

/** What a field is called in JSON unless it says otherwise. */
export function jsonNameOf(field: string): string {
  return field.replaceAll(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

function name(text: string | undefined): string {
  if (text === undefined || !/^\.?[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(text)) {
    throw invalid(`${JSON.stringify(text ?? '')} is not a name`);
  }
  return text;
}

function invalid(reason: string): Error {
  return invalidSchema(`Invalid Protobuf descriptor: ${reason}`);
}
