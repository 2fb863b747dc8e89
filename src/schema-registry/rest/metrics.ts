// What Prometheus is told about the registry: requests, and what is stored. Names are those of the original's beans, as
// its exporters spell them.
import type { Counter, Histogram, Registry } from 'prom-client';
import type { SchemaRegistry } from '../registry.ts';

export interface AnsweredRequest {
  readonly method: string;
  /** The path with names in the places of what varies; empty for a path that does not exist. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

interface Instruments {
  readonly all: Registry;
  readonly requests: Counter;
  readonly latency: Histogram;
}

const PREFIX = 'kafka_schema_registry';
/** From what is in memory to what has to be written; slower is broken. */
const LATENCY_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class RestMetrics {
  readonly #registry: SchemaRegistry;
  readonly #connections: () => Promise<number>;
  readonly #onFailure: (error: unknown) => void;
  #instruments: Promise<Instruments> | undefined;
  #ready: Instruments | undefined;

  constructor(
    registry: SchemaRegistry,
    connections: () => Promise<number>,
    /** Called when the library can't be loaded. */
    onFailure: (error: unknown) => void,
  ) {
    this.#registry = registry;
    this.#connections = connections;
    this.#onFailure = onFailure;
  }

  /** Counts at once; only the first requests wait for the library. */
  observe(request: AnsweredRequest): void {
    if (this.#ready === undefined) {
      this.#loaded().then((instruments) => count(instruments, request), this.#onFailure);
    } else count(this.#ready, request);
  }

  async text(): Promise<{ contentType: string; body: string }> {
    const { all } = await this.#loaded();
    return { contentType: all.contentType, body: await all.metrics() };
  }

  /** The library is loaded with the first request, not with the platform: it takes as long as a service to start. */
  #loaded(): Promise<Instruments> {
    this.#instruments ??= this.#make().then((instruments) => {
      this.#ready = instruments;
      return instruments;
    });
    return this.#instruments;
  }

  async #make(): Promise<Instruments> {
    const { Counter, Gauge, Histogram, Registry } = await import('prom-client');
    const all = new Registry();
    const registers = [all];
    const registry = this.#registry;
    const connections = this.#connections;
    const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
      new Gauge({
        name: `${PREFIX}_${name}`,
        help,
        registers,
        async collect() {
          this.set(await value());
        },
      });
    const byType = (name: string, help: string, deleted: boolean) =>
      new Gauge({
        name: `${PREFIX}_${name}`,
        help,
        registers,
        labelNames: ['schema_type'],
        collect() {
          for (const schema_type of ['AVRO', 'JSON', 'PROTOBUF']) this.set({ schema_type }, 0);
          for (const schema of registry.schemas({ deleted: true })) {
            if (schema.deleted === deleted) this.inc({ schema_type: schema.schemaType });
          }
        },
      });
    byType('registered_count', 'Versions of schemas that are registered.', false);
    byType('deleted_count', 'Versions of schemas that are softly deleted.', true);
    gauge('subjects', 'Subjects that have a version.', () => registry.subjects().length);
    gauge('contexts', 'Contexts, the default one included.', () => registry.contexts().length);
    gauge('store_position', 'How many records of its topic the registry has read.', () => registry.position);
    gauge('jetty_metrics_connections_active', 'Connections of clients that are open.', connections);
    return {
      all,
      requests: new Counter({
        name: `${PREFIX}_requests_total`,
        help: 'Requests that were answered.',
        labelNames: ['method', 'route', 'status'],
        registers,
      }),
      latency: new Histogram({
        name: `${PREFIX}_request_latency_seconds`,
        help: 'How long answers took.',
        labelNames: ['method', 'route'],
        buckets: LATENCY_SECONDS,
        registers,
      }),
    };
  }
}

function count({ requests, latency }: Instruments, { method, route, status, seconds }: AnsweredRequest): void {
  requests.inc({ method, route, status: String(status) });
  latency.observe({ method, route }, seconds);
}
