// npm run demo:connect: a shop's tables in PostgreSQL, whose every change goes through SQL and back into a table there. Starts a
// PostgreSQL and a platform of its own; changes 200,000 rows; kills the platform (-9) in the middle, and starts it again where it was; then
// compares what came out with what PostgreSQL itself says. Exit code 0: they are equal.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

const ORDERS = Number(process.env['ORDERS'] ?? 100_000);
const CHANGES = Number(process.env['CHANGES'] ?? 100_000);
const CUSTOMERS = 5000;
const COUNTRIES = ['Angola', 'Brasil', 'Cabo Verde', 'Danmark', 'Eesti', 'Portugal', 'Suomi'];
const root = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
const say = (text: string): void => console.log(text);
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// ── PostgreSQL ────────────────────────────────────────────────────────────────────────────────────────────────────

function programs(): string {
  const home = '/usr/lib/postgresql';
  const versions = existsSync(home) ? readdirSync(home).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(home, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
  if (found !== undefined) return found;
  console.error('PostgreSQL is not installed here: apt-get install postgresql, then try again.');
  process.exit(1);
}

/** PostgreSQL does not run as root. */
function asServer(program: string, args: readonly string[]): [string, string[]] {
  const path = join(programs(), program);
  if (process.getuid?.() !== 0) return [path, [...args]];
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', path, ...args]];
}

async function startPostgres(port: number): Promise<ChildProcess> {
  const data = join(directory, 'postgres');
  if (process.getuid?.() === 0) {
    const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    chownSync(directory, id('-u'), id('-g'));
  }
  const [initdb, words] = asServer('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8']);
  execFileSync(initdb, words, { stdio: 'ignore' });
  const settings = { wal_level: 'logical', port, unix_socket_directories: directory, listen_addresses: '127.0.0.1' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [server, args] = asServer('postgres', ['-D', data, ...flags]);
  const child = spawn(server, args, { stdio: 'ignore' });
  for (;;) {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    try {
      await client.connect();
      await client.end();
      return child;
    } catch {
      await pause(100);
    }
  }
}

// ── The platform ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Ports {
  readonly broker: number;
  readonly registry: number;
  readonly sql: number;
  readonly connect: number;
}

function startPlatform({ broker, registry, sql, connect }: Ports): Promise<ChildProcess> {
  const ports = ['--port', `${broker}`, '--registry-port', `${registry}`, '--sql-port', `${sql}`];
  const more = [
    '--connect-port',
    `${connect}`,
    '--rest-port',
    '0',
    '-p',
    'ksql.streams.processing.guarantee=exactly_once_v2',
  ];
  const words = [join(root, 'bin', 'millrace'), 'start', '--data-dir', join(directory, 'millrace'), ...ports, ...more];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (/is up after/.test(chunk.toString())) resolve(child);
    });
    child.once('exit', (code) => reject(new Error(`the platform ended with ${code}`)));
  });
}

