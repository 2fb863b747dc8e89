/**
 * The Processor API: a topology of sources, processors and sinks that name their parents (Kafka Streams' `Topology`). A
 * processor sees one record at a time, keeps state in stores, and forwards to all of its children or to one that it names.
 *
 * Topics are as they are: nothing is repartitioned, and nobody else's keys are decoded or encoded but those of sources and
 * sinks. What is connected by parents or by a store runs in one task.
 */
import { checkOperator, checkRequired, checkTopicName } from '../api/checks.ts';
import type { Consumed, Produced, SerdeOf } from '../api/options.ts';
import type { RecordContext } from '../api/context.ts';
import type { ProcessorSupplier } from '../api/processor.ts';
import { Graph } from '../graph/graph.ts';
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { sameSerde } from '../graph/same-serde.ts';
import { Topology, type TopologyOptions } from '../graph/topology.ts';
import { processorOperator } from '../operators/process.ts';
import { sink, sinkNeeds } from '../operators/sink.ts';
import { assert, checkOptions, checkValue, MillraceError, oneOf, someText } from '../../util/index.ts';
import { connectStores } from './stream-node.ts';
import { addGlobalStore, stateStoreSpec, type StateStoreOptions } from './state-store.ts';
import type { AnyConsumed, AnyProcessorSupplier, AnyProduced, Mapper } from './untyped.ts';

type Topic<K, V> = string | ((key: K, value: V, context: RecordContext) => string);

export class TopologyBuilder {
  readonly #graph = new Graph(() => assert(false, 'tables have no streams here'));
  readonly #nodes = new Map<string, GraphNode>();

  /** The records of one or several topics. */
  addSource<K, V>(name: string, topics: string | readonly string[], consumed: Omit<Consumed<K, V>, 'name'>): this {
    const operator = this.#checkName('addSource', name);
    checkOperator(operator, {}, consumed, 'consuming');
    checkRequired(operator, consumed, 'key', 'value');
    const all = typeof topics === 'string' ? [topics] : topics;
    for (const topic of all) checkTopicName(operator, topic);
    if (all.length === 0) throw new MillraceError('INVALID_TOPOLOGY', `the source ${name} needs at least one topic`);
    const source = { ...(consumed as AnyConsumed), topics: all };
    const node = this.#graph.addSource(name, source);
    if (node.name !== name) {
      throw new MillraceError('SOURCE_CONFLICT', `${all.join(', ')} is already read by the source ${node.name}`);
    }
    this.#nodes.set(name, node);
    return this;
  }

  /** Called once per task. `parents` are names of sources and processors. */
  addProcessor<K, V, K2, V2>(
    name: string,
    supplier: ProcessorSupplier<K, V, K2, V2>,
    ...parents: readonly string[]
  ): this {
    const operator = this.#checkName('addProcessor', name);
    checkOperator(operator, { supplier }, {}, 'named');
    const build = processorOperator(supplier as AnyProcessorSupplier);
    this.#nodes.set(name, this.#graph.add({ name, parents: this.#parents(operator, name, parents), build }));
    return this;
  }

