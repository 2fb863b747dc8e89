// The newest value of each metric that each client pushed: what an operator looks at. It takes a bounded piece of memory; who
// has not pushed for longest goes first.
import type { Clock } from '../../util/index.ts';
import type { DataPoint, MetricsData } from './metrics-data.ts';
import type { ClientProperties } from './subscriptions.ts';

/** A metric of a client. */
export interface ClientMetric extends Omit<DataPoint, 'isDelta'> {
  /** Of a gauge the newest value; of a sum all that was pushed of it, since the client was first heard. */
  readonly value: number;
}

/** What one client instance pushed. */
export interface ClientMetrics {
  /** Who pushed it, under the names that subscriptions have for it. */
  readonly client: ClientProperties;
  /** What the client says of itself: `client_rack`, `group_id`, `transactional_id` … */
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, by the broker's clock. */
  readonly pushedAt: number;
  /** One for each name with its labels. */
  readonly metrics: readonly ClientMetric[];
}

interface Kept {
  client: ClientProperties;
  labels: MetricsData['labels'];
  pushedAt: number;
  expiresAt: number;
  bytes: number;
  readonly byKey: Map<string, ClientMetric>;
}

const MOST_BYTES = 16 * 1024 * 1024;
/** About what a value takes beside its texts. */
const VALUE_BYTES = 200;

export class NewestMetrics {
  readonly #clock: Clock;
  /** By client instance; who pushed last stands last. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes what was pushed; it is forgotten after `keepMs` without another push. */
  add(client: ClientProperties, { labels, points }: MetricsData, keepMs: number): void {
    const now = this.#clock.now();
    const id = client.client_instance_id;
    const before = this.#kept.get(id);
    const kept = before ?? { client, labels, pushedAt: now, expiresAt: 0, bytes: 0, byKey: new Map() };
    this.#forget(id);
    Object.assign(kept, { client, labels, pushedAt: now, expiresAt: now + keepMs });
    for (const point of points) {
      const key = JSON.stringify([point.name, Object.entries(point.labels).toSorted()]);
      const old = kept.byKey.get(key);
      if (old === undefined) kept.bytes += VALUE_BYTES + 4 * key.length;
      kept.byKey.set(key, newer(old, point));
    }
    this.#kept.set(id, kept);
    this.#bytes += kept.bytes;
    this.#makeRoom(now);
  }

  /** Who pushed, in the order of their last pushes. */
  all(): readonly ClientMetrics[] {
    this.#makeRoom(this.#clock.now());
    return [...this.#kept.values()].map(({ client, labels, pushedAt, byKey }) => ({
      client,
      labels,
      pushedAt,
      metrics: [...byKey.values()],
    }));
  }

  #makeRoom(now: number): void {
    for (const [id, { expiresAt }] of this.#kept) if (expiresAt <= now || this.#bytes > MOST_BYTES) this.#forget(id);
  }

  #forget(id: string): void {
    this.#bytes -= this.#kept.get(id)?.bytes ?? 0;
    this.#kept.delete(id);
  }
}

function newer(old: ClientMetric | undefined, { isDelta, ...point }: DataPoint): ClientMetric {
  return isDelta && old !== undefined ? { ...point, value: old.value + point.value } : point;
}
