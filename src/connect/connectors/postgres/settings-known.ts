// Debezium's settings that are not done here. Those that would change what comes are refused when they ask for it; the
// others, and names that look like Debezium's and are not known, are named in one warning.
import { nearestName } from '../../../util/index.ts';
import type { RawConfig } from '../../api/config-def.ts';
import { ConfigError } from '../../data/errors.ts';
import { isColumnChange } from '../debezium/column-changes.ts';
import { postgresConfig } from './settings.ts';

/** Settings that may only be as they are anyway, each with what that is. */
const ONLY_DEFAULT: Readonly<Record<string, string>> = {
  'column.propagate.source.type': '',
  'datatype.propagate.source.type': '',
  converters: '',
  'post.processors': '',
  'include.schema.comments': 'false',
  'event.processing.failure.handling.mode': 'fail',
  'incremental.snapshot.watermarking.strategy': 'insert_insert',
  'notification.enabled.channels': '',
  'openlineage.integration.enabled': 'false',
  'replica.identity.autoset.values': '',
  'schema.refresh.mode': 'columns_diff',
  'slot.failover': 'false',
  'snapshot.query.mode': 'select_all',
  'snapshot.tables.order.by.row.count': 'disabled',
  'sourceinfo.struct.maker': 'io.debezium.connector.postgresql.PostgresSourceInfoStructMaker',
  'table.ignore.builtin': 'true',
  'topic.naming.strategy': 'io.debezium.schema.SchemaTopicNamingStrategy',
  'transaction.metadata.factory': 'io.debezium.pipeline.txmetadata.DefaultTransactionMetadataFactory',
  'xmin.fetch.interval.ms': '0',
  'read.only': 'false',
};

/** Settings of how Debezium does it, which say nothing here. */
const WITHOUT_EFFECT = new Set([
  'connection.validation.timeout.ms',
  'custom.metric.tags',
  'custom.sanitize.pattern',
  'database.sslfactory',
  'executor.shutdown.timeout.ms',
  'guardrail.collections.limit.action',
  'guardrail.collections.max',
  'lsn.flush.timeout.action',
  'lsn.flush.timeout.ms',
  'memory.management.schemas.class',
  'memory.management.tables.class',
  'notification.sink.topic.name',
  'query.fetch.size',
  'signal.poll.interval.ms',
  'snapshot.max.threads.multiplier',
  'statistics.metrics.enabled',
  'topic.cache.size',
]);
/** How names begin that are Debezium's, whatever follows. */
const DEBEZIUM =
  /^(database|slot|publication|schema|table|column|message|snapshot|streaming|incremental|signal|heartbeat|notification|guardrail|openlineage|lsn|driver|debezium|internal|legacy)\./;
/** What Connect itself has that begins like that. */
const OVERRIDES = /^snapshot\.select\.statement\.overrides\./;

/** Throws `ConfigError` where a setting asks for what is not done. */
export function refusedSettings(given: RawConfig): void {
  const refused = Object.entries(given).filter(([name, value]) => {
    const only = Object.hasOwn(ONLY_DEFAULT, name) ? ONLY_DEFAULT[name] : undefined;
    return only !== undefined && only.toLowerCase() !== value.trim().toLowerCase();
  });
  if (refused.length === 0) return;
  const list = refused.map(([name, value]) => `${name}=${value}`).join(', ');
  throw new ConfigError(`not supported: ${list}; leave ${refused.length === 1 ? 'it' : 'them'} out`);
}

/** One sentence about the settings that say nothing; undefined: all of them do. */
export function warnedSettings(given: RawConfig): string | undefined {
  const known = Object.keys(postgresConfig);
  const unknown = Object.keys(given).filter(
    (name) =>
      !Object.hasOwn(postgresConfig, name) &&
      ONLY_DEFAULT[name] === undefined &&
      !isColumnChange(name) &&
      !OVERRIDES.test(name) &&
      (WITHOUT_EFFECT.has(name) || DEBEZIUM.test(name)),
  );
  if (unknown.length === 0) return undefined;
  const named = unknown.map((name) => {
    const nearest = WITHOUT_EFFECT.has(name) ? undefined : nearestName(name, known);
    return nearest === undefined ? name : `${name} (is ${nearest} meant?)`;
  });
  return `settings without effect here: ${named.join(', ')}`;
}
