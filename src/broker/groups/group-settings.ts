// What holds for one group: its own configs where it has some, within the limits of the broker's settings, else those.
import { type BrokerSettings, groupSettings } from '../settings.ts';
import { MillraceError, parseSetting, settingNamed } from '../../util/index.ts';
import type { ConsumerGroupSettings } from './consumer-group.ts';
import type { ShareGroupSettings } from './share-group.ts';
import type { StreamsGroupSettings } from './streams-group.ts';

/** The configs that were set for a group, as text. */
export type GroupConfigs = (groupId: string) => Readonly<Record<string, string>>;

type Limited<T extends 'consumer' | 'share' | 'streams'> =
  `${T}.${'heartbeat.interval.ms' | 'session.timeout.ms' | 'assignment.interval.ms'}`;
type LimitedShare = `share.${'record.lock.duration.ms' | 'delivery.count.limit' | 'partition.max.record.locks'}`;

type LimitedStreams = `streams.${'num.standby.replicas' | 'initial.rebalance.delay.ms'}`;

type Configs = Readonly<Record<string, string>>;

export function consumerGroupSettings(broker: BrokerSettings, configs: Configs): ConsumerGroupSettings {
  return {
    sessionTimeoutMs: limited('consumer.session.timeout.ms', broker, configs),
    heartbeatIntervalMs: limited('consumer.heartbeat.interval.ms', broker, configs),
    assignmentIntervalMs: limited('consumer.assignment.interval.ms', broker, configs),
    maxSize: broker['group.consumer.max.size'],
    assignors: broker['group.consumer.assignors'].split(','),
  };
}

export function shareGroupSettings(broker: BrokerSettings, configs: Configs): ShareGroupSettings {
  return {
    sessionTimeoutMs: limited('share.session.timeout.ms', broker, configs),
    heartbeatIntervalMs: limited('share.heartbeat.interval.ms', broker, configs),
    assignmentIntervalMs: limited('share.assignment.interval.ms', broker, configs),
    maxSize: broker['group.share.max.size'],
  };
}

export function streamsGroupSettings(broker: BrokerSettings, configs: Configs): StreamsGroupSettings {
  const standbyReplicas = limited('streams.num.standby.replicas', broker, configs);
  return {
    sessionTimeoutMs: limited('streams.session.timeout.ms', broker, configs),
    heartbeatIntervalMs: limited('streams.heartbeat.interval.ms', broker, configs),
    assignmentIntervalMs: limited('streams.assignment.interval.ms', broker, configs),
    initialRebalanceDelayMs: limited('streams.initial.rebalance.delay.ms', broker, configs),
    standbyReplicas: Math.min(standbyReplicas, broker['group.streams.max.standby.replicas']),
    maxSize: broker['group.streams.max.size'],
  };
}

/** How records are given out in a share group. */
export interface ShareDeliverySettings {
  readonly lockDurationMs: number;
  readonly deliveryCountLimit: number;
  readonly maxRecordLocks: number;
  /** `earliest`, `latest`, or `by_duration:` and an ISO 8601 duration. */
  readonly autoOffsetReset: string;
  readonly readsCommitted: boolean;
  readonly allowsRenewal: boolean;
}

export function shareDeliverySettings(broker: BrokerSettings, configs: Configs): ShareDeliverySettings {
  return {
    lockDurationMs: limited('share.record.lock.duration.ms', broker, configs),
    deliveryCountLimit: limited('share.delivery.count.limit', broker, configs),
    maxRecordLocks: limited('share.partition.max.record.locks', broker, configs),
    autoOffsetReset: configs['share.auto.offset.reset'] ?? groupSettings['share.auto.offset.reset'].default,
    readsCommitted: configs['share.isolation.level'] === 'read_committed',
    allowsRenewal: configs['share.renew.acknowledge.enable'] !== 'false',
  };
}

/** What the group has set, within the broker's limits, else what the broker has. */
function limited(
  name: Limited<'consumer'> | Limited<'share'> | Limited<'streams'> | LimitedShare | LimitedStreams,
  broker: BrokerSettings,
  configs: Configs,
): number {
  const own = configs[name];
  if (own === undefined) return broker[`group.${name}`];
  const value = Number(parseSetting(name, groupSettings[name], own));
  const [type, rest] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
  const least = brokerValue(broker, `group.${type}.min.${rest}`) ?? value;
  const most = brokerValue(broker, `group.${type}.max.${rest}`) ?? value;
  return Math.min(Math.max(value, least), most);
}

/** Refuses configs that a group can't have. */
export function checkGroupConfigs(broker: BrokerSettings, configs: Readonly<Record<string, string>>): void {
  for (const [name, given] of Object.entries(configs)) {
    const value = parseSetting(name, settingNamed(groupSettings, name, 'group config name'), given);
    if (name === 'share.auto.offset.reset') checkReset(name, given);
    if (name === 'streams.num.standby.replicas') checkStandbys(broker, Number(value));
    const [protocol, rest] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
    const least = brokerValue(broker, `group.${protocol}.min.${rest}`);
    const most = brokerValue(broker, `group.${protocol}.max.${rest}`);
    if ((least === undefined || Number(value) >= least) && (most === undefined || Number(value) <= most)) continue;
    const range = most === undefined ? `at least ${least}` : `in the range ${least ?? 0} to ${most} inclusive`;
    throw new MillraceError('INVALID_CONFIG', `${name} must be ${range}.`);
  }
}

/** The limit that the broker has for what groups say, where it has one. */
function brokerValue(broker: BrokerSettings, name: string): number | undefined {
  return Object.hasOwn(broker, name) ? ((broker as Readonly<Record<string, unknown>>)[name] as number) : undefined;
}

function checkStandbys(broker: BrokerSettings, wanted: number): void {
  const most = broker['group.streams.max.standby.replicas'];
  if (wanted <= most) return;
  const message = `streams.num.standby.replicas must be less than or equal to ${most}.`;
  throw new MillraceError('INVALID_CONFIG', message);
}

function checkReset(name: string, given: string): void {
  if (given === 'earliest' || given === 'latest' || durationOf(given) !== undefined) return;
  const wanted = 'earliest, latest, or by_duration: and a duration of ISO 8601, such as by_duration:PT1H';
  throw new MillraceError('INVALID_CONFIG', `Invalid value "${given}" for "${name}": it must be ${wanted}.`);
}

const DURATION = /^by_duration:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const [DAY_S, HOUR_S, MINUTE_S] = [86_400, 3600, 60];

/** The milliseconds of `by_duration:…`; undefined for what is none. */
export function durationOf(reset: string): number | undefined {
  const found = DURATION.exec(reset);
  if (found === null || found.slice(1).every((part) => part === undefined)) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1).map((part) => Number(part ?? 0));
  return (days * DAY_S + hours * HOUR_S + minutes * MINUTE_S + seconds) * 1000;
}
