import { MemorySchemas } from '../../../src/serde/index.ts';
import { openSqlService, type SqlService } from '../../../src/sql/index.ts';
import { codeOf, messageOf, MillraceError } from '../../../src/util/index.ts';
import type { Logs } from '../logs.ts';
import { type Actor, assertExpected, type Host } from './actor.ts';

const GROUPS = 3;
const PARTITIONS = 2;
const LONGEST_ATTEMPT_MS = 100;

/**
 * Two streams of numbered rows; of each a table that adds them up by another key than theirs, over a repartition topic;
 * the two tables joined; and the streams joined, too. Caches are off: every sum comes out once.
 */
const STATEMENTS: readonly string[] = [
  ...['left', 'right'].flatMap((side) => [
    `CREATE STREAM IF NOT EXISTS ${side}s (k STRING KEY, n BIGINT)
     WITH (kafka_topic='sql-${side}', partitions=${PARTITIONS}, value_format='JSON');`,
    `CREATE TABLE IF NOT EXISTS ${side}_sums WITH (kafka_topic='sql-${side}-sums', key_format='JSON') AS
     SELECT n % ${GROUPS} AS g, COUNT(*) AS c, SUM(n) AS total FROM ${side}s GROUP BY n % ${GROUPS};`,
  ]),
  `CREATE TABLE IF NOT EXISTS sums WITH (kafka_topic='sql-sums', key_format='JSON') AS
   SELECT l.g AS g, l.c + r.c AS c, l.total - r.total AS difference
   FROM left_sums l JOIN right_sums r ON l.g = r.g;`,
  `CREATE STREAM IF NOT EXISTS pairs WITH (kafka_topic='sql-pairs') AS
   SELECT l.k AS k, l.n AS ln, r.n AS rn
   FROM lefts l JOIN rights r WITHIN 1 DAY GRACE PERIOD 1 DAY ON l.k = r.k;`,
];

const SIDES = ['left', 'right'] as const;
type Side = (typeof SIDES)[number];

interface Row {
  readonly side: Side;
  readonly key: string;
  readonly number: number;
  isAcknowledged: boolean;
}

/**
 * Uses SQL: makes streams, tables and joins, inserts rows, looks at a table, and starts the service again when it or a query
 * has failed. What was acknowledged is a row, once; tables and joins hold what follows from the rows that there are, and a
 * look shows no more than that.
 */
export class Analyst implements Actor {
  readonly name = 'analyst';
  readonly isFollower = true;
  readonly #rows: Row[] = [];
  #service: SqlService | undefined;

  async run(host: Host): Promise<void> {
    for (;;) {
      try {
        await this.#serve(host);
      } catch (error) {
        assertPassing(error);
        host.process.note(`begins anew: ${messageOf(error)}`);
      }
      await host.pause(host.random.between(20, 300));
    }
  }

  /** Goes on until something fails. */
  async #serve(host: Host): Promise<void> {
    const { client, process, random } = host;
    const service = await openSqlService({
      client,
      schemas: new MemorySchemas(),
      // State on disk has threads of its own: each start reads the changelogs.
      stateDir: '',
      settings: { 'auto.offset.reset': 'earliest', 'cache.max.bytes.buffering': 0, 'commit.interval.ms': 200 },
      version: 'simulated',
      environment: process.environment,
      log: (message) => process.note(message),
    });
    try {
      await assertHealthy(service);
      for (const statement of STATEMENTS) await service.execute(statement);
      host.count();
      this.#service = service;
      for (;;) {
        if (!host.isActive()) await host.pause(1000);
        else if (random.chance(0.8)) await this.#insert(service, host);
        else await this.#look(service, host);
        await assertHealthy(service);
        await host.pause(random.between(0, LONGEST_ATTEMPT_MS));
      }
    } finally {
      this.#service = undefined;
      await service.close().catch(assertExpected);
    }
  }

  async #insert(service: SqlService, host: Host): Promise<void> {
    const side = host.random.pick(SIDES);
    const number = this.#rows.length;
    const row = { side, key: `k${host.random.below(5)}`, number, isAcknowledged: false };
    this.#rows.push(row);
    try {
      await service.execute(`INSERT INTO ${side}s (k, n) VALUES ('${row.key}', ${number});`);
      row.isAcknowledged = true;
    } catch (error) {
      assertPassing(error);
    }
    host.count();
  }

  /** Rows that nobody knows about may be there, or not. */
  async #look(service: SqlService, host: Host): Promise<void> {
    for (const [group, { count }] of await sumsNow(service, 'left')) {
      const most = this.#rows.filter(({ side, number }) => side === 'left' && number % GROUPS === group).length;
      if (count > most) host.fail(`SQL counts ${count} rows of group ${group}, of which ${most} were inserted`);
    }
    host.count();
  }

  complaint(logs: Logs): string | undefined {
    const rows = { left: rowsOf(logs, 'left'), right: rowsOf(logs, 'right') };
    return (
      SIDES.map((side) => this.#complaintAboutRows(side, rows[side])).find(Boolean) ??
      SIDES.map((side) => complaintAboutSums(side, rows[side], logs)).find(Boolean) ??
      complaintAboutJoinedSums(rows, logs) ??
      complaintAboutPairs(rows, logs)
    );
  }

  #complaintAboutRows(side: Side, found: readonly FoundRow[]): string | undefined {
    const numbers = new Set(found.map(({ n }) => n));
    if (numbers.size !== found.length) return `a row of ${side} is there twice`;
    for (const { n, key } of found) {
      const row = this.#rows[n];
      if (row?.side !== side || row.key !== key) return `row ${n} of ${side} with key ${key} was not inserted`;
    }
    const lost = this.#rows.find((row) => row.side === side && row.isAcknowledged && !numbers.has(row.number));
    return lost && `row ${lost.number} of ${side} was acknowledged and is not there`;
  }

  async audit(_host: Host, logs: Logs): Promise<string | undefined> {
    const service = this.#service;
    if (service === undefined) return 'the SQL service is not there';
    for (const side of SIDES) {
      const expected = textOf(sumsOf(rowsOf(logs, side)));
      const found = await sumsNow(service, side).then(textOf, messageOf);
      if (found !== expected) return `SQL shows ${found} of ${side}_sums and not ${expected}`;
    }
    return undefined;
  }
}

