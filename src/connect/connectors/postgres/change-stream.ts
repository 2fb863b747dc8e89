// From the log to records. Each message of the output plugin is looked at once, in order: a relation makes, or makes anew,
// the events of its table; what changes a row becomes its records, each with an offset behind which exactly the rest comes.
// When reading goes on in the middle of a transaction, the server sends all of it again: what was told is passed over.
import type { Client } from 'pg';
import { ConnectError, DataError } from '../../data/errors.ts';
import type { OffsetValue, SourceRecord } from '../../data/record.ts';
import { fullName, readTable, TypeRegistry } from './catalog.ts';
import { EventRecords, type MadeRecords, type StreamContext } from './event-records.ts';
import {
  type ChangeMessage,
  decodePgOutput,
  type Lsn,
  lsnText,
  type PgOutputMessage,
  type RelationMessage,
  type Tuple,
} from './pgoutput.ts';
import { before, carriedOffset, isBehind, type Position, type Resume, streamOffset } from './positions.ts';
import type { ReplicationStream, WalItem } from './replication-stream.ts';
import { SnapshotSegments } from './segments.ts';
import type { TaskParts } from './setup.ts';
import { type TableEvents, tableEvents } from './table-events.ts';
import { UnknownLabelError } from './types/value-types.ts';

/** What the marks of incremental snapshots begin with among logical decoding messages; they are no events. */
export const MARK_PREFIX = 'millrace.watermark';

/** A relation of the stream: the events of its rows, if it is captured. */
interface Relation {
  readonly message: RelationMessage;
  readonly events: TableEvents | undefined;
  /** Where in rows the key is by which snapshots read the table. */
  readonly orderPlaces: readonly number[];
  readonly isSignals: boolean;
}

/** Somebody who wants to see what goes by: incremental snapshots and signals. */
export interface StreamListener {
  /** A transaction begins. */
  began(xid: number): void;
  /** A row was put into the table of signals. */
  signal(row: Readonly<Record<string, string | null>>): Promise<void> | void;
  /** A row of a table was changed, or (key undefined) all of them. */
  changed(table: TableEvents, key: readonly (string | null | undefined)[] | undefined): void;
  /** A mark that was written into the log, by this connector or another. */
  mark(content: string): void;
}

/** Reads a stream. */
export class ChangeStream {
  readonly #parts: TaskParts;
  readonly #client: Client;
  readonly #stream: ReplicationStream;
  readonly #types = new TypeRegistry();
  readonly #relations = new Map<number, Relation>();
  readonly #records: EventRecords;
  #listener: StreamListener | undefined;
  #segments: SnapshotSegments | undefined;
  #segmentList: Extract<Resume, { phase: 'stream' }>['segments'];
  #incremental: Extract<Resume, { phase: 'stream' }>['incremental'];
  #carried: Record<string, OffsetValue>;
  /** Everything up to here was told when reading began. */
  readonly #told: Position;
  #position: Position;
  #context: StreamContext;
  #ready: SourceRecord[] = [];

