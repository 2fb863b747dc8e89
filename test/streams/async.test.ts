// Functions that are waited for: what comes out in which order, what becomes of calls that fail, are late or are too many,
// and what a crash, a stop and a rebalance leave behind.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient, recordsOf } from '../../src/client/index.ts';
import {
  type AsyncCall,
  type AsyncOptions,
  KafkaStreams,
  type KStream,
  StreamsBuilder,
  type StreamsSettings,
  type TestDriverOptions,
} from '../../src/streams/index.ts';
import { codeOf, deferred, type Deferred } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { type Driven, drive, long, text, texts } from './support.ts';

/** A function whose calls are answered by the test. */
class Service {
  readonly calls: { readonly value: string; readonly call: AsyncCall; readonly answer: Deferred<string> }[] = [];

  readonly ask = (_key: string, value: string, call: AsyncCall): Promise<string> => {
    const answer = deferred<string>();
    this.calls.push({ value, call, answer });
    return answer.promise;
  };

  /** The values of calls that have not been answered. */
  get asked(): string[] {
    return this.calls.filter(({ answer }) => !this.#answered.has(answer)).map(({ value }) => value);
  }

  readonly #answered = new Set<unknown>();

  answer(value: string): void {
    const { answer } = this.#take(value);
    answer.resolve(`${value}!`);
  }

  fail(value: string, error: unknown = new Error('no')): void {
    this.#take(value).answer.reject(error);
  }

  #take(value: string) {
    const found = this.calls.find((call) => call.value === value && !this.#answered.has(call.answer))!;
    this.#answered.add(found.answer);
    return found;
  }
}

function enriching(options: AsyncOptions, driver: TestDriverOptions = {}) {
  const service = new Service();
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>('in', texts)
    .mapValuesAsync(service.ask, { value: text, ...options })
    .to('out');
  const driven = drive(builder, driver);
  return { service, driven };
}

/** Lets what has been answered go on, while other calls are under way. */
async function step({ driver }: Driven): Promise<void> {
  const settled = driver.settled();
  settled.catch(() => {});
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

describe('the order of results', () => {
  test('by key: one call at a time for a key, others meanwhile', async () => {
    const { service, driven } = enriching({});
    driven.pipe('in', 'a', 'a1', 1).pipe('in', 'a', 'a2', 2).pipe('in', 'b', 'b1', 3).pipe('in', 'a', 'a3', 4);
    expect(service.asked).toEqual(['a1', 'b1']);
    service.answer('b1');
    await step(driven);
    expect(driven.out()).toEqual(['b:b1!@3']);
    service.answer('a1');
    await step(driven);
    expect(service.asked).toEqual(['a2']);
    service.answer('a2');
    await step(driven);
    service.answer('a3');
    await driven.driver.settled();
    expect(driven.out()).toEqual(['a:a1!@1', 'a:a2!@2', 'a:a3!@4']);
  });

  test('by partition: all calls at once, results in the order of the records', async () => {
    const { service, driven } = enriching({ order: 'partition' });
    driven.pipe('in', 'a', 'a1', 1).pipe('in', 'a', 'a2', 2).pipe('in', 'b', 'b1', 3);
    expect(service.asked).toEqual(['a1', 'a2', 'b1']);
    service.answer('b1');
    service.answer('a2');
    await step(driven);
    expect(driven.out()).toEqual([]);
    service.answer('a1');
    await driven.driver.settled();
    expect(driven.out()).toEqual(['a:a1!@1', 'a:a2!@2', 'b:b1!@3']);
  });

  test('none: results as they come; records without a key have no order by key either', async () => {
    for (const [options, key] of [
      [{ order: 'none' }, 'a'],
      [{ order: 'key' }, null],
    ] as const) {
      const { service, driven } = enriching(options);
      driven.pipe('in', key, '1', 1).pipe('in', key, '2', 2);
      service.answer('2');
      await step(driven);
      service.answer('1');
      await driven.driver.settled();
      expect(driven.values()).toEqual(['2!@2', '1!@1']);
    }
  });

  test('what is behind sees the record as it was: key, time, headers, place', async () => {
    const seen: string[] = [];
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .mapValuesAsync(async (_key, value, { offset }) => `${value}@${offset}`, { value: text, order: 'none' })
      .peek(
        (key, value, { topic, partition, offset, timestamp, headers }) =>
          void seen.push(
            `${key} ${value} ${topic}-${partition}@${offset} ${timestamp} ${headers.map((h) => h.key).join()}`,
          ),
      )
      .groupByKey()
      .count()
      .toStream()
      .to('out', { value: long });
    const driven = drive(builder);
    const header = [{ key: 'trace', value: Buffer.from('1') }];
    driven.driver.pipe('in', Buffer.from('a'), Buffer.from('x'), 5, header);
    driven.driver.pipe('in', Buffer.from('a'), Buffer.from('y'), 6);
    await driven.driver.settled();
    expect(seen).toEqual(['a x@0 in-0@0 5 trace', 'a y@1 in-0@1 6 ']);
    expect(driven.out('out', long)).toEqual(['a:1@5', 'a:2@6']);
  });
});

describe('limits', () => {
  test('concurrency: so many calls are under way, and the task takes up no more than may wait', async () => {
    const { service, driven } = enriching({ concurrency: 2, order: 'none' });
    for (let i = 0; i < 50; i++) driven.pipe('in', 'k', String(i), i);
    expect(service.asked).toEqual(['0', '1']);
    for (let i = 0; i < 50; i++) {
      expect(service.asked.length).toBe(Math.min(2, 50 - i));
      service.answer(String(i));
      await step(driven);
    }
    await driven.driver.settled();
    expect(driven.values()).toEqual(Array.from({ length: 50 }, (_, i) => `${i}!@${i}`));
  });

  test('calls per second', () => {
    const { service, driven } = enriching({ callsPerSecond: 10, order: 'none' }, { startTimeMs: 1000 });
    for (let i = 0; i < 5; i++) driven.pipe('in', 'k', String(i), i);
    const counts = [service.calls.length];
    for (let i = 0; i < 4; i++) {
      driven.driver.advanceWallClock(100);
      counts.push(service.calls.length);
    }
    expect(counts).toEqual([1, 2, 3, 4, 5]);
  });

  test('time: a call that takes too long has failed, and its signal says so', async () => {
    const { service, driven } = enriching({ timeoutMs: 50 });
    driven.pipe('in', 'k', 'v', 1);
    driven.driver.advanceWallClock(50);
    const { signal } = service.calls[0]!.call;
    expect(signal.aborted).toBe(true);
    expect(codeOf(signal.reason)).toBe('CALL_TIMED_OUT');
    service.answer('v');
    await expect(driven.driver.settled()).rejects.toThrow('took more than 50 ms');
  });

  test('a closed task cancels its calls', () => {
    const { service, driven } = enriching({});
    driven.pipe('in', 'k', 'v', 1);
    driven.driver.close();
    expect(codeOf(service.calls[0]!.call.signal.reason)).toBe('CALL_CANCELLED');
  });
});

describe('failures', () => {
  test('are tried again, later each time, as often as was asked for', async () => {
    const { service, driven } = enriching({ retries: 2, retryDelayMs: 100 });
    driven.pipe('in', 'k', 'v', 1);
    for (const delayMs of [120, 240]) {
      service.fail('v');
      await step(driven);
      expect(service.asked).toEqual([]);
      driven.driver.advanceWallClock(delayMs);
      expect(service.asked).toEqual(['v']);
    }
    expect(service.calls.map(({ call }) => call.attempt)).toEqual([1, 2, 3]);
    service.answer('v');
    await driven.driver.settled();
    expect(driven.out()).toEqual(['k:v!@1']);
  });

  test('are the handler’s when no attempt is left, or none would help', async () => {
    const failures: unknown[] = [];
    const { service, driven } = enriching(
      { retries: 5, isRetriable: (error) => !(error instanceof TypeError) },
      {
        onProcessingError: (error, record) => {
          failures.push([error, record.offset]);
          return 'continue';
        },
      },
    );
    const error = new TypeError('never');
    driven.pipe('in', 'k', 'v', 1).pipe('in', 'k', 'w', 2);
    service.fail('v', error);
    await step(driven);
    service.answer('w');
    await driven.driver.settled();
    expect(failures).toEqual([[error, 0]]);
    expect(driven.out()).toEqual(['k:w!@2']);
    expect(driven.driver.dropped()).toEqual(new Map([['failed', 1]]));
  });

  test('stop the application otherwise, with the operator and the record named', async () => {
    const { service, driven } = enriching({ name: 'geo' });
    driven.pipe('in', 'k', 'v', 1);
    service.fail('v', new Error('gone'));
    await expect(driven.driver.settled()).rejects.toThrow('geo failed at in-0@0: gone');
  });

  test('what is no promise, and what is thrown at once, count the same', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .flatMapAsync(
        async (key, value) => {
          if (value === 'bad') throw new Error('bad');
          return [...value].map((letter) => [`${key}${letter}`, letter] as const);
        },
        { key: text, value: text },
      )
      .mapValuesAsync((_key, value) => value.toUpperCase(), { value: text })
      .to('out');
    const driven = drive(builder, { onProcessingError: () => 'continue' });
    driven.pipe('in', 'k', 'xy', 1).pipe('in', 'k', 'bad', 2).pipe('in', 'k', 'z', 3);
    await driven.driver.settled();
    expect(driven.out()).toEqual(['kx:X@1', 'ky:Y@1', 'kz:Z@3']);
  });
});

describe('processAsync', () => {
  const counting = (process: Parameters<KStream<string, string>['processAsync']>[0]) => {
    const builder = new StreamsBuilder();
    builder.addStateStore({ kind: 'key-value', name: 'counts', key: text, value: long });
    builder
      .stream<string, string>('in', texts)
      .processAsync(process as never, { stores: ['counts'], key: text, value: text })
      .to('out');
    return drive(builder);
  };

  test('has a key’s state to itself while it waits', async () => {
    const driven = counting(async ({ key, value }, context) => {
      const counts = context.keyValueStore<string, number>('counts');
      const before = counts.get(key) ?? 0;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      counts.put(key, before + 1);
      context.forward({ key: `${key}-seen`, value: `${value as string}${before + 1}` as never, timestamp: 9 });
    });
    for (let i = 0; i < 5; i++) driven.pipe('in', 'a', 'x', i).pipe('in', 'b', 'y', i);
    await driven.driver.settled();
    expect(driven.out().sort()).toEqual([1, 2, 3, 4, 5].flatMap((n) => [`a-seen:x${n}@9`, `b-seen:y${n}@9`]).sort());
    expect(driven.driver.store('counts')).toBeDefined();
  });

  test('what it does when its call is over is refused', async () => {
    const late: unknown[] = [];
    const first = deferred();
    const driven = counting(async (_record, context) => {
      const store = context.keyValueStore<string, number>('counts');
      void first.promise.then(() => {
        for (const act of [() => store.put('k', 1), () => context.forward({ key: 'k', value: 'v' as never })]) {
          try {
            act();
          } catch (error) {
            late.push(codeOf(error));
          }
        }
      });
    });
    driven.pipe('in', 'k', 'v', 1);
    await driven.driver.settled();
    first.resolve();
    await first.promise;
    expect(late).toEqual(['CALL_IS_OVER', 'CALL_IS_OVER']);
    expect(driven.out()).toEqual([]);
  });
});

describe('a promise where nobody waits for one', () => {
  const later = (() => Promise.reject(new Error('unheard'))) as never;

  test.each<[string, (stream: KStream<string, string>) => unknown]>([
    ['filter', (s) => s.filter(later).to('out')],
    ['map', (s) => s.map(later, texts).to('out')],
    ['mapValues', (s) => s.mapValues(later, { value: text }).to('out')],
    ['flatMap', (s) => s.flatMap(later, texts).to('out')],
    ['selectKey', (s) => s.selectKey(later, { key: text }).to('out')],
    ['peek', (s) => s.peek(later).to('out')],
    ['foreach', (s) => s.foreach(later)],
    ['a branch', (s) => s.split().branch(later).noDefaultBranch()],
    ['process', (s) => s.process(() => ({ process: later }), texts).to('out')],
    ['an aggregate', (s) => s.groupByKey().aggregate(() => '', later, { value: text })],
    ['a windowed reduce', (s) => s.groupByKey().reduce(later)],
    ['a table’s filter', (s) => s.toTable().filter(later).toStream().to('out')],
    ['a table’s mapValues', (s) => s.toTable().mapValues(later, { value: text }).toStream().to('out')],
    ['a table’s group', (s) => s.toTable().groupBy(later, texts).count()],
    ['a join with a table', (s) => s.join(s.toTable(), later).to('out', { value: text })],
  ])('%s: stops the application, whatever is said of failures', (_name, build) => {
    const builder = new StreamsBuilder();
    build(builder.stream<string, string>('in', texts));
    const driven = drive(builder, { onProcessingError: () => 'continue' });
    // The first value of a reduce is no call.
    expect(() => driven.pipe('in', 'k', 'v', 1).pipe('in', 'k', 'w', 2)).toThrow(
      expect.objectContaining({ code: 'PROMISE_RETURNED' }),
    );
  });
});

describe('an application', () => {
  let embedded: Embedded;
  let client: Client;
  const open = new Set<KafkaStreams>();

  beforeEach(async () => {
    embedded = await openEmbedded();
    client = createClient({ dial: async () => embedded.broker.connect() });
  });
  afterEach(async () => {
    for (const app of open) await app.close();
    open.clear();
    await client.close();
    await embedded.close();
  });

  const RECORDS = 400;
  const KEYS = 20;

  async function fill(partitions: number): Promise<void> {
    await client.admin().createTopics(['in', 'out'].map((name) => ({ name, partitions })));
    const producer = client.producer();
    for (let i = 0; i < RECORDS; i++) {
      void producer.send({ topic: 'in', key: `k${i % KEYS}`, value: String(i), timestamp: i });
    }
    await producer.close();
  }

  /** Counts per key what a function that is waited for lets through; every count is written. */
  function counting(
    ask: (value: string, call: AsyncCall) => Promise<string>,
    settings: Partial<StreamsSettings> = {},
    options: AsyncOptions = {},
  ): KafkaStreams {
    const builder = new StreamsBuilder();
    builder
      .stream<string, string>('in', texts)
      .mapValuesAsync((_key, value, call) => ask(value, call), { value: text, ...options })
      .groupByKey()
      .count()
      .toStream()
      .to('out', { value: long });
    const app = new KafkaStreams(builder.build(), {
      client,
      applicationId: 'app',
      processingGuarantee: 'exactly_once_v2',
      cacheMaxBytes: 0,
      commitIntervalMs: 20,
      heartbeatIntervalMs: 20,
      ...settings,
    });
    open.add(app);
    return app;
  }

  async function written(): Promise<Map<string, number[]>> {
    const consumer = client.consumer({ isolationLevel: 'read_committed' });
    const partitions = (await client.admin().describeTopics(['out'])).get('out')!.partitions;
    const ends = await client.admin().listOffsets(
      partitions.map(({ partition }) => ({ topic: 'out', partition, timestamp: -1 })),
      'read_committed',
    );
    consumer.assign(ends.map(({ partition }) => ({ topic: 'out', partition, offset: 0 })));
    const counts = new Map<string, number[]>();
    while (ends.some((end) => consumer.position(end) < end.offset)) {
      for (const { key, value } of recordsOf(await consumer.poll(100))) {
        const name = String(key);
        counts.set(name, [...(counts.get(name) ?? []), Number((value as Buffer).readBigInt64BE(0))]);
      }
    }
    await consumer.close();
    return counts;
  }

  const perKey = Array.from({ length: RECORDS / KEYS }, (_, i) => i + 1);
  const everyCountOnce = new Map(Array.from({ length: KEYS }, (_, k) => [`k${k}`, perKey]));
  const sorted = (counts: Map<string, number[]>) => new Map([...counts].sort());

  async function expectAllWritten(): Promise<void> {
    const total = async () => [...(await written()).values()].reduce((sum, counts) => sum + counts.length, 0);
    await expect.poll(total, { timeout: 20_000 }).toBe(RECORDS);
    expect(sorted(await written())).toEqual(sorted(everyCountOnce));
  }

  /** Answers after as many turns of the event loop as the value says. */
  async function slowly(value: string): Promise<string> {
    for (let i = 0; i < Number(value) % 7; i++) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    return value;
  }

  test.each(['at_least_once', 'exactly_once_v2'] as const)('%s: every record is waited for', async (guarantee) => {
    await fill(3);
    let most = 0;
    let underWay = 0;
    const app = counting(
      async (value) => {
        most = Math.max(most, ++underWay);
        await slowly(value);
        underWay--;
        return value;
      },
      { processingGuarantee: guarantee },
      { concurrency: 5 },
    );
    await app.start();
    await expectAllWritten();
    expect(most).toBeGreaterThan(1);
    // Of three tasks.
    expect(most).toBeLessThanOrEqual(15);
  });

  test('exactly once: what was under way when an instance fell is asked again, and written once', async () => {
    await fill(3);
    let calls = 0;
    const faulty = async (value: string): Promise<string> => {
      if ([60, 150, 250, 420].includes(++calls)) throw new Error('a fault');
      return slowly(value);
    };
    let falls = 0;
    for (let hasFallen = true; hasFallen; ) {
      const fallen = deferred();
      const app = counting(faulty, { onError: (_error, fatal) => fatal && fallen.resolve() });
      await app.start();
      hasFallen = await Promise.race([fallen.promise.then(() => true), expectAllWritten().then(() => false)]);
      if (hasFallen) falls++;
      await app.close();
    }
    expect(falls).toBeGreaterThan(0);
    expect(sorted(await written())).toEqual(sorted(everyCountOnce));
  });

  test('exactly once, with instances that come and go', async () => {
    await fill(3);
    const one = counting(slowly, { clientId: 'one' });
    await one.start();
    const two = counting(slowly, { clientId: 'two' });
    await two.start();
    await one.close();
    const three = counting(slowly, { clientId: 'three' });
    await three.start();
    await expectAllWritten();
  });

  test('a stop waits for the calls under way', async () => {
    await fill(1);
    const waiting = deferred();
    let asked = 0;
    const app = counting(
      async (value) => {
        asked++;
        await waiting.promise;
        return value;
      },
      {},
      { concurrency: 3, order: 'partition' },
    );
    await app.start();
    await expect.poll(() => asked).toBe(3);
    const closed = app.close();
    waiting.resolve();
    await closed;
    const counts = await written();
    const done = [...counts.values()].reduce((sum, each) => sum + each.length, 0);
    expect(done).toBe(asked);
    const next = counting(slowly);
    await next.start();
    await expectAllWritten();
  });
});
