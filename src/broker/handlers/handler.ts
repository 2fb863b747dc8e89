import type { AnyApi, Api } from '../../protocol/index.ts';
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
