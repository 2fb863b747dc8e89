// The SQL prompt: its pieces, and the whole on a real terminal (util-linux' `script` gives it one).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { answerTo, OUTPUT_FORMATS } from '../../src/cli/answers.ts';
import { commandIn } from '../../src/cli/prompt/commands.ts';
import { completionAt, FORMATS, type Known, sourcesOf, WITH_PROPERTIES } from '../../src/cli/prompt/completion.ts';
import { openQuote, splitStatements } from '../../src/cli/statements.ts';
import { cellText, csvLine, renderTable } from '../../src/cli/table.ts';
import { cutToWidth, displayWidth } from '../../src/cli/text-width.ts';
import { Platform } from '../../src/platform/index.ts';
import { JsonNumber } from '../../src/util/index.ts';

const KNOWN: Known = {
  streams: ['ORDERS', 'small'],
  tables: ['TOTALS'],
  topics: ['orders', 'other'],
  functions: ['ABS', 'NULLIF', 'COUNT'],
  queries: ['CTAS_TOTALS_5'],
  properties: ['auto.offset.reset', 'processing.guarantee'],
  columns: new Map([
    ['ORDERS', ['ID', 'ITEM', 'lower']],
    ['TOTALS', ['ITEM', 'N']],
  ]),
};

describe('tables', () => {
  test('are measured in places of the terminal: wide letters take two, marks none', () => {
    expect(displayWidth('日本')).toBe(4);
    expect(displayWidth('👩‍👩‍👧x')).toBe(3);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(cutToWidth('日本語です', 7)).toBe('日本語…');
    expect(cutToWidth('日本語です', 6)).toBe('日本…');
    expect(cutToWidth('a👩‍👩‍👧b👩‍👩‍👧', 5)).toBe('a👩‍👩‍👧b…');
    const table = renderTable(
      [
        ['日本', 1],
        ['x', 20],
      ],
      { width: 40, headings: ['NAME', 'N'] },
    );
    expect(table).toBe(['NAME   N', '────  ──', '日本   1', 'x     20'].join('\n'));
  });

  test('tell null from a string of these letters, and obey nothing that data says to a terminal', () => {
    expect([null, 'null', 'NULL', '', 'nullable'].map(cellText)).toEqual(['null', "'null'", "'NULL'", '', 'nullable']);
    expect(cellText('a\u001b[31mred\u0007\nb')).toBe('a\\x1b[31mred\\x07⏎b');
  });

  test('CSV: null is nothing, the empty string is not; what needs quotes has them', () => {
    expect(
      csvLine([null, '', 'a,b', 'say "no"', 'two\nlines', new JsonNumber('9007199254740993'), true, { a: [1] }]),
    ).toBe(',"","a,b","say ""no""","two\nlines",9007199254740993,true,"{""a"":[1]}"');
  });

  const COLUMNS = [
    { name: 'ID', type: 'INTEGER' },
    { name: 'NAME', type: 'STRING' },
  ];
  const ROWS = [
    [1, 'a|b'],
    [2, null],
  ];

  test.each([
    ['tabular', ['ID  NAME\n──  ────\n 1  a|b\n 2  null']],
    ['vertical', ['─[ 1 ]──────\nID   │ 1\nNAME │ a|b', '─[ 2 ]──────\nID   │ 2\nNAME │ null']],
    ['json', [JSON.stringify({ header: COLUMNS }), '{"row":{"columns":[1,"a|b"]}}', '{"row":{"columns":[2,null]}}']],
    ['jsonl', ['{"ID":1,"NAME":"a|b"}', '{"ID":2,"NAME":null}']],
    ['csv', ['ID,NAME', '1,a|b', '2,']],
    ['markdown', ['| ID | NAME |\n| --- | --- |', '| 1 | a\\|b |', '| 2 | null |']],
  ] as const)('a pull query as %s', (format, expected) => {
    const written: string[] = [];
    const terminal = {
      write: (text: string) => written.push(text),
      show: (text: string) => written.push(text),
      width: 60,
    };
    const answer = answerTo(terminal, { format, streaming: false });
    answer.header(COLUMNS);
    for (const row of ROWS) answer.row(row, false);
    answer.end();
    expect(written).toEqual(expected);
    expect(OUTPUT_FORMATS).toContain(format);
  });

  test('a push query begins a new table when the terminal gets another size; deleted rows are told', () => {
    const written: string[] = [];
    const terminal = { write: (text: string) => written.push(text), show: () => {}, width: 12 };
    const answer = answerTo(terminal, { format: 'tabular', streaming: true });
    answer.header(COLUMNS);
    answer.row([1, 'a rather long name'], false);
    terminal.width = 40;
    answer.row([1, null], true);
    expect(written).toEqual([
      '   ID  NAME\n─────  ─────',
      '    1  a ra…',
      `${' '.repeat(17)}ID  NAME\n${'─'.repeat(19)}  ${'─'.repeat(19)}`,
      `${' '.repeat(18)}1  <TOMBSTONE>`,
    ]);
  });

  test('expanded where it would be too wide', () => {
    const shown: string[] = [];
    const terminal = { write: () => {}, show: (text: string) => shown.push(text), width: 20 };
    for (const name of ['short', 'much too long for it']) {
      const answer = answerTo(terminal, { format: 'tabular', streaming: false, expandWide: true });
      answer.header(COLUMNS);
      answer.row([1, name], false);
      answer.end();
    }
    expect(shown).toEqual(['ID  NAME\n──  ─────\n 1  short', '─[ 1 ]──────\nID   │ 1\nNAME │ much too long for it']);
  });
});

