// Protobuf for the registry: a text and the files it refers to become a schema that prints and compares itself.
import type { ParsedSchema, ResolvedReference } from '../parsed-schema.ts';
import type { Incompatibility, Place } from '../incompatibility.ts';
import { describeDifference, isCompatible, protobufDifferences } from './compatibility.ts';
import { invalidSchema } from '../errors.ts';
import { byKey, type SchemaElement } from '../elements.ts';
import { FILE, protobufElements } from './elements.ts';
import type { ProtoOption } from './ast.ts';
import { checkProto } from './checker.ts';
import { fileOfDescriptor, looksLikeDescriptor } from './descriptor.ts';
import { serializedDescriptor } from './descriptor-writer.ts';
import { type LinkedProto, linkProto, type ProtoDependency } from './linker.ts';
import { normalizeProto } from './normalizer.ts';
import { OptionDecoder } from './option-decoder.ts';
import { TEXT_CHARS_MAX } from './parser.ts';
import { printProto } from './printer.ts';

export function parseProtobuf(text: string, references: readonly ResolvedReference[]): ParsedSchema {
  const proto = linkProtobuf(text, references);
  checkProto(proto);
  const { package: home = '', imports, options, messages, enums, extends: extensions, services } = proto.file;
  const declared = [home, imports, options, messages, enums, extensions, services];
  if (declared.every(({ length }) => length === 0)) throw invalidSchema('Empty schema: it declares nothing');
  return new ParsedProtobuf(proto);
}

/** The file of a registered schema, connected with those that it imports; what a registry took is not checked again. */
export function linkProtobuf(text: string, references: readonly ProtoDependency[]): LinkedProto {
  return looksLikeDescriptor(text) ? linkDescriptor(text, references) : linkProto(text, references);
}

/** What declares a custom option is known when the file is linked, so a descriptor that has some is read once more. */
function linkDescriptor(base64: string, references: readonly ProtoDependency[]): LinkedProto {
  const builtIn = new OptionDecoder();
  const proto = linkProto(printProto(fileOfDescriptor(base64, builtIn)), references);
  return builtIn.hasSeenOthers
    ? linkProto(printProto(fileOfDescriptor(base64, new OptionDecoder(proto))), references)
    : proto;
}

class ParsedProtobuf implements ParsedSchema {
  readonly schemaType = 'PROTOBUF';
  readonly canonical: string;
  readonly #proto: LinkedProto;
  #normalized: string | undefined;
  #elements: Elements | undefined;

  constructor(proto: LinkedProto) {
    this.#proto = proto;
    this.canonical = printProto(proto.file);
    // What is stored must be readable again.
    if (this.canonical.length > TEXT_CHARS_MAX) {
      throw invalidSchema(`Invalid Protobuf schema: its canonical text has more than ${TEXT_CHARS_MAX} characters`);
    }
  }

  get normalized(): string {
    this.#normalized ??= printProto(normalizeProto(this.#proto));
    return this.#normalized;
  }

  inFormat(format: string): string | undefined {
    if (format === 'ignore_extensions') return printProto(withoutCustomOptions(this.#proto.file));
    return format === 'serialized' ? serializedDescriptor(this.#proto) : undefined;
  }

  /** Of the first message, which is the one that records are made of unless they say otherwise. */
  get fieldNames(): readonly string[] {
    const [first] = this.#proto.file.messages;
    if (first === undefined) return [];
    return [first, ...first.oneofs].flatMap(({ fields, groups }) => [
      ...fields.map(({ name }) => name),
      ...groups.map(({ message }) => message.name.toLowerCase()),
    ]);
  }

  elements(): readonly SchemaElement[] {
    return protobufElements(this.#proto.file);
  }

  incompatibilitiesReading(writer: ParsedSchema): Incompatibility[] {
    if (!(writer instanceof ParsedProtobuf)) return [];
    return protobufDifferences(writer.#proto, this.#proto)
      .filter((difference) => !isCompatible(difference))
      .map((difference) => ({
        errorType: difference.type,
        description: describeDifference(difference),
        place: () => placeOf(difference.path, this.#byKey(), writer.#byKey()),
      }));
  }

  #byKey(): Elements {
    this.#elements ??= byKey(this.elements());
    return this.#elements;
  }
}

/** The same tree with only those options that Protobuf itself defines. */
function withoutCustomOptions<T>(node: T): T {
  if (Array.isArray(node)) return node.map(withoutCustomOptions) as T;
  if (typeof node !== 'object' || node === null) return node;
  const members = Object.entries(node).map(([key, value]) => [
    key,
    key === 'options'
      ? (value as ProtoOption[]).filter(({ name }) => !name[0]?.extension)
      : withoutCustomOptions(value),
  ]);
  return Object.fromEntries(members) as T;
}

type Elements = ReadonlyMap<string, SchemaElement>;

/** `#/Order/3` and `#/Order/choice/3` are the field with the number 3, which has a name in one of the schemas. */
function placeOf(location: string, read: Elements, written: Elements): Place {
  const key = location.replace(/^#\//, '');
  const find = (elements: Elements) => elements.get(key) ?? elements.get(key.replace(/\/[^/]+(\/\d+)$/, '$1'));
  const [reader, writer] = key === '' ? [read.get(FILE), written.get(FILE)] : [find(read), find(written)];
  const told = (element: SchemaElement | undefined) => {
    const fact = element?.facts[element.kind === 'file' ? 'package' : 'type'];
    return typeof fact === 'string' ? fact : undefined;
  };
  return { path: (reader ?? writer)?.path ?? key.replaceAll('/', '.'), reader: told(reader), writer: told(writer) };
}
