// Workers of a cluster: who runs what, who may write, and what becomes of it when one is gone.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../../src/broker/index.ts';
import { newSessionKey, signed } from '../../../src/connect/herder/signatures.ts';
import { MillraceError, systemEnvironment } from '../../../src/util/index.ts';
import type { Embedded } from '../../suites/embedded.ts';
import { recordsIn } from '../support/worker.ts';
import { ask, until } from '../rest/asking.ts';
import { openBroker, TestWorker, untilShared } from './cluster.ts';
import { Machine } from './support.ts';

const SOURCE = { 'connector.class': 'FileStreamSource', topic: 't' };
const many = (tasks: number) => ({ ...SOURCE, 'tasks.max': String(tasks), tasks: String(tasks) });
const namesOf = (connector: string, tasks: number): string[] => [
  connector,
  ...Array.from({ length: tasks }, (_, task) => `${connector}-${task}`),
];

let embedded: Embedded;
let machine: Machine;
const running = new Set<TestWorker>();

beforeEach(async () => {
  embedded = await openBroker();
  machine = new Machine();
});

afterEach(async () => {
  await Promise.all([...running].map((worker) => worker.close()));
  running.clear();
  await embedded.close();
});

async function start(settings: Parameters<typeof TestWorker.start>[2] = {}): Promise<TestWorker> {
  const worker = await TestWorker.start(async () => embedded.broker.connect(), machine, settings);
  running.add(worker);
  return worker;
}

async function kill(worker: TestWorker): Promise<void> {
  running.delete(worker);
  await worker.kill();
}

/** The one that leads, and one that does not. */
async function roles(...workers: TestWorker[]): Promise<{ leader: TestWorker; follower: TestWorker }> {
  const asked = await Promise.all(workers.map((worker) => worker.ask('DELETE /connectors/nobody?forward=false')));
  const at = asked.findIndex(({ status }) => status === 404);
  return { leader: workers[at]!, follower: workers[(at + 1) % workers.length]! };
}

async function untilStatus(worker: TestWorker, connector: string, states: readonly string[]): Promise<void> {
  const look = async () => {
    const { body } = await worker.ask(`GET /connectors/${connector}/status`);
    return [body?.connector?.state, ...(body?.tasks ?? []).map(({ state }: { state: string }) => state)];
  };
  const found = await until(look, (value) => value.join() === states.join());
  expect(found).toEqual(states);
}

describe('sharing out', () => {
  test('connectors and tasks are balanced, and nothing runs twice', async () => {
    const workers = [await start(), await start(), await start()];
    await workers[0]!.ask('PUT /connectors/a/config', many(4));
    await workers[1]!.ask('PUT /connectors/b/config', many(5));
    await untilShared(machine, [...namesOf('a', 4), ...namesOf('b', 5)], 3);
    const tasks = Object.values(machine.spread()).map((all) => all.filter((name) => name.includes('-')).length);
    expect(tasks.sort()).toEqual([3, 3, 3]);
    await workers[2]!.ask('DELETE /connectors/a');
    await untilShared(machine, namesOf('b', 5));
    expect((await workers[0]!.ask('GET /connectors')).body).toEqual(['b']);
    expect(machine.twice).toEqual([]);
  });

  test('a worker that comes takes its share from the others, when they have stopped it', async () => {
    const first = await start();
    await first.ask('PUT /connectors/a/config', many(4));
    await untilShared(machine, namesOf('a', 4), 1);
    await start();
    await untilShared(machine, namesOf('a', 4), 2);
    const spread = await until(
      () => Object.values(machine.spread()).map((all) => all.filter((name) => name !== 'a').length),
      (counts) => counts.join() === '2,2',
    );
    expect(spread).toEqual([2, 2]);
    expect(machine.twice).toEqual([]);
  });

  test.each(['eager', 'compatible', 'sessioned'] as const)('with the protocol %s', async (protocol) => {
    const workers = [await start({ protocol }), await start({ protocol })];
    await workers[1]!.ask('PUT /connectors/a/config', many(3));
    await untilShared(machine, namesOf('a', 3), 2);
    await kill(workers[0]!);
    await untilShared(machine, namesOf('a', 3), 1);
    await untilStatus(workers[1]!, 'a', ['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING']);
    expect(machine.twice).toEqual([]);
  });

  test('workers with different protocols speak the older one', async () => {
    const workers = [await start({ protocol: 'sessioned' }), await start({ protocol: 'eager' })];
    await workers[0]!.ask('PUT /connectors/a/config', many(2));
    await untilShared(machine, namesOf('a', 2), 2);
    // Nothing is signed then.
    const { leader } = await roles(...workers);
    const answer = await leader.ask('POST /connectors/a/tasks', [many(2), many(2)]);
    expect(answer.status).toBe(204);
  });
});

