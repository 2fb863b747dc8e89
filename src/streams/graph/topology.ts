import type { Graph } from './graph.ts';
import type { GlobalUpdating, GraphNode, InternalTopic } from './node.ts';
import { DecodingPlan } from './decoding-plan.ts';
import { TopologyDescription } from './description.ts';
import { fingerprintsOf } from './fingerprints.ts';
import type { StoreSpec } from '../state/store.ts';
import type { StoreFingerprint } from '../state/fingerprint.ts';
import { sameSerde } from './same-serde.ts';
import { MillraceError } from '../../util/index.ts';

/** Operators that are connected without a topic in between: what one task runs. */
export interface SubTopology {
  readonly id: number;
  readonly nodes: readonly GraphNode[];
  readonly sources: readonly GraphNode[];
  readonly stores: readonly StoreSpec[];
}

export interface TopologyOptions {
  /**
   * `all`: a table that is read from a topic is restored from that topic, and has no changelog of its own. Default
   * `none`.
   */
  readonly optimization?: 'none' | 'all';
}

/** What a builder made: a graph that does not change any more, cut into sub-topologies at its topics. */
export class Topology {
  readonly nodes: readonly GraphNode[];
  readonly subTopologies: readonly SubTopology[];
  /** The sub-topologies by what they have to do with one another: they write to, or read from, the same internal topics. */
  readonly pipelines: readonly (readonly SubTopology[])[];
  readonly internalTopics: ReadonlyMap<string, InternalTopic>;
  readonly stores: ReadonlyMap<string, StoreSpec>;
  readonly globalStores: readonly StoreSpec[];
  readonly globalUpdates: ReadonlyMap<string, GlobalUpdating>;
  readonly copartitioned: Graph['copartitioned'];
  readonly plan = new DecodingPlan();
  /** What the rows of stores mean, by the stores' names; those of global tables are not kept. */
  readonly fingerprints: ReadonlyMap<string, StoreFingerprint>;
  /** Names of stores and internal topics that nobody gave: derived from the structure, they may change with it. */
  readonly derivedNames: ReadonlySet<string>;
  readonly #sourceLogged: ReadonlySet<StoreSpec>;

  constructor(graph: Graph, options: TopologyOptions = {}) {
    this.nodes = [...graph.nodes];
    this.internalTopics = new Map(graph.internalTopics);
    this.stores = new Map(graph.stores);
    this.globalStores = [...graph.globalStores];
    this.globalUpdates = new Map(graph.globalUpdates);
    this.copartitioned = [...graph.copartitioned];
    this.subTopologies = cut(this.nodes);
    this.pipelines = connected(this.subTopologies, this.internalTopics);
    this.fingerprints = fingerprintsOf(graph);
    this.derivedNames = new Set(
      [...this.stores.keys(), ...this.internalTopics.keys()].filter((name) => graph.baseOf(name)?.isNamed === false),
    );
    this.#sourceLogged = new Set([
      ...[...this.stores.values()].filter(({ writer }) => writer !== undefined),
      ...(options.optimization === 'all' ? storesLoggedBySources(this.nodes) : []),
    ]);
    if (this.nodes.every((node) => node.source === null)) {
      throw new MillraceError('INVALID_TOPOLOGY', 'the topology reads no topic');
    }
  }

  /** All topics that are read, internal ones under their short names. */
  sourceTopics(): string[] {
    return this.nodes.flatMap((node) => [...(node.source?.topics ?? [])]);
  }

  /** The topic whose records are the store's changelog without our doing; undefined when it has one of its own, or none. */
  sourceLogOf(store: StoreSpec): string | undefined {
    return this.#sourceLogged.has(store) ? store.sourceTopic : undefined;
  }

  /** Whether changes of the store are written to a changelog topic. */
  hasChangelog(store: StoreSpec): boolean {
    return store.logging && !this.#sourceLogged.has(store);
  }

  /** Lets serdes load what they need (schemas, say). A running application does so itself; before a `TopologyTestDriver`, call it. */
  async prepare(): Promise<void> {
    await prepareSerdes(this.nodes, [...this.stores.values()]);
  }

  /** What is in the topology, as data, and as the text that Kafka Streams prints. */
  describe(): TopologyDescription {
    return new TopologyDescription(this.subTopologies, this.globalStores);
  }
}

