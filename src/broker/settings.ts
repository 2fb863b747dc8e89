/**
 * Every setting the broker knows, under Kafka's own names: type, default and one line of documentation. Topic configs
 * name the broker setting that is their default. What is not in these tables is refused, with a suggestion.
 */
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from '../protocol/index.ts';
import {
  booleanSetting as bool,
  doubleSetting as double,
  type GivenSettings,
  intSetting as int,
  listSetting as list,
  longSetting as long,
  MillraceError,
  parseSetting,
  readSettings,
  type Setting,
  settingNamed,
  stringSetting as text,
} from '../util/index.ts';
import { securitySettings } from './security-settings.ts';

const LONG_MAX = Number.MAX_SAFE_INTEGER;
const INT_MAX = 0x7fffffff;
const DAY_MS = 86_400_000;

/** Since Kafka 4.1. */
export const LEAST_SEGMENT_BYTES = 1_048_576;
const REPORTED = 'Reported for clients; it has no meaning here.';
const ONE_REPLICA = 'Reported for clients; there is one replica.';
const NOT_TIERED = 'Reported for clients; all records are in local files.';

const STRATEGIES = ['TopicNameStrategy', 'RecordNameStrategy', 'TopicRecordNameStrategy'];
/** Confluent's names, in full or short. */
const STRATEGY_NAMES = STRATEGIES.flatMap((name) => [`io.confluent.kafka.serializers.subject.${name}`, name]);
const CODECS = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd', 'producer'];
const POLICIES = ['delete', 'compact'];
const TIMESTAMP_TYPES = ['CreateTime', 'LogAppendTime'];

