// What is wrong with a connector's settings, each told where it stands: the answer of PUT /connector-plugins/{plugin}/config/validate,
// and what a connector is refused with. Asked of all that the settings name: the connector, its transformations and predicates, and
// converters of its own.
import { JavaPattern, messageOf } from '../../util/index.ts';
import {
  checkConfig,
  type CheckedSetting,
  type ConfigDef,
  type ConfigKey,
  type ConfigProblem,
  type RawConfig,
  withPrefix,
} from '../api/config-def.ts';
import type { Plugin, SourcePlugin } from '../api/plugins.ts';
import { connectorConfigSections } from './connector-config.ts';
import type { PluginKind } from './built-in.ts';
import type { PluginOf, Plugins } from './plugins.ts';

/** A setting as it is declared, in Kafka's words. */
export interface ConfigKeyInfo {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default_value: string | null;
  readonly importance: string;
  readonly documentation: string;
  readonly group: string | null;
  readonly width: string;
  readonly display_name: string;
  readonly dependents: readonly string[];
  /** Its place in its group, from 1; -1: it is in none. */
  readonly order: number;
}

/** A setting as it is given. */
export interface ConfigValueInfo {
  readonly name: string;
  /** Null where there is none, or where it can't be read. */
  readonly value: string | null;
  readonly recommended_values: readonly string[];
  readonly errors: readonly string[];
  readonly visible: boolean;
}

/** A setting. `definition` is null for what is wrong although nobody declares it. */
export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null;
  readonly value: ConfigValueInfo;
}

/** All settings of a connector. */
export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly ConfigInfo[];
}

/** What validation has to know of the worker. */
export interface WorkerFacts {
  /** The worker's own settings: its converters are the connectors' defaults. */
  readonly config: RawConfig;
  /** Whether `exactly.once.source.support` is on. */
  readonly exactlyOnceSources: boolean;
}

/** A setting on its way into the answer. */
interface Entry {
  definition: ConfigKeyInfo | null;
  readonly name: string;
  value: string | null;
  recommended: readonly string[];
  readonly errors: string[];
}

const CONVERTERS = { key: 'converter', value: 'converter', header: 'header_converter' } as const;
const IMPORTANCE = ['HIGH', 'MEDIUM', 'LOW'];

/** What a plugin can be told (GET /connector-plugins/{plugin}/config). */
export function describeConfig(config: ConfigDef): ConfigKeyInfo[] {
  const places = new Map<string, number>();
  return Object.entries(config)
    .filter(([, key]) => key.internal !== true)
    .map(([name, key]) => {
      const place = (places.get(key.group ?? '') ?? 0) + 1;
      places.set(key.group ?? '', place);
      return keyInfo(name, key, key.group === undefined ? -1 : place);
    });
}

/**
 * Looks at all settings of a connector. Throws `ConnectError` where there is no class of the name that `connector.class` has;
 * rejects as the plugins' own `validate` does.
 */
export async function validateConnector(
  config: RawConfig,
  plugins: Plugins,
  worker: WorkerFacts = { config: {}, exactlyOnceSources: false },
): Promise<ConfigInfos> {
  const plugin = await plugins.connector(config['connector.class'] ?? '');
  return new Validation(config, plugins, worker).of(plugin);
}

class Validation {
  readonly #config: RawConfig;
  readonly #plugins: Plugins;
  readonly #worker: WorkerFacts;
  readonly #entries = new Map<string, Entry>();

  constructor(config: RawConfig, plugins: Plugins, worker: WorkerFacts) {
    this.#config = config;
    this.#plugins = plugins;
    this.#worker = worker;
  }