describe('workers that go', () => {
  test('what one had runs elsewhere, once; both in turns', async () => {
    let [a, b] = [await start(), await start()];
    await a.ask('PUT /connectors/c/config', many(4));
    const all = namesOf('c', 4);
    await untilShared(machine, all, 2);
    for (let turn = 0; turn < 2; turn++) {
      await kill(a);
      await untilShared(machine, all, 1);
      a = await start();
      await untilShared(machine, all, 2);
      await kill(b);
      await untilShared(machine, all, 1);
      b = await start();
      await untilShared(machine, all, 2);
    }
    await untilStatus(a, 'c', ['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING', 'RUNNING']);
    expect(machine.twice).toEqual([]);
  }, 120_000);

  test('what it had waits for it for a while, and is its own again', async () => {
    const settings = { maxDelayMs: 4000 };
    const [a, b] = [await start(settings), await start(settings)];
    await a.ask('PUT /connectors/c/config', many(4));
    const all = namesOf('c', 4);
    await untilShared(machine, all, 2);
    const [had, kept] = [machine.spread()[b.name]!, machine.spread()[a.name]!];
    await kill(b);
    const again = await start(settings);
    // Nobody else has got them meanwhile.
    expect(machine.spread()).toEqual({ [a.name]: kept });
    await untilShared(machine, all, 2);
    expect(machine.spread()).toEqual({ [a.name]: kept, [again.name]: had });
    expect(machine.twice).toEqual([]);
  });

  test('one that is closed says goodbye, and lets go of everything before', async () => {
    const [a, b] = [await start(), await start()];
    await a.ask('PUT /connectors/c/config', many(2));
    await untilShared(machine, namesOf('c', 2), 2);
    running.delete(a);
    await a.close();
    expect(machine.spread()[a.name]).toBeUndefined();
    await untilShared(machine, namesOf('c', 2), 1);
    await untilStatus(b, 'c', ['RUNNING', 'RUNNING', 'RUNNING']);
  });

  test('a broker that is started again: workers go on, and follow what is asked then', async () => {
    let broker = embedded.broker;
    const connect = async () => broker.connect();
    const workers = [await TestWorker.start(connect, machine), await TestWorker.start(connect, machine)];
    for (const worker of workers) running.add(worker);
    await workers[0]!.ask('PUT /connectors/c/config', many(2));
    await untilShared(machine, namesOf('c', 2), 2);
    await broker.close();
    broker = await Broker.open({
      dataDir: embedded.dataDir,
      settings: { 'group.initial.rebalance.delay.ms': 0, 'group.min.session.timeout.ms': 100 },
    });
    const answer = await until(
      () => workers[1]!.ask('PUT /connectors/d/config', many(2)),
      ({ status }) => status < 300,
    );
    expect(answer.status).toBeLessThan(300);
    await untilShared(machine, [...namesOf('c', 2), ...namesOf('d', 2)], 2);
    await untilStatus(workers[0]!, 'd', ['RUNNING', 'RUNNING', 'RUNNING']);
    expect(machine.twice).toEqual([]);
    await Promise.all(workers.map((worker) => worker.close()));
    running.clear();
    await broker.close();
  }, 60_000);

  test('one that hears nothing of the broker stops what it has before its session ends', async () => {
    let isAway = false;
    const open: { close(): void }[] = [];
    const lonely = await TestWorker.start(async () => {
      if (isAway) throw new Error('no way to the broker');
      const transport = embedded.broker.connect();
      open.push(transport);
      return transport;
    }, machine);
    running.add(lonely);
    const other = await start();
    await other.ask('PUT /connectors/c/config', many(2));
    await untilShared(machine, namesOf('c', 2), 2);
    isAway = true;
    for (const transport of open) transport.close();
    await until(
      () => machine.spread()[lonely.name],
      (all) => all === undefined,
    );
    expect(machine.spread()[lonely.name]).toBeUndefined();
    await untilShared(machine, namesOf('c', 2), 1);
    isAway = false;
    await untilShared(machine, namesOf('c', 2), 2);
    expect(machine.twice).toEqual([]);
  });
});

