/**
 * How the leader shares out what there is among workers that go on meanwhile (KIP-415). A round takes from a worker only what it has
 * too much of, or what is gone or on two workers; what was taken is given to others in the round behind that, which its
 * worker asks for when it has stopped it. What a worker had that is away is nobody's for a while, in which it may come back;
 * then those get it who came meanwhile, or all.
 *
 * The assignor remembers what it assigned: a leader that has just become it knows only what workers say that they have.
 */
import type { Clock } from '../../util/index.ts';
import type { ConfigSnapshot } from '../storage/config-state.ts';
import {
  add,
  type Allotment,
  allotment,
  copyOf,
  difference,
  haveCommon,
  intersection,
  isEmpty,
  type Kind,
  KINDS,
  namesOf,
  ordered,
  remove,
  union,
} from './allotment.ts';

/** What a round changes, and what there is behind it; by worker. */
export interface CooperativeAssignment {
  readonly gets: ReadonlyMap<string, Allotment>;
  readonly givesUp: ReadonlyMap<string, Allotment>;
  /** All that a worker has behind the round. */
  readonly has: ReadonlyMap<string, Allotment>;
  /** After so long the group is to be formed anew; 0: not. */
  readonly delayMs: number;
}

/** Between rounds that take something: 40 times as long as before, up to the longest delay. */
const BACKOFF_BASE = 40;

export class CooperativeAssignor {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #maxDelayMs: number;
  #assigned = allotment();
  #revoked = allotment();
  #hasRevoked = false;
  #revokingRounds = 0;
  /** Workers that came, or were empty, while something was nobody's. */
  readonly #candidates = new Set<string>();
  /** When what is nobody's is to be shared out; 0: nothing is. */
  #rebalanceAt = 0;
  #delayMs = 0;
  #generation = -1;
  #members = new Set<string>();

  /** `maxDelayMs`: how long what a worker had is kept for it. */
  constructor(clock: Pick<Clock, 'now'>, maxDelayMs: number) {
    this.#clock = clock;
    this.#maxDelayMs = maxDelayMs;
  }

