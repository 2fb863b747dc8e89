// What becomes of records that can't be processed, and of applications that can't go on: the topic of dead letters, and the
// answers to errors that nobody has caught.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient, recordsOf } from '../../src/client/index.ts';
import { integerSerde, serialize } from '../../src/serde/index.ts';
import {
  KafkaStreams,
  StreamsBuilder,
  type StreamsSettings,
  TimeWindows,
  type OutputRecord,
  type TestDriverOptions,
} from '../../src/streams/index.ts';
import { codeOf, deferred, MillraceError } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { type Driven, drive, text, texts } from './support.ts';

const letterOf = ({ key, value, timestamp, headers }: OutputRecord) => ({
  key: key === null ? null : String(key),
  value: value === null ? null : value.toString('hex'),
  timestamp,
  headers: Object.fromEntries(
    headers.filter(({ key }) => !key.endsWith('stacktrace')).map(({ key, value }) => [key, String(value)]),
  ),
});

describe('dead letters', () => {
  const skipping: TestDriverOptions = {
    deadLetterTopic: 'dead',
    onDecodeError: () => 'continue',
    onProcessingError: () => 'continue',
  };
  const trace = [{ key: 'trace', value: Buffer.from('7') }];

  function doubling(options: TestDriverOptions): Driven {
    const builder = new StreamsBuilder();
    builder
      .stream<string, number>('in', { key: text, value: integerSerde })
      .mapValues((_key, value) => {
        if (value < 0) throw new RangeError('too low');
        return 2 * value;
      })
      .selectKey((key) => `${key}-${key}`, { key: text })
      .peek((_key, value) => {
        if (value > 100) throw new RangeError('too high');
      })
      .to('out', { value: integerSerde });
    return drive(builder, options);
  }

  test('hold what came in, and why it was left out, under Kafka Streams’ names', () => {
    const driven = doubling(skipping);
    const pipe = (value: Buffer, timestamp: number) =>
      driven.driver.pipe('in', Buffer.from('k'), value, timestamp, trace);
    pipe(Buffer.from('0000000a', 'hex'), 1);
    pipe(Buffer.from('00', 'hex'), 2);
    pipe(serialize(integerSerde, -5)!, 3);
    pipe(serialize(integerSerde, 80)!, 4);
    expect(driven.driver.read('out')).toHaveLength(1);
    const place = (offset: number) => ({
      '__streams.errors.topic': 'in',
      '__streams.errors.partition': '0',
      '__streams.errors.offset': String(offset),
      trace: '7',
    });
    expect(driven.driver.read('dead').map(letterOf)).toEqual([
      {
        key: 'k',
        value: '00',
        timestamp: 2,
        headers: {
          ...place(1),
          '__streams.errors.exception': 'DeserializationError',
          '__streams.errors.message': 'INTEGER takes 4 bytes, got 1',
          '__streams.errors.reason': 'undecodable',
          '__streams.errors.node': 'in-source',
        },
      },
      {
        key: 'k',
        value: 'fffffffb',
        timestamp: 3,
        headers: {
          ...place(2),
          '__streams.errors.exception': 'RangeError',
          '__streams.errors.message': 'too low',
          '__streams.errors.reason': 'failed',
          '__streams.errors.node': 'in-map-values',
        },
      },
      {
        // The record as it came in, whatever its key is where it failed.
        key: 'k',
        value: '00000050',
        timestamp: 4,
        headers: {
          ...place(3),
          '__streams.errors.exception': 'RangeError',
          '__streams.errors.message': 'too high',
          '__streams.errors.reason': 'failed',
          '__streams.errors.node': 'in-peek',
        },
      },
    ]);
  });

  test('are written for other reasons where that is asked for', () => {
    const builder = new StreamsBuilder();
    builder.stream<string, string>('in', texts).groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(10)).count();
    const driven = drive(builder, { deadLetterTopic: 'dead', deadLetterReasons: ['late', 'null-key'] });
    driven.pipe('in', 'k', 'v', 50).pipe('in', 'k', 'late', 5).pipe('in', null, 'v', 60).pipe('in', 'k', null, 60);
    expect(driven.driver.read('dead').map((record) => [String(record.value), letterOf(record).headers])).toEqual([
      [
        'late',
        expect.objectContaining({ '__streams.errors.reason': 'late', '__streams.errors.message': 'left out: late' }),
      ],
      ['v', expect.objectContaining({ '__streams.errors.reason': 'null-key' })],
    ]);
  });

  test('hold what a function was called for that is waited for', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .mapValuesAsync(async () => Promise.reject(new Error('gone')), { value: text })
      .to('out');
    const driven = drive(builder, skipping);
    driven.pipe('in', 'k', 'v', 1).pipe('in', 'l', 'w', 2);
    await driven.driver.settled();
    const dead = driven.driver.read('dead');
    expect(dead.map(({ key, value }) => `${key}:${value}`)).toEqual(['k:v', 'l:w']);
    expect(letterOf(dead[1]!).headers).toMatchObject({
      '__streams.errors.offset': '1',
      '__streams.errors.message': 'gone',
    });
  });

  test('a record whose attempts have all failed has the value that is there for it, or fails with that', async () => {
    for (const [orElse, out, dead] of [
      [(error: unknown, key: string, value: string) => `${key} ${value} ${(error as Error).message}`, ['k v gone'], []],
      [
        () => {
          throw new Error('not that either');
        },
        [],
        ['v'],
      ],
    ] as const) {
      const builder = new StreamsBuilder();
      builder
        .stream<string, string>('in', texts)
        .mapValuesAsync(async (): Promise<string> => Promise.reject(new Error('gone')), { value: text, orElse })
        .to('out');
      const driven = drive(builder, skipping);
      driven.pipe('in', 'k', 'v', 1);
      await driven.driver.settled();
      expect(driven.driver.read('out').map(({ value }) => String(value))).toEqual(out);
      expect(driven.driver.read('dead').map(({ value }) => String(value))).toEqual(dead);
    }
  });

  test('reasons that there are not are refused', () => {
    expect(() => doubling({ deadLetterReasons: ['lost'] as never })).toThrow('deadLetterReasons');
  });
});

