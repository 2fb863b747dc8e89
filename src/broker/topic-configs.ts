import { ConfigSource, ConfigType } from '../protocol/index.ts';
import type { Setting, SettingKind, SettingTable } from '../util/index.ts';
import type { Core } from './core.ts';
import type { SettingValueSource } from './metadata/live-settings.ts';
import {
  brokerSettings,
  type BrokerSettingName,
  groupSettings,
  isDynamic,
  isInternalSetting,
  topicDefault,
  type TopicSetting,
  topicSettings,
  type TopicSettingName,
} from './settings.ts';

export interface ConfigDescription {
  readonly name: string;
  /** Null: it has none by itself. */
  readonly value: string | null;
  readonly source: number;
  readonly type: number;
  readonly doc: string;
  /** Whether it can be set at the start only. */
  readonly isReadOnly: boolean;
  /** Whether its value is told to nobody. */
  readonly isSecret: boolean;
  /** The same value's possible sources, the one that counts first. */
  readonly synonyms: readonly SettingValueSource[];
}

const TYPES: Record<SettingKind, number> = {
  boolean: ConfigType.boolean,
  int: ConfigType.int,
  long: ConfigType.long,
  double: ConfigType.double,
  string: ConfigType.string,
  list: ConfigType.list,
};
const WITHOUT_DEFAULT: ReadonlySet<string> = new Set(['log.retention.ms', 'log.roll.ms', 'log.roll.jitter.ms']);
const LONG_MAX = '9223372036854775807';

/** Every config of a topic with its value and where that comes from: clients read, change and write all of them. */
export function describeTopicConfigs(core: Core, configs: Readonly<Record<string, string>>): ConfigDescription[] {
  return describeInherited(core, configs, {
    table: topicSettings,
    source: ConfigSource.dynamicTopic,
    byDefault: (name) => topicDefault(name as TopicSettingName, core.settings),
  });
}

/** The same of a group. */
export function describeGroupConfigs(core: Core, configs: Readonly<Record<string, string>>): ConfigDescription[] {
  return describeInherited(core, configs, {
    table: groupSettings,
    source: ConfigSource.group,
    byDefault: (name) => groupSettings[name as keyof typeof groupSettings].default,
  });
}

/** Configs whose defaults may be settings of the broker. */
function describeInherited(
  core: Core,
  configs: Readonly<Record<string, string>>,
  of: {
    readonly table: Readonly<Record<string, TopicSetting<unknown>>>;
    /** Of what is set. */
    readonly source: number;
    readonly byDefault: (name: string) => unknown;
  },
): ConfigDescription[] {
  return visible(of.table).map((name) => {
    const { kind, doc, synonym } = of.table[name]!;
    const own = configs[name];
    const ownValue = own === undefined ? [] : [{ name, value: own, source: of.source }];
    const synonyms = [...ownValue, ...(synonym === undefined ? [] : brokerValues(core, synonym))];
    const byDefault = { value: format(kind, of.byDefault(name)), source: ConfigSource.default };
    const { value, source } = synonyms[0] ?? byDefault;
    return { ...common(name, kind, doc), value, source, synonyms };
  });
}

export function describeBrokerConfigs(core: Core): ConfigDescription[] {
  return visible(brokerSettings).map((key) => {
    const name = key as BrokerSettingName;
    const { kind, doc, isSecret }: Setting<unknown> = brokerSettings[name];
    const synonyms = brokerValues(core, name);
    const { value, source } = synonyms[0] ?? { value: null, source: ConfigSource.default };
    if (isSecret === true)
      return {
        ...common(name, kind, doc),
        type: ConfigType.password,
        isReadOnly: true,
        isSecret,
        value: null,
        source,
        synonyms: [],
      };
    return { ...common(name, kind, doc), isReadOnly: !isDynamic(name), value, source, synonyms };
  });
}

/** The configs of a resource that has only those that were set: of all brokers together. */
export function describeGiven(
  configs: Readonly<Record<string, string>>,
  table: SettingTable,
  source: number,
): ConfigDescription[] {
  return Object.entries(configs).map(([name, value]) => {
    const { kind, doc } = table[name]!;
    return { ...common(name, kind, doc), value, source, synonyms: [{ name, value, source }] };
  });
}

/** All configs of a resource whose defaults are in its table. */
export function describeWithDefaults(
  configs: Readonly<Record<string, string>>,
  table: SettingTable,
  source: number,
): ConfigDescription[] {
  return Object.entries(table).map(([name, { kind, doc, default: fallback }]) => {
    const own = configs[name];
    const found =
      own === undefined ? { value: format(kind, fallback), source: ConfigSource.default } : { value: own, source };
    return { ...common(name, kind, doc), ...found, synonyms: [] };
  });
}

function visible(table: SettingTable): string[] {
  return Object.keys(table).filter((name) => !isInternalSetting(name));
}

function common(name: string, kind: SettingKind, doc: string) {
  return { name, type: TYPES[kind], doc, isReadOnly: false, isSecret: false };
}

/** What a broker setting is told to be, and its default behind that. */
function brokerValues(core: Core, name: BrokerSettingName): SettingValueSource[] {
  const { kind, default: fallback } = brokerSettings[name];
  const given = core.liveSettings.given(name);
  // What they are in hours holds until these are set.
  if (WITHOUT_DEFAULT.has(name)) return given;
  return [...given, { name, value: format(kind, fallback), source: ConfigSource.default }];
}

/** As Kafka writes it: our largest number stands for Java's largest long. */
function format(kind: SettingKind, value: unknown): string {
  return kind === 'long' && value === Number.MAX_SAFE_INTEGER ? LONG_MAX : String(value);
}
