// The thread of the services: registry and SQL on a client that reaches the broker through ports. What it is told and
// tells is declared in `threads.ts`.
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { createClient, dialThread } from '../client/index.ts';
import { codeOf, messageOf, systemEnvironment } from '../util/index.ts';
import { availableParallelism } from 'node:os';
import { queryThreads } from './query-threads.ts';
import { stateDirOf, type Start, startServices } from './services.ts';
import { splitSettings } from './settings.ts';
import type { FromServiceThread, ServiceThreadData, ToServiceThread } from './threads.ts';

const parent = parentPort!;

function tell(message: FromServiceThread): void {
  parent.postMessage(message, message.kind === 'connect' ? [message.port] : []);
}

const client = createClient({
  dial: () => {
    const { port1, port2 } = new MessageChannel();
    tell({ kind: 'connect', port: port1 });
    return dialThread(port2);
  },
  environment: systemEnvironment,
});
const start: Start = {
  settings: splitSettings((workerData as ServiceThreadData).settings),
  environment: systemEnvironment,
  log: (message) => tell({ kind: 'log', message }),
  services: [],
  stop: [() => client.close()],
};

async function stop(): Promise<void> {
  for (const step of start.stop.toReversed()) {
    await step().catch((error: unknown) => start.log(`stopping: ${messageOf(error)}`));
  }
  // Nothing is left that would be told or written; what still listens must not keep the thread.
  parent.close();
}

async function begin(): Promise<void> {
  try {
    const threads = queryThreads({
      // The broker needs a small part of a processor: where there are two, both are for queries.
      defaultCount: Math.max(Math.min(2, availableParallelism()), availableParallelism() - 1),
      stateDir: stateDirOf(start),
      connect: (port) => tell({ kind: 'connect', port }),
      environment: systemEnvironment,
      log: start.log,
    });
    await startServices(start, client, threads);
    tell({ kind: 'started', services: start.services });
  } catch (error) {
    tell({ kind: 'failed', code: codeOf(error), message: messageOf(error) });
    await stop();
  }
}

parent.on('message', (message: ToServiceThread) => void (message === 'begin' ? begin() : stop()));
