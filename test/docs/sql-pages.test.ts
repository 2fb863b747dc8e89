// docs/sql: every statement has a page, and every example on it shows what stands below it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { Catalog } from '../../src/sql/catalog.ts';
import { FORMATS, registeredFormat } from '../../src/sql/formats/all.ts';
import { WITH_PROPERTIES } from '../../src/sql/formats/with-properties.ts';
import type { ShowTopic, Statement } from '../../src/sql/parser/ast.ts';
import { parseScript } from '../../src/sql/parser/parse.ts';
import { RESERVED_WORDS } from '../../src/sql/parser/words.ts';
import { messageOf } from '../../src/util/index.ts';
import { blocksOf } from '../suites/pages.ts';
import { Reader } from './sql-page.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'sql');
const names = readdirSync(folder).map((file) => file.replace(/\.md$/, ''));
const pages = new Map(names.map((name) => [name, readFileSync(join(folder, `${name}.md`), 'utf8')]));

/** The examples of a page, each with what is shown below it. */
function examplesOf(page: string): { readonly sql: string; readonly shown: string | undefined }[] {
  const blocks = blocksOf(page);
  return blocks.flatMap(({ kind, text }, i) => {
    const next = blocks[i + 1];
    return kind === 'sql' ? [{ sql: text, shown: next?.kind === '' ? next.text : undefined }] : [];
  });
}

/** Where each kind of statement is written about: the compiler wants a line for a new one. */
const PAGE_OF: Record<Statement['kind'], string> = {
  createSource: 'create-stream create-table',
  createAsSelect: 'create-as-select',
  insertIntoSelect: 'insert-into-select',
  insertValues: 'insert-values',
  deleteRows: 'delete',
  updateRows: 'update',
  query: 'select-push select-pull',
  dropSource: 'drop',
  alterSource: 'alter',
  createType: 'create-type',
  dropType: 'create-type',
  createFunction: 'create-function',
  createIndex: 'create-index',
  dropIndex: 'create-index',
  dropFunction: 'create-function',
  createConnector: 'connectors',
  dropConnector: 'connectors',
  terminate: 'terminate',
  pause: 'pause-resume',
  resume: 'pause-resume',
  explain: 'explain',
  show: 'show connectors',
  describe: 'describe',
  describeAll: 'describe',
  describeFunction: 'describe',
  describeConnector: 'connectors',
  print: 'print',
  set: 'set',
  unset: 'set',
  alterSystem: 'alter-system',
  define: 'define',
  undefine: 'define',
  assertTopic: 'assert',
  assertSchema: 'assert',
};

const SHOW_PAGE_OF: Record<ShowTopic, string> = {
  PROPERTIES: 'show',
  TOPICS: 'show',
  STREAMS: 'show',
  TABLES: 'show',
  INDEXES: 'show',
  FUNCTIONS: 'show',
  TYPES: 'show',
  VARIABLES: 'show',
  QUERIES: 'show',
  CONNECTORS: 'connectors',
  'SOURCE CONNECTORS': 'connectors',
  'SINK CONNECTORS': 'connectors',
  'CONNECTOR PLUGINS': 'connectors',
};

