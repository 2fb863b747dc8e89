// How a record of a global store's topic comes into the store: as it is, or by the store's processor. Applications and
// topologies in tests do the same.
import type { RecordCursor, TopicPartition } from '../../client/index.ts';
import { SchemaNotLoaded } from '../../serde/index.ts';
import { type Environment, MillraceError, messageOf } from '../../util/index.ts';
import type { RecordView } from '../api/context.ts';
import type { DecodeErrorHandler, DropListener, DropReason, ProcessingErrorHandler } from '../api/options.ts';
import type { GlobalUpdate } from '../graph/node.ts';
import type { Topology } from '../graph/topology.ts';
import { createStore } from '../state/create-store.ts';
import { NO_TRACKING, type StateStore, type StoreSpec } from '../state/store.ts';
import { PrefixedRecord } from './schema-headers.ts';
import { refuseRecord } from './undecodable.ts';

export interface GlobalStoreSettings {
  readonly applicationId: string;
  readonly environment: Environment;
  readonly onDecodeError: DecodeErrorHandler;
  readonly onProcessingError: ProcessingErrorHandler;
  readonly onDrop?: DropListener | undefined;
}

export class GlobalStore {
  readonly store: StateStore;
  /** Records left out, by reason. */
  readonly dropped = new Map<DropReason, number>();
  readonly #settings: GlobalStoreSettings;
  readonly #update: GlobalUpdate | undefined;
  readonly #prefixed: PrefixedRecord | undefined;

  constructor(spec: StoreSpec, topology: Topology, settings: GlobalStoreSettings) {
    this.store = createStore(spec, NO_TRACKING);
    this.#settings = settings;
    const updating = topology.globalUpdates.get(spec.name);
    const { applicationId, environment } = settings;
    this.#update = updating?.build({ applicationId, environment, state: this.store });
    this.#prefixed = PrefixedRecord.of(updating?.key ?? spec.key, updating?.value ?? spec.value);
  }

  /** Throws `SchemaNotLoaded` where a schema has to be loaded first. */
  take(cursor: RecordCursor, place: TopicPartition): void {
    if (cursor.keyStart < 0 && this.#update === undefined) return;
    let record: RecordView = cursor;
    let decoded: ReturnType<GlobalUpdate['decode']> | undefined;
    try {
      if (this.#prefixed !== undefined && cursor.headerCount > 0) record = this.#prefixed.take(cursor);
      if (this.#update === undefined) this.store.restore(record);
      else decoded = this.#update.decode(record);
    } catch (error) {
      // A registry that does not answer says nothing about the record.
      if (error instanceof SchemaNotLoaded || (error instanceof MillraceError && error.retriable)) throw error;
      const { spec } = this.store;
      refuseRecord(spec.onDecodeError ?? this.#settings.onDecodeError, error, cursor, {
        ...place,
        node: spec.name,
        part: 'value',
      });
      this.#drop('undecodable', cursor, place);
      return;
    }
    if (decoded === undefined) return;
    try {
      this.#update!.process(decoded, record, place);
    } catch (error) {
      this.#failed(error, cursor, place);
    }
  }

  close(): void {
    this.#update?.close();
    this.store.close();
  }

  #failed(error: unknown, record: RecordCursor, { topic, partition }: TopicPartition): void {
    const { offset, timestamp } = record;
    const node = this.store.spec.name;
    const response = this.#settings.onProcessingError(error, { topic, partition, offset, timestamp, node });
    if (response !== 'continue') {
      const where = `${topic}-${partition}@${offset}`;
      throw new MillraceError('PROCESSING_FAILED', `${node} failed at ${where}: ${messageOf(error)}`, { cause: error });
    }
    this.#drop('failed', record, { topic, partition });
  }

  #drop(reason: DropReason, { offset, timestamp }: RecordCursor, { topic, partition }: TopicPartition): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
    this.#settings.onDrop?.(reason, { topic, partition, offset, timestamp, node: this.store.spec.name });
  }
}
