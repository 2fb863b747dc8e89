// The demo's queries, all of them at once over flights that are there already: everything in one thread, against the
// broker, the services and the queries in threads of their own. What each form makes of the same machine is the ratio.
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { FlightLoader } from '../src/cli/demo/loader.ts';
import { splitStatements } from '../src/cli/statements.ts';
import { openPlatform } from './platform.ts';

export const name = "SQL: the demo's queries, in one thread and in several";

const FLIGHTS = 500_000;
const ROUNDS = 2;
const LOOK_MS = 50;

const FORMS: Readonly<Record<string, Record<string, string | number>>> = {
  'in one thread': {},
  'in threads, one for queries': { 'service.threads': 'true', 'ksql.streams.num.stream.threads': 1 },
  'in threads, two for queries': { 'service.threads': 'true', 'ksql.streams.num.stream.threads': 2 },
};

export async function measure(): Promise<Record<string, number | string>> {
  const best = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [form, settings] of Object.entries(FORMS)) {
      best.set(form, Math.max(best.get(form) ?? 0, await flightsPerSecond(settings)));
    }
  }
  const [one = 0] = best.values();
  const figures: Record<string, number | string> = {};
  for (const [form, perSecond] of best) {
    figures[`flights per second, ${form}`] = Math.round(perSecond);
    if (perSecond !== one) figures[`ratio to one thread, ${form}`] = perSecond / one;
  }
  figures['processors, and load average over 5 minutes'] = `${availableParallelism()}, ${loadavg()[1]!.toFixed(1)}`;
  return figures;
}

async function flightsPerSecond(settings: Record<string, string | number>): Promise<number> {
  const bench = await openPlatform(settings);
  try {
    const script = readFileSync(join(import.meta.dirname, '..', 'examples', 'flights.sql'), 'utf8');
    const statements = splitStatements(script).statements;
    const queries = statements.filter((statement) => /\bAS\s+SELECT\b/.test(statement));
    await bench.execute(statements.filter((statement) => !queries.includes(statement)).join('\n'));
    const { client, schemas } = bench.platform;
    const loader = new FlightLoader(client, schemas, 'flights');
    await loader.load(FLIGHTS, { stretch: () => {}, progress: () => {}, ahead: () => 0 });
    const begun = performance.now();
    await bench.execute(queries.join('\n'));
    const groups = (await client.admin().listGroups()).map(({ groupId }) => groupId);
    const readers = groups.filter((group) => /_(LATE_FLIGHTS|ORIGIN_DAYS|ROUTES)_\d+$/.test(group));
    if (readers.length !== 3) throw new Error(`these groups read flights: ${readers.join(', ')}`);
    for (const group of readers) while ((await committed(group)) < FLIGHTS) await pause();
    while ((await counted()) < FLIGHTS) await pause();
    return FLIGHTS / ((performance.now() - begun) / 1000);

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

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LOOK_MS);
  });
}
