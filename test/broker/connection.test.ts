// A connection as clients see it on the wire: order, refusals, hostile bytes, slow readers.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Broker } from '../../src/broker/index.ts';
import {
  type AnyApi,
  type Api,
  apiVersions,
  create,
  createTopics,
  decodeResponse,
  deleteTopics,
  type Draft,
  encodeRequest,
  ErrorCode,
  fetch,
  FrameSplitter,
  FrameWriter,
  heartbeat,
  metadata,
  produce,
} from '../../src/protocol/index.ts';
import { dialTcp } from '../../src/client/dial.ts';
import { createConnection, type Socket } from 'node:net';
import { batchOf, createTopic, openBroker, send } from './support.ts';

describe('a connection', () => {
  let broker: Broker;
  let port: number;

  beforeEach(async () => {
    broker = await openBroker({ settings: { 'socket.request.max.bytes': 100_000 } });
    port = (await broker.listen({ host: '127.0.0.1', port: 0 })).port;
  });

  interface Client {
    readonly socket: Socket;
    send<Req, Res>(api: Api<Req, Res>, version: number, correlationId: number, draft: Draft<Req>): void;
    next(): Promise<Buffer | undefined>;
  }

  /** A client that writes what it likes; `next` is the next frame, or undefined when the connection was closed. */
  async function connect(): Promise<Client> {
    const socket = createConnection({ host: '127.0.0.1', port });
    const splitter = new FrameSplitter();
    const frames: Buffer[] = [];
    const state = { isClosed: false, wake: nobodyWaits };
    socket.on('data', (chunk: Buffer) => {
      frames.push(...splitter.push(chunk));
      state.wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      state.isClosed = true;
      state.wake();
    });
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve());
    });
    return {
      socket,
      send(api, version, correlationId, draft) {
        const out = new FrameWriter();
        encodeRequest(api, version, correlationId, 'test', create(api, draft), out);
        socket.write(Buffer.concat(out.take()));
      },
      async next() {
        while (frames.length === 0 && !state.isClosed) {
          await new Promise<void>((resolve) => {
            state.wake = resolve;
          });
        }
        return frames.shift();
      },
    };
  }

  test('answers in the order of the requests, even when a later one is ready first', async () => {
    await createTopic(broker.connect(), 't');
    const client = await connect();
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    client.send(fetch, 4, 1, { maxWaitMs: 100, minBytes: 1, topics: [{ topic: 't', partitions }] });
    client.send(metadata, 1, 2, { topics: [] });
    client.send(apiVersions, 3, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' });
    for (const expected of [1, 2, 3]) expect((await client.next())!.readInt32BE(0)).toBe(expected);
    client.socket.destroy();
  });

  test('answers an unknown version of ApiVersions in version 0, with what it knows', async () => {
    const client = await connect();
    const frame = Buffer.alloc(4 + 10);
    frame.writeInt32BE(10, 0);
    frame.writeInt16BE(18, 4);
    frame.writeInt16BE(99, 6);
    frame.writeInt32BE(5, 8);
    frame.writeInt16BE(-1, 12);
    client.socket.write(frame);
    const answer = decodeResponse(apiVersions, 0, (await client.next())!);
    expect(answer).toMatchObject({ errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] });
    client.send(apiVersions, 3, 6, { clientSoftwareName: '-bad', clientSoftwareVersion: '1' });
    expect(decodeResponse(apiVersions, 3, (await client.next())!).errorCode).toBe(42);
    client.send(apiVersions, 3, 7, { clientSoftwareName: 'good', clientSoftwareVersion: '1.2' });
    const versions = decodeResponse(apiVersions, 3, (await client.next())!);
    expect(versions.apiKeys.find(({ apiKey }) => apiKey === produce.key)).toMatchObject({
      minVersion: 0,
      maxVersion: 13,
    });
    expect(versions.finalizedFeatures).toEqual([
      { name: 'group.version', maxVersionLevel: 1, minVersionLevel: 1 },
      { name: 'share.version', maxVersionLevel: 1, minVersionLevel: 1 },
      { name: 'streams.version', maxVersionLevel: 1, minVersionLevel: 1 },
      { name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 },
    ]);
    client.socket.destroy();
  });

  test.each([
    ['an unknown API', Buffer.from([0, 0, 0, 10, 3, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff])],
    ['a frame above the limit', Buffer.from([0x7f, 0, 0, 0])],
    ['a negative frame size', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a body that ends too early', Buffer.from([0, 0, 0, 11, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f])],
  ])('is closed by %s', async (_what, bytes) => {
    const client = await connect();
    client.socket.write(bytes);
    expect(await client.next()).toBeUndefined();
  });

  test('is closed by a request that lists more things than any client has', async () => {
    const large = await openBroker({ settings: { 'request.max.elements': 1000 } });
    ({ port } = await large.listen({ host: '127.0.0.1', port: 0 }));
    const client = await connect();
    const names = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `n${i}` }));
    client.send(metadata, 4, 1, { topics: names(1000), allowAutoTopicCreation: false });
    expect((await client.next())!.readInt32BE(0)).toBe(1);
    client.send(metadata, 4, 2, { topics: names(1001), allowAutoTopicCreation: false });
    expect(await client.next()).toBeUndefined();
  });

  const manyNames = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `a name of some length ${i}` }));

  /** How often another client is answered until a promise is settled. */
  async function answeredMeanwhile(until: Promise<unknown>): Promise<number> {
    const other = await dialTcp({ host: '127.0.0.1', port });
    let isOver = false;
    void until.finally(() => {
      isOver = true;
    });
    let answers = 0;
    for (; !isOver; answers++) await other.request(heartbeat, create(heartbeat, { groupId: 'none', memberId: 'm' }));
    other.close();
    return answers;
  }

  describe('with a request that takes several turns', () => {
    beforeEach(async () => {
      broker = await openBroker();
      port = (await broker.listen({ host: '127.0.0.1', port: 0 })).port;
    });

    test('answers it in its place, and others meanwhile', async () => {
      const client = await connect();
      client.send(heartbeat, 0, 1, { groupId: 'none', memberId: 'm' });
      client.send(createTopics, 5, 2, { topics: manyNames(50_000), validateOnly: true });
      client.send(metadata, 4, 3, { topics: manyNames(20_000), allowAutoTopicCreation: false });
      client.send(heartbeat, 0, 4, { groupId: 'none', memberId: 'm' });
      const received = (async () => {
        const frames: Buffer[] = [];
        while (frames.length < 4) frames.push((await client.next())!);
        return frames;
      })();
      expect(await answeredMeanwhile(received)).toBeGreaterThan(20);
      const frames = await received;
      expect(frames.map((frame) => frame.readInt32BE(0))).toEqual([1, 2, 3, 4]);
      const [, created, described] = frames;
      const { topics } = decodeResponse(createTopics, 5, created!);
      expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual(
        manyNames(50_000).map(({ name }) => [name, ErrorCode.POLICY_VIOLATION]),
      );
      expect(decodeResponse(metadata, 4, described!).topics).toHaveLength(20_000);
      client.socket.destroy();
    });

    test('takes its effects in their order', async () => {
      const client = await connect();
      const names = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => ({ name: `t${from + i}`, numPartitions: 1, replicationFactor: 1 }));
      client.send(createTopics, 5, 1, { topics: names(0, 600), validateOnly: false });
      client.send(deleteTopics, 4, 2, { topicNames: names(300, 900).map(({ name }) => name) });
      client.send(metadata, 4, 3, { topics: names(299, 301), allowAutoTopicCreation: false });
      const created = decodeResponse(createTopics, 5, (await client.next())!).topics;
      expect(new Set(created.map(({ errorCode }) => errorCode))).toEqual(new Set([0]));
      const deleted = decodeResponse(deleteTopics, 4, (await client.next())!).responses;
      expect(deleted.map(({ errorCode }) => errorCode)).toEqual(
        names(300, 900).map((_, i) => (i < 300 ? 0 : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)),
      );
      const { topics } = decodeResponse(metadata, 4, (await client.next())!);
      expect(topics.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
      client.socket.destroy();
    });

    test('may end in the middle of it, and nothing of it stays', async () => {
      const reports: string[] = [];
      broker = await openBroker({ log: (message) => reports.push(message) });
      port = (await broker.listen({ host: '127.0.0.1', port: 0 })).port;
      for (let turns = 0; turns < 12; turns++) {
        const client = await connect();
        client.send(createTopics, 5, 1, { topics: manyNames(50_000), validateOnly: false });
        client.send(createTopics, 5, 2, { topics: [{ name: `behind ${turns}` }], validateOnly: false });
        const other = await dialTcp({ host: '127.0.0.1', port });
        for (let i = 0; i < turns; i++)
          await other.request(heartbeat, create(heartbeat, { groupId: 'none', memberId: 'm' }));
        client.socket.destroy();
        other.close();
      }
      const last = await connect();
      last.send(metadata, 1, 1, { topics: null });
      expect(decodeResponse(metadata, 1, (await last.next())!).topics).toEqual([]);
      last.socket.destroy();
      expect(reports).toEqual([]);
    });

    test('is closed where that is broken far behind its beginning', async () => {
      const client = await connect();
      const out = new FrameWriter();
      encodeRequest(metadata, 4, 1, 'test', create(metadata, { topics: manyNames(20_000) }), out);
      const bytes = Buffer.concat(out.take());
      bytes.writeInt16BE(0x7fff, bytes.length - 30);
      client.socket.write(bytes);
      expect(await client.next()).toBeUndefined();
    });
  });

  test('without answers is closed when a produce fails, and stays open when it succeeds', async () => {
    await createTopic(broker.connect(), 't');
    const client = await connect();
    client.send(produce, 7, 1, { acks: 0, topicData: dataFor('t') });
    client.send(heartbeat, 0, 2, { groupId: 'none', memberId: 'm' });
    expect((await client.next())!.readInt32BE(0)).toBe(2);
    client.send(produce, 7, 3, { acks: 0, topicData: dataFor('missing') });
    expect(await client.next()).toBeUndefined();
  });

  test('never brings the broker down, whatever bytes it sends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...knownApis()),
        fc.nat(3),
        fc.uint8Array({ maxLength: 120 }),
        async (api, offset, noise) => {
          const client = await connect();
          const frame = Buffer.concat([Buffer.alloc(14), noise]);
          frame.writeInt32BE(frame.length - 4, 0);
          frame.writeInt16BE(api.key, 4);
          frame.writeInt16BE(Math.min(api.maxVersion, api.minVersion + offset), 6);
          frame.writeInt16BE(-1, 12);
          client.socket.end(frame);
          await client.next();
          client.socket.destroy();
        },
      ),
      { numRuns: 60 },
    );
    const transport = await dialTcp({ host: '127.0.0.1', port });
    await createTopic(transport, 'still-here');
    expect((await send(transport, 'still-here', ['x'])).errorCode).toBe(0);
    transport.close();
  });

  test('of a client that does not read its answers does not pile them up', async () => {
    const transport = broker.connect();
    await createTopic(transport, 't');
    await send(transport, 't', [`${'x'.repeat(60_000)}`]);
    const client = await connect();
    client.socket.pause();
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
    for (let i = 0; i < 400; i++) client.send(fetch, 4, i, { maxWaitMs: 0, topics: [{ topic: 't', partitions }] });
    // Others are served meanwhile.
    for (let i = 0; i < 20; i++) expect((await send(transport, 't', ['y'])).errorCode).toBe(0);
    client.socket.resume();
    for (let i = 0; i < 400; i++) expect((await client.next())!.readInt32BE(0)).toBe(i);
    client.socket.destroy();
  });
});

function nobodyWaits(): void {}

function dataFor(name: string) {
  return [{ name, partitionData: [{ index: 0, records: batchOf(['x']) }] }];
}

function knownApis(): AnyApi[] {
  return [apiVersions, fetch, heartbeat, metadata, produce];
}
