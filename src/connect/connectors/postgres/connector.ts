// Debezium's connector for PostgreSQL, as far as it is done here: rows that are there, and each change of them from then on.
import { MillraceError, messageOf } from '../../../util/index.ts';
import type { ConfigProblem } from '../../api/config-def.ts';
import { sourcePlugin } from '../../api/plugins.ts';
import { ConnectError } from '../../data/errors.ts';
import { postgresConfig, type PostgresSettings } from './settings.ts';
import { refusedSettings, warnedSettings } from './settings-known.ts';
import { readOffset } from './positions.ts';
import { setUp } from './setup.ts';
import { DEBEZIUM_VERSION } from './source.ts';
import { PostgresTask } from './task.ts';
import { problemsOf } from './validate.ts';

/** The plugin. */
export const postgresSource = sourcePlugin({
  className: 'io.debezium.connector.postgresql.PostgresConnector',
  aliases: ['PostgresConnector', 'Postgres'],
  version: DEBEZIUM_VERSION,
  config: postgresConfig,
  validate: (config: PostgresSettings): Promise<readonly ConfigProblem[]> => problemsOf(config),
  create(config, raw, { log }) {
    refusedSettings(raw);
    setUp(config, raw);
    const warning = warnedSettings(raw);
    if (warning !== undefined) log.warn(warning);
    // One slot is read by one task.
    return { taskConfigs: () => [raw] };
  },
  task: () => new PostgresTask(),
  exactlyOnce: () => 'supported',
  checkOffsets(config, offsets) {
    for (const { partition, offset } of offsets) {
      if (Object.keys(partition).length !== 1 || partition['server'] !== config['topic.prefix'])
        throw new ConnectError(
          `offsets are kept under {"server": ${JSON.stringify(config['topic.prefix'])}}, not under ${JSON.stringify(partition)}`,
        );
      if (offset === null) continue;
      try {
        readOffset(offset);
      } catch (error) {
        if (error instanceof MillraceError) throw error;
        throw new ConnectError(messageOf(error), { cause: error });
      }
    }
  },
});
