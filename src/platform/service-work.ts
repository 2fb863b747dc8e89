// The thread of the services: registry, SQL and REST proxy.
import { availableParallelism } from 'node:os';
import { systemEnvironment } from '../util/index.ts';
import { queryThreads } from './query-threads.ts';
import { startServices, stateDirOf } from './services.ts';
import { tell, workInThread } from './thread-work.ts';

workInThread(async (start, client) => {
  const threads = queryThreads({
    // The broker needs a small part of a processor: where there are two, both are for queries.
    defaultCount: Math.max(Math.min(2, availableParallelism()), availableParallelism() - 1),
    stateDir: stateDirOf(start),
    cluster: start.settings.cluster,
    connect: (port) => tell({ kind: 'connect', port }),
    environment: systemEnvironment,
    log: start.log,
  });
  const { connectAt } = await startServices(start, client, threads);
  return { connectAt };
});