describe('requests', () => {
  test('go on to the leader, and to who has the task', async () => {
    const workers = [await start(), await start(), await start()];
    const { leader, follower } = await roles(...workers);
    const made = await follower.ask('POST /connectors', { name: 'c', config: many(3) });
    expect(made).toMatchObject({ status: 201, body: { name: 'c' } });
    expect(made.headers.get('location')).toBe(`${follower.url}/connectors/c`);
    await untilShared(machine, namesOf('c', 3), 3);
    await untilStatus(leader, 'c', ['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING']);
    for (const worker of workers) {
      for (const task of [0, 1, 2])
        expect((await worker.ask(`POST /connectors/c/tasks/${task}/restart`)).status).toBe(204);
      expect((await worker.ask('POST /connectors/c/restart')).status).toBe(204);
    }
    const restarted = await follower.ask('POST /connectors/c/restart?includeTasks=true&onlyFailed=false');
    expect(restarted).toMatchObject({ status: 202, body: { connector: { state: 'RESTARTING' } } });
    await untilStatus(leader, 'c', ['RUNNING', 'RUNNING', 'RUNNING', 'RUNNING']);
    expect((await follower.ask('PUT /connectors/c/stop')).status).toBe(204);
    await untilStatus(leader, 'c', ['STOPPED']);
    expect((await follower.ask('DELETE /connectors/c/offsets')).body).toEqual({
      message: 'The offsets for this connector have been reset successfully',
    });
    expect((await follower.ask('PATCH /connectors/c/config', { topic: 'u' })).body.config.topic).toBe('u');
    expect((await follower.ask('DELETE /connectors/c')).status).toBe(204);
    expect(await follower.ask('DELETE /connectors/c')).toMatchObject({
      status: 404,
      body: { error_code: 404, message: 'Connector c not found' },
    });
  });

  test('that have gone on twice are not sent any further', async () => {
    const { follower } = await roles(await start(), await start());
    const answer = await follower.ask('PUT /connectors/c/config?forward=false', many(1));
    expect(answer).toMatchObject({
      status: 409,
      body: { message: 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)' },
    });
  });

  test('between workers are signed with the cluster’s key', async () => {
    const { leader } = await roles(await start({ keyTtlMs: 500 }), await start({ keyTtlMs: 500 }));
    await leader.ask('PUT /connectors/c/config', many(1));
    await untilShared(machine, namesOf('c', 1));
    const body = JSON.stringify([many(1)]);
    const forged = newSessionKey(systemEnvironment, 'HmacSHA256', 32);
    const post = (headers: Record<string, string>) => ask(leader.url, 'POST /connectors/c/tasks', { body, headers });
    expect(await post(signed(forged, Buffer.from(body), 'HmacSHA256'))).toMatchObject({
      status: 403,
      body: { message: 'Internal request contained invalid signature.' },
    });
    expect((await post(signed(forged, Buffer.from(body), 'HmacSHA512'))).body.message).toMatch(
      /does not support the 'HmacSHA512' key signing algorithm/,
    );
    const keys = await until(
      async () =>
        (await recordsIn(leader.client, 'connect-configs')).filter(({ key }) => String(key) === 'session-key'),
      (all) => all.length > 1,
    );
    expect(new Set(keys.map(({ value }) => String(value))).size).toBe(keys.length);
    expect(keys.length).toBeGreaterThan(1);
    const { key, algorithm } = JSON.parse(String(keys.at(-1)!.value)) as { key: string; algorithm: string };
    expect([Buffer.from(key, 'base64').length, algorithm]).toEqual([32, 'HmacSHA256']);
  });

  test('that take too long are answered with what is in their way', async () => {
    let isAway = false;
    const open: { close(): void }[] = [];
    const worker = await TestWorker.start(
      async () => {
        if (isAway) throw new MillraceError('CONNECTION_FAILED', 'no way to the broker', { retriable: true });
        const transport = embedded.broker.connect();
        open.push(transport);
        return transport;
      },
      machine,
      { timeoutMs: 300 },
    );
    running.add(worker);
    expect((await worker.ask('GET /health')).status).toBe(200);
    isAway = true;
    for (const transport of open) transport.close();
    const stuck = await until(
      () => worker.ask('GET /connectors/c'),
      ({ status }) => status === 500,
    );
    expect(stuck.body.message).toMatch(
      /^Request timed out\. The worker is currently ensuring membership in the cluster, which began at 20\d\d-/,
    );
    const health = await worker.ask('GET /health');
    expect(health).toMatchObject({ status: 500, body: { status: 'unhealthy' } });
    expect(health.body.message).toContain('The worker is currently ensuring membership in the cluster');
    // What is known is told nevertheless.
    expect((await worker.ask('GET /connectors')).body).toEqual([]);
    isAway = false;
    const again = await until(
      () => worker.ask('GET /health'),
      ({ status }) => status === 200,
    );
    expect(again.body.status).toBe('healthy');
  });

  test('levels of loggers are set on all workers', async () => {
    const workers = [await start(), await start()];
    const answer = await workers[0]!.ask('PUT /admin/loggers/some.where?scope=cluster', { level: 'DEBUG' });
    expect(answer.status).toBe(204);
    for (const worker of workers) {
      const level = await until(
        async () => (await worker.ask('GET /admin/loggers/some.where')).body.level as string | undefined,
        (found) => found === 'DEBUG',
      );
      expect(level).toBe('DEBUG');
    }
  });

  test('states are followed on all workers', async () => {
    const workers = [await start(), await start()];
    await workers[0]!.ask('PUT /connectors/c/config', many(2));
    await untilShared(machine, namesOf('c', 2), 2);
    await workers[1]!.ask('PUT /connectors/c/pause');
    await untilStatus(workers[0]!, 'c', ['PAUSED', 'PAUSED', 'PAUSED']);
    await workers[0]!.ask('PUT /connectors/c/resume');
    await untilStatus(workers[1]!, 'c', ['RUNNING', 'RUNNING', 'RUNNING']);
    expect(machine.twice).toEqual([]);
  });
});