  /** Writes what its parents forward. */
  addSink<K, V>(
    name: string,
    topic: Topic<K, V>,
    produced: Omit<Produced<K, V>, 'name'> & { readonly key: SerdeOf<K>; readonly value: SerdeOf<V> },
    ...parents: readonly string[]
  ): this {
    const operator = this.#checkName('addSink', name);
    const { key, value, partitioner, timestamp } = produced as AnyProduced & { key: AnySerde; value: AnySerde };
    checkOperator(operator, typeof topic === 'string' ? {} : { topic }, produced, 'producing');
    checkRequired(operator, produced, 'key', 'value');
    if (typeof topic === 'string') checkTopicName(operator, topic);
    const readsBoth = typeof topic !== 'string' || partitioner !== undefined || timestamp !== undefined;
    this.#graph.add({
      name,
      parents: this.#parents(operator, name, parents),
      sink: { topic: topic as string | Mapper<string>, key, value },
      ...sinkNeeds(key, value, { isShared: true, readsBoth }),
      build: sink({
        topic: typeof topic === 'string' ? { fixed: topic } : { choose: topic as Mapper<string> },
        key,
        value,
        partitioner,
        timestamp,
      }),
    });
    return this;
  }

  /** As that of `StreamsBuilder`. */
  addGlobalStore<K, V>(
    options: StateStoreOptions,
    topic: string,
    consumed: Omit<Consumed<K, V>, 'name' | 'timestampExtractor' | 'offsetReset'>,
    supplier: ProcessorSupplier<K, V, never, never>,
  ): this {
    addGlobalStore(this.#graph, options, topic, consumed as AnyConsumed, supplier as AnyProcessorSupplier);
    return this;
  }

  /**
   * Adds a key-value store of a topic's records, partition by partition: `processor`, which reads them, puts them into it as they
   * are, and is the only one that writes to it. It has no changelog: it is restored from the topic.
   */
  addReadOnlyStateStore<K, V>(
    options: Extract<StateStoreOptions, { readonly kind: 'key-value' }>,
    {
      source,
      topic,
      ...consumed
    }: Omit<Consumed<K, V>, 'name' | 'timestampExtractor'> & {
      /** The name of the source. */
      readonly source: string;
      readonly topic: string;
    },
    processor: string,
    supplier: ProcessorSupplier<K, V, never, never>,
  ): this {
    const spec = stateStoreSpec(options);
    const sameSerdes =
      sameSerde(spec.key, consumed.key as unknown as AnySerde) &&
      sameSerde(spec.value, consumed.value as unknown as AnySerde);
    const isPlain = spec.kind === 'key-value' && spec.maxEntries === undefined && spec.logging;
    if (!isPlain || !sameSerdes || (consumed as AnyConsumed).timestampExtractor !== undefined) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `addReadOnlyStateStore ${spec.name}: what is restored from ${topic} has its records' times, keys and values, as the same ` +
          'serdes write them: a key-value store without maxEntries, with those of the source',
      );
    }
    this.addSource(source, topic, consumed);
    this.addProcessor(processor, supplier, source);
    const { onDecodeError } = consumed;
    this.#graph.declareStore({
      ...spec,
      sourceTopic: topic,
      writer: processor,
      ...(onDecodeError === undefined ? {} : { onDecodeError }),
    });
    return this.connectProcessorAndStateStores(processor, spec.name);
  }

  /** Adds a state store, and connects it to processors by their names. */
  addStateStore(options: StateStoreOptions, ...processors: readonly string[]): this {
    this.#graph.declareStore(stateStoreSpec(options));
    for (const name of processors) this.connectProcessorAndStateStores(name, options.name);
    return this;
  }

  connectProcessorAndStateStores(processor: string, ...stores: readonly string[]): this {
    const [node] = this.#parents('connectProcessorAndStateStores', processor, [processor]);
    if (node!.source !== null) {
      throw new MillraceError('INVALID_TOPOLOGY', `${processor} is a source, which has no use for state stores`);
    }
    connectStores(this.#graph, node!, stores);
    return this;
  }

  build(options: TopologyOptions = {}): Topology {
    checkOptions('build', options, { optimization: oneOf('none', 'all') });
    return new Topology(this.#graph, options);
  }

  #checkName(method: string, name: unknown): string {
    checkValue(`${method}: the name`, name, someText);
    return `${method} ${String(name)}`;
  }

  #parents(operator: string, name: string, parents: readonly string[]): GraphNode[] {
    if (parents.length === 0) {
      throw new MillraceError('INVALID_TOPOLOGY', `${operator}: ${name} needs a parent, whose records it gets`);
    }
    return parents.map((parent) => {
      const node = this.#nodes.get(parent);
      if (node !== undefined) return node;
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `${operator}: there is no source or processor ${parent} yet; there are ${[...this.#nodes.keys()].join(', ') || 'none'}`,
      );
    });
  }
}
