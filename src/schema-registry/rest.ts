// The registry over HTTP, with the codes and content types of Confluent's: who asks is found out, requests find their
// route, errors get their form.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  addHealth,
  addMetrics,
  type CheckPassword,
  httpServer,
  type Listenable,
  METRICS_PATH,
  Negotiation,
  readRimSettings,
  type RouteDescription,
} from '../rim/index.ts';
import { type Environment, messageOf, readSettings, systemEnvironment } from '../util/index.ts';
import { asRefusal, malformedRequest, pathNotFound, RegistryError, storeError } from './errors.ts';
import { authorizationOf } from './rest/authorization.ts';
import { type RegistryRestSettings, registryRestSettings } from './rest/settings.ts';
import type { SchemaRegistry } from './registry.ts';
import type { Call, Route } from './rest/access.ts';
import { withContextInSubjects } from './rest/contexts.ts';
import { text } from './rest/entities.ts';
import { registryMetrics } from './rest/metrics.ts';
import { queryParameters } from './rest/query-parameters.ts';
import { registryRoutes, type Surroundings } from './rest/routes.ts';
import { splitSubject } from './subject-name.ts';

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
/** What is answered, the preferred one first. */
const PRODUCED = [CONTENT_TYPE, 'application/vnd.schemaregistry+json', 'application/json'];
const CONSUMED = [...PRODUCED, 'application/octet-stream'];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const;
type Method = (typeof METHODS)[number];
/** Schemas are text that people write; the largest in the wild are a few hundred KiB. */
const BODY_BYTES_MAX = 10 * 1024 * 1024;

/** What the original has besides, by the first part of its paths. */
const NOT_SUPPORTED = {
  exporters: 'Schema exporters',
  associations: 'Associations of subjects with resources',
  'associations:batch': 'Associations of subjects with resources',
  'dek-registry': 'Keys for the encryption of fields',
  catalog: 'Catalogs',
};

/** What these answer never changes once it is there. */
const IMMUTABLE = new Set(['GET /schemas/ids/:id', 'GET /schemas/ids/:id/schema', 'GET /schemas/guids/:guid']);

/** These answer in a form of their own. */
const isOfRim = (url: string | undefined): boolean => url === METRICS_PATH || url?.startsWith('/health/') === true;

export interface RegistryServerOptions extends Surroundings {
  /** Default: everybody may do everything. */
  readonly settings?: RegistryRestSettings;
  /** Answer over TLS, with the certificates that the settings name. */
  readonly isTls?: boolean;
  readonly environment?: Environment;
  /** Whether a user of the broker has a password. */
  readonly checkPassword?: CheckPassword | undefined;
  /** Called with what an operator may want to know. */
  readonly log?: (message: string) => void;
}

/** A server that answers for `registry`; the caller listens and closes. */
export function registryServer(registry: SchemaRegistry, options: RegistryServerOptions): Listenable {
  const {
    settings = readSettings(registryRestSettings, {}),
    isTls = false,
    environment = systemEnvironment,
    log = () => {},
  } = options;
  const authorization = authorizationOf(settings, log);
  const { app, userOf } = httpServer({
    settings: readRimSettings('schema.registry.', settings),
    isTls,
    bodyBytesMax: BODY_BYTES_MAX,
    consumes: CONSUMED,
    ignoreTrailingSlash: true,
    rewriteUrl: withContextInSubjects,
    fail,
    checkPassword: options.checkPassword,
    log,
  });
  negotiateTypes(app);
  addMetrics(app, registryMetrics(registry), log);
  addHealth(app, { store: () => registry.caughtUp().then(() => undefined) }, environment);
  app.setNotFoundHandler((_request, reply) => fail(reply, pathNotFound()));
  refuseUnsupported(app);
  const methodsOf = new Map<string, Method[]>();
  for (const [path, route] of Object.entries(registryRoutes(registry, options))) {
    const [method, url] = path.split(' ') as [Method, string];
    methodsOf.set(url, [...(methodsOf.get(url) ?? []), method]);
    const answerTo = IMMUTABLE.has(path) ? keptAnswer(registry, route) : currentAnswer(registry, route);
    app.route({
      method,
      url,
      config: { description: described(route) },
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const answer = await answerTo({
          params: request.params as Call['params'],
          query: request.query as Call['query'],
          body: bodyOf(request),
          permissions: authorization.of(userOf(request)),
        });
        if (answer === undefined) return reply.code(204).send();
        // The raw schema is an answer of its own, not a JSON string.
        return reply.send(typeof answer === 'string' ? answer : JSON.stringify(answer));
      },
    });
  }
  refuseOtherMethods(app, methodsOf);
  return app;
}

