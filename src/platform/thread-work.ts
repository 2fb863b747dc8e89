// A thread of services from within: what it is told and tells is declared in `threads.ts`. It loads what it needs at once, and begins
// when it is told to, with a client of its own.
import { MessageChannel, type MessagePort, parentPort } from 'node:worker_threads';
import type { Client } from '../client/index.ts';
import { type Callable, codeOf, messageOf, MillraceError, PortCalls, systemEnvironment } from '../util/index.ts';
import { brokerUsers } from './broker-users.ts';
import type { Start } from './start.ts';
import { splitSettings } from './settings.ts';
import { dialBroker, threadClient } from './thread-client.ts';
import type { FromServiceThread, ToServiceThread } from './threads.ts';

const parent = parentPort!;

/** Tells the broker's thread. */
export function tell(message: FromServiceThread): void {
  parent.postMessage(message, message.kind === 'connect' || message.kind === 'calls' ? [message.port] : []);
}

/** What a thread of services does when it is told to begin. */
export type Work = (start: Start, client: Client) => Promise<Working>;

export interface Working {
  /** Is told where Connect is. */
  connectAt?(url: string): void;
  /** What the broker's thread may call. */
  readonly callable?: Callable;
}

/** Waits to be told, and does it. */
export function workInThread(work: Work): void {
  let start: Start | undefined;
  let begun: ReturnType<Work> | undefined;

  const stop = async (): Promise<void> => {
    for (const step of start?.stop.toReversed() ?? [])
      await step().catch((error: unknown) => tell({ kind: 'log', message: `stopping: ${messageOf(error)}` }));
    // Nothing is left that would be told or written; what still listens must not keep the thread.
    parent.close();
  };

  const begin = async (settings: Parameters<typeof splitSettings>[0]): Promise<void> => {
    try {
      const split = splitSettings(settings);
      const connect = (port: MessagePort): void => tell({ kind: 'connect', port });
      const client = threadClient(split.cluster, connect);
      start = {
        settings: split,
        environment: systemEnvironment,
        checkPassword: split.cluster === undefined ? brokerUsers(dialBroker(connect), systemEnvironment) : undefined,
        log: (message) => tell({ kind: 'log', message }),
        services: [],
        stop: [() => client.close()],
      };
      begun = work(start, client);
      const { callable } = await begun;
      if (callable !== undefined) {
        const { port1, port2 } = new MessageChannel();
        const calls = new PortCalls(port1, callable);
        start.stop.push(async () => calls.end(new MillraceError('THREAD_LOST', 'The thread ends.')));
        tell({ kind: 'calls', port: port2 });
      }
      tell({ kind: 'started', services: start.services });
    } catch (error) {
      tell({ kind: 'failed', code: codeOf(error), message: messageOf(error) });
      await stop();
    }
  };

  parent.on('message', (message: ToServiceThread) => {
    if (message.kind === 'begin') void begin(message.settings);
    else if (message.kind === 'stop') void stop();
    else void begun?.then((working) => working.connectAt?.(message.url)).catch(() => {});
  });
}
