// The modules that hold functions: files of the extension directory, which a thread loads when it needs them, each content
// once. A plan names a module with the hash of its content, so that one that has changed since is noticed.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeOf, messageOf } from '../../util/index.ts';
import { refuse } from '../errors.ts';

/** What a module exports under a name, as plain data. */
export interface ModuleExport {
  /** The module's file, with its directories. */
  readonly file: string;
  readonly name: string;
  /** SHA-256 of the file, in hexadecimal digits. */
  readonly hash: string;
}

type Exports = Readonly<Record<string, unknown>>;

const EXTENSIONS = /\.(?:[cm]?[jt]s)$/;
const NO_MODULE = /\.d\.[cm]?ts$|\.test\.[cm]?[jt]s$/;

/** The modules that a thread has loaded. */
export class FunctionModules {
  /** By file and hash. */
  readonly #loaded = new Map<string, Exports>();

  /** Loads a module as it is now. */
  async load(file: string): Promise<{ readonly exports: Exports; readonly hash: string }> {
    const hash = hashOf(file);
    const key = `${file} ${hash}`;
    let exports = this.#loaded.get(key);
    if (exports === undefined) {
      resolveOurselves();
      exports = (await import(`${pathToFileURL(file).href}?sha256=${hash}`)) as Exports;
      this.#loaded.set(key, exports);
    }
    return { exports, hash };
  }

  /**
   * Loads what a plan uses. Where a module is not as it was when the plan was made, it is taken as it is now, and `changed` is
   * told.
   */
  async require(used: readonly ModuleExport[], changed: (module: ModuleExport) => void): Promise<void> {
    for (const module of used) {
      const key = `${module.file} ${module.hash}`;
      if (this.#loaded.has(key)) continue;
      const { exports, hash } = await this.load(module.file);
      if (hash !== module.hash) changed(module);
      this.#loaded.set(key, exports);
    }
  }

  /** What a loaded module exports under a name. */
  exported({ file, hash, name }: ModuleExport): unknown {
    return this.#loaded.get(`${file} ${hash}`)?.[name];
  }
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

let isResolved = false;

/** Modules find `millrace/sql` wherever they are: it is the one that loads them. */
function resolveOurselves(): void {
  if (isResolved) return;
  isResolved = true;
  const own = new URL(`../../sql-api/index${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) => next(specifier === 'millrace/sql' ? own : specifier, context),
  });
}

/** The files of an extension directory that may hold functions; none when there is no such directory. */
export function modulesIn(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  const modules = names.filter((name) => EXTENSIONS.test(name) && !NO_MODULE.test(name));
  return modules.sort().map((name) => realpathSync(join(directory, name)));
}

/**
 * The file of a module that a statement names, within the extension directory. Whoever may send statements may not load what
 * else is on the machine: other paths are refused, also those that lead out by links.
 */
export function moduleFile(directory: string, path: string): string {
  let root: string;
  let file: string;
  try {
    root = realpathSync(directory);
  } catch {
    return refuse(
      `There is no extension directory ${resolve(directory)}: make it, or name another one (ksql.extension.dir).`,
    );
  }
  const outside = `The module '${path}' is not in the extension directory (ksql.extension.dir): functions are loaded from there only.`;
  if (isAbsolute(path) || leadsOut(path)) return refuse(outside);
  try {
    file = realpathSync(join(root, path));
  } catch (error) {
    return refuse(
      `The module '${path}' can't be read in the extension directory: ${codeOf(error) ?? messageOf(error)}`,
    );
  }
  return leadsOut(relative(root, file)) ? refuse(outside) : file;
}

function leadsOut(path: string): boolean {
  return path.split(/[\\/]/).includes('..') || isAbsolute(path) || path.startsWith(`..${sep}`);
}
