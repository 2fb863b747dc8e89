// What operators count: records in and out of each, whatever is behind it, and what is left out.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { KafkaStreams, type OperatorMetrics, StreamsBuilder } from '../../src/streams/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';
import { texts } from './support.ts';

let embedded: Embedded;
let client: Client;

beforeAll(async () => {
  embedded = await openEmbedded();
  client = embedded.connect();
});
afterAll(async () => {
  await client.close();
  await embedded.close();
});

test('counts what goes in and out of every operator', async () => {
  await client.admin().createTopics([
    { name: 'words', partitions: 1 },
    { name: 'long', partitions: 1 },
    { name: 'short', partitions: 1 },
  ]);
  const builder = new StreamsBuilder();
  const words = builder.stream<string, string>('words', texts);
  const letters = builder.within('splitting', () =>
    words
      .filter((_key, value) => value !== 'nothing')
      .mapValues((_key, value) => value)
      .flatMapValues((_key, value) => value.split(' ')),
  );
  const branches = letters
    .split({ name: 'by-length-' })
    .branch((_key, value) => value.length > 3, { name: 'long' })
    .defaultBranch({ name: 'short' });
  branches.get('by-length-long')!.to('long', texts);
  branches.get('by-length-short')!.to('short', texts);
  const app = new KafkaStreams(builder.build(), { client, applicationId: 'counting', autoOffsetReset: 'earliest' });
  await app.start();
  const producer = client.producer();
  for (const value of ['one three five', 'nothing', 'seven eleven']) {
    await producer.send({ topic: 'words', key: null, value });
  }
  await producer.close();
  await expect.poll(() => app.metrics()[0]?.processed).toBe(3);
  const { operators, sources } = app.metrics()[0]!;
  const flowOf = ({ recordsIn, recordsOut }: OperatorMetrics): readonly [number, number] => [recordsIn, recordsOut];
  expect(Object.fromEntries(operators.map((each) => [each.operator, flowOf(each)]))).toEqual({
    'words-source': [3, 3],
    'words-filter': [3, 2],
    'words-map-values': [2, 2],
    'words-flat-map-values': [2, 5],
    'by-length-': [5, 5],
    'by-length--by-length-long': [4, 4],
    'by-length--by-length-short': [1, 1],
    'long-sink': [4, 4],
    'short-sink': [1, 1],
  });
  expect(operators.filter(({ part }) => part === 'splitting')).toHaveLength(3);
  expect(operators.map(({ recent }) => recent.recordsIn)).toEqual(operators.map(({ recordsIn }) => recordsIn));
  expect(sources).toMatchObject([{ topic: 'words', partition: 0, position: 3, records: 3, waitsFor: undefined }]);
  expect(sources[0]!.arrivedAt).toBeGreaterThan(0);
  await app.close();
});

test('counts what an operator leaves out as come in and not gone on, and notes the first and the last', async () => {
  await client.admin().createTopics([
    { name: 'keyless', partitions: 1 },
    { name: 'counts', partitions: 1 },
  ]);
  const builder = new StreamsBuilder();
  builder.stream<string, string>('keyless', texts).groupByKey().count({ name: 'counted' }).toStream();
  const app = new KafkaStreams(builder.build(), { client, applicationId: 'keyless', autoOffsetReset: 'earliest' });
  await app.start();
  const producer = client.producer();
  for (const timestamp of [5, 7, 6]) await producer.send({ topic: 'keyless', key: null, value: 'x', timestamp });
  await producer.close();
  await expect.poll(() => app.metrics()[0]?.dropped).toEqual({ 'null-key': 3 });
  const counting = app.metrics()[0]!.operators.find(({ dropped }) => 'null-key' in dropped)!;
  expect(counting).toMatchObject({ recordsIn: 3, recordsOut: 0 });
  const place = { topic: 'keyless', partition: 0, error: undefined };
  expect(counting.dropped).toEqual({
    'null-key': {
      count: 3,
      first: { ...place, offset: 0, timestamp: 5, streamTime: 5 },
      last: { ...place, offset: 2, timestamp: 6, streamTime: 7 },
    },
  });
  await app.close();
});