// ── What is there ─────────────────────────────────────────────────────────────────────────────────────────────────

interface FoundRow {
  readonly key: string;
  readonly n: number;
}

interface Sum {
  readonly count: number;
  readonly total: number;
}

/** By group. */
type Sums = ReadonlyMap<number, Sum>;

const NOTHING: Sum = { count: 0, total: 0 };

function rowsOf(logs: Logs, side: Side): FoundRow[] {
  return logs
    .of(`sql-${side}`)
    .flat()
    .map(({ key, value }) => ({ key: key!, n: (JSON.parse(value!) as { N: number }).N }));
}

async function sumsNow(service: SqlService, side: Side): Promise<Sums> {
  const running = await service.query(`SELECT g, c, total FROM ${side}_sums;`);
  const sums = new Map<number, Sum>();
  if (!('batches' in running)) return sums;
  for await (const batch of running.batches as AsyncIterable<readonly { readonly json: string }[]>) {
    for (const { json } of batch) {
      const [group, count, total] = JSON.parse(json) as [number, number, number];
      sums.set(group, { count, total });
    }
  }
  return sums;
}

// ── What follows from the rows ────────────────────────────────────────────────────────────────────────────────────

function sumsOf(rows: readonly FoundRow[]): Sums {
  const sums = new Map<number, Sum>();
  for (const { n } of rows) {
    const { count, total } = sums.get(n % GROUPS) ?? NOTHING;
    sums.set(n % GROUPS, { count: count + 1, total: total + n });
  }
  return sums;
}

function complaintAboutSums(side: Side, rows: readonly FoundRow[], logs: Logs): string | undefined {
  const sums = new Map<number, Sum>();
  for (const { key, value } of logs.of(`sql-${side}-sums`).flat()) {
    const { C: count, TOTAL: total } = JSON.parse(value!) as { C: number; TOTAL: number };
    const next = (sums.get(Number(key))?.count ?? 0) + 1;
    if (count !== next) return `${side}_sums counts ${count} of group ${key} where ${next} comes next`;
    sums.set(Number(key), { count, total });
  }
  const [found, expected] = [textOf(sums), textOf(sumsOf(rows))];
  return found === expected ? undefined : `${side}_sums has ${found} and not ${expected}`;
}

/** Of the joined tables, the last word counts: what came before depends on who was first. */
function complaintAboutJoinedSums(rows: Readonly<Record<Side, readonly FoundRow[]>>, logs: Logs): string | undefined {
  const found = new Map<number, Sum>();
  for (const { key, value } of logs.of('sql-sums').flat()) {
    const { C: count, DIFFERENCE: total } = JSON.parse(value!) as { C: number; DIFFERENCE: number };
    found.set(Number(key), { count, total });
  }
  const right = sumsOf(rows.right);
  const expected = new Map<number, Sum>();
  for (const [group, { count, total }] of sumsOf(rows.left)) {
    const other = right.get(group);
    if (other !== undefined) expected.set(group, { count: count + other.count, total: total - other.total });
  }
  return textOf(found) === textOf(expected) ? undefined : `sums has ${textOf(found)} and not ${textOf(expected)}`;
}

function complaintAboutPairs(rows: Readonly<Record<Side, readonly FoundRow[]>>, logs: Logs): string | undefined {
  const found = logs
    .of('sql-pairs')
    .flat()
    .map(({ key, value }) => {
      const { LN, RN } = JSON.parse(value!) as { LN: number; RN: number };
      return `${key}:${LN}-${RN}`;
    });
  const expected = rows.left.flatMap(({ key, n }) =>
    rows.right.filter((other) => other.key === key).map((other) => `${key}:${n}-${other.n}`),
  );
  const present = new Set(found);
  const wanted = new Set(expected);
  const twice = found.find((pair, at) => found.indexOf(pair) !== at);
  if (twice !== undefined) return `the pair ${twice} is there twice`;
  const wrong = found.find((pair) => !wanted.has(pair));
  if (wrong !== undefined) return `the pair ${wrong} is there, and its rows are not`;
  const missing = expected.find((pair) => !present.has(pair));
  return missing && `the pair ${missing} is missing`;
}

function textOf(sums: Sums): string {
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([group, { count, total }]) => `${group}:${count}/${total}`)
    .join(' ');
}

// ── What may fail ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What was lost of the catalogue or of the queries comes back with the next start. */
async function assertHealthy(service: SqlService): Promise<void> {
  const { metastore, queries } = service.healthChecks();
  const problem = (await metastore()) ?? (await queries());
  if (problem !== undefined) throw new MillraceError('SQL_UNHEALTHY', problem);
}

/** The statements are right: behind every refusal is something outside of SQL, or a query that is not running now. */
function assertPassing(error: unknown): void {
  let cause = error;
  while (codeOf(cause) === 'SQL_STATEMENT' && (cause as Error).cause !== undefined) cause = (cause as Error).cause;
  assertExpected(cause);
  if (codeOf(cause) === 'SQL_STATEMENT' && !/isn't queryable|which host contains/.test(messageOf(cause))) throw error;
  if (codeOf(cause) === 'SQL_SYNTAX') throw error;
}
