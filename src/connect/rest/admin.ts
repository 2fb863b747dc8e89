// `/admin/loggers`: what is logged, while it runs.
import type { Herder } from '../herder/herder.ts';
import { logLevelOf } from '../runtime/loggers.ts';
import { Answer, type Call, jsonOf, param, queryText, type Routes, settingsOf } from './call.ts';
import { RestError } from './errors.ts';

export function adminRoutes(herder: Herder): Routes {
  const { loggers } = herder;
  return {
    'GET /admin/loggers': {
      summary: 'The loggers, with their levels.',
      answer: () => loggers.levels(),
    },
    'GET /admin/loggers/:logger': {
      summary: 'The level of a logger.',
      answer: (call) => {
        const name = param(call, 'logger');
        const found = loggers.level(name);
        if (found === undefined) throw new RestError(404, `Logger ${name} not found.`);
        return found;
      },
    },
    'PUT /admin/loggers/:logger': {
      summary: 'Sets the level of a logger and of those below it.',
      query: { scope: { type: 'string', description: '`worker` (default): only here; `cluster`: on all workers.' } },
      body: ['level'],
      answer: (call) => setLevel(herder, call),
    },
  };
}

async function setLevel(herder: Herder, call: Call): Promise<unknown> {
  const { level = null } = settingsOf(jsonOf(call), 'the request');
  if (level === null) throw new RestError(400, "Desired 'level' parameter was not specified in request.");
  const found = logLevelOf(level);
  if (found === undefined) throw new RestError(404, `invalid log level '${level}'.`);
  const logger = param(call, 'logger');
  if (queryText(call, 'scope')?.toLowerCase() !== 'cluster') return herder.loggers.setLevel(logger, found);
  await herder.setClusterLoggerLevel(logger, level);
  return new Answer(204);
}
