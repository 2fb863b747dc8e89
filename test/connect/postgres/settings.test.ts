// What the settings may say: what is refused, by name and with a reason, what is named in a warning, and that the page of the
// documentation has all of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkConfig, ConfigError, ConnectError, parseConfig } from '../../../src/connect/index.ts';
import { postgresSource } from '../../../src/connect/connectors/postgres/connector.ts';
import { readOffset } from '../../../src/connect/connectors/postgres/positions.ts';
import { systemEnvironment } from '../../../src/util/index.ts';

const GIVEN = {
  'database.hostname': 'localhost',
  'database.user': 'postgres',
  'database.dbname': 'postgres',
  'topic.prefix': 'srv',
};

/** What creating a connector warns of. */
function create(settings: Record<string, string>): string[] {
  const raw = { ...GIVEN, ...settings };
  const warnings: string[] = [];
  const log = {
    error: () => undefined,
    warn: (text: string) => warnings.push(text),
    info: () => undefined,
    debug: () => undefined,
  };
  postgresSource.create(parseConfig(postgresSource.config, raw), raw, {
    ...{ name: 'cdc', environment: systemEnvironment, log },
    requestTaskReconfiguration: () => undefined,
    raiseError: () => undefined,
  });
  return warnings;
}

describe('settings', () => {
  test.each([
    ['plugin.name', 'decoderbufs', 'only pgoutput is supported'],
    ['snapshot.mode', 'configuration_based', 'configuration_based is not supported; choose one of: always, initial'],
    ['snapshot.isolation.mode', 'read_committed', 'rows of different moments would be one snapshot'],
    ['lsn.flush.mode', 'connector_and_driver', 'heartbeat.interval.ms does'],
    ['slot.name', 'Not-A-Slot', 'lower-case letters'],
    ['topic.prefix', 'a b', 'letters, digits'],
    ['signal.enabled.channels', 'source,kafka', 'only the channel source is supported'],
    ['skipped.operations', 'x', 'x is none of: c, u, d, t, r, none'],
    ['time.precision.mode', 'exact', 'String must be one of: adaptive, adaptive_time_microseconds'],
    ['snapshot.max.threads', '4', 'a snapshot is read by 1 connection'],
  ])('refuse %s=%s', (name, value, reason) => {
    const checked = checkConfig(postgresSource.config, { ...GIVEN, [name]: value }).find(
      (setting) => setting.name === name,
    );
    expect(checked!.problems.join()).toContain(reason);
  });

  test.each([
    [{ converters: 'isbn' }, 'not supported: converters=isbn; leave it out'],
    [
      { 'slot.failover': 'true', 'xmin.fetch.interval.ms': '100' },
      'not supported: slot.failover=true, xmin.fetch.interval.ms=100; leave them out',
    ],
    [{ 'table.include.list': 'public.(' }, 'table.include.list: "public.(" is no regular expression'],
    [{ 'message.key.columns': 'public.t' }, 'is not of the form schema.table:column,column'],
    [{ 'column.mask.hash.MD99.with.salt.x': 'public.t.c' }, 'MD99 is no hash that is known here'],
    [{ 'snapshot.select.statement.overrides': 'public.t' }, 'snapshot.select.statement.overrides.public.t is missing'],
    [{ 'signal.data.collection': 'signals' }, 'signal.data.collection: signals is not of the form schema.table'],
  ])('refuse %j when a connector is made', (settings, reason) => {
    expect(() => create(settings)).toThrow(ConfigError);
    expect(() => create(settings)).toThrow(reason);
  });

  test('that say nothing are named in one warning; others of Connect are nobody’s business', () => {
    expect(
      create({
        ...{ 'snapshot.fetch.sise': '5', 'guardrail.collections.max': '5', 'driver.x': '1', 'slot.failover': 'false' },
        ...{
          'transforms.x.type': 'y',
          'tasks.max': '1',
          'column.truncate.to.5.chars': 'a.b.c',
          'topic.creation.default.partitions': '1',
        },
      }),
    ).toEqual([
      'settings without effect here: snapshot.fetch.sise (is snapshot.fetch.size meant?), guardrail.collections.max, driver.x',
    ]);
    expect(create({})).toEqual([]);
  });

  test('are all on the page of the connector', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/connect/postgres.md'), 'utf8');
    expect(Object.keys(postgresSource.config).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('offsets', () => {
  const check = (partition: Record<string, string>, offset: Record<string, number | string>): void => {
    postgresSource.checkOffsets!(parseConfig(postgresSource.config, GIVEN), [{ partition, offset }]) as undefined;
  };

  test('that a user gives are looked at', () => {
    check({ server: 'srv' }, { lsn: 1000, lsn_commit: 900 });
    expect(() => check({ server: 'other' }, { lsn: 1000 })).toThrow(
      'offsets are kept under {"server": "srv"}, not under {"server":"other"}',
    );
    expect(() => check({ server: 'srv' }, { lsn: -1 })).toThrow(ConnectError);
    expect(() => check({ server: 'srv' }, { lsn: '0/16' })).toThrow('the stored offset’s lsn'.replace('’', "'"));
    expect(() => check({ server: 'srv' }, { position: 5 })).toThrow('the stored offset has no lsn');
    expect(() => check({ server: 'srv' }, { tx_lsn: 5, snapshot_segments: '[' })).toThrow(
      "the stored offset's snapshot_segments cannot be read",
    );
  });

  test('of Debezium are read: of the stream, of a snapshot that is over, and of one that was cut off', () => {
    const over = {
      last_snapshot_record: true,
      lsn: 27302320,
      txId: 743,
      ts_usec: 1796021072135482,
      snapshot: 'INITIAL',
      snapshot_completed: true,
    };
    expect(readOffset(over)).toMatchObject({ phase: 'stream', position: { at: 27302320, lsn: 0 } });
    expect(readOffset({ ...over, last_snapshot_record: false, snapshot_completed: false })).toBeUndefined();
    const stream = {
      transaction_id: null,
      lsn_proc: 27306152,
      messageType: 'INSERT',
      lsn_commit: 27306100,
      lsn: 27306152,
      txId: 745,
      ts_usec: 1,
    };
    expect(readOffset(stream)).toMatchObject({
      phase: 'stream',
      position: { at: 27306100, lsn: 0 },
      lastCommitLsn: 27306100,
    });
  });
});