describe('tasks', () => {
  test('that cannot be told are asked for again', async () => {
    const worker = await start();
    await worker.ask('PUT /connectors/c/config', { ...many(1), 'tasks.max': '1' });
    await untilShared(machine, namesOf('c', 1));
    worker.worker.taskConfigFailures = 2;
    await worker.ask('PATCH /connectors/c/config', { 'tasks.max': '3', tasks: '3' });
    await untilShared(machine, namesOf('c', 3));
    expect(worker.worker.taskConfigFailures).toBe(0);
    expect(worker.log.filter((line) => line.includes('tried again'))).toHaveLength(2);
  });

  test('that a connector wants otherwise are stopped everywhere before the new ones start', async () => {
    const workers = [await start(), await start()];
    await workers[0]!.ask('PUT /connectors/c/config', many(2));
    await untilShared(machine, namesOf('c', 2), 2);
    for (const tasks of [5, 1, 3]) {
      await workers[1]!.ask('PUT /connectors/c/config', many(tasks));
      await untilShared(machine, namesOf('c', tasks));
      const status = await until(
        async () => (await workers[0]!.ask('GET /connectors/c/status')).body.tasks.length as number,
        (count) => count === tasks,
      );
      expect(status).toBe(tasks);
    }
    expect(machine.twice).toEqual([]);
  });

  test('that fail are told of, and started anew', async () => {
    const worker = await start();
    await worker.ask('PUT /connectors/c/config', { ...many(1), fails: 'task' });
    await untilStatus(worker, 'c', ['RUNNING', 'FAILED']);
    const { body } = await worker.ask('GET /connectors/c/tasks/0/status');
    expect(body.trace).toContain('as it was told');
    const planned = await worker.ask('POST /connectors/c/restart?includeTasks=true&onlyFailed=true');
    expect(planned.body).toMatchObject({ connector: { state: 'RUNNING' }, tasks: [{ state: 'RESTARTING' }] });
    await until(
      () => worker.worker.calls.filter((call) => call === 'start c-0 STARTED').length,
      (count) => count === 2,
    );
    expect(worker.worker.calls.filter((call) => call === 'start c-0 STARTED')).toHaveLength(2);
    expect((await worker.ask('PUT /connectors/bad/config', { ...SOURCE, fails: 'start' })).status).toBe(201);
    await untilStatus(worker, 'bad', ['FAILED']);
    expect(await worker.ask('POST /connectors/bad/restart')).toMatchObject({
      status: 500,
      body: { message: 'Failed to start connector: bad' },
    });
  });
});

