// Connect over HTTP: requests find their route, answers and errors get Kafka Connect's form, and what takes too long is not
// waited for. What a route takes and answers is in the tables beside this file.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  addHealth,
  addMetrics,
  type CheckPassword,
  httpServer,
  type Listenable,
  Negotiation,
  type RimSettings,
  type RouteDescription,
} from '../../rim/index.ts';
import { type Environment, printJson, systemEnvironment } from '../../util/index.ts';
import type { Herder } from '../herder/herder.ts';
import type { WorkerClient } from '../herder/worker-client.ts';
import { adminRoutes } from './admin.ts';
import { Answer, type Call, type Route, type Routes } from './call.ts';
import { connectorRoutes } from './connectors.ts';
import { asRestError, isForLater, plainError, RestError } from './errors.ts';
import { pluginRoutes } from './plugins.ts';
import { rootRoutes } from './root.ts';

const JSON_TYPE = 'application/json';
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const;
type Method = (typeof METHODS)[number];
/** Of the original, in which it cannot be set either. */
const REQUEST_TIMEOUT_MS = 90_000;
const HEALTH_TIMEOUT_MS = 10_000;
/** A config has no more than a few pages; this is for tasks with long lists in theirs. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** Requests between workers, which are signed. */
const INTERNAL = /^(POST \/connectors\/[^/?]+\/tasks|PUT \/connectors\/[^/?]+\/fence)\/?(\?|$)/;
const RETRY_SECONDS = '1';

export interface ConnectRestOptions {
  readonly herder: Herder;
  /** What requests go on with to other workers. */
  readonly client: WorkerClient;
  readonly settings: RimSettings;
  /** Answer over TLS, with the certificates that the settings name. */
  readonly isTls?: boolean;
  /** What the worker is told to be. */
  readonly version: string;
  readonly commit?: string;
  /** Which routes are here: `admin` alone for `admin.listeners`. Default: all. */
  readonly routes?: 'all' | 'without-admin' | 'admin';
  /** Whether requests between workers are signed, so that they need no login. */
  readonly isSigned?: boolean;
  readonly tracksTopics?: boolean;
  readonly mayResetTopics?: boolean;
  readonly requestTimeoutMs?: number;
  readonly healthTimeoutMs?: number;
  readonly environment?: Environment;
  /** Whether a user of the broker has a password. */
  readonly checkPassword?: CheckPassword | undefined;
  /** Called with what an operator may want to know. */
  readonly log?: (message: string) => void;
}

/** A server of Connect's REST on a herder; the caller listens and closes, and closes the herder behind it. */
export function connectServer(options: ConnectRestOptions): Listenable {
  const { herder, isTls = false, isSigned = false, environment = systemEnvironment, log = () => {} } = options;
  const { app } = httpServer({
    settings: options.settings,
    isTls,
    bodyBytesMax: BODY_BYTES_MAX,
    consumes: [JSON_TYPE],
    ignoreTrailingSlash: true,
    needsNoLogin: (method, url) => isSigned && INTERNAL.test(`${method} ${url}`),
    fail,
    checkPassword: options.checkPassword,
    log,
  });
  addMetrics(app, { prefix: 'kafka_connect', gauges: gaugesOf(herder) }, log);
  addHealth(app, { herder: () => herder.checkHealth().then(() => undefined) }, environment);
  // JSON is UTF-8 and says nothing about it; some clients compare the type as a text.
  app.addHook('onSend', (_request, reply, payload, done) => {
    const type = String(reply.getHeader('content-type') ?? '');
    if (type.includes('json')) reply.header('content-type', type.replace('; charset=utf-8', ''));
    done(null, payload);
  });
  app.setNotFoundHandler((_request, reply) => fail(reply, plainError(404)));
  addRoutes(app, routesOf(options, environment), options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS, environment, herder);
  return { listen: (address) => app.listen(address), close: () => app.close() };
}

