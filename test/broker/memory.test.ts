// What clients make a broker keep: unfinished requests, requests that wait, groups and their members. All of it has a limit.
import { createConnection, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  create,
  encodeRequest,
  FrameSplitter,
  FrameWriter,
  initProducerId,
  joinGroup,
  leaveGroup,
  metadata,
  offsetCommit,
  produce,
  type Transport,
} from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { RequestMemory } from '../../src/broker/request-memory.ts';
import { batchOf, createTopic, openBroker } from './support.ts';

/** More than a socket is read at a time. */
const FRAME_BYTES = 1_000_000;

describe('requests of all connections together', () => {
  test('take no more memory than they may: who sends more waits until others are answered', async () => {
    const { port, frame } = await house();
    const clients = await Promise.all(Array.from({ length: 40 }, () => connect(port)));
    // Four times what there is room for, none of it a whole request.
    for (const { socket } of clients) socket.write(frame.subarray(0, frame.length - 10));
    for (const { socket } of clients) socket.write(frame.subarray(frame.length - 10));
    const answers = await Promise.all(clients.map((client) => client.next()));
    expect(answers.every((answer) => answer !== undefined)).toBe(true);
    for (const { socket } of clients) socket.destroy();
  });

  test('are not kept from the others by those who send a part and no more', async () => {
    const { port, frame, clock, reports } = await house();
    const silent = await Promise.all(Array.from({ length: 15 }, () => connect(port)));
    for (const { socket } of silent) socket.write(frame.subarray(0, frame.length - 10));
    const late = await connect(port);
    const answered = late.next();
    late.socket.write(frame);
    let isAnswered = false;
    void answered.then(() => {
      isAnswered = true;
    });
    await expect
      .poll(
        () => {
          clock.advance(1000);
          return isAnswered;
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    expect(await answered).toBeDefined();
    expect(reports.join('\n')).toMatch(/closed: \d+ bytes of a request take memory .*queued\.max\.request\.bytes is/);
    for (const { socket } of [...silent, late]) socket.destroy();
  });

  async function house() {
    const clock = new ManualEnvironment(1_000_000);
    const reports: string[] = [];
    const broker = await openBroker({
      settings: { 'queued.max.request.bytes': 10 * FRAME_BYTES, 'log.message.timestamp.after.max.ms': 1e15 },
      environment: clock,
      log: (message) => reports.push(message),
    });
    await createTopic(broker.connect(), 't');
    const { port } = await broker.listen({ host: '127.0.0.1', port: 0 });
    const topicData = [{ name: 't', partitionData: [{ index: 0, records: batchOf(['x'.repeat(FRAME_BYTES)]) }] }];
    const out = new FrameWriter();
    encodeRequest(produce, 7, 1, 'test', create(produce, { acks: 1, topicData }), out);
    return { port, frame: Buffer.concat(out.take()), clock, reports };
  }

  test('are counted from their first byte to their answer', () => {
    const clock = new ManualEnvironment();
    const memory = new RequestMemory(100, clock);
    const events: string[] = [];
    const holder = (name: string, unfinishedBytes: number, missingBytes: number) => ({
      unfinishedBytes,
      missingBytes,
      lookAgain: () => void events.push(`${name} looks`),
      refuse: (reason: string) => void events.push(`${name} closed: ${reason}`),
    });
    const [large, small, none] = [holder('large', 60, 100), holder('small', 50, 10), holder('none', 0, 0)];
    memory.note(large, 0);
    expect(memory.admits(large)).toBe(true);
    memory.note(small, 0);
    expect(memory.used).toBe(110);
    // The one that lacks least goes on, the others wait.
    expect([memory.admits(large), memory.admits(none), memory.admits(small)]).toEqual([false, false, true]);
    small.unfinishedBytes = 0;
    memory.note(small, 60);
    expect(events).toEqual(['large looks']);
    expect(memory.admits(none)).toBe(false);
    // As long as much of it comes, the turn goes on.
    Object.assign(large, { missingBytes: 80 });
    clock.advance(2000);
    expect(events).toEqual(['large looks']);
    clock.advance(2000);
    expect(events.at(-1)).toMatch(/^large closed: 60 bytes .*80 do not come$/);
    memory.forget(large);
    expect(events.slice(-1)).toEqual(['none looks']);
    memory.note(small, 0);
    expect(memory.used).toBe(0);
  });
});

describe('what is kept about clients', () => {
  const settings = { 'coordinator.max.memory.bytes': 100_000, 'group.initial.rebalance.delay.ms': 60_000 };

  const join = async (transport: Transport, groupId: string, bytes: number) => {
    const protocols = [{ name: 'p', metadata: Buffer.alloc(bytes) }];
    const request = { groupId, sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols };
    return (await transport.request(joinGroup, create(joinGroup, request))).errorCode;
  };

  test('does not outgrow its limit: members and groups that are too much are refused', async () => {
    const clock = new ManualEnvironment(1_000_000);
    const reports: string[] = [];
    const broker = await openBroker({ settings, environment: clock, log: (message) => reports.push(message) });
    const transport = broker.connect();
    await createTopic(transport, 't');
    // 79: the member gets its id first, for which there is room.
    for (const group of ['a', 'b', 'c']) expect(await join(transport, group, 30_000)).toBe(79);
    expect(await join(transport, 'd', 30_000)).toBe(79);
    expect(await join(transport, 'e', 100_000)).toBe(81);
    const commit = async (groupId: string) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }];
      const answer = await transport.request(offsetCommit, create(offsetCommit, { groupId, topics }));
      return answer.topics[0]!.partitions[0]!.errorCode;
    };
    const id = (i: number) => `${i}${'x'.repeat(20_000)}`;
    expect([await commit(id(1)), await commit(id(2)), await commit(id(3))]).toEqual([0, 0, 28]);
    // What is known already costs nothing more.
    for (let i = 0; i < 1000; i++) expect(await commit(id(1))).toBe(0);
    const init = async (transactionalId: string) =>
      (
        await transport.request(
          initProducerId,
          create(initProducerId, { transactionalId, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 }),
        )
      ).errorCode;
    expect(await init('x'.repeat(20_000))).toBe(44);
    expect(reports.filter((report) => report.includes('coordinator.max.memory.bytes is 100000')).length).toBe(1);
    // Others are served as ever.
    const found = await transport.request(metadata, create(metadata, { topics: [{ name: 't' }] }));
    expect(found.topics[0]!.errorCode).toBe(0);
  });

  test('makes room again when it goes', async () => {
    const clock = new ManualEnvironment(1_000_000);
    const broker = await openBroker({ settings, environment: clock });
    const transport = broker.connect();
    const joined = joinStatic(transport, 'a', 80_000);
    expect(await join(transport, 'b', 80_000)).toBe(81);
    clock.advance(60_000);
    const { memberId } = await joined;
    expect(await join(transport, 'b', 80_000)).toBe(81);
    const leave = { groupId: 'a', members: [{ memberId, groupInstanceId: null }] };
    await transport.request(leaveGroup, create(leaveGroup, leave));
    clock.advance(1000);
    expect(await join(transport, 'b', 80_000)).toBe(79);
  });

  /** A static member is not told its id first. */
  async function joinStatic(transport: Transport, groupId: string, bytes: number) {
    const protocols = [{ name: 'p', metadata: Buffer.alloc(bytes) }];
    const request = {
      groupId,
      sessionTimeoutMs: 300_000,
      memberId: '',
      groupInstanceId: 'i',
      protocolType: 'c',
      protocols,
    };
    return transport.request(joinGroup, create(joinGroup, request));
  }
});

interface Client {
  readonly socket: Socket;
  /** The next answer; undefined when the connection was closed. */
  next(): Promise<Buffer | undefined>;
}

async function connect(port: number): Promise<Client> {
  const socket = createConnection({ host: '127.0.0.1', port });
  const splitter = new FrameSplitter();
  const answer = new Promise<Buffer | undefined>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) resolve(frame);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(undefined));
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
  });
  return { socket, next: () => answer };
}
