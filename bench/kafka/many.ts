// Many of everything at once: partitions, groups, and clients that each write a record, read it back and commit, without a
// pause; then a restart on what there is.
import { createClient } from '../../src/client/index.ts';
import { dialTcp } from '../../src/client/dial.ts';
import {
  create,
  fetch,
  findCoordinator,
  offsetCommit,
  offsetFetch,
  produce,
  RecordBatchBuilder,
  type Transport,
} from '../../src/protocol/index.ts';
import type { Contender } from './contenders.ts';

export interface ManySizes {
  readonly topics: number;
  readonly partitionsPerTopic: number;
  readonly groups: number;
  readonly clients: number;
  readonly seconds: number;
}

export interface ManyFigures {
  readonly createMs: number;
  readonly groupsMs: number;
  readonly roundsPerSecond: number;
  readonly cpuMicrosPerRound: number;
  readonly p99Ms: number;
  readonly residentMb: number;
  readonly stopMs: number;
  readonly restartMs: number;
  /** From the start of the process until every partition has a leader and the last one takes a record. */
  readonly readyMs: number;
}

export async function many(at: Contender, sizes: ManySizes): Promise<ManyFigures> {
  const { topics, partitionsPerTopic, groups, clients, seconds } = sizes;
  const admin = createClient({ bootstrapServers: at.address }).admin();
  const names = Array.from({ length: topics }, (_, i) => `many-${i}`);
  const refs: TopicRef[] = [];
  const createMs = await timed(async () => {
    for (const name of names) await admin.createTopics([{ name, partitions: partitionsPerTopic }]);
  });
  const described = await admin.describeTopics(names);
  for (const name of names) refs.push({ name, topicId: described.get(name)!.topicId });
  const [host, port] = at.address.split(':') as [string, string];
  const dial = (): Promise<Transport> => dialTcp({ host, port: Number(port) }, { clientId: 'many' });
  const first = await dial();
  const groupsMs = await timed(async () => {
    await untilCoordinated(first);
    for (let i = 0; i < groups; i++) await commit(first, `group-${i}`, refs[i % topics]!, i % partitionsPerTopic, 0);
  });
  const connections: Transport[] = [];
  for (let i = 0; i < clients; i++) connections.push(await dial());
  const cpu = at.cpuSeconds();
  const endMs = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  await Promise.all(
    connections.map(async (connection, i) => {
      for (let round = i; performance.now() < endMs; round += clients) {
        const begun = performance.now();
        const topic = refs[round % topics]!;
        const partition = Math.floor(round / topics) % partitionsPerTopic;
        const offset = await write(connection, topic, partition);
        await read(connection, topic, partition, offset);
        await commit(connection, `group-${round % groups}`, topic, partition, offset + 1);
        latencies.push(performance.now() - begun);
      }
    }),
  );
  const rounds = latencies.length;
  const used = at.cpuSeconds() - cpu;
  const residentMb = at.residentMb();
  for (const connection of [first, ...connections]) await connection.close();
  const begunMs = performance.now();
  const { stopMs, startMs } = await at.restart();
  const again = await dial();
  const last = refs.at(-1)!;
  for (;;) {
    const both = await Promise.allSettled([admin.describeTopics(names), write(again, last, partitionsPerTopic - 1)]);
    if (both.every(({ status }) => status === 'fulfilled')) break;
  }
  const readyMs = performance.now() - begunMs - stopMs;
  await again.close();
  latencies.sort((a, b) => a - b);
  return {
    ...{ createMs, groupsMs, residentMb, stopMs, readyMs, restartMs: startMs },
    roundsPerSecond: rounds / seconds,
    cpuMicrosPerRound: (used / rounds) * 1e6,
    p99Ms: latencies[Math.floor(rounds * 0.99)]!,
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Old versions of requests name a topic, new ones have its id. */
interface TopicRef {
  readonly name: string;
  readonly topicId: string;
}

/** The offset that the record has. */
async function write(connection: Transport, topic: TopicRef, index: number): Promise<number> {
  const batch = new RecordBatchBuilder();
  batch.append(null, Buffer.alloc(100, 'x'), Date.now());
  const topicData = [{ ...topic, partitionData: [{ index, records: batch.finish() }] }];
  const answer = await connection.request(produce, create(produce, { acks: -1, timeoutMs: 30_000, topicData }));
  const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!;
  if (errorCode !== 0) throw new Error(`${topic.name}-${index} answers a produce with ${errorCode}`);
  return baseOffset;
}

async function read(
  connection: Transport,
  { name, topicId }: TopicRef,
  partition: number,
  fetchOffset: number,
): Promise<void> {
  const topics = [{ topic: name, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_048_576 }] }];
  const answer = await connection.request(fetch, create(fetch, { maxWaitMs: 500, minBytes: 1, topics }));
  const found = answer.responses[0]!.partitions[0]!;
  if (found.errorCode !== 0 || found.records === null)
    throw new Error(`${name}-${partition}: nothing at ${fetchOffset}`);
}

async function commit(
  connection: Transport,
  groupId: string,
  topic: TopicRef,
  partitionIndex: number,
  committedOffset: number,
): Promise<void> {
  const topics = [{ ...topic, partitions: [{ partitionIndex, committedOffset }] }];
  const body = create(offsetCommit, { groupId, generationIdOrMemberEpoch: -1, topics });
  const answer = await connection.request(offsetCommit, body);
  const { errorCode } = answer.topics[0]!.partitions[0]!;
  if (errorCode !== 0) throw new Error(`a commit of ${groupId} answers ${errorCode}`);
}

/** Kafka makes the topic of its groups when somebody asks who coordinates them. */
async function untilCoordinated(connection: Transport): Promise<void> {
  const body = create(findCoordinator, { keyType: 0, coordinatorKeys: ['group-0'] });
  const fetched = create(offsetFetch, { groups: [{ groupId: 'group-0', topics: null }] });
  for (;;) {
    const { coordinators } = await connection.request(findCoordinator, body);
    if (coordinators[0]!.errorCode !== 0) continue;
    const { groups } = await connection.request(offsetFetch, fetched);
    if (groups[0]!.errorCode === 0) return;
  }
}
