// What is told of a topology's stores to those who find their rows again: by what is in the graph, never by the order in
// which it was added.
import { murmur2 } from '../../util/index.ts';
import type { StoreFingerprint } from '../state/fingerprint.ts';
import type { StoreSpec } from '../state/store.ts';
import type { Graph } from './graph.ts';
import type { GraphNode } from './node.ts';

/** By the stores' names. */
export function fingerprintsOf(graph: Graph): ReadonlyMap<string, StoreFingerprint> {
  const owned = [...graph.stores.values()].flatMap((store) => {
    const owner = ownerOf(graph, store);
    return owner === undefined ? [] : [[store.name, fingerprintOf(graph, store, owner)] as const];
  });
  return new Map(owned);
}

/** The operator that a store was made for: it is added before all others that read from it. */
export function ownerOf({ nodes }: { readonly nodes: readonly GraphNode[] }, store: StoreSpec): GraphNode | undefined {
  return nodes.find(({ stores }) => stores.includes(store));
}

function fingerprintOf(graph: Graph, store: StoreSpec, owner: GraphNode): StoreFingerprint {
  const { kind, windowSizeMs, startsAnywhere, key, value, otherValue } = store;
  const base = graph.baseOf(store.name);
  return {
    layout: `${kind}${startsAnywhere === true ? ' by key' : ''}${windowSizeMs === undefined ? '' : ` of ${windowSizeMs} ms`}`,
    key: key.name,
    value: otherValue === undefined ? value.name : `${value.name} and ${otherValue.name}`,
    operator: base?.kind ?? '',
    input: base === undefined || base.isNamed ? '' : digest(above(graph, owner)),
  };
}

/** What everything is called that records go through before they come to an operator, repartition topics included. */
function above(graph: Graph, operator: GraphNode): string[] {
  const seen = new Set<GraphNode>();
  const visit = (node: GraphNode): void => {
    if (seen.has(node)) return;
    seen.add(node);
    const topics = node.source?.topics.filter((topic) => graph.internalTopics.has(topic)) ?? [];
    const writers = graph.nodes.filter(({ sink }) => typeof sink?.topic === 'string' && topics.includes(sink.topic));
    for (const parent of [...node.parents, ...writers]) visit(parent);
  };
  visit(operator);
  return [...seen].map(({ name }) => graph.unnumbered(name)).sort();
}

function digest(names: readonly string[]): string {
  return (murmur2(Buffer.from(names.join('\n'))) >>> 0).toString(16);
}
