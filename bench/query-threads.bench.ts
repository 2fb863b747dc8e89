// The demo's queries, all of them at once over flights that are there already: everything in one thread, against the
// broker, the services and the queries in threads of their own. What each form makes of the same machine is the ratio;
// where others work on it, too, what the busiest thread has to do says more, as no thread can be done sooner.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { FlightLoader } from '../src/cli/demo/loader.ts';
import { splitStatements } from '../src/cli/statements.ts';
import { openPlatform } from './platform.ts';

export const name = "SQL: the demo's queries, in one thread and in several";

/** As many as keep every form busy for long: each new thread has to compile for itself what it runs. */
const FLIGHTS = 2_000_000;
const LOOK_MS = 50;

const FORMS: Readonly<Record<string, Record<string, string | number>>> = {
  'in one thread': {},
  'in threads, one for queries': { 'service.threads': 'true', 'ksql.streams.num.stream.threads': 1 },
  'in threads, two for queries': { 'service.threads': 'true', 'ksql.streams.num.stream.threads': 2 },
};

interface Measured {
  readonly perSecond: number;
  /** CPU seconds of the busiest thread, and of all of them. */
  readonly busiest: number;
  readonly all: number;
}

export async function measure(): Promise<Record<string, number | string>> {
  // Once each: a second round would find its code compiled in the one thread, and not in new ones.
  const measured = new Map<string, Measured>();
  for (const [form, settings] of Object.entries(FORMS)) measured.set(form, await run(settings));
  const [one] = measured.values();
  const figures: Record<string, number | string> = {};
  for (const [form, { perSecond, busiest, all }] of measured) {
    figures[`flights per second, ${form}`] = Math.round(perSecond);
    figures[`CPU seconds of the busiest thread (of all), ${form}`] = `${busiest.toFixed(1)} (${all.toFixed(1)})`;
    if (perSecond !== one!.perSecond) figures[`ratio to one thread, ${form}`] = perSecond / one!.perSecond;
  }
  figures['processors, and load average over 5 minutes'] = `${availableParallelism()}, ${loadavg()[1]!.toFixed(1)}`;
  return figures;
}

async function run(settings: Record<string, string | number>): Promise<Measured> {
  const bench = await openPlatform(settings);
  try {
    const script = readFileSync(join(import.meta.dirname, '..', 'examples', 'flights.sql'), 'utf8');
    const statements = splitStatements(script).statements.map(({ text }) => text);
    const queries = statements.filter((statement) => /\bAS\s+SELECT\b/.test(statement));
    await bench.execute(statements.filter((statement) => !queries.includes(statement)).join('\n'));
    const { client, schemas } = bench.platform;
    const loader = new FlightLoader(client, schemas, 'flights');
    await loader.load(FLIGHTS, { stretch: () => {}, progress: () => {}, ahead: () => 0 });
    const begun = performance.now();
    const before = cpuSeconds();
    await bench.execute(queries.join('\n'));
    const groups = (await client.admin().listGroups()).map(({ groupId }) => groupId);
    const readers = groups.filter((group) => /_(LATE_FLIGHTS|ORIGIN_DAYS|ROUTES)_\d+$/.test(group));
    if (readers.length !== 3) throw new Error(`these groups read flights: ${readers.join(', ')}`);
    for (const group of readers) while ((await committed(group)) < FLIGHTS) await pause();
    while ((await counted()) < FLIGHTS) await pause();
    const perSecond = FLIGHTS / ((performance.now() - begun) / 1000);
    const spent = [...cpuSeconds()].map(([thread, seconds]) => seconds - (before.get(thread) ?? 0));
    return { perSecond, busiest: Math.max(0, ...spent), all: spent.reduce((sum, seconds) => sum + seconds, 0) };

    async function committed(group: string): Promise<number> {
      const offsets = await client.admin().committedOffsets(group);
      return offsets.filter(({ topic }) => topic === 'flights').reduce((sum, { offset }) => sum + offset, 0);
    }

    /** Behind a repartition topic there is more to do when all flights have been read. */
    async function counted(): Promise<number> {
      const response = await fetch(`${bench.platform.url('sql')}/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ksql: 'SELECT SUM(flights) FROM routes;' }),
      });
      const [, found] = (await response.json()) as { row?: { columns: number[] } }[];
      return found?.row?.columns[0] ?? 0;
    }
  } finally {
    await bench.close();
  }
}

/** What each thread of this process has used so far, where the system says (Linux, in hundredths of a second). */
function cpuSeconds(): Map<string, number> {
  const tasks = '/proc/self/task';
  if (!existsSync(tasks)) return new Map();
  return new Map(
    readdirSync(tasks).map((task) => {
      const stat = readFileSync(join(tasks, task, 'stat'), 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [task, (Number(fields[11]) + Number(fields[12])) / 100];
    }),
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LOOK_MS);
  });
}
