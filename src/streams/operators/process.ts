import type { Header } from '../../client/index.ts';
import { checkEventTime, checkHeaders, checkProcessor, checkSchedule } from '../api/checks.ts';
import type { TaskContext } from '../api/context.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import type { ForwardedRecord, ProcessorContext, ProcessorSupplier } from '../api/processor.ts';
import type { TaskScope } from '../graph/node.ts';
import type { IntervalState } from '../state/interval-store.ts';
import type { KeyValueState } from '../state/key-value-store.ts';
import type { StateStore } from '../state/store.ts';
import { type StoreUser, typedKeyValueStore, typedSessionStore, typedWindowStore } from '../state/typed-stores.ts';
import type { WindowState } from '../state/window-store.ts';
import { MillraceError } from '../../util/index.ts';

/** Runs a user's processor: the one place where a record becomes an object. */
export function processorOperator(supplier: ProcessorSupplier<unknown, unknown, unknown, unknown>) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const next = scope.forward(node);
    const taskContext = scope.context;
    let currentKey: unknown = null;

    const forward = (record: ForwardedRecord<unknown, unknown>): void => {
      if (record.timestamp !== undefined) checkEventTime(`${node.name}: the forwarded timestamp`, record.timestamp);
      if (record.headers !== undefined) checkHeaders(node.name, record.headers);
      const key = 'key' in record ? record.key : currentKey;
      const before: readonly Header[] | undefined = record.headers === undefined ? undefined : taskContext.headers;
      const timestamp = taskContext.timestamp;
      if (record.headers !== undefined) taskContext.headers = record.headers;
      next(key, record.value, record.timestamp ?? timestamp, taskContext);
      if (before !== undefined) taskContext.headers = before;
      taskContext.timestamp = timestamp;
    };

    const processor = supplier(processorContext(scope, node, forward));
    checkProcessor(node.name, processor);
    scope.onClose(() => processor.close?.());

    return (key, value, timestamp, taskContext: TaskContext) => {
      taskContext.timestamp = timestamp;
      currentKey = key;
      try {
        processor.process({
          key,
          value,
          timestamp,
          get headers() {
            return taskContext.headers;
          },
        });
      } catch (error) {
        scope.failed(error, node);
      }
    };
  };
}

/** What a user's processor gets to know and do. */
export function processorContext(
  scope: TaskScope,
  node: GraphNode,
  forward: (record: ForwardedRecord<unknown, unknown>) => void,
): ProcessorContext<unknown, unknown> {
  const stateOf = <S extends StateStore>(name: string, kinds: readonly string[]): S => {
    const spec = node.stores.find((store) => store.name === name);
    if (spec === undefined) {
      throw new MillraceError(
        'UNKNOWN_STORE',
        `${node.name} is not connected to the state store ${name}; name it in its options`,
      );
    }
    if (!kinds.includes(spec.kind)) {
      throw new MillraceError('WRONG_STORE_KIND', `the state store ${name} is a ${spec.kind} store`);
    }
    return scope.store<S>(spec);
  };
  const user: StoreUser = { now: () => scope.context.timestamp, isProcessor: true };

  return {
    applicationId: scope.applicationId,
    taskId: scope.taskId,
    record: scope.context,
    forward,
    keyValueStore: (name) => typedKeyValueStore(stateOf<KeyValueState>(name, ['key-value']), user),
    windowStore: (name) => typedWindowStore(stateOf<WindowState | IntervalState>(name, ['window']), user),
    sessionStore: (name) => typedSessionStore(stateOf<IntervalState>(name, ['session']), user),
    schedule: (intervalMs, by, run) => {
      checkSchedule(node.name, intervalMs, by, run);
      const cancel = scope.schedule(intervalMs, by, (timestamp) => {
        try {
          run(timestamp);
        } catch (error) {
          scope.failed(error, node);
        }
      });
      return { cancel };
    },
    commit: () => scope.requestCommit(),
    currentStreamTimeMs: () => scope.streamTime(),
    currentSystemTimeMs: () => scope.now(),
  };
}
