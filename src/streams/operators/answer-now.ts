import { MillraceError } from '../../util/index.ts';
import type { GraphNode } from '../graph/node.ts';

/**
 * What a user's function returned, which is used at once: a promise would be taken for a value, a true, or for something that
 * has been done. Throws `PROMISE_RETURNED`, which stops the application whatever is said of failures: it is not the record's.
 */
export function answerNow<R>(node: Pick<GraphNode, 'name'>, result: R): R {
  if (!(result instanceof Promise)) return result;
  // Whatever becomes of it is not told as nobody's.
  result.catch(() => {});
  throw new MillraceError(
    'PROMISE_RETURNED',
    `${node.name}: its function returned a promise, and nobody waits for it; mapValuesAsync, flatMapAsync and processAsync do`,
  );
}
