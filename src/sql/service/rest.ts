// SQL over HTTP, with ksqlDB's paths, content types and error codes. Nothing is decided here: requests become calls of
// the service, its answers become ksqlDB's shapes. Rows are streamed with back-pressure; a client that goes away closes
// its query.
import type { Readable } from 'node:stream';
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import {
  addHealth,
  addMetrics,
  type CheckPassword,
  healthOf,
  httpServer,
  type Listenable,
  readRimSettings,
  type RouteDescription,
} from '../../rim/index.ts';
import type { Environment, ValuesOf } from '../../util/index.ts';
import type { Entity } from '../statements/entities.ts';
import type { sqlRestSettings } from '../settings.ts';
import { formatOf, json, streamArray, streamDelimited, streamLines, streamRows } from './rest/answers.ts';
import { Cluster } from './rest/cluster.ts';
import { BAD_REQUEST, fail, NOT_FOUND, RequestError } from './rest/errors.ts';
import { insertLines } from './rest/insert-lines.ts';
import { CONSUMED, DELIMITED, JSON_TYPE, PROTOBUF, V1 } from './rest/media-types.ts';
import { acceptOf, contextOf, jsonBody, textOf } from './rest/requests.ts';
import { queryOverSocket } from './rest/websocket.ts';
import type { SqlService } from './service.ts';

const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** What a client of a WebSocket may send: nothing is asked of it. */
const FRAME_BYTES_MAX = 1024;

/** What the routes answer in, the preferred one first. */
const STATEMENTS = [V1, JSON_TYPE];
const INSERTS = [DELIMITED, JSON_TYPE];
const QUERY = [V1, JSON_TYPE, DELIMITED, PROTOBUF];
const QUERY_STREAM = [DELIMITED, JSON_TYPE, V1, PROTOBUF];
/** What statements may see besides, as members of a body. */
const CONTEXT = ['sessionVariables', 'commandSequenceNumber'];
const WS_QUERY: Told = {
  summary: 'Runs a query over a WebSocket: a frame with its columns, then a frame per row.',
  query: {
    request: { type: 'string', description: 'The body of `POST /query`, as JSON.' },
    version: { type: 'string', description: 'The version of the API: 1.' },
  },
  produces: [],
  status: 101,
};

export interface SqlServerOptions {
  readonly settings: ValuesOf<typeof sqlRestSettings>;
  /** Answer over TLS, with the certificates that the settings name. */
  readonly isTls: boolean;
  readonly environment: Environment;
  /** Whether a user of the broker has a password. */
  readonly checkPassword?: CheckPassword | undefined;
  readonly log: (message: string) => void;
}

/** A server that answers for `service`; the caller listens and closes. */
export function sqlServer(service: SqlService, options: SqlServerOptions): Listenable {
  const { settings, isTls, environment, log } = options;
  const { app } = httpServer({
    settings: readRimSettings('ksql.', settings),
    isTls,
    bodyBytesMax: BODY_BYTES_MAX,
    consumes: CONSUMED,
    fail,
    checkPassword: options.checkPassword,
    log,
  });
  app.setNotFoundHandler((request, reply) => fail(reply, new RequestError(NOT_FOUND, `Not found: ${request.url}`)));
  addMetrics(app, service.metrics(), log);
  addHealth(app, service.healthChecks(), environment);
  statementRoutes(app, service);
  queryRoutes(app, service);
  infoRoutes(app, service, environment);
  statusRoutes(app, service);
  clusterRoutes(app, service, environment);
  return app;
}

