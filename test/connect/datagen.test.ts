// Made-up records: what schemas ask for, the same ones for the same seed, and the next ones behind an offset.
import { expect, test } from 'vitest';
import { datagenSource } from '../../src/connect/connectors/datagen/index.ts';
import { QUICKSTARTS } from '../../src/connect/connectors/datagen/quickstarts.ts';
import { checkValue, parseConfig, type SourceRecord } from '../../src/connect/index.ts';
import { systemEnvironment } from '../../src/util/index.ts';
import { openCluster, openWorker, recordsIn, until } from './support/worker.ts';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

async function made(
  settings: Record<string, string>,
  count: number,
  offset: Record<string, number> | null = null,
): Promise<SourceRecord[]> {
  const raw = { 'kafka.topic': 't', 'max.interval': '0', ...settings };
  const task = datagenSource.task();
  await task.start(
    parseConfig(datagenSource.config, raw),
    {
      connector: 'c',
      taskId: 0,
      environment: systemEnvironment,
      log: quiet,
      offset: async () => offset,
      offsets: async () => [offset],
      transaction: undefined,
      pause: async () => {},
    },
    raw,
  );
  const records: SourceRecord[] = [];
  while (records.length < count) records.push(...(await task.poll(new AbortController().signal)));
  return records.slice(0, count);
}

test.each(Object.keys(QUICKSTARTS))('%s makes records of its schema, with a key', async (quickstart) => {
  for (const { value, valueSchema, key, keySchema } of await made({ quickstart }, 50)) {
    checkValue(valueSchema, value);
    checkValue(keySchema, key);
    expect(key).toBe((value as Record<string, unknown>)[QUICKSTARTS[quickstart]!.key]);
  }
});

test('the same seed makes the same records, another one others; behind an offset come the next', async () => {
  const values = async (
    settings: Record<string, string>,
    count: number,
    offset: Record<string, number> | null = null,
  ) => (await made({ quickstart: 'users', ...settings }, count, offset)).map(({ value }) => value);
  const all = await values({ 'random.seed': '7' }, 20);
  expect(await values({ 'random.seed': '7' }, 20)).toEqual(all);
  expect(await values({ 'random.seed': '8' }, 20)).not.toEqual(all);
  expect(await values({ 'random.seed': '7' }, 10, { 'current.iteration': 10 })).toEqual(all.slice(10));
});

test('values are as arg.properties want them', async () => {
  const field = (name: string, type: string, properties: object) => ({
    name,
    type: { type, 'arg.properties': properties },
  });
  const schema = {
    type: 'record',
    name: 'all',
    fields: [
      field('counted', 'int', { iteration: { start: 5, restart: 11, step: 2 } }),
      field('between', 'double', { range: { min: 2, max: 3 } }),
      field('written', 'string', { regex: '(ab|c[d-f]){2}\\d{3,4}-x?', prefix: '<', suffix: '>' }),
      field('chosen', 'long', { options: [1, 2] }),
      field('never', 'boolean', { odds: 0 }),
      { name: 'maybe', type: ['null', { type: 'string', 'arg.properties': { length: 4 } }] },
      { name: 'list', type: { type: 'array', items: 'int', 'arg.properties': { length: { min: 2, max: 4 } } } },
      {
        name: 'at',
        type: {
          type: 'long',
          logicalType: 'timestamp-millis',
          'arg.properties': { iteration: { start: 1000, step: 10 } },
        },
      },
    ],
  };
  const records = (await made({ 'schema.string': JSON.stringify(schema) }, 60)).map(
    ({ value }) => value as Record<string, unknown>,
  );
  expect(records.slice(0, 5).map(({ counted }) => counted)).toEqual([5, 7, 9, 5, 7]);
  expect(records[3]!['at']).toEqual(new Date(1030));
  for (const { between, written, chosen, never, maybe, list } of records) {
    expect(between).toBeGreaterThanOrEqual(2);
    expect(between).toBeLessThan(3);
    expect(written).toMatch(/^<(ab|c[d-f]){2}\d{3,4}-x?>$/);
    expect([1n, 2n]).toContain(chosen);
    expect(never).toBe(false);
    if (maybe !== null) expect(maybe).toMatch(/^[a-z]{4}$/);
    expect((list as unknown[]).length === 2 || (list as unknown[]).length === 3).toBe(true);
  }
  expect(new Set(records.map(({ maybe }) => maybe === null))).toEqual(new Set([true, false]));
});

test('what cannot be made is told when settings are validated', async () => {
  const problems = (settings: Record<string, string>) =>
    datagenSource.validate!(parseConfig(datagenSource.config, { 'kafka.topic': 't', ...settings }));
  expect(await problems({})).toMatchObject([{ message: 'Give one of quickstart, schema.string and schema.filename' }]);
  expect(await problems({ quickstart: 'users', 'schema.keyfield': 'nothing' })).toMatchObject([
    { name: 'schema.keyfield' },
  ]);
  const bad = {
    type: 'record',
    name: 'r',
    fields: [{ name: 'f', type: { type: 'string', 'arg.properties': { regex: '(?=x)' } } }],
  };
  expect(await problems({ 'schema.string': JSON.stringify(bad) })).toMatchObject([
    { message: expect.stringContaining('a look around cannot be made') },
  ]);
  expect(() => parseConfig(datagenSource.config, { 'kafka.topic': 't', quickstart: 'nothing' })).toThrow(
    /String must be one of: users/,
  );
});

test('a task ends when it has made what it should, and makes no more when it is started again', async () => {
  const client = (await openCluster()).connect();
  const { worker, heard } = await openWorker(client, []);
  const config = {
    name: 'gen',
    'connector.class': 'Datagen',
    'kafka.topic': 'users',
    quickstart: 'users',
    iterations: '700',
    'max.interval': '0',
  };
  const id = { connector: 'gen', task: 0 };
  await worker.startTask(id, config, config, 'STARTED');
  await until('all', async () => (await recordsIn(client, 'users')).length === 700);
  await worker.stopTasks([id]);
  await worker.startTask(id, config, config, 'STARTED');
  await heard.is('gen-0', 'RUNNING');
  await worker.stopTasks([id]);
  expect(await recordsIn(client, 'users')).toHaveLength(700);
});
