// Global tables: every instance reads their topics completely, before it starts and from then on.
import type { Consumer, FetchedPartition, RecordCursor, TopicPartition } from '../../client/index.ts';
import { MillraceError } from '../../util/index.ts';
import { restoreRow } from '../state/restore-row.ts';
import { createStore } from '../state/create-store.ts';
import { PrefixedRecord } from './schema-headers.ts';
import type { ResolvedSettings } from './settings.ts';
import { NO_TRACKING, type StateStore, type StoreSpec } from '../state/store.ts';
import { refuseRecord } from './undecodable.ts';

const POLL_MS = 100;

interface Filled {
  readonly store: StateStore;
  readonly prefixed: PrefixedRecord | undefined;
}

export class GlobalTables {
  readonly stores = new Map<string, StateStore>();
  readonly #byTopic = new Map<string, Filled[]>();
  /** Records that could not be decoded and were left out, by table. */
  readonly undecodable = new Map<string, number>();
  readonly #settings: ResolvedSettings;
  readonly #consumer: Consumer;
  #stopping = false;
  #following: Promise<void> = Promise.resolve();

  constructor(specs: readonly StoreSpec[], settings: ResolvedSettings) {
    this.#settings = settings;
    this.#consumer = settings.client.consumer({
      isolationLevel: 'read_committed',
      autoOffsetReset: 'earliest',
      onOffsetReset: ({ topic, partition }, offset) =>
        settings.onError(
          new MillraceError(
            'OFFSET_OUT_OF_RANGE',
            `the global table of ${topic}-${partition} reads its topic again: it does not hold the offset ${offset} any more`,
          ),
          false,
        ),
    });
    for (const spec of specs) {
      const store = createStore(spec, NO_TRACKING);
      this.stores.set(spec.name, store);
      const topic = spec.sourceTopic!;
      const filled = { store, prefixed: PrefixedRecord.of(spec.key, spec.value) };
      this.#byTopic.set(topic, [...(this.#byTopic.get(topic) ?? []), filled]);
    }
  }

  /** Resolves when everything that the topics hold has been read; `onError` hears of what goes wrong later. */
  async start(onError: (error: unknown) => void): Promise<void> {
    if (this.stores.size === 0) return;
    const topics = [...this.#byTopic.keys()];
    const admin = this.#settings.client.admin();
    const partitions = [...(await admin.describeTopics(topics))].flatMap(([topic, { partitions: list }]) =>
      list.map(({ partition }) => ({ topic, partition })),
    );
    const ends = await admin.listOffsets(
      partitions.map((each) => ({ ...each, timestamp: -1 })),
      'read_committed',
    );
    const starts = await admin.listOffsets(partitions.map((each) => ({ ...each, timestamp: -2 })));
    const first = new Map(starts.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
    this.#consumer.assign(starts.map(({ topic, partition, offset }) => ({ topic, partition, offset })));
    let left = ends.filter(({ topic, partition, offset }) => offset > first.get(`${topic}-${partition}`)!);
    while (left.length > 0 && !this.#stopping) {
      await this.#apply(await this.#consumer.poll(POLL_MS));
      left = left.filter(({ topic, partition, offset }) => this.#consumer.position({ topic, partition }) < offset);
    }
    this.#following = this.#follow().catch(onError);
  }

  async close(): Promise<void> {
    this.#stopping = true;
    this.#consumer.wakeup();
    await this.#following;
    await this.#consumer.close();
  }

  async #follow(): Promise<void> {
    while (!this.#stopping) await this.#apply(await this.#consumer.poll(POLL_MS));
  }

  async #apply(fetched: readonly FetchedPartition[]): Promise<void> {
    for (const { topic, partition, cursor } of fetched) {
      const stores = this.#byTopic.get(topic) ?? [];
      while (cursor.advance()) {
        if (cursor.keyStart < 0) continue;
        for (const { store, prefixed } of stores) {
          try {
            const record = prefixed === undefined || cursor.headerCount === 0 ? cursor : await prefixed.load(cursor);
            const wait = restoreRow(store, record);
            if (wait !== undefined) await wait;
          } catch (error) {
            this.#leaveOut(store.spec, error, cursor, { topic, partition });
          }
        }
      }
    }
  }

  #leaveOut(spec: StoreSpec, error: unknown, record: RecordCursor, { topic, partition }: TopicPartition): void {
    // A registry that does not answer says nothing about the record.
    if (error instanceof MillraceError && error.retriable) throw error;
    const { offset, timestamp } = record;
    const node = spec.name;
    const handler = spec.onDecodeError ?? this.#settings.onDecodeError;
    refuseRecord(handler, error, record, { topic, partition, node, part: 'value' });
    this.undecodable.set(node, (this.undecodable.get(node) ?? 0) + 1);
    this.#settings.onDrop?.('undecodable', { topic, partition, offset, timestamp, node });
  }
}
