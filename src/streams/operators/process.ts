import type { Header } from '../../client/index.ts';
import { checkEventTime, checkHeaders, checkProcessor, checkSchedule } from '../api/checks.ts';
import type { TaskContext } from '../api/context.ts';
import type { Emit, GraphNode } from '../graph/node.ts';
import type { ForwardedRecord, ProcessorContext, ProcessorSupplier } from '../api/processor.ts';
import type { TaskScope } from '../graph/node.ts';
import type { CustomState } from '../state/custom-store.ts';
import type { IntervalState } from '../state/interval-store.ts';
import type { KeyValueState } from '../state/key-value-store.ts';
import type { StateStore } from '../state/store.ts';
import {
  type StoreUser,
  typedKeyValueStore,
  typedSessionStore,
  typedVersionedStore,
  typedWindowStore,
} from '../state/typed-stores.ts';
import type { VersionedState } from '../state/versioned-store.ts';
import type { WindowState } from '../state/window-store.ts';
import { MillraceError } from '../../util/index.ts';
import { answerNow } from './answer-now.ts';

/** Runs a user's processor: the one place where a record becomes an object. */
export function processorOperator(supplier: ProcessorSupplier<unknown, unknown, unknown, unknown>) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const next = scope.forward(node);
    const taskContext = scope.context;
    let currentKey: unknown = null;

    const forward = (record: ForwardedRecord<unknown, unknown>, child?: string): void => {
      checkForwarded(node, record);
      forwardRecord(child === undefined ? next : inputOf(scope, node, child), taskContext, currentKey, record);
    };

    const processor = supplier(processorContext(scope, node, forward));
    checkProcessor(node.name, processor);
    scope.onClose(() => processor.close?.());

    return (key, value, timestamp, taskContext: TaskContext) => {
      taskContext.timestamp = timestamp;
      currentKey = key;
      try {
        const answer: unknown = processor.process({
          key,
          value,
          timestamp,
          get headers() {
            return taskContext.headers;
          },
        });
        answerNow(node, answer);
      } catch (error) {
        scope.failed(error, node);
      }
    };
  };
}

/** The operator behind `node` that has this name. */
export function inputOf(scope: TaskScope, node: GraphNode, child: string): Emit {
  const found = node.children.find(({ name }) => name === child);
  if (found !== undefined) return scope.inputOf(found);
  const names = node.children.map(({ name }) => name).join(', ');
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${node.name} forwards to ${child}, but behind it are ${names || 'none'}`,
  );
}

/** Refuses what can't go on. */
export function checkForwarded(node: GraphNode, { timestamp, headers }: ForwardedRecord<unknown, unknown>): void {
  if (timestamp !== undefined) checkEventTime(`${node.name}: the forwarded timestamp`, timestamp);
  if (headers !== undefined) checkHeaders(node.name, headers);
}

/** Lets a record go on under the one at hand, whose key, time and headers it has where it has none of its own. */
export function forwardRecord(
  next: Emit,
  context: TaskContext,
  ownKey: unknown,
  record: ForwardedRecord<unknown, unknown>,
): void {
  const key = 'key' in record ? record.key : ownKey;
  const before: readonly Header[] | undefined = record.headers === undefined ? undefined : context.headers;
  const { timestamp } = context;
  if (record.headers !== undefined) context.headers = record.headers;
  next(key, record.value, record.timestamp ?? timestamp, context);
  if (before !== undefined) context.headers = before;
  context.timestamp = timestamp;
}

/** What a user's processor gets to know and do. */
export function processorContext(
  scope: TaskScope,
  node: GraphNode,
  forward: ProcessorContext<unknown, unknown>['forward'],
): ProcessorContext<unknown, unknown> {
  return {
    applicationId: scope.applicationId,
    taskId: scope.taskId,
    record: scope.context,
    forward,
    ...connectedStores(scope, node, () => scope.context.timestamp),
    schedule: (intervalMs, by, run) => {
      checkSchedule(node.name, intervalMs, by, run);
      const cancel = scope.schedule(intervalMs, by, (timestamp) => {
        try {
          answerNow(node, run(timestamp));
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

type StoreAccess = Pick<
  ProcessorContext<unknown, unknown>,
  'keyValueStore' | 'versionedStore' | 'customStore' | 'windowStore' | 'sessionStore'
>;

/** The stores that an operator is connected to, by name. What is put into them has the time that `now` says. */
export function connectedStores(
  scope: Pick<TaskScope, 'store' | 'globalStore'>,
  node: Pick<GraphNode, 'name' | 'stores'>,
  now: () => number,
): StoreAccess {
  const stateOf = <S extends StateStore>(name: string, kinds: readonly string[]): S => {
    const global = scope.globalStore(name);
    const spec = global?.spec ?? node.stores.find((store) => store.name === name);
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
  const userOf = (name: string): StoreUser => ({
    now,
    isProcessor: true,
    mayWrite:
      scope.globalStore(name) === undefined &&
      node.stores.every((spec) => spec.name !== name || spec.writer === undefined || spec.writer === node.name),
  });
  return {
    keyValueStore: (name) => typedKeyValueStore(stateOf<KeyValueState>(name, ['key-value']), userOf(name)),
    versionedStore: (name) => typedVersionedStore(stateOf<VersionedState>(name, ['versioned']), userOf(name)),
    customStore: (name) => stateOf<CustomState>(name, ['custom']).store as never,
    windowStore: (name) => typedWindowStore(stateOf<WindowState | IntervalState>(name, ['window']), userOf(name)),
    sessionStore: (name) => typedSessionStore(stateOf<IntervalState>(name, ['session']), userOf(name)),
  };
}
