/**
 * The life of a client's metrics (KIP-714). A client asks what is wanted of it, and gets an id of its own: it is an `Instance`
 * here from then on, until its connection ends or it is silent for three intervals. After a time of its own choice between half
 * an interval and one and a half it pushes for the first time, and then once per interval; earlier it is refused. When
 * subscriptions change, its next push is refused, and it asks anew. What it pushes goes to `NewestMetrics`.
 */
import { CompressionCodec, decompress, ErrorCode } from '../../protocol/index.ts';
import { codeOf, type Environment, messageOf } from '../../util/index.ts';
import type { ClusterMetadata } from '../metadata/cluster-metadata.ts';
import { readMetricsData } from './metrics-data.ts';
import { type ClientMetrics, NewestMetrics } from './newest-metrics.ts';
import { type ClientProperties, Subscriptions, type Wanted } from './subscriptions.ts';

/** The client behind a request, and what ends with its connection. */
export interface TelemetryClient {
  readonly properties: ClientProperties;
  readonly onClose: Set<() => void>;
}

/** What a client pushes. */
export interface Push {
  readonly subscriptionId: number;
  /** The last push of a client that closes. */
  readonly terminating: boolean;
  readonly compressionType: number;
  readonly metrics: Buffer;
}

/** What is known of a client that asked. */
interface Instance {
  readonly wanted: Wanted;
  /** Of the subscriptions. */
  readonly version: number;
  readonly expiresAt: number;
  readonly lastGetAt: number;
  readonly lastPushAt: number;
  readonly isTerminating: boolean;
  readonly lastError: number;
  /** Ends it no longer with the connection. */
  readonly release: () => void;
}

/** As many as Kafka keeps. */
const MOST_INSTANCES = 16_384;
const LEAST_EXPIRY_MS = 60_000;
const EXPIRY_INTERVALS = 3;
const { NONE, INVALID_REQUEST, INVALID_RECORD, THROTTLING_QUOTA_EXCEEDED, UNKNOWN_SUBSCRIPTION_ID } = ErrorCode;
const { TELEMETRY_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE } = ErrorCode;
/** Who was told one of these may ask at once. */
const ASKS_ANEW: readonly number[] = [UNKNOWN_SUBSCRIPTION_ID, UNSUPPORTED_COMPRESSION_TYPE];
/** LZ4 does not say how much of its last block there is before it is unpacked. */
const LARGEST_LZ4_BLOCK = 4 * 1024 * 1024;
const CODECS: readonly number[] = Object.values(CompressionCodec);

export class ClientTelemetry {
  readonly #subscriptions: Subscriptions;
  readonly #environment: Environment;
  readonly #maxBytes: number;
  readonly #report: (message: string) => void;
  readonly #newest: NewestMetrics;
  /** By client instance id; who was heard last stands last. */
  readonly #instances = new Map<string, Instance>();

  /** `maxBytes`: what a push may have, packed and unpacked. */
  constructor(parts: {
    readonly metadata: ClusterMetadata;
    readonly environment: Environment;
    readonly maxBytes: number;
    readonly report: (message: string) => void;
  }) {
    this.#subscriptions = new Subscriptions(parts.metadata);
    this.#environment = parts.environment;
    this.#maxBytes = parts.maxBytes;
    this.#report = parts.report;
    this.#newest = new NewestMetrics(parts.environment);
  }

  /** Whether anybody's metrics are wanted. */
  get isWanted(): boolean {
    return this.#subscriptions.count > 0;
  }

  /** The newest metrics that clients pushed. */
  newest(): readonly ClientMetrics[] {
    return this.#newest.all();
  }

  /** Tells what is wanted of a client; an error code when it asks again before its interval is over. */
  ask(client: TelemetryClient): Wanted | number {
    const now = this.#environment.now();
    const instance = this.#instanceOf(client, now);
    const isDue = now - Math.max(instance.lastGetAt, instance.lastPushAt) >= instance.wanted.intervalMs;
    if (!isDue && !ASKS_ANEW.includes(instance.lastError)) return THROTTLING_QUOTA_EXCEEDED;
    this.#change(client, { lastError: NONE, ...(isDue && { lastGetAt: now }) });
    return instance.wanted;
  }

