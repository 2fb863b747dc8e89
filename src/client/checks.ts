// What callers hand to the client, checked where it comes in: settings when the thing is made, arguments at the call. So
// nothing is found out behind the caller's back, where nobody could be told, and what is acknowledged is what was meant.
// Texts are UTF-8 where bytes are wanted; anything else that is not bytes is refused.
import {
  anyText,
  anyValue,
  callback,
  checkOptions,
  checkValue,
  type Environment,
  flag,
  having,
  listOfTexts,
  MillraceError,
  oneOf,
  type Option,
  type OptionTable,
  someText,
  textsByName,
  wholeNumber,
} from '../util/index.ts';
import type {
  AssignmentStrategy,
  ConsumerSettings,
  GroupMemberSettings,
  GroupParticipant,
  Header,
  ProducerRecord,
  ProducerSettings,
  ShareConsumerSettings,
  SubscriptionPattern,
} from './client.ts';
import { securityOptions } from './settings.ts';

const INT32_MAX = 0x7fffffff;

const milliseconds = wholeNumber(0, INT32_MAX);
const atLeastOne = wholeNumber(1, INT32_MAX);
const partition = wholeNumber(0, INT32_MAX);
const bytesOrNull: Option = {
  accepts: (value) => value === null || value instanceof Uint8Array,
  wanted: 'a Uint8Array or null',
};
/** Below 0 the positions that have names: earliest and latest. */
const position = wholeNumber(-2);

// ── Settings ──────────────────────────────────────────────────────────────────────────────────────────────────────

const producerSettings: { readonly [K in keyof Required<ProducerSettings>]: Option } = {
  acks: oneOf(-1, 0, 1, 'all'),
  compressionType: oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
  lingerMs: milliseconds,
  batchSize: wholeNumber(0, INT32_MAX),
  enableIdempotence: flag,
  transactionalId: someText,
  transactionTimeoutMs: atLeastOne,
  fencingId: someText,
  deliveryTimeoutMs: milliseconds,
  maxBlockMs: milliseconds,
  maxRequestSize: atLeastOne,
  onRefusal: callback,
};

export function checkProducerSettings(settings: ProducerSettings): void {
  checkOptions('producer', settings, producerSettings, 'INVALID_CONFIG');
  const { acks = -1, transactionalId, fencingId } = settings;
  const isIdempotent = settings.enableIdempotence ?? (acks === -1 || acks === 'all');
  const refuse = (why: string): never => {
    throw new MillraceError('INVALID_CONFIG', `producer: ${why}`);
  };
  if (isIdempotent && acks !== -1 && acks !== 'all') refuse('enableIdempotence needs acks = -1');
  if ((transactionalId ?? fencingId) !== undefined && !isIdempotent)
    refuse('a transactionalId needs enableIdempotence');
  if (transactionalId !== undefined && fencingId !== undefined) {
    refuse('transactions fence already: leave out fencingId');
  }
}

const consumerSettings: { readonly [K in keyof Required<ConsumerSettings>]: Option } = {
  groupId: someText,
  groupInstanceId: someText,
  clientId: anyText,
  autoOffsetReset: oneOf('earliest', 'latest', 'none'),
  isolationLevel: oneOf('read_uncommitted', 'read_committed'),
  sessionTimeoutMs: atLeastOne,
  heartbeatIntervalMs: atLeastOne,
  rebalanceTimeoutMs: atLeastOne,
  maxPartitionFetchBytes: milliseconds,
  fetchMaxBytes: milliseconds,
  fetchMaxWaitMs: milliseconds,
  fetchMinBytes: milliseconds,
  allowAutoCreateTopics: flag,
  checkCrcs: flag,
  assignor: having('an assignor', 'assign'),
  partitionAssignmentStrategy: listOfTexts,
  groupProtocol: oneOf('classic', 'consumer'),
  groupRemoteAssignor: someText,
  onOffsetReset: callback,
};

export function checkConsumerSettings(settings: ConsumerSettings): void {
  checkOptions('consumer', settings, consumerSettings, 'INVALID_CONFIG');
  checkHeartbeats('consumer', settings);
  const { groupProtocol = 'classic', partitionAssignmentStrategy, assignor } = settings;
  const refuse = (why: string): never => {
    throw new MillraceError('INVALID_CONFIG', `consumer: ${why}`);
  };
  if (groupProtocol === 'classic') {
    if (settings.groupRemoteAssignor !== undefined) refuse("groupRemoteAssignor needs groupProtocol: 'consumer'");
    if (assignor !== undefined && partitionAssignmentStrategy !== undefined) {
      refuse('assignor and partitionAssignmentStrategy exclude each other');
    }
    for (const name of partitionAssignmentStrategy ?? []) {
      checkValue('consumer: partitionAssignmentStrategy', name, oneOf(...STRATEGIES));
    }
    if (partitionAssignmentStrategy?.length === 0) refuse('partitionAssignmentStrategy names no assignor');
    return;
  }
  for (const name of CLASSIC_ONLY) {
    if (settings[name] !== undefined)
      refuse(`with groupProtocol: 'consumer' the broker decides about ${name}: leave it out`);
  }
}

