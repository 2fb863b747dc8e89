// Damaged files: what is whole is still read, what is not is kept and told by its name, and nothing is taken for empty.
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import { type ConsumerSettings, createClient, recordsOf } from '../../src/client/index.ts';
import { batchHeader, create, initProducerId, offsetCommit, offsetFetch } from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { createTopic, fetchOnce, openBroker, readAll, send, temporaryDirectory, valuesOf } from './support.ts';

const CLEAN = '.kafka_cleanshutdown';

let dataDir: string;
let reports: string[];
const log = (message: string): unknown => reports.push(message);
const all = Array.from({ length: 40 }, (_, i) => `v${i}`);

beforeEach(() => {
  dataDir = temporaryDirectory();
  reports = [];
});

/** Forty records in small segments, in a broker that was shut down. */
async function fill(configs: Record<string, string> = {}): Promise<void> {
  const broker = await openBroker({ dataDir });
  await createTopic(broker.connect(), 't', 1, { 'internal.segment.bytes': '600', ...configs });
  for (const value of all) await send(broker.connect(), 't', [{ key: 'k', value }]);
  await broker.close();
}

function segments(): string[] {
  return readdirSync(join(dataDir, 't-0'))
    .filter((name) => /^\d+\.log$/.test(name))
    .sort();
}

function path(name: string): string {
  return join(dataDir, 't-0', name);
}

function baseOf(segment: string): number {
  return Number(segment.slice(0, 20));
}

async function reopen() {
  return (await openBroker({ dataDir, log })).connect();
}

describe('a damaged segment', () => {
  test.each(['clean', 'not clean'])('takes no other with it (the shutdown was %s)', async (shutdown) => {
    await fill();
    const [, , middle, next] = segments();
    const sizeBefore = statSync(path(middle!)).size;
    truncateSync(path(middle!), sizeBefore - 20);
    if (shutdown !== 'clean') rmSync(join(dataDir, CLEAN));
    const transport = await reopen();
    const values = await valuesOf(transport, 't');
    const lost = baseOf(next!) - 1;
    expect(values).toEqual(all.filter((_, i) => i !== lost));
    expect(reports.join('\n')).toMatch(new RegExp(`${middle!} is damaged: its records from offset ${lost} on`));
    expect(reports.join('\n')).toMatch(new RegExp(`its records from offset ${lost} to ${lost} are missing`));
    const kept = readdirSync(join(dataDir, 't-0')).filter((name) => name.endsWith('.damaged'));
    expect(kept).toEqual([`${middle!}.damaged`]);
    expect((await send(transport, 't', ['next'])).baseOffset).toBe(40);
  });

  test('keeps what lies behind the damage, also where the end of the log is not certain', async () => {
    await fill();
    const last = segments().at(-1)!;
    const bytes = readFileSync(path(last));
    bytes[65]! ^= 1;
    writeFileSync(path(last), bytes);
    rmSync(join(dataDir, CLEAN));
    expect(await valuesOf(await reopen(), 't')).toEqual(all.slice(0, baseOf(last)));
    expect(reports.join('\n')).toContain(`${last} is damaged`);
    expect(readFileSync(path(`${last}.damaged`)).equals(bytes)).toBe(true);
  });

  test('is followed by segments that are kept aside when nobody can know what was acknowledged', async () => {
    await fill();
    const [first, , ...behind] = segments();
    truncateSync(path(first!), 100);
    rmSync(join(dataDir, CLEAN));
    rmSync(join(dataDir, 'recovery-point-offset-checkpoint'));
    expect(await valuesOf(await reopen(), 't')).toEqual(['v0']);
    const kept = readdirSync(join(dataDir, 't-0')).filter((name) => name.endsWith('.damaged'));
    expect(kept.length).toBe(behind.length + 1);
    expect(reports.filter((report) => report.includes('a segment behind a torn one is kept')).length).toBe(kept.length);
  });

  test('that is missing, or was emptied, is told by its offsets', async () => {
    await fill();
    const [first, second, third, fourth] = segments();
    truncateSync(path(first!), 0);
    rmSync(path(third!));
    const read = await readAll(await reopen(), 't');
    expect(read.length).toBe(40 - baseOf(second!) - (baseOf(fourth!) - baseOf(third!)));
    expect(reports.join('\n')).toContain(`its records from offset 0 to ${baseOf(second!) - 1} are missing`);
    expect(reports.join('\n')).toContain(
      `its records from offset ${baseOf(third!)} to ${baseOf(fourth!) - 1} are missing`,
    );
  });

  test('of a compacted log is no reason to take its gaps for losses', async () => {
    await fill({ 'cleanup.policy': 'compact' });
    rmSync(path(segments()[1]!));
    await reopen();
    expect(reports).toEqual([]);
  });
});

