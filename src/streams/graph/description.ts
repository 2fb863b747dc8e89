/**
 * A topology as data (Kafka Streams' `TopologyDescription`): its sub-topologies, what is in them, what leads where. As a text
 * it is what Kafka Streams prints; drawings of it are made by `drawing.ts`.
 */
import type { StoreSpec } from '../state/store.ts';
import type { GraphNode } from './node.ts';

interface Described {
  readonly name: string;
  /** Names of the nodes before and behind it. */
  readonly predecessors: readonly string[];
  readonly successors: readonly string[];
}

export interface DescribedSource extends Described {
  readonly kind: 'source';
  readonly topics: readonly string[];
}

export interface DescribedProcessor extends Described {
  readonly kind: 'processor';
  readonly stores: readonly string[];
}

export interface DescribedSink extends Described {
  readonly kind: 'sink';
  /** Null where it is chosen by the record. */
  readonly topic: string | null;
}

export type DescribedNode = DescribedSource | DescribedProcessor | DescribedSink;

export interface DescribedSubtopology {
  readonly id: number;
  readonly nodes: readonly DescribedNode[];
}

/** A store that every instance has the whole of. */
export interface DescribedGlobalStore {
  readonly store: string;
  readonly topic: string;
}

export class TopologyDescription {
  readonly subtopologies: readonly DescribedSubtopology[];
  readonly globalStores: readonly DescribedGlobalStore[];

  constructor(
    subTopologies: readonly { readonly id: number; readonly nodes: readonly GraphNode[] }[],
    globalStores: readonly StoreSpec[],
  ) {
    this.subtopologies = subTopologies.map(({ id, nodes }) => ({ id, nodes: nodes.map(described) }));
    this.globalStores = globalStores.map(({ name, sourceTopic }) => ({ store: name, topic: sourceTopic! }));
  }

  toString(): string {
    const lines = ['Topologies:'];
    for (const { id, nodes } of this.subtopologies) {
      lines.push(`   Sub-topology: ${id}`, ...nodes.flatMap(linesOf), '');
    }
    this.globalStores.forEach(({ store, topic }, i) => {
      const id = this.subtopologies.length + i;
      const [source, processor] = [`${topic}-global-source`, `${store}-update`];
      lines.push(
        `   Sub-topology: ${id} for global store (will not generate tasks)`,
        ...linesOf({ kind: 'source', name: source, topics: [topic], predecessors: [], successors: [processor] }),
        ...linesOf({ kind: 'processor', name: processor, stores: [store], predecessors: [source], successors: [] }),
        '',
      );
    });
    return lines.join('\n');
  }

  /** `console.log` shows the text. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

function described({ name, parents, children, source, sink, stores }: GraphNode): DescribedNode {
  const around = {
    name,
    predecessors: parents.map((node) => node.name),
    successors: children.map((node) => node.name),
  };
  if (source !== null) return { kind: 'source', ...around, topics: source.topics };
  if (sink !== null) return { kind: 'sink', ...around, topic: typeof sink.topic === 'string' ? sink.topic : null };
  return { kind: 'processor', ...around, stores: stores.map((store) => store.name) };
}

function linesOf(node: DescribedNode): string[] {
  const to = `      --> ${node.successors.join(', ') || 'none'}`;
  const from = `      <-- ${node.predecessors.join(', ') || 'none'}`;
  switch (node.kind) {
    case 'source':
      return [`    Source: ${node.name} (topics: [${node.topics.join(', ')}])`, to];
    case 'processor':
      return [`    Processor: ${node.name} (stores: [${node.stores.join(', ')}])`, to, from];
    case 'sink':
      return [
        `    Sink: ${node.name} (${node.topic === null ? 'extractor: by record' : `topic: ${node.topic}`})`,
        from,
      ];
  }
}
