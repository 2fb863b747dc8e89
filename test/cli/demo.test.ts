// The demo as a user runs it, and as a power failure leaves it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ANY_PORTS, Millrace } from './support.ts';

const data = resolve(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet');

describe.skipIf(!existsSync(data))('millrace demo', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
  const run = () => new Millrace(['demo', '-d', dataDir, '--records', '120000', ...ANY_PORTS]);

  test('killed again and again it continues, and ends with verified results', async () => {
    // At the first statement, in the middle of loading, and just before the end.
    for (const moment of [/late_flights /, /\n [3-6]0 % /, /\n 90 % /]) {
      const killed = run();
      await killed.says(moment);
      await killed.kill('SIGKILL');
    }
    const { code, stdout, stderr } = await run().ended;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/verified: [\d,]+ windows, [\d,]+ routes, 0 differences/);
    expect(stdout).toContain('Try next:');
    expect(code).toBe(0);
  });

  test('says what is wrong with its options', async () => {
    expect(await new Millrace(['demo', '--records', 'lots']).ended).toMatchObject({
      code: 1,
      stderr: 'millrace: --records must be a whole number from 1 to 3000000, not "lots".\n',
    });
    const fewer = await new Millrace(['demo', '-d', dataDir, '--records', '10', ...ANY_PORTS]).ended;
    expect(fewer.code).toBe(1);
    expect(fewer.stderr).toContain('already holds 120,000 flights');
  });
});
