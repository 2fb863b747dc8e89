// `npm run demo`: the whole platform in this process, three million real flights through it, SQL on top, and a check of
// every result against an independent computation. Everything goes the way a user's program would go: statements over
// HTTP, records through the Kafka client, schemas from the registry.
//
// Killed at any point and started again on the same directory it continues: the statements say IF NOT EXISTS, the loader
// counts what the topic holds, and the queries resume from their last transaction.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Platform, version } from '../../platform/index.ts';
import { MillraceError, packageRoot } from '../../util/index.ts';
import type { DemoOptions } from '../options.ts';
import type { SqlClient, SqlEntity as Entity } from '../../sql-api/index.ts';
import { serviceSettings, signalled } from '../start.ts';
import { splitStatements } from '../statements.ts';
import { DAY_MS, differences, ExpectedResults } from './expected.ts';
import type { FlightColumns } from './flight-columns.ts';
import { areFlightsReal, readAirports } from './flights-data.ts';
import { LatencyProbe } from './latency.ts';
import { FlightLoader } from './loader.ts';
import { bytesText, count, Screen } from './screen.ts';

const ALL_FLIGHTS = 3_000_000;
/** No result for so long although flights are missing: something is wrong. */
const STALLED_MS = 60_000;
const CHECK_EVERY_MS = 100;
const MAX_DIFFERENCES_SHOWN = 20;
const LIVE_ROWS = 6;
const LIVE_HEADINGS = ['ORIGIN', 'DAY', 'FLIGHTS', 'AVERAGE_DELAY', 'SHARE_DELAYED', 'LONGEST_DELAY'];

export async function demo(options: DemoOptions): Promise<void> {
  const flights = parseCount(options.records);
  const dataDir = options.dataDir ?? './millrace-demo';
  if (options.fresh === true) rmSync(dataDir, { recursive: true, force: true });
  const screen = new Screen();
  const startedAt = performance.now();
  const platform = await Platform.start({
    settings: {
      'ksql.streams.processing.guarantee': 'exactly_once_v2',
      'ksql.streams.auto.offset.reset': 'earliest',
      ...serviceSettings({ ...options, dataDir }),
    },
    log: (message) => screen.line(message),
  });
  try {
    screen.line(`Millrace ${version}: all services up after ${Math.round(performance.now() - startedAt)} ms`);
    for (const { name, url } of platform.services) screen.line(`  ${name.padEnd(18)} ${url}`);
    const run = new DemoRun(platform, platform.sql, screen, flights, dataDir);
    const wrong = await run.all();
    if (wrong > 0) process.exitCode = 1;
    whatNext(screen, platform, dataDir, options.keep === true);
    if (options.keep === true) await signalled();
  } finally {
    await platform.stop();
  }
}

class DemoRun {
  readonly #platform: Platform;
  readonly #sql: SqlClient;
  readonly #screen: Screen;
  readonly #total: number;
  readonly #dataDir: string;
  readonly #expected = new ExpectedResults();
  readonly #latency = new LatencyProbe();
  /** The newest result of every window, as the push query told it. */
  readonly #windows = new Map<string, readonly unknown[]>();
  readonly #busiest: { key: string; row: readonly unknown[] }[] = [];
  #resultRows = 0;
  #counted = 0;

  constructor(platform: Platform, sql: SqlClient, screen: Screen, total: number, dataDir: string) {
    this.#platform = platform;
    this.#sql = sql;
    this.#screen = screen;
    this.#total = total;
    this.#dataDir = dataDir;
  }