const shareConsumerSettings: { readonly [K in keyof Required<ShareConsumerSettings>]: Option } = {
  groupId: someText,
  shareAcknowledgementMode: oneOf('implicit', 'explicit'),
  shareAcquireMode: oneOf('batch_optimized', 'record_limit'),
  maxPollRecords: atLeastOne,
  fetchMaxBytes: atLeastOne,
  fetchMaxWaitMs: milliseconds,
  checkCrcs: flag,
  onAcknowledged: callback,
};

export function checkShareConsumerSettings(settings: ShareConsumerSettings): void {
  checkOptions('shareConsumer', settings, shareConsumerSettings, 'INVALID_CONFIG');
  checkValue('shareConsumer: groupId', settings?.groupId, someText);
}

const STRATEGIES: readonly AssignmentStrategy[] = ['range', 'cooperative-sticky'];
const CLASSIC_ONLY = ['assignor', 'partitionAssignmentStrategy', 'sessionTimeoutMs', 'heartbeatIntervalMs'] as const;

export function checkSubscription(topics: readonly string[] | SubscriptionPattern, settings: ConsumerSettings): void {
  const isPattern = typeof topics === 'object' && topics !== null && 'pattern' in topics;
  if (!isPattern) return checkNames('subscribe', topics);
  checkOptions('subscribe', topics, { pattern: someText });
  if (settings.groupProtocol === 'consumer') return;
  throw new MillraceError('INVALID_STATE', "subscribe: a pattern needs groupProtocol: 'consumer'");
}

function checkHeartbeats(
  what: string,
  { sessionTimeoutMs, heartbeatIntervalMs }: Pick<ConsumerSettings, 'sessionTimeoutMs' | 'heartbeatIntervalMs'>,
): void {
  if (sessionTimeoutMs !== undefined && heartbeatIntervalMs !== undefined && heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `${what}: heartbeatIntervalMs (${heartbeatIntervalMs}) must be less than sessionTimeoutMs (${sessionTimeoutMs})`,
    );
  }
}

const groupMemberSettings: { readonly [K in keyof Required<GroupMemberSettings>]: Option } = {
  groupId: someText,
  protocolType: someText,
  sessionTimeoutMs: atLeastOne,
  heartbeatIntervalMs: atLeastOne,
  rebalanceTimeoutMs: atLeastOne,
  silenceMs: atLeastOne,
};

export function checkGroupMember(settings: GroupMemberSettings, participant: GroupParticipant): void {
  checkOptions('groupMember', settings, groupMemberSettings, 'INVALID_CONFIG');
  for (const name of ['groupId', 'protocolType'] as const) checkValue(`groupMember: ${name}`, settings[name], someText);
  checkHeartbeats('groupMember', settings);
  const wanted = having('a participant', 'protocols', 'assign', 'onJoined');
  checkValue('groupMember: the participant', participant, wanted);
}

const clientOptions: OptionTable = {
  bootstrapServers: someText,
  clientId: anyText,
  metadataMaxAgeMs: wholeNumber(0),
  ...securityOptions,
  ssl: flag,
  sasl: anyValue,
  dial: callback,
  environment: having('an environment', 'now', 'after'),
};

/** What it takes depends on the mechanism: login.ts says what is missing. */
const saslForm: OptionTable = {
  mechanism: someText,
  username: someText,
  password: { ...someText, isSecret: true },
  oauthBearerProvider: callback,
};

export function checkClientOptions(options: { readonly sasl?: { readonly mechanism?: unknown } }): void {
  checkOptions('createClient', options, clientOptions, 'INVALID_CONFIG');
  checkOptions('createClient: sasl', options.sasl, saslForm, 'INVALID_CONFIG');
  if (options.sasl !== undefined)
    checkValue('createClient: sasl: mechanism', options.sasl.mechanism, someText, 'INVALID_CONFIG');
}

// ── Records ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A record that can be written as it is. */
export interface CheckedRecord {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly headers: readonly Header[] | undefined;
}

export function checkRecord(record: ProducerRecord, environment: Pick<Environment, 'now'>): CheckedRecord {
  if (typeof record !== 'object' || record === null) {
    throw new MillraceError('INVALID_ARGUMENT', 'send: the record must be an object with a topic and a value');
  }
  const { topic, key = null, value, headers, timestamp = environment.now() } = record;
  checkValue('send: the topic', topic, someText);
  if (record.partition !== undefined && record.partition !== null) {
    checkValue(`send to ${topic}: the partition`, record.partition, partition);
  }
  checkTimestamp(`send to ${topic}: the timestamp`, timestamp);
  return {
    topic,
    partition: record.partition ?? undefined,
    key: bytesOf(`send to ${topic}: the key`, key),
    value: bytesOf(`send to ${topic}: the value`, value),
    timestamp,
    headers: headers === undefined || headers === null ? undefined : checkHeaders(`send to ${topic}`, headers),
  };
}

