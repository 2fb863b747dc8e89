// `millrace status`, `top`, `doctor` and `logs`: on a platform that is well, and on what is not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { groupRates, type Look, topicRates } from '../../../src/cli/commands/rates.ts';
import { type Client, createClient } from '../../../src/client/index.ts';
import { Platform, version } from '../../../src/platform/index.ts';
import { deferred } from '../../../src/util/index.ts';
import { commandsOn } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-operations-'));
let platform: Platform;
let client: Client;
let server: string;
let services: string;
const run = commandsOn(() => server);

beforeAll(async () => {
  platform = await Platform.start({
    settings: {
      'log.dirs': join(directory, 'data'),
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'kafka.rest.listeners': 'http://127.0.0.1:0',
      'connect.listeners': 'http://127.0.0.1:0',
    },
  });
  server = platform.url('broker').replace(/^.*:\/\//, '');
  services = `$B --registry ${platform.url('schema-registry')} --sql ${platform.url('sql')} --rest ${platform.url('rest-proxy')} --connect ${platform.url('connect')}`;
  client = createClient({ bootstrapServers: server });
  await client.admin().createTopics([{ name: 'busy', partitions: 2 }]);
});
afterAll(async () => {
  await client.close();
  await platform.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('status tells who answers, as what', async () => {
  const { out, error } = await run(`status ${services} -o json`);
  expect(error).toBeUndefined();
  expect(JSON.parse(out)).toMatchObject([
    {
      service: 'broker',
      address: server,
      state: 'up',
      detail: expect.stringMatching(/^cluster .*, 1 brokers$/) as string,
    },
    { service: 'schema-registry', state: 'up', version },
    { service: 'sql', state: 'up', version },
    { service: 'rest-proxy', state: 'up', version: null },
    { service: 'connect', state: 'up', version },
  ]);
  const down = await run(
    `status -b 127.0.0.1:1 --registry http://127.0.0.1:1 --sql http://${server} --rest ${platform.url('sql')} --connect http://127.0.0.1:1 -o json`,
  );
  expect(down.error).toBe('not up: broker, schema-registry, sql, rest-proxy, connect.');
  expect(JSON.parse(down.out).map(({ state }: { state: string }) => state)).toEqual([
    'down',
    'down',
    'strange',
    'strange',
    'down',
  ]);
  const swapped = await run(`status $B --registry ${platform.url('sql')} --sql ${platform.url('sql')} -o csv`);
  expect(swapped.out).toMatch(/\nschema-registry,[^\n]*,strange,/);
});

describe('top', () => {
  const look = (at: number, end: number, committed: number): Look => {
    const partition = { topic: 'busy', partition: 0 };
    return {
      at,
      ends: new Map([['busy-0', { ...partition, offset: end }]]),
      committed: new Map([['readers', new Map([['busy-0', { ...partition, offset: committed }]])]]),
      states: new Map([['readers', 'Stable']]),
    };
  };

  test('has rates by what came between two looks', () => {
    const [before, now] = [look(1000, 100, 50), look(3000, 300, 150)];
    expect(topicRates(before, now)).toEqual([{ topic: 'busy', partitions: 1, inPerSecond: 100, outPerSecond: 50 }]);
    expect(groupRates(before, now)).toEqual([
      { group: 'readers', state: 'Stable', lag: 150, lagGrowth: 100, outPerSecond: 50 },
    ]);
    // Offsets that were set back are no progress.
    expect(topicRates(now, { ...before, at: 4000 })[0]).toMatchObject({ inPerSecond: 0, outPerSecond: 0 });
  });

  test('once, for programs', async () => {
    const { out, error } = await run('top $B --once --interval 0.1 -o json');
    expect(error).toBeUndefined();
    const [snapshot] = JSON.parse(out);
    expect(snapshot.topics).toContainEqual({ topic: 'busy', partitions: 2, inPerSecond: 0, outPerSecond: 0 });
    expect((await run('top $B --interval never')).code).toBe('commander.invalidArgument');
  });

  test('on a screen of its own, until somebody has enough', async () => {
    const enough = deferred<void>();
    let screen = '';
    const { error } = await run('top $B --interval 0.1', {
      io: {
        isLive: true,
        width: 80,
        height: 12,
        interrupted: enough.promise,
        out: (text) => {
          screen += String(text);
          if (screen.split('\u001b[H').length > 2) enough.resolve();
        },
      },
    });
    expect(error).toBeUndefined();
    expect(screen.replaceAll('\u001b', 'ESC')).toMatch(
      /^ESC\[\?1049hESC\[HTopics at [^]*TOPIC +PARTITIONS[^]*ESC\[J[^]*ESC\[\?1049l$/,
    );
  });
});

describe('doctor', () => {
  test('finds everything in order', async () => {
    const { out, error } = await run(`doctor ${services} --watch 0.1 -d ${directory}`);
    expect(error).toBeUndefined();
    expect(out).toMatch(/^✓ Node +\d+/);
    for (const check of [
      'data directory',
      'free space',
      'open files',
      'broker',
      'schema-registry',
      'sql',
      'rest-proxy',
      'clock',
      'partitions',
      'groups',
    ]) {
      expect(out).toMatch(new RegExp(`^[✓!] ${check} `, 'm'));
    }
  });

  test('tells of ports that others have, and of a directory that can’t be', async () => {
    const { out, error } = await run(
      `doctor $B --registry http://${server} --watch 0.1 -d ${import.meta.filename}/data -o json`,
    );
    expect(error).toBe('not in order: data directory, schema-registry.');
    const findings = JSON.parse(out);
    expect(findings).toContainEqual({
      check: 'schema-registry',
      state: 'bad',
      detail: expect.stringMatching(/is taken by something else/) as string,
    });
  });

  test('tells which groups fall behind', async () => {
    await client.admin().alterOffsets('slow', [{ topic: 'busy', partition: 0, offset: 0 }]);
    const producer = client.producer();
    let isOver = false;
    const diagnosis = run(`doctor ${services} --watch 0.3 -d ${directory} -o json`).finally(() => {
      isOver = true;
    });
    while (!isOver) await producer.send({ topic: 'busy', partition: 0, value: 'x' });
    const { out } = await diagnosis;
    expect(JSON.parse(out)).toContainEqual({
      check: 'groups',
      state: 'warning',
      detail: expect.stringMatching(
        /^slow falls behind: \d+ records in 0.3 s, \d+ by now; give it more members/,
      ) as string,
    });
    await producer.close();
  });

  test('counts partitions', async () => {
    const said = await run('doctor partitions --target 50MB/s --producer 10MB/s --consumer 4MB/s -o csv');
    expect(said).toEqual({ out: 'partitions,forProducers,forConsumers\n13,5,13\n', err: '' });
    expect((await run('doctor partitions --target 1MiB --producer 512KiB --consumer 1GB/s -o csv')).out).toMatch(
      /\n2,2,1\n$/,
    );
    expect((await run('doctor partitions --target much --producer 1 --consumer 1')).code).toBe(
      'commander.invalidArgument',
    );
  });
});

test('logs says where they are', async () => {
  expect((await run('logs')).out).toContain('standard error');
});