describe('statements', () => {
  test('know the line of a script that they begin in', () => {
    const script = "SHOW STREAMS;\n\n-- all of it\nSELECT ';\n' FROM a;  SHOW\nTABLES;";
    expect(splitStatements(script).statements.map(({ line }) => line)).toEqual([1, 3, 5]);
  });

  test('quotes that are open are found, those in comments are none', () => {
    expect(openQuote("PRINT 'or")).toEqual({ quote: "'", at: 6 });
    expect(openQuote("SELECT 'it''s' -- don't")).toBeUndefined();
    expect(openQuote('SELECT `a" FROM')).toEqual({ quote: '`', at: 7 });
  });
});

describe('completion', () => {
  test.each([
    ['SELECT * FROM or', '', ['orders']],
    ['SELECT * FROM ', '', ['ORDERS', 'TOTALS', '`small`']],
    ['SELECT * FROM `sm', '', ['`small`']],
    ["PRINT 'o", '', ["orders'", "other'"]],
    ['PRINT ', '', ["'orders'", "'other'"]],
    ["SET 'auto", '', ["auto.offset.reset'"]],
    ["CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='or", '', ["orders'"]],
    ["CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='orders', VALUE_FOR", '', ['VALUE_FORMAT']],
    ["CREATE STREAM x (a INT) WITH (VALUE_FORMAT = 'AV", '', ["AVRO'"]],
    ['SELECT i', ' FROM orders EMIT CHANGES;', ['id', 'item']],
    ['SELECT o.', ' FROM orders AS o JOIN totals t ON o.item = t.item;', ['ID', 'ITEM', '`lower`']],
    ['SELECT o.ID, t.N', ' FROM orders o JOIN totals t ON o.item = t.item;', ['N']],
    ['DROP STREAM ', '', ['ORDERS', '`small`']],
    ['DROP TABLE IF EXISTS ', '', ['TOTALS']],
    ['TERMINATE ', '', ['ALL', 'CTAS_TOTALS_5']],
    ['EXPLAIN ANALYZE C', '', ['CREATE', 'CTAS_TOTALS_5']],
    ['DESCRIBE FUNCTION NU', '', ['NULLIF']],
    ['SHOW ST', '', ['STREAMS']],
    ['show streams; sel', '', ['select']],
    ['SELECT * FROM orders WHERE nullI', '', []],
  ])('%s', (text, behind, candidates) => {
    const found = completionAt(text, behind, KNOWN);
    // Keywords that are longer words of SQL come along where columns do.
    const named = found.candidates.filter(
      (name) =>
        !['if', 'in', 'is', 'index', 'inner', 'int', 'integer', 'interval', 'into', 'NULL', 'NOT'].includes(name),
    );
    expect(named).toEqual(candidates);
  });

  test('sources are known by name and by alias', () => {
    expect(
      Object.fromEntries(sourcesOf('SELECT 1 FROM a x LEFT JOIN `b c` AS y WITHIN 1 HOUR ON x.i = y.i WHERE 1 = 1')),
    ).toEqual({ A: 'A', X: 'A', 'b c': 'b c', Y: 'b c' });
    expect(Object.fromEntries(sourcesOf('INSERT INTO t SELECT * FROM s EMIT CHANGES'))).toEqual({ T: 'T', S: 'S' });
  });
});

