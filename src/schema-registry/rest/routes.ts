// The registry's routes: paths and answers of Confluent's, each with what a user must be allowed to do. Nothing is decided
// here: requests become calls of the registry, its answers become the original's JSON shapes.
import { SCHEMA_TYPES } from '../../schemas/index.ts';
import { checkCompatibility } from '../compatibility-levels.ts';
import { asRefusal, invalidSchema, RegistryError } from '../errors.ts';
import { denied } from './authorization.ts';
import { dryRun, explained } from '../insight/dry-run.ts';
import { hasRuleOfType } from '../metadata.ts';
import type { SchemaRegistry } from '../registry.ts';
import { type Call, deniedSchema, type Route, routesOf } from './access.ts';
import {
  contentEntity,
  flag,
  integer,
  list,
  optionalText,
  page,
  type Params,
  type Query,
  schemaEntity,
  schemaRequest,
  schemaTags,
  text,
} from './entities.ts';
import { insightRoutes } from './insights.ts';
import type { StoredSchema } from '../storage/schema-records.ts';
import type { SchemaUsers } from '../schema-users.ts';
import { readConfigUpdate } from '../subject-config.ts';
import { contextNamed, contextOf, DEFAULT_CONTEXT, plainSubject, qualify } from '../subject-name.ts';
import { tagRequest } from './tag-request.ts';

/** What the registry knows of the platform that it is part of. */
export interface Surroundings {
  readonly clusterId: string;
  readonly version: string;
  /** Who uses the schemas, once they are up: the registry comes before them. */
  readonly users?: () => SchemaUsers | undefined;
}

