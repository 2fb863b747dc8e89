// Compaction: the newest record of each key stays at its offset, tombstones go in time, aborted records at once; readers
// never notice, and a crash in the middle costs nothing.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { create, endTxn, initProducerId, type Transport } from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { FaultDisk } from './fault-disk.ts';
import { createTopic, fetchOnce, openBroker, readAll, seeded, send, temporaryDirectory } from './support.ts';

const BACKOFF_MS = 1000;
const settings = { 'log.cleaner.backoff.ms': BACKOFF_MS, 'log.retention.check.interval.ms': 1_000_000_000 };
const topic = {
  'cleanup.policy': 'compact',
  'internal.segment.bytes': '400',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '60000',
};

/** Lets the cleaner run until there is nothing left to do for it. */
async function clean(clock: ManualEnvironment, isDone: () => Promise<boolean>): Promise<void> {
  clock.advance(BACKOFF_MS);
  await expect.poll(isDone, { interval: 1 }).toBe(true);
}

async function newestByKey(transport: Transport): Promise<Map<string, string | null>> {
  const found = new Map<string, string | null>();
  for (const { key, value } of await readAll(transport, 't', { isolationLevel: 1 })) found.set(key!, value);
  return found;
}

test('keeps the newest record of each key, at its offset, in every codec', async () => {
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    const clock = new ManualEnvironment(1_000_000);
    const transport = (await openBroker({ environment: clock, settings })).connect();
    await createTopic(transport, 't', 1, topic);
    const newest = new Map<string, { offset: number; value: string }>();
    let offset = 0;
    for (let i = 0; i < 60; i++) {
      const records = [0, 1, 2].map((n) => ({
        key: `k${(i * 7 + n * 3) % 10}`,
        value: `v${i}-${n}`,
        timestamp: 999_000,
      }));
      await send(transport, 't', records, { compression });
      for (const { key, value } of records) newest.set(key, { offset: offset++, value });
    }
    const before = (await readAll(transport, 't')).length;
    expect(before).toBe(180);
    await clean(clock, async () => (await readAll(transport, 't')).length < 60);
    const after = await readAll(transport, 't');
    for (const [key, { offset: at, value }] of newest) {
      expect(after.filter((record) => record.key === key).at(-1)).toMatchObject({ offset: at, value });
    }
    expect(after.every(({ timestamp }) => timestamp === 999_000)).toBe(true);
    const offsets = after.map((record) => record.offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    // A reader that stands in a hole goes on behind it.
    for (let from = 0; from < 180; from++) {
      const rest = await readAll(transport, 't', { from });
      expect(rest.map((record) => record.offset)).toEqual(offsets.filter((each) => each >= from));
    }
    expect((await send(transport, 't', [{ key: null, value: 'keyless' }])).errorCode).toBe(87);
  }
});

test('keeps tombstones for a while, and then not', async () => {
  const clock = new ManualEnvironment(1_000_000);
  const transport = (await openBroker({ environment: clock, settings })).connect();
  await createTopic(transport, 't', 1, topic);
  const fill = async (key: string) => {
    for (let i = 0; i < 10; i++) await send(transport, 't', [{ key, value: `${i}` }]);
  };
  await fill('a');
  await send(transport, 't', [{ key: 'a', value: null }]);
  await fill('b');
  const ofA = async () => (await readAll(transport, 't')).filter(({ key }) => key === 'a');
  await clean(clock, async () => (await ofA()).length === 1);
  expect((await ofA())[0]).toMatchObject({ value: null, timestamp: 1000 });
  clock.advance(61_000);
  await fill('c');
  await clean(clock, async () => (await ofA()).length === 0);
});

