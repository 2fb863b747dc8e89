/**
 * The graph behind the DSL: one node per operator, each with one input. A join is therefore two nodes that share state
 * and a third that merges what they emit. Nodes know nothing of tasks: `build` makes the operator's closure for one task.
 */
import type { Serde } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import type { TaskContext } from '../api/context.ts';
import type { DecodeErrorHandler, Reads, TimestampExtractor } from '../api/options.ts';
import type { TaskScope } from '../runtime/task-scope.ts';
import type { KStream } from '../dsl/kstream.ts';
import type { StoreSpec } from '../state/store.ts';
import type { StreamState } from '../dsl/stream-node.ts';
import { sameSerde } from '../api/windows.ts';

/** What flows along an edge between stream operators. A key or value that nobody reads is `undefined`; null is null. */
export type Emit = (key: unknown, value: unknown, timestamp: number, context: TaskContext) => void;
/** What flows between table operators: the new value and, where somebody asked for it, the old one. */
export type EmitChange = (key: unknown, value: unknown, old: unknown, timestamp: number, context: TaskContext) => void;

export type AnySerde = Serde<unknown>;

export interface SourceSpec {
  readonly topics: readonly string[];
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly timestampExtractor?: TimestampExtractor<unknown, unknown> | undefined;
  readonly offsetReset?: 'earliest' | 'latest' | undefined;
  readonly onDecodeError?: DecodeErrorHandler | undefined;
}

export interface SinkSpec {
  readonly topic: string | ((key: unknown, value: unknown, context: TaskContext) => string);
  readonly key: AnySerde;
  readonly value: AnySerde;
}

/** A topic that belongs to the application: its full name has the application's id in front. */
export interface InternalTopic {
  readonly name: string;
  /** The partition count that the user asked for; default: that of the sources it is fed from. */
  readonly partitions: number | undefined;
}

export interface GraphNode {
  readonly index: number;
  readonly name: string;
  readonly parents: GraphNode[];
  readonly children: GraphNode[];
  readonly stores: StoreSpec[];
  readonly source: SourceSpec | null;
  readonly sink: SinkSpec | null;
  /** What the operator itself looks at, children not counted. */
  readonly reads: Reads;
  /** The serdes in which the operator wants the bytes of keys and values; it needs them decoded where they do not lie at hand. */
  readonly keyBytesAs: AnySerde | null;
  readonly valueBytesAs: AnySerde | null;
  /** Whether keys and values go through it as they came: then its children's needs are its own. */
  readonly keepsKey: boolean;
  readonly keepsValue: boolean;
  /** The serde of the key bytes that the operator puts into the context, when it does. */
  readonly ownKeySerde: AnySerde | null;
  /** The same for values. */
  readonly ownValueSerde: AnySerde | null;
  readonly build: ((scope: TaskScope, node: GraphNode) => Emit | EmitChange) | null;
}

export interface NodeOptions {
  readonly name: string;
  readonly parents?: readonly GraphNode[];
  readonly stores?: readonly StoreSpec[];
  readonly source?: SourceSpec;
  readonly sink?: SinkSpec;
  readonly reads?: Reads | undefined;
  readonly keyBytesAs?: AnySerde | null;
  readonly valueBytesAs?: AnySerde | null;
  readonly keepsKey?: boolean;
  readonly keepsValue?: boolean;
  readonly ownKeySerde?: AnySerde | null;
  readonly ownValueSerde?: AnySerde | null;
  readonly build?: (scope: TaskScope, node: GraphNode) => Emit | EmitChange;
}

export class Graph {
  /** Makes the stream behind a table: tables don't know the class of streams. */
  readonly streamOf: (state: StreamState) => KStream<unknown, unknown>;
  readonly nodes: GraphNode[] = [];
  readonly stores = new Map<string, StoreSpec>();
  readonly internalTopics = new Map<string, InternalTopic>();
  readonly globalStores: StoreSpec[] = [];
  /** Operators whose inputs must have equally many partitions. */
  readonly copartitioned: { readonly operator: string; readonly inputs: readonly GraphNode[] }[] = [];
  readonly #names = new Set<string>();
  readonly #sources = new Map<string, GraphNode>();