function statementRoutes(app: FastifyInstance, service: SqlService): void {
  app.post(
    '/ksql',
    told({
      summary: 'Carries out statements, and answers what became of each.',
      body: ['ksql', 'streamsProperties', ...CONTEXT],
      produces: STATEMENTS,
    }),
    async (request, reply) => {
      const body = jsonBody(request);
      const type = acceptOf(request, STATEMENTS);
      const entities: Entity[] = [];
      try {
        const statements = service.entities(textOf(body, 'ksql'), {
          ...contextOf(body, 'streamsProperties'),
          host: request.host,
        });
        for await (const entity of statements) entities.push(entity);
      } catch (error) {
        return fail(reply, error, entities);
      }
      return reply.type(type).send(JSON.stringify(entities));
    },
  );
  app.post('/ksql/terminate', () => {
    throw new RequestError(BAD_REQUEST, 'Terminating a whole cluster is not supported. Use TERMINATE ALL and DROP.');
  });
  // Rows are taken as they come: the body is not waited for.
  void app.register(async (rows) => {
    rows.removeAllContentTypeParsers();
    rows.addContentTypeParser(CONSUMED, (_request, payload, done) => done(null, payload));
    rows.post(
      '/inserts-stream',
      told({
        summary: 'Inserts rows: a line with the `target`, then a line per row, each acknowledged when it is stored.',
        body: ['target'],
        produces: INSERTS,
      }),
      (request, reply) => insertLines(service, request.body as Readable, reply, acceptOf(request, INSERTS)),
    );
  });
}

function queryRoutes(app: FastifyInstance, service: SqlService): void {
  app.post(
    '/query',
    told({
      summary: 'Runs a query, and answers its rows as they come.',
      body: ['ksql', 'streamsProperties', ...CONTEXT],
      produces: QUERY,
    }),
    async (request, reply) => {
      const body = jsonBody(request);
      const type = acceptOf(request, QUERY);
      const query = await service.query(textOf(body, 'ksql'), contextOf(body, 'streamsProperties'), formatOf(type));
      if ('lines' in query) return streamLines(reply, query);
      return type === DELIMITED ? streamDelimited(reply, query) : streamRows(reply, query, type);
    },
  );
  app.post(
    '/query-stream',
    told({
      summary: 'Runs a query, and answers its columns, then its rows as they come.',
      body: ['sql', 'properties', ...CONTEXT],
      produces: QUERY_STREAM,
    }),
    async (request, reply) => {
      const body = jsonBody(request);
      const type = acceptOf(request, QUERY_STREAM);
      const query = await service.query(textOf(body, 'sql'), contextOf(body, 'properties'), formatOf(type));
      if ('lines' in query) {
        if (type === DELIMITED) return streamLines(reply, query);
        await query.close();
        throw new RequestError(40600, `PRINT can be streamed as ${DELIMITED} only.`);
      }
      if (type === V1 || type === PROTOBUF) return streamRows(reply, query, type);
      return type === JSON_TYPE ? streamArray(reply, query) : streamDelimited(reply, query);
    },
  );
  app.post(
    '/close-query',
    told({ summary: 'Ends a query of a client.', body: ['queryId'], produces: [] }),
    async (request, reply) => {
      const queryId = textOf(jsonBody(request), 'queryId');
      if (!(await service.closeQuery(queryId))) throw new RequestError(BAD_REQUEST, `No query with id ${queryId}`);
      return reply.send();
    },
  );
  void app.register(fastifyWebsocket, { options: { maxPayload: FRAME_BYTES_MAX } });
  void app.register(async (sockets) => {
    sockets.get('/ws/query', { ...told(WS_QUERY), websocket: true }, (socket, request) =>
      queryOverSocket(service, socket, request),
    );
  });
}

