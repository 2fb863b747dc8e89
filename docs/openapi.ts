// OpenAPI documents of the HTTP services, made of the routes that the servers of a running platform have registered: what
// stands with a route in the code (rim/route-description.ts) is what is told here.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { Platform } from '../src/platform/index.ts';
import type { QueryParameter, RouteDescription } from '../src/rim/index.ts';

/** A server of the platform, with all that it has registered. */
export interface ServedRoutes {
  readonly app: FastifyInstance;
  readonly routes: readonly RouteOptions[];
}

interface Document {
  readonly title: string;
  readonly description: string;
  readonly service: 'schema-registry' | 'sql' | 'rest-proxy' | 'connect';
  readonly port: number;
  /** Which of the service's paths are in it. */
  readonly has: (path: string) => boolean;
  /** The media type of errors. */
  readonly errorType: string;
}

/** What the documents have of OpenAPI 3.1. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly description: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  /** By path, then by method in small letters. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}

const V3 = /^\/v3(\/|$)/;

/** By the name of the file. */
export const documents: Readonly<Record<string, Document>> = {
  'schema-registry.json': {
    title: 'Schema Registry',
    description:
      'Subjects, versions and compatibility of schemas, with the paths of Confluent’s Schema Registry. Any path may begin with `/contexts/{context}`.',
    service: 'schema-registry',
    port: 8081,
    has: () => true,
    errorType: 'application/vnd.schemaregistry.v1+json',
  },
  'sql.json': {
    title: 'SQL',
    description: 'Statements and queries, with the paths of ksqlDB’s REST API.',
    service: 'sql',
    port: 8088,
    has: () => true,
    errorType: 'application/vnd.ksql.v1+json',
  },
  'rest-proxy-v2.json': {
    title: 'REST proxy, v2',
    description: 'Records in and out over HTTP, with the paths of Confluent’s REST Proxy, version 2.',
    service: 'rest-proxy',
    port: 8082,
    has: (path) => !V3.test(path),
    errorType: 'application/vnd.kafka.v2+json',
  },
  'rest-proxy-v3.json': {
    title: 'REST proxy, v3',
    description:
      'Clusters, topics, configs, groups, access rules and records over HTTP, with the paths of Confluent’s REST Proxy, version 3. Each path is also there with `/kafka` in front.',
    service: 'rest-proxy',
    port: 8082,
    has: (path) => V3.test(path),
    errorType: 'application/json',
  },
  'connect.json': {
    title: 'Connect',
    description: 'Connectors, their tasks, configs and offsets, with the paths of Kafka Connect.',
    service: 'connect',
    port: 8083,
    has: () => true,
    errorType: 'application/json',
  },
};

/** Runs `use` on the servers of a platform that is started for it, by the service's name. */
export async function withServers<T>(use: (served: ReadonlyMap<string, ServedRoutes>) => Promise<T>): Promise<T> {
  const all: { app: FastifyInstance; routes: RouteOptions[] }[] = [];
  const onServer = (message: unknown): void => {
    const { fastify: app } = message as { fastify: FastifyInstance };
    const routes: RouteOptions[] = [];
    app.addHook('onRoute', (route) => void routes.push(route));
    all.push({ app, routes });
  };
  const directory = mkdtempSync(join(tmpdir(), 'millrace-openapi-'));
  subscribe('fastify.initialization', onServer);
  try {
    const platform = await Platform.start({
      settings: {
        'log.dirs': directory,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'kafka.rest.listeners': 'http://127.0.0.1:0',
        'connect.listeners': 'http://127.0.0.1:0',
      },
    });
    try {
      const portOf = ({ app }: ServedRoutes) => (app.server.address() as AddressInfo).port;
      const serverOf = (service: Document['service']) =>
        all.find((served) => portOf(served) === Number(new URL(platform.url(service)).port))!;
      const services = Object.values(documents).map(({ service }) => service);
      return await use(new Map(services.map((service) => [service, serverOf(service)])));
    } finally {
      await platform.stop();
    }
  } finally {
    unsubscribe('fastify.initialization', onServer);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Every document, by the name of its file. */
export function openApiDocuments(servers: ReadonlyMap<string, ServedRoutes>, version: string): Record<string, OpenApi> {
  return Object.fromEntries(
    Object.entries(documents).map(([file, document]) => {
      const { routes } = servers.get(document.service)!;
      return [
        file,
        openApi(
          document,
          routes.filter(({ url }) => document.has(url)),
          version,
        ),
      ];
    }),
  );
}

function openApi(document: Document, routes: readonly RouteOptions[], version: string): OpenApi {
  const { title, description, port, errorType } = document;
  const paths: Record<string, Record<string, Operation>> = {};
  for (const { method, url, config } of routes) {
    if (config?.description === undefined) continue;
    for (const each of [method].flat()) {
      if (each === 'HEAD') continue;
      const path = pathOf(url);
      paths[path] = { ...paths[path], [each.toLowerCase()]: operation(each, path, config.description, errorType) };
    }
  }
  return {
    openapi: '3.1.0',
    info: { title, description, version },
    servers: [{ url: `http://localhost:${port}` }],
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: { schemas: { Error: ERROR } },
  };
}

const ERROR = {
  type: 'object',
  properties: { error_code: { type: 'integer' }, message: { type: 'string' } },
  required: ['error_code', 'message'],
};

/** `/topics/:topic/records::batch` as OpenAPI writes it. */
export function pathOf(url: string): string {
  return url
    .split('::')
    .map((part) => part.replace(/:(\w+)/g, '{$1}'))
    .join(':');
}

function operation(method: string, path: string, description: RouteDescription, errorType: string): Operation {
  const { summary, query = {}, body, consumes = [], produces, status = 200 } = description;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name!,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const parameters = [...inPath, ...Object.entries(query).map(queryParameter)];
  const answersBody = produces.length > 0 && status !== 204;
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: contentOf(consumes, membersOf(body)) } }),
    responses: {
      [status]: { description: 'Done.', ...(answersBody ? { content: contentOf(produces, {}) } : {}) },
      default: {
        description: 'What was refused, or went wrong.',
        content: contentOf([errorType], { schema: { $ref: '#/components/schemas/Error' } }),
      },
    },
  };
}

function queryParameter([name, { type, description, isRepeated = false }]: [string, QueryParameter]) {
  return { name, in: 'query', description, schema: isRepeated ? { type: 'array', items: { type } } : { type } };
}

function membersOf(names: readonly string[]): object {
  return { schema: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])) } };
}

function contentOf(types: readonly string[], media: object): object {
  return Object.fromEntries(types.map((type) => [type, media]));
}
