/**
 * The HTTP server that every service of ours answers through.
 *
 * The life of a request: the connection, over TLS where that is asked for, in HTTP/1.1 or HTTP/2 (http-versions.ts) → whose it is (visitors.ts: host and origin;
 * authentication.ts: the user) → its body, of a media type that the service takes → the service's route → its answer, or
 * what was refused in the service's own form of errors.
 */
import type { RequestListener } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { noRouteSchemas } from '../util/index.ts';
import { ANONYMOUS, authenticationOf, type CheckPassword } from './authentication.ts';
import { addCompression } from './compression.ts';
import { serverOfBothVersions } from './http-versions.ts';
import { HttpRefusal } from './refusal.ts';
import type { RimSettings } from './settings.ts';
import { type Tls, tlsOf } from './tls.ts';
import { visitorsOf } from './visitors.ts';

/** What a browser is told that asks whether a page may send a request (Fetch Standard, CORS). */
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, PATCH',
  'access-control-allow-headers': 'content-type, accept, authorization',
  'access-control-max-age': '600',
};

export interface HttpServerOptions {
  readonly settings: RimSettings;
  readonly isTls: boolean;
  readonly bodyBytesMax: number;
  /** Media types of bodies; others are refused with 415, and so are bodies without one. */
  readonly consumes: readonly string[];
  /** Whether a path with a slash behind it is the same path. */
  readonly ignoreTrailingSlash?: boolean;
  /** Whether HEAD is answered as GET at a path: not where GET takes something away. Everywhere, unless it is told. */
  readonly answersHead?: (url: string) => boolean;
  /** Requests that show otherwise whose they are, and need no login. */
  readonly needsNoLogin?: (method: string, url: string) => boolean;
  /** What a path means. */
  readonly rewriteUrl?: (url: string) => string;
  /** Answers with an error, in the service's form. */
  readonly fail: (reply: FastifyReply, error: unknown) => FastifyReply;
  /** Whether a user of the broker has a password, where there is a broker to ask. */
  readonly checkPassword?: CheckPassword | undefined;
  readonly log: (message: string) => void;
}

/** A server with its routes, as those see it who start and stop it; whatever it is made with. */
export interface Listenable {
  /** Resolves with the URL when it answers; port 0 is any that is free. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /** Resolves when the answers under way are written. */
  close(): Promise<void>;
}

export interface HttpServer {
  readonly app: FastifyInstance;
  /** The name of the user who asks. */
  readonly userOf: (request: FastifyRequest) => string;
}

/** A server without routes: bodies are texts. The caller adds routes, listens and closes. */
export function httpServer(options: HttpServerOptions): HttpServer {
  const { settings, isTls, consumes, needsNoLogin = () => false, fail, log } = options;
  const authentication = authenticationOf(settings, log, options.checkPassword);
  const checkVisit = visitorsOf(settings);
  const app = newServer(options, isTls ? tlsOf(settings, log) : undefined);
  const users = new WeakMap<FastifyRequest, string>();

  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...consumes], { parseAs: 'string' }, (_request, body, done) => done(null, body));
  // Most requests need not wait for anything: hooks with callbacks cost half of what promises do.
  app.addHook('onRequest', (request, reply, done) => {
    try {
      const page = checkVisit({ headers: request.headers, localAddress: request.socket.localAddress });
      if (page !== undefined) reply.headers({ 'access-control-allow-origin': page, vary: 'origin' });
      if (page !== undefined && request.headers['access-control-request-method'] !== undefined) {
        void reply.code(204).headers(PREFLIGHT).send();
        return;
      }
    } catch (error) {
      done(error as HttpRefusal);
      return;
    }
    const { challenge } = authentication;
    if (challenge === undefined || needsNoLogin(request.method, request.url)) {
      users.set(request, ANONYMOUS);
      done();
      return;
    }
    authentication.userOf(request.headers.authorization).then(
      (user) => {
        users.set(request, user);
        done();
      },
      (error: unknown) => {
        if (error instanceof HttpRefusal && error.statusCode === 401) reply.header('www-authenticate', challenge);
        done(error as Error);
      },
    );
  });
  addCompression(app);
  app.setErrorHandler((error, _request, reply) => fail(reply, error));
  return { app, userOf: (request) => users.get(request) ?? ANONYMOUS };
}

/** HEAD is answered as GET (RFC 9110, 9.3.2); the response knows that it has no body. */
function answeringHead(handler: RequestListener, answers: (url: string) => boolean): RequestListener {
  return (request, response) => {
    if (request.method === 'HEAD' && answers(request.url ?? '/')) request.method = 'GET';
    handler(request, response);
  };
}

function newServer(options: HttpServerOptions, tls: Tls | undefined): FastifyInstance {
  const { bodyBytesMax, ignoreTrailingSlash = false, answersHead = () => true, rewriteUrl, fail } = options;
  const server = {
    bodyLimit: bodyBytesMax,
    forceCloseConnections: true,
    schemaController: noRouteSchemas,
    routerOptions: { maxParamLength: 1000, ignoreTrailingSlash },
    ...(rewriteUrl === undefined
      ? {}
      : { rewriteUrl: ({ url = '/' }: { url?: string | undefined }) => rewriteUrl(url) }),
    // A path that can't be decoded is refused before any route is found.
    frameworkErrors: (error: Error, _request: unknown, reply: unknown) => void fail(reply as FastifyReply, error),
  };
  return fastify({
    ...server,
    // What the address begins with that is said when it listens.
    ...(tls === undefined ? {} : { https: {} }),
    // A route of its own for HEAD beside each GET would double the time that routes take at a start.
    exposeHeadRoutes: false,
    serverFactory: (handler) => serverOfBothVersions(answeringHead(handler, answersHead), tls),
  });
}
