/**
 * The graph behind the DSL: one node per operator, each with one input. A join is therefore two nodes that share state
 * and a third that merges what they emit.
 */
import { MillraceError } from '../../util/index.ts';
import type { StoreSpec } from '../state/store.ts';
import type { GlobalUpdating, GraphNode, InternalTopic, NodeOptions, SourceSpec } from './node.ts';
import { sameSerde } from './same-serde.ts';

/** What names of stores and internal topics begin with. */
export interface NameBase {
  /** What the operator does: `count`, `join`. */
  readonly kind: string;
  /** False: it was derived from the structure. */
  readonly isNamed: boolean;
}

export class Graph {
  /** Makes the stream behind a table, for the DSL, whose tables don't know the class of streams. */
  readonly streamOf: (state: unknown) => unknown;
  readonly nodes: GraphNode[] = [];
  readonly stores = new Map<string, StoreSpec>();
  readonly internalTopics = new Map<string, InternalTopic>();
  readonly globalStores: StoreSpec[] = [];
  /** What operators are made for that are added now. */
  part: string | undefined;
  /** By the names of global stores that have a processor. */
  readonly globalUpdates = new Map<string, GlobalUpdating>();
  /** Operators whose inputs must have equally many partitions. */
  readonly copartitioned: { readonly operator: string; readonly inputs: readonly GraphNode[] }[] = [];
  readonly #names = new Set<string>();
  /** What stores and internal topics are called, or what their names begin with. */
  readonly #bases = new Map<string, NameBase>();
  /** What operators' names were derived from, before a number told them apart. */
  readonly #unnumbered = new Map<string, string>();
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
      emitsEach: options.emitsEach ?? false,
      part: this.part,
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

  addGlobalStore(store: StoreSpec, updating?: GlobalUpdating): void {
    this.declareStore(store);
    this.globalStores.push(store);
    if (updating !== undefined) this.globalUpdates.set(store.name, updating);
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
    this.#unnumbered.set(name, derived);
    return name;
  }

  /** An operator's name without the number that depends on who was added before it. */
  unnumbered(name: string): string {
    return this.#unnumbered.get(name) ?? name;
  }

  /**
   * The same for stores and the internal topics named after them. They outlive the program, so a number would hand the state
   * of one operator to another when an operator is put in front: where the structure does not tell two apart, it takes names.
   */
  storeName(given: string | undefined, origin: string, kind: string, isNamed = given !== undefined): string {
    const derived = `${origin}-${kind}`;
    if (given !== undefined) {
      this.#bases.set(given, { kind, isNamed });
      return given;
    }
    if (this.#bases.has(derived) || this.stores.has(derived)) {
      throw new MillraceError(
        'NAME_NEEDED',
        `two operators with state would both be called ${derived}: give them names, so that each keeps its own state ` +
          'whatever is added to the topology later',
      );
    }
    this.#bases.set(derived, { kind, isNamed });
    return derived;
  }

  /** Who a store or an internal topic is named after; undefined where the user named it for no operator. */
  baseOf(name: string): NameBase | undefined {
    const bases = [...this.#bases.keys()].filter((base) => name === base || name.startsWith(`${base}-`));
    const [longest] = bases.sort((a, b) => b.length - a.length);
    return longest === undefined ? undefined : this.#bases.get(longest);
  }
}
