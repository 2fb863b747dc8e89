// Where an event is from: the block `source` of its value.
import { INT64, OPTIONAL_INT64, OPTIONAL_STRING, STRING, structOf } from '../../data/schema.ts';
import { SNAPSHOT_STATE } from '../debezium/envelope.ts';
import type { Lsn } from './pgoutput.ts';

/** The version of Debezium whose events these are like. */
export const DEBEZIUM_VERSION = '3.6.1.Final';

/** The schema of the block. */
export const SOURCE = structOf(
  {
    version: STRING,
    connector: STRING,
    name: STRING,
    ts_ms: INT64,
    snapshot: SNAPSHOT_STATE,
    db: STRING,
    sequence: OPTIONAL_STRING,
    ts_us: OPTIONAL_INT64,
    ts_ns: OPTIONAL_INT64,
    schema: STRING,
    table: STRING,
    txId: OPTIONAL_INT64,
    lsn: OPTIONAL_INT64,
    xmin: OPTIONAL_INT64,
    origin: OPTIONAL_STRING,
    origin_lsn: OPTIONAL_INT64,
  },
  { name: 'io.debezium.connector.postgresql.Source', version: 1 },
);

/** What is known of an event's place in the log. */
export interface SourcePlace {
  readonly timeUs: number;
  readonly snapshot: string;
  /** Where the transaction before committed; undefined: it was not seen. */
  readonly lastCommitLsn: Lsn | undefined;
  readonly lsn: Lsn;
  readonly txId: number | undefined;
  readonly schema: string;
  readonly table: string;
  readonly origin: { readonly name: string; readonly lsn: Lsn } | undefined;
}

/** The block. `sequence`: two positions as texts, by which events are ordered. */
export function sourceBlock(name: string, db: string, place: SourcePlace): Record<string, unknown> {
  const timeUs = BigInt(place.timeUs);
  const last = place.lastCommitLsn === undefined ? 'null' : `"${place.lastCommitLsn}"`;
  return {
    version: DEBEZIUM_VERSION,
    connector: 'postgresql',
    name,
    ts_ms: BigInt(Math.floor(place.timeUs / 1000)),
    snapshot: place.snapshot,
    db,
    sequence: `[${last},"${place.lsn}"]`,
    ts_us: timeUs,
    ts_ns: timeUs * 1000n,
    schema: place.schema,
    table: place.table,
    txId: place.txId === undefined ? null : BigInt(place.txId),
    lsn: BigInt(place.lsn),
    xmin: null,
    origin: place.origin?.name ?? null,
    origin_lsn: place.origin === undefined ? null : BigInt(place.origin.lsn),
  };
}
