// The log: files in Kafka's format, reads that never cut a batch, retention, recovery of torn ends, and failing disks.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import {
  create,
  deleteRecords,
  describeLogDirs,
  isIntactBatch,
  listOffsets,
  offsetCommit,
  offsetFetch,
} from '../../src/protocol/index.ts';
import { ManualEnvironment, MillraceError } from '../../src/util/index.ts';
import { FaultDisk } from './fault-disk.ts';
import { createTopic, fetchOnce, openBroker, readAll, seeded, send, temporaryDirectory, valuesOf } from './support.ts';

const small = { 'internal.segment.bytes': '600', 'index.interval.bytes': '100', 'file.delete.delay.ms': '0' };
const LONG_AGO = { 'message.timestamp.before.max.ms': '9223372036854775807' };

describe('reading', () => {
  test('finds every offset in many segments, and returns whole batches only', async () => {
    const transport = (await openBroker()).connect();
    await createTopic(transport, 't', 1, small);
    for (let i = 0; i < 60; i++) await send(transport, 't', [`a${i}`, `b${i}`, `c${i}`]);
    for (let offset = 0; offset < 180; offset++) {
      const answer = await fetchOnce(transport, 't', offset, { maxBytes: 300 });
      expect(answer.highWatermark).toBe(180);
      const values = await valuesOf(transport, 't', { from: offset, maxBytes: 200 });
      expect(values[0]).toBe(`${'abc'[offset % 3]}${Math.floor(offset / 3)}`);
      expect(values.length).toBe(180 - offset);
    }
  });

  test('returns the first batch even when it is larger than the limits', async () => {
    const transport = (await openBroker()).connect();
    await createTopic(transport, 't');
    await send(transport, 't', ['x'.repeat(5000)]);
    const answer = await fetchOnce(transport, 't', 0, { maxBytes: 10 });
    expect(answer.records!.length).toBeGreaterThan(5000);
  });

  test('refuses offsets outside of the log, and answers nothing at its end', async () => {
    const transport = (await openBroker()).connect();
    await createTopic(transport, 't');
    await send(transport, 't', ['a']);
    expect((await fetchOnce(transport, 't', 2)).errorCode).toBe(1);
    expect((await fetchOnce(transport, 't', -1)).errorCode).toBe(1);
    expect(await fetchOnce(transport, 't', 1)).toMatchObject({ errorCode: 0, records: Buffer.alloc(0) });
  });

  test('serves from the files what the tail cache no longer holds', async () => {
    const transport = (await openBroker({ settings: { 'tail.cache.bytes': 0 } })).connect();
    await createTopic(transport, 't', 1, small);
    for (let i = 0; i < 30; i++) await send(transport, 't', [`v${i}`]);
    expect(await valuesOf(transport, 't')).toEqual(Array.from({ length: 30 }, (_, i) => `v${i}`));
  });

  test.each([1, -1])('finds what was acknowledged, with acks=%i', async (acks) => {
    const transport = (await openBroker()).connect();
    await createTopic(transport, 't');
    for (let i = 0; i < 30; i++) {
      const { baseOffset } = await send(transport, 't', [`v${i}`], { acks });
      expect((await fetchOnce(transport, 't', 0)).highWatermark).toBe(baseOffset + 1);
    }
  });

  test('waits for enough bytes, and for the time given', async () => {
    const clock = new ManualEnvironment(1_000_000);
    const broker = await openBroker({ environment: clock });
    const transport = broker.connect();
    await createTopic(transport, 't');
    let early = 0;
    const waiting = fetchOnce(transport, 't', 0, { maxWaitMs: 500, minBytes: 200 }).finally(() => early++);
    await send(transport, 't', ['a']);
    expect(early).toBe(0);
    await send(transport, 't', ['b'.repeat(100)]);
    expect((await waiting).records!.length).toBeGreaterThan(200);
    const idle = fetchOnce(transport, 't', 2, { maxWaitMs: 500 });
    clock.advance(500);
    expect((await idle).records!.length).toBe(0);
  });
});