  /** Takes what a client pushes; an error code when it is refused. */
  push(client: TelemetryClient, push: Push): number {
    const now = this.#environment.now();
    const instance = this.#instanceOf(client, now);
    const isDue = instance.lastGetAt > instance.lastPushAt || now - instance.lastPushAt >= instance.wanted.intervalMs;
    const mayPush = isDue && !instance.isTerminating;
    if (mayPush) this.#change(client, { lastPushAt: now });
    const refusal = this.#refusalOf(instance, push, isDue);
    const lastError = refusal === NONE ? this.#take(client, instance, push) : refusal;
    this.#change(client, { lastError, isTerminating: push.terminating });
    return lastError;
  }

  #refusalOf({ isTerminating, wanted }: Instance, push: Push, isDue: boolean): number {
    if (isTerminating) return INVALID_REQUEST;
    if (!isDue && !push.terminating) return THROTTLING_QUOTA_EXCEEDED;
    if (push.subscriptionId !== wanted.subscriptionId) return UNKNOWN_SUBSCRIPTION_ID;
    if (!CODECS.includes(push.compressionType)) return UNSUPPORTED_COMPRESSION_TYPE;
    return push.metrics.length > this.#maxBytes ? TELEMETRY_TOO_LARGE : NONE;
  }

  #take({ properties }: TelemetryClient, { wanted }: Instance, push: Push): number {
    if (push.metrics.length === 0) return NONE;
    const who = `client ${properties.client_id} (${properties.client_instance_id})`;
    try {
      const plain = decompress(push.compressionType, push.metrics, this.#maxBytes + LARGEST_LZ4_BLOCK);
      if (plain.length > this.#maxBytes) return TELEMETRY_TOO_LARGE;
      const data = readMetricsData(plain);
      if (data.left > 0) this.#report(`${data.left} metrics of ${who} are neither gauges nor sums, and are not kept`);
      this.#newest.add(properties, data, expiryOf(wanted));
      return NONE;
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      this.#report(`the metrics of ${who} are refused: ${messageOf(error)}`);
      // Who is told INVALID_RECORD never pushes again; what is too large may be smaller the next time.
      const isTooLarge = code === 'MESSAGE_TOO_LARGE' || code === 'TELEMETRY_TOO_LARGE';
      return isTooLarge ? TELEMETRY_TOO_LARGE : INVALID_RECORD;
    }
  }

  /** The client's instance, a new one where there is none or where others are wanted now. */
  #instanceOf(client: TelemetryClient, now: number): Instance {
    const id = client.properties.client_instance_id;
    const { version } = this.#subscriptions;
    const known = this.#instances.get(id);
    if (known?.version === version && known.expiresAt > now) return known;
    this.#forget(id);
    const ended = (): void => this.#forget(id);
    client.onClose.add(ended);
    this.#instances.set(id, {
      wanted: this.#subscriptions.of(client.properties),
      version,
      expiresAt: 0,
      lastGetAt: Number.NEGATIVE_INFINITY,
      lastPushAt: Number.NEGATIVE_INFINITY,
      isTerminating: false,
      lastError: NONE,
      release: () => client.onClose.delete(ended),
    });
    this.#change(client, {});
    const [oldest] = this.#instances.keys();
    if (this.#instances.size > MOST_INSTANCES && oldest !== undefined) this.#forget(oldest);
    return this.#instances.get(id)!;
  }

  /** Notes what has changed, and that the client was heard. */
  #change({ properties }: TelemetryClient, changed: Partial<Instance>): void {
    const id = properties.client_instance_id;
    const instance = this.#instances.get(id)!;
    this.#instances.delete(id);
    const expiresAt = this.#environment.now() + expiryOf(instance.wanted);
    this.#instances.set(id, { ...instance, expiresAt, ...changed });
  }

  #forget(id: string): void {
    this.#instances.get(id)?.release();
    this.#instances.delete(id);
  }
}

function expiryOf({ intervalMs }: Wanted): number {
  return Math.max(LEAST_EXPIRY_MS, EXPIRY_INTERVALS * intervalMs);
}
