import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterwards, temporaryDirectory } from '../support/worker.ts';
import { jdbcSuite } from './suite.ts';

jdbcSuite(
  'SQLite',
  async () => {
    const path = join(temporaryDirectory(), 'test.db');
    const database = new DatabaseSync(path, { timeout: 5000 });
    afterwards(() => database.close());
    return {
      settings: { 'connection.url': `jdbc:sqlite:${path}` },
      sql: async (text) => database.prepare(text).all() as Record<string, unknown>[],
    };
  },
  { counter: 'INTEGER PRIMARY KEY NOT NULL', moment: 'TIMESTAMP', bytes: 'BLOB' },
);