export const brokerSettings = {
  'node.id': int(1, 'The id of this broker in its cluster.', 0),
  'broker.rack': text('', 'The rack that is told to clients; empty for none.'),
  'advertised.listeners': text(
    '',
    'What clients are told to connect to: `host:port`, or one for each listener as `NAME://host:port`, separated by commas; empty: the address that is listened on.',
  ),
  'socket.request.max.bytes': int(104_857_600, 'A larger request closes its connection before it is read.', 1),
  'request.max.elements': int(
    200_000,
    'A request that lists more things (topics, partitions, configs…) closes its connection before it is carried out.',
    1,
  ),
  'connections.max.idle.ms': long(600_000, 'A connection without a request for so long is closed.', 1),
  'max.connections': int(
    INT_MAX,
    'Connections above this number are refused, and above 40 % of the files that the process may open: logs and state need some, too.',
    0,
  ),
  ...securitySettings,
  'quota.window.num': int(11, 'Windows over which the rates of clients are measured for their quotas.', 1),
  'quota.window.size.seconds': int(1, 'How long one such window is.', 1),
  'controller.quota.window.num': int(11, 'Windows over which changes to topics are counted for quotas.', 1),
  'controller.quota.window.size.seconds': int(1, 'How long one such window is.', 1),
  'queued.max.requests': int(500, 'Unanswered requests of one connection before it is no longer read from.', 1),

  'queued.max.request.bytes': long(
    -1,
    'Bytes of requests, of all connections together, that are unfinished or not answered; above it nobody is read from until others are done. -1: an eighth of the memory.',
    -1,
  ),
  'coordinator.max.memory.bytes': long(
    -1,
    'About how many bytes groups, their members and offsets, transactions, and sessions of fetches may take; what would be more is refused. -1: an eighth of the memory, or of the heap where that is less.',
    -1,
  ),

  'telemetry.max.bytes': int(1_048_576, 'The largest push of metrics of a client, packed or unpacked.', 1),

  'auto.create.topics.enable': bool(true, 'Create a topic when its metadata is asked for by name.'),
  'delete.topic.enable': bool(true, 'Whether topics may be deleted.'),
  'num.partitions': int(1, 'Partitions of a topic that does not say how many it wants.', 1),
  'default.replication.factor': int(1, 'Replicas of a topic that does not say how many it wants.', 1, 1),
  'min.insync.replicas': int(
    1,
    'Reported for clients; no more replicas are waited for than there are (KIP-966): one.',
    1,
  ),

  durability: text(
    'fsync',
    'When a record counts as stored, with acks=all: fsync (on the disk), interval (written; on the disk every ' +
      'log.flush.interval.ms), os (written; the operating system decides).',
    ['fsync', 'interval', 'os'],
  ),
  'log.flush.interval.ms': long(1000, 'With durability=interval: how often written records are forced to the disk.', 1),
  'log.cleanup.policy': list('delete', 'What happens to old records: delete, compact, or both.', POLICIES),
  'log.retention.ms': long(-2, 'Records older than this are deleted; -1 never, -2 as log.retention.hours says.', -2),
  'log.retention.hours': int(168, 'Records older than this are deleted, unless log.retention.ms is set.', -1),
  'log.retention.bytes': long(-1, 'The oldest segments of a larger partition are deleted; -1 for no limit.', -1),
  'log.retention.check.interval.ms': long(300_000, 'How often segments are checked for deletion.', 1),
  'log.segment.bytes': int(
    1_073_741_824,
    'A segment file is closed when it would grow beyond this.',
    LEAST_SEGMENT_BYTES,
  ),
  'internal.log.segment.bytes': int(0, 'Smaller segments than users may have, for tests; 0: log.segment.bytes.', 0),
  'log.roll.ms': long(7 * DAY_MS, 'A segment file is closed when its first record is this old.', 1),
  'log.index.interval.bytes': int(4096, 'One index entry per so many bytes of log.', 0),
  'log.index.size.max.bytes': int(10_485_760, 'The largest offset index of a segment.', 4),
  'log.message.timestamp.type': text('CreateTime', 'Whose time records carry.', TIMESTAMP_TYPES),
  'log.message.timestamp.before.max.ms': long(LONG_MAX, 'How far in the past a timestamp may lie.', 0),
  'log.message.timestamp.after.max.ms': long(3_600_000, 'How far in the future a timestamp may lie.', 0),
  'log.segment.delete.delay.ms': long(60_000, 'How long a deleted segment file is kept under another name.', 0),
  'log.cleaner.backoff.ms': long(15_000, 'How often compacted topics are looked at.', 1),
  'log.cleaner.delete.retention.ms': long(DAY_MS, 'How long tombstones stay in a compacted topic.', 0),
  'log.cleaner.min.compaction.lag.ms': long(0, 'Records younger than this are not compacted.', 0),
  'log.cleaner.max.compaction.lag.ms': long(
    LONG_MAX,
    'Records older than this are compacted whatever the dirty ratio.',
    1,
  ),
  'log.cleaner.min.cleanable.ratio': double(0.5, 'The share of uncompacted bytes from which a log is compacted.', 0, 1),
  'message.max.bytes': int(1_048_588, 'The largest record batch.', 0),
  'compression.type': text('producer', 'The codec batches are stored with; producer keeps theirs.', CODECS),
  'compression.gzip.level': { ...int(-1, 'How hard gzip tries, 1 to 9; -1: its own default.', -1, 9), not: 0 },
  'compression.lz4.level': int(9, 'Reported for clients; our lz4 has one level.', 1, 17),
  'compression.zstd.level': int(3, 'How hard zstd tries, from -131072 (fast) to 22 (small).', -131_072, 22),
  'max.decompressed.message.bytes': int(
    DEFAULT_MAX_DECOMPRESSED_BYTES,
    'What the records of one batch may unpack to.',
    1,
  ),
  'tail.cache.bytes': long(134_217_728, 'Memory for the newest record batches, so that tail reads need no file.', 0),

  'log.preallocate': bool(false, 'Reported for clients; files grow as they are written.'),
  'log.flush.interval.messages': long(LONG_MAX, 'Reported for clients; durability decides.', 1),
  'log.roll.jitter.ms': long(0, 'Reported for clients; segments close on time.', 0),
  'log.cleaner.threads': int(1, REPORTED, 0),
  'log.cleaner.dedupe.buffer.size': long(134_217_728, REPORTED),
  'log.cleaner.io.buffer.size': int(524_288, REPORTED, 0),
  'log.cleaner.io.buffer.load.factor': double(0.9, REPORTED, 0, 1),
  'log.cleaner.io.max.bytes.per.second': double(Number.MAX_VALUE, REPORTED, 0, Number.MAX_VALUE),
  'log.local.retention.bytes': long(-2, NOT_TIERED, -2),
  'log.local.retention.ms': long(-2, NOT_TIERED, -2),
  'log.remote.copy.lag.bytes': long(-1, NOT_TIERED, -1),
  'log.remote.copy.lag.ms': long(0, NOT_TIERED, 0),
  'num.io.threads': int(8, REPORTED, 1),
  'num.network.threads': int(3, REPORTED, 1),
  'num.recovery.threads.per.data.dir': int(2, REPORTED, 1),
  'background.threads': int(10, REPORTED, 1),
  'num.replica.fetchers': int(1, ONE_REPLICA, 1),
  'unclean.leader.election.enable': bool(false, ONE_REPLICA),
  'leader.replication.throttled.rate': long(LONG_MAX, ONE_REPLICA, 0),
  'follower.replication.throttled.rate': long(LONG_MAX, ONE_REPLICA, 0),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(LONG_MAX, 'Reported for clients; there is one directory.', 0),

  'max.incremental.fetch.session.cache.slots': int(
    1000,
    'Sessions of consumers that are told only what is new; more get full answers.',
    0,
  ),
  'fetch.max.bytes': int(57_671_680, 'The most that one fetch is answered with.', 1024),

  'group.min.session.timeout.ms': int(6000, 'The shortest session timeout a member may ask for.', 1),
  'group.max.session.timeout.ms': int(1_800_000, 'The longest session timeout a member may ask for.', 1),
  'group.initial.rebalance.delay.ms': int(3000, 'How long an empty group waits for more members.', 0),
  'group.max.size': int(INT_MAX, 'Members that a group may have.', 1),
  'group.coordinator.rebalance.protocols': list('classic,consumer,share,streams', 'Protocols that groups may speak.', [
    'classic',
    'consumer',
    'share',
    'streams',
  ]),
  'group.consumer.heartbeat.interval.ms': int(5000, 'How often members of consumer groups are to be heard.', 1),
  'group.consumer.min.heartbeat.interval.ms': int(5000, 'The least that a group may set for itself.', 1),
  'group.consumer.max.heartbeat.interval.ms': int(15_000, 'The most that a group may set for itself.', 1),
  'group.consumer.session.timeout.ms': int(45_000, 'A member of a consumer group not heard for so long is out.', 1),
  'group.consumer.min.session.timeout.ms': int(45_000, 'The least that a group may set for itself.', 1),
  'group.consumer.max.session.timeout.ms': int(60_000, 'The most that a group may set for itself.', 1),
  'group.consumer.assignment.interval.ms': int(1000, 'The least time between two assignments of a consumer group.', 0),
  'group.consumer.min.assignment.interval.ms': int(0, 'The least that a group may set for itself.', 0),
  'group.consumer.max.assignment.interval.ms': int(15_000, 'The most that a group may set for itself.', 0),
  'group.consumer.max.size': int(INT_MAX, 'Members that a consumer group may have.', 1),
  'group.consumer.assignors': list(
    'uniform,range',
    'How partitions of consumer groups are assigned, where members do not ask for one of these: the first.',
    ['uniform', 'range'],
  ),
  'group.consumer.migration.policy': text(
    'bidirectional',
    'Whether groups change between the classic and the consumer protocol while they run.',
    ['bidirectional', 'upgrade', 'downgrade', 'disabled'],
  ),
  'group.share.heartbeat.interval.ms': int(5000, 'How often members of share groups are to be heard.', 1),
  'group.share.min.heartbeat.interval.ms': int(5000, 'The least that a group may set for itself.', 1),
  'group.share.max.heartbeat.interval.ms': int(15_000, 'The most that a group may set for itself.', 1),
  'group.share.session.timeout.ms': int(45_000, 'A member of a share group not heard for so long is out.', 1),
  'group.share.min.session.timeout.ms': int(45_000, 'The least that a group may set for itself.', 1),
  'group.share.max.session.timeout.ms': int(60_000, 'The most that a group may set for itself.', 1),
  'group.share.assignment.interval.ms': int(1000, 'The least time between two assignments of a share group.', 0),
  'group.share.min.assignment.interval.ms': int(0, 'The least that a group may set for itself.', 0),
  'group.share.max.assignment.interval.ms': int(15_000, 'The most that a group may set for itself.', 0),
  'group.share.max.size': int(200, 'Members that a share group may have.', 1, 1000),
  'group.share.delivery.count.limit': int(5, 'How often a record is given out before it is given up.', 2, 10),
  'group.share.min.delivery.count.limit': int(2, 'The least that a group may set for itself.', 2, 5),
  'group.share.max.delivery.count.limit': int(10, 'The most that a group may set for itself.', 5, 25),
  'group.share.record.lock.duration.ms': int(30_000, 'How long a member may have a record.', 1000, 3_600_000),
  'group.share.min.record.lock.duration.ms': int(15_000, 'The least that a group may set for itself.', 1000, 30_000),
  'group.share.max.record.lock.duration.ms': int(
    60_000,
    'The most that a group may set for itself.',
    30_000,
    3_600_000,
  ),
  'group.share.partition.max.record.locks': int(
    2000,
    'Offsets of a partition between the first that is not done with and the last that was given out.',
    100,
    10_000,
  ),
  'group.share.min.partition.max.record.locks': int(100, 'The least that a group may set for itself.', 100, 2000),
  'group.share.max.partition.max.record.locks': int(4000, 'The most that a group may set for itself.', 2000, 10_000),
  'group.share.max.share.sessions': int(2000, 'Members that may read in share groups at the same time.', 1),
  'group.streams.heartbeat.interval.ms': int(5000, 'How often members of streams groups are to be heard.', 1),
  'group.streams.min.heartbeat.interval.ms': int(5000, 'The least that a group may set for itself.', 1),
  'group.streams.max.heartbeat.interval.ms': int(15_000, 'The most that a group may set for itself.', 1),
  'group.streams.session.timeout.ms': int(45_000, 'A member of a streams group not heard for so long is out.', 1),
  'group.streams.min.session.timeout.ms': int(45_000, 'The least that a group may set for itself.', 1),
  'group.streams.max.session.timeout.ms': int(60_000, 'The most that a group may set for itself.', 1),
  'group.streams.assignment.interval.ms': int(1000, 'The least time between two assignments of a streams group.', 0),
  'group.streams.min.assignment.interval.ms': int(0, 'The least that a group may set for itself.', 0),
  'group.streams.max.assignment.interval.ms': int(15_000, 'The most that a group may set for itself.', 0),
  'group.streams.max.size': int(INT_MAX, 'Members that a streams group may have.', 1),
  'group.streams.num.standby.replicas': int(0, 'Processes that keep a copy of the state of a task of another.', 0),
  'group.streams.max.standby.replicas': int(2, 'The most copies that a group may set for itself.', 0),
  'group.streams.initial.rebalance.delay.ms': int(
    3000,
    'How long a streams group that was empty waits for more members before it assigns.',
    0,
  ),
  'group.streams.assignors': list('sticky', 'How tasks of streams groups are assigned.', ['sticky']),
  'share.coordinator.state.topic.num.partitions': int(
    50,
    'Partitions of __share_group_state; fixed once it exists.',
    1,
  ),
  'share.coordinator.state.topic.segment.bytes': int(
    104_857_600,
    'Segment size of __share_group_state.',
    LEAST_SEGMENT_BYTES,
  ),
  'share.coordinator.snapshot.update.records.per.snapshot': int(
    500,
    'After so many changes the whole state of a partition of a share group is written.',
    0,
    500,
  ),
  'offset.metadata.max.bytes': int(4096, 'The longest metadata of a committed offset.', 0),
  'offsets.topic.num.partitions': int(50, 'Partitions of __consumer_offsets; fixed once it exists.', 1),
  'offsets.topic.segment.bytes': int(104_857_600, 'Segment size of __consumer_offsets.', 14),
  'offsets.retention.minutes': int(10_080, 'Offsets of an empty group are forgotten after this.', 1),
  'offsets.retention.check.interval.ms': long(600_000, 'How often offsets are checked for expiry.', 1),

  'transaction.state.log.num.partitions': int(50, 'Partitions of __transaction_state; fixed once it exists.', 1),
  'transaction.state.log.segment.bytes': int(104_857_600, 'Segment size of __transaction_state.', 14),
  'transaction.max.timeout.ms': int(900_000, 'The longest transaction timeout a producer may ask for.', 1),
  'transactional.id.expiration.ms': int(604_800_000, 'An unused transactional id is forgotten after this.', 1),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    10_000,
    'How often transactions are checked for their timeout.',
    1,
  ),
  'transaction.partition.verification.enable': bool(true, 'Refuse records of transactions that were not announced.'),
  'producer.id.expiration.ms': int(86_400_000, 'A partition forgets an idle producer after this.', 1),
} as const satisfies Record<string, Setting<unknown>>;

