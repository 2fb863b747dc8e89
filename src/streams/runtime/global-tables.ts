// Global tables: every instance reads their topics completely, before it starts and from then on.
import type { Consumer, FetchedPartition, RecordCursor, TopicPartition } from '../../client/index.ts';
import { SchemaNotLoaded } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { Topology } from '../graph/topology.ts';
import type { StateStore } from '../state/store.ts';
import { GlobalStore } from './global-store.ts';
import type { ResolvedSettings } from './settings.ts';

const POLL_MS = 100;

export class GlobalTables {
  readonly stores = new Map<string, StateStore>();
  readonly #byTopic = new Map<string, GlobalStore[]>();
  readonly #settings: ResolvedSettings;
  readonly #consumer: Consumer;
  #stopping = false;
  #following: Promise<void> = Promise.resolve();

  constructor(topology: Topology, settings: ResolvedSettings) {
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
    for (const spec of topology.globalStores) {
      const global = new GlobalStore(spec, topology, settings);
      this.stores.set(spec.name, global.store);
      const topic = spec.sourceTopic!;
      this.#byTopic.set(topic, [...(this.#byTopic.get(topic) ?? []), global]);
    }
  }

  /** Records that could not be decoded and were left out, by store. */
  get undecodable(): ReadonlyMap<string, number> {
    const counts = [...this.#byTopic.values()]
      .flat()
      .map(({ store, dropped }): [string, number] => [store.spec.name, dropped.get('undecodable') ?? 0]);
    return new Map(counts.filter(([, count]) => count > 0));
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
    for (const store of [...this.#byTopic.values()].flat()) store.close();
  }

  async #follow(): Promise<void> {
    while (!this.#stopping) await this.#apply(await this.#consumer.poll(POLL_MS));
  }

  async #apply(fetched: readonly FetchedPartition[]): Promise<void> {
    for (const { topic, partition, cursor } of fetched) {
      const stores = this.#byTopic.get(topic) ?? [];
      while (cursor.advance()) {
        for (const store of stores) await taken(store, cursor, { topic, partition });
      }
    }
  }
}

/** Waits only where a schema has to be loaded first. */
async function taken(store: GlobalStore, cursor: RecordCursor, place: TopicPartition): Promise<void> {
  for (;;) {
    try {
      store.take(cursor, place);
      return;
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) throw error;
      await error.load();
    }
  }
}
