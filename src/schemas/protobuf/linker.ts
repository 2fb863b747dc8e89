// Connects the names in a .proto file with what they mean: its own messages and enums, and those of the files it
// imports, found by protobuf's scoping rules.
import { invalidSchema } from '../errors.ts';
import type { ProtoEnum, ProtoFile, ProtoMessage } from './ast.ts';
import { type ParsedProto, parseProto } from './parser.ts';
import { wellKnownProto } from './well-known-protos.ts';

/** The text behind an import. */
export interface ProtoDependency {
  readonly name: string;
  readonly schema: string;
  /** What tells it from other texts of the same path, for those who compare files. */
  readonly subject?: string;
  readonly version?: number;
}

export type ProtoType = {
  /** The name without the package: `Outer.Inner`. */
  readonly localName: string;
  readonly proto: LinkedProto;
} & (
  | { readonly kind: 'message'; readonly declaration: ProtoMessage }
  | { readonly kind: 'enum'; readonly declaration: ProtoEnum }
);

/** A package, message or enum with what is declared in it. */
export interface Scope {
  readonly name: string;
  readonly parent: Scope | undefined;
  readonly children: Map<string, Scope>;
  /** The names of the extensions declared in it. */
  readonly extensions: Set<string>;
  /** Nothing where it is a package. */
  readonly type: ProtoType | undefined;
}

export class LinkedProto {
  readonly file: ProtoFile;
  readonly parsed: ParsedProto;
  /** Where an imported file comes from; the file that is asked about has no origin. */
  readonly origin: string | undefined;
  readonly imports: ReadonlyMap<string, LinkedProto>;
  #linked: { home: Scope; scopes: ReadonlyMap<ProtoMessage, Scope> } | undefined;

  constructor(parsed: ParsedProto, imports: ReadonlyMap<string, LinkedProto>, origin?: string) {
    this.parsed = parsed;
    this.file = parsed.file;
    this.imports = imports;
    this.origin = origin;
  }

  /** The scope of the file's package. */
  get home(): Scope {
    return this.#link().home;
  }

  /** The scope inside one of the file's messages. */
  scopeOf(message: ProtoMessage): Scope {
    return this.#link().scopes.get(message)!;
  }

  /** Files that this one and who imports it see. */
  #publicImports(seen: Set<LinkedProto>): Set<LinkedProto> {
    for (const { path, kind } of this.file.imports) {
      const imported = this.imports.get(path)!;
      if (kind !== 'public' || seen.has(imported)) continue;
      seen.add(imported);
      imported.#publicImports(seen);
    }
    return seen;
  }

  #link() {
    if (this.#linked !== undefined) return this.#linked;
    const visible = new Set(this.imports.values());
    for (const imported of [...visible]) imported.#publicImports(visible);
    visible.delete(this);

    const root: Scope = { name: '', parent: undefined, children: new Map(), extensions: new Set(), type: undefined };
    const scopes = new Map<ProtoMessage, Scope>();
    for (const proto of visible) declareFile(proto, root, (name) => this.#failTwice(name));
    const home = declareFile(this, root, (name, declaration) => this.#failTwice(name, declaration), scopes);
    this.#linked = { home, scopes };
    return this.#linked;
  }

  #failTwice(name: string, declaration: object = this.file): never {
    this.parsed.fail(declaration, `"${name}" is declared twice in this file and its imports`);
  }
}

/** Parses a file and all it imports. Imports are found among the dependencies by name, then among the built-in ones. */
export function linkProto(text: string, dependencies: readonly ProtoDependency[]): LinkedProto {
  const byName = new Map(dependencies.map((dependency) => [dependency.name, dependency]));
  const linked = new Map<string, LinkedProto>();
  const inProgress = new Set<string>();

  const link = (text: string, name?: string, origin?: string): LinkedProto => {
    const parsed: ParsedProto = parseProto(text, name);
    const imports = new Map<string, LinkedProto>();
    for (const declaration of parsed.file.imports) {
      if (imports.has(declaration.path)) parsed.fail(declaration, `"${declaration.path}" is imported twice`);
      const imported = find(declaration.path);
      if (imported === undefined) {
        parsed.fail(declaration, `the import "${declaration.path}" is not among the references of the schema`);
      }
      imports.set(declaration.path, imported);
    }
    return new LinkedProto(parsed, imports, origin);
  };
  const find = (path: string): LinkedProto | undefined => {
    const known = linked.get(path);
    if (known !== undefined) return known;
    const dependency = byName.get(path);
    const text = dependency?.schema ?? wellKnownProto(path);
    if (text === undefined) return undefined;
    if (inProgress.has(path)) throw invalidSchema(`Invalid Protobuf schema: "${path}" imports itself`);
    inProgress.add(path);
    // Version -1 moves with the latest version, so the text itself belongs to the identity.
    const origin = dependency === undefined ? path : JSON.stringify([dependency.subject, dependency.version, text]);
    const proto = link(text, path, origin);
    inProgress.delete(path);
    linked.set(path, proto);
    return proto;
  };
  return link(text);
}