/** Runs the statements, once the topics and schemas that they read are there. */
async function prepare(sql: number, postgres: number): Promise<void> {
  const script = readFileSync(join(import.meta.dirname, 'shop.sql'), 'utf8').replaceAll('${port}', String(postgres));
  for (const statement of script.split(/;\s*$/m).filter((text) => text.trim() !== '')) {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(`http://127.0.0.1:${sql}/ksql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ksql: `${statement};`, streamsProperties: { 'auto.offset.reset': 'earliest' } }),
      });
      if (response.ok) break;
      const { message } = (await response.json()) as { message: string };
      if (attempt === 100) throw new Error(message);
      await pause(300);
    }
    say(
      `  ${
        statement
          .replaceAll(/--.*\n/g, '')
          .trim()
          .split('\n')[0]
      } …`,
    );
  }
}

// ── The shop ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function open(shop: Client): Promise<void> {
  await shop.query(`
    CREATE TABLE customers (id BIGINT PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL);
    CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL REFERENCES customers, amount NUMERIC(10,2) NOT NULL,
      status TEXT NOT NULL DEFAULT 'new', placed_at TIMESTAMP NOT NULL DEFAULT now());
    INSERT INTO customers SELECT n, 'customer ' || n, (ARRAY[${COUNTRIES.map((name) => `'${name}'`).join()}])[1 + n % ${COUNTRIES.length}]
      FROM generate_series(1, ${CUSTOMERS}) n;
    INSERT INTO orders (id, customer_id, amount) SELECT n, 1 + n % ${CUSTOMERS}, (n % 9973) / 100.0 FROM generate_series(1, ${ORDERS}) n;`);
}

/** So many changes, in transactions of a few: orders come, change, are cancelled and deleted; customers move. */
async function trade(shop: Client, from: number, count: number): Promise<void> {
  const perRound = 10;
  for (let done = 0; done < count; done += perRound) {
    const n = from + done;
    const some = `(${1 + ((n * 7919) % ORDERS)}, ${1 + ((n * 104_729) % ORDERS)}, ${1 + ((n * 15_485_863) % ORDERS)})`;
    await shop.query(`BEGIN;
      INSERT INTO orders (id, customer_id, amount) SELECT ${ORDERS + n} + i, 1 + (${n} + i * 37) % ${CUSTOMERS}, (${n} * 31 + i) % 10007 / 100.0
        FROM generate_series(1, 4) i ON CONFLICT DO NOTHING;
      UPDATE orders SET amount = amount + 1, status = 'paid' WHERE id IN ${some};
      UPDATE orders SET status = 'cancelled' WHERE id = ${1 + ((n * 6151) % ORDERS)};
      DELETE FROM orders WHERE id = ${1 + ((n * 3079) % ORDERS)};
      UPDATE customers SET country = '${COUNTRIES[n % COUNTRIES.length]}' WHERE id = ${1 + ((n * 389) % CUSTOMERS)};
      COMMIT;`);
  }
}

const EXPECTED = `SELECT c.country, COUNT(*) AS orders, SUM(o.amount) AS revenue FROM orders o JOIN customers c ON o.customer_id = c.id
  WHERE o.status <> 'cancelled' GROUP BY c.country ORDER BY c.country`;
const ACTUAL = 'SELECT country, orders, revenue FROM sales_by_country WHERE orders > 0 ORDER BY country';

type Rows = { country: string; orders: string; revenue: string }[];
const rowsOf = async (shop: Client, sql: string): Promise<Rows> =>
  (await shop.query(sql).catch(() => ({ rows: [] }))).rows as Rows;
const shown = (rows: Rows): string =>
  rows.map(({ country, orders, revenue }) => `${country} ${orders} ${Number(revenue).toFixed(2)}`).join('\n');

async function main(): Promise<number> {
  const begun = Date.now();
  const since = (): string => `${((Date.now() - begun) / 1000).toFixed(1)} s`;
  const postgresPort = await freePort();
  const ports = {
    broker: await freePort(),
    registry: await freePort(),
    sql: await freePort(),
    connect: await freePort(),
  };
  const postgres = await startPostgres(postgresPort);
  let platform = await startPlatform(ports);
  const shop = new Client({ host: '127.0.0.1', port: postgresPort, user: 'postgres', database: 'postgres' });
  try {
    await shop.connect();
    await open(shop);
    say(`PostgreSQL has ${CUSTOMERS} customers and ${ORDERS} orders (${since()}).`);
    await prepare(ports.sql, postgresPort);
    say(`Connectors and queries run (${since()}).`);
    await trade(shop, 0, CHANGES / 2);
    say(`Half of ${CHANGES} changes are made; now the platform is killed (${since()}).`);
    platform.removeAllListeners('exit');
    const killed = new Promise((resolve) => void platform.once('exit', resolve));
    platform.kill('SIGKILL');
    await killed;
    await trade(shop, CHANGES / 2, CHANGES / 4);
    platform = await startPlatform(ports);
    say(`It is up again (${since()}).`);
    await trade(shop, (CHANGES * 3) / 4, CHANGES / 4);
    const madeAt = Date.now();
    say(`All changes are made (${since()}).`);
    const expected = await rowsOf(shop, EXPECTED);
    for (;;) {
      const actual = await rowsOf(shop, ACTUAL);
      if (shown(actual) === shown(expected)) {
        say(
          `\n${shown(actual)}\n\nEqual to what PostgreSQL says itself, ${Date.now() - madeAt} ms behind the last change (${since()}).`,
        );
        return 0;
      }
      if (Date.now() - madeAt > 240_000) {
        say(`\nNot equal.\nPostgreSQL says:\n${shown(expected)}\nThe table says:\n${shown(actual)}`);
        return 1;
      }
      await pause(50);
    }
  } finally {
    platform.removeAllListeners('exit');
    await shop.end();
    const ended = Promise.all(
      [platform, postgres].map((child) => new Promise((resolve) => void child.once('exit', resolve))),
    );
    platform.kill('SIGTERM');
    postgres.kill('SIGINT');
    await Promise.race([ended, pause(20_000)]);
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exit(await main());