/** A list of whatever. */
function anyList(doc: string): Setting<string> {
  return { kind: 'list', default: '', doc };
}

/** The settings that may be changed while the broker runs: whoever acts on one looks at it each time. */
const DYNAMIC: ReadonlySet<string> = new Set<keyof typeof brokerSettings>([
  'background.threads',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'follower.replication.throttled.rate',
  'leader.replication.throttled.rate',
  'log.cleaner.backoff.ms',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.delete.retention.ms',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.buffer.size',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.max.compaction.lag.ms',
  'log.cleaner.min.cleanable.ratio',
  'log.cleaner.min.compaction.lag.ms',
  'log.cleaner.threads',
  'log.cleanup.policy',
  'log.flush.interval.messages',
  'log.index.interval.bytes',
  'log.index.size.max.bytes',
  'log.local.retention.bytes',
  'log.local.retention.ms',
  'log.message.timestamp.after.max.ms',
  'log.message.timestamp.before.max.ms',
  'log.message.timestamp.type',
  'log.preallocate',
  'log.remote.copy.lag.bytes',
  'log.remote.copy.lag.ms',
  'log.retention.bytes',
  'log.retention.ms',
  'log.roll.jitter.ms',
  'log.roll.ms',
  'log.segment.bytes',
  'log.segment.delete.delay.ms',
  'max.connections',
  'max.decompressed.message.bytes',
  'message.max.bytes',
  'min.insync.replicas',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'producer.id.expiration.ms',
  'replica.alter.log.dirs.io.max.bytes.per.second',
  'transaction.partition.verification.enable',
  'unclean.leader.election.enable',
]);

