/**
 * PORT. Where it is said what has become of connectors and tasks: every worker says it of its own, and all know it of all. In
 * memory for one worker (here), in a topic for a cluster of them (topic-status-store.ts).
 */
import type { RunState, TaskId } from '../data/states.ts';

/** Where a connector or a task is. */
export interface Status {
  readonly state: RunState;
  /** What went wrong, of FAILED ones. */
  readonly trace: string | null;
  /** `host:port` of the worker's REST. */
  readonly workerId: string;
  /** The generation of the workers' group in which it was said. */
  readonly generation: number;
  /** Of the plugin. */
  readonly version: string | null;
}

/** A topic that a connector has written to or read from. */
export interface TopicUse {
  readonly topic: string;
  readonly connector: string;
  /** The task that was the first. */
  readonly task: number;
  /** Milliseconds since the epoch. */
  readonly discoveredAt: number;
}

export interface StatusStore {
  connector(name: string): Status | undefined;
  task(id: TaskId): Status | undefined;
  /** Tasks of a connector, by their numbers. */
  tasks(connector: string): ReadonlyMap<number, Status>;
  /** All connectors that something is known of. */
  connectors(): readonly string[];
  topics(connector: string): readonly TopicUse[];
  /** `safely`: not where another worker has said something in a later generation. DESTROYED takes away what is known. */
  putConnector(name: string, status: Status, safely?: boolean): void;
  putTask(id: TaskId, status: Status, safely?: boolean): void;
  putTopic(use: TopicUse): void;
  removeTopic(connector: string, topic: string): void;
  /** Resolves when all that was put is where others can read it. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** What is known, as it was read. */
export class StatusTable {
  readonly #connectors = new Map<string, Status>();
  readonly #tasks = new Map<string, Map<number, Status>>();
  readonly #topics = new Map<string, Map<string, TopicUse>>();

  connector(name: string): Status | undefined {
    return this.#connectors.get(name);
  }
  task({ connector, task }: TaskId): Status | undefined {
    return this.#tasks.get(connector)?.get(task);
  }
  tasks(connector: string): ReadonlyMap<number, Status> {
    return new Map([...(this.#tasks.get(connector) ?? [])].sort(([a], [b]) => a - b));
  }
  connectors(): string[] {
    return [...this.#connectors.keys()];
  }
  topics(connector: string): TopicUse[] {
    return [...(this.#topics.get(connector)?.values() ?? [])];
  }

  /** Null: nothing is known of the connector and its tasks any more. */
  setConnector(name: string, status: Status | null): void {
    if (status !== null) {
      if (!isLate(this.#connectors.get(name), status)) this.#connectors.set(name, status);
    } else {
      this.#connectors.delete(name);
      this.#tasks.delete(name);
    }
  }

  setTask(id: TaskId, status: Status | null): void {
    const { connector, task } = id;
    const before = this.task(id);
    // Whoever lets go of a task may say so when another one has it already, in the same generation.
    const isOvertaken =
      before?.state === 'RUNNING' && status?.state === 'UNASSIGNED' && before.generation >= status.generation;
    if (status === null) this.#tasks.get(connector)?.delete(task);
    else if (!isOvertaken && !isLate(before, status))
      this.#tasks.set(connector, (this.#tasks.get(connector) ?? new Map()).set(task, status));
  }

  setTopic(connector: string, topic: string, use: TopicUse | null): void {
    if (use === null) this.#topics.get(connector)?.delete(topic);
    else this.#topics.set(connector, (this.#topics.get(connector) ?? new Map()).set(topic, use));
  }
}

/** A worker that was away says what became of what another one has got meanwhile. */
function isLate(known: Status | undefined, status: Status): boolean {
  return (status.state === 'UNASSIGNED' || status.state === 'FAILED') && !isSafe(known, status);
}

/** Whether a worker may say this although it may be late. */
export function isSafe(known: Status | undefined, status: Status): boolean {
  return known === undefined || known.workerId === status.workerId || known.generation <= status.generation;
}

/** For one worker that is its whole cluster. */
export class MemoryStatusStore implements StatusStore {
  readonly #table = new StatusTable();

  connector(name: string): Status | undefined {
    return this.#table.connector(name);
  }
  task(id: TaskId): Status | undefined {
    return this.#table.task(id);
  }
  tasks(connector: string): ReadonlyMap<number, Status> {
    return this.#table.tasks(connector);
  }
  connectors(): readonly string[] {
    return this.#table.connectors();
  }
  topics(connector: string): readonly TopicUse[] {
    return this.#table.topics(connector);
  }
  putConnector(name: string, status: Status): void {
    this.#table.setConnector(name, status.state === 'DESTROYED' ? null : status);
  }
  putTask(id: TaskId, status: Status): void {
    // Nobody else says anything here, so nothing is late.
    if (this.#table.task(id) !== undefined) this.#table.setTask(id, null);
    if (status.state !== 'DESTROYED') this.#table.setTask(id, status);
  }
  putTopic(use: TopicUse): void {
    this.#table.setTopic(use.connector, use.topic, use);
  }
  removeTopic(connector: string, topic: string): void {
    this.#table.setTopic(connector, topic, null);
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}
