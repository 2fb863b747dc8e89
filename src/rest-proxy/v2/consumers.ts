// v2: consumers that live here between their clients' requests.
import type { TopicPartition } from '../../client/index.ts';
import { Answer, type Call, type Described, queryNumber, type Route, type Routes } from '../call.ts';
import type { QueryParameter } from '../../rim/index.ts';
import type { Consumers } from '../consumers/consumers.ts';
import { BEGINNING, type ConsumerInstance, END, type InstanceConfig, type Position } from '../consumers/instance.ts';
import {
  instantOf,
  listOf,
  membersOf,
  type Members,
  numberOf,
  optionalFlag,
  optionalNumber,
  optionalText,
  readJson,
  textOf,
} from '../entities.ts';
import { formatMismatch, invalidConsumerConfig, ProxyError, unprocessable } from '../errors.ts';
import {
  EMBEDDED_FORMATS,
  EMBEDDED_TYPES,
  type EmbeddedFormat,
  embeddedFormatOf,
  embeddedType,
  V2_CONSUMED,
  V2_PRODUCED,
} from '../media-types.ts';

const CONFIG = [
  ...['id', 'name', 'format', 'auto.offset.reset', 'auto.commit.enable'],
  ...['fetch.min.bytes', 'consumer.request.timeout.ms'],
];
const SUBSCRIPTION = ['topics', 'topic_pattern'];
const PARTITIONS = ['partitions'];
const OFFSETS = ['offsets'];
const POSITIONS = ['offsets', 'timestamps'];
const READING: Readonly<Record<string, QueryParameter>> = {
  timeout: { type: 'integer', description: 'How long to wait for records at most, in milliseconds.' },
  max_bytes: { type: 'integer', description: 'How many bytes of records at most; a larger record comes alone.' },
};
const RESETS = ['earliest', 'latest', 'none'] as const;

export function consumerRoutes(consumers: Consumers): Routes {
  const route = (described: Described, answer: NonNullable<Route['answer']>, produces = V2_PRODUCED): Route => ({
    ...described,
    consumes: V2_CONSUMED,
    produces,
    answer,
  });
  const onInstance = (
    described: Described,
    work: (instance: ConsumerInstance, call: Call) => Promise<unknown>,
    produces?: readonly string[],
  ) =>
    route(
      described,
      ({ ...call }) => {
        const { group, instance } = call.params;
        return consumers.use(group!, instance!, (found) => work(found, call));
      },
      produces,
    );
  const path = '/consumers/:group/instances/:instance';
  return {
    'POST /consumers/:group': route({ summary: 'Makes a consumer.', body: CONFIG }, (call) => create(consumers, call)),
    [`DELETE ${path}`]: route({ summary: 'Ends a consumer.', status: 204 }, ({ params }) =>
      consumers.delete(params['group']!, params['instance']!),
    ),
    ...subscriptionRoutes(onInstance, path),
    ...positionRoutes(onInstance, path),
    [`GET ${path}/records`]: onInstance(
      { summary: 'The next records, in the consumer’s format.', query: READING },
      (instance, call) => records(consumers, instance, call),
      EMBEDDED_TYPES,
    ),
  };
}

type DeclareOnInstance = (
  described: Described,
  work: (instance: ConsumerInstance, call: Call) => Promise<unknown>,
) => Route;

function subscriptionRoutes(onInstance: DeclareOnInstance, path: string): Routes {
  return {
    [`POST ${path}/subscription`]: onInstance(
      { summary: 'Subscribes to topics; the group shares their partitions.', body: SUBSCRIPTION, status: 204 },
      subscribe,
    ),
    [`GET ${path}/subscription`]: onInstance({ summary: 'The topics subscribed to.' }, async (instance) => ({
      topics: await instance.subscription(),
    })),
    [`DELETE ${path}/subscription`]: onInstance({ summary: 'Ends the subscription.', status: 204 }, (instance) =>
      instance.unsubscribe(),
    ),
    [`POST ${path}/assignments`]: onInstance(
      { summary: 'Reads these partitions, whatever the group does.', body: PARTITIONS, status: 204 },
      (instance, call) => instance.assign(partitionsOf(call)),
    ),
    [`GET ${path}/assignments`]: onInstance({ summary: 'The partitions that are read.' }, async (instance) => ({
      partitions: await instance.assignments(),
    })),
  };
}

