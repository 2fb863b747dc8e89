// Table-table joins on equal keys: a change on one side is joined with the other side's current value.
import type { EmitChange, GraphNode } from '../graph/node.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { StoreSpec } from '../state/store.ts';
import type { Joiner } from './stream-join.ts';
import { type GetterSupplier, TableWriter } from './table-values.ts';
import { answerNow } from './answer-now.ts';

export type TableJoinKind = 'inner' | 'left' | 'outer';

/** What the join holds for two values, or null. */
function resultOf(kind: TableJoinKind, joiner: Joiner, left: unknown, right: unknown, key: unknown): unknown {
  if (left === null && (kind !== 'outer' || right === null)) return null;
  if (right === null && kind === 'inner') return null;
  return joiner(left, right, key) ?? null;
}

export interface TableJoinSide {
  readonly isLeft: boolean;
  readonly kind: TableJoinKind;
  readonly joiner: Joiner;
  readonly other: GetterSupplier;
  readonly sendsOld: () => boolean;
}

export function joinTableSide(options: TableJoinSide) {
  return (scope: TaskScope, node: GraphNode): EmitChange => {
    const { isLeft, kind, joiner } = options;
    const next = scope.forwardChange(node);
    const getter = options.other.make(scope);
    const locator = locatorFor(scope, node);
    const sendsOld = options.sendsOld();
    /** The other side has to exist for there to be a result. */
    const needsOther = kind === 'inner' || (kind === 'left' && !isLeft);
    return (key, value, old, timestamp, context) => {
      if (!context.isLatest) {
        scope.drop('out-of-order', node);
        return;
      }
      if (!locator.locate(key, context)) {
        scope.drop('null-key', node);
        return;
      }
      const other = getter.get(key, locator.bytes, locator.start, locator.end);
      if (other === null && (needsOther || (value === null && old === null))) return;
      const time = other === null ? timestamp : Math.max(timestamp, getter.timestamp);
      context.timestamp = time;
      let result: unknown;
      let before: unknown = null;
      try {
        result = answerNow(
          node,
          isLeft ? resultOf(kind, joiner, value, other, key) : resultOf(kind, joiner, other, value, key),
        );
        if (sendsOld)
          before = isLeft ? resultOf(kind, joiner, old, other, key) : resultOf(kind, joiner, other, old, key);
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(key, result, before, time, context);
    };
  };
}

/** What both sides emit becomes the joined table, stored where it was asked for. */
export function mergeTable(store: StoreSpec | null, sendsOld: () => boolean) {
  return (scope: TaskScope, node: GraphNode): EmitChange => {
    if (store === null) return scope.forwardChange(node);
    const writer = new TableWriter(scope, node, store, sendsOld());
    const locator = locatorFor(scope, node);
    return (key, value, _old, timestamp, context) => {
      locator.locate(key, context);
      const slot = writer.table.slotFor(locator.bytes, locator.start, locator.end);
      writer.write(slot, key, value, timestamp, context);
    };
  };
}

export function joinGetter(
  left: GetterSupplier,
  right: GetterSupplier,
  joiner: Joiner,
  kind: TableJoinKind,
): GetterSupplier {
  return {
    stores: [...new Set([...left.stores, ...right.stores])],
    isVersioned: false,
    readsKey: left.readsKey || right.readsKey || joiner.length !== 2,
    make: (scope) => {
      const one = left.make(scope);
      const other = right.make(scope);
      return {
        timestamp: -1,
        get(key, bytes, start, end) {
          const a = one.get(key, bytes, start, end);
          const b = other.get(key, bytes, start, end);
          this.timestamp = Math.max(one.timestamp, other.timestamp);
          return resultOf(kind, joiner, a, b, key);
        },
      };
    },
  };
}
