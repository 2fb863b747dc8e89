import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { ANY_PORTS, Millrace } from './support.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  directories.push(directory);
  return directory;
}

describe('millrace start', () => {
  test('says where each service is, keeps everything over a restart, and stops cleanly on a signal', async () => {
    const dataDir = newDirectory();
    for (const [round, signal] of [
      ['first', 'SIGTERM'],
      ['second', 'SIGINT'],
    ] as const) {
      const millrace = new Millrace(['start', '-d', dataDir, ...ANY_PORTS]);
      await millrace.says(/Broker ready\s+127\.0\.0\.1:\d+/);
      await millrace.says(/Schema Registry ready\s+http:\S+/);
      const [, url] = await millrace.says(/SQL ready\s+(http:\S+)/);
      const create = "CREATE STREAM IF NOT EXISTS s (a INT) WITH (kafka_topic='s', partitions=1, value_format='JSON');";
      const statements = round === 'first' ? `${create} INSERT INTO s VALUES (42);` : 'SELECT * FROM s;';
      const sql = await new Millrace(['sql', url!, '-e', statements]).ended;
      expect(sql).toMatchObject({ code: 0, stderr: '' });
      expect(sql.stdout).toContain(round === 'first' ? 'Stream S created' : '42');
      const stopped = await millrace.kill(signal);
      expect(stopped).toMatchObject({ code: 0, stderr: '' });
      expect(stopped.stdout).toContain('Stopped.');
    }
  });

  test('goes on, and stops, where the directory that it was started in is gone', async () => {
    const home = newDirectory();
    const millrace = new Millrace(['start', '-d', 'data', ...ANY_PORTS], { cwd: home });
    const [, broker] = await millrace.says(/Broker ready\s+(\S+)/);
    await millrace.says(/is up after/);
    rmSync(home, { recursive: true, force: true });
    const client = createClient({ bootstrapServers: broker! });
    const created = client.admin().createTopics([{ name: 'later' }]);
    // Made anew or refused, but answered.
    await Promise.allSettled([created]);
    expect(await client.admin().listTopics()).toBeInstanceOf(Array);
    await client.close();
    expect((await millrace.kill('SIGTERM')).code).not.toBeNull();
  });

  test('a hang-up ends nothing and tells what a restart would change', async () => {
    const config = join(newDirectory(), 'server.properties');
    writeFileSync(config, 'num.partitions=2\n');
    const millrace = new Millrace(['start', '-d', newDirectory(), '-c', config, ...ANY_PORTS]);
    await millrace.says(/is up after/);
    const hangup = async (expected: string): Promise<void> => {
      const before = millrace.stderr.length;
      millrace.child.kill('SIGHUP');
      await vi.waitFor(
        () => {
          if (!millrace.stderr.slice(before).includes(expected)) throw new Error(millrace.stderr.slice(before));
        },
        { timeout: 10_000 },
      );
    };
    await hangup('SIGHUP: the settings are those of the start.');
    writeFileSync(config, 'num.partitions=3\nlog.retention.hours=1\n');
    await hangup('SIGHUP: changed since the start, and needs a restart: log.retention.hours, num.partitions.\n');
    writeFileSync(config, 'num.partitions=many\n');
    await hangup('those of the start stay in force: ');
    rmSync(config);
    await hangup("can't be read: it does not exist.");
    expect((await millrace.kill('SIGTERM')).stdout).toContain('Stopped.');
  });

  test('refuses a directory that another process has, a taken port, and what it does not know: a sentence, exit code 1', async () => {
    const dataDir = newDirectory();
    const running = new Millrace(['start', '-d', dataDir, ...ANY_PORTS]);
    await running.says(/is up after/);
    const second = await new Millrace(['start', '-d', dataDir, ...ANY_PORTS]).ended;
    expect(second.code).toBe(1);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toMatch(/^millrace: The data directory \S+ is in use by process \d+/);
    await running.kill('SIGTERM');

    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    const { port } = taken.address() as { port: number };
    const blocked = await new Millrace([
      'start',
      '-d',
      newDirectory(),
      '--port',
      String(port),
      '--registry-port',
      '0',
      '--sql-port',
      '0',
      '--rest-port',
      '0',
      '--connect-port',
      '0',
    ]).ended;
    taken.close();
    expect(blocked).toMatchObject({ code: 1, stdout: '' });
    expect(blocked.stderr).toBe(
      `millrace: Port ${port} on 127.0.0.1 is taken by another process: stop it, or set listeners to another port.\n`,
    );

    for (const [args, sentence] of [
      [['start', '--prot', '1'], "millrace: unknown option '--prot'"],
      [['strat'], "millrace: unknown command 'strat'"],
      [['start', '--port', 'many'], 'millrace: "many" is not a port'],
      [['start', '-p', 'num.partition=3'], 'Did you mean "num.partitions"?'],
      [['start', '-p', 'num.partitions=none'], 'Invalid value "none" for "num.partitions": it must be a number.'],
      [['start', '-c', '/does/not/exist.properties'], 'it does not exist'],
    ] as const) {
      const refused = await new Millrace([...args]).ended;
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(sentence);
      expect(refused.stderr).not.toContain('    at ');
    }
  });

  test('takes properties from a file, the environment and flags, the nearer one first', async () => {
    const dataDir = newDirectory();
    const file = join(dataDir, 'server.properties');
    writeFileSync(file, '# as for Kafka\nnum.partitions=7\nlog.retention.hours=1\n');
    const millrace = new Millrace(
      ['start', '-d', dataDir, '-c', file, '-p', 'auto.create.topics.enable=false', ...ANY_PORTS],
      {
        // Where commands find a cluster is no setting of one.
        env: { MILLRACE_NUM_PARTITIONS: '5', MILLRACE_BOOTSTRAP_SERVER: 'elsewhere:9092' },
      },
    );
    await millrace.says(/is up after/);
    expect((await millrace.kill('SIGTERM')).code).toBe(0);
  });
});
