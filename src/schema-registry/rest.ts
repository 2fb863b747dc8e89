// The registry over HTTP, with the paths, codes and content types of Confluent's. Nothing is decided here: requests
// become calls of the registry, its answers become the original's JSON shapes.
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { SchemaReference } from '../serde/index.ts';
import { messageOf } from '../util/index.ts';
import { checkCompatibility } from './compatibility/levels.ts';
import { RegistryError, storeError } from './errors.ts';
import { dryRun, explained } from './insight/dry-run.ts';
import { hasRuleOfType, readMetadata, readRuleSet } from './metadata.ts';
import { SCHEMA_TYPES } from './providers.ts';
import type { SchemaRegistry } from './registry.ts';
import { withContextInSubjects } from './rest-contexts.ts';
import { insightRoutes } from './rest-insights.ts';
import type { SchemaRequest } from './schema-reader.ts';
import type { StoredSchema } from './schema-records.ts';
import type { SchemaUsers } from './schema-users.ts';
import { readConfigUpdate } from './subject-config.ts';
import { contextOf } from './subject-name.ts';
import { tagRequest } from './tag-request.ts';
import { readSchemaTags, tagsOf } from './tags.ts';

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

type Query = Record<string, string | string[] | undefined>;
type Params = Record<string, string>;

interface Identity {
  readonly clusterId: string;
  readonly version: string;
  /** Who uses the schemas, once they are up: the registry comes before them. */
  readonly users?: () => SchemaUsers | undefined;
}

/** A server that answers for `registry`; the caller listens and closes. */
export function registryServer(registry: SchemaRegistry, identity: Identity): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: 1000 },
    rewriteUrl: (request) => withContextInSubjects(request.url ?? '/'),
    // A path that can't be decoded is refused before any route is found.
    frameworkErrors: (error, _request, reply) => void fail(reply as FastifyReply, error),
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(ACCEPTED, { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(String(body)));
    } catch (error) {
      done(new RegistryError(42201, `the request body is not valid JSON: ${messageOf(error)}`));
    }
  });
  app.addHook('onRequest', async (request) => {
    if (!accepts(request.headers.accept)) throw new RegistryError(406, 'HTTP 406 Not Acceptable');
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-type', CONTENT_TYPE);
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
  const paths = routes(registry, identity);
  for (const [route, handle] of Object.entries(paths)) {
    const [method, url] = route.split(' ') as ['GET' | 'POST' | 'PUT' | 'DELETE', string];
    const current = async (call: Call) => {
      await registry.caughtUp();
      return handle(call);
    };
    /** What is there stays as it is; only what is not there may have been written elsewhere just now. */
    const found = async (call: Call) => {
      try {
        return handle(call);
      } catch (error) {
        if (error instanceof RegistryError && error.status === 404) return current(call);
        throw error;
      }
    };
    app.route({
      method,
      url,
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const call = {
          params: request.params as Params,
          query: request.query as Query,
          body: (request.body ?? {}) as Record<string, unknown>,
        };
        const answer = await (IMMUTABLE.has(route) ? found(call) : current(call));
        // The raw schema is an answer of its own, not a JSON string.
        if (answer === undefined) return reply.code(204).send();
        return reply.send(typeof answer === 'string' ? answer : JSON.stringify(answer));
      },
    });
  }
  return app;
}

interface Call {
  readonly params: Params;
  readonly query: Query;
  readonly body: Record<string, unknown>;
}