/** The type that `name` means where `scope` is the innermost scope: the first part decides, from inside out. */
export function resolveType(scope: Scope, name: string): ProtoType | undefined {
  if (name.startsWith('.')) return descend(rootOf(scope), name.slice(1).split('.'))?.type;
  const parts = name.split('.');
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const found = at.children.get(parts[0]!);
    if (found === undefined) continue;
    if (parts.length > 1) {
      if (found.type?.kind !== 'enum') return descend(found, parts.slice(1))?.type;
    } else if (found.type !== undefined) return found.type;
  }
  return undefined;
}

/** The name of an extension in full, with a leading dot, found as a type is. */
export function qualifiedExtension(scope: Scope, name: string): string | undefined {
  const isAbsolute = name.startsWith('.');
  const parts = name.split('.').slice(isAbsolute ? 1 : 0);
  const own = parts.pop()!;
  for (let at: Scope | undefined = isAbsolute ? rootOf(scope) : scope; at !== undefined; at = at.parent) {
    const holder = descend(at, parts);
    if (holder?.extensions.has(own)) return `${pathOf(holder)}.${own}`;
    if (parts.length > 0 && at.children.has(parts[0]!)) return undefined;
  }
  return undefined;
}

/** The name with its package and a leading dot. */
export function qualifiedName(type: ProtoType): string {
  const { package: home } = type.proto.file;
  return home === undefined ? `.${type.localName}` : `.${home}.${type.localName}`;
}

function descend(scope: Scope, parts: readonly string[]): Scope | undefined {
  let at: Scope | undefined = scope;
  for (const part of parts) {
    at = at.children.get(part);
    if (at === undefined) return undefined;
  }
  return at;
}

/** With a dot before each part. */
function pathOf(scope: Scope): string {
  let path = '';
  for (let at = scope; at.parent !== undefined; at = at.parent) path = `.${at.name}${path}`;
  return path;
}

function rootOf(scope: Scope): Scope {
  let at = scope;
  while (at.parent !== undefined) at = at.parent;
  return at;
}

type FailTwice = (name: string, declaration?: object) => never;

/** Puts a file's package, messages and enums into the tree; returns the scope of the package. */
function declareFile(proto: LinkedProto, root: Scope, failTwice: FailTwice, scopes?: Map<ProtoMessage, Scope>): Scope {
  const { file } = proto;
  let home = root;
  for (const part of file.package?.split('.') ?? []) {
    const known = home.children.get(part);
    if (known?.type !== undefined) failTwice(file.package!);
    home = known ?? newScope(part, home, undefined);
  }
  const declareEnum = (declaration: ProtoEnum, parent: Scope, prefix: string): void => {
    const { name } = declaration;
    if (parent.children.has(name)) failTwice(prefix + name, declaration);
    newScope(name, parent, { kind: 'enum', declaration, localName: prefix + name, proto });
  };
  const declareMessage = (declaration: ProtoMessage, parent: Scope, prefix: string): void => {
    const localName = prefix + declaration.name;
    if (parent.children.has(declaration.name)) failTwice(localName, declaration);
    const scope = newScope(declaration.name, parent, { kind: 'message', declaration, localName, proto });
    scopes?.set(declaration, scope);
    declareExtensions(declaration, scope);
    for (const inner of messagesIn(declaration)) declareMessage(inner, scope, `${localName}.`);
    for (const inner of declaration.enums) declareEnum(inner, scope, `${localName}.`);
  };
  for (const message of messagesIn(file)) declareMessage(message, home, '');
  for (const found of file.enums) declareEnum(found, home, '');
  declareExtensions(file, home);
  return home;
}

function declareExtensions(container: Pick<ProtoFile, 'extends'>, scope: Scope): void {
  for (const { fields, groups } of container.extends) {
    for (const field of fields) scope.extensions.add(field.name);
    for (const group of groups) scope.extensions.add(group.message.name.toLowerCase());
  }
}

function newScope(name: string, parent: Scope, type: ProtoType | undefined): Scope {
  const scope: Scope = { name, parent, children: new Map(), extensions: new Set(), type };
  parent.children.set(name, scope);
  return scope;
}

/** The messages declared in a message or file, those of groups included, as they stand in the canonical text. */
export function messagesIn(
  container: Pick<ProtoFile, 'messages' | 'extends'> & Partial<Pick<ProtoMessage, 'oneofs' | 'groups'>>,
): ProtoMessage[] {
  return [
    ...(container.oneofs ?? []).flatMap((oneof) => oneof.groups),
    ...(container.groups ?? []),
    ...container.extends.flatMap((extend) => extend.groups),
  ]
    .map((group) => group.message)
    .concat(container.messages);
}
