// The log: files in Kafka's format, reads that never cut a batch, retention, recovery of torn ends, and failing disks.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { create, deleteRecords, isIntactBatch, listOffsets } from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { FaultDisk } from './fault-disk.ts';
import { createTopic, fetchOnce, openBroker, readAll, seeded, send, temporaryDirectory, valuesOf } from './support.ts';

const small = { 'segment.bytes': '600', 'index.interval.bytes': '100', 'file.delete.delay.ms': '0' };
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

  test('a failed sync is not acknowledged, and takes the partition out of service until a restart', async () => {
    const disk = new FaultDisk();
    const broker = await openBroker({ dataDir: '/data', disk });
    const transport = broker.connect();
    await createTopic(transport, 't');
    await createTopic(transport, 'other');
    await send(transport, 't', ['good']);
    disk.failSyncs = true;
    expect((await send(transport, 't', ['doubtful'])).errorCode).toBe(56);
    disk.failSyncs = false;
    expect((await send(transport, 't', ['later'])).errorCode).toBe(56);
    expect((await send(transport, 'other', ['fine'])).errorCode).toBe(0);
  });

  test('a full disk fails the writes and nothing else', async () => {
    const disk = new FaultDisk();
    const broker = await openBroker({ dataDir: '/data', disk });
    const transport = broker.connect();
    await createTopic(transport, 't');
    await send(transport, 't', ['good']);
    disk.failWrites = true;
    expect((await send(transport, 't', ['lost'])).errorCode).toBe(56);
    disk.failWrites = false;
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
