// Idempotence and transactions: retries, gaps, fencing, markers, what read_committed sees, and what a crash leaves.
import { beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { dialTcp } from '../../src/client/dial.ts';
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  create,
  deleteTopics,
  describeProducers,
  describeTransactions,
  endTxn,
  initProducerId,
  listTransactions,
  offsetFetch,
  produce,
  type Transport,
  txnOffsetCommit,
} from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { FaultDisk } from './fault-disk.ts';
import { createTopic, fetchOnce, openBroker, seeded, send, temporaryDirectory, valuesOf } from './support.ts';

const settings = { 'offsets.topic.num.partitions': 2, 'transaction.state.log.num.partitions': 2 };

interface Identity {
  producerId: number;
  producerEpoch: number;
}

async function init(
  transport: Transport,
  transactionalId: string | null = 'tx',
  timeoutMs = 60_000,
): Promise<Identity> {
  const request = create(initProducerId, { transactionalId, transactionTimeoutMs: timeoutMs });
  for (;;) {
    const { errorCode, producerId, producerEpoch } = await transport.request(initProducerId, request);
    // A transaction that was decided before a crash is being finished: a client tries again.
    if (errorCode === 51) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    expect(errorCode).toBe(0);
    return { producerId, producerEpoch };
  }
}

/** Sends one batch as a transaction's producer; the sequence counts on from `sequence`. */
function write(transport: Transport, who: Identity, sequence: number, values: string[], topic = 't', partition = 0) {
  return send(transport, topic, values, {
    partition,
    transactionalId: 'tx',
    transactional: true,
    producerId: who.producerId,
    producerEpoch: who.producerEpoch,
    baseSequence: sequence,
  });
}

async function end(transport: Transport, who: Identity, committed: boolean) {
  return transport.request(endTxn, create(endTxn, { transactionalId: 'tx', ...who, committed }));
}

describe('an idempotent producer', () => {
  let transport: Transport;
  let who: Identity;

  beforeEach(async () => {
    transport = (await openBroker()).connect();
    await createTopic(transport, 't');
    who = await init(transport, null);
  });

  const sendAt = (sequence: number, values = ['x']) =>
    send(transport, 't', values, {
      producerId: who.producerId,
      producerEpoch: who.producerEpoch,
      baseSequence: sequence,
    });

  test('may repeat each of its last five batches', async () => {
    for (let i = 0; i < 7; i++) expect(await sendAt(i)).toMatchObject({ errorCode: 0, baseOffset: i });
    for (const i of [2, 3, 4, 5, 6]) expect(await sendAt(i)).toMatchObject({ errorCode: 0, baseOffset: i });
    expect((await sendAt(1)).errorCode).toBe(45);
    expect((await fetchOnce(transport, 't', 7)).highWatermark).toBe(7);
  });

  test('must not leave a gap', async () => {
    await sendAt(0);
    expect((await sendAt(2)).errorCode).toBe(45);
    expect((await sendAt(1)).errorCode).toBe(0);
  });

  test('is fenced by a higher epoch, which begins at sequence 0', async () => {
    await sendAt(0);
    const old = who;
    who = { ...who, producerEpoch: 1 };
    expect((await sendAt(5)).errorCode).toBe(45);
    expect((await sendAt(0)).errorCode).toBe(0);
    who = old;
    expect((await sendAt(1)).errorCode).toBe(47);
  });

  test('is remembered over a restart', async () => {
    const dataDir = temporaryDirectory();
    const first = await openBroker({ dataDir });
    transport = first.connect();
    await createTopic(transport, 't');
    await sendAt(0);
    await sendAt(1);
    await first.close();
    transport = (await openBroker({ dataDir })).connect();
    expect(await sendAt(1)).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect((await sendAt(3)).errorCode).toBe(45);
    expect(await sendAt(2)).toMatchObject({ errorCode: 0, baseOffset: 2 });
  });

  test('gets ids that nobody had before, also after a restart', async () => {
    const dataDir = temporaryDirectory();
    const ids: number[] = [];
    for (let life = 0; life < 3; life++) {
      const broker = await openBroker({ dataDir });
      ids.push((await init(broker.connect(), null)).producerId, (await init(broker.connect(), null)).producerId);
      await broker.close();
    }
    expect(new Set(ids).size).toBe(6);
  });
});

