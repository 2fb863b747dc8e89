/**
 * DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: settings of topics, and those that the broker was started with.
 *
 * * DescribeConfigs 1: where a value comes from and what it overrides. 3: types and documentation. Topics by name; brokers by this
 *   one's id, or '' for the default of all brokers, which is empty.
 * * AlterConfigs 0: replaces all of a topic's. IncrementalAlterConfigs 0: set, delete, append to and subtract from lists; a name
 *   that is changed twice is refused with INVALID_REQUEST.
 * * Everything is checked before anything is changed; `validateOnly` stops there.
 *
 * Not done: settings of brokers, loggers, clients and groups can't be changed; they are refused with INVALID_REQUEST.
 */
import {
  alterConfigs,
  ConfigOperation,
  describeConfigs,
  ErrorCode,
  type ErrorName,
  incrementalAlterConfigs,
  ResourceType,
  type ResponseOf,
} from '../../protocol/index.ts';
import { messageOf, MillraceError } from '../../util/index.ts';
import type { Core } from '../core.ts';
import { isTopicSetting, readTopicSettings, topicSettings } from '../settings.ts';
import { type ConfigDescription, describeBrokerConfigs, describeTopicConfigs } from '../topic-configs.ts';
import type { Topic } from '../topics.ts';
import { on } from './handler.ts';
import { errorCodeOf } from './topics.ts';

type Described = ResponseOf<typeof describeConfigs>['results'][number];

export const handleDescribeConfigs = on(describeConfigs, (request, { core }) => ({
  throttleTimeMs: 0,
  results: request.resources.map(({ resourceType, resourceName, configurationKeys }): Described => {
    const resource = { resourceType, resourceName };
    try {
      const all = describeResource(core, resourceType, resourceName);
      const isReadOnly = resourceType === ResourceType.broker;
      return {
        ...resource,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        configs: all
          .filter(({ name }) => configurationKeys === null || configurationKeys.includes(name))
          .map(({ name, value, source, synonyms, type, doc }) => ({
            name,
            value,
            readOnly: isReadOnly,
            configSource: source,
            isSensitive: false,
            synonyms: request.includeSynonyms ? synonyms : [],
            configType: type,
            documentation: request.includeDocumentation ? doc : null,
          })),
      };
    } catch (error) {
      return { ...resource, errorCode: errorCodeOf(error), errorMessage: messageOf(error), configs: [] };
    }
  }),
}));

function describeResource(core: Core, type: number, name: string): ConfigDescription[] {
  switch (type) {
    case ResourceType.topic:
      return describeTopicConfigs(core, topicNamed(core, name).configs);
    case ResourceType.broker:
      if (name !== '' && name !== String(core.settings['node.id'])) {
        throw refusal('INVALID_REQUEST', `There is no broker ${name}; this is broker ${core.settings['node.id']}.`);
      }
      // The default of all brokers has nothing of its own: what was given belongs to this one.
      return name === '' ? [] : describeBrokerConfigs(core);
    default:
      throw refusal('INVALID_REQUEST', `Configs of resource type ${type} are not supported.`);
  }
}

/** Replaces all configs of a topic by those given. */
export const handleAlterConfigs = on(alterConfigs, (request, { core }) => ({
  throttleTimeMs: 0,
  responses: request.resources.map(({ resourceType, resourceName, configs }) =>
    change(core, resourceType, resourceName, request.validateOnly, () =>
      Object.fromEntries(configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value]]))),
    ),
  ),
}));

/** Changes single configs of a topic: set, back to the default, or items added to and taken from a list. */
export const handleIncrementalAlterConfigs = on(incrementalAlterConfigs, (request, { core }) => ({
  throttleTimeMs: 0,
  responses: request.resources.map(({ resourceType, resourceName, configs }) =>
    change(core, resourceType, resourceName, request.validateOnly, (topic) => {
      const result = new Map(Object.entries(topic.configs));
      const names = configs.map(({ name }) => name);
      if (new Set(names).size < names.length) throw refusal('INVALID_REQUEST', 'A config is changed more than once.');
      for (const { name, configOperation, value } of configs) {
        if (configOperation === ConfigOperation.delete) {
          result.delete(name);
          continue;
        }
        if (value === null) throw refusal('INVALID_REQUEST', `Config "${name}" is set to nothing; delete it instead.`);
        result.set(
          name,
          configOperation === ConfigOperation.set ? value : editedList(topic, name, configOperation, value),
        );
      }
      return Object.fromEntries(result);
    }),
  ),
}));

function editedList(topic: Topic, name: string, operation: number, value: string): string {
  if (!isTopicSetting(name) || topicSettings[name].kind !== 'list') {
    throw refusal('INVALID_CONFIG', `Config "${name}" is not a list that items can be added to or taken from.`);
  }
  const present = String(topic.settings[name]).split(',').filter(Boolean);
  const items = value.split(',').map((item) => item.trim());
  if (operation === ConfigOperation.append) return [...new Set([...present, ...items])].join(',');
  if (operation === ConfigOperation.subtract) return present.filter((item) => !items.includes(item)).join(',');
  throw refusal('INVALID_REQUEST', `Config operation ${operation} is not known.`);
}

function change(
  core: Core,
  resourceType: number,
  resourceName: string,
  validateOnly: boolean,
  changed: (topic: Topic) => Record<string, string>,
) {
  const resource = { resourceType, resourceName };
  try {
    if (resourceType !== ResourceType.topic) {
      throw refusal('INVALID_REQUEST', 'Only configs of topics can be changed while the broker runs.');
    }
    const topic = topicNamed(core, resourceName);
    const configs = changed(topic);
    readTopicSettings(configs, core.settings);
    if (!validateOnly) core.topics.setConfigs(topic, configs);
    return { ...resource, errorCode: ErrorCode.NONE, errorMessage: null };
  } catch (error) {
    return { ...resource, errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
  }
}

function topicNamed(core: Core, name: string): Topic {
  const topic = core.topics.get(name);
  if (topic === undefined) throw refusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${name}'.`);
  return topic;
}

function refusal(code: ErrorName, message: string): MillraceError {
  return new MillraceError(code, message);
}
