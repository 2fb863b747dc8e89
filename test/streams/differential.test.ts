// Every topology beside Kafka Streams: random records go through its TopologyTestDriver (Maven Central) and ours, and every
// record that comes out is compared, in its place: key, value, timestamp. What differs, and why, stands in
// docs/reference/streams-differences.md.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { StreamsBuilder } from '../../src/streams/index.ts';
import { mavenJars } from '../suites/maven-jars.ts';
import { seeded } from '../../tools/fuzz/seeded.ts';
import { topologies } from './differential/topologies.ts';
import { drive, text } from './support.ts';

const RUNS = 8;
/** Kafka Streams has versions in RocksDB only, which takes its time to open. */
const RUNS_ON_DISK = 3;
const RECORDS = 60;
const INPUTS = RECORDS + 5;

interface Input {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/**
 * Late, equal and out-of-order times. They are multiples of 3, which no sum of a window and its grace is: at the very
 * millisecond where Java's stores expire they are off by one.
 */
function inputsOf(seed: number): Input[] {
  const random = seeded(seed);
  const below = (n: number): number => Math.floor(random() * n);
  let time = 30;
  const inputs = Array.from({ length: RECORDS }, (): Input => {
    time += 3 * below(4) * (below(12) === 0 ? 8 : 1);
    return {
      topic: 'abc'[below(20) < 9 ? 0 : below(11) < 8 ? 1 : 2]!,
      key: seed % 2 === 0 && below(8) === 0 ? null : `k${below(3)}`,
      value: seed % 2 === 0 && below(6) === 0 ? null : String(below(10)),
      timestamp: Math.max(0, time - 3 * (below(3) === 0 ? below(14) : 0)),
    };
  });
  // In the end, everything that waits has waited long enough.
  const last = (topic: string, i: number): Input => ({
    topic,
    key: 'k9',
    value: '9',
    timestamp: time + 3000 + 300 * i,
  });
  return [...inputs, ...['a', 'b', 'c', 'a', 'b'].map(last)];
}

/** What one record brings about comes in another order (that of sessions is that of Java's stores on disk, not in memory). */
const ANY_ORDER = new Set(['sliding', 'sliding-final', 'session-final', 'cogroup-sliding']);
/** Records that found no partner come with another record, earlier or later. */
const ANY_TIME = new Set(['join-left', 'join-outer']);

function ours(name: string, inputs: readonly Input[]): string[][] {
  const builder = new StreamsBuilder();
  topologies[name]!(builder);
  const topology = builder.build();
  const read = new Set([...topology.sourceTopics(), ...topology.globalStores.map(({ sourceTopic }) => sourceTopic)]);
  const driven = drive(builder);
  return inputs.map(({ topic, key, value, timestamp }) => {
    if (read.has(topic)) driven.pipe(topic, key, value, timestamp);
    return driven.driver.read('out').map((record) => {
      const [k, v] = [record.key, record.value].map((bytes) =>
        bytes === null ? '~' : text.decode(bytes, 0, bytes.length),
      );
      return `${k}\t${v}\t${record.timestamp}`;
    });
  });
}

const runsOf = (name: string): number => (name.startsWith('versioned-') ? RUNS_ON_DISK : RUNS);
const runs = Object.keys(topologies).flatMap((name) =>
  Array.from({ length: runsOf(name) }, (_, seed) => ({ name, seed })),
);
const same = (name: string, lines: readonly string[]): readonly string[] =>
  ANY_ORDER.has(name) ? lines.toSorted() : lines;

/** What Kafka Streams says, by topology and seed. */
function theirs(classes: string, jars: string): Map<string, string[][]> {
  const script = runs.map(({ name, seed }) => {
    const lines = inputsOf(seed).map(({ topic, key, value, timestamp }) =>
      [topic, key ?? '~', value ?? '~', timestamp].join('\t'),
    );
    return [`run ${name}`, ...lines, 'end', ''].join('\n');
  });
  const said = execFileSync('java', ['-cp', [classes, join(jars, '*')].join(delimiter), 'Topologies'], {
    input: script.join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = said.split('.\n').map((part) =>
    part
      .split('\n')
      .filter((line) => line.startsWith('> '))
      .map((line) => line.slice(2)),
  );
  return new Map(runs.map(({ name, seed }, i) => [`${name} ${seed}`, answers.slice(i * INPUTS, (i + 1) * INPUTS)]));
}

const jars = await mavenJars(join(import.meta.dirname, 'differential', 'pom.xml'));
if ('missing' in jars) console.log(`skipped: the comparison with Kafka Streams, because ${jars.missing}`);

describe.skipIf('missing' in jars)('beside Kafka Streams 4.1.1', () => {
  const answers = 'missing' in jars ? new Map<string, string[][]>() : compiled(jars.folder);

  test.each(Object.keys(topologies))('%s', (name) => {
    for (let seed = 0; seed < runsOf(name); seed++) {
      const inputs = inputsOf(seed);
      const [mine, known] = [ours(name, inputs), answers.get(`${name} ${seed}`)!].map((lines) =>
        ANY_TIME.has(name) ? [lines.flat().toSorted()] : lines,
      ) as [string[][], string[][]];
      const at = mine.findIndex((lines, i) => same(name, lines).join('\n') !== same(name, known[i]!).join('\n'));
      const before = inputs
        .slice(0, at + 1)
        .map(({ topic, key, value, timestamp }) => `${topic} ${key}=${value}@${timestamp}`);
      expect(at < 0 ? [] : { seed, before, ours: mine[at] }).toEqual(at < 0 ? [] : { seed, before, ours: known[at] });
    }
  });
});

function compiled(folder: string): Map<string, string[][]> {
  const classes = mkdtempSync(join(tmpdir(), 'millrace-differential-'));
  try {
    const source = join(import.meta.dirname, 'differential', 'Topologies.java');
    execFileSync('javac', ['-nowarn', '-cp', join(folder, '*'), '-d', classes, source]);
    return theirs(classes, folder);
  } finally {
    rmSync(classes, { recursive: true });
  }
}