describe('a transaction', () => {
  let clock: ManualEnvironment;
  let broker: Broker;
  let transport: Transport;

  beforeEach(async () => {
    clock = new ManualEnvironment(1_000_000);
    broker = await openBroker({ settings, environment: clock });
    transport = broker.connect();
    await createTopic(transport, 't', 3);
  });

  const committedValues = (partition = 0) => valuesOf(transport, 't', { partition, isolationLevel: 1 });

  test('is seen by read_committed readers when it commits, and never when it aborts', async () => {
    let who = await init(transport);
    await write(transport, who, 0, ['a', 'b']);
    await write(transport, who, 0, ['c'], 't', 1);
    expect(await committedValues()).toEqual([]);
    expect(await valuesOf(transport, 't')).toEqual(['a', 'b']);
    expect((await fetchOnce(transport, 't', 0, { isolationLevel: 1 })).lastStableOffset).toBe(0);
    const ended = await end(transport, who, true);
    expect(ended).toMatchObject({ errorCode: 0, producerId: who.producerId, producerEpoch: who.producerEpoch + 1 });
    expect(await committedValues()).toEqual(['a', 'b']);
    expect(await committedValues(1)).toEqual(['c']);

    who = { producerId: ended.producerId, producerEpoch: ended.producerEpoch };
    await write(transport, who, 0, ['d']);
    await end(transport, who, false);
    await send(transport, 't', ['plain']);
    expect(await committedValues()).toEqual(['a', 'b', 'plain']);
    expect(await valuesOf(transport, 't')).toEqual(['a', 'b', 'd', 'plain']);
  });

  test('holds back what was written behind it, until it is decided', async () => {
    const who = await init(transport);
    await write(transport, who, 0, ['open']);
    await send(transport, 't', ['plain']);
    expect(await committedValues()).toEqual([]);
    await end(transport, who, false);
    expect(await committedValues()).toEqual(['plain']);
  });

  test('wakes up readers that wait for its end', async () => {
    const who = await init(transport);
    await write(transport, who, 0, ['a']);
    const waiting = fetchOnce(transport, 't', 0, { isolationLevel: 1, maxWaitMs: 60_000 });
    await end(transport, who, true);
    expect((await waiting).records!.length).toBeGreaterThan(0);
  });

  test('of an older producer is aborted, and that producer fenced', async () => {
    const zombie = await init(transport);
    await write(transport, zombie, 0, ['lost']);
    const heir = await init(transport);
    expect(heir.producerId).toBe(zombie.producerId);
    expect(heir.producerEpoch).toBeGreaterThan(zombie.producerEpoch);
    expect((await write(transport, zombie, 1, ['more'])).errorCode).toBe(47);
    expect((await end(transport, zombie, true)).errorCode).toBe(90);
    await write(transport, heir, 0, ['kept']);
    await end(transport, heir, true);
    expect(await committedValues()).toEqual(['kept']);
  });

  test('whose topic is gone is ended for its heir, too', async () => {
    const zombie = await init(transport);
    await write(transport, zombie, 0, ['lost']);
    await transport.request(deleteTopics, create(deleteTopics, { topics: [{ name: 't' }] }));
    expect((await init(transport)).producerEpoch).toBe(2);
  });

  test('that takes too long is aborted and its producer fenced', async () => {
    const who = await init(transport, 'tx', 20_000);
    await write(transport, who, 0, ['slow']);
    clock.advance(40_000);
    await send(transport, 't', ['plain']);
    await expect.poll(() => committedValues()).toEqual(['plain']);
    expect((await end(transport, who, true)).errorCode).toBe(90);
    expect((await end(transport, who, false)).errorCode).toBe(90);
  });

  test('may end twice with the same answer, but not differently', async () => {
    const who = await init(transport);
    await write(transport, who, 0, ['a']);
    const first = await end(transport, who, true);
    expect(await end(transport, who, true)).toEqual(first);
    expect((await end(transport, who, false)).errorCode).toBe(48);
    const next = { producerId: first.producerId, producerEpoch: first.producerEpoch };
    expect((await end(transport, next, true)).errorCode).toBe(48);
    expect(await end(transport, next, false)).toMatchObject({ errorCode: 0, producerEpoch: 2 });
    expect((await end(transport, who, true)).errorCode).toBe(90);
  });

  test.each([true, false])(
    'that ends is recognised when it is asked again meanwhile (committed: %s)',
    async (committed) => {
      const who = await init(transport);
      await write(transport, who, 0, ['a']);
      const first = end(transport, who, committed);
      expect((await end(transport, who, committed)).errorCode).toBe(51);
      expect((await end(transport, who, !committed)).errorCode).toBe(48);
      expect(await first).toMatchObject({ errorCode: 0, producerEpoch: 1 });
    },
  );

  test('of the first version goes on with its epoch, and is told what a retry finds', async () => {
    const tcp = await firstVersion();
    const who = await init(tcp);
    await add(tcp, who, [0]);
    await write(tcp, who, 0, ['a']);
    expect((await end(tcp, who, true)).errorCode).toBe(0);
    expect((await end(tcp, who, true)).errorCode).toBe(0);
    expect((await end(tcp, who, false)).errorCode).toBe(48);
    await add(tcp, who, [0]);
    await write(tcp, who, 1, ['b']);
    expect((await end(tcp, who, true)).errorCode).toBe(0);
    expect(await committedValues()).toEqual(['a', 'b']);
    tcp.close();
  });

  test('takes records while offsets join it: that its journal is being written is no reason to refuse', async () => {
    const tcp = await firstVersion();
    const who = await init(tcp);
    await add(tcp, who, [0]);
    for (let i = 0; i < 20; i++) {
      const joined = create(addOffsetsToTxn, { transactionalId: 'tx', ...who, groupId: `g${i}` });
      const adding = tcp.request(addOffsetsToTxn, joined);
      const writing = write(tcp, who, i, [`v${i}`]);
      expect((await writing).errorCode).toBe(0);
      expect((await adding).errorCode).toBe(0);
    }
    await end(tcp, who, true);
    expect((await committedValues()).length).toBe(20);
    tcp.close();
  });

  test.each([true, false])(
    'that is decided ends as decided, although a disk fails meanwhile (%s)',
    async (committed) => {
      const disk = new FaultDisk();
      broker = await openBroker({ settings, environment: clock, dataDir: '/data', disk });
      transport = broker.connect();
      await createTopic(transport, 't', 2);
      const who = await init(transport);
      await write(transport, who, 0, ['a']);
      await write(transport, who, 0, ['b'], 't', 1);
      disk.failWrites = /\/t-0\//;
      const ending = end(transport, who, committed);
      await expect.poll(() => broker.outages().length).toBe(1);
      expect((await end(transport, who, committed)).errorCode).toBe(51);
      clock.advance(10_000);
      disk.failWrites = false;
      for (let i = 0; i < 10; i++) {
        clock.advance(1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await ending).toMatchObject({ errorCode: 0, producerEpoch: 1 });
      expect(await committedValues()).toEqual(committed ? ['a'] : []);
      expect(await committedValues(1)).toEqual(committed ? ['b'] : []);
      expect((await fetchOnce(transport, 't', 0, { isolationLevel: 1 })).lastStableOffset).toBe(2);
    },
  );

  test('that is decided refuses records with an error that every producer tries again on', async () => {
    const who = await init(transport);
    await write(transport, who, 0, ['a']);
    const ending = end(transport, who, true);
    const next = { ...who, producerEpoch: who.producerEpoch + 1 };
    expect((await write(transport, next, 0, ['early'])).errorCode).toBe(19);
    await ending;
    expect((await write(transport, next, 0, ['fine'])).errorCode).toBe(0);
  });

  test('begins at sequence 0 behind a marker that raised the epoch, also after a restart', async () => {
    const dataDir = temporaryDirectory();
    let on = await openBroker({ settings, dataDir });
    await createTopic(on.connect(), 't');
    const who = await init(on.connect());
    await write(on.connect(), who, 0, ['a']);
    const { producerId, producerEpoch } = await end(on.connect(), who, true);
    for (let life = 0; life < 2; life++) {
      expect((await write(on.connect(), { producerId, producerEpoch }, 5, ['gap'])).errorCode).toBe(45);
      await on.close();
      on = await openBroker({ settings, dataDir });
    }
    expect((await write(on.connect(), { producerId, producerEpoch }, 0, ['b'])).errorCode).toBe(0);
  });

  test('gives its producer one epoch, however often it asks for the next', async () => {
    const who = await init(transport);
    const ask = async () => {
      const request = create(initProducerId, { transactionalId: 'tx', transactionTimeoutMs: 60_000, ...who });
      return transport.request(initProducerId, request);
    };
    expect(await ask()).toMatchObject({ errorCode: 0, producerEpoch: 1 });
    expect(await ask()).toMatchObject({ errorCode: 0, producerEpoch: 1 });
    await init(transport);
    expect((await ask()).errorCode).toBe(90);
  });

  /** A connection that speaks what clients of the first version of transactions speak. */
  async function firstVersion(): Promise<Transport> {
    const tcp = await dialTcp(await broker.listen({ host: '127.0.0.1', port: 0 }));
    const last: Readonly<Record<number, number>> = { [endTxn.key]: 4, [produce.key]: 11, [addPartitionsToTxn.key]: 3 };
    return {
      closed: tcp.closed,
      features: tcp.features,
      close: () => tcp.close(),
      versionOf: (api) => last[api.key] ?? tcp.versionOf(api),
      request: (api, body) => tcp.request({ ...api, maxVersion: last[api.key] ?? api.maxVersion }, body),
    };
  }

  async function add(on: Transport, who: Identity, partitions: number[]): Promise<void> {
    const request = create(addPartitionsToTxn, {
      v3AndBelowTransactionalId: 'tx',
      v3AndBelowProducerId: who.producerId,
      v3AndBelowProducerEpoch: who.producerEpoch,
      v3AndBelowTopics: [{ name: 't', partitions }],
    });
    const answer = await on.request(addPartitionsToTxn, request);
    expect(answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode).toBe(0);
  }

  test('commits offsets of a group along with its records', async () => {
    const who = await init(transport);
    await write(transport, who, 0, ['out']);
    const groupId = 'g';
    const joined = { transactionalId: 'tx', ...who, groupId };
    expect((await transport.request(addOffsetsToTxn, create(addOffsetsToTxn, joined))).errorCode).toBe(0);
    const topics = [{ name: 't', partitions: [{ partitionIndex: 2, committedOffset: 9, committedMetadata: 'm' }] }];
    const commit = await transport.request(txnOffsetCommit, create(txnOffsetCommit, { ...joined, topics }));
    expect(commit.topics[0]!.partitions[0]!.errorCode).toBe(0);
    const read = async (requireStable: boolean) => {
      const groups = [{ groupId, topics: [{ name: 't', partitionIndexes: [2] }] }];
      const answer = await transport.request(offsetFetch, create(offsetFetch, { groups, requireStable }));
      return answer.groups[0]!.topics[0]!.partitions[0]!;
    };
    expect(await read(false)).toMatchObject({ committedOffset: -1, errorCode: 0 });
    expect(await read(true)).toMatchObject({ errorCode: 88 });
    await end(transport, who, true);
    expect(await read(true)).toMatchObject({ committedOffset: 9, metadata: 'm', errorCode: 0 });
  });

  test('is refused for a stranger, a wrong timeout and a partition that is not there', async () => {
    const request = create(initProducerId, { transactionalId: 'tx', transactionTimeoutMs: 1_000_000 });
    expect((await transport.request(initProducerId, request)).errorCode).toBe(50);
    const tooLong = create(initProducerId, { transactionalId: 'x'.repeat(40_000), transactionTimeoutMs: 1000 });
    expect((await transport.request(initProducerId, tooLong)).errorCode).toBe(42);
    expect((await end(transport, { producerId: 5, producerEpoch: 0 }, true)).errorCode).toBe(49);
    const who = await init(transport);
    const transactions = [
      {
        transactionalId: 'tx',
        ...who,
        topics: [
          { name: 't', partitions: [0] },
          { name: 'none', partitions: [0] },
        ],
      },
    ];
    const answer = await transport.request(addPartitionsToTxn, create(addPartitionsToTxn, { transactions }));
    const codes = answer.resultsByTransaction[0]!.topicResults.map((topic) => topic.resultsByPartition[0]!);
    expect(codes.map(({ partitionErrorCode }) => partitionErrorCode)).toEqual([55, 3]);
    expect((await end(transport, who, true)).errorCode).toBe(48);
  });

  test('can be looked at', async () => {
    const who = await init(transport);
    await write(transport, who, 0, ['a']);
    const request = create(describeTransactions, { transactionalIds: ['tx', 'none'] });
    const { transactionStates } = await transport.request(describeTransactions, request);
    expect(transactionStates[0]).toMatchObject({
      transactionState: 'Ongoing',
      transactionStartTimeMs: 1_000_000,
      ...who,
      topics: [{ topic: 't', partitions: [0] }],
    });
    expect(transactionStates[1]!.errorCode).toBe(105);
    const topics = [{ name: 't', partitionIndexes: [0] }];
    const producers = await transport.request(describeProducers, create(describeProducers, { topics }));
    expect(producers.topics[0]!.partitions[0]!.activeProducers).toMatchObject([{ currentTxnStartOffset: 0 }]);
  });

  test('is listed by a pattern of its whole id, in time that does not explode', async () => {
    const ids = [`${'a'.repeat(30_000)}!`, 'orders-1', 'orders-12'];
    for (const id of ids) await init(transport, id);
    const list = async (transactionalIdPattern: string | null) => {
      const answer = await transport.request(listTransactions, create(listTransactions, { transactionalIdPattern }));
      return answer.errorCode === 0
        ? answer.transactionStates.map(({ transactionalId }) => ids.indexOf(transactionalId))
        : answer.errorCode;
    };
    expect(await list(null)).toEqual([0, 1, 2]);
    expect(await list('')).toEqual([0, 1, 2]);
    expect(await list('(a+)+')).toEqual([]);
    expect(await list('(a|aa)+.')).toEqual([0]);
    expect(await list('orders-\\d')).toEqual([1]);
    expect(await list('(')).toBe(128);
  });

  test('is not mixed up with a plain batch of its producer', async () => {
    const who = await init(transport);
    await write(transport, who, 0, ['a']);
    expect((await send(transport, 't', ['b'], { ...who, baseSequence: 1 })).errorCode).toBe(48);
  });
});

describe('a crash', () => {
  test.each([true, false])('leaves an end recognised when it is asked again (committed: %s)', async (committed) => {
    let disk = new FaultDisk();
    const first = await Broker.open({ dataDir: '/data', disk, settings });
    await createTopic(first.connect(), 't');
    const who = await init(first.connect());
    await write(first.connect(), who, 0, ['a']);
    const ended = await end(first.connect(), who, committed);
    disk = disk.crash(() => 0);
    await first.close().catch(() => {});
    const second = await openBroker({ dataDir: '/data', disk, settings });
    await expect
      .poll(async () => (await end(second.connect(), who, committed)).errorCode, { interval: 1 })
      .not.toBe(51);
    expect(await end(second.connect(), who, committed)).toEqual(ended);
    expect((await end(second.connect(), who, !committed)).errorCode).toBe(48);
  });

  test('leaves a transaction going on, as if nothing had happened', async () => {
    const disk = new FaultDisk();
    const first = await Broker.open({ dataDir: '/data', disk, settings });
    const before = first.connect();
    await createTopic(before, 't', 2);
    const who = await init(before);
    await write(before, who, 0, ['a']);
    await write(before, who, 0, ['b'], 't', 1);
    const survivor = disk.crash(() => 0);
    await first.close().catch(() => {});

    const transport = (await openBroker({ dataDir: '/data', disk: survivor, settings })).connect();
    expect(await write(transport, who, 1, ['c'])).toMatchObject({ errorCode: 0 });
    expect(await valuesOf(transport, 't', { isolationLevel: 1 })).toEqual([]);
    expect((await end(transport, who, true)).errorCode).toBe(0);
    expect(await valuesOf(transport, 't', { isolationLevel: 1 })).toEqual(['a', 'c']);
    expect(await valuesOf(transport, 't', { partition: 1, isolationLevel: 1 })).toEqual(['b']);
  });

  test('carries out a decision in a partition that was out of service when it was made', async () => {
    const disk = new FaultDisk();
    const first = await Broker.open({ dataDir: '/data', disk, settings });
    const before = first.connect();
    await createTopic(before, 't', 2);
    const who = await init(before);
    await write(before, who, 0, ['a']);
    await write(before, who, 0, ['b'], 't', 1);
    disk.failWrites = /t-1/;
    // Nobody is told that all is done while one of the markers can't be written.
    let isAnswered = false;
    void end(before, who, true).then(
      () => {
        isAnswered = true;
      },
      () => {},
    );
    await expect.poll(() => first.outages().length).toBe(1);
    expect(isAnswered).toBe(false);
    const survivor = disk.crash(() => 0);
    await first.close().catch(() => {});

    const transport = (await openBroker({ dataDir: '/data', disk: survivor, settings })).connect();
    await init(transport);
    expect(await valuesOf(transport, 't', { isolationLevel: 1 })).toEqual(['a']);
    expect(await valuesOf(transport, 't', { partition: 1, isolationLevel: 1 })).toEqual(['b']);
  });

  test('at any moment leaves every transaction whole, and every acknowledged commit in place', async () => {
    let commits = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const random = seeded(seed);
      let disk = new FaultDisk();
      const acknowledged: number[] = [];
      let round = 0;
      for (let life = 0; life < 3; life++) {
        const broker = await Broker.open({ dataDir: '/data', disk, settings });
        const transport = broker.connect();
        if (life === 0) await createTopic(transport, 't', 2, { 'internal.segment.bytes': '500' });
        let who = await init(transport);
        const [left, right] = await Promise.all(
          [0, 1].map((partition) => valuesOf(transport, 't', { partition, isolationLevel: 1 })),
        );
        expect([seed, left]).toEqual([seed, right]);
        expect(left).toEqual(expect.arrayContaining(acknowledged.map(String)));
        const isOver = { now: false };
        const work = (async () => {
          while (!isOver.now) {
            const value = String(round++);
            await Promise.all([write(transport, who, 0, [value]), write(transport, who, 0, [value], 't', 1)]);
            const committed = random() < 0.7;
            const ended = await end(transport, who, committed);
            if (ended.errorCode !== 0) return;
            if (committed) acknowledged.push(Number(value));
            who = { producerId: ended.producerId, producerEpoch: ended.producerEpoch };
          }
        })().catch(() => {});
        const turns = Math.floor(random() * 60);
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        disk = disk.crash(random);
        isOver.now = true;
        await broker.close().catch(() => {});
        await work;
      }
      commits += acknowledged.length;
    }
    expect(commits).toBeGreaterThan(100);
  });
});