  /** `client`: another connection, for questions to the catalog. */
  constructor(
    parts: TaskParts,
    client: Client,
    stream: ReplicationStream,
    resume: Extract<Resume, { phase: 'stream' }>,
  ) {
    this.#parts = parts;
    this.#client = client;
    this.#stream = stream;
    this.#told = resume.position;
    this.#position = resume.position;
    this.#segmentList = resume.segments;
    this.#incremental = resume.incremental;
    this.#carried = carriedOffset(this.#segmentList, this.#incremental);
    if (resume.segments.length > 0)
      this.#segments = new SnapshotSegments(resume.segments, client, (table) => parts.setup.isInSnapshot(table));
    this.#context = {
      ...{ at: 0, xid: undefined, timeUs: parts.environment.now() * 1000, lastCommitLsn: resume.lastCommitLsn },
      ...{ origin: undefined, lsn: 0, event: 0 },
    };
    this.#records = new EventRecords(parts);
  }

  /** Who wants to see what goes by. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
  }

  /** The state of an incremental snapshot, which offsets have from now on. */
  setIncremental(state: Extract<Resume, { phase: 'stream' }>['incremental']): void {
    this.#incremental = state;
    this.#carried = carriedOffset(this.#segmentList, state);
  }

  /** The numbers and types of the catalog that are known here. */
  get types(): TypeRegistry {
    return this.#types;
  }

  /** Everything up to here has been told, or was not to be. */
  get position(): Position {
    return this.#position;
  }

  /** An offset behind everything that has been told. */
  offset(messageType: string): Record<string, OffsetValue> {
    const { lastCommitLsn, xid, timeUs } = this.#context;
    return streamOffset(this.#position, { lastCommitLsn, messageType, txId: xid, timeUs }, this.#carried);
  }

  /** A record that belongs behind everything that has been told. */
  add(record: SourceRecord): void {
    this.#ready.push(record);
  }

  /** A row that an incremental snapshot has read: as it was behind everything that has been told. */
  addRow(events: TableEvents, texts: Tuple): void {
    const record = this.#records.ofSnapshotRow(events, texts, this.#context);
    this.#ready.push({ ...record, sourceOffset: this.offset('READ') });
  }

  /** What has come, so many records at most; none: nothing has that became any. Rejects with what ended the stream. */
  async take(max: number): Promise<SourceRecord[]> {
    while (this.#ready.length < max) {
      const item = this.#stream.next();
      if (item === undefined) break;
      const wait = this.#handle(item);
      if (wait !== undefined) await wait;
    }
    if (this.#ready.length <= max) {
      const all = this.#ready;
      this.#ready = [];
      return all;
    }
    return this.#ready.splice(0, max);
  }

  #handle(item: WalItem): Promise<void> | undefined {
    if (item.kind === 'progress') {
      // In the middle of a transaction it says nothing of what has been told of it.
      if (this.#context.at === 0 && item.lsn > this.#position.at) this.#position = before(item.lsn);
      return undefined;
    }
    const message = decodePgOutput(item.bytes);
    switch (message.kind) {
      case 'relation':
        return this.#relation(message);
      case 'begin':
        this.#beginTransaction(message, item.lsn);
        return undefined;
      case 'commit':
        this.#commit(message, item.lsn);
        return undefined;
      case 'origin':
        this.#context = { ...this.#context, origin: { name: message.name, lsn: message.lsn } };
        return undefined;
      case 'type':
        return undefined;
      case 'insert':
      case 'update':
      case 'delete':
        return this.#change(message, item.lsn);
      case 'truncate':
        return this.#truncate(message.relationIds, item.lsn);
      case 'message':
        this.#message(message, item.lsn);
        return undefined;
    }
  }

  // ── Transactions ──────────────────────────────────────────────────────────────────────────────────────────────

  #beginTransaction(message: Extract<PgOutputMessage, { kind: 'begin' }>, lsn: Lsn): void {
    this.#context = {
      ...{ at: message.finalLsn, xid: message.xid, timeUs: message.timeUs, origin: undefined, lsn: 0, event: 0 },
      lastCommitLsn: this.#context.lastCommitLsn,
    };
    if (this.#segments !== undefined && !this.#segments.concern(message.finalLsn)) {
      this.#segments = undefined;
      this.#segmentList = [];
      this.#carried = carriedOffset([], this.#incremental);
    }
    this.#listener?.began(message.xid);
    this.#records.beginTransaction();
    if (!this.#parts.setup.config['provide.transaction.metadata']) return;
    // The only thing that is told before the first change: as the second part of nothing.
    const position = { at: message.finalLsn, lsn: 0, event: 0, part: 1 };
    if (this.#isTold(position, 1)) return;
    this.#position = position;
    this.#ready.push(this.#records.transactionBegin(this.#context, lsn, this.offset('BEGIN')));
  }

  #commit(message: Extract<PgOutputMessage, { kind: 'commit' }>, lsn: Lsn): void {
    this.#context = { ...this.#context, lastCommitLsn: message.endLsn };
    if (this.#parts.setup.config['provide.transaction.metadata']) {
      const position = { at: this.#context.at, lsn, event: 1, part: 1 };
      if (!this.#isTold(position, 1)) {
        this.#position = position;
        this.#ready.push(this.#records.transactionEnd(this.#context, lsn, this.offset('COMMIT')));
      }
    }
    if (message.endLsn > this.#position.at) this.#position = before(message.endLsn);
    this.#context = { ...this.#context, at: 0, xid: undefined };
  }

  // ── Relations ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #relation(message: RelationMessage): Promise<void> {
    const id = fullName(message);
    const isSignals = id === this.#parts.setup.signalTable;
    if (!this.#parts.setup.isCaptured(message)) {
      this.#relations.set(message.id, { message, events: undefined, orderPlaces: [], isSignals });
      return;
    }
    // The stream says nothing of nulls, defaults and keys: the catalog does, though of the table as it is by now.
    const table = await readTable(this.#client, message);
    await this.#types.load(
      this.#client,
      message.columns.map((column) => column.typeOid),
    );
    const columns = message.columns.map((column) => {
      const known = table?.columns.find(({ name }) => name === column.name);
      return {
        ...column,
        isNullable: known?.isNullable ?? true,
        defaultExpression: known?.typeOid === column.typeOid ? known.defaultExpression : null,
      };
    });
    const placeOf = (name: string): number => columns.findIndex((column) => column.name === name);
    const key = keyOf(message, table?.key);
    const events = tableEvents(message, columns, key, this.#parts.setup.events, this.#types);
    this.#relations.set(message.id, { message, events, orderPlaces: (table?.key ?? []).map(placeOf), isSignals });
  }

  #relationOf(id: number): Relation {
    const relation = this.#relations.get(id);
    if (relation === undefined)
      throw new ConnectError(
        `the replication stream is damaged: a change is of relation ${id}, which was not described`,
      );
    return relation;
  }

  // ── Changes ───────────────────────────────────────────────────────────────────────────────────────────────────

  #change(message: ChangeMessage, lsn: Lsn): Promise<void> | undefined {
    this.#nextEvent(lsn);
    const relation = this.#relationOf(message.relationId);
    if (relation.isSignals && message.kind === 'insert') {
      const wait = this.#signal(relation.message, message);
      if (wait !== undefined) return wait.then(() => this.#changeOf(relation, message));
    }
    return this.#changeOf(relation, message);
  }

  #changeOf(relation: Relation, message: ChangeMessage): Promise<void> | undefined {
    const { events } = relation;
    if (events === undefined) {
      this.#passed();
      return undefined;
    }
    const columns = relation.message.columns.length;
    if ((message.new ?? message.old)!.length !== columns)
      throw new ConnectError(`the replication stream is damaged: a row of ${events.id} has not ${columns} columns`);
    if (this.#segments?.concern(this.#context.at) === true)
      return this.#changeBesideSnapshot(relation, events, message);
    try {
      this.#emit(this.#records.ofChange(relation.message, events, message, this.#context));
    } catch (error) {
      if (error instanceof UnknownLabelError) return this.#withNewLabel(error, relation, message);
      if (!(error instanceof DataError)) throw error;
      throw new DataError(
        `a row of table ${events.id}, written at ${lsnText(this.#context.lsn)}: ${error.message}`,
        error,
      );
    }
    this.#tellListener(relation, message);
    return undefined;
  }

  /** The labels of an enum change without a word in the stream. */
  async #withNewLabel(error: UnknownLabelError, relation: Relation, message: ChangeMessage): Promise<void> {
    this.#types.forget(error.typeOid);
    await this.#relation(relation.message);
    const again = this.#relationOf(message.relationId);
    try {
      this.#emit(this.#records.ofChange(again.message, again.events!, message, this.#context));
    } catch (second) {
      if (second instanceof UnknownLabelError) throw new ConnectError(second.message, { cause: second });
      throw second;
    }
    this.#tellListener(again, message);
  }

  /** Leaves out what the snapshot's rows have in them. A change of a key is two changes, of which one may be. */
  async #changeBesideSnapshot(relation: Relation, events: TableEvents, message: ChangeMessage): Promise<void> {
    const keyIn = (texts: ChangeMessage['new']): string[] | undefined => {
      const key = relation.orderPlaces.map((place) => texts?.[place]);
      return key.length > 0 && key.every((text) => typeof text === 'string') ? key : undefined;
    };
    const { at, xid } = this.#context;
    const [old, now] = [keyIn(message.old), keyIn(message.new)];
    const segments = this.#segments!;
    const seenOld = await segments.has(xid!, at, events.name, old ?? now);
    const seenNew = message.new === undefined ? seenOld : await segments.has(xid!, at, events.name, now ?? old);
    const shown = seenOld && seenNew ? 'none' : seenOld ? 'new' : seenNew ? 'old' : 'both';
    this.#emit(this.#records.ofChange(relation.message, events, message, this.#context, shown));
    this.#tellListener(relation, message);
  }

  async #truncate(relationIds: readonly number[], lsn: Lsn): Promise<void> {
    this.#nextEvent(lsn);
    const tables = relationIds.map((id) => this.#relationOf(id).events).filter((events) => events !== undefined);
    const told: TableEvents[] = [];
    for (const events of tables) {
      const { at, xid } = this.#context;
      const isSeen =
        this.#segments?.concern(at) === true && (await this.#segments.has(xid!, at, events.name, undefined));
      if (!isSeen) told.push(events);
      this.#listener?.changed(events, undefined);
    }
    this.#emit(this.#records.ofTruncate(told, this.#context));
  }

  #message(message: Extract<PgOutputMessage, { kind: 'message' }>, lsn: Lsn): void {
    const inTransaction = this.#context;
    if (!message.transactional) {
      // It belongs to no transaction: it is where it was written, whatever transaction was sent before it.
      const timeUs = this.#parts.environment.now() * 1000;
      this.#context = {
        ...inTransaction,
        at: message.lsn,
        xid: undefined,
        timeUs,
        lsn: 0,
        event: 0,
        origin: undefined,
      };
    }
    this.#nextEvent(lsn);
    const isMark = message.prefix === MARK_PREFIX;
    if (isMark) this.#listener?.mark(message.content.toString());
    if (isMark || !this.#parts.setup.isMessageCaptured(message.prefix)) this.#passed();
    else this.#emit(this.#records.ofMessage(message.prefix, message.content, this.#context));
    if (!message.transactional) this.#context = inTransaction;
  }

  #signal(relation: RelationMessage, message: ChangeMessage): Promise<void> | undefined {
    if (this.#listener === undefined || !isBehind(this.#told, this.#context.at, this.#context.lsn, this.#context.event))
      return undefined;
    const row = Object.fromEntries(relation.columns.map(({ name }, i) => [name, message.new![i] ?? null]));
    return this.#listener.signal(row) ?? undefined;
  }

  #tellListener(relation: Relation, message: ChangeMessage): void {
    if (this.#listener === undefined || relation.events === undefined) return;
    for (const texts of [message.old, message.new])
      if (texts !== undefined)
        this.#listener.changed(
          relation.events,
          relation.orderPlaces.map((place) => texts[place]),
        );
  }

  // ── Positions ─────────────────────────────────────────────────────────────────────────────────────────────────

  #nextEvent(lsn: Lsn): void {
    const context = this.#context;
    this.#context = { ...context, lsn, event: context.lsn === lsn ? context.event + 1 : 1 };
  }

  /** Whether a record was told before reading began. */
  #isTold({ at, lsn, event }: Position, part: number): boolean {
    const told = this.#told;
    if (at === told.at && lsn === told.lsn && event === told.event) return part <= told.part;
    return !isBehind(told, at, lsn, event);
  }

  /** The change makes no record. */
  #passed(): void {
    const { at, lsn, event } = this.#context;
    if (isBehind(this.#position, at, lsn, event)) this.#position = { at, lsn, event, part: 0 };
  }

  /** The records of a change, but for those that were told. */
  #emit({ messageType, records }: MadeRecords): void {
    const { at, lsn, event } = this.#context;
    if (records.length === 0) this.#passed();
    records.forEach((record, i) => {
      const position = { at, lsn, event, part: i + 1 };
      if (this.#isTold(position, position.part)) return;
      this.#position = position;
      this.#ready.push({ ...record, sourceOffset: this.offset(messageType) });
    });
  }
}

/** By what a row's events have their key. */
function keyOf(message: RelationMessage, fromCatalog: readonly string[] | undefined): readonly string[] {
  const present = (fromCatalog ?? []).filter((key) => message.columns.some(({ name }) => name === key));
  if (fromCatalog !== undefined && present.length === fromCatalog.length) return present;
  // The table is gone, or other than it was: what identifies its rows in the log.
  if (message.replicaIdentity === 'f' || message.replicaIdentity === 'n') return [];
  return message.columns.filter((column) => column.isIdentity).map((column) => column.name);
}
