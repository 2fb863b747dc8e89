/**
 * DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: settings of topics, and those that the broker was started with.
 *
 * * DescribeConfigs 0: the configs named, or all when none is (null and empty mean the same). 1: where a value comes from and what it overrides. 3: types and documentation. Topics by name; brokers by this
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
import { errorCodeOf } from './error-code.ts';
import { on } from './handler.ts';

type Described = ResponseOf<typeof describeConfigs>['results'][number];

export const handleDescribeConfigs = on(describeConfigs, (request, { core }) => ({
  throttleTimeMs: 0,
  results: distinct(request.resources).map(({ resourceType, resourceName, configurationKeys }): Described => {
    const resource = { resourceType, resourceName };
    const wanted = new Set(configurationKeys);
    try {
      const all = describeResource(core, resourceType, resourceName);
      const isReadOnly = resourceType === ResourceType.broker;
      return {
        ...resource,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        configs: all
          .filter(({ name }) => wanted.size === 0 || wanted.has(name))
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

/** Each resource once: an answer is much longer than what asks for it. */
function distinct<R extends { readonly resourceType: number; readonly resourceName: string }>(
  resources: readonly R[],
): R[] {
  return [...new Map(resources.map((each) => [`${each.resourceType}/${each.resourceName}`, each])).values()];
}

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
  responses: change(core, request, (_, configs) =>
    Object.fromEntries(configs.map(({ name, value }) => [name, given(name, value)])),
  ),
}));

/** Changes single configs of a topic: set, back to the default, or items added to and taken from a list. */
export const handleIncrementalAlterConfigs = on(incrementalAlterConfigs, (request, { core }) => ({
  throttleTimeMs: 0,
  responses: change(core, request, (topic, configs) => {
    const result = new Map(Object.entries(topic.configs));
    const names = new Set(configs.map(({ name }) => name));
    if (names.size < configs.length) throw refusal('INVALID_REQUEST', 'A config is changed more than once.');
    for (const { name, configOperation, value } of configs) {
      if (configOperation === ConfigOperation.delete) result.delete(name);
      else if (configOperation === ConfigOperation.set) result.set(name, given(name, value));
      else result.set(name, editedList(topic, name, configOperation, given(name, value)));
    }
    return Object.fromEntries(result);
  }),
}));

function given(name: string, value: string | null): string {
  if (value === null) throw refusal('INVALID_REQUEST', `Config "${name}" is set to nothing; delete it instead.`);
  return value;
}

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

interface Change<C> {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly C[];
}

/** Checks every change, then makes those that may be made with one write. */
function change<C>(
  core: Core,
  { resources, validateOnly }: { readonly resources: readonly Change<C>[]; readonly validateOnly: boolean },
  changed: (topic: Topic, configs: readonly C[]) => Record<string, string>,
) {
  const counts = Map.groupBy(resources, ({ resourceType, resourceName }) => `${resourceType}/${resourceName}`);
  const changes: { topic: Topic; configs: Record<string, string> }[] = [];
  const refusals = resources.map(({ resourceType, resourceName, configs }) => {
    try {
      if (counts.get(`${resourceType}/${resourceName}`)!.length > 1) {
        throw refusal('INVALID_REQUEST', `'${resourceName}' appears more than once in the request.`);
      }
      if (resourceType !== ResourceType.topic) {
        throw refusal('INVALID_REQUEST', 'Only configs of topics can be changed while the broker runs.');
      }
      const topic = topicNamed(core, resourceName);
      const result = changed(topic, configs);
      readTopicSettings(result, core.settings);
      changes.push({ topic, configs: result });
      return undefined;
    } catch (error) {
      return error;
    }
  });
  let failure: unknown;
  try {
    if (!validateOnly && changes.length > 0) core.topics.setConfigs(changes);
  } catch (error) {
    failure = error;
  }
  return resources.map(({ resourceType, resourceName }, i) => {
    const error = refusals[i] ?? failure;
    return error === undefined
      ? { resourceType, resourceName, errorCode: ErrorCode.NONE, errorMessage: null }
      : { resourceType, resourceName, errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
  });
}

function topicNamed(core: Core, name: string): Topic {
  const topic = core.topics.get(name);
  if (topic === undefined) throw refusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${name}'.`);
  return topic;
}

function refusal(code: ErrorName, message: string): MillraceError {
  return new MillraceError(code, message);
}
