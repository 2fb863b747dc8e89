// The thread of the services: registry, SQL and REST proxy on a client of their own. What it is told and
// tells is declared in `threads.ts`.
import { parentPort, workerData } from 'node:worker_threads';
import { codeOf, messageOf, systemEnvironment } from '../util/index.ts';
import { availableParallelism } from 'node:os';
import { queryThreads } from './query-threads.ts';
import { stateDirOf, type Start, startServices } from './services.ts';
import { splitSettings } from './settings.ts';
import { threadClient } from './thread-client.ts';
import type { FromServiceThread, ServiceThreadData, ToServiceThread } from './threads.ts';

const parent = parentPort!;

function tell(message: FromServiceThread): void {
  parent.postMessage(message, message.kind === 'connect' ? [message.port] : []);
}

const settings = splitSettings((workerData as ServiceThreadData).settings);
const bootstrapServers = settings.platform['bootstrap.servers'];
const client = threadClient(bootstrapServers, (port) => tell({ kind: 'connect', port }));
const start: Start = {
  settings,
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
      bootstrapServers,
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
