// npm run bench:kafka [-- part…] [--rounds 3]: Apache Kafka and Millrace beside each other on this machine, measured alternately
// by Kafka's own tools; each figure is the ratio of the medians. Wants Java and Maven; Kafka comes from Maven Central.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mavenJars } from '../../test/suites/maven-jars.ts';
import { unpackInto } from '../../tools/build/unpacked.ts';
import { type Contender, openContenders } from './contenders.ts';
import { many } from './many.ts';
import { PerfTools, type Throughput, type Way } from './perf-tools.ts';
import { unbatched } from './unbatched.ts';

const PARTS = ['start', 'throughput', 'unbatched', 'latency', 'memory', 'secured', 'synced', 'many'] as const;
type Part = (typeof PARTS)[number];

const SHAPES = [
  { size: 100, partitions: 1, records: 2_000_000 },
  { size: 100, partitions: 12, records: 2_000_000 },
  { size: 1024, partitions: 1, records: 500_000 },
  { size: 1024, partitions: 12, records: 500_000 },
] as const;
type Shape = (typeof SHAPES)[number];
/** How often what was produced is consumed: that is short, and so less certain. */
const CONSUMED_TIMES = 3;
/** How long nothing is asked of what is called idle. */
const IDLE_MS = 10_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const wanted = positionals.length === 0 ? PARTS : PARTS.filter((part) => positionals.includes(part));
const unknown = positionals.filter((word) => !PARTS.includes(word as Part));
if (unknown.length > 0 || !(rounds >= 1)) {
  console.error(`bench:kafka [${PARTS.join('|')}]… [--rounds 3]; not understood: ${unknown.join(' ')}`);
  process.exit(2);
}
const jars = await mavenJars(join(import.meta.dirname, '..', '..', 'tools', 'oracle', 'pom.xml'));
if ('missing' in jars) {
  console.log(`not measured: ${jars.missing}`);
  process.exit(0);
}
// As users have it: the package, whose modules are compiled to few files.
const installed = mkdtempSync(join(tmpdir(), 'millrace-bench-package-'));
process.on('exit', () => rmSync(installed, { recursive: true, force: true }));
const programs = { jars: jars.folder, millrace: join(unpackInto(installed), 'bin', 'millrace') };
const tools = new PerfTools(jars.folder);
const names = ['kafka', 'millrace'] as const;
/** Topics that were made: each measurement has one of its own. */
let topics = 0;
type Both<T> = Record<(typeof names)[number], T>;

console.log('figure | Kafka | Millrace | ratio | processor per record: Kafka | Millrace | ratio');
console.log('---|---|---|---|---|---|---');
const plainParts = wanted.filter((part) => part !== 'synced' && part !== 'many');
if (plainParts.length > 0) await on(false, measurePlain);
if (wanted.includes('synced')) {
  await on(true, async (both) => {
    await warmUp(both, 'plain');
    for (const shape of [SHAPES[0], SHAPES[3]]) await measureThroughput(both, shape, 'plain', 'synced, ', false);
  });
}
if (wanted.includes('many')) await on(false, measureMany);

async function on(isSynced: boolean, measure: (both: Both<Contender>) => Promise<void>): Promise<void> {
  const both = await openContenders(programs, isSynced);
  try {
    await measure(both);
  } finally {
    for (const name of names) await both[name].close();
  }
}

async function measurePlain(both: Both<Contender>): Promise<void> {
  if (wanted.includes('start')) {
    const times: Both<number[]> = { kafka: [both.kafka.startMs], millrace: [both.millrace.startMs] };
    for (let round = 1; round < rounds; round++)
      for (const name of names) times[name].push((await both[name].restart()).startMs);
    tell('start to the first answer, ms', mapped(times, median));
  }
  if (wanted.includes('memory')) {
    await new Promise((resolve) => {
      setTimeout(resolve, IDLE_MS);
    });
    tell(
      'resident when idle, MB',
      mapped(both, (at) => at.residentMb()),
    );
  }
  if (wanted.includes('throughput')) {
    await warmUp(both, 'plain');
    for (const shape of SHAPES) await measureThroughput(both, shape, 'plain', '', true);
  }
  if (wanted.includes('unbatched')) await measureUnbatched(both);
  if (wanted.includes('latency')) await measureLatency(both);
  if (wanted.includes('secured')) {
    await warmUp(both, 'secured');
    for (const shape of SHAPES) await measureThroughput(both, shape, 'secured', 'TLS + SCRAM, ', true);
  }
  if (wanted.includes('memory'))
    tell(
      'resident after all of this, MB',
      mapped(both, (at) => at.residentMb()),
    );
}