export async function prepareSerdes(nodes: readonly GraphNode[], stores: readonly StoreSpec[]): Promise<void> {
  for (const { source, sink, keyBytesAs, valueBytesAs } of nodes) {
    for (const serde of [source?.key, source?.value, sink?.key, sink?.value, keyBytesAs, valueBytesAs]) {
      await serde?.prepare?.();
    }
  }
  for (const store of stores) {
    for (const serde of [store.key, store.value, store.otherValue]) await serde?.prepare?.();
  }
}

/** The stores of tables that hold exactly what their topic says: the same bytes at the same times. */
function storesLoggedBySources(nodes: readonly GraphNode[]): StoreSpec[] {
  const taken = new Set<string>();
  return nodes.flatMap((node) => {
    const source = node.parents.length === 1 ? node.parents[0]!.source : null;
    if (source === null || source.timestampExtractor !== undefined || source.topics.length !== 1) return [];
    const [topic] = source.topics;
    return node.stores.filter((store) => {
      const isCopy =
        store.logging &&
        store.kind === 'key-value' &&
        store.sourceTopic === topic &&
        sameSerde(store.key, source.key) &&
        sameSerde(store.value, source.value);
      if (!isCopy || taken.has(topic!)) return false;
      taken.add(topic!);
      return true;
    });
  });
}

function connected(
  subTopologies: readonly SubTopology[],
  internal: ReadonlyMap<string, InternalTopic>,
): readonly (readonly SubTopology[])[] {
  const topicsOf = ({ nodes }: SubTopology): string[] =>
    nodes
      .flatMap(({ source, sink }) => [
        ...(source?.topics ?? []),
        ...(typeof sink?.topic === 'string' ? [sink.topic] : []),
      ])
      .filter((topic) => internal.has(topic));
  let pipelines: { readonly subs: SubTopology[]; readonly topics: Set<string> }[] = [];
  for (const sub of subTopologies) {
    const topics = topicsOf(sub);
    const touched = pipelines.filter((pipeline) => topics.some((topic) => pipeline.topics.has(topic)));
    const merged = {
      subs: [...touched.flatMap(({ subs }) => subs), sub],
      topics: new Set([...touched.flatMap((pipeline) => [...pipeline.topics]), ...topics]),
    };
    pipelines = [...pipelines.filter((pipeline) => !touched.includes(pipeline)), merged];
  }
  return pipelines.map(({ subs }) => subs);
}

/** Nodes belong together when an edge or a store connects them. */
function cut(nodes: readonly GraphNode[]): SubTopology[] {
  const root = new Map<GraphNode, GraphNode>(nodes.map((node) => [node, node]));
  const find = (node: GraphNode): GraphNode => {
    let at = node;
    while (root.get(at) !== at) at = root.get(at)!;
    return at;
  };
  const unite = (a: GraphNode, b: GraphNode): void => {
    const [first, second] = [find(a), find(b)].sort((x, y) => x.index - y.index);
    root.set(second!, first!);
  };
  const owners = new Map<StoreSpec, GraphNode>();
  for (const node of nodes) {
    for (const parent of node.parents) unite(parent, node);
    for (const store of node.stores) {
      const owner = owners.get(store);
      if (owner === undefined) owners.set(store, node);
      else unite(owner, node);
    }
  }
  const groups = new Map<GraphNode, GraphNode[]>();
  for (const node of nodes) {
    const group = groups.get(find(node));
    if (group === undefined) groups.set(find(node), [node]);
    else group.push(node);
  }
  return [...groups.values()].map((group, id) => ({
    id,
    nodes: group,
    sources: group.filter((node) => node.source !== null),
    stores: [...new Set(group.flatMap((node) => node.stores))],
  }));
}
