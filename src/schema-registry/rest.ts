// The registry over HTTP, with the codes and content types of Confluent's: who asks is found out, requests find their
// route, errors get their form.
import type { Server as HttpsServer } from 'node:https';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { messageOf, noRouteSchemas, readSettings } from '../util/index.ts';
import { RegistryError, storeError } from './errors.ts';
import { authenticationOf } from './http-security/authentication.ts';
import { authorizationOf } from './http-security/authorization.ts';
import { type RegistryRestSettings, registryRestSettings } from './http-security/settings.ts';
import { type Tls, tlsOf } from './http-security/tls.ts';
import type { SchemaRegistry } from './registry.ts';
import type { Call } from './rest-access.ts';
import { withContextInSubjects } from './rest-contexts.ts';
import { RestMetrics } from './rest-metrics.ts';
import { registryRoutes, type Surroundings } from './rest-routes.ts';

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const ACCEPTED = [CONTENT_TYPE, 'application/vnd.schemaregistry+json', 'application/json', 'application/octet-stream'];
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

const METRICS = '/metrics';

export interface RegistryServerOptions extends Surroundings {
  /** Default: everybody may do everything. */
  readonly settings?: RegistryRestSettings;
  /** Answer over TLS, with the certificates that the settings name. */
  readonly isTls?: boolean;
  /** Called with what an operator may want to know. */
  readonly log?: (message: string) => void;
}

/** A server that answers for `registry`; the caller listens and closes. */
export function registryServer(registry: SchemaRegistry, options: RegistryServerOptions): FastifyInstance {
  const { settings = readSettings(registryRestSettings, {}), isTls = false, log = () => {} } = options;
  const authentication = authenticationOf(settings, log);
  const authorization = authorizationOf(settings, log);
  const app = newServer(isTls ? tlsOf(settings, log) : undefined);
  const metrics = new RestMetrics(registry, () => connectionsOf(app));
  const userOf = new WeakMap<FastifyRequest, string>();

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(ACCEPTED, { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(String(body)));
    } catch (error) {
      done(new RegistryError(42201, `the request body is not valid JSON: ${messageOf(error)}`));
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    try {
      userOf.set(request, await authentication.userOf(request.headers.authorization));
    } catch (error) {
      const { challenge } = authentication;
      if (challenge !== undefined && asRegistryError(error).status === 401) reply.header('www-authenticate', challenge);
      throw error;
    }
    const isNegotiated = request.routeOptions.url !== METRICS;
    if (isNegotiated && !accepts(request.headers.accept)) throw new RegistryError(406, 'HTTP 406 Not Acceptable');
  });
  app.addHook('onSend', async (request, reply) => {
    if (request.routeOptions.url !== METRICS || reply.statusCode >= 400) reply.header('content-type', CONTENT_TYPE);
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    const route = request.routeOptions.url ?? '';
    metrics
      .observe({ method: request.method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1000 })
      .catch((error) => log(`A request was not counted: ${messageOf(error)}`));
  });
  app.setNotFoundHandler((_request, reply) => fail(reply, new RegistryError(404, 'HTTP 404 Not Found')));
  app.setErrorHandler((error, _request, reply) => fail(reply, error));

  for (const [area, what] of Object.entries(NOT_SUPPORTED)) {
    const refuse = async () => {
      // Not 501: clients try again when a server's error is above 500.
      throw new RegistryError(404, `${what} are not supported by this registry`);
    };
    app.all(`/${area}`, refuse);
    app.all(`/${area}/*`, refuse);
  }
  app.get(METRICS, async (_request, reply) => {
    const { contentType, body } = await metrics.text();
    return reply.type(contentType).send(body);
  });
  for (const [path, route] of Object.entries(registryRoutes(registry, options))) {
    const [method, url] = path.split(' ') as ['GET' | 'POST' | 'PUT' | 'DELETE', string];
    const current = async (call: Call) => {
      await registry.caughtUp();
      return route.answer(call);
    };
    /** What is there stays as it is; only what is not there may have been written elsewhere just now. */
    const found = async (call: Call) => {
      try {
        return route.answer(call);
      } catch (error) {
        if (error instanceof RegistryError && [403, 404].includes(error.status)) return current(call);
        throw error;
      }
    };
    app.route({
      method,
      url,
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const call = {
          params: request.params as Call['params'],
          query: request.query as Call['query'],
          body: (request.body ?? {}) as Call['body'],
          permissions: authorization.of(userOf.get(request)!),
        };
        const answer = await (IMMUTABLE.has(path) ? found(call) : current(call));
        // The raw schema is an answer of its own, not a JSON string.
        if (answer === undefined) return reply.code(204).send();
        return reply.send(typeof answer === 'string' ? answer : JSON.stringify(answer));
      },
    });
  }
  return app;
}

function newServer(tls: Tls | undefined): FastifyInstance {
  const options = {
    bodyLimit: BODY_BYTES_MAX,
    schemaController: noRouteSchemas,
    routerOptions: { maxParamLength: 1000 },
    rewriteUrl: (request: { url?: string | undefined }) => withContextInSubjects(request.url ?? '/'),
    // A path that can't be decoded is refused before any route is found.
    frameworkErrors: (error: Error, _request: unknown, reply: unknown) => void fail(reply as FastifyReply, error),
  };
  if (tls === undefined) return fastify(options);
  const { certificates, clientAuthentication } = tls;
  let inUse = certificates.current;
  const https = {
    ...inUse,
    requestCert: clientAuthentication !== 'NONE',
    rejectUnauthorized: clientAuthentication === 'REQUIRED',
  };
  const app = fastify({ ...options, https }) as unknown as FastifyInstance;
  const server = app.server as HttpsServer;
  // Before the handshake of each connection, so that no timer is needed to notice new certificates.
  server.prependListener('connection', () => {
    const { current } = certificates;
    if (current !== inUse) server.setSecureContext(current);
    inUse = current;
  });
  // A certificate that is only asked for may be missing, but not be somebody else's.
  server.on('secureConnection', (socket) => {
    if (clientAuthentication === 'REQUESTED' && !socket.authorized && socket.getPeerCertificate().raw) socket.destroy();
  });
  return app;
}

function connectionsOf(app: FastifyInstance): Promise<number> {
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

function accepts(header: string | undefined): boolean {
  if (header === undefined || header === '') return true;
  return header.split(',').some((range) => {
    const type = range.split(';')[0]!.trim().toLowerCase();
    return type === '*/*' || type === 'application/*' || ACCEPTED.includes(type);
  });
}

function fail(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, errorCode, message } = asRegistryError(error);
  return reply.code(status).send(JSON.stringify({ error_code: errorCode, message }));
}

function asRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 415) return new RegistryError(415, 'HTTP 415 Unsupported Media Type');
  if (status >= 400 && status < 500) return new RegistryError(status, messageOf(error));
  return storeError(messageOf(error), error);
}
