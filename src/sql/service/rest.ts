// SQL over HTTP, with ksqlDB's paths, content types and error codes. Nothing is decided here: requests become calls of
// the service, its answers become ksqlDB's shapes. Rows are streamed with back-pressure; a client that goes away closes
// its query.
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addHealth, addMetrics, healthOf, httpServer, readRimSettings } from '../../rim/index.ts';
import { codeOf, type Environment, isOutOfStack, messageOf, MillraceError, type ValuesOf } from '../../util/index.ts';
import type { Entity, ResultFormat, ResultRow, RunningQuery } from '../statements/entities.ts';
import { StatementError } from '../errors.ts';
import { SyntaxError } from '../parser/syntax-error.ts';
import type { PrintedTopic } from '../queries/print-topic.ts';
import { protoSchemaOf } from '../queries/row-protobuf.ts';
import type { SqlService } from './service.ts';
import type { RequestContext } from './session.ts';
import type { sqlRestSettings } from '../settings.ts';
import { typeText } from '../types.ts';

const V1 = 'application/vnd.ksql.v1+json';
const DELIMITED = 'application/vnd.ksqlapi.delimited.v1';
const JSON_TYPE = 'application/json';
/** Rows as Protobuf messages, in an array of JSON. */
const PROTOBUF = 'application/vnd.ksql.v1+protobuf';
/** Where a query's warning is sent ahead of its rows, percent-encoded. */
const WARNING_HEADER = 'millrace-warning';
const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** ksqlDB takes JSON under several names, and /inserts-stream takes lines of it. A page of the web can send none of these. */
const CONSUMED = [JSON_TYPE, V1, DELIMITED, 'application/vnd.ksqlapi.inserts-stream.v1', 'application/octet-stream'];

const UNSUPPORTED = `A request says what its body is: Content-Type: ${JSON_TYPE}, or ${V1}.`;

/** ksqlDB's error codes: the HTTP status times 100, and a number. */
const BAD_REQUEST = 40000;
const BAD_STATEMENT = 40001;
const NOT_FOUND = 40400;
const SERVER_ERROR = 50000;
/** Those of errors that have one of their own. */
const ERROR_CODES: Readonly<Record<string, number>> = {
  SQL_QUERY_ENDPOINT: 40002,
  SQL_ASSERTION: 41700,
  SQL_COMMAND_PENDING: 50301,
};

class RequestError extends MillraceError {
  readonly errorCode: number;
  constructor(errorCode: number, message: string) {
    super('BAD_REQUEST', message);
    this.errorCode = errorCode;
  }
}

