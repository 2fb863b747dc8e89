// Connect and PostgreSQL: changes of a table into the log (change data capture, exactly once), and rows of a topic into a table (JDBC, upserts). The
// platform is a process of its own with all its threads; PostgreSQL shares the machine.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../src/client/index.ts';
import { postgresMissing, startPostgres } from '../test/connect/support/postgres.ts';

export const name = 'Connect: PostgreSQL in (CDC) and out (JDBC)';

const CHANGES = 300_000;
const PER_TRANSACTION = 100;

async function startPlatform(directory: string) {
  const words = ['bin/millrace', 'start', '-d', directory, '--port', '0', '--registry-port', '0', '--sql-port', '0'];
  const more = ['--connect-port', '0', '-p', 'kafka.rest.listeners='];
  const child = spawn(process.execPath, [...words, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('is up after')) resolve();
    });
  });
  const url = (of: string): string => new RegExp(`^${of} ready +(\\S+)`, 'm').exec(said)![1]!;
  return { child, broker: url('Broker'), connect: url('Connect') };
}

export async function measure(): Promise<Record<string, number | string>> {
  if (postgresMissing !== undefined) return { skipped: postgresMissing };
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const postgres = await startPostgres();
  const { child, broker, connect } = await startPlatform(directory);
  const client = createClient({ bootstrapServers: broker });
  try {
    const make = async (connector: string, config: Record<string, string>): Promise<void> => {
      const response = await fetch(`${connect}/connectors/${connector}/config`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(config),
      });
      if (!response.ok) throw new Error(await response.text());
    };
    const end = async (topic: string): Promise<number> => {
      const asked = client.admin().listOffsets([{ topic, partition: 0, timestamp: -1 }], 'read_committed');
      return (await asked.catch(() => []))[0]?.offset ?? 0;
    };
    const until = async (holds: () => Promise<boolean>): Promise<void> => {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await postgres.run(`CREATE TABLE orders (id BIGINT PRIMARY KEY, customer TEXT NOT NULL, amount NUMERIC(10,2) NOT NULL, paid BOOLEAN NOT NULL,
      at TIMESTAMP NOT NULL, note TEXT, quantity INT NOT NULL, weight DOUBLE PRECISION NOT NULL)`);
    await postgres.run("INSERT INTO orders VALUES (0, 'first', 1, true, now(), null, 1, 1)");
    await make('cdc', {
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      ...{ 'database.hostname': '127.0.0.1', 'database.port': String(postgres.port), 'database.user': postgres.user },
      ...{ 'database.password': postgres.password, 'database.dbname': postgres.database, 'topic.prefix': 'bench' },
      'table.include.list': 'public.orders',
      'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    });
    // The first row comes with the snapshot, all others with the stream.
    await until(async () => (await end('bench.public.orders')) > 0);
    const first = await end('bench.public.orders');
    const began = performance.now();
    const insert = `INSERT INTO orders SELECT $1::bigint + i, 'customer ' || i, i / 100.0, i % 2 = 0, now(), 'a note', i, i * 1.5 FROM generate_series(1, ${PER_TRANSACTION}) i`;
    const database = await postgres.connect();
    for (let done = 0; done < CHANGES; done += PER_TRANSACTION) await database.query(insert, [done]);
    const written = performance.now() - began;
    // Each transaction has its markers.
    await until(async () => (await end('bench.public.orders')) >= first + CHANGES);
    const seconds = (performance.now() - began) / 1000;

    const began2 = performance.now();
    await make('jdbc', {
      'connector.class': 'JdbcSink',
      topics: 'bench.public.orders',
      'connection.url': `jdbc:postgresql://127.0.0.1:${postgres.port}/postgres`,
      ...{
        'connection.user': postgres.user,
        'connection.password': postgres.password,
        'insert.mode': 'upsert',
        'pk.mode': 'record_key',
        'auto.create': 'true',
      },
      'table.name.format': 'copied',
      transforms: 'row',
      'transforms.row.type': 'io.debezium.transforms.ExtractNewRecordState',
      'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    });
    const copied = async (): Promise<number> =>
      Number((await postgres.rows('SELECT count(*) AS n FROM copied').catch(() => [{ n: 0 }]))[0]!['n']);
    await until(async () => (await copied()) > CHANGES);
    const sinkSeconds = (performance.now() - began2) / 1000;
    return {
      'changes/s into the log, exactly once, Avro': Math.round(CHANGES / seconds),
      'changes/s that PostgreSQL took meanwhile': Math.round((CHANGES / written) * 1000),
      'upserts/s into a table': Math.round(CHANGES / sinkSeconds),
    };
  } finally {
    await client.close();
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
