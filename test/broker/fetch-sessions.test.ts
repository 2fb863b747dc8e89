import { beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import {
  create,
  createPartitions,
  deleteTopics,
  ErrorCode,
  fetch,
  metadata,
  type RequestOf,
  type Transport,
} from '../../src/protocol/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';
import { createTopic, openBroker, send } from './support.ts';

let broker: Broker;
let transport: Transport;
let environment: ManualEnvironment;

beforeEach(async () => {
  environment = new ManualEnvironment();
  const settings = { 'max.incremental.fetch.session.cache.slots': 2, durability: 'os' };
  broker = await openBroker({ environment, settings });
  transport = broker.connect();
});

type Wanted = readonly (readonly [topic: string, partition: number, offset: number])[];

async function idOf(name: string): Promise<string> {
  const { topics } = await transport.request(metadata, create(metadata, { topics: [{ name }] }));
  return topics[0]!.topicId;
}

async function fetched(session: Partial<RequestOf<typeof fetch>>, wanted: Wanted, forgotten: Wanted = []) {
  const topics = await Promise.all(
    wanted.map(async ([topic, partition, fetchOffset]) => ({
      topicId: await idOf(topic),
      partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }],
    })),
  );
  const forgottenTopicsData = await Promise.all(
    forgotten.map(async ([topic, partition]) => ({ topicId: await idOf(topic), partitions: [partition] })),
  );
  const request = create(fetch, { maxWaitMs: 0, minBytes: 0, ...session, topics, forgottenTopicsData });
  const answer = await transport.request(fetch, request);
  const found: string[] = [];
  for (const { topicId, partitions } of answer.responses) {
    for (const { partitionIndex, errorCode, records } of partitions) {
      const name = names.get(topicId) ?? '?';
      found.push(`${name}-${partitionIndex}${errorCode === 0 ? '' : `:${errorCode}`}${records!.length > 0 ? '+' : ''}`);
    }
  }
  return { sessionId: answer.sessionId, errorCode: answer.errorCode, found };
}

const names = new Map<string, string>();

async function topic(name: string, partitions = 1): Promise<void> {
  await createTopic(transport, name, partitions);
  names.set(await idOf(name), name);
}

