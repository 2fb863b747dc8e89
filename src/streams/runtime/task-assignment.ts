/**
 * Which member runs which task, and who keeps a copy of whose state. A pure function of what the members say.
 *
 * First every task gets the member that should have it in the end: nobody gets more than one task more than anybody else,
 * with state or without, nor do the threads of one home together more than their share; tasks stay where they run, then go to who has their state, then to who has least. Then comes who can
 * run it now: where the member that should have a task has too much of its state to read yet, one that has all of it (mostly
 * the one that runs it) keeps it, and the other warms up: it follows the changelogs until it has caught up, and gets the
 * task when the work is assigned the next time (KIP-441). Last come the standbys: members that follow a task's changelogs so
 * that somebody has its state when the one who runs it is gone.
 */

export interface TaskToAssign {
  /** `<sub-topology>_<partition>`. */
  readonly id: string;
  /** Records in its changelogs: how much there is to read for who has nothing. Undefined where the task has no state. */
  readonly end: number | undefined;
}

export interface MemberHoldings {
  /** Tasks that the member runs. */
  readonly running: readonly string[];
  /** Tasks whose state it has on disk or follows: up to which record, summed over their changelogs. */
  readonly reached: ReadonlyMap<string, number>;
  /** Members of the same home share a state directory: what one of them has, all have, and no copy of it is one more. */
  readonly home: string;
  /** Where the member runs, by name: zone, rack. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface AssignmentRules {
  readonly numStandbyReplicas: number;
  /** Who has at most so many records of a task's changelogs to read has caught up. */
  readonly acceptableRecoveryLag: number;
  /** Tasks that may warm up at a time. */
  readonly maxWarmupReplicas: number;
  /** Standbys are where these tags are different, as far as that is possible. */
  readonly rackAwareAssignmentTags: readonly string[];
}

/** What one member is to do. No task is in two of the lists. */
export interface Share {
  readonly active: string[];
  readonly standby: string[];
  readonly warmup: string[];
}

export interface TaskAssignment {
  readonly shares: ReadonlyMap<string, Share>;
  /** Tasks are not where they should be in the end. */
  readonly isPassing: boolean;
}

export function assignTasks(
  tasks: readonly TaskToAssign[],
  members: ReadonlyMap<string, MemberHoldings>,
  rules: AssignmentRules,
): TaskAssignment {
  const ids = [...members.keys()].sort();
  const shares = new Map<string, Share>(ids.map((id) => [id, { active: [], standby: [], warmup: [] }]));
  if (ids.length === 0) return { shares, isPassing: false };
  const stateful = tasks.filter(({ end }) => end !== undefined);
  const stateless = tasks.filter(({ end }) => end === undefined);
  const states = new States(stateful, members, rules.acceptableRecoveryLag);

  const loads = new Map(ids.map((id) => [id, 0]));
  const own = (id: string): readonly string[] => members.get(id)!.running;
  const homeOf = (id: string): string => members.get(id)!.home;
  const wanted = spread(
    stateful.map(({ id }) => id),
    loads,
    homeOf,
    [(id) => states.runningBy(id, ids), (id) => states.heldBy(id)],
  );
  for (const [task, id] of spread(
    stateless.map((task) => task.id),
    loads,
    homeOf,
    [(id) => [...own(id)].sort(byPartition)],
  )) {
    shares.get(id)!.active.push(task);
  }

  let isPassing = false;
  let warmups = 0;
  for (const [task, id] of wanted) {
    const now = states.isCaughtUp(id, task) ? id : (states.bestFor(task, shares) ?? id);
    shares.get(now)!.active.push(task);
    if (now === id) continue;
    isPassing = true;
    if (warmups++ < rules.maxWarmupReplicas) shares.get(id)!.warmup.push(task);
  }
  placeStandbys(stateful, shares, states, rules);
  for (const share of shares.values()) for (const list of Object.values(share)) list.sort(bySubTopology);
  return { shares, isPassing };
}

