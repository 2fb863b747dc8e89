// The settings that all connectors have, as far as the worker acts upon them.
import { type ConfigOf, parseConfig, type RawConfig } from '../api/config-def.ts';
import { taskConfig } from '../plugins/index.ts';
import type { DeadLetterSettings } from './dead-letters.ts';
import type { ErrorSettings } from './error-handling.ts';

/** A connector's settings, parsed. */
export type TaskSettings = ConfigOf<typeof taskConfig>;

/** Throws `ConfigError`. */
export function taskSettings(config: RawConfig): TaskSettings {
  return parseConfig(taskConfig, config);
}

/** What becomes of records with which something goes wrong. */
export function errorSettings(settings: TaskSettings): ErrorSettings {
  return {
    retryTimeoutMs: settings['errors.retry.timeout'],
    retryDelayMaxMs: settings['errors.retry.delay.max.ms'],
    tolerance: settings['errors.tolerance'] === 'all' ? 'all' : 'none',
    logEnable: settings['errors.log.enable'],
    logIncludeMessages: settings['errors.log.include.messages'],
  };
}

const REPLICATION = 'errors.deadletterqueue.topic.replication.factor';

/** Undefined: dead letters are not kept. */
export function deadLetterSettings(settings: TaskSettings, given: RawConfig): DeadLetterSettings | undefined {
  const topic = settings['errors.deadletterqueue.topic.name'];
  if (topic === '') return undefined;
  return {
    topic,
    // Three is what is asked for; fewer do, where there are fewer brokers and nobody has said otherwise.
    replicationFactor: REPLICATION in given ? settings[REPLICATION] : undefined,
    contextHeaders: settings['errors.deadletterqueue.context.headers.enable'],
  };
}
