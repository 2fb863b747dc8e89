// Functions that are not ours run under a time limit: one that does not end would hold up everything in its thread.
import { createContext, Script } from 'node:vm';
import { codeOf, MillraceError } from '../../util/index.ts';

let watched: { readonly context: Record<string, unknown>; readonly script: Script } | undefined;

/**
 * Calls a function, and ends it where it is when it takes longer than `limitMs`; 0: without a limit. Throws
 * `FUNCTION_TAKES_TOO_LONG`. Watching costs a tenth of a millisecond or two.
 */
export function withinLimit<T>(limitMs: number, call: () => T): T {
  if (limitMs === 0) return call();
  watched ??= {
    context: createContext(Object.create(null) as Record<string, unknown>),
    script: new Script('call()'),
  };
  watched.context['call'] = call;
  try {
    return watched.script.runInContext(watched.context, { timeout: limitMs }) as T;
  } catch (error) {
    if (codeOf(error) !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new MillraceError('FUNCTION_TAKES_TOO_LONG', `it takes longer than ${limitMs} ms`, { cause: error });
  }
}
