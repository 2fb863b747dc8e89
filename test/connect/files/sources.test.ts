// The sources of files of folders.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { folderSource, spoolCsv, spoolJson, spoolLines } from '../../../src/connect/connectors/files/index.ts';
import { jsonDocuments } from '../../../src/connect/connectors/record-files/index.ts';
import { parseConfig, type SourceOffset, sourceContract, type SourcePlugin } from '../../../src/connect/index.ts';
import { Decimal, systemEnvironment } from '../../../src/util/index.ts';
import {
  afterwards,
  openCluster,
  openWorker,
  recordsIn,
  temporaryDirectory,
  until,
  valuesIn,
} from '../support/worker.ts';
import { driveSource, type Offsets } from './driven-source.ts';

function folders() {
  const root = temporaryDirectory();
  const [input, finished, error] = ['input', 'finished', 'error'].map((name) => join(root, name));
  for (const path of [input!, finished!, error!]) mkdirSync(path);
  const settings = {
    topic: 't',
    'input.path': input!,
    'finished.path': finished!,
    'error.path': error!,
    'input.file.pattern': '.*',
    'empty.poll.wait.ms': '10',
  };
  return { input: input!, finished: finished!, error: error!, settings };
}

const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `${from + i}\n`).join('');

describe('does what sources must do:', () => {
  const kinds: readonly [SourcePlugin, (folder: string) => void, Record<string, string>][] = [
    [spoolLines, (folder) => writeFileSync(join(folder, 'a.txt'), lines(0, 9)), {}],
    [spoolJson, (folder) => writeFileSync(join(folder, 'a.json'), '{"a":1} {"a":2}\n[3]\n4 "5"{}'), {}],
    [
      spoolCsv,
      (folder) => writeFileSync(join(folder, 'a.csv'), `id,name\n${lines(0, 6).replaceAll('\n', ',x\n')}`),
      { 'schema.generation.enabled': 'true', 'csv.first.row.as.header': 'true' },
    ],
  ];
  for (const [plugin, write, more] of kinds) {
    const config: Record<string, string> = {};
    const checks = sourceContract(plugin, {
      config,
      records: 6,
      prepare() {
        const { input, settings } = folders();
        write(input);
        Object.assign(config, { ...settings, 'cleanup.policy': 'NONE', 'batch.size': '4', ...more });
      },
    });
    test.each(checks)('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  }

  const config: Record<string, string> = {};
  const checks = sourceContract(folderSource, {
    config,
    records: 8,
    prepare() {
      const path = temporaryDirectory();
      mkdirSync(join(path, 'b'));
      writeFileSync(join(path, 'b', '1.jsonl'), '{"a":1}\n{"a":2}\n{"a":3}\n');
      writeFileSync(join(path, 'b', '2.jsonl.gz'), gzipSync('4\n5\n6\n7\n8\n'));
      writeFileSync(join(path, 'other.txt'), 'no JSON');
      const settings = { path, topic: 't', files: '**/*.jsonl,**/*.jsonl.gz', 'format.class': 'jsonl' };
      Object.assign(config, settings, { 'batch.size': '2', 'poll.interval.ms': '10' });
    },
  });
  test.each(checks)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('CSV', () => {
  test('comes through a worker with the schema of its first row, and is moved away when it is safe', async () => {
    const { input, finished, settings } = folders();
    writeFileSync(join(input, 'people.csv'), '\ufeffid,name\r\n1,"Ö, ""x"""\r\n2,\r\n');
    writeFileSync(join(input, 'people.tmp'), 'not yet');
    const client = (await openCluster()).connect();
    const { worker, heard } = await openWorker(client, [spoolCsv], { exactlyOnceSources: true });
    const json = 'org.apache.kafka.connect.json.JsonConverter';
    const config = {
      ...settings,
      name: 'spool',
      'connector.class': spoolCsv.className,
      'input.file.pattern': '^.*\\.csv$',
      'csv.first.row.as.header': 'true',
      'schema.generation.enabled': 'true',
      'schema.generation.key.fields': 'id',
      'key.converter': json,
      'key.converter.schemas.enable': 'false',
      'value.converter': json,
      'value.converter.schemas.enable': 'false',
      'exactly.once.support': 'required',
    };
    await worker.startTask({ connector: 'spool', task: 0 }, config, config, 'STARTED');
    await until('the file is moved', () => {
      expect(heard.traces.get('spool-0')).toBeUndefined();
      return existsSync(join(finished, 'people.csv'));
    });
    const records = await recordsIn(client, 't');
    expect(records.map(({ key, value }) => [key?.toString(), value?.toString()])).toEqual([
      ['{"id":"1"}', '{"id":"1","name":"Ö, \\"x\\""}'],
      ['{"id":"2"}', '{"id":"2","name":""}'],
    ]);
    expect(records[0]!.headers.map(({ key }) => key)).toEqual([
      'file.name',
      'file.path',
      'file.relative.path',
      'file.length',
      'file.offset',
      'file.last.modified',
    ]);
    expect(readdirSync(input)).toEqual(['people.tmp']);
    // Another file of the same name is another file.
    writeFileSync(join(input, 'people.csv'), 'id,name\n3,c\n');
    await until('the third', async () => (await valuesIn(client, 't')).length === 3);
  });

  test('has the types that its schema says, whatever the order of columns', async () => {
    const { input, settings } = folders();
    writeFileSync(
      join(input, 'a.csv'),
      '# made by hand\nAT;price;ID;day;ok;unknown\n2026-03-01 10:00:00; 1.5;7;2026-01-31;TRUE;x\n;;8;;;\n',
    );
    const field = (type: string, more: object = {}) => ({ type, isOptional: true, ...more });
    const logical = 'org.apache.kafka.connect.data';
    const schema = {
      name: 'row',
      type: 'STRUCT',
      fieldSchemas: {
        id: { type: 'INT64' },
        price: field('BYTES', { name: `${logical}.Decimal`, version: 1, parameters: { scale: '2' } }),
        at: field('INT64', { name: `${logical}.Timestamp`, version: 1 }),
        day: field('INT32', { name: `${logical}.Date`, version: 1 }),
        ok: field('BOOLEAN'),
      },
    };
    const raw = {
      ...settings,
      'csv.first.row.as.header': 'true',
      'csv.separator.char': '59',
      'csv.skip.lines': '1',
      'value.schema': JSON.stringify(schema),
      'key.schema': JSON.stringify({ ...schema, name: 'key', fieldSchemas: { id: { type: 'INT64' } } }),
      'parser.timestamp.timezone': 'Europe/Berlin',
      'parser.timestamp.date.formats': 'yyyy-MM-dd HH:mm:ss,yyyy-MM-dd',
    };
    expect(await spoolCsv.validate!(parseConfig(spoolCsv.config, raw))).toEqual([]);
    const { readAll } = await driveSource(spoolCsv, raw, new Map());
    const records = await readAll();
    expect(records.map(({ key, value }) => [key, value])).toEqual([
      [
        { id: 7n },
        {
          id: 7n,
          price: new Decimal(150n, 2),
          at: new Date('2026-03-01T09:00:00Z'),
          day: new Date('2026-01-31T00:00:00Z'),
          ok: true,
        },
      ],
      [{ id: 8n }, { id: 8n, price: null, at: null, day: null, ok: null }],
    ]);
  });

  test('that cannot be read ends the task, or is moved aside, with what was read of it written', async () => {
    const { input, error, finished, settings } = folders();
    writeFileSync(join(input, 'a.csv'), '1\nx\n3\n');
    writeFileSync(join(input, 'b.csv'), '4\n');
    const schema = { type: 'STRUCT', fieldSchemas: { id: { type: 'INT32' } } };
    const raw = { ...settings, 'value.schema': JSON.stringify(schema) };
    const offsets: Offsets = new Map();
    const strict = await driveSource(spoolCsv, raw, offsets);
    expect((await strict.poll()).map(({ value }) => value)).toEqual([{ id: 1 }]);
    await expect(strict.poll()).rejects.toThrow(/a\.csv: record 2: field id: "x" is no INT32/);
    const lenient = await driveSource(spoolCsv, { ...raw, 'halt.on.error': 'false' }, offsets);
    expect((await lenient.readAll()).map(({ value }) => value)).toEqual([{ id: 4 }]);
    expect([readdirSync(input), readdirSync(error), readdirSync(finished)]).toEqual([[], ['a.csv'], ['b.csv']]);
    expect(lenient.log[0]).toMatch(/record 2.*moved to/);
  });

  test('has nulls as it is told', async () => {
    for (const [indicator, expected] of [
      ['NEITHER', ['', '']],
      ['EMPTY_SEPARATORS', [null, '']],
      ['EMPTY_QUOTES', ['', null]],
      ['BOTH', [null, null]],
    ] as const) {
      const { input, settings } = folders();
      writeFileSync(join(input, 'a.csv'), ',""\n');
      const raw = { ...settings, 'schema.generation.enabled': 'true', 'csv.null.field.indicator': indicator };
      const { readAll } = await driveSource(spoolCsv, raw, new Map());
      const [record] = await readAll();
      expect(Object.values(record!.value as object)).toEqual(expected);
    }
  });

  test('refuses settings that cannot be', async () => {
    const { settings } = folders();
    const check = (more: Record<string, string>) => parseConfig(spoolCsv.config, { ...settings, ...more });
    expect(() => check({ 'input.file.pattern': '(' })).toThrow(/input\.file\.pattern/);
    expect(() => check({ 'file.charset': 'latin1' })).toThrow(/only "UTF-8" is supported/);
    expect(() => check({ 'value.schema': '{"type":"STRUCT","fieldSchemas":{"a":{"type":"ARRAY"}}}' })).toThrow(
      /field a/,
    );
    const without = Object.fromEntries(Object.entries(settings).filter(([name]) => name !== 'finished.path'));
    const problems = await spoolCsv.validate!(parseConfig(spoolCsv.config, without));
    expect(problems.map(({ name }) => name)).toEqual(['finished.path', 'value.schema']);
    await expect(driveSource(spoolLines, { ...settings, 'finished.path': '/none' }, new Map())).rejects.toThrow(
      /the finished folder \/none is not there/,
    );
  });
});

test('files that grow are read line by line, wherever their task is killed', async () => {
  const path = temporaryDirectory();
  const raw = { path, topic: 't', tail: 'true', 'format.class': 'lines', files: '*.log', 'batch.size': '2' };
  expect(await folderSource.validate!(parseConfig(folderSource.config, raw))).toEqual([]);
  const step = fc.record({
    file: fc.constantFrom('a.log', 'b.log'),
    text: fc.constantFrom('1', '22', '\n', '3\n', 'ü\n4\n5\n'),
  });
  const life = fc.record({
    steps: fc.array(step, { maxLength: 4 }),
    polls: fc.integer({ min: 0, max: 3 }),
    last: fc.integer({ min: 0, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(life, { maxLength: 5 }), async (lives) => {
      const texts = { 'a.log': '', 'b.log': '' };
      for (const name of Object.keys(texts)) writeFileSync(join(path, name), '');
      const offsets: Offsets = new Map();
      const seen: unknown[] = [];
      for (const { steps, polls, last } of [...lives, { steps: [], polls: 60, last: 0 }]) {
        const { task, poll } = await driveSource(folderSource, raw, offsets);
        for (const { file, text } of steps) writeFileSync(join(path, file), (texts[file] += text));
        for (let i = 0; i < polls; i++) seen.push(...(await poll()).map(({ value }) => value));
        seen.push(...(await poll(last)).map(({ value }) => value));
        await task.stop();
      }
      const expected = Object.values(texts).flatMap((text) => text.split('\n').slice(0, -1));
      expect(seen.toSorted()).toEqual(expected.toSorted());
    }),
    { numRuns: 60 },
  );
  writeFileSync(join(path, 'a.log'), '1\n2\n');
  const { task, readAll } = await driveSource(folderSource, raw, new Map());
  await readAll();
  writeFileSync(join(path, 'a.log'), '1\n');
  await expect(task.poll(new AbortController().signal)).rejects.toThrow(/it is another file/);
  writeFileSync(join(path, 'b.log'), '1\nx\n');
  const json = await driveSource(
    folderSource,
    { ...raw, 'format.class': 'json', files: 'b.log', 'batch.size': '9' },
    new Map(),
  );
  expect((await json.poll()).map(({ value }) => value)).toEqual([1]);
  await expect(json.poll()).rejects.toThrow(/b\.log, at position 2: .*no JSON/);
  const problems = await folderSource.validate!(
    parseConfig(folderSource.config, { ...raw, 'format.class': 'csv', 'cleanup.policy': 'DELETE' }),
  );
  expect(problems.map(({ name }) => name)).toEqual(['tail', 'cleanup.policy']);
});

test('files are read when they are old enough, of folders below, too, and by one task each', async () => {
  const { input, settings } = folders();
  const finished = join(input, 'done');
  mkdirSync(finished);
  mkdirSync(join(input, 'sub'));
  const raw = {
    ...settings,
    'finished.path': finished,
    'input.path.walk.recursively': 'true',
    'file.minimum.age.ms': '3600000',
  };
  const names = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? `f${i}` : `sub/f${i}`));
  for (const name of names) writeFileSync(join(input, name), `${name}\n`);
  const context = {
    name: 'c',
    environment: systemEnvironment,
    log: console,
    requestTaskReconfiguration() {},
    raiseError() {},
  };
  const connector = spoolLines.create(parseConfig(spoolLines.config, raw), raw, context);
  const tasks = await connector.taskConfigs(3);
  const readAll = async (): Promise<unknown[][]> => {
    const all: unknown[][] = [];
    for (const task of tasks) {
      const driven = await driveSource(spoolLines, task, new Map());
      all.push((await driven.readAll()).map(({ value }) => value));
      await driven.task.stop();
    }
    return all;
  };
  expect((await readAll()).flat()).toEqual([]);
  for (const name of names) utimesSync(join(input, name), 1000, 1000);
  const shares = await readAll();
  expect(shares.flat().toSorted()).toEqual(names.toSorted());
  for (const share of shares) expect(share.length).toBeGreaterThan(0);
  expect(readdirSync(join(finished, 'sub'))).toHaveLength(10);
  expect((await readAll()).flat()).toEqual([]);
});

test('offsets that a user gives are looked at', () => {
  const { settings } = folders();
  const given = parseConfig(spoolLines.config, settings);
  const check = (partition: Record<string, string>, offset: SourceOffset | null) => () =>
    spoolLines.checkOffsets!(given, [{ partition, offset }]);
  expect(check({ fileName: 'a' }, null)).not.toThrow();
  expect(check({ fileName: 'a' }, { offset: 1, size: 2, modified: 3 })).not.toThrow();
  expect(check({ fileName: 'a' }, { offset: 1 })).toThrow(/size/);
  expect(check({ name: 'a' }, null)).toThrow(/fileName/);
});

test('JSON documents are told apart in chunks of any size', async () => {
  const document = fc.json({ maxDepth: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(document),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(' ', '\n', '\r\n\t'),
      async (documents, size, space) => {
        const bytes = Buffer.from(documents.map((text) => JSON.stringify(JSON.parse(text), null, 2)).join(space));
        const chunks = (async function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        })();
        const found: string[] = [];
        for await (const text of jsonDocuments(chunks)) found.push(text);
        expect(found).toEqual(documents.map((text) => JSON.stringify(JSON.parse(text))));
      },
    ),
    { numRuns: 200 },
  );
  for (const text of ['{"a":', '{"a":1}}', '[1,]', 'nul', '"a'])
    await expect(
      Array.fromAsync(
        jsonDocuments(
          (async function* () {
            yield Buffer.from(text);
          })(),
        ),
      ),
    ).rejects.toThrow(/no JSON/);
});

describe('each record of each file is read once', () => {
  test('wherever the task is killed, and whenever files come', async () => {
    const life = fc.record({
      polls: fc.integer({ min: 0, max: 5 }),
      last: fc.integer({ min: 0, max: 3 }),
      commits: fc.boolean(),
    });
    const file = fc.record({ records: fc.integer({ min: 0, max: 7 }), at: fc.integer({ min: 0, max: 5 }) });
    const policy = fc.constantFrom('NONE', 'DELETE', 'MOVE');
    await fc.assert(
      fc.asyncProperty(
        fc.array(file, { maxLength: 6 }),
        fc.array(life, { maxLength: 6 }),
        policy,
        async (files, lives, cleanup) => {
          const { input, settings } = folders();
          const raw = { ...settings, 'cleanup.policy': cleanup, 'batch.size': '3' };
          const offsets: Offsets = new Map();
          const seen: unknown[] = [];
          const come = (at: number): void => {
            for (const [i, each] of files.entries())
              if (each.at === at) writeFileSync(join(input, `f${(i * 7) % 10}-${i}`), lines(i * 100, each.records));
          };
          for (const [i, { polls, last, commits }] of lives.entries()) {
            come(i);
            const { task, poll } = await driveSource(spoolLines, raw, offsets);
            for (let n = 0; n < polls; n++) {
              seen.push(...(await poll()).map(({ value }) => value));
              if (commits) await task.commit!();
            }
            // The last batch is cut off: the rest of it and of its offsets is not written.
            seen.push(...(await poll(last)).map(({ value }) => value));
            await task.stop();
          }
          for (let at = lives.length; at <= 5; at++) come(at);
          const { task, readAll } = await driveSource(spoolLines, raw, offsets);
          seen.push(...(await readAll()).map(({ value }) => value));
          await task.stop();
          const expected = files.flatMap(({ records }, i) =>
            Array.from({ length: records }, (_, n) => String(i * 100 + n)),
          );
          expect(seen.toSorted()).toEqual(expected.toSorted());
          if (cleanup !== 'NONE') expect(readdirSync(input)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('also when the process is killed at any time', async () => {
    const { input, finished, settings } = folders();
    for (let i = 0; i < 12; i++) {
      const path = join(input, `file-${i}.txt`);
      writeFileSync(path, lines(i * 1000, 50 + i));
      utimesSync(path, 1000 + i, 1000 + i);
    }
    const seen: string[] = [];
    const offsets: Record<string, SourceOffset> = {};
    const live = (killAfter: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const program = join(import.meta.dirname, 'spool-child.ts');
        const child = spawn(process.execPath, [program, JSON.stringify(settings), JSON.stringify(offsets)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        afterwards(() => void child.kill('SIGKILL'));
        let rest = '';
        let count = 0;
        child.stdout.on('data', (chunk: Buffer) => {
          const whole = (rest + chunk.toString()).split('\n');
          rest = whole.pop()!;
          for (const line of whole) {
            const { value, partition, offset } = JSON.parse(line);
            seen.push(value);
            offsets[JSON.stringify(partition)] = offset;
          }
          count += whole.length;
          if (count >= killAfter) child.kill('SIGKILL');
        });
        child.on('error', reject);
        child.on('close', () => resolve());
      });
    for (const killAfter of [1, 30, 75, 10, 120]) await live(killAfter);
    await live(Number.POSITIVE_INFINITY);
    const expected = Array.from({ length: 12 }, (_, i) =>
      Array.from({ length: 50 + i }, (_n, n) => String(i * 1000 + n)),
    );
    expect(seen.toSorted()).toEqual(expected.flat().toSorted());
    expect(readdirSync(finished)).toHaveLength(12);
  }, 60_000);
});
