// What users hand to the library, checked where it comes in: the settings of an application when it is made, the options of
// an operator when it is added, and what users' functions answer (times, partitions, topics) before it is passed on, by the
// runtime and the test driver alike.
import { securityOptions } from '../../client/settings.ts';
import {
  anyText,
  anyValue,
  callback,
  checkOptions,
  checkValue,
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
} from '../../util/index.ts';

import { DROP_REASONS } from './options.ts';
import type { AnyQuery } from './queries.ts';

const INT32_MAX = 0x7fffffff;
const milliseconds = wholeNumber(0);
const timer = wholeNumber(1, INT32_MAX);
const eventTime = wholeNumber(0);
const serde = having('a serde', 'encode', 'decode');
const offsetReset = oneOf('earliest', 'latest', 'none');

// ── Answers of users' functions ───────────────────────────────────────────────────────────────────────────────────

/** Whole milliseconds since the epoch. Called per record. */
export function checkEventTime(what: string, timestamp: unknown): void {
  if (!Number.isSafeInteger(timestamp) || (timestamp as number) < 0) checkValue(what, timestamp, eventTime);
}

/** `partitions` undefined: any number of them may exist. */
export function checkPartition(what: string, partition: unknown, partitions: number | undefined): void {
  checkValue(what, partition, wholeNumber(0, partitions === undefined ? INT32_MAX : partitions - 1));
}

export function checkTopicName(operator: string, topic: unknown): void {
  checkValue(`${operator}: the topic`, topic, someText);
}

export function checkSchedule(operator: string, intervalMs: unknown, by: unknown, run: unknown): void {
  checkValue(`${operator}: the interval of a punctuation, in ms,`, intervalMs, wholeNumber(1));
  checkValue(`${operator}: the time of a punctuation`, by, oneOf('streamTime', 'wallClock'));
  checkValue(`${operator}: what a punctuation runs`, run, callback);
}

/** What a supplier of processors answers. */
export function checkProcessor(operator: string, processor: unknown): void {
  checkValue(`${operator}: what its supplier answers`, processor, having('a processor', 'process'));
  checkValue(`${operator}: process`, (processor as { readonly process: unknown }).process, synchronous);
}

export const UNCAUGHT_RESPONSES = ['replaceThread', 'shutdownClient', 'shutdownApplication'] as const;

/** What a handler of uncaught errors answers. */
export function checkUncaughtResponse(response: unknown): void {
  checkValue('what onUncaughtError answers', response, oneOf(...UNCAUGHT_RESPONSES));
}

// ── The test driver ───────────────────────────────────────────────────────────────────────────────────────────────

const bytesOrNull: Option = {
  accepts: (value) => value === null || value instanceof Uint8Array,
  wanted: 'a Uint8Array or null',
};
const storeType = oneOf('PERSISTENT', 'IN_MEMORY');
const headerList: Option = {
  accepts: (value) =>
    Array.isArray(value) &&
    value.every((header) => typeof header?.key === 'string' && bytesOrNull.accepts(header.value)),
  wanted: 'an array of { key, value } with texts and bytes',
};

/** A record's headers, as processors and tests make them. */
export function checkHeaders(what: string, headers: unknown): void {
  checkValue(`${what}: the headers`, headers, headerList);
}

// oxlint-disable-next-line max-params -- those of `pipe`
export function checkPiped(topic: unknown, key: unknown, value: unknown, timestamp: unknown, headers: unknown): void {
  checkValue('pipe: the topic', topic, someText);
  checkValue('pipe: the key', key, bytesOrNull);
  checkValue('pipe: the value', value, bytesOrNull);
  // A record may come with a negative time: it is dropped, as on a broker.
  checkValue('pipe: the timestamp', timestamp, wholeNumber(Number.MIN_SAFE_INTEGER));
  checkHeaders('pipe', headers);
}

// ── Settings of applications ──────────────────────────────────────────────────────────────────────────────────────

const deadLetters: OptionTable = {
  deadLetterTopic: someText,
  deadLetterReasons: {
    accepts: (value) => Array.isArray(value) && value.every((reason) => DROP_REASONS.includes(reason)),
    wanted: `an array of ${DROP_REASONS.join(', ')}`,
  },
};

const address: Option = {
  accepts: (value) => typeof value === 'string' && /^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/.test(value),
  wanted: 'a text of the form host:port',
};