/** What is not for users: it is taken, but neither listed nor documented. As in Kafka, such names begin so. */
export function isInternalSetting(name: string): boolean {
  return name.startsWith('internal.');
}

export function isDynamic(name: string): boolean {
  return DYNAMIC.has(name);
}

export type BrokerSettings = { readonly [K in keyof typeof brokerSettings]: (typeof brokerSettings)[K]['default'] };
export type BrokerSettingName = keyof typeof brokerSettings;

export interface TopicSetting<T> extends Setting<T> {
  /** The broker setting that is the default. */
  readonly synonym?: BrokerSettingName;
  /** Why it can't be true. */
  readonly neverTrue?: string;
  /** What it may be set to at least, though smaller values that were set once are read. */
  readonly leastNow?: number;
}

function inherited<K extends BrokerSettingName>(
  synonym: K,
): TopicSetting<(typeof brokerSettings)[K]['default']> & { synonym: K } {
  return { ...brokerSettings[synonym], synonym };
}

export const topicSettings = {
  'cleanup.policy': inherited('log.cleanup.policy'),
  'compression.gzip.level': inherited('compression.gzip.level'),
  'compression.lz4.level': inherited('compression.lz4.level'),
  'compression.type': inherited('compression.type'),
  'compression.zstd.level': inherited('compression.zstd.level'),
  'confluent.key.schema.validation': bool(false, 'Take only records whose keys are of a registered schema.'),
  'confluent.key.subject.name.strategy': text(STRATEGY_NAMES[0]!, 'How the subject of keys is named.', STRATEGY_NAMES),
  'confluent.value.schema.validation': bool(false, 'Take only records whose values are of a registered schema.'),
  'confluent.value.subject.name.strategy': text(
    STRATEGY_NAMES[0]!,
    'How the subject of values is named.',
    STRATEGY_NAMES,
  ),
  'delete.retention.ms': inherited('log.cleaner.delete.retention.ms'),
  'errors.deadletterqueue.group.enable': {
    ...bool(false, 'Whether share groups may write what they give up to this topic; they do not yet.'),
    neverTrue: 'share groups have no dead letter queues yet (KIP-1191)',
  },
  'file.delete.delay.ms': inherited('log.segment.delete.delay.ms'),
  'flush.messages': inherited('log.flush.interval.messages'),
  'flush.ms': long(LONG_MAX, 'Reported for clients; the broker setting durability decides.', 0),
  'follower.replication.throttled.replicas': anyList(ONE_REPLICA),
  'index.interval.bytes': inherited('log.index.interval.bytes'),
  'leader.replication.throttled.replicas': anyList(ONE_REPLICA),
  'local.retention.bytes': inherited('log.local.retention.bytes'),
  'local.retention.ms': inherited('log.local.retention.ms'),
  'max.compaction.lag.ms': inherited('log.cleaner.max.compaction.lag.ms'),
  'max.decompressed.message.bytes': inherited('max.decompressed.message.bytes'),
  'max.message.bytes': inherited('message.max.bytes'),
  'message.timestamp.after.max.ms': inherited('log.message.timestamp.after.max.ms'),
  'message.timestamp.before.max.ms': inherited('log.message.timestamp.before.max.ms'),
  'message.timestamp.type': inherited('log.message.timestamp.type'),
  'min.cleanable.dirty.ratio': inherited('log.cleaner.min.cleanable.ratio'),
  'min.compaction.lag.ms': inherited('log.cleaner.min.compaction.lag.ms'),
  'min.insync.replicas': inherited('min.insync.replicas'),
  preallocate: inherited('log.preallocate'),
  'remote.copy.lag.bytes': inherited('log.remote.copy.lag.bytes'),
  'remote.copy.lag.ms': inherited('log.remote.copy.lag.ms'),
  'remote.log.copy.disable': bool(false, NOT_TIERED),
  'remote.log.delete.on.disable': bool(false, NOT_TIERED),
  'remote.storage.enable': {
    ...bool(false, 'Whether old segments move to remote storage; there is none.'),
    neverTrue: 'this broker has no tiered storage: all records are in local files',
  },
  'retention.bytes': inherited('log.retention.bytes'),
  'retention.ms': {
    ...long(7 * DAY_MS, 'Records older than this are deleted; -1 never.', -1),
    synonym: 'log.retention.ms',
  },
  'segment.bytes': { ...inherited('log.segment.bytes'), min: 14, leastNow: LEAST_SEGMENT_BYTES },
  'internal.segment.bytes': inherited('internal.log.segment.bytes'),
  'segment.index.bytes': inherited('log.index.size.max.bytes'),
  'segment.jitter.ms': inherited('log.roll.jitter.ms'),
  'segment.ms': inherited('log.roll.ms'),
  'unclean.leader.election.enable': inherited('unclean.leader.election.enable'),
} as const satisfies Record<string, TopicSetting<unknown>>;