  async of(plugin: PluginOf<'source' | 'sink'>): Promise<ConfigInfos> {
    this.#common(plugin);
    for (const alias of this.#names('transforms')) await this.#part(alias, 'transformation');
    for (const alias of this.#names('predicates')) await this.#part(alias, 'predicate');
    const checked = await this.#own(plugin);
    if (plugin.kind === 'sink') this.#topics();
    else this.#exactlyOnce(plugin, checked);
    for (const side of ['key', 'value', 'header'] as const) await this.#converter(side);
    return this.#answer();
  }

  /** What all connectors have. */
  #common(plugin: PluginOf<'source' | 'sink'>): void {
    for (const { config, first } of connectorConfigSections(plugin.kind, this.#config)) {
      const def: Record<string, ConfigKey> = { ...config };
      for (const name of ['key.converter', 'value.converter', 'header.converter']) {
        const fallback = this.#worker.config[name];
        if (fallback !== undefined && name in def) def[name] = { ...def[name]!, default: fallback } as ConfigKey;
      }
      const described = describeConfig(def).map((info, i) => ({ ...info, order: first + i }));
      this.#add(checkConfig(def, this.#config), described);
    }
    this.#version('connector.plugin.version', plugin.version);
  }

  /** The connector's own settings; undefined where they are wrong. */
  async #own(plugin: PluginOf<'source' | 'sink'>): Promise<Readonly<Record<string, unknown>> | undefined> {
    const common = this.#entries;
    const own = Object.fromEntries(Object.entries(plugin.config).filter(([name]) => !common.has(name)));
    this.#add(checkConfig(own, this.#config), describeConfig(own));
    return this.#askPlugin(plugin, this.#config, '');
  }

  /** A transformation or a predicate, with its settings below its name. */
  async #part(alias: string, kind: 'transformation' | 'predicate'): Promise<void> {
    const [list, what] = kind === 'predicate' ? ['predicates', 'Predicate'] : ['transforms', 'Transformation'];
    const prefix = `${list}.${alias}.`;
    const group = `${list === 'predicates' ? 'Predicates' : 'Transforms'}: ${alias}`;
    const face = { group, importance: 'HIGH', width: 'LONG' } as const;
    const head: ConfigDef = {
      [`${prefix}type`]: {
        ...face,
        type: 'CLASS',
        displayName: `${what} type for ${alias}`,
        doc: `The class of ${alias}.`,
      },
      [`${prefix}plugin.version`]: {
        ...face,
        type: 'STRING',
        default: null,
        displayName: `${what} version for ${alias}`,
        doc: `The version of the class of ${alias}: the one that is installed.`,
      },
    };
    this.#add(
      checkConfig(head, this.#config),
      describeConfig(head).map((info) => ({ ...info, order: info.order - 1 })),
    );
    const plugin = await this.#classOf(`${prefix}type`, kind);
    if (plugin === undefined) return;
    this.#version(`${prefix}plugin.version`, plugin.version);
    const own = sorted({ ...plugin.config, ...(kind === 'transformation' ? STEP_CONFIG : {}) });
    const named = Object.fromEntries(Object.entries(own).map(([name, key]) => [`${prefix}${name}`, { ...key, group }]));
    const described = describeConfig(named).map((info) => ({
      ...info,
      order: info.order + 1,
      display_name: own[info.name.slice(prefix.length)]!.displayName ?? info.name.slice(prefix.length),
    }));
    this.#add(checkConfig(named, this.#config), described);
    await this.#askPlugin(plugin, withPrefix(prefix, this.#config), prefix);
    if (kind === 'transformation') this.#predicateOf(prefix);
  }

  #predicateOf(prefix: string): void {
    const predicate = this.#config[`${prefix}predicate`]?.trim();
    if (this.#config[`${prefix}negate`] !== undefined && predicate === undefined)
      this.#complain(
        `${prefix}type`,
        `Config '${prefix}negate' was provided but there is no config '${prefix}predicate' defining a predicate to be negated.`,
      );
    if (predicate !== undefined && !this.#names('predicates').includes(predicate))
      this.#complain(`${prefix}predicate`, `There is no predicate '${predicate}' in 'predicates'.`);
  }

  /** Settings below a converter are the connector's own only where it names the converter. */
  async #converter(side: keyof typeof CONVERTERS): Promise<void> {
    const name = `${side}.converter`;
    const plugin = await this.#classOf(name, CONVERTERS[side]);
    if (plugin === undefined) return;
    this.#version(`${name}.plugin.version`, plugin.version);
    if (this.#config[name] === undefined) return;
    const own = Object.fromEntries(Object.entries(plugin.config).map(([each, key]) => [`${name}.${each}`, key]));
    this.#add(checkConfig(own, this.#config), describeConfig(own));
    await this.#askPlugin(plugin, withPrefix(`${name}.`, this.#config), `${name}.`);
  }