/** A record on the hot path, where nothing is converted. */
export function checkEnqueued(key: unknown, value: unknown, timestamp: number): void {
  checkValue('enqueue: the key', key, bytesOrNull);
  checkValue('enqueue: the value', value, bytesOrNull);
  checkTimestamp('enqueue: the timestamp', timestamp);
}

export function checkPartition(what: string, given: number): void {
  checkValue(`${what}: the partition`, given, partition);
}

function checkTimestamp(what: string, timestamp: unknown): void {
  checkValue(what, timestamp, wholeNumber(0));
}

export function checkHeaders(what: string, headers: unknown): readonly Header[] {
  if (!Array.isArray(headers)) {
    throw new MillraceError('INVALID_ARGUMENT', `${what}: the headers must be an array of { key, value }`);
  }
  return headers.map((header: { readonly key?: unknown; readonly value?: unknown } | null) => {
    checkValue(`${what}: the key of a header`, header?.key, anyText);
    const key = header!.key as string;
    return { key, value: bytesOf(`${what}: the value of the header ${key}`, header!.value) };
  });
}

function bytesOf(what: string, given: unknown): Uint8Array | null {
  if (typeof given === 'string') return Buffer.from(given);
  if (given === null || given instanceof Uint8Array) return given;
  checkValue(what, given, { accepts: () => false, wanted: 'a Uint8Array, a text (written as UTF-8) or null' });
  return null;
}

// ── Positions, and what admins ask for ────────────────────────────────────────────────────────────────────────────

/** What an argument that lists partitions may say about each, besides which one it is. */
const aboutPartitions = {
  assign: { offset: position },
  commit: { offset: wholeNumber(0), metadata: anyText },
  listOffsets: { timestamp: wholeNumber(-6) },
  deleteRecords: { offset: wholeNumber(-1) },
  partitions: {},
} as const;

/** Refuses a list of partitions, and what is said about them. `required` fields can't be left out. */
export function checkPartitions(
  call: string,
  given: unknown,
  about: keyof typeof aboutPartitions = 'partitions',
  required: readonly string[] = [],
): void {
  if (!Array.isArray(given)) {
    throw new MillraceError('INVALID_ARGUMENT', `${call} takes an array of partitions, as { topic, partition }`);
  }
  for (const entry of given as (Record<string, unknown> | null)[]) {
    checkValue(`${call}: the topic`, entry?.topic, someText);
    const what = `${call}: of ${String(entry!.topic)}`;
    checkValue(`${what} the partition`, entry!.partition, partition);
    for (const [name, option] of Object.entries<Option>(aboutPartitions[about])) {
      const value = entry![name];
      if (value === undefined && !required.includes(name)) continue;
      checkValue(`${what}-${String(entry!.partition)} the ${name}`, value, option);
    }
  }
}

export function checkSeek(given: unknown): void {
  checkValue('seek: the offset', given, position);
}

export function checkPollTimeout(given: unknown): void {
  checkValue('poll: the timeout', given, {
    accepts: (value) => typeof value === 'number' && value >= 0,
    wanted: 'a number of milliseconds of 0 or more',
  });
}

export function checkNames(call: string, given: unknown): void {
  checkValue(`${call}: what is named`, given, listOfTexts);
}

export function checkName(call: string, given: unknown): void {
  checkValue(`${call}: the name`, given, anyText);
}

const newTopic: OptionTable = {
  name: anyText,
  partitions: wholeNumber(-INT32_MAX, INT32_MAX),
  replicationFactor: wholeNumber(-32768, 32767),
  assignments: {
    accepts: (value) =>
      Array.isArray(value) && value.every((each) => Array.isArray(each) && each.every((id) => partition.accepts(id))),
    wanted: 'for each partition the ids of its brokers',
  },
  configs: textsByName,
};

/** The ranges of counts are the broker's business, as are the settings that topics have. */
export function checkNewTopics(topics: unknown): void {
  if (!Array.isArray(topics)) throw new MillraceError('INVALID_ARGUMENT', 'createTopics takes an array of topics');
  for (const topic of topics as { readonly name?: unknown }[]) {
    checkValue('createTopics: the name', topic?.name, anyText);
    checkOptions(`createTopics: ${String(topic.name)}`, topic, newTopic);
  }
}

/** Whether it is only to be checked. */
export function checkChange(call: string, options: { readonly validateOnly?: boolean }): boolean {
  checkOptions(call, options, { validateOnly: flag });
  return options.validateOnly ?? false;
}

export function checkTotal(total: unknown): void {
  checkValue('createPartitions: the total', total, wholeNumber(-INT32_MAX, INT32_MAX));
}

export function checkConfigs(configs: unknown): void {
  checkValue('alterTopicConfigs: the settings', configs, {
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((each) => each === null || typeof each === 'string'),
    wanted: 'an object whose values are texts, or null to take one away',
  });
}

export function checkIsolation(isolation: unknown): void {
  if (isolation !== undefined) checkValue('listOffsets: the isolation', isolation, consumerSettings.isolationLevel);
}