export interface SqlServerOptions {
  readonly settings: ValuesOf<typeof sqlRestSettings>;
  /** Answer over TLS, with the certificates that the settings name. */
  readonly isTls: boolean;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

/** A server that answers for `service`; the caller listens and closes. */
export function sqlServer(
  service: SqlService,
  { settings, isTls, environment, log }: SqlServerOptions,
): FastifyInstance {
  const { app } = httpServer({
    settings: readRimSettings('ksql.', settings),
    isTls,
    bodyBytesMax: BODY_BYTES_MAX,
    consumes: CONSUMED,
    fail,
    log,
  });
  app.setNotFoundHandler((request, reply) => fail(reply, new RequestError(NOT_FOUND, `Not found: ${request.url}`)));
  addMetrics(app, service.metrics(), log);
  addHealth(app, service.healthChecks(), environment);
  statementRoutes(app, service);
  queryRoutes(app, service);
  infoRoutes(app, service, environment);
  statusRoutes(app, service);
  return app;
}

function statementRoutes(app: FastifyInstance, service: SqlService): void {
  app.post('/ksql', async (request, reply) => {
    const body = jsonBody(request);
    const type = acceptOf(request, [V1, JSON_TYPE]);
    const entities: Entity[] = [];
    try {
      const statements = service.entities(textOf(body, 'ksql'), contextOf(body, 'streamsProperties'));
      for await (const entity of statements) entities.push(entity);
    } catch (error) {
      return fail(reply, error, entities);
    }
    return reply.type(type).send(JSON.stringify(entities));
  });
  app.post('/ksql/terminate', () => {
    throw new RequestError(BAD_REQUEST, 'Terminating a whole cluster is not supported. Use TERMINATE ALL and DROP.');
  });
  app.post('/inserts-stream', async (request, reply) => insertLines(service, String(request.body), reply));
}

function queryRoutes(app: FastifyInstance, service: SqlService): void {
  app.post('/query', async (request, reply) => {
    const body = jsonBody(request);
    const type = acceptOf(request, [V1, JSON_TYPE, DELIMITED, PROTOBUF]);
    const query = await service.query(textOf(body, 'ksql'), contextOf(body, 'streamsProperties'), formatOf(type));
    if ('lines' in query) return streamLines(reply, query);
    return type === DELIMITED ? streamDelimited(reply, query) : streamRows(reply, query, type);
  });
  app.post('/query-stream', async (request, reply) => {
    const body = jsonBody(request);
    const type = acceptOf(request, [DELIMITED, JSON_TYPE, V1, PROTOBUF]);
    const query = await service.query(textOf(body, 'sql'), contextOf(body, 'properties'), formatOf(type));
    if ('lines' in query) {
      if (type === DELIMITED) return streamLines(reply, query);
      await query.close();
      throw new RequestError(40600, `PRINT can be streamed as ${DELIMITED} only.`);
    }
    if (type === V1 || type === PROTOBUF) return streamRows(reply, query, type);
    return type === JSON_TYPE ? streamArray(reply, query) : streamDelimited(reply, query);
  });
  app.post('/close-query', async (request, reply) => {
    const queryId = textOf(jsonBody(request), 'queryId');
    if (!(await service.closeQuery(queryId))) throw new RequestError(BAD_REQUEST, `No query with id ${queryId}`);
    return reply.send();
  });
}

function infoRoutes(app: FastifyInstance, service: SqlService, environment: Environment): void {
  app.get('/', (_request, reply) => reply.redirect('/info', 302));
  app.get('/info', (_request, reply) =>
    json(reply, {
      KsqlServerInfo: {
        version: service.version,
        kafkaClusterId: service.kafkaClusterId,
        ksqlServiceId: service.serviceId,
        serverStatus: 'RUNNING',
      },
    }),
  );
  app.get('/healthcheck', async (_request, reply) => {
    const { metastore, kafka, commandRunner } = service.healthChecks();
    const { isHealthy, checks } = await healthOf({ metastore, kafka, commandRunner }, environment);
    reply.code(isHealthy ? 200 : 503);
    return json(reply, { isHealthy, details: checks, serverState: 'READY' });
  });
  app.get('/v1/metadata', (_request, reply) =>
    json(reply, { version: service.version, clusterId: clusterIdOf(service) }),
  );
  app.get('/v1/metadata/id', (_request, reply) => json(reply, clusterIdOf(service)));
  app.get('/chc/ready', (_request, reply) => json(reply, {}));
  app.get('/chc/live', (_request, reply) => json(reply, {}));
}

/** How statements that were given to the server fare. */
function statusRoutes(app: FastifyInstance, service: SqlService): void {
  app.get('/status', (_request, reply) => {
    const statuses = Object.entries(service.commandStatuses()).map(([id, { status }]) => [id, status]);
    return json(reply, { commandStatuses: Object.fromEntries(statuses) });
  });
  app.get<{ Params: { type: string; entity: string; action: string } }>(
    '/status/:type/:entity/:action',
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

function clusterIdOf(service: SqlService): object {
  const clusters = { 'kafka-cluster': service.kafkaClusterId, 'ksql-cluster': service.serviceId };
  return { scope: { path: [], clusters }, id: '' };
}

// ── Requests ──────────────────────────────────────────────────────────────────────────────────────────────────────

function jsonBody(request: FastifyRequest): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(String(request.body));
  } catch (error) {
    throw new RequestError(BAD_REQUEST, `Malformed JSON in request: ${messageOf(error)}`);
  }
  if (typeof body !== 'object' || body === null) throw new RequestError(BAD_REQUEST, 'Invalid JSON in request');
  return body as Record<string, unknown>;
}

function textOf(body: Record<string, unknown>, member: string): string {
  const text = body[member];
  if (typeof text !== 'string')
    throw new RequestError(BAD_REQUEST, `Invalid JSON in request: Missing required creator property '${member}'`);
  return text;
}

function contextOf(body: Record<string, unknown>, member: string): RequestContext {
  const variables = Object.entries(objectOf(body, 'sessionVariables')).map(([name, value]) => [name, String(value)]);
  const number = body['commandSequenceNumber'] ?? -1;
  if (!Number.isSafeInteger(number)) throw new RequestError(BAD_REQUEST, '"commandSequenceNumber" is an integer.');
  return {
    properties: objectOf(body, member),
    variables: Object.fromEntries(variables) as Record<string, string>,
    commandSequenceNumber: Number(number),
  };
}

function objectOf(body: Record<string, unknown>, member: string): Record<string, unknown> {
  const value = body[member] ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new RequestError(BAD_REQUEST, `"${member}" is an object of names and values.`);
}

/** The first of the types that the client takes; the first is also for those who don't say. */
function acceptOf(request: FastifyRequest, types: readonly string[]): string {
  const accept = request.headers.accept;
  if (accept === undefined || accept === '') return types[0]!;
  const ranges = accept.split(',').map((range) => range.split(';')[0]!.trim().toLowerCase());
  const found = types.find((type) => ranges.includes(type));
  if (found !== undefined) return found;
  if (ranges.includes('*/*') || ranges.includes('application/*')) return types[0]!;
  throw new RequestError(40600, `None of ${accept} can be answered; this path answers ${types.join(', ')}.`);
}

function formatOf(type: string): ResultFormat {
  return type === PROTOBUF ? 'protobuf' : 'json';
}

// ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

function json(reply: FastifyReply, body: object): FastifyReply {
  return reply.type(V1).send(JSON.stringify(body));
}

/**
 * StreamedRows: one array, an element per line. Clients read it by lines, so a live query ends each line at once, comma
 * included (its final message closes the array); a finite one knows its last row.
 */
async function streamRows(reply: FastifyReply, query: RunningQuery, type: string): Promise<FastifyReply> {
  const { queryId } = query;
  const isProtobuf = formatOf(type) === 'protobuf';
  const schema = isProtobuf ? { protoSchema: protoSchemaOf(query.columns) } : { schema: query.schemaText };
  const header = JSON.stringify({ header: { queryId, ...schema } });
  const member = isProtobuf ? 'protobufBytes' : 'columns';
  const before = query.live ? '' : ',\n';
  const after = query.live ? ',\n' : '';
  return stream(reply, type, query, {
    first: `[${header}${after}`,
    row: ({ json: columns, tombstone }) =>
      `${before}{"row":{"${member}":${columns}${tombstone ? ',"tombstone":true' : ''}}}${after}`,
    last: () => {
      const message = query.finalMessage();
      return message === undefined ? ']\n' : `${before}${JSON.stringify({ finalMessage: message })}]\n`;
    },
    failure: (error) => `${before}${JSON.stringify({ errorMessage: errorBody(error) })}]\n`,
  });
}

/** A line of metadata, then a line per row. */
async function streamDelimited(reply: FastifyReply, query: RunningQuery): Promise<FastifyReply> {
  return stream(reply, DELIMITED, query, {
    first: `${JSON.stringify(metadataOf(query))}\n`,
    row: ({ json: columns, tombstone }) => (tombstone ? '' : `${columns}\n`),
    last: () => '',
    failure: (error) => `${JSON.stringify(errorBody(error))}\n`,
  });
}

/** One JSON array: metadata, then the rows. */
async function streamArray(reply: FastifyReply, query: RunningQuery): Promise<FastifyReply> {
  return stream(reply, JSON_TYPE, query, {
    first: `[${JSON.stringify(metadataOf(query))}\n`,
    row: ({ json: columns, tombstone }) => (tombstone ? '' : `,${columns}\n`),
    last: () => ']\n',
    failure: (error) => `,${JSON.stringify(errorBody(error))}]\n`,
  });
}

function metadataOf(query: RunningQuery): object {
  return {
    queryId: query.queryId,
    columnNames: query.columns.map((column) => column.name),
    columnTypes: query.columns.map((column) => typeText(column.type)),
  };
}

interface Framing {
  readonly first: string;
  readonly row: (row: ResultRow) => string;
  readonly last: () => string;
  readonly failure: (error: unknown) => string;
}

async function stream(reply: FastifyReply, type: string, query: RunningQuery, framing: Framing): Promise<FastifyReply> {
  const { warning } = query;
  // In a header: in the rows there is no place for it that ksqlDB's clients would pass over.
  const headers = warning === undefined ? {} : { [WARNING_HEADER]: encodeURIComponent(warning) };
  const send = rawWriter(reply, type, () => query.close(), headers);
  try {
    await send(framing.first);
    for await (const batch of query.batches) await send(batch.map(framing.row).join(''));
    await send(framing.last());
  } catch (error) {
    // The status has been sent: what went wrong can only be told in the stream.
    await send(framing.failure(error));
  } finally {
    await query.close();
    reply.raw.end();
  }
  return reply;
}

async function streamLines(reply: FastifyReply, printed: PrintedTopic): Promise<FastifyReply> {
  const send = rawWriter(reply, 'text/plain; charset=utf-8', () => printed.close());
  try {
    for await (const line of printed.lines) await send(`${line}\n`);
  } catch (error) {
    await send(`${messageOf(error)}\n`);
  } finally {
    await printed.close();
    reply.raw.end();
  }
  return reply;
}

/** Takes the socket over from fastify: what is sent goes out at once, and waits while the client reads slowly. */
function rawWriter(
  reply: FastifyReply,
  type: string,
  onGone: () => Promise<void>,
  headers: Readonly<Record<string, string>> = {},
): (text: string) => Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': type,
    'cache-control': 'no-cache',
    'transfer-encoding': 'chunked',
    ...headers,
  });
  raw.flushHeaders();
  let gone = false;
  raw.on('close', () => {
    if (gone || raw.writableEnded) return;
    gone = true;
    void onGone();
  });
  return async (text) => {
    if (text === '' || gone || raw.destroyed) return;
    if (!raw.write(text)) await drained(raw);
  };
}

