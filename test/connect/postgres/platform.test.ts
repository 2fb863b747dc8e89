// The whole of it: a platform in a process of its own, with a connector that writes exactly once, killed with SIGKILL again and
// again while the database changes. What a reader of the topic sees in the end is compared with what is in the database.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../src/client/index.ts';
import { systemEnvironment } from '../../../src/util/index.ts';
import { Millrace } from '../../cli/support.ts';
import { freePort, type Postgres, postgresMissing, startPostgres } from '../support/postgres.ts';
import { recordsIn } from '../support/worker.ts';
import { replay, summary, type Told } from './replay.ts';

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

describe.skipIf(postgresMissing !== undefined)('a platform that is killed', () => {
  let postgres: Postgres;
  let millrace: Millrace | undefined;
  const directory = mkdtempSync(join(tmpdir(), 'millrace-cdc-'));
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(async () => {
    await millrace?.kill('SIGKILL');
    await postgres?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('has each change in its topic, once and in order', async () => {
    const [port, connectPort] = [await freePort(), await freePort()];
    const start = async (): Promise<void> => {
      millrace = new Millrace([
        ...['start', '--data-dir', directory, '--port', String(port), '--connect-port', String(connectPort)],
        ...['--registry-port', '0', '--sql-port', '0', '--rest-port', '0'],
        // The group must notice soon that a worker is dead.
        ...['-p', 'group.min.session.timeout.ms=500', '-p', 'connect.session.timeout.ms=1500'],
        ...['-p', 'connect.heartbeat.interval.ms=300'],
      ]);
      await millrace.says(new RegExp(`:${connectPort}`));
    };
    const database = await postgres.createDatabase();
    const client = await postgres.connect(database);
    await client.query(
      `CREATE TABLE t (id int PRIMARY KEY, version int NOT NULL, v text); INSERT INTO t SELECT g, 0, repeat('x', 100) FROM generate_series(1, 8000) g`,
    );
    await start();
    const response = await fetch(`http://127.0.0.1:${connectPort}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'cdc',
        config: {
          'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
          'exactly.once.support': 'required',
          ...{ 'database.hostname': '127.0.0.1', 'database.port': String(postgres.port), 'database.dbname': database },
          ...{ 'database.user': postgres.user, 'database.password': postgres.password, 'topic.prefix': 'srv' },
          ...{ 'snapshot.fetch.size': '100', 'max.batch.size': '200', 'retriable.restart.connector.wait.ms': '200' },
          ...{ 'key.converter': JSON_CONVERTER, 'value.converter': JSON_CONVERTER },
          ...{ 'key.converter.schemas.enable': 'false', 'value.converter.schemas.enable': 'false' },
        },
      }),
    });
    const answer = await response.text();
    expect(response.status, `answered: ${answer}`).toBe(201);

    const kafka = createClient({ bootstrapServers: `127.0.0.1:${port}` });
    const written = async (): Promise<number> => {
      const found = (await kafka.admin().describeTopics(['srv.public.t'])).get('srv.public.t');
      if (found === undefined) return 0;
      const asked = { topic: 'srv.public.t', partition: 0, timestamp: -1 };
      const [end] = await kafka.admin().listOffsets([asked], 'read_uncommitted');
      return end?.offset ?? 0;
    };
    let changes = 0;
    const change = async (): Promise<void> => {
      const i = changes++;
      await client.query(
        `BEGIN; UPDATE t SET version = version + 1 WHERE id % 1000 = ${i % 1000}; DELETE FROM t WHERE id = ${i * 7}; INSERT INTO t VALUES (${100_000 + i}, 0, 'new'); COMMIT`,
      );
    };
    // In the middle of the snapshot, and then of the stream: each time behind some more that was written.
    for (const more of [800, 3000, 5000, 3000]) {
      const target = (await written().catch(() => 0)) + more;
      const endMs = systemEnvironment.now() + 20_000;
      while ((await written()) < target) {
        if (systemEnvironment.now() > endMs) expect.fail(`nothing more was written: ${millrace!.stderr}`);
        for (let i = 0; i < 5; i++) await change();
      }
      await millrace!.kill('SIGKILL');
      for (let i = 0; i < 20; i++) await change();
      await start();
    }
    await client.query(`INSERT INTO t VALUES (-1, 0, 'the end')`);

    try {
      const read = async (): Promise<Told[]> =>
        (await recordsIn(kafka, 'srv.public.t')).flatMap(({ value }) =>
          value === null ? [] : [JSON.parse(value.toString()) as Told],
        );
      const endMs = systemEnvironment.now() + 60_000;
      let told = await read();
      while (!told.some(({ after }) => after?.['id'] === -1)) {
        if (systemEnvironment.now() > endMs) {
          const status = await (await fetch(`http://127.0.0.1:${connectPort}/connectors/cdc/status`)).text();
          expect.fail(`the last row did not come; ${told.length} events have; ${status}; ${millrace!.stderr}`);
        }
        await new Promise<void>((resolve) => systemEnvironment.after(200, resolve));
        told = await read();
      }
      const there = await client.query<Record<string, unknown>>('SELECT id, version FROM t');
      expect(summary(replay(told, (row) => String(row['id'])).values(), ['v'])).toEqual(summary(there.rows));
      expect(told.filter(({ op }) => op === 'r').length).toBeGreaterThan(5000);
      expect(told.filter(({ op }) => op === 'u').length).toBeGreaterThan(100);
    } finally {
      await kafka.close();
    }
  }, 180_000);
});