const streamsSettings: OptionTable = {
  client: having('a client', 'producer', 'consumer', 'admin'),
  applicationId: {
    accepts: (value) => typeof value === 'string' && /^[\w.-]{1,200}$/.test(value),
    wanted: "a text of letters, digits, '.', '_' and '-'",
  },
  stateDir: anyText,
  processingGuarantee: oneOf('at_least_once', 'exactly_once_v2'),
  commitIntervalMs: milliseconds,
  checkpointIntervalMs: milliseconds,
  cacheMaxBytes: milliseconds,
  statestoreCacheMaxBytes: milliseconds,
  autoOffsetReset: offsetReset,
  replicationFactor: wholeNumber(-1, 32767),
  windowstoreChangelogAdditionalRetentionMs: milliseconds,
  pollMs: milliseconds,
  numStreamThreads: wholeNumber(1, 1000),
  watermarkIdleMs: milliseconds,
  maxTaskIdleMs: milliseconds,
  upstreamApplications: callback,
  repartitionPurgeIntervalMs: milliseconds,
  groupInstanceId: someText,
  sessionTimeoutMs: timer,
  heartbeatIntervalMs: timer,
  rebalanceTimeoutMs: timer,
  transactionTimeoutMs: timer,
  clientId: anyText,
  applicationServer: address,
  ensureExplicitInternalResourceNaming: flag,
  numStandbyReplicas: wholeNumber(0, INT32_MAX),
  acceptableRecoveryLag: wholeNumber(0),
  maxWarmupReplicas: wholeNumber(1, INT32_MAX),
  probingRebalanceIntervalMs: timer,
  clientTags: textsByName,
  rackAwareAssignmentTags: {
    accepts: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== ''),
    wanted: 'an array of names of tags',
  },
  environment: having('an environment', 'now', 'after'),
  onDecodeError: callback,
  onProcessingError: callback,
  onProductionError: callback,
  onUncaughtError: callback,
  isHeldBack: callback,
  onDrop: callback,
  ...deadLetters,
  onLate: callback,
  onError: callback,
};

export function checkStreamsSettings(settings: unknown): void {
  checkOptions('KafkaStreams', settings, streamsSettings, 'INVALID_SETTING');
  checkNeeded(settings, 'client', 'applicationId');
  const { numStreamThreads = 1 } = settings as { readonly numStreamThreads?: number };
  if (numStreamThreads > 1) {
    throw new MillraceError(
      'THREADS_NEED_MODULE',
      `KafkaStreams: numStreamThreads is ${numStreamThreads}, and a topology that is an object can't go to another thread: export ` +
        'it from a module, and give the module to KafkaStreams.fromModule',
    );
  }
  checkTimers(settings);
}

/** What the threads of an instance can't be given, as it does not go from thread to thread. */
const OF_ONE_THREAD = [
  'client',
  'sasl',
  'environment',
  'onDecodeError',
  'onProcessingError',
  'onProductionError',
  'onDrop',
  'onLate',
  'isHeldBack',
  'upstreamApplications',
];

const INSTEAD: Readonly<Record<string, string>> = {
  client: 'give bootstrapServers, or the broker',
  sasl: 'give saslMechanism and saslJaasConfig; tokens come from saslOauthbearerTokenEndpointUrl, for a function that makes them runs in one thread only',
};

export function checkModuleSettings(settings: unknown): void {
  for (const name of OF_ONE_THREAD) {
    if ((settings as Record<string, unknown> | undefined)?.[name] === undefined) continue;
    throw new MillraceError(
      'INVALID_SETTING',
      `KafkaStreams.fromModule: ${name} does not go to another thread: ${INSTEAD[name] ?? "put it into the module's export `settings`"}`,
    );
  }
  const table = {
    ...streamsSettings,
    ...securityOptions,
    bootstrapServers: someText,
    broker: having('a broker', 'serveThread'),
  };
  checkOptions('KafkaStreams.fromModule', settings, table, 'INVALID_SETTING');
  checkNeeded(settings, 'applicationId');
  checkTimers(settings);
  const { bootstrapServers, broker } = settings as Record<string, unknown>;
  if ((bootstrapServers === undefined) === (broker === undefined)) {
    throw new MillraceError(
      'INVALID_SETTING',
      'KafkaStreams.fromModule needs bootstrapServers, or a broker in this process; not both',
    );
  }
  const [access] = Object.keys(settings as object).filter((name) => name in securityOptions);
  if (bootstrapServers === undefined && access !== undefined) {
    throw new MillraceError(
      'INVALID_SETTING',
      `KafkaStreams.fromModule: ${access} is for a cluster elsewhere: nobody has to get in to a broker in this process`,
    );
  }
}

function checkNeeded(settings: unknown, ...names: readonly string[]): void {
  for (const name of names) {
    const given = (settings as Record<string, unknown> | undefined)?.[name];
    checkValue(`KafkaStreams: ${name}`, given, streamsSettings[name]!, 'INVALID_SETTING');
  }
}

