/**
 * DescribeClientQuotas and AlterClientQuotas (KIP-546): how much clients may have. What becomes of it: quotas/throttle.ts.
 *
 * * Entities are a user, a client id, both together, or an address; the name null is the default of all that have no entry of
 *   their own. Limits: `producer_byte_rate`, `consumer_byte_rate` (bytes per second), `request_percentage` (of our time),
 *   `controller_mutation_rate` (partitions per second); of addresses `connection_creation_rate`.
 * * Each entity is changed once in a request (INVALID_REQUEST), all that can be changed with one write; `validateOnly` stops before.
 */
import {
  alterClientQuotas,
  describeClientQuotas,
  ErrorCode,
  type ErrorName,
  QuotaMatchType,
  type RequestOf,
} from '../../protocol/index.ts';
import { messageOf, MillraceError, Pace } from '../../util/index.ts';
import type { StoredQuota } from '../metadata/cluster-metadata.ts';
import { entityKey, LIMITS } from '../quotas/client-quotas.ts';
import { attempt, repeated } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { inStepsOn, on } from './handler.ts';

type Component = RequestOf<typeof describeClientQuotas>['components'][number];
type Entry = RequestOf<typeof alterClientQuotas>['entries'][number];
type EntityType = keyof StoredQuota['entity'];

const TYPES: readonly string[] = ['user', 'client-id', 'ip'] satisfies EntityType[];
const OF_ADDRESSES = 'connection_creation_rate';
/** Those that are whole numbers. */
const WHOLE: readonly string[] = ['producer_byte_rate', 'consumer_byte_rate'];

// ── Describing ────────────────────────────────────────────────────────────────────────────────────────────────────

export const handleDescribeClientQuotas = inStepsOn(describeClientQuotas, function* (request, { core }) {
  const { components, strict } = request;
  const { error } = attempt(() => checkFilter(components));
  if (error !== undefined) {
    return { throttleTimeMs: 0, errorCode: errorCodeOf(error), errorMessage: messageOf(error), entries: null };
  }
  const pace = new Pace();
  const { quotas } = core.metadata.current;
  const isWanted = yield* pace.map(quotas, ({ entity }) => matches(entity, components, strict));
  const found = quotas.filter((_, i) => isWanted[i]);
  const entries = yield* pace.map(found, ({ entity, limits }) => ({
    entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
    values: Object.entries(limits).map(([key, value]) => ({ key, value })),
  }));
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, entries };
});

function checkFilter(components: readonly Component[]): void {
  const twice = repeated(components.map(({ entityType }) => entityType));
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw invalid('Invalid empty entity type.');
    if (twice.has(entityType)) {
      throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`);
    }
    if (!TYPES.includes(entityType)) throw refusal('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`);
    if (!(Object.values(QuotaMatchType) as number[]).includes(matchType)) {
      throw invalid(`Unknown match type ${matchType}`);
    }
    if ((matchType === QuotaMatchType.exact) !== (match !== null)) {
      throw invalid('A match string is for an exact match, and an exact match has one.');
    }
  }
  const types = components.map(({ entityType }) => entityType);
  if (types.includes('ip') && types.length > 1) {
    throw invalid(
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    );
  }
}

function matches(entity: StoredQuota['entity'], components: readonly Component[], isStrict: boolean): boolean {
  if (isStrict && Object.keys(entity).length !== components.length) return false;
  return components.every(({ entityType, matchType, match }) => {
    const name = entity[entityType as EntityType];
    return name !== undefined && (matchType === QuotaMatchType.any || name === match);
  });
}

// ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────

export const handleAlterClientQuotas = on(alterClientQuotas, ({ entries, validateOnly }, { core }) => {
  const known = new Map(core.metadata.current.quotas.map((quota) => [entityKey(quota.entity), quota]));
  const keys = entries.map(({ entity }) => JSON.stringify(entity));
  const twice = repeated(keys);
  const planned = entries.map((entry, i) =>
    attempt(() => {
      if (twice.has(keys[i]!)) throw invalid('An entity is changed more than once in the request.');
      return changed(entry, known);
    }),
  );
  const { error: failure } = attempt(() => {
    const changes = planned.flatMap(({ value }) => (value === undefined ? [] : [value]));
    if (validateOnly || changes.length === 0) return;
    for (const quota of changes) {
      if (Object.keys(quota.limits).length === 0) known.delete(entityKey(quota.entity));
      else known.set(entityKey(quota.entity), quota);
    }
    core.metadata.change({ quotas: [...known.values()] });
  });
  const answers = entries.map(({ entity }, i) => {
    const error = planned[i]!.error ?? failure;
    return error === undefined
      ? { errorCode: ErrorCode.NONE, errorMessage: null, entity }
      : { errorCode: errorCodeOf(error), errorMessage: messageOf(error), entity };
  });
  return { throttleTimeMs: 0, entries: answers };
});

/** The limits that an entity then has. */
function changed({ entity: parts, ops }: Entry, known: ReadonlyMap<string, StoredQuota>): StoredQuota {
  const entity = entityOf(parts);
  const isAddress = 'ip' in entity;
  const limits: Record<string, number> = { ...known.get(entityKey(entity))?.limits };
  const twice = repeated(ops.map(({ key }) => key));
  for (const { key, value, remove } of ops) {
    if (twice.has(key)) throw invalid(`Duplicate quota key ${key}`);
    if (!(LIMITS as readonly string[]).includes(key) || (key === OF_ADDRESSES) !== isAddress) {
      throw invalid(`Invalid configuration key ${key}`);
    }
    if (remove) {
      delete limits[key];
      continue;
    }
    if (WHOLE.includes(key) && Math.abs(Math.round(value) - value) > 1e-6) {
      throw invalid(`Configuration ${key} must be a Long value`);
    }
    if (!(value > 0) || !Number.isFinite(value)) throw invalid(`Quota ${key} must be greater than 0`);
    limits[key] = value;
  }
  return { entity, limits };
}

function entityOf(parts: Entry['entity']): StoredQuota['entity'] {
  const entity: Partial<Record<EntityType, string | null>> = {};
  for (const { entityType, entityName } of parts) {
    if (!TYPES.includes(entityType)) throw invalid(`Unhandled client quota entity type: ${entityType}`);
    if (entityType in entity) throw invalid(`Invalid client quota entity, duplicate entity entry ${entityType}`);
    if (entityName === '') throw invalid(`Empty ${entityType} not supported`);
    entity[entityType as EntityType] = entityName;
  }
  const count = Object.keys(entity).length;
  if (count === 0 || ('ip' in entity && count > 1)) throw invalid('Invalid empty client quota entity');
  const { ip } = entity;
  if (ip !== undefined && ip !== null && !isAddress(ip)) throw invalid(`${ip} is not a valid IP or resolvable host.`);
  return entity;
}

/** Of IPv4 or of IPv6, as sockets tell it. */
function isAddress(text: string): boolean {
  if (text.includes(':')) return URL.canParse(`http://[${text}]/`);
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) < 256);
}

function invalid(message: string): MillraceError {
  return refusal('INVALID_REQUEST', message);
}

function refusal(code: ErrorName, message: string): MillraceError {
  return new MillraceError(code, message);
}
