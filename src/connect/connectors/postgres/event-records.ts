// The records that changes become: one for most, two for a delete (with a tombstone behind it), three for a change of the
// key, which is a delete of the old and an insert of the new. What is not said here is their offset.
import type { ConnectHeader, SourceRecord } from '../../data/record.ts';
import { OPTIONAL_INT64, OPTIONAL_STRING, type Schema, STRING, structOf } from '../../data/schema.ts';
import { TRANSACTION_BLOCK, TRANSACTION_KEY, TRANSACTION_VALUE } from '../debezium/envelope.ts';
import type { ChangeMessage, Lsn, RelationMessage, Tuple } from './pgoutput.ts';
import type { TaskParts } from './setup.ts';
import { SOURCE, sourceBlock } from './source.ts';
import type { Row, TableEvents } from './table-events.ts';
import { messageContentType } from './types/value-types.ts';

/** Where in the stream a change is. */
export interface StreamContext {
  /** Where its transaction commits; 0: none is open. */
  readonly at: Lsn;
  readonly xid: number | undefined;
  readonly timeUs: number;
  readonly lastCommitLsn: Lsn | undefined;
  readonly origin: { readonly name: string; readonly lsn: Lsn } | undefined;
  /** Where it was written, and which of those there it is. */
  readonly lsn: Lsn;
  readonly event: number;
}

/** A record without its offset. */
export type UnplacedRecord = Omit<SourceRecord, 'sourceOffset'>;

/** What a change became. */
export interface MadeRecords {
  /** What offsets call the change. */
  readonly messageType: string;
  readonly records: readonly UnplacedRecord[];
}

/** Which half of a change of a key is told. */
export type Shown = 'both' | 'old' | 'new' | 'none';

/** What is told of a change. */
interface Change {
  readonly key: Row | null;
  readonly before: Row | null;
  readonly after: Row | null;
  readonly op: string;
  /** Beside those that all events have. */
  readonly headers?: readonly ConnectHeader[];
  readonly snapshot?: string;
}

const MESSAGE_KEY = structOf(
  { prefix: OPTIONAL_STRING },
  { name: 'io.debezium.connector.postgresql.MessageKey', version: 1 },
);
/** What messages are counted under, where tables are by their names. */
const MESSAGES = 'message';

/** Makes them, and counts those of a transaction. */
export class EventRecords {
  readonly #parts: TaskParts;
  readonly #counts: boolean;
  readonly #messageContent: ReturnType<typeof messageContentType>;
  readonly #messageValue: Schema;
  /** Of the transaction that is open: how many events it has, of all tables and of each. */
  #total = 0;
  #byCollection = new Map<string, number>();

  constructor(parts: TaskParts) {
    this.#parts = parts;
    this.#counts = parts.setup.config['provide.transaction.metadata'];
    this.#messageContent = messageContentType(parts.setup.events.types);
    const message = structOf(
      { prefix: OPTIONAL_STRING, content: this.#messageContent.schema.with({ optional: true }) },
      { name: 'io.debezium.connector.postgresql.Message', version: 1 },
    );
    this.#messageValue = structOf(
      { op: STRING, ts_ms: OPTIONAL_INT64, source: SOURCE, transaction: TRANSACTION_BLOCK, message },
      { name: 'io.debezium.connector.postgresql.MessageValue', version: 1 },
    );
  }

  /** Counts from the beginning. */
  beginTransaction(): void {
    this.#total = 0;
    this.#byCollection = new Map();
  }

  transactionBegin(context: StreamContext, lsn: Lsn, sourceOffset: SourceRecord['sourceOffset']): SourceRecord {
    const value = { status: 'BEGIN', id: `${context.xid}:${lsn}`, event_count: null, data_collections: null };
    return this.#transactionRecord(value, context, sourceOffset);
  }

