// Whether a service lives and whether it can do its work, for those who start it again or send it no requests.
//
// `GET /health/live`: it answers. `GET /health/ready`: 200, or 503 when a check is red; each check with its reason.
import type { FastifyInstance } from 'fastify';
import { type Environment, messageOf } from '../util/index.ts';
import type { RouteDescription } from './route-description.ts';

const LIVE: RouteDescription = { summary: 'Whether the service answers.', produces: ['application/json'] };
const READY: RouteDescription = {
  summary: 'Whether the service can do its work: 200, or 503 when a check fails, each with its reason.',
  produces: ['application/json'],
};

/** Undefined when all is well, else what is wrong, in a sentence. */
export type HealthCheck = () => Promise<string | undefined> | string | undefined;

/** By the name of what is looked at. */
export type HealthChecks = Readonly<Record<string, HealthCheck>>;

export interface Health {
  readonly isHealthy: boolean;
  readonly checks: Readonly<Record<string, { readonly isHealthy: boolean; readonly reason?: string }>>;
}

/** What does not answer within this time is not well. */
const CHECK_MS_MAX = 5000;

export async function healthOf(checks: HealthChecks, environment: Environment): Promise<Health> {
  const looked = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const reason = await reasonOf(check, environment);
      return [name, reason === undefined ? { isHealthy: true } : { isHealthy: false, reason }] as const;
    }),
  );
  return { isHealthy: looked.every(([, { isHealthy }]) => isHealthy), checks: Object.fromEntries(looked) };
}

function reasonOf(check: HealthCheck, environment: Environment): Promise<string | undefined> {
  return new Promise((resolve) => {
    const cancel = environment.after(CHECK_MS_MAX, () => resolve(`No answer within ${CHECK_MS_MAX / 1000} seconds.`));
    Promise.resolve()
      .then(check)
      .catch(messageOf)
      .then((reason) => {
        cancel();
        resolve(reason);
      });
  });
}

export function addHealth(app: FastifyInstance, checks: HealthChecks, environment: Environment): void {
  app.get('/health/live', { config: { description: LIVE } }, (_request, reply) =>
    reply.type('application/json').send(JSON.stringify({ isHealthy: true })),
  );
  app.get('/health/ready', { config: { description: READY } }, async (_request, reply) => {
    const health = await healthOf(checks, environment);
    return reply
      .code(health.isHealthy ? 200 : 503)
      .type('application/json')
      .send(JSON.stringify(health));
  });
}