test('drops what was aborted, keeps what was committed, and offsets of transactions survive it', async () => {
  const dataDir = temporaryDirectory();
  const clock = new ManualEnvironment(1_000_000);
  const broker = await openBroker({ dataDir, environment: clock, settings });
  let transport = broker.connect();
  await createTopic(transport, 't', 1, topic);
  const init = create(initProducerId, { transactionalId: 'tx', transactionTimeoutMs: 60_000 });
  let { producerId, producerEpoch } = await transport.request(initProducerId, init);
  for (let i = 0; i < 30; i++) {
    const options = { transactional: true, transactionalId: 'tx', producerId, producerEpoch, baseSequence: 0 };
    const committed = i % 3 !== 1;
    await send(transport, 't', [{ key: `k${i % 5}`, value: committed ? `good${i}` : `bad${i}` }], options);
    const end = create(endTxn, { transactionalId: 'tx', producerId, producerEpoch, committed });
    ({ producerId, producerEpoch } = await transport.request(endTxn, end));
  }
  const expected = await newestByKey(transport);
  const size = async () => (await readAll(transport, 't')).length;
  await clean(clock, async () => (await size()) < 15);
  expect(await newestByKey(transport)).toEqual(expected);
  expect([...(await newestByKey(transport)).values()].every((value) => value!.startsWith('good'))).toBe(true);
  await broker.close();
  transport = (await openBroker({ dataDir, settings })).connect();
  expect(await newestByKey(transport)).toEqual(expected);
});

test('a record whose transaction is aborted later than what is compacted supersedes nothing', async () => {
  const clock = new ManualEnvironment(1_000_000);
  const transport = (await openBroker({ environment: clock, settings })).connect();
  await createTopic(transport, 't', 1, topic);
  await send(transport, 't', [{ key: 'k', value: 'good' }]);
  const init = create(initProducerId, { transactionalId: 'tx', transactionTimeoutMs: 60_000 });
  const { producerId, producerEpoch } = await transport.request(initProducerId, init);
  const options = { transactional: true, transactionalId: 'tx', producerId, producerEpoch, baseSequence: 0 };
  await send(transport, 't', [{ key: 'k', value: 'bad' }], options);
  for (let i = 0; i < 30; i++) await send(transport, 't', [{ key: 'other', value: `v${i}` }]);
  await transport.request(
    endTxn,
    create(endTxn, { transactionalId: 'tx', producerId, producerEpoch, committed: false }),
  );
  await clean(clock, async () => (await readAll(transport, 't')).length < 15);
  expect((await newestByKey(transport)).get('k')).toBe('good');
});

test('finishes an exchange of segments that was interrupted', async () => {
  const dataDir = temporaryDirectory();
  const clock = new ManualEnvironment(1_000_000);
  const first = await openBroker({ dataDir, environment: clock, settings });
  const transport = first.connect();
  await createTopic(transport, 't', 1, topic);
  for (let i = 0; i < 60; i++) await send(transport, 't', [{ key: `k${i % 4}`, value: `v${i}` }]);
  await clean(clock, async () => (await readAll(transport, 't')).length < 30);
  const expected = await newestByKey(transport);
  await first.close();
  // The index is lost: it is rebuilt from the log.
  for (const name of readdirSync(join(dataDir, 't-0'))) {
    if (name.endsWith('index')) rmSync(join(dataDir, 't-0', name));
  }
  const again = (await openBroker({ dataDir, settings })).connect();
  expect(await newestByKey(again)).toEqual(expected);
});

test('loses nothing when the power goes at any moment', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
      const random = seeded(seed);
      let disk = new FaultDisk();
      const expected = new Map<string, string>();
      for (let life = 0; life < 3; life++) {
        const clock = new ManualEnvironment(1_000_000 * (life + 1));
        const broker = await Broker.open({ dataDir: '/data', disk, environment: clock, settings });
        const transport = broker.connect();
        if (life === 0) await createTopic(transport, 't', 1, topic);
        expect(await newestByKey(transport)).toEqual(expected);
        for (let i = 0; i < 30; i++) {
          const key = `k${Math.floor(random() * 6)}`;
          const value = `${life}-${i}`;
          expect((await send(transport, 't', [{ key, value }])).errorCode).toBe(0);
          expected.set(key, value);
        }
        clock.advance(BACKOFF_MS);
        const turns = Math.floor(random() * 40);
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect((await fetchOnce(transport, 't', 0)).errorCode).toBe(0);
        disk = disk.crash(random);
        await broker.close().catch(() => {});
      }
    }),
    { numRuns: 25 },
  );
});
