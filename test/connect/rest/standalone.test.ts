// REST on a worker that is alone, against what Kafka Connect 4.1.1 answers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StandaloneHerder } from '../../../src/connect/herder/standalone.ts';
import { WorkerClient } from '../../../src/connect/herder/worker-client.ts';
import { connectServer } from '../../../src/connect/rest/rest.ts';
import { Loggers } from '../../../src/connect/runtime/loggers.ts';
import { type Listenable, readRimSettings, rimSettingsOf } from '../../../src/rim/index.ts';
import { readSettings, systemEnvironment } from '../../../src/util/index.ts';
import { Machine, RememberingWorker, testCatalogue } from '../herder/support.ts';
import { ask, expectExchange } from './asking.ts';
import { exchanges } from './exchanges.ts';

const WORKER_ID = 'alone:8083';
let server: Listenable;
let herder: StandaloneHerder;
let worker: RememberingWorker;
let url: string;
const environment = systemEnvironment;

beforeAll(async () => {
  const machine = new Machine();
  herder = await StandaloneHerder.open({
    clusterId: 'a-cluster',
    workerId: () => WORKER_ID,
    plugins: testCatalogue,
    worker: (listener) => (worker = new RememberingWorker(() => WORKER_ID, machine, listener)),
    loggers: new Loggers(environment, () => {}),
    environment,
  });
  await herder.start();
  server = connectServer({
    herder,
    client: new WorkerClient({ timeoutMs: 1000, environment }),
    settings: readRimSettings('', readSettings(rimSettingsOf(''), {})),
    version: '4.1.1',
    requestTimeoutMs: 5000,
  });
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});

afterAll(async () => {
  await server.close();
  await herder.close();
});

test.each(exchanges.filter(({ only }) => only !== 'distributed'))('$ask $body', async (exchange) => {
  await expectExchange(url, WORKER_ID, exchange);
});

test('a connector that cannot start is told of, and keeps its config', async () => {
  const config = { 'connector.class': 'FileStreamSource', topic: 't', fails: 'start' };
  const made = await ask(url, 'POST /connectors', { body: { name: 'bad', config } });
  expect(made).toMatchObject({ status: 500, body: { message: 'Failed to transition connector bad to state STARTED' } });
  expect(await ask(url, 'GET /connectors/bad/status')).toMatchObject({
    body: { connector: { state: 'FAILED', trace: expect.stringContaining('as it was told') }, tasks: [] },
  });
  const restarted = await ask(url, 'POST /connectors/bad/restart?onlyFailed=true');
  expect(restarted).toMatchObject({ status: 202, body: { connector: { state: 'RESTARTING' } } });
  expect((await ask(url, 'PUT /connectors/bad/config', { body: { ...config, fails: 'no' } })).status).toBe(200);
  expect((await ask(url, 'GET /connectors/bad/status')).body).toMatchObject({
    connector: { state: 'RUNNING' },
    tasks: [{ state: 'RUNNING' }],
  });
});

test('a connector that asks for it gets other tasks', async () => {
  const config = { 'connector.class': 'FileStreamSource', topic: 't', 'tasks.max': '4', tasks: '2' };
  await ask(url, 'PUT /connectors/more/config', { body: config });
  expect((await ask(url, 'GET /connectors/more/tasks')).body).toHaveLength(2);
  worker.calls.length = 0;
  worker.listener.onTaskReconfiguration('more');
  await herder.checkHealth();
  // They are the same.
  expect(worker.calls).toEqual([]);
  await ask(url, 'PATCH /connectors/more/config', { body: { tasks: 4 } });
  expect((await ask(url, 'GET /connectors/more/status')).body.tasks).toHaveLength(4);
  await ask(url, 'PATCH /connectors/more/config', { body: { tasks: 1 } });
  expect((await ask(url, 'GET /connectors/more/status')).body.tasks).toHaveLength(1);
});

test('topics that a connector uses are told of, and figures are', async () => {
  await ask(url, 'PUT /connectors/top/config', { body: { 'connector.class': 'FileStreamSource', topic: 'used' } });
  expect((await ask(url, 'GET /connectors/top/topics')).body).toEqual({ top: { topics: ['used'] } });
  await ask(url, 'DELETE /connectors/top');
  expect((await ask(url, 'GET /connectors/top/topics')).body).toEqual({ top: { topics: [] } });
  expect((await ask(url, 'GET /metrics')).text).toMatch(/kafka_connect_connectors \d+/);
  expect((await ask(url, 'GET /health/ready')).status).toBe(200);
});