describe('commands', () => {
  test('are told from SQL', () => {
    expect(commandIn('\\dt')?.command.help).toBe('tables');
    expect(commandIn('  HELP ; ')?.command.help).toBe('this text');
    expect(commandIn('\\watch 5')?.argument).toBe('5');
    expect(commandIn('SHOW STREAMS;')).toBeUndefined();
    expect(commandIn('version 3')).toBeUndefined();
    expect(commandIn("SET 'a' = 'b';")).toBeUndefined();
    expect(() => commandIn('\\timingg')).toThrow('\\timingg is not known. Did you mean \\timing?');
  });
});

const withoutTerminal =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true
    ? false
    : 'util-linux’ script is not here to give a terminal';
if (withoutTerminal !== false) console.warn(`skipped: the prompt on a terminal: ${withoutTerminal}`);

describe.skipIf(withoutTerminal !== false)('on a terminal', () => {
  let platform: Platform;
  let home: string;
  let terminal: TerminalSession | undefined;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'millrace-prompt-'));
    platform = await startedIn(join(home, 'data'));
  });
  afterAll(async () => {
    terminal?.kill();
    await platform.stop();
    rmSync(home, { recursive: true, force: true });
  });

  test('statements over several lines, completion, history, Ctrl-C, files', async () => {
    terminal = new TerminalSession(platform.url('sql'), home);
    await terminal.until('ksql> ');
    await terminal.type(
      "CREATE STREAM s (id INT KEY, name STRING)\rWITH (kafka_topic='orders', partitions=1, value_format='json');\r",
      'Stream S created',
    );
    await terminal.type("INSERT INTO s VALUES (1, '日本'); INSERT INTO s VALUES (2, NULL);\r", 'ksql> ');
    await terminal.type('SELECT * FROM s;\r', 'ID  NAME\n──  ────\n 1  日本\n 2  null\n(2 rows)');
    // What is pasted while something runs is run behind it, statements over several lines too.
    await terminal.type(
      'SHOW STREAMS;\rSELECT id\rFROM s;\r\\dt\r',
      /S +orders[^]*ID\n──\n 1\n 2\n\(2 rows\)[^]*Table Name/,
    );
    await terminal.type('SELECT nam', 'SELECT nam');
    await terminal.type('\t', '');
    await terminal.type(' FROM s;\r', 'cannot be resolved');
    await terminal.type('SELECT * FROM s WHERE na', 's WHERE na');
    await terminal.type('\t', 'me');
    await terminal.type(" = '日本';\r", '(1 row)');
    await terminal.type("PRINT 'or", "'or");
    await terminal.type('\t', "ders'");
    await terminal.type(' FROM BEGINNING;\r', 'Key format');
    await terminal.type('\u0003', 'ksql> ');
    await terminal.type("SET 'auto.offset.reset' = 'earliest';\r", 'ksql (earliest)> ');
    await terminal.type('SELECT id FROM s EMIT CHANGES;\r', /\n +2\n/);
    await terminal.type('\u0003', 'Query terminated');
    await terminal.type('SELECT itm FROM s;\r', '  SELECT itm FROM s;\n         ^');
    await terminal.type('\u001b[A\u001b[A', 'EMIT CHANGES;');
    await terminal.type('\u0003', 'ksql (earliest)> ');
    await terminal.type(`\\o ${join(home, 'answers')}\r`, 'ksql (earliest)> ');
    await terminal.type('SELECT id FROM s;\r', 'ksql (earliest)> ');
    await terminal.type('\\o\r', 'ksql (earliest)> ');
    expect(readFileSync(join(home, 'answers'), 'utf8')).toBe('ID\n──\n 1\n 2\n(2 rows)\nQuery Completed\n');
    await terminal.type('\\watch 0.01\r', /(every 0\.01 s[^]*){3}/);
    await terminal.type('\u0003', 'ksql (earliest)> ');
    await terminal.type('\\e\r', /SELECT 7 AS edited FROM s;\nEDITED\n──────\n +7/);
    await terminal.type('\\q\r', '');
    expect(await terminal.ended).toBe(0);

    // Another run has the history, with its lines, and finds in it.
    const next = (terminal = new TerminalSession(platform.url('sql'), home));
    await next.until('ksql> ');
    await next.type('SELECT 1 AS\rone FROM s;\r', /ONE\n[^]*ksql> /);
    await next.type('\u0012SELECT 1', /SELECT 1 AS\none FROM s;/);
    await next.type('\r', /ONE\n/);
    await next.type('\u0012CREATE', /CREATE STREAM s[^]*WITH \(kafka_topic/);
    await next.type('\r', /S already exists|already exists/);
    await next.type('\u0004', '');
    expect(await next.ended).toBe(0);
  }, 120_000);
});

