// What the worker tells of connectors and tasks becomes what everybody is told: states with this worker's name, the group's
// generation, and the plugin's version.
import type { RawConfig } from '../api/config-def.ts';
import type { RunState, TaskId } from '../data/states.ts';
import type { Status, StatusStore } from '../storage/status-store.ts';
import { versionOf } from './connector-facts.ts';
import type { PluginCatalogue } from './plugin-catalogue.ts';

/** States that a worker tells of what it may not have any more. */
const LATE: readonly RunState[] = ['UNASSIGNED', 'FAILED'];

export class ToldStatuses {
  readonly #statuses: StatusStore;
  readonly #plugins: PluginCatalogue;
  readonly #workerId: () => string;
  readonly #configOf: (connector: string) => RawConfig | undefined;
  readonly #generation: () => number;
  #isMuted = false;

  constructor(
    statuses: StatusStore,
    plugins: PluginCatalogue,
    worker: {
      readonly id: () => string;
      readonly configOf: (connector: string) => RawConfig | undefined;
      readonly generation: () => number;
    },
  ) {
    this.#statuses = statuses;
    this.#plugins = plugins;
    this.#workerId = worker.id;
    this.#configOf = worker.configOf;
    this.#generation = worker.generation;
  }

  connector(name: string, state: RunState, trace?: string): void {
    const isLate = LATE.includes(state);
    if (!isLate || !this.#isMuted) this.#statuses.putConnector(name, this.#status(name, state, trace), isLate);
  }

  task(id: TaskId, state: RunState, trace?: string): void {
    const isLate = LATE.includes(state);
    if (!isLate || !this.#isMuted) this.#statuses.putTask(id, this.#status(id.connector, state, trace), isLate);
  }

  /** What stops now may be another worker's already, who tells of it. */
  async unheard(work: () => Promise<void>): Promise<void> {
    this.#isMuted = true;
    try {
      await work();
    } finally {
      this.#isMuted = false;
    }
  }

  /** Nothing is to be known any more of a connector, its tasks, and the topics that it used. */
  forget(connector: string): void {
    for (const task of this.#statuses.tasks(connector).keys()) this.task({ connector, task }, 'DESTROYED');
    this.connector(connector, 'DESTROYED');
  }

  #status(connector: string, state: RunState, trace: string | undefined): Status {
    // What is let go of has no version, as in the original: whoever gets it next may have another one.
    const version = state === 'UNASSIGNED' ? null : versionOf(this.#plugins, this.#configOf(connector));
    return { state, trace: trace ?? null, workerId: this.#workerId(), generation: this.#generation(), version };
  }
}