  transactionEnd(context: StreamContext, lsn: Lsn, sourceOffset: SourceRecord['sourceOffset']): SourceRecord {
    const collections = [...this.#byCollection].map(([data_collection, count]) => ({
      data_collection,
      event_count: BigInt(count),
    }));
    const value = {
      status: 'END',
      id: `${context.xid}:${lsn}`,
      event_count: BigInt(this.#total),
      data_collections: collections,
    };
    return this.#transactionRecord(value, context, sourceOffset);
  }

  #transactionRecord(value: Row, context: StreamContext, sourceOffset: SourceRecord['sourceOffset']): SourceRecord {
    return {
      ...this.#record(this.#parts.setup.topics.transaction, []),
      keySchema: TRANSACTION_KEY,
      key: { id: value['id'] },
      valueSchema: TRANSACTION_VALUE,
      value: { ...value, ts_ms: BigInt(Math.floor(context.timeUs / 1000)) },
      sourceOffset,
    };
  }

  /** The records of a row's change. */
  ofChange(
    relation: RelationMessage,
    events: TableEvents,
    message: ChangeMessage,
    context: StreamContext,
    shown: Shown = 'both',
  ): MadeRecords {
    if (message.kind === 'insert') {
      const isTold = shown !== 'none' && !this.#parts.setup.isSkipped('c');
      return { messageType: 'INSERT', records: isTold ? [this.#insert(events, message.new!, context, [])] : [] };
    }
    if (message.kind === 'delete') {
      const isTold = shown !== 'none' && !this.#parts.setup.isSkipped('d');
      return { messageType: 'DELETE', records: isTold ? this.#delete(events, message.old!, context, []) : [] };
    }
    return { messageType: 'UPDATE', records: this.#update(relation, events, message, context, shown) };
  }

  #update(
    relation: RelationMessage,
    events: TableEvents,
    message: ChangeMessage,
    context: StreamContext,
    shown: Shown,
  ): UnplacedRecord[] {
    if (shown === 'none' || this.#parts.setup.isSkipped('u')) return [];
    const { old } = message;
    const now = withUnchanged(relation, message);
    const knowsOldKey =
      old !== undefined &&
      (message.oldKind === 'O' || events.keyPlaces.every((place) => relation.columns[place]!.isIdentity));
    if (!knowsOldKey || events.keyPlaces.every((place) => old[place] === now[place])) {
      const before = message.oldKind === 'O' ? events.row(old!) : null;
      return [this.#event(events, { key: events.key(now), before, after: events.row(now), op: 'u' }, context)];
    }
    const header = (name: string, texts: Tuple): ConnectHeader => ({
      key: `__debezium.${name}`,
      schema: events.keySchema,
      value: events.key(texts),
    });
    return [
      ...(shown === 'new' ? [] : this.#delete(events, old, context, [header('newkey', now)])),
      ...(shown === 'old' ? [] : [this.#insert(events, now, context, [header('oldkey', old)])]),
    ];
  }

  #insert(events: TableEvents, now: Tuple, context: StreamContext, headers: readonly ConnectHeader[]): UnplacedRecord {
    return this.#event(
      events,
      { key: events.key(now), before: null, after: events.row(now), op: 'c', headers },
      context,
    );
  }

  #delete(
    events: TableEvents,
    old: Tuple,
    context: StreamContext,
    headers: readonly ConnectHeader[],
  ): UnplacedRecord[] {
    const change = { key: events.key(old), before: events.row(old), after: null, op: 'd', headers };
    const record = this.#event(events, change, context);
    if (!this.#parts.setup.config['tombstones.on.delete']) return [record];
    return [record, { ...record, valueSchema: null, value: null }];
  }

  /** One record for each table. */
  ofTruncate(tables: readonly TableEvents[], context: StreamContext): MadeRecords {
    if (this.#parts.setup.isSkipped('t')) return { messageType: 'TRUNCATE', records: [] };
    const records = tables.map((events) => ({
      ...this.#event(events, { key: null, before: null, after: null, op: 't' }, context),
      keySchema: null,
    }));
    return { messageType: 'TRUNCATE', records };
  }

  /** The record of a logical decoding message. */
  ofMessage(prefix: string, content: Buffer, context: StreamContext): MadeRecords {
    const record = {
      ...this.#record(this.#parts.setup.topics.message, []),
      keySchema: MESSAGE_KEY,
      key: { prefix },
      valueSchema: this.#messageValue,
      value: {
        op: 'm',
        ts_ms: BigInt(this.#parts.environment.now()),
        source: this.#source('', '', context),
        transaction: this.#transactionBlock(MESSAGES, context),
        message: { prefix, content: this.#messageContent.read(content.toString('latin1')) },
      },
    };
    return { messageType: 'MESSAGE', records: [record] };
  }

  /** A row as an incremental snapshot reads it. */
  ofSnapshotRow(events: TableEvents, texts: Tuple, context: StreamContext): UnplacedRecord {
    const change = { key: events.key(texts), before: null, after: events.row(texts), op: 'r', snapshot: 'incremental' };
    return this.#event(events, change, { ...context, at: 0 });
  }

  #event(events: TableEvents, change: Change, context: StreamContext): UnplacedRecord {
    const nowMs = BigInt(this.#parts.environment.now());
    const { key, before, after, op, headers = [], snapshot = 'false' } = change;
    const common = this.#parts.headers;
    return {
      ...this.#record(events.topic, headers.length === 0 ? common : [...headers, ...common]),
      keySchema: events.keySchema,
      key,
      valueSchema: events.envelope,
      value: {
        before,
        after,
        source: this.#source(events.name.schema, events.name.table, context, snapshot),
        transaction: this.#transactionBlock(events.id, context),
        op,
        ts_ms: nowMs,
        ts_us: nowMs * 1000n,
        ts_ns: nowMs * 1_000_000n,
      },
    };
  }

  #record(
    topic: string,
    headers: readonly ConnectHeader[],
  ): Omit<UnplacedRecord, 'keySchema' | 'key' | 'valueSchema' | 'value'> {
    return { topic, partition: null, timestamp: null, headers, sourcePartition: this.#parts.setup.partition };
  }

  #source(schema: string, table: string, context: StreamContext, snapshot = 'false'): Row {
    const { lsn, timeUs, lastCommitLsn, origin, xid } = context;
    const { prefix, connection } = this.#parts.setup;
    return sourceBlock(prefix, connection.database, {
      lsn,
      timeUs,
      lastCommitLsn,
      origin,
      txId: xid,
      snapshot,
      schema,
      table,
    });
  }

  #transactionBlock(collection: string, { at, xid, lsn }: StreamContext): Row | null {
    if (!this.#counts || at === 0 || xid === undefined) return null;
    const count = (this.#byCollection.get(collection) ?? 0) + 1;
    this.#byCollection.set(collection, count);
    this.#total++;
    return { id: `${xid}:${lsn}`, total_order: BigInt(this.#total), data_collection_order: BigInt(count) };
  }
}

/** The new row, with what was not sent because it is as it was, where the old row has it. */
function withUnchanged(relation: RelationMessage, { old, new: now, oldKind }: ChangeMessage): Tuple {
  if (old === undefined || !now!.includes(undefined)) return now!;
  return now!.map((text, i) =>
    text === undefined && (oldKind === 'O' || relation.columns[i]!.isIdentity) ? old[i] : text,
  );
}
