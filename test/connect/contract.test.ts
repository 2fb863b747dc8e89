// The suite that connectors are tried with, on those that need nothing else, and on ones that break its rules.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { datagenSource } from '../../src/connect/connectors/datagen/index.ts';
import { fileStreamSink, fileStreamSource } from '../../src/connect/connectors/file-stream/index.ts';
import { jdbcSink, jdbcSource } from '../../src/connect/connectors/jdbc/index.ts';
import {
  defineConfig,
  INT64,
  type SinkRecord,
  sinkContract,
  sourceContract,
  sourcePlugin,
  sourceRecord,
  STRING,
  structOf,
} from '../../src/connect/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-contract-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const row = structOf({ id: INT64, name: STRING });
const records: SinkRecord[] = Array.from({ length: 5 }, (_, offset) => ({
  topic: 't',
  partition: 0,
  offset,
  keySchema: STRING,
  key: `k${offset}`,
  valueSchema: row,
  value: { id: BigInt(offset), name: `n${offset}` },
  timestamp: 1000 + offset,
  timestampType: 'CreateTime',
  headers: [],
  originalTopic: 't',
  originalPartition: 0,
  originalOffset: offset,
}));

const lines = join(directory, 'lines.txt');
const copy = join(directory, 'copy.txt');
const path = join(directory, 'rows.db');
const database = new DatabaseSync(path);
afterAll(() => database.close());

describe('holds for', () => {
  const checks = [
    ...sourceContract(fileStreamSource, {
      config: { file: lines, topic: 't' },
      records: 9,
      prepare: () => writeFileSync(lines, 'abcdefghi'.split('').join('\n') + '\n'),
    }),
    ...sinkContract(fileStreamSink, {
      config: { file: copy },
      records,
      prepare: () => writeFileSync(copy, ''),
      written: () => readFileSync(copy, 'utf8'),
    }),
    ...sourceContract(datagenSource, {
      config: { 'kafka.topic': 't', quickstart: 'orders', 'max.interval': '0' },
      records: 40,
    }),
    ...sourceContract(jdbcSource, {
      config: {
        'connection.url': `jdbc:sqlite:${path}`,
        mode: 'incrementing',
        'topic.prefix': 't-',
        'table.whitelist': 'source',
        'poll.interval.ms': '10',
        'batch.max.rows': '4',
      },
      records: 10,
      prepare() {
        database.exec('DROP TABLE IF EXISTS source; CREATE TABLE source (id INTEGER PRIMARY KEY NOT NULL, v TEXT)');
        for (let i = 0; i < 10; i++) database.exec(`INSERT INTO source (v) VALUES ('v${i}')`);
      },
    }),
    ...sinkContract(jdbcSink, {
      config: {
        'connection.url': `jdbc:sqlite:${path}`,
        'auto.create': 'true',
        'insert.mode': 'upsert',
        'pk.mode': 'record_value',
        'pk.fields': 'id',
        'table.name.format': 'sink',
      },
      records,
      isIdempotent: true,
      prepare: () => database.exec('DROP TABLE IF EXISTS sink'),
      written: () =>
        database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'sink'").get()!['n'] === 0
          ? []
          : database.prepare('SELECT * FROM sink ORDER BY id').all(),
    }),
  ];
  test.each(checks)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('finds', () => {
  const broken = (poll: (next: number) => { offset: number; value: unknown }) =>
    sourcePlugin({
      className: 'test.Broken',
      version: '1',
      config: defineConfig({}),
      exactlyOnce: () => 'supported',
      create: (_config, raw) => ({ taskConfigs: () => [raw] }),
      task() {
        let next = 0;
        return {
          start: async (_config, context) => void (next = Number((await context.offset({}))?.['next'] ?? 0)),
          poll() {
            const { offset, value } = poll(next++);
            return [
              sourceRecord({
                topic: 't',
                value,
                valueSchema: STRING,
                sourcePartition: {},
                sourceOffset: { next: offset },
              }),
            ];
          },
          stop() {},
        };
      },
    });
  const failures = async (poll: Parameters<typeof broken>[0]): Promise<string[]> => {
    const said: string[] = [];
    for (const { run } of sourceContract(broken(poll), { config: {}, records: 6 }))
      await run().catch((error: Error) => said.push(error.message));
    return said;
  };

  test.each([
    [
      'values that are not of their schema',
      (next: number) => ({ offset: next + 1, value: next }),
      /value must be STRING/,
    ],
    [
      'offsets that are those of the record itself',
      (next: number) => ({ offset: next, value: `v${next}` }),
      /reads records again/,
    ],
    ['offsets that leave something out', (next: number) => ({ offset: next + 2, value: `v${next}` }), /goes on with/],
  ])('%s', async (_what, poll, message) => {
    expect((await failures(poll)).join('\n')).toMatch(message);
  });

  test('nothing where nothing is wrong', async () => {
    expect(await failures((next) => ({ offset: next + 1, value: `v${next}` }))).toEqual([]);
  });
});
