/** What streams are underneath, and the one thing that they all need: a way to bring equal keys together. */
import type { AnySerde, GraphNode } from '../graph/node.ts';
import type { Graph } from '../graph/graph.ts';
import { sink, sinkNeeds } from '../operators/sink.ts';
import type { StreamPartitioner } from '../api/options.ts';
import { MillraceError } from '../../util/index.ts';

/** Where a stream or table stands in the graph, and what is known of its records. */
export interface StreamState {
  readonly graph: Graph;
  readonly node: GraphNode;
  readonly key: AnySerde | undefined;
  readonly value: AnySerde | undefined;
  /** True when the key may have changed: whoever needs equal keys in one place has to repartition. */
  readonly moved: boolean;
  /** What derived names begin with: the source topics, or the store or repartition topic the records come from. */
  readonly origin: string;
}

/** The stream where equal keys share a partition: itself, or behind a repartition topic when its keys were changed. */
export function placed(
  state: StreamState,
  name: string,
  key: AnySerde | undefined,
  value: AnySerde | undefined,
  dropsNullKeys = true,
): StreamState {
  const known = { ...state, key: key ?? state.key, value: value ?? state.value };
  return state.moved ? repartitioned(known, { name, fallback: name, key, value, dropsNullKeys }) : known;
}

/** The stream behind a repartition topic `<application>-<name>-repartition`. */
export function repartitioned(
  state: StreamState,
  options: {
    readonly name: string | undefined;
    /** The name of the operator that needs it, which is nobody else's. */
    readonly fallback: string;
    readonly key?: AnySerde | undefined;
    readonly value?: AnySerde | undefined;
    readonly partitions?: number | undefined;
    readonly partitioner?: StreamPartitioner<unknown, unknown> | undefined;
    readonly dropsNullKeys: boolean;
  },
): StreamState {
  const { graph } = state;
  const base = options.name ?? options.fallback;
  const topic = `${base}-repartition`;
  const key = required(options.key ?? state.key, 'key', topic);
  const value = required(options.value ?? state.value, 'value', topic);
  graph.addInternalTopic(topic, options.partitions);
  graph.add({
    name: graph.name(undefined, `${topic}-sink`),
    parents: [state.node],
    sink: { topic, key, value },
    ...sinkNeeds(key, value, { isShared: false, readsBoth: options.partitioner !== undefined }),
    build: sink({
      topic: { internal: topic },
      key,
      value,
      partitioner: options.partitioner,
      dropsNullKeys: options.dropsNullKeys,
    }),
  });
  const node = graph.add({ name: graph.name(undefined, `${topic}-source`), source: { topics: [topic], key, value } });
  return { graph, node, key, value, moved: false, origin: base };
}

export function required(serde: AnySerde | undefined, part: 'key' | 'value', operator: string): AnySerde {
  if (serde === undefined) {
    throw new MillraceError(
      'SERDE_MISSING',
      `${operator} needs a ${part} serde: it writes ${part}s whose format is not known`,
    );
  }
  return serde;
}

/** Connects an operator to stores that the user named. */
export function connectStores(graph: Graph, node: GraphNode, names: readonly string[]): void {
  for (const name of names) {
    const spec = graph.stores.get(name);
    if (spec === undefined) {
      throw new MillraceError(
        'UNKNOWN_STORE',
        `${node.name} uses the state store ${name}, which was not added to the builder`,
      );
    }
    // A global store is at hand everywhere, and belongs to no task.
    if (!graph.globalStores.includes(spec)) graph.connectStore(node, spec);
  }
}
