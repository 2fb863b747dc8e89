// The registry's routes: paths and answers of Confluent's, each with what a user must be allowed to do. Nothing is decided
// here: requests become calls of the registry, its answers become the original's JSON shapes.
import type { SchemaRegistry } from '../registry.ts';
import type { SchemaUsers } from '../schema-users.ts';
import { contextNamed, DEFAULT_CONTEXT, qualify } from '../subject-name.ts';
import { type DeclareRoute, type Routes, routesOf } from './access.ts';
import { compatibilityRoutes } from './compatibility.ts';
import { page, text } from './entities.ts';
import { configRoutes, modeRoutes } from './governance.ts';
import { insightRoutes } from './insights.ts';
import { PAGE } from './query-parameters.ts';
import { schemaRoutes } from './schemas.ts';
import { subjectRoutes, versionRoutes } from './subjects.ts';

/** What the registry knows of the platform that it is part of. */
export interface Surroundings {
  readonly clusterId: string;
  readonly version: string;
  /** Who uses the schemas, once they are up: the registry comes before them. */
  readonly users?: () => SchemaUsers | undefined;
}

/** By method and path. */
export function registryRoutes(registry: SchemaRegistry, surroundings: Surroundings): Routes {
  const needs = routesOf(registry);
  return {
    ...insightRoutes(registry, needs),
    ...schemaRoutes(registry, needs),
    ...subjectRoutes(registry, needs),
    ...versionRoutes(registry, needs, surroundings.users),
    ...compatibilityRoutes(registry, needs),
    ...configRoutes(registry, needs),
    ...modeRoutes(registry, needs),
    ...contextRoutes(registry, needs),
    ...serverRoutes(needs, surroundings),
  };
}

function contextRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /contexts': needs(
      'LISTING',
      { summary: 'The contexts.', query: ['contextPrefix', ...PAGE] },
      ({ query, permissions }) => {
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
      },
    ),
    'DELETE /contexts/:context': needs(
      'GLOBAL_COMPATIBILITY_WRITE',
      { summary: 'Deletes a context without subjects.', status: 204 },
      ({ params }) => registry.deleteContext(contextNamed(params['context']!)),
    ),
  };
}

/** What clients ask of any registry, whatever is in it. */
function serverRoutes(needs: DeclareRoute, { clusterId, version }: Surroundings): Routes {
  return {
    'GET /': needs('NOTHING', { summary: 'Answers an empty object.' }, () => ({})),
    'POST /': needs('NOTHING', { summary: 'Answers an empty object.' }, () => ({})),
    // Clients ask before each topic's first record; there are no associations, so they go by the topic's name.
    'GET /associations/resources/:namespace/:name': needs(
      'NOTHING',
      { summary: 'The subjects of a resource: none, so clients go by the topic’s name.' },
      () => [],
    ),
    'GET /associations/subjects/:subject': needs('NOTHING', { summary: 'The resources of a subject: none.' }, () => []),
    'GET /v1/metadata/id': needs('NOTHING', { summary: 'The ids of the cluster and of the registry.' }, () => ({
      scope: {
        path: [],
        clusters: { 'kafka-cluster': clusterId, 'schema-registry-cluster': 'schema-registry' },
      },
      id: '',
    })),
    'GET /v1/metadata/deployment': needs('NOTHING', { summary: 'How the registry is deployed.' }, () => ({
      attributes: [],
    })),
    'GET /v1/metadata/version': needs('NOTHING', { summary: 'The version of the registry.' }, () => ({
      version,
      commitId: '',
    })),
  };
}
