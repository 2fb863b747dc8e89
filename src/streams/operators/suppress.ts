import type { TaskContext } from '../api/context.ts';
import type { EmitChange, GraphNode } from '../graph/node.ts';
import type { Suppressed } from '../api/options.ts';
import { locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { BufferState } from '../state/buffer-store.ts';
import type { StoreSpec } from '../state/store.ts';
import type { Windowed } from '../api/windows.ts';
import { MillraceError } from '../../util/index.ts';

/**
 * Holds changes back until their time has come: a window's end plus grace, or some time after the first change of a key.
 * Only the last change of a key is kept; it stays where the first one stood in line. Time passes with the data.
 */
export function suppressOperator(spec: StoreSpec, options: Suppressed, graceMs: number, sendsOld: () => boolean) {
  return (scope: TaskScope, node: GraphNode): EmitChange => {
    const buffer = scope.store<BufferState>(spec);
    const next = scope.forwardChange(node);
    const locator = locatorFor(scope, node);
    const position = scope.position(node.name);
    const finalResults = options.until === 'windowCloses';
    const waitMs = options.until === 'windowCloses' ? graceMs : options.ms;
    const maxRecords = options.maxRecords ?? Number.POSITIVE_INFINITY;
    const failsWhenFull = finalResults || (options.until === 'timeLimit' && options.whenFull === 'fail');
    const keepsOld = sendsOld();
    let longestMs = 0;
    scope.holdsBack(node, position, () => longestMs + waitMs);

    const emitDue = (streamTime: number, context: TaskContext): void => {
      const until = streamTime - waitMs;
      while (buffer.size > 0 && (buffer.minTime <= until || buffer.size > maxRecords)) {
        if (buffer.minTime > until && failsWhenFull) {
          throw new MillraceError(
            'SUPPRESS_BUFFER_FULL',
            `${node.name} holds more than ${maxRecords} records; raise maxRecords`,
          );
        }
        const entry = buffer.takeFirst();
        if (finalResults && entry.value === null) continue;
        const { keyBytes, keyStart, keyEnd } = context;
        context.keyBytes = entry.key;
        context.keyStart = 0;
        context.keyEnd = entry.key.length;
        next(spec.key.decode(entry.key, 0, entry.key.length), entry.value, entry.old, entry.timestamp, context);
        context.keyBytes = keyBytes;
        context.keyStart = keyStart;
        context.keyEnd = keyEnd;
      }
    };
    scope.onTime(node, () => emitDue(scope.timeOf(position), scope.context));

    return (key, value, old, timestamp, context) => {
      const streamTime = scope.timeAfter(position, timestamp);
      if (!locator.locate(key, context)) {
        scope.drop('null-key', node);
        return;
      }
      let time = timestamp;
      if (finalResults) {
        const { start, end } = key as Windowed<unknown>;
        if (end - start > longestMs) longestMs = end - start;
        time = end;
      }
      buffer.put(locator, time, value, keepsOld ? old : null, timestamp);
      emitDue(streamTime, context);
    };
  };
}