function infoRoutes(app: FastifyInstance, service: SqlService, environment: Environment): void {
  app.get('/', told({ summary: 'Leads to `/info`.', produces: [], status: 302 }), (_request, reply) =>
    reply.redirect('/info', 302),
  );
  app.get('/info', told({ summary: 'The version, the cluster and the state of the server.' }), (_request, reply) =>
    json(reply, {
      KsqlServerInfo: {
        version: service.version,
        kafkaClusterId: service.kafkaClusterId,
        ksqlServiceId: service.serviceId,
        serverStatus: 'RUNNING',
      },
    }),
  );
  app.get(
    '/healthcheck',
    told({ summary: 'Whether the server can work: 200, or 503 when a check fails.' }),
    async (_request, reply) => {
      const { metastore, kafka, commandRunner } = service.healthChecks();
      const { isHealthy, checks } = await healthOf({ metastore, kafka, commandRunner }, environment);
      reply.code(isHealthy ? 200 : 503);
      return json(reply, { isHealthy, details: checks, serverState: 'READY' });
    },
  );
  app.get(
    '/v1/metadata',
    told({ summary: 'The version, and the ids of the cluster and of the server.' }),
    (_request, reply) => json(reply, { version: service.version, clusterId: clusterIdOf(service) }),
  );
  app.get('/v1/metadata/id', told({ summary: 'The ids of the cluster and of the server.' }), (_request, reply) =>
    json(reply, clusterIdOf(service)),
  );
  app.get<{ Params: { property: string } }>(
    '/is_valid_property/:property',
    told({ summary: 'Whether a property may be set.' }),
    (request, reply) => {
      service.checkProperty(request.params.property);
      return reply.type(V1).send('true');
    },
  );
  app.get('/chc/ready', told({ summary: 'Answers when the server is up.' }), (_request, reply) => json(reply, {}));
  app.get('/chc/live', told({ summary: 'Answers when the server is up.' }), (_request, reply) => json(reply, {}));
}

/** How statements that were given to the server fare. */
function statusRoutes(app: FastifyInstance, service: SqlService): void {
  app.get('/status', told({ summary: 'How the statements fare that were given to the server.' }), (_request, reply) => {
    const statuses = Object.entries(service.commandStatuses()).map(([id, { status }]) => [id, status]);
    return json(reply, { commandStatuses: Object.fromEntries(statuses) });
  });
  app.get<{ Params: { type: string; entity: string; action: string } }>(
    '/status/:type/:entity/:action',
    told({ summary: 'How one statement fares: `stream/ORDERS/create`.' }),
    (request, reply) => {
      const { type, entity, action } = request.params;
      const statuses = service.commandStatuses();
      // Ids hold the entity's name in back quotes; people leave them out.
      const status = statuses[`${type}/${entity}/${action}`] ?? statuses[`${type}/\`${entity}\`/${action}`];
      if (status === undefined) throw new RequestError(NOT_FOUND, 'Command not found');
      return json(reply, status);
    },
  );
}

type Told = Omit<RouteDescription, 'consumes' | 'produces'> & Partial<Pick<RouteDescription, 'produces'>>;

/** The options of a route: what people are told of it. */
function told(description: Told): { readonly config: { readonly description: RouteDescription } } {
  const consumes = description.body === undefined ? [] : CONSUMED;
  return { config: { description: { consumes, produces: [V1], ...description } } };
}

/** What servers that share a cluster tell each other; there is one. */
function clusterRoutes(app: FastifyInstance, service: SqlService, environment: Environment): void {
  const cluster = new Cluster(service, environment);
  app.get(
    '/clusterStatus',
    told({ summary: 'The servers that this one has heard of, and itself.' }),
    async (request, reply) => json(reply, await cluster.status(request.host)),
  );
  app.post(
    '/heartbeat',
    told({ summary: 'Takes another server’s sign of life.', body: ['hostInfo'] }),
    (request, reply) => {
      cluster.heardOf(jsonBody(request));
      return json(reply, { isOk: true });
    },
  );
  app.post(
    '/lag',
    told({
      summary: 'Takes how far another server’s stores are behind.',
      body: ['ksqlHost', 'hostStoreLags'],
    }),
    (request, reply) => {
      cluster.lagOf(jsonBody(request));
      return json(reply, { isOk: true });
    },
  );
}

function clusterIdOf(service: SqlService): object {
  const clusters = { 'kafka-cluster': service.kafkaClusterId, 'ksql-cluster': service.serviceId };
  return { scope: { path: [], clusters }, id: '' };
}
