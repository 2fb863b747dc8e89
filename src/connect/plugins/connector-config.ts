// The settings that every connector has, in Kafka's order. What a connector itself, its converters and its transformations can be
// told comes beside them (validation.ts).
import { JavaPattern, messageOf } from '../../util/index.ts';
import { atLeast, type ConfigDef, type ConfigKeyOf, defineConfig, nonEmpty, oneOfTexts } from '../api/config-def.ts';

const common = { group: 'Common' } as const;
const errors = { group: 'Error Handling', width: 'MEDIUM', importance: 'MEDIUM' } as const;
const exactlyOnce = { group: 'Exactly Once Support', width: 'SHORT' } as const;

/** A version is that of the plugin there is; versions beside each other are not kept. */
const version = (whose: string): ConfigKeyOf<'STRING'> => ({
  ...common,
  type: 'STRING',
  default: null,
  importance: 'LOW',
  width: 'SHORT',
  displayName: `${whose} version`,
  doc: `The version of the ${whose.toLowerCase()}: the one that is installed.`,
});

const converter = (whose: string, fallback: string): ConfigKeyOf<'CLASS'> => ({
  ...common,
  type: 'CLASS',
  default: fallback,
  importance: 'LOW',
  width: 'SHORT',
  displayName: `${whose} converter class`,
  doc: `The class that makes bytes of ${whose.toLowerCase()}s and ${whose.toLowerCase()}s of bytes. Default: the worker's.`,
});

/** Names in a list, each once. */
function distinct(value: readonly string[] | null): string | undefined {
  return value !== null && new Set(value).size < value.length ? 'Duplicate alias provided.' : undefined;
}

function oneOfIgnoringCase(...texts: readonly string[]): (value: string | null) => string | undefined {
  return (value) =>
    value !== null && texts.includes(value.toUpperCase())
      ? undefined
      : `String must be one of (case insensitive): ${texts.join(', ')}`;
}

function pattern(value: string | null): string | undefined {
  try {
    if (value !== null) JavaPattern.of(value);
    return undefined;
  } catch (error) {
    return `Invalid regex: ${messageOf(error)}`;
  }
}

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

const commonConfig = defineConfig({
  name: {
    ...common,
    type: 'STRING',
    importance: 'HIGH',
    width: 'MEDIUM',
    displayName: 'Connector name',
    doc: "The connector's name, which no other has.",
    validator: (value) => (value === '' ? 'String may not be empty' : undefined),
  },
  'connector.class': {
    ...common,
    type: 'STRING',
    importance: 'HIGH',
    width: 'LONG',
    displayName: 'Connector class',
    doc: 'The class of the connector: its whole name, its last part, or that without the ending Connector.',
  },
  'connector.plugin.version': { ...version('Connector'), importance: 'MEDIUM', width: 'MEDIUM' },
  'tasks.max': {
    ...common,
    type: 'INT',
    default: 1,
    importance: 'HIGH',
    width: 'SHORT',
    displayName: 'Tasks max',
    doc: 'How many tasks the connector may have at most.',
    validator: atLeast(1),
  },
  'tasks.max.enforce': {
    ...common,
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    width: 'SHORT',
    displayName: 'Enforce tasks max',
    doc: 'Whether a connector that asks for more tasks than tasks.max fails; else that is only logged.',
  },
  'key.converter': converter('Key', JSON_CONVERTER),
  'key.converter.plugin.version': version('Key converter'),
  'value.converter': converter('Value', JSON_CONVERTER),
  'value.converter.plugin.version': version('Value converter'),
  'header.converter': converter('Header', 'org.apache.kafka.connect.storage.SimpleHeaderConverter'),
  'header.converter.plugin.version': version('Header converter'),
  transforms: {
    group: 'Transforms',
    type: 'LIST',
    default: '',
    importance: 'LOW',
    width: 'LONG',
    displayName: 'Transforms',
    doc: 'Names of the transformations that records go through, in this order; transforms.<name>.type is their class.',
    validator: distinct,
  },
  predicates: {
    group: 'Predicates',
    type: 'LIST',
    default: '',
    importance: 'LOW',
    width: 'LONG',
    displayName: 'Predicates',
    doc: 'Names of the predicates that transformations can have; predicates.<name>.type is their class.',
    validator: distinct,
  },
  'config.action.reload': {
    ...common,
    type: 'STRING',
    default: 'restart',
    importance: 'LOW',
    width: 'MEDIUM',
    displayName: 'Reload Action',
    doc: 'What happens when a provider of settings has other values: restart starts the connector again, none leaves it as it is.',
    validator: oneOfTexts('none', 'restart'),
  },
});