function checkTimers(settings: unknown): void {
  const { sessionTimeoutMs, heartbeatIntervalMs } = settings as Record<string, number | undefined>;
  if (sessionTimeoutMs !== undefined && heartbeatIntervalMs !== undefined && heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new MillraceError(
      'INVALID_SETTING',
      `KafkaStreams: heartbeatIntervalMs (${heartbeatIntervalMs}) must be less than sessionTimeoutMs (${sessionTimeoutMs})`,
    );
  }
}

const someKey: Option = { accepts: (value) => value !== null, wanted: 'a key' };
const time: Option = { accepts: (value) => typeof value === 'number' && !Number.isNaN(value), wanted: 'a number' };
/** JSON has no infinite numbers. */
const timeOrNull: Option = { accepts: (value) => value === null || time.accepts(value), wanted: 'a number or null' };

function queryKinds(bound: Option): Readonly<Record<AnyQuery['kind'], OptionTable>> {
  return {
    key: { key: someKey },
    timestampedKey: { key: someKey },
    sessions: { key: someKey },
    versionedKey: { key: someKey, asOf: timeOrNull },
    windowKey: { key: someKey, from: bound, to: bound },
    versions: { key: someKey, from: bound, to: bound },
    range: { from: anyValue, to: anyValue, isDescending: flag },
    windowRange: { from: bound, to: bound },
  };
}

/** As callers have them, and as they come from another instance. */
const ownQueries = queryKinds(time);
const sentQueries = queryKinds(timeOrNull);

const asking: OptionTable = {
  store: someText,
  query: {
    accepts: (value) => Object.hasOwn(ownQueries, String((value as { readonly kind?: unknown } | null)?.kind)),
    wanted: 'a query (KeyQuery.withKey(…), RangeQuery.withRange(…), …)',
  },
  positionBound: {
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every(
        (offsets) =>
          typeof offsets === 'object' && offsets !== null && Object.values(offsets).every(Number.isSafeInteger),
      ),
    wanted: 'an object of offsets, by topic and partition',
  },
  maxLag: wholeNumber(0),
};

const ofInstance: OptionTable = {
  ...asking,
  partitions: {
    accepts: (value) => Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each >= 0),
    wanted: 'an array of partitions',
  },
  requireActive: flag,
};

/** What an instance is asked. */
export function checkStateQueryRequest(request: unknown): void {
  checkAsked(request, ofInstance, ownQueries);
}

/** The same, as another instance has sent it. */
export function checkSentQueryRequest(request: unknown): void {
  checkAsked(request, ofInstance, sentQueries);
}

export function checkRemoteQueryRequest(request: unknown): void {
  checkAsked(request, { ...asking, partitioner: callback, timeoutMs: timer }, ownQueries);
}

function checkAsked(request: unknown, table: OptionTable, kinds: ReturnType<typeof queryKinds>): void {
  checkOptions('query', request, table);
  checkRequired('query', request, 'store', 'query');
  const { kind, ...query } = (request as { readonly query: AnyQuery }).query;
  const options = kinds[kind];
  checkOptions(`query: a ${kind} query`, query, options);
  checkRequired(`query: a ${kind} query`, query, ...Object.keys(options).filter((name) => name !== 'isDescending'));
}

export function checkCloseOptions(options: unknown): void {
  checkOptions('close', options, { leaveGroup: flag });
}

const driverOptions: OptionTable = {
  startTimeMs: milliseconds,
  environment: streamsSettings['environment']!,
  applicationId: streamsSettings['applicationId']!,
  caching: flag,
  forgetsBeforeClosing: flag,
  onDecodeError: callback,
  onProcessingError: callback,
  onDrop: callback,
  ...deadLetters,
};

export function checkDriverOptions(options: unknown): void {
  checkOptions('the options of a driver', options, driverOptions);
}

// ── Operators ─────────────────────────────────────────────────────────────────────────────────────────────────────

const named: OptionTable = { name: someText };
const reading: OptionTable = { ...named, reads: oneOf('both', 'key', 'value', 'neither') };
const serdes: OptionTable = { key: serde, value: serde };
const retained: OptionTable = {
  ...named,
  ...serdes,
  retentionMs: anyValue,
  caching: flag,
  logging: flag,
  storeType,
  kind: oneOf('key-value', 'versioned', 'window', 'session'),
  windowSizeMs: wholeNumber(1),
  historyRetentionMs: milliseconds,
  segmentIntervalMs: wholeNumber(1),
  maxEntries: wholeNumber(1),
  topicConfig: textsByName,
};
const materializing: OptionTable = { materialized: having('an object of options') };

/** Operators go on with what a function answers when it answers: a promise would be taken for the value. */
const synchronous: Option = {
  accepts: (value) => typeof value === 'function' && value.constructor.name !== 'AsyncFunction',
  wanted: 'a function that is not async',
};

