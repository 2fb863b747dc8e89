import type { Emit, GraphNode } from '../graph/node.ts';
import type { EmitStrategy, Reads, WindowTime } from '../api/options.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { StoreSpec } from '../state/store.ts';
import { ByteWriter } from '../../util/index.ts';
import { TableWriter } from './table-values.ts';
import { answerNow } from './answer-now.ts';

/** How a group's aggregate is made. A null `initial` hands `add` null for the first value. */
export interface Aggregation {
  readonly initial: (() => unknown) | null;
  readonly add: (key: unknown, value: unknown, aggregate: unknown) => unknown;
  /** Makes one aggregate of two sessions. */
  readonly merge: ((key: unknown, one: unknown, other: unknown) => unknown) | null;
  readonly reads: Reads;
}

/** What aggregates per window, whatever the windows are, are made of. */
export interface WindowedAggregation<W> {
  readonly spec: StoreSpec;
  readonly windows: W;
  readonly aggregation: Aggregation;
  readonly strategy: EmitStrategy;
  readonly time: WindowTime;
  readonly sendsOld: () => boolean;
}

/**
 * One aggregate per key. Null keys and null values are left out; the result's time is the latest seen in the group; a null
 * aggregate deletes its key.
 */
export function aggregateStream(spec: StoreSpec, aggregation: Aggregation, sendsOld: () => boolean) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const writer = new TableWriter(scope, node, spec, sendsOld());
    const { table } = writer;
    const locator = locatorFor(scope, node);
    const { initial, add } = aggregation;
    const mine = sendsOld() ? copying(spec) : asIs;
    return (key, value, timestamp, context) => {
      if (value === null || !locator.locate(key, context)) {
        scope.drop(value === null ? 'null-value' : 'null-key', node);
        return;
      }
      const slot = table.slotFor(locator.bytes, locator.start, locator.end);
      const old = table.read(slot);
      let result: unknown;
      try {
        result = answerNow(
          node,
          add(key, value, old === undefined ? (initial === null ? null : initial()) : mine(old)),
        );
      } catch (error) {
        table.discard(slot);
        scope.failed(error, node);
        return;
      }
      const before = old === undefined ? timestamp : table.timestampOf(slot);
      writer.write(slot, key, result ?? null, timestamp > before ? timestamp : before, context);
    };
  };
}

const asIs = (value: unknown): unknown => value;

/**
 * Where the old aggregate goes downstream too, an aggregator that changes the one it was given would change both: it gets
 * a copy then.
 */
export function copying(spec: StoreSpec): (value: unknown) => unknown {
  const out = new ByteWriter();
  return (value) => {
    if (typeof value !== 'object' || value === null) return value;
    out.reset();
    spec.value.encode(value, out);
    return spec.value.decode(out.copy(), 0, out.position);
  };
}

export function ownCopy(spec: StoreSpec, sendsOld: boolean): (value: unknown) => unknown {
  return sendsOld ? copying(spec) : asIs;
}