/** The statements of a page's examples; those that are refused as text are about that. */
function statementsOf(name: string): Statement[] {
  return examplesOf(pages.get(name)!).flatMap(({ sql, shown }) => {
    try {
      return parseScript(sql).map(({ statement }) => statement);
    } catch (error) {
      const [message] = messageOf(error).split('\n');
      if (shown?.includes(message!) === true || /\$\{|RUN SCRIPT/.test(sql)) return [];
      throw error;
    }
  });
}

describe('completeness', () => {
  test.each(Object.entries(PAGE_OF).flatMap(([kind, on]) => on.split(' ').map((name) => [kind, name] as const)))(
    '%s has an example on %s.md',
    (kind, name) => {
      const page = pages.get(name)!;
      const isSession = kind === 'define' || kind === 'undefine';
      if (isSession) expect(page).toMatch(new RegExp(`^${kind.toUpperCase()} \\w+`, 'm'));
      else expect(statementsOf(name).map((statement) => statement.kind)).toContain(kind);
    },
  );

  test.each(Object.entries(SHOW_PAGE_OF))('SHOW %s has an example on %s.md', (what, name) => {
    expect(statementsOf(name).flatMap((one) => (one.kind === 'show' ? [one.what] : []))).toContain(what);
  });

  test('the index names every page', () => {
    const linked = [...pages.get('index')!.matchAll(/\]\(([\w-]+)\.md\)/g)].map(([, name]) => name!);
    expect(linked.toSorted()).toEqual(names.filter((name) => name !== 'index').toSorted());
  });

  test('CREATE STREAM names every property of WITH', () => {
    const page = pages.get('create-stream')!;
    const rows = [...page.matchAll(/^\| (`[A-Z].*?) \|/gm)].flatMap(([, cell]) => cell!.split(', '));
    const known = [...WITH_PROPERTIES].filter((name) => !NOT_OF_CREATE.has(name));
    expect(rows.map((name) => name.replaceAll('`', '')).toSorted()).toEqual([...known, 'CONNECTOR'].toSorted());
  });

  test('every format has a line', () => {
    const rows = [...pages.get('formats')!.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!);
    expect(rows.toSorted()).toEqual(Object.keys(FORMATS).toSorted());
  });

  describe('every type is in Avro and Protobuf what its line says', () => {
    const cells = (line: string): string[] => line.split(' | ').map((cell) => cell.replace(/^\| |\s*\|$/g, ''));
    const lines = [...pages.get('data-types')!.matchAll(/^\| `[A-Z].*$/gm)].map(([line]) => cells(line));
    test.each(lines)('%s', (types, _values, _json, avro, protobuf) => {
      const declared = SAMPLES[/\w+/.exec(types!)![0]]!;
      const [element] = parseScript(`CREATE STREAM s (c ${declared}) WITH (KAFKA_TOPIC='s');`).flatMap(
        ({ statement }) => (statement.kind === 'createSource' ? statement.elements : []),
      );
      const columns = [{ name: 'C', type: new Catalog().resolveType(element!.type) }];
      const written = (format: 'AVRO' | 'PROTOBUF') =>
        registeredFormat(format)!.schemaOf({ columns, bare: false, properties: {} });
      const words = (cell: string): string[] => [...cell.matchAll(/`([\w.-]+)`/g)].map(([, word]) => word!);
      const inAvro = words(avro!).filter((word) => word !== 'STRING');
      expect(inAvro.filter((word) => !written('AVRO').includes(`"${word}"`))).toEqual([]);
      const inProtobuf = words(protobuf!).filter((word) => word !== 'STRING');
      expect(inProtobuf.filter((word) => !written('PROTOBUF').includes(word))).toEqual([]);
      expect(inAvro.length).toBeGreaterThan(0);
    });
  });

  test('every reserved word is named', () => {
    const [, words] = /Reserved words[^]*?\n\n([^]*?)\n\n/.exec(pages.get('lexical-structure')!)!;
    expect(words!.split(/\s+/).map((word) => word.replaceAll('`', ''))).toEqual([...RESERVED_WORDS]);
  });
});

/** A column of each type, by the first word of its line. */
const SAMPLES: Record<string, string> = {
  BOOLEAN: 'BOOLEAN',
  INT: 'INT',
  BIGINT: 'BIGINT',
  DOUBLE: 'DOUBLE',
  DECIMAL: 'DECIMAL(6, 2)',
  STRING: 'STRING',
  BYTES: 'BYTES',
  DATE: 'DATE',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
  ARRAY: 'ARRAY<INT>',
  MAP: 'MAP<STRING, INT>',
  STRUCT: 'STRUCT<a INT>',
};

/** Of other statements, or refused. */
const NOT_OF_CREATE = new Set(['QUERY_ID', 'CLEANUP_POLICY']);

/** Reading twice shows the same, once what was written has arrived. */
const isReading = (sql: string): boolean =>
  (/^SELECT\b/.test(sql) && !/\bEMIT\b/.test(sql)) || /^(SHOW|DESCRIBE) .*CONNECTORS?\b/.test(sql);

describe('what is typed shows what the page says', () => {
  const examples = [...pages].map(([name, page]) => ({
    name,
    examples: examplesOf(page),
    properties: blocksOf(page).find(({ kind }) => kind === 'properties')?.text,
  }));
  test.each(examples.filter((page) => page.examples.length > 0))('$name', async ({ examples, properties }) => {
    const reader = await Reader.start(properties);
    try {
      for (const { sql, shown } of examples) {
        if (shown === undefined) await reader.types(sql);
        else if (isReading(sql)) await vi.waitFor(async () => expect(await shownFor(reader, sql)).toBe(shown), 30_000);
        else expect(await shownFor(reader, sql)).toBe(shown);
      }
    } finally {
      await reader.end();
    }
  });
});

/** A refusal is part of what is shown. */
function shownFor(reader: Reader, sql: string): Promise<string> {
  return reader.types(sql).catch((error: unknown) => reader.refusal(error));
}
