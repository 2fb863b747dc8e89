// The routes of schemas, whatever subjects they are in: by their ids and guids, and all of them.
import { SCHEMA_TYPES } from '../../schemas/index.ts';
import { hasRuleOfType } from '../metadata.ts';
import type { SchemaRegistry } from '../registry.ts';
import { type Call, type DeclareRoute, deniedSchema, type Routes } from './access.ts';
import {
  contentEntity,
  flag,
  inFormat,
  integer,
  page,
  prefixOf,
  type Query,
  schemaEntity,
  schemaTags,
  text,
} from './entities.ts';
import { PAGE } from './query-parameters.ts';
import type { StoredSchema } from '../storage/schema-records.ts';
import { contextOf } from '../subject-name.ts';

export function schemaRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /schemas': needs(
      'LISTING',
      {
        summary: 'All schemas, with their subjects and versions.',
        query: ['subjectPrefix', 'deleted', 'latestOnly', 'ruleType', 'aliases', ...PAGE],
      },
      ({ query, permissions }) =>
        page(
          registry
            .schemas({
              ...prefixOf(query),
              deleted: flag(query['deleted']),
              latestOnly: flag(query['latestOnly']),
            })
            .filter(({ subject }) => permissions.allows('SUBJECT_READ', subject))
            .filter((stored) => hasRuleOfType(stored.ruleSet, text(query['ruleType'])))
            .map((stored) => ({ ...schemaEntity(stored), ...aliases(registry, stored.subject, query) })),
          query,
        ),
    ),
    'GET /schemas/types': needs('NOTHING', { summary: 'The schema languages.' }, () => SCHEMA_TYPES),
    'GET /schemas/ids/:id': needs(
      'SCHEMA_READ',
      { summary: 'The schema with an id.', query: ['subject', 'format', 'fetchMaxId', 'findTags'] },
      (call) => {
        const { query } = call;
        const subject = text(query['subject']);
        const found = schemaWithId(registry, call);
        return {
          ...contentEntity(inFormat(registry, found, query)),
          // With the id as well: the Python client keeps what it finds here, and takes the id from there.
          ...(subject === undefined ? {} : { subject: found.subject, version: found.version, id: found.id }),
          ...(flag(query['fetchMaxId']) ? { maxId: registry.highestId(subject) } : {}),
          ...schemaTags(found, query),
        };
      },
    ),
    'GET /schemas/ids/:id/schema': needs(
      'SCHEMA_READ',
      { summary: 'The text of the schema with an id.', query: ['subject', 'format'] },
      (call) => inFormat(registry, schemaWithId(registry, call), call.query).schema,
    ),
    'GET /schemas/ids/:id/subjects': needs(
      'LISTING',
      { summary: 'The subjects that have the schema with an id.', query: ['subject', 'deleted', ...PAGE] },
      (call) => page([...new Set(uses(registry, call).map((use) => use.subject))], call.query),
    ),
    'GET /schemas/ids/:id/versions': needs(
      'LISTING',
      { summary: 'The subjects and versions that have the schema with an id.', query: ['subject', 'deleted', ...PAGE] },
      (call) =>
        page(
          uses(registry, call).map(({ subject, version }) => ({ subject, version })),
          call.query,
        ),
    ),
    ...guidRoutes(registry, needs),
  };
}

function guidRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /schemas/guids/:guid': needs(
      'SCHEMA_READ',
      { summary: 'The schema with a GUID.', query: ['format'] },
      (call) => {
        return contentEntity(
          inFormat(registry, withGuid(registry, call)[0] ?? deniedSchema(call.params['guid']!), call.query),
        );
      },
    ),
    'GET /schemas/guids/:guid/ids': needs(
      'LISTING',
      { summary: 'The ids of the schema with a GUID, by context.' },
      (call) => {
        const ids = new Map<string, { context: string; id: number }>();
        for (const { subject, id } of withGuid(registry, call)) {
          const context = contextOf(subject);
          ids.set(`${context} ${id}`, { context, id });
        }
        return [...ids.values()];
      },
    ),
  };
}

/** What has the id, in a subject that may be read. */
function schemaWithId(registry: SchemaRegistry, call: Call): StoredSchema {
  const found = registry.byId(integer(call.params['id']!), text(call.query['subject']));
  if (call.permissions.allows('SUBJECT_READ', found.subject)) return found;
  return uses(registry, call, true)[0] ?? deniedSchema(found.id);
}

/** Where the id is used, in subjects that may be read. */
function uses(
  registry: SchemaRegistry,
  { params, query, permissions }: Call,
  deleted = flag(query['deleted']),
): readonly StoredSchema[] {
  const subject = text(query['subject']);
  const all = registry.usesOf(integer(params['id']!), { deleted, ...(subject === undefined ? {} : { subject }) });
  return all.filter((use) => permissions.allows('SUBJECT_READ', use.subject));
}

function withGuid(registry: SchemaRegistry, { params, permissions }: Call): readonly StoredSchema[] {
  return registry.byGuid(params['guid']!).filter(({ subject }) => permissions.allows('SUBJECT_READ', subject));
}

function aliases(registry: SchemaRegistry, subject: string, query: Query): object {
  const found = flag(query['aliases']) ? registry.aliasesOf(subject) : [];
  return found.length === 0 ? {} : { aliases: found };
}