const errorConfig = defineConfig({
  'errors.retry.timeout': {
    ...errors,
    type: 'LONG',
    default: 0,
    displayName: 'Retry Timeout for Errors',
    doc: 'For how long, in ms, what has failed is tried again; 0: not at all, -1: without an end.',
  },
  'errors.retry.delay.max.ms': {
    ...errors,
    type: 'LONG',
    default: 60_000,
    displayName: 'Maximum Delay Between Retries for Errors',
    doc: 'The longest wait between two attempts, ms.',
  },
  'errors.tolerance': {
    ...errors,
    type: 'STRING',
    default: 'none',
    width: 'SHORT',
    displayName: 'Error Tolerance',
    doc: 'none: a record that goes wrong makes the task fail; all: it is passed over.',
    validator: oneOfTexts('none', 'all'),
  },
  'errors.log.enable': {
    ...errors,
    type: 'BOOLEAN',
    default: false,
    width: 'SHORT',
    displayName: 'Log Errors',
    doc: 'Whether what is tolerated is logged, too.',
  },
  'errors.log.include.messages': {
    ...errors,
    type: 'BOOLEAN',
    default: false,
    width: 'SHORT',
    displayName: 'Log Error Details',
    doc: 'Whether the log names the record that went wrong.',
  },
});

const sourceConfig = defineConfig({
  'topic.creation.groups': {
    group: 'Topic Creation',
    type: 'LIST',
    default: '',
    importance: 'LOW',
    width: 'LONG',
    displayName: 'Topic Creation Groups',
    doc: 'Names of groups of topics that are created alike, beside the group default.',
    validator: distinct,
  },
  'exactly.once.support': {
    ...exactlyOnce,
    type: 'STRING',
    default: 'requested',
    importance: 'MEDIUM',
    displayName: 'Exactly once support',
    doc: 'required: the connector is refused unless each record is in its topic exactly once; requested: it is not asked for that.',
    validator: oneOfIgnoringCase('REQUIRED', 'REQUESTED'),
  },
  'transaction.boundary': {
    ...exactlyOnce,
    type: 'STRING',
    default: 'poll',
    importance: 'MEDIUM',
    displayName: 'Transaction Boundary',
    doc: 'Where transactions end: behind each batch of a task (poll), after some time (interval), or where the connector says (connector).',
    validator: oneOfIgnoringCase('INTERVAL', 'POLL', 'CONNECTOR'),
  },
  'transaction.boundary.interval.ms': {
    ...exactlyOnce,
    type: 'LONG',
    default: null,
    importance: 'LOW',
    displayName: 'Transaction boundary interval',
    doc: "How long a transaction is with transaction.boundary=interval, ms. Default: the worker's offset.flush.interval.ms.",
    validator: atLeast(0),
  },
});

const offsetsConfig = defineConfig({
  'offsets.storage.topic': {
    group: 'offsets.topic',
    type: 'STRING',
    default: null,
    importance: 'LOW',
    width: 'LONG',
    displayName: 'Offsets topic',
    doc: "A topic of the connector's own for its offsets. Default: the worker's.",
    validator: nonEmpty,
  },
});