function described({ description }: Route): RouteDescription {
  const { query = [], ...rest } = description;
  return {
    ...rest,
    query: Object.fromEntries(query.map((name) => [name, queryParameters[name]])),
    consumes: rest.body === undefined ? [] : CONSUMED,
    produces: PRODUCED,
  };
}

function negotiateTypes(app: FastifyInstance): void {
  const negotiation = new Negotiation(PRODUCED);
  app.addHook('onRequest', (request, _reply, done) => {
    const isNegotiated = !isOfRim(request.routeOptions.url);
    const isRefused = isNegotiated && negotiation.mediaType(request.headers.accept) === undefined;
    done(isRefused ? new RegistryError(406, 'HTTP 406 Not Acceptable') : undefined);
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    if (!isOfRim(request.routeOptions.url) || (reply.statusCode >= 400 && request.routeOptions.url === METRICS_PATH)) {
      reply.header('content-type', negotiation.mediaType(request.headers.accept) ?? CONTENT_TYPE);
    }
    done(null, payload);
  });
}

function refuseUnsupported(app: FastifyInstance): void {
  for (const [area, what] of Object.entries(NOT_SUPPORTED)) {
    const refuse = async () => {
      // Not 501: clients try again when a server's error is above 500.
      throw new RegistryError(404, `${what} are not supported by this registry`);
    };
    app.all(`/${area}`, refuse);
    app.all(`/${area}/*`, refuse);
  }
}

function refuseOtherMethods(app: FastifyInstance, methodsOf: ReadonlyMap<string, readonly Method[]>): void {
  for (const [url, allowed] of methodsOf) {
    app.route({
      method: METHODS.filter((method) => !allowed.includes(method)),
      url,
      handler: async (_request, reply) => {
        reply.header('allow', allowed.join(', '));
        throw new RegistryError(405, 'HTTP 405 Method Not Allowed');
      },
    });
  }
}

function currentAnswer(registry: SchemaRegistry, route: Route): (call: Call) => Promise<unknown> {
  return async (call) => {
    await registry.caughtUp();
    return route.answer(call);
  };
}

/** What is there stays as it is; only what is not there may have been written elsewhere just now. */
function keptAnswer(registry: SchemaRegistry, route: Route): (call: Call) => Promise<unknown> {
  const current = currentAnswer(registry, route);
  return async (call) => {
    try {
      const answer = route.answer(call);
      return isFor(call.query['subject'], answer) ? answer : current(call);
    } catch (error) {
      if (error instanceof RegistryError && [403, 404].includes(error.status)) return current(call);
      throw error;
    }
  };
}

/** An id that the subject does not have here may be that of another context, of which nothing is known yet. */
function isFor(asked: Call['query'][string], answer: unknown): boolean {
  const { name } = splitSubject(text(asked) ?? '');
  const { subject } = Object(answer) as { subject?: string };
  return name === '' || (subject !== undefined && splitSubject(subject).name === name);
}

/** What writes wants an object, even where nothing in it is required. */
function bodyOf({ method, routeOptions, body: given }: FastifyRequest): Call['body'] {
  if ((method !== 'POST' && method !== 'PUT') || routeOptions.url === '/') return {};
  if (given === undefined || given === null || given === '') throw new RegistryError(422, 'The request has no body');
  let body: unknown;
  try {
    body = JSON.parse(String(given));
  } catch (error) {
    throw malformedRequest(`The request body is not valid JSON: ${messageOf(error)}`);
  }
  if (body === null) throw new RegistryError(422, 'The request has no body');
  if (typeof body !== 'object' || Array.isArray(body)) throw malformedRequest('The request body is not an object');
  return body as Call['body'];
}

function fail(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, errorCode, message } = asRegistryError(asRefusal(error));
  return reply.code(status).send(JSON.stringify({ error_code: errorCode, message }));
}

function asRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 415) return new RegistryError(415, 'HTTP 415 Unsupported Media Type');
  if (status >= 400 && status < 500) return new RegistryError(status, messageOf(error));
  return storeError(messageOf(error), error);
}