const awaiting = {
  ...named,
  ...serdes,
  stores: listOfTexts,
  concurrency: wholeNumber(1, 100_000),
  order: oneOf('key', 'partition', 'none'),
  timeoutMs: timer,
  retries: wholeNumber(0, INT32_MAX),
  retryDelayMs: milliseconds,
  isRetriable: callback,
  callsPerSecond: {
    accepts: (value) => typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY,
    wanted: 'a number above 0',
  },
} satisfies OptionTable;

/** The options of the operators, by what they have in common. */
const operatorOptions = {
  named,
  reading,
  mapping: { ...reading, ...serdes },
  grouping: { ...reading, ...serdes },
  consuming: {
    ...named,
    ...serdes,
    timestampExtractor: callback,
    offsetReset: {
      accepts: (value) => offsetReset.accepts(value) || typeof value === 'function',
      wanted: `${offsetReset.wanted}, or a function that answers an offset`,
    },
    onDecodeError: callback,
  },
  producing: { ...named, ...serdes, partitioner: callback, timestamp: callback },
  repartitioning: { ...named, ...serdes, partitions: wholeNumber(1, INT32_MAX), partitioner: callback },
  materialized: retained,
  aggregating: { ...retained, reads: reading['reads']!, operatorName: someText },
  joiningTable: { ...named, ...serdes, gracePeriodMs: milliseconds },
  joiningStream: {
    ...named,
    ...serdes,
    otherValue: serde,
    storeName: someText,
    retentionMs: anyValue,
    logging: flag,
    storeType,
  },
  processing: { ...named, ...serdes, stores: listOfTexts },
  awaiting,
  awaitingValue: { ...awaiting, orElse: synchronous },
  // oxlint-disable-next-line unicorn/no-thenable -- it is the name of the option
  branching: { ...named, then: callback },
  changing: { ...reading, ...materializing, value: serde, oldValues: flag, stores: listOfTexts },
  joiningTables: { ...named, ...materializing, value: serde },
  joiningForeign: { ...named, ...serdes, ...materializing, otherKey: serde, otherValue: serde, result: serde },
  suppressing: {
    ...named,
    until: oneOf('windowCloses', 'timeLimit'),
    ms: milliseconds,
    maxRecords: wholeNumber(1),
    whenFull: oneOf('emitEarly', 'fail'),
  },
  storing: {
    kind: oneOf('key-value', 'versioned', 'window', 'session', 'custom'),
    historyRetentionMs: milliseconds,
    segmentIntervalMs: wholeNumber(1),
    maxEntries: wholeNumber(1),
    create: callback,
    name: someText,
    ...serdes,
    retentionMs: anyValue,
    windowSizeMs: wholeNumber(1),
    logging: flag,
    storeType,
  },
} satisfies Record<string, OptionTable>;

/** As `checkOperator`, for a function that is waited for. */
export function checkAsyncOperator(
  operator: string,
  functions: Readonly<Record<string, unknown>>,
  options: unknown,
  kind: 'awaiting' | 'awaitingValue',
): void {
  for (const [name, given] of Object.entries(functions)) checkValue(`${operator}: the ${name}`, given, callback);
  checkOptions(operator, options, operatorOptions[kind]);
}

/** Refuses what an operator can't do anything with: functions that are none, options that it does not have. */
export function checkOperator(
  operator: string,
  functions: Readonly<Record<string, unknown>>,
  options: unknown,
  kind: keyof typeof operatorOptions,
): void {
  for (const [name, given] of Object.entries(functions)) checkValue(`${operator}: the ${name}`, given, synchronous);
  checkOptions(operator, options, operatorOptions[kind]);
  const materialized = (options as { readonly materialized?: unknown } | undefined)?.materialized;
  checkOptions(`${operator}: materialized`, materialized, retained);
}

/** Options that can't be left out. */
export function checkRequired(operator: string, options: unknown, ...names: readonly string[]): void {
  for (const name of names) {
    if ((options as Record<string, unknown> | undefined)?.[name] === undefined) {
      throw new MillraceError('INVALID_ARGUMENT', `${operator} needs the option ${name}`);
    }
  }
}

/** How long a store keeps things, at least as long as they are needed. */
export function checkRetention(store: string, retentionMs: unknown, neededMs: number): void {
  checkValue(`${store}: retentionMs`, retentionMs, milliseconds, 'INVALID_RETENTION');
  if ((retentionMs as number) < neededMs) {
    throw new MillraceError(
      'INVALID_RETENTION',
      `${store} keeps its entries for ${String(retentionMs)} ms, but they are needed for ${neededMs} ms`,
    );
  }
}
