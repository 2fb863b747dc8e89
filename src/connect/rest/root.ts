// `/` and `/health`: which worker it is, and whether it gets on.
import { type Environment, messageOf } from '../../util/index.ts';
import type { Herder } from '../herder/herder.ts';
import { Answer, type Routes } from './call.ts';

export interface RootRouteOptions {
  readonly herder: Herder;
  readonly version: string;
  readonly commit: string;
  /** How long the herder may take to get to a request, ms. */
  readonly healthTimeoutMs: number;
  readonly environment: Environment;
}

export function rootRoutes(options: RootRouteOptions): Routes {
  const { herder, version, commit } = options;
  return {
    'GET /': {
      summary: 'The worker’s version, and its cluster.',
      answer: () => ({ version, commit, kafka_cluster_id: herder.clusterId }),
    },
    'GET /health': {
      summary: 'Whether the worker gets on: 200, 503 while it starts, 500 when it is stuck.',
      answer: () => health(options),
    },
  };
}

async function health({ herder, healthTimeoutMs, environment }: RootRouteOptions): Promise<Answer> {
  const trouble = await new Promise<string | undefined>((resolve) => {
    const cancel = environment.after(healthTimeoutMs, () => resolve(herder.stage));
    herder
      .checkHealth()
      .then(
        () => resolve(undefined),
        (error) => resolve(messageOf(error)),
      )
      .finally(cancel);
  });
  if (trouble === undefined) {
    const message = 'Worker has completed startup and is ready to handle requests.';
    return new Answer(200, { status: 'healthy', message });
  }
  if (!herder.isReady)
    return new Answer(503, { status: 'starting', message: `Worker is still starting up. ${trouble}` });
  const message = 'Worker was unable to handle this request and may be unable to handle other requests.';
  return new Answer(500, { status: 'unhealthy', message: `${message} ${trouble}` });
}
