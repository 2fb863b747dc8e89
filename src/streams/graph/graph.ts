/**
 * The graph behind the DSL: one node per operator, each with one input. A join is therefore two nodes that share state
 * and a third that merges what they emit.
 */
import { MillraceError } from '../../util/index.ts';
import type { StoreSpec } from '../state/store.ts';
import type { GraphNode, InternalTopic, NodeOptions, SourceSpec } from './node.ts';
import { sameSerde } from './same-serde.ts';

export class Graph {
  /** Makes the stream behind a table, for the DSL, whose tables don't know the class of streams. */
  readonly streamOf: (state: unknown) => unknown;
  readonly nodes: GraphNode[] = [];
  readonly stores = new Map<string, StoreSpec>();
  readonly internalTopics = new Map<string, InternalTopic>();
  readonly globalStores: StoreSpec[] = [];
  /** Operators whose inputs must have equally many partitions. */
  readonly copartitioned: { readonly operator: string; readonly inputs: readonly GraphNode[] }[] = [];
  readonly #names = new Set<string>();
  /** Names that were derived for stores, made or not, and for internal topics. */
  readonly #storeNames = new Set<string>();
  readonly #sources = new Map<string, GraphNode>();

  constructor(streamOf: (state: unknown) => unknown) {
    this.streamOf = streamOf;
  }

  add(options: NodeOptions): GraphNode {
    if (this.#names.has(options.name)) {
      throw new MillraceError(
        'DUPLICATE_NAME',
        `two operators are named ${options.name}; give one of them another name`,
      );
    }
    this.#names.add(options.name);
    const node: GraphNode = {
      index: this.nodes.length,
      name: options.name,
      parents: [...(options.parents ?? [])],
      children: [],
      stores: [],
      source: options.source ?? null,
      sink: options.sink ?? null,
      reads: options.reads ?? 'both',
      keyBytesAs: options.keyBytesAs ?? null,
      valueBytesAs: options.valueBytesAs ?? null,
      keepsKey: options.keepsKey ?? false,
      keepsValue: options.keepsValue ?? false,
      ownKeySerde: options.ownKeySerde ?? null,
      ownValueSerde: options.ownValueSerde ?? null,
      build: options.build ?? null,
    };
    for (const parent of node.parents) parent.children.push(node);
    for (const store of options.stores ?? []) this.connectStore(node, store);
    this.nodes.push(node);
    return node;
  }

  /** One source node per set of topics, however often the builder is asked for it. */
  addSource(name: string | undefined, spec: SourceSpec): GraphNode {
    const id = [...spec.topics].sort().join('\n');
    const known = this.#sources.get(id);
    if (known !== undefined) {
      const { key, value } = known.source!;
      if (!sameSerde(key, spec.key) || !sameSerde(value, spec.value)) {
        throw new MillraceError(
          'SOURCE_CONFLICT',
          `the topics ${spec.topics.join(', ')} are read twice with different serdes; read them once and use that stream twice`,
        );
      }
      return known;
    }
    for (const node of this.#sources.values()) {
      const common = node.source!.topics.find((topic) => spec.topics.includes(topic));
      if (common !== undefined) {
        throw new MillraceError('SOURCE_CONFLICT', `the topic ${common} is already read by the source ${node.name}`);
      }
    }
    const node = this.add({ name: this.name(name, `${spec.topics.join('-')}-source`), source: spec });
    this.#sources.set(id, node);
    return node;
  }

  connectStore(node: GraphNode, store: StoreSpec): void {
    const known = this.stores.get(store.name);
    if (known !== undefined && known !== store) {
      throw new MillraceError(
        'DUPLICATE_NAME',
        `two state stores are named ${store.name}; give one of them another name`,
      );
    }
    this.stores.set(store.name, store);
    if (!node.stores.includes(store)) node.stores.push(store);
  }

  /** A store that exists by its name, before operators are connected to it. */
  declareStore(store: StoreSpec): void {
    if (this.stores.has(store.name)) {
      throw new MillraceError(
        'DUPLICATE_NAME',
        `two state stores are named ${store.name}; give one of them another name`,
      );
    }
    this.stores.set(store.name, store);
  }

  addGlobalStore(store: StoreSpec): void {
    this.declareStore(store);
    this.globalStores.push(store);
  }

  addInternalTopic(name: string, partitions?: number): InternalTopic {
    if (this.internalTopics.has(name)) {
      throw new MillraceError('DUPLICATE_NAME', `two internal topics are named ${name}; name one of the operators`);
    }
    const topic = { name, partitions };
    this.internalTopics.set(name, topic);
    return topic;
  }

  /** The user's name, or the derived one, with a number when the same structure occurs again: nothing outlives an operator. */
  name(given: string | undefined, derived: string): string {
    if (given !== undefined) return given;
    let name = derived;
    for (let n = 2; this.#names.has(name); n++) name = `${derived}-${n}`;
    return name;
  }

  /**
   * The same for stores and the internal topics named after them. They outlive the program, so a number would hand the state
   * of one operator to another when an operator is put in front: where the structure does not tell two apart, it takes names.
   */
  storeName(given: string | undefined, derived: string): string {
    if (given !== undefined) return given;
    if (this.#storeNames.has(derived) || this.stores.has(derived)) {
      throw new MillraceError(
        'NAME_NEEDED',
        `two operators with state would both be called ${derived}: give them names, so that each keeps its own state ` +
          'whatever is added to the topology later',
      );
    }
    this.#storeNames.add(derived);
    return derived;
  }
}
