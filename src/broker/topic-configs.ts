import { ConfigSource, ConfigType } from '../protocol/index.ts';
import type { SettingKind } from '../util/index.ts';
import type { Core } from './core.ts';
import {
  brokerSettings,
  type BrokerSettingName,
  topicDefault,
  type TopicSetting,
  topicSettings,
  type TopicSettingName,
} from './settings.ts';

export interface ConfigDescription {
  readonly name: string;
  readonly value: string;
  readonly source: number;
  readonly type: number;
  readonly doc: string;
  /** The same value's possible sources, the one that counts first. */
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[];
}

const TYPES: Record<SettingKind, number> = {
  boolean: ConfigType.boolean,
  int: ConfigType.int,
  long: ConfigType.long,
  double: ConfigType.double,
  string: ConfigType.string,
  list: ConfigType.list,
};
const LONG_MAX = '9223372036854775807';

/** Every config of a topic with its value and where that comes from: clients read, change and write all of them. */
export function describeTopicConfigs(core: Core, configs: Readonly<Record<string, string>>): ConfigDescription[] {
  return Object.keys(topicSettings).map((key) => {
    const name = key as TopicSettingName;
    const setting: TopicSetting<unknown> = topicSettings[name];
    const synonyms: { name: string; value: string; source: number }[] = [];
    const own = configs[name];
    if (own !== undefined) synonyms.push({ name, value: own, source: ConfigSource.dynamicTopic });
    const { synonym } = setting;
    if (synonym !== undefined && synonym in core.givenSettings) {
      const value = core.givenSettings[synonym]!;
      synonyms.push({ name: synonym, value, source: ConfigSource.staticBroker });
    }
    const fallback = format(setting.kind, topicDefault(name, core.settings));
    if (synonym === undefined || !(synonym in core.givenSettings)) {
      synonyms.push({ name: synonym ?? name, value: fallback, source: ConfigSource.default });
    }
    const { value, source } = synonyms[0]!;
    return { name, value, source, type: TYPES[setting.kind], doc: setting.doc, synonyms };
  });
}

export function describeBrokerConfigs(core: Core): ConfigDescription[] {
  return Object.keys(brokerSettings).map((key) => {
    const name = key as BrokerSettingName;
    const { kind, doc } = brokerSettings[name];
    const source = name in core.givenSettings ? ConfigSource.staticBroker : ConfigSource.default;
    const value = core.givenSettings[name] ?? format(kind, core.settings[name]);
    return { name, value, source, type: TYPES[kind], doc, synonyms: [{ name, value, source }] };
  });
}

/** As Kafka writes it: our largest number stands for Java's largest long. */
function format(kind: SettingKind, value: unknown): string {
  return kind === 'long' && value === Number.MAX_SAFE_INTEGER ? LONG_MAX : String(value);
}
