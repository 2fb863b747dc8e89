/**
 * DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, ListConfigResources: settings of topics, of the broker while it runs,
 * and of what else has some (config-resources.ts).
 *
 * * DescribeConfigs 0: the configs named, or all when none is (null and empty mean the same). 1: where a value comes from and what
 *   it overrides. 3: types and documentation. Brokers by this one's id, or '' for what all brokers share.
 * * AlterConfigs 0: replaces all that are set. IncrementalAlterConfigs 0: set, delete, append to and subtract from lists; a name
 *   that is changed twice is refused with INVALID_REQUEST.
 * * Everything is checked before anything is changed; `validateOnly` stops there.
 * * ListConfigResources 0: names of client metrics subscriptions (KIP-714). 1: of all types, or of those asked for (KIP-1142).
 *
 * Not done: levels of loggers, which this broker's log does not have.
 */
import {
  alterConfigs,
  ConfigOperation,
  describeConfigs,
  ErrorCode,
  type ErrorName,
  incrementalAlterConfigs,
  listConfigResources,
  ResourceType,
  type ResponseOf,
} from '../../protocol/index.ts';
import { messageOf, MillraceError, Pace, type Steps } from '../../util/index.ts';
import { type ConfigResource, configResource } from '../config-resources.ts';
import type { Core } from '../core.ts';
import type { StoredConfigs } from '../metadata/cluster-metadata.ts';
import { attempt, distinct, planInSteps, repeated } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn, on } from './handler.ts';

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
    const { value: all, error } = attempt(() => configResource(resourceType).describe(core, resourceName));
    if (all === undefined)
      return { ...resource, errorCode: errorCodeOf(error), errorMessage: messageOf(error), configs: [] };
    return {
      ...resource,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      configs: all
        .filter(({ name }) => wanted.size === 0 || wanted.has(name))
        .map(({ name, value, source, synonyms, type, doc, isReadOnly, isSecret }) => ({
          name,
          value,
          readOnly: isReadOnly,
          configSource: source,
          isSensitive: isSecret,
          synonyms: request.includeSynonyms ? synonyms : [],
          configType: type,
          documentation: request.includeDocumentation ? doc : null,
        })),
    };
  };
  const results = yield* new Pace().map(distinct(request.resources, keyOf), describe);
  return { throttleTimeMs: 0, results };
});

function keyOf({
  resourceType,
  resourceName,
}: {
  readonly resourceType: number;
  readonly resourceName: string;
}): string {
  return `${resourceType}/${resourceName}`;
}

/** Replaces all configs of a resource by those given. */
export const handleAlterConfigs = inStepsOn(alterConfigs, function* (request, { core }) {
  const responses = yield* change(core, request, (_, { configs }) =>
    Object.fromEntries(configs.map(({ name, value }) => [name, given(name, value)])),
  );
  return { throttleTimeMs: 0, responses };
});

/** Changes single configs of a resource: set, back to the default, or items added to and taken from a list. */
export const handleIncrementalAlterConfigs = inStepsOn(incrementalAlterConfigs, function* (request, { core }) {
  const responses = yield* change(core, request, (resource, { resourceName, configs }) => {
    const result = new Map(Object.entries(resource.current(core, resourceName)));
    const names = new Set(configs.map(({ name }) => name));
    if (names.size < configs.length) throw refusal('INVALID_REQUEST', 'Error due to duplicate config keys.');
    for (const { name, configOperation, value } of configs) {
      if (configOperation === ConfigOperation.delete) result.delete(name);
      else if (configOperation === ConfigOperation.set) result.set(name, given(name, value));
      else {
        const present = result.get(name) ?? inheritedList(core, resource, resourceName, name);
        result.set(name, editedList(present, configOperation, given(name, value)));
      }
    }
    return Object.fromEntries(result);
  });
  return { throttleTimeMs: 0, responses };
});

/** What has configs of its own: topics that have some set, brokers and others by name. */
export const handleListConfigResources = on(listConfigResources, ({ resourceTypes }, { core, version }) => {
  const all = [...core.metadata.current.configs];
  const known = Object.values(ResourceType) as number[];
  const wanted = version === 0 ? [ResourceType.clientMetrics] : resourceTypes.length === 0 ? known : resourceTypes;
  const unknown = wanted.some((type) => !known.includes(type));
  if (unknown) return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] };
  const namesOf = (type: number): readonly string[] => {
    if (type === ResourceType.topic) return [...core.topics.all()].map(({ name }) => name);
    if (type === ResourceType.broker || type === ResourceType.brokerLogger) return [String(core.settings['node.id'])];
    return all.filter(({ resourceType }) => resourceType === type).map(({ resourceName }) => resourceName);
  };
  const configResources = [...new Set(wanted)].flatMap((resourceType) =>
    namesOf(resourceType).map((resourceName) => ({ resourceName, resourceType })),
  );
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources };
});

function given(name: string, value: string | null): string {
  if (value === null) throw refusal('INVALID_REQUEST', `Null value not supported for : ${name}; delete it instead.`);
  return value;
}

/** What a list is that is not set itself. */
function inheritedList(core: Core, { table, inherited }: ConfigResource, resource: string, name: string): string {
  const setting = Object.hasOwn(table, name) ? table[name] : undefined;
  if (setting?.kind !== 'list') {
    throw refusal('INVALID_CONFIG', `Config "${name}" is not a list that items can be added to or taken from.`);
  }
  return inherited(core, resource, name);
}

function editedList(before: string, operation: number, value: string): string {
  const present = before.split(',').filter(Boolean);
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

/** Checks every change, then makes those that may be made: of topics with one write, of all others with another. */
function* change<C>(
  core: Core,
  { resources, validateOnly }: { readonly resources: readonly Change<C>[]; readonly validateOnly: boolean },
  changed: (resource: ConfigResource, change: Change<C>) => Record<string, string>,
): Steps<Changed[]> {
  const ambiguous = repeated(resources.map(keyOf));
  const planned = yield* planInSteps(resources, (each) => {
    const { resourceType, resourceName } = each;
    if (ambiguous.has(keyOf(each))) {
      throw refusal('INVALID_REQUEST', `'${resourceName}' appears more than once in the request.`);
    }
    const resource = configResource(resourceType);
    // Refuses names that there are none of.
    resource.current(core, resourceName);
    const configs = changed(resource, each);
    resource.check(core, configs, resourceName);
    return { resourceType, resourceName, configs };
  });
  const changes = planned.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const { error: failure } = attempt(() => {
    if (!validateOnly) carryOut(core, changes);
  });
  return yield* new Pace().map(resources, ({ resourceType, resourceName }, i) => {
    const error = planned[i]!.error ?? failure;
    return error === undefined
      ? { resourceType, resourceName, errorCode: ErrorCode.NONE, errorMessage: null }
      : { resourceType, resourceName, errorCode: errorCodeOf(error), errorMessage: messageOf(error) };
  });
}

function carryOut(core: Core, changes: readonly StoredConfigs[]): void {
  const ofTopics = changes.flatMap(({ resourceType, resourceName, configs }) => {
    const topic = resourceType === ResourceType.topic ? core.topics.get(resourceName) : undefined;
    return topic === undefined ? [] : [{ topic, configs }];
  });
  const others = changes.filter(({ resourceType }) => resourceType !== ResourceType.topic);
  if (ofTopics.length > 0) core.topics.setConfigs(ofTopics);
  if (others.length > 0) core.metadata.setConfigs(others);
}

function refusal(code: ErrorName, message: string): MillraceError {
  return new MillraceError(code, message);
}
