// Connectors at the command line, and workers by themselves, with the originals' names and files.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { commandsOn } from './commands/support.ts';
import { Millrace } from './support.ts';

const root = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
let platform: Platform;
const run = commandsOn(() => platform.url('broker').replace(/^.*:\/\//, ''));
const STRINGS = 'org.apache.kafka.connect.storage.StringConverter';

beforeAll(async () => {
  platform = await Platform.start({
    settings: {
      'log.dirs': join(directory, 'data'),
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'connect.listeners': 'http://127.0.0.1:0',
      'connect.value.converter': STRINGS,
    },
  });
});
afterAll(async () => {
  await platform.stop();
  rmSync(directory, { recursive: true, force: true });
});

const fileOf = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const textIn = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

test('connectors are made from files, told of, stopped, moved and deleted', async () => {
  const at = `--url ${platform.url('connect')}`;
  const lines = fileOf('lines.txt', 'one\ntwo\n');
  const source = fileOf(
    'source.properties',
    `name=lines-in\nconnector.class=FileStreamSource\nfile=${lines}\ntopic=lines\n`,
  );
  const copy = join(directory, 'copy.txt');
  const sink = fileOf(
    'sink.json',
    JSON.stringify({ name: 'lines-out', config: { 'connector.class': 'FileStreamSink', file: copy, topics: 'lines' } }),
  );
  expect((await run(`connect create ${source} ${sink} ${at}`)).out).toMatch(/^lines-in: made, .*\nlines-out: made, /);
  await expect.poll(() => textIn(copy), { timeout: 20_000 }).toBe('one\ntwo\n');
  const listed = JSON.parse((await run(`connect list ${at} -o json`)).out);
  expect(listed).toEqual([
    { connector: 'lines-in', type: 'source', class: 'FileStreamSource', state: 'RUNNING', tasks: '1 RUNNING' },
    { connector: 'lines-out', type: 'sink', class: 'FileStreamSink', state: 'RUNNING', tasks: '1 RUNNING' },
  ]);
  const described = (await run(`connect describe lines-in ${at}`)).out;
  expect(described).toContain('topics lines');
  expect(described).toContain('FileStreamSource');

  expect((await run(`connect offsets lines-out --reset ${at}`)).error).toContain('STOPPED state');
  expect((await run(`connect stop lines-out ${at}`)).out).toBe('lines-out: stopped\n');
  await expect
    .poll(async () => JSON.parse((await run(`connect list ${at} -o json`)).out)[1].state, { timeout: 20_000 })
    .toBe('STOPPED');
  await expect
    .poll(async () => (await run(`connect offsets lines-out --reset ${at}`)).out, { timeout: 20_000 })
    .toMatch(/have been reset successfully/);
  expect((await run(`connect resume lines-out ${at}`)).out).toBe('lines-out: going on\n');
  await expect.poll(() => textIn(copy), { timeout: 20_000 }).toBe('one\ntwo\none\ntwo\n');
  expect((await run(`connect restart lines-out ${at}`)).out).toBe('lines-out: started anew\n');
  expect((await run(`connect plugins ${at} -o csv`)).out).toContain(
    'io.confluent.connect.jdbc.JdbcSinkConnector,sink,',
  );
  expect((await run(`connect delete lines-in lines-out ${at}`)).out).toBe('lines-in: deleted\nlines-out: deleted\n');
  expect((await run(`connect describe lines-in ${at}`)).error).toBe('Connector lines-in not found');
  expect(
    (await run(`connect create ${fileOf('nameless.properties', 'connector.class=FileStreamSource\n')} ${at}`)).error,
  ).toContain('does not say what the connector is called');
});

test.each(['connect-standalone', 'connect-distributed'])('%s runs connectors beside a broker', async (name) => {
  const isAlone = name.startsWith('connect-standalone');
  const lines = fileOf(`${name}.txt`, 'one\n');
  const topic = `of-${name}`;
  const settings = [
    `bootstrap.servers=${platform.url('broker').replace(/^.*:\/\//, '')}`,
    `key.converter=${STRINGS}`,
    `value.converter=${STRINGS}`,
    'listeners=http://127.0.0.1:0',
    'offset.flush.interval.ms=100',
    `offset.storage.file.filename=${join(directory, `${name}.offsets`)}`,
    ...(isAlone
      ? []
      : [
          'group.id=others',
          ...['config', 'offset', 'status'].map(
            (what) => `${what}.storage.topic=others-${what}\n${what}.storage.replication.factor=1`,
          ),
        ]),
  ];
  const worker = fileOf(`${name}.worker.properties`, settings.join('\n'));
  const connector = fileOf(
    `${name}.connector.properties`,
    `name=lines\nconnector.class=FileStreamSource\nfile=${lines}\ntopic=${topic}\n`,
  );
  const started = new Millrace([worker, ...(isAlone ? [connector] : [])], { bin: join(root, 'bin', name) });
  const [, url] = await started.says(/Connect ready +(\S+)/);
  if (!isAlone) expect((await run(`connect create ${connector} --url ${url}`)).error).toBeUndefined();
  const written = async (): Promise<number> => {
    const found = await platform.client
      .admin()
      .listOffsets([{ topic, partition: 0, timestamp: -1 }])
      .catch(() => []);
    return found[0]?.offset ?? 0;
  };
  await expect.poll(written, { timeout: 20_000 }).toBe(1);
  const ended = await started.kill('SIGTERM');
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Stopped.') });
});

test('a worker says what is missing', async () => {
  const alone = async (text: string): Promise<string> => {
    const started = new Millrace([fileOf('bad.properties', text)], { bin: join(root, 'bin', 'connect-distributed') });
    const { code, stderr } = await started.ended;
    expect(code).toBe(1);
    return stderr;
  };
  expect(await alone('group.id=x\n')).toContain('Missing required configuration "key.converter"');
  const whole = `group.id=x\nkey.converter=${STRINGS}\nvalue.converter=${STRINGS}\nconfig.storage.topic=c\noffset.storage.topic=o\nstatus.storage.topic=s\n`;
  expect(await alone(`${whole}bootstrap.servers=127.0.0.1:1\n`)).toContain('No broker answers at 127.0.0.1:1');
  expect(await alone(`${whole}grup.id=y\n`)).toContain('Did you mean "group.id"?');
});