export type TopicSettings = { readonly [K in keyof typeof topicSettings]: (typeof topicSettings)[K]['default'] };
export type TopicSettingName = keyof typeof topicSettings;

/** Configs of one group (resource type GROUP), and the broker settings that are their defaults. */
export const groupSettings = {
  'consumer.heartbeat.interval.ms': inherited('group.consumer.heartbeat.interval.ms'),
  'consumer.session.timeout.ms': inherited('group.consumer.session.timeout.ms'),
  'consumer.assignment.interval.ms': inherited('group.consumer.assignment.interval.ms'),
  'share.heartbeat.interval.ms': inherited('group.share.heartbeat.interval.ms'),
  'share.session.timeout.ms': inherited('group.share.session.timeout.ms'),
  'share.assignment.interval.ms': inherited('group.share.assignment.interval.ms'),
  'share.record.lock.duration.ms': inherited('group.share.record.lock.duration.ms'),
  'share.delivery.count.limit': inherited('group.share.delivery.count.limit'),
  'share.partition.max.record.locks': inherited('group.share.partition.max.record.locks'),
  'share.renew.acknowledge.enable': bool(true, 'Whether members may begin the time anew for which they have a record.'),
  'share.auto.offset.reset': text(
    'latest',
    'Where a share group begins: earliest, latest, or by_duration: and how long ago in ISO 8601 (by_duration:PT1H).',
  ),
  'streams.heartbeat.interval.ms': inherited('group.streams.heartbeat.interval.ms'),
  'streams.session.timeout.ms': inherited('group.streams.session.timeout.ms'),
  'streams.assignment.interval.ms': inherited('group.streams.assignment.interval.ms'),
  'streams.num.standby.replicas': inherited('group.streams.num.standby.replicas'),
  'streams.initial.rebalance.delay.ms': inherited('group.streams.initial.rebalance.delay.ms'),
  'streams.assignor.name': text('sticky', 'How tasks of the group are assigned.', ['sticky']),
  'share.isolation.level': text(
    'read_uncommitted',
    'read_committed leaves out records of transactions that are open or aborted.',
    ['read_committed', 'read_uncommitted'],
  ),
} as const satisfies Record<string, TopicSetting<unknown>>;

