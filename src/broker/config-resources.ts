/**
 * What has configs that clients see and change: topics, this broker and all brokers together, groups, and whose metrics are wanted.
 * One entry says how its names are checked, which configs there are, what is set, and what may be set; DescribeConfigs and
 * both ways of changing work on any of them.
 */
import { ConfigSource, ResourceType } from '../protocol/index.ts';
import { codeOf, messageOf, MillraceError, parseSetting, type SettingTable, settingNamed } from '../util/index.ts';
import { checkClientMetrics, clientMetricsConfigs } from './client-metrics.ts';
import type { Core } from './core.ts';
import { checkGroupConfigs } from './groups/group-settings.ts';
import { ALL_BROKERS } from './metadata/live-settings.ts';
import { brokerSettings, groupSettings, isDynamic, topicSettings } from './settings.ts';
import {
  type ConfigDescription,
  describeBrokerConfigs,
  describeGiven,
  describeGroupConfigs,
  describeTopicConfigs,
  describeWithDefaults,
} from './topic-configs.ts';
import type { Topic } from './topics.ts';

type Configs = Readonly<Record<string, string>>;

/** A kind of resource. All of it throws what a client is told. */
export interface ConfigResource {
  /** All configs that there can be. */
  readonly table: SettingTable;
  /** What is set on it. */
  readonly current: (core: Core, name: string) => Configs;
  readonly describe: (core: Core, name: string) => readonly ConfigDescription[];
  /** Refuses what can't be set. */
  readonly check: (core: Core, configs: Configs, name: string) => void;
  /** The value of a list that items are added to where none is set. */
  readonly inherited: (core: Core, name: string, config: string) => string;
}

const topicResource: ConfigResource = {
  table: topicSettings,
  current: (core, name) => topicNamed(core, name).configs,
  describe(core, name) {
    if (name === '') throw new MillraceError('INVALID_TOPIC_EXCEPTION', 'The name of a topic is not empty.');
    return describeTopicConfigs(core, topicNamed(core, name).configs);
  },
  check: (core, configs) => core.topics.checkConfigs(configs),
  inherited: (core, name, config) => String(topicNamed(core, name).settings[config as 'cleanup.policy']),
};

const brokerResource: ConfigResource = {
  table: brokerSettings,
  current(core, name) {
    checkBroker(core, name);
    return core.metadata.configsOf(ResourceType.broker, name);
  },
  describe(core, name) {
    checkBroker(core, name);
    if (name !== ALL_BROKERS) return describeBrokerConfigs(core);
    const configs = core.metadata.configsOf(ResourceType.broker, ALL_BROKERS);
    return describeGiven(configs, brokerSettings, ConfigSource.dynamicDefaultBroker);
  },
  check(_, configs) {
    const fixed = Object.keys(configs).filter((name) => Object.hasOwn(brokerSettings, name) && !isDynamic(name));
    if (fixed.length > 0) {
      const what = `Cannot update these configs dynamically: [${fixed.join(', ')}]`;
      throw refusal('INVALID_REQUEST', `${what}; set them at the start of the broker.`);
    }
    asRequest(() => {
      for (const [name, value] of Object.entries(configs)) {
        parseSetting(name, settingNamed(brokerSettings, name, 'broker config'), value);
      }
    });
  },
  inherited: (core, _, config) => String(core.settings[config as 'log.cleanup.policy']),
};

const clientMetricsResource: ConfigResource = {
  table: clientMetricsConfigs,
  current(core, name) {
    if (name === '') throw refusal('INVALID_REQUEST', "Subscription name can't be empty.");
    return core.metadata.configsOf(ResourceType.clientMetrics, name);
  },
  describe(core, name) {
    const configs = clientMetricsResource.current(core, name);
    return describeWithDefaults(configs, clientMetricsConfigs, ConfigSource.clientMetrics);
  },
  check: (_, configs) => checkClientMetrics(configs),
  inherited: () => '',
};

const groupResource: ConfigResource = {
  table: groupSettings,
  current(core, name) {
    if (name === '') throw refusal('INVALID_REQUEST', 'Default group resources are not allowed.');
    return core.metadata.configsOf(ResourceType.group, name);
  },
  describe: (core, name) => describeGroupConfigs(core, groupResource.current(core, name)),
  check: (core, configs) => checkGroupConfigs(core.settings, configs),
  inherited: () => '',
};

const RESOURCES: ReadonlyMap<number, ConfigResource> = new Map([
  [ResourceType.topic, topicResource],
  [ResourceType.broker, brokerResource],
  [ResourceType.clientMetrics, clientMetricsResource],
  [ResourceType.group, groupResource],
]);

/** What a type of resources can do; refused with INVALID_REQUEST where there is none. */
export function configResource(type: number): ConfigResource {
  const resource = RESOURCES.get(type);
  if (resource !== undefined) return resource;
  if (type === ResourceType.brokerLogger) {
    throw refusal('INVALID_REQUEST', "This broker's log has no loggers whose levels could be told or changed.");
  }
  throw refusal('INVALID_REQUEST', `Unknown resource type ${type}.`);
}

/** What is wrong with a config of a broker is, to clients, wrong with their request. */
function asRequest(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw codeOf(error) === 'INVALID_CONFIG' ? refusal('INVALID_REQUEST', messageOf(error)) : error;
  }
}

function checkBroker(core: Core, name: string): void {
  const id = core.settings['node.id'];
  if (name === ALL_BROKERS || name === String(id)) return;
  if (!/^-?\d+$/.test(name)) throw refusal('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`);
  throw refusal('INVALID_REQUEST', `Unexpected broker id, expected ${id}, but received ${name}`);
}

function topicNamed(core: Core, name: string): Topic {
  if (name === '') throw refusal('INVALID_REQUEST', 'Default topic resources are not allowed.');
  const topic = core.topics.get(name);
  if (topic === undefined) throw refusal('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`);
  return topic;
}

function refusal(code: 'INVALID_REQUEST' | 'UNKNOWN_TOPIC_OR_PARTITION', message: string): MillraceError {
  return new MillraceError(code, message);
}
