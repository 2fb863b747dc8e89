// The extensions that a file sees, its own and those of all it imports: what custom options are made of.
import type { ProtoField, ProtoMessage } from './ast.ts';
import { type LinkedProto, linkProto, qualifiedName, resolveType, type Scope } from './linker.ts';
import { wellKnownProto } from './well-known-protos.ts';

export type OptionsType =
  `${'File' | 'Message' | 'Field' | 'Oneof' | 'Enum' | 'EnumValue' | 'Service' | 'Method' | 'ExtensionRange'}Options`;

/** A field, and the scope in which its type's name is to be understood. */
export interface Member {
  readonly field: ProtoField;
  readonly scope: Scope;
}

export interface Extension extends Member {
  /** In full, with a leading dot. */
  readonly name: string;
}

/** A message, and the scope inside it. */
export interface MessageType {
  readonly declaration: ProtoMessage;
  readonly inside: Scope;
}

export class Extensions {
  readonly #byName = new Map<string, Extension>();
  readonly #byTag = new Map<string, Extension>();

  constructor(proto: LinkedProto) {
    const files = new Set([proto]);
    for (const file of files) for (const imported of file.imports.values()) files.add(imported);
    for (const file of files) {
      const home = file.file.package === undefined ? '' : `.${file.file.package}`;
      this.#collect(file, file.file, file.home, home);
    }
  }

  named(name: string): Extension | undefined {
    return this.#byName.get(name);
  }

  /** The extension of a message, named in full, that has this number. */
  of(message: string, tag: number): Extension | undefined {
    return this.#byTag.get(`${message} ${tag}`);
  }

  #collect(proto: LinkedProto, container: Pick<ProtoMessage, 'extends' | 'messages'>, scope: Scope, path: string) {
    for (const { type, fields } of container.extends) {
      const extended = resolveType(scope, type);
      for (const field of fields) {
        const extension = { name: `${path}.${field.name}`, field, scope };
        this.#byName.set(extension.name, extension);
        if (extended !== undefined) this.#byTag.set(`${qualifiedName(extended)} ${field.tag}`, extension);
      }
    }
    for (const message of container.messages) {
      this.#collect(proto, message, proto.scopeOf(message), `${path}.${message.name}`);
    }
  }
}

/** The fields of a message, those in oneofs included. */
export function fieldsOf(message: ProtoMessage): readonly ProtoField[] {
  return [message, ...message.oneofs].flatMap((container) => container.fields);
}

/** The message that is a field's type; of a map its entry. */
export function messageOf({ field, scope }: Member): MessageType | undefined {
  if (field.mapKey !== undefined) {
    const fields = [
      { name: 'key', tag: 1, type: field.mapKey, options: [] },
      { name: 'value', tag: 2, type: field.type, options: [] },
    ];
    return { declaration: { ...EMPTY, fields }, inside: scope };
  }
  const type = resolveType(scope, field.type);
  if (type?.kind !== 'message') return undefined;
  return { declaration: type.declaration, inside: type.proto.scopeOf(type.declaration) };
}

/** One of the messages of built-in options. */
export function optionsMessage(type: OptionsType): MessageType {
  builtIn ??= linkProto(wellKnownProto('google/protobuf/descriptor.proto')!, []);
  const declaration = builtIn.file.messages.find((message) => message.name === type)!;
  return { declaration, inside: builtIn.scopeOf(declaration) };
}

let builtIn: LinkedProto | undefined;

const EMPTY: ProtoMessage = {
  name: '',
  reserved: [],
  options: [],
  fields: [],
  oneofs: [],
  groups: [],
  extensions: [],
  extends: [],
  messages: [],
  enums: [],
};
