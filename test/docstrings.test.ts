// What the package exports is told to those who use it: in their editor, and in the API reference. Each exported name, and
// each public member of an exported interface or class, has a doc comment, but for those that had none when this was written:
// their number may only go down.
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { expect, test } from 'vitest';

/** How many have none. Who adds doc comments lowers it. */
const WITHOUT = 221;

const root = resolve(import.meta.dirname, '..');

/** As much of ESTree as is looked at here. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly id?: { readonly name: string } | null;
  readonly key?: Node & { readonly name?: string };
  readonly name?: string;
  readonly accessibility?: string;
  readonly declaration?: Node | null;
  readonly declarations?: readonly (Node & { readonly id: { readonly name: string } })[];
  readonly specifiers?: readonly { readonly local: Node; readonly exported: Node & { readonly name: string } }[];
  readonly source?: { readonly value: string } | null;
  readonly exported?: Node | null;
  readonly body?: { readonly body: readonly Node[] };
  readonly implements?: readonly { readonly expression: Node }[];
  readonly typeAnnotation?: Node & { readonly members?: readonly Node[] };
}

interface Module {
  readonly text: string;
  readonly statements: readonly Node[];
}

/** A declaration, where it stands. */
interface Declared {
  readonly file: string;
  readonly statement: Node;
  readonly node: Node;
}

const modules = new Map<string, Module>();

function moduleAt(file: string): Module {
  let found = modules.get(file);
  if (found === undefined) {
    const text = readFileSync(file, 'utf8');
    found = { text, statements: parseAst(text, { lang: 'ts' }).body as unknown as readonly Node[] };
    modules.set(file, found);
  }
  return found;
}

/** What a module exports, by name. A name may be declared several times: as a type and a value, or with overloads. */
function exportsOf(file: string): Map<string, Declared[]> {
  const all = new Map<string, Declared[]>();
  const add = (name: string, declared: readonly Declared[]) => all.set(name, [...(all.get(name) ?? []), ...declared]);
  for (const statement of moduleAt(file).statements) {
    const { type, declaration, source, specifiers = [] } = statement;
    if (type === 'ExportAllDeclaration') {
      for (const [name, declared] of exportsOf(join(dirname(file), source!.value))) add(name, declared);
    } else if (type === 'ExportNamedDeclaration' && declaration) {
      for (const node of declaration.declarations ?? [declaration]) {
        add(node.id!.name, [{ file, statement, node: declaration }]);
      }
    } else if (type === 'ExportNamedDeclaration' && source) {
      const from = exportsOf(join(dirname(file), source.value));
      for (const { local, exported } of specifiers) add(exported.name, from.get(local.name!) ?? []);
    }
  }
  return all;
}

function hasComment(file: string, { start }: Node): boolean {
  const before = moduleAt(file).text.slice(0, start).trimEnd();
  return before.endsWith('*/') && before.slice(before.lastIndexOf('/*')).startsWith('/**');
}

const NOT_PUBLIC = new Set(['private', 'protected']);

/** The public members of a declaration, by name, each with whether it has a comment. */
function membersOf({ file, node }: Declared): Map<string, boolean> {
  const members = node.body?.body ?? node.typeAnnotation?.members ?? [];
  const found = new Map<string, boolean>();
  if (!/^(ClassDeclaration|TSInterfaceDeclaration|TSTypeAliasDeclaration)$/.test(node.type)) return found;
  for (const member of members) {
    const name = member.key?.name;
    if (name === undefined || name === 'constructor' || member.key!.type === 'PrivateIdentifier') continue;
    if (NOT_PUBLIC.has(member.accessibility ?? '')) continue;
    found.set(name, (found.get(name) ?? false) || hasComment(file, member));
  }
  return found;
}

/** Names and members without a comment, as `file: name` and `file: name.member`. */
function uncommented(): { readonly seen: number; readonly without: readonly string[] } {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
  const entries = Object.values(exports).filter((file) => file.endsWith('.js'));
  const all = entries.flatMap((file) => [
    ...exportsOf(join(root, file.replace('./dist/', 'src/').replace(/\.js$/, '.ts'))),
  ]);
  const byName = new Map(all);
  const seen = new Set<string>();
  const without = new Set<string>();
  const look = (what: string, isCommented: boolean) => {
    seen.add(what);
    if (!isCommented) without.add(what);
  };
  for (const [name, declared] of all) {
    if (declared.length === 0) continue;
    const where = `${relative(root, declared[0]!.file)}: ${name}`;
    look(
      where,
      declared.some(({ file, statement }) => hasComment(file, statement)),
    );
    for (const each of declared) {
      // What a class implements is told with what it implements.
      const ports = (each.node.implements ?? []).flatMap(({ expression }) => byName.get(expression.name!) ?? []);
      const told = new Set(
        ports.flatMap((port) => [...membersOf(port)].flatMap(([member, is]) => (is ? [member] : []))),
      );
      for (const [member, isCommented] of membersOf(each)) look(`${where}.${member}`, isCommented || told.has(member));
    }
  }
  return { seen: seen.size, without: [...without] };
}

test('what is exported has doc comments', () => {
  const { seen, without } = uncommented();
  expect(seen).toBeGreaterThan(500);
  if (without.length > WITHOUT) throw new Error(`${without.length} of ${seen} have none:\n${without.join('\n')}`);
  // A number that is too high would let new ones in.
  expect(without.length).toBe(WITHOUT);
});