/** `millrace sql` on a terminal of 100 columns; what it shows without colours and moves of the cursor. */
class TerminalSession {
  readonly ended: Promise<number | null>;
  readonly #process: ChildProcess;
  #shown = '';
  #from = 0;

  constructor(url: string, home: string) {
    const command = `stty cols 100 rows 50; exec ${process.execPath} bin/millrace sql ${url}`;
    this.#process = spawn('script', ['-qec', command, '/dev/null'], {
      env: {
        ...process.env,
        MILLRACE_HOME: home,
        TERM: 'xterm',
        VISUAL: 'sh -c \'echo "SELECT 7 AS edited FROM s;" > "$1"\' edit',
        PAGER: '',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += stripVTControlCharacters(text).replaceAll('\r', '');
    });
    this.ended = new Promise((resolve) => this.#process.once('exit', resolve));
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Types, and waits until what is shown from then on has the text. */
  async type(keys: string, expected: string | RegExp): Promise<void> {
    this.#from = this.#shown.length;
    this.#process.stdin!.write(keys);
    await this.until(expected);
  }

  async until(expected: string | RegExp): Promise<void> {
    await vi.waitFor(
      () => {
        const shown = this.#shown.slice(this.#from);
        const isThere = typeof expected === 'string' ? shown.includes(expected) : expected.test(shown);
        if (!isThere) throw new Error(`it doesn't show ${expected}: ${shown}`);
      },
      { timeout: 20_000, interval: 20 },
    );
  }
}

test('completion offers what the service takes: properties of WITH, formats', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-prompt-'));
  const platform = await startedIn(dataDir);
  try {
    const refused = async (named: readonly string[], withClause: (name: string) => string, refusal: RegExp) => {
      const found: string[] = [];
      for (const name of named) {
        const create = `CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='t', PARTITIONS=1, ${withClause(name)});`;
        await platform.sql.execute(`${create} DROP STREAM x;`).catch((error: unknown) => {
          if (refusal.test(String(error))) found.push(name);
        });
      }
      return found;
    };
    expect(await refused([...WITH_PROPERTIES, 'NO_SUCH'], (name) => `${name}='0'`, /Invalid config variable/)).toEqual([
      'NO_SUCH',
    ]);
    expect(await refused([...FORMATS, 'NO_SUCH'], (name) => `VALUE_FORMAT='${name}'`, /unknown format/i)).toEqual([
      'NO_SUCH',
    ]);
  } finally {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

function startedIn(dataDir: string): Promise<Platform> {
  return Platform.start({
    settings: {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
    },
  });
}
