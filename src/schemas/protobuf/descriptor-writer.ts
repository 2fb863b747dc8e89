// A .proto file as a serialized FileDescriptorProto in base64: the form in which the clients that have no parser for
// .proto texts ask for a schema. Everything is resolved: names are in full, maps have their entries, options are encoded.
import { invalidSchema } from '../errors.ts';
import {
  CONSTANT_MAX,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoMessage,
  type ProtoOption,
  type ProtoRange,
  type ProtoReserved,
  type ProtoService,
  SCALAR_TYPES,
  TAG_MAX,
} from './ast.ts';
import { FIELD_TYPES, jsonNameOf } from './descriptor.ts';
import type { OptionsType } from './extensions.ts';
import { type LinkedProto, messagesIn, qualifiedName, resolveType, type Scope } from './linker.ts';
import { defaultText, OptionEncoder } from './option-encoder.ts';
import { WireWriter } from './wire.ts';

/** Short names of deep things can become very long: all names written in full have this many characters at most. */
const NAMES_CHARS_MAX = 20_000_000;
/** What the original registry calls a file, whose name is nowhere in its text. */
const FILE_NAME = 'default';
const LABELS = { optional: 1, required: 2, repeated: 3 } as const;

export function serializedDescriptor(proto: LinkedProto): string {
  return new DescriptorWriter(proto).file(FILE_NAME).toString('base64');
}

class DescriptorWriter {
  readonly #proto: LinkedProto;
  readonly #isProto3: boolean;
  readonly #options: OptionEncoder;
  #charsLeft = NAMES_CHARS_MAX;

  constructor(proto: LinkedProto) {
    this.#proto = proto;
    this.#isProto3 = proto.file.syntax === 'proto3';
    this.#options = new OptionEncoder(proto);
  }

