// The simple table operators: a table from a topic or stream, filter, mapValues.
import type { RecordContext } from '../api/context.ts';
import type { Emit, EmitChange, GraphNode } from '../graph/node.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { StoreSpec } from '../state/store.ts';
import { TableWriter } from './table-values.ts';
import { answerNow } from './answer-now.ts';

/** Latest value per key. Without a store it only passes changes on, and knows no old values. */
export function tableSource(store: () => StoreSpec | null, sendsOld: () => boolean) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const spec = store();
    const locator = locatorFor(scope, node);
    if (spec === null) {
      const next = scope.forwardChange(node);
      return (key, value, timestamp, context) => {
        if (!locator.locate(key, context)) scope.drop('null-key', node);
        else next(key, value, null, timestamp, context);
      };
    }
    const writer = new TableWriter(scope, node, spec, sendsOld());
    const { table } = writer;
    return (key, value, timestamp, context) => {
      if (!locator.locate(key, context)) {
        scope.drop('null-key', node);
        return;
      }
      writer.write(table.slotFor(locator.bytes, locator.start, locator.end), key, value, timestamp, context);
    };
  };
}

export interface TableOperator {
  /** The store of the operator's own results, if it has one. */
  readonly store: StoreSpec | null;
  readonly sendsOld: () => boolean;
}

/** Makes the function that makes the values, for one task. */
export type MapperOf = (scope: TaskScope, node: GraphNode) => Mapper;
type Mapper = (key: unknown, value: unknown, context: RecordContext) => unknown;
type Predicate = (key: unknown, value: unknown, context: RecordContext) => unknown;

/** A value that does not pass is deleted from the result. Where old values go along, rows that were never there are not deleted. */
export function tableFilter(predicate: Predicate, wanted: boolean, options: TableOperator) {
  const mapperOf: MapperOf = (_scope, node) => (key, value, context) => {
    const answer = answerNow(node, predicate(key, value, context));
    return Boolean(answer) === wanted ? value : null;
  };
  return tableMap(mapperOf, options, true);
}

export function tableMap(mapperOf: MapperOf, options: TableOperator, isFilter = false) {
  return (scope: TaskScope, node: GraphNode): EmitChange => {
    const sendsOld = options.sendsOld();
    const { context } = scope;
    const mapper = mapperOf(scope, node);
    const apply = (key: unknown, value: unknown) => (value === null ? null : mapper(key, value, context));
    if (options.store !== null) {
      const writer = new TableWriter(scope, node, options.store, sendsOld);
      const { table } = writer;
      const locator = locatorFor(scope, node);
      return (key, value, _old, timestamp, context) => {
        context.timestamp = timestamp;
        let mapped: unknown;
        try {
          mapped = answerNow(node, apply(key, value));
        } catch (error) {
          scope.failed(error, node);
          return;
        }
        locator.locate(key, context);
        const slot = table.slotFor(locator.bytes, locator.start, locator.end);
        if (isFilter && sendsOld && mapped === null && table.read(slot) === undefined) {
          table.discard(slot);
          return;
        }
        writer.write(slot, key, mapped, timestamp, context);
      };
    }
    const next = scope.forwardChange(node);
    return (key, value, old, timestamp, context) => {
      context.timestamp = timestamp;
      let mapped: unknown;
      let mappedOld: unknown = null;
      try {
        mapped = answerNow(node, apply(key, value));
        if (sendsOld) mappedOld = apply(key, old);
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      if (isFilter && sendsOld && mapped === null && mappedOld === null) return;
      next(key, mapped, mappedOld, timestamp, context);
    };
  };
}
