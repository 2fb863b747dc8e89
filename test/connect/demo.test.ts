// `npm run demo:connect`, with fewer rows: it compares by itself, and says by its exit code whether all came through.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { postgresMissing } from './support/postgres.ts';

test.skipIf(postgresMissing !== undefined)(
  'the demo ends with what PostgreSQL says itself',
  async () => {
    const demo = join(import.meta.dirname, '..', '..', 'examples', 'connect', 'demo.ts');
    const env = { ...process.env, ORDERS: '3000', CHANGES: '2000' };
    const { stdout } = await promisify(execFile)(process.execPath, [demo], { env, timeout: 240_000 });
    expect(stdout).toContain('Equal to what PostgreSQL says itself');
  },
  250_000,
);
