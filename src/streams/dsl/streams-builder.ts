/**
 * Where a topology begins: streams and tables from topics, whose operators build up a graph; `build` makes the topology
 * of it. The names of operators, stores and internal topics come from the structure or from the user, never from a
 * counter: an operator put in somewhere else does not orphan the state of others.
 */
import { checkOperator, checkRequired, checkTopicName } from '../api/checks.ts';
import { Graph } from '../graph/graph.ts';
import { GlobalTableImpl } from './global-table.ts';
import { KStreamImpl } from './kstream.ts';
import type { StreamState } from './stream-node.ts';
import { KTableImpl } from './ktable.ts';
import { addGlobalStore, stateStoreSpec, type StateStoreOptions } from './state-store.ts';
import { keyValueSpec, tableFromStream } from './table-node.ts';
import type { GlobalTable, KStream, KTable } from '../api/dsl.ts';
import type { Consumed, Materialized } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import { Topology, type TopologyOptions } from '../graph/topology.ts';
import type { ProcessorSupplier } from '../api/processor.ts';
import type { AnyConsumed, AnyProcessorSupplier } from './untyped.ts';
import { checkOptions, MillraceError, oneOf } from '../../util/index.ts';

export class StreamsBuilder {
  readonly #graph = new Graph((state) => new KStreamImpl(state as StreamState));

  /** The records of one or several topics. */
  stream<K, V>(topic: string | readonly string[], consumed: Consumed<K, V>): KStream<K, V> {
    checkConsumed('stream', consumed);
    const topics = typeof topic === 'string' ? [topic] : topic;
    for (const name of topics) checkTopicName('stream', name);
    if (topics.length === 0) throw new MillraceError('INVALID_TOPOLOGY', 'a stream needs at least one topic');
    const node = this.#source(topics, consumed);
    return new KStreamImpl({
      graph: this.#graph,
      node,
      key: consumed.key,
      value: consumed.value,
      moved: false,
      origin: topics.join('-'),
    });
  }

  /** The latest value per key of a topic. */
  table<K, V>(topic: string, consumed: Consumed<K, V>, materialized: Materialized<K, V> = {}): KTable<K, V> {
    checkConsumed('table', consumed);
    checkTopicName('table', topic);
    checkOperator('table', {}, materialized, 'materialized');
    const node = this.#source([topic], consumed);
    const state = {
      graph: this.#graph,
      node,
      key: consumed.key,
      value: consumed.value,
      moved: false,
      origin: topic,
    };
    const store = this.#graph.storeName(materialized.name, topic, 'store');
    return new KTableImpl(
      tableFromStream(state, store, materialized, {
        topic,
        onDecodeError: consumed.onDecodeError,
      }),
    );
  }

  /** The whole of a topic as a table, on every instance. */
  globalTable<K, V>(topic: string, consumed: Consumed<K, V>, materialized: Materialized<K, V> = {}): GlobalTable<K, V> {
    checkConsumed('globalTable', consumed);
    checkTopicName('globalTable', topic);
    checkOperator('globalTable', {}, materialized, 'materialized');
    const { kind, historyRetentionMs, maxEntries } = materialized;
    if (kind === 'versioned' || historyRetentionMs !== undefined || maxEntries !== undefined) {
      throw new MillraceError(
        'INVALID_ARGUMENT',
        'globalTable: global tables are not versioned, and have no maxEntries',
      );
    }
    const name = this.#graph.storeName(materialized.name, topic, 'global-store');
    const spec: StoreSpec = {
      ...keyValueSpec(name, consumed.key, consumed.value, { logging: false, storeType: 'IN_MEMORY' }),
      sourceTopic: topic,
      onDecodeError: consumed.onDecodeError,
    };
    this.#graph.addGlobalStore(spec);
    return new GlobalTableImpl(spec);
  }

  /**
   * Adds a store that every instance has the whole of: its processor gets each record of a topic, from the first one on at
   * every start, and is the only one that writes to the store. All other processors may read it.
   */
  addGlobalStore<K, V>(
    options: StateStoreOptions,
    topic: string,
    consumed: Omit<Consumed<K, V>, 'name' | 'timestampExtractor' | 'offsetReset'>,
    supplier: ProcessorSupplier<K, V, never, never>,
  ): this {
    addGlobalStore(this.#graph, options, topic, consumed as AnyConsumed, supplier as AnyProcessorSupplier);
    return this;
  }

  /** Adds a state store that processors can be connected to by its name. */
  addStateStore(options: StateStoreOptions): this {
    this.#graph.declareStore(stateStoreSpec(options));
    return this;
  }

  /**
   * Calls the operators that `make` adds a part of the program by this name, and `metrics` tells them by it. What is done within
   * belongs to the innermost part.
   */
  within<T>(part: string, make: () => T): T {
    const around = this.#graph.part;
    this.#graph.part = part;
    try {
      return make();
    } finally {
      this.#graph.part = around;
    }
  }

  build(options: TopologyOptions = {}): Topology {
    checkOptions('build', options, { optimization: oneOf('none', 'all') });
    return new Topology(this.#graph, options);
  }

  #source(topics: readonly string[], consumed: AnyConsumed) {
    return this.#graph.addSource(consumed.name, {
      topics,
      key: consumed.key,
      value: consumed.value,
      timestampExtractor: consumed.timestampExtractor,
      offsetReset: consumed.offsetReset,
      onDecodeError: consumed.onDecodeError,
    });
  }
}

function checkConsumed(operator: string, consumed: unknown): void {
  checkOperator(operator, {}, consumed, 'consuming');
  checkRequired(operator, consumed, 'key', 'value');
}
