// Plugins that are no part of the package: what `plugin.path` names. A path is a file (.ts, .js, .mjs), whose default export is a
// plugin or a list of them, or a folder: of such files, of an npm package with the keyword `kafka-connect-plugin`, or of folders
// of packages (as node_modules is). What they export is checked here.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../util/index.ts';
import type { Plugin } from '../api/plugins.ts';
import { ConfigError } from '../data/errors.ts';

const KEYWORD = 'kafka-connect-plugin';
const MODULE = /(?<!\.d)\.(?:ts|mts|js|mjs)$/;

/** The functions that each kind of plugin must have. */
const FUNCTIONS: Readonly<Record<Plugin['kind'], readonly string[]>> = {
  source: ['create', 'task'],
  sink: ['create', 'task'],
  transformation: ['create'],
  predicate: ['create'],
  converter: ['create'],
  header_converter: ['create'],
};
const TYPES: readonly string[] = ['BOOLEAN', 'STRING', 'INT', 'SHORT', 'LONG', 'DOUBLE', 'LIST', 'CLASS', 'PASSWORD'];

/** Loads all plugins of `plugin.path` (paths with commas between them). Throws `ConfigError`, which names the file, for what is none. */
export async function loadUserPlugins(pluginPath: string): Promise<Plugin[]> {
  const paths = pluginPath.split(',').map((path) => path.trim());
  const files = paths.filter((path) => path !== '').flatMap((path) => filesOf(resolve(path)));
  const plugins: Plugin[] = [];
  for (const file of new Set(files)) plugins.push(...(await pluginsOf(file)));
  return plugins;
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) throw new ConfigError(`plugin.path names ${path}, which does not exist`);
  if (statSync(path).isFile()) return [path];
  const own = packageEntry(path);
  if (own !== undefined) return [own];
  return readdirSync(path)
    .toSorted()
    .flatMap((name) => entriesOf(path, name));
}

/** What one name in a folder brings: a module, a package, or the packages of a scope. */
function entriesOf(folder: string, name: string): string[] {
  const path = join(folder, name);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || name.startsWith('.')) return [];
  if (stats.isFile()) return MODULE.test(name) ? [path] : [];
  if (name.startsWith('@'))
    return readdirSync(path)
      .toSorted()
      .flatMap((inner) => packageEntry(join(path, inner)) ?? []);
  const entry = packageEntry(path);
  return entry === undefined ? [] : [entry];
}

/** The file that a package begins with, where it says that it is one of plugins. */
function packageEntry(folder: string): string | undefined {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  const manifest = manifestOf(file);
  if (!Array.isArray(manifest['keywords']) || !manifest['keywords'].includes(KEYWORD)) return undefined;
  const entry = exported(manifest['exports']) ?? manifest['main'] ?? 'index.js';
  if (typeof entry !== 'string') throw new ConfigError(`${file} does not say with which file the package begins`);
  return join(folder, entry);
}

function manifestOf(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${messageOf(error)}`, error);
  }
}

/** The path below `exports` that an import of the package takes. */
function exported(given: unknown): string | undefined {
  if (typeof given === 'string') return given;
  if (typeof given !== 'object' || given === null) return undefined;
  const conditions = given as Record<string, unknown>;
  return exported(conditions['.'] ?? conditions['import'] ?? conditions['default']);
}

async function pluginsOf(file: string): Promise<Plugin[]> {
  const module = await imported(file);
  const given: unknown = module['default'];
  const list: unknown[] = Array.isArray(given) ? given : [given];
  return list.map((each, i) => {
    const problem = problemOf(each);
    if (problem !== undefined)
      throw new ConfigError(`${file}: ${Array.isArray(given) ? `element ${i} of ` : ''}the default export ${problem}`);
    return each as Plugin;
  });
}

async function imported(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`the plugin ${file} cannot be loaded: ${messageOf(error)}`, error);
  }
}

/** What keeps a value from being a plugin. */
function problemOf(given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null)
    return 'is no plugin: make one with sourcePlugin, sinkPlugin and their like';
  const plugin = given as Record<string, unknown>;
  const kind = plugin['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(FUNCTIONS, kind))
    return `has the kind ${JSON.stringify(kind)}, which is none of ${Object.keys(FUNCTIONS).join(', ')}`;
  for (const name of ['className', 'version'])
    if (typeof plugin[name] !== 'string' || plugin[name] === '') return `has no ${name}`;
  for (const name of FUNCTIONS[kind as Plugin['kind']])
    if (typeof plugin[name] !== 'function') return `(${String(plugin['className'])}) has no function ${name}`;
  return configProblem(plugin['config']);
}

function configProblem(config: unknown): string | undefined {
  if (typeof config !== 'object' || config === null) return 'has no config: declare its settings, or give {}';
  for (const [name, key] of Object.entries(config as Record<string, unknown>)) {
    const { type, doc } = (key ?? {}) as Record<string, unknown>;
    if (typeof type !== 'string' || !TYPES.includes(type)) return `has a setting ${name} without a type that there is`;
    if (typeof doc !== 'string') return `has a setting ${name} without a doc`;
  }
  return undefined;
}
