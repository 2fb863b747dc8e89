// What becomes of state when the program changes: rows are gone on with where they mean the same, and refused by the store's
// and the operator's names where they do not, before anything is read.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { serialize } from '../../src/serde/index.ts';
import {
  JoinWindows,
  KafkaStreams,
  type KStream,
  StreamsBuilder,
  type StreamsSettings,
  TimeWindows,
  type Topology,
} from '../../src/streams/index.ts';
import { codeOf } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { long, text, texts } from './support.ts';

type Build = (stream: KStream<string, string>) => void;

function topologyOf(topic: string, ...builds: readonly Build[]): Topology {
  const builder = new StreamsBuilder();
  const stream = builder.stream(topic, texts);
  for (const build of builds) build(stream);
  return builder.build();
}

const counting: Build = (stream) => void stream.groupByKey().count();
const countingErrors: Build = (stream) =>
  void stream
    .filter((_key, value) => value === 'error')
    .groupByKey()
    .count();

describe('what a topology tells of its stores', () => {
  const told = (...builds: readonly Build[]) => topologyOf('in', ...builds).fingerprints;

  test('does not depend on operators elsewhere', () => {
    const alone = told(counting).get('in-count');
    expect(alone).toMatchObject({ layout: 'key-value', key: 'TEXT', value: 'KAFKA(BIGINT)', operator: 'count' });
    const others: Build = (stream) => {
      stream.filter(() => true).foreach(() => {});
      stream.groupByKey().reduce((a) => a);
      stream.peek(() => {}).to('out');
    };
    expect(told(others, counting).get('in-count')).toEqual(alone);
    expect(told(counting, others).get('in-count')).toEqual(alone);
  });

  test('holds what stands in front of an operator whose store nobody named, through repartition topics', () => {
    expect(told(countingErrors).get('in-count')).not.toEqual(told(counting).get('in-count'));
    const moved =
      (...steps: readonly ((stream: KStream<string, string>) => KStream<string, string>)[]): Build =>
      (stream) =>
        void steps
          .reduce((at, step) => step(at), stream)
          .groupByKey()
          .count();
    const select = (stream: KStream<string, string>) => stream.selectKey((_key, value) => value, { key: text });
    const filter = (stream: KStream<string, string>) => stream.filter(() => true);
    expect(told(moved(select)).get('in-count')).not.toEqual(told(moved(filter, select)).get('in-count'));
  });

  test('leaves out what stands in front of an operator with a name', () => {
    const named = (stream: KStream<string, string>): void => void stream.groupByKey().count({ name: 'counts' });
    const behind: Build = (stream) => named(stream.filter(() => true));
    expect(told(behind).get('counts')).toEqual(told(named).get('counts'));
    const grouped = (stream: KStream<string, string>): void => void stream.groupByKey({ name: 'by' }).count();
    const groupedBehind: Build = (stream) => grouped(stream.filter(() => true));
    expect(told(groupedBehind).get('by-count')).toEqual(told(grouped).get('by-count'));
  });

  test('holds windows where rows have only their starts', () => {
    const windowed =
      (size: number, grace: number): Build =>
      (stream) =>
        void stream.groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(size, grace)).count({ name: 'counts' });
    expect(told(windowed(10, 5))).toEqual(told(windowed(10, 7)));
    expect(told(windowed(10, 5))).not.toEqual(told(windowed(20, 5)));
  });
});