  constructor(streamOf: (state: StreamState) => KStream<unknown, unknown>) {
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

  /** The user's name, or the derived one, with a number when the same structure occurs again. */
  name(given: string | undefined, derived: string): string {
    if (given !== undefined) return given;
    return this.#free(derived, (name) => this.#names.has(name));
  }

  /** As `name`, for stores and the internal topics named after them. */
  storeName(given: string | undefined, derived: string): string {
    if (given !== undefined) return given;
    return this.#free(derived, (name) => this.stores.has(name) || this.internalTopics.has(`${name}-repartition`));
  }

  #free(derived: string, taken: (name: string) => boolean): string {
    let name = derived;
    for (let n = 2; taken(name); n++) name = `${derived}-${n}`;
    return name;
  }
}

/** What of the records is needed decoded, and where the bytes of a key are already at hand: derived once per topology. */
export class DecodingPlan {
  readonly #needsKey = new Map<GraphNode, boolean>();
  readonly #needsValue = new Map<GraphNode, boolean>();
  readonly #keySerde = new Map<GraphNode, AnySerde | null>();

  /** Whether the node, or anyone it passes the key on to, looks at the decoded key. */
  needsKey(node: GraphNode): boolean {
    let needs = this.#needsKey.get(node);
    if (needs === undefined) {
      needs =
        node.reads === 'both' ||
        node.reads === 'key' ||
        (node.keyBytesAs !== null && !this.hasKeyBytes(node)) ||
        (node.keepsKey && this.childrenNeedKey(node));
      this.#needsKey.set(node, needs);
    }
    return needs;
  }

  needsValue(node: GraphNode): boolean {
    let needs = this.#needsValue.get(node);
    if (needs === undefined) {
      needs =
        node.reads === 'both' ||
        node.reads === 'value' ||
        (node.valueBytesAs !== null && !this.hasValueBytes(node)) ||
        (node.keepsValue && this.childrenNeedValue(node));
      this.#needsValue.set(node, needs);
    }
    return needs;
  }

  childrenNeedKey(node: GraphNode): boolean {
    return node.children.some((child) => this.needsKey(child));
  }

  childrenNeedValue(node: GraphNode): boolean {
    return node.children.some((child) => this.needsValue(child));
  }

  /** The serde of the key bytes that lie in the context behind `node`, or null when there are none. */
  keySerdeBehind(node: GraphNode): AnySerde | null {
    let serde = this.#keySerde.get(node);
    if (serde === undefined) {
      if (node.source !== null) serde = node.source.key;
      else if (node.ownKeySerde !== null) serde = node.ownKeySerde;
      else serde = node.keepsKey ? this.keySerdeBefore(node) : null;
      this.#keySerde.set(node, serde);
    }
    return serde;
  }

  keySerdeBefore(node: GraphNode): AnySerde | null {
    const [first, ...rest] = node.parents;
    if (first === undefined) return null;
    const serde = this.keySerdeBehind(first);
    return rest.every((parent) => sameSerde(serde ?? undefined, this.keySerdeBehind(parent) ?? undefined))
      ? serde
      : null;
  }

  /** The serde of the value bytes that lie in the context before `node`: its source record's, or an operator's own. */
  valueSerdeBefore(node: GraphNode): AnySerde | null {
    let found: AnySerde | null = null;
    for (const parent of node.parents) {
      const own = parent.source?.value ?? parent.ownValueSerde;
      const serde = own ?? (parent.keepsValue ? this.valueSerdeBefore(parent) : null);
      if (serde === null || (found !== null && !sameSerde(found, serde))) return null;
      found = serde;
    }
    return found;
  }

  hasKeyBytes(node: GraphNode): boolean {
    return sameSerde(this.keySerdeBefore(node) ?? undefined, node.keyBytesAs ?? undefined);
  }

  hasValueBytes(node: GraphNode): boolean {
    return sameSerde(this.valueSerdeBefore(node) ?? undefined, node.valueBytesAs ?? undefined);
  }
}