function positionRoutes(onInstance: DeclareOnInstance, path: string): Routes {
  return {
    [`POST ${path}/positions`]: onInstance(
      { summary: 'Goes on reading at these offsets or times.', body: POSITIONS, status: 204 },
      (instance, call) => instance.seek(positionsOf(call)),
    ),
    [`POST ${path}/positions/beginning`]: onInstance(
      { summary: 'Goes on reading at the beginning of these partitions.', body: PARTITIONS, status: 204 },
      (instance, call) => instance.seek(partitionsOf(call).map((each) => ({ ...each, offset: BEGINNING }))),
    ),
    [`POST ${path}/positions/end`]: onInstance(
      { summary: 'Goes on reading at the end of these partitions.', body: PARTITIONS, status: 204 },
      (instance, call) => instance.seek(partitionsOf(call).map((each) => ({ ...each, offset: END }))),
    ),
    [`POST ${path}/offsets`]: onInstance(
      { summary: 'Commits offsets; without a body, those of all records that were read.', body: OFFSETS },
      commit,
    ),
    [`GET ${path}/offsets`]: onInstance(
      { summary: 'The committed offsets of the partitions in the body.', body: PARTITIONS },
      async (instance, call) => {
        const committed = await instance.committed(partitionsOf(call));
        return { offsets: committed.map((each) => ({ ...each, metadata: each.metadata ?? '' })) };
      },
    ),
  };
}

function create(consumers: Consumers, call: Call): object {
  const group = call.params['group']!;
  const members = membersOf(call.body === '' ? {} : readJson(call.body), CONFIG);
  const name = optionalText(members, 'name') ?? optionalText(members, 'id');
  const id = consumers.create(group, name === '' ? undefined : name, configOf(consumers, members));
  const path = `/consumers/${encodeURIComponent(group)}/instances/${encodeURIComponent(id)}`;
  return { instance_id: id, base_uri: `${call.baseUrl}${path}` };
}

function configOf({ settings }: Consumers, members: Members): InstanceConfig {
  const format = (optionalText(members, 'format') ?? 'binary').toLowerCase();
  if (!EMBEDDED_FORMATS.includes(format as EmbeddedFormat)) {
    throw invalidConsumerConfig(`Invalid format type ${format}: it is one of ${EMBEDDED_FORMATS.join(', ')}.`);
  }
  const reset = optionalText(members, 'auto.offset.reset')?.toLowerCase();
  if (reset !== undefined && !RESETS.includes(reset as (typeof RESETS)[number])) {
    throw invalidConsumerConfig(
      `Invalid value ${reset} for configuration auto.offset.reset: it is one of ${RESETS.join(', ')}.`,
    );
  }
  return {
    format: format as EmbeddedFormat,
    autoOffsetReset: reset as InstanceConfig['autoOffsetReset'],
    autoCommit: optionalFlag(members, 'auto.commit.enable') ?? true,
    fetchMinBytes: within(members, 'fetch.min.bytes', settings['kafka.rest.fetch.min.bytes'], [-1, 10_000_000]),
    requestTimeoutMs: within(
      members,
      'consumer.request.timeout.ms',
      settings['kafka.rest.consumer.request.timeout.ms'],
      [1, 0x7fffffff],
    ),
  };
}

function within(members: Members, name: string, otherwise: number, [min, max]: readonly [number, number]): number {
  const value = optionalNumber(members, name);
  if (value === undefined) return otherwise;
  if (value >= min && value <= max) return value;
  const why = `${name} is ${value}, and has to be from ${min} to ${max}.`;
  throw new ProxyError(40001, `Invalid consumer configuration. It does not abide by the constraints: ${why}`);
}

