// The proxy over HTTP: requests find their route, media types are agreed upon, errors get their form. What a route takes and
// answers is in the tables of v2 and v3.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Client } from '../client/index.ts';
import {
  addHealth,
  addMetrics,
  type CheckPassword,
  httpServer,
  type Listenable,
  Negotiation,
  readRimSettings,
  type RouteDescription,
} from '../rim/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import { type Environment, readSettings, systemEnvironment } from '../util/index.ts';
import { Answer, type Call, type Route, type Routes } from './call.ts';
import { Consumers } from './consumers/consumers.ts';
import { asProxyError, notFound, ProxyError } from './errors.ts';
import { Formats } from './formats.ts';
import { CONSUMED, JSON_TYPE, V2_JSON } from './media-types.ts';
import { Producing } from './producing.ts';
import { type RestProxySettings, restProxySettings } from './settings.ts';
import { consumerRoutes } from './v2/consumers.ts';
import { metadataRoutes } from './v2/metadata.ts';
import { produceRoutes } from './v2/produce.ts';
import { aclRoutes } from './v3/acls.ts';
import { clusterRoutes } from './v3/clusters.ts';
import { configRoutes } from './v3/configs.ts';
import { groupRoutes } from './v3/groups.ts';
import { recordRoutes } from './v3/records.ts';
import { ClusterRoutes } from './v3/resources.ts';
import { topicRoutes } from './v3/topics.ts';

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const;
type Method = (typeof METHODS)[number];

export interface RestProxyOptions {
  readonly client: Client;
  readonly schemas: SchemaSource;
  readonly settings?: RestProxySettings;
  /** Answer over TLS, with the certificates that the settings name. */
  readonly isTls?: boolean;
  readonly environment?: Environment;
  /** Whether a user of the broker has a password. */
  readonly checkPassword?: CheckPassword | undefined;
  /** Called with what an operator may want to know. */
  readonly log?: (message: string) => void;
}

/** A server of the proxy on a client; the caller listens and closes, which ends the consumers, too. */
export function restProxyServer(options: RestProxyOptions): Listenable {
  const {
    client,
    schemas,
    settings = readSettings(restProxySettings, {}),
    isTls = false,
    environment = systemEnvironment,
    log = () => {},
  } = options;
  const producing = new Producing(client);
  const formats = new Formats(schemas);
  const consumers = new Consumers({ client, formats, settings, environment, log });
  const { app } = httpServer({
    settings: readRimSettings('kafka.rest.', settings),
    isTls,
    bodyBytesMax: settings['kafka.rest.request.max.bytes'],
    consumes: CONSUMED,
    ignoreTrailingSlash: true,
    // Whoever asks for the head of a consumer's records would have them read for nobody.
    answersHead: (url) => !url.startsWith('/consumers/'),
    // v3 has two names, as in the original.
    rewriteUrl: (url) => url.replace(/^\/kafka(?=\/v3(\/|$|\?))/, ''),
    fail,
    checkPassword: options.checkPassword,
    log,
  });
  const gauges = [
    { name: 'consumer_instances', help: 'Consumer instances that are open.', value: () => consumers.count },
  ];
  addMetrics(app, { prefix: 'kafka_rest', gauges }, log);
  addHealth(
    app,
    {
      kafka: () =>
        client
          .admin()
          .clusterId()
          .then(() => undefined),
    },
    environment,
  );
  // JSON is UTF-8 and says nothing about it; some clients compare the type as a text.
  app.addHook('onSend', (_request, reply, payload, done) => {
    const type = String(reply.getHeader('content-type') ?? '');
    if (type.includes('json')) reply.header('content-type', type.replace('; charset=utf-8', ''));
    done(null, payload);
  });
  app.setNotFoundHandler((_request, reply) => fail(reply, notFound('HTTP 404 Not Found')));
  const bodyMax = settings['kafka.rest.request.max.bytes'];
  const cluster = new ClusterRoutes(client);
  const routes: Routes = {
    ...metadataRoutes(client),
    ...produceRoutes(producing, formats),
    ...consumerRoutes(consumers),
    ...clusterRoutes(cluster),
    ...topicRoutes(cluster),
    ...configRoutes(cluster),
    ...groupRoutes(cluster),
    ...aclRoutes(cluster),
    ...recordRoutes(cluster, producing, formats, bodyMax),
  };
  addRoutes(app, routes, bodyMax);
  return {
    listen: (address) => app.listen(address),
    async close() {
      // Those that wait for records end at once, so that their requests are answered.
      await consumers.close();
      await app.close();
      await producing.close(log);
    },
  };
}

