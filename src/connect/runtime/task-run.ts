// What running source and sink tasks have in common: a state that is told to the listener, a target that changes, and an end.
import type { Client } from '../../client/index.ts';
import type { Environment } from '../../util/index.ts';
import type { RawConfig } from '../api/config-def.ts';
import type { Log } from '../api/plugins.ts';
import { type ErrorSettings, traceOf } from './error-handling.ts';
import type { Path } from './record-path.ts';
import type { RunState, TargetState, TaskId } from './worker-port.ts';

/** What a task runs with, whatever its direction. */
export interface TaskOptions {
  readonly id: TaskId;
  /** Its class, for the headers of dead letters and the log. */
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly raw: RawConfig;
  readonly client: Client;
  readonly path: Path;
  readonly errors: ErrorSettings;
  /** `offset.flush.interval.ms`. */
  readonly flushIntervalMs: number;
  readonly environment: Environment;
  readonly log: Log;
  /** Told each state once. */
  readonly onState: (state: RunState, trace?: string) => void;
  /** Told each topic once. */
  readonly onTopic: (topic: string) => void;
}

/** A task that runs, is paused, or has failed. */
export interface RunningTask {
  readonly id: TaskId;
  /** Begins; what becomes of it is told to the listener. */
  start(): void;
  setTarget(target: TargetState): void;
  /** Resolves when it has committed, stopped and closed what it had, or at once when it has failed. */
  stop(): Promise<void>;
  /** Gives up waiting for what does not end: nothing that it still does is told. */
  abandon(): void;
}

/** The part of a task that is the same in both directions: `#run` begins, works in turns until told to stop, and ends. */
export abstract class TaskLoop implements RunningTask {
  readonly id: TaskId;
  protected readonly options: TaskOptions;
  /** Aborted when the task is to stop. */
  protected readonly stopping = new AbortController();
  #target: TargetState;
  #state: RunState | undefined;
  #isAbandoned = false;
  #wake: () => void = () => {};
  #topics = new Set<string>();
  #running: Promise<void> = Promise.resolve();

  constructor(options: TaskOptions, target: TargetState) {
    this.id = options.id;
    this.options = options;
    this.#target = target;
  }

  start(): void {
    this.#running = this.#run();
  }

  setTarget(target: TargetState): void {
    this.#target = target;
    this.#wake();
    this.interrupt();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.#wake();
    this.interrupt();
    await this.#running;
  }

  abandon(): void {
    this.#isAbandoned = true;
  }

  /** Makes what waits return. */
  protected abstract interrupt(): void;
  /** Everything before the first turn. */
  protected abstract open(): Promise<void>;
  /** One turn of work. */
  protected abstract turn(): Promise<void>;
  /** A turn of a task that is paused; returns after a while, or when it is interrupted. */
  protected abstract rest(): Promise<void>;
  /** Makes safe what was done; not called for a task that has failed. */
  protected abstract finish(): Promise<void>;
  /** Lets go of everything, failed or not. Must not reject. */
  protected abstract release(failed: boolean): Promise<void>;

  /** Resolves when the target or anything else has changed. */
  protected changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.stopping.signal.aborted) resolve();
    });
  }

  protected uses(topic: string): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    if (!this.#isAbandoned) this.options.onTopic(topic);
  }

  async #run(): Promise<void> {
    try {
      await this.open();
      while (!this.stopping.signal.aborted) {
        const isPaused = this.#target !== 'STARTED';
        this.#tell(isPaused ? 'PAUSED' : 'RUNNING');
        await (isPaused ? this.rest() : this.turn());
      }
      await this.finish();
    } catch (error) {
      const trace = traceOf(error);
      this.options.log.error(
        `task ${this.id.connector}-${this.id.task} has failed and will not go on by itself: ${trace}`,
      );
      await this.#letGo(true);
      this.#tell('FAILED', trace);
      return;
    }
    await this.#letGo(false);
    this.#tell('UNASSIGNED');
  }

  async #letGo(failed: boolean): Promise<void> {
    await this.release(failed);
    this.options.path.chain.use.close();
  }

  #tell(state: RunState, trace?: string): void {
    if (this.#state === state || this.#isAbandoned) return;
    this.#state = state;
    if (trace === undefined) this.options.onState(state);
    else this.options.onState(state, trace);
  }
}
