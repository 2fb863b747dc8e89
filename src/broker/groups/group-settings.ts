// What holds for one group: its own configs where it has some, within the limits of the broker's settings, else those.
import { type BrokerSettings, groupSettings } from '../settings.ts';
import { parseSetting } from '../../util/index.ts';
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

function ownConfig(name: keyof typeof groupSettings, configs: Readonly<Record<string, string>>): number | undefined {
  const own = configs[name];
  return own === undefined ? undefined : Number(parseSetting(name, groupSettings[name], own));
}