/** Who has how much of which task's state. */
class States {
  readonly members: ReadonlyMap<string, MemberHoldings>;
  readonly #ends: ReadonlyMap<string, number>;
  readonly #acceptableLag: number;
  /** Per home: which tasks run there, and how far others have been read. */
  readonly #homes = new Map<string, { readonly running: Set<string>; readonly reached: Map<string, number> }>();

  constructor(tasks: readonly TaskToAssign[], members: ReadonlyMap<string, MemberHoldings>, acceptableLag: number) {
    this.members = members;
    this.#ends = new Map(tasks.map(({ id, end }) => [id, end!]));
    this.#acceptableLag = acceptableLag;
    for (const { home, running, reached } of members.values()) {
      const known = this.#homes.get(home) ?? { running: new Set(), reached: new Map() };
      this.#homes.set(home, known);
      for (const task of running) known.running.add(task);
      for (const [task, offset] of reached) known.reached.set(task, Math.max(offset, known.reached.get(task) ?? 0));
    }
  }

  /** Records that a member has to read before it can run a task. */
  lag(member: string, task: string): number {
    const { running, reached } = this.#homes.get(this.members.get(member)!.home)!;
    const end = this.#ends.get(task)!;
    const offset = reached.get(task) ?? 0;
    // Who has read more than there is has read another changelog of that name.
    return running.has(task) ? 0 : offset > end ? end : end - offset;
  }

  isCaughtUp(member: string, task: string): boolean {
    return this.lag(member, task) <= this.#acceptableLag;
  }