function subscribe(instance: ConsumerInstance, call: Call): Promise<void> {
  const members = membersOf(readJson(call.body), SUBSCRIPTION);
  const pattern = optionalText(members, 'topic_pattern');
  if (pattern !== undefined) {
    if (members['topics'] !== undefined && members['topics'] !== null) {
      throw unprocessable('A subscription has either topics or a topic_pattern');
    }
    return instance.subscribe({ pattern });
  }
  const topics = listOf(members, 'topics').map((_, i, list) => textOf(list as unknown as Members, String(i)));
  return topics.length === 0 ? instance.unsubscribe() : instance.subscribe({ topics });
}

async function records(consumers: Consumers, instance: ConsumerInstance, call: Call): Promise<Answer> {
  const { format, requestTimeoutMs } = instance.config;
  if (!call.takesAnyType && embeddedFormatOf(call.answerType) !== format) throw formatMismatch();
  const asked = (name: string, most: number) => {
    const value = queryNumber(call, name);
    return value === undefined || value <= 0 ? most : Math.min(value, most);
  };
  const read = await instance.read({
    timeoutMs: asked('timeout', requestTimeoutMs),
    maxBytes: asked('max_bytes', consumers.settings['kafka.rest.consumer.request.max.bytes']),
  });
  call.onUndelivered(read.takeBack);
  return new Answer(200, `[${read.records.join(',')}]`, embeddedType(format));
}

/** The offsets of a request are those of records that are done with: the group goes on behind them. */
async function commit(instance: ConsumerInstance, call: Call): Promise<object> {
  const isAll = call.body.trim() === '';
  const offsets = isAll
    ? undefined
    : offsetsOf(membersOf(readJson(call.body), OFFSETS), 'offsets').map((each) => ({
        ...each,
        offset: each.offset + 1,
      }));
  const committed = await instance.commit(offsets);
  return committed.map(({ topic, partition, offset }) => ({ topic, partition, consumed: offset, committed: offset }));
}

function partitionsOf(call: Call): TopicPartition[] {
  return listOf(membersOf(readJson(call.body), PARTITIONS), 'partitions').map((each) =>
    partitionOf(membersOf(each, ['topic', 'partition'], 'A partition')),
  );
}

function positionsOf(call: Call): Position[] {
  const members = membersOf(readJson(call.body), POSITIONS);
  const has = (name: string) => members[name] !== undefined && members[name] !== null;
  if (!has('offsets') && !has('timestamps')) throw unprocessable('offsets may not be null');
  const timestamps = has('timestamps') ? listOf(members, 'timestamps') : [];
  return [
    ...(has('offsets') ? offsetsOf(members, 'offsets') : []),
    ...timestamps.map((each) => {
      const entry = membersOf(each, ['topic', 'partition', 'timestamp', 'metadata'], 'A timestamp');
      return { ...partitionOf(entry), timestamp: instantOf(textOf(entry, 'timestamp'), 'timestamp') };
    }),
  ];
}

function offsetsOf(members: Members, name: string) {
  return listOf(members, name).map((each) => {
    const entry = membersOf(each, ['topic', 'partition', 'offset', 'metadata'], 'An offset');
    const offset = numberOf(entry, 'offset');
    if (offset < 0) throw unprocessable('offset must be greater than or equal to 0');
    const metadata = optionalText(entry, 'metadata');
    return { ...partitionOf(entry), offset, ...(metadata === undefined ? {} : { metadata }) };
  });
}

function partitionOf(entry: Members): TopicPartition {
  const partition = numberOf(entry, 'partition');
  if (partition < 0 || partition > 0x7fffffff) throw unprocessable('partition must be greater than or equal to 0');
  return { topic: textOf(entry, 'topic'), partition };
}