describe('an application that comes back with another topology', () => {
  let embedded: Embedded;
  let client: Client;
  let stateDir: string;
  let topic: string;
  let applicationId: string;
  let names = 0;

  beforeAll(async () => {
    embedded = await openEmbedded();
    client = embedded.connect();
  });
  afterAll(async () => {
    await client.close();
    await embedded.close();
  });
  beforeEach(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'millrace-evolution-'));
    topic = `in${names++}`;
    applicationId = `app-${topic}`;
    await client.admin().createTopics([{ name: topic, partitions: 1 }]);
    await produce('a', 'error');
    await produce('a', 'ok');
  });
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  async function produce(key: string, value: string): Promise<void> {
    const producer = client.producer();
    await producer.send({ topic, key: serialize(text, key), value: serialize(text, value), timestamp: 5 });
    await producer.close();
  }

  /** Runs until all input is processed, and commits. Returns the entries of a store. */
  async function run(topology: Topology, store?: string, settings: Partial<StreamsSettings> = {}) {
    const app = new KafkaStreams(topology, { client, stateDir, applicationId, commitIntervalMs: 10, ...settings });
    const entries: [unknown, unknown][] = [];
    try {
      await app.start();
      while (Object.values(await app.lag()).some((lag) => lag > 0)) await new Promise((turn) => setImmediate(turn));
      if (store !== undefined) {
        const found = app.store(store);
        const all = found.kind === 'window' ? found.window().all() : found.keyValue().all();
        for await (const { key, value } of all) entries.push([key, value]);
      }
    } finally {
      await app.close();
    }
    return entries;
  }

  const refused = async (topology: Topology, settings: Partial<StreamsSettings> = {}): Promise<string> => {
    const error: unknown = await run(topology, undefined, settings).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(codeOf(error)).toBe('STORE_CHANGED');
    return (error as Error).message;
  };

  const named = (build: (stream: KStream<string, string>) => void): Topology => topologyOf(topic, build);
  const reducing: Build = (stream) => void stream.groupByKey().reduce((_a, b) => b, { name: 'state' });

  describe.each([
    ['with state on disk', {}],
    ['with state in memory', { stateDir: '' }],
  ])('%s', (_where, settings: Partial<StreamsSettings>) => {
    test('is refused where the serde of a store is another one', async () => {
      await run(named(reducing), undefined, settings);
      const other = named(
        (stream) =>
          void stream
            .mapValues((value) => value.length, { value: long })
            .groupByKey()
            .reduce((_a, b) => b, { name: 'state' }),
      );
      const message = await refused(other, settings);
      expect(message).toContain('the state store state (operator state-aggregate)');
      expect(message).toContain('its value serde was TEXT, and is LONG');
      expect(await run(named(reducing), 'state', settings)).toEqual([['a', 'ok']]);
    });

    test('is refused where the operator, its windows or its kind are others', async () => {
      await run(
        named((s) => void s.groupByKey().count({ name: 'state', value: long })),
        undefined,
        settings,
      );
      const summed: Build = (s) =>
        void s.groupByKey().aggregate(
          () => 0,
          (_key, value, sum) => sum + value.length,
          { name: 'state', value: long },
        );
      expect(await refused(named(summed), settings)).toContain('its operator was count, and is aggregate');
      const windowed: Build = (s) =>
        void s.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(10)).count({ name: 'state', value: long });
      expect(await refused(named(windowed), settings)).toContain('its kind was key-value, and is window of 10 ms');
    });

    test('does not hand the state of an operator to its twin', async () => {
      await run(named(counting), undefined, settings);
      const message = await refused(
        topologyOf(topic, countingErrors, (stream) => void stream.groupByKey().count({ name: 'all' })),
        settings,
      );
      expect(message).toContain(`name the store ${topic}-count to go on with its rows, or give it a name`);
      const both = topologyOf(
        topic,
        (stream) =>
          void stream
            .filter((_key, value) => value === 'error')
            .groupByKey()
            .count({ name: 'errors' }),
        counting,
      );
      await produce('a', 'error');
      expect(await run(both, `${topic}-count`, settings)).toEqual([['a', 3]]);
    });

    test('goes on where a name says whose rows they are', async () => {
      await run(named(counting), undefined, settings);
      await produce('a', 'error');
      const claimed: Build = (stream) =>
        void stream
          .filter((_key, value) => value === 'error')
          .groupByKey()
          .count({ name: `${topic}-count` });
      expect(await run(named(claimed), `${topic}-count`, settings)).toEqual([['a', 3]]);
    });

    test('begins anew where nothing is left of the rows', async () => {
      await run(named(reducing), undefined, settings);
      await client.admin().deleteTopics([`${applicationId}-state-changelog`]);
      await client.admin().deleteGroups([applicationId]);
      const counted: Build = (stream) => void stream.groupByKey().count({ name: 'state' });
      expect(await run(named(counted), 'state', settings)).toEqual([['a', 2]]);
    });

    test('remembers stores that it does not have any more', async () => {
      await run(named(reducing), undefined, settings);
      await produce('a', 'error');
      await run(
        named((stream) => stream.foreach(() => {})),
        undefined,
        settings,
      );
      await produce('a', 'error');
      await run(named(counting), undefined, settings);
      const counted: Build = (stream) => void stream.groupByKey().count({ name: 'state' });
      expect(await refused(named(counted), settings)).toContain('its value serde was TEXT, and is KAFKA(BIGINT)');
    });
  });

  test('may change what is stateless, how long rows are kept, and which stores there are besides', async () => {
    const version = (graceMs: number, ...others: readonly Build[]): Topology =>
      topologyOf(topic, ...others, (stream) => {
        stream
          .peek(() => {})
          .groupByKey()
          .windowedBy(TimeWindows.ofSizeAndGrace(10, graceMs))
          .count({ name: 'state' });
      });
    await run(version(5));
    await produce('a', 'error');
    const apart = version(50, (stream) => void stream.groupByKey().reduce((_a, b) => b, { name: 'latest' }));
    expect(await run(apart, 'state')).toEqual([[{ key: 'a', start: 0, end: 10 }, 3]]);
  });
});

describe('names', () => {
  const settings = (topology: Topology) =>
    new KafkaStreams(topology, {
      client: { producer() {}, consumer() {}, admin() {} } as never,
      applicationId: 'app',
      ensureExplicitInternalResourceNaming: true,
    });

  test('have to be given where the application asks for it', () => {
    const joining: Build = (stream) => {
      stream
        .selectKey((_key, value) => value, { key: text })
        .join(stream, (a, b) => `${a}${b}`, JoinWindows.ofTimeDifferenceWithNoGrace(5));
    };
    expect(() => settings(topologyOf('in', counting, joining))).toThrow(
      'ensureExplicitInternalResourceNaming: nobody has named what these come from: ' +
        'state stores in-count, in-in-join-this-join-store, in-in-join-other-join-store; ' +
        'changelog topics app-in-count-changelog, app-in-in-join-this-join-store-changelog, ' +
        'app-in-in-join-other-join-store-changelog; internal topics app-in-in-join-left-repartition; ',
    );
    const named: Build = (stream) => {
      stream.groupByKey({ name: 'by-key' }).count();
      stream
        .selectKey((_key, value) => value, { key: text })
        .join(stream, (a, b) => `${a}${b}`, JoinWindows.ofTimeDifferenceWithNoGrace(5), { name: 'in-in-join-2' });
      stream.toTable({ name: 'latest' }).toStream().to('out');
    };
    settings(topologyOf('in', named));
  });
});