  /** What a member runs, in the order in which it is to keep it: last what others with room are ready, or about, to take. */
  runningBy(member: string, ids: readonly string[]): string[] {
    const count = (id: string): number => this.members.get(id)!.running.filter((task) => this.#ends.has(task)).length;
    const fair = this.#ends.size / ids.length;
    const takers = ids.filter((id) => id !== member && count(id) < fair);
    const claim = (task: string): number => Math.min(2, ...takers.map((id) => this.#distance(id, task)));
    return this.members
      .get(member)!
      .running.filter((task) => this.#ends.has(task))
      .sort((a, b) => claim(b) - claim(a) || byPartition(a, b));
  }

  /** Tasks of whose state a member has something: first those that it has caught up with. */
  heldBy(member: string): string[] {
    const rank = (task: string): number => (this.isCaughtUp(member, task) ? 0 : this.lag(member, task));
    return [...this.members.get(member)!.reached.keys()]
      .filter((task) => this.#ends.has(task))
      .sort((a, b) => rank(a) - rank(b) || bySubTopology(a, b));
  }

  /** Among those who could run a task at once the one that does, or else the one with the least to do. */
  bestFor(task: string, shares: ReadonlyMap<string, Share>): string | undefined {
    const isRunning = (id: string): number => (this.members.get(id)!.running.includes(task) ? 0 : 1);
    const [best] = [...this.members.keys()]
      .filter((id) => this.isCaughtUp(id, task))
      .sort(by(isRunning, (id) => shares.get(id)!.active.length));
    return best;
  }

  /** 0: has caught up; 1: has something; 2: has nothing. */
  #distance(member: string, task: string): number {
    if (!this.members.get(member)!.reached.has(task)) return 2;
    return this.isCaughtUp(member, task) ? 0 : 1;
  }
}

/**
 * Gives every task to a member, so that loads differ by at most one, as they did before; who has one more than others is not
 * of one home. `claims` are what a member would like to have, and are heard by turns; what nobody asked for goes to who has
 * least.
 */
function spread(
  tasks: readonly string[],
  loads: Map<string, number>,
  homeOf: (member: string) => string,
  claims: readonly ((member: string) => readonly string[])[],
): Map<string, string> {
  const members = [...loads.keys()];
  const total = [...loads.values()].reduce((sum, load) => sum + load, tasks.length);
  const least = Math.floor(total / members.length);
  const extras = total % members.length;
  /** By home: how many of its members may still have one task more than `least`. */
  const rooms = new Map<string, number>();
  for (const [home, threads] of Map.groupBy(members, homeOf)) {
    const taken = threads.filter((member) => loads.get(member)! > least).length;
    rooms.set(home, Math.ceil((extras * threads.length) / members.length) - taken);
  }
  let left = extras - members.filter((member) => loads.get(member)! > least).length;
  const isFull = (member: string): boolean => left === 0 || rooms.get(homeOf(member))! <= 0;
  const open = new Set(tasks);
  const given = new Map<string, string>();
  const give = (task: string, member: string): void => {
    const load = loads.get(member)!;
    if (load === least) {
      left--;
      rooms.set(homeOf(member), rooms.get(homeOf(member))! - 1);
    }
    loads.set(member, load + 1);
    open.delete(task);
    given.set(task, member);
  };
  for (const claimsOf of claims) {
    const lists = new Map(members.map((member) => [member, claimsOf(member)]));
    for (let waiting = members; waiting.length > 0; ) {
      waiting = waiting.filter((member) => {
        const task = lists.get(member)!.find((id) => open.has(id));
        const load = loads.get(member)!;
        if (task === undefined || load > least || (load === least && isFull(member))) return false;
        give(task, member);
        return true;
      });
    }
  }
  for (const task of [...open].sort(bySubTopology)) {
    const [member] = [...members].sort(
      by(
        (id) => loads.get(id)!,
        (id) => -rooms.get(homeOf(id))!,
      ),
    );
    give(task, member!);
  }
  return given;
}

/** Copies of every task's state: elsewhere than where it runs or warms up, where there is something of it already, evenly. */
function placeStandbys(
  tasks: readonly TaskToAssign[],
  shares: ReadonlyMap<string, Share>,
  states: States,
  rules: AssignmentRules,
): void {
  const { members } = states;
  const homeOf = (id: string): string => members.get(id)!.home;
  const homes = new Set([...members.keys()].map(homeOf)).size;
  const most = Math.ceil((tasks.length * Math.min(rules.numStandbyReplicas, homes - 1)) / members.size);
  for (const { id: task } of tasks) {
    const used = [...members.keys()].filter((id) => {
      const { active, warmup } = shares.get(id)!;
      return active.includes(task) || warmup.includes(task);
    });
    const isFull = (id: string): number => (shares.get(id)!.standby.length < most ? 0 : 1);
    const rank = (id: string): number => (states.isCaughtUp(id, task) ? 0 : states.lag(id, task));
    const holds = (id: string): number => (members.get(id)!.reached.has(task) ? 0 : 1);
    const load = (id: string): number => shares.get(id)!.active.length + shares.get(id)!.standby.length;
    const isNear = (id: string): number =>
      rules.rackAwareAssignmentTags.filter((name) =>
        used.some((other) => members.get(other)!.tags[name] === members.get(id)!.tags[name]),
      ).length;
    for (let copy = 0; copy < rules.numStandbyReplicas; copy++) {
      const [best] = [...members.keys()]
        .filter((id) => !used.some((other) => homeOf(other) === homeOf(id)))
        .sort(by(isNear, isFull, holds, rank, load));
      if (best === undefined) break;
      shares.get(best)!.standby.push(task);
      used.push(best);
    }
  }
}

/** Orders by one measure, then by the next, and last by name. */
function by(...measures: readonly ((id: string) => number)[]): (a: string, b: string) => number {
  return (a, b) => {
    for (const measure of measures) {
      const difference = measure(a) - measure(b);
      if (difference !== 0) return difference;
    }
    return a < b ? -1 : a > b ? 1 : 0;
  };
}

const numbersOf = (task: string): [sub: number, partition: number] => task.split('_').map(Number) as [number, number];

function bySubTopology(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return left[0] - right[0] || left[1] - right[1];
}

/** A member that gives some tasks up keeps all its sub-topologies: they may differ in what they cost. */
function byPartition(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return left[1] - right[1] || left[0] - right[0];
}
