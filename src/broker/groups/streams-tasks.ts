// Tasks of a streams group. A task is a subtopology with one partition of each topic that it reads; as an entry of a set it is one
// text with the role in which a member has it, so that what holds for partitions (reconciliation.ts) holds for tasks.
import type { StoredTaskOwnership, StoredTasks } from './streams-records.ts';
import type { Ownership } from './reconciliation.ts';

export type TaskRole = 'A' | 'S' | 'W';
/** Role, subtopology and partition. */
export type TaskKey = string;

export interface TaskIds {
  readonly subtopologyId: string;
  readonly partitions: readonly number[];
}

export interface TasksByRole {
  readonly activeTasks: readonly TaskIds[];
  readonly standbyTasks: readonly TaskIds[];
  readonly warmupTasks: readonly TaskIds[];
}

export const taskKey = (role: TaskRole, task: string): TaskKey => `${role}${task}`;
export const taskId = (subtopologyId: string, partition: number): string => `${subtopologyId}:${partition}`;
export const roleOf = (key: TaskKey): TaskRole => key[0] as TaskRole;
export const taskOf = (key: TaskKey): string => key.slice(1);
export const subtopologyOf = (task: string): string => task.slice(0, task.lastIndexOf(':'));
export const partitionOf = (task: string): number => Number(task.slice(task.lastIndexOf(':') + 1));

export function taskKeys({ activeTasks, standbyTasks, warmupTasks }: TasksByRole): Set<TaskKey> {
  return new Set([...keysOf('A', activeTasks), ...keysOf('S', standbyTasks), ...keysOf('W', warmupTasks)]);
}

function keysOf(role: TaskRole, listed: readonly TaskIds[]): TaskKey[] {
  return listed.flatMap(({ subtopologyId, partitions }) =>
    partitions.map((partition) => taskKey(role, taskId(subtopologyId, partition))),
  );
}

/** The same as messages and records list them. */
export function tasksByRole(keys: Iterable<TaskKey>): StoredTasks {
  const all = [...keys];
  return { activeTasks: listed('A', all), standbyTasks: listed('S', all), warmupTasks: listed('W', all) };
}

function listed(role: TaskRole, keys: readonly TaskKey[]): { subtopologyId: string; partitions: number[] }[] {
  const mine = keys.filter((key) => roleOf(key) === role).map(taskOf);
  return [...Map.groupBy(mine, subtopologyOf)]
    .map(([subtopologyId, tasks]) => ({ subtopologyId, partitions: tasks.map(partitionOf).sort((a, b) => a - b) }))
    .sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1));
}

export function storedTaskOwnership(ownership: Ownership): StoredTaskOwnership {
  const assigned = tasksByRole(ownership.assigned.keys());
  const revoking = tasksByRole(ownership.revoking.keys());
  const epochs = (of: Ownership['assigned'], { subtopologyId, partitions }: TaskIds): number[] =>
    partitions.map((partition) => of.get(taskKey('A', taskId(subtopologyId, partition)))!);
  const active = (of: Ownership['assigned'], tasks: readonly TaskIds[]) =>
    tasks.map((each) => ({ ...each, assignmentEpochs: epochs(of, each) }));
  const others = (tasks: readonly TaskIds[]) => tasks.map((each) => ({ ...each, assignmentEpochs: null }));
  return {
    memberEpoch: ownership.epoch,
    previousMemberEpoch: ownership.previousEpoch,
    state: ownership.state,
    activeTasks: active(ownership.assigned, assigned.activeTasks),
    standbyTasks: others(assigned.standbyTasks),
    warmupTasks: others(assigned.warmupTasks),
    activeTasksPendingRevocation: active(ownership.revoking, revoking.activeTasks),
    standbyTasksPendingRevocation: others(revoking.standbyTasks),
    warmupTasksPendingRevocation: others(revoking.warmupTasks),
  };
}

export function restoredTaskOwnership(stored: StoredTaskOwnership): Ownership {
  const read = (role: TaskRole, tasks: StoredTaskOwnership['activeTasks']): [TaskKey, number][] =>
    tasks.flatMap(({ subtopologyId, partitions, assignmentEpochs }) =>
      partitions.map((partition, i): [TaskKey, number] => [
        taskKey(role, taskId(subtopologyId, partition)),
        assignmentEpochs?.[i] ?? stored.memberEpoch,
      ]),
    );
  return {
    epoch: stored.memberEpoch,
    previousEpoch: stored.previousMemberEpoch,
    state: stored.state,
    assigned: new Map([
      ...read('A', stored.activeTasks),
      ...read('S', stored.standbyTasks),
      ...read('W', stored.warmupTasks),
    ]),
    revoking: new Map([
      ...read('A', stored.activeTasksPendingRevocation),
      ...read('S', stored.standbyTasksPendingRevocation),
      ...read('W', stored.warmupTasksPendingRevocation),
    ]),
  };
}
