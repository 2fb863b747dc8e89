// What users hand to the operators that wait, as functions of one attempt that answer what goes on.
import { MillraceError } from '../../util/index.ts';
import type { AsyncCall } from '../api/context.ts';
import type { AsyncProcessor, AsyncProcessorContext, StreamRecord } from '../api/processor.ts';
import type { GraphNode, TaskScope } from '../graph/node.ts';
import type { Attempt, Result, Results } from './async-calls.ts';
import { checkForwarded, connectedStores, inputOf } from './process.ts';

type AsyncMapper<R> = (key: unknown, value: unknown, call: AsyncCall) => R | Promise<R>;

export function asyncValue(mapper: AsyncMapper<unknown>) {
  return async ({ key, value, call }: Attempt): Promise<Results> => [{ key, value: await mapper(key, value, call) }];
}

export function asyncPairs(mapper: AsyncMapper<Iterable<readonly [unknown, unknown]>>) {
  return async ({ key, value, call }: Attempt): Promise<Results> =>
    Array.from(await mapper(key, value, call), ([key, value]) => ({ key, value }));
}

/** A processor's function, with the stores of its task, and a `forward` that counts when it has ended well. */
export function asyncProcess(process: AsyncProcessor<unknown, unknown, unknown, unknown>) {
  return (scope: TaskScope, node: GraphNode) =>
    async ({ key, value, call, isOver }: Attempt): Promise<Results> => {
      const results: Result[] = [];
      const checkOpen = (): void => {
        if (!isOver()) return;
        throw new MillraceError('CALL_IS_OVER', `${node.name}: the call is over, and nobody hears of what it does`);
      };
      const stores = connectedStores(scope, node, () => call.timestamp);
      const record: StreamRecord<unknown, unknown> = { key, value, timestamp: call.timestamp, headers: call.headers };
      const context: AsyncProcessorContext<unknown, unknown> = {
        applicationId: scope.applicationId,
        taskId: scope.taskId,
        record: call,
        forward(forwarded, child) {
          checkOpen();
          checkForwarded(node, forwarded);
          results.push({ ...forwarded, child: child === undefined ? undefined : inputOf(scope, node, child) });
        },
        keyValueStore: (name) => whileOpen(stores.keyValueStore(name) as never, checkOpen),
        versionedStore: (name) => whileOpen(stores.versionedStore(name) as never, checkOpen),
        customStore: (name) => whileOpen(stores.customStore(name) as never, checkOpen),
        windowStore: (name) => whileOpen(stores.windowStore(name) as never, checkOpen),
        sessionStore: (name) => whileOpen(stores.sessionStore(name) as never, checkOpen),
      };
      await process(record, context);
      return results;
    };
}

/** A store whose methods work as long as `check` lets them. */
function whileOpen<S extends object>(store: S, check: () => void): S {
  return new Proxy(store, {
    get(target, name) {
      check();
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
