/**
 * `controller_mutation_rate` (KIP-599): how many partitions a client may have made and removed per second. Newer clients are
 * refused what is too much (THROTTLING_QUOTA_EXCEEDED) and told when to try again; older ones, which do not know that error, have
 * it done and are held back.
 */
import {
  createPartitions,
  createTopics,
  deleteTopics,
  ErrorCode,
  type RequestOf,
  respond,
  type ResponseOf,
  ZERO_UUID,
} from '../../protocol/index.ts';
import type { RequestContext } from '../core.ts';
import type { Limit } from '../quotas/client-quotas.ts';
import { consumerOf } from '../quotas/throttle.ts';
import type { Handler } from './handler.ts';

const EXCEEDED = {
  errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED as number,
  errorMessage: 'The throttling quota has been exceeded.',
};

/** What of a request is left, and what becomes of the answer. */
interface Rest {
  readonly request: unknown;
  readonly finish: (response: unknown) => unknown;
}

interface Rule {
  /** The first version whose clients know the error. */
  readonly strictFrom: number;
  readonly split: (request: never, meter: Meter, context: RequestContext) => Rest;
}

/** Counts what a request changes. */
class Meter {
  readonly #context: RequestContext;
  readonly #limit: Limit;
  readonly #isStrict: boolean;
  /** How long the client should wait. */
  waitMs = 0;

  constructor(context: RequestContext, limit: Limit, isStrict: boolean) {
    this.#context = context;
    this.#limit = limit;
    this.#isStrict = isStrict;
  }

  /** True when partitions may be changed. */
  admits(partitions: number): boolean {
    const { quotas, environment } = this.#context.core;
    const waitMs = quotas.take(this.#limit, partitions, environment.now());
    this.waitMs = Math.max(this.waitMs, waitMs);
    return waitMs === 0 || !this.#isStrict;
  }

  /** An answer with what was refused, and the time to wait. */
  finish<R extends { readonly throttleTimeMs: number }>(response: R): R {
    return { ...response, throttleTimeMs: Math.max(response.throttleTimeMs, this.waitMs) };
  }
}

function rule<Req, Res extends { readonly throttleTimeMs: number }>(
  strictFrom: number,
  split: (request: Req, meter: Meter, context: RequestContext) => { request: Req; add: (response: Res) => Res },
): Rule {
  return {
    strictFrom,
    split(request, meter, context) {
      const rest = split(request, meter, context);
      return { request: rest.request, finish: (response) => meter.finish(rest.add(response as Res)) };
    },
  };
}

const RULES: ReadonlyMap<number, Rule> = new Map([
  [
    createTopics.key,
    rule<RequestOf<typeof createTopics>, ResponseOf<typeof createTopics>>(6, (request, meter, { core }) => {
      if (request.validateOnly) return { request, add: (response) => response };
      const partitionsOf = ({ numPartitions, assignments }: (typeof request.topics)[number]): number =>
        assignments.length || (numPartitions > 0 ? numPartitions : core.settings['num.partitions']);
      const isAdmitted = request.topics.map((topic) => meter.admits(partitionsOf(topic)));
      const refused = request.topics.filter((_, i) => !isAdmitted[i]).map(({ name }) => ({ name, ...EXCEEDED }));
      return {
        request: { ...request, topics: request.topics.filter((_, i) => isAdmitted[i]) },
        add: (response) => ({
          ...response,
          topics: [...response.topics, ...respond(createTopics, { topics: refused }).topics],
        }),
      };
    }),
  ],
  [
    createPartitions.key,
    rule<RequestOf<typeof createPartitions>, ResponseOf<typeof createPartitions>>(3, (request, meter, { core }) => {
      if (request.validateOnly) return { request, add: (response) => response };
      const grownBy = ({ name, count }: (typeof request.topics)[number]): number =>
        Math.max(0, count - (core.topics.get(name)?.partitions.length ?? count));
      const isAdmitted = request.topics.map((topic) => meter.admits(grownBy(topic)));
      const refused = request.topics.filter((_, i) => !isAdmitted[i]).map(({ name }) => ({ name, ...EXCEEDED }));
      return {
        request: { ...request, topics: request.topics.filter((_, i) => isAdmitted[i]) },
        add: (response) => ({ ...response, results: [...response.results, ...refused] }),
      };
    }),
  ],
  [
    deleteTopics.key,
    rule<RequestOf<typeof deleteTopics>, ResponseOf<typeof deleteTopics>>(5, (request, meter, { core }) => {
      const sizeOf = (name: string | null, topicId: string): number =>
        (name === null ? core.topics.byId(topicId) : core.topics.get(name))?.partitions.length ?? 0;
      const isAdmitted = request.topics.map(({ name, topicId }) => meter.admits(sizeOf(name, topicId)));
      const isNameAdmitted = request.topicNames.map((name) => meter.admits(sizeOf(name, ZERO_UUID)));
      const refused = [
        ...request.topics.filter((_, i) => !isAdmitted[i]),
        ...request.topicNames.filter((_, i) => !isNameAdmitted[i]).map((name) => ({ name, topicId: ZERO_UUID })),
      ];
      return {
        request: {
          ...request,
          topics: request.topics.filter((_, i) => isAdmitted[i]),
          topicNames: request.topicNames.filter((_, i) => isNameAdmitted[i]),
        },
        add: (response) => ({
          ...response,
          responses: [...response.responses, ...refused.map((topic) => ({ ...topic, ...EXCEEDED }))],
        }),
      };
    }),
  ],
]);

/** A handler, and before it the limit of what its requests may change. */
export function withMutationQuota(handler: Handler): Handler {
  const found = RULES.get(handler.api.key);
  if (found === undefined) return handler;
  return {
    api: handler.api,
    handle(request, context) {
      const { quotas } = context.core;
      if (!quotas.areAny || context.session.isPlatform) return handler.handle(request, context);
      const limit = quotas.limitOf('controller_mutation_rate', consumerOf(context.session, context.clientId));
      if (limit === undefined) return handler.handle(request, context);
      const meter = new Meter(context, limit, context.version >= found.strictFrom);
      const rest = found.split(request as never, meter, context);
      const response = handler.handle(rest.request, context);
      return response instanceof Promise ? response.then(rest.finish) : rest.finish(response);
    },
  };
}
