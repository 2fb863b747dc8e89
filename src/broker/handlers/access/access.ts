/**
 * What a request asks for and who sent it may not have. Each API has one rule, beside those of its kind in this folder and
 * listed in rules.ts: before the request is carried out, the rule takes away what is not allowed, or answers itself; behind it,
 * the rule adds to the answer what became of that, and takes out what is not for the eyes of who asked. Handlers know nothing
 * of it, and without an authorizer, and for the platform's own clients, none of it happens.
 */
import { AclOperation, AclResourceType, type AnyApi, type Api } from '../../../protocol/index.ts';
import { atOnce, Pace, type Steps } from '../../../util/index.ts';
import type { RequestContext } from '../../core.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import type { Handler } from '../handler.ts';

/** The name of the one resource of its type. */
export const CLUSTER_NAME = 'kafka-cluster';

/** What becomes of a request: it is answered as it is, or carried out as far as it may be. */
export type Outcome<Req, Res> =
  | { readonly answer: Res }
  | { readonly request: Req; readonly finish?: (response: Res) => Res | Steps<Res> };

export interface AccessRule {
  readonly api: AnyApi;
  readonly apply: (request: unknown, access: Access) => Maybe<Outcome<unknown, unknown>>;
}

/** Something that is there at once, or takes steps. */
type Maybe<T> = T | Steps<T>;

/** The rule of one API. */
export function accessRule<Req, Res>(
  api: Api<Req, Res>,
  apply: (request: Req, access: Access) => Maybe<Outcome<Req, Res>>,
): AccessRule {
  // The request is one of the API's, as its handler's is.
  return { api, apply: (request, access) => apply(request as Req, access) as Maybe<Outcome<unknown, unknown>> };
}

/** Everybody may ask for it. */
export function open(api: AnyApi): AccessRule {
  return { api, apply: (request) => ({ request }) };
}

/** Who may do something with the cluster may ask for it; the others are refused. */
export function ofCluster<Req, Res>(api: Api<Req, Res>, operation: number, refused: (request: Req) => Res): AccessRule {
  return accessRule(api, (request, access) =>
    access.mayCluster(operation) ? { request } : { answer: refused(request) },
  );
}

/** One resource is asked for, and without a right to it nothing is done. */
export function ofOne<Req, Res>(
  api: Api<Req, Res>,
  operation: number,
  { type, name, refused }: { type: number; name: (request: Req) => string; refused: (request: Req) => Res },
): AccessRule {
  return accessRule(api, (request, access) =>
    access.may(operation, type, name(request)) ? { request } : { answer: refused(request) },
  );
}

/** What those who sent one request may do. */
export class Access {
  readonly context: RequestContext;
  readonly #authorizer: Authorizer;
  readonly #apiName: string;
  readonly #pace = new Pace();

  constructor(context: RequestContext, authorizer: Authorizer, apiName: string) {
    this.context = context;
    this.#authorizer = authorizer;
    this.#apiName = apiName;
  }

  /** Whether something that was asked for is allowed; if not, that is told. */
  may(operation: number, resourceType: number, resourceName: string): boolean {
    const action = this.#actionOf(operation, resourceType, resourceName);
    const decision = this.#authorizer.decide(action);
    if (!decision.isAllowed) this.context.core.audit.denied(action, decision, this.#apiName);
    return decision.isAllowed;
  }

  /** The same where nobody asked for it in particular. */
  mayQuietly(operation: number, resourceType: number, resourceName: string): boolean {
    return this.#authorizer.decide(this.#actionOf(operation, resourceType, resourceName)).isAllowed;
  }

  mayCluster(operation: number): boolean {
    return this.may(operation, AclResourceType.CLUSTER, CLUSTER_NAME);
  }

  mayClusterQuietly(operation: number): boolean {
    return this.mayQuietly(operation, AclResourceType.CLUSTER, CLUSTER_NAME);
  }

  mayWithAny(operation: number, resourceType: number): boolean {
    return this.#authorizer.mayWithAny(this.#actionOf(operation, resourceType, ''));
  }

  /** What of many things is allowed, and what is not. */
  *split<T>(
    items: readonly T[],
    isAllowed: (item: T) => boolean,
  ): Steps<{ allowed: readonly T[]; denied: readonly T[] }> {
    const decided = yield* this.#pace.map(items, isAllowed);
    if (!decided.includes(false)) return { allowed: items, denied: [] };
    return { allowed: items.filter((_, i) => decided[i]), denied: items.filter((_, i) => !decided[i]) };
  }

  /** Only what is allowed. */
  *only<T>(items: readonly T[], isAllowed: (item: T) => boolean): Steps<readonly T[]> {
    return (yield* this.split(items, isAllowed)).allowed;
  }

  /** What else there is to do with each of many things. */
  *each<T, U>(items: readonly T[], change: (item: T) => U): Steps<readonly U[]> {
    return yield* this.#pace.map(items, change);
  }

  /** What may be done with a resource, as a bit field with one bit per operation (KIP-430). */
  operationsOn(resourceType: number, resourceName: string): number {
    return (SUPPORTED.get(resourceType) ?? [])
      .filter((operation) => this.mayQuietly(operation, resourceType, resourceName))
      .reduce((field, operation) => field | (1 << operation), 0);
  }

  operationsOnCluster(): number {
    if (!this.mayCluster(AclOperation.DESCRIBE)) return 0;
    return this.operationsOn(AclResourceType.CLUSTER, CLUSTER_NAME);
  }

  #actionOf(operation: number, resourceType: number, resourceName: string) {
    const { session, clientHost } = this.context;
    return { principal: session.principal, host: clientHost, operation, resourceType, resourceName };
  }
}

const { READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS } = AclOperation;
/** The operations that there are with each type of resource. */
const SUPPORTED: ReadonlyMap<number, readonly number[]> = new Map([
  [AclResourceType.TOPIC, [READ, WRITE, CREATE, DESCRIBE, DELETE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  [AclResourceType.GROUP, [READ, DESCRIBE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  [
    AclResourceType.CLUSTER,
    [CREATE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, AclOperation.IDEMPOTENT_WRITE, ALTER, DESCRIBE],
  ],
]);

/** A handler behind its rule. */
export function guarded(handler: Handler, rule: AccessRule): Handler {
  const { api } = handler;
  return {
    api,
    handle(request, context) {
      const { authorizer } = context.core;
      if (authorizer === undefined || context.session.isPlatform) return handler.handle(request, context);
      const steps = rule.apply(request, new Access(context, authorizer, api.name));
      return inSteps(steps, context, (outcome) => {
        if ('answer' in outcome) return outcome.answer;
        const response = handler.handle(outcome.request, context);
        const { finish } = outcome;
        if (finish === undefined) return response;
        const finished = (value: unknown): unknown => inSteps(finish(value), context, (last) => last);
        return response instanceof Promise ? response.then(finished) : finished(response);
      });
    },
  };
}

/** At once where one step is enough, else in turns with others. */
function inSteps<T>(steps: Maybe<T>, { inTurns }: RequestContext, then: (value: T) => unknown): unknown {
  if (!isSteps(steps)) return then(steps);
  if (inTurns === undefined) return then(atOnce(steps));
  const first = steps.next();
  return first.done === true ? then(first.value) : inTurns(steps).then(then);
}

function isSteps<T>(value: Maybe<T>): value is Steps<T> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
