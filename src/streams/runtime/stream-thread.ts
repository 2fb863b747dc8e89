// One thread of an instance, seen from the instance.
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import type { ClusterOptions } from '../../client/index.ts';
import { deferred, type Fault, fromFault, MillraceError, PortCalls, startWorker, toFault } from '../../util/index.ts';
import type { LagInfo, RestoreProgress, RestoreReport, StreamsState, TaskMetrics } from '../api/instance.ts';
import type { UncaughtResponse } from '../api/options.ts';
import { type FromThread, type PlainSettings, type ThreadData, toNumber, type WhoHasWhat } from './thread-messages.ts';

export interface StreamThreadEvents {
  onState(thread: StreamThread): void;
  onRestored(report: RestoreReport): void;
  onRestoreProgress(progress: RestoreProgress): void;
  onTold(told: WhoHasWhat): void;
  onError(error: unknown, fatal: boolean): void;
  onUncaught(error: unknown): UncaughtResponse;
  /** It has ended, and nobody had asked for that. */
  onDeath(thread: StreamThread, error: MillraceError): void;
}

export interface StreamThreadOptions {
  readonly module: string;
  readonly settings: PlainSettings;
  readonly cluster: ClusterOptions | undefined;
  /** Hands a port to the broker, which serves the client at its other end. */
  readonly connect: (port: MessagePort) => void;
  readonly endsAll: unknown;
  readonly events: StreamThreadEvents;
}

/** What a thread can be asked. */
interface Answers {
  metrics: readonly TaskMetrics[];
  lag: Readonly<Record<string, number>>;
  localTasks: { readonly active: readonly string[]; readonly standby: readonly string[] };
  storeLags: Readonly<Record<string, Readonly<Record<number, LagInfo>>>>;
  copies: readonly { readonly partition: number; readonly isActive: boolean }[];
}

export class StreamThread {
  readonly index: number;
  readonly name: string;
  state: StreamsState = 'CREATED';
  /** What it stopped at, in the state ERROR. */
  error: unknown;
  /** What it had uncaught: why it dies. */
  #uncaught: unknown;
  readonly #worker: Worker;
  readonly #calls: PortCalls;
  readonly #ended = deferred();
  #isClosing = false;

  constructor(index: number, name: string, options: StreamThreadOptions) {
    this.index = index;
    this.name = name;
    const { module, settings, cluster, connect, endsAll, events } = options;
    const { port1, port2 } = new MessageChannel();
    const fault = endsAll === undefined ? undefined : toFault(endsAll);
    const workerData: ThreadData = { module, settings, cluster, port: port2, endsAll: fault };
    this.#calls = new PortCalls(port1, {
      state: (state: StreamsState, stoppedAt: Fault | undefined) => {
        this.state = state;
        if (stoppedAt !== undefined) this.error = fromFault(stoppedAt);
        events.onState(this);
      },
      restored: (report: RestoreReport) => events.onRestored(report),
      progress: (progress: RestoreProgress) => events.onRestoreProgress(progress),
      told: (told: WhoHasWhat) => events.onTold(told),
      error: (error: Fault, fatal: boolean) => events.onError(fromFault(error), fatal),
    });
    this.#worker = startWorker('streams/runtime/thread-work', { workerData, transferList: [port2], name });
    this.#worker.on('message', (message: FromThread) => {
      if (message.kind === 'connect') {
        connect(message.port);
        return;
      }
      Atomics.store(message.answer, 0, toNumber(events.onUncaught(fromFault(message.fault))));
      Atomics.notify(message.answer, 0);
    });
    this.#worker.on('error', (error) => {
      this.#uncaught = error;
    });
    this.#worker.on('exit', () => {
      const died = new MillraceError('THREAD_DIED', `${name} has died`, { retriable: true, cause: this.#uncaught });
      this.#calls.end(died);
      this.#ended.resolve();
      if (!this.#isClosing) events.onDeath(this, died);
    });
  }

  /** Resolves when the thread processes records. */
  async start(): Promise<void> {
    await this.#calls.call('start');
  }

  async pause(isPaused: boolean): Promise<void> {
    await this.#calls.call(isPaused ? 'pause' : 'resume').catch(unlessDead);
  }

  async share(bytes: number): Promise<void> {
    await this.#calls.call('share', bytes).catch(unlessDead);
  }

  /** What the thread answers; undefined when it is gone. */
  async ask<N extends keyof Answers>(name: N, ...args: readonly unknown[]): Promise<Answers[N] | undefined> {
    return (await this.#calls.call(name, ...args).catch(unlessDead)) as Answers[N] | undefined;
  }

  /** The lines of the answer to a query, as `answerLines` makes them. */
  async *answer(body: string): AsyncGenerator<string> {
    const id = await this.#calls.call('open', body);
    try {
      for (;;) {
        const lines = (await this.#calls.call('next', id)) as readonly string[];
        if (lines.length === 0) return;
        yield* lines;
      }
    } finally {
      await this.#calls.call('shut', id).catch(unlessDead);
    }
  }

  /** Commits, leaves the group, and ends; rejects with what could not be done, and has ended all the same. */
  async close(leaveGroup: boolean): Promise<void> {
    this.#isClosing = true;
    try {
      await this.#calls.call('close', leaveGroup).catch(unlessDead);
    } finally {
      void this.#calls.call('end').catch(unlessDead);
      await this.#ended.promise;
    }
  }
}

function unlessDead(error: unknown): undefined {
  if (error instanceof MillraceError && error.code === 'THREAD_DIED') return undefined;
  throw error;
}
