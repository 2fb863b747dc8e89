// Global tables: every instance reads their topics completely, before it starts and from then on.
import type { Client, Consumer, FetchedPartition } from '../../client/index.ts';
import { restoreRow } from '../state/row-chunks.ts';
import { createStore } from '../state/create-store.ts';
import { PrefixedRecord } from './schema-headers.ts';
import { FROM_LOG, NO_TRACKING, type StateStore, type StoreSpec } from '../state/store.ts';

const POLL_MS = 100;

interface Filled {
  readonly store: StateStore;
  readonly prefixed: PrefixedRecord | undefined;
}

export class GlobalTables {
  readonly stores = new Map<string, StateStore>();
  readonly #byTopic = new Map<string, Filled[]>();
  readonly #client: Client;
  readonly #consumer: Consumer;
  #stopping = false;
  #following: Promise<void> = Promise.resolve();

  constructor(specs: readonly StoreSpec[], client: Client) {
    this.#client = client;
    this.#consumer = client.consumer({ isolationLevel: 'read_committed', autoOffsetReset: 'earliest' });
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
    const admin = this.#client.admin();
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
    for (const { topic, cursor } of fetched) {
      const stores = this.#byTopic.get(topic) ?? [];
      while (cursor.advance()) {
        if (cursor.keyStart < 0) continue;
        for (const { store, prefixed } of stores) {
          const record = prefixed === undefined || cursor.headerCount === 0 ? cursor : await prefixed.load(cursor);
          const wait = restoreRow(store, record, FROM_LOG);
          if (wait !== undefined) await wait;
        }
      }
    }
  }
}
