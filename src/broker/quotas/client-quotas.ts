/**
 * How much clients may have: limits for users, client ids, both together and addresses, some of them the default of all that have
 * none of their own, with Kafka's precedence. Whoever has the same limit by the same part of its name shares it.
 */
import type { ClusterMetadata, StoredQuota } from '../metadata/cluster-metadata.ts';
import { Rate, TokenBucket, type Windows } from './rate.ts';

export const LIMITS = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
  'connection_creation_rate',
] as const;
export type LimitName = (typeof LIMITS)[number];

/** Who a client is to quotas. */
export interface Consumer {
  /** Without the type of the principal. */
  readonly user: string;
  readonly clientId: string;
}

/** A limit, and what it is kept by: all who have the same share it. */
export interface Limit {
  readonly perSecond: number;
  readonly sharedBy: string;
}

export interface QuotaWindows {
  readonly windows: Windows;
  /** Of changes to topics. */
  readonly windowsOfMutations: Windows;
}

const MAX_KEPT = 10_000;
/** Which names of an entity count, from the most particular one on: `null` is the default of all. */
const PRECEDENCE: readonly ((consumer: Consumer) => StoredQuota['entity'])[] = [
  ({ user, clientId }) => ({ user, 'client-id': clientId }),
  ({ user }) => ({ user, 'client-id': null }),
  ({ user }) => ({ user }),
  ({ clientId }) => ({ user: null, 'client-id': clientId }),
  () => ({ user: null, 'client-id': null }),
  () => ({ user: null }),
  ({ clientId }) => ({ 'client-id': clientId }),
  () => ({ 'client-id': null }),
];

export class ClientQuotas {
  readonly #windows: Windows;
  readonly #windowsOfMutations: Windows;
  #limits: ReadonlyMap<string, StoredQuota['limits']> = new Map();
  readonly #rates = new Map<string, Rate>();
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(metadata: ClusterMetadata, { windows, windowsOfMutations }: QuotaWindows) {
    this.#windows = windows;
    this.#windowsOfMutations = windowsOfMutations;
    metadata.onChange(({ quotas }) => {
      this.#limits = new Map(quotas.map(({ entity, limits }) => [entityKey(entity), limits]));
    });
  }

  /** How long one window is. */
  get windowMs(): number {
    return this.#windows.lengthMs;
  }

  /** False where there are none at all: then nobody need be looked at. */
  get areAny(): boolean {
    return this.#limits.size > 0;
  }

  /** The limit of a client; undefined: there is none. */
  limitOf(name: LimitName, consumer: Consumer): Limit | undefined {
    for (const entityOf of PRECEDENCE) {
      const entity = entityOf(consumer);
      const perSecond = this.#limits.get(entityKey(entity))?.[name];
      if (perSecond === undefined) continue;
      const user = 'user' in entity ? consumer.user : undefined;
      const clientId = 'client-id' in entity ? consumer.clientId : undefined;
      return { perSecond, sharedBy: JSON.stringify([name, user ?? null, clientId ?? null]) };
    }
    return undefined;
  }

  /** How many connections an address may open per second. */
  limitOfAddress(ip: string): Limit | undefined {
    const ofIp = this.#limits.get(entityKey({ ip })) ?? this.#limits.get(entityKey({ ip: null }));
    const perSecond = ofIp?.connection_creation_rate;
    return perSecond === undefined ? undefined : { perSecond, sharedBy: JSON.stringify(['ip', ip]) };
  }

  /** Notes an amount; returns for how many milliseconds the next one should wait. */
  record({ perSecond, sharedBy }: Limit, amount: number, now: number): number {
    const rate = this.#rateOf(sharedBy, now);
    rate.record(amount, now);
    return rate.waitFor(perSecond, now);
  }

  /** The most that may be had at once. */
  burstOf({ perSecond }: Limit): number {
    return (perSecond * (this.#windows.count - 1) * this.#windows.lengthMs) / 1000;
  }

  /** Takes something where the limit is not used up; else returns for how many milliseconds it will be. */
  take({ perSecond, sharedBy }: Limit, amount: number, now: number): number {
    let bucket = this.#buckets.get(sharedBy);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_KEPT) {
        for (const [key, each] of this.#buckets) if (each.isFull(perSecond, now)) this.#buckets.delete(key);
      }
      bucket = new TokenBucket(this.#windowsOfMutations, perSecond, now);
      this.#buckets.set(sharedBy, bucket);
    }
    return bucket.take(amount, perSecond, now);
  }

  #rateOf(sharedBy: string, now: number): Rate {
    const known = this.#rates.get(sharedBy);
    if (known !== undefined) return known;
    if (this.#rates.size >= MAX_KEPT) {
      for (const [key, each] of this.#rates) if (each.isIdle(now)) this.#rates.delete(key);
    }
    const rate = new Rate(this.#windows);
    this.#rates.set(sharedBy, rate);
    return rate;
  }
}

/** The same for the same entity, in whatever order its parts stand. */
export function entityKey(entity: StoredQuota['entity']): string {
  const parts = (['user', 'client-id', 'ip'] as const).map((type) => (type in entity ? [entity[type]] : []));
  return JSON.stringify(parts);
}