/** Resolves when the client has read on, or has gone. */
function drained(raw: FastifyReply['raw']): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      raw.off('drain', done);
      raw.off('close', done);
      resolve();
    };
    raw.on('drain', done);
    raw.on('close', done);
  });
}

/** The first line names the target, each further one is a row; each row is acknowledged in its turn. */
async function insertLines(service: SqlService, body: string, reply: FastifyReply): Promise<FastifyReply> {
  const [first, ...rows] = body.split('\n').filter((line) => line.trim() !== '');
  let target: unknown;
  try {
    target = (JSON.parse(first ?? '') as { target?: unknown }).target;
  } catch {
    target = undefined;
  }
  if (typeof target !== 'string')
    throw new RequestError(BAD_REQUEST, 'The first line must be a JSON object with "target".');
  const answers = await Promise.all(
    rows.map(async (line, seq) => {
      try {
        await service.insert(target, JSON.parse(line) as Record<string, unknown>);
        return { status: 'ok', seq };
      } catch (error) {
        return { status: 'error', seq, error_code: BAD_REQUEST, message: messageOf(error) };
      }
    }),
  );
  return reply.type(DELIMITED).send(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
}

// ── Errors ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `done`: what the statements ahead of the one that failed have answered. */
function fail(reply: FastifyReply, error: unknown, done: readonly Entity[] = []): FastifyReply {
  const body = errorBody(error, done);
  const status = Math.floor(body.error_code / 100);
  return reply.code(status).type(V1).send(JSON.stringify(body));
}

function errorBody(
  error: unknown,
  entities: readonly Entity[] = [],
): { '@type': string; error_code: number; message: string } {
  const message = messageOf(error);
  const known = ERROR_CODES[codeOf(error) ?? ''];
  if (error instanceof RequestError) return { '@type': 'generic_error', error_code: error.errorCode, message };
  if (error instanceof StatementError || error instanceof SyntaxError) {
    const statementText = error instanceof StatementError ? (error.statementText ?? '') : statementIn(message);
    return { '@type': 'statement_error', error_code: known ?? BAD_STATEMENT, message, ...{ statementText, entities } };
  }
  if (known !== undefined) return { '@type': 'generic_error', error_code: known, message };
  if (isOutOfStack(error))
    return { '@type': 'generic_error', error_code: BAD_REQUEST, message: 'The statement nests too deeply.' };
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 415) return { '@type': 'generic_error', error_code: 41500, message: UNSUPPORTED };
  if (status < 500) return { '@type': 'generic_error', error_code: status * 100, message };
  const code = codeOf(error);
  return {
    '@type': 'generic_error',
    error_code: SERVER_ERROR,
    message: code === undefined ? message : `${message} (${code})`,
  };
}

/** Syntax errors end with the statement they are in. */
function statementIn(message: string): string {
  return /\nStatement: ([^]*)$/.exec(message)?.[1] ?? '';
}
