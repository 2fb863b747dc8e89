// The broker's settings, some of which change while it runs (KIP-226): whoever acts on one looks at it each time.
import { ConfigSource, ResourceType } from '../../protocol/index.ts';
import { type GivenSettings, parseSetting } from '../../util/index.ts';
import {
  type BrokerSettingName,
  type BrokerSettings,
  brokerSettings,
  isDynamic,
  readBrokerSettings,
} from '../settings.ts';
import type { ClusterMetadata, MetadataParts } from './cluster-metadata.ts';

/** The resource name of the configs that all brokers have which have none of their own. */
export const ALL_BROKERS = '';

/** A value that a setting has, or would have. */
export interface SettingValueSource {
  readonly name: string;
  readonly value: string;
  readonly source: number;
}

/** What was given at the start, and what was changed since. */
export class LiveSettings {
  /** One object for the life of the broker; its values change. */
  readonly values: BrokerSettings;
  readonly #given: Readonly<Record<string, string>>;
  readonly #metadata: ClusterMetadata;
  #configs: MetadataParts['configs'] | undefined;
  /** Called when values may have changed. */
  onChange: () => void = () => {};

  constructor(given: GivenSettings, metadata: ClusterMetadata) {
    this.#given = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
    this.#metadata = metadata;
    this.values = readBrokerSettings(given);
    metadata.onChange(({ configs }) => {
      if (configs === this.#configs) return;
      this.#configs = configs;
      Object.assign(this.values, this.#current());
      this.onChange();
    });
  }

  /** What a setting is told to be, by whom, the one that counts first; without its default. */
  given(name: BrokerSettingName): SettingValueSource[] {
    const found: SettingValueSource[] = [];
    const add = (value: string | undefined, source: number): void => {
      if (value !== undefined) found.push({ name, value, source });
    };
    add(this.#own()[name], ConfigSource.dynamicBroker);
    add(this.#metadata.configsOf(ResourceType.broker, ALL_BROKERS)[name], ConfigSource.dynamicDefaultBroker);
    add(this.#given[name], ConfigSource.staticBroker);
    return found;
  }

  #own(): Readonly<Record<string, string>> {
    return this.#metadata.configsOf(ResourceType.broker, String(this.values['node.id']));
  }

  #current(): BrokerSettings {
    const dynamic = { ...this.#metadata.configsOf(ResourceType.broker, ALL_BROKERS), ...this.#own() };
    const names = Object.keys(dynamic).filter(isDynamic) as BrokerSettingName[];
    const changed = names.map((name) => [name, parseSetting(name, brokerSettings[name], dynamic[name]!)]);
    return { ...readBrokerSettings(this.#given), ...Object.fromEntries(changed) };
  }
}