  /** The class that a setting names, told in full; its absence is told there. */
  async #classOf<K extends PluginKind>(name: string, kind: K): Promise<PluginOf<K> | undefined> {
    const entry = this.#entries.get(name)!;
    entry.recommended = this.#plugins.names(kind);
    if (entry.value === null || entry.errors.length > 0) return undefined;
    const given = entry.value;
    try {
      if (this.#plugins.find(given, kind) === undefined) {
        entry.value = null;
        const isOther = this.#plugins.find(given) !== undefined;
        const problem = isOther ? `is no ${kind.replace('_', ' ')}` : 'could not be found.';
        entry.errors.push(`Invalid value ${given} for configuration ${name}: Class ${given} ${problem}`);
        return undefined;
      }
      const plugin = await this.#plugins.load(given, kind);
      entry.value = plugin.className;
      return plugin;
    } catch (error) {
      entry.errors.push(`Invalid value ${given} for configuration ${name}: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** The only version that can be asked for is the one there is. */
  #version(name: string, version: string): void {
    const entry = this.#entries.get(name)!;
    entry.recommended = [version];
    if (entry.definition !== null) entry.definition = { ...entry.definition, default_value: version };
    if (entry.value === null) entry.value = version;
    else if (entry.value !== version)
      entry.errors.push(`Invalid value ${entry.value} for configuration ${name}: the installed version is ${version}`);
  }

  /** What a plugin says of settings that are each right for themselves; the settings where nothing is wrong. */
  async #askPlugin(
    plugin: Plugin,
    given: RawConfig,
    prefix: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const checked = checkConfig(plugin.config, given);
    if (checked.some(({ problems }) => problems.length > 0)) return undefined;
    const settings = Object.fromEntries(checked.map(({ name, value }) => [name, value]));
    const problems: readonly ConfigProblem[] = (await plugin.validate?.(settings as never)) ?? [];
    for (const { name, message } of problems) this.#complain(prefix + name, message);
    return problems.length === 0 ? settings : undefined;
  }

  #topics(): void {
    const topics = this.#names('topics');
    const regex = this.#config['topics.regex']?.trim() ?? '';
    const queue = this.#config['errors.deadletterqueue.topic.name']?.trim() ?? '';
    const told =
      topics.length > 0 && regex !== ''
        ? 'topics and topics.regex are mutually exclusive options, but both are set.'
        : topics.length === 0 && regex === ''
          ? 'Must configure one of topics or topics.regex'
          : undefined;
    if (told !== undefined) for (const name of ['topics', 'topics.regex']) this.#complain(name, told);
    if (queue === '') return;
    if (topics.includes(queue))
      this.#complain(
        'topics',
        `The DLQ topic '${queue}' may not be included in the list of topics ('topics=[${topics.join(', ')}]') consumed by the connector`,
      );
    if (regex !== '' && this.#entries.get('topics.regex')!.errors.length === 0 && JavaPattern.whole(regex).test(queue))
      this.#complain(
        'topics.regex',
        `The DLQ topic '${queue}' may not be matched by the regex for the topics ('topics.regex=${regex}') consumed by the connector`,
      );
  }

  #exactlyOnce(plugin: SourcePlugin, settings: Readonly<Record<string, unknown>> | undefined): void {
    const [support, boundary] = ['exactly.once.support', 'transaction.boundary'];
    const asked = (name: string, value: string): boolean => this.#entries.get(name)?.value?.toUpperCase() === value;
    if (asked(support, 'REQUIRED') && !this.#worker.exactlyOnceSources)
      this.#complain(support, 'This worker does not have exactly-once source support enabled.');
    else if (
      asked(support, 'REQUIRED') &&
      settings !== undefined &&
      plugin.exactlyOnce?.(settings as never) !== 'supported'
    )
      this.#complain(support, 'The connector does not support exactly-once semantics with the provided configuration.');
    if (
      asked(boundary, 'CONNECTOR') &&
      settings !== undefined &&
      plugin.definesTransactions?.(settings as never) !== true
    )
      this.#complain(
        boundary,
        'The connector does not support connector-defined transaction boundaries with the given configuration.',
      );
  }

  #names(setting: string): string[] {
    const names = (this.#config[setting] ?? '').split(',').map((name) => name.trim());
    return [...new Set(names)].filter((name) => name !== '');
  }

  #add(checked: readonly CheckedSetting[], described: readonly ConfigKeyInfo[]): void {
    const infos = new Map(described.map((info) => [info.name, info]));
    for (const setting of checked) {
      const definition = infos.get(setting.name);
      if (definition === undefined && setting.problems.length === 0) continue;
      this.#entries.set(setting.name, {
        definition: definition ?? null,
        name: setting.name,
        value: shown(setting),
        recommended: setting.key.recommended ?? [],
        errors: [...setting.problems],
      });
    }
  }

  #complain(name: string, message: string): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined) entry.errors.push(message);
    else
      this.#entries.set(name, {
        definition: null,
        name,
        value: this.#config[name] ?? null,
        recommended: [],
        errors: [message],
      });
  }

  #answer(): ConfigInfos {
    const entries = [...this.#entries.values()];
    const groups = new Set(entries.flatMap(({ definition }) => definition?.group ?? []));
    return {
      name: this.#config['connector.class'] ?? '',
      error_count: entries.reduce((count, { errors }) => count + errors.length, 0),
      groups: [...groups],
      configs: entries.map(({ definition, name, value, recommended, errors }) => ({
        definition,
        value: { name, value, recommended_values: recommended, errors, visible: true },
      })),
    };
  }
}

/** What every transformation can be told beside its own settings. */
const STEP_CONFIG: ConfigDef = {
  predicate: {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'The name of a predicate: the transformation is for the records that it is true of.',
  },
  negate: {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether the transformation is for the other records instead.',
  },
};

function keyInfo(name: string, key: ConfigKey, order: number): ConfigKeyInfo {
  return {
    name,
    type: key.type,
    required: key.default === undefined,
    default_value: key.default === undefined || key.default === null ? null : String(key.default),
    importance: key.importance,
    documentation: key.doc,
    group: key.group ?? null,
    width: key.width ?? 'NONE',
    display_name: key.displayName ?? name,
    dependents: key.dependents ?? [],
    order,
  };
}

/** Required ones first, then by importance and name: as Kafka orders what it puts below a name. */
function sorted(config: ConfigDef): ConfigDef {
  const rank = ([name, key]: [string, ConfigKey]): string =>
    `${key.default === undefined ? 0 : 1}${IMPORTANCE.indexOf(key.importance)}${name}`;
  return Object.fromEntries(Object.entries(config).sort((a, b) => (rank(a) < rank(b) ? -1 : 1)));
}

/** A value as a text; secrets stay hidden. */
function shown({ value }: CheckedSetting): string | null {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? value.join(',') : String(value);
}
