// A query thread: a host of queries on a client that reaches the broker through ports. What it is told and tells is declared in
// `query-threads.ts`.
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { createClient, dialThread } from '../client/index.ts';
import { builtInFunctions, serveHost } from '../sql/query-host.ts';
import { systemEnvironment } from '../util/index.ts';
import type { FromQueryThread, QueryThreadData, ToQueryThread } from './query-threads.ts';

const parent = parentPort!;
const { stateDir } = workerData as QueryThreadData;
const environment = systemEnvironment;

const client = createClient({
  dial: () => {
    const { port1, port2 } = new MessageChannel();
    parent.postMessage({ kind: 'connect', port: port1 } satisfies FromQueryThread, [port1]);
    return dialThread(port2);
  },
  environment,
});

async function stop(): Promise<void> {
  await client.close();
  parent.close();
}

parent.on('message', (message: ToQueryThread) => {
  if (message.kind === 'stop') void stop();
  else serveHost(message.port, { client, functions: builtInFunctions(environment), stateDir, environment });
});