const sinkConfig = defineConfig({
  topics: {
    ...common,
    type: 'LIST',
    default: '',
    importance: 'HIGH',
    width: 'LONG',
    displayName: 'Topics',
    doc: 'The topics to read. Either these or topics.regex.',
  },
  'topics.regex': {
    ...common,
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    width: 'LONG',
    displayName: 'Topics regex',
    doc: 'A regular expression (of Java) that the names of the topics to read match. Either this or topics.',
    validator: pattern,
  },
  'errors.deadletterqueue.topic.name': {
    ...errors,
    type: 'STRING',
    default: '',
    displayName: 'Dead Letter Queue Topic Name',
    doc: 'The topic for records that went wrong, with errors.tolerance=all. Without a name there is none.',
  },
  'errors.deadletterqueue.topic.replication.factor': {
    ...errors,
    type: 'SHORT',
    default: 3,
    displayName: 'Dead Letter Queue Topic Replication Factor',
    doc: 'The replication factor of that topic where it is created.',
  },
  'errors.deadletterqueue.context.headers.enable': {
    ...errors,
    type: 'BOOLEAN',
    default: false,
    displayName: 'Enable Error Context Headers',
    doc: 'Whether headers of dead letters say what went wrong (`__connect.errors.…`).',
  },
});

/** What a group of topics is created with (KIP-158). Without defaults for the group `default`, and where there is none. */
function topicGroupConfig(name: string): ConfigDef {
  const prefix = `topic.creation.${name}.`;
  const face = { group: 'Topic Creation', importance: 'LOW', width: 'LONG' } as const;
  const isDefault = name === 'default';
  const number = (what: string, type: 'SHORT' | 'INT', doc: string): ConfigKeyOf<'SHORT'> | ConfigKeyOf<'INT'> => ({
    ...face,
    type: type as 'INT',
    ...(isDefault ? {} : { default: null }),
    displayName: `${what} for topics of ${name}`,
    doc: `${doc}; -1: the broker's default.`,
    validator: (value) => (value === null || value === -1 || value > 0 ? undefined : 'Value must be -1, or at least 1'),
  });
  const patterns = (what: string, given?: string): ConfigKeyOf<'LIST'> => ({
    ...face,
    type: 'LIST',
    ...(given === undefined ? {} : { default: given }),
    displayName: `${what} for ${name}`,
    doc: `Regular expressions (of Java) of topics: ${what.toLowerCase()}.`,
    validator: (value) => value?.map(pattern).find((problem) => problem !== undefined),
  });
  return {
    ...(isDefault
      ? {}
      : { [`${prefix}include`]: patterns('Inclusion'), [`${prefix}exclude`]: patterns('Exclusion', '') }),
    [`${prefix}replication.factor`]: number('Replication factor', 'SHORT', 'The replication factor'),
    [`${prefix}partitions`]: number('Partitions', 'INT', 'The number of partitions'),
  };
}

/** What tasks are told, whatever they are of. */
export const taskConfig = {
  ...commonConfig,
  ...errorConfig,
  ...sourceConfig,
  ...offsetsConfig,
  ...sinkConfig,
} as const;

/** Settings that Kafka counts one behind the other. */
export interface ConfigSection {
  readonly config: ConfigDef;
  /** The place of the first. */
  readonly first: number;
}

/** The same in Kafka's sections. */
export function connectorConfigSections(
  kind: 'source' | 'sink',
  given: Readonly<Record<string, string>> = {},
): readonly ConfigSection[] {
  const section = (config: ConfigDef, first = 1): ConfigSection => ({ config, first });
  if (kind === 'sink') return [section(commonConfig), section(errorConfig), section(sinkConfig, 4)];
  const groups = (given['topic.creation.groups'] ?? '').split(',').map((name) => name.trim());
  const named = [...new Set(groups)].filter((name) => name !== '' && name !== 'default');
  const hasGroups = named.length > 0 || Object.keys(given).some((name) => name.startsWith('topic.creation.default.'));
  const topicGroups = hasGroups ? ['default', ...named].map(topicGroupConfig) : [];
  return [commonConfig, errorConfig, sourceConfig, offsetsConfig, ...topicGroups].map((config) => section(config));
}