function addRoutes(app: FastifyInstance, routes: Routes, bodyMax: number): void {
  const methodsOf = new Map<string, Method[]>();
  const streams: [Method, string, Route][] = [];
  for (const [path, route] of Object.entries(routes)) {
    const [method, url] = path.split(' ') as [Method, string];
    methodsOf.set(url, [...(methodsOf.get(url) ?? []), method]);
    if (route.stream === undefined) addRoute(app, method, url, route, bodyMax);
    else streams.push([method, url, route]);
  }
  // The bodies of these are not waited for.
  void app.register(async (streaming) => {
    streaming.removeAllContentTypeParsers();
    streaming.addContentTypeParser([...CONSUMED], (_request, payload, done) => done(null, payload));
    for (const [method, url, route] of streams) addStream(streaming, method, url, route);
  });
  for (const [url, allowed] of methodsOf) {
    app.route({
      method: METHODS.filter((method) => !allowed.includes(method)),
      url,
      handler: async (_request, reply) => {
        reply.header('allow', allowed.join(', '));
        throw new ProxyError(405, 'HTTP 405 Method Not Allowed');
      },
    });
  }
}

function addRoute(app: FastifyInstance, method: Method, url: string, route: Route, bodyMax: number): void {
  const negotiation = new Negotiation(route.produces);
  app.route({
    method,
    url,
    config: { description: described(route) },
    handler: async (request, reply) => {
      const onUndelivered = deliveryOf(reply);
      const head = headOf(request, route, negotiation);
      const body = request.method === 'GET' ? await bodyOfGet(request, bodyMax) : String(request.body ?? '');
      if (body !== '') checkType(head, route);
      const answer = await route.answer!({ ...head, body, onUndelivered });
      const {
        status,
        body: said,
        type,
      } = answer instanceof Answer ? answer : new Answer(answer === undefined ? 204 : 200, answer);
      reply.code(status);
      if (said === undefined) return reply.send();
      reply.type(type ?? head.answerType);
      return reply.send(typeof said === 'string' ? said : JSON.stringify(said));
    },
  });
}

function addStream(app: FastifyInstance, method: Method, url: string, route: Route): void {
  const negotiation = new Negotiation(route.produces);
  app.route({
    method,
    url,
    config: { description: described(route) },
    handler: async (request, reply) => {
      const head = headOf(request, route, negotiation);
      checkType(head, route);
      const body = request.body as Readable;
      // What was not read when the answer has ended is still in the connection, before the next request.
      reply.raw.once('close', () => body.resume());
      const parts = await route.stream!({ ...head, body, onUndelivered: deliveryOf(reply) });
      return reply.type(head.answerType).send(Readable.from(parts, { objectMode: false }));
    },
  });
}

function described({ answer: _, stream: __, ...route }: Route): RouteDescription {
  return { ...route, consumes: route.body === undefined ? [] : route.consumes };
}

/** What is known of a request before its body. */
function headOf(
  request: FastifyRequest,
  { produces, query = {} }: Route,
  negotiation: Negotiation,
): Omit<Call, 'body' | 'onUndelivered'> {
  const { accept } = request.headers;
  const answerType = negotiation.mediaType(accept);
  if (answerType === undefined) {
    throw new ProxyError(406, `HTTP 406 Not Acceptable: the answer is one of ${produces.join(', ')}`);
  }
  return {
    params: request.params as Call['params'],
    query: Object.fromEntries(Object.keys(query).map((name) => [name, (request.query as Call['query'])[name]])),
    contentType: (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase(),
    answerType,
    takesAnyType: /^\s*(\*\/\*\s*(;.*)?)?$/.test(accept ?? ''),
    baseUrl: `${request.protocol}://${request.host}`,
  };
}

function checkType({ contentType }: Pick<Call, 'contentType'>, { consumes }: Route): void {
  if (consumes.length === 0 || consumes.includes(contentType)) return;
  throw new ProxyError(415, 'HTTP 415 Unsupported Media Type');
}

/** A GET may have a body here: the partitions whose offsets are asked for. */
async function bodyOfGet({ raw, headers }: FastifyRequest, bodyMax: number): Promise<string> {
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return '';
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw as Readable) {
    size += (chunk as Buffer).length;
    if (size > bodyMax) throw new ProxyError(413, 'HTTP 413 Request Entity Too Large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Calls back when the connection ends before all of the answer was handed to it. */
function deliveryOf({ raw }: FastifyReply): Call['onUndelivered'] {
  let isDelivered = false;
  let isGone = false;
  const callbacks: (() => void)[] = [];
  raw.once('finish', () => {
    isDelivered = true;
  });
  raw.once('close', () => {
    isGone = !isDelivered;
    if (isGone) for (const callback of callbacks) callback();
  });
  return (callback) => {
    if (isGone) callback();
    else callbacks.push(callback);
  };
}

function fail(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, errorCode, message } = asProxyError(error);
  const type = (reply.request as FastifyRequest | undefined)?.url.startsWith('/v3') === true ? JSON_TYPE : V2_JSON;
  return reply
    .code(status)
    .type(type)
    .send(JSON.stringify({ error_code: errorCode, message }));
}
