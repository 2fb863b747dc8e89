// The routes of what holds for a subject, a context or everything: the configuration and the mode.
import type { SchemaRegistry } from '../registry.ts';
import { CONFIG_MEMBERS, readConfigUpdate } from '../subject-config.ts';
import { plainSubject } from '../subject-name.ts';
import type { DeclareRoute, Routes } from './access.ts';
import { denied } from './authorization.ts';
import { flag, optionalText } from './entities.ts';

export function configRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /config': needs(
      'GLOBAL_COMPATIBILITY_READ',
      { summary: 'What holds for all subjects without a configuration of their own.' },
      () => registry.config(null),
    ),
    'PUT /config': needs(
      'GLOBAL_COMPATIBILITY_WRITE',
      { summary: 'Configures all subjects that have no configuration of their own.', body: CONFIG_MEMBERS },
      async ({ body }) => {
        await registry.setConfig(null, readConfigUpdate(body));
        return body;
      },
    ),
    'DELETE /config': needs(
      'GLOBAL_COMPATIBILITY_WRITE',
      { summary: 'Goes back to the configuration that the registry was started with.' },
      () => registry.deleteConfig(null),
    ),
    'GET /config/:subject': needs(
      'SUBJECT_COMPATIBILITY_READ',
      { summary: 'The configuration of a subject.', query: ['defaultToGlobal'] },
      ({ params, query }) =>
        flag(query['defaultToGlobal']) ? registry.config(params['subject']!) : registry.ownConfig(params['subject']!),
    ),
    'PUT /config/:subject': needs(
      'SUBJECT_COMPATIBILITY_WRITE',
      { summary: 'Configures a subject.', body: CONFIG_MEMBERS },
      async ({ params, body, permissions }) => {
        const { alias } = body;
        // Who makes one subject stand for another must be allowed to write what is written there from now on.
        if (typeof alias === 'string' && alias !== '' && !permissions.allows('SUBJECT_WRITE', plainSubject(alias))) {
          throw denied('SUBJECT_WRITE', alias);
        }
        await registry.setConfig(params['subject']!, readConfigUpdate(body));
        return body;
      },
    ),
    'DELETE /config/:subject': needs(
      'SUBJECT_COMPATIBILITY_WRITE',
      { summary: 'Takes a subject’s configuration away.' },
      ({ params }) => registry.deleteConfig(params['subject']!),
    ),
  };
}

export function modeRoutes(registry: SchemaRegistry, needs: DeclareRoute): Routes {
  return {
    'GET /mode': needs(
      'GLOBAL_COMPATIBILITY_READ',
      { summary: 'The mode of all subjects without one of their own.' },
      () => ({ mode: registry.mode(null) }),
    ),
    'PUT /mode': needs(
      'GLOBAL_COMPATIBILITY_WRITE',
      { summary: 'Sets the mode of all subjects without one of their own.', query: ['force'], body: ['mode'] },
      async ({ query, body }) => {
        await registry.setMode(null, optionalText(body['mode'], 'mode') ?? '', flag(query['force']));
        return { mode: body['mode'] };
      },
    ),
    'GET /mode/:subject': needs(
      'SUBJECT_COMPATIBILITY_READ',
      { summary: 'The mode of a subject.', query: ['defaultToGlobal'] },
      ({ params, query }) => ({
        mode: flag(query['defaultToGlobal']) ? registry.mode(params['subject']!) : registry.ownMode(params['subject']!),
      }),
    ),
    'PUT /mode/:subject': needs(
      'SUBJECT_COMPATIBILITY_WRITE',
      { summary: 'Sets the mode of a subject.', query: ['force'], body: ['mode'] },
      async ({ params, query, body }) => {
        await registry.setMode(params['subject']!, optionalText(body['mode'], 'mode') ?? '', flag(query['force']));
        return { mode: body['mode'] };
      },
    ),
    'DELETE /mode': needs(
      'GLOBAL_COMPATIBILITY_WRITE',
      { summary: 'Goes back to the default mode.', query: ['recursive'] },
      async ({ query }) => ({
        mode: await registry.deleteMode(null, flag(query['recursive'])),
      }),
    ),
    'DELETE /mode/:subject': needs(
      'SUBJECT_COMPATIBILITY_WRITE',
      { summary: 'Takes a subject’s mode away.', query: ['recursive'] },
      async ({ params, query }) => ({
        mode: await registry.deleteMode(params['subject']!, flag(query['recursive'])),
      }),
    ),
  };
}
