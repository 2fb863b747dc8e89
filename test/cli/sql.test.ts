import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSchema } from '../../src/sql-api/index.ts';
import { splitStatements } from '../../src/cli/statements.ts';
import { renderTable } from '../../src/cli/table.ts';
import { Platform } from '../../src/platform/index.ts';
import { Millrace } from './support.ts';

describe('millrace sql', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  let platform: Platform;
  let url: string;

  beforeAll(async () => {
    platform = await Platform.start({
      settings: {
        'log.dirs': dataDir,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
      },
    });
    url = platform.url('sql');
  });
  afterAll(async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('runs statements, a script, what is piped in, and a script within a script', async () => {
    const script = join(dataDir, 'script.sql');
    writeFileSync(script, "-- a script; with a comment\nINSERT INTO t VALUES ('it''s', 1);\nSELECT * FROM t");
    const create = "CREATE STREAM t (a STRING, b INT) WITH (kafka_topic='t', partitions=1, value_format='JSON');";
    expect(await new Millrace(['sql', url, '-e', create]).ended).toMatchObject({
      code: 0,
      stdout: 'Stream T created\n',
    });
    expect((await new Millrace(['sql', url, '-f', script]).ended).stdout).toContain("it's  1");
    expect((await new Millrace(['sql', url], { input: 'SELECT b FROM t;' }).ended).stdout).toContain('B\n─\n1\n');
    expect(
      (await new Millrace(['sql', url, '-e', `RUN SCRIPT '${script}';`]).ended).stdout.match(/it's/g),
    ).toHaveLength(2);
  });

  test('a query may begin with WITH', async () => {
    const query = 'WITH q AS (SELECT b FROM t) SELECT b AS n FROM q EMIT CHANGES LIMIT 1;';
    const { stdout } = await new Millrace(['sql', url, '-e', `SET 'auto.offset.reset' = 'earliest'; ${query}`]).ended;
    expect(stdout).toMatch(/^ *N\n─+\n *1\n/);
  });

  test('tells what was changed, and shows indexes', async () => {
    const text = `
      CREATE TABLE rows_of (k INT PRIMARY KEY, v INT) WITH (kafka_topic='rows_of', partitions=1, format='JSON');
      INSERT INTO rows_of VALUES (1, 1); UPDATE rows_of SET v = 2 WHERE v = 1; DELETE FROM rows_of WHERE k = 1;
      CREATE SOURCE TABLE seen (k INT PRIMARY KEY, v INT) WITH (kafka_topic='rows_of', format='JSON');
      CREATE INDEX by_v ON seen (v, k); SHOW INDEXES; DESCRIBE seen; DROP INDEX by_v;`;
    const { stdout } = await new Millrace(['sql', url, '-e', text]).ended;
    expect(stdout).toContain('Updated 1 row.\nWrote tombstones for 1 key.\n');
    expect(stdout).toMatch(/Index +Table +Columns\n[─ ]+\nBY_V +SEEN +V, K\n/);
    expect(stdout).toContain('Indexes\n  BY_V: V, K\n');
    expect(stdout).toContain('Index BY_V was dropped');
  });

  test('prints numbers with all their digits', async () => {
    const create =
      "CREATE STREAM exact (l BIGINT, m DECIMAL(4, 2), a ARRAY<BIGINT>) WITH (kafka_topic='exact', partitions=1, value_format='JSON');";
    const insert = 'INSERT INTO exact VALUES (9007199254740993, 1.50, ARRAY[9223372036854775807]);';
    const { stdout } = await new Millrace(['sql', url, '-e', `${create} ${insert} SELECT * FROM exact;`]).ended;
    expect(stdout).toContain('9007199254740993  1.50  [9223372036854775807]');
    const json = await new Millrace(['sql', url, '--output', 'json', '-e', 'SELECT * FROM exact;']).ended;
    expect(json.stdout).toContain('{"row":{"columns":[9007199254740993,1.50,[9223372036854775807]]}}');
  });

  test('EXPLAIN ANALYZE gives the reason first, EXPLAIN CREATE OR REPLACE what would become of the query', async () => {
    const entities = await platform.sql.execute(
      "CREATE STREAM nothing (a INT) WITH (kafka_topic='nothing', partitions=1, value_format='JSON'); CREATE STREAM none AS SELECT a FROM nothing;",
    );
    const { queryId } = entities[1]!['commandStatus'] as { queryId: string };
    await expect.poll(async () => (await platform.sql.explainAnalyze(queryId)).reason?.kind).toBe('topic-empty');
    const analyzed = (await new Millrace(['sql', url, '-e', `EXPLAIN ANALYZE ${queryId};`]).ended).stdout;
    expect(analyzed).toMatch(/State +: RUNNING, for [\d.]+ s\n/);
    expect(analyzed).toContain('\nThe topic nothing (NOTHING) is empty: nothing has been written to it yet.\n');
    expect(analyzed).toMatch(/\nOperator .* Step .* In +Out/);
    expect(analyzed).toMatch(/\nPartition +Position +Committed +End +Lag/);
    const replace = 'EXPLAIN CREATE OR REPLACE STREAM none AS SELECT a, a + 1 AS b FROM nothing;';
    const { stdout } = await new Millrace(['sql', url, '-e', replace]).ended;
    expect(stdout).toContain(`\nIt may replace ${queryId}.\n  new column B INTEGER\n1. `);
  });

  test('answers JSON when asked', async () => {
    const { stdout } = await new Millrace(['sql', url, '--output', 'json', '-e', 'SHOW STREAMS; SELECT b FROM t;'])
      .ended;
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ '@type': 'streams' });
    expect(lines[1]).toEqual({ header: [{ name: 'B', type: 'INTEGER' }] });
    expect(lines[2]).toEqual({ row: { columns: [1] } });
  });

  test('SET holds for the statements that follow; variables are replaced', async () => {
    const text = "SET 'auto.offset.reset'='earliest'; DEFINE s='t'; SELECT * FROM ${s} EMIT CHANGES LIMIT 1;";
    const { code, stdout } = await new Millrace(['sql', url, '-e', text]).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Limit Reached\nQuery terminated\n');
  });

  test('says when a query starts behind what its sources hold, and how it would not', async () => {
    const run = async (sql: string, output = 'tabular'): Promise<string> =>
      (await new Millrace(['sql', url, '--output', output, '-e', sql]).ended).stdout;
    const early = "SET 'auto.offset.reset'='earliest';";
    const create = (name: string): string => `CREATE TABLE ${name} AS SELECT a, COUNT(*) AS n FROM w GROUP BY a;`;
    expect(
      await run(
        `CREATE STREAM w (a STRING) WITH (kafka_topic='w', partitions=2, value_format='JSON'); ${create('none')}`,
      ),
    ).not.toContain('WARNING');
    await run("INSERT INTO w VALUES ('x');");
    const warning = `WARNING: the query starts behind the records that W holds already. To have them in it, say ${early} and start it anew.\n`;
    expect(await run(create('late'))).toContain(warning);
    expect(await run('SELECT * FROM w EMIT CHANGES LIMIT 0;')).toContain(warning);
    expect(await run('INSERT INTO w SELECT * FROM w;')).toContain(warning);
    expect(await run(`${early} ${create('all')} SELECT * FROM w EMIT CHANGES LIMIT 1;`)).not.toContain('WARNING');
    // It goes on where the one was that it replaces.
    expect(await run(create('late').replace('CREATE', 'CREATE OR REPLACE'))).not.toContain('WARNING');
    const [json] = (await run('SELECT * FROM w EMIT CHANGES LIMIT 0;', 'json')).split('\n');
    expect(JSON.parse(json!)).toEqual({ header: [{ name: 'A', type: 'STRING' }] });
  });

  test('points at the mistake and exits with 1', async () => {
    const refused = await new Millrace(['sql', url, '-e', 'SELECT *\nFRUM t;']).ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/line 2:1[^]*\n {2}FRUM t;\n {2}\^/);
    const unreachable = await new Millrace(['sql', 'http://127.0.0.1:1', '-e', 'SHOW STREAMS;']).ended;
    expect(unreachable.code).toBe(1);
    expect(unreachable.stderr).toContain('No SQL server answers at http://127.0.0.1:1');
    const script = join(dataDir, 'wrong.sql');
    writeFileSync(script, 'SHOW STREAMS;\n\n-- what is wanted\nSELECT b,\n  itm\nFROM t;\n');
    expect((await new Millrace(['sql', url, '-f', script]).ended).stderr).toMatch(
      /wrong\.sql:5: [^\n]*'ITM' cannot be resolved\.[^]*\n {4}itm\n {4}\^\n/,
    );
    expect(
      (await new Millrace(['sql', url, '--output', 'csv', '-e', "SELECT a, b FROM t WHERE a = 'it''s' LIMIT 1;"]).ended)
        .stdout,
    ).toBe("A,B\nit's,1\n");
    expect((await new Millrace(['sql', url, '--output', 'xml']).ended).stderr).toContain('Unknown output format "xml"');
    expect((await new Millrace(['sql', url, '-f', 'nowhere.sql']).ended).stderr).toContain("nowhere.sql can't be read");
  });
});