function routesOf(options: ConnectRestOptions, environment: Environment): Routes {
  const { herder, client, version, commit = '', routes = 'all' } = options;
  if (routes === 'admin') return adminRoutes(herder);
  const { tracksTopics = true, mayResetTopics = true, healthTimeoutMs = HEALTH_TIMEOUT_MS } = options;
  return {
    ...rootRoutes({ herder, version, commit, healthTimeoutMs, environment }),
    ...connectorRoutes({ herder, client, tracksTopics, mayResetTopics }),
    ...pluginRoutes(herder),
    ...(routes === 'all' ? adminRoutes(herder) : {}),
  };
}

function gaugesOf(herder: Herder) {
  return [
    { name: 'connectors', help: 'Connectors that there are.', value: () => herder.connectors().length },
    {
      name: 'tasks',
      help: 'Tasks of all connectors.',
      value: () => herder.connectors().reduce((sum, name) => sum + (herder.infoNow(name)?.tasks.length ?? 0), 0),
    },
  ];
}

function addRoutes(
  app: FastifyInstance,
  routes: Routes,
  timeoutMs: number,
  environment: Environment,
  herder: Herder,
): void {
  const methodsOf = new Map<string, Method[]>();
  const negotiation = new Negotiation([JSON_TYPE]);
  const within = (work: () => unknown) => waitedFor(work, timeoutMs, environment, herder);
  for (const [path, route] of Object.entries(routes)) {
    const [method, url] = path.split(' ') as [Method, string];
    methodsOf.set(url, [...(methodsOf.get(url) ?? []), method]);
    app.route({
      method,
      url,
      config: route.isInternal === true ? {} : { description: described(route) },
      handler: async (request, reply) => {
        if (negotiation.mediaType(request.headers.accept) === undefined) throw plainError(406);
        return send(reply, await within(() => route.answer(callOf(request))));
      },
    });
  }
  for (const [url, allowed] of methodsOf) {
    const allow = [...allowed, 'OPTIONS'].join(', ');
    app.route({
      method: [...METHODS.filter((method) => !allowed.includes(method)), 'OPTIONS'],
      url,
      handler: async (request, reply) => {
        reply.header('allow', allow);
        if (request.method !== 'OPTIONS') throw plainError(405);
        return reply.type('text/plain').send(allow);
      },
    });
  }
}

function described({ answer: _, isInternal: __, ...route }: Route): RouteDescription {
  return { ...route, consumes: route.body === undefined ? [] : [JSON_TYPE], produces: [JSON_TYPE] };
}

function callOf(request: FastifyRequest): Call {
  return {
    method: request.method,
    path: request.url.split('?')[0]!,
    params: request.params as Call['params'],
    query: request.query as Call['query'],
    body: String(request.body ?? ''),
    headers: request.headers,
    baseUrl: `${request.protocol}://${request.host}`,
  };
}

/** What is asked for goes on when it takes too long, but nobody waits for it any more. */
function waitedFor(work: () => unknown, timeoutMs: number, environment: Environment, herder: Herder): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const cancel = environment.after(timeoutMs, () => reject(new RestError(500, `Request timed out. ${herder.stage}`)));
    Promise.resolve().then(work).then(resolve, reject).finally(cancel);
  });
}

function send(reply: FastifyReply, answer: unknown): FastifyReply {
  const { status, body, location } =
    answer instanceof Answer ? answer : new Answer(answer === undefined ? 204 : 200, answer);
  reply.code(status);
  if (location !== undefined) reply.header('location', location);
  if (body === undefined) return reply.send();
  return reply.type(JSON_TYPE).send(typeof body === 'string' ? body : printJson(body));
}

function fail(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, message } = asRestError(error);
  if (isForLater(error)) reply.header('retry-after', RETRY_SECONDS);
  return reply
    .code(status)
    .type(JSON_TYPE)
    .send(JSON.stringify({ error_code: status, message }));
}
