// REST on a worker of a cluster, against what Kafka Connect 4.1.1 answers; on its own, and through one that does not lead.
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Embedded } from '../../suites/embedded.ts';
import { openBroker, TestWorker } from '../herder/cluster.ts';
import { Machine } from '../herder/support.ts';
import { expectExchange } from './asking.ts';
import { exchanges } from './exchanges.ts';

const ofClusters = exchanges.filter(({ only }) => only !== 'standalone');
let embedded: Embedded;
let worker: TestWorker;

beforeAll(async () => {
  embedded = await openBroker();
});

afterAll(async () => {
  await embedded.close();
});

describe('one worker', () => {
  beforeAll(async () => {
    worker = await TestWorker.start(async () => embedded.broker.connect(), new Machine());
  });
  afterAll(() => worker.close());

  test.each(ofClusters)('$ask $body', async (exchange) => {
    await expectExchange(worker.url, worker.name, exchange);
  });
});
