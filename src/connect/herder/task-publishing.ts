// A connector that runs here says what its tasks are, when it has started and whenever that has changed. What it says is written
// to the config topic, by the leader; what goes wrong is tried again, less and less often.
import { messageOf } from '../../util/index.ts';
import type { Log } from '../api/plugins.ts';
import type { RawConfig } from '../api/config-def.ts';
import type { Worker } from '../runtime/worker-port.ts';
import type { ConfigStore } from '../storage/config-store.ts';
import type { ClusterLoop } from './cluster-loop.ts';
import { storedTasks, tasksHaveChanged } from './connector-facts.ts';
import type { LocalWork } from './local-work.ts';
import type { PluginCatalogue } from './plugin-catalogue.ts';
import { elsewhere, invalid } from './refusals.ts';

export interface TaskPublishingOptions {
  readonly loop: ClusterLoop;
  readonly local: LocalWork;
  readonly worker: Worker;
  readonly configs: ConfigStore;
  readonly plugins: PluginCatalogue;
  /** Has the leader write tasks' configs. */
  readonly send: (leaderUrl: string | null, connector: string, tasks: readonly RawConfig[]) => Promise<void>;
  readonly log: Log;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 60_000;

export class TaskPublishing {
  readonly #options: TaskPublishingOptions;

  constructor(options: TaskPublishingOptions) {
    this.#options = options;
  }

  /** Asks a connector for its tasks, behind what is under way. */
  request(connector: string, failures = 0): void {
    const { loop, log } = this.#options;
    const delayMs = failures === 0 ? 0 : Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    loop
      .inTurn(() => this.#isDue(connector), delayMs)
      .then(async (isDue) => {
        if (!isDue) return;
        try {
          await this.#publish(connector);
        } catch (error) {
          log.error(`the tasks of ${connector} could not be told, which is tried again: ${messageOf(error)}`);
          this.request(connector, failures + 1);
        }
      })
      .catch((error) => log.debug(`the tasks of ${connector} are not asked for: ${messageOf(error)}`));
  }

  /** Writes tasks' configs; to be called in turn, and by the leader only. */
  async write(connector: string, tasks: readonly RawConfig[]): Promise<void> {
    const { loop, configs } = this.#options;
    if (tasks.length > 0 && loop.now.target(connector) === 'STOPPED')
      throw invalid(`Cannot submit non-empty set of task configs for stopped connector ${connector}`);
    await loop.writeAsLeader(`${tasks.length} task configs for connector ${connector}`, () =>
      configs.putTaskConfigs(connector, tasks),
    );
  }

  #isDue(connector: string): boolean {
    const { loop, local } = this.#options;
    return local.isRunning(connector) && loop.now.has(connector) && loop.now.target(connector) === 'STARTED';
  }

  async #publish(connector: string): Promise<void> {
    const { loop, local, worker, plugins, send } = this.#options;
    const tasks = await local.inOrder(connector, () => worker.taskConfigs(connector));
    const toSend = await loop.inTurn(async () => {
      const config = loop.now.connectorConfig(connector);
      if (config === undefined) return undefined;
      const stored = storedTasks(plugins, config, tasks);
      if (!tasksHaveChanged(loop.now, connector, stored)) return undefined;
      if (!loop.group.isLeader) return { url: loop.group.leaderUrl, stored };
      await this.write(connector, stored);
      return undefined;
    });
    if (toSend === undefined) return;
    if (toSend.url === null) throw elsewhere('nobody knows who leads the workers', null);
    await send(toSend.url, connector, toSend.stored);
  }
}
