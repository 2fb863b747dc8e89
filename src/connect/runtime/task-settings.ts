// The settings that all connectors have, as far as the worker acts upon them.
import { type ConfigOf, defineConfig, oneOfTexts, parseConfig, type RawConfig } from '../api/config-def.ts';
import type { DeadLetterSettings } from './dead-letters.ts';
import type { ErrorSettings } from './error-handling.ts';

const SETTINGS = defineConfig({
  'tasks.max': { type: 'INT', default: 1, importance: 'HIGH', doc: '' },
  'tasks.max.enforce': { type: 'BOOLEAN', default: true, importance: 'LOW', doc: '' },
  'errors.retry.timeout': { type: 'LONG', default: 0, importance: 'MEDIUM', doc: '' },
  'errors.retry.delay.max.ms': { type: 'LONG', default: 60_000, importance: 'MEDIUM', doc: '' },
  'errors.tolerance': {
    type: 'STRING',
    default: 'none',
    importance: 'MEDIUM',
    doc: '',
    validator: oneOfTexts('none', 'all'),
  },
  'errors.log.enable': { type: 'BOOLEAN', default: false, importance: 'MEDIUM', doc: '' },
  'errors.log.include.messages': { type: 'BOOLEAN', default: false, importance: 'MEDIUM', doc: '' },
  'errors.deadletterqueue.topic.name': { type: 'STRING', default: '', importance: 'MEDIUM', doc: '' },
  'errors.deadletterqueue.topic.replication.factor': { type: 'SHORT', default: null, importance: 'MEDIUM', doc: '' },
  'errors.deadletterqueue.context.headers.enable': { type: 'BOOLEAN', default: false, importance: 'MEDIUM', doc: '' },
  topics: { type: 'LIST', default: '', importance: 'HIGH', doc: '' },
  'topics.regex': { type: 'STRING', default: '', importance: 'HIGH', doc: '' },
  'transaction.boundary': {
    type: 'STRING',
    default: 'poll',
    importance: 'MEDIUM',
    doc: '',
    validator: oneOfTexts('poll', 'interval', 'connector'),
  },
  'transaction.boundary.interval.ms': { type: 'LONG', default: null, importance: 'LOW', doc: '' },
  'offsets.storage.topic': { type: 'STRING', default: null, importance: 'LOW', doc: '' },
});

/** A connector's settings, parsed. */
export type TaskSettings = ConfigOf<typeof SETTINGS>;

/** Throws `ConfigError`. */
export function taskSettings(config: RawConfig): TaskSettings {
  return parseConfig(SETTINGS, config);
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

/** Undefined: dead letters are not kept. */
export function deadLetterSettings(settings: TaskSettings): DeadLetterSettings | undefined {
  const topic = settings['errors.deadletterqueue.topic.name'];
  if (topic === '') return undefined;
  return {
    topic,
    replicationFactor: settings['errors.deadletterqueue.topic.replication.factor'] ?? undefined,
    contextHeaders: settings['errors.deadletterqueue.context.headers.enable'],
  };
}
