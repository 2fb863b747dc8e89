// The parts of Debezium's records that all databases have in common: the envelope of a change, the records of transactions
// and of heartbeats. Schemas are made once, so that converters know them by identity.
import { arrayOf, INT64, OPTIONAL_INT64, primitive, type Schema, STRING, structOf } from '../../data/schema.ts';

/** Where an event stands in its transaction. */
export const TRANSACTION_BLOCK = structOf(
  { id: STRING, total_order: INT64, data_collection_order: INT64 },
  { optional: true, name: 'event.block', version: 1 },
);

/** The states of a snapshot that a record's source may be in. */
export const SNAPSHOT_STATE = primitive('string', {
  optional: true,
  name: 'io.debezium.data.Enum',
  version: 1,
  parameters: { allowed: 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental' },
  default: 'false',
});

/** The value of a change. `row`: its rows' schema, optional. */
export function envelopeOf(name: string, row: Schema, source: Schema): Schema {
  return structOf(
    {
      before: row,
      after: row,
      source,
      transaction: TRANSACTION_BLOCK,
      op: STRING,
      ts_ms: OPTIONAL_INT64,
      ts_us: OPTIONAL_INT64,
      ts_ns: OPTIONAL_INT64,
    },
    { name, version: 2 },
  );
}

export const TRANSACTION_KEY = structOf(
  { id: STRING },
  { name: 'io.debezium.connector.common.TransactionMetadataKey', version: 1 },
);

/** The beginning or the end of a transaction. */
export const TRANSACTION_VALUE = structOf(
  {
    status: STRING,
    id: STRING,
    event_count: OPTIONAL_INT64,
    data_collections: arrayOf(
      structOf(
        { data_collection: STRING, event_count: INT64 },
        { optional: true, name: 'event.collection', version: 1 },
      ),
      { optional: true },
    ),
    ts_ms: INT64,
  },
  { name: 'io.debezium.connector.common.TransactionMetadataValue', version: 1 },
);

export const HEARTBEAT_KEY = structOf(
  { serverName: STRING },
  { name: 'io.debezium.connector.common.ServerNameKey', version: 1 },
);
export const HEARTBEAT_VALUE = structOf(
  { ts_ms: INT64 },
  { name: 'io.debezium.connector.common.Heartbeat', version: 1 },
);