describe('an application', () => {
  let embedded: Embedded;
  let client: Client;
  const open = new Set<KafkaStreams>();

  beforeEach(async () => {
    embedded = await openEmbedded();
    client = createClient({ dial: async () => embedded.broker.connect() });
    await client.admin().createTopics(['in', 'out', 'dead'].map((name) => ({ name, partitions: 2 })));
  });
  afterEach(async () => {
    for (const app of open) await app.close();
    open.clear();
    await client.close();
    await embedded.close();
  });

  function passing(check: (value: string) => void, settings: Partial<StreamsSettings>): KafkaStreams {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .peek((_key, value) => check(value))
      .to('out');
    const app = new KafkaStreams(builder.build(), {
      client,
      applicationId: 'app',
      processingGuarantee: 'exactly_once_v2',
      commitIntervalMs: 20,
      heartbeatIntervalMs: 20,
      ...settings,
    });
    open.add(app);
    return app;
  }

  async function put(...values: string[]): Promise<void> {
    const producer = client.producer();
    for (const value of values) await producer.send({ topic: 'in', key: value, value });
    await producer.close();
  }

  async function valuesOf(topic: string, count: number): Promise<string[]> {
    const consumer = client.consumer({ isolationLevel: 'read_committed' });
    consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })));
    const values: string[] = [];
    while (values.length < count) {
      for (const { value } of recordsOf(await consumer.poll(100))) values.push(String(value));
    }
    await consumer.close();
    return values.sort();
  }

  const refusing = (value: string): void => {
    if (value.startsWith('bad')) throw new Error(value);
  };

  test('writes dead letters in the transaction of their neighbours', async () => {
    await passing(refusing, { deadLetterTopic: 'dead', onProcessingError: () => 'continue' }).start();
    await put('a', 'bad1', 'b', 'bad2', 'c');
    expect(await valuesOf('out', 3)).toEqual(['a', 'b', 'c']);
    expect(await valuesOf('dead', 2)).toEqual(['bad1', 'bad2']);
  });

  test('pauses, and goes on where it was', async () => {
    const seen: string[] = [];
    const app = passing((value) => void seen.push(value), {});
    app.pause();
    await app.start();
    await put('a', 'b');
    const lag = async () => Object.values(await app.lag()).reduce((sum, each) => sum + each, 0);
    await expect.poll(lag).toBe(2);
    expect(app.isPaused).toBe(true);
    expect(seen).toEqual([]);
    app.resume();
    expect(await valuesOf('out', 2)).toEqual(['a', 'b']);
    app.pause();
    await put('c');
    await expect.poll(lag).toBe(1);
    app.resume();
    expect(await valuesOf('out', 3)).toEqual(['a', 'b', 'c']);
  });

  test('replaceThread: begins anew, as often as it takes', async () => {
    let failures = 0;
    const asked: unknown[] = [];
    const app = passing(
      (value) => {
        if (value === 'bad' && failures++ < 3) throw new Error('not yet');
      },
      {
        onUncaughtError: (error) => {
          asked.push(codeOf(error));

          return 'replaceThread';
        },
      },
    );
    await app.start();
    await put('a', 'bad', 'b');
    expect(await valuesOf('out', 3)).toEqual(['a', 'b', 'bad']);
    expect(asked).toEqual(['PROCESSING_FAILED', 'PROCESSING_FAILED', 'PROCESSING_FAILED']);
    expect(app.state).toBe('RUNNING');
  });

  test('shutdownClient: stops, and another instance goes on', async () => {
    const fallen = deferred();
    const one = passing(
      () => {
        throw new Error('not here');
      },
      { onUncaughtError: () => 'shutdownClient', onError: (_error, fatal) => fatal && fallen.resolve() },
    );
    await one.start();
    await put('a', 'b');
    await fallen.promise;
    expect(one.state).toBe('ERROR');
    await passing(() => {}, {}).start();
    expect(await valuesOf('out', 2)).toEqual(['a', 'b']);
  });

  test('shutdownApplication: all instances stop, each with its reason', async () => {
    const ends = new Map<string, unknown>();
    const ended = deferred();
    const instance = (clientId: string) =>
      passing(refusing, {
        clientId,
        onUncaughtError: () => 'shutdownApplication',
        onError: (error, fatal) => {
          if (!fatal) return;
          ends.set(clientId, error);
          if (ends.size === 3) ended.resolve();
        },
      });
    const instances = ['one', 'two', 'three'].map(instance);
    for (const app of instances) await app.start();
    await put('a', 'bad');
    await ended.promise;
    expect(instances.map(({ state }) => state)).toEqual(['ERROR', 'ERROR', 'ERROR']);
    const codes = [...ends.values()].map(codeOf).sort();
    // The record may have come to another instance before it heard.
    expect(codes).toContain('PROCESSING_FAILED');
    expect(codes.filter((code) => code !== 'PROCESSING_FAILED' && code !== 'APPLICATION_SHUTDOWN')).toEqual([]);
  });

  test('a handler that answers something else, or throws, stops the instance', async () => {
    for (const handler of [
      () => 'retry' as never,
      () => {
        throw new MillraceError('X', 'x');
      },
    ]) {
      const fallen = deferred();
      const errors: unknown[] = [];
      const app = passing(refusing, {
        applicationId: `app-${errors.length}-${open.size}`,
        onUncaughtError: handler,
        onError: (error, fatal) => {
          errors.push(codeOf(error));
          if (fatal) fallen.resolve();
        },
      });
      await app.start();
      await put('bad');
      await fallen.promise;
      expect(errors.at(-1)).toBe('PROCESSING_FAILED');
      expect(errors).toHaveLength(2);
    }
  });
});