  file(name: string): Buffer {
    const { file, home } = this.#proto;
    const out = new WireWriter().text(1, name).text(2, file.package);
    for (const { path } of file.imports) out.text(3, path);
    for (const message of messagesIn(file)) out.bytes(4, this.#message(message));
    for (const found of file.enums) out.bytes(5, this.#enum(found, home));
    for (const service of file.services) out.bytes(6, this.#service(service, home));
    for (const extend of file.extends) this.#extend(out, 7, extend, home);
    out.bytes(8, this.#encoded(file.options, 'FileOptions', home));
    for (const [i, { kind }] of file.imports.entries()) {
      if (kind !== undefined) out.integer(kind === 'public' ? 10 : 11, i);
    }
    return out.text(12, this.#isProto3 ? 'proto3' : undefined).toBuffer();
  }

  #message(message: ProtoMessage): Buffer {
    const scope = this.#proto.scopeOf(message);
    const out = new WireWriter().text(1, message.name);
    const oneofs = message.oneofs.map(({ name, options }) => ({ name, options }));
    const entries: Buffer[] = [];
    const addField = (field: ProtoField, oneof?: number) => {
      if (field.mapKey === undefined) {
        // An `optional` that is written has a oneof of its own in proto3.
        const isExplicit = this.#isProto3 && field.label === 'optional';
        if (isExplicit) oneofs.push({ name: oneofNameOf(field.name, message), options: [] });
        out.bytes(2, this.#field(field, scope, { oneof: isExplicit ? oneofs.length - 1 : oneof, isExplicit }));
      } else {
        const entry = `${capitalized(jsonNameOf(field.name))}Entry`;
        entries.push(this.#mapEntry(entry, field, scope));
        const typeName = this.#inFull(`${pathOf(scope, this.#proto.file)}.${entry}`);
        out.bytes(2, this.#field({ ...field, label: 'repeated' }, scope, { messageType: typeName }));
      }
    };
    for (const field of message.fields) addField(field);
    for (const [i, oneof] of message.oneofs.entries()) {
      for (const field of oneof.fields) addField(field, i);
      for (const group of oneof.groups) out.bytes(2, this.#group(group, scope, { oneof: i }));
    }
    for (const group of message.groups) out.bytes(2, this.#group(group, scope));
    for (const inner of messagesIn(message)) out.bytes(3, this.#message(inner));
    // Behind the messages that are declared, whose places are part of every record.
    for (const entry of entries) out.bytes(3, entry);
    for (const inner of message.enums) out.bytes(4, this.#enum(inner, scope));
    for (const { ranges, options } of message.extensions) {
      const encoded = this.#encoded(options, 'ExtensionRangeOptions', scope);
      for (const { from, to } of ranges) {
        const range = new WireWriter().integer(1, from).integer(2, to + 1);
        out.bytes(5, range.bytes(3, encoded).toBuffer());
      }
    }
    for (const extend of message.extends) this.#extend(out, 6, extend, scope);
    out.bytes(7, this.#encoded(message.options, 'MessageOptions', scope));
    for (const { name, options } of oneofs) {
      const oneof = new WireWriter().text(1, name).bytes(2, this.#encoded(options, 'OneofOptions', scope));
      out.bytes(8, oneof.toBuffer());
    }
    reserved(out, 9, 10, message.reserved, ({ from, to }) => [from, Math.min(to, TAG_MAX) + 1]);
    return out.toBuffer();
  }

  #mapEntry(name: string, { mapKey, type }: ProtoField, scope: Scope): Buffer {
    const members = [
      { name: 'key', tag: 1, type: mapKey! },
      { name: 'value', tag: 2, type },
    ];
    const out = new WireWriter().text(1, name);
    for (const member of members) out.bytes(2, this.#field({ ...member, options: [] }, scope));
    return out.bytes(7, new WireWriter().integer(7, 1).toBuffer()).toBuffer();
  }

  #field(field: ProtoField, scope: Scope, how: Placement = {}): Buffer {
    const type = SCALAR_TYPES.has(field.type) ? undefined : resolveType(scope, field.type);
    const kind = how.messageType === undefined ? (type?.kind ?? field.type) : 'message';
    const typeName = how.messageType ?? (type === undefined ? undefined : this.#inFull(qualifiedName(type)));
    return this.#fieldOf({ ...field, kind, typeName }, scope, how);
  }

  #group({ label, tag, options, message }: ProtoGroup, scope: Scope, how: Placement = {}): Buffer {
    const typeName = this.#inFull(pathOf(this.#proto.scopeOf(message), this.#proto.file));
    const name = message.name.toLowerCase();
    return this.#fieldOf(
      { name, tag, options, kind: 'group', typeName, ...(label === undefined ? {} : { label }) },
      scope,
      how,
    );
  }

  #fieldOf(
    field: Pick<ProtoField, 'name' | 'tag' | 'label' | 'options'> & { kind: string; typeName: string | undefined },
    scope: Scope,
    how: Placement,
  ): Buffer {
    const option = (name: string) =>
      field.options.find(({ name: [part, ...rest] }) => rest.length === 0 && !part!.extension && part!.name === name);
    const jsonName = option('json_name')?.value;
    const byDefault = option('default')?.value;
    return new WireWriter()
      .text(1, field.name)
      .text(2, how.extendee)
      .integer(3, field.tag)
      .integer(4, LABELS[field.label ?? 'optional'])
      .integer(5, FIELD_TYPES.indexOf(field.kind))
      .text(6, field.typeName)
      .text(7, byDefault === undefined ? undefined : defaultText(field.kind, byDefault))
      .bytes(8, this.#encoded(field.options, 'FieldOptions', scope))
      .integer(9, how.oneof)
      .text(
        10,
        jsonName?.kind === 'string' ? Buffer.from(jsonName.bytes, 'latin1').toString('utf8') : jsonNameOf(field.name),
      )
      .integer(17, how.isExplicit === true ? 1 : undefined)
      .toBuffer();
  }

  #extend(out: WireWriter, tag: number, extend: ProtoExtend, scope: Scope): void {
    const extendee = this.#typeName(extend.type, scope);
    for (const field of extend.fields) {
      const isExplicit = this.#isProto3 && field.label === 'optional';
      out.bytes(tag, this.#field(field, scope, { extendee, isExplicit }));
    }
    for (const group of extend.groups) out.bytes(tag, this.#group(group, scope, { extendee }));
  }

  #enum(found: ProtoEnum, scope: Scope): Buffer {
    const out = new WireWriter().text(1, found.name);
    for (const { name, number, options } of found.constants) {
      const constant = new WireWriter().text(1, name).integer(2, number);
      out.bytes(2, constant.bytes(3, this.#encoded(options, 'EnumValueOptions', scope)).toBuffer());
    }
    out.bytes(3, this.#encoded(found.options, 'EnumOptions', scope));
    reserved(out, 4, 5, found.reserved, ({ from, to }) => [from, Math.min(to, CONSTANT_MAX)]);
    return out.toBuffer();
  }

  #service({ name, methods, options }: ProtoService, scope: Scope): Buffer {
    const out = new WireWriter().text(1, name);
    for (const method of methods) {
      const written = new WireWriter()
        .text(1, method.name)
        .text(2, this.#typeName(method.input, scope))
        .text(3, this.#typeName(method.output, scope))
        .bytes(4, this.#encoded(method.options, 'MethodOptions', scope))
        .integer(5, method.clientStreaming ? 1 : undefined)
        .integer(6, method.serverStreaming ? 1 : undefined);
      out.bytes(2, written.toBuffer());
    }
    return out.bytes(3, this.#encoded(options, 'ServiceOptions', scope)).toBuffer();
  }

  #encoded(options: readonly ProtoOption[], type: OptionsType, scope: Scope): Buffer | undefined {
    return options.length === 0 ? undefined : this.#options.encoded(options, type, scope);
  }

  #typeName(name: string, scope: Scope): string {
    const type = resolveType(scope, name);
    return type === undefined ? name : this.#inFull(qualifiedName(type));
  }

  #inFull(name: string): string {
    this.#charsLeft -= name.length;
    if (this.#charsLeft < 0) {
      throw invalidSchema(
        `Invalid Protobuf schema: serialized, its names have more than ${NAMES_CHARS_MAX} characters`,
      );
    }
    return name;
  }
}

/** What a field's descriptor says beyond its declaration. */
interface Placement {
  readonly oneof?: number | undefined;
  readonly isExplicit?: boolean;
  readonly extendee?: string;
  /** The entry that a map's field is made of. */
  readonly messageType?: string;
}

function reserved(
  out: WireWriter,
  rangeTag: number,
  nameTag: number,
  statements: readonly ProtoReserved[],
  bounds: (range: ProtoRange) => [from: number, to: number],
): void {
  for (const range of statements.flatMap(({ ranges }) => ranges)) {
    const [from, to] = bounds(range);
    out.bytes(rangeTag, new WireWriter().integer(1, from).integer(2, to).toBuffer());
  }
  for (const name of statements.flatMap(({ names }) => names)) out.text(nameTag, name);
}

/** With a leading dot. */
function pathOf(scope: Scope, { package: home }: ProtoFile): string {
  const name = scope.type?.localName ?? '';
  return home === undefined ? `.${name}` : `.${home}.${name}`;
}

/** The oneof that stands for a field's `optional`; its name is free in the message. */
function oneofNameOf(field: string, { fields, oneofs, messages, enums }: ProtoMessage): string {
  const taken = new Set([
    ...[...fields, ...oneofs, ...messages, ...enums].map(({ name }) => name),
    ...oneofs.flatMap((oneof) => oneof.fields.map(({ name }) => name)),
  ]);
  let name = `_${field}`;
  while (taken.has(name)) name = `X${name}`;
  return name;
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