describe('offsets by time', () => {
  test('names the first record that is young enough, within its batch', async () => {
    const transport = (await openBroker()).connect();
    await createTopic(transport, 't', 1, { ...small, ...LONG_AGO });
    for (let i = 0; i < 50; i++) {
      const at = i * 30;
      await send(transport, 't', [
        { value: 'x', timestamp: at },
        { value: 'y', timestamp: at + 10 },
        { value: 'z', timestamp: at + 20 },
      ]);
    }
    for (const [timestamp, offset] of [
      [0, 0],
      [5, 1],
      [10, 1],
      [11, 2],
      [777, 78],
      [1490, 149],
      [1491, -1],
      [-1, 150],
      [-2, 0],
      [-3, 149],
    ] as const) {
      expect([timestamp, await offsetAt(timestamp)]).toEqual([timestamp, offset]);
    }

    async function offsetAt(timestamp: number): Promise<number> {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }];
      const answer = await transport.request(listOffsets, create(listOffsets, { topics }));
      return answer.topics[0]!.partitions[0]!.offset;
    }
  });
});

describe('giving up records', () => {
  test('deletes segments by age and by size, but never the newest records', async () => {
    const clock = new ManualEnvironment(1_000_000);
    const broker = await openBroker({ environment: clock, settings: { 'log.retention.check.interval.ms': 1000 } });
    const transport = broker.connect();
    await createTopic(transport, 'old', 1, { ...small, 'retention.ms': '10000' });
    await createTopic(transport, 'big', 1, { ...small, 'retention.bytes': '1500' });
    for (let i = 0; i < 40; i++) {
      await send(transport, 'old', [{ value: `v${i}`, timestamp: clock.now() }]);
      await send(transport, 'big', [{ value: `v${i}`, timestamp: clock.now() }]);
    }
    clock.advance(11_000);
    expect((await fetchOnce(transport, 'old', 40)).logStartOffset).toBe(40);
    expect((await fetchOnce(transport, 'old', 0)).errorCode).toBe(1);
    const { logStartOffset } = await fetchOnce(transport, 'big', 40);
    expect(logStartOffset).toBeGreaterThan(10);
    expect(logStartOffset).toBeLessThan(35);
    await send(transport, 'old', ['next']);
    expect(await readAll(transport, 'old', { from: 40 })).toMatchObject([{ offset: 40, value: 'next' }]);
  });

  test('DeleteRecords moves the start of the log, also over a restart', async () => {
    const dataDir = temporaryDirectory();
    const first = await openBroker({ dataDir });
    const transport = first.connect();
    await createTopic(transport, 't', 1, small);
    for (let i = 0; i < 30; i++) await send(transport, 't', [`v${i}`]);
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset: 17 }] }];
    const deleted = await transport.request(deleteRecords, create(deleteRecords, { topics }));
    expect(deleted.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 17 });
    expect((await fetchOnce(transport, 't', 16)).errorCode).toBe(1);
    await first.close();
    const again = (await openBroker({ dataDir })).connect();
    expect((await fetchOnce(again, 't', 16)).errorCode).toBe(1);
    expect((await valuesOf(again, 't', { from: 17 }))[0]).toBe('v17');
  });
});

describe('the files', () => {
  test('hold batches as they are fetched, under the names that Kafka gives them', async () => {
    const dataDir = temporaryDirectory();
    const broker = await openBroker({ dataDir });
    const transport = broker.connect();
    await createTopic(transport, 't', 1, small);
    for (let i = 0; i < 20; i++) await send(transport, 't', [`v${i}`]);
    const fetched = await fetchOnce(transport, 't', 0);
    await broker.close();
    const names = readdirSync(join(dataDir, 't-0')).sort();
    expect(names.filter((name) => name.endsWith('.log'))[0]).toBe('00000000000000000000.log');
    expect(names).toContain('leader-epoch-checkpoint');
    expect(names.filter((name) => name.endsWith('.snapshot')).at(-1)).toBe('00000000000000000020.snapshot');
    const log = readFileSync(join(dataDir, 't-0', '00000000000000000000.log'));
    expect(log.subarray(0, fetched.records!.length).equals(fetched.records!)).toBe(true);
    expect(isIntactBatch(log, 0)).toBe(true);
    const index = readFileSync(join(dataDir, 't-0', '00000000000000000000.index'));
    expect(index.length % 8).toBe(0);
    expect(index.length).toBeGreaterThan(0);
    expect(readFileSync(join(dataDir, 't-0', '00000000000000000000.timeindex')).length % 12).toBe(0);
  });

  test('are read again after a clean shutdown, and after one that was not', async () => {
    const dataDir = temporaryDirectory();
    const first = await openBroker({ dataDir });
    await createTopic(first.connect(), 't', 1, small);
    for (let i = 0; i < 20; i++) await send(first.connect(), 't', [`v${i}`]);
    await first.close();
    const values = Array.from({ length: 20 }, (_, i) => `v${i}`);
    const second = await openBroker({ dataDir });
    expect(await valuesOf(second.connect(), 't')).toEqual(values);
    expect((await fetchOnce(second.connect(), 't', 0, { currentLeaderEpoch: 0 })).errorCode).toBe(0);
    await second.close();

    const log = readdirSync(join(dataDir, 't-0')).filter((name) => name.endsWith('.log'));
    const last = join(dataDir, 't-0', log.sort().at(-1)!);
    writeFileSync(last, Buffer.concat([readFileSync(last), Buffer.from('rubbish that no batch begins with')]));
    rmSync(join(dataDir, '.kafka_cleanshutdown'));
    const reports: string[] = [];
    const third = await openBroker({ dataDir, log: (message) => reports.push(message) });
    expect(await valuesOf(third.connect(), 't')).toEqual(values);
    expect(reports.join()).toMatch(/cut 33 torn bytes/);
    // The epoch tells clients that the log may have been cut.
    expect((await fetchOnce(third.connect(), 't', 0, { currentLeaderEpoch: 0 })).errorCode).toBe(74);
    expect((await fetchOnce(third.connect(), 't', 0, { currentLeaderEpoch: 1 })).errorCode).toBe(0);
  });

  test('belong to one broker at a time', async () => {
    const dataDir = temporaryDirectory();
    await openBroker({ dataDir });
    await expect(openBroker({ dataDir })).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' });
  });
});