/** What groups may set for themselves within limits. */
const LIMITED = [
  'consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms',
  'consumer.assignment.interval.ms',
  'share.heartbeat.interval.ms',
  'share.session.timeout.ms',
  'share.assignment.interval.ms',
  'share.delivery.count.limit',
  'share.record.lock.duration.ms',
  'share.partition.max.record.locks',
  'streams.heartbeat.interval.ms',
  'streams.session.timeout.ms',
  'streams.assignment.interval.ms',
] as const;

/** All broker settings from the ones that were given; an unknown name or a bad value is refused. */
export function readBrokerSettings(given: GivenSettings): BrokerSettings {
  const settings = readSettings(brokerSettings, given, 'broker setting');
  for (const name of LIMITED) {
    const [type, rest] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
    const [value, least, most] = ['', 'min.', 'max.'].map(
      (end) => (settings as Readonly<Record<string, unknown>>)[`group.${type}.${end}${rest}`] as number,
    );
    if (value! >= least! && value! <= most!) continue;
    const limits = `group.${type}.min.${rest} (${least}) and group.${type}.max.${rest} (${most})`;
    throw invalidSetting(`group.${name} (${value}) must lie between ${limits}.`);
  }
  if (settings['group.consumer.assignors'] === '') throw invalidSetting('group.consumer.assignors names no assignor.');
  return settings;
}