describe('a flipped byte', () => {
  async function flip(segment: number): Promise<number> {
    await fill();
    const name = segments()[segment]!;
    const bytes = readFileSync(path(name));
    bytes[66]! ^= 1;
    writeFileSync(path(name), bytes);
    return baseOf(name);
  }

  test('is found by who reads, with its place, and is passed by a seek', async () => {
    const at = await flip(2);
    const broker = await openBroker({ dataDir, log });
    const client = createClient({ dial: async () => broker.connect() });
    const read = async (settings: ConsumerSettings) => {
      const consumer = client.consumer(settings);
      consumer.assign([{ topic: 't', partition: 0, offset: 0 }]);
      const values: string[] = [];
      let failures = 0;
      while (values.length < 39 && failures < 3) {
        try {
          for (const { offset, value } of recordsOf(await consumer.poll(1000))) values[offset] = String(value);
        } catch (error) {
          failures++;
          expect(error).toMatchObject({ code: 'CORRUPT_MESSAGE', retriable: false });
          expect(String(error)).toContain(`t-0 at offset ${at}`);
          if (failures === 2) consumer.seek({ topic: 't', partition: 0 }, at + 1);
        }
      }
      return { values, failures };
    };
    const { values, failures } = await read({});
    expect(failures).toBe(2);
    expect(values).toEqual(all.map((value, i) => (i === at ? undefined : value)));
    expect((await read({ checkCrcs: false })).failures).toBe(0);
    await client.close();
  });

  test('is not given a new checksum by compaction', async () => {
    const at = await flip(2);
    const clock = new ManualEnvironment(1_000_000);
    const settings = { 'log.cleaner.min.cleanable.ratio': 0, 'log.cleanup.policy': 'compact' };
    const broker = await openBroker({ dataDir, log, settings, environment: clock });
    clock.advance(15_000);
    await expect.poll(() => reports.join('\n')).toContain(`can not be compacted: The batch at offset ${at}`);
    expect((await readAll(broker.connect(), 't')).length).toBe(40);
  });

  test('in a journal is told, and the rest of it counts', async () => {
    const settings = { 'offsets.topic.num.partitions': 1 };
    const broker = await openBroker({ dataDir, settings });
    await createTopic(broker.connect(), 't');
    const commit = async (groupId: string, committedOffset: number) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset }] }];
      await broker.connect().request(offsetCommit, create(offsetCommit, { groupId, topics }));
    };
    await commit('a', 5);
    await commit('b', 6);
    await broker.close();
    const journal = join(dataDir, '__consumer_offsets-0', '00000000000000000000.log');
    const bytes = readFileSync(journal);
    bytes[70]! ^= 1;
    writeFileSync(journal, bytes);
    const again = (await openBroker({ dataDir, settings, log })).connect();
    expect(reports.join('\n')).toContain('partition __consumer_offsets-0: the batch at offset 0 is damaged');
    const groups = [{ groupId: 'b', topics: null }];
    const found = await again.request(offsetFetch, create(offsetFetch, { groups }));
    expect(found.groups[0]!.topics[0]!.partitions[0]).toMatchObject({ committedOffset: 6 });
  });
});

describe('a damaged note', () => {
  test('of where the log starts does not delete it', async () => {
    await fill();
    writeFileSync(join(dataDir, 'log-start-offset-checkpoint'), '0\n1\nt 0 100000\n');
    expect(await valuesOf(await reopen(), 't')).toEqual(all);
    expect(reports.join('\n')).toContain('its start is noted as 100000, behind its end 40');
  });

  test.each(['log-start-offset-checkpoint', 'recovery-point-offset-checkpoint', 'cleaner-offset-checkpoint'])(
    'in %s is passed over',
    async (name) => {
      for (const text of ['0\n5\nt 0 7\n', '0\n1\nt 0 x\n', 'rubbish', '']) {
        dataDir = temporaryDirectory();
        reports = [];
        await fill();
        writeFileSync(join(dataDir, name), text);
        rmSync(join(dataDir, CLEAN));
        expect(await valuesOf(await reopen(), 't')).toEqual(all);
        expect(reports.join('\n')).toContain(`${name} is damaged`);
      }
    },
  );
});

describe('the list of topics', () => {
  test.each(['', '{"topics": [', '{}', '{"topics":[{"name":"t"}]}'])(
    'is named when it is damaged (%s)',
    async (text) => {
      await fill();
      writeFileSync(join(dataDir, 'topics.json'), text);
      await expect(Broker.open({ dataDir })).rejects.toMatchObject({
        code: 'DATA_DIRECTORY_DAMAGED',
        message: expect.stringContaining('topics.json is damaged'),
      });
    },
  );

  test('is named when it is missing, and its records are not taken for nothing', async () => {
    await fill();
    renameSync(join(dataDir, 'topics.json'), join(dataDir, 'saved'));
    await expect(Broker.open({ dataDir })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_DAMAGED',
      message: expect.stringContaining('as in t-0'),
    });
    renameSync(join(dataDir, 'saved'), join(dataDir, 'topics.json'));
    expect(await valuesOf(await reopen(), 't')).toEqual(all);
  });

  test('does not know every directory: what was being made is removed, records are kept', async () => {
    await fill();
    const broker = await openBroker({ dataDir });
    await createTopic(broker.connect(), 'begun');
    await send(broker.connect(), 'begun', ['x']);
    await createTopic(broker.connect(), 'empty');
    await broker.close();
    const catalogue = join(dataDir, 'topics.json');
    const stored = JSON.parse(readFileSync(catalogue, 'utf8')) as { topics: { name: string }[] };
    writeFileSync(catalogue, JSON.stringify({ topics: stored.topics.filter(({ name }) => name === 't') }));
    const transport = await reopen();
    expect(reports.join('\n')).toMatch(/begun-0 belongs to no topic: its records are kept as .*begun-0\.stray/);
    expect(existsSync(join(dataDir, 'begun-0.stray'))).toBe(true);
    await createTopic(transport, 'begun');
    expect(await valuesOf(transport, 'begun')).toEqual([]);
  });

  test('may know a partition that has no directory: that is told', async () => {
    await fill();
    rmSync(join(dataDir, 't-0'), { recursive: true });
    await reopen();
    expect(reports.join('\n')).toContain('partition t-0: its directory is missing');
  });
});

