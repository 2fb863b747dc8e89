// Which metrics of a client are wanted, and how often: what all subscriptions together say that match it (KIP-714).
import { ResourceType } from '../../protocol/index.ts';
import { crc32c } from '../../util/index.ts';
import { type ClientProperty, clientMetricsConfigs, listed, parseMatch } from '../client-metrics.ts';
import type { ClusterMetadata, StoredConfigs } from '../metadata/cluster-metadata.ts';

/** What a client is told by, under the names that subscriptions have for it. */
export type ClientProperties = Readonly<Record<ClientProperty, string>>;

/** What is wanted of one client. */
export interface Wanted {
  /** Another one when anything else here is another. */
  readonly subscriptionId: number;
  readonly intervalMs: number;
  /** Prefixes of names; `*` alone for all. */
  readonly metrics: readonly string[];
}

interface Subscription {
  readonly match: ReturnType<typeof parseMatch>;
  readonly metrics: readonly string[];
  readonly intervalMs: number;
}

const ALL = '*';

/** The subscriptions that there are, read again when somebody has changed a config. */
export class Subscriptions {
  readonly #metadata: ClusterMetadata;
  #readFrom: readonly StoredConfigs[] | undefined;
  #all: readonly Subscription[] = [];
  #version = 0;

  constructor(metadata: ClusterMetadata) {
    this.#metadata = metadata;
  }

  get count(): number {
    return this.#current().length;
  }

  /** Another number whenever some may have changed. */
  get version(): number {
    this.#current();
    return this.#version;
  }

  /** What is wanted of a client. As in Kafka, the interval is the least of those that match, and never more than the default. */
  of(client: ClientProperties): Wanted {
    const matching = this.#current().filter(({ match }) => matches(match, client));
    const intervalMs = Math.min(
      clientMetricsConfigs['interval.ms'].default,
      ...matching.map((each) => each.intervalMs),
    );
    const named = [...new Set(matching.flatMap(({ metrics }) => metrics))].toSorted();
    const metrics = named.includes(ALL) ? [ALL] : named;
    return { subscriptionId: idOf(metrics, intervalMs, client.client_instance_id), intervalMs, metrics };
  }

  #current(): readonly Subscription[] {
    const { configs } = this.#metadata.current;
    if (configs === this.#readFrom) return this.#all;
    this.#readFrom = configs;
    this.#version++;
    this.#all = configs.filter(({ resourceType }) => resourceType === ResourceType.clientMetrics).map(subscriptionIn);
    return this.#all;
  }
}

function subscriptionIn({ configs }: StoredConfigs): Subscription {
  const interval = configs['interval.ms'];
  return {
    match: parseMatch(configs['match'] ?? ''),
    metrics: listed(configs['metrics'] ?? ''),
    intervalMs: interval === undefined ? clientMetricsConfigs['interval.ms'].default : Number(interval),
  };
}

function matches(match: Subscription['match'], client: ClientProperties): boolean {
  return [...match].every(([property, pattern]) => pattern.matches(client[property]));
}

/** A checksum of what is wanted, which differs from client to client. */
function idOf(metrics: readonly string[], intervalMs: number, instanceId: string): number {
  const sum = crc32c(Buffer.from(`${metrics.join(',')} ${intervalMs}`));
  const id = Buffer.from(instanceId, 'base64url');
  return [0, 4, 8, 12].reduce((mixed, at) => mixed ^ id.readInt32BE(at), sum) | 0;
}