/** By method and path. */
export function registryRoutes(
  registry: SchemaRegistry,
  { clusterId, version, users }: Surroundings,
): Readonly<Record<string, Route>> {
  const needs = routesOf(registry);
  const ids = (params: Params): number => integer(params['id']!);
  /** The empty prefix is everybody's, also that of subjects in other contexts. */
  const prefixed = (query: Query) => {
    const prefix = text(query['subjectPrefix']);
    return prefix === undefined || prefix === '' ? {} : { prefix };
  };
  const uses = ({ params, query, permissions }: Call, deleted = flag(query['deleted'])) => {
    const subject = text(query['subject']);
    const all = registry.usesOf(ids(params), { deleted, ...(subject === undefined ? {} : { subject }) });
    return all.filter((use) => permissions.allows('SUBJECT_READ', use.subject));
  };
  /** What has the id, in a subject that may be read. */
  const schemaWithId = (call: Call): StoredSchema => {
    const found = registry.byId(ids(call.params), text(call.query['subject']));
    if (call.permissions.allows('SUBJECT_READ', found.subject)) return found;
    return uses(call, true)[0] ?? deniedSchema(found.id);
  };
  const withGuid = ({ params, permissions }: Call) =>
    registry.byGuid(params['guid']!).filter(({ subject }) => permissions.allows('SUBJECT_READ', subject));
  const inFormat = (stored: StoredSchema, query: Query): StoredSchema => {
    const format = text(query['format']) ?? '';
    return format === '' ? stored : { ...stored, schema: registry.inFormat(stored, format) };
  };
  const compatibility = ({ params, query, body }: Call, against: string | undefined) => {
    const verbose = flag(query['verbose']);
    try {
      const request = schemaRequest(body, query);
      // To register, it would mean the schema before; to compare, it means nothing.
      if (request.schema.trim() === '') throw invalidSchema('Empty schema');
      const proposal = registry.proposal(params['subject']!, request, against);
      const messages = checkCompatibility(proposal.comparison);
      return {
        is_compatible: messages.length === 0,
        ...(verbose ? { messages } : {}),
        ...(flag(query['explain']) ? explained(registry, proposal) : {}),
      };
    } catch (thrown) {
      const error = asRefusal(thrown);
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

  // What would be written is compared with what would be read.
  const rehearsal = needs(
    'SUBJECT_WRITE',
    ({ params, query, body }) => dryRun(registry, params['subject']!, schemaRequest(body, query), users?.()),
    'reading',
  );

  return {
    ...insightRoutes(registry, needs),
    'GET /': needs('NOTHING', () => ({})),
    'POST /': needs('NOTHING', () => ({})),
    'GET /schemas': needs('LISTING', ({ query, permissions }) =>
      page(
        registry
          .schemas({
            ...prefixed(query),
            deleted: flag(query['deleted']),
            latestOnly: flag(query['latestOnly']),
          })
          .filter(({ subject }) => permissions.allows('SUBJECT_READ', subject))
          .filter((stored) => hasRuleOfType(stored.ruleSet, text(query['ruleType'])))
          .map((stored) => ({ ...schemaEntity(stored), ...aliases(stored.subject, query) })),
        query,
      ),
    ),
    'GET /schemas/types': needs('NOTHING', () => SCHEMA_TYPES),
    'GET /schemas/ids/:id': needs('SCHEMA_READ', (call) => {
      const { query } = call;
      const subject = text(query['subject']);
      const found = schemaWithId(call);
      return {
        ...contentEntity(inFormat(found, query)),
        // With the id as well: the Python client keeps what it finds here, and takes the id from there.
        ...(subject === undefined ? {} : { subject: found.subject, version: found.version, id: found.id }),
        ...(flag(query['fetchMaxId']) ? { maxId: registry.highestId(subject) } : {}),
        ...schemaTags(found, query),
      };
    }),
    'GET /schemas/ids/:id/schema': needs('SCHEMA_READ', (call) => inFormat(schemaWithId(call), call.query).schema),
    'GET /schemas/ids/:id/subjects': needs('LISTING', (call) =>
      page([...new Set(uses(call).map((use) => use.subject))], call.query),
    ),
    'GET /schemas/ids/:id/versions': needs('LISTING', (call) =>
      page(
        uses(call).map(({ subject, version }) => ({ subject, version })),
        call.query,
      ),
    ),
    'GET /schemas/guids/:guid': needs('SCHEMA_READ', (call) => {
      return contentEntity(inFormat(withGuid(call)[0] ?? deniedSchema(call.params['guid']!), call.query));
    }),
    'GET /schemas/guids/:guid/ids': needs('LISTING', (call) => {
      const ids = new Map<string, { context: string; id: number }>();
      for (const { subject, id } of withGuid(call)) {
        const context = contextOf(subject);
        ids.set(`${context} ${id}`, { context, id });
      }
      return [...ids.values()];
    }),
    'GET /subjects': needs('LISTING', ({ query, permissions }) =>
      page(
        registry
          .subjects({
            ...prefixed(query),
            deleted: flag(query['deleted']),
            deletedOnly: flag(query['deletedOnly']),
          })
          .filter((subject) => permissions.allows('GLOBAL_READ') || permissions.allows('SUBJECT_READ', subject)),
        query,
      ),
    ),
    'GET /subjects/:subject/versions': needs('SUBJECT_READ', ({ params, query }) => {
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
    }),
    'POST /subjects/:subject/versions': needs('SUBJECT_WRITE', async (call) => {
      const { params, query, body } = call;
      if (flag(query['dryRun'])) return rehearsal.answer(call);
      return schemaEntity(inFormat(await registry.register(params['subject']!, schemaRequest(body, query)), query));
    }),
    'POST /subjects/:subject': needs('SUBJECT_READ', ({ params, query, body }) =>
      schemaEntity(
        inFormat(registry.lookup(params['subject']!, schemaRequest(body, query), flag(query['deleted'])), query),
      ),
    ),
    'GET /subjects/:subject/metadata': needs('SUBJECT_READ', ({ params, query }) => {
      const [keys, values] = [list(query['key']), list(query['value'])];
      const properties = Object.fromEntries(keys.map((key, i) => [key, values[i] ?? '']));
      return schemaEntity(
        inFormat(registry.withMetadata(params['subject']!, properties, flag(query['deleted'])), query),
      );
    }),
    'GET /subjects/:subject/versions/:version': needs('SUBJECT_READ', ({ params, query }) => {
      const found = registry.version(params['subject']!, params['version']!, flag(query['deleted']));
      return { ...schemaEntity(inFormat(found, query)), ...schemaTags(found, query) };
    }),
    'POST /subjects/:subject/versions/:version/tags': needs(
      'SUBJECT_WRITE',
      async ({ params, query, body, permissions }) => {
        const subject = params['subject']!;
        const tagged = registry.version(subject, params['version']!);
        if (!permissions.allows('SUBJECT_WRITE', tagged.subject)) throw denied('SUBJECT_WRITE', subject);
        const newVersion = registry.versions(subject, { deleted: true }).at(-1)! + 1;
        return schemaEntity(inFormat(await registry.register(subject, tagRequest(tagged, body, newVersion)), query));
      },
    ),
    'GET /subjects/:subject/versions/:version/schema': needs('SUBJECT_READ', ({ params, query }) => {
      return inFormat(registry.version(params['subject']!, params['version']!, flag(query['deleted'])), query).schema;
    }),
    'GET /subjects/:subject/versions/:version/referencedby': needs('SUBJECT_READ', ({ params, query }) =>
      page(registry.referencedBy(params['subject']!, params['version']!, flag(query['deleted'])), query),
    ),
    'DELETE /subjects/:subject': needs('SUBJECT_DELETE', ({ params, query }) =>
      registry.deleteSubject(params['subject']!, flag(query['permanent'])),
    ),
    'DELETE /subjects/:subject/versions/:version': needs('SUBJECT_DELETE', ({ params, query }) =>
      registry.deleteVersion(params['subject']!, params['version']!, flag(query['permanent'])),
    ),
    'POST /compatibility/subjects/:subject/versions/:version': needs(
      'SUBJECT_WRITE',
      (call) => compatibility(call, call.params['version']),
      'reading',
    ),
    'POST /compatibility/subjects/:subject/versions': needs(
      'SUBJECT_WRITE',
      (call) => compatibility(call, undefined),
      'reading',
    ),
    'GET /config': needs('GLOBAL_COMPATIBILITY_READ', () => registry.config(null)),
    'PUT /config': needs('GLOBAL_COMPATIBILITY_WRITE', async ({ body }) => {
      await registry.setConfig(null, readConfigUpdate(body));
      return body;
    }),
    'DELETE /config': needs('GLOBAL_COMPATIBILITY_WRITE', () => registry.deleteConfig(null)),
    'GET /config/:subject': needs('SUBJECT_COMPATIBILITY_READ', ({ params, query }) =>
      flag(query['defaultToGlobal']) ? registry.config(params['subject']!) : registry.ownConfig(params['subject']!),
    ),
    'PUT /config/:subject': needs('SUBJECT_COMPATIBILITY_WRITE', async ({ params, body, permissions }) => {
      const { alias } = body;
      // Who makes one subject stand for another must be allowed to write what is written there from now on.
      if (typeof alias === 'string' && alias !== '' && !permissions.allows('SUBJECT_WRITE', plainSubject(alias))) {
        throw denied('SUBJECT_WRITE', alias);
      }
      await registry.setConfig(params['subject']!, readConfigUpdate(body));
      return body;
    }),
    'DELETE /config/:subject': needs('SUBJECT_COMPATIBILITY_WRITE', ({ params }) =>
      registry.deleteConfig(params['subject']!),
    ),
    'GET /mode': needs('GLOBAL_COMPATIBILITY_READ', () => ({ mode: registry.mode(null) })),
    'PUT /mode': needs('GLOBAL_COMPATIBILITY_WRITE', async ({ query, body }) => {
      await registry.setMode(null, optionalText(body['mode'], 'mode') ?? '', flag(query['force']));
      return { mode: body['mode'] };
    }),
    'GET /mode/:subject': needs('SUBJECT_COMPATIBILITY_READ', ({ params, query }) => ({
      mode: flag(query['defaultToGlobal']) ? registry.mode(params['subject']!) : registry.ownMode(params['subject']!),
    })),
    'PUT /mode/:subject': needs('SUBJECT_COMPATIBILITY_WRITE', async ({ params, query, body }) => {
      await registry.setMode(params['subject']!, optionalText(body['mode'], 'mode') ?? '', flag(query['force']));
      return { mode: body['mode'] };
    }),
    'DELETE /mode': needs('GLOBAL_COMPATIBILITY_WRITE', async ({ query }) => ({
      mode: await registry.deleteMode(null, flag(query['recursive'])),
    })),
    'DELETE /mode/:subject': needs('SUBJECT_COMPATIBILITY_WRITE', async ({ params, query }) => ({
      mode: await registry.deleteMode(params['subject']!, flag(query['recursive'])),
    })),
    'GET /contexts': needs('LISTING', ({ query, permissions }) => {
      const prefix = text(query['contextPrefix']) ?? '';
      const isShown = (context: string) =>
        context === DEFAULT_CONTEXT ||
        permissions.allows('GLOBAL_READ') ||
        registry
          .subjects({ prefix: qualify(context, ''), deleted: true })
          .some((subject) => permissions.allows('SUBJECT_READ', subject));
      return page(
        registry.contexts().filter((context) => context.startsWith(prefix) && isShown(context)),
        query,
      );
    }),
    'DELETE /contexts/:context': needs('GLOBAL_COMPATIBILITY_WRITE', ({ params }) =>
      registry.deleteContext(contextNamed(params['context']!)),
    ),
    // Clients ask before each topic's first record; there are no associations, so they go by the topic's name.
    'GET /associations/resources/:namespace/:name': needs('NOTHING', () => []),
    'GET /associations/subjects/:subject': needs('NOTHING', () => []),
    'GET /v1/metadata/id': needs('NOTHING', () => ({
      scope: {
        path: [],
        clusters: { 'kafka-cluster': clusterId, 'schema-registry-cluster': 'schema-registry' },
      },
      id: '',
    })),
    'GET /v1/metadata/deployment': needs('NOTHING', () => ({ attributes: [] })),
    'GET /v1/metadata/version': needs('NOTHING', () => ({ version, commitId: '' })),
  };
}
