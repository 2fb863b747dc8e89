// What users want of connectors and what becomes of them, in the words of Kafka Connect's topics and of its REST API.

/** What a user wants of a connector, in the words of the config topic. */
export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED';

/** Where a connector or a task is, in the words of REST and the status topic. */
export type RunState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'RESTARTING' | 'DESTROYED';

/** A task of a connector. */
export interface TaskId {
  readonly connector: string;
  /** From 0. */
  readonly task: number;
}

/** A task's name among people: `orders-0`. */
export function taskName({ connector, task }: TaskId): string {
  return `${connector}-${task}`;
}