function invalidSetting(message: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', message);
}

/** A topic's settings: its own configs over the broker's defaults. */
export function readTopicSettings(configs: Readonly<Record<string, string>>, broker: BrokerSettings): TopicSettings {
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(topicSettings)) values[name] = topicDefault(name as TopicSettingName, broker);
  for (const [name, value] of Object.entries(configs)) {
    values[name] = parseSetting(name, settingNamed(topicSettings, name, 'topic config'), value);
  }
  if (values['internal.segment.bytes'] !== 0) values['segment.bytes'] = values['internal.segment.bytes'];
  return values as TopicSettings;
}

/** Refuses what a client can't set: what is no setting, and what older brokers took. */
export function checkTopicConfigs(configs: Readonly<Record<string, string>>, broker: BrokerSettings): void {
  readTopicSettings(configs, broker);
  for (const [name, value] of Object.entries(configs)) {
    const { neverTrue, leastNow }: TopicSetting<unknown> = topicSettings[name as TopicSettingName];
    if (neverTrue !== undefined && value.trim() === 'true') {
      throw new MillraceError('INVALID_CONFIG', `"${name}" can't be true: ${neverTrue}.`);
    }
    if (leastNow !== undefined && Number(value) < leastNow) {
      const rule = `it must be at least ${leastNow}`;
      throw new MillraceError('INVALID_CONFIG', `Invalid value "${value}" for "${name}": ${rule}.`);
    }
  }
}

/** What a topic config is when the topic does not set it. */
export function topicDefault(name: TopicSettingName, broker: BrokerSettings): unknown {
  if (name === 'retention.ms' && broker['log.retention.ms'] === -2) {
    const hours = broker['log.retention.hours'];
    return hours < 0 ? -1 : hours * 3_600_000;
  }
  const setting: TopicSetting<unknown> = topicSettings[name];
  return setting.synonym === undefined ? setting.default : broker[setting.synonym];
}