describe('a disk that fails', () => {
  test('what was acknowledged survives any loss of power', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      let disk = new FaultDisk();
      const acknowledged = new Map<number, string>();
      let next = 0;
      for (let life = 0; life < 3; life++) {
        const broker = await Broker.open({ dataDir: '/data', disk });
        const transport = broker.connect();
        if (life === 0) await createTopic(transport, 't', 1, small);
        const kept = new Map((await readAll(transport, 't')).map(({ offset, value }) => [offset, value]));
        for (const [offset, value] of acknowledged) {
          expect([seed, offset, kept.get(offset)]).toEqual([seed, offset, value]);
        }
        const rounds = Math.floor(random() * 25);
        for (let round = 0; round < rounds; round++) {
          const value = `v${next++}`;
          const answer = await send(transport, 't', [value]);
          expect(answer.errorCode).toBe(0);
          acknowledged.set(answer.baseOffset, value);
        }
        // Some more are on their way when the power goes.
        const lost = Array.from({ length: 5 }, () => send(transport, 't', [`lost${next++}`]));
        if (random() < 0.7) await new Promise((resolve) => setImmediate(resolve));
        disk = disk.crash(random);
        await Promise.allSettled(lost);
        await broker.close().catch(() => {});
      }
    }
  });

  test('a failed sync is not acknowledged, and what was acknowledged is read meanwhile', async () => {
    const disk = new FaultDisk();
    const broker = await openBroker({ dataDir: '/data', disk });
    const transport = broker.connect();
    await createTopic(transport, 't');
    await createTopic(transport, 'other');
    await send(transport, 't', ['good']);
    disk.failSyncs = true;
    expect((await send(transport, 't', ['doubtful'])).errorCode).toBe(56);
    expect(broker.outages()).toMatchObject([{ topic: 't', partition: 0, reason: expect.stringContaining('EIO') }]);
    const dirs = await transport.request(describeLogDirs, create(describeLogDirs, {}));
    expect(dirs.results[0]).toMatchObject({ errorCode: 56, topics: expect.any(Array) });
    expect(await valuesOf(transport, 't')).toEqual(['good']);
    expect((await send(transport, 't', ['still not'])).errorCode).toBe(56);
    disk.failSyncs = false;
    await expect.poll(async () => (await send(transport, 't', ['later'])).errorCode).toBe(0);
    expect(broker.outages()).toEqual([]);
    expect((await send(transport, 'other', ['fine'])).errorCode).toBe(0);
    expect(await valuesOf(transport, 't')).toEqual(['good', 'later']);
  });

  test('a full disk fails the writes and nothing else, and only for as long as it is full', async () => {
    const disk = new FaultDisk();
    const clock = new ManualEnvironment(1000);
    const reports: string[] = [];
    const log = (message: string): unknown => reports.push(message);
    const broker = await openBroker({ dataDir: '/data', disk, environment: clock, log });
    const transport = broker.connect();
    await createTopic(transport, 't', 1, small);
    const kept: string[] = [];
    for (let i = 0; i < 30; i++) {
      disk.failWrites = i % 3 === 2;
      const { errorCode } = await send(transport, 't', [`v${i}`]);
      expect(errorCode).toBe(disk.failWrites ? 56 : 0);
      if (errorCode === 0) kept.push(`v${i}`);
      expect(await valuesOf(transport, 't')).toEqual(kept);
    }
    // It also heals by itself, when nobody writes.
    expect(broker.outages().length).toBe(1);
    disk.failWrites = false;
    clock.advance(500);
    expect(broker.outages()).toEqual([]);
    expect(reports.at(-1)).toContain('in service again');
    const after = disk.crash(() => 0.99);
    await broker.close();
    expect(await valuesOf((await openBroker({ dataDir: '/data', disk: after })).connect(), 't')).toEqual(kept);
  });

  test('a fault that stays is looked at less and less often', async () => {
    const disk = new FaultDisk();
    const clock = new ManualEnvironment(1000);
    const reports: string[] = [];
    const log = (message: string): unknown => reports.push(message);
    const broker = await openBroker({ dataDir: '/data', disk, environment: clock, log });
    const transport = broker.connect();
    await createTopic(transport, 't');
    disk.failWrites = true;
    for (let i = 0; i < 1000; i++) expect((await send(transport, 't', ['x'])).errorCode).toBe(56);
    expect(reports.length).toBeLessThan(5);
    for (let i = 0; i < 600; i++) {
      clock.advance(1000);
      expect(broker.outages().length).toBe(1);
    }
    expect(reports.length).toBeLessThan(100);
    disk.failWrites = false;
    clock.advance(10_000);
    expect((await send(transport, 't', ['x'])).errorCode).toBe(0);
  });

  test('what it does not read is not taken for the torn end of a log', async () => {
    const disk = new FaultDisk();
    const transport = (await openBroker({ dataDir: '/data', disk })).connect();
    await createTopic(transport, 't');
    for (const value of ['a', 'b', 'c']) await send(transport, 't', [value]);
    const after = disk.crash(() => 0.99);
    const clock = new ManualEnvironment(1000);
    after.shortReads = 100;
    const broker = await openBroker({ dataDir: '/data', disk: after, environment: clock });
    expect(broker.outages()).toMatchObject([{ reason: expect.stringContaining('Check the disk.') }]);
    after.shortReads = undefined;
    clock.advance(500);
    expect(await valuesOf(broker.connect(), 't')).toEqual(['a', 'b', 'c']);
  });

  test('a broker does not come up without the offsets of its groups', async () => {
    const disk = new FaultDisk();
    const settings = { 'offsets.topic.num.partitions': 1 };
    const transport = (await openBroker({ dataDir: '/data', disk, settings })).connect();
    await createTopic(transport, 't');
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 5 }] }];
    await transport.request(offsetCommit, create(offsetCommit, { groupId: 'g', topics }));
    const after = disk.crash(() => 0.99);
    // The log is opened, and then read back: that must not fail in silence.
    let opened = 0;
    const open = after.open.bind(after);
    after.open = (path) => {
      const file = open(path);
      if (!path.includes('__consumer_offsets-0')) return file;
      return {
        ...file,
        read: (target, position) => {
          if (opened++ === 1) throw new MillraceError('EIO', 'i/o error');
          return file.read(target, position);
        },
      };
    };
    await expect(openBroker({ dataDir: '/data', disk: after, settings })).rejects.toThrow('i/o error');
    const again = (await openBroker({ dataDir: '/data', disk: after, settings })).connect();
    const groups = [{ groupId: 'g', topics: null }];
    const found = await again.request(offsetFetch, create(offsetFetch, { groups }));
    expect(found.groups[0]!.topics[0]!.partitions[0]).toMatchObject({ committedOffset: 5 });
  });

  test('what an idempotent producer sends again behind a fault is there once', async () => {
    const disk = new FaultDisk();
    const transport = (await openBroker({ dataDir: '/data', disk })).connect();
    await createTopic(transport, 't');
    const batch = (sequence: number) => ({ producerId: 9, producerEpoch: 0, baseSequence: sequence });
    expect((await send(transport, 't', ['a'], batch(0))).errorCode).toBe(0);
    disk.failSyncs = true;
    const lost = [send(transport, 't', ['b'], batch(1)), send(transport, 't', ['c'], batch(2))];
    expect((await Promise.all(lost)).map(({ errorCode }) => errorCode)).toEqual([56, 56]);
    disk.failSyncs = false;
    expect(await send(transport, 't', ['b'], batch(1))).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(await send(transport, 't', ['c'], batch(2))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await send(transport, 't', ['a'], batch(0))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await valuesOf(transport, 't')).toEqual(['a', 'b', 'c']);
  });

  test('what was acknowledged before a sync failed is handed to the disk once more', async () => {
    const clock = new ManualEnvironment(1000);
    const disk = new FaultDisk();
    const settings = { durability: 'interval' };
    const broker = await openBroker({ dataDir: '/data', disk, environment: clock, settings });
    const transport = broker.connect();
    await createTopic(transport, 't');
    for (let i = 0; i < 5; i++) await send(transport, 't', [`v${i}`]);
    disk.failSyncs = true;
    clock.advance(1000);
    await expect.poll(() => broker.outages().length).toBe(1);
    disk.failSyncs = false;
    expect((await send(transport, 't', ['v5'])).errorCode).toBe(0);
    const after = disk.crash(() => 0);
    await broker.close();
    const values = await valuesOf((await openBroker({ dataDir: '/data', disk: after })).connect(), 't');
    expect(values.slice(0, 5)).toEqual(['v0', 'v1', 'v2', 'v3', 'v4']);
  });

  test('a log that can not be opened is opened when it can', async () => {
    const disk = new FaultDisk();
    const first = await openBroker({ dataDir: '/data', disk });
    await createTopic(first.connect(), 't');
    await send(first.connect(), 't', ['kept']);
    await first.close();
    disk.failOpens = /\/t-0\//;
    const clock = new ManualEnvironment(1000);
    const broker = await openBroker({ dataDir: '/data', disk, environment: clock });
    expect((await fetchOnce(broker.connect(), 't', 0)).errorCode).toBe(56);
    expect((await send(broker.connect(), 't', ['not yet'])).errorCode).toBe(56);
    disk.failOpens = undefined;
    clock.advance(1000);
    expect(await valuesOf(broker.connect(), 't')).toEqual(['kept']);
    expect((await send(broker.connect(), 't', ['now'])).errorCode).toBe(0);
  });

  test('a journal that can not be opened keeps the broker from starting as if there had been nothing', async () => {
    const disk = new FaultDisk();
    const first = await openBroker({ dataDir: '/data', disk });
    await createTopic(first.connect(), '__consumer_offsets');
    await createTopic(first.connect(), 't');
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }];
    await first.connect().request(offsetCommit, create(offsetCommit, { groupId: 'g', topics }));
    await first.close();
    disk.failOpens = /\/__consumer_offsets-0\//;
    await expect(Broker.open({ dataDir: '/data', disk })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_DAMAGED',
      message: expect.stringContaining('Partition __consumer_offsets-0 can not be opened'),
    });
  });

  test('a close ends, and the next start finds everything, although the disk is full', async () => {
    const disk = new FaultDisk();
    const broker = await openBroker({ dataDir: '/data', disk });
    const transport = broker.connect();
    await createTopic(transport, 't');
    await send(transport, 't', ['kept']);
    disk.failWrites = true;
    await send(transport, 't', ['lost']);
    await broker.close();
    disk.failWrites = false;
    expect(await valuesOf((await openBroker({ dataDir: '/data', disk })).connect(), 't')).toEqual(['kept']);
  });

  test('is not waited for with durability=os, and only every so often with durability=interval', async () => {
    for (const durability of ['os', 'interval']) {
      const clock = new ManualEnvironment(1000);
      const disk = new FaultDisk();
      const broker = await openBroker({ dataDir: '/data', disk, environment: clock, settings: { durability } });
      const transport = broker.connect();
      await createTopic(transport, 't');
      disk.syncs = 0;
      for (let i = 0; i < 20; i++) expect((await send(transport, 't', [`v${i}`])).errorCode).toBe(0);
      expect((await fetchOnce(transport, 't', 0)).highWatermark).toBe(20);
      expect(disk.syncs).toBe(0);
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect(disk.syncs).toBe(durability === 'os' ? 0 : 1);
    }
  });

  test('one sync serves everything that was written before it', async () => {
    const disk = new FaultDisk();
    const broker = await openBroker({ dataDir: '/data', disk });
    const transport = broker.connect();
    await createTopic(transport, 't');
    disk.syncs = 0;
    await Promise.all(Array.from({ length: 200 }, (_, i) => send(transport, 't', [`v${i}`])));
    expect(disk.syncs).toBeLessThanOrEqual(2);
  });
});
