// What holds for one group: its own configs where it has some, within the limits of the broker's settings, else those.
import { type BrokerSettings, groupSettings } from '../settings.ts';
import { MillraceError, parseSetting, settingNamed } from '../../util/index.ts';
import type { ConsumerGroupSettings } from './consumer-group.ts';

/** The configs that were set for a group, as text. */
export type GroupConfigs = (groupId: string) => Readonly<Record<string, string>>;

type Limited = 'heartbeat.interval.ms' | 'session.timeout.ms' | 'assignment.interval.ms';

export function consumerGroupSettings(
  broker: BrokerSettings,
  configs: Readonly<Record<string, string>>,
): ConsumerGroupSettings {
  const limited = (name: Limited): number => {
    const own = ownConfig(`consumer.${name}`, configs);
    if (own === undefined) return broker[`group.consumer.${name}`];
    return Math.min(Math.max(own, broker[`group.consumer.min.${name}`]), broker[`group.consumer.max.${name}`]);
  };
  return {
    sessionTimeoutMs: limited('session.timeout.ms'),
    heartbeatIntervalMs: limited('heartbeat.interval.ms'),
    assignmentIntervalMs: limited('assignment.interval.ms'),
    maxSize: broker['group.consumer.max.size'],
    assignors: broker['group.consumer.assignors'].split(','),
  };
}

/** Refuses configs that a group can't have. */
export function checkGroupConfigs(broker: BrokerSettings, configs: Readonly<Record<string, string>>): void {
  for (const [name, given] of Object.entries(configs)) {
    const value = parseSetting(name, settingNamed(groupSettings, name, 'group config name'), given);
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

function ownConfig(name: keyof typeof groupSettings, configs: Readonly<Record<string, string>>): number | undefined {
  const own = configs[name];
  return own === undefined ? undefined : Number(parseSetting(name, groupSettings[name], own));
}
