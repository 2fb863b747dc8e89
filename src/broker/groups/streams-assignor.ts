/**
 * Who gets which task of a streams group: evenly by the processes' numbers of members, and whoever had a task keeps it while that is even.
 * Active tasks first, then their copies (standby tasks) in processes that have nothing of the task yet. Pure functions.
 */
import { type TaskKey, taskKey } from './streams-tasks.ts';

export interface StreamsAssignorMember {
  readonly processId: string;
  /** Its target so far. */
  readonly before: ReadonlySet<TaskKey>;
}

export interface TaskAssignment {
  readonly members: ReadonlyMap<string, StreamsAssignorMember>;
  /** Every task, in the order in which they are given out. */
  readonly tasks: readonly string[];
  /** Those of them that have state: only these have copies. */
  readonly stateful: ReadonlySet<string>;
  readonly standbyReplicas: number;
}

interface Bucket {
  readonly id: string;
  readonly weight: number;
}

export function sticky(wanted: TaskAssignment): Map<string, Set<TaskKey>> {
  const { members, tasks } = wanted;
  const targets = new Map<string, Set<TaskKey>>([...members.keys()].map((id) => [id, new Set()]));
  if (members.size === 0) return targets;
  const processes = Map.groupBy([...members.keys()].sort(), (id) => members.get(id)!.processId);
  const buckets = [...processes].map(([id, { length }]) => ({ id, weight: length }));
  const before = holdersOf(members);
  const processesOf = (task: string): string[] =>
    ['A', 'S'].flatMap((role) => (before.get(`${role}${task}`) ?? []).map((id) => members.get(id)!.processId));
  const byProcess = shared(tasks, buckets, processesOf);
  for (const [process, mine] of byProcess) {
    const threads = processes.get(process)!.map((id) => ({ id, weight: 1 }));
    const given = shared(mine, threads, (task) => before.get(taskKey('A', task)) ?? []);
    for (const [id, own] of given) for (const task of own) targets.get(id)!.add(taskKey('A', task));
  }
  giveCopies(wanted, { processes, targets, before, byProcess });
  return targets;
}

/** The members that had a task in a role. */
function holdersOf(members: TaskAssignment['members']): Map<TaskKey, string[]> {
  const holders = new Map<TaskKey, string[]>();
  for (const [id, { before }] of members) for (const key of before) holders.set(key, [...(holders.get(key) ?? []), id]);
  return holders;
}

/** Shares tasks out by weight: nobody gets more than its part, rounded; those that had a task come first. */
function shared(
  tasks: readonly string[],
  buckets: readonly Bucket[],
  preferred: (task: string) => readonly string[],
): Map<string, string[]> {
  const total = buckets.reduce((sum, { weight }) => sum + weight, 0);
  const part = new Map(buckets.map(({ id, weight }) => [id, Math.floor((tasks.length * weight) / total)]));
  let left = tasks.length - [...part.values()].reduce((sum, each) => sum + each, 0);
  const given = new Map<string, string[]>(buckets.map(({ id }) => [id, []]));
  const rest: string[] = [];
  const give = (task: string, id: string): boolean => {
    const mine = given.get(id);
    const most = part.get(id) ?? 0;
    if (mine === undefined || mine.length > most || (mine.length === most && left === 0)) return false;
    if (mine.length === most) left--;
    mine.push(task);
    return true;
  };
  for (const task of tasks) if (!preferred(task).some((id) => give(task, id))) rest.push(task);
  const weights = new Map(buckets.map(({ id, weight }) => [id, weight]));
  const load = (id: string): number => given.get(id)!.length / weights.get(id)!;
  for (const task of rest) {
    const byLoad = [...given.keys()].sort((a, b) => load(a) - load(b));
    byLoad.some((id) => give(task, id));
  }
  return given;
}

function giveCopies(
  { tasks, stateful, standbyReplicas }: TaskAssignment,
  state: {
    readonly processes: ReadonlyMap<string, readonly string[]>;
    readonly targets: ReadonlyMap<string, Set<TaskKey>>;
    readonly before: ReadonlyMap<TaskKey, readonly string[]>;
    readonly byProcess: ReadonlyMap<string, readonly string[]>;
  },
): void {
  const { processes, targets, before } = state;
  const copies = Math.min(standbyReplicas, processes.size - 1);
  if (copies <= 0) return;
  const activeIn = new Map([...state.byProcess].flatMap(([id, mine]) => mine.map((task) => [task, id] as const)));
  const load = (process: string): number => {
    const mine = processes.get(process)!;
    return mine.reduce((sum, id) => sum + targets.get(id)!.size, 0) / mine.length;
  };
  for (const task of tasks) {
    if (!stateful.has(task)) continue;
    const had = new Set([...(before.get(taskKey('S', task)) ?? []), ...(before.get(taskKey('A', task)) ?? [])]);
    const hadIt = (process: string): number => (processes.get(process)!.some((id) => had.has(id)) ? 0 : 1);
    const others = [...processes.keys()].filter((process) => process !== activeIn.get(task));
    others.sort((a, b) => hadIt(a) - hadIt(b) || load(a) - load(b));
    for (const process of others.slice(0, copies)) {
      const mine = [...processes.get(process)!];
      mine.sort((a, b) => Number(!had.has(a)) - Number(!had.has(b)) || targets.get(a)!.size - targets.get(b)!.size);
      targets.get(mine[0]!)!.add(taskKey('S', task));
    }
  }
}
