/**
 * How a member of a consumer group comes from what it has to what it is to have (KIP-848): it gives up first, and gets what is new
 * when whoever has it has given it up. A pure function, asked at each of its heartbeats.
 */
import type { PartitionKey } from './partition-sets.ts';

/** Kafka's numbers. Unrevoked: it has not given up yet what it must. Unreleased: somebody else has not. */
export const MemberState = { stable: 1, unrevoked: 2, unreleased: 3 } as const;

/** Where a member is. Partitions have the epoch in which the member got them. */
export interface Ownership {
  readonly epoch: number;
  /** The one before: the answer that told the newer one may have been lost. */
  readonly previousEpoch: number;
  readonly state: number;
  readonly assigned: ReadonlyMap<PartitionKey, number>;
  /** Not to be read any more, and nobody else's until the member says that it does not. */
  readonly revoking: ReadonlyMap<PartitionKey, number>;
}

export const NOTHING_OWNED: Ownership = {
  epoch: 0,
  previousEpoch: 0,
  state: MemberState.stable,
  assigned: new Map(),
  revoking: new Map(),
};

export interface Goal {
  readonly targetEpoch: number;
  readonly target: ReadonlySet<PartitionKey>;
  /** Whether a member has, or has not given up, a partition. */
  readonly isTaken: (key: PartitionKey) => boolean;
  /** What the member says it has; null when it says nothing about it. */
  readonly owned: ReadonlySet<PartitionKey> | null;
  /** Whether it is of a topic that the member does not read any more. */
  readonly isUnwanted: (key: PartitionKey) => boolean;
}

/** Where it is behind this heartbeat; the same object when nothing changes. */
export function reconciled(now: Ownership, goal: Goal): Ownership {
  if (now.state === MemberState.unrevoked) {
    if (!hasGivenUp(now.revoking, goal.owned)) return withoutUnwanted(now, goal);
    return next({ ...now, revoking: new Map() }, now.epoch + 1, goal);
  }
  if (now.state === MemberState.unreleased || now.epoch !== goal.targetEpoch) return next(now, now.epoch, goal);
  return withoutUnwanted(now, goal);
}

function next(now: Ownership, epoch: number, goal: Goal): Ownership {
  const { target, targetEpoch, isTaken, owned } = goal;
  const kept = filtered(now.assigned, (key) => target.has(key));
  const revoking = filtered(now.assigned, (key) => !target.has(key));
  if (revoking.size > 0 && !hasGivenUp(revoking, owned)) {
    return settled(now, { epoch, state: MemberState.unrevoked, assigned: kept, revoking });
  }
  const wanted = [...target].filter((key) => !kept.has(key));
  // What the member itself gives up is free for others, and for it.
  const isFree = (key: PartitionKey): boolean => now.assigned.has(key) || !isTaken(key);
  const free = wanted.filter(isFree);
  const state = free.length < wanted.length ? MemberState.unreleased : MemberState.stable;
  const assigned = new Map([...kept, ...free.map((key) => [key, targetEpoch] as const)]);
  return settled(now, { epoch: targetEpoch, state, assigned, revoking: new Map() });
}

/** What a member does not subscribe to any more it does not read, whatever the target still is. */
function withoutUnwanted(now: Ownership, { isUnwanted, owned }: Goal): Ownership {
  const unwanted = filtered(now.assigned, isUnwanted);
  if (unwanted.size === 0) return now;
  const assigned = filtered(now.assigned, (key) => !unwanted.has(key));
  const revoking = new Map([...now.revoking, ...unwanted]);
  if (hasGivenUp(revoking, owned)) return { ...now, assigned };
  return { ...now, state: MemberState.unrevoked, assigned, revoking };
}

function settled(now: Ownership, then: Omit<Ownership, 'previousEpoch'>): Ownership {
  const isUnchanged =
    now.epoch === then.epoch &&
    now.state === then.state &&
    isSameKeys(now.assigned, then.assigned) &&
    isSameKeys(now.revoking, then.revoking);
  if (isUnchanged) return now;
  return { ...then, previousEpoch: now.epoch };
}

function hasGivenUp(revoking: ReadonlyMap<PartitionKey, number>, owned: ReadonlySet<PartitionKey> | null): boolean {
  return owned !== null && [...revoking.keys()].every((key) => !owned.has(key));
}

function filtered(
  from: ReadonlyMap<PartitionKey, number>,
  isIn: (key: PartitionKey) => boolean,
): Map<PartitionKey, number> {
  return new Map([...from].filter(([key]) => isIn(key)));
}

export function isSameKeys(a: ReadonlyMap<PartitionKey, number>, b: ReadonlyMap<PartitionKey, number>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