describe('what the broker notes for itself', () => {
  test.each(['missing', '', 'x\n', '0\n', '99'])(
    'about producer ids is not needed to give none twice (%s)',
    async (text) => {
      const first = await openBroker({ dataDir });
      await createTopic(first.connect(), 't');
      const ids = new Set<number>();
      const take = async (broker: Broker) => {
        const { producerId } = await broker.connect().request(initProducerId, create(initProducerId, {}));
        expect(ids.has(producerId)).toBe(false);
        ids.add(producerId);
        const batch = { producerId, producerEpoch: 0, baseSequence: 0 };
        expect((await send(broker.connect(), 't', [`${producerId}`], batch)).errorCode).toBe(0);
      };
      for (let i = 0; i < 3; i++) await take(first);
      await first.close();
      if (text === 'missing') rmSync(join(dataDir, 'producer-ids'));
      else writeFileSync(join(dataDir, 'producer-ids'), text);
      const second = await openBroker({ dataDir });
      for (let i = 0; i < 3; i++) await take(second);
      expect((await valuesOf(second.connect(), 't')).length).toBe(6);
    },
  );

  test('about its cluster is named when it is damaged', async () => {
    await fill();
    writeFileSync(join(dataDir, 'meta.properties'), 'version=1\n');
    await expect(Broker.open({ dataDir })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_DAMAGED',
      message: expect.stringContaining('meta.properties is damaged'),
    });
  });

  test('about leader epochs is found out from the records', async () => {
    await fill();
    writeFileSync(path('leader-epoch-checkpoint'), '0\n1\nx y\n');
    const transport = await reopen();
    expect(await valuesOf(transport, 't')).toEqual(all);
    expect((await send(transport, 't', ['next'])).errorCode).toBe(0);
  });
});

describe('a snapshot of producers', () => {
  const batch = (sequence: number) => ({ producerId: 7, producerEpoch: 0, baseSequence: sequence });

  async function twoSegments(): Promise<void> {
    const broker = await openBroker({ dataDir });
    await createTopic(broker.connect(), 't', 1, { 'internal.segment.bytes': '150' });
    expect((await send(broker.connect(), 't', ['first'], batch(0))).baseOffset).toBe(0);
    expect((await send(broker.connect(), 't', ['X'], batch(1))).baseOffset).toBe(1);
    expect((await send(broker.connect(), 't', ['later'], batch(2))).baseOffset).toBe(2);
    await broker.close();
    rmSync(join(dataDir, CLEAN));
    rmSync(join(dataDir, 'recovery-point-offset-checkpoint'));
  }

  test('is not believed beyond what the log holds', async () => {
    await twoSegments();
    // As a loss of power leaves it between the roll and the sync: the end of the first segment never reached the disk.
    const [first, second] = segments();
    truncateSync(path(first!), batchHeader.sizeInBytes(readFileSync(path(first!))));
    truncateSync(path(second!), 0);
    const transport = await reopen();
    const again = await send(transport, 't', ['X'], batch(1));
    expect(again.errorCode).toBe(0);
    expect(await valuesOf(transport, 't')).toEqual(['first', 'X']);
    expect((await readAll(transport, 't')).at(-1)).toMatchObject({ offset: again.baseOffset, value: 'X' });
  });

  test('of another history is gone before the log grows beyond it', async () => {
    await twoSegments();
    const [first, second] = segments();
    truncateSync(path(first!), batchHeader.sizeInBytes(readFileSync(path(first!))));
    rmSync(path(second!));
    let broker = await openBroker({ dataDir });
    for (const value of ['Q1', 'Q2', 'Q3']) await send(broker.connect(), 't', [value]);
    await broker.close();
    rmSync(join(dataDir, CLEAN));
    broker = await openBroker({ dataDir });
    const again = await send(broker.connect(), 't', ['X'], batch(1));
    expect(again).toMatchObject({ errorCode: 0, baseOffset: 4 });
    expect((await fetchOnce(broker.connect(), 't', 0)).highWatermark).toBe(5);
  });
});
