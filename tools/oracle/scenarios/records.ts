// Records: what is taken into a log, and what is read from one.
import {
  type BatchOptions,
  deleteRecords,
  fetch,
  listOffsets,
  offsetForLeaderEpoch,
  produce,
  RecordBatchBuilder,
} from '../../../src/protocol/index.ts';
import type { Scenario, Session } from '../scenario.ts';

/** Older ones would begin new segments. */
const NOW = Date.now() - 60_000;

function batch(values: readonly (string | null)[], options: BatchOptions = {}, timestamp = NOW): Buffer {
  const builder = new RecordBatchBuilder(1024);
  for (const value of values) builder.append(Buffer.from('k'), value === null ? null : Buffer.from(value), timestamp);
  return builder.finish(options);
}

/** A produce in the newest version, by the topic's id. */
async function send(session: Session, topicId: string, records: Buffer | null, more = {}, index = 0): Promise<void> {
  await session.ask(produce, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ topicId, partitionData: [{ index, records }] }],
    ...more,
  });
}

function damaged(records: Buffer, change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(records);
  change(bytes);
  return bytes;
}

export const records: readonly Scenario[] = [
  {
    name: 'records: produced',
    async run(session) {
      const topicId = await session.topic('produced');
      for (let version = 3; version <= 13; version++) {
        const at = version >= 13 ? { topicId } : { name: 'produced' };
        const partitionData = [{ index: 0, records: batch([`v${version}`]) }];
        await session.ask(produce, { acks: -1, timeoutMs: 10_000, topicData: [{ ...at, partitionData }] }, version);
      }
      for (const acks of [1, 2, -2]) await send(session, topicId, batch(['x']), { acks });
      await send(session, topicId, batch(['x']), {}, 7);
      await send(session, topicId, batch(['x']), {}, -1);
      await send(session, 'BBBBBBBBBBBBBBBBBBBBBA', batch(['x']));
      const unknown = [{ name: 'nowhere', partitionData: [{ index: 0, records: batch(['x']) }] }];
      await session.ask(produce, { acks: -1, timeoutMs: 10_000, topicData: unknown }, 12);
      await send(session, topicId, null);
      await send(session, topicId, Buffer.alloc(0));
      await send(session, topicId, Buffer.alloc(10));
      const good = batch(['good', 'better']);
      await send(
        session,
        topicId,
        damaged(good, (bytes) => bytes.writeUInt8(bytes.at(-1)! ^ 1, bytes.length - 1)),
      );
      await send(
        session,
        topicId,
        damaged(good, (bytes) => bytes.writeInt8(1, 16)),
      );
      await send(
        session,
        topicId,
        damaged(good, (bytes) => bytes.writeInt8(9, 16)),
      );
      await send(session, topicId, Buffer.concat([good, good]));
      await send(session, topicId, good.subarray(0, good.length - 3));
      for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
        await send(session, topicId, batch(['compressed', 'too'], { compression }));
      }
      await send(session, topicId, batch(['x'.repeat(2_000_000)]));
      await send(session, topicId, batch(['future'], {}, Date.now() + 86_400_000 * 3));
      await session.ask(produce, {
        acks: -1,
        transactionalId: 'nobody',
        topicData: [{ topicId, partitionData: [{ index: 0, records: good }] }],
      });
    },
  },
  {
    name: 'records: idempotent',
    async run(session) {
      const topicId = await session.topic('idempotent');
      const from = (producerId: number, producerEpoch: number, baseSequence: number) =>
        batch(['a', 'b'], { producerId, producerEpoch, baseSequence });
      await send(session, topicId, from(4000, 0, 0));
      await send(session, topicId, from(4000, 0, 0));
      await send(session, topicId, from(4000, 0, 2));
      await send(session, topicId, from(4000, 0, 6));
      await send(session, topicId, from(4000, 0, 4));
      await send(session, topicId, from(4000, 0, 0));
      await send(session, topicId, from(4000, 1, 3));
      await send(session, topicId, from(4000, 1, 0));
      await send(session, topicId, from(4000, 0, 6));
      await send(session, topicId, from(5000, 0, 7));
      await send(session, topicId, from(4000, -1, 0));
      await send(session, topicId, from(4000, 1, -1));
    },
  },
  {
    name: 'records: as the topic wants them',
    async run(session) {
      const compacted = await session.topic('compacted', { 'cleanup.policy': 'compact' });
      await send(session, compacted, batch(['keyed']));
      const builder = new RecordBatchBuilder(1024);
      builder.append(Buffer.from('k'), Buffer.from('v'), NOW);
      builder.append(null, Buffer.from('v'), NOW);
      await send(session, compacted, builder.finish());
      const stamped = await session.topic('stamped', { 'message.timestamp.type': 'LogAppendTime' });
      await send(session, stamped, batch(['x']));
      const strict = await session.topic('strict', { 'message.timestamp.before.max.ms': '1000' });
      await send(session, strict, batch(['old']));
      const small = await session.topic('small', { 'max.message.bytes': '200' });
      await send(session, small, batch(['x'.repeat(300)]));
      const careful = await session.topic('careful', { 'min.insync.replicas': '2' });
      await send(session, careful, batch(['x']));
      await send(session, careful, batch(['x']), { acks: 1 });
    },
  },
  {
    name: 'records: fetched',
    async run(session) {
      const topicId = await session.topic('fetched');
      for (const value of ['one', 'two', 'three']) await send(session, topicId, batch([value, null]));
      const reading = async (version: number, more = {}, session_ = {}) => {
        const at = version >= 13 ? { topicId } : { topic: 'fetched' };
        const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...more }];
        await session.ask(
          fetch,
          { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, topics: [{ ...at, partitions }], ...session_ },
          version,
        );
      };
      for (let version = 4; version <= 18; version++) await reading(version);
      for (const version of [4, 12, 18]) {
        await reading(version, { fetchOffset: 3 });
        await reading(version, { fetchOffset: 6 });
        await reading(version, { fetchOffset: 7 });
        await reading(version, { fetchOffset: -1 });
        await reading(version, { partition: 9 });
        await reading(version, { partitionMaxBytes: 1 });
        await reading(version, {}, { isolationLevel: 1 });
        await reading(version, {}, { maxBytes: 1 });
      }
      for (const currentLeaderEpoch of [0, 5]) await reading(18, { currentLeaderEpoch });
      const unknown = [
        {
          topicId: 'BBBBBBBBBBBBBBBBBBBBBA',
          topic: 'nowhere',
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }],
        },
      ];
      for (const version of [12, 18]) await session.ask(fetch, { maxWaitMs: 0, minBytes: 0, topics: unknown }, version);
      await reading(18, {}, { sessionId: 77, sessionEpoch: 3 });
    },
  },
  {
    name: 'records: fetched in a session',
    async run(session) {
      const topicId = await session.topic('session');
      await send(session, topicId, batch(['one']));
      const part = (partition: number, fetchOffset: number) => ({
        partition,
        fetchOffset,
        partitionMaxBytes: 1_000_000,
      });
      const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000 };
      const first = await session.ask(fetch, {
        ...limits,
        sessionEpoch: 0,
        topics: [{ topicId, partitions: [part(0, 0), part(1, 0)] }],
      });
      const sessionId = first?.sessionId ?? 0;
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: 1 });
      await session.ask(fetch, {
        ...limits,
        sessionId,
        sessionEpoch: 2,
        topics: [{ topicId, partitions: [part(0, 1)] }],
      });
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: 3 });
      await send(session, topicId, batch(['two']), {}, 1);
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: 4 });
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: 9 });
      await session.ask(fetch, {
        ...limits,
        sessionId,
        sessionEpoch: 5,
        topics: [{ topicId, partitions: [part(5, 0)] }],
      });
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: 6 });
      const forgotten = [{ topicId, partitions: [0, 5] }];
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: 7, forgottenTopicsData: forgotten });
      await session.ask(
        fetch,
        { ...limits, sessionId, sessionEpoch: 8, topics: [{ topic: 'session', partitions: [part(0, 0)] }] },
        12,
      );
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: -1 });
      await session.ask(fetch, { ...limits, sessionId, sessionEpoch: 8 });
    },
  },
  {
    name: 'records: offsets',
    async run(session) {
      const topicId = await session.topic('offsets');
      const at = (milliseconds: number) => NOW + milliseconds;
      for (let i = 0; i < 3; i++) await send(session, topicId, batch([`v${i}`], {}, at(i * 1000)));
      for (const timestamp of [-1, -2, -3, -4, -5, -6, -7, 0, at(0), at(500), at(1000), at(9000)]) {
        const partitions = [{ partitionIndex: 0, timestamp }];
        await session.every(listOffsets, { topics: [{ name: 'offsets', partitions }] });
      }
      for (const isolationLevel of [0, 1]) {
        await session.ask(listOffsets, {
          isolationLevel,
          topics: [{ name: 'offsets', partitions: [{ partitionIndex: 1, timestamp: -1 }] }],
        });
      }
      for (const partition of [
        { partitionIndex: 9, timestamp: -1 },
        { partitionIndex: 0, timestamp: -1, currentLeaderEpoch: 4 },
      ]) {
        await session.ask(listOffsets, { topics: [{ name: 'offsets', partitions: [partition] }] });
      }
      await session.every(listOffsets, {
        topics: [{ name: 'nowhere', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      });
      for (const leaderEpoch of [0, 1, -1]) {
        const partitions = [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch }];
        await session.every(offsetForLeaderEpoch, { replicaId: -2, topics: [{ topic: 'offsets', partitions }] });
      }
      for (const currentLeaderEpoch of [0, 3]) {
        const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch: 0 }];
        await session.ask(offsetForLeaderEpoch, { replicaId: -2, topics: [{ topic: 'offsets', partitions }] });
      }
      await session.ask(offsetForLeaderEpoch, {
        replicaId: -2,
        topics: [{ topic: 'nowhere', partitions: [{ partition: 0, leaderEpoch: 0 }] }],
      });
      const removing = async (offset: number, name = 'offsets', version = 2) => {
        await session.ask(
          deleteRecords,
          { topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }], timeoutMs: 10_000 },
          version,
        );
      };
      for (const version of [0, 1, 2]) await removing(version, 'offsets', version);
      await removing(1);
      await removing(99);
      await removing(-2);
      await removing(0, 'nowhere');
      await removing(-1);
      await session.ask(listOffsets, {
        topics: [{ name: 'offsets', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
      });
      await session.topic('kept', { 'cleanup.policy': 'compact' });
      await removing(0, 'kept');
    },
  },
];
