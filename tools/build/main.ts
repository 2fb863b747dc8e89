/**
 * Makes the package: `npm run build` writes `dist`.
 *
 * All modules, and the libraries that are plain JavaScript, become a few files, since most of a start is spent on finding
 * and linking modules (740 of them in the services' thread). What package.json names under `dependencies` stays outside
 * and is installed along with the package: what has machine code of its own, and what is loaded only when it is needed.
 * What is named under `devDependencies` and is used in `src` is taken in, with its licence in `dist/licenses.txt`.
 * Every entry that `exports` names has its types beside it, and the types that they lead to; none of them may need a
 * library that is not installed along.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const root = join(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}
const readPackage = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;

const { exports, dependencies, peerDependencies } = readPackage(root);
/** Started by name: by `bin/millrace` and as threads. */
const started = [
  'cli/main',
  'platform/connect-work',
  'platform/query-work',
  'platform/record-schemas-work',
  'platform/service-work',
  'streams/runtime/thread-work',
];
const exported = Object.values(exports)
  .map((file) => /^\.\/dist\/(.*)\.js$/.exec(file)?.[1])
  .filter((entry) => entry !== undefined);

const foreign = Object.keys({ ...dependencies, ...peerDependencies });
const isDependency = (id: string) => foreign.some((name) => id === name || id.startsWith(`${name}/`));

rmSync(dist, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries([...started, ...exported].map((entry) => [entry, join(root, 'src', `${entry}.ts`)])),
  platform: 'node',
  external: isDependency,
});
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  sourcemap: true,
  entryFileNames: '[name].js',
  chunkFileNames: 'parts/[name]-[hash].js',
});
await bundle.close();

const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
writeFileSync(join(dist, 'licenses.txt'), licensesOf(modules));
await writeTypes();

/** The declarations of what is exported, and of nothing else; none may need a library that users don't have. */
async function writeTypes(): Promise<void> {
  const declarations = mkdtempSync(join(tmpdir(), 'millrace-types-'));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', declarations], {
    cwd: root,
    stdio: 'inherit',
  });
  const types = await rolldown({
    input: Object.fromEntries(exported.map((entry) => [entry, join(declarations, `${entry}.d.ts`)])),
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    treeshake: { moduleSideEffects: false },
    plugins: [dts({ dtsInput: true, tsconfig: false, oxc: true })],
  });
  const { output: written } = await types.write({ dir: dist, chunkFileNames: 'parts/types-[hash].d.ts' });
  await types.close();
  rmSync(declarations, { recursive: true });
  for (const file of written) {
    const needs = file.type === 'chunk' ? file.code.matchAll(/ from ["']([^."'][^"']*)["']/g) : [];
    for (const [, needed] of needs) {
      if (needed!.startsWith('node:') || isDependency(needed!)) continue;
      throw new Error(`${file.fileName} needs ${needed}, which users do not have: keep it out of what is exported`);
    }
  }
}

/** The licences of the libraries that were taken in. */
function licensesOf(moduleIds: readonly string[]): string {
  const folders = new Set<string>();
  for (const id of moduleIds) {
    const inside = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
    if (inside !== undefined) folders.add(inside);
  }
  const parts = [...folders].map((folder) => {
    const { name, version, license } = readPackage(folder);
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file !== undefined ? readFileSync(join(folder, file), 'utf8') : '';
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return `Libraries that are part of these files:\n\n${parts.sort().join(`\n${'-'.repeat(80)}\n\n`)}`;
}
