/**
 * How many records have gone through each operator of a task. Counted is where a number can't be told from another one:
 * behind operators that leave records out, make several of one, or choose among those behind them. An operator that passes
 * each record on as one has let through what came in, but for what it was counted to have dropped.
 */
import type { FlowCount } from '../api/instance.ts';
import type { GraphNode } from '../graph/node.ts';

/** A number that closures on the way of records have hold of. */
export interface Counter {
  count: number;
}

interface Note {
  readonly at: number;
  readonly counts: ReadonlyMap<GraphNode, FlowCount>;
}

export class FlowCounts {
  /** What operators have sent to all operators behind them. */
  readonly #passed = new Map<GraphNode, Counter>();
  /** What came to an operator alone, as the one in front of it chose it. */
  readonly #chosen = new Map<GraphNode, Counter>();
  readonly #nodes: readonly GraphNode[];
  readonly #taken: (source: GraphNode) => number;
  readonly #dropped: (node: GraphNode) => number;
  /** The last two, the older one in front: the time in between is what "lately" goes back to. */
  #notes: readonly Note[];

  /** `taken`: records that a source has handed on; `dropped`: those that an operator has left out by rule. */
  constructor(
    nodes: readonly GraphNode[],
    taken: (source: GraphNode) => number,
    dropped: (node: GraphNode) => number,
    now: number,
  ) {
    this.#nodes = nodes;
    this.#taken = taken;
    this.#dropped = dropped;
    this.#notes = [{ at: now, counts: new Map() }];
  }

  passed(node: GraphNode): Counter {
    return counterIn(this.#passed, node);
  }

  chosen(node: GraphNode): Counter {
    return counterIn(this.#chosen, node);
  }

  /** By operator, since the task was opened. */
  now(): ReadonlyMap<GraphNode, FlowCount> {
    const counts = new Map<GraphNode, FlowCount>();
    const toAll = new Map<GraphNode, number>();
    // Operators stand behind their parents.
    for (const node of this.#nodes) {
      const dropped = this.#dropped(node);
      const taken = node.source === null ? 0 : this.#taken(node);
      let recordsIn = (this.#chosen.get(node)?.count ?? 0) + (node.source === null ? 0 : taken + dropped);
      for (const parent of node.parents) recordsIn += toAll.get(parent) ?? 0;
      const letsThrough = node.emitsEach || node.children.length === 0;
      const counted = letsThrough ? recordsIn - dropped : (this.#passed.get(node)?.count ?? 0);
      const own = node.source === null ? counted : taken;
      toAll.set(node, own);
      const chosen = node.children.reduce((sum, child) => sum + (this.#chosen.get(child)?.count ?? 0), 0);
      counts.set(node, { recordsIn, recordsOut: own + chosen });
    }
    return counts;
  }

  /** Keeps how far the counts have come, to be compared with later. */
  note(now: number): void {
    this.#notes = [this.#notes.at(-1)!, { at: now, counts: this.now() }];
  }

  /** The counts that `now` is compared with, and of when they are. */
  get before(): Note {
    return this.#notes[0]!;
  }
}

function counterIn(counters: Map<GraphNode, Counter>, node: GraphNode): Counter {
  let counter = counters.get(node);
  if (counter === undefined) counters.set(node, (counter = { count: 0 }));
  return counter;
}
