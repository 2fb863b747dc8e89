// The routes of what holds for a subject, a context or everything: the configuration and the mode.
import type { SchemaRegistry } from '../registry.ts';
import { readConfigUpdate } from '../subject-config.ts';
import { plainSubject } from '../subject-name.ts';
import type { DeclareRoute, Routes } from './access.ts';
import { denied } from './authorization.ts';
import { flag, optionalText } from './entities.ts';

export function configRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
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
  };
}

export function modeRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
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
  };
}