  /** Returns the number of differences between results and expectations. */
  async all(): Promise<number> {
    await this.#runScript(join(packageRoot, 'examples', 'flights.sql'));
    await this.#loadAirports();

    const begun = performance.now();
    const { produced, loadMs, processMs } = await this.#whileWatching(async () => {
      const loaded = await this.#loadFlights(begun);
      await this.#untilCounted(() => this.#counted);
      return { ...loaded, processMs: performance.now() - begun };
    });
    await this.#untilCounted(async () => sum(await this.#rows('SELECT FLIGHTS FROM routes;'), 'FLIGHTS'));
    this.#screen.clear();

    await this.#showPullQueries();
    const wrong = await this.#verify();
    this.#summary(produced, loadMs, processMs);
    return wrong;
  }

  async #runScript(file: string): Promise<void> {
    if (!areFlightsReal()) {
      this.#screen.line('The flights are made up. For three million real ones: npm install vega-datasets');
    }
    this.#screen.line('\nexamples/flights.sql');
    for (const { text: statement } of splitStatements(readFileSync(file, 'utf8')).statements) {
      const answers = await this.#sql.execute(statement);
      this.#screen.line(`  ${titleOf(statement).padEnd(30)} ${answers.map(messageOfEntity).join(' ')}`);
    }
  }

  async #loadAirports(): Promise<void> {
    const airports = readAirports();
    const inserted = await this.#sql.insert('AIRPORTS', airports);
    this.#screen.line(`  ${count(inserted)} airports inserted over HTTP\n`);
  }

  async #loadFlights(begun: number): Promise<{ produced: number; loadMs: number }> {
    const loader = new FlightLoader(this.#platform.client, this.#platform.schemas, 'flights');
    const present = (await loader.present()).reduce((total, offset) => total + offset, 0);
    if (present > this.#total) {
      throw new MillraceError(
        'DEMO_HAS_MORE',
        `The data directory already holds ${count(present)} flights: run with at least --records ${present}, or with --fresh.`,
      );
    }
    if (present > 0) this.#screen.line(`  ${count(present)} flights are in the topic already; continuing behind them`);
    let stretch: FlightColumns | undefined;
    let ordinals: Int32Array = new Int32Array(0);
    const produced = await loader.load(this.#total, {
      stretch: (flights) => {
        stretch = flights;
        ordinals = this.#expected.add(flights);
      },
      ahead: (loaded) => loaded - this.#counted,
      progress: (loaded, index) => {
        if (loaded > present) this.#latency.sent(windowKey(stretch!, index), ordinals[index]!);
        this.#show(loaded, (Math.max(0, loaded - present) / (performance.now() - begun)) * 1000);
      },
    });
    const loadMs = performance.now() - begun;
    this.#show(this.#total, (produced / loadMs) * 1000);
    return { produced, loadMs };
  }

  /** Runs the push query beside some work, and ends it with the work. */
  async #whileWatching<T>(work: () => Promise<T>): Promise<T> {
    const watching = new AbortController();
    const watch = this.#watch(watching.signal);
    // Whichever fails first is what is told.
    const failed = watch.then(() => new Promise<never>(() => {}));
    try {
      return await Promise.race([work(), failed]);
    } finally {
      watching.abort();
      await watch.catch(() => {});
    }
  }

  /** A push query: every change of the windowed table, as it happens. */
  async #watch(signal: AbortSignal): Promise<void> {
    const select = `SELECT origin, windowstart, flights, average_delay, share_delayed, longest_delay FROM origin_days EMIT CHANGES;`;
    for await (const result of this.#sql.query(select, { signal })) {
      this.#resultRows++;
      const columns = Object.values(result).map(asNumber);
      const [origin, start, flights] = columns as [string, number, number];
      const key = `${origin}|${start}`;
      this.#counted += flights - ((this.#windows.get(key)?.[2] as number | undefined) ?? 0);
      this.#windows.set(key, columns);
      this.#latency.result(key, flights);
      this.#rank(key, columns);
    }
  }

  /** Keeps the windows with the most flights of the newest days in view. */
  #rank(key: string, row: readonly unknown[]): void {
    const at = this.#busiest.findIndex((entry) => entry.key === key);
    if (at >= 0) this.#busiest[at]!.row = row;
    else this.#busiest.push({ key, row });
    if (this.#busiest.length > LIVE_ROWS * 50) {
      this.#busiest.sort((a, b) => Number(b.row[1]) - Number(a.row[1]) || Number(b.row[2]) - Number(a.row[2]));
      this.#busiest.length = LIVE_ROWS;
    }
  }

  #show(done: number, perSecond: number): void {
    const progress = { done, total: this.#total, perSecond, results: this.#resultRows };
    this.#screen.progress(progress, LIVE_HEADINGS, () =>
      this.#busiest
        .toSorted((a, b) => Number(b.row[1]) - Number(a.row[1]) || Number(b.row[2]) - Number(a.row[2]))
        .slice(0, LIVE_ROWS)
        .map(({ row }) =>
          row.map((value, i) => (i === 1 ? new Date(Number(value)).toISOString().slice(0, 10) : rounded(value))),
        ),
    );
  }

  async #untilCounted(counted: () => number | Promise<number>): Promise<void> {
    let last = -1;
    let changedAt = performance.now();
    for (;;) {
      const now = await counted();
      if (now >= this.#total) return;
      if (now !== last) {
        last = now;
        changedAt = performance.now();
      } else if (performance.now() - changedAt > STALLED_MS) {
        this.#screen.line(
          `No new result for ${STALLED_MS / 1000} s: ${count(now)} of ${count(this.#total)} flights were counted.`,
        );
        return;
      }
      this.#show(this.#total, 0);
      await new Promise((resolve) => {
        setTimeout(resolve, CHECK_EVERY_MS);
      });
    }
  }

  async #showPullQueries(): Promise<void> {
    for (const query of [
      "SELECT origin, windowstart, flights, average_delay, longest_delay FROM origin_days WHERE origin = 'SFO' AND windowstart >= '2001-01-02' AND windowstart < '2001-01-07';",
      "SELECT origin, destination, flights, average_delay, miles FROM routes WHERE origin = 'SFO' AND destination = 'JFK';",
    ]) {
      this.#screen.line(`\n${query}`);
      const rows = await this.#rows(query);
      const headings = Object.keys(rows[0] ?? {});
      const text = (row: Row) =>
        headings.map((name) =>
          name === 'WINDOWSTART' ? new Date(Number(row[name])).toISOString().slice(0, 10) : rounded(row[name]),
        );
      this.#screen.table(headings, rows.map(text));
    }
  }

  async #verify(): Promise<number> {
    const windows = await this.#rows('SELECT * FROM origin_days;');
    const routes = await this.#rows('SELECT * FROM routes;');
    const wrong = differences(this.#expected, windows, routes);
    for (const sentence of wrong.slice(0, MAX_DIFFERENCES_SHOWN)) this.#screen.line(`  ${sentence}`);
    this.#screen.line(
      `\nverified: ${count(windows.length)} windows, ${count(routes.length)} routes, ${count(wrong.length)} differences`,
    );
    return wrong.length;
  }

  #summary(produced: number, loadMs: number, processMs: number): void {
    const perSecond = (ms: number) =>
      produced === 0 ? 'nothing was left to do' : `${count((produced / ms) * 1000)} flights/s`;
    const p50 = this.#latency.percentile(0.5);
    const p99 = this.#latency.percentile(0.99);
    const latency =
      p50 === undefined
        ? 'not measured'
        : `p50 ${Math.round(p50)} ms, p99 ${Math.round(p99!)} ms (${this.#latency.samples} samples)`;
    this.#screen.line(`
  ingested                       ${perSecond(loadMs)}
  ingested, processed, committed ${perSecond(processMs)} (four queries, exactly once)
  from produce to result         ${latency}
  memory                         ${bytesText(process.memoryUsage().rss)}
  on disk                        ${bytesText(sizeOf(this.#dataDir))}`);
  }

  async #rows(query: string): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const row of this.#sql.query(query)) {
      rows.push(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, asNumber(value)])));
    }
    return rows;
  }
}

