// What a distributed worker has started, and has to stop. What is done with one connector is done in order, connectors do not wait
// for each other; nobody waits for a start, but whoever has to let go of something waits until it has stopped.
import { messageOf } from '../../util/index.ts';
import { ConnectError } from '../data/errors.ts';
import { type RunState, type TaskId, taskName } from '../data/states.ts';
import type { Worker } from '../runtime/worker-port.ts';
import type { ConfigSnapshot } from '../storage/config-state.ts';
import { taskIdOf } from '../storage/json-records.ts';
import type { Allotment } from './allotment.ts';
import { InOrderPer } from './in-order.ts';

export interface LocalWorkOptions {
  readonly worker: Worker;
  /** The configs that are acted upon. */
  readonly configs: () => ConfigSnapshot;
  /** A connector runs: it is to be asked for its tasks. */
  readonly onStarted: (connector: string) => void;
  /** A task could not be started for another reason than its own. */
  readonly onTaskFailed: (id: TaskId, error: unknown) => void;
  /** Before a task is started; what is returned is asked when nobody else can write as this task any more. */
  readonly beforeTask: (id: TaskId) => Promise<(() => Promise<void>) | undefined>;
  readonly log: (message: string) => void;
}

export class LocalWork {
  readonly #options: LocalWorkOptions;
  readonly #order = new InOrderPer<string>();
  /** Starts that wait for something, by the task's name: they end when it is to be stopped. */
  readonly #starting = new Map<string, AbortController>();
  readonly #states = new Map<string, RunState>();
  #isClosed = false;

  constructor(options: LocalWorkOptions) {
    this.#options = options;
  }

  /** What the worker has told of a connector. */
  told(connector: string, state: RunState): void {
    if (state === 'UNASSIGNED') this.#states.delete(connector);
    else this.#states.set(connector, state);
  }

  /** Whether a connector can be asked for its tasks. */
  isRunning(connector: string): boolean {
    return this.#states.get(connector) === 'RUNNING';
  }

  /** Runs behind everything that is under way for the connector. */
  inOrder<T>(connector: string, work: () => Promise<T>): Promise<T> {
    return this.#order.run(connector, work);
  }

  /** Begins to start. */
  start({ connectors, tasks }: Allotment): void {
    for (const connector of connectors) {
      this.startConnector(connector).catch((error) =>
        this.#options.log(`connector ${connector} could not be started: ${messageOf(error)}`),
      );
    }
    for (const name of tasks) void this.startTask(taskIdOf(name)).catch(() => {});
  }

  /** Resolves when the connector runs, or is what else it is to be; rejects where it has failed. */
  startConnector(connector: string): Promise<void> {
    const { worker, configs, onStarted } = this.#options;
    return this.#order.run(connector, async () => {
      const config = configs().connectorConfig(connector);
      if (config === undefined || this.#isClosed) return;
      const target = configs().target(connector);
      await worker.startConnector(connector, config, target);
      if (this.#states.get(connector) === 'FAILED') throw new ConnectError(`Failed to start connector: ${connector}`);
      if (target === 'STARTED') onStarted(connector);
    });
  }

  /** Resolves when the task has begun to start; rejects where it cannot. */
  startTask(id: TaskId): Promise<void> {
    const { worker, configs, beforeTask, onTaskFailed } = this.#options;
    const name = taskName(id);
    const abort = new AbortController();
    this.#starting.set(name, abort);
    return this.#order.run(id.connector, async () => {
      try {
        const isStillOurs = await unlessAborted(beforeTask(id), abort.signal);
        const now = configs();
        const [connector, task] = [now.connectorConfig(id.connector), now.taskConfig(id)];
        if (abort.signal.aborted || this.#isClosed || connector === undefined || task === undefined) return;
        await worker.startTask(id, connector, task, now.target(id.connector), isStillOurs);
      } catch (error) {
        if (abort.signal.aborted) return;
        onTaskFailed(id, error);
        throw error;
      } finally {
        if (this.#starting.get(name) === abort) this.#starting.delete(name);
      }
    });
  }

  /** Resolves when all of it has stopped. */
  async stop({ connectors, tasks }: Allotment): Promise<void> {
    await Promise.all([
      ...[...connectors].map((connector) => this.stopConnector(connector)),
      this.stopTasks([...tasks].map(taskIdOf)),
    ]);
  }

  stopConnector(connector: string): Promise<void> {
    return this.#order.run(connector, () => this.#options.worker.stopConnector(connector));
  }

  async stopTasks(ids: readonly TaskId[]): Promise<void> {
    for (const id of ids) this.#starting.get(taskName(id))?.abort();
    const byConnector = Map.groupBy(ids, ({ connector }) => connector);
    await Promise.all(
      [...byConnector].map(([connector, some]) =>
        this.#order.run(connector, () => this.#options.worker.stopTasks(some)),
      ),
    );
  }

  /** Resolves when nothing runs any more; nothing starts from now on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const abort of this.#starting.values()) abort.abort();
    await this.#order.idle();
    const { connectors, tasks } = this.#options.worker.running();
    await Promise.all([...connectors.map((connector) => this.stopConnector(connector)), this.stopTasks(tasks)]);
  }

  /** Has a connector and its tasks become what they are to be. */
  followTarget(connector: string): Promise<void> {
    const { worker, configs, onStarted } = this.#options;
    return this.#order.run(connector, async () => {
      const target = configs().target(connector);
      await worker.setTarget(connector, target);
      if (target === 'STARTED') onStarted(connector);
    });
  }
}

/** Undefined when the signal was first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  const aborted = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true });
  return Promise.race([work, aborted.promise]);
}
