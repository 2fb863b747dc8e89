// Cases that users met elsewhere, read where they lie: without them there is nothing to test here. Which of them are known
// to be wrong is in field-cases-known.txt, and shrinks.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Platform } from '../../src/platform/index.ts';
import { loadFieldCases } from '../../tools/field-cases/cases.ts';
import { CaseRunner } from '../../tools/field-cases/run-case.ts';

const file = join(import.meta.dirname, '../../../shared/data/field-cases/sql-and-registry.json');
const present = existsSync(file);
if (!present) process.stdout.write(`skipped: there are no field cases at ${file}\n`);

const known = readFileSync(join(import.meta.dirname, 'field-cases-known.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

test.skipIf(!present)('the cases from the field are right, but for those that are known', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-field-'));
  const platform = await Platform.start({
    settings: {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'ksql.streams.auto.offset.reset': 'earliest',
    },
  });
  const runner = new CaseRunner({
    sql: platform.url('sql'),
    registry: platform.url('schema-registry'),
    client: platform.client,
  });
  const wrong: Record<string, string> = {};
  const { setup, cases, right } = loadFieldCases(file);
  for (const statement of setup) expect((await runner.execute(statement)).status).toBe(200);
  for (const each of [...right, ...cases]) {
    const verdict = await runner.run(each);
    if (verdict !== undefined) wrong[each.id] = verdict;
  }
  await runner.close();
  await platform.stop();
  rmSync(dataDir, { recursive: true });
  expect(cases.length).toBeGreaterThan(50);
  expect(Object.entries(wrong).filter(([id]) => !known.includes(id))).toEqual([]);
  expect(known.filter((id) => !(id in wrong))).toEqual([]);
});
