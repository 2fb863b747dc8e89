// The normalized form of a file: two files that mean the same are printed alike. What has no order is put into one, names
// are written in full; only messages stay where they are, because their place is part of every record.
import { invalidSchema } from '../errors.ts';
import {
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoMessage,
  type ProtoMethod,
  type ProtoNamePart,
  type ProtoOneof,
  type ProtoOption,
  type ProtoReserved,
  type ProtoService,
  type ProtoValue,
  type ProtoValueField,
  SCALAR_TYPES,
} from './ast.ts';
import { type LinkedProto, qualifiedExtension, qualifiedName, resolveType, type Scope } from './linker.ts';
import { optionName } from './printer.ts';

/** Short names of deep things can become very long: all names written in full have this many characters at most. */
const NAMES_CHARS_MAX = 20_000_000;

export function normalizeProto(proto: LinkedProto): ProtoFile {
  return new Normalizer(proto).file();
}

class Normalizer {
  readonly #proto: LinkedProto;
  #charsLeft = NAMES_CHARS_MAX;

  constructor(proto: LinkedProto) {
    this.#proto = proto;
  }

  file(): ProtoFile {
    const { file, home } = this.#proto;
    return {
      ...(file.syntax === 'proto3' && { syntax: 'proto3' }),
      ...(file.package !== undefined && { package: file.package }),
      imports: file.imports.toSorted((a, b) => compare(a.path, b.path)),
      options: this.#options(file.options, home),
      messages: file.messages.map((message) => this.#message(message)),
      enums: file.enums.map((found) => this.#enum(found, home)),
      extends: file.extends.map((extend) => this.#extend(extend, home)),
      services: file.services.map((service) => this.#service(service, home)),
    };
  }

  #message(message: ProtoMessage): ProtoMessage {
    const scope = this.#proto.scopeOf(message);
    return {
      name: message.name,
      reserved: splitReserved(message.reserved),
      options: this.#options(message.options, scope),
      fields: this.#fields(message.fields, scope),
      oneofs: message.oneofs.map((oneof) => this.#oneof(oneof, scope)).toSorted((a, b) => firstTag(a) - firstTag(b)),
      groups: this.#groups(message.groups, scope),
      extensions: message.extensions
        .flatMap(({ ranges, options }) =>
          ranges.map((range) => ({ ranges: [range], options: this.#options(options, scope) })),
        )
        .toSorted((a, b) => a.ranges[0]!.from - b.ranges[0]!.from),
      extends: message.extends.map((extend) => this.#extend(extend, scope)),
      messages: message.messages.map((inner) => this.#message(inner)),
      enums: message.enums.map((inner) => this.#enum(inner, scope)),
    };
  }

  #fields(fields: readonly ProtoField[], scope: Scope): ProtoField[] {
    return fields
      .map((field) => ({
        ...field,
        type: this.#type(field.type, scope),
        options: this.#options(field.options, scope),
      }))
      .sort((a, b) => a.tag - b.tag);
  }

  #groups(groups: readonly ProtoGroup[], scope: Scope): ProtoGroup[] {
    return groups
      .map((group) => ({
        ...group,
        options: this.#options(group.options, scope),
        message: this.#message(group.message),
      }))
      .sort((a, b) => a.tag - b.tag);
  }

  #oneof({ name, options, fields, groups }: ProtoOneof, scope: Scope): ProtoOneof {
    return {
      name,
      options: this.#options(options, scope),
      fields: this.#fields(fields, scope),
      groups: this.#groups(groups, scope),
    };
  }

  #extend({ type, fields, groups }: ProtoExtend, scope: Scope): ProtoExtend {
    return { type: this.#type(type, scope), fields: this.#fields(fields, scope), groups: this.#groups(groups, scope) };
  }

  #enum({ name, reserved, options, constants }: ProtoEnum, scope: Scope): ProtoEnum {
    return {
      name,
      reserved: splitReserved(reserved),
      options: this.#options(options, scope),
      constants: constants.map((constant) => ({ ...constant, options: this.#options(constant.options, scope) })),
    };
  }

  #service({ name, options, methods }: ProtoService, scope: Scope): ProtoService {
    return {
      name,
      options: this.#options(options, scope),
      methods: methods.map(
        (method): ProtoMethod => ({
          ...method,
          input: this.#type(method.input, scope),
          output: this.#type(method.output, scope),
          options: this.#options(method.options, scope),
        }),
      ),
    };
  }

  #type(name: string, scope: Scope): string {
    if (SCALAR_TYPES.has(name)) return name;
    const type = resolveType(scope, name);
    return type === undefined ? name : this.#inFull(qualifiedName(type));
  }

  #inFull(name: string): string {
    this.#charsLeft -= name.length;
    if (this.#charsLeft < 0) {
      throw invalidSchema(
        `Invalid Protobuf schema: normalized, its names have more than ${NAMES_CHARS_MAX} characters`,
      );
    }
    return name;
  }

  #part({ name, extension }: ProtoNamePart, scope: Scope): ProtoNamePart {
    const full = extension ? qualifiedExtension(scope, name) : undefined;
    return { name: full === undefined ? name : this.#inFull(full), extension };
  }

  /** By name, those of one name in the order they came; what sets parts of one custom option becomes one message. */
  #options(options: readonly ProtoOption[], scope: Scope): ProtoOption[] {
    const merged: ProtoOption[] = [];
    const parts = new Map<string, Parts>();
    for (const option of options) {
      const name = option.name.map((part) => this.#part(part, scope));
      const head = name[0]!;
      if (name.length === 1 || !head.extension) {
        merged.push({ name, value: option.value });
        continue;
      }
      let ofHead = parts.get(head.name);
      if (ofHead === undefined) {
        ofHead = new Parts();
        parts.set(head.name, ofHead);
      }
      ofHead.add(name.slice(1), option.value);
    }
    for (const [name, ofHead] of parts) merged.push({ name: [{ name, extension: true }], value: ofHead.value() });
    return merged.sort((a, b) => compare(optionName(a.name), optionName(b.name)));
  }
}

/** What dotted names like `(header).author.name` put together. */
class Parts {
  readonly #values: ProtoValueField[] = [];
  readonly #deeper = new Map<string, Parts>();

  add([part, ...rest]: readonly ProtoNamePart[], value: ProtoValue): void {
    const name = part!.extension ? `[${part!.name.replace(/^\./, '')}]` : part!.name;
    if (rest.length === 0) {
      this.#values.push({ name, value });
      return;
    }
    const deeper = this.#deeper.get(name) ?? new Parts();
    this.#deeper.set(name, deeper);
    deeper.add(rest, value);
  }

  value(): ProtoValue {
    const inner = [...this.#deeper].map(([name, parts]) => ({ name, value: parts.value() }));
    return { kind: 'message', fields: [...this.#values, ...inner].sort((a, b) => compare(a.name, b.name)) };
  }
}

function splitReserved(statements: readonly ProtoReserved[]): ProtoReserved[] {
  const ranges = statements.flatMap((statement) => statement.ranges).sort((a, b) => a.from - b.from);
  const names = statements.flatMap((statement) => statement.names).sort(compare);
  return [
    ...ranges.map((range) => ({ ranges: [range], names: [] })),
    ...names.map((name) => ({ ranges: [], names: [name] })),
  ];
}

function firstTag({ fields, groups }: ProtoOneof): number {
  return Math.min(fields[0]?.tag ?? Infinity, groups[0]?.tag ?? Infinity);
}

/** By code unit: not by a language's rules, which differ from machine to machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
