// How long a client waits behind failures: longer each time, but not longer than there is a reason to.
import { expect, test } from 'vitest';
import { Cluster } from '../../src/client/cluster.ts';
import { metadata, type Transport } from '../../src/protocol/index.ts';
import { ManualEnvironment, MillraceError } from '../../src/util/index.ts';

test('whoever waits goes on when somebody finds that another broker leads', async () => {
  const environment = new ManualEnvironment();
  let leaderId = 1;
  const partition = () => ({ errorCode: 0, partitionIndex: 0, leaderId, leaderEpoch: leaderId, replicaNodes: [1, 2] });
  const transport = {
    closed: new Promise<void>(() => {}),
    features: new Map(),
    versionOf: () => metadata.maxVersion,
    close: () => {},
    request: async () => {
      const topics = [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [partition()] }];
      return {
        errorCode: 0,
        clusterId: 'c',
        brokers: [{ nodeId: 1, host: 'a', port: 1 }],
        topics: topics.map((topic) => ({ ...topic, errorCode: 0, isInternal: false })),
      };
    },
  } as unknown as Transport;
  const cluster = new Cluster({ dial: async () => transport, bootstrap: [{ host: 'a', port: 1 }], environment });
  await cluster.refresh(['t']);
  let hasGoneOn = false;
  const waiting = cluster.backOff(10).then(() => {
    hasGoneOn = true;
  });
  await cluster.refresh(['t']);
  expect(hasGoneOn).toBe(false);
  leaderId = 2;
  await cluster.refresh(['t']);
  await waiting;
  expect(environment.now()).toBe(0);
  await cluster.close();
});

test('a broker that answers again is asked again soon, however long nobody was there', async () => {
  const environment = new ManualEnvironment();
  const cluster = new Cluster({
    dial: () => Promise.reject(new Error('nobody dials')),
    bootstrap: [{ host: 'a', port: 1 }],
    environment,
  });
  const fails = (code: string) => new MillraceError(code, code, { retriable: true });
  const failures = [
    ...Array<string>(10).fill('CONNECTION_FAILED'),
    'CONCURRENT_TRANSACTIONS',
    'CONCURRENT_TRANSACTIONS',
  ];
  const askedAt: number[] = [];
  const done = cluster.retrying(60_000, async () => {
    askedAt.push(environment.now());
    const code = failures.shift();
    if (code !== undefined) throw fails(code);
  });
  let isOver = false;
  void done.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    environment.advance(1);
  }
  const [last, before, behind] = [askedAt.at(-1)!, askedAt.at(-2)!, askedAt.at(-4)!];
  expect(before - askedAt.at(-3)!).toBeLessThan(30);
  expect(last - before).toBeLessThan(60);
  expect(askedAt.at(-3)! - behind).toBeGreaterThan(390);
  await cluster.close();
});
