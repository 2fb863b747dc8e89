// A stream's records with what a table holds for their key at that moment. Only the stream causes output.
import type { Emit, GraphNode } from '../graph/node.ts';
import { KeyLocator, locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { StoreSpec } from '../state/store.ts';
import type { Joiner } from './stream-join.ts';
import { type GetterSupplier, storeGetter } from './table-values.ts';
import { answerNow } from './answer-now.ts';

export function joinTable(joiner: Joiner, kind: 'inner' | 'left', supplier: GetterSupplier) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const next = scope.forward(node);
    const getter = supplier.make(scope);
    const locator = locatorFor(scope, node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      if (value === null) {
        scope.drop('null-value', node);
        return;
      }
      let other: unknown = null;
      if (locator.locate(key, context)) {
        other = getter.get(key, locator.bytes, locator.start, locator.end);
      } else if (kind === 'inner') {
        scope.drop('null-key', node);
        return;
      }
      if (other === null && kind === 'inner') return;
      let joined: unknown;
      try {
        joined = answerNow(node, joiner(value, other, key));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(key, joined, timestamp, context);
    };
  };
}

export function joinGlobalTable(
  joiner: Joiner,
  keySelector: (key: unknown, value: unknown) => unknown,
  kind: 'inner' | 'left',
  spec: StoreSpec,
) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const next = scope.forward(node);
    const getter = storeGetter(spec).make(scope);
    const locator = new KeyLocator(spec.key, false);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      if (value === null) {
        scope.drop('null-value', node);
        return;
      }
      let joined: unknown;
      try {
        const mapped = answerNow(node, keySelector(key, value) ?? null);
        let other: unknown = null;
        if (locator.locate(mapped, context)) {
          other = getter.get(mapped, locator.bytes, locator.start, locator.end);
        } else if (kind === 'inner') {
          scope.drop('null-key', node);
          return;
        }
        if (other === null && kind === 'inner') return;
        joined = answerNow(node, joiner(value, other, mapped));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(key, joined, timestamp, context);
    };
  };
}
