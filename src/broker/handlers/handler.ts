import type { AnyApi, Api } from '../../protocol/index.ts';
import { atOnce, type Steps } from '../../util/index.ts';
import type { RequestContext } from '../core.ts';

/**
 * Answers one kind of request. It runs synchronously as far as it can: what it changes in memory is changed when it
 * returns, so that requests of a connection take effect in their order. What has to wait is a promise.
 */
export interface Handler {
  readonly api: AnyApi;
  handle(request: unknown, context: RequestContext): unknown;
}

export function on<Req, Res>(
  api: Api<Req, Res>,
  handle: (request: Req, context: RequestContext) => Res | Promise<Res>,
): Handler {
  return { api, handle: (request, context) => handle(request as Req, context) };
}

/**
 * The same for work on each of the things that a request lists, of which there may be many: where one step is not enough,
 * others have their turn between two. What has to change together is changed in one step, on what is there then.
 */
export function inStepsOn<Req, Res>(
  api: Api<Req, Res>,
  handle: (request: Req, context: RequestContext) => Steps<Res | Promise<Res>>,
): Handler {
  return {
    api,
    handle(request, context) {
      const steps = handle(request as Req, context);
      if (context.inTurns === undefined) return atOnce(steps);
      const first = steps.next();
      return first.done === true ? first.value : context.inTurns(steps);
    },
  };
}