describe('the prompt’s pieces', () => {
  test('statements end at semicolons outside of quotes and comments', () => {
    const text = 'SELECT \';\' FROM a; -- no; not here\nSELECT "x;y" /* ; */ FROM b;\nSELECT 1';
    expect(splitStatements(text)).toEqual({
      statements: [
        { text: "SELECT ';' FROM a;", line: 1 },
        { text: '-- no; not here\nSELECT "x;y" /* ; */ FROM b;', line: 1 },
      ],
      rest: '\nSELECT 1',
    });
    expect(splitStatements("SELECT 'open; ").statements).toEqual([]);
  });

  test('schemas are read with types inside of types', () => {
    expect(
      parseSchema('`A` STRING KEY, `B``C` STRUCT<`X` INTEGER, `Y` MAP<STRING, DOUBLE>>, `D` DECIMAL(4, 2)'),
    ).toEqual([
      { name: 'A', type: 'STRING' },
      { name: 'B`C', type: 'STRUCT<`X` INTEGER, `Y` MAP<STRING, DOUBLE>>' },
      { name: 'D', type: 'DECIMAL(4, 2)' },
    ]);
  });

  test('tables fit the terminal: the widest column gives way', () => {
    const rows = [
      ['short', 12, 'a rather long text that has to give way'],
      ['x', 5, null],
    ];
    expect(renderTable(rows, { width: 30, headings: ['A', 'NUMBER', 'TEXT'] })).toBe(
      [
        'A      NUMBER  TEXT',
        '─────  ──────  ───────────────',
        'short      12  a rather long …',
        'x           5  null',
      ].join('\n'),
    );
  });
});
