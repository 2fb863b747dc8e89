// Settings whose values are somewhere else: `${file:/path:key}`, `${dir:/path:file}`, `${env:NAME}` (KIP-297, KIP-632, KIP-887). The worker
// says which providers there are (`config.providers`, `config.providers.<name>.class`, `config.providers.<name>.param.…`); a name that
// nobody provides stays as it is. What has come from a provider is a secret: it is in no log and in no answer.
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { JavaPattern, messageOf, parseProperties } from '../../util/index.ts';
import { type RawConfig, withPrefix } from '../api/config-def.ts';
import { ConfigError } from '../data/errors.ts';

/** Where values come from. */
interface ConfigProvider {
  /** What a path has of these keys. Throws `ConfigError` where it cannot be looked at. */
  get(path: string, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, string>>;
}

/** Settings with what providers had for them. */
export interface ResolvedConfig {
  readonly config: Record<string, string>;
  /** The settings that have something of a provider in them. */
  readonly secrets: ReadonlySet<string>;
}

/** `${provider:path:key}`, or `${provider:key}`. */
const VARIABLE = /\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}/g;
const PACKAGE = 'org.apache.kafka.common.config.provider';

/** The environment's variables, or another's in tests. */
export type Variables = Readonly<Record<string, string | undefined>>;

const CLASSES: Readonly<Record<string, (params: RawConfig, variables: Variables) => ConfigProvider>> = {
  [`${PACKAGE}.FileConfigProvider`]: (params) => fileProvider(allowedPaths(params)),
  [`${PACKAGE}.DirectoryConfigProvider`]: (params) => directoryProvider(allowedPaths(params)),
  [`${PACKAGE}.EnvVarConfigProvider`]: (params, variables) => environmentProvider(params, variables),
};

/** The providers of a worker. */
export class ConfigProviders {
  readonly #providers: ReadonlyMap<string, ConfigProvider>;

  /** Of the worker's settings. Throws `ConfigError` for a provider that there is not. */
  constructor(worker: RawConfig, variables: Variables = process.env) {
    const names = (worker['config.providers'] ?? '').split(',').map((name) => name.trim());
    this.#providers = new Map(
      names.filter((name) => name !== '').map((name) => [name, providerOf(name, worker, variables)]),
    );
  }

  /** Settings with the values that they name. Rejects with `ConfigError` where a provider cannot look. */
  async resolve(config: RawConfig): Promise<Record<string, string>> {
    return (await this.resolveWithSecrets(config)).config;
  }

  /** The same, and which settings must not be shown. */
  async resolveWithSecrets(config: RawConfig): Promise<ResolvedConfig> {
    const found = await this.#lookUp(config);
    const secrets = new Set<string>();
    const resolved = Object.entries(config).map(([name, text]) => {
      const value = text.replace(VARIABLE, (variable, provider: string, path: string | undefined, key: string) => {
        const value = found.get(placeOf(provider, path))?.get(key);
        if (value === undefined) return variable;
        secrets.add(name);
        return value;
      });
      return [name, value] as const;
    });
    return { config: Object.fromEntries(resolved), secrets };
  }

  /** Asks each provider once for each path that is named. */
  async #lookUp(config: RawConfig): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    const wanted = new Map<
      string,
      { readonly provider: ConfigProvider; readonly path: string; readonly keys: Set<string> }
    >();
    for (const text of Object.values(config)) {
      for (const [, name = '', path, key = ''] of text.matchAll(VARIABLE)) {
        const provider = this.#providers.get(name);
        if (provider === undefined) continue;
        const place = placeOf(name, path);
        const asked = wanted.get(place) ?? { provider, path: path ?? '', keys: new Set() };
        asked.keys.add(key);
        wanted.set(place, asked);
      }
    }
    const found = new Map<string, ReadonlyMap<string, string>>();
    for (const [place, { provider, path, keys }] of wanted) found.set(place, await provider.get(path, keys));
    return found;
  }
}

const placeOf = (provider: string, path: string | undefined): string => `${provider}:${path ?? ''}`;

function providerOf(name: string, worker: RawConfig, variables: Variables): ConfigProvider {
  const given = worker[`config.providers.${name}.class`]?.trim();
  if (given === undefined || given === '')
    throw new ConfigError(
      `Missing required configuration "config.providers.${name}.class" which has no default value.`,
    );
  const className = Object.keys(CLASSES).find((each) => each === given || each.endsWith(`.${given}`));
  if (className === undefined)
    throw new ConfigError(
      `Invalid value ${given} for configuration config.providers.${name}.class: Class ${given} could not be found; there are ${Object.keys(CLASSES).join(', ')}`,
    );
  return CLASSES[className]!(withPrefix(`config.providers.${name}.param.`, worker), variables);
}

// ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Undefined: every path may be looked at. */
function allowedPaths(params: RawConfig): readonly string[] | undefined {
  const paths = (params['allowed.paths'] ?? '').split(',').map((path) => path.trim());
  const given = paths.filter((path) => path !== '');
  const relative = given.find((path) => !path.startsWith('/'));
  if (relative !== undefined) throw new ConfigError(`Path ${relative} is not absolute`);
  return given.length === 0 ? undefined : given;
}

/** The path as the file system has it, where it is allowed; links are followed first. */
async function checkedPath(path: string, allowed: readonly string[] | undefined, what: string): Promise<string> {
  try {
    const real = await realpath(path);
    if (allowed === undefined) return real;
    const roots = await Promise.all(allowed.map((root) => realpath(root).catch(() => root)));
    if (roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep))) return real;
  } catch (error) {
    throw new ConfigError(`Could not read ${what} ${path}: ${messageOf(error)}`, error);
  }
  throw new ConfigError(`The path ${path} is not allowed to be accessed: it is below none of allowed.paths`);
}

function fileProvider(allowed: readonly string[] | undefined): ConfigProvider {
  return {
    async get(path) {
      if (path === '') return new Map();
      const file = await checkedPath(path, allowed, 'properties from file');
      try {
        return parseProperties(await readFile(file, 'utf8'));
      } catch (error) {
        throw new ConfigError(`Could not read properties from file ${path}: ${messageOf(error)}`, error);
      }
    },
  };
}

/** Each file of a folder is a value, whole. */
function directoryProvider(allowed: readonly string[] | undefined): ConfigProvider {
  return {
    async get(path, keys) {
      if (path === '') return new Map();
      const folder = await checkedPath(path, allowed, 'directory');
      const values = new Map<string, string>();
      try {
        for (const entry of await readdir(folder, { withFileTypes: true })) {
          if (!keys.has(entry.name)) continue;
          const file = await checkedPath(join(folder, entry.name), allowed, 'file');
          values.set(entry.name, await readFile(file, 'utf8'));
        }
        return values;
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        throw new ConfigError(`Could not read directory ${path}: ${messageOf(error)}`, error);
      }
    },
  };
}

function environmentProvider(params: RawConfig, variables: Variables): ConfigProvider {
  const pattern = JavaPattern.whole(params['allowlist.pattern'] ?? '.*');
  return {
    async get(path, keys) {
      if (path !== '')
        throw new ConfigError(`EnvVarConfigProvider has no paths, and the path ${path} was given: write \${env:NAME}`);
      const values = new Map<string, string>();
      for (const key of keys) {
        const value = variables[key];
        if (value !== undefined && pattern.test(key)) values.set(key, value);
      }
      return values;
    },
  };
}
