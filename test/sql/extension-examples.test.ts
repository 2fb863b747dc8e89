// The examples of docs/reference/sql-extensions.md are statements that the engine takes, over the sources below, and refuses
// where ksqlDB's limits of the language are in force.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkExtensions } from '../../src/sql/analysis/extensions.ts';
import { planTransient } from '../../src/sql/statements/transient-query.ts';
import { parsedScript, plainEngine } from './support.ts';

const SOURCES = `
  CREATE STREAM sales (id INT KEY, shop STRING, city STRING, item STRING, price DOUBLE, amount INT)
    WITH (KAFKA_TOPIC='sales', FORMAT='JSON', PARTITIONS=2);
  CREATE STREAM returns (id INT KEY, amount INT) WITH (KAFKA_TOPIC='returns', FORMAT='JSON', PARTITIONS=2);
  CREATE STREAM views (page STRING KEY, visitor INT, device STRING)
    WITH (KAFKA_TOPIC='views', FORMAT='JSON', PARTITIONS=2);
  CREATE TABLE last_sales (id INT PRIMARY KEY, city STRING, item STRING, price DOUBLE)
    WITH (KAFKA_TOPIC='last', FORMAT='JSON', PARTITIONS=2);`;

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/sql-extensions.md'), 'utf8');
/** Sections whose examples run on a service: in the tests of what they are about. */
const SECTIONS_RUN = [
  'Pull queries: joins, queries in FROM',
  'Rows of tables: UPDATE, DELETE',
  'Indexes of tables',
  'Headers that are written',
  'Where a source is read from',
  'Why is it empty?',
  'Did you mean …?',
  'What would a replacement do?',
];
const sections = page.split(/^## /m).filter((section) => !SECTIONS_RUN.includes(section.split('\n')[0]!));
const examples = [...sections.join('').matchAll(/```sql\n(.*?)```/gs)]
  .flatMap(([, text]) => parsedScript(text!))
  .map(({ text }) => text.trim());

async function take(text: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const { engine } = plainEngine();
  await engine.execute(SOURCES);
  const [parsed] = parsedScript(text);
  const { statement } = parsed!;
  if (statement.kind !== 'query') {
    await engine.executeStatement(parsed!, settings);
    return;
  }
  const { query } = statement;
  const setting = (name: string) => settings[name];
  checkExtensions(query, text, setting);
  const { catalog, functions } = engine;
  const isAtRest = query.emit === undefined;
  planTransient({ catalog, functions, setting }, query, text, isAtRest);
}

test.each(examples)('%s', async (text) => {
  await expect(take(text, {})).resolves.toBeUndefined();
});

// What only calls other functions is as good in ksqlDB, which does not know them.
const isRead = (text: string) => text.includes('APPROX_');

test.each(examples.filter((text) => !isRead(text)))('refused in ksqlDB: %s', async (text) => {
  await expect(take(text, { 'ksql.query.extensions.enabled': 'false' })).rejects.toThrow('Syntax Error');
});