  /** `held`: what workers say that they have. The generations tell whether this worker has led the round before, too. */
  assign(
    configs: ConfigSnapshot,
    held: ReadonlyMap<string, Allotment>,
    generations: { readonly lastCompleted: number; readonly current: number },
  ): CooperativeAssignment {
    if (this.#generation !== generations.lastCompleted) this.#assigned = allotment();
    const connectors = ordered(configs.connectors);
    const configured = allotment(
      connectors,
      connectors.flatMap((connector) => namesOf(configs.tasks(connector))),
    );
    const active = union(held.values());
    this.#lookAtRevocation(active);
    const deleted = difference(this.#assigned, configured);
    const lost = difference(this.#assigned, active, deleted);
    const created = difference(configured, this.#assigned, active);
    const givesUp = new Map<string, Allotment>();
    const has = new Map([...held].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, all]) => [id, copyOf(all)]));
    const take = (worker: string, what: Allotment): void => {
      const before = givesUp.get(worker) ?? allotment();
      add(before, what);
      givesUp.set(worker, before);
      remove(has.get(worker)!, what);
    };
    const twice = duplicates(held.values());
    for (const [worker, all] of held) {
      take(worker, intersection(deleted, all));
      take(worker, intersection(twice, all));
    }
    // What was given up here may be given to the same worker again, and is then none of what comes.
    const before = new Map([...held].map(([worker, all]) => [worker, difference(all, deleted)]));
    const toShare = copyOf(created);
    add(toShare, this.#handleLost(lost, has));
    this.#balance(configured, has, take);
    for (const kind of KINDS) shareOut(kind, toShare[kind], has);
    this.#remember(givesUp, has, lost);
    this.#generation = generations.current;
    this.#members = new Set(held.keys());
    return {
      gets: new Map([...has].map(([worker, all]) => [worker, difference(all, before.get(worker)!)])),
      givesUp,
      has: new Map([...has].map(([worker, all]) => [worker, difference(all, givesUp.get(worker) ?? allotment())])),
      delayMs: this.#delayMs,
    };
  }

  /** A worker that has what was taken from it has not heard of that round. */
  #lookAtRevocation(active: Allotment): void {
    if (haveCommon(this.#revoked, active)) this.#assigned = copyOf(active);
    this.#revoked = allotment();
  }

  /** What of the lost is shared out now; the rest is kept for those who had it, or given to those who came. */
  #handleLost(lost: Allotment, has: ReadonlyMap<string, Allotment>): Allotment {
    if (isEmpty(lost) && !this.#hasRevoked) {
      this.#resetDelay();
      return allotment();
    }
    const now = this.#clock.now();
    const isEverybodyHere = [...this.#members].every((worker) => has.has(worker));
    // Nobody is away, so an assignment did not arrive.
    if ((this.#rebalanceAt <= 0 && isEverybodyHere) || this.#maxDelayMs === 0) return lost;
    if (this.#rebalanceAt > 0 && now >= this.#rebalanceAt) {
      const candidates = [...this.#candidates].flatMap((worker) => has.get(worker) ?? []);
      this.#resetDelay();
      this.#hasRevoked = false;
      if (candidates.length === 0) return lost;
      for (const kind of KINDS)
        for (const [i, each] of ordered(lost[kind]).entries()) candidates[i % candidates.length]![kind].add(each);
      return allotment();
    }
    for (const [worker, all] of has) if (isEmpty(all)) this.#candidates.add(worker);
    this.#delayMs = now < this.#rebalanceAt ? Math.min(this.#rebalanceAt - now, this.#maxDelayMs) : this.#maxDelayMs;
    this.#rebalanceAt = now + this.#delayMs;
    return allotment();
  }

  #resetDelay(): void {
    this.#candidates.clear();
    this.#rebalanceAt = 0;
    this.#delayMs = 0;
  }

  /** Takes from those who have more than their share; not in every round, where that does not come to an end. */
  #balance(
    configured: Allotment,
    has: ReadonlyMap<string, Allotment>,
    take: (worker: string, what: Allotment) => void,
  ): void {
    if (this.#delayMs !== 0) {
      this.#hasRevoked = false;
      return;
    }
    const tooMuch = surplus(configured, has);
    if (tooMuch.size === 0) {
      this.#hasRevoked = false;
      this.#revokingRounds = 0;
      return;
    }
    if (this.#hasRevoked) {
      this.#revokingRounds++;
      this.#delayMs = this.#backoffMs();
      if (this.#delayMs !== 0) {
        this.#rebalanceAt = this.#clock.now() + this.#delayMs;
        return;
      }
    } else this.#hasRevoked = true;
    for (const [worker, what] of tooMuch) take(worker, what);
  }

  #backoffMs(): number {
    return this.#maxDelayMs === 0 ? 0 : Math.min(this.#maxDelayMs, BACKOFF_BASE ** this.#revokingRounds);
  }

  /** What is lost counts as assigned, to be found lost again. */
  #remember(givesUp: ReadonlyMap<string, Allotment>, has: ReadonlyMap<string, Allotment>, lost: Allotment): void {
    this.#revoked = union(givesUp.values());
    this.#assigned = difference(union(has.values()), this.#revoked);
    add(this.#assigned, lost);
  }
}

/** What is on several workers, which all have to give it up. */
function duplicates(held: Iterable<Allotment>): Allotment {
  const [once, twice] = [allotment(), allotment()];
  for (const all of held) {
    for (const kind of KINDS) for (const each of all[kind]) (once[kind].has(each) ? twice : once)[kind].add(each);
  }
  return twice;
}

/** What workers have above their share: all have the same number, some of them one more. */
function surplus(configured: Allotment, has: ReadonlyMap<string, Allotment>): Map<string, Allotment> {
  const result = new Map<string, Allotment>();
  if ([...has.values()].every(isEmpty) || isEmpty(configured)) return result;
  for (const kind of KINDS) {
    for (const [worker, what] of surplusOf(kind, configured[kind].size, has)) {
      const all = result.get(worker) ?? allotment();
      for (const each of what) all[kind].add(each);
      result.set(worker, all);
    }
  }
  return result;
}

function surplusOf(kind: Kind, total: number, has: ReadonlyMap<string, Allotment>): Map<string, string[]> {
  const share = Math.floor(total / has.size);
  const extras = total % has.size;
  const sizes = [...has.values()].map((all) => all[kind].size);
  const withShare = sizes.filter((size) => size === share).length;
  const withExtra = sizes.filter((size) => size === share + 1).length;
  if (withExtra === extras && withShare + withExtra === has.size) return new Map();
  const result = new Map<string, string[]>();
  let given = 0;
  for (const [worker, all] of has) {
    const size = all[kind].size;
    if (size <= share) continue;
    const mayHaveExtra = given < extras;
    if (mayHaveExtra) given++;
    const most = mayHaveExtra ? share + 1 : share;
    if (size > most) result.set(worker, [...all[kind]].slice(0, size - most));
  }
  return result;
}

/** Gives each to one of those who have the fewest. */
function shareOut(kind: Kind, what: ReadonlySet<string>, has: ReadonlyMap<string, Allotment>): void {
  const workers = [...has].sort(([a, x], [b, y]) => x[kind].size - y[kind].size || (a < b ? -1 : 1));
  const waiting = ordered(what);
  while (waiting.length > 0) {
    const fewest = workers[0]![1][kind].size;
    const equal = workers.filter(([, all]) => all[kind].size === fewest);
    for (const [, all] of equal) {
      const next = waiting.shift();
      if (next === undefined) return;
      all[kind].add(next);
    }
  }
}
