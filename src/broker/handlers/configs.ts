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
import { messageOf, MillraceError, Pace, type Steps } from '../../util/index.ts';
import type { Core } from '../core.ts';
import { isTopicSetting, readTopicSettings, topicSettings } from '../settings.ts';
import { type ConfigDescription, describeBrokerConfigs, describeTopicConfigs } from '../topic-configs.ts';
import type { Topic } from '../topics.ts';
import { attempt, planInSteps, repeated } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn } from './handler.ts';

type Described = ResponseOf<typeof describeConfigs>['results'][number];
type Changed = ResponseOf<typeof alterConfigs>['responses'][number];

export const handleDescribeConfigs = inStepsOn(describeConfigs, function* (request, { core }) {
  const describe = ({
    resourceType,
    resourceName,
    configurationKeys,
  }: (typeof request.resources)[number]): Described => {
    const resource = { resourceType, resourceName };
    const wanted = new Set(configurationKeys);
    const { value: all, error } = attempt(() => describeResource(core, resourceType, resourceName));
    if (all === undefined)
      return { ...resource, errorCode: errorCodeOf(error), errorMessage: messageOf(error), configs: [] };
    return {
      ...resource,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      configs: all
        .filter(({ name }) => wanted.size === 0 || wanted.has(name))
        .map(({ name, value, source, synonyms, type, doc }) => ({
          name,
          value,
          readOnly: resourceType === ResourceType.broker,
          configSource: source,
          isSensitive: false,
          synonyms: request.includeSynonyms ? synonyms : [],
          configType: type,
          documentation: request.includeDocumentation ? doc : null,
        })),
    };
  };
  const results = yield* new Pace().map(distinct(request.resources), describe);
  return { throttleTimeMs: 0, results };
});

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
export const handleAlterConfigs = inStepsOn(alterConfigs, function* (request, { core }) {
  const responses = yield* change(core, request, (_, configs) =>
    Object.fromEntries(configs.map(({ name, value }) => [name, given(name, value)])),
  );
  return { throttleTimeMs: 0, responses };
});

/** Changes single configs of a topic: set, back to the default, or items added to and taken from a list. */
export const handleIncrementalAlterConfigs = inStepsOn(incrementalAlterConfigs, function* (request, { core }) {
  const responses = yield* change(core, request, (topic, configs) => {
    const result = new Map(Object.entries(topic.configs));
    const names = new Set(configs.map(({ name }) => name));
    if (names.size < configs.length) throw refusal('INVALID_REQUEST', 'A config is changed more than once.');
    for (const { name, configOperation, value } of configs) {
      if (configOperation === ConfigOperation.delete) result.delete(name);
      else if (configOperation === ConfigOperation.set) result.set(name, given(name, value));
      else result.set(name, editedList(topic, name, configOperation, given(name, value)));
    }
    return Object.fromEntries(result);
  });
  return { throttleTimeMs: 0, responses };
});

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
function* change<C>(
  core: Core,
  { resources, validateOnly }: { readonly resources: readonly Change<C>[]; readonly validateOnly: boolean },
  changed: (topic: Topic, configs: readonly C[]) => Record<string, string>,
): Steps<Changed[]> {
  const keyOf = ({ resourceType, resourceName }: Change<C>): string => `${resourceType}/${resourceName}`;
  const ambiguous = repeated(resources.map(keyOf));
  const planned = yield* planInSteps(resources, (resource) => {
    const { resourceType, resourceName } = resource;
    if (ambiguous.has(keyOf(resource))) {
      throw refusal('INVALID_REQUEST', `'${resourceName}' appears more than once in the request.`);
    }
    if (resourceType !== ResourceType.topic) {
      throw refusal('INVALID_REQUEST', 'Only configs of topics can be changed while the broker runs.');
    }
    const topic = topicNamed(core, resourceName);
    const configs = changed(topic, resource.configs);
    readTopicSettings(configs, core.settings);
    return { topic, configs };
  });
  const changes = planned.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const { error: failure } = attempt(() => {
    if (!validateOnly && changes.length > 0) core.topics.setConfigs(changes);
  });
  return yield* new Pace().map(resources, ({ resourceType, resourceName }, i) => {
    const error = planned[i]!.error ?? failure;
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
