// The routes of subjects and of their versions.
import { dryRun } from '../insight/dry-run.ts';
import type { SchemaRegistry } from '../registry.ts';
import type { SchemaUsers } from '../schema-users.ts';
import type { DeclareRoute, Routes } from './access.ts';
import { denied } from './authorization.ts';
import { flag, inFormat, list, page, prefixOf, schemaEntity, schemaRequest, schemaTags } from './entities.ts';
import { tagRequest } from './tag-request.ts';

export function subjectRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /subjects': needs('LISTING', ({ query, permissions }) =>
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
    'POST /subjects/:subject': needs('SUBJECT_READ', ({ params, query, body }) =>
      schemaEntity(
        inFormat(
          registry,
          registry.lookup(params['subject']!, schemaRequest(body, query), flag(query['deleted'])),
          query,
        ),
      ),
    ),
    'GET /subjects/:subject/metadata': needs('SUBJECT_READ', ({ params, query }) => {
      const [keys, values] = [list(query['key']), list(query['value'])];
      const properties = Object.fromEntries(keys.map((key, i) => [key, values[i] ?? '']));
      return schemaEntity(
        inFormat(registry, registry.withMetadata(params['subject']!, properties, flag(query['deleted'])), query),
      );
    }),
    'DELETE /subjects/:subject': needs('SUBJECT_DELETE', ({ params, query }) =>
      registry.deleteSubject(params['subject']!, flag(query['permanent'])),
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
  const rehearsal = needs(
    'SUBJECT_WRITE',
    ({ params, query, body }) => dryRun(registry, params['subject']!, schemaRequest(body, query), users?.()),
    'reading',
  );
  return {
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
      return schemaEntity(
        inFormat(registry, await registry.register(params['subject']!, schemaRequest(body, query)), query),
      );
    }),
    'GET /subjects/:subject/versions/:version': needs('SUBJECT_READ', ({ params, query }) => {
      const found = registry.version(params['subject']!, params['version']!, flag(query['deleted']));
      return { ...schemaEntity(inFormat(registry, found, query)), ...schemaTags(found, query) };
    }),
    'POST /subjects/:subject/versions/:version/tags': needs(
      'SUBJECT_WRITE',
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
    'GET /subjects/:subject/versions/:version/schema': needs('SUBJECT_READ', ({ params, query }) => {
      return inFormat(registry, registry.version(params['subject']!, params['version']!, flag(query['deleted'])), query)
        .schema;
    }),
    'GET /subjects/:subject/versions/:version/referencedby': needs('SUBJECT_READ', ({ params, query }) =>
      page(registry.referencedBy(params['subject']!, params['version']!, flag(query['deleted'])), query),
    ),
    'DELETE /subjects/:subject/versions/:version': needs('SUBJECT_DELETE', ({ params, query }) =>
      registry.deleteVersion(params['subject']!, params['version']!, flag(query['permanent'])),
    ),
  };
}