type Row = Readonly<Record<string, unknown>>;

/** The demo's counts and times are far from where doubles end. */
function asNumber(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

function whatNext(screen: Screen, platform: Platform, dataDir: string, keep: boolean): void {
  const lines = keep
    ? [
        'Try, in another terminal (Ctrl-C here stops everything):',
        `  bin/millrace sql ${platform.url('sql')}`,
        `  kcat -b ${platform.url('broker')} -C -t ORIGIN_DAYS -o -5 -e -s value=avro -r ${platform.url('schema-registry')}`,
        `  ${platform.url('schema-registry')}/subjects`,
      ]
    : [
        'Try next:',
        '  npm run demo -- --keep                      stay up when done, and continue where this ended',
        `  bin/millrace start --data-dir ${dataDir}    the same data, as a service`,
        '  bin/millrace sql                            a prompt: SHOW QUERIES; SELECT * FROM late_flights_by_city EMIT CHANGES LIMIT 5;',
      ];
  screen.line(`\n${lines.join('\n')}`);
}

function windowKey(flights: FlightColumns, index: number): string {
  return `${flights.origin[index]}|${Math.floor(flights.departure[index]! / DAY_MS) * DAY_MS}`;
}

function titleOf(statement: string): string {
  return (
    /CREATE (?:STREAM|TABLE) (?:IF NOT EXISTS )?\w+/i.exec(statement)?.[0].replace(/IF NOT EXISTS /i, '') ?? statement
  );
}

function messageOfEntity(entity: Entity): string {
  const status = entity['commandStatus'] as { message?: string } | undefined;
  return String(status?.message ?? entity['message'] ?? entity['@type']);
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toFixed(2)) : value;
}

function sum(rows: readonly Row[], column: string): number {
  return rows.reduce((total, row) => total + Number(row[column]), 0);
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).reduce(
    (total, entry) =>
      total +
      (entry.isFile() ? (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0) : 0),
    0,
  );
}

function parseCount(text: string | undefined): number {
  const value = text === undefined ? ALL_FLIGHTS : Number(text.replaceAll(/[,_]/g, ''));
  if (!Number.isInteger(value) || value < 1 || value > ALL_FLIGHTS) {
    throw new MillraceError(
      'INVALID_OPTION',
      `--records must be a whole number from 1 to ${ALL_FLIGHTS}, not "${text}".`,
    );
  }
  return value;
}