function routes(registry: SchemaRegistry, identity: Identity): Record<string, (call: Call) => unknown> {
  const ids = (params: Params): number => {
    const id = Number(params['id']);
    if (!Number.isInteger(id)) throw new RegistryError(404, 'HTTP 404 Not Found');
    return id;
  };
  const page = <T>(items: readonly T[], query: Query): readonly T[] => {
    const offset = Number(query['offset'] ?? 0);
    const limit = Number(query['limit'] ?? -1);
    return items.slice(offset, limit < 0 ? undefined : offset + limit);
  };
  const prefixed = (query: Query) => {
    const prefix = text(query['subjectPrefix']);
    return prefix === undefined ? {} : { prefix };
  };
  const uses = (params: Params, query: Query) => {
    const subject = text(query['subject']);
    return registry.usesOf(ids(params), {
      deleted: flag(query['deleted']),
      ...(subject === undefined ? {} : { subject }),
    });
  };
  const inFormat = (stored: StoredSchema, query: Query): StoredSchema => {
    const format = text(query['format']) ?? '';
    return format === '' ? stored : { ...stored, schema: registry.inFormat(stored, format) };
  };
  const compatibility = ({ params, query, body }: Call, against: string | undefined) => {
    const verbose = flag(query['verbose']);
    try {
      const proposal = registry.proposal(params['subject']!, schemaRequest(body, query), against);
      const messages = checkCompatibility(proposal.comparison);
      return {
        is_compatible: messages.length === 0,
        ...(verbose ? { messages } : {}),
        ...(flag(query['explain']) ? explained(registry, proposal) : {}),
      };
    } catch (error) {
      if (verbose && error instanceof RegistryError && error.errorCode === 42201) {
        const nothing = { explanations: [], remedies: [] };
        return { is_compatible: false, messages: [error.message], ...(flag(query['explain']) ? nothing : {}) };
      }
      throw error;
    }
  };

  const aliases = (subject: string, query: Query) => {
    const found = flag(query['aliases']) ? registry.aliasesOf(subject) : [];
    return found.length === 0 ? {} : { aliases: found };
  };

  return {
    ...insightRoutes(registry),
    'GET /': () => ({}),
    'POST /': () => ({}),
    'GET /schemas': ({ query }) =>
      page(
        registry
          .schemas({
            ...prefixed(query),
            deleted: flag(query['deleted']),
            latestOnly: flag(query['latestOnly']),
          })
          .filter((stored) => hasRuleOfType(stored.ruleSet, text(query['ruleType'])))
          .map((stored) => ({ ...schemaEntity(stored), ...aliases(stored.subject, query) })),
        query,
      ),
    'GET /schemas/types': () => SCHEMA_TYPES,
    'GET /schemas/ids/:id': ({ params, query }) => {
      const subject = text(query['subject']);
      const found = registry.byId(ids(params), subject);
      return {
        ...contentEntity(inFormat(found, query)),
        // With the id as well: the Python client keeps what it finds here, and takes the id from there.
        ...(subject === undefined ? {} : { subject: found.subject, version: found.version, id: found.id }),
        ...(flag(query['fetchMaxId']) ? { maxId: registry.highestId(subject) } : {}),
        ...schemaTags(found, query),
      };
    },
    'GET /schemas/ids/:id/schema': ({ params, query }) => {
      return inFormat(registry.byId(ids(params), text(query['subject'])), query).schema;
    },
    'GET /schemas/ids/:id/subjects': ({ params, query }) =>
      page([...new Set(uses(params, query).map((use) => use.subject))], query),
    'GET /schemas/ids/:id/versions': ({ params, query }) =>
      page(
        uses(params, query).map(({ subject, version }) => ({ subject, version })),
        query,
      ),
    'GET /schemas/guids/:guid': ({ params, query }) => {
      return contentEntity(inFormat(registry.byGuid(params['guid']!)[0]!, query));
    },
    'GET /schemas/guids/:guid/ids': ({ params }) => {
      const ids = new Map<string, { context: string; id: number }>();
      for (const { subject, id } of registry.byGuid(params['guid']!)) {
        const context = contextOf(subject);
        ids.set(`${context} ${id}`, { context, id });
      }
      return [...ids.values()];
    },
    'GET /subjects': ({ query }) =>
      page(
        registry.subjects({
          ...prefixed(query),
          deleted: flag(query['deleted']),
          deletedOnly: flag(query['deletedOnly']),
        }),
        query,
      ),
    'GET /subjects/:subject/versions': ({ params, query }) => {
      const subject = params['subject']!;
      const asNegative = flag(query['deletedAsNegative']);
      const deleted = asNegative || flag(query['deleted']);
      const versions = registry.versions(subject, { deleted, deletedOnly: flag(query['deletedOnly']) });
      if (!asNegative) return page(versions, query);
      const gone = new Set(registry.versions(subject, { deletedOnly: true, orNone: true }));
      return page(
        versions.map((version) => (gone.has(version) ? -version : version)),
        query,
      );
    },
    'POST /subjects/:subject/versions': async ({ params, query, body }) => {
      if (flag(query['dryRun'])) {
        return dryRun(registry, params['subject']!, schemaRequest(body, query), identity.users?.());
      }
      return schemaEntity(inFormat(await registry.register(params['subject']!, schemaRequest(body, query)), query));
    },
    'POST /subjects/:subject': ({ params, query, body }) =>
      schemaEntity(
        inFormat(registry.lookup(params['subject']!, schemaRequest(body, query), flag(query['deleted'])), query),
      ),
    'GET /subjects/:subject/metadata': ({ params, query }) => {
      const [keys, values] = [list(query['key']), list(query['value'])];
      const properties = Object.fromEntries(keys.map((key, i) => [key, values[i] ?? '']));
      return schemaEntity(
        inFormat(registry.withMetadata(params['subject']!, properties, flag(query['deleted'])), query),
      );
    },
    'GET /subjects/:subject/versions/:version': ({ params, query }) => {
      const found = registry.version(params['subject']!, params['version']!, flag(query['deleted']));
      return { ...schemaEntity(inFormat(found, query)), ...schemaTags(found, query) };
    },
    'POST /subjects/:subject/versions/:version/tags': async ({ params, query, body }) => {
      const subject = params['subject']!;
      const tagged = registry.version(subject, params['version']!);
      const newVersion = registry.versions(subject, { deleted: true }).at(-1)! + 1;
      return schemaEntity(inFormat(await registry.register(subject, tagRequest(tagged, body, newVersion)), query));
    },
    'GET /subjects/:subject/versions/:version/schema': ({ params, query }) => {
      return inFormat(registry.version(params['subject']!, params['version']!, flag(query['deleted'])), query).schema;
    },
    'GET /subjects/:subject/versions/:version/referencedby': ({ params, query }) =>
      page(registry.referencedBy(params['subject']!, params['version']!, flag(query['deleted'])), query),
    'DELETE /subjects/:subject': ({ params, query }) =>
      registry.deleteSubject(params['subject']!, flag(query['permanent'])),
    'DELETE /subjects/:subject/versions/:version': ({ params, query }) =>
      registry.deleteVersion(params['subject']!, params['version']!, flag(query['permanent'])),
    'POST /compatibility/subjects/:subject/versions/:version': (call) => compatibility(call, call.params['version']),
    'POST /compatibility/subjects/:subject/versions': (call) => compatibility(call, undefined),
    'GET /config': () => registry.config(null),
    'PUT /config': async ({ body }) => {
      await registry.setConfig(null, readConfigUpdate(body));
      return body;
    },
    'DELETE /config': () => registry.deleteConfig(null),
    'GET /config/:subject': ({ params, query }) =>
      flag(query['defaultToGlobal']) ? registry.config(params['subject']!) : registry.ownConfig(params['subject']!),
    'PUT /config/:subject': async ({ params, body }) => {
      await registry.setConfig(params['subject']!, readConfigUpdate(body));
      return body;
    },
    'DELETE /config/:subject': ({ params }) => registry.deleteConfig(params['subject']!),
    'GET /mode': () => ({ mode: registry.mode(null) }),
    'PUT /mode': async ({ query, body }) => {
      await registry.setMode(null, String(body['mode']), flag(query['force']));
      return { mode: registry.mode(null) };
    },
    'GET /mode/:subject': ({ params, query }) => ({
      mode: flag(query['defaultToGlobal']) ? registry.mode(params['subject']!) : registry.ownMode(params['subject']!),
    }),
    'PUT /mode/:subject': async ({ params, query, body }) => {
      await registry.setMode(params['subject']!, String(body['mode']), flag(query['force']));
      return { mode: registry.mode(params['subject']!) };
    },
    'DELETE /mode': async ({ query }) => ({ mode: await registry.deleteMode(null, flag(query['recursive'])) }),
    'DELETE /mode/:subject': async ({ params, query }) => ({
      mode: await registry.deleteMode(params['subject']!, flag(query['recursive'])),
    }),
    'GET /contexts': ({ query }) => {
      const prefix = text(query['contextPrefix']) ?? '';
      return page(
        registry.contexts().filter((context) => context.startsWith(prefix)),
        query,
      );
    },
    'DELETE /contexts/:context': ({ params }) => registry.deleteContext(params['context']!),
    // Clients ask before each topic's first record; there are no associations, so they go by the topic's name.
    'GET /associations/resources/:namespace/:name': () => [],
    'GET /associations/subjects/:subject': () => [],
    'GET /v1/metadata/id': () => ({
      scope: {
        path: [],
        clusters: { 'kafka-cluster': identity.clusterId, 'schema-registry-cluster': 'schema-registry' },
      },
      id: '',
    }),
    'GET /v1/metadata/deployment': () => ({ attributes: [] }),
    'GET /v1/metadata/version': () => ({ version: identity.version, commitId: '' }),
  };
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** The Python client writes `True`. */
function flag(value: string | string[] | undefined): boolean {
  return text(value)?.toLowerCase() === 'true';
}

function schemaRequest(body: Record<string, unknown>, query: Query): SchemaRequest {
  const metadata = readMetadata(body['metadata']);
  const ruleSet = readRuleSet(body['ruleSet']);
  return {
    schema: typeof body['schema'] === 'string' ? body['schema'] : '',
    ...(typeof body['schemaType'] === 'string' ? { schemaType: body['schemaType'] } : {}),
    ...(Array.isArray(body['references']) ? { references: body['references'].map(reference) } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    ...(flag(query['normalize']) ? { normalize: true } : {}),
    force: flag(query['force']),
    tagsToAdd: readSchemaTags(body['schemaTagsToAdd'], 'schemaTagsToAdd'),
    tagsToRemove: readSchemaTags(body['schemaTagsToRemove'], 'schemaTagsToRemove'),
    propagateTags: body['propagateSchemaTags'] === true,
    ...(body['id'] === undefined || body['id'] === null ? {} : { id: int32(body['id'], 'id') }),
    ...(body['version'] === undefined || body['version'] === null
      ? {}
      : { version: int32(body['version'], 'version') }),
  };
}

function reference(json: unknown): SchemaReference {
  const { name, subject, version } = (json ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof subject !== 'string' || !Number.isInteger(version)) {
    throw new RegistryError(42201, 'A reference has a name, a subject and a version');
  }
  return { name, subject, version: Number(version) };
}

function int32(json: unknown, what: string): number {
  if (typeof json !== 'number' || (json | 0) !== json) {
    throw new RegistryError(42201, `The member ${what} is not an integer of 32 bits`);
  }
  return json;
}

function list(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function contentEntity({ guid, schemaType, references, metadata, ruleSet, schema }: StoredSchema): object {
  return {
    guid,
    schemaType,
    schema,
    ...(references.length === 0 ? {} : { references }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  };
}

function schemaEntity(stored: StoredSchema): object {
  const { subject, version, id, deleted } = stored;
  return { subject, version, id, ...contentEntity(stored), ...(deleted ? { deleted } : {}) };
}

/** The elements with any of the tags that are asked for, `*` for all. */
function schemaTags({ schemaType, schema }: StoredSchema, query: Query): object {
  const wanted = list(query['findTags']);
  if (wanted.length === 0) return {};
  const found = tagsOf(schemaType, schema)
    .map((element) => ({
      ...element,
      tags: element.tags.filter((tag) => wanted.includes('*') || wanted.includes(tag)),
    }))
    .filter(({ tags }) => tags.length > 0);
  return {
    schemaTags: found.map(({ entityPath, entityType, tags }) => ({ schemaEntity: { entityPath, entityType }, tags })),
  };
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
