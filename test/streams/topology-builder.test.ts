// The Processor API: topologies by the names of their parts.
import { describe, expect, test } from 'vitest';
import { type Processor, TopologyBuilder, TopologyTestDriver } from '../../src/streams/index.ts';
import { Driven, long, text, texts } from './support.ts';

const drive = (builder: TopologyBuilder): Driven => new Driven(new TopologyTestDriver(builder.build()));
const passing = () => ({ process: () => {} });

test('counts words: a source, processors with a store between them, a sink', () => {
  const builder = new TopologyBuilder()
    .addSource<string, string>('lines', 'in', texts)
    .addProcessor<string, string, string, string>(
      'split',
      (context) => ({
        process: ({ value }) => {
          for (const word of value.split(' ')) context.forward({ key: word, value: word });
        },
      }),
      'lines',
    )
    .addProcessor<string, string, string, number>(
      'count',
      (context) => {
        const counts = context.keyValueStore<string, number>('counts');
        return {
          process: ({ key }) => {
            const count = (counts.get(key) ?? 0) + 1;
            counts.put(key, count);
            context.forward({ key, value: count });
          },
        };
      },
      'split',
    )
    .addStateStore({ kind: 'key-value', name: 'counts', key: text, value: long }, 'count')
    .addSink('words', 'out', { key: text, value: long }, 'count');
  const driven = drive(builder);
  driven.pipe('in', 'k', 'a b a', 5);
  expect(driven.out('out', long)).toEqual(['a:1@5', 'b:1@5', 'a:2@5']);
  expect(builder.build().describe().toString()).toBe(
    [
      'Topologies:',
      '   Sub-topology: 0',
      '    Source: lines (topics: [in])',
      '      --> split',
      '    Processor: split (stores: [])',
      '      --> count',
      '      <-- lines',
      '    Processor: count (stores: [counts])',
      '      --> words',
      '      <-- split',
      '    Sink: words (topic: out)',
      '      <-- count',
      '',
    ].join('\n'),
  );
});

test('forwards to the child that is named, and a topic is chosen per record', () => {
  const builder = new TopologyBuilder()
    .addSource<string, string>('all', ['in', 'in-2'], texts)
    .addProcessor<string, string, string, string>(
      'route',
      (context) => ({
        process: ({ key, value }) => context.forward({ key, value }, value.startsWith('x') ? 'rare' : undefined),
      }),
      'all',
    )
    .addSink('rare', 'rare', texts, 'route')
    .addSink<string, string>('by-key', (key) => `to-${key}`, { ...texts, timestamp: () => 9 }, 'route');
  const driven = drive(builder);
  driven.pipe('in', 'a', 'x1', 1).pipe('in-2', 'b', 'y1', 2);
  expect(driven.out('rare')).toEqual(['a:x1@1', 'b:y1@2']);
  expect(driven.out('to-b')).toEqual(['b:y1@9']);
  expect(driven.out('to-a')).toEqual([]);
});

test('two processors share a store: they are one sub-topology', () => {
  const putting: Processor<string, string>[] = [];
  const builder = new TopologyBuilder()
    .addSource<string, string>('left', 'in', texts)
    .addSource<string, string>('right', 'in-2', texts)
    .addProcessor<string, string, string, string>(
      'put',
      (context) => {
        const store = context.keyValueStore<string, string>('seen');
        const processor = { process: ({ key, value }: { key: string; value: string }) => store.put(key, value) };
        putting.push(processor as never);
        return processor;
      },
      'left',
    )
    .addProcessor<string, string, string, string>(
      'get',
      (context) => ({
        process: ({ key, value }) =>
          context.forward({ key, value: `${value}-${context.keyValueStore<string, string>('seen').get(key)}` }),
      }),
      'right',
    )
    .addStateStore({ kind: 'key-value', name: 'seen', key: text, value: text }, 'put')
    .connectProcessorAndStateStores('get', 'seen')
    .addSink('out', 'out', texts, 'get');
  expect(builder.build().subTopologies).toHaveLength(1);
  const driven = drive(builder);
  driven.pipe('in', 'k', 'v', 1).pipe('in-2', 'k', 'w', 2);
  expect(driven.out()).toEqual(['k:w-v@2']);
  expect(putting).toHaveLength(1);
});

describe('refuses', () => {
  const source = () => new TopologyBuilder().addSource<string, string>('source', 'in', texts);
  test.each<[string, () => unknown, string]>([
    ['a parent that is not there', () => source().addProcessor('p', passing, 'sauce'), 'no source or processor sauce'],
    ['an operator without a parent', () => source().addProcessor('p', passing), 'needs a parent'],
    [
      'a sink as a parent',
      () => source().addSink('s', 'out', texts, 'source').addProcessor('p', passing, 's'),
      'there are source',
    ],
    ['a name twice', () => source().addProcessor('source', passing, 'source'), 'two operators are named source'],
    ['a topic twice', () => source().addSource('again', 'in', texts), 'already read by the source source'],
    ['a source without topics', () => new TopologyBuilder().addSource('s', [], texts), 'at least one topic'],
    [
      'a store that is not there',
      () => source().addProcessor('p', passing, 'source').connectProcessorAndStateStores('p', 'x'),
      'state store x',
    ],
    [
      'a store for a source',
      () => source().addStateStore({ kind: 'key-value', name: 's', key: text, value: text }, 'source'),
      'is a source',
    ],
    [
      'a supplier that is none',
      () => source().addProcessor('p', { process: () => {} } as never, 'source'),
      'the supplier',
    ],
    ['a sink without serdes', () => source().addSink('s', 'out', {} as never, 'source'), 'needs the option key'],
    ['a topology that reads nothing', () => new TopologyBuilder().build(), 'reads no topic'],
  ])('%s', (_name, build, message) => {
    expect(build).toThrow(message);
  });

  test('a child that is not behind it, when it is forwarded to', () => {
    const builder = source()
      .addProcessor<string, string, string, string>(
        'p',
        (context) => ({ process: ({ key, value }) => context.forward({ key, value }, 'nobody') }),
        'source',
      )
      .addSink('s', 'out', texts, 'p');
    expect(() => drive(builder).pipe('in', 'k', 'v', 1)).toThrow('p forwards to nobody, but behind it are s');
  });
});
