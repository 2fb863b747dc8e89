// The routes of subjects and of their versions.
import { dryRun } from '../insight/dry-run.ts';
import type { SchemaRegistry } from '../registry.ts';
import type { SchemaUsers } from '../schema-users.ts';
import type { DeclareRoute, Description, Routes } from './access.ts';
import { denied } from './authorization.ts';
import {
  flag,
  inFormat,
  list,
  page,
  prefixOf,
  SCHEMA_MEMBERS,
  schemaEntity,
  schemaRequest,
  schemaTags,
} from './entities.ts';
import { PAGE } from './query-parameters.ts';
import { TAG_MEMBERS, tagRequest } from './tag-request.ts';

export function subjectRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /subjects': needs(
      'LISTING',
      { summary: 'The names of the subjects.', query: ['subjectPrefix', 'deleted', 'deletedOnly', ...PAGE] },
      ({ query, permissions }) =>
        page(
          registry
            .subjects({
              ...prefixOf(query),
              deleted: flag(query['deleted']),
              deletedOnly: flag(query['deletedOnly']),
            })
            .filter((subject) => permissions.allows('GLOBAL_READ') || permissions.allows('SUBJECT_READ', subject)),
          query,
        ),
    ),
    'POST /subjects/:subject': needs(
      'SUBJECT_READ',
      {
        summary: 'Looks up whether the subject has a schema, and as which version.',
        query: ['normalize', 'deleted', 'format'],
        body: SCHEMA_MEMBERS,
      },
      ({ params, query, body }) =>
        schemaEntity(
          inFormat(
            registry,
            registry.lookup(params['subject']!, schemaRequest(body, query), flag(query['deleted'])),
            query,
          ),
        ),
    ),
    'GET /subjects/:subject/metadata': needs(
      'SUBJECT_READ',
      { summary: 'The latest version with the given metadata.', query: ['key', 'value', 'deleted', 'format'] },
      ({ params, query }) => {
        const [keys, values] = [list(query['key']), list(query['value'])];
        const properties = Object.fromEntries(keys.map((key, i) => [key, values[i] ?? '']));
        return schemaEntity(
          inFormat(registry, registry.withMetadata(params['subject']!, properties, flag(query['deleted'])), query),
        );
      },
    ),
    'DELETE /subjects/:subject': needs(
      'SUBJECT_DELETE',
      { summary: 'Deletes all versions of a subject, and answers their numbers.', query: ['permanent'] },
      ({ params, query }) => registry.deleteSubject(params['subject']!, flag(query['permanent'])),
    ),
  };
}

/** `users` tells a dry run whom a new version would reach. */
export function versionRoutes(
  registry: SchemaRegistry,
  needs: DeclareRoute,
  users: (() => SchemaUsers | undefined) | undefined,
): Routes {
  // What would be written is compared with what would be read.
  const registration: Description = {
    summary: 'Registers a schema as the subject’s next version; one that is there already is answered as it is.',
    query: ['normalize', 'force', 'dryRun', 'format'],
    body: SCHEMA_MEMBERS,
  };
  const rehearsal = needs(
    'SUBJECT_WRITE',
    registration,
    ({ params, query, body }) => dryRun(registry, params['subject']!, schemaRequest(body, query), users?.()),
    'reading',
  );
  return {
    'GET /subjects/:subject/versions': needs(
      'SUBJECT_READ',
      {
        summary: 'The numbers of a subject’s versions.',
        query: ['deleted', 'deletedOnly', 'deletedAsNegative', ...PAGE],
      },
      ({ params, query }) => {
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
    ),
    'POST /subjects/:subject/versions': needs('SUBJECT_WRITE', registration, async (call) => {
      const { params, query, body } = call;
      if (flag(query['dryRun'])) return rehearsal.answer(call);
      return schemaEntity(
        inFormat(registry, await registry.register(params['subject']!, schemaRequest(body, query)), query),
      );
    }),
    ...singleVersionRoutes(registry, needs),
  };
}

function singleVersionRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /subjects/:subject/versions/:version': needs(
      'SUBJECT_READ',
      { summary: 'A version: a number, or `latest`.', query: ['deleted', 'format', 'findTags'] },
      ({ params, query }) => {
        const found = registry.version(params['subject']!, params['version']!, flag(query['deleted']));
        return { ...schemaEntity(inFormat(registry, found, query)), ...schemaTags(found, query) };
      },
    ),
    'POST /subjects/:subject/versions/:version/tags': needs(
      'SUBJECT_WRITE',
      { summary: 'Registers a version with other tags, metadata or rules.', query: ['format'], body: TAG_MEMBERS },
      async ({ params, query, body, permissions }) => {
        const subject = params['subject']!;
        const tagged = registry.version(subject, params['version']!);
        if (!permissions.allows('SUBJECT_WRITE', tagged.subject)) throw denied('SUBJECT_WRITE', subject);
        const newVersion = registry.versions(subject, { deleted: true }).at(-1)! + 1;
        return schemaEntity(
          inFormat(registry, await registry.register(subject, tagRequest(tagged, body, newVersion)), query),
        );
      },
    ),
    'GET /subjects/:subject/versions/:version/schema': needs(
      'SUBJECT_READ',
      { summary: 'The text of a version.', query: ['deleted', 'format'] },
      ({ params, query }) => {
        return inFormat(
          registry,
          registry.version(params['subject']!, params['version']!, flag(query['deleted'])),
          query,
        ).schema;
      },
    ),
    'GET /subjects/:subject/versions/:version/referencedby': needs(
      'SUBJECT_READ',
      { summary: 'The ids of the schemas that refer to a version.', query: ['deleted', ...PAGE] },
      ({ params, query }) =>
        page(registry.referencedBy(params['subject']!, params['version']!, flag(query['deleted'])), query),
    ),
    'DELETE /subjects/:subject/versions/:version': needs(
      'SUBJECT_DELETE',
      { summary: 'Deletes a version, and answers its number.', query: ['permanent'] },
      ({ params, query }) => registry.deleteVersion(params['subject']!, params['version']!, flag(query['permanent'])),
    ),
  };
}
