import type { AnySerde } from '../graph/node.ts';
import type { Graph } from '../graph/graph.ts';
import type { StoreSpec } from '../state/store.ts';

/** A table that every instance holds completely: joined by any key, without co-partitioning. */
export class GlobalTable<K, V> {
  readonly graph: Graph;
  readonly topic: string;
  readonly spec: StoreSpec;
  /** Carries the types; never set. */
  declare readonly types?: readonly [K, V];

  constructor(graph: Graph, topic: string, spec: StoreSpec) {
    this.graph = graph;
    this.topic = topic;
    this.spec = spec;
  }

  get queryableStoreName(): string {
    return this.spec.name;
  }

  get key(): AnySerde {
    return this.spec.key;
  }
}