describe('exactly once', () => {
  const EXACTLY = { exactlyOnceSources: true, transactional: true };

  test('earlier tasks are fenced before new ones start', async () => {
    const workers = [await start(EXACTLY), await start(EXACTLY)];
    await workers[1]!.ask('PUT /connectors/c/config', many(3));
    await untilShared(machine, namesOf('c', 3), 2);
    // The first have nobody to fence.
    expect(machine.fenced).toEqual([]);
    await workers[1]!.ask('PUT /connectors/c/config', many(2));
    await untilShared(machine, namesOf('c', 2), 2);
    expect(machine.fenced).toEqual(['c 3']);
    const records = await recordsIn(workers[0]!.client, 'connect-configs');
    const counts = records.filter(({ key }) => String(key) === 'tasks-fencing-c').map(({ value }) => String(value));
    expect(counts).toEqual(['{"task-count":3}', '{"task-count":2}']);
    await workers[0]!.ask('PUT /connectors/c/stop');
    await untilShared(machine, ['c']);
    expect((await workers[1]!.ask('DELETE /connectors/c/offsets')).status).toBe(200);
    expect(machine.fenced).toEqual(['c 3', 'c 2']);
  });

  test('a leader that another one has fenced leads again only if it still does', async () => {
    const worker = await start(EXACTLY);
    // It has written as the leader.
    await until(
      () => recordsIn(worker.client, 'connect-configs'),
      (records) => records.length > 0,
    );
    const usurper = worker.client.producer({ transactionalId: 'connect-cluster-workers' });
    await usurper.initTransactions();
    const refused = await worker.ask('PUT /connectors/c/config', many(1));
    expect(refused).toMatchObject({
      status: 500,
      body: {
        message:
          'Failed to write to config topic; this may be due to a transient error and the request can be safely retried',
      },
    });
    expect((await worker.ask('PUT /connectors/c/config', many(1))).status).toBe(201);
    await untilShared(machine, namesOf('c', 1));
    await expect(usurper.partitionsFor('connect-configs')).resolves.toBe(1);
  });
});

test('a sink cannot be in the workers’ own group', async () => {
  const worker = await start({ groupId: 'connect-x' });
  const put = (name: string, config: object) => worker.ask(`PUT /connectors/${name}/config`, config);
  const sink = { 'connector.class': 'FileStreamSink', topic: 't' };
  const group = await put('s', { ...sink, 'consumer.override.group.id': 'connect-x' });
  expect(group.body.message).toContain('Consumer group connect-x conflicts with Connect worker group connect-x');
  expect((await put('x', sink)).body.message).toContain(
    'Consumer group for sink connector named x conflicts with Connect worker group connect-x',
  );
  expect((await put('s', sink)).status).toBe(201);
});

describe('what is wrong from the start', () => {
  test('a config topic with several partitions is refused', async () => {
    const client = embedded.connect();
    await client
      .admin()
      .createTopics([{ name: 'wide-configs', partitions: 3, configs: { 'cleanup.policy': 'compact' } }]);
    await expect(start({ topics: 'wide' })).rejects.toThrow("Topic 'wide-configs' must have 1 partition, not 3");
    await client.close();
  });

  test('so is one that forgets', async () => {
    const client = embedded.connect();
    await client.admin().createTopics([{ name: 'short-configs', partitions: 1 }]);
    await expect(start({ topics: 'short' })).rejects.toThrow("required to have 'cleanup.policy=compact'");
    await client.close();
  });

  test('a session that the broker does not grant is told at the start', async () => {
    await expect(start({ sessionTimeoutMs: 50, heartbeatIntervalMs: 10 })).rejects.toThrow(/INVALID_SESSION_TIMEOUT/);
  });
});

test('connectors and their states are there when all workers start again', async () => {
  const first = await start();
  await first.ask('PUT /connectors/c/config', many(2));
  await first.ask('PUT /connectors/p/config', many(1));
  await untilShared(machine, [...namesOf('c', 2), ...namesOf('p', 1)]);
  await first.ask('PUT /connectors/p/pause');
  await untilStatus(first, 'p', ['PAUSED', 'PAUSED']);
  running.delete(first);
  await first.close();
  const second = await start();
  await untilShared(machine, [...namesOf('c', 2), ...namesOf('p', 1)]);
  await untilStatus(second, 'p', ['PAUSED', 'PAUSED']);
  await untilStatus(second, 'c', ['RUNNING', 'RUNNING', 'RUNNING']);
  expect((await second.ask('GET /connectors/c/topics')).body).toEqual({ c: { topics: ['t'] } });
});