describe('a session of fetches', () => {
  test('is told only what is new', async () => {
    await topic('a', 2);
    await topic('b');
    const first = await fetched({ sessionEpoch: 0 }, [
      ['a', 0, 0],
      ['a', 1, 0],
      ['b', 0, 0],
    ]);
    expect(first.sessionId).toBeGreaterThan(0);
    expect(first.found).toEqual(['a-0', 'a-1', 'b-0']);
    const { sessionId } = first;
    expect(await fetched({ sessionId, sessionEpoch: 1 }, [])).toEqual({ sessionId, errorCode: 0, found: [] });
    await send(transport, 'b', ['x']);
    expect((await fetched({ sessionId, sessionEpoch: 2 }, [])).found).toEqual(['b-0+']);
    // The position has not moved: the records come again, with nothing else.
    expect((await fetched({ sessionId, sessionEpoch: 3 }, [])).found).toEqual(['b-0+']);
    expect((await fetched({ sessionId, sessionEpoch: 4 }, [['b', 0, 1]])).found).toEqual([]);
    expect((await fetched({ sessionId, sessionEpoch: 5 }, [], [['a', 0, 0]])).found).toEqual([]);
    await send(transport, 'a', ['x']);
    expect((await fetched({ sessionId, sessionEpoch: 6 }, [])).found).toEqual([]);
    expect((await fetched({ sessionId, sessionEpoch: 7 }, [['a', 0, 0]])).found).toEqual(['a-0+']);
  });

  test('waits until there is something', async () => {
    await topic('a');
    const { sessionId } = await fetched({ sessionEpoch: 0 }, [['a', 0, 0]]);
    const waiting = fetched({ sessionId, sessionEpoch: 1, minBytes: 1, maxWaitMs: 60_000 }, []);
    await send(transport, 'a', ['x']);
    expect((await waiting).found).toEqual(['a-0+']);
  });

  test('gives all partitions their turn when an answer is limited', async () => {
    await topic('a');
    await topic('b');
    for (const name of ['a', 'b']) await send(transport, name, ['x'.repeat(1000)]);
    const { sessionId, found } = await fetched({ sessionEpoch: 0, maxBytes: 500 }, [
      ['a', 0, 0],
      ['b', 0, 0],
    ]);
    expect(found).toEqual(['a-0+', 'b-0']);
    expect((await fetched({ sessionId, sessionEpoch: 1, maxBytes: 500 }, [])).found).toEqual(['b-0+']);
    expect((await fetched({ sessionId, sessionEpoch: 2, maxBytes: 500 }, [])).found).toEqual(['a-0+']);
  });

  test('tells an error until it is over, and then what holds', async () => {
    await topic('a');
    const { sessionId, found } = await fetched({ sessionEpoch: 0 }, [['a', 1, 0]]);
    expect(found).toEqual(['a-1:3']);
    expect((await fetched({ sessionId, sessionEpoch: 1 }, [])).found).toEqual(['a-1:3']);
    const grown = create(createPartitions, { topics: [{ name: 'a', count: 2, assignments: null }] });
    await transport.request(createPartitions, grown);
    expect((await fetched({ sessionId, sessionEpoch: 2 }, [])).found).toEqual(['a-1']);
    expect((await fetched({ sessionId, sessionEpoch: 3 }, [])).found).toEqual([]);
    await transport.request(deleteTopics, create(deleteTopics, { topics: [{ name: 'a' }] }));
    expect((await fetched({ sessionId, sessionEpoch: 4 }, [])).found).toEqual([`a-1:${ErrorCode.UNKNOWN_TOPIC_ID}`]);
  });

  test('goes on only with its next epoch, and ends when it is told to, or has nothing left', async () => {
    await topic('a');
    const begin = async () => (await fetched({ sessionEpoch: 0 }, [['a', 0, 0]])).sessionId;
    const sessionId = await begin();
    const errorOf = async (session: Partial<RequestOf<typeof fetch>>) => (await fetched(session, [])).errorCode;
    expect(await errorOf({ sessionId, sessionEpoch: 2 })).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect(await errorOf({ sessionId: sessionId ^ 1, sessionEpoch: 1 })).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    expect(await fetched({ sessionId, sessionEpoch: -1 }, [['a', 0, 0]])).toMatchObject({
      sessionId: 0,
      found: ['a-0'],
    });
    expect(await errorOf({ sessionId, sessionEpoch: 1 })).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    const other = await begin();
    const emptied = await fetched({ sessionId: other, sessionEpoch: 1 }, [], [['a', 0, 0]]);
    expect(emptied).toEqual({ sessionId: 0, errorCode: 0, found: [] });
    expect(await errorOf({ sessionId: other, sessionEpoch: 2 })).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  });

  test('has a place while there is one; the longest idle gives way after two minutes', async () => {
    await topic('a');
    const begin = async () => (await fetched({ sessionEpoch: 0 }, [['a', 0, 0]])).sessionId;
    const first = await begin();
    const second = await begin();
    expect(await begin()).toBe(0);
    expect((await fetched({ sessionId: first, sessionEpoch: 1 }, [])).errorCode).toBe(0);
    environment.advance(120_000);
    expect((await fetched({ sessionId: first, sessionEpoch: 2 }, [])).errorCode).toBe(0);
    expect(await begin()).toBeGreaterThan(0);
    const gone = await fetched({ sessionId: second, sessionEpoch: 1 }, []);
    expect(gone.errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  });

  test('is not begun, nor does it grow, where it would take too much memory', async () => {
    broker = await openBroker({ environment, settings: { 'coordinator.max.memory.bytes': 1000, durability: 'os' } });
    transport = broker.connect();
    await topic('a', 4);
    const { sessionId } = await fetched({ sessionEpoch: 0 }, [['a', 0, 0]]);
    expect(sessionId).toBeGreaterThan(0);
    const more: Wanted = [
      ['a', 1, 0],
      ['a', 2, 0],
      ['a', 3, 0],
    ];
    const refused = await fetched({ sessionId, sessionEpoch: 1 }, more);
    expect(refused.errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    const full = await fetched({ sessionEpoch: 0 }, [['a', 0, 0], ...more]);
    expect(full).toMatchObject({ sessionId: 0, found: ['a-0', 'a-1', 'a-2', 'a-3'] });
  });
});
