/**
 * Exactly once, on the leader (KIP-618): before tasks with new configs start, the producers of the tasks before must not be able to
 * write. How many there are stands in the config topic (`tasks-fencing-…`), and is written anew behind each fencing. Several
 * workers ask at the same time, one for each task: they wait for the same fencing.
 */
import { deferred } from '../../util/index.ts';
import type { RawConfig } from '../api/config-def.ts';
import type { ConfigSnapshot } from '../storage/config-state.ts';
import { HerderRefusal } from './refusals.ts';

export interface FencingSteps {
  /** The configs as they are in the topic now. */
  refreshed(): Promise<ConfigSnapshot>;
  /** Makes so many producers unable to write. */
  fence(connector: string, config: RawConfig, tasks: number): Promise<void>;
  /** Writes that the producers of so many tasks write now. */
  record(connector: string, tasks: number): Promise<void>;
  /** Does a step when the herder comes to it. */
  inTurn(work: () => Promise<void>): Promise<void>;
}

export class Fencings {
  readonly #steps: FencingSteps;
  readonly #active = new Map<string, { readonly done: Promise<void>; readonly abort: (error: unknown) => void }>();

  constructor(steps: FencingSteps) {
    this.#steps = steps;
  }

  /** To be called in turn. The fencing that goes on behind it, if one is needed. */
  async begin(connector: string): Promise<{ readonly done: Promise<void> | undefined }> {
    const configs = await this.#steps.refreshed();
    const tasks = configs.taskCount(connector);
    const before = configs.taskCountRecord(connector);
    if (!configs.needsFencing(connector)) return { done: undefined };
    // The one task's producer fences the one before by itself.
    if (before === undefined || (before === 1 && tasks === 1)) {
      await this.#steps.record(connector, tasks);
      return { done: undefined };
    }
    const { done } = this.#active.get(connector) ?? this.#fence(connector, configs, before);
    return { done };
  }

  /** The connector has other tasks now: whoever waits asks again for those. */
  onTaskConfigs(connector: string): void {
    this.#active
      .get(connector)
      ?.abort(
        new HerderRefusal(
          'conflict',
          'Failed to complete zombie fencing because a new set of task configs was generated',
        ),
      );
  }

  #fence(connector: string, configs: ConfigSnapshot, before: number) {
    const aborted = deferred();
    aborted.promise.catch(() => {});
    let isAborted = false;
    const abort = (error: unknown): void => {
      isAborted = true;
      aborted.reject(error);
    };
    const generation = configs.taskGeneration(connector);
    const fenced = async (): Promise<void> => {
      await this.#steps.fence(connector, configs.connectorConfig(connector)!, before);
      await this.#steps.inTurn(async () => {
        const now = await this.#steps.refreshed();
        if (isAborted) return;
        if (now.taskGeneration(connector) !== generation) {
          throw new HerderRefusal(
            'conflict',
            'Fencing failed because new task configurations were generated for the connector',
          );
        }
        await this.#steps.record(connector, configs.taskCount(connector));
      });
    };
    const done = Promise.race([fenced(), aborted.promise]).finally(() => this.#active.delete(connector));
    // Those who wait are told; there may be none any more.
    done.catch(() => {});
    const fencing = { done, abort };
    this.#active.set(connector, fencing);
    return fencing;
  }
}
