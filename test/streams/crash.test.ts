// Every kind of state, through crashes: an application that dies in the middle again and again, sometimes losing its disk,
// must have written exactly what the test driver writes for the same records.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  JoinWindows,
  KafkaStreams,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  TimeWindows,
  type Topology,
  TopologyTestDriver,
} from '../../src/streams/index.ts';
import { openEmbedded } from '../suites/embedded.ts';
import { text, texts } from './support.ts';

const RECORDS = 800;
const CRASHES = [90, 91, 260, 430, 431, 640];
const OUTPUTS = ['joined', 'sessions', 'suppressed', 'groups', 'sliding', 'hopping', 'enriched'];
const DONE = 'last';

/** `check` may throw for a record: that is the crash. */
function topology(check: (offset: number) => void): Topology {
  const builder = new StreamsBuilder();
  const all = builder.stream<string, string>('input', texts).peek((_key, _value, { offset }) => check(offset));
  const lefts = all.filter((_key, value) => value.startsWith('l'));
  const rights = all.filter((_key, value) => value.startsWith('r'));
  lefts
    .outerJoin(
      rights,
      (left, right) => `${left ?? '-'}/${right ?? '-'}`,
      JoinWindows.ofTimeDifferenceAndGrace(20, 10),
      { ...texts, otherValue: text },
    )
    .to('joined', texts);
  const grouped = all.groupByKey();
  grouped.windowedBy(SessionWindows.ofInactivityGapAndGrace(15, 10)).count().toStream().to('sessions');
  grouped
    .windowedBy(TimeWindows.ofSizeAndGrace(50, 10))
    .reduce((one, other) => `${one.slice(-20)}${other}`)
    .suppress({ until: 'windowCloses' })
    .toStream()
    .to('suppressed');
  grouped
    .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(10, 5))
    .emitStrategy('onWindowClose')
    .count()
    .toStream()
    .to('sliding');
  grouped
    .windowedBy(TimeWindows.ofSizeAndGrace(30, 5).advanceBy(10))
    .emitStrategy('onWindowClose')
    .count()
    .toStream()
    .to('hopping');
  const table = all.toTable({ name: 'latest' });
  table
    .groupBy((_key, value) => [value.slice(0, 2), value], texts)
    .count()
    .toStream()
    .to('groups');
  lefts.leftJoin(table, (value, latest) => `${value}=${latest}`).to('enriched', texts);
  return builder.build();
}

interface Written {
  readonly key: string;
  readonly value: string;
}

test.each([
  { memory: 'as it comes', statestoreCacheMaxBytes: undefined },
  { memory: 'for next to nothing', statestoreCacheMaxBytes: 1 },
])('an application that crashes writes what one that does not crash writes, with memory $memory', async (of) => {
  const input: { key: string; value: string; timestamp: number }[] = [];
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((seed / 0x80000000) * below);
  };
  for (let i = 0; i < RECORDS; i++) {
    const timestamp = 1000 + i * 3 - random(20);
    input.push({ key: `k${random(6)}`, value: `${random(2) === 0 ? 'l' : 'r'}${random(4)}-${i}`, timestamp });
  }
  input.push({ key: DONE, value: 'l-end', timestamp: 1000 + RECORDS * 3 });

  const driver = new TopologyTestDriver(topology(() => {}));
  for (const { key, value, timestamp } of input) driver.pipe('input', Buffer.from(key), Buffer.from(value), timestamp);
  const expected = new Map<string, Written[]>();
  for (const topic of OUTPUTS) {
    expected.set(
      topic,
      driver.read(topic).map(({ key, value, timestamp }) => ({
        key: `${key!.toString('hex')}@${timestamp}`,
        value: value === null ? '' : value.toString('hex'),
      })),
    );
  }

  const embedded = await openEmbedded();
  const client = embedded.connect();
  await client.admin().createTopics(['input', ...OUTPUTS].map((name) => ({ name, partitions: 1 })));
  const producer = client.producer({ lingerMs: 0 });
  await producer.partitionsFor('input');
  let sent = 0;
  /** A few at a time, so that there are commits between the crashes. */
  const sendSome = async (): Promise<void> => {
    for (const { key, value, timestamp } of input.slice(sent, sent + 20)) {
      producer.enqueue('input', 0, Buffer.from(key), Buffer.from(value), timestamp);
      sent++;
    }
    await producer.flush();
  };

  const left = new Set(CRASHES);
  const check = (offset: number): void => {
    if (left.delete(offset)) throw new Error('crash');
  };
  const directories: string[] = [];
  const found = new Map<string, Written[]>(OUTPUTS.map((topic) => [topic, []]));
  const consumer = client.consumer({ isolationLevel: 'read_committed' });
  consumer.assign(OUTPUTS.map((topic) => ({ topic, partition: 0, offset: -2 })));
  const isComplete = (): boolean => OUTPUTS.every((topic) => found.get(topic)!.length >= expected.get(topic)!.length);
  for (let life = 0; !isComplete(); life++) {
    // Every third life begins without a disk: all state comes from the changelogs.
    if (life % 3 === 0) directories.push(mkdtempSync(join(tmpdir(), 'millrace-crash-')));
    const app = new KafkaStreams(topology(check), {
      client,
      applicationId: 'crashing',
      stateDir: directories.at(-1)!,
      processingGuarantee: 'exactly_once_v2',
      cacheMaxBytes: 0,
      commitIntervalMs: 1,
      checkpointIntervalMs: 3,
      sessionTimeoutMs: 6000,
      ...(of.statestoreCacheMaxBytes === undefined ? {} : { statestoreCacheMaxBytes: of.statestoreCacheMaxBytes }),
    });
    await app.start().catch(() => {});
    while (app.state !== 'ERROR' && !isComplete()) {
      await sendSome();
      for (const { topic, cursor } of await consumer.poll(5)) {
        while (cursor.advance()) {
          const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp } = cursor;
          found.get(topic)!.push({
            key: `${bytes.toString('hex', keyStart, keyEnd)}@${timestamp}`,
            value: valueStart < 0 ? '' : bytes.toString('hex', valueStart, valueEnd),
          });
        }
      }
    }
    await app.close();
  }
  expect([...left]).toEqual([]);
  for (const topic of OUTPUTS) expect([topic, found.get(topic)]).toEqual([topic, expected.get(topic)]);
  await producer.close();
  await consumer.close();
  await client.close();
  await embedded.close();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