async function warmUp(both: Both<Contender>, way: Way): Promise<void> {
  for (const name of names) {
    const topic = `warm-${++topics}`;
    await tools.createTopic(both[name], topic, 1);
    for (let i = 0; i < 2; i++) await tools.produce(both[name], topic, 500_000, 100, way);
    await tools.consume(both[name], topic, 1_000_000, way);
  }
}

async function measureThroughput(
  both: Both<Contender>,
  { size, partitions, records }: Shape,
  way: Way,
  prefix: string,
  isConsumed: boolean,
): Promise<void> {
  const produced: Both<Throughput[]> = { kafka: [], millrace: [] };
  const consumed: Both<Throughput[]> = { kafka: [], millrace: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const topic = `t-${++topics}`;
      await tools.createTopic(both[name], topic, partitions);
      produced[name].push(await tools.produce(both[name], topic, records, size, way));
      for (let i = 0; isConsumed && i < CONSUMED_TIMES; i++)
        consumed[name].push(await tools.consume(both[name], topic, records, way));
      await tools.deleteTopic(both[name], topic);
    }
  }
  tellThroughput(`${prefix}produce ${size} B, ${partitions} partitions, records/s`, produced);
  if (isConsumed) tellThroughput(`${prefix}consume ${size} B, ${partitions} partitions, records/s`, consumed);
}

async function measureUnbatched(both: Both<Contender>): Promise<void> {
  const rates: Both<Throughput[]> = { kafka: [], millrace: [] };
  for (const name of names) {
    await tools.createTopic(both[name], 'unbatched', 16);
    await unbatched(both[name], 'unbatched', 16, 16, 5);
  }
  for (let round = 0; round < rounds; round++)
    for (const name of names) rates[name].push(await unbatched(both[name], 'unbatched', 16, 16, 5));
  tellThroughput('unbatched, 16 connections, records/s', rates);
}

async function measureLatency(both: Both<Contender>): Promise<void> {
  for (const acks of ['1', 'all']) {
    const found: Both<{ mean: number; p99: number }[]> = { kafka: [], millrace: [] };
    for (const name of names) {
      await tools.createTopic(both[name], `latency-${acks}`, 1);
      await tools.endToEnd(both[name], `latency-${acks}`, 2000, acks);
    }
    for (let round = 0; round < rounds; round++)
      for (const name of names) found[name].push(await tools.endToEnd(both[name], `latency-${acks}`, 5000, acks));
    for (const what of ['mean', 'p99'] as const)
      tell(
        `end to end, acks=${acks}, ${what}, ms`,
        mapped(found, (figures) => median(figures.map((figure) => figure[what]))),
      );
  }
}

async function measureMany(both: Both<Contender>): Promise<void> {
  const sizes = { topics: 100, partitionsPerTopic: 100, groups: 2000, clients: 1000, seconds: 20 };
  const found = { kafka: await many(both.kafka, sizes), millrace: await many(both.millrace, sizes) };
  console.log(
    `${sizes.clients} clients, ${sizes.topics * sizes.partitionsPerTopic} partitions, ${sizes.groups} groups`,
  );
  for (const figure of Object.keys(found.kafka) as (keyof typeof found.kafka)[])
    tell(
      `many: ${figure}`,
      mapped(found, (figures) => figures[figure]),
    );
}

function mapped<T, R>(both: Both<T>, map: (value: T) => R): Both<R> {
  return { kafka: map(both.kafka), millrace: map(both.millrace) };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

function tellThroughput(what: string, found: Both<readonly Throughput[]>): void {
  tell(
    what,
    mapped(found, (all) => median(all.map(({ perSecond }) => perSecond))),
    mapped(found, (all) => median(all.map(({ cpuMicros }) => cpuMicros))),
  );
}

function tell(what: string, ...figures: Both<number>[]): void {
  const columns = figures.flatMap(({ kafka, millrace }) => [
    rounded(kafka),
    rounded(millrace),
    rounded(millrace / kafka),
  ]);
  console.log([what, ...columns].join(' | '));
}

function rounded(figure: number): string {
  const digits = figure >= 100 ? 0 : 2;
  return figure.toLocaleString('en', { maximumFractionDigits: digits });
}
