// What Prometheus is told about a service, under `GET /metrics`: its requests and connections, and what the service adds.
import type { FastifyInstance } from 'fastify';
import type { Counter, Histogram, Registry } from 'prom-client';
import { messageOf } from '../util/index.ts';
import type { RouteDescription } from './route-description.ts';

export const METRICS_PATH = '/metrics';
const METRICS: RouteDescription = {
  summary: 'Figures of the service for Prometheus.',
  produces: ['text/plain'],
};

/** One value that is looked up when it is asked for. */
export interface MetricGauge {
  /** Behind the service's prefix. */
  readonly name: string;
  readonly help: string;
  /** A number, or one for each value of a label. */
  readonly value: () => number | Promise<number> | ByLabel;
}

export interface ByLabel {
  readonly label: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface ServiceMetrics {
  /** What every name begins with, as the original's exporters spell it: `kafka_schema_registry`. */
  readonly prefix: string;
  readonly gauges: readonly MetricGauge[];
}

interface Instruments {
  readonly all: Registry;
  readonly requests: Counter;
  readonly latency: Histogram;
}

/** From what is in memory to what has to be written; slower is broken. */
const LATENCY_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts requests at once, and adds the route; only the first requests wait for the library. */
export function addMetrics(app: FastifyInstance, metrics: ServiceMetrics, log: (message: string) => void): void {
  let instruments: Promise<Instruments> | undefined;
  let ready: Instruments | undefined;
  // The library is loaded with the first request, not with the platform: it takes as long as a service to start.
  const loaded = (): Promise<Instruments> => {
    instruments ??= makeInstruments(app, metrics).then((made) => {
      ready = made;
      return made;
    });
    return instruments;
  };
  app.addHook('onResponse', (request, reply, done) => {
    done();
    // The path with names in the places of what varies; empty for a path that does not exist.
    const route = request.routeOptions.url ?? '';
    const seconds = reply.elapsedTime / 1000;
    const count = ({ requests, latency }: Instruments): void => {
      requests.inc({ method: request.method, route, status: String(reply.statusCode) });
      latency.observe({ method: request.method, route }, seconds);
    };
    if (ready !== undefined) count(ready);
    else loaded().then(count, (error) => log(`A request was not counted: ${messageOf(error)}`));
  });
  app.get(METRICS_PATH, { config: { description: METRICS } }, async (_request, reply) => {
    const { all } = await loaded();
    return reply.type(all.contentType).send(await all.metrics());
  });
}

async function makeInstruments(app: FastifyInstance, { prefix, gauges }: ServiceMetrics): Promise<Instruments> {
  const { Counter, Gauge, Histogram, Registry } = await import('prom-client');
  const all = new Registry();
  const registers = [all];
  const connections: MetricGauge = {
    name: 'jetty_metrics_connections_active',
    help: 'Connections of clients that are open.',
    value: () => connectionsOf(app),
  };
  for (const { name, help, value } of [...gauges, connections]) {
    const first = await value();
    const gauge = new Gauge({
      name: `${prefix}_${name}`,
      help,
      registers: [],
      labelNames: typeof first === 'number' ? [] : [first.label],
      async collect() {
        const now = await value();
        if (typeof now === 'number') this.set(now);
        else {
          this.reset();
          for (const [label, each] of Object.entries(now.values)) this.set({ [now.label]: label }, each);
        }
      },
    });
    all.registerMetric(gauge);
  }
  return {
    all,
    requests: new Counter({
      name: `${prefix}_requests_total`,
      help: 'Requests that were answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    latency: new Histogram({
      name: `${prefix}_request_latency_seconds`,
      help: 'How long answers took.',
      labelNames: ['method', 'route'],
      buckets: LATENCY_SECONDS,
      registers,
    }),
  };
}

function connectionsOf(app: FastifyInstance): Promise<number> {
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
