// A query thread: a host of queries on a client of its own. What it is told and tells is declared in
// `query-threads.ts`.
import { parentPort, workerData } from 'node:worker_threads';
import { builtInFunctions, serveHost } from '../sql/query-host.ts';
import { systemEnvironment } from '../util/index.ts';
import type { FromQueryThread, QueryThreadData, ToQueryThread } from './query-threads.ts';
import { threadClient } from './thread-client.ts';

const parent = parentPort!;
const { stateDir, cluster } = workerData as QueryThreadData;
const environment = systemEnvironment;
const client = threadClient(cluster, (port) =>
  parent.postMessage({ kind: 'connect', port } satisfies FromQueryThread, [port]),
);

async function stop(): Promise<void> {
  await client.close();
  parent.close();
}

parent.on('message', (message: ToQueryThread) => {
  if (message.kind === 'stop') void stop();
  else serveHost(message.port, { client, functions: builtInFunctions(environment), stateDir, environment });
});
